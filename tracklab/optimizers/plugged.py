"""The written-out methods in a real training: `plugged("adam", 1e-3)` is an optimizer for `fit`.

Nothing is computed here: Keras holds the variables, the method changes them. What a method
remembers is in the optimizer's variables, so checkpoints hold it and a resumed run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracklab import errors
from tracklab.optimizers import clipping, first_order
from tracklab.optimizers.clipping import Clip
from tracklab.quiet import keras, tf


class Plugged(keras.optimizers.Optimizer):
    """A Keras optimizer whose step is one of `first_order.METHODS`; see `plugged`."""

    def __init__(
        self, method: first_order.Method, rate: float, clip: Clip | None, options: dict[str, Any]
    ) -> None:
        super().__init__(learning_rate=rate, name=method.name)
        self.method, self.clip, self.options = method, clip, options
        self._remembered: list[list[Any]] = []

    def build(self, variables: Sequence[Any]) -> None:
        """Make what the method remembers of each variable."""
        if self.built:
            return
        super().build(variables)
        self._remembered = [
            self.add_optimizer_variables(
                variables, f"state_{k}", initializer=keras.initializers.Constant(value)
            )
            for k, value in enumerate(self.method.state)
        ]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Clip all gradients, then take a step with each variable."""
        if self.clip is not None:
            # what a loss does not depend on has no gradient
            clipped = iter(self.clip([g for g in grads if g is not None]))
            grads = [None if g is None else next(clipped) for g in grads]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of the method with one variable."""
        place = self._get_variable_index(variable)
        remembered = [each[place] for each in self._remembered]
        weights, state = self.method.step(
            tf.convert_to_tensor(variable),
            tf.convert_to_tensor(gradient),
            tuple(tf.convert_to_tensor(each) for each in remembered),
            tf.cast(learning_rate, variable.dtype),
            tf.cast(self.iterations + 1, variable.dtype),
            **self.options,
        )
        self.assign(variable, weights)
        for each, value in zip(remembered, state, strict=True):
            self.assign(each, value)

    def get_config(self) -> dict[str, Any]:
        """The method's name, its rate and its options."""
        rate = float(self.learning_rate)
        return {"method": self.method.name, "rate": rate, "options": dict(self.options)}


def plugged(
    method: str, rate: float | None = None, *, clip: Clip | None = None, **options: float
) -> Plugged:
    """One of the seven methods as an optimizer for `training.fit`, or for Keras' own.

    method: one of `first_order.NAMES`. rate: Keras' default of that method if None. clip: what is
        done with the list of all gradients first, as `lambda g: clipping.by_global_norm(g, 1.0)`.
    options: of the method's function, `beta_1=0.8`, say.

    Raises `InputError` for another method, or an option that it has not.
    """
    known = first_order.method(method)
    for option in options:
        errors.choice(f"option of {method!r}", option, known.options)
    if clip is not None and not callable(clip):
        errors.bad("clip", clip, "a function of the list of gradients, or None")
    peak = known.rate if rate is None else float(errors.number("rate", rate, low=0))
    return Plugged(known, peak, clip, options)


def watched_step(model: Any, objective: Any, optimizer: Any, *, limit: float = 0.0) -> Any:
    """A step for `training.fit(train_step=...)` that also says how long the gradient was: "norm".

    limit: of that length, all weights together; longer gradients are shortened, "norm" says what
    they were before. 0 for no limit. Give `fit` the same optimizer.

    >>> from tracklab import motion
    >>> watched_step(motion.Network("rnn"), lambda model, batch: {}, plugged("sgd"), limit=-1)
    Traceback (most recent call last):
    tracklab.errors.InputError: limit: got -1, wanted a number of at least 0
    """
    limit = float(errors.number("limit", limit, low=0))
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step(batch: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            metrics = objective(model, batch)
        gradients = tape.gradient(metrics["loss"], variables, unconnected_gradients="zero")
        norm = clipping.global_norm(gradients)
        optimizer.apply(clipping.by_global_norm(gradients, limit) if limit else gradients)
        return {**metrics, "norm": norm}

    return step


def of_keras(method: str, rate: float | None = None, **options: Any) -> Any:
    """Keras' own optimizer that is this method: the reference that `plugged` is held against."""
    known = first_order.method(method)
    name, settings = known.keras
    peak = known.rate if rate is None else float(errors.number("rate", rate, low=0))
    return getattr(keras.optimizers, name)(peak, **(settings | options))
