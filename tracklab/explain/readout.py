"""What the hidden numbers of a recurrent network hold: a straight line read out of them.

Alain and Bengio, "Understanding intermediate layers using linear classifier probes" (2016). If a
linear map of the hidden state gives the velocity, the state holds it; whether that says anything
depends on what the same map gets from numbers that are no news: the network's own inputs, the state
of a network that has learned nothing, and the right states with the velocities of other objects.

Invariant: what is judged was not fitted: lines are fitted on some objects and judged on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.motion import cells
from tracklab.motion.gradients import seen_by
from tracklab.motion.network import Network
from tracklab.motion.observed import Observed
from tracklab.quiet import tf

AHEAD = 3  # frames
RIDGE = 1e-3  # of the mean square of a column: too little to bend a line, enough to have one
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """`Y = (X - mean) / scale @ weights + bias`: weights `(F, D)`, bias `(D,)`."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    def __call__(self, x: ArrayLike) -> Floats:
        """What the line says of rows `(N, F)`: `(N, D)`."""
        return (np.asarray(x, np.float64) - self.mean) / self.scale @ self.weights + self.bias


def fit(x: ArrayLike, y: ArrayLike, *, ridge: float = RIDGE) -> Line:
    """The line from rows `x (N, F)` to `y (N, D)` with the least squares.

    ridge: a penalty on weights, in parts of N. Raises `InputError` for shapes that do not fit and
    NaN.
    """
    given, wanted = _rows("x", x), _rows("y", y)
    if len(given) != len(wanted):
        came = errors.Said(f"{len(given)} and {len(wanted)} rows")
        errors.bad("x and y", came, "as many of the one as of the other")
    ridge = errors.number("ridge", ridge, low=0)
    mean, scale = given.mean(0), given.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    z, bias = (given - mean) / scale, wanted.mean(0)
    # W = (Z^T Z + r N I)^-1 Z^T (Y - mean Y)
    gram = z.T @ z + ridge * len(z) * np.eye(z.shape[1])
    weights = np.linalg.lstsq(gram, z.T @ (wanted - bias), rcond=None)[0]
    return Line(mean, scale, weights, bias)


def r_squared(said: ArrayLike, true: ArrayLike) -> float:
    """The share of the truth's variance that is explained: 1 is all, 0 is what its mean explains.

    said, true: `(N, D)`. Below 0 it is worse than the mean. Raises `InputError` for a truth that
    does not vary.
    """
    found, wanted = _rows("said", said), _rows("true", true)
    if found.shape != wanted.shape:
        errors.bad("said", found, f"shape {wanted.shape}")
    spread = np.square(wanted - wanted.mean(0)).sum()
    if spread == 0:
        errors.bad("true", errors.Said("numbers that are all the same"), "numbers that vary")
    # R^2 = 1 - sum (y - s)^2 / sum (y - mean y)^2
    return float(1 - np.square(wanted - found).sum() / spread)


def states(network: Network, found: Observed) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a network saw and what it held behind each frame: `(T - 1, N, SEEN)`, `(T - 1, N, H)`.

    Frames 1 to T - 1, in closed loop, as it tracks.
    """
    seen = seen_by(network, found)
    hidden = [tf.zeros((seen.shape[1], network.units))] * cells.KINDS[network.kind].states
    held = []
    for x in seen:
        output, hidden = network.cell(tf.constant(x), hidden)
        held.append(output.numpy())
    return seen, np.array(held)


def shuffled(y: NDArray[Any], *, seed: int = 0) -> NDArray[Any]:
    """`(T, N, D)` with the objects in another order, none at its own place (but for one object).

    Each series stays whole: what one object did, told of another.
    """
    count = y.shape[1]
    order = np.random.default_rng(seed).permutation(count)
    other = np.empty(count, np.int64)
    # each one takes the place of the next in a random circle
    other[order] = np.roll(order, 1)
    return y[:, other]


def velocity(found: Observed, skip: int = 0) -> NDArray[Any]:
    """How fast objects go, `(T - 1 - skip, N, 2)` in their widths and heights a frame.

    Frames 1 to T - 1, without the last `skip`.
    """
    sizes = bx.sizes(found.boxes)[1:]
    return (found.velocities[1:] / sizes)[: len(sizes) - skip]


def coming(found: Observed, ahead: int = AHEAD) -> NDArray[Any]:
    """How their velocity will have changed in `ahead` frames, `(T - 1 - ahead, N, 2)`, likewise."""
    ahead = int(errors.number("ahead", ahead, low=1, high=len(found) - 2, whole=True))
    change = found.velocities[1 + ahead :] - found.velocities[1:-ahead]
    return np.asarray(change / bx.sizes(found.boxes)[1:-ahead])


def compare(
    network: Network, fitted: Observed, judged: Observed, *, ahead: int = AHEAD, seed: int = 0
) -> dict[str, dict[str, float]]:
    """R squared of `velocity` and of what is `coming`, on `judged`, by lines fitted on `fitted`.

    By what is read out ("velocity", "coming change"), then by where it is read from: "state" of the
    network; "shuffled", the same state with the velocities of other objects; "inputs", what the
    network is given in that frame; "untrained", the state of such a network that has learned
    nothing; "state and inputs".
    """
    blank = Network(network.kind, units=network.units, form=network.form, seed=seed)
    sides = []
    for found in (fitted, judged):
        seen, state = states(network, found)
        places = {"state": state, "shuffled": state, "inputs": seen}
        places["untrained"] = states(blank, found)[1]
        places["state and inputs"] = np.concatenate([state, seen], -1)
        wanted = {"velocity": velocity(found, ahead), "coming change": coming(found, ahead)}
        sides.append((places, wanted))
    (given, right), (told, true) = sides
    table: dict[str, dict[str, float]] = {}
    for what, y in right.items():
        table[what] = {}
        for where, x in given.items():
            goal = shuffled(y, seed=seed) if where == "shuffled" else y
            line = fit(_flat(x[:-ahead]), _flat(goal))
            table[what][where] = r_squared(line(_flat(told[where][:-ahead])), _flat(true[what]))
    return table


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, values.shape[-1])


def _rows(name: str, value: ArrayLike) -> Floats:
    array = np.asarray(value, np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) < 2 or not np.isfinite(array).all():
        errors.bad(name, array, "at least two rows of finite numbers, shape (N, D)")
    return array
