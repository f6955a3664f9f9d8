"""Second derivatives of a loss in TensorFlow, without a matrix: Hessian times vector, both ways.

Here a loss is a function `loss(theta) -> number` of a flat tensor `(n,)`; `networks` makes one of a
network. Pearlmutter, "Fast exact multiplication by the Hessian" (1994): the product costs a few
gradients, whatever n.

Invariants: both ways give the same up to rounding, and the gradient's change along v, divided by
the way, tends to it: `differenced`. v . H w = w . H v.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.optimizers.problems import QUESTIONS, Problem
from tracklab.quiet import tf

Floats = NDArray[np.float64]
Loss = Callable[[Any], Any]

FORWARD, REVERSE = "forward over reverse", "reverse over reverse"
WAYS = (FORWARD, REVERSE)
STEP = 1e-4  # of a difference quotient, relative to the lengths of x and v
TIMINGS = 5


def gradient(loss: Loss, theta: Any) -> tuple[Any, Any]:
    """The loss and its gradient `(n,)`, by one pass forward and one back."""
    with tf.GradientTape() as tape:
        tape.watch(theta)
        value = loss(theta)
    return value, tape.gradient(value, theta, unconnected_gradients="zero")


def forward_over_reverse(loss: Loss, theta: Any, v: Any) -> Any:
    """H v as the directional derivative of the gradient, carried along while it is computed.

    Keeps no second record of the way, so it needs less memory. TensorFlow has it for no loops in a
    compiled function: unroll a recurrent network, or take the other way.
    """
    with tf.autodiff.ForwardAccumulator(theta, v) as along:
        # g(theta + e v) = g + e H v + ...
        _, slope = gradient(loss, theta)
    return along.jvp(slope, unconnected_gradients="zero")


def reverse_over_reverse(loss: Loss, theta: Any, v: Any) -> Any:
    """H v as the gradient of the number g . v."""
    with tf.GradientTape() as tape:
        tape.watch(theta)
        _, slope = gradient(loss, theta)
        # d(g . v) / dtheta = H v, as v does not depend on theta
        along = tf.reduce_sum(slope * v)
    return tape.gradient(along, theta, unconnected_gradients="zero")


def differenced(slope: Callable[[Floats], Floats], x: Floats, v: Floats, step: float = STEP) -> Any:
    """H v by central differences of gradients, `(n,)`: the check of the two above.

    slope: `f(x) -> (n,)`. step: relative. Too large, and the third derivative is in it (error about
    step^2); too small, and rounding is (error about 1e-16 / step, or 1e-7 / step in float32).
    """
    errors.number("step", step, low=0)
    length = float(np.linalg.norm(v))
    if length == 0:
        return np.zeros_like(x)
    way = step * max(1.0, float(np.linalg.norm(x))) / length
    # (g(x + e v) - g(x - e v)) / 2 e
    return (slope(x + way * v) - slope(x - way * v)) / (2 * way)


def prices(
    problem: Problem,
    questions: tuple[str, ...] = ("values", "products"),
    *,
    x: Floats | None = None,
    timings: int = TIMINGS,
    seed: int = 0,
) -> dict[str, float]:
    """What questions cost on this machine, in gradients: CPU seconds over those of a gradient.

    questions: some of `problems.QUESTIONS`. The median of `timings` rounds in which every question
    is asked in turn, after one that is not counted, so that what compiles has done so.
    """
    for question in questions:
        errors.choice("question", question, QUESTIONS)
    errors.number("timings", timings, low=1, whole=True)
    at = problem.start if x is None else x
    v = np.random.default_rng(seed).standard_normal(problem.size)
    asked: Mapping[str, Callable[[], Any]] = {
        "values": lambda: problem._value(at),
        "gradients": lambda: problem._value_and_gradient(at),
        "products": lambda: problem._product(at, v),
        "hessians": lambda: problem._hessian(at),
        "jacobians": lambda: problem._residuals_and_jacobian(at),
    }
    took: dict[str, list[float]] = {name: [] for name in ("gradients", *questions)}
    for again in range(timings + 1):
        for name, times in took.items():
            begin = time.process_time()
            asked[name]()
            if again:
                times.append(time.process_time() - begin)
    medians = {name: float(np.median(times)) for name, times in took.items()}
    base = max(medians["gradients"], 1e-9)
    return {name: medians[name] / base for name in took}
