"""How good an estimate of motion is: of the place, of the speed, one frame on, and blindly.

Errors are lengths in pixels (pixels a frame), and each number is the root of the mean of their
squares. Nothing here knows where the estimates come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors

ALL = "all"  # the row of a table that holds every object


def distances(found: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Lengths `(...)` of the differences of points or velocities `(..., 2)`.

    Raises `InputError` for other shapes. NaN where either is.
    """
    a, b = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.shape[-1:] != (2,):
        came = errors.Said(f"shapes {a.shape} and {b.shape}")
        errors.bad("found and truth", came, "the same shape (..., 2)")
    return np.asarray(np.hypot(*np.moveaxis(a - b, -1, 0)))


def rms(values: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Any:
    """Root of the mean of squares, NaNs left out; NaN where nothing is left.

    >>> rms([3.0, 4.0, np.nan]) ** 2
    12.5
    """
    squares = np.square(np.asarray(values, np.float64))
    known = np.isfinite(squares)
    total = np.where(known, squares, 0).sum(axis)
    count = known.sum(axis)
    mean = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
    return np.sqrt(mean)[()]


def evaluate(
    estimates: Any,
    boxes: ArrayLike,
    velocities: ArrayLike,
    *,
    coasted: Any = None,
    groups: Sequence[str] = (),
    hidden: Sequence[int] = (5, 10, 20),
    first: int = 5,
) -> dict[str, dict[str, float]]:
    """A table of root-mean-square errors: for all objects, and for each group of them.

    estimates: with `boxes (T, N, 4)`, `velocities (T, N, 2)` and `predicted (T, N, 4)`.
    boxes `(T, N, 4)`, velocities `(T, N, 2)`: true; NaN where there is none.
    coasted: with `boxes (S, K, N, 4)` and `frames(k) -> (S,)`: which frames it is about after k
        unseen ones.
    groups: `(N,)` names (motions, say). hidden: after how many unseen frames to measure.
    first: frames before this one, in which nothing can be known yet, are left out.

    Columns: "position" and "velocity" (after the frame was seen), "ahead" (before), and "hidden k".
    Raises `InputError` for shapes that do not go together.
    """
    truth = bx.as_boxes(boxes, "boxes", absent=True)
    count = truth.shape[1] if truth.ndim == 3 else -1
    if truth.ndim != 3 or (groups and len(groups) != count):
        errors.bad("boxes and groups", truth, "boxes (T, N, 4), and a group for each of N")
    centers = bx.centers(truth)
    columns: dict[str, NDArray[Any]] = {
        "position": distances(bx.centers(estimates.boxes), centers)[first:],
        "velocity": distances(estimates.velocities, velocities)[first:],
        "ahead": distances(bx.centers(estimates.predicted), centers)[first:],
    }
    if coasted is not None:
        for k in hidden:
            k = int(errors.number("hidden", k, low=1, high=coasted.boxes.shape[1], whole=True))
            there = bx.centers(coasted.boxes[:, k - 1])
            columns[f"hidden {k}"] = distances(there, centers[coasted.frames(k)])
    names = np.array(groups, dtype=object)
    table = {ALL: {name: float(rms(values)) for name, values in columns.items()}}
    for group in dict.fromkeys(groups):
        these = names == group
        table[group] = {name: float(rms(values[:, these])) for name, values in columns.items()}
    return table


def relative(
    table: Mapping[str, Mapping[str, float]], baseline: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Each number of a table over that of a baseline's: below 1 is better."""
    return {
        row: {name: value / baseline[row][name] for name, value in values.items()}
        for row, values in table.items()
    }


def coverage(
    found: ArrayLike, truth: ArrayLike, deviations: ArrayLike, within: float = 1.0
) -> float:
    """The share of points that lie within so many deviations of where they were said to be.

    found, truth, deviations: `(..., 2)`. Of a Gaussian that is right about itself, `1 - exp(-k^2 /
    2)` lie within k deviations: 0.39, 0.86, 0.99 within 1, 2, 3. Less: it is too sure.
    """
    spread = np.asarray(deviations, np.float64)
    error = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    if error.shape != spread.shape or error.shape[-1:] != (2,):
        came = errors.Said(f"shapes {error.shape} and {spread.shape}")
        errors.bad("found, truth, deviations", came, "the same shape (..., 2)")
    # (x / s_x)^2 + (y / s_y)^2 <= k^2
    far = np.square(error / spread).sum(-1)
    known = np.isfinite(far)
    return float((far[known] <= within**2).mean()) if known.any() else float("nan")
