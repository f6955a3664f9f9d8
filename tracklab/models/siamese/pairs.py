"""What the network learns from: windows of clips in which one object's box is known.

Of each clip some frames are drawn, far apart or near, in time's direction or against it. The first
window is where the object is remembered from, the others are searched, each with the one before it
as what is remembered lately. Where an object was expected is never exact, so windows lie beside it
and their scale is off; remembered boxes are a little wrong as well.

Invariant: batch number k is always the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracklab import augment as au
from tracklab import boxes as bx
from tracklab import errors, training
from tracklab.clips import Clip
from tracklab.datasets import moved
from tracklab.models.siamese import geometry

BATCH, WINDOWS = 16, 4  # clips a step, windows a clip
LONGEST = 40  # frames that a clip spans at most
FIRST_VISIBLE = 0.85  # share of the object that must be seen where it is remembered from
EXACT = 0.2  # share of the windows that lie nearly on the object,
AWAY = (0.12, 0.55)  # standard deviation of the others' distance in sizes; and of these
FARTHEST = 1.5  # sizes
GONE, GONE_TO = 0.04, 3.0  # share of the windows without the object, and how far away, in sizes
SCALE, SCALE_LIMIT = 0.15, 0.45  # deviation of the log of a window's scale, and its limit
FIRST_SCALE = 0.03  # likewise, of the window that it is remembered from
MEMORY = (0.05, 0.03)  # deviations of a remembered box: place in sizes, log size
GUESSES = 2  # guessed boxes a window
GUESS = (0.12, 0.12, 0.06)  # deviations: place in sizes, log size, log shape
WRONG = 0.15  # share of the guesses that lie anywhere
SEEDS = 2**31


@dataclass(frozen=True)
class Pairs:
    """Batches of windows with their boxes. A `training.Source`.

    stills: the pictures that are moved. batch_size: clips a step. windows: of each clip, 2 or more.
    longest: frames that these span at most. seed: decides every draw. augment: what is done to each
    clip before windows are cut from it, by one draw; one whose object would leave the picture stays
    as it is.
    """

    stills: moved.Stills
    batch_size: int = BATCH
    windows: int = WINDOWS
    longest: int = LONGEST
    seed: int = 0
    augment: au.Transform | None = None

    def __post_init__(self) -> None:
        if self.augment is not None and not isinstance(self.augment, au.Transform):
            errors.bad("augment", self.augment, "a transform, as augment.Pipeline(...), or None")
        errors.number("batch_size", self.batch_size, low=2, whole=True)
        errors.number("windows", self.windows, low=2, whole=True)
        errors.number("longest", self.longest, low=self.windows, whole=True)
        errors.number("seed", self.seed, low=0, whole=True)

    @property
    def steps_per_epoch(self) -> float:
        """So many steps are called an epoch, as there is no end of clips."""
        return 100.0

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """B clips with K windows each.

        windows `(B, K, SEARCH, SEARCH, 3)` uint8; boxes `(B, K, 4)` float32 in their pixels;
        visible `(B, K)`; errors `(B, K, 4)`: to add to a box where it is remembered; mixes `(B, K -
        1)`: how much of the window before goes into what is remembered lately; guesses `(GUESSES,
        B (K - 1), 4)`: offsets of guessed boxes.
        """
        rng = np.random.default_rng([self.seed, step, 3])
        B, K = self.batch_size, self.windows
        windows = np.empty((B, K, geometry.SEARCH, geometry.SEARCH, 3), np.uint8)
        boxes, visible = np.empty((B, K, 4), np.float32), np.empty((B, K), np.float32)
        for b in range(B):
            length = int(rng.integers(K, self.longest + 1))
            chosen = np.sort(rng.choice(length, K, replace=False)).tolist()
            clip = moved.clip(self.stills, length, seed=int(rng.integers(SEEDS)), only=chosen)
            if self.augment is not None:
                clip = _changed(clip, self.augment, rng)
            for k, t in enumerate(_order(clip, rng)):
                windows[b, k], boxes[b, k], visible[b, k] = _cut(clip, t, k == 0, rng)
        size = np.sqrt(np.maximum(bx.area(boxes), 4.0))[..., None]
        place = np.tile(rng.normal(0, MEMORY[0], (B, K, 2)), 2)
        grown = rng.normal(0, MEMORY[1], (B, K, 1)) * np.array([-1, -1, 1, 1])
        guesses = _guesses(rng, B * (K - 1))
        mixes = rng.random((B, K - 1), np.float32)
        return windows, boxes, visible, np.float32((place + grown) * size), mixes, guesses


def _changed(clip: Clip, augment: au.Transform, rng: np.random.Generator) -> Clip:
    """A clip augmented, or as it was where its object would leave the picture."""
    changed = augment.clip(clip, rng)
    assert changed.truth is not None
    return changed if changed.truth.present.all() else clip


def _order(clip: Clip, rng: np.random.Generator) -> list[int]:
    """Its frames forward or backward, one in which the object is clearly seen to the front."""
    order = list(range(len(clip)))
    if rng.random() < 0.5:
        order.reverse()
    assert clip.truth is not None
    shown = clip.truth.visibility[order, 0]
    clear = np.flatnonzero(shown > FIRST_VISIBLE)
    first = order.pop(int(clear[0] if len(clear) else shown.argmax()))
    return [first, *order]


def _cut(
    clip: Clip, t: int, first: bool, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], bx.Boxes, float]:
    """A window of frame `t`, the object's box in it, and how much of the object is seen."""
    assert clip.truth is not None
    box = clip.truth.boxes[t, 0]
    middle, size = bx.centers(box).astype(float), bx.sizes(box).astype(float)
    if first:
        here = geometry.window(middle, size * np.exp(rng.normal() * FIRST_SCALE))
    else:
        side = np.sqrt(size.prod())
        away = rng.normal(0, 1, 2) * AWAY[int(rng.random() >= EXACT)]
        scale = np.exp(np.clip(rng.normal() * SCALE, -SCALE_LIMIT, SCALE_LIMIT))
        away = np.clip(away, -FARTHEST, FARTHEST)
        if rng.random() < GONE:
            turn = 2 * np.pi * rng.random()
            away = GONE_TO * np.array([np.cos(turn), np.sin(turn)])
        here = geometry.window(middle + away * side, size * scale)
    picture = geometry.draw(clip.frames[t], here)
    return picture, geometry.to_window(here, box), float(clip.truth.visibility[t, 0])


def _guesses(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    shape = (GUESSES, count)
    place = rng.normal(0, GUESS[0], (*shape, 2))
    wrong = rng.random(shape) < WRONG
    place[wrong] = rng.normal(0, 1, (int(wrong.sum()), 2))
    size = rng.normal(0, GUESS[1], (*shape, 1)) + rng.normal(0, GUESS[2], (*shape, 2))
    return np.concatenate([place, size], -1).astype(np.float32)
