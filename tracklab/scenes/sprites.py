"""Sprites: the small pictures that move through a scene, drawn shapes or thumbnails.

A sprite is `rgb (h, w, 3)` uint8 and `alpha (h, w)` uint8: how much of a pixel the sprite covers.
Colours reach beyond the shape's edge, so that resampling finds no fringe there.

The shape is the class. Colour and pattern are drawn at random and tell nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.scenes import exact

Pixels = NDArray[np.uint8]

SHAPES = (
    "circle",
    "square",
    "triangle",
    "star",
    "ring",
    "cross",
    "pentagon",
    "heart",
    "crescent",
    "arrow",
)
# Shapes of no class: what a detector must learn to leave alone. None is a turned or a worn SHAPE.
STRANGERS = ("bar", "elbow", "tee", "bolt", "hourglass", "half disc", "horseshoe")

# Okabe and Ito's colours, which colour-blind readers can tell apart, without black; and white.
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 178, 130),
    (240, 228, 66),
    (226, 104, 18),
    (224, 140, 188),
    (40, 140, 220),
    (242, 242, 236),
)
PATTERNS = ("plain", "stripes", "bars", "dots", "checks", "shade")

SUPERSAMPLES = 4  # a pixel's coverage is measured on 4 x 4 points
OUTLINE = 1 / 18  # of the sprite's side; drawn dark, so that a sprite stands out on any background
DRAWING = 256  # a shape is drawn once on a grid of 256 x 256 points, and resampled from there
MARGIN = 1.25  # the drawing reaches from -MARGIN to MARGIN; shapes from -1 to 1


def _disc(x: Any, y: Any, radius: float) -> Any:
    return x * x + y * y <= radius * radius


def _heart(x: Any, y: Any) -> Any:
    # (x^2 + y^2 - 1)^3 <= x^2 y^3, with y upwards
    x, y = 1.2 * x, 0.12 - 1.2 * y
    ball = x * x + y * y - 1
    return ball * ball * ball <= x * x * y * y * y


def _polygon(*corners: tuple[float, float]) -> Callable[[Any, Any], Any]:
    """Inside a polygon, by the even-odd rule."""

    def inside(x: Any, y: Any) -> Any:
        odd = np.zeros(np.broadcast(x, y).shape, bool)
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
            if ay == by:
                continue
            crosses = (y < ay) != (y < by)
            odd ^= crosses & (x < ax + (y - ay) * ((bx - ax) / (by - ay)))
        return odd

    return inside


def _wheel(*radii: float) -> tuple[tuple[float, float], ...]:
    """Corners around the origin at the given radii, the first one at the top."""
    turns = np.arange(len(radii)) / len(radii)
    return tuple(
        (float(r * s), float(-r * c))
        for r, s, c in zip(radii, exact.sin(turns), exact.cos(turns), strict=True)
    )


_INSIDE: dict[str, Callable[[Any, Any], Any]] = {
    "circle": lambda x, y: _disc(x, y, 1.0),
    "square": lambda x, y: (abs(x) <= 0.92) & (abs(y) <= 0.92),
    "triangle": _polygon((0.0, -1.0), (1.0, 0.8), (-1.0, 0.8)),
    "star": _polygon(*_wheel(*[1.0, 0.45] * 5)),
    "ring": lambda x, y: _disc(x, y, 1.0) & ~_disc(x, y, 0.48),
    "cross": lambda x, y: (abs(x) <= 1) & (abs(y) <= 1) & ((abs(x) <= 0.36) | (abs(y) <= 0.36)),
    "pentagon": _polygon(*_wheel(*[1.0] * 5)),
    "heart": _heart,
    "crescent": lambda x, y: _disc(x, y, 1.0) & ~_disc(x - 0.55, y, 0.8),
    "arrow": _polygon(
        (-1.0, -0.38), (0.0, -0.38), (0.0, -0.9), (1.0, 0.0), (0.0, 0.9), (0.0, 0.38), (-1.0, 0.38)
    ),
    "bar": lambda x, y: (abs(x) <= 1) & (abs(y) <= 0.34),
    "elbow": lambda x, y: (abs(x) <= 0.9) & (abs(y) <= 0.9) & ((x <= -0.25) | (y >= 0.25)),
    "tee": lambda x, y: (abs(x) <= 0.95) & (abs(y) <= 0.95) & ((y <= -0.35) | (abs(x) <= 0.32)),
    "bolt": _polygon(
        (-0.9, -0.9),
        (0.35, -0.9),
        (0.35, 0.3),
        (0.9, 0.3),
        (0.9, 0.9),
        (-0.35, 0.9),
        (-0.35, -0.3),
        (-0.9, -0.3),
    ),
    "hourglass": lambda x, y: (abs(y) <= 0.95) & (abs(x) <= 0.12 + 0.85 * abs(y)),
    "half disc": lambda x, y: _disc(x, y - 0.5, 1.0) & (y <= 0.5),
    "horseshoe": lambda x, y: (abs(x) <= 0.9) & (abs(y) <= 0.9) & ((abs(x) >= 0.4) | (y >= 0.4)),
}


@lru_cache(maxsize=len(_INSIDE))
def _drawing(shape: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """A shape's points on the grid, and the places `(n, 2)` of those at its rim."""
    places = ((np.arange(DRAWING) + 0.5) / DRAWING * 2 - 1) * MARGIN
    inside = _INSIDE[shape](places[None, :], places[:, None])
    core = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows, columns = np.nonzero(inside & ~core)
    return inside, np.stack([places[columns], places[rows]], axis=-1)


def _cover(shape: str, side: int, angle: float) -> NDArray[np.uint8]:
    """The shape turned by `angle` degrees and fitted tightly into `side` x `side` points."""
    inside, rim = _drawing(shape)
    c, s = float(exact.cos(angle / 360)), float(exact.sin(angle / 360))
    turned = np.stack([c * rim[:, 0] - s * rim[:, 1], s * rim[:, 0] + c * rim[:, 1]], axis=-1)
    low, high = turned.min(0), turned.max(0)
    half = (high - low).max() / 2 + MARGIN / DRAWING
    middle = (low + high) / 2
    places = ((np.arange(side) + 0.5) / side * 2 - 1) * half
    x, y = places[None, :] + middle[0], places[:, None] + middle[1]
    # turn back by the angle to look the point up in the drawing
    column = np.floor(((c * x + s * y) / MARGIN + 1) / 2 * DRAWING).astype(np.int64)
    row = np.floor(((c * y - s * x) / MARGIN + 1) / 2 * DRAWING).astype(np.int64)
    last = DRAWING - 1
    return inside[row.clip(0, last), column.clip(0, last)].astype(np.uint8)


def _coverage(points: NDArray[Any]) -> Pixels:
    """Points 0 or 1 to the covered part of each pixel, 0 to 255."""
    side = len(points) // SUPERSAMPLES
    cells = points.reshape(side, SUPERSAMPLES, side, SUPERSAMPLES)
    count = cells.sum((1, 3), dtype=np.int64)
    area = SUPERSAMPLES * SUPERSAMPLES
    return ((count * 255 + area // 2) // area).astype(np.uint8)


def _pattern(name: str, side: int, width: int, phase: int) -> NDArray[np.int64]:
    """How much of the second colour goes where, `(side, side)`, 0 to 256."""
    row, column = np.mgrid[:side, :side]
    row, column = row + phase, column + phase
    if name == "stripes":
        return ((row + column) // width % 2) * 256
    if name == "bars":
        return (row // width % 2) * 256
    if name == "dots":
        x, y = column % (2 * width) - width, row % (2 * width) - width
        return (2 * x * x + 2 * y * y < width * width) * 256
    if name == "checks":
        return ((row // width + column // width) % 2) * 256
    if name == "shade":
        return (row - phase) * 256 // side
    return np.zeros((side, side), np.int64)


def sprite(
    class_index: int, rng: np.random.Generator, size: int = 32, *, angle: float = 0.0
) -> tuple[Pixels, Pixels]:
    """Draw one shape: `rgb (size, size, 3)` and `alpha (size, size)`, both uint8.

    class_index: which of `SHAPES`, 0 to 9.
    rng: where colour and pattern come from (three calls of `random`).
    size: side in pixels, 4 or more; the shape's longer side fills it.
    angle: degrees clockwise. The turned shape is fitted into the square again.

    The same arguments give the same bytes on every machine. Raises `InputError` for others.

    >>> rgb, alpha = sprite(0, np.random.default_rng(0), 16)
    >>> rgb.shape, alpha.shape, int(alpha[0, 0]), int(alpha[8, 8])
    ((16, 16, 3), (16, 16), 0, 255)
    """
    index = int(errors.number("class_index", class_index, low=0, high=len(SHAPES) - 1, whole=True))
    return _sprite(SHAPES[index], rng, size, angle)


def stranger(
    index: int, rng: np.random.Generator, size: int = 32, *, angle: float = 0.0
) -> tuple[Pixels, Pixels]:
    """Draw a shape of no class, one of `STRANGERS`, as `sprite` draws the others."""
    index = int(errors.number("index", index, low=0, high=len(STRANGERS) - 1, whole=True))
    return _sprite(STRANGERS[index], rng, size, angle)


def _sprite(shape: str, rng: np.random.Generator, size: int, angle: float) -> tuple[Pixels, Pixels]:
    side = int(errors.number("size", size, low=4, high=4096, whole=True))
    angle = errors.number("angle", angle)
    if not isinstance(rng, np.random.Generator):
        errors.bad("rng", rng, "a numpy.random.Generator")
    points = _cover(shape, side * SUPERSAMPLES, angle)
    alpha = _coverage(points)
    rim = 2 * max(2, round(side * SUPERSAMPLES * OUTLINE)) + 1
    kernel = np.ones((rim, rim), np.uint8)
    core = cv2.erode(points, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    inner = _coverage(core > 0)

    color, pattern, spare = rng.random(3)
    fill = np.array(PALETTE[int(color * len(PALETTE))], np.int64)
    name = PATTERNS[int(pattern * len(PATTERNS))]
    width = max(2, side // 8 + int(spare * 3))
    second = fill * 5 // 8
    weight = _pattern(name, side, width, int(spare * 64))[..., None]
    inside = (fill * (256 - weight) + second * weight) >> 8
    outline = fill // 4
    rgb = outline + (inside - outline) * inner[..., None].astype(np.int64) // 255
    return rgb.astype(np.uint8), alpha


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Pictures to use as sprites.

    images: `(N, h, w, 3)` uint8 RGB. labels: `(N,)` whole numbers, indices into `class_names`.

    Raises `InputError` where these do not agree.
    """

    images: Pixels
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        images, labels = np.asarray(self.images), np.asarray(self.labels)
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not images.size:
            errors.bad("sprites.images", images, "shape (N, h, w, 3) and type uint8, RGB")
        labels = labels.reshape(-1) if labels.shape == (len(images), 1) else labels
        if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
            errors.bad("sprites.labels", labels, f"{len(images)} whole numbers, shape (N,)")
        names = tuple(str(name) for name in self.class_names)
        if labels.min() < 0 or labels.max() >= len(names):
            came = errors.Said(f"labels from {labels.min()} to {labels.max()}")
            errors.bad("sprites.labels", came, f"indices into {len(names)} class_names")
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels.astype(np.int64))
        object.__setattr__(self, "class_names", names)

    def draw(self, index: int, size: int) -> tuple[Pixels, Pixels]:
        """One picture, reduced by whole steps towards `size` pixels, and a full alpha."""
        picture = self.images[index]
        step = max(1, min(picture.shape[:2]) // size)
        height, width = (length // step for length in picture.shape[:2])
        cells = picture[: height * step, : width * step].reshape(height, step, width, step, 3)
        rgb = (cells.sum((1, 3), dtype=np.int64) // (step * step)).astype(np.uint8)
        return rgb, np.full(rgb.shape[:2], 255, np.uint8)


def thumbnails(source: Any) -> Thumbnails | None:
    """What `sprites=` was given, as `Thumbnails`; None for "shapes".

    `source` has `images`, `labels` and `class_names`, or `train_images`, `train_labels` and
    `class_names` as a data set has. Raises `InputError` for anything else.
    """
    if isinstance(source, str) and source == "shapes":
        return None
    if isinstance(source, Thumbnails):
        return source
    for images, labels in (("images", "labels"), ("train_images", "train_labels")):
        if all(hasattr(source, name) for name in (images, labels, "class_names")):
            return Thumbnails(
                getattr(source, images), getattr(source, labels), tuple(source.class_names)
            )
    return errors.bad(
        "sprites", source, "'shapes', or something with images, labels and class_names"
    )
