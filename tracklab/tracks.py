"""What a tracker of many objects says about one frame: boxes with identities, and how they move.

`Tracks` is what every tracker of many objects returns and every metric of them judges; a clip's
worth is a list of them, one a frame, with an empty one where nothing is followed. It is checked
once, here, so that what takes it need not check again.

Invariants: the rows of `ids`, `boxes`, `velocities`, `labels`, `scores` and `ages` belong together
and are in the order of growing ids; an identity is in a frame once; a box is finite and has an
area.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Truth
from tracklab.detections import chosen

UNKNOWN = -1  # the class of a track whose class nobody told


class Tracked(NamedTuple):
    """One track in one frame: a row of `Tracks`, see there.

    box: `(4,)` float32 `xyxy` pixels. velocity: `(2,)` float32 pixels a frame (x, y).
    """

    id: int
    box: NDArray[np.float32]
    velocity: NDArray[np.float32]
    label: int
    score: float
    age: int


@dataclass(frozen=True, eq=False)
class Tracks:
    """Who is where in one frame: `N` tracks.

    ids: `(N,)` int64 from 0, each once. The same number in another frame is the same object.
    boxes: `(N, 4)` float32 `xyxy` pixels, each with a width and a height; they may reach past the
        frame.
    velocities: `(N, 2)` float32, motion of the box's centre in pixels a frame (x, y); NaN where it
        is not known. None for all unknown.
    labels: `(N,)` int64 classes from 0, `UNKNOWN` where it is not known. None for all unknown.
    scores: `(N,)` float32, finite: how sure, on the tracker's own scale. None for all 1.
    ages: `(N,)` int64, frames since the track began, 0 in its first. None for all 0.

    Rows are sorted by growing id. Raises `InputError` for an id that comes twice (it names the id),
    boxes that are no boxes or have no area, other numbers out of these ranges, and lengths that
    differ.

    >>> tracks = Tracks([7, 2], [[0, 0, 2, 2], [1, 1, 5, 5]])
    >>> tracks.ids
    array([2, 7])
    >>> [track.box[0].item() for track in tracks]
    [1.0, 0.0]
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    velocities: NDArray[np.float32] = None  # type: ignore[assignment]  # filled below
    labels: NDArray[np.int64] = None  # type: ignore[assignment]
    scores: NDArray[np.float32] = None  # type: ignore[assignment]
    ages: NDArray[np.int64] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        boxes = _boxes(self.boxes)
        count = len(boxes)
        ids = _whole(self.ids, "tracks.ids", count, 0)
        order = np.argsort(ids, kind="stable")
        again = np.flatnonzero(np.diff(ids[order]) == 0)
        if len(again):
            came = errors.Said(f"identity {ids[order][again[0]]} twice")
            errors.bad("tracks.ids", came, "each identity once a frame")
        columns: dict[str, NDArray[Any]] = {
            "ids": ids,
            "boxes": boxes,
            "velocities": _velocities(self.velocities, count),
            "labels": _whole(self.labels, "tracks.labels", count, UNKNOWN, UNKNOWN),
            "scores": _scores(self.scores, count),
            "ages": _whole(self.ages, "tracks.ages", count, 0, 0),
        }
        for name, column in columns.items():
            object.__setattr__(self, name, column[order])

    @classmethod
    def empty(cls) -> Tracks:
        """Nothing followed."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Tracked]:
        columns = (self.ids, self.boxes, self.velocities, self.labels, self.scores, self.ages)
        for one, box, velocity, label, score, age in zip(*columns, strict=True):
            yield Tracked(int(one), box, velocity, int(label), float(score), int(age))

    def __getitem__(self, rows: Any) -> Tracks:
        """Some of the rows: a slice, a mask `(N,)`, or indices. One row is `list(tracks)[0]`."""
        rows = chosen(rows, len(self))
        return Tracks(
            self.ids[rows],
            self.boxes[rows],
            self.velocities[rows],
            self.labels[rows],
            self.scores[rows],
            self.ages[rows],
        )


def frames_of(tracks: Any, name: str = "tracks") -> Sequence[Tracks]:
    """Check a clip's worth: a list of `Tracks`, one a frame; `InputError` for anything else."""
    wanted = "a list of Tracks, one for each frame"
    if isinstance(tracks, Tracks):
        errors.bad(name, errors.Said("Tracks of one frame"), wanted)
    if not isinstance(tracks, Sequence) or isinstance(tracks, (str, bytes)):
        errors.bad(name, errors.Said(f"a {type(tracks).__name__}"), wanted)
    for number, frame in enumerate(tracks):
        if not isinstance(frame, Tracks):
            errors.bad(f"{name}[{number}]", errors.Said(f"a {type(frame).__name__}"), "Tracks")
    return tracks


def from_truth(truth: Truth) -> list[Tracks]:
    """The tracks of a tracker that makes no mistake: the truth, frame by frame.

    Scores are 1, ages count from an object's first frame. Raises `InputError` for a truth with a
    box without area or an id below 0.
    """
    if not isinstance(truth, Truth):
        errors.bad("truth", errors.Said(f"a {type(truth).__name__}"), "a Truth")
    present = truth.present
    first = np.argmax(present, axis=0)  # of an object that is never there nothing is asked
    frames = []
    for t, there in enumerate(present):
        try:
            frames.append(
                Tracks(
                    truth.ids[there],
                    truth.boxes[t, there],
                    truth.velocities[t, there],
                    truth.classes[there],
                    ages=t - first[there],
                )
            )
        except errors.InputError as error:
            raise errors.InputError(f"truth, frame {t}: {error}") from None
    return frames


def _boxes(value: Any) -> NDArray[np.float32]:
    boxes = bx.as_boxes(value, "tracks.boxes")
    if boxes.ndim != 2:
        errors.bad("tracks.boxes", boxes, f"shape (N, 4), {bx.CORNERS}")
    flat = ~(boxes[:, 2:] > boxes[:, :2]).all(-1)
    if flat.any():
        first = int(np.flatnonzero(flat)[0])
        came = errors.Said(f"{boxes[first].tolist()} at index {first}")
        errors.bad("tracks.boxes", came, "boxes with a width and a height")
    return boxes


def _column(value: Any, name: str, shape: tuple[int, ...], kinds: str, what: str) -> NDArray[Any]:
    """Numbers of some kinds and a shape; an empty list is of every kind."""
    wanted = f"{what} of shape {shape}, to agree with tracks.boxes"
    try:
        array: NDArray[Any] = np.asarray(value)
    except (TypeError, ValueError):
        errors.bad(name, value, wanted)
    if array.size == 0 and 0 in shape:
        return np.zeros(shape)
    if array.shape != shape or array.dtype.kind not in kinds:
        errors.bad(name, array if array.ndim else value, wanted)
    return array


def _whole(
    value: Any, name: str, count: int, low: int, missing: int | None = None
) -> NDArray[np.int64]:
    if value is None and missing is not None:
        return np.full(count, missing, np.int64)
    what = f"whole numbers from {low}"
    array = _column(value, name, (count,), "iu", what)
    outside = (array < low) | (array > np.iinfo(np.int64).max)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        errors.bad(name, errors.Said(f"{array[first]} at index {first}"), what)
    return array.astype(np.int64)


def _scores(value: Any, count: int) -> NDArray[np.float32]:
    if value is None:
        return np.ones(count, np.float32)
    given = _column(value, "tracks.scores", (count,), "iuf", "finite numbers")
    with np.errstate(over="ignore"):
        scores = given.astype(np.float32)
    if not np.isfinite(scores).all():
        first = int(np.flatnonzero(~np.isfinite(scores))[0])
        came = errors.Said(f"{given[first]} at index {first}")
        errors.bad("tracks.scores", came, "finite numbers that a float32 can hold")
    return scores


def _velocities(value: Any, count: int) -> NDArray[np.float32]:
    if value is None:
        return np.full((count, 2), np.nan, np.float32)
    given = _column(value, "tracks.velocities", (count, 2), "iuf", "numbers")
    with np.errstate(over="ignore"):
        velocities = given.astype(np.float32)
    if np.isinf(velocities).any():
        first = int(np.flatnonzero(np.isinf(velocities).any(-1))[0])
        came = errors.Said(f"{given[first].tolist()} at index {first}")
        errors.bad("tracks.velocities", came, "pixels a frame, or NaN where it is not known")
    return velocities
