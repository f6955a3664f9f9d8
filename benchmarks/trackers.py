"""Trackers of one object: milliseconds a frame at 640 x 360, and mean overlap in scenes.

    python -m benchmarks.trackers

Those that this environment has; `benchmarks.visual` runs all, on real sequences too.
"""

from __future__ import annotations

import time

import numpy as np

from tracklab import boxes as bx
from tracklab import scenes, trackers

SIZE, FRAMES, REPEATS = (360, 640), 80, 3
JUDGED = ("plain", "hard", *scenes.DIALS)
CLIPS = 2


def cost(name, clip):
    """Least CPU and wall milliseconds a frame over a few runs."""
    cpu, wall = [], []
    for _ in range(REPEATS):
        begin = time.process_time()
        track = trackers.run(name, clip)
        cpu.append(time.process_time() - begin)
        wall.append(track.seconds.sum())
    return 1000 * min(cpu) / FRAMES, 1000 * min(wall) / FRAMES


def mean_overlap(name):
    """Mean overlap over the standard scenes with one object."""
    found = []
    for scene in JUDGED:
        for variant in scenes.STANDARD[scene].variants(CLIPS):
            clip = variant.render()
            inside = trackers.run(name, clip).inside(*clip.size)
            overlaps = np.diag(bx.iou(inside.boxes, clip.truth.boxes[:, 0]))
            found.append(overlaps[clip.truth.present[:, 0]].mean())
    return float(np.mean(found))


def main():
    clip = scenes.render(
        seed=3, frames=FRAMES, size=SIZE, objects=1, object_size=60.0, speed=(3.0, 6.0)
    )
    print(f"{'tracker':18} {'CPU ms':>7} {'wall ms':>8} {'x template':>11} {'mean overlap':>13}")
    reference = cost("template", clip)[0]
    for name in trackers.available():
        cpu, wall = cost(name, clip)
        overlap = mean_overlap(name)
        print(f"{name:18} {cpu:7.2f} {wall:8.2f} {cpu / reference:11.2f} {overlap:13.3f}")


if __name__ == "__main__":
    main()
