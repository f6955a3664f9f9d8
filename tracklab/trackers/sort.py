"""SORT: many objects, by putting the detections of each frame together with predictions.

Bewley, Ge, Ott, Ramos and Upcroft, "Simple online and realtime tracking" (ICIP 2016). In each
frame: predict where everybody is, put predictions and detections together, correct the ones that
were seen, let new ones begin and lost ones end. The motion model is a part that can be swapped:
with the Kalman filter this is SORT, with a recurrent network the tracker of lesson 06.

Invariants: an identity belongs to one object for the tracker's life and is never given again; a
frame's answer rests on the detections of that frame and those before it; every detection with an
area either continues a track, begins one, or is below `birth`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, motion
from tracklab.detections import Detections
from tracklab.motion import MotionModel, Size
from tracklab.trackers.association import Step, by_distance, by_overlap
from tracklab.tracks import Tracks

KALMAN = "kalman"
LEAST = 0.2  # IoU from which on a prediction and a detection may be one object
PATIENCE = 30  # frames that a track lives on without being seen
PROOF = 3  # detections in a row, from its first, until a track is believed and reported


class Decided(NamedTuple):
    """What the tracker decided in one frame: for whoever wants to look over its shoulder.

    ids: `(T,)` int64, the identities that were predicted. predicted: `(T, 4)` float32 their boxes,
        deviations: `(T, 2)` how far off their centres may be, pixels. found: the detections that
        were looked at. overlap, distance: the two associations; rows and columns of the second
        are those that `left (rows, columns)` names.
    unseen: `(T,)` int64, for how many frames each was not seen, this one among them.
    born, died, unproved: identities that began, that ended, and that are not believed yet, or
        ended before they were.
    """

    ids: NDArray[np.int64]
    predicted: NDArray[np.float32]
    deviations: NDArray[np.float32]
    found: Detections
    overlap: Step
    distance: Step
    left: tuple[NDArray[np.int64], NDArray[np.int64]]
    unseen: NDArray[np.int64]
    born: NDArray[np.int64]
    died: NDArray[np.int64]
    unproved: NDArray[np.int64]


@dataclass
class _Books:
    """What is known of each object beside its motion: one row an object, in the model's order."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    ages: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    unseen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # frames
    proofs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        for name, column in vars(self).items():
            setattr(self, name, column[rows])

    def add(self, **columns: NDArray[np.generic]) -> None:
        for name, column in vars(self).items():
            setattr(self, name, np.concatenate([column, columns[name].astype(column.dtype)]))


class SortTracker:
    """Follows all objects of a video, fed with what a detector found, frame by frame.

    model: a motion model, or one of `motion.NAMES`; it must follow nobody yet.
    size: height and width of the frames in pixels, for models that know about walls. Only for a
        model that is given by its name.
    least: IoU, 0 to 1, from which on a prediction and a detection may be one object.
    birth: the lowest score of a detection that may begin a track. Below it, a detection can only
        continue one. None: every detection may.
    patience: frames that a track lives on without being seen. After a gap it is found again by
        overlap, or by distance within what its motion model thinks possible, and keeps its
        identity.
    proof: detections in a row until a track is reported. A track that misses one before is
        dropped. Tracks that begin in the first `proof` frames of a video are believed at once;
        SORT shows them at once, too, but goes on asking for proof.
    coast: frames that an unseen track is still reported, at its predicted box.
    by_class: only detections of one class continue a track. Without it, a track keeps the class of
        its first detection.

    A new video needs a new tracker. Raises `InputError` for options out of range.
    """

    def __init__(
        self,
        model: MotionModel | str = KALMAN,
        *,
        size: Size | None = None,
        least: float = LEAST,
        birth: float | None = None,
        patience: int = PATIENCE,
        proof: int = PROOF,
        coast: int = 0,
        by_class: bool = True,
    ) -> None:
        if isinstance(model, str):
            model = motion.create(model, size)
        elif not isinstance(model, MotionModel):
            errors.bad("model", model, "a MotionModel, or one of " + ", ".join(motion.NAMES))
        elif size is not None:
            errors.bad("size", size, "none beside a motion model that is made: it has its own")
        if len(model):
            errors.bad("model", model, "one that follows nobody yet")
        # a copy, for another tracker may be given the same one
        self.model = model.copy()
        self.name = f"sort, {model.name}"
        self.least = float(errors.number("least", least, low=0, high=1))
        self.birth = None if birth is None else float(errors.number("birth", birth))
        self.patience = int(errors.number("patience", patience, low=0, whole=True))
        self.proof = int(errors.number("proof", proof, low=1, whole=True))
        self.coast = int(errors.number("coast", coast, low=0, high=self.patience, whole=True))
        if not isinstance(by_class, (bool, np.bool_)):
            errors.bad("by_class", by_class, "True or False")
        self.by_class = bool(by_class)
        self.decided: Decided | None = None
        self.frames = 0
        self._books = _Books()
        self._next = 1

    def update(self, detections: Detections) -> Tracks:
        """Who is where in the next frame, given what was found in it; `Detections.empty()` if
        nothing was.

        Boxes without area cannot be followed; they are left out. So is a track, in frames in which
        its box has none, as a sliver at the border may. Raises `InputError` for anything
        but `Detections`.
        """
        if not isinstance(detections, Detections):
            errors.bad("detections", detections, "Detections: see tracklab.detections")
        found = detections[(bx.sizes(detections.boxes) > 0).all(-1)]
        predicted = self._predicted()
        matched, overlap, distance, left = self._associate(found, predicted)
        self._correct(found, matched)
        unseen, unproved = self._books.unseen, self._unproved()
        died = self._end()
        born = self._begin(found, matched)
        self.frames += 1
        self.decided = Decided(
            predicted.ids,
            predicted.boxes,
            predicted.deviations,
            found,
            overlap,
            distance,
            left,
            unseen,
            born,
            died,
            np.union1d(unproved, self._unproved()),
        )
        return self._report()

    def _predicted(self) -> _Predicted:
        state = self.model.predict() if len(self.model) else self.model.state
        return _Predicted(self._books.ids, state.boxes, state.deviations)

    def _associate(
        self, found: Detections, predicted: _Predicted
    ) -> tuple[NDArray[np.int64], Step, Step, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each object the row of its detection, or -1; and how that was decided."""
        labels = self._books.labels
        same = (labels[:, None] == found.labels) | (not self.by_class)
        matched = np.full(len(labels), -1, np.int64)
        overlap = by_overlap(predicted.boxes, found.boxes, same, least=self.least)
        matched[overlap.pairs[:, 0]] = overlap.pairs[:, 1]
        # Who was not seen in the frame before may be farther off than a box reaches.
        rows = np.flatnonzero((matched < 0) & (self._books.unseen > 0))
        columns = np.setdiff1d(np.arange(len(found)), overlap.pairs[:, 1])
        distance = by_distance(
            predicted.boxes[rows],
            predicted.deviations[rows],
            found.boxes[columns],
            same[np.ix_(rows, columns)],
        )
        matched[rows[distance.pairs[:, 0]]] = columns[distance.pairs[:, 1]]
        return matched, overlap, distance, (rows, columns)

    def _correct(self, found: Detections, matched: NDArray[np.int64]) -> None:
        """Tell the motion model what was seen, and keep the books."""
        books, seen = self._books, matched >= 0
        books.ages = books.ages + 1
        books.unseen = np.where(seen, 0, books.unseen + 1)
        books.proofs = np.where(seen, books.proofs + 1, books.proofs)
        if not len(matched):
            return
        boxes = np.full((len(matched), 4), np.nan, np.float32)
        boxes[seen] = found.boxes[matched[seen]]
        self.model.update(boxes)
        books.scores[seen] = found.scores[matched[seen]]

    def _unproved(self) -> NDArray[np.int64]:
        """The identities of those that are not believed yet."""
        return self._books.ids[self._books.proofs < self.proof]

    def _end(self) -> NDArray[np.int64]:
        """Drop who was not seen for too long, and who missed a frame before it was believed."""
        books = self._books
        kept = (books.unseen <= self.patience) & (
            (books.unseen == 0) | (books.proofs >= self.proof)
        )
        died = books.ids[~kept]
        if len(died):
            books.keep(kept)
            self.model.keep(kept)
        return died

    def _begin(self, found: Detections, matched: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tracks for detections that continue none."""
        new = np.ones(len(found), bool)
        new[matched[matched >= 0]] = False
        if self.birth is not None:
            new &= found.scores >= self.birth
        count = int(new.sum())
        if not count:
            return np.zeros(0, np.int64)
        ids = np.arange(self._next, self._next + count)
        self._next += count
        self.model.start(found.boxes[new])
        nothing = np.zeros(count, np.int64)
        self._books.add(
            ids=ids,
            labels=found.labels[new],
            scores=found.scores[new],
            ages=nothing,
            unseen=nothing,
            # a video begins with objects that are there already: they are believed at once
            proofs=nothing + (self.proof if self.frames < self.proof else 1),
        )
        return ids

    def _report(self) -> Tracks:
        books, state = self._books, self.model.state
        shown = (books.proofs >= self.proof) & (books.unseen <= self.coast)
        # a sliver at the border may have lost its width when a filter moved it
        shown &= (bx.sizes(state.boxes) > 0).all(-1)
        return Tracks(
            books.ids[shown],
            state.boxes[shown],
            state.velocities[shown],
            books.labels[shown],
            books.scores[shown],
            books.ages[shown],
        )


class _Predicted(NamedTuple):
    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    deviations: NDArray[np.float32]
