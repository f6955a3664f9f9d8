"""Trackers of one object, compared: any of them, on any sequences, with one table at the end.

    report = evaluation.run(["sequences/", "scenes:dials:0-4"], ["template", "mosse"], out="here")
    print(report)
    report.results["template"].combined.auc, report.losses("template")

It is what `python -m tracklab evaluate` does. `objects` finds what is to be followed, `entrants`
says who follows, `runner` has it done by processes (`worker`), `store` keeps what was done, and
`report` judges it with `metrics.single`.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tracklab import errors, trackers
from tracklab.evaluation import runner, store
from tracklab.evaluation.entrants import Entrant, parse_all
from tracklab.evaluation.objects import OneObject, Problem, find
from tracklab.evaluation.report import Judged, Report
from tracklab.files import results_folder

__all__ = ["Entrant", "Judged", "OneObject", "Problem", "Report", "find", "run"]


def run(
    sequences: Iterable[str | os.PathLike[str]] | str,
    names: Iterable[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    frames: int | None = None,
    shown: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Take trackers through sequences and judge them.

    sequences: folders of OTB or VOT, folders of such folders, built-in scenes: see `find`.
    names: trackers, with options where they differ from their own: `"template"`,
        `"template:scale_step=1.1"`. All that this machine has if None.
    out: a folder for results. What is there already from the same trackers, options and sequences
        is not run again. None keeps nothing.
    jobs: processes, each of one thread; as many as there are cores if None.
    frames: at most so many of each sequence, from the first; all if None.
    shown: tell how far it is. say: is told of what is left out, a line each, when it is known.

    A sequence or tracker that fails is in `problems` of the report. Raises `InputError` for a
    tracker that is none, or where nothing is left to run; `SourceError` where `out` cannot be
    written. Ctrl-C leaves what is finished in `out`.
    """
    jobs = runner.check_jobs(jobs)
    if frames is not None:
        frames = int(errors.number("frames", frames, low=1, whole=True))
    chosen = parse_all(trackers.NAMES if names is None else names)
    if not chosen:
        errors.bad("trackers", errors.Said("none"), "at least one of " + ", ".join(trackers.NAMES))
    found, problems = find([sequences] if isinstance(sequences, (str, os.PathLike)) else sequences)
    folder = None if out is None else results_folder(out)

    marks, judged, unread = _opened(found, frames, say)
    problems += unread
    for problem in problems:
        say(str(problem))
    if not marks:
        errors.bad("sequences", errors.Said("none that can be run"), "at least one")
    entrants, missing = runner.here(chosen)
    if names is None:
        if missing:
            say("not on this machine: " + ", ".join(problem.tracker for problem in missing))
    else:
        problems += missing
        for problem in missing:
            say(str(problem))
    if not entrants:
        errors.bad("trackers", errors.Said("none that can be run"), "at least one")

    with tempfile.TemporaryDirectory(prefix="tracklab-") as passing:
        place = folder or Path(passing)
        every, left = runner.pairs_of(entrants, marks, place)
        if len(left) < len(every):
            say(f"{len(every) - len(left)} of {len(every)} runs are done already")
        try:
            failed = runner.run(left, place, jobs=jobs, frames=frames, shown=shown) if left else []
        except KeyboardInterrupt:
            if folder is not None:
                say(f"what is finished is in {out}; the same command goes on from there")
            raise
        for problem in failed:
            say(str(problem))
        problems += failed
        runs: dict[str, dict[str, store.Run]] = {entrant.label: {} for entrant in entrants}
        known = {(problem.tracker, problem.sequence) for problem in failed}
        for pair in every:
            who, where = pair.entrant.label, pair.one.name
            kept = store.read(place, pair.entrant, pair.one, pair.mark)
            if kept is not None:
                runs[who][where] = kept
            elif (who, where) not in known:
                problems.append(Problem(who, where, "its files were changed while others ran"))
                say(str(problems[-1]))
    return Report(judged, runs, problems)


def _opened(
    found: Sequence[OneObject], frames: int | None, say: Callable[[str], None]
) -> tuple[dict[OneObject, runner.Mark], dict[str, Judged], list[Problem]]:
    """What can be read, what it is judged by, and what is wrong with the others."""
    marks: dict[OneObject, runner.Mark] = {}
    judged: dict[str, Judged] = {}
    problems = []
    for one in found:
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                clip = one.clip(frames)
                assert clip.truth is not None
                judged[one.name] = Judged(clip.truth, clip.size, one.attributes, clip.fps)
        except errors.TracklabError as error:
            problems.append(Problem("", one.name, " ".join(str(error).split())))
            continue
        for warning in heard:
            say(f"{one.name}: {warning.message}")
        marks[one] = runner.Mark(store.pictures(one, clip), len(clip))
    return marks, judged, problems
