"""A one-stage detector on the same backbone: objects as points, without proposals.

Zhou, Wang and Kraehenbuehl, "Objects as points" (2019, CenterNet): each class has a map that is 1
at the middle of an object and falls off around it; at that place the size and the exact middle are
read. It is the idea of YOLO (Redmon et al., "You only look once", CVPR 2016): the place where an
object's middle falls answers for it, and one pass of the network says everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracklab.models.detector.backbone import FINE
from tracklab.models.detector.base import Detector, Raw, prepared, suppressed
from tracklab.models.detector.losses import smooth_l1
from tracklab.models.detector.parts import conv, output
from tracklab.quiet import keras, tf

FOCUS, FORGIVING = 2.0, 4.0  # alpha and beta of the focal loss
REACH = 0.12  # deviation of the bump around a middle, in parts of the object's size
BALANCE = 1.0  # of the loss of boxes
RARE = -4.6  # logit of a class at first: 1 %, as nearly all places are empty
CANDIDATES = 100  # peaks that are read, at most
SIZE = 24.0  # pixels: sizes are learned as log of the size over this


def build(channels: int, classes: int, seed: Iterator[int], *, width: int = 64) -> Any:
    """A network from the fine map `(N, h, w, channels)` to logits `(N, h, w, classes)` and, at
    each place, where the middle is in it and how large the object is `(N, h, w, 4)`.
    """
    fine = keras.Input((None, None, channels))
    x = conv(fine, width, seed)
    heat = output(x, classes, seed, name="heat", bias=RARE)
    boxes = output(x, 4, seed, name="boxes", small=0.001)
    return keras.Model(fine, [heat, boxes], name="points")


class OneStage(Detector):
    """Every place of the fine map says whether an object's middle is there, and of what size."""

    kind = "one-stage"

    def fine(self, images: Any, *, training: bool = False) -> Any:
        """The backbone's fine map `(N, h, w, C)` of images as they are."""
        return self.parts["backbone"](prepared(images)[0], training=training)[0]

    def said(self, fine: Any, *, training: bool = False) -> tuple[Any, Any]:
        """Logits `(N, h, w, C)` and boxes `(N, h, w, 4)` as the network says them."""
        heat, boxes = self.parts["points"](fine, training=training)
        return heat, boxes

    def raw(self, images: Any, regions: Any, score: Any, overlap: Any, most: Any) -> Raw:
        """Peaks of the map, the boxes that are read there, and suppression."""
        heat, said = self.said(self.fine(images))
        return suppressed(*peaks(heat, said, images.shape[1:3]), score, overlap, most)

    def loss(
        self, images: Any, truth: Any, labels: Any, regions: Any, *, seed: Any
    ) -> dict[str, Any]:
        """The loss of the map and of the boxes at the middles."""
        heat, said = self.said(self.fine(images, training=True), training=True)
        height, width = heat.shape[1:3]
        goal, middles = bumps(truth, labels, height, width, heat.shape[3])
        known = tf.cast(labels >= 0, tf.float32)
        count = tf.maximum(tf.reduce_sum(known), 1.0)
        flat = tf.reshape(said, [-1, height * width, 4])
        offsets = tf.gather(flat, middles[..., 0] * width + middles[..., 1], batch_dims=1)
        aim = tf.where(known[..., None] > 0, encode(truth, middles), offsets)
        of_boxes = known[..., None] * smooth_l1(offsets - tf.stop_gradient(aim))
        return {
            "classes": tf.reduce_sum(focal_loss(heat, goal)) / count,
            "boxes": BALANCE * tf.reduce_sum(of_boxes) / count,
        }


def focal_loss(logits: Any, goal: Any) -> Any:
    """CenterNet, equation 1, at every place and class: what is easy hardly counts.

    Lin et al., "Focal loss for dense object detection" (ICCV 2017), softened near the middles.
    """
    p = tf.sigmoid(logits)
    # -(1 - p)^alpha log p at a middle, -(1 - Y)^beta p^alpha log(1 - p) elsewhere
    at_middle = -((1 - p) ** FOCUS) * tf.math.log_sigmoid(logits)
    elsewhere = -((1 - goal) ** FORGIVING) * p**FOCUS * tf.math.log_sigmoid(-logits)
    return tf.where(goal >= 1, at_middle, elsewhere)


def bumps(truth: Any, labels: Any, height: int, width: int, classes: int) -> tuple[Any, Any]:
    """The map to aim at `(N, h, w, C)`, and the places `(N, M, 2)` (row, column) of the middles.

    1 at the place of a middle, falling off like a bell around it; the higher where two overlap.
    """
    x1, y1, x2, y2 = tf.unstack(truth / FINE, axis=-1)
    there = tf.math.is_finite(x1)
    limits = tf.constant([height - 1, width - 1])
    middle = tf.stack([(y1 + y2) / 2, (x1 + x2) / 2], axis=-1)
    place = tf.cast(tf.floor(tf.where(there[..., None], middle, 0.0)), tf.int32)
    place = tf.clip_by_value(place, 0, limits)
    size = tf.where(there, tf.sqrt((x2 - x1) * (y2 - y1)), 1.0)
    spread = tf.maximum(REACH * size, 0.3)[..., None, None]
    rows = tf.range(height, dtype=tf.float32)[:, None]
    columns = tf.range(width, dtype=tf.float32)[None, :]
    row, column = (tf.cast(place[..., k], tf.float32)[..., None, None] for k in (0, 1))
    # Y = exp(-((x - cx)^2 + (y - cy)^2) / (2 sigma^2))
    bell = tf.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2))
    of_class = tf.one_hot(labels, classes)  # all zeros for labels below 0
    return tf.reduce_max(bell[..., None] * of_class[:, :, None, None], axis=1), place


def encode(truth: Any, places: Any) -> Any:
    """Boxes `(N, M, 4)` as they are said at places `(N, M, 2)`: where the middle is in the place,
    and log of width and height over `SIZE`.
    """
    x1, y1, x2, y2 = tf.unstack(truth, axis=-1)
    row, column = (tf.cast(places[..., k], tf.float32) + 0.5 for k in (0, 1))
    # dx = cx / stride - (column + 1/2), dw = log(w / SIZE)
    dx, dy = (x1 + x2) / (2 * FINE) - column, (y1 + y2) / (2 * FINE) - row
    return tf.stack([dx, dy, tf.math.log((x2 - x1) / SIZE), tf.math.log((y2 - y1) / SIZE)], -1)


def decode(said: Any, places: Any) -> Any:
    """The inverse of `encode`, in float32 pixels."""
    row, column = (tf.cast(places[..., k], tf.float32) + 0.5 for k in (0, 1))
    dx, dy, dw, dh = tf.unstack(said, axis=-1)
    cx, cy = (column + dx) * FINE, (row + dy) * FINE
    w, h = SIZE * tf.exp(tf.minimum(dw, 4.0)), SIZE * tf.exp(tf.minimum(dh, 4.0))
    return tf.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)


def peaks(heat: Any, said: Any, size: Any) -> tuple[Any, Any]:
    """Boxes `(N, K, 4)` and scores `(N, K, C)` at the highest places of the map.

    A peak is a place that is as high as all eight around it, in its class.
    """
    p = tf.sigmoid(heat)
    p = tf.where(tf.equal(p, tf.nn.max_pool2d(p, 3, 1, "SAME")), p, 0.0)
    count, height, width, classes = tf.shape(p)[0], p.shape[1], p.shape[2], p.shape[3]
    flat = tf.reshape(p, [count, height * width, classes])
    best = tf.math.top_k(tf.reduce_max(flat, axis=-1), min(CANDIDATES, height * width)).indices
    places = tf.gather(tf.constant(np.indices((height, width), np.int32).reshape(2, -1).T), best)
    boxes = tf.reshape(said, [count, height * width, 4])
    found = decode(tf.gather(boxes, best, batch_dims=1), places)
    limit = tf.constant([size[1], size[0], size[1], size[0]], tf.float32)
    return tf.clip_by_value(found, 0.0, limit), tf.gather(flat, best, batch_dims=1)
