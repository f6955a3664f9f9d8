"""The layers that all parts of the detector are made of, with seeds of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.quiet import keras

layers = keras.layers

NORM_MOMENTUM = 0.9  # short trainings: running means must follow quickly


def seeds(seed: int) -> Iterator[int]:
    """One seed after the other for the layers of a network."""
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    while True:
        yield int(rng.integers(2**31))


def conv(x: Any, width: int, seed: Iterator[int], *, kernel: int = 3, stride: int = 1) -> Any:
    """Convolution, batch normalization, ReLU.

    With stride 2 take kernel 4: "same" then pads one pixel on every side of an even map, so that
    each output lies in the middle of the four pixels that it stands for. A kernel of 3 would shift
    the map by half a pixel, and boxes with it.
    """
    x = layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed=next(seed)),
    )(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=NORM_MOMENTUM)(x))


def output(
    x: Any, width: int, seed: Iterator[int], *, name: str, bias: float = 0.0, small: float = 0.01
) -> Any:
    """What is predicted at each place of a map, or for each vector: small at first, plus a bias.

    Fast R-CNN, section 2.3: Gaussian weights of deviation 0.01 for classes, 0.001 for boxes.
    """
    options: dict[str, Any] = {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=small, seed=next(seed)),
        "bias_initializer": keras.initializers.Constant(bias),
        "name": name,
    }
    if len(x.shape) == 4:
        return layers.Conv2D(width, 1, **options)(x)
    return layers.Dense(width, **options)(x)
