"""What every detector can do, whatever stands inside: detect in one image or many, and be trained.

Invariant: a detector's answer depends on its variables and the pixels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.detections import Detections
from tracklab.models.detector import backbone
from tracklab.quiet import tf

SMALLEST = 32  # pixels: height and width of an image, at least
SCORE, OVERLAP, MOST = 0.05, 0.5, 100
BATCH = 16  # images at a time in `detect_all`

Raw = tuple[Any, Any, Any, Any]  # boxes, scores, labels (padded) and how many are valid, an image


class Detector:
    """A detector of objects of some classes in images of any size from 32 x 32 pixels.

    kind: "rcnn", "fast", "faster", "one-stage" or "second look". class_names: of the labels from 0.
    options: what it was built with. parts: its networks by name; together they hold all weights.

    A subclass says what its parts do: `raw` is what they find in images, `loss` what a batch costs.
    """

    kind = ""
    built = True

    def __init__(
        self, class_names: Sequence[str], parts: Mapping[str, Any], options: Mapping[str, Any]
    ) -> None:
        self.class_names = tuple(class_names)
        self.parts = dict(parts)
        self.options = dict(options)
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __repr__(self) -> str:
        return f"Detector({self.kind!r}, {len(self.class_names)} classes, {self.weights:,} weights)"

    # what training needs

    @property
    def variables(self) -> list[Any]:
        """All weights and running means, part by part."""
        return [v for part in self.parts.values() for v in part.variables]

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes."""
        return [v for part in self.parts.values() for v in part.trainable_variables]

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    @property
    def weights(self) -> int:
        """How many numbers training changes."""
        return sum(int(np.prod(v.shape)) for v in self.trainable_variables)

    def loss(
        self, images: Any, truth: Any, labels: Any, regions: Any, *, seed: Any
    ) -> dict[str, Any]:
        """The addends of the loss by name, for images `(N, H, W, 3)`, true boxes `(N, M, 4)` with
        NaN for none, labels `(N, M)` below 0 for none, and external regions `(N, P, 4)`.
        """
        raise NotImplementedError

    # what finding needs

    def raw(self, images: Any, regions: Any, score: Any, overlap: Any, most: Any) -> Raw:
        """In a compiled graph: what is found in images `(N, H, W, 3)`, as padded tensors."""
        raise NotImplementedError

    def regions_of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """External regions `(N, P, 4)` of images; `(N, 0, 4)` for a kind that finds its own."""
        return np.zeros((len(images), 0, 4), np.float32)

    def detect(
        self,
        image: NDArray[np.uint8],
        *,
        score: float = SCORE,
        overlap: float = OVERLAP,
        most: int = MOST,
    ) -> Detections:
        """What is in one image `(H, W, 3)` uint8 RGB, best first.

        score: the lowest that is reported, 0 to 1. overlap: of two boxes of one class that overlap
        more than this, the worse is dropped. most: boxes that are reported, at most.

        The first image of a new size takes seconds, as the networks are compiled for it. Raises
        `InputError` for grey or float images, images below 32 pixels, and options out of range.
        """
        frame = errors.image("image", image)
        return self.detect_all(frame[None], score=score, overlap=overlap, most=most)[0]

    def detect_all(
        self,
        images: Any,
        *,
        score: float = SCORE,
        overlap: float = OVERLAP,
        most: int = MOST,
    ) -> list[Detections]:
        """What is in each of the images `(N, H, W, 3)`, or of a `datasets.BoxedImages`; batched.

        Options and errors are those of `detect`. N may be 0.
        """
        frames = as_images(getattr(images, "images", images))
        limits = (
            np.float32(errors.number("score", score, low=0, high=1)),
            np.float32(errors.number("overlap", overlap, low=0, high=1)),
            np.int32(errors.number("most", most, low=1, high=10_000, whole=True)),
        )
        found: list[Detections] = []
        if not len(frames):
            return found
        run = self.compiled("raw", self.raw, frames.shape[1:3], (tf.float32, tf.float32, tf.int32))
        for start in range(0, len(frames), BATCH):
            part = frames[start : start + BATCH]
            raw = run(*map(tf.constant, (part, self.regions_of(part), *limits)))
            found += [_one(*each) for each in zip(*(v.numpy() for v in raw), strict=True)]
        return found

    def compiled(
        self, name: str, function: Callable[..., Any], size: Sequence[int], options: Sequence[Any]
    ) -> Any:
        """`function(images, regions, *options)` compiled for images of a size, once.

        options: the types of further numbers that it takes.
        """
        key = (name, *size)
        if key not in self._compiled:
            whole = tf.function(function, autograph=False)
            # concrete at once: TensorFlow warns of functions that are compiled again and again,
            # and several detectors in one notebook look like that to it
            self._compiled[key] = whole.get_concrete_function(
                tf.TensorSpec((None, *size, 3), tf.uint8),
                tf.TensorSpec((None, None, 4), tf.float32),
                *(tf.TensorSpec((), kind) for kind in options),
            )
        return self._compiled[key]


def prepared(images: Any) -> tuple[Any, int, int]:
    """Images as the backbone wants them, and their height and width before it pads them."""
    return backbone.prepare(images), int(images.shape[1]), int(images.shape[2])


def suppressed(found: Any, scores: Any, score: Any, overlap: Any, most: Any) -> Raw:
    """Non-maximum suppression within each class: boxes `(N, R, 4)` and scores `(N, R, C)`."""
    kept = tf.image.combined_non_max_suppression(
        found[:, :, None],
        scores,
        most,
        most,
        iou_threshold=overlap,
        score_threshold=score,
        clip_boxes=False,
    )
    return kept.nmsed_boxes, kept.nmsed_scores, kept.nmsed_classes, kept.valid_detections


def boxed(images: Any) -> None:
    """Check a set at a door: images with the objects in them."""
    if not all(hasattr(images, part) for part in ("images", "objects")):
        errors.bad("images", images, "a datasets.BoxedImages, images with the objects in them")


def as_images(images: Any) -> NDArray[np.uint8]:
    """Check images at a door: `(N, H, W, 3)` uint8 RGB of 32 x 32 pixels or more."""
    wanted = f"RGB images (N, H, W, 3) uint8, {SMALLEST}x{SMALLEST} pixels or more"
    try:
        array = np.asarray(images)
    except ValueError:
        errors.bad("images", errors.Said("images of different sizes"), wanted)
    if array.shape == (0,):
        array = np.zeros((0, SMALLEST, SMALLEST, 3), np.uint8)  # an empty list is no images
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8:
        errors.bad("images", array, wanted)
    if min(array.shape[1:3]) < SMALLEST:
        errors.bad("images", array, wanted)
    return array


def _one(boxes: Any, scores: Any, labels: Any, valid: Any) -> Detections:
    count = int(valid)
    return Detections(boxes[:count], scores[:count], labels[:count].astype(np.int64))
