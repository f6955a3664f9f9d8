"""What is believed of an object from frame to frame, and how a recurrent network steers it.

The response map is a likelihood: what this frame alone says. The recurrent network's part is the
prior: where the object was expected, and how sure that was. Their product, a sum of logarithms, is
where the object is taken to be. As in lesson 05 the network chooses gains, from which it starts as
an alpha-beta filter does, and adds a little motion of its own.

    p <- c + v                                    expected
    c <- p + k (found - p)                        k: how much of what was found is believed,
                                                  at most P(it is in the window)
    v <- keep (v + g k ((found - c_before) - v)) + drift s
    log size <- log size + z k (log found - log size)
    spread <- exp(...)                            standard deviation of the next prior, in sizes

Invariant: where nothing of what was found is believed, the object goes on as expected.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tracklab.models.siamese.geometry import OBJECT, PLACES
from tracklab.quiet import tf

SPREAD = 0.7  # of the prior at first, in sizes of the object
NARROWEST, WIDEST = -1.5, 1.5  # of its logarithm, from there
DRIFT = 0.3  # sizes a frame that the network adds to a velocity at most, about
STEP = 0.3  # of a log size that is believed at once
FAR = 3.0  # sizes: what is further off looks as far
SURE = 10.0  # logits are divided by this, to be about 1

SEEN = 12  # numbers that the cell sees of a frame, and
SAID = 7  # says: the gains

# where the gains start, as logits: sigmoid(3) = 0.95, (0) = 0.5, (2) = 0.88, (-2.2) = 0.1
BELIEVE, TURN, KEEP, GROW = 3.0, 0.0, 2.0, -2.2


class Belief(NamedTuple):
    """Of N objects, in pixels of the frame: middles, sizes and velocities a frame `(N, 2)`.

    spread `(N, 1)`: standard deviation of the next prior, in sizes of the object.
    """

    middles: Any
    sizes: Any
    velocities: Any
    spread: Any

    @property
    def expected(self) -> Any:
        """Where the middles will be in the next frame."""
        # p = c + v
        return self.middles + self.velocities


class Found(NamedTuple):
    """What a frame said: middles and sizes `(N, 2)` in pixels of the frame.

    score `(N, 1)`: 0 to 1, that the object is in the window at all. peak `(N, 1)`: the highest
    logit of the posterior. rival `(N, 1)`: how much lower the highest one is that is not beside it.
    verdict `(N, 1)`: the second look's logit that the object is in the box.
    """

    middles: Any
    sizes: Any
    score: Any
    peak: Any
    rival: Any
    verdict: Any


def born(middles: Any, sizes: Any) -> Belief:
    """What is believed in the first frame: at rest."""
    return Belief(middles, sizes, tf.zeros_like(middles), tf.zeros_like(middles[:, :1]) + SPREAD)


def log_prior(away: Any, spread: Any) -> Any:
    """`(N, CELLS, CELLS)`: the prior's logarithm in each cell of a window, but for a constant.

    away `(N, 2)`: the expected place, x, y in pixels of the window. spread `(N, 1)`: its standard
    deviation in the same pixels.
    """
    # log N(x; p, s) = -|x - p|^2 / (2 s^2)
    across, down = (((PLACES[None] - away[:, k : k + 1]) / spread) ** 2 for k in (0, 1))
    return -(down[:, :, None] + across[:, None, :]) / 2


def side(sizes: Any) -> Any:
    """`(N, 1)`: the root of the area of sizes `(N, 2)`."""
    return tf.sqrt(sizes[:, :1] * sizes[:, 1:])


def look(belief: Belief, found: Found) -> Any:
    """What the cell sees of a frame: `(N, SEEN)` numbers about 1, whatever the object's size."""
    s = side(belief.sizes)
    grown = tf.math.log(found.sizes / belief.sizes)
    return tf.concat(
        [
            tf.clip_by_value((found.middles - belief.expected) / s, -FAR, FAR),
            tf.clip_by_value((found.middles - belief.middles) / s, -FAR, FAR),
            tf.clip_by_value(belief.velocities / s, -FAR, FAR),
            tf.clip_by_value(grown, -1.0, 1.0),
            found.score,
            found.peak / SURE,
            tf.clip_by_value(found.rival / SURE, 0.0, 1.0),
            tf.sigmoid(found.verdict),
        ],
        1,
    )


def correct(belief: Belief, found: Found, said: Any) -> tuple[Belief, Any]:
    """The belief after a frame, by gains `said (N, SAID)`; and how much of it was believed."""
    s = side(belief.sizes)
    k = found.score * tf.sigmoid(said[:, :1] + BELIEVE)
    g = tf.sigmoid(said[:, 1:2] + TURN)
    keep = tf.sigmoid(said[:, 2:3] + KEEP)
    z = tf.sigmoid(said[:, 3:4] + GROW)
    # c <- p + k (found - p)
    middles = belief.expected + k * (found.middles - belief.expected)
    # v <- keep (v + g k ((found - c_before) - v)) + drift s
    step = found.middles - belief.middles
    velocities = belief.velocities + g * k * (step - belief.velocities)
    velocities = keep * velocities + DRIFT * tf.tanh(said[:, 4:6]) * s
    # log size <- log size + z k (log found - log size)
    grown = tf.clip_by_value(tf.math.log(found.sizes / belief.sizes), -STEP, STEP)
    sizes = belief.sizes * tf.exp(z * k * grown)
    # spread <- exp(...)
    spread = SPREAD * tf.exp(tf.clip_by_value(said[:, 6:7], NARROWEST, WIDEST))
    return Belief(middles, sizes, velocities, spread), k


def taken(belief: Belief, found: Found, grow: Any, seen: Any) -> tuple[Belief, Any]:
    """The belief after a frame without any cell: what was found, unless it was not seen.

    It expects the object where it was, with the same spread. grow: how much of a change of size is
    taken over; seen: the score from which on the object counts as seen. What the cell is worth is
    what `correct` is better than this.
    """
    k = tf.cast(found.score >= seen, tf.float32)
    middles = belief.middles + k * (found.middles - belief.middles)
    grown = tf.clip_by_value(tf.math.log(found.sizes / belief.sizes), -STEP, STEP)
    return belief._replace(middles=middles, sizes=belief.sizes * tf.exp(grow * k * grown)), k


def in_window(spread: Any) -> Any:
    """A spread in sizes of the object as pixels of its window."""
    return spread * OBJECT
