"""People who stand or walk, by histograms of gradients and a linear classifier that OpenCV brings.

Dalal and Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005).

What it gets wrong: people who sit, lie, bend, are half hidden, seen from above, or smaller than 128
pixels (`enlarge` helps) are not found; posts, trees and door frames are.
"""

from __future__ import annotations

import cv2
import numpy as np

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.detections import Detections
from tracklab.finders.base import Finder, of_one_class

WINDOW = (64, 128)  # pixels that the classifier was trained on: width, height
STRIDE, STEP = 8, 1.05  # pixels from window to window; of the sizes that are tried
# The person in the window is narrower and lower than it: as OpenCV's own example cuts it.
LEFT, TOP, WIDTH, HEIGHT = 0.1, 0.07, 0.8, 0.8
SURE, OVERLAP = 0.3, 0.4


class People(Finder):
    """People, upright.

    enlarge: frames by this factor first, for people who are lower than 128 pixels. sure: the lowest
    score, the distance to the classifier's plane, that is reported.
    """

    name = "people"
    class_names = ("person",)

    def __init__(self, *, enlarge: float = 1.0, sure: float = SURE) -> None:
        self.enlarge = errors.number("enlarge", enlarge, low=0.25, high=4)
        self.sure = errors.number("sure", sure)
        if not hasattr(cv2, "HOGDescriptor"):
            raise errors.MissingError(
                f"HOGDescriptor is not in the OpenCV {cv2.__version__} that is installed; it comes "
                "with opencv-python 4"
            )
        self._windows = cv2.HOGDescriptor()
        people = np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32)
        self._windows.setSVMDetector(people)

    def _find(self, frame: Frame) -> Detections:
        image = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if self.enlarge != 1:
            image = np.asarray(cv2.resize(image, None, fx=self.enlarge, fy=self.enlarge))
        if image.shape[1] < WINDOW[0] or image.shape[0] < WINDOW[1]:
            return Detections.empty()
        sides, scores = self._windows.detectMultiScale(
            image, winStride=(STRIDE, STRIDE), padding=(STRIDE, STRIDE), scale=STEP
        )
        if not len(sides):
            return Detections.empty()
        x, y, w, h = (np.asarray(sides, np.float64) / self.enlarge).T
        people = np.stack([x + LEFT * w, y + TOP * h, WIDTH * w, HEIGHT * h], 1)
        found = of_one_class(people, scores).above(self.sure)
        return found[bx.nms(found.boxes, found.scores, threshold=OVERLAP)]
