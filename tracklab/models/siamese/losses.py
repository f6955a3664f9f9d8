"""What is wanted of the response map and of the second look, and what falls short of it costs.

The map is a choice among cells, and of "nowhere" beside them: a softmax over CELLS^2 + 1 logits and
its cross-entropy with a narrow peak on the object's true middle, or with "nowhere" where the object
is hidden or out of the window.
"""

from __future__ import annotations

from typing import Any

from tracklab.models.siamese import second_look
from tracklab.models.siamese.geometry import CELLS, OBJECT, PLACES, SEARCH, STRIDE
from tracklab.models.siamese.network import Response, choices
from tracklab.quiet import tf

SIGMA = 1.0  # cells: width of the peak that is wanted
THERE, HIDDEN = 0.25, 0.1  # visible shares: from there on it must be found, up to there it must not
CLEAR = 0.5  # visible share from which on its box is learned
NEAR = 0.6  # offsets beyond which a guessed box is hopeless
RIGHT = 0.5  # offsets up to which the object is in a guessed box
NOWHERE = 0.5  # weight of an example in which the object is nowhere

# weights of the parts
OFFSET, SIZE, AGAIN, VERDICT, STRANGER = 0.5, 1.0, 2.0, 0.3, 0.15


def wanted(middles: Any, visible: Any) -> tuple[Any, Any]:
    """The wanted map `(N, CELLS^2)`, which sums to 1, and 1 where the object is to be found `(N,)`.

    middles `(N, 2)`: true, in pixels of the windows. visible `(N,)`.
    """
    near = tf.exp(-(((PLACES - middles[..., None]) / (STRIDE * SIGMA)) ** 2) / 2)
    peak = tf.reshape(near[:, 1, :, None] * near[:, 0, None, :], (-1, CELLS * CELLS))
    inside = tf.reduce_all((middles > 0) & (middles < SEARCH), 1)
    peak = peak / tf.maximum(tf.reduce_sum(peak, 1, keepdims=True), 1e-6)
    return peak, tf.cast(inside & (visible > THERE), tf.float32)


def of_map(response: Response, nowhere: Any, boxes: Any, visible: Any) -> dict[str, Any]:
    """Parts of the loss of maps for true boxes `(N, 4)`, and the share of objects found."""
    count = tf.shape(boxes)[0]
    middles, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, tf.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    peak, there = wanted(middles, visible)
    logits = tf.reshape(response.logits, (count, CELLS * CELLS))
    target = tf.concat([peak * there[:, None], 1 - there[:, None]], 1)
    # L = -sum over cells and "nowhere" of p* log softmax(z)
    entropy = tf.nn.softmax_cross_entropy_with_logits(target, choices(nowhere, response.logits))
    unclear = (visible > HIDDEN) & (visible <= THERE)
    weight = tf.where(unclear, 0.0, tf.where(there > 0, 1.0, NOWHERE))
    # offsets and sizes are learned near the middle
    shape = peak / tf.maximum(tf.reduce_max(peak, 1, keepdims=True), 1e-6)
    shape *= (there * tf.cast(visible > CLEAR, tf.float32))[:, None]
    total = tf.reduce_sum(shape) + 1e-3
    aside = tf.reshape(response.middles, (count, -1, 2)) - middles[:, None]
    grown = tf.math.log(tf.reshape(response.sizes, (count, -1, 2)) / sizes[:, None])
    best = tf.gather(
        tf.reshape(response.middles, (count, -1, 2)), tf.argmax(logits, 1), batch_dims=1
    )
    hit = tf.cast(tf.norm(best - middles, axis=1) < OBJECT / 2, tf.float32)
    return {
        "place": tf.reduce_sum(entropy * weight) / (tf.reduce_sum(weight) + 1e-3),
        "offset": tf.reduce_sum(tf.reduce_sum(tf.abs(aside), -1) * shape) / total / STRIDE,
        "size": tf.reduce_sum(tf.reduce_sum(tf.abs(grown), -1) * shape) / total,
        "found": tf.reduce_sum(hit * there) / (tf.reduce_sum(there) + 1e-3),
    }


def of_strangers(response: Response, nowhere: Any) -> Any:
    """The loss of maps in windows in which the object is not: "nowhere" is wanted."""
    # L = -log softmax(z)[nowhere]
    return -tf.reduce_mean(tf.nn.log_softmax(choices(nowhere, response.logits))[:, -1]) * NOWHERE


def of_second_look(said: Any, guessed: Any, boxes: Any, visible: Any) -> dict[str, Any]:
    """Parts of the loss of a second look at guessed boxes `(N, 4)`, for true ones."""
    true = second_look.offsets(guessed, boxes)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = tf.reduce_all((middles > STRIDE) & (middles < SEARCH - STRIDE), 1)
    inside &= tf.reduce_all(tf.abs(true) < NEAR, 1)
    weight = tf.where(inside & (visible > 0.35), visible, 0.0)
    total = tf.reduce_sum(weight) + 1e-3
    error = tf.abs(said[:, :4] - true)
    right = (tf.reduce_max(tf.abs(true), 1) < RIGHT) & (visible > 0.3)
    verdict = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(right, tf.float32), said[:, 4])
    unclear = (visible > HIDDEN) & (visible <= 0.3)
    return {
        "again": tf.reduce_sum(tf.reduce_sum(error, 1) * weight) / total,
        "verdict": tf.reduce_mean(tf.where(unclear, 0.0, verdict)),
    }


def overlap(boxes: Any, others: Any) -> Any:
    """Intersection over union of boxes `(N, 4)` and others `(N, 4)`, one by one: `(N,)`."""
    low = tf.maximum(boxes[:, :2], others[:, :2])
    high = tf.minimum(boxes[:, 2:], others[:, 2:])
    both = tf.reduce_prod(tf.maximum(high - low, 0.0), 1)
    areas = [tf.reduce_prod(each[:, 2:] - each[:, :2], 1) for each in (boxes, others)]
    # IoU = |A and B| / (|A| + |B| - |A and B|)
    return both / (areas[0] + areas[1] - both)
