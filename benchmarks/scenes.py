"""How fast scenes are rendered: frames a second, wall and CPU seconds, on one core.

Run as `python -m benchmarks.scenes`. Each row renders the same number of frames of 128 x 128 with
five objects; the ratio compares it with the first row of the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2

from tracklab import scenes

FRAMES = 300
REPEATS = 3
OBJECTS_WITHOUT_PIXELS = 5000


def measure(work: Callable[[], Any]) -> tuple[float, float]:
    """The best wall and CPU seconds of a few runs."""
    runs = []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(run[0] for run in runs), min(run[1] for run in runs)


def main() -> None:
    cv2.setNumThreads(1)
    half = dict.fromkeys(scenes.DIALS, 0.5)
    cases: dict[str, dict[str, Any]] = {"default": {}}
    cases |= {f"{dial} 0.5": {dial: 0.5} for dial in scenes.DIALS}
    cases |= {
        "every dial 0.5": half,
        "every dial 1": dict.fromkeys(scenes.DIALS, 1.0),
        "256 x 256": {"size": (256, 256)},
        "20 objects": {"objects": 20},
    }
    scenes.render(frames=2)
    print(
        f"{'scene':24} {'frames/s':>9} {'frames/CPU-s':>13} {'wall s':>7} {'CPU s':>7} {'ratio':>6}"
    )
    first = None
    for name, options in cases.items():
        wall, cpu = measure(lambda options=options: scenes.render(frames=FRAMES, **options))
        first = first or cpu
        rates = f"{FRAMES / wall:9.0f} {FRAMES / cpu:13.0f}"
        print(f"{name:24} {rates} {wall:7.3f} {cpu:7.3f} {cpu / first:6.2f}")
    short, short_cpu = measure(lambda: scenes.render(frames=60))
    print(f"\na clip of 60 frames, from the call to the clip: {short:.3f} s, {short_cpu:.3f} CPU-s")
    wall, cpu = measure(lambda: scenes.trajectories(objects=OBJECTS_WITHOUT_PIXELS))
    print(
        f"{OBJECTS_WITHOUT_PIXELS} trajectories of 60 frames without pixels: "
        f"{wall:.3f} s, {cpu:.3f} CPU-s"
    )


if __name__ == "__main__":
    main()
