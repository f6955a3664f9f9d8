"""The detectors that come with the course: how they were trained, and how to train them again.

`detector` knows the ten drawn shapes. `thumbnails` knows CIFAR-10's ten classes, pasted into
scenes: a finder, and lesson 02's classifier for a second look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracklab import datasets, errors, training
from tracklab.datasets import BoxedImages
from tracklab.detections import Detections
from tracklab.models import classifier, weights
from tracklab.models.detector import recipe, second_look
from tracklab.models.detector.base import Detector
from tracklab.models.detector.networks import FASTER, build
from tracklab.models.detector.second_look import SecondLook
from tracklab.quiet import keras
from tracklab.training import checkpoints

SHAPES, THUMBNAILS = NAMES = ("detector", "thumbnails")
COMMAND = "python -m tracklab train"
SEED = 0
HELD_OUT = 200  # frames of each kind of scene, on which a detector is judged
AVERAGE = 0.998  # a long training may average over more steps

WIDTHS = (32, 64, 64, 128)  # channels: wider than a lesson's, as there is more time to train
NAMER_RATE = 0.1  # peak, for a network that has learned already; lesson 02 starts with 0.6


@dataclass(frozen=True)
class Plan:
    """How much: frames of each kind of scene, and the budget of each network."""

    frames: Mapping[str, int]
    finding: Mapping[str, Any]
    naming: Mapping[str, Any]
    held_out: int = HELD_OUT

    def scenes(self, **options: Any) -> BoxedImages:
        """The frames to learn from."""
        sets = [
            datasets.boxed_scenes(kind, count, seed=SEED, **options)
            for kind, count in self.frames.items()
        ]
        return sum(sets[1:], start=sets[0])


PLANS = {
    SHAPES: Plan({"hard": 16000, "plain": 4000}, {"cpu_seconds": 1800.0}, {}),
    THUMBNAILS: Plan(
        {"hard": 12000, "plain": 12000}, {"cpu_seconds": 400.0}, {"cpu_seconds": 300.0}
    ),
}
QUICK = Plan({"hard": 64, "plain": 32}, {"steps": 3}, {"steps": 3}, held_out=8)

Judge = Callable[[list[Detections], BoxedImages], Mapping[str, float]]


def train_shipped(
    judge: Judge, folder: str | Path | None = None, *, name: str = SHAPES, quick: bool = False
) -> Path:
    """Train a shipped detector again and write its weights and card; returns the file's path.

    judge: figures by name for what was found in a set; metrics stand above models, so they are
    handed in. folder: where to write; the project's own `data/weights` if None. name: one of
    `NAMES`. quick: a few steps, to see that it runs; they never replace the project's own weights.

    Raises `InputError` for another name, and for `quick` without a folder; `MissingError` where
    "thumbnails" has neither CIFAR-10 nor the shipped classifier.

    A training that was stopped goes on where it was: a checkpoint lies beside the weights until
    they are complete.
    """
    errors.choice("name", name, NAMES)
    target = Path(folder) if folder is not None else weights.FOLDER
    if quick and folder is None:
        errors.bad("folder", None, "a folder for what a quick training writes")
    plan = QUICK if quick else PLANS[name]
    train = _train_shapes if name == SHAPES else _train_thumbnails
    model, card, sprites = train(plan, target)
    figures = {
        f"{measure}, {kind} scenes": float(value)
        for kind in ("plain", "hard")
        for measure, value in _judged(judge, model, kind, plan.held_out, sprites).items()
    }
    path = weights.save(model, name, weights.Card(**(card | {"figures": figures})), folder=target)
    for half in target.glob(f"{name}.*.checkpoint"):
        half.unlink()
    print(path.with_suffix(".md").read_text(encoding="utf-8"), end="")
    return path


def shipped(name: str = SHAPES, *, folder: Path | None = None) -> tuple[Detector, weights.Card]:
    """A detector that comes with the course, and its card; no training.

    name: "detector" (ten drawn shapes) or "thumbnails" (CIFAR-10's classes in scenes).

    Raises `InputError` for another name, `MissingError` where its weights are not there, and says
    how to train it.
    """
    errors.choice("name", name, NAMES)
    card = weights.card(name, folder=folder)
    options = dict(card.options)
    names = options.pop("class_names")
    if name == SHAPES:
        model = build(options.pop("kind"), names, **options)
    else:
        finder = build(options.pop("kind"), second_look.OBJECT, **options)
        model = SecondLook(finder, classifier.improved(None, classes=len(names)), names)
    return model, weights.load(model, name, folder=folder)


def _judged(
    judge: Judge, model: Detector, kind: str, count: int, sprites: Any
) -> Mapping[str, float]:
    held_out = datasets.boxed_scenes(kind, count, part="test", seed=SEED, sprites=sprites)
    return judge(model.detect_all(held_out), held_out)


def _train_shapes(plan: Plan, target: Path) -> tuple[Detector, dict[str, Any], Any]:
    images = plan.scenes()
    print(images, flush=True)
    model = build(FASTER, images.class_names, seed=SEED, widths=WIDTHS)
    curves = _find(model, images, plan, target / f"{SHAPES}.finding.checkpoint")
    card = {
        "title": "Faster R-CNN for the ten drawn shapes",
        "recipe": f"{_finder_in_words(WIDTHS, curves)} Judged on {plan.held_out} held-out frames "
        "of each kind.",
        "command": f"{COMMAND} {SHAPES}",
        "options": model.options | {"class_names": list(model.class_names)},
        **_cost(images, curves),
    }
    return model, card, "shapes"


def _train_thumbnails(plan: Plan, target: Path) -> tuple[Detector, dict[str, Any], Any]:
    sprites = datasets.cifar10()
    if not sprites.is_cifar:
        raise errors.MissingError(
            f"the thumbnails are CIFAR-10's, and here is only {sprites.name}: see Your data in "
            "the README"
        )
    namer, lesson_02 = classifier.shipped()
    images = plan.scenes(sprites=sprites)
    print(images, flush=True)
    naming_path = target / f"{THUMBNAILS}.naming.checkpoint"
    naming = _resumed(
        namer,
        naming_path,
        repr(plan),
        lambda: classifier.train_improved(
            namer,
            *second_look.cut_out(images, seed=SEED),
            seed=SEED,
            stages=classifier.FULL_SIZE,
            optimizer=keras.optimizers.SGD(NAMER_RATE, momentum=0.9, nesterov=True),
            checkpoint=naming_path,
            progress=True,
            **plan.naming,
        ),
    )
    finder = build(FASTER, second_look.OBJECT, seed=SEED)
    unnamed = second_look.unnamed(images)
    finding = _find(finder, unnamed, plan, target / f"{THUMBNAILS}.finding.checkpoint")
    model = SecondLook(finder, namer, images.class_names)
    widths, objects = finder.options["widths"], sum(images.counts.values())
    card = {
        "title": "Faster R-CNN that finds CIFAR-10's thumbnails, and a second look that names them",
        "recipe": (
            f"The finder, which knows one class: {_finder_in_words(widths, finding)} The namer: "
            f"lesson 02's classifier ({lesson_02.sha256[:12]}), trained on with {objects:,} "
            f"objects cut out of the same frames, rate {NAMER_RATE}; {len(naming)} steps "
            f"(`detector.SecondLook`). Judged on {plan.held_out} held-out frames of each kind, "
            "made of CIFAR-10's test images."
        ),
        "command": f"{COMMAND} {THUMBNAILS}",
        "options": finder.options | {"class_names": list(model.class_names)},
        **_cost(images, finding, naming),
    }
    return model, card, sprites


def _find(model: Detector, images: BoxedImages, plan: Plan, path: Path) -> training.Curves:
    """Train what finds."""
    return _resumed(
        model,
        path,
        repr(plan),
        lambda: recipe.train(
            model,
            images,
            seed=SEED,
            average=AVERAGE,
            checkpoint=path,
            progress=True,
            **plan.finding,
        ),
    )


def _resumed(
    model: Any, path: Path, plan: str, train: Callable[[], training.Curves]
) -> training.Curves:
    """Train a network, or take it and its curves from the file of a training that is done.

    The file stays until the weights are written: judging, or a second network, come before that.
    """
    done = path.with_suffix(".done.checkpoint")
    if kept := checkpoints.done(done, plan):
        arrays, state = kept
        for variable, value in zip(model.variables, arrays, strict=True):
            variable.assign(value)
        return training.Curves.from_json(state["curves"])
    curves = train()
    arrays = [variable.numpy() for variable in model.variables]
    checkpoints.write_done(done, arrays, plan, {"curves": curves.to_json()})
    return curves


def _finder_in_words(widths: Any, curves: training.Curves) -> str:
    return (
        "Plain convolutions with batch normalization, a region proposal network on the map of "
        "stride 8, RoIAlign on that of stride 4, a head of two dense layers "
        f"(`detector.build`, channels {', '.join(map(str, widths))}). Adam at {recipe.RATE}, "
        f"flat for {recipe.FLAT:.0%} of the training and then down to 0, batches of "
        f"{recipe.BATCH}, flips and shifts, averaged weights ({AVERAGE}); {len(curves)} steps "
        "(`detector.train`)."
    )


def _cost(images: BoxedImages, *curves: training.Curves) -> dict[str, Any]:
    return {
        "seed": SEED,
        "data": f"{len(images):,} frames: {images.name}"
        + (f", {images.source}" if "drawn" not in images.source else ""),
        "seconds": round(sum(float(each.seconds[-1]) for each in curves), 1),
        "cpu_seconds": round(sum(float(each.cpu_seconds[-1]) for each in curves), 1),
    }
