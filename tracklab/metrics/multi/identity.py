"""IDF1: whose track is whose, decided once for the whole clip.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking"
(2016). Each object gets one track at most, and each track one object, such that as many boxes as
possible agree; all others are wrong, however well they overlap. So a tracker that loses somebody
for a moment and takes up the same identity is forgiven, and one that swaps two people is not.

Invariant: `matches + misses` is the number of boxes of the truth, `matches + false_alarms` that of
the tracks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracklab.metrics.multi.compare import Comparison


@dataclass(frozen=True)
class Identity:
    """The counts behind IDF1; those of several clips add up.

    matches, misses, false_alarms: boxes (IDTP, IDFN, IDFP).
    """

    matches: int
    misses: int
    false_alarms: int

    @property
    def idf1(self) -> float:
        """The harmonic mean of `idp` and `idr`, 0 to 1."""
        # IDF1 = 2 IDTP / (2 IDTP + IDFP + IDFN)
        whole = 2 * self.matches + self.false_alarms + self.misses
        return 2 * self.matches / whole if whole else 0.0

    @property
    def idp(self) -> float:
        """Identification precision, 0 to 1: the share of the tracks' boxes."""
        # IDP = IDTP / (IDTP + IDFP)
        return self.matches / max(self.matches + self.false_alarms, 1)

    @property
    def idr(self) -> float:
        """Identification recall, 0 to 1: the share of the truth's boxes."""
        # IDR = IDTP / (IDTP + IDFN)
        return self.matches / max(self.matches + self.misses, 1)


def identity(comparison: Comparison, iou: float) -> Identity:
    """IDF1 of one clip: boxes overlap by `iou` at least (to the last digit, as in trackeval)."""
    shape = len(comparison.objects), len(comparison.identities)
    pairs = [np.zeros(0, np.int64)]
    frames = zip(comparison.truth, comparison.tracks, comparison.overlaps, strict=True)
    for there, seen, overlap in frames:
        rows, columns = np.nonzero(overlap >= iou)
        pairs.append(there[rows] * shape[1] + seen[columns])
    agree = np.bincount(np.concatenate(pairs), minlength=shape[0] * shape[1]).reshape(shape)
    # The truth-to-result match: to leave the fewest boxes without a partner is to
    # pair the most, for each pair that agrees saves a miss and a false alarm.
    matches = int(agree[linear_sum_assignment(agree, maximize=True)].sum())
    truth, found = comparison.boxes
    return Identity(matches, truth - matches, found - matches)


def total(parts: Iterable[Identity]) -> Identity:
    """Several clips as if they were one: every count summed (identities of clips are apart)."""
    rows = [list(vars(part).values()) for part in parts]
    return Identity(*(sum(column) for column in zip(*rows, strict=True)))
