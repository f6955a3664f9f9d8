"""What the edge of the image leaves of a box.

A box is cut at the edge, as annotators draw it. Of an object of which too little is left nobody
could say what it is, so it is none any more.

Invariant: what is kept lies inside the image and has an area.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

KEPT = 0.25  # share of a box that must be left
TINY = 1e-6  # square pixels: what has less has no area


def shares(boxes: Floats, window: Any) -> Floats:
    """What share of each box `(..., 4)` lies in a window `(..., 4)`; NaN for no box."""
    low, high = np.split(np.asarray(window, np.float32), 2, -1)
    sides = np.minimum(boxes[..., 2:], high) - np.maximum(boxes[..., :2], low)
    whole = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    # share = |box and window| / |box|
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.maximum(sides, 0).prod(-1) / whole)


def cut(boxes: Floats, window: Any, kept: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Boxes `(..., 4)` cut at a window `(..., 4)`, and where too little is left of one.

    kept: the share of its area, 0 to 1, that makes an object count. Those of which less is left are
    four NaNs. So is what was no box.
    """
    share = shares(boxes, window)
    # a kept share of 0 asks for any of it
    gone = ~((share >= kept) & (share > 0))
    low, high = np.split(np.asarray(window, np.float32), 2, -1)
    inside = np.clip(boxes, np.tile(low, 2), np.tile(high, 2))
    return np.where(gone[..., None], np.nan, inside).astype(np.float32), gone


def cut_outlines(
    outlines: Floats, window: Any, kept: float
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """What lies in a window `(..., 4)` of outlines `(..., K, 2)`: its tight boxes `(..., 4)`,
    where too little is left, and its outlines `(..., L, 2)`.

    An outline is a polygon. A box alone would say too much of a disc that the edge cuts: the part
    that is left of it is lower than the disc. See `cut` for the rest.
    """
    rows = outlines.shape[:-2]
    windows = np.broadcast_to(np.asarray(window, np.float64), (*rows, 4))
    parts = {row: clipped(outlines[row], windows[row]) for row in np.ndindex(rows)}
    most = max((len(part) for part in parts.values()), default=1)
    boxes = np.full((*rows, 4), np.nan, np.float32)
    left = np.full((*rows, max(most, 1), 2), np.nan, np.float32)
    for row, part in parts.items():
        if len(part) and polygon_area(part) >= max(kept * polygon_area(outlines[row]), TINY):
            boxes[row] = [*part.min(0), *part.max(0)]
            # all of one length: the last place stands for those that are not there
            left[row] = np.pad(part, ((0, left.shape[-2] - len(part)), (0, 0)), mode="edge")
    return boxes, np.isnan(boxes[..., 0]), left


def polygon_area(places: NDArray[Any]) -> float:
    """The area inside a polygon `(K, 2)`, in square pixels."""
    x, y = np.asarray(places, np.float64).T
    # A = |sum of x[k] y[k + 1] - x[k + 1] y[k]| / 2
    return float(abs(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2)


def clipped(places: NDArray[Any], window: Any) -> NDArray[np.float64]:
    """The part `(L, 2)` of a polygon `(K, 2)` in a window; no places where there is none.

    Sutherland and Hodgman, "Reentrant polygon clipping" (1974): one edge of the window after the
    other, keep what lies inside and add where a side crosses.
    """
    x1, y1, x2, y2 = window
    part = np.asarray(places, np.float64)
    if not np.isfinite(part).all():
        return np.zeros((0, 2))
    if (part >= [x1, y1]).all() and (part <= [x2, y2]).all():
        return part
    for axis, end, sign in ((0, x1, 1), (0, x2, -1), (1, y1, 1), (1, y2, -1)):
        before = np.roll(part, 1, 0)
        # how far the ends A and B of a side lie inside
        a, b = sign * (before[:, axis] - end), sign * (part[:, axis] - end)
        crosses = (a < 0) != (b < 0)
        # P = A + (B - A) a / (a - b)
        share = a / np.where(crosses, a - b, 1)
        crossing = before + (part - before) * share[:, None]
        # in their order: where a side crosses, then its end
        both = np.stack([crossing, part], 1).reshape(-1, 2)
        part = both[np.stack([crosses, b >= 0], 1).ravel()]
    return part
