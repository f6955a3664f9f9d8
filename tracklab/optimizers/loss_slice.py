"""A slice of a real network's loss: the plane through its first weights and two that it learned.

Lesson 02's article network learns to tell drawn shapes, twice from the same weights, with batches
in another order. Three points in the space of its 122,570 weights span a plane; the loss on it is
measured once, on a grid, and kept in `data/results/slice.json`.

Garipov et al., "Loss surfaces, mode connectivity, and fast ensembling of DNNs" (2018), figure 1.

Invariant: distances on the slice are distances of weights.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from tracklab import errors
from tracklab.files import short, write_whole
from tracklab.models import weights
from tracklab.optimizers import surfaces
from tracklab.optimizers.surfaces import Surface

Floats = NDArray[np.float64]

NAME = "slice"
PATH = weights.FOLDER.parent / "results" / "slice.json"
COMMAND = "tracklab.optimizers.loss_slice.measure()"
IMAGES, SEEN = 512, 256  # that it learns from; that the loss is measured on
BATCH, STEPS, RATE = 64, 400, 1e-3  # of Adam
POINTS = 33  # along each side
REACH = (-0.5, 1.55)  # of the way from the first weights to those that were learned


@functools.cache
def stored(path: Path = PATH) -> Surface:
    """The slice as a surface that begins at the network's first weights.

    Raises `MissingError` where it was not measured, and says how.
    """
    if not path.is_file():
        raise errors.MissingError(f"{path.name}: not here; measure it with {COMMAND}")
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        x, y, losses, places = (np.array(known[k], float) for k in ("x", "y", "losses", "places"))
    except (ValueError, KeyError, TypeError) as reason:
        raise errors.SourceError(f"{path.name}: not a stored slice ({reason})") from reason
    return surface_of(x, y, losses, places)


def surface_of(x: Floats, y: Floats, losses: Floats, places: Floats) -> Surface:
    """Measured losses `(P, Q)` as a surface, from the first of the places `(3, 2)` on.

    Its minima are those that are found from the other two: a training ends beside the lowest point
    of its basin, on other batches than the loss is measured on.
    """
    surface = surfaces.interpolated(x, y, losses, name=NAME)
    left, right, bottom, top = surface.domain
    found = [
        scipy.optimize.minimize(
            *(surface.value, place),
            jac=surface.gradient,
            bounds=[(left, right), (bottom, top)],
            method="L-BFGS-B",
        )
        for place in places[1:]
    ]
    found.sort(key=lambda one: float(one.fun))
    minima = np.array([one.x for one in found])
    return replace(surface, start=places[0], minima=minima, lowest=float(found[0].fun))


def measure(path: Path | None = PATH, *, steps: int = STEPS, points: int = POINTS) -> Surface:
    """Train the network twice, measure the slice and store it; about a minute of one core.

    path: where to store it; None stores nothing. steps: of each training. points: along each side
    of the grid.
    """
    from tracklab import training
    from tracklab.datasets import drawn
    from tracklab.models import classifier
    from tracklab.optimizers.plugged import plugged
    from tracklab.quiet import keras, tf

    steps = int(errors.number("steps", steps, low=1, whole=True))
    points = int(errors.number("points", points, low=4, high=400, whole=True))
    images = drawn.sprites(train=IMAGES, test=10)
    model = classifier.article(classifier.LOGITS, seed=0)
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    first = model.get_weights()
    ends = []
    for seed in (0, 1):
        model.set_weights(first)
        data = training.Batches(images.train_images, images.train_labels, BATCH, seed)
        options = {"loss": crossentropy, "optimizer": plugged("adam", RATE), "progress": False}
        training.fit(model, data, steps=steps, **options)
        ends.append(model.get_weights())
    base, across, along, places = plane(first, *ends)
    seen = tf.constant(images.train_images[:SEEN], tf.float32)
    labels = tf.constant(images.train_labels[:SEEN])
    loss = tf.function(lambda: crossentropy(labels, model(seen, training=False)))
    x, y = (np.linspace(*REACH, points) * places[k, k - 1] for k in (1, 2))
    losses = np.empty((points, points))
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            # L(w + a u + b v)
            model.set_weights(_unflat(base + a * across + b * along, first))
            losses[i, j] = float(loss())
    if path is not None:
        columns = {"x": x, "y": y, "losses": losses, "places": places}
        table: dict[str, Any] = {
            name: [[short(v) for v in row] for row in c] if c.ndim == 2 else [*map(short, c)]
            for name, c in columns.items()
        }
        about = {"images": images.name, "steps": steps, "command": COMMAND}
        write_whole(path, json.dumps(about | table) + "\n")
        stored.cache_clear()
    return surface_of(x, y, losses, places)


def plane(
    first: Sequence[Any], one: Sequence[Any], other: Sequence[Any]
) -> tuple[Floats, Floats, Floats, Floats]:
    """The plane through three lists of weights.

    Returns the first as a vector `(n,)`, two unit vectors `(n,)` that are orthogonal, and where the
    three lie along them, `(3, 2)`: the first in the middle, the next on the first axis.
    """
    base, left, right = (
        np.concatenate([np.ravel(a) for a in w]).astype(float) for w in (first, one, other)
    )
    # u = (w1 - w0) / |w1 - w0|
    across = (left - base) / np.linalg.norm(left - base)
    # v = what is left of w2 - w0 without its part along u
    part = float((right - base) @ across)
    along = right - base - part * across
    height = float(np.linalg.norm(along))
    reach = float(np.linalg.norm(left - base))
    return base, across, along / height, np.array([[0.0, 0.0], [reach, 0.0], [part, height]])


def _unflat(vector: Floats, like: Sequence[Any]) -> list[NDArray[np.float32]]:
    parts = np.split(vector.astype(np.float32), np.cumsum([np.size(a) for a in like])[:-1])
    return [part.reshape(np.shape(a)) for part, a in zip(parts, like, strict=True)]
