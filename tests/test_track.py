"""`track`: a video in, what was followed out, whatever goes wrong on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import warnings

import av
import cv2
import numpy as np
import pytest
from realdata import SHARED, needs_real_data
from test_track_files import Camera, broken, ramp
from test_track_parts import walk

import tracklab
from tracklab import cli, errors, following, scenes, trackers, video
from tracklab.boxes import iou
from tracklab.detections import Detections
from tracklab.following import window
from tracklab.following.outs import SPARE
from tracklab.trackers.base import State, Tracker
from tracklab.tracks import Tracks

HIDDEN = {"shown": False}


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """A scene with one object as a video, and its truth."""
    clip = scenes.render(seed=3, frames=40, size=(90, 122), objects=1)
    path = video.write(tmp_path_factory.mktemp("movie") / "movie.mp4", clip, 30)
    return path, clip.truth


def track(source, tracker="template", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged files, which `say` is told of
        return tracklab.track(source, tracker, **(HIDDEN | options))


# one object, all files


def test_it_says_what_the_tracker_says(movie):
    path, truth = movie
    box = truth.boxes[0, 0]
    wanted = trackers.run("template", video.read_clip(path), box)
    found = track(path, box=box)
    np.testing.assert_array_equal(found.boxes, wanted.boxes)
    np.testing.assert_allclose(found.seconds, np.arange(40) / 30)
    assert (found.name, found.tracker, found.fps, found.size) == (
        "movie",
        "template",
        30,
        (90, 122),
    )
    assert (found.stopped, found.problems, found.damaged, found.files) == (False, (), (), ())
    assert len(found) == 40
    assert found.frames_per_second > 0
    for frame, score in zip(found.tracks, wanted.scores, strict=True):
        assert frame.scores == np.float32(score)


def test_files_read_back_as_the_result(movie, tmp_path):
    path, truth = movie
    out = [tmp_path / name for name in ("a.mp4", "a.csv", "a.txt", "b.MP4")]
    found = track(path, box=truth.boxes[0, 0], out=out, metres_per_pixel=0.5)
    assert set(found.files) == set(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in out)
    table = video.read_table(tmp_path / "a.csv")
    text = video.read_tracks(tmp_path / "a.txt", len(found))
    np.testing.assert_array_equal(table.seconds, found.seconds)
    assert len(table.tracks) == len(text) == 40
    for one, other, wanted in zip(table.tracks, text, found.tracks, strict=True):
        for name in ("ids", "boxes", "velocities", "labels", "scores", "ages"):
            np.testing.assert_array_equal(getattr(one, name), getattr(wanted, name))
        for name in ("ids", "boxes", "scores"):
            np.testing.assert_array_equal(getattr(other, name), getattr(wanted, name))
    head, *rows = (tmp_path / "a.csv").read_text().splitlines()
    assert head.endswith("label,speed_px_s,speed_km_h")
    last = dict(zip(head.split(","), rows[-1].split(","), strict=True))
    speed = found.speeds[1][-1]
    assert float(last["speed_px_s"]) == pytest.approx(speed, rel=1e-4)
    assert float(last["speed_km_h"]) == pytest.approx(speed * 0.5 * 3.6, rel=1e-4)
    assert found.km_h(speed) == pytest.approx(speed * 0.5 * 3.6)


def test_the_video_is_the_source_with_marks(movie, tmp_path):
    path, truth = movie
    track(path, box=truth.boxes[0, 0], out=tmp_path / "a.mp4", quality=95)
    source, drawn = video.read_clip(path), video.read_clip(tmp_path / "a.mp4")
    assert (len(drawn), drawn.fps) == (40, 30)
    np.testing.assert_allclose(drawn.frames.times, source.frames.times, atol=1e-3)
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.height, context.width) == (90, 122)  # even
    for before, after in zip(source, drawn, strict=True):
        change = np.abs(before.astype(int) - after.astype(int)).max(-1)
        assert (change > 60).mean() > 0.01  # marks
        assert np.median(change) < 12  # and little else


def test_uneven_times_are_kept_from_source_to_files(tmp_path):
    clip = scenes.render(seed=1, frames=12, size=(64, 64), objects=1)
    times = np.cumsum([0, *np.random.default_rng(0).uniform(0.02, 0.3, 11)])
    recorder = video.Recorder(tmp_path / "a.mp4")
    for frame, seconds in zip(clip, times, strict=True):
        recorder.add(frame, seconds)
    recorder.finish()
    out = [tmp_path / "b.mp4", tmp_path / "b.csv"]
    found = track(tmp_path / "a.mp4", box=clip.truth.boxes[0, 0], out=out)
    np.testing.assert_allclose(found.seconds, times, atol=1e-3)
    np.testing.assert_allclose(video.read_clip(out[0]).frames.times, times, atol=1e-3)


def test_speed_is_that_of_the_object(tmp_path):
    frames, truth = walk(frames=45, step=(3, 0))
    path = video.write(tmp_path / "a.mp4", frames[10:], 25)
    found = track(path, "template", box=truth[10])
    assert np.nanmedian(found.speeds[1]) == pytest.approx(75, abs=6)  # 3 pixels, 25 times a second


def test_folders_start_from_their_truth_or_detections(tmp_path, movie):
    path, truth = movie
    (tmp_path / "img").mkdir()
    for number, frame in enumerate(video.read_clip(path), 1):
        cv2.imwrite(str(tmp_path / "img" / f"{number:03d}.png"), frame[..., ::-1])
    video.write_boxes(tmp_path / "groundtruth_rect.txt", truth.boxes[:, 0])
    found = track(tmp_path)
    np.testing.assert_array_equal(found.boxes[0], truth.boxes[0, 0])
    assert len(found) == 40
    (tmp_path / "groundtruth_rect.txt").unlink()
    with pytest.raises(errors.InputError, match="box: got None, wanted a box around the object"):
        track(tmp_path)
    asked = []
    found = track(tmp_path, ask=lambda frame: asked.append(frame) or [10, 10, 40, 40])
    assert asked[0].shape == (90, 122, 3)
    assert found.boxes[0].tolist() == [10, 10, 40, 40]
    (tmp_path / "img").rename(tmp_path / "img1")
    (tmp_path / "det").mkdir()
    rows = [f"{t},-1,11,11,30,30,0.9\n" for t in range(1, 41) if t != 5]
    (tmp_path / "det" / "det.txt").write_text("".join(rows))
    found = track(tmp_path, "sort")
    assert [len(frame) for frame in found.tracks] == [1] * 4 + [0] + [1] * 35
    np.testing.assert_allclose(found.tracks[0].boxes, [[10, 10, 40, 40]])


# detectors start


def test_a_finder_starts_a_tracker_of_one(tmp_path):
    frames, truth = walk()
    path = video.write(tmp_path / "a.mp4", frames)
    found = track(path, detect="moving", out=tmp_path / "a.csv")
    first = np.flatnonzero(np.isfinite(found.boxes[:, 0]))[0]
    assert first == np.flatnonzero(np.isfinite(truth[:, 0]))[0]
    there = np.arange(first, 40)
    overlaps = [iou(found.boxes[[t]], truth[[t]])[0, 0] for t in there]
    assert np.mean(overlaps) > 0.6
    assert found.class_names == ("moving",)
    assert "class" in (tmp_path / "a.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("tracker", ["sort", "rnn-sort"])
def test_many_objects_and_a_line(tmp_path, tracker):
    one, _ = walk(frames=60, size=(120, 160), start=(10, 20), step=(2, 0))
    other, _ = walk(frames=60, size=(120, 160), start=(120, 80), step=(-2, 0))
    frames = [np.where(a[..., :1] > 150, a, b) for a, b in zip(one, other, strict=True)]
    path = video.write(tmp_path / "a.mp4", frames)
    out = [tmp_path / "b.mp4", tmp_path / "b.csv", tmp_path / "b.txt"]
    found = track(path, tracker, detect="moving", line=[80, 0, 80, 120], out=out)
    assert sorted(c.way for c in found.crossings) == ["left", "right"]
    assert "crossed the line: right 1, left 1" in str(found)
    assert len({k for frame in found.tracks for k in frame.ids.tolist()}) == 2
    assert len(found.files) == 3
    text = video.read_tracks(tmp_path / "b.txt", len(found))
    for a, b in zip(text, found.tracks, strict=True):
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.boxes, b.boxes)
    with pytest.raises(errors.InputError, match="boxes: got many objects"):
        found.boxes  # noqa: B018
    for speeds in found.speeds.values():
        assert np.nanmedian(speeds) == pytest.approx(50, abs=8)


def test_a_function_can_find(movie):
    path, _ = movie
    seen = []

    def find(frame):
        seen.append(frame)
        return Detections([[5, 5, 30, 30]], [0.5], [0]) if len(seen) > 2 else Detections.empty()

    found = track(path, detect=find)
    assert len(seen) == 3  # then the tracker goes on alone
    assert [len(frame) for frame in found.tracks] == [0, 0] + [1] * 38
    found = track(path, trackers.create("sort", proof=1), detect=find, frames=6)
    assert len(seen) == 9
    assert all(len(frame) == 1 for frame in found.tracks)


def test_nothing_found_is_no_error(movie, tmp_path):
    out = [tmp_path / name for name in ("a.mp4", "a.csv", "a.txt")]
    found = track(movie[0], detect=lambda frame: Detections.empty(), out=out)
    assert not any(len(frame) for frame in found.tracks)
    assert np.isnan(found.boxes).all()
    assert len(video.read_clip(out[0])) == len(video.read_table(out[1]).tracks) == 40
    assert out[2].read_text() == ""


# trackers that see nothing


class Blinking(Tracker):
    """Sees the object in every other frame."""

    name = "blinking"

    def _start(self, frame, box):
        self._box, self._count = box, 0

    def _step(self, frame):
        self._count += 1
        return State(self._box, np.zeros(2, np.float32), float(self._count % 2))


def test_where_a_tracker_sees_nothing_there_is_no_box(movie):
    found = track(movie[0], Blinking(), box=[5, 5, 30, 30], frames=6)
    assert np.isfinite(found.boxes[:, 0]).tolist() == [True, True, False, True, False, True]
    assert [frame.ages.tolist() for frame in found.tracks] == [[0], [1], [], [3], [], [5]]


# what is refused before anything is done


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"box": [200, 10, 230, 40]}, "box: .*outside the frame"),
        ({"box": [-50, -50, -10, -10]}, "box: .*outside the frame"),
        ({"box": [30, 30, 10, 40]}, "box"),
        ({"box": [1, 2, 3]}, "box"),
        ({"box": [1, 2, 3, np.nan]}, "box"),
        ({"box": [1, 2, 9, 9], "detect": "faces"}, "one way to start"),
        ({"tracker": "sort", "box": [1, 2, 9, 9]}, "one way to start"),
        ({"tracker": "sort"}, "detect: got no detector, wanted for many objects one of faces"),
        ({"detect": "cats"}, "detect: got 'cats', wanted one of 'faces'"),
        ({"detect": "file"}, "a MOTChallenge folder"),
        ({"detect": 3}, "detect"),
        ({"tracker": "best", "box": [1, 2, 9, 9]}, "tracker: got 'best'"),
        ({"tracker": 7, "box": [1, 2, 9, 9]}, "tracker: got 7"),
        ({"out": "a.avi"}, r"out: got 'a\.avi', wanted a file that ends in \.mp4"),
        ({"out": ["a.csv", "a.csv"]}, "each file once"),
        ({"out": 5}, "out"),
        ({"out": [5]}, "out"),
        ({"metres_per_pixel": 0}, "metres_per_pixel"),
        ({"line": [1, 1, 1, 1]}, "line"),
        ({"trail": -1}, "trail"),
        ({"quality": 101}, "quality"),
        ({"frames": 0}, "frames"),
        ({"fps": 0}, "fps"),
    ],
)
def test_what_is_refused(movie, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.InputError, match=words):
        track(movie[0], **({"out": "a.mp4"} | options))
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_are_known_at_once(movie, tmp_path, monkeypatch):
    def never(*_, **__):
        pytest.fail("the source was opened")

    monkeypatch.setattr(video, "open_stream", never)
    with pytest.raises(errors.SourceError, match=r"gone.a\.csv: cannot be written"):
        track(movie[0], box=[1, 1, 9, 9], out=tmp_path / "gone" / "a.csv")
    (tmp_path / "d.mp4").mkdir()
    with pytest.raises(errors.SourceError, match="a folder; wanted a file"):
        track(movie[0], box=[1, 1, 9, 9], out=tmp_path / "d.mp4")
    copy = tmp_path / "own.mp4"
    copy.write_bytes(movie[0].read_bytes())
    with pytest.raises(errors.InputError, match="another file than the source"):
        track(copy, box=[1, 1, 9, 9], out=copy)
    assert copy.read_bytes() == movie[0].read_bytes()


# bad sources, in the order of the list


def _text(folder):
    (folder / "a.mp4").write_text("no video at all\n" * 9)
    return folder / "a.mp4"


def _no_frames(folder):
    data = video.write(folder / "a.mp4", [ramp(n) for n in range(9)]).read_bytes()
    (folder / "a.mp4").write_bytes(data[: data.index(b"mdat") + 4])
    return folder / "a.mp4"


def _sizes(folder):
    for number, size in enumerate([(60, 80), (60, 80), (30, 40)]):
        cv2.imwrite(str(folder / f"{number}.png"), ramp(number, size))
    return folder


def _damaged_throughout(folder):
    for number in range(3):
        (folder / f"{number}.png").write_bytes(cv2.imencode(".png", ramp(number))[1].tobytes()[:60])
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_text, "cannot be opened as a video"),
        (_no_frames, "no frame can be decoded"),
        (_sizes, r"2\.png: frame 2 is 40 x 30 pixels, frame 0 is 80 x 60"),
        (_damaged_throughout, "0.png"),
        (lambda folder: folder / "gone.mp4", "nothing there"),
        (lambda folder: "97", "webcam 97: no camera of that number gives pictures"),
    ],
)
def test_sources_that_are_none(tmp_path, make, words):
    (tmp_path / "in").mkdir()
    with pytest.raises(errors.SourceError, match=words):
        track(make(tmp_path / "in"), box=[1, 1, 20, 20], out=tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_no_permission(movie, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(errors.SourceError, match="no permission to read it"):
        track(movie[0], box=[1, 1, 9, 9])


def test_a_truncated_video_is_followed_to_where_it_breaks_off(movie, tmp_path):
    data = movie[0].read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 9 // 10])
    box = movie[1].boxes[0, 0]
    with pytest.warns(UserWarning, match=r"breaks off; the first \d+ of 40 frames"):
        found = tracklab.track(tmp_path / "cut.mp4", "template", box=box, out=tmp_path / "a.csv")
    assert 5 < len(found) < 40
    whole = track(movie[0], box=box)
    np.testing.assert_array_equal(found.boxes, whole.boxes[: len(found)])


def test_one_pixel(tmp_path):
    path = video.write(tmp_path / "a.mp4", [np.full((1, 1, 3), 9, np.uint8)] * 5)
    assert video.read_clip(path).size == (2, 2)  # H.264 has even sides
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((1, 1, 3), 9, np.uint8))
    for tracker in ("template", "mosse", "recurrent"):
        found = track(tmp_path, tracker, box=[0, 0, 1, 1], out=tmp_path / "o.mp4")
        assert (len(found), found.size) == (3, (1, 1))
        assert len(video.read_clip(tmp_path / "o.mp4")) == 3


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_turned_phone_is_followed_upright(tmp_path, turn):
    """The picture is stored lying and marked; box and result are those of the upright one."""
    frames, truth = walk(frames=30, size=(120, 160))
    upright = frames[10:]
    stored = [np.ascontiguousarray(np.rot90(frame, -turn // 90)) for frame in upright]
    height, width = stored[0].shape[:2]
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.set_display_rotation(turn)
        for frame in stored:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    found = track(tmp_path / "a.mp4", "template", box=truth[10], out=tmp_path / "b.mp4")
    assert found.size == (120, 160)
    overlaps = [iou(found.boxes[[t]], truth[[t + 10]])[0, 0] for t in range(20)]
    assert min(overlaps) > 0.6
    assert video.read_clip(tmp_path / "b.mp4").size == (120, 160)


@pytest.mark.parametrize("damaged", [(7,), (1, 39), (20, 21, 22, 23, 24, 25, 26)])
def test_damaged_frames_are_told_of_and_left_out(tmp_path, damaged):
    told, out = [], [tmp_path / "b.mp4", tmp_path / "b.csv"]
    path = broken(tmp_path / "a.mp4", damaged)
    found = track(path, "still", box=[10, 10, 30, 30], out=out, say=told.append)
    assert found.damaged == damaged
    assert len(found) == 40
    assert [t for t in range(40) if np.isnan(found.boxes[t, 0])] == list(damaged)
    np.testing.assert_allclose(found.seconds, np.arange(40) / 25)
    assert f"frame {damaged[0]} is damaged and left out" in told[0]
    assert len([line for line in told if "left out" in line]) == min(len(damaged), 5)
    assert len(video.read_clip(out[0])) == 40
    np.testing.assert_allclose(video.read_clip(out[0]).frames.times, np.arange(40) / 25, atol=1e-3)
    table = video.read_table(out[1])
    assert [t for t in range(40) if not len(table.tracks[t])] == list(damaged)
    counted = "1 damaged frame," if len(damaged) == 1 else f"{len(damaged)} damaged frames,"
    assert counted in str(found)


def test_a_video_may_begin_damaged(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(6):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), ramp(number))
    for number in (0, 1, 4):
        (tmp_path / "in" / f"{number}.png").write_bytes(b"nothing")
    told, out = [], [tmp_path / "b.mp4", tmp_path / "b.csv"]
    found = track(tmp_path / "in", "still", box=[9, 9, 30, 30], out=out, say=told.append)
    assert found.damaged == (0, 1, 4)
    assert np.isnan(found.boxes[:, 0]).tolist() == [True, True, False, False, True, False]
    assert "the first frame that can be decoded is number 2" in told
    assert len(video.read_clip(out[0])) == len(video.read_table(out[1]).tracks) == 6


def test_a_tracker_of_many_may_predict_in_damaged_frames(tmp_path):
    path = broken(tmp_path / "a.mp4", (20, 21))

    def find(frame):
        return Detections([[10, 10, 30, 30]], [0.9], [0])

    found = track(path, trackers.create("sort", coast=5), detect=find)
    assert all(frame.ids.tolist() == [1] for frame in found.tracks)
    found = track(path, "sort", detect=find)
    assert [t for t in range(40) if not len(found.tracks[t])] == [20, 21]


def test_detections_of_a_folder_stay_with_their_frames_where_it_begins_damaged(tmp_path):
    (tmp_path / "img1").mkdir()
    (tmp_path / "det").mkdir()
    for number in range(1, 9):
        cv2.imwrite(str(tmp_path / "img1" / f"{number:06d}.png"), np.zeros((60, 80, 3), np.uint8))
    for number in (1, 2, 5):
        (tmp_path / "img1" / f"{number:06d}.png").write_bytes(b"no picture")
    rows = [f"{t},-1,{10 * t + 1},11,30,30,0.9\n" for t in range(1, 9)]  # x = 10 t, counted from 0
    (tmp_path / "det" / "det.txt").write_text("".join(rows))
    moves = []
    find = following.followers._Listed.__call__

    def noted(listed, frame):
        moves.append(find(listed, frame))
        return moves[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following.followers._Listed, "__call__", noted)
        found = track(tmp_path, "sort")
    assert found.damaged == (0, 1, 4)
    assert [one.boxes[0, 0] for one in moves] == [30, 40, 60, 70, 80]


FULL = """
import json, resource, sys
import numpy as np
import tracklab

resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
done = tracklab.track(sys.argv[1], "still", box=[10, 10, 60, 60], out=sys.argv[2:], shown=False)
print(json.dumps([len(done), done.problems, [str(path) for path in done.files]]))
"""


def test_a_full_disk_keeps_what_can_be_kept(tmp_path):
    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(150))
    source = video.write(tmp_path / "in.mp4", frames, 25, quality=60)
    for texts in (["a.csv", "a.txt"], []):
        out = [str(tmp_path / name) for name in ["a.mp4", *texts]]
        command = [sys.executable, "-c", FULL, str(source), *out]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        count, (problem,), files = json.loads(done.stdout)
        assert files == out
        assert "a.mp4: cannot be written (file too large)" in problem
        kept = len(video.read_clip(tmp_path / "a.mp4"))
        assert 0 < kept < 150
        assert f"its first {kept} frames are kept" in problem
        if texts:  # these go on
            assert count == 150
            assert len(video.read_table(out[1]).tracks) == 150
        else:  # nothing is left to be written
            assert kept <= count < 150
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {"in.mp4", "a.mp4", *texts, *left.intersection({"a.csv", "a.txt"})}


def test_room_is_kept_for_the_texts(movie, tmp_path, monkeypatch):
    sizes = []
    take = following.run.Record.add

    def look(self, *arguments):
        sizes.append([path.stat().st_size for path in tmp_path.glob(".*.part")])
        take(self, *arguments)

    monkeypatch.setattr(following.run.Record, "add", look)
    track(movie[0], box=[5, 5, 30, 30], out=[tmp_path / "a.mp4", tmp_path / "a.csv"])
    assert all(SPARE in one for one in sizes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.mp4"]


def test_a_tracker_that_fails_midway_leaves_what_was_followed(movie, tmp_path):
    class Failing(Blinking):
        def _step(self, frame):
            if self._count == 9:
                raise errors.InputError("frame: cannot go on")
            return super()._step(frame)

    out = [tmp_path / "a.mp4", tmp_path / "a.csv"]
    with pytest.raises(errors.InputError, match="cannot go on"):
        track(movie[0], Failing(), box=[5, 5, 30, 30], out=out)
    assert len(video.read_clip(out[0])) == len(video.read_table(out[1]).tracks) == 10


def test_frames_that_no_video_can_hold_end_the_run(tmp_path):
    frame = np.zeros((2, 16_500, 3), np.uint8)
    for number in range(8):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    with pytest.raises(errors.InputError, match="no more than 16384 pixels"):
        track(tmp_path, "still", box=[0, 0, 9, 2], out=[tmp_path / "a.mp4", tmp_path / "a.csv"])
    assert len(video.read_table(tmp_path / "a.csv").tracks) > 0
    assert not (tmp_path / "a.mp4").exists()
    assert not list(tmp_path.glob(".*"))


# webcams


def test_a_webcam_until_it_is_unplugged(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda n: made.append(Camera(n)) or made[-1])
    found = track("0", box=[5, 5, 40, 40], out=[tmp_path / "a.mp4", tmp_path / "a.csv"])
    assert (len(found), found.name) == (8, "webcam 0")
    assert made[0].released
    assert len(video.read_clip(tmp_path / "a.mp4")) == 8
    assert (np.diff(found.seconds) >= 0).all()
    assert len(track(0, box=[5, 5, 40, 40], frames=3)) == 3


# Ctrl-C


def after(count):
    """A tracker that sends Ctrl-C at a frame."""

    class Interrupting(Blinking):
        def _step(self, frame):
            if self._count == count:
                signal.raise_signal(signal.SIGINT)
            return super()._step(frame)

    return Interrupting()


def test_control_c_keeps_what_was_followed(movie, tmp_path):
    out = [tmp_path / name for name in ("a.mp4", "a.csv", "a.txt")]
    before = signal.getsignal(signal.SIGINT)
    found = track(movie[0], after(9), box=[5, 5, 30, 30], out=out)
    assert found.stopped
    assert "stopped with Ctrl-C" in str(found)
    assert 10 <= len(found) < 14
    assert len(video.read_clip(out[0])) == len(video.read_table(out[1]).tracks) == len(found)
    assert len(found.files) == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_control_c_interrupts_and_still_keeps_the_files(movie, tmp_path):
    class Stubborn(Blinking):
        def _step(self, frame):
            if self._count == 5:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return super()._step(frame)

    with pytest.raises(KeyboardInterrupt):
        track(movie[0], Stubborn(), box=[5, 5, 30, 30], out=tmp_path / "a.csv")
    assert len(video.read_table(tmp_path / "a.csv").tracks) == 6


@pytest.mark.parametrize("count", [9, None])
def test_control_c_while_files_are_completed_loses_none(movie, tmp_path, monkeypatch, count):
    finish = video.Recorder.finish

    def interrupted(recorder):
        signal.raise_signal(signal.SIGINT)
        return finish(recorder)

    monkeypatch.setattr(video.Recorder, "finish", interrupted)
    out = [tmp_path / name for name in ("a.mp4", "a.csv", "a.txt")]
    found = track(movie[0], after(count), box=[5, 5, 30, 30], out=out)
    assert found.stopped == (count is not None)
    assert set(found.files) == set(out)
    assert len(video.read_clip(out[0])) == len(video.read_table(out[1]).tracks) == len(found)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "a.csv", "a.txt"}


def test_in_another_thread_there_is_no_control_c(movie):
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(track(movie[0], box=[5, 5, 30, 30])))
    thread.start()
    thread.join()
    assert len(found[0]) == 40


def test_threads_end_with_the_run(movie, tmp_path):
    import threading

    for box in ([5, 5, 30, 30], [500, 5, 530, 30]):
        before = threading.active_count()
        with contextlib.suppress(errors.InputError):
            track(movie[0], box=box, out=tmp_path / "a.mp4")
        assert threading.active_count() == before


# the command


def run(*arguments, **options):
    command = [sys.executable, "-m", "tracklab", "track", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_the_command_writes_and_says(movie, tmp_path, capsys):
    path, truth = movie
    x1, y1, x2, y2 = truth.boxes[0, 0]
    out = [str(tmp_path / name) for name in ("a.mp4", "a.csv", "a.txt")]
    box = f"{x1},{y1},{x2 - x1},{y2 - y1}"
    command = ["track", str(path), "--tracker", "template", "--box", box, "--out", *out[:2]]
    assert cli.main([*command, "--out", out[2], "--metres-per-pixel", "0.1", "--trail", "2"]) == 0
    said = capsys.readouterr().out
    assert "movie: 40 frames of 122 x 90 pixels, template" in said
    assert f"written: {', '.join(out)}" in said
    wanted = track(path, box=[x1, y1, x2, y2])
    found = video.read_tracks(out[2], 40)
    np.testing.assert_allclose(np.concatenate([t.boxes for t in found]), wanted.boxes, atol=1e-3)


def test_numbers_of_the_command_may_begin_with_a_minus(movie, tmp_path, capsys):
    out = str(tmp_path / "a.csv")
    command = ["track", str(movie[0]), "--tracker", "still", "--out", out]
    for box in (["--box", "-5,-4.5,30,30"], ["--box=-5,-4.5,30,30"], ["--box", "-5 -4.5 30 30"]):
        assert cli.main([*command, *box, "--line", "-.5,40,122,40"]) == 0
        first = video.read_table(out).tracks[0].boxes[0]
        np.testing.assert_array_equal(first, [-5, -4.5, 25, 25.5])
    assert "crossed the line: down 0, up 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--box", "1,2,3"], "wanted four numbers"),
        (["--box", "-1,2,3"], "wanted four numbers"),
        (["--box", "1,2,0,5"], "with a width and a height"),
        (["--box", "a,b,c,d"], "wanted four numbers"),
        (["--line", "1,2"], "wanted four numbers"),
        (["--box", "1,2,3,4", "--detect", "faces"], "not allowed with"),
    ],
)
def test_wrong_use_is_told_by_the_command(movie, tmp_path, capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        cli.main(["track", str(movie[0]), "--out", str(tmp_path / "a.csv"), *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["track", str(movie[0])])
    assert "--out" in capsys.readouterr().err


def test_exit_codes_of_the_command(movie, tmp_path, capsys, monkeypatch):
    command = ["track", str(movie[0]), "--tracker", "still", "--out", str(tmp_path / "a.csv")]
    assert cli.main([*command, "--box", "300,5,20,20"]) == 2
    assert "outside the frame" in capsys.readouterr().err
    assert cli.main([*command, "--box=-5,-5,20,20"]) == 0

    def failing(*_, **__):
        raise errors.SourceError("a.csv: cannot be written (no space left on device)")

    monkeypatch.setattr(video, "write_table", failing)
    assert cli.main([*command, "--box", "5,5,20,20"]) == 1
    assert "no space left" in capsys.readouterr().out


def test_warnings_of_a_source_are_one_line_each(movie, tmp_path, capsys):
    (tmp_path / "cut.mp4").write_bytes(movie[0].read_bytes()[:-900])
    command = ["track", str(tmp_path / "cut.mp4"), "--tracker", "still", "--box", "5,5,20,20"]
    assert cli.main([*command, "--out", str(tmp_path / "a.csv")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tracklab: ")
    assert "breaks off" in line
    path = broken(tmp_path / "a.mp4", (7,))
    assert cli.main(["track", str(path), *command[2:], "--out", str(tmp_path / "b.csv")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tracklab: frame 7 is damaged and left out")


def test_without_a_display_the_command_asks_for_the_box(movie, tmp_path, capsys, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    command = ["track", str(movie[0]), "--tracker", "still", "--out", str(tmp_path / "a.csv")]
    assert cli.main(command) == 2
    assert "there is no display on which a box could be drawn; type the box" in (
        capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_window_that_does_not_open(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":77")  # nobody answers there: the library ends its process
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(errors.MissingError, match="did not open; type the box"):
        window.draw_box(np.zeros((40, 40, 3), np.uint8))


@pytest.mark.parametrize(
    ("said", "box"),
    [("[3, 4, 10, 20]", [3, 4, 13, 24]), ("[0, 0, 0, 0]", None), ("Qt: no display", None)],
)
def test_the_box_that_was_drawn(monkeypatch, said, box):
    shown = []

    def opened(command, **options):
        shown.append(cv2.imread(command[-1])[..., ::-1])
        return subprocess.CompletedProcess(command, 0, stdout=said)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "run", opened)
    frame = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    if box is not None:
        assert window.draw_box(frame).tolist() == box
    else:
        with pytest.raises(errors.TracklabError, match="type the box"):
            window.draw_box(frame)
    np.testing.assert_array_equal(shown[0], frame)


def test_ctrl_c_at_the_window_ends_the_run(monkeypatch, movie, tmp_path, capsys):
    def ended(command, **options):
        return subprocess.CompletedProcess(command, -signal.SIGINT, stdout="")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "run", ended)
    command = ["track", str(movie[0]), "--tracker", "still", "--out", str(tmp_path / "a.csv")]
    assert cli.main(command) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "stopped"
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_is_found_the_run_says_so(movie, tmp_path):
    done = following.track(movie[0], "sort", detect=lambda _: Detections.empty(), shown=False)
    assert "nothing was found in any frame" in str(done)


def test_the_window_itself_prints_the_box(monkeypatch, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 20, 3), np.uint8))
    monkeypatch.setattr(cv2, "selectROI", lambda title, picture, **_: np.array([1, 2, 3, 4]))
    window.main(str(tmp_path / "a.png"))
    assert json.loads(capsys.readouterr().out) == [1, 2, 3, 4]
    with pytest.raises(errors.SourceError):
        window.main(str(tmp_path / "b.png"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another signal there")
def test_control_c_at_the_command(tmp_path):
    """A real process, a real signal: whole files, and exit code 130."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (240, 320, 3), np.uint8)
    source = video.write(tmp_path / "in.mp4", (ground for _ in range(3000)))
    out = [tmp_path / name for name in ("a.mp4", "a.csv")]
    arguments = [source, "--tracker", "opencv-mil", "--box", "50,50,60,60", "--out", *out]
    process = run(*arguments)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.part.mp4")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said, errors_said = process.communicate(timeout=60)
    assert process.returncode == 130, errors_said
    assert "stopped with Ctrl-C" in said
    count = len(video.read_table(out[1]).tracks)
    assert 0 < count < 3000
    assert len(video.read_clip(out[0])) == count
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "a.mp4", "a.csv"}


@needs_real_data
@pytest.mark.slow
def test_a_real_street_from_above():
    """Four cars; the counter may be off by the ghosts that a change of exposure makes."""
    path = SHARED / "video" / "intel" / "car-detection.mp4"
    if not path.is_file():
        pytest.skip("no video of a street here")
    found = track(path, "rnn-sort", detect="moving", line=[0, 216, 768, 216])
    long = {k: v for k, v in found.speeds.items() if np.isfinite(v).sum() > 20}
    assert len(long) == 4
    ways = [c.way for c in found.crossings if c.id in long]
    assert ways.count("down") == 2
    assert 2 <= ways.count("up") <= 3


def test_results_of_one_and_many_are_told_apart():
    record = following.run.Record()
    record.add(Tracks([2], [[0, 0, 5, 5]]), 0.0, np.zeros(1, np.float32))
    found = following.Followed(record, "a", "sort", 25.0, (10, 10))
    with pytest.raises(errors.InputError, match="many"):
        found.boxes  # noqa: B018
    with pytest.raises(errors.InputError, match="metres_per_pixel"):
        found.km_h(3)
