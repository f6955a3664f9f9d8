"""OpenCV's trackers: what is handed over and back, which there are, what the others want."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, scenes, trackers
from tracklab.trackers import opencv

CONTRIB = hasattr(cv2, "legacy")
WHOLE = [kind for kind in opencv.WRITTEN_OUT if kind in opencv.opencv_available()]


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


class Fake:
    """Stands in for one of OpenCV's trackers: writes down what it gets, answers what it is told."""

    answer = True, (12, 21, 30, 20)
    started = None

    def __init__(self, *given):
        self.given, self.calls = given, []
        type(self).last = self

    def init(self, image, box):
        self.calls.append((image[0, 0].tolist(), box))
        return self.started

    def update(self, image):
        return self.answer


@pytest.fixture
def fake(monkeypatch):
    made = type("Made", (Fake,), {})
    monkeypatch.setattr(cv2, "TrackerCSRT_create", made, raising=False)
    return made


def started(box, size=(100, 100)):
    frame = np.zeros((*size, 3), np.uint8)
    frame[..., 0] = 255
    tracker = trackers.create("opencv-csrt")
    tracker.init(frame, box)
    return tracker, frame


def test_bgr_and_xywh_are_handed_over(fake):
    tracker, frame = started([10, 20, 40, 40])
    state = tracker.update(frame)
    assert fake.last.calls == [([0, 0, 255], (10, 20, 30, 20))]
    np.testing.assert_array_equal(state.box, [12, 21, 42, 41])
    np.testing.assert_array_equal(state.velocity, [2, 1])
    assert state.score == 1


@pytest.mark.parametrize(
    ("box", "handed"),
    [
        ([10.4, 20.6, 40.4, 40.6], (10, 20, 31, 21)),  # whole pixels around it
        ([-20, 30, 40, 60], (0, 30, 40, 30)),  # inside the frame
        ([50, 50, 52, 51], (44, 43, 8, 8)),  # not too small
        ([0, 0, 1, 1], (0, 0, 8, 8)),
        ([99.5, 99.5, 300, 300], (92, 92, 8, 8)),
    ],
)
def test_a_box_is_moved_to_suit_opencv_and_back(fake, box, handed):
    tracker, frame = started(box)
    assert fake.last.calls[0][1] == handed
    fake.answer = True, handed
    np.testing.assert_allclose(tracker.update(frame).box, box, atol=1e-4)


def test_where_nothing_is_found_the_box_stays(fake):
    tracker, frame = started([10, 20, 40, 40])
    tracker.update(frame)
    fake.answer = False, (0, 0, 0, 0)
    state = tracker.update(frame)
    np.testing.assert_array_equal(state.box, [12, 21, 42, 41])
    np.testing.assert_array_equal(state.velocity, [0, 0])
    assert state.score == 0


def test_a_tracker_that_says_it_did_not_start_is_believed(fake):
    fake.started = False
    with pytest.raises(errors.InputError, match="cannot start"):
        started([10, 20, 40, 40])


@pytest.mark.parametrize("kind", opencv.WRITTEN_OUT)
def test_boxes_and_frames_beyond_a_kinds_limits_never_reach_opencv(kind, monkeypatch):
    one = opencv.KINDS[kind]
    monkeypatch.setattr(cv2, f"{one.of}_create", Fake, raising=False)
    tracker = trackers.create(f"opencv-{kind}")
    with pytest.raises(errors.InputError, match=f"at least {one.least} x {one.least}"):
        tracker.init(noise(0, one.least - 1, 200), [0, 0, 5, 5])
    if one.most < 1:
        with pytest.raises(errors.InputError, match="smaller box"):
            tracker.init(noise(0, 100, 200), [0, 0, 30, 100 * one.most + 1])
    tracker.init(noise(0, 100, 200), [50, 30, 52, 32])
    assert tracker._tracker.calls[0][1][2:] == (one.least, one.least)


@pytest.mark.parametrize("kind", opencv.WRITTEN_OUT)
def test_the_installed_opencvs_own_trackers_follow(kind):
    if kind not in WHOLE:
        pytest.skip(f"{kind} wants opencv-contrib-python: make contrib")
    clip = scenes.render(
        1, 25, (200, 260), 1, object_size=48.0, speed=2.0, motion="constant velocity"
    )
    track = trackers.run(f"opencv-{kind}", clip)
    overlaps = np.diag(bx.iou(track.boxes, clip.truth.boxes[:, 0]))
    assert overlaps[-5:].mean() > 0.6
    assert np.abs(track.velocities[-5:].mean(0) - clip.truth.velocities[-5:, 0].mean(0)).max() < 1


# which there are


def test_what_is_available_can_be_made_and_what_is_not_says_what_it_wants():
    assert set(trackers.available()) <= set(trackers.NAMES)
    for name in trackers.NAMES:
        if name in trackers.available():
            trackers.create(name)
        else:
            with pytest.raises(errors.MissingError, match=r"contrib|files=\["):
                trackers.create(name)


def test_every_tracker_of_this_opencv_is_registered():
    """OpenCV's own list, so that a new one is not overlooked. MIL, KCF and CSRT are there twice."""
    places = [cv2, cv2.legacy] if CONTRIB else [cv2]
    there = {
        name.removesuffix("_create")
        for place in places
        for name in dir(place)
        if name.startswith("Tracker") and name.endswith("_create")
    }
    assert there <= {one.of for one in opencv.KINDS.values()}
    assert {f"opencv-{kind}" for kind in opencv.KINDS} == {
        name for name in trackers.NAMES if name.startswith("opencv-")
    }


def test_a_tracker_that_this_opencv_lacks_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "TrackerCSRT_create", raising=False)
    monkeypatch.delattr(cv2, "legacy", raising=False)
    with pytest.raises(errors.MissingError, match=r"opencv-contrib-python.*make contrib"):
        trackers.create("opencv-csrt")
    assert "csrt" not in opencv.opencv_available()
    assert "opencv-csrt" not in trackers.available()


def test_a_kind_of_the_other_class_is_refused():
    with pytest.raises(errors.InputError, match="'csrt'"):
        opencv.OpenCVTracker("nano")
    with pytest.raises(errors.InputError, match="'nano'"):
        opencv.OpenCVNetwork("csrt")


# networks, whose files are somebody else's


@pytest.mark.parametrize("kind", opencv.NETWORKS)
def test_a_network_without_its_files_says_where_they_come_from(kind):
    with pytest.raises(errors.MissingError) as caught:
        trackers.create(f"opencv-{kind}")
    said = str(caught.value)
    assert opencv.KINDS[kind].source in said
    assert all(name in said for name in opencv.KINDS[kind].files)
    assert "://" not in said


@pytest.mark.parametrize("kind", opencv.NETWORKS)
def test_files_that_are_wrong_are_named(kind, tmp_path):
    count = len(opencv.KINDS[kind].files)
    paths = [tmp_path / f"{n}.onnx" for n in range(count)]
    with pytest.raises(errors.SourceError, match=r"0\.onnx: there is no such file"):
        trackers.create(f"opencv-{kind}", files=paths)
    for path in paths:
        path.write_bytes(b"not a network")
    with pytest.raises(errors.InputError, match=f"{count} of opencv-{kind}, in this order"):
        trackers.create(f"opencv-{kind}", files=[*paths, *paths])
    with pytest.raises(errors.SourceError, match="cannot read this as the network"):
        trackers.create(f"opencv-{kind}", files=paths)


def test_a_network_gets_its_files_by_name_and_tells_its_score(monkeypatch, tmp_path):
    class Network(Fake):
        def getTrackingScore(self):
            return 0.75

    monkeypatch.setattr(cv2, "TrackerNano_create", Network)
    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path in paths:
        path.write_bytes(b"")
    tracker = trackers.create("opencv-nano", files=paths)
    frame = noise(0, 60, 80)
    tracker.init(frame, [20, 20, 50, 40])
    (parameters,) = Network.last.given
    assert (parameters.backbone, parameters.neckhead) == tuple(map(str, paths))
    assert tracker.update(frame).score == 0.75
    Network.answer = False, (0, 0, 0, 0)
    assert tracker.update(frame).score == 0


# in a process of its own, because what fails here takes its process along
REFUSED = """
import numpy as np
from tracklab import boxes as bx
from tracklab import errors, scenes, trackers

frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
tracker = trackers.create("opencv-mil")
tracker.init(frame, [20, 30, 60, 70])
tracker.update(frame)
try:
    tracker.init(frame, [0, 0, 160, 120])
except errors.InputError:
    print("refused")
try:
    tracker.update(frame)
except errors.InputError as error:
    print(error)
"""


def test_opencvs_refusal_does_not_end_the_process():
    done = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused\n")
    assert "update before init" in done.stdout
