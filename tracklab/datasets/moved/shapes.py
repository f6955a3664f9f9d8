"""Outlines: which part of a square sprite belongs to what it shows.

Boxes are drawn around things of every outline, and a network that has only seen squares takes the
corners of a box for the object. So: whole squares, ellipses, polygons with straight or round
corners, and figures with head, body and legs, because people are what is followed most.

Invariant: an outline covers at least a quarter of its square.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from tracklab.datasets.moved.stills import Pixels

SIDE = 48  # pixels of a sprite: few enlarge much, for objects have 13 to 44 pixels
LEAST = 0.25  # of the square that an outline must cover; what covers less becomes the square
# The share of squares, ellipses and polygons; figures are the rest.
SQUARES, ELLIPSES, POLYGONS = 0.2, 0.2, 0.3
CORNERS = (5, 14)  # of a polygon, the last one excluded
REACH = (0.45, 1.0)  # of a polygon's corner from the middle
ROUND_CORNERS = 0.5  # how often a polygon's corners are rounded
ROUNDING, ROUNDED = 7, 100  # pixels that are averaged, and the mean (of 255) that stays inside
# Of a figure, in shares of its side.
HEAD = 0.24  # height
HEAD_WIDTH = (0.3, 0.6)  # 0.7 of it: a head is higher than wide
SHOULDERS, HIPS, CROTCH = 0.2, 0.6, 0.55
BODY_WIDTH = (0.6, 1.0)
STRIDE = (0.0, 0.3)  # between the feet, beside what lies between the legs anyway
LEG = (0.15, 0.35)  # thickness
INSIDE = 255


def outline(rng: np.random.Generator) -> Pixels:
    """A random outline `(SIDE, SIDE)` uint8: 255 inside, 0 outside."""
    kind = rng.random()
    if kind < SQUARES:
        return _square()
    if kind < SQUARES + ELLIPSES:
        mask = _ellipse()
    elif kind < SQUARES + ELLIPSES + POLYGONS:
        mask = _polygon(rng)
    else:
        mask = _figure(rng)
    return mask if cv2.countNonZero(mask) >= LEAST * mask.size else _square()


def _empty() -> Pixels:
    return np.zeros((SIDE, SIDE), np.uint8)


def _square() -> Pixels:
    return np.full((SIDE, SIDE), INSIDE, np.uint8)


def _ellipse() -> Pixels:
    mask, middle = _empty(), SIDE // 2
    cv2.ellipse(mask, (middle, middle), (middle - 1, middle - 1), 0, 0, 360, INSIDE, -1)
    return mask


def _polygon(rng: np.random.Generator) -> Pixels:
    """A star-shaped polygon, stretched until it touches all four sides."""
    count = int(rng.integers(*CORNERS))
    turns = 2 * math.pi * np.sort(rng.random(count))
    corners = np.stack([np.cos(turns), np.sin(turns)], 1) * rng.uniform(*REACH, count)[:, None]
    corners -= corners.min(0)
    corners *= (SIDE - 1) / np.maximum(corners.max(0), 1e-3)  # a polygon may be a line
    mask = _empty()
    cv2.fillPoly(mask, [corners.astype(np.int32)], INSIDE)
    if rng.random() < ROUND_CORNERS:
        soft = cv2.blur(mask, (ROUNDING, ROUNDING))
        mask = np.where(soft > ROUNDED, np.uint8(INSIDE), np.uint8(0))
    return mask


def _figure(rng: np.random.Generator) -> Pixels:
    """Somebody who stands or walks."""
    mask, middle = _empty(), SIDE // 2
    head = SIDE * HEAD / 2
    half = SIDE * rng.uniform(*HEAD_WIDTH) / 2
    cv2.ellipse(mask, (middle, int(head)), (int(half * 0.7), int(head)), 0, 0, 360, INSIDE, -1)
    half = SIDE * rng.uniform(*BODY_WIDTH) / 2
    shoulder, hip = (
        (int(middle - half), int(SIDE * SHOULDERS)),
        (int(middle + half), int(SIDE * HIPS)),
    )
    cv2.rectangle(mask, shoulder, hip, INSIDE, -1)
    stride = SIDE * rng.uniform(*STRIDE) / 2
    for way in (-1, 1):
        top = (int(middle + way * half / 2), int(SIDE * CROTCH))
        foot = (int(middle + way * (half / 2 + stride)), SIDE - 1)
        cv2.line(mask, top, foot, INSIDE, int(SIDE * rng.uniform(*LEG)))
    return mask
