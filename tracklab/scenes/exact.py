"""Numbers that come out the same on every machine.

A scene is its seed: the same seed must give the same bytes on every processor, so that a stored
checksum, a lesson's saved output and a test hold everywhere. Additions, products, quotients and
square roots are rounded the same everywhere (IEEE 754); sines and powers are not (their last bit
differs from processor to processor), so they are rounded here to a grid far coarser than that last
bit. Random numbers are drawn only with `Generator.random` and `Generator.bytes` of PCG64, whose
streams are plain integer arithmetic.

Each purpose draws from a stream of its own, so that turning one dial does not reshuffle the rest
of the scene.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

PURPOSES = (
    "motion",
    "stops",
    "sprites",
    "background",
    "camera",
    "occluders",
    "distractors",
    "distractor stops",
    "clutter",
    "light",
    "blur",
    "noise",
    "excursions",
    "depth",
    "strangers",
)

GRID = 2.0**24  # sines and powers are kept to 1 / GRID
STEPS = (
    64  # positions, sizes are kept to 1 / STEPS of a pixel: exact in float32, as are differences
)


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose of the scene `seed`."""
    root = np.random.SeedSequence((seed, PURPOSES.index(purpose)))
    return np.random.Generator(np.random.PCG64(root))


def cos(turns: ArrayLike) -> Floats:
    """Cosine of an angle in whole turns, rounded to the grid."""
    return np.rint(np.cos(2 * np.pi * np.asarray(turns, np.float64)) * GRID) / GRID


def sin(turns: ArrayLike) -> Floats:
    """Sine of an angle in whole turns, rounded to the grid."""
    return np.rint(np.sin(2 * np.pi * np.asarray(turns, np.float64)) * GRID) / GRID


def exp2(power: ArrayLike) -> Floats:
    """Two to the `power`, rounded to the grid."""
    return np.rint(np.exp2(np.asarray(power, np.float64)) * GRID) / GRID


def snap(pixels: ArrayLike) -> Floats:
    """Pixels, rounded to 1 / 64."""
    return np.rint(np.asarray(pixels, np.float64) * STEPS) / STEPS


def between(uniform: ArrayLike, low: ArrayLike, high: ArrayLike) -> Floats:
    """Random numbers from 0 to 1, stretched to run from `low` to `high`."""
    low = np.asarray(low, np.float64)
    return low + np.asarray(uniform, np.float64) * (np.asarray(high, np.float64) - low)
