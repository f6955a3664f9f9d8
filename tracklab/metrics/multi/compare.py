"""Truth and tracks of one clip side by side: where every count of many objects begins.

Invariant: objects and tracks are numbered from 0 by growing identity, and each number occurs in
some frame. So the order of rows in a frame changes nothing, nor does any renaming of identities
that keeps their order; another renaming can change who wins where two assignments are equally
good, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics.matching import overlaps
from tracklab.tracks import UNKNOWN, frames_of

# An overlap that misses a threshold by a rounding reaches it, as in trackeval.
ROUNDING = float(np.finfo(np.float64).eps)

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Who is where, frame by frame: `ids[t] (n,)` growing, `boxes[t] (n, 4)`, `labels[t] (n,)`.

    hidden: `hidden[t] (n,)` booleans, rows that neither count nor may be counted against a track.
    """

    ids: list[Numbers]
    boxes: list[NDArray[np.float32]]
    labels: list[Numbers]
    hidden: list[NDArray[np.bool_]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Comparison:
    """A clip of `T` frames with `G` objects and `K` tracks, and how much they overlap.

    truth, tracks: for each frame, the numbers `(n,)` and `(m,)` of the objects and tracks in it.
    overlaps: for each frame, IoU `(n, m)` in float64, 0 to 1.
    objects, identities: `(G,)` and `(K,)`, the identities behind the numbers.
    """

    truth: list[Numbers]
    tracks: list[Numbers]
    overlaps: list[NDArray[np.float64]]
    objects: Numbers
    identities: Numbers

    @property
    def boxes(self) -> tuple[int, int]:
        """Boxes of truth and of tracks, over all frames."""
        return sum(map(len, self.truth)), sum(map(len, self.tracks))

    def __len__(self) -> int:
        return len(self.truth)


def compare(
    truth: Any, tracks: Any, *, label: int | None, visible: float, iou: float
) -> Comparison:
    """Lay truth and tracks side by side; arguments as in `evaluate`, which they come from."""
    there, found = rows_of(truth, "truth", visible), rows_of(tracks, "tracks")
    if len(there) != len(found):
        came = errors.Said(f"truth of {len(there)} frames and tracks of {len(found)}")
        errors.bad("truth and tracks", came, "as many of the one as of the other")
    if label is not None:
        there, found = _of_class(there, label, "truth"), _of_class(found, label, "tracks")
    overlap = [overlaps(a, b) for a, b in zip(there.boxes, found.boxes, strict=True)]
    there_ids, found_ids = list(there.ids), list(found.ids)
    for t, hidden in enumerate(there.hidden):
        if hidden.any():
            rows, columns = assign(overlap[t], iou)
            free = np.ones(len(found_ids[t]), bool)
            free[columns[hidden[rows]]] = False
            there_ids[t], found_ids[t] = there_ids[t][~hidden], found_ids[t][free]
            overlap[t] = overlap[t][np.ix_(~hidden, free)]
    objects, numbered = _numbered(there_ids)
    identities, followed = _numbered(found_ids)
    return Comparison(numbered, followed, overlap, objects, identities)


def assign(
    overlap: NDArray[np.float64], iou: float, worth: NDArray[np.float64] | None = None
) -> tuple[Numbers, Numbers]:
    """Rows and columns of one frame that belong together: the assignment of the largest sum.

    overlap: `(n, m)` IoU; pairs below `iou` never belong together.
    worth: `(n, m)` above 0, what a pair adds to the sum; its overlap if None.
    """
    worth = overlap if worth is None else worth
    worth = np.where(overlap >= iou - ROUNDING, worth, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    real = worth[rows, columns] > ROUNDING
    return rows[real], columns[real]


def rows_of(value: Any, name: str, visible: float = 0.0) -> Rows:
    """Who is where, of a `Truth` or of a list of `Tracks`; `InputError` for anything else."""
    if isinstance(value, Truth):
        return _rows_of_truth(value, name, visible)
    if not isinstance(value, (list, tuple)):
        came = errors.Said(f"a {type(value).__name__}")
        errors.bad(name, came, "a Truth, or a list of Tracks, one for each frame")
    if visible > 0:
        errors.bad("visible", visible, "0 where the truth does not tell what is visible")
    frames = frames_of(value, name)
    return Rows(
        [frame.ids for frame in frames],
        [frame.boxes for frame in frames],
        [frame.labels for frame in frames],
        [np.zeros(len(frame), bool) for frame in frames],
    )


def _rows_of_truth(truth: Truth, name: str, visible: float) -> Rows:
    present, boxes = truth.present, truth.boxes
    flat = present & ~(boxes[..., 2:] > boxes[..., :2]).all(-1)
    if flat.any():
        frame, column = (int(index) for index in np.argwhere(flat)[0])
        came = errors.Said(f"{boxes[frame, column].tolist()} of identity {truth.ids[column]}")
        wanted = "boxes with a width and a height, or four NaNs where an object is absent"
        errors.bad(f"{name}, frame {frame}", came, wanted)
    order = np.argsort(truth.ids)
    rows = Rows([], [], [], [])
    for t in range(len(truth)):
        columns = order[present[t, order]]
        rows.ids.append(truth.ids[columns])
        rows.boxes.append(boxes[t, columns])
        rows.labels.append(truth.classes[columns])
        rows.hidden.append(truth.visibility[t, columns] < visible)
    return rows


def _of_class(rows: Rows, label: int, name: str) -> Rows:
    kept = [labels == label for labels in rows.labels]
    known = any((labels != UNKNOWN).any() for labels in rows.labels)
    if not known and any(map(len, rows.labels)):
        came = errors.Said("boxes of which none has a class")
        errors.bad(name, came, f"labels, to find those of class {label}")

    def some(column: list[NDArray[Any]]) -> list[NDArray[Any]]:
        return [row[keep] for row, keep in zip(column, kept, strict=True)]

    return Rows(some(rows.ids), some(rows.boxes), some(rows.labels), some(rows.hidden))


def _numbered(ids: list[Numbers]) -> tuple[Numbers, list[Numbers]]:
    """The identities that occur, growing, and in their place numbers from 0."""
    every = np.concatenate([np.zeros(0, np.int64), *ids])
    known, numbers = np.unique(every, return_inverse=True)
    ends = np.cumsum([len(frame) for frame in ids])[:-1]
    return known, np.split(numbers.astype(np.int64), ends) if ids else []
