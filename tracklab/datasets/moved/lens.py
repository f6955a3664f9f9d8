"""What a camera does to what it sees: shaken, too bright, coarse, noisy, compressed, faded, grey.

All of it is decided before the first frame is developed, so a frame looks the same whichever others
are asked for. None of it changes the truth.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab.datasets.moved.chance import Floats, one_of, walk
from tracklab.datasets.moved.stills import Pixels

SHAKES = (0, 0, 0, 1, 2, 4)  # pixels that a point smears over, to either side
ALWAYS_SHAKEN, SOMETIMES = 0.4, 0.3  # share of shaken clips; of frames in the other ones
SHAKE_TURN = 0.3  # radians a frame: a shaking hand has no direction
BRIGHTENING = (0, 0.01, 0.04)  # standard deviation of a frame's change in brightness
BRIGHTNESS = (0.4, 1.8)  # its bounds
COARSE, COARSENED = 0.2, (0.4, 0.9)  # share of coarse clips; of the picture's side that is left
COARSEST = 8  # pixels a side
NOISE = (0, 0, 3, 8)  # standard deviation of 255
NOISE_SEED = 7  # noise is noise: all clips share it, each frame at another place
NOISE_SPARE = 64  # pixels more than a picture, to have 65 x 65 such places
COMPRESSED, QUALITY = 0.35, (25, 80)  # share of compressed clips; of JPEG, the last one excluded
GAMMA = 0.25  # standard deviation of log gamma
CONTRAST, LIFT = (0.5, 1.1), (-0.05, 0.2)  # of the film: factor and summand
GREY = 0.2  # share of the clips without colour


@dataclass(frozen=True, eq=False)
class Lens:
    """What happens to each of `T` frames.

    smears: `(T,)`, pixels to either side. brightness: `(T,)`. side: pixels that a frame is reduced
    to, or 0. noise: standard deviation; places: `(T, 2)`, where in the noise that all share.
    quality: of JPEG, 1 to 100, or 0 for none. film: `(256,)` uint8, what each level becomes.
    """

    smears: NDArray[np.int64]
    brightness: Floats
    side: int
    noise: int
    places: NDArray[np.int64]
    quality: int
    film: Pixels
    grey: bool

    def develop(self, frame: Pixels, t: int) -> Pixels:
        """Frame t, `(S, S, 3)` uint8, as the camera records it: a new one."""
        size = frame.shape[1::-1]
        if self.smears[t]:
            frame = _smeared(frame, int(self.smears[t]), SHAKE_TURN * t)
        if self.brightness[t] != 1:
            frame = cv2.convertScaleAbs(frame, alpha=float(self.brightness[t]))
        if self.side:
            small = cv2.resize(frame, (self.side, self.side), interpolation=cv2.INTER_AREA)
            frame = cv2.resize(small, size)
        if self.noise:
            frame = _noisy(frame, self.noise, self.places[t].tolist())
        if self.quality:
            # OpenCV takes red for blue, on the way in as on the way out
            packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
            frame = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
        frame = cv2.LUT(frame, self.film)
        if self.grey:
            flat = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            frame = cv2.cvtColor(flat, cv2.COLOR_GRAY2RGB)
        return frame


def lens(rng: np.random.Generator, frames: int, picture: int, unit: float) -> Lens:
    """A random camera for so many frames of `picture` pixels a side.

    unit: pixels that one pixel of `SHAKES` stands for.
    """
    smear = round(unit * one_of(rng, SHAKES))
    often = 1.0 if rng.random() < ALWAYS_SHAKEN else SOMETIMES
    brightness = 1 + walk(rng, frames, one_of(rng, BRIGHTENING))
    return Lens(
        smears=np.where(rng.random(frames) < often, smear, 0),
        brightness=np.clip(brightness, *BRIGHTNESS),
        side=max(COARSEST, int(picture * rng.uniform(*COARSENED))) if rng.random() < COARSE else 0,
        noise=one_of(rng, NOISE),
        places=rng.integers(0, NOISE_SPARE + 1, (frames, 2)),
        quality=int(rng.integers(*QUALITY)) if rng.random() < COMPRESSED else 0,
        film=_film(rng),
        grey=bool(rng.random() < GREY),
    )


def clear(frames: int) -> Lens:
    """A camera that changes nothing."""
    return Lens(
        smears=np.zeros(frames, np.int64),
        brightness=np.ones(frames),
        side=0,
        noise=0,
        places=np.zeros((frames, 2), np.int64),
        quality=0,
        film=np.arange(256, dtype=np.uint8),
        grey=False,
    )


def _film(rng: np.random.Generator) -> Pixels:
    gamma = math.exp(GAMMA * rng.standard_normal())
    # C' = a C^g + b
    levels = rng.uniform(*CONTRAST) * (np.arange(256) / 255) ** gamma + rng.uniform(*LIFT)
    return np.clip(255 * levels, 0, 255).astype(np.uint8)


def _smeared(frame: Pixels, reach: int, turn: float) -> Pixels:
    """The mean along a line: motion blur of an open shutter."""
    line = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    x, y = reach * math.cos(turn), reach * math.sin(turn)
    ends = (int(reach - x), int(reach - y)), (int(reach + x), int(reach + y))
    cv2.line(line, *ends, 1)
    return cv2.filter2D(frame, -1, line / line.sum())


@functools.lru_cache(maxsize=4)
def _grain(side: int, strength: int) -> tuple[Pixels, Pixels]:
    """Normal noise `(side, side, 3)` in whole levels: what is above nothing, and what is below."""
    rng = np.random.default_rng(NOISE_SEED)
    noise = np.floor(strength * rng.standard_normal((side, side, 3), np.float32))
    return np.clip(noise, 0, 255).astype(np.uint8), np.clip(-noise, 0, 255).astype(np.uint8)


def _noisy(frame: Pixels, strength: int, place: list[int]) -> Pixels:
    """A frame and noise. Drawing it anew would take longer than all the rest of a frame."""
    side, (x, y) = len(frame), place
    above, below = _grain(side + NOISE_SPARE, strength)
    window = np.s_[y : y + side, x : x + side]
    # both saturate; where one is above nothing, the other is nothing
    return cv2.subtract(cv2.add(frame, above[window]), below[window])
