"""A set of labelled images, divided into what a network learns from and what it is judged by.

Invariants: labels index `class_names`; the four arrays agree; `subset` keeps the proportions of
the classes to within one image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

CIFAR = "CIFAR-10"


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images `(N, H, W, 3)` uint8 RGB and their classes `(N,)` int64, for training and for testing.

    class_names: the names of the classes, in the order of their numbers.
    name: "CIFAR-10", "sprites", or the name of the learner's folder: every result bears it.
    source: where the images came from, in words.

    `str(images)` is the one line that announces the set. Raises `InputError` where parts do not
    agree.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    name: str
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        for part in ("train", "test"):
            images = np.asarray(getattr(self, f"{part}_images"))
            labels = np.asarray(getattr(self, f"{part}_labels"))
            if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
                errors.bad(f"{part}_images", images, "shape (N, H, W, 3) and type uint8, RGB")
            if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
                errors.bad(f"{part}_labels", labels, f"{len(images)} whole numbers, one an image")
            count = len(self.class_names)
            if labels.size and not 0 <= labels.min() <= labels.max() < count:
                came = errors.Said(f"numbers from {labels.min()} to {labels.max()}")
                errors.bad(f"{part}_labels", came, f"numbers of the {count} classes, from 0")
            object.__setattr__(self, f"{part}_images", images)
            object.__setattr__(self, f"{part}_labels", labels.astype(np.int64, copy=False))
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            errors.bad(
                "test_images", self.test_images, f"images like {self.train_images.shape[1:]}"
            )

    @property
    def is_cifar(self) -> bool:
        """Whether these are CIFAR-10's own images."""
        return self.name == CIFAR

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        height, width = self.train_images.shape[1:3]
        return height, width

    def subset(self, *, train: int | None = None, test: int | None = None, seed: int = 0) -> Images:
        """Fewer images, drawn at random with the classes in the same proportions.

        `None` keeps all of a part. The same seed draws the same images. Raises `InputError` for
        more images than there are.
        """
        parts: dict[str, Any] = {}
        for part, count in (("train", train), ("test", test)):
            if count is None:
                continue
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            count = int(errors.number(part, count, low=1, high=len(labels), whole=True))
            chosen = stratified(labels, count, np.random.default_rng(seed))
            parts |= {f"{part}_images": images[chosen], f"{part}_labels": labels[chosen]}
        return replace(self, **parts)

    def __str__(self) -> str:
        height, width = self.size
        source = f" ({self.source})" if self.source else ""
        return (
            f"{self.name}: {len(self.train_labels):,} training and {len(self.test_labels):,} test "
            f"images of {len(self.class_names)} classes, {width}x{height}{source}"
        )

    __repr__ = __str__


def stratified(
    labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """`count` places in `labels`, in random order, with each class in its proportion.

    A class gets its share rounded down, or one more: the largest remainders first.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * (count / len(labels))
    quota = np.floor(shares).astype(int)
    # ties between remainders are broken at random, so that no class is always the poorer
    order = np.lexsort((rng.random(len(classes)), -np.round(shares - quota, 9)))
    quota[order[: count - quota.sum()]] += 1
    chosen = [
        rng.permutation(np.flatnonzero(labels == one))[:some]
        for one, some in zip(classes, quota, strict=True)
    ]
    return rng.permutation(np.concatenate(chosen))
