"""`fit`: the loop through which every network of the course is trained.

Invariant: a run that is interrupted and resumed from its checkpoint ends with the same bits as one
that was not, on the same machine, as long as its budget is counted in steps and all it draws at
random comes from `(seed, step)` or from variables that the checkpoint holds.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras, tf
from tracklab.training import checkpoints, schedules
from tracklab.training.batches import Batch, Seeded, Source
from tracklab.training.curves import Curves
from tracklab.training.progress import Progress
from tracklab.training.schedules import Schedule, constant
from tracklab.training.steps import (
    Average,
    Loss,
    Metrics,
    Objective,
    check_metrics,
    compiled_step,
    evaluator,
    objective_of,
    takes_seed,
    with_seed,
)

Array = NDArray[Any]

EPOCH = "epoch"
LOW, HIGH = "low", "high"  # which values of a monitor are better
KNOWN_BETTER = {"accuracy": HIGH, "score": HIGH, "loss": LOW, "error": LOW}
SECONDS_BETWEEN_SAVES = 30.0


class Diverged(errors.TracklabError, ArithmeticError):
    """The loss, or a weight, is not a finite number any more, or the loss is above its ceiling.

    The model, its optimizer and what `also` holds are again as they were when `fit` was called (a
    run that went on from a checkpoint: as that had them), so the next try may follow at once.
    `curves` holds what was measured until then; `step`, from 1, is the one that failed.
    """

    def __init__(self, message: str, curves: Curves, step: int) -> None:
        super().__init__(message)
        self.curves, self.step = curves, step

    def __reduce__(self) -> Any:
        # so that it comes whole out of another process
        return type(self), (str(self), self.curves, self.step)


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
            steps = errors.number("steps", self.steps, low=1, whole=True)
            object.__setattr__(self, "steps", steps)
        for name in ("seconds", "cpu_seconds"):
            if getattr(self, name) is not None:
                value = errors.number(name, getattr(self, name))
                if value <= 0:
                    errors.bad(name, getattr(self, name), "more than 0")
                object.__setattr__(self, name, value)

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
    better: str | None = None,
    seed: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    also: Sequence[Any] = (),
    jit: bool = False,
    ceiling: float | None = None,
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
        objective: `objective(model, batch) -> metrics`, numbers by name, the total under "loss".
            One that draws at random takes a third argument `seed`, `(2,)` int64 made of the seed
            and the step, for `tf.random.stateless_uniform(..., seed=seed)` and its like. Then it
            draws the same in a resumed run. `tf.random.uniform` and its like keep a state that no
            checkpoint holds, and are refused beside `checkpoint`. Keras layers hold theirs.
        train_step: `train_step(batch) -> metrics` that does the update itself, compiled by you.
            It must not draw with `tf.random.uniform` and its like if a resumed run is to repeat.
    The loss in the curves is without the penalties of regularizers; those are in "penalty".

    Args:
        model: a Keras model (for `train_step`, anything with `variables`, which must be there
            already: call a model that has none yet on a batch first).
        data: batches by step, as `Batches` gives them.
        steps: see above.
        seconds: see above.
        cpu_seconds: see above.
        loss: see above.
        objective: see above.
        train_step: see above. It reads the learning rate from `optimizer`, if it uses that.
        optimizer: a Keras optimizer or its name. Its rate is a number: it is set in each step.
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
        monitor: the column `val_...` to judge by.
        better: whether a "low" or a "high" `monitor` is better. It must be given with `patience`
            where the name does not say "loss" or "error" (low), or "accuracy" or "score" (high).
        seed: seeds Python, NumPy and TensorFlow before the first step. Without it none is touched.
        checkpoint: a file to which training is saved, every half minute and on interrupt, and from
            which it goes on if the file is there. It is deleted when the training is complete.
        also: further things with `variables` that a `train_step` changes, to be saved as well.
            They must have all their variables: build a second optimizer first.
        jit: compile the step with XLA.
        ceiling: a loss above this counts as diverged. Without it only one that is not finite does,
            and a network of ReLUs may die at a finite loss.
        progress: show a line with epoch, loss, accuracy and the seconds left.
        name: what to call the training in that line and in the curves.

    Raises:
        InputError: for arguments that do not go together, a model or an optimizer that got more
            variables in the first step, a `monitor` that is not measured, and a checkpoint that
            cannot be written.
        Diverged: when the loss or, at the end, a weight is not finite, or the loss is above
            `ceiling`. The model is then as it was before; `error.curves` holds what was measured.
        Interrupted: on an interrupt (a `KeyboardInterrupt`), after the step is whole and saved.
        SourceError: for a checkpoint that cannot be read.
    """
    clock = _Clock()
    budget = _Budget(steps, seconds, cpu_seconds)
    patience, average, validate_every = _check(
        data, loss, objective, train_step, patience, validation, average, validate_every
    )
    schedules.check(schedule)
    if ceiling is not None:
        ceiling = float(errors.number("ceiling", ceiling))
    upward = _upward(monitor, better, patience)
    if seed is not None:
        seed = int(errors.number("seed", seed, low=0, whole=True))
        keras.utils.set_random_seed(seed)
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        checkpoints.try_write(path)

    if train_step is None:
        chosen = objective if objective is not None else objective_of(loss)  # type: ignore[arg-type]
        if takes_seed(chosen):
            chosen, data = with_seed(chosen), Seeded(data, seed or 0)
        if not model.built:
            _build(model, data.batch(0, 0.0), None if loss is not None else chosen)
        if not model.trainable_variables:
            errors.bad("model", errors.Said("one without trainable variables"), "some to train")
        if loss is not None:
            _check_labels(model, data, loss)
        optimizer = _optimizer(optimizer)
        optimizer.build(model.trainable_variables)
        train_step = compiled_step(
            model,
            chosen,
            optimizer,
            weight_decay=weight_decay,
            jit=jit,
            repeatable=path is not None,
        )
    else:
        optimizer = None if isinstance(optimizer, str) else _optimizer(optimizer)
        for option, value in (("weight_decay", weight_decay), ("jit", jit)):
            if value:
                errors.bad(option, value, "none: a train_step of your own does that itself")
        if optimizer is None and (learning_rate is not None or schedule is not constant):
            came = errors.Said("none")
            errors.bad("optimizer", came, "the one that train_step uses, to set its learning rate")
        if not list(model.variables):
            came = errors.Said("one without variables")
            errors.bad("model", came, "one that is built: call it on a batch first")
        if optimizer is not None and not optimizer.built:
            optimizer.build(_trainable([model, *also]))

    run = _Run(model, optimizer, also, budget, average, monitor, upward, name, seed, clock, ceiling)
    if path is not None and path.exists():
        run.load(path)
    if learning_rate is not None:
        # after what was loaded: who lowers the rate of a run that diverged means it
        run.peak = float(errors.number("learning_rate", learning_rate, low=0))
    validate = _validator(model, validation, loss) if validation is not None else None
    line = Progress(name, shown=progress)
    run.remember()
    try:
        run.loop(data, train_step, schedule, validate, validate_every, patience, path, line)
    except KeyboardInterrupt:
        raise run.interrupted(path, line) from None
    except Diverged as diverged:
        line.close(f"diverged in step {diverged.step}; the weights are as they were before")
        if path is not None and path.exists():
            message = f"{diverged}. {path.name} holds an earlier step: the same call with a lower "
            message += (
                "learning_rate= goes on from there; if that diverges too, delete it and begin anew"
            )
            raise Diverged(message, diverged.curves, diverged.step) from None
        raise
    except BaseException:
        line.close("stopped by an error")
        raise
    run.finish(patience)
    if path is not None:
        path.unlink(missing_ok=True)
    curves = run.curves()
    line.close(run.summary(curves))
    if run.peak > 0 and not curves.learning_rate.any():
        warnings.warn(
            f"{name}: nothing was learned, for the budget ended after {len(curves)} step(s), all "
            "with learning rate 0. The first step is slow, as it compiles: give more time, or a "
            "schedule that starts above 0.",
            stacklevel=2,
        )
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
        upward: bool,
        name: str,
        seed: int | None,
        clock: _Clock,
        ceiling: float | None,
    ) -> None:
        self.model, self.optimizer, self.budget = model, optimizer, budget
        self.ceiling = math.inf if ceiling is None else ceiling
        self.name, self.monitor, self.seed = name, monitor, seed
        self.upward = upward
        self.average = Average(model, average) if average is not None else None
        self.owners = [model, *([optimizer] if optimizer is not None else []), *also]
        self.variables = self._owned()
        self.counted = False
        if self.average is not None:
            self.variables += self.average.variables
        self.peak = float(optimizer.learning_rate) if optimizer is not None else math.nan
        self.step, self.rows = 0, list[dict[str, float]]()
        self.best: list[Array] | None = None
        self.best_value, self.best_step, self.waited = math.nan, 0, 0
        self.stopped, self.whole = "complete", True
        self.owed = False  # a validation that is due
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
            while True:
                if self.owed and validate is not None:
                    self._validate(validate, watched=patience is not None)
                if signals.asked:
                    raise KeyboardInterrupt
                if patience is not None and self.waited >= patience:
                    self.stopped = "patience"
                    return
                if path is not None and time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    self.save(path)
                    saved = time.monotonic()
                done = self._done()
                if done < 1 or self.step == 0:
                    self._one_step(data, train_step, schedule, min(done, 1.0))
                    self._show(line, data)
                    self.owed = self._due(validate_every, data.steps_per_epoch)
                elif validate is not None and "validated" not in self.rows[-1]:
                    self.owed = True
                else:
                    self._check_weights()
                    return

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
        rate = self.peak * float(schedule(done))
        self.whole = False
        if self.optimizer is not None:
            self.optimizer.learning_rate.assign(rate)
        reported = train_step(batch)
        check_metrics("train_step", reported)
        metrics = {key: float(value) for key, value in reported.items()}
        self._check_grown()
        if "loss" not in metrics:
            came = f"the training step reported {sorted(metrics)}, and no 'loss' to watch"
            raise self._diverged(came)
        if not math.isfinite(metrics["loss"]):
            fault = f"the loss became {metrics['loss']} in step {self.step + 1}"
            raise self._diverged(_advice(fault, rate))
        if metrics["loss"] > self.ceiling:
            fault = f"the loss rose to {metrics['loss']:.4g} in step {self.step + 1}, above "
            raise self._diverged(_advice(fault + f"{self.ceiling:g}", rate))
        self.step += 1
        if self.average is not None:
            self.average.follow(self.step)
        self.rows.append(
            {
                "step": self.step,
                "epoch": float(self.step / data.steps_per_epoch),
                "seconds": self.clock.seconds,
                "cpu_seconds": self.clock.cpu_seconds,
                "learning_rate": rate,
                **metrics,
            }
        )
        self.whole = True
        if self.step > 1:  # the first one compiles
            self._recent = [*self._recent[-8:], self.budget.spent(self.clock) - before]

    # divergence

    def remember(self) -> None:
        """Keep all values as they are, to go back to where the run diverges."""
        self.before = [variable.numpy() for variable in self._owned()]

    def _diverged(self, message: str) -> Diverged:
        """What to raise, when everything is as it was before."""
        for variable, value in zip(self._owned(), self.before, strict=True):
            variable.assign(value)
        self.stopped, self.best_step = "diverged", 0
        return Diverged(message, self.curves(), self.step + 1)

    def _check_weights(self) -> None:
        """The last step's weights: no loss has seen them yet."""
        live = [v.numpy() for v in self.model.variables if "float" in str(v.dtype)]
        if not all(np.isfinite(value).all() for value in live):
            fault = f"a weight is not finite after step {self.step}, the last one"
            self.step -= 1
            raise self._diverged(_advice(fault, self.rows[-1]["learning_rate"]))

    def _owned(self) -> list[Any]:
        return [variable for owner in self.owners for variable in owner.variables]

    def _check_grown(self) -> None:
        """After the first step: what appeared in it would be in no checkpoint and no average."""
        if self.counted:
            return
        self.counted = True
        before = len(self.variables) - len(self.average.variables if self.average else ())
        if more := len(self._owned()) - before:
            errors.bad(
                "model, optimizer, also",
                errors.Said(f"{more} more variables after the first step"),
                "all from the start: call the model on a batch, and optimizer.build(variables)",
            )

    def _due(self, every: int | str, steps_per_epoch: float) -> bool:
        if isinstance(every, int):
            return self.step % every == 0
        return int(self.step / steps_per_epoch) > int((self.step - 1) / steps_per_epoch)

    def _validate(self, validate: Callable[[], Metrics], *, watched: bool) -> None:
        with self.clock.paused():
            if self.average is not None:
                self.whole = False
                self.average.swap()
            try:
                reported = validate()
                check_metrics("validation", reported)
                found = {f"val_{key}": float(value) for key, value in reported.items()}
                if watched and self.monitor not in found:
                    came = errors.Said(f"{self.monitor!r}, which the validation does not measure")
                    errors.bad("monitor", came, "one of " + ", ".join(map(repr, sorted(found))))
                self.rows[-1] |= found | {"validated": 1.0}
                self._judge(found.get(self.monitor, math.nan))
                self.owed = False
            finally:
                if self.average is not None:
                    self.average.swap()
                    self.whole = True

    def _judge(self, value: float) -> None:
        better = value > self.best_value if self.upward else value < self.best_value
        if better or (math.isnan(self.best_value) and not math.isnan(value)):
            self.best_value, self.best_step, self.waited = value, self.step, 0
            self.best = [variable.numpy() for variable in self.model.variables]
        else:
            self.waited += 1

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
        failed = ""
        if path is not None and self.whole:
            try:
                self.save(path)
            except OSError as reason:
                failed = f"{path.name} cannot be written ({reason.strerror or reason})"
        if failed:
            what = f"the model keeps its weights, but {failed}"
        elif path is not None and self.whole:
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
                "owed": self.owed,
                "rows": self.rows,
            }
            checkpoints.write(path, arrays, state)

    def load(self, path: Path) -> None:
        arrays, state = checkpoints.read(path)
        mine, found = self._identity(), state.get("run")
        if found != mine:
            theirs = found if isinstance(found, Mapping) else {}
            other = [key for key in mine if theirs.get(key) != mine[key]]
            said = [
                ", ".join(f"{k} {errors.describe(run.get(k))}" for k in other)
                for run in (theirs, mine)
            ]
            errors.bad(
                "checkpoint",
                errors.Said(f"{path.name}, saved by another run: {said[0]}"),
                f"one of this run: {said[1]}; delete the file to train from the beginning",
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
        self.owed = state["owed"]
        self.clock = _Clock(state["seconds"], state["cpu_seconds"], state["wall"])

    def _identity(self) -> dict[str, Any]:
        """What must agree for a checkpoint to be of this run."""
        return {
            "name": self.name,
            "steps": self.budget.steps,
            "seconds": self.budget.seconds,
            "cpu_seconds": self.budget.cpu_seconds,
            "seed": self.seed,
            "shapes": [list(variable.shape) for variable in self.variables],
        }


def _advice(fault: str, rate: float) -> str:
    known = "" if math.isnan(rate) else f" at learning rate {rate:g}"
    tenth = float(f"{rate / 10:.1g}")
    lower = "the learning rate" if math.isnan(rate) else f"the learning rate (try {tenth:g})"
    return (
        f"{fault}{known}. Lower {lower}, clip the gradients (global_clipnorm=1.0 in the "
        "optimizer), or look for a division by zero or the logarithm of zero in the loss. Model "
        "and optimizer are again as they were before this training"
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
) -> tuple[Any, Any, Any]:
    """Patience, average and interval as plain numbers."""
    if not isinstance(data, Source):
        came = errors.kind(data)
        errors.bad("data", came, "batches by step, as training.Batches(images, labels) gives them")
    named = {"loss": loss, "objective": objective, "train_step": train_step}
    given = [key for key, value in named.items() if value is not None]
    if len(given) != 1:
        came = errors.Said(" and ".join(given) if given else "none of them")
        errors.bad("loss, objective, train_step", came, "exactly one")
    if patience is not None:
        patience = errors.number("patience", patience, low=1, whole=True)
        if validation is None:
            errors.bad("patience", patience, "validation= beside it, to judge by")
    if average is not None:
        average = errors.number("average", average, low=0, high=0.999999)
    if validate_every != EPOCH:
        validate_every = errors.number("validate_every", validate_every, low=1, whole=True)
    if isinstance(validation, tuple) and loss is None:
        errors.bad("validation", errors.Said("arrays"), "a function, where there is no loss=")
    return patience, average, validate_every


def _upward(monitor: str, better: str | None, patience: int | None) -> bool:
    """Whether a high monitor is better."""
    if better is not None:
        return errors.choice("better", better, (LOW, HIGH)) == HIGH
    known = [way for word, way in KNOWN_BETTER.items() if word in monitor]
    if patience is not None and len(set(known)) != 1:
        errors.bad("better", better, f"'low' or 'high', as {monitor!r} does not say it")
    return HIGH in known


def _optimizer(optimizer: Any) -> Any:
    try:
        known = keras.optimizers.get(optimizer)
    except ValueError:
        errors.bad("optimizer", optimizer, "a Keras optimizer or its name")
    rate = getattr(known, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        came = errors.Said(f"one with {errors.kind(rate)}")
        errors.bad("optimizer", came, "one with a number as rate; give fit a schedule= instead")
    return known


def _build(model: Any, batch: Batch, objective: Objective | None) -> None:
    """Give a model its variables, by its inputs or by the way an objective calls it."""
    batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
    if objective is None:
        model(batch[0])
        return

    def trace(batch: Batch) -> None:
        objective(model, batch)

    # Traced and not run, so that no state of a layer moves.
    tf.function(trace).get_concrete_function(batch)


def _trainable(owners: Sequence[Any]) -> list[Any]:
    return [
        variable
        for owner in owners
        if not isinstance(owner, keras.optimizers.Optimizer)
        for variable in getattr(owner, "trainable_variables", ())
    ]


def _check_labels(model: Any, data: Any, loss: Any) -> None:
    """Classes must fit the outputs; out of range they give NaN or, worse, a plausible loss."""
    labels = getattr(data, "labels", None)
    if labels is None or labels.dtype.kind not in "iu":
        return
    if labels.ndim != 1 and labels.shape[1:] != (1,):
        return
    outputs = model.output_shape[-1] if hasattr(model, "output_shape") else None
    if not isinstance(outputs, int) or outputs < 2:
        return
    for value in (int(labels.min()), int(labels.max())):
        if not 0 <= value < outputs:
            errors.bad("labels", value, f"classes from 0 to {outputs - 1}, as the model has")


def _validator(model: Any, validation: Any, loss: Any) -> Callable[[], Metrics]:
    if callable(validation):
        return validation
    if not (isinstance(validation, tuple) and len(validation) == 2):
        came = errors.kind(validation)
        errors.bad("validation", came, "(inputs, labels) or a function")
    return evaluator(model, *validation, loss)
