"""What a box is, checked at a door, and the ways in which other people write it.

Invariants, to float32 rounding: `xywh_to_xyxy(xyxy_to_xywh(b)) == b` and
`cxcywh_to_xyxy(xyxy_to_cxcywh(b)) == b`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.boxes.arrays import CORNERS, Array, four, namespace

Boxes = NDArray[np.float32]


def as_boxes(boxes: ArrayLike, name: str = "boxes", *, absent: bool = False) -> Boxes:
    """Check boxes at a door: `(..., 4)` float32 `xyxy` pixels, a new array.

    `absent=True` admits rows of four NaNs, the box of an object that is not there. Raises
    `InputError` for another shape, values that are not finite, and corners in the wrong order
    (`x2 < x1` or `y2 < y1`). Boxes without area are allowed: a point is a box.

    >>> as_boxes([[0, 0, 2, 1]])
    array([[0., 0., 2., 1.]], dtype=float32)
    """
    array: Boxes = four(boxes, name)
    known = np.isfinite(array)
    if absent:
        known |= np.isnan(array).all(-1, keepdims=True)
    if not known.all():
        row = tuple(int(i) for i in np.argwhere(~known)[0][:-1])
        wanted = f"finite {CORNERS}" + (" (or four NaNs where absent)" if absent else "")
        errors.bad(name, errors.Said(f"{array[row].tolist()} at index {list(row)}"), wanted)
    crossed = (array[..., 2:] < array[..., :2]).any(-1)
    if crossed.any():
        row = tuple(int(i) for i in np.argwhere(crossed)[0])
        errors.bad(
            name,
            errors.Said(f"{array[row].tolist()} at index {list(row)}"),
            f"{CORNERS} with x1 <= x2 and y1 <= y2 (is this xywh? see boxes.xywh_to_xyxy)",
        )
    return array


def as_box(box: ArrayLike, name: str = "box") -> Boxes:
    """Check one box, `(4,)` float32 `xyxy` pixels with an area; raises `InputError` otherwise."""
    array = as_boxes(box, name)
    if array.shape != (4,):
        errors.bad(name, array, f"one box of shape (4,), {CORNERS}")
    if not (sizes(array) > 0).all():
        errors.bad(name, errors.Said(str(array.tolist())), "a box with a width and a height")
    return array


def xyxy_to_xywh(boxes: Array) -> Array:
    """Corners `x1, y1, x2, y2` to corner and size `x, y, w, h` (OpenCV, OTB, MOTChallenge).

    >>> xyxy_to_xywh([10, 20, 40, 60])
    array([10., 20., 30., 40.], dtype=float32)
    """
    xp = namespace(boxes)
    b = four(boxes, "boxes", xp)
    # w = x2 - x1, h = y2 - y1
    return xp.concatenate([b[..., :2], b[..., 2:] - b[..., :2]], axis=-1)


def xywh_to_xyxy(boxes: Array) -> Array:
    """Corner and size `x, y, w, h` to corners `x1, y1, x2, y2`.

    Raises `InputError` for another shape, and for NumPy boxes with a size below 0.

    >>> xywh_to_xyxy([10, 20, 30, 40])
    array([10., 20., 40., 60.], dtype=float32)
    """
    xp = namespace(boxes)
    b = four(boxes, "boxes", xp)
    if xp is np and (b[..., 2:] < 0).any():
        row = tuple(int(i) for i in np.argwhere((b[..., 2:] < 0).any(-1))[0])
        came = errors.Said(f"{b[row].tolist()} at index {list(row)}")
        errors.bad("boxes", came, "x, y, w, h with w and h of at least 0")
    # x2 = x + w, y2 = y + h
    return xp.concatenate([b[..., :2], b[..., :2] + b[..., 2:]], axis=-1)


def xyxy_to_cxcywh(boxes: Array) -> Array:
    """Corners to centre and size `cx, cy, w, h` (the form in which networks regress).

    >>> xyxy_to_cxcywh([10, 20, 40, 60])
    array([25., 40., 30., 40.], dtype=float32)
    """
    xp = namespace(boxes)
    b = four(boxes, "boxes", xp)
    # c = (x1 + x2) / 2
    return xp.concatenate([(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], axis=-1)


def cxcywh_to_xyxy(boxes: Array) -> Array:
    """Centre and size `cx, cy, w, h` to corners.

    >>> cxcywh_to_xyxy([25, 40, 30, 40])
    array([10., 20., 40., 60.], dtype=float32)
    """
    xp = namespace(boxes)
    b = four(boxes, "boxes", xp)
    # x1 = cx - w / 2, x2 = cx + w / 2
    return xp.concatenate([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], axis=-1)


def centers(boxes: Array) -> Array:
    """Centres `(..., 2)` as `x, y` of boxes `(..., 4)`: where the object is.

    >>> centers([10, 20, 40, 60])
    array([25., 40.], dtype=float32)
    """
    return xyxy_to_cxcywh(boxes)[..., :2]


def sizes(boxes: Array) -> Array:
    """Widths and heights `(..., 2)` of boxes `(..., 4)`."""
    return xyxy_to_xywh(boxes)[..., 2:]


def clip(boxes: Array, height: Any, width: Any) -> Array:
    """The part of each box inside an image of `height` x `width` pixels.

    A box wholly outside becomes one without area on the nearest edge. Tensors are taken too, for
    the size as well.

    >>> clip([-5, 10, 200, 50], height=40, width=100)
    array([  0.,  10., 100.,  40.], dtype=float32)
    """
    xp = namespace(boxes, height, width)
    if xp is np:
        height = errors.number("height", height, low=0)
        width = errors.number("width", width, low=0)
    x1, y1, x2, y2 = xp.unstack(four(boxes, "boxes", xp), axis=-1)
    # min(max(x, 0), width), min(max(y, 0), height)
    x1, x2 = (xp.minimum(xp.maximum(x, 0), width) for x in (x1, x2))
    y1, y2 = (xp.minimum(xp.maximum(y, 0), height) for y in (y1, y2))
    return xp.stack([x1, y1, x2, y2], axis=-1)


def from_mask(mask: NDArray[Any]) -> Boxes:
    """The tight box `(4,)` of the true pixels of a mask `(H, W)`; four NaNs if there are none.

    >>> from_mask(np.eye(3) > 0)
    array([0., 0., 3., 3.], dtype=float32)
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        errors.bad("mask", mask, "a mask of shape (H, W)")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return np.full(4, np.nan, np.float32)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
