"""Flip: an image and its mirror image show the same objects, where the world has no side.

Invariant: flipped twice is as before, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import geometry
from tracklab.augment.geometry import Floats, Matrices
from tracklab.augment.moves import ACROSS, DOWN, STILL, TURNED, Move, flip
from tracklab.augment.pictures import Pixels
from tracklab.augment.transform import Moving

HORIZONTAL, VERTICAL, BOTH = "horizontal", "vertical", "both"
AXES = {HORIZONTAL: ACROSS, VERTICAL: DOWN, BOTH: TURNED}


@dataclass(frozen=True)
class Flip(Moving):
    """Left and right exchanged ("horizontal"), top and bottom ("vertical"), or "both".

    Think before the vertical one: cars do not drive on the ceiling, and a network that learns to
    expect it has less left for what it will meet.

    >>> image = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)
    >>> Flip(p=1).images(image).ravel().tolist()
    [3, 4, 5, 0, 1, 2]
    """

    axis: str = HORIZONTAL
    p: float = field(default=0.5, kw_only=True)

    def check(self) -> None:
        """Raise `InputError` for an axis that is none."""
        errors.choice("axis", self.axis, AXES)

    def moves(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Move:
        """Draw which images are mirrored."""
        chosen = self.chosen(rng, count)
        matrices = np.where(chosen[:, None, None], mirror(self.axis, size), np.eye(3))
        return Move(matrices, size, kept=0.0)


def mirror(axis: str, size: tuple[int, int]) -> Matrices:
    """The matrix `(1, 3, 3)` of a flip in images of a size (height, width)."""
    height, width = size
    # x' = W - x, y' = H - y
    return geometry.mirror(
        None if axis == VERTICAL else width,
        None if axis == HORIZONTAL else height,
    )


def flipped(
    images: Pixels, which: NDArray[np.bool_], boxes: Floats | None = None, axis: str = HORIZONTAL
) -> tuple[Pixels, Floats | None]:
    """Images `(N, H, W, 3)`, those where `which (N,)` is true mirrored, and boxes `(N, M, 4)`."""
    errors.choice("axis", axis, AXES)
    images = np.ascontiguousarray(images)
    mirrored = flip(images, np.where(which, AXES[axis], STILL))
    if boxes is None:
        return mirrored, None
    matrices = np.where(which[:, None, None], mirror(axis, images.shape[1:3]), np.eye(3))
    return mirrored, geometry.boxes(matrices, boxes)
