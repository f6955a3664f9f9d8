"""Where a tracker loses its object, and whether it finds it again.

Kristan et al., "The Eighth Visual Object Tracking VOT2020 Challenge Results", ECCVW 2020: a tracker
has failed where its overlap is 0.1 or less in ten frames in a row; the first of them is the place.
A wrong box in one frame is a slip and no loss.

Invariant: from a loss to its return no overlap rises above the threshold, and losses do not touch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tracklab import errors
from tracklab.metrics.single.frames import compare

LOST = 0.1  # overlap, 0 to 1, up to which the object is not held
PATIENCE = 10  # frames in a row that make a loss of it


class Loss(NamedTuple):
    """One time that a tracker lost its object.

    frame: the first that it missed, from 0.
    back: the first in which it had the object again, or None where it never did.
    """

    frame: int
    back: int | None


def lost_at(
    pred: Any, truth: Any, *, iou: float = LOST, frames: int = PATIENCE, **rules: str
) -> Loss | None:
    """The first time that a tracker loses its object, or None where it holds it to the end.

    pred, truth: `(T, 4)` xyxy pixels, as for `compare`. Frames without truth say nothing: they
        neither break a row of missed ones nor lengthen it.
    iou: the object is missed where the overlap is not above this, 0 to below 1.
    frames: how many missed in a row make a loss. Where the sequence ends earlier there is none.
    rules: `missing` and `silent`, as for `compare`.

    Raises `InputError` as `compare` does.

    >>> truth = [[k, 0, k + 10, 10] for k in range(40)]
    >>> stays = [[0, 0, 10, 10]] * 40
    >>> lost_at(stays, truth)
    Loss(frame=9, back=None)
    >>> lost_at(truth, truth) is None
    True
    """
    return next(iter(losses(pred, truth, iou=iou, frames=frames, **rules)), None)


def losses(
    pred: Any, truth: Any, *, iou: float = LOST, frames: int = PATIENCE, **rules: str
) -> list[Loss]:
    """Each time that a tracker loses its object, in order: see `lost_at`."""
    if errors.number("iou", iou, low=0) >= 1:
        errors.bad("iou", iou, "a number from 0 to below 1: no overlap is above 1")
    frames = int(errors.number("frames", frames, low=1, whole=True))
    overlaps = compare(pred, truth, **rules).overlaps
    places = np.flatnonzero(np.isfinite(overlaps))
    missed = overlaps[places] <= iou
    edges = np.flatnonzero(np.diff(missed, prepend=False, append=False))
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - first >= frames:
            back = int(places[end]) if end < len(places) else None
            found.append(Loss(int(places[first]), back))
    return found
