"""One frame: look, compare, weigh against what was expected, believe, remember.

`begin` and `advance` are all that a tracker does with the network.

Invariant: to follow a film for training (`closed_loop`) is to run the very same lines.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tracklab.models.siamese import belief as bf
from tracklab.models.siamese import memory as mm
from tracklab.models.siamese.geometry import CELLS, OBJECT, SEARCH, SMALLEST
from tracklab.models.siamese.network import Response, Siamese, choices
from tracklab.models.siamese.second_look import moved
from tracklab.quiet import tf

BESIDE = 3  # cells, half an object: peaks nearer to each other are one
LOW = 1e9
_GRID = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), -1).reshape(-1, 2)
MARGIN = 6.0  # pixels of a window: an object nearer to its border is not learned


class Habits(NamedTuple):
    """What is fixed about following, numbers or tensors.

    rate, filter_rate: how much of what was believed goes into the running memory's cells, and into
    its filter. sure: score from which on it is learned. Without a cell: grow, how much of a change
    of size is taken over; seen: score from which on the object counts as seen.
    """

    rate: Any = 0.05
    filter_rate: Any = 0.02
    sure: Any = 0.5
    grow: Any = 0.1
    seen: Any = 0.3


class Mind(NamedTuple):
    """What is carried from frame to frame, of N objects.

    belief: see there. hidden `(N, H)`: state of the cell. first, running: the two memories.
    """

    belief: bf.Belief
    hidden: Any
    first: mm.Memory
    running: mm.Memory


class Saw(NamedTuple):
    """What a frame said of N objects.

    response: the network's map. prior, posterior `(N, CELLS, CELLS)`. found: in pixels of the
    frame. believed `(N, 1)`: how much of it.
    """

    response: Response
    prior: Any
    posterior: Any
    found: bf.Found
    believed: Any


def zoom(belief: bf.Belief) -> Any:
    """`(N, 1)`: pixels of a window in one of the frame, for objects of the believed sizes."""
    return OBJECT / bf.side(belief.sizes)


def begin(network: Siamese, windows: Any, middles: Any, sizes: Any, units: int) -> Mind:
    """Start on objects in the middle of windows `(N, SEARCH, SEARCH, 3)`.

    middles, sizes `(N, 2)`: in pixels of the frame. units: of the cell that will follow.
    """
    belief = bf.born(middles, sizes)
    half = sizes * zoom(belief) / 2
    box = tf.concat([SEARCH / 2 - half, SEARCH / 2 + half], 1)
    first = network.remember(network.embed(windows), box)
    return Mind(belief, tf.zeros((tf.shape(sizes)[0], units)), first, first)


def advance(
    network: Siamese,
    cell: Any,
    mind: Mind,
    windows: Any,
    here: Any,
    scale: Any,
    habits: Habits,
) -> tuple[Mind, Saw]:
    """What is in mind after one more frame, and what the frame said.

    cell: the recurrent one, or None to follow without it. windows `(N, SEARCH, SEARCH, 3)`: cut out
    around `here (N, 2)`, pixels of the frame, with `scale (N, 1)` pixels for one of the frame.
    """
    belief, memories = mind.belief, (mind.first, mind.running)
    embedded = network.embed(windows)
    response = network.respond(embedded, *memories)
    prior = weigh(belief, here, scale)
    # posterior = likelihood x prior
    posterior = response.logits + prior
    seen = read(network, embedded, response, posterior, belief.sizes * scale, memories)
    found = seen._replace(
        middles=here + (seen.middles - SEARCH / 2) / scale, sizes=seen.sizes / scale
    )
    hidden = mind.hidden
    if cell is None:
        after, believed = bf.taken(belief, found, habits.grow, habits.seen)
    else:
        said, hidden = cell.step(bf.look(belief, found), hidden)
        after, believed = bf.correct(belief, found, said)
    running = _learned(network, embedded, mind.running, after, believed, found, here, scale, habits)
    saw = Saw(response, prior, posterior, found, believed)
    return Mind(after, hidden, mind.first, running), saw


def weigh(belief: bf.Belief, here: Any, scale: Any) -> Any:
    """The prior in each cell of windows around `here`, `scale` pixels for one of the frame."""
    expected = SEARCH / 2 + (belief.expected - here) * scale
    return bf.log_prior(expected, belief.spread * bf.side(belief.sizes) * scale)


def read(
    network: Siamese, embedded: Any, response: Response, posterior: Any, sizes: Any, memories: Any
) -> bf.Found:
    """What a posterior `(N, CELLS, CELLS)` says, in pixels of the windows.

    sizes `(N, 2)`: what is believed, likewise; the second look starts from them.
    """
    count = tf.shape(posterior)[0]
    flat = tf.reshape(posterior, (count, CELLS * CELLS))
    best = tf.argmax(flat, 1)
    middles = tf.gather(tf.reshape(response.middles, (count, -1, 2)), best, batch_dims=1)
    guess = tf.concat([middles - sizes / 2, middles + sizes / 2], 1)
    said = network.look_again(embedded, guess, *memories)
    spots, extents = parts(moved(guess, said))
    score = 1 - nowhere_at_all(network, posterior)
    peak = tf.reduce_max(flat, 1, keepdims=True)
    away = tf.reduce_max(tf.abs(tf.gather(_GRID, best)[:, None] - _GRID), 2)
    rival = tf.reduce_max(tf.where(away > BESIDE, flat, -LOW), 1, keepdims=True)
    return bf.Found(spots, extents, score, peak, peak - rival, said[:, 4:5])


def nowhere_at_all(network: Siamese, posterior: Any) -> Any:
    """`(N, 1)`: how likely it is that the object is nowhere in the window."""
    # P(nowhere), of a softmax over all cells and "nowhere"
    return tf.nn.softmax(choices(network.nowhere, posterior))[:, -1:]


def _learned(
    network: Siamese,
    embedded: Any,
    running: mm.Memory,
    after: bf.Belief,
    believed: Any,
    found: bf.Found,
    here: Any,
    scale: Any,
    habits: Habits,
) -> mm.Memory:
    """The running memory with a little of what is believed, where it is sure and in the window."""
    spot = SEARCH / 2 + (after.middles - here) * scale
    half = after.sizes * scale / 2
    inside = tf.reduce_all(tf.abs(spot - SEARCH / 2) < SEARCH / 2 - MARGIN, 1)
    sure = tf.cast(inside & (found.score[:, 0] > habits.sure), tf.float32)
    share = sure * believed[:, 0]
    new = network.remember(embedded, tf.concat([spot - half, spot + half], 1))
    return mm.blend(running, new, habits.rate * share, habits.filter_rate * share)


def parts(boxes: Any) -> tuple[Any, Any]:
    """Middles and sizes `(N, 2)` of boxes `(N, 4)`; sizes are `SMALLEST` at least."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, tf.maximum(boxes[:, 2:] - boxes[:, :2], SMALLEST)
