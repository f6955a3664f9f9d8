"""What surfaces look like: pieces of still pictures, and patterns of two colours.

A network that sees photographs alone learns what photographs look like. Stripes, blobs, tiles and
ramps are of no thing at all and come in every colour: what follows them, follows anything.

Invariant: a picture that is made here is a new array `(side, side, 3)` uint8 RGB.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from tracklab.datasets.moved.stills import Pixels, Stills

STRIPES = (1.0, 8.0)  # waves across a picture
HARD_STRIPES = 0.5  # how often stripes have edges instead of slopes
BLOBS = (3, 12)  # cells a side, the last one excluded: from large shadows to mottle
TILES = (2, 7)  # likewise: few and large, or they would be noise
FULL = 255


def part(picture: Pixels, rng: np.random.Generator, side: int, smallest: float, way: int) -> Pixels:
    """A square part of a square picture, drawn with `side` pixels.

    smallest: the share of the picture's side that the part has at least. way: of interpolating, a
        constant of OpenCV.
    """
    whole = len(picture)
    cut = max(1, int(whole * rng.uniform(smallest, 1)))
    y, x = rng.integers(0, whole + 1 - cut, 2)
    return _resized(picture[y : y + cut, x : x + cut], side, way)


def whole(picture: Pixels, side: int, way: int = cv2.INTER_CUBIC) -> Pixels:
    """A square picture drawn with `side` pixels."""
    return _resized(picture, side, way)


def still_or_pattern(
    stills: Stills, rng: np.random.Generator, side: int, stills_share: float
) -> Pixels:
    """A still picture of its own size, or a pattern of `side` pixels."""
    return stills.picture(rng) if rng.random() < stills_share else pattern(rng, side)


def pattern(rng: np.random.Generator, side: int) -> Pixels:
    """Stripes, blobs, tiles or a ramp, of two colours."""
    first, second = rng.integers(0, 256, (2, 3)).tolist()
    make = (_stripes, _blobs, _tiles, _ramp)[int(rng.integers(4))]
    share = make(rng, side)  # of the second colour, in 255ths
    # C = a + (b - a) m
    return cv2.merge(
        [
            cv2.convertScaleAbs(share, alpha=(b - a) / FULL, beta=a)
            for a, b in zip(first, second, strict=True)
        ]
    )


def _stripes(rng: np.random.Generator, side: int) -> Pixels:
    """A sine wave at any angle; or only whether it is above its middle."""
    turn, phase = (2 * math.pi * rng.random(2)).tolist()
    rate = 2 * math.pi * rng.uniform(*STRIPES)
    place = np.arange(side, dtype=np.float32) / side
    across, down = rate * math.cos(turn) * place + phase, rate * math.sin(turn) * place
    # sin(a + b) = sin a cos b + cos a sin b: four short waves instead of side^2 sines
    wave = np.multiply.outer(np.cos(down), np.sin(across))
    wave += np.multiply.outer(np.sin(down), np.cos(across))
    if rng.random() < HARD_STRIPES:
        return (wave > 0) * np.uint8(FULL)
    return cv2.convertScaleAbs(wave, alpha=FULL / 2, beta=FULL / 2)


def _blobs(rng: np.random.Generator, side: int) -> Pixels:
    """Smooth noise."""
    return _resized(_cells(rng, BLOBS), side, cv2.INTER_CUBIC)


def _tiles(rng: np.random.Generator, side: int) -> Pixels:
    """Squares, each of its own mixture."""
    return _resized(_cells(rng, TILES), side, cv2.INTER_NEAREST)


def _ramp(rng: np.random.Generator, side: int) -> Pixels:
    """From one colour to the other at any angle."""
    turn = 2 * math.pi * rng.random()
    place = np.arange(side, dtype=np.float32) / side
    slope = np.add.outer(math.sin(turn) * place, math.cos(turn) * place)
    # what lies beyond the ends has the colour of the end
    return cv2.convertScaleAbs(np.maximum(slope, 0), alpha=FULL)


def _cells(rng: np.random.Generator, sides: tuple[int, int]) -> Pixels:
    count = int(rng.integers(*sides))
    return rng.integers(0, FULL + 1, (count, count), np.uint8)


def _resized(picture: Pixels, side: int, way: int) -> Pixels:
    return cv2.resize(picture, (side, side), interpolation=way)
