"""Two guesses without a filter: an object stays where it was seen, or goes on as it last went.

They are what a filter has to beat. Both believe each detection to the last pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.motion.base import Floats, MotionModel, Size

NOISE = 0.07  # of the box's side: how far off a detection is (standard deviation, each way)
ROAM = 0.07  # of the box's side: how far an object goes in a frame (root mean square, each way)


class Still(NamedTuple):
    """The last detection, and how long ago it was."""

    boxes: Floats
    missed: Floats


class Held(MotionModel):
    """The last detection, held until there is another. Its velocity is always 0."""

    name = "none"

    def __init__(
        self, size: Size | None = None, *, noise: float = NOISE, roam: float = ROAM
    ) -> None:
        super().__init__(size)
        self.noise, self.roam = noise, roam

    def _born(self, boxes: bx.Boxes) -> Still:
        return Still(boxes, np.zeros(len(boxes)))

    def _moved(self, memory: Still) -> Still:
        return memory._replace(missed=memory.missed + 1)

    def _corrected(self, memory: Still, boxes: bx.Boxes, seen: NDArray[np.bool_]) -> Still:
        return Still(
            np.where(seen[:, None], boxes, memory.boxes), np.where(seen, 0.0, memory.missed)
        )

    def _said(self, memory: Still) -> tuple[Floats, Floats, Floats]:
        # s^2 = noise^2 + (k roam)^2, k frames after it was seen
        spread = np.hypot(self.noise, memory.missed * self.roam)
        velocities = np.zeros((len(memory.boxes), 2))
        return memory.boxes, velocities, spread[:, None] * bx.sizes(memory.boxes)


class Going(NamedTuple):
    """The last detection, the way it came, over how many frames, and how long ago."""

    boxes: Floats
    velocities: Floats
    span: Floats
    missed: Floats


class ConstantVelocity(MotionModel):
    """The way between the last two detections, gone on for ever, at the same speed."""

    name = "constant velocity"

    def __init__(
        self, size: Size | None = None, *, noise: float = NOISE, roam: float = ROAM
    ) -> None:
        super().__init__(size)
        self.noise, self.roam = noise, roam

    def _born(self, boxes: bx.Boxes) -> Going:
        count = len(boxes)
        return Going(boxes, np.zeros((count, 2)), np.full(count, np.inf), np.zeros(count))

    def _moved(self, memory: Going) -> Going:
        return memory._replace(missed=memory.missed + 1)

    def _corrected(self, memory: Going, boxes: bx.Boxes, seen: NDArray[np.bool_]) -> Going:
        span = np.maximum(memory.missed, 1)
        # v = (z_t - z_{t-k}) / k
        fresh = (bx.centers(boxes) - bx.centers(memory.boxes)) / span[:, None]
        return Going(
            np.where(seen[:, None], boxes, memory.boxes),
            np.where(seen[:, None], fresh, memory.velocities),
            np.where(seen, span, memory.span),
            np.where(seen, 0.0, memory.missed),
        )

    def _said(self, memory: Going) -> tuple[Floats, Floats, Floats]:
        # p = z + k v
        way = memory.missed[:, None] * memory.velocities
        boxes = memory.boxes + np.concatenate([way, way], axis=1)
        # p - z_true = (1 + k/n) e_t - (k/n) e_{t-n}: the errors of two detections, n frames apart
        far = memory.missed / memory.span
        spread = self.noise * np.hypot(1 + far, far)
        # of an object that was seen once, no velocity is known
        once = np.hypot(self.noise, memory.missed * self.roam)
        spread = np.where(np.isinf(memory.span), once, spread)
        return boxes, memory.velocities, spread[:, None] * bx.sizes(memory.boxes)
