"""Cutout: a hole in the image, so that no single part of an object can be relied on.

DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout" (2017).
Boxes stay, as they do where something stands before an object; in a clip, where the hole stays at
one place, the visible share of what it covers shrinks.

Invariant: outside the hole nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment.pictures import Pixels
from tracklab.augment.transform import GREY, Draw, Painting, between, pair


@dataclass(frozen=True)
class Cutout(Painting):
    """A hole of one grey, somewhere.

    side: the lowest and the highest share of the image's width and height. The middle of the hole
    may lie anywhere in the image, so that some holes reach over its edge, as in the paper.
    """

    side: tuple[float, float] = (0.2, 0.5)
    fill: int = GREY
    HIDES: ClassVar[bool] = True

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        object.__setattr__(self, "side", pair("side", self.side, low=0, high=1))
        errors.number("fill", self.fill, low=0, high=255, whole=True)

    def draw(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Draw:
        """Draw a hole for each image: whole `x1, y1, x2, y2`, `(N, 4)`."""
        whole = np.array([size[1], size[0]])
        sides = np.rint(between(rng, self.side, count)[:, None] * whole).astype(int)
        middle = (rng.random((count, 2)) * whole).astype(int)
        low = middle - sides // 2
        holes = np.concatenate([np.clip(low, 0, whole), np.clip(low + sides, 0, whole)], -1)
        return {"hole": holes}

    def paint(self, images: Pixels, drawn: Draw, frame: int = 0) -> Pixels:
        """Images with their holes."""
        painted = images.copy()
        for k, (x1, y1, x2, y2) in enumerate(drawn["hole"].tolist()):
            painted[k, y1:y2, x1:x2] = self.fill
        return painted

    def hole(self, drawn: Draw) -> NDArray[np.int64]:
        """Where the hole of a clip is, `x1, y1, x2, y2`."""
        return np.asarray(drawn["hole"][0])
