"""Noise: what a sensor adds to each pixel, normal and independent.

Drawing a normal number takes longer than all that is done with it, so numbers are drawn once and
kept; an image takes a stretch of them from a place drawn at random, with a sign drawn at random.

Invariant: the same draw gives the same noise; each frame of a clip takes another stretch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.augment.pictures import Pixels
from tracklab.augment.transform import Draw, Painting, between, pair

KEPT = 2**20  # numbers at least
SEED = 8  # all images share the numbers: what differs is where they begin
STRIDE = 7_919  # numbers from one frame of a clip to the next; a prime


@dataclass(frozen=True)
class Noise(Painting):
    """Normal noise whose deviation, of 255, is drawn between two; one draw for a clip's frames."""

    deviation: tuple[float, float] = (0.0, 12.0)

    def check(self) -> None:
        """Raise `InputError` for deviations that are none."""
        object.__setattr__(self, "deviation", pair("deviation", self.deviation, low=0, high=255))

    def draw(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Draw:
        """Draw a deviation, a sign and a place among the numbers for each image."""
        sign = 2 * rng.integers(0, 2, count) - 1
        place = rng.integers(0, KEPT, count)
        return {"deviation": sign * between(rng, self.deviation, count), "place": place}

    def paint(self, images: Pixels, drawn: Draw, frame: int = 0) -> Pixels:
        """Images and their noise."""
        painted = np.empty_like(images)
        shape = images.shape[1:]
        for k, deviation in enumerate(drawn["deviation"].tolist()):
            grain = grains(int(drawn["place"][k]) + frame * STRIDE, shape)
            # I' = I + s z
            cv2.add(images[k], grain * np.float32(deviation), dst=painted[k], dtype=cv2.CV_8U)
        return painted


def grains(place: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Normal numbers of mean 0 and deviation 1, from a place among those that are kept."""
    count = int(np.prod(shape))
    numbers = _numbers(max(KEPT, 1 << count.bit_length()))
    start = place % (len(numbers) - count)
    return numbers[start : start + count].reshape(shape)


@functools.lru_cache(maxsize=2)
def _numbers(count: int) -> NDArray[np.float32]:
    numbers = np.random.default_rng(SEED).standard_normal(count, np.float32)
    numbers.setflags(write=False)
    return numbers
