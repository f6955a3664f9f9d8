"""What a method did: loss against steps, against what it asked, and against seconds; why it ended.

Every method here is `method(problem, ...) -> Result` and keeps its record in a `Run`, so that all
are measured alike.

Invariant: a row was written after each step, in which time and counts only grow; time that a
callback takes is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers.problems import QUESTIONS, Problem, as_vector

Floats = NDArray[np.float64]
Callback = Callable[[Mapping[str, float], Floats], Any]

CONVERGED, REACHED, STEPS, SECONDS = "converged", "reached", "steps", "seconds"
DIVERGED, STUCK, SINGULAR, SADDLE, ASKED = "diverged", "stuck", "singular", "saddle", "asked"
WHY: dict[str, str] = {
    CONVERGED: "the gradient is as small as was asked",
    REACHED: "the loss is as low as was asked",
    STEPS: "all steps were made",
    SECONDS: "the time is over",
    DIVERGED: "it diverged: the loss grew out of all bounds or is no number any more. What it had "
    "found before is kept; take a smaller rate, more damping or a line search",
    STUCK: "no step was found that lowers the loss: rounding, or a slope that is not the loss's",
    SINGULAR: "the Hessian is singular, so Newton's step does not exist; damping would make one",
    SADDLE: "the gradient is zero and the curvature negative somewhere: no minimum",
    ASKED: "the callback asked for it",
}
KEPT = 16  # numbers: vectors up to this size are kept at each step
WORSE = 1e8  # times above the first loss (or 1): that is no detour
COLUMNS = ("step", "loss", "gradient_norm", *QUESTIONS, "seconds", "cpu_seconds")


@dataclass(frozen=True)
class Limits:
    """When to stop.

    steps: at most. seconds, cpu_seconds: not longer, wall or processor time.
    gradient: where its largest component is at most this, the method has converged.
    loss: a loss that is low enough.
    """

    steps: int = 1000
    seconds: float = np.inf
    cpu_seconds: float = np.inf
    gradient: float = 1e-8
    loss: float = -np.inf

    def __post_init__(self) -> None:
        errors.number("steps", self.steps, low=0, whole=True)
        errors.number("gradient", self.gradient, low=0)
        for name in ("seconds", "cpu_seconds"):
            if not getattr(self, name) > 0:
                errors.bad(name, getattr(self, name), "more than 0")


@dataclass(frozen=True)
class Result:
    """A method's way, a row a step (or every few), the first for the start.

    x: `(n,)`, the best point that it saw; loss: there. columns: by name, `(S + 1,)`: those of
    `COLUMNS`, and what the method itself reports (a damping, a step's length).
    path: `(S + 1, n)` where n is small, otherwise None. stopped: a name out of `WHY`.
    """

    method: str
    x: Floats
    loss: float
    columns: dict[str, Floats]
    path: Floats | None
    stopped: str

    def __len__(self) -> int:
        """How many steps were made."""
        return int(self.columns["step"][-1])

    def __getitem__(self, column: str) -> Floats:
        return self.columns[errors.choice("column", column, self.columns)]

    @property
    def why(self) -> str:
        """Why it ended, in words."""
        return f"{self.method} stopped after {len(self)} steps: {WHY[self.stopped]}."

    def in_gradients(self, prices: Mapping[str, float] | None = None) -> Floats:
        """All that was asked, `(S + 1,)`, in gradients.

        prices: of each of `QUESTIONS`, in gradients, as `derivatives.prices` measures them. Without
        them values and gradients count one, and all else must not have been asked.
        """
        known = {"values": 1.0, "gradients": 1.0, **(prices or {})}
        total = np.zeros(len(self["loss"]))
        for question in QUESTIONS:
            if self[question].any():
                if question not in known:
                    errors.bad("prices", sorted(known), f"the price of {question}, too")
                total = total + known[question] * self[question]
        return total

    def first(self, loss: float, column: str = "seconds") -> float:
        """The first entry of a column at which the loss was this low; inf where it never was."""
        there = np.flatnonzero(self["loss"] <= loss)
        return float(self[column][there[0]]) if len(there) else float("inf")


@dataclass
class Run:
    """The record of a method while it runs.

    A method makes one, tells it of each point with `ends(x, loss, gradient)`, which answers whether
    that was the last, and returns `end()`.
    """

    method: str
    problem: Problem
    limits: Limits = field(default_factory=Limits)
    callback: Callback | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.problem, Problem):
            errors.bad("problem", errors.kind(self.problem), "a Problem")
        if not isinstance(self.limits, Limits):
            errors.bad("limits", errors.kind(self.limits), "Limits")
        self._rows: list[dict[str, float]] = []
        self._path: list[Floats] = []
        self._best: tuple[float, Floats] | None = None
        self._before = self.problem.counts.row()
        self.stopped = ""
        self._away, self._cpu_away = 0.0, 0.0
        self._begin, self._cpu_begin = time.perf_counter(), time.process_time()

    def start(self, start: ArrayLike | None) -> Floats:
        """Where to begin: `start`, or the problem's own."""
        x = self.problem.start if start is None else as_vector("start", start)
        if len(x) != self.problem.size:
            errors.bad("start", x, f"shape ({self.problem.size},)")
        return x.copy()

    @property
    def step(self) -> int:
        """How many steps were made."""
        return int(self._rows[-1]["step"])

    def ends(self, x: Floats, loss: float, gradient: Floats, **more: float) -> bool:
        """Write a row; whether the method is to stop here. more: columns of the method's own, which
        also replace what is counted here.
        """
        seconds = time.perf_counter() - self._begin - self._away
        cpu_seconds = time.process_time() - self._cpu_begin - self._cpu_away
        norm = float(np.abs(gradient).max())
        counts = self.problem.counts.row()
        asked = {name: counts[name] - self._before[name] for name in QUESTIONS}
        times = {"seconds": seconds, "cpu_seconds": cpu_seconds}
        step = float(len(self._rows))
        row = {"step": step, "loss": loss, "gradient_norm": norm, **asked, **times, **more}
        self._rows.append(row)
        if self.problem.size <= KEPT:
            self._path.append(x.copy())
        if np.isfinite(loss) and (self._best is None or loss < self._best[0]):
            self._best = (loss, x.copy())
        self.stopped = self._reason(row)
        if self.callback is not None:
            with self.apart():
                if self.callback(row, x.copy()) is True and not self.stopped:
                    self.stopped = ASKED
        return bool(self.stopped)

    @property
    def progress(self) -> float:
        """The share of the limits that is used up, 0 to 1."""
        last, most = self._rows[-1], self.limits
        shares = [last[name] / getattr(most, name) for name in ("seconds", "cpu_seconds")]
        return min(1.0, max([last["step"] / max(most.steps, 1), *shares]))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """The time that the block takes is not counted."""
        away, cpu_away = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._away += time.perf_counter() - away
            self._cpu_away += time.process_time() - cpu_away

    def _reason(self, row: Mapping[str, float]) -> str:
        bound = WORSE * max(1.0, abs(self._rows[0]["loss"]))
        if not np.isfinite([row["loss"], row["gradient_norm"]]).all() or row["loss"] > bound:
            return DIVERGED
        if row["loss"] <= self.limits.loss:
            return REACHED
        if row["gradient_norm"] <= self.limits.gradient:
            return CONVERGED
        if row["step"] >= self.limits.steps:
            return STEPS
        over = row["seconds"] >= self.limits.seconds
        return SECONDS if over or row["cpu_seconds"] >= self.limits.cpu_seconds else ""

    def end(self, reason: str = "") -> Result:
        """The result; reason: why it ends, where the method itself has one."""
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        columns = {
            name: np.array([row.get(name, np.nan) for row in self._rows], float) for name in names
        }
        loss, x = self._best if self._best else (float("nan"), self.problem.start.copy())
        path = np.array(self._path) if self._path else None
        stopped = errors.choice("reason", reason or self.stopped, WHY)
        return Result(self.method, x, loss, columns, path, stopped)
