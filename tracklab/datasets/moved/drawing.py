"""Sprites drawn into a picture: placed, scaled and turned, with soft edges.

Colours are multiplied by alpha before a sprite is scaled or turned (Porter, Duff, "Compositing
Digital Images", SIGGRAPH 1984): so its edge mixes with the ground and with nothing else, and no
dark rim gives away what was laid on.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from tracklab.datasets.moved.stills import Pixels

COVERED = 128  # alpha from which on a pixel belongs to what is drawn

Window = tuple[slice, slice]  # rows and columns of the picture


def multiplied(sprite: Pixels) -> Pixels:
    """A sprite `(S, S, 4)` RGBA with its colours multiplied by its alpha."""
    return cv2.cvtColor(sprite, cv2.COLOR_RGBA2mRGBA)


def lit(sprite: Pixels, light: float) -> Pixels:
    """A sprite whose colours are `light` times as bright, as far as 255 goes."""
    return cv2.multiply(sprite, (light, light, light, 1.0))  # type: ignore[call-overload]


class Placed:
    """A place for sprites of one size: middle x, y; width, height; turn in radians, clockwise.

    Several pictures on the same pixels (a sprite, the mask of a part of it) are drawn alike.
    """

    def __init__(
        self, middle: tuple[float, float], size: tuple[float, float], turn: float, picture: int
    ) -> None:
        (x, y), (width, height) = middle, size
        cos, sin = math.cos(turn), math.sin(turn)
        # half of what a turned rectangle takes up, and a pixel for its soft edge
        reach_x = (abs(cos) * width + abs(sin) * height) / 2 + 1
        reach_y = (abs(sin) * width + abs(cos) * height) / 2 + 1
        self.left, self.right = max(0, int(x - reach_x)), min(picture, int(x + reach_x) + 1)
        self.top, self.bottom = max(0, int(y - reach_y)), min(picture, int(y + reach_y) + 1)
        self._x, self._y, self._cos, self._sin = x - self.left, y - self.top, cos, sin
        self._size = size

    def __bool__(self) -> bool:
        return self.left < self.right and self.top < self.bottom

    @property
    def window(self) -> Window:
        """The part of the picture that may change."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def resample(self, sprite: Pixels) -> Pixels:
        """The sprite (or another picture on its pixels) as it is seen in the window."""
        side = len(sprite)
        width, height = self._size
        pixels = int(min(side / width, side / height))  # of the sprite, in one of the picture
        if pixels > 1:  # more than interpolation between two of them takes in
            side //= pixels
            sprite = cv2.resize(sprite, (side, side), interpolation=cv2.INTER_AREA)
        # u = K R^T (x - c): from the window's pixels to the sprite's, whose middles are at 1/2
        across, down = side / width, side / height
        a, b = self._cos * across, self._sin * across
        c, d = -self._sin * down, self._cos * down
        x, y, half = self._x - 0.5, self._y - 0.5, side / 2 - 0.5
        to_sprite = np.array([[a, b, half - a * x - b * y], [c, d, half - c * x - d * y]])
        return cv2.warpAffine(
            sprite,
            to_sprite,
            (self.right - self.left, self.bottom - self.top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )


def paint(picture: Pixels, window: Window, seen: Pixels) -> None:
    """Lay what is seen in a window, `(h, w, 4)`, colours multiplied, on a picture being made."""
    ground = picture[window]
    rest = cv2.bitwise_not(cv2.extractChannel(seen, 3))
    # C = F + (1 - a) B, where F has been multiplied by a
    ground_part = cv2.multiply(ground, cv2.cvtColor(rest, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    cv2.add(ground_part, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), dst=ground)
