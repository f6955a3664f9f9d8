"""The losses of a detector: one for classes, one for boxes, and their sum over what was sampled.

Girshick, "Fast R-CNN" (ICCV 2015), equations 1 to 3; Ren et al., "Faster R-CNN" (NeurIPS 2015),
equation 1, has the same form.
"""

from __future__ import annotations

from typing import Any

from tracklab.quiet import tf


def smooth_l1(error: Any) -> Any:
    """Quadratic near 0, linear beyond 1: an outlier does not run away with the gradient.

    Fast R-CNN, equation 3. Takes and gives tensors of any shape.
    """
    size = tf.abs(error)
    # smooth_L1(x) = 0.5 x^2 if |x| < 1, |x| - 0.5 otherwise
    return tf.where(size < 1, 0.5 * size**2, size - 0.5)


def class_loss(logits: Any, labels: Any) -> Any:
    """-log of the probability `(...)` that logits `(..., C)` give to labels `(...)`.

    Fast R-CNN, L_cls under equation 1.
    """
    # L_cls(p, u) = -log p_u
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def objectness_loss(logits: Any, is_object: Any) -> Any:
    """-log of the probability `(...)` of being an object, or of being none, where that is true.

    Faster R-CNN, L_cls under equation 1: log loss over two classes.
    """
    # L_cls(p, p*) = -p* log p - (1 - p*) log(1 - p)
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=is_object, logits=logits)


def box_loss(offsets: Any, targets: Any) -> Any:
    """Sum `(...)` of `smooth_l1` over the four offsets `(..., 4)`. Fast R-CNN, equation 2."""
    # L_loc(t, v) = sum over x, y, w, h of smooth_L1(t_i - v_i)
    return tf.reduce_sum(smooth_l1(offsets - targets), axis=-1)


def multi_task(
    of_classes: Any, of_boxes: Any, used: Any, is_object: Any, balance: float
) -> tuple[Any, Any]:
    """Both losses, averaged over what is used; boxes count only where there is an object.

    of_classes, of_boxes: `(...)` as the functions above give them. used, is_object: `(...)` 0 or
    1. Returns the two addends of L; Fast R-CNN, equation 1:
    """
    count = tf.maximum(tf.reduce_sum(used), 1.0)
    # L = L_cls(p, u) + lambda [u is an object] L_loc(t, v)
    return (
        tf.reduce_sum(used * of_classes) / count,
        balance * tf.reduce_sum(used * is_object * of_boxes) / count,
    )
