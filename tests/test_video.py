from __future__ import annotations

import gc
import os
import random
import struct
import warnings
import weakref
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realdata import SHARED, needs_real_data

import tracklab
from tracklab import errors, video
from tracklab.clips import Clip
from tracklab.video.frames import VideoFrames
from tracklab.video.sources import natural_order

BITS = 10  # a frame's number is painted into it, so that every frame can be told from every other


def numbered(number, height=48, width=160):
    frame = np.full((height, width, 3), 90, np.uint8)
    frame[:, :, 2] = np.linspace(0, 255, width).astype(np.uint8)
    side = width // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            frame[:, bit * side : (bit + 1) * side, :2] = 220
    return frame


def number_of(frame):
    side = frame.shape[1] // BITS
    middle = frame[frame.shape[0] // 2, side // 2 :: side, 0][:BITS]
    return int(sum(1 << bit for bit, level in enumerate(middle) if level > 155))


def numbers(frames):
    return [number_of(frame) for frame in frames]


def encode_with(path, count, codec="libx264", times=None, turn=0, **options):
    """A file made directly with PyAV: other codecs, uneven times, rotation marks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 48, "yuv420p"
        tick = Fraction(1, 25) if times is None else Fraction(1, 1000)
        stream.codec_context.time_base = tick
        if turn:
            stream.set_display_rotation(turn)
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            picture.pts = number if times is None else times[number]
            picture.time_base = tick
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """200 frames, with B-frames and key frames every 30."""
    path = tmp_path_factory.mktemp("movie") / "numbers.mp4"
    return encode_with(path, 200, g="30", keyint_min="30", bf="3")


# Round trips


@pytest.mark.parametrize("fps", [1.0, 7.3, 12.5, 25.0, 30000 / 1001, 59.94, 179 / 6])
def test_what_is_written_is_read_again(tmp_path, fps):
    frames = np.stack([numbered(n) for n in range(40)])
    path = video.write(tmp_path / "a.mp4", frames, fps)
    clip = video.read_clip(path)
    assert path == tmp_path / "a.mp4"
    assert (len(clip), clip.size, clip.name, clip.truth) == (40, (48, 160), "a", None)
    assert clip.fps == pytest.approx(fps, rel=1e-4)
    assert numbers(clip.frames) == list(range(40))
    back = np.stack(list(clip.frames)).astype(int)
    assert np.abs(back - frames).mean() < 4


def test_flat_colours_keep_their_values(tmp_path):
    # Catches a wrong colour matrix or range, which shifts saturated colours by tens.
    colours = [(230, 159, 0), (0, 114, 178), (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)]
    frames = [np.full((720, 1280, 3), colour, np.uint8) for colour in colours]
    clip = video.read_clip(video.write(tmp_path / "c.mp4", frames, quality=90))
    for frame, colour in zip(clip.frames, colours, strict=True):
        assert np.abs(frame[360, 640].astype(int) - colour).max() <= 4


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 4))
def test_any_size_and_count(tmp_path, height, width, count):
    rng = np.random.default_rng(0)
    base = rng.integers(60, 200, 3)
    frames = [np.full((height, width, 3), base + 10 * n, np.uint8) for n in range(count)]
    clip = video.read_clip(video.write(tmp_path / "size.mp4", frames))
    assert len(clip) == count
    assert clip.size == (height + height % 2, width + width % 2)
    for frame, expected in zip(clip.frames, frames, strict=True):
        difference = np.abs(frame[:height, :width].astype(int) - expected)
        assert difference.max() <= 6  # an edge that was doubled moves nothing


def test_encode_makes_the_same_video_in_memory(tmp_path):
    frames = [numbered(n) for n in range(12)]
    data = video.encode(frames, 12.5)
    (tmp_path / "m.mp4").write_bytes(data)
    clip = video.read_clip(tmp_path / "m.mp4")
    assert clip.fps == 12.5
    assert numbers(clip.frames) == list(range(12))


def test_index_lies_in_front(tmp_path):
    data = video.write(tmp_path / "f.mp4", [numbered(n) for n in range(5)]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_higher_quality_is_closer_and_larger(tmp_path):
    rng = np.random.default_rng(1)
    frames = [cv2.blur(rng.integers(0, 255, (64, 64, 3), np.uint8), (5, 5)) for _ in range(8)]
    sizes, losses = [], []
    for quality in (10, 60, 95):
        path = video.write(tmp_path / f"{quality}.mp4", frames, quality=quality)
        back = np.stack(list(video.read_clip(path).frames)).astype(int)
        sizes.append(path.stat().st_size)
        losses.append(np.abs(back - np.stack(frames)).mean())
    assert sizes == sorted(sizes)
    assert losses == sorted(losses, reverse=True)


def test_a_clip_keeps_its_rate(tmp_path):
    clip = Clip(np.stack([numbered(n) for n in range(6)]), fps=8.0)
    assert video.read_clip(video.write(tmp_path / "r.mp4", clip)).fps == 8.0


# Writing: streaming, and nothing half done


def test_frames_are_taken_one_by_one(tmp_path):
    alive, most = set(), 0

    def stream():
        nonlocal most
        for number in range(120):
            frame = numbered(number)
            key = object()
            alive.add(key)
            weakref.finalize(frame, alive.discard, key)
            most = max(most, len(alive))
            yield frame

    path = video.write(tmp_path / "s.mp4", stream())
    assert len(video.read_clip(path)) == 120
    assert most < 10


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, GeneratorExit])
def test_an_interrupt_leaves_nothing_and_breaks_nothing(tmp_path, stop):
    path = video.write(tmp_path / "old.mp4", [numbered(1)])
    before = path.read_bytes()

    def stream():
        yield from (numbered(n) for n in range(40))
        raise stop

    with pytest.raises(stop):
        video.write(path, stream())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["old.mp4"]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "no frames"),
        ([np.zeros((4, 4), np.uint8)], r"frames\[0\].*wanted an RGB image"),
        ([np.zeros((4, 4, 3), np.float32)], r"float32.*uint8"),
        ([numbered(0), numbered(0)[:-2]], r"frames\[1\].*first frame"),
        (3, "frames: got 3"),
    ],
)
def test_frames_that_cannot_be_written(tmp_path, frames, words):
    with pytest.raises(errors.InputError, match=words):
        video.write(tmp_path / "x.mp4", frames)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"fps": -1}, {"fps": np.nan}, {"quality": 101}, {"quality": "high"}]
)
def test_options_that_cannot_be_written(tmp_path, options):
    with pytest.raises(errors.InputError):
        video.write(tmp_path / "x.mp4", [numbered(0)], **options)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("fps", [1e-4, 1e12, np.inf, True, "25"])
def test_rates_that_no_video_has(fps):
    with pytest.raises(errors.InputError, match=r"fps: got .* wanted a number from 0.01 to 1000"):
        video.encode([numbered(0)], fps)


@pytest.mark.parametrize("fps", [np.float32(12.5), np.int64(7), 0.01, 777.7, 1000])
def test_rates_of_any_number_type(tmp_path, fps):
    (tmp_path / "r.mp4").write_bytes(video.encode([numbered(n) for n in range(3)], fps))
    clip = video.read_clip(tmp_path / "r.mp4")
    assert clip.fps == pytest.approx(float(fps))
    assert numbers(clip.frames) == [0, 1, 2]


def test_frames_too_large_for_the_codec_say_so(tmp_path):
    wide = np.zeros((4, 20_000, 3), np.uint8)
    with pytest.raises(errors.InputError, match=r"20000 x 4 pixels at 25 a second.*16384"):
        video.encode([wide])
    with pytest.raises(errors.InputError, match="20000 x 4 pixels"):
        video.write(tmp_path / "wide.mp4", [wide])
    assert not os.listdir(tmp_path)
    assert video.encode([wide[:, :16_384]])


@pytest.mark.parametrize("path", [None, 3, b"a.mp4", "a\0.mp4", "a"])
def test_what_is_no_path_to_write_to(path):
    with pytest.raises(errors.InputError, match=r"path: got .* ends in \.mp4"):
        video.write(path, [numbered(0)])


def test_long_names(tmp_path):
    path = tmp_path / ("n" * 240 + ".mp4")  # as long as the disk takes, and some more
    assert number_of(video.read_clip(video.write(path, [numbered(6)])).frames[0]) == 6
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write(tmp_path / ("n" * 300 + ".mp4"), [numbered(0)])
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write(tmp_path / ("n" * 300) / "a.mp4", [numbered(0)])
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["clip:1.mp4", "http:x.mp4", "-a.mp4", "per%03d.mp4", "a?b#c.mp4"])
def test_names_that_look_like_something_else(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert video.write(name, [numbered(3), numbered(4)]) == Path(name)
    assert os.listdir() == [name]
    assert numbers(video.read_clip(name).frames) == [3, 4]


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(errors.InputError, match=r"ends in \.mp4"):
        video.write(tmp_path / "x.avi", [numbered(0)])
    with pytest.raises(errors.SourceError, match="folder that exists"):
        video.write(tmp_path / "absent" / "x.mp4", [numbered(0)])
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write(tmp_path / "taken.mp4", [numbered(0)])
    assert os.listdir(tmp_path) == ["taken.mp4"]


# Reading videos


@settings(max_examples=25, deadline=None)
@given(wanted=st.lists(st.integers(0, 199), min_size=1, max_size=12), cache=st.sampled_from([1, 9]))
def test_frame_i_is_frame_i_in_any_order(movie, wanted, cache):
    frames = VideoFrames(movie, cache_bytes=cache * 160 * 48 * 3)
    assert [number_of(frames[i]) for i in wanted] == wanted


def test_reading_in_order_decodes_each_frame_once(movie):
    frames = video.read_clip(movie).frames
    assert frames.decoded == 0
    assert numbers(frames) == list(range(200))
    assert frames.decoded == 200
    assert numbers(frames) == list(range(200))  # all of it fits in the cache
    assert frames.decoded == 200


def test_one_late_frame_does_not_decode_the_whole(movie):
    frames = VideoFrames(movie)
    assert number_of(frames[185]) == 185
    assert frames.decoded <= 30


def test_reading_backwards_decodes_each_group_about_once(movie):
    frames = VideoFrames(movie, cache_bytes=60 * 160 * 48 * 3)
    assert [number_of(frames[i]) for i in range(199, -1, -1)] == list(range(199, -1, -1))
    assert frames.decoded <= 2.5 * 200


def test_the_cache_is_bounded(movie):
    frames = VideoFrames(movie, cache_bytes=10 * 160 * 48 * 3)
    for _ in frames:
        assert len(frames._cache) <= 10


def test_frames_are_read_only_and_count_like_a_list(movie):
    clip = tracklab.read_clip(str(movie))
    frame = clip.frames[3]
    with pytest.raises(ValueError, match="read-only"):
        frame[0] = 0
    assert number_of(clip.frames[-1]) == 199
    assert numbers(clip.frames[10:16:2]) == [10, 12, 14]
    assert numbers(clip[190:]) == list(range(190, 200))
    with pytest.raises(IndexError, match="200 frames"):
        clip.frames[200]
    with pytest.raises(errors.InputError):
        clip.frames[1.5]


def test_opencv_takes_what_is_handed_out(movie):
    frame = video.read_clip(movie).frames[0]
    assert cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).shape == frame.shape[:2]


def test_uneven_times_are_kept_and_no_frame_is_lost_or_doubled(tmp_path):
    times = [0, 40, 50, 200, 240, 300, 1000, 1010, 1100, 1200]
    path = encode_with(tmp_path / "vfr.mp4", 10, times=times)
    clip = video.read_clip(path)
    assert numbers(clip.frames) == list(range(10))
    np.testing.assert_allclose(clip.frames.times, np.array(times) / 1000, atol=1e-3)
    assert clip.fps == pytest.approx(9 / 1.2, rel=1e-3)
    assert number_of(video.read_clip(path).frames[6]) == 6


@pytest.mark.parametrize("turn", [0, 90, -90, 180])
def test_a_phones_rotation_mark_is_honoured(tmp_path, turn):
    # Chromium shows the same (test_show.py); +90 turns counterclockwise.
    clip = video.read_clip(encode_with(tmp_path / "phone.mp4", 5, turn=turn))
    turned_back = np.rot90(clip.frames[3], -turn // 90)
    assert turned_back.shape == (48, 160, 3)
    assert number_of(turned_back) == 3
    assert turned_back[:, -1, 2].mean() > turned_back[:, 0, 2].mean() + 100


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        ("mkv", "libx264"),
        ("avi", "mpeg4"),
        ("avi", "libx264"),
        ("ts", "libx264"),
        ("mp4", "mpeg4"),
        ("mp4", "libx265"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("mpg", "mpeg2video"),
        ("flv", "libx264"),
        ("wmv", "wmv2"),
        ("h264", "libx264"),
        ("mxf", "mpeg2video"),
        ("nut", "mpeg4"),
        ("ogv", "libtheora"),
    ],
)
def test_other_containers_and_codecs(tmp_path, ending, codec):
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    clip = video.read_clip(encode_with(tmp_path / f"n.{ending}", 60, codec, b="800000"))
    assert numbers(clip.frames) == list(range(60))
    assert clip.fps == pytest.approx(25, rel=0.01)
    shuffled = random.Random(0).sample(range(60), 20)
    frames = VideoFrames(tmp_path / f"n.{ending}", cache_bytes=1)
    assert [number_of(frames[i]) for i in shuffled] == shuffled


def test_an_animated_gif(tmp_path):
    with av.open(str(tmp_path / "a.gif"), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 48, "rgb8"
        for number in range(12):
            picture = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            container.mux(stream.encode(picture.reformat(format="rgb8")))
        container.mux(stream.encode(None))
    clip = video.read_clip(tmp_path / "a.gif")
    assert numbers(clip.frames) == list(range(12))
    assert clip.fps == pytest.approx(10)


def edited(path, skip=0, keep=None):
    """Rewrite an MP4's edit list, as a trim without encoding anew does; in ticks of the file."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    length, start = struct.unpack(">Ii", data[at : at + 8])
    data[at : at + 8] = struct.pack(">Ii", keep or length, start + skip)
    path.write_bytes(data)
    return path


def first_frames_negative(path):
    times = [40 * n - 120 for n in range(60)]
    return encode_with(path, 60, times=times, g="12", bf="3")


TRIMS = {
    "in the first group": lambda p: edited(encode_with(p, 60, g="10", bf="2"), skip=7 * 512),
    "in the second group": lambda p: edited(encode_with(p, 60, g="10", bf="2"), skip=12 * 512),
    "at the end": lambda p: edited(encode_with(p, 60, g="10", bf="2"), keep=1200),
    "times below zero": first_frames_negative,
}


@pytest.mark.parametrize("trim", TRIMS)
def test_a_trimmed_video_gives_the_frames_that_a_player_shows(tmp_path, trim):
    path = TRIMS[trim](tmp_path / "trimmed.mp4")
    with av.open(str(path)) as container:
        shown = [number_of(p.to_ndarray(format="rgb24")) for p in container.decode(video=0)]
    assert 25 < len(shown) < 60
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(VideoFrames(path)) == shown
        for asked in (reversed(range(len(shown))), random.Random(0).sample(range(len(shown)), 12)):
            frames = VideoFrames(path, cache_bytes=1)
            asked = list(asked)
            assert [number_of(frames[i]) for i in asked] == [shown[i] for i in asked]


def _open_files():
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's list of open files")
def test_a_clip_that_nobody_holds_lets_go_of_its_file_and_threads(movie):
    number_of(video.read_clip(movie).frames[30])
    gc.collect()
    gc.disable()
    try:
        before = _open_files()
        for _ in range(5):
            clip = video.read_clip(movie)
            assert number_of(clip.frames[30]) == 30
            del clip
        after = _open_files()
    finally:
        gc.enable()
    assert after[0] <= before[0]
    assert after[1] <= before[1]


def test_closed_frames_open_again_when_asked(movie):
    frames = VideoFrames(movie, cache_bytes=1)
    assert number_of(frames[50]) == 50
    frames.close()
    frames.close()
    assert [number_of(frames[i]) for i in (51, 7, 100)] == [51, 7, 100]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_gives_the_frames_before(tmp_path, part):
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 120, (60, 48, 160, 1), np.uint8)
    frames = [numbered(n) // 2 + noise[n] for n in range(60)]
    whole = video.write(tmp_path / "whole.mp4", frames)
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(part * len(data))])
    with pytest.warns(UserWarning, match=r"cut\.mp4.*breaks off.*first \d+ of 60 frames"):
        clip = video.read_clip(tmp_path / "cut.mp4")
    assert 5 < len(clip) < 60
    for got, expected in zip(clip.frames, video.read_clip(whole).frames, strict=False):
        np.testing.assert_array_equal(got, expected)


def test_a_damaged_picture_in_the_middle_stops_nothing(tmp_path, movie):
    data = bytearray(movie.read_bytes())
    middle = data.index(b"mdat") + len(data) // 2
    data[middle : middle + 200] = bytes(200)
    (tmp_path / "hurt.mp4").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = numbers(video.read_clip(tmp_path / "hurt.mp4").frames)
    assert len(seen) == 200
    assert seen[:60] == list(range(60))
    assert seen[-20:] == list(range(180, 200))


def test_a_rate_of_ones_own_and_the_first_frames(movie):
    clip = video.read_clip(movie, fps=60, frames=12)
    assert (clip.fps, len(clip)) == (60.0, 12)
    assert numbers(clip.frames) == list(range(12))
    assert len(video.read_clip(movie, frames=10_000)) == 200


# Sources that cannot be read


def _text(path: Path) -> Path:
    path.write_text("not a video\n" * 50)
    return path


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"


def _listed(folder: Path) -> Path:
    video.write(folder / "a.mp4", [numbered(0)] * 3)
    return _written(folder / "x.ffconcat", "ffconcat version 1.0\nfile a.mp4\n")


def _cut_recording(path: Path) -> Path:
    with av.open(str(path), "w") as container:  # the index comes last, and is cut off
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 48, "yuv420p"
        for number in range(30):
            picture = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[:-900])
    return path


def _sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return path


def _headers_only(path: Path) -> Path:
    whole = video.write(path, [numbered(n) for n in range(9)]).read_bytes()
    path.write_bytes(whole[: whole.index(b"mdat") + 4])
    return path


def _folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        _text(path / name)
    return path


BAD_SOURCES = {
    "missing": (lambda p: p / "gone" / "a.mp4", r"gone.a\.mp4: nothing there.*wanted a video file"),
    "empty file": (lambda p: (p / "e.mp4").touch() or p / "e.mp4", "an empty file"),
    "text": (lambda p: _text(p / "t.mp4"), "cannot be opened as a video"),
    "cut recording": (lambda p: _cut_recording(p / "c.mp4"), "cut short"),
    "only sound": (lambda p: _sound(p / "s.mp4"), "without pictures"),
    "no frames": (lambda p: _headers_only(p / "h.mp4"), "no frame can be decoded"),
    "empty folder": (lambda p: _folder(p / "f"), "an empty folder; wanted images"),
    "no images": (lambda p: _folder(p / "f", "a.txt", "b.mp4"), r"no images, but a\.txt, b\.mp4"),
    "truth file": (lambda p: _written(p / "gt.txt", "1,1,5,5\n" * 400), "a file of another kind"),
    "playlist": (
        lambda p: _written(p / "x.m3u8", PLAYLIST),
        r"as a video \(a file of another kind\)",
    ),
    "list of files": (lambda p: _listed(p), r"as a video \(a file of another kind\)"),
    "nobody's home": (lambda p: "~no-such-user-here/a.mp4", "no such user"),
    "bad image": (lambda p: _folder(p / "f", "a.jpg"), r"a\.jpg: 600 bytes that are not an image"),
    "one image": (lambda p: _text(p / "one.jpg"), "one image; wanted a video, or the folder"),
}


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_bad_sources_say_what_they_are(tmp_path, case):
    make, words = BAD_SOURCES[case]
    with pytest.raises(errors.SourceError, match=words) as caught:
        video.read_clip(make(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [None, 1.5, True, -1, 10**30, str(10**30), "", b"a", ["a.mp4"]])
def test_what_is_no_source_at_all(source):
    with pytest.raises((errors.InputError, errors.SourceError), match=r"source|nothing there"):
        video.read_clip(source)


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"fps": "25"}, {"frames": 0}, {"frames": 2.5}, {"kind": "film"}]
)
def test_bad_options(movie, options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        video.read_clip(movie, **options)


def test_without_permission(tmp_path, movie, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(errors.SourceError, match="no permission"):
        video.read_clip(movie)


def test_a_kind_that_does_not_fit(tmp_path, movie):
    with pytest.raises(errors.SourceError, match="wanted a folder"):
        video.read_clip(movie, kind="otb")
    save_images(tmp_path / "s")
    for kind, words in [
        ("otb", "groundtruth_rect.txt"),
        ("vot", "groundtruth.txt"),
        ("video", "wanted a video"),
    ]:
        with pytest.raises(errors.SourceError, match=words):
            video.read_clip(tmp_path / "s", kind=kind)


# Folders


def save_images(folder, count=4, pattern="{:04d}.png", first=1, size=(48, 160)):
    folder.mkdir(parents=True)
    for number in range(count):
        frame = cv2.cvtColor(numbered(number, *size), cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(folder / pattern.format(number + first)), frame)
    return folder


def test_images_are_ordered_as_people_count(tmp_path):
    save_images(tmp_path / "walk", 12, "frame{}.png")
    (tmp_path / "walk" / "notes.txt").write_text("not an image")
    (tmp_path / "walk" / "._frame1.png").write_text("left by another system")
    clip = video.read_clip(tmp_path / "walk")
    assert numbers(clip.frames) == list(range(12))
    assert (clip.name, clip.fps, clip.truth) == ("walk", 25.0, None)
    np.testing.assert_array_equal(clip.frames[5], numbered(5))
    assert video.read_clip(tmp_path / "walk", fps=9.5).fps == 9.5


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=2))
def test_natural_order_is_the_order_of_the_numbers(values):
    names = [f"img{value}.jpg" for value in values]
    assert sorted(names, key=natural_order) == [f"img{value}.jpg" for value in sorted(values)]


def test_images_in_an_inner_folder_and_names_in_any_script(tmp_path):
    folder = tmp_path / "видео" / "images"
    save_images(folder, 3, "кадр {}.PNG".replace("PNG", "png"))
    clip = video.read_clip(tmp_path / "видео")
    assert numbers(clip.frames) == [0, 1, 2]
    assert clip.name == "видео"


def test_grey_alpha_and_deep_images_become_rgb(tmp_path):
    (tmp_path / "g").mkdir()
    grey = np.full((6, 8), 77, np.uint8)
    cv2.imwrite(str(tmp_path / "g" / "1.png"), grey)
    cv2.imwrite(str(tmp_path / "g" / "2.png"), np.dstack([grey, grey, grey, 0 * grey + 255]))
    cv2.imwrite(str(tmp_path / "g" / "3.png"), grey.astype(np.uint16) * 256)
    for frame in video.read_clip(tmp_path / "g"):
        assert (frame.shape, frame.dtype) == ((6, 8, 3), np.uint8)
        assert frame.min() == frame.max() == 77


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_what_is_transparent_is_laid_on_white(tmp_path, ending, depth):
    layers = np.zeros((2, 3, 4), np.uint8)
    layers[..., 2] = 100  # OpenCV's red
    layers[..., 3] = [0, 51, 255]
    cv2.imwrite(
        str(tmp_path / f"a.{ending}"), layers.astype(depth) * (257 if depth is np.uint16 else 1)
    )
    # C = a F + (1 - a) 255 with a = 0, 1/5, 1
    expected = [[255, 255, 255], [224, 204, 204], [100, 0, 0]]
    picture = video.read_image(tmp_path / f"a.{ending}")
    assert picture.tolist() == [expected, expected]


def test_a_photographs_orientation_is_honoured(tmp_path):
    from PIL import Image

    (tmp_path / "p").mkdir()
    picture = Image.fromarray(numbered(5))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be shown turned clockwise
    picture.save(tmp_path / "p" / "1.jpg", exif=exif, quality=95)
    clip = video.read_clip(tmp_path / "p")
    assert clip.size == (160, 48)
    assert number_of(np.rot90(clip.frames[0])) == 5


def test_images_of_changing_size_name_the_frame(tmp_path):
    folder = save_images(tmp_path / "s", 5)
    cv2.imwrite(str(folder / "0004.png"), np.zeros((50, 160, 3), np.uint8))
    with pytest.raises(
        errors.SourceError, match=r"0004\.png: frame 3 is 160 x 50 .* frame 0 is 160 x 48"
    ):
        video.read_clip(folder)


def test_a_damaged_image_is_named_when_its_turn_comes(tmp_path):
    folder = save_images(tmp_path / "s", 3, "{}.jpg")
    data = (folder / "2.jpg").read_bytes()
    (folder / "2.jpg").write_bytes(data[:200] + bytes(20))
    clip = video.read_clip(folder)
    with pytest.raises(errors.SourceError, match=r"2\.jpg: 220 bytes that are not an image"):
        clip.frames[1]
    assert number_of(clip.frames[2]) == 2


def test_images_are_decoded_when_asked_for(tmp_path):
    clip = video.read_clip(save_images(tmp_path / "s", 6))
    assert clip.frames.decoded == 0
    assert number_of(clip.frames[4]) == 4
    assert clip.frames.decoded == 1


# OTB


@pytest.mark.parametrize("between", [",", "\t", " ", ", ", " \t ", ";"])
def test_otb_boxes_count_pixels_from_one(tmp_path, between):
    save_images(tmp_path / "s" / "img", 3)
    lines = [between.join(row) for row in (("1", "2", "10", "20"), ("3", "4", "5", "6.5"))]
    (tmp_path / "s" / "groundtruth_rect.txt").write_text("\r\n".join(lines) + "\n")
    clip = video.read_clip(tmp_path / "s")
    expected = [[[0, 1, 10, 21]], [[2, 3, 7, 9.5]], [[np.nan] * 4]]  # the truth ends early
    np.testing.assert_array_equal(clip.truth.boxes, np.array(expected, np.float32))
    assert clip.truth.present.tolist() == [[True], [True], [False]]
    assert clip.truth.visibility.tolist() == [[1], [1], [0]]


def test_otb_absent_rows_and_frame_numbers_from_anywhere(tmp_path):
    save_images(tmp_path / "s" / "img", 4, first=300)
    truth = "5,5,9,9\nNaN,NaN,NaN,NaN\n0,0,0,0\n6,5,9,9\n\n"
    (tmp_path / "s" / "groundtruth_rect.txt").write_text(truth)
    clip = video.read_clip(tmp_path / "s")
    assert numbers(clip.frames) == [0, 1, 2, 3]
    assert clip.truth.present[:, 0].tolist() == [True, False, False, True]
    assert np.isnan(clip.truth.velocities[3]).all()


def test_otb_whose_truth_begins_late(tmp_path):
    save_images(tmp_path / "David" / "img", 6, first=298)
    (tmp_path / "David" / "groundtruth_rect.txt").write_text("5,5,9,9\n" * 4)
    truth = video.read_clip(tmp_path / "David").truth
    assert truth.present[:, 0].tolist() == [False, False, True, True, True, True]


def test_otb_with_two_objects(tmp_path):
    save_images(tmp_path / "s" / "img", 2)
    (tmp_path / "s" / "groundtruth_rect.1.txt").write_text("1,1,5,5\n2,1,5,5\n")
    (tmp_path / "s" / "groundtruth_rect.2.txt").write_text("9,1,5,5\n8,1,5,5\n")
    truth = video.read_clip(tmp_path / "s").truth
    assert truth.ids.tolist() == [1, 2]
    assert truth.boxes[:, :, 0].tolist() == [[0, 8], [1, 7]]
    assert truth.velocities[1].tolist() == [[1, 0], [-1, 0]]


def test_more_rows_than_images_is_said(tmp_path):
    save_images(tmp_path / "s" / "img", 2)
    (tmp_path / "s" / "groundtruth_rect.txt").write_text("1,1,5,5\n" * 5)
    with pytest.warns(UserWarning, match="5 rows for 2 images; the last 3 are left out"):
        assert len(video.read_clip(tmp_path / "s").truth) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,1,5,5\n1,1,5\n", r"groundtruth_rect\.txt, line 2: got '1,1,5', wanted x, y, width"),
        ("1,1,five,5\n", "line 1: got '1,1,five,5'"),
        ("1,1,5,5\n\n1,1,5,5\n", "line 2: got ''"),
        ("1,1,-5,5\n", "line 1: a box of size -5 x 5"),
        ("1,1,5,5\n1e300,1,5,5\n", r"groundtruth_rect\.txt, line 2: got 1e\+300, wanted pixels"),
        ("1,1,5,inf\n", "line 1: got inf, wanted pixels"),
        ("", "empty; wanted a row for each of 2 frames"),
        (b"\xff\xfe\x00\x01", "not a text file"),
    ],
)
def test_unreadable_truth_names_the_line(tmp_path, text, words):
    save_images(tmp_path / "s" / "img", 2)
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "s" / "groundtruth_rect.txt").write_bytes(data)
    with pytest.raises(errors.SourceError, match=words):
        video.read_clip(tmp_path / "s")


def test_truth_without_images(tmp_path):
    (tmp_path / "s" / "img").mkdir(parents=True)
    (tmp_path / "s" / "groundtruth_rect.txt").write_text("1,1,5,5\n")
    with pytest.raises(errors.SourceError, match=r"no images, but groundtruth_rect\.txt, img/"):
        video.read_clip(tmp_path / "s")


# VOT


@pytest.mark.parametrize("inner", ["", "color"])
def test_vot_polygons_become_upright_boxes(tmp_path, inner):
    save_images(tmp_path / "bag" / inner, 3, "{:08d}.png")
    text = "10.5,20,30,5,50,25,30,40\n1,2,3,4\nnan,nan,nan,nan\n"
    (tmp_path / "bag" / "groundtruth.txt").write_text(text)
    (tmp_path / "bag" / "sequence").write_text("name=bag\nfps=30\n")
    clip = video.read_clip(tmp_path / "bag")
    expected = [[[10.5, 5, 50, 40]], [[1, 2, 4, 6]], [[np.nan] * 4]]
    np.testing.assert_array_equal(clip.truth.boxes, np.array(expected, np.float32))
    assert clip.fps == 30
    polygons = video.read_polygons(tmp_path / "bag")
    assert polygons.shape == (3, 4, 2)
    assert polygons[0].tolist() == [[10.5, 20], [30, 5], [50, 25], [30, 40]]
    assert polygons[1].tolist() == [[1, 2], [4, 2], [4, 6], [1, 6]]
    assert np.isnan(polygons[2]).all()


@given(st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90)), min_size=4, max_size=7))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_vot_box_holds_its_polygon_tightly(tmp_path, points):
    if not (tmp_path / "v").exists():
        save_images(tmp_path / "v", 1)
    row = ",".join(f"{value:.3f}" for point in points for value in point)
    (tmp_path / "v" / "groundtruth.txt").write_text(row + "\n")
    box = video.read_clip(tmp_path / "v").truth.boxes[0, 0]
    corners = np.round(np.array(points), 3)
    np.testing.assert_allclose(box, [*corners.min(0), *corners.max(0)], atol=1e-4)


@pytest.mark.parametrize("row", ["m0,0,5,5,3,4", "1,2,3,4,5,6,7", "1,2", "1,2,3,4,5,1e39"])
def test_vot_rows_that_are_no_polygon(tmp_path, row):
    save_images(tmp_path / "v", 1)
    (tmp_path / "v" / "groundtruth.txt").write_text(row + "\n")
    with pytest.raises(
        errors.SourceError, match=r"line 1: got .* wanted (x, y, width, height, or|pixels)"
    ):
        video.read_clip(tmp_path / "v")


# MOTChallenge


def mot(folder, truth=None, detections=None, info="frameRate=14\nname=street\n", count=4):
    save_images(folder / "img1", count, "{:06d}.png")
    if info is not None:
        (folder / "seqinfo.ini").write_text("[Sequence]\n" + info)
    for name, text in (("gt", truth), ("det", detections)):
        if text is not None:
            (folder / name).mkdir()
            (folder / name / f"{name}.txt").write_text(text)
    return folder


def test_mot_truth_of_2016_and_later(tmp_path):
    truth = "1,7,1,1,10,20,1,1,0.5\n3,7,3,1,10,20,1,1,1\n1,2,5,5,4,4,1,3,0.25\n2,9,1,1,5,5,0,8,1\n"
    clip = video.read_clip(mot(tmp_path / "s", truth))
    assert (clip.name, clip.fps, clip.detections) == ("street", 14.0, None)
    assert clip.truth.ids.tolist() == [2, 7]  # 9 has flag 0: not to be counted
    assert [clip.truth.class_names[c] for c in clip.truth.classes] == ["car", "pedestrian"]
    assert clip.truth.boxes[0].tolist() == [[4, 4, 8, 8], [0, 0, 10, 20]]
    assert clip.truth.visibility.tolist() == [[0.25, 0.5], [0, 0], [0, 1], [0, 0]]


def test_mot_truth_of_2015_has_world_coordinates_instead_of_classes(tmp_path):
    truth = "1,1,1,1,10,20,1,4.4,5.5,0\n2,1,1,1,10,20,-1,-1,-1,-1\n3,1,1,1,10,20,0,4.4,5.5,0\n"
    found = video.read_clip(mot(tmp_path / "s", truth)).truth
    assert found.classes.tolist() == [-1]
    assert found.class_names == ()
    assert found.visibility[:, 0].tolist() == [1, 1, 0, 0]  # flag -1 counts, 0 does not


def test_mot_detections(tmp_path):
    listed = "1,-1,1,1,10,20,0.9\n1,-1,2,3,4,5,-1.5,-1,-1,-1\n3,-1,1,1,10,20,24.2\n"
    clip = video.read_clip(mot(tmp_path / "s", None, listed))
    assert clip.truth is None
    assert [len(found) for found in clip.detections] == [2, 0, 1, 0]
    assert {found.shape[1] for found in clip.detections} == {6}
    np.testing.assert_allclose(clip.detections[0][1], [1, 2, 5, 7, -1.5, -1])
    assert clip[2:3].detections[0][0, 4] == pytest.approx(24.2)


def test_mot_rows_without_a_box_are_left_out_and_said(tmp_path):
    truth = "1,1,1,1,10,20,1\n2,1,1,1,0,20,1\n"
    listed = "1,-1,1,1,10,20,0.9\n1,-1,nan,1,10,20,0.9\n2,-1,5,5,3,0,0.9\n"
    with pytest.warns(UserWarning, match="rows have no box") as told:
        clip = video.read_clip(mot(tmp_path / "s", truth, listed))
    words = sorted(str(each.message).partition("txt: ")[2] for each in told)
    assert words == [
        "1 rows have no box (no area, or not a number) and are left out (line 2)",
        "2 rows have no box (no area, or not a number) and are left out (line 2, 3)",
    ]
    assert clip.truth.present.tolist() == [[True], [False], [False], [False]]
    assert [len(found) for found in clip.detections] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (
            "1,1,1,1,5,5,1\n1,1,2,2,5,5,1\n",
            r"gt\.txt, line 2: identity 1 is in frame 1 twice.*line 1",
        ),
        ("0,1,1,1,5,5,1\n", "line 1: frame 0, wanted a whole number of at least 1"),
        ("1,1,1,1,5\n", "line 1: got '1,1,1,1,5', wanted frame, id"),
        ("1,1,1,1,5,-5,1\n", "line 1: a box of size 5 x -5"),
        ("nan,1,1,1,5,5,1\n", "line 1: frame nan, wanted a whole number"),
        ("inf,1,1,1,5,5,1\n", "line 1: frame inf, wanted a whole number"),
        ("1,nan,1,1,5,5,1\n", "line 1: identity nan, wanted a whole number"),
        ("1,1,1,1,5,5,1\n1,1.5,1,1,5,5,1\n", "line 2: identity 1.5, wanted a whole number"),
        ("1,1e300,1,1,5,5,1\n", r"line 1: identity 1e\+300, wanted a whole number"),
        ("1,1,1,1,5,5,1,inf,1\n", "line 1: class inf, wanted a whole number"),
        ("1,1,1,1,5,5,1,nan,1\n", "line 1: class nan, wanted a whole number"),
        ("1,1,1,1,5,5,1,1e9,1\n", r"line 1: class 1e\+09, wanted a whole number up to 9999"),
        ("1,1,1,1,5,5,1,1,nan\n", "line 1: visibility nan, wanted 0 to 1"),
        ("1,1,1,1,inf,5,1\n", "line 1: got inf, wanted pixels"),
    ],
)
def test_mot_truth_that_cannot_be_read(tmp_path, truth, words):
    with pytest.raises(errors.SourceError, match=words):
        video.read_clip(mot(tmp_path / "s", truth))


def test_mot_rows_beyond_the_images_are_said(tmp_path):
    with pytest.warns(UserWarning, match=r"det\.txt: 1 rows .* no image .*frame 9; .*1 to 4"):
        found = video.read_clip(mot(tmp_path / "d", None, "4,-1,1,1,5,5,1\n9,-1,1,1,5,5,1\n"))
    assert [len(rows) for rows in found.detections] == [0, 0, 0, 1]
    with pytest.warns(UserWarning, match=r"gt\.txt: 1 rows .* no image .*frame 9; .*1 to 4"):
        video.read_clip(mot(tmp_path / "s", "1,1,1,1,5,5,1\n9,1,1,1,5,5,1\n"))


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("1,-1,1,1,5,5,0.5\n2,-1,1,1,-5,5,0.5\n", r"det\.txt, line 2: a box of size -5 x 5"),
        ("1,-1,1,1,5,5,nan\n", "line 1: score nan"),
        ("nan,-1,1,1,5,5,1\n", "line 1: frame nan"),
        ("1,-1,1,1,5,5,1,0.5\n", "line 1: class 0.5"),
    ],
)
def test_mot_detections_that_cannot_be_read(tmp_path, listed, words):
    with pytest.raises(errors.SourceError, match=words):
        video.read_clip(mot(tmp_path / "s", None, listed))


def test_mot_rows_belong_to_the_image_of_their_number(tmp_path):
    truth = "1,1,1,1,5,5,1\n3,1,21,1,5,5,1\n"
    folder = mot(tmp_path / "s", truth, "3,-1,31,1,5,5,1\n", "seqLength=5\n", count=5)
    (folder / "img1" / "000002.png").unlink()
    with pytest.warns(UserWarning, match="numbered 1 to 5 without 2; truth"):
        clip = video.read_clip(folder)
    assert numbers(clip.frames) == [0, 2, 3, 4]
    assert clip.truth.present[:, 0].tolist() == [True, True, False, False]
    assert clip.truth.boxes[1, 0].tolist() == [20, 0, 25, 5]
    assert [len(found) for found in clip.detections] == [0, 1, 0, 0]


@pytest.mark.parametrize("first", [0, 300])
def test_mot_images_and_frames_may_count_from_anywhere(tmp_path, first):
    save_images(tmp_path / "s" / "img1", 3, "{:06d}.png", first)
    (tmp_path / "s" / "gt").mkdir()
    (tmp_path / "s" / "gt" / "gt.txt").write_text(f"{first},1,1,1,5,5,1\n{first + 2},1,1,1,5,5,1\n")
    truth = video.read_clip(tmp_path / "s").truth
    assert truth.present[:, 0].tolist() == [True, False, True]


def test_mot_images_whose_names_are_no_numbers_count_from_one(tmp_path):
    save_images(tmp_path / "s" / "img1", 3, "walk{}.png", 7)
    (tmp_path / "s" / "gt").mkdir()
    (tmp_path / "s" / "gt" / "gt.txt").write_text("2,1,1,1,5,5,1\n")
    truth = video.read_clip(tmp_path / "s").truth
    assert truth.present[:, 0].tolist() == [False, True, False]


def test_mot_counts_that_disagree_are_said(tmp_path):
    with pytest.warns(UserWarning, match="seqLength is 9, but there are 4 images"):
        video.read_clip(mot(tmp_path / "s", info="seqLength=9\n"))
    with pytest.raises(errors.SourceError, match="seqLength is 'long', wanted a whole number"):
        video.read_clip(mot(tmp_path / "t", info="seqLength=long\n"))


def test_two_images_of_one_number_are_refused(tmp_path):
    folder = mot(tmp_path / "s")
    cv2.imwrite(str(folder / "img1" / "2.png"), numbered(1))
    with pytest.raises(errors.SourceError, match="second image of number 2"):
        video.read_clip(folder)


@pytest.mark.parametrize("kind", ["otb", "vot"])
def test_rows_that_cannot_be_laid_on_images_with_gaps_are_refused(tmp_path, kind):
    inner, name = {"otb": ("img", "groundtruth_rect"), "vot": ("color", "groundtruth")}[kind]
    folder = save_images(tmp_path / "s" / inner, 9)
    for number in (2, 5, 6):
        (folder / f"{number:04d}.png").unlink()
    truth = tmp_path / "s" / f"{name}.txt"
    truth.write_text("1,1,5,5\n" * 9)
    with pytest.raises(
        errors.SourceError, match=r"9 rows for 6 images, .* without 2, 5 to 6; want"
    ):
        video.read_clip(tmp_path / "s")
    truth.write_text("1,1,5,5\n" * 6)  # one row an image: nothing to be mistaken
    assert video.read_clip(tmp_path / "s").truth.present.all()


@pytest.mark.parametrize("stated", ["1.2.3", "0", "fast", "nan", ""])
def test_vot_rates_that_are_none(tmp_path, stated):
    save_images(tmp_path / "v", 1)
    (tmp_path / "v" / "groundtruth.txt").write_text("1,2,3,4\n")
    (tmp_path / "v" / "sequence").write_text(f"name=v\nfps={stated}\n")
    with pytest.raises(errors.SourceError, match=f"sequence: fps is '{stated}', wanted a number"):
        video.read_clip(tmp_path / "v")


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("frameRate=fast\n", "frameRate is 'fast'"),
        ("frameRate=0\n", "'0'"),
        ("oops", "seqinfo.ini"),
    ],
)
def test_mot_seqinfo_that_cannot_be_read(tmp_path, info, words):
    with pytest.raises(errors.SourceError, match=words):
        video.read_clip(mot(tmp_path / "s", info=info))


def test_mot_without_seqinfo_or_truth(tmp_path):
    clip = video.read_clip(mot(tmp_path / "s", info=None))
    assert (clip.name, clip.fps, clip.truth, clip.detections) == ("s", 25.0, None, None)


# Webcams


class FakeCamera:
    opened = True

    def __init__(self, number):
        self.left, self.number, self.released = 8, number, False

    def isOpened(self):
        return self.opened

    def get(self, what):
        return 15.0

    def read(self):
        if not self.left:
            return False, None
        self.left -= 1
        return True, cv2.cvtColor(numbered(7 - self.left), cv2.COLOR_RGB2BGR)

    def release(self):
        self.released = True


@pytest.mark.parametrize("source", [0, "0", np.int64(0)])
def test_a_webcam_is_grabbed_in_order(monkeypatch, source):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    clip = video.read_clip(source, frames=5)
    assert (len(clip), clip.fps, clip.name) == (5, 15.0, "webcam 0")
    assert clip.frames.decoded == 0
    assert number_of(clip.frames[3]) == 3
    assert numbers(clip.frames) == [0, 1, 2, 3, 4]  # frames already grabbed are kept
    assert clip.frames._capture.released


def test_a_webcam_that_stops(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    with pytest.raises(errors.SourceError, match="stopped after 8 frames of 20"):
        list(video.read_clip(0, frames=20))


def test_a_webcam_without_end(monkeypatch):
    made = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda n: made.append(FakeCamera(n)) or made[-1])
    stream = video.camera(3)
    assert [number_of(next(stream)) for _ in range(3)] == [0, 1, 2]
    stream.close()
    assert made[0].released
    assert made[0].number == 3


def test_no_webcam(monkeypatch, capfd):
    monkeypatch.setattr(FakeCamera, "opened", False)
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    for open_it in (video.read_clip, video.camera):
        with pytest.raises(errors.SourceError, match="webcam 9: no camera of that number"):
            open_it(9)


def test_a_webcam_that_this_machine_does_not_have():
    with pytest.raises(errors.SourceError, match="webcam 97"):
        video.read_clip(97)


# Real data: every sequence and video at hand


def _real(pattern):
    return sorted(SHARED.glob(pattern)) if SHARED.is_dir() else []


def _name(path):
    return path.name if isinstance(path, Path) else str(path)


@needs_real_data
@pytest.mark.parametrize("path", _real("sequences/*/") + _real("mot/*/"), ids=_name)
def test_every_real_sequence(path):
    clip = video.read_clip(path)
    images = [p for p in path.rglob("*.jpg") if not p.name.startswith(".")]
    assert len(clip) == len(images) > 50
    assert clip.truth.present.any(0).all()
    height, width = clip.size
    for index in (0, len(clip) // 2, len(clip) - 1):
        assert clip.frames[index].shape == (height, width, 3)
    boxes = clip.truth.boxes[clip.truth.present]
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (centers >= 0) & (centers <= [width, height])
    assert inside.mean() > 0.97
    if "mot" in path.parts:
        assert len(clip.detections) == len(clip)
        assert sum(map(len, clip.detections)) > 100


@needs_real_data
def test_known_numbers_of_real_sequences():
    read = {
        name: video.read_clip(SHARED / name)
        for name in ("sequences/David", "sequences/vot15_bag", "mot/TUD-Stadtmitte", "mot/KITTI-17")
    }
    david, bag, tud, kitti = read.values()
    assert len(david) == 471
    assert david.truth.boxes[0, 0].tolist() == [128, 79, 192, 157]
    np.testing.assert_allclose(bag.truth.boxes[0, 0], [291.827, 124.711, 442.173, 264.289])
    assert (tud.fps, tud.truth.ids.size, tud.truth.present.sum()) == (25.0, 10, 1156)
    assert (kitti.fps, kitti.truth.ids.size, kitti.truth.present.sum()) == (10.0, 9, 683)


@needs_real_data
@pytest.mark.parametrize("path", _real("video/*/*.mp4"), ids=_name)
def test_real_videos_frame_by_frame(path):
    few = 110
    with av.open(str(path)) as container:  # an independent reader: one pass, in order
        stream = container.streams.video[0]
        reference = []
        for picture in container.decode(stream):
            reference.append(picture.to_ndarray(format="rgb24"))
            if len(reference) == few:
                break
        announced, rate = stream.frames, float(stream.average_rate)
    clip = video.read_clip(path)
    assert len(clip) == announced
    assert clip.fps == pytest.approx(rate)
    frames = VideoFrames(path, cache_bytes=4 * reference[0].nbytes)
    for index in [*random.Random(1).sample(range(few), 6), few - 1, 0, 1]:
        np.testing.assert_array_equal(frames[index], reference[index])
    assert clip.frames[-1].shape == reference[0].shape


@needs_real_data
@pytest.mark.slow
@pytest.mark.parametrize("path", _real("video/*/*.mp4"), ids=_name)
def test_real_videos_to_their_end_in_any_order(path):
    in_order = [hash(frame.tobytes()) for frame in VideoFrames(path)]
    frames = VideoFrames(path)
    last = len(frames) - 1
    asked = [*random.Random(2).choices(range(last + 1), k=15), last, 0, *range(last, last - 9, -1)]
    for index in asked:
        assert hash(frames[index].tobytes()) == in_order[index]
