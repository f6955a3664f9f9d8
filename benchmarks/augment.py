"""Augmentation: images a second of each family, beside Keras' layers and albumentations.

    python -m benchmarks.augment [--save] [--rounds N]

The same batches in one run: 256 images of 32x32 (what a classifier learns from) and 32 frames of
128x128 with eight boxes each (a detector's). All three take bytes in memory. Ours gives a batch of
bytes back. Keras' layers are compiled, take the whole batch and give floats, which are not turned
into bytes again. albumentations takes image by image; it brings an OpenCV of its own, so it runs in
an environment of its own (`make albumentations`), in a process that is asked for one round at a
time, so that all three are measured by turns. A round is at least a quarter of a second; the best
of them counts. Ratios are of images a second, ours to the faster of the others; above 1 is faster.

Not all do the same. Keras shears, scales and shifts in three layers, cuts the same part out of all
images of a batch, and saturates in HSV; its noise and its hole are `GaussianNoise` and
`RandomErasing`. Neither albumentations 2 (mixup, CutMix) nor Keras (mosaic) has all that mixes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "data" / "results" / "augment.json"
OTHER = ROOT / ".venv-albumentations" / "bin" / "python"

SECONDS, ROUNDS = 0.25, 5
BATCHES = {"32x32": (256, 32), "128x128, boxes": (32, 128)}
OBJECTS, CLASSES = 8, 10
TURN, LEAN, SCALE, MOVE = 15.0, 0.1, (0.8, 1.25), 0.1
AREA, SHAPE = (0.3, 1.0), (3 / 4, 4 / 3)
CHANGE, BLUR, NOISE, HOLE = 0.2, (0.3, 1.2), (0.0, 12.0), (0.2, 0.5)
ROWS = {  # by family
    "flip": "flip",
    "rotation": "rotation",
    "affine": "affine",
    "crop": "crop",
    "colour": "image",
    "blur": "image",
    "noise": "image",
    "cutout": "image",
    "all four": "image",
    "mixup": "mixing",
    "cutmix": "mixing",
    "mosaic": "mixing",
}
WITH_BOXES = ("flip", "rotation", "affine", "crop", "all four", "mosaic")


def batch(name):
    """Images `(N, S, S, 3)`, classes `(N,)`, boxes `(N, M, 4)` and their labels."""
    count, side = BATCHES[name]
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), np.uint8)
    low = rng.uniform(0, 0.7 * side, (count, OBJECTS, 2))
    sides = rng.uniform(0.1 * side, 0.3 * side, (count, OBJECTS, 2))
    boxes = np.concatenate([low, low + sides], -1).astype(np.float32)
    labels = rng.integers(0, CLASSES, (count, OBJECTS))
    return images, rng.integers(0, CLASSES, count), boxes, labels


def round_of(function):
    """Wall and CPU seconds a batch, over a quarter of a second of batches."""
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < SECONDS:
        function()
        calls += 1
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


def ours():
    """By batch and row: a function of no arguments that augments the batch once."""
    from tracklab import augment

    colour = augment.Colour(CHANGE, CHANGE, CHANGE)
    image = (colour, augment.Blur(BLUR), augment.Noise(NOISE), augment.Cutout(HOLE))
    made = {
        "flip": augment.Flip(),
        "rotation": augment.Rotation(TURN),
        "affine": augment.Affine(LEAN, scale=SCALE, move=MOVE),
        "crop": augment.Crop(AREA, SHAPE),
        **dict(zip(("colour", "blur", "noise", "cutout"), image, strict=True)),
        "all four": augment.Pipeline(*image),
        "mixup": augment.Mixup(0.2, CLASSES),
        "cutmix": augment.CutMix(1.0, CLASSES),
        "mosaic": augment.Mosaic(),
    }
    rng = np.random.default_rng(0)
    functions = {}
    for name in BATCHES:
        images, classes, boxes, labels = batch(name)
        for row, transform in made.items():
            if "boxes" not in name:
                if row == "mosaic":
                    continue
                functions[name, row] = lambda t=transform, i=images, c=classes: t(i, c, rng)
            elif row in WITH_BOXES:
                functions[name, row] = lambda t=transform, i=images, b=boxes, k=labels: t.boxed(
                    i, b, k, rng
                )
    return functions


def of_keras():
    """The same of Keras' layers, compiled."""
    from tracklab.quiet import keras, tf

    layer = keras.layers
    fill = {"fill_mode": "constant", "fill_value": 128.0}

    def chain(*layers):
        def run(data):
            for each in layers:
                data = each(data, training=True)
            return data

        return run

    functions = {}
    for name, (_, side) in BATCHES.items():
        boxed = {"bounding_box_format": "xyxy"} if "boxes" in name else {}
        images, classes, boxes, labels = batch(name)
        image = (
            (
                layer.RandomBrightness(CHANGE),
                layer.RandomContrast(CHANGE),
                layer.RandomSaturation(0.5),
            ),
            (layer.RandomGaussianBlur(1.0, kernel_size=7, sigma=BLUR),),
            (layer.GaussianNoise(0.5),),  # how strong it is changes no work
            (layer.RandomErasing(1.0, scale=(HOLE[0] ** 2, HOLE[1] ** 2), fill_value=128.0),),
        )
        made = {
            "flip": chain(layer.RandomFlip("horizontal", **boxed)),
            "rotation": chain(layer.RandomRotation(TURN / 360, **fill, **boxed)),
            "affine": chain(
                layer.RandomShear(LEAN, 0.0, **fill, **boxed),
                layer.RandomZoom((-0.2, 0.25), **fill, **boxed),
                layer.RandomTranslation(MOVE, MOVE, **fill, **boxed),
            ),
            "crop": chain(
                layer.RandomCrop(round(0.8 * side), round(0.8 * side), **boxed),
                layer.Resizing(side, side, **boxed),
            ),
            **{
                row: chain(*layers)
                for row, layers in zip(("colour", "blur", "noise", "cutout"), image, strict=True)
            },
            "all four": chain(*(each for layers in image for each in layers)),
            "mixup": chain(layer.MixUp(0.2)),
            "cutmix": chain(layer.CutMix(1.0)),
        }
        pixels = tf.constant(images)
        for row, run in made.items():
            data = pixels
            if row in ("mixup", "cutmix"):
                data = {"images": pixels, "labels": tf.one_hot(classes, CLASSES)}
            elif boxed and row in WITH_BOXES and row != "all four":
                known = {"boxes": tf.constant(boxes), "labels": tf.constant(labels)}
                data = {"images": pixels, "bounding_boxes": known}
            if boxed and row not in WITH_BOXES:
                continue
            if row in ("noise", "all four"):
                data = tf.cast(pixels, tf.float32)  # GaussianNoise takes no bytes
            functions[name, row] = _compiled(tf, run, data)
    return functions


def _compiled(tf, run, data):
    function = tf.function(run)

    def call():
        # the result is waited for
        return tf.nest.map_structure(lambda t: t.numpy(), function(data))

    return call


def of_albumentations():
    """The same of albumentations, image by image; called in its own environment."""
    import albumentations as alb
    import cv2

    grey = {"border_mode": cv2.BORDER_CONSTANT, "fill": 128}
    colour = alb.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (0, 0), p=1)
    image = (
        colour,
        alb.GaussianBlur(0, BLUR, p=1),
        alb.GaussNoise((NOISE[0] / 255, NOISE[1] / 255), p=1),
        alb.CoarseDropout((1, 1), HOLE, HOLE, 128, p=1),
    )
    lean = float(np.degrees(np.arctan(LEAN)))
    functions = {}
    for name, (_, side) in BATCHES.items():
        images, _, boxes, labels = batch(name)
        boxed = "boxes" in name
        params = {}
        if boxed:
            params["bbox_params"] = alb.BboxParams(
                "pascal_voc", ["labels"], min_visibility=0.25, clip=True
            )
        made = {
            "flip": [alb.HorizontalFlip(p=0.5)],
            "rotation": [alb.Rotate((-TURN, TURN), p=1, **grey)],
            "affine": [
                alb.Affine(
                    SCALE,
                    (-MOVE, MOVE),
                    shear={"x": (-lean, lean), "y": (0, 0)},
                    keep_ratio=True,
                    p=1,
                    **grey,
                )
            ],
            "crop": [alb.RandomResizedCrop((side, side), AREA, SHAPE, p=1)],
            **{r: [t] for r, t in zip(("colour", "blur", "noise", "cutout"), image, strict=True)},
            "all four": list(image),
        }
        if boxed:
            made["mosaic"] = [alb.Mosaic((2, 2), (side, side), (side, side), p=1)]
        for row, steps in made.items():
            if boxed and row not in WITH_BOXES:
                continue
            compose = alb.Compose(steps, seed=0, **params)
            known = boxes if boxed else None
            functions[name, row] = _one_by_one(compose, row, images, known, labels)
    return functions


def _one_by_one(compose, row, images, boxes, labels):
    if boxes is None:
        return lambda: [compose(image=image) for image in images]
    known = [
        {"image": i, "bboxes": b, "labels": k}
        for i, b, k in zip(images, boxes, labels, strict=True)
    ]
    if row != "mosaic":
        return lambda: [compose(**each) for each in known]
    rng = np.random.default_rng(0)

    def run():
        for each in known:
            three = [known[j] for j in rng.integers(0, len(known), 3)]
            compose(**each, mosaic_metadata=three)

    return run


def serve():
    """albumentations' side: for each line `batch<TAB>row` one round, or a reason why not."""
    functions = of_albumentations()
    print("ready", flush=True)
    for line in sys.stdin:
        key = tuple(line.rstrip("\n").split("\t"))
        try:
            functions[key]()
            print(json.dumps(round_of(functions[key])), flush=True)
        except Exception as error:
            print(json.dumps({"failed": f"{type(error).__name__}: {error}"[:120]}), flush=True)


class Albumentations:
    """The other process. `version` is None, with the reason in `absent`, where there is none."""

    def __init__(self):
        self.version = self.absent = self.process = None
        if not OTHER.exists():
            self.absent = "wants the environment that 'make albumentations' makes"
            return
        ask = "import albumentations as a, cv2; print(a.__version__, cv2.__version__)"
        quiet = os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"}  # it would ask the network
        told = subprocess.run([OTHER, "-c", ask], capture_output=True, text=True, env=quiet)
        if told.returncode:
            self.absent = f"does not start: {told.stderr.strip().splitlines()[-1][:100]}"
            return
        self.version = told.stdout.split()
        self.process = subprocess.Popen(
            [OTHER, "-m", "benchmarks.augment", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=quiet,
        )
        while (line := self.process.stdout.readline()) != "ready\n":
            if not line:
                self.absent, self.process = "ended before it began", None
                return

    def round(self, name, row):
        """Wall and CPU seconds a batch, or None with a reason."""
        self.process.stdin.write(f"{name}\t{row}\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        return said if isinstance(said, list) else None

    def close(self):
        """Let it end."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(20)


def measured(rounds):
    """By batch and row: for each library images a second, and CPU microseconds an image."""
    mine, keras, other = ours(), of_keras(), Albumentations()
    if other.absent:
        print(f"albumentations: {other.absent}; left out")
    table = {}
    head = f"{'batch':15} {'family':9} {'of it':9} "
    print(head + "".join(f"{n:>11} {'CPU us':>7} " for n in ("ours/s", "Keras/s", "albument./s")))
    for name, row in mine:
        count = BATCHES[name][0]
        best = {}
        for function in (mine[name, row], keras.get((name, row))):
            if function is not None:
                function()  # compiles, and fills caches
        for _ in range(rounds):
            for who, run in (
                ("ours", mine[name, row]),
                ("Keras", keras.get((name, row))),
                ("albumentations", None),
            ):
                if who == "albumentations":
                    lacks = other.process is None or row in ("mixup", "cutmix")
                    found = None if lacks else other.round(name, row)
                else:
                    found = None if run is None else round_of(run)
                if isinstance(found, (list, tuple)):
                    before = best.get(who, (np.inf, np.inf))
                    best[who] = tuple(min(pair) for pair in zip(before, found, strict=True))
        rates = {who: count / wall for who, (wall, _) in best.items()}
        cpu = {who: 1e6 * used / count for who, (_, used) in best.items()}
        others = [rate for who, rate in rates.items() if who != "ours"]
        ratio = rates["ours"] / max(others) if others else None
        used = [value for who, value in cpu.items() if who != "ours"]
        table[f"{name}: {row}"] = {
            "batch": name,
            "family": ROWS[row],
            "images_a_second": {who: round(rate) for who, rate in rates.items()},
            "cpu_us_an_image": {who: round(value, 2) for who, value in cpu.items()},
            "ratio": ratio and round(ratio, 2),
            "cpu_ratio": round(min(used) / cpu["ours"], 2) if used else None,
        }
        line = f"{name:15} {ROWS[row]:9} {row:9} "
        for who in ("ours", "Keras", "albumentations"):
            told = (f"{rates[who]:,.0f}", f"{cpu[who]:.1f}") if who in rates else ("-", "-")
            line += f"{told[0]:>11} {told[1]:>7} "
        print(line + (f"ratio {ratio:5.2f}" if ratio else ""), flush=True)
    other.close()
    return table, other


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--save", action="store_true", help="store the table for the lessons")
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    print(f"images a second, {os.cpu_count()} cores, best of {options.rounds} rounds")
    table, other = measured(options.rounds)
    compared = [row for row in table.values() if row["ratio"]]
    for what, name in (("images a second", "ratio"), ("CPU time", "cpu_ratio")):
        lowest = {}
        for row in compared:
            lowest[row["family"]] = min(lowest.get(row["family"], np.inf), row[name])
        told = ", ".join(f"{family} {ratio:.2f}" for family, ratio in lowest.items())
        print(f"lowest ratio of {what} to the best of the others, by family: {told}")
    slower = [name for name, row in table.items() if row["ratio"] and row["ratio"] < 1]
    print(f"slower than the faster of both: {', '.join(slower) or 'none'}")
    if options.save:
        from tracklab.models import weights

        about = {
            "command": "python -m benchmarks.augment --save",
            "machine": weights.machine(),
            "versions": weights.versions(),
            "albumentations": other.version or other.absent,
        }
        weights.write_text(RESULTS, json.dumps(about | {"rows": table}, indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
