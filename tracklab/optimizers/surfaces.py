"""Losses of two numbers, to see a method's steps on: value, gradient and Hessian in closed form.

Each surface has one difficulty: a narrow valley (`quadratic`), a bent one (`rosenbrock`), a point
that is flat and no minimum (`saddle`), a plateau (`beale`), four minima around a maximum
(`himmelblau`). `slice_of` cuts a surface out of the loss of a real network.

Invariant: `gradient` is the derivative of `value`, and `hessian`, symmetric, that of `gradient`.
All take points `(..., 2)` and work in float64; where the numbers end, values are inf or NaN, as
they are in a training that diverges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RectBivariateSpline

from tracklab import errors

Floats = NDArray[np.float64]
Part = Callable[[Floats, Floats], Any]

WALL = 4.0  # how steeply a slice rises beyond what was measured, in mean curvatures of the slice
INSIDE = 0.8  # of the way to a corner: where a slice's start is
POINTS = 25  # of a slice, along each side: 625 losses


@dataclass(frozen=True)
class Surface:
    """A loss of two numbers.

    start: `(2,)`, a good place to begin. domain: what to draw, (left, right, bottom, top).
    minima: `(K, 2)`, all that are known, best first. lowest: the loss there.
    """

    name: str
    start: Floats
    domain: tuple[float, float, float, float]
    minima: Floats
    lowest: float
    _value: Part
    _gradient: Part  # df/dx, df/dy
    _hessian: Part  # d2f/dx2, d2f/dxdy, d2f/dy2

    def value(self, points: ArrayLike) -> Floats:
        """The loss, `(...)`, at points `(..., 2)`."""
        x, y = _coordinates(points)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self._value(x, y), np.float64)

    def gradient(self, points: ArrayLike) -> Floats:
        """The direction of steepest ascent, `(..., 2)`."""
        x, y = _coordinates(points)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.stack(np.broadcast_arrays(*self._gradient(x, y)), -1).astype(np.float64)

    def hessian(self, points: ArrayLike) -> Floats:
        """How the gradient changes, `(..., 2, 2)`."""
        x, y = _coordinates(points)
        with np.errstate(over="ignore", invalid="ignore"):
            xx, xy, yy, _ = np.broadcast_arrays(*self._hessian(x, y), x)
        rows = [np.stack([xx, xy], -1), np.stack([xy, yy], -1)]
        return np.stack(rows, -2).astype(np.float64)

    def local(self, at: ArrayLike, points: ArrayLike) -> Floats:
        """What value, gradient and Hessian `at (2,)` say of the loss at points `(..., 2)`.

        The quadratic whose minimum, where it has one, is Newton's next step.
        """
        away = np.stack(_coordinates(points), -1) - np.asarray(at, np.float64)
        # m(x + d) = f + g . d + d . H d / 2
        bent = np.einsum("...i,ij,...j->...", away, self.hessian(at), away)
        return np.asarray(self.value(at) + away @ self.gradient(at) + bent / 2)

    def grid(self, points: int = 100) -> tuple[Floats, Floats, Floats]:
        """x `(P,)`, y `(P,)` and values `(P, P)`, rows along y, of the domain."""
        errors.number("points", points, low=2, high=4096, whole=True)
        left, right, bottom, top = self.domain
        x, y = np.linspace(left, right, points), np.linspace(bottom, top, points)
        return x, y, self.value(np.stack(np.meshgrid(x, y), -1))


def quadratic(condition: float = 20.0, angle: float = 30.0) -> Surface:
    """A bowl: f = (x - m) . A (x - m) / 2, with eigenvalues 1 and `condition` of A, m = (0.5, 0).

    condition: how many times steeper the steepest direction is, 1 to 1e6. angle: of the flattest
    direction to the x axis, in degrees. Gradient descent needs about `condition` steps, Newton one.
    """
    steep = float(errors.number("condition", condition, low=1, high=1e6))
    turn = np.deg2rad(errors.number("angle", angle, low=-360, high=360))
    flat, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    a = np.outer(flat, flat) + steep * np.outer(across, across)
    middle = np.array([0.5, 0.0])

    def gradient(x: Floats, y: Floats) -> Any:
        # A (x - m)
        return a[0, 0] * (x - middle[0]) + a[0, 1] * y, a[1, 0] * (x - middle[0]) + a[1, 1] * y

    def value(x: Floats, y: Floats) -> Any:
        slope = gradient(x, y)
        return ((x - middle[0]) * slope[0] + y * slope[1]) / 2

    def hessian(x: Floats, y: Floats) -> Any:
        return a[0, 0], a[0, 1], a[1, 1]

    # equally far along both axes, so that neither direction is given away
    start = middle - 1.6 * flat + 0.8 * across
    domain = (-2.0, 3.0, -2.0, 2.0)
    return Surface("quadratic", start, domain, middle[None], 0.0, value, gradient, hessian)


def rosenbrock(steepness: float = 100.0) -> Surface:
    """A bent valley: f = (1 - x)^2 + b (y - x^2)^2, minimum at (1, 1).

    Rosenbrock, "An automatic method for finding the greatest or least value of a function" (1960).
    The valley is found at once, the way along it is long: no straight direction stays in it.
    """
    b = float(errors.number("steepness", steepness, low=0.1, high=1e6))

    def value(x: Floats, y: Floats) -> Any:
        return (1 - x) ** 2 + b * (y - x**2) ** 2

    def gradient(x: Floats, y: Floats) -> Any:
        return -2 * (1 - x) - 4 * b * x * (y - x**2), 2 * b * (y - x**2)

    def hessian(x: Floats, y: Floats) -> Any:
        return 2 - 4 * b * (y - 3 * x**2), -4 * b * x, 2 * b

    start, minima = np.array([-1.2, 1.0]), np.array([[1.0, 1.0]])
    domain = (-2.0, 2.0, -1.0, 3.0)
    return Surface("rosenbrock", start, domain, minima, 0.0, value, gradient, hessian)


def saddle() -> Surface:
    """A pass between two valleys: f = (x^2 - y^2) / 2 + y^4 / 4 + 1/4, minima at (0, 1), (0, -1).

    At the pass, (0, 0), the gradient is zero and one eigenvalue of the Hessian is -1. The start is
    a hundredth beside the line that leads there.
    """

    def value(x: Floats, y: Floats) -> Any:
        return (x**2 - y**2) / 2 + y**4 / 4 + 0.25

    def gradient(x: Floats, y: Floats) -> Any:
        return x, y**3 - y

    def hessian(x: Floats, y: Floats) -> Any:
        return 1.0, 0.0, 3 * y**2 - 1

    start, minima = np.array([-1.5, 0.01]), np.array([[0.0, 1.0], [0.0, -1.0]])
    domain = (-2.0, 2.0, -1.6, 1.6)
    return Surface("saddle", start, domain, minima, 0.0, value, gradient, hessian)


def beale() -> Surface:
    """A plateau with steep corners: the sum of (c_k - x + x y^k)^2 for k = 1, 2, 3.

    Beale, "On an iterative method for finding a local minimum of a function of more than one
    variable" (1958); c = 1.5, 2.25, 2.625, minimum at (3, 0.5). Gradients differ a thousandfold.
    """
    terms = ((1.5, 1), (2.25, 2), (2.625, 3))

    def value(x: Floats, y: Floats) -> Any:
        return sum((c - x + x * y**k) ** 2 for c, k in terms)

    def gradient(x: Floats, y: Floats) -> Any:
        dx = sum(2 * (c - x + x * y**k) * (y**k - 1) for c, k in terms)
        dy = sum(2 * (c - x + x * y**k) * k * x * y ** (k - 1) for c, k in terms)
        return dx, dy

    def hessian(x: Floats, y: Floats) -> Any:
        xx = sum(2 * (y**k - 1) ** 2 for _, k in terms)
        xy = sum(2 * k * y ** (k - 1) * (x * (y**k - 1) + c - x + x * y**k) for c, k in terms)
        yy = sum(
            2 * (k * x * y ** (k - 1)) ** 2
            # the slope of y^(k - 1): none for k = 1
            + (2 * (c - x + x * y**k) * k * (k - 1) * x * y ** (k - 2) if k > 1 else 0)
            for c, k in terms
        )
        return xx, xy, yy

    start, minima = np.array([1.0, 1.0]), np.array([[3.0, 0.5]])
    domain = (-1.0, 4.0, -1.5, 1.5)
    return Surface("beale", start, domain, minima, 0.0, value, gradient, hessian)


def himmelblau() -> Surface:
    """Four minima around a maximum: f = (x^2 + y - 11)^2 + (x + y^2 - 7)^2.

    Himmelblau, "Applied nonlinear programming" (1972). Where the start is, both eigenvalues of the
    Hessian are negative: Newton's method climbs.
    """

    def value(x: Floats, y: Floats) -> Any:
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(x: Floats, y: Floats) -> Any:
        first, second = x**2 + y - 11, x + y**2 - 7
        return 4 * x * first + 2 * second, 2 * first + 4 * y * second

    def hessian(x: Floats, y: Floats) -> Any:
        return 12 * x**2 + 4 * y - 42, 4 * (x + y), 12 * y**2 + 4 * x - 26

    minima = np.array(
        [
            [3.0, 2.0],
            [-2.805118086952745, 3.131312518250573],
            [-3.779310253377747, -3.283185991286170],
            [3.584428340330492, -1.848126526964404],
        ]
    )
    start, domain = np.array([0.0, 0.0]), (-5.0, 5.0, -5.0, 5.0)
    return Surface("himmelblau", start, domain, minima, 0.0, value, gradient, hessian)


# By name: all surfaces in closed form.
SURFACES: dict[str, Callable[..., Surface]] = {
    "quadratic": quadratic,
    "rosenbrock": rosenbrock,
    "saddle": saddle,
    "beale": beale,
    "himmelblau": himmelblau,
}


def create(name: str, **options: Any) -> Surface:
    """The surface of that name; options as its function in `SURFACES` takes them."""
    return SURFACES[errors.choice("name", name, SURFACES)](**options)


def filter_normalised(weights: Sequence[ArrayLike], seed: int = 0) -> list[NDArray[np.float64]]:
    """A random direction in the space of a network's weights, with each filter as long as its own.

    weights: a network's arrays, kernels with the outputs in the last axis. Biases and whatever else
    has one axis stay where they are. Li et al., "Visualizing the loss landscape of neural nets"
    (2018), section 4: without it, a network whose weights are large seems flat.
    """
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    found = []
    for array in _as_weights(weights):
        drawn = rng.standard_normal(array.shape)
        if array.ndim < 2:
            found.append(np.zeros(array.shape))
            continue
        axes = tuple(range(array.ndim - 1))
        own, length = (np.sqrt(np.square(a).sum(axes)) for a in (array, drawn))
        # d_ij = d_ij / |d_ij| |theta_ij|
        found.append(drawn / np.maximum(length, np.finfo(float).tiny) * own)
    return found


def slice_of(
    loss: Callable[[list[Any]], Any],
    weights: Sequence[ArrayLike],
    *,
    directions: tuple[Sequence[ArrayLike], Sequence[ArrayLike]] | None = None,
    seed: int = 0,
    reach: float = 1.0,
    points: int = POINTS,
    name: str = "slice",
) -> Surface:
    """A surface: the loss of a network at its weights plus x times one direction, y times another.

    loss: `loss(arrays) -> number`, called points x points times with arrays like `weights`, of
        their shapes and types.
    directions: two, each with an array a weight; `filter_normalised` ones from `seed` and the
        next, if None.
    reach: x and y go from -reach to reach. points: along each side, at least 8.

    Between the points that were measured lie bicubic splines, which have a gradient and a Hessian.
    Beyond them the surface rises like a bowl, so that a method that leaves comes back. `minima` is
    the lowest point. Raises `InputError` for losses that are not finite.
    """
    known = [np.asarray(array) for array in weights]
    base = _as_weights(known)
    count = int(errors.number("points", points, low=8, high=400, whole=True))
    far = float(errors.number("reach", reach, low=1e-9, high=1e9))
    if directions is None:
        directions = (filter_normalised(base, seed), filter_normalised(base, seed + 1))
    ways = [[np.asarray(part, np.float64) for part in way] for way in directions]
    if len(ways) != 2 or any([w.shape for w in way] != [b.shape for b in base] for way in ways):
        errors.bad("directions", errors.Said("other shapes"), "two, with the weights' shapes")
    at = np.linspace(-far, far, count)
    values = np.empty((count, count))  # rows along x
    for i, x in enumerate(at):
        for j, y in enumerate(at):
            moved = [b + x * u + y * v for b, u, v in zip(base, *ways, strict=True)]
            arrays = [m.astype(k.dtype) for m, k in zip(moved, known, strict=True)]
            values[i, j] = float(loss(arrays))
    if not np.isfinite(values).all():
        came = errors.Said(f"{(~np.isfinite(values)).sum()} of {values.size} that are not finite")
        errors.bad("loss", came, "finite losses; take a smaller reach")
    return interpolated(at, at, values, name=name)


def interpolated(x: ArrayLike, y: ArrayLike, values: ArrayLike, *, name: str) -> Surface:
    """A surface through `values (P, Q)`, measured at `x (P,)` and `y (Q,)`, both rising."""
    across, along, table = (np.asarray(part, np.float64) for part in (x, y, values))
    if table.shape != (len(across), len(along)) or min(table.shape) < 4:
        errors.bad("values", table, "shape (P, Q), as x (P,) and y (Q,) say, at least 4 each")
    spline = RectBivariateSpline(across, along, table, s=0)
    ends = (across[0], across[-1], along[0], along[-1])
    # rise = k d^2 / 2: k is what would lift the edge by the slice's own range, times WALL
    wall = WALL * max(float(np.ptp(table)), 1e-12) / ((ends[1] - ends[0]) / 2) ** 2

    def inside(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return np.clip(x, *ends[:2]), np.clip(y, *ends[2:])

    def of(x: Floats, y: Floats, dx: int, dy: int) -> Floats:
        known = np.isfinite(x) & np.isfinite(y)
        at = inside(np.where(known, x, 0), np.where(known, y, 0))
        return np.where(known, spline.ev(*at, dx=dx, dy=dy), np.nan)

    def value(x: Floats, y: Floats) -> Any:
        cx, cy = inside(x, y)
        return of(x, y, 0, 0) + wall * ((x - cx) ** 2 + (y - cy) ** 2) / 2

    def gradient(x: Floats, y: Floats) -> Any:
        cx, cy = inside(x, y)
        # beyond an end the spline no longer changes with that coordinate; only the wall does
        dx = np.where(x == cx, of(x, y, 1, 0), wall * (x - cx))
        return dx, np.where(y == cy, of(x, y, 0, 1), wall * (y - cy))

    def hessian(x: Floats, y: Floats) -> Any:
        cx, cy = inside(x, y)
        xx = np.where(x == cx, of(x, y, 2, 0), wall)
        xy = np.where((x == cx) & (y == cy), of(x, y, 1, 1), 0.0)
        return xx, xy, np.where(y == cy, of(x, y, 0, 2), wall)

    def at_corner(i: int, j: int) -> Floats:
        return np.array([across[i], along[j]])

    middle = np.array([ends[0] + ends[1], ends[2] + ends[3]]) / 2
    highest = max(((i, j) for i in (0, -1) for j in (0, -1)), key=lambda place: table[place])
    start = middle + INSIDE * (at_corner(*highest) - middle)
    lowest = np.unravel_index(int(table.argmin()), table.shape)
    # between the points the splines may dip a little below the lowest of them
    found = scipy.optimize.minimize(
        lambda p: (float(value(*p)), np.array(gradient(*p), np.float64)),
        at_corner(*(int(k) for k in lowest)),
        jac=True,
        bounds=[ends[:2], ends[2:]],
        method="L-BFGS-B",
    )
    least = np.asarray(found.x, np.float64)[None]
    return Surface(name, start, ends, least, float(found.fun), value, gradient, hessian)


def _as_weights(weights: Sequence[ArrayLike]) -> list[Floats]:
    arrays = [np.asarray(array, np.float64) for array in weights]
    if not arrays or not all(np.isfinite(array).all() for array in arrays):
        errors.bad("weights", errors.Said("none, or not finite"), "a list of a network's arrays")
    return arrays


def _coordinates(points: ArrayLike) -> tuple[Floats, Floats]:
    array = np.asarray(points, np.float64)
    if array.ndim < 1 or array.shape[-1] != 2:
        errors.bad("points", array, "shape (..., 2)")
    return array[..., 0], array[..., 1]
