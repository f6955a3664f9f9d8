"""Boxes: axis-aligned rectangles in pixels, their formats, and how much two of them share.

A box is `x1, y1, x2, y2` in float32 ("xyxy"): the upper left corner and the lower right one, in
continuous image coordinates, where the pixel in row `i` and column `j` covers `[j, j + 1) x
[i, i + 1)`. So a mask of one pixel has a box of width 1, and `width == x2 - x1` without a "+ 1".

Functions take `(..., 4)` arrays, return new ones and never change what they were given. A box of
an object that is not there is four NaNs; every overlap with it is 0. `as_boxes` refuses corners in
the wrong order; elsewhere a box with `x2 < x1` or `y2 < y1` covers nothing: its area and every
overlap with it are 0.

Invariants, to float32 rounding: `xywh_to_xyxy(xyxy_to_xywh(b)) == b`, `iou(a, b) == iou(b, a).T`,
`iou(a, a) == 1` for boxes with a width and a height, however small or large, and `giou <= iou`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

Boxes = NDArray[np.float32]

CORNERS = "float32 xyxy corners in pixels"


def as_boxes(boxes: ArrayLike, name: str = "boxes", *, absent: bool = False) -> Boxes:
    """Check boxes at a door: `(..., 4)` float32 `xyxy` pixels, a new array.

    `absent=True` admits rows of four NaNs, the box of an object that is not there. Raises
    `InputError` for another shape, values that are not finite, and corners in the wrong order
    (`x2 < x1` or `y2 < y1`). Boxes without area are allowed: a point is a box.

    >>> as_boxes([[0, 0, 2, 1]])
    array([[0., 0., 2., 1.]], dtype=float32)
    """
    array = _four(boxes, name)
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


def _four(boxes: ArrayLike, name: str) -> Boxes:
    """A new float32 array whose last axis has four numbers."""
    try:
        if np.iscomplexobj(boxes):
            raise TypeError("NumPy would drop the imaginary part")
        array = np.array(boxes, dtype=np.float32)
    except (TypeError, ValueError):
        errors.bad(name, boxes, f"numbers of shape (..., 4), {CORNERS}")
    if array.ndim == 1 and array.size == 0:
        array = array.reshape(0, 4)  # an empty list is no boxes
    if array.ndim < 1 or array.shape[-1] != 4:
        errors.bad(name, array, f"shape (..., 4), {CORNERS}")
    return array


def xyxy_to_xywh(boxes: ArrayLike) -> Boxes:
    """Corners `x1, y1, x2, y2` to corner and size `x, y, w, h` (OpenCV, OTB, MOTChallenge).

    >>> xyxy_to_xywh([10, 20, 40, 60])
    array([10., 20., 30., 40.], dtype=float32)
    """
    b = _four(boxes, "boxes")
    # w = x2 - x1, h = y2 - y1
    return np.concatenate([b[..., :2], b[..., 2:] - b[..., :2]], axis=-1)


def xywh_to_xyxy(boxes: ArrayLike) -> Boxes:
    """Corner and size `x, y, w, h` to corners `x1, y1, x2, y2`.

    >>> xywh_to_xyxy([10, 20, 30, 40])
    array([10., 20., 40., 60.], dtype=float32)
    """
    b = _four(boxes, "boxes")
    # x2 = x + w, y2 = y + h
    return np.concatenate([b[..., :2], b[..., :2] + b[..., 2:]], axis=-1)


def xyxy_to_cxcywh(boxes: ArrayLike) -> Boxes:
    """Corners to centre and size `cx, cy, w, h` (the form in which networks regress).

    >>> xyxy_to_cxcywh([10, 20, 40, 60])
    array([25., 40., 30., 40.], dtype=float32)
    """
    b = _four(boxes, "boxes")
    # c = (x1 + x2) / 2
    return np.concatenate([(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], axis=-1)


def cxcywh_to_xyxy(boxes: ArrayLike) -> Boxes:
    """Centre and size `cx, cy, w, h` to corners.

    >>> cxcywh_to_xyxy([25, 40, 30, 40])
    array([10., 20., 40., 60.], dtype=float32)
    """
    b = _four(boxes, "boxes")
    # x1 = cx - w / 2, x2 = cx + w / 2
    return np.concatenate([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], axis=-1)


def centers(boxes: ArrayLike) -> NDArray[np.float32]:
    """Centres `(..., 2)` as `x, y` of boxes `(..., 4)`: where the object is.

    >>> centers([10, 20, 40, 60])
    array([25., 40.], dtype=float32)
    """
    return xyxy_to_cxcywh(boxes)[..., :2]


def sizes(boxes: ArrayLike) -> NDArray[np.float32]:
    """Widths and heights `(..., 2)` of boxes `(..., 4)`."""
    return xyxy_to_xywh(boxes)[..., 2:]


def area(boxes: ArrayLike) -> NDArray[np.float32]:
    """Areas `(...)` in square pixels of boxes `(..., 4)`; NaN where a box is absent.

    0 where corners are in the wrong order.

    >>> float(area([10, 20, 40, 60]))
    1200.0
    """
    return _single(_covered(_four(boxes, "boxes").astype(np.float64)))


def _covered(b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas in float64: the square of what a float32 holds may be too large or small for one."""
    # max(0, x2 - x1) * max(0, y2 - y1)
    covered: NDArray[np.float64] = np.clip(b[..., 2:] - b[..., :2], 0, None).prod(-1)
    return covered


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """As float32; infinite where that cannot hold so much."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def clip(boxes: ArrayLike, height: float, width: float) -> Boxes:
    """The part of each box inside an image of `height` x `width` pixels.

    A box wholly outside becomes one without area on the nearest edge.

    >>> clip([-5, 10, 200, 50], height=40, width=100)
    array([  0.,  10., 100.,  40.], dtype=float32)
    """
    edge = np.array([width, height, width, height], np.float32)
    return np.clip(_four(boxes, "boxes"), 0, edge)


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


def intersection(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Shared areas `(N, M)` in square pixels of each box in `a (N, 4)` with each in `b (M, 4)`.

    0 where two boxes do not overlap, and where one of them is absent.
    """
    return _single(_shared(_table(a, "a"), _table(b, "b")))


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas `(N, M)` that two boxes have in common."""
    upper_left = np.maximum(a[:, None, :2], b[None, :, :2])
    lower_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    # max(0, min(x2) - max(x1)) * max(0, min(y2) - max(y1))
    return np.nan_to_num(_covered(np.concatenate([upper_left, lower_right], axis=-1)))


def _union(
    a: NDArray[np.float64], b: NDArray[np.float64], shared: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Areas `(N, M)` that two boxes cover together."""
    # |a or b| = |a| + |b| - |a and b|
    return _covered(a)[:, None] + _covered(b)[None, :] - shared


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Intersection over union `(N, M)`, 0 to 1, of each box in `a (N, 4)` with each in `b (M, 4)`.

    Also called the Jaccard index (Everingham et al., "The PASCAL Visual Object Classes Challenge",
    2010, section 4.2). 0 where both boxes have no area, and where one is absent. Raises
    `InputError` for another shape.

    >>> iou([[0, 0, 10, 10]], [[5, 0, 15, 10], [20, 20, 30, 30]])
    array([[0.33333334, 0.        ]], dtype=float32)
    """
    a, b = _table(a, "a"), _table(b, "b")
    shared = _shared(a, b)
    union = _union(a, b, shared)
    # IoU = |a and b| / |a or b|
    return _single(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def giou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Generalized IoU `(N, M)`, -1 to 1: like `iou`, but it also tells how far apart two boxes are.

    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1. 0 where both
    boxes are the same point; NaN where one is absent. Raises `InputError` for another shape.

    >>> giou([[0, 0, 10, 10]], [[10, 0, 20, 10], [30, 0, 40, 10]])
    array([[ 0. , -0.5]], dtype=float32)
    """
    a, b = _table(a, "a"), _table(b, "b")
    union = _union(a, b, _shared(a, b))
    upper_left = np.minimum(a[:, None, :2], b[None, :, :2])
    lower_right = np.maximum(a[:, None, 2:], b[None, :, 2:])
    hull = _covered(np.concatenate([upper_left, lower_right], axis=-1))
    # GIoU = IoU - (|hull| - |a or b|) / |hull|
    empty_part = np.divide(hull - union, hull, out=np.zeros_like(hull), where=hull != 0)
    return _single(iou(a, b).astype(np.float64) - empty_part)


def _table(boxes: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check boxes of shape `(N, 4)`, in float64, in which their areas neither end nor vanish."""
    array = _four(boxes, name)
    if array.ndim != 2:
        errors.bad(name, array, f"shape (N, 4), {CORNERS}")
    return array.astype(np.float64)
