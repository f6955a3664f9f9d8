"""How a detector is trained: examples that are moved, and one loss whose parts are added up.

`train` goes through `training.fit` and takes its budgets (`steps`, `seconds` or `cpu_seconds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import augment as au
from tracklab import boxes as bx
from tracklab import errors, training
from tracklab.models.detector.base import Detector, as_images, boxed
from tracklab.models.detector.second_look import SecondLook
from tracklab.quiet import keras

Array = NDArray[Any]

BATCH = 8
RATE = 3e-3  # of Adam, at its peak
FLAT = 0.6  # of the training at the peak, then straight down to 0
AVERAGE = 0.99
CLIP = 10.0  # of the length of the gradient, all weights together
SHIFT = 8  # pixels
SMALLEST = 4.0  # pixels: what a shift leaves of an object at the border, to be learned from

NOTHING, IGNORED = -1, -2  # labels of rows that hold no object, and one that does not count


def train(
    model: Detector,
    images: Any,
    *,
    batch_size: int = BATCH,
    seed: int = 0,
    flip: bool = True,
    shift: int = SHIFT,
    augment: au.Transform | None = None,
    **options: Any,
) -> training.Curves:
    """Train a detector on a `datasets.BoxedImages`; returns the curves.

    batch_size, seed: of the batches; `seed` decides every draw. flip: half of the images are
    mirrored left to right. shift: each is moved by up to so many pixels each way.
    augment: what else is done to images and boxes, after that; to see what it alone is worth, take
        `flip=False, shift=0`. Images must stay of one size.
    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
        `validation`, `checkpoint` and `progress`.

    The curves hold the addends of the loss by name. Images without objects teach background.
    Raises `InputError` for what is no detector or no such set, a set without images or without
    objects, other classes than the model's, and a `SecondLook`, whose two networks learn from
    different things.
    """
    if not isinstance(model, Detector):
        errors.bad("model", model, "a detector, as detector.build makes it")
    if isinstance(model, SecondLook):
        wanted = "its finder (on `unnamed(images)`) or its namer (on `cut_out(images)`)"
        errors.bad("model", model, wanted)
    boxed(images)
    names = tuple(getattr(images, "class_names", model.class_names))
    if names != model.class_names:
        errors.bad("images", errors.Said(f"classes {names}"), f"those of {model.class_names}")
    source = Examples(
        *padded(images, len(model.class_names)),
        batch_size=batch_size,
        seed=seed,
        flip=flip,
        shift=shift,
        augment=augment,
        detector=model,
    )
    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.Adam(RATE, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "name": model.kind,
    }
    chosen = settings | {"objective": objective, "seed": seed} | options
    return training.fit(model, source, **chosen)


def objective(model: Detector, batch: training.Batch, seed: Any) -> dict[str, Any]:
    """The loss of a batch and its addends. Fast R-CNN, equation 1; Faster R-CNN, equation 1."""
    images, truth, labels, regions = batch
    parts = model.loss(images, truth, labels, regions, seed=seed)
    return {"loss": sum(parts.values()), **parts}


@dataclass(frozen=True)
class Examples:
    """Batches of images with their boxes, changed at random. A `training.Source`.

    images: `(N, H, W, 3)` uint8. truth: `(N, M, 4)`, NaN for none. labels: `(N, M)`, below 0 for
    none. flip, shift, augment: as `train` has them. detector: whose external regions come with the
    images.

    The same seed gives the same batches, step by step.
    """

    images: Array
    truth: Array
    labels: Array
    batch_size: int = BATCH
    seed: int = 0
    flip: bool = True
    shift: int = SHIFT
    augment: au.Transform | None = None
    detector: Detector | None = None
    _order: training.Batches = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = np.arange(len(self.images))
        order = training.Batches(places, places, self.batch_size, self.seed)
        object.__setattr__(self, "_order", order)
        errors.number("shift", self.shift, low=0, high=min(self.images.shape[1:3]), whole=True)
        if self.augment is not None and not isinstance(self.augment, au.Transform):
            errors.bad("augment", self.augment, "a transform, as augment.Pipeline(...), or None")

    @property
    def steps_per_epoch(self) -> float:
        """Images over batch size."""
        return self._order.steps_per_epoch

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """Images `(B, H, W, 3)`, true boxes, labels and regions `(B, P, 4)` of batch `step`."""
        chosen = self._order.indices(step)
        # The third word keeps these draws apart from those of the order.
        rng = np.random.default_rng([self.seed, step, 1])
        images, truth, labels = self.images[chosen], self.truth[chosen], self.labels[chosen]
        if self.flip:
            mirrored = rng.random(len(chosen)) < 0.5
            images, truth = flipped(images, truth, mirrored)
        if self.shift:
            steps = rng.integers(-self.shift, self.shift + 1, (len(chosen), 2))
            images, truth, labels = shifted(images, truth, labels, steps)
        if self.augment is not None:
            images, truth, labels = self.augment.boxed(images, truth, labels, rng)
        regions = np.zeros((len(chosen), 0, 4), np.float32)
        if self.detector is not None:
            regions = self.detector.regions_of(images)
        return images, truth, labels, regions


def flipped(images: Array, truth: Array, which: Array) -> tuple[Array, Array]:
    """Images and boxes, those where `which (B,)` is true mirrored left to right."""
    mirrored, boxes = au.flipped(images, which, truth)
    assert boxes is not None
    return mirrored, boxes


def shifted(images: Array, truth: Array, labels: Array, steps: Array) -> tuple[Array, Array, Array]:
    """Images and boxes, each moved by `steps (B, 2)` pixels down and right; the border is repeated.

    What a box loses at the border is cut off; an object of which less than `SMALLEST` pixels are
    left in a direction is none any more.
    """
    moved, boxes = au.shifted(images, truth, steps)
    boxes = bx.clip(boxes, *images.shape[1:3])
    left = bx.sizes(boxes).min(-1)
    whole = bx.sizes(truth).min(-1)
    # NaN is never below: a row without an object stays one
    gone = (left < SMALLEST) & (left < whole)
    return moved, np.where(gone[..., None], np.nan, boxes), np.where(gone, NOTHING, labels)


def padded(images: Any, classes: int) -> tuple[Array, Array, Array]:
    """Images `(N, H, W, 3)`, boxes `(N, M, 4)` with NaN for none, and labels `(N, M)`.

    Ignored objects keep their boxes, with the label `IGNORED`. Raises `InputError` for no images,
    no object in any of them, and labels that are no class.
    """
    pixels = as_images(images.images)
    objects = list(images.objects)
    if not len(pixels) or not any((~each.ignored).any() for each in objects):
        errors.bad("images", images, "a set with at least one image and one object that counts")
    most = max(len(each) for each in objects)
    truth = np.full((len(pixels), most, 4), np.nan, np.float32)
    labels = np.full((len(pixels), most), NOTHING, np.int32)
    for k, each in enumerate(objects):
        if len(each) and int(each.labels.max()) >= classes:
            came = errors.Said(f"label {int(each.labels.max())} in image {k}")
            errors.bad("images", came, f"classes from 0 to {classes - 1}, as the model has")
        truth[k, : len(each)] = each.boxes
        labels[k, : len(each)] = np.where(each.ignored, IGNORED, each.labels)
    return pixels, truth, labels
