"""A second look: what one network finds, another names.

The head of a detector describes a region by a few numbers of a map that was made to find things.
That tells ten drawn shapes apart; ten kinds of photographs of 16 to 32 pixels it finds as well, and
confuses. So what was found is cut out of the picture and shown to a classifier, as in R-CNN
(Girshick et al., "Rich feature hierarchies", CVPR 2014, section 2.1), but behind the suppression:
a handful of boxes a picture are looked at twice, not all that were proposed.

Invariant: boxes are the finder's; before any are dropped, the scores of a box over all classes add
up to the finder's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes, errors
from tracklab.datasets import BoxedImages
from tracklab.detections import Objects
from tracklab.models.detector import roi
from tracklab.models.detector.base import Detector, Raw, as_images, boxed, suppressed
from tracklab.models.detector.networks import checked_names
from tracklab.quiet import tf

SIDE = 32  # pixels of a cut-out: what lesson 02's network was made for
LOOKS = 20  # boxes a picture that are looked at twice, at most
OBJECT = ("object",)  # the one class of a finder
SHAKE = 0.05  # of a box's size, by which cut-outs to learn from are off, as a finder's are
AT_A_TIME = 64  # images


class SecondLook(Detector):
    """A detector of two networks: a finder, which knows one class, and a namer for its boxes.

    finder: a detector of one class, of any kind. namer: a network from pixels `(R, 32, 32, 3)`, 0
    to 255, to logits `(R, C)`, such as `classifier.improved`. class_names: of its C logits.

    Each is trained for itself: the finder on `unnamed(images)`, the namer on `cut_out(images)`.
    It looks at no more than `LOOKS` boxes a picture, however many are asked for. Raises
    `InputError` where finder or namer have other classes, or take other pixels, than they should.
    """

    kind = "second look"

    def __init__(self, finder: Detector, namer: Any, class_names: Sequence[str]) -> None:
        if not isinstance(finder, Detector) or len(finder.class_names) != 1:
            errors.bad("finder", finder, "a detector of one class, as `unnamed` makes them")
        names = checked_names(class_names)
        pixels, logits = (getattr(namer, f"{end}_shape", None) for end in ("input", "output"))
        if logits != (None, len(names)):
            came = errors.Said(f"{errors.describe(namer)} with outputs {logits}")
            errors.bad("namer", came, f"a network, one logit for each of {len(names)} classes")
        if pixels not in ((None, SIDE, SIDE, 3), (None, None, None, 3)):
            came = errors.Said(f"a network that takes {pixels}")
            errors.bad("namer", came, f"one that takes pixels (R, {SIDE}, {SIDE}, 3)")
        super().__init__(names, finder.parts | {"namer": namer}, finder.options)
        self.finder = finder

    def raw(self, images: Any, regions: Any, score: Any, overlap: Any, most: Any) -> Raw:
        """Find, name, suppress."""
        found, sure, _, count = self.finder.raw(images, regions, score, overlap, LOOKS)
        # P(class) = P(object) P(class | object)
        return suppressed(
            found, sure[..., None] * self.names(images, found, count), score, overlap, most
        )

    def names(self, images: Any, found: Any, count: Any) -> Any:
        """P(class | object) `(N, P, C)` of the first `count (N,)` boxes found `(N, P, 4)`."""
        there = tf.sequence_mask(count, found.shape[1])
        cuts = cut(images, found, there)
        # one more, that is thrown away: TensorFlow has no convolution of no pictures
        cuts = tf.concat([cuts, tf.zeros((1, SIDE, SIDE, 3))], axis=0)
        logits = self.parts["namer"](cuts, training=False)[:-1]
        shape = [*tf.unstack(tf.shape(there)), logits.shape[1]]
        return tf.scatter_nd(tf.cast(tf.where(there), tf.int32), tf.nn.softmax(logits), shape)

    def regions_of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The external regions of the finder."""
        return self.finder.regions_of(images)


def cut(images: Any, regions: Any, there: Any) -> Any:
    """The pixels `(R, SIDE, SIDE, 3)` float32, 0 to 255, of those of `regions (N, P, 4)` where
    `there (N, P)` is true; images `(N, H, W, 3)`.
    """
    # A region that is none reads the first pixels of the picture, and is dropped.
    known = tf.where(there[..., None], regions, tf.constant([0.0, 0.0, SIDE, SIDE]))
    crops = roi.align(tf.cast(images, tf.float32), known, stride=1, bins=SIDE, samples=1)
    return tf.boolean_mask(crops, there)


def unnamed(images: BoxedImages) -> BoxedImages:
    """The same images, with one class for all objects: what a finder learns from.

    Raises `InputError` for what is no set of images with boxes.
    """
    boxed(images)
    objects = [
        Objects(known.boxes, np.zeros(len(known), np.int64), known.ignored)
        for known in images.objects
    ]
    return BoxedImages(images.images, objects, OBJECT, f"{images.name}, unnamed", images.source)


def cut_out(
    images: BoxedImages, *, seed: int = 0, shake: float = SHAKE
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Every object that counts, cut out: pixels `(K, SIDE, SIDE, 3)` and labels `(K,)`.

    shake: boxes are moved and stretched at random by about this part of their size, and stay inside
        the image: a finder's boxes are not exact either. seed: of these draws.

    Raises `InputError` for what is no set of images with boxes, images below 32 pixels, and options
    out of range.
    """
    boxed(images)
    errors.number("shake", shake, low=0, high=0.25)
    height, width = as_images(images.images).shape[1:3]
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    pixels = [np.zeros((0, SIDE, SIDE, 3), np.uint8)]
    named = [np.zeros(0, np.int64)]
    for start in range(0, len(images), AT_A_TIME):
        part = images[start : start + AT_A_TIME]
        known, labels = part.padded()
        there = labels >= 0
        draws = np.clip(shake * rng.normal(size=known.shape), -2 * shake, 2 * shake)
        moved = boxes.decode(np.where(there[..., None], known, 0), draws.astype(np.float32))
        moved = boxes.clip(moved, height, width)
        crops = cut(tf.constant(part.images), tf.constant(moved), tf.constant(there))
        pixels.append(np.clip(np.rint(crops.numpy()), 0, 255).astype(np.uint8))
        named.append(labels[there])
    return np.concatenate(pixels), np.concatenate(named)
