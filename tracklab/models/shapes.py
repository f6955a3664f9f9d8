"""A small classifier that says which of ten drawn shapes are in a picture: lesson 11's patient.

The pictures come with exact masks (`datasets.masked_scenes`), so what is said of where this network
looks can be right or wrong. It is lesson 02's network, thinner, and it answers for each class by
itself: a picture holds several.

Invariant: logit c says whether class c is in the picture; a softmax over them means nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import datasets, errors, training
from tracklab.models import weights
from tracklab.models.classifier import networks
from tracklab.quiet import tf
from tracklab.scenes import SHAPES

NAME = "shapes"
COMMAND = "python -m tracklab train shapes"
SEED = 0
WIDTHS = (16, 32, 64)  # channels of the three stages
BATCH = 64
RATE = 0.01  # peak of Adam's triangle
AVERAGE = 0.99  # of the weights
PICTURES = 16_000  # that the shipped one learned from
STEPS = 3_000  # of that training
TESTED = 1_000  # pictures that it is judged on
QUICK: dict[str, int] = {"pictures": 64, "steps": 3, "tested": 32}


def build(images: NDArray[np.uint8], *, seed: int = SEED) -> Any:
    """A new network: pixels `(N, H, W, 3)`, 0 to 255, to logits `(N, 10)`.

    images: from which its first, whitening layer is computed; see `classifier.improved`.
    """
    return networks.improved(images, widths=WIDTHS, classes=len(SHAPES), seed=seed)


def train(
    model: Any, data: datasets.MaskedImages, *, seed: int = SEED, **options: Any
) -> training.Curves:
    """Train it: Adam, one triangle of the rate, flips; for each class yes or no.

    options: of `training.fit`, among them the budget.
    """
    settings: dict[str, Any] = {
        "loss": presence_loss,
        "learning_rate": RATE,
        "schedule": training.triangle(),
        "average": AVERAGE,
        "name": NAME,
    }
    batches = training.Batches(data.images, data.present(), BATCH, seed, augment=_turned)
    return training.fit(model, batches, **(settings | options))


def presence_loss(present: Any, logits: Any) -> Any:
    """Cross-entropy of yes or no, of each class by itself, added up: `(N,)`."""
    # L = -sum_c (y_c log s(z_c) + (1 - y_c) log(1 - s(z_c)))
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(present, logits), -1)


def predict(model: Any, images: NDArray[Any], *, batch: int = 256) -> NDArray[np.float32]:
    """Logits `(N, 10)` of images `(N, H, W, 3)`."""
    run = tf.function(lambda x: model(x, training=False))
    parts = [
        run(tf.cast(images[k : k + batch], tf.float32)).numpy()
        for k in range(0, len(images), batch)
    ]
    return np.concatenate(parts)


def evaluate(model: Any, data: datasets.MaskedImages) -> dict[str, float]:
    """How often it is right: of all yes and no, and of pictures in which all ten are."""
    said = predict(model, data.images) > 0
    right = said == (data.present() > 0)
    return {"answers right": float(right.mean()), "pictures right": float(right.all(1).mean())}


def shipped(*, folder: Path | None = None) -> tuple[Any, weights.Card]:
    """The network that comes with the course, and its card; no training.

    Raises `MissingError` where it is not there, and says how to train it.
    """
    # any image will do: the whitening layer it sets up is replaced by the stored one
    model = build(np.zeros((1, datasets.masked.SIDE, datasets.masked.SIDE, 3), np.uint8))
    return model, weights.load(model, NAME, folder=folder)


def train_shipped(folder: str | Path | None = None, *, quick: bool = False) -> Path:
    """Train the shipped network again and write its weights and card; returns the file's path.

    folder: where to write; the project's own `data/weights` if None. quick: a few steps, to see
    that it runs; they never replace the project's own weights. Raises `InputError` for `quick`
    without a folder.
    """
    if quick and folder is None:
        errors.bad("folder", None, "a folder for what a quick training writes")
    plan = QUICK if quick else {"pictures": PICTURES, "steps": STEPS, "tested": TESTED}
    data = datasets.masked_scenes(plan["pictures"], seed=SEED)
    model = build(data.images)
    curves = train(model, data, steps=plan["steps"])
    held_out = datasets.masked_scenes(plan["tested"], part="test", seed=SEED)
    card = weights.Card(
        title="which of ten drawn shapes are in a picture",
        recipe=(
            "A frozen whitening layer, three stages of 3x3 convolutions with batch normalization, "
            f"two residual blocks, widths {', '.join(map(str, WIDTHS))} (`classifier.improved`). "
            f"Adam at {RATE}, one triangle of the rate, batches of {BATCH}, flips, averaged "
            f"weights ({AVERAGE}), yes or no for each class (`shapes.train`); {len(curves)} steps. "
            f"Judged on {len(held_out)} held-out pictures."
        ),
        command=COMMAND,
        seed=SEED,
        data=f"{len(data):,} pictures of two shapes each (`datasets.masked_scenes`, seed {SEED})",
        seconds=round(float(curves.seconds[-1]), 1),
        cpu_seconds=round(float(curves.cpu_seconds[-1]), 1),
        figures=evaluate(model, held_out),
        options={"class_names": list(data.class_names)},
    )
    path = weights.save(model, NAME, card, folder=Path(folder) if folder is not None else None)
    print(path.with_suffix(".md").read_text(encoding="utf-8"), end="")
    return path


def _turned(
    images: NDArray[Any], labels: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A batch, each half of it flipped one way: a flipped shape keeps its name."""
    for axis in (1, 2):
        chosen = rng.random(len(images)) < 0.5
        images[chosen] = np.flip(images[chosen], axis)
    return images, labels
