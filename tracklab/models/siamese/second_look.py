"""A second look at the box: how far the template's cells lie from where the box puts them.

The response map says where the object is to a few pixels; of its size it knows little. Here each
template cell is compared with the cells near its place in a guessed box, two steps to every side: a
small cost volume, as optical flow has (Dosovitskiy et al., "FlowNet", ICCV 2015, section 3). Cells
that are all found further out than they should be mean that the object has grown. As in R-CNN's
second stage (lesson 04), what comes out are offsets of the box, and whether the object is in it.

Invariant: `moved(boxes, offsets(boxes, truth)) == truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.models.siamese.memory import GRID, Memory, inside, sample
from tracklab.quiet import keras, tf

layers = keras.layers

REACH = 2  # steps to each side in which a cell is looked for
NEAR = 2 * REACH + 1
MOST = 0.7  # of a log size at once: twice as large
FIRST = 0.01  # standard deviation of the last layer's weights: at first it moves nothing
FEATURES = 24  # of each cell
HIDDEN = 96
SAID = 5  # four offsets, and a logit


def _pairs() -> NDArray[np.int64]:
    """Of each template cell and each step, the place in `GRID^2 x (GRID + 2 REACH)^2` cosines."""
    wide = GRID + 2 * REACH
    cell, step = np.arange(GRID), np.arange(NEAR)
    row = (cell[:, None] + step)[:, None, :, None]  # template row, column, step down, across
    column = (cell[:, None] + step)[None, :, None, :]
    k = (cell[:, None] * GRID + cell)[:, :, None, None]
    return (k * wide**2 + row * wide + column).ravel()


_PAIRS = _pairs()


class SecondLook:
    """The network of the second look: 1 x 1 features of each cell, then two dense layers."""

    def __init__(self, seed: Iterator[int], features: int = FEATURES, hidden: int = HIDDEN) -> None:
        self.cell = layers.Dense(features, activation="relu", kernel_initializer=_glorot(seed))
        self.cell.build((None, GRID * GRID, 2 * NEAR * NEAR + 2))
        self.hidden = layers.Dense(hidden, activation="relu", kernel_initializer=_glorot(seed))
        self.hidden.build((None, GRID * GRID * features))
        self.last = layers.Dense(
            SAID, kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, next(seed))
        )
        self.last.build((None, hidden))
        self.layers = [self.cell, self.hidden, self.last]

    def __call__(self, embedded: Any, boxes: Any, first: Memory, running: Memory) -> Any:
        """Offsets of guessed boxes and a logit that the object is in them: `(N, SAID)`."""
        wide = sample(embedded, boxes, GRID + 2 * REACH)
        seen = [nearby(wide, one) for one in (first, running)]
        seen += [first.inside[..., None], inside(boxes)[..., None]]
        x = self.cell(tf.concat(seen, -1))
        return self.last(self.hidden(tf.reshape(x, (-1, x.shape[1] * x.shape[2]))))


def nearby(wide: Any, memory: Memory) -> Any:
    """`(N, GRID^2, NEAR^2)`: cosines of template cells and the cells around their places.

    wide: `(N, GRID + 2 REACH, GRID + 2 REACH, D)`, the window read on the grid of a guessed box.
    """
    count, depth = tf.shape(wide)[0], wide.shape[-1]
    read = tf.reshape(wide, (count, (GRID + 2 * REACH) ** 2, depth))
    # all pairs are one product, of which those near each other are picked
    cosines = tf.reshape(tf.einsum("nkd,nwd->nkw", memory.cells, read), (count, -1))
    volume = tf.reshape(tf.gather(cosines, _PAIRS, axis=1), (count, GRID * GRID, NEAR * NEAR))
    return volume * memory.inside[..., None]


def offsets(boxes: Any, truth: Any) -> Any:
    """What is wrong with boxes `(N, 4)`: dx, dy over the root of the area, log ratios of sizes."""
    middles, sizes, scale = _parts(boxes)
    true_middles, true_sizes, _ = _parts(truth)
    # t = ((x* - x) / s, (y* - y) / s, log w*/w, log h*/h),  s = sqrt(w h)
    return tf.concat([(true_middles - middles) / scale, tf.math.log(true_sizes / sizes)], 1)


def moved(boxes: Any, said: Any) -> Any:
    """Boxes `(N, 4)` moved by offsets; sizes change by `exp(MOST)` at most."""
    middles, sizes, scale = _parts(boxes)
    middles = middles + said[:, :2] * scale
    half = sizes * tf.exp(tf.clip_by_value(said[:, 2:4], -MOST, MOST)) / 2
    return tf.concat([middles - half, middles + half], 1)


def _parts(boxes: Any) -> tuple[Any, Any, Any]:
    sizes = tf.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, sizes, tf.sqrt(sizes[:, :1] * sizes[:, 1:])


def _glorot(seed: Iterator[int]) -> Any:
    return keras.initializers.GlorotUniform(seed=next(seed))
