"""One way to train: every network of the course goes through `fit`.

`fit(model, data, loss=..., steps=...)` builds one compiled step for you. A network whose loss has
several parts gives an `objective(model, batch) -> metrics`; one that needs a step of its own gives
a `train_step(batch) -> metrics`. Seeds, learning-rate schedule, validation, averaging, early stop,
progress and checkpoints are the same for all.

Data is a function of the step: batch number k is always the same batch, whatever came before. A
learning rate is a function of progress, the fraction of the training that is done. So training has
no hidden state but the variables of the model and its optimizer.

Nothing here is imported until it is used: `tracklab.training` does not load TensorFlow, `fit` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracklab.training.batches import Batch, Batches, Source
    from tracklab.training.curves import Curves
    from tracklab.training.loop import EPOCH, Diverged, Interrupted, fit
    from tracklab.training.progress import Progress
    from tracklab.training.schedules import (
        Schedule,
        constant,
        cosine,
        flat_then_down,
        stairs,
        triangle,
        warmed_up,
    )
    from tracklab.training.steps import (
        Loss,
        Objective,
        compiled_step,
        evaluate,
        objective_of,
        predict,
    )

_HOMES = {
    "batches": ("Batch", "Batches", "Source"),
    "curves": ("Curves",),
    "loop": ("EPOCH", "Diverged", "Interrupted", "fit"),
    "progress": ("Progress",),
    "schedules": (
        *("Schedule", "constant", "cosine", "flat_then_down"),
        *("stairs", "triangle", "warmed_up"),
    ),
    "steps": ("Loss", "Objective", "compiled_step", "evaluate", "objective_of", "predict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "EPOCH",
    "Batch",
    "Batches",
    "Curves",
    "Diverged",
    "Interrupted",
    "Loss",
    "Objective",
    "Progress",
    "Schedule",
    "Source",
    "compiled_step",
    "constant",
    "cosine",
    "evaluate",
    "fit",
    "flat_then_down",
    "objective_of",
    "predict",
    "stairs",
    "triangle",
    "warmed_up",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"tracklab.training.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tracklab.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
