"""Crowds: videos without pixels, in which objects pass before one another, and what a detector saw.

A tracker of many objects is fed with boxes alone. So it can be studied on paths and detections that
are made in milliseconds, with a dial for each thing that makes identities hard to keep.

Invariants: the same arguments give the same numbers; crowds of part "train" and of part "test"
come from seeds that never meet; with `noise`, `misses` and `false_alarms` of 0, the detections of a
frame are the true boxes of those that can be seen in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, scenes
from tracklab.clips import Truth
from tracklab.detections import Detections
from tracklab.scenes.scene import SMALLEST_OBJECT

SEEDS = {"train": scenes.TRAIN_SEED, "test": scenes.TEST_SEED}
PICTURE = (256, 256)  # height and width in pixels
SPEED = (1.0, 5.0)  # pixels a frame
SIDE = (22.0, 60.0)  # pixels
NOISE = 0.06  # of a box's width and height: how far a detection is off (one sigma)
MISSES = 0.1  # of the visible objects that a detector misses in a frame, independently
HIDDEN = 0.4  # visible share below which an object is not detected
FALSE_ALARMS = 0.3  # a frame, on average
SURE, UNSURE = 2.0, -0.5  # logits of the scores of objects and of false alarms, in the middle
ASPECT = 1.5  # boxes are up to so many times as wide as high, or as high as wide
DIALS = ("scale_variation", "rotation", "out_of_view", "camera_motion")  # of paths
RASTER = 8  # points a side at which it is asked whether something stands before a box


@dataclass(frozen=True, eq=False)
class Crowd:
    """A video of `T` frames and `N` objects without pixels.

    truth: boxes, identities, visibility and velocities. Objects have no class but 0.
    detections: a list of `T`. size: height and width of the picture in pixels.
    """

    truth: Truth
    detections: list[Detections]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.detections)


def crowd(
    objects: int = 12,
    frames: int = 120,
    *,
    seed: int = 0,
    part: str = "test",
    motion: str | Sequence[str] = "mixed",
    size: tuple[int, int] = PICTURE,
    speed: float | tuple[float, float] = SPEED,
    side: float | tuple[float, float] = SIDE,
    noise: float = NOISE,
    misses: float = MISSES,
    hidden: float = HIDDEN,
    false_alarms: float = FALSE_ALARMS,
    **scene: float,
) -> Crowd:
    """Objects that move among one another, and what a detector makes of it.

    Those with a higher number stand before those with a lower one.

    objects, frames: N and T. seed: from 0; part: "train" or "test".
    motion: one or several of `scenes.MOTIONS`, or "mixed". size: of the picture; speed: pixels a
        frame; side: pixels, of the box; each one number or from, to.
    noise: standard deviation of a detection's centre, in widths and heights, and of the logarithms
        of its width and height. misses: share of the visible objects that are missed in a frame.
    hidden: an object of which a smaller share is visible is not detected. false_alarms: detections
        of nothing, a frame, on average.
    scene: further dials, `DIALS` of `scenes.trajectories`.

    Raises `InputError` for arguments that are none.

    >>> made = crowd(objects=3, frames=10)
    >>> len(made), made.truth.boxes.shape
    (10, (10, 3, 4))
    """
    errors.choice("part", part, SEEDS)
    span = SEEDS["test"] - SEEDS["train"] - 1
    seed = int(errors.number("seed", seed, low=0, high=span, whole=True))
    noise = errors.number("noise", noise, low=0, high=1)
    misses = errors.number("misses", misses, low=0, high=1)
    hidden = errors.number("hidden", hidden, low=0, high=1)
    false_alarms = errors.number("false_alarms", false_alarms, low=0, high=1000)
    if not isinstance(motion, str) and not isinstance(motion, Sequence):
        errors.bad("motion", motion, f'"mixed", or one or several of {scenes.MOTIONS}')
    sides = _span(side, size)
    for name in scene:
        errors.choice("scene", name, DIALS)
    paths = scenes.trajectories(
        SEEDS[part] + seed,
        frames,
        size,
        objects,
        motion=motion if isinstance(motion, str) else list(motion),
        speed=speed,
        object_size=sides,
        **scene,
    )
    # the third word keeps draws apart: from those of the paths, and objects from false alarms
    rng, other = (np.random.default_rng([SEEDS[part], seed, word]) for word in (2, 3))
    truth = _truth(paths, size, rng)
    found = []
    for boxes, seen in zip(truth.boxes, truth.visibility, strict=True):
        answers = _answers(boxes, seen, rng, noise, misses, hidden)
        alarms = _alarms(int(other.poisson(false_alarms)), sides, size, other)
        found.append(_cut(np.concatenate([answers, alarms]), size))
    return Crowd(truth, found, (int(size[0]), int(size[1])))


def covered(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share `(..., N)` of each box `(..., N, 4)` that those behind it in the list stand before.

    Asked at `RASTER` x `RASTER` points of each box; boxes that are absent (NaN) cover nothing.

    >>> covered(np.float32([[0, 0, 8, 8], [0, 0, 4, 8]])).tolist()
    [0.5, 0.0]
    """
    steps = ((np.arange(RASTER) + 0.5) / RASTER).astype(np.float32)
    x1, y1, x2, y2 = np.moveaxis(boxes[..., None], -2, 0)
    xs, ys = x1 + steps * (x2 - x1), y1 + steps * (y2 - y1)  # (..., N, RASTER)
    left, top, right, bottom = np.moveaxis(boxes[..., None, :, None, :], -1, 0)
    across = (xs[..., :, None, :] >= left) & (xs[..., :, None, :] < right)
    down = (ys[..., :, None, :] >= top) & (ys[..., :, None, :] < bottom)
    before = np.triu(np.ones((boxes.shape[-2],) * 2, bool), 1)[..., None]
    across, down = across & before, down & before
    # a point is covered where one and the same box is over it in both directions
    points = (down[..., :, None] & across[..., None, :]).any(-3)
    return points.mean((-1, -2), dtype=np.float32)


def _truth(paths: Any, size: tuple[int, int], rng: np.random.Generator) -> Truth:
    """Boxes inside the picture, who stands before whom, and velocities."""
    count = paths.centers.shape[1]
    aspect = np.exp2(rng.uniform(-1, 1, count) * np.log2(ASPECT) / 2)
    shape = np.stack([aspect, 1 / aspect], axis=-1)
    half = paths.sizes[..., None] * shape / 2
    whole = np.concatenate([paths.centers - half, paths.centers + half], -1).astype(np.float32)
    inside = bx.clip(whole, *size)
    there = (bx.sizes(inside) >= 1).all(-1)
    boxes = np.where(there[..., None], inside, np.float32(np.nan))
    share = np.divide(bx.area(inside), bx.area(whole))
    visible = np.where(there, share * (1 - covered(boxes)), 0).astype(np.float32)
    return Truth.from_boxes(
        boxes,
        classes=np.zeros(count, np.int64),
        visibility=visible,
        velocities=np.where(there[..., None], paths.velocities, np.float32(np.nan)),
        class_names=("object",),
    )


def _answers(
    boxes: NDArray[np.float32],
    visible: NDArray[np.float32],
    rng: np.random.Generator,
    noise: float,
    misses: float,
    hidden: float,
) -> NDArray[np.float64]:
    """What a detector says of those it sees: rows of a box and a logit, `(K, 5)`."""
    # every object draws its numbers, seen or not, so that a dial changes nothing but its own effect
    off = rng.normal(size=(len(boxes), 4)) * noise
    lucky = rng.random(len(boxes)) >= misses
    logits = rng.normal(SURE, 1, len(boxes))
    seen = lucky & (visible >= hidden) & (visible > 0)
    shape = bx.xyxy_to_cxcywh(boxes[seen]).astype(np.float64)
    center = shape[:, :2] + off[seen, :2] * shape[:, 2:]
    moved = np.concatenate([center, shape[:, 2:] * np.exp(off[seen, 2:])], -1)
    return np.concatenate([bx.cxcywh_to_xyxy(moved), logits[seen, None]], -1)


def _alarms(
    count: int, sides: tuple[float, float], size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """What it says of nothing: `count` rows like those of `_answers`, of sides as objects have."""
    side = np.exp(rng.uniform(np.log(sides[0]), np.log(sides[1]), (count, 2)))
    corner = rng.random(side.shape) * np.maximum(np.array(size[::-1]) - side, 0)
    return np.concatenate([corner, corner + side, rng.normal(UNSURE, 1, (count, 1))], -1)


def _cut(rows: NDArray[np.float64], size: tuple[int, int]) -> Detections:
    """The part inside the picture; what has none is nothing."""
    found = bx.clip(rows[:, :4], *size)
    whole = (bx.sizes(found) > 0).all(-1)
    scores = 1 / (1 + np.exp(-rows[:, 4]))
    return Detections(found[whole], scores[whole], np.zeros(int(whole.sum()), np.int64))


def _span(side: Any, size: Any) -> tuple[float, float]:
    """The least and the largest side of an object, pixels."""
    wanted = f"one number or from, to, from {SMALLEST_OBJECT:g} pixels to the picture's side {size}"
    pair = side if isinstance(side, (tuple, list)) else (side, side)
    try:
        low, high = (float(each) for each in pair)
        most = float(min(size))
    except (TypeError, ValueError):
        errors.bad("side", side, wanted)
    if not SMALLEST_OBJECT <= low <= high <= most:
        errors.bad("side", side, wanted)
    return low, high
