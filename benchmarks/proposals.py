"""How many objects the proposals of each method cover at equal counts, and what they cost a frame.

    python -m benchmarks.proposals                   scenes, and BCCD where it is at hand
    python -m benchmarks.proposals --folder my_folder --split test --size 240 320

The external methods, and the region proposal network of the shipped detector, which was trained on
scenes like these (and on none of their frames). CPU milliseconds count all threads.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import datasets, errors, metrics, proposals

COUNTS = (10, 30, 100, 300, 768)
IOUS = (0.5, 0.7)
FRAMES = 100
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
BLOOD = Path(os.environ.get("TRACKLAB_SHARED", SHARED)) / "detection" / "BCCD" / "BCCD"

Method = Callable[[np.ndarray], Any]


def methods(most: int) -> dict[str, Method]:
    """What proposes up to `most` boxes in an image, by name."""
    return {
        "windows": lambda image: proposals.windows(*image.shape[:2], most),
        "segments": lambda image: proposals.segments(image, most),
    }


def network(most: int) -> dict[str, Method]:
    """The shipped detector's own proposals, or nothing and a line that says why."""
    try:
        from tracklab.models import detector

        model = detector.shipped()[0]
    except (ImportError, errors.TracklabError) as error:
        print(f"no region proposal network: {str(error).splitlines()[0]}")
        return {}
    return {"network": lambda image: model.propose(image, count=most).boxes}


def measure(name: str, images: datasets.BoxedImages, tried: dict[str, Method]) -> None:
    """One row a method: recall at each count and overlap, boxes found, and the cost of a frame."""
    for method, propose in tried.items():
        propose(images.images[0])
        cpu, wall = time.process_time(), time.perf_counter()
        found = [propose(image) for image in images.images]
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        cells = [
            " ".join(
                f"{100 * value:5.1f}"
                for value in metrics.detection.recall(
                    found, images.objects, iou=iou, counts=COUNTS
                ).values()
            )
            for iou in IOUS
        ]
        boxes = np.mean([len(one) for one in found])
        each = 1000 / len(images)
        print(f"{name:8} {method:9} {'   '.join(cells)} {boxes:7.0f} {cpu * each:8.2f}", end="")
        print(f" {wall * each:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each kind of scene")
    parser.add_argument("--folder", default=str(BLOOD), help="a Pascal VOC folder")
    parser.add_argument("--split", default=None, help="of the folder")
    parser.add_argument("--size", type=int, nargs=2, default=(240, 320), help="height, width")
    options = parser.parse_args()
    tried = methods(COUNTS[-1])
    learned = network(COUNTS[-1])
    counts = " ".join(f"{count:5}" for count in COUNTS)
    wide = len(counts)
    heads = "   ".join(f"{f'% found at IoU {iou}':{wide}}" for iou in IOUS)
    print(f"{'':18} {heads}")
    print(f"{'images':8} {'method':9} {'   '.join([counts] * len(IOUS))} {'boxes':>7}", end="")
    print(f" {'CPU ms':>8} {'wall ms':>8}")
    for kind in ("plain", "hard"):
        scenes = datasets.boxed_scenes(kind, options.frames, part="test")
        measure(kind, scenes, tried | learned)
    if options.folder == str(BLOOD) and not BLOOD.is_dir():
        print("no real images: BCCD is not beside the checkout, and no --folder was given")
        return
    split = options.split or ("test" if options.folder == str(BLOOD) else None)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        images = datasets.voc(options.folder, split, size=tuple(options.size))
    measure(images.name.split()[0][:8], images[: options.frames], tried)


if __name__ == "__main__":
    main()
