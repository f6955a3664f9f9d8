"""Trials: one method trains one network at one rate, and what that came to is written down.

`cnn`, `heads` and `motion_rnn` are tasks as `tracklab.sweep` takes them: each is called with
`method`, `rate`, `seed` and `budget`, and returns figures and curves by name. The curves hold the
loss on held-out examples over three axes: steps, gradients, seconds (wall and processor's).

Invariant: the same task, seed and budget begin with the same weights and see the same batches,
whatever the method and its rate, and whatever was tried before.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import datasets, errors, motion, training
from tracklab.models import classifier, detector
from tracklab.models.detector import recipe as detecting
from tracklab.models.detector.backbone import FINE
from tracklab.models.detector.base import prepared
from tracklab.motion import recipe as moving
from tracklab.optimizers import clipping
from tracklab.optimizers.plugged import plugged
from tracklab.quiet import keras, tf
from tracklab.training.batches import Seeded
from tracklab.training.steps import compiled_step, evaluator, takes_seed, with_seed

Floats = NDArray[np.float64]
Found = dict[str, Any]

BUDGET = 200  # steps
LOOKS = 10  # at the held-out examples, beside the one at the start
HELD_OUT_SEED = 77_777  # no trial learns from what this seed draws
CONSTANT, COSINE, WARMUP = "constant", "cosine", "warm-up, cosine"
SCHEDULES = {
    CONSTANT: training.constant,
    COSINE: training.cosine(),
    WARMUP: training.cosine(warmup=0.1),
}

CNN_IMAGES, CNN_HELD_OUT, CNN_BATCH = 20_000, 1_000, 64
HEADS_FRAMES, HEADS_HELD_OUT, HEADS_BATCH = 96, 32, 8
RNN_KIND, RNN_UNITS, RNN_BATCH, RNN_FRAMES, RNN_HELD_OUT = "gru", 16, 32, 20, 256


class Bench:
    """A network that many trials share: compiled once a method, begun anew for every trial.

    model, objective: as `training.fit` takes them. held_out: figures by name, "loss" among them, on
    examples that are not learned from, of the model as it is; the clock stands still meanwhile.
    first: by seed, the arrays that the model's variables begin with. data: by seed, the batches.
    """

    def __init__(
        self,
        model: Any,
        objective: Any,
        held_out: Callable[[], Mapping[str, float]],
        *,
        first: Callable[[int], Sequence[Any]],
        data: Callable[[int], training.Source],
    ) -> None:
        self.model, self.held_out, self.first, self.data = model, held_out, first, data
        self.draws = takes_seed(objective)
        self.objective = with_seed(objective) if self.draws else objective
        self._ready: dict[tuple[str, float], tuple[Any, list[Any], Any]] = {}

    def trial(
        self,
        method: str,
        rate: float,
        *,
        seed: int = 0,
        budget: int = BUDGET,
        schedule: str = CONSTANT,
        clip: float = 0.0,
    ) -> Found:
        """Train the network by one of the written-out methods and look at it on the way.

        method, rate: as `plugged` takes them. seed: of the first weights, of the batches, and of
            what the objective draws. budget: steps. schedule: of the rate, one of
            `SCHEDULES`.
            clip: the longest gradient, all weights together; 0 for no limit.

        Figures: loss (held out, at the end; inf where it diverged), start, lowest, steps,
        gradients, seconds and cpu_seconds of the steps, the first counted as long as the usual one,
        for in it TensorFlow may compile; and what else `held_out` measures, at the end, None where
        it diverged. Curves, one entry a look: held_out, at_step, at_gradient, at_second,
        at_cpu_second.
        """
        rate = float(errors.number("rate", rate, low=0))
        seed = int(errors.number("seed", seed, low=0, whole=True))
        budget = int(errors.number("budget", budget, low=1, whole=True))
        errors.choice("schedule", schedule, SCHEDULES)
        optimizer, step = self._begun(method, float(errors.number("clip", clip, low=0)), seed)
        data = self.data(seed)
        seen: dict[str, float] = {}

        def look() -> dict[str, float]:
            seen.update(self.held_out())
            return {"loss": seen["loss"]}

        start, diverged = float(look()["loss"]), False
        try:
            curves = training.fit(
                *(self.model, Seeded(data, seed) if self.draws else data),
                train_step=step,
                optimizer=optimizer,
                learning_rate=rate,
                steps=budget,
                schedule=SCHEDULES[schedule],
                validation=look,
                validate_every=max(1, budget // LOOKS),
                seed=seed,
                progress=False,
                name=method,
            )
        except training.Diverged as error:
            curves, diverged = error.curves, True
        times = [_without_compiling(curves[name]) for name in ("seconds", "cpu_seconds")]
        looks = np.flatnonzero(np.isfinite(curves.val_loss))
        at = [np.concatenate([[0.0], column[looks]]) for column in (curves.step, *times)]
        losses = np.concatenate([[start], curves.val_loss[looks]])
        # a network that diverged is back at its start, and what it can do there is no result
        others = {k: None if diverged else v for k, v in seen.items() if k != "loss"}
        return others | {
            "loss": math.inf if diverged else float(losses[-1]),
            "start": start,
            "lowest": float(losses.min()),
            "steps": len(curves),
            "gradients": len(curves),
            "seconds": float(times[0][-1]) if len(curves) else 0.0,
            "cpu_seconds": float(times[1][-1]) if len(curves) else 0.0,
            "held_out": losses,
            "at_step": at[0],
            # these methods ask for one gradient of a batch in each step, and for nothing else
            "at_gradient": at[0],
            "at_second": at[1],
            "at_cpu_second": at[2],
        }

    def _begun(self, method: str, clip: float, seed: int) -> tuple[Any, Any]:
        """A method's optimizer and its compiled step, both and the model as if they were new."""
        key = (method, clip)
        if key not in self._ready:
            limited = functools.partial(clipping.by_global_norm, limit=clip) if clip else None
            optimizer = plugged(method, clip=limited)
            optimizer.build(self.model.trainable_variables)
            empty = [variable.numpy() for variable in optimizer.variables]
            step = compiled_step(self.model, self.objective, optimizer)
            self._ready[key] = optimizer, empty, step
        optimizer, empty, step = self._ready[key]
        for variable, value in zip(optimizer.variables, empty, strict=True):
            variable.assign(value)
        for variable, value in zip(self.model.variables, self.first(seed), strict=True):
            variable.assign(value)
        return optimizer, step


def _without_compiling(times: Floats) -> Floats:
    """Times of steps as if the first had taken as long as the others."""
    if len(times) < 2:
        return np.zeros(len(times))
    usual = float(np.median(np.diff(times)))
    # t' = t - t_1 + median step
    return times - times[0] + usual


def cnn(method: str, rate: float, **how: Any) -> Found:
    """Lesson 02's repaired article network on 20,000 images of CIFAR-10 (or of what stands in).

    how: of `Bench.trial`. Figures and curves as it says, and accuracy, on 1,000 held-out images.
    """
    return _cnn().trial(method, rate, **how)


@functools.cache
def _cnn() -> Bench:
    found = _pictures()
    model = classifier.article(classifier.LOGITS, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return Bench(
        *(model, training.objective_of(loss)),
        evaluator(model, found.test_images, found.test_labels, loss),
        first=lambda seed: classifier.article(classifier.LOGITS, seed=seed).get_weights(),
        data=lambda seed: training.Batches(found.train_images, found.train_labels, CNN_BATCH, seed),
    )


@functools.cache
def _pictures() -> Any:
    return datasets.cifar10(train=CNN_IMAGES, test=CNN_HELD_OUT)


def heads(method: str, rate: float, **how: Any) -> Found:
    """The region proposal network and the head of lesson 04's detector, new, on the shipped one's
    backbone, which stays as it is: its maps are computed once.

    how: of `Bench.trial`.
    """
    return _heads().trial(method, rate, **how)


@functools.cache
def _heads() -> Bench:
    model = Heads(0)
    frames, others = _maps(HEADS_FRAMES, "train"), _maps(HEADS_HELD_OUT, "test")
    judged = tf.function(lambda k: model.loss(_rows(others, k), tf.stack([k[0], HELD_OUT_SEED])))
    parts = [
        tf.range(start, start + HEADS_BATCH) for start in range(0, HEADS_HELD_OUT, HEADS_BATCH)
    ]
    return Bench(
        *(model, heads_objective),
        lambda: {"loss": float(np.mean([float(judged(part)) for part in parts]))},
        first=lambda seed: [v.numpy() for v in Heads(seed).variables],
        data=lambda seed: _Maps(frames, HEADS_BATCH, seed),
    )


class Heads:
    """What a Faster R-CNN learns on maps that are given: its proposals and its head."""

    built = True

    def __init__(self, seed: int) -> None:
        self.detector: Any = detector.build(
            *("faster", _shipped().class_names), seed=seed, widths=_shipped().options["widths"]
        )
        own = [self.detector.parts[name] for name in ("rpn", "head")]
        self.variables = [v for part in own for v in part.variables]
        self.trainable_variables = [v for part in own for v in part.trainable_variables]
        self.losses: list[Any] = []

    def loss(self, batch: training.Batch, seed: Any) -> Any:
        """The sum of the detector's losses on maps and their truth."""
        fine, coarse, truth, labels = batch
        height, width = (FINE * int(side) for side in fine.shape[1:3])
        none = tf.zeros((tf.shape(fine)[0], 0, 4))  # regions from outside
        parts = self.detector.loss_on(
            *((fine, coarse), height, width, truth, labels, none), seed=seed
        )
        return sum(parts.values())


def heads_objective(model: Heads, batch: training.Batch, seed: Any) -> dict[str, Any]:
    """The loss of a batch of maps; regions are sampled by the seed."""
    return {"loss": model.loss(batch, seed)}


class _Maps(training.Batches):
    """Batches of maps, of which `Batches` shuffles the numbers."""

    def __init__(self, maps: Any, batch_size: int, seed: int) -> None:
        places = np.arange(len(maps[0]))
        super().__init__(places, places, batch_size, seed)
        object.__setattr__(self, "maps", maps)

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """Fine and coarse maps, true boxes and labels of batch `step`."""
        return _rows(self.maps, super().batch(step, progress)[0])  # type: ignore[attr-defined]


def _rows(maps: Any, which: Any) -> Any:
    return tuple(tf.gather(part, which) for part in maps)


@functools.cache
def _shipped() -> Any:
    return detector.shipped()[0]


@functools.cache
def _maps(count: int, part: str) -> Any:
    """Fine and coarse maps of frames of scenes, their true boxes and labels, as tensors."""
    frames = datasets.boxed_scenes("plain", count, part=part, seed=0)
    pixels, truth, labels = detecting.padded(frames, len(_shipped().class_names))
    found = []
    for start in range(0, count, HEADS_BATCH):
        ready, _, _ = prepared(tf.constant(pixels[start : start + HEADS_BATCH]))
        found.append(_shipped().maps(ready))
    fine, coarse = (tf.concat(parts, 0) for parts in zip(*found, strict=True))
    return fine, coarse, tf.constant(truth), tf.constant(labels)


def motion_rnn(method: str, rate: float, **how: Any) -> Found:
    """Lesson 05's motion network, a GRU of 16 units, on fresh trajectories of 20 frames.

    how: of `Bench.trial`; gradients are clipped as in lesson 05 unless it says another limit.
    """
    return _motion_rnn().trial(method, rate, **({"clip": moving.CLIP} | how))


@functools.cache
def _motion_rnn() -> Bench:
    def network(seed: int) -> motion.Network:
        return motion.Network(RNN_KIND, units=RNN_UNITS, seed=seed)

    def source(seed: int, count: int) -> moving.Trajectories:
        return moving.Trajectories(batch_size=count, seed=seed, lengths=((0.0, RNN_FRAMES),))

    model = network(0)
    held_out = tuple(tf.constant(part) for part in source(HELD_OUT_SEED, RNN_HELD_OUT).batch(0))
    judged = tf.function(lambda: moving.objective(model, held_out)["loss"])
    return Bench(
        *(model, moving.objective, lambda: {"loss": float(judged())}),
        first=lambda seed: [v.numpy() for v in network(seed).variables],
        data=lambda seed: source(seed, RNN_BATCH),
    )


def data_of(name: str) -> str:
    """What a task learns from and is judged on, in words: every table bears it."""
    known: dict[str, Callable[[], str]] = {
        "cnn": lambda: str(_pictures()),
        "heads": lambda: f"{HEADS_FRAMES} frames of drawn scenes, {HEADS_HELD_OUT} held out",
        "motion_rnn": lambda: f"fresh trajectories of {RNN_FRAMES} frames, {RNN_HELD_OUT} held out",
    }
    return known[errors.choice("name", name, known)]()


TASKS: dict[str, Callable[..., Found]] = {"cnn": cnn, "heads": heads, "motion_rnn": motion_rnn}
