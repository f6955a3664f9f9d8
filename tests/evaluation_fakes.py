"""Trackers that misbehave, for the tests of `evaluation`: also in the processes that it starts."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from tracklab import trackers
from tracklab.trackers.still import StillTracker


class Crashing(StillTracker):
    """Takes its process along in the third frame."""

    def _start(self, frame, box):
        super()._start(frame, box)
        self._seen = 1

    def _step(self, frame):
        self._seen += 1
        if self._seen == 3:
            print("something is wrong inside", flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        return super()._step(frame)


class Raising(StillTracker):
    """Divides by zero."""

    def _step(self, frame):
        return 1 / 0


class Picky(StillTracker):
    """Refuses objects that start in the left half of the picture."""

    def _start(self, frame, box):
        from tracklab import errors

        if box[0] < frame.shape[1] / 2:
            errors.bad("box", errors.Said("a box on the left"), "one on the right")
        super()._start(frame, box)


class Slow(StillTracker):
    """Takes its time."""

    def _step(self, frame):
        time.sleep(0.03)
        return super()._step(frame)


class Diverging(StillTracker):
    """Doubles its box in every frame, and ends with none."""

    def _step(self, frame):
        state = super()._step(frame)
        self._box = np.float32(self._box * 100) if np.isfinite(self._box).all() else self._box
        return state._replace(box=self._box if (self._box < 1e30).all() else self._box * np.nan)


FAKES = {
    "crashing": Crashing,
    "raising": Raising,
    "picky": Picky,
    "slow": Slow,
    "diverging": Diverging,
}


def install():
    """Put them among the trackers; returns what undoes it."""
    kept = dict(trackers._MAKERS), trackers.NAMES
    for name, made in FAKES.items():
        trackers._MAKERS[name] = ("still", made.__name__, {})
        from tracklab.trackers import still

        setattr(still, made.__name__, made)
    trackers.NAMES = tuple(trackers._MAKERS)

    def undo():
        trackers._MAKERS.clear()
        trackers._MAKERS.update(kept[0])
        trackers.NAMES = kept[1]

    return undo


if __name__ == "__main__":
    from tracklab.evaluation import worker

    install()
    worker.main()
