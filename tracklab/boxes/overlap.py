"""How much two boxes share: area, intersection, intersection over union, and its generalization.

Invariants, to float32 rounding: `iou(a, b) == iou(b, a).T`, `iou(a, a) == 1` for boxes with a width
and a height, however small or large, and `giou <= iou`.

Every function takes NumPy arrays or TensorFlow tensors (see `arrays`). On tensors the gradients are
finite, also where boxes have no area or are absent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracklab.boxes.arrays import Array, four, namespace, single, table, together, wide


def area(boxes: Array) -> Array:
    """Areas `(...)` in square pixels of boxes `(..., 4)`; NaN where a box is absent.

    0 where corners are in the wrong order.

    >>> float(area([10, 20, 40, 60]))
    1200.0
    """
    xp = namespace(boxes)
    corners = xp.unstack(wide(four(boxes, "boxes", xp)), axis=-1)
    return single(_area(xp, *corners))


def intersection(a: Array, b: Array) -> Array:
    """Shared areas `(..., N, M)` in square pixels of each box in `a (..., N, 4)` with each in `b`.

    `b` is `(..., M, 4)`. 0 where two boxes do not overlap, and where one of them is absent.
    """
    xp, a, b = _each_with_each(a, b)
    return single(_shared(xp, a, b))


def iou(a: Array, b: Array) -> Array:
    """Intersection over union, 0 to 1, of each box in `a (..., N, 4)` with each in `b (..., M, 4)`.

    Also called the Jaccard index (Everingham et al., "The PASCAL Visual Object Classes Challenge",
    2010, section 4.2). Returns `(..., N, M)`. 0 where both boxes have no area, and where one is
    absent or has no end. Raises `InputError` for another shape.

    >>> iou([[0, 0, 10, 10]], [[5, 0, 15, 10], [20, 20, 30, 30]])
    array([[0.33333334, 0.        ]], dtype=float32)
    """
    xp, a, b = _each_with_each(a, b)
    shared = _shared(xp, a, b)
    # IoU = |a and b| / |a or b|
    return single(_ratio(xp, shared, _union(xp, a, b, shared)))


def giou(a: Array, b: Array) -> Array:
    """Generalized IoU, -1 to 1: like `iou`, but it also tells how far apart two boxes are.

    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1. Boxes
    `a (..., N, 4)` and `b (..., M, 4)` give `(..., N, M)`. 0 where both boxes are the same point;
    NaN where one is absent. Raises `InputError` for another shape.

    >>> giou([[0, 0, 10, 10]], [[10, 0, 20, 10], [30, 0, 40, 10]])
    array([[ 0. , -0.5]], dtype=float32)
    """
    xp, a, b = _each_with_each(a, b)
    shared = _shared(xp, a, b)
    union, hull = _union(xp, a, b, shared), _hull(xp, a, b)
    # GIoU = IoU - (|hull| - |a or b|) / |hull|
    value = _ratio(xp, shared, union) - _ratio(xp, hull - union, hull)
    return single(xp.where(xp.isnan(hull), hull, value))


@np.errstate(invalid="ignore")  # a box without end may have no width
def _area(xp: Any, x1: Array, y1: Array, x2: Array, y2: Array) -> Array:
    # max(0, x2 - x1) * max(0, y2 - y1)
    return xp.maximum(x2 - x1, 0) * xp.maximum(y2 - y1, 0)


def _shared(xp: Any, a: Any, b: Any) -> Array:
    """Areas that two boxes have in common; with an absent one, none."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a, b
    # |a and b|: from the larger of the upper left corners to the smaller of the lower right ones
    common = _area(
        xp, xp.maximum(ax1, bx1), xp.maximum(ay1, by1), xp.minimum(ax2, bx2), xp.minimum(ay2, by2)
    )
    return xp.where(xp.isnan(common), 0, common)


@np.errstate(invalid="ignore")  # two boxes without end
def _union(xp: Any, a: Any, b: Any, shared: Array) -> Array:
    """Areas that two boxes cover together."""
    # |a or b| = |a| + |b| - |a and b|
    return _area(xp, *a) + _area(xp, *b) - shared


def _hull(xp: Any, a: Any, b: Any) -> Array:
    """Areas of the smallest boxes that hold both."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a, b
    return _area(
        xp, xp.minimum(ax1, bx1), xp.minimum(ay1, by1), xp.maximum(ax2, bx2), xp.maximum(ay2, by2)
    )


def _ratio(xp: Any, part: Array, whole: Array) -> Array:
    """`part / whole`, and 0 where there is no whole.

    The divisor is replaced before the division, too: a gradient would be NaN through a quotient
    that is computed and then thrown away.
    """
    some = whole > 0
    return xp.where(some, part / xp.where(some, whole, 1), 0)


def _each_with_each(a: Array, b: Array) -> tuple[Any, Any, Any]:
    """The namespace, and the corners of `a` as `(..., N, 1)` and of `b` as `(..., 1, M)`."""
    xp = namespace(a, b)
    a, b = together(table(a, "a", xp), "a", table(b, "b", xp), "b", xp, own=2)
    return xp, xp.unstack(a[..., :, None, :], axis=-1), xp.unstack(b[..., None, :, :], axis=-1)
