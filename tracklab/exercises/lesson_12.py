"""Exercises of lesson 12, Small and fast: what is saved, by how much, and what it costs.

The products of a separable convolution, normalization folded into one, numbers on a grid, which
weights are cut, what a student learns from its teacher, and who is beaten by nobody.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

# -- the products of a separable convolution ------------------------------------------------------


def products_starter(
    height: int, width: int, kernel: int, channels: int, filters: int
) -> tuple[int, int]:
    """Products of two numbers that a convolution makes, and those of the separable one.

    The map that comes out has `height` x `width` places and `filters` channels; the one that goes
    in has `channels`. A kernel is `kernel` x `kernel`. The separable one is two convolutions: a
    depthwise one, which filters each channel by itself, and a pointwise one (1 x 1), which mixes
    the channels.
    """
    return ...  # type: ignore[return-value]


def products(height: int, width: int, kernel: int, channels: int, filters: int) -> tuple[int, int]:
    """Products of a convolution, and of the separable one (Howard et al., 2017, section 3.1)."""
    places = height * width
    # D^2 k^2 M N,  and  D^2 k^2 M + D^2 M N
    whole = places * kernel**2 * channels * filters
    return whole, places * kernel**2 * channels + places * channels * filters


def _products_by_share(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    whole = math.prod((height, width, kernel, kernel, channels, filters))
    return whole, whole * (1 / filters + 1 / kernel**2)


def _products_by_weights(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    shapes = (
        ((kernel, kernel, channels, filters),),
        (
            (kernel, kernel, channels, 1),
            (1, 1, channels, filters),
        ),
    )
    return tuple(height * width * sum(math.prod(s) for s in each) for each in shapes)


def _products_of_weights(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    return (
        kernel**2 * channels * filters,
        kernel**2 * channels + channels * filters,
    )


def _products_depth_only(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    whole, _ = products(height, width, kernel, channels, filters)
    return whole, height * width * kernel**2 * channels


def _products_all_filters(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    whole, _ = products(height, width, kernel, channels, filters)
    return whole, height * width * (kernel**2 * filters + channels * filters)


def _products_multiplied(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    whole, _ = products(height, width, kernel, channels, filters)
    return whole, height * width * kernel**2 * channels * channels * filters


def _products_thin_kernel(height: int, width: int, kernel: int, channels: int, filters: int) -> Any:
    places = height * width
    return (
        places * kernel * channels * filters,
        places * kernel * channels + places * channels * filters,
    )


def _products_without_border(
    height: int, width: int, kernel: int, channels: int, filters: int
) -> Any:
    return products(height - kernel + 1, width - kernel + 1, kernel, channels, filters)


PRODUCTS = Exercise(
    name="12-products",
    task="the products of a convolution and of its separable form",
    starter=products_starter,
    reference=products,
    cases=((15, 15, 3, 32, 64), (7, 5, 3, 64, 64), (1, 1, 1, 2, 3), (4, 6, 5, 3, 1)),
    generate=lambda rng: tuple(int(n) for n in rng.integers(1, 9, 5)),
    valid=lambda height, width, kernel, channels, filters: (
        min(height, width, kernel, channels, filters) >= 1
    ),
    misconceptions=(
        Misconception(
            "weights, not products",
            _products_of_weights,
            "Those are the numbers of weights. Each weight is used again at every place of the "
            "map: multiply by height and width.",
        ),
        Misconception(
            "without the mixing",
            _products_depth_only,
            "You counted the depthwise part alone. It never mixes channels; the pointwise one "
            "does, with `channels * filters` products at each place.",
        ),
        Misconception(
            "a filter for each output",
            _products_all_filters,
            "The depthwise part has one filter for each channel that goes *in*; how many come out "
            "is decided by the pointwise part.",
        ),
        Misconception(
            "multiplied",
            _products_multiplied,
            "The two parts run one after the other: their products are added, not multiplied.",
        ),
        Misconception(
            "a kernel of one row",
            _products_thin_kernel,
            "A kernel has `kernel` rows and `kernel` columns: `kernel**2` weights for a channel.",
        ),
        Misconception(
            "a border taken off",
            _products_without_border,
            "You took a border off. `height` and `width` are those of the map that comes *out*: "
            "all of its places count.",
        ),
    ),
    alternatives=(_products_by_share, _products_by_weights),
    hints=(
        "At one place and for one filter, how many weights meet a number of the map?",
        "Whole: `kernel**2 * channels` for each of the `filters`, at each of the places. "
        "Separable: first `kernel**2` for each channel, then `channels` for each filter.",
        "`whole = height * width * kernel**2 * channels * filters`; the separable one is `height * "
        "width * (kernel**2 * channels + channels * filters)`.",
    ),
    praise="The share is 1/filters + 1/kernel², about a ninth for 3x3 kernels and many filters.",
    onward="Products are not milliseconds. Which of the two is faster per product?",
)


# -- normalization, folded ------------------------------------------------------------------------


def fold_starter(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> tuple[Floats, Floats]:
    """A kernel and a bias that do what a convolution and the normalization behind it do.

    `kernel` (k, k, M, N) has no bias. The normalization takes each of the N channels y to
    (y - mean) / sqrt(variance + epsilon) + beta, with arrays (N,) that no longer change. Returned
    are the new kernel (k, k, M, N) and the new bias (N,).
    """
    return ...  # type: ignore[return-value]


def fold(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> tuple[Floats, Floats]:
    """A kernel and a bias with the normalization in them (Jacob et al., 2018, equation 14)."""
    deviation = np.sqrt(variance + epsilon)
    # w' = w / sqrt(v + e),  b' = beta - mean / sqrt(v + e)
    return kernel / deviation, beta - mean / deviation


def _fold_by_einsum(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    factor = (variance + epsilon) ** -0.5
    return np.einsum("ijmn,n->ijmn", kernel, factor), beta - factor * mean


def _fold_by_channel(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    folded, bias = np.array(kernel, float), np.array(beta, float)
    for n in range(kernel.shape[-1]):
        deviation = math.sqrt(variance[n] + epsilon)
        folded[..., n] /= deviation
        bias[n] -= mean[n] / deviation
    return folded, bias


def _fold_variance(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    return kernel / (variance + epsilon), beta - mean / (variance + epsilon)


def _fold_mean_whole(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    return kernel / np.sqrt(variance + epsilon), beta - mean


def _fold_no_epsilon(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    deviation = np.sqrt(np.maximum(variance, 1e-12))
    return kernel / deviation, beta - mean / deviation


def _fold_epsilon_outside(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    deviation = np.sqrt(variance) + epsilon
    return kernel / deviation, beta - mean / deviation


def _fold_beta_scaled(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    deviation = np.sqrt(variance + epsilon)
    return kernel / deviation, (beta - mean) / deviation


def _fold_plus(kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float) -> Any:
    deviation = np.sqrt(variance + epsilon)
    return kernel / deviation, beta + mean / deviation


def _fold_kernel_left(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> Any:
    return kernel, beta - mean / np.sqrt(variance + epsilon)


def _fold_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    k, m, n = (int(v) for v in rng.integers(1, 4, 3))
    small = rng.integers(-4, 5, (k, k, m, n)).astype(float)
    return (
        small,
        rng.integers(-3, 4, n).astype(float),
        rng.integers(-3, 4, n).astype(float),
        rng.integers(0, 9, n).astype(float),
        float(rng.choice([0.5, 1.0, 2.0])),
    )


def _are_folded(
    kernel: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> bool:
    if kernel.ndim != 4 or not kernel.size or kernel.shape[0] != kernel.shape[1]:
        return False
    shapes = {beta.shape, mean.shape, variance.shape}
    return shapes == {kernel.shape[-1:]} and bool(variance.min() >= 0) and epsilon > 0


FOLD = Exercise(
    name="12-fold",
    task="kernel and bias with the normalization folded in",
    starter=fold_starter,
    reference=fold,
    cases=(
        (
            np.arange(8.0).reshape(1, 1, 4, 2),
            np.array([1.0, -1.0]),
            np.array([2.0, 3.0]),
            np.array([3.0, 0.0]),
            1.0,
        ),
        (
            np.ones((3, 3, 1, 1)),
            np.array([0.5]),
            np.array([-1.0]),
            np.array([8.0]),
            1.0,
        ),
    ),
    generate=_fold_inputs,
    valid=_are_folded,
    misconceptions=(
        Misconception(
            "variance for deviation",
            _fold_variance,
            "You divide by the variance. A normalization divides by its root, the deviation.",
        ),
        Misconception(
            "the mean as it is",
            _fold_mean_whole,
            "The mean is taken off *before* the division: what is left of it in the bias is the "
            "mean over the deviation.",
        ),
        Misconception(
            "without epsilon",
            _fold_no_epsilon,
            "`epsilon` is added to the variance before the root, in the network too; without it a "
            "channel of small variance comes out much larger.",
        ),
        Misconception(
            "epsilon outside the root",
            _fold_epsilon_outside,
            "You add `epsilon` to the root. It is added to the variance, *under* the root.",
        ),
        Misconception(
            "beta divided too",
            _fold_beta_scaled,
            "`beta` is added after the division, so it is not divided.",
        ),
        Misconception(
            "the mean added",
            _fold_plus,
            "The mean is taken off, so it enters the bias with a minus.",
        ),
        Misconception(
            "the kernel left alone",
            _fold_kernel_left,
            "The division is for the kernel, too: each of its N filters by its own deviation.",
        ),
    ),
    alternatives=(_fold_by_einsum, _fold_by_channel),
    hints=(
        "Write y = w x, put it into the formula, and sort: what stands at x, and what alone?",
        "(w x - mean) / d + beta = (w / d) x + (beta - mean / d), d = sqrt(variance + epsilon).",
        "`d = np.sqrt(variance + epsilon)`; `kernel / d` divides the last axis, for arrays align "
        "from the right.",
    ),
    praise="Two layers became one, and nobody can tell the difference.",
    onward="Each filter was divided by a number of its own. What if they must share one grid?",
)


# -- numbers on a grid ----------------------------------------------------------------------------


def on_grid_starter(values: Floats, bits: int) -> tuple[float, int, NDArray[Any]]:
    """Scale, zero point and whole numbers for real values (N,): the affine scheme.

    The range goes from `low`, the least value, to `high`, the largest; if it does not hold 0, that
    end is set to 0 which is nearer to it. It is divided into 2**bits - 1 steps, and the scale is
    the length of a step. The whole numbers go from `least`, -2**(bits - 1), to 2**(bits - 1) - 1.
    The zero point is the whole number that stands for 0.0: least - low / scale, to the nearest. A
    value r becomes r / scale + zero point, to the nearest. Nothing that you have to round lies just
    between two whole numbers, and at least one value is not 0.
    """
    return ...  # type: ignore[return-value]


def on_grid(values: Floats, bits: int) -> tuple[float, int, NDArray[Any]]:
    """Scale, zero point and whole numbers of values (Jacob et al., 2018, equation 1)."""
    low, high = min(float(np.min(values)), 0.0), max(float(np.max(values)), 0.0)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    scale = (high - low) / (most - least)
    zero = round(least - low / scale)
    # q = round(r / S) + Z; no value lies outside of the range that they span
    return scale, zero, np.rint(values / scale) + zero


def _on_grid_by_package(values: Floats, bits: int) -> Any:
    from tracklab.compress import quantization as qz

    grid = qz.affine(float(values.min()), float(values.max()), bits=bits)
    return float(grid.scale), int(grid.zero), qz.quantize(values, grid)


def _on_grid_at_once(values: Floats, bits: int) -> Any:
    low, high = np.append(values, 0.0).min(), np.append(values, 0.0).max()
    scale, half = (high - low) / (2**bits - 1), 2 ** (bits - 1)
    zero = np.floor(-half - low / scale + 0.5)
    return scale, zero, np.clip(np.round(values / scale + zero), -half, half - 1)


def _on_grid_by_loop(values: Floats, bits: int) -> Any:
    ends = [*values.tolist(), 0.0]
    scale = (max(ends) - min(ends)) / (2**bits - 1)
    half = 2 ** (bits - 1)
    zero = round(-half - min(ends) / scale)
    whole = [max(-half, min(half - 1, round(r / scale) + zero)) for r in values.tolist()]
    return scale, zero, np.array(whole)


def _grid(
    values: Floats,
    bits: int,
    *,
    widen: bool = True,
    steps: int = -1,
    floor: bool = False,
    sign: bool = True,
    middle: bool = False,
    between: bool = False,
) -> Any:
    """The grid, with one of the mistakes that are known."""
    ends = (float(np.min(values)), float(np.max(values)))
    low, high = (min(ends[0], 0.0), max(ends[1], 0.0)) if widen else ends
    if middle:
        high = max(abs(low), abs(high))
        low = -high
    least = -(2 ** (bits - 1)) if sign else 0
    most = least + 2**bits - 1
    scale = (high - low) / (2**bits + steps)
    if scale == 0:
        scale = 1.0
    zero = least - low / scale if between else round(least - low / scale)
    whole = (np.floor if floor else np.rint)(values / scale + zero)
    return scale, zero, np.clip(whole, least, most)


def _grid_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        values = rng.integers(-20, 21, int(rng.integers(1, 6))) / 4
        values, bits = values + float(rng.choice([0.0, 0.0, 3.0])), int(rng.integers(2, 9))
        if _fits_a_grid(values, bits):
            return values, bits


def _fits_a_grid(values: Floats, bits: int) -> bool:
    """Whether no half is to be rounded: there, answers differ that are all right."""
    if values.ndim != 1 or not np.any(values) or not 2 <= bits <= 8:
        return False
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    places = np.append(values, low) / (high - low) * (2**bits - 1)
    return not np.any(_is_half(places))


def _is_half(places: Any) -> Any:
    return np.abs(places - np.floor(places) - 0.5) < 1e-6


def _draw_grid(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    values, bits = np.asarray(inputs[0], float), inputs[1]
    fig, ax = plots.figure(title=f"Values, and where {bits} bits put them", width=5, height=2.2)
    with plots.style():
        rows = (("wanted", wanted, plots.COLORS[2], 0.66), ("yours", got, plots.COLORS[1], 0.33))
        ax.plot(values, np.full(len(values), 1.0), "x", color="#777777", markersize=8)
        for _, (scale, zero, whole), color, height in rows:
            back = float(scale) * (np.asarray(whole, float) - float(zero))
            ax.plot(back, np.full(back.shape, height), "o", color=color, markersize=6)
        ax.set_yticks([1.0, 0.66, 0.33], ["values", "wanted", "yours"])
        ax.set(ylim=(0.1, 1.2), xlabel="real numbers")
    return fig


ON_GRID = Exercise(
    name="12-quantize",
    task="scale, zero point and whole numbers",
    starter=on_grid_starter,
    reference=on_grid,
    cases=(
        (np.array([0.0, 2.5, 6.0]), 8),
        (np.array([-1.0, 0.0, 2.0]), 2),
        (np.array([2.0, 3.0]), 3),
        (np.array([-5.0, -4.0]), 4),
    ),
    generate=_grid_inputs,
    valid=_fits_a_grid,
    misconceptions=(
        Misconception(
            "a range without 0",
            lambda values, bits: _grid(values, bits, widen=False),
            "Your range goes from the least to the largest value, but 0 must lie in it: padding "
            "and ReLU are full of zeros. Widen it.",
        ),
        Misconception(
            "one step too many",
            lambda values, bits: _grid(values, bits, steps=0),
            "2**bits whole numbers have 2**bits - 1 steps between them, as five fence posts have "
            "four gaps.",
        ),
        Misconception(
            "rounded down",
            lambda values, bits: _grid(values, bits, floor=True),
            "You round down. Rounding to the nearest halves the largest error.",
        ),
        Misconception(
            "a zero point that is not whole",
            lambda values, bits: _grid(values, bits, between=True),
            "Your zero point is not a whole number, so nothing stands for 0.0 exactly. Round it.",
        ),
        Misconception(
            "unsigned",
            lambda values, bits: _grid(values, bits, sign=False),
            "Your whole numbers begin at 0. Here they have a sign: from -2**(bits - 1) on.",
        ),
        Misconception(
            "as wide to both sides",
            lambda values, bits: _grid(values, bits, middle=True),
            "You took a range that is as wide below 0 as above it. That is for weights; after a "
            "ReLU half of the numbers would never be used.",
        ),
    ),
    alternatives=(_on_grid_by_package, _on_grid_by_loop, _on_grid_at_once),
    hints=(
        "First the two ends, with 0 between them. How many steps lie between 2**bits numbers?",
        "`scale = (high - low) / (2**bits - 1)`; the zero point is `round(least - low / scale)`, "
        "with `least = -2 ** (bits - 1)`.",
        "The whole numbers are `np.rint(values / scale) + zero`.",
    ),
    praise="Now 0.0 is met exactly, and nothing inside the range is off by more than half a step.",
    onward="One large value makes all steps large. Where in a network would you fear that?",
    draw=_draw_grid,
    alt="The values on a line, below them where the reference puts them, and where yours does.",
    atol=1e-6,
)


# -- which weights are cut ------------------------------------------------------------------------


def kept_starter(first: Floats, second: Floats, share: float) -> tuple[Flags, Flags]:
    """Which weights of two kernels stay when the smallest `share` of all of them is cut.

    `first` and `second` are kernels of any shapes; `share` is from 0 to 1, both ends included. Of
    both together, round(share * number of weights) are cut, those with the smallest sizes (absolute
    values); no two sizes are the same. Returned are two boolean arrays in the shapes of the
    kernels, true where a weight stays.
    """
    return ...  # type: ignore[return-value]


def kept(first: Floats, second: Floats, share: float) -> tuple[Flags, Flags]:
    """Which weights stay when the smallest share of all of them is cut (Han et al., 2015)."""
    sizes = np.sort(np.abs(np.concatenate([first.ravel(), second.ravel()])))
    count = round(share * len(sizes))
    bound = sizes[count] if count < len(sizes) else np.inf
    return np.abs(first) >= bound, np.abs(second) >= bound


def _kept_by_package(first: Floats, second: Floats, share: float) -> Any:
    from tracklab.compress import pruning

    if share == 1:
        return np.zeros(first.shape, bool), np.zeros(second.shape, bool)
    return tuple(pruning.masks([first, second], share))


def _kept_by_rank(first: Floats, second: Floats, share: float) -> Any:
    flat = np.abs(np.concatenate([first.ravel(), second.ravel()]))
    stays = flat.argsort().argsort() >= round(share * flat.size)
    return stays[: first.size].reshape(first.shape), stays[first.size :].reshape(second.shape)


def _kept_each(first: Floats, second: Floats, share: float) -> Any:
    nothing = np.zeros(0)
    return kept(first, nothing, share)[0], kept(second, nothing, share)[0]


def _kept_signed(first: Floats, second: Floats, share: float) -> Any:
    flat = np.sort(np.concatenate([first.ravel(), second.ravel()]))
    count = round(share * len(flat))
    bound = flat[count] if count < len(flat) else np.inf
    return first >= bound, second >= bound


def _kept_cut(first: Floats, second: Floats, share: float) -> Any:
    return tuple(~mask for mask in kept(first, second, share))


def _kept_large(first: Floats, second: Floats, share: float) -> Any:
    return kept(first, second, 1 - share)


def _kept_of_range(first: Floats, second: Floats, share: float) -> Any:
    largest = max(float(np.abs(kernel).max()) for kernel in (first, second))
    return np.abs(first) >= share * largest, np.abs(second) >= share * largest


def _kept_rounded_down(first: Floats, second: Floats, share: float) -> Any:
    count = first.size + second.size
    return kept(first, second, math.floor(share * count) / count)


def _kept_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    sizes = [tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 3)))) for _ in range(2)]
    total = sum(math.prod(size) for size in sizes)
    values = rng.permutation(np.arange(1, total + 1)) * rng.choice([-1.0, 1.0], total)
    first = math.prod(sizes[0])
    share = float(rng.choice([s for s in (0.0, 0.25, 0.5, 0.75, 1.0) if not _is_half(s * total)]))
    return values[:first].reshape(sizes[0]), values[first:].reshape(sizes[1]), share


def _are_kernels(first: Floats, second: Floats, share: float) -> bool:
    if not first.size or not second.size or not 0 <= share <= 1:
        return False
    sizes = np.abs(np.concatenate([first.ravel(), second.ravel()]))
    return len(np.unique(sizes)) == len(sizes) and not _is_half(share * len(sizes))


KEPT = Exercise(
    name="12-prune",
    task="masks that keep all but the smallest weights",
    starter=kept_starter,
    reference=kept,
    cases=(
        (np.array([[1.0, -4.0], [3.0, 2.0]]), np.array([-6.0, 0.5, 5.0, 7.0]), 0.5),
        (np.array([1.0, 2.0]), np.array([30.0, -40.0]), 0.5),
        (np.array([3.0, -1.0]), np.array([2.0]), 0.0),
        (np.array([3.0, -1.0]), np.array([[2.0]]), 1.0),
    ),
    generate=_kept_inputs,
    valid=_are_kernels,
    misconceptions=(
        Misconception(
            "each kernel by itself",
            _kept_each,
            "You cut the share of each kernel. Here both are one heap: a kernel of large weights "
            "may keep all, one of small weights lose all.",
        ),
        Misconception(
            "with the sign",
            _kept_signed,
            "You cut the most negative weights. -4 is a *large* weight: sort by absolute values.",
        ),
        Misconception(
            "the other way round",
            _kept_cut,
            "Your masks are true where a weight is cut. They shall be true where it stays.",
        ),
        Misconception(
            "the share that stays",
            _kept_large,
            "`share` is what goes, not what stays.",
        ),
        Misconception(
            "fewer than asked",
            _kept_rounded_down,
            "The number of weights that go is rounded to the nearest, not down: of 3 weights a "
            "share of 0.75 is 2.",
        ),
        Misconception(
            "a share of the largest weight",
            _kept_of_range,
            "You cut what is smaller than a share of the largest weight. That may be nearly all: "
            "weights crowd around 0. Sort them and count.",
        ),
    ),
    alternatives=(_kept_by_package, _kept_by_rank),
    hints=(
        "Put the sizes of both kernels into one array. Which of them is the smallest that stays?",
        "Sort the sizes; with `count = round(share * len(sizes))` the entry at `count` is the "
        "first that stays. Mind a share of 1: then there is none.",
        "`bound = sizes[count] if count < len(sizes) else np.inf`, then `np.abs(kernel) >= bound` "
        "for each kernel.",
    ),
    praise="So layers with much to spare give more than others, and nobody has to say which.",
    onward="A mask is booleans. How many bytes does the network have now?",
)


# -- what a student learns ------------------------------------------------------------------------


def student_loss_starter(
    student: Floats, teacher: Floats, label: int, temperature: float, share: float
) -> float:
    """The loss of a student for one image: `share` from its teacher, the rest from the label.

    `student` and `teacher` (C,) are logits. From the teacher: the Kullback-Leibler divergence
    sum of p log(p / q) of the two softened answers, p of the teacher and q of the student, each the
    softmax of logits / temperature; times the temperature squared. From the label: -log of the
    probability that the student gives it, at temperature 1.
    """
    return ...  # type: ignore[return-value]


def _log_softmax(z: Floats) -> Floats:
    z = np.asarray(z, float) - np.max(z)
    return np.asarray(z - np.log(np.exp(z).sum()))


def student_loss(
    student: Floats, teacher: Floats, label: int, temperature: float, share: float
) -> float:
    """The loss of a student for one image (Hinton et al., 2015, section 2)."""
    log_p, log_q = _log_softmax(teacher / temperature), _log_softmax(student / temperature)
    # L = a T^2 sum p log(p / q) - (1 - a) log q(label)
    told = temperature**2 * float((np.exp(log_p) * (log_p - log_q)).sum())
    return share * told - (1 - share) * float(_log_softmax(student)[label])


def _student_by_scipy(
    student: Floats, teacher: Floats, label: int, temperature: float, share: float
) -> Any:
    from scipy.special import log_softmax, rel_entr, softmax

    apart = rel_entr(softmax(teacher / temperature), softmax(student / temperature)).sum()
    return share * temperature**2 * apart - (1 - share) * log_softmax(student)[label]


def _student_by_cross_entropy(
    student: Floats, teacher: Floats, label: int, temperature: float, share: float
) -> Any:
    p = np.exp(_log_softmax(teacher / temperature))
    cross = -(p * _log_softmax(student / temperature)).sum()
    own = -(p * _log_softmax(teacher / temperature)).sum()
    hard = -_log_softmax(student)[label]
    return share * temperature * temperature * (cross - own) + hard * (1 - share)


def _student(
    student: Floats,
    teacher: Floats,
    label: int,
    temperature: float,
    share: float,
    *,
    square: int = 2,
    turned: bool = False,
    entropy: bool = False,
    hot: bool = False,
    cold: bool = False,
    swapped: bool = False,
    in_full: bool = False,
) -> Any:
    """The loss, with one of the mistakes that are known."""
    if cold:
        teacher, student_at = teacher * temperature, student * temperature
    else:
        student_at = student
    log_p, log_q = _log_softmax(teacher / temperature), _log_softmax(student_at / temperature)
    if turned:
        log_p, log_q = log_q, log_p
    apart = (np.exp(log_p) * (-log_q if entropy else log_p - log_q)).sum()
    hard = -_log_softmax(student / (temperature if hot else 1.0))[label]
    weight = 1 - share if swapped else share
    return weight * temperature**square * apart + (1 if in_full else 1 - weight) * hard


def _student_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(2, 5))
    return (
        rng.integers(-4, 5, count).astype(float),
        rng.integers(-4, 5, count).astype(float),
        int(rng.integers(count)),
        float(rng.choice([1.0, 2.0, 4.0])),
        float(rng.choice([0.0, 0.25, 0.75, 1.0])),
    )


def _are_student(
    student: Floats, teacher: Floats, label: int, temperature: float, share: float
) -> bool:
    if student.ndim != 1 or student.shape != teacher.shape or len(student) < 2:
        return False
    return 0 <= label < len(student) and temperature > 0 and 0 <= share <= 1


STUDENT = Exercise(
    name="12-distil",
    task="the loss of a student",
    starter=student_loss_starter,
    reference=student_loss,
    cases=(
        (np.array([2.0, 0.0, -1.0]), np.array([4.0, 1.0, -2.0]), 0, 2.0, 0.75),
        (np.array([1.0, 1.0]), np.array([3.0, 0.0]), 1, 4.0, 1.0),
        (np.array([1.0, -1.0]), np.array([1.0, -1.0]), 0, 3.0, 1.0),
        (np.array([300.0, 0.0]), np.array([0.0, 300.0]), 0, 1.0, 0.5),
    ),
    generate=_student_inputs,
    valid=_are_student,
    misconceptions=(
        Misconception(
            "without the square",
            lambda *given: _student(*given, square=0),
            "The teacher's part is multiplied by the temperature squared: softened answers have "
            "gradients that are smaller by that much, and the label would drown them.",
        ),
        Misconception(
            "the temperature once",
            lambda *given: _student(*given, square=1),
            "The teacher's part is multiplied by the temperature *squared*.",
        ),
        Misconception(
            "turned round",
            lambda *given: _student(*given, turned=True),
            "You took the divergence the other way: p is the teacher's, and weighs; q is the "
            "student's.",
        ),
        Misconception(
            "cross-entropy",
            lambda *given: _student(*given, entropy=True),
            "That is the cross-entropy, -sum p log q. It has the same gradient, but is not 0 where "
            "the student says what its teacher says.",
        ),
        Misconception(
            "the label at the temperature",
            lambda *given: _student(*given, hot=True),
            "The label's part is taken at temperature 1, as the student will be used.",
        ),
        Misconception(
            "nothing softened",
            lambda *given: _student(*given, cold=True),
            "In the teacher's part both logits are divided by the temperature before the softmax.",
            variants=(lambda *given: _student(*given, cold=True, square=0),),
        ),
        Misconception(
            "the label in full",
            lambda *given: _student(*given, in_full=True),
            "`share` is the teacher's; the label has what is left of 1, not all of it.",
        ),
        Misconception(
            "shares swapped",
            lambda *given: _student(*given, swapped=True),
            "`share` is the teacher's; the label has the rest.",
        ),
    ),
    alternatives=(_student_by_scipy, _student_by_cross_entropy),
    hints=(
        "Write a function for the logarithm of a softmax; take off the largest logit first, so "
        "that nothing overflows.",
        "`log_p = log_softmax(teacher / temperature)`, `log_q` likewise of the student; the "
        "divergence is `(np.exp(log_p) * (log_p - log_q)).sum()`.",
        "`share * temperature**2 * divergence - (1 - share) * log_softmax(student)[label]`.",
    ),
    praise="A student that says what its teacher says pays nothing to the teacher.",
    onward="What would the teacher of a *tracker* say that is richer than the truth?",
    atol=1e-6,
)


# -- who is beaten by nobody ----------------------------------------------------------------------


def unbeaten_starter(costs: Floats, quality: Floats) -> Flags:
    """Which of N networks no other one beats: booleans (N,).

    `costs` (N, K), smaller is better in each of K ways (bytes, milliseconds); `quality` (N,),
    larger is better. A network is beaten by one that is nowhere worse and somewhere better. Of two
    that are the same in all, neither beats the other.
    """
    return ...  # type: ignore[return-value]


def unbeaten(costs: Floats, quality: Floats) -> Flags:
    """Which of N networks no other one beats: the Pareto frontier."""
    points = np.concatenate([costs, -quality[:, None]], axis=1)
    no_worse = (points[:, None] <= points[None]).all(-1)
    better = (points[:, None] < points[None]).any(-1)
    return np.asarray(~(no_worse & better).any(0))


def _unbeaten_by_package(costs: Floats, quality: Floats) -> Any:
    from tracklab.compress.frontier import frontier

    return frontier(costs, quality)


def _unbeaten_by_loop(costs: Floats, quality: Floats) -> Any:
    rows = [(*map(float, c), -float(q)) for c, q in zip(costs, quality, strict=True)]

    def beats(a: Any, b: Any) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    return np.array([not any(beats(other, row) for other in rows) for row in rows])


def _unbeaten_everywhere(costs: Floats, quality: Floats) -> Any:
    points = np.concatenate([costs, -quality[:, None]], axis=1)
    return ~(points[:, None] < points[None]).all(-1).any(0)


def _unbeaten_by_ties(costs: Floats, quality: Floats) -> Any:
    points = np.concatenate([costs, -quality[:, None]], axis=1)
    no_worse = np.asarray((points[:, None] <= points[None]).all(-1))
    np.fill_diagonal(no_worse, False)
    return ~no_worse.any(0)


def _unbeaten_backwards(costs: Floats, quality: Floats) -> Any:
    return unbeaten(costs, -quality)


def _unbeaten_first(costs: Floats, quality: Floats) -> Any:
    return unbeaten(costs[:, :1], quality)


def _unbeaten_best(costs: Floats, quality: Floats) -> Any:
    best = (costs == costs.min(0)).any(1)
    return best | (quality == quality.max())


def _unbeaten_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 6))
    return rng.integers(1, 5, (count, 2)).astype(float), rng.integers(1, 5, count).astype(float)


def _draw_unbeaten(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    costs, quality = (np.asarray(each, float) for each in inputs)
    fig, ax = plots.figure(title="Wanted in green, yours ringed", width=4.6, height=3)
    mine = np.asarray(got)
    with plots.style():
        for k, (cost, good) in enumerate(zip(costs, quality, strict=True)):
            color = plots.COLORS[2] if wanted[k] else "#999999"
            ax.plot(cost[0], good, "o", color=color, markersize=9)
            if mine.shape == wanted.shape and bool(mine[k]):
                ax.plot(cost[0], good, "o", color=plots.COLORS[1], fillstyle="none", markersize=15)
            rest = ", ".join(f"{value:g}" for value in cost[1:])
            ax.annotate(rest, (cost[0], good), xytext=(9, 6), textcoords="offset points")
        ax.set(xlabel="first cost (the others beside the dots)", ylabel="quality")
        ax.margins(0.2)
    return fig


UNBEATEN = Exercise(
    name="12-frontier",
    task="which networks are beaten by no other one",
    starter=unbeaten_starter,
    reference=unbeaten,
    cases=(
        (np.array([[4.0, 2.0], [1.0, 1.0], [2.0, 3.0]]), np.array([0.8, 0.7, 0.6])),
        (np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 2.0]]), np.array([0.5, 0.5, 0.5])),
        (np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([0.5, 0.5])),
        (np.array([[3.0, 3.0]]), np.array([0.1])),
    ),
    generate=_unbeaten_inputs,
    valid=lambda costs, quality: (
        costs.ndim == 2 and costs.size > 0 and quality.shape == costs.shape[:1]
    ),
    misconceptions=(
        Misconception(
            "better in everything",
            _unbeaten_everywhere,
            "You ask for one that is better in everything. It is enough that it is nowhere worse "
            "and somewhere better: nobody needs the other one then.",
        ),
        Misconception(
            "twins beat each other",
            _unbeaten_by_ties,
            "Two that are the same in all beat each other in your answer, so neither is left. One "
            "that beats must be better somewhere.",
        ),
        Misconception(
            "quality turned round",
            _unbeaten_backwards,
            "Of the quality, more is better; of the costs, less.",
        ),
        Misconception(
            "the first cost alone",
            _unbeaten_first,
            "You look at the first cost only. All of them count: one that is larger but faster may "
            "be just what somebody needs.",
        ),
        Misconception(
            "only the extremes",
            _unbeaten_best,
            "You keep those that are best in something. A good compromise is best in nothing, and "
            "still beaten by nobody.",
        ),
    ),
    alternatives=(_unbeaten_by_package, _unbeaten_by_loop),
    hints=(
        "Turn the sign of the quality, and all numbers are costs. When does row i beat row j?",
        "`points[:, None] <= points[None]` compares each with each, `(N, N, K + 1)`; `.all(-1)` "
        "says nowhere worse, `(points[:, None] < points[None]).any(-1)` somewhere better.",
        "`~(no_worse & better).any(0)`: column j is true where somebody beats j.",
    ),
    praise="Whatever you need, one of these is your best choice; of the others, never.",
    onward="How many of the networks below will be left?",
    draw=_draw_unbeaten,
    alt="Networks as dots of cost and quality: the unbeaten ones in green, those of your answer "
    "with a ring.",
)

EXERCISES = (PRODUCTS, FOLD, ON_GRID, KEPT, STUDENT, UNBEATEN)
