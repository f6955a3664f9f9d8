"""Where everybody went lately, and how fast: trails to draw, and speeds that do not tremble.

The speed that a tracker says of one frame is the difference of two boxes, each off by a pixel or
two. Here it is the slope of a straight line through the places of the last half second.

Invariant: memory holds the places of the last seconds alone.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.tracks import Tracks

WINDOW = 0.5  # seconds over which a speed is taken
PLACES = 3  # in the window, at least, for a speed
EDGE = 1e-6  # seconds by which a sum of times may be off
KM_H = 3.6  # in a metre a second


class Ways:
    """Told of each frame's tracks in order. trail: seconds of the past that are to be drawn."""

    def __init__(self, trail: float) -> None:
        self.trail = trail
        self._past: dict[int, deque[tuple[float, float, float]]] = {}  # time, x, y

    def update(self, tracks: Tracks, seconds: float) -> NDArray[np.float32]:
        """Speeds `(N,)` of the frame's tracks, pixels a second; NaN where one has just begun."""
        for one, (x, y) in zip(tracks.ids.tolist(), bx.centers(tracks.boxes).tolist(), strict=True):
            self._past.setdefault(one, deque()).append((seconds, x, y))
        kept = max(self.trail, WINDOW) + EDGE
        for one in list(self._past):
            past = self._past[one]
            while past and past[0][0] < seconds - kept:
                past.popleft()
            if not past:
                del self._past[one]
        speeds = [self._speed(one, seconds) for one in tracks.ids.tolist()]
        return np.array(speeds, np.float32)

    def trails(self, tracks: Tracks, seconds: float) -> list[NDArray[np.float32]]:
        """For each track the places `(K, 2)` of its centre in the last `trail` seconds."""
        first = seconds - self.trail - EDGE
        pasts = [self._past.get(one, ()) for one in tracks.ids.tolist()]
        trails = [[(x, y) for time, x, y in past if time >= first] for past in pasts]
        return [np.array(trail, np.float32).reshape(-1, 2) for trail in trails]

    def _speed(self, one: int, seconds: float) -> float:
        recent = [place for place in self._past[one] if place[0] >= seconds - WINDOW - EDGE]
        if len(recent) < PLACES:
            return float("nan")
        times, places = np.array(recent)[:, 0], np.array(recent)[:, 1:]
        t = times - times.mean()
        # v = sum of (t - mean of t) c / sum of (t - mean of t)^2, least squares
        return float(np.hypot(*(t @ places) / (t @ t)))
