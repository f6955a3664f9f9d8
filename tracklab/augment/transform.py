"""What every transform is: a draw, and what is done with it.

There are three kinds. `Moving` ones say where pixels go: a draw is one matrix an image, and boxes,
outlines and velocities go with the pixels. `Painting` ones change colours where they are. `Mixing`
ones make one image of several.

Each acts on the share `p` of the images. All that is random is drawn first, for the whole batch, so
that a draw can be looked at, repeated, or used for every frame of a clip.

Invariant: the same generator gives the same result; what came in is never changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import edge
from tracklab.augment.following import moved, moved_clip, painted_clip
from tracklab.augment.geometry import Matrices
from tracklab.augment.moves import AROUND, CORNERS, Move
from tracklab.augment.pictures import Pictures, Pixels, as_rng, boxed, labelled
from tracklab.augment.sampler import BORDERS, CONSTANT
from tracklab.clips import Clip

Span = float | tuple[float, float]
Draw = dict[str, NDArray[Any]]  # by name, what was drawn for each image: arrays (N, ...)

GREY = 128  # what fills where there is nothing


class Transform(ABC):
    """What changes images, images with boxes, and clips. `Pipeline` is one, too."""

    def __call__(self, images: Any, labels: Any = None, rng: Any = 0) -> tuple[Pixels, Any]:
        """Images `(N, H, W, 3)` uint8 and labels of images `(N,)` or `(N, C)`, augmented.

        rng: a generator, or a seed. This is what `training.Batches(augment=...)` takes. Mixed
        images get soft labels `(N, C)`. Raises `InputError` for what is no batch, and for labels
        that a transform cannot work with.
        """
        done = self.apply(labelled(images, labels), as_rng(rng))
        return done.images, done.labels

    def images(self, images: Any, rng: Any = 0) -> Pixels:
        """Images `(N, H, W, 3)` uint8 alone, augmented."""
        return self.apply(labelled(images), as_rng(rng)).images

    def boxed(
        self, images: Any, boxes: Any, labels: Any = None, rng: Any = 0, *, outlines: Any = None
    ) -> tuple[Pixels, NDArray[np.float32], NDArray[Any]]:
        """Images, boxes `(N, M, 4)` and their labels `(N, M)`, augmented; boxes follow the pixels.

        boxes: NaN where there is none, with a label below 0. outlines: `(N, M, K, 2)`, places on
        the outline of each object; with them boxes are tight whatever turns them.

        A box is cut at the edge; one of which too little is left becomes NaN, its label -1.
        """
        done = self.apply(boxed(images, boxes, labels, outlines), as_rng(rng))
        assert done.boxes is not None
        return done.images, done.boxes, done.labels

    def clip(self, clip: Clip, rng: Any = 0) -> Clip:
        """A whole clip with its truth, by one draw: a trajectory stays a trajectory.

        Frames stay lazy where they are. Raises `InputError` for what is no clip, or has no frames.
        """
        if not isinstance(clip, Clip):
            errors.bad("clip", errors.kind(clip), "a Clip")
        if not len(clip):
            errors.bad("clip", errors.Said("a clip without frames"), "at least one frame")
        return self.film(clip, as_rng(rng))

    @abstractmethod
    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """`__call__` and `boxed`, behind their doors."""

    @abstractmethod
    def film(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """`clip`, behind its door."""


@dataclass(frozen=True, kw_only=True)
class Chance(Transform):
    """A transform that acts on a share `p` of the images, 0 to 1."""

    p: float = 1.0

    def __post_init__(self) -> None:
        errors.number("p", self.p, low=0, high=1)
        self.check()

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""

    def chosen(self, rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
        """Which of `count` images it acts on."""
        return rng.random(count) < self.p


@dataclass(frozen=True, kw_only=True)
class Moving(Chance):
    """A transform of places. What it needs is a matrix an image."""

    @abstractmethod
    def moves(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Move:
        """Draw where each of `count` images of a size goes."""

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Draw, and move."""
        return moved(pictures, self.moves(rng, len(pictures), pictures.size))

    def film(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Draw once, and move every frame and the truth."""
        return moved_clip(clip, self.moves(rng, 1, clip.size))


@dataclass(frozen=True, kw_only=True)
class Bordered(Moving):
    """A transform of places that may look beyond the edge of the image.

    border: what lies there: "constant" is `fill` (0 to 255), "edge" its last pixels, "mirror" the
    image turned round. A mirrored object has no box: with boxes take "constant". kept: the share of
    a box that must be left inside for its object to count. around: "corners" or "ellipse", what a
    turned box is drawn around (see `geometry.boxes` and `geometry.ellipses`).
    """

    border: str = CONSTANT
    fill: int = GREY
    kept: float = edge.KEPT
    around: str = CORNERS

    def __post_init__(self) -> None:
        errors.choice("border", self.border, BORDERS)
        errors.choice("around", self.around, AROUND)
        errors.number("fill", self.fill, low=0, high=255, whole=True)
        errors.number("kept", self.kept, low=0, high=1)
        super().__post_init__()

    @abstractmethod
    def matrices(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Matrices:
        """Draw a matrix for each of `count` images of a size: `(N, 3, 3)`."""

    def moves(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Move:
        """Draw matrices for `count` images; those that are not chosen stay where they are."""
        chosen = self.chosen(rng, count)
        drawn = self.matrices(rng, count, size)
        drawn[~chosen] = np.eye(3)
        return Move(drawn, size, self.border, self.fill, self.kept, self.around)


@dataclass(frozen=True, kw_only=True)
class Painting(Chance):
    """A transform of colours. Boxes stay where they are."""

    HIDES: ClassVar[bool] = False  # whether it may hide objects

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Draw:
        """Draw what is done to each of `count` images of a size: arrays `(N, ...)` by name."""

    @abstractmethod
    def paint(self, images: Pixels, drawn: Draw, frame: int = 0) -> Pixels:
        """Images `(N, H, W, 3)` as the draw says; new ones. frame: number of it in a clip."""

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Draw, and paint those that are chosen."""
        chosen = self.chosen(rng, len(pictures))
        drawn = self.draw(rng, len(pictures), pictures.size)
        if chosen.all():
            return replace(pictures, images=self.paint(pictures.images, drawn))
        if not chosen.any():
            return replace(pictures, images=pictures.images.copy())
        some = {name: values[chosen] for name, values in drawn.items()}
        images = pictures.images.copy()
        images[chosen] = self.paint(pictures.images[chosen], some)
        return replace(pictures, images=images)

    def film(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Draw once, and paint every frame."""
        chosen = bool(self.chosen(rng, 1)[0])
        drawn = self.draw(rng, 1, clip.size)
        return painted_clip(clip, self, drawn) if chosen else clip


@dataclass(frozen=True, kw_only=True)
class Mixing(Chance):
    """A transform that makes one image of several of its batch."""

    def film(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Refused: there is nothing to mix one clip with."""
        name = type(self).__name__
        errors.bad(f"clip, for {name}", errors.Said("one clip"), "several: see Mosaic.clips")


def span(
    name: str, value: Any, *, low: float = -np.inf, high: float = np.inf
) -> tuple[float, float]:
    """A pair `(lowest, highest)`, or one number for `(-number, number)`; `InputError` otherwise.

    >>> span("degrees", 15)
    (-15.0, 15.0)
    """
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        if value < 0:
            errors.bad(name, value, "a number of at least 0, or a pair (lowest, highest)")
        value = (-value, value)
    return pair(name, value, low=low, high=high)


def pair(
    name: str, value: Any, *, low: float = -np.inf, high: float = np.inf
) -> tuple[float, float]:
    """A pair `(lowest, highest)` within bounds; `InputError` otherwise."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        errors.bad(name, value, "a pair (lowest, highest)")
    lowest, highest = (float(errors.number(name, end, low=low, high=high)) for end in value)
    if lowest > highest:
        errors.bad(name, value, "a pair (lowest, highest) with lowest <= highest")
    return lowest, highest


def between(rng: np.random.Generator, ends: tuple[float, float], count: int) -> Any:
    """`count` numbers from the lowest to the highest, each as likely."""
    low, high = ends
    return low + (high - low) * rng.random(count)
