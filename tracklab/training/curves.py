"""What was measured while a network trained, as columns that can be drawn, stored and compared.

Invariant: `Curves.from_json(curves.to_json())` has the same columns, bit for bit.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Array = NDArray[Any]

_COLUMNS = (
    "step",
    "epoch",
    "seconds",
    "cpu_seconds",
    "learning_rate",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
)


@dataclass(frozen=True)
class Curves:
    """What was measured while a network trained: one entry a step in every column.

    step: steps done, from 1. epoch: epochs done, a fraction.
    seconds, cpu_seconds: wall time and the process's CPU time (user and system, all threads) spent
        on training so far, compiling and data included; validation and saving left out.
    learning_rate: as it was used. loss, accuracy: of the step's batch, before its update.
    val_loss, val_accuracy: of the validation after the step; NaN where there was none.
    parts: further columns by name, whatever the step or the validation reported.
    best_step: the step whose weights the model has now. stopped: why training ended: "complete",
        "patience", "interrupted" or "diverged".
    """

    step: Array
    epoch: Array
    seconds: Array
    cpu_seconds: Array
    learning_rate: Array
    loss: Array
    accuracy: Array
    val_loss: Array
    val_accuracy: Array
    parts: dict[str, Array] = field(default_factory=dict)
    name: str = "training"
    best_step: int = 0
    stopped: str = "complete"

    def __len__(self) -> int:
        return len(self.step)

    def __getitem__(self, column: str) -> Array:
        """A column by name, further parts included."""
        if column in _COLUMNS:
            return getattr(self, column)
        return self.parts[errors.choice("column", column, [*_COLUMNS, *self.parts])]

    @property
    def validated(self) -> NDArray[np.bool_]:
        """`(len,)`: the steps after which there was a validation."""
        seen = np.isfinite(self.val_loss) | np.isfinite(self.val_accuracy)
        for name, values in self.parts.items():
            if name.startswith("val_"):
                seen |= np.isfinite(values)
        return seen

    def rows(self) -> list[dict[str, float]]:
        """The table, tidy: one dictionary a step, without the columns that were not measured."""
        table = {name: self[name] for name in (*_COLUMNS, *self.parts)}
        return [
            {
                name: value
                for name, values in table.items()
                if not math.isnan(value := float(values[row]))
            }
            for row in range(len(self))
        ]

    def smooth(self, points: int = 100) -> Curves:
        """At most about `points` entries: means over equal runs of steps; validations are kept.

        What was not measured in a step is left out of its mean; NaN where nothing was.
        """
        errors.number("points", points, low=1, whole=True)
        if len(self) <= points:
            return self
        ends = set(np.unique(np.linspace(0, len(self), points + 1).astype(int))[1:])
        ends |= set((np.flatnonzero(self.validated) + 1).tolist())
        edges = [0, *sorted(ends)]

        def thin(name: str) -> Array:
            values = self[name]
            if name in ("loss", "accuracy") or (name in self.parts and not name.startswith("val_")):
                spans = itertools.pairwise(edges)
                return np.array([_mean(values[a:b]) for a, b in spans])
            return values[np.array(edges[1:]) - 1]

        return Curves(
            **{name: thin(name) for name in _COLUMNS},
            parts={name: thin(name) for name in self.parts},
            name=self.name,
            best_step=self.best_step,
            stopped=self.stopped,
        )

    def to_json(self) -> str:
        """As JSON text; what was not measured is null."""
        table = {name: self[name] for name in (*_COLUMNS, *self.parts)}
        plain = {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in table.items()
        }
        about = {"name": self.name, "best_step": self.best_step, "stopped": self.stopped}
        return json.dumps({"about": about, "columns": plain})

    @classmethod
    def from_json(cls, text: str) -> Curves:
        """What `to_json` wrote. Raises `InputError` for anything else."""
        try:
            stored = json.loads(text)
            about, plain = stored["about"], stored["columns"]
            table = {
                name: np.array([math.nan if value is None else value for value in values], float)
                for name, values in plain.items()
            }
            if len({values.shape for values in table.values()}) > 1:
                raise ValueError("columns of different lengths")
            known: dict[str, Any] = {name: table.pop(name) for name in _COLUMNS}
            return cls(**known, parts=table, **about)
        except (ValueError, KeyError, TypeError, AttributeError):
            errors.bad("text", text, "the JSON text of some curves")

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, float]], **about: Any) -> Curves:
        """Columns from tidy rows; NaN where a row has no such entry."""
        names = [*_COLUMNS, *sorted({name for row in rows for name in row} - set(_COLUMNS))]
        table = {name: np.array([row.get(name, math.nan) for row in rows], float) for name in names}
        known: dict[str, Any] = {name: table.pop(name) for name in _COLUMNS}
        return cls(**known, parts=table, **about)


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
