"""Whatever moves before a camera that does not: each pixel against what it usually shows.

A mixture of Gaussians a pixel (Zivkovic, "Improved adaptive Gaussian mixture model for background
subtraction", ICPR 2004), as OpenCV has it; what does not fit is grouped into patches. It needs no
training and no classes, so it finds cars from above, which no shipped network has ever seen.

What it gets wrong: a camera that shakes or pans makes everything move; so do shadows, headlights,
leaves, and a lamp that is switched on. What stands still melts into the background; two that touch
are one, and one that is half hidden may be two. In the first frames it only learns.
"""

from __future__ import annotations

import cv2
import numpy as np

from tracklab import errors
from tracklab.clips import Frame
from tracklab.detections import Detections
from tracklab.finders.base import Finder, of_one_class

LEARNING = 10  # frames from the first in which nothing is reported
MEMORY = 300  # frames in which something that stands becomes background
UNUSUAL = 25.0  # squared deviations from which a pixel is no background; OpenCV's own 16 trembles
LONGEST = 384  # pixels of a frame's longer side that is looked at: outlines need no more
CLOSE = 0.02  # of the shorter side: patches nearer than this are one
SMALLEST = 0.004  # of the frame's area
FOREGROUND = 255  # OpenCV's mark; shadows are 127


class Moving(Finder):
    """Patches that move.

    smallest: share of the frame's area that a patch must have, 0 to 1. close: share of the frame's
    shorter side; patches with smaller gaps are one. The score is how much of its box a patch fills.
    """

    name = "moving"
    class_names = ("moving",)

    def __init__(self, *, smallest: float = SMALLEST, close: float = CLOSE) -> None:
        self.smallest = errors.number("smallest", smallest, low=0, high=1)
        self.close = errors.number("close", close, low=0, high=0.5)
        self._usual = cv2.createBackgroundSubtractorMOG2(MEMORY, UNUSUAL, True)
        self._seen = 0

    def _find(self, frame: Frame) -> Detections:
        height, width = frame.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        # OpenCV's own rate begins high: what stops for a second would be background at once
        rate = -1 if self._seen < LEARNING else 1 / MEMORY
        unusual = (self._usual.apply(small, learningRate=rate) == FOREGROUND).astype(np.uint8)
        self._seen += 1
        if self._seen <= LEARNING:
            return Detections.empty()
        unusual = cv2.morphologyEx(unusual, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        gap = 2 * round(self.close * min(size) / 2) + 1  # odd, or patches would be shifted
        joined = cv2.morphologyEx(unusual, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
        _, _, patches, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        x, y, w, h, area = patches[1:].astype(np.float64).T  # the first is the background
        large = area >= self.smallest * size[0] * size[1]
        stretch = np.array([width / size[0], height / size[1]] * 2)
        boxes = np.stack([x, y, w, h], 1)[large] * stretch
        return of_one_class(boxes, (area / (w * h))[large])
