"""Drawing the first box in a notebook, and the explorer that asks how good it must be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, explorers, plots, trackers
from tracklab.explorers import DrawBox
from tracklab.explorers import first_box as first

FRAME = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)


def typed(draw, *sides):
    for field, side in zip(draw.fields, sides, strict=True):
        field.value = side


def test_a_box_is_drawn_or_typed_and_both_agree():
    draw, seen = DrawBox(FRAME), []
    draw.on_draw(lambda box: seen.append(box.tolist()))
    with pytest.raises(errors.InputError, match="box: got none yet"):
        draw.box  # noqa: B018
    draw.canvas.boxes = [[10, 12, 40, 32]]
    assert draw.box.tolist() == [10, 12, 40, 32]
    assert draw.box.dtype == np.float32
    assert [field.value for field in draw.fields] == [10, 12, 30, 20] == draw.xywh
    typed(draw, 5, 6, 20, 20)
    assert draw.box.tolist() == [5, 6, 25, 26]
    assert draw.canvas.as_array().tolist() == [[5, 6, 25, 26]]
    assert seen[0] == [10, 12, 40, 32]
    assert seen[-1] == [5, 6, 25, 26]
    assert "object from (5, 6) to (25, 26)" in draw.canvas.caption
    draw.canvas.boxes = []
    with pytest.raises(errors.InputError, match="none yet"):
        draw.box  # noqa: B018


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 150), min_size=4, max_size=4))
def test_whatever_is_typed_is_a_box_in_the_frame_or_changes_nothing(sides):
    draw = DrawBox(FRAME, [10, 10, 30, 30])
    typed(draw, *sides)
    x1, y1, x2, y2 = draw.box.tolist()
    assert 0 <= x1 < x2 <= 80
    assert 0 <= y1 < y2 <= 60
    assert [field.value for field in draw.fields] == draw.xywh or min(sides[2:]) <= 0


def test_what_is_no_frame_and_no_box():
    for frame, box in ((np.zeros((4, 4)), None), (FRAME, [1, 2, 3]), (FRAME, [9, 9, 1, 1])):
        with pytest.raises(errors.InputError):
            DrawBox(frame, box)
    draw = DrawBox(FRAME, [-5, -5, 20, 20])  # cut at the border
    assert draw.box.tolist() == [0, 0, 20, 20]


def test_it_leaves_a_picture_and_words_for_readers():
    data, about = DrawBox(FRAME, [10, 10, 50, 50])._repr_mimebundle_()
    assert {"image/png", "text/plain"} < set(data)
    assert "(10, 10) to (50, 50)" in about["image/png"]["alt"]


# the explorer


@pytest.fixture(scope="module")
def explorer():
    return explorers.explore("first-box")


def around(share):
    x1, y1, x2, y2 = first.right_box()
    w, h = share * (x2 - x1), share * (y2 - y1)
    return (x1 - w, y1 - h, x2 + w, y2 + h)


def test_a_good_box_is_followed_and_a_loose_one_lost(explorer):
    for tracker in first.TRACKERS:
        explorer.set(box=first.right_box(), tracker=tracker, frame=first.FRAMES - 1)
        assert explorer.error is None
        assert explorer.numbers["in this frame"] > 0.7
        assert "stays on the object to the end" in explorer.caption
        explorer.set(box=around(0.5))
        assert explorer.numbers["in this frame"] == 0
        assert "has lost the object" in explorer.caption


def test_numbers_are_those_of_the_tracker(explorer):
    box = around(0.2)
    explorer.set(box=box, tracker="template", frame=9)
    clip = first.clip()
    boxes = trackers.run("template", clip, np.round(box, 1)).boxes
    from tracklab.boxes import iou

    wanted = [iou(boxes[[t]], clip.truth.boxes[t])[0, 0] for t in range(first.FRAMES)]
    assert explorer.numbers["in this frame"] == pytest.approx(wanted[9], abs=1e-6)
    assert explorer.numbers["mean over the clip"] == pytest.approx(np.mean(wanted), abs=1e-6)
    assert f"by {wanted[9]:.2f}" in explorer.caption


def test_every_end_of_every_control_is_sensible(explorer):
    for tracker in explorer.controls["tracker"].values():
        for box in explorer.controls["box"].values():
            for frame in explorer.controls["frame"].values():
                explorer.set(box=box, tracker=tracker, frame=frame)
                assert explorer.error is None
                assert plots.decode(explorer.picture).std() > 10
    explorer.reset()
    assert explorer.params["box"] == first.right_box()


def test_the_same_values_give_the_same_picture(explorer):
    explorer.set(box=around(0.1), frame=5)
    before = explorer.picture
    explorer.set(box=around(-0.2), frame=20)
    explorer.set(box=around(0.1), frame=5)
    assert explorer.picture == before


@pytest.mark.parametrize("box", [None, [1, 2, 3], [[1, 1, 9, 9], [2, 2, 9, 9]], [9, 9, 1, 1]])
def test_boxes_that_are_none(explorer, box):
    with pytest.raises(errors.InputError):
        explorer.set(box=box)
