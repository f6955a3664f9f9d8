"""Which learning rates a network can bear: one short training in which the rate rises, and the loss
says when it is too high.

Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3; on a logarithmic
scale, as rates are.

Invariant: model and optimizer are afterwards as they were before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf
from tracklab.training.batches import Seeded, Source
from tracklab.training.steps import Loss, Objective, compiled_step, objective_of
from tracklab.training.steps import takes_seed as _takes_seed
from tracklab.training.steps import with_seed as _with_seed

Floats = NDArray[np.float64]

SMOOTHING = 0.9  # of the losses: about ten batches count
PATIENCE = 2.0  # how far the loss may rise: in what it had fallen, or half of what it was
WIDTH = 7  # steps, over which a slope is measured
FIRST = 10  # steps, whose mean is what the loss was, and whose deviation is the noise of batches


@dataclass(frozen=True)
class RangeTest:
    """What a range test measured, up to the end or the rate at which it diverged.

    rates, losses: `(K,)`, of each step, losses before its update. smoothed: `(K,)`, the losses'
    moving average, in which the noise of batches is less. diverged: whether it ended early.
    name: of the method.
    """

    rates: Floats
    losses: Floats
    smoothed: Floats
    diverged: bool
    name: str = ""

    @property
    def steepest(self) -> float:
        """The rate at which the loss fell fastest, over seven steps: a safe peak."""
        begin = min(FIRST, len(self.rates) - 2)  # before that, the average is of few batches
        end = max(begin + 2, self._lowest + 1)
        width = min(WIDTH, end - begin)
        # slope of the straight line through the steps around each
        away = np.arange(width) - (width - 1) / 2
        slopes = np.convolve(self.smoothed[begin:end], away[::-1], "valid")
        return float(self.rates[begin + int(slopes.argmin()) + width // 2])

    @property
    def lowest(self) -> float:
        """The rate at which the loss was lowest: from here on it is too high."""
        return float(self.rates[self._lowest])

    @property
    def _lowest(self) -> int:
        begin = min(FIRST, len(self.rates) - 1)
        return begin + int(self.smoothed[begin:].argmin())

    def rows(self) -> list[dict[str, float]]:
        """A tidy table: a row a step."""
        columns = {"rate": self.rates, "loss": self.losses, "smoothed": self.smoothed}
        return [{k: float(v[row]) for k, v in columns.items()} for row in range(len(self.rates))]


def range_test(
    model: Any,
    data: Source,
    *,
    loss: str | Loss | None = None,
    objective: Objective | None = None,
    optimizer: Any = "sgd",
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    watch: Callable[[], float] | None = None,
    smoothing: float | None = None,
    seed: int = 0,
    name: str = "",
) -> RangeTest:
    """Train for a few steps with a rate that rises from `low` to `high`, and go back.

    model, data, loss, objective, optimizer: as `training.fit` takes them.
    steps: as many batches, fewer where the loss is not finite any more, or has risen above its
        lowest by twice of what it had fallen (or of half its first value, or of the deviation of
        batches, if that is more).
    watch: the loss of the model as it is, on examples that stay the same, where batches differ so
        much that their own losses drown what is learned.
    smoothing: weight of the past in the moving average of the losses, 0 to 1: 0.9 for the losses of
        batches, 0 with `watch`.
    seed: for objectives that draw at random. name: of the result; the optimizer's if empty.

    The network is not warmed up, so rates are those that its first steps can bear. Raises
    `InputError` for arguments that do not go together, and a loss that is not finite at the start.
    """
    if (loss is None) == (objective is None):
        errors.bad("loss, objective", errors.Said("both" if loss else "neither"), "exactly one")
    if not isinstance(data, Source):
        errors.bad("data", errors.kind(data), "batches by step, as training.Batches gives them")
    low = float(errors.number("low", low, low=1e-12))
    high = float(errors.number("high", high, low=low))
    count = int(errors.number("steps", steps, low=2, whole=True))
    if smoothing is None:
        smoothing = SMOOTHING if watch is None else 0.0
    smoothing = float(errors.number("smoothing", smoothing, low=0, high=0.999))
    chosen: Any = objective if objective is not None else objective_of(loss)  # type: ignore[arg-type]
    if _takes_seed(chosen):
        chosen, data = _with_seed(chosen), Seeded(data, seed)
    if not model.built:
        model(tf.convert_to_tensor(data.batch(0, 0.0)[0]))
    rule = keras.optimizers.get(optimizer)
    rule.build(model.trainable_variables)
    kept = [(variable, variable.numpy()) for variable in (*model.variables, *rule.variables)]
    step = compiled_step(model, chosen, rule)
    found: list[tuple[float, float, float]] = []
    average, diverged = 0.0, False
    try:
        for k in range(count):
            # a = low (high / low)^(k / (K - 1))
            rate = low * (high / low) ** (k / (count - 1))
            rule.learning_rate.assign(rate)
            seen = None if watch is None else float(watch())
            own = float(step(data.batch(k, 0.0))["loss"])
            value = own if seen is None else seen
            if not math.isfinite(value):
                diverged = True
                break
            # s = b s + (1 - b) L, corrected for its start at 0
            average = smoothing * average + (1 - smoothing) * value
            found.append((rate, value, average / (1 - smoothing ** (k + 1))))
            if _too_high([row[1] for row in found], [row[2] for row in found]):
                diverged = True
                break
    finally:
        for variable, value in kept:
            variable.assign(value)
    if len(found) < 2:
        came = errors.Said(f"a loss that is not finite at rate {rate:g}, in step {k + 1}")
        errors.bad("low", came, "rates that begin where the loss is a number")
    rates, losses, smoothed = np.array(found, np.float64).T
    return RangeTest(rates, losses, smoothed, diverged, name or rule.name)


def _too_high(losses: list[float], smoothed: list[float]) -> bool:
    if len(losses) <= FIRST:
        return False
    first, best = float(np.mean(losses[:FIRST])), min(smoothed[FIRST - 1 :])
    noise = float(np.std(losses[:FIRST]))
    # s > s_best + 2 max(L_first - s_best, |L_first| / 2, deviation of batches)
    return smoothed[-1] > best + PATIENCE * max(first - best, abs(first) / 2, noise)
