"""A filter whose gains a network chooses: what the network sees, and what is done with its answer.

A Kalman filter of constant velocity has two gains for each direction, and finds them from the noise
that it was told. Here a recurrent cell finds them, anew in each frame, from what it has seen of the
object, and adds what no gain can: a turn, a bounce, a stop.

    predict:  v = v + s a,               p = p + v
    correct:  y = z - p,                 p = p + K_p y + s r_p,    v = v + K_v y + s r_v

with s the box's width and height. K_p, K_v (between 0 and 1), r_p, r_v and a are the network's;
with fixed gains and without r and a this is the alpha-beta filter, and there training starts.

The lines run in NumPy and, given `xp=keras.ops`, in TensorFlow: what is trained is what tracks.

Invariant: a picture of twice the size gives twice the numbers; all that the network sees is
relative to the object, but for `absolute`, which is here to show what comes of that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = Any

SEEN = 9  # numbers that the network sees of an object in a frame
SAID = 14  # numbers that it puts out
NEAR = 10.0  # innovations and speeds are about a tenth of a box: times this, about 1
SMALL = 0.1  # what the network adds, in boxes, for an output of 1
ALPHA, BETA = 0.5, 0.15  # gains of position and velocity at first
BEYOND = -1.0  # boxes behind a wall: farther out does not count
UNSURE = 0.06  # deviation in boxes at first
LONGEST = 4.0  # deviations stay within exp(-4) and exp(4) of that

GAINS, RESIDUAL, DISPLACEMENT, ABSOLUTE = "gains", "residual", "displacement", "absolute"
FORMS = (GAINS, RESIDUAL, DISPLACEMENT, ABSOLUTE)


class Motion(NamedTuple):
    """What is believed of N objects: where they are, how fast, and how that will change.

    centers, velocities: `(N, 2)` pixels and pixels a frame. change: `(N, 2)`, of the velocity until
    the next frame, in boxes. deviations, expected: `(N, 2)`, of the centre now and in the next
    frame, in boxes, as logarithms of their ratio to `UNSURE`.
    """

    centers: Array
    velocities: Array
    change: Array
    deviations: Array
    expected: Array


def born(centers: Array, xp: Any = np) -> Motion:
    """What is believed of objects that were just seen for the first time, at `(N, 2)`."""
    nothing = xp.zeros_like(centers)
    return Motion(centers, nothing, nothing, nothing, nothing)


def predict(motion: Motion, sizes: Array) -> Motion:
    """One frame on. sizes `(N, 2)`: widths and heights."""
    # v = v + s a
    velocities = motion.velocities + sizes * motion.change
    # p = p + v
    return motion._replace(
        centers=motion.centers + velocities,
        velocities=velocities,
        change=0 * motion.change,
        deviations=motion.expected,
    )


def look(
    motion: Motion, detected: Array, seen: Array, sizes: Array, walls: Array, form: str, xp: Any
) -> Array:
    """What the network sees in a frame, `(N, SEEN)`.

    detected `(N, 2)`: centres, anything where `seen (N, 1)` is 0. walls `(N, 4)`: left, top, right
    and bottom, infinitely far where there are none.
    """
    low, high = walls[:, :2], walls[:, 2:]
    if form == ABSOLUTE:
        # where in the picture, from -1 to 1, and nothing else
        place = seen * (2 * (detected - low) / (high - low) - 1)
        return xp.concatenate([place, seen, xp.zeros_like(walls), xp.zeros_like(place)], axis=-1)
    # y = z - p, in boxes
    innovation = seen * (detected - motion.centers) / sizes
    # how near the walls are: 1 when the box touches one, 1/e when it is its own size away
    to_low = xp.exp(-xp.maximum((motion.centers - low) / sizes - 0.5, BEYOND))
    to_high = xp.exp(-xp.maximum((high - motion.centers) / sizes - 0.5, BEYOND))
    speed = motion.velocities / sizes
    return xp.concatenate([NEAR * innovation, seen, NEAR * speed, to_low, to_high], axis=-1)


def correct(
    motion: Motion,
    detected: Array,
    seen: Array,
    sizes: Array,
    walls: Array,
    said: Array,
    form: str,
    xp: Any,
) -> Motion:
    """The belief after a frame, given what the network said, `(N, SAID)`."""
    centers, velocities = motion.centers, motion.velocities
    place, speed, change = (SMALL * said[:, k : k + 2] for k in (0, 2, 4))
    if form == GAINS:
        # K = sigmoid(k), as at first: alpha, beta
        gain_p = _sigmoid(said[:, 6:8] + _logit(ALPHA), xp)
        gain_v = _sigmoid(said[:, 8:10] + _logit(BETA), xp)
        innovation = seen * (detected - centers)
        # p = p + K_p y + s r_p,  v = v + K_v y + s r_v
        centers = centers + gain_p * innovation + sizes * place
        velocities = velocities + gain_v * innovation + sizes * speed
    elif form == RESIDUAL:
        # p = p + s r_p,  v = v + s r_v: the network must make its own gains
        centers = centers + sizes * place
        velocities = velocities + sizes * speed
    elif form == DISPLACEMENT:
        # p_t = p_{t-1} + s d,  v = s w: nothing is carried on but where it was
        centers = centers - velocities + sizes * place
        velocities = sizes * speed
    else:
        # p = (low + high) / 2 + (high - low) / 2 q: the network says where in the picture
        low, high = walls[:, :2], walls[:, 2:]
        centers = (low + high) / 2 + (high - low) / 2 * place / SMALL
        velocities = (high - low) / 2 * speed
    return Motion(centers, velocities, change, said[:, 10:12], said[:, 12:14])


def deviations(motion: Motion, sizes: Array, xp: Any = np) -> Array:
    """Standard deviations of the centre `(N, 2)` in pixels."""
    # sigma = s exp(l)
    return UNSURE * sizes * xp.exp(xp.clip(motion.deviations, -LONGEST, LONGEST))


def _sigmoid(x: Array, xp: Any) -> Array:
    return 0.5 * xp.tanh(0.5 * x) + 0.5


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
