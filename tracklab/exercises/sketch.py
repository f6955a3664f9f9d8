"""A sheet of paper for counterexamples: boxes, paths and arrows in image coordinates, with a key.

What was wanted is drawn solid and green-blue, what came dashed and red-orange, what was given in
grey: line and word say it, colour only helps (Okabe and Ito's palette, told apart by all).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab.exercises import compare

GIVEN, WANTED, YOURS, OTHER = (110, 110, 110), (0, 125, 92), (213, 94, 0), (0, 114, 178)
PLAIN = (165, 165, 165)
Colour = tuple[int, int, int]

WIDTH, HEIGHT, MARGIN, KEY = 460, 300, 34, 24  # pixels: paper, its margin, a line of the key
FONT, SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
FINE = 4  # bits of a pixel's fraction, for lines between pixels
LARGEST = 80.0  # pixels of paper for one of the image
CLOSE = 8.0  # two texts so near would lie on each other
DASH, GAP = 7.0, 9.0
READABLE = 5  # columns of a table with numbers in it
INK, PAPER, RULE = (40, 40, 40), (255, 255, 255), (205, 205, 205)


class Sheet:
    """A white sheet on which image coordinates fit that lie around the given points.

    around: any arrays `(..., 2)` of points or `(..., 4)` of `xyxy` boxes; NaN is left out.
    """

    def __init__(self, *around: ArrayLike) -> None:
        points = [np.asarray(part, float) for part in around]
        points = [p.reshape(-1, 2) for p in points if p.size and p.shape[-1] in (2, 4)]
        known = np.concatenate([np.zeros((0, 2)), *points])
        known = known[np.isfinite(known).all(-1)]
        low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.ones(2))
        room = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
        self.scale = float((room / np.maximum(high - low, 1e-6)).min())
        self.scale = min(self.scale, LARGEST)  # a point is not blown up to the whole sheet
        middle = (low + high) / 2
        self._shift = np.array([WIDTH, HEIGHT]) / 2 - middle * self.scale
        self._paper = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
        self._key: list[tuple[str, Colour, bool]] = []
        self._texts: list[tuple[NDArray[np.float64], str, Colour]] = []
        self._ruler()

    def box(
        self,
        box: ArrayLike,
        colour: Colour = GIVEN,
        *,
        label: str = "",
        key: str = "",
        dashed: bool = False,
        below: bool = False,
    ) -> None:
        """A box `(4,)`; one without area is drawn as a point, one with NaN not at all.

        The label stands above its upper left corner, or below its lower left one.
        """
        corners = np.asarray(box, float).reshape(4)
        if not np.isfinite(corners).all():
            return
        x1, y1, x2, y2 = corners
        ring = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
        for a, b in pairwise(ring):
            self._line(a, b, colour, dashed)
        if x1 == x2 and y1 == y2:
            self.point((x1, y1), colour)
        if label:
            corner = self._beside((x1, y2), 0, 16) if below else self._beside((x1, y1), 0, -6)
            self._write_at(corner, label, colour)
        self._note(key, colour, dashed)

    def point(self, point: ArrayLike, colour: Colour = GIVEN, *, key: str = "") -> None:
        """A dot."""
        place = self._place(point)
        if np.isfinite(place).all():
            cv2.circle(self._paper, _fine(place), 4 << FINE, colour, -1, cv2.LINE_AA, FINE)
            self._note(key, colour, False)

    def circle(
        self, center: ArrayLike, radius: float, colour: Colour = OTHER, *, key: str = ""
    ) -> None:
        """A dashed circle with a radius in image pixels."""
        turn = np.linspace(0, 2 * np.pi, 90)
        ring = np.asarray(center, float) + radius * np.stack([np.cos(turn), np.sin(turn)], -1)
        self.path(ring, colour, key=key, dashed=True, dots=False)

    def path(
        self,
        points: ArrayLike,
        colour: Colour = GIVEN,
        *,
        key: str = "",
        dashed: bool = False,
        dots: bool = True,
    ) -> None:
        """A line through points `(T, 2)`, in order; it breaks at NaN."""
        points = np.asarray(points, float).reshape(-1, 2)
        carry = 0.0
        for a, b in pairwise(points):
            carry = self._line(a, b, colour, dashed, carry)
        if dots:
            for point in points:
                self.point(point, colour)
        self._note(key, colour, dashed)

    def arrow(
        self,
        start: ArrayLike,
        end: ArrayLike,
        colour: Colour = GIVEN,
        *,
        label: str = "",
        key: str = "",
        dashed: bool = False,
    ) -> None:
        """An arrow between two points."""
        a, b = self._place(start), self._place(end)
        if not np.isfinite([a, b]).all():
            return
        self._line(start, end, colour, dashed)
        length = float(np.hypot(*(b - a)))
        if length > 1:
            along = (b - a) / length
            across = np.array([-along[1], along[0]])
            head = min(11.0, length)
            tip = [
                b,
                b - head * along + 0.45 * head * across,
                b - head * along - 0.45 * head * across,
            ]
            shape = np.round(np.array(tip) * (1 << FINE)).astype(np.int32)
            cv2.fillPoly(self._paper, [shape], colour, cv2.LINE_AA, FINE)
        if label:
            self._write_at((a + b) / 2 + np.array([6, -6]), label, colour)
        self._note(key, colour, dashed)

    def text(self, point: ArrayLike, text: str, colour: Colour = INK) -> None:
        """A few words beside a point."""
        self._write_at(self._beside(point, 6, -6), text, colour)

    def note(self, text: str, colour: Colour = INK, *, dashed: bool = False) -> None:
        """A line of the key that stands for nothing on the sheet."""
        self._note(text, colour, dashed)

    def picture(self) -> NDArray[np.uint8]:
        """The sheet with its key, `(H, W, 3)` uint8 RGB."""
        paper = self._paper.copy()
        for place, text, colour in self._texts:
            _write(paper, place, text, colour)
        half = WIDTH // 2
        columns = 2 if all(_width(text) < half - 60 for text, _, _ in self._key) else 1
        rows = -(-len(self._key) // columns)
        key = np.full((KEY * rows + 8 if rows else 0, WIDTH, 3), PAPER, np.uint8)
        for number, (text, colour, dashed) in enumerate(self._key):
            x, y = MARGIN / 2 + (number % columns) * half, 12 + (number // columns) * KEY
            _stroke(key, np.array([x, y]), np.array([x + 30, y]), colour, dashed)
            _write(key, np.array([x + 38, y + 4]), text, INK)
        return np.concatenate([paper, key])

    def _place(self, point: ArrayLike) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = np.asarray(point, float) * self.scale + self._shift
        return placed

    def _write_at(self, place: NDArray[np.float64], text: str, colour: Colour) -> None:
        """Words for a place; those for one place stand in a row."""
        for number, (other, words, shade) in enumerate(self._texts):
            if np.hypot(*(other - place)) >= CLOSE:
                continue
            if shade == colour:
                self._texts[number] = (other, f"{words}, {text}", shade)
                return
            place = place + np.array([_width(words) + CLOSE, 0])
        self._texts.append((place, text, colour))

    def _beside(self, point: ArrayLike, right: float, down: float) -> NDArray[np.float64]:
        return self._place(point) + np.array([right, down])

    def _line(self, a: Any, b: Any, colour: Colour, dashed: bool, carry: float = 0.0) -> float:
        start, end = self._place(a), self._place(b)
        if not np.isfinite([start, end]).all():
            return 0.0
        return _stroke(self._paper, start, end, colour, dashed, carry)

    def _note(self, text: str, colour: Colour, dashed: bool) -> None:
        if text and (text, colour, dashed) not in self._key:
            self._key.append((text, colour, dashed))

    def _ruler(self) -> None:
        """How long some round number of image pixels is on this sheet."""
        length = next(n for n in _ROUND if n * self.scale >= 36 or n == _ROUND[-1])
        y, x = HEIGHT - 12.0, WIDTH - 14.0
        start = np.array([x - length * self.scale, y])
        _stroke(self._paper, start, np.array([x, y]), RULE, False)
        text = f"{length:g} px"
        _write(self._paper, start - (8 + 8 * len(text), -4), text, GIVEN)


_ROUND = tuple(n * 10.0**k for k in range(-1, 6) for n in (1, 2, 5))


def lines(title: str, xlabel: str, ylabel: str, wanted: Any, got: Any, *, given: Any = None) -> Any:
    """Wanted and yours `(T,)` as lines over 0, 1, 2, ..., and what was given `(T,)` as crosses.

    A figure of `plots`. What came is left out where its shape is another.
    """
    from tracklab import plots

    wanted, mine = np.asarray(wanted, float), np.asarray(got, float)
    fig, ax = plots.figure(title=title, width=5, height=2.8)
    with plots.style():
        if given is not None:
            places = np.arange(len(given))
            ax.plot(places, given, "x", color="#777777", label="given", markersize=7)
        ax.plot(np.arange(len(wanted)), wanted, "o-", color=plots.COLORS[2], label="wanted")
        if mine.shape == wanted.shape:
            ax.plot(np.arange(len(mine)), mine, "s--", color=plots.COLORS[1], label="yours")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(fontsize=8.5)
    return fig


def tables(title: str, panels: Mapping[str, Any], *, each: float = 2.5) -> Any:
    """Tables of numbers side by side, shaded from the least to the greatest.

    What is no table of the first one's shape is left out. each: inches of one table. Numbers stand
    in those of few columns: in others they could not be read.
    """
    from tracklab.plots import base

    shape = np.shape(next(iter(panels.values())))
    shown = {name: np.asarray(values, float) for name, values in panels.items()}
    shown = {name: values for name, values in shown.items() if values.shape == shape}
    rows, columns = shape
    fig, axes = base.figure(
        1,
        len(shown),
        title=title,
        width=max(3.2, each * len(shown)),
        height=min(0.55 * rows, 2.6) + 1.1,
        squeeze=False,
    )
    with base.style():
        for ax, (name, values) in zip(axes[0], shown.items(), strict=True):
            known = np.where(np.isfinite(values), values, 0)
            low, high = float(known.min()), float(known.max())
            ax.imshow(known, cmap="Blues", vmin=low, vmax=high + (high - low or 1) * 0.6)
            for i, j in np.ndindex(rows, columns) if columns <= READABLE else ():
                text = compare.words(round(float(values[i, j]), 2))
                ax.text(j, i, text, ha="center", va="center", fontsize=9, color=base.INK)
            ax.set_title(name)
            ax.set_xticks(range(columns))
            ax.set_yticks(range(rows))
            ax.tick_params(length=0)
            ax.grid(False)
    return fig


def _stroke(
    paper: NDArray[np.uint8], a: Any, b: Any, colour: Colour, dashed: bool, carry: float = 0.0
) -> float:
    """A line on the paper; gives back how far into a dash it ended."""
    length = float(np.hypot(*(b - a)))
    if not dashed or length == 0:
        cv2.line(paper, _fine(a), _fine(b), colour, 2, cv2.LINE_AA, FINE)
        return 0.0
    along = (b - a) / length
    at = -carry
    while at < length:
        start, stop = max(at, 0.0), min(at + DASH, length)
        if stop > start:
            cv2.line(
                paper,
                _fine(a + start * along),
                _fine(a + stop * along),
                colour,
                2,
                cv2.LINE_AA,
                FINE,
            )
        at += DASH + GAP
    return (carry + length) % (DASH + GAP)


def _fine(place: Any) -> tuple[int, int]:
    x, y = np.clip(np.round(np.asarray(place) * (1 << FINE)), -(1 << 20), 1 << 20)
    return int(x), int(y)


def _width(text: str) -> int:
    """Pixels across of a text on the paper."""
    (width, _), _ = cv2.getTextSize(text, FONT, SIZE, 1)
    return int(width)


def _write(paper: NDArray[np.uint8], place: Any, text: str, colour: Colour) -> None:
    """Text with a rim of paper around it, kept inside the sheet."""
    width, height = _width(text), 11
    x = int(np.clip(place[0], 2, max(2, paper.shape[1] - width - 2)))
    y = int(np.clip(place[1], height + 2, max(height + 2, paper.shape[0] - 3)))
    cv2.putText(paper, text, (x, y), FONT, SIZE, PAPER, 4, cv2.LINE_AA)
    cv2.putText(paper, text, (x, y), FONT, SIZE, colour, 1, cv2.LINE_AA)
