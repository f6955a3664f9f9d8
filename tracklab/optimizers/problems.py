"""What a method makes small: a loss of a flat vector, which counts all that is asked of it.

A method asks for values, gradients, Hessian-vector products, Hessians or Jacobians, and each
question has its price; so methods are compared by what they asked, and by the seconds it took.

Invariant: `counts` grows by one with each question, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers.surfaces import Surface

Floats = NDArray[np.float64]
QUESTIONS = ("values", "gradients", "products", "hessians", "jacobians")


@dataclass
class Counts:
    """How often a problem was asked: for a value alone, a value with its gradient, a Hessian times
    a vector, a whole Hessian, residuals with their Jacobian.
    """

    values: int = 0
    gradients: int = 0
    products: int = 0
    hessians: int = 0
    jacobians: int = 0

    def row(self) -> dict[str, int]:
        """The counts by name, as they are now."""
        return asdict(self)


class Problem:
    """A loss of a vector `(n,)` in float64.

    size: n. start: `(n,)`, where to begin. counts: what was asked so far.
    """

    def __init__(self, start: ArrayLike) -> None:
        self.start = as_vector("start", start)
        self.counts = Counts()

    @property
    def size(self) -> int:
        """How many numbers there are to choose."""
        return len(self.start)

    def value(self, x: Floats) -> float:
        """The loss L(x)."""
        self.counts.values += 1
        return float(self._value(x))

    def value_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        """L(x), and dL/dx `(n,)`."""
        self.counts.gradients += 1
        value, gradient = self._value_and_gradient(x)
        return float(value), np.asarray(gradient, np.float64)

    def product(self, x: Floats, v: Floats) -> Floats:
        """The Hessian at x times a vector: `(n,)`."""
        self.counts.products += 1
        return np.asarray(self._product(x, v), np.float64)

    def hessian(self, x: Floats) -> Floats:
        """All second derivatives at x: `(n, n)`, symmetric."""
        self.counts.hessians += 1
        return np.asarray(self._hessian(x), np.float64)

    def residuals_and_jacobian(self, x: Floats) -> tuple[Floats, Floats]:
        """r(x) `(m,)` of a loss |r|^2 / 2, and dr/dx `(m, n)`."""
        self.counts.jacobians += 1
        residuals, jacobian = self._residuals_and_jacobian(x)
        return np.asarray(residuals, np.float64), np.asarray(jacobian, np.float64)

    # what a kind of problem knows; from each follows the next

    def _value(self, x: Floats) -> Any:
        return self._value_and_gradient(x)[0]

    def _value_and_gradient(self, x: Floats) -> Any:
        residuals, jacobian = self._residuals_and_jacobian(x)
        # L = |r|^2 / 2,  dL/dx = J^T r
        return residuals @ residuals / 2, jacobian.T @ residuals

    def _product(self, x: Floats, v: Floats) -> Any:
        return self._hessian(x) @ v

    def _hessian(self, x: Floats) -> Any:
        self._cannot("second derivatives")

    def _residuals_and_jacobian(self, x: Floats) -> Any:
        self._cannot("residuals: it is no sum of squares")

    def _cannot(self, what: str) -> None:
        errors.bad("problem", errors.kind(self), f"one that knows its {what}")


class Known(Problem):
    """A loss given by NumPy functions.

    value_and_gradient: `f(x) -> (number, (n,))`. hessian: `f(x) -> (n, n)`; product: `f(x, v) ->
    (n,)`, if there is none from the Hessian. residuals_and_jacobian: `f(x) -> ((m,), (m, n))`;
    alone, it is enough.
    """

    def __init__(
        self,
        start: ArrayLike,
        value_and_gradient: Callable[[Floats], Any] | None = None,
        *,
        hessian: Callable[[Floats], Any] | None = None,
        product: Callable[[Floats, Floats], Any] | None = None,
        residuals_and_jacobian: Callable[[Floats], Any] | None = None,
    ) -> None:
        super().__init__(start)
        if value_and_gradient is None and residuals_and_jacobian is None:
            errors.bad("value_and_gradient", None, "a function, if there are no residuals")
        given = {
            "_value_and_gradient": value_and_gradient,
            "_hessian": hessian,
            "_product": product,
            "_residuals_and_jacobian": residuals_and_jacobian,
        }
        for name, function in given.items():
            if function is not None:
                setattr(self, name, function)


def on_surface(surface: Surface, start: ArrayLike | None = None) -> Problem:
    """A surface as a problem, from its own start or another `(2,)`."""
    return Known(
        surface.start if start is None else start,
        lambda x: (surface.value(x), surface.gradient(x)),
        hessian=surface.hessian,
    )


def as_vector(argument: str, values: ArrayLike) -> Floats:
    """Check a finite vector `(n,)`, n at least 1, and return a float64 copy."""
    array = np.array(values, np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        errors.bad(argument, array, "a vector (n,) of finite numbers")
    return array
