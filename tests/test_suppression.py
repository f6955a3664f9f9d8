"""Suppression, hard and soft, against TensorFlow, OpenCV and plain loops, and by properties."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tracklab import boxes, errors
from tracklab.quiet import tf

SIDE = 30
THRESHOLDS = st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.7, 1.0])


def found_boxes(n, draw_low, draw_size):
    return np.concatenate([draw_low, draw_low + draw_size], -1).astype(np.float32).reshape(n, 4)


@st.composite
def detections(draw, most=12, least=0, ties=True, whole=None):
    """Boxes, scores and labels; with ties, corners are whole and scores are often equal.

    `whole=True` without ties: whole corners, but scores of which no two are equal or become so.
    """
    n = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    if ties or whole:
        low = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(0, SIDE)))
        size = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(0, SIDE)))
        scores = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 8))) / 8
    else:
        low, size = rng.uniform(0, SIDE, (n, 2)), rng.uniform(1, SIDE, (n, 2))
    if not ties:
        scores = rng.random(n)
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 2)))
    return found_boxes(n, low, size), scores, labels


def overlap(a, b):
    """IoU of two boxes, in Python's own numbers."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return np.float32(shared / union) if union else np.float32(0)


def plain_nms(some, scores, labels, threshold):
    some = some.tolist()
    kept = []
    for i in sorted(range(len(some)), key=lambda i: (-scores[i], i)):
        for j in kept:
            if labels[i] == labels[j] and overlap(some[i], some[j]) > np.float32(threshold):
                break
        else:
            kept.append(i)
    return kept


def plain_soft_nms(some, scores, labels, decay, floor):
    some, left = some.tolist(), {i: float(s) for i, s in enumerate(scores) if s >= floor}
    kept = []
    while left:
        best = max(left, key=lambda i: (left[i], -i))
        kept.append((best, left.pop(best)))
        for i in list(left):
            if labels[i] == labels[best]:
                left[i] *= decay(float(overlap(some[i], some[best])))
            if left[i] < floor:
                del left[i]
    return kept


# Hard


@given(detections(), THRESHOLDS)
@settings(deadline=None, max_examples=200)
def test_nms_equals_plain_loops(given_detections, threshold):
    some, scores, labels = given_detections
    expected = plain_nms(some, scores, labels, threshold)
    found = boxes.nms(some, scores, labels=labels, threshold=threshold)
    assert found.dtype == np.int64
    assert found.tolist() == expected
    assert (
        boxes.nms(some, scores, labels=labels, threshold=threshold, most=3).tolist()
        == (expected[:3])
    )


@given(detections(least=1), THRESHOLDS)
@settings(deadline=None)
def test_nms_equals_tensorflow(given_detections, threshold):
    some, scores, _ = given_detections
    theirs = tf.image.non_max_suppression(
        some[:, [1, 0, 3, 2]], scores.astype(np.float32), len(some), threshold
    )
    assert boxes.nms(some, scores, threshold=threshold).tolist() == theirs.numpy().tolist()


@given(detections(least=1, ties=False), st.sampled_from([0.2, 0.45, 0.7]))
@settings(deadline=None)
def test_nms_equals_opencv(given_detections, threshold):
    some, scores, labels = given_detections
    sized = boxes.xyxy_to_xywh(some).tolist()
    theirs = cv2.dnn.NMSBoxes(sized, scores.tolist(), 0.0, threshold)
    assert boxes.nms(some, scores, threshold=threshold).tolist() == list(theirs)
    theirs = cv2.dnn.NMSBoxesBatched(sized, scores.tolist(), labels.tolist(), 0.0, threshold)
    ours = boxes.nms(some, scores, labels=labels, threshold=threshold)
    assert sorted(ours.tolist()) == sorted(theirs)


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("spread", [60, 600])
def test_nms_of_many_boxes_equals_tensorflow(n, spread):
    rng = np.random.default_rng(n + spread)
    low, size = rng.uniform(0, spread, (n, 2)), rng.uniform(10, 60, (n, 2))
    some, scores = found_boxes(n, low, size), rng.random(n).astype(np.float32)
    for most in (n, 50):
        theirs = tf.image.non_max_suppression(some[:, [1, 0, 3, 2]], scores, most, 0.45)
        found = boxes.nms(some, scores, threshold=0.45, most=most)
        assert found.tolist() == theirs.numpy().tolist()


@given(detections(), THRESHOLDS)
@settings(deadline=None)
def test_what_is_kept_is_apart_and_what_is_dropped_is_covered(given_detections, threshold):
    some, scores, _ = given_detections
    kept = boxes.nms(some, scores, threshold=threshold)
    apart = boxes.iou(some[kept], some[kept])
    np.fill_diagonal(apart, 0)
    assert not (apart > threshold).any()
    assert (np.diff(scores[kept]) <= 0).all()
    for dropped in set(range(len(some))) - set(kept.tolist()):
        over = boxes.iou(some[[dropped]], some[kept])[0] > threshold
        assert (scores[kept][over] >= scores[dropped]).any()


@given(detections(ties=False), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_the_input_does_not_matter(given_detections, random):
    some, scores, labels = given_detections
    order = list(range(len(some)))
    random.shuffle(order)
    order = np.array(order, int)
    kept = boxes.nms(some, scores, labels=labels)
    again = boxes.nms(some[order], scores[order], labels=labels[order])
    assert order[again].tolist() == kept.tolist()
    kept, lowered = boxes.soft_nms(some, scores, labels=labels)
    again, lowered_again = boxes.soft_nms(some[order], scores[order], labels=labels[order])
    assert order[again].tolist() == kept.tolist()
    np.testing.assert_array_equal(lowered, lowered_again)


@given(detections())
@settings(deadline=None)
def test_labels_are_classes_of_their_own(given_detections):
    some, scores, labels = given_detections
    apart = set()
    for label in range(3):
        (own,) = np.nonzero(labels == label)
        apart |= set(own[boxes.nms(some[own], scores[own])].tolist())
    assert set(boxes.nms(some, scores, labels=labels).tolist()) == apart


def test_equality_with_the_threshold_stays():
    some = [[0, 0, 10, 10], [0, 0, 10, 5]]  # their IoU is one half
    assert boxes.nms(some, [0.9, 0.8], threshold=0.5).tolist() == [0, 1]
    assert boxes.nms(some, [0.9, 0.8], threshold=0.4999).tolist() == [0]
    assert boxes.nms([some[0]] * 2, [0.9, 0.8], threshold=1).tolist() == [0, 1]


def test_equal_scores_take_the_lower_index_first():
    some = [[0, 0, 10, 10]] * 3
    assert boxes.nms(some, [1, 2, 2]).tolist() == [1]
    assert boxes.soft_nms(some, [1, 2, 2])[0].tolist() == [1, 2, 0]


# Soft


@given(
    detections(ties=False, whole=True),
    st.sampled_from([0.1, 0.5, 2.0]),
    st.sampled_from([0.0, 0.001, 0.25]),
)
@settings(deadline=None)
def test_gaussian_equals_plain_loops(given_detections, sigma, floor):
    some, scores, labels = given_detections
    expected = plain_soft_nms(some, scores, labels, lambda o: math.exp(-o * o / sigma), floor)
    index, lowered = boxes.soft_nms(some, scores, sigma=sigma, floor=floor, labels=labels)
    assert index.tolist() == [number for number, _ in expected]
    assert lowered.dtype == np.float32
    np.testing.assert_allclose(lowered, [score for _, score in expected], rtol=1e-5, atol=1e-30)


@given(detections(ties=False, whole=True), THRESHOLDS)
@settings(deadline=None)
def test_linear_equals_plain_loops(given_detections, threshold):
    some, scores, labels = given_detections
    least = np.float32(threshold)
    expected = plain_soft_nms(some, scores, labels, lambda o: 1 - o if o >= least else 1, 0.001)
    index, lowered = boxes.soft_nms(
        some, scores, method="linear", threshold=threshold, labels=labels
    )
    assert index.tolist() == [number for number, _ in expected]
    assert lowered.dtype == np.float32
    np.testing.assert_allclose(lowered, [score for _, score in expected], rtol=1e-5, atol=1e-30)


@given(detections(least=1, ties=False), st.sampled_from([0.2, 0.5, 1.0]))
@settings(deadline=None)
def test_gaussian_equals_tensorflow_whose_sigma_is_half(given_detections, sigma):
    some, scores, _ = given_detections
    theirs = tf.image.non_max_suppression_with_scores(
        some[:, [1, 0, 3, 2]],
        scores.astype(np.float32),
        len(some),
        iou_threshold=1.0,
        score_threshold=0.01,
        soft_nms_sigma=sigma / 2,
    )
    index, lowered = boxes.soft_nms(some, scores, sigma=sigma, floor=0.01)
    assert index.tolist() == theirs[0].numpy().tolist()
    np.testing.assert_allclose(lowered, theirs[1], rtol=1e-4)


@pytest.mark.parametrize("method", ["linear", "gaussian"])
@pytest.mark.parametrize("seed", range(5))
def test_soft_nms_equals_opencv(method, seed):
    rng = np.random.default_rng(seed)
    low, size = rng.integers(0, 60, (25, 2)), rng.integers(5, 60, (25, 2))
    some, scores = found_boxes(25, low, size), rng.random(25)
    number = getattr(cv2.dnn, f"SOFT_NMSMETHOD_SOFTNMS_{method.upper()}")
    sized = boxes.xyxy_to_xywh(some).astype(int).tolist()
    theirs = cv2.dnn.softNMSBoxes(sized, scores.tolist(), 0.05, 0.3, 0, 0.5, number)
    index, lowered = boxes.soft_nms(some, scores, method=method, threshold=0.3, floor=0.05)
    assert index.tolist() == theirs[1].tolist()
    np.testing.assert_allclose(lowered, theirs[0], rtol=1e-4)


@given(detections(), st.sampled_from(["linear", "gaussian"]))
@settings(deadline=None)
def test_soft_nms_lowers_and_sorts(given_detections, method):
    some, scores, _ = given_detections
    index, lowered = boxes.soft_nms(some, scores, method=method, floor=0)
    assert sorted(index.tolist()) == list(range(len(some))), "without a floor nothing is dropped"
    assert (lowered <= scores[index] + 1e-6).all()
    assert (np.diff(lowered) <= 0).all()


# Bad and odd input


@pytest.mark.filterwarnings("error")
def test_odd_boxes():
    nothing = boxes.nms([], [])
    assert (nothing.shape, nothing.dtype) == ((0,), np.int64)
    index, lowered = boxes.soft_nms(np.zeros((0, 4)), [])
    assert (index.shape, index.dtype, lowered.dtype) == ((0,), np.int64, np.float32)
    points = [[3, 3, 3, 3]] * 2  # without area there is no overlap
    assert boxes.nms(points, [1, 2], threshold=0).tolist() == [1, 0]
    assert boxes.nms(points, [1, -2]).tolist() == [0, 1], "logits have signs"
    assert boxes.nms(points, [1, 2], most=0).tolist() == []
    tensors = boxes.nms(tf.constant(points, tf.float32), tf.constant([1.0, 2.0]))
    assert tensors.tolist() == [1, 0]


def test_inputs_are_not_changed():
    some = np.array([[0, 0, 9, 9], [0, 0, 9, 8]], np.float32)
    scores, labels = np.array([0.5, 0.9]), np.array([1, 1])
    kept = [array.copy() for array in (some, scores, labels)]
    boxes.nms(some, scores, labels=labels)
    boxes.soft_nms(some, scores, labels=labels)
    for array, before in zip((some, scores, labels), kept, strict=True):
        np.testing.assert_array_equal(array, before)


ONE = [[0, 0, 5, 5]]


@pytest.mark.parametrize("function", [boxes.nms, boxes.soft_nms])
@pytest.mark.parametrize(
    ("some", "scores", "options", "said"),
    [
        ([[0, 0, np.nan, 5]], [1], {}, "boxes: got .*nan"),
        ([[np.nan] * 4], [1], {}, "boxes: got .*nan"),
        ([[0, 0, np.inf, 5]], [1], {}, "boxes: got .*inf"),
        ([[5, 0, 0, 5]], [1], {}, "boxes: .*x1 <= x2"),
        ([0, 0, 5, 5], [1], {}, r"boxes: .*\(4,\).*wanted shape \(N, 4\)"),
        (ONE, [np.nan], {}, "scores: got nan, wanted 1 finite numbers, one a box"),
        (ONE, [-np.inf], {}, "scores: got -inf"),
        (ONE, [1, 2], {}, "scores: got .* wanted 1 finite"),
        (ONE, 1, {}, "scores: got 1"),
        (ONE, ["high"], {}, "scores: got"),
        (ONE, [[1], [2, 3]], {}, "scores: got"),
        (ONE, [1], {"labels": [0.5]}, "labels: got .* wanted 1 whole numbers"),
        (ONE, [1], {"labels": [0, 1]}, "labels: got"),
        (ONE, [1], {"threshold": 1.5}, "threshold: got 1.5"),
        (ONE, [1], {"threshold": np.nan}, "threshold: got nan"),
    ],
)
def test_bad_detections_are_named(function, some, scores, options, said):
    with pytest.raises(errors.InputError, match=said):
        function(some, scores, **options)


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (boxes.nms, {"most": -1}, "most: got -1"),
        (boxes.nms, {"most": 1.5}, "most: got 1.5"),
        (boxes.soft_nms, {"method": "hard"}, "method: got 'hard', wanted one of 'gaussian'"),
        (boxes.soft_nms, {"sigma": 0}, "sigma: got 0.0, wanted a number above 0"),
        (boxes.soft_nms, {"floor": -1}, "floor: got -1"),
    ],
)
def test_bad_options_are_named(function, options, said):
    with pytest.raises(errors.InputError, match=said):
        function(ONE, [1], **options)


def test_soft_nms_wants_no_negative_scores():
    with pytest.raises(errors.InputError, match=r"scores: got -0\.5, wanted scores of at least 0"):
        boxes.soft_nms(ONE, [-0.5])
