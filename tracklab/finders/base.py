"""What every finder is: frames of one video in, one at a time and in order, boxes out.

Invariant: what is found in a frame rests on that frame and those before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Frame
from tracklab.detections import Detections


class Finder(ABC):
    """Finds objects of some classes. class_names: of the labels from 0."""

    name = "finder"
    class_names: tuple[str, ...] = ()

    def find(self, frame: Frame) -> Detections:
        """What is in the next frame, `(H, W, 3)` uint8 RGB, best first.

        Raises `InputError` for another kind of frame.
        """
        return self._find(errors.image("frame", frame))

    @abstractmethod
    def _find(self, frame: Frame) -> Detections:
        """Find. The frame is checked, and must not be changed."""


def of_one_class(xywh: Any, scores: Any) -> Detections:
    """Detections of class 0 from OpenCV's boxes `(N, 4)`, x, y, width, height, and their scores."""
    sides: NDArray[np.float64] = np.asarray(xywh, np.float64).reshape(-1, 4)
    boxes = np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], 1).astype(np.float32)
    sure = np.asarray(scores, np.float32).reshape(-1)
    return Detections(boxes, sure, np.zeros(len(boxes), np.int64))
