"""What came out of a sweep: a tidy table, one row a run; selections, spreads over seeds, arrays.

Invariant: a run is in one row, and a row in one run: no statistic counts a run twice, and each says
how many runs it is of. Runs that diverged or failed are rows, too; no mean hides them.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, tables
from tracklab.files import write_whole
from tracklab.sweeps.grid import Parameters, Plain, plain, said, same, several
from tracklab.sweeps.running import DIVERGED, DONE, FAILED, STATUSES, TIMES, Run

Array = NDArray[Any]

LOW, HIGH = "low", "high"  # which values of a figure are better
SEED = "seed"
MOST_ROWS, MOST_ERRORS = 40, 5  # that are displayed; `rows` and the file have all


@dataclass(frozen=True, eq=False)
class Table:
    """Runs of a sweep, in the order in which they were asked for.

    name, version: of the task. planned: how many runs were asked for; those that are not here
        have not been run yet.
    """

    runs: Sequence[Run]
    name: str = "sweep"
    version: Plain = 1
    planned: int = 0

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[dict[str, Plain]]:
        return iter(self.rows)

    @property
    def rows(self) -> list[dict[str, Plain]]:
        """One dictionary a run: parameters, figures, seconds, cpu_seconds, status, error."""
        return [run.row() for run in self.runs]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters, in order."""
        return list(dict.fromkeys(name for run in self.runs for name in run.parameters))

    @property
    def figures(self) -> list[str]:
        """The names of the figures, in order; the times are the last two."""
        found = dict.fromkeys(name for run in self.runs for name in run.figures)
        return [*(name for name in found if name not in TIMES), *TIMES]

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in order."""
        return list(dict.fromkeys([*self.parameters, *self.figures, "status", "error"]))

    def __getitem__(self, column: str) -> Array:
        """`(len,)`: a column; a figure that a run does not have is NaN, a parameter None."""
        errors.choice("column", column, self.columns)
        if column in self.figures:
            return np.array([_figure(run, column) for run in self.runs], np.float64)
        values = [run.row().get(column) for run in self.runs]
        return np.array(values, None if _of_one_kind(values) else object)

    def curves(self, name: str) -> list[NDArray[np.float64]]:
        """`(P,)` for each row: what its task returned as an array; empty where it did not."""
        known = dict.fromkeys(name for run in self.runs for name in run.curves)
        errors.choice("curve", name, known)
        return [run.curves.get(name, np.empty(0)) for run in self.runs]

    def values(self, parameter: str) -> list[Plain]:
        """The values that a parameter takes, each once, in order."""
        errors.choice("parameter", parameter, self.parameters)
        found: dict[str, Plain] = {}
        for run in self.runs:
            if parameter in run.parameters:
                found.setdefault(same(run.parameters[parameter]), run.parameters[parameter])
        return list(found.values())

    @property
    def problems(self) -> list[str]:
        """What failed and what diverged, a line each."""
        return [
            f"{said(run.parameters)}: {run.status}: {run.error}"
            for run in self.runs
            if run.status != DONE
        ]

    def select(self, **wanted: Any) -> Table:
        """The rows whose parameters (or status) have a value, or one of several.

        `table.select(method="adam", rate=[0.1, 0.01])`. Raises `InputError` for a parameter that
        is none, and for values that no row has.
        """
        runs = list(self.runs)
        for name, value in wanted.items():
            errors.choice("parameter", name, [*self.parameters, "status"])
            some = [plain(name, one) for one in (value if several(value) else [value])]
            known = STATUSES if name == "status" else self.values(name)
            if not {same(one) for one in some} <= {same(one) for one in known}:
                errors.bad(name, value, f"of {', '.join(map(repr, known))}")
            marks = {same(one) for one in some}
            kept = ({"status": run.status, **run.parameters} for run in runs)
            runs = [
                run
                for run, row in zip(runs, kept, strict=True)
                if name in row and same(row[name]) in marks
            ]
        return dataclasses.replace(self, runs=runs, planned=0)

    def array(self, figure: str, *axes: str) -> NDArray[np.float64]:
        """A figure with an axis for each parameter named: `array("loss", "method", "rate", "seed")`
        has the shape of their `values`; NaN where there is no such run, or it has no such figure.

        Raises `InputError` where several runs fall together, as an axis is missing.
        """
        errors.choice("figure", figure, self.figures)
        places = [{same(v): k for k, v in enumerate(self.values(axis))} for axis in axes]
        found = np.full([len(place) for place in places], np.nan)
        filled = np.zeros(found.shape, bool)
        for run in self.runs:
            if any(axis not in run.parameters for axis in axes):
                continue
            cell = tuple(
                place[same(run.parameters[axis])] for axis, place in zip(axes, places, strict=True)
            )
            if filled[cell]:
                others = [name for name in self.parameters if name not in axes]
                errors.bad("axes", axes, f"{', '.join(others)} among them, or one value of it")
            filled[cell], found[cell] = True, _figure(run, figure)
        return found

    def spread(self, figure: str, *, over: str | Sequence[str] = SEED) -> Spreads:
        """A figure of each setting, with its spread over seeds: see `Spread`.

        over: the parameters that only repeat a setting; all others tell settings apart. So no mean
            mixes rates or methods.

        Raises `InputError` for a figure or a parameter that is none.
        """
        errors.choice("figure", figure, self.figures)
        names = (over,) if isinstance(over, str) else tuple(over)
        for name in names:
            errors.choice("over", name, self.parameters)
        groups: dict[tuple[Any, ...], list[Run]] = {}
        settings: dict[tuple[Any, ...], Parameters] = {}
        for run in self.runs:
            own = {k: v for k, v in run.parameters.items() if k not in names}
            mark = tuple(sorted((k, same(v)) for k, v in own.items()))
            groups.setdefault(mark, []).append(run)
            settings[mark] = own
        return Spreads(
            [_spread(settings[mark], figure, runs) for mark, runs in groups.items()], names
        )

    def best(
        self,
        figure: str,
        *,
        better: str,
        pick: str = "rate",
        over: str | Sequence[str] = SEED,
    ) -> Spreads:
        """The best rate of each method (of each combination of the other parameters, in general).

        better: whether a "low" or a "high" figure is better. pick: the parameter to choose.
        over: see `spread`. What counts is the median, in which a run that has no such figure, or
        did not finish, is the worst there is: a rate does not win by the seeds that survive it. Of
        equals the first wins. A method of which no rate has a finite median is left out.

        Raises `InputError` as `spread` does.
        """
        errors.choice("better", better, (LOW, HIGH))
        errors.choice("pick", pick, self.parameters)
        spreads = self.spread(figure, over=over)
        sign = 1.0 if better == LOW else -1.0
        winners: dict[tuple[Any, ...], tuple[float, Spread]] = {}
        for spread in spreads:
            rest = tuple(sorted((k, same(v)) for k, v in spread.setting.items() if k != pick))
            # min over settings of median(s_1, ..., s_n), s = inf where a run did not finish
            worst = [math.inf] * (spread.runs - spread.finished)
            cost = float(np.median([*(sign * spread.values), *worst]))
            if math.isfinite(cost) and (rest not in winners or cost < winners[rest][0]):
                winners[rest] = cost, spread
        return Spreads([spread for _, spread in winners.values()], spreads.over)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows as CSV, whole or not at all; NaN and infinities stand there as figures
        do, and what a run does not have is empty. Returns the path.

        Raises `SourceError` where it cannot be written.
        """
        rows = [{k: _in_csv(v) for k, v in row.items()} for row in self.rows]
        return write_whole(Path(path), tables.csv_text(rows, self.columns))

    @property
    def summary(self) -> str:
        """One line: how many runs, and what became of them."""
        counts = {status: sum(run.status == status for run in self.runs) for status in STATUSES}
        parts = [f"{counts[s]} {s}" for s in (DIVERGED, FAILED) if counts[s]]
        left = self.planned - len(self)
        parts += [f"{left} not run yet"] if left > 0 else []
        runs = f"{len(self)} run{'s' * (len(self) != 1)}"
        return f"{self.name}, version {self.version}: {', '.join([runs, *parts])}"

    def __str__(self) -> str:
        lines = [self.summary]
        if self.runs:
            lines += ["", tables.aligned(self._cells())]
        return "\n".join(lines + self._notes())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.runs:
            return tables.html_table([["no run"]], self.summary)
        caption = "\n".join(line for line in [self.summary, *self._notes()] if line)
        return tables.html_table(self._cells(), caption)

    def _cells(self) -> list[list[str]]:
        columns = [name for name in self.columns if name != "error"]
        if all(run.status == DONE for run in self.runs):
            columns.remove("status")
        rows = [run.row() for run in self.runs[:MOST_ROWS]]
        return [columns, *([_shown(row.get(name), name) for name in columns] for row in rows)]

    def _notes(self) -> list[str]:
        problems = self.problems
        more = len(self) - MOST_ROWS
        lines = [f"... and {more} more rows"] if more > 0 else []
        lines += ["", *problems[:MOST_ERRORS]] if problems else []
        hidden = len(problems) - MOST_ERRORS
        return lines + ([f"... and {hidden} more, in `problems`"] if hidden > 0 else [])


@dataclass(frozen=True, eq=False)
class Spread:
    """A figure of one setting in all its runs.

    setting: its parameters. runs: how many there are; finished: how many of them were done and
        have the figure. values: `(finished,)`, and of them
    median, low, high: the middle, the lowest and the highest;
    mean, deviation: their mean and standard deviation, with n - 1; NaN of a single one.
    """

    setting: Parameters
    figure: str
    runs: int
    values: NDArray[np.float64] = field(repr=False)

    @property
    def finished(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def median(self) -> float:
        """The middle one; the mean of the two in the middle where their number is even."""
        return _of(np.median, self.values)

    @property
    def low(self) -> float:
        """The lowest."""
        return _of(np.min, self.values)

    @property
    def high(self) -> float:
        """The highest."""
        return _of(np.max, self.values)

    @property
    def mean(self) -> float:
        """m = (x_1 + ... + x_n) / n."""
        return _of(np.mean, self.values)

    @property
    def deviation(self) -> float:
        """s, with s^2 = ((x_1 - m)^2 + ... + (x_n - m)^2) / (n - 1); NaN for one value."""
        return float(self.values.std(ddof=1)) if self.finished > 1 else math.nan

    def row(self) -> dict[str, Plain]:
        """As one row of a table."""
        numbers = {name: getattr(self, name) for name in _STATISTICS}
        count = {"runs": self.runs, "finished": self.finished}
        return {**self.setting, **numbers, **count}


_STATISTICS = ("median", "low", "high", "mean", "deviation")


class Spreads(list[Spread]):
    """A figure of several settings: a table in a notebook, lines in a terminal.

    over: the parameters over which it spreads.
    """

    def __init__(self, spreads: Iterable[Spread] = (), over: Sequence[str] = (SEED,)) -> None:
        super().__init__(spreads)
        self.over = tuple(over)

    @property
    def rows(self) -> list[dict[str, Plain]]:
        """One dictionary a setting: its parameters, statistics, runs and how many finished."""
        return [one.row() for one in self]

    def column(self, name: str) -> Array:
        """`(len,)`: one of the statistics, or a parameter, for a plot."""
        values = [row.get(name) for row in self.rows]
        errors.choice("column", name, dict.fromkeys(key for row in self.rows for key in row))
        return np.array(values)

    @property
    def summary(self) -> str:
        """One line: what the numbers are."""
        figure = self[0].figure if self else "nothing"
        over = ", ".join(self.over) or "no parameter"
        return (
            f"{figure} over {over}: median, lowest and highest, mean and standard deviation (n - 1)"
            " of the runs that finished"
        )

    def __str__(self) -> str:
        return f"{self.summary}\n\n{tables.aligned(self._cells())}" if self else self.summary

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return tables.html_table(self._cells(), self.summary)

    def _cells(self) -> list[list[str]]:
        names = list(dict.fromkeys(name for one in self for name in one.setting))
        head = [*names, *_STATISTICS, "finished"]
        rows = []
        for one in self:
            row = one.row() | {"finished": f"{one.finished} of {one.runs}"}
            known = {name: None if tables.unknown(value) else value for name, value in row.items()}
            rows.append([_shown(known.get(name)) for name in head])
        return [head, *rows]


def _spread(setting: Parameters, figure: str, runs: Sequence[Run]) -> Spread:
    values = np.array([_figure(run, figure) for run in runs if run.status == DONE], np.float64)
    return Spread(setting, figure, len(runs), values[np.isfinite(values)])


def _figure(run: Run, name: str) -> float:
    value = run.row().get(name)
    return float(value) if isinstance(value, (int, float)) else math.nan


def _of(statistic: Callable[[Any], Any], values: NDArray[np.float64]) -> float:
    return float(statistic(values)) if len(values) else math.nan


def _of_one_kind(values: Sequence[Plain]) -> bool:
    """Whether an array of its own type can hold them, without numbers that become texts."""
    kinds = {type(value) for value in values}
    return kinds in ({str}, {bool}, {int}, {float}, {int, float})


def _shown(value: Plain, column: str = "") -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if column in TIMES else f"{value:.4g}"
    return str(value)


def _in_csv(value: Plain) -> Plain:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
