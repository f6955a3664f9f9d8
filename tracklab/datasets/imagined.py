"""Detections that no network made: what a detector says before anything is suppressed, imagined.

A real detector answers many times for each object, each time a little off, is less sure the
farther off it is, sees things that are not there, and misses some that are. `imagined_detections`
does the same to a known truth, with a dial for each of it, so that suppression and average
precision can be studied in microseconds and without weights.

Invariants: the same truth and the same state of `rng` give the same detections, bit for bit; with
`copies=1`, `jitter=0`, `missed=0`, `background=0` and `confused=0` the boxes are the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.detections import Detections, Objects

COPIES = 6.0  # answers for each object, on average
JITTER = 0.08  # of the box's size: how far an answer is off
MISSED = 0.05  # share of the objects that get no answer
BACKGROUND = 4.0  # answers for nothing, on average
CONFUSED = 0.05  # share of the answers for an object with a wrong class
STEEPNESS = 7.0  # of the score as a function of the overlap
NOISE = 0.9  # standard deviation of the score's logit: sure is not the same as right


def imagined_detections(
    objects: Objects,
    rng: np.random.Generator,
    *,
    size: tuple[float, float],
    classes: int = 1,
    copies: float = COPIES,
    jitter: float = JITTER,
    missed: float = MISSED,
    background: float = BACKGROUND,
    confused: float = CONFUSED,
) -> Detections:
    """What a detector might say about an image with these objects, best first.

    objects: the truth; ignored objects are detected like the others.
    rng: all randomness comes from it.
    size: height and width of the image in pixels; boxes are cut off at its edges.
    classes: labels are `0, ..., classes - 1`; with 1 there is nothing to confuse.
    copies: answers for each object that is not missed, on average, and at least one.
    jitter: how far the centre and the logarithm of the size of an answer are off: the standard
        deviation, as a share of the box's size. Half of each is shared by all copies, as a network
        that misreads an object misreads it everywhere.
    missed, confused: shares from 0 to 1.
    background: answers for nothing, on average, in sizes as the objects have them.

    The score of an answer rises with its overlap with the object, with noise: `sigmoid(steepness *
    (IoU - 1/2) + noise)`. An answer for nothing gets a score as if its overlap were about 0.2.
    Raises `InputError` for dials out of their range, and objects of a class that there is not.
    """
    if not isinstance(objects, Objects):
        errors.bad("objects", errors.kind(objects), "the Objects of one image")
    if not isinstance(rng, np.random.Generator):
        errors.bad("rng", rng, "a generator, as numpy.random.default_rng(0) gives")
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        errors.bad("size", size, "height and width in pixels, as in (240, 320)")
    height, width = (errors.number("size", side, low=1) for side in size)
    classes = int(errors.number("classes", classes, low=1, whole=True))
    if objects.labels.max(initial=0) >= classes:
        came = errors.Said(f"class {objects.labels.max()}")
        errors.bad("objects", came, f"classes below {classes}, for `classes` is {classes}")
    copies = errors.number("copies", copies, low=1)
    jitter = errors.number("jitter", jitter, low=0)
    background = errors.number("background", background, low=0)
    missed = errors.number("missed", missed, low=0, high=1)
    confused = errors.number("confused", confused, low=0, high=1)

    seen = rng.random(len(objects.boxes)) >= missed
    truth, labels = objects.boxes[seen], objects.labels[seen]
    counts = 1 + rng.poisson(copies - 1, len(truth))
    shared = np.repeat(rng.normal(size=(len(truth), 4)), counts, axis=0)
    own = rng.normal(size=shared.shape)
    source, label = np.repeat(truth, counts, axis=0), np.repeat(labels, counts)
    # half of the variance is the object's, half the answer's own
    found = _moved(source, jitter * (shared + own) / np.sqrt(2))
    overlap = _each_iou(found, source)

    nothing = _anywhere(int(rng.poisson(background)), objects.boxes, (height, width), rng)
    found = bx.clip(np.concatenate([found, nothing]), height, width)
    overlap = np.concatenate([overlap, np.full(len(nothing), 0.2)])
    # s = 1 / (1 + exp(-(k (IoU - 1/2) + noise)))
    logits = STEEPNESS * (overlap - 0.5) + rng.normal(0, NOISE, len(overlap))
    scores = 1 / (1 + np.exp(-logits))

    label = np.concatenate([label, rng.integers(0, classes, len(nothing))])
    wrong = (rng.random(len(label)) < confused) & (classes > 1)
    step = rng.integers(1, max(classes, 2), len(label))
    label = np.where(wrong, (label + step) % classes, label).astype(np.int64)

    covers = (bx.sizes(found) > 0).all(-1)  # what lies outside the image is nothing
    return Detections(found[covers], scores[covers].astype(np.float32), label[covers])


def _moved(boxes: bx.Boxes, offsets: NDArray[np.float64]) -> bx.Boxes:
    """Boxes whose centre and log-size are off by `offsets (N, 4)`, as shares of their size."""
    shape = bx.xyxy_to_cxcywh(boxes).astype(np.float64)
    center = shape[:, :2] + offsets[:, :2] * shape[:, 2:]
    return bx.cxcywh_to_xyxy(np.concatenate([center, shape[:, 2:] * np.exp(offsets[:, 2:])], -1))


def _each_iou(a: bx.Boxes, b: bx.Boxes) -> NDArray[np.float64]:
    """The overlap `(N,)` of each box with the one in the same row."""
    if not len(a):
        return np.zeros(0)
    return np.array([bx.iou(a[k : k + 1], b[k : k + 1])[0, 0] for k in range(len(a))], np.float64)


def _anywhere(
    count: int, like: bx.Boxes, size: tuple[float, float], rng: np.random.Generator
) -> bx.Boxes:
    """`count` boxes with the sizes of some of `like`, each wholly inside the image."""
    height, width = size
    if len(like):
        side = bx.sizes(like)[rng.integers(0, len(like), count)].astype(np.float64)
    else:
        side = np.tile(np.array([width, height]) / 5, (count, 1))
    side = np.minimum(side * np.exp(rng.normal(0, 0.2, (count, 2))), (width, height))
    corner = rng.random((count, 2)) * (np.array([width, height]) - side)
    return np.concatenate([corner, corner + side], -1).astype(np.float32)
