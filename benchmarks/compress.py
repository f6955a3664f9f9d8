"""Small and fast: bytes, milliseconds and quality of the four networks, made smaller in many ways.

    python -m benchmarks.compress --train     train the smaller networks (about half a CPU-hour)
    python -m benchmarks.compress             measure all, prints only (a few minutes)
    python -m benchmarks.compress --write     and store the results

What was trained or measured is kept in the cache folder (`--kept`): a run that was stopped goes on.
CIFAR-10 is needed. Run it with `TF_NUM_INTRAOP_THREADS=1`: files run in one thread, and what Keras
takes stands beside.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import compress, datasets, metrics, motion, trackers, training
from tracklab.clips import Clip
from tracklab.compress import (
    channels,
    classifying,
    detecting,
    distillation,
    export,
    fine_tuning,
    following,
    frontier,
    moving,
    profiling,
    pruning,
    sizes,
    students,
)
from tracklab.datasets import moved
from tracklab.evaluation import objects
from tracklab.models import classifier, detector, siamese, weights
from tracklab.trackers.recurrent import RecurrentTracker
from tracklab.training import checkpoints

Say = Callable[[dict], None]

KEPT = datasets.cache_dir() / "compress"
STEPS = 150  # of a classifier's fine-tuning: three quarters of an epoch
HALF_STEPS = 250  # where half of the channels are gone there is more to learn
SEPARABLE_STEPS = 500  # from scratch: two and a half epochs
STUDENT_STEPS = 400
ALONE_LONGER = 550  # steps alone that take about as long as the student's with its teacher
GENTLE = 0.03  # rate where little was taken away
SHARES = (0.8, 0.9)  # of the weights, that magnitude pruning cuts
HALF, EIGHTH = (16, 32, 64), (32, 64, 112)  # channels that structured pruning leaves
SEED = 0
SEEDS = (0, 1, 2)  # of the tracker's students: what one gains by its teacher is less than luck
# what trackers are judged on: one scene of each dial
SCENES, QUICK_SCENES = "scenes:dials:0", "scenes:occlusion"


def kept(
    name: str, folder: Path, model: Any, train: Callable[[], training.Curves] | None
) -> dict | None:
    """Give a model the weights of an earlier training of that name, or train it now.

    Returns what that cost; None where it is not there, and `train` is None.
    """
    path = folder / f"{name.replace(' ', '-').replace(',', '').replace('%', '')}.checkpoint"
    known = checkpoints.done(path, name)
    if known:
        variables = [v for v in model.variables if str(v.dtype).startswith("float")]
        for variable, array in zip(variables, known[0], strict=True):
            variable.assign(array)
        return dict(known[1]["cost"])
    if train is None:
        return None
    curves = train()
    cost = {"steps": len(curves), "cpu_seconds": round(float(curves.cpu_seconds[-1]), 1)}
    arrays = [v.numpy() for v in model.variables if str(v.dtype).startswith("float")]
    checkpoints.write_done(path, arrays, name, {"cost": cost})
    print(f"trained {name}: {cost}", flush=True)
    return cost


def classifiers(
    images: datasets.Images, folder: Path, steps: Mapping[str, int], *, only_kept: bool = False
) -> dict:
    """Every classifier by name: the model, and what its training cost beyond the shipped one's."""
    x, y = images.train_images, images.train_labels
    shipped, _ = classifier.shipped()
    teach = distillation.objective(shipped)
    found: dict[str, tuple[Any, dict]] = {"shipped": (shipped, {})}

    def tuned(name: str, model: Any, make: Callable[[], training.Curves]) -> None:
        cost = kept(name, folder, model, None if only_kept else make)
        if cost is not None:
            found[name] = model, cost

    few = {"steps": steps["fine"], "seed": SEED}
    more = {"steps": steps["half"], "seed": SEED}
    half, alone = (channels.narrowed(shipped, HALF) for _ in range(2))
    tuned(
        "half the channels, taught",
        half,
        lambda: fine_tuning.fine_tune(half, x, y, objective=teach, **more),
    )
    most = channels.narrowed(shipped, EIGHTH)
    tuned(
        "an eighth of the last stage cut, taught",
        most,
        lambda: fine_tuning.fine_tune(most, x, y, objective=teach, rate=GENTLE, **few),
    )
    for share in SHARES:
        cut = classifier.shipped()[0]
        tuned(
            f"{share:.0%} of the weights cut",
            cut,
            lambda cut=cut, share=share: pruning.prune(cut, x, y, share, **few),
        )
    thin = classifier.improved(x, separable=True, seed=SEED)
    tuned(
        "separable",
        thin,
        lambda: classifier.train_improved(thin, x, y, steps=steps["separable"], seed=SEED),
    )
    tuned("half the channels", alone, lambda: fine_tuning.fine_tune(alone, x, y, **more))
    same = classifier.shipped()[0]
    tuned("trained on", same, lambda: fine_tuning.fine_tune(same, x, y, rate=GENTLE, **few))
    return found


def trackers_networks(
    folder: Path, steps: Mapping[str, int], seed: int = SEED, *, only_kept: bool = False
) -> dict:
    """The student by its teacher, and the same alone for as many steps, and for as long."""
    pairs = siamese.Pairs(moved.Stills.cifar10(), seed=seed)
    teacher, _ = siamese.load()
    found = {}
    for name, by_teacher, count in (
        ("student, taught", True, steps["student"]),
        ("student, alone", False, steps["student"]),
        ("student, alone for as long", False, steps["alone"]),
    ):
        network = students.student(seed)
        train = students.distil if by_teacher else None

        def run(network: Any = network, train: Any = train, count: int = count) -> Any:
            options = {"steps": count, "progress": True}
            if train is not None:
                return train(network, teacher, pairs, **options)
            return siamese.train(network, pairs, **options)

        label = name if seed == SEED else f"{name}, seed {seed}"
        cost = kept(label, folder, network, None if only_kept else run)
        if cost is not None:
            found[name] = network, cost
    return found


FULL = {
    "fine": STEPS,
    "half": HALF_STEPS,
    "separable": SEPARABLE_STEPS,
    "student": STUDENT_STEPS,
    "alone": ALONE_LONGER,
}
QUICK = {"fine": 2, "half": 2, "separable": 2, "student": 1, "alone": 1}


# --- what each network is worth ---


def of_classifiers(images: datasets.Images, found: Mapping[str, Any], say: Say) -> list[dict]:
    """Every classifier as a float32 and an int8 file; the shipped one in every precision."""
    x, y = images.test_images, images.test_labels
    shipped = found["shipped"][0]
    told = np.asarray(training.predict(shipped, x)).argmax(1)
    rows = []
    forms = [("shipped", p) for p in export.PRECISIONS] + [("folded", export.INT8)]
    forms += [
        (name, p) for name in found if name != "shipped" for p in (export.FLOAT32, export.INT8)
    ]
    for name, precision in forms:
        model = compress.folded(shipped) if name == "folded" else found[name][0]
        made = compress.export_classifier(model, precision=precision, images=images.train_images)
        answers = classifying.logits(made, x).argmax(1)
        spent = profiling.clocked(lambda made=made: made.run("classify", pixels=x[:1]))
        rows.append(
            row(
                *(frontier.CLASSIFIER, name, precision, made, spent),
                measure="accuracy, CIFAR-10 test",
                quality=float((answers == y).mean()),
                agreement=float((answers == told).mean()),
            )
        )
        say(rows[-1])
    return rows


def of_detectors(say: Say, frames: int) -> list[dict]:
    """The shipped detector in every precision, on held-out frames of hard scenes."""
    model, _ = detector.shipped()
    held_out = datasets.boxed_scenes("hard", frames, part="test")
    seen = datasets.boxed_scenes("hard", detecting.EXAMPLES, part="train").images
    rows = []
    for precision in export.PRECISIONS:
        made = compress.export_detector(model, held_out.size, precision=precision, images=seen)
        ported = compress.ExportedDetector(model, made)
        judged = metrics.detection.evaluate(
            ported.detect_all(held_out), held_out.objects, held_out.class_names
        )
        # the networks alone: what stands outside the file is the same for all
        given = detecting.examples_of(model, held_out.images[:1])

        def run(made: Any = made, given: Any = given) -> None:
            for name, several in given.items():
                made.run(name, **several[0])

        rows.append(
            row(
                *(frontier.DETECTOR, "shipped", precision, made, profiling.clocked(run)),
                measure="AP, hard scenes",
                quality=judged.ap,
            )
        )
        say(rows[-1])
    return rows


def of_motion(say: Say, count: int) -> list[dict]:
    """The three motion networks in every precision, on held-out trajectories."""
    seen = motion.observe(40, part="train", seed=SEED)
    fresh = motion.observe(count, part="test", seed=SEED)
    rows = []
    for kind in motion.LEARNED:
        network = motion.shipped(kind)
        recording = moving.Recording(network, size=motion.PICTURE)
        motion.run(recording, seen.detections)
        for precision in export.PRECISIONS:
            made = compress.export_motion(network, precision=precision, examples=recording.examples)
            ported = compress.ExportedMotion(network, made, motion.PICTURE)
            run = motion.run(ported, fresh.detections)
            off = metrics.motion.evaluate(run, fresh.boxes, fresh.velocities)
            given = recording.examples[0]
            spent = profiling.clocked(lambda made=made, given=given: made.run("step", **given))
            rows.append(
                row(
                    *(frontier.MOTION, kind, precision, made, spent),
                    measure="position error, px",
                    quality=off[metrics.motion.ALL]["position"],
                )
            )
            say(rows[-1])
    return rows


def of_trackers(found: Mapping[str, Any], say: Say, scenes: str) -> list[dict]:
    """The shipped tracker in every precision and its students, on scenes."""
    network, cell = siamese.load()
    clips = [one.clip() for one in objects.find([scenes])[0]]
    forms = [("shipped", network, p) for p in export.PRECISIONS]
    forms += [(name, one, export.FLOAT32) for name, (one, _) in found.items()]
    forms += [(name, found[name][0], export.INT8) for name in ("student, taught",) if name in found]
    rows, seen = [], {}
    for name, one, precision in forms:
        if name not in seen:
            whole = compress.export_tracker(one, cell)
            recording = following.Recording(one, cell, whole)
            example = objects.find(["scenes:dials:9"])[0][0].clip()
            trackers.run(RecurrentTracker(network=recording), example)
            seen[name] = recording.examples
        made = compress.export_tracker(one, cell, precision=precision, examples=seen[name])
        given = {key: kept[-1] for key, kept in seen[name].items()}

        def run(made: Any = made, given: Any = given) -> None:
            for key, arrays in given.items():
                made.run(key, **arrays)

        rows.append(
            row(
                *(frontier.TRACKER, name, precision, made, profiling.clocked(run)),
                measure="success AUC, scenes",
                quality=auc(one, cell, made, clips),
            )
        )
        say(rows[-1])
    return rows


def auc(network: Any, cell: Any, made: Any, clips: Sequence[Clip]) -> float:
    """Success AUC of the tracker in a file over all frames of clips."""
    ported = compress.ExportedTracker(network, cell, made)
    judged = {
        clip.name: (trackers.run(RecurrentTracker(network=ported), clip), clip.truth)
        for clip in clips
    }
    return float(metrics.single.evaluate_all(judged).combined.auc)


def of_seeds(found: Sequence[Mapping[str, Any]], scenes: str) -> dict[str, list[float]]:
    """Success AUC of each student by name, with each seed."""
    _, cell = siamese.load()
    clips = [one.clip() for one in objects.find([scenes])[0]]
    told: dict[str, list[float]] = {}
    for students_of_seed in found:
        for name, (one, _) in students_of_seed.items():
            made = compress.export_tracker(one, cell)
            told.setdefault(name, []).append(round(auc(one, cell, made, clips), 5))
    print(told, flush=True)
    return told


def row(
    model: str, variant: str, precision: str, made: Any, spent: Any, **figures: Any
) -> dict[str, Any]:
    """A row of the table, as `compress.Row` has it."""
    return {
        "model": model,
        "variant": variant,
        "precision": precision,
        "bytes": len(made),
        "deflated": len(zlib.compress(made.content, sizes.EFFORT)),
        "cpu_ms": round(spent.cpu, 4),
        "wall_ms": round(spent.wall, 4),
        **{name: round(v, 5) if isinstance(v, float) else v for name, v in figures.items()},
    }


def written_out(images: datasets.Images, count: int) -> list[dict]:
    """The classifier in whole numbers: by bits, with a scale for each channel or one for all."""
    shipped, _ = classifier.shipped()
    plain = compress.folded(shipped)
    x, y = images.test_images[:count], images.test_labels[:count]
    told = np.asarray(training.predict(plain, x)).argmax(1)
    rows = []
    for bits in (8, 6, 5, 4):
        for each in (True, False):
            made = compress.Integers(plain, images.train_images, bits=bits, per_channel=each)
            answers = made.logits(x).argmax(1)
            rows.append(
                {
                    "bits": bits,
                    "per_channel": each,
                    "accuracy": round(float((answers == y).mean()), 5),
                    "agreement": round(float((answers == told).mean()), 5),
                }
            )
            print(rows[-1], flush=True)
    return rows


def measured(name: str, folder: Path, make: Callable[[], Any]) -> Any:
    """What a part of this benchmark measured: now, or before the run was stopped."""
    path = folder / f"measured-{name.replace(' ', '-')}.json"
    if not path.exists():
        weights.write_text(path, json.dumps(make()))
    return json.loads(path.read_text(encoding="utf-8"))


def stored_bytes(found: Mapping[str, Any]) -> dict[str, dict]:
    """What the weights of each classifier cost in each way to store them."""
    return {
        name: sizes.sizes(
            [v.numpy() for v in model.variables if str(v.dtype).startswith("float")]
        )._asdict()
        for name, (model, _) in found.items()
    }


def times(images: datasets.Images) -> dict[str, Any]:
    """The shipped classifier: milliseconds by batch, in Keras and as files; and by layer."""
    model, _ = classifier.shipped()
    x = images.test_images[: max(profiling.BATCHES)].astype(np.float32)
    runs = {"Keras": lambda part: training.predict(model, part)}
    for precision in (export.FLOAT32, export.INT8):
        made = compress.export_classifier(model, precision=precision, images=images.train_images)
        runs[precision] = made.batched
    batches = {
        name: {str(n): spent._asdict() for n, spent in profiling.by_batch(run, x).items()}
        for name, run in runs.items()
    }
    layers = [one._asdict() for one in profiling.by_layer(model, x[:64])]
    return {"batches": batches, "layers": layers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train only")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where trained weights are kept")
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    parser.add_argument("--only-kept", action="store_true", help="leave out what is not trained")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see it run")
    options = parser.parse_args()
    images = datasets.cifar10()
    steps, folder = (QUICK, options.kept / "quick") if options.quick else (FULL, options.kept)
    if options.quick:
        images = images.subset(train=600, test=300)
    by_seed = [
        trackers_networks(folder, steps, seed, only_kept=options.only_kept) for seed in SEEDS
    ]
    students_found = by_seed[SEEDS.index(SEED)]
    found = classifiers(images, folder, steps, only_kept=options.only_kept)
    if options.train:
        return
    rows: list[dict] = []

    def say(one: dict) -> None:
        print(
            f"{one['model']:10} {one['variant']:32} {one['precision']:12} {one['bytes']:>9,} B "
            f"{one['cpu_ms']:8.3f} CPU ms  {one['quality']:.4f} {one['measure']}",
            flush=True,
        )

    quick = options.quick
    parts = {
        "times": lambda: times(images),
        "classifier": lambda: of_classifiers(images, found, say),
        "detector": lambda: of_detectors(say, 6 if quick else 200),
        "motion": lambda: of_motion(say, 20 if quick else 500),
        "written out": lambda: written_out(images, 100 if quick else 1000),
        "tracker": lambda: of_trackers(students_found, say, QUICK_SCENES if quick else SCENES),
        "seeds": lambda: of_seeds(by_seed, QUICK_SCENES if quick else SCENES),
    }
    known = {name: measured(name, folder, make) for name, make in parts.items()}
    rows += [one for model in frontier.MODELS for one in known[model]]
    stored = {
        "command": frontier.COMMAND,
        "machine": weights.machine(),
        "versions": weights.versions(),
        "data": images.name,
        "threads": 1,
        "trained": {name: cost for name, (_, cost) in {**found, **students_found}.items() if cost},
        "weights": {name: model.weights for name, (model, _) in students_found.items()},
        "stored": stored_bytes(found),
        "seeds": known["seeds"],
        "written out": known["written out"],
        **known["times"],
        "rows": rows,
    }
    print(frontier.table([frontier.Row(**one) for one in rows]))
    if options.write and not options.quick:
        weights.write_text(frontier.RESULTS, json.dumps(stored, indent=1) + "\n")
        print("written:", frontier.RESULTS.name)
        for name in parts:
            (folder / f"measured-{name.replace(' ', '-')}.json").unlink()


if __name__ == "__main__":
    main()
