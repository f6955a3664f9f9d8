"""Colour: brightness, contrast, saturation and hue, all as one matrix on colours.

As a 3x3 matrix moves places, a 3x4 matrix moves colours `(r, g, b, 1)`, and several changes are one
product. (Haeberli, "Matrix operations for image processing", 1993.) Colours are cut to 0 to 255
once, at the end.

Invariant: without a change every pixel stays as it is; grey stays grey whatever happens to
saturation and hue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.augment.pictures import Pixels
from tracklab.augment.sampler import rounded
from tracklab.augment.transform import Draw, Painting, Span, between, pair, span

Floats = NDArray[np.float64]

BRIGHTEST = 255.0
GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue in how bright a colour is (BT.601)
# The colours of analogue television: brightness, and two numbers for the colour. YIQ = YIQ_OF RGB.
YIQ_OF = np.array([GREY, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


@dataclass(frozen=True)
class Colour(Painting):
    """Brighter or darker, more or less contrast, saturation, and another hue, in this order.

    brightness: added to all colours, as a share of 255; one number is both ways.
    contrast, saturation: the lowest and the highest factor; a number f is (1 - f, 1 + f).
    hue: how far around the circle of colours, in turns; one number is both ways.
    """

    brightness: Span = 0.2
    contrast: Span = 0.2
    saturation: Span = 0.2
    hue: Span = 0.0

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        for name in ("contrast", "saturation"):
            value = getattr(self, name)
            if not isinstance(value, (tuple, list)):
                low, high = span(name, value, low=-1, high=1)
                value = (1 + low, 1 + high)
            object.__setattr__(self, name, pair(name, value, low=0, high=100))
        for name, most in (("brightness", 1.0), ("hue", 0.5)):
            object.__setattr__(self, name, span(name, getattr(self, name), low=-most, high=most))

    def draw(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> Draw:
        """Draw the four for each image."""
        names = ("brightness", "contrast", "saturation", "hue")
        return {name: between(rng, getattr(self, name), count) for name in names}

    def paint(self, images: Pixels, drawn: Draw, frame: int = 0) -> Pixels:
        """Images by their matrices, through OpenCV."""
        matrices = self.matrices(images, drawn)
        painted = np.empty_like(images)
        for image, result, matrix in zip(images, painted, matrices.astype(np.float32), strict=True):
            cv2.transform(image, matrix, result)
        return painted

    def matrices(self, images: Pixels, drawn: Draw) -> Floats:
        """The matrix of each image, `(N, 3, 4)`."""
        means = np.full((len(images), 3), BRIGHTEST / 2)
        if self.contrast != (1.0, 1.0):  # else no mean is needed
            means = np.array([cv2.mean(image)[:3] for image in images])
        return colour_matrices(means, **drawn)


def colour_matrices(
    means: Any, *, brightness: Any, contrast: Any, saturation: Any, hue: Any
) -> Floats:
    """The matrices `(N, 3, 4)` of images whose mean colours are `means (N, 3)`."""
    means = np.asarray(means, np.float64)
    light = BRIGHTEST * np.asarray(brightness, np.float64)[:, None]
    factor = np.asarray(contrast, np.float64)[:, None]
    # c' = c + 255 b; then about the mean colour m: c' = f (c - m) + m
    shift = factor * light + (1 - factor) * (means + light)
    turned = hue_matrices(hue) @ saturation_matrices(saturation)
    # c'' = H S (f c + shift)
    linear = turned * factor[:, :, None]
    return np.concatenate([linear, turned @ shift[:, :, None]], -1)


def saturation_matrices(factor: Any) -> Floats:
    """Between a colour and the grey that is as bright: 0 is grey, 1 the colour, 2 twice as far."""
    s = np.asarray(factor, np.float64)[:, None, None]
    # c' = s c + (1 - s) g(c), where g(c) = 0.299 r + 0.587 g + 0.114 b
    return s * np.eye(3) + (1 - s) * np.tile(GREY, (3, 1))


def hue_matrices(turns: Any) -> Floats:
    """Around the circle of colours at the same brightness.

    The circle is that of YIQ, where a turn is linear. Other programs turn in HSV, which keeps the
    largest of the three numbers and not how bright a colour looks.
    """
    angle = 2 * np.pi * np.asarray(turns, np.float64)
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 1, 2], turn[:, 2, 1] = -np.sin(angle), np.sin(angle)
    # c' = Q^-1 R(angle) Q c, where Q c is the colour in YIQ
    return np.linalg.inv(YIQ_OF) @ turn @ YIQ_OF


def by_hand(images: Pixels, matrices: Floats) -> Pixels:
    """Images `(N, H, W, 3)` by matrices `(N, 3, 4)`, written out: `paint` without OpenCV."""
    # c' = A c + t
    linear = np.einsum("nhwc,ndc->nhwd", images.astype(np.float64), matrices[:, :, :3])
    return rounded(linear + matrices[:, None, None, :, 3])
