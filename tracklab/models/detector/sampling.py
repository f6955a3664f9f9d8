"""Which boxes a training step learns from: few, at random, and enough of them with an object.

Nearly all boxes are background, and easily seen to be. A network that learned from all would learn
to say "background".
"""

from __future__ import annotations

from typing import Any

from tracklab.quiet import tf


def balanced(positive: Any, negative: Any, *, count: int, most: int, seed: Any) -> Any:
    """Indices `(N, count)` of boxes, at random, at most `most` of them positive; all if A < count.

    positive, negative: `(N, A)` booleans; what is neither is taken only when these run out, so ask
    again whether an index is one of them. seed: `(2,)` whole numbers.
    """
    there = tf.shape(positive)[1]
    count, most = tf.minimum(count, there), tf.minimum(most, there)
    luck = tf.random.stateless_uniform(tf.shape(positive), seed)
    chance = tf.where(positive, luck, -1.0)
    # The luck of the positive that comes last within `most`; those with less are left over.
    last = tf.math.top_k(chance, most).values[:, -1:]
    chosen = positive & (luck >= last)
    rank = luck + tf.where(chosen, 2.0, tf.where(negative, 1.0, 0.0))
    return tf.math.top_k(rank, count, sorted=False).indices
