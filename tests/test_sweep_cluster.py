"""The same sweep on a real Dask cluster of two processes: nothing lost, nothing counted twice."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import sweep_tasks

import tracklab
from tracklab import errors, sweeps
from tracklab.sweeps import cluster, grid

HAS_DASK = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(
    not HAS_DASK, reason="distributed is not installed: `make lab` installs it"
)
SECONDS_TO_START = 120  # for a process, on a busy machine
# the host is given so that Dask does not ask the network which one it is
HERE = {
    "host": "127.0.0.1",
    "threads_per_worker": 1,
    "dashboard_address": "127.0.0.1:0",
    "silence_logs": "CRITICAL",
}
GRID = {"method": ["a", "b"], "seed": range(6)}


@pytest.fixture(scope="module")
def client():
    """A client of a cluster of two processes on this machine, of one thread each."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, processes=True, **HERE) as local,
        distributed.Client(local) as one,
    ):
        one.wait_for_workers(2, SECONDS_TO_START)
        yield one


@pytest.fixture
def marks(tmp_path):
    """A folder for what runs leave behind."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def sweep(task, asked, **options):
    heard = []
    options = {"shown": False, "say": heard.append, "name": "race"} | options
    return tracklab.sweep(task, asked, **options), heard


def pids(client):
    client.wait_for_workers(2, SECONDS_TO_START)
    return sorted(client.run(os.getpid).values())


def plain(found):
    return [{k: v for k, v in row.items() if k not in ("seconds", "cpu_seconds")} for row in found]


@needs_dask
def test_it_is_the_same_sweep(client, marks, tmp_path):
    here, _ = sweep(sweep_tasks.race(marks), GRID)
    there, heard = sweep(sweep_tasks.race(marks), GRID, client=client, out=tmp_path / "out")
    assert heard == []
    assert plain(there) == plain(here)
    for one, other in zip(there.curves("curve"), here.curves("curve"), strict=True):
        np.testing.assert_array_equal(one, other)
    assert {counts["end"] for counts in sweep_tasks.marks(marks).values()} == {2}
    processes = {
        int(line.split()[1]) for path in marks.iterdir() for line in path.read_text().splitlines()
    }
    assert processes == {os.getpid(), *pids(client)}  # both took part
    # and it goes on here from where the cluster left off
    again, heard = sweep(sweep_tasks.race(marks), GRID, out=tmp_path / "out")
    assert heard == ["12 of 12 runs are done already"]
    assert plain(again) == plain(here)


@needs_dask
def test_a_process_that_is_killed_loses_nothing_and_nothing_counts_twice(client, marks, tmp_path):
    out, broken = tmp_path / "out", "method=hang,seed=3"
    asked = [
        {"method": "a", "seed": range(4)},
        {"method": "hang", "seed": 3},  # when it is run for the first time
        {"method": "b", "seed": range(10)},
    ]
    victims, kept = [], []

    def kill():
        """Once some runs are kept, in the middle of another."""
        while not (marks / broken).exists() or len(list(out.glob("runs/*.json"))) < 6:
            time.sleep(0.01)
        kept.extend(
            ",".join(f"{name}={value}" for name, value in run.parameters.items())
            for run in sweeps.read(out).runs
        )
        victims.append(int((marks / broken).read_text().split()[1]))
        os.kill(victims[0], signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    found, _ = sweep(sweep_tasks.race(marks, 0.05), asked, client=client, out=out)
    thread.join()
    # every run is in the table, once, with its own figures, and in the table of the folder
    plan = grid.combinations(asked)
    for one in (found, sweeps.read(out)):
        assert [run.parameters for run in one.runs] == plan
        assert one["loss"].tolist() == [parameters["seed"] / 8 for parameters in plan]
        assert set(one["status"]) == {"done"}
    assert len(list(out.glob("runs/*.json"))) == 15
    # the one that the process was in the middle of was begun again, elsewhere, and ended once
    left = sweep_tasks.marks(marks)
    assert len(left) == 15
    assert left[broken] == {"begin": 2, "end": 1}
    # no run that was kept when it died was done again; of the others only what the process had
    # ended and not handed over
    assert len(kept) >= 6
    for name, counts in left.items():
        if name in kept:
            assert counts == {"begin": 1, "end": 1}
        elif name != broken and counts != {"begin": 1, "end": 1}:
            assert f"end {victims[0]}" in (marks / name).read_text()
            assert counts == {"begin": 2, "end": 2}
    assert victims[0] not in pids(client)


@needs_dask
def test_a_task_that_raises_is_a_row(client, marks):
    found, _ = sweep(sweep_tasks.race(marks), {"method": ["raise", "a"], "seed": 1}, client=client)
    assert found["status"].tolist() == ["failed", "done"]
    assert found.runs[0].error.startswith("ValueError: no such method (in marked, line ")
    assert found.runs[1].figures == {"loss": 0.125}


@needs_dask
def test_a_task_that_takes_its_process_along_is_a_row(client, marks, monkeypatch):
    # Dask tries it on three more processes unless it is told otherwise
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    found, _ = sweep(sweep_tasks.race(marks), {"method": "crash", "seed": 1}, client=client)
    assert found["status"].tolist() == ["failed"]
    assert found.runs[0].error == "its process died each time it was tried"
    assert sweep_tasks.marks(marks) == {"method=crash,seed=1": {"begin": 1}}


@needs_dask
def test_ctrl_c_cancels_what_is_left_and_the_same_call_goes_on(
    client, marks, tmp_path, monkeypatch
):
    asked = {"method": "a", "seed": range(40)}
    task = sweep_tasks.race(marks, 0.1)

    def interrupted(seconds):
        if len(list(tmp_path.glob("out/runs/*.json"))) >= 2:
            raise KeyboardInterrupt
        pause(seconds)

    pause = time.sleep
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "time", SimpleNamespace(sleep=interrupted))
        with pytest.raises(sweeps.Interrupted, match="of 40 runs finished") as stopped:
            sweep(task, asked, client=client, out=tmp_path / "out")
    finished = len(stopped.value.table)
    assert 2 <= finished < 40
    begun, earlier = len(sweep_tasks.marks(marks)), 0
    while begun > earlier:  # what was being done, and what was on its way, may end
        pause(1)
        begun, earlier = len(sweep_tasks.marks(marks)), begun
    assert begun < 40  # were they not cancelled, all of them would have been done by now
    found, heard = sweep(task, asked, client=client, out=tmp_path / "out")
    assert heard[0] == f"{finished} of 40 runs are done already"
    assert found["seed"].tolist() == list(range(40))
    ended = [counts["end"] for counts in sweep_tasks.marks(marks).values()]
    assert sum(ended) <= 40 + begun - finished


@needs_dask
def test_a_task_that_cannot_be_sent_is_refused(client, caplog):
    lock = threading.Lock()

    def task(seed):
        return lock.locked()

    with pytest.raises(errors.InputError, match=r"cannot be sent \(TypeError: cannot pickle"):
        sweep(task, {"seed": range(3)}, client=client)


@needs_dask
def test_a_cluster_that_goes_away_ends_the_sweep_and_says_so(marks, tmp_path):
    import distributed

    def close():
        while len(list(tmp_path.glob("out/runs/*.json"))) < 2:
            time.sleep(0.005)
        local.close()

    asked = {"method": "a", "seed": range(99)}
    with (
        distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", **HERE) as local,
        distributed.Client(local) as client,
    ):
        thread = threading.Thread(target=close, daemon=True)
        thread.start()
        options = {"client": client, "out": tmp_path / "out"}
        with pytest.raises(errors.MissingError, match="client: the cluster is gone"):
            sweep(sweep_tasks.race(marks, 0.05), asked, **options)
        thread.join()
    assert 2 <= len(sweeps.read(tmp_path / "out")) < 99
    with pytest.raises(errors.InputError, match="client: got one that is closed"):
        sweep(sweep_tasks.race(marks, 0.05), asked, **options)


@pytest.mark.parametrize("client", [True, "tcp://127.0.0.1:8786", 5, object()])
def test_what_is_no_client_is_refused_and_says_what_to_install(client, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: object())
        with pytest.raises(errors.InputError, match=r"client: got .*, wanted a client of Dask's"):
            sweep(sweep_tasks.race("nowhere"), GRID, client=client)
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(errors.MissingError, match="Dask is not installed; pip install dist"):
            sweep(sweep_tasks.race("nowhere"), GRID, client=client)


def test_an_asynchronous_client_is_refused():
    class Client:
        asynchronous, status = True, "running"
        map = cancel = gather = print

    with pytest.raises(errors.InputError, match="client: got an asynchronous one"):
        sweep(sweep_tasks.race("nowhere"), GRID, client=Client())


def test_the_package_needs_no_dask():
    code = (
        "import sys; sys.modules['distributed'] = sys.modules['dask'] = None;"
        "import tracklab; print(len(tracklab.sweep(lambda a: a, {'a': [1, 2]}, shown=False)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"
