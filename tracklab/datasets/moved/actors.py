"""Who moves: sprites, how they look, and how the look of one changes while it is followed.

A sprite is a square picture with an outline, `(SIDE, SIDE, 4)` uint8 RGBA, not yet multiplied by
its alpha. Only its outline says what belongs to the object, so a sprite may show one of CIFAR-10's
birds, a quarter of it, a poster or a striped shirt.

Invariant: how an actor looks in frame t is the same whenever it is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.datasets.moved import pictures, shapes
from tracklab.datasets.moved.chance import Floats, one_of, walk
from tracklab.datasets.moved.shapes import SIDE
from tracklab.datasets.moved.stills import Pixels, Stills

# What sprites are made of: a still picture, a poster of several pictures; bands are the rest.
STILL_LOOKS, POSTER_LOOKS = 0.6, 0.2
PART_LOOKS, SMALLEST_PART = 0.5, 0.5  # how often a part of a still picture; of its side at least
POSTED = (1, 5)  # pictures on a poster, the last one excluded
POSTED_SIDE = (6, SIDE)  # pixels
POSTED_CORNER = (-8, SIDE - 6)  # pixels: some stick out
POSTED_STILLS, POSTED_PATTERN = 0.6, 16  # share of still pictures; pixels of a pattern
BAND = (5, 24)  # pixels of a band of cloth
CLOTH = 20.0  # the coarsest cloth's noise: standard deviation of 255
WORN = 0.5  # how often cloth is blurred
WEAVE = 5  # pixels of that blur

TINT_CONTRAST, TINT_SHIFT = 1.0, 30.0  # standard deviations of factor and summand at a tint of 1

CHANGING = 0.5  # share of the objects that come to look different
TURNED_ROUND, REDRESSED = 0.3, 0.3  # of these: mirrored, painted anew; tinted is the rest
CHANGED_TINT = 0.3
CHANGED = (0.2, 0.9)  # how far an object has changed in the last frame
BACK_AND_FORTH = (0.1, 0.6)  # radians a frame: it changes to and fro on the way there
WOBBLE = (0, 1.5, 4, 7)  # sprite pixels that the parts of an object swing, one standard deviation
WOBBLE_CELLS = 4  # a side of the field of swings: parts move, pixels do not
WOBBLE_RATE = (0.15, 1.2)  # radians a frame: from breathing to running
LIGHT_STEPS = (0, 0.02, 0.05)  # standard deviations of a frame's change of the light on the object
LIGHT = (0.5, 1.6)  # its bounds

GRID: NDArray[np.float32] = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(
    np.float32
)


def looks(stills: Stills, rng: np.random.Generator) -> Pixels:
    """A square picture `(SIDE, SIDE, 3)` that fills a sprite."""
    kind = rng.random()
    if kind < STILL_LOOKS:
        picture = stills.picture(rng)
        if rng.random() < PART_LOOKS:
            return pictures.part(picture, rng, SIDE, SMALLEST_PART, cv2.INTER_CUBIC)
        return pictures.whole(picture, SIDE)
    if kind < STILL_LOOKS + POSTER_LOOKS:
        return _poster(stills, rng)
    return _cloth(rng)


def _poster(stills: Stills, rng: np.random.Generator) -> Pixels:
    """A pattern with pictures stuck on it."""
    made = pictures.pattern(rng, SIDE)
    for _ in range(int(rng.integers(*POSTED))):
        width, height = rng.integers(*POSTED_SIDE, 2).tolist()
        x, y = rng.integers(*POSTED_CORNER, 2).tolist()
        picture = pictures.still_or_pattern(stills, rng, POSTED_PATTERN, POSTED_STILLS)
        left, top = max(x, 0), max(y, 0)
        if x + width <= left or y + height <= top:
            continue
        posted = cv2.resize(picture, (width, height))[top - y :, left - x :]
        there = made[top : top + len(posted), left : left + posted.shape[1]]
        there[:] = posted[: there.shape[0], : there.shape[1]]
    return made


def _cloth(rng: np.random.Generator) -> Pixels:
    """Bands of colours, as hair, shirt and trousers are."""
    made = np.empty((SIDE, SIDE, 3), np.float32)
    y = 0
    while y < SIDE:
        height = int(rng.integers(*BAND))
        made[y : y + height] = rng.integers(0, 256, 3)
        y += height
    made += rng.uniform(0, CLOTH) * rng.standard_normal(made.shape, np.float32)
    cloth = np.clip(made, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(cloth, (WEAVE, WEAVE), 0) if rng.random() < WORN else cloth


def dressed(look: Pixels, outline: Pixels) -> Pixels:
    """A sprite `(SIDE, SIDE, 4)` of a picture and an outline."""
    return cv2.merge((look, outline))


def sprite(stills: Stills, rng: np.random.Generator) -> Pixels:
    """A random sprite."""
    return dressed(looks(stills, rng), shapes.outline(rng))


def tinted(sprite: Pixels, rng: np.random.Generator, strength: float) -> Pixels:
    """The same sprite in other colours: of each channel, contrast and brightness change."""
    factor = rng.normal(1, TINT_CONTRAST * strength, 3)
    shift = rng.normal(0, TINT_SHIFT * strength, 3)
    # C' = a C + b, for each channel by a table
    tables = np.clip(np.arange(256)[:, None] * factor + shift, 0, 255)
    tables = np.concatenate([tables, np.arange(256)[:, None]], 1).astype(np.uint8)
    return cv2.LUT(sprite, tables[:, None])


@dataclass(frozen=True, eq=False)
class Actor:
    """A sprite that comes to look different: it turns into another, wobbles, and is lit.

    sprite, other: `(SIDE, SIDE, 4)` RGBA. mixed: `(T,)`, how much of the other, 0 to 1.
    swings: `(SIDE, SIDE, 4)` float32, how far a pixel swings, x and y, in the first and in the
        second of two rhythms; None where nothing does. phases: `(T, 2)` from -1 to 1.
    light: `(T,)`, what brightness is multiplied by.
    """

    sprite: Pixels
    other: Pixels
    mixed: Floats
    swings: NDArray[np.float32] | None
    phases: Floats
    light: Floats

    def look(self, t: int) -> Pixels:
        """The sprite in frame t, before light and wobble."""
        if not self.mixed[t]:
            return self.sprite
        other = float(self.mixed[t])
        return cv2.addWeighted(self.sprite, 1 - other, self.other, other, 0)

    def wobbled(self, picture: Pixels, t: int) -> Pixels:
        """A picture on the sprite's pixels, as it is bent in frame t."""
        if self.swings is None:
            return picture
        first, second = (float(phase) for phase in self.phases[t])
        # where each pixel comes from: p' = p + sin(w1 t + f1) d1 + sin(w2 t + f2) d2
        places = first * self.swings[..., :2] + second * self.swings[..., 2:] + GRID
        return cv2.remap(  # type: ignore[call-overload]
            picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


def actor(stills: Stills, rng: np.random.Generator, frames: int) -> Actor:
    """A random sprite and all that happens to it in so many frames."""
    first = sprite(stills, rng)
    mixed = np.zeros(frames)
    other = first
    if rng.random() < CHANGING:
        other = _changed(first, stills, rng)
        there = np.linspace(0, rng.uniform(*CHANGED), frames)
        rate, phase = rng.uniform(*BACK_AND_FORTH), 2 * math.pi * rng.random()
        mixed = there * (0.5 + 0.5 * np.sin(np.arange(frames) * rate + phase))
    reach = one_of(rng, WOBBLE)
    field = rng.standard_normal((WOBBLE_CELLS, WOBBLE_CELLS, 4), np.float32) * np.float32(reach)
    rates, starts = rng.uniform(*WOBBLE_RATE, 2), 2 * math.pi * rng.random(2)
    return Actor(
        sprite=first,
        other=other,
        mixed=mixed,
        swings=np.asarray(cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        if reach
        else None,
        phases=np.sin(np.arange(frames)[:, None] * rates + starts),
        light=np.clip(1 + walk(rng, frames, one_of(rng, LIGHT_STEPS)), *LIGHT),
    )


def _changed(first: Pixels, stills: Stills, rng: np.random.Generator) -> Pixels:
    kind = rng.random()
    if kind < TURNED_ROUND:
        return first[:, ::-1].copy()
    if kind < TURNED_ROUND + REDRESSED:
        return dressed(looks(stills, rng), first[..., 3])
    return tinted(first, rng, CHANGED_TINT)
