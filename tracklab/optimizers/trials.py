"""Trials: one method trains one network at one rate, and what that came to is written down.

`cnn`, `heads` and `motion_rnn` are tasks as `tracklab.sweep` takes them: each is called with
`method`, `rate`, `seed` and `budget`, and returns figures and curves by name. The curves hold the
loss on held-out examples over three axes: steps, gradients, seconds (wall and processor's).

Invariant: the same task, seed and budget begin with the same weights and see the same batches,
whatever the method and its rate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
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
from tracklab.training.steps import evaluator

Floats = NDArray[np.float64]
Found = dict[str, Any]

BUDGET = 200  # steps
LOOKS = 10  # at the held-out examples, beside the one at the start
HELD_OUT_SEED = 77_777  # no trial learns from what this seed draws
CONSTANT, COSINE = "constant", "cosine"
SCHEDULES = {CONSTANT: training.constant, COSINE: training.cosine()}

CNN_IMAGES, CNN_HELD_OUT, CNN_BATCH = 4_000, 500, 64
HEADS_FRAMES, HEADS_HELD_OUT, HEADS_BATCH = 96, 32, 8
RNN_KIND, RNN_UNITS, RNN_BATCH, RNN_FRAMES, RNN_HELD_OUT = "gru", 16, 32, 20, 256


def trial(
    model: Any,
    data: training.Source,
    objective: Any,
    held_out: Callable[[], float],
    *,
    method: str,
    rate: float,
    seed: int = 0,
    budget: int = BUDGET,
    schedule: str = CONSTANT,
    clip: float = 0.0,
) -> Found:
    """Train a network by one of the written-out methods and look at it on the way.

    model, data, objective: as `training.fit` takes them. held_out: the loss on examples that are
        not learned from, of the model as it is; the clock stands still meanwhile.
    method, rate: as `plugged` takes them. seed: of what the objective draws. budget: steps.
    schedule: of the rate, "constant" or "cosine". clip: the longest gradient, all weights together;
        0 for no limit.

    Figures: loss (held out, at the end; inf where it diverged), start, lowest, steps, gradients,
    seconds and cpu_seconds of the steps, without the first, in which TensorFlow compiles. Curves,
    one entry a look: held_out, at_step, at_gradient, at_second, at_cpu_second.
    """
    budget = int(errors.number("budget", budget, low=1, whole=True))
    errors.choice("schedule", schedule, SCHEDULES)
    limit = float(errors.number("clip", clip, low=0))
    optimizer = plugged(
        *(method, rate),
        clip=(lambda gradients: clipping.by_global_norm(gradients, limit)) if limit else None,
    )
    start = held_out()
    diverged = False
    try:
        curves = training.fit(
            *(model, data),
            objective=objective,
            optimizer=optimizer,
            steps=budget,
            schedule=SCHEDULES[schedule],
            validation=lambda: {"loss": held_out()},
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
    return {
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


def _without_compiling(times: Floats) -> Floats:
    """Times of steps as if the first had taken as long as the others."""
    if len(times) < 2:
        return np.zeros(len(times))
    usual = float(np.median(np.diff(times)))
    # t' = t - t_1 + median step
    return times - times[0] + usual


def cnn(
    method: str,
    rate: float,
    seed: int = 0,
    budget: int = BUDGET,
    schedule: str = CONSTANT,
    clip: float = 0.0,
) -> Found:
    """Lesson 02's repaired article network on 4,000 images of CIFAR-10 (or of what stands in).

    Figures and curves as `trial` says, and accuracy, on 500 held-out images.
    """
    images, labels, test_images, test_labels = _pictures()
    model = classifier.article(classifier.LOGITS, seed=seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    look = evaluator(model, test_images, test_labels, loss)
    data = training.Batches(images, labels, CNN_BATCH, seed)
    found = trial(
        *(model, data, training.objective_of(loss), lambda: look()["loss"]),
        method=method,
        rate=rate,
        seed=seed,
        budget=budget,
        schedule=schedule,
        clip=clip,
    )
    # a network that diverged is back at its start, and what it can do there is no result
    return found | {"accuracy": look()["accuracy"] if math.isfinite(found["loss"]) else None}


@functools.cache
def _pictures() -> tuple[Any, Any, Any, Any]:
    images = datasets.cifar10().subset(train=CNN_IMAGES, test=CNN_HELD_OUT)
    return images.train_images, images.train_labels, images.test_images, images.test_labels


def heads(
    method: str,
    rate: float,
    seed: int = 0,
    budget: int = BUDGET,
    schedule: str = CONSTANT,
    clip: float = 0.0,
) -> Found:
    """The region proposal network and the head of lesson 04's detector, new, on the shipped one's
    backbone, which stays as it is: its maps are computed once.
    """
    model = Heads(seed)
    frames, others = _maps(HEADS_FRAMES, "train"), _maps(HEADS_HELD_OUT, "test")
    judged = tf.function(lambda k: model.loss(_rows(others, k), tf.stack([k[0], HELD_OUT_SEED])))
    parts = [
        tf.range(start, start + HEADS_BATCH) for start in range(0, HEADS_HELD_OUT, HEADS_BATCH)
    ]
    return trial(
        *(model, _Maps(frames, HEADS_BATCH, seed), heads_objective),
        lambda: float(np.mean([float(judged(part)) for part in parts])),
        method=method,
        rate=rate,
        seed=seed,
        budget=budget,
        schedule=schedule,
        clip=clip,
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


def motion_rnn(
    method: str,
    rate: float,
    seed: int = 0,
    budget: int = BUDGET,
    schedule: str = CONSTANT,
    clip: float = moving.CLIP,
) -> Found:
    """Lesson 05's motion network, a GRU of 16 units, on fresh trajectories of 20 frames.

    clip: as in lesson 05, unless another is given.
    """
    model = motion.Network(RNN_KIND, units=RNN_UNITS, seed=seed)
    options = {"lengths": ((0.0, RNN_FRAMES),)}
    data = moving.Trajectories(batch_size=RNN_BATCH, seed=seed, **options)  # type: ignore[arg-type]
    other = moving.Trajectories(batch_size=RNN_HELD_OUT, seed=HELD_OUT_SEED, **options)  # type: ignore[arg-type]
    held_out = tuple(tf.constant(part) for part in other.batch(0))
    judged = tf.function(lambda: moving.objective(model, held_out)["loss"])
    return trial(
        *(model, data, moving.objective, lambda: float(judged())),
        method=method,
        rate=rate,
        seed=seed,
        budget=budget,
        schedule=schedule,
        clip=clip,
    )


TASKS: dict[str, Callable[..., Found]] = {"cnn": cnn, "heads": heads, "motion_rnn": motion_rnn}
