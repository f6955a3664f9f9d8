"""How everything that is known follows the pixels: boxes, outlines, velocities, visible shares.

Invariant: a box is where its object's pixels are; a velocity is what the moved centres do; what has
left the image is absent, and what is cut off is not visible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.augment import edge, geometry
from tracklab.augment.moves import Move
from tracklab.augment.pictures import NOBODY, Pictures
from tracklab.clips import Clip, Frames, Truth


def moved(pictures: Pictures, move: Move) -> Pictures:
    """Pictures where a move takes them, with their boxes and outlines."""
    images = move.warp(pictures.images)
    if pictures.boxes is None:
        return replace(pictures, images=images)
    boxes, gone = move.boxes(pictures.boxes, pictures.size)
    outlines = pictures.outlines
    if outlines is not None:
        tight, out, outlines = move.outlines(outlines)
        still = move.still(pictures.size)[:, None]
        boxes = np.where(still[..., None], boxes, tight)
        gone = np.where(still, gone, out)
    lost = gone & ~np.isnan(pictures.boxes[..., 0])
    labels = np.where(lost, NOBODY, pictures.labels)
    return Pictures(images, labels, boxes, outlines)


def moved_clip(clip: Clip, move: Move) -> Clip:
    """A clip whose every frame goes where one move takes it, with truth and detections."""
    size = clip.size
    if move.still(size).all():
        return clip
    frames = changed(clip.frames, lambda frame, _: move.warp(frame[None])[0], move.repeated)
    truth = None if clip.truth is None else moved_truth(clip.truth, move, size)
    found = clip.detections
    if found is not None:
        found = tuple(_moved_rows(rows, move, size) for rows in found)
    return replace(clip, frames=frames, truth=truth, detections=found)


def moved_truth(truth: Truth, move: Move, size: tuple[int, int]) -> Truth:
    """A truth of `T` frames and `N` objects where one move takes it.

    size: of the frames before. Velocities go with the pixels, also where their object is out of
    view. The visible share shrinks with what the edge cuts off, as far as boxes tell.
    """
    every = move.repeated(len(truth))
    whole = every.around_boxes(truth.boxes)
    boxes, gone = every.boxes(truth.boxes, size)
    share = np.where(gone, 0, edge.shares(whole, move.window))
    # v' = A v
    velocities = geometry.velocities(every.matrices, truth.velocities)
    seen = truth.visibility * np.clip(share, 0, 1).astype(np.float32)
    return replace(truth, boxes=boxes, velocities=velocities, visibility=seen)


def _moved_rows(rows: NDArray[np.float32], move: Move, size: Any) -> NDArray[np.float32]:
    """Detections `(n, 6)` of one frame; those that leave it are dropped."""
    boxes, gone = move.boxes(rows[None, :, :4], size)
    return np.concatenate([boxes[0], rows[:, 4:]], -1)[~gone[0]]


def painted_clip(clip: Clip, painting: Any, drawn: Any) -> Clip:
    """A clip whose every frame is painted by one draw.

    What hides objects (`painting.HIDES`) takes its share off what is visible of them.
    """

    def one(frame: Any, t: int) -> Any:
        return painting.paint(frame[None], drawn, t)[0]

    truth = clip.truth
    if truth is not None and painting.HIDES:
        hole = painting.hole(drawn)
        hidden = np.nan_to_num(edge.shares(truth.boxes, hole))
        # seen' = seen (1 - |box and hole| / |box|)
        truth = replace(truth, visibility=truth.visibility * (1 - hidden).astype(np.float32))
    return replace(clip, frames=changed(clip.frames, one), truth=truth)


def changed(
    frames: Frames,
    change: Callable[[Any, int], Any],
    repeated: Callable[[int], Move] | None = None,
) -> Frames:
    """Frames after a change of each: an array of an array, else a sequence that is still lazy."""
    if not isinstance(frames, np.ndarray):
        return Changed(frames, change)
    if repeated is not None:
        return repeated(len(frames)).warp(frames)
    return np.stack([change(frame, t) for t, frame in enumerate(frames)])


class Changed:
    """Frames that are changed when they are asked for."""

    def __init__(
        self, frames: Frames, change: Callable[[Any, int], Any], chosen: range | None = None
    ) -> None:
        self.origin, self._change = frames, change
        self._chosen = range(len(frames)) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Changed(self.origin, self._change, self._chosen[index])
        t = self._chosen[index]
        return self._change(self.origin[t], t)
