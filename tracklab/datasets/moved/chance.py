"""Ways of drawing that a generator lacks: one of a few values, a size, a random walk.

`Generator.choice` takes four times as long to draw one of a few values, and a clip draws often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
Floats = NDArray[np.float64]


def one_of(rng: np.random.Generator, values: Sequence[Value]) -> Value:
    """One of the values, each as likely. A value that stands twice is twice as likely."""
    return values[int(rng.integers(len(values)))]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from `low` to `high` that doubles as likely as it doubles again."""
    # x = low (high / low)^u, u uniform
    return low * math.exp(rng.random() * math.log(high / low))


def walk(rng: np.random.Generator, frames: int, step: float) -> Floats:
    """A random walk `(T,)` with normal steps of standard deviation `step`, one of them taken."""
    # x[t] = x[t - 1] + step e[t], x[-1] = 0
    return np.cumsum(rng.standard_normal(frames)) * step
