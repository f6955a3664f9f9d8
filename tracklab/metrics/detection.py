"""How good a detector is: precision and recall, and average precision as VOC and COCO define it.

A detection is right if it found an object of its class (`tracklab.metrics.matching`); detections
of all frames are ranked from the surest down, and the area below their precision-recall curve
(`tracklab.metrics.curve`) is the average precision, AP.

Invariants: AP depends on the order of the scores alone; it is 1 if and only if every object is
found before the first mistake. A class without an object that counts has no AP: `ABSENT`, which no
mean includes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.detections import Detections, Objects
from tracklab.metrics import checks
from tracklab.metrics.curve import ABSENT as ABSENT
from tracklab.metrics.curve import STYLES as STYLES
from tracklab.metrics.curve import Curve as Curve
from tracklab.metrics.curve import area as area
from tracklab.metrics.curve import envelope as envelope
from tracklab.metrics.matching import IOUS, NOBODY, match_coco, match_voc, overlaps
from tracklab.metrics.proposals import COUNTS as COUNTS
from tracklab.metrics.proposals import average_recall as average_recall
from tracklab.metrics.proposals import recall as recall

MOST = 100  # detections of a class in a frame that COCO looks at
# Square pixels, least and most; a size on a border is in both, as in COCO.
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
ANY_SIZE = (0.0, 1e10)


def precision_recall(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    iou: float = 0.5,
    label: int | None = None,
    style: str = "coco",
) -> Curve:
    """Precision and recall of detections, from the surest down: Everingham et al. (2010), 4.4.

    found, truth: `T` frames, of the same length.
    iou: the overlap from which on a box fits, 0 to 1.
    label: the class to look at. None ranks all classes together, each detection right only for
        its own class; the area below that curve is not the mean over the classes.
    style: "coco" or "voc" (or "voc07"), by whose rule detections find objects and which objects
        do not count; see `tracklab.metrics.matching`.

    Raises `InputError` where the lengths differ or a frame is not `Detections` and `Objects`.
    """
    found, truth = checks.pairs(found, truth)
    errors.choice("style", style, STYLES)
    threshold = np.array([errors.number("iou", iou, low=0, high=1)])
    classes = _classes(found, truth) if label is None else [_label(label)]
    rankings = [_rank(_split(found, truth, c, style), threshold, style) for c in classes]
    none = np.zeros((1, 0), bool)
    scores = np.concatenate([np.zeros(0, np.float32), *(one.scores for one in rankings)])
    frames = np.concatenate([np.zeros(0, np.int64), *(one.frames for one in rankings)])
    hits = np.concatenate([none, *(one.hits for one in rankings)], axis=1)[0]
    counts = np.concatenate([none, *(one.counts for one in rankings)], axis=1)[0]
    order = np.lexsort((frames, -scores))  # equal scores stay in the order of the frames
    objects = sum(one.objects for one in rankings)
    precision, recalls, rows = _curve(hits[order], counts[order], objects)
    return Curve(precision, recalls, scores[order][rows], hits[order][rows], objects)


def average_precision(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    iou: float = 0.5,
    style: str = "coco",
    label: int | None = None,
) -> float:
    """Average precision at one overlap, 0 to 1: of one class, or the mean over all (mAP).

    found, truth: `T` frames, of the same length.
    iou: the overlap from which on a box fits, 0 to 1. COCO's AP averages over ten: see `evaluate`.
    style: how boxes are matched and the area summed, see `STYLES`. "coco" looks at the 100 surest
        detections of a class in a frame; VOC at all. Ignored objects are crowds to "coco" and
        difficult ones to "voc".
    label: the class; None for the mean over the classes that have an object that counts.

    `ABSENT` where no object counts. Raises `InputError` where the lengths differ or a frame is not
    `Detections` and `Objects`.
    """
    found, truth = checks.pairs(found, truth)
    errors.choice("style", style, STYLES)
    threshold = np.array([errors.number("iou", iou, low=0, high=1)])
    classes = _classes(found, truth) if label is None else [_label(label)]
    rankings = (_rank(_split(found, truth, c, style), threshold, style) for c in classes)
    return _mean([float(one.areas(style)[0]) for one in rankings if one.objects])


@dataclass(frozen=True)
class Scores:
    """Of one class, or of all: COCO's measures, 0 to 1, or `ABSENT`.

    ap: average precision, mean over IoU thresholds 0.50, 0.55, ..., 0.95; ap50, ap75: at one.
    recall: share of objects found among 100 detections of a class in a frame, mean over the same
        thresholds (COCO's AR).
    objects: how many count.
    """

    ap: float
    ap50: float
    ap75: float
    recall: float
    objects: int


@dataclass(frozen=True)
class Result(Scores):
    """What `evaluate` measures: means over the classes, and each by itself.

    per_class: `Scores` by class name. A class without objects has `ABSENT` and is in no mean.
    by_size: AP of "small" (up to 32 x 32 pixels), "medium" and "large" objects (from 96 x 96).
    """

    per_class: dict[str, Scores]
    by_size: dict[str, float]

    def __str__(self) -> str:
        wide = max(map(len, ("all classes", *self.per_class)))
        lines = [f"{'':{wide}} {'AP':>7} {'AP50':>7} {'AP75':>7} {'recall':>7} {'objects':>8}"]
        for name, one in (("all classes", self), *self.per_class.items()):
            values = (one.ap, one.ap50, one.ap75, one.recall)
            shown = " ".join(f"{v:7.3f}" if v != ABSENT else f"{'-':>7}" for v in values)
            lines.append(f"{name:{wide}} {shown} {one.objects:8d}")
        return "\n".join(lines)


def evaluate(
    found: Sequence[Detections], truth: Sequence[Objects], class_names: Sequence[str]
) -> Result:
    """COCO's average precision of a detector: equal to pycocotools.

    Lin et al., "Microsoft COCO: Common Objects in Context" (2014), and the evaluation that its
    authors publish: IoU thresholds 0.50 to 0.95 in steps of 0.05, precision at 101 recalls, the 100
    surest detections of a class in a frame, ignored objects taken as crowds, the area of an object
    as the area of its box. AP is the mean over thresholds and classes.

    found, truth: `T` frames, of the same length. class_names: `(C,)`, all different.

    Raises `InputError` where lengths differ, a frame is not `Detections` and `Objects`, or a class
    has no name.
    """
    found, truth = checks.pairs(found, truth)
    names = checks.names_of(class_names)
    for number, (seen, there) in enumerate(zip(found, truth, strict=True)):
        checks.labels_below(f"found[{number}].labels", seen.labels, len(names))
        checks.labels_below(f"truth[{number}].labels", there.labels, len(names))
    per_class: dict[str, Scores] = {}
    sizes: dict[str, list[float]] = {size: [] for size in SIZES}
    for label, name in enumerate(names):
        frames = _split(found, truth, label, "coco")
        ranking = _rank(frames, IOUS, "coco")
        per_class[name] = _scores(ranking)
        for size, limits in SIZES.items():
            of_size = _rank(frames, IOUS, "coco", limits)
            if of_size.objects:
                sizes[size].append(float(of_size.areas("coco").mean()))
    present = [one for one in per_class.values() if one.objects]
    return Result(
        ap=_mean([one.ap for one in present]),
        ap50=_mean([one.ap50 for one in present]),
        ap75=_mean([one.ap75 for one in present]),
        recall=_mean([one.recall for one in present]),
        objects=sum(one.objects for one in present),
        per_class=per_class,
        by_size={size: _mean(values) for size, values in sizes.items()},
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """What one frame holds of one class."""

    scores: NDArray[np.float32]  # (K,)
    areas: NDArray[np.float64]  # (K,) square pixels
    overlap: NDArray[np.float64]  # (K, M)
    object_areas: NDArray[np.float64]  # (M,)
    ignored: NDArray[np.bool_]  # (M,)


def _split(
    found: Sequence[Detections], truth: Sequence[Objects], label: int, style: str
) -> list[_Frame]:
    """One class of all frames, with its overlaps."""
    frames = []
    for seen, there in zip(found, truth, strict=True):
        rows = np.flatnonzero(seen.labels == label)
        rows = rows[:MOST] if style == "coco" else rows
        objects = there.labels == label
        boxes, targets = seen.boxes[rows], there.boxes[objects]
        ignored = there.ignored[objects]
        crowds = ignored if style == "coco" else None
        overlap = overlaps(boxes, targets, crowds=crowds)
        frames.append(_Frame(seen.scores[rows], _areas(boxes), overlap, _areas(targets), ignored))
    return frames


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    sides = boxes[:, 2:].astype(np.float64) - boxes[:, :2]
    return np.asarray(sides[:, 0] * sides[:, 1])


@dataclass(frozen=True, eq=False)
class _Ranking:
    """All detections of one class, the surest first, at `T` thresholds."""

    scores: NDArray[np.float32]  # (K,)
    frames: NDArray[np.int64]  # (K,) where each was found
    hits: NDArray[np.bool_]  # (T, K) right
    counts: NDArray[np.bool_]  # (T, K) right or wrong; the rest is as if it were not there
    objects: int

    def areas(self, style: str) -> NDArray[np.float64]:
        """Average precision `(T,)`."""
        curves = zip(self.hits, self.counts, strict=True)
        return np.array([area(*_curve(*one, self.objects)[:2], style) for one in curves])

    def recalls(self) -> NDArray[np.float64]:
        """The share of the objects `(T,)` that all detections together find."""
        return np.asarray((self.hits & self.counts).sum(1) / self.objects)


def _rank(
    frames: Sequence[_Frame],
    thresholds: NDArray[np.float64],
    style: str,
    sizes: tuple[float, float] = ANY_SIZE,
) -> _Ranking:
    hits, counts, objects = [], [], 0
    for frame in frames:
        ignored = frame.ignored
        if style == "coco":
            ignored = ignored | _outside(frame.object_areas, sizes)
            match = match_coco(frame.overlap, thresholds, ignored=ignored, crowds=frame.ignored)
            nothing = match == NOBODY
            hit = ~nothing & ~np.append(ignored, False)[match]
            # who found nothing and has another size is no mistake among these sizes
            counts.append(hit | (nothing & ~_outside(frame.areas, sizes)))
        else:
            match, counted = match_voc(frame.overlap, float(thresholds[0]), difficult=ignored)
            hit = (match != NOBODY)[None]
            counts.append(counted[None])
        hits.append(hit)
        objects += int((~ignored).sum())
    scores = np.concatenate([frame.scores for frame in frames] or [np.zeros(0, np.float32)])
    where = np.repeat(np.arange(len(frames)), [len(frame.scores) for frame in frames])
    order = np.argsort(-scores, kind="stable")  # equal scores stay in the order of the frames
    none = np.zeros((len(thresholds), 0), bool)
    return _Ranking(
        scores[order],
        where[order],
        np.concatenate([none, *hits], axis=1)[:, order],
        np.concatenate([none, *counts], axis=1)[:, order],
        objects,
    )


def _outside(areas: NDArray[np.float64], sizes: tuple[float, float]) -> NDArray[np.bool_]:
    return (areas < sizes[0]) | (areas > sizes[1])


def _curve(
    hits: NDArray[np.bool_], counts: NDArray[np.bool_], objects: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Precision and recall after each ranked detection that counts, and which ones those are."""
    rows = np.flatnonzero(counts)
    right = np.cumsum(hits[rows], dtype=np.float64)
    # precision = TP / (TP + FP); recall = TP / (TP + FN)
    precision = right / np.arange(1, len(rows) + 1)
    found = right / objects if objects else np.full(len(rows), np.nan)
    return precision, found, rows


def _scores(ranking: _Ranking) -> Scores:
    if not ranking.objects:
        return Scores(ABSENT, ABSENT, ABSENT, ABSENT, 0)
    areas = ranking.areas("coco")
    mean, half, strict = float(areas.mean()), float(areas[0]), float(areas[5])
    return Scores(mean, half, strict, float(ranking.recalls().mean()), ranking.objects)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else ABSENT


def _classes(found: Sequence[Detections], truth: Sequence[Objects]) -> list[int]:
    labels = [frame.labels for frame in found] + [frame.labels for frame in truth]
    return [int(c) for c in np.unique(np.concatenate(labels))] if labels else []


def _label(label: Any) -> int:
    return int(errors.number("label", label, low=0, whole=True))
