"""Newton's method made safe: positive curvatures only, and no step that does not lower the loss.

Invariant: the loss falls in every step, so a start at a saddle or near a maximum ends in a minimum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import line_search, threads
from tracklab.optimizers.newton import kind_of_end
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import CONVERGED, DIVERGED, STUCK, Callback, Limits, Result, Run

Floats = NDArray[np.float64]

FLOOR = 1e-8  # of the largest curvature: no direction is taken for flatter


def damped_step(gradient: Floats, hessian: Floats, damping: float = 0.0) -> tuple[Floats, float]:
    """A step of descent `(n,)`, and the damping that it took.

    H + m I has the eigenvectors of H, and all its eigenvalues are larger by m: with m large enough
    all are positive, and the step turns from Newton's towards that of gradient descent.
    """
    curvatures, directions = np.linalg.eigh(hessian)
    largest = max(float(np.abs(curvatures).max()), np.finfo(float).tiny)
    # m >= -l_min + floor
    damping = max(damping, FLOOR * largest - min(float(curvatures[0]), 0.0))
    # (H + m I) p = -g,  H = Q diag(l) Q^T
    along = directions.T @ gradient
    return -directions @ (along / (curvatures + damping)), damping


@threads.one()
def damped_newton(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    damping: float = 0.0,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Damped Newton with a line search (Nocedal and Wright, section 3.4).

    damping: at least this much is added to all curvatures; more where one is negative. At a point
    with zero gradient and a negative curvature it leaves along that direction.
    """
    errors.number("damping", damping, low=0)
    run = Run("damped Newton", problem, limits or Limits(), callback)
    x = run.start(start)
    loss, gradient = problem.value_and_gradient(x)
    used = {"damping": damping, "length": 0.0}
    while True:
        if run.ends(x, loss, gradient, **used) and run.stopped != CONVERGED:
            return run.end()
        hessian = problem.hessian(x)
        if not np.isfinite(hessian).all():
            return run.end(DIVERGED)
        if run.stopped == CONVERGED:
            if kind_of_end(problem, x, CONVERGED) == CONVERGED or run.step >= run.limits.steps:
                return run.end()
            direction, bend = escape(gradient, hessian)
            added = 0.0
        else:
            (direction, added), bend = damped_step(gradient, hessian, damping), 0.0
        slope = float(gradient @ direction)
        found = line_search.armijo(problem, x, loss, slope, direction, bend=bend)
        if found is None:
            return run.end(STUCK)
        x, loss, gradient = found.x, found.loss, found.gradient
        used = {"damping": added, "length": found.length}


def escape(gradient: Floats, hessian: Floats) -> tuple[Floats, float]:
    """From a saddle: the direction in which the loss falls fastest though its slope is zero, and
    the curvature along it.
    """
    curvatures, directions = np.linalg.eigh(hessian)
    # L(x + a q) = L(x) + a g . q + a^2 l_min / 2: q may point either way, so not uphill
    direction = directions[:, 0]
    return (-direction if gradient @ direction > 0 else direction), float(curvatures[0])
