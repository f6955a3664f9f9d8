"""How much larger a box is than need be, after a turn.

A box says where an object is by four numbers, and its corners, which are mostly empty, turn with
it. The box around the turned corners of a box of w x h has

    w' = w |cos a| + h |sin a|,   h' = w |sin a| + h |cos a|

while the object stays as large as it was. Of the drawn shapes of scenes the box around the turned
corners has, with the tight box, an IoU of 0.90 after 5 degrees, 0.76 after 15 and 0.60 after 45;
after 15 degrees its area is a third larger than need be, after 45 three quarters. A box around the
turned ellipse that fills the box has 0.93, 0.84 and 0.75, and leaves 3 to 5 % of the object's
pixels outside. A detector learns what it is shown: boxes that are too large.

Invariant: a box around corners is never smaller than a tight one.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.augment import geometry
from tracklab.augment.moves import CORNERS, ELLIPSE


def outline(mask: NDArray[Any]) -> NDArray[np.float32]:
    """The outline `(K, 2)` of a mask `(H, W)`: the corners of its outermost pixels, as a hull.

    Nothing of the object lies outside of it, and its tight box is the mask's. Raises `InputError`
    for a mask of nothing.
    """
    given = np.asarray(mask)
    if given.ndim != 2 or not given.any():
        errors.bad("mask", given, "a mask of shape (H, W) with at least one pixel")
    rows, columns = np.nonzero(given)
    places = np.stack([columns, rows], -1)
    # each pixel has four corners
    all_corners = (places[:, None] + np.array([[0, 0], [1, 0], [1, 1], [0, 1]])).reshape(-1, 2)
    hull = cv2.convexHull(np.unique(all_corners, axis=0).astype(np.float32))
    return np.asarray(hull[:, 0], np.float32)


def outlines(masks: NDArray[Any]) -> NDArray[np.float32]:
    """The outlines of masks `(..., H, W)` as one array `(..., K, 2)`, for `Transform.boxed`.

    All of one length: the last place of an outline stands for those that it does not have. NaN for
    a mask of nothing. Raises `InputError` for what is no mask.
    """
    given = np.asarray(masks)
    if given.ndim < 2:
        errors.bad("masks", given, "masks of shape (..., H, W)")
    flat = given.reshape(-1, *given.shape[-2:])
    found = [outline(mask) if mask.any() else np.full((1, 2), np.nan) for mask in flat]
    most = max((len(line) for line in found), default=1)
    padded = [np.pad(line, ((0, most - len(line)), (0, 0)), mode="edge") for line in found]
    return np.reshape(np.asarray(padded, np.float32), (*given.shape[:-2], most, 2))


def looseness(mask: NDArray[Any], matrix: NDArray[np.float64]) -> dict[str, float]:
    """Of a mask `(H, W)` moved by a matrix `(3, 3)`: IoU with the tight box of other boxes.

    "corners" is the box around the moved corners of the mask's box, "ellipse" that around the
    moved ellipse that fills it. 1 is as tight as can be.
    """
    move = np.asarray(matrix)[None]
    if move.shape != (1, 3, 3):
        errors.bad("matrix", move[0], "a matrix of shape (3, 3)")
    box = bx.from_mask(mask)[None, None]
    tight = geometry.around(geometry.points(move, outline(mask)[None]))
    others = {CORNERS: geometry.boxes(move, box), ELLIPSE: geometry.ellipses(move, box)}
    return {name: float(bx.iou(tight, other[0])[0, 0]) for name, other in others.items()}
