"""The article's network in its three forms and the lesson's, trained side by side.

The lesson's network gets the CPU time that the repaired one has just taken for its ten epochs, in
the same run on the same machine, preparation included. So "in no more CPU time" holds wherever the
comparison is run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import datasets, errors, files, training
from tracklab.models import weights
from tracklab.models.classifier import networks, recipe
from tracklab.models.classifier.judge import Judgement, evaluate

RESULTS = weights.FOLDER.parent / "results" / "classifier.json"
NAME = "classifier"
COMMAND = "python -m tracklab train classifier"

AS_WRITTEN, HIDDEN, REPAIRED, IMPROVED = "as written", "mistake hidden", "repaired", "improved"
VARIANTS = (AS_WRITTEN, HIDDEN, REPAIRED, IMPROVED)
_OUTPUT = {
    AS_WRITTEN: networks.SOFTMAX,
    HIDDEN: networks.HIDDEN_SOFTMAX,
    REPAIRED: networks.LOGITS,
}

QUICK_TRAIN, QUICK_TEST, QUICK_STEPS = 1_000, 500, 60
LOOKS = 10  # at the test images during a training, for the curve
POINTS = 60  # kept of each curve
# The budget is a clock that is looked at between steps; this much of it is left unused.
MARGIN = 0.01


@dataclass(frozen=True)
class Row:
    """One training of one variant, judged on the test images.

    flips: the same network with test-time flips. seconds, cpu_seconds: of training, with the
    preparation of network and data, without judging.
    """

    variant: str
    seed: int
    accuracy: float
    loss: float
    calibration_error: float
    accuracy_flips: float
    seconds: float
    cpu_seconds: float
    steps: int
    epochs: float
    weights: int
    curves: training.Curves


def train(
    out: str | Path | None = None,
    *,
    quick: bool = False,
    progress: bool = True,
    data: datasets.Images | None = None,
) -> list[Row]:
    """Run the comparison at full length, and write the weights, their card and the results.

    out: a folder that gets `weights/` and `results/`; the project's own `data/` if None.
    quick: 1,000 images and a few steps, to see that it runs. Its figures mean nothing, so without
        `out` nothing is written.
    data: images to use; CIFAR-10 (or what stands in for it) if None.

    It takes about ten minutes on two cores. Returns the rows of the table.
    """
    folder = Path(out) if out is not None else None if quick else weights.FOLDER.parent
    images = data if data is not None else datasets.cifar10()
    if quick:
        images = images.subset(
            train=min(QUICK_TRAIN, len(images.train_labels)),
            test=min(QUICK_TEST, len(images.test_labels)),
        )
    kept: list[Any] = []
    rows = compare(
        images,
        steps=QUICK_STEPS if quick else None,
        progress=progress,
        keep=lambda variant, model: kept.append(model) if variant == IMPROVED else None,
    )
    if folder is not None:
        best = next(row for row in rows if row.variant == IMPROVED)
        ship(kept[0], best, images, folder=folder / "weights")
        write_results(rows, images, folder / "results" / f"{NAME}.json")
    if progress:
        print(table(rows))
    return rows


def compare(
    images: datasets.Images,
    *,
    seed: int = 0,
    variants: tuple[str, ...] = VARIANTS,
    steps: int | None = None,
    progress: bool = True,
    keep: Callable[[str, Any], Any] | None = None,
) -> list[Row]:
    """Train the variants from one seed, one after the other, and judge each on the test images.

    steps: of the article's network; its ten epochs if None. "improved" gets the CPU time that
        "repaired" took, so that one must come before it. keep: is given each trained model.
    """
    for variant in variants:
        errors.choice("variants", variant, VARIANTS)
    if IMPROVED in variants and REPAIRED not in variants[: variants.index(IMPROVED)]:
        errors.bad("variants", variants, "'repaired' before 'improved', whose budget it sets")
    steps = recipe.article_steps(len(images.train_labels)) if steps is None else steps
    rows: list[Row] = []
    for variant in variants:
        limit = None
        if variant == IMPROVED:
            limit = next(row.cpu_seconds for row in rows if row.variant == REPAIRED)
        model, row = _one(images, variant, seed, steps, limit, progress)
        rows.append(row)
        if keep is not None:
            keep(variant, model)
    return rows


def _one(
    images: datasets.Images,
    variant: str,
    seed: int,
    steps: int,
    cpu_limit: float | None,
    progress: bool,
) -> tuple[Any, Row]:
    """Build, train and judge one variant."""
    x, y, classes = images.train_images, images.train_labels, len(images.class_names)
    seen: list[Judgement] = []
    looking = [0.0, 0.0]

    def look() -> dict[str, float]:
        wall, cpu = time.monotonic(), time.process_time()
        seen.append(evaluate(model, images.test_images, images.test_labels))
        looking[0] += time.monotonic() - wall
        looking[1] += time.process_time() - cpu
        return {"accuracy": seen[-1].accuracy, "loss": seen[-1].loss}

    shown: dict[str, Any] = {"validation": look, "progress": progress, "name": variant}
    wall, cpu = time.monotonic(), time.process_time()
    if variant == IMPROVED:
        assert cpu_limit is not None
        model = networks.improved(x, classes=classes, seed=seed)
        ready = time.process_time() - cpu
        curves = recipe.train_improved(
            model,
            x,
            y,
            seed=seed,
            cpu_seconds=cpu_limit * (1 - MARGIN) - ready,
            validate_every=max(1, round(len(y) / recipe.BATCH)),
            **shown,
        )
    else:
        model = networks.article(_OUTPUT[variant], classes=classes, side=images.size[0], seed=seed)
        curves = recipe.train_article(
            model, x, y, seed=seed, steps=steps, validate_every=max(1, steps // LOOKS), **shown
        )
    # What the training cost, from the first line to the last, without the looks.
    wall_spent = time.monotonic() - wall - looking[0]
    cpu_spent = time.process_time() - cpu - looking[1]
    judged = seen[-1]
    flipped = evaluate(model, images.test_images, images.test_labels, flips=True)
    return model, Row(
        variant=variant,
        seed=seed,
        accuracy=judged.accuracy,
        loss=judged.loss,
        calibration_error=judged.calibration_error,
        accuracy_flips=flipped.accuracy,
        seconds=wall_spent,
        cpu_seconds=cpu_spent,
        steps=len(curves),
        epochs=float(curves.epoch[-1]),
        weights=model.count_params(),
        curves=curves.smooth(POINTS),
    )


def ship(model: Any, row: Row, images: datasets.Images, *, folder: Path | None = None) -> Path:
    """Store an improved network as the one that comes with the course, with its card."""
    card = weights.Card(
        title="the classifier of lesson 02",
        recipe=(
            "A frozen whitening layer, three stages of 3x3 convolutions with batch normalization, "
            "two residual blocks (`classifier.improved`). SGD with Nesterov momentum "
            f"{recipe.MOMENTUM}, one triangle of the rate up to {recipe.RATE}, weight decay "
            f"{recipe.WEIGHT_DECAY}, label smoothing {recipe.SMOOTHING}, batches of "
            f"{recipe.BATCH}, shifts and flips, images that grow from 16 to 24 to 32 pixels "
            f"(`classifier.train_improved`); {row.steps} steps, {row.epochs:.1f} epochs. It had "
            "the CPU time that the article's network took for its ten epochs in the same run."
        ),
        command=COMMAND,
        seed=row.seed,
        data=f"{images.name}, {len(images.train_labels):,} training images",
        seconds=round(row.seconds, 1),
        cpu_seconds=round(row.cpu_seconds, 1),
        figures={
            "test accuracy": row.accuracy,
            "test accuracy with flips": row.accuracy_flips,
            "test loss": row.loss,
            "calibration error": row.calibration_error,
        },
        options={
            "classes": len(images.class_names),
            "widths": list(networks.WIDTHS),
            "class_names": list(images.class_names),
        },
    )
    return weights.save(model, NAME, card, folder=folder)


def shipped(*, folder: Path | None = None) -> tuple[Any, weights.Card]:
    """The classifier that comes with the course, and its card; no training.

    `card.options["class_names"]` names its outputs. Raises `MissingError` where it is not there,
    and says how to train it.
    """
    known = weights.card(NAME, folder=folder)
    model = networks.improved(
        # Any image will do: the whitening layer it sets up is replaced by the stored one.
        np.zeros((1, networks.SIDE, networks.SIDE, 3), np.uint8),
        widths=tuple(known.options["widths"]),
        classes=known.options["classes"],
    )
    return model, weights.load(model, NAME, folder=folder)


def write_results(rows: list[Row], images: datasets.Images, path: Path | None = None) -> Path:
    """Store the rows with the data, versions and cores that they were measured with."""
    path = path if path is not None else RESULTS
    stored = {
        "command": COMMAND,
        "data": images.name,
        "train": len(images.train_labels),
        "test": len(images.test_labels),
        "machine": weights.machine(),
        "versions": weights.versions(),
        "rows": [_plain(row) for row in rows],
    }
    weights.write_text(path, json.dumps(stored, indent=1) + "\n")
    return path


def _plain(row: Row) -> dict[str, Any]:
    curves = json.loads(row.curves.to_json())
    for name, values in curves["columns"].items():
        # Six digits are what a figure needs, and a tenth of the file.
        curves["columns"][name] = [None if v is None else float(f"{v:.6g}") for v in values]
    fields = {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "curves"}
    short = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in fields.items()}
    return short | {"curves": curves}


@dataclass(frozen=True)
class Results:
    """A stored comparison: `rows`, and in `about` the data, sizes, versions and machine."""

    rows: list[Row]
    about: dict[str, Any]

    def of(self, variant: str) -> list[Row]:
        """The rows of a variant, one a seed."""
        errors.choice("variant", variant, VARIANTS)
        return [row for row in self.rows if row.variant == variant]


def read_results(path: Path | None = None) -> Results:
    """The stored comparison. Raises `MissingError` where there is none, and says how to make it."""
    where = path if path is not None else RESULTS
    return Results(*files.stored_rows(where, COMMAND, _read_row))


def _read_row(stored: dict[str, Any]) -> Row:
    curves = training.Curves.from_json(json.dumps(stored["curves"]))
    return Row(**(stored | {"curves": curves}))


def table(rows: list[Row]) -> str:
    """The rows as text; where a variant has several seeds, mean and spread (standard deviation)."""
    head = (
        f"{'variant':16}{'seeds':>6}{'accuracy %':>15}{'with flips':>12}{'loss':>8}"
        f"{'calibr. err. %':>16}{'wall s':>8}{'CPU s':>8}{'epochs':>8}{'weights':>10}"
    )
    lines = [head]
    for variant in VARIANTS:
        mine = [row for row in rows if row.variant == variant]
        if not mine:
            continue

        def mean(name: str, mine: list[Row] = mine) -> float:
            return float(np.mean([getattr(row, name) for row in mine]))

        spread = f" ± {100 * np.std([r.accuracy for r in mine], ddof=1):.1f}" if mine[1:] else ""
        accuracy = f"{100 * mean('accuracy'):.1f}{spread}"
        lines.append(
            f"{variant:16}{len(mine):6}{accuracy:>15}{100 * mean('accuracy_flips'):12.1f}"
            f"{mean('loss'):8.3f}{100 * mean('calibration_error'):16.1f}{mean('seconds'):8.0f}"
            f"{mean('cpu_seconds'):8.0f}{mean('epochs'):8.1f}{mean('weights'):10,.0f}"
        )
    return "\n".join(lines)
