"""Non-maximum suppression: of many boxes around one object, the best.

Invariants: no two boxes that `nms` keeps (of one class) overlap by more than its threshold, and
every box that it drops overlaps one that was kept and has at least its score; the order in which
boxes are given decides nothing but ties.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.boxes.formats import Boxes, as_boxes
from tracklab.boxes.overlap import iou

METHODS = ("gaussian", "linear")

# Boxes whose overlaps `nms` computes at once: one at a time would cost five times as much, and all
# with all would fill the memory where there are tens of thousands.
BLOCK = 64


def nms(
    boxes: ArrayLike,
    scores: ArrayLike,
    *,
    threshold: float = 0.5,
    labels: ArrayLike | None = None,
    most: int | None = None,
) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: the indices `(K,)` of the boxes to keep, best first.

    Take the box with the highest score, drop what overlaps it by more than `threshold`, and again
    with what is left (Felzenszwalb et al., "Object detection with discriminatively trained
    part-based models", 2010, section 7.2, with IoU for the overlap). A box whose IoU is equal to
    the threshold stays, as in `tf.image.non_max_suppression` and OpenCV.

    boxes: `(N, 4)`. scores: `(N,)`, of equal ones the lower index is taken first.
    threshold: 0 to 1. labels: `(N,)` classes, where a box is to suppress its own class alone.
    most: stop after so many. Raises `InputError` where shapes do not agree and for boxes and scores
    that are not finite.

    >>> nms([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7])
    array([1, 2])
    """
    boxes, scores, labels = _checked(boxes, scores, labels)
    threshold = errors.number("threshold", threshold, low=0, high=1)
    if most is not None:
        errors.number("most", most, low=0, whole=True)
    order = np.argsort(-scores, kind="stable")
    boxes, labels = boxes[order], labels[order]
    alive = np.ones(len(boxes), bool)
    kept: list[int] = []
    for start in range(0, len(boxes), BLOCK):
        if most is not None and len(kept) >= most:
            break
        block = start + np.flatnonzero(alive[start : start + BLOCK])
        overlaps = iou(boxes[block], boxes[start:])
        drops = (overlaps > threshold) & (labels[block, None] == labels[start:])
        for best, dropped in zip(block.tolist(), drops, strict=True):
            if alive[best]:
                kept.append(best)
                alive[start:] &= ~dropped
    return order[kept[:most]].astype(np.int64)


def soft_nms(
    boxes: ArrayLike,
    scores: ArrayLike,
    *,
    method: str = "gaussian",
    sigma: float = 0.5,
    threshold: float = 0.5,
    floor: float = 0.001,
    labels: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Soft-NMS: a box that overlaps a better one loses score instead of being dropped.

    Bodla et al., "Soft-NMS: improving object detection with one line of code", ICCV 2017,
    section 3. Returns the indices `(K,)`, best first, and their new scores `(K,)`.

    boxes: `(N, 4)`. scores: `(N,)`, at least 0: the decay of a negative one would raise it. Of
    equal ones the lower index is taken first.
    method: "gaussian" multiplies by `exp(-IoU**2 / sigma)` (TensorFlow writes
    `exp(-IoU**2 / (2 sigma))`: its sigma is half of this one); "linear" by `1 - IoU` where the IoU
    is at least `threshold`. floor: boxes whose score falls below this are dropped.
    labels: `(N,)` classes, where a box is to lower its own class alone. Raises `InputError` where
    `nms` does.

    >>> index, score = soft_nms([[0, 0, 10, 10], [5, 0, 15, 10]], [0.9, 0.8])
    >>> index, score.round(3)
    (array([0, 1]), array([0.9  , 0.641], dtype=float32))
    """
    boxes, scores, labels = _checked(boxes, scores, labels)
    if (scores < 0).any():
        errors.bad("scores", float(scores.min()), "scores of at least 0")
    errors.choice("method", method, METHODS)
    sigma = errors.number("sigma", sigma, low=0)
    if sigma == 0:
        errors.bad("sigma", sigma, "a number above 0")
    threshold = errors.number("threshold", threshold, low=0, high=1)
    floor = errors.number("floor", floor, low=0)
    left = np.flatnonzero(scores >= floor)
    kept: list[int] = []
    while left.size:
        best = left[np.argmax(scores[left])]
        kept.append(best)
        left = left[left != best]
        overlaps = iou(boxes[[best]], boxes[left])[0]
        if method == "gaussian":
            # s = s exp(-IoU^2 / sigma)
            decay = np.exp(-(overlaps**2) / sigma)
        else:
            # s = s (1 - IoU) where IoU >= threshold
            decay = np.where(overlaps >= threshold, 1 - overlaps, 1)
        scores[left] *= np.where(labels[left] == labels[best], decay, 1)
        left = left[scores[left] >= floor]
    return np.array(kept, np.int64), scores[kept].astype(np.float32)


def _checked(
    boxes: Any, scores: Any, labels: Any
) -> tuple[Boxes, NDArray[np.float64], NDArray[Any]]:
    """Boxes `(N, 4)`, scores `(N,)` and labels `(N,)` (all 0 if None), new arrays."""
    boxes = as_boxes(boxes)
    if boxes.ndim != 2:
        errors.bad("boxes", boxes, "shape (N, 4)")
    wanted = f"{len(boxes)} finite numbers, one a box"
    scores = _column("scores", scores, len(boxes), "iuf", wanted).astype(np.float64)
    if not np.isfinite(scores).all():
        errors.bad("scores", float(scores[~np.isfinite(scores)][0]), wanted)
    if labels is None:
        return boxes, scores, np.zeros(len(boxes), np.int64)
    wanted = f"{len(boxes)} whole numbers, one a box"
    return boxes, scores, _column("labels", labels, len(boxes), "iu", wanted)


def _column(name: str, values: Any, count: int, kinds: str, wanted: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        errors.bad(name, values, wanted)
    if array.shape != (count,) or (count and array.dtype.kind not in kinds):
        errors.bad(name, values if array.ndim == 0 else array, wanted)
    return array
