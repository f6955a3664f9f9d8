"""Trackers of many objects that differ in the motion model alone: who keeps identities?

    python -m benchmarks.tracking                    crowds, speed, and MOT sequences at hand
    python -m benchmarks.tracking --crowds 30 --write

Crowds are held out: their paths come from seeds that no motion model was trained on. All trackers
get the same detections. `--write` stores the results in the project's `data/`.

Real sequences: the MOTChallenge folders in `--folder`, from their public detections (`det.txt`).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tracklab
from tracklab import datasets, metrics, motion
from tracklab.detections import Detections
from tracklab.models import weights
from tracklab.trackers.sort import SortTracker

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "data" / "results" / "tracking.json"
SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data")) / "mot"
COASTED = (0, 10)  # frames that an unseen track is still reported
COLUMNS = ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "switches", "frag", "FP", "FN")
BASELINE = "kalman"
LONG = 1000  # frames of the crowd by which speed is measured


def tracks_of(
    model: str, detections: Sequence[Detections], size: tuple[int, int], **options: Any
) -> list[Any]:
    """A clip's tracks with one of the motion models."""
    tracker = SortTracker(model, size=size, **options)
    return [tracker.update(found) for found in detections]


def crowds(count: int, coast: int, models: Sequence[str]) -> dict[str, Any]:
    """Results of every motion model on the same crowds."""
    made = [datasets.crowd(seed=seed) for seed in range(count)]
    found = {}
    for model in models:
        judged = {
            f"crowd {k}": (one.truth, tracks_of(model, one.detections, one.size, coast=coast))
            for k, one in enumerate(made)
        }
        found[model] = metrics.multi.evaluate_all(judged)
    return found


def table(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Print and return a row for each model: all crowds together, and paired differences."""
    rows = []
    against = BASELINE if BASELINE in found else next(iter(found))
    heads = "".join(f"{name:>9}" for name in COLUMNS)
    print(f"{'motion model':20}{heads}   IDF1 - that of {against}")
    for model, results in found.items():
        values = results.combined.as_dict()
        pairs = np.array(
            [
                part.idf1 - other.idf1
                for part, other in zip(
                    results.parts.values(), found[against].parts.values(), strict=True
                )
            ]
        )
        error = float(pairs.std(ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else 0.0
        said = "".join(
            f"{values[name]:9d}" if isinstance(values[name], int) else f"{values[name]:9.3f}"
            for name in COLUMNS
        )
        print(f"{model:20}{said}   {pairs.mean():+.3f} ± {error:.3f}", flush=True)
        row = {name: values[name] for name in COLUMNS}
        rows.append({"model": model, **row, "idf1_gain": float(pairs.mean()), "error": error})
    return rows


def speed(models: Sequence[str]) -> dict[str, dict[str, float]]:
    """Frames a CPU second with ten objects: the whole tracker, and association alone."""
    from tracklab.trackers import association

    one = datasets.crowd(10, LONG)
    predicted = np.nan_to_num(one.truth.boxes, nan=0.0)
    same = [np.ones((10, len(found)), bool) for found in one.detections]
    start = time.process_time()
    for boxes, found, alike in zip(predicted, one.detections, same, strict=True):
        association.by_overlap(boxes, found.boxes, alike, least=0.2)
    rates = {"association alone": LONG / (time.process_time() - start)}
    for model in models:
        start = time.process_time()
        tracks_of(model, one.detections, one.size)
        rates[model] = LONG / (time.process_time() - start)
    for name, rate in rates.items():
        print(f"{name:20} {rate:7.0f} frames a CPU second, 10 objects")
    return rates


def real(folder: Path, models: Sequence[str]) -> dict[str, Any]:
    """MOT sequences from their public detections."""
    stored: dict[str, Any] = {}
    for path in sorted(p for p in folder.glob("*") if (p / "det" / "det.txt").is_file()):
        clip = tracklab.read_clip(path)
        if clip.truth is None:
            print(f"{path.name}: no truth (gt/gt.txt), nothing to judge by")
            continue
        height, width = clip.frames[0].shape[:2]
        detections = [Detections.from_rows(rows) for rows in clip.detections]
        print(f"{path.name}: {len(clip)} frames, {sum(map(len, detections)):,} detections")
        for coast in COASTED:
            found = {}
            for model in models:
                tracks = tracks_of(model, detections, (height, width), coast=coast)
                found[model] = metrics.multi.evaluate_all({path.name: (clip.truth, tracks)})
            print(f"unseen tracks reported for {coast} frames")
            stored[f"{path.name}, {coast}"] = table(found)
    return stored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crowds", type=int, default=10)
    parser.add_argument("--folder", default=str(SHARED), help="of MOTChallenge sequences")
    parser.add_argument("--models", nargs="+", default=list(motion.NAMES))
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    options = parser.parse_args()
    stored: dict[str, Any] = {}
    for coast in COASTED:
        print(f"{options.crowds} crowds, unseen tracks reported for {coast} frames")
        stored[f"crowds, {coast}"] = table(crowds(options.crowds, coast, options.models))
    stored["speed"] = speed(options.models)
    stored["real"] = real(Path(options.folder), options.models)
    if not stored["real"]:
        print("no MOTChallenge sequences at hand")
    if options.write:
        about = {"machine": weights.machine(), "versions": weights.versions()}
        weights.write_text(RESULTS, json.dumps(about | stored, indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
