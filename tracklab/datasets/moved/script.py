"""Everything that happens in a clip, decided before a frame of it is drawn.

Whoever stands before, beside and behind the object is there to be taken for it: copies of it,
copies in other colours, things of its outline. In some clips the object is a part of something
that moves with it, as a face is of a head, or a head on a body.

Invariant: a script depends on its seed and arguments alone, never on which frames are wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracklab.datasets.moved import grounds, shapes
from tracklab.datasets.moved.actors import Actor, actor, dressed, sprite, tinted
from tracklab.datasets.moved.chance import Floats, log_uniform, one_of
from tracklab.datasets.moved.drawing import multiplied
from tracklab.datasets.moved.lens import Lens, lens
from tracklab.datasets.moved.paths import Path, camera_path, object_path
from tracklab.datasets.moved.stills import Pixels, Stills

SIDE = 192  # pixels of a picture, for which all lengths are given; in others they grow with it
OBJECT = (13.0, 44.0)  # pixels, the square root of the area, as likely to double as double again
GROUND = 4 / 3  # sides of the picture: beyond, the ground is mirrored

OTHERS = (0, 1, 2, 4, 6)  # things beside the object
COPIES, TINTED_COPIES = 0.25, 0.2  # share of these that are the object again; in other colours
OTHER_TINT = 0.35
RESHAPED = 0.6  # share of the copies that have an outline of their own
NEAR = 2.2  # sizes between the object's path and a thing beside it, one standard deviation
DRIFT = 0.12  # sizes a frame: velocity of every other thing, one standard deviation
OTHER_SIZE, OTHER_ASPECT = 0.3, 0.3  # standard deviation of log size and aspect over the object's
IN_FRONT = 0.25  # share of the others that stand before the object
STANDING = 0.5  # share of the clips in which others stand still in the world, not on the screen

PARTS, BODIES = 0.2, 0.2  # share of the clips whose object is part of a sprite; has a body
PART_SIDE = (0.35, 0.75)  # of the sprite that the object is a part of
BODY_ACROSS, BODY_DOWN = 0.2, (-0.3, 1.2)  # sizes from the object to the body's middle
BODY_SIZE = (1.3, 2.6)  # times the object's
BODY_ASPECT, BODY_ASPECT_SPREAD = -0.2, 0.3  # of log(width / height)

HIDING = 0.4  # share of the clips in which something comes before the object
HIDERS = (1, 3)  # so many things, the last one excluded
HIDER_SPEED = 0.15  # sizes a frame, one standard deviation; half of them stand still
HIDER_OFF = 0.5  # sizes from the object when they meet, one standard deviation
HIDER_SIZE, HIDER_SIZE_SPREAD = 1.2, 0.5  # times the object's; standard deviation of its log
HIDER_ASPECT = 0.7
RIVALS = 0.35  # share of the hiders that look like the object and cross its way
RIVAL_SPEED = 0.2  # sizes a frame, one standard deviation


@dataclass(frozen=True, eq=False)
class Thing:
    """Something that keeps its look: a sprite with colours multiplied by alpha, and its path."""

    sprite: Pixels
    path: Path


@dataclass(frozen=True, eq=False)
class Script:
    """A clip of `T` frames before it is drawn.

    picture: pixels of its side. ground: what lies behind everything; corners: `(T, 2)`, where in it
    the picture's corner is, and zoom: `(T,)`, how much it is enlarged.
    behind, before: what stands behind and before the object, the farthest first.
    star: the sprite that the object is or is part of; path: of that sprite.
    part: `(SIDE, SIDE)` uint8, 255 where the sprite is the object; None where all of it is.
    aim: the path of the object itself.
    """

    picture: int
    ground: Pixels
    corners: Floats
    zoom: Floats
    behind: tuple[Thing, ...]
    before: tuple[Thing, ...]
    star: Actor
    path: Path
    part: Pixels | None
    aim: Path
    lens: Lens

    def __len__(self) -> int:
        return len(self.corners)


def write(
    stills: Stills,
    rng: np.random.Generator,
    frames: int,
    picture: int,
    hard: float,
    speed: float,
) -> Script:
    """A random script; see `clip` for what the numbers are."""
    unit = picture / SIDE
    size = unit * log_uniform(rng, *OBJECT)
    side = math.ceil(GROUND * picture)
    ground = grounds.ground(stills, rng, side, unit)
    camera, zoom = camera_path(rng, frames, size, unit)
    corners = camera + rng.uniform(0, side - picture, 2)
    aim = object_path(rng, frames, picture, size, speed)
    star = actor(stills, rng, frames)
    standing = camera[0] - camera if rng.random() < STANDING else np.zeros((frames, 2))
    others = [
        _other(stills, rng, star.sprite, aim, standing)
        for _ in range(round(hard * one_of(rng, OTHERS)))
    ]
    behind = [thing for thing, front in others if not front]
    path, part, kind = aim, None, rng.random()
    if kind < PARTS:
        bounds, part = _part(rng)
        path = aim.of_whole(bounds)
    elif kind < PARTS + BODIES:
        behind.append(_body(stills, rng, aim))
    hiders: list[Thing] = []
    if rng.random() < HIDING * hard:
        hiders = [_hider(stills, rng, star.sprite, aim) for _ in range(int(rng.integers(*HIDERS)))]
    return Script(
        picture=picture,
        ground=ground,
        corners=corners,
        zoom=zoom,
        behind=tuple(behind),
        before=(*hiders, *(thing for thing, front in others if front)),
        star=star,
        path=path,
        part=part,
        aim=aim,
        lens=lens(rng, frames, picture, unit),
    )


def _drifting(
    sprite: Pixels,
    start: Floats,
    velocity: Floats,
    since: int,
    size: float,
    aspect: float,
    like: Path,
) -> Thing:
    """A thing that is at `start` in frame `since`, never turns and keeps its size."""
    frames = len(like.turns)
    ages = np.arange(frames)[:, None] - since
    wide = math.sqrt(aspect)
    sizes = np.broadcast_to([size * wide, size / wide], (frames, 2))
    return Thing(multiplied(sprite), Path(start + ages * velocity, sizes, np.zeros(frames)))


def _first(path: Path) -> tuple[float, float]:
    """Size and aspect in the first frame."""
    width, height = path.sizes[0]
    return math.sqrt(width * height), width / height


def _other(
    stills: Stills, rng: np.random.Generator, star: Pixels, aim: Path, standing: Floats
) -> tuple[Thing, bool]:
    """A thing beside the object's path, and whether it stands before the object."""
    kind = rng.random()
    if kind < COPIES + TINTED_COPIES:
        made = _alike(rng, star, kind >= COPIES)
    else:
        made = sprite(stills, rng)
    size, aspect = _first(aim)
    start = aim.middles[rng.integers(len(aim.middles))] + NEAR * size * rng.standard_normal(2)
    velocity = DRIFT * size * one_of(rng, (0, 1)) * rng.standard_normal(2)
    spread, stretch = rng.standard_normal(2)
    own = size * math.exp(OTHER_SIZE * spread), aspect * math.exp(OTHER_ASPECT * stretch)
    thing = _drifting(made, start + standing, velocity, 0, *own, like=aim)
    return thing, bool(rng.random() < IN_FRONT)


def _alike(rng: np.random.Generator, star: Pixels, other_colours: bool) -> Pixels:
    """The object again, in other colours if asked for, and often with an outline of its own."""
    made = tinted(star, rng, OTHER_TINT) if other_colours else star
    if rng.random() < RESHAPED:
        made = dressed(np.ascontiguousarray(made[..., :3]), shapes.outline(rng))
    return made


def _hider(stills: Stills, rng: np.random.Generator, star: Pixels, aim: Path) -> Thing:
    """A thing that comes before the object, stands in its way, or is a rival that crosses it."""
    size, aspect = _first(aim)
    since = int(rng.integers(len(aim.middles)))
    start = aim.middles[since] + HIDER_OFF * size * rng.standard_normal(2)
    if rng.random() < RIVALS:
        made = _alike(rng, star, bool(rng.random() < 0.5))
        velocity = RIVAL_SPEED * size * rng.standard_normal(2)
        spread, stretch = rng.standard_normal(2)
        same = size * math.exp(OTHER_SIZE * spread), aspect * math.exp(OTHER_ASPECT * stretch)
        return _drifting(made, start, velocity, since, *same, like=aim)
    velocity = HIDER_SPEED * size * one_of(rng, (0, 1)) * rng.standard_normal(2)
    spread, stretch = rng.standard_normal(2)
    own = HIDER_SIZE * size * math.exp(HIDER_SIZE_SPREAD * spread), math.exp(HIDER_ASPECT * stretch)
    return _drifting(sprite(stills, rng), start, velocity, since, *own, like=aim)


def _body(stills: Stills, rng: np.random.Generator, aim: Path) -> Thing:
    """Something larger that goes with the object and lies behind it."""
    side = np.sqrt(aim.sizes.prod(1, keepdims=True))
    away = np.array([0.0, rng.uniform(*BODY_DOWN)]) + BODY_ACROSS * rng.standard_normal(2)
    larger = rng.uniform(*BODY_SIZE)
    wide = math.exp(rng.normal(BODY_ASPECT, BODY_ASPECT_SPREAD) / 2)
    sizes = side * larger * np.array([wide, 1 / wide])
    return Thing(multiplied(sprite(stills, rng)), Path(aim.middles + side * away, sizes, aim.turns))


def _part(rng: np.random.Generator) -> tuple[tuple[float, float, float, float], Pixels]:
    """A rectangle in a sprite: its bounds in shares of the sprite, and its mask."""
    side = shapes.SIDE
    width, height = np.rint(rng.uniform(*PART_SIDE, 2) * side).astype(int).tolist()
    x, y = (int(rng.integers(side - length + 1)) for length in (width, height))
    mask = np.zeros((side, side), np.uint8)
    mask[y : y + height, x : x + width] = 255
    return (x / side, y / side, (x + width) / side, (y + height) / side), mask
