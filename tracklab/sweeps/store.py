"""A sweep's folder: what is finished stays finished, whenever the process ends.

    OUT/sweep.json          whose sweep it is, and its runs: written before the first of them
    OUT/runs/IDENTITY.json  one finished run, known by its parameters, task and version
    OUT/table.csv           all of them, for people and other programs; written now and then

Invariant: `read` gives each run that `write` was given, once, by its identity, or none of it. Every
file is written aside and renamed, and a file that is not whole counts as none: so a process can be
killed between any two bytes, and a folder that was copied while it was written can be gone on with.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.files import results_folder, why, write_whole
from tracklab.sweeps.grid import Parameters, Plain, identity, plain
from tracklab.sweeps.running import STATUSES, Run

ABOUT, RUNS, TABLE = "sweep.json", "runs", "table.csv"


@dataclass(frozen=True)
class About:
    """Whose sweep a folder holds: the task's name and version, and the runs that were asked for."""

    task: str
    version: Plain
    plan: Sequence[Parameters]


@dataclass
class Kept:
    """What a folder holds.

    runs: of this task and version, by identity. codes: the digests of the task's code that they
    were run with. others: how many there are of each other version.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)


def claim(out: Any, about: About) -> Path:
    """Make a folder this sweep's, or find that it is; returns it.

    Raises `InputError` for a folder of another sweep, or with other files in it, and `SourceError`
    where it cannot be written.
    """
    folder = results_folder(out)
    try:
        (folder / RUNS).exists()  # raises where the folder may not be entered
        strangers = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        if strangers and not (folder / ABOUT).exists():
            came = errors.Said(f"{out}, which holds other files ({min(strangers)})")
            errors.bad("out", came, "a new or an empty folder, or that of a sweep")
        if strangers:
            known = read_about(folder)
            if known.task != about.task:
                came = errors.Said(f"{out}, the folder of the sweep {known.task!r}")
                errors.bad("out", came, f"that of {about.task!r}, or a new one")
        text = json.dumps(
            {"task": about.task, "version": about.version, "runs": list(about.plan)},
            ensure_ascii=False,
        )
        write_whole(folder / ABOUT, text + "\n")
        (folder / RUNS).mkdir(exist_ok=True)
    except OSError as error:
        if isinstance(error, errors.SourceError):
            raise
        raise errors.SourceError(
            f"{out}: cannot be used ({why(error, 'write')}); wanted a folder that can be written"
        ) from None
    return folder


def read_about(folder: Path) -> About:
    """Whose sweep it is. Raises `SourceError` for a folder that holds none."""
    try:
        stored: Any = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        runs = [{str(k): plain(str(k), v) for k, v in one.items()} for one in stored["runs"]]
        return About(str(stored["task"]), plain("version", stored["version"]), runs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = why(error) if isinstance(error, OSError) else "not as a sweep writes it"
        raise errors.SourceError(
            f"{folder / ABOUT}: cannot be read ({reason}); wanted the folder of a sweep"
        ) from None


def write(folder: Path, about: About, run: Run, code: str = "") -> None:
    """Keep a run. code: a digest of the task's code. Raises `SourceError` where it cannot."""
    record = {
        "task": about.task,
        "version": about.version,
        "parameters": run.parameters,
        "status": run.status,
        "figures": {name: _spelled(value) for name, value in run.figures.items()},
        "curves": {name: [_spelled(v) for v in c.tolist()] for name, c in run.curves.items()},
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "error": run.error,
        "code": code,
    }
    name = identity(about.task, about.version, run.parameters)
    # what an error says need not be text that a file can hold
    text = json.dumps(record, allow_nan=False) + "\n"
    write_whole(folder / RUNS / f"{name}.json", text)


def read(folder: Path, about: About) -> Kept:
    """All that is kept of this task and version."""
    kept = Kept()
    for path in sorted((folder / RUNS).glob("*.json")):
        try:
            record: Any = json.loads(path.read_text(encoding="utf-8"))
            task, version = record["task"], record["version"]
            run, code = _run(record), str(record["code"])
            if path.stem != identity(task, version, run.parameters) or task != about.task:
                continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # torn, or another's
            continue
        if str(version) == str(about.version):
            kept.runs[path.stem], kept.codes[path.stem] = run, code
        else:
            kept.others[str(version)] += 1
    return kept


def _run(record: Any) -> Run:
    return Run(
        {str(name): plain(str(name), value) for name, value in record["parameters"].items()},
        errors.choice("status", record["status"], STATUSES),
        {str(name): _number(value) for name, value in record["figures"].items()},
        {
            str(name): np.array([_number(value) for value in values], np.float64)
            for name, values in record["curves"].items()
        },
        float(record["seconds"]),
        float(record["cpu_seconds"]),
        str(record["error"]),
    )


def _spelled(value: float) -> float | str:
    """A number as JSON can hold it, which knows no NaN and no infinity."""
    return value if math.isfinite(value) else str(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(value)
    number: float = errors.number("figure", value)
    return value if isinstance(value, int) else number
