"""The doors: one clip, several clips, each class; and the table of numbers that they give.

Invariants: tracks equal to the truth score 1 in everything; several clips together are judged by
their counts, not by the mean of their scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics import checks
from tracklab.metrics.multi import clear as clear_mot
from tracklab.metrics.multi import hota as hota_mot
from tracklab.metrics.multi import identity as identity_mot
from tracklab.metrics.multi.clear import Clear, Cover
from tracklab.metrics.multi.compare import Comparison, compare, rows_of
from tracklab.metrics.multi.hota import Curves
from tracklab.metrics.multi.identity import Identity
from tracklab.tracks import UNKNOWN, Tracks

# What a printed row holds, and how
_COLUMNS = {
    "HOTA": "7.3f",
    "DetA": "7.3f",
    "AssA": "7.3f",
    "MOTA": "7.3f",
    "MOTP": "7.3f",
    "IDF1": "7.3f",
    "switches": "9d",
    "frag": "5d",
    "FP": "6d",
    "FN": "6d",
    "MT": "4d",
    "PT": "4d",
    "ML": "4d",
}


@dataclass(frozen=True)
class Result:
    """How good tracks are. Shares are from 0 to 1 (MOTA: up to 1), counts are whole.

    clear, identity: the counts of CLEAR-MOT and of IDF1, and what follows from them.
    curves: HOTA and its parts at each alpha.
    frames, objects, tracks: how many there were, of truth and of tracks.
    """

    clear: Clear
    identity: Identity
    curves: Curves = field(repr=False)
    frames: int
    objects: int
    tracks: int

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy: see `Clear`."""
        return self.clear.mota

    @property
    def motp(self) -> float:
        """Mean IoU of the matches: see `Clear`."""
        return self.clear.motp

    @property
    def switches(self) -> int:
        """Identity switches: see `Clear`."""
        return self.clear.switches

    @property
    def idf1(self) -> float:
        """The share of boxes under their own identity: see `Identity`."""
        return self.identity.idf1

    @property
    def hota(self) -> float:
        """Mean over alphas of HOTA: see `Curves`."""
        return float(self.curves.hota.mean())

    @property
    def det_a(self) -> float:
        """Mean over alphas of detection accuracy."""
        return float(self.curves.det_a.mean())

    @property
    def ass_a(self) -> float:
        """Mean over alphas of association accuracy."""
        return float(self.curves.ass_a.mean())

    @property
    def loc_a(self) -> float:
        """Mean over alphas of localization accuracy."""
        return float(self.curves.loc_a.mean())

    def as_dict(self) -> dict[str, float]:
        """Every number under the name that tables give it, for a table or a file."""
        clear, curves = self.clear, self.curves
        return {
            "HOTA": self.hota,
            "DetA": self.det_a,
            "AssA": self.ass_a,
            "LocA": self.loc_a,
            "DetRe": float(curves.det_re.mean()),
            "DetPr": float(curves.det_pr.mean()),
            "AssRe": float(curves.ass_re.mean()),
            "AssPr": float(curves.ass_pr.mean()),
            "MOTA": clear.mota,
            "MOTP": clear.motp,
            "recall": clear.recall,
            "precision": clear.precision,
            "IDF1": self.identity.idf1,
            "IDP": self.identity.idp,
            "IDR": self.identity.idr,
            "switches": clear.switches,
            "frag": clear.fragmentations,
            "FP": clear.false_alarms,
            "FN": clear.misses,
            "MT": clear.mostly_tracked,
            "PT": clear.partly_tracked,
            "ML": clear.mostly_lost,
        }

    def __str__(self) -> str:
        return _table({"": self})


@dataclass(frozen=True)
class Results:
    """Several results and all of them together.

    parts: by the name of the clip, or of the class. combined: by the sums of their counts.
    """

    parts: dict[str, Result]
    combined: Result

    def __str__(self) -> str:
        return _table({**self.parts, "all together": self.combined})


def evaluate(
    truth: Truth | Sequence[Tracks],
    tracks: Sequence[Tracks],
    *,
    iou: float = 0.5,
    label: int | None = None,
    visible: float = 0.0,
) -> Result:
    """CLEAR-MOT, IDF1 and HOTA of one clip: equal to `trackeval` 1.3.0.

    truth: of `T` frames: a `Truth`, or a list of `Tracks` to take as such.
    tracks: a list of `T` frames of `Tracks`, empty ones where nothing was followed.
    iou: the overlap from which on CLEAR-MOT and IDF1 let a box cover an object, above 0 and up
        to 1. HOTA looks at all of `ALPHAS`.
    label: judge only the boxes of this class, of truth and tracks. None judges all boxes, whatever
        their class, as MOTChallenge does.
    visible: the visible fraction, 0 to 1, from which on a box of the truth counts. Boxes below it
        neither count nor harm: a track that matches one is taken out of that frame first, by the
        rule of MOTChallenge for distractors. 0 counts all, as MOTChallenge does. A truth that is a
        list of `Tracks` knows no visibility.

    A truth of MOTChallenge, as `read_clip` reads it, is without the rows that its file flags 0.
    Nothing more is asked for in 2015; tracks of 2016 and later first lose their distractors: see
    `without_distractors`.

    Where two assignments are equally good, the order of identities decides.

    Raises `InputError` where the lengths differ, a frame is not `Tracks`, a box of the truth has no
    area, or a class is asked for that the boxes do not tell.
    """
    comparison = _compare(truth, tracks, iou, label, visible)
    return _judge(comparison, float(iou))


def evaluate_all(
    clips: Mapping[str, tuple[Any, Any]] | Sequence[tuple[Any, Any]], **options: Any
) -> Results:
    """Several clips, each by itself and all together.

    clips: `(truth, tracks)` of each, by name, or a list of such pairs.
    options: those of `evaluate`, for all clips.

    Together they are judged by the sums of their counts (AssA and LocA by their mean over all
    hits), so a long clip weighs more: `combine_sequences` of `trackeval`. Identities of different
    clips are different. Raises `InputError` as `evaluate` does, with the name of the clip.
    """
    if not isinstance(clips, Mapping):
        if not isinstance(clips, Sequence) or isinstance(clips, str):
            errors.bad("clips", errors.Said(f"a {type(clips).__name__}"), "pairs, by name")
        clips = {f"clip {number}": pair for number, pair in enumerate(clips, 1)}
    if not clips:
        errors.bad("clips", errors.Said("no clips"), "at least one pair of truth and tracks")
    parts = {}
    for name, pair in clips.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            came = errors.Said(f"a {type(pair).__name__}")
            errors.bad(f"clips[{name!r}]", came, "a pair (truth, tracks)")
        try:
            parts[name] = evaluate(*pair, **options)
        except errors.InputError as error:
            raise errors.InputError(f"{name}: {error}") from None
    return Results(parts, combine(parts.values()))


def evaluate_classes(
    truth: Truth | Sequence[Tracks],
    tracks: Sequence[Tracks],
    class_names: Sequence[str] | None = None,
    **options: Any,
) -> Results:
    """Each class by itself, and all together by the sums of their counts.

    A track of the wrong class covers nothing: it is a false alarm of its own class, and its object
    is missed. Classes are those that occur in truth or tracks.

    class_names: by which they are called; those of the truth if None. A class without a name is
        "class 3". options: those of `evaluate`, except `label`.

    Raises `InputError` where a box has no class, and as `evaluate` does.
    """
    known = getattr(truth, "class_names", ()) if class_names is None else class_names
    names = checks.names_of(known)
    labels: set[int] = set()
    for name, value in (("truth", truth), ("tracks", tracks)):
        for frame, kinds in enumerate(rows_of(value, name).labels):
            if (kinds == UNKNOWN).any():
                came = errors.Said(f"a box without a class in frame {frame}")
                errors.bad(name, came, "a class for each box (or `evaluate`, which asks for none)")
            labels |= set(kinds.tolist())
    if not labels:
        errors.bad("truth and tracks", errors.Said("no boxes"), "boxes with classes")
    parts = {
        names[label] if label < len(names) else f"class {label}": evaluate(
            truth, tracks, label=label, **options
        )
        for label in sorted(labels)
    }
    return Results(parts, combine(parts.values()))


def combine(results: Iterable[Result]) -> Result:
    """Several results as one: see `evaluate_all`."""
    results = list(results)
    if not results:
        errors.bad("results", errors.Said("no results"), "at least one")
    return Result(
        clear_mot.total(one.clear for one in results),
        identity_mot.total(one.identity for one in results),
        hota_mot.total(one.curves for one in results),
        *(
            int(np.sum([getattr(one, n) for one in results]))
            for n in ("frames", "objects", "tracks")
        ),
    )


def cover(
    truth: Truth | Sequence[Tracks],
    tracks: Sequence[Tracks],
    *,
    iou: float = 0.5,
    label: int | None = None,
    visible: float = 0.0,
) -> Cover:
    """Which track covers which object in which frame, and where identities switch.

    What MOTA counts, to look at. Arguments and errors as for `evaluate`.
    """
    return clear_mot.cover(_compare(truth, tracks, iou, label, visible), float(iou))


def _compare(truth: Any, tracks: Any, iou: Any, label: Any, visible: Any) -> Comparison:
    if errors.number("iou", iou, low=0, high=1) == 0:
        errors.bad("iou", iou, "more than 0: boxes that share nothing cover nothing")
    errors.number("visible", visible, low=0, high=1)
    if label is not None:
        errors.number("label", label, low=0, whole=True)
    if isinstance(tracks, Truth):
        errors.bad("tracks", errors.Said("a Truth"), "a list of Tracks, one for each frame")
    return compare(truth, tracks, label=label, visible=float(visible), iou=float(iou))


def _judge(comparison: Comparison, iou: float) -> Result:
    return Result(
        clear_mot.clear(comparison, iou),
        identity_mot.identity(comparison, iou),
        hota_mot.hota(comparison),
        len(comparison),
        len(comparison.objects),
        len(comparison.identities),
    )


def _table(rows: Mapping[str, Result]) -> str:
    wide = max(map(len, rows))
    widths = {name: int(form.rstrip("df").split(".")[0]) for name, form in _COLUMNS.items()}
    head = " ".join(f"{name:>{width}}" for name, width in widths.items())
    lines = [f"{'':{wide}} {head}".rstrip()]
    for row, result in rows.items():
        values = result.as_dict()
        shown = " ".join(f"{values[name]:{form}}" for name, form in _COLUMNS.items())
        lines.append(f"{row:{wide}} {shown}")
    return "\n".join(lines)
