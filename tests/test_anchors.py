"""Anchors and their matches, against plain loops and pycocotools, and by their properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from tracklab import boxes, errors
from tracklab.quiet import tf

SIDE = 12
ABSENT = np.full((1, 4), np.nan, np.float32)


@st.composite
def whole_boxes(draw, most=8, least=0):
    """Small boxes with whole corners, of which many are equally good for one another."""
    n = draw(st.integers(least, most))
    low = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(0, SIDE)))
    size = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(1, SIDE)))
    return np.concatenate([low, low + size], -1).astype(np.float32)


# The grid


def test_grid_equals_three_loops():
    found = boxes.anchor_grid(50, 70, stride=16, sizes=(16, 32), ratios=(0.5, 1, 2))
    expected = []
    for i in range(4):  # 50 / 16 is 3.1, 70 / 16 is 4.4
        for j in range(5):
            for size in (16, 32):
                for ratio in (0.5, 1, 2):
                    w = (size * size / ratio) ** 0.5
                    x, y = 16 * j + 8, 16 * i + 8
                    half = (w / 2, w * ratio / 2)
                    expected.append([x - half[0], y - half[1], x + half[0], y + half[1]])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32


@given(
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from([4, 7.5, 8, 16]),
    st.lists(st.floats(1, 300), min_size=1, max_size=3),
    st.lists(st.floats(0.1, 10), min_size=1, max_size=3),
)
@settings(deadline=None)
def test_grid_has_its_rows_areas_and_ratios(height, width, stride, sizes, ratios):
    found = boxes.anchor_grid(height, width, stride=stride, sizes=sizes, ratios=ratios)
    h, w, k = int(-(-height // stride)), int(-(-width // stride)), len(sizes) * len(ratios)
    assert found.shape == (h * w * k, 4)
    shaped = found.astype(np.float64).reshape(h, w, len(sizes), len(ratios), 4)
    across, down = np.moveaxis(shaped[..., 2:] - shaped[..., :2], -1, 0)
    np.testing.assert_allclose(
        across * down, np.broadcast_to(np.square(sizes)[:, None], across.shape), rtol=1e-3
    )
    np.testing.assert_allclose(down / across, np.broadcast_to(ratios, across.shape), rtol=1e-3)
    middles = (shaped[..., :2] + shaped[..., 2:]) / 2
    for i in range(h):
        np.testing.assert_allclose(middles[i, ..., 1], (i + 0.5) * stride, atol=1e-4)
    for j in range(w):
        np.testing.assert_allclose(middles[:, j, ..., 0], (j + 0.5) * stride, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"height": -1}, "height: got -1"),
        ({"width": 1.5}, "width: got 1.5, wanted a whole number"),
        ({"stride": 0}, "stride: got .*above 0"),
        ({"stride": [4, 8]}, "stride: got .4, 8., wanted a number"),
        ({"sizes": []}, "sizes: got .*above 0"),
        ({"sizes": [8, -1]}, "sizes: got .*above 0"),
        ({"sizes": [[8]]}, "sizes: got .*above 0"),
        ({"ratios": [1, np.nan]}, "ratios: got .*above 0"),
        ({"ratios": "wide"}, "ratios: got 'wide'"),
        ({"ratios": np.inf}, "ratios: got inf"),
    ],
)
def test_bad_grids_are_named(options, said):
    with pytest.raises(errors.InputError, match=said):
        boxes.anchor_grid(**({"height": 32, "width": 32, "stride": 8, "sizes": 8} | options))


# Matches


def plain_match(anchors, truth, positive, negative, low_quality):
    """The rules one after the other, anchor by anchor and object by object, in float64."""
    found = []
    if not len(truth):
        return [boxes.BACKGROUND] * len(anchors)
    corner_and_size = [np.c_[b[:, :2], b[:, 2:] - b[:, :2]].astype(float) for b in (anchors, truth)]
    overlaps = coco.iou(*corner_and_size, [0] * len(truth)).tolist() if len(anchors) else []
    for row in overlaps:
        best = max(row)
        if best >= positive and best > 0:
            found.append(row.index(best))
        elif best < negative or best == 0:
            found.append(boxes.BACKGROUND)
        else:
            found.append(boxes.IGNORED)
    if not low_quality:
        return found
    claims = [[] for _ in anchors]
    for number in range(len(truth)):
        most = max((row[number] for row in overlaps), default=0)
        for anchor, row in enumerate(overlaps):
            if row[number] > 0 and row[number] >= most * (1 - 1e-4):
                claims[anchor].append(number)
    for anchor, numbers in enumerate(claims):
        if numbers:
            found[anchor] = max(numbers, key=lambda number: (overlaps[anchor][number], -number))
    return found


@given(
    whole_boxes(),
    whole_boxes(),
    st.sampled_from([(0.7, 0.3), (0.5, 0.5), (0.5, 0.0), (1.0, 0.2), (0.0, 0.0), (1.0, 1.0)]),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_match_equals_plain_loops(anchors, truth, thresholds, low_quality):
    positive, negative = thresholds
    options = {"positive": positive, "negative": negative, "low_quality": low_quality}
    expected = plain_match(anchors, truth, **options)
    found = boxes.match(anchors, truth, **options)
    assert found.dtype == np.int64
    assert found.tolist() == expected
    padded = np.concatenate([ABSENT, truth, ABSENT])
    again = boxes.match(anchors, padded, **options)
    assert again.tolist() == [n + 1 if n >= 0 else n for n in expected], "absent rows get nothing"
    tensors = boxes.match(tf.constant(anchors), tf.constant(truth), **options)
    assert tensors.numpy().tolist() == expected


@given(whole_boxes(least=1), whole_boxes(least=1))
@settings(deadline=None)
def test_every_object_that_an_anchor_overlaps_has_one(anchors, truth):
    overlaps = boxes.iou(anchors, truth)
    found = boxes.match(anchors, truth)
    for number, column in enumerate(overlaps.T):
        if column.max() == 0:
            assert number not in found
        elif number not in found:
            # each of its best anchors answers for an object that it overlaps at least as much
            best = np.flatnonzero(column >= column.max() * (1 - 1e-5))
            assert all(overlaps[a, found[a]] >= column[a] and found[a] >= 0 for a in best)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
@pytest.mark.parametrize("offset", [0, 1000, 2000.3])
def test_all_equally_good_anchors_are_kept(kind, offset):
    # an object in the middle of four anchors, far from the origin, where float32 is coarse
    anchors = boxes.anchor_grid(32, 32, stride=16, sizes=16, ratios=1) + np.float32(offset)
    middle = np.array([11, 11, 21, 21]) + offset
    found = np.asarray(boxes.match(kind(anchors), kind(middle[None].astype(np.float32))))
    assert found.tolist() == [0, 0, 0, 0]
    without = boxes.match(kind(anchors), kind(middle[None].astype(np.float32)), low_quality=False)
    assert set(np.asarray(without).tolist()) == {boxes.BACKGROUND}


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
def test_rounding_breaks_no_ties(kind):
    grid = boxes.anchor_grid(32, 32, stride=16, sizes=(16, 32), ratios=(0.5, 1, 2))
    broken = 0
    for offset in np.random.default_rng(0).uniform(0, 1000, 50):
        anchors = (grid + offset).astype(np.float32)
        truth = (np.array([[11.3, 11.3, 20.7, 20.7]]) + offset).astype(np.float32)
        overlaps = np.asarray(boxes.iou(kind(anchors), kind(truth)))[:, 0]
        broken += (overlaps == overlaps.max()).sum() < 4
        found = np.asarray(boxes.match(kind(anchors), kind(truth)))
        best = np.arange(24) % 6 == 4  # the square of 32 at each of the four places
        np.testing.assert_array_equal(found >= 0, best)
    assert broken, "in float32 they are not equal"


def test_an_anchor_that_is_best_for_two_objects_takes_the_one_it_overlaps_more():
    anchors = [[0, 0, 10, 10], [100, 0, 110, 10]]
    truth = [[0, 0, 4, 10], [4, 0, 10, 10], [5, 5, 5, 5]]
    assert boxes.match(anchors, truth).tolist() == [1, boxes.BACKGROUND]
    equal = [[0, 0, 5, 10], [5, 0, 10, 10]]
    assert boxes.match(anchors, equal).tolist() == [0, boxes.BACKGROUND], "the first of equals"


def test_an_object_keeps_its_best_anchor_though_the_anchor_prefers_another():
    anchors = [[0, 0, 10, 10], [1, 0, 11, 10]]
    truth = [[0, 0, 10, 10], [11, 0, 12, 10], [10, 0, 12, 10]]
    # the second anchor overlaps object 0 by 0.82, but it is the only one to touch object 2
    assert boxes.match(anchors, truth).tolist() == [0, 2]
    assert boxes.match(anchors, truth, low_quality=False).tolist() == [0, 0]


def test_thresholds_are_where_they_are_said_to_be():
    anchors = [[0, 0, 10, 10]]
    for width, expected in ((7, 0), (6.9, -2), (3, -2), (2.9, -1)):
        assert boxes.match(anchors, [[0, 0, width, 10]], low_quality=False).tolist() == [expected]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "truth",
    [
        np.zeros((0, 4)),
        np.full((3, 4), np.nan),
        [[3, 3, 3, 3]],
        [[3, 3, 3, 9]],
        [[9, 9, 2, 2]],
        [[90, 90, 99, 99]],
        [[0, 0, np.inf, np.inf]],
    ],
)
def test_objects_that_overlap_nothing_leave_background(truth):
    anchors = boxes.anchor_grid(16, 16, stride=8, sizes=8)
    assert set(boxes.match(anchors, truth).tolist()) == {boxes.BACKGROUND}
    truth = tf.constant(np.asarray(truth, np.float32))
    assert set(boxes.match(anchors, truth).numpy().tolist()) == {boxes.BACKGROUND}
    assert boxes.match(np.zeros((0, 4)), truth).shape == (0,)


def test_a_batch_of_truths_is_matched_image_by_image():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (3, 6, 2))
    truth = np.concatenate([low, low + rng.uniform(4, 30, (3, 6, 2))], -1).astype(np.float32)
    truth[1] = np.nan
    anchors = boxes.anchor_grid(64, 64, stride=8, sizes=(12, 24))
    compiled = tf.function(
        boxes.match,
        input_signature=[tf.TensorSpec((None, 4)), tf.TensorSpec((None, None, 4))],
    )
    expected = np.stack([boxes.match(anchors, one) for one in truth])
    assert (expected[1] == boxes.BACKGROUND).all()
    assert {-2, -1, 0} <= set(expected[0].tolist())
    np.testing.assert_array_equal(boxes.match(anchors, truth), expected)
    np.testing.assert_array_equal(compiled(anchors, truth), expected)
    np.testing.assert_array_equal(compiled(anchors, truth[:, :0]), np.full_like(expected, -1))


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((ABSENT, ABSENT), {"positive": 1.1}, "positive: got 1.1, wanted a number from 0 to 1"),
        ((ABSENT, ABSENT), {"positive": 0.5, "negative": 0.6}, "negative: got 0.6.*0 to 0.5"),
        ((ABSENT, ABSENT), {"positive": np.nan}, "positive: got nan"),
        ((ABSENT[0], ABSENT), {}, r"anchors: got one box of shape \(4,\)"),
        ((ABSENT, ABSENT[0]), {}, r"truth: got one box of shape \(4,\)"),
        ((ABSENT, np.zeros((2, 3, 3, 4))), {"negative": -1}, "negative: got -1"),
        ((np.zeros((2, 1, 4)), np.zeros((3, 1, 4))), {}, "truth: .* axes that go with anchors of"),
        ((ABSENT, [[1, 2, 3]]), {}, r"truth: got .*\(1, 3\)"),
        ((ABSENT, tf.zeros((2, 3))), {}, r"truth: got a tensor of shape \(2, 3\)"),
    ],
)
def test_bad_matches_are_named(arguments, options, said):
    with pytest.raises(errors.InputError, match=said):
        boxes.match(*arguments, **options)
