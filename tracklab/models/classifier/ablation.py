"""What an augmentation is worth: the classifier on few images, in a budget of CPU time.

The budget is of the whole training, augmentation included: a recipe that costs time gets fewer
steps. Everything else is the same: network, start, images, order.

`recipes` are what is compared: each family alone, and the best that was found of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracklab import augment as au
from tracklab import datasets, errors, training
from tracklab.augment.sampler import MIRROR
from tracklab.models.classifier import networks, recipe
from tracklab.models.classifier.judge import evaluate

BATCH = 128  # a set of 500 images has four of these
NONE, BEST = "none", "best"


def recipes(classes: int) -> dict[str, au.Transform | None]:
    """By name, what is done to small images (32x32) of so many classes: nothing, each of the six
    families alone (flips along both axes), and the best of what was tried."""
    affine = au.Affine(shear=0.15, scale=(0.75, 1.3), p=0.7, border=MIRROR)
    colour = au.Colour(0.25, 0.35, 0.5, 0.04, p=0.8)
    return {
        NONE: None,
        "flip": au.Flip(),
        "vertical flip": au.Flip("vertical"),
        "rotation": au.Rotation(15, border=MIRROR),
        "affine": au.Affine(border=MIRROR),
        "crop": au.Crop((0.5, 1)),
        "image": au.Pipeline(
            au.Colour(p=0.8), au.Blur((0.3, 0.8), p=0.2), au.Noise(p=0.2), au.Cutout()
        ),
        "mixing": au.Pipeline(au.Mixup(0.2, classes, p=0.5), au.CutMix(p=0.5)),
        BEST: au.Pipeline(au.Flip(), affine, colour, au.Cutout((0.25, 0.5))),
    }


@dataclass(frozen=True)
class Few:
    """One training on few images.

    accuracy, loss: on all test images. train_accuracy: on the images that it learned from, as they
    are. seconds, cpu_seconds: of training.
    """

    images: int
    seed: int
    accuracy: float
    loss: float
    train_accuracy: float
    steps: int
    epochs: float
    seconds: float
    cpu_seconds: float
    curves: training.Curves


def train_few(
    images: datasets.Images,
    count: int,
    *,
    augment: au.Transform | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    **options: Any,
) -> tuple[Any, Few]:
    """Train `improved` on `count` of the training images; the network, and how good it is.

    augment: a transform, or None for the images as they are. seed: of the images that are taken, of
        the network's start and of every draw: the same seed without `augment` is the baseline.
    options: of `train_improved`: the budget (`cpu_seconds`, `seconds` or `steps`), `stages`,
        `progress`, and `shift` and `flip`, which are off here unless given.

    Raises `InputError` for more images than there are, and what is no transform.
    """
    few = images.subset(train=count, seed=seed)
    if not isinstance(augment, (au.Transform, type(None))):
        errors.bad("augment", augment, "a transform, as augment.Pipeline(...), or None")
    x, y = few.train_images, few.train_labels
    model = networks.improved(x, classes=len(few.class_names), seed=seed)
    settings: dict[str, Any] = {"shift": 0, "flip": False, "stages": recipe.FULL_SIZE}
    settings |= {"batch_size": min(batch_size, count), "name": f"{count} images"}
    curves = recipe.train_improved(model, x, y, seed=seed, augment=augment, **(settings | options))
    judged = evaluate(model, few.test_images, few.test_labels)
    return model, Few(
        images=count,
        seed=seed,
        accuracy=judged.accuracy,
        loss=judged.loss,
        train_accuracy=evaluate(model, x, y).accuracy,
        steps=len(curves),
        epochs=float(curves.epoch[-1]),
        seconds=float(curves.seconds[-1]),
        cpu_seconds=float(curves.cpu_seconds[-1]),
        curves=curves,
    )
