"""The Siamese network: an embedding, two memories of the object, and a map of where it is.

From the embedding of a window and what is remembered come ten kinds of cues in each cell: the votes
of both templates and their plain sum, the best match with the object and with its surroundings, and
the responses of both filters. Three convolutions make of them a map: in each cell a logit that the
object's middle is there, an offset within the cell and a size. It is fully convolutional (Long,
Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015): every
cell is answered by the same weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tracklab import errors
from tracklab.models.siamese import correlation, embedding, memory, votes
from tracklab.models.siamese.geometry import CELLS, OBJECT, PLACES, STRIDE
from tracklab.models.siamese.memory import GRID, Memory
from tracklab.models.siamese.second_look import FEATURES, HIDDEN, SecondLook
from tracklab.quiet import keras, tf

layers = keras.layers

PARTS = 32  # features of the votes for one cell
HEAD = 48  # channels of the head
FIRST = 0.01  # standard deviation of the last layer's weights: at first it says nearly nothing
CERTAIN = 10.0  # the sum of all votes is divided by this, to be about 1
SAID = 5  # in each cell: logit, offset x and y, log width and height


class Response(NamedTuple):
    """What the network says of N windows, in each cell.

    logits `(N, CELLS, CELLS)`: that the object's middle is there. middles `(N, CELLS, CELLS, 2)`:
    where exactly it would be, x, y in pixels of the window; sizes, likewise: its width and height.
    """

    logits: Any
    middles: Any
    sizes: Any


class Siamese:
    """The network of a tracker of one object, all that training changes.

    widths, blocks, depth: of the embedding. parts, head: features of the votes, of the head.
    features, hidden: of the second look. seed: of the first weights. Raises `InputError` for
    numbers that are none.
    """

    built = True

    def __init__(
        self,
        *,
        widths: tuple[int, int, int] = embedding.WIDTHS,
        blocks: int = embedding.BLOCKS,
        depth: int = embedding.DEPTH,
        parts: int = PARTS,
        head: int = HEAD,
        features: int = FEATURES,
        hidden: int = HIDDEN,
        seed: int = 0,
    ) -> None:
        sizes = {"blocks": blocks, "depth": depth, "parts": parts, "head": head}
        sizes |= {"features": features, "hidden": hidden}
        for name, value in sizes.items():
            errors.number(name, value, low=0 if name == "blocks" else 1, whole=True)
        seeds = _seeds(int(errors.number("seed", seed, low=0, whole=True)))
        self.options = {"widths": list(widths), **sizes}
        self.embedding = embedding.build(seeds, (widths[0], widths[1], widths[2]), blocks, depth)
        self.parts = _conv(parts, 1, seeds)
        self.parts.build((None, CELLS, CELLS, GRID * GRID))
        cues = 2 * parts + 8
        self.head = [_conv(head, 3, seeds), _conv(head, 3, seeds)]
        self.head[0].build((None, CELLS, CELLS, cues))
        self.head[1].build((None, CELLS, CELLS, head))
        self.last = layers.Conv2D(
            SAID, 1, kernel_initializer=keras.initializers.RandomNormal(0.0, FIRST, next(seeds))
        )
        self.last.build((None, CELLS, CELLS, head))
        # the logit that the object is nowhere in the window
        self.nowhere = keras.Variable(0.0, name="nowhere")
        self.log_regularisation = keras.Variable(0.0, name="log_regularisation")
        self.second_look = SecondLook(seeds, features, hidden)

    @classmethod
    def small(cls, seed: int = 0) -> Siamese:
        """A smaller one that learns to follow in about a minute on two cores."""
        return cls(widths=(16, 32, 32), blocks=1, depth=16, parts=16, head=24, seed=seed)

    def __repr__(self) -> str:
        return f"Siamese({self.weights:,} weights)"

    @property
    def _layers(self) -> list[Any]:
        return [self.embedding, self.parts, *self.head, self.last]

    def _own(self, kind: str) -> list[Any]:
        found = [v for layer in self._layers for v in getattr(layer, kind)]
        found += [self.nowhere, self.log_regularisation]
        return [*found, *(v for layer in self.second_look.layers for v in getattr(layer, kind))]

    @property
    def variables(self) -> list[Any]:
        """All weights, running means and variances among them."""
        return [v for v in self._own("variables") if str(v.dtype).startswith("float")]

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes."""
        return self._own("trainable_variables")

    @property
    def losses(self) -> list[Any]:
        """Penalties on weights: none."""
        return []

    @property
    def weights(self) -> int:
        """How many numbers training changes."""
        return sum(int(np.prod(v.shape)) for v in self.trainable_variables)

    def embed(self, windows: Any, *, training: bool = False) -> Any:
        """Windows `(N, SEARCH, SEARCH, 3)`, 0 to 255, as unit vectors `(N, CELLS, CELLS, D)`."""
        return embedding.embed(self.embedding, windows, training=training)

    def cues(self, embedded: Any, first: Memory, running: Memory, answers: Any = None) -> Any:
        """What speaks for and against each cell: `(N, CELLS, CELLS, 2 PARTS + 8)`.

        In this order, first memory and running one each time: features of the votes, their sum, the
        best match with the object, with what lies around it, the filter's response.

        answers: of both filters, where they are known already; see `answers`.
        """
        seen = [self._votes(embedded, one) for one in (first, running)]
        cues = [one[k] for k in range(3) for one in seen]
        for one in (first, running):
            cues.append(votes.best(votes.compare(one.around, embedded), one.outside))
        cues += self.answers(embedded, first, running) if answers is None else answers
        return tf.concat(cues, -1)

    def answers(self, embedded: Any, first: Memory, running: Memory) -> list[Any]:
        """The responses of both filters, `(N, CELLS, CELLS, 1)` each."""
        middle = tf.fill((tf.shape(embedded)[0], 2), CELLS * STRIDE / 2.0)
        spectra = correlation.spectrum(embedded, middle)
        regularisation = tf.exp(tf.convert_to_tensor(self.log_regularisation))
        return [
            correlation.respond(spectra, one.filter, regularisation) for one in (first, running)
        ]

    def _votes(self, embedded: Any, one: Memory) -> tuple[Any, Any, Any]:
        volume = votes.compare(one.cells, embedded)
        cast = votes.align(volume) * one.inside[:, None, None, :]
        total = tf.reduce_sum(cast, -1, keepdims=True) / CERTAIN
        return self.parts(cast), total, votes.best(volume, one.inside)

    def respond(
        self, embedded: Any, first: Memory, running: Memory, answers: Any = None
    ) -> Response:
        """Where the object of two memories is in embedded windows, as a map; see `cues`."""
        x = self.cues(embedded, first, running, answers)
        for layer in self.head:
            x = layer(x)
        said = self.last(x)
        places = np.stack(np.meshgrid(PLACES, PLACES), -1)
        # middle = place + STRIDE d;  size = OBJECT exp(s)
        return Response(
            said[..., 0], places + STRIDE * said[..., 1:3], OBJECT * tf.exp(said[..., 3:5])
        )

    def look_again(self, embedded: Any, boxes: Any, first: Memory, running: Memory) -> Any:
        """Offsets of guessed boxes `(N, 4)` in pixels of the windows, and a logit: `(N, 5)`."""
        return self.second_look(embedded, boxes, first, running)

    def remember(self, embedded: Any, boxes: Any) -> Memory:
        """The memory of objects with boxes `(N, 4)` in embedded windows: see `memory`."""
        return memory.remember(embedded, boxes)


def _conv(width: int, kernel: int, seed: Iterator[int]) -> Any:
    return layers.Conv2D(
        width,
        kernel,
        padding="same",
        activation="relu",
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seed)),
    )


def _seeds(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    while True:
        yield int(rng.integers(2**31))


def choices(nowhere: Any, logits: Any) -> Any:
    """Logits `(N, CELLS^2 + 1)`: of each cell of a map, and last that the object is nowhere."""
    count = tf.shape(logits)[0]
    beside = tf.fill((count, 1), tf.convert_to_tensor(nowhere))
    return tf.concat([tf.reshape(logits, (count, CELLS * CELLS)), beside], 1)
