"""Learning-rate schedules: the rate, as a fraction of its peak, at a progress in [0, 1].

A schedule is any function of progress, the fraction of a training that is done. It knows neither
steps nor seconds, so the same schedule fits a budget of either kind and is always complete at the
end.

Invariant: every schedule here stays within [0, 1]; all but those that start with a drop, or fall
during their warm-up, reach 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tracklab import errors

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Always the peak."""
    return 1.0


def triangle(*, peak: float = 0.25, start: float = 0.1, end: float = 0.0) -> Schedule:
    """Up in a straight line from `start` to 1 at progress `peak`, and down to `end`.

    The one-cycle policy of Smith and Topin, "Super-convergence" (2018), without its last stage.

    >>> rate = triangle(peak=0.5, start=0)
    >>> rate(0.0), rate(0.25), rate(0.5), rate(1.0)
    (0.0, 0.5, 1.0, 0.0)
    """
    errors.number("peak", peak, low=0, high=1)
    _fractions(start=start, end=end)

    def rate(progress: float) -> float:
        return float(np.interp(progress, [0.0, peak, 1.0], [start, 1.0, end]))

    return rate


def cosine(*, warmup: float = 0.0, end: float = 0.0) -> Schedule:
    """Down along half a cosine to `end`, after a straight warm-up over the fraction `warmup`.

    Loshchilov and Hutter, "SGDR" (2017), equation 5, with a single period.

    >>> rate = cosine()
    >>> rate(0.0), round(rate(0.5), 6), rate(1.0)
    (1.0, 0.5, 0.0)
    """
    errors.number("warmup", warmup, low=0, high=0.99)
    _fractions(end=end)

    def rate(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        done = (progress - warmup) / (1 - warmup)
        # end + (1 - end) (1 + cos(pi t)) / 2
        return end + (1 - end) * (1 + math.cos(math.pi * done)) / 2

    return rate


def flat_then_down(*, flat: float = 0.6, warmup: float = 0.05, end: float = 0.0) -> Schedule:
    """A short warm-up, the peak until progress `flat`, then a straight line down to `end`.

    >>> rate = flat_then_down(flat=0.5, warmup=0.25)
    >>> rate(0.0), rate(0.25), rate(0.5), rate(0.75), rate(1.0)
    (0.0, 1.0, 1.0, 0.5, 0.0)

    Raises `InputError` where the warm-up is longer than `flat`.
    """
    _fractions(flat=flat, warmup=warmup, end=end)
    if warmup > flat:
        errors.bad("warmup", warmup, f"at most flat={flat:g}, where the way down begins")

    def rate(progress: float) -> float:
        return float(np.interp(progress, [0.0, warmup, flat, 1.0], [0.0, 1.0, 1.0, end]))

    return rate


def stairs(*, drops: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> Schedule:
    """The peak, multiplied by `factor` at each of the `drops`, fractions of the training.

    He, Zhang, Ren and Sun, "Deep residual learning" (2016), section 3.4, with tenths.

    >>> rate = stairs(drops=(0.5,), factor=0.25)
    >>> rate(0.0), rate(0.49), rate(0.5), rate(1.0)
    (1.0, 1.0, 0.25, 0.25)
    """
    places = [float(errors.number("drops", drop, low=0, high=1)) for drop in drops]
    _fractions(factor=factor)

    def rate(progress: float) -> float:
        # f^(drops that are passed)
        return float(factor ** sum(progress >= place for place in places))

    return rate


def warmed_up(schedule: Schedule, warmup: float = 0.05) -> Schedule:
    """Any schedule behind a straight warm-up from 0, in the fraction `warmup` of the training.

    Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2. The schedule itself runs on
    underneath, so it ends as it would have.

    >>> rate = warmed_up(constant, 0.5)
    >>> rate(0.0), rate(0.25), rate(0.5), rate(1.0)
    (0.0, 0.5, 1.0, 1.0)
    """
    check(schedule)
    errors.number("warmup", warmup, low=0, high=0.99)

    def rate(progress: float) -> float:
        risen = min(1.0, progress / warmup) if warmup else 1.0
        return risen * float(schedule(progress))

    return rate


def _fractions(**values: float) -> None:
    for name, value in values.items():
        errors.number(name, value, low=0, high=1)


def check(schedule: Schedule) -> Schedule:
    """A schedule as it came; raises `InputError` for what gives no fraction of a peak."""
    wanted = "a function of progress in [0, 1], as training.cosine() gives"
    if not callable(schedule):
        errors.bad("schedule", schedule, wanted)
    for progress in (0.0, 0.5, 1.0):
        try:
            rate = float(schedule(progress))
        except (TypeError, ValueError):
            errors.bad("schedule", schedule, wanted)
        errors.number(f"schedule({progress:g})", rate, low=0)
    return schedule
