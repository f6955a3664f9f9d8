"""The doctor: each check on what it is told, the whole on this machine, and what it never says."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tracklab import datasets, doctor, errors
from tracklab.datasets.cifar import keras_archive
from tracklab.doctor import ATTENTION, BROKEN, OK


@pytest.fixture(scope="module")
def report():
    return doctor.report(tensorflow=False)


def test_this_machine_has_no_broken_part(report):
    assert [f for f in report if f.status == BROKEN] == []
    names = [finding.name for finding in report]
    assert len(set(names)) == len(names)
    assert {"Python", "packages", "OpenCV", "video", "JupyterLab", "CIFAR-10"} <= set(names)


def test_every_finding_that_is_not_ok_says_what_to_do(report):
    for finding in report:
        assert finding.status in doctor.SIGNS
        assert finding.found
        assert bool(finding.todo) == (finding.status != OK), finding


def test_no_folder_of_this_machine_is_named(report):
    for text in (str(report), report._repr_html_(), report.to_json()):
        assert str(Path.home()) not in text
        assert str(Path(doctor.__file__).resolve().parent.parent) not in text
        assert sys.executable not in text


def test_the_report_reads_in_a_terminal_a_notebook_and_a_program(report):
    lines = str(report).splitlines()
    assert lines[0].startswith("✓ Python")
    assert lines[-1] == report.summary
    assert report._repr_html_().count("<tr>") == len(report) + 1
    parsed = json.loads(report.to_json())
    assert [one["name"] for one in parsed] == [finding.name for finding in report]


def test_html_is_escaped():
    html = doctor.Report([doctor.Finding("<a>", OK, "1 < 2 & 3")])._repr_html_()
    assert "&lt;a&gt;" in html
    assert "1 &lt; 2 &amp; 3" in html


def test_the_worst_finding_is_the_reports_status():
    ok, attention = doctor.Finding("a", OK, "-"), doctor.Finding("b", ATTENTION, "-", "do")
    broken = doctor.Finding("c", BROKEN, "-", "do")
    assert doctor.Report().status == OK
    assert doctor.Report([ok, attention]).status == ATTENTION
    assert doctor.Report([attention, broken, ok]).status == BROKEN
    assert "1 ok, 1 attention" in doctor.Report([ok, attention]).summary


def test_a_check_that_fails_is_a_finding(monkeypatch):
    def fail():
        raise RuntimeError(f"no such thing in {Path.home()}/folder/file")

    monkeypatch.setattr(doctor, "video_codec", fail)
    found = {f.name: f for f in doctor.report(tensorflow=False)}["video"]
    assert found.status == BROKEN
    assert "RuntimeError: no such thing in ~/folder/file" in found.found


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10), BROKEN), ((3, 11), OK), ((3, 13), OK), ((3, 14), BROKEN), ((4, 0), BROKEN)],
)
def test_python(version, status):
    assert doctor.python(version).status == status


def test_packages():
    assert doctor.packages(["numpy>=1", "pytest>=1000; extra == 'dev'"]).status == OK
    old = doctor.packages(["numpy>=1000"])
    assert (old.status, "wanted >=1000" in old.found) == (ATTENTION, True)
    missing = doctor.packages(["a-package-that-is-not-there>=1"])
    assert (missing.status, "is missing" in missing.found) == (BROKEN, True)
    assert "requirements.lock" in missing.todo


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (doctor.cores(1), ATTENTION),
        (doctor.cores(2), OK),
        (doctor.memory(1.9), ATTENTION),
        (doctor.memory(8), OK),
        (doctor.memory(None), OK),
        (doctor.disk(50), OK),
        (doctor.disk(1), ATTENTION),
        (doctor.disk(0.1), BROKEN),
        (doctor.browser(None), OK),
    ],
)
def test_amounts(finding, status):
    assert finding.status == status


def test_trackers():
    some = doctor.trackers(("mil",), ("mil", "kcf", "csrt"))
    assert some.status == OK
    assert some.found == (
        "of OpenCV's: mil; 'make contrib' gives kcf, csrt an environment of their own"
    )
    assert doctor.trackers(("mil", "kcf"), ("mil", "kcf")).found == "of OpenCV's: mil, kcf"
    without = doctor.trackers((), ("mil", "kcf"))
    assert (without.status, "opencv-python" in without.todo) == (ATTENTION, True)


STARTED = {"version": "2.21.0", "keras": "3.15.1", "gpus": [], "log": []}


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_tensorflow_that_does_not_start():
    (found,) = doctor.tensorflow_and_gpu({"error": "no answer after 120 seconds"}, None)
    assert found.status == BROKEN
    assert "no answer after 120 seconds" in found.found


def test_graphics_cards():
    none = by_name(doctor.tensorflow_and_gpu(STARTED, None))
    assert none["GPU"].status == OK
    seen = by_name(doctor.tensorflow_and_gpu({**STARTED, "gpus": ["A100"]}, "A100"))
    assert (seen["GPU"].status, "A100" in seen["GPU"].found) == (OK, True)
    unseen = by_name(
        doctor.tensorflow_and_gpu(
            {**STARTED, "log": ["2026-01-01: I fine", "2026-01-01: E external: no cuDNN"]}, "A100"
        )
    )
    assert unseen["GPU"].status == ATTENTION
    assert "and-cuda" in unseen["GPU"].todo
    assert "cuDNN" in unseen["TensorFlow's log"].found
    loud = by_name(doctor.tensorflow_and_gpu({**STARTED, "log": ["E0000 cuInit failed"]}, None))
    assert loud["TensorFlow's log"].status == OK


def test_opencv():
    one = {"opencv-python": "4.14.0.94"}
    assert doctor.opencv(one, "4.14.0").status == OK
    both = doctor.opencv({**one, "opencv-contrib-python": "4.14.0.94"}, "4.14.0")
    assert (both.status, "overwrite each other" in both.found) == (BROKEN, True)
    assert both.todo.startswith("pip uninstall -y opencv-python opencv-contrib-python")
    assert "opencv-python>=4.14,<5" in both.todo or "opencv-python<5,>=4.14" in both.todo
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    missing = doctor.opencv(one, error)
    assert (missing.status, "libGL.so.1" in missing.found) == (BROKEN, True)
    assert "apt install libgl1 libglib2.0-0" in missing.todo
    assert doctor.opencv({}, ImportError("No module named 'cv2'")).status == BROKEN


def test_video_codec():
    assert doctor.video_codec().status == OK

    def fail(frames, fps):
        raise OSError("encoder libx264 not found")

    assert "libx264" in doctor.video_codec(fail).found
    assert doctor.video_codec(fail).status == BROKEN
    assert doctor.video_codec(lambda frames, fps: b"nothing").status == BROKEN


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    """No CIFAR-10 anywhere, and no way to a network."""
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TRACKLAB_OFFLINE", "1")
    monkeypatch.delenv("TRACKLAB_DATA", raising=False)


def put_images(root, classes):
    for place in (f"{part}/{label}" for part in ("train", "test") for label in classes):
        (root / place).mkdir(parents=True)
        cv2.imwrite(str(root / place / "0.png"), np.zeros((32, 32, 3), np.uint8))
    return root


def put_archive(path, root):
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        tar.add(root, ".")
    return path


def test_cifar_that_is_nowhere(no_data, monkeypatch, tmp_path):
    found = doctor.cifar()
    assert (found.status, found.found) == (ATTENTION, "not on this machine yet")
    for name in ("none", "", " "):  # a folder that is not there, and none
        monkeypatch.setenv("TRACKLAB_DATA", name and str(tmp_path / name))
        assert doctor.cifar().status == ATTENTION


# what TRACKLAB_DATA names: how the doctor finds it, and a word of what it says
NAMED = {
    "empty": (ATTENTION, "no images where"),
    "other files": (ATTENTION, "no images where"),
    "bare classes": (ATTENTION, "holds an image"),
    "broken archive": (ATTENTION, "not a tar or zip"),
    "archive of something else": (ATTENTION, "no images where"),
    "archive": (OK, "in an archive"),
    "other classes": (ATTENTION, "2 classes of its own"),
    "cifar": (OK, "the images that TRACKLAB_DATA names"),
}


@pytest.mark.parametrize("case", NAMED)
def test_cifar_says_what_the_lessons_will_get(no_data, monkeypatch, tmp_path, capsys, case):
    root = tmp_path / "data"
    if case in ("cifar", "archive"):
        put_images(root, datasets.CIFAR_CLASSES)
    elif case == "other classes":
        put_images(root, ("cat", "dog"))
    elif case == "bare classes":
        (root / "train" / "cat").mkdir(parents=True)
        (root / "test" / "cat").mkdir(parents=True)
    else:
        root.mkdir()
        if case != "empty":
            (root / "notes.txt").write_text("hello")
    if "archive" in case:
        root = put_archive(tmp_path / "packed" / "cifar-10.tar.gz", root)
    if case == "broken archive":
        root.write_bytes(b"junk" * 100)
    monkeypatch.setenv("TRACKLAB_DATA", str(root))

    found = doctor.cifar()
    assert (found.status, NAMED[case][1] in found.found) == (NAMED[case][0], True), found
    assert str(tmp_path) not in f"{found.found} {found.todo}"

    try:
        got = datasets.cifar10(train=10 if case == "cifar" else 2, test=2)
    except errors.SourceError:
        assert found.status == ATTENTION
    else:
        assert got.is_cifar == (found.status == OK)
    capsys.readouterr()
    if case == "archive":  # now it is unpacked
        assert "the images that" in doctor.cifar().found


def test_half_a_download_is_not_cifar_and_is_left_alone(no_data):
    archive = keras_archive()
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"half")
    assert doctor.cifar().status == ATTENTION
    assert archive.read_bytes() == b"half"


def test_a_whole_download_is_cifar(no_data, monkeypatch):
    archive = keras_archive()
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"whole")
    monkeypatch.setattr("tracklab.datasets.cifar.ARCHIVE_BYTES", 5)
    checksum = hashlib.sha256(b"whole").hexdigest()
    monkeypatch.setattr("tracklab.datasets.cifar.ARCHIVE_SHA256", checksum)
    found = doctor.cifar()
    assert (found.status, found.found) == (OK, "in Keras' cache")


def test_the_disk_is_the_one_of_the_cache(monkeypatch, tmp_path):
    asked = []

    def usage(folder):
        asked.append(folder)
        return SimpleNamespace(free=5e9)

    monkeypatch.setattr(doctor.shutil, "disk_usage", usage)
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "elsewhere"))
    assert doctor.disk().found == "5.0 GB free"
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "file" / "cache"))
    doctor.disk()
    assert asked == [tmp_path / "elsewhere", Path(tempfile.gettempdir())]


def test_weights(tmp_path):
    assert "none" in doctor.weights(tmp_path / "absent").found
    (tmp_path / "classifier").mkdir()
    (tmp_path / "classifier" / "weights.npz").write_bytes(b"")
    assert "1 trained network" in doctor.weights(tmp_path).found


def test_reach_without_a_network(monkeypatch):
    def refuse(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(doctor.socket, "create_connection", refuse)
    assert doctor.reach("example.org").status == ATTENTION


def test_a_tensorflow_that_hangs_or_fails_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "STARTER", "import time; time.sleep(60)")
    assert "no answer after 0.5 seconds" in doctor._start_tensorflow(0.5)["error"]
    monkeypatch.setattr(doctor, "STARTER", "raise ImportError('libthing.so')")
    assert "libthing.so" in doctor._start_tensorflow()["error"]
    monkeypatch.setattr(doctor, "STARTER", "import os; os.kill(os.getpid(), 4)")
    assert "signal 4" in doctor._start_tensorflow()["error"]


@pytest.mark.slow
def test_tensorflow_is_really_started():
    started = doctor._start_tensorflow()
    assert "version" in started, started


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cannot open '/usr/lib/x86/libGL.so.1' here", "cannot open '…/libGL.so.1' here"),
        ("two\n lines", "two lines"),
        ("1/2 of a http://example.org/a/b", "1/2 of a http://example.org/a/b"),
        ("C:\\Users\\me\\file.txt", "…/file.txt"),
    ],
)
def test_shorten(text, wanted):
    assert doctor.shorten(text) == wanted


def test_shorten_keeps_it_short():
    assert len(doctor.shorten("word " * 100)) <= 160


def test_the_doctor_starts_without_anything_installed():
    code = "import sys; sys.modules['numpy'] = None; import tracklab.doctor as d; print(d.cores(2))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search("2 cores", done.stdout)
