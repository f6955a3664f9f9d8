"""What is augmented: a batch of images and what is known of them, checked at one door.

Invariant: what is known belongs to the images: labels of images or boxes, one row an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors

NOBODY = -1  # the label of a row without a box

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images `(N, H, W, 3)` uint8 RGB, and what is known of them.

    labels: of images, `(N,)` or `(N, C)`; with boxes, `(N, M)`, below 0 where there is none.
    boxes: `(N, M, 4)` float32, NaN where there is none; None where labels are of images.
    outlines: `(N, M, K, 2)` float32, places on the objects' outlines, or None: with them boxes stay
        tight whatever turns them.
    """

    images: Pixels
    labels: Any = None
    boxes: NDArray[np.float32] | None = None
    outlines: NDArray[np.float32] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        height, width = self.images.shape[1:3]
        return height, width

    def __len__(self) -> int:
        return len(self.images)


def as_rng(rng: Any) -> np.random.Generator:
    """A generator as it is, or one of a whole seed from 0; `InputError` for anything else."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        errors.bad("rng", rng, "a numpy.random.Generator, or a whole seed from 0")
    return np.random.default_rng(int(errors.number("rng", rng, low=0, whole=True)))


def as_images(images: Any) -> Pixels:
    """A batch of images, checked; `InputError` for one image, grey, RGBA, floats, and none."""
    wanted = "images of shape (N, H, W, 3) and type uint8, RGB"
    array = np.asarray(images)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        errors.bad("images", array, f"{wanted} (of one image: image[None])")
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8:
        errors.bad("images", array, wanted)
    if array.size == 0:
        errors.bad("images", array, "at least one image, with pixels")
    return np.ascontiguousarray(array)


def labelled(images: Any, labels: Any = None) -> Pictures:
    """Images with labels of images `(N,)` or `(N, C)`, or with none."""
    pixels = as_images(images)
    if labels is None:
        return Pictures(pixels)
    known = np.asarray(labels)
    if known.shape[:1] != (len(pixels),):
        errors.bad("labels", known, f"one for each of the {len(pixels)} images")
    return Pictures(pixels, known)


def boxed(images: Any, boxes: Any, labels: Any = None, outlines: Any = None) -> Pictures:
    """Images with boxes `(N, M, 4)`, their labels `(N, M)` and perhaps outlines.

    Raises `InputError` where they do not agree, boxes are no boxes, or one lies outside its image
    or has no area: it is named. Boxes may reach over the edge.
    """
    pixels = as_images(images)
    known = bx.as_boxes(boxes, "boxes", absent=True)
    if known.ndim != 3 or len(known) != len(pixels):
        errors.bad("boxes", known, f"shape ({len(pixels)}, M, 4), the boxes of each image")
    there = ~np.isnan(known[..., 0])
    height, width = pixels.shape[1:3]
    inside = (bx.sizes(bx.clip(known, height, width)) > 0).all(-1)
    if (there & ~inside).any():
        row = tuple(int(k) for k in np.argwhere(there & ~inside)[0])
        came = errors.Said(f"{known[row].tolist()} at index {list(row)}")
        errors.bad("boxes", came, f"boxes with an area inside the image of {width}x{height}")
    names = np.where(there, 0, NOBODY) if labels is None else np.asarray(labels)
    if names.shape != known.shape[:2] or names.dtype.kind not in "iu":
        errors.bad("labels", names, f"whole numbers of shape {known.shape[:2]}, one for each box")
    return Pictures(pixels, names, known, _outlines(outlines, known.shape[:2]))


def _outlines(outlines: Any, rows: tuple[int, ...]) -> NDArray[np.float32] | None:
    if outlines is None:
        return None
    given = np.asarray(outlines)
    if given.ndim != 4 or given.shape[:2] != rows or given.shape[3] != 2 or not given.shape[2]:
        errors.bad("outlines", given, f"places x, y of shape {(*rows, 'K', 2)}")
    if given.dtype.kind not in "iuf":
        errors.bad("outlines", given, "numbers")
    return given.astype(np.float32)
