"""A figure that stays, of which only a part moves: drawn again in a few milliseconds.

Axes, ticks and titles are drawn once and kept as pixels; a change draws the moving artists above
them. Invariant: the pixels depend on the artists' present state alone, so a `draw` that sets every
moving artist each time is pure.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from tracklab import plots


class Moving:
    """A figure and its moving artists.

    fig: from `plots.figure`. artists: of it, in the order in which they are drawn. Whoever sets
    them holds `lock` until `pixels` are taken: explorers may be moved from several threads.
    """

    def __init__(self, fig: plots.Figure, artists: Iterable[Artist]) -> None:
        self.lock = threading.RLock()
        self._figure, self._artists = fig, tuple(artists)
        self._ground: Any = None

    def pixels(self) -> NDArray[np.uint8]:
        """The figure as it is now, `(H, W, 3)` uint8 RGB, a new array."""
        canvas = self._figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        with self.lock:
            if self._ground is None:
                # not before the first drawing: many explorers are made and never shown
                for artist in self._artists:
                    artist.set_animated(True)  # left out when the rest is drawn
                with plots.style():
                    canvas.draw()
                self._ground = canvas.copy_from_bbox(self._figure.bbox)
            canvas.restore_region(self._ground)
            renderer = canvas.get_renderer()
            for artist in self._artists:
                artist.draw(renderer)
            return np.asarray(canvas.buffer_rgba())[..., :3].copy()
