"""One way to train: every network of the course goes through `fit`.

`fit(model, data, loss=..., steps=...)` builds one compiled step for you. A network whose loss has
several parts gives an `objective(model, batch) -> metrics`; one that needs a step of its own gives
a `train_step(batch) -> metrics`. Seeds, learning-rate schedule, validation, averaging, early stop,
progress and checkpoints are the same for all.

Data is a function of the step: batch number k is always the same batch, whatever came before. A
learning rate is a function of progress, the fraction of the training that is done. So training has
no hidden state but the variables of the model and its optimizer.

Invariant: a run that is interrupted and resumed from its checkpoint ends with the same bits as one
that was not, on the same machine, as long as its budget is counted in steps.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf

Array = NDArray[Any]
Batch = tuple[Any, ...]
Metrics = Mapping[str, Any]
Schedule = Callable[[float], float]

EPOCH = "epoch"
SECONDS_BETWEEN_SAVES = 30.0
SECONDS_BETWEEN_LINES = 0.2
EVALUATION_BATCH = 500
SMALL = 1e-3  # a difference in val_loss below this is not an improvement worth waiting for


class Diverged(errors.TracklabError, ArithmeticError):
    """The loss is not a finite number any more; training on would only spoil the weights."""


class Interrupted(KeyboardInterrupt):
    """Training was stopped from outside. `curves` holds what was measured until then."""

    def __init__(self, message: str, curves: Curves) -> None:
        super().__init__(message)
        self.curves = curves


# --- schedules: the learning rate, as a fraction of its peak, at a progress in [0, 1] ---


def constant(progress: float) -> float:
    """Always the peak."""
    return 1.0


def triangle(*, peak: float = 0.25, start: float = 0.1, end: float = 0.0) -> Schedule:
    """Up in a straight line from `start` to 1 at progress `peak`, and down to `end`.

    The one-cycle policy of Smith and Topin, "Super-convergence" (2018), without its last stage.

    >>> rate = triangle(peak=0.5, start=0)
    >>> rate(0.0), rate(0.25), rate(0.5), rate(1.0)
    (0.0, 0.5, 1.0, 0.0)
    """
    errors.number("peak", peak, low=0, high=1)

    def rate(progress: float) -> float:
        return float(np.interp(progress, [0.0, peak, 1.0], [start, 1.0, end]))

    return rate


def cosine(*, warmup: float = 0.0, end: float = 0.0) -> Schedule:
    """Down along half a cosine to `end`, after a straight warm-up over the fraction `warmup`.

    Loshchilov and Hutter, "SGDR" (2017), equation 5, with a single period.

    >>> rate = cosine()
    >>> rate(0.0), round(rate(0.5), 6), rate(1.0)
    (1.0, 0.5, 0.0)
    """
    errors.number("warmup", warmup, low=0, high=0.99)

    def rate(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        done = (progress - warmup) / (1 - warmup)
        # end + (1 - end) (1 + cos(pi t)) / 2
        return end + (1 - end) * (1 + math.cos(math.pi * done)) / 2

    return rate


def flat_then_down(*, flat: float = 0.6, warmup: float = 0.05, end: float = 0.0) -> Schedule:
    """A short warm-up, the peak until progress `flat`, then a straight line down to `end`.

    >>> rate = flat_then_down(flat=0.5, warmup=0.25)
    >>> rate(0.0), rate(0.25), rate(0.5), rate(0.75), rate(1.0)
    (0.0, 1.0, 1.0, 0.5, 0.0)
    """

    def rate(progress: float) -> float:
        return float(np.interp(progress, [0.0, warmup, flat, 1.0], [0.0, 1.0, 1.0, end]))

    return rate


# --- data: a batch for every step ---


@runtime_checkable
class Source(Protocol):
    """Where batches come from. `batch` depends on its arguments alone, so that a run repeats."""

    @property
    def steps_per_epoch(self) -> float:
        """How many steps see as many examples as there are."""
        ...

    def batch(self, step: int, progress: float) -> Batch:
        """The batch of step `step` (from 0), when the fraction `progress` of the run is done."""
        ...


Augment = Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]


@dataclass(frozen=True)
class Batches:
    """Shuffled batches of images and labels, the same for the same seed.

    images: `(N, ...)`, any type; usually uint8 `(N, H, W, 3)`.
    labels: `(N, ...)`; integers from 0 for classes.
    batch_size: examples a step.
    seed: decides every shuffle and every augmentation.
    augment: `augment(images, labels, rng) -> images, labels` on each batch; it gets copies.

    The order of an epoch comes from `(seed, epoch)` and the augmentation of a batch from `(seed,
    step)`. Epochs follow one another without a gap: where N is no multiple of the batch size, a
    batch takes the end of one epoch and the beginning of the next, so every batch is full and
    every example is seen once an epoch.

    Raises `InputError` for no data, labels of another length or below 0, and images with NaNs.
    """

    images: Array
    labels: Array
    batch_size: int = 32
    seed: int = 0
    augment: Augment | None = None
    _orders: dict[int, Array] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        images, labels = _examples(self.images, self.labels)
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels)
        errors.number("batch_size", self.batch_size, low=1, whole=True)
        errors.number("seed", self.seed, low=0, whole=True)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def steps_per_epoch(self) -> float:
        """Examples over batch size; not a whole number where the last batch straddles."""
        return len(self.images) / self.batch_size

    def order(self, epoch: int) -> Array:
        """The permutation `(N,)` of epoch `epoch`."""
        if epoch not in self._orders:
            for old in [known for known in self._orders if known < epoch - 1]:
                del self._orders[old]
            rng = np.random.default_rng([self.seed, epoch])
            self._orders[epoch] = rng.permutation(len(self.images))
        return self._orders[epoch]

    def indices(self, step: int) -> Array:
        """Which examples make batch `step`."""
        start, count = step * self.batch_size, len(self.images)
        places = np.arange(start, start + self.batch_size)
        epochs = range(start // count, (start + self.batch_size - 1) // count + 1)
        return np.concatenate(
            [self.order(epoch)[places[places // count == epoch] % count] for epoch in epochs]
        )

    def batch(self, step: int, progress: float = 0.0) -> Batch:
        """Images `(batch_size, ...)` and labels of batch `step`, augmented."""
        chosen = self.indices(step)
        images, labels = self.images[chosen], self.labels[chosen]
        if self.augment is not None:
            # The third word keeps these draws apart from those of the orders.
            rng = np.random.default_rng([self.seed, step, 1])
            images, labels = self.augment(images, labels, rng)
        return images, labels


def _examples(images: Any, labels: Any) -> tuple[Array, Array]:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim < 1 or len(images) == 0:
        errors.bad("images", images, "at least one example")
    if labels.shape[:1] != images.shape[:1]:
        errors.bad("labels", labels, f"one for each of the {len(images)} images")
    for name, array in (("images", images), ("labels", labels)):
        if array.dtype.kind not in "fiub":
            errors.bad(name, array, "numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            errors.bad(name, errors.Said(f"NaN or infinity in example {row}"), "finite numbers")
    if labels.dtype.kind == "i" and labels.ndim == 1 and labels.min() < 0:
        errors.bad("labels", int(labels.min()), "classes counted from 0")
    return images, labels


# --- what a training leaves behind ---

_COLUMNS = (
    "step",
    "epoch",
    "seconds",
    "cpu_seconds",
    "learning_rate",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
)


@dataclass(frozen=True)
class Curves:
    """What was measured while a network trained: one entry a step in every column.

    step: steps done, from 1. epoch: epochs done, a fraction.
    seconds, cpu_seconds: wall time and the process's CPU time (user and system, all threads) spent
        on training so far, compiling and data included; validation and saving left out.
    learning_rate: as it was used. loss, accuracy: of the step's batch, before its update.
    val_loss, val_accuracy: of the validation after the step; NaN where there was none.
    parts: further columns by name, whatever the step or the validation reported.
    best_step: the step whose weights the model has now. stopped: why training ended: "complete",
        "patience" or "interrupted".
    """

    step: Array
    epoch: Array
    seconds: Array
    cpu_seconds: Array
    learning_rate: Array
    loss: Array
    accuracy: Array
    val_loss: Array
    val_accuracy: Array
    parts: dict[str, Array] = field(default_factory=dict)
    name: str = "training"
    best_step: int = 0
    stopped: str = "complete"

    def __len__(self) -> int:
        return len(self.step)

    def __getitem__(self, column: str) -> Array:
        """A column by name, further parts included."""
        if column in _COLUMNS:
            return getattr(self, column)
        return self.parts[errors.choice("column", column, [*_COLUMNS, *self.parts])]

    @property
    def validated(self) -> NDArray[np.bool_]:
        """`(len,)`: the steps after which there was a validation."""
        seen = np.isfinite(self.val_loss) | np.isfinite(self.val_accuracy)
        for name, values in self.parts.items():
            if name.startswith("val_"):
                seen |= np.isfinite(values)
        return seen

    def rows(self) -> list[dict[str, float]]:
        """The table, tidy: one dictionary a step, without the columns that were not measured."""
        table = {name: self[name] for name in (*_COLUMNS, *self.parts)}
        return [
            {
                name: value
                for name, values in table.items()
                if not math.isnan(value := float(values[row]))
            }
            for row in range(len(self))
        ]

    def smooth(self, points: int = 100) -> Curves:
        """At most about `points` entries: means over equal runs of steps; validations are kept."""
        errors.number("points", points, low=1, whole=True)
        if len(self) <= points:
            return self
        ends = set(np.unique(np.linspace(0, len(self), points + 1).astype(int))[1:])
        ends |= set((np.flatnonzero(self.validated) + 1).tolist())
        edges = [0, *sorted(ends)]

        def thin(name: str) -> Array:
            values = self[name]
            if name in ("loss", "accuracy") or (name in self.parts and not name.startswith("val_")):
                spans = itertools.pairwise(edges)
                return np.array([values[a:b].mean() for a, b in spans])
            return values[np.array(edges[1:]) - 1]

        return Curves(
            **{name: thin(name) for name in _COLUMNS},
            parts={name: thin(name) for name in self.parts},
            name=self.name,
            best_step=self.best_step,
            stopped=self.stopped,
        )

    def to_json(self) -> str:
        """As JSON text; what was not measured is null."""
        table = {name: self[name] for name in (*_COLUMNS, *self.parts)}
        plain = {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in table.items()
        }
        about = {"name": self.name, "best_step": self.best_step, "stopped": self.stopped}
        return json.dumps({"about": about, "columns": plain})

    @classmethod
    def from_json(cls, text: str) -> Curves:
        """What `to_json` wrote. Raises `InputError` for anything else."""
        try:
            stored = json.loads(text)
            about, plain = stored["about"], stored["columns"]
            table = {
                name: np.array([math.nan if value is None else value for value in values], float)
                for name, values in plain.items()
            }
            known = {name: table.pop(name) for name in _COLUMNS}
            return cls(**known, parts=table, **about)
        except (ValueError, KeyError, TypeError, AttributeError):
            errors.bad("text", text, "the JSON text of some curves")

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, float]], **about: Any) -> Curves:
        """Columns from tidy rows; NaN where a row has no such entry."""
        names = [*_COLUMNS, *sorted({name for row in rows for name in row} - set(_COLUMNS))]
        table = {name: np.array([row.get(name, math.nan) for row in rows], float) for name in names}
        known = {name: table.pop(name) for name in _COLUMNS}
        return cls(**known, parts=table, **about)


# --- progress ---


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell else None
    return type(kernel).__name__ == "ZMQInteractiveShell"


class Progress:
    """One line that says how far a training is; it updates in place and its last state stays.

    In a notebook it is one display that is replaced, so a saved notebook holds the last line only.
    In a terminal it is a tqdm bar on standard output. Where output goes to a file or a pipe, only
    the last line is written. `shown=False` writes nothing at all.
    """

    def __init__(self, name: str, *, shown: bool = True) -> None:
        self.name, self.shown = name, shown
        self._next = 0.0
        self._bar: Any = None
        self._display: Any = None
        self._notebook = shown and _in_notebook()

    def update(self, fraction: float, text: str) -> None:
        """Show `text` and the bar at `fraction` in [0, 1]; calls that come too soon are skipped."""
        now = time.monotonic()
        if not self.shown or now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        if self._notebook:
            filled = round(20 * fraction)
            bar = "█" * filled + "░" * (20 - filled)
            self._put(f"{self.name} {100 * fraction:3.0f} % {bar} {text}")
        elif sys.stdout.isatty():
            self._terminal(fraction, text)

    def close(self, text: str) -> None:
        """Replace the bar with a last line."""
        if not self.shown:
            return
        line = f"{self.name}: {text}"
        if self._notebook:
            self._put(line)
        else:
            if self._bar is not None:
                self._bar.leave = False
                self._bar.close()
            print(line, flush=True)

    def _terminal(self, fraction: float, text: str) -> None:
        if self._bar is None:
            from tqdm import tqdm

            form = "{desc} {percentage:3.0f} % |{bar:20}| {postfix}"
            self._bar = tqdm(total=1.0, desc=self.name, bar_format=form, file=sys.stdout)
        self._bar.n = fraction
        self._bar.set_postfix_str(text)

    def _put(self, line: str) -> None:
        from IPython.display import display

        data = {"text/plain": line}
        if self._display is None:
            self._display = display(data, raw=True, display_id=True)
        else:
            self._display.update(data, raw=True)


# --- the compiled step ---

Loss = Callable[[Any, Any], Any]
Objective = Callable[[Any, Batch], Metrics]


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
        hits = _hits(labels, outputs)
        return metrics if hits is None else metrics | {"accuracy": tf.reduce_mean(hits)}

    return objective


def _hits(labels: Any, outputs: Any) -> Any:
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


class _Average:
    """An exponential moving average of a model's variables (Polyak and Juditsky, 1992).

    The decay grows with the steps to its final value, so that the first weights are soon forgotten.
    """

    def __init__(self, model: Any, decay: float) -> None:
        self.live = [v for v in model.variables if v.dtype.startswith("float")]
        self.variables = [tf.Variable(v.value, trainable=False) for v in self.live]
        self.decay = decay

        @tf.function
        def follow(weight: Any) -> None:
            for average, live in zip(self.variables, self.live, strict=True):
                # a = a + (1 - d) (theta - a)
                average.assign_add(tf.cast(weight, average.dtype) * (live.value - average))

        self._follow = follow

    def follow(self, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        self._follow(tf.constant(1 - decay, tf.float32))

    def swap(self) -> None:
        """The model gets the average, and the average the model."""
        for average, live in zip(self.variables, self.live, strict=True):
            kept = average.numpy()
            average.assign(live.value)
            live.assign(kept)


# --- budgets ---


class _Clock:
    """Wall and CPU seconds spent on training; can be paused, and goes on after a resume."""

    def __init__(self, seconds: float = 0.0, cpu_seconds: float = 0.0, wall: float = 0.0) -> None:
        self._origin = time.monotonic() - wall
        self._seconds, self._cpu = time.monotonic() - seconds, time.process_time() - cpu_seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._seconds

    @property
    def cpu_seconds(self) -> float:
        return time.process_time() - self._cpu

    @property
    def wall(self) -> float:
        """Everything since the beginning, pauses too."""
        return time.monotonic() - self._origin

    @contextmanager
    def paused(self) -> Iterator[None]:
        seconds, cpu = self.seconds, self.cpu_seconds
        try:
            yield
        finally:
            self._seconds = time.monotonic() - seconds
            self._cpu = time.process_time() - cpu


@dataclass(frozen=True)
class _Budget:
    """How long to train: exactly one of three."""

    steps: int | None
    seconds: float | None
    cpu_seconds: float | None

    def __post_init__(self) -> None:
        given = [name for name, value in vars(self).items() if value is not None]
        if len(given) != 1:
            came = " and ".join(given) if given else "none of them"
            errors.bad("steps, seconds, cpu_seconds", errors.Said(came), "exactly one")
        if self.steps is not None:
            errors.number("steps", self.steps, low=1, whole=True)
        for name in ("seconds", "cpu_seconds"):
            if getattr(self, name) is not None and errors.number(name, getattr(self, name)) <= 0:
                errors.bad(name, getattr(self, name), "more than 0")

    def progress(self, step: int, clock: _Clock, typical: float) -> float:
        """The fraction done before step `step`; 1 or more when there is no time for another.

        typical: seconds that a step takes, in the unit of the budget. Half of it is taken off, so
        that runs end as often a little early as a little late.
        """
        if self.steps is not None:
            return step / self.steps
        if self.seconds is not None:
            return clock.wall / max(self.seconds - typical / 2, 1e-9)
        assert self.cpu_seconds is not None
        return clock.cpu_seconds / max(self.cpu_seconds - typical / 2, 1e-9)

    def spent(self, clock: _Clock) -> float:
        return clock.wall if self.seconds is not None else clock.cpu_seconds


# --- checkpoints ---


def _write(path: Path, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
    """Arrays and JSON in one npz, complete or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        with half.open("wb") as file:
            np.savez(file, **dict(arrays), state=np.array(json.dumps(state)))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays, json.loads(str(arrays.pop("state")))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as reason:
        raise errors.SourceError(
            f"checkpoint: cannot read {path.name} ({reason}); delete it to train from the beginning"
        ) from reason


class _Signals:
    """Holds back an interrupt until a step is whole; a second interrupt comes through at once."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _Signals:
        self._old: Any = None
        if threading.current_thread() is threading.main_thread():
            self._old = signal.getsignal(signal.SIGINT)
            if self._old is not None:
                signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *reason: Any) -> None:
        if self._old is not None:
            signal.signal(signal.SIGINT, self._old)


# --- fit ---


def fit(
    model: Any,
    data: Source,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    cpu_seconds: float | None = None,
    loss: str | Loss | None = None,
    objective: Objective | None = None,
    train_step: Callable[[Batch], Metrics] | None = None,
    optimizer: Any = "adam",
    learning_rate: float | None = None,
    schedule: Schedule = constant,
    weight_decay: float = 0.0,
    average: float | None = None,
    validation: tuple[Any, Any] | Callable[[], Metrics] | None = None,
    validate_every: int | str = EPOCH,
    patience: int | None = None,
    monitor: str = "val_loss",
    seed: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    also: Sequence[Any] = (),
    jit: bool = False,
    progress: bool = True,
    name: str = "training",
) -> Curves:
    """Train a model and return its curves. The model's weights are changed, nothing else is.

    How long, exactly one of:
        steps: so many steps; the same seed gives the same result on the same machine.
        seconds: so much wall time, validations on the way included, the last one not.
        cpu_seconds: so much CPU time of the process, validations not included.
        In all three the schedule runs from 0 to 1 and is complete at the end.
    What to make small, exactly one of:
        loss: a Keras loss, its name, or `loss(labels, outputs)`; batches are `(inputs, labels)`.
        objective: `objective(model, batch) -> metrics`, tensors by name, the total under "loss".
        train_step: `train_step(batch) -> metrics` that does the update itself, compiled by you.

    Args:
        model: a Keras model (for `train_step`, anything with `variables`).
        data: batches by step, as `Batches` gives them.
        steps: see above.
        seconds: see above.
        cpu_seconds: see above.
        loss: see above.
        objective: see above.
        train_step: see above. It reads the learning rate from `optimizer`, if it uses that.
        optimizer: a Keras optimizer or its name.
        learning_rate: the peak; without it, the optimizer's own.
        schedule: the fraction of the peak at each progress in [0, 1].
        weight_decay: decoupled decay of kernels by the learning rate times this in each step.
        average: decay of a moving average of the weights (0.99, say); validation and the model at
            the end use the average.
        validation: `(inputs, labels)`, judged with `loss`, or a function that returns metrics by
            name; they become columns `val_...`.
        validate_every: steps between validations, or "epoch". There is always one at the end.
        patience: stop after so many validations without a better `monitor`, and go back to the
            best weights. Without it the last weights stay.
        monitor: the column to judge by. Names with "accuracy" or "score" are better high.
        seed: seeds Python, NumPy and TensorFlow before the first step. Without it none is touched.
        checkpoint: a file to which training is saved, every half minute and on interrupt, and from
            which it goes on if the file is there. It is deleted when the training is complete.
        also: further things with `variables` that a `train_step` changes, to be saved as well.
        jit: compile the step with XLA.
        progress: show a line with epoch, loss, accuracy and the seconds left.
        name: what to call the training in that line and in the curves.

    Raises:
        InputError: for arguments that do not go together.
        Diverged: when the loss is not finite.
        Interrupted: on an interrupt (a `KeyboardInterrupt`), after the step is whole and saved.
        SourceError: for a checkpoint that cannot be read.
    """
    budget = _Budget(steps, seconds, cpu_seconds)
    _check(data, loss, objective, train_step, patience, validation, average, validate_every)
    if seed is not None:
        keras.utils.set_random_seed(int(errors.number("seed", seed, low=0, whole=True)))

    if train_step is None:
        if not model.built:
            model(tf.convert_to_tensor(data.batch(0, 0.0)[0]))
        if loss is not None:
            _check_labels(model, data, loss)
        optimizer = keras.optimizers.get(optimizer)
        optimizer.build(model.trainable_variables)
        chosen = objective if objective is not None else objective_of(loss)  # type: ignore[arg-type]
        train_step = compiled_step(model, chosen, optimizer, weight_decay=weight_decay, jit=jit)
    elif isinstance(optimizer, str):
        optimizer = None
    if learning_rate is not None and optimizer is None:
        errors.bad("learning_rate", learning_rate, "the optimizer that train_step uses beside it")

    run = _Run(model, optimizer, also, budget, average, monitor, name, seed)
    if learning_rate is not None:
        run.peak = float(errors.number("learning_rate", learning_rate, low=0))
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None and path.exists():
        run.load(path)
    validate = _validator(model, validation, loss) if validation is not None else None
    line = Progress(name, shown=progress)
    try:
        run.loop(data, train_step, schedule, validate, validate_every, patience, path, line)
    except KeyboardInterrupt:
        raise run.interrupted(path, line) from None
    except BaseException:
        line.close("stopped by an error")
        raise
    run.finish(patience)
    if path is not None:
        path.unlink(missing_ok=True)
    curves = run.curves()
    line.close(run.summary(curves))
    return curves


class _Run:
    """The life of one training: what a checkpoint must hold, and the loop that changes it."""

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        also: Sequence[Any],
        budget: _Budget,
        average: float | None,
        monitor: str,
        name: str,
        seed: int | None,
    ) -> None:
        self.model, self.optimizer, self.budget = model, optimizer, budget
        self.name, self.monitor, self.seed = name, monitor, seed
        self.upward = "accuracy" in monitor or "score" in monitor
        self.average = _Average(model, average) if average is not None else None
        owners = [model, *([optimizer] if optimizer is not None else []), *also]
        self.variables = [variable for owner in owners for variable in owner.variables]
        if self.average is not None:
            self.variables += self.average.variables
        self.peak = float(optimizer.learning_rate) if optimizer is not None else math.nan
        self.step, self.rows = 0, list[dict[str, float]]()
        self.best: list[Array] | None = None
        self.best_value, self.best_step, self.waited = math.nan, 0, 0
        self.stopped, self.whole = "complete", True
        self.clock = _Clock()
        self._recent: list[float] = []

    # the loop

    def loop(
        self,
        data: Source,
        train_step: Callable[[Batch], Metrics],
        schedule: Schedule,
        validate: Callable[[], Metrics] | None,
        validate_every: int | str,
        patience: int | None,
        path: Path | None,
        line: Progress,
    ) -> None:
        saved = time.monotonic()
        with _Signals() as signals:
            while (done := self._done()) < 1 or self.step == 0:
                self._one_step(data, train_step, schedule, min(done, 1.0))
                self._show(line, data)
                if signals.asked:
                    raise KeyboardInterrupt
                if validate is not None and self._due(validate_every, data.steps_per_epoch):
                    self._validate(validate)
                    if patience is not None and self.waited >= patience:
                        self.stopped = "patience"
                        return
                if path is not None and time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    self.save(path)
                    saved = time.monotonic()
            if validate is not None and "validated" not in self.rows[-1]:
                self._validate(validate)

    def _done(self) -> float:
        typical = float(np.median(self._recent)) if self._recent else 0.0
        return self.budget.progress(self.step, self.clock, typical)

    def _one_step(
        self,
        data: Source,
        train_step: Callable[[Batch], Metrics],
        schedule: Schedule,
        done: float,
    ) -> None:
        before = self.budget.spent(self.clock)
        batch = tuple(tf.convert_to_tensor(part) for part in data.batch(self.step, done))
        rate = self.peak * schedule(done)
        self.whole = False
        if self.optimizer is not None:
            self.optimizer.learning_rate.assign(rate)
        metrics = {key: float(value) for key, value in train_step(batch).items()}
        if not math.isfinite(metrics.get("loss", math.nan)):
            raise Diverged(_advice(metrics, self.step, rate))
        self.step += 1
        if self.average is not None:
            self.average.follow(self.step)
        self.rows.append(
            {
                "step": self.step,
                "epoch": self.step / data.steps_per_epoch,
                "seconds": self.clock.seconds,
                "cpu_seconds": self.clock.cpu_seconds,
                "learning_rate": rate,
                **metrics,
            }
        )
        self.whole = True
        self._recent = [*self._recent[-8:], self.budget.spent(self.clock) - before]

    def _due(self, every: int | str, steps_per_epoch: float) -> bool:
        if isinstance(every, int):
            return self.step % every == 0
        return int(self.step / steps_per_epoch) > int((self.step - 1) / steps_per_epoch)

    def _validate(self, validate: Callable[[], Metrics]) -> None:
        with self.clock.paused():
            if self.average is not None:
                self.whole = False
                self.average.swap()
            found = {f"val_{key}": float(value) for key, value in validate().items()}
            self.rows[-1] |= found | {"validated": 1.0}
            value = found.get(self.monitor, math.nan)
            if self.monitor in found:
                better = value > self.best_value if self.upward else value < self.best_value
                if better or math.isnan(self.best_value):
                    self.best_value, self.best_step, self.waited = value, self.step, 0
                    self.best = [np.array(variable) for variable in self.model.variables]
                else:
                    self.waited += 1
            if self.average is not None:
                self.average.swap()
                self.whole = True

    # the line

    def _show(self, line: Progress, data: Source) -> None:
        if not line.shown:
            return
        done = min(self._done(), 1.0)
        last = self.rows[-1]
        parts = [f"epoch {last['epoch']:.1f}", f"loss {last['loss']:.3f}"]
        if "accuracy" in last:
            parts.append(f"accuracy {last['accuracy']:.3f}")
        if done > 0:
            left = self.clock.wall * (1 - done) / done
            parts.append(f"{left:.0f} s left")
        line.update(done, "  ".join(parts))

    def summary(self, curves: Curves) -> str:
        last = curves.rows()[-1]
        parts = [f"{curves.step[-1]:.0f} steps", f"{last['epoch']:.1f} epochs"]
        recent = max(1, len(curves) // 20)
        for column in ("loss", "accuracy"):
            if column in last:
                parts.append(f"{column} {curves[column][-recent:].mean():.3f}")
        shown = curves.validated & (curves.step == curves.best_step)
        for column in ("val_loss", "val_accuracy"):
            if np.isfinite(curves[column][shown]).any():
                parts.append(f"{column} {curves[column][shown][-1]:.3f}")
        parts.append(f"{last['seconds']:.1f} s")
        if self.stopped == "patience":
            parts.append(f"stopped early, back to step {self.best_step}")
        return ", ".join(parts)

    # the end

    def finish(self, patience: int | None) -> None:
        if self.average is not None:
            self.average.swap()
        if patience is not None and self.best is not None:
            for variable, value in zip(self.model.variables, self.best, strict=True):
                variable.assign(value)
        else:
            self.best_step = self.step
        if self.optimizer is not None:
            self.optimizer.learning_rate.assign(self.peak)

    def curves(self) -> Curves:
        rows = [{k: v for k, v in row.items() if k != "validated"} for row in self.rows]
        return Curves.from_rows(
            rows, name=self.name, best_step=self.best_step, stopped=self.stopped
        )

    def interrupted(self, path: Path | None, line: Progress) -> Interrupted:
        self.stopped, self.best_step = "interrupted", self.step
        if path is not None and self.whole:
            self.save(path)
            what = "run the same call again to go on from here"
        elif path is not None:
            what = f"run the same call again to go on from the last save in {path.name}"
        else:
            what = "the model keeps its weights; give checkpoint= a file name to be able to go on"
        message = f"interrupted after {self.step} steps; {what}"
        line.close(message)
        return Interrupted(message, self.curves())

    # checkpoints

    def save(self, path: Path) -> None:
        with self.clock.paused():
            arrays = {f"variable_{k}": np.array(v) for k, v in enumerate(self.variables)}
            if self.best is not None:
                arrays |= {f"best_{k}": value for k, value in enumerate(self.best)}
            state = {
                "run": self._identity(),
                "step": self.step,
                "seconds": self.clock.seconds,
                "cpu_seconds": self.clock.cpu_seconds,
                "wall": self.clock.wall,
                "best_value": None if math.isnan(self.best_value) else self.best_value,
                "best_step": self.best_step,
                "waited": self.waited,
                "rows": self.rows,
            }
            _write(path, arrays, state)

    def load(self, path: Path) -> None:
        arrays, state = _read(path)
        mine, found = self._identity(), state.get("run")
        if found != mine:
            errors.bad(
                "checkpoint",
                errors.Said(f"{path.name}, saved by another run {found}"),
                f"one of this run {mine}; delete the file to train from the beginning",
            )
        for k, variable in enumerate(self.variables):
            variable.assign(arrays[f"variable_{k}"])
        if "best_0" in arrays:
            self.best = [arrays[f"best_{k}"] for k in range(len(self.model.variables))]
        self.step, self.rows = state["step"], state["rows"]
        value = state["best_value"]
        self.best_value = math.nan if value is None else value
        self.best_step, self.waited = state["best_step"], state["waited"]
        self.clock = _Clock(state["seconds"], state["cpu_seconds"], state["wall"])

    def _identity(self) -> dict[str, Any]:
        """What must agree for a checkpoint to be of this run."""
        return {
            "name": self.name,
            "steps": self.budget.steps,
            "seconds": self.budget.seconds,
            "cpu_seconds": self.budget.cpu_seconds,
            "seed": self.seed,
            "weights": sum(int(np.prod(variable.shape)) for variable in self.variables),
        }


def _advice(metrics: Metrics, step: int, rate: float) -> str:
    if "loss" not in metrics:
        return f"the training step reported {sorted(metrics)}, and no 'loss' to watch"
    known = "" if math.isnan(rate) else f" at learning rate {rate:g}"
    lower = "the learning rate" if math.isnan(rate) else f"the learning rate (try {rate / 10:.1g})"
    return (
        f"the loss became {metrics['loss']} in step {step + 1}{known}. Lower {lower}, clip the "
        "gradients (clipnorm=1.0 in the optimizer), or look for a division by zero or the "
        "logarithm of zero in the loss. Build the model again first: its weights may be spoilt"
    )


def _check(
    data: Any,
    loss: Any,
    objective: Any,
    train_step: Any,
    patience: Any,
    validation: Any,
    average: Any,
    validate_every: Any,
) -> None:
    if not isinstance(data, Source):
        errors.bad("data", data, "batches by step, as training.Batches(images, labels) gives them")
    named = {"loss": loss, "objective": objective, "train_step": train_step}
    given = [key for key, value in named.items() if value is not None]
    if len(given) != 1:
        came = errors.Said(" and ".join(given) if given else "none of them")
        errors.bad("loss, objective, train_step", came, "exactly one")
    if patience is not None:
        errors.number("patience", patience, low=1, whole=True)
        if validation is None:
            errors.bad("patience", patience, "validation= beside it, to judge by")
    if average is not None:
        errors.number("average", average, low=0, high=0.999999)
    if validate_every != EPOCH:
        errors.number("validate_every", validate_every, low=1, whole=True)
    if isinstance(validation, tuple) and loss is None:
        errors.bad("validation", errors.Said("arrays"), "a function, where there is no loss=")


def _check_labels(model: Any, data: Any, loss: Any) -> None:
    """Classes must fit the outputs; out of range they give NaN or, worse, a plausible loss."""
    labels = getattr(data, "labels", None)
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return
    outputs = model.output_shape[-1] if hasattr(model, "output_shape") else None
    if isinstance(outputs, int) and outputs > 1 and labels.max() >= outputs:
        errors.bad(
            "labels", int(labels.max()), f"classes from 0 to {outputs - 1}, as the model has"
        )


def _validator(model: Any, validation: Any, loss: Any) -> Callable[[], Metrics]:
    if callable(validation):
        return validation
    if not (isinstance(validation, tuple) and len(validation) == 2):
        errors.bad("validation", type(validation).__name__, "(inputs, labels) or a function")
    inputs, labels = _examples(*validation)
    return lambda: evaluate(model, inputs, labels, loss)


def evaluate(model: Any, inputs: Array, labels: Array, loss: str | Loss) -> dict[str, float]:
    """Mean loss and, for classes, accuracy of a model on `(N, ...)` inputs and labels."""
    known = keras.losses.get(loss) if isinstance(loss, str) else loss
    outputs = tf.convert_to_tensor(predict(model, inputs))
    targets = tf.convert_to_tensor(labels)
    found = {"loss": float(tf.reduce_mean(known(targets, outputs)))}
    hits = _hits(targets, outputs)
    return found if hits is None else found | {"accuracy": float(tf.reduce_mean(hits))}


def predict(model: Any, inputs: Array, *, batch_size: int = EVALUATION_BATCH) -> Array:
    """What a model puts out for `(N, ...)` inputs, in batches, not training: `(N, ...)`."""
    run = _forward(model)
    starts = range(0, len(inputs), batch_size)
    parts = [run(tf.convert_to_tensor(inputs[k : k + batch_size])).numpy() for k in starts]
    return np.concatenate(parts)


def _forward(model: Any) -> Callable[[Any], Any]:
    """The model's compiled forward pass, kept with the model so that it is compiled once."""
    known = getattr(model, "_tracklab_forward", None)
    if known is None:
        known = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
        object.__setattr__(model, "_tracklab_forward", known)
    return known
