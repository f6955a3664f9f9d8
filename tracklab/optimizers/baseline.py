"""A Keras optimizer on a network's problem, as fast as it goes: what second order is held against.

Many steps run inside one compiled function, so that nothing but the mathematics costs time; the
loss of all examples, by which methods are compared, is measured apart from the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.optimizers.networks import NetworkLoss
from tracklab.optimizers.results import Callback, Limits, Result, Run
from tracklab.quiet import tf

EVERY = 20  # steps between two rows


def first_order(
    problem: NetworkLoss,
    optimizer: Any,
    start: ArrayLike | None = None,
    *,
    batch_loss: Callable[[Any, Any], Any] | None = None,
    examples: int = 0,
    batch_size: int = 0,
    schedule: Callable[[float], float] | None = None,
    every: int = EVERY,
    seed: int = 0,
    name: str = "",
    limits: Limits | None = None,
    callback: Callback | None = None,
) -> Result:
    """Train by a Keras optimizer; a row each `every` steps.

    batch_loss: `loss(model, which)` of the examples `which (batch_size,)`, drawn anew in each step
        out of so many; each counts as `batch_size / examples` of a gradient. The problem's own loss
        in each step, if None.
    schedule: of the optimizer's rate, by progress, the share of the limit that is used up (of
        steps, seconds or CPU seconds, whichever is most).

    The network has the weights afterwards that it had before. What is compiled has been so before
    the clock starts.
    """
    if batch_loss is not None and not 0 < batch_size <= examples:
        errors.bad("batch_size", batch_size, f"1 to {examples} examples")
    errors.number("every", every, low=1, whole=True)
    limits = limits or Limits()
    variables, before = problem.variables, problem.weights()
    rate = float(optimizer.learning_rate.numpy())
    share = batch_size / examples if batch_loss is not None else 1.0
    draws = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))

    def loss_now(which: Any) -> Any:
        model = problem.model
        return problem._given(model) if batch_loss is None else batch_loss(model, which)

    @tf.function
    def several(batches: Any) -> None:
        for which in batches:
            with tf.GradientTape() as tape:
                loss = loss_now(which)
            optimizer.apply(tape.gradient(loss, variables), variables)

    def batches(count: int) -> Any:
        shape = (count, max(batch_size, 1))
        return tf.constant(draws.integers(0, max(examples, 1), shape), tf.int32)

    optimizer.build(variables)
    states = [tf.identity(v.value) for v in optimizer.variables]
    several(batches(every))
    for variable, state in zip(optimizer.variables, states, strict=True):
        variable.assign(state)
    problem._value_and_gradient(problem.start)
    run = Run(name or optimizer.name, problem, limits, callback)
    x, done = run.start(start), 0
    problem.assign(x)
    try:
        while True:
            with run.apart():
                x = problem.weights()
                loss, gradient = problem._value_and_gradient(x)
                loss, gradient = float(loss), np.asarray(gradient, np.float64)
                norm = np.nan_to_num(gradient, nan=np.inf)
            if run.ends(x, loss, norm, gradients=share * done, step=float(done)):
                return run.end()
            if schedule is not None:
                with run.apart():
                    optimizer.learning_rate.assign(rate * schedule(run.progress))
            count = min(every, limits.steps - done)
            several(batches(every) if count == every else batches(count))
            done += count
    finally:
        problem.assign(before)
        optimizer.learning_rate.assign(rate)
