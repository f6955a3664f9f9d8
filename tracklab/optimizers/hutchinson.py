"""The diagonal of a Hessian from a few products: the cheapest second-order knowledge.

With random signs z, the entries of z * H z are those of the diagonal plus others' with random
signs, which average out. Bekas, Kokiopoulou and Saad, "An estimator for the diagonal of a matrix"
(2007); as an optimizer's scale: Yao et al., "AdaHessian" (2021).

Invariant: unbiased; exact, from one product, where H is diagonal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Floats = NDArray[np.float64]


def diagonal(
    product: Callable[[Floats], Floats], size: int, *, samples: int = 10, seed: int = 0
) -> Floats:
    """diag H `(n,)` from so many products `f(v) -> H v`. The error falls with 1 / sqrt(samples)."""
    errors.number("samples", samples, low=1, whole=True)
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    total = np.zeros(int(errors.number("size", size, low=1, whole=True)))
    for _ in range(samples):
        z = rng.choice([-1.0, 1.0], len(total))
        # d = mean z * H z
        total += z * np.asarray(product(z), np.float64)
    return total / samples


def trace(
    product: Callable[[Floats], Floats], size: int, *, samples: int = 10, seed: int = 0
) -> float:
    """The sum of all eigenvalues, from so many products (Hutchinson, 1990)."""
    # tr H = mean z . H z
    return float(diagonal(product, size, samples=samples, seed=seed).sum())
