"""Blur: each pixel the mean of its neighbourhood, weighted by a bell curve.

Invariant: the weights add up to 1, so a flat image stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.augment.pictures import Pixels
from tracklab.augment.sampler import rounded
from tracklab.augment.transform import Draw, Painting, between, pair

REACH = 3.0  # deviations to each side that the bell goes


@dataclass(frozen=True)
class Blur(Painting):
    """A Gaussian blur whose deviation in pixels is drawn between two."""

    deviation: tuple[float, float] = (0.3, 1.2)

    def check(self) -> None:
        """Raise `InputError` for deviations that are none."""
        object.__setattr__(self, "deviation", pair("deviation", self.deviation, low=0.05, high=50))

    def draw(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Draw:
        """Draw a deviation for each image."""
        return {"deviation": between(rng, self.deviation, count)}

    def paint(self, images: Pixels, drawn: Draw, frame: int = 0) -> Pixels:
        """Images through OpenCV: its own `GaussianBlur` of bytes is less exact, and slower."""
        painted = np.empty_like(images)
        for image, result, deviation in zip(
            images, painted, drawn["deviation"].tolist(), strict=True
        ):
            line = cv2.getGaussianKernel(2 * reach(deviation) + 1, deviation)  # as `bell` has it
            cv2.sepFilter2D(image, -1, line, line, result, borderType=BORDER)
        return painted


BORDER = cv2.BORDER_REFLECT_101  # the edge is mirrored: ... 2 1 | 0 1 2 ...


def reach(deviation: float) -> int:
    """How many pixels to each side are looked at."""
    return max(1, round(REACH * deviation))


def bell(deviation: float) -> NDArray[np.float64]:
    """The weights `(2 r + 1,)` of a line of pixels."""
    r = reach(deviation)
    # w[k] = exp(-k^2 / (2 s^2)) / sum
    weights = np.exp(-(np.arange(-r, r + 1) ** 2) / (2 * deviation**2))
    return np.asarray(weights / weights.sum())


def by_hand(image: Pixels, deviation: float) -> Pixels:
    """One image `(H, W, 3)`, written out: down the columns, then along the rows."""
    r, weights = reach(deviation), bell(deviation)
    values = image.astype(np.float64)
    for axis in (0, 1):
        edge = [(0, 0)] * 3
        edge[axis] = (r, r)
        padded = np.pad(values, edge, mode="reflect")
        count = image.shape[axis]
        # I'[i] = sum over k of w[k] I[i + k]
        values = sum(
            weight * np.take(padded, np.arange(count) + k, axis) for k, weight in enumerate(weights)
        )
    return rounded(values)
