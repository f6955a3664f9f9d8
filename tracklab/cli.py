"""The command line: `python -m tracklab COMMAND`.

Each command is a function of the parsed arguments that returns an exit code, and imports what it
needs itself, so that `--help` is instant and the doctor starts where little else does.

Exit codes: 0 done; 1 the doctor found something broken, a sequence or a tracker could not be
evaluated (the others were), or a file of `track` could not be written whole (what could be kept
is); 2 wrong use, or an error that tracklab raises on purpose (one line, no traceback); 130 stopped
with Ctrl-C, after which `track` has kept what it had.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tracklab

if TYPE_CHECKING:
    from tracklab.datasets import BoxedImages
    from tracklab.detections import Detections
    from tracklab.models.siamese import Running
    from tracklab.motion import MotionModel, Observed

ABOUT = "tracklab: visual object tracking with deep learning, as a course that you run."
INCOMPLETE, WRONG, STOPPED = 1, 2, 130
JUDGED_SCENES, QUICK_SCENES = "scenes:dials:0-2", "scenes:occlusion"  # of a tracker's network
NETWORKS = ("classifier", "detector", "thumbnails", "motion", "siamese", "shapes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (those of the process if None); returns the exit code."""
    parser = build_parser()
    parsed = parser.parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    if parsed.command is None:
        parser.print_help()
        return WRONG
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # whoever read our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from tracklab.errors import TracklabError

        if not isinstance(error, TracklabError):
            raise
        print(f"tracklab: {' '.join(str(error).split())}", file=sys.stderr)
        return WRONG


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m tracklab", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"tracklab {tracklab.__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")

    command = commands.add_parser("doctor", help="look at this machine, and say what to do")
    command.add_argument("--json", action="store_true", help="the findings as JSON")
    command.add_argument("--network", action="store_true", help="also see whether data can be had")
    command.add_argument("--quick", action="store_true", help="do not start TensorFlow (seconds)")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("lessons", help="list the lessons, with their minutes")
    command.set_defaults(run=_lessons)

    command = commands.add_parser("explore", help="list the explorers, or open one in JupyterLab")
    command.add_argument("name", nargs="?", help="an explorer; without one, they are listed")
    command.set_defaults(run=_explore)

    command = commands.add_parser(
        "evaluate",
        help="compare trackers on sequences: a table, and plots",
        description="Takes trackers of one object through sequences, each from the true box of the "
        "first frame to the end, on all cores, and prints one table. With --out, runs that are "
        "done are kept and not run again.",
    )
    command.add_argument(
        "sequence",
        nargs="+",
        metavar="SEQUENCE",
        help="a folder of OTB or VOT, a folder of such folders, or built-in scenes: "
        "scenes:occlusion, scenes:dials (one of each difficulty), scenes:dials:0-4 (five of each)",
    )
    command.add_argument(
        "--tracker",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="trackers, or NAME:option=value; all that this machine has if not given",
    )
    command.add_argument("--out", metavar="FOLDER", help="keep boxes and times, tables and plots")
    command.add_argument("--jobs", type=int, metavar="N", help="processes; as many as cores")
    command.add_argument("--frames", type=int, metavar="N", help="of each sequence; all of them")
    command.add_argument("--each", action="store_true", help="also a table of the sequences")
    command.set_defaults(run=_evaluate)

    _add_track(commands)

    command = commands.add_parser("train", help="train a shipped network again, write its card")
    command.add_argument(
        "network", choices=NETWORKS, help="five to seventy minutes each on two cores"
    )
    command.add_argument("--out", metavar="FOLDER", help="where to write; the project's own data/")
    command.add_argument("--quick", action="store_true", help="a few steps, to see that it runs")
    command.set_defaults(run=_train)
    return parser


def _add_track(commands: Any) -> None:
    command = commands.add_parser(
        "track",
        help="follow something through your own video",
        description="Follows one object or many through a video, and writes the video with boxes, "
        "trails and speeds, a table, or MOTChallenge's text. Ctrl-C keeps what was followed.",
        epilog="Not for finding out who somebody is, nor for watching people who have not agreed.",
    )
    command.add_argument(
        "source",
        metavar="SOURCE",
        help="a video file, a folder of images (OTB, VOT, MOTChallenge too), or a webcam's number",
    )
    command.add_argument(
        "--tracker",
        default="recurrent",
        metavar="NAME",
        help="of one object: recurrent (if not given), template, mosse, opencv-mil, ...; of many: "
        "sort, rnn-sort",
    )
    start = command.add_mutually_exclusive_group()
    start.add_argument(
        "--box",
        type=_box,
        metavar="X,Y,W,H",
        help="around the object in the first frame, in pixels from 0; without it, it is drawn with "
        "the mouse",
    )
    start.add_argument(
        "--detect",
        metavar="NAME",
        help="let a detector start: faces, people, moving (before a camera that stands still), "
        "shapes, thumbnails, or file (det/det.txt of a MOTChallenge folder)",
    )
    command.add_argument(
        "--out",
        nargs="+",
        action="extend",
        required=True,
        metavar="RESULT",
        help="files that end in .mp4 (drawn), .csv (a table) or .txt (MOTChallenge)",
    )
    command.add_argument("--frames", type=int, metavar="N", help="at most; of a webcam, too")
    command.add_argument("--fps", type=float, help="frames a second, instead of what the file says")
    command.add_argument(
        "--metres-per-pixel", type=float, metavar="M", help="a scale, for speeds in km/h"
    )
    command.add_argument(
        "--line", type=_numbers, metavar="X1,Y1,X2,Y2", help="count who crosses this line"
    )
    command.add_argument("--trail", type=float, metavar="S", help="seconds of the past to draw")
    command.add_argument("--quality", type=float, metavar="0-100", help="of the video")
    command.set_defaults(run=_track)


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--box -5,2,30,40` as `--box=-5,2,30,40`, or argparse takes the numbers for an option."""
    joined: list[str] = []
    for one in arguments:
        if joined and joined[-1] in ("--box", "--line") and re.match(r"-[.\d]", one):
            joined[-1] += f"={one}"
        else:
            joined.append(one)
    return joined


def _numbers(text: str) -> list[float]:
    """Four numbers, as somebody types them."""
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"{text!r}, wanted four numbers, as in 310,120,50,140")
    return numbers


def _box(text: str) -> list[float]:
    """A box as it is typed, x, y, width and height, as corners."""
    x, y, w, h = _numbers(text)
    if not (w > 0 and h > 0):
        raise argparse.ArgumentTypeError(f"{text!r}, wanted X,Y,W,H with a width and a height")
    return [x, y, x + w, y + h]


def _doctor(parsed: argparse.Namespace) -> int:
    from tracklab import doctor

    found = doctor.report(network=parsed.network, tensorflow=not parsed.quick)
    print(found.to_json() if parsed.json else found)
    return 1 if found.status == doctor.BROKEN else 0


def _lessons(_: argparse.Namespace) -> int:
    import json

    folder = lessons_folder()
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["tracklab"]
            line = f"{path.stem[:2]}  {about['title']:<44} {about['minutes']:>3} minutes"
        except (OSError, ValueError, KeyError, TypeError):
            line = f"{path.stem[:2]}  {path.stem[3:].replace('_', ' ')}"
        print(line)
    print("\nOpen them with 'make lab', or with 'jupyter lab notebooks'.")
    return 0


def lessons_folder() -> Path:
    """The folder of the lessons; raises `MissingError` where only the package is installed."""
    folder = Path(tracklab.__file__).resolve().parent.parent / "notebooks"
    if not any(folder.glob("[0-9][0-9]_*.ipynb")):
        from tracklab.errors import MissingError

        raise MissingError(
            "the lessons are not here: they come with the repository, not with the package"
        )
    return folder


def _explore(parsed: argparse.Namespace) -> int:
    from tracklab import errors, explorers

    if parsed.name is None:
        for name in explorers.NAMES:
            print(name)
        print("\nOpen one with 'python -m tracklab explore NAME'.")
        return 0
    errors.choice("name", parsed.name, explorers.NAMES)
    return _open_notebook(
        f"explore_{parsed.name}",
        f"from tracklab import explore\n\nexplore({parsed.name!r})",
        "Run the cell (Shift + Enter), then move the controls.",
    )


def _evaluate(parsed: argparse.Namespace) -> int:
    from tracklab import evaluation

    report = evaluation.run(
        parsed.sequence,
        parsed.tracker,
        out=parsed.out,
        jobs=parsed.jobs,
        frames=parsed.frames,
        say=lambda line: print(f"tracklab: {line}", file=sys.stderr),
    )
    print(f"\n{report}")
    if parsed.each:
        print(f"\n{report.each()}")
    if parsed.out is not None:
        from tracklab.plots import evaluation as pictures

        folder = Path(parsed.out).expanduser()
        files = report.save(folder) + pictures.save(report, folder, each=parsed.each)
        names = dict.fromkeys(path.relative_to(folder).parts[0] for path in files)
        print(f"\nIn {parsed.out}: {', '.join(names)}, and a folder for each tracker")
    return INCOMPLETE if report.problems else 0


def _track(parsed: argparse.Namespace) -> int:
    # one frame at a time fills one core, and the other ones decode, draw and encode
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    from tracklab import following, trackers
    from tracklab.following.window import draw_box

    options = {
        name: getattr(parsed, name)
        for name in ("trail", "quality")
        if getattr(parsed, name) is not None
    }
    ask = None
    if parsed.box is None and parsed.detect is None and parsed.tracker not in trackers.MANY:
        ask = draw_box

    def say(line: object) -> None:
        print(f"tracklab: {line}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", ".* stands in$")  # each damaged frame is told of anyway
        warnings.showwarning = lambda message, *_, **__: say(message)
        done = following.track(
            parsed.source,
            parsed.tracker,
            box=parsed.box,
            ask=ask,
            detect=parsed.detect,
            out=parsed.out,
            fps=parsed.fps,
            frames=parsed.frames,
            metres_per_pixel=parsed.metres_per_pixel,
            line=parsed.line,
            say=say,
            **options,
        )
    print(done)
    if done.stopped:
        return STOPPED
    return INCOMPLETE if done.problems else 0


def _train(parsed: argparse.Namespace) -> int:
    if parsed.network == "classifier":
        from tracklab.models import classifier

        classifier.train(parsed.out, quick=parsed.quick)
    elif parsed.network == "motion":
        from tracklab import motion

        motion.train_shipped(_errors_of, parsed.out, quick=parsed.quick)
    elif parsed.network == "shapes":
        from tracklab.models import shapes

        shapes.train_shipped(parsed.out, quick=parsed.quick)
    elif parsed.network == "siamese":
        from tracklab.models import siamese

        scenes = QUICK_SCENES if parsed.quick else JUDGED_SCENES
        judge = functools.partial(_followed, scenes=scenes)
        siamese.train_shipped(judge, parsed.out, quick=parsed.quick)
    else:
        from tracklab.models import detector

        detector.train_shipped(_precision, parsed.out, name=parsed.network, quick=parsed.quick)
    return 0


def _precision(found: list[Detections], truth: BoxedImages) -> dict[str, float]:
    """The figures of a detector that its card holds."""
    from tracklab.metrics import detection

    result = detection.evaluate(found, truth.objects, truth.class_names)
    return {"AP50": result.ap50, "AP": result.ap}


def _errors_of(model: MotionModel, found: Observed) -> dict[str, float]:
    """The figures of a motion model that its card holds."""
    from tracklab import motion
    from tracklab.metrics.motion import ALL, evaluate

    run = motion.run(model, found.detections)
    blind = motion.coast(model, found.detections, (15, 25, 35), 20)
    table = evaluate(run, found.boxes, found.velocities, coasted=blind)
    return {f"{name} (px)": value for name, value in table[ALL].items()}


def _followed(network: Running, scenes: str) -> dict[str, float]:
    """The figures of a tracker's network that its card holds."""
    from tracklab import trackers
    from tracklab.evaluation import objects
    from tracklab.metrics import single
    from tracklab.trackers.recurrent import RecurrentTracker

    clips = [one.clip() for one in objects.find([scenes])[0]]
    figures = {}
    for state, stateless in {"": False, ", without state": True}.items():
        judged = {}
        for clip in clips:
            track = trackers.run(RecurrentTracker(network=network, stateless=stateless), clip)
            judged[clip.name] = (track, clip.truth)
        found = single.evaluate_all(judged).combined
        figures[f"success AUC, scenes{state}"] = found.auc
        figures[f"precision at 20 px, scenes{state}"] = found.p20
    return figures


def _open_notebook(stem: str, code: str, words: str) -> int:
    """Open a notebook of one cell in JupyterLab, in a folder of its own that goes afterwards."""
    import json
    import subprocess
    import tempfile

    cells = [
        {"cell_type": "markdown", "id": "words", "metadata": {}, "source": words},
        {
            "cell_type": "code",
            "id": "code",
            "metadata": {},
            "source": code,
            "outputs": [],
            "execution_count": None,
        },
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    with tempfile.TemporaryDirectory(prefix="tracklab-") as folder:
        path = Path(folder) / f"{stem}.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        print(f"JupyterLab opens {path.name}; Ctrl-C here ends it.", file=sys.stderr)
        command = [sys.executable, "-m", "jupyterlab", str(path)]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")  # root in a container, whom JupyterLab refuses
        return subprocess.run(command).returncode
