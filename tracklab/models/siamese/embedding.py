"""The embedding: each cell of a window as a vector of length 1, so that a product is a cosine.

The same network looks at the object and at where it is searched: that is what makes it Siamese
(Bromley et al., "Signature verification using a 'Siamese' time delay neural network", NIPS 1993;
Bertinetto et al., "Fully-convolutional Siamese networks for object tracking", ECCV workshops 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracklab.models.siamese.geometry import SEARCH, STRIDE
from tracklab.quiet import keras, tf

layers = keras.layers

WIDTHS = (32, 64, 64)  # channels at stride 2, at stride 4, and of the residual blocks
BLOCKS = 2  # residual blocks at stride 4; with them a cell sees 43 x 43 pixels
DEPTH = 32  # numbers of a cell
MOMENTUM = 0.95  # of the running means: trainings are short
MIDDLE = 128.0  # of a pixel's value


def build(
    seed: Iterator[int],
    widths: tuple[int, int, int] = WIDTHS,
    blocks: int = BLOCKS,
    depth: int = DEPTH,
) -> Any:
    """A network from pixels `(N, SEARCH, SEARCH, 3)`, -1 to 1, to `(N, CELLS, CELLS, depth)`."""
    half, quarter, wide = widths
    pixels = keras.Input((SEARCH, SEARCH, 3))
    x = _conv(pixels, half, seed, kernel=5, stride=2)
    x = _conv(x, quarter, seed, stride=STRIDE // 2)
    if quarter != wide:
        x = _conv(x, wide, seed)
    for _ in range(blocks):
        # x <- relu(x + f(x)): He et al., "Deep residual learning", CVPR 2016, equation 1
        x = layers.ReLU()(x + _conv(_conv(x, wide, seed), wide, seed, last=True))
    x = layers.Conv2D(depth, 1, kernel_initializer=_glorot(seed))(x)
    return keras.Model(pixels, x, name="embedding")


def embed(network: Any, windows: Any, *, training: bool = False) -> Any:
    """Windows `(N, SEARCH, SEARCH, 3)`, 0 to 255, as unit vectors `(N, CELLS, CELLS, depth)`."""
    pixels = tf.cast(windows, tf.float32) / MIDDLE - 1
    # e = f(x) / |f(x)|
    return tf.math.l2_normalize(network(pixels, training=training), -1, 1e-6)


def _conv(
    x: Any, width: int, seed: Iterator[int], *, kernel: int = 3, stride: int = 1, last: bool = False
) -> Any:
    """Convolution, batch normalization and, but for the last of a block, ReLU."""
    x = layers.Conv2D(
        width, kernel, stride, "same", use_bias=False, kernel_initializer=_glorot(seed)
    )(x)
    x = layers.BatchNormalization(momentum=MOMENTUM)(x)
    return x if last else layers.ReLU()(x)


def _glorot(seed: Iterator[int]) -> Any:
    return keras.initializers.GlorotUniform(seed=next(seed))
