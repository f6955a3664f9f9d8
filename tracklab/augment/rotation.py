"""Rotation: turned about the middle of the image.

Invariant: a quarter turn of a square image moves every pixel onto a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracklab.augment import geometry
from tracklab.augment.geometry import Matrices
from tracklab.augment.transform import Bordered, Span, between, span


@dataclass(frozen=True)
class Rotation(Bordered):
    """Turned by an angle between two, in degrees, counter-clockwise; one number is both ways.

    A box around a turned box is larger than its object (see `looseness`): a detector that learns
    from it learns boxes that are too large. With outlines boxes stay tight.
    """

    degrees: Span = 15.0

    def check(self) -> None:
        """Raise `InputError` for degrees that are none."""
        object.__setattr__(self, "degrees", span("degrees", self.degrees, low=-360, high=360))

    def matrices(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Matrices:
        """Draw an angle for each image."""
        height, width = size
        degrees = between(rng, self.degrees, count)  # type: ignore[arg-type]
        # M = T(middle) R(degrees) T(-middle)
        return geometry.about(geometry.rotation(degrees), width / 2, height / 2)
