"""What came out: figures of each tracker, of each sequence, of each attribute; tables and files.

Invariant: trackers are compared on the same sequences, those that all of them finished. What else a
tracker finished is in the table of sequences alone.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracklab import errors, tables
from tracklab.clips import Truth
from tracklab.evaluation.objects import Problem
from tracklab.evaluation.store import Run
from tracklab.files import write_whole
from tracklab.metrics import single
from tracklab.metrics.single import Loss, Result, Results

FIGURES = "AUC"  # what a table of every tracker on every sequence shows


@dataclass(frozen=True, eq=False)
class Judged:
    """A sequence as it was judged: its truth, the size of its pictures, what is difficult."""

    truth: Truth
    size: tuple[int, int]
    attributes: tuple[str, ...] = ()
    fps: float = 25.0


@dataclass(frozen=True, eq=False)
class Report:
    """Trackers on sequences.

    sequences: by name. runs: by tracker, then by sequence: those that finished.
    parts: what `metrics.single.evaluate` says of each run.
    problems: what could not be run.
    """

    sequences: dict[str, Judged]
    runs: dict[str, dict[str, Run]]
    problems: list[Problem] = field(default_factory=list)
    parts: dict[str, dict[str, Result]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = {
            tracker: {name: _judge(run, self.sequences[name]) for name, run in own.items()}
            for tracker, own in self.runs.items()
        }
        object.__setattr__(self, "parts", parts)

    @functools.cached_property
    def common(self) -> list[str]:
        """The sequences that every tracker finished that finished any."""
        finished = [set(own) for own in self.runs.values() if own]
        return [name for name in self.sequences if finished and all(name in f for f in finished)]

    @functools.cached_property
    def results(self) -> dict[str, Results]:
        """Each tracker on the sequences that are common to all, the highest success AUC first."""
        common = self.common
        if not common:
            return {}
        found = {
            tracker: single.evaluate_all({name: own[name] for name in common})
            for tracker, own in self.parts.items()
            if own
        }
        return dict(sorted(found.items(), key=lambda row: -row[1].combined.auc))

    def losses(self, tracker: str) -> dict[str, Loss | None]:
        """Where a tracker first lost each object, in frames from the first with truth."""
        errors.choice("tracker", tracker, self.runs)
        return {
            name: single.lost_at(run, self.sequences[name].truth)
            for name, run in self.runs[tracker].items()
        }

    def __str__(self) -> str:
        results = self.results
        if not results:
            return "Nothing was finished by every tracker, so there is nothing to compare."
        return f"{single.table(results)}\n\n{self._about()}"

    def each(self, figure: str = FIGURES) -> str:
        """One figure of every tracker on every sequence, as lines of text."""
        return f"{figure} by sequence\n{tables.aligned(self._matrix(figure))}"

    def _matrix(self, figure: str) -> list[list[str]]:
        ranked = [*self.results, *(t for t in self.runs if t not in self.results and self.runs[t])]
        rows = [["", *ranked]]
        for name in self.sequences:
            values = [self.parts[tracker].get(name) for tracker in ranked]
            if any(values):
                shown = [_shown(one.as_dict()[figure]) if one else "-" for one in values]
                rows.append([name, *shown])
        return rows

    def by_attribute(self, figure: str = FIGURES) -> dict[str, dict[str, float]]:
        """One figure of each tracker for each attribute: `{tracker: {attribute: figure}}`."""
        return {
            tracker: {name: row.as_dict()[figure] for name, row in one.by_attribute().items()}
            for tracker, one in self.results.items()
        }

    def _about(self) -> str:
        common = self.common
        frames = sum(self.parts[next(iter(self.results))][name].frames for name in common)
        rest = len(self.sequences) - len(common)
        left = f"; {rest} that not every tracker finished are left out" if rest else ""
        return (
            f"{len(common)} sequence{'s' * (len(common) != 1)}, {frames} frame{'s' * (frames != 1)}"
            f"{left}.\n"
            "AUC, P20, NP AUC: means over sequences; frames without truth do not count (OTB).\n"
            "AO, SR: over all frames (GOT-10k). Speed: of updates, on one thread, without decoding."
        )

    def save(self, folder: Path) -> list[Path]:
        """Write the tables as `.csv`, `.json` and `.md`; returns the files.

        Raises `SourceError` where the folder cannot be written.
        """
        return [
            write_whole(folder / "table.csv", tables.csv_text(self._rows())),
            write_whole(folder / "sequences.csv", tables.csv_text(self._sequence_rows())),
            write_whole(folder / "attributes.csv", tables.csv_text(self._attribute_rows())),
            write_whole(folder / "table.json", self._json()),
            write_whole(folder / "table.md", self._markdown()),
        ]

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {
                "tracker": tracker,
                **one.combined.as_dict(),
                "sequences": one.combined.sequences,
                "frames": one.combined.frames,
            }
            for tracker, one in self.results.items()
        ]

    def _sequence_rows(self) -> list[dict[str, Any]]:
        rows = []
        for tracker, own in self.parts.items():
            losses = self.losses(tracker)
            for name, one in own.items():
                loss = losses[name]
                rows.append(
                    {
                        "sequence": name,
                        "tracker": tracker,
                        **one.as_dict(),
                        "frames": one.frames,
                        "lost at": None if loss is None else loss.frame,
                        "back at": None if loss is None else loss.back,
                        "attributes": " ".join(one.attributes),
                    }
                )
        order = {name: place for place, name in enumerate(self.sequences)}
        return sorted(rows, key=lambda row: order[row["sequence"]])

    def _attribute_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "attribute": name,
                "tracker": tracker,
                **row.as_dict(),
                "sequences": row.sequences,
            }
            for tracker, one in self.results.items()
            for name, row in one.by_attribute().items()
        ]

    def _json(self) -> str:
        whole = {
            "trackers": [
                {
                    **row,
                    "success": self.results[row["tracker"]].combined.success.tolist(),
                    "precision": self.results[row["tracker"]].combined.precision.tolist(),
                    "normalized precision": self.results[
                        row["tracker"]
                    ].combined.normalized.tolist(),
                }
                for row in self._rows()
            ],
            "sequences": self._sequence_rows(),
            "attributes": self._attribute_rows(),
            "problems": [
                {"tracker": p.tracker, "sequence": p.sequence, "why": p.why} for p in self.problems
            ],
        }
        return json.dumps(_finite(whole), indent=1, ensure_ascii=False) + "\n"

    def _markdown(self) -> str:
        parts = ["# Trackers compared", _pipes(self._rows()), self._about().replace("\n", " ")]
        rows = self._attribute_rows()
        if rows:
            parts += [f"## {FIGURES} by attribute", _pipes(_crossed(rows, "attribute", FIGURES))]
        parts += [f"## {FIGURES} by sequence", _pipes_of(self._matrix(FIGURES))]
        if self.problems:
            parts += ["## What could not be run", "\n".join(f"- {one}" for one in self.problems)]
        return "\n\n".join(parts) + "\n"


def _judge(run: Run, one: Judged) -> Result:
    return single.evaluate(run, one.truth, size=one.size, attributes=one.attributes)


def _shown(value: Any) -> str:
    if tables.unknown(value):
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _finite(value: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _crossed(rows: Iterable[dict[str, Any]], first: str, figure: str) -> list[dict[str, Any]]:
    """A row for each `first`, a column for each tracker."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = found.setdefault(row[first], {first: row[first], "sequences": row["sequences"]})
        line[row["tracker"]] = row[figure]
    return list(found.values())


def _pipes(rows: Sequence[dict[str, Any]]) -> str:
    return _pipes_of(
        [list(rows[0]), *([_shown(v) for v in row.values()] for row in rows)] if rows else []
    )


def _pipes_of(rows: list[list[str]]) -> str:
    if not rows:
        return "Nothing."
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)
