"""Integrated gradients: each pixel's share of the answer, along the way from nothing to the image.

Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks" (ICML 2017).

Invariant (completeness, proposition 1): the shares of all pixels add up to the answer for the image
less the answer for the baseline; how far they are off is measured, and said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.explain.target import Floats, Target, as_image

STEPS, MOST = 32, 512
TOLERANCE = 0.02  # of the difference of the answers
SMALL = 0.1  # a difference of log-odds below which being off is not measured in parts of it


class Integrated(NamedTuple):
    """What is said of one image.

    shares: `(H, W)` float32, signed: what each pixel adds to the answer. answer, baseline: the
    numbers for the image and for the baseline. steps: gradients that it took. error: by how much
    the shares miss `answer - baseline`, in parts of it.
    """

    shares: Floats
    answer: float
    baseline: float
    steps: int
    error: float


def integrated(
    target: Target,
    image: ArrayLike,
    *,
    baseline: ArrayLike | None = None,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
    most: int = MOST,
) -> Integrated:
    """The share of each pixel in the answer: see `Integrated`.

    baseline: `(H, W, 3)`, an image of nothing; the image's mean colour everywhere if None.
    steps: gradients on the way, at their middles. They are doubled until the shares are complete to
    `tolerance`, but no more than `most`: the network is not smooth, and some ways are rough.

    Raises `InputError` for images of another size and options out of range.
    """
    x = as_image(image, target.size)
    start = nothing(x) if baseline is None else as_image(baseline, target.size)
    steps = int(errors.number("steps", steps, low=1, high=100_000, whole=True))
    tolerance = errors.number("tolerance", tolerance, low=0)
    most = int(errors.number("most", most, low=1, high=100_000, whole=True))
    low, high = (float(v) for v in target.values(np.stack([start, x])))
    while True:
        shares = (x - start) * _mean_gradient(target, start, x, steps)
        # sum of shares = F(x) - F(x')
        off = abs(float(shares.sum(dtype=np.float64)) - (high - low))
        error = off / max(abs(high - low), SMALL)
        if error <= tolerance or 2 * steps > most:
            return Integrated(shares.sum(-1), high, low, steps, error)
        steps *= 2


def _mean_gradient(target: Target, start: Floats, end: Floats, steps: int) -> Floats:
    """The gradient's mean on the straight way, `(H, W, 3)`, by the midpoint rule."""
    total = np.zeros(start.shape, np.float64)
    alphas = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    for first in range(0, steps, target.asked.batch):
        way = alphas[first : first + target.asked.batch, None, None, None]
        # IG_i = (x_i - x'_i) 1/m sum over k of dF(x' + a_k (x - x')) / dx_i: equations 1 and 3
        total += target.gradients(start + way * (end - start))[1].sum(0, dtype=np.float64)
    return np.asarray(total / steps, np.float32)


def nothing(image: Floats) -> Floats:
    """An image of the same size that holds nothing: its mean colour everywhere."""
    return np.broadcast_to(image.mean((0, 1), dtype=np.float64), image.shape).astype(np.float32)
