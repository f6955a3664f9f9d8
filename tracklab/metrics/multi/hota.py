"""HOTA: detection and association in balance, over all overlaps at which one could ask.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking" (2021). At each
of 19 overlaps alpha, DetA says how well boxes were found and AssA how well the found ones were put
together into tracks; HOTA is their geometric mean, so that neither can be bought with the other.

Invariants: `hota**2 == det_a * ass_a` at each alpha; `hits + misses` is the number of boxes of the
truth, `hits + false_alarms` that of the tracks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracklab.metrics.multi.compare import ROUNDING, Comparison

Array = NDArray[np.float64]

# 0.05, 0.10, ..., 0.95; arange, for they must round as trackeval's own do
ALPHAS: Array = np.arange(0.05, 0.99, 0.05)
NONE = 1e-10  # in place of no hits: LocA is then 1, as in trackeval


@dataclass(frozen=True, eq=False)
class Curves:
    """HOTA and its parts at each alpha of `ALPHAS`: arrays `(19,)`, shares from 0 to 1.

    hits, misses, false_alarms: boxes (TP, FN, FP).
    ass_a, ass_re, ass_pr: association accuracy, recall and precision; 0 where there is no hit.
    loc_a: localization accuracy, the mean IoU of the hits; 1 where there is none.

    A single number, as tables have it, is the mean over alphas: `curves.hota.mean()`.
    """

    hits: Array
    misses: Array
    false_alarms: Array
    ass_a: Array
    ass_re: Array
    ass_pr: Array
    loc_a: Array

    @property
    def det_a(self) -> Array:
        """Detection accuracy."""
        # DetA = TP / (TP + FN + FP)
        return self.hits / np.maximum(1, self.hits + self.misses + self.false_alarms)

    @property
    def det_re(self) -> Array:
        """Detection recall: the share of the truth's boxes that were found."""
        # DetRe = TP / (TP + FN)
        return self.hits / np.maximum(1, self.hits + self.misses)

    @property
    def det_pr(self) -> Array:
        """Detection precision: the share of the tracks' boxes that found something."""
        # DetPr = TP / (TP + FP)
        return self.hits / np.maximum(1, self.hits + self.false_alarms)

    @property
    def hota(self) -> Array:
        """Higher order tracking accuracy."""
        # HOTA = sqrt(DetA * AssA)
        return np.sqrt(self.det_a * self.ass_a)


def hota(comparison: Comparison) -> Curves:
    """HOTA of one clip."""
    truth, found = comparison.boxes
    none = np.zeros(0, np.int64)
    of_object = np.bincount(np.concatenate([none, *comparison.truth]))
    of_track = np.bincount(np.concatenate([none, *comparison.tracks]))
    pairs, overlap = _pairs(comparison, _alignment(comparison, of_object, of_track))
    # each pair of an object and a track, once, and in which pair each match is
    known, place = np.unique(pairs, return_inverse=True)
    objects, tracks = np.divmod(known, max(len(of_track), 1))
    whole_object, whole_track = of_object[objects], of_track[tracks]
    columns: list[list[float]] = []
    for alpha in ALPHAS:
        hit = overlap >= alpha - ROUNDING
        # TPA(c): boxes of the same object and the same track as the hit c
        together = np.bincount(place[hit], minlength=len(known))
        hits = max(int(hit.sum()), 1)
        # A(c) = TPA / (TPA + FNA + FPA); AssA = mean of A(c) over the hits c
        ass_a = together / (whole_object + whole_track - together)
        ass_re, ass_pr = together / whole_object, together / whole_track
        columns.append(
            [
                hit.sum(),
                (together * ass_a).sum() / hits,
                (together * ass_re).sum() / hits,
                (together * ass_pr).sum() / hits,
                max(NONE, overlap[hit].sum()) / max(NONE, hit.sum()),
            ]
        )
    hits_, ass_a_, ass_re_, ass_pr_, loc_a = np.array(columns).T
    return Curves(hits_, truth - hits_, found - hits_, ass_a_, ass_re_, ass_pr_, loc_a)


def total(parts: Iterable[Curves]) -> Curves:
    """Several clips as if they were one: counts summed, shares of hits weighted by hits."""
    parts = list(parts)
    hits = np.sum([part.hits for part in parts], axis=0)

    def mean(name: str) -> Array:
        return np.sum([getattr(part, name) * part.hits for part in parts], axis=0)

    return Curves(
        hits,
        np.sum([part.misses for part in parts], axis=0),
        np.sum([part.false_alarms for part in parts], axis=0),
        mean("ass_a") / np.maximum(1, hits),
        mean("ass_re") / np.maximum(1, hits),
        mean("ass_pr") / np.maximum(1, hits),
        np.maximum(NONE, mean("loc_a")) / np.maximum(NONE, hits),
    )


def _alignment(
    comparison: Comparison, of_object: NDArray[np.int64], of_track: NDArray[np.int64]
) -> Array:
    """How well each object and each track `(G, K)` go together over the whole clip, 0 to 1.

    The paper assigns at each alpha, such that HOTA is largest; the code of its authors, which is
    followed, takes this one score for all alphas: the soft overlap of two sets of boxes.
    """
    shared = np.zeros((len(of_object), len(of_track)))
    frames = zip(comparison.truth, comparison.tracks, comparison.overlaps, strict=True)
    for there, seen, overlap in frames:
        if not overlap.any():
            continue
        # s / (sum of the row + sum of the column - s): how much of it is these two's alone
        either = overlap.sum(0) + overlap.sum(1)[:, None] - overlap
        shared[there[:, None], seen] += np.divide(
            overlap, either, out=np.zeros_like(overlap), where=either > ROUNDING
        )
    # |a and b| / (|a| + |b| - |a and b|)
    return shared / (of_object[:, None] + of_track - shared)


def _pairs(comparison: Comparison, alignment: Array) -> tuple[NDArray[np.int64], Array]:
    """All matches: the number of the pair, object * K + track, and the IoU."""
    pairs, overlaps = [np.zeros(0, np.int64)], [np.zeros(0)]
    frames = zip(comparison.truth, comparison.tracks, comparison.overlaps, strict=True)
    for there, seen, overlap in frames:
        worth = alignment[there[:, None], seen] * overlap
        rows, columns = linear_sum_assignment(worth, maximize=True)
        pairs.append(there[rows] * alignment.shape[1] + seen[columns])
        overlaps.append(overlap[rows, columns])
    return np.concatenate(pairs), np.concatenate(overlaps)
