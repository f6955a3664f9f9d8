"""What small costs: networks as points of bytes, milliseconds and quality, and the best of them.

A network is on the frontier if no other is as good or better for as little or less; nobody needs
one that is not (Pareto). The stored measurements of this course are read here.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors, files
from tracklab.models import weights

RESULTS = weights.FOLDER.parent / "results" / "compress.json"
COMMAND = "python -m benchmarks.compress --write"

CLASSIFIER, DETECTOR, MOTION, TRACKER = MODELS = ("classifier", "detector", "motion", "tracker")


@dataclass(frozen=True)
class Row:
    """One network in one form.

    model: one of `MODELS`. variant: how it was made smaller; "shipped" for what it was. precision:
    of its file, as `export.PRECISIONS`, or "Keras" where it is no file. bytes: of the file (of
    Keras' weights in float32). deflated: of the file, compressed. quality: the figure named by
    `measure`, larger is better; for "px" it is an error, smaller is better. agreement: share of
    answers that are the shipped one's, where that was counted. cpu_ms, wall_ms: for one image,
    frame or step, in batches of one, with one thread.
    """

    model: str
    variant: str
    precision: str
    bytes: int
    deflated: int
    measure: str
    quality: float
    cpu_ms: float
    wall_ms: float
    agreement: float | None = None

    @property
    def name(self) -> str:
        """Variant and precision."""
        return f"{self.variant}, {self.precision}"

    @property
    def goodness(self) -> float:
        """The quality, or the error with its sign turned: larger is better."""
        return -self.quality if self.measure.endswith("px") else self.quality


@dataclass(frozen=True)
class Results:
    """A stored run: `rows`, and in `about` where, with what and how it was measured."""

    rows: list[Row]
    about: dict[str, Any]

    def of(self, model: str) -> list[Row]:
        """The rows of a model. Raises `InputError` for another name."""
        errors.choice("model", model, MODELS)
        return [row for row in self.rows if row.model == model]


def frontier(costs: ArrayLike, goodness: ArrayLike) -> NDArray[np.bool_]:
    """Which of N points no other one beats: `(N,)` booleans.

    costs: `(N,)` or `(N, K)`, smaller is better in each. goodness: `(N,)`, larger is better. A
    point is beaten by one that is nowhere worse and somewhere better. Raises `InputError` for
    lengths that differ, and NaN.

    >>> frontier([1, 2, 3], [0.5, 0.4, 0.9]).tolist()
    [True, False, True]
    """
    try:
        spent, good = np.asarray(costs, np.float64), np.asarray(goodness, np.float64)
    except (TypeError, ValueError):
        errors.bad("costs, goodness", costs, "numbers")
    if good.ndim != 1 or spent.ndim not in (1, 2) or len(spent) != len(good):
        came = errors.Said(f"shapes {spent.shape} and {good.shape}")
        errors.bad("costs, goodness", came, "(N,) or (N, K), and (N,)")
    if np.isnan(spent).any() or np.isnan(good).any():
        errors.bad("costs, goodness", errors.Said("NaN, which nothing beats"), "numbers")
    points = np.column_stack([spent, -good])
    no_worse = (points[:, None] <= points[None]).all(2)
    better = (points[:, None] < points[None]).any(2)
    return np.asarray(~(no_worse & better).any(0), np.bool_)


def read_results(path: str | PathLike[str] | None = None) -> Results:
    """The stored run. Raises `MissingError` where there is none, and says how to make it."""
    where = Path(path) if path is not None else RESULTS
    return Results(*files.stored_rows(where, COMMAND, lambda row: Row(**row)))


def table(rows: Sequence[Row]) -> str:
    """The rows as text; a star marks who is on the frontier of bytes, CPU time and quality."""
    wide = max((len(f"{row.model}: {row.name}") for row in rows), default=0) + 2
    head = f"{'network':{wide + 2}}{'KB':>8}{'zipped':>9}{'CPU ms':>9}{'wall ms':>9}"
    head += f"{'quality':>10}  measure"
    lines = [head]
    for model in MODELS:
        mine = [row for row in rows if row.model == model]
        if not mine:
            continue
        best = frontier([(row.bytes, row.cpu_ms) for row in mine], [row.goodness for row in mine])
        for row, star in zip(mine, best, strict=True):
            lines.append(
                f"{f'{model}: {row.name}':{wide}}{'*' if star else '':2}{row.bytes / 1000:8.1f}"
                f"{row.deflated / 1000:9.1f}{row.cpu_ms:9.3f}{row.wall_ms:9.3f}"
                f"{row.quality:10.4f}  {row.measure}"
            )
    return "\n".join(lines)
