"""Batches as a function of the step, so that a training repeats and can be resumed.

Invariant: `source.batch(step, progress)` depends on its two arguments and the source's own fields
alone: asked again, in any order, in another process, it gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Array = NDArray[Any]
Batch = tuple[Any, ...]


@runtime_checkable
class Source(Protocol):
    """Where batches come from. `batch` depends on its arguments alone, so that a run repeats."""

    @property
    def steps_per_epoch(self) -> float:
        """How many steps see as many examples as there are."""
        ...

    def batch(self, step: int, progress: float) -> Batch:
        """The batch of step `step` (from 0), when the fraction `progress` of the run is done."""
        ...


Augment = Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]


@dataclass(frozen=True)
class Batches:
    """Shuffled batches of images and labels, the same for the same seed.

    images: `(N, ...)`, any type; usually uint8 `(N, H, W, 3)`.
    labels: `(N, ...)`; integers from 0 for classes.
    batch_size: examples a step.
    seed: decides every shuffle and every augmentation.
    augment: `augment(images, labels, rng) -> images, labels` on each batch; it gets copies.

    The order of an epoch comes from `(seed, epoch)` and the augmentation of a batch from `(seed,
    step)`. Epochs follow one another without a gap: where N is no multiple of the batch size, a
    batch takes the end of one epoch and the beginning of the next, so every batch is full and
    every example is seen once an epoch.

    Raises `InputError` for no data, labels of another length or below 0, and images with NaNs.
    """

    images: Array
    labels: Array
    batch_size: int = 32
    seed: int = 0
    augment: Augment | None = None
    _orders: dict[int, Array] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        images, labels = as_examples(self.images, self.labels)
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels)
        for name, low in (("batch_size", 1), ("seed", 0)):
            value = errors.number(name, getattr(self, name), low=low, whole=True)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def steps_per_epoch(self) -> float:
        """Examples over batch size; not a whole number where the last batch straddles."""
        return len(self.images) / self.batch_size

    def order(self, epoch: int) -> Array:
        """The permutation `(N,)` of epoch `epoch`."""
        if epoch not in self._orders:
            for old in [known for known in self._orders if known < epoch - 1]:
                del self._orders[old]
            rng = np.random.default_rng([self.seed, epoch])
            self._orders[epoch] = rng.permutation(len(self.images))
        return self._orders[epoch]

    def indices(self, step: int) -> Array:
        """Which examples make batch `step`."""
        start, count = step * self.batch_size, len(self.images)
        places = np.arange(start, start + self.batch_size)
        epochs = range(start // count, (start + self.batch_size - 1) // count + 1)
        return np.concatenate(
            [self.order(epoch)[places[places // count == epoch] % count] for epoch in epochs]
        )

    def batch(self, step: int, progress: float = 0.0) -> Batch:
        """Images `(batch_size, ...)` and labels of batch `step`, augmented."""
        chosen = self.indices(step)
        images, labels = self.images[chosen], self.labels[chosen]
        if self.augment is not None:
            # The third word keeps these draws apart from those of the orders.
            rng = np.random.default_rng([self.seed, step, 1])
            images, labels = self.augment(images, labels, rng)
        return images, labels


def as_examples(images: Any, labels: Any) -> tuple[Array, Array]:
    """Check images and labels at a door; raises `InputError` as `Batches` says."""
    images, labels = _as_array("images", images), _as_array("labels", labels)
    if images.ndim < 1 or len(images) == 0:
        errors.bad("images", images, "at least one example")
    if labels.shape[:1] != images.shape[:1]:
        errors.bad("labels", labels, f"one for each of the {len(images)} images")
    for name, array in (("images", images), ("labels", labels)):
        if array.dtype.kind not in "fiub":
            errors.bad(name, array, "numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            errors.bad(name, errors.Said(f"NaN or infinity in example {row}"), "finite numbers")
    if labels.dtype.kind == "i" and labels.ndim == 1 and labels.min() < 0:
        errors.bad("labels", int(labels.min()), "classes counted from 0")
    return images, labels


def _as_array(name: str, values: Any) -> Array:
    try:
        return np.asarray(values)
    except ValueError:
        errors.bad(name, errors.Said("rows of different shapes"), "an array, all of one shape")


@dataclass(frozen=True)
class Seeded:
    """A source whose batches come with a seed `(2,)` int64 made of `(seed, step)`.

    For what is drawn inside the compiled step, with `tf.random.stateless_...`: the draws of a step
    are the same whatever came before it.
    """

    source: Source
    seed: int

    @property
    def steps_per_epoch(self) -> float:
        """As the source has it."""
        return self.source.steps_per_epoch

    def batch(self, step: int, progress: float) -> Batch:
        """The source's batch of step `step`, and the seed of that step."""
        return self.source.batch(step, progress), np.array([self.seed, step], np.int64)
