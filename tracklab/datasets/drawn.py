"""Ten classes of drawn sprites on textured backgrounds: what stands in where CIFAR-10 is not there.

The shape is the class. Size, place, turn, colour, pattern, contrast and background are drawn at
random and tell nothing about it, so a network has to learn shapes. Images for testing are made of
sprites and backgrounds that training has not seen.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.datasets.images import Images

SIDE = 32  # as CIFAR-10
TRAIN, TEST = 50_000, 10_000  # likewise
VARIANTS = 200  # drawings of a shape for training, and a quarter of that for testing
BACKDROPS = 400  # textures to cut backgrounds from
BACKDROP_SIDE = 3 * SIDE
SMALLEST, LARGEST = 14, 26  # pixels, of a sprite
STRENGTH = (0.55, 1.0)  # how much of a sprite's colour covers the background
LIGHT = (0.7, 1.15)  # of the whole image
GRAIN_SEED = 7  # noise is noise: every set shares it
NOISE = 7.0  # standard deviation of what a camera adds, of 255
GRAINS = 512  # different noises; drawing one an image would take longer than all the rest
CHUNK = 500  # images composed at a time: they fit the processor's cache

Pixels = NDArray[np.uint8]


def sprites(*, train: int = TRAIN, test: int = TEST, seed: int = 0) -> Images:
    """Drawn sprites, `train` images to learn from and `test` to be judged by, 32x32.

    The same seed gives the same images. Raises `InputError` for numbers below 10: each of the ten
    classes needs an image.
    """
    from tracklab.scenes import SHAPES

    train = int(errors.number("train", train, low=len(SHAPES), whole=True))
    test = int(errors.number("test", test, low=len(SHAPES), whole=True))
    seed = int(errors.number("seed", seed, low=0, whole=True))
    train_images, train_labels = _part(train, VARIANTS, (seed, 0))
    test_images, test_labels = _part(test, VARIANTS // 4, (seed, 1))
    return Images(
        train_images, train_labels, test_images, test_labels, SHAPES, "sprites", "drawn shapes"
    )


def _part(count: int, variants: int, seed: tuple[int, int]) -> tuple[Pixels, NDArray[np.int64]]:
    classes = 10
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % classes)
    colours, covers = _drawings(variants, seed)
    backdrops = _backdrops(seed)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for start in range(0, count, CHUNK):
        chosen = labels[start : start + CHUNK]
        which = chosen * variants + rng.integers(0, variants, len(chosen))
        images[start : start + CHUNK] = _compose(colours[which], covers[which], backdrops, rng)
    return images, labels


@functools.lru_cache(maxsize=4)
def _drawings(variants: int, seed: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """Sprites in the middle of an empty image: colours `(10 V, S, S, 3)`, covers `(10 V, S, S)`."""
    from tracklab.scenes import SHAPES, sprite

    rng = np.random.default_rng((*seed, 1))
    count = len(SHAPES) * variants
    colours = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    covers = np.zeros((count, SIDE, SIDE), np.uint8)
    for number in range(count):
        size = int(rng.integers(SMALLEST, LARGEST + 1))
        turn = float(rng.uniform(-25, 25))
        colour, cover = sprite(number // variants, rng, size, angle=turn)
        start = (SIDE - size) // 2
        inside = np.s_[start : start + size]
        colours[number, inside, inside] = colour
        covers[number, inside, inside] = cover
    return colours, covers


@functools.lru_cache(maxsize=4)
def _backdrops(seed: tuple[int, int]) -> Pixels:
    """Textures `(BACKDROPS, BACKDROP_SIDE, BACKDROP_SIDE, 3)`: coarse colour, finer grain."""
    rng = np.random.default_rng((*seed, 2))
    side = BACKDROP_SIDE
    textures = np.empty((BACKDROPS, side, side, 3), np.uint8)
    for number in range(BACKDROPS):
        texture = np.full((side, side, 3), rng.uniform(60, 195, 3), np.float32)
        for cells, strength in ((4, 60), (12, 35), (40, 20)):
            grain = rng.uniform(-strength, strength, (cells, cells, 3)).astype(np.float32)
            texture += cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC)
        textures[number] = np.clip(texture, 0, 255)
    return textures


@functools.lru_cache(maxsize=1)
def _grains(seed: int) -> NDArray[np.float32]:
    """What a camera adds, `(GRAINS, S, S, 3)`, in grey levels."""
    rng = np.random.default_rng(seed)
    return NOISE * rng.standard_normal((GRAINS, SIDE, SIDE, 3), np.float32)


def _compose(
    colours: Pixels, covers: Pixels, backdrops: Pixels, rng: np.random.Generator
) -> Pixels:
    """Sprites moved to a random place, on a random cut of a random texture, with noise."""
    count = len(colours)
    each = np.arange(count)[:, None, None]
    rows, columns = (_moved(np.any(covers, axis), rng) for axis in (2, 1))
    colour = colours[each, rows[:, :, None], columns[:, None, :]].astype(np.float32)
    cover = covers[each, rows[:, :, None], columns[:, None, :]].astype(np.float32)
    top, left = rng.integers(0, BACKDROP_SIDE - SIDE, (2, count, 1))
    place = np.arange(SIDE)[None]
    which = rng.integers(0, len(backdrops), count)[:, None, None]
    behind = backdrops[which, (top + place)[:, :, None], (left + place)[:, None, :]]
    # C = a F + (1 - a) B = B + a (F - B)
    strength = rng.uniform(*STRENGTH, (count, 1, 1, 1)) / 255
    image = colour - behind
    image *= cover[..., None] * strength.astype(np.float32)
    image += behind
    image *= rng.uniform(*LIGHT, (count, 1, 1, 1)).astype(np.float32)
    image += _grains(GRAIN_SEED)[rng.integers(0, GRAINS, count)]
    return np.clip(image, 0, 255, out=image).astype(np.uint8)


def _moved(covered: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Where each row (or column) `(n, S)` is taken from, when a sprite moves and stays inside."""
    before = covered.argmax(1)
    behind = covered[:, ::-1].argmax(1)
    shift = rng.integers(-before, behind + 1)
    # what moves out at one edge is empty, and comes in at the other
    return (np.arange(SIDE)[None] - shift[:, None]) % SIDE
