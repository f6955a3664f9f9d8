"""Methods side by side on a surface: the same start and number of steps, each at its own rate.

All step together: one gradient of all points, then each method moves its own.

Invariant: a method's path is what it would be alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import first_order
from tracklab.optimizers.results import WORSE
from tracklab.optimizers.surfaces import Surface

Floats = NDArray[np.float64]

STEPS = 150
GRID = tuple(float(rate) for rate in np.logspace(-5, 2, 43))  # six a decade
STAYING = -1  # in `diverged`: it never did
NEAR = 1e-6  # how near to the lowest loss counts as there, in what the start is above it


@dataclass(frozen=True)
class Race:
    """Where each method was after each step.

    methods: M names. rates: `(M,)`. paths: `(M, T + 1, 2)`, from the start on; losses: `(M,
    T + 1)`; both NaN from where a method diverged. evaluations: `(T + 1,)`, gradients that each
    method has asked for. diverged: `(M,)`, the step at which it left, or -1.
    """

    surface: Surface
    methods: tuple[str, ...]
    rates: Floats
    paths: Floats
    losses: Floats
    evaluations: NDArray[np.int64]
    diverged: NDArray[np.int64]

    def arrived(self, near: float = NEAR) -> NDArray[np.int64]:
        """`(M,)`: the first step after which a method's loss stays near the lowest; -1 for never.

        near: how near, as a share of what the start lies above the lowest loss.
        """
        return _arrived(self.losses, self.surface.lowest, near)

    def rows(self) -> list[dict[str, Any]]:
        """A tidy table: a row a method."""
        ends = np.nanmin(self.losses, axis=1)
        return [
            {
                "method": name,
                "rate": float(self.rates[k]),
                "lowest": float(ends[k]),
                "last": float(self.losses[k, -1]),
                "arrived": int(self.arrived()[k]),
                "diverged": int(self.diverged[k]),
                "gradients": int(self.evaluations[-1]),
            }
            for k, name in enumerate(self.methods)
        ]


def race(
    surface: Surface,
    rates: Mapping[str, float],
    *,
    start: ArrayLike | None = None,
    steps: int = STEPS,
    options: Mapping[str, Mapping[str, float]] | None = None,
) -> Race:
    """Let methods step together on a surface from one start.

    rates: by method, of `first_order.NAMES`. start: `(2,)`; the surface's own if None. options: by
    method, further ones of its function. A method diverges where its loss is no number, or 1e8
    times that of the start.

    Raises `InputError` for methods, rates or options that are none.
    """
    if not rates:
        errors.bad("rates", rates, "a rate for at least one method")
    checked = {name: [errors.number(f"rates[{name!r}]", r, low=0)] for name, r in rates.items()}
    for name, chosen in (options or {}).items():
        errors.choice("options", name, checked)
        for option in chosen:
            errors.choice(f"option of {name!r}", option, first_order.method(name).options)
    paths, losses, left = _together(surface, checked, start, steps, options or {})
    return Race(
        surface,
        tuple(checked),
        np.array([of[0] for of in checked.values()]),
        paths,
        losses,
        np.arange(paths.shape[1]),
        left,
    )


@dataclass(frozen=True)
class Tuning:
    """What every rate of a grid came to.

    rates: `(R,)`. losses: by method, `(R,)` at the end; inf where it diverged. arrived: by method,
    `(R,)`, the step from which on it stays near the lowest loss; -1 for never. gradients: how many
    evaluations all that took.
    """

    rates: Floats
    losses: dict[str, Floats]
    arrived: dict[str, NDArray[np.int64]]
    gradients: int

    def best(self) -> dict[str, float]:
        """The rate of each method that came lowest; of equal ones the smallest."""
        return {name: float(self.rates[int(v.argmin())]) for name, v in self.losses.items()}

    def fewest(self) -> dict[str, int]:
        """How many steps each method needs at the rate at which it needs the fewest; -1 for never.

        That is another rate than `best`'s: what comes lowest in the end need not be there first.
        """
        kept = {name: steps[steps != STAYING] for name, steps in self.arrived.items()}
        return {name: int(steps.min()) if steps.size else STAYING for name, steps in kept.items()}


def tuned(
    surface: Surface,
    methods: Sequence[str] = first_order.NAMES,
    *,
    rates: Sequence[float] = GRID,
    start: ArrayLike | None = None,
    steps: int = STEPS,
    near: float = NEAR,
) -> Tuning:
    """Try every rate of a grid with every method: the loss after so many steps.

    near: as `Race.arrived` takes it.

    Raises `InputError` as `race` does.
    """
    if not len(methods) or not len(rates):
        errors.bad("methods, rates", errors.Said("none"), "at least one of each")
    grid = [float(errors.number("rates", rate, low=0)) for rate in rates]
    _, losses, left = _together(surface, dict.fromkeys(methods, grid), start, steps, {})
    last = np.where(left == STAYING, losses[:, -1], np.inf)
    there = _arrived(losses, surface.lowest, near)
    parts = (np.split(each, len(methods)) for each in (last, there))
    ends, arrived = (dict(zip(methods, each, strict=True)) for each in parts)
    return Tuning(np.array(grid), ends, arrived, last.size * steps)


def _arrived(losses: Floats, lowest: float, near: float) -> NDArray[np.int64]:
    """The first step after which each row of losses `(M, T + 1)` stays near the lowest one."""
    limit = lowest + near * (losses[:, :1] - lowest)
    with np.errstate(invalid="ignore"):
        there = losses <= limit
    # how long the last run of True is
    stays = np.cumprod(there[:, ::-1], axis=1).sum(1)
    return np.where(stays > 0, there.shape[1] - stays, STAYING)


def _together(
    surface: Surface,
    rates: Mapping[str, Sequence[float]],
    start: ArrayLike | None,
    steps: int,
    options: Mapping[str, Mapping[str, float]],
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Paths, losses and where each left, a row for each method and rate, methods in their order."""
    count = int(errors.number("steps", steps, low=1, high=1_000_000, whole=True))
    begin = np.asarray(surface.start if start is None else start, np.float64)
    if begin.shape != (2,) or not np.isfinite(begin).all():
        errors.bad("start", begin, "a point (2,)")
    methods = [first_order.method(name) for name in rates]
    ends = np.cumsum([0, *(len(each) for each in rates.values())])
    parts = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    columns = [np.array(each, np.float64)[:, None] for each in rates.values()]
    chosen = [dict(options.get(name, {})) for name in rates]

    paths = np.empty((count + 1, int(ends[-1]), 2))
    paths[0] = begin
    states = [
        first_order.begin(each.name, paths[0, p]) for each, p in zip(methods, parts, strict=True)
    ]
    with np.errstate(all="ignore"):  # what diverges overflows, alone
        for step in range(1, count + 1):
            slopes = surface.gradient(paths[step - 1])
            for k, part in enumerate(parts):
                paths[step, part], states[k] = methods[k].step(
                    *(paths[step - 1, part], slopes[part], states[k], columns[k], step), **chosen[k]
                )
        losses = surface.value(paths)
        limit = WORSE * max(1.0, abs(float(losses[0, 0])))
        gone = ~(losses <= limit) | ~np.isfinite(paths).all(-1)
    gone = np.maximum.accumulate(gone, axis=0)
    left = np.where(gone.any(0), gone.argmax(0), STAYING)
    paths[gone], losses[gone] = np.nan, np.nan
    return paths.transpose(1, 0, 2), losses.T, left
