"""The recurrent cell, and its training in closed loop: what it says decides what it sees next.

The network that sees is trained already and stays as it is; followed through clips in which the
truth is known, the cell learns what to expect of it. Gradients go back through all frames, by the
belief and the cell's state, and not by way of the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, training
from tracklab.models.siamese import belief as bf
from tracklab.models.siamese.films import Films
from tracklab.models.siamese.frame import Habits, Mind, advance, begin, choices, parts, zoom
from tracklab.models.siamese.geometry import OBJECT, SEARCH
from tracklab.models.siamese.losses import wanted
from tracklab.models.siamese.network import Siamese
from tracklab.quiet import keras, tf

UNITS = 32
FIRST = 0.01  # standard deviation of the last layer's weights: at first it says nearly nothing
LEARNING_RATE = 5e-3  # of Adam, at its peak
FLAT = 0.5  # of the training at the peak, then straight down to 0
AVERAGE = 0.98
CLIP = 1.0  # of the length of the gradient, all weights together
PARTS = ("place", "expected", "position", "size")  # of the loss
PLACE, SIZE = 0.5, 0.5  # weights of the loss's parts; the others have 1
WORST = 12.0  # of a frame's cross-entropy; and
LONGEST = 3.0  # sizes, of an error: a lost object must not outweigh all the rest


class Cell:
    """A GRU and a dense layer behind it: the gains of a belief.

    units: of its state. seed: of the first weights.
    """

    built = True

    def __init__(self, units: int = UNITS, seed: int = 0) -> None:
        self.units = int(errors.number("units", units, low=1, high=4096, whole=True))
        rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
        first, second, third = (int(n) for n in rng.integers(2**31, size=3))
        self.cell = keras.layers.GRUCell(
            self.units,
            kernel_initializer=keras.initializers.GlorotUniform(seed=first),
            recurrent_initializer=keras.initializers.Orthogonal(seed=second),
        )
        self.cell.build((None, bf.SEEN))
        self.head = keras.layers.Dense(
            bf.SAID, kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, third)
        )
        self.head.build((None, self.units))

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes: all."""
        return [*self.cell.trainable_variables, *self.head.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """All weights: those of the GRU, then those of the dense layer."""
        return self.trainable_variables

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    def arrays(self) -> list[NDArray[np.float32]]:
        """The weights as `motion.cells.Weights` has them, then kernel and bias of the layer."""
        return [np.array(v.numpy(), np.float32) for v in self.trainable_variables]

    def assign(self, arrays: Sequence[Any]) -> None:
        """Take weights as `arrays` gives them."""
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)

    def step(self, seen: Any, hidden: Any) -> tuple[Any, Any]:
        """What it says `(N, SAID)` of what it sees `(N, SEEN)`, and its state after it."""
        output, state = self.cell(seen, [hidden])
        return self.head(output), state[0]


def train(network: Siamese, cell: Cell, films: Films, **options: Any) -> training.Curves:
    """Train the recurrent cell around a network that stays as it is; returns the curves.

    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
    `validation`, `checkpoint` and `progress`. Raises `InputError` for options that are none.
    """

    def objective(cell: Cell, batch: training.Batch) -> dict[str, Any]:
        parts = follow(network, cell, *batch)
        loss = PLACE * parts["place"] + parts["expected"] + parts["position"]
        return {"loss": loss + SIZE * parts["size"], **parts}

    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "name": "cell",
        "seed": films.seed,
        "objective": objective,
    }
    return training.fit(cell, films, **(settings | options))


def cut(frames: Any, middles: Any, sides: Any, pixels: int = SEARCH) -> Any:
    """Windows `(N, pixels, pixels, 3)` of frames `(N, H, W, 3)`, as `geometry.draw`, in TensorFlow.

    middles `(N, 2)`, sides `(N, 1)`, or `(N, 2)` for width and height: pixels of the frames. Past
    the frame its edge goes on; what gets smaller is averaged.
    """
    drawn = tf.cast(frames, tf.float32)
    sides = tf.broadcast_to(sides, tf.shape(middles))
    across, down = (
        _hats(middles[:, k : k + 1], sides[:, k : k + 1], drawn.shape[2 - k], pixels)
        for k in (0, 1)
    )
    return tf.einsum("nxX,nyXc->nyxc", across, tf.einsum("nyY,nYXc->nyXc", down, drawn))


def _hats(middles: Any, sides: Any, count: int, pixels: int) -> Any:
    """Weights `(N, pixels, count)` of a frame's pixels in a window's, in one direction."""
    wide = tf.maximum(1.0, sides / pixels)[..., None]
    steps = (tf.range(pixels, dtype=tf.float32) + 0.5) / pixels - 0.5
    at = tf.clip_by_value(middles + sides * steps - 0.5, 0.0, count - 1.0)
    weights = tf.maximum(0.0, 1 - tf.abs(at[..., None] - tf.range(count, dtype=tf.float32)) / wide)
    return weights / tf.reduce_sum(weights, -1, keepdims=True)


def follow(network: Siamese, cell: Cell, frames: Any, boxes: Any, visible: Any) -> dict[str, Any]:
    """Follow B objects through T frames from their true first box; the parts of the loss by name.

    frames `(B, T, H, W, 3)` uint8; boxes `(B, T, 4)` float32; visible `(B, T)`, 0 to 1.
    """
    length = frames.shape[1]
    middles, sizes = parts(boxes[:, 0])
    windows = cut(frames[:, 0], middles, SEARCH / OBJECT * bf.side(sizes))
    mind = begin(network, windows, middles, sizes, cell.units)
    habits = Habits()

    def one(t: Any, mind: Mind, sums: Any) -> Any:
        here = tf.stop_gradient(mind.belief.expected)
        scale = tf.stop_gradient(zoom(mind.belief))
        windows = cut(frames[:, t], here, SEARCH / scale)
        after, saw = advance(network, cell, mind, windows, here, scale, habits)
        spot = SEARCH / 2 + (parts(boxes[:, t])[0] - here) * scale
        found = _errors(
            choices(network, saw.posterior), spot, mind, after, boxes[:, t], visible[:, t]
        )
        return t + 1, after, sums + tf.stack(found)

    *_, sums = tf.while_loop(
        lambda t, *_: t < length,
        one,
        (tf.constant(1), mind, tf.zeros(len(PARTS))),
        maximum_iterations=length - 1,
    )
    return dict(zip(PARTS, tf.unstack(sums / (length - 1)), strict=True))


def _errors(
    logits: Any, spot: Any, before: Mind, after: Mind, truth: Any, visible: Any
) -> list[Any]:
    """Of one frame, in the order of `PARTS`: cross-entropy of the posterior; errors of what was
    expected, of the place and of the size.
    """
    middles, sizes = parts(truth)
    peak, there = wanted(spot, visible)
    target = tf.concat([peak * there[:, None], 1 - there[:, None]], 1)
    entropy = tf.nn.softmax_cross_entropy_with_logits(target, logits)
    s = bf.side(sizes)

    def length(vectors: Any) -> Any:
        lengths = tf.sqrt(tf.reduce_sum((vectors / s) ** 2, 1) + 1e-8)
        return tf.reduce_mean(tf.minimum(lengths, LONGEST))

    return [
        tf.reduce_mean(tf.minimum(entropy, WORST)),
        length(before.belief.expected - middles),
        length(after.belief.middles - middles),
        tf.reduce_mean(tf.minimum(tf.abs(tf.math.log(after.belief.sizes / sizes)), 1.0)),
    ]
