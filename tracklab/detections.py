"""What a detector found in one image, and what is there: boxes, classes, and how sure it is.

`Detections` is what every detector returns and every metric judges; `Objects` is the truth of one
image. Both are checked once, here, so that what takes them need not check again.

Invariants: the rows of `boxes`, `scores`, `labels` (and `ignored`) belong together; detections are
best first, those of equal score in the order in which they came; boxes are finite, with corners in
order; an object has an area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image: `K` boxes, each with a score and a class, best first.

    boxes: `(K, 4)` float32 `xyxy` pixels. A box without area is allowed: a network may well give
        one. It overlaps nothing, so it is a mistake like any other.
    scores: `(K,)` float32, finite. Only their order counts: probabilities, or anything that grows
        with confidence.
    labels: `(K,)` int64 classes, counted from 0.

    Rows are sorted by falling score; rows of equal score stay in the order in which they came.
    Raises `InputError` for boxes that are not boxes (NaN, corners in the wrong order), scores that
    are not finite, labels that are not whole numbers from 0, and lengths that differ.

    >>> found = Detections([[0, 0, 2, 2], [1, 1, 5, 5]], [0.3, 0.9], [7, 0])
    >>> found.labels
    array([0, 7])
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        boxes = _rows(self.boxes, "detections.boxes")
        given = _column(self.scores, "detections.scores", len(boxes), "iuf", "finite numbers")
        with np.errstate(over="ignore"):
            scores = given.astype(np.float32)
        if not np.isfinite(scores).all():
            first = int(np.flatnonzero(~np.isfinite(scores))[0])
            came = errors.Said(f"{given[first]} at index {first}")
            errors.bad("detections.scores", came, "finite numbers that a float32 can hold")
        labels = _labels(self.labels, "detections.labels", len(boxes))
        # lexsort: the last key counts first; it is stable. Scores are ordered as given, for two
        # that differ in float64 may be the same in float32.
        order = np.lexsort((np.arange(len(boxes)), -given.astype(np.float64)))
        for name, value in (("boxes", boxes), ("scores", scores), ("labels", labels)):
            object.__setattr__(self, name, value[order])

    @classmethod
    def empty(cls) -> Detections:
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    @classmethod
    def from_rows(cls, rows: Any) -> Detections:
        """Rows `(K, 6)` of `x1, y1, x2, y2, score, class`, as a clip holds somebody's detections.

        A class below 0 is not known; it becomes 0. Raises `InputError` for another shape, classes
        that are not whole numbers, and as the class does.

        >>> Detections.from_rows([[0, 0, 2, 2, 0.5, -1]]).labels
        array([0])
        """
        wanted = "numbers of shape (K, 6): x1, y1, x2, y2, score, class"
        try:
            array = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError):
            errors.bad("rows", rows, wanted)
        if array.shape == (0,):
            array = array.reshape(0, 6)
        if array.ndim != 2 or array.shape[1] != 6:
            errors.bad("rows", array if array.ndim else rows, wanted)
        labels = array[:, 5]
        wrong = ~np.isfinite(labels) | (labels != np.floor(labels))
        if wrong.any():
            errors.bad("rows", errors.Said(f"class {labels[wrong][0]}"), "whole numbers")
        return cls(array[:, :4], array[:, 4], np.maximum(labels, 0).astype(np.int64))

    def above(self, score: float) -> Detections:
        """Those with a score of at least `score`."""
        return self[self.scores >= errors.number("score", score)]

    def top(self, k: int) -> Detections:
        """The `k` best, or all where there are fewer."""
        return self[: int(errors.number("k", k, low=0, whole=True))]

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Any) -> Detections:
        """Some of the rows: a slice, a mask `(K,)`, or indices."""
        rows = chosen(rows, len(self))
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows])


@dataclass(frozen=True, eq=False)
class Objects:
    """The truth of one image: `K` objects, each with a box and a class.

    boxes: `(K, 4)` float32 `xyxy` pixels, each with a width and a height: an object out of view is
        left out, for nothing could ever find it.
    labels: `(K,)` int64 classes, counted from 0.
    ignored: `(K,)` booleans: objects that count neither when they are found nor when they are not.
        VOC calls them difficult, COCO marks crowds so. None for no such object.

    Raises `InputError` for boxes that are not boxes or have no area, labels that are not whole
    numbers from 0, flags that are not booleans, and lengths that differ.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignored: NDArray[np.bool_] = None  # type: ignore[assignment]  # filled below

    def __post_init__(self) -> None:
        boxes = _rows(self.boxes, "objects.boxes")
        flat = ~(bx.sizes(boxes) > 0).all(-1)
        if flat.any():
            first = int(np.flatnonzero(flat)[0])
            came = errors.Said(f"{boxes[first].tolist()} at index {first}")
            errors.bad("objects.boxes", came, "boxes with a width and a height")
        labels = _labels(self.labels, "objects.labels", len(boxes))
        ignored = np.zeros(len(boxes), bool)
        if self.ignored is not None:
            given = _column(self.ignored, "objects.ignored", len(boxes), "biu", "booleans")
            if not np.isin(given, (0, 1)).all():
                errors.bad("objects.ignored", given, "booleans (or 0 and 1)")
            ignored = given.astype(bool)
        for name, value in (("boxes", boxes), ("labels", labels), ("ignored", ignored)):
            object.__setattr__(self, name, value)

    @classmethod
    def empty(cls) -> Objects:
        """Nothing is there."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Any) -> Objects:
        """Some of the rows: a slice, a mask `(K,)`, or indices."""
        rows = chosen(rows, len(self))
        return Objects(self.boxes[rows], self.labels[rows], self.ignored[rows])


def _rows(boxes: Any, name: str) -> NDArray[np.float32]:
    array = bx.as_boxes(boxes, name)
    if array.ndim != 2:
        errors.bad(name, array, f"shape (K, 4), {bx.CORNERS}")
    return array


def _column(value: Any, name: str, count: int, kinds: str, wanted: str) -> NDArray[Any]:
    """`count` numbers of some kinds; an empty list is of every kind."""
    wanted = f"{wanted} of shape ({count},), one for each box"
    try:
        array: NDArray[Any] = np.asarray(value)
    except (TypeError, ValueError):
        errors.bad(name, value, wanted)
    if array.shape != (count,) or (count and array.dtype.kind not in kinds):
        errors.bad(name, array if array.ndim else value, wanted)
    return array


def _labels(value: Any, name: str, count: int) -> NDArray[np.int64]:
    array = _column(value, name, count, "iu", "whole numbers from 0")
    outside = (array < 0) | (array > np.iinfo(np.int64).max)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        errors.bad(name, errors.Said(f"{array[first]} at index {first}"), "classes from 0")
    return array.astype(np.int64)


def chosen(rows: Any, count: int) -> Any:
    """What can index `count` rows and keeps them rows: a slice, a mask, or indices, checked."""
    if isinstance(rows, slice):
        return rows
    array = np.asarray(rows)
    if array.ndim == 1 and array.size == 0 and array.dtype != np.bool_:
        return array.astype(np.int64)  # an empty list has no kind
    if array.ndim != 1 or array.dtype.kind not in "biu":
        errors.bad("rows", rows, "a slice, a mask, or indices, as in found[:10]")
    if array.dtype == np.bool_:
        if len(array) != count:
            errors.bad("rows", array, f"a mask of shape ({count},)")
    elif not ((array >= -count) & (array < count)).all():
        errors.bad("rows", array.tolist(), f"indices below {count}")
    return array
