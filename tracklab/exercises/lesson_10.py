"""Exercises of lesson 10, Second-order optimizers: what curvature says, and what it costs to ask.

Newton's step, a Hessian times a vector from gradients alone, the largest eigenvalue of a matrix
that is only known by its products, a step that is shortened until it helps, the two loops of
L-BFGS, and the damping of Levenberg-Marquardt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]
Slope = Callable[[Floats], Floats]


def _draws(rng: np.random.Generator, *shape: int) -> Floats:
    """Small whole numbers, which can be read."""
    return rng.integers(-4, 5, shape).astype(float)


def _symmetric(rng: np.random.Generator, size: int) -> Floats:
    half = _draws(rng, size, size)
    return half + half.T


# -- Newton's step -------------------------------------------------------------------------------


def newton_starter(gradient: Floats, hessian: Floats) -> Floats:
    """Newton's step, (2,): from here to where the local quadratic is flat.

    At a point the loss has the slopes `gradient` (2,) and the second derivatives `hessian` (2, 2),
    symmetric. A step p away, the quadratic that these two make has the gradient

        gradient + hessian p

    The step is the p at which that is zero. (There is exactly one: the determinant is not 0.)
    """
    return ...  # type: ignore[return-value]


def newton_step(gradient: Floats, hessian: Floats) -> Floats:
    """Newton's step, (2,): from here to where the local quadratic is flat."""
    # H p = -g
    return np.asarray(np.linalg.solve(hessian, -gradient))


def _newton_by_hand(gradient: Floats, hessian: Floats) -> Any:
    (a, b), (_, d) = hessian.tolist()
    g, k = gradient.tolist()
    # Cramer's rule
    below = a * d - b * b
    return [(b * k - d * g) / below, (b * g - a * k) / below]


def _newton_by_axes(gradient: Floats, hessian: Floats) -> Any:
    curvatures, axes = np.linalg.eigh(hessian)
    return -(axes @ ((axes.T @ gradient) / curvatures))


def _uphill(gradient: Floats, hessian: Floats) -> Any:
    return np.linalg.solve(hessian, gradient)


def _downhill(gradient: Floats, hessian: Floats) -> Any:
    return -gradient


def _times_hessian(gradient: Floats, hessian: Floats) -> Any:
    return -hessian @ gradient


def _by_diagonal(gradient: Floats, hessian: Floats) -> Any:
    diagonal = hessian.diagonal()
    return np.divide(-gradient, diagonal, out=np.zeros(2), where=diagonal != 0)


def _by_diagonal_as_it_is(gradient: Floats, hessian: Floats) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -gradient / hessian.diagonal()


def _by_entry(gradient: Floats, hessian: Floats) -> Any:
    inverse = np.divide(1.0, hessian, out=np.zeros((2, 2)), where=hessian != 0)
    return -inverse @ gradient


def _always_down(gradient: Floats, hessian: Floats) -> Any:
    curvatures, axes = np.linalg.eigh(hessian)
    return -(axes @ ((axes.T @ gradient) / np.abs(curvatures)))


def _by_largest(gradient: Floats, hessian: Floats) -> Any:
    return -gradient / np.abs(np.linalg.eigvalsh(hessian)).max()


def _newton_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        hessian = _symmetric(rng, 2)
        if abs(np.linalg.det(hessian)) > 0.5:
            return _draws(rng, 2), hessian


def _has_step(gradient: Floats, hessian: Floats) -> bool:
    if gradient.shape != (2,) or hessian.shape != (2, 2):
        return False
    if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return False
    return bool((hessian == hessian.T).all() and abs(np.linalg.det(hessian)) > 0.5)


def _draw_newton(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    gradient, hessian = inputs
    mine = np.asarray(got, float)
    if mine.shape != (2,) or not np.isfinite(mine).all():
        return None
    reach = 1.3 * max(float(np.abs([mine, wanted]).max()), 0.5)
    x, y = np.meshgrid(*[np.linspace(-reach, reach, 80)] * 2)
    away = np.stack([x, y], -1)
    # m(p) = g . p + p . H p / 2
    values = away @ gradient + np.einsum("...i,ij,...j->...", away, hessian, away) / 2
    fig, ax = plots.figure(title="The local quadratic", width=4.6, height=3.6)
    with plots.style():
        ax.contour(x, y, values, 14, colors="#999999", linewidths=0.8)
        ax.plot(0, 0, "o", color="#222222", ms=9)
        for end, color, line, name in (
            (wanted, plots.COLORS[2], "-", "wanted: to where it is flat"),
            (mine, plots.COLORS[1], "--", "yours"),
        ):
            ax.plot([0, end[0]], [0, end[1]], line, color=color, label=name)
            ax.plot(*end, "o", color=color)
        ax.set(aspect="equal", xlabel="first coordinate of p", ylabel="second")
        fig.legend(loc="outside lower left", ncols=2, fontsize=8.5)
    return fig


NEWTON_STEP = Exercise(
    name="10-newton-step",
    task="Newton's step, (2,), from a gradient and a Hessian",
    starter=newton_starter,
    reference=newton_step,
    cases=(
        (np.array([2.0, 6.0]), np.array([[4.0, 2.0], [2.0, 3.0]])),
        (np.array([1.0, -2.0]), np.array([[1.0, 0.0], [0.0, -4.0]])),
        (np.array([3.0, 1.0]), np.array([[0.0, 2.0], [2.0, 1.0]])),
        (np.array([0.0, 0.0]), np.array([[5.0, 1.0], [1.0, 1.0]])),
    ),
    generate=_newton_inputs,
    valid=_has_step,
    misconceptions=(
        Misconception(
            "uphill",
            _uphill,
            "The sign is missing: the quadratic's gradient is zero where `hessian p` is *minus* "
            "the gradient.",
        ),
        Misconception(
            "gradient descent",
            _downhill,
            "That is the direction of gradient descent. The Hessian stands nowhere in it.",
        ),
        Misconception(
            "multiplied",
            _times_hessian,
            "You multiply by the Hessian, which makes steps longest where it is steepest. Newton "
            "divides: solve `hessian p = -gradient`.",
        ),
        Misconception(
            "the diagonal alone",
            _by_diagonal,
            "You divide by the diagonal. That is right where the axes of the quadratic are those "
            "of x and y; elsewhere the other entries turn the step.",
            variants=(_by_diagonal_as_it_is,),
        ),
        Misconception(
            "entry by entry",
            _by_entry,
            "One over each entry is not the inverse of a matrix.",
        ),
        Misconception(
            "always downhill",
            _always_down,
            "You made the curvatures positive. That is a good idea for a method, but it is not "
            "where this quadratic is flat: Newton's step leads to saddles and tops as well.",
        ),
        Misconception(
            "only the length",
            _by_largest,
            "You changed the length of the gradient's step and left its direction. Only on the "
            "axes of the quadratic are the two the same.",
        ),
    ),
    alternatives=(_newton_by_hand, _newton_by_axes),
    hints=(
        "Write down that the gradient of the quadratic is zero. Which equation for p is that?",
        "Two linear equations with two unknowns: `hessian p = -gradient`. NumPy solves them.",
        "`np.linalg.solve(hessian, -gradient)`.",
    ),
    praise="On a quadratic this one step is the whole way, whatever its condition.",
    onward="It asks for where the quadratic is flat. Is that always its lowest point?",
    draw=_draw_newton,
    alt="Lines of equal loss of the local quadratic, the wanted step as an arrow, yours dashed.",
)


# -- a Hessian times a vector, from gradients ----------------------------------------------------


@dataclass(frozen=True)
class _Cubic:
    """The gradient of x . A x / 2 + c . x^3 / 3, by its numbers: A x + c x^2."""

    matrix: tuple[tuple[float, ...], ...]
    cubes: tuple[float, ...]

    def __call__(self, x: Any) -> Floats:
        at = np.asarray(x, float)
        return np.asarray(self.matrix) @ at + np.asarray(self.cubes) * at**2

    def __repr__(self) -> str:
        return f"the gradient A x + c x^2 with A = {self.matrix}, c = {self.cubes}"


def hvp_starter(gradient: Slope, x: Floats, v: Floats, step: float) -> Floats:
    """The Hessian at x times v, (n,), from two gradients: no second derivative is needed.

    `gradient(x)` gives the gradient (n,) of a loss at a point (n,). A Hessian says how the gradient
    changes; times a vector, how it changes along that vector. Take the central difference: the
    gradient a little beyond x along v, less the gradient a little before it, over the way between.
    "A little" is `step` times v, each way.
    """
    return ...  # type: ignore[return-value]


def hessian_times(gradient: Slope, x: Floats, v: Floats, step: float) -> Floats:
    """The Hessian at x times v, (n,), from two gradients."""
    # H v = (g(x + h v) - g(x - h v)) / 2 h
    return np.asarray((gradient(x + step * v) - gradient(x - step * v)) / (2 * step))


def _hvp_by_parts(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    ends = [np.asarray(gradient(x + sign * step * v)) for sign in (1.0, -1.0)]
    return [(a - b) / step / 2 for a, b in zip(*ends, strict=True)]


def _hvp_by_columns(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    """The difference as a mean of one ahead and one behind."""
    here = gradient(x)
    ahead, behind = (gradient(x + step * v) - here), (here - gradient(x - step * v))
    return (ahead + behind) / 2 / step


def _forward(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return (gradient(x + step * v) - gradient(x)) / step


def _one_step_wide(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return (gradient(x + step * v) - gradient(x - step * v)) / step


def _halved_and_multiplied(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return (gradient(x + step * v) - gradient(x - step * v)) / 2 * step


def _along_a_unit(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return hessian_times(gradient, x, v / np.linalg.norm(v), step)


def _by_the_way_walked(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return hessian_times(gradient, x, v, step) / np.linalg.norm(v)


def _not_divided(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return gradient(x + step * v) - gradient(x - step * v)


def _a_number(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return float(hessian_times(gradient, x, v, step) @ v)


def _along_all(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return (gradient(x + step) - gradient(x - step)) / (2 * step)


def _times_v(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return _along_all(gradient, x, v, step) * v


def _of_v(gradient: Slope, x: Floats, v: Floats, step: float) -> Any:
    return gradient(v)


def _hvp_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    size = int(rng.integers(1, 4))
    matrix = tuple(tuple(row) for row in _symmetric(rng, size).tolist())
    cubes = tuple(rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], size).tolist())
    v = _draws(rng, size)
    v[0] = float(rng.integers(1, 5))
    return _Cubic(matrix, cubes), _draws(rng, size), v, float(rng.choice([0.125, 0.25, 0.5]))


def _fits(gradient: Any, x: Floats, v: Floats, step: float) -> bool:
    size = len(gradient.cubes)
    if not x.shape == v.shape == (size,) or not 0.01 <= step <= 0.5:
        return False
    return bool(np.isfinite(x + v).all() and v.any())


_BENT = _Cubic(((4.0, 2.0), (2.0, 6.0)), (1.0, -2.0))

HVP = Exercise(
    name="10-hvp",
    task="the Hessian at x times v, (n,), from two gradients",
    starter=hvp_starter,
    reference=hessian_times,
    cases=(
        (_BENT, np.array([1.0, 3.0]), np.array([2.0, 1.0]), 0.25),
        (_BENT, np.array([1.0, 3.0]), np.array([0.0, 1.0]), 0.25),
        (_Cubic(((2.0,),), (3.0,)), np.array([1.0]), np.array([4.0]), 0.5),
        (_BENT, np.array([0.0, 0.0]), np.array([1.0, -3.0]), 0.125),
    ),
    generate=_hvp_inputs,
    valid=_fits,
    misconceptions=(
        Misconception(
            "forward",
            _forward,
            "That is the difference to the gradient at x itself. Its error falls with the step; "
            "that of the central one, from x - step v to x + step v, with the step's square.",
        ),
        Misconception(
            "half of the way",
            _one_step_wide,
            "Between the two gradients lie two steps: divide by `2 * step`.",
        ),
        Misconception(
            "halved and multiplied",
            _halved_and_multiplied,
            "`/ 2 * step` halves and then multiplies by the step. Put the two in brackets: "
            "`/ (2 * step)`.",
        ),
        Misconception(
            "v made 1 long",
            _along_a_unit,
            "Yours is the product with v made 1 long. H v is twice as long where v is: go `step` "
            "times v each way, and divide by `2 * step`, whatever the length of v.",
            variants=(_by_the_way_walked,),
        ),
        Misconception(
            "not divided",
            _not_divided,
            "That is how much the gradient changed. Divide it by how far you went.",
        ),
        Misconception(
            "a number",
            _a_number,
            "That is v . H v, the curvature along v: one number. Wanted is H v, a vector.",
        ),
        Misconception(
            "without v",
            _along_all,
            "You moved all coordinates by the step. Move x along v: `x + step * v`.",
        ),
        Misconception(
            "v afterwards",
            _times_v,
            "You moved all coordinates alike and multiplied by v afterwards. That is no product "
            "with a matrix: move x along v.",
        ),
        Misconception(
            "the gradient at v",
            _of_v,
            "You asked for the gradient at the point v. Only for a quadratic around 0 is that H v.",
        ),
    ),
    alternatives=(_hvp_by_parts, _hvp_by_columns),
    hints=(
        "How would you take the derivative of a function of one number by a central difference? "
        "Here the function is the gradient, and the number says how far along v you are.",
        "The two points are `x + step * v` and `x - step * v`; what lies between them is twice "
        "the step.",
        "`(gradient(x + step * v) - gradient(x - step * v)) / (2 * step)`.",
    ),
    praise="Two gradients, and no matrix: this works for millions of weights.",
    onward="Which step is best? Too small a one loses all digits to rounding, as you will see.",
)


# -- the largest eigenvalue by power iteration ---------------------------------------------------


def largest_starter(matrix: Floats, start: Floats, steps: int) -> float:
    """The largest eigenvalue, by size and with its sign, as power iteration has it in the end.

    `matrix` (n, n) is symmetric; use it only in products with vectors, for of a network's Hessian
    nothing else is known. Begin with `start` (n,), made 1 long. In each of the `steps`, 0 or more,
    the vector q becomes `matrix @ q`, made 1 long again. The answer is q . (matrix q).
    """
    return ...  # type: ignore[return-value]


def largest(matrix: Floats, start: Floats, steps: int) -> float:
    """The largest eigenvalue, by size, as power iteration has it after some steps."""
    q = start / np.linalg.norm(start)
    for _ in range(steps):
        # q = H q / |H q|
        q = matrix @ q
        q = q / np.linalg.norm(q)
    # l = q . H q
    return float(q @ (matrix @ q))


def _largest_by_power(matrix: Floats, start: Floats, steps: int) -> Any:
    q = np.linalg.matrix_power(matrix, steps) @ start
    return np.array(q @ matrix @ q / (q @ q))


def _largest_by_quotient(matrix: Floats, start: Floats, steps: int) -> Any:
    q = np.array(start, float)
    for _ in range(steps):
        q = matrix @ q / np.abs(q).max()
    return np.vdot(q, matrix @ q) / np.vdot(q, q)


def _largest(
    matrix: Floats,
    start: Floats,
    steps: int,
    *,
    length: bool = False,
    normalise: bool = True,
    more: int = 0,
) -> float:
    q = start / np.linalg.norm(start)
    for _ in range(max(steps + more, 0)):
        q = matrix @ q
        if normalise:
            q = q / np.linalg.norm(q)
    return float(np.linalg.norm(matrix @ q)) if length else float(q @ (matrix @ q))


def _length_alone(matrix: Floats, start: Floats, steps: int) -> Any:
    return _largest(matrix, start, steps, length=True)


def _never_shortened(matrix: Floats, start: Floats, steps: int) -> Any:
    return _largest(matrix, start, steps, normalise=False)


def _one_fewer(matrix: Floats, start: Floats, steps: int) -> Any:
    return _largest(matrix, start, steps, more=-1)


def _one_more(matrix: Floats, start: Floats, steps: int) -> Any:
    return _largest(matrix, start, steps, more=1)


def _start_as_it_is(matrix: Floats, start: Floats, steps: int) -> Any:
    q = np.array(start, float)
    for _ in range(steps):
        q = matrix @ q
        q = q / np.linalg.norm(q)
    return float(q @ (matrix @ q))


def _exact(matrix: Floats, start: Floats, steps: int) -> Any:
    values = np.linalg.eigvalsh(matrix)
    return float(values[np.abs(values).argmax()])


def _top(matrix: Floats, start: Floats, steps: int) -> Any:
    return float(np.linalg.eigvalsh(matrix)[-1])


def _vector(matrix: Floats, start: Floats, steps: int) -> Any:
    q = start / np.linalg.norm(start)
    for _ in range(steps):
        q = matrix @ q
        q = q / np.linalg.norm(q)
    return q


def _largest_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        size = int(rng.integers(2, 4))
        inputs = _symmetric(rng, size), _draws(rng, size), int(rng.integers(0, 4))
        if _iterates(*inputs):
            return inputs


def _iterates(matrix: Floats, start: Floats, steps: int) -> bool:
    size = len(matrix)
    if matrix.shape != (size, size) or start.shape != (size,) or not 0 <= steps <= 8 or not size:
        return False
    if not np.isfinite(matrix).all() or (matrix != matrix.T).any():
        return False
    q = np.linalg.matrix_power(matrix, steps + 1) @ start
    return bool(np.linalg.norm(q) > 0.1)


LARGEST = Exercise(
    name="10-largest",
    task="the largest eigenvalue as power iteration has it after so many steps",
    starter=largest_starter,
    reference=largest,
    cases=(
        (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([3.0, 4.0]), 1),
        (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([3.0, 4.0]), 0),
        (np.array([[-5.0, 2.0], [2.0, 1.0]]), np.array([1.0, 1.0]), 3),
        (np.array([[1.0, 0.0, 2.0], [0.0, 2.0, 0.0], [2.0, 0.0, -3.0]]), np.array([2, 1, 2.0]), 2),
    ),
    generate=_largest_inputs,
    valid=_iterates,
    misconceptions=(
        Misconception(
            "no sign",
            _length_alone,
            "You give the length of the last product, which has no sign. A largest curvature may "
            "be negative: take q . (matrix q).",
        ),
        Misconception(
            "never made 1 long",
            _never_shortened,
            "Your vector grows from step to step, and soon beyond all numbers. Make it 1 long "
            "after every product.",
        ),
        Misconception(
            "one step too few",
            _one_fewer,
            "You made one step fewer than was asked.",
        ),
        Misconception(
            "one step too many",
            _one_more,
            "You made one step more than was asked. The last product, for q . (matrix q), is none.",
        ),
        Misconception(
            "the start as it came",
            _start_as_it_is,
            "With 0 steps your start was never made 1 long.",
        ),
        Misconception(
            "all eigenvalues",
            _exact,
            "That is the true one, out of the whole matrix. Of a network's Hessian only products "
            "are known; what do they say after so many steps?",
        ),
        Misconception(
            "the topmost",
            _top,
            "That is the largest of all, and not by size; and it takes the whole matrix.",
        ),
        Misconception(
            "the vector",
            _vector,
            "That is the vector. The eigenvalue is how much the matrix stretches it.",
        ),
    ),
    alternatives=(_largest_by_power, _largest_by_quotient),
    hints=(
        "Each product makes the part along the steepest direction grow most. What has to be done "
        "so that the whole does not grow beyond all bounds?",
        "A loop of `q = matrix @ q` and `q = q / np.linalg.norm(q)`. And before it?",
        "`q = start / np.linalg.norm(start)`, the loop, and at the end `q @ (matrix @ q)`.",
    ),
    praise="This is how the steepest curvature of a network is found without its Hessian.",
    onward="It keeps only its last vector. Lanczos keeps all, and is much sooner there.",
)


# -- backtracking --------------------------------------------------------------------------------


def armijo_starter(losses: Floats, start: float, slope: float, share: float = 1e-4) -> float:
    """How long a step: the first of 1, 1/2, 1/4, ... that lowers the loss enough, or 0.0.

    From a point with the loss `start` we look along a direction in which the loss has the `slope`,
    below 0. `losses` (K,) are the losses after steps of the lengths 1, 1/2, 1/4, ... of it, some of
    them perhaps NaN or infinite. Were the loss a straight line, a step of length a would bring it
    to start + a * slope. *Enough* is at least the `share` of that fall (Armijo's condition):

        loss <= start + share * a * slope
    """
    return ...  # type: ignore[return-value]


def armijo(losses: Floats, start: float, slope: float, share: float = 1e-4) -> float:
    """How long a step: the first of 1, 1/2, 1/4, ... that lowers the loss enough, or 0.0."""
    length = 1.0
    for loss in losses:
        # L(x + a p) <= L(x) + c a g . p: never true of NaN
        if loss <= start + share * length * slope:
            return length
        length /= 2
    return 0.0


def _armijo_at_once(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    lengths = 0.5 ** np.arange(len(losses))
    good = np.flatnonzero(losses <= start + share * lengths * slope)
    return lengths[good[0]] if len(good) else np.float64(0)


def _armijo_by_fall(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    for k, loss in enumerate(losses.tolist()):
        fall, promised = start - loss, -(2.0**-k) * slope
        if fall >= share * promised - 1e-12:
            return 2.0**-k
    return 0


def _any_fall(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    return armijo(losses, np.nextafter(start, -np.inf), 0.0, 0.0)


def _whole_promise(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    return armijo(losses, start, slope, 1.0)


def _not_shortened(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    for k, loss in enumerate(losses):
        if loss <= start + share * slope:
            return 0.5**k
    return 0.0


def _halved_first(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    length = 1.0
    for loss in losses:
        length /= 2
        if loss <= start + share * length * slope:
            return length
    return 0.0


def _shortest_of_all(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    return armijo(losses, start, slope, share) or 0.5 ** len(losses)


def _the_lowest(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    finite = np.where(np.isnan(losses), np.inf, losses)
    best = int(finite.argmin())
    return 0.5**best if finite[best] < start else 0.0


def _the_last(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    return armijo(losses, start, slope, share) or 0.5 ** (len(losses) - 1)


def _the_place(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    length = armijo(losses, start, slope, share)
    return float(-np.log2(length)) if length else float(len(losses))


def _upwards(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    return armijo(losses, start, -slope, share)


def _lets_nan_pass(losses: Floats, start: float, slope: float, share: float = 1e-4) -> Any:
    for k, loss in enumerate(losses):
        if not loss > start + share * 0.5**k * slope:
            return 0.5**k
    return 0.0


def _armijo_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    start, slope = float(rng.integers(-4, 9)), -float(rng.integers(1, 9))
    count = int(rng.integers(1, 6))
    lengths = 0.5 ** np.arange(count)
    bend = float(rng.integers(0, 60))
    losses = start + lengths * slope + bend * lengths**2 / 2 + 0.5 * rng.integers(-1, 2, count)
    losses = np.round(losses, 2)
    losses[rng.random(count) < 0.15] = rng.choice([np.nan, np.inf])
    return losses, start, slope, float(rng.choice([0.1, 0.25, 0.4]))


def _is_search(losses: Floats, start: float, slope: float, share: float = 1e-4) -> bool:
    if losses.ndim != 1 or not len(losses) or not slope < 0 or not 0 < share < 1:
        return False
    return bool(np.isfinite(start) and not (losses == -np.inf).any())


def _draw_armijo(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    losses, start, slope, *rest = inputs
    share = rest[0] if rest else 1e-4
    lengths = 0.5 ** np.arange(len(losses))
    known = np.isfinite(losses)
    fig, ax = plots.figure(title="The loss along the direction", width=5, height=3)
    with plots.style():
        along = np.linspace(0, 1, 2)
        ax.plot(along, start + share * along * slope, ":", color="#444444", label="enough: below")
        ax.plot(lengths[known], losses[known], "x", color="#777777", ms=8, label="losses")
        ax.plot(0, start, "o", color="#222222", label="the start")
        for length, color, line, name in (
            (float(wanted), plots.COLORS[2], "-", f"wanted: {float(wanted):g}"),
            (float(got), plots.COLORS[1], "--", f"yours: {float(got):g}"),
        ):
            ax.axvline(length, color=color, linestyle=line, label=name)
        ax.set(xlabel="length of the step", ylabel="loss")
        fig.legend(loc="outside lower left", ncols=3, fontsize=8.5)
    return fig


ARMIJO = Exercise(
    name="10-armijo",
    task="the first of the lengths 1, 1/2, 1/4, ... that lowers the loss enough, or 0.0",
    starter=armijo_starter,
    reference=armijo,
    cases=(
        (np.array([9.0, 3.9, 3.0, 3.4]), 4.0, -8.0, 0.1),
        (np.array([np.nan, np.inf, 5.0, 3.8]), 4.0, -4.0, 0.25),
        (np.array([5.0, 4.5, 4.2]), 4.0, -1.0, 0.1),
        (np.array([3.5]), 4.0, -2.0, 0.25),
        (np.array([6.0, 3.7, 3.75]), 4.0, -2.0, 0.25),
        (np.array([8.0, 3.999999, 3.0]), 4.0, -2.0),
        (np.array([8.0, 3.9998, 3.0]), 4.0, -2.0),
    ),
    generate=_armijo_inputs,
    valid=_is_search,
    misconceptions=(
        Misconception(
            "any fall",
            _any_fall,
            "You take the first step that lowers the loss at all. Then it may fall by less and "
            "less and never arrive; enough is a *share* of what the slope promised.",
        ),
        Misconception(
            "the whole promise",
            _whole_promise,
            "You ask for all of the fall that a straight line would bring. A loss that bends "
            "upwards never keeps that; ask for the `share` of it.",
        ),
        Misconception(
            "one bound for all",
            _not_shortened,
            "You ask the same fall of long steps and short ones. A step of half the length "
            "promises half: the bound has the length in it.",
        ),
        Misconception(
            "halved too soon",
            _halved_first,
            "You halve before you look: the first loss is that of the whole step, of length 1.",
        ),
        Misconception(
            "the lowest of all",
            _the_lowest,
            "You tried all lengths and took the lowest loss. That is a good step, and each trial "
            "costs a loss; backtracking stops at the first that is good enough.",
        ),
        Misconception(
            "the last one anyway",
            _the_last,
            "Where no length was good enough you take the shortest one, though the loss does not "
            "fall. Say 0.0, so that the caller knows.",
            variants=(_shortest_of_all,),
        ),
        Misconception(
            "how often halved",
            _the_place,
            "That is how often the step was halved. Wanted is its length: 1/2 to that power.",
        ),
        Misconception(
            "a bound above the start",
            _upwards,
            "Your bound lies above the start. The slope is negative: start + share * a * slope is "
            "below it.",
        ),
        Misconception(
            "NaN passes",
            _lets_nan_pass,
            "A loss that is no number passed. `not loss > bound` is true of NaN; `loss <= bound` "
            "is not.",
        ),
    ),
    alternatives=(_armijo_at_once, _armijo_by_fall),
    hints=(
        "What would the loss be after each length if it went on falling as the slope says? Of "
        "that fall, a share is asked.",
        "A loop over `losses` with `length = 1.0` at first, halved at its end.",
        "`if loss <= start + share * length * slope: return length`; after the loop, 0.0.",
    ),
    praise="With this no step can make things worse, however wrong the direction's length was.",
    onward="It only ever shortens. L-BFGS also wants to know when a step was too short.",
    draw=_draw_armijo,
    alt="Losses over the length of the step, the line below which a loss is low enough, the wanted "
    "length, and yours dashed.",
)


# -- the two loops of L-BFGS ---------------------------------------------------------------------


def two_loop_starter(gradient: Floats, steps: Floats, changes: Floats) -> Floats:
    """What L-BFGS makes of a gradient: about the inverse Hessian times it, (n,).

    `gradient` (n,). `steps` (K, n) are the last K steps s, the oldest first, and `changes` (K, n)
    how much the gradient changed in each, y. All s . y are above 0, and K is 1 or more.

        q = gradient
        for each pair, the newest first:    a = (s . q) / (s . y);   q = q - a y
        q = (s . y) / (y . y) q, with the newest pair
        for each pair, the oldest first:    b = (y . q) / (s . y);   q = q + (a - b) s

    with the a that the same pair had in the first loop.
    """
    return ...  # type: ignore[return-value]


def two_loop(gradient: Floats, steps: Floats, changes: Floats) -> Floats:
    """What L-BFGS makes of a gradient: about the inverse Hessian times it, (n,)."""
    q, shares = np.array(gradient, float), []
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        share = (s @ q) / (s @ y)
        q = q - share * y
        shares.append(share)
    s, y = steps[-1], changes[-1]
    q = (s @ y) / (y @ y) * q
    for s, y, share in zip(steps, changes, reversed(shares), strict=True):
        q = q + (share - (y @ q) / (s @ y)) * s
    return q


def _two_loop_by_matrix(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    s, y = steps[-1], changes[-1]
    matrix = np.eye(len(gradient)) * (s @ y) / (y @ y)
    for s, y in zip(steps, changes, strict=True):
        left = np.eye(len(gradient)) - np.outer(s, y) / (s @ y)
        matrix = left @ matrix @ left.T + np.outer(s, s) / (s @ y)
    return matrix @ gradient


def _two_loop_by_recursion(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    newest_s, newest_y = steps[-1], changes[-1]

    def product(q: Floats, count: int) -> Floats:
        if not count:
            return np.dot(newest_s, newest_y) / np.dot(newest_y, newest_y) * q
        s, y = steps[count - 1], changes[count - 1]
        share = np.dot(s, q) / np.dot(s, y)
        inner = product(q - share * y, count - 1)
        return inner + (share - np.dot(y, inner) / np.dot(s, y)) * s

    return product(gradient.astype(float), len(steps))


def _loops(
    gradient: Floats,
    steps: Floats,
    changes: Floats,
    *,
    scaled: Any = -1,
    first: int = -1,
    second: int = 1,
    beta: float = 1.0,
    shares_back: bool = True,
    scale_inverted: bool = False,
) -> Floats:
    q, shares = np.array(gradient, float), []
    for s, y in zip(steps[::first], changes[::first], strict=True):
        share = (s @ q) / (s @ y)
        q = q - share * y
        shares.append(share)
    if scaled is not None:
        s, y = steps[scaled], changes[scaled]
        q = ((y @ y) / (s @ y) if scale_inverted else (s @ y) / (y @ y)) * q
    kept = shares[::-1] if shares_back else shares
    for s, y, share in zip(steps[::second], changes[::second], kept, strict=True):
        q = q + (share - beta * (y @ q) / (s @ y)) * s
    return q


def _unscaled(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, scaled=None)


def _scaled_by_oldest(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, scaled=0)


def _scaled_upside_down(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, scale_inverted=True)


def _orders_swapped(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, first=1, second=-1)


def _shares_of_others(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, shares_back=False)


def _no_beta(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, steps, changes, beta=0.0)


def _steps_for_changes(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return _loops(gradient, changes, steps)


def _downhill_already(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    return -two_loop(gradient, steps, changes)


def _shares_of_the_gradient(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    q, shares = np.array(gradient, float), []
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        share = (s @ gradient) / (s @ y)
        q = q - share * y
        shares.append(share)
    q = (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1]) * q
    for s, y, share in zip(steps, changes, reversed(shares), strict=True):
        q = q + (share - (y @ q) / (s @ y)) * s
    return q


def _first_loop_alone(gradient: Floats, steps: Floats, changes: Floats) -> Any:
    q = np.array(gradient, float)
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        q = q - (s @ q) / (s @ y) * y
    return (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1]) * q


def _two_loop_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        count, size = int(rng.integers(1, 4)), int(rng.integers(2, 4))
        inputs = _draws(rng, size), _draws(rng, count, size), _draws(rng, count, size)
        if _are_pairs(*inputs):
            return inputs


def _are_pairs(gradient: Floats, steps: Floats, changes: Floats) -> bool:
    if gradient.ndim != 1 or steps.ndim != 2 or steps.shape != changes.shape or not steps.size:
        return False
    if steps.shape[1] != len(gradient):
        return False
    if not all(np.isfinite(part).all() for part in (gradient, steps, changes)):
        return False
    return bool((steps * changes).sum(1).min() > 0.5)


TWO_LOOP = Exercise(
    name="10-two-loop",
    task="what the two loops of L-BFGS make of a gradient, (n,)",
    starter=two_loop_starter,
    reference=two_loop,
    cases=(
        (
            np.array([2.0, 6.0]),
            np.array([[1.0, 0.0], [1.0, 1.0]]),
            np.array([[4.0, 2.0], [6.0, 5.0]]),
        ),
        (np.array([3.0, -1.0]), np.array([[1.0, 2.0]]), np.array([[2.0, 3.0]])),
        (
            np.array([1.0, 2.0, -1.0]),
            np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.0]]),
            np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 2.0, 4.0]]),
        ),
        (
            np.array([0.0, 1.0]),
            np.array([[1.0, 1.0], [2.0, -1.0]]),
            np.array([[1.0, 3.0], [3.0, 1.0]]),
        ),
    ),
    generate=_two_loop_inputs,
    valid=_are_pairs,
    misconceptions=(
        Misconception(
            "not scaled",
            _unscaled,
            "The middle line is missing: without s . y / y . y the directions of which nothing is "
            "known yet keep the gradient's own scale.",
        ),
        Misconception(
            "scaled by the oldest",
            _scaled_by_oldest,
            "You scale by the oldest pair. The newest one knows best how curved it is *here*.",
        ),
        Misconception(
            "scaled upside down",
            _scaled_upside_down,
            "Your scale is y . y / s . y, a curvature. The inverse Hessian wants one over it.",
        ),
        Misconception(
            "orders swapped",
            _orders_swapped,
            "The first loop goes from the newest pair back, the second from the oldest forward.",
        ),
        Misconception(
            "another pair's a",
            _shares_of_others,
            "In the second loop each pair needs the `a` that it had itself. They were collected "
            "in the other order: go through them backwards.",
        ),
        Misconception(
            "b left out",
            _no_beta,
            "In the second loop `a - b` stands before s; the b is missing.",
        ),
        Misconception(
            "s and y swapped",
            _steps_for_changes,
            "You swapped steps and changes. Then it is the Hessian that you multiply by, and not "
            "its inverse.",
        ),
        Misconception(
            "minus",
            _downhill_already,
            "You give the direction downhill. Wanted is what is made of the gradient, without the "
            "minus.",
        ),
        Misconception(
            "a of the gradient",
            _shares_of_the_gradient,
            "Your `a` is made of the gradient in every pair. It is made of q, which has changed "
            "by the pairs before.",
        ),
        Misconception(
            "one loop",
            _first_loop_alone,
            "That is the first loop and the scale. The second loop puts back, along each step, "
            "what its curvature says.",
        ),
    ),
    alternatives=(_two_loop_by_matrix, _two_loop_by_recursion),
    hints=(
        "The lines of the text are nearly the program. In which order do the pairs come, first "
        "and second time, and what of the first loop is needed in the second?",
        "Keep each `a` in a list. `steps[::-1]` and `changes[::-1]` are the newest first; the "
        "second loop walks `steps`, `changes` and `reversed(shares)` together.",
        "First loop: `share = (s @ q) / (s @ y)`, `q = q - share * y`, append. Then the scale from "
        "`steps[-1]` and `changes[-1]`. Second: `q = q + (share - (y @ q) / (s @ y)) * s`.",
    ),
    praise="An inverse Hessian of any size, in a few products of vectors.",
    onward="With as many pairs as dimensions of a quadratic it is nearly exact. Networks get ten.",
)


# -- the damping of Levenberg-Marquardt ----------------------------------------------------------


def damping_starter(
    damping: float, growth: float, loss: float, lower: float, promised: float
) -> tuple[float, float, bool]:
    """The next (damping, growth, taken) of Levenberg-Marquardt after a step was tried.

    The step brings the loss from `loss` to `lower`, which may be higher, NaN or infinite. The local
    quadratic had `promised` that it falls by so much, above 0. The *gain* is the true fall over the
    promised one.
    - If the gain is above 0, the step is taken: True. The damping is multiplied by
      1 - (2 gain - 1)^3, but at least by 1/3, where a gain above 1 counts as 1. The growth is 2
      again.
    - Otherwise, NaN included, it is not taken: False. The damping is multiplied by `growth`, and
      the growth doubled.
    """
    return ...  # type: ignore[return-value]


def next_damping(
    damping: float, growth: float, loss: float, lower: float, promised: float
) -> tuple[float, float, bool]:
    """The next (damping, growth, taken) of Levenberg-Marquardt after a step was tried."""
    # rho = (L(x) - L(x + p)) / promised
    gain = (loss - lower) / promised
    if gain > 0:  # not so for NaN
        # m = m max(1/3, 1 - (2 rho - 1)^3)
        return damping * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3), 2.0, True
    return damping * growth, 2 * growth, False


def _damping_by_numpy(
    damping: float, growth: float, loss: float, lower: float, promised: float
) -> Any:
    fall = loss - lower
    if not np.isfinite(lower) or fall <= 0:
        return [damping * growth, growth + growth, False]
    share = np.clip(fall / promised, 0, 1)
    return [damping * np.clip(1 - (2 * share - 1) ** 3, 1 / 3, 2), 2, True]


def _damping_by_cases(
    damping: float, growth: float, loss: float, lower: float, promised: float
) -> Any:
    taken = bool(lower < loss)
    if taken:
        gain = (loss - lower) / promised
        factor = 1 / 3 if gain >= 1 else max(1 / 3, 1 - (2 * gain - 1) ** 3)
        return np.array(damping) * factor, 2.0, taken
    return damping * growth, growth * 2.0, taken


def _damping(
    damping: float,
    growth: float,
    loss: float,
    lower: float,
    promised: float,
    *,
    floor: float = 1 / 3,
    most: float = 1.0,
    nan_taken: bool = False,
    reset: bool = True,
    doubled: bool = True,
    inverse: bool = False,
    always: bool = False,
) -> Any:
    gain = (loss - lower) / promised
    if inverse:
        gain = promised / (loss - lower) if loss != lower else np.inf
    if gain > 0 or (nan_taken and np.isnan(gain)):
        factor = max(floor, 1 - (2 * min(gain, most) - 1) ** 3)
        return damping * factor, 2.0 if reset else growth, True
    return damping * growth, 2 * growth if doubled else growth, always


def _never_reset(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, reset=False)


def _never_doubled(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, doubled=False)


def _no_floor(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, floor=-np.inf)


def _taken_anyway(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, always=True)


def _gain_upside_down(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, inverse=True)


def _taken_at_nan(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return _damping(d, g, loss, lower, p, nan_taken=True)


def _taken_without_gain(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    if loss == lower:
        return 2 * d, 2.0, True
    return next_damping(d, g, loss, lower, p)


def _damping_swapped(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    gain = (loss - lower) / p
    if gain > 0:
        return d * g, 2.0, True
    return d / 3, 2 * g, False


def _gain_of_loss(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    return next_damping(d, g, loss, lower, abs(loss) if loss else 1.0)


def _grown_first(d: float, g: float, loss: float, lower: float, p: float) -> Any:
    new, growth, taken = next_damping(d, g, loss, lower, p)
    return (new if taken else d * 2 * g), growth, taken


def _damping_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    loss = float(rng.integers(2, 20))
    promised = float(rng.integers(1, 9))
    gain = float(rng.choice([-1.0, -0.5, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 2.0]))
    lower = loss - gain * promised if rng.random() > 0.1 else float(rng.choice([np.nan, np.inf]))
    damping = float(rng.choice([0.01, 0.1, 1.0, 3.0]))
    return damping, float(rng.choice([2.0, 4.0, 8.0])), loss, float(lower), promised


def _is_trial(damping: float, growth: float, loss: float, lower: float, promised: float) -> bool:
    known = np.isfinite([damping, growth, loss, promised]).all()
    return bool(known and damping > 0 and growth >= 2 and promised > 0 and lower != -np.inf)


DAMPING = Exercise(
    name="10-damping",
    task="the next (damping, growth, taken) of Levenberg-Marquardt",
    starter=damping_starter,
    reference=next_damping,
    cases=(
        (3.0, 4.0, 10.0, 7.0, 4.0),
        (3.0, 4.0, 10.0, 12.0, 4.0),
        (3.0, 8.0, 10.0, 9.0, 4.0),
        (3.0, 2.0, 10.0, 4.0, 4.0),
        (3.0, 2.0, 10.0, float("nan"), 4.0),
        (3.0, 4.0, 10.0, 10.0, 4.0),
        (3.0, 2.0, 10.0, 6.0, 4.0),
    ),
    generate=_damping_inputs,
    valid=_is_trial,
    misconceptions=(
        Misconception(
            "growth never reset",
            _never_reset,
            "After a good step the growth is 2 again. Yours keeps what earlier bad steps left.",
        ),
        Misconception(
            "growth never doubled",
            _never_doubled,
            "After a bad step the growth doubles, so that several bad ones in a row soon find a "
            "step that is short enough.",
        ),
        Misconception(
            "no floor",
            _no_floor,
            "At a gain of 1 your damping becomes 0, and never comes back. Keep at least 1/3 of it.",
        ),
        Misconception(
            "taken anyway",
            _taken_anyway,
            "You take a step that does not lower the loss. A step is only tried; if it is bad, "
            "one stays and damps more.",
        ),
        Misconception(
            "NaN taken",
            _taken_at_nan,
            "You take a step after which the loss is no number. `gain <= 0` is false for NaN; ask "
            "whether `gain > 0`.",
        ),
        Misconception(
            "taken without a gain",
            _taken_without_gain,
            "You take a step with a gain of exactly 0. It brought nothing: the gain must be above "
            "0.",
        ),
        Misconception(
            "gain upside down",
            _gain_upside_down,
            "The gain is the true fall over the promised one; yours is one over it.",
        ),
        Misconception(
            "more where it went well",
            _damping_swapped,
            "You damp more after a good step and less after a bad one. A forecast that was right "
            "may be trusted further: damp less.",
        ),
        Misconception(
            "a share of the loss",
            _gain_of_loss,
            "You divide the fall by the loss. What says whether the quadratic can be trusted is "
            "the fall that it promised.",
        ),
        Misconception(
            "doubled first",
            _grown_first,
            "You double the growth before you use it. Multiply the damping by the growth as it "
            "came.",
        ),
    ),
    alternatives=(_damping_by_numpy, _damping_by_cases),
    hints=(
        "When was the forecast good: when the true fall is near the promised one, or far from it? "
        "What does that say about the damping?",
        "`gain = (loss - lower) / promised`. `gain > 0` is false for NaN, which is what is wanted.",
        "Taken: `damping * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3), 2.0, True`. Otherwise: "
        "`damping * growth, 2 * growth, False`.",
    ),
    praise="The method asks itself after each step how good its forecast was.",
    onward="Gain 1/2 leaves the damping as it is; where do its steps go when it grows and grows?",
)


EXERCISES = (NEWTON_STEP, HVP, LARGEST, ARMIJO, TWO_LOOP, DAMPING)
