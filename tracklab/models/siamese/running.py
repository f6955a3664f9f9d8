"""The trained networks at work on one object: `frame.begin` and `frame.advance`, compiled once."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tracklab.clips import Frame
from tracklab.models.siamese.cell import Cell
from tracklab.models.siamese.frame import Habits, Mind, Saw, advance, begin
from tracklab.models.siamese.network import Siamese
from tracklab.quiet import tf


class Running:
    """A Siamese network and a recurrent cell, ready to follow one object.

    cell: may be None, to follow without one. They are compiled as they are: weights that change
    later are seen, layers that change are not.
    """

    def __init__(self, network: Siamese, cell: Cell | None) -> None:
        self.siamese, self.cell = network, cell
        self.nowhere = float(network.nowhere.numpy())
        units = cell.units if cell is not None else 1

        def first(window: Any, middle: Any, size: Any) -> Mind:
            return begin(network, window[None], middle[None], size[None], units)

        def next_(with_cell: bool) -> Any:
            def run(mind: Mind, window: Any, here: Any, scale: Any, habits: Any) -> Any:
                fixed = Habits(*tf.unstack(habits))
                used = cell if with_cell else None
                return advance(network, used, mind, window[None], here[None], scale, fixed)

            return tf.function(run)

        self._first = tf.function(first)
        self._next = {with_cell: next_(with_cell) for with_cell in (True, False)}

    def begin(self, picture: Frame, middle: NDArray[Any], size: NDArray[Any]) -> Mind:
        """Start on an object of `size (2,)` at `middle (2,)` of the frame."""
        numbers = (tf.constant(part, tf.float32) for part in (middle, size))
        mind: Mind = self._first(tf.constant(picture), *numbers)
        return mind

    def advance(
        self,
        mind: Mind,
        picture: Frame,
        here: NDArray[Any],
        scale: float,
        habits: Habits,
        *,
        stateless: bool = False,
    ) -> tuple[Mind, Saw]:
        """One more frame: see `frame.advance`. stateless: without the cell."""
        known = not stateless and self.cell is not None
        found: tuple[Mind, Saw] = self._next[known](
            mind,
            tf.constant(picture),
            tf.constant(here, tf.float32),
            tf.constant([[scale]], tf.float32),
            tf.constant([float(number) for number in habits], tf.float32),
        )
        return found


@functools.cache
def shipped(folder: Path | None = None) -> Running:
    """The networks that come with the course, ready to run; read once."""
    from tracklab.models.siamese.ship import load

    return Running(*load(folder))
