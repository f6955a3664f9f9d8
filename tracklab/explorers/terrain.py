"""A surface as a map: bands of equal loss, and what is drawn on it.

Invariant: the scale is the same along both axes, so that right angles are right angles and a
gradient stands across the bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.optimizers.surfaces import Surface

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Color = tuple[int, int, int]

BANDS = 18
FINE = 4  # bits of a pixel's fraction
FAR = 3000.0  # pixels: no line needs to go further out of the picture
INK, PAPER, FAINT, RULE = (40, 40, 40), (255, 255, 255), (112, 112, 112), (226, 226, 226)
DEEP, HIGH = (190, 209, 227), (252, 252, 252)  # the ground, where the loss is low and high
LEVELS = (-0.6, 0.0, 1.5)  # of a local quadratic, in what its flat point promises
EDGE = 0.88  # of the brightness, where two bands meet
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


@dataclass(frozen=True)
class View:
    """Which part of a surface is seen: left, right, bottom, top; on so many pixels."""

    domain: tuple[float, float, float, float]
    wide: int
    tall: int

    @property
    def scale(self) -> float:
        """Pixels a unit."""
        return self.wide / (self.domain[1] - self.domain[0])

    def pixels(self, points: Any) -> Floats:
        """Points `(..., 2)` as x and y of the picture; none is too far to be drawn."""
        left, _, _, top = self.domain
        at = (np.asarray(points, np.float64) - [left, top]) * [self.scale, -self.scale]
        return np.asarray(np.clip(np.nan_to_num(at, posinf=FAR, neginf=-FAR), -FAR, FAR))

    def point(self, place: tuple[float, float]) -> Floats:
        """What lies at a share of the width and of the height, upwards: `(2,)`."""
        left, right, bottom, top = self.domain
        return np.array(
            [left + place[0] * (right - left), bottom + place[1] * (top - bottom)], np.float64
        )

    def place(self, point: Any) -> tuple[float, float]:
        """The other way, cut at the border."""
        left, right, bottom, top = self.domain
        u = (float(point[0]) - left) / (right - left)
        v = (float(point[1]) - bottom) / (top - bottom)
        return round(min(max(u, 0.0), 1.0), 3), round(min(max(v, 0.0), 1.0), 3)

    def mesh(self, every: int) -> Floats:
        """Points `(tall / every, wide / every, 2)` in the middles of squares of pixels."""
        left, _, _, top = self.domain
        x = left + (np.arange(0, self.wide, every) + every / 2) / self.scale
        y = top - (np.arange(0, self.tall, every) + every / 2) / self.scale
        return np.stack(np.meshgrid(x, y), -1)


def view(surface: Surface, wide: int, tall: int) -> View:
    """The surface's domain, widened where the picture has another shape."""
    left, right, bottom, top = surface.domain
    scale = min(wide / (right - left), tall / (top - bottom))
    x, y = (left + right) / 2, (bottom + top) / 2
    u, v = wide / scale / 2, tall / scale / 2
    return View((x - u, x + u, y - v, y + v), wide, tall)


def ground(surface: Surface, seen: View) -> Picture:
    """The bands, dark where the loss is low, with the minima as crosses: `(tall, wide, 3)`."""
    losses = np.maximum(surface.value(seen.mesh(2)) - surface.lowest, 0)
    # equal steps of the fourth root: bowls in even rings, plateaus and cliffs both seen
    height = cv2.resize(losses**0.25, (seen.wide, seen.tall), interpolation=cv2.INTER_LINEAR)
    bands = np.minimum(height / height.max() * BANDS, BANDS - 1).astype(np.int32)
    sheet = np.linspace(DEEP, HIGH, BANDS).astype(np.uint8)[bands]
    edge = np.zeros(bands.shape, bool)
    edge[:, 1:] |= bands[:, 1:] != bands[:, :-1]
    edge[1:] |= bands[1:] != bands[:-1]
    sheet[edge] = (sheet[edge] * EDGE).astype(np.uint8)
    for x, y in seen.pixels(surface.minima):
        cv2.drawMarker(sheet, (round(x), round(y)), INK, cv2.MARKER_TILTED_CROSS, 11, 2)
    cv2.rectangle(sheet, (0, 0), (seen.wide - 1, seen.tall - 1), FAINT, 1)
    return sheet


def local_contours(
    sheet: Picture,
    seen: View,
    here: Floats,
    gradient: Floats,
    hessian: Floats,
    color: Color,
) -> None:
    """The quadratic g . d + d . H d / 2 around a point, as dashed lines of equal value.

    Ellipses, or hyperbolas at a saddle; nothing where H is singular or the gradient is zero.
    """
    curvatures, axes = np.linalg.eigh(hessian)
    if np.abs(curvatures).min() < 1e-9 * max(1.0, np.abs(curvatures).max()):
        return
    leap = -axes @ ((axes.T @ gradient) / curvatures)
    # the value at the flat point, m(p) = g . p / 2
    flat = float(gradient @ leap) / 2
    t = np.linspace(0, 2 * np.pi, 241)
    s = np.linspace(-4, 4, 161)
    for level in LEVELS:
        # l_1 a^2 + l_2 b^2 = 2 (level - m(p)), in the axes of H around the flat point
        rest = 2 * (level * abs(flat) - flat)
        a, b = np.sqrt(np.abs(rest / curvatures))
        if rest / curvatures[0] > 0 and rest / curvatures[1] > 0:
            rings = [np.stack([a * np.cos(t), b * np.sin(t)])]
        elif rest / curvatures[1] > 0:
            rings = [np.stack([a * np.sinh(s), sign * b * np.cosh(s)]) for sign in (1, -1)]
        elif rest / curvatures[0] > 0:
            rings = [np.stack([sign * a * np.cosh(s), b * np.sinh(s)]) for sign in (1, -1)]
        else:
            continue
        for ring in rings:
            dashed(sheet, seen.pixels(here + leap + (axes @ ring).T), color)


def dashed(sheet: Picture, points: Floats, color: Color, on: float = 7, off: float = 5) -> None:
    """A thin dashed line through places `(K, 2)` in pixels, where it is in the picture."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    near = ((points > -20) & (points < [sheet.shape[1] + 20, sheet.shape[0] + 20])).all(1)
    if not near.any():
        return
    first, last = along[near].min(), along[near].max()
    for start in np.arange(first, last, on + off):
        ends = np.linspace(start, min(start + on, last), 3)
        places = np.stack([np.interp(ends, along, points[:, k]) for k in (0, 1)], -1)
        line = np.round(places * (1 << FINE)).astype(np.int32)
        cv2.polylines(sheet, [line], False, color, 1, cv2.LINE_AA, FINE)


def safe_rate(surface: Surface, seen: View, start: Floats) -> float:
    """One over the steepest curvature on the map where the loss is no higher than at the start.

    Gradient descent with it never climbs; from twice as much on it may.
    """
    points = np.concatenate([seen.mesh(10).reshape(-1, 2), np.asarray(start)[None]])
    below = points[surface.value(points) <= surface.value(start) + 1e-12]
    curvatures = np.linalg.eigvalsh(surface.hessian(below))
    return 1 / max(float(np.abs(curvatures).max()), 1e-9)


def way(sheet: Picture, points: Floats, color: Color, *, thick: int = 2, dots: int = 3) -> None:
    """A line through places `(K, 2)` in pixels, with a dot at each."""
    if len(points) > 1:
        places = np.round(points * (1 << FINE)).astype(np.int32)
        cv2.polylines(sheet, [places], False, color, thick, cv2.LINE_AA, FINE)
    for x, y in points:
        if dots and -dots < x < sheet.shape[1] + dots and -dots < y < sheet.shape[0] + dots:
            cv2.circle(sheet, fine(x, y), dots << FINE, color, -1, cv2.LINE_AA, FINE)


def arrow(sheet: Picture, start: Floats, end: Floats, color: Color, thick: int = 3) -> None:
    """An arrow between two places in pixels, on a white rim."""
    length = float(np.hypot(*(end - start)))
    if length < 1:
        return
    tip = min(0.3, 11 / length)
    ends = [tuple(round(float(v)) for v in place) for place in (start, end)]
    for width, tint in ((thick + 3, PAPER), (thick, color)):
        cv2.arrowedLine(sheet, ends[0], ends[1], tint, width, cv2.LINE_AA, tipLength=tip)


def fine(x: float, y: float) -> tuple[int, int]:
    """A place in fractions of a pixel, as OpenCV wants it."""
    return round(float(x) * (1 << FINE)), round(float(y) * (1 << FINE))


def write(sheet: Picture, text: str, x: int, y: int, color: Color = INK) -> None:
    """A line of text; letters and digits of ASCII only."""
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def ring(sheet: Picture, x: float, y: float, radius: int = 9) -> None:
    """The ring that is dragged, as the browser draws it."""
    for thick, color in ((6, PAPER), (3, (0, 0, 0))):
        cv2.circle(sheet, fine(x, y), radius << FINE, color, thick, cv2.LINE_AA, FINE)
