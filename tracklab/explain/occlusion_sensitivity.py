"""Occlusion sensitivity: cover a part, and see what is left of the answer.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014), section 4.2.
It needs no gradient, only answers: many of them.

Invariant: an image in which nothing is changed by the cover has a map of zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.explain.integrated_gradients import nothing
from tracklab.explain.target import Floats, Target, as_image

SHARE = 8  # squares side by side
OVERLAP = 2  # of them reach over each place, in each direction


def occlusion(
    target: Target, image: ArrayLike, *, side: int | None = None, step: int | None = None
) -> Floats:
    """How much the answer falls where a square stands before a pixel: `(H, W)`, signed.

    A pixel has the mean over the squares that cover it; each takes the image's mean colour.
    side: of a square in pixels; an eighth of the image's shorter side if None. step: pixels from
    one to the next; half of `side` if None.

    Raises `InputError` for options out of range, and steps that would leave pixels uncovered.
    """
    x = as_image(image, target.size)
    height, width = target.size
    shorter = min(height, width)
    side = max(1, shorter // SHARE) if side is None else side
    side = int(errors.number("side", side, low=1, high=shorter, whole=True))
    step = max(1, side // OVERLAP) if step is None else step
    step = int(errors.number("step", step, low=1, high=side, whole=True))
    cover = nothing(x)
    places = [(y, z) for y in starts(height, side, step) for z in starts(width, side, step)]
    whole = float(target.values(x[None])[0])
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for part in _parts(places, target.asked.batch):
        covered = np.repeat(x[None], len(part), axis=0)
        for one, (row, column) in zip(covered, part, strict=True):
            there = slice(row, row + side), slice(column, column + side)
            one[there] = cover[there]
        for left, (row, column) in zip(target.values(covered), part, strict=True):
            there = slice(row, row + side), slice(column, column + side)
            # fall = y(x) - y(x with the square)
            total[there] += whole - left
            count[there] += 1
    return (total / count).astype(np.float32)


def starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin along a side, the last one at its very end."""
    return [*range(0, length - side, step), length - side]


def _parts(places: list[tuple[int, int]], count: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(places), count):
        yield places[start : start + count]
