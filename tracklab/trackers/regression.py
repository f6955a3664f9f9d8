"""The regression tracker: a network is shown where the object was, and says where it is.

The counterpoint to the Siamese tracker. There is no template and no map: each frame is compared
with the one before it alone, and what the object looked like at first is known only to the
recurrent state, if there is one. `models.regression` has the network; here is what is around it.

Invariant: with `reset=1` a frame is answered as if the clip had begun with the one before it.
"""

from __future__ import annotations

import numpy as np

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.looking import look
from tracklab.models import regression
from tracklab.models.regression.network import CONTEXT, PIXELS, SMALLEST
from tracklab.trackers.base import State, Tracker, within_limits


class RegressionTracker(Tracker):
    """Follows an object with a regression network of your own: none comes with the course.

    network: a trained `models.regression.Regressor`.
    reset: after so many frames the recurrent state is forgotten, as in Re3, which was trained on
        clips as short as that; None for never. 1 shows what the state is worth.

    It has no doubts: the score is always 1.
    """

    name = "regression"

    def __init__(self, network: regression.Regressor, *, reset: int | None = None) -> None:
        if not isinstance(network, regression.Regressor):
            errors.bad("network", errors.kind(network), "a models.regression.Regressor")
        self.network = network
        self.running = regression.Running(network)
        self.reset = None if reset is None else errors.number("reset", reset, low=1, whole=True)

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        # what is outside the frame cannot be seen
        self._box = bx.clip(box, *frame.shape[:2])
        self._first_size = np.maximum(bx.sizes(self._box), SMALLEST)
        self._frame, self._age = frame, 0
        self._hidden = self.network.nothing_yet(1)

    def _step(self, frame: Frame) -> State:
        if self.reset is not None and self._age % self.reset == 0:
            self._hidden = self.network.nothing_yet(1)
        before, now = (look(one, self._around(), (PIXELS, PIXELS)) for one in (self._frame, frame))
        found, self._hidden = self.running.advance(before, now, self._box, self._hidden)
        said = found.numpy()
        middle, size = within_limits(
            bx.centers(said), bx.sizes(said), frame, self._first_size, SMALLEST
        )
        moved = (middle - bx.centers(self._box)).astype(np.float32)
        self._box = bx.cxcywh_to_xyxy([*middle, *size])
        self._frame, self._age = frame, self._age + 1
        return State(self._box, moved, 1.0)

    def _around(self) -> bx.Boxes:
        """The box of both crops, in the frame."""
        half = CONTEXT / 2 * np.maximum(bx.sizes(self._box), SMALLEST)
        middle = bx.centers(self._box)
        return np.concatenate([middle - half, middle + half])
