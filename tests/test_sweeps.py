"""Sweeps: every run exactly once whatever stops them, every failure in its row, honest spreads."""

from __future__ import annotations

import contextlib
import csv
import doctest
import functools
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sweep_tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import ROOT

import tracklab
from tracklab import errors, files, sweeps, training
from tracklab.sweeps import grid, running, store, table

METHODS = {"method": ["sgd", "adam"], "rate": [1, 0.1], "seed": range(3)}


def race(method, rate, seed):
    """One method diverges at the high rate, the other fails there with one seed."""
    if method == "sgd" and rate == 1:
        return {"loss": math.nan, "steps": 3}
    if method == "adam" and rate == 1 and seed == 1:
        raise ValueError("the matrix\nis  singular")
    return {"loss": rate + seed / 8 + (method == "sgd"), "steps": 60, "curve": [3, 2, seed]}


def sweep(task=race, asked=METHODS, **options):
    heard = []
    return tracklab.sweep(task, asked, **{"shown": False, "say": heard.append} | options), heard


# --- the grid -------------------------------------------------------------------------------------


def test_combinations_are_those_of_itertools_in_its_order():
    expected = [
        {"method": m, "rate": r, "seed": s}
        for m, r, s in itertools.product(["sgd", "adam"], [1, 0.1], range(3))
    ]
    assert grid.combinations(METHODS) == expected
    own = [{"method": "sgd", "rate": [1, 2]}, {"method": "adam", "momentum": np.float32([0.5])}]
    assert grid.combinations(own) == [
        {"method": "sgd", "rate": 1},
        {"method": "sgd", "rate": 2},
        {"method": "adam", "momentum": 0.5},
    ]
    assert grid.combinations(iter(own)) == grid.combinations(own)
    some = grid.combinations({"a": np.arange(2), "b": None, "c": np.bool_(True), "d": np.str_("x")})
    assert some == [{"a": k, "b": None, "c": True, "d": "x"} for k in range(2)]
    assert {type(value) for value in some[0].values()} == {int, type(None), bool, str}


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=5),
)


@given(
    st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("abc"), VALUES)
)
def test_identity_is_equality(one, other):
    def exact(value):  # of numbers, without their types; True is no number
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return Fraction(value) if number else (type(value), value)

    same = {k: exact(v) for k, v in one.items()} == {k: exact(v) for k, v in other.items()}
    assert (grid.identity("t", 1, one) == grid.identity("t", 1, other)) == same
    assert grid.identity("t", 1, one) == grid.identity("t", "1", dict(reversed(one.items())))
    assert grid.identity("t", 1, one) != grid.identity("t", 2, one)
    assert grid.identity("t", 1, one) != grid.identity("u", 1, one)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "grid: got no parameters"),
        ([], "grid: got no parameters"),
        ([{}], "grid: got no parameters"),
        ({"seed": []}, "seed: got no values"),
        ({"seed": [0, 1, 0]}, "seed=0 twice, wanted each run once"),
        ({"rate": [1, 1.0]}, r"rate=1.0 twice"),
        ([{"a": [1, 2]}, {"a": 2}], "a=2 twice"),
        ({"a": {1, 2}}, "a: got a set, wanted .* in an order"),
        ({"a": {"b": 1}}, "a: got a dict"),
        ({"a": [object]}, "a: got <class 'object'>, wanted a line of text"),
        ({"a": [[1]]}, r"a: got \[1\], wanted a line of text"),
        ({"a": np.zeros((2, 2))}, "a: got an array"),
        ({"a": math.nan}, "a: got nan"),
        ({"a": 1j}, "a: got 1j"),
        ({"a": b"x"}, "a: got b'x'"),
        ({"a": "two\nlines"}, "a: got 'two"),
        ({"a": "\ud800"}, "a: got"),
        ({"a": 10**30}, "a: got 1000"),
        ({"a": lambda: 0}, "a: got <function"),
        ({"a": itertools.count()}, "at most 100,000 runs"),
        ({"a": range(10**12)}, "at most 100,000 runs"),
        ({"a": range(1000), "b": range(1000)}, "at most 100,000 runs"),
        ({"seconds": [1]}, "other names than the table's own"),
        ({"two words": [1]}, "names of arguments"),
        ({1: [1]}, "names of arguments"),
        ("method", "grid: got 'method', wanted values by parameter"),
        (5, "grid: got 5"),
        ([5], "grid: got 5"),
        (None, "grid: got None"),
    ],
)
def test_grids_that_are_none(asked, said):
    with pytest.raises(errors.InputError, match=said):
        grid.combinations(asked)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"task": "race"}, "task: got 'race'"),
        ({"asked": {"method": "sgd"}}, r"cannot be called with method \(missing .* 'rate'"),
        ({"asked": METHODS | {"decay": 0.1}}, "unexpected keyword argument 'decay'"),
        ({"version": 1.5}, "version: got 1.5"),
        ({"version": None}, "version: got None"),
        ({"version": ""}, "version: got ''"),
        ({"name": ""}, "name: got ''"),
        ({"name": "a\nb"}, "name: got"),
        ({"out": 5}, "out: got 5"),
        ({"task": lambda **_: 1, "out": "somewhere"}, "name: got none"),
        ({"task": functools.partial(race, seed=1), "out": "somewhere"}, "name: got none"),
    ],
)
def test_arguments_that_are_none(options, said):
    with pytest.raises(errors.InputError, match=said):
        sweep(**options)


# --- one run --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "figures", "curves"),
    [
        (0.5, {"value": 0.5}, {}),
        (np.float32(0.5), {"value": 0.5}, {}),
        ({"loss": np.array(0.25), "steps": np.int32(3), "hit": True}, None, {}),
        ({"loss": 1, "none": None}, {"loss": 1}, {}),
        ({"loss": 1, "curve": range(3)}, {"loss": 1}, {"curve": [0, 1, 2]}),
        ([1, math.nan], {}, {"value": [1, math.nan]}),
        ({}, {}, {}),
    ],
)
def test_figures_and_curves(returned, figures, curves):
    run = running.one({"seed": 0}, lambda seed: returned)
    assert (run.status, run.error) == ("done", "")
    expected = {"loss": 0.25, "steps": 3, "hit": 1} if figures is None else figures
    assert run.figures == expected
    assert {type(value) for value in run.figures.values()} <= {int, float}
    assert set(run.curves) == set(curves)
    for name, curve in curves.items():
        np.testing.assert_array_equal(run.curves[name], curve)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "result 'value': got None, wanted a number, or numbers"),
        ("0.5", "result 'value': got '0.5'"),
        ({"loss": "0.5"}, "result 'loss': got '0.5'"),
        ({"loss": 1j}, "result 'loss': got 1j"),
        ({"loss": object}, "result 'loss': got <class 'object'>"),
        ({"loss": [[1, 2]]}, r"result 'loss': got \[\[1, 2\]\]"),
        ({"loss": [[1], [1, 2]]}, "result 'loss': got a list"),
        ({"loss": {"a": 1}}, "result 'loss': got {'a': 1}"),
        ({"seconds": [1, 2]}, "result 'seconds'"),
        ({"seed": 1}, "a figure 'seed', wanted another name"),
        ({"status": 1}, "a figure 'status', wanted another name"),
        ({1: 1}, "result: got 1, wanted figures with texts as names"),
        ({"": 1}, "result: got ''"),
    ],
)
def test_results_that_are_no_numbers_fail(returned, said):
    run = running.one({"seed": 0}, lambda seed: returned)
    assert run.status == "failed"
    assert run.figures == {}
    assert re.search(r"^InputError: .*" + said, run.error)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (training.Diverged("the loss is nan in step 3", None, 3), "diverged"),
        (OverflowError("math range error"), "diverged"),
        (FloatingPointError("overflow encountered"), "diverged"),
        (ZeroDivisionError("division by zero"), "failed"),
        (errors.InputError("rate: got -1"), "failed"),
        (errors.SourceError("no such file"), "failed"),
        (MemoryError(), "failed"),
        (RecursionError("x\n" * 3), "failed"),
    ],
)
def test_what_a_task_raises_is_in_its_row(error, status):
    def task(seed):
        raise error

    run = running.one({"seed": 0}, task)
    assert run.status == status
    assert run.error.startswith(type(error).__name__)
    assert "\n" not in run.error
    assert f"(in task, line {task.__code__.co_firstlineno + 1})" in run.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_process_comes_through(error):
    def task(seed):
        raise error

    with pytest.raises(error):
        running.one({"seed": 0}, task)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_figures_that_are_not_finite_are_a_divergence(value):
    run = running.one({"seed": 0}, lambda seed: {"loss": value, "steps": 3})
    assert run.status == "diverged"
    assert run.error == f"loss is {float(value)}"
    assert run.figures["steps"] == 3


def test_times_are_those_of_the_run():
    def task(busy):
        end = time.process_time() + 0.05
        while busy and time.process_time() < end:
            pass
        time.sleep(0.05)
        return 1

    idle, busy = (running.one({"busy": busy}, task) for busy in (False, True))
    assert idle.seconds >= 0.05
    assert busy.cpu_seconds >= 0.05
    assert idle.cpu_seconds < 0.05
    own = running.one({}, lambda: {"seconds": 1.5, "cpu_seconds": 2})
    assert (own.row()["seconds"], own.row()["cpu_seconds"]) == (1.5, 2)
    assert own.seconds < 1


def test_threads_of_one_process_run_one_after_the_other():
    inside, most = [], []

    def task(seed):
        inside.append(seed)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(seed)
        return 1

    threads = [
        threading.Thread(target=running.one, args=({"seed": k}, task), daemon=True)
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4


# --- a sweep --------------------------------------------------------------------------------------


def test_the_table_is_tidy():
    found, heard = sweep()
    assert heard == []
    assert len(found) == found.planned == 12
    assert found.parameters == ["method", "rate", "seed"]
    assert found.figures == ["loss", "steps", "seconds", "cpu_seconds"]
    assert [row["method"] for row in found] == ["sgd"] * 6 + ["adam"] * 6
    assert found["status"].tolist() == (
        ["diverged"] * 3 + ["done"] * 3 + ["done", "failed", "done"] + ["done"] * 3
    )
    np.testing.assert_array_equal(found["loss"][3:8], [1.1, 1.225, 1.35, 1, math.nan])
    assert found["rate"].dtype == np.float64
    assert found["method"].dtype.kind == "U"
    assert [len(curve) for curve in found.curves("curve")] == [0] * 3 + [3] * 4 + [0] + [3] * 4
    (said,) = [line for line in found.problems if "failed" in line]
    assert said.startswith("method=adam rate=1 seed=1: failed: ValueError: the matrix is singular")


def test_tasks_get_what_was_asked_for_and_nothing_else():
    seen = []
    asked = [{"a": [1, 2.5], "b": "x"}, {"a": 3, "c": [None, True]}]

    def task(a, b="none", c=0):
        seen.append((a, b, c))
        return 1

    found, _ = sweep(task, asked)
    assert seen == [(1, "x", 0), (2.5, "x", 0), (3, "none", None), (3, "none", True)]
    assert found["b"].tolist() == ["x", "x", None, None]
    assert found["c"].tolist() == [None, None, None, True]


def test_the_end_is_said_clearly(capsys):
    sweep(shown=True)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("sweep race: 12 runs in ")
    assert said[0].endswith(", 3 diverged, 1 failed")
    assert said[1] == "  method=sgd rate=1 seed=0: diverged: loss is nan"
    assert said[4].startswith("  method=adam rate=1 seed=1: failed: ValueError: the matrix")
    assert len(said) == 5
    sweep(lambda seed: 1 / 0, {"seed": range(9)}, shown=True)
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(", 9 failed")
    assert said[-1] == "  ... and 4 more, in `problems` of the table"


def test_one_line_of_progress_and_silence(capsys, monkeypatch):
    lines = []
    monkeypatch.setattr(training.Progress, "update", lambda self, share, text: lines.append(text))

    def task(seed):
        training.Progress("inner").close("would be a second line")
        return 1

    found, _ = sweep(task, {"seed": range(3)}, shown=True)
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("sweep task: 3 runs in ")
    assert lines[0] == "0 of 3 runs, seed=0"
    assert lines[1].startswith("1 of 3 runs, ")
    assert lines[1].endswith(" left, seed=1")
    assert lines[3] == "3 of 3 runs"
    sweep(task, {"seed": range(3)}, shown=False, say=None)
    assert capsys.readouterr().out == ""
    assert len(found) == 3


def test_a_sweep_in_a_sweep_is_part_of_a_run(capsys):
    def outer(seed):
        inner = tracklab.sweep(lambda k: k * seed, {"k": range(3)})
        return inner["value"].sum()

    found, _ = sweep(outer, {"seed": [1, 2]}, shown=True)
    assert found["value"].tolist() == [3, 6]
    assert len(capsys.readouterr().out.splitlines()) == 1


# --- what is kept ---------------------------------------------------------------------------------


def counted(task=race):
    calls = []

    @functools.wraps(task)
    def wrapped(**parameters):
        calls.append(parameters)
        return task(**parameters)

    return wrapped, calls


def test_what_is_done_is_not_run_again_and_what_failed_is(tmp_path):
    task, calls = counted()
    first, heard = sweep(task, out=tmp_path)
    assert heard == []
    assert len(calls) == 12
    second, heard = sweep(task, out=tmp_path)
    assert heard == ["11 of 12 runs are done already; 1 failed and will be tried again"]
    assert calls[12:] == [{"method": "adam", "rate": 1, "seed": 1}]
    for one, other in zip(first.runs, second.runs, strict=True):
        if one.status != "failed":
            assert json.dumps(one.row()) == json.dumps(other.row())
    for one, other in zip(first.curves("curve"), second.curves("curve"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_grid_can_change_and_keeps_what_still_belongs_to_it(tmp_path):
    task, calls = counted()
    sweep(task, {"method": "adam", "rate": [0.1], "seed": range(2)}, out=tmp_path)
    wider = {"seed": range(3), "rate": np.array([0.01, 0.1]), "method": ["adam"]}
    found, heard = sweep(task, wider, out=tmp_path)
    assert heard == ["2 of 6 runs are done already"]
    assert len(calls) == 2 + 4
    assert len(found) == 6
    narrower, heard = sweep(task, wider | {"seed": 1}, out=tmp_path)
    assert heard == ["2 of 2 runs are done already"]
    assert len(narrower) == 2
    assert len(calls) == 6
    assert sweeps.read(tmp_path)["seed"].tolist() == [1, 1]


def test_another_version_starts_anew_and_says_so(tmp_path):
    task, calls = counted()
    asked = {"method": "adam", "rate": 0.1, "seed": range(3)}
    sweep(task, asked, out=tmp_path)
    found, heard = sweep(task, asked, out=tmp_path, version="two")
    assert heard == ["version two starts anew: the runs that are there are 3 of version 1"]
    assert len(calls) == 6
    assert found.version == "two"
    _, heard = sweep(task, asked, out=tmp_path, version=1)  # which nobody threw away
    assert heard == ["3 of 3 runs are done already"]


def test_code_that_has_changed_is_noticed(tmp_path):
    def load(lines):
        path = tmp_path / f"code{len(list(tmp_path.iterdir()))}.py"
        path.write_text("def task(seed):\n" + lines)
        space = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        return space["task"]

    out = tmp_path / "out"
    sweep(load("    return seed\n"), {"seed": range(3)}, out=out)
    _, heard = sweep(load("    # the same\n    return seed\n"), {"seed": range(3)}, out=out)
    assert heard == ["3 of 3 runs are done already"]
    found, heard = sweep(load("    return 2 * seed\n"), {"seed": range(4)}, out=out)
    assert heard[0] == "3 of 4 runs are done already"
    assert "changed since 3 of them were run" in heard[1]
    assert "another version" in heard[1]
    assert found["value"].tolist() == [0, 1, 2, 6]


def test_a_folder_of_another_sweep_or_of_other_things_is_refused(tmp_path):
    sweep(out=tmp_path / "race")
    with pytest.raises(
        errors.InputError, match="the folder of the sweep 'race', wanted that of 't"
    ):
        sweep(lambda seed: 1, {"seed": 0}, name="tune", out=tmp_path / "race")
    with pytest.raises(errors.InputError, match=r"which holds other files \(race\)"):
        sweep(out=tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table.csv").write_text("mine\n")
    with pytest.raises(errors.InputError, match=r"which holds other files \(table.csv\)"):
        sweep(out=tmp_path / "results")
    assert (tmp_path / "results" / "table.csv").read_text() == "mine\n"
    (tmp_path / "results" / "sweep.json").write_text('{"task": "race"')
    with pytest.raises(errors.SourceError, match="not as a sweep writes it"):
        sweep(out=tmp_path / "results")
    assert len(sweep(out=tmp_path / "race")[0]) == 12


def test_a_folder_that_cannot_be_written_is_said_before_the_first_run(tmp_path, monkeypatch):
    task, calls = counted()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(errors.SourceError, match=r"a file; wanted a folder|cannot be made"):
            sweep(task, out=out)

    def refused(self, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(errors.SourceError, match="no permission to write"):
        sweep(task, out=tmp_path / "out")
    assert calls == []


def test_a_full_disk_stops_a_sweep_and_loses_only_that_run(tmp_path, monkeypatch):
    write = files.write_whole

    def full(path, content):
        if len(list((tmp_path / "out" / "runs").glob("*"))) >= 3:
            raise errors.SourceError(f"{path}: cannot be written (no space left on device)")
        return write(path, content)

    task, calls = counted()
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_whole", full)
        patch.setattr(table, "write_whole", full)
        with pytest.raises(errors.SourceError, match="no space left"):
            sweep(task, out=tmp_path / "out")
    assert len(calls) == 4
    found, heard = sweep(task, out=tmp_path / "out")
    assert heard == ["3 of 12 runs are done already"]
    assert len(found) == 12
    assert len(calls) == 4 + 9


HARM = [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(path.read_bytes()[:-2]),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"\xff\xfe"),
    lambda path: path.write_text("[]"),
    lambda path: path.write_text(path.read_text().replace('"figures"', '"other"')),
    lambda path: path.write_text(path.read_text().replace('"done"', '"unknown"')),
    lambda path: path.write_text(path.read_text().replace('"seed": ', '"seed": 7')),
    lambda path: path.write_text(path.read_text().replace("0.5", '"half"')),
]


@pytest.mark.parametrize("harm", HARM)
def test_a_record_that_is_not_whole_counts_as_none(tmp_path, harm):
    task, calls = counted(lambda seed: {"loss": 0.5})
    sweep(task, {"seed": range(4)}, out=tmp_path, name="task")
    harm(sorted((tmp_path / "runs").iterdir())[0])
    found, _ = sweep(task, {"seed": range(4)}, out=tmp_path, name="task")
    assert len(calls) == 5
    assert found["loss"].tolist() == [0.5] * 4


def test_records_under_other_names_are_not_counted(tmp_path):
    task, calls = counted(lambda seed: seed)
    sweep(task, {"seed": range(2)}, out=tmp_path, name="task")
    first = sorted((tmp_path / "runs").iterdir())[0]
    first.with_name("copy of it.json").write_bytes(first.read_bytes())
    first.with_name("f" * 32 + ".json").write_bytes(first.read_bytes())
    found, heard = sweep(task, {"seed": range(2)}, out=tmp_path, name="task")
    assert heard == ["2 of 2 runs are done already"]
    assert len(found) == len(calls) == 2


NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats())
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=4)


@given(
    st.dictionaries(NAMES, NUMBERS, max_size=3),
    st.dictionaries(NAMES, st.lists(st.floats(), max_size=4), max_size=2),
    st.text(max_size=8),
)
def test_what_is_kept_is_read_bit_for_bit(figures, curves, error):
    run = sweeps.Run(
        {"seed": 1, "rate": 0.1, "method": "ädam"},
        "failed",
        figures,
        {name: np.array(curve, np.float64) for name, curve in curves.items()},
        1 / 3,
        2e-9,
        error,
    )
    about = store.About("task", "v", [run.parameters])
    with tempfile.TemporaryDirectory() as folder:
        store.claim(folder, about)
        store.write(Path(folder), about, run, "code")
        kept = store.read(Path(folder), about)
    ((mark, back),) = kept.runs.items()
    assert kept.codes == {mark: "code"}
    assert back.parameters == run.parameters
    assert str(back.figures) == str(run.figures)
    assert list(back.curves) == list(run.curves)
    for name, curve in run.curves.items():
        np.testing.assert_array_equal(back.curves[name], curve)
    assert (back.seconds, back.cpu_seconds, back.error) == (1 / 3, 2e-9, error)


# --- whatever stops it ----------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process: nothing that was to happen afterwards does."""


class Machine:
    """Counts what a sweep does, byte by byte where it writes, and stops it after `ticks`."""

    def __init__(self, ticks, error):
        self.ticks, self.error = ticks, error
        self.dead = False

    def tick(self, cost=1):
        """How much of `cost` can be paid; raises where that is not all of it, from then on."""
        if self.ticks < cost and not self.dead:
            self.dead = self.error is Killed  # a process that was interrupted still cleans up
            left, self.ticks = self.ticks, 10**9
            return left
        if self.dead:
            raise Killed
        self.ticks -= cost
        return cost

    def spend(self, cost=1):
        if self.tick(cost) < cost:
            raise self.error

    def write_whole(self, path, content):
        """As `files.write_whole` does it, but a killed process leaves half a file behind."""
        self.spend()
        data = content.encode() if isinstance(content, str) else content
        part = path.with_name(f".{len(os.listdir(path.parent))}{self.ticks % 997}.part")
        paid = self.tick(len(data))
        part.write_bytes(data[:paid])
        if paid < len(data):
            if self.error is not Killed:
                part.unlink()
            raise self.error
        self.spend()
        part.replace(path)
        self.spend()
        return path


@contextlib.contextmanager
def machine(ticks, error):
    with pytest.MonkeyPatch.context() as patch:
        one = Machine(ticks, error)
        patch.setattr(store, "write_whole", one.write_whole)
        patch.setattr(table, "write_whole", one.write_whole)
        patch.setattr(sweeps, "SECONDS_BETWEEN_TABLES", -1.0)  # a table after each run
        yield one


GRIDS = st.dictionaries(
    st.sampled_from(["method", "rate", "seed"]),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    min_size=1,
)


@settings(max_examples=80)
@given(
    GRIDS,
    st.lists(
        st.tuples(st.integers(0, 3000), st.sampled_from([Killed, KeyboardInterrupt])), max_size=5
    ),
    st.sets(st.integers(0, 26), max_size=3),
)
def test_any_grid_stopped_anywhere_and_gone_on_with_runs_each_once(asked, stops, failing):
    plan = grid.combinations(asked)
    calls, stopped = [], []

    def task(**parameters):
        current.spend()
        calls.append(tuple(parameters.values()))
        current.spend()
        if plan.index(parameters) in failing:
            raise ValueError("as planned")
        return {"sum": sum(parameters.values())}

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        for ticks, error in [*stops, (10**9, Killed)]:
            kept = set()
            if (out / "sweep.json").exists():
                about = store.About("task", 1, plan)
                kept = {
                    tuple(run.parameters.values())
                    for run in store.read(out, about).runs.values()
                    if run.status == "done"
                }
            before = len(calls)
            with machine(ticks, error) as current:
                try:
                    found, _ = sweep(task, asked, out=out)
                except (Killed, KeyboardInterrupt) as reason:
                    stopped.append((type(reason), error))
            assert all(issubclass(reason, error) for reason, error in stopped)
            # what was finished is not touched again, and nothing else is run twice in one go
            again = calls[before:]
            assert not kept & set(again)
            assert len(set(again)) == len(again)
        for one in (found, sweeps.read(out)):
            assert [run.parameters for run in one.runs] == plan
            for place, run in enumerate(one.runs):
                if place in failing:
                    assert run.status == "failed"
                else:
                    assert run.figures == {"sum": sum(run.parameters.values())}
        stored = list((out / "runs").glob("*.json"))
        assert len(stored) == len(plan)
        with (out / "table.csv").open(newline="", encoding="utf-8") as file:
            assert len(list(csv.DictReader(file))) == len(plan)


def test_ctrl_c_gives_the_table_so_far(tmp_path, capsys):
    def task(seed):
        if seed == 3:
            raise KeyboardInterrupt
        return seed

    for out in (None, tmp_path):
        with pytest.raises(sweeps.Interrupted, match="3 of 5 runs finished") as stopped:
            sweep(task, {"seed": range(5)}, shown=True, out=out, say=None)
        assert stopped.value.table["value"].tolist() == [0, 1, 2]
        assert "2 not run yet" in str(stopped.value.table)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "sweep task: stopped, with 3 of 5 runs finished"
    assert said[2] == f"what is finished is in {tmp_path}; the same call goes on from there"
    left = sweeps.read(tmp_path)
    assert left["value"].tolist() == [0, 1, 2]
    assert left.planned == 5
    assert "2 not run yet" in left.summary


def test_a_process_that_is_killed_again_and_again_loses_nothing(tmp_path):
    out, marks, runs = tmp_path / "out", tmp_path / "marks", 20
    marks.mkdir()
    command = [sys.executable, str(ROOT / "tests" / "sweep_tasks.py"), out, marks, str(runs)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    rng, kills = np.random.default_rng(0), 0
    for _ in range(5):
        before = len(list(out.glob("runs/*.json")))
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            # somewhere in one of the next runs, whatever it does then
            while process.poll() is None and len(list(out.glob("runs/*.json"))) < before + 2:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
    assert kills >= 2  # on a busy machine some end before they are killed
    kept = len(sweeps.read(out))
    assert 2 * kills <= kept <= 2 * runs
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"{kept} of {2 * runs} runs are done already" in done.stdout
    assert done.stderr == ""
    found = sweeps.read(out)
    assert [tuple(run.parameters.values()) for run in found.runs] == [
        (method, seed) for method in "ab" for seed in range(runs)
    ]
    assert found["loss"].tolist() == [seed / 8 for _ in "ab" for seed in range(runs)]
    left = sweep_tasks.marks(marks)
    assert len(left) == 2 * runs
    # a run is done a second time only where its process died before it was kept: one in each
    extra = [counts["begin"] - 1 for counts in left.values()]
    assert min(extra) == 0
    assert sum(extra) <= kills


# --- the table ------------------------------------------------------------------------------------


def made(rows):
    """A table of given rows: parameters method, rate, seed, and a loss or a status."""
    runs = []
    for method, rate, seed, loss in rows:
        parameters = {"method": method, "rate": rate, "seed": seed}
        done = isinstance(loss, float)
        figures = {"loss": loss} if done else {}
        runs.append(sweeps.Run(parameters, "done" if done else loss, figures))
    return sweeps.Table(runs)


def test_select():
    found, _ = sweep()
    assert len(found.select(method="adam")) == 6
    assert len(found.select(method=["adam", "sgd"], rate=1.0)) == 6
    assert found.select(rate=0.1, seed=np.int64(2), method="adam")["loss"].tolist() == [0.35]
    assert len(found.select(status="done")) == 8
    assert len(found.select(status=["failed", "diverged"])) == 4
    assert len(found.select()) == 12
    for wanted, said in (
        ({"methods": "adam"}, "parameter: got 'methods', wanted one of 'method'"),
        ({"method": "adem"}, "method: got 'adem', wanted of 'sgd', 'adam'"),
        ({"method": ["adam", "adem"]}, "wanted of 'sgd', 'adam'"),
        ({"status": "finished"}, "wanted of 'done', 'diverged', 'failed'"),
        ({"rate": True}, "rate: got True"),
        ({"rate": object()}, "rate: got <object"),
    ):
        with pytest.raises(errors.InputError, match=said):
            found.select(**wanted)


def test_spreads_are_numpys_over_the_runs_that_finished():
    found, _ = sweep()
    spreads = found.spread("loss")
    assert [one.setting for one in spreads] == [
        {"method": method, "rate": rate} for method in ("sgd", "adam") for rate in (1, 0.1)
    ]
    assert [(one.finished, one.runs) for one in spreads] == [(0, 3), (3, 3), (2, 3), (3, 3)]
    np.testing.assert_array_equal(spreads[2].values, [1, 1.25])
    for one in spreads[1:]:
        assert one.median == np.median(one.values)
        assert (one.low, one.high) == (one.values.min(), one.values.max())
        assert one.mean == pytest.approx(one.values.mean())
        assert one.deviation == pytest.approx(np.std(one.values, ddof=1))
    assert math.isnan(spreads[0].median)
    assert math.isnan(spreads[0].deviation)
    single = found.spread("loss", over=())
    assert len(single) == 12
    assert math.isnan(single[4].deviation)
    assert found.spread("loss", over=["seed", "rate"])[1].runs == 6
    assert spreads.column("median").tolist()[1:] == [1.225, 1.125, 0.225]
    assert spreads.column("method").tolist() == ["sgd", "sgd", "adam", "adam"]
    assert spreads.column("finished").tolist() == [0, 3, 2, 3]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from([0.1, 1.0, 10.0]),
        st.integers(0, 3),
        st.one_of(st.floats(-5, 5), st.sampled_from(["failed", "diverged"])),
    ),
    min_size=1,
    unique_by=lambda row: row[:3],
)


@given(ROWS, st.sampled_from(["low", "high"]))
def test_the_best_rate_is_that_of_the_median_in_which_what_failed_is_worst(rows, better):
    found = made(rows)
    worst = math.inf if better == "low" else -math.inf
    expected = {}
    for method in dict.fromkeys(row[0] for row in rows):
        for rate in dict.fromkeys(row[1] for row in rows if row[0] == method):
            losses = [
                r[3] if isinstance(r[3], float) else worst for r in rows if r[:2] == (method, rate)
            ]
            # the middle by hand
            ordered = sorted(losses)
            middle = (ordered[(len(losses) - 1) // 2] + ordered[len(losses) // 2]) / 2
            known = expected.get(method)
            wins = known is None or (middle < known[1] if better == "low" else middle > known[1])
            if math.isfinite(middle) and wins:
                expected[method] = rate, middle
    if not any(isinstance(row[3], float) for row in rows):
        with pytest.raises(errors.InputError, match="figure: got 'loss'"):
            found.best("loss", better=better)
        return
    best = found.best("loss", better=better)
    assert {s.setting["method"]: s.setting["rate"] for s in best} == {
        method: rate for method, (rate, _) in expected.items()
    }
    assert sum(one.runs for one in found.spread("loss")) == len(rows)


def test_arrays_have_an_axis_for_each_parameter():
    found, _ = sweep()
    losses = found.array("loss", "method", "rate", "seed")
    assert losses.shape == (2, 2, 3)
    assert found.values("rate") == [1, 0.1]
    for row in found:
        cell = losses[
            ["sgd", "adam"].index(row["method"]), [1, 0.1].index(row["rate"]), row["seed"]
        ]
        np.testing.assert_equal(cell, row.get("loss", math.nan))
    np.testing.assert_array_equal(found.array("loss", "seed", "rate", "method"), losses.T)
    assert found.select(method="sgd", rate=0.1).array("loss", "seed").shape == (3,)
    assert math.isnan(found.select(seed=[1, 2]).array("steps", "method", "rate", "seed")[1, 0, 0])
    for axes in (("method", "rate"), ("method",), ()):
        with pytest.raises(errors.InputError, match=r"axes: got \(.*seed among them"):
            found.array("loss", *axes)


def test_questions_that_have_no_answer():
    found, _ = sweep()
    for ask, said in (
        (lambda: found["speed"], "column: got 'speed'"),
        (lambda: found.curves("loss"), "curve: got 'loss', wanted one of 'curve'"),
        (lambda: found.values("speed"), "parameter: got 'speed'"),
        (lambda: found.array("speed"), "figure: got 'speed'"),
        (lambda: found.array("loss", "speed"), "parameter: got 'speed'"),
        (lambda: found.spread("speed"), "figure: got 'speed'"),
        (lambda: found.spread("loss", over="speed"), "over: got 'speed'"),
        (lambda: found.best("loss", better="lower"), "better: got 'lower', wanted one of 'low'"),
        (lambda: found.best("loss", better="low", pick="step"), "pick: got 'step'"),
        (lambda: found.spread("loss").column("speed"), "column: got 'speed'"),
        (lambda: sweeps.read(5), "out: got 5"),
    ):
        with pytest.raises(errors.InputError, match=said):
            ask()
    with pytest.raises(errors.SourceError, match=r"sweep\.json: cannot be read"):
        sweeps.read("nowhere")


def test_csv_has_every_row_and_column(tmp_path):
    found, _ = sweep(out=tmp_path / "out")
    path = found.save(tmp_path / "mine.csv")
    assert path.read_text() == (tmp_path / "out" / "table.csv").read_text()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == found.columns
    for row, known in zip(rows, found, strict=True):
        for column in ("loss", "steps", "seconds", "rate", "seed"):
            if column in known:
                np.testing.assert_equal(float(row[column]), float(known[column]))
            else:
                assert row[column] == ""
        assert (row["method"], row["status"]) == (known["method"], known["status"])
    with pytest.raises(errors.SourceError, match="cannot be written"):
        found.save(tmp_path / "nowhere" / "mine.csv")


def test_tables_are_shown_as_text_and_in_a_notebook():
    found, _ = sweep()
    text = str(found)
    assert text.splitlines()[0] == "race, version 1: 12 runs, 3 diverged, 1 failed"
    assert len([line for line in text.splitlines() if line.startswith(("adam", "sgd"))]) == 12
    assert "ValueError: the matrix is singular" in text
    page = found._repr_html_()
    assert page.count("<tr>") == 13
    assert "the matrix is singular" in page
    fine = found.select(status="done")
    assert "status" not in str(fine)
    assert repr(fine) == str(fine)
    spreads = found.spread("loss")
    for shown in (str(spreads), spreads._repr_html_()):
        assert "loss over seed: median, lowest and highest, mean and standard deviation" in shown
        assert "2 of 3" in shown
        assert "nan" not in shown
    long, _ = sweep(lambda k: 1, {"k": range(100)})
    assert "... and 60 more rows" in str(long)
    assert long._repr_html_().count("<tr>") == 41
    empty = sweeps.Table([], planned=3)
    for shown in (str(empty), empty._repr_html_()):
        assert "0 runs, 3 not run yet" in shown
    assert str(sweeps.Spreads([]))
    assert sweeps.Spreads([])._repr_html_()


def test_names_are_escaped_in_a_notebook():
    found, _ = sweep(lambda method: {"<b>loss</b>": 1}, {"method": "<script>"})
    assert "<script>" not in found._repr_html_()
    assert "<b>" not in found._repr_html_()


# --- the door -------------------------------------------------------------------------------------


def test_the_front_door_loads_nothing_heavy():
    heavy = ["tensorflow", "keras", "cv2", "matplotlib", "distributed", "dask"]
    code = (
        "import sys, tracklab; tracklab.sweep(lambda a: a, {'a': 1}, shown=False);"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert tracklab.sweep is sweeps.sweep
    assert {"sweep", "sweeps"} <= set(dir(tracklab))


def test_examples_in_docstrings():
    failed, tried = doctest.testmod(grid)
    assert tried
    assert not failed
