"""A clip: frames in order, how fast they follow one another, and the truth where it is known.

Everything that makes frames (the scene generator, the readers of videos, folders and cameras)
returns a `Clip`; everything that follows objects takes one. Frames are a sequence of `(H, W, 3)`
uint8 RGB arrays. It may be an array `(T, H, W, 3)` or a lazy sequence that decodes a frame when it
is asked for, so a clip can be longer than memory.

Invariant: `clip.truth is None`, or its first axis is `len(clip)` and its second axis counts
objects, each of which keeps its place, its identity and its class for the whole clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors

Frame = NDArray[np.uint8]

FRAME = "an array of shape (H, W, 3) and type uint8, RGB"
FRAMES = "an array of shape (T, H, W, 3) and type uint8, RGB, or a sequence of such frames"


@runtime_checkable
class Frames(Protocol):
    """A sequence of frames: an array `(T, H, W, 3)`, or what indexes and counts like one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known about the objects in a clip of `T` frames and `N` objects.

    boxes: `(T, N, 4)` float32 `xyxy` pixels around the object, cut at the border of the image,
        whatever stands before it (or what an annotator drew); four NaNs in frames where the object
        is absent or not annotated.
    ids: `(N,)` int64, one identity an object, unique in the clip.
    classes: `(N,)` int64, indices into `class_names`; -1 where the class is not known.
    visibility: `(T, N)` float32, the visible fraction of the object, 0 to 1; 0 where absent.
    velocities: `(T, N, 2)` float32, motion of the object's centre in pixels a frame (x, y) from
        the frame before; NaN where it is not known.
    class_names: the names of the classes.

    Raises `InputError` where shapes do not agree, ids repeat, numbers are of another kind or out of
    these ranges, or boxes are not boxes. Two truths are equal only if they are the same object:
    compare their arrays.
    """

    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    classes: NDArray[np.int64]
    visibility: NDArray[np.float32]
    velocities: NDArray[np.float32]
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        boxes = bx.as_boxes(self.boxes, "truth.boxes", absent=True)
        if boxes.ndim != 3:
            errors.bad("truth.boxes", boxes, "shape (T, N, 4)")
        frames, count = boxes.shape[:2]
        parts: dict[str, Any] = {
            "boxes": boxes,
            "ids": _shaped(self.ids, "truth.ids", (count,), np.int64),
            "classes": _shaped(self.classes, "truth.classes", (count,), np.int64),
            "visibility": _shaped(self.visibility, "truth.visibility", (frames, count), np.float32),
            "velocities": _shaped(
                self.velocities, "truth.velocities", (frames, count, 2), np.float32
            ),
            "class_names": _names(self.class_names),
        }
        if len(np.unique(parts["ids"])) != count:
            errors.bad("truth.ids", parts["ids"].tolist(), "an identity of its own for each object")
        lowest, highest = parts["classes"].min(initial=0), int(parts["classes"].max(initial=-1))
        if lowest < -1:
            errors.bad("truth.classes", int(lowest), "numbers from 0, or -1 where it is not known")
        if highest >= len(parts["class_names"]) and parts["class_names"]:
            errors.bad("truth.classes", highest, f"classes below {len(parts['class_names'])}")
        seen = parts["visibility"]
        if not ((seen >= 0) & (seen <= 1)).all():
            wrong = float(seen[~((seen >= 0) & (seen <= 1))][0])
            errors.bad("truth.visibility", wrong, "visible fractions from 0 to 1")
        if np.isinf(parts["velocities"]).any():
            came = errors.Said("a velocity without end")
            errors.bad("truth.velocities", came, "pixels a frame, or NaN where it is not known")
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_boxes(cls, boxes: Any, **known: Any) -> Truth:
        """A truth of which only boxes `(T, N, 4)` are known, or a few things more, by keyword.

        What is not given is filled in: ids count from 1, classes are -1, visibility is 1 where
        there is a box, and velocities are the differences of the box centres.
        """
        boxes = bx.as_boxes(boxes, "boxes", absent=True)
        if boxes.ndim != 3:
            errors.bad("boxes", boxes, "shape (T, N, 4)")
        count = boxes.shape[1]
        centers = bx.centers(boxes)
        velocities = np.full(centers.shape, np.nan, np.float32)
        # v[t] = c[t] - c[t - 1]
        velocities[1:] = centers[1:] - centers[:-1]
        filled: dict[str, Any] = {
            "ids": np.arange(1, count + 1),
            "classes": np.full(count, -1),
            "visibility": np.isfinite(boxes).all(-1).astype(np.float32),
            "velocities": velocities,
        }
        return cls(boxes=boxes, **(filled | known))

    @property
    def present(self) -> NDArray[np.bool_]:
        """`(T, N)`: where an object has a box."""
        return np.asarray(np.isfinite(self.boxes).all(-1))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, frames: slice) -> Truth:
        """The same objects in a slice of the frames; velocities become pixels a kept frame."""
        if not isinstance(frames, slice):
            errors.bad("frames", frames, "a slice, as in truth[10:20]; see truth.boxes[10]")
        chosen = range(len(self))[frames]
        if chosen.step < 1:
            errors.bad("frames", frames, "a slice that goes forward in time")
        return replace(
            self,
            boxes=self.boxes[frames],
            visibility=self.visibility[frames],
            velocities=_over_steps(self.velocities, chosen),
        )


def _over_steps(velocities: NDArray[np.float32], chosen: range) -> NDArray[np.float32]:
    """Motion from one chosen frame to the next: the sum of the motions between them."""
    if chosen.step == 1:
        return velocities[chosen.start : chosen.stop]
    kept = np.full((len(chosen), *velocities.shape[1:]), np.nan, np.float32)
    for row, last in enumerate(chosen):
        if last >= chosen.step - 1:
            kept[row] = velocities[last - chosen.step + 1 : last + 1].sum(0)
    return kept


def _shaped(value: Any, name: str, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    """A new array of a kind and a shape. Checked before the cast, which would cut 1.9 to 1."""
    kinds, wanted = ("iu", "whole numbers") if kind is np.int64 else ("iuf", "numbers")
    wanted = f"{wanted} of shape {shape}, to agree with truth.boxes"
    try:
        array: NDArray[Any] = np.asarray(value)
    except ValueError:  # rows of different lengths
        errors.bad(name, value, wanted)
    if array.shape != shape or (array.size and array.dtype.kind not in kinds):
        errors.bad(name, value if array.ndim == 0 else array, wanted)
    return array.astype(kind)


def _names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not np.iterable(names):
        errors.bad("truth.class_names", names, "a tuple of names")
    return tuple(map(str, names))


def _check_frames(frames: Any) -> None:
    """Refuse what cannot be frames, without decoding: a lazy sequence is taken at its word."""
    if isinstance(frames, np.ndarray):
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            errors.bad("frames", frames, "shape (T, H, W, 3) and type uint8, RGB")
        return
    others = (str, bytes, bytearray, memoryview, range, Mapping, Clip, Truth)
    if isinstance(frames, others) or not isinstance(frames, Frames):
        errors.bad("frames", errors.Said(repr(type(frames).__name__)), FRAMES)
    if isinstance(frames, (list, tuple)):  # these are in memory already
        for index, frame in enumerate(frames):
            if not isinstance(frame, np.ndarray):
                errors.bad(f"frames[{index}]", errors.Said(repr(type(frame).__name__)), FRAME)
            if errors.image(f"frames[{index}]", frame).shape != frames[0].shape:
                errors.bad(f"frames[{index}]", frame, f"the shape of frames[0], {frames[0].shape}")


def _checked_detections(detections: Any, count: int) -> tuple[NDArray[np.float32], ...]:
    wanted = "one (n, 6) array a frame: x1, y1, x2, y2, score, class"
    if not isinstance(detections, (tuple, list, np.ndarray)):
        errors.bad("detections", detections, wanted)
    if len(detections) != count:
        errors.bad("detections", errors.Said(f"detections of {len(detections)} frames"), f"{count}")
    for index, found in enumerate(detections):
        array = isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] == 6
        if not array or found.dtype.kind not in "iuf":
            errors.bad(f"detections[{index}]", found, wanted)
    return tuple(np.asarray(found, np.float32) for found in detections)


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames, frames a second, and the truth about them.

    frames: sequence of `T` frames `(H, W, 3)` uint8 RGB, decoded lazily where it is a video.
    fps: frames a second, a float.
    truth: `Truth`, or None where nothing is known.
    name: what to call the clip in tables and titles.
    detections: what somebody's detector found, one `(n, 6)` float32 array a frame of `x1, y1, x2,
        y2, score, class` (MOTChallenge ships these), or None.

    Raises `InputError` where a part is not what it should be or the parts do not agree. A lazy
    sequence is not decoded to see. Two clips are equal only if they are the same object.
    """

    frames: Frames
    fps: float = 25.0
    truth: Truth | None = None
    name: str = "clip"
    detections: tuple[NDArray[np.float32], ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_frames(self.frames)
        fps = errors.number("fps", self.fps, low=0)
        if fps == 0:
            errors.bad("fps", self.fps, "more than 0 frames a second")
        object.__setattr__(self, "fps", fps)
        if not isinstance(self.name, str):
            errors.bad("name", self.name, "a text")
        if not isinstance(self.truth, (Truth, NoneType)):
            errors.bad("truth", self.truth, "a Truth (see Truth.from_boxes) or None")
        if self.truth is not None and len(self.truth) != len(self.frames):
            errors.bad("truth", errors.Said(f"{len(self.truth)} frames of truth"), f"{len(self)}")
        if self.detections is not None:
            checked = _checked_detections(self.detections, len(self.frames))
            object.__setattr__(self, "detections", checked)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the first frame, in pixels."""
        if not len(self.frames):
            errors.bad("clip", errors.Said("a clip without frames"), "at least one frame")
        height, width = self.frames[0].shape[:2]
        return height, width

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        return (self.frames[index] for index in range(len(self.frames)))

    def __getitem__(self, frames: slice) -> Clip:
        """A part of the clip, with its truth: `clip[10:20]`. A lazy clip stays lazy."""
        if not isinstance(frames, slice):
            errors.bad("frames", frames, "a slice, as in clip[10:20]; one frame is clip.frames[10]")
        chosen = range(len(self.frames))[frames]
        if chosen.step < 1:
            errors.bad("frames", frames, "a slice that goes forward in time")
        part: Frames
        part = (
            self.frames[frames]
            if isinstance(self.frames, np.ndarray)
            else Part(self.frames, chosen)
        )
        return replace(
            self,
            frames=part,
            fps=self.fps / chosen.step,
            truth=None if self.truth is None else self.truth[frames],
            detections=None if self.detections is None else self.detections[frames],
        )


def origin(frames: Any) -> Any:
    """The sequence that lazy frames are taken from, or themselves: it knows files, times, damage.

    Lazy frames that rest on others name them as their `origin`.
    """
    while hasattr(frames, "origin"):
        frames = frames.origin
    return frames


class Part:
    """Some frames of a lazy sequence, still lazy. origin: that sequence."""

    def __init__(self, frames: Frames, chosen: range) -> None:
        self.origin, self._chosen = frames, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Part(self.origin, self._chosen[index])
        return self.origin[self._chosen[index]]
