"""CLEAR-MOT: mistakes counted frame by frame. MOTA, MOTP, identity switches, fragmentations.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT
Metrics" (2008). In every frame each object is covered by one track at most: a pair of the frame
before goes on while it still overlaps enough, the rest is assigned by the largest sum of overlaps.
What is left over is a miss or a false alarm; an object whose track is another than last time is a
switch.

Invariant: `matches + misses` is the number of boxes of the truth, `matches + false_alarms` that of
the tracks.

Where references disagree, `trackeval` is followed, because published tables are made with it:
- an object is mostly tracked above 0.8 of its frames (not at 0.8), partly from 0.2 on;
- a pair goes on from the frame before only, while a switch is counted against the last time that
  the object was covered, however long ago;
- frames in which there is no object at all, or no track at all, are passed over: they end no pair
  and break no cover into fragments. An object that is absent breaks its own cover;
- MOTP is the mean IoU of the matches (larger is better), not the distance of the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab.metrics.multi.compare import Comparison, assign

NOBODY, ABSENT = -1, -2  # in place of a track: present and not covered; not in the frame
MOSTLY, PARTLY = 0.8, 0.2  # shares of an object's frames
GOES_ON = 1000.0  # worth of a pair that goes on: more than the overlaps of a thousand others


class Switch(NamedTuple):
    """In `frame`, `object` came to be covered by track `after`; last time it was by `before`."""

    frame: int
    object: int
    before: int
    after: int


@dataclass(frozen=True, eq=False)
class Cover:
    """Which track covers which object when: `T` frames, `G` objects.

    objects: `(G,)` int64, their identities.
    tracks: `(T, G)` int64, the identity of the track, or `NOBODY`, or `ABSENT`.
    switches: in the order of frames.
    """

    objects: NDArray[np.int64]
    tracks: NDArray[np.int64]
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Clear:
    """The counts of CLEAR-MOT and what follows from them; those of several clips add up.

    matches, misses, false_alarms: boxes (true positives, false negatives, false positives).
    switches: times that an object's track was another than before (IDSW).
    fragmentations: times that an object's cover was taken up again after a break.
    mostly_tracked, partly_tracked, mostly_lost: objects by the share of their frames in which they
        were covered: above 0.8, from 0.2 on, below.
    overlap: sum of the IoU of all matches.
    """

    matches: int
    misses: int
    false_alarms: int
    switches: int
    fragmentations: int
    mostly_tracked: int
    partly_tracked: int
    mostly_lost: int
    overlap: float

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy, up to 1 and without end below 0.

        0 where there is no truth at all. (`trackeval` says so of one clip. Of several clips
        together without any truth it says minus the false alarms; here it is 0, too.)
        """
        if not self.matches + self.misses:
            return 0.0
        # MOTA = 1 - (misses + false alarms + switches) / boxes of the truth
        wrong = self.misses + self.false_alarms + self.switches
        return 1 - wrong / (self.matches + self.misses)

    @property
    def motp(self) -> float:
        """Multiple object tracking precision: mean IoU of the matches, 0 where there is none."""
        return _share(self.overlap, self.matches)

    @property
    def recall(self) -> float:
        """The share of the truth's boxes that were covered, 0 to 1; 0 where there is none."""
        return _share(self.matches, self.matches + self.misses)

    @property
    def precision(self) -> float:
        """The share of the tracks' boxes that cover an object, 0 to 1; 0 where there is none."""
        return _share(self.matches, self.matches + self.false_alarms)


def clear(comparison: Comparison, iou: float) -> Clear:
    """CLEAR-MOT of one clip: pairs overlap by `iou` at least."""
    truth, found = comparison.boxes
    numbers, overlap = _follow(comparison, iou)
    covered, present = numbers >= 0, numbers != ABSENT
    matches = int(covered.sum())
    # covered / present > 0.8
    share = covered.sum(0) / present.sum(0)
    mostly, partly = int((share > MOSTLY).sum()), int((share >= PARTLY).sum())
    pairs = zip(comparison.truth, comparison.tracks, strict=True)
    judged = covered[[bool(len(there) and len(seen)) for there, seen in pairs]]
    starts = judged.copy()
    starts[1:] &= ~judged[:-1]
    return Clear(
        matches=matches,
        misses=truth - matches,
        false_alarms=found - matches,
        switches=len(_switches(numbers)),
        fragmentations=int(np.maximum(starts.sum(0) - 1, 0).sum()),
        mostly_tracked=mostly,
        partly_tracked=partly - mostly,
        mostly_lost=len(comparison.objects) - partly,
        overlap=overlap,
    )


def cover(comparison: Comparison, iou: float) -> Cover:
    """Which track covers which object when, as CLEAR-MOT sees it."""
    numbers, _ = _follow(comparison, iou)
    names = np.append(comparison.identities, [ABSENT, NOBODY])  # -2 and -1 count from behind
    switches = tuple(
        Switch(frame, int(comparison.objects[column]), int(names[before]), int(names[after]))
        for frame, column, before, after in _switches(numbers)
    )
    return Cover(comparison.objects, names[numbers], switches)


def total(parts: Iterable[Clear]) -> Clear:
    """Several clips as if they were one: every count summed."""
    rows = [list(vars(part).values()) for part in parts]
    return Clear(*(sum(column) for column in zip(*rows, strict=True)))


def _follow(comparison: Comparison, iou: float) -> tuple[NDArray[np.int64], float]:
    """The number of the track that covers each object in each frame `(T, G)`; sum of overlaps."""
    covers = np.full((len(comparison), len(comparison.objects)), ABSENT, np.int64)
    before = np.full(len(comparison.objects), NOBODY, np.int64)
    total_overlap = 0.0
    frames = zip(comparison.truth, comparison.tracks, comparison.overlaps, strict=True)
    for t, (there, seen, overlap) in enumerate(frames):
        covers[t, there] = NOBODY
        if not len(there) or not len(seen):
            continue
        goes_on = before[there][:, None] == seen
        rows, columns = assign(overlap, iou, GOES_ON * goes_on + overlap)
        covers[t, there[rows]] = seen[columns]
        before[:] = NOBODY
        before[there[rows]] = seen[columns]
        total_overlap += float(overlap[rows, columns].sum())
    return covers, total_overlap


def _switches(covers: NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """(frame, object, number before, number after), by frame and then by object."""
    columns, frames = np.nonzero((covers >= 0).T)  # each object's covered frames, one after another
    numbers = covers[frames, columns]
    changes = 1 + np.flatnonzero((columns[1:] == columns[:-1]) & (numbers[1:] != numbers[:-1]))
    found = zip(
        frames[changes].tolist(),
        columns[changes].tolist(),
        numbers[changes - 1].tolist(),
        numbers[changes].tolist(),
        strict=True,
    )
    return sorted(found)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
