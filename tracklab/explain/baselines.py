"""Pictures that look like explanations and know nothing of the network: what a method must beat.

Invariant: none of them asks the target for anything but the size of its images.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from tracklab.explain.target import Floats, Target, as_image

WIDTH = 0.25  # of the image's sides: standard deviation of the middle's bell


def edges(target: Target, image: ArrayLike) -> Floats:
    """How steep the brightness is, `(H, W)`: Sobel's edge detector."""
    x = as_image(image, target.size)
    grey = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *way, ksize=3) for way in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down), np.float32)


def middle(target: Target, image: ArrayLike) -> Floats:
    """A bell around the image's middle, whatever is in it: `(H, W)`."""
    as_image(image, target.size)
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in target.size)
    return np.exp(-(y[:, None] ** 2 + x**2) / (2 * WIDTH**2)).astype(np.float32)


def chance(target: Target, image: ArrayLike, *, seed: int = 0) -> Floats:
    """Random numbers `(H, W)`, the same for the same seed and image."""
    pixels = as_image(image, target.size)
    rng = np.random.default_rng([seed, int(pixels.sum(dtype=np.float64))])
    return rng.random(target.size, np.float32)
