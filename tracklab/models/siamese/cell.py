"""The recurrent cell of the tracker: what it has seen of an object so far decides what it says.

In each frame it sees how far off the object was found and how sure that was (`belief.look`), and
says the gains of a belief (`belief.correct`).

Invariant: a cell that was never trained says nearly nothing, so that gains stay where they start.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracklab import errors
from tracklab.models.siamese import belief as bf
from tracklab.quiet import keras

UNITS = 32
FIRST = 0.01  # standard deviation of the last layer's weights: at first it says nearly nothing


class Cell:
    """A GRU and a dense layer behind it: the gains of a belief.

    units: of its state. seed: of the first weights. Raises `InputError` for numbers that are none.
    """

    built = True

    def __init__(self, units: int = UNITS, seed: int = 0) -> None:
        self.units = int(errors.number("units", units, low=1, high=4096, whole=True))
        rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
        first, second, third = (int(n) for n in rng.integers(2**31, size=3))
        self.cell = keras.layers.GRUCell(
            self.units,
            kernel_initializer=keras.initializers.GlorotUniform(seed=first),
            recurrent_initializer=keras.initializers.Orthogonal(seed=second),
        )
        self.cell.build((None, bf.SEEN))
        self.head = keras.layers.Dense(
            bf.SAID, kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, third)
        )
        self.head.build((None, self.units))

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes: all."""
        return [*self.cell.trainable_variables, *self.head.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """All weights: those of the GRU, then those of the dense layer."""
        return self.trainable_variables

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    def step(self, seen: Any, hidden: Any) -> tuple[Any, Any]:
        """What it says `(N, SAID)` of what it sees `(N, SEEN)`, and its state after it."""
        output, state = self.cell(seen, [hidden])
        return self.head(output), state[0]
