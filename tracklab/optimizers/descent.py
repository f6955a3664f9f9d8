"""Gradient descent: the baseline whose rate must suit the steepest direction."""

from __future__ import annotations

from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.optimizers import threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import Callback, Limits, Result, Run


@threads.one()
def gradient_descent(
    problem: Problem,
    rate: float,
    start: ArrayLike | None = None,
    *,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Downhill, by `rate` times the gradient.

    On a quadratic it converges for rates below 2 / l_max, and then needs about l_max / l_min steps
    (l: eigenvalues of the Hessian). Cauchy, "Methode generale pour la resolution des systemes
    d'equations simultanees" (1847).
    """
    errors.number("rate", rate, low=0)
    run = Run("gradient descent", problem, limits or Limits(), callback)
    x = run.start(start)
    while True:
        loss, gradient = problem.value_and_gradient(x)
        if run.ends(x, loss, gradient):
            return run.end()
        # x = x - a g
        x = x - rate * gradient
