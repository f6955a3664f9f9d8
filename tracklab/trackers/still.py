"""The tracker that does nothing: the box stays where it was. Every other one must beat it."""

from __future__ import annotations

import numpy as np

from tracklab.boxes import Boxes
from tracklab.clips import Frame
from tracklab.trackers.base import State, Tracker


class StillTracker(Tracker):
    """Says in every frame that the object is where it was in the first."""

    name = "still"

    def _start(self, frame: Frame, box: Boxes) -> None:
        self._box = box

    def _step(self, frame: Frame) -> State:
        return State(self._box.copy(), np.zeros(2, np.float32), 1.0)
