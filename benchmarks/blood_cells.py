"""Faster R-CNN on photographs: blood cells under a microscope, through the same `train`.

    python -m benchmarks.blood_cells PATH           PATH: the folder with JPEGImages and Annotations
    python -m benchmarks.blood_cells PATH --seeds 0 1 2 --write

Trains on the `trainval` split and is judged on `test`; `--choose` trains on `train` and judges on
`val`, to choose settings by. The labels of this set are incomplete, so some of what counts as a
false alarm is a cell. `--write` stores the results in the project's `data/`.

The data: Shenggan, BCCD_Dataset, on GitHub (MIT licence).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import datasets, metrics, plots
from tracklab.models import detector, weights

RESULTS = Path(__file__).resolve().parent.parent / "data" / "results" / "blood_cells.json"
SIZE = (240, 320)  # half of the photographs' sides
SIZES = (22.0, 50.0, 100.0)  # of anchors: platelets, red cells, white cells
CPU_SECONDS = 500.0
LOOKED_AT = 10  # test images whose milliseconds are measured
POINTS = 60  # kept of each curve


def one(path: str, seed: int, splits: tuple[str, str], budget: dict[str, float]) -> Any:
    """A trained detector, the set it is judged on, what it found, and its figures."""
    images, held_out = (datasets.voc(path, split, size=SIZE) for split in splits)
    print(images, held_out, sep="\n")
    model = detector.build("faster", images.class_names, seed=seed, sizes=SIZES, count=96)
    curves = detector.train(model, images, seed=seed, progress=True, **budget)
    found = model.detect_all(held_out)
    result = metrics.detection.evaluate(found, held_out.objects, held_out.class_names)
    print(result, flush=True)
    start = time.process_time()
    for image in held_out.images[:LOOKED_AT]:
        model.detect(image)
    row = {
        "seed": seed,
        "splits": splits,
        "ap50": result.ap50,
        "ap": result.ap,
        "per_class": {name: each.ap50 for name, each in result.per_class.items()},
        "seconds": float(curves.seconds[-1]),
        "cpu_seconds": float(curves.cpu_seconds[-1]),
        "steps": len(curves),
        "milliseconds": 1000 * (time.process_time() - start) / LOOKED_AT,
        "loss": [float(f"{v:.4g}") for v in curves.smooth(POINTS).loss],
    }
    return model, held_out, found, row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", help="a Pascal VOC folder; without one nothing runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--choose", action="store_true", help="train and val instead")
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    parser.add_argument("--picture", help="where to write one with detections (not stored)")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see it run")
    options = parser.parse_args()
    if options.path is None:
        print("no folder named, nothing measured: see --help")
        return
    splits = ("train", "val") if options.choose else ("trainval", "test")
    budget: dict[str, float] = {"steps": 3} if options.quick else {"cpu_seconds": CPU_SECONDS}
    rows = []
    for seed in options.seeds:
        _, held_out, found, row = one(options.path, seed, splits, budget)
        rows.append(row)
        print({k: v for k, v in row.items() if k != "loss"}, flush=True)
        if options.picture:
            names = held_out.class_names
            frames = [
                plots.overlay(
                    image,
                    each.above(0.5).boxes,
                    labels=[names[k] for k in each.above(0.5).labels],
                    scale=2.0,
                )
                for image, each in zip(held_out.images[:4], found[:4], strict=True)
            ]
            rgb = np.vstack([np.hstack(frames[:2]), np.hstack(frames[2:])])
            Path(options.picture).write_bytes(plots.encode_png(rgb))
    values = [row["ap50"] for row in rows]
    if len(rows) > 1:
        print(f"AP50 {np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} over {len(rows)} seeds")
    if options.write and not (options.quick or options.choose):
        about = {"data": "BCCD", "machine": weights.machine(), "versions": weights.versions()}
        weights.write_text(RESULTS, json.dumps(about | {"rows": rows}, indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
