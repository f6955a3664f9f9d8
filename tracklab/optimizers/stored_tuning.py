"""What a long tuning measured once, in a file: written by `benchmarks/first_order.py`, read by the
lessons as the tables that the tuning made.

Invariant: what is read back says what was written, to five digits; tables and figures cannot tell
whether they are of runs of today or of a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.files import short
from tracklab.models import weights
from tracklab.optimizers.tuning import Tuned
from tracklab.sweeps import Run, Table

PATH = weights.FOLDER.parent / "results" / "first_order.json"
COMMAND = "python -m benchmarks.first_order --tune --save"


@dataclass(frozen=True)
class Stored:
    """A task's tuning, and its comparison on other seeds.

    about: what it was measured on and how, in plain values: "data", "command", "budget",
    "schedule".
    """

    about: dict[str, Any]
    tuned: Tuned
    compared: Table


def packed(tuned: Tuned, compared: Table, about: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables as JSON holds them; of the tuning without its curves, which nobody draws."""
    return {
        "about": dict(about),
        "rates": tuned.rates,
        "edges": list(tuned.edges),
        "lost": list(tuned.lost),
        "tried": [_record(run, curves=False) for run in tuned.table.runs],
        "compared": [_record(run, curves=True) for run in compared.runs],
    }


def read(path: Path = PATH) -> dict[str, Stored]:
    """What is stored, by task.

    Raises `MissingError` where nothing is, and says how to measure it; `SourceError` for a file
    that is another.
    """
    if not path.is_file():
        raise errors.MissingError(f"{path.name}: not here; measure it with {COMMAND}")
    try:
        tasks = json.loads(path.read_text(encoding="utf-8"))["tasks"]
        return {name: _unpacked(task) for name, task in tasks.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        raise errors.SourceError(f"{path.name}: not a stored tuning ({reason})") from reason


def _unpacked(task: Mapping[str, Any]) -> Stored:
    tried, compared = (
        Table([_run(one) for one in task[part]], planned=len(task[part]))
        for part in ("tried", "compared")
    )
    rates = {name: float(rate) for name, rate in task["rates"].items()}
    return Stored(
        dict(task["about"]),
        Tuned(tried, rates, tuple(task["edges"]), tuple(task["lost"])),
        compared,
    )


def _record(run: Run, *, curves: bool) -> dict[str, Any]:
    kept = {name: [_as_json(v) for v in c] for name, c in run.curves.items()} if curves else {}
    return {
        "parameters": run.parameters,
        "status": run.status,
        "figures": {name: _as_json(value) for name, value in run.figures.items()},
        "curves": kept,
        "error": run.error,
    }


def _run(record: Mapping[str, Any]) -> Run:
    return Run(
        dict(record["parameters"]),
        str(record["status"]),
        {name: float(value) for name, value in record["figures"].items()},
        {name: np.array([float(v) for v in c]) for name, c in record["curves"].items()},
        error=str(record["error"]),
    )


def _as_json(value: Any) -> float | str:
    """A number to five digits; what is not finite as text, for JSON knows no such number."""
    number = float(value)
    return short(number) if np.isfinite(number) else str(number)
