"""What `track` reads and writes: streams of any source, a video that grows, tracks as a table."""

from __future__ import annotations

import subprocess
import sys
import warnings

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracklab import errors, scenes, video
from tracklab.tracks import Tracks
from tracklab.video.encoder import Encoder
from tracklab.video.frames import VideoFrames

SIZE = (60, 80)


def ramp(number, size=SIZE):
    """A frame whose brightness is its number's."""
    return np.full((*size, 3), 20 + 4 * number % 200, np.uint8)


def brightness(frame):
    return round((float(frame.mean()) - 20) / 4)


# a video that grows


def test_a_recorder_writes_what_write_writes(tmp_path):
    frames = [ramp(n) for n in range(30)]
    recorder = video.Recorder(tmp_path / "a.mp4", 30_000 / 1001)
    for frame in frames:
        recorder.add(frame)
    assert not (tmp_path / "a.mp4").exists()
    assert recorder.finish() == tmp_path / "a.mp4"
    video.write(tmp_path / "b.mp4", frames, 30_000 / 1001)
    one, other = (video.read_clip(tmp_path / name) for name in ("a.mp4", "b.mp4"))
    assert (len(one), one.fps) == (len(other), other.fps)
    np.testing.assert_array_equal(np.stack(list(one)), np.stack(list(other)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_a_finished_video_is_one_that_a_browser_plays_at_once(tmp_path):
    recorder = video.Recorder(tmp_path / "a.mp4")
    for n in range(10):
        recorder.add(ramp(n, (61, 81)))
    recorder.finish()
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (82, 62)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.floats(0.001, 3.0), min_size=1, max_size=20), st.sampled_from([25, 29.97, 60]))
def test_times_are_kept(tmp_path, gaps, fps):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    recorder = video.Recorder(tmp_path / "a.mp4", fps)
    for n, seconds in enumerate(times):
        recorder.add(ramp(n), seconds)
    recorder.finish()
    frames = VideoFrames(tmp_path / "a.mp4")
    np.testing.assert_allclose(frames.times, times, atol=2e-4)
    assert [brightness(frame) for frame in frames] == list(range(len(times)))


def test_times_that_do_not_grow_are_moved_apart(tmp_path):
    recorder = video.Recorder(tmp_path / "a.mp4")
    for n, seconds in enumerate([0, 0, 0.04, 0.04, 0.03]):
        recorder.add(ramp(n), seconds)
    recorder.finish()
    times = VideoFrames(tmp_path / "a.mp4").times
    assert len(times) == 5
    assert (np.diff(times) > 0).all()
    assert times[-1] < 0.05


def test_what_is_rescued_is_the_first_frames_and_plays(tmp_path):
    rng = np.random.default_rng(0)
    recorder = video.Recorder(tmp_path / "a.mp4", 10)
    for _ in range(120):
        recorder.add(rng.integers(0, 255, (*SIZE, 3), np.uint8))
    kept = recorder.rescue()
    assert 20 < kept < 120
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing breaks off
        clip = video.read_clip(tmp_path / "a.mp4")
    assert len(clip) == kept
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_rescue_and_discard_leave_the_old_file_where_there_is_nothing(tmp_path):
    for ending in ("rescue", "discard"):
        (tmp_path / "a.mp4").write_text("as it was")
        for frames in (0, 1):
            recorder = video.Recorder(tmp_path / "a.mp4")
            for n in range(frames):
                recorder.add(ramp(n))
            assert not getattr(recorder, ending)()
            assert (tmp_path / "a.mp4").read_text() == "as it was"
            assert len(list(tmp_path.iterdir())) == 1


FULL = """
import resource, sys
import numpy as np
from tracklab import errors, video

resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
rng = np.random.default_rng(0)
recorder = video.Recorder(sys.argv[1], 25)
try:
    for _ in range(1000):
        recorder.add(rng.integers(0, 255, (120, 160, 3), np.uint8))
except errors.SourceError as error:
    print(error)
    print(recorder.rescue(), recorder.frames)
"""


def test_where_the_file_may_not_grow_its_beginning_is_kept(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True)
    said, kept = done.stdout.splitlines()
    assert "a.mp4: cannot be written (file too large)" in said
    saved, added = map(int, kept.split())
    assert 0 < saved <= added < 1000
    assert len(video.read_clip(tmp_path / "a.mp4")) == saved
    assert (tmp_path / "a.mp4").stat().st_size <= 400_000


def test_where_there_is_no_room_for_two_the_parts_are_the_video(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video.recorder, "_index_in_front", full)
    recorder = video.Recorder(tmp_path / "a.mp4")
    for n in range(40):
        recorder.add(ramp(n))
    recorder.finish()
    clip = video.read_clip(tmp_path / "a.mp4")
    assert [brightness(frame) for frame in clip] == list(range(40))
    assert clip.fps == 25
    assert len(list(tmp_path.iterdir())) == 1


def test_what_no_recorder_takes(tmp_path):
    with pytest.raises(errors.InputError, match=r"path: got 'a\.avi'"):
        video.Recorder("a.avi")
    with pytest.raises(errors.InputError, match="no frames"):
        video.Recorder(tmp_path / "a.mp4").finish()
    recorder = video.Recorder(tmp_path / "a.mp4")
    recorder.add(ramp(0))
    with pytest.raises(errors.InputError, match=r"frames\[1\].*shape of the first"):
        recorder.add(ramp(0, (40, 40)))
    with pytest.raises(errors.InputError, match="RGB image"):
        recorder.add(np.zeros((4, 4)))
    recorder.discard()
    with pytest.raises(errors.SourceError, match=r"gone.a\.mp4: cannot be written"):
        video.Recorder(tmp_path / "gone" / "a.mp4").add(ramp(0))


# a stream


def broken(path, damaged, count=40):
    """A video of which some pictures are zeros, each a key frame of its own."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "1", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(ramp(number), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        places = [(packet.pos, packet.size) for packet in packets]
    data = bytearray(path.read_bytes())
    for number in damaged:
        place, size = places[number]
        data[place : place + size] = bytes(size)
    path.write_bytes(data)
    return path


def shots(source, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = video.open_stream(source, **options)
        return stream, list(stream)


@pytest.mark.parametrize("damaged", [(), (7,), (7, 8, 9), (38, 39), (5, 20)])
def test_damaged_frames_are_there_without_a_picture(tmp_path, damaged):
    stream, taken = shots(broken(tmp_path / "a.mp4", damaged))
    assert stream.count == len(taken) == 40
    assert [shot.number for shot in taken] == list(range(40))
    np.testing.assert_allclose([shot.seconds for shot in taken], np.arange(40) / 25)
    assert [shot.number for shot in taken if shot.frame is None] == list(damaged)
    assert all(bool(shot.damage) == (shot.frame is None) for shot in taken)
    whole = [shot for shot in taken if shot.frame is not None]
    assert [brightness(shot.frame) for shot in whole] == [shot.number for shot in whole]


def test_frames_that_stand_in_are_named(tmp_path):
    frames = VideoFrames(broken(tmp_path / "a.mp4", (7, 8)))
    with pytest.warns(UserWarning, match="frame 7 is damaged"):
        seen = [brightness(frame) for frame in frames]
    assert frames.damaged == {7, 8}
    assert len(seen) == 40
    assert seen[6] == 6
    assert seen[9] == 9
    assert {seen[7], seen[8]} <= {6, 9}


def test_a_long_damaged_end_can_be_asked_for_at_once(tmp_path):
    frames = VideoFrames(broken(tmp_path / "a.mp4", range(20, 40)))
    with pytest.warns(UserWarning, match="frame 39 is damaged"):
        assert brightness(frames[39]) == 19
    assert brightness(frames[3]) == 3


def test_a_video_that_changes_its_size_is_scaled(tmp_path):
    with (tmp_path / "a.h264").open("wb") as file:
        for size in (SIZE, (30, 40), (90, 80)):
            video_of = tmp_path / "part.h264"
            with av.open(str(video_of), "w", format="h264") as container:
                stream = container.add_stream("libx264", rate=25)
                stream.width, stream.height, stream.pix_fmt = size[1], size[0], "yuv420p"
                for number in range(10):
                    picture = av.VideoFrame.from_ndarray(ramp(number, size), format="rgb24")
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))
            file.write(video_of.read_bytes())
    frames = VideoFrames(tmp_path / "a.h264")
    with pytest.warns(UserWarning, match="from 80 x 60 to 40 x 30 pixels; they are scaled"):
        seen = list(frames)
    assert len(seen) == 30
    assert {frame.shape for frame in seen} == {(*SIZE, 3)}
    levels = [float(frame.mean()) for frame in seen]
    np.testing.assert_allclose(levels, [ramp(n).mean() for n in 3 * list(range(10))], atol=4)
    assert frames[25].shape == (*SIZE, 3)


def test_damaged_images_of_a_folder_do_not_end_it(tmp_path):
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), ramp(number))
    data = bytearray((tmp_path / "3.png").read_bytes())
    data[60:] = bytes(len(data) - 60)
    (tmp_path / "3.png").write_bytes(data)
    _, taken = shots(tmp_path)
    assert [shot.frame is None for shot in taken] == [False] * 3 + [True] + [False] * 2
    assert "3.png" in taken[3].damage


def test_uneven_times_and_a_rate_of_ones_own(tmp_path):
    with Encoder(str(tmp_path / "a.mp4"), SIZE, 25) as encoder:
        for number, seconds in enumerate((0, 0.1, 0.5, 0.6)):
            encoder.add(ramp(number), seconds)
        encoder.finish()
    stream, taken = shots(tmp_path / "a.mp4")
    np.testing.assert_allclose([shot.seconds for shot in taken], [0, 0.1, 0.5, 0.6], atol=1e-3)
    stream, taken = shots(tmp_path / "a.mp4", fps=10, frames=3)
    assert (stream.fps, stream.count) == (10, 3)
    np.testing.assert_allclose([shot.seconds for shot in taken], [0, 0.1, 0.2])


class Camera:
    """A webcam that gives eight frames."""

    opened, rate = True, 15.0

    def __init__(self, number):
        self.given, self.released = 0, False

    def isOpened(self):
        return self.opened

    def get(self, what):
        return self.rate

    def read(self):
        if self.given == 8:
            return False, None
        self.given += 1
        return True, ramp(self.given - 1)

    def release(self):
        self.released = True


def test_a_webcam_streams_until_it_stops(monkeypatch):
    made = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda n: made.append(Camera(n)) or made[-1])
    stream = video.open_stream("0")
    assert (stream.name, stream.fps, stream.count, stream.clip) == ("webcam 0", 15.0, None, None)
    taken = list(stream)
    assert [brightness(shot.frame) for shot in taken] == list(range(8))
    times = [shot.seconds for shot in taken]
    assert times[0] == 0
    assert times == sorted(times)
    assert not made[0].released
    stream.close()
    assert made[0].released
    stream = video.open_stream(0, frames=3, fps=10)
    np.testing.assert_allclose([shot.seconds for shot in stream], [0, 0.1, 0.2])
    assert made[1].given == 3  # the camera is not asked for more than is wanted


def test_sources_that_cannot_be_streamed(tmp_path, monkeypatch):
    with pytest.raises(errors.SourceError, match="nothing there"):
        video.open_stream(tmp_path / "gone.mp4")
    with pytest.raises(errors.InputError, match="fps"):
        video.open_stream(0, fps=0)
    monkeypatch.setattr(Camera, "opened", False)
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    with pytest.raises(errors.SourceError, match="webcam 3: no camera of that number"):
        video.open_stream(3)


# a table

FAR = 4e6
corners = st.floats(-FAR, FAR, width=32)


@st.composite
def tracks_of_a_clip(draw):
    frames = []
    for _ in range(draw(st.integers(1, 5))):
        ids = draw(st.lists(st.integers(0, 2**40), max_size=4, unique=True))
        boxes = []
        for _ in ids:
            x1, x2 = sorted(draw(st.lists(corners, min_size=2, max_size=2, unique=True)))
            y1, y2 = sorted(draw(st.lists(corners, min_size=2, max_size=2, unique=True)))
            boxes.append([x1, y1, x2, y2])
        number = st.floats(width=32, allow_infinity=False)
        finite = st.floats(width=32, allow_infinity=False, allow_nan=False)
        frames.append(
            Tracks(
                np.array(ids, np.int64),
                np.array(boxes, np.float32).reshape(-1, 4),
                draw(arrays(np.float32, (len(ids), 2), elements=number)),
                draw(arrays(np.int64, len(ids), elements=st.integers(-1, 99))),
                draw(arrays(np.float32, len(ids), elements=finite)),
            )
        )
    return frames


def same(one, other):
    for name in ("ids", "boxes", "velocities", "labels", "scores"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tracks_of_a_clip(), st.data())
def test_a_table_reads_back_to_the_bit(tmp_path, tracks, data):
    seconds = data.draw(
        arrays(np.float64, len(tracks), elements=st.floats(allow_nan=False, allow_infinity=False))
    )
    found = video.read_table(video.write_table(tmp_path / "t.csv", tracks, seconds))
    np.testing.assert_array_equal(found.seconds, seconds)
    assert len(found.tracks) == len(tracks)
    for one, other in zip(found.tracks, tracks, strict=True):
        same(one, other)
    again = video.write_table(tmp_path / "u.csv", found.tracks, found.seconds)
    assert again.read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_pandas_would_find_its_way(tmp_path):
    tracks = [Tracks([3], [[1, 2, 4, 6.5]], [[0.5, -1]], [1], [0.75]), Tracks.empty()]
    more = {"speed": [np.array([12.5], np.float32), []], "class": [["car, red"], []]}
    path = video.write_table(tmp_path / "t.csv", tracks, [0, 0.04], more=more)
    assert path.read_text().splitlines() == [
        "frame,seconds,id,x,y,w,h,vx,vy,score,label,speed,class",
        '0,0.0,3,1,2,3,4.5,0.5,-1,0.75,1,12.5,"car, red"',
        "1,0.04,,,,,,,,,,,",
    ]
    same(video.read_table(path).tracks[0], tracks[0])
    assert len(video.read_table(path).tracks[1]) == 0


HEAD = "frame,seconds,id,x,y,w,h,vx,vy,score,label\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'frame'"),
        ("frame,seconds\n0,0\n", "no column 'id'"),
        (HEAD + "1,0,1,0,0,5,5,,,1,-1\n", "line 2: frame 1 .* wanted frames in order"),
        (HEAD + "0,0,,,,,,,,,\n2,0,,,,,,,,,\n", "line 3: frame 2 "),
        (HEAD + "0,0,1,0,0,x,5,,,1,-1\n", "line 2: w is 'x', wanted a number"),
        (HEAD + "0,0,1,0,0\n", "line 2: label is None, wanted"),
        (HEAD + "0,0,1.5,0,0,5,5,,,1,-1\n", "line 2: id is '1.5', wanted a whole number"),
        (HEAD + "0,0,-1,0,0,5,5,,,1,-1\n", "line 2: id is '-1'"),
        (HEAD + "0,0,1,0,0,0,5,,,1,-1\n", "frame 0: .*width and a height"),
        (HEAD + "0,0,1,0,0,5,5,,,1,-1\n0,0,1,0,0,5,5,,,1,-1\n", "identity 1 twice"),
        (HEAD + "0,0,1,0,0,5,5,,,nan,-1\n", "score is 'nan'"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(errors.SourceError, match=words):
        video.read_table(tmp_path / "t.csv")


def test_what_no_table_holds(tmp_path):
    tracks = [Tracks([1], [[0, 0, 5, 5]])]
    for seconds in ([], [0, 1], [np.nan]):
        with pytest.raises(errors.InputError, match="seconds"):
            video.write_table(tmp_path / "t.csv", tracks, seconds)
    for more in ({"id": [[1]]}, {"a": []}, {"a": [[1, 2]]}):
        with pytest.raises(errors.InputError, match="more"):
            video.write_table(tmp_path / "t.csv", tracks, [0], more=more)
    with pytest.raises(errors.InputError, match="pixels away"):
        video.write_table(tmp_path / "t.csv", [Tracks([1], [[0, 0, 9e6, 5]])], [0])
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00frame")
    with pytest.raises(errors.SourceError, match="not a text file"):
        video.read_table(tmp_path / "b.csv")
    with pytest.raises(errors.SourceError, match=r"gone\.csv"):
        video.read_table(tmp_path / "gone.csv")
    assert not (tmp_path / "t.csv").exists()


def test_scenes_through_both_forms(tmp_path):
    clip = scenes.render(seed=1, frames=12, size=SIZE, objects=3)
    from tracklab.tracks import from_truth

    tracks = from_truth(clip.truth)
    video.write_table(tmp_path / "t.csv", tracks, np.arange(12) / 25)
    video.write_tracks(tmp_path / "t.txt", tracks)
    table = video.read_table(tmp_path / "t.csv").tracks
    text = video.read_tracks(tmp_path / "t.txt", 12)
    for one, other, wanted in zip(table, text, tracks, strict=True):
        same(one, wanted)
        np.testing.assert_array_equal(other.ids, wanted.ids)
        np.testing.assert_array_equal(other.boxes, wanted.boxes)


def test_a_disk_that_is_full_at_the_very_end_is_noticed(tmp_path, monkeypatch):
    """FFmpeg does not tell: the file is cut short behind its back."""
    rng = np.random.default_rng(0)
    recorder = video.Recorder(tmp_path / "a.mp4", 10)
    for _ in range(60):
        recorder.add(rng.integers(0, 255, (*SIZE, 3), np.uint8))
    finish = Encoder.finish

    def cut(self):
        finish(self)
        (part,) = tmp_path.iterdir()
        part.write_bytes(part.read_bytes()[: part.stat().st_size * 2 // 3])

    monkeypatch.setattr(Encoder, "finish", cut)
    with pytest.raises(errors.SourceError, match=r"the disk took only \d+ of 60 frames"):
        recorder.finish()
    assert 10 < recorder.rescue() < 60
    assert len(video.read_clip(tmp_path / "a.mp4")) < 60
