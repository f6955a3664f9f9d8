"""Every benchmark is in `make bench`, and starts."""

import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from realdata import ROOT

import tracklab

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py"))


def test_make_bench_runs_every_benchmark():
    (named,) = re.findall(r"for name in ([\w ]+);", (ROOT / "Makefile").read_text())
    assert sorted(named.split()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_benchmarks_import(name):
    code = f"import benchmarks.{name} as module; print(module.__doc__[:1], callable(module.main))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("True\n"), done.stderr


def visual(*options):
    command = [sys.executable, "-m", "benchmarks.visual", "--scenes", "0", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_visual_says_what_is_not_there(tmp_path):
    """No sequences, and one tracker that is in no environment here."""
    (tmp_path / "nowhere").mkdir()
    code = (
        "import sys; from pathlib import Path; import benchmarks.visual as module;"
        "module.CONTRIB = Path('nothing'); module.trackers.available = lambda: ('still',);"
        f"sys.argv = ['', '--scenes', '0', '--folder', {str(tmp_path / 'nowhere')!r},"
        "'--trackers', 'still', 'opencv-csrt']; module.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "opencv-csrt: wants the environment that 'make contrib' makes" in done.stdout
    assert "no real sequences at hand" in done.stdout
    assert re.search(r"^still +\d+ frames/s", done.stdout, re.MULTILINE)


def test_visual_runs_opencvs_trackers_apart_and_judges_all_alike(tmp_path):
    folder = tmp_path / "one" / "img"
    folder.mkdir(parents=True)
    frame = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    for number in range(1, 5):
        cv2.imwrite(str(folder / f"{number:04}.png"), frame)
    (tmp_path / "one" / "groundtruth_rect.txt").write_text("21,21,20,15\n" * 4)
    (tmp_path / "not a sequence.txt").write_text("")
    done = visual("--folder", str(tmp_path), "--trackers", "still", "opencv-mil")
    assert done.returncode == 0, done.stderr
    assert "1 real sequences, 4 frames" in done.stdout
    rows = dict(re.findall(r"^(still|opencv-mil) +(0\.\d+)", done.stdout, re.MULTILINE))
    assert float(rows["still"]) == pytest.approx(20 / 21, abs=1e-3)  # it stays, and so does truth
    assert 0 < float(rows["opencv-mil"]) <= 20 / 21 + 1e-3


def test_a_process_that_ends_is_a_reason_and_not_the_end(tmp_path, monkeypatch):
    import argparse

    from benchmarks import visual as module

    options = argparse.Namespace(folder=str(tmp_path), scenes=0)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nkill -SEGV $$\n")
    broken.chmod(0o755)
    assert module.apart("opencv-tld", broken, options).startswith("failed: ")


def test_albumentations_is_left_out_with_a_reason_where_it_is_not(monkeypatch, tmp_path):
    from benchmarks import augment as module

    monkeypatch.setattr(module, "OTHER", tmp_path / "python")
    assert "make albumentations" in module.Albumentations().absent
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    broken.chmod(0o755)
    assert module.Albumentations().absent == "does not start: no such module"


def test_our_side_of_augmentation_is_measured():
    from benchmarks import augment as module

    functions = module.ours()
    assert {row for _, row in functions} == set(module.ROWS)
    for function in functions.values():
        function()
    wall, cpu = module.round_of(lambda: sum(range(1000)))
    assert 0 < wall < 0.01
    assert cpu > 0


def test_ablations_ask_for_each_run_once_and_for_those_that_say_most_first():
    from benchmarks import augment_ablations as module
    from tracklab.sweeps.grid import combinations

    for name in module.TASKS:
        runs = combinations(module.grid(name, (0, 1)))  # refuses one that is there twice
        assert runs[0]["recipe"] == "none"
        assert {run["seed"] for run in runs} == {0, 1}
        assert {run["budget"] for run in runs} == {module.CPU_SECONDS[name]}
    few = combinations(module.grid("few", (0, 1)))
    assert [(run["recipe"], run["count"], run["seed"]) for run in few[:4]] == [
        (recipe, module.FEW, seed) for seed in (0, 1) for recipe in ("none", "best")
    ]


def test_ablations_that_were_stopped_are_stored_as_far_as_they_came(tmp_path, monkeypatch):
    import argparse
    import json

    from benchmarks import augment_ablations as module

    monkeypatch.setattr(module, "RESULTS", tmp_path / "stored.json")
    monkeypatch.setattr(module, "pictures", lambda: argparse.Namespace(name="nothing"))

    def stopped(recipe, budget, seed):
        if recipe not in ("none", "all but turns"):
            raise KeyboardInterrupt
        return {"ap50": 0.5 + seed, "cpu_seconds": budget}

    out, runs = tmp_path / "out", module.grid("detector", (0,))
    with pytest.raises(KeyboardInterrupt):
        tracklab.sweep(stopped, runs, out=out / "detector", name="detector", shown=False)
    module.save(out)
    tables = json.loads((tmp_path / "stored.json").read_text())["tables"]
    assert [row["recipe"] for row in tables["detector"]["rows"]] == ["none", "all but turns"]
    assert set(tables["detector"]["recipes"]) == {"none", "all but turns"}
    assert all(tables[name]["rows"] == [] for name in ("few", "families", "tracker"))
