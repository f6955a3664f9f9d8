"""The cost volume: each cell of a template compared with each of a window, and what it votes for.

A template cell that lies two cells left of the object's middle and is found somewhere votes for a
middle two cells right of there. Where many votes meet, the object is; that some are missing, as
behind a pillar, the network learns to bear.

Invariant: `align(volume)[n, y, x, k] == volume[n, k, (y + dy_k), (x + dx_k)]`, where `dy_k, dx_k`
is the place of template cell `k` on its grid, from the middle, and 0 past the border.
"""

from __future__ import annotations

from typing import Any

from tracklab.models.siamese.geometry import CELLS
from tracklab.models.siamese.memory import GRID
from tracklab.quiet import tf

NEVER = 2.0  # less than a cosine can be apart: what is masked never is the best match


def compare(cells: Any, embedded: Any) -> Any:
    """`(N, K, CELLS^2)`: cosines of remembered cells `(N, K, D)` and all cells of windows."""
    count, depth = tf.shape(embedded)[0], embedded.shape[-1]
    return tf.einsum("nkd,nyd->nky", cells, tf.reshape(embedded, (count, CELLS * CELLS, depth)))


@tf.custom_gradient
def align(volume: Any) -> Any:
    """`(N, GRID^2, CELLS^2)` to `(N, CELLS, CELLS, GRID^2)`: votes for a middle in each cell."""
    count = tf.shape(volume)[0]
    x = tf.reshape(volume, (count, GRID, GRID, CELLS, CELLS))
    # axes: template row, template column, row, column
    x = _skewed(tf.transpose(x, (0, 1, 3, 2, 4)))  # template row, row, template column, column
    x = _skewed(tf.transpose(x, (0, 3, 4, 1, 2)))  # template column, column, template row, row
    aligned = tf.reshape(tf.transpose(x, (0, 4, 2, 3, 1)), (count, CELLS, CELLS, GRID * GRID))
    return aligned, _unaligned


def _unaligned(votes: Any) -> Any:
    """The gradient of `align`: all places back. TensorFlow's own takes four times as long."""
    count = tf.shape(votes)[0]
    x = tf.reshape(votes, (count, CELLS, CELLS, GRID, GRID))
    x = _skewed(tf.transpose(x, (0, 4, 2, 3, 1)), back=True)
    x = _skewed(tf.transpose(x, (0, 3, 4, 1, 2)), back=True)
    return tf.reshape(tf.transpose(x, (0, 1, 3, 2, 4)), (count, GRID * GRID, CELLS * CELLS))


def _skewed(x: Any, *, back: bool = False) -> Any:
    """`(..., GRID, CELLS)`: row `k` moved by `k - GRID // 2` places towards the front, or back.

    Without a loop: rows one place longer (or shorter) than they are read as, so that each begins
    one place later (or earlier).
    """
    lead = tf.shape(x)[:-2]
    padded = tf.pad(tf.reshape(x, (-1, GRID, CELLS)), ((0, 0), (0, 0), (GRID // 2, GRID // 2)))
    long = CELLS + GRID - 1
    flat = tf.reshape(padded, (-1, GRID * long))
    flat = flat[:, GRID - 1 : -1] if back else tf.pad(flat, ((0, 0), (0, GRID)))
    moved = tf.reshape(flat, (-1, GRID, long - 1 if back else long + 1))[:, :, :CELLS]
    return tf.reshape(moved, tf.concat([lead, (GRID, CELLS)], 0))


def best(volume: Any, mask: Any) -> Any:
    """`(N, CELLS, CELLS, 1)`: how well each cell is matched by any remembered one.

    volume: `(N, K, CELLS^2)`, of `compare`. mask: `(N, K)`, 0 for cells that do not count.
    """
    highest = tf.reduce_max(volume - NEVER * (1 - mask)[..., None], 1)
    return tf.reshape(highest, (-1, CELLS, CELLS, 1))
