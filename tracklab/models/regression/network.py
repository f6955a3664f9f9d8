"""A box out of two crops: where the object was in the last frame, and the same place in this one.

Nothing is searched for here. Both crops go through one network, their features are laid side by
side, and dense layers put out the box (Held, Thrun and Savarese, "Learning to track at 100 FPS with
deep regression networks", ECCV 2016). A recurrent layer in place of one of the dense ones can
remember what was before the last frame (Gordon, Farhadi and Fox, "Re3: real-time recurrent
regression networks for visual tracking of generic objects", RA-L 2018).

A crop is `CONTEXT` times as wide and as high as the box that it is around, and is drawn with
`PIXELS` x `PIXELS`. Boxes in it are in its own sides, from 0 to 1, so an object that stays as it is
is at `STILL`, whatever its size and shape.

Invariant: `to_frame(around, to_crop(around, boxes)) == boxes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.quiet import keras, tf

layers = keras.layers

CONTEXT = 2.0  # sizes of the box
PIXELS = 64  # of a crop's side; of these the object has half
STILL = ((1 - 1 / CONTEXT) / 2,) * 2 + ((1 + 1 / CONTEXT) / 2,) * 2
SMALLEST = 4.0  # pixels of the frame: around a thinner box, the crop is that of so thin a one
GROWTH = 2.0  # times its size, that an object can grow or shrink by from frame to frame

WIDTHS = (24, 48, 64, 64)  # channels at strides 2, 4, 8 and 16
UNITS = 128  # of each of the layers behind
FIRST = 0.01  # standard deviation of the last layer's weights: at first the object stays
MIDDLE = 128.0  # of a pixel's value


def around(boxes: Any) -> tuple[Any, Any]:
    """The crop around boxes `(N, 4)` xyxy pixels: middles and sides `(N, 2)`, in pixels."""
    sizes = tf.maximum(boxes[:, 2:] - boxes[:, :2], SMALLEST)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, CONTEXT * sizes


def to_crop(middles: Any, sides: Any, boxes: Any) -> Any:
    """Boxes `(N, 4)` of the frame as corners in crops, in sides of them."""
    # x' = (x - middle) / side + 1 / 2
    low, high = ((boxes[:, k : k + 2] - middles) / sides + 0.5 for k in (0, 2))
    return tf.concat([low, high], 1)


def to_frame(middles: Any, sides: Any, corners: Any) -> Any:
    """Boxes `(N, 4)` xyxy pixels of the frame, from corners in crops."""
    # x = (x' - 1 / 2) side + middle
    low, high = ((corners[:, k : k + 2] - 0.5) * sides + middles for k in (0, 2))
    return tf.concat([low, high], 1)


def within_reason(corners: Any) -> Any:
    """Corners in crops as those of a box whose middle is in the crop and whose size has not changed
    by more than `GROWTH`.
    """
    middles = tf.clip_by_value((corners[:, :2] + corners[:, 2:]) / 2, 0.0, 1.0)
    sizes = corners[:, 2:] - corners[:, :2]
    sizes = tf.clip_by_value(sizes, 1 / CONTEXT / GROWTH, GROWTH / CONTEXT)
    return tf.concat([middles - sizes / 2, middles + sizes / 2], 1)


class Regressor:
    """The network, all that training changes.

    recurrent: with a GRU, as in Re3; without, a dense layer of as many units is in its place, as in
    GOTURN. units: of these, and of the dense layer before. seed: of the first weights.
    """

    built = True

    def __init__(self, *, recurrent: bool = True, units: int = UNITS, seed: int = 0) -> None:
        self.recurrent = bool(recurrent)
        self.units = int(errors.number("units", units, low=1, high=4096, whole=True))
        seeds = _seeds(int(errors.number("seed", seed, low=0, whole=True)))
        self.eye = _eye(seeds)
        both = 2 * int(np.prod(self.eye.output_shape[1:]))
        self.dense = _dense(self.units, both, seeds)
        self.last: Any = layers.Dense(
            4,
            kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, next(seeds)),
            bias_initializer=lambda shape, dtype: tf.constant(STILL, dtype),
        )
        self.last.build((None, self.units))
        self.middle: Any = _dense(self.units, self.units, seeds)
        if self.recurrent:
            self.middle = layers.GRUCell(
                self.units,
                kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
                recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
            )
            self.middle.build((None, self.units))

    def __repr__(self) -> str:
        return f"Regressor({'recurrent, ' * self.recurrent}{self.weights:,} weights)"

    @property
    def variables(self) -> list[Any]:
        """All weights; training changes all of them."""
        parts = (self.eye, self.dense, self.middle, self.last)
        return [variable for part in parts for variable in part.trainable_variables]

    trainable_variables = variables

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    @property
    def weights(self) -> int:
        """How many numbers training changes."""
        return sum(int(np.prod(v.shape)) for v in self.variables)

    def nothing_yet(self, count: int) -> Any:
        """The state `(count, units)` before the first frame."""
        return tf.zeros((count, self.units))

    def step(self, before: Any, now: Any, hidden: Any) -> tuple[Any, Any]:
        """Corners `(N, 4)` of the objects in the crops, and the state after it.

        before, now: crops `(N, PIXELS, PIXELS, 3)`, 0 to 255, around the same box: of the last
        frame and of this one. hidden: the state, `(N, units)`; without a recurrent layer it is
        handed on as it came.
        """
        pixels = tf.cast(tf.concat([before, now], 0), tf.float32) / MIDDLE - 1
        x = self.dense(tf.concat(tf.split(self.eye(pixels), 2), 1))
        if self.recurrent:
            x, (hidden,) = self.middle(x, [hidden])
        else:
            x = self.middle(x)
        return self.last(x), hidden


class Running:
    """A trained network, ready to follow one object: one step, compiled once."""

    def __init__(self, network: Regressor) -> None:
        self.network = network

        def advance(before: Any, now: Any, box: Any, hidden: Any) -> tuple[Any, Any]:
            corners, hidden = network.step(before[None], now[None], hidden)
            return to_frame(*around(box[None]), within_reason(corners))[0], hidden

        crop = tf.TensorSpec((PIXELS, PIXELS, 3), tf.uint8)
        box, state = tf.TensorSpec((4,)), tf.TensorSpec((1, network.units))
        self.advance = tf.function(advance, input_signature=[crop, crop, box, state])


def _eye(seeds: Iterator[int]) -> Any:
    """From pixels `(N, PIXELS, PIXELS, 3)`, -1 to 1, to features `(N, F)`."""
    pixels = x = keras.Input((PIXELS, PIXELS, 3))
    for width, kernel in zip(WIDTHS, (5, 3, 3, 3), strict=True):
        x = layers.Conv2D(
            *(width, kernel, 2, "same"),
            activation="relu",
            kernel_initializer=keras.initializers.HeUniform(seed=next(seeds)),
        )(x)
    return keras.Model(pixels, layers.Flatten()(x), name="eye")


def _dense(units: int, width: int, seeds: Iterator[int]) -> Any:
    layer = layers.Dense(
        units,
        activation="relu",
        kernel_initializer=keras.initializers.HeUniform(seed=next(seeds)),
    )
    layer.build((None, width))
    return layer


def _seeds(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    while True:
        yield int(rng.integers(2**31))
