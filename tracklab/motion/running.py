"""A motion model over whole clips: what it said in each frame, and what becomes of it blindly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.motion.base import MotionModel, State

Floats = NDArray[np.float32]


class Run(NamedTuple):
    """What a motion model said of N objects over T frames.

    boxes `(T, N, 4)`, velocities `(T, N, 2)`, deviations `(T, N, 2)`: after each frame's
    detections, as `State` has them.
    predicted `(T, N, 4)`, expected `(T, N, 2)`: boxes and deviations for each frame before it was
    seen; NaN in the first.
    """

    boxes: Floats
    velocities: Floats
    deviations: Floats
    predicted: Floats
    expected: Floats


def run(model: MotionModel, detections: ArrayLike) -> Run:
    """Follow objects from the first frame to the last; the model itself is left as it was.

    detections: `(T, N, 4)` boxes, four NaNs where nothing was detected; in the first frame
    everything is. Raises `InputError` for other shapes and for objects that are not there at first.
    """
    frames = _frames(detections)
    model = fresh(model)
    states, ahead = [model.start(frames[0])], [_nothing(frames.shape[1])]
    for boxes in frames[1:]:
        ahead.append(model.predict())
        states.append(model.update(boxes))
    return Run(*_stacked(states), *_stacked([(s.boxes, s.deviations) for s in ahead]))


class Coasted(NamedTuple):
    """Where objects were thought to be, unseen for 1, 2, ... K frames after frame t.

    boxes `(S, K, N, 4)`, deviations `(S, K, N, 2)`; starts `(S,)`: the last frames that were seen.
    """

    boxes: Floats
    deviations: Floats
    starts: NDArray[np.int64]

    def frames(self, hidden: int) -> NDArray[np.int64]:
        """The frames `(S,)` that `boxes[:, hidden - 1]` are about."""
        return self.starts + hidden


def coast(model: MotionModel, detections: ArrayLike, starts: Sequence[int], hidden: int) -> Coasted:
    """Hide all that comes after each of the frames `starts`, for `hidden` frames, one at a time.

    detections: as for `run`. An object that was missed in the very frame before has been hidden
    for longer, as it happens. Raises `InputError` for no starts, and where a gap would end behind
    the last frame.
    """
    frames = _frames(detections)
    hidden = int(errors.number("hidden", hidden, low=1, whole=True))
    last = len(frames) - 1 - hidden
    starts = [int(errors.number("starts", t, low=0, high=last, whole=True)) for t in starts]
    if not starts:
        errors.bad("starts", starts, "at least one frame")
    model = fresh(model)
    found: dict[int, Any] = {}
    model.start(frames[0])
    for t in range(max(starts) + 1):
        if t:
            model.predict()
            model.update(frames[t])
        if t in starts:
            blind = model.copy()
            found[t] = _stacked([blind.predict() for _ in range(hidden)])
    boxes, _, deviations = (
        np.stack(part) for part in zip(*(found[t] for t in starts), strict=True)
    )
    return Coasted(boxes, deviations, np.array(starts, np.int64))


def fresh(model: MotionModel) -> MotionModel:
    """A copy that follows nothing yet."""
    model = model.copy()
    model.reset()
    return model


def _frames(detections: ArrayLike) -> bx.Boxes:
    frames = bx.as_boxes(detections, "detections", absent=True)
    if frames.ndim != 3 or not len(frames):
        errors.bad("detections", frames, "boxes of shape (T, N, 4), T at least 1")
    if np.isnan(frames[0]).any():
        came = errors.Said("an object that is not seen in the first frame")
        errors.bad("detections", came, "all of them, to start from")
    return frames


def _nothing(count: int) -> State:
    return State(*(np.full((count, width), np.nan, np.float32) for width in (4, 2, 2)))


def _stacked(states: Sequence[Any]) -> list[Floats]:
    return [np.stack(part) for part in zip(*states, strict=True)]
