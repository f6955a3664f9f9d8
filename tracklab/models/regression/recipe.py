"""How the regression network is trained: followed through clips, first by the hand, then alone.

At first each crop is around where the object truly was. A network that has seen nothing else knows
no way back from its own mistakes, so later more and more crops are around where it said that the
object was, as when it tracks. (Re3 does the same, and so does lesson 05 with its motion models.)

Gradients go back through all frames by the recurrent state, and not by way of the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracklab import training
from tracklab.models.regression.network import (
    PIXELS,
    Regressor,
    around,
    to_crop,
    to_frame,
    within_reason,
)
from tracklab.models.siamese.closed_loop import cut
from tracklab.models.siamese.films import Films
from tracklab.models.siamese.losses import overlap
from tracklab.quiet import keras, tf

RATE = 1e-3  # of Adam, at its peak
FLAT = 0.5  # of the training at the peak, then straight down to 0
AVERAGE = 0.99
CLIP = 1.0  # of the length of the gradient, all weights together
ALONE = 0.5  # progress from which on no crop is led by the truth
CLEAR = 0.3  # visible share from which on the box is learned
WORST = 0.5  # sides of the crop, of a corner's error: a lost object must not outweigh all the rest


@dataclass(frozen=True)
class Led:
    """Batches of `Films`, and which crops are led by the truth. A `training.Source`."""

    films: Films

    @property
    def steps_per_epoch(self) -> float:
        """As the films have it."""
        return self.films.steps_per_epoch

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """Frames, boxes and visible as `Films` has them, and led `(B, T)`: 1 where it is."""
        frames, boxes, visible = self.films.batch(step, progress)
        rng = np.random.default_rng([self.films.seed, step, 6])
        led = rng.random(visible.shape) < 1 - progress / ALONE
        return frames, boxes, visible, led.astype(np.float32)


def train(network: Regressor, films: Films, **options: Any) -> training.Curves:
    """Train a regression network; returns the curves: the loss, and the mean overlap.

    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
    `validation`, `checkpoint` and `progress`. Raises `InputError` for options that are none.
    """
    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.Adam(RATE, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "name": "regression",
        "seed": films.seed,
        "objective": lambda network, batch: follow(network, *batch),
    }
    return training.fit(network, Led(films), **(settings | options))


def follow(network: Regressor, frames: Any, boxes: Any, visible: Any, led: Any) -> dict[str, Any]:
    """Follow B objects through T frames from their true first box: the loss, and the overlap.

    frames `(B, T, H, W, 3)` uint8; boxes `(B, T, 4)` float32; visible, led `(B, T)`, 0 to 1.
    """
    count, length = frames.shape[:2]

    def one(t: Any, last: Any, hidden: Any, sums: Any) -> Any:
        middles, sides = around(last)
        before, now = (cut(frames[:, k], middles, sides, PIXELS) for k in (t - 1, t))
        corners, hidden = network.step(before, now, hidden)
        wanted = to_crop(middles, sides, boxes[:, t])
        # what has left the crop cannot be found
        there = tf.reduce_all(tf.abs(wanted[:, :2] + wanted[:, 2:] - 1) < 1, 1)
        weight = tf.cast(there & (visible[:, t] > CLEAR), tf.float32)
        # L = mean of |x' - x'*| over the four corners
        error = tf.reduce_mean(tf.minimum(tf.abs(corners - wanted), WORST), 1)
        found = within_reason(tf.stop_gradient(corners))
        parts = [error * weight, weight, overlap(found, wanted)]
        lead = (led[:, t] > 0) | ~there
        last = tf.where(lead[:, None], boxes[:, t], to_frame(middles, sides, found))
        return t + 1, last, hidden, sums + tf.stack([tf.reduce_sum(part) for part in parts])

    *_, sums = tf.while_loop(
        lambda t, *_: t < length,
        one,
        (tf.constant(1), boxes[:, 0], network.nothing_yet(count), tf.zeros(3)),
        maximum_iterations=length - 1,
    )
    return {
        "loss": sums[0] / (sums[1] + 1e-3),
        "overlap": sums[2] / (count * (length - 1)),
    }
