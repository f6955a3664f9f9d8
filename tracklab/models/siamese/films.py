"""What the recurrent cell learns from: whole clips, in which an object is followed in closed loop.

Invariant: batch number k is always the same batch, for the same progress.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, training
from tracklab.clips import Clip
from tracklab.datasets import moved

BATCH = 12
SIZE = 224  # pixels of a clip's side
VIEW = 160  # of it that are in view: out of a smaller frame an object may move
LENGTHS = ((0.0, 8), (0.15, 16), (0.4, 32))  # frames of a clip, from which progress on
HARD = (1.0, 2.0)  # how many occluders and look-alikes, by turns
SPEED = (0.5, 1.0, 1.5)
FIRST_VISIBLE = 0.85  # share of the object that must be seen in the first frame
TRIES = 100
SEEDS = 2**31


@dataclass(frozen=True)
class Films:
    """Batches of clips of one object each. A `training.Source`.

    stills: the pictures that are moved. batch_size: clips a step. lengths: of the clips, frames,
    each from a progress on. size: pixels of a frame's side. seed: decides every draw.
    """

    stills: moved.Stills
    batch_size: int = BATCH
    lengths: tuple[tuple[float, int], ...] = LENGTHS
    size: int = SIZE
    seed: int = 0

    def __post_init__(self) -> None:
        errors.number("batch_size", self.batch_size, low=1, whole=True)
        errors.number("size", self.size, low=64, whole=True)
        errors.number("seed", self.seed, low=0, whole=True)
        wanted = "pairs (progress, frames), from progress 0 on, of 2 frames or more"
        if not self.lengths or self.lengths[0][0] > 0 or min(n for _, n in self.lengths) < 2:
            errors.bad("lengths", self.lengths, wanted)

    @property
    def steps_per_epoch(self) -> float:
        """So many steps are called an epoch, as there is no end of clips."""
        return 100.0

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """B clips of T frames: frames `(B, T, V, V, 3)` uint8, boxes `(B, T, 4)` float32 xyxy
        pixels, visible `(B, T)` float32, 0 to 1.
        """
        rng = np.random.default_rng([self.seed, step, 5])
        length = [frames for start, frames in self.lengths if progress >= start][-1]
        shape = (self.batch_size, length)
        frames = np.empty((*shape, self.size, self.size, 3), np.uint8)
        boxes, visible = np.empty((*shape, 4), np.float32), np.empty(shape, np.float32)
        for b in range(self.batch_size):
            frames[b], boxes[b], visible[b] = self._clip(rng, length)
        return self._narrowed(rng, frames, boxes, visible)

    def _narrowed(
        self,
        rng: np.random.Generator,
        frames: NDArray[np.uint8],
        boxes: NDArray[np.float32],
        visible: NDArray[np.float32],
    ) -> training.Batch:
        """A smaller frame around where each object begins, which it may leave and come back to."""
        side = min(VIEW, self.size)
        first = bx.centers(boxes[:, 0])
        # anywhere that has the object's middle inside, and nowhere past the clip's own border
        low = first - side * rng.uniform(0.2, 0.8, first.shape)
        low = np.clip(np.rint(low), 0, self.size - side).astype(int)
        cut = [one[:, y : y + side, x : x + side] for one, (x, y) in zip(frames, low, strict=True)]
        moved_boxes = boxes - np.tile(low, 2)[:, None].astype(np.float32)
        whole = np.maximum(bx.area(moved_boxes), 1e-6)
        inside = bx.area(bx.clip(moved_boxes, side, side)) / whole
        return np.stack(cut), moved_boxes, (visible * inside).astype(np.float32)

    def _clip(self, rng: np.random.Generator, length: int) -> training.Batch:
        """One clip that begins with the object in view."""
        for _ in range(TRIES):
            seed, hard, speed = int(rng.integers(SEEDS)), rng.choice(HARD), rng.choice(SPEED)
            make = functools.partial(
                moved.clip,
                self.stills,
                length,
                seed=seed,
                size=self.size,
                hard=float(hard),
                speed=float(speed),
            )
            # the first frame alone costs little, and tells whether it will do
            if _visible(make(only=[0]))[0] > FIRST_VISIBLE:
                break
        clip = make()
        assert clip.truth is not None
        return np.asarray(clip.frames), clip.truth.boxes[:, 0], _visible(clip)


def _visible(clip: Clip) -> NDArray[np.float32]:
    assert clip.truth is not None
    return clip.truth.visibility[:, 0]
