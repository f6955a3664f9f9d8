"""How far to go in a direction: far enough, and not too far.

A direction p from x is one of descent where g . p < 0. `armijo` shortens the step until the loss
has fallen by a share of what the slope promised; `wolfe` also asks that the slope has become flat,
so that a quasi-Newton method learns a positive curvature from the step.

Invariant: a step that is returned has a finite, lower loss, and satisfies its conditions unless
`wolfe` ran out of trials; None where there is no such step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab.optimizers.problems import Problem

Floats = NDArray[np.float64]

SUFFICIENT = 1e-4  # c_1: share of the promised fall that must come
FLAT = 0.9  # c_2: share of the slope that may be left
HALF = 0.5
SHORTEST = 1e-14  # of the first step: below it there is only rounding
TRIALS = 25
NEARER, FARTHER = 1.1, 4.0  # times as far, at least and at most, where a step was too short
EDGE = 0.1  # of an interval: a trial keeps this far from its ends


class Step(NamedTuple):
    """Where a search ended: x + length p, with loss and gradient there."""

    length: float
    x: Floats
    loss: float
    gradient: Floats


def armijo(
    problem: Problem,
    x: Floats,
    loss: float,
    slope: float,
    direction: Floats,
    *,
    length: float = 1.0,
    bend: float = 0.0,
) -> Step | None:
    """Halve the step until the loss falls enough (Armijo, 1966; Nocedal and Wright, eq. 3.4).

    slope: g . p at x, below 0, or 0 where `bend`, the curvature p . H p, is below 0.
    """
    tried = length
    while tried > SHORTEST * length:
        there = x + tried * direction
        lower = problem.value(there)
        # L(x + a p) <= L(x) + c_1 (a g . p + a^2 p . H p / 2)
        promised = tried * slope + tried**2 * min(bend, 0.0) / 2
        if np.isfinite(lower) and lower <= loss + SUFFICIENT * promised and lower < loss:
            return Step(tried, there, *problem.value_and_gradient(there))
        tried *= HALF
    return None


def wolfe(
    problem: Problem,
    x: Floats,
    loss: float,
    gradient: Floats,
    direction: Floats,
    *,
    length: float = 1.0,
) -> Step | None:
    """A step with the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6).

    First the interval grows until it must hold such a step; then cubic interpolation, from losses
    and slopes at both ends, closes in on it.
    """
    start = float(gradient @ direction)
    if not start < 0:
        return None
    asked = 0

    def at(length: float) -> Step:
        nonlocal asked
        asked += 1
        there = x + length * direction
        return Step(length, there, *problem.value_and_gradient(there))

    def enough(step: Step) -> bool:
        # L(x + a p) <= L(x) + c_1 a g . p; never where the loss is no number
        return bool(step.loss <= loss + SUFFICIENT * step.length * start)

    def slope_at(step: Step) -> float:
        return float(step.gradient @ direction)

    def flat(step: Step) -> bool:
        # |g(x + a p) . p| <= c_2 |g . p|
        return abs(slope_at(step)) <= -FLAT * start

    # low: the best so far; high: the other end, None while the interval still grows
    low, high = Step(0.0, x, loss, gradient), None
    tried = length
    while asked < TRIALS:
        step = at(tried)
        if not enough(step) or (low.length > 0 and step.loss >= low.loss):
            high = step  # too far; also where the loss is no number any more
        elif flat(step):
            return step
        elif high is None and slope_at(step) < 0:
            # it still falls: farther, as far as the cubic says, if its minimum lies that way
            far = interpolated(low, step, direction)
            most = FARTHER * tried
            low, tried = step, min(far, most) if far > NEARER * tried else most
            continue
        else:
            if high is None or slope_at(step) * (high.length - low.length) >= 0:
                high = low
            low = step
        if abs(high.length - low.length) <= SHORTEST * length:
            break
        # zoom: between the best and the end that is known to be too far
        near, wide = sorted((low.length, high.length))
        margin = EDGE * (wide - near)
        found = interpolated(low, high, direction)
        tried = float(np.clip(found, near + margin, wide - margin))
    return low if low.length > 0 and low.loss < loss else None


def interpolated(a: Step, b: Step, direction: Floats) -> float:
    """Where the cubic with both losses and both slopes is least (Nocedal and Wright, eq. 3.59)."""
    if not (np.isfinite(b.loss) and np.isfinite(b.gradient).all()):
        return (a.length + b.length) / 2
    slope_a, slope_b = float(a.gradient @ direction), float(b.gradient @ direction)
    width = b.length - a.length
    d1 = slope_a + slope_b - 3 * (b.loss - a.loss) / width
    inside = d1 * d1 - slope_a * slope_b
    if inside < 0 or not np.isfinite(inside):
        return (a.length + b.length) / 2
    d2 = np.copysign(np.sqrt(inside), width)
    below = slope_b - slope_a + 2 * d2
    if below == 0:
        return (a.length + b.length) / 2
    # a* = b - (b - a) (g_b + d_2 - d_1) / (g_b - g_a + 2 d_2)
    return float(b.length - width * (slope_b + d2 - d1) / below)
