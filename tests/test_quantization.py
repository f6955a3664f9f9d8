"""Whole numbers for real ones: bounds of the error, and the arithmetic against LiteRT's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors
from tracklab.compress import quantization as qz
from tracklab.compress.export import INT8, Signature, export
from tracklab.quiet import tf

FINITE = st.floats(-1e4, 1e4, allow_nan=False, width=32)
ARRAYS = st.lists(FINITE, min_size=1, max_size=60).map(lambda values: np.array(values, np.float32))
BITS = st.integers(2, 12)


@given(ARRAYS, BITS)
def test_inside_the_range_the_error_is_half_a_step_at_most(values, bits):
    grid = qz.affine(values.min(), values.max(), bits=bits)
    back = qz.dequantize(qz.quantize(values, grid), grid)
    inside = np.clip(values, grid.lowest, grid.highest)
    assert np.abs(back - inside).max() <= grid.scale / 2 * (1 + 1e-6)
    # rounding the zero point moves the range by half a step at most
    assert np.abs(back - values).max() <= grid.scale * (1 + 1e-6)


@given(ARRAYS, BITS)
def test_of_weights_the_error_is_half_a_step_everywhere(values, bits):
    grid = qz.symmetric(values, bits=bits)
    whole = qz.quantize(values, grid)
    assert np.abs(qz.dequantize(whole, grid) - values).max() <= grid.scale / 2 * (1 + 1e-6)
    assert np.abs(whole).max() <= 2 ** (bits - 1) - 1


@given(ARRAYS, BITS)
def test_nought_is_met_exactly_and_whole_numbers_come_back(values, bits):
    for grid in (
        qz.affine(values.min(), values.max(), bits=bits),
        qz.symmetric(values, bits=bits),
    ):
        assert qz.dequantize(qz.quantize(0.0, grid), grid) == 0
        every = np.arange(grid.low, grid.high + 1)
        np.testing.assert_array_equal(qz.quantize(qz.dequantize(every, grid), grid), every)


@given(st.integers(0, 1000), BITS)
@settings(max_examples=30)
def test_a_scale_a_channel_is_never_worse_than_one_for_all(seed, bits):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(3, 3, 4, 6)) * np.exp(rng.normal(0, 2, 6))
    whole, each = qz.symmetric(kernel, bits=bits), qz.symmetric(kernel, bits=bits, axis=-1)
    assert each.scale.shape == (1, 1, 1, 6)
    assert (each.scale <= whole.scale).all()
    for channel in range(6):
        part = kernel[..., channel]
        bound = float(each.scale[..., channel].item()) / 2 * (1 + 1e-9)
        assert np.abs(
            qz.dequantize(qz.quantize(kernel, each), each)[..., channel] - part
        ).max() <= (bound)


def test_rounding_a_normal_kernel_costs_six_decibels_a_bit():
    """The rule of signal processing: a bit halves the step, and quarters the mean square."""
    values = np.random.default_rng(0).normal(size=100_000).clip(-4, 4)
    noise = {
        bits: float(np.mean((qz.rounded(values, qz.affine(-4, 4, bits=bits)) - values) ** 2))
        for bits in (4, 6, 8)
    }
    for bits, square in noise.items():
        # S^2 / 12, of an error that is spread evenly over a step
        assert square == pytest.approx((8 / (2**bits - 1)) ** 2 / 12, rel=0.05)


@given(st.floats(2.0**-20, 0.999), st.integers(-(2**30), 2**30))
def test_a_factor_by_whole_numbers_is_the_factor(factor, total):
    whole, shift = qz.multiplier(factor)
    assert 2**30 <= whole < 2**31
    assert shift >= 0
    assert whole / 2**31 / 2**shift == pytest.approx(factor, rel=2**-30)
    assert abs(int(qz.rescaled(total, factor)) - total * factor) <= 0.5 + abs(total) * 2**-30


def test_halves_are_rounded_away_from_nought():
    np.testing.assert_array_equal(qz.rescaled([1, -1, 3, -3, 5, 4], 0.5), [1, -1, 2, -2, 3, 2])


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_product_by_whole_numbers_is_the_product_to_a_step(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(5, 12)), rng.normal(size=(12, 7)) * np.exp(rng.normal(0, 1, 7))
    bias = rng.normal(size=7)
    left = qz.affine(x.min(), x.max())
    right = qz.symmetric(w, axis=-1)
    a, b = qz.quantize(x, left), qz.quantize(w, right)
    exact = qz.dequantize(a, left) @ qz.dequantize(b, right) + bias
    out = qz.affine(exact.min(), exact.max())
    given_bias = np.rint(bias / (left.scale * right.scale.ravel()))
    found = qz.dequantize(qz.product(a, left, b, right, out, bias=given_bias), out)
    # half a step of the result, half a step of the bias, and what the ends of the grid cut
    bound = out.scale * 1.01 + (left.scale * right.scale).max()
    assert np.abs(found - exact).max() <= bound


def lite_dense(per_channel_spread):
    """A dense layer as an int8 file, with everything that the file says about it."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(32, 10)) * np.exp(rng.normal(0, per_channel_spread, 10))
    kernel, bias = tf.Variable(np.float32(kernel)), tf.Variable(np.float32(rng.normal(size=10)))
    examples = [{"x": np.float32(rng.normal(size=(1, 32)))} for _ in range(50)]
    dense = Signature(lambda x: {"y": tf.matmul(x, kernel) + bias}, {"x": (1, 32)})
    made = export({"dense": dense}, [kernel, bias], precision=INT8, examples={"dense": examples})
    return made, examples, kernel.numpy(), bias.numpy()


def test_the_grids_are_litert_s_own():
    made, examples, kernel, _ = lite_dense(1.0)
    details = made.interpreter.get_tensor_details()
    seen = np.concatenate([one["x"] for one in examples])
    ours = qz.affine(seen.min(), seen.max())
    theirs = next(
        one["quantization"]
        for one in details
        if tuple(one["shape"]) == (1, 32) and one["dtype"] == np.int8
    )
    assert theirs[0] == pytest.approx(float(ours.scale), rel=1e-5)
    assert theirs[1] == int(ours.zero)
    stored = next(one for one in details if tuple(one["shape"]) == (10, 32))
    weights = qz.symmetric(kernel, axis=-1)
    scales = stored["quantization_parameters"]["scales"]
    np.testing.assert_allclose(scales, weights.scale.ravel(), rtol=1e-5)
    whole = made.interpreter.get_tensor(stored["index"])
    off = np.abs(whole.T.astype(int) - qz.quantize(kernel, weights))
    assert off.max() <= 1
    assert (off > 0).mean() < 0.02  # halves that fell the other way


def test_an_integer_product_says_what_litert_says():
    made, examples, _, _ = lite_dense(0.5)
    details = made.interpreter.get_tensor_details()
    eight = {tuple(one["shape"]): one for one in details if one["dtype"] == np.int8}
    stored = eight[10, 32]
    summed = next(one for one in details if one["dtype"] == np.int32 and len(one["shape"]) == 1)
    grids = {}
    for name, shape in (("x", (1, 32)), ("y", (1, 10))):
        scale, zero = eight[shape]["quantization"]
        grids[name] = qz.Grid(np.asarray(scale, float), np.asarray(zero, np.int32), -128, 127)
    scales = stored["quantization_parameters"]["scales"].astype(float)
    weights = qz.Grid(scales, np.zeros(10, np.int32), -127, 127)
    kernel = made.interpreter.get_tensor(stored["index"]).T
    bias = made.interpreter.get_tensor(summed["index"])
    off = []
    for one in examples:
        x = qz.quantize(one["x"], grids["x"])
        ours = qz.product(x, grids["x"], kernel, weights, grids["y"], bias=bias)
        theirs = qz.quantize(made.run("dense", x=one["x"])["y"], grids["y"])
        off.append(np.abs(ours - theirs))
    # theirs may be rounded by another rule where a sum lies halfway
    assert np.max(off) <= 1
    assert np.mean(np.array(off) > 0) < 0.01


@pytest.mark.parametrize("bits", [1, 17, 2.5, "8", True])
def test_bits_out_of_range(bits):
    for make in (lambda: qz.affine(0, 1, bits=bits), lambda: qz.symmetric([1.0], bits=bits)):
        with pytest.raises(errors.InputError, match="bits"):
            make()


def test_bad_input():
    for values in ([], [np.nan], [np.inf, 1], "weights"):
        with pytest.raises(errors.InputError, match="values"):
            qz.symmetric(values)
    with pytest.raises(errors.InputError, match="axis"):
        qz.symmetric(np.ones((2, 3)), axis=2)
    for low, high in ((0, -1), (2, 1), (-1, -2)):
        with pytest.raises(errors.InputError, match="high"):
            qz.affine(low, high)
    with pytest.raises(errors.InputError, match="low"):
        qz.affine(np.nan, 1)
    for factor in (0, 1, 1.5, -0.5):
        with pytest.raises(errors.InputError, match="factor"):
            qz.multiplier(factor)
    grid = qz.affine(-1, 2)
    with pytest.raises(errors.InputError, match="left, right"):
        qz.product(np.ones((2, 3)), grid, np.ones((2, 3)), qz.symmetric([1.0]), grid)
    with pytest.raises(errors.InputError, match="right_grid"):
        qz.product(np.ones((2, 3)), grid, np.ones((3, 2)), grid, grid)
    four = qz.symmetric(np.ones((3, 4)), axis=1)
    with pytest.raises(errors.InputError, match="right_grid: got 4 scales"):
        qz.product(np.ones((2, 3)), grid, np.ones((3, 2)), four, grid)
    with pytest.raises(errors.InputError, match="bias"):
        qz.product(np.ones((2, 3)), grid, np.ones((3, 4)), four, grid, bias=np.ones(3))
    for values in ([1, np.nan], "weights", np.ones((3, 3)), [1.0]):
        with pytest.raises(errors.InputError, match="values"):
            qz.quantize(values, four)
    with pytest.raises(errors.InputError, match="quantized"):
        qz.dequantize([1, np.nan], grid)
    with pytest.raises(errors.InputError, match="grid"):
        qz.quantize([1.0], None)
    for sums in ([np.nan], [0.5], [np.inf], "sums"):
        with pytest.raises(errors.InputError, match="sums"):
            qz.rescaled(sums, 0.5)


def test_what_lies_outside_goes_to_an_end_and_nothing_stays_nothing():
    grid = qz.affine(-1, 2)
    assert qz.quantize([-np.inf, np.inf], grid).tolist() == [-128, 127]
    assert qz.quantize([], grid).shape == (0,)


def test_a_kernel_of_noughts_has_a_step_too():
    grid = qz.symmetric(np.zeros((3, 4)), axis=-1)
    assert (grid.scale > 0).all()
    assert not qz.quantize(np.zeros((3, 4)), grid).any()
    assert qz.affine(0, 0).scale > 0
