"""The compiled step of a training, the moving average of weights, and the forward pass.

Invariant: a step changes the variables of the model and of its optimizer, and nothing else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf
from tracklab.training.batches import Batch, as_examples

Array = NDArray[Any]
Metrics = Mapping[str, Any]
Loss = Callable[[Any, Any], Any]
Objective = Callable[..., Metrics]  # (model, batch), or (model, batch, seed)

EVALUATION_BATCH = 500
PENALTY = "penalty"
# What a step knows already, or what would be taken for a validation.
RESERVED = ("step", "epoch", "seconds", "cpu_seconds", "learning_rate", "validated")

# Operations whose state is inside TensorFlow, where no checkpoint can reach it.
STATEFUL_DRAWS = frozenset(
    {
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "RngReadAndSkip",
        "SampleDistortedBoundingBox",
        "SampleDistortedBoundingBoxV2",
        "TruncatedNormal",
    }
)


def objective_of(loss: str | Loss) -> Objective:
    """The objective of a network with one output: loss and, for classes, accuracy of a batch.

    loss: a Keras loss or its name, or any `loss(labels, outputs)` that returns a number or one an
        example. Batches are `(inputs, labels)`.
    """
    known = loss_of(loss)

    def objective(model: Any, batch: Batch) -> Metrics:
        inputs, labels = batch
        outputs = model(inputs, training=True)
        labels = as_classes(labels, outputs)
        metrics = {"loss": tf.reduce_mean(known(labels, outputs))}
        hits = hits_of(labels, outputs)
        return metrics if hits is None else metrics | {"accuracy": tf.reduce_mean(hits)}

    return objective


def loss_of(loss: str | Loss) -> Loss:
    """A loss by itself or by its name in Keras. Raises `InputError` for what is neither."""
    try:
        known = keras.losses.get(loss) if isinstance(loss, str) else loss
    except ValueError:
        known = None
    if not callable(known):
        errors.bad("loss", loss, "a Keras loss, its name, or a function of labels and outputs")
    return known


def as_classes(labels: Any, outputs: Any) -> Any:
    """Class numbers `(N, 1)` as `(N,)`, as files hold them; all other labels as they are.

    Labels of one axis too many would broadcast against the losses `(N,)` of the examples.
    """
    if not hasattr(outputs, "shape") or not labels.dtype.is_integer:
        return labels
    column = len(labels.shape) == len(outputs.shape) == 2 and labels.shape[-1] == 1
    return tf.squeeze(labels, -1) if column and outputs.shape[-1] != 1 else labels


def hits_of(labels: Any, outputs: Any) -> Any:
    """1.0 where the largest output is the label's class; None where labels are not classes."""
    if not hasattr(outputs, "shape") or len(outputs.shape) < 2 or outputs.shape[-1] == 1:
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
    repeatable: bool = False,
) -> Callable[[Batch], Metrics]:
    """One step of training as one compiled function: `step(batch) -> metrics`.

    objective: `objective(model, batch) -> metrics`, numbers by name, with the one to make small
        under "loss". The penalties of the model's regularizers are added to it for the gradients,
        and reported beside it as "penalty".
    weight_decay: decoupled decay of kernels (variables of two or more axes), in each step by the
        learning rate times this (Loshchilov and Hutter, "Decoupled weight decay", 2019, eq. 12).
    jit: compile with XLA too; rarely faster on a processor.
    repeatable: refuse draws of `tf.random` that keep a state of their own.

    Compiled once for each set of shapes that comes. Raises `InputError`, when it is compiled, for
    metrics that are not numbers by name, and for draws that are refused.
    """
    variables = model.trainable_variables
    kernels = [variable for variable in variables if len(variable.shape) >= 2]
    found: list[errors.InputError] = []

    @tf.function(jit_compile=jit)
    def step(batch: Batch) -> Metrics:
        with tf.GradientTape() as tape:
            metrics = objective(model, batch)
            _remember_fault(metrics, found)
            loss = metrics["loss"]
            if model.losses:
                penalty = tf.add_n(model.losses)
                loss = loss + penalty
                metrics = {PENALTY: penalty, **metrics}
        gradients = tape.gradient(loss, variables)
        if weight_decay:
            for kernel in kernels:
                # theta = theta - rate * decay * theta
                kernel.assign_sub(optimizer.learning_rate * weight_decay * kernel)
        optimizer.apply(gradients, variables)
        return metrics

    compiled: dict[Any, Any] = {}

    def run(batch: Batch) -> Metrics:
        batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
        key = tuple((tuple(part.shape), part.dtype) for part in tf.nest.flatten(batch))
        if key not in compiled:
            try:
                compiled[key] = step.get_concrete_function(batch)
            except Exception:
                # autograph wraps what is raised inside it into a text of its own
                if found:
                    raise found.pop() from None
                raise
            if repeatable:
                refuse_stateful_draws(compiled[key].graph)
        metrics: Metrics = compiled[key](batch)
        return metrics

    return run


@tf.autograph.experimental.do_not_convert
def _remember_fault(metrics: Any, found: list[errors.InputError]) -> None:
    try:
        check_metrics("objective", metrics)
        if "loss" not in metrics:
            came = errors.Said(f"metrics {sorted(metrics)}")
            errors.bad("objective", came, "the number to make small under 'loss'")
    except errors.InputError as fault:
        found.append(fault)
        raise


def check_metrics(whose: str, metrics: Any) -> None:
    """Raise `InputError` for what is not numbers by name, and for names that are taken."""
    wanted = "a dictionary of numbers by name, the total under 'loss'"
    if not isinstance(metrics, Mapping):
        errors.bad(whose, errors.kind(metrics), wanted)
    for name, value in metrics.items():
        if not isinstance(name, str) or name in RESERVED or name.startswith("val_"):
            errors.bad(whose, errors.Said(f"a metric named {name!r}"), "a name that is not taken")
        shape = getattr(value, "shape", ())
        if len(shape):
            came = errors.Said(f"{name!r} of shape {tuple(shape)}")
            errors.bad(whose, came, "single numbers; take their mean, say")
        if value is None or isinstance(value, str):
            errors.bad(whose, errors.Said(f"{name!r} as {value!r}"), wanted)


def refuse_stateful_draws(graph: Any) -> None:
    """Raise `InputError` where a graph draws numbers that a resumed run would not draw again."""
    written = graph.as_graph_def()
    nodes = [
        *written.node,
        *(node for inner in written.library.function for node in inner.node_def),
    ]
    draws = sorted({node.op for node in nodes} & STATEFUL_DRAWS)
    if draws:
        errors.bad(
            "objective",
            errors.Said(f"draws of tf.random with a hidden state ({', '.join(draws)})"),
            "with checkpoint=, objective(model, batch, seed) and tf.random.stateless_...(seed=seed)"
            ": no checkpoint holds the state of the others",
        )


def takes_seed(objective: Objective) -> bool:
    """Whether an objective has a third argument named `seed`."""
    try:
        return "seed" in inspect.signature(objective).parameters
    except (TypeError, ValueError):
        return False


def with_seed(objective: Objective) -> Objective:
    """An objective of batches as `batches.Seeded` gives them, from one that takes a seed."""

    def seeded(model: Any, batch: Batch) -> Metrics:
        return objective(model, batch[0], seed=batch[1])

    return seeded


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

        # Compiled here: TensorFlow counts the compilations of a line, and warns after a few models.
        self._follow = follow.get_concrete_function(tf.TensorSpec((), tf.float32))

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


def evaluate(model: Any, inputs: Any, labels: Array, loss: str | Loss) -> dict[str, float]:
    """Mean loss and, for classes, accuracy of a model on `(N, ...)` inputs and labels.

    inputs: an array, or a tuple or dictionary of arrays for a model of several inputs. Raises
    `InputError` for no examples, and labels of another length.
    """
    return evaluator(model, inputs, labels, loss)()


def evaluator(
    model: Any, inputs: Any, labels: Array, loss: str | Loss
) -> Callable[[], dict[str, float]]:
    """A function that evaluates a model as it then is, compiled once.

    The loss gets the model's own outputs, as in training, and not a copy of their numbers: Keras
    remembers the logits behind a softmax, and a copy would lose them.
    """
    known = loss_of(loss)
    inputs = _arrays(model, inputs)
    for part in tf.nest.flatten(inputs):
        labels = as_examples(part, labels)[1]

    def judge(images: Any, targets: Any) -> Any:
        outputs = model(images, training=False)
        targets = as_classes(targets, outputs)
        hits = hits_of(targets, outputs)
        mean = tf.reduce_mean(known(targets, outputs))
        return mean, mean * np.nan if hits is None else tf.reduce_mean(hits)

    compiled = tf.function(judge).get_concrete_function(
        tf.nest.map_structure(_any_number_of, inputs), _any_number_of(labels)
    )

    def run() -> dict[str, float]:
        sums = np.zeros(2)
        for start in range(0, len(labels), EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            found = compiled(_part(inputs, part), tf.convert_to_tensor(labels[part]))
            sums += len(labels[part]) * np.array([float(value) for value in found])
        mean_loss, accuracy = (sums / len(labels)).tolist()
        return {"loss": mean_loss} | ({} if np.isnan(accuracy) else {"accuracy": accuracy})

    return run


def predict(model: Any, inputs: Any, *, batch_size: int = EVALUATION_BATCH) -> Any:
    """What a model puts out for `(N, ...)` inputs, in batches, not training: `(N, ...)`.

    inputs: an array; for a model of several inputs a tuple or dictionary (for a functional model
        also a list) of arrays with the same N. A model of several outputs gives them in its own
        structure. N may be 0.

    Compiled once for a model's layers; a change inside a layer (another activation, say) is not
    seen. Raises `InputError` for inputs of different lengths.
    """
    size = int(errors.number("batch_size", batch_size, low=1, whole=True))
    inputs = _arrays(model, inputs)
    lengths = [len(part) if part.ndim else -1 for part in tf.nest.flatten(inputs)]
    if len(set(lengths)) != 1 or lengths[0] < 0:
        errors.bad("inputs", errors.Said(f"lengths {lengths}"), "arrays (N, ...) with the same N")
    run = _forward(model, inputs)
    starts = range(0, max(lengths[0], 1), size)
    parts = [run(_part(inputs, slice(k, k + size))) for k in starts]
    return tf.nest.map_structure(
        lambda *of_one: np.concatenate([part.numpy() for part in of_one]), *parts
    )


def _arrays(model: Any, inputs: Any) -> Any:
    """Inputs as one array or, for a model that has several, as a structure of arrays."""
    count = len(getattr(model, "inputs", None) or ())
    several = isinstance(inputs, Mapping) or (
        count != 1 and isinstance(inputs, (tuple, list) if count else tuple)
    )
    return tf.nest.map_structure(np.asarray, inputs) if several else np.asarray(inputs)


def _part(inputs: Any, part: slice) -> Any:
    return tf.nest.map_structure(lambda array: tf.convert_to_tensor(array[part]), inputs)


def _forward(model: Any, inputs: Any) -> Callable[[Any], Any]:
    """The model's forward pass for such inputs, kept with the model so that it is compiled once."""
    # By identity, and kept: a layer that is added or replaced makes a compiled pass stale.
    whole = (*getattr(model, "_flatten_layers", tuple)(), *getattr(model, "variables", ()))
    known = getattr(model, "_tracklab_forward", None)
    if known is None or [*map(id, known[0])] != [*map(id, whole)]:
        known = (whole, {})
        object.__setattr__(model, "_tracklab_forward", known)
    specs = tf.nest.map_structure(_any_number_of, inputs)
    key = repr(specs)
    compiled: dict[str, Callable[[Any], Any]] = known[1]
    if key not in compiled:
        passed = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
        compiled[key] = passed.get_concrete_function(specs)
    return compiled[key]


def _any_number_of(examples: Array) -> Any:
    return tf.TensorSpec((None, *examples.shape[1:]), tf.as_dtype(examples.dtype))
