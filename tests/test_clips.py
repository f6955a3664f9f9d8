"""Clips: parts that agree, slices that keep their truth, and frames that stay lazy."""

import numpy as np
import pytest
from hypothesis import given
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
        ({"frames": Counted(3), "fps": 0}, "fps.*more than 0"),
        ({"frames": Counted(3), "fps": float("nan")}, "fps: got nan"),
        ({"frames": Counted(3), "truth": moving_truth(4)}, "truth: got 4 frames"),
        ({"frames": Counted(3), "detections": ((),)}, "detections of 1 frames"),
    ],
)
def test_bad_clips_are_named(arguments, said):
    with pytest.raises(errors.InputError, match=said):
        Clip(**arguments)


def test_clips_go_forward_only():
    with pytest.raises(errors.InputError, match="forward in time"):
        Clip(Counted(5))[::-1]
    with pytest.raises(errors.InputError, match="a slice"):
        Clip(Counted(5))[2]
    with pytest.raises(errors.InputError, match="without frames"):
        _ = Clip(Counted(0)).size
