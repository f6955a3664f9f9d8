"""Every tracker through every sequence, on all cores, going on from what is done already.

Invariants: a pair of tracker and sequence that is done is not run again; one that fails, or takes
its process along, is a `Problem` and ends no other; whatever stops a run, finished pairs stay.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import tracklab
from tracklab import errors
from tracklab.evaluation import store
from tracklab.evaluation.entrants import Entrant
from tracklab.evaluation.objects import OneObject, Problem
from tracklab.evaluation.worker import ONE_THREAD
from tracklab.training.progress import Progress, span

WORKER = "tracklab.evaluation.worker"
SECONDS_TO_LOOK = 0.2
SECONDS_TO_END = 5.0


class Pair(NamedTuple):
    """A tracker, a sequence, the stamp of its result and how many frames it has."""

    entrant: Entrant
    one: OneObject
    mark: str
    frames: int


class Mark(NamedTuple):
    """A digest of a sequence's pictures, and how many frames it has."""

    pictures: str
    frames: int


class Event(NamedTuple):
    """What became of a task: "begun", "frames" (how many so far), "done", or "failed" (why)."""

    task: Any
    kind: str
    value: Any = None


# what happened, the end of one that hands tasks out (None), or why it ended before
_Events = queue.Queue[Event | BaseException | None]


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def here(entrants: Sequence[Entrant]) -> tuple[list[Entrant], list[Problem]]:
    """Those that this machine can make, in order, and why not of the others."""
    unusable: dict[Entrant, str] = {}
    tasks = {entrant.label: {"tracker": entrant.label} for entrant in entrants}
    by_label = {entrant.label: entrant for entrant in entrants}
    with contextlib.closing(_work(tasks, 1)) as events:
        for event in events:
            if event.kind == "failed":
                unusable[by_label[event.task]] = event.value
    usable = [entrant for entrant in entrants if entrant not in unusable]
    return usable, [Problem(entrant.label, "", why) for entrant, why in unusable.items()]


def pairs_of(
    entrants: Sequence[Entrant], marks: dict[OneObject, Mark], folder: Path
) -> tuple[list[Pair], list[Pair]]:
    """All pairs, sequence by sequence, and those of them that are still to be run."""
    every = [
        Pair(entrant, one, store.stamp(entrant, mark.pictures), mark.frames)
        for one, mark in marks.items()
        for entrant in entrants
    ]
    left = [p for p in every if store.read(folder, p.entrant, p.one, p.mark) is None]
    return every, left


def run(
    pairs: Sequence[Pair], folder: Path, *, jobs: int, frames: int | None, shown: bool = True
) -> list[Problem]:
    """Run pairs and keep their results; returns those that failed.

    jobs: processes. frames: as many of each sequence at most. shown: tell how far it is.
    """
    tasks = {
        pair: {
            "tracker": pair.entrant.label,
            "object": dataclasses.asdict(pair.one),
            "frames": frames,
            "folder": str(folder.resolve()),
            "mark": pair.mark,
        }
        for pair in pairs
    }
    problems = []
    clock = _Clock(pairs, jobs)
    progress = Progress("evaluate", shown=shown)
    begin = time.monotonic()
    try:
        with contextlib.closing(_work(tasks, jobs)) as events:
            for event in events:
                if event.kind == "failed":
                    who, where = event.task.entrant.label, event.task.one.name
                    problems.append(Problem(who, where, event.value))
                clock.note(event)
                progress.update(clock.share, clock.said)
    except BaseException:
        progress.close(f"stopped, with {clock.done} of {len(pairs)} runs finished")
        raise
    failed = f", {len(problems)} of them failed" if problems else ""
    progress.close(f"{len(pairs)} runs in {span(time.monotonic() - begin)}{failed}")
    return problems


class _Clock:
    """How far a run is, and how long it will take."""

    def __init__(self, pairs: Sequence[Pair], jobs: int) -> None:
        self._jobs = jobs
        self._left = {pair: pair.frames for pair in pairs}
        self._all = sum(self._left.values()) or 1
        self._count = len(pairs)
        self._spent: dict[Entrant, tuple[float, int]] = {}  # seconds and frames so far
        self._last: dict[Pair, tuple[float, int]] = {}
        self.done = 0

    def note(self, event: Event) -> None:
        pair, now = event.task, time.monotonic()
        if event.kind == "begun":
            self._last[pair] = now, 0
        elif event.kind in ("frames", "done"):
            since, before = self._last.get(pair, (now, 0))
            reached = event.value if event.kind == "frames" else pair.frames
            seconds, frames = self._spent.get(pair.entrant, (0.0, 0))
            self._spent[pair.entrant] = seconds + now - since, frames + reached - before
            self._last[pair] = now, reached
            self._left[pair] = pair.frames - reached
        if event.kind in ("done", "failed"):
            self._left.pop(pair)
            self.done += event.kind == "done"

    @property
    def share(self) -> float:
        return 1 - sum(self._left.values()) / self._all

    @property
    def said(self) -> str:
        known = {e: seconds / frames for e, (seconds, frames) in self._spent.items() if frames}
        usual = sum(known.values()) / len(known) if known else 0.0
        left = sum(frames * known.get(pair.entrant, usual) for pair, frames in self._left.items())
        wait = f", {span(left / self._jobs)} left" if known else ""
        return f"{self._count - len(self._left)} of {self._count} runs{wait}"


# --- processes ------------------------------------------------------------------------------------


def _work(tasks: dict[Any, dict[str, Any]], jobs: int) -> Generator[Event]:
    """Hand tasks to processes and tell what becomes of them; ends when all are answered.

    When the caller stops, by an error or Ctrl-C, the processes are ended.
    """
    waiting = deque(tasks.items())
    events: _Events = queue.Queue()
    hands = [_Hand(waiting, events) for _ in range(min(jobs, len(tasks)))]
    working = len(hands)
    for hand in hands:
        hand.start()
    try:
        while working:
            # a wait without an end would not be ended by Ctrl-C on every system
            with contextlib.suppress(queue.Empty):
                event = events.get(timeout=SECONDS_TO_LOOK)
                if event is None:
                    working -= 1
                elif isinstance(event, BaseException):
                    raise event
                else:
                    yield event
    finally:
        waiting.clear()
        for hand in hands:
            hand.end()


class _Hand:
    """A thread that keeps one process at work; it starts another one where that has ended."""

    def __init__(self, waiting: deque[Any], events: _Events) -> None:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._waiting, self._events = waiting, events
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[bytes] | None = None
        self._ended = False

    def start(self) -> None:
        """Take tasks until there are no more."""
        self._thread.start()

    def _work(self) -> None:
        try:
            while True:
                try:
                    task, what = self._waiting.popleft()
                except IndexError:
                    break
                self._events.put(Event(task, "begun"))
                self._events.put(self._one(task, what))
            self._close()
        except BaseException as error:
            self._events.put(error)
        else:
            self._events.put(None)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._ended = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
        self._thread.join(SECONDS_TO_END)

    def _one(self, task: Any, what: dict[str, Any]) -> Event:
        try:
            process = self._at_work()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if "frames" in said:
                    self._events.put(Event(task, "frames", said["frames"]))
                elif "done" in said:
                    return Event(task, "done")
                else:
                    return Event(task, "failed", said["failed"])
        except (OSError, ValueError) as error:
            self._close()
            return Event(task, "failed", f"no process to run it ({error})")
        return Event(task, "failed", self._last_words())

    def _at_work(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._close()
            if self._ended:
                raise OSError("stopped")
            package = str(Path(tracklab.__file__).resolve().parent.parent)
            known = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
            environment = os.environ | ONE_THREAD
            environment["PYTHONPATH"] = os.pathsep.join([package, *known])
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115, it lives with the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                env=environment,
                start_new_session=True,  # Ctrl-C in a terminal is not for it
            )
            if self._ended:  # while it started
                self._process.kill()
        return self._process

    def _last_words(self) -> str:
        """Why a process has ended that should not have."""
        assert self._process is not None
        code = self._process.wait()
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            lines = self._errors.read()[-4000:].decode("utf-8", "replace").split("\n")
            said = next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"its process was ended by {signal.Signals(-code).name}{said}"
        return f"its process ended with code {code}{said}"

    def _close(self) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            try:
                self._process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._errors is not None:
            self._errors.close()
        self._process = self._errors = None


def check_jobs(jobs: int | None) -> int:
    """How many processes: all cores if not said. Raises `InputError` for none."""
    return cores() if jobs is None else int(errors.number("jobs", jobs, low=1, whole=True))
