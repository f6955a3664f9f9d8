"""Every method at its own rate: a grid of rates, widened until the best lies inside, and counted.

A method is judged at the rate that suits it, found with the same effort as everyone's; and then on
other seeds than those that chose the rate, for the best of many tries is partly luck. Tuning costs,
too: `Tuned` says how many gradients and seconds it took.

Schmidt, Schneider and Hennig, "Descending through a crowded valley" (2021), section 2; Choi et al.,
"On empirical comparisons of optimizers for deep learning" (2019): who is tuned more, wins.

Invariant: no run that chose a rate is in a comparison.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, sweeps
from tracklab.optimizers import first_order
from tracklab.sweeps import Table

Floats = NDArray[np.float64]
Task = Callable[..., Mapping[str, Any]]

LOSS = "loss"
STEP = math.sqrt(10.0)  # from one rate to the next
AROUND = 2  # rates on each side of Keras' own, at first
WIDEN = 6  # times that a grid may grow by a rate: three decades
TUNING_SEEDS, SEEDS = (0, 1), (100, 101, 102, 103, 104)

# What loss is drawn over: the curve of a trial, and what it is in words.
AXES = {
    "at_step": "steps",
    "at_gradient": "gradients of a batch",
    "at_second": "seconds",
    "at_cpu_second": "processor seconds",
}


@dataclass(frozen=True)
class Tuned:
    """What tuning found, and what it cost.

    table: all runs. rates: the best of each method, by the median loss over the seeds. edges:
    methods whose best rate is still at an end of its grid, so that a better one may lie beyond.
    lost: methods that no rate brought to a finite loss.
    """

    table: Table
    rates: dict[str, float]
    edges: tuple[str, ...]
    lost: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """A tidy table: a row a method, with its rate, its loss and what finding them cost."""
        found = []
        spreads = self.table.spread(LOSS)
        for name in self.table.values("method"):
            runs = self.table.select(method=name)
            best = self.rates.get(str(name), math.nan)
            losses = [one for one in spreads if one.setting["method"] == name]
            mine = [one for one in losses if one.setting["rate"] == best]
            found.append(
                {
                    "method": name,
                    "rate": best,
                    "loss": mine[0].median if mine else math.inf,
                    "rates tried": len(losses),
                    "runs": len(runs),
                    "diverged": sum(run.status != sweeps.DONE for run in runs.runs),
                    "gradients": int(np.nansum(runs["gradients"])),
                    "cpu_seconds": float(np.nansum(runs["cpu_seconds"])),
                    "at an edge": name in self.edges,
                }
            )
        return found


def tune(
    task: Task,
    methods: Sequence[str] = first_order.NAMES,
    *,
    rates: Mapping[str, Sequence[float]] | None = None,
    seeds: Sequence[int] = TUNING_SEEDS,
    widen: int = WIDEN,
    out: str | os.PathLike[str] | None = None,
    client: Any = None,
    shown: bool = True,
    **fixed: Any,
) -> Tuned:
    """Try a grid of rates with each method, and widen it where the best lies at an end.

    task: one of `trials.TASKS`, or any that takes `method`, `rate` and `seed`, and returns figures
        by name, "loss", "gradients" and "cpu_seconds" among them.
    rates: to begin with, by method; five around Keras' own, a half decade apart, where not given.
    seeds: each rate is tried with. widen: by so many rates a grid may grow.
    out, client, shown: as `tracklab.sweep` takes them; with `out` a stopped tuning goes on.
    fixed: further parameters of the task, the same for all: `budget=200`.

    Raises `InputError` for methods that are none, and as `tracklab.sweep` does.
    """
    grids = {name: _first(name, rates) for name in _methods(methods)}
    widen = int(errors.number("widen", widen, low=0, high=40, whole=True))
    seeds = _seeds(seeds)
    with tempfile.TemporaryDirectory() as nowhere:
        folder = nowhere if out is None else out
        left = widen
        while True:
            table = sweeps.sweep(
                task,
                [
                    {"method": [name], "rate": grid, "seed": seeds, **_single(fixed)}
                    for name, grid in grids.items()
                ],
                out=folder,
                client=client,
                shown=shown,
                say=_nothing,
            )
            best = {
                str(one.setting["method"]): float(one.setting["rate"])  # type: ignore[arg-type]
                for one in table.best(LOSS, better="low")
            }
            edges = [n for n, grid in grids.items() if best.get(n) in (grid[0], grid[-1], None)]
            if not edges or not left:
                break
            left -= 1
            grids = {
                name: _wider(grid, best.get(name), name in edges) for name, grid in grids.items()
            }
    lost = tuple(name for name in grids if name not in best)
    return Tuned(table, best, tuple(name for name in edges if name not in lost), lost)


def compare(
    task: Task,
    rates: Mapping[str, float] | Tuned,
    *,
    seeds: Sequence[int] = SEEDS,
    out: str | os.PathLike[str] | None = None,
    client: Any = None,
    shown: bool = True,
    **fixed: Any,
) -> Table:
    """Run each method at one rate with several seeds; the table, one row a run.

    rates: by method, or what `tune` returned. seeds: others than those that chose the rates.

    Raises `InputError` where the seeds are those that tuned, and as `tracklab.sweep` does.
    """
    seeds = _seeds(seeds)
    chosen = rates.rates if isinstance(rates, Tuned) else dict(rates)
    if isinstance(rates, Tuned):
        seen = set(rates.table.values("seed")) & set(seeds)
        if seen:
            came = errors.Said(f"{[s for s in seeds if s in seen]}, which chose the rates")
            errors.bad("seeds", came, "others: the best of many tries is partly luck")
    _methods(list(chosen))
    grid = [
        {"method": [name], "rate": [float(rate)], "seed": seeds, **_single(fixed)}
        for name, rate in chosen.items()
    ]
    return sweeps.sweep(task, grid, out=out, client=client, shown=shown)


def bands(table: Table, over: str = "at_step") -> dict[str, tuple[Floats, Floats]]:
    """Loss on held-out examples by method: places `(P,)` on an axis and losses `(S, P)`, a row a
    seed.

    over: one of `AXES`. Seeds look after the same steps; on an axis of seconds a place is their
    mean. A run that diverged stops early: its losses from there on are inf.
    """
    errors.choice("over", over, AXES)
    found = {}
    for name in table.values("method"):
        runs = table.select(method=name).runs
        long = max((run.curves[over] for run in runs if over in run.curves), key=len, default=None)
        if long is None:
            continue
        losses = np.full((len(runs), len(long)), np.inf)
        places = np.full((len(runs), len(long)), np.nan)
        for k, run in enumerate(runs):
            if over in run.curves:
                count = len(run.curves[over])
                losses[k, :count] = run.curves["held_out"]
                places[k, :count] = run.curves[over]
        found[str(name)] = np.nanmean(places, axis=0), losses
    return found


def _first(name: str, rates: Mapping[str, Sequence[float]] | None) -> list[float]:
    given = (rates or {}).get(name)
    if given is None:
        middle = first_order.method(name).rate
        given = [_next(middle, STEP**k) for k in range(-AROUND, AROUND + 1)]
    if isinstance(given, str) or not len(given):
        errors.bad(f"rates[{name!r}]", given, "at least one rate")
    checked = [float(errors.number(f"rates[{name!r}]", r, low=0)) for r in given]
    return sorted({_rounded(rate) for rate in checked})


def _wider(grid: list[float], best: float | None, at_edge: bool) -> list[float]:
    """A grid with one more rate beyond its end where the best is; lower, where none is any good."""
    if not at_edge:
        return grid
    if best == grid[-1] and len(grid) > 1:
        return [*grid, _next(grid[-1], STEP)]
    # one rate alone has two ends
    more = [_next(grid[-1], STEP)] if best is not None and len(grid) == 1 else []
    return [_next(grid[0], 1 / STEP), *grid, *more]


def _next(rate: float, factor: float) -> float:
    """A rate times a factor; 0.1 rather than 0.0999, where rates go by half decades."""
    power = 2 * math.log10(rate * factor)
    near = 10 ** (round(power) / 2)
    return _rounded(near if abs(power - round(power)) < 0.01 else rate * factor)


def _rounded(rate: float) -> float:
    """Three digits: what is read and what is run are the same, and a file holds both."""
    return float(f"{rate:.3g}")


def _methods(methods: Sequence[str]) -> list[str]:
    if isinstance(methods, str) or not len(methods):
        errors.bad("methods", methods, "a list of at least one method")
    return [first_order.method(name).name for name in methods]


def _seeds(seeds: Sequence[int]) -> list[int]:
    return [int(errors.number("seeds", seed, low=0, whole=True)) for seed in seeds]


def _single(fixed: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: [value] for name, value in fixed.items()}


def _nothing(_: str) -> None:
    pass


def spent(table: Table) -> tuple[int, float]:
    """Gradients and processor seconds of all runs of a table."""
    return int(np.nansum(table["gradients"])), float(np.nansum(table["cpu_seconds"]))
