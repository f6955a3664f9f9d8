"""Why detections are wrong: every mistake of a detector has one kind, and every kind its cost.

Hoiem, Chodpathumwan and Dai, "Diagnosing Error in Object Detectors" (2012), asked which mistakes a
detector makes; Bolya, Foley, Hays and Hoffman, "TIDE" (2020), section 2.2, made of it the kinds
that are used here, so that each has a repair, and the repair a price.

Invariant: each detection is right, beside the matter (it found an ignored object), or a mistake of
exactly one kind; each object that counts is found, spoken for (a mistake would be right about it
with another class or a better box), or missed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.detections import Detections, Objects
from tracklab.metrics import checks
from tracklab.metrics.detection import average_precision
from tracklab.metrics.matching import ALMOST_ONE, NOBODY, match_coco, overlaps

FOREGROUND, BACKGROUND = 0.5, 0.1  # IoU from which a box fits; up to which it touches nothing
SURE = 0.5  # score from which on a mistake counts among the worst

# In words, for a detection that is not right. "Fits" is an IoU of at least FOREGROUND.
KINDS = {
    "missed": "an object that no detection found, nor would have with another class or box",
    "wrong class": "fits an object of another class",
    "poor box": "lies on an object of its class, but does not fit",
    "wrong class and poor box": "lies on an object of another class, and does not fit",
    "duplicate": "fits an object that a surer detection found already",
    "background": "lies on no object",
}
RIGHT, BESIDE = "right", "ignored"  # what a detection is that is no mistake
FOUND, SPOKEN_FOR, MISSED = "found", "spoken for", "missed"  # what an object is


@dataclass(frozen=True, eq=False)
class Mistake:
    """One mistake in one frame.

    kind: one of `KINDS`.
    box: `(4,)` float32 `xyxy` pixels of the detection, or of the object that was missed.
    label: the class that the detection says, or that of the object that was missed.
    score: of the detection. For a missed object that of the best detection that would have found
        it, had it not been below the least score; NaN where there is none.
    overlap: IoU of the detection with the object that it is about; NaN for a missed object.
    detection, object: their numbers in the frame, None where there is none.
    object_label: the class of the object, None where there is none.
    """

    kind: str
    box: NDArray[np.float32]
    label: int
    score: float
    overlap: float
    detection: int | None
    object: int | None
    object_label: int | None

    @property
    def weight(self) -> float:
        """What it counts in `worst`, 0 to 1: a missed object 1, a false detection its score."""
        return 1.0 if self.kind == "missed" else min(max(self.score, 0.0), 1.0)

    def said(self, class_names: Sequence[str] | None = None) -> str:
        """The mistake in plain words, with the score of the detection in brackets."""
        name = _name(self.label, class_names)
        score = f"({self.score:.2f})"
        if self.kind == "missed":
            nearly = f" (seen with only {self.score:.2f})" if math.isfinite(self.score) else ""
            return f"{name} missed{nearly}"
        if self.kind == "background":
            return f"{name} where nothing is {score}"
        if self.kind == "duplicate":
            return f"{name} found twice {score}"
        box = f"IoU {self.overlap:.2f} {score}"
        if self.kind == "poor box":
            return f"{name}: poor box, {box}"
        taken = f"{_name(self.object_label, class_names)} taken for {name}"
        return f"{taken} {score}" if self.kind == "wrong class" else f"{taken}, poor box, {box}"


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What every detection and every object of one frame is.

    detections: `(K,)` texts: "right", "ignored", or one of `KINDS` (but not "missed").
    objects: `(M,)` texts: "found", "spoken for", "missed", or "ignored".
    about: `(K,)` the number of the object that each detection is about, or `NOBODY`.
    overlap: `(K,)` its IoU with that object, 0 to 1; 0 where there is none.
    """

    detections: tuple[str, ...]
    objects: tuple[str, ...]
    about: NDArray[np.int64]
    overlap: NDArray[np.float64]


def verdicts(
    found: Detections,
    truth: Objects,
    *,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
) -> Verdicts:
    """What every detection and every object of one frame is: TIDE (2020), section 2.2.

    foreground: the IoU from which on a box fits, 0 to 1, as in average precision.
    background: the IoU up to which a box lies on nothing, 0 to `foreground`.

    Where several kinds would do, the first of these is taken, as in TIDE's own program: poor box,
    wrong class, duplicate, background, wrong class and poor box.
    """
    checks.frames_of("found", [found], Detections)
    checks.frames_of("truth", [truth], Objects)
    fits = min(errors.number("foreground", foreground, low=0, high=1), ALMOST_ONE)
    least = errors.number("background", background, low=0, high=foreground)
    match, beside = _match(found, truth, fits)
    counted = ~truth.ignored
    iou = overlaps(found.boxes, truth.boxes) * counted
    same = found.labels[:, None] == truth.labels[None, :]
    taken = np.isin(np.arange(len(truth)), match[match != NOBODY])

    kinds: list[str] = []
    about, shared = np.full(len(found), NOBODY, np.int64), np.zeros(len(found))
    spoken_for = np.zeros(len(truth), bool)
    for k in range(len(found)):
        own, own_iou = _best(iou[k] * same[k])
        other, other_iou = _best(iou[k] * ~same[k])
        if match[k] != NOBODY:
            kind, about[k] = RIGHT, match[k]
        elif beside[k]:
            kind = BESIDE
        elif own != NOBODY and least <= own_iou < fits:
            kind, about[k] = "poor box", own
        elif other != NOBODY and other_iou >= fits:
            kind, about[k] = "wrong class", other
        elif own != NOBODY and own_iou >= fits:
            kind, about[k] = "duplicate", own
        elif max(own_iou, other_iou) <= least:
            kind = "background"
        else:
            kind, about[k] = "wrong class and poor box", other
        kinds.append(kind)
        if about[k] != NOBODY:
            shared[k] = iou[k, about[k]]
        if kind in ("poor box", "wrong class"):
            spoken_for[about[k]] = True
    objects = tuple(
        BESIDE if not counts else FOUND if has else SPOKEN_FOR if spoken else MISSED
        for counts, has, spoken in zip(counted, taken, spoken_for, strict=True)
    )
    return Verdicts(tuple(kinds), objects, about, shared)


def explain(
    found: Detections,
    truth: Objects,
    *,
    score: float | None = None,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
) -> list[Mistake]:
    """The mistakes in one frame: missed objects first, then false detections, the surest first.

    found, truth: of one frame. score: look only at detections of at least this score; all if None.
    foreground, background: as in `verdicts`. Raises `InputError` for anything else.
    """
    checks.frames_of("found", [found], Detections)
    kept = found if score is None else found.above(score)
    judged = verdicts(kept, truth, foreground=foreground, background=background)
    unsure = found[len(kept) :]  # best first: those kept are the first ones
    missed = [m for m, verdict in enumerate(judged.objects) if verdict == MISSED]
    fits = overlaps(unsure.boxes, truth.boxes) >= min(foreground, ALMOST_ONE)
    fits &= unsure.labels[:, None] == truth.labels[None, :]
    mistakes = []
    for m in missed:
        better = np.flatnonzero(fits[:, m])
        nearly = float(unsure.scores[better[0]]) if len(better) else math.nan
        label = int(truth.labels[m])
        mistakes.append(Mistake("missed", truth.boxes[m], label, nearly, math.nan, None, m, label))
    for k, kind in enumerate(judged.detections):
        if kind in (RIGHT, BESIDE):
            continue
        m = int(judged.about[k])
        mistakes.append(
            Mistake(
                kind,
                kept.boxes[k],
                int(kept.labels[k]),
                float(kept.scores[k]),
                float(judged.overlap[k]),
                k,
                None if m == NOBODY else m,
                None if m == NOBODY else int(truth.labels[m]),
            )
        )
    return mistakes


def count_kinds(
    found: Sequence[Detections], truth: Sequence[Objects], *, score: float | None = None
) -> dict[str, int]:
    """How many mistakes of each kind there are in all frames, in the order of `KINDS`."""
    found, truth = checks.pairs(found, truth)
    counts = dict.fromkeys(KINDS, 0)
    for seen, there in zip(found, truth, strict=True):
        for mistake in explain(seen, there, score=score):
            counts[mistake.kind] += 1
    return counts


@dataclass(frozen=True, eq=False)
class Worst:
    """A frame, how bad it is, and why.

    frame: its number. damage: the sum of the weights of its mistakes. reason: the gravest of them
    in plain words, and how many of each kind there are besides. mistakes: all of them, as `explain`
    lists them.
    """

    frame: int
    damage: float
    reason: str
    mistakes: tuple[Mistake, ...]


def worst(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    count: int = 10,
    *,
    score: float = SURE,
    class_names: Sequence[str] | None = None,
) -> list[Worst]:
    """The frames in which a detector does most damage, the worst first, each with its reason.

    found, truth: `T` frames, of the same length.
    count: at most so many; frames without a mistake are not among them.
    score: look only at detections of at least this score, as whoever uses the detector would.
    class_names: to say the reasons with; numbers if None.

    Damage is the sum over the mistakes of a frame: 1 for a missed object, its score (cut to 0 to 1)
    for a false detection. Equal ones stay in the order of the frames. Raises `InputError` where the
    lengths differ or a class has no name.
    """
    found, truth = checks.pairs(found, truth)
    count = int(errors.number("count", count, low=0, whole=True))
    if class_names is not None:
        names = checks.names_of(class_names)
        for number, (seen, there) in enumerate(zip(found, truth, strict=True)):
            checks.labels_below(f"found[{number}].labels", seen.labels, len(names))
            checks.labels_below(f"truth[{number}].labels", there.labels, len(names))
    frames = []
    for number, (seen, there) in enumerate(zip(found, truth, strict=True)):
        mistakes = explain(seen, there, score=score)
        if mistakes:
            damage = sum(mistake.weight for mistake in mistakes)
            frames.append(Worst(number, damage, _reason(mistakes, class_names), tuple(mistakes)))
    return sorted(frames, key=lambda frame: -frame.damage)[:count]


def oracle(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    kind: str,
    *,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
) -> tuple[list[Detections], list[Objects]]:
    """Detections and truth as they would be without the mistakes of one kind: TIDE, section 2.3.

    "wrong class" gets the class of its object, "poor box" the box of its object; each keeps its
    score. Where the object is found already, or a surer repair finds it, the detection goes
    instead. "duplicate", "background" and "wrong class and poor box" (who knows what was meant?)
    go. "missed": the objects go, for nobody can say how sure a detection of them would have been.
    """
    found, truth = checks.pairs(found, truth)
    errors.choice("kind", kind, KINDS)
    seen_then, there_then = [], []
    for seen, there in zip(found, truth, strict=True):
        judged = verdicts(seen, there, foreground=foreground, background=background)
        boxes, labels = seen.boxes.copy(), seen.labels.copy()
        keep = np.ones(len(seen), bool)
        done = {m for m, verdict in enumerate(judged.objects) if verdict == FOUND}
        for k in (k for k, verdict in enumerate(judged.detections) if verdict == kind):
            m = int(judged.about[k])
            keep[k] = kind in ("wrong class", "poor box") and m not in done
            if keep[k]:
                done.add(m)
                labels[k] = there.labels[m]
                boxes[k] = there.boxes[m] if kind == "poor box" else boxes[k]
        seen_then.append(Detections(boxes[keep], seen.scores[keep], labels[keep]))
        missed = np.array([kind == verdict == MISSED for verdict in judged.objects], bool)
        there_then.append(there[~missed])
    return seen_then, there_then


def cost(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
) -> dict[str, float]:
    """What average precision would gain if the mistakes of each kind were repaired, all else kept.

    TIDE (2020), section 2.3: delta AP. Each repair (`oracle`) is judged from the start by
    `average_precision` at `foreground`, the mean over the classes that have an object. A class
    all of whose objects were missed has nothing left to find then: it gains nothing. The gains do
    not add up to 1 - AP, for repairs help one another; one may be slightly negative, where a
    repaired detection takes the object of another.

    Returns gains in AP (0.05 is five points) by kind, in the order of `KINDS`; all 0 where no
    object counts.
    """
    found, truth = checks.pairs(found, truth)
    before = _mean_ap(found, truth, truth, foreground)
    # delta AP of a kind = AP(without its mistakes) - AP
    return {
        kind: _mean_ap(
            *oracle(found, truth, kind, foreground=foreground, background=background),
            truth,
            foreground,
        )
        - before
        for kind in KINDS
    }


def _mean_ap(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    before: Sequence[Objects],
    threshold: float,
) -> float:
    """AP, mean over the classes that had an object before the repair; 0 without any."""
    labels = {int(c) for objects in before for c in objects.labels[~objects.ignored]}
    each = [average_precision(found, truth, iou=threshold, label=c) for c in sorted(labels)]
    # a class that has no object left is ABSENT, below 0
    return float(np.mean(np.maximum(each, 0.0))) if each else 0.0


def _match(
    found: Detections, truth: Objects, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The object `(K,)` that counts and that each detection found; who found an ignored one."""
    match, beside = np.full(len(found), NOBODY, np.int64), np.zeros(len(found), bool)
    for label in np.unique(found.labels):
        rows, columns = np.flatnonzero(found.labels == label), np.flatnonzero(truth.labels == label)
        ignored = truth.ignored[columns]
        overlap = overlaps(found.boxes[rows], truth.boxes[columns], crowds=ignored)
        (own,) = match_coco(overlap, threshold, ignored=ignored, crowds=ignored)
        hit = own != NOBODY
        beside[rows[hit]] = ignored[own[hit]]
        match[rows[hit]] = np.where(ignored[own[hit]], NOBODY, columns[own[hit]])
    return match, beside


def _best(overlap: NDArray[np.float64]) -> tuple[int, float]:
    """The object with the largest overlap and that overlap; `NOBODY` and 0 where all are 0."""
    if not overlap.size or overlap.max() <= 0:
        return NOBODY, 0.0
    best = int(np.argmax(overlap))
    return best, float(overlap[best])


def _name(label: int | None, class_names: Sequence[str] | None) -> str:
    return f"class {label}" if class_names is None or label is None else class_names[label]


def _reason(mistakes: Sequence[Mistake], class_names: Sequence[str] | None) -> str:
    gravest = max(mistakes, key=lambda mistake: mistake.weight)  # the first of equal ones
    others = [mistake.kind for mistake in mistakes if mistake is not gravest]
    counts = [f"{others.count(kind)} {kind}" for kind in KINDS if kind in others]
    return gravest.said(class_names) + (f"; also {', '.join(counts)}" if counts else "")
