"""How things move: the object, the camera, and how large, how broad and how turned the object is.

Lengths are pixels, times are frames, and the object's speed is measured in its own size, because
what is small is mostly far away.

Invariant: the middle of the object stays inside the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tracklab.datasets.moved.chance import Floats, log_uniform, one_of, walk

START = (0.3, 0.7)  # of the picture: where an object is at first
WALLS = (0.15, 0.85)  # of the picture: where its middle turns back
SPEED = (0.02, 0.35)  # standard deviation in sizes a frame, as likely to double as to double again
TURNING = 0.05  # radians that the direction changes a frame, the same in all frames (one sigma)
JITTER = (0.01, 0.12)  # sizes: of this, `KICK` is the velocity's random change in a frame
KICK = 0.4
ASPECT, ASPECT_SPREAD = -0.2, 0.5  # of log(width / height): what is followed is rather high
ASPECT_BOUNDS = (-1.3, 1.2)
GROWTH_NOISE = 0.012  # of log size, a frame
GROWTH = (0, 0.01, 0.03)  # likewise, the same in all frames (one sigma)
GROWTH_BOUND = 0.9  # so that sizes stay between 0.41 and 2.5 of the first
STRETCH = (0.003, 0.02)  # of log aspect, a frame
STRETCH_BOUND = 0.4
SPIN_NOISE = (0, 0.01, 0.04)  # radians a frame
SPIN = (0, 0, 0.03, 0.08)  # likewise, the same in all frames (one sigma)

PAN_CHANGE = (0, 0.02, 0.1)  # pixels a frame, by which a camera's speed changes in a frame
PAN = (0, 0, 1, 3)  # twentieths of the object's size a frame, the same in all frames
TREMBLE = (0, 0, 0.3, 1)  # pixels a frame, anew in each
ZOOM = 0.004  # of log scale, a frame, the same in all frames


@dataclass(frozen=True, eq=False)
class Path:
    """Where something is, in each of `T` frames.

    middles: `(T, 2)` x, y in pixels. sizes: `(T, 2)` width and height in pixels, before it is
    turned. turns: `(T,)` radians, clockwise on the screen.
    """

    middles: Floats
    sizes: Floats
    turns: Floats

    def of_whole(self, part: tuple[float, float, float, float]) -> Path:
        """The path of a whole of which the part `x1, y1, x2, y2` (0 to 1) moves on this one."""
        x1, y1, x2, y2 = part
        sizes = self.sizes / (x2 - x1, y2 - y1)
        # from the middle of the whole to the middle of the part, before the turn
        ahead = sizes * ((x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2)
        cos, sin = np.cos(self.turns), np.sin(self.turns)
        turned = np.stack(
            [cos * ahead[:, 0] - sin * ahead[:, 1], sin * ahead[:, 0] + cos * ahead[:, 1]], -1
        )
        return replace(self, middles=self.middles - turned, sizes=sizes)


def object_path(
    rng: np.random.Generator, frames: int, picture: int, size: float, speed: float
) -> Path:
    """The path of the object: it goes its way, sways, and turns back at walls.

    picture: pixels of the picture's side. size: of the object in the first frame, the square root
    of its area. speed: times the usual one.
    """
    middles = _wander(rng, frames, picture, size, speed)
    aspect = rng.normal(ASPECT, ASPECT_SPREAD)
    aspect = math.exp(min(max(aspect, ASPECT_BOUNDS[0]), ASPECT_BOUNDS[1]))
    steady = rng.standard_normal() * one_of(rng, GROWTH)
    grown = _from_nothing(rng.standard_normal(frames - 1) * GROWTH_NOISE + steady, GROWTH_BOUND)
    stretch = _from_nothing(rng.standard_normal(frames - 1) * one_of(rng, STRETCH), STRETCH_BOUND)
    side, wide = size * np.exp(grown), np.sqrt(aspect * np.exp(stretch))
    steady = rng.standard_normal() * one_of(rng, SPIN)
    turns = walk(rng, frames, one_of(rng, SPIN_NOISE)) + steady * np.arange(1, frames + 1)
    # w h = side^2 and w / h = wide^2
    return Path(middles, np.stack([side * wide, side / wide], -1), turns)


def _wander(
    rng: np.random.Generator, frames: int, picture: int, size: float, speed: float
) -> Floats:
    """Middles `(T, 2)` of something that keeps its velocity but for a turn and a kick a frame."""
    x, y = rng.uniform(START[0] * picture, START[1] * picture, 2).tolist()
    pace = log_uniform(rng, *SPEED) * size * speed
    vx, vy = (pace * rng.standard_normal(2)).tolist()
    turn = TURNING * rng.standard_normal()
    cos, sin = math.cos(turn), math.sin(turn)
    kick = KICK * log_uniform(rng, *JITTER) * size
    low, high = WALLS[0] * picture, WALLS[1] * picture
    places = []
    # a wall depends on where one is, so this is a loop; of Python's own numbers, which is fast
    for kick_x, kick_y in (kick * rng.standard_normal((frames, 2))).tolist():
        places.append((x, y))
        vx, vy = cos * vx - sin * vy + kick_x, sin * vx + cos * vy + kick_y
        x, y = x + vx, y + vy
        if not low < x < high:
            x, vx = min(max(x, low), high), -vx
        if not low < y < high:
            y, vy = min(max(y, low), high), -vy
    return np.array(places)


def _from_nothing(steps: Floats, bound: float) -> Floats:
    """The sum of steps `(T - 1,)`, `(T,)` from 0 on, within bounds."""
    return np.clip(np.concatenate([[0.0], np.cumsum(steps)]), -bound, bound)


def camera_path(
    rng: np.random.Generator, frames: int, size: float, unit: float
) -> tuple[Floats, Floats]:
    """Where the camera looks, `(T, 2)` pixels, and how much it enlarges, `(T,)`.

    size: of the object. unit: pixels that one pixel of the constants stands for.
    """
    change = unit * one_of(rng, PAN_CHANGE) * np.cumsum(rng.standard_normal((frames, 2)), 0)
    pan = size / 20 * one_of(rng, PAN) * rng.standard_normal(2)
    tremble = unit * one_of(rng, TREMBLE) * rng.standard_normal((frames, 2))
    zoom = np.exp(ZOOM * rng.standard_normal() * np.arange(1, frames + 1))
    return np.cumsum(change + pan + tremble, 0), zoom
