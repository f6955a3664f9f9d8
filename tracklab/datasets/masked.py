"""Small pictures of a few drawn shapes, with exact masks: what an explanation is judged by.

In each picture stand shapes of different classes, anywhere, turned anyhow, among small pieces of no
class. Which pixels are which shape's is known, so that a picture of "where the network looked" can
be right or wrong.

Invariants: masks of a picture do not overlap, and none is empty; the classes in a picture differ;
pictures of part "train" and of part "test" come from scenes that never meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.scenes import SHAPES, TEST_SEED, TRAIN_SEED, Scene

PARTS = {"train": TRAIN_SEED, "test": TEST_SEED}
SIDE = 64  # pixels of a picture
SHAPES_IN = 2  # a picture
SIZE = (14.0, 24.0)  # pixels of a shape
FRAMES = 8  # taken of one scene: more are cheaper, and more alike
CLUTTER, NOISE = 0.15, 0.05  # dials of the scenes
CONTRAST = (0.0, 0.4)  # of the dial that draws colours towards grey
SPEED = (8.0, 14.0)  # pixels a frame: frames of one scene look different
VISIBLE = 0.75  # of a shape, at least: what stands behind another is left out
STRIDE = 30_011  # scenes from one seed to the next
ROOM = TEST_SEED - TRAIN_SEED


@dataclass(frozen=True, eq=False, repr=False)
class MaskedImages:
    """N pictures of S x S pixels with K shapes each.

    images: `(N, S, S, 3)` uint8 RGB. labels: `(N, K)` classes, all of a picture different.
    masks: `(N, K, S, S)` booleans, the visible pixels of each shape. class_names: of the classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_]
    class_names: tuple[str, ...] = SHAPES

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | NDArray[np.int64] | NDArray[np.bool_]) -> MaskedImages:
        """A smaller set: of a slice, of indices or of a mask `(N,)`."""
        return MaskedImages(
            self.images[which], self.labels[which], self.masks[which], self.class_names
        )

    def __repr__(self) -> str:
        side, shapes = self.images.shape[1], self.masks.shape[1]
        return f"MaskedImages({len(self)} of {side}x{side} pixels, {shapes} shapes each)"

    def present(self) -> NDArray[np.float32]:
        """`(N, C)`: 1 where a class is in the picture, 0 where not."""
        out = np.zeros((len(self), len(self.class_names)), np.float32)
        np.put_along_axis(out, self.labels, 1.0, axis=1)
        return out


def masked_scenes(
    count: int,
    *,
    part: str = "train",
    seed: int = 0,
    shapes: int = SHAPES_IN,
    side: int = SIDE,
    size: float | tuple[float, float] = SIZE,
    clutter: float = CLUTTER,
) -> MaskedImages:
    """Pictures of `shapes` shapes each, with the exact mask of each: the same arguments give the
    same bytes.

    count: N, 1 or more. part: "train" or "test". seed: another one gives other scenes. shapes: K,
    of different classes, 1 to 4. side: S, in pixels, 32 or more. size: of a shape in pixels, one
    number or from, to. clutter: 0 to 1, how much of no class lies around.

    Raises `InputError` for an argument that is not as described.

    >>> pictures = masked_scenes(4, part="test")
    >>> pictures.images.shape, pictures.masks.shape
    ((4, 64, 64, 3), (4, 2, 64, 64))
    """
    count = int(errors.number("count", count, low=1, high=1_000_000, whole=True))
    errors.choice("part", part, PARTS)
    seed = int(errors.number("seed", seed, low=0, whole=True))
    shapes = int(errors.number("shapes", shapes, low=1, high=4, whole=True))
    side = int(errors.number("side", side, low=32, high=512, whole=True))
    images = np.empty((count, side, side, 3), np.uint8)
    labels = np.empty((count, shapes), np.int64)
    masks = np.empty((count, shapes, side, side), bool)
    done, number = 0, 0
    while done < count:
        rng = np.random.Generator(np.random.PCG64([PARTS[part], seed, number]))
        # without a draw of their own, two shapes of a scene may be of one class
        chosen = rng.random(len(SHAPES)).argsort()[:shapes]
        low, high = CONTRAST
        scene = Scene(
            seed=PARTS[part] + (seed * STRIDE + number) % ROOM,
            frames=FRAMES,
            size=(side, side),
            objects=shapes,
            classes=chosen.tolist(),
            object_size=size,
            speed=SPEED,
            rotation=1.0,
            clutter=clutter,
            strangers=True,
            noise=NOISE,
            low_contrast=low + float(rng.random()) * (high - low),
        )
        number += 1
        clip, exact = scene.render_with_masks()
        assert clip.truth is not None
        known = clip.truth.classes
        if len(set(known.tolist())) < shapes:
            continue
        for t in np.flatnonzero((clip.truth.visibility >= VISIBLE).all(1))[: count - done]:
            images[done], labels[done] = clip.frames[int(t)], known
            masks[done] = exact.visible(int(t))
            done += 1
    return MaskedImages(images, labels, masks)
