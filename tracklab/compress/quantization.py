"""Quantization: numbers as whole multiples of a step, so that each takes a few bits.

Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
inference" (CVPR 2018), equation 1: a real r is S (q - Z), with a scale S, the step, and a zero
point Z, the whole number that stands for 0. That 0 is met exactly matters: padding and ReLU are
full of it.

Activations fill their range as it is (`affine`). Weights lie around 0 and are given a Z of 0
(`symmetric`), with a scale of their own for each channel, or one for all.

Invariants: for r between `lowest` and `highest`, |dequantize(quantize(r)) - r| <= S / 2; 0 comes
back as 0; quantize(dequantize(q)) == q.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

Floats = NDArray[Any]
Whole = NDArray[np.int32]

BITS = 8
FEWEST, MOST_BITS = 2, 16
SMALLEST = 1e-30  # of a scale: a tensor of zeros has a step as well


class Grid(NamedTuple):
    """Where quantized numbers may lie.

    scale S and zero Z: one number each, or one a channel, shaped to go with the values. low, high:
    the least and the largest whole number.
    """

    scale: Floats
    zero: Whole
    low: int
    high: int

    @property
    def lowest(self) -> Floats:
        """The least real number that there is."""
        return np.asarray(self.scale * (self.low - self.zero), np.float64)

    @property
    def highest(self) -> Floats:
        """The largest real number that there is."""
        return np.asarray(self.scale * (self.high - self.zero), np.float64)


def affine(low: float, high: float, *, bits: int = BITS) -> Grid:
    """The grid for numbers from `low` to `high`, widened to hold 0: all 2^bits steps are used.

    Section 3 of the paper, as LiteRT does it: whole numbers from -2^(b-1) to 2^(b-1) - 1. Raises
    `InputError` for a range that is none.

    >>> grid = affine(0, 6)
    >>> float(dequantize(quantize(3.0, grid), grid).round(3)), int(grid.zero)
    (3.012, -128)
    """
    bits = _bits(bits)
    high = max(float(errors.number("high", high, low=errors.number("low", low))), 0.0)
    low = min(float(low), 0.0)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    # S = (high - low) / (2^b - 1)
    scale = max((high - low) / (most - least), SMALLEST)
    # Z = q_min - low / S, to the nearest whole number, so that 0 lies on the grid
    zero = int(np.clip(round(least - low / scale), least, most))
    return Grid(np.asarray(scale), np.asarray(zero, np.int32), least, most)


def symmetric(values: ArrayLike, *, bits: int = BITS, axis: int | None = None) -> Grid:
    """The grid for weights, around 0, as wide as the largest of them.

    axis: of the channels, each of which gets a scale of its own; one scale for all if None. The
    least whole number is left out, so that both sides are alike (the paper's appendix B). Raises
    `InputError` for no numbers, and for an axis that there is not.
    """
    array, bits = _numbers(values), _bits(bits)
    most = 2 ** (bits - 1) - 1
    if axis is None:
        largest = np.abs(array).max()
    else:
        axis = int(errors.number("axis", axis, low=-array.ndim, high=array.ndim - 1, whole=True))
        others = tuple(k for k in range(array.ndim) if k != axis % array.ndim)
        largest = np.abs(array).max(others, keepdims=True)
    # S = max |w| / (2^(b-1) - 1),  Z = 0
    scale = np.maximum(largest / most, SMALLEST)
    return Grid(np.asarray(scale), np.zeros_like(scale, np.int32), -most, most)


def quantize(values: ArrayLike, grid: Grid) -> Whole:
    """The nearest whole numbers; what lies outside the grid goes to its end.

    Raises `InputError` for what is no number, NaN among it, and values that the grid's channels do
    not go with.
    """
    array = _numbers(values, ends=True)
    _goes_with(array, grid)
    # q = clip(round(r / S) + Z)
    found = np.clip(np.rint(array / grid.scale) + grid.zero, grid.low, grid.high)
    return np.asarray(found, np.int32)


def dequantize(quantized: ArrayLike, grid: Grid) -> Floats:
    """The real numbers that whole ones stand for. Raises `InputError` as `quantize` does."""
    array = _numbers(quantized, "quantized", ends=True)
    _goes_with(array, grid, "quantized")
    # r = S (q - Z)
    return np.asarray(grid.scale * (array - grid.zero), np.float64)


def rounded(values: ArrayLike, grid: Grid) -> NDArray[np.float32]:
    """Values moved to the grid: what is left of them after quantization."""
    return dequantize(quantize(values, grid), grid).astype(np.float32)


def multiplier(factor: float) -> tuple[int, int]:
    """A factor between 0 and 1 as whole numbers `(M_0, n)`: factor = 2^-n M_0 / 2^31.

    Equation 6 of the paper: M_0 is at least 2^30, so 30 bits of the factor are kept. A processor
    without floating point multiplies by it.

    >>> multiplier(0.25)
    (1073741824, 1)
    """
    errors.number("factor", factor, low=2.0**-30, high=1 - 2.0**-31)
    mantissa, exponent = np.frexp(factor)
    whole = round(float(mantissa) * 2**31)
    if whole == 2**31:  # rounded up to the next power of two
        whole, exponent = 2**30, exponent + 1
    return int(whole), -int(exponent)


def rescaled(sums: ArrayLike, factor: float) -> Whole:
    """Whole sums times a factor between 0 and 1, rounded to whole numbers, with whole numbers only.

    Halves are rounded away from 0, as ARM's instruction for it does (the paper's section 2.2).
    Raises `InputError` for sums that are not whole, and factors out of range.
    """
    whole, shift = multiplier(factor)
    product = _whole("sums", sums) * whole
    half = np.int64(1) << (30 + shift)
    # |x| M_0 / 2^(31 + n), to the nearest
    size = (np.abs(product) + half) >> (31 + shift)
    return np.asarray(np.sign(product) * size, np.int32)


def product(
    left: ArrayLike,
    left_grid: Grid,
    right: ArrayLike,
    right_grid: Grid,
    out_grid: Grid,
    *,
    bias: ArrayLike | None = None,
) -> Whole:
    """The matrix product of quantized arrays `(N, K)` and `(K, M)`, quantized, by whole numbers.

    right_grid: of weights, so its zero point is 0; one scale, or one a column. bias `(M,)`: whole
    numbers of scale S_1 S_2, as LiteRT keeps it (the paper's equation 11).

    Equations 4 and 5: q_3 = Z_3 + M sum_k (q_1 - Z_1) q_2, with M = S_1 S_2 / S_3. Raises
    `InputError` for arrays that do not go together.
    """
    a, b = _whole("left", left), _whole("right", right)
    _check_product(a, b, right_grid, bias)
    # whole numbers below 2^53 are exact in float64, and BLAS multiplies those many times faster
    sums = ((a - left_grid.zero).astype(np.float64) @ b.astype(np.float64)).astype(np.int64)
    if bias is not None:
        sums = sums + _whole("bias", bias)
    factors = np.ravel(left_grid.scale * right_grid.scale / out_grid.scale)
    columns = np.broadcast_to(factors, (b.shape[1],))
    found = np.stack([rescaled(sums[:, k], float(f)) for k, f in enumerate(columns)], axis=1)
    return np.clip(found + out_grid.zero, out_grid.low, out_grid.high).astype(np.int32)


def _bits(bits: Any) -> int:
    return int(errors.number("bits", bits, low=FEWEST, high=MOST_BITS, whole=True))


def _numbers(values: ArrayLike, name: str = "values", *, ends: bool = False) -> Floats:
    """Values as an array: finite ones; or, if `ends`, any that a grid has an end for, or none."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        errors.bad(name, values, "numbers")
    if ends:
        if np.isnan(array).any():
            errors.bad(name, errors.Said("NaN among them"), "numbers")
        return array
    if not array.size or not np.isfinite(array).all():
        came = "no numbers" if not array.size else "numbers that are not finite"
        errors.bad(name, errors.Said(came), "finite numbers, at least one")
    return array


def _whole(name: str, values: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        array = _numbers(values, name, ends=True)
        if not np.array_equal(array, np.rint(array)) or np.isinf(array).any():
            errors.bad(name, errors.Said("fractions among them"), "whole numbers")
    return array.astype(np.int64)


def _check_product(a: NDArray[Any], b: NDArray[Any], grid: Grid, bias: Any) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        errors.bad("left, right", errors.Said(f"{a.shape}, {b.shape}"), "(N, K) and (K, M)")
    if np.any(grid.zero):
        errors.bad("right_grid", errors.Said("a zero point that is not 0"), "one of `symmetric`")
    count = b.shape[1]
    if np.size(grid.scale) not in (1, count):
        came = errors.Said(f"{np.size(grid.scale)} scales")
        errors.bad("right_grid", came, f"one, or one for each of {count} columns")
    if bias is not None and np.shape(bias) != (count,):
        errors.bad("bias", errors.Said(f"shape {np.shape(bias)}"), f"{(count,)}")


def _goes_with(array: Floats, grid: Grid, name: str = "values") -> None:
    if not isinstance(grid, Grid):
        errors.bad("grid", errors.kind(grid), "a Grid, as `affine` and `symmetric` make it")
    scales = np.shape(grid.scale)
    try:
        fits = not scales or np.broadcast_shapes(array.shape, scales) == array.shape
    except ValueError:
        fits = False
    if not fits:
        errors.bad(name, errors.Said(f"shape {array.shape}"), f"one for scales of {scales}")
