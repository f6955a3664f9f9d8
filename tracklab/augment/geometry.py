"""Where things go: a 3x3 matrix moves pixels, boxes, outlines and velocities alike.

A place is `x, y` in continuous pixels (the pixel in row `i` and column `j` covers `[j, j + 1) x
[i, i + 1)`), written `(x, y, 1)` so that a shift is a product too:

    | x' |   | a  b  s |   | x |
    | y' | = | c  d  t | . | y |
    | 1  |   | 0  0  1 |   | 1 |

(Foley, van Dam, Feiner and Hughes, "Computer graphics", 1990, section 5.2.) Moves one after the
other are one matrix, the product. Matrices are `(N, 3, 3)` float64, one an image.

Invariants: `points(a @ b, p) == points(a, points(b, p))`; a velocity moves as the difference of two
places does; the box around moved corners holds all that the box held.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

Matrices = NDArray[np.float64]  # (N, 3, 3)
Floats = NDArray[np.float32]


def matrices(a: ArrayLike, b: ArrayLike, s: ArrayLike, c: Any, d: Any, t: Any) -> Matrices:
    """Matrices `(N, 3, 3)` of their upper two rows, each number one or `(N,)` of them."""
    parts = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (a, b, s, c, d, t)))
    made = np.zeros((parts[0].size, 3, 3))
    made[:, :2] = np.stack([part.ravel() for part in parts], -1).reshape(-1, 2, 3)
    made[:, 2, 2] = 1
    return made


def nothing(count: int) -> Matrices:
    """`count` matrices that move nothing."""
    return np.tile(np.eye(3), (count, 1, 1))


def translation(right: ArrayLike, down: ArrayLike) -> Matrices:
    """Moved by so many pixels.

    >>> points(translation(3, -1), [[10, 10]])
    array([[[13.,  9.]]], dtype=float32)
    """
    # x' = x + s, y' = y + t
    return matrices(1, 0, right, 0, 1, down)


def scaling(across: ArrayLike, down: ArrayLike) -> Matrices:
    """Larger by a factor, away from the corner at `(0, 0)`."""
    # x' = a x, y' = d y
    return matrices(across, 0, 0, 0, down, 0)


def rotation(degrees: ArrayLike) -> Matrices:
    """Turned about `(0, 0)`, counter-clockwise as one sees it, though y points down."""
    turn = np.deg2rad(np.asarray(degrees, np.float64))
    cos, sin = np.cos(turn), np.sin(turn)
    # x' = x cos + y sin, y' = -x sin + y cos
    return matrices(cos, sin, 0, -sin, cos, 0)


def shear(across: ArrayLike, down: ArrayLike = 0.0) -> Matrices:
    """Rows moved across by so many pixels a row, columns moved down by so many a column."""
    # x' = x + b y, y' = c x + y
    return matrices(1, across, 0, down, 1, 0)


def mirror(width: ArrayLike | None = None, height: ArrayLike | None = None) -> Matrices:
    """Left and right exchanged in an image of a width; top and bottom in one of a height.

    >>> points(mirror(width=10), [[2, 5]])
    array([[[8., 5.]]], dtype=float32)
    """
    # x' = W - x
    a, s = (1, 0) if width is None else (-1, width)
    # y' = H - y
    d, t = (1, 0) if height is None else (-1, height)
    return matrices(a, 0, s, 0, d, t)


def about(move: Matrices, x: ArrayLike, y: ArrayLike) -> Matrices:
    """The same move with `(x, y)` in the place of `(0, 0)`: there, move, and back."""
    # M' = T(p) M T(-p)
    return translation(x, y) @ move @ translation(-np.asarray(x), -np.asarray(y))


def inverse(move: Matrices) -> Matrices:
    """The moves back. Raises `InputError` where a move makes everything flat."""
    (a, b, s), (c, d, t) = move[:, :2].transpose(1, 2, 0)
    det = a * d - b * c
    if (det == 0).any():
        errors.bad("move", move[det == 0][0].tolist(), "a matrix with an inverse")
    # A^-1 = (d, -b; -c, a) / det A, and p = A^-1 (p' - t)
    return matrices(
        d / det, -b / det, (b * t - d * s) / det, -c / det, a / det, (c * s - a * t) / det
    )


def points(move: Matrices, places: ArrayLike) -> Floats:
    """Where places `(N, ..., 2)` go (or `(K, 2)`, by each of N moves): `(N, ..., 2)` float32."""
    given = np.asarray(places, np.float64)
    if given.ndim == 2:
        given = given[None]
    flat = given.reshape(len(given), -1, 2)
    # p' = A p + t
    moved = flat @ move[:, :2, :2].transpose(0, 2, 1) + move[:, None, :2, 2]
    return moved.reshape(len(moved), *given.shape[1:]).astype(np.float32)


def velocities(move: Matrices, pixels: ArrayLike) -> Floats:
    """Where velocities `(N, ..., 2)` point after the move: a shift does not change them."""
    linear = move.copy()
    linear[:, :2, 2] = 0
    # v' = p'[t] - p'[t - 1] = A (p[t] - p[t - 1]) = A v
    return points(linear, pixels)


def corners(boxes: ArrayLike) -> Floats:
    """The four corners `(..., 4, 2)` of boxes `(..., 4)`, clockwise from the upper left."""
    x1, y1, x2, y2 = np.moveaxis(np.asarray(boxes, np.float32), -1, 0)
    pairs = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    return np.stack([np.stack(pair, -1) for pair in pairs], -2)


def around(places: ArrayLike) -> Floats:
    """The tight boxes `(..., 4)` around outlines `(..., K, 2)`."""
    given = np.asarray(places, np.float32)
    # x1 = min x, y1 = min y, x2 = max x, y2 = max y
    return np.concatenate([given.min(-2), given.max(-2)], -1)


def boxes(move: Matrices, known: ArrayLike) -> Floats:
    """The boxes `(N, M, 4)` around the moved corners of boxes `(N, M, 4)`; NaN stays NaN.

    All of what a box held is in it. Where the move turns or shears, it is larger than need be: how
    much is in `looseness`.
    """
    return around(points(move, corners(known)))


def ellipses(move: Matrices, known: ArrayLike) -> Floats:
    """The tight boxes `(N, M, 4)` around the ellipses that fill boxes `(N, M, 4)`, moved.

    Few objects fill the corners of their box, so the box around the moved corners is too large for
    most. This one is exact for an ellipse; what lies in the corners may stick out of it. (Kalra et
    al., "Towards rotation invariance in object detection", ICCV 2021.)
    """
    given = np.asarray(known, np.float64)
    half = (given[..., 2:] - given[..., :2]) / 2
    centre = points(move, given[..., :2] + half).astype(np.float64)
    # h'_x = sqrt((a h_x)^2 + (b h_y)^2), h'_y = sqrt((c h_x)^2 + (d h_y)^2)
    reach = np.sqrt(np.einsum("nij,nmj->nmi", move[:, :2, :2] ** 2, half**2))
    return np.concatenate([centre - reach, centre + reach], -1).astype(np.float32)
