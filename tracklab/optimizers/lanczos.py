"""The eigenvalues of a matrix that is known by its products only: of a network's Hessian.

Lanczos' method builds a small tridiagonal matrix whose extreme eigenvalues are soon those of the
large one; with random starts, its eigenvectors' first entries give the density of all of them.

Invariant: H Q = Q T + a remainder in the last column, with Q orthogonal to rounding: in exact
arithmetic three vectors suffice, on a computer every new one is made orthogonal to all, twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from tracklab import errors
from tracklab.optimizers import threads

Floats = NDArray[np.float64]
Product = Callable[[Floats], Floats]

STEPS = 60
DONE = 1e-10  # of the largest entry of T: what is left of a new direction that is none


class Tridiagonal(NamedTuple):
    """diagonal `(k,)` and off `(k - 1,)` of T, and the orthogonal columns Q `(n, k)`."""

    diagonal: Floats
    off: Floats
    columns: Floats


class Extreme(NamedTuple):
    """An eigenvalue at one end, its eigenvector `(n,)`, and the largest that was met, in size."""

    value: float
    vector: Floats
    largest: float


class Density(NamedTuple):
    """Where the eigenvalues are: points and their weights, `(R, k)` each, a row a random start.

    Weights of a row sum to 1; an eigenvalue's weight is its share of all n.
    """

    values: Floats
    weights: Floats

    def smooth(self, at: Floats, width: float) -> Floats:
        """Density at `at (P,)`, each point blurred by a Gaussian of that width."""
        # sum w exp(-(t - l)^2 / 2 s^2) / (s sqrt(2 pi)), averaged over starts
        away = (np.asarray(at)[:, None, None] - self.values) / width
        bells = np.exp(-(away**2) / 2) / (width * np.sqrt(2 * np.pi))
        return np.asarray((bells * self.weights).sum(-1).mean(-1))

    def moment(self, power: int) -> float:
        """The mean of all eigenvalues to a power: trace(H^p) / n."""
        return float((self.values**power * self.weights).sum(-1).mean())


@threads.one()
def tridiagonal(product: Product, start: Floats, steps: int = STEPS) -> Tridiagonal:
    """Lanczos' method with full reorthogonalisation (Golub and Van Loan, section 10.1 and 10.3).

    product: `f(v) -> H v`, H symmetric. start: `(n,)`. Ends earlier where the start's directions
    are exhausted. Raises `ArithmeticError` for products that are not finite.
    """
    errors.number("steps", steps, low=1, whole=True)
    start = np.asarray(start, np.float64)
    if start.ndim != 1 or not np.linalg.norm(start) > 0:
        errors.bad("start", start, "a vector (n,) that is not zero")
    q = start / np.linalg.norm(start)
    columns: list[Floats] = [q]
    diagonal: list[float] = []
    off: list[float] = []
    while True:
        w = np.asarray(product(q), np.float64)
        if not np.isfinite(w).all():
            raise ArithmeticError("a Hessian-vector product is not finite")
        # a_j = q_j . H q_j
        diagonal.append(float(q @ w))
        basis = np.array(columns).T
        for _ in range(2):
            # w = w - Q Q^T w
            w = w - basis @ (basis.T @ w)
        # b_j = |w|,  q_{j+1} = w / b_j
        left = float(np.linalg.norm(w))
        scale = max(np.abs(diagonal).max(), max(off, default=0.0), np.finfo(float).tiny)
        if len(diagonal) == min(steps, len(start)) or left <= DONE * scale:
            return Tridiagonal(np.array(diagonal), np.array(off), basis)
        off.append(left)
        q = w / left
        columns.append(q)


def eigenpairs(found: Tridiagonal) -> tuple[Floats, Floats]:
    """Eigenvalues `(k,)` of T, rising, and their vectors in the large space, `(n, k)`."""
    values, vectors = scipy.linalg.eigh_tridiagonal(found.diagonal, found.off)
    return values, found.columns @ vectors


def spectrum(product: Product, size: int, steps: int = STEPS, seed: int = 0) -> Floats:
    """What Lanczos knows of the eigenvalues after so many products, `(k,)`, rising.

    The outermost are right first. seed: of the random start.
    """
    return eigenpairs(tridiagonal(product, _start(size, seed), steps))[0]


def smallest(product: Product, size: int, *, steps: int = STEPS, seed: int = 0) -> Extreme | None:
    """The smallest eigenvalue and its vector; None where products are not finite."""
    try:
        values, vectors = eigenpairs(tridiagonal(product, _start(size, seed), steps))
    except ArithmeticError:
        return None
    return Extreme(float(values[0]), vectors[:, 0], float(np.abs(values).max()))


def density(
    product: Product, size: int, *, starts: int = 4, steps: int = STEPS, seed: int = 0
) -> Density:
    """The density of all eigenvalues by stochastic Lanczos quadrature.

    Each random start of entries +1 and -1 gives the nodes and weights of a Gauss quadrature (Golub
    and Meurant, 2010); for networks: Ghorbani, Krishnan and Xiao, "An investigation into neural net
    optimization via Hessian eigenvalue density" (2019).
    """
    errors.number("starts", starts, low=1, whole=True)
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    nodes, weights = [], []
    for _ in range(starts):
        start = rng.choice([-1.0, 1.0], int(errors.number("size", size, low=1, whole=True)))
        found = tridiagonal(product, start, steps)
        values, vectors = scipy.linalg.eigh_tridiagonal(found.diagonal, found.off)
        # w_i = (first entry of T's i-th eigenvector)^2
        share, short = vectors[0] ** 2, min(steps, size) - len(values)
        nodes.append(np.pad(values, (0, short), mode="edge"))
        weights.append(np.pad(share, (0, short)))
    return Density(np.array(nodes), np.array(weights))


def _start(size: int, seed: int) -> Floats:
    count = int(errors.number("size", size, low=1, whole=True))
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    return rng.standard_normal(count)
