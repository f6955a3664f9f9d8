"""What is remembered of an object: its cells, what lies around it, and a filter that answers it.

Taken from an embedded window in which the object's box is known. Two memories work side by side:
that of the first frame, which is certain, and a running one, which knows how the object looks now.

Invariant: `blend(old, new, 0, 0)` is `old`, and of `blend(old, new, 1, 1)` cells and filter are
those of `new`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tracklab.models.siamese import correlation
from tracklab.models.siamese.geometry import CELLS, OBJECT, PLACES, SMALLEST, STRIDE
from tracklab.quiet import tf

GRID = 9  # cells to each side of a template: an object has 6 x 6 of them if it is a square
COARSE = 2  # what lies around is remembered in cells of so many to each side


class Memory(NamedTuple):
    """Of N objects. Masks are 0 to 1.

    cells `(N, GRID^2, D)`: the embedding on a grid around the box's middle, row by row. inside `(N,
    GRID^2)`: how much of each is in the box. around `(N, K, D)`: the whole window, coarser; outside
    `(N, K)`: how much of each is beside the box. filter: see `correlation`.
    """

    cells: Any
    inside: Any
    around: Any
    outside: Any
    filter: correlation.Filter


def remember(embedded: Any, boxes: Any) -> Memory:
    """The memory of objects in embedded windows `(N, CELLS, CELLS, D)`.

    boxes: `(N, 4)` float32 xyxy in pixels of the windows.
    """
    middles, sizes = _parts(boxes)
    around = tf.nn.avg_pool2d(embedded, COARSE, COARSE, "VALID")
    count, depth = tf.shape(embedded)[0], embedded.shape[-1]
    return Memory(
        cells=tf.reshape(sample(embedded, boxes, GRID), (count, GRID * GRID, depth)),
        inside=inside(boxes),
        around=tf.reshape(around, (count, -1, depth)),
        outside=_outside(middles, sizes),
        filter=correlation.learn(embedded, middles),
    )


def mix(first: Memory, lately: Memory, share: Any) -> Memory:
    """Cells and filter between two memories, `share (N,)` of the second; else the second's."""
    return blend(first, lately, share, share)


def where(chosen: Any, one: Memory, other: Memory) -> Memory:
    """Of N objects, the memory of `one` where `chosen (N,)`, of `other` elsewhere."""

    def pick(a: Any, b: Any) -> Any:
        return tf.where(tf.reshape(chosen, (-1,) + (1,) * (len(a.shape) - 1)), a, b)

    return tf.nest.map_structure(pick, one, other)


def blend(old: Memory, new: Memory, rate: Any, filter_rate: Any) -> Memory:
    """A running memory: old cells and filter with a share of the new ones, 0 to 1 each, `(N,)`.

    Where the share is above 0, the rest (shape, surroundings) is the new one's.
    """
    mixed = tf.reshape(rate, (-1, 1, 1))
    taken = tf.reshape(rate, (-1, 1)) > 0
    return Memory(
        # m <- (1 - a) m + a new
        cells=old.cells + mixed * (new.cells - old.cells),
        inside=tf.where(taken, new.inside, old.inside),
        around=tf.where(taken[..., None], new.around, old.around),
        outside=tf.where(taken, new.outside, old.outside),
        filter=correlation.towards(old.filter, new.filter, filter_rate),
    )


def sample(embedded: Any, boxes: Any, count: int) -> Any:
    """`(N, count, count, D)`: embedded windows read between their cells, on a grid over each box.

    The grid is centred on the box; its step is `STRIDE` pixels for an object of `OBJECT` pixels,
    more for a larger one. Past the window there are zeros.
    """
    middles, sizes = _parts(boxes)
    step = tf.sqrt(sizes[:, :1] * sizes[:, 1:]) / OBJECT  # in cells
    steps = tf.range(count, dtype=tf.float32) - (count - 1) / 2
    at = middles[:, :, None] / STRIDE - 0.5 + steps * step[:, None]  # (N, 2, count), cells
    # bilinear: weight 1 - |distance| of the cells that are nearer than 1
    weights = tf.maximum(0.0, 1 - tf.abs(at[..., None] - tf.range(CELLS, dtype=tf.float32)))
    rows = tf.einsum("ngy,nyxd->ngxd", weights[:, 1], embedded)
    return tf.einsum("nhx,ngxd->nghd", weights[:, 0], rows)


def inside(boxes: Any) -> Any:
    """`(N, GRID^2)`: how much of each cell of the grid over a box lies inside it, 0 to 1."""
    _, sizes = _parts(boxes)
    scale = tf.sqrt(sizes[:, :1] * sizes[:, 1:])
    half = sizes / scale * (OBJECT / STRIDE / 2)  # of the box, in steps of the grid
    steps = tf.abs(tf.range(GRID, dtype=tf.float32) - (GRID - 1) / 2)
    across, down = (tf.clip_by_value(half[:, k, None] - steps + 0.5, 0, 1) for k in (0, 1))
    return tf.reshape(down[:, :, None] * across[:, None, :], (-1, GRID * GRID))


def _outside(middles: Any, sizes: Any) -> Any:
    """`(N, K)`: how much of each coarse cell lies beside the box, 0 to 1."""
    wide = STRIDE * COARSE
    places = PLACES.reshape(-1, COARSE).mean(1)
    away = tf.abs(places - middles[..., None]) - sizes[..., None] / 2  # (N, 2, K), pixels
    across, down = (tf.clip_by_value(away[:, k] / wide, 0, 1) for k in (0, 1))
    flat = (-1, (CELLS // COARSE) ** 2)
    return tf.reshape(tf.maximum(down[:, :, None], across[:, None, :]), flat)


def _parts(boxes: Any) -> tuple[Any, Any]:
    """Middles and sizes `(N, 2)` of boxes; sizes are `SMALLEST` at least."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, tf.maximum(boxes[:, 2:] - boxes[:, :2], SMALLEST)
