"""Newton-CG: Newton's step without a Hessian, by conjugate gradients on its products.

Each inner step is one Hessian-vector product, so a loss of millions of weights is within reach. The
system is solved only as well as it deserves, and where a direction curves downwards the inner loop
ends with what it has, the gradient's direction if that is the first.

Invariant: the direction descends, g . p < 0, whatever the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import lanczos, line_search, threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import (
    CONVERGED,
    DIVERGED,
    SADDLE,
    STUCK,
    Callback,
    Limits,
    Result,
    Run,
)

Floats = NDArray[np.float64]

LOOSE = 0.5  # relative residual of the inner loop, at most
PROBES = 20  # products that look for a negative curvature where the gradient is zero
NEGATIVE = 1e-6  # of the largest curvature: less is rounding


def truncated_direction(
    gradient: Floats, product: Callable[[Floats], Floats], most: int
) -> tuple[Floats, int, bool]:
    """About -H^-1 g; how many products it took; whether it met a negative curvature.

    Nocedal and Wright, algorithm 7.1 (Dembo and Steihaug, 1983).
    """
    norm = float(np.linalg.norm(gradient))
    # |r| <= min(1/2, sqrt |g|) |g|: loose far away, and tight where Newton's method is quick
    enough = min(LOOSE, np.sqrt(norm)) * norm
    p, residual = np.zeros_like(gradient), gradient.copy()
    along = -residual
    for inner in range(1, most + 1):
        bent = product(along)
        # d . H d
        curvature = float(along @ bent)
        if not np.isfinite(curvature):
            break
        if curvature <= 0:
            return (p if p.any() else -gradient), inner, True
        # a = r . r / d . H d,  p = p + a d,  r = r + a H d
        squared = float(residual @ residual)
        share = squared / curvature
        p, residual = p + share * along, residual + share * bent
        if float(np.linalg.norm(residual)) <= enough:
            return p, inner, False
        # d = -r + (r' . r' / r . r) d
        along = -residual + float(residual @ residual) / squared * along
    return (p if p.any() else -gradient), most, False


@threads.one()
def newton_cg(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    inner: int = 0,
    seed: int = 0,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Truncated Newton with a line search (Nocedal and Wright, section 7.1).

    inner: products a step at most; twice n, and no more than 200, if 0. seed: of the vector with
    which a negative curvature is looked for where the gradient is zero; "saddle" is said where
    there is one from which no lower loss was found.
    """
    errors.number("inner", inner, low=0, whole=True)
    run = Run("Newton-CG", problem, limits or Limits(), callback)
    x = run.start(start)
    most = inner or min(2 * problem.size, 200)
    loss, gradient = problem.value_and_gradient(x)
    used = {"inner": 0.0, "negative": 0.0, "length": 0.0}
    while True:
        if run.ends(x, loss, gradient, **used) and run.stopped != CONVERGED:
            return run.end()

        def product(v: Floats, x: Floats = x) -> Floats:
            return problem.product(x, v)

        bend = 0.0
        if run.stopped == CONVERGED:
            found = lanczos.smallest(product, problem.size, steps=PROBES, seed=seed)
            if found is None or found.value >= -NEGATIVE * max(found.largest, 1e-12):
                return run.end(CONVERGED if found is not None else DIVERGED)
            if run.step >= run.limits.steps:
                return run.end(SADDLE)
            direction, bend = found.vector, found.value
            direction = -direction if gradient @ direction > 0 else direction
            spent, negative = PROBES, True
        else:
            direction, spent, negative = truncated_direction(gradient, product, most)
        slope = float(gradient @ direction)
        step = line_search.armijo(problem, x, loss, slope, direction, bend=bend)
        if step is None:
            return run.end(SADDLE if run.stopped == CONVERGED else STUCK)
        x, loss, gradient = step.x, step.loss, step.gradient
        used = {"inner": float(spent), "negative": float(negative), "length": step.length}
