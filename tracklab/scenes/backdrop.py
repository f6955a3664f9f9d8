"""What lies behind the objects and what stands before them: background, clutter, pillars.

The background is a tile larger than the picture that repeats without a seam, so that the camera
and a moving background can slide over it for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.scenes import exact
from tracklab.scenes.exact import Floats
from tracklab.scenes.sprites import SHAPES, STRANGERS, sprite, stranger

BACKGROUNDS = ("plain", "gradient", "texture")

# Pairs of muted colours, darker and less saturated than the sprites'.
GROUNDS = (
    ((70, 84, 66), (128, 136, 100)),
    ((88, 76, 64), (142, 128, 108)),
    ((62, 76, 92), (110, 124, 134)),
    ((84, 84, 84), (132, 132, 128)),
    ((72, 88, 88), (118, 132, 122)),
    ((92, 80, 92), (132, 122, 134)),
)
OCTAVES = ((32, 8), (13, 5), (5, 3))  # cell of the noise in pixels, weight out of 16
SPARE = 1.5  # the tile's side over the picture's
FRACTION = 16  # the background slides in steps of 1 / 16 pixel

CLUTTER_DENSITY = 1 / 160  # pieces a pixel of the tile at the dial's end
CLUTTER_SIZE = (5, 18)  # pixels

PILLARS = 2  # in a square picture
PILLAR_SHARE = 0.62  # of the picture they cover at the dial's end
PHASES = 16  # tried, so that pillars stand beside the objects in the first frame


def _noise(rng: np.random.Generator, height: int, width: int, cell: int) -> NDArray[np.int64]:
    """Smooth value noise `(height, width)`, 0 to 255, that repeats without a seam."""
    rows, columns = max(2, height // cell), max(2, width // cell)
    lattice = (rng.random((rows, columns)) * 256).astype(np.int64)

    def along(length: int, cells: int) -> tuple[NDArray[Any], NDArray[Any]]:
        index, part = np.divmod(np.arange(length) * cells * 256 // length, 256)
        return index, part * part * (768 - 2 * part) // 65536  # smoothstep, 0 to 256

    (i, fy), (j, fx) = along(height, rows), along(width, columns)
    k = (j + 1) % columns
    across: NDArray[Any] = lattice[:, j] * (256 - fx) + lattice[:, k] * fx
    return (across[i] * (256 - fy)[:, None] + across[(i + 1) % rows] * fy[:, None]) >> 16


def ground(
    rng: np.random.Generator,
    clutter: np.random.Generator,
    size: tuple[int, int],
    background: str,
    dial: float,
    strangers: bool = False,
) -> NDArray[np.uint8]:
    """The background's tile `(h, w, 3)` uint8, with `dial` of the clutter strewn on it.

    strangers: strew shapes of no class.
    """
    height, width = (int(length * SPARE) // 2 * 2 for length in size)
    pick, mix = rng.random(2)
    dark, light = (np.array(c, np.int64) for c in GROUNDS[int(pick * len(GROUNDS))])
    if background == "plain":
        share = np.full((height, width), int(mix * 256))
    elif background == "gradient":
        # up and down again, so that the tile repeats
        row, column = (abs(np.arange(n) * 512 // n - 256) for n in (height, width))
        lean = int(mix * 256)
        share = (row[:, None] * lean + column[None, :] * (256 - lean)) >> 8
    else:
        layers = (_noise(rng, height, width, cell) * weight for cell, weight in OCTAVES)
        share = sum(layers, np.zeros((height, width), np.int64)) >> 4
        share = np.clip((share - 128) * 2 + 128, 0, 256)
    tile = dark + ((light - dark) * share[..., None] >> 8)
    tile = tile.astype(np.uint8)
    _strew(clutter, tile, dial, strangers)
    return tile


def _strew(rng: np.random.Generator, tile: NDArray[np.uint8], dial: float, strangers: bool) -> None:
    """Draw still pieces that look like small objects onto the tile, more as the dial rises."""
    height, width = tile.shape[:2]
    smallest, largest = CLUTTER_SIZE
    draw, kinds = (stranger, len(STRANGERS)) if strangers else (sprite, len(SHAPES))
    for _ in range(round(dial * CLUTTER_DENSITY * height * width)):
        kind, big, y, x, turn = rng.random(5)
        side = min(smallest + int(big * (largest - smallest + 1)), height, width)
        rgb, alpha = draw(int(kind * kinds), rng, side, angle=float(turn * 360 // 1))
        rows, columns = np.arange(side) + int(y * height), np.arange(side) + int(x * width)
        where = np.ix_(rows % height, columns % width)
        weight = alpha[..., None].astype(np.int64)
        tile[where] = (rgb * weight + tile[where] * (255 - weight) + 127) // 255


def view(tile: NDArray[np.uint8], x: float, y: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part `(height, width, 3)` of a repeated tile whose corner is at `x, y`.

    It is linear between pixels. `tile` must have been widened by `widen`.
    """
    height, width = size
    period_y, period_x = tile.shape[0] - height - 1, tile.shape[1] - width - 1
    column, fx = divmod(int(np.rint(x * FRACTION)) % (period_x * FRACTION), FRACTION)
    row, fy = divmod(int(np.rint(y * FRACTION)) % (period_y * FRACTION), FRACTION)
    if not fx and not fy:
        return tile[row : row + height, column : column + width]
    part = tile[row : row + height + 1, column : column + width + 1].astype(np.uint16)
    if fx:
        part = (part[:, :-1] * (FRACTION - fx) + part[:, 1:] * fx + FRACTION // 2) >> 4
    part = part[:, :width]
    if fy:
        part = (part[:-1] * (FRACTION - fy) + part[1:] * fy + FRACTION // 2) >> 4
    return part[:height].astype(np.uint8)


def widen(tile: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The tile with its beginning repeated at its end, so that every view is one slice."""
    return np.pad(tile, ((0, size[0] + 1), (0, size[1] + 1), (0, 0)), mode="wrap")


class Pillars:
    """Upright pillars that stand in the world before the objects and hide them.

    Their middles stay where they are and their width grows with the dial, so that a higher dial
    hides all that a lower one hid. In the first frame they stand beside the objects, as far as
    that is possible.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        size: tuple[int, int],
        dial: float,
        middles: Floats,
        halves: Floats,
    ) -> None:
        height, width = size
        count = max(1, round(PILLARS * width / min(size)))
        self.pitch = width / count
        self.width = round(dial * PILLAR_SHARE * self.pitch)
        start = rng.random()
        phases = np.mod(start + np.arange(PHASES) / PHASES, 1.0)
        widest = PILLAR_SHARE * self.pitch / 2
        # distance from each object to the nearest pillar's middle, for each phase
        away = np.mod(middles[None, :] / self.pitch - phases[:, None] + 0.5, 1.0) - 0.5
        hidden = np.clip(widest + halves - abs(away) * self.pitch, 0, 2 * halves)
        self.phase = float(phases[int(np.argmin(exact.snap(hidden).sum(1)))])
        self.size = size
        if self.width:
            grain = _noise(rng, height, max(self.width, 2), 6)[:, : self.width]
            round_ = np.arange(self.width) * 256 // self.width
            shade = 96 + (round_ * (256 - round_) >> 7)  # lit in the middle: a column
            color = np.array((118, 100, 84), np.int64)
            bright = (shade[None, :] * (192 + grain // 4)) >> 8
            self.skin = np.clip(color * bright[..., None] >> 7, 0, 255).astype(np.uint8)

    def spans(self, camera_x: float) -> list[tuple[int, int, int]]:
        """First and last column of each pillar in view, and the first column of its skin."""
        if not self.width:
            return []
        width = self.size[1]
        first = int(np.floor((camera_x - self.width) / self.pitch - self.phase)) - 1
        found = []
        for k in range(first, first + int(width / self.pitch) + 5):
            left = int(np.rint((k + self.phase) * self.pitch - camera_x - self.width / 2))
            a, b = max(left, 0), min(left + self.width, width)
            if a < b:
                found.append((a, b, a - left))
        return found
