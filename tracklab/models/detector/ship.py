"""The detector that comes with the course: how it was trained, and how to train it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracklab import datasets, errors, training
from tracklab.datasets import BoxedImages
from tracklab.detections import Detections
from tracklab.models import weights
from tracklab.models.detector import recipe
from tracklab.models.detector.base import Detector
from tracklab.models.detector.networks import FASTER, build

NAME = "detector"
COMMAND = "python -m tracklab train detector"
SEED = 0
WIDTHS = (32, 64, 64, 128)  # channels: wider than a lesson's, as there is more time to train
HARD, PLAIN = 8000, 4000  # frames of each kind of scene
CPU_SECONDS = 900.0
AVERAGE = 0.998  # a long training may average over more steps
HELD_OUT = 200  # frames of each kind that it is judged on
QUICK = {"hard": 64, "plain": 32, "steps": 3, "held_out": 8}


Judge = Callable[[list[Detections], BoxedImages], Mapping[str, float]]


def train_shipped(judge: Judge, folder: str | Path | None = None, *, quick: bool = False) -> Path:
    """Train the shipped detector again and write its weights and card; returns the file's path.

    judge: figures by name for what was found in a set; metrics stand above models, so they are
    handed in. folder: where to write; the project's own `data/weights` if None. quick: a few
    steps, to see that it runs; they never replace the project's own weights.

    Raises `InputError` for `quick` without a folder.

    A training that was stopped goes on where it was: a checkpoint lies beside the weights until
    they are complete.
    """
    target = Path(folder) if folder is not None else weights.FOLDER
    if quick and folder is None:
        errors.bad("folder", None, "a folder for what a quick training writes")
    hard, plain, held_out = HARD, PLAIN, HELD_OUT
    budget: dict[str, Any] = {"cpu_seconds": CPU_SECONDS}
    if quick:
        hard, plain, held_out = QUICK["hard"], QUICK["plain"], QUICK["held_out"]
        budget = {"steps": QUICK["steps"]}
    images = datasets.boxed_scenes("hard", hard, seed=SEED)
    images += datasets.boxed_scenes("plain", plain, seed=SEED)
    print(images, flush=True)
    model = build(FASTER, images.class_names, seed=SEED, widths=WIDTHS)
    curves = recipe.train(
        model,
        images,
        seed=SEED,
        average=AVERAGE,
        checkpoint=target / f"{NAME}.checkpoint",
        progress=True,
        **budget,
    )
    figures = {
        f"{name}, {kind} scenes": float(value)
        for kind in ("plain", "hard")
        for name, value in _judged(judge, model, kind, held_out).items()
    }
    path = weights.save(model, NAME, _card(model, curves, figures, images), folder=target)
    print(path.with_suffix(".md").read_text(encoding="utf-8"), end="")
    return path


def shipped(*, folder: Path | None = None) -> tuple[Detector, weights.Card]:
    """The detector that comes with the course, and its card; no training.

    Raises `MissingError` where it is not there, and says how to train it.
    """
    card = weights.card(NAME, folder=folder)
    options = dict(card.options)
    model = build(options.pop("kind"), options.pop("class_names"), **options)
    return model, weights.load(model, NAME, folder=folder)


def _judged(judge: Judge, model: Detector, kind: str, count: int) -> Mapping[str, float]:
    held_out = datasets.boxed_scenes(kind, count, part="test", seed=SEED)
    return judge(model.detect_all(held_out), held_out)


def _card(
    model: Detector, curves: training.Curves, figures: Mapping[str, float], images: BoxedImages
) -> weights.Card:
    return weights.Card(
        title="Faster R-CNN for the ten drawn shapes",
        recipe=(
            "Plain convolutions with batch normalization, a region proposal network on the map of "
            "stride 8, RoIAlign on that of stride 4, a head of two dense layers "
            f"(`detector.build`, channels {', '.join(map(str, WIDTHS))}). Adam at {recipe.RATE}, "
            f"flat for {recipe.FLAT:.0%} of the training and then down to 0, batches of "
            f"{recipe.BATCH}, flips and shifts, averaged weights ({AVERAGE}); {len(curves)} steps "
            f"(`detector.train`). Judged on {HELD_OUT} held-out frames of each kind."
        ),
        command=COMMAND,
        seed=SEED,
        data=f"{len(images):,} frames: {images.name}",
        seconds=round(float(curves.seconds[-1]), 1),
        cpu_seconds=round(float(curves.cpu_seconds[-1]), 1),
        figures=figures,
        options=model.options | {"class_names": list(model.class_names)},
    )
