"""Trackers compared on sequences: what is found, run, kept, gone on with, and said."""

from __future__ import annotations

import csv
import doctest
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import evaluation_fakes
import numpy as np
import psutil
import pytest
from realdata import ROOT, SHARED, needs_real_data

from tracklab import cli, errors, evaluation, scenes, trackers, video
from tracklab.evaluation import entrants, objects, runner, store
from tracklab.metrics import single

TESTS = Path(__file__).resolve().parent
FRAMES = 12
NOTHING = "nan,nan,nan,nan"


def frames_of(seed=0, frames=FRAMES):
    return scenes.render(seed=seed, frames=frames, size=(64, 96), objects=1)


def otb(folder, *, seed=0, frames=FRAMES, rows=None, first=1, truths=1, images=True):
    """A sequence folder as OTB has them; returns its clip."""
    clip = frames_of(seed, frames)
    (folder / "img").mkdir(parents=True)
    if images:
        for number, frame in enumerate(clip.frames, first):
            cv2.imwrite(str(folder / "img" / f"{number:04d}.png"), frame[..., ::-1])
    x1, y1, x2, y2 = clip.truth.boxes[:, 0].T
    lines = [
        f"{x:g},{y:g},{w:g},{h:g}"
        for x, y, w, h in zip(x1 + 1, y1 + 1, x2 - x1, y2 - y1, strict=True)
    ]
    text = "\n".join(lines if rows is None else rows(lines)) + "\n"
    for number in range(1, truths + 1):
        name = "groundtruth_rect.txt" if truths == 1 else f"groundtruth_rect.{number}.txt"
        (folder / name).write_text(text)
    return clip


def vot(folder, seed=0):
    """A sequence folder as VOT has them, with polygons and tags."""
    clip = otb(folder, seed=seed)
    (folder / "img").rename(folder / "color")
    (folder / "groundtruth_rect.txt").unlink()
    rows = [f"{a},{b},{c},{b},{c},{d},{a},{d}" for a, b, c, d in clip.truth.boxes[:, 0].tolist()]
    (folder / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    (folder / "occlusion.tag").write_text("0\n1\n" + "0\n" * (FRAMES - 2))
    (folder / "motion_change.tag").write_text("0\n" * FRAMES)
    return clip


@pytest.fixture
def fakes(monkeypatch):
    """Trackers that misbehave, here and in processes."""
    undo = evaluation_fakes.install()
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setattr(runner, "WORKER", "evaluation_fakes")
    entrants._fingerprint.cache_clear()
    yield
    undo()
    entrants._fingerprint.cache_clear()


def compare(sequences, names=("still", "template"), **options):
    heard = []
    options = {"jobs": 1, "shown": False, "say": heard.append} | options
    return evaluation.run(sequences, names, **options), heard


# --- what is to be followed -----------------------------------------------------------------------


def names(sources):
    found, problems = objects.find(sources)
    return [one.name for one in found], [str(problem) for problem in problems]


def test_a_sequence_folder_and_a_folder_of_them(tmp_path):
    otb(tmp_path / "Girl")
    vot(tmp_path / "bag")
    assert names([tmp_path / "Girl"]) == (["Girl"], [])
    assert names([tmp_path]) == (["Girl", "bag"], [])
    assert names([str(tmp_path), tmp_path / "Girl"]) == (["Girl", "bag"], [])  # each once


def test_what_has_no_truth_is_said(tmp_path):
    otb(tmp_path / "all" / "Girl")
    otb(tmp_path / "all" / "Boy")
    (tmp_path / "all" / "Boy" / "groundtruth_rect.txt").unlink()
    (tmp_path / "all" / "notes").mkdir()
    (tmp_path / "all" / "README.md").write_text("hello")
    found, problems = names([tmp_path / "all"])
    assert found == ["Girl"]
    assert len(problems) == 1
    assert problems[0].startswith("Boy: no truth; wanted groundtruth_rect.txt")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    found, problems = names([tmp_path / "empty", tmp_path / "file", tmp_path / "gone"])
    assert found == []
    assert ["no truth in it" in problems[0], "a file" in problems[1], "nothing" in problems[2]]


def test_several_objects_of_a_sequence_are_followed_one_by_one(tmp_path):
    otb(tmp_path / "Jogging", truths=2)
    found, _ = objects.find([tmp_path / "Jogging"])
    assert [(one.name, one.column) for one in found] == [("Jogging.1", 0), ("Jogging.2", 1)]
    assert found[1].clip().truth.boxes.shape == (FRAMES, 1, 4)


def test_equal_names_are_told_apart(tmp_path):
    for place in ("first/David", "second/david", "third/DAVID", "third2/x"):
        otb(tmp_path / place)
    found, _ = names([tmp_path / "first", tmp_path / "second", tmp_path / "third"])
    assert found == ["David", "second-david", "third-DAVID"]


def test_a_clip_begins_and_ends_with_its_truth(tmp_path):
    otb(tmp_path / "late", rows=lambda rows: [NOTHING] * 3 + rows[3:9] + ["0,0,0,0"] * 3)
    clip = objects.find([tmp_path / "late"])[0][0].clip()
    assert len(clip) == 6
    np.testing.assert_array_equal(clip.frames[0], frames_of().frames[3])
    np.testing.assert_array_equal(clip.truth.boxes, frames_of().truth.boxes[3:9])
    assert len(objects.find([tmp_path / "late"])[0][0].clip(frames=4)) == 4
    otb(tmp_path / "short", rows=lambda rows: rows[:5])
    assert len(objects.find([tmp_path / "short"])[0][0].clip()) == 5
    otb(tmp_path / "none", rows=lambda rows: [NOTHING] * len(rows))
    with pytest.raises(errors.SourceError, match="no box in any frame"):
        objects.find([tmp_path / "none"])[0][0].clip()


def test_scenes_by_name():
    found, problems = objects.find(["scenes:plain", "scenes:occlusion:3", "scenes:dials:0-1"])
    assert problems == []
    assert [one.name for one in found[:3]] == ["plain-0", "occlusion-3", "occlusion-0"]
    assert len(found) == 2 + 2 * len(scenes.DIALS)
    assert found[0].attributes == ()
    assert found[1].attributes == ("occlusion",)
    scene = scenes.STANDARD["occlusion"]
    np.testing.assert_array_equal(found[1].clip().frames, scene.render(seed=scene.seed + 3).frames)
    crowd = objects.find(["scenes:crowded"])[0][0].clip()
    assert crowd.truth.boxes.shape[1] == 1
    assert names(["scenes:constant velocity"])[0] == ["constant_velocity-0"]
    hard = objects.find(["scenes:hard:7"])[0][0].clip()
    assert np.isfinite(hard.truth.boxes[0]).all()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("scenes", "wanted one of 'dials', 'plain'"),
        ("scenes:", "wanted one of 'dials', 'plain'"),
        ("scenes:nothing", "wanted one of 'dials', 'plain'"),
        ("scenes:plain:x", "0-9 for ten"),
        ("scenes:plain:-1", "0-9 for ten"),
        ("scenes:plain:4-2", "from the lower to the higher"),
        ("scenes:plain:0-99999", "1000 variants"),
        ("", "a folder, or scenes:NAME"),
        (5, "a folder, or scenes:NAME"),
    ],
)
def test_sources_that_are_none(source, said):
    with pytest.raises(errors.InputError, match=said):
        objects.find([source])


def test_attributes_of_folders(tmp_path):
    vot(tmp_path / "bag")
    (bag,) = objects.find([tmp_path / "bag"])[0]
    assert bag.attributes == ("occlusion",)
    otb(tmp_path / "Girl")
    (tmp_path / "Girl" / "attributes.txt").write_text("OCC, SV\nIPR\n")
    (girl,) = objects.find([tmp_path / "Girl"])[0]
    assert girl.attributes == ("OCC", "SV", "IPR")
    (tmp_path / "Girl" / "attributes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(errors.SourceError, match="attributes that cannot be read"):
        _ = girl.attributes


# --- who follows ----------------------------------------------------------------------------------


def test_entrants_and_their_options():
    plain = entrants.parse("template")
    assert (plain.name, plain.options, plain.label, plain.folder) == (
        "template",
        {},
        *["template"] * 2,
    )
    turned = entrants.parse("template:scale_step=1.1, seen=0.4")
    assert turned.options == {"scale_step": 1.1, "seen": 0.4}
    assert turned.create().name == "template"
    assert turned.folder.startswith("template,scale_step=1.1")
    assert entrants.parse("template:side=(1,2),reach=x").options == {"side": (1, 2), "reach": "x"}
    assert entrants.parse_all(["still", "template", "still"]) == [
        entrants.parse("still"),
        plain,
    ]
    assert entrants.parse(turned.label) == turned


@pytest.mark.parametrize("text", ["sort", "", "nothing", "still ", "template:x", "template:=1", 5])
def test_entrants_that_are_none(text):
    with pytest.raises(errors.InputError, match=r"tracker|option=value"):
        entrants.parse(text)


def test_a_fingerprint_tells_options_and_trackers_apart_but_no_spelling():
    prints = [
        entrants.parse(text).fingerprint
        for text in ("still", "template", "template:seen=0.4", "template:seen=0.5", "opencv-mil")
    ]
    assert len(set(prints)) == len(prints)
    same = {
        entrants.parse(text).fingerprint
        for text in ("template:seen=0.4,side=30", "template: side=30 , seen=0.40")
    }
    assert len(same) == 1


def test_a_fingerprint_changes_with_the_code_that_a_tracker_stands_on(monkeypatch):
    def of(tracker):
        entrants._fingerprint.cache_clear()
        return entrants.parse(tracker).fingerprint

    read = Path.read_bytes
    before = {name: of(name) for name in ("template", "opencv-mil")}

    def edited(name):
        def read_bytes(self):
            return read(self) + (b"#" if self.name == name else b"")

        monkeypatch.setattr(Path, "read_bytes", read_bytes)

    edited("template.py")
    assert of("template") != before["template"]
    assert of("opencv-mil") == before["opencv-mil"]
    edited("overlap.py")  # of boxes, which both import
    assert of("template") != before["template"]
    assert of("opencv-mil") != before["opencv-mil"]
    monkeypatch.undo()
    assert of("template") == before["template"]


def test_code_is_followed_through_imports():
    code = {
        path.relative_to(entrants.PACKAGE).as_posix()
        for path in entrants.code_of(entrants.PACKAGE / "trackers" / "sort.py")
    }
    assert {"trackers/sort.py", "motion/kalman.py", "models/weights.py", "boxes/overlap.py"} <= code
    assert "trackers/template.py" not in code
    assert not any(name.startswith(("metrics/", "plots/", "explorers/")) for name in code)


# --- what is kept ---------------------------------------------------------------------------------


def kept(folder):
    """Everything that is kept under a name, put there by hand."""
    one, entrant = objects.OneObject("Girl", "nowhere"), entrants.parse("still")
    boxes = np.float32([[0, 0, 5, 5], [np.nan] * 4, [1.5, 2, 6.5, 7]])
    run = store.Run(boxes, np.array([1.0, 0.25, 0.5]), np.array([1.0, 0.125, 0.5]))
    store.write(folder, entrant, one, run, "mark")
    return one, entrant, run


def test_what_is_written_is_read(tmp_path):
    one, entrant, run = kept(tmp_path)
    back = store.read(tmp_path, entrant, one, "mark")
    np.testing.assert_array_equal(back.boxes, run.boxes)
    np.testing.assert_array_equal(back.seconds, run.seconds)
    np.testing.assert_array_equal(back.cpu_seconds, run.cpu_seconds)
    assert (tmp_path / "still" / "Girl.txt").read_text().splitlines()[0] == "1,1,5,5"
    assert np.loadtxt(tmp_path / "still" / "times" / "Girl_time.txt").tolist() == [1, 0.25, 0.5]
    assert store.read(tmp_path, entrant, one, "another") is None
    assert store.read(tmp_path, entrants.parse("template"), one, "mark") is None


@pytest.mark.parametrize(
    "harm",
    [
        lambda boxes, times, cpu, record: boxes.unlink(),
        lambda boxes, times, cpu, record: times.unlink(),
        lambda boxes, times, cpu, record: record.unlink(),
        lambda boxes, times, cpu, record: boxes.write_text("1,1,5,5\n1,1"),
        lambda boxes, times, cpu, record: cpu.write_text("1\n"),
        lambda boxes, times, cpu, record: record.write_text('{"stamp": "mark"'),
        lambda boxes, times, cpu, record: record.write_text("[]"),
        lambda boxes, times, cpu, record: record.write_text('{"stamp": "mark"}'),
    ],
)
def test_half_of_it_counts_as_nothing(tmp_path, harm):
    one, entrant, _ = kept(tmp_path)
    harm(*store.files_of(tmp_path, entrant, one))
    assert store.read(tmp_path, entrant, one, "mark") is None


def test_a_run_that_breaks_off_while_it_is_written_leaves_nothing_that_counts(
    tmp_path, monkeypatch
):
    one, entrant, run = kept(tmp_path)

    def full(path, _):
        raise errors.SourceError(f"{path}: cannot be written (no space left)")

    monkeypatch.setattr(store, "write_whole", full)
    with pytest.raises(errors.SourceError):
        store.write(tmp_path, entrant, one, run, "mark")
    assert store.read(tmp_path, entrant, one, "mark") is None


def test_boxes_that_no_file_can_hold_are_none():
    boxes = np.float32([[0, 0, 5, 5], [0, 0, np.inf, 5], [0, 0, 9e6, 5], [np.nan, 0, 5, 5]])
    assert np.isfinite(store.said(boxes)).all(1).tolist() == [True, False, False, False]


# --- runs -----------------------------------------------------------------------------------------


def test_figures_are_those_of_running_and_judging_by_hand(tmp_path):
    otb(tmp_path / "Girl", seed=1)
    report, heard = compare([tmp_path / "Girl", "scenes:rotation"])
    assert heard == []
    assert report.problems == []
    clips = {
        "Girl": frames_of(1),
        "rotation-0": scenes.standard("rotation"),
    }
    for name in ("still", "template"):
        for sequence, clip in clips.items():
            track = trackers.run(name, clip)
            expected = single.evaluate(track, clip.truth, size=clip.size).as_dict()
            found = report.parts[name][sequence].as_dict()
            for figure in ("AUC", "P20", "NP AUC", "AO", "SR0.5", "SR0.75"):
                assert found[figure] == pytest.approx(expected[figure]), (name, sequence, figure)
            assert found["CPU ms"] > 0
            assert found["frames/s"] > 0
    assert report.results["template"].combined.sequences == 2
    assert next(iter(report.results)) == "template"  # the best comes first
    assert report.by_attribute()["template"]["rotation"] == pytest.approx(
        report.parts["template"]["rotation-0"].auc
    )


def test_what_is_done_is_not_run_again(tmp_path):
    otb(tmp_path / "Girl")
    out = tmp_path / "out"
    first, heard = compare([tmp_path / "Girl"], out=out)
    assert heard == []
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.txt")}
    assert len(times) == 2 * 3
    second, heard = compare([tmp_path / "Girl"], ("template", "still"), out=out)
    assert heard == ["2 of 2 runs are done already"]
    assert {path: path.stat().st_mtime_ns for path in times} == times
    for name in ("still", "template"):
        assert second.parts[name]["Girl"].as_dict() == first.parts[name]["Girl"].as_dict()
    (out / "still" / "Girl.txt").write_text("1,1,5,5\n")  # half a file
    _, heard = compare([tmp_path / "Girl"], out=out)
    assert heard == ["1 of 2 runs are done already"]


def test_other_options_frames_and_pictures_are_other_runs(tmp_path):
    otb(tmp_path / "Girl")
    out = tmp_path / "out"
    compare([tmp_path / "Girl"], ["template"], out=out)
    report, heard = compare([tmp_path / "Girl"], ["template", "template:scale_step=1.2"], out=out)
    assert heard == ["1 of 2 runs are done already"]
    assert set(report.results) == {"template", "template:scale_step=1.2"}
    _, heard = compare([tmp_path / "Girl"], ["template"], out=out, frames=5)
    assert heard == []
    image = tmp_path / "Girl" / "img" / "0004.png"
    cv2.imwrite(str(image), np.full((64, 96, 3), 7, np.uint8))
    _, heard = compare([tmp_path / "Girl"], ["template"], out=out)
    assert heard == []
    otb(tmp_path / "other" / "Girl", seed=5)  # of the same name
    _, heard = compare([tmp_path / "other" / "Girl"], ["template"], out=out)
    assert heard == []


def test_a_broken_sequence_does_not_end_the_rest(tmp_path):
    otb(tmp_path / "Girl")
    otb(tmp_path / "torn")
    picture = tmp_path / "torn" / "img" / "0006.png"
    picture.write_bytes(picture.read_bytes()[:200])  # its header is whole
    otb(tmp_path / "empty", images=False)
    otb(tmp_path / "odd", rows=lambda rows: [*rows[:3], "what?", *rows[4:]])
    otb(tmp_path / "wide", rows=lambda rows: [*rows, *rows])
    report, heard = compare([tmp_path])
    assert set(report.parts["template"]) == {"Girl", "wide"}
    told = {problem.sequence: str(problem) for problem in report.problems}
    assert set(told) == {"torn", "empty", "odd"}
    assert "line 4" in told["odd"]
    assert "0006.png" in told["torn"]
    assert "no images" in told["empty"]
    assert any("24 rows for 12 images" in line for line in heard)  # a warning, told once
    assert sum("rows for" in line for line in heard) == 1
    assert set(map(str, report.problems)) <= set(heard)


def test_trackers_that_misbehave_do_not_end_the_rest(tmp_path, fakes):
    otb(tmp_path / "left", rows=lambda rows: ["2,11,20,20", *rows[1:]])
    otb(tmp_path / "right", rows=lambda rows: ["61,11,20,20", *rows[1:]])
    everyone = ["crashing", "raising", "picky", "diverging", "still"]
    report, _ = compare([tmp_path], everyone)
    told = {(p.tracker, p.sequence): p.why for p in report.problems}
    assert "SIGSEGV: something is wrong inside" in told["crashing", "left"]
    assert "SIGSEGV" in told["crashing", "right"]
    assert told["raising", "left"].startswith("ZeroDivisionError: division")
    assert "a box on the left" in told["picky", "left"]
    assert len(told) == 5
    assert set(report.parts["still"]) == {"left", "right"}
    assert set(report.parts["picky"]) == {"right"}
    # compared on what all of those finished that finished any
    assert report.common == ["right"]
    assert set(report.results) == {"picky", "still", "diverging"}
    assert "1 that not every tracker finished are left out" in str(report)
    assert np.isnan(report.runs["diverging"]["left"].boxes[-1]).all()
    assert "-" in report.each().splitlines()[-2]


def test_several_processes_find_the_same(tmp_path):
    for k in range(3):
        otb(tmp_path / f"clip{k}", seed=k)
    alone, _ = compare([tmp_path])
    together, _ = compare([tmp_path], jobs=2)
    for name in ("still", "template"):
        for sequence in alone.sequences:
            np.testing.assert_array_equal(
                alone.runs[name][sequence].boxes, together.runs[name][sequence].boxes
            )


def test_a_process_uses_one_thread():
    code = (
        "import os, sys, json\n"
        "from tracklab.evaluation import runner\n"
        "print(json.dumps(runner.ONE_THREAD))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) >= {"OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"}
    report, _ = compare(["scenes:plain"], ["template"])
    run = report.runs["template"]["plain-0"]
    # wall time can be lost to others, processor time cannot exceed it on one thread
    assert run.cpu_seconds[2:].sum() <= 1.05 * run.seconds[2:].sum()


def test_everything_that_this_machine_has_is_run_without_names():
    report, heard = compare(["scenes:plain"], None, frames=4)
    missing = [name for name in trackers.NAMES if not isinstance(_made(name), trackers.Tracker)]
    assert set(report.results) == set(trackers.NAMES) - set(missing)
    assert report.problems == []
    told = [line for line in heard if line.startswith("not on this machine: ")]
    assert told == ([f"not on this machine: {', '.join(missing)}"] if missing else [])


def _made(name):
    try:
        return trackers.create(name)
    except errors.MissingError as error:
        return error


def test_a_tracker_that_is_not_installed_is_a_problem_if_it_was_asked_for(monkeypatch, fakes):
    report, heard = compare(["scenes:plain"], ["still", "template:nothing=1"], frames=4)
    assert [str(problem) for problem in report.problems] == heard
    assert "template:nothing=1: options of 'template': got 'nothing'" in heard[0]
    with pytest.raises(errors.InputError, match="none that can be run"):
        compare(["scenes:plain"], ["template:nothing=1"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ["sort"]}, "wanted one of 'still'"),
        ({"names": []}, "at least one of still"),
        ({"jobs": 0}, "jobs"),
        ({"jobs": 1.5}, "jobs"),
        ({"frames": 0}, "frames"),
        ({"sequences": []}, "none that can be run"),
        ({"sequences": ["nowhere"]}, "none that can be run"),
    ],
)
def test_bad_arguments(options, said):
    with pytest.raises(errors.InputError, match=said):
        evaluation.run(**({"sequences": ["scenes:plain"], "names": ["still"]} | options))


def test_places_that_are_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        with pytest.raises(errors.SourceError, match=r"a file|cannot be made"):
            compare(["scenes:plain"], ["still"], out=tmp_path / place)


def test_control_c_leaves_what_is_finished(tmp_path):
    """As a user would: the command, Ctrl-C, the same command again."""
    for k in range(4):
        otb(tmp_path / "clips" / f"clip{k}", seed=k)
    out = tmp_path / "out"
    arguments = ["evaluate", str(tmp_path / "clips"), "--tracker", "slow", "still"]
    arguments += ["--out", str(out), "--jobs", "2"]
    code = (
        "import sys, evaluation_fakes as fakes; fakes.install()\n"
        "from tracklab import cli\n"
        "from tracklab.evaluation import runner\n"
        "runner.WORKER = 'evaluation_fakes'\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    path = os.pathsep.join([str(TESTS), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", code, *arguments]
    options = {"env": os.environ | {"PYTHONPATH": path}, "text": True, "stderr": subprocess.PIPE}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    until = time.monotonic() + 60
    while len(list(out.rglob("done/*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    children = psutil.Process(started.pid).children(recursive=True)
    assert children
    started.send_signal(signal.SIGINT)
    said, complained = started.communicate(timeout=30)
    assert started.returncode == cli.STOPPED
    assert complained.endswith("the same command goes on from there\nstopped\n")
    assert "runs finished" in said
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    done = {path: path.stat().st_mtime_ns for path in out.rglob("done/*.json")}
    assert 2 <= len(done) < 8
    again = subprocess.run(command, stdout=subprocess.PIPE, check=False, **options)
    assert again.returncode == 0
    assert f"{len(done)} of 8 runs are done already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(list(out.rglob("done/*.json"))) == 8
    assert [line.split()[0] for line in again.stdout.splitlines() if line.startswith("s")]


# --- how far it is --------------------------------------------------------------------------------


def test_the_time_that_is_left_is_that_of_the_trackers_that_are_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(runner.time, "monotonic", lambda: now[0])
    fast, slow = entrants.parse("still"), entrants.parse("template")
    ones = [objects.OneObject(f"clip{k}", "nowhere") for k in range(2)]
    pairs = [runner.Pair(who, one, "", 100) for one in ones for who in (fast, slow)]
    clock = runner._Clock(pairs, jobs=1)
    assert (clock.share, clock.said) == (0, "0 of 4 runs")
    for pair, seconds in zip(pairs[:2], (1, 9), strict=True):
        clock.note(runner.Event(pair, "begun"))
        now[0] += seconds
        clock.note(runner.Event(pair, "done"))
    assert clock.share == 0.5
    assert clock.said == "2 of 4 runs, 10 s left"
    clock.note(runner.Event(pairs[3], "begun"))
    now[0] += 9
    clock.note(runner.Event(pairs[3], "frames", 50))  # slower than before: 18 s for 150 frames
    assert clock.said == "2 of 4 runs, 7 s left"
    clock.note(runner.Event(pairs[3], "failed", "why"))
    assert clock.said == "3 of 4 runs, 1 s left"
    assert clock.done == 2


# --- tables, files, the command line --------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    report, _ = compare(["scenes:dials", "scenes:plain"], frames=40)
    return report


def test_tables_and_files(finished, tmp_path):
    files = finished.save(tmp_path)
    assert [path.name for path in files] == [
        "table.csv",
        "sequences.csv",
        "attributes.csv",
        "table.json",
        "table.md",
    ]
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [row["tracker"] for row in rows] == ["template", "still"]
    template = finished.results["template"].combined
    assert float(rows[0]["AUC"]) == template.auc
    assert (rows[0]["sequences"], rows[0]["frames"]) == ("13", str(template.frames))
    each = list(csv.DictReader((tmp_path / "sequences.csv").read_text().splitlines()))
    assert len(each) == 2 * 13
    losses = finished.losses("still")
    for row in each:
        if row["tracker"] == "still":
            loss = losses[row["sequence"]]
            assert row["lost at"] == ("" if loss is None else str(loss.frame))
            assert row["back at"] == ("" if loss is None or loss.back is None else str(loss.back))
    assert any(loss is not None for loss in losses.values())
    attributes = list(csv.DictReader((tmp_path / "attributes.csv").read_text().splitlines()))
    assert len(attributes) == 2 * len(scenes.DIALS)
    whole = json.loads((tmp_path / "table.json").read_text())
    np.testing.assert_allclose(whole["trackers"][0]["success"], template.success)
    assert len(whole["sequences"]) == 2 * 13
    text = (tmp_path / "table.md").read_text()
    assert f"| template | {template.auc:.3f} |" in text
    assert "| occlusion | 1 |" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_what_is_printed(finished):
    lines = str(finished).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["template", "still"]
    assert "13 sequences" in str(finished)
    rows = finished.each("P20").splitlines()
    assert rows[0] == "P20 by sequence"
    assert len(rows) == 2 + 13
    assert rows[1].split() == ["template", "still"]
    with pytest.raises(errors.InputError, match="tracker"):
        finished.losses("nobody")


def test_nothing_that_can_be_compared(tmp_path, fakes):
    otb(tmp_path / "left", rows=lambda rows: ["2,11,20,20", *rows[1:]])
    report, _ = compare([tmp_path / "left"], ["picky"])
    assert report.results == {}
    assert "nothing to compare" in str(report)
    assert report.each() == "AUC by sequence\n"
    files = report.save(tmp_path)
    assert json.loads((tmp_path / "table.json").read_text())["problems"][0]["tracker"] == "picky"
    assert all(path.is_file() for path in files)


def test_figures_of_an_evaluation(finished, tmp_path):
    from tracklab.plots import evaluation as pictures

    files = pictures.save(finished, tmp_path, each=True)
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert names[:5] == [
        "success.png",
        "precision.png",
        "normalized_precision.png",
        "attributes.png",
        "speed.png",
    ]
    assert names[5] == "overlaps/occlusion-0.png"
    assert len(names) == 5 + 13
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)
    drawn = dict(pictures.figures(finished))
    ahead = finished.results["template"].combined.auc - finished.results["still"].combined.auc
    title = " ".join(drawn["success"].get_suptitle().split())
    assert title == f"Success on 13 sequences: template is {ahead:.3f} ahead of still"
    assert "template is best in" in drawn["attributes"].get_suptitle()


def test_the_command(tmp_path, capsys):
    otb(tmp_path / "Girl")
    (tmp_path / "lost" / "img").mkdir(parents=True)
    out = tmp_path / "out"
    arguments = [
        "evaluate",
        str(tmp_path / "Girl"),
        "--tracker",
        "still",
        "template",
        "--jobs",
        "1",
    ]
    assert cli.main([*arguments, "--out", str(out), "--each"]) == 0
    said = capsys.readouterr().out
    assert "evaluate: 2 runs in" in said
    assert "AUC by sequence" in said
    assert "table.csv" in said
    assert (out / "overlaps" / "Girl.png").is_file()
    assert str(tmp_path) not in said.replace(f"In {out}", "")
    assert (out / "success.png").is_file()
    # what is wrong with one is said, the other is run
    odd = ["evaluate", str(tmp_path / "lost"), *arguments[1:]]
    assert cli.main(odd) == cli.INCOMPLETE
    heard = capsys.readouterr()
    assert "no truth in it" in heard.err
    assert "template" in heard.out


def test_the_command_from_outside(tmp_path):
    command = [sys.executable, "-m", "tracklab", "evaluate", "scenes:plain:1"]
    command += ["--tracker", "still", "--frames", "5", "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "1 sequence, 5 frames." in done.stdout


@needs_real_data
def test_real_sequences(tmp_path):
    report, heard = compare([SHARED / "sequences"], ["still"], out=tmp_path)
    assert len(report.parts["still"]) == 11
    assert heard == []
    assert 0.1 < report.results["still"].combined.auc < 0.2
    for name, run in report.runs["still"].items():
        assert len(run.boxes) == len(report.sequences[name].truth)
        assert not math.isnan(report.parts["still"][name].ao)
    np.testing.assert_array_equal(
        video.read_boxes(tmp_path / "still" / "Girl.txt"), report.runs["still"]["Girl"].boxes
    )


def test_examples_in_docstrings():
    failed, tried = doctest.testmod(entrants)
    assert tried
    assert not failed
