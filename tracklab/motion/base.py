"""What every motion model is: where objects will be in the next frame, whoever they are.

Invariant: row k is the k-th object that was started and is still kept, and what is said about a row
rests on the detections of that row alone. So N objects at once are N objects one by one, and a
tracker with hundreds of them calls each method once a frame.

`MotionModel` checks what comes in at the door, so that a model's own file holds only its idea: it
writes `_born`, `_moved`, `_corrected` and `_said`, pure functions of what it remembers.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors

Floats = NDArray[Any]
Size = tuple[float, float]

BOXES = "boxes (N, 4) xyxy with a width and a height, one row for each object"


class State(NamedTuple):
    """What a motion model says about its N objects in the frame where it is.

    boxes: `(N, 4)` float32 `xyxy` pixels.
    velocities: `(N, 2)` float32, of the centre, pixels a frame (x, y): where it is less where it
        was one frame ago.
    deviations: `(N, 2)` float32, standard deviations of the centre (x, y) in pixels: how far off
        the model thinks it may be.
    """

    boxes: NDArray[np.float32]
    velocities: NDArray[np.float32]
    deviations: NDArray[np.float32]


class MotionModel(ABC):
    """Estimates path and speed of N objects from boxes that are noisy and sometimes missing.

    In each frame: `predict()`, then `update(boxes)` with what was detected, four NaNs in the rows
    of objects that were not; then perhaps `keep` and `start`. A frame that is predicted and not
    updated was one in which nothing was seen: predicting again goes on by another frame.

    size: height and width of the frames in pixels, for models that know about walls; None where
        they are not known, or are none.
    """

    name = "motion model"

    def __init__(self, size: Size | None = None) -> None:
        if size is not None:
            size = _checked(size)
        self.size = size
        self._memory: Any = None
        self._ahead = False  # predicted, and not updated yet

    def __len__(self) -> int:
        return 0 if self._memory is None else len(self._memory[0])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {len(self)} objects)"

    def start(self, boxes: ArrayLike) -> State:
        """Follow further objects from their boxes `(N, 4)` in this frame; one box `(4,)` is one.

        Their rows come behind those that are there. Raises `InputError` for boxes that are not
        finite or have no area, and between `predict` and `update`.
        """
        rows = _rows(boxes)
        if not (bx.sizes(rows) > 0).all():
            errors.bad("boxes", errors.Said("a box without area, or none"), BOXES)
        if self._ahead:
            came = errors.Said("start between predict and update")
            errors.bad("motion model", came, "update first: what was seen of those that are there")
        born = self._born(rows)
        self._memory = born if self._memory is None else joined(self._memory, born)
        return self.state

    def predict(self) -> State:
        """Where the objects will be one frame on."""
        if self._memory is None:
            errors.bad("motion model", errors.Said("predict before start"), "start(boxes) first")
        if self._ahead:
            self.update()
        self._memory = self._moved(self._memory)
        self._ahead = True
        return self.state

    def update(self, boxes: ArrayLike | None = None) -> State:
        """Where they are, after what was detected: `(N, 4)`, four NaNs where nothing was.

        None: nothing was seen of any. One box `(4,)` does where there is one object. Raises
        `InputError` for another number of boxes, without area or not finite, and before `predict`.
        """
        if not self._ahead:
            errors.bad("motion model", errors.Said("update before predict"), "predict() first")
        count = len(self)
        rows = np.full((count, 4), np.nan, np.float32) if boxes is None else _rows(boxes)
        if len(rows) != count:
            errors.bad("boxes", errors.Said(f"{len(rows)} boxes"), f"{count}, one for each object")
        seen = np.isfinite(rows[:, 0])
        if not (bx.sizes(rows[seen]) > 0).all():
            errors.bad("boxes", errors.Said("a box without area"), BOXES)
        self._memory = self._corrected(self._memory, rows, seen)
        self._ahead = False
        return self.state

    def keep(self, which: ArrayLike) -> None:
        """Forget all objects but those where `which (N,)` is true, or whose rows it lists."""
        chosen = np.asarray(which)
        wanted = f"{len(self)} booleans, or different rows below {len(self)}"
        if chosen.size == 0 and chosen.dtype != np.bool_:
            chosen = chosen.astype(np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "bi":
            errors.bad("which", chosen, wanted)
        if chosen.dtype == np.bool_:
            if len(chosen) != len(self):
                errors.bad("which", chosen, wanted)
        elif len({*chosen.tolist()} & {*range(len(self))}) != len(chosen):
            errors.bad("which", chosen, wanted)
        if self._memory is not None:
            self._memory = type(self._memory)(*(part[chosen] for part in self._memory))

    @property
    def state(self) -> State:
        """What is said now: after `predict` the prediction, after `update` the estimate."""
        if self._memory is None:
            return State(*(np.zeros((0, width), np.float32) for width in (4, 2, 2)))
        said = self._said(self._memory)
        return State(*(np.asarray(part, np.float32) for part in said))

    def copy(self) -> MotionModel:
        """The same model with the same objects, which goes its own way from here."""
        # memories are never changed in place, so that both may hold the same one
        return copy.copy(self)

    def reset(self) -> None:
        """Forget all objects."""
        self._memory, self._ahead = None, False

    @abstractmethod
    def _born(self, boxes: bx.Boxes) -> Any:
        """What is remembered of objects seen once: a named tuple of arrays `(N, ...)`."""

    @abstractmethod
    def _moved(self, memory: Any) -> Any:
        """What is remembered, one frame on."""

    @abstractmethod
    def _corrected(self, memory: Any, boxes: bx.Boxes, seen: NDArray[np.bool_]) -> Any:
        """What is remembered after detections `(N, 4)`; rows where `seen (N,)` is false are NaN."""

    @abstractmethod
    def _said(self, memory: Any) -> tuple[Floats, Floats, Floats]:
        """Boxes, velocities and deviations, as `State` holds them."""


def joined(first: Any, second: Any) -> Any:
    """Two memories of one kind as one, the rows of the second behind those of the first."""
    pairs = zip(first, second, strict=True)
    return type(first)(*(np.concatenate(pair) for pair in pairs))


def corners(centers: Floats, sizes: Floats) -> Floats:
    """Boxes `(N, 4)` from centres and sizes `(N, 2)`, in the type that these have."""
    return np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)


def _rows(boxes: ArrayLike) -> bx.Boxes:
    array = bx.as_boxes(boxes, absent=True)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2:
        errors.bad("boxes", array, BOXES)
    return array


def _checked(size: Any) -> Size:
    try:
        height, width = size
    except (TypeError, ValueError):
        errors.bad("size", size, "(height, width) of the frames in pixels, or None")
    return (
        float(errors.number("size height", height, low=1)),
        float(errors.number("size width", width, low=1)),
    )
