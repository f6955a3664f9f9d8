from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, overlay
from tracklab.clips import Clip, Truth

GREY = 128


def grey(height=120, width=160):
    return np.full((height, width, 3), GREY, np.uint8)


def touched(frame):
    return (frame != GREY).any(-1)


def test_a_box_is_drawn_where_it_is_and_nowhere_else():
    drawn = overlay.draw(grey(), [40, 30, 80, 70], thickness=1)
    rows, columns = np.nonzero(touched(drawn))
    # The outline lies on the box's own outermost pixels, with a dark rim of one pixel around it.
    assert (columns.min(), columns.max()) == (39, 80)
    assert (rows.min(), rows.max()) == (29, 70)
    assert not touched(drawn)[33:67, 43:77].any()
    assert tuple(drawn[30, 60]) == overlay.color_of(1)
    assert tuple(drawn[69, 60]) == overlay.color_of(1)
    assert tuple(drawn[50, 79]) == overlay.color_of(1)


@pytest.mark.parametrize("scale", [0.5, 2, 3.5])
def test_boxes_scale_with_the_frame(scale):
    drawn = overlay.draw(grey(), [40, 30, 80, 70], scale=scale, thickness=1)
    assert drawn.shape == (round(120 * scale), round(160 * scale), 3)
    rows, columns = np.nonzero(touched(drawn))
    assert abs(columns.min() - 40 * scale) <= 2
    assert abs(columns.max() - 80 * scale) <= 2
    assert abs(rows.min() - 30 * scale) <= 2
    assert abs(rows.max() - 70 * scale) <= 2


def test_lines_stay_thin_when_a_frame_is_enlarged():
    # Drawn after enlarging: an outline of one pixel would be eight pixels wide otherwise.
    drawn = overlay.draw(grey(32, 32), [8, 8, 24, 24], scale=8, thickness=1)
    row = (drawn[128] == overlay.color_of(1)).all(-1)
    assert row.sum() == 2


def test_inputs_are_not_changed():
    frame, boxes = grey(), np.array([[4, 5, 50, 60], [np.nan] * 4], np.float32)
    trail = np.array([[1, 2], [30, 40]], np.float32)
    kept = frame.copy(), boxes.copy(), trail.copy()
    frame.setflags(write=False)
    boxes.setflags(write=False)
    for scale in (1, 3):
        drawn = overlay.draw(frame, boxes, ids=[1, 2], trails=[trail, trail], scale=scale)
        assert not np.shares_memory(drawn, frame)
        assert drawn.flags.writeable
    for now, before in zip((frame, boxes, trail), kept, strict=True):
        np.testing.assert_array_equal(now, before)


def test_absent_boxes_and_no_boxes_draw_nothing():
    absent = np.full((3, 4), np.nan)
    for boxes, more in [(absent, {"ids": [1, 2, 3]}), (absent[0], {}), ([], {}), ([], {"ids": []})]:
        assert not touched(overlay.draw(grey(), boxes, **more)).any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(-1e7, 1e7, width=32)] * 2, *[st.floats(0, 1e7, width=32)] * 2),
        max_size=4,
    ),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.3, 1, 4]),
)
def test_no_box_is_too_wild(rows, height, width, scale):
    boxes = np.array(rows, np.float32).reshape(-1, 4)
    boxes[:, 2:] = np.maximum(boxes[:, :2], boxes[:, :2] + boxes[:, 2:])
    drawn = overlay.draw(
        grey(height, width),
        boxes,
        ids=list(range(len(boxes))),
        labels="a rather long label",
        trails=[boxes[:, :2]] * len(boxes),
        scale=scale,
    )
    assert drawn.shape == (max(1, round(height * scale)), max(1, round(width * scale)), 3)


# Who is who


@given(st.integers(-5, 10**9))
def test_an_identity_looks_the_same_always(identity):
    assert overlay.color_of(identity) == overlay.color_of(np.int64(identity))
    assert overlay.color_of(identity) in overlay.PALETTE
    assert overlay.dash_of(identity) in overlay.DASHES


def test_a_name_looks_the_same_in_every_run():
    assert overlay.color_of("truth") == overlay.PALETTE[6]
    assert overlay.dash_of("truth") == overlay.DASHES[2]


def test_21_identities_differ_in_colour_or_line():
    looks = {(overlay.color_of(n), overlay.dash_of(n)) for n in range(1, 22)}
    assert len(looks) == 21


def test_neighbouring_identities_differ_without_colour():
    for first in range(1, 30):
        assert overlay.dash_of(first) != overlay.dash_of(first + 1)


def test_dashed_lines_have_gaps():
    box = [20, 20, 140, 100]
    solid, dashed, dotted = (overlay.draw(grey(), [box], ids=[n], thickness=2) for n in (1, 2, 3))
    inked = [
        (frame[20:22, 24:136] == overlay.color_of(n)).all(-1).any(0).mean()
        for n, frame in enumerate((solid, dashed, dotted), 1)
    ]
    assert inked[0] == 1
    assert 0.5 < inked[1] < 0.8
    assert 0.4 < inked[2] < 0.6
    assert (overlay.draw(grey(), box, dashed=True) != overlay.draw(grey(), box, dashed=False)).any()


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(128, 128, 4), (720, 1280, 1), (96, 128, 1)]
)
def test_a_label_is_written_inside_the_picture(height, width, scale):
    for box in ([1, 1, 30, 30], [width - 20, 0, width, 20], [50, height - 12, 70, height]):
        plain = overlay.draw(grey(height, width), box, ids=[1], scale=scale)
        labelled = overlay.draw(grey(height, width), box, ids=[1], labels=["car"], scale=scale)
        rows, _ = np.nonzero((plain != labelled).any(-1))
        assert rows.size > 60
        letter = min(height, width) * scale / 40
        assert np.ptp(rows) + 1 >= min(8, letter)  # tall enough to be read


def test_labels_of_close_boxes_do_not_cover_each_other():
    frame = grey(480, 640)
    boxes = [[100, 100, 300, 300], [104, 102, 304, 302]]
    both = overlay.draw(frame, boxes, ids=[1, 2])
    for identity in (1, 2):
        plate = (both == overlay.color_of(identity)).all(-1)
        assert plate[:100].sum() + plate[300:330].sum() > 100


def test_letters_the_font_lacks_do_not_stop_the_drawing():
    a = overlay.draw(grey(), [40, 40, 90, 90], labels=["café"])
    b = overlay.draw(grey(), [40, 40, 90, 90], labels=["cafe"])
    np.testing.assert_array_equal(a, b)
    overlay.draw(grey(), [40, 40, 90, 90], labels=["猫"])


def test_scores_are_written():
    low = overlay.draw(grey(), [40, 40, 90, 90], scores=[0.25])
    high = overlay.draw(grey(), [40, 40, 90, 90], scores=0.75)
    assert (low != high).any()
    unknown = overlay.draw(grey(), [40, 40, 90, 90], scores=[np.nan])
    np.testing.assert_array_equal(unknown, overlay.draw(grey(), [40, 40, 90, 90]))


def test_colours_can_be_chosen():
    red = overlay.draw(grey(), [[40, 40, 90, 90]], colors=(255, 0, 0), thickness=1)
    assert tuple(red[40, 60]) == (255, 0, 0)
    two = overlay.draw(
        grey(), [[5, 5, 30, 30], [40, 40, 90, 90]], colors=[(1, 2, 3), (4, 5, 6)], thickness=1
    )
    assert tuple(two[5, 15]) == (1, 2, 3)
    assert tuple(two[40, 60]) == (4, 5, 6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ids": [1, 2]}, "ids: got 2 values, wanted one for each of 1 boxes"),
        ({"labels": []}, "labels: got 0 values"),
        ({"scores": [0.1, 0.2]}, "scores"),
        ({"trails": []}, "trails"),
        ({"trails": 3}, "trails: got 3"),
        ({"trails": ["far"]}, "trails"),
        ({"ids": 3}, "ids: got 3, wanted a list of values"),
        ({"ids": {7}}, "ids"),
        ({"ids": "a"}, "ids: got 'a'"),
        ({"ids": [[1]]}, "ids"),
        ({"labels": 7}, "labels: got 7"),
        ({"scores": "high"}, "scores: got 'high'"),
        ({"scores": [[0.5]]}, "scores"),
        ({"colors": "red"}, "colors: got 'red'"),
        ({"colors": 5}, "colors: got 5"),
        ({"colors": [(300, 0, 0)]}, "color"),
        ({"colors": ["red"]}, "colors|color"),
        ({"thickness": 0}, "thickness"),
        ({"scale": 0}, "scale"),
        ({"scale": np.nan}, "scale"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(errors.InputError, match=rf"{words}"):
        overlay.draw(grey(), [[5, 5, 30, 30]], **options)


@pytest.mark.parametrize(
    ("frame", "box", "words"),
    [
        (grey()[..., 0], [0, 0, 5, 5], "frame"),
        (grey().astype(np.float32), [0, 0, 5, 5], "frame"),
        (grey(), [5, 5, 0, 0], "boxes"),
        (grey(), [0, 0, 5], "boxes"),
        (grey(), [np.nan, 0, 5, 5], "boxes"),
        (grey(), np.zeros((2, 2, 4)), "boxes"),
    ],
)
def test_bad_frames_and_boxes(frame, box, words):
    with pytest.raises(errors.InputError, match=words):
        overlay.draw(frame, box)


# Clips


class Counting:
    """Frames that count how often they are asked for."""

    def __init__(self, count):
        self.count, self.asked = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return grey()


def moving(count=10, objects=1):
    start = np.array([10, 20, 40, 50], np.float32)
    steps = np.arange(count)[:, None, None] * np.array([8, 2, 8, 2], np.float32)
    return start + steps + np.arange(objects)[None, :, None] * np.float32(6)


def test_frames_are_drawn_when_asked_for():
    frames = Counting(10)
    drawn = overlay.annotate(frames, moving())
    assert (len(drawn), frames.asked) == (10, [])
    np.testing.assert_array_equal(drawn[4], overlay.draw(grey(), moving()[4]))
    assert frames.asked == [4]
    assert len(drawn[2:5]) == 3
    np.testing.assert_array_equal(drawn[2:5][2], drawn[4])
    np.testing.assert_array_equal(drawn[-1], drawn[9])
    with pytest.raises(IndexError):
        drawn[10]


def test_one_object_may_be_given_without_its_axis():
    one, several = (
        overlay.annotate([grey()] * 10, moving()[:, 0]),
        overlay.annotate([grey()] * 10, moving()),
    )
    for a, b in zip(one, several, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_truth_brings_its_identities_and_classes():
    truth = Truth.from_boxes(moving(10, 2), ids=[4, 9], classes=[0, 1], class_names=("car", "cat"))
    clip = Clip(np.stack([grey()] * 10), truth=truth)
    by_truth = overlay.annotate(clip, truth)
    by_hand = overlay.annotate(clip, truth.boxes, ids=[4, 9], labels=["car", "cat"])
    np.testing.assert_array_equal(by_truth[3], by_hand[3])


def test_trails_show_the_past_and_break_where_the_object_was_absent():
    boxes = moving(12)
    long = touched(overlay.annotate([grey()] * 12, boxes, trails=8)[11])
    short = touched(overlay.annotate([grey()] * 12, boxes, trails=2)[11])
    none = touched(overlay.annotate([grey()] * 12, boxes)[11])
    assert long.sum() > short.sum() > none.sum()
    then = (boxes[5, 0, :2] + boxes[5, 0, 2:]) / 2
    x, y = int(then[0]), int(then[1])
    assert long[y, x]
    boxes[4:7] = np.nan
    gap = touched(overlay.annotate([grey()] * 12, boxes, trails=8)[11])
    assert not gap[y, x]
    # The future is not drawn.
    first = touched(overlay.annotate([grey()] * 12, moving(12), trails=8)[0])
    np.testing.assert_array_equal(first, touched(overlay.draw(grey(), moving(12)[0])))


def test_names_get_a_look_and_a_label_each():
    drawn = overlay.annotate([grey()] * 10, {"truth": moving(), "tracker": moving()[:, 0] + 30})[0]
    for place in (1, 2):
        assert (drawn == overlay.color_of(place)).all(-1).sum() > 100


def test_every_frame_may_have_its_own_number_of_boxes():
    rows = [moving(3, count)[time] for time, count in enumerate((2, 0, 1))]
    ids = [[5, 6], [], [6]]
    drawn = overlay.annotate([grey()] * 3, rows, ids=ids, trails=2)
    np.testing.assert_array_equal(drawn[0], overlay.draw(grey(), rows[0], ids=[5, 6]))
    assert not touched(drawn[1]).any()
    assert (drawn[2] == overlay.color_of(6)).all(-1).any()
    same_number = overlay.annotate([grey()] * 2, moving(2, 1), ids=[[3], [4]])
    np.testing.assert_array_equal(same_number[1], overlay.draw(grey(), moving(2)[1], ids=[4]))


def test_a_truth_may_stand_among_names():
    truth = Truth.from_boxes(moving())
    for boxes in ({"a": truth, "b": moving() + 30}, {"a": truth.boxes, "b": moving() + 30}):
        drawn = overlay.annotate([grey()] * 10, boxes)[3]
        for place in (1, 2):
            assert (drawn == overlay.color_of(place)).all(-1).sum() > 100


@pytest.mark.parametrize("colors", [(255, 0, 0), [(255, 0, 0)] * 2, np.array([255, 0, 0])])
def test_names_may_have_colours_of_their_own(colors):
    boxes = {"a": moving(), "b": moving() + 30}
    drawn = overlay.annotate([grey()] * 10, boxes, colors=colors)[0]
    assert (drawn == (255, 0, 0)).all(-1).sum() > 200
    assert not (drawn == overlay.color_of(1)).all(-1).any()


@pytest.mark.parametrize("frames", [5, None, {1: grey()}, (grey() for _ in range(3))])
def test_frames_that_cannot_be_annotated(frames):
    with pytest.raises(errors.InputError, match="frames: got"):
        overlay.annotate(frames)


RAGGED = [moving(10, 1 + time % 2)[time] for time in range(1, 10)] + [moving(10, 1)[9]]


@pytest.mark.parametrize(
    ("boxes", "options", "words"),
    [
        (moving(9), {}, "boxes of 9 frames, wanted those of 10 frames"),
        ({"a": moving(3)}, {}, "boxes\\['a'\\]"),
        (moving(10), {"ids": [1, 2]}, "ids"),
        (moving(10), {"trails": -1}, "trails"),
        (5, {}, "boxes: got 5"),
        (moving(10), {"ids": 3}, "ids: got 3"),
        (moving(10), {"labels": 3}, "labels: got 3"),
        (moving(10), {"scores": [0.5] * 4}, "scores: got 4 values, wanted one for each of 10 fr"),
        (moving(10), {"scores": "zzz"}, "scores: got 'zzz'"),
        (moving(10), {"scores": 0.5}, "scores: got 0.5"),
        (moving(10), {"scores": [[0.5, 0.6]] * 10}, "scores: got 2 values"),
        (moving(10), {"thickness": 0}, "thickness"),
        (moving(10, 2), {"ids": [[1, 2]] * 4}, "ids: got 4 values, wanted one for each of 10 fr"),
        (RAGGED, {"ids": [1, 2]}, "ids: got 2 values, wanted one for each of 10 frames"),
        (RAGGED, {"ids": list(range(10))}, "ids: got 0, wanted a list of values"),
        (RAGGED, {"scores": [0.5] * 10}, "scores: got 1 values, wanted one for each of 2 boxes"),
        (RAGGED, {"labels": ["a", "b", "c"]}, "labels: got 3 values"),
        ({"a": moving(10)}, {"ids": [1]}, "ids: got .*None beside boxes by name"),
        ({"a": moving(10)}, {"labels": "x"}, "labels: got .*None beside boxes by name"),
        ({"a": moving(10)}, {"scores": [0.5] * 10}, "scores: got .*None beside boxes by name"),
        ({"a": moving(10), "b": moving(10)}, {"colors": [(1, 2, 3)]}, "colors: got 1 values"),
        ({"a": moving(10)}, {"colors": ["red"]}, "color"),
        ({"a": moving(10)}, {"colors": 3}, "colors: got 3"),
    ],
)
def test_bad_annotations(boxes, options, words):
    with pytest.raises(errors.InputError, match=words):
        overlay.annotate([grey()] * 10, boxes, **options)
