"""The command line: what it prints, what it returns, and that an error is one clear line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracklab import cli, doctor, errors, explorers


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracklab", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_help_names_every_command_and_loads_nothing_heavy():
    done = run("--help")
    assert done.returncode == 0
    for command in ("doctor", "lessons", "explore", "evaluate", "train"):
        assert command in done.stdout
    code = (
        "import sys; from tracklab.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'cv2', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_a_command_the_help_is_shown(capsys):
    assert cli.main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


def test_a_wrong_command_is_refused_with_the_list():
    done = run("docter")
    assert done.returncode == 2
    assert "doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_as_json(capsys):
    assert cli.main(["doctor", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "Python" in [one["name"] for one in found]


def test_doctor_returns_1_for_what_is_broken(monkeypatch, capsys):
    broken = doctor.Report([doctor.Finding("video", doctor.BROKEN, "gone", "get it")])
    monkeypatch.setattr(doctor, "report", lambda **_: broken)
    assert cli.main(["doctor"]) == 1
    assert "-> get it" in capsys.readouterr().out


def test_lessons_lists_titles_and_minutes(capsys, monkeypatch, tmp_path):
    about = {"title": "Follow that object", "minutes": 45}
    (tmp_path / "00_follow.ipynb").write_text(json.dumps({"metadata": {"tracklab": about}}))
    (tmp_path / "01_half_a_file.ipynb").write_text('{"metadata"')
    monkeypatch.setattr(cli, "lessons_folder", lambda: tmp_path)
    assert cli.main(["lessons"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.split() == ["00", "Follow", "that", "object", "45", "minutes"]
    assert second.split() == ["01", "half", "a", "file"]


def test_lessons_where_only_the_package_is_installed(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.tracklab, "__file__", str(tmp_path / "tracklab" / "__init__.py"))
    assert cli.main(["lessons"]) == 2
    assert "come with the repository" in capsys.readouterr().err


def test_explore_lists_the_explorers(capsys):
    assert cli.main(["explore"]) == 0
    assert set(explorers.NAMES) <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize("is_root", [True, False])
def test_explore_opens_a_notebook_that_shows_it(monkeypatch, is_root):
    opened = []

    def note(command):
        opened.append(json.loads(Path(command[3]).read_text(encoding="utf-8")))
        assert ("--allow-root" in command) == is_root
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000, raising=False)
    assert cli.main(["explore", "scene"]) == 0
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(opened[0])
    assert "explore('scene')" in opened[0]["cells"][1]["source"]


def test_an_error_is_one_line_without_a_traceback():
    done = run("explore", "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("tracklab: name: got 'nothing', wanted one of")
    assert done.stderr.count("\n") == 1


def test_what_tracklab_does_not_raise_on_purpose_keeps_its_traceback(monkeypatch):
    def fail(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(doctor, "report", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_errors_of_several_lines_become_one(monkeypatch, capsys):
    def fail(**_):
        raise errors.SourceError("first\n  second")

    monkeypatch.setattr(doctor, "report", fail)
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "tracklab: first second\n"


def test_control_c_ends_with_130(monkeypatch, capsys):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "report", interrupt)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_train_hands_over_what_was_asked(monkeypatch):
    from tracklab.models import classifier

    calls = []
    monkeypatch.setattr(classifier, "train", lambda out, *, quick: calls.append((out, quick)))
    assert cli.main(["train", "classifier"]) == 0
    assert cli.main(["train", "classifier", "--quick", "--out", "somewhere"]) == 0
    assert calls == [(None, False), ("somewhere", True)]


def test_train_motion_judges_with_errors_in_pixels(monkeypatch):
    from tracklab import motion

    found = {}

    def trained(judge, out, *, quick):
        held_out = motion.observe(4, part="test")
        found.update(judge(motion.create("kalman"), held_out), out=out, quick=quick)

    monkeypatch.setattr(motion, "train_shipped", trained)
    assert cli.main(["train", "motion", "--quick", "--out", "somewhere"]) == 0
    assert found.pop("out") == "somewhere"
    assert found.pop("quick") is True
    assert "position (px)" in found
    assert "hidden 20 (px)" in found
    assert all(value > 0 for value in found.values())


def test_train_siamese_judges_with_and_without_state(monkeypatch):
    from tracklab.models import siamese

    small = {"widths": (4, 4, 4), "blocks": 0, "depth": 4, "parts": 2, "head": 4}
    found = {}

    def trained(judge, out, *, quick):
        network = siamese.Running(siamese.Siamese(**small), siamese.Cell(4))
        found.update(judge(network), out=out, quick=quick)

    monkeypatch.setattr(siamese, "train_shipped", trained)
    assert cli.main(["train", "siamese", "--quick", "--out", "somewhere"]) == 0
    assert found.pop("out") == "somewhere"
    assert found.pop("quick") is True
    assert set(found) == {
        f"{measure}, scenes{state}"
        for measure in ("success AUC", "precision at 20 px")
        for state in ("", ", without state")
    }
    assert all(0 <= value <= 1 for value in found.values())


def test_train_shapes_hands_over_what_was_asked(monkeypatch):
    from tracklab.models import shapes

    calls = []
    monkeypatch.setattr(shapes, "train_shipped", lambda out, *, quick: calls.append((out, quick)))
    assert cli.main(["train", "shapes"]) == 0
    assert cli.main(["train", "shapes", "--quick", "--out", "somewhere"]) == 0
    assert calls == [(None, False), ("somewhere", True)]


def test_train_hands_the_detectors_their_names(monkeypatch):
    from tracklab.models import detector

    calls = []
    monkeypatch.setattr(
        detector, "train_shipped", lambda judge, out, *, name, quick: calls.append((out, name))
    )
    assert cli.main(["train", "thumbnails", "--out", "somewhere"]) == 0
    assert cli.main(["train", "detector"]) == 0
    assert calls == [("somewhere", "thumbnails"), (None, "detector")]


def test_train_knows_what_can_be_trained(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "nothing"])
    assert ended.value.code == 2
    assert "classifier" in capsys.readouterr().err
