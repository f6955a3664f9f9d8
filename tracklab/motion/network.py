"""The network that chooses gains, in Keras, and its way through time as one compiled loop.

`Network` is a recurrent cell and a dense layer behind it. `Network.follow` takes it through T
frames in closed loop: what it says in one frame decides what it sees in the next, in training as in
use, so it learns to live with its own mistakes. Gradients go back through all frames (Werbos,
"Backpropagation through time", 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.motion import cells, learned
from tracklab.quiet import keras, tf

UNITS = 32
LAYERS = {
    "rnn": keras.layers.SimpleRNNCell,
    "gru": keras.layers.GRUCell,
    "lstm": keras.layers.LSTMCell,
}
STEEPEST = 1.0  # of gradients between frames: thousands of times what is usual
FIRST = 0.01  # standard deviation of the last layer's weights: at first it says nearly nothing


class Followed(NamedTuple):
    """What was believed of N objects in frames 1 to T - 1, as tensors `(T - 1, N, 2)` in pixels.

    centers, velocities, deviations: after each frame was seen. predicted, expected: centres and
    deviations before it was.
    """

    centers: Any
    velocities: Any
    deviations: Any
    predicted: Any
    expected: Any


@tf.custom_gradient
def _limit(x: Any) -> Any:
    return tf.identity(x), lambda slope: tf.clip_by_value(slope, -STEEPEST, STEEPEST)


def _limited(carried: Any) -> Any:
    """What is carried to the next frame as it is; its gradient on the way back within bounds.

    Where Jacobians grow, their product may pass what float32 holds, and one such trajectory in
    thousands of steps ends a training. Graves, "Generating sequences with recurrent neural
    networks" (2013), section 2.1, clips there, too.
    """
    return tf.nest.map_structure(_limit, carried)


class Network:
    """A recurrent cell and a dense layer: what a learned filter says in each frame.

    kind: "rnn", "gru" or "lstm". units: H of the cell. form: what its outputs mean, one of
    `learned.FORMS`. seed: of the first weights.
    """

    built = True

    def __init__(
        self,
        kind: str = "lstm",
        *,
        units: int = UNITS,
        form: str = learned.GAINS,
        seed: int = 0,
    ) -> None:
        self.kind = errors.choice("kind", kind, LAYERS)
        self.form = errors.choice("form", form, learned.FORMS)
        self.units = int(errors.number("units", units, low=1, high=4096, whole=True))
        rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
        first, second, third = (int(n) for n in rng.integers(2**31, size=3))
        self.cell = LAYERS[kind](
            self.units,
            kernel_initializer=keras.initializers.GlorotUniform(seed=first),
            recurrent_initializer=keras.initializers.Orthogonal(seed=second),
        )
        self.cell.build((None, learned.SEEN))
        self.head = keras.layers.Dense(
            learned.SAID, kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, third)
        )
        self.head.build((None, self.units))

    def __repr__(self) -> str:
        return f"Network({self.kind!r}, {self.units} units, {self.form}, {self.weights:,} weights)"

    # what training needs

    @property
    def variables(self) -> list[Any]:
        """All weights: those of the cell, then those of the dense layer."""
        # a cell of Keras also holds the state of a dropout that is off here
        return self.trainable_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes: all."""
        return [*self.cell.trainable_variables, *self.head.trainable_variables]

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    @property
    def weights(self) -> int:
        """How many numbers training changes."""
        return sum(int(np.prod(v.shape)) for v in self.trainable_variables)

    def arrays(self) -> list[NDArray[np.float32]]:
        """The weights as `cells.Weights` has them, then kernel and bias of the dense layer."""
        return [np.array(v.numpy(), np.float32) for v in self.trainable_variables]

    def assign(self, arrays: Sequence[Any]) -> None:
        """Take weights as `arrays` gives them. Raises `InputError` for other shapes."""
        found, wanted = [np.shape(a) for a in arrays], [tuple(v.shape) for v in self.variables]
        if found != wanted:
            errors.bad("arrays", errors.Said(f"shapes {found}"), f"{wanted}")
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)

    # one frame, and all of them

    def frame(
        self, motion: Any, hidden: Any, detected: Any, seen: Any, sizes: Any, walls: Any
    ) -> tuple[Any, Any, Any]:
        """One frame: the prediction, the belief after it, and the cell's state after it."""
        ahead = learned.predict(motion, sizes)
        sees = learned.look(ahead, detected, seen, sizes, walls, self.form, keras.ops)
        output, hidden = self.cell(sees, hidden)
        said = self.head(output)
        now = learned.correct(ahead, detected, seen, sizes, walls, said, self.form, keras.ops)
        return ahead, now, hidden

    def follow(
        self,
        detected: Any,
        seen: Any,
        sizes: Any,
        walls: Any,
        *,
        truth: Any = None,
        forced: Any = None,
        unroll: bool = False,
    ) -> Followed:
        """Follow N objects through T frames, from where they are seen in the first.

        detected `(T, N, 2)`: centres, anything finite where `seen (T, N, 1)` is 0. sizes `(T, N,
        2)`; walls `(N, 4)`. truth: true centres and velocities `(T, N, 4)`, put in place of the
        network's own belief where `forced (T, N, 1)` is 1 (teacher forcing). unroll: write all
        frames out one behind the other instead of a loop, for derivatives that a loop has not.
        All are float32.
        """
        frames, count = detected.shape[0], tf.shape(detected)[1]
        motion = learned.born(detected[0], keras.ops)
        hidden = [tf.zeros((count, self.units)) for _ in range(cells.KINDS[self.kind].states)]

        def one(t: Any, motion: Any, hidden: Any) -> tuple[Any, Any, Followed]:
            ahead, now, hidden = self.frame(motion, hidden, detected[t], seen[t], sizes[t], walls)
            said = Followed(
                now.centers,
                now.velocities,
                learned.deviations(now, sizes[t], keras.ops),
                ahead.centers,
                learned.deviations(ahead, sizes[t], keras.ops),
            )
            if forced is not None:
                # in two steps: XLA takes wrong rows where an index that it learns late (t) and
                # a slice (:2) stand in one bracket
                there, instead = truth[t], forced[t]
                now = now._replace(
                    centers=instead * there[:, :2] + (1 - instead) * now.centers,
                    velocities=instead * there[:, 2:] + (1 - instead) * now.velocities,
                )
            return now, list(hidden), said

        if unroll:
            found = []
            for t in range(1, frames):
                motion, hidden, said = one(t, *_limited((motion, hidden)))
                found.append(said)
            return Followed(*(tf.stack(part) for part in zip(*found, strict=True)))

        def body(t: Any, motion: Any, hidden: Any, kept: Any) -> Any:
            motion, hidden, said = one(t, *_limited((motion, hidden)))
            kept = [part.write(t - 1, value) for part, value in zip(kept, said, strict=True)]
            return t + 1, motion, hidden, kept

        kept = [
            tf.TensorArray(tf.float32, frames - 1, element_shape=(detected.shape[1], 2))
            for _ in Followed._fields
        ]
        *_, kept = tf.while_loop(
            lambda t, *_: t < frames,
            body,
            (tf.constant(1), motion, hidden, kept),
            maximum_iterations=frames - 1,
        )
        return Followed(*(part.stack() for part in kept))
