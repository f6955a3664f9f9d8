"""What methods of second order came to on real networks, measured once: read, never run anew.

`python -m benchmarks.second_order --save` measures and writes it, a task at a time. A lesson shows
it beside what it measures itself, and says so.

Invariant: a curve is the lowest loss until then, thinned; its ends are those of the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, files
from tracklab.optimizers.problems import QUESTIONS
from tracklab.optimizers.results import Result

Floats = NDArray[np.float64]

PATH = Path(__file__).resolve().parents[2] / "data" / "results" / "second_order.json"
POINTS = 36  # of a curve that are kept


@dataclass(frozen=True)
class Stored:
    """One task: what is known about its measuring, and a row a run.

    about: the command, machine, versions, seeds, and what the task adds (prices, sizes).
    rows: each with "method", "seed", "rate" (0 where a method has none), "ended", "test" where
    there is such a figure, and the curve: "step", "gradients", "cpu_seconds", "loss".
    """

    about: dict[str, Any]
    rows: list[dict[str, Any]]

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names, in the order in which they ran."""
        return tuple(dict.fromkeys(row["method"] for row in self.rows))

    def rate(self, method: str) -> float:
        """The rate at which a method's median of end losses is lowest."""
        errors.choice("method", method, self.methods)
        ends: dict[float, list[float]] = {}
        for row in self.rows:
            if row["method"] == method:
                ends.setdefault(row["rate"], []).append(row["loss"][-1])
        return min(ends, key=lambda rate: float(np.median(ends[rate])))

    def best(self, method: str) -> list[dict[str, Any]]:
        """A method's rows at that rate, by seed."""
        rate = self.rate(method)
        found = [row for row in self.rows if (row["method"], row["rate"]) == (method, rate)]
        return sorted(found, key=lambda row: int(row["seed"]))

    def results(self, method: str) -> list[Result]:
        """The same as results, for `plots.convergence`: all that was asked counts as gradients."""
        return [_as_result(row) for row in self.best(method)]

    def ends(self, method: str, column: str = "loss") -> Floats:
        """The last entry of a column for each seed, at that rate: `(S,)`; or "test"."""
        return np.array([np.ravel(row[column])[-1] for row in self.best(method)], float)


def row(
    result: Result,
    method: str,
    *,
    seed: int,
    rate: float = 0.0,
    test: float = float("nan"),
    prices: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """A run as it is stored. prices: of what it asked, as for `Result.in_gradients`."""
    count = len(result["step"])
    # on the logarithmic axes on which it is drawn, evenly
    kept = np.unique(np.r_[0, np.geomspace(1, max(count - 1, 1), POINTS).round(), count - 1])
    which = kept[kept < count].astype(int)
    columns = {
        "step": result["step"],
        "gradients": result.in_gradients(prices),
        "cpu_seconds": result["cpu_seconds"],
        "loss": np.fmin.accumulate(result["loss"]),
    }
    return {
        "method": method,
        "seed": int(seed),
        "rate": float(rate),
        "ended": result.stopped,
        **({"test": files.short(test)} if np.isfinite(test) else {}),
        **{
            name: [files.short(value) for value in values[which]]
            for name, values in columns.items()
        },
    }


def read(path: str | Path = PATH) -> dict[str, Stored]:
    """All tasks by name. Raises `InputError` where there is no such file."""
    if not Path(path).is_file():
        errors.bad("path", str(path), "a file that `benchmarks.second_order --save` wrote")
    table = json.loads(Path(path).read_text())
    return {name: Stored(part["about"], part["rows"]) for name, part in table.items()}


def write(
    task: str, about: Mapping[str, Any], rows: list[dict[str, Any]], path: str | Path = PATH
) -> None:
    """Store the runs of one task's seeds in place of what was known of them.

    Other tasks and other seeds stay, so that a long measuring can be done in pieces.
    """
    path = Path(path)
    table = json.loads(path.read_text()) if path.is_file() else {}
    anew = {one["seed"] for one in rows}
    kept = [one for one in table.get(task, {"rows": []})["rows"] if one["seed"] not in anew]
    every = sorted([*kept, *rows], key=lambda one: int(one["seed"]))
    seeds = sorted({one["seed"] for one in every})
    table[task] = {"about": {**about, "seeds": seeds}, "rows": every}
    # a run a line, so that changes can be read
    parts = []
    for name, part in table.items():
        lines = ",\n".join(f"   {json.dumps(one)}" for one in part["rows"])
        parts.append(
            f' {json.dumps(name)}: {{\n  "about": {json.dumps(part["about"])},\n'
            f'  "rows": [\n{lines}\n  ]\n }}'
        )
    files.write_whole(path, "{\n" + ",\n".join(parts) + "\n}\n")


def _as_result(stored: Mapping[str, Any]) -> Result:
    columns = {name: np.array(stored[name], float) for name in ("step", "cpu_seconds", "loss")}
    asked = {name: np.zeros(len(columns["loss"])) for name in QUESTIONS}
    asked["gradients"] = np.array(stored["gradients"], float)
    ended = str(stored["ended"])
    loss = float(columns["loss"][-1])
    return Result(str(stored["method"]), np.empty(0), loss, columns | asked, None, ended)
