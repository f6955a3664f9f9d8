"""Who crosses a line, which way, and when: the traffic counter.

A track's place is the centre of its box. It crosses where the straight way from its last place on
one side to its first on the other meets the line between the line's two ends; frames in which it is
not seen are bridged by that way. Whoever trembles on the line is on neither side.

Invariant: an identity that ends up on the side on which it began has crossed as often one way as
the other, as long as it goes around neither end of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.tracks import Tracks

RIGHT, LEFT, DOWN, UP = "right", "left", "down", "up"  # on the screen


class Crossing(NamedTuple):
    """One identity crosses the line. frame: the first one on the other side. way: on the screen."""

    id: int
    frame: int
    way: str
    label: int


class Counter:
    """A line across a video, told of each frame's tracks in order.

    line: x1, y1, x2, y2 in pixels, its two ends. ways: the two ways across it, "right" and "left",
    or "down" and "up" where it lies rather flat. margin: pixels on either side that are still the
    line. crossings: all so far. Raises `InputError` for a line without a length and a margin below
    0.
    """

    def __init__(self, line: ArrayLike, *, margin: float = 0.0) -> None:
        self.line = _line(line)
        self.margin = errors.number("margin", margin, low=0)
        # n = (-dy, dx) points to the side where `_side` is above 0
        y, x = (self.line[1] - self.line[0]) * np.array([1, -1])
        steep = abs(x) > abs(y)
        self.ways = (RIGHT, LEFT) if steep else (DOWN, UP)
        first = (x if steep else y) > 0
        self._onward, self._back = self.ways if first else self.ways[::-1]
        self.crossings: list[Crossing] = []
        self._last: dict[int, tuple[NDArray[np.float64], float]] = {}  # place beside it, and side
        self._frame = 0

    def update(self, tracks: Tracks) -> list[Crossing]:
        """Who crosses in the next frame."""
        crossed = []
        for one, place in zip(tracks, bx.centers(tracks.boxes).astype(np.float64), strict=True):
            side = self._side(place)
            if side == 0:
                continue  # on the line nobody has crossed yet
            before, was = self._last.get(one.id, (place, side))
            self._last[one.id] = place, side
            if side * was < 0 and self._between(before, place):
                way = self._onward if side > 0 else self._back
                crossed.append(Crossing(one.id, self._frame, way, one.label))
        self._frame += 1
        self.crossings += crossed
        return crossed

    def count(self, way: str) -> int:
        """How many have crossed so far, one of the two `ways`."""
        errors.choice("way", way, self.ways)
        return sum(one.way == way for one in self.crossings)

    def _side(self, place: NDArray[np.float64]) -> float:
        # distance = (b - a) x (p - a) / |b - a|
        (ax, ay), (dx, dy) = self.line[0], self.line[1] - self.line[0]
        distance = (dx * (place[1] - ay) - dy * (place[0] - ax)) / np.hypot(dx, dy)
        return float(np.sign(distance)) if abs(distance) > self.margin else 0.0

    def _between(self, before: NDArray[np.float64], place: NDArray[np.float64]) -> bool:
        """Whether the way meets the line between its ends: they are on the two sides of the way."""
        dx, dy = place - before
        ends = dx * (self.line[:, 1] - before[1]) - dy * (self.line[:, 0] - before[0])
        return bool(ends[0] * ends[1] <= 0)


def crossings(tracks: Iterable[Tracks], line: ArrayLike, *, margin: float = 0.0) -> list[Crossing]:
    """Who crosses a line in a clip: its tracks, one `Tracks` a frame, in order. See `Counter`.

    >>> east = [Tracks([1], [[x, 0, x + 2, 2]]) for x in (0, 4, 8)]
    >>> [(c.frame, c.way) for c in crossings(east, [6, -5, 6, 5])]
    [(2, 'right')]
    """
    counter = Counter(line, margin=margin)
    for frame in tracks:
        counter.update(frame)
    return counter.crossings


def _line(line: ArrayLike) -> NDArray[np.float64]:
    """Two ends `(2, 2)`; not a box, for its corners may come in any order."""
    wanted = "x1, y1, x2, y2, two ends that differ"
    try:
        ends = np.asarray(line, np.float64)
    except (TypeError, ValueError):
        ends = np.zeros(0)
    if ends.size != 4 or not np.isfinite(ends).all():
        errors.bad("line", line, wanted)
    ends = ends.reshape(2, 2)
    if (ends[0] == ends[1]).all():
        errors.bad("line", line, wanted)
    return ends
