"""What every tracker of one object is: `init` with a frame and a box, then `update` with each next.

Invariant: a tracker sees frames in order, one at a time, and never one that is still to come; what
it says about a frame rests on that frame and those before it. So a tracker that works on a clip
works on a camera.

`Tracker` checks what comes in at the door, so that a tracker's own file holds only its idea: it
writes `_start(frame, box)` and `_step(frame) -> State`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Clip, Frame

SIZE_LIMITS = (0.15, 6.0)  # of the first size, where a tracker believes in no more


class State(NamedTuple):
    """What a tracker says about one frame.

    box: `(4,)` float32 `xyxy` pixels; it may reach past the frame where the object does.
    velocity: `(2,)` float32, motion of the box's centre in pixels a frame (x, y).
    score: how sure the tracker is, 0 (not seen) to 1; the scale is each tracker's own.
    """

    box: NDArray[np.float32]
    velocity: NDArray[np.float32]
    score: float


class Tracker(ABC):
    """Follows one object. Every tracker here has this shape, so that one can be put for another."""

    name = "tracker"
    _size: tuple[int, int] | None = None

    def init(self, frame: Frame, box: ArrayLike) -> None:
        """Start on an object: `frame (H, W, 3)` uint8 RGB, `box (4,)` xyxy pixels around it.

        The box may be partly outside the frame. May be called again, to start on another object.
        Raises `InputError` for another kind of frame, and for a box that is not finite, has no
        area, or lies wholly outside the frame. What it followed before is then forgotten: `update`
        asks for another `init`.
        """
        self._size = None
        frame = errors.image("frame", frame)
        box = bx.as_box(box)
        height, width = frame.shape[:2]
        if not bx.area(bx.clip(box, height, width)) > 0:
            errors.bad(
                "box",
                errors.Said(f"corners {box.tolist()}, which is outside the frame"),
                f"a box that touches the frame of {width} x {height} pixels",
            )
        self._start(frame, box)
        self._size = (height, width)

    def update(self, frame: Frame) -> State:
        """Find the object in the next frame, `(H, W, 3)` uint8 RGB of the size that `init` saw.

        Raises `InputError` before `init`, for another kind of frame and for another size.
        """
        if self._size is None:
            errors.bad("tracker", errors.Said("update before init"), "init(frame, box) first")
        frame = errors.image("frame", frame)
        if frame.shape[:2] != self._size:
            height, width = frame.shape[:2]
            errors.bad(
                "frame",
                errors.Said(f"a frame of {width} x {height} pixels"),
                f"the size that init saw, {self._size[1]} x {self._size[0]} pixels",
            )
        return self._step(frame)

    @abstractmethod
    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        """Remember the object. The arguments are checked, and must not be changed."""

    @abstractmethod
    def _step(self, frame: Frame) -> State:
        """Find the object in a frame. The frame is checked, and must not be changed."""


@dataclass(frozen=True, eq=False)
class Track:
    """One object's way through `T` frames, as a tracker saw it.

    boxes: `(T, 4)` float32 `xyxy` pixels; the first is the box that was given.
    velocities: `(T, 2)` float32 pixels a frame (x, y); NaN in the first frame.
    scores: `(T,)` float32, 0 to 1; 1 in the first frame.
    seconds: `(T,)` float64, the time spent in `init` (first frame) and in `update`, without the
        time that decoding the frame took.
    cpu_seconds: `(T,)` float64, the same in processor time of the whole process, on all cores; None
        where nobody measured it.
    """

    boxes: NDArray[np.float32]
    velocities: NDArray[np.float32]
    scores: NDArray[np.float32]
    seconds: NDArray[np.float64]
    name: str = "tracker"
    cpu_seconds: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def inside(self, height: float, width: float) -> Track:
        """The same track, its boxes cut off at the edge of a `height` x `width` frame.

        That is how truth is drawn, so cut before you compare.
        """
        return replace(self, boxes=bx.clip(self.boxes, height, width))

    @property
    def frames_per_second(self) -> float:
        """Frames a second that the tracker could follow, by the median time of an update."""
        updates = self.seconds[1:]
        return float(1 / np.median(updates)) if len(updates) else float("nan")


def follow(tracker: Tracker, frames: Clip | Iterable[Frame], box: ArrayLike | None = None) -> Track:
    """Run a tracker over a clip or frames, timed: see `tracklab.trackers.run`."""
    start = _first_box(frames) if box is None else bx.as_box(box)
    states: list[State] = []
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    for frame in frames:
        begin, cpu = time.perf_counter(), time.process_time()
        if states:
            states.append(tracker.update(frame))
        else:
            tracker.init(frame, start)
            states.append(State(start, np.full(2, np.nan, np.float32), 1.0))
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu)
    if not states:
        errors.bad("frames", errors.Said("no frames"), "at least one frame")
    return Track(
        boxes=np.array([state.box for state in states], np.float32),
        velocities=np.array([state.velocity for state in states], np.float32),
        scores=np.array([state.score for state in states], np.float32),
        seconds=np.array(seconds),
        name=getattr(tracker, "name", type(tracker).__name__),
        cpu_seconds=np.array(cpu_seconds),
    )


def _first_box(frames: Clip | Iterable[Frame]) -> bx.Boxes:
    """The truth of the first object that is there in a clip's first frame."""
    truth = frames.truth if isinstance(frames, Clip) else None
    if truth is None:
        errors.bad("box", None, "a box around the object in the first frame (no truth is known)")
    there: list[int] = np.flatnonzero(truth.present[0]).tolist() if len(truth) else []
    if not there:
        errors.bad("box", None, "a box (the truth knows of no object in the first frame)")
    return bx.as_box(truth.boxes[0, there[0]])


def within_limits(
    middle: NDArray[Any], size: NDArray[Any], frame: Frame, first: NDArray[Any], smallest: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A box's middle `(2,)` and size `(2,)` as they may be: nobody leaves the frame by the middle,
    nor grows or shrinks without end.

    first: the size at first. smallest: of a side, in pixels.
    """
    least = np.maximum(first * SIZE_LIMITS[0], smallest)
    high = np.array(frame.shape[1::-1], np.float32)
    return np.clip(middle, 0, high), np.clip(size, least, first * SIZE_LIMITS[1])
