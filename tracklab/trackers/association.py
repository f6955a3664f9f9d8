"""Association: which detection of this frame is which of the objects that are followed?

Two measures of how well a prediction and a detection go together, each with a gate beyond which
they may not, and the assignment that is best in sum: the Hungarian method (Kuhn, 1955), by SciPy.

Invariant: a row and a column are assigned once at most, and never outside the gate; among all such
assignments none has a larger sum of gains.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracklab import boxes as bx

# Of a Gaussian in the plane, 99 % lie within this many standard deviations, squared: the quantile
# of a chi-squared distribution with two degrees of freedom, -2 log(1 - 0.99).
GATE_99 = -2 * np.log(1 - 0.99)


class Step(NamedTuple):
    """One association, as it was decided.

    gains: `(T, D)` float64 how well predictions (rows) and detections (columns) go together, more
        is better. allowed: `(T, D)` booleans, the gate. pairs: `(K, 2)` int64, row and column of
        those that were put together, by growing row.
    """

    gains: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    pairs: NDArray[np.int64]


def assign(gains: NDArray[Any], allowed: NDArray[Any]) -> NDArray[np.int64]:
    """The pairs `(K, 2)` of rows and columns with the largest sum of gains, within the gate.

    gains: `(T, D)`, from 0. allowed: `(T, D)` booleans. A pair outside the gate, or without gain,
    is none. The greedy way, best pair first, can be worse: it may leave two objects with nothing
    for the sake of one.

    >>> gains = np.array([[0.9, 0.8], [0.8, 0.0]])
    >>> assign(gains, gains > 0.1).tolist()
    [[0, 1], [1, 0]]
    """
    inside = np.where(allowed, gains, 0.0)
    # max over assignments a of sum_i gain(i, a(i))
    rows, columns = linear_sum_assignment(inside, maximize=True)
    kept = inside[rows, columns] > 0
    return np.stack([rows[kept], columns[kept]], axis=1).astype(np.int64)


def by_overlap(
    predicted: NDArray[np.float32],
    found: NDArray[np.float32],
    same: NDArray[np.bool_],
    *,
    least: float,
) -> Step:
    """Put together what overlaps: SORT's measure (Bewley et al., ICIP 2016).

    predicted: boxes `(T, 4)`. found: boxes `(D, 4)`. same: `(T, D)`, which pairs may be one object
    by their class. least: the IoU from which on two boxes may be one object.
    """
    gains = bx.iou(predicted, found).astype(np.float64)
    # overlaps are float32: 0.7 must be one, to count as 0.7
    allowed = same & (gains >= max(np.float32(least), np.finfo(np.float32).tiny))
    return Step(gains, allowed, assign(gains, allowed))


def by_distance(
    predicted: NDArray[np.float32],
    deviations: NDArray[np.float32],
    found: NDArray[np.float32],
    same: NDArray[np.bool_],
    *,
    gate: float = GATE_99,
    growth: float = 2.0,
) -> Step:
    """Put together what the motion model thinks possible: for objects that were not seen for long.

    After a gap the prediction may lie beside the object without touching it; the model knows how
    far off it may be. deviations: `(T, 2)` pixels, its standard deviations of the centre. growth:
    a box may be larger or smaller by this factor, in each direction, and still be the same object.

    The squared distance of centres in standard deviations must be below `gate` (Wojke, Bewley and
    Paulus, "Deep SORT", ICIP 2017, equations 1 and 2). Axes are independent here, and the
    deviations are the prediction's alone: Deep SORT adds the detection's own noise, so its gate is
    wider where the prediction is sure. After a gap, for which this gate is, it hardly is.
    """
    apart = bx.centers(found)[None] - bx.centers(predicted)[:, None]
    # d^2 = sum over x and y of ((c_found - c_predicted) / sigma)^2
    distance = ((apart / np.maximum(deviations, 1e-6)[:, None]) ** 2).sum(-1).astype(np.float64)
    ratio = bx.sizes(found)[None] / np.maximum(bx.sizes(predicted)[:, None], 1e-6)
    alike = ((ratio <= growth) & (ratio >= 1 / growth)).all(-1)
    allowed = same & alike & (distance < gate)
    gains = np.maximum(gate - distance, 0.0)
    return Step(gains, allowed, assign(gains, allowed))
