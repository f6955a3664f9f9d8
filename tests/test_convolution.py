"""Convolution against TensorFlow, SciPy and OpenCV; receptive fields against measured ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from tracklab import convolution as cv
from tracklab import errors, kernels
from tracklab.convolution import Layer
from tracklab.quiet import tf

FLOAT = 2e-6  # of the largest value: sums of a few hundred float32 products in another order


def some(seed, *shape, kind=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(kind)


def near(got, wanted, relative=FLOAT):
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=relative * (1 + np.abs(wanted).max()))


@st.composite
def cases(draw, most=12):
    """Images, kernels, and options on which they work, even and oblong kernels included."""
    seed = draw(st.integers(0, 999))
    count, channels, filters = (draw(st.integers(1, n)) for n in (2, 4, 3))
    height, width = (draw(st.integers(1, most)) for _ in range(2))
    rows, columns = (draw(st.integers(1, 5)) for _ in range(2))
    stride, dilation = draw(
        st.sampled_from(
            [(1, 1), (2, 1), (3, 1), (7, 1), (1, 2), (1, 3)]
        )  # TensorFlow takes no both
    )
    padding = draw(st.sampled_from(["valid", "same", 0, 1, 2]))
    if padding == "valid" or isinstance(padding, int):
        extra = 0 if padding == "valid" else 2 * padding
        assume(cv.span(rows, dilation) <= height + extra)
        assume(cv.span(columns, dilation) <= width + extra)
    images = some(seed, count, height, width, channels)
    weights = some(seed + 1, rows, columns, channels, filters)
    return images, weights, {"stride": stride, "padding": padding, "dilation": dilation}


def tensorflow(images, weights, *, stride, padding, dilation):
    if isinstance(padding, int):
        images = np.pad(images, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
        padding = "valid"
    return tf.nn.conv2d(images, weights, stride, padding.upper(), dilations=dilation).numpy()


@given(cases())
@settings(max_examples=150, deadline=None)
def test_correlate_equals_tensorflow(case):
    images, weights, options = case
    near(cv.correlate(images, weights, **options), tensorflow(images, weights, **options))


@given(cases(most=8))
@settings(max_examples=40, deadline=None)
def test_the_loops_equal_the_matrix_product_with_every_option_at_once(case):
    images, weights, options = case
    near(cv.correlate_loops(images, weights, **options), cv.correlate(images, weights, **options))


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("padding", ["valid", "same", 1])
def test_stride_and_dilation_together(stride, padding):
    # TensorFlow refuses both at once: a dilated kernel is a larger kernel with zeros between
    images, weights = some(0, 2, 11, 14, 3), some(1, 3, 3, 3, 2)
    spread = np.zeros((5, 5, 3, 2), np.float32)
    spread[::2, ::2] = weights
    got = cv.correlate(images, weights, stride=stride, padding=padding, dilation=2)
    near(got, cv.correlate(images, spread, stride=stride, padding=padding))
    near(got, cv.correlate_loops(images, weights, stride=stride, padding=padding, dilation=2))


@given(
    st.integers(0, 999),
    st.integers(1, 14),
    st.integers(1, 14),
    st.integers(1, 5),
    st.integers(1, 5),
)
@settings(max_examples=80, deadline=None)
def test_filters_equal_scipy(seed, height, width, rows, columns):
    image, kernel = some(seed, height, width), some(seed + 1, rows, columns)
    if rows <= height and columns <= width:
        near(
            kernels.filter_image(image, kernel, padding="valid"),
            signal.correlate2d(image, kernel, "valid"),
        )
        turned = cv.convolve(image[None, :, :, None], kernel[:, :, None, None])
        near(turned[0, :, :, 0], signal.convolve2d(image, kernel, "valid"))
    if rows % 2 and columns % 2:  # where "same" means the same for everybody
        near(
            kernels.filter_image(image, kernel),
            ndimage.correlate(image, kernel, mode="constant"),
        )


def test_true_convolution_is_associative_and_cross_correlation_is_not():
    image, a, b = some(0, 1, 9, 9, 1), some(1, 3, 3, 1, 1), some(2, 3, 3, 1, 1)
    full = signal.convolve2d(a[:, :, 0, 0], b[:, :, 0, 0])[:, :, None, None]
    near(cv.convolve(cv.convolve(image, a), b), cv.convolve(image, full), 1e-5)
    joined = signal.correlate2d(a[:, :, 0, 0], b[:, :, 0, 0], "full")[:, :, None, None]
    twice = cv.correlate(cv.correlate(image, a), b)
    assert np.abs(twice - cv.correlate(image, joined)).max() > 0.1


@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(1, 6),
    st.sampled_from(["valid", "same", 0, 1, 3]),
    st.integers(1, 4),
)
def test_output_size_counts_the_places_where_the_kernel_fits(size, kernel, stride, padding, gap):
    before, after = cv.padding_amounts(size, kernel, stride=stride, padding=padding, dilation=gap)
    reach = cv.span(kernel, gap)
    places = [left for left in range(before + size + after) if left % stride == 0]
    fits = sum(left + reach <= before + size + after for left in places)
    options = {"stride": stride, "padding": padding, "dilation": gap}
    if fits:
        assert cv.output_size(size, kernel, **options) == fits
        if padding == "same":
            assert fits == -(-size // stride)
            assert 0 <= after - before <= 1
    else:
        with pytest.raises(errors.InputError, match="fits into the image"):
            cv.output_size(size, kernel, **options)


def test_same_with_stride_two_is_not_padding_one():
    image, weights = some(0, 1, 8, 8, 1), some(1, 3, 3, 1, 1)
    same = cv.correlate(image, weights, stride=2, padding="same")
    one = cv.correlate(image, weights, stride=2, padding=1)
    assert same.shape == one.shape
    assert np.abs(same - one).max() > 0.1
    # on an odd image the two agree
    image = some(0, 1, 9, 9, 1)
    near(
        cv.correlate(image, weights, stride=2, padding="same"),
        cv.correlate(image, weights, stride=2, padding=1),
    )


@given(
    st.integers(0, 999),
    st.integers(1, 11),
    st.integers(1, 11),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 4)),
    st.sampled_from(["valid", "same"]),
)
@example(0, 5, 5, 3, 2, "same")
@settings(max_examples=100, deadline=None)
def test_pooling_equals_tensorflow(seed, height, width, size, stride, padding):
    assume(padding == "same" or size <= min(height, width))
    images = some(seed, 2, height, width, 3)
    wanted = [size, stride or size, padding.upper()]
    options = {"stride": stride, "padding": padding}
    np.testing.assert_array_equal(
        cv.max_pool(images, size, **options), tf.nn.max_pool2d(images, *wanted).numpy()
    )
    near(cv.average_pool(images, size, **options), tf.nn.avg_pool2d(images, *wanted).numpy())


layers = st.lists(
    st.builds(Layer, st.integers(1, 4), st.integers(1, 2), st.integers(1, 2)),
    min_size=1,
    max_size=4,
)


@given(layers)
@settings(max_examples=25, deadline=None)
def test_receptive_field_equals_the_gradient(stack):
    reach = cv.receptive_field(stack)
    size = reach.size + 2 * reach.jump + 3
    image = tf.Variable(tf.ones([1, size, size, 1]))
    with tf.GradientTape() as tape:
        x = image
        for kernel, stride, dilation in stack:
            # a strided dilated layer as TensorFlow can do it: dense first, then every stride-th
            x = tf.nn.conv2d(x, tf.ones([kernel, kernel, 1, 1]), 1, "VALID", dilations=dilation)
            x = x[:, ::stride, ::stride]
        here, further = x[0, 0, 0, 0], x[0, 1, 1, 0]
        both = tf.stack([here, further])
    seen = tape.jacobian(both, image).numpy()[:, 0, :, :, 0] != 0
    columns = [np.flatnonzero(one.any(0)) for one in seen]
    assert reach.size == columns[0][-1] - columns[0][0] + 1
    assert reach.jump == columns[1][0] - columns[0][0]


@given(layers)
@settings(max_examples=10, deadline=None)
def test_influence_finds_the_receptive_field(stack):
    reach = cv.receptive_field(stack)
    assume(reach.size <= 17)
    size = reach.size + 3 * reach.jump

    def network(images):
        for kernel, stride, dilation in stack:
            ones = np.ones((kernel, kernel, 1, 1), np.float32)
            images = cv.correlate(images, ones, stride=stride, dilation=dilation)
        return images

    seen = cv.influence(network, size) != 0
    rows = np.flatnonzero(seen.any(1))
    assert rows[-1] - rows[0] + 1 == reach.size


def test_influence_leaves_out_the_answer_to_black():
    weights = kernels.KERNELS["box blur"][:, :, None, None]
    seen = cv.influence(lambda images: cv.correlate(images, weights, padding="same") + 5, 5)
    assert (seen != 0).sum() == 9
    assert seen.dtype == np.float32


@given(st.integers(0, 999), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_kernel_gradient_equals_tensorflow(seed, rows, columns):
    images, weights = some(seed, 2, 7, 6, 3), some(seed + 1, rows, columns, 3, 2)
    wanted = some(seed + 2, *cv.correlate(images, weights).shape)
    variable = tf.Variable(weights)
    with tf.GradientTape() as tape:
        output = tf.nn.conv2d(images, variable, 1, "VALID")
        loss = tf.reduce_sum((output - wanted) ** 2)
    wrong = 2 * (cv.correlate(images, weights) - wanted)
    got = cv.kernel_gradient(images, wrong, (rows, columns))
    near(got, tape.gradient(loss, variable).numpy(), 5e-6)


@given(st.integers(0, 999), st.integers(1, 3), st.integers(-2, 2), st.integers(-2, 2))
@settings(max_examples=40, deadline=None)
def test_moving_the_image_by_the_stride_moves_the_output_by_one(seed, stride, down, right):
    image, weights = some(seed, 1, 30, 30, 2), some(seed + 1, 3, 3, 2, 1)
    moved = np.roll(image, (stride * down, stride * right), (1, 2))
    before = np.roll(cv.correlate(image, weights, stride=stride), (down, right), (1, 2))
    after = cv.correlate(moved, weights, stride=stride)
    away = np.s_[:, 3:-3, 3:-3]  # np.roll brings the other side in at the border
    np.testing.assert_array_equal(before[away], after[away])


def test_nothing_is_changed_in_place_and_float64_stays():
    image, weights = some(0, 1, 6, 6, 2, kind=np.float64), some(1, 3, 3, 2, 1)
    kept = image.copy(), weights.copy()
    assert cv.correlate(image, weights, padding="same").dtype == np.float64
    cv.max_pool(image)
    cv.average_pool(image, padding="same")
    cv.convolve(image, weights)
    np.testing.assert_array_equal(image, kept[0])
    np.testing.assert_array_equal(weights, kept[1])


def test_whole_numbers_do_not_overflow():
    white = np.full((1, 4, 4, 1), 255, np.uint8)
    got = cv.correlate(white, np.ones((3, 3, 1, 1), np.uint8))
    assert got.dtype == np.float32
    assert got[0, 0, 0, 0] == 9 * 255


def test_multiply_adds_counts_the_products_of_the_loops(monkeypatch):
    images, weights = some(0, 2, 7, 6, 3), some(1, 3, 2, 3, 4)
    products = []
    add = np.sum
    monkeypatch.setattr(cv.np, "sum", lambda x, *a, **k: products.append(x.size) or add(x, *a, **k))
    cv.correlate_loops(images, weights, stride=2, padding="same")
    counted = cv.multiply_adds(images.shape, weights.shape, stride=2, padding="same")
    assert counted == sum(products)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cv.correlate(some(0, 5, 5), some(0, 3, 3, 1, 1)), "images: .* (N, H, W, C)"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3)), "kernels: .* (h, w, C, F)"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 3), some(0, 3, 3, 1, 2)), "the images have 3 ch"),
        (lambda: cv.correlate(some(0, 1, 2, 5, 1), some(0, 3, 3, 1, 1)), "fits into the image"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), dilation=3), "7 pixels"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), stride=0), "stride: got 0"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), stride=1.5), "stride"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), dilation=0), "dilation"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), padding="SAME"), "padding"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), padding=-1), "padding"),
        (lambda: cv.correlate(some(0, 1, 5, 5, 1), some(0, 3, 3, 1, 1), padding=True), "padding"),
        (lambda: cv.correlate(some(0, 0, 5, 5, 1), some(0, 3, 3, 1, 1)), "images"),
        (lambda: cv.correlate(np.full((1, 5, 5, 1), "a"), some(0, 3, 3, 1, 1)), "images"),
        (lambda: cv.correlate_loops(some(0, 1, 5, 5, 3), some(0, 3, 3, 1, 2)), "3 channels"),
        (lambda: cv.max_pool(some(0, 1, 2, 2, 1), 3), "fits into the image"),
        (lambda: cv.max_pool(some(0, 1, 5, 5, 1), stride=0), "stride"),
        (lambda: cv.max_pool(some(0, 1, 5, 5, 1), padding=1), "padding"),
        (lambda: cv.average_pool(some(0, 5, 5, 1)), "images"),
        (lambda: cv.average_pool(some(0, 1, 5, 5, 1), 0), "at least 1"),
        (lambda: cv.output_size(0, 3), "size: got 0"),
        (lambda: cv.output_size(5.0, 3), "size: got 5.0"),
        (lambda: cv.receptive_field([3]), "layers: got 3"),
        (lambda: cv.receptive_field([(3, 0)]), "stride: got 0"),
        (lambda: cv.receptive_field([(3, 1, 1, 1)]), "layers"),
        (lambda: cv.multiply_adds((1, 5, 5, 3), (3, 3, 1, 8)), "3 channels"),
        (lambda: cv.kernel_gradient(some(0, 1, 5, 5, 1), some(0, 1, 5, 5, 1), (3, 3)), "shape"),
        (lambda: cv.multiply_adds((1, 2, 3), (3, 3, 3, 8)), "images: got (1, 2, 3), wanted the 4"),
        (lambda: cv.multiply_adds((1, 5, 5, 3), (3, 3, 3)), "kernels: .*(h, w, C, F)"),
        (lambda: cv.multiply_adds((1, 5, 5, 3), (3, 3, 3, -8)), "kernels: got -8"),
        (lambda: cv.multiply_adds((0, 5, 5, 3), (3, 3, 3, 8)), "images: got 0"),
        (lambda: cv.multiply_adds(5, (3, 3, 3, 8)), "images: got 5"),
        (lambda: cv.windows(some(0, 1, 5, 5, 1), 3), "kernel: got 3, wanted the 2 .*(h, w)"),
        (lambda: cv.windows(some(0, 1, 5, 5, 1), (3,)), "kernel: got (3,)"),
        (lambda: cv.windows(some(0, 1, 5, 5, 1), (3, 0)), "kernel: got 0"),
        (lambda: cv.windows(some(0, 1, 5, 5, 1), "33"), "kernel: got '33'"),
        (lambda: cv.kernel_gradient(some(0, 1, 5, 5, 1), some(0, 1, 3, 3, 1), 3), "kernel: got 3"),
        (lambda: cv.span(0), "kernel: got 0"),
        (lambda: cv.span(3, 0), "dilation: got 0"),
        (lambda: cv.span(0, -1), "kernel: got 0"),
        (lambda: cv.influence(lambda x: x[..., 0], 3), "network: .*(10, 3, 3).*wanted one with"),
        (lambda: cv.influence(lambda x: x[:3], 3), "network: .*(3, 3, 3, 1) for 10 images"),
        (lambda: cv.influence(lambda x: x[:, :0], 3), "network"),
        (lambda: cv.influence(lambda x: None, 3), "network"),
        (lambda: cv.as_tensor(some(0, 5, 5)), "uint8"),
        (lambda: cv.as_tensor(np.zeros(5, np.uint8)), "uint8"),
        (lambda: cv.influence(lambda x: x, 0), "size"),
        (lambda: kernels.filter_image(some(0, 1, 5, 5, 1), some(0, 3, 3)), "image"),
        (lambda: kernels.filter_image(some(0, 0, 3), some(0, 3, 3)), "image: got .*(0, 3)"),
        (lambda: kernels.filter_image(some(0, 5, 5), some(0, 3)), "kernel"),
        (lambda: kernels.gaussian(3, 0), "sigma"),
        (lambda: kernels.gaussian(0, 1), "size"),
        (lambda: kernels.separate(some(0, 3)), "kernel"),
        (lambda: kernels.separate([[np.nan]]), "finite"),
        (lambda: kernels.template(np.ones((4, 4, 3))), "flat"),
        (lambda: kernels.template(np.ones((4, 4))), "crop"),
        (lambda: kernels.peak(np.ones(4)), "response"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(errors.InputError, match=says.replace("(", r"\(").replace(")", r"\)")):
        call()


def test_as_tensor_adds_the_axes_that_are_missing():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (4, 5), np.uint8)
    colour = rng.integers(0, 256, (4, 5, 3), np.uint8)
    batch = rng.integers(0, 256, (2, 4, 5, 3), np.uint8)
    shapes = [cv.as_tensor(pixels).shape for pixels in (grey, colour, batch)]
    assert shapes == [(1, 4, 5, 1), (1, 4, 5, 3), (2, 4, 5, 3)]
    got = cv.as_tensor(batch)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.rint(got * 255).astype(np.uint8), batch)


def test_grey_equals_opencv():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    wanted = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2GRAY)
    near(kernels.grey(cv.as_tensor(pixels))[0, :, :, 0], wanted)


def test_the_designed_kernels_equal_opencv():
    image = some(0, 9, 8)
    inside = np.s_[1:-1, 1:-1]
    reference = {
        "box blur": cv2.blur(image, (3, 3)),
        "Gaussian blur": cv2.GaussianBlur(image, (3, 3), 0),
        "Sobel x": cv2.Sobel(image, cv2.CV_32F, 1, 0),
        "Sobel y": cv2.Sobel(image, cv2.CV_32F, 0, 1),
        "Laplacian": cv2.Laplacian(image, cv2.CV_32F),
        "identity": image,
    }
    for name, wanted in reference.items():
        near(kernels.filter_image(image, kernels.KERNELS[name])[inside], wanted[inside])


def test_blurs_keep_flat_images_and_edges_are_blind_to_them():
    sums = {name: round(float(weights.sum()), 5) for name, weights in kernels.KERNELS.items()}
    assert sums == {
        "identity": 1,
        "box blur": 1,
        "Gaussian blur": 1,
        "sharpen": 1,
        "Sobel x": 0,
        "Sobel y": 0,
        "Laplacian": 0,
        "emboss": 1,
    }


def test_gaussian_equals_scipy_in_the_middle():
    point = np.zeros((31, 31))
    point[15, 15] = 1
    wanted = ndimage.gaussian_filter(point, 1.5, truncate=10)
    near(kernels.gaussian(31, 1.5), wanted, 1e-6)


@pytest.mark.filterwarnings("error")
@given(st.integers(1, 12), st.floats(-323, 308))
@settings(deadline=None)
def test_gaussian_sums_to_one_with_any_sigma(size, power):
    kernel = kernels.gaussian(size, 10.0**power)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert (kernel >= 0).all()


def test_a_narrow_gaussian_is_its_middle_pixels():
    near(kernels.gaussian(3, 1e-200), kernels.KERNELS["identity"])
    middle = np.zeros((4, 4))
    middle[1:3, 1:3] = 1 / 4
    near(kernels.gaussian(4, 1e-3), middle)


@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 5))
def test_separate_undoes_an_outer_product(seed, rows, columns):
    kernel = np.outer(some(seed, rows), some(seed + 1, columns))
    column, row = kernels.separate(kernel)
    near(column @ row, kernel)


def test_which_designed_kernels_are_separable():
    separable = {name for name, k in kernels.KERNELS.items() if kernels.separate(k) is not None}
    assert separable == {"identity", "box blur", "Gaussian blur", "Sobel x", "Sobel y"}
    column, row = kernels.separate(np.zeros((2, 3)))
    assert (column @ row == 0).all()


@given(st.integers(0, 999))
@settings(max_examples=30)
def test_two_thin_convolutions_do_the_work_of_a_thick_one(seed):
    image, kernel = some(seed, 9, 9), kernels.gaussian(5, 1.0)
    column, row = kernels.separate(kernel)
    twice = kernels.filter_image(kernels.filter_image(image, column), row)
    near(twice, kernels.filter_image(image, kernel), 1e-5)


def test_a_template_peaks_where_it_was_cut_although_something_is_brighter():
    frame = np.random.default_rng(3).uniform(0, 0.6, (40, 40, 3)).astype(np.float32)
    frame[30:, 30:] = 1  # a flat, white corner
    crop = frame[10:18, 12:21]
    found = cv.correlate(frame[None], kernels.template(crop))[0, :, :, 0]
    assert kernels.peak(found) == (10, 12)
    naive = cv.correlate(frame[None], crop[..., None])[0, :, :, 0]
    assert kernels.peak(naive) == (30, 30)


def test_follow_finds_a_piece_that_moves():
    rng = np.random.default_rng(0)
    piece = rng.uniform(0, 1, (6, 8, 3)).astype(np.float32)
    frames = rng.uniform(0.4, 0.6, (4, 30, 40, 3)).astype(np.float32)
    wanted = np.array([(5 + 7 * t, 3 + 5 * t, 13 + 7 * t, 9 + 5 * t) for t in range(4)], np.float32)
    for frame, (x1, y1, x2, y2) in zip(frames, wanted.astype(int), strict=True):
        frame[y1:y2, x1:x2] = piece
    np.testing.assert_array_equal(kernels.follow(frames, wanted[0] + 0.2), wanted)
    for box in ((-2, 0, 8, 8), (30, 20, 41, 30), (3, 3, 3.2, 3.2), (3, 3, 3, 9)):
        with pytest.raises(errors.InputError, match="box"):
            kernels.follow(frames, box)
