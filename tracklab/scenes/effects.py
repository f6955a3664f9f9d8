"""What happens to a finished picture: light, contrast, blur, resolution, noise.

Each effect takes a frame `(H, W, 3)` uint8 and returns a new one, in whole-number arithmetic. None
of them changes the truth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.scenes import exact
from tracklab.scenes.exact import Floats

Pixels = NDArray[np.uint8]

LIGHT_SWING = 0.6  # the light's strength rises and falls by this share at the dial's end
LIGHT_SLOPE = 0.5  # and differs by this share from the middle to a border
LIGHT_PERIOD = (30, 60)  # frames from bright to dark to bright
LAMP_PERIOD = (80, 160)  # frames in which the lamp goes round
NORMAL = 128  # light that changes nothing
CONTRAST_LOST = 0.88  # at the dial's end
MIDDLE_GREY = 100
BLUR_LENGTH = 12  # pixels that a point smears over at the dial's end, in a square of 128
BLUR_STEPS = 32  # to either side of the middle, at most
COARSEST = 6  # pixels that become one at the dial's end
NOISE = 48  # grey levels of standard deviation at the dial's end


class Light:
    """A lamp whose strength rises and falls, and which shines from a side that goes round."""

    def __init__(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], dial: float
    ) -> None:
        u = rng.random(4)
        t = np.arange(float(frames))
        rise = LIGHT_SWING * exact.sin(t / exact.between(u[0], *LIGHT_PERIOD) + u[1])
        turn = u[2] + t / exact.between(u[3], *LAMP_PERIOD)
        row, column = ((np.arange(n) + 0.5) / n * 2 - 1 for n in size)
        across = rise[:, None] + LIGHT_SLOPE * exact.cos(turn)[:, None] * column
        down = LIGHT_SLOPE * exact.sin(turn)[:, None] * row
        self._across = np.rint(NORMAL * (1 + dial * across)).astype(np.int16)
        self._down = np.rint(NORMAL * dial * down).astype(np.int16)

    def shine(self, frame: Pixels, t: int) -> Pixels:
        """Frame `t` under the light; too much of it burns out."""
        light = self._across[t][None, :] + self._down[t][:, None]
        light = np.clip(light, NORMAL // 8, 2 * NORMAL).astype(np.uint16)[..., None]
        return np.minimum(frame * light >> 7, 255).astype(np.uint8)


def fade(frame: Pixels, dial: float) -> Pixels:
    """Every colour drawn towards one grey."""
    kept = round((1 - CONTRAST_LOST * dial) * 256)
    table = MIDDLE_GREY + ((np.arange(256) - MIDDLE_GREY) * kept + 128 >> 8)
    return table.astype(np.uint8)[frame]


def shake_paths(
    rng: np.random.Generator, frames: int, size: tuple[int, int], dial: float
) -> list[list[tuple[int, int]]]:
    """What the open shutter sees in each frame: shifts in pixels along a line through the middle.

    The line's direction drifts; its length is between 0.6 and 1 of the dial's.
    """
    u = rng.random(4)
    t = np.arange(float(frames))
    longest = dial * BLUR_LENGTH * min(size) / 128
    half = longest / 2 * (0.8 + 0.2 * exact.sin(t / exact.between(u[0], 9, 17) + u[1]))
    turn = u[2] + t / exact.between(u[3], 30, 70)
    reach = np.stack([half * exact.sin(turn), half * exact.cos(turn)], axis=-1)
    shifts = []
    for dy, dx in reach:
        steps = min(max(1, int(np.ceil(max(abs(dy), abs(dx))))), BLUR_STEPS)
        places = np.arange(-steps, steps + 1) / steps
        line = zip(np.rint(dy * places).astype(int), np.rint(dx * places).astype(int), strict=True)
        shifts.append(sorted({(int(a), int(b)) for a, b in line}))
    return shifts


def smear(frame: Pixels, shifts: list[tuple[int, int]]) -> Pixels:
    """The mean of the frame moved by each of the shifts: motion blur of an open shutter."""
    if len(shifts) == 1:
        return frame
    height, width = frame.shape[:2]
    reach = max(max(abs(dy), abs(dx)) for dy, dx in shifts)
    wide = cv2.copyMakeBorder(frame, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    total = np.full(frame.shape, len(shifts) // 2, np.uint16)
    for dy, dx in shifts:
        part = wide[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
        np.add(total, part, out=total)
    return (total // np.uint16(len(shifts))).astype(np.uint8)


def coarsen(frame: Pixels, dial: float) -> Pixels:
    """Fewer pixels: cells are averaged, and the small picture is drawn large again."""
    height, width = frame.shape[:2]
    factor = 1 + (COARSEST - 1) * dial
    rows, columns = max(2, round(height / factor)), max(2, round(width / factor))
    top, left = (np.arange(n) * length // n for n, length in ((rows, height), (columns, width)))
    sums = np.add.reduceat(frame, top, axis=0, dtype=np.uint16)
    sums = np.add.reduceat(sums, left, axis=1, dtype=np.uint32)
    tall, broad = np.diff(np.append(top, height)), np.diff(np.append(left, width))
    area = (tall[:, None] * broad[None, :])[..., None].astype(np.uint32)
    small = ((sums + area // 2) // area).astype(np.uint8)
    # the exact variant is the one that gives the same bytes on every machine
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return large.astype(np.uint8, copy=False)


def grain(frame: Pixels, rng: np.random.Generator, dial: float) -> Pixels:
    """Noise of every pixel and channel: the sum of four uniform bytes, nearly normal."""
    count = frame.size
    draws = np.frombuffer(rng.bytes(4 * count), np.uint8).reshape(4, *frame.shape)
    noise = draws[0].astype(np.int16)
    for draw in draws[1:]:
        noise = noise + draw
    # four uniform bytes have mean 510 and standard deviation 147.8
    strength = round(dial * NOISE / 147.8 * 64)
    noise = (noise - np.int16(510)).astype(np.int32) * strength >> 6
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def offsets(speed: float, frames: int, turn: float) -> Floats:
    """Where a background that moves by itself has got to: `(frames, 2)` x, y in pixels."""
    t = np.arange(float(frames))[:, None]
    return exact.snap(speed * t * np.stack([exact.cos(turn), exact.sin(turn)], axis=-1))
