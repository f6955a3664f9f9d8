"""Detections and objects: rows stay together, best first, and nothing wrong gets in."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors
from tracklab.detections import Detections, Objects

TWO = [[0, 0, 2, 2], [1, 1, 5, 5]]


@given(st.lists(st.integers(-3, 3), max_size=20))
def test_best_first_and_ties_in_the_order_they_came(scores):
    boxes = [[k, 0, k + 1, 1] for k in range(len(scores))]
    found = Detections(boxes, scores, np.arange(len(scores)))
    expected = sorted(range(len(scores)), key=lambda k: -scores[k])  # sorted() is stable
    assert found.labels.tolist() == expected
    assert found.boxes[:, 0].tolist() == expected
    assert found.scores.tolist() == [scores[k] for k in expected]


def test_types_and_that_inputs_are_neither_changed_nor_shared():
    boxes, scores, labels = np.array(TWO, np.float32), np.array([0.1, 0.9]), np.array([1, 2])
    found = Detections(boxes, scores, labels)
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == ("f4", "f4", "i8")
    boxes[:], scores[:], labels[:] = 0, 0, 0
    assert found.boxes.tolist() == TWO[::-1]
    np.testing.assert_allclose(found.scores, [0.9, 0.1])
    assert found.labels.tolist() == [2, 1]
    flags = np.array([True, False])
    there = Objects(TWO, [3, 4], flags)
    flags[:] = False
    assert there.ignored.tolist() == [True, False]


def test_scores_are_ordered_before_they_are_rounded():
    found = Detections(TWO, np.array([1.0, 1.0 + 1e-12]), [0, 1])
    assert found.labels.tolist() == [1, 0]


def test_parts():
    found = Detections(TWO * 2, [0.1, 0.4, 0.3, 0.2], [0, 1, 2, 3])
    assert found.top(2).labels.tolist() == [1, 2]
    assert len(found.top(99)) == 4
    assert len(found.top(0)) == 0
    assert found.above(np.float32(0.2)).labels.tolist() == [1, 2, 3]  # at least
    assert found[found.labels > 1].labels.tolist() == [2, 3]
    assert found[[0, -1]].labels.tolist() == [1, 0]
    assert len(found[[]]) == 0
    assert replace(found, scores=-found.scores).labels.tolist() == [0, 3, 2, 1]
    there = Objects(TWO, [3, 4], [0, 1])
    assert there[there.ignored].labels.tolist() == [4]
    assert there[1:].ignored.tolist() == [True]


@pytest.mark.parametrize(
    "none", [Detections.empty(), Objects.empty(), Detections([], [], []), Objects([], [])]
)
def test_nothing(none):
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)
    assert none.labels.dtype == np.int64
    assert none.boxes.dtype == np.float32


def test_a_point_may_be_found_but_is_no_object():
    assert len(Detections([[1, 1, 1, 1]], [0.5], [0])) == 1
    with pytest.raises(errors.InputError, match=r"index 1, wanted boxes with a width"):
        Objects([[0, 0, 1, 1], [1, 1, 1, 4]], [0, 0])


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "named"),
    [
        ([[0, 0, np.nan, 1]], [0.5], [0], "boxes"),
        ([[np.nan] * 4], [0.5], [0], "boxes"),
        ([[2, 0, 1, 1]], [0.5], [0], "x1 <= x2"),
        ([0, 0, 1, 1], [0.5], [0], r"shape \(K, 4\)"),
        ([[0, 0, 1]], [0.5], [0], "boxes"),
        (TWO, [0.5], [0, 1], "scores"),
        (TWO, [0.5, np.nan], [0, 1], "nan at index 1"),
        (TWO, [0.5, np.inf], [0, 1], "scores"),
        (TWO, [0.5, 1e300], [0, 1], "float32"),
        (TWO, [True, False], [0, 1], "scores"),
        (TWO, ["a", "b"], [0, 1], "scores"),
        (TWO, [[0.5], [0.1]], [0, 1], "scores"),
        (TWO, 0.5, [0, 1], "scores"),
        (TWO, [0.5, 0.1], [0], "labels"),
        (TWO, [0.5, 0.1], [0, -1], "-1 at index 1"),
        (TWO, [0.5, 0.1], [0.0, 1.0], "whole numbers"),
        (TWO, [0.5, 0.1], [0, 2**64 - 1], "labels"),
        (TWO, [0.5, 0.1], [[0], [1, 2]], "labels"),
        (TWO, [0.5, 0.1], None, "labels"),
    ],
)
def test_bad_detections(boxes, scores, labels, named):
    with pytest.raises(errors.InputError, match=named):
        Detections(boxes, scores, labels)


@pytest.mark.parametrize(
    ("boxes", "labels", "ignored", "named"),
    [
        ([[np.nan] * 4], [0], None, "boxes"),
        ([[3, 0, 1, 1]], [0], None, "x1 <= x2"),
        (TWO, [0], None, "labels"),
        (TWO, [0, -1], None, "labels"),
        (TWO, [0, 1], [True], "ignored"),
        (TWO, [0, 1], [0, 2], "booleans"),
        (TWO, [0, 1], [0.0, 1.0], "booleans"),
    ],
)
def test_bad_objects(boxes, labels, ignored, named):
    with pytest.raises(errors.InputError, match=named):
        Objects(boxes, labels, ignored)


@pytest.mark.parametrize("rows", [0, "a", [True], [2], [-3], [0.5], [[0, 1]], None])
def test_bad_rows(rows):
    for some in (Detections(TWO, [0.5, 0.1], [0, 1]), Objects(TWO, [0, 1])):
        with pytest.raises(errors.InputError, match="rows"):
            some[rows]


def test_bad_cuts():
    found = Detections(TWO, [0.5, 0.1], [0, 1])
    for wrong in (-1, 1.5, None):
        with pytest.raises(errors.InputError):
            found.top(wrong)
    with pytest.raises(errors.InputError):
        found.above(np.nan)


def test_rows_of_a_clip_become_detections():
    found = Detections.from_rows([[0, 0, 2, 2, 0.5, -1], [1, 1, 3, 4, 0.9, 2]])
    assert found.labels.tolist() == [2, 0]
    np.testing.assert_array_equal(found.boxes, [[1, 1, 3, 4], [0, 0, 2, 2]])
    assert len(Detections.from_rows([])) == len(Detections.from_rows(np.zeros((0, 6)))) == 0


@pytest.mark.parametrize(
    "rows",
    ["x", None, [[1, 2], [3]], np.zeros((2, 5)), [[0, 0, 1, 1, 1, 1.5]], [[0, 0, 1, 1, 1, np.nan]]],
)
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(errors.InputError, match="rows"):
        Detections.from_rows(rows)
