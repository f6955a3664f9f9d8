"""The Kalman filter's numbers, found by trying: every combination on the same trajectories.

A filter that is compared with a network must have had its training, too. Here it is given the best
that a grid of its numbers holds, on trajectories of the kind that the network learns from.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.motion import kalman, running
from tracklab.motion.observed import Observed

NOISES = (0.05, 0.07, 0.09)
ACCELERATIONS = (0.01, 0.014, 0.02, 0.028)
DAMPINGS = (1.0, 0.98, 0.96, 0.94, 0.92, 0.9, 0.87)
SPEEDS = (0.08,)
STARTS, HIDDEN = (15, 25, 35), (5, 10, 20)  # after these frames, for so many, all is hidden
FIRST = 5  # frames before this one do not count

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Every combination that was tried, and its errors.

    options: `(G, 4)`, columns as in `names`: the arguments of `kalman.Kalman`. errors: `(G, C)`
    root-mean-square errors in pixels, columns as in `columns`.
    """

    options: Floats
    errors: Floats
    names: tuple[str, ...] = ("noise", "acceleration", "damping", "speed")
    columns: tuple[str, ...] = ("position", "velocity", "ahead", *(f"hidden {k}" for k in HIDDEN))

    def __len__(self) -> int:
        return len(self.options)

    def costs(self, by: str | None = None) -> Floats:
        """`(G,)`: one of the columns, or, without a name, all of them.

        That is their geometric mean: half the error of one is worth twice the error of another.
        """
        if by is None:
            # c = (e_1 e_2 ... e_C)^(1/C)
            return np.asarray(np.exp(np.log(self.errors).mean(1)))
        return self.errors[:, self.columns.index(errors.choice("by", by, self.columns))]

    def best(self, by: str | None = None, **fixed: float) -> dict[str, float]:
        """The arguments of the best filter; of those alone that have the numbers `fixed`.

        `grid.best(damping=1)` is the best of constant velocity.
        """
        allowed = np.ones(len(self), bool)
        for name, value in fixed.items():
            errors.choice("fixed", name, self.names)
            allowed &= np.isclose(self.options[:, self.names.index(name)], value)
        if not allowed.any():
            errors.bad("fixed", fixed, "numbers that were tried")
        row = np.where(allowed, self.costs(by), np.inf).argmin()
        return dict(zip(self.names, self.options[row].tolist(), strict=True))


def tuned(
    seen: Observed,
    *,
    noises: Sequence[float] = NOISES,
    accelerations: Sequence[float] = ACCELERATIONS,
    dampings: Sequence[float] = DAMPINGS,
    speeds: Sequence[float] = SPEEDS,
) -> Grid:
    """Try every combination of a Kalman filter's numbers on observed trajectories.

    seen: of 56 frames or more, as `observe` gives them; 300 objects tell enough.

    `kalman.Kalman(**tuned(seen).best())` is the filter that came out best. Where it puts an object
    depends on noise and acceleration through their ratio alone; how far off it thinks it may be,
    on their size. So filters of one ratio tie, and errors cannot tell which noise is true: that
    is measured on detections, or by how many truths lie within a deviation.
    """
    if len(seen) <= max(STARTS) + max(HIDDEN):
        came = errors.Said(f"{len(seen)} frames")
        errors.bad("seen", came, f"at least {max(STARTS) + max(HIDDEN) + 1}")
    options = list(itertools.product(noises, accelerations, dampings, speeds))
    if not options:
        errors.bad("noises, accelerations, dampings, speeds", options, "at least one of each")
    found = [_errors(kalman.Kalman(None, **_named(row)), seen) for row in options]
    return Grid(np.array(options, np.float64), np.array(found))


def _named(row: Sequence[float]) -> dict[str, Any]:
    return dict(zip(Grid.names, row, strict=True))


def _errors(model: kalman.Kalman, seen: Observed) -> list[float]:
    truth = bx.centers(seen.boxes)
    run = running.run(model, seen.detections)
    blind = running.coast(model, seen.detections, STARTS, max(HIDDEN))
    pairs = [
        (bx.centers(run.boxes)[FIRST:], truth[FIRST:]),
        (run.velocities[FIRST:], seen.velocities[FIRST:]),
        (bx.centers(run.predicted)[FIRST:], truth[FIRST:]),
    ]
    pairs += [(bx.centers(blind.boxes[:, k - 1]), truth[blind.frames(k)]) for k in HIDDEN]
    # root of the mean of |found - true|^2
    return [float(np.sqrt(np.square(a - b).sum(-1).mean())) for a, b in pairs]
