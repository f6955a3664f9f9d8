"""How many of the objects the best proposals cover: what a second stage can still find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.detections import Objects
from tracklab.metrics import checks
from tracklab.metrics.matching import ALMOST_ONE, IOUS, overlaps

COUNTS = (10, 30, 100, 300, 768)  # of proposals


def recall(
    proposals: Sequence[ArrayLike],
    truth: Sequence[Objects],
    *,
    iou: float = 0.5,
    counts: Sequence[int] = COUNTS,
) -> dict[int, float]:
    """The share of objects, 0 to 1, that the best proposals of a frame cover, by their number.

    proposals: for each of `T` frames boxes `(P, 4)`, best first; classes play no part.
    iou: an object is covered if its overlap with some proposal is at least this.
    counts: how many proposals of each frame to take; a frame with fewer gives all it has.

    NaN where no object counts. Raises `InputError` where the lengths differ. What matters of
    proposals: Hosang et al., "What makes for effective detection proposals?" (2016), section 3.
    """
    threshold = errors.number("iou", iou, low=0, high=1)
    return {
        count: float((best >= min(threshold, ALMOST_ONE)).mean()) if best.size else float("nan")
        for count, best in _best_overlaps(proposals, truth, counts)
    }


def average_recall(
    proposals: Sequence[ArrayLike], truth: Sequence[Objects], *, counts: Sequence[int] = COUNTS
) -> dict[int, float]:
    """`recall`, averaged over the IoU thresholds 0.50, 0.55, ..., 0.95: tight boxes count more.

    Hosang et al. (2016), section 5, at COCO's ten thresholds.
    """
    # AR = mean over t of recall(t)
    bars = np.minimum(IOUS, ALMOST_ONE)[:, None]
    return {
        count: float((best >= bars).mean()) if best.size else float("nan")
        for count, best in _best_overlaps(proposals, truth, counts)
    }


def _best_overlaps(
    proposals: Any, truth: Any, counts: Any
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For each count: of each object that counts, its overlap with the best proposal."""
    numbers = [int(errors.number("counts", n, low=1, whole=True)) for n in counts]
    truth = checks.frames_of("truth", truth, Objects)
    if not isinstance(proposals, (Sequence, np.ndarray)) or isinstance(proposals, str):
        errors.bad("proposals", proposals, "boxes (P, 4) for each frame")
    if len(proposals) != len(truth):
        came = errors.Said(f"proposals for {len(proposals)} frames")
        errors.bad("proposals", came, f"{len(truth)}, as many as there are frames of truth")
    tables = []
    for number, (boxes, objects) in enumerate(zip(proposals, truth, strict=True)):
        rows = bx.as_boxes(boxes, f"proposals[{number}]")
        if rows.ndim != 2:
            errors.bad(f"proposals[{number}]", rows, "boxes of shape (P, 4)")
        tables.append(overlaps(rows, objects.boxes[~objects.ignored]))
    for number in numbers:
        best = [table[:number].max(0, initial=0.0) for table in tables]
        yield number, np.concatenate(best) if best else np.zeros(0)
