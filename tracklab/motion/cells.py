"""The three recurrent cells, one step each, written out: SimpleRNN, GRU and LSTM in NumPy.

A cell takes what comes in `x (N, F)` and its state, a tuple of `(N, H)` arrays, and gives its next
state; the first array of a state is what the layer puts out. Weights are kept as Keras keeps them,
the gates side by side, so that `Weights(*layer.get_weights())` runs here.

Invariant: each step equals that of Keras' layer of the same name, to the precision of float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Floats = NDArray[Any]
Hidden = tuple[Floats, ...]


class Weights(NamedTuple):
    """Of a cell with G gates: kernel W `(F, G H)`, recurrent U `(H, G H)`, bias b.

    The bias is `(G H,)`; that of a GRU `(2, 3 H)`: one for what comes in, one for what was there.
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats

    @property
    def units(self) -> int:
        """H, how many numbers the cell puts out."""
        return len(self.recurrent)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), between 0 and 1; by way of tanh, which never overflows."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def simple_rnn(x: Floats, state: Hidden, weights: Weights) -> Hidden:
    """Elman, "Finding structure in time" (1990): what was there, mixed with what comes in."""
    (h,) = state
    W, U, b = weights
    # h_t = tanh(x_t W + h_{t-1} U + b)
    return (np.tanh(x @ W + h @ U + b),)


def gru(x: Floats, state: Hidden, weights: Weights) -> Hidden:
    """Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), eq. 5 to 8.

    As in Keras (and cuDNN) the reset gate acts behind the matrix product, not before it.
    """
    (h,) = state
    W, U, (b, c) = weights
    x_update, x_reset, x_new = np.split(x @ W + b, 3, axis=-1)
    h_update, h_reset, h_new = np.split(h @ U + c, 3, axis=-1)
    # z = sigmoid(x W_z + h U_z + b_z): how much stays
    update = sigmoid(x_update + h_update)
    # r = sigmoid(x W_r + h U_r + b_r): how much of what was there is looked at
    reset = sigmoid(x_reset + h_reset)
    # n = tanh(x W_n + b_n + r (h U_n + c_n)): what could be instead
    new = np.tanh(x_new + reset * h_new)
    # h_t = z h_{t-1} + (1 - z) n
    return (update * h + (1 - update) * new,)


def lstm(x: Floats, state: Hidden, weights: Weights) -> Hidden:
    """Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers,
    Schmidhuber and Cummins, "Learning to forget" (2000).

    The state is what is put out and what is carried, `(h, c)`.
    """
    h, c = state
    W, U, b = weights
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
    # c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g): the carry is kept, or written to
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    # h_t = sigmoid(o) tanh(c_t)
    return (sigmoid(o) * np.tanh(c), c)


class Kind(NamedTuple):
    """A cell: its step, how many arrays its state has, and how many gates its weights."""

    step: Callable[[Floats, Hidden, Weights], Hidden]
    states: int
    gates: int


KINDS = {"rnn": Kind(simple_rnn, 1, 1), "gru": Kind(gru, 1, 3), "lstm": Kind(lstm, 2, 4)}


def nothing_yet(kind: str, count: int, units: int) -> Hidden:
    """The state of a cell before the first step: zeros `(N, H)`."""
    errors.choice("kind", kind, KINDS)
    return tuple(np.zeros((count, units), np.float32) for _ in range(KINDS[kind].states))
