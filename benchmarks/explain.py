"""Methods of explanation on exact masks: do they point, do they hold, do they forget?

    python -m benchmarks.explain          prints only, a few cases (about two minutes)
    python -m benchmarks.explain --cases 160 24 24 24 --write        (about ten CPU minutes)

Four kinds of answers: the logit of a shape in a picture of two, a detector's score of its own
detection, its objectness at an anchor, and the visual tracker's map where it found the object; each
case of another scene. Beside the methods stand an edge detector, the image's middle, chance and the
mask itself. Then the cascade, layer by layer, and what is read out of the motion networks' states.
`--write` stores the results in the project's `data/`.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import boxes as bx
from tracklab import datasets, explain, motion, scenes, trackers
from tracklab.datasets import masked
from tracklab.explain import readout
from tracklab.explorers import attribution_subjects as subjects
from tracklab.models import detector, shapes, siamese, weights

RESULTS = Path(__file__).resolve().parent.parent / "data" / "results" / "explain.json"
CASES = (16, 3, 3, 3)
COMMAND = "python -m benchmarks.explain --cases 160 24 24 24 --write"
MOST_NOISY = 40  # cases of which SmoothGrad is tried with every noise
SEED = 100  # of the pictures: none on which an option was chosen
FIRST_SCENE = scenes.TEST_SEED + 5_000
FRAME = 8  # that is looked at in a clip
STEPS = 10  # cases of the cascade
NOISES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)  # of SmoothGrad
KINDS = ("a shape's logit", "a detector's score", "objectness", "a tracker's map")
SCENE: dict[str, Any] = {
    "frames": FRAME + 1,
    "objects": 4,
    "strangers": True,
    "distractors": 0.3,
    "clutter": 0.1,
}


def ruined(network: Any) -> Any:
    """A copy that has forgotten everything."""
    copy = explain.copied(network)
    for _ in explain.cascade(copy):
        pass
    return copy


def of_scenes(count: int, seed: int) -> datasets.MaskedImages:
    """Pictures of as many scenes: those of one scene are alike, and count as one."""
    return datasets.masked_scenes(masked.FRAMES * count, part="test", seed=seed)[:: masked.FRAMES]


def of_shapes(count: int) -> list[explain.Case]:
    data = of_scenes(2 * count, SEED)
    # every third answer: no two of one picture, and its first and its second shape in turn
    return explain.pictures(shapes.shipped()[0], data)[::3][:count]


def of_detections(count: int, *, objectness: bool) -> list[explain.Case]:
    """The surest detection of a visible object in a frame of each scene."""
    model = detector.shipped()[0]
    both = [explain.Heads(each, (128, 128)) for each in (model, ruined(model))]
    cases: list[explain.Case] = []
    for number in range(10 * count):
        clip, masks = scenes.render_with_masks(seed=FIRST_SCENE + number, **SCENE)
        frame, truth = clip.frames[FRAME], clip.truth
        seen = model.detect(frame, score=0.5)
        visible = masks.visible(FRAME)
        for box, label in zip(seen.boxes, seen.labels.tolist(), strict=True):
            overlap = np.nan_to_num(bx.iou(box[None], truth.boxes[FRAME])[0])
            best = int(overlap.argmax())
            if overlap[best] < 0.5 or truth.classes[best] != label:
                continue
            if truth.visibility[FRAME, best] < 0.75:
                continue
            if objectness:
                targets = [heads.objectness(both[0].best_anchor(box)) for heads in both]
            else:
                targets = [heads.score(box, label) for heads in both]
            others = np.delete(visible, best, axis=0).any(0)
            others = others if others.any() else None
            if targets[0].probabilities(frame[None])[0] < 0.5:
                continue
            cases.append(explain.Case(targets[0], frame, visible[best], others, targets[1]))
            break
        if len(cases) == count:
            return cases
    return cases


def of_tracking(count: int) -> list[explain.Case]:
    """The map of the tracker where it found its object, in a frame of each scene."""
    network = siamese.shipped().siamese
    ask, forgot = (explain.Responses(each) for each in (network, ruined(network)))
    cases: list[explain.Case] = []
    for number in range(10 * count):
        clip, masks = scenes.render_with_masks(seed=FIRST_SCENE + number, **SCENE)
        truth = clip.truth
        there = np.flatnonzero(truth.visibility[0] > 0.75)
        if not len(there):
            continue
        which = int(there[0])
        tracker = trackers.create("recurrent")
        tracker.init(clip.frames[0], truth.boxes[0, which])
        for frame in clip.frames[1:FRAME]:
            tracker.update(frame)
        before = tracker.mind
        target, window = ask.step(tracker, clip.frames[FRAME])
        sight = tracker.sight
        visible = masks.visible(FRAME)
        own, others = (
            subjects.in_window(mask, sight)
            for mask in (visible[which], np.delete(visible, which, axis=0).any(0))
        )
        if target.probabilities(window[None])[0] < 0.5 or own.sum() < 50:
            continue
        cell = subjects.peaks(sight.posterior, sight.response, 1)[0]
        other = forgot.about(before.first, before.running, cell)
        cases.append(explain.Case(target, window, own, others if others.any() else None, other))
        if len(cases) == count:
            break
    return cases


def cascade(count: int) -> dict[str, Any]:
    """Similarity to the first map, layer by layer, by method: mean over cases, `(L,)`."""
    model = shapes.shipped()[0]
    data = of_scenes(count, SEED + 1)
    copy = explain.copied(model)
    ask, changed = (explain.Classes(m, data.class_names, (64, 64)) for m in (model, copy))
    labels = [int(label) for label in data.labels[:, 0]]
    first = {
        name: [method(ask.about(k), x) for k, x in zip(labels, data.images, strict=True)]
        for name, method in explain.ALL.items()
    }
    found: dict[str, list[float]] = {name: [1.0] for name in explain.ALL}
    layers = ["none"]
    for layer in explain.cascade(copy):
        layers.append(layer)
        for name, method in explain.ALL.items():
            now = [method(changed.about(k), x) for k, x in zip(labels, data.images, strict=True)]
            alike = [explain.similarity(a, b) for a, b in zip(first[name], now, strict=True)]
            found[name].append(float(np.mean(alike)))
    return {"layers": layers, "similarity": found}


def noises(cases: list[explain.Case]) -> dict[str, list[float]]:
    """How SmoothGrad points with more and more noise."""
    options = {f"{n:g}": functools.partial(explain.smooth, noise=n) for n in NOISES}
    table = explain.compare(cases, options, truth=False)
    return {name: list(explain.spread(c["near"])) for name, c in table.items()}


def completeness(cases: list[explain.Case]) -> dict[str, float]:
    """How far integrated gradients are from adding up, and what it takes."""
    found = [explain.integrated(case.target, case.image) for case in cases]
    off = np.array([one.error for one in found])
    return {
        "median error": float(np.median(off)),
        "largest error": float(off.max()),
        "median steps": float(np.median([one.steps for one in found])),
    }


def states(seeds: range) -> dict[str, Any]:
    """R squared of what is read out of the motion networks, over draws of trajectories."""
    table: dict[str, Any] = {}
    for kind in motion.LEARNED:
        runs = [
            readout.compare(
                motion.shipped(kind),
                motion.observe(400, seed=50 + seed, gaps=0.5),
                motion.observe(300, seed=50 + seed, part="test", gaps=0.5),
                seed=seed,
            )
            for seed in seeds
        ]
        table[kind] = {
            what: {where: [run[what][where] for run in runs] for where in runs[0][what]}
            for what in runs[0]
        }
    return table


def kind(name: str, count: int) -> dict[str, Any]:
    """The table of one kind of answers, printed and as it is stored."""
    cases = MAKERS[name](count)
    table = explain.compare(cases)
    print(f"\n{name}, {len(cases)} cases; means ± standard errors; CPU ms of one map")
    print(explain.summary(table), flush=True)
    complete = completeness(cases[:30])
    print("integrated gradients:", complete, flush=True)
    rows = {
        method: {
            one: [None if np.isnan(v) else round(v, 5) for v in explain.spread(values)]
            for one, values in row.items()
        }
        for method, row in table.items()
    }
    share = float(np.mean([case.mask.mean() for case in cases]))
    return {"cases": len(cases), "share": share, "complete": complete, "methods": rows}


MAKERS: dict[str, Any] = {
    KINDS[0]: of_shapes,
    KINDS[1]: functools.partial(of_detections, objectness=False),
    KINDS[2]: functools.partial(of_detections, objectness=True),
    KINDS[3]: of_tracking,
}
PARTS = ("shapes", "score", "objectness", "tracker", "noise", "cascade", "states")


def part(name: str, counts: Sequence[int]) -> tuple[str, Any]:
    """One part of the results, and the key that it is stored by."""
    if name in PARTS[:4]:
        place = PARTS.index(name)
        return KINDS[place], kind(KINDS[place], counts[place])
    if name == "noise":
        found: dict[str, Any] = noises(of_shapes(min(counts[0], MOST_NOISY)))
        print("\nSmoothGrad, nearly on the object, by noise:", found, flush=True)
    elif name == "cascade":
        found = cascade(STEPS if counts[0] > CASES[0] else 2)
        print("\nsimilarity to the first map, layer by layer")
        for method, values in found["similarity"].items():
            print(f"{method:22}" + "".join(f"{value:7.2f}" for value in values), flush=True)
    else:
        found = states(range(3))
        print("\nR squared, read out of the states of the motion networks")
        for cell, whats in found.items():
            for what, row in whats.items():
                said = ", ".join(f"{k} {np.mean(v):.3f}" for k, v in row.items())
                print(f"{cell:5} {what:14} {said}", flush=True)
    return name, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, nargs=4, default=CASES, help="of each of the four")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="all of them")
    parser.add_argument("--write", action="store_true", help="store what was measured in data/")
    options = parser.parse_args()
    for name in options.parts:
        began = time.process_time()
        key, found = part(name, options.cases)
        spent = time.process_time() - began
        if options.write:
            # part by part: what is there of the others stays
            known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
            known |= {"command": COMMAND, "machine": weights.machine()}
            known |= {"versions": weights.versions(), key: found}
            known["cpu_seconds"] = known.get("cpu_seconds", {}) | {key: round(spent, 1)}
            weights.write_text(RESULTS, json.dumps(known, indent=1) + "\n")
            print(f"written: {key}, {spent:.0f} CPU-seconds", flush=True)


if __name__ == "__main__":
    main()
