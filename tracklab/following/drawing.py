"""One frame with all that is known of it drawn on it: boxes, trails, speeds, a line and its counts.

Invariant: the frame that comes in is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import overlay
from tracklab.clips import Frame
from tracklab.following.ways import KM_H
from tracklab.metrics.crossing import Counter
from tracklab.tracks import Tracks

LINE: overlay.Color = (240, 228, 66)  # yellow of the set of Okabe and Ito


class Moment(NamedTuple):
    """One frame and what is drawn on it.

    speeds: `(N,)` of its tracks, pixels a second. trails: for each the places `(K, 2)`. counts: who
    has crossed the line so far, in words. note: a line of text at the bottom.
    """

    frame: Frame
    seconds: float
    tracks: Tracks
    speeds: NDArray[np.float32]
    trails: Sequence[NDArray[np.float32]]
    counts: str = ""
    note: str = ""


class Painter:
    """Draws moments, all in one way.

    class_names: of labels, written at the boxes. single: one object, whose identity need not be
    written. metres_per_pixel: speeds are written in km/h, not in pixels a second. line: two ends.
    """

    def __init__(
        self,
        *,
        class_names: tuple[str, ...] = (),
        single: bool = False,
        metres_per_pixel: float | None = None,
        line: NDArray[np.float64] | None = None,
    ) -> None:
        self.class_names, self.single = class_names, single
        self.metres_per_pixel, self.line = metres_per_pixel, line

    def draw(self, moment: Moment) -> Frame:
        """A new frame of the same size."""
        tracks = moment.tracks
        names = [
            self.class_names[label] if 0 <= label < len(self.class_names) else ""
            for label in tracks.labels.tolist()
        ]
        speeds = [self.speed(value) for value in moment.speeds.tolist()]
        picture = overlay.draw(
            moment.frame,
            tracks.boxes,
            ids=None if self.single else tracks.ids.tolist(),
            labels=[" ".join(filter(None, pair)) for pair in zip(names, speeds, strict=True)],
            trails=moment.trails,
        )
        if self.line is not None:
            self._draw_line(picture, moment.counts)
        if moment.note:
            _write(picture, moment.note, (0.01, 0.985))
        return picture

    def speed(self, value: float) -> str:
        """A speed in pixels a second as it is written; "" where it is not known."""
        if not np.isfinite(value):
            return ""
        if self.metres_per_pixel is None:
            return f"{value:.0f} px/s"
        # 1 m/s = 3.6 km/h
        return f"{value * self.metres_per_pixel * KM_H:.0f} km/h"

    def _draw_line(self, picture: Frame, counts: str) -> None:
        assert self.line is not None
        a, b = (tuple(int(v) for v in np.clip(end, -32_000, 32_000)) for end in self.line)
        thick = max(1, round(min(picture.shape[:2]) / 170))
        cv2.line(picture, a, b, overlay.HALO, thick + 2, cv2.LINE_AA)
        cv2.line(picture, a, b, LINE, thick, cv2.LINE_AA)
        _write(picture, counts, (0.01, 0.06))


def counts_of(counter: Counter | None) -> str:
    """How many have crossed a line so far, each way, in words."""
    return "" if counter is None else ", ".join(f"{w} {counter.count(w)}" for w in counter.ways)


def _write(picture: Frame, text: str, place: tuple[float, float]) -> None:
    """Light text with a dark rim, its lower left corner at a share of the picture's sides."""
    height, width = picture.shape[:2]
    letter = float(np.clip(min(height, width) / 30, 6, 22))
    size, weight = letter / overlay.FONT_HEIGHT, max(1, round(letter / 9))
    at = (round(place[0] * width), round(place[1] * height))
    for color, more in ((overlay.HALO, 2), (overlay.LIGHT, 0)):
        cv2.putText(picture, text, at, overlay.FONT, size, color, weight + more, cv2.LINE_AA)
