"""Saliency: how much the answer changes with each pixel.

Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks: visualising image
classification models and saliency maps" (2013), section 3; and the same averaged over noise.

Invariant: with noise of 0, `smooth` is `vanilla`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.explain.target import Floats, Target, as_image

SAMPLES = 24
NOISE = 0.05  # of the range of the pixels; the paper takes 0.1 to 0.2 for photographs


def vanilla(target: Target, image: ArrayLike) -> Floats:
    """The gradient's largest channel in each pixel, `(H, W)`, 0 or more.

    image: `(H, W, 3)`, pixels 0 to 255. Simonyan et al., equation 4 and section 3.1.
    """
    x = as_image(image, target.size)
    # w = dy / dx at x
    w = target.gradients(x[None])[1][0]
    # M_ij = max over channels of |w_ijc|
    return np.asarray(np.abs(w).max(-1))


def smooth(
    target: Target,
    image: ArrayLike,
    *,
    samples: int = SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
) -> Floats:
    """The same of the mean gradient at `samples` noisy copies of the image: `(H, W)`, 0 or more.

    noise: standard deviation, in ranges of the image's pixels (from its darkest to its brightest).
    Nearby images have gradients that point anywhere; what they share is left.

    Smilkov, Thorat, Kim, Viegas and Wattenberg, "SmoothGrad: removing noise by adding noise"
    (2017), section 2. Raises `InputError` for options out of range.
    """
    x = as_image(image, target.size)
    samples = int(errors.number("samples", samples, low=1, high=10_000, whole=True))
    sigma = errors.number("noise", noise, low=0, high=1) * float(x.max() - x.min())
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    total = np.zeros_like(x)
    for start in range(0, samples, target.asked.batch):
        count = min(target.asked.batch, samples - start)
        drawn = sigma * rng.standard_normal((count, *x.shape), np.float32)
        # M(x) = 1/n sum of M(x + N(0, sigma^2))
        total += target.gradients(x + drawn)[1].sum(0)
    return np.asarray(np.abs(total / samples).max(-1))
