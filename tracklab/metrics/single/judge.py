"""The doors: one sequence, several sequences, those with an attribute; and the table of figures.

Invariants: several sequences are judged by the mean of their curves, so a short one weighs as much
as a long one (OTB), but for GOT-10k's figures and speed, which are those of all frames together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics.single import otb
from tracklab.metrics.single.frames import DROPPED, MISSED, Numbers, compare
from tracklab.metrics.single.pooled import Pooled, got10k, pool

WARM_UP = 1  # updates that speed leaves out: a network may be compiled in the first

# What a printed row holds, and how
_COLUMNS = {
    "AUC": "7.3f",
    "P20": "7.3f",
    "NP AUC": "7.3f",
    "AO": "7.3f",
    "SR0.5": "7.3f",
    "SR0.75": "7.3f",
    "frames/s": "9.0f",
    "CPU ms": "8.2f",
}


@dataclass(frozen=True)
class Speed:
    """What updates took: how many, wall seconds and CPU seconds of all of them (NaN: not known)."""

    updates: int = 0
    seconds: float = math.nan
    cpu_seconds: float = math.nan

    @property
    def frames_per_second(self) -> float:
        """Updates by the seconds that they took together."""
        return self.updates / self.seconds if self.seconds > 0 else math.nan

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of an update, on all cores together."""
        return 1000 * self.cpu_seconds / self.updates if self.updates else math.nan


@dataclass(frozen=True, eq=False)
class Result:
    """How well a tracker followed one object, or one in each of several sequences.

    success: `(21,)` shares of frames whose overlap exceeds `OVERLAPS`.
    precision: `(51,)` shares of frames no farther off than `PIXELS`.
    normalized: `(51,)` shares of frames no farther off than `SHARES` of the true size.
    pooled: GOT-10k's figures. speed: see `Speed`.
    frames: that count. sequences: of which the curves are the mean.
    attributes: what is difficult about the sequence, or about all of several.
    """

    success: Numbers = field(repr=False)
    precision: Numbers = field(repr=False)
    normalized: Numbers = field(repr=False)
    pooled: Pooled
    speed: Speed
    frames: int
    sequences: int = 1
    attributes: tuple[str, ...] = ()

    @property
    def auc(self) -> float:
        """Success AUC, 0 to 20/21: see `success_auc`."""
        return float(self.success.mean())

    @property
    def p20(self) -> float:
        """Precision at 20 pixels: see `precision_at`."""
        return float(self.precision[int(otb.NEAR)])

    @property
    def normalized_auc(self) -> float:
        """Normalized precision AUC: see `normalized_precision_auc`."""
        return float(self.normalized.mean())

    @property
    def ao(self) -> float:
        """GOT-10k's average overlap: see `got10k`."""
        return self.pooled.ao

    @property
    def sr50(self) -> float:
        """GOT-10k's success rate at 0.5: see `got10k`."""
        return self.pooled.sr50

    @property
    def sr75(self) -> float:
        """GOT-10k's success rate at 0.75: see `got10k`."""
        return self.pooled.sr75

    @property
    def frames_per_second(self) -> float:
        """Updates by the seconds that they took together; NaN where no times were given."""
        return self.speed.frames_per_second

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of an update; NaN where no times were given."""
        return self.speed.cpu_ms

    def as_dict(self) -> dict[str, float]:
        """Every figure under the name that tables give it, for a table or a file."""
        return {
            "AUC": self.auc,
            "P20": self.p20,
            "NP AUC": self.normalized_auc,
            "AO": self.ao,
            "SR0.5": self.sr50,
            "SR0.75": self.sr75,
            "frames/s": self.frames_per_second,
            "CPU ms": self.cpu_ms,
        }

    def __str__(self) -> str:
        return table({"": self})


@dataclass(frozen=True, eq=False)
class Results:
    """A tracker on several sequences.

    parts: by the name of the sequence. combined: all together.
    """

    parts: dict[str, Result]
    combined: Result

    def by_attribute(self) -> dict[str, Result]:
        """For each attribute, the sequences that have it, all together."""
        named = dict.fromkeys(name for part in self.parts.values() for name in part.attributes)
        return {
            name: combine(part for part in self.parts.values() if name in part.attributes)
            for name in named
        }

    def figures(self, name: str) -> dict[str, float]:
        """One figure of each sequence, by the name that tables give it ("AUC")."""
        errors.choice("name", name, _COLUMNS)
        return {sequence: part.as_dict()[name] for sequence, part in self.parts.items()}

    def __str__(self) -> str:
        return table({**self.parts, f"all {len(self.parts)} together": self.combined})


def evaluate(
    pred: Any,
    truth: Any,
    *,
    seconds: ArrayLike | None = None,
    cpu_seconds: ArrayLike | None = None,
    size: tuple[float, float] | None = None,
    visibility: ArrayLike | None = None,
    attributes: Iterable[str] = (),
    missing: str = DROPPED,
    silent: str = MISSED,
) -> Result:
    """Judge a tracker on one sequence: OTB's one-pass evaluation, GOT-10k's figures, speed.

    pred, truth, missing, silent: as for `compare`.
    seconds, cpu_seconds: `(T,)` wall and CPU seconds of each frame; those of a `Track` if not
        given. The first, in which the tracker started, and `WARM_UP` updates are left out.
    size, visibility: as for `got10k`. Visibility is that of a `Truth` if not given.
    attributes: what is difficult about the sequence: "OCC", "SV", or what a scene's dials say.

    Raises `InputError` as `compare` and `got10k` do, and for times that are none.
    """
    frames = compare(pred, truth, missing=missing, silent=silent)
    if visibility is None and isinstance(truth, Truth):
        visibility = truth.visibility[:, 0]
    seconds = getattr(pred, "seconds", None) if seconds is None else seconds
    cpu_seconds = getattr(pred, "cpu_seconds", None) if cpu_seconds is None else cpu_seconds
    return Result(
        otb.success(frames),
        otb.precision(frames),
        otb.normalized_precision(frames),
        got10k(pred, truth, size=size, visibility=visibility),
        _speed(seconds, cpu_seconds, len(frames.counted)),
        int(frames.counted.sum()),
        attributes=_names(attributes),
    )


def evaluate_all(
    sequences: Mapping[str, Any] | Sequence[Any], *, missing: str = DROPPED, silent: str = MISSED
) -> Results:
    """Judge a tracker on several sequences, each by itself and all together.

    sequences: by name, or a list: `(pred, truth)` of each, or the `Result` of `evaluate` where a
        sequence has times, a size or attributes.
    missing, silent: as for `compare`, of those that are pairs.

    Raises `InputError` as `evaluate` does, with the name of the sequence.
    """
    if not isinstance(sequences, Mapping):
        if not isinstance(sequences, Sequence) or isinstance(sequences, str):
            errors.bad("sequences", errors.kind(sequences), "pairs (pred, truth), by name")
        sequences = {f"sequence {number}": one for number, one in enumerate(sequences, 1)}
    if not sequences:
        errors.bad("sequences", errors.Said("no sequences"), "at least one pair (pred, truth)")
    parts = {}
    for name, one in sequences.items():
        if not isinstance(one, Result):
            if not isinstance(one, (tuple, list)) or len(one) != 2:
                wanted = "a pair (pred, truth), or a Result of evaluate"
                errors.bad(f"sequences[{name!r}]", errors.kind(one), wanted)
            try:
                one = evaluate(*one, missing=missing, silent=silent)
            except errors.InputError as error:
                raise errors.InputError(f"{name}: {error}") from None
        parts[name] = one
    return Results(parts, combine(parts.values()))


def combine(results: Iterable[Result]) -> Result:
    """Several sequences as one: curves by their mean, pooled frames and times by their sum.

    Speed is that of the sequences whose times are known. Raises `InputError` for none.
    """
    results = list(results)
    if not results:
        errors.bad("results", errors.Said("no results"), "at least one")
    weights = np.array([one.sequences for one in results], np.float64)

    def mean(curve: str) -> Numbers:
        # S(t) = sum of S_i(t) / number of sequences
        return np.average([getattr(one, curve) for one in results], axis=0, weights=weights)

    timed = [one.speed for one in results if not math.isnan(one.speed.seconds)]
    common = [name for name in results[0].attributes if all(name in r.attributes for r in results)]
    return Result(
        mean("success"),
        mean("precision"),
        mean("normalized"),
        pool(one.pooled for one in results),
        Speed(
            sum(one.updates for one in timed),
            sum(one.seconds for one in timed) if timed else math.nan,
            sum(one.cpu_seconds for one in timed) if timed else math.nan,
        ),
        sum(one.frames for one in results),
        sum(one.sequences for one in results),
        tuple(common),
    )


def table(rows: Mapping[str, Result | Results], *, ranked: bool = False) -> str:
    """Results by name as lines of text: of trackers, sequences or attributes.

    ranked: the highest success AUC first. A figure that is not known is a dash.

    Raises `InputError` for no results.
    """
    if not rows:
        errors.bad("rows", errors.Said("no results"), "at least one, by name")
    named = {name: row.combined if isinstance(row, Results) else row for name, row in rows.items()}
    if ranked:
        named = dict(sorted(named.items(), key=lambda row: -row[1].auc))
    wide = max(map(len, named))
    widths = {name: int(form.split(".")[0]) for name, form in _COLUMNS.items()}
    head = " ".join(f"{name:>{width}}" for name, width in widths.items())
    lines = [f"{'':{wide}} {head}".rstrip()]
    for name, row in named.items():
        values = row.as_dict()
        shown = (
            f"{'-':>{widths[column]}}" if math.isnan(values[column]) else f"{values[column]:{form}}"
            for column, form in _COLUMNS.items()
        )
        lines.append(f"{name:{wide}} {' '.join(shown)}")
    return "\n".join(lines)


def _speed(seconds: Any, cpu_seconds: Any, frames: int) -> Speed:
    spent = {}
    for name, value in (("seconds", seconds), ("cpu_seconds", cpu_seconds)):
        wanted = f"{frames} numbers of at least 0, one a frame"
        if value is None:
            spent[name] = math.nan
            continue
        try:
            times = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            errors.bad(name, value, wanted)
        if times.shape != (frames,):
            errors.bad(name, times if times.ndim else value, wanted)
        if not (np.isfinite(times) & (times >= 0)).all():
            errors.bad(name, errors.Said("times that are negative or not finite"), wanted)
        spent[name] = float(times[1 + WARM_UP :].sum()) if frames > 1 + WARM_UP else math.nan
    known = not all(map(math.isnan, spent.values()))
    return Speed(frames - 1 - WARM_UP if known else 0, **spent)


def _names(attributes: Any) -> tuple[str, ...]:
    wanted = "names, such as ('occlusion', 'rotation')"
    if isinstance(attributes, str) or not isinstance(attributes, Iterable):
        errors.bad("attributes", attributes, wanted)
    names = tuple(attributes)
    for name in names:
        if not isinstance(name, str):
            errors.bad("attributes", name, wanted)
    return tuple(dict.fromkeys(names))
