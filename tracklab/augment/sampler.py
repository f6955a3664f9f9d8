"""One sampler, written out: what colour each pixel of the moved image gets.

It asks backwards. Moving every pixel forward would leave holes; so each pixel of the result looks
up where it came from, and mixes the four pixels around that place.

Invariants: a matrix that moves nothing gives the image back; flips and shifts by whole pixels copy
pixels and mix none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Pixels = NDArray[np.uint8]

CONSTANT, EDGE, MIRROR = "constant", "edge", "mirror"
BORDERS = (CONSTANT, EDGE, MIRROR)  # what lies beyond the image: one colour, its edge, itself


def sample(
    image: NDArray[Any],
    move: NDArray[np.float64],
    size: tuple[int, int] | None = None,
    *,
    border: str = CONSTANT,
    fill: float = 0,
) -> NDArray[np.float64]:
    """An image `(H, W, 3)` moved by a matrix `(3, 3)`, `(height, width, 3)` float64, unrounded.

    size: height and width of the result; the image's if None. border: what lies beyond the image:
    "constant" is `fill`, "edge" repeats its last pixel, "mirror" shows it again, turned round.
    """
    errors.choice("border", border, BORDERS)
    height, width = image.shape[:2] if size is None else size
    # the middles of the result's pixels are at j + 1/2, i + 1/2
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    # p = M^-1 p'
    a, b, s, c, d, t = np.linalg.inv(move)[:2].ravel()
    # back from middles to indices: x - 1/2
    column, row = a * x + b * y + s - 0.5, c * x + d * y + t - 0.5
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    u, v = (column - left)[..., None], (row - top)[..., None]

    def look(rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
        return _beyond(image, rows, columns, border, fill)

    # I' = (1 - v) ((1 - u) I[i, j] + u I[i, j + 1]) + v ((1 - u) I[i + 1, j] + u I[i + 1, j + 1])
    above = (1 - u) * look(top, left) + u * look(top, left + 1)
    below = (1 - u) * look(top + 1, left) + u * look(top + 1, left + 1)
    return (1 - v) * above + v * below


def _beyond(
    image: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any], border: str, fill: float
) -> NDArray[np.float64]:
    """The pixels at indices that may lie beyond the image."""
    height, width = image.shape[:2]
    if border == MIRROR:
        # ... 2 1 0 | 0 1 2 ... H-1 | H-1 H-2 ...
        rows, columns = _mirrored(rows, height), _mirrored(columns, width)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = image[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)].astype(np.float64)
    return np.where(inside[..., None], found, fill) if border == CONSTANT else found


def _mirrored(index: NDArray[Any], end: int) -> NDArray[Any]:
    there_and_back = index % (2 * end)
    return np.minimum(there_and_back, 2 * end - 1 - there_and_back)


def rounded(values: NDArray[Any]) -> Pixels:
    """Colours as they are stored: whole numbers from 0 to 255; what is beyond is cut."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
