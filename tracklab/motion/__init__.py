"""Motion models: path and speed of objects from boxes that are noisy and sometimes missing.

`create` makes one of `NAMES`, all of one kind: `start`, `predict`, `update`. Nothing in them needs
TensorFlow. To read: `base` is the protocol, `simple` two guesses, `kalman` the filter of 1960,
`learned` a filter whose gains a network chooses, `cells` the recurrent cells by hand, `recurrent`
both together. `observe` makes trajectories, `run` and `coast` follow them, `tuned` finds a Kalman
filter's numbers. `network` and `recipe` train (`Network`, `train`), `gradients` looks back through
time, `ship` keeps the weights that come with the course; these load TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tracklab import errors
from tracklab.motion.base import MotionModel, Size, State
from tracklab.motion.kalman import Kalman
from tracklab.motion.observed import MIXED, PICTURE, Observed, observe
from tracklab.motion.recurrent import Recurrent
from tracklab.motion.running import Coasted, Run, coast, run
from tracklab.motion.simple import ConstantVelocity, Held
from tracklab.motion.tuning import Grid, tuned

if TYPE_CHECKING:
    from tracklab.motion.network import Network
    from tracklab.motion.recipe import train
    from tracklab.motion.ship import shipped, train_shipped

PLAIN: dict[str, type[MotionModel]] = {
    "none": Held,
    "constant velocity": ConstantVelocity,
    "kalman": Kalman,
}
LEARNED = ("rnn", "gru", "lstm")
NAMES = (*PLAIN, *LEARNED)

_LATE = {"Network": "network", "train": "recipe", "shipped": "ship", "train_shipped": "ship"}
_ROOMS = (
    "base",
    "cells",
    "gradients",
    "kalman",
    "learned",
    "network",
    "observed",
    "recipe",
    "recurrent",
    "running",
    "ship",
    "simple",
    "stored",
    "tuning",
)

__all__ = [
    "LEARNED",
    "MIXED",
    "NAMES",
    "PICTURE",
    "Coasted",
    "ConstantVelocity",
    "Grid",
    "Held",
    "Kalman",
    "MotionModel",
    "Network",
    "Observed",
    "Recurrent",
    "Run",
    "Size",
    "State",
    "coast",
    "create",
    "observe",
    "run",
    "shipped",
    "train",
    "train_shipped",
    "tuned",
]


def create(name: str, size: Size | None = None) -> MotionModel:
    """A motion model by its name, one of `NAMES`; the learned ones with the shipped weights.

    size: height and width of the frames in pixels, if they have walls that objects turn at; the
        learned models see them.

    Raises `InputError` for another name, and `MissingError` where weights are not there.

    >>> model = create("kalman")
    >>> model.start([[10, 10, 30, 30], [50, 20, 90, 60]]).velocities.shape
    (2, 2)
    >>> model.predict().boxes.shape, model.update([[12, 10, 32, 30], [nan] * 4]).boxes.shape
    ((2, 4), (2, 4))
    """
    errors.choice("name", name, NAMES)
    if name in PLAIN:
        return PLAIN[name](size)
    from tracklab.motion import stored

    return Recurrent(stored.network(name), name, size)


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(importlib.import_module(f"tracklab.motion.{_LATE[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.motion.{name}")
    raise AttributeError(f"module 'tracklab.motion' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
