"""The precision-recall curve of ranked detections, and the area below it.

Take detections from the surest down: precision is the share of them that were right so far, recall
the share of the objects that they found. Average precision (AP) is the area below that curve, made
to fall only (`envelope`); benchmarks sum it differently (`STYLES`).

Invariants: the area is 1 if and only if every object is found before the first mistake; mistakes
that come last cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

ABSENT = -1.0  # the score of a class of which there is no object: not 0, and in no mean
STYLES = {
    "coco": "mean of the curve's height at 101 recalls",
    "voc": "area below the curve, step by step (VOC 2010 and later)",
    "voc07": "mean of the curve's height at 11 recalls (VOC 2007)",
}
ROUNDING = 1e-6  # by which a share may be above 1
# linspace and not k / 100: these must round as COCO's own do
RECALLS: NDArray[np.float64] = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall after each of `K` ranked detections, the surest first.

    precision, recall: `(K,)` from 0 to 1; recall is NaN where there is no object to find.
    scores: `(K,)`, falling: to keep detections of at least `scores[k]` gives point `k`.
    hits: `(K,)` booleans: was it right?
    objects: how many there were to find.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    objects: int

    def envelope(self) -> NDArray[np.float64]:
        """The interpolated precision `(K,)`: see `envelope`."""
        return envelope(self.precision)

    def average_precision(self, style: str = "coco") -> float:
        """The area below the interpolated curve, 0 to 1, or `ABSENT`; styles are in `STYLES`."""
        errors.choice("style", style, STYLES)
        return area(self.precision, self.recall, style) if self.objects else ABSENT

    def at(self, score: float) -> tuple[float, float]:
        """Precision and recall if detections of at least `score` are kept.

        Where none is left, precision is 1 (nothing was wrong) and recall 0.
        """
        kept = int((self.scores >= errors.number("score", score)).sum())
        if not kept:
            return 1.0, 0.0
        return float(self.precision[kept - 1]), float(self.recall[kept - 1])

    def __len__(self) -> int:
        return len(self.scores)


def envelope(precision: ArrayLike) -> NDArray[np.float64]:
    """Precision `(K,)` made to fall only: at each recall the best that is had at it or beyond.

    Everingham et al. (2010), equation 2.

    >>> envelope([1.0, 0.5, 0.67, 0.5])
    array([1.  , 0.67, 0.67, 0.5 ])
    """
    # p_interp(r) = max of p(r') over r' >= r
    return np.maximum.accumulate(np.asarray(precision, np.float64)[::-1])[::-1]


def area(precision: ArrayLike, recall: ArrayLike, style: str = "coco") -> float:
    """The area below the interpolated curve of precision `(K,)` over rising recall `(K,)`.

    "voc07": Everingham et al. (2010), equation 1, the mean at 11 recalls. "voc": Everingham et
    al., "The PASCAL Visual Object Classes Challenge: A Retrospective" (2015), section 3.3, and the
    development kit of 2010: every step of recall counts. "coco": Lin et al. (2014), as pycocotools
    has it, the mean at 101 recalls.

    Raises `InputError` for another style, lengths that differ, values outside 0 to 1 (NaN is), and
    a recall that falls.

    >>> area([1.0, 0.5, 2 / 3], [0.5, 0.5, 1.0], "voc")
    0.8333333333333333
    """
    errors.choice("style", style, STYLES)
    precision, recall = _checked(precision, recall)
    heights = envelope(precision)
    if style == "voc":
        # AP = sum over k of (r[k] - r[k - 1]) * p_interp(r[k])
        return float((np.diff(recall, prepend=0.0) * heights).sum())
    # k / 10 and not steps of 0.1, so that a recall of 3/10 reaches the fourth
    recalls = RECALLS if style == "coco" else np.arange(11) / 10
    # AP = mean over r of p_interp(r); beyond the last recall nothing is found: 0
    places = np.searchsorted(recall, recalls, side="left")
    return float(np.append(heights, 0.0)[places].mean())


def _checked(
    precision: ArrayLike, recall: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both `(K,)`, from 0 to 1, and a recall that does not fall."""
    found = []
    for name, values in (("precision", precision), ("recall", recall)):
        try:
            array = np.asarray(values, np.float64)
        except (TypeError, ValueError):
            errors.bad(name, values, "numbers of shape (K,) from 0 to 1")
        if array.ndim != 1:
            came = array if array.ndim else values
            errors.bad(name, came, "numbers of shape (K,) from 0 to 1")
        outside = ~((array >= 0) & (array <= 1 + ROUNDING))  # NaN never is inside
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            errors.bad(name, errors.Said(f"{array[first]} at index {first}"), "numbers from 0 to 1")
        found.append(array)
    if len(found[0]) != len(found[1]):
        came = errors.Said(f"a length of {len(found[1])}")
        errors.bad("recall", came, f"{len(found[0])}, as precision has")
    falls = np.flatnonzero(np.diff(found[1]) < 0)
    if falls.size:
        k = int(falls[0])
        came = errors.Said(f"{found[1][k]} and then {found[1][k + 1]} at index {k + 1}")
        errors.bad("recall", came, "recalls that do not fall, the surest detection first")
    return found[0], found[1]
