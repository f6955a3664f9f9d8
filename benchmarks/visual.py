"""Trackers of one object beside OpenCV's: real sequences, scenes of each difficulty, speed.

    python -m benchmarks.visual                                       everything at hand
    python -m benchmarks.visual --trackers mosse opencv-csrt --scenes 0
    python -m benchmarks.visual --write                               store the results in data/

Each tracker is told the first box of a sequence and nothing more, and runs to its end (OTB's
one-pass evaluation; `metrics.single`). OpenCV's trackers that `opencv-python` lacks run in the
environment that `make contrib` makes; each of OpenCV's runs in a process of its own, so that one
that ends it takes nothing along. CPU time is that of the tracker alone, decoding excluded, with one
thread in OpenCV and one in TensorFlow: windows as small as a tracker's gain nothing from more.

The recurrent tracker runs as it comes with the course, without its state (the same network), and
as lesson 07 trains it in a minute.

Real sequences: the folders in `--folder`, whole. Scenes: `--scenes` of each dial, from seeds and
pictures that no training uses.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from tracklab import clips, datasets, errors, scenes, trackers, video

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "data" / "results" / "visual.json"
SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data")) / "sequences"
CONTRIB = ROOT / ".venv-contrib" / "bin" / "python"

OWN = tuple(name for name in trackers.NAMES if not name.startswith("opencv-"))
STATELESS = "recurrent:stateless=True"
MINUTE, MINUTE_CPU = "a minute's training", 70.0  # CPU seconds
OPENCVS = ("mil", "kcf", "csrt", "mosse", "medianflow", "boosting", "tld")
BEATEN = "opencv-csrt"  # the one that others are measured by
# OTB's difficulties, as far as scenes have them, and two that are a tracker's as well
STRENGTH = 0.7
SCENE: dict[str, Any] = {"frames": 60, "size": (240, 320), "objects": 1, "speed": (2.0, 5.5)}
FIRST_SEED = scenes.TEST_SEED + 7000  # a hundred for each dial
WELL_SEEN = 0.95  # of the object, in the first frame
SPEED: dict[str, Any] = {
    "seed": 3,
    "frames": 80,
    "size": (360, 640),
    "objects": 1,
    "object_size": 60.0,
    "speed": (3.0, 6.0),
}


class Sequence(NamedTuple):
    """A clip with the truth of its first object, and what is difficult about it."""

    name: str
    clip: clips.Clip
    attributes: tuple[str, ...] = ()


def real(folder: Path) -> Iterator[Sequence]:
    """The sequences of a folder, whole."""
    for path in sorted(one for one in folder.glob("*") if one.is_dir()):
        clip = video.read_clip(path)
        if clip.truth is not None and len(clip.truth.ids):
            yield Sequence(path.name, clip)


@functools.cache
def pictures() -> datasets.Images:
    """What the objects of scenes show; it says in a line what it is."""
    return datasets.cifar10()


def difficult(count: int) -> Iterator[Sequence]:
    """Scenes of each dial; the object is well seen at first."""
    if not count:
        return
    kinds = pictures().class_names
    sprites = scenes.Thumbnails(pictures().test_images, pictures().test_labels, kinds)
    for place, dial in enumerate(scenes.DIFFICULTIES):
        seed = FIRST_SEED + 100 * place
        for number in range(count):
            turned = {dial: STRENGTH}
            clip = scenes.render(seed, sprites=sprites, **SCENE, **turned)
            while clip.truth.visibility[0, 0] < WELL_SEEN:
                seed += 1
                clip = scenes.render(seed, sprites=sprites, **SCENE, **turned)
            seed += 1
            yield Sequence(f"{dial} {number}", clip, (dial,))


def at_640x360() -> Iterator[Sequence]:
    yield Sequence("640x360", scenes.render(**SPEED))


def sources(options: argparse.Namespace) -> dict[str, Any]:
    """What to run through, by its name; each is a function, so that frames are made when wanted."""
    return {
        "sequences": lambda: real(Path(options.folder)),
        "scenes": lambda: difficult(options.scenes),
        "speed": at_640x360,
    }


# running


def follow(name: str, options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Boxes and times of a tracker on everything, as flat arrays: `part/sequence/what`."""
    cv2.setNumThreads(1)
    found = {}
    for part, make in sources(options).items():
        for one in make():
            box = one.clip.truth.boxes[0, 0]
            try:
                track = trackers.run(make_tracker(name), one.clip, box)
            except errors.InputError as error:  # OpenCV cannot start on every box
                found[f"{part}/{one.name}/refused"] = np.array(str(error))
                continue
            for what in ("boxes", "seconds", "cpu_seconds"):
                found[f"{part}/{one.name}/{what}"] = getattr(track, what)
    return found


def make_tracker(name: str) -> trackers.Tracker:
    """A tracker by its name; those that need more than OpenCV's environment has, load it here."""
    if name == MINUTE:
        return after_a_minute()
    if name == STATELESS:
        return trackers.create("recurrent", stateless=True)
    return trackers.create(name)


def after_a_minute() -> trackers.Tracker:
    """The recurrent tracker, without a cell, with a network trained as in lesson 07."""
    from tracklab.trackers.recurrent import RecurrentTracker

    return RecurrentTracker(network=a_minutes_network())


@functools.cache
def a_minutes_network() -> Any:
    from tracklab.datasets import moved
    from tracklab.models import siamese

    network = siamese.Siamese.small()
    pairs = siamese.Pairs(moved.Stills.cifar10(10_000), batch_size=8)
    siamese.train(network, pairs, cpu_seconds=MINUTE_CPU, progress=False)
    return siamese.Running(network, None)


def python_for(name: str) -> Path | None:
    """The Python whose OpenCV has this tracker; None where there is none yet."""
    if name in (*OWN, STATELESS, MINUTE, *trackers.available()):
        return Path(sys.executable)
    return CONTRIB if CONTRIB.is_file() and name.removeprefix("opencv-") in OPENCVS else None


def apart(name: str, python: Path, options: argparse.Namespace) -> dict[str, np.ndarray] | str:
    """What `follow` returns, from a process of its own; or why there is nothing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tracks.npz"
        told = ["--folder", options.folder, "--scenes", str(options.scenes)]
        command = [str(python), "-m", "benchmarks.visual", "--into", str(out), *told]
        done = subprocess.run(
            [*command, "--trackers", name], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode or not out.is_file():
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            return f"failed: {last}"
        with np.load(out) as stored:
            return {key: stored[key] for key in stored.files}


# judging


def judge(tracks: dict[str, dict[str, np.ndarray]], options: argparse.Namespace) -> dict[str, Any]:
    """`metrics.single` of every tracker, part by part: `part -> tracker -> Results`."""
    from tracklab.metrics import single

    judged: dict[str, Any] = {}
    for part, make in sources(options).items():
        known = {one.name: (one.clip.truth, one.clip.size, one.attributes) for one in make()}
        for name, found in tracks.items():
            results, refused = {}, []
            for sequence, (truth, size, attributes) in known.items():
                key = f"{part}/{sequence}"
                if f"{key}/refused" in found:
                    refused.append(sequence)
                    continue
                results[sequence] = single.evaluate(
                    found[f"{key}/boxes"],
                    truth.boxes[:, 0],
                    seconds=found[f"{key}/seconds"],
                    cpu_seconds=found[f"{key}/cpu_seconds"],
                    size=size,
                    attributes=attributes,
                )
            if refused:
                print(f"{name} cannot start on {', '.join(refused)}")
            if results:
                judged.setdefault(part, {})[name] = single.evaluate_all(results)
    return judged


def tell(judged: dict[str, Any]) -> None:
    """Print the tables."""
    from tracklab.metrics import single

    if "sequences" in judged:
        results = judged["sequences"]
        frames = sum(part.frames for part in next(iter(results.values())).parts.values())
        print(f"\n{len(next(iter(results.values())).parts)} real sequences, {frames:,} frames")
        print(single.table(results, ranked=True))
        columns(results, "AUC")
        columns(results, "P20")
    else:
        print("no real sequences at hand: --folder names a folder of them (OTB, VOT)")
    if "scenes" in judged:
        by_dial = {name: found.by_attribute() for name, found in judged["scenes"].items()}
        print("\nscenes, AUC by dial")
        print(f"{'':18}" + "".join(f"{short(name):>14}" for name in by_dial))
        for dial in next(iter(by_dial.values())):
            row = "".join(f"{found[dial].auc:14.3f}" for found in by_dial.values())
            print(f"{dial:18}{row}")
        print(f"{'all':18}" + "".join(f"{f.combined.auc:14.3f}" for f in judged["scenes"].values()))
    results = judged["speed"]
    print("\n640 x 360, one object of 60 pixels")
    for name, found in results.items():
        one = found.combined
        ratio = ""
        if BEATEN in results and one.cpu_ms > 0.01:
            ratio = f"   {results[BEATEN].combined.cpu_ms / one.cpu_ms:8.1f} times {BEATEN}"
        print(f"{name:18} {one.frames_per_second:8.0f} frames/s {one.cpu_ms:8.2f} CPU ms{ratio}")


def short(name: str) -> str:
    """A tracker's name at the head of a column."""
    known = {STATELESS: "stateless", MINUTE: "a minute"}
    return known.get(name, name.replace("opencv-", "cv-"))


def columns(results: dict[str, Any], figure: str) -> None:
    """One figure, a row a sequence and a column a tracker."""
    names = list(next(iter(results.values())).parts)
    print(f"\n{figure:18}" + "".join(f"{short(name):>14}" for name in results))
    for sequence in names:
        shown = (found.figures(figure).get(sequence, np.nan) for found in results.values())
        print(f"{sequence:18}" + "".join(f"{value:14.3f}" for value in shown))


def stored(judged: dict[str, Any], absent: dict[str, str]) -> dict[str, Any]:
    """What is written: figures and curves of each tracker, by sequence and by dial."""
    from tracklab.models import weights

    kept: dict[str, Any] = {
        "machine": weights.machine(),
        "versions": weights.versions() | {"opencv": cv2.__version__},
        "absent": absent,
    }
    if "scenes" in judged:
        kept["pictures"] = pictures().name
    for part, results in judged.items():
        kept[part] = {}
        for name, found in results.items():
            row = {"all": rounded(found.combined.as_dict())}
            if part == "sequences":
                row["frames"] = {key: one.frames for key, one in found.parts.items()}
                row["parts"] = {
                    key: rounded({"AUC": one.auc, "P20": one.p20, "CPU ms": one.cpu_ms})
                    for key, one in found.parts.items()
                }
                row["success"] = found.combined.success.round(4).tolist()
                row["precision"] = found.combined.precision.round(4).tolist()
            if part == "scenes":
                row["dials"] = {
                    key: rounded({"AUC": one.auc, "P20": one.p20})
                    for key, one in found.by_attribute().items()
                }
            kept[part][name] = row
    return kept


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items() if np.isfinite(value)}


def main() -> None:
    # read when TensorFlow is first loaded, which has not happened yet
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*OWN, STATELESS, MINUTE, *(f"opencv-{kind}" for kind in OPENCVS)]
    parser.add_argument("--trackers", nargs="+", default=names, choices=names, metavar="NAME")
    parser.add_argument("--folder", default=str(SHARED), help="of OTB and VOT sequences")
    parser.add_argument("--scenes", type=int, default=6, help="of each dial")
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    parser.add_argument("--into", help=argparse.SUPPRESS)  # a process of one tracker writes here
    options = parser.parse_args()
    if options.into:
        with open(options.into, "wb") as file:
            np.savez(file, **follow(options.trackers[0], options))
        return
    tracks, absent = {}, {}
    for name in options.trackers:
        python = python_for(name)
        if python is None:
            absent[name] = "wants the environment that 'make contrib' makes"
        elif not name.startswith("opencv-"):
            tracks[name] = follow(name, options)
        else:
            found = apart(name, python, options)
            if isinstance(found, str):
                absent[name] = found
            else:
                tracks[name] = found
        print(f"{name}: {absent.get(name, 'done')}", flush=True)
    if not tracks:
        return
    judged = judge(tracks, options)
    tell(judged)
    if options.write:
        from tracklab.models import weights

        weights.write_text(RESULTS, json.dumps(stored(judged, absent), indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
