"""What the camera sees behind everything: one picture, with pieces of others laid on it.

The pieces are what makes following hard: they look like objects, for objects are made of the same
pictures, and they have edges wherever an object has one. Some grounds have none of them, some are
all pieces.
"""

from __future__ import annotations

import cv2
import numpy as np

from tracklab.datasets.moved import pictures
from tracklab.datasets.moved.chance import one_of
from tracklab.datasets.moved.stills import Pixels, Stills

STILL_GROUNDS = 0.45  # share of the grounds that are a still picture; the others are patterns
SMALLEST_PART = 0.3  # of a still picture's side: enlarged more, nothing is left of it
PIECES = (0, 6, 14, 28, 45)  # in a ground of 256 pixels: from bare to covered
PIECE_SIDE = (10.0, 64.0)  # pixels, as likely to double as to double again
PIECE_ASPECT = 0.5  # standard deviation of log(width / height) / 2
THINNEST = 4  # pixels
STILL_PIECES = 0.75  # share of the pieces that are still pictures
PLAIN_PIECES = 0.3  # share that have one colour of their picture alone
ROUND_PIECES = 0.5
PIECE_PATTERN = 24  # pixels of a pattern that a piece is made of

Place = list[int]  # x, y of a corner, width, height


def ground(stills: Stills, rng: np.random.Generator, side: int, unit: float) -> Pixels:
    """A picture `(side, side, 3)` uint8 RGB to move over.

    unit: pixels that one pixel of `PIECE_SIDE` stands for.
    """
    if rng.random() < STILL_GROUNDS:
        made = pictures.part(stills.picture(rng), rng, side, SMALLEST_PART, cv2.INTER_CUBIC)
    else:
        made = pictures.pattern(rng, side)
    count = one_of(rng, PIECES)
    # all numbers at once: one at a time, drawing them would take longer than painting
    low, high = np.log(PIECE_SIDE)
    sides = unit * np.exp(rng.uniform(low, high, count))
    stretch = np.exp(PIECE_ASPECT * rng.standard_normal(count))
    sizes = np.maximum(np.stack([sides * stretch, sides / stretch], -1), THINNEST).astype(int)
    corners = np.floor(rng.random((count, 2)) * side - sizes / 2).astype(int)
    places = np.concatenate([corners, sizes], -1).tolist()
    plain, round_ = (rng.random((2, count)) < [[PLAIN_PIECES], [ROUND_PIECES]]).tolist()
    for place, is_plain, is_round in zip(places, plain, round_, strict=True):
        picture = pictures.still_or_pattern(stills, rng, PIECE_PATTERN, STILL_PIECES)
        if is_plain:
            y, x = rng.integers(0, len(picture), 2)
            _fill(made, picture[y, x].tolist(), place, is_round)
        else:
            _lay(made, picture, place, is_round)
    return made


def _fill(made: Pixels, color: list[int], place: Place, round_: bool) -> None:
    """Fill a rectangle, or the ellipse in it, on a ground that is being made."""
    x, y, width, height = place
    if round_:
        half = (width // 2, height // 2)
        cv2.ellipse(made, (x + half[0], y + half[1]), half, 0, 0, 360, color, -1)
    else:
        cv2.rectangle(made, (x, y), (x + width - 1, y + height - 1), color, -1)


def _lay(made: Pixels, picture: Pixels, place: Place, round_: bool) -> None:
    """Lay a picture on a rectangle, or the ellipse in it, on a ground that is being made."""
    (x, y, width, height), side = place, len(made)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, side), min(y + height, side)
    if left >= right or top >= bottom:
        return
    inside = np.s_[top - y : bottom - y, left - x : right - x]
    there = made[top:bottom, left:right]
    piece = cv2.resize(picture, (width, height))[inside]
    if round_:
        cover, half = np.zeros((height, width), np.uint8), (width // 2, height // 2)
        cv2.ellipse(cover, half, half, 0, 0, 360, 255, -1)
        cv2.copyTo(piece, cover[inside], there)
    else:
        there[:] = piece
