"""Where one tracker said an object is beside where it was: the numbers of each frame.

Invariant: a prediction equal to the truth has overlap 1 and distance 0 in each frame with truth,
and the frame in which the object was given counts so whatever was predicted there.

What is judged is a box around the same object in each of `T` frames, `(T, 4)` xyxy pixels. Numbers
are computed in float64, of float64 where that is what came: a threshold is met or missed by the
values as they stand.

About a frame without truth the reference implementations do not agree, nor about a frame in which
a tracker says nothing. Each choice has a name here, and each reference is a pair of them:

| reference | `missing` | `silent` |
|---|---|---|
| pytracking, on OTB | `DROPPED` | `HELD` |
| GOT-10k toolkit, on OTB | `MISSED` | `MISSED` |
| OTB's own toolbox (Matlab) | `HIT` | `HELD` |
| here, unless something else is said | `DROPPED` | `MISSED` |

A frame that nobody annotated tells nothing about a tracker, so it is dropped. A tracker that says
nothing has not found the object, so it has missed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

DROPPED = "dropped"  # a frame without truth does not count
MISSED = "missed"  # it counts, and the object was not found in it
HIT = "hit"  # it counts: found by its distance, not found by its overlap
HELD = "held"  # a tracker that says nothing says once more what it said before
FIRST_PIXEL = 1  # OTB's toolbox sees pixels that count from 1


@dataclass(frozen=True, eq=False)
class Comparison:
    """What each of `T` frames says about a tracker.

    overlaps: `(T,)` IoU, 0 to 1; 0 where the object was missed.
    distances: `(T,)` pixels between the centres; infinite where the object was missed.
    normalized: `(T,)` the same, each axis in widths or heights of the true box.
    counted: `(T,)` frames that count; in the others the numbers are NaN.
    """

    overlaps: Numbers
    distances: Numbers
    normalized: Numbers
    counted: Flags


def compare(pred: Any, truth: Any, *, missing: str = DROPPED, silent: str = MISSED) -> Comparison:
    """Lay a prediction beside the truth, frame by frame.

    pred: `(T, 4)` xyxy pixels, or what has such `boxes` (a `Track`). A row with NaN or infinity in
        it says that the tracker saw nothing.
    truth: `(T, 4)` xyxy pixels, four NaNs where the object is absent or not annotated; or a
        `Truth` of one object.
    missing: `DROPPED`, `MISSED` or `HIT`: what becomes of frames without truth. Truth without an
        area is none either, but to `MISSED`, by whose reference it is a box that nothing overlaps;
        to `HIT`, a box that begins left of the picture or above it is none (in its reference
        pixels count from 1, and all four numbers must be above 0).
    silent: `MISSED` or `HELD`: what becomes of frames in which the tracker saw nothing. To `HELD`
        a box without area is nothing, too.

    The first frame with truth counts as given: the tracker was started on that box.

    Raises `InputError` for other shapes, different numbers of frames, no frames, a truth that is
    nowhere, and corners in the wrong order.
    """
    errors.choice("missing", missing, (DROPPED, MISSED, HIT))
    errors.choice("silent", silent, (MISSED, HELD))
    boxes, known = pair(pred, truth)
    there, said = finite(known), finite(boxes)
    if silent == HELD:
        boxes, said = _held(boxes, said, there)
    given = int(np.argmax(there))
    boxes[given], said[given] = known[given], True
    valid = there.copy()
    if missing != MISSED:
        valid &= (known[:, 2:] > known[:, :2]).all(-1)
    if missing == HIT:
        valid &= (known[:, :2] + FIRST_PIXEL > 0).all(-1)
    both = there & said
    overlaps = np.where(both, iou(boxes, known), 0.0)
    distances, normalized = _distances(boxes, known, both)
    overlaps[~valid] = 0.0
    distances[~valid] = normalized[~valid] = 0.0 if missing == HIT else np.inf
    counted = valid if missing == DROPPED else np.full(len(valid), True)
    if not counted.any():
        errors.bad("truth", errors.Said("no box with an area"), "a box in at least one frame")
    for numbers in (overlaps, distances, normalized):
        numbers[~counted] = np.nan
    return Comparison(overlaps, distances, normalized, counted)


def pair(pred: Any, truth: Any) -> tuple[Numbers, Numbers]:
    """Boxes `(T, 4)` of the prediction and of the truth: checked, new arrays of float64."""
    boxes, known = _boxes("pred", pred), _boxes("truth", truth)
    if len(boxes) != len(known):
        came = errors.Said(f"{len(boxes)} frames of pred and {len(known)} of truth")
        errors.bad("pred and truth", came, "as many of the one as of the other")
    if not len(known):
        errors.bad("truth", errors.Said("no frames"), "at least one frame")
    wrong = ~finite(known) & ~np.isnan(known).all(-1)
    if wrong.any():
        frame = int(np.argmax(wrong))
        came = errors.Said(f"{known[frame].tolist()} in frame {frame}")
        errors.bad("truth", came, "finite pixels, or four NaNs where the object is absent")
    if not finite(known).any():
        errors.bad("truth", errors.Said("NaNs in every frame"), "a box in at least one frame")
    return boxes, known


def finite(boxes: Numbers) -> Flags:
    """Rows `(T,)` whose four numbers are finite."""
    return np.asarray(np.isfinite(boxes).all(-1))


def iou(a: Numbers, b: Numbers) -> Numbers:
    """Overlap `(T,)`, 0 to 1, of two boxes `(T, 4)` frame by frame; 0 where neither has an area.

    >>> iou(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0]]))
    array([0.33333333])
    """
    with np.errstate(invalid="ignore"):
        # |a and b|
        w = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
        h = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
        shared = np.maximum(w, 0) * np.maximum(h, 0)
        # |a or b| = |a| + |b| - |a and b|
        union = _area(a) + _area(b) - shared
    # IoU = |a and b| / |a or b|
    return np.divide(shared, union, out=np.zeros(len(union)), where=union > 0)


def _area(boxes: Numbers) -> Numbers:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _distances(boxes: Numbers, known: Numbers, both: Flags) -> tuple[Numbers, Numbers]:
    """Distances `(T,)` of the centres, in pixels and in sizes of the true box."""
    # OTB's centre of x, y, w, h is x + (w - 1) / 2, in pixels that count from 1. In our corners
    # that is (x1 + x2 + 1) / 2. What differs from (x1 + x2) / 2 is the same on both sides: it
    # moves no distance, be it in pixels or in widths.
    apart = (boxes[:, :2] + boxes[:, 2:]) / 2 - (known[:, :2] + known[:, 2:]) / 2
    size = known[:, 2:] - known[:, :2]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # d = |c - c'|
        distances = np.sqrt(np.square(apart).sum(-1))
        # d_n = |((c_x - c'_x) / w, (c_y - c'_y) / h)| (Muller et al. 2018)
        normalized = np.sqrt(np.square(apart / size).sum(-1))
    normalized[np.isnan(normalized)] = np.inf  # a true box without a size
    return np.where(both, distances, np.inf), np.where(both, normalized, np.inf)


def _held(boxes: Numbers, said: Flags, there: Flags) -> tuple[Numbers, Flags]:
    """Each box that is none, replaced by the one before it, in frames that have truth."""
    said &= (boxes[:, 2:] > boxes[:, :2]).all(-1)
    for frame in range(1, len(boxes)):
        if there[frame] and not said[frame]:
            boxes[frame] = boxes[frame - 1]
    return boxes, finite(boxes)


def _boxes(name: str, value: Any) -> Numbers:
    """Boxes `(T, 4)` in float64, a new array; corners in order where they are numbers."""
    boxes = getattr(value, "boxes", value)
    wanted = "boxes of shape (T, 4), xyxy pixels"
    try:
        array: Numbers = np.array(boxes, np.float64)
        if np.iscomplexobj(boxes):
            raise TypeError("NumPy would drop the imaginary part")
    except (TypeError, ValueError):
        errors.bad(name, boxes, wanted)
    if boxes is not value and array.ndim == 3:  # a Truth, (T, N, 4)
        if array.shape[1] != 1:
            came = errors.Said(f"a truth of {array.shape[1]} objects")
            errors.bad(name, came, "that of one: truth.boxes[:, k]")
        array = array[:, 0]
    if array.ndim == 1 and not array.size:
        array = array.reshape(0, 4)  # an empty list is no boxes
    if array.ndim != 2 or array.shape[1] != 4:
        errors.bad(name, array if array.ndim else boxes, wanted)
    with np.errstate(invalid="ignore"):
        crossed = finite(array) & (array[:, 2:] < array[:, :2]).any(-1)
    if crossed.any():
        frame = int(np.argmax(crossed))
        came = errors.Said(f"{array[frame].tolist()} in frame {frame}")
        wanted = "xyxy with x1 <= x2 and y1 <= y2 (is this xywh? see boxes.xywh_to_xyxy)"
        errors.bad(name, came, wanted)
    return array
