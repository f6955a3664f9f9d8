"""What one reads off tracks: how many there are, how fast they go, how long they stay.

Everything here takes a `Truth` or a list of `Tracks`, one a frame, so the same line measures a
tracker and what it should have said. A track's place is the centre of its box; frames in which it
is not seen between its first and its last are bridged by a straight line at an even pace.

Invariant: each identity is counted once in a clip, however often it is lost and found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics.multi.compare import rows_of
from tracklab.tracks import Tracks


class Journey(NamedTuple):
    """One identity's way through a clip.

    id: who.
    first, last: its first and last frame, counted from 0.
    seen: frames in which it has a box.
    dwell: frames that it was there (in the region, if one was given), bridged ones included.
    seconds: the same in seconds: `dwell / fps`.
    distance: pixels along the way of the centre, from each box to the next. A box that trembles
        lengthens it.
    displacement: pixels from the first centre to the last, as the crow flies.
    speed: `distance` a frame, in pixels, from the first frame to the last; NaN of one frame.
    speed_per_second: the same in pixels a second: `speed * fps`.
    """

    id: int
    first: int
    last: int
    seen: int
    dwell: int
    seconds: float
    distance: float
    displacement: float
    speed: float
    speed_per_second: float


@dataclass(frozen=True)
class CountErrors:
    """How wrong tracks count.

    truth, tracks: unique identities in the clip.
    mean_absolute: mean over frames of how many too many or too few there are.
    bias: mean over frames of how many too many there are; below 0 too few.
    exact: the share of frames, 0 to 1, with as many as there should be.

    The last three are 0, 0 and 1 in a clip without frames.
    """

    truth: int
    tracks: int
    mean_absolute: float
    bias: float
    exact: float


def per_frame(tracks: Truth | Sequence[Tracks]) -> NDArray[np.int64]:
    """How many there are in each frame: `(T,)` int64."""
    return np.array([len(ids) for ids in rows_of(tracks, "tracks").ids], np.int64)


def unique(tracks: Truth | Sequence[Tracks], *, least: int = 1) -> int:
    """How many different ones there are in the clip.

    least: leave out those with a box in fewer frames: mostly false alarms that a tracker believed
        for a moment.
    """
    least = int(errors.number("least", least, low=1, whole=True))
    ids = np.concatenate([np.zeros(0, np.int64), *rows_of(tracks, "tracks").ids])
    return int((np.unique(ids, return_counts=True)[1] >= least).sum())


def count_errors(
    truth: Truth | Sequence[Tracks], tracks: Sequence[Tracks], *, least: int = 1
) -> CountErrors:
    """How far tracks are from the truth in numbers alone, wherever their boxes are.

    truth, tracks: of `T` frames. least: as for `unique`, of tracks. Raises `InputError` where the
    lengths differ.
    """
    there, found = per_frame(truth), per_frame(tracks)
    if len(there) != len(found):
        came = errors.Said(f"truth of {len(there)} frames and tracks of {len(found)}")
        errors.bad("truth and tracks", came, "as many of the one as of the other")
    more = (found - there).astype(np.float64)
    some = len(more) > 0
    return CountErrors(
        truth=unique(truth),
        tracks=unique(tracks, least=least),
        mean_absolute=float(np.abs(more).mean()) if some else 0.0,
        bias=float(more.mean()) if some else 0.0,
        exact=float((more == 0).mean()) if some else 1.0,
    )


def journeys(
    tracks: Truth | Sequence[Tracks], fps: float, *, region: ArrayLike | None = None
) -> list[Journey]:
    """How fast each identity goes and how long it stays, by growing identity.

    fps: frames a second, above 0: `clip.fps`.
    region: `(4,)` xyxy pixels; `dwell` counts the frames with the centre in it, its upper left
        border included. None for anywhere.
    """
    if errors.number("fps", fps, low=0) == 0:
        errors.bad("fps", fps, "more than 0 frames a second")
    inside = None if region is None else bx.as_box(region, "region").astype(np.float64)
    frames: dict[int, list[int]] = {}
    places: dict[int, list[NDArray[np.float64]]] = {}
    rows = rows_of(tracks, "tracks")
    for t, (ids, boxes) in enumerate(zip(rows.ids, rows.boxes, strict=True)):
        corners = boxes.astype(np.float64)
        for identity, place in zip(
            ids.tolist(), (corners[:, :2] + corners[:, 2:]) / 2, strict=True
        ):
            frames.setdefault(identity, []).append(t)
            places.setdefault(identity, []).append(place)
    return [
        _journey(identity, np.array(frames[identity]), np.array(places[identity]), fps, inside)
        for identity in sorted(frames)
    ]


def _journey(
    identity: int, frames: NDArray[Any], places: NDArray[Any], fps: float, region: Any
) -> Journey:
    first, last = int(frames[0]), int(frames[-1])
    dwell = last - first + 1
    if region is not None:
        every = np.arange(first, last + 1)
        x, y = (np.interp(every, frames, places[:, axis]) for axis in (0, 1))
        left, top, right, bottom = region
        dwell = int(((left <= x) & (x < right) & (top <= y) & (y < bottom)).sum())
    # distance = sum over t of |c[t] - c[t - 1]|
    distance = float(np.hypot(*np.diff(places, axis=0).T).sum())
    # speed = distance / (last - first)
    speed = distance / (last - first) if last > first else float("nan")
    return Journey(
        id=identity,
        first=first,
        last=last,
        seen=len(frames),
        dwell=dwell,
        seconds=dwell / fps,
        distance=distance,
        displacement=float(np.hypot(*(places[-1] - places[0]))),
        speed=speed,
        speed_per_second=speed * fps,
    )
