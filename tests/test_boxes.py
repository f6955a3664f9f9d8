"""Boxes against independent references (pycocotools, counted pixels) and by their properties."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from tracklab import boxes, errors

GRID = 64


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
    np.testing.assert_array_equal(given_boxes, kept)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2, 3], r"boxes: got .*\(3,\).*wanted shape \(\.\.\., 4\)"),
        ([[1, 2, np.nan, 4]], r"nan.* at index \[0\], wanted finite"),
        ([[0, 0, 1, 1], [5, 0, 1, 1]], r"at index \[1\].*x1 <= x2.*xywh"),
        ("box", "boxes: got 'box'"),
        (np.array([0, 0, 1, 1j]), "boxes: got .*complex128, wanted numbers"),
        ([[0, 0, np.inf, 1]], "inf"),
        ([[1, 2], [1]], "boxes: got"),
    ],
)
def test_bad_boxes_are_named(value, said):
    with pytest.raises(errors.InputError, match=said):
        boxes.as_boxes(value)


def test_one_box_has_an_area():
    with pytest.raises(errors.InputError, match=r"box: .*width and a height"):
        boxes.as_box([3, 3, 3, 9])
    with pytest.raises(errors.InputError, match=r"one box of shape \(4,\)"):
        boxes.as_box([[0, 0, 1, 1]])
    with pytest.raises(errors.InputError, match=r"b: got .*wanted shape \(N, 4\)"):
        boxes.iou([[0, 0, 1, 1]], [0, 0, 1, 1])
