"""From a script to frames and their truth.

A pixel belongs to the object where the object covers half of it or more. The box is the tightest
one around these pixels, whatever stands before them; visible is the share of them before which
nothing stands that covers half of a pixel. Both are of what is inside the picture.

Invariant: a frame and its truth are the same, whichever other frames are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import cv2
import numpy as np

from tracklab import errors
from tracklab.clips import Clip, Truth
from tracklab.datasets.moved import script as scripts
from tracklab.datasets.moved.drawing import COVERED, Placed, lit, multiplied, paint
from tracklab.datasets.moved.paths import Path
from tracklab.datasets.moved.script import Script, Thing
from tracklab.datasets.moved.stills import Pixels, Stills

SMALLEST_PICTURE, LARGEST_PICTURE = 64, 2048  # pixels a side: objects of 4 pixels, of 470
MOST_FRAMES = 10_000
HARDEST, FASTEST = 2.0, 10.0
THINNEST = 2  # pixels of a box: an object that covers less is not seen at all
FPS = 25.0

Box = tuple[float, float, float, float]


def clip(
    stills: Stills,
    frames: int = 16,
    *,
    seed: int,
    size: int = scripts.SIDE,
    hard: float = 1.0,
    speed: float = 1.0,
    only: Sequence[int] | None = None,
) -> Clip:
    """One object that moves among others over a still ground, and the truth about it.

    stills: what everything is made of. frames: of the whole clip. seed: from 0; the same arguments
        give the same clip, bit for bit on one machine, to rounding on others.
    size: pixels of the picture's side; everything in it grows with it.
    hard: how much stands about, as a factor from 0 (nothing beside and before the object) to 2.
    speed: of the object, as a factor from 0 to 10.
    only: the frames to draw, rising numbers from 0; the others are not in the clip. Drawing is
        what takes time, so to learn from a few frames far apart, ask for these.

    Returns a `Clip` of `len(only)` frames `(size, size, 3)` uint8. Of its one object truth has the
    box in each frame, cut at the border and at least 2 pixels wide and high, also where the object
    is hidden; visibility, the share of what the picture has of it before which nothing stands (it
    may be 0, in the first frame too); and velocity, from the frame before in the clip. Its class is
    not known (-1).

    Raises `InputError` for what is no such argument.

    >>> images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    >>> made = clip(Stills(images), frames=40, seed=0, only=[0, 7, 39])
    >>> made.frames.shape, made.truth.boxes.shape
    ((3, 192, 192, 3), (3, 1, 4))
    """
    if not isinstance(stills, Stills):
        errors.bad("stills", errors.kind(stills), "Stills, as Stills.cifar10() gives")
    frames = int(errors.number("frames", frames, low=1, high=MOST_FRAMES, whole=True))
    seed = int(errors.number("seed", seed, low=0, whole=True))
    low, high = SMALLEST_PICTURE, LARGEST_PICTURE
    size = int(errors.number("size", size, low=low, high=high, whole=True))
    hard = errors.number("hard", hard, low=0, high=HARDEST)
    speed = errors.number("speed", speed, low=0, high=FASTEST)
    times = range(frames) if only is None else _times(only, frames)
    script = scripts.write(stills, np.random.default_rng(seed), frames, size, hard, speed)
    return shot(script, times, f"{stills.name}, moved (seed {seed})")


def clips(stills: Stills, count: int, *, seed: int = 0, **options: Any) -> Iterator[Clip]:
    """`count` clips, one after the other, of seeds `seed`, `seed + 1`, ...

    options: the other arguments of `clip`. Raises `InputError` as it does, at once.
    """
    count = int(errors.number("count", count, low=0, whole=True))
    seed = int(errors.number("seed", seed, low=0, whole=True))
    if not count:
        return iter(())
    first = clip(stills, seed=seed, **options)  # now, so that what is wrong is said now
    return chain([first], (clip(stills, seed=seed + k, **options) for k in range(1, count)))


def _times(only: Any, frames: int) -> list[int]:
    wanted = f"rising numbers of frames, from 0 to {frames - 1}"
    if isinstance(only, (str, bytes)) or not np.iterable(only):
        errors.bad("only", only, wanted)
    times = [int(errors.number("only", t, low=0, high=frames - 1, whole=True)) for t in only]
    if not times or any(b <= a for a, b in pairwise(times)):
        errors.bad("only", times, wanted)
    return times


def shot(script: Script, times: Sequence[int], name: str) -> Clip:
    """The frames of a script at these times, and their truth."""
    side, count = script.picture, len(times)
    frames = np.empty((count, side, side, 3), np.uint8)
    boxes, seen = np.empty((count, 1, 4), np.float32), np.empty((count, 1), np.float32)
    for k, t in enumerate(times):
        frame, boxes[k, 0], seen[k, 0] = drawn(script, t)
        frames[k] = script.lens.develop(frame, t)
    velocities = np.full((count, 1, 2), np.nan, np.float32)
    # v[k] = c[k] - c[k - 1]
    velocities[1:, 0] = np.diff(script.aim.middles[np.asarray(times)], axis=0)
    truth = Truth(boxes, np.array([1]), np.array([-1]), seen, velocities, ())
    return Clip(frames, FPS, truth, name)


def drawn(script: Script, t: int) -> tuple[Pixels, Box, float]:
    """Frame t before it goes through the lens, the object's box, and the share that is visible."""
    side = script.picture
    (x, y), zoom = script.corners[t].tolist(), float(script.zoom[t])
    frame: Pixels = cv2.warpAffine(
        script.ground,
        np.array([[1 / zoom, 0, x], [0, 1 / zoom, y]]),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    for thing in script.behind:
        _draw(frame, thing, t)
    own = _draw_star(frame, script, t)
    visible = own.copy()
    for thing in script.before:
        _draw(frame, thing, t, visible)
    x1, y1, width, height = cv2.boundingRect(own)
    if min(width, height) < THINNEST:
        return frame, _around(script.aim, t, side), 0.0
    share = cv2.countNonZero(visible) / cv2.countNonZero(own)
    return frame, (x1, y1, x1 + width, y1 + height), share


def _placed(path: Path, t: int, picture: int) -> Placed:
    x, y = path.middles[t].tolist()
    width, height = path.sizes[t].tolist()
    return Placed((x, y), (width, height), float(path.turns[t]), picture)


def _draw(frame: Pixels, thing: Thing, t: int, visible: Pixels | None = None) -> None:
    """Draw a thing on a frame that is being made; what it covers is `visible` no more."""
    place = _placed(thing.path, t, len(frame))
    if not place:
        return
    seen = place.resample(thing.sprite)
    paint(frame, place.window, seen)
    if visible is not None:
        visible[place.window][seen[..., 3] >= COVERED] = 0


def _draw_star(frame: Pixels, script: Script, t: int) -> Pixels:
    """Draw the sprite that the object is or is part of; which pixels the object has, as a mask."""
    own = np.zeros(frame.shape[:2], np.uint8)
    place = _placed(script.path, t, len(frame))
    if not place:
        return own
    star = script.star
    look = star.wobbled(star.look(t), t)
    if star.light[t] != 1:
        look = lit(look, float(star.light[t]))
    seen = place.resample(multiplied(look))
    paint(frame, place.window, seen)
    part = None if script.part is None else star.wobbled(script.part, t)
    cover = seen[..., 3] if part is None else place.resample(part)
    own[place.window] = cover >= COVERED
    return own


def _around(aim: Path, t: int, picture: int) -> Box:
    """The box of an object that covers no pixel: where it would be."""
    (x, y), (width, height) = aim.middles[t].tolist(), np.maximum(aim.sizes[t], THINNEST).tolist()
    left, top = max(0.0, x - width / 2), max(0.0, y - height / 2)
    return left, top, min(picture, x + width / 2), min(picture, y + height / 2)
