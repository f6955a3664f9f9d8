"""Regions from outside, for the stages that do not propose their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, proposals

WINDOWS, SEGMENTS = "windows", "segments"
METHODS = (WINDOWS, SEGMENTS)


def regions(images: NDArray[np.uint8], method: str, count: int) -> NDArray[np.float32]:
    """External regions `(N, count, 4)` of images `(N, H, W, 3)`.

    method: "windows", the same of several sizes and shapes all over every picture; or "segments",
    around pieces of like colour. Where a method finds fewer, its last one is repeated.
    """
    errors.choice("proposals", method, METHODS)
    height, width = images.shape[1:3]
    if method == WINDOWS:
        same = filled(proposals.windows(height, width, count), count, height, width)
        return np.broadcast_to(same, (len(images), count, 4))
    found = [filled(proposals.segments(image, count), count, height, width) for image in images]
    return np.stack(found) if found else np.zeros((0, count, 4), np.float32)


def filled(boxes: NDArray[np.float32], count: int, height: int, width: int) -> NDArray[np.float32]:
    """Exactly `count` boxes: the first ones, or the last one repeated, or the whole picture."""
    if not len(boxes):
        boxes = np.array([[0, 0, width, height]], np.float32)
    return boxes[np.minimum(np.arange(count), len(boxes) - 1)]
