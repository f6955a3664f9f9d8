"""Insertion and deletion: is what the map calls important what the network needs?

Deletion takes pixels away, the most important first: the faster the answer falls, the better the
map. Insertion begins with a blurred image and puts them in: the faster it rises, the better.
Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models" (BMVC
2018), section 4.1.

Invariant: a curve begins and ends at the probabilities of its first and last image, whatever the
map; only the way between depends on the order of the map's values.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.explain.integrated_gradients import nothing
from tracklab.explain.target import Floats, Target, as_image

STEPS = 31
BLUR = 0.1  # of the image's shorter side: standard deviation; no shape can be told any more
INSERTION, DELETION = "insertion", "deletion"


class Removal(NamedTuple):
    """A curve: `shares (K + 1,)` of the pixels from 0 to 1, and `probabilities (K + 1,)` there."""

    shares: Floats
    probabilities: Floats

    @property
    def area(self) -> float:
        """The area below it, 0 to 1: low is good for deletion, high for insertion."""
        return float(np.trapezoid(self.probabilities, self.shares))


def insertion(
    target: Target, image: ArrayLike, heat: ArrayLike, *, steps: int = STEPS, blur: float = BLUR
) -> Removal:
    """From the blurred image to the image itself, the map's highest pixels first.

    image: `(H, W, 3)`. heat: `(H, W)`. steps: K. blur: of the first image, in parts of its shorter
    side. Raises `InputError` for shapes that differ, and options out of range.
    """
    x = as_image(image, target.size)
    sigma = errors.number("blur", blur, low=1e-3, high=10) * min(target.size)
    return _curve(
        target, np.asarray(cv2.GaussianBlur(x, (0, 0), sigma), np.float32), x, heat, steps
    )


def deletion(target: Target, image: ArrayLike, heat: ArrayLike, *, steps: int = STEPS) -> Removal:
    """From the image to its mean colour everywhere, the map's highest pixels first."""
    x = as_image(image, target.size)
    return _curve(target, x, nothing(x), heat, steps)


def _curve(target: Target, first: Floats, last: Floats, heat: ArrayLike, steps: int) -> Removal:
    values = np.asarray(heat)
    if values.shape != target.size or not np.isfinite(values).all():
        errors.bad("heat", values, f"a map of shape {target.size}, finite")
    steps = int(errors.number("steps", steps, low=1, high=values.size, whole=True))
    rank = ranks(values)
    counts = np.rint(np.linspace(0, values.size, steps + 1)).astype(np.int64)
    changed = rank < counts[:, None, None]
    images = np.where(changed[..., None], last, first)
    shares = (counts / values.size).astype(np.float32)
    return Removal(shares, target.probabilities(images))


def ranks(heat: ArrayLike) -> NDArray[np.int64]:
    """The place of each pixel in the order, 0 for the highest; ties in an order of their own.

    Ties are broken at random, always alike: from top to bottom would be a map by itself.
    """
    values = np.asarray(heat, np.float64)  # whole numbers without a sign have no negative
    shuffled = np.random.default_rng(values.size).permutation(values.size)
    order = shuffled[np.argsort(-values.ravel()[shuffled], kind="stable")]
    rank = np.empty(values.size, np.int64)
    rank[order] = np.arange(values.size)
    return rank.reshape(values.shape)
