"""Gauss-Newton: for a sum of squares, first derivatives give nearly all of the second.

Of H = J^T J + sum r_i H_i the second part is small where residuals are, and it is left out; what
remains has no negative curvature.

Invariant: where the residuals are linear in x, one step reaches the least squares solution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab.optimizers import threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import DIVERGED, Callback, Limits, Result, Run

Floats = NDArray[np.float64]


def gauss_newton_step(residuals: Floats, jacobian: Floats) -> Floats:
    """The step to where the residuals, were they linear, have the least squares.

    By orthogonal factors of J rather than by J^T J, whose condition is the square; where J leaves
    directions open, the shortest step.
    """
    # min |J p + r|
    return np.asarray(np.linalg.lstsq(jacobian, -residuals, rcond=None)[0], np.float64)


@threads.one()
def gauss_newton(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Gauss-Newton without any safeguard (Nocedal and Wright, section 10.3)."""
    run = Run("Gauss-Newton", problem, limits or Limits(), callback)
    x = run.start(start)
    while True:
        residuals, jacobian = problem.residuals_and_jacobian(x)
        with np.errstate(over="ignore", invalid="ignore"):
            # L = |r|^2 / 2,  g = J^T r
            loss, gradient = float(residuals @ residuals) / 2, jacobian.T @ residuals
        if run.ends(x, loss, gradient):
            return run.end()
        if not np.isfinite(jacobian).all():
            return run.end(DIVERGED)
        # x = x + p
        x = x + gauss_newton_step(residuals, jacobian)
