from __future__ import annotations

import base64
import functools
import io
import re

import av
import numpy as np
import pytest

from tracklab import boxes, clips, errors, overlay, show
from tracklab.clips import Clip, Truth


def scene(count=20, height=96, width=128, name="scene"):
    frames = np.full((count, height, width, 3), 90, np.uint8)
    places = np.linspace(5, width - 40, count)
    truth = np.stack([places, places * 0 + 20, places + 30, places * 0 + 60], -1)[:, None]
    for frame, (x1, y1, x2, y2) in zip(frames, truth[:, 0].astype(int), strict=True):
        frame[y1:y2, x1:x2] = (30, 120, 200)
    return Clip(frames, 20.0, Truth.from_boxes(truth), name)


def decoded(player):
    with av.open(io.BytesIO(player.mp4)) as container:
        return [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]


# Playing


def test_the_player_holds_the_whole_video():
    player = show.play(scene(), truth=True)
    page = player._repr_html_()
    data = re.search(r'src="data:video/mp4;base64,([^"]+)"', page)[1]
    assert base64.b64decode(data) == player.mp4
    assert len(decoded(player)) == player.frames == 20
    for word in ("controls", "muted", "loop", "autoplay", "playsinline", "aria-label"):
        assert f" {word}" in page
    assert "loop" not in show.play(scene(), loop=False)._repr_html_()


def test_small_frames_are_enlarged_by_a_whole_factor_and_large_ones_shrink():
    assert decoded(show.play(scene(3)))[0].shape == (384, 512, 3)
    assert decoded(show.play(scene(3, 720, 1280)))[0].shape[1] == show.LARGE_WIDTH
    player = show.play(scene(3), width=200)
    assert (player.width, player.height) == (200, 150)
    assert decoded(player)[0].shape == (150, 200, 3)


def test_boxes_are_drawn_on_the_enlarged_frame():
    clip = scene(3)
    plain, drawn = decoded(show.play(clip)), decoded(show.play(clip, truth=True))
    changed = (np.abs(plain[1].astype(int) - drawn[1]) > 60).any(-1)
    rows, columns = np.nonzero(changed)
    x1, _, x2, y2 = clip.truth.boxes[1, 0] * 4
    assert abs(columns.min() - x1) <= 4
    assert abs(columns.max() - x2) <= 4
    assert abs(rows.max() - y2) <= 4


def test_the_text_alternative_says_what_is_shown_and_is_safe_in_a_page():
    player = show.play(scene(name='<b> & "quoted"'), truth=True, title="<script>")
    page = player._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
    assert 'aria-label="Clip &#x27;&lt;b&gt; &amp; &quot;quoted&quot;&#x27; with a box' in page
    assert "a red car" in show.play(scene(3), alt="a red car")._repr_html_()
    assert "20 frames, 1.0 s, 512 x 384" in repr(player)


def test_truth_beside_a_tracker_is_named():
    clip = scene(3)
    player = show.play(clip, {"mosse": clip.truth.boxes + 5}, truth=True)
    assert "boxes of truth, mosse" in player.alt
    assert "boxes of truth, tracker" in show.play(clip, clip.truth.boxes[:, 0], truth=True).alt


def test_a_truth_beside_the_clips_own_is_named_too():
    clip = scene(3)
    player = show.play(clip, Truth.from_boxes(clip.truth.boxes + 5), truth=True)
    assert "boxes of truth, tracker" in player.alt


def test_nothing_takes_the_place_of_the_clips_own_truth():
    clip = scene(3)
    with pytest.raises(errors.InputError, match="another name than 'truth'"):
        show.play(clip, {"truth": clip.truth.boxes + 5}, truth=True)
    assert "boxes of truth," in show.play(clip, {"truth": clip.truth.boxes + 5}).alt


def test_lost_quality_is_said(monkeypatch):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (12, 64, 96, 3), np.uint8)
    assert not show.play(frames, width=96).notes
    monkeypatch.setattr(show, "MOST_BYTES", len(show.play(frames, width=96).mp4) - 1)
    player = show.play(frames, width=96)
    assert re.fullmatch(r"Quality 5\d of 100, to keep the notebook small\.", player.notes[0])
    assert player.notes[0] in player._repr_html_()


def test_slow_motion():
    player = show.play(scene(10), fps=5)
    with av.open(io.BytesIO(player.mp4)) as container:
        assert float(container.streams.video[0].average_rate) == 5


def test_long_clips_are_cut_and_say_so(monkeypatch):
    monkeypatch.setattr(show, "MOST_FRAMES", 8)
    player = show.play(scene(20))
    assert (player.frames, len(decoded(player))) == (8, 8)
    assert "Shows the first 8 of 20 frames." in player._repr_html_()
    assert "Shows the first 8 of 20 frames." in repr(player)
    assert not show.play(scene(8)).notes


@pytest.mark.parametrize("most", [60_000, 12_000])
def test_a_video_is_made_to_fit_and_says_so(monkeypatch, most):
    monkeypatch.setattr(show, "MOST_BYTES", most)
    rng = np.random.default_rng(0)
    player = show.play(rng.integers(0, 255, (12, 64, 96, 3), np.uint8))
    assert len(player.mp4) <= most
    assert player.notes
    assert player.width == 480  # on the page it is as large as before


@pytest.mark.parametrize("kind", ["list", "generator", "lazy"])
def test_any_sequence_of_frames_plays(kind):
    frames = list(scene(4).frames)
    given = {
        "list": frames,
        "generator": (frame for frame in frames),
        "lazy": clips.Part(frames, range(1, 4)),
    }[kind]
    assert len(decoded(show.play(given))) == (3 if kind == "lazy" else 4)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([],), {}, "no frames"),
        ((5,), {}, "frames: got 5"),
        (("clip.mp4",), {}, "frames: got 'clip.mp4'"),
        ((scene(3),), {"fps": 1e12}, "fps"),
        ((scene(3), np.zeros((3, 2, 4))), {"ids": 3}, "ids: got 3"),
        ((scene(3), np.zeros((3, 4))), {"truth": True, "ids": [5]}, "ids: got .*boxes by name"),
        ((scene(3), {"a": np.zeros((3, 4))}), {"scores": "zzz"}, "scores: got 'zzz'"),
        ((scene(3),), {"fps": 0}, "fps"),
        ((scene(3),), {"width": 2}, "width"),
        ((scene(3), np.zeros((2, 4))), {}, "boxes of 2 frames"),
        ((scene(3).frames,), {"truth": True}, "nothing is known"),
        ((np.zeros((3, 8, 8)),), {}, r"frames\[0\]"),
    ],
)
def test_what_cannot_be_played(arguments, options, words):
    with pytest.raises(errors.InputError, match=words):
        show.play(*arguments, **options)


# In a real browser


@pytest.fixture
def page(chromium):
    page = chromium.new_page()
    yield page
    page.close()


PLAY = """async () => {
    const video = document.querySelector('video');
    await video.play();
    await new Promise(done => video.requestVideoFrameCallback(done));
    await new Promise(done => setTimeout(done, 300));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext('2d', {willReadFrequently: true});
    pen.drawImage(video, 0, 0);
    const at = (x, y) => [...pen.getImageData(x, y, 1, 1).data].slice(0, 3);
    const [right, bottom] = [canvas.width - 4, canvas.height - 4];
    return {time: video.currentTime, error: video.error, paused: video.paused,
            size: [video.videoHeight, video.videoWidth],
            corners: [at(4, 4), at(right, 4), at(4, bottom), at(right, bottom)]};
}"""


@pytest.mark.browser
def test_a_browser_plays_it(page):
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    player = show.play(scene(60), truth=True, trails=10, title="It plays")
    page.set_content(player._repr_html_())
    seen = page.evaluate(PLAY)
    assert not problems
    assert seen["error"] is None
    assert not seen["paused"]
    assert 0 < seen["time"] < 3
    assert seen["size"] == [384, 512]
    assert np.abs(np.array(seen["corners"]) - 90).max() <= 4  # the grey that was written
    assert page.get_by_label("Clip 'scene' with a box around the object").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("turn", [0, 90, -90, 180])
def test_a_browser_turns_a_phones_video_as_we_do(page, tmp_path, turn):
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:24, :32], frame[:24, 32:] = (255, 0, 0), (0, 255, 0)
    frame[24:, :32], frame[24:, 32:] = (0, 0, 255), (255, 255, 255)
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(turn)
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    data = base64.b64encode(path.read_bytes()).decode()
    page.set_content(f'<video muted src="data:video/mp4;base64,{data}"></video>')
    seen = page.evaluate(PLAY)
    ours = show.video.read_clip(path).frames[9]
    assert list(ours.shape[:2]) == seen["size"]
    corners = [ours[4, 4], ours[4, -4], ours[-4, 4], ours[-4, -4]]
    assert np.abs(np.array(corners).astype(int) - seen["corners"]).max() < 12


# Source


def plain(thing, **options):
    return repr(show.source(thing, **options))


def test_source_is_the_packages_own_with_its_place_and_no_machine_path():
    text = plain(boxes.xyxy_to_xywh)
    assert text.startswith("# tracklab/boxes/formats.py, line ")
    assert "def xyxy_to_xywh(boxes: Array" in text
    assert "# w = x2 - x1, h = y2 - y1" in text
    line = int(re.search(r"line (\d+)", text)[1])
    with open(boxes.formats.__file__, encoding="utf-8") as file:
        assert file.readlines()[line - 1].startswith("def xyxy_to_xywh(")


def test_docstrings_can_be_left_out_and_nothing_else():
    whole, short = plain(boxes.iou), plain(boxes.iou, docstring=False)
    assert '"""' in whole
    assert '"""' not in short
    assert "Everingham" not in short
    kept = [line for line in short.splitlines()[1:] if line.strip()]
    lines = iter(whole.splitlines())
    assert all(line in lines for line in kept)  # in order
    namespace = dict(vars(boxes.overlap))
    exec(short, namespace)
    np.testing.assert_array_equal(
        namespace["iou"]([[0, 0, 10, 10]], [[5, 0, 15, 10]]),
        boxes.iou([[0, 0, 10, 10]], [[5, 0, 15, 10]]),
    )


@pytest.mark.parametrize("thing", [boxes, clips, overlay, show, errors])
def test_modules_without_docstrings_still_compile(thing):
    short = show.source(thing, docstring=False)
    assert re.fullmatch(r"tracklab/[\w/]+\.py", short.place)
    compile(short.code, "short", "exec")
    assert not re.search(r'^\s*"""', short.code, re.MULTILINE)


@pytest.mark.parametrize(
    "thing",
    [
        Clip,
        Clip.__getitem__,
        Clip.size,
        Truth.from_boxes,
        functools.lru_cache(boxes.area),
        clips.Part([], range(0)).__len__,
    ],
)
def test_classes_methods_properties_and_wrapped_functions(thing):
    places = ("# tracklab/clips.py, line", "# tracklab/boxes/overlap.py, line")
    assert plain(thing).startswith(places)


@pytest.mark.parametrize("thing", [len, np.add, int, 3, "boxes.iou", None, [], np.zeros(3)])
def test_what_has_no_source_says_so(thing):
    with pytest.raises(errors.InputError, match="no Python source, wanted a function, class or"):
        show.show(thing)


def test_nothing_to_show():
    with pytest.raises(errors.InputError, match="nothing"):
        show.show()


def test_show_displays_each(capsys):
    assert show.show(boxes.area, boxes.sizes, docstring=False) is None
    out = capsys.readouterr().out
    assert out.index("def area") < out.index("def sizes")
    assert out.count("# tracklab/boxes/") == 2


def test_highlighted_source_is_safe_and_coloured():
    page = show.source(boxes.as_boxes)._repr_html_()
    assert "&lt; " in page or "&lt;" in page
    assert "color: #" in page
    assert re.sub(r"<[^>]+>", "", page).count("def as_boxes") == 1
