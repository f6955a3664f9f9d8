"""Mosaic: four images in one, with all their boxes: objects meet that never met, at other sizes.

Bochkovskiy, Wang and Liao, "YOLOv4: Optimal speed and accuracy of object detection" (2020), section
3.3. Each image goes where a matrix takes it, as in every move, and is cut at its quarter.

Invariant: each pixel of the result is of one image; a box lies in the quarter of its image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import edge, geometry
from tracklab.augment.following import Changed
from tracklab.augment.geometry import Matrices
from tracklab.augment.pictures import NOBODY, Pictures, as_rng
from tracklab.augment.transform import Mixing, between, pair
from tracklab.clips import Clip, Truth

QUARTERS = 4

Windows = NDArray[np.int64]  # (N, 4, 4): four whole boxes x1, y1, x2, y2 an image


@dataclass(frozen=True)
class Mosaic(Mixing):
    """Parts of each image and three others of its batch, around a point.

    middle: between which shares of width and height the four meet.
    kept: the share of a box that must be seen for its object to count.

    A part is drawn at a scale between the smallest that fills its quarter and 1. With M boxes an
    image before, there are 4 M after, NaN where there is none. Labels of whole images raise
    `InputError`.
    """

    middle: tuple[float, float] = (0.3, 0.7)
    kept: float = edge.KEPT

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        object.__setattr__(self, "middle", pair("middle", self.middle, low=0.05, high=0.95))
        errors.number("kept", self.kept, low=0, high=1)

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Draw partners, middles and parts, and put them together."""
        if pictures.boxes is None and pictures.labels is not None:
            came = errors.Said("labels of whole images")
            errors.bad("labels, for Mosaic", came, "boxes and their labels (for classes: CutMix)")
        count = len(pictures)
        chosen = self.chosen(rng, count)
        others = rng.integers(0, count, (count, QUARTERS - 1))
        partners = np.concatenate([np.arange(count)[:, None], others], 1)
        quarters, parts = self.draw(rng, count, pictures.size)
        images = pictures.images.copy()
        for k in np.flatnonzero(chosen).tolist():
            images[k] = composed([pictures.images[j] for j in partners[k]], quarters[k], parts[k])
        if pictures.boxes is None:
            return Pictures(images)
        found = [
            self._quarter(pictures, partners[:, q], quarters[:, q], parts[:, q], chosen, q)
            for q in range(QUARTERS)
        ]
        boxes, labels = (np.concatenate(column, 1) for column in zip(*found, strict=True))
        outlines = None if pictures.outlines is None else geometry.corners(boxes)
        return Pictures(images, labels, boxes, outlines)

    def draw(
        self, rng: np.random.Generator, count: int, size: tuple[int, int]
    ) -> tuple[Windows, Windows]:
        """Draw four quarters of each result, and what part of each image fills them."""
        whole = np.array([size[1], size[0]])
        share = np.stack([between(rng, self.middle, count) for _ in range(2)], -1)
        x, y = np.clip(np.rint(share * whole).astype(int), 1, whole - 1).T
        width, height = np.full((2, count), whole[:, None])
        zero = np.zeros(count, int)
        corners = ((zero, zero, x, y), (x, zero, width, y), (zero, y, x, height))
        last = (x, y, width, height)
        quarters = np.stack([np.stack(each, -1) for each in (*corners, last)], 1)
        sides = quarters[..., 2:] - quarters[..., :2]
        # s is between max(w / W, h / H), which fills the quarter with all of a side, and 1
        least = (sides / whole).max(-1)
        scale = least + (1 - least) * rng.random((count, QUARTERS))
        taken = np.clip(np.rint(sides / scale[..., None]), 1, whole).astype(int)
        low = (rng.random((count, QUARTERS, 2)) * (whole - taken + 1)).astype(int)
        return quarters, np.concatenate([low, low + taken], -1)

    def _quarter(
        self,
        pictures: Pictures,
        partner: NDArray[np.int64],
        quarter: NDArray[np.int64],
        part: NDArray[np.int64],
        chosen: NDArray[np.bool_],
        number: int,
    ) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Boxes and labels of one quarter of each image."""
        assert pictures.boxes is not None
        moves = into(part, quarter)
        windows = quarter[:, None]
        if pictures.outlines is None:
            moved = geometry.boxes(moves, pictures.boxes[partner])
            boxes, gone = edge.cut(moved, windows, self.kept)
        else:
            outlines = geometry.points(moves, pictures.outlines[partner])
            boxes, gone, _ = edge.cut_outlines(outlines, windows, self.kept)
        there = ~np.isnan(pictures.boxes[partner][..., 0])
        labels = np.where(gone & there, NOBODY, pictures.labels[partner])
        # an image that is not chosen keeps its own, and nobody else's
        own = pictures.boxes if number == 0 else np.full_like(boxes, np.nan)
        names = pictures.labels if number == 0 else np.full_like(labels, NOBODY)
        return (
            np.where(chosen[:, None, None], boxes, own),
            np.where(chosen[:, None], labels, names),
        )

    def clips(self, clips: Sequence[Clip], rng: Any = 0) -> Clip:
        """Four clips of one size in one, by one draw; as long as the shortest.

        Truth is put together where all have one: identities are numbered anew. Raises `InputError`
        for another number of clips, other sizes, and classes of other names.
        """
        if len(clips) != QUARTERS or not all(isinstance(clip, Clip) for clip in clips):
            errors.bad("clips", errors.kind(clips), "four clips")
        sizes = [clip.size for clip in clips]
        if len(set(sizes)) > 1:
            errors.bad("clips", errors.Said(f"sizes {sizes}"), "clips of one size")
        length = min(map(len, clips))
        quarters, parts = self.draw(as_rng(rng), 1, sizes[0])

        def frame(_: Any, t: int) -> Any:
            return composed([clip.frames[t] for clip in clips], quarters[0], parts[0])

        frames = Changed(range(length), frame)
        truths = [clip[:length].truth for clip in clips]
        return Clip(frames, clips[0].fps, self._together(truths, quarters[0], parts[0]), "mosaic")

    def _together(
        self, truths: list[Truth | None], quarters: NDArray[Any], parts: NDArray[Any]
    ) -> Truth | None:
        known = [truth for truth in truths if truth is not None]
        if len(known) < QUARTERS:
            return None
        if len({truth.class_names for truth in known}) > 1:
            errors.bad("clips", errors.Said("classes of other names"), "the same class_names")
        columns = []
        for truth, quarter, part in zip(known, quarters, parts, strict=True):
            moves = np.broadcast_to(into(part[None], quarter[None]), (len(truth), 3, 3))
            whole = geometry.boxes(moves, truth.boxes)
            boxes, gone = edge.cut(whole, quarter, self.kept)
            share = np.where(gone, 0, edge.shares(whole, quarter)).astype(np.float32)
            speed = geometry.velocities(moves, truth.velocities)
            columns.append((boxes, truth.visibility * share, speed))
        boxes, seen, speed = (np.concatenate(each, 1) for each in zip(*columns, strict=True))
        classes = np.concatenate([truth.classes for truth in known])
        ids = np.arange(1, len(classes) + 1)
        return Truth(boxes, ids, classes, np.clip(seen, 0, 1), speed, known[0].class_names)


def into(parts: NDArray[np.int64], quarters: NDArray[np.int64]) -> Matrices:
    """Matrices `(N, 3, 3)` that take parts `(N, 4)` of images to quarters `(N, 4)` of others."""
    sides = (quarters[:, 2:] - quarters[:, :2]).astype(float)
    x1, y1 = quarters[:, 0], quarters[:, 1]
    taken = (parts[:, 2:] - parts[:, :2]).astype(float)
    # x' = (x - x1) w' / w + x1'
    scaled = geometry.scaling(*(sides / taken).T) @ geometry.translation(*-parts[:, :2].T)
    return geometry.translation(x1, y1) @ scaled


def composed(
    images: Sequence[NDArray[np.uint8]], quarters: NDArray[Any], parts: NDArray[Any]
) -> NDArray[np.uint8]:
    """Four images `(H, W, 3)`, a part of each in a quarter of the result."""
    result = np.empty_like(images[0])
    for image, (a, b, c, d), (x1, y1, x2, y2) in zip(
        images, quarters.tolist(), parts.tolist(), strict=True
    ):
        cv2.resize(image[y1:y2, x1:x2], (c - a, d - b), dst=result[b:d, a:c])
    return result
