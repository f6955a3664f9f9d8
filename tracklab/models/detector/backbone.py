"""The backbone: from pixels to two maps of features, shared by all that comes after.

Plain convolutions with batch normalization. Regions of interest are described on the fine map (one
place for 4 x 4 pixels), regions are proposed on the coarse one (8 x 8 pixels), which sees more of
the picture. What the coarse map knows is added to the fine one (Lin et al., "Feature pyramid
networks for object detection", CVPR 2017, figure 3).

Invariant: place `(i, j)` of a map of stride `s` stands for the pixels from `(i s, j s)` to
`((i + 1) s, (j + 1) s)`, and is centred on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracklab.models.detector.parts import conv
from tracklab.quiet import keras, tf

layers = keras.layers

FINE, COARSE = 4, 8  # strides of the two maps, in pixels
WIDTHS = (24, 48, 64, 96)  # channels at stride 2, at stride 4, of the fine and of the coarse map
MIDDLE, SPREAD = 118.0, 58.0  # of a pixel's value, roughly


def build(seed: Iterator[int], widths: tuple[int, int, int, int] = WIDTHS) -> Any:
    """A network from pixels `(N, H, W, 3)` to maps `fine (N, H/4, W/4, C)` and `coarse (N, H/8,
    W/8, D)`, for H and W that are multiples of 8 (see `prepare`).
    """
    half, quarter, fine, coarse = widths
    pixels = keras.Input((None, None, 3))
    x = conv(pixels, half, seed, kernel=4, stride=2)
    x = conv(x, quarter, seed, kernel=4, stride=2)
    x = conv(x, fine, seed)
    deep = conv(x, coarse, seed, kernel=4, stride=2)
    deep = conv(deep, coarse, seed)
    # fine = x + upsampled(W deep)
    context = layers.Conv2D(
        fine,
        1,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seed)),
        name="context",
    )(deep)
    x = layers.Add(name="fine")([x, layers.UpSampling2D(2)(context)])
    return keras.Model(pixels, [x, deep], name="backbone")


def prepare(images: Any) -> Any:
    """Pixels `(N, H, W, 3)`, 0 to 255, as the backbone wants them: about 0 in the mean and 1 in
    deviation, with zeros added at the right and below up to multiples of 8.
    """
    height, width = images.shape[1], images.shape[2]
    pixels = (tf.cast(images, tf.float32) - MIDDLE) / SPREAD
    below, right = -height % COARSE, -width % COARSE
    return tf.pad(pixels, [[0, 0], [0, below], [0, right], [0, 0]]) if below or right else pixels
