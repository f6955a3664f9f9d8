"""What augmentation is worth, in equal CPU time: the classifier, the detector, the tracker.

    python -m benchmarks.augment_ablations              a second or two of each, to see that it runs
    python -m benchmarks.augment_ablations all|TABLE ... [--seeds 0 1 2] [--first N]
    python -m benchmarks.augment_ablations --save       store what is finished for the lesson

Each row of a table is the same training but for its augmentation: the same network, start,
optimizer, schedule and images, and a budget of processor seconds that includes the augmentation, so
what costs time gets fewer steps. All in one process; one thread is enough. It takes about an hour
of processor time. What is finished lies in `--out` and is not run again.

- few: `classifier.train_few` on 2,000, 500 and 10,000 images of CIFAR-10, with the best recipe that
  was found and with none. Accuracy on all 10,000 test images.
- families: the same on 2,000 images with each of `classifier.recipes`, in half of the time.
- detector: one-stage, 200 frames of scenes; AP50, AP75 and AP on 200 frames of other scenes.
- tracker: lesson 07's small Siamese network on windows of moved pictures, with and without more
  changes of the whole clip; success AUC on scenes of eight difficulties.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

import tracklab
from tracklab import augment as au
from tracklab import datasets, metrics, sweeps
from tracklab.models import classifier, detector, weights
from tracklab.sweeps.grid import combinations

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "data" / "results" / "augment_ablations.json"
OUT = ROOT / "data" / "cache" / "augment_ablations"
COMMAND = "python -m benchmarks.augment_ablations all"
SEEDS, ALL, QUICK = (0, 1, 2), "all", 2.0

# processor seconds of each training
CPU_SECONDS = {"few": 80.0, "families": 40.0, "detector": 25.0, "tracker": 35.0}
FEW, COUNTS = 2000, (500, 10_000)  # images that the classifier learns from
FRAMES, TEST_FRAMES = 200, 200
KIND, SCENES = "one-stage", "plain"
STILLS = 10_000
CLIPS, CLIP = 2, {"frames": 48, "size": (180, 240), "objects": 1, "speed": (2.0, 5.0)}
STRENGTH, FIRST_SEED, WELL_SEEN = 0.7, 0, 0.95
DIALS = (
    *("occlusion", "scale_variation", "illumination", "motion_blur"),
    *("rotation", "out_of_view", "clutter", "distractors"),
)


def of_boxes() -> dict[str, au.Transform | None]:
    """What a detector's images are changed by."""
    shift = au.Affine(shear=0, scale=(1, 1), whole=True)
    return {
        "none": None,
        "all but turns": au.Pipeline(au.Flip(), shift, au.Colour(), au.Mosaic(p=0.5)),
        "rotation, loose boxes": au.Rotation(45),
        "vertical flip": au.Flip("vertical"),
        "flip": au.Flip(),
        "colour": au.Colour(),
        "mosaic": au.Mosaic(p=0.5),
    }


def of_clips() -> dict[str, au.Transform | None]:
    """What a tracker's clips are changed by, beside all that already happens in them."""
    image = (au.Colour(0.2, 0.3, 0.4, 0.05), au.Blur(p=0.3), au.Noise(p=0.3))
    moves = (au.Flip("both"), au.Rotation(20), au.Affine(0.2, scale=(0.8, 1.25)))
    return {
        "none": None,
        "all": au.Pipeline(*moves, *image),
        "image": au.Pipeline(*image),
    }


# the tasks


@functools.cache
def pictures() -> datasets.Images:
    """What the classifier learns from; it says in a line what it is."""
    return datasets.cifar10()


def few_images(recipe: str, count: int, budget: float, seed: int) -> dict[str, float]:
    """The classifier on `count` images."""
    images = pictures()
    augment = classifier.recipes(len(images.class_names))[recipe]
    _, few = classifier.train_few(
        images, count, augment=augment, seed=seed, cpu_seconds=budget, progress=False
    )
    names = ("accuracy", "loss", "train_accuracy", "steps", "epochs", "seconds", "cpu_seconds")
    return {name: getattr(few, name) for name in names}


@functools.cache
def frames(part: str, count: int) -> datasets.BoxedImages:
    return datasets.boxed_scenes(SCENES, count, part=part)


def few_frames(recipe: str, budget: float, seed: int) -> dict[str, float]:
    """The detector on 200 frames."""
    images, held_out = frames("train", FRAMES), frames("test", TEST_FRAMES)
    model = detector.build(KIND, images.class_names, seed=seed)
    curves = detector.train(
        model,
        images,
        seed=seed,
        flip=False,
        shift=0,
        augment=of_boxes()[recipe],
        cpu_seconds=budget,
        progress=False,
    )
    judged = metrics.detection.evaluate(
        model.detect_all(held_out), held_out.objects, held_out.class_names
    )
    return {
        "ap50": judged.ap50,
        "ap": judged.ap,
        "ap75": judged.ap75,
        "loss": float(np.mean(curves.loss[-20:])),
        **spent(curves),
    }


def spent(curves: Any) -> dict[str, float]:
    return {
        "steps": len(curves),
        "epochs": float(curves.epoch[-1]),
        "seconds": float(curves.seconds[-1]),
        "cpu_seconds": float(curves.cpu_seconds[-1]),
    }


@functools.cache
def contest() -> list[Any]:
    """Clips of each difficulty in which the object is in full view at first."""
    made = []
    for place, dial in enumerate(DIALS):
        seed, found = tracklab.scenes.TEST_SEED + 8000 + 100 * place, 0
        while found < CLIPS:
            clip = tracklab.scenes.render(seed, **CLIP, **{dial: STRENGTH})
            seed += 1
            assert clip.truth is not None
            if clip.truth.visibility[0, 0] > WELL_SEEN:
                made.append(clip)
                found += 1
    return made


def pairs_of_windows(recipe: str, budget: float, seed: int) -> dict[str, float]:
    """The Siamese network on windows of moved pictures, as a tracker on scenes."""
    from tracklab import trackers
    from tracklab.datasets import moved
    from tracklab.metrics import single
    from tracklab.models import siamese
    from tracklab.trackers.recurrent import RecurrentTracker

    network = siamese.Siamese.small(seed=seed)
    pairs = siamese.Pairs(
        moved.Stills.cifar10(STILLS), batch_size=8, seed=seed, augment=of_clips()[recipe]
    )
    curves = siamese.train(network, pairs, cpu_seconds=budget, progress=False)
    judged, tracker = [], RecurrentTracker(network=siamese.Running(network, None))
    for clip in contest():
        track = trackers.run(tracker, clip).inside(*clip.size)
        judged.append(single.success_auc(track, clip.truth))
    return {"auc": float(np.mean(judged)), "loss": float(np.mean(curves["place"][-20:]))} | spent(
        curves
    )


# the sweeps


def grid(name: str, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    """What is run, in an order in which a sweep that is stopped early has said the most."""
    budget = {"budget": CPU_SECONDS[name]}
    if name == "detector":
        return [{"recipe": list(of_boxes()), **budget, "seed": seed} for seed in seeds]
    if name == "tracker":
        return [{"recipe": list(of_clips()), **budget, "seed": seed} for seed in seeds]
    if name == "families":
        ends = [classifier.NONE, classifier.BEST]
        others = [name for name in classifier.recipes(2) if name not in ends]
        return [
            {"recipe": recipes, "count": FEW, **budget, "seed": seed}
            for recipes in (ends, others)
            for seed in seeds
        ]
    ends = [classifier.NONE, classifier.BEST]
    counts = ([FEW], list(COUNTS))
    return [
        {"recipe": ends, "count": count, **budget, "seed": seed}
        for count in counts
        for seed in seeds
    ]


TASKS = {
    "few": few_images,
    "families": few_images,
    "detector": few_frames,
    "tracker": pairs_of_windows,
}
UNSAID = ("seconds", "error")  # what a clock on the wall says of a busy machine is nobody's figure
FIGURE = {"few": "accuracy", "families": "accuracy", "detector": "ap50", "tracker": "auc"}


def shown(name: str, table: sweeps.Table) -> str:
    """Mean and range over the seeds of each row."""
    lines = []
    for one in table.spread(FIGURE[name]):
        setting = ", ".join(map(str, one.setting.values()))
        lines.append(
            f"{name:10} {setting:32} {np.mean(one.values):.3f}  "
            f"({min(one.values):.3f} to {max(one.values):.3f}, {len(one.values)} seeds)"
        )
    return "\n".join(lines)


def save(out: Path) -> None:
    """Store the tables of all sweeps that are there, whole or not."""
    written = {
        "few": classifier.recipes(10),
        "families": classifier.recipes(10),
        "detector": of_boxes(),
        "tracker": of_clips(),
    }
    tables = {}
    for name in TASKS:
        rows = sweeps.read(out / name).rows if (out / name).is_dir() else []
        used = {row["recipe"] for row in rows}
        tables[name] = {
            "cpu_seconds": CPU_SECONDS[name],
            "recipes": {k: repr(v) for k, v in written[name].items() if k in used},
            "rows": [
                {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in row.items()}
                for row in ({k: v for k, v in row.items() if k not in UNSAID} for row in rows)
            ],
        }
    about = {
        "command": COMMAND,
        "data": pictures().name,
        "machine": weights.machine(),
        "versions": weights.versions(),
    }
    weights.write_text(RESULTS, json.dumps(about | {"tables": tables}, indent=1) + "\n")
    print("written:", RESULTS.name)


def quick() -> None:
    """A moment of each table: its figures mean nothing."""
    for name, task in TASKS.items():
        runs = [{**one, "budget": QUICK} for one in combinations(grid(name, (0,)))[:2]]
        print(shown(name, tracklab.sweep(task, runs, name=name)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=[*TASKS, ALL, []], help="which to run")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--first", type=int, default=0, help="only so many rows of each table")
    parser.add_argument("--out", default=str(OUT), help="where what is finished is kept")
    parser.add_argument("--save", action="store_true", help="store what is finished; run nothing")
    options = parser.parse_args()
    out = Path(options.out)
    if options.save:
        save(out)
    elif not options.tables:
        quick()
    for name in TASKS if ALL in options.tables else options.tables:
        runs = combinations(grid(name, tuple(options.seeds)))
        table = tracklab.sweep(
            TASKS[name], runs[: options.first or None], out=out / name, name=name
        )
        print(shown(name, table))


if __name__ == "__main__":
    main()
