"""Clips: parts that agree, slices that keep their truth, and frames that stay lazy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import boxes, errors
from tracklab.clips import Clip, Truth


class Counted:
    """Frames that count how many of them were asked for."""

    def __init__(self, length):
        self.length, self.asked = length, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.asked.append(index)
        return np.full((4, 6, 3), index, np.uint8)


def moving_truth(frames):
    at = np.cumsum(np.random.default_rng(3).integers(0, 4, (frames, 2, 2)), 0)
    return Truth.from_boxes(np.concatenate([at, at + 5], -1))


@given(st.integers(0, 9), st.integers(0, 12), st.integers(1, 4))
@settings(deadline=None)
def test_velocities_of_a_part_lead_from_frame_to_frame(start, stop, step):
    truth = moving_truth(12)
    part = Clip(Counted(12), fps=12.0, truth=truth)[start:stop:step]
    assert len(part.truth) == len(part)
    assert part.fps == pytest.approx(12 / step)
    centers = boxes.centers(part.truth.boxes)
    np.testing.assert_allclose(part.truth.velocities[1:], np.diff(centers, axis=0))


def test_a_part_of_a_lazy_clip_is_lazy():
    frames = Counted(1000)
    part = Clip(frames)[100:900][10:20]
    assert len(part) == 10
    assert frames.asked == []
    assert part.frames[3][0, 0, 0] == 113
    assert [frame[0, 0, 0] for frame in part[8:]] == [118, 119]
    with pytest.raises(IndexError):
        part.frames[10]


def test_from_boxes_fills_in_what_follows_from_boxes():
    path = np.array([[[0, 0, 4, 4]], [[2, 1, 6, 5]], [[np.nan] * 4]], np.float32)
    truth = Truth.from_boxes(path, class_names=("car",), classes=[0])
    assert truth.ids.tolist() == [1]
    assert truth.present[:, 0].tolist() == [True, True, False]
    assert truth.visibility[:, 0].tolist() == [1, 1, 0]
    assert truth.velocities[1, 0].tolist() == [2, 1]
    assert np.isnan(truth.velocities[[0, 2], 0]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ids": [1, 1]}, "truth.ids.*of its own"),
        ({"ids": [1]}, r"truth.ids.*shape \(2,\)"),
        ({"classes": [0, 5], "class_names": ("a", "b")}, "truth.classes: got 5"),
        ({"visibility": np.zeros((3, 1))}, "truth.visibility"),
        ({"visibility": np.full((3, 2), 5.0)}, "truth.visibility: got 5.0, wanted .* 0 to 1"),
        ({"visibility": np.full((3, 2), -0.1)}, "truth.visibility: got -0.1"),
        ({"visibility": np.full((3, 2), np.nan)}, "truth.visibility: got nan"),
        ({"ids": [1.2, 2.9]}, "truth.ids.*float64, wanted whole numbers"),
        ({"ids": ["a", "b"]}, "truth.ids.*wanted whole numbers"),
        ({"ids": [True, False]}, "truth.ids.*bool, wanted whole numbers"),
        ({"ids": None}, "truth.ids: got None, wanted whole numbers"),
        ({"classes": [-7, 0]}, "truth.classes: got -7"),
        ({"classes": [np.nan, 0]}, "truth.classes.*float64, wanted whole numbers"),
        ({"velocities": [[1], [1, 2]]}, "truth.velocities: got"),
        ({"velocities": np.full((3, 2, 2), np.inf)}, "truth.velocities"),
        ({"velocities": "fast"}, "truth.velocities: got 'fast'"),
        ({"class_names": "ab"}, "truth.class_names: got 'ab'"),
        ({"class_names": 3}, "truth.class_names: got 3"),
    ],
)
def test_parts_that_do_not_agree_are_named(change, said):
    with pytest.raises(errors.InputError, match=said):
        Truth.from_boxes(np.zeros((3, 2, 4)), **change)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"frames": np.zeros((3, 4, 4), np.uint8)}, r"frames.*\(T, H, W, 3\)"),
        ({"frames": np.zeros((3, 4, 4, 3))}, "float64"),
        ({"frames": 7}, "frames: got 'int'"),
        ({"frames": "abc"}, "frames: got 'str'"),
        ({"frames": {0: 1}}, "frames: got 'dict'"),
        ({"frames": range(3)}, "frames: got 'range'"),
        ({"frames": Clip(Counted(3))}, "frames: got 'Clip'"),
        ({"frames": [1, 2, 3]}, r"frames\[0\]: got 'int'"),
        ({"frames": list(np.zeros((3, 4, 5, 3)))}, r"frames\[0\].*float64"),
        ({"frames": [np.zeros((4, n, 3), np.uint8) for n in (5, 6)]}, r"frames\[1\].*\(4, 5, 3\)"),
        ({"frames": Counted(4), "truth": "abcd"}, "truth: got 'abcd', wanted a Truth"),
        ({"frames": Counted(3), "truth": np.zeros((3, 1, 4))}, "truth: got an array"),
        ({"frames": Counted(4), "detections": (1, 2, 3, 4)}, r"detections\[0\]: got 1"),
        ({"frames": Counted(1), "detections": [np.zeros((2, 5))]}, r"detections\[0\].*\(2, 5\)"),
        ({"frames": Counted(4), "detections": 4}, "detections: got 4"),
        ({"frames": Counted(4), "name": None}, "name: got None"),
        ({"frames": Counted(3), "fps": 0}, "fps.*more than 0"),
        ({"frames": Counted(3), "fps": float("nan")}, "fps: got nan"),
        ({"frames": Counted(3), "truth": moving_truth(4)}, "truth: got 4 frames"),
        ({"frames": Counted(3), "detections": ((),)}, "detections of 1 frames"),
    ],
)
def test_bad_clips_are_named(arguments, said):
    with pytest.raises(errors.InputError, match=said):
        Clip(**arguments)


def test_a_list_of_frames_is_a_clip():
    clip = Clip([np.full((4, 6, 3), n, np.uint8) for n in range(5)])
    assert clip.size == (4, 6)
    assert [frame[0, 0, 0] for frame in clip[1:4]] == [1, 2, 3]
    assert len(Clip([])) == 0


def test_nothing_is_decoded_to_make_a_clip():
    frames = Counted(12)
    found = [np.ones((index, 6)) for index in range(12)]
    clip = Clip(frames, truth=moving_truth(12), detections=found)
    assert frames.asked == []
    assert isinstance(clip.detections, tuple)
    assert clip.detections[5].dtype == np.float32
    assert [len(one) for one in clip[3:6].detections] == [3, 4, 5]


def test_clips_and_truths_are_equal_to_themselves_alone():
    def made():
        return Clip(np.zeros((4, 5, 6, 3), np.uint8), truth=moving_truth(4))

    clip, other = made(), made()
    for one, two in ((clip, other), (clip.truth, other.truth)):
        assert one == one
        assert one != two
        assert two not in [one]
        assert len({one, two, one}) == 2


def test_clips_go_forward_only():
    with pytest.raises(errors.InputError, match="forward in time"):
        Clip(Counted(5))[::-1]
    with pytest.raises(errors.InputError, match="a slice"):
        Clip(Counted(5))[2]
    with pytest.raises(errors.InputError, match=r"a slice, as in truth\[10:20\]"):
        moving_truth(5)[2]
    with pytest.raises(errors.InputError, match="without frames"):
        _ = Clip(Counted(0)).size
