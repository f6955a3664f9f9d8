"""Gradient clipping: a gradient that is too long is shortened, so that one batch cannot undo all.

Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).

Gradients come as a list, one array a weight, of NumPy or TensorFlow, and go as a list.

Invariant: what is within the limit comes back as it was; by norm, the direction never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracklab import errors

Array = Any  # of NumPy or TensorFlow
Clip = Callable[[Sequence[Array]], list[Array]]


def by_value(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Every number of every gradient within -limit to limit. Bends the direction.

    Equal to Keras' `clipvalue`. Raises `InputError` for a limit that is not above 0.
    """
    _above_0(limit)
    # g = min(max(g, -c), c)
    return [_ops(g).clip(g, -limit, limit) for g in gradients]


def by_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Every gradient, by itself, no longer than limit. Bends the direction between weights.

    Equal to Keras' `clipnorm` and `tf.clip_by_norm`. Raises `InputError` as `by_value` does.
    """
    _above_0(limit)
    # g = g min(1, c / |g|), each by its own length
    return [by_global_norm([g], limit)[0] for g in gradients]


def by_global_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """All gradients together no longer than limit. Keeps the direction: the usual choice for RNNs.

    Pascanu, Mikolov and Bengio (2013), algorithm 1. Equal to Keras' `global_clipnorm` and
    `tf.clip_by_global_norm`. A gradient that is not finite cannot be shortened: all become NaN.
    Raises `InputError` as `by_value` does.
    """
    _above_0(limit)
    norm = global_norm(gradients)
    ops = _ops(norm)
    # g = g c / max(|g|, c)
    scale = limit / ops.maximum(norm, limit)
    scale = ops.where(ops.isfinite(norm), scale, np.nan)
    return [g * ops.cast(scale, g.dtype) if ops is not np else g * scale for g in gradients]


def global_norm(gradients: Sequence[Array]) -> Array:
    """The length of all gradients together, as one long vector."""
    if not gradients:
        errors.bad("gradients", gradients, "at least one")
    ops = _ops(gradients[0])
    # |g| = sqrt(sum over weights of sum g^2)
    return sum(ops.sum(g * g) for g in gradients) ** 0.5


def _above_0(limit: float) -> None:
    if errors.number("limit", limit, low=0) == 0:
        errors.bad("limit", limit, "more than 0")


def _ops(array: Array) -> Any:
    """What computes with such an array: NumPy, or Keras' operations, which have the same names."""
    if isinstance(array, (np.ndarray, np.generic, int, float)):
        return np
    from tracklab.quiet import keras

    return keras.ops
