"""Four detectors on the same scenes: AP, AP50, milliseconds by part; and the shipped ones.

    python -m benchmarks.detector                   prints only, one seed (about ten minutes)
    python -m benchmarks.detector --seeds 0 1 2 --write
    python -m benchmarks.detector --shipped         the shipped detectors alone (a minute)

Every training gets the same CPU time. `--write` stores the results in the project's `data/`.
Frames are held out: their scenes are never trained on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import datasets, errors, metrics, proposals
from tracklab.models import detector, weights

RESULTS = Path(__file__).resolve().parent.parent / "data" / "results" / "detector.json"
BUDGET = 107.0  # CPU seconds: what two cores spend in a minute of training
TRAIN, TEST = 3000, 200  # frames
COUNTS = (10, 30, 48, 100, 300, 768)  # of proposals
LOOKED_AT = 40  # frames whose milliseconds are measured


def trained(kind: str, scenes: str, seed: int, budget: dict[str, float]) -> tuple[Any, dict]:
    """A detector, and what it cost and reached on held-out frames of the same kind of scene."""
    images = datasets.boxed_scenes(scenes, TRAIN)
    model = detector.build(kind, images.class_names, seed=seed)
    curves = detector.train(model, images, seed=seed, progress=True, **budget)
    return model, {
        "kind": kind,
        "scenes": scenes,
        "seed": seed,
        "steps": len(curves),
        "seconds": float(curves.seconds[-1]),
        "cpu_seconds": float(curves.cpu_seconds[-1]),
        "weights": model.weights,
        **judged(model, scenes),
    }


def judged(model: Any, scenes: str, sprites: Any = "shapes") -> dict[str, float]:
    """AP and its kin on the held-out frames."""
    held_out = datasets.boxed_scenes(scenes, TEST, part="test", sprites=sprites)
    result = metrics.detection.evaluate(
        model.detect_all(held_out), held_out.objects, held_out.class_names
    )
    return {"ap": result.ap, "ap50": result.ap50, "ap75": result.ap75}


def speed(model: Any, sprites: Any = "shapes") -> dict[str, Any]:
    """CPU milliseconds a frame: alone, batched, and by part."""
    images = datasets.boxed_scenes("plain", LOOKED_AT, part="test", sprites=sprites).images
    model.detect(images[0])
    model.detect_all(images)
    start = time.process_time()
    for image in images:
        model.detect(image)
    alone = time.process_time()
    model.detect_all(images)
    batched = time.process_time()
    return {
        "alone": 1000 * (alone - start) / len(images),
        "batched": 1000 * (batched - alone) / len(images),
        "parts": detector.timings(model, images[0]),
    }


def recalls(model: Any, scenes: str) -> dict[str, dict[str, float]]:
    """Recall at IoU 0.5 of each way to propose, at equal counts."""
    held_out = datasets.boxed_scenes(scenes, TEST, part="test")
    most = max(COUNTS)
    windows = proposals.windows(*held_out.size, most)
    found = {
        "windows": [windows] * len(held_out),
        "segments": [proposals.segments(image, most) for image in held_out.images],
        "region proposal network": [
            model.propose(image, count=most).boxes for image in held_out.images
        ],
    }
    return {
        name: {
            str(count): value
            for count, value in metrics.detection.recall(
                each, held_out.objects, counts=COUNTS
            ).items()
        }
        for name, each in found.items()
    }


def line(row: dict[str, Any]) -> str:
    """One training as text."""
    return (
        f"{row['kind']:10} {row['scenes']:6} seed {row['seed']}: AP50 {row['ap50']:.3f}, "
        f"AP {row['ap']:.3f}, AP75 {row['ap75']:.3f}; {row['steps']} steps, "
        f"{row['seconds']:.0f} s, {row['cpu_seconds']:.0f} CPU-s, {row['weights']:,} weights"
    )


def spread(rows: list[dict[str, Any]]) -> str:
    """Mean and standard deviation of several seeds."""
    values = {name: [row[name] for row in rows] for name in ("ap50", "ap")}
    said = [f"{name} {np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for name, v in values.items()]
    return f"{rows[0]['kind']}, {rows[0]['scenes']}, {len(rows)} seeds: {', '.join(said)}"


def shipped() -> dict[str, Any]:
    """The shipped detectors on held-out frames of both kinds, judged anew, and their speed."""
    found: dict[str, Any] = {}
    for name in detector.NAMES:
        sprites = datasets.cifar10() if name == detector.THUMBNAILS else "shapes"
        if not getattr(sprites, "is_cifar", True):
            print(f"shipped {name}: no CIFAR-10 here to judge it on")
            continue
        try:
            model, card = detector.shipped(name)
        except errors.MissingError as reason:
            print(reason)
            continue
        found[name] = {
            "cpu_seconds": card.cpu_seconds,
            "weights": card.weights,
            **{scenes: judged(model, scenes, sprites) for scenes in ("plain", "hard")},
            "speed": speed(model, sprites),
        }
        for scenes in ("plain", "hard"):
            said = ", ".join(f"{key} {value:.3f}" for key, value in found[name][scenes].items())
            print(f"shipped {name}, {scenes} scenes: {said}")
        spent = found[name]["speed"]
        parts = ", ".join(f"{part} {ms:.2f}" for part, ms in spent["parts"].items())
        print(
            f"shipped {name}, CPU ms a frame: {spent['alone']:.1f} alone, "
            f"{spent['batched']:.1f} batched; {parts}",
            flush=True,
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of Faster R-CNN")
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    parser.add_argument("--shipped", action="store_true", help="only the shipped detectors")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see it run")
    options = parser.parse_args()
    if options.shipped:
        if options.write:
            parser.error("--write stores all results: not with --shipped")
        shipped()
        return
    budget: dict[str, float] = {"steps": 3} if options.quick else {"cpu_seconds": BUDGET}

    rows, models = [], {}
    for kind in ("rcnn", "fast", "one-stage"):
        models[kind], row = trained(kind, "plain", options.seeds[0], budget)
        rows.append(row)
        print(line(row), flush=True)
    for scenes in ("hard", "plain"):
        mine = []
        for seed in options.seeds:
            model, row = trained("faster", scenes, seed, budget)
            models["faster"] = model
            mine.append(row)
            print(line(row), flush=True)
        rows += mine
        if len(mine) > 1:
            print(spread(mine), flush=True)

    speeds = {kind: speed(models[kind]) for kind in detector.KINDS}
    for kind, found in speeds.items():
        parts = ", ".join(f"{part} {ms:.2f}" for part, ms in found["parts"].items())
        print(
            f"{kind:10} CPU ms a frame: {found['alone']:.1f} alone, {found['batched']:.1f} batched"
            f" ({speeds['rcnn']['alone'] / found['alone']:.1f} and "
            f"{speeds['rcnn']['alone'] / found['batched']:.1f} times as fast as R-CNN); {parts}"
        )
    recall = {scenes: recalls(models["faster"], scenes) for scenes in ("plain", "hard")}
    for scenes, table in recall.items():
        for name, found in table.items():
            said = "  ".join(f"{count}: {value:.3f}" for count, value in found.items())
            print(f"recall at IoU 0.5, {scenes}, {name}: {said}")
    stored = {"rows": rows, "speeds": speeds, "recall": recall, "shipped": shipped()}
    if options.write and not options.quick:
        about = {"machine": weights.machine(), "versions": weights.versions(), "budget": BUDGET}
        weights.write_text(RESULTS, json.dumps(about | stored, indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
