"""The compiled step of a training, the moving average of weights, and the forward pass.

Invariant: a step changes the variables of the model and of its optimizer, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf
from tracklab.training.batches import Batch

Array = NDArray[Any]
Metrics = Mapping[str, Any]
Loss = Callable[[Any, Any], Any]
Objective = Callable[[Any, Batch], Metrics]

EVALUATION_BATCH = 500


def objective_of(loss: str | Loss) -> Objective:
    """The objective of a network with one output: loss and, for classes, accuracy of a batch.

    loss: a Keras loss or its name, or any `loss(labels, outputs)` that returns a number or one an
        example. Batches are `(inputs, labels)`.
    """
    known = keras.losses.get(loss) if isinstance(loss, str) else loss
    if not callable(known):
        errors.bad("loss", loss, "a Keras loss, its name, or a function of labels and outputs")

    def objective(model: Any, batch: Batch) -> Metrics:
        inputs, labels = batch
        outputs = model(inputs, training=True)
        metrics = {"loss": tf.reduce_mean(known(labels, outputs))}
        hits = hits_of(labels, outputs)
        return metrics if hits is None else metrics | {"accuracy": tf.reduce_mean(hits)}

    return objective


def hits_of(labels: Any, outputs: Any) -> Any:
    """1.0 where the largest output is the label's class; None where labels are not classes."""
    if len(outputs.shape) < 2 or outputs.shape[-1] == 1:
        return None
    if len(labels.shape) == len(outputs.shape) - 1 and labels.dtype.is_integer:
        classes = tf.cast(labels, tf.int64)
    else:
        return None
    return tf.cast(tf.equal(tf.argmax(outputs, -1), classes), tf.float32)


def compiled_step(
    model: Any,
    objective: Objective,
    optimizer: Any,
    *,
    weight_decay: float = 0.0,
    jit: bool = False,
) -> Callable[[Batch], Metrics]:
    """One step of training as one compiled function: `step(batch) -> metrics`.

    objective: `objective(model, batch) -> metrics`, with the number to make small under "loss".
    weight_decay: decoupled decay of kernels (variables of two or more axes), in each step by the
        learning rate times this (Loshchilov and Hutter, "Decoupled weight decay", 2019, eq. 12).
    jit: compile with XLA too; rarely faster on a processor.
    """
    variables = model.trainable_variables
    kernels = [variable for variable in variables if len(variable.shape) >= 2]

    @tf.function(jit_compile=jit)
    def step(batch: Batch) -> Metrics:
        with tf.GradientTape() as tape:
            metrics = objective(model, batch)
            loss = metrics["loss"]
            if model.losses:
                loss = loss + tf.add_n(model.losses)
        gradients = tape.gradient(loss, variables)
        if weight_decay:
            for kernel in kernels:
                # theta = theta - rate * decay * theta
                kernel.assign_sub(optimizer.learning_rate * weight_decay * kernel)
        optimizer.apply(gradients, variables)
        return metrics

    return step


class Average:
    """An exponential moving average of a model's variables (Polyak and Juditsky, 1992).

    The decay grows with the steps to its final value, so that the first weights are soon forgotten.
    """

    def __init__(self, model: Any, decay: float) -> None:
        self.live = [v for v in model.variables if "float" in str(v.dtype)]
        self.variables = [tf.Variable(tf.identity(v), trainable=False) for v in self.live]
        self.decay = decay

        @tf.function(autograph=False)
        def follow(weight: Any) -> None:
            for average, live in zip(self.variables, self.live, strict=True):
                # a = a + (1 - d) (theta - a)
                average.assign_add(tf.cast(weight, average.dtype) * (live - average))

        self._follow = follow

    def follow(self, step: int) -> None:
        """Move the average towards the weights after step `step`, from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        self._follow(tf.constant(1 - decay, tf.float32))

    def swap(self) -> None:
        """The model gets the average, and the average the model."""
        for average, live in zip(self.variables, self.live, strict=True):
            kept = average.numpy()
            average.assign(live)
            live.assign(kept)


def evaluate(model: Any, inputs: Array, labels: Array, loss: str | Loss) -> dict[str, float]:
    """Mean loss and, for classes, accuracy of a model on `(N, ...)` inputs and labels."""
    return evaluator(model, inputs, labels, loss)()


def evaluator(
    model: Any, inputs: Array, labels: Array, loss: str | Loss
) -> Callable[[], dict[str, float]]:
    """A function that evaluates a model as it then is, compiled once.

    The loss gets the model's own outputs, as in training, and not a copy of their numbers: Keras
    remembers the logits behind a softmax, and a copy would lose them.
    """
    known = keras.losses.get(loss) if isinstance(loss, str) else loss

    def judge(images: Any, targets: Any) -> Any:
        outputs = model(images, training=False)
        hits = hits_of(targets, outputs)
        mean = tf.reduce_mean(known(targets, outputs))
        return mean, mean * np.nan if hits is None else tf.reduce_mean(hits)

    compiled = tf.function(judge).get_concrete_function(
        _any_number_of(inputs), _any_number_of(labels)
    )

    def run() -> dict[str, float]:
        sums = np.zeros(2)
        for start in range(0, len(inputs), EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            found = compiled(tf.convert_to_tensor(inputs[part]), tf.convert_to_tensor(labels[part]))
            sums += len(labels[part]) * np.array([float(value) for value in found])
        mean_loss, accuracy = (sums / len(labels)).tolist()
        return {"loss": mean_loss} | ({} if np.isnan(accuracy) else {"accuracy": accuracy})

    return run


def predict(model: Any, inputs: Array, *, batch_size: int = EVALUATION_BATCH) -> Array:
    """What a model puts out for `(N, ...)` inputs, in batches, not training: `(N, ...)`."""
    inputs = np.asarray(inputs)
    run = _forward(model, inputs)
    starts = range(0, len(inputs), batch_size)
    parts = [run(tf.convert_to_tensor(inputs[k : k + batch_size])).numpy() for k in starts]
    return np.concatenate(parts)


def _forward(model: Any, inputs: Array) -> Callable[[Any], Any]:
    """The model's forward pass for such inputs, kept with the model so that it is compiled once."""
    known = getattr(model, "_tracklab_forward", None)
    if known is None:
        known = {}
        object.__setattr__(model, "_tracklab_forward", known)
    key = (inputs.shape[1:], str(inputs.dtype))
    if key not in known:
        passed = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
        known[key] = passed.get_concrete_function(_any_number_of(inputs))
    return known[key]


def _any_number_of(examples: Array) -> Any:
    return tf.TensorSpec((None, *examples.shape[1:]), tf.as_dtype(examples.dtype))
