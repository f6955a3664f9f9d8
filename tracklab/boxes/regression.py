"""A box as four offsets from an anchor: what a detector's network puts out and learns.

Invariant, to float32 rounding: `decode(anchors, encode(anchors, boxes)) == boxes`, for boxes up to
62.5 times as wide and as high as their anchors (see `GROWTH`).

Offsets are free of the image's scale: where anchor and box are moved or enlarged together they stay
the same, so one layer serves small objects and large ones, wherever they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.boxes.arrays import CORNERS, Array, four, namespace, single, together, wide
from tracklab.boxes.formats import as_boxes

# The largest `dw` and `dh` that `decode` believes. An untrained network may say 100, and exp(100)
# is no width. A box 1000 pixels wide seen by an anchor of 16 pixels is as much as anybody asks for:
# published detectors scale images to about 1000 pixels and have no anchors below 16.
GROWTH = math.log(1000 / 16)

# The least width and height, in pixels, that `encode` sees in tensors: a graph cannot refuse a box
# without area, and one infinite offset makes a loss NaN though the box counts for nothing in it.
SMALLEST = 1e-6

OFFSETS = "offsets dx, dy, dw, dh"


def encode(anchors: Array, boxes: Array) -> Array:
    """Offsets `(..., 4)` as `dx, dy, dw, dh` that lead from `anchors (..., 4)` to `boxes (..., 4)`.

    Girshick et al., "Rich feature hierarchies for accurate object detection and semantic
    segmentation", CVPR 2014, appendix C, equations 6 to 9. Leading axes broadcast. NaN where an
    anchor or a box is absent. Raises `InputError` for another shape, and for NumPy boxes or anchors
    without a width and a height, which have no logarithm; in tensors these count as `SMALLEST`, so
    that offsets are finite: a flat anchor is 0 away from itself.

    >>> encode([0, 0, 10, 10], [5, 0, 15, 20]).round(3)
    array([0.5  , 0.5  , 0.   , 0.693], dtype=float32)
    """
    xp = namespace(anchors, boxes)
    anchors, boxes = _with_area(anchors, "anchors", xp), _with_area(boxes, "boxes", xp)
    anchors, boxes = together(anchors, "anchors", boxes, "boxes", xp)
    ax, ay, aw, ah = _centers_and_sizes(xp, anchors)
    bx, by, bw, bh = _centers_and_sizes(xp, boxes)
    aw, ah, bw, bh = (xp.maximum(side, SMALLEST) for side in (aw, ah, bw, bh))
    # dx = (bx - ax) / aw, dy = (by - ay) / ah
    dx, dy = (bx - ax) / aw, (by - ay) / ah
    # dw = log(bw / aw), dh = log(bh / ah)
    dw, dh = xp.log(bw / aw), xp.log(bh / ah)
    return single(xp.stack([dx, dy, dw, dh], axis=-1))


def decode(anchors: Array, offsets: Array, *, clamp: float = GROWTH) -> Array:
    """Boxes `(..., 4)` that lie at `offsets (..., 4)` from `anchors (..., 4)`.

    Girshick et al., CVPR 2014, appendix C, equations 1 to 4, with the clamp that implementations
    have added since. `dw` and `dh` above `clamp` count as `clamp`, and have no gradient there.
    Leading axes broadcast. Raises `InputError` for another shape, for NumPy anchors that are not
    boxes, and for NumPy offsets without end; a NaN in either makes an absent box, four NaNs.

    >>> decode([0, 0, 10, 10], [0.5, 0, 0, 0])
    array([ 5.,  0., 15., 10.], dtype=float32)
    """
    xp = namespace(anchors, offsets)
    clamp = errors.number("clamp", clamp, low=0)
    anchors, offsets = _boxes(anchors, "anchors", xp), _offsets(offsets, xp)
    anchors, offsets = together(anchors, "anchors", offsets, "offsets", xp)
    ax, ay, aw, ah = _centers_and_sizes(xp, anchors)
    dx, dy, dw, dh = xp.unstack(offsets, axis=-1)
    # x = ax + dx aw, y = ay + dy ah
    x, y = ax + dx * aw, ay + dy * ah
    # w = aw exp(dw), h = ah exp(dh)
    w, h = aw * xp.exp(xp.minimum(dw, clamp)), ah * xp.exp(xp.minimum(dh, clamp))
    found = xp.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)
    # one offset that is not known leaves no side of the box known: half a box would be none
    return single(xp.where(xp.any(xp.isnan(found), axis=-1, keepdims=True), np.nan, found))


def _centers_and_sizes(xp: Any, boxes: Array) -> tuple[Array, Array, Array, Array]:
    x1, y1, x2, y2 = xp.unstack(boxes, axis=-1)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _boxes(boxes: Array, name: str, xp: Any) -> Array:
    return wide(as_boxes(boxes, name, absent=True)) if xp is np else four(boxes, name, xp)


def _with_area(boxes: Array, name: str, xp: Any) -> Array:
    array = _boxes(boxes, name, xp)
    if xp is np:
        flat = (array[..., 2:] <= array[..., :2]).any(-1)
        if flat.any():
            row = tuple(int(i) for i in np.argwhere(flat)[0])
            came = errors.Said(f"{array[row].tolist()} at index {list(row)}")
            errors.bad(name, came, f"boxes with a width and a height, {CORNERS}")
    return array


def _offsets(offsets: Array, xp: Any) -> Array:
    array = wide(four(offsets, "offsets", xp, holds=OFFSETS))
    if xp is np and np.isinf(array).any():
        row = tuple(int(i) for i in np.argwhere(np.isinf(array))[0][:-1])
        came = errors.Said(f"{array[row].tolist()} at index {list(row)}")
        errors.bad("offsets", came, f"finite {OFFSETS} (or NaN where absent)")
    return array
