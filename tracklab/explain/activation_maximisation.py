"""Activation maximisation: the image that a network would most like to see.

Erhan, Bengio, Courville and Vincent, "Visualizing higher-layer features of a deep network" (2009);
with a penalty on the image, Simonyan, Vedaldi and Zisserman (2013), equation 1. Without any
restraint what comes out is noise, so the image is moved a little before each step (Mordvintsev,
Olah and Tyka, "Inceptionism: going deeper into neural networks", 2015) and blurred behind it
(Yosinski et al., "Understanding neural networks through deep visualization", 2015).

Invariant: the answer for the image that is returned is the one that is told with it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from tracklab import errors
from tracklab.explain.target import Floats, Target

STEPS = 96
RATE = 6.0  # grey levels by which pixels move in the first step, root mean square
PENALTY = 0.01  # of the distance from grey, a step
SHIFT = 3  # pixels by which the image is moved before a step, at most
BLUR = 0.6  # standard deviation, in pixels
EVERY = 4  # steps between two blurs
GREY, RANGE = 118.0, 20.0  # of the first image


class Wished(NamedTuple):
    """What was found: `image (H, W, 3)` float32, 0 to 255, and the answer before and after."""

    image: Floats
    first: float
    last: float


def maximise(
    target: Target,
    *,
    steps: int = STEPS,
    rate: float = RATE,
    penalty: float = PENALTY,
    blur: float = BLUR,
    shift: int = SHIFT,
    seed: int = 0,
) -> Wished:
    """Climb from a grey image with some noise to one for which the answer is as high as it gets.

    penalty: how strongly pixels are drawn back to grey. blur, shift: see above; 0 for none.
    seed: of the first image and the shifts. Raises `InputError` for options out of range.
    """
    steps = int(errors.number("steps", steps, low=1, high=100_000, whole=True))
    shift = int(errors.number("shift", shift, low=0, high=min(target.size) // 2, whole=True))
    for name, value in (("rate", rate), ("penalty", penalty), ("blur", blur)):
        errors.number(name, value, low=0)
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    noise = rng.standard_normal((*target.size, 3)).astype(np.float32)
    x = np.clip(GREY + RANGE * noise, 0, 255).astype(np.float32)
    first = float(target.values(x[None])[0])
    for step in range(steps):
        way = tuple(int(n) for n in rng.integers(-shift, shift + 1, 2))
        moved = np.roll(x, way, axis=(0, 1))
        slope = np.roll(target.gradients(moved[None])[1][0], (-way[0], -way[1]), axis=(0, 1))
        # arg max over x of y(x) - penalty |x|^2: equation 1, by steps of a falling size
        size = rate * (1 - step / steps) / max(float(np.sqrt(np.square(slope).mean())), 1e-12)
        x = x + size * slope - penalty * (x - GREY)
        if blur and step % EVERY == 0:
            x = cv2.GaussianBlur(x, (0, 0), blur)
        x = np.clip(x, 0, 255).astype(np.float32)
    return Wished(x, first, float(target.values(x[None])[0]))
