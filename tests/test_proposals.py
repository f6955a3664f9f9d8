"""Proposals from outside: well-formed, repeatable, and better than chance at finding objects."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import datasets, errors, proposals
from tracklab.metrics import detection

sides = st.integers(1, 300)


def well_formed(boxes, height, width):
    assert boxes.dtype == np.float32
    assert boxes.shape[1:] == (4,)
    assert (bx.sizes(boxes) > 0).all()
    np.testing.assert_array_equal(boxes, bx.clip(boxes, height, width))


@given(sides, sides, st.integers(1, 900))
def test_windows_are_as_many_as_asked_and_inside(height, width, count):
    boxes = proposals.windows(height, width, count)
    assert len(boxes) == count
    well_formed(boxes, height, width)
    np.testing.assert_array_equal(boxes, proposals.windows(height, width, count + 50)[:count])


def test_windows_lie_at_halton_points():
    scipy = pytest.importorskip("scipy.stats").qmc.Halton(4, scramble=False).random(51)[1:]
    boxes = proposals.windows(100, 300, 50)
    wide, tall = bx.sizes(boxes).T
    np.testing.assert_allclose(boxes[:, 0] / (300 - wide), scipy[:, 0], atol=1e-5)
    sized = 100 / (1 + 9 * scipy[:, 2])  # a tenth of the shorter side to the whole
    whole = tall < 100  # one that is too tall for the picture is cut
    np.testing.assert_allclose(np.sqrt(wide * tall)[whole], sized[whole], rtol=1e-4)
    np.testing.assert_allclose((tall / wide)[whole], 2 ** (2 * scipy[whole, 3] - 1), rtol=1e-4)


def test_segments_find_two_discs():
    image = np.full((90, 120, 3), (90, 120, 90), np.uint8)
    cv2.circle(image, (30, 40), 12, (200, 60, 60), -1)
    cv2.circle(image, (85, 50), 15, (60, 60, 200), -1)
    truth = np.array([[18, 28, 43, 53], [70, 35, 101, 66]], np.float32)
    assert (bx.iou(truth, proposals.segments(image, 5)).max(-1) > 0.8).all()


def test_segments_reach_the_border_and_join_neighbours():
    image = np.full((80, 100, 3), 128, np.uint8)
    image[:20, :24] = 240  # in the corner
    image[50:70, 40:52], image[50:70, 52:64] = 20, 250  # one thing of two colours
    found = proposals.segments(image, 50)
    for thing in ([0, 0, 24, 20], [40, 50, 52, 70], [40, 50, 64, 70]):
        assert (found == thing).all(-1).any(), thing


def noise(height, width):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 400), (33, 57), (600, 300)])
def test_segments_of_pictures_of_any_shape(shape):
    for image in (noise(*shape), np.zeros((*shape, 3), np.uint8)):
        before = image.copy()
        boxes = proposals.segments(image, 40)
        well_formed(boxes, *shape)
        assert len(boxes) <= 40
        np.testing.assert_array_equal(boxes, proposals.segments(image, 80)[:40])
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("kind", ["plain", "hard"])
def test_few_segments_find_more_than_as_many_windows(kind):
    scenes = datasets.boxed_scenes(kind, 16, part="test")
    segments = [proposals.segments(image, 100) for image in scenes.images]
    windows = [proposals.windows(*scenes.size, 100)] * len(scenes)
    ours = detection.recall(segments, scenes.objects, counts=(10, 30, 100))
    plain = detection.recall(windows, scenes.objects, counts=(10, 30, 100))
    assert all(ours[count] > plain[count] + 0.15 for count in ours), (ours, plain)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: proposals.windows(0, 10, 5), "height: got 0"),
        (lambda: proposals.windows(10, 2.5, 5), "width: got 2.5"),
        (lambda: proposals.windows(10, 10, 0), "count: got 0"),
        (lambda: proposals.segments(noise(9, 9), True), "count: got True"),
        (lambda: proposals.segments(noise(9, 9)[..., 0]), "image: got an array of shape"),
        (lambda: proposals.segments(noise(9, 9) / 255.0), "image: got an array of shape"),
        (lambda: proposals.segments(noise(9, 9)[:0]), "image: got an array of shape"),
    ],
)
def test_bad_input_is_named(call, names):
    with pytest.raises(errors.InputError, match=names.replace("(", r"\(")):
        call()
