"""`fit`: the loop through which every network of the course is trained.

Invariant: a run that is interrupted and resumed from its checkpoint ends with the same bits as one
that was not, on the same machine, as long as its budget is counted in steps.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf
from tracklab.training import checkpoints
from tracklab.training.batches import Batch, Source, as_examples
from tracklab.training.curves import Curves
from tracklab.training.progress import Progress
from tracklab.training.schedules import Schedule, constant
from tracklab.training.steps import (
    Average,
    Loss,
    Metrics,
    Objective,
    compiled_step,
    evaluator,
    objective_of,
)

Array = NDArray[Any]

EPOCH = "epoch"
SECONDS_BETWEEN_SAVES = 30.0


class Diverged(errors.TracklabError, ArithmeticError):
    """The loss is not a finite number any more; training on would only spoil the weights."""


class Interrupted(KeyboardInterrupt):
    """Training was stopped from outside. `curves` holds what was measured until then."""

    def __init__(self, message: str, curves: Curves) -> None:
        super().__init__(message)
        self.curves = curves


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
    clock = _Clock()
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
    else:
        optimizer = None if isinstance(optimizer, str) else optimizer
        for option, value in (("weight_decay", weight_decay), ("jit", jit)):
            if value:
                errors.bad(option, value, "none: a train_step of your own does that itself")
        if optimizer is None and (learning_rate is not None or schedule is not constant):
            came = errors.Said("none")
            errors.bad("optimizer", came, "the one that train_step uses, to set its learning rate")

    run = _Run(model, optimizer, also, budget, average, monitor, name, seed, clock)
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
        clock: _Clock,
    ) -> None:
        self.model, self.optimizer, self.budget = model, optimizer, budget
        self.name, self.monitor, self.seed = name, monitor, seed
        self.upward = "accuracy" in monitor or "score" in monitor
        self.average = Average(model, average) if average is not None else None
        owners = [model, *([optimizer] if optimizer is not None else []), *also]
        self.variables = [variable for owner in owners for variable in owner.variables]
        if self.average is not None:
            self.variables += self.average.variables
        self.peak = float(optimizer.learning_rate) if optimizer is not None else math.nan
        self.step, self.rows = 0, list[dict[str, float]]()
        self.best: list[Array] | None = None
        self.best_value, self.best_step, self.waited = math.nan, 0, 0
        self.stopped, self.whole = "complete", True
        self.clock = clock
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
                if validate is not None and self._due(validate_every, data.steps_per_epoch):
                    self._validate(validate)
                    if patience is not None and self.waited >= patience:
                        self.stopped = "patience"
                        return
                if signals.asked:
                    raise KeyboardInterrupt
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
        batch = tf.nest.map_structure(tf.convert_to_tensor, data.batch(self.step, done))
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
        if self.step > 1:  # the first one compiles
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
                    self.best = [variable.numpy() for variable in self.model.variables]
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
        if path is not None and self.whole:
            self.save(path)
            what = "run the same call again to go on from here"
        elif path is not None:
            what = f"run the same call again to go on from the last save in {path.name}"
        else:
            what = "the model keeps its weights; give checkpoint= a file name to be able to go on"
        message = f"interrupted after {self.step} steps; {what}"
        line.close(message)
        if self.optimizer is not None:
            self.optimizer.learning_rate.assign(self.peak)
        self.stopped, self.best_step = "interrupted", self.step
        return Interrupted(message, self.curves())

    # checkpoints

    def save(self, path: Path) -> None:
        with self.clock.paused():
            arrays = {f"variable_{k}": v.numpy() for k, v in enumerate(self.variables)}
            if self.best is not None:
                arrays |= {f"best_{k}": value for k, value in enumerate(self.best)}
            state = {
                "run": self._identity(),
                "step": self.step,
                "peak": None if math.isnan(self.peak) else self.peak,
                "seconds": self.clock.seconds,
                "cpu_seconds": self.clock.cpu_seconds,
                "wall": self.clock.wall,
                "best_value": None if math.isnan(self.best_value) else self.best_value,
                "best_step": self.best_step,
                "waited": self.waited,
                "rows": self.rows,
            }
            checkpoints.write(path, arrays, state)

    def load(self, path: Path) -> None:
        arrays, state = checkpoints.read(path)
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
        self.peak = math.nan if state["peak"] is None else state["peak"]
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
        came = errors.Said(f"a {type(data).__name__}")
        errors.bad("data", came, "batches by step, as training.Batches(images, labels) gives them")
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
        came = errors.Said(f"a {type(validation).__name__}")
        errors.bad("validation", came, "(inputs, labels) or a function")
    inputs, labels = as_examples(*validation)
    return evaluator(model, inputs, labels, loss)
