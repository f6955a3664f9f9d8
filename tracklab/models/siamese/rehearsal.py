"""How the recurrent cell is trained: what was seen of a film is gone through again.

To look is dear, to think about it is cheap. So films are followed in closed loop (`closed_loop`)
with the cell as it is, and what was seen is kept. Then the cell goes through it many times from
the beginning, each time with its newest weights: belief, prior and gains are computed anew, and
gradients go back through all frames by the belief and the cell's state. What is kept grows old,
so new films are followed all the while (as in Ross, Gordon and Bagnell, "A reduction of imitation
learning and structured prediction to no-regret online learning", AISTATS 2011: learn from what
your own decisions lead to). Each time the film is shaken a little, as a camera in somebody's
hands, and what was found is off a little: still pictures that are moved are found more exactly
than real things.

Invariant: with the weights with which a film was followed, and not shaken, it goes as it went.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import training
from tracklab.models.siamese import belief as bf
from tracklab.models.siamese.cell import Cell
from tracklab.models.siamese.closed_loop import Followed, follow
from tracklab.models.siamese.films import Films
from tracklab.models.siamese.frame import nowhere_at_all, parts, weigh
from tracklab.models.siamese.geometry import SEARCH
from tracklab.models.siamese.losses import overlap, wanted
from tracklab.models.siamese.network import Siamese, choices
from tracklab.quiet import keras, tf

LEARNING_RATE = 5e-3  # of Adam, at its peak
FLAT = 0.5  # of the training at the peak, then straight down to 0
AVERAGE = 0.98
CLIP = 1.0  # of the length of the gradient, all weights together

AGAIN = 10  # steps between one batch of films and the next
KEPT = 40  # batches of films that are kept,
AT_ONCE = 10  # and that are gone through in one step
SHAKE = 0.3  # sizes, standard deviation of what moves every second film at most
WRONG_PLACE, WRONG_SIZE = 0.03, 0.03  # sizes, log size: likewise, of what was found

PARTS = ("place", "expected", "position", "size", "overlap", "loud")  # of the loss
SIZE, OVERLAP = 0.5, 2.0  # weights of the loss's parts; the others have 1
LOUD = 0.002  # of the squares of what the cell says: what is not worth saying is not said
WORST = 12.0  # of a frame's cross-entropy; and
LONGEST = 3.0  # sizes, of an error: a lost object must not outweigh all the rest
LOST = 1.5  # sizes from the expected place: no prior would help any more


def train(network: Siamese, cell: Cell, films: Films, **options: Any) -> training.Curves:
    """Train the recurrent cell around a network that stays as it is; returns the curves.

    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
    `validation`, `checkpoint` and `progress`. Raises `InputError` for options that are none. A
    training that goes on from a checkpoint follows new films first.
    """

    def objective(cell: Cell, batch: training.Batch) -> dict[str, Any]:
        *seen, boxes, visible = batch
        found = rehearse(network, cell, Followed(*seen), boxes, visible)
        loss = found["place"] + found["expected"] + found["position"] + LOUD * found["loud"]
        return {"loss": loss + SIZE * found["size"] + OVERLAP * found["overlap"], **found}

    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "name": "cell",
        "seed": films.seed,
        "objective": objective,
    }
    return training.fit(cell, Rehearsals(network, cell, films), **(settings | options))


class Rehearsals:
    """Batches of films as they were followed. A `training.Source`, but for what a cell learned.

    network, cell: that follow them. films: what is followed, anew after every `AGAIN` steps.
    """

    def __init__(self, network: Siamese, cell: Cell, films: Films) -> None:
        self.films = films
        self._kept: list[tuple[NDArray[Any], ...]] = []
        self._follow = tf.function(lambda frames, boxes: follow(network, cell, frames, boxes))

    @property
    def steps_per_epoch(self) -> float:
        """So many steps are called an epoch, as there is no end of films."""
        return self.films.steps_per_epoch

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """The parts of `Followed` as arrays, then boxes `(N, T + 1, 4)`, visible `(N, T + 1)`."""
        if step % AGAIN == 0 or not self._kept:
            frames, boxes, visible = self.films.batch(step // AGAIN, progress)
            seen = self._follow(frames, boxes[:, 0])
            new = (*(part.numpy() for part in seen), boxes, visible)
            self._kept = [*self._kept[1 - KEPT :], new]
        rng = np.random.default_rng([self.films.seed, step, 7])
        chosen = rng.integers(len(self._kept), size=AT_ONCE)
        chosen[0] = len(self._kept) - 1  # the newest is always among them
        chosen_parts = zip(*(self._kept[k] for k in chosen), strict=True)
        *seen, boxes, visible = (np.concatenate(part) for part in chosen_parts)
        followed, boxes = shaken(rng, Followed(*seen), boxes)
        return (*followed, boxes, visible)


def shaken(
    rng: np.random.Generator, seen: Followed, boxes: NDArray[np.float32]
) -> tuple[Followed, NDArray[np.float32]]:
    """What was followed as a shaking camera would have shown it, and found less exactly; and boxes.

    Windows move along with the frame, so what they show stays the same.
    """
    count, length = boxes.shape[:2]
    s = np.sqrt((boxes[:, :1, 2:] - boxes[:, :1, :2]).prod(-1, keepdims=True))

    def noise(frames: int, most: float) -> NDArray[np.float64]:
        """Of another strength in each film."""
        drawn = rng.normal(0, most, (count, frames, 2))
        return drawn * rng.random((count, 1, 1))

    off = s * noise(length, SHAKE) * (rng.random((count, 1, 1)) < 0.5)
    off[:, 0] = 0
    # a size that is seen wrongly, is so for long
    wrong = noise(length - 1, WRONG_SIZE) + noise(1, WRONG_SIZE)
    middles = seen.middles + off[:, 1:] + s * noise(length - 1, WRONG_PLACE)
    moved = seen._replace(
        here=np.float32(seen.here + off[:, 1:]),
        middles=np.float32(middles),
        sizes=np.float32(seen.sizes * np.exp(wrong)),
    )
    return moved, (boxes + np.tile(off, 2)).astype(np.float32)


def rehearse(
    network: Siamese, cell: Cell, seen: Followed, boxes: Any, visible: Any
) -> dict[str, Any]:
    """Go through followed films with a cell's weights; the parts of the loss by name.

    boxes `(N, T + 1, 4)`: true. visible `(N, T + 1)`, 0 to 1.
    """
    frames = Followed(*(tf.experimental.numpy.swapaxes(part, 0, 1) for part in seen))
    truths, shown = (tf.experimental.numpy.swapaxes(part, 0, 1) for part in (boxes, visible))
    length = truths.shape[0] - 1
    belief, hidden = bf.born(*parts(truths[0])), tf.zeros((tf.shape(truths)[1], cell.units))

    def one(t: Any, belief: bf.Belief, hidden: Any, sums: Any) -> Any:
        now = Followed(*(part[t] for part in frames))
        posterior = now.logits + weigh(belief, now.here, now.scale)
        found = now.found._replace(score=1 - nowhere_at_all(network, posterior))
        said, hidden = cell.step(bf.look(belief, found), hidden)
        after, _ = bf.correct(belief, found, said)
        loud = tf.reduce_mean(tf.reduce_sum(said**2, 1))
        logits = choices(network.nowhere, posterior)
        wrong = _errors(logits, now, belief, after, truths[t + 1], shown[t + 1])
        return t + 1, after, hidden, sums + tf.stack([*wrong, loud])

    *_, sums = tf.while_loop(
        lambda t, *_: t < length,
        one,
        (tf.constant(0), belief, hidden, tf.zeros(len(PARTS))),
        maximum_iterations=length,
    )
    return dict(zip(PARTS, tf.unstack(sums / length), strict=True))


def _errors(
    logits: Any, now: Followed, before: bf.Belief, after: bf.Belief, truth: Any, visible: Any
) -> list[Any]:
    """Of one frame, in the order of `PARTS`: cross-entropy of the posterior; errors of what was
    expected, of the place and of the size; what the boxes do not share.
    """
    middles, sizes = parts(truth)
    peak, there = wanted(SEARCH / 2 + (middles - now.here) * now.scale, visible)
    target = tf.concat([peak * there[:, None], 1 - there[:, None]], 1)
    entropy = tf.nn.softmax_cross_entropy_with_logits(target, logits)
    s = bf.side(sizes)
    far = tf.reduce_sum(((before.expected - middles) / s) ** 2, 1)
    near = tf.stop_gradient(tf.cast(far < LOST**2, tf.float32))

    def length(vectors: Any) -> Any:
        lengths = tf.sqrt(tf.reduce_sum((vectors / s) ** 2, 1) + 1e-8)
        return tf.reduce_mean(tf.minimum(lengths, LONGEST))

    return [
        tf.reduce_mean(tf.minimum(entropy, WORST) * near),
        length(before.expected - middles),
        length(after.middles - middles),
        tf.reduce_mean(tf.minimum(tf.abs(tf.math.log(after.sizes / sizes)), 1.0)),
        1 - tf.reduce_mean(overlap(_box(after.middles, after.sizes), _box(middles, sizes))),
    ]


def _box(middles: Any, sizes: Any) -> Any:
    return tf.concat([middles - sizes / 2, middles + sizes / 2], 1)
