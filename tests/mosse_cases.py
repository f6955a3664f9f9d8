"""Easy scenes on which OpenCV's MOSSE was run, and what it said: `tests/mosse_reference.json`.

OpenCV's own is in its contrib package only. To run it again, in the environment of `make contrib`:

    .venv-contrib/bin/python -m tests.mosse_cases
"""

from __future__ import annotations

import json
from pathlib import Path

from tracklab import scenes, trackers

ANSWERS = Path(__file__).resolve().parent / "mosse_reference.json"
SEEDS = range(8)
FRAMES = 25


def scene(seed):
    """One object on a straight way over a texture, with exact truth."""
    return scenes.render(
        seed, FRAMES, (200, 260), 1, object_size=48.0, speed=2.0, motion="constant velocity"
    )


def run(name):
    """Boxes xyxy, to a tenth of a pixel, of each scene by its seed."""
    return {
        str(seed): trackers.run(name, scene(seed)).boxes.astype(float).round(1).tolist()
        for seed in SEEDS
    }


def main():
    import cv2

    found = run("opencv-mosse")
    rows = ",\n".join(f'  "{seed}": {json.dumps(boxes)}' for seed, boxes in found.items())
    part = ANSWERS.with_suffix(".part")
    part.write_text(f'{{\n"opencv": "{cv2.__version__}",\n"boxes": {{\n{rows}\n}}\n}}\n')
    part.replace(ANSWERS)
    print(f"written: {ANSWERS.name}")


if __name__ == "__main__":
    main()
