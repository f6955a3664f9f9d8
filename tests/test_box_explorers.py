"""IoU, suppression and average precision without a browser: what is drawn is what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import errors, explorers, plots
from tracklab.explorers import BoxCanvas
from tracklab.explorers import iou as overlap

SQUARE = (40.0, 40.0, 60.0, 60.0)


def boxes_in(height, width):
    def pair(low, high):
        return st.tuples(st.floats(low, high, width=32), st.floats(4, 40, width=32))

    return st.tuples(pair(0, width - 48), pair(0, height - 48)).map(
        lambda v: (v[0][0], v[1][0], v[0][0] + v[0][1], v[1][0] + v[1][1])
    )


@pytest.fixture(scope="module")
def two():
    return explorers.explore("iou")


def parts(made):
    """The list and the canvas of the explorer "iou"."""
    view = next(v for v in made.children[1].children if len(getattr(v, "children", ())) == 2)
    return view.children


class TestOverlap:
    @given(boxes_in(*overlap.SIZE), boxes_in(*overlap.SIZE))
    def test_numbers_are_those_of_boxes(self, truth, guess):
        found = overlap.compare(truth, guess)
        assert found.iou == pytest.approx(float(bx.iou([truth], [guess])[0, 0]), abs=1e-6)
        assert found.giou == pytest.approx(float(bx.giou([truth], [guess])[0, 0]), abs=1e-6)
        assert found.intersection == pytest.approx(found.iou * found.union, rel=1e-3, abs=1e-2)

    @given(boxes_in(*overlap.SIZE), boxes_in(*overlap.SIZE), st.floats(0.05, 0.95))
    def test_play_is_how_far_the_guess_slides_and_still_counts(self, truth, guess, threshold):
        play = overlap.compare(truth, guess, threshold).play
        ious = overlap.slide(truth, guess)[0]
        counted = 0.5 * int((ious >= threshold).sum())  # `offsets` are half a pixel apart
        assert play == pytest.approx(counted, abs=0.51)

    def test_the_same_shift_costs_a_small_square_more(self):
        ious = overlap.shifted(3, 0)
        assert (np.diff(ious) >= 0).all()
        # two squares of side s, shifted by d < s: (s - d) / (s + d)
        sides = overlap.SIDES.astype(float)
        expected = np.clip((sides - 3) / (sides + 3), 0, None)
        np.testing.assert_allclose(ious, expected, atol=1e-5)

    @pytest.mark.parametrize(
        ("name", "iou", "said"),
        [
            ("half of each shared", 1 / 3, "a miss at 0.50"),
            ("the same box", 1, "a hit at 0.50"),
            ("one inside the other", 1 / 4, "a miss"),
            ("touching", 0, "IoU is 0 however far apart"),
            ("apart", 0, "IoU is 0 however far apart"),
            ("a small box, 3 pixels off", 9 / 15, "12-pixel squares an IoU of 0.60"),
            ("a big box, 3 pixels off", 93 / 99, "96-pixel squares 0.94"),
        ],
    )
    def test_what_is_known_has_the_overlap_that_it_says(self, two, name, iou, said):
        two.set(boxes=overlap.PRESETS[name], threshold=0.5)
        assert overlap.compare(*overlap.PRESETS[name]).iou == pytest.approx(iou, abs=1e-6)
        assert f"IoU {iou:.3f}" in two.caption
        assert said in two.caption

    def test_an_overlap_that_equals_the_threshold_is_a_hit(self, two):
        two.set(boxes=overlap.PRESETS["a small box, 3 pixels off"], threshold=0.6)
        assert "IoU 0.600, a hit at 0.60" in two.caption

    def test_only_giou_tells_how_far_apart_boxes_are(self):
        near, far = (overlap.compare(SQUARE, np.add(SQUARE, (d, 0, d, 0))) for d in (25, 100))
        assert near.iou == far.iou == 0
        assert far.giou < near.giou < 0

    def test_list_and_canvas_follow_each_other(self, two):
        two.reset()
        names, canvas = parts(two)
        names.value = "touching"
        assert two.params["boxes"] == overlap.PRESETS["touching"]
        before = two.drawings
        canvas.boxes = [list(SQUARE), [45, 40, 65, 60]]
        assert two.drawings == before + 1
        assert names.value == overlap.OWN
        assert "centres 5.0 pixels apart" in two.caption
        two.set(threshold=0.9)
        assert canvas.threshold == 0.9

    def test_readers_without_a_kernel_see_canvas_and_panels(self, two):
        still = plots.decode(two.standing())
        panels, canvas = plots.decode(two.picture), plots.decode(parts(two)[1].picture())
        assert len(still) == len(panels) + len(canvas)
        assert panels.shape[1] == canvas.shape[1] == still.shape[1]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"boxes": [SQUARE]}, "1 boxes"),
            ({"boxes": [SQUARE, (9, 9, 1, 1)]}, "boxes"),
            ({"threshold": 1.5}, "threshold"),
            ({"threshold": "half"}, "threshold"),
        ],
    )
    def test_bad_options(self, options, said):
        with pytest.raises(errors.InputError, match=said):
            explorers.explore("iou", **options)


def test_a_canvas_that_compares_says_both_numbers_and_shades_what_is_shared():
    canvas = BoxCanvas(size=(60, 80), boxes=[[0, 0, 40, 40], [20, 0, 60, 40]], compare=True)
    assert "IoU 0.333, GIoU 0.333" in canvas.caption
    scale = canvas.shown_scale
    pixels = plots.decode(canvas.picture())
    assert pixels[int(30 * scale), int(30 * scale)].tolist() == [240, 228, 66]
    canvas.boxes = [[0, 0, 40, 40]]
    assert "IoU" not in canvas.caption
    for wrong in ({"threshold": 2}, {"rules": -1}):
        with pytest.raises(errors.InputError):
            BoxCanvas(size=(60, 80), **wrong)
