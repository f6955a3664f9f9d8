"""Boxes against independent references (pycocotools, counted pixels, Keras) and by properties."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from tracklab import boxes, errors
from tracklab.quiet import keras, tf

GRID = 64
NAN = np.full((1, 4), np.nan, np.float32)


@st.composite
def box_sets(draw, most=6, least=0, whole=False):
    """Boxes with an area, inside a square of `GRID` pixels."""
    n = draw(st.integers(least, most))
    low = draw(hnp.arrays(np.float32, (n, 2), elements=st.floats(0, GRID - 2, width=32)))
    size = draw(hnp.arrays(np.float32, (n, 2), elements=st.floats(1, GRID, width=32)))
    found = np.concatenate([low, np.minimum(low + size, GRID)], -1).astype(np.float32)
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    return np.round(found) if whole else found


@given(box_sets(), box_sets())
@settings(deadline=None)
def test_iou_equals_pycocotools(a, b):
    if not len(a) or not len(b):
        assert boxes.iou(a, b).shape == (len(a), len(b))
        return
    theirs = coco.iou(
        boxes.xyxy_to_xywh(a).astype(float), boxes.xyxy_to_xywh(b).astype(float), [0] * len(b)
    )
    np.testing.assert_allclose(boxes.iou(a, b), theirs, atol=1e-5)


@given(box_sets(whole=True), box_sets(whole=True))
@settings(deadline=None)
def test_intersection_counts_shared_pixels(a, b):
    def pixels(box):
        mask = np.zeros((GRID + 1, GRID + 1), np.uint8)
        x1, y1, x2, y2 = box.astype(int)
        mask[y1:y2, x1:x2] = 1
        return mask

    counted = [[int((pixels(p) & pixels(q)).sum()) for q in b] for p in a]
    np.testing.assert_array_equal(
        boxes.intersection(a, b), np.array(counted).reshape(len(a), len(b))
    )


@given(box_sets(), box_sets())
@settings(deadline=None)
def test_iou_and_giou_properties(a, b):
    iou, giou = boxes.iou(a, b), boxes.giou(a, b)
    np.testing.assert_allclose(iou, boxes.iou(b, a).T, atol=1e-6)
    assert ((iou >= 0) & (iou <= 1 + 1e-6)).all()
    assert (giou <= iou + 1e-6).all()
    assert (giou >= -1 - 1e-6).all()
    np.testing.assert_allclose(np.diag(boxes.iou(a, a)), 1, atol=1e-6)
    np.testing.assert_allclose(np.diag(boxes.giou(a, a)), 1, atol=1e-6)


@given(box_sets(least=1, whole=True), box_sets(least=1, whole=True))
@settings(deadline=None, max_examples=30)
def test_giou_equals_counted_pixels(a, b):
    def pixels(x1, y1, x2, y2):
        mask = np.zeros((GRID + 1, GRID + 1), bool)
        mask[int(y1) : int(y2), int(x1) : int(x2)] = True
        return mask

    for p, row in zip(a, boxes.giou(a, b), strict=True):
        for q, found in zip(b, row, strict=True):
            one, two = pixels(*p), pixels(*q)
            hull = pixels(min(p[0], q[0]), min(p[1], q[1]), max(p[2], q[2]), max(p[3], q[3]))
            shared, union = (one & two).sum(), (one | two).sum()
            expected = shared / union - (hull & ~(one | two)).sum() / hull.sum()
            assert found == pytest.approx(expected, abs=1e-6)


def test_giou_of_neighbours_and_of_distant_boxes():
    # by hand: the hull of [0, 10] and [30, 40] is 400, of which 200 is neither box
    np.testing.assert_allclose(
        boxes.giou([[0, 0, 10, 10]], [[10, 0, 20, 10], [30, 0, 40, 10]]), [[0, -0.5]]
    )


@given(box_sets())
@settings(deadline=None)
def test_formats_round_trip(a):
    np.testing.assert_allclose(boxes.xywh_to_xyxy(boxes.xyxy_to_xywh(a)), a, atol=1e-4)
    np.testing.assert_allclose(boxes.cxcywh_to_xyxy(boxes.xyxy_to_cxcywh(a)), a, atol=1e-4)
    np.testing.assert_allclose(boxes.sizes(a).prod(-1), boxes.area(a), rtol=1e-6)


@given(box_sets(1, 1, whole=True), st.integers(1, GRID), st.integers(1, GRID))
@settings(deadline=None)
def test_clip_is_what_is_left_of_the_pixels(a, height, width):
    inside = boxes.clip(a, height, width)[0]
    x1, y1, x2, y2 = a[0].astype(int)
    left = np.zeros((GRID, GRID), bool)
    left[y1:y2, x1:x2] = True
    assert boxes.area(inside) == left[:height, :width].sum()


@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
@settings(deadline=None)
def test_from_mask_equals_opencv(mask):
    tight = boxes.from_mask(mask)
    if mask.any():
        np.testing.assert_array_equal(
            boxes.xyxy_to_xywh(tight), cv2.boundingRect(mask.astype(np.uint8))
        )
    else:
        assert np.isnan(tight).all()


def test_absent_boxes_overlap_with_nothing():
    absent = np.full((1, 4), np.nan)
    assert boxes.iou(absent, [[0, 0, 5, 5]])[0, 0] == 0
    assert boxes.iou(absent, absent)[0, 0] == 0
    assert boxes.as_boxes(absent, absent=True).shape == (1, 4)


def test_boxes_without_area_have_no_overlap():
    point = [[3, 3, 3, 3]]
    assert boxes.iou(point, point)[0, 0] == 0
    assert boxes.iou(point, [[0, 0, 9, 9]])[0, 0] == 0


@pytest.mark.filterwarnings("error")
@given(st.floats(-44, 38), st.floats(-44, 38), st.booleans())
@settings(deadline=None)
def test_a_box_of_any_size_is_equal_to_itself(width, height, middle):
    box = np.array([0, 0, 10**width, 10**height], np.float32)
    if middle:
        box = np.concatenate([-box[2:], box[2:]])
    assert boxes.iou([box], [box])[0, 0] == 1
    assert boxes.giou([box], [box])[0, 0] == 1
    np.testing.assert_array_equal(boxes.as_box(box), box)


@pytest.mark.filterwarnings("error")
def test_areas_that_float32_cannot_hold():
    assert repr(boxes.area([10, 20, 40, 60])) == "np.float32(1200.0)", "one box, one number"
    large = [[0, 0, 1e20, 1e20]]
    assert np.isposinf(boxes.area(large)).all()
    assert np.isposinf(boxes.intersection(large, large)).all()
    np.testing.assert_allclose(boxes.iou(large, [[0, 0, 1e20, 0.5e20]]), [[0.5]])
    np.testing.assert_allclose(boxes.giou([[0, 0, 1e-23, 1e-23]], [[0, 0, 1e20, 1e20]]), [[0]])


@given(box_sets(), box_sets(), st.sampled_from([[2, 1, 0, 3], [0, 3, 2, 1], [2, 3, 0, 1]]))
@settings(deadline=None)
def test_corners_in_the_wrong_order_cover_nothing(a, b, order):
    a = a[:, order]
    assert not boxes.area(a).any()
    for one, two in ((a, b), (b, a), (a, a)):
        assert not boxes.iou(one, two).any()
        assert not boxes.intersection(one, two).any()
        giou = boxes.giou(one, two)
        assert ((giou >= -1 - 1e-6) & (giou <= 1e-6)).all()


def test_inputs_are_not_changed():
    given_boxes = np.array([[0, 0, 9, 9]], np.float32)
    kept = given_boxes.copy()
    for function in (boxes.xyxy_to_xywh, boxes.xyxy_to_cxcywh, boxes.as_boxes):
        function(given_boxes)[:] = -1
    boxes.clip(given_boxes, 4, 4)[:] = -1
    boxes.encode(given_boxes, given_boxes)[:] = -1
    boxes.decode(given_boxes, given_boxes)[:] = -1
    np.testing.assert_array_equal(given_boxes, kept)


# Leading axes, and tensors


def some_boxes(*shape, seed=0, odd=False):
    """Boxes with an area; with `odd`, also absent, crossed, pointlike, repeated and nested ones."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(-20, 80, (*shape, 2))
    found = np.concatenate([low, low + rng.uniform(2, 60, (*shape, 2))], -1).astype(np.float32)
    if odd:
        found[..., 0, :] = np.nan
        found[..., 1, :] = [30, 30, 10, 50]
        found[..., 2, :] = [25, 25, 25, 25]
        found[..., 3, :] = [20, 20, 20, 60]
        found[..., 4, :] = found[..., 5, :]
    return found


# name, arguments: every function that takes tensors
TAKERS = {
    "area": (some_boxes(7, odd=True),),
    "intersection": (some_boxes(7, odd=True), some_boxes(8, seed=1, odd=True)),
    "iou": (some_boxes(7, odd=True), some_boxes(3, 8, seed=1, odd=True)),
    "giou": (some_boxes(3, 7, odd=True), some_boxes(8, seed=1, odd=True)),
    "encode": (some_boxes(7), some_boxes(3, 7, seed=1)),
    "decode": (some_boxes(7), np.float32(np.random.default_rng(0).normal(0, 3, (3, 7, 4)))),
    "match": (some_boxes(40), some_boxes(3, 8, seed=1, odd=True)),
    "xyxy_to_xywh": (some_boxes(2, 7, odd=True),),
    "xywh_to_xyxy": (some_boxes(2, 7, odd=True),),
    "xyxy_to_cxcywh": (some_boxes(2, 7, odd=True),),
    "cxcywh_to_xyxy": (some_boxes(2, 7, odd=True),),
    "centers": (some_boxes(2, 7, odd=True),),
    "sizes": (some_boxes(2, 7, odd=True),),
}


@pytest.mark.parametrize("name", TAKERS)
def test_tensors_give_what_arrays_give(name):
    function, arrays = getattr(boxes, name), TAKERS[name]
    expected = function(*arrays)
    unknown = [tf.TensorSpec([None] * (a.ndim - 1) + [4], tf.float32) for a in arrays]
    compiled = tf.function(function, input_signature=unknown)
    ways = [compiled(*arrays), function(*map(tf.constant, arrays))]
    ways += [function(tf.Variable(arrays[0]), *arrays[1:])]  # a tensor beside an array
    ways += [function(*arrays[:-1], tf.constant(arrays[-1]))]
    for found in ways:
        assert tf.is_tensor(found)
        assert found.dtype == (tf.int32 if name == "match" else tf.float32)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
    nothing = [a[..., :0, :] for a in arrays]
    assert compiled(*nothing).shape == function(*nothing).shape


def test_clip_takes_tensors_for_boxes_and_for_the_size():
    some = some_boxes(2, 7, odd=True)
    expected = boxes.clip(some, 30, 50.5)
    for height, width in ((30, 50.5), (tf.constant(30), tf.constant(50.5))):
        np.testing.assert_array_equal(boxes.clip(tf.constant(some), height, width), expected)
    whole_sizes = tf.function(lambda b, h, w: boxes.clip(b, h, w))
    np.testing.assert_array_equal(
        whole_sizes(some, tf.constant(30), tf.constant(50)), boxes.clip(some, 30, 50)
    )


@pytest.mark.parametrize("name", ["intersection", "iou", "giou"])
def test_leading_axes_are_images(name):
    function = getattr(boxes, name)
    a, b = some_boxes(2, 3, 5, odd=False), some_boxes(3, 6, seed=1, odd=True)
    together = function(a, b)
    assert together.shape == (2, 3, 5, 6)
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(together[i, j], function(a[i, j], b[j]))


def test_tensors_keep_their_precision():
    a, b = some_boxes(5), some_boxes(5, seed=1)
    double = boxes.iou(tf.constant(a, tf.float64), tf.constant(b))
    assert double.dtype == tf.float64
    np.testing.assert_allclose(double, boxes.iou(a, b), atol=1e-7)
    assert boxes.iou(tf.constant(a), b.astype(np.float64)).dtype == tf.float32
    half = tf.constant([[0, 0, 300, 300]], tf.float16)  # its area is more than float16 holds
    np.testing.assert_array_equal(boxes.area(half), [90_000])
    whole = tf.constant([[0, 0, 3, 3]])
    assert boxes.iou(whole, whole).dtype == tf.float32
    assert boxes.iou(whole, whole)[0, 0] == 1


def test_keras_builds_a_model_with_boxes():
    anchors = some_boxes(6)
    offsets = keras.Input((6, 4))
    model = keras.Model(offsets, boxes.decode(anchors, offsets))
    some = np.random.default_rng(0).normal(0, 1, (2, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(model(some), boxes.decode(anchors, some), rtol=1e-5, atol=1e-4)


def test_arrays_do_not_need_tensorflow():
    code = """
import sys
from tracklab import boxes
grid = boxes.anchor_grid(32, 32, stride=8, sizes=8)
boxes.match(grid, grid[:1]), boxes.giou(grid, grid), boxes.decode(grid, boxes.encode(grid, grid))
boxes.nms(grid, [1] * len(grid)), boxes.clip(grid, 9, 9)
print(sorted({"tensorflow", "keras", "cv2"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def slope(function, at, step=1e-5):
    """The gradient by central differences."""
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        found[index] = (function(up) - function(down)) / (2 * step)
    return found


@pytest.mark.parametrize("name", ["iou", "giou", "decode", "encode"])
@pytest.mark.parametrize("which", [0, 1])
def test_gradients_equal_finite_differences(name, which):
    function = getattr(boxes, name)
    pair = [some_boxes(5).astype(np.float64), some_boxes(5, seed=1).astype(np.float64)]
    if name == "decode":
        pair[1] = np.random.default_rng(1).normal(0, 1, (5, 4))
    weights = np.random.default_rng(2).normal(0, 1, function(*pair).shape)

    def loss(value):
        arguments = [tf.constant(array) for array in pair]
        arguments[which] = value
        return tf.reduce_sum(function(*arguments) * weights)

    value = tf.constant(pair[which])
    with tf.GradientTape() as tape:
        tape.watch(value)
        total = loss(value)
    expected = slope(lambda array: float(loss(tf.constant(array))), pair[which])
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(tape.gradient(total, value), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["iou", "giou"])
def test_gradients_are_finite_for_odd_boxes(name):
    a, b = tf.constant(some_boxes(7, odd=True)), tf.constant(some_boxes(7, odd=True))
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        value = getattr(boxes, name)(a, b)
        total = tf.reduce_sum(tf.where(tf.math.is_nan(value), 0.0, value))
    for gradient in tape.gradient(total, [a, b]):
        assert np.isfinite(gradient).all()
        assert not gradient[0].numpy().any(), "an absent box has nothing to learn"


def test_gradients_of_decode_are_finite_for_points_and_end_at_the_clamp():
    anchors = tf.constant([[0, 0, 8, 8], [5, 5, 5, 5]], tf.float32)
    offsets = tf.constant([[0.5, 0, 100, 1], [0, 0, 1, -200]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([anchors, offsets])
        value = boxes.decode(anchors, offsets)
    to_anchors, to_offsets = tape.gradient(value, [anchors, offsets], value**2)
    assert np.isfinite(value).all()
    assert np.isfinite(to_anchors).all()
    assert np.isfinite(to_offsets).all()
    assert to_offsets[0, 2] == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: boxes.iou(tf.zeros((3, 5)), NAN), r"a: got a tensor of shape \(3, 5\), wanted"),
        (lambda: boxes.iou(NAN, tf.zeros(4)), r"b: got one box of shape \(4,\), wanted shape \(N"),
        (lambda: boxes.iou(tf.zeros((2, 1, 4)), tf.zeros((3, 1, 4))), r"b: .*\(3, 1, 4\).* a of"),
        (lambda: boxes.iou(np.zeros((2, 1, 4)), np.zeros((3, 1, 4))), r"b: .*\(3, 1, 4\).* a of"),
        (lambda: boxes.decode(np.zeros((2, 4)), np.zeros((3, 4))), r"offsets: .* anchors of"),
        (lambda: boxes.decode(NAN, [1, 2, 3]), r"offsets: .*\(3,\).* dx, dy, dw, dh"),
        (
            lambda: boxes.decode(NAN, [0, 0, np.inf, 0]),
            r"offsets: .*inf.* at index \[\], wanted fin",
        ),
        (lambda: boxes.decode(NAN, NAN, clamp=-1), r"clamp: got -1"),
        (lambda: boxes.encode([9, 9, 0, 0], NAN), r"anchors: .*x1 <= x2"),
        (lambda: boxes.encode([[0, 0, 0, 9]], NAN), r"anchors: .*index \[0\].*width and a height"),
        (lambda: boxes.encode([[0, 0, 9, 9]], [3, 3, 3, 3]), r"boxes: .*width and a height"),
        (lambda: boxes.encode([0, 0, np.inf, 9], NAN), r"anchors: .*inf"),
        (lambda: boxes.clip(NAN, -1, 5), r"height: got -1"),
        (lambda: boxes.clip(NAN, 5, np.nan), r"width: got nan"),
        (lambda: boxes.area(tf.constant(["a"])), r"boxes: got a tensor of shape \(1,\)"),
    ],
)
def test_what_no_array_and_no_tensor_may_be(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()


def test_a_graph_must_know_that_there_are_four_numbers():
    for shape in (None, [None, None]):
        unknown = [tf.TensorSpec(shape, tf.float32)]
        # autograph would hand on the words, but in an exception of its own
        compiled = tf.function(boxes.area, input_signature=unknown, autograph=False)
        with pytest.raises(errors.InputError, match="known when the graph is built"):
            compiled.get_concrete_function()


@pytest.mark.filterwarnings("error")
def test_boxes_without_end_overlap_nothing():
    endless = [[0, 0, np.inf, np.inf], [-np.inf, 0, np.inf, 5], [0, 0, np.inf, 0]]
    some = [[0, 0, 10, 10], [np.nan] * 4]
    assert not boxes.iou(endless, endless).any()
    assert not boxes.iou(endless, some).any()
    assert boxes.intersection(endless, some)[0].tolist() == [100, 0]


# Offsets


def test_offsets_by_hand():
    # R-CNN, appendix C: t_x = (G_x - P_x) / P_w, t_w = log(G_w / P_w)
    found = boxes.encode([10, 10, 30, 50], [20, 10, 60, 30])
    np.testing.assert_allclose(found, [20 / 20, -10 / 40, np.log(2), np.log(0.5)], rtol=1e-6)


@given(box_sets(4, 4), box_sets(4, 4))
@settings(deadline=None)
def test_encode_and_decode_equal_keras(anchors, some):
    # Keras writes offsets as x, y, w, h where it is told "center_xywh"
    from keras.utils import bounding_boxes as theirs

    expected = theirs.encode_box_to_deltas(
        tf.constant(anchors), tf.constant(some), "xyxy", "xyxy", encoding_format="center_xywh"
    )
    ours = boxes.encode(anchors, some)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
    back = theirs.decode_deltas_to_boxes(
        tf.constant(anchors), tf.constant(ours), "xyxy", "xyxy", encoded_format="center_xywh"
    )
    small = (ours[:, 2:] < boxes.GROWTH).all(-1)
    np.testing.assert_allclose(boxes.decode(anchors, ours)[small], back[small], atol=1e-3)


@given(box_sets(4, 4), box_sets(4, 4))
@settings(deadline=None)
def test_decode_undoes_encode(anchors, some):
    small = (boxes.sizes(some) <= 62.5 * boxes.sizes(anchors)).all(-1)
    found = boxes.decode(anchors, boxes.encode(anchors, some))
    np.testing.assert_allclose(found[small], some[small], atol=1e-3)
    # to more digits than float32 has, without the rounding in between
    wide = boxes.decode(tf.constant(anchors, tf.float64), _wide_offsets(anchors, some))
    np.testing.assert_allclose(wide[small], some[small], atol=1e-9)


def _wide_offsets(anchors, some):
    return boxes.encode(tf.constant(anchors, tf.float64), tf.constant(some, tf.float64))


@given(
    box_sets(3, 3),
    box_sets(3, 3),
    st.floats(0.1, 20),
    st.tuples(st.floats(-99, 99), st.floats(-99, 99)),
)
@settings(deadline=None)
def test_offsets_do_not_see_where_and_how_large(anchors, some, scale, move):
    shift = np.array(move * 2)
    moved = [tf.constant(scale * array.astype(float) + shift) for array in (anchors, some)]
    np.testing.assert_allclose(boxes.encode(*moved), _wide_offsets(anchors, some), atol=1e-9)


def test_decode_clamps_growth():
    grown = boxes.decode([0, 0, 16, 16], [0, 0, 50, 1])
    np.testing.assert_allclose(boxes.sizes(grown), [1000, 16 * np.e], rtol=1e-5)
    np.testing.assert_allclose(boxes.sizes(boxes.decode([0, 0, 1, 1], [0, 0, 9, 9], clamp=1)), np.e)
    assert boxes.sizes(boxes.decode([0, 0, 16, 16], [0, 0, -999, 0]))[0] == 0


def test_offsets_of_tensors_are_finite_without_an_area():
    odd = tf.constant([[5, 5, 5, 5], [0, 0, 9, 9], [0, 0, 0, 9], [9, 9, 0, 0]], tf.float32)
    np.testing.assert_array_equal(boxes.encode(odd, odd)[:3], np.zeros((3, 4)))
    with tf.GradientTape() as tape:
        tape.watch(odd)
        offsets = boxes.encode(odd[:, None], odd[None])
    assert np.isfinite(offsets).all()
    assert np.isfinite(tape.gradient(offsets, odd)).all()
    some = some_boxes(6)
    np.testing.assert_allclose(
        boxes.decode(some, boxes.encode(some, odd[0])), [odd[0]] * 6, atol=1e-4
    )


def test_absent_boxes_have_absent_offsets():
    assert np.isnan(boxes.encode([[0, 0, 9, 9]], NAN)).all()
    assert np.isnan(boxes.encode(NAN, [[0, 0, 9, 9]])).all()
    assert np.isnan(boxes.decode([[0, 0, 9, 9]], NAN)).all()
    for place in range(4):  # one NaN among the four is enough
        offsets = np.zeros((2, 4), np.float32)
        offsets[0, place] = np.nan
        for one in (offsets, tf.constant(offsets)):
            found = np.asarray(boxes.decode([[0, 0, 9, 9]], one))
            assert np.isnan(found[0]).all()
            assert found[1].tolist() == [0, 0, 9, 9]


# Bad input


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2, 3], r"boxes: got .*\(3,\).*wanted shape \(\.\.\., 4\)"),
        ([[1, 2, np.nan, 4]], r"nan.* at index \[0\], wanted finite"),
        ([[0, 0, 1, 1], [5, 0, 1, 1]], r"at index \[1\].*x1 <= x2.*xywh"),
        ("box", "boxes: got 'box'"),
        (None, "boxes: got None, wanted shape"),
        (7, "boxes: got 7, wanted shape"),
        (np.array([0, 0, 1, 1j]), "boxes: got .*complex128, wanted numbers"),
        ([[0, 0, np.inf, 1]], "inf"),
        ([[1, 2], [1]], "boxes: got"),
    ],
)
def test_bad_boxes_are_named(value, said):
    with pytest.raises(errors.InputError, match=said):
        boxes.as_boxes(value)


def test_a_size_below_0_is_refused():
    says = r"boxes: got \[5.0, 6.0, -1.0, 2.0\] at index \[1\], wanted x, y, w, h"
    with pytest.raises(errors.InputError, match=says):
        boxes.xywh_to_xyxy([[0, 0, 1, 1], [5, 6, -1, 2]])
    assert boxes.xywh_to_xyxy([5, 6, 0, np.nan])[2] == 5


def test_nothing_is_said_to_be_nothing():
    for call in (boxes.iou, boxes.giou, boxes.match):
        with pytest.raises(errors.InputError, match="got None, wanted"):
            call(None, [[0, 0, 1, 1]])


def test_one_box_has_an_area():
    with pytest.raises(errors.InputError, match=r"box: .*width and a height"):
        boxes.as_box([3, 3, 3, 9])
    with pytest.raises(errors.InputError, match=r"one box of shape \(4,\)"):
        boxes.as_box([[0, 0, 1, 1]])
    with pytest.raises(errors.InputError, match=r"b: got .*wanted shape \(N, 4\)"):
        boxes.iou([[0, 0, 1, 1]], [0, 0, 1, 1])
