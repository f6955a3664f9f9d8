"""What the recurrent cell learns from: whole clips, in which an object is followed in closed loop.

Some are still pictures moved over still pictures, in which looks change as real ones do; some are
scenes, whose pillars, look-alikes and ways out of the picture last longer.

Invariant: batch number k is always the same batch, for the same progress.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, scenes, training
from tracklab.clips import Clip
from tracklab.datasets import moved

BATCH = 12
SIZE = 224  # pixels of a moved clip's side
VIEW = 160  # of it that are in view: out of a smaller frame an object may move
LENGTHS = ((0.0, 40),)  # frames of a clip, from which progress on
HARD = (1.0, 2.0)  # how many occluders and look-alikes, by turns
SPEED = (0.5, 1.0, 1.5)
FIRST_VISIBLE = 0.85  # share of the object that must be seen in the first frame
TRIES = 100
SEEDS = 2**31

SCENES = 0.5  # share of the clips that are scenes, and
SHAPES = 0.25  # of these, those of drawn shapes; the others' sprites are still pictures
SPRITES, SPRITE = 3, 32  # pictures for a scene, pixels of their sides
SCENE_SPEED = (0.5, 4.0)  # pixels a frame
LEVEL = (0.4, 1.0)  # of a dial
TURNED = (1, 3)  # so many dials, the last one excluded


_One = tuple[NDArray[np.uint8], bx.Boxes, NDArray[np.float32]]  # frames, boxes, visible shares


@dataclass(frozen=True)
class Films:
    """Batches of clips of one object each. A `training.Source`.

    Scenes take seeds from below `scenes.TEST_SEED`: test scenes are never among them.

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
        shape, side = (self.batch_size, length), min(VIEW, self.size)
        frames = np.empty((*shape, side, side, 3), np.uint8)
        boxes, visible = np.empty((*shape, 4), np.float32), np.empty(shape, np.float32)
        for b in range(self.batch_size):
            make = self._scene if rng.random() < SCENES else self._moved
            frames[b], boxes[b], visible[b] = make(rng, length)
        return frames, boxes, visible

    def _scene(self, rng: np.random.Generator, length: int) -> _One:
        """A scene that begins with the object in view, one or two of its dials turned up."""
        side = min(VIEW, self.size)
        for _ in range(TRIES):
            chosen = rng.choice(scenes.DIFFICULTIES, int(rng.integers(*TURNED)), replace=False)
            dials: dict[str, Any] = {str(dial): float(rng.uniform(*LEVEL)) for dial in chosen}
            seed = int(rng.integers(scenes.TRAIN_SEED, scenes.TEST_SEED))
            sprites = "shapes" if rng.random() < SHAPES else self._sprites(rng)
            clip = scenes.render(
                seed, length, (side, side), 1, sprites=sprites, speed=SCENE_SPEED, **dials
            )
            visible = _visible(clip)
            if visible[0] > FIRST_VISIBLE:
                break
        assert clip.truth is not None
        boxes = clip.truth.boxes[:, 0]
        # where it is out of view, it is where it was last seen, and not to be found
        gone = ~np.isfinite(boxes[:, 0])
        last = np.maximum.accumulate(np.where(gone, 0, np.arange(length)))
        return np.asarray(clip.frames), boxes[last], np.where(gone, 0, visible).astype(np.float32)

    def _sprites(self, rng: np.random.Generator) -> scenes.Thumbnails:
        size = (SPRITE, SPRITE)
        pictures = [cv2.resize(self.stills.picture(rng), size) for _ in range(SPRITES)]
        return scenes.Thumbnails(np.stack(pictures), np.arange(SPRITES), ("still",) * SPRITES)

    def _moved(self, rng: np.random.Generator, length: int) -> _One:
        """Still pictures moved, in a smaller frame around where the object begins, which it may
        leave and come back to.
        """
        frames, boxes, visible = self._clip(rng, length)
        side = min(VIEW, self.size)
        first = bx.centers(boxes[0])
        # anywhere that has the object's middle inside, and nowhere past the clip's own border
        low = first - side * rng.uniform(0.2, 0.8, 2)
        x, y = np.clip(np.rint(low), 0, self.size - side).astype(int)
        boxes = boxes - np.array([x, y, x, y], np.float32)
        whole = np.maximum(bx.area(boxes), 1e-6)
        inside = bx.area(bx.clip(boxes, side, side)) / whole
        return frames[:, y : y + side, x : x + side], boxes, (visible * inside).astype(np.float32)

    def _clip(self, rng: np.random.Generator, length: int) -> _One:
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
