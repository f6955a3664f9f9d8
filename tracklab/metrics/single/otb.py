"""OTB's one-pass evaluation of one sequence: success, precision, normalized precision.

Wu, Lim, Yang, "Object Tracking Benchmark", TPAMI 2015: a tracker is started on the true
box of the first frame and runs once to the end; no mistake is undone. Success is the share of
frames whose overlap exceeds a threshold, precision the share whose centre is no farther than one.
Normalized precision measures that distance in sizes of the true box: Muller et al., "TrackingNet",
ECCV 2018.

Invariants: success falls with its threshold and precision rises; a perfect tracker has precision 1
everywhere and success 1 up to the last threshold, which no overlap exceeds, so that its area is
20/21.

OTB takes x + (w - 1) / 2 for a centre and counts pixels from 1. Neither is seen in a distance: both
sides have the same half pixel. It would be where a centre itself is reported, or where the one box
is taken so and the other as (x1 + x2) / 2.

Every function takes `pred` and `truth` `(T, 4)` and the keywords `missing` and `silent` of
`compare`, which also says what is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracklab import errors
from tracklab.metrics.single.frames import Comparison, Numbers, compare

OVERLAPS: Numbers = np.linspace(0, 1, 21)  # thresholds of success: 0, 0.05, ..., 1
PIXELS: Numbers = np.arange(51.0)  # thresholds of precision: 0, 1, ..., 50
SHARES: Numbers = np.arange(51) / 100  # thresholds of normalized precision: 0, 0.01, ..., 0.5
NEAR = 20.0  # pixels: the threshold by which OTB ranks
NEAR_SHARE = 0.2  # of the true size: the threshold by which LaSOT ranks


def success_curve(pred: Any, truth: Any, **rules: str) -> Numbers:
    """Share of frames `(21,)` whose overlap exceeds each of `OVERLAPS`.

    >>> still = [[0, 0, 10, 10]] * 4
    >>> success_curve(still, [[0, 0, 10, 10], [2, 0, 12, 10], [5, 0, 15, 10], [20, 0, 30, 10]])[::5]
    array([0.75, 0.75, 0.5 , 0.25, 0.  ])
    """
    return success(compare(pred, truth, **rules))


def success_auc(pred: Any, truth: Any, **rules: str) -> float:
    """Area below the success curve, 0 to 20/21: the mean of its 21 values.

    >>> boxes = [[0, 0, 10, 10], [2, 0, 12, 10], [5, 0, 15, 10]]
    >>> round(success_auc(boxes, boxes), 3)
    0.952
    """
    return float(success_curve(pred, truth, **rules).mean())


def precision_curve(pred: Any, truth: Any, **rules: str) -> Numbers:
    """Share of frames `(51,)` whose centres are no farther apart than each of `PIXELS`."""
    return precision(compare(pred, truth, **rules))


def precision_at(pred: Any, truth: Any, pixels: float = NEAR, **rules: str) -> float:
    """Share of frames whose centres are no farther apart than so many pixels.

    >>> precision_at([[0, 0, 10, 10]] * 3, [[0, 0, 10, 10], [20, 0, 30, 10], [20, 1, 30, 11]])
    0.6666666666666666
    """
    pixels = errors.number("pixels", pixels, low=0)
    return float(_within(compare(pred, truth, **rules), "distances", np.array([pixels]))[0])


def normalized_precision_curve(pred: Any, truth: Any, **rules: str) -> Numbers:
    """Share of frames `(51,)` whose centres are no farther apart than each of `SHARES`.

    Distances are in widths (x) and heights (y) of the true box of the frame.
    """
    return normalized_precision(compare(pred, truth, **rules))


def normalized_precision_auc(pred: Any, truth: Any, **rules: str) -> float:
    """Area below the normalized precision curve, 0 to 1: its mean (TrackingNet)."""
    return float(normalized_precision_curve(pred, truth, **rules).mean())


def normalized_precision_at(
    pred: Any, truth: Any, share: float = NEAR_SHARE, **rules: str
) -> float:
    """Share of frames whose centres are no farther apart than a share of the true size (LaSOT)."""
    share = errors.number("share", share, low=0)
    return float(_within(compare(pred, truth, **rules), "normalized", np.array([share]))[0])


def success(frames: Comparison) -> Numbers:
    """`success_curve` of frames that are compared already."""
    # S(t) = |{frames: IoU > t}| / |frames|
    overlaps = frames.overlaps[frames.counted]
    return np.asarray((overlaps[:, None] > OVERLAPS).mean(0))


def precision(frames: Comparison) -> Numbers:
    """`precision_curve` of frames that are compared already."""
    return _within(frames, "distances", PIXELS)


def normalized_precision(frames: Comparison) -> Numbers:
    """`normalized_precision_curve` of frames that are compared already."""
    return _within(frames, "normalized", SHARES)


def _within(frames: Comparison, measure: str, thresholds: Numbers) -> Numbers:
    # P(t) = |{frames: d <= t}| / |frames|
    distances = getattr(frames, measure)[frames.counted]
    return np.asarray((distances[:, None] <= thresholds).mean(0))
