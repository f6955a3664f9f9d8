"""Levenberg-Marquardt: Gauss-Newton, damped by as much as its own forecasts were wrong.

Invariant: a step is only taken where it lowers the loss.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import threads
from tracklab.optimizers.problems import Problem
from tracklab.optimizers.results import DIVERGED, STUCK, Callback, Limits, Result, Run

Floats = NDArray[np.float64]

DAMPING = 1e-3  # at first
FAINT = 1e-10  # of the largest diagonal entry of J^T J: what hardly matters is damped as if so much
GROWTH = 2.0  # of the damping after a bad step, doubled again after each further one
LEAST = 1 / 3  # of the damping stays after a good step
MOST_DAMPING = 1e20  # times the first: steps are then shorter than rounding
TINY = 1e-300


def squares(residuals: Floats, jacobian: Floats) -> tuple[float, Floats, Floats]:
    """Loss, gradient `(n,)` and J^T J `(n, n)` of residuals."""
    with np.errstate(over="ignore", invalid="ignore"):
        # L = |r|^2 / 2,  g = J^T r
        return float(residuals @ residuals) / 2, jacobian.T @ residuals, jacobian.T @ jacobian


def damped_step(gradient: Floats, squared: Floats, damping: float, scale: Floats) -> Floats | None:
    """The damped Gauss-Newton step; None where rounding makes the matrix indefinite."""
    try:
        # (J^T J + m D) p = -J^T r
        factor = scipy.linalg.cho_factor(squared + damping * np.diag(scale), check_finite=False)
        return scipy.linalg.cho_solve(factor, -gradient, check_finite=False)
    except np.linalg.LinAlgError:
        return None


@threads.one()
def levenberg_marquardt(
    problem: Problem,
    start: ArrayLike | None = None,
    *,
    damping: float = DAMPING,
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Levenberg (1944) and Marquardt (1963); the damping by the gain ratio, as Nielsen (1999) does.

    damping: m at first. Each number is damped in proportion to D, the largest diagonal entry of
    J^T J that it has had so far (More, "The Levenberg-Marquardt algorithm", 1978), so that units do
    not matter. Large m: a short step down the gradient; m = 0: Gauss-Newton. Each step asks for one
    Jacobian, whether it is taken or not.
    """
    errors.number("damping", damping, low=1e-300)
    run = Run("Levenberg-Marquardt", problem, limits or Limits(), callback)
    x = run.start(start)
    residuals, jacobian = problem.residuals_and_jacobian(x)
    loss, gradient, squared = squares(residuals, jacobian)
    mu, growth = damping, GROWTH
    scale = squared.diagonal().clip(max(FAINT * float(squared.diagonal().max()), TINY))
    if run.ends(x, loss, gradient, damping=mu):
        return run.end()
    while True:
        step = damped_step(gradient, squared, mu, scale)
        gain = -np.inf
        if step is not None:
            residuals, jacobian = problem.residuals_and_jacobian(x + step)
            with np.errstate(over="ignore", invalid="ignore"):
                lower = float(residuals @ residuals) / 2
            # promised = L(x) - |r + J p|^2 / 2 = p . (m D p - J^T r) / 2
            promised = float(step @ (mu * scale * step - gradient)) / 2
            finite = np.isfinite(lower) and np.isfinite(jacobian).all()
            # rho = (L(x) - L(x + p)) / promised
            gain = (loss - lower) / max(promised, TINY) if finite else -np.inf
        if gain > 0 and step is not None:
            x = x + step
            loss, gradient, squared = squares(residuals, jacobian)
            scale = np.maximum(scale, squared.diagonal())
            # m = m max(1/3, 1 - (2 rho - 1)^3)
            mu, growth = mu * max(LEAST, 1 - (2 * min(gain, 1.0) - 1) ** 3), GROWTH
        else:
            mu, growth = mu * growth, 2 * growth
        if run.ends(x, loss, gradient, damping=mu):
            return run.end()
        if not mu < MOST_DAMPING * damping:
            return run.end(DIVERGED if not np.isfinite(loss) else STUCK)
