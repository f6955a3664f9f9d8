"""The region proposal network: at every place of a map, is there an object, and where exactly?

Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal
networks" (NeurIPS 2015), section 3.1. One small convolution slides over the coarse map; for each of
K anchor boxes at a place it puts out one logit (object or not) and four offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes
from tracklab.models.detector import losses, sampling
from tracklab.models.detector.parts import conv, output
from tracklab.quiet import keras, tf

POSITIVE, NEGATIVE = 0.5, 0.3  # overlap with an object above and below which an anchor learns
SAMPLED, MOST_POSITIVE = 64, 32  # anchors an image and step
BALANCE = 2.0  # lambda
CANDIDATES = 300  # best anchors that go into non-maximum suppression
OVERLAP = 0.7  # above which the worse of two proposals goes


@dataclass(frozen=True, eq=False)
class Proposals:
    """What the network proposes in one image, before anybody says what it is.

    boxes: `(P, 4)` float32 `xyxy` pixels, best first. scores: `(P,)` objectness, 0 to 1.
    objectness: `(h, w, K)` of every anchor, 0 to 1, at each place of the coarse map.
    anchors: `(h w K, 4)` `xyxy` pixels, in the order of `objectness`.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    objectness: NDArray[np.float32]
    anchors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


def build(channels: int, shapes: int, seed: Iterator[int], *, width: int = 64) -> Any:
    """A network from the coarse map `(N, h, w, channels)` to logits `(N, h w K)` and offsets
    `(N, h w K, 4)`, in the order of `boxes.anchor_grid`. shapes: K, anchors at each place.
    """
    coarse = keras.Input((None, None, channels))
    x = conv(coarse, width, seed)
    objectness = output(x, shapes, seed, name="objectness")
    offsets = output(x, 4 * shapes, seed, name="offsets", small=0.001)
    flat = [
        keras.layers.Reshape((-1,))(objectness),
        keras.layers.Reshape((-1, 4))(offsets),
    ]
    return keras.Model(coarse, flat, name="rpn")


def proposals(
    logits: Any,
    offsets: Any,
    anchors: Any,
    *,
    height: int,
    width: int,
    count: Any,
    overlap: Any = OVERLAP,
    candidates: int = CANDIDATES,
) -> tuple[Any, Any]:
    """The best boxes `(N, count, 4)` inside the picture and their objectness `(N, count)`, 0 to 1.

    Decode, clip, keep the best, drop those that overlap a better one. Where fewer are left, the
    rest are the whole picture with objectness 0. Training does not reach through them: they are
    taken as given (Faster R-CNN, section 3.2, "approximate joint training").
    """
    best = tf.math.top_k(tf.stop_gradient(logits), min(candidates, anchors.shape[0]))
    near = tf.gather(tf.constant(anchors), best.indices)
    moved = tf.gather(tf.stop_gradient(offsets), best.indices, batch_dims=1)
    found = boxes.clip(boxes.decode(near, moved), height, width)
    # One class for all, so that suppression knows only better and worse. It takes corners in any
    # order of axes, for overlap is the same.
    kept = tf.image.combined_non_max_suppression(
        found[:, :, None],
        tf.sigmoid(best.values)[:, :, None],
        count,
        count,
        iou_threshold=overlap,
        score_threshold=0.0,
        clip_boxes=False,
    )
    there = tf.sequence_mask(kept.valid_detections, count)
    whole = tf.constant([0.0, 0.0, width, height])
    return tf.where(there[..., None], kept.nmsed_boxes, whole), kept.nmsed_scores


def targets(anchors: Any, truth: Any, labels: Any) -> tuple[Any, Any, Any]:
    """What each anchor should say: positive and negative `(N, A)` booleans, offsets `(N, A, 4)`.

    truth: `(N, M, 4)`, NaN where there is no object. labels: `(N, M)`, below 0 for objects that
    are not to be learned from: their anchors are neither positive nor negative. Every object keeps
    the anchors that overlap it most, however little that is: a small one has no others.
    """
    matched = boxes.match(anchors, truth, positive=POSITIVE, negative=NEGATIVE)
    return assigned(anchors, matched, truth, labels)[:3]


def assigned(regions: Any, matched: Any, truth: Any, labels: Any) -> tuple[Any, Any, Any, Any]:
    """From the number of the object that each region is matched with, as `boxes.match` gives it:
    positive, negative `(N, A)`, offsets to that object `(N, A, 4)` and its label `(N, A)`.
    """
    object_ = tf.maximum(tf.cast(matched, tf.int32), 0)
    label = tf.gather(labels, object_, batch_dims=1)
    positive = (matched >= 0) & (label >= 0)
    goal = tf.gather(truth, object_, batch_dims=1)
    # Where there is nothing to aim at, aim at the region itself: no NaN may enter the loss.
    goal = tf.where(positive[..., None], goal, regions)
    return positive, tf.equal(matched, boxes.BACKGROUND), boxes.encode(regions, goal), label


def loss(
    logits: Any, offsets: Any, anchors: Any, truth: Any, labels: Any, seed: Any
) -> dict[str, Any]:
    """The loss of the proposals: "objectness" and "proposal boxes". Faster R-CNN, equation 1."""
    positive, negative, goals = targets(anchors, truth, labels)
    chosen = sampling.balanced(positive, negative, count=SAMPLED, most=MOST_POSITIVE, seed=seed)
    logits, offsets, goals, positive, negative = (
        tf.gather(each, chosen, batch_dims=1)
        for each in (logits, offsets, goals, positive, negative)
    )
    is_object = tf.cast(positive, tf.float32)
    of_classes, of_boxes = losses.multi_task(
        losses.objectness_loss(logits, is_object),
        losses.box_loss(offsets, goals),
        used=tf.cast(positive | negative, tf.float32),
        is_object=is_object,
        balance=BALANCE,
    )
    return {"objectness": of_classes, "proposal boxes": of_boxes}
