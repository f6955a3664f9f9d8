"""Does the map point at the object? Two measures against an exact mask.

Invariants: both lie from 0 to 1; a map without any structure gets the object's share of the image
in both, which is what chance gets.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors


def hit(heat: ArrayLike, mask: ArrayLike, *, tolerance: int = 0) -> float:
    """The pointing game: 1 where the map's highest place is on the object, else 0.

    heat: `(H, W)`, 0 or more. mask: `(H, W)` booleans, not empty. tolerance: pixels beside the
    object that count as on it. Where several places are the highest, the share of them that is on
    the object.

    Zhang, Lin, Brandt, Shen and Sclaroff, "Top-down neural attention by excitation backprop" (ECCV
    2016), section 4.1. Raises `InputError` for shapes that differ, NaN, and an empty mask.
    """
    heat, mask = checked(heat, mask)
    reach = int(errors.number("tolerance", tolerance, low=0, high=10_000, whole=True))
    if reach:
        outside = (~mask).astype(np.uint8)
        mask = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
        mask = mask <= reach
    highest = heat == heat.max()
    return float(mask[highest].mean())


def energy(heat: ArrayLike, mask: ArrayLike) -> float:
    """The share of the map that lies on the object, 0 to 1.

    Wang et al., "Score-CAM: score-weighted visual explanations for convolutional neural networks"
    (CVPR workshops 2020), section 4.3, there of boxes. Arguments and errors are those of `hit`; a
    map of zeros has its energy everywhere alike.
    """
    heat, mask = checked(heat, mask)
    total = heat.sum(dtype=np.float64)
    # sum over the mask of L / sum of L
    return float(heat[mask].sum(dtype=np.float64) / total) if total > 0 else float(mask.mean())


def checked(heat: ArrayLike, mask: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A map and a mask that fit, or `InputError`."""
    values, inside = np.asarray(heat, np.float64), np.asarray(mask)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all() or values.min() < 0:
        errors.bad("heat", values, "a map (H, W) of finite numbers, 0 or more")
    if inside.shape != values.shape or inside.dtype != np.bool_ or not inside.any():
        errors.bad("mask", inside, f"booleans of shape {values.shape}, some of them True")
    return values, inside
