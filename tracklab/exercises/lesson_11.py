"""Exercises of lesson 11, Looking inside: what explains an answer, and what that is worth.

A saliency map, Grad-CAM, R squared, the shares of integrated gradients, and a deletion curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises import compare, sketch
from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]

TABLE = 2.3  # inches of one in a drawing


# -- saliency ------------------------------------------------------------------------------------


def saliency_starter(gradient: Floats) -> Floats:
    """How much each pixel matters: (h, w).

    `gradient` (h, w, 3) says how the answer changes with each number of an image: three a pixel,
    up or down. A pixel matters as much as the one of its three numbers that the answer changes
    with most, whichever way.
    """
    return ...  # type: ignore[return-value]


def saliency(gradient: Floats) -> Floats:
    """How much each pixel matters: (h, w). Simonyan et al. (2013), section 3.1."""
    # M_ij = max over channels of |w_ijc|
    return np.asarray(np.abs(gradient).max(-1))


def _saliency_by_loop(gradient: Any) -> Any:
    height, width, _ = gradient.shape
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            out[i, j] = max(abs(float(value)) for value in gradient[i, j])
    return out


def _saliency_two_sided(gradient: Any) -> Any:
    return np.maximum(gradient.max(2), -gradient.min(2))


def _saliency_signed(gradient: Floats) -> Floats:
    return np.asarray(gradient.max(-1))


def _saliency_late(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient.max(-1)))


def _saliency_summed(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient).sum(-1))


def _saliency_mean(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient).mean(-1))


def _saliency_of_sum(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient.sum(-1)))


def _saliency_length(gradient: Floats) -> Floats:
    return np.asarray(np.sqrt(np.square(gradient).sum(-1)))


def _saliency_one_channel(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient[..., 0]))


def _saliency_rows(gradient: Floats) -> Floats:
    return np.asarray(np.abs(gradient).max(0))


def _saliency_scaled(gradient: Floats) -> Floats:
    sizes = saliency(gradient)
    return np.asarray(sizes / max(float(sizes.max()), 1e-9))


def _saliency_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = (*rng.integers(1, 5, 2).tolist(), 3)
    return (rng.integers(-4, 5, shape).astype(float),)


def _is_gradient(gradient: Floats) -> bool:
    return bool(gradient.ndim == 3 and gradient.shape[2] == 3 and gradient.size)


def _draw_saliency(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    (gradient,) = inputs
    panels = {name: gradient[..., k] for k, name in enumerate(("red", "green", "blue"))}
    return sketch.tables(
        "Three gradients, one map", panels | {"wanted": wanted, "yours": got}, each=TABLE
    )


SALIENCY = Exercise(
    name="11-saliency",
    task="the saliency map (h, w)",
    starter=saliency_starter,
    reference=saliency,
    cases=(
        (np.array([[[1.0, -3.0, 2.0], [0.0, 0.0, 0.0]], [[-1.0, -2.0, -4.0], [4.0, 1.0, 1.0]]]),),
        (np.array([[[-0.5, 0.25, 0.0], [2.0, 2.0, -2.0], [-1.0, 0.0, 3.0]]]),),
        (np.zeros((2, 1, 3)),),
    ),
    generate=_saliency_inputs,
    valid=_is_gradient,
    misconceptions=(
        Misconception(
            "without the absolute value",
            _saliency_signed,
            "A number with which the answer *falls* matters as much as one with which it rises. "
            "Take the absolute value, and then the maximum.",
        ),
        Misconception(
            "the absolute value too late",
            _saliency_late,
            "You took the maximum first: it drops large negative numbers before their size counts.",
        ),
        Misconception(
            "a sum over the channels",
            _saliency_summed,
            "That adds the three sizes up. What is asked for is the largest of them.",
            variants=(_saliency_mean,),
        ),
        Misconception(
            "the sum before the size",
            _saliency_of_sum,
            "Added up first, a rise in red and a fall in blue take each other away.",
        ),
        Misconception(
            "the length of the vector",
            _saliency_length,
            "That is the length of each pixel's gradient. It is used, too; the paper takes the "
            "largest channel.",
        ),
        Misconception(
            "one channel only",
            _saliency_one_channel,
            "That is the first channel alone. What if the answer comes from blue?",
        ),
        Misconception(
            "the wrong axis",
            _saliency_rows,
            "The maximum goes over the channels, the last axis; you took it over another one.",
        ),
        Misconception(
            "scaled to 1",
            _saliency_scaled,
            "You divided by the largest number, as one does before a map is drawn. Here the "
            "numbers themselves are asked.",
        ),
    ),
    alternatives=(_saliency_by_loop, _saliency_two_sided),
    hints=(
        "Which way the answer goes does not count, only how much: what makes numbers lose their "
        "sign?",
        "Sizes first, then the largest of each pixel: `axis=-1` is the axis of the channels.",
        "`return np.abs(gradient).max(axis=-1)`",
    ),
    praise="That is the saliency map of 2013, the oldest of all the maps in this lesson.",
    onward="It says how the answer would change, not where it comes from: keep that in mind.",
    draw=_draw_saliency,
    alt="The gradient's three channels as tables, the map that is wanted, and yours.",
)


# -- Grad-CAM ------------------------------------------------------------------------------------


def grad_cam_starter(maps: Floats, slopes: Floats) -> Floats:
    """Where a layer speaks for the answer: (h, w).

    `maps` (h, w, C) is what the C channels of a layer say in each place; `slopes` (h, w, C), how
    the answer changes with each of these numbers. A channel's weight is the mean of its slopes over
    all places. Add up the maps, each times its weight; where that speaks against the answer, put 0.
    """
    return ...  # type: ignore[return-value]


def grad_cam(maps: Floats, slopes: Floats) -> Floats:
    """Where a layer speaks for the answer: (h, w). Selvaraju et al. (2017), equations 1 and 2."""
    # a_k = 1/Z sum over ij of dy / dA_ijk
    weights = slopes.mean((0, 1))
    # L = ReLU(sum over k of a_k A_k)
    return np.asarray(np.maximum((weights * maps).sum(-1), 0))


def _grad_cam_by_loop(maps: Any, slopes: Any) -> Any:
    out = np.zeros(maps.shape[:2])
    for k in range(maps.shape[2]):
        out += slopes[:, :, k].sum() / slopes[:, :, k].size * maps[:, :, k]
    out[out < 0] = 0
    return out


def _grad_cam_by_product(maps: Any, slopes: Any) -> Any:
    raw = maps @ slopes.reshape(-1, slopes.shape[-1]).mean(axis=0)
    return raw * (raw > 0)


def _grad_cam_signed(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray((slopes.mean((0, 1)) * maps).sum(-1))


def _grad_cam_sums(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((slopes.sum((0, 1)) * maps).sum(-1), 0))


def _grad_cam_relu_first(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum(slopes.mean((0, 1)) * maps, 0).sum(-1))


def _grad_cam_positive_weights(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((np.maximum(slopes.mean((0, 1)), 0) * maps).sum(-1), 0))


def _grad_cam_local(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((slopes * maps).sum(-1), 0))


def _grad_cam_absolute(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.abs((slopes.mean((0, 1)) * maps).sum(-1)))


def _grad_cam_unweighted(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum(maps.sum(-1), 0))


def _grad_cam_mean(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((slopes.mean((0, 1)) * maps).mean(-1), 0))


def _grad_cam_scaled(maps: Floats, slopes: Floats) -> Floats:
    found = grad_cam(maps, slopes)
    return np.asarray(found / max(float(found.max()), 1e-9))


def _grad_cam_largest(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((slopes.max((0, 1)) * maps).sum(-1), 0))


def _grad_cam_one_weight(maps: Floats, slopes: Floats) -> Floats:
    return np.asarray(np.maximum((slopes.mean() * maps).sum(-1), 0))


def _grad_cam_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = (*rng.choice([1, 2, 4], 2).tolist(), int(rng.integers(1, 4)))
    return tuple(rng.integers(-3, 5, shape).astype(float) for _ in range(2))


def _are_maps(maps: Floats, slopes: Floats) -> bool:
    return bool(maps.ndim == 3 and maps.shape == slopes.shape and maps.size)


def _draw_grad_cam(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    maps, slopes = inputs
    panels = {
        f"channel {k}, weight {compare.words(round(float(slopes[..., k].mean()), 2))}": maps[..., k]
        for k in range(min(maps.shape[2], 2))
    }
    return sketch.tables(
        "Maps and their weights", panels | {"wanted": wanted, "yours": got}, each=TABLE
    )


_MAPS = np.array([[[1.0, 2.0], [0.0, 4.0]], [[3.0, 0.0], [2.0, 1.0]]])
_SLOPES = np.array([[[2.0, -1.0], [0.0, 0.0]], [[1.0, -1.0], [1.0, -2.0]]])

GRAD_CAM = Exercise(
    name="11-grad-cam",
    task="Grad-CAM's map (h, w)",
    starter=grad_cam_starter,
    reference=grad_cam,
    cases=(
        (_MAPS, _SLOPES),
        (_MAPS - 1, -_SLOPES),
        (np.ones((2, 4, 1)), np.full((2, 4, 1), 0.5)),
        (np.zeros((1, 1, 3)), np.ones((1, 1, 3))),
        (_MAPS, np.stack([np.eye(2), -np.eye(2)], -1)),
    ),
    generate=_grad_cam_inputs,
    valid=_are_maps,
    misconceptions=(
        Misconception(
            "what speaks against it",
            _grad_cam_signed,
            "Where the sum is below 0 the layer speaks *against* the answer. The map shows what "
            "speaks for it: put 0 there.",
        ),
        Misconception(
            "sums in place of means",
            _grad_cam_sums,
            "A channel's weight is the *mean* of its slopes. With the sum, larger maps get larger "
            "numbers.",
        ),
        Misconception(
            "ReLU too early",
            _grad_cam_relu_first,
            "You dropped what is below 0 in each channel by itself. One channel may speak for an "
            "answer and another against it, in the same place: add them up first.",
        ),
        Misconception(
            "only channels that help",
            _grad_cam_positive_weights,
            "You dropped the channels with a negative weight. A channel that the answer falls with "
            "counts as well, where it is silent or below 0 itself, and in the sum with others.",
        ),
        Misconception(
            "a weight in each place",
            _grad_cam_local,
            "You multiplied each place with its own slope. That is HiResCAM, and you will need it; "
            "Grad-CAM takes one weight for a whole channel.",
        ),
        Misconception(
            "the absolute value",
            _grad_cam_absolute,
            "Against the answer is not for it: below 0 becomes 0.",
        ),
        Misconception(
            "no weights",
            _grad_cam_unweighted,
            "Without the weights, the map is the same whatever class you ask for.",
        ),
        Misconception(
            "a mean over the channels",
            _grad_cam_mean,
            "The channels are added up. A mean divides by their number.",
        ),
        Misconception(
            "scaled to 1",
            _grad_cam_scaled,
            "You divided by the largest number, as one does before a map is drawn. Here the "
            "numbers themselves are asked.",
        ),
        Misconception(
            "the largest slope",
            _grad_cam_largest,
            "A channel's weight is the *mean* of its slopes over all places, not the largest.",
        ),
        Misconception(
            "one weight for all channels",
            _grad_cam_one_weight,
            "That is one weight for the whole layer. Each channel has its own: the mean goes over "
            "the places, the first two axes, and not over the channels.",
        ),
    ),
    alternatives=(_grad_cam_by_loop, _grad_cam_by_product),
    hints=(
        "Two steps: one number for each channel, and then one number for each place.",
        "`slopes.mean(axis=(0, 1))` has shape (C,), and times `maps` it goes along the last axis.",
        "`np.maximum((slopes.mean(axis=(0, 1)) * maps).sum(axis=-1), 0)`",
    ),
    praise="Two equations: that is all of Grad-CAM.",
    onward="Enlarged to the image's size it is the map that is shown most often of all.",
    draw=_draw_grad_cam,
    alt="Up to two channels of the layer with their weights, the map that is wanted, and yours.",
)


# -- R squared -----------------------------------------------------------------------------------


def r_squared_starter(said: Floats, true: Floats) -> float:
    """How much of what varies in `true` (N,) is explained by `said` (N,).

    1 where they are the same, 0 for whoever says the mean of `true` every time: 1 minus a quotient
    of two sums over all N. Above the line stands what is left, the squares of truth less what was
    said; below it how the truth varies, the squares of truth less its mean. `true` varies.
    """
    return ...  # type: ignore[return-value]


def r_squared(said: Floats, true: Floats) -> float:
    """The share of the truth's variance that is explained; below 0 where the mean says more."""
    # R^2 = 1 - sum (y - s)^2 / sum (y - mean y)^2
    left = np.square(true - said).sum()
    return float(1 - left / np.square(true - true.mean()).sum())


def _r_squared_by_variance(said: Any, true: Any) -> Any:
    return 1 - ((true - said) ** 2).mean() / np.var(true)


def _r_squared_by_loop(said: Any, true: Any) -> Any:
    mean = sum(true.tolist()) / len(true)
    left = sum((y - s) ** 2 for s, y in zip(said.tolist(), true.tolist(), strict=True))
    return 1 - left / sum((y - mean) ** 2 for y in true.tolist())


def _r_squared_correlation(said: Floats, true: Floats) -> float:
    if np.ptp(said) == 0:
        return 0.0
    return float(np.corrcoef(said, true)[0, 1] ** 2)


def _r_squared_correlation_plain(said: Floats, true: Floats) -> float:
    # of numbers that are all the same it is NaN, as for one who does not look out for that
    with np.errstate(all="ignore"):
        return float(np.corrcoef(said, true)[0, 1] ** 2)


def _r_squared_correlation_itself(said: Floats, true: Floats) -> float:
    with np.errstate(all="ignore"):
        return float(np.corrcoef(said, true)[0, 1])


def _r_squared_of_deviations(said: Floats, true: Floats) -> float:
    return float(1 - np.var(true - said) / np.var(true))


def _r_squared_quotient(said: Floats, true: Floats) -> float:
    return float(np.var(said) / np.var(true))


def _r_squared_about_zero(said: Floats, true: Floats) -> float:
    return float(1 - np.square(true - said).sum() / np.square(true).sum())


def _r_squared_of_said(said: Floats, true: Floats) -> float:
    spread = np.square(said - said.mean()).sum()
    return float(1 - np.square(true - said).sum() / (spread or 1.0))


def _r_squared_explained(said: Floats, true: Floats) -> float:
    return float(np.square(said - true.mean()).sum() / np.square(true - true.mean()).sum())


def _r_squared_left(said: Floats, true: Floats) -> float:
    return 1 - r_squared(said, true)


def _r_squared_clipped(said: Floats, true: Floats) -> float:
    return max(0.0, r_squared(said, true))


def _r_squared_roots(said: Floats, true: Floats) -> float:
    left = np.sqrt(np.square(true - said).mean())
    return float(1 - left / true.std())


def _r_squared_absolute(said: Floats, true: Floats) -> float:
    return float(1 - np.abs(true - said).sum() / np.abs(true - true.mean()).sum())


def _r_squared_unbiased(said: Floats, true: Floats) -> float:
    return float(1 - np.square(true - said).mean() / true.var(ddof=1))


def _r_squared_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(2, 6))
    true = rng.integers(-4, 9, count).astype(float)
    true[0] = true[-1] + float(rng.integers(1, 4))  # it varies
    return true + rng.integers(-2, 3, count), true


def _can_be_explained(said: Floats, true: Floats) -> bool:
    alike = said.ndim == true.ndim == 1 and said.shape == true.shape and len(true) >= 2
    return bool(alike and np.ptp(true) > 0.1)


R_SQUARED = Exercise(
    name="11-r-squared",
    task="the share of the variance that is explained",
    starter=r_squared_starter,
    reference=r_squared,
    cases=(
        (np.array([1.0, 2.0, 3.5]), np.array([1.0, 2.0, 4.0])),
        (np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0])),
        (np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])),
        (np.array([11.0, 12.0, 13.0]), np.array([1.0, 2.0, 3.0])),
        (np.array([5.0, 9.0, 6.0, 8.0]), np.array([5.0, 9.0, 6.0, 8.0])),
        (np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])),
    ),
    generate=_r_squared_inputs,
    valid=_can_be_explained,
    misconceptions=(
        Misconception(
            "the squared correlation",
            _r_squared_correlation,
            "That is the squared correlation. It is the same for the best line on the numbers that "
            "it was fitted to; on others it forgives what is twice too large, or has the wrong "
            "sign.",
            variants=(_r_squared_correlation_plain,),
        ),
        Misconception(
            "the correlation",
            _r_squared_correlation_itself,
            "That is the correlation. It asks whether both go up and down together, and forgives "
            "what is always twice too large; R squared asks how far off each answer is.",
        ),
        Misconception(
            "the same error every time forgiven",
            _r_squared_of_deviations,
            "You took the *variance* of what is left. It forgives an error that is the same every "
            "time: what is always 10 too large has none. Square what is left itself.",
        ),
        Misconception(
            "deviations from zero",
            _r_squared_about_zero,
            "You compared with whoever says 0 every time. The mean is the better baseline: take "
            "deviations from it.",
        ),
        Misconception(
            "the variance of what was said",
            _r_squared_of_said,
            "Below the line belongs how the *truth* varies.",
        ),
        Misconception(
            "the variance that was said",
            _r_squared_explained,
            "How much the answers vary says nothing about whether they are right. Compare them "
            "with the truth, one by one.",
            variants=(_r_squared_quotient,),
        ),
        Misconception(
            "what is left",
            _r_squared_left,
            "That is the share that is *not* explained: take it from 1.",
        ),
        Misconception(
            "nothing below zero",
            _r_squared_clipped,
            "It may be below 0: that is how it says that the mean would have been better.",
        ),
        Misconception(
            "not squared",
            _r_squared_roots,
            "You took roots, or sizes in place of squares: squares are added up, above and below "
            "the line.",
            variants=(_r_squared_absolute,),
        ),
        Misconception(
            "N above and N - 1 below",
            _r_squared_unbiased,
            "You divided by N above the line and by N - 1 below. Sums need neither.",
        ),
    ),
    alternatives=(_r_squared_by_variance, _r_squared_by_loop),
    hints=(
        "Two sums of squares: of truth less what was said, and of truth less its mean.",
        "Their quotient is what is left unexplained.",
        "`return 1 - np.square(true - said).sum() / np.square(true - true.mean()).sum()`",
    ),
    praise="A number with a baseline inside: 0 is what the mean explains.",
    onward="Yet 0.7 means little by itself: a line from other numbers may reach it, too.",
)


# -- integrated gradients ------------------------------------------------------------------------


def shares_starter(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    """What each number of an image adds to the answer: (h, w).

    `image` and `baseline` are (h, w), of one channel. `gradients` (m, h, w) holds the answer's
    gradient at m places of the straight way from the baseline to the image, evenly spread. The
    integral over the way is approximated by the mean over the m places. For a network that is
    linear the shares add up to its answer for the image less that for the baseline.
    """
    return ...  # type: ignore[return-value]


def shares(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    """What each number of an image adds: (h, w). Sundararajan et al. (2017), equation 3."""
    # IG_i = (x_i - x'_i) 1/m sum over k of dF / dx_i
    return np.asarray((image - baseline) * gradients.mean(0))


def _shares_by_loop(image: Any, baseline: Any, gradients: Any) -> Any:
    total = np.zeros(image.shape)
    for slope in gradients:
        total = total + slope * (image - baseline) / len(gradients)
    return total


def _shares_by_einsum(image: Any, baseline: Any, gradients: Any) -> Any:
    return np.einsum("mhw,hw->hw", gradients, image - baseline) / gradients.shape[0]


def _shares_of_image(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray(image * gradients.mean(0))


def _shares_mean_gradient(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray(gradients.mean(0))


def _shares_last(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray((image - baseline) * gradients[-1])


def _shares_first(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray((image - baseline) * gradients[0])


def _shares_summed(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray((image - baseline) * gradients.sum(0))


def _shares_backwards(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray((baseline - image) * gradients.mean(0))


def _shares_absolute(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray(np.abs((image - baseline) * gradients.mean(0)))


def _shares_absolute_way(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray(np.abs(image - baseline) * gradients.mean(0))


def _shares_total(image: Floats, baseline: Floats, gradients: Floats) -> float:
    return float(((image - baseline) * gradients.mean(0)).sum())


def _shares_one_slope(image: Floats, baseline: Floats, gradients: Floats) -> Floats:
    return np.asarray((image - baseline) * gradients.mean())


def _shares_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    size = tuple(rng.integers(1, 4, 2).tolist())
    places = int(rng.choice([1, 2, 4]))
    image, baseline = rng.integers(0, 6, (2, *size)).astype(float)
    return image, baseline, rng.integers(-3, 4, (places, *size)).astype(float)


def _is_way(image: Floats, baseline: Floats, gradients: Floats) -> bool:
    alike = image.ndim == 2 and image.shape == baseline.shape and gradients.ndim == 3
    return bool(alike and gradients.shape[1:] == image.shape and gradients.size)


def _draw_shares(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    image, baseline, gradients = inputs
    panels = {"image": image, "baseline": baseline, "mean gradient": gradients.mean(0)}
    return sketch.tables(
        "What each number adds", panels | {"wanted": wanted, "yours": got}, each=TABLE
    )


SHARES = Exercise(
    name="11-shares",
    task="the share (h, w) of each number in the answer",
    starter=shares_starter,
    reference=shares,
    cases=(
        (
            np.array([[4.0, 2.0], [1.0, 0.0]]),
            np.array([[1.0, 2.0], [3.0, 1.0]]),
            np.array([[[1.0, 1.0], [2.0, 0.0]], [[3.0, 0.0], [2.0, -1.0]]]),
        ),
        (np.array([[5.0, 1.0]]), np.zeros((1, 2)), np.array([[[2.0, -1.0]]])),
        (np.array([[3.0]]), np.array([[3.0]]), np.array([[[7.0]], [[1.0]]])),
        (np.array([[2.0], [4.0]]), np.array([[3.0], [1.0]]), np.ones((4, 2, 1))),
    ),
    generate=_shares_inputs,
    valid=_is_way,
    misconceptions=(
        Misconception(
            "times the image",
            _shares_of_image,
            "You multiplied with the image, not with its way from the baseline. The same, if the "
            "baseline is black; else the shares do not add up.",
        ),
        Misconception(
            "the mean gradient alone",
            _shares_mean_gradient,
            "That is how steep it is on the way. How far does each number go?",
        ),
        Misconception(
            "one gradient",
            _shares_last,
            "That is one gradient times the way, not their mean. Where the network is saturated "
            "at the image, its gradient there is 0, however much came before.",
            variants=(_shares_first,),
        ),
        Misconception(
            "a sum over the places",
            _shares_summed,
            "You added the gradients up: twice as many places, twice the share. Take their mean.",
        ),
        Misconception(
            "the way back",
            _shares_backwards,
            "The way goes from the baseline to the image: image less baseline.",
        ),
        Misconception(
            "without signs",
            _shares_absolute,
            "Shares have signs: what takes away from the answer is below 0. Without signs they do "
            "not add up to anything.",
            variants=(_shares_absolute_way,),
        ),
        Misconception(
            "all in one",
            _shares_total,
            "That is the sum of all shares: what the whole image adds. Each number's own is asked.",
        ),
        Misconception(
            "one slope for all",
            _shares_one_slope,
            "That is one mean for the whole image. Each number has its own: the mean goes over the "
            "places of the way, the first axis.",
        ),
    ),
    alternatives=(_shares_by_loop, _shares_by_einsum),
    hints=(
        "A number adds as much as the answer rises with it on its way: how far times how steep.",
        "How far is `image - baseline`; how steep, the mean of `gradients` over its first axis.",
        "`return (image - baseline) * gradients.mean(axis=0)`",
    ),
    praise="Added up, the shares are the answer: nothing is left over, and nothing is invented.",
    onward="What they add up *from* is the baseline, and that is yours to choose.",
    draw=_draw_shares,
    alt="The image, the baseline, the mean gradient, the shares that are wanted, and yours.",
)


# -- deletion ------------------------------------------------------------------------------------


def deletion_starter(heat: Floats, adds: Floats) -> Floats:
    """The answers while pixels are deleted, the most important first: (N + 1,).

    `heat` (N,) is a map: how important it calls each of N pixels, all different. `adds` (N,) is
    what each pixel adds to the answer of a network that is a plain sum; a deleted pixel adds 0.
    Entry k is the answer without the k pixels that the map calls most important: entry 0 is that of
    the whole image, entry N is 0.
    """
    return ...  # type: ignore[return-value]


def deletion(heat: Floats, adds: Floats) -> Floats:
    """The answers of a linear network while its pixels go: (N + 1,). Petsiuk et al. (2018)."""
    order = np.argsort(-heat)
    # y_k = sum of all adds - sum of those of the k highest
    return np.asarray(adds.sum() - np.concatenate([[0.0], np.cumsum(adds[order])]))


def _deletion_by_loop(heat: Any, adds: Any) -> Any:
    left = [float(value) for value in adds]
    answers = [sum(left)]
    for place in sorted(range(len(heat)), key=lambda k: -heat[k]):
        left[place] = 0.0
        answers.append(sum(left))
    return answers


def _deletion_by_table(heat: Any, adds: Any) -> Any:
    rank = (heat[None, :] > heat[:, None]).sum(1)  # 0 for the highest
    kept = rank[None, :] >= np.arange(len(heat) + 1)[:, None]
    return kept @ adds


def _deletion_lowest_first(heat: Floats, adds: Floats) -> Floats:
    return deletion(-heat, adds)


def _deletion_insertion(heat: Floats, adds: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(adds[np.argsort(-heat)])])


def _deletion_short(heat: Floats, adds: Floats) -> Floats:
    return deletion(heat, adds)[1:]


def _deletion_not_last(heat: Floats, adds: Floats) -> Floats:
    return deletion(heat, adds)[:-1]


def _deletion_one_at_a_time(heat: Floats, adds: Floats) -> Floats:
    return np.concatenate([[adds.sum()], adds.sum() - adds[np.argsort(-heat)]])


def _deletion_by_adds(heat: Floats, adds: Floats) -> Floats:
    return deletion(adds, adds)


def _deletion_unordered(heat: Floats, adds: Floats) -> Floats:
    return np.asarray(adds.sum() - np.concatenate([[0.0], np.cumsum(adds)]))


def _deletion_of_heat(heat: Floats, adds: Floats) -> Floats:
    return deletion(heat, heat)


def _deletion_area(heat: Floats, adds: Floats) -> float:
    return float(np.trapezoid(deletion(heat, adds), dx=1 / len(heat)))


def _deletion_ranks(heat: Floats, adds: Floats) -> Floats:
    rank = np.argsort(np.argsort(-heat))
    return np.asarray(adds.sum() - np.concatenate([[0.0], np.cumsum(adds[rank])]))


def _deletion_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 6))
    heat = rng.permutation(10)[:count].astype(float)
    return heat, rng.integers(-3, 7, count).astype(float)


def _can_be_deleted(heat: Floats, adds: Floats) -> bool:
    alike = heat.ndim == adds.ndim == 1 and heat.shape == adds.shape and len(heat) >= 1
    return bool(alike and len(set(heat.tolist())) == len(heat))


def _draw_deletion(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    fig, ax = base.figure(title="The answer while pixels go", width=4.6, height=2.6)
    with base.style():
        for k, (name, values) in enumerate((("wanted", wanted), ("yours", got))):
            answers = np.atleast_1d(np.asarray(values, float))
            line = ("-", "--")[k]
            ax.plot(answers, "o" + line, color=base.COLORS[k], label=name, markersize=4)
        ax.set(xlabel="pixels deleted", ylabel="answer")
        ax.legend()
    return fig


DELETION = Exercise(
    name="11-deletion",
    task="the answers (N + 1,) while pixels are deleted",
    starter=deletion_starter,
    reference=deletion,
    cases=(
        (np.array([0.1, 0.9, 0.5]), np.array([1.0, 4.0, 2.0])),
        (np.array([3.0, 2.0, 1.0, 0.0]), np.array([-1.0, 5.0, 0.0, 2.0])),
        (np.array([2.0, 4.0, 1.0, 3.0]), np.array([1.0, 2.0, 4.0, 8.0])),
        (np.array([1.0]), np.array([3.0])),
        (np.array([0.0, 1.0]), np.array([5.0, -2.0])),
    ),
    generate=_deletion_inputs,
    valid=_can_be_deleted,
    misconceptions=(
        Misconception(
            "the least important first",
            _deletion_lowest_first,
            "You deleted the least important pixels first. `np.argsort` sorts upwards.",
        ),
        Misconception(
            "insertion",
            _deletion_insertion,
            "That is insertion: the answer while pixels come. Here they go.",
        ),
        Misconception(
            "one entry short",
            _deletion_short,
            "There are N + 1 answers: that of the whole image comes first, and that of the empty "
            "one, which is 0, last.",
            variants=(_deletion_not_last,),
        ),
        Misconception(
            "one pixel at a time",
            _deletion_one_at_a_time,
            "You put each deleted pixel back before the next one goes. They stay away.",
        ),
        Misconception(
            "in the best order",
            _deletion_by_adds,
            "You deleted in the order of what pixels add. The map must say the order: whether it "
            "is a good one is what the curve tells.",
        ),
        Misconception(
            "in no order",
            _deletion_unordered,
            "You deleted from the first to the last; the map was not asked.",
        ),
        Misconception(
            "ranks for places",
            _deletion_ranks,
            "`argsort` of `argsort` gives each pixel's rank. To take pixels in order you need "
            "where they are: one `argsort`.",
        ),
        Misconception(
            "the map's own values",
            _deletion_of_heat,
            "You added up the map. What falls is the network's answer: `adds`.",
        ),
        Misconception(
            "the area",
            _deletion_area,
            "That is the area below the curve, for which it is made. The curve itself is asked.",
        ),
    ),
    alternatives=(_deletion_by_loop, _deletion_by_table),
    hints=(
        "In which order do the pixels go? Not in that of `adds`.",
        "`order = np.argsort(-heat)`; `np.cumsum(adds[order])` is what is gone after 1, 2, ... N.",
        "The answer is `adds.sum()` less that, with a 0 before it: "
        "`adds.sum() - np.concatenate([[0], np.cumsum(adds[order])])`.",
    ),
    praise="The faster this curve falls, the more the map knows about the network.",
    onward="It asks the network itself: no mask is needed, and no opinion of where to look.",
    draw=_draw_deletion,
    alt="Two lines over the number of deleted pixels: the answers that are wanted, and yours.",
)

EXERCISES = (SALIENCY, GRAD_CAM, R_SQUARED, SHARES, DELETION)
