"""Who follows: a tracker of one object or of many, put in one form, with what starts it.

Invariant: `step` is called for each whole frame and `skip` for each damaged one, in order, and each
returns that frame's `Tracks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, finders, trackers
from tracklab.clips import Clip, Frame
from tracklab.detections import Detections
from tracklab.finders import Finder
from tracklab.trackers import Tracker
from tracklab.trackers.sort import SortTracker
from tracklab.tracks import UNKNOWN, Tracks

FILE = "file"  # as a finder: what somebody's detector found, listed beside the images
THE_ONE = 1  # identity of the object, where there is one

Box = NDArray[np.float32]
Find = Callable[[Frame], Detections]
Ask = Callable[[Frame], Any]


class Follower(ABC):
    """A tracker with what starts it. class_names: of the labels, or none."""

    name = ""
    class_names: tuple[str, ...] = ()

    @abstractmethod
    def step(self, frame: Frame) -> Tracks:
        """Who is where in the next frame."""

    @abstractmethod
    def skip(self) -> Tracks:
        """Who is where in a frame that nobody can see."""


class One(Follower):
    """A tracker of one object, from a box in the first whole frame, or from the first found.

    start: the box, or what is asked for it with the frame. find: asked frame by frame until it
    finds something; the best of that is followed.
    """

    def __init__(self, tracker: Tracker, start: Box | Ask | None, find: Find | None) -> None:
        self._tracker, self._start, self._find = tracker, start, find
        self.name = tracker.name
        self.class_names = getattr(find, "class_names", ())
        self._age, self._label = -1, UNKNOWN

    def step(self, frame: Frame) -> Tracks:
        """In frames in which the tracker sees nothing (its score is 0) there is no box."""
        if self._age < 0:
            return self._begin(frame)
        self._age += 1
        state = self._tracker.update(frame)
        if not state.score > 0:
            return Tracks.empty()
        return self._said(state.box, state.velocity, state.score)

    def skip(self) -> Tracks:
        """No box: a tracker of one object says nothing of a frame that it cannot see."""
        _skip(self._find)
        self._age += self._age >= 0
        return Tracks.empty()

    def _begin(self, frame: Frame) -> Tracks:
        start, label = self._start, UNKNOWN
        if start is None:
            assert self._find is not None
            found = self._find(frame)
            inside = bx.area(bx.clip(found.boxes, *frame.shape[:2])) > 0
            found = found[inside]
            if not len(found):
                return Tracks.empty()
            start, label = found.boxes[0], int(found.labels[0])
        box = bx.as_box(start(frame) if callable(start) else start)
        self._tracker.init(frame, box)
        self._age, self._label = 0, label
        return self._said(box, np.full(2, np.nan, np.float32), 1.0)

    def _said(self, box: Box, velocity: NDArray[np.float32], score: float) -> Tracks:
        if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
            return Tracks.empty()
        return Tracks(
            np.array([THE_ONE]),
            box[None],
            np.asarray(velocity, np.float32)[None],
            np.array([self._label]),
            np.array([score], np.float32),
            np.array([self._age]),
        )


class Many(Follower):
    """A tracker of many objects, fed with what is found in each frame."""

    def __init__(self, tracker: SortTracker, find: Find) -> None:
        self._tracker, self._find = tracker, find
        self.name = tracker.name
        self.class_names = getattr(find, "class_names", ())

    def step(self, frame: Frame) -> Tracks:
        """What the tracker makes of what is found."""
        return self._tracker.update(self._find(frame))

    def skip(self) -> Tracks:
        """Nothing is found; boxes are those that the tracker predicts, if it coasts."""
        _skip(self._find)
        return self._tracker.update(Detections.empty())


def choose(
    tracker: Tracker | SortTracker | str,
    box: Any,
    ask: Ask | None,
    detect: Finder | Find | str | None,
    clip: Clip | None,
) -> Follower:
    """A follower of what is to be followed: see `track` for the arguments.

    Raises `InputError` where nothing says what to follow.
    """
    if isinstance(tracker, str):
        many = errors.choice("tracker", tracker, (*trackers.NAMES, *trackers.MANY)) in trackers.MANY
    elif isinstance(tracker, (Tracker, SortTracker)):
        many = isinstance(tracker, SortTracker)
    else:
        names = ", ".join((*trackers.NAMES, *trackers.MANY))
        errors.bad("tracker", tracker, f"a tracker, or one of {names}")
    if box is not None and (many or detect is not None):
        came = errors.Said("a box beside a " + ("tracker of many" if many else "detector"))
        errors.bad("box", came, "one way to start, not two")
    listed = clip is not None and clip.detections is not None
    if many and detect is None and listed:
        detect = FILE
    if many and detect is None:
        wanted = f"for many objects one of {', '.join(finders.NAMES)}"
        came = errors.Said("no detector")
        errors.bad("detect", came, f"{wanted}, or {FILE} for a folder with det/det.txt")
    find = None if detect is None else _finder(detect, clip)
    start: Box | Ask | None = None if box is None else bx.as_box(box)
    if not many and find is None and box is None:
        start = _of_truth(clip, ask)
    made: Any = trackers.create(tracker) if isinstance(tracker, str) else tracker
    if many:
        assert find is not None
        return Many(made, find)
    return One(made, start, find)


def _of_truth(clip: Clip | None, ask: Ask | None) -> Box | Ask:
    """The truth's first box in the first frame, or who is asked for one."""
    if clip is not None and clip.truth is not None and clip.truth.present[0].any():
        return bx.as_box(clip.truth.boxes[0, int(np.argmax(clip.truth.present[0]))])
    if ask is None:
        errors.bad("box", None, "a box around the object in the first frame, or a detector")
    return ask


def _finder(detect: Any, clip: Clip | None) -> Find:
    if isinstance(detect, str):
        if detect == FILE:
            if clip is None or clip.detections is None:
                errors.bad("detect", detect, "a MOTChallenge folder with det/det.txt as the source")
            return _Listed(clip)
        errors.choice("detect", detect, (*finders.NAMES, FILE))
        detect = finders.create(detect)
    if isinstance(detect, Finder):
        return _Finding(detect)
    if not callable(detect):
        names = ", ".join(finders.NAMES)
        errors.bad("detect", detect, f"one of {names}, or a function from a frame to Detections")
    return detect


class _Finding:
    """A finder as a function."""

    def __init__(self, finder: Finder) -> None:
        self._finder, self.class_names = finder, finder.class_names

    def __call__(self, frame: Frame) -> Detections:
        return self._finder.find(frame)


class _Listed:
    """What is listed beside the images, frame by frame."""

    def __init__(self, clip: Clip) -> None:
        assert clip.detections is not None
        self._rows: Iterator[Any] = iter(clip.detections)
        self.class_names: tuple[str, ...] = ()

    def __call__(self, frame: Frame) -> Detections:
        return Detections.from_rows(next(self._rows))

    def skip(self) -> None:
        """Leave out a frame's."""
        next(self._rows)


def _skip(find: Any) -> None:
    """Tell a finder that keeps count that a frame is left out."""
    getattr(find, "skip", lambda: None)()
