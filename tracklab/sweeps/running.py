"""One run: the task with its parameters, timed, and whatever it does, answered.

Invariant: `one` returns a `Run` for every task that ends, whether it returns figures, something
else, or raises; only what stops the whole process (Ctrl-C, an exit) comes through.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.sweeps.grid import RESERVED, Parameters, Plain
from tracklab.training.progress import hushed

Task = Callable[..., Any]

DONE, DIVERGED, FAILED = "done", "diverged", "failed"
STATUSES = (DONE, DIVERGED, FAILED)
TIMES = ("seconds", "cpu_seconds")
VALUE = "value"  # what a single number is called

# Seeds are set for a whole process, and its processor time is counted as a whole. So runs that a
# cluster hands to several threads of one process go one after the other.
_ALONE = threading.RLock()


@dataclass(frozen=True, eq=False)
class Run:
    """What became of one combination of parameters.

    status: "done"; "diverged" where a figure is not finite, or the task said that its numbers went
        beyond all bounds; "failed" where it raised, or returned what are no figures.
    figures: numbers by name. curves: `(P,)` float64 by name, where the task returned arrays.
    seconds, cpu_seconds: wall time and the process's time of all threads, in the run.
    error: why it diverged or failed, in one line.
    """

    parameters: Parameters
    status: str
    figures: dict[str, float] = field(default_factory=dict)
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    error: str = ""

    def row(self) -> dict[str, Plain]:
        """Parameters, figures, times, status and error as one row of a table."""
        times = {name: self.figures.get(name, getattr(self, name)) for name in TIMES}
        figures = {name: value for name, value in self.figures.items() if name not in TIMES}
        return {**self.parameters, **figures, **times, "status": self.status, "error": self.error}


def one(parameters: Parameters, task: Task) -> Run:
    """Run the task once."""
    with _ALONE, hushed():
        wall, cpu = time.monotonic(), time.process_time()
        figures: dict[str, float] = {}
        curves: dict[str, NDArray[np.float64]] = {}
        status, why = DONE, ""
        try:
            returned = task(**parameters)
            times = time.monotonic() - wall, time.process_time() - cpu
            figures, curves = measured(returned, parameters)
        except Exception as error:  # whatever a task raises, the others are still to come
            times = time.monotonic() - wall, time.process_time() - cpu
            status = DIVERGED if _is_divergence(error) else FAILED
            why = in_words(error) + _place(error)
    wild = [f"{name} is {value}" for name, value in figures.items() if not math.isfinite(value)]
    if wild:
        status, why = DIVERGED, ", ".join(wild)
    return Run(parameters, status, figures, curves, *times, why)


def measured(
    returned: Any, parameters: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Figures and curves of what a task returned: a number, or numbers and arrays by name.

    None is a figure that was not measured. Raises `InputError` for anything else, and for names
    that are those of parameters.
    """
    wanted = "a number, or numbers (and curves: one-dimensional arrays) by name"
    named = returned if isinstance(returned, Mapping) else {VALUE: returned}
    figures: dict[str, float] = {}
    curves: dict[str, NDArray[np.float64]] = {}
    for name, value in named.items():
        if not isinstance(name, str) or not name.isprintable() or not name:
            errors.bad("result", name, "figures with texts as names")
        if name in parameters or (name in RESERVED and name not in TIMES):
            came = errors.Said(f"a figure {name!r}")
            errors.bad("result", came, "another name: that column is taken")
        if value is None and isinstance(returned, Mapping):
            continue
        try:
            array = np.asarray(value)
        except Exception:  # rows of unequal lengths, tensors that are symbols
            errors.bad(f"result {name!r}", errors.kind(value), wanted)
        if array.dtype.kind not in "biuf" or array.ndim > 1 or (array.ndim and name in TIMES):
            errors.bad(f"result {name!r}", value, wanted)
        if array.ndim:
            curves[name] = array.astype(np.float64)
        else:
            figures[name] = int(array) if array.dtype.kind in "biu" else float(array)
    return figures, curves


def in_words(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException) -> str:
    """Where in the file of the task it was raised, or what raised it was called."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this file's
    if not frames or frames[0].filename == __file__:
        return ""
    last = [frame for frame in frames if frame.filename == frames[0].filename][-1]
    return f" (in {last.name}, line {last.lineno})"


def _is_divergence(error: Exception) -> bool:
    """Numbers beyond all bounds, and not a mistake: `training.Diverged` is a deliberate one."""
    deliberate = isinstance(error, errors.TracklabError) and isinstance(error, ArithmeticError)
    return deliberate or isinstance(error, (FloatingPointError, OverflowError))
