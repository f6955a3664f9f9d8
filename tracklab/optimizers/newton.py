"""Newton's method: step to where the local quadratic is flat.

Invariant: on a quadratic one step reaches the point where the gradient is zero, whatever the
condition; which may as well be a saddle or a maximum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab.optimizers import threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import (
    CONVERGED,
    DIVERGED,
    SADDLE,
    SINGULAR,
    Callback,
    Limits,
    Result,
    Run,
)

Floats = NDArray[np.float64]


def newton_step(gradient: Floats, hessian: Floats) -> Floats | None:
    """From x to where the local quadratic is flat, `(n,)`; None where no one place is."""
    try:
        # H p = -g
        return np.asarray(np.linalg.solve(hessian, -gradient), np.float64)
    except np.linalg.LinAlgError:
        return None


@threads.one()
def newton(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Newton's method as it is in the books, without any safeguard (Nocedal and Wright, eq. 2.15).

    Near a minimum the number of right digits doubles with each step. Far from it the method climbs
    as gladly as it descends: it looks for a gradient of zero. Says "saddle" where it found one that
    is no minimum, and "singular" where a step does not exist.
    """
    run = Run("Newton", problem, limits or Limits(), callback)
    x = run.start(start)
    while True:
        loss, gradient = problem.value_and_gradient(x)
        if run.ends(x, loss, gradient):
            return run.end(kind_of_end(problem, x, run.stopped))
        hessian = problem.hessian(x)
        if not np.isfinite(hessian).all():
            return run.end(DIVERGED)
        step = newton_step(gradient, hessian)
        if step is None:
            return run.end(SINGULAR)
        # x = x + p
        x = x + step


def kind_of_end(problem: Problem, x: Floats, stopped: str) -> str:
    """Why a method stopped, which knows the Hessian: "saddle" instead of "converged" where any
    curvature is negative. The question is not counted: it is no part of the way.
    """
    if stopped != CONVERGED:
        return stopped
    curvatures = np.linalg.eigvalsh(problem._hessian(x))
    return SADDLE if curvatures[0] < -1e-8 * max(1.0, curvatures[-1]) else CONVERGED
