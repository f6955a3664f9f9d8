"""How the two classifiers are trained: the article's recipe and the lesson's.

Both go through `training.fit` and take its budgets (`steps`, `seconds` or `cpu_seconds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import augment as au
from tracklab import errors, training
from tracklab.models.classifier.networks import SIDE
from tracklab.quiet import keras, tf

Array = NDArray[Any]

ARTICLE_BATCH = 32
ARTICLE_EPOCHS = 10
ARTICLE_RATE = 1e-3  # Adam's own default

BATCH = 256
RATE = 0.6  # peak of the triangle, for SGD with Nesterov momentum
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
SMOOTHING = 0.1  # of the labels
RISE = 0.25  # fraction of the training in which the rate rises
SHIFT = 2  # pixels

Stages = tuple[tuple[float, int], ...]
# Side of the images until a fraction of the training is done: a quarter of the pixels costs a
# quarter of the time, and coarse images teach coarse features as well.
GROWING: Stages = ((0.35, 16), (0.7, 24), (1.0, SIDE))
FULL_SIZE: Stages = ((1.0, SIDE),)


def train_article(
    model: Any,
    images: Array,
    labels: Array,
    *,
    batch_size: int = ARTICLE_BATCH,
    seed: int = 0,
    **options: Any,
) -> training.Curves:
    """Train as the article does: Adam at its defaults, batches of 32, no augmentation.

    The loss is told `from_logits=True`, whatever the network puts out: that is the article's
    mistake where the network ends in a softmax. images: `(N, H, W, 3)` pixels. options: of
    `training.fit`, among them the budget; ten epochs are `steps=article_steps(len(images))`.
    """
    settings: dict[str, Any] = {
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "optimizer": keras.optimizers.Adam(ARTICLE_RATE),
        "name": model.name,
    }
    batches = training.Batches(images, labels, batch_size, seed)
    return training.fit(model, batches, **(settings | options))


def article_steps(images: int, *, batch_size: int = ARTICLE_BATCH) -> int:
    """Steps in the article's ten epochs of so many images."""
    return round(ARTICLE_EPOCHS * images / batch_size)


def train_improved(
    model: Any,
    images: Array,
    labels: Array,
    *,
    batch_size: int = BATCH,
    seed: int = 0,
    stages: Stages = GROWING,
    shift: int = SHIFT,
    flip: bool = True,
    augment: au.Transform | None = None,
    smoothing: float = SMOOTHING,
    **options: Any,
) -> training.Curves:
    """Train by the lesson's recipe: few epochs, each of them used well.

    - One triangle of the learning rate, high in the middle (Smith and Topin, 2018), with SGD,
      Nesterov momentum and decoupled weight decay.
    - Smoothed labels: see `smoothed_crossentropy`.
    - Images that are shifted, flipped every other epoch, and grow during training: see `Growing`.

    images: `(N, H, W, 3)` uint8 pixels. options: of `training.fit`, among them the budget.
    """
    settings: dict[str, Any] = {
        "loss": smoothed_crossentropy(smoothing),
        "optimizer": keras.optimizers.SGD(RATE, momentum=MOMENTUM, nesterov=True),
        "schedule": training.triangle(peak=RISE),
        "weight_decay": WEIGHT_DECAY,
        "name": model.name,
    }
    source = Growing(
        images, labels, batch_size, seed, stages=stages, shift=shift, flip=flip, augment=augment
    )
    return training.fit(model, source, **(settings | options))


def smoothed_crossentropy(smoothing: float = SMOOTHING) -> training.Loss:
    """Cross-entropy with the label given `1 - smoothing`, and the rest shared by all classes.

    Szegedy et al., "Rethinking the Inception architecture" (2016), section 7. A network that is
    never asked for certainty keeps its logits small. Takes labels `(N,)`, or rows `(N, C)` of the
    shares of mixed images, and logits `(N, C)`.
    """
    errors.number("smoothing", smoothing, low=0, high=0.99)

    def loss(labels: Any, logits: Any) -> Any:
        log_p = tf.nn.log_softmax(logits)
        if len(labels.shape) == 2:
            of_label = tf.reduce_sum(labels * log_p, axis=-1)  # of a mixed image, by the shares
        else:
            of_label = tf.gather(log_p, labels, axis=1, batch_dims=1)
        # L = -(1 - s) log p(label) - s mean over classes of log p
        return -(1 - smoothing) * of_label - smoothing * tf.reduce_mean(log_p, axis=-1)

    return loss


@dataclass(frozen=True)
class Growing:
    """Batches of images that are shifted and flipped, and grow as the training goes on.

    images: `(N, S, S, 3)` uint8. labels: `(N,)`.
    stages: `(until, side)` pairs: images are scaled to `side` pixels until the fraction `until` of
        the training is done (progressive resizing, as in Howard's entry to DAWNBench, 2018).
    shift: each image is moved by up to so many pixels each way; what enters is mirrored.
    flip: whether images are flipped, as below. augment: what is done after that, before they are
        scaled; mixed images get rows of shares for labels.

    Every image is flipped left to right in every second epoch, a random half of them in the even
    ones, so that both versions are seen equally often (alternating flip: Jordan, 2024). A source
    for `training.fit`; the same seed gives the same batches.
    """

    images: Array
    labels: Array
    batch_size: int = BATCH
    seed: int = 0
    stages: Stages = GROWING
    shift: int = SHIFT
    flip: bool = True
    augment: au.Transform | None = None
    _order: training.Batches = field(init=False, repr=False)
    _padded: Array = field(init=False, repr=False)
    _parity: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = training.Batches(self.images, self.labels, self.batch_size, self.seed)
        if order.images.ndim != 4:
            errors.bad("images", order.images, "shape (N, H, W, 3)")
        if self.augment is not None and not isinstance(self.augment, au.Transform):
            errors.bad("augment", self.augment, "a transform, as augment.Pipeline(...), or None")
        margin = int(errors.number("shift", self.shift, low=0, whole=True))
        edge = ((0, 0), (margin, margin), (margin, margin), (0, 0))
        coin = np.random.default_rng([self.seed, 2])
        for name, value in (
            ("labels", order.labels),
            ("_order", order),
            ("_padded", np.pad(order.images, edge, mode="reflect") if margin else order.images),
            ("_parity", coin.integers(0, 2, len(order))),
        ):
            object.__setattr__(self, name, value)

    @property
    def steps_per_epoch(self) -> float:
        """Examples over batch size."""
        return self._order.steps_per_epoch

    def side(self, progress: float) -> int:
        """Height and width of the images at a progress, in pixels."""
        return next((side for until, side in self.stages if progress < until), self.stages[-1][1])

    def batch(self, step: int, progress: float) -> training.Batch:
        """Images `(batch_size, side, side, 3)` float32, 0 to 255, and labels of batch `step`."""
        chosen = self._order.indices(step)
        rng = np.random.default_rng([self.seed, step, 1])
        moved = self._moved(chosen, rng)
        labels = self.labels[chosen]
        if self.flip:
            epoch = step * self.batch_size // len(self.images)
            moved, _ = au.flipped(moved, (self._parity[chosen] + epoch) % 2 == 1)
        if self.augment is not None:
            moved, labels = self.augment(moved, labels, rng)
        pixels, side = tf.cast(moved, tf.float32), self.side(progress)
        if side != moved.shape[1]:
            pixels = tf.image.resize(pixels, (side, side), antialias=True)
        return pixels, labels

    def _moved(self, chosen: Array, rng: np.random.Generator) -> Array:
        height, width = self.images.shape[1:3]
        down, right = rng.integers(0, 2 * self.shift + 1, (2, len(chosen)))
        places = np.stack([down, right], -1)
        return au.cropped(self._padded[chosen], places, (height, width))
