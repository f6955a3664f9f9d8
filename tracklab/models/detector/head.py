"""The head: what is in a region, and where exactly?

Girshick, "Fast R-CNN" (ICCV 2015), section 2.1: two fully connected layers, then one logit for each
class and for the background, and four offsets that move the region onto the object. The offsets are
the same for all classes here: with so few steps they learn faster together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracklab import boxes
from tracklab.models.detector import losses, sampling
from tracklab.models.detector.parts import NORM_MOMENTUM, output
from tracklab.models.detector.rpn import assigned
from tracklab.quiet import keras, tf

layers = keras.layers

BINS = 8  # of a region, in each direction
POSITIVE, NEGATIVE = 0.5, 0.5  # overlap with an object above and below which a region learns
SAMPLED, MOST_POSITIVE = 32, 16  # regions an image and step
BALANCE = 1.0  # lambda
# Offsets are learned in these units. About a third of the common 0.1 and 0.2: the smooth L1 loss is
# then linear down to smaller errors, so that boxes which fit already go on getting better.
UNITS = np.array([0.03, 0.03, 0.06, 0.06], np.float32)
JITTER = 0.15  # of a true box's size, by which copies of it are moved and stretched
COPIES = 2  # of each true box


def build(channels: int, classes: int, seed: Iterator[int], *, width: int = 256) -> Any:
    """A network from features `(R, BINS, BINS, channels)` to logits `(R, classes + 1)`, the last
    of which is the background, and offsets `(R, 4)` in `UNITS`.
    """
    features = keras.Input((BINS, BINS, channels))
    x = layers.Flatten()(features)
    for _ in range(2):
        he = keras.initializers.HeNormal(seed=next(seed))
        x = layers.Dense(width, use_bias=False, kernel_initializer=he)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=NORM_MOMENTUM)(x))
    logits = output(x, classes + 1, seed, name="classes")
    offsets = output(x, 4, seed, name="boxes", small=0.001)
    return keras.Model(features, [logits, offsets], name="head")


def training_regions(
    regions: Any, truth: Any, labels: Any, *, height: int, width: int, seed: Any
) -> tuple[Any, dict[str, Any]]:
    """The regions `(N, SAMPLED, 4)` of a step, and what the head should say of each.

    regions: `(N, P, 4)` proposals, to which the true boxes and shaken copies of them are added:
    early proposals hit few objects, and a head that sees none learns none. truth, labels: as for
    `rpn.targets`.
    """
    there = tf.reduce_all(tf.math.is_finite(truth), axis=-1, keepdims=True)
    known = tf.where(there, truth, tf.constant([0.0, 0.0, width, height]))
    proposed = tf.shape(regions)[1]
    of_choice, *of_copies = tf.unstack(tf.random.split(seed, 1 + COPIES))
    copies = [boxes.clip(shaken(known, each), height, width) for each in of_copies]
    regions = tf.stop_gradient(tf.concat([regions, known, *copies], axis=1))
    matched = boxes.match(regions, truth, positive=POSITIVE, negative=NEGATIVE, low_quality=False)
    positive, negative, offsets, label = assigned(regions, matched, truth, labels)
    # What stands in for an object that is not there is no example of background.
    of_truth = tf.tile(there[..., 0], [1, 1 + COPIES])
    negative &= tf.concat([tf.ones_like(negative[:, :proposed]), of_truth], axis=1)
    chosen = sampling.balanced(
        positive, negative, count=SAMPLED, most=MOST_POSITIVE, seed=of_choice
    )
    regions, positive, negative, offsets, label = (
        tf.gather(each, chosen, batch_dims=1)
        for each in (regions, positive, negative, offsets, label)
    )
    goal = {
        "is object": tf.cast(positive, tf.float32),
        "used": tf.cast(positive | negative, tf.float32),
        "offsets": offsets / UNITS,
        "label": label,
    }
    return regions, goal


def shaken(truth: Any, seed: Any) -> Any:
    """Boxes `(..., 4)` moved and stretched at random, by about `JITTER` of their size."""
    draws = JITTER * tf.random.stateless_normal(tf.shape(truth), seed)
    return boxes.decode(truth, tf.clip_by_value(draws, -2 * JITTER, 2 * JITTER))


def loss(logits: Any, offsets: Any, goal: dict[str, Any]) -> dict[str, Any]:
    """The loss of the head: "classes" and "boxes". Fast R-CNN, equation 1."""
    background = logits.shape[-1] - 1
    label = tf.where(goal["is object"] > 0, goal["label"], background)
    of_classes, of_boxes = losses.multi_task(
        losses.class_loss(logits, label),
        losses.box_loss(offsets, goal["offsets"]),
        used=goal["used"],
        is_object=goal["is object"],
        balance=BALANCE,
    )
    return {"classes": of_classes, "boxes": of_boxes}


def judged(logits: Any, offsets: Any, regions: Any, *, height: int, width: int) -> tuple[Any, Any]:
    """Boxes `(N, R, 4)` inside the picture, and probabilities `(N, R, C)` of the classes."""
    moved = boxes.clip(boxes.decode(regions, offsets * UNITS), height, width)
    return moved, tf.nn.softmax(logits)[..., :-1]
