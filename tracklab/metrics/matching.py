"""Which detection found which object of one class in one frame: where every count begins.

Detections choose in the order of their scores, the surest first. Benchmarks differ in the rest,
so there are two rules, `match_coco` and `match_voc`.

Invariant: an object that counts is found by one detection at most; a second one that fits it is
a mistake.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NOBODY = -1  # the number of the object that a detection found, where it found none
# linspace and not 0.5 + 0.05 * k: thresholds must round as COCO's own do
IOUS: NDArray[np.float64] = np.linspace(0.50, 0.95, 10)
ALMOST_ONE = 1 - 1e-10  # COCO asks for no more: the IoU of equal boxes may round to just below 1


def overlaps(
    boxes: ArrayLike, objects: ArrayLike, *, crowds: ArrayLike | None = None
) -> NDArray[np.float64]:
    """IoU `(K, M)`, 0 to 1, of detections `(K, 4)` with objects `(M, 4)`, in float64.

    crowds: `(M,)` booleans, where an object is a crowd. A detection lies in a crowd as far as its
        own area does: the union gives way to the area of the detection (COCO's rule).

    `boxes.iou` is the same number rounded to float32, in which an overlap of exactly 7/10 lies
    below the threshold 0.7: whoever compares with thresholds needs the digits.
    """
    a = np.asarray(boxes, np.float64).reshape(-1, 1, 4)
    b = np.asarray(objects, np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    sides = np.maximum(sides, 0)
    shared = sides[..., 0] * sides[..., 1]
    area_a, area_b = ((box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b))
    # IoU = |a and b| / (|a| + |b| - |a and b|)
    whole = area_a + area_b - shared
    if crowds is not None:
        whole = np.where(np.asarray(crowds, bool), area_a, whole)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def match_coco(
    overlap: NDArray[np.float64],
    thresholds: ArrayLike,
    *,
    ignored: ArrayLike | None = None,
    crowds: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """The object `(T, K)` that each detection found, or `NOBODY`, at each of `T` thresholds.

    overlap: `(K, M)` of detections, best first, with objects: see `overlaps`.
    thresholds: `(T,)` least overlaps, 0 to 1.
    ignored: `(M,)` booleans: objects that do not count. A detection takes one only where no object
        that counts is left for it.
    crowds: `(M,)` booleans: objects that any number of detections may take.

    Each detection takes, of the objects that nobody took before it, the one with which it overlaps
    most, if that is at least the threshold; of equal ones the last. The protocol of Lin et al.,
    "Microsoft COCO" (2014), as its reference implementation, pycocotools, has it.
    """
    count, objects = overlap.shape
    bar = np.minimum(np.atleast_1d(np.asarray(thresholds, np.float64)), ALMOST_ONE)[:, None]
    ignored = np.zeros(objects, bool) if ignored is None else np.asarray(ignored, bool)
    crowds = np.zeros(objects, bool) if crowds is None else np.asarray(crowds, bool)
    found = np.full((len(bar), count), NOBODY, np.int64)
    free = np.ones((len(bar), objects), bool)
    hopeful = (overlap >= bar.min(initial=1.0)).any(1)  # the others fit nothing at any threshold
    for k in np.flatnonzero(hopeful):
        fits = (overlap[k] >= bar) & free  # (T, M)
        counts = fits & ~ignored
        fits = np.where(counts.any(1, keepdims=True), counts, fits)
        # the last of the largest is the first from behind
        best = objects - 1 - np.argmax(np.where(fits, overlap[k], -1.0)[:, ::-1], axis=1)
        hit = np.flatnonzero(fits.any(1))
        found[hit, k] = best[hit]
        free[hit, best[hit]] = crowds[best[hit]]
    return found


def match_voc(
    overlap: NDArray[np.float64], threshold: float, *, difficult: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The object `(K,)` that each detection found, or `NOBODY`; and which ones `(K,)` count.

    overlap: `(K, M)` of detections, best first, with objects: see `overlaps`.
    difficult: `(M,)` booleans: whoever overlaps most with such an object does not count.

    Each detection looks only at the object with which it overlaps most, of equal ones the first. If
    that overlap exceeds the threshold, it found the object; but if a surer detection did so before,
    it is a mistake, even where another object next to it is still free. Everingham et al., "The
    PASCAL Visual Object Classes (VOC) Challenge" (2010), sections 4.2 and 4.4. Where references
    differ: the paper and the wide-spread Python port want more than the threshold, which is
    followed here; the development kit takes what equals it, too. The kit measures boxes in
    whole pixels, `x2 - x1 + 1`; here they are continuous, `x2 - x1`.
    """
    count, objects = overlap.shape
    difficult = np.zeros(objects, bool) if difficult is None else np.asarray(difficult, bool)
    found, counts = np.full(count, NOBODY, np.int64), np.ones(count, bool)
    free = np.ones(objects, bool)
    for k in np.flatnonzero((overlap > threshold).any(1)):
        best = int(np.argmax(overlap[k]))
        if difficult[best]:
            counts[k] = False
        elif free[best]:
            found[k], free[best] = best, False
    return found, counts
