"""The detectors of lesson 04 as finders: what they were trained on, and nothing else.

`shapes` knows the ten drawn shapes, `thumbnails` CIFAR-10's ten classes pasted into scenes. Neither
has ever seen a street; on real video they are wrong, and sure of it.
"""

from __future__ import annotations

from tracklab import errors
from tracklab.clips import Frame
from tracklab.detections import Detections
from tracklab.finders.base import Finder

SURE = 0.5


class Network(Finder):
    """A detector that comes with the course. sure: the lowest score that is reported, 0 to 1."""

    def __init__(self, name: str = "detector", *, sure: float = SURE) -> None:
        from tracklab.models import detector

        self.sure = errors.number("sure", sure, low=0, high=1)
        self._model, _ = detector.shipped(name)
        self.name = "shapes" if name == detector.SHAPES else name
        self.class_names = self._model.class_names

    def _find(self, frame: Frame) -> Detections:
        return self._model.detect(frame, score=self.sure)
