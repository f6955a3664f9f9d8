"""Objects followed in closed loop: what the cell says decides what is seen next.

Invariant: the lines that are run are those of the tracker, `frame.begin` and `frame.advance`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tracklab.models.siamese import belief as bf
from tracklab.models.siamese.cell import Cell
from tracklab.models.siamese.frame import Habits, advance, begin, parts, zoom
from tracklab.models.siamese.geometry import OBJECT, SEARCH
from tracklab.models.siamese.network import Siamese
from tracklab.quiet import tf


class Followed(NamedTuple):
    """What was seen of N objects in T frames after the first.

    here `(N, T, 2)`: middles of the windows, pixels of the frame; scale `(N, T, 1)`: pixels of a
    window in one of the frame. logits `(N, T, CELLS, CELLS)`: of the response maps, without a
    prior. The others as in `belief.Found`, with the axis of time after the first.
    """

    here: Any
    scale: Any
    logits: Any
    middles: Any
    sizes: Any
    score: Any
    peak: Any
    rival: Any
    verdict: Any

    @property
    def found(self) -> bf.Found:
        """The part of it that is a `belief.Found`."""
        return bf.Found(*self[3:])


def follow(network: Siamese, cell: Cell, frames: Any, boxes: Any) -> Followed:
    """Follow N objects through frames `(N, T + 1, H, W, 3)` from their first boxes `(N, 4)`."""
    middles, sizes = parts(boxes)
    windows = cut(frames[:, 0], middles, SEARCH / OBJECT * bf.side(sizes))
    mind = begin(network, windows, middles, sizes, cell.units)
    length, habits = frames.shape[1], Habits()

    def one(t: Any, mind: Any, kept: Any) -> Any:
        here, scale = mind.belief.expected, zoom(mind.belief)
        windows = cut(frames[:, t], here, SEARCH / scale)
        after, saw = advance(network, cell, mind, windows, here, scale, habits)
        new = Followed(here, scale, saw.response.logits, *saw.found)
        return t + 1, after, [one.write(t - 1, part) for one, part in zip(kept, new, strict=True)]

    kept = [tf.TensorArray(tf.float32, length - 1) for _ in Followed._fields]
    *_, kept = tf.while_loop(lambda t, *_: t < length, one, (tf.constant(1), mind, kept))
    return Followed(*(tf.experimental.numpy.swapaxes(one.stack(), 0, 1) for one in kept))


def cut(frames: Any, middles: Any, sides: Any, pixels: int = SEARCH) -> Any:
    """Windows `(N, pixels, pixels, 3)` of frames `(N, H, W, 3)`, as `geometry.draw`, in TensorFlow.

    middles `(N, 2)`, sides `(N, 1)`, or `(N, 2)` for width and height: pixels of the frames. Past
    the frame its edge goes on; what gets smaller is averaged.
    """
    drawn = tf.cast(frames, tf.float32)
    sides = tf.broadcast_to(sides, tf.shape(middles))
    across, down = (
        _hats(middles[:, k : k + 1], sides[:, k : k + 1], drawn.shape[2 - k], pixels)
        for k in (0, 1)
    )
    return tf.einsum("nxX,nyXc->nyxc", across, tf.einsum("nyY,nYXc->nyXc", down, drawn))


def _hats(middles: Any, sides: Any, count: int, pixels: int) -> Any:
    """Weights `(N, pixels, count)` of a frame's pixels in a window's, in one direction."""
    wide = tf.maximum(1.0, sides / pixels)[..., None]
    steps = (tf.range(pixels, dtype=tf.float32) + 0.5) / pixels - 0.5
    at = tf.clip_by_value(middles + sides * steps - 0.5, 0.0, count - 1.0)
    weights = tf.maximum(0.0, 1 - tf.abs(at[..., None] - tf.range(count, dtype=tf.float32)) / wide)
    return weights / tf.reduce_sum(weights, -1, keepdims=True)
