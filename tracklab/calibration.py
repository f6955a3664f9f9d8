"""Calibration: whether answers given with 80 % confidence are right 80 % of the time.

Invariant: the calibration error is the same number wherever it is shown, for there is one function
and one number of bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

BINS = 15  # of confidence, as in the paper
ROUNDING = 1e-3  # by which a probability may miss the interval from 0 to 1


def calibration(
    confidence: ArrayLike, correct: ArrayLike, bins: int = BINS
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], float]:
    """Mean confidence, accuracy and count of each bin `(bins,)`; the expected calibration error.

    confidence: `(N,)` probabilities of the answers, 0 to 1. correct: `(N,)` booleans. Bins are of
    equal width and hold their upper edge; an empty one has NaN, NaN, 0. The error, 0 to 1, is how
    far confidence is from being right, on average.

    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017), equations 2
    and 3. Raises `InputError` for lengths that differ, no answers, and values outside 0 to 1.

    >>> round(calibration([0.9, 0.9], [True, False])[-1], 3)
    0.4
    """
    bins = int(errors.number("bins", bins, low=1, high=1000, whole=True))
    p, hit = np.asarray(confidence, float), np.asarray(correct)
    if p.ndim != 1 or not p.size or not ((p >= -ROUNDING) & (p <= 1 + ROUNDING)).all():
        errors.bad("confidence", p, "probabilities of shape (N,) from 0 to 1")
    if hit.shape != p.shape or not np.isin(hit, (0, 1)).all():
        errors.bad("correct", hit, f"booleans of shape {p.shape}")
    hit = hit.astype(float)
    # bin m holds confidences in ((m - 1) / M, m / M]
    place = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    mean = np.bincount(place, p, bins) / filled
    accuracy = np.bincount(place, hit, bins) / filled
    gap = np.bincount(place, hit - p, bins)
    # ECE = sum over m of |B_m| / N * |acc(B_m) - conf(B_m)|
    error = float(np.abs(gap).sum() / len(p))
    return mean, accuracy, count, error
