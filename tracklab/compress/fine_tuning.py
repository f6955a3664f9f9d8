"""Training on after a network was made smaller: the classifier's recipe at a low rate, full size.

Invariant: what `between` sets is set after every step, the last one included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, training
from tracklab.models.classifier import recipe
from tracklab.quiet import keras

Floats = NDArray[Any]
Between = Callable[[float], None]

RATE = 0.1  # peak of the triangle: a sixth of what the first training took
PEAK = 0.1  # of the training, when the rate is highest


@dataclass(frozen=True)
class _Timed:
    """Batches with the progress of the training behind them."""

    source: training.Source

    @property
    def steps_per_epoch(self) -> float:
        return self.source.steps_per_epoch

    def batch(self, step: int, progress: float) -> training.Batch:
        return *self.source.batch(step, progress), np.float32(progress)


def fine_tune(
    model: Any,
    images: Floats,
    labels: Floats,
    *,
    objective: training.Objective | None = None,
    between: Between | None = None,
    rate: float = RATE,
    batch_size: int = recipe.BATCH,
    seed: int = 0,
    **options: Any,
) -> training.Curves:
    """Train a classifier on, and return the curves.

    images `(N, H, W, 3)` uint8, labels `(N,)`. objective: instead of the recipe's loss, as
    `distillation.objective` makes one. between: called with the progress, 0 to 1, before the first
    step and after each. rate: the highest. options: of `training.fit`, among them the budget.

    Raises `InputError` for what is no network, a rate that is not positive, and as `training.fit`
    does.
    """
    if not hasattr(model, "trainable_variables"):
        errors.bad("model", model, "a Keras classifier")
    rate = float(errors.number("rate", rate, low=1e-12))
    optimizer = keras.optimizers.SGD(rate, momentum=recipe.MOMENTUM, nesterov=True)
    optimizer.build(model.trainable_variables)
    inner = training.compiled_step(
        model,
        objective or training.objective_of(recipe.smoothed_crossentropy()),
        optimizer,
        weight_decay=recipe.WEIGHT_DECAY,
    )
    if between is not None:
        between(0.0)

    def step(batch: training.Batch) -> Any:
        *examples, progress = batch
        metrics = inner(tuple(examples))
        if between is not None:
            between(float(progress))
        return metrics

    source = recipe.Growing(images, labels, batch_size, seed, stages=recipe.FULL_SIZE)
    settings: dict[str, Any] = {"schedule": training.triangle(peak=PEAK), "name": "fine-tuning"}
    return training.fit(
        model, _Timed(source), train_step=step, optimizer=optimizer, **(settings | options)
    )
