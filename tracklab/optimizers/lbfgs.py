"""L-BFGS: curvature learned from how the gradient changed in the last few steps.

Invariant: `two_loop` gives the product of the gradient and the matrix that `inverse_hessian` would
write out, without any matrix; that is positive definite as long as each pair has s . y > 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import line_search, threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import STUCK, Callback, Limits, Result, Run

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]  # s, the step; y, by how much the gradient changed

MEMORY = 10  # pairs
CURVED = 1e-10  # s . y over |y|^2 that a pair must have


def two_loop(gradient: Floats, pairs: Iterable[Pair]) -> Floats:
    """The product of the inverse Hessian, as the pairs know it, and a gradient: `(n,)`.

    pairs: oldest first. Nocedal, "Updating quasi-Newton matrices with limited storage" (1980);
    Nocedal and Wright, algorithm 7.4.
    """
    known = list(pairs)
    q, shares = gradient.copy(), []
    for s, y in reversed(known):
        # alpha = s . q / s . y,  q = q - alpha y
        share = (s @ q) / (s @ y)
        q = q - share * y
        shares.append(share)
    if known:
        s, y = known[-1]
        # H_0 = (s . y / y . y) I
        q = (s @ y) / (y @ y) * q
    for (s, y), share in zip(known, reversed(shares), strict=True):
        # beta = y . q / s . y,  q = q + (alpha - beta) s
        q = q + (share - (y @ q) / (s @ y)) * s
    return q


def inverse_hessian(pairs: Iterable[Pair], size: int) -> Floats:
    """The same matrix written out, `(n, n)`: for small n, and to see what was learned."""
    known = list(pairs)
    matrix = np.eye(size)
    if known:
        s, y = known[-1]
        matrix *= (s @ y) / (y @ y)
    for s, y in known:
        # H = (I - s y^T / s . y) H (I - y s^T / s . y) + s s^T / s . y
        left = np.eye(size) - np.outer(s, y) / (s @ y)
        matrix = left @ matrix @ left.T + np.outer(s, s) / (s @ y)
    return matrix


@threads.one()
def lbfgs(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    memory: int = MEMORY,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """L-BFGS with a strong Wolfe line search (Liu and Nocedal, 1989).

    memory: pairs that are kept. A step costs about one gradient and 4 n memory multiplications.
    """
    errors.number("memory", memory, low=1, whole=True)
    run = Run("L-BFGS", problem, limits or Limits(), callback)
    x = run.start(start)
    pairs: deque[Pair] = deque(maxlen=memory)
    loss, gradient = problem.value_and_gradient(x)
    length = 0.0
    while not run.ends(x, loss, gradient, length=length):
        # p = -H g
        direction = -two_loop(gradient, pairs)
        # while nothing is known of the curvature, the first trial is a step of length 1 at most
        short = min(1.0, 1.0 / float(np.linalg.norm(gradient)))
        first = 1.0 if pairs else short
        found = line_search.wolfe(problem, x, loss, gradient, direction, length=first)
        if found is None and pairs:
            # what was learned may be about somewhere else: once more, down the gradient
            pairs.clear()
            found = line_search.wolfe(problem, x, loss, gradient, -gradient, length=short)
        if found is None:
            return run.end(STUCK)
        s, y = found.x - x, found.gradient - gradient
        if s @ y > CURVED * (y @ y):
            pairs.append((s, y))
        x, loss, gradient, length = found.x, found.loss, found.gradient, found.length
    return run.end()
