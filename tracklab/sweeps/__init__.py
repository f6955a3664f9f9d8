"""Comparisons as sweeps: a task run with every combination of methods, rates and seeds.

    def race(method, rate, seed):
        curves = training.fit(network(seed), data, optimizer=method, learning_rate=rate, ...)
        return {"loss": curves.val_loss[-1], "steps": len(curves)}

    table = tracklab.sweep(race, {"method": ["sgd", "adam"], "rate": [0.1, 0.01], "seed": range(3)},
                           out="results/race")
    table.best("loss", better="low")          # the best rate of each method, with its spread
    table.array("loss", "method", "rate", "seed")  # (2, 2, 3), for a plot

`grid` says what is to be run, `running` does one run, `cluster` has Dask do them, `store` keeps
what is finished, and `table` is what comes out.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import inspect
import os
import textwrap
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from tracklab import errors
from tracklab.sweeps import cluster, store
from tracklab.sweeps.grid import Grid, Parameters, combinations, identity, said
from tracklab.sweeps.running import DIVERGED, DONE, FAILED, Run, Task, one
from tracklab.sweeps.table import MOST_ERRORS, Spread, Spreads, Table
from tracklab.training.progress import Progress, span

__all__ = [
    "DIVERGED",
    "DONE",
    "FAILED",
    "Interrupted",
    "Run",
    "Spread",
    "Spreads",
    "Table",
    "read",
    "sweep",
]

SECONDS_BETWEEN_TABLES = 5.0


class Interrupted(KeyboardInterrupt):
    """A sweep was stopped from outside. `table` holds what was finished until then."""

    def __init__(self, message: str, table: Table) -> None:
        super().__init__(message)
        self.table = table


def sweep(
    task: Task,
    grid: Grid,
    *,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    version: int | str = 1,
    client: Any = None,
    shown: bool = True,
    say: Callable[[str], None] | None = None,
) -> Table:
    """Run a task with every combination of parameters, and return the table: one row a run.

    task: called with the parameters by name; returns a number, or numbers by name (and curves:
        one-dimensional arrays). A figure that is not finite makes a run "diverged", None is one
        that was not measured. The times of a run are those of the whole task, and the first one of
        a process pays for what it loads. So where times are compared, return `seconds` and
        `cpu_seconds` of the training alone, as `fit` measures them: they take the place of those.
    grid: values by parameter, `{"method": ["sgd", "adam"], "seed": range(3)}`, or several such
        grids, where methods have rates of their own.
    out: a folder for results. What is finished there is not run again, as long as it is of the same
        task, version and parameters; what failed is tried again. So a sweep that was stopped, or
        whose process was killed, goes on by the same call, and a grid can grow. None keeps nothing.
    name: what the task is called; its function's name if None. It must be given beside `out` for a
        lambda or a partial function.
    version: of the task. Give another one when its results change: then all are run anew.
    client: a client of Dask's: the runs go to its workers. A process does one at a time (its seeds
        and its processor time are its own), so give the cluster processes, not threads.
    shown: tell how far it is. say: is told the rest, a line each; prints, if shown, when None.

    A task that raises ends no other: its row says "failed" and why, and so does the last line.

    Raises `InputError` for a grid without runs, with one twice, with values that no file can hold,
    for parameters that the task does not take, for a folder of another sweep, and for a client that
    is none; `SourceError` where `out` cannot be written; `MissingError` where Dask is missing or
    its cluster is gone; `Interrupted`, with the table so far, on Ctrl-C.
    """
    plan = combinations(grid)
    name = _name_of(task, name, out is not None)
    version = _version(version)
    _check_task(task, plan)
    if client is not None:
        cluster.check(client)
    line = Progress(f"sweep {name}", shown=shown)
    tell = say if say is not None else print if line.shown else _nothing
    about = store.About(name, version, plan)
    runs = {identity(name, version, parameters): parameters for parameters in plan}
    folder = None if out is None else store.claim(out, about)
    code = _code_of(task)
    done = {} if folder is None else _kept(folder, about, runs, code, tell)

    def table() -> Table:
        return Table([done[mark] for mark in runs if mark in done], name, version, len(plan))

    before = {mark for mark in runs if mark in done and done[mark].status != FAILED}
    left = {mark: parameters for mark, parameters in runs.items() if mark not in before}
    events = _here(task, left) if client is None else cluster.outcomes(client, task, left, name)
    clock = _Clock(left, len(runs), client is None)
    try:
        with contextlib.closing(events):
            line.update(len(before) / len(runs), clock.said())
            for mark, run in events:
                if folder is not None:
                    store.write(folder, about, run, code)
                done[mark] = run
                clock.note(mark, run)
                line.update(1 - len(clock.left) / len(runs), clock.said())
                if folder is not None and clock.table_is_due():
                    table().save(folder / store.TABLE)
        if folder is not None:
            table().save(folder / store.TABLE)
    except BaseException as error:
        stopped = f"{len(runs) - len(clock.left)} of {len(runs)} runs finished"
        line.close(f"stopped, with {stopped}")
        if folder is not None:
            with contextlib.suppress(errors.SourceError):
                table().save(folder / store.TABLE)
            tell(f"what is finished is in {out}; the same call goes on from there")
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"sweep {name}: {stopped}", table()) from None
        raise
    line.close(_at_the_end(table(), len(before), clock.seconds))
    return table()


def read(out: str | os.PathLike[str]) -> Table:
    """The table of a sweep's folder, finished or not: the runs that were last asked for.

    Raises `SourceError` for a folder that is none of a sweep.
    """
    if not isinstance(out, (str, os.PathLike)):
        errors.bad("out", out, "the folder of a sweep")
    folder = Path(out).expanduser()
    about = store.read_about(folder)
    kept = store.read(folder, about).runs
    marks = [identity(about.task, about.version, parameters) for parameters in about.plan]
    found = [kept[mark] for mark in marks if mark in kept]
    return Table(found, about.task, about.version, len(marks))


def _here(task: Task, runs: Mapping[str, Parameters]) -> Generator[tuple[str, Run]]:
    for mark, parameters in runs.items():
        yield mark, one(parameters, task)


def _kept(
    folder: Path,
    about: store.About,
    runs: Mapping[str, Parameters],
    code: str,
    tell: Callable[[str], None],
) -> dict[str, Run]:
    """What is there already of the runs; tells how much, and what is doubtful about it."""
    kept = store.read(folder, about)
    found = {mark: run for mark, run in kept.runs.items() if mark in runs}
    if kept.others and not kept.runs:
        known = ", ".join(f"{count} of version {name}" for name, count in kept.others.items())
        tell(f"version {about.version} starts anew: the runs that are there are {known}")
    failed = sum(run.status == FAILED for run in found.values())
    if found:
        again = f"; {failed} failed and will be tried again" if failed else ""
        tell(f"{len(found) - failed} of {len(runs)} runs are done already{again}")
    changed = sum(
        bool(code) and kept.codes[mark] not in ("", code)
        for mark, run in found.items()
        if run.status != FAILED
    )
    if changed:
        tell(
            f"the code of the task has changed since {changed} of them were run: where that "
            "changes results, give it another version"
        )
    return found


class _Clock:
    """How far a sweep is, and how long it will take."""

    def __init__(self, left: Mapping[str, Parameters], count: int, in_order: bool) -> None:
        self.left = dict(left)
        self._count, self._in_order = count, in_order
        self._asked = len(left)
        self._begin = self._tabled = time.monotonic()
        self._unfinished = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def note(self, mark: str, run: Run) -> None:
        del self.left[mark]
        self._unfinished += run.status != DONE

    def table_is_due(self) -> bool:
        due = time.monotonic() > self._tabled + SECONDS_BETWEEN_TABLES
        if due:
            self._tabled = time.monotonic()
        return due

    def said(self) -> str:
        finished = self._asked - len(self.left)
        parts = [f"{self._count - len(self.left)} of {self._count} runs"]
        if finished and self.left:
            parts.append(f"{span(self.seconds / finished * len(self.left))} left")
        if self._unfinished:
            parts.append(f"{self._unfinished} diverged or failed")
        if self._in_order and self.left:
            parts.append(said(next(iter(self.left.values()))))
        return ", ".join(parts)


def _at_the_end(table: Table, before: int, seconds: float) -> str:
    """The last line; more of them where not all went well."""
    new = len(table) - before
    parts = [f"{new} run{'s' * (new != 1)} in {span(seconds)}"]
    parts += [f"{before} were done before"] if before else []
    for status in (DIVERGED, FAILED):
        count = sum(run.status == status for run in table.runs)
        parts += [f"{count} {status}"] if count else []
    problems = table.problems
    lines = [", ".join(parts), *(f"  {problem}" for problem in problems[:MOST_ERRORS])]
    if len(problems) > MOST_ERRORS:
        lines.append(f"  ... and {len(problems) - MOST_ERRORS} more, in `problems` of the table")
    return "\n".join(lines)


def _nothing(_: str) -> None:
    pass


def _name_of(task: Any, name: str | None, kept: bool) -> str:
    if not callable(task):
        errors.bad("task", task, "a function that is called with the parameters by name")
    if name is None:
        name = getattr(task, "__name__", "<unnamed>")
        if name.startswith("<"):  # a lambda, a partial function: two of them look the same
            if kept:
                came = errors.Said("none, for a task that has none of its own")
                errors.bad("name", came, "what the task is called in the folder")
            name = "task"
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        errors.bad("name", name, "a line of text: what the task is called")
    return name


def _version(version: Any) -> int | str:
    if isinstance(version, str) and version.strip() and version.isprintable():
        return version
    if isinstance(version, bool) or not isinstance(version, int):
        errors.bad("version", version, "a whole number or a text")
    return version


def _check_task(task: Task, plan: list[Parameters]) -> None:
    try:
        signature = inspect.signature(task)
    except (TypeError, ValueError):  # of some that are not written in Python
        return
    for parameters in plan:
        try:
            signature.bind(**parameters)
        except TypeError as error:
            came = errors.Said(f"one that cannot be called with {', '.join(parameters)} ({error})")
            errors.bad("task", came, "one that takes every parameter of the grid by name")


def _code_of(task: Task) -> str:
    """A digest of a task's source without its comments; empty where it cannot be known."""
    inner = task.func if isinstance(task, functools.partial) else task
    try:
        source = textwrap.dedent(inspect.getsource(inner))
        plain = ast.unparse(ast.parse(source))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:16]
