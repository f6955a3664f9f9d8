"""Imagined detections: they repeat, their dials do what they say, their scores mean something."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab.datasets import imagined_detections
from tracklab.detections import Objects
from tracklab.errors import InputError

SIZE = (120, 160)
TRUTH = Objects(
    np.array([[10, 10, 40, 50], [60, 20, 100, 60], [110, 70, 150, 110]], np.float32),
    np.array([0, 2, 1]),
    np.zeros(3, bool),
)
NOBODY = Objects(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool))
EXACT = {"copies": 1, "jitter": 0, "missed": 0, "background": 0, "confused": 0}


def imagine(objects=TRUTH, seed=0, **dials):
    given = {"size": SIZE, "classes": 3} | dials
    return imagined_detections(objects, np.random.default_rng(seed), **given)


@given(st.integers(0, 1000), st.floats(0, 2), st.floats(0, 20), st.floats(1, 12))
def test_every_setting_gives_detections_in_order_inside_the_image(seed, jitter, nothing, copies):
    found = imagine(seed=seed, jitter=jitter, background=nothing, copies=copies)
    assert found.boxes.shape == (len(found), 4)
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores > 0) & (found.scores < 1)).all()
    assert set(found.labels.tolist()) <= {0, 1, 2}
    assert (bx.sizes(found.boxes) > 0).all()
    np.testing.assert_array_equal(found.boxes, bx.clip(found.boxes, *SIZE))


def test_the_same_seed_gives_the_same_detections_and_another_one_others():
    one, two, other = imagine(seed=3), imagine(seed=3), imagine(seed=4)
    for name in ("boxes", "scores", "labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.boxes.shape != other.boxes.shape or (one.boxes != other.boxes).any()


def test_with_every_dial_at_its_end_the_boxes_are_the_truth():
    found = imagine(**EXACT)
    order = np.lexsort(found.boxes.T)
    np.testing.assert_allclose(found.boxes[order], TRUTH.boxes[np.lexsort(TRUTH.boxes.T)])
    overlap = bx.iou(found.boxes, TRUTH.boxes).argmax(1)
    np.testing.assert_array_equal(found.labels, TRUTH.labels[overlap])


def test_each_dial_does_what_it_says():
    assert len(imagine(**EXACT | {"missed": 1})) == 0
    assert len(imagine(**EXACT | {"background": 50})) > 20
    assert len(imagine(**EXACT | {"copies": 10})) > 12
    wrong = imagine(**EXACT | {"confused": 1})
    nearest = bx.iou(wrong.boxes, TRUTH.boxes).argmax(1)
    assert (wrong.labels != TRUTH.labels[nearest]).all()
    assert set(imagine(classes=1, confused=1.0, objects=_of_class_0()).labels.tolist()) == {0}
    near, far = (
        bx.iou(imagine(**EXACT | {"copies": 30, "jitter": j}).boxes, TRUTH.boxes).max(1).mean()
        for j in (0.02, 0.2)
    )
    assert near > 0.9 > far > 0.4


def _of_class_0():
    return Objects(TRUTH.boxes, np.zeros(3, np.int64), TRUTH.ignored)


def test_scores_tell_good_boxes_from_bad_ones_but_not_perfectly():
    found = imagine(copies=200, background=100, jitter=0.15)
    overlap = bx.iou(found.boxes, TRUTH.boxes).max(1)
    agree = np.corrcoef(overlap, found.scores)[0, 1]
    assert 0.6 < agree < 0.98


def test_an_image_without_objects_has_only_false_alarms():
    found = imagine(NOBODY, background=30)
    assert len(found) > 10
    assert found.scores.mean() < 0.3
    assert len(imagine(NOBODY, background=0)) == 0


def test_the_truth_stays_as_it_was():
    before = TRUTH.boxes.copy()
    imagine(jitter=0.5)
    np.testing.assert_array_equal(TRUTH.boxes, before)


@pytest.mark.parametrize(
    "dial",
    [
        {"copies": 0},
        {"jitter": -0.1},
        {"missed": 1.5},
        {"background": -1},
        {"confused": np.nan},
        {"classes": 0},
        {"size": (0, 10)},
        {"size": 128},
    ],
)
def test_dials_out_of_range_are_refused_by_name(dial):
    with pytest.raises(InputError, match=next(iter(dial))):
        imagine(**dial)


@pytest.mark.parametrize(
    ("objects", "rng", "says"),
    [
        (TRUTH, 3, "rng: got 3, wanted a generator"),
        (TRUTH.boxes, np.random.default_rng(0), "objects: got an ndarray, wanted the Objects"),
        (
            Objects(TRUTH.boxes, [0, 7, 1]),
            np.random.default_rng(0),
            "objects: got class 7, wanted classes below 2",
        ),
    ],
)
def test_what_is_no_truth_and_no_generator_is_refused(objects, rng, says):
    with pytest.raises(InputError, match=says):
        imagined_detections(objects, rng, size=SIZE, classes=2)
