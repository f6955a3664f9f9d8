"""A move of a batch: one matrix an image, what lies beyond the edge, and how boxes follow.

`warp` moves pixels by the fastest way that is right for a matrix: nothing to do, a flip, a part cut
out and resized, and only where it turns or shears, a warp.

Invariant: `warp` is `sampler.sample`, rounded, to a few levels of 255: OpenCV looks between pixels
in steps of 1/32. A part that is cut out is stretched alone: what lay beside it is not mixed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import edge, geometry
from tracklab.augment.geometry import Floats, Matrices
from tracklab.augment.sampler import CONSTANT, EDGE, MIRROR, Pixels

CORNERS, ELLIPSE = "corners", "ellipse"
AROUND: dict[str, Callable[[Matrices, Any], Floats]] = {
    CORNERS: geometry.boxes,
    ELLIPSE: geometry.ellipses,
}
_BORDERS = {
    CONSTANT: cv2.BORDER_CONSTANT,
    EDGE: cv2.BORDER_REPLICATE,
    MIRROR: cv2.BORDER_REFLECT,
}
GRAIN = 1e-6  # pixels: what is nearer to a whole pixel than this is at it


@dataclass(frozen=True, eq=False)
class Move:
    """Where N images go.

    matrices: `(N, 3, 3)` float64, see `geometry`. size: height and width of the result.
    border, fill: as `sampler.sample` has them; None where nothing beyond the edge is looked at.
    kept: the share of a box that must be left inside.
    around: "corners" for boxes around the moved corners, "ellipse" around what fills them.
    """

    matrices: Matrices
    size: tuple[int, int]
    border: str | None = None
    fill: int = 0
    kept: float = edge.KEPT
    around: str = CORNERS

    def __len__(self) -> int:
        return len(self.matrices)

    def goes_with(self, other: Move) -> bool:
        """Whether this move and `other` after it can be one."""
        ours, theirs = (self.border, self.fill), (other.border, other.fill)
        return None in (self.border, other.border) or ours == theirs

    def then(self, other: Move) -> Move:
        """This move and `other` after it, as one: pixels are mixed once, not twice."""
        kept = max(self.kept, other.kept)
        around = ELLIPSE if ELLIPSE in (self.around, other.around) else CORNERS
        beyond = self if other.border is None else other
        # M = M_2 M_1
        product = other.matrices @ self.matrices
        return Move(product, other.size, beyond.border, beyond.fill, kept, around)

    def repeated(self, count: int) -> Move:
        """The one move of a clip, for each of its frames."""
        return replace(self, matrices=np.broadcast_to(self.matrices, (count, 3, 3)))

    def warp(self, images: Pixels) -> Pixels:
        """Images `(N, H, W, 3)` uint8 where they go, `(N, height, width, 3)`."""
        border = EDGE if self.border is None else self.border
        return warp(images, self.matrices, self.size, border=border, fill=self.fill)

    def around_boxes(self, boxes: Floats) -> Floats:
        """Boxes `(N, M, 4)` where they go, inside the image or not."""
        return AROUND[self.around](self.matrices, boxes)

    def boxes(self, boxes: Floats, size: tuple[int, int]) -> tuple[Floats, NDArray[np.bool_]]:
        """Boxes `(N, M, 4)` where they go, cut at the edge, and those of which too little is left.

        size: of the images before. An image that is not moved keeps its boxes as they are.
        """
        inside, gone = edge.cut(self.around_boxes(boxes), self.window, self.kept)
        still = self.still(size)
        inside = np.where(still[:, None, None], boxes, inside)
        return inside, np.where(still[:, None], np.isnan(boxes[..., 0]), gone)

    def outlines(self, outlines: Floats) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """What is left of outlines `(N, M, K, 2)` where they go, as `edge.cut_outlines` has it."""
        moved = geometry.points(self.matrices, outlines)
        return edge.cut_outlines(moved, self.window, self.kept)

    @property
    def window(self) -> tuple[float, float, float, float]:
        """The image after the move, as a box."""
        height, width = self.size
        return 0.0, 0.0, float(width), float(height)

    def still(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Which images, of a size before, are not moved `(N,)`."""
        return (self.matrices == np.eye(3)).all((1, 2)) & (self.size == size)


def warp(
    images: Pixels,
    matrices: Matrices,
    size: tuple[int, int],
    *,
    border: str = CONSTANT,
    fill: int = 0,
) -> Pixels:
    """Images `(N, H, W, 3)` uint8 moved by matrices `(N, 3, 3)`, to a size; new ones.

    matrices: one an image, or one for all of them, `(1, 3, 3)`. border, fill: as `sampler.sample`
    has them. Raises `InputError` for a border that is none, for another number of matrices, and for
    a matrix that makes everything flat.
    """
    errors.choice("border", border, _BORDERS)
    if np.shape(matrices) not in ((1, 3, 3), (len(images), 3, 3)):
        errors.bad("matrices", np.asarray(matrices), f"shape ({len(images)}, 3, 3) or (1, 3, 3)")
    matrices = np.broadcast_to(matrices, (len(images), 3, 3))
    ways = _ways(matrices, images.shape[1:3], size)
    if (ways == STILL).all():
        return images.copy()
    if size == images.shape[1:3] and (ways <= TURNED).all():
        return flip(images, ways)
    moved = np.empty((len(images), *size, 3), np.uint8)
    parts = _rectangles(matrices, size).tolist() if (ways == PART).any() else []
    back = _back(matrices) if (ways == ANY).any() else None
    shape, beyond = size[::-1], _BORDERS[border]
    linear, colour = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (fill, fill, fill)
    for k, (way, image, result) in enumerate(zip(ways.tolist(), images, moved, strict=True)):
        if way == STILL:
            result[:] = image
        elif way <= TURNED:
            cv2.flip(image, CODES[way], result)
        elif way == PART:
            x1, y1, x2, y2 = parts[k]
            cv2.resize(image[y1:y2, x1:x2], shape, result)
        else:
            assert back is not None
            cv2.warpAffine(image, back[k], shape, result, linear, beyond, colour)
    return moved


STILL, ACROSS, DOWN, TURNED, PART, ANY = range(6)  # the ways of a matrix
CODES = {ACROSS: 1, DOWN: 0, TURNED: -1}  # as OpenCV's flip wants them


def flip(images: Pixels, ways: NDArray[np.integer[Any]]) -> Pixels:
    """Images `(N, H, W, 3)`, each as it is, or mirrored across, down or both; new ones."""
    flipped = np.empty_like(images)
    for way, image, result in zip(ways.tolist(), images, flipped, strict=True):
        if way == STILL:
            result[:] = image
        else:
            cv2.flip(image, CODES[way], result)
    return flipped


def _ways(matrices: Matrices, before: Any, size: tuple[int, int]) -> NDArray[np.int64]:
    """By which way each matrix can be done."""
    height, width = before
    ways = np.full(len(matrices), ANY)
    straight = (matrices[:, 0, 1] == 0) & (matrices[:, 1, 0] == 0)
    if not straight.any():
        return ways
    rectangles = _rectangles(matrices, size, exact=True)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(rectangles - np.rint(rectangles)) < GRAIN).all(-1)
    low, high = rectangles[:, :2], rectangles[:, 2:]
    inside = (low > -GRAIN).all(-1) & (high < np.array([width, height]) + GRAIN).all(-1)
    ways[straight & whole & inside & (high - low > GRAIN).all(-1)] = PART
    if size == tuple(before):
        a, d = matrices[:, 0, 0], matrices[:, 1, 1]
        s, t = matrices[:, 0, 2], matrices[:, 1, 2]
        across = ((a == 1) & (s == 0), (a == -1) & (s == width))
        down = ((d == 1) & (t == 0), (d == -1) & (t == height))
        for way, one, other in ((STILL, 0, 0), (ACROSS, 1, 0), (DOWN, 0, 1), (TURNED, 1, 1)):
            ways[straight & across[one] & down[other]] = way
    return ways


def _rectangles(matrices: Matrices, size: tuple[int, int], exact: bool = False) -> NDArray[Any]:
    """Which part `(N, 4)` of each image fills the result, for matrices that only stretch."""
    height, width = size
    scale = matrices[:, [0, 1], [0, 1]]
    with np.errstate(divide="ignore", invalid="ignore"):  # a turn by 90 degrees stretches nothing
        # x = (x' - s) / a
        low = -matrices[:, :2, 2] / scale
        found = np.concatenate([low, low + np.array([width, height]) / scale], -1)
    return found if exact else np.nan_to_num(np.rint(found), posinf=0, neginf=0).astype(int)


def _back(matrices: Matrices) -> NDArray[np.float64]:
    """From places of the result to places of the image `(N, 2, 3)`, in OpenCV's indices."""
    half = geometry.translation(0.5, 0.5)
    # an index is half a pixel less than the middle of its pixel
    return np.ascontiguousarray((geometry.inverse(half) @ geometry.inverse(matrices) @ half)[:, :2])
