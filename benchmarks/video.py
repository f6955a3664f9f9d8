"""How fast frames become a video and come back, and how much memory reading takes.

Run as `python -m benchmarks.video`. All figures come from one run; CPU seconds count every core.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tracklab import overlay, show, video

SIZES = ((128, 128), (360, 640), (720, 1280))
LENGTHS = (500, 5_000)

PEAK = """
import sys
from tracklab import video
def peak():  # MiB; the kernel's own high-water mark of this process alone
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
clip = video.read_clip(sys.argv[1])
before = peak()
total = sum(int(frame[0, 0, 0]) for frame in clip.frames)
print(before, peak(), len(clip))
"""


def moving(count: int, height: int, width: int) -> Iterator[np.ndarray]:
    """A textured ground that drifts, and a square that crosses it."""
    rng = np.random.default_rng(0)
    small = rng.integers(40, 200, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    ground = small.repeat(8, 0).repeat(8, 1)[:height, :width]
    for number in range(count):
        frame = np.roll(ground, number, axis=1)
        x = number * 3 % (width - height // 4)
        frame[height // 3 : height // 3 + height // 4, x : x + height // 4] = (230, 160, 0)
        yield frame


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def row(name: str, count: int, wall: float, cpu: float, note: str = "") -> None:
    print(f"{name:34} {count / wall:9.0f} {count / cpu:12.0f}   {note}")


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    print(f"{'':34} {'frames/s':>9} {'frames/CPU-s':>12}")
    for height, width in SIZES:
        count = 300 if width < 1000 else 120
        frames = np.stack(list(moving(count, height, width)))
        path = folder / f"{width}.mp4"
        wall, cpu, _ = timed(lambda frames=frames, path=path: video.write(path, frames))
        size = f"{path.stat().st_size / count / 1024:.1f} KiB a frame"
        row(f"write {width} x {height}", count, wall, cpu, size)
        clip = video.read_clip(path)
        wall, cpu, _ = timed(lambda clip=clip: sum(1 for _ in clip.frames))
        row(f"read in order {width} x {height}", count, wall, cpu)
        clip = video.read_clip(path)
        asked = np.random.default_rng(1).integers(0, count, 60)
        wall, cpu, _ = timed(lambda clip=clip, asked=asked: [clip.frames[i] for i in asked])
        row(f"read at random {width} x {height}", 60, wall, cpu, f"{clip.frames.decoded} decoded")
        boxes = np.tile(np.float32([10, 10, 60, 60]), (count, 5, 1))
        boxes += np.arange(5)[None, :, None] * np.float32(12)
        drawn = overlay.annotate(frames, boxes, ids=range(5), trails=20)
        wall, cpu, _ = timed(lambda drawn=drawn: sum(1 for _ in drawn))
        row(f"draw 5 boxes, trails {width} x {height}", count, wall, cpu)
        wall, cpu, player = timed(
            lambda frames=frames, boxes=boxes: show.play(frames, boxes, ids=range(5), trails=20)
        )
        size = f"{len(player.mp4) / 1024:.0f} KiB in the notebook"
        row(f"play {width} x {height}", count, wall, cpu, size)

    if not Path("/proc/self/status").exists():
        print("\n(peak memory is measured on Linux only)")
        return
    print(f"\n{'read in order, own process':34} {'MiB before':>10} {'MiB peak':>9} {'growth':>8}")
    for count in LENGTHS:
        path = video.write(folder / f"{count}.mp4", moving(count, 360, 640))
        run = [sys.executable, "-c", PEAK, str(path)]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        before, after, found = (float(value) for value in done.stdout.split())
        assert found == count
        raw = count * 360 * 640 * 3 / 2**20
        name = f"{count} frames of 640 x 360 ({raw:.0f} MiB)"
        print(f"{name:34} {before:10.0f} {after:9.0f} {after - before:8.0f}")


if __name__ == "__main__":
    main()
