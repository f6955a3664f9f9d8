"""Exercises of lesson 09, First-order optimizers: what a step is made of, and how long it may be.

A slope from two losses, momentum's way, a step of Adam, a gradient cut to length, a schedule with
warm-up, and the rate that a range test recommends.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises import sketch
from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's, as Keras has them


# -- a slope from two losses ---------------------------------------------------------------------


def central_slope_starter(coefficients: Floats, at: float, rounding: float) -> float:
    """The slope of a loss at a point, from two losses and no derivative.

    The loss is a polynomial: `np.polyval(coefficients, x)` is the loss at x. `rounding` is the
    relative error of one loss, about 1.2e-7 in float32. Take a central difference: the loss a step
    ahead of `at` less that a step behind, divided by how far apart the two places are. The step h
    is the one at which the two errors of a central difference are about equal: truncation, h^2,
    and rounding, `rounding / h`.
    """
    return ...  # type: ignore[return-value]


def central_slope(coefficients: Floats, at: float, rounding: float) -> float:
    """The slope of a loss at a point, from two losses and no derivative."""
    # h^2 = e / h
    step = rounding ** (1 / 3)
    ahead = np.polyval(coefficients, at + step)
    behind = np.polyval(coefficients, at - step)
    # L'(x) = (L(x + h) - L(x - h)) / 2h + O(h^2)
    return float((ahead - behind) / (2 * step))


def _slope_by_power(coefficients: Any, at: float, rounding: float) -> Any:
    h = float(np.cbrt(rounding))
    degree = len(coefficients) - 1

    def loss(x: float) -> float:
        return sum(float(c) * x ** (degree - k) for k, c in enumerate(coefficients))

    return (loss(at + h) - loss(at - h)) / (h + h)


def _slope_by_mean(coefficients: Floats, at: float, rounding: float) -> Any:
    h = math.exp(math.log(rounding) / 3)
    here, ahead, behind = np.polyval(coefficients, [at, at + h, at - h])
    return ((ahead - here) / h + (here - behind) / h) / 2


def _difference(coefficients: Floats, at: float, ahead: float, behind: float) -> Any:
    losses = np.polyval(coefficients, [at + ahead, at - behind])
    return (losses[0] - losses[1]) / (ahead + behind)


def _slope_forward(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding ** (1 / 3), 0.0)


def _slope_forward_best(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding ** (1 / 2), 0.0)


def _slope_backward(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, 0.0, rounding ** (1 / 3))


def _slope_root(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding ** (1 / 2), rounding ** (1 / 2))


def _slope_half_step(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding ** (1 / 3) / 2, rounding ** (1 / 3) / 2)


def _slope_twice(coefficients: Floats, at: float, rounding: float) -> Any:
    return 2 * central_slope(coefficients, at, rounding)


def _slope_exact(coefficients: Floats, at: float, rounding: float) -> Any:
    return float(np.polyval(np.polyder(coefficients), at))


def _slope_at_rounding(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding, rounding)


def _slope_third(coefficients: Floats, at: float, rounding: float) -> Any:
    return _difference(coefficients, at, rounding / 3, rounding / 3)


def _slope_times_step(coefficients: Floats, at: float, rounding: float) -> Any:
    return central_slope(coefficients, at, rounding) * rounding ** (2 / 3)


def _slope_downwards(coefficients: Floats, at: float, rounding: float) -> Any:
    return -central_slope(coefficients, at, rounding)


def _slope_undivided(coefficients: Floats, at: float, rounding: float) -> Any:
    step = rounding ** (1 / 3)
    return central_slope(coefficients, at, rounding) * 2 * step


def _slope_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    coefficients = rng.integers(1, 6, int(rng.integers(4, 6))) * rng.choice([-1.0, 1.0])
    return coefficients, float(rng.integers(-2, 3)), float(rng.choice([1e-6, 1.2e-7, 8e-6]))


def _is_bent(coefficients: Floats, at: float, rounding: float) -> bool:
    if coefficients.ndim != 1 or not 4 <= len(coefficients) <= 6:
        return False
    return bool(
        np.isfinite(coefficients).all()
        and np.abs(coefficients).max() <= 9
        and coefficients[-4] != 0
        and abs(at) <= 3
        and 1e-8 <= rounding <= 1e-4
    )


CENTRAL_SLOPE = Exercise(
    name="09-central-difference",
    task="the slope at a point, by a central difference with the step that suits the precision",
    starter=central_slope_starter,
    reference=central_slope,
    cases=(
        (np.array([1.0, 0.0, 0.0, 0.0]), 1.0, 1e-6),
        (np.array([2.0, -3.0, 1.0, 5.0]), -1.0, 1.2e-7),
        (np.array([1.0, 1.0, 2.0, 0.0, 1.0]), 0.0, 8e-6),
    ),
    generate=_slope_inputs,
    valid=_is_bent,
    misconceptions=(
        Misconception(
            "a forward difference",
            _slope_forward,
            "That is a forward difference: from the point itself to a step ahead. Its truncation "
            "error is h. With a step on both sides it is h^2.",
            variants=(_slope_forward_best,),
        ),
        Misconception(
            "a backward difference",
            _slope_backward,
            "That is a backward difference. A step ahead *and* a step behind, and the errors of "
            "first order cancel.",
        ),
        Misconception(
            "the step of a forward difference",
            _slope_root,
            "Your step is the square root of `rounding`. That balances h with rounding / h: the "
            "forward difference. Here it is h^2 = rounding / h.",
        ),
        Misconception(
            "half a step",
            _slope_half_step,
            "You went half a step each way. The losses are those at `at + h` and `at - h`, which "
            "are 2 h apart.",
        ),
        Misconception(
            "divided by one step",
            _slope_twice,
            "Twice what is wanted: the two places are 2 h apart, not h.",
        ),
        Misconception(
            "the derivative itself",
            _slope_exact,
            "No truncation is left in that. It is the derivative itself, which a check must not "
            "use; or your step is far too short: h^2 = rounding / h. (`rounding ** 1 / 3` is a "
            "third of `rounding`, for the power comes first.)",
            variants=(_slope_at_rounding, _slope_third),
        ),
        Misconception(
            "times the step",
            _slope_times_step,
            "You multiply by h where you should divide: `/ 2 * h` is half, times h. The two places "
            "are `(2 * h)` apart.",
        ),
        Misconception(
            "behind less ahead",
            _slope_downwards,
            "The sign is turned round: a loss that rises has a positive slope.",
        ),
        Misconception(
            "not divided",
            _slope_undivided,
            "That is the difference of the losses. Divide it by how far apart they are.",
        ),
    ),
    alternatives=(_slope_by_power, _slope_by_mean),
    hints=(
        "What is h if h * h = rounding / h? And how far apart are the places ahead and behind?",
        "h is the third root of `rounding`. Two losses: `np.polyval(coefficients, at + h)` and "
        "the same with `at - h`.",
        "`(ahead - behind) / (2 * rounding ** (1 / 3))`.",
    ),
    praise="Two losses and no derivative: that can check any gradient, however it was computed.",
    onward="How many losses would this be for all the weights of a network?",
    rtol=1e-7,
    atol=1e-8,
)


# -- momentum's way ------------------------------------------------------------------------------


def momentum_starter(gradients: Floats, rate: float, beta: float) -> Floats:
    """Where the weights are after each step: (T, N), by gradient descent with momentum.

    `gradients` (T, N) are the gradients that were met, step by step. Weights and velocity begin at
    0. In each step the velocity keeps the share `beta` of itself and gains `rate` times the
    gradient, downhill; then the weights move by the velocity.
    """
    return ...  # type: ignore[return-value]


def momentum(gradients: Floats, rate: float, beta: float) -> Floats:
    """Where the weights are after each step: (T, N), by gradient descent with momentum."""
    weights = velocity = np.zeros(gradients.shape[1])
    places = []
    for gradient in gradients:
        # v = m v - a g
        velocity = beta * velocity - rate * gradient
        # w = w + v
        weights = weights + velocity
        places.append(weights)
    return np.array(places)


def _momentum_of_gradients(gradients: Floats, rate: float, beta: float) -> Any:
    out, kept = np.zeros(gradients.shape), np.zeros(gradients.shape[1])
    for t, gradient in enumerate(gradients):
        kept = beta * kept + gradient
        out[t] = (out[t - 1] if t else 0) - rate * kept
    return out


def _momentum_by_sums(gradients: Floats, rate: float, beta: float) -> Any:
    count = len(gradients)
    age = np.arange(count)[:, None] - np.arange(count)
    velocities = np.where(age >= 0, beta ** np.maximum(age, 0), 0.0) @ (-rate * gradients)
    return np.cumsum(velocities, axis=0)


def _momentum(
    gradients: Floats,
    rate: float,
    beta: float,
    *,
    gain: float = 1.0,
    ahead: bool = False,
    late: bool = False,
    uphill: bool = False,
) -> Floats:
    """Momentum, with one of the mistakes that are known."""
    weights = velocity = np.zeros(gradients.shape[1])
    places = []
    for gradient in gradients:
        push = (rate if uphill else -rate) * gain * gradient
        before = velocity
        velocity = beta * velocity + push
        if ahead:
            weights = weights + beta * velocity + push
        else:
            weights = weights + (before if late else velocity)
        places.append(weights)
    return np.array(places)


def _momentum_none(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, 0.0)


def _momentum_average(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, beta, gain=1 - beta)


def _momentum_undamped(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, 1.0)


def _momentum_lost(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, 1 - beta)


def _momentum_ahead(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, beta, ahead=True)


def _momentum_late(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, beta, late=True)


def _momentum_uphill(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, beta, uphill=True)


def _momentum_velocities(gradients: Floats, rate: float, beta: float) -> Any:
    places = momentum(gradients, rate, beta)
    return np.diff(places, axis=0, prepend=0.0)


def _momentum_unrated(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, 1.0, beta)


def _momentum_shared(gradients: Floats, rate: float, beta: float) -> Any:
    places = momentum(gradients, rate, beta)
    return np.broadcast_to(places[-1], places.shape)


def _momentum_rubbed(gradients: Floats, rate: float, beta: float) -> Floats:
    return _momentum(gradients, rate, beta, gain=beta)


def _momentum_last(gradients: Floats, rate: float, beta: float) -> Any:
    return momentum(gradients, rate, beta)[-1]


def _momentum_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    gradients = rng.integers(-4, 5, (int(rng.integers(2, 6)), int(rng.integers(1, 4))))
    rate = float(rng.choice([0.1, 0.25, 0.5]))
    return gradients.astype(float), rate, float(rng.choice([0.6, 0.75, 0.9]))


def _are_steps(gradients: Floats, rate: float, beta: float) -> bool:
    if gradients.ndim != 2 or not gradients.size or not np.isfinite(gradients).all():
        return False
    return bool(0 < rate < 1 and 0.5 < beta < 1)


def _draw_momentum(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    mine = np.asarray(got, float)
    mine = mine[:, 0] if mine.shape == wanted.shape else np.zeros(0)
    title = f"The first weight (rate {inputs[1]:g}, beta {inputs[2]:g})"
    return sketch.lines(title, "step", "weight", wanted[:, 0], mine, given=inputs[0][:, 0])


MOMENTUM = Exercise(
    name="09-momentum",
    task="where the weights are after each step, (T, N)",
    starter=momentum_starter,
    reference=momentum,
    cases=(
        (np.array([[1.0], [1.0], [1.0]]), 0.5, 0.75),
        (np.array([[1.0, -2.0], [0.0, 0.0], [0.0, 4.0]]), 0.25, 0.9),
        (np.array([[2.0, 0.0, -1.0]]), 0.1, 0.6),
    ),
    generate=_momentum_inputs,
    valid=_are_steps,
    misconceptions=(
        Misconception(
            "no momentum",
            _momentum_none,
            "That is plain gradient descent: each step forgets the one before. The velocity is "
            "kept, `beta` of it.",
        ),
        Misconception(
            "an average",
            _momentum_average,
            "You give the gradient the weight 1 - beta, as a moving average does. Momentum "
            "adds up: under a steady gradient it becomes 1 / (1 - beta) times as fast.",
        ),
        Misconception(
            "all is kept",
            _momentum_undamped,
            "The velocity keeps all of itself, for ever. `beta` is the share that is left.",
        ),
        Misconception(
            "the share that is lost",
            _momentum_lost,
            "You keep 1 - beta of the velocity. `beta` is the share that it keeps.",
        ),
        Misconception(
            "Nesterov's step",
            _momentum_ahead,
            "That is Nesterov's step, which looks ahead: w + m v - a g. Here the weights move by "
            "the velocity, and that is all.",
        ),
        Misconception(
            "the velocity before",
            _momentum_late,
            "You move by the velocity as it was *before* this gradient. First the velocity, then "
            "the weights.",
        ),
        Misconception(
            "uphill",
            _momentum_uphill,
            "You go up. The gradient points uphill, so it is taken off.",
        ),
        Misconception(
            "velocities",
            _momentum_velocities,
            "Those are the velocities. The weights are their sum so far.",
        ),
        Misconception(
            "no rate",
            _momentum_unrated,
            "`rate` is missing: the velocity gains `rate` times the gradient.",
        ),
        Misconception(
            "one array in every row",
            _momentum_shared,
            "All your rows are the last one. `weights += velocity` changes the array that the list "
            "already holds; `weights = weights + velocity` makes a new one.",
        ),
        Misconception(
            "a share of the push, too",
            _momentum_rubbed,
            "You take `beta` of the new push as well. Only the old velocity is reduced by it.",
        ),
        Misconception(
            "only the end",
            _momentum_last,
            "That is where the weights are at the end. Wanted is a row after every step.",
        ),
    ),
    alternatives=(_momentum_of_gradients, _momentum_by_sums),
    hints=(
        "Two things are remembered from step to step. Which of them does the gradient change, and "
        "which moves the other?",
        "In each step: `velocity = beta * velocity - rate * gradient`, and then the weights.",
        "`weights = weights + velocity`; append it to a list, and `np.array(...)` at the end.",
    ),
    praise="Along a valley pushes add up, across it they cancel: that is all of its magic.",
    onward="Under a steady gradient, how fast does it become?",
    draw=_draw_momentum,
    alt="The first weight, step by step: wanted, and yours dashed; its gradients as crosses.",
)


# -- a step of Adam ------------------------------------------------------------------------------


def adam_step_starter(gradients: Floats, rate: float) -> Floats:
    """How far Adam moves the weights in each step: (T, N).

    `gradients` (T, N) are met one after the other. Adam keeps two running means, both from 0:

        m = 0.9 m + 0.1 g           of the gradients
        v = 0.999 v + 0.001 g^2     of their squares

    After t steps (t = 1, 2, ...) both are too small by known shares, for they began at 0; so they
    are divided by 1 - 0.9^t and 1 - 0.999^t. Row t - 1 is then the change of the weights in step t:

        - rate * corrected m / (root of corrected v + 1e-7)
    """
    return ...  # type: ignore[return-value]


def adam_step(gradients: Floats, rate: float) -> Floats:
    """How far Adam moves the weights in each step: (T, N)."""
    first = second = np.zeros(gradients.shape[1])
    moves = []
    for t, gradient in enumerate(gradients, start=1):
        # m = b1 m + (1 - b1) g
        first = BETA_1 * first + (1 - BETA_1) * gradient
        # v = b2 v + (1 - b2) g^2
        second = BETA_2 * second + (1 - BETA_2) * gradient**2
        # m^ = m / (1 - b1^t), v^ = v / (1 - b2^t)
        mean, square = first / (1 - BETA_1**t), second / (1 - BETA_2**t)
        # dw = -a m^ / (sqrt(v^) + e)
        moves.append(-rate * mean / (np.sqrt(square) + EPSILON))
    return np.array(moves)


def _adam_by_weights(gradients: Floats, rate: float) -> Any:
    moves = []
    for t in range(1, len(gradients) + 1):
        old, older = BETA_1 ** np.arange(t)[::-1], BETA_2 ** np.arange(t)[::-1]
        mean = old @ gradients[:t] / old.sum()
        root = np.sqrt(older @ gradients[:t] ** 2 / older.sum())
        moves.append(rate * mean / (root + EPSILON))
    return -np.array(moves)


def _adam_in_the_rate(gradients: Floats, rate: float) -> Any:
    first, second = np.zeros((2, gradients.shape[1]))
    moves = np.empty(gradients.shape)
    for t, gradient in enumerate(gradients, start=1):
        first = first + 0.1 * (gradient - first)
        second = second + 0.001 * (gradient * gradient - second)
        low = math.sqrt(1 - 0.999**t)
        moves[t - 1] = -rate * low / (1 - 0.9**t) * first / (np.sqrt(second) + low * 1e-7)
    return moves


def _adam(
    gradients: Floats,
    rate: float,
    *,
    corrected: tuple[bool, bool] = (True, True),
    late: int = 0,
    betas: tuple[float, float] = (BETA_1, BETA_2),
    plain: bool = False,
    rooted: bool = True,
    inside: bool = False,
    kept: bool = False,
    uphill: bool = False,
) -> Floats:
    """Adam's steps, with one of the mistakes that are known."""
    first = second = np.zeros(gradients.shape[1])
    moves = []
    for t, gradient in enumerate(gradients, start=1):
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        mean = first / (1 - betas[0] ** (t + late)) if corrected[0] else first
        square = second / (1 - betas[1] ** (t + late)) if corrected[1] else second
        if kept:
            first, second = mean, square
        move = rate * (gradient if plain else mean)
        below = (np.sqrt(square) if rooted else square) + EPSILON
        move = move / (np.sqrt(square + EPSILON) if inside else below)
        moves.append(move if uphill else -move)
    return np.array(moves)


def _adam_mistake(**options: Any) -> Any:
    def mistaken(gradients: Floats, rate: float) -> Floats:
        return _adam(gradients, rate, **options)

    return mistaken


def _adam_places(gradients: Floats, rate: float) -> Any:
    return np.cumsum(adam_step(gradients, rate), axis=0)


def _adam_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    gradients = rng.integers(-4, 5, (int(rng.integers(1, 5)), int(rng.integers(1, 4))))
    return gradients.astype(float), float(rng.choice([0.1, 0.5, 1.0]))


def _are_met(gradients: Floats, rate: float) -> bool:
    return bool(
        gradients.ndim == 2
        and gradients.size
        and np.isfinite(gradients).all()
        and np.abs(gradients).max() <= 100
        and 0 < rate <= 2
    )


def _draw_adam(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    mine = np.asarray(got, float)
    mine = mine[:, 0] if mine.shape == wanted.shape else np.zeros(0)
    title = f"The first weight's moves (rate {inputs[1]:g})"
    return sketch.lines(title, "step", "move", wanted[:, 0], mine)


ADAM_STEP = Exercise(
    name="09-adam",
    task="how far Adam moves the weights in each step, (T, N)",
    starter=adam_step_starter,
    reference=adam_step,
    cases=(
        (np.array([[4.0], [1.0], [-2.0]]), 0.5),
        (np.array([[1.0, 0.0], [1.0, 3.0], [-1.0, 0.0]]), 0.1),
        (np.array([[0.01, 100.0]]), 1.0),
    ),
    generate=_adam_inputs,
    valid=_are_met,
    misconceptions=(
        Misconception(
            "no correction",
            _adam_mistake(corrected=(False, False)),
            "Your means are not corrected for their start at 0. The first step is then 0.1 / "
            "sqrt(0.001) = 3.2 times too long.",
        ),
        Misconception(
            "only m corrected",
            _adam_mistake(corrected=(True, False)),
            "You corrected m and not v: v begins at 0 too, and is a thousandth of the square of "
            "the first gradient.",
        ),
        Misconception(
            "only v corrected",
            _adam_mistake(corrected=(False, True)),
            "You corrected v and not m: after one step m is a tenth of the gradient.",
        ),
        Misconception(
            "steps from 2",
            _adam_mistake(late=1),
            "Your t is one too high: in the first step it is 1.",
        ),
        Misconception(
            "steps from 0",
            _adam_mistake(late=-1),
            "Your t is one too low: in the first step it is 1. At 0 both corrections divide by 0. "
            "`enumerate(gradients, start=1)` counts so.",
        ),
        Misconception(
            "corrected means kept",
            _adam_mistake(kept=True),
            "You carry the *corrected* means on into the next step, and there they are corrected "
            "again. Keep m and v as they are, and give the corrected ones other names.",
        ),
        Misconception(
            "1e-7 within the root",
            _adam_mistake(inside=True),
            "1e-7 is added to the root, not to what is under it. (In RMSProp as Keras has it, it "
            "is.)",
        ),
        Misconception(
            "betas swapped",
            _adam_mistake(betas=(BETA_2, BETA_1)),
            "You swapped 0.9 and 0.999: the mean of the gradients is the one that forgets faster.",
        ),
        Misconception(
            "the gradient itself",
            _adam_mistake(plain=True),
            "Above the line you have the gradient, not its running mean: that is RMSProp, "
            "corrected.",
        ),
        Misconception(
            "no root",
            _adam_mistake(rooted=False),
            "Below the line the root is missing. v is a mean of *squares*.",
        ),
        Misconception(
            "uphill",
            _adam_mistake(uphill=True),
            "You go up. The gradient points uphill, so the change of the weights is against it.",
        ),
        Misconception(
            "places",
            _adam_places,
            "Those are the sums of the moves so far. Wanted is each step's own move.",
        ),
    ),
    alternatives=(_adam_by_weights, _adam_in_the_rate),
    hints=(
        "After one step m is a tenth of the gradient. By what must it be divided to be all of it? "
        "And after two steps?",
        "`for t, g in enumerate(gradients, start=1):` bring `m` and `v` up to date, then "
        "`m / (1 - 0.9**t)` and `v / (1 - 0.999**t)`. Keep `m` and `v` themselves uncorrected.",
        "`moves.append(-rate * mean / (np.sqrt(square) + 1e-7))`.",
    ),
    praise="Look at the first row: whatever the gradient's size, the first step is the rate.",
    onward="If all gradients were a thousand times larger, what would change?",
    draw=_draw_adam,
    alt="The moves of the first weight, step by step: wanted, and yours dashed.",
)


# -- a gradient cut to length --------------------------------------------------------------------


def clip_starter(kernel: Floats, bias: Floats, limit: float) -> tuple[Floats, Floats]:
    """The gradients of a kernel (N, M) and a bias (M,), together no longer than `limit`.

    Their length is that of one vector of all their numbers. Where it is above `limit`, both are
    multiplied by one factor, so that the length is `limit`; the direction stays. Otherwise both
    come back as they are.
    """
    return ...  # type: ignore[return-value]


def clip(kernel: Floats, bias: Floats, limit: float) -> tuple[Floats, Floats]:
    """The gradients of a kernel (N, M) and a bias (M,), together no longer than `limit`."""
    # |g| = sqrt(sum over all weights of g^2)
    norm = np.sqrt((kernel**2).sum() + (bias**2).sum())
    # g = g c / max(|g|, c)
    factor = limit / max(norm, limit)
    return kernel * factor, bias * factor


def _clip_by_norms(kernel: Floats, bias: Floats, limit: float) -> Any:
    length = np.hypot(np.linalg.norm(kernel), np.linalg.norm(bias))
    if length <= limit:
        return kernel, bias
    return [kernel / length * limit, bias / length * limit]


def _clip_flat(kernel: Floats, bias: Floats, limit: float) -> Any:
    flat = np.concatenate([kernel.ravel(), bias])
    flat = flat * min(1.0, limit / (math.sqrt(flat @ flat) or limit))
    return flat[: kernel.size].reshape(kernel.shape), flat[kernel.size :]


def _scaled(kernel: Floats, bias: Floats, limit: float, norm: Any) -> Any:
    factor = limit / max(float(norm), limit)
    return kernel * factor, bias * factor


def _clip_each(kernel: Floats, bias: Floats, limit: float) -> Any:
    return tuple(_scaled(a, a, limit, np.sqrt((a**2).sum()))[0] for a in (kernel, bias))


def _clip_values(kernel: Floats, bias: Floats, limit: float) -> Any:
    return np.clip(kernel, -limit, limit), np.clip(bias, -limit, limit)


def _clip_always(kernel: Floats, bias: Floats, limit: float) -> Any:
    norm = np.sqrt((kernel**2).sum() + (bias**2).sum())
    factor = limit / norm if norm else 1.0
    return kernel * factor, bias * factor


def _clip_sum_of_norms(kernel: Floats, bias: Floats, limit: float) -> Any:
    return _scaled(kernel, bias, limit, np.sqrt((kernel**2).sum()) + np.sqrt((bias**2).sum()))


def _clip_square(kernel: Floats, bias: Floats, limit: float) -> Any:
    return _scaled(kernel, bias, limit, (kernel**2).sum() + (bias**2).sum())


def _clip_largest(kernel: Floats, bias: Floats, limit: float) -> Any:
    return _scaled(kernel, bias, limit, max(np.abs(kernel).max(), np.abs(bias).max()))


def _clip_absolute(kernel: Floats, bias: Floats, limit: float) -> Any:
    return _scaled(kernel, bias, limit, np.abs(kernel).sum() + np.abs(bias).sum())


def _clip_kernel(kernel: Floats, bias: Floats, limit: float) -> Any:
    return _scaled(kernel, bias, limit, np.sqrt((kernel**2).sum()))


def _clip_to_1(kernel: Floats, bias: Floats, limit: float) -> Any:
    norm = np.sqrt((kernel**2).sum() + (bias**2).sum())
    factor = 1.0 if norm <= limit else 1 / norm
    return kernel * factor, bias * factor


def _clip_dropped(kernel: Floats, bias: Floats, limit: float) -> Any:
    norm = np.sqrt((kernel**2).sum() + (bias**2).sum())
    factor = 1.0 if norm <= limit else 0.0
    return kernel * factor, bias * factor


def _clip_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = tuple(int(n) for n in rng.integers(1, 4, 2))
    kernel = rng.integers(-5, 6, shape).astype(float)
    return kernel, rng.integers(-5, 6, shape[1]).astype(float), float(rng.choice([1, 2, 5, 20]))


def _are_gradients(kernel: Floats, bias: Floats, limit: float) -> bool:
    if kernel.ndim != 2 or not kernel.size or bias.shape != kernel.shape[1:]:
        return False
    return bool(np.isfinite(kernel).all() and np.isfinite(bias).all() and 0.1 <= limit <= 100)


def _draw_clip(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    def flat(pair: Any) -> Floats:
        return np.concatenate([np.ravel(np.asarray(part, float)) for part in pair])

    given, mine = flat(inputs[:2]), flat(got)
    length = float(np.linalg.norm(given))
    title = f"All numbers of both; as given, of length {length:.3g} (limit {inputs[2]:g})"
    return sketch.lines(title, "number", "gradient", flat(wanted), mine, given=given)


CLIP = Exercise(
    name="09-clip",
    task="the gradients of a kernel and a bias, together no longer than `limit`",
    starter=clip_starter,
    reference=clip,
    cases=(
        (np.array([[3.0], [0.0]]), np.array([4.0]), 1.0),
        (np.array([[1.0, -1.0]]), np.array([1.0, 1.0]), 5.0),
        (np.array([[6.0, 0.0], [0.0, -3.0]]), np.array([2.0, 0.0]), 2.0),
        (np.array([[0.0]]), np.array([0.0]), 1.0),
    ),
    generate=_clip_inputs,
    valid=_are_gradients,
    misconceptions=(
        Misconception(
            "each by itself",
            _clip_each,
            "You cut each to length by itself. Then the bias may become longer beside the kernel "
            "than it was: the direction turns. One length of both, one factor for both.",
        ),
        Misconception(
            "number by number",
            _clip_values,
            "You limit each number. That turns the gradient: large parts are cut, small ones stay.",
        ),
        Misconception(
            "always that long",
            _clip_always,
            "A gradient that is short enough comes back as it is. Yours becomes longer.",
        ),
        Misconception(
            "lengths added",
            _clip_sum_of_norms,
            "You added the two lengths. The length of all is the root of the sum of all squares.",
        ),
        Misconception(
            "no root",
            _clip_square,
            "The root is missing: that is the square of the length.",
        ),
        Misconception(
            "the largest number",
            _clip_largest,
            "You measure by the largest number. The length is the root of the sum of all squares.",
        ),
        Misconception(
            "absolute values",
            _clip_absolute,
            "You added absolute values. The length is the root of the sum of the squares.",
        ),
        Misconception(
            "the kernel's length",
            _clip_kernel,
            "You measured the kernel alone. The bias belongs to the length, too.",
        ),
        Misconception(
            "cut to 1",
            _clip_to_1,
            "You cut what is too long to length 1. It shall be as long as `limit`.",
        ),
        Misconception(
            "thrown away",
            _clip_dropped,
            "A gradient that is too long is shortened, not thrown away: its direction is worth "
            "something.",
        ),
    ),
    alternatives=(_clip_by_norms, _clip_flat),
    hints=(
        "Write all numbers of both one behind the other: how long is that vector? By which factor "
        "must it be multiplied, and when by none?",
        "`norm = np.sqrt((kernel**2).sum() + (bias**2).sum())`. The factor is `limit / norm`, and "
        "1 where the norm is within the limit.",
        "`factor = limit / max(norm, limit)`; give back `kernel * factor, bias * factor`.",
    ),
    praise="The direction is kept: a clipped step goes where the gradient points, only less far.",
    onward="What does it do with a gradient that is NaN? What should it do?",
    draw=_draw_clip,
    alt="All numbers of kernel and bias: as given as crosses, wanted, and yours dashed.",
)


# -- a schedule ----------------------------------------------------------------------------------


def schedule_starter(steps: int, warmup: int, peak: float) -> Floats:
    """The learning rate of each step: (steps,), warmed up and then down along half a cosine.

    In the first `warmup` steps the rate rises in a straight line: `peak / warmup` in the first
    step, `peak` in the last of them. In each of the others the share that is done of what comes
    after the warm-up, s, goes from 0 in the first of them, by 1 / (steps - warmup) a step, and the
    rate is `peak` times (1 + cos(pi s)) / 2. `warmup` is at least 1 and less than `steps`.
    """
    return ...  # type: ignore[return-value]


def schedule(steps: int, warmup: int, peak: float) -> Floats:
    """The learning rate of each step: (steps,), warmed up and then down along half a cosine."""
    step = np.arange(steps)
    rising = peak * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    # a_s = a (1 + cos(pi s)) / 2
    falling = peak * (1 + np.cos(np.pi * done)) / 2
    return np.where(step < warmup, rising, falling)


def _schedule_by_loop(steps: int, warmup: int, peak: float) -> Any:
    rates = []
    for step in range(steps):
        if step < warmup:
            rates.append(peak * (step + 1) / warmup)
        else:
            rates.append(peak * math.cos(math.pi / 2 * (step - warmup) / (steps - warmup)) ** 2)
    return rates


def _schedule_in_parts(steps: int, warmup: int, peak: float) -> Any:
    up = np.linspace(peak / warmup, peak, warmup)
    angles = np.linspace(0, np.pi, steps - warmup, endpoint=False)
    return np.concatenate([up, peak / 2 + peak / 2 * np.cos(angles)])


def _schedule(
    steps: int,
    warmup: int,
    peak: float,
    *,
    first: int = 1,
    whole: bool = False,
    to_end: bool = False,
    early: int = 0,
    shape: str = "half",
    warm: bool = True,
) -> Floats:
    """The schedule, with one of the mistakes that are known."""
    step = np.arange(steps)
    done = step / steps if whole else (step - warmup + early) / max(steps - warmup - to_end, 1)
    falling = {
        "half": peak * (1 + np.cos(np.pi * done)) / 2,
        "full": peak * np.cos(np.pi * done),
        "quarter": peak * np.cos(np.pi / 2 * done),
        "doubled": peak * (1 + np.cos(np.pi * done)),
        "line": peak * (1 - done),
        "turns": peak * (1 + np.cos(2 * np.pi * done)) / 2,
    }[shape]
    rising = peak * (step + first) / warmup if warm else np.full(steps, peak)
    return np.where(step < warmup, rising, falling)


def _schedule_mistake(**options: Any) -> Any:
    def mistaken(steps: int, warmup: int, peak: float) -> Floats:
        return _schedule(steps, warmup, peak, **options)

    return mistaken


def _schedule_shares(steps: int, warmup: int, peak: float) -> Any:
    return schedule(steps, warmup, 1.0)


def _schedule_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    warmup = int(rng.integers(1, 5))
    return warmup + int(rng.integers(2, 9)), warmup, float(rng.choice([0.1, 0.5, 2.0]))


def _is_schedule(steps: int, warmup: int, peak: float) -> bool:
    whole = all(isinstance(n, (int, np.integer)) for n in (steps, warmup))
    return bool(whole and 1 <= warmup < steps <= 50 and 0 < peak <= 10)


def _draw_schedule(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    title = f"The rate of {inputs[0]} steps, {inputs[1]} of them warm-up"
    return sketch.lines(title, "step", "learning rate", wanted, got)


SCHEDULE = Exercise(
    name="09-schedule",
    task="the learning rate of each step, (steps,)",
    starter=schedule_starter,
    reference=schedule,
    cases=((6, 2, 0.5), (5, 1, 0.1), (9, 4, 2.0), (4, 3, 0.1)),
    generate=_schedule_inputs,
    valid=_is_schedule,
    misconceptions=(
        Misconception(
            "a first step of 0",
            _schedule_mistake(first=0),
            "Your first rate is 0: a step that costs a gradient and goes nowhere. It begins at "
            "`peak / warmup`.",
        ),
        Misconception(
            "no warm-up",
            _schedule_mistake(warm=False),
            "The first steps have the full rate already. They rise towards it.",
        ),
        Misconception(
            "the whole training",
            _schedule_mistake(whole=True),
            "Your cosine runs over all steps, so it has come down a little when the warm-up ends. "
            "s counts from the end of the warm-up.",
        ),
        Misconception(
            "down to 0 in the last step",
            _schedule_mistake(to_end=True),
            "Your last rate is 0: a step that costs a gradient and goes nowhere. s grows by "
            "1 / (steps - warmup) a step and does not reach 1.",
        ),
        Misconception(
            "a step ahead",
            _schedule_mistake(early=1),
            "Your s is a step ahead. In the first step after the warm-up, step `warmup`, it is 0; "
            "so it does not reach 1, and the last rate is not 0.",
        ),
        Misconception(
            "a bare cosine",
            _schedule_mistake(shape="full"),
            "A cosine goes from 1 to -1: your rates become negative, and steps go uphill. Add 1 "
            "and halve it.",
        ),
        Misconception(
            "a quarter of a turn",
            _schedule_mistake(shape="quarter"),
            "That is the first quarter of a cosine: it ends steeply. Half a turn from 1 to -1, "
            "plus 1, halved, is flat at both ends.",
        ),
        Misconception(
            "not halved",
            _schedule_mistake(shape="doubled"),
            "1 + cos begins at 2: your rate jumps to twice the peak. Halve it.",
        ),
        Misconception(
            "a straight line",
            _schedule_mistake(shape="line"),
            "You come down in a straight line. It is half a cosine: slow at both ends.",
        ),
        Misconception(
            "a whole turn",
            _schedule_mistake(shape="turns"),
            "Your cosine makes a whole turn and rises again: cos(pi s), not cos(2 pi s).",
        ),
        Misconception(
            "shares",
            _schedule_shares,
            "Those are shares of the peak. Multiply by `peak`.",
        ),
    ),
    alternatives=(_schedule_by_loop, _schedule_in_parts),
    hints=(
        "Two parts. What is the rate in the first step, and in the last one of the warm-up? How "
        "much of the rest is done in step `warmup`?",
        "Rising: `peak * (step + 1) / warmup`. Falling: with `s = (step - warmup) / (steps - "
        "warmup)`, `peak * (1 + np.cos(np.pi * s)) / 2`.",
        "`step = np.arange(steps)`, and `np.where(step < warmup, rising, falling)`.",
    ),
    praise="Long steps while there is far to go, short ones where the noise of batches counts.",
    onward="A schedule must know when the training ends. What if you do not?",
    draw=_draw_schedule,
    alt="The learning rate over the steps: wanted, and yours dashed.",
)


# -- a rate from a range test --------------------------------------------------------------------


def pick_rate_starter(rates: Floats, losses: Floats, memory: float) -> float:
    """A rate for a training, from a range test: a tenth of the one where the loss was lowest.

    `rates` (K,) rise, and `losses` (K,) are those of one batch at each of them, noisy. So they are
    smoothed first: s = memory * s + (1 - memory) * loss, from 0; after k of them (k = 1, 2, ...) it
    is divided by 1 - memory^k, for it began at 0. Where this is lowest, the rate has become too
    high; a tenth of that one is safe.
    """
    return ...  # type: ignore[return-value]


def pick_rate(rates: Floats, losses: Floats, memory: float) -> float:
    """A rate for a training, from a range test: a tenth of the one where the loss was lowest."""
    average, smooth = 0.0, []
    for k, loss in enumerate(losses, start=1):
        # s = b s + (1 - b) L, corrected for its start at 0
        average = memory * average + (1 - memory) * loss
        smooth.append(average / (1 - memory**k))
    return float(rates[np.argmin(smooth)] / 10)


def _pick_by_sums(rates: Floats, losses: Floats, memory: float) -> Any:
    smooth = []
    for k in range(1, len(losses) + 1):
        shares = memory ** np.arange(k)[::-1]
        smooth.append(shares @ losses[:k] / shares.sum())
    return 0.1 * rates[int(np.argmin(smooth))]


def _pick_by_table(rates: Floats, losses: Floats, memory: float) -> Any:
    age = np.arange(len(losses))[:, None] - np.arange(len(losses))
    shares = np.where(age >= 0, memory ** np.maximum(age, 0.0), 0.0)
    return float(rates[(shares @ losses / shares.sum(1)).argmin()]) / 10


def _smooth(losses: Floats, memory: float, corrected: bool = True) -> Floats:
    average, found = 0.0, []
    for k, loss in enumerate(losses, start=1):
        average = memory * average + (1 - memory) * float(loss)
        found.append(average / (1 - memory**k) if corrected else average)
    return np.array(found)


def _pick_raw(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[losses.argmin()] / 10)


def _pick_uncorrected(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[_smooth(losses, memory, corrected=False).argmin()] / 10)


def _pick_from_first(rates: Floats, losses: Floats, memory: float) -> Any:
    average, found = float(losses[0]), []
    for loss in losses:
        average = memory * average + (1 - memory) * float(loss)
        found.append(average)
    return float(rates[np.argmin(found)] / 10)


def _pick_kept(rates: Floats, losses: Floats, memory: float) -> Any:
    average, found = 0.0, []
    for k, loss in enumerate(losses, start=1):
        average = (memory * average + (1 - memory) * float(loss)) / (1 - memory**k)
        found.append(average)
    return float(rates[np.argmin(found)] / 10)


def _pick_steepest(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[np.diff(_smooth(losses, memory)).argmin()] / 10)


def _pick_steepest_end(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[1 + np.diff(_smooth(losses, memory)).argmin()] / 10)


def _pick_edge(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[_smooth(losses, memory).argmin()])


def _pick_highest(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[-1] / 10)


def _pick_loss(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(_smooth(losses, memory).min())


def _pick_place(rates: Floats, losses: Floats, memory: float) -> Any:
    return int(_smooth(losses, memory).argmin())


def _pick_swapped(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[_smooth(losses, 1 - memory).argmin()] / 10)


def _pick_worst(rates: Floats, losses: Floats, memory: float) -> Any:
    return float(rates[_smooth(losses, memory).argmax()] / 10)


def _pick_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(5, 12))
    rates = np.logspace(-4, 1, count)
    lowest = int(rng.integers(2, count))
    losses = np.where(np.arange(count) <= lowest, 6.0 - np.arange(count), 8.0)
    losses = np.maximum(losses, 1) + rng.integers(-15, 16, count) / 10
    return rates, losses, float(rng.choice([0.6, 0.75, 0.8]))


def _is_range(rates: Floats, losses: Floats, memory: float) -> bool:
    if rates.ndim != 1 or rates.shape != losses.shape or len(rates) < 2:
        return False
    if not (np.isfinite(losses).all() and (rates > 0).all() and (np.diff(rates) > 0).all()):
        return False
    if not 0.5 < memory < 0.95:
        return False
    lowest = np.sort(_smooth(losses, memory))
    return bool(lowest[1] - lowest[0] > 1e-6)


def _draw_pick(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    rates, losses, memory = inputs
    fig, ax = plots.figure(title=f"Wanted: {float(wanted):.3g}", width=5, height=2.8)
    with plots.style():
        ax.plot(rates, losses, "x", color="#777777", label="given", markersize=7)
        ax.plot(rates, _smooth(losses, memory), "o-", color=plots.COLORS[2], label="smoothed")
        ax.axvline(10 * float(wanted), color=plots.COLORS[2], label="lowest")
        mine = float(got)
        if np.isfinite(mine) and mine > 0:
            ax.axvline(10 * mine, color=plots.COLORS[1], linestyle="--", label="10 x yours")
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
        ax.legend(fontsize=8.5)
    return fig


PICK_RATE = Exercise(
    name="09-range-test",
    task="a tenth of the rate at which the smoothed loss was lowest",
    starter=pick_rate_starter,
    reference=pick_rate,
    cases=(
        (
            np.array([0.001, 0.01, 0.1, 1.0, 10.0]),
            np.array([4.0, 3.0, 1.0, 1.5, 9.0]),
            0.6,
        ),
        (
            np.array([0.001, 0.01, 0.1, 1.0, 10.0]),
            np.array([5.0, 1.0, 4.0, 2.0, 9.0]),
            0.75,
        ),
        (np.array([0.1, 1.0, 10.0]), np.array([3.0, 2.0, 1.0]), 0.8),
    ),
    generate=_pick_inputs,
    valid=_is_range,
    misconceptions=(
        Misconception(
            "not smoothed",
            _pick_raw,
            "You took the lowest of the losses themselves. One lucky batch decides that: smooth "
            "them first.",
        ),
        Misconception(
            "not corrected",
            _pick_uncorrected,
            "Your average begins at 0 and is not corrected for it: the first values are far too "
            "low. Divide by 1 - memory^k.",
        ),
        Misconception(
            "begun at the first loss",
            _pick_from_first,
            "Your average begins at the first loss, which then counts more than the others. It "
            "begins at 0 and is divided by 1 - memory^k.",
        ),
        Misconception(
            "corrected average kept",
            _pick_kept,
            "You carry the *corrected* average on, and it is corrected again. Keep s as it is, and "
            "put s / (1 - memory^k) into the list.",
        ),
        Misconception(
            "where it falls fastest",
            _pick_steepest,
            "You took the place where the smoothed loss *falls fastest*. Wanted is the one where "
            "it is lowest.",
            variants=(_pick_steepest_end,),
        ),
        Misconception(
            "at the edge",
            _pick_edge,
            "That is the rate where the loss was lowest: one more, and it is too high. Take a "
            "tenth of it.",
        ),
        Misconception(
            "the highest rate",
            _pick_highest,
            "You took a tenth of the highest rate that was tried. Look where the loss was lowest.",
        ),
        Misconception(
            "a loss",
            _pick_loss,
            "That is the lowest smoothed *loss*. Wanted is a rate: a tenth of the one there.",
        ),
        Misconception(
            "a place",
            _pick_place,
            "That is a place in the array. Look up the rate there, and take a tenth of it.",
        ),
        Misconception(
            "memory swapped",
            _pick_swapped,
            "You give the new loss the weight `memory`. It is the old average that keeps it.",
        ),
        Misconception(
            "the highest loss",
            _pick_worst,
            "You took the place where the smoothed loss is *highest*.",
        ),
    ),
    alternatives=(_pick_by_sums, _pick_by_table),
    hints=(
        "First the noise, then the place. How much of the loss is in your average after one batch, "
        "and what must it be divided by?",
        "`s = memory * s + (1 - memory) * loss`, and keep `s / (1 - memory**k)` in a list, with k "
        "from 1 on.",
        "`rates[np.argmin(smooth)] / 10`.",
    ),
    praise="A hundred batches instead of a dozen trainings: that is what a range test is for.",
    onward="It knows the first steps alone. What could it get wrong about the last ones?",
    draw=_draw_pick,
    alt="Losses over rates as crosses, the smoothed loss, its lowest place, and yours dashed.",
)


EXERCISES = (CENTRAL_SLOPE, MOMENTUM, ADAM_STEP, CLIP, SCHEDULE, PICK_RATE)
