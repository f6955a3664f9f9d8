"""Affine: sheared, made larger or smaller, and moved; with a rotation, all that one matrix can do.

Invariant: parallel lines stay parallel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import geometry
from tracklab.augment.geometry import Floats, Matrices
from tracklab.augment.moves import warp
from tracklab.augment.pictures import Pixels
from tracklab.augment.sampler import EDGE
from tracklab.augment.transform import Bordered, Span, between, pair, span


@dataclass(frozen=True)
class Affine(Bordered):
    """About the middle: sheared, then scaled, then moved.

    shear: pixels across for each pixel down, between two numbers; one is both ways. shear_down:
        pixels down for each pixel across.
    scale: the lowest and the highest factor, above 0; twice as large is as likely as half.
    move: shares of the image's width and height, between two numbers; one is both ways.
    whole: moved by whole pixels. Without shear and scale no pixels are mixed then: small images,
        which a shift by half a pixel blurs, stay as sharp as those that will be judged.
    """

    shear: Span = 0.1
    shear_down: Span = 0.0
    scale: tuple[float, float] = (0.8, 1.25)
    move: Span = 0.1
    whole: bool = False

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        for name in ("shear", "shear_down"):
            object.__setattr__(self, name, span(name, getattr(self, name), low=-0.99, high=0.99))
        object.__setattr__(self, "move", span("move", self.move, low=-1, high=1))
        object.__setattr__(self, "scale", pair("scale", self.scale, low=0.01, high=100))
        if not isinstance(self.whole, bool):
            errors.bad("whole", self.whole, "True or False")

    def matrices(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Matrices:
        """Draw shear, scale and move for each image."""
        height, width = size
        across, down = (
            between(rng, ends, count)  # type: ignore[arg-type]
            for ends in (self.shear, self.shear_down)
        )
        # log s is uniform
        low, high = np.log(self.scale)
        scale = np.exp(between(rng, (low, high), count))
        right, below = (between(rng, self.move, count) for _ in range(2))  # type: ignore[arg-type]
        # M = T(move) T(middle) S(scale) H(shear) T(-middle)
        shaped = geometry.scaling(scale, scale) @ geometry.shear(across, down)
        middle = geometry.about(shaped, width / 2, height / 2)
        right, below = right * width, below * height
        if self.whole:
            right, below = np.rint(right), np.rint(below)
        return geometry.translation(right, below) @ middle


def shifted(images: Pixels, boxes: Floats, steps: NDArray[np.integer]) -> tuple[Pixels, Floats]:
    """Images `(N, H, W, 3)` and boxes `(N, M, 4)` moved by whole pixels, `steps (N, 2)` down and
    right; the edge is repeated, and boxes are not cut."""
    matrices = geometry.translation(steps[:, 1], steps[:, 0])
    size = (images.shape[1], images.shape[2])
    moved = warp(np.ascontiguousarray(images), matrices, size, border=EDGE)
    return moved, geometry.boxes(matrices, boxes)
