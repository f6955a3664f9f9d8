"""Where the network looks: a square around the object, always drawn with the same pixels.

A window's side is `SEARCH / OBJECT` times the side of the square that has the believed box's area:
in the window the object has `OBJECT` x `OBJECT` pixels of area, however large it is elsewhere.

Invariants: `to_window(window, to_frame(window, boxes)) == boxes`; cell `k` of the map stands for
the pixels from `k STRIDE` to `(k + 1) STRIDE` of the window, centred on them, at `PLACES[k]`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab.clips import Frame
from tracklab.looking import look

SEARCH = 96  # pixels of a window's side
OBJECT = 24.0  # of them, the side of a square that has the object's area
STRIDE = 4  # pixels that one cell of the embedding stands for
CELLS = SEARCH // STRIDE  # a map's side
PLACES = ((np.arange(CELLS) + 0.5) * STRIDE).astype(np.float32)  # of the cells, pixels
SMALLEST = 2.0  # pixels: a thinner box has no inside to remember


class Window(NamedTuple):
    """A square of a frame: its middle `(2,)` x, y and its side, in pixels of the frame."""

    middle: NDArray[Any]
    side: float

    @property
    def zoom(self) -> float:
        """Pixels of the window in one of the frame."""
        return SEARCH / self.side

    @property
    def box(self) -> bx.Boxes:
        """Its box `(4,)` xyxy in the frame."""
        half = self.side / 2
        return np.array([*(self.middle - half), *(self.middle + half)], np.float32)


def window(middle: ArrayLike, size: ArrayLike) -> Window:
    """The window for an object of `size (2,)` width, height that is expected at `middle (2,)`."""
    width, height = np.maximum(np.asarray(size, np.float64), SMALLEST)
    # side = SEARCH / OBJECT sqrt(w h)
    return Window(np.asarray(middle, np.float64), float(SEARCH / OBJECT * np.sqrt(width * height)))


def draw(frame: Frame, seen: Window) -> Frame:
    """What the network sees, `(SEARCH, SEARCH, 3)` uint8; past the frame its edge goes on."""
    half = seen.side / 2
    return look(frame, [*(seen.middle - half), *(seen.middle + half)], (SEARCH, SEARCH))


def to_window(seen: Window, boxes: ArrayLike) -> bx.Boxes:
    """Boxes `(..., 4)` of the frame in pixels of the window."""
    # x' = (x - middle) zoom + SEARCH / 2
    moved = (np.asarray(boxes, np.float64) - np.tile(seen.middle, 2)) * seen.zoom
    return (moved + SEARCH / 2).astype(np.float32)


def to_frame(seen: Window, boxes: ArrayLike) -> bx.Boxes:
    """Boxes `(..., 4)` of the window in pixels of the frame."""
    # x = (x' - SEARCH / 2) / zoom + middle
    moved = (np.asarray(boxes, np.float64) - SEARCH / 2) / seen.zoom
    return (moved + np.tile(seen.middle, 2)).astype(np.float32)
