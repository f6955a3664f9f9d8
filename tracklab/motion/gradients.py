"""How far back through time a gradient reaches: backpropagation through time, measured.

A network learns from what it saw k frames ago only as far as what it says now depends on what it
held then. That dependence is a product of k Jacobians, one a frame; where they shrink, it vanishes.

Werbos, "Backpropagation through time" (1990); Bengio, Simard and Frasconi, "Learning long-term
dependencies with gradient descent is difficult" (1994).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.motion import cells, learned
from tracklab.motion.network import Network
from tracklab.motion.observed import Observed, inputs
from tracklab.quiet import keras, tf

STATE, INPUT = "state", "input"
Floats = NDArray[np.float32]


def seen_by(network: Network, found: Observed) -> Floats:
    """What the network sees of observed trajectories in frames 1 to T - 1: `(T - 1, N, SEEN)`."""
    detected, seen, sizes = inputs(found)
    height, width = found.size
    count = found.boxes.shape[1]
    walls = tf.constant(np.tile(np.array([0, 0, width, height], np.float32), (count, 1)))
    motion = learned.born(tf.constant(detected[0]), keras.ops)
    hidden = [tf.zeros((count, network.units))] * cells.KINDS[network.kind].states
    sees = []
    for t in range(1, len(found)):
        at, there, side = (tf.constant(part[t]) for part in (detected, seen, sizes))
        ahead = learned.predict(motion, side)
        sees.append(learned.look(ahead, at, there, side, walls, network.form, keras.ops).numpy())
        _, motion, hidden = network.frame(motion, hidden, at, there, side, walls)
    return np.array(sees)


def reach(network: Network, inputs: ArrayLike, *, of: str = STATE, seed: int = 0) -> Floats:
    """Norms of the gradient of the cell's last output with respect to what was k frames before.

    inputs: `(T, N, SEEN)`, what the cell is given, frame by frame (`seen_by`).
    of: "state", what the cell held after a frame (an LSTM's output and carry), or "input", what
        came in. seed: of the direction in which the output is measured, one for each object.

    Returns `(T, N)`: row k is about k frames before the last; row 0 of "state" is the output
    itself, so 1. Raises `InputError` for other shapes.
    """
    array = np.asarray(inputs, np.float32)
    if array.ndim != 3 or array.shape[2] != learned.SEEN or not len(array):
        errors.bad("inputs", array, f"shape (T, N, {learned.SEEN}), T at least 1")
    errors.choice("of", of, (STATE, INPUT))
    direction = readout(array.shape[1], network.units, seed)
    given = [tf.constant(x) for x in array]
    states: list[list[Any]] = []
    hidden = [tf.zeros((array.shape[1], network.units))] * cells.KINDS[network.kind].states
    with tf.GradientTape() as tape:
        tape.watch(given)
        for x in given:
            _, hidden = network.cell(x, hidden)
            # copies: an LSTM's output is its state's first part, and both are to be told apart
            hidden = [tf.identity(part) for part in hidden]
            states.append(hidden)
        # L = r . h_T
        last = tf.reduce_sum(direction * hidden[0])
    found = tape.gradient(
        last, states if of == STATE else [[x] for x in given], unconnected_gradients="zero"
    )
    # |dL / ds_{T-k}|, over all numbers of the state
    norms = [tf.sqrt(tf.add_n([tf.reduce_sum(g**2, -1) for g in parts])) for parts in found]
    return np.array([norm.numpy() for norm in reversed(norms)])


def readout(count: int, units: int, seed: int) -> Floats:
    """A direction `(N, H)` of length 1 for each object, drawn at random."""
    drawn = np.random.default_rng(seed).standard_normal((count, units), np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
