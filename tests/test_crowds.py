"""Crowds: paths and detections without pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import boxes, datasets, errors
from tracklab.datasets import crowds

PERFECT = {"noise": 0, "misses": 0, "false_alarms": 0}


def by_painting(known, size):
    """The share of each box that is painted over by later ones, in whole pixels."""
    canvas = np.full(size, -1)
    for k, (x1, y1, x2, y2) in enumerate(known.astype(int)):
        canvas[y1:y2, x1:x2] = k
    whole = boxes.area(known)
    return 1 - np.array([(canvas == k).sum() for k in range(len(known))]) / whole


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=40)
def test_covered_is_what_painting_in_order_covers(seed, count):
    rng = np.random.default_rng(seed)
    # of boxes of 8 x 8 pixels, each pixel's middle is asked
    corner = rng.integers(0, 16, (count, 2))
    known = np.concatenate([corner, corner + crowds.RASTER], 1).astype(np.float32)
    found = crowds.covered(known)
    np.testing.assert_allclose(found, by_painting(known, (80, 80)), atol=1e-6)
    assert found[-1] == 0


def test_who_is_absent_covers_nobody():
    known = np.float32([[0, 0, 8, 8], [np.nan] * 4])
    assert crowds.covered(known).tolist() == [0, 0]


def test_without_dials_detections_are_the_true_boxes_of_who_can_be_seen():
    made = datasets.crowd(8, 30, hidden=0.5, **PERFECT)
    hidden = 0
    for truth, seen, found in zip(
        made.truth.boxes, made.truth.visibility, made.detections, strict=True
    ):
        known = truth[seen >= 0.5]
        assert len(found) == len(known)
        hidden += len(truth) - len(known)
        if len(known):
            np.testing.assert_allclose(boxes.iou(found.boxes, known).max(1), 1, atol=1e-4)
    assert hidden > 0


def test_each_dial_changes_only_its_own_effect():
    plain, missing = datasets.crowd(8, 40, seed=1), datasets.crowd(8, 40, seed=1, misses=0.5)
    np.testing.assert_array_equal(plain.truth.boxes, missing.truth.boxes)
    counts = [sum(map(len, made.detections)) for made in (plain, missing)]
    assert counts[1] < 0.75 * counts[0]
    more = datasets.crowd(8, 200, false_alarms=3.0, seed=1)
    some = datasets.crowd(8, 200, false_alarms=0.0, seed=1)
    extra = [len(a) - len(b) for a, b in zip(more.detections, some.detections, strict=True)]
    assert np.mean(extra) == pytest.approx(3, abs=0.4)
    # and whoever was answered before is answered as before
    for a, b in zip(more.detections, some.detections, strict=True):
        assert set(map(tuple, b.boxes.tolist())) <= set(map(tuple, a.boxes.tolist()))


def test_noise_is_a_share_of_the_box():
    made = datasets.crowd(6, 200, noise=0.05, misses=0, false_alarms=0, hidden=0)
    clear = datasets.crowd(6, 200, hidden=0, **PERFECT)
    off = []
    for found, known in zip(made.detections, clear.detections, strict=True):
        pairs = boxes.iou(found.boxes, known.boxes)
        rows, columns = np.nonzero(pairs > 0.75)
        middle = boxes.centers(found.boxes[rows]) - boxes.centers(known.boxes[columns])
        off.append(middle / boxes.sizes(known.boxes[columns]))
    assert np.concatenate(off).std() == pytest.approx(0.05, rel=0.15)


def test_same_arguments_same_crowd_and_parts_never_meet():
    one, other = datasets.crowd(seed=4, frames=20), datasets.crowd(seed=4, frames=20)
    np.testing.assert_array_equal(one.truth.boxes, other.truth.boxes)
    for a, b in zip(one.detections, other.detections, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
    trained = datasets.crowd(seed=4, frames=20, part="train")
    assert not np.array_equal(one.truth.boxes, trained.truth.boxes)


def test_velocities_are_those_of_the_whole_object():
    made = datasets.crowd(5, 30, motion="constant velocity", side=20.0)
    inside = (made.truth.boxes[1:] > 0).all(-1) & (made.truth.boxes[1:] < 256).all(-1)
    inside &= (made.truth.boxes[:-1] > 0).all(-1) & (made.truth.boxes[:-1] < 256).all(-1)
    moved = np.diff(boxes.centers(made.truth.boxes), axis=0)[inside]
    np.testing.assert_allclose(moved, made.truth.velocities[1:][inside], atol=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {"part": "val"},
        {"seed": -1},
        {"noise": -0.1},
        {"misses": 2},
        {"hidden": np.nan},
        {"false_alarms": -1},
        {"motion": "walk"},
        {"motion": 3},
        {"side": "a"},
        {"side": (22, 300)},
        {"scene": 1},
    ],
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        datasets.crowd(3, 5, **options)
