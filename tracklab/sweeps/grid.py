"""What is to be run: every combination of the parameters, each once.

Invariant: `identity` is the same for two runs exactly when task, version and parameters are. The
order of the parameters does not count, nor how a number is written: 1 and 1.0 are one number.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tracklab import errors

Plain = str | int | float | bool | None
Parameters = dict[str, Plain]
Grid = Mapping[str, Any] | Iterable[Mapping[str, Any]]

# columns of the table that are not the task's
RESERVED = ("status", "seconds", "cpu_seconds", "error")
MOST_RUNS = 100_000
LARGEST = 2**63

_WANTED = "a line of text, a finite number, True, False or None, which a file can hold"


def combinations(grid: Grid) -> list[Parameters]:
    """Every combination of the values in `grid`, in order, the last parameter turning fastest.

    grid: values by parameter, one or several of each; or several such grids, one after the other,
        where methods have parameters or rates of their own.

    Raises `InputError` for no values, for a combination that is there twice, for more than 100,000,
    for values that no file can hold, and for a parameter named as a column of the table is.

    >>> combinations({"method": ["sgd", "adam"], "seed": range(2)})[1]
    {'method': 'sgd', 'seed': 1}
    """
    wanted = 'values by parameter, like {"method": ["sgd", "adam"], "seed": range(3)}'
    if isinstance(grid, (str, bytes)) or not isinstance(grid, (Mapping, Iterable)):
        errors.bad("grid", grid, f"{wanted}, or a list of such grids")
    parts = [grid] if isinstance(grid, Mapping) else list(itertools.islice(grid, MOST_RUNS + 1))
    if not parts:
        errors.bad("grid", errors.Said("no parameters"), wanted)
    found: dict[str, Parameters] = {}
    for part in parts:
        if not isinstance(part, Mapping):
            errors.bad("grid", part, wanted)
        if not part:
            errors.bad("grid", errors.Said("no parameters"), wanted)
        values = {_name(name): _values(name, given) for name, given in part.items()}
        if len(found) + math.prod(map(len, values.values())) > MOST_RUNS:
            errors.bad("grid", errors.Said("more"), f"at most {MOST_RUNS:,} runs")
        for chosen in itertools.product(*values.values()):
            one = dict(zip(values, chosen, strict=True))
            mark = identity("", "", one)
            if mark in found:
                errors.bad("grid", errors.Said(f"{said(one)} twice"), "each run once")
            found[mark] = one
    return list(found.values())


def plain(name: str, value: Any) -> Plain:
    """A value as a file holds it: NumPy's numbers become Python's.

    Raises `InputError` for what is no text, finite number, True, False or None.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < LARGEST:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if not isinstance(value, str) or not value.isprintable():
        errors.bad(name, value, _WANTED)
    return str.__str__(value)


def identity(task: str, version: Plain, parameters: Mapping[str, Plain]) -> str:
    """What a run is known by: a digest of task, version and parameters.

    >>> identity("race", 1, {"rate": 1, "seed": 2}) == identity("race", 1, {"seed": 2, "rate": 1.0})
    True
    """
    what = [task, str(version), sorted((name, same(value)) for name, value in parameters.items())]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def same(value: Plain) -> str:
    """A text that is equal for equal values: 1 and 1.0 are, 1 and True are not."""
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value)  # type: ignore[arg-type]


def several(value: Any) -> bool:
    """Whether these are values, and not one: a text is one."""
    one = isinstance(value, (str, bytes)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return isinstance(value, Iterable) and not one


def said(parameters: Mapping[str, Plain]) -> str:
    """Parameters as a line of text.

    >>> said({"method": "adam", "rate": 0.001, "seed": 0})
    'method=adam rate=0.001 seed=0'
    """
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        errors.bad("grid", name, "parameters that are names of arguments of the task")
    if name in RESERVED:
        errors.bad("grid", name, f"other names than the table's own: {', '.join(RESERVED)}")
    return name


def _values(name: str, given: Any) -> list[Plain]:
    if isinstance(given, (Mapping, set, frozenset)):  # a set has another order in each process
        errors.bad(name, errors.kind(given), "a value, or values in an order, like a list")
    if not several(given):
        return [plain(name, given)]
    values = [plain(name, value) for value in itertools.islice(given, MOST_RUNS + 1)]
    if not values:
        errors.bad(name, errors.Said("no values"), "at least one")
    return values
