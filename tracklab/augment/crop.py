"""Crop: a part of the image, drawn at random and resized to the whole.

The part has whole corners: it is cut out and stretched, and nothing beside it is looked at.

Invariant: the part lies inside the image; a crop of all of it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import edge, geometry
from tracklab.augment.geometry import Matrices
from tracklab.augment.moves import Move
from tracklab.augment.transform import Moving, between, pair


@dataclass(frozen=True)
class Crop(Moving):
    """A part with a share of the area and a shape, at a random place, resized.

    area: the lowest and the highest share of the image's area, above 0 to 1.
    shape: width over height of the part, over that of the image, lowest and highest; twice as wide
        is as likely as half. What does not fit is made narrower or lower.
    size: height and width of the result; those of the image if None. With a size of its own, the
        images that are not chosen are resized whole.
    kept: the share of a box that must be inside the part for its object to count.

    Szegedy et al., "Going deeper with convolutions" (2015), section 6.
    """

    area: tuple[float, float] = (0.3, 1.0)
    shape: tuple[float, float] = (3 / 4, 4 / 3)
    size: tuple[int, int] | None = None
    kept: float = edge.KEPT

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        object.__setattr__(self, "area", pair("area", self.area, low=1e-4, high=1))
        object.__setattr__(self, "shape", pair("shape", self.shape, low=0.01, high=100))
        errors.number("kept", self.kept, low=0, high=1)
        if self.size is not None:
            if not isinstance(self.size, (tuple, list)) or len(self.size) != 2:
                errors.bad("size", self.size, "(height, width) in pixels")
            height, width = (errors.number("size", n, low=1, whole=True) for n in self.size)
            object.__setattr__(self, "size", (int(height), int(width)))

    def parts(
        self, rng: np.random.Generator, count: int, size: tuple[int, int]
    ) -> NDArray[np.int64]:
        """Draw a part of each image: whole `x1, y1, x2, y2`, `(N, 4)`."""
        whole = np.array([size[1], size[0]])
        area = between(rng, self.area, count)
        low, high = np.log(self.shape)
        shape = np.exp(between(rng, (low, high), count))
        # w = W sqrt(area shape), h = H sqrt(area / shape)
        sides = whole * np.sqrt(np.stack([area * shape, area / shape], -1))
        sides = np.clip(np.rint(sides), 1, whole).astype(int)
        corner = (rng.random((count, 2)) * (whole - sides + 1)).astype(int)
        return np.concatenate([corner, corner + sides], -1)

    def moves(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Move:
        """Draw a part of each image; those that are not chosen are kept whole."""
        chosen = self.chosen(rng, count)
        everything = np.array([0, 0, size[1], size[0]])
        parts = np.where(chosen[:, None], self.parts(rng, count, size), everything)
        target = size if self.size is None else self.size
        return Move(stretch(parts, target), target, kept=self.kept)


def stretch(parts: NDArray[np.int64], size: tuple[int, int]) -> Matrices:
    """Matrices that take parts `(N, 4)` of images to the whole of an image of a size."""
    height, width = size
    x1, y1, x2, y2 = parts.T.astype(float)
    # x' = (x - x1) W / w, y' = (y - y1) H / h
    across, down = width / (x2 - x1), height / (y2 - y1)
    return geometry.scaling(across, down) @ geometry.translation(-x1, -y1)


def cropped(
    images: NDArray[Any], corners: NDArray[np.integer], size: tuple[int, int]
) -> NDArray[Any]:
    """Parts `(N, height, width, 3)` of images, at whole corners `(N, 2)` down and right."""
    height, width = size
    parts = np.empty((len(images), height, width, *images.shape[3:]), images.dtype)
    for k, (down, right) in enumerate(corners.tolist()):
        parts[k] = images[k, down : down + height, right : right + width]
    return parts
