"""Sequences on which metrics of one object are held to the published toolkit: boxes as xywh.

Made by hand where a threshold is met exactly, and at random. Kept as `x, y, w, h` in pixels that
count from 1, as files and the toolkit hold them; `corners` is how they come to us.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tracklab.clips import Truth

ANSWERS = Path(__file__).resolve().parent / "single_reference.json"
RANDOM = 80
SIZE = (120, 160)  # height and width of the pictures


def corners(xywh):
    """As our readers hand it on: xyxy pixels that count from 0."""
    xywh = np.asarray(xywh, float)
    return np.concatenate([xywh[:, :2] - 1, xywh[:, :2] - 1 + xywh[:, 2:]], 1)


def cases():
    """By name, (prediction, truth) `(T, 4)` xywh; NaN where a tracker says nothing, or no truth."""
    box = [11.0, 21, 20, 20]
    still = np.array([box] * 21)
    wide = np.array([[11.0, 21, 20, k] for k in range(1, 21)])
    right = still + np.array([[k, 0, 0, 0] for k in range(21)])
    turned = still[:9] + np.array(
        [
            *([0, 0, 0, 0], [3, 4, 0, 0], [6, 8, 0, 0], [9, 12, 0, 0], [12, 16, 0, 0]),
            *([15, 20, 0, 0], [30, 40, 0, 0], [31, 40, 0, 0], [-12, 16, 0, 0]),
        ]
    )
    silent, flat, blank = right.copy(), right.copy(), still.copy()
    silent[[3, 4, 20]] = np.nan
    flat[[2, 7], 2:] = 0
    blank[[5, 6, 20]] = np.nan
    named = {
        "perfect": (still, still),
        "every overlap of a threshold": (np.concatenate([still[:1], wide]), still[:21]),
        "every distance": (still[:1] + np.arange(52)[:, None] * [1, 0, 0, 0], still[[0] * 52]),
        "distances of whole triangles": (turned, still[:9]),
        "far away": (still + np.array([500, 500, 0, 0]), still),
        "one frame": (still[:1] + 5, still[:1]),
        "two frames": (right[[9, 9]], still[:2]),
        "said nothing": (silent, still),
        "boxes without an area": (flat, still),
        "truth is missing": (right, blank),
        "beyond the edges": (
            np.array([box, [-9, 1, 30, 20], [150, 100, 40, 40], [-9, -9, 20, 20], [1, 1, 900, 9]]),
            np.array([box, [-4, 1, 30, 20], [140, 90, 40, 40], [-5, -9, 20, 20], [1, 1, 170, 9.0]]),
        ),
    }
    return named | {f"random {seed}": random_case(seed) for seed in range(RANDOM)}


def random_case(seed):
    """A wandering object and a tracker that is near it, then far; every third in whole pixels."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(2, 60))
    size = np.exp(rng.uniform(2, 4, 2)) * np.exp(np.cumsum(rng.normal(0, 0.03, (frames, 2)), 0))
    corner = rng.uniform(-10, 120, 2) + np.cumsum(rng.normal(0, 3, (frames, 2)), 0)
    truth = np.concatenate([corner, size], 1)
    drift = np.cumsum(rng.normal(0, rng.choice([0.5, 3, 8]), (frames, 2)), 0)
    grown = size * np.exp(rng.normal(0, 0.2, (frames, 2)))
    pred = np.concatenate([corner + drift, grown], 1)
    if seed % 3 == 0:
        truth, pred = np.maximum(truth.round(), [-40, -40, 1, 1]), pred.round()
    if seed % 4 == 1:
        pred[1:][rng.random(frames - 1) < 0.2] = np.nan
    if seed % 5 == 2:
        truth[1:][rng.random(frames - 1) < 0.2] = np.nan
    if seed % 7 == 3:
        pred[1:, 2:][rng.random(frames - 1) < 0.2] = 0
    return pred, truth


def seen(name):
    """Visible fractions of a case's frames, as GOT-10k's annotators tell them."""
    frames = len(cases()[name][1])
    rng = np.random.default_rng(len(name))
    return np.where(rng.random(frames) < 0.2, 0.0, rng.uniform(0.1, 1, frames)).round(2)


def shaken(truth: Truth, seed):
    """A tracker that a truth of one object could have had: xyxy, of whole pixels and halves."""
    rng = np.random.default_rng(seed)
    boxes = truth.boxes[:, 0].astype(float)
    wide = np.nanmedian(boxes[:, 2:] - boxes[:, :2])
    drift = np.cumsum(rng.normal(0, 0.02 * wide, (len(boxes), 1, 2)), 0)
    shaken = boxes.reshape(-1, 2, 2) + drift
    shaken += rng.normal(0, 0.03 * wide, shaken.shape)
    return np.concatenate([shaken.min(1), shaken.max(1)], 1).round(1)


def stamp(named):
    """A fingerprint of cases: tells whether the stored answers are about the same ones."""
    digest = hashlib.sha256()
    for name, pair in named.items():
        digest.update(name.encode())
        for one in pair:
            digest.update(np.asarray(one, np.float64).round(6).tobytes() + b"|")
    return digest.hexdigest()[:16]
