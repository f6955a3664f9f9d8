"""Trackers: the door's checks, the correlation against its definition, and what is followed."""

from __future__ import annotations

import re
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from realdata import SHARED, needs_real_data

from tracklab import boxes as bx
from tracklab import clips, errors, looking, scenes, trackers, video
from tracklab.trackers import template as tm

BOX = [40, 40, 70, 60]
OWN = [name for name in trackers.NAMES if not name.startswith("opencv-")]
OPENCVS = [name for name in trackers.NAMES if name.startswith("opencv-")]
# Every tracker that can be made here, those to come included; of OpenCV's, what is installed.
EVERY = trackers.available()


def run_or_refused(name, frames, box):
    """The track; None where OpenCV cannot start on such a box, and is known to say so."""
    try:
        return trackers.run(name, frames, box)
    except errors.InputError as error:
        if name in OPENCVS and re.search(r"room around it|at least (8 x 8|20 x 20)", str(error)):
            return None
        raise


def texture(seed: int, height: int, width: int, blur: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)


def moving(path, *, size=(120, 160), side=(24, 20), seed=0, sizes=None) -> clips.Clip:
    """A textured rectangle that goes along `path` (upper left corners) over another texture."""
    height, width = size
    pad = 100
    ground = texture(seed, height + 2 * pad, width + 2 * pad)
    thing = texture(seed + 1, 80, 96, blur=4)
    frames, truth = [], []
    for step, (x, y) in enumerate(path):
        grow = 1.0 if sizes is None else sizes[step]
        w, h = round(side[0] * grow), round(side[1] * grow)
        picture = ground.copy()
        x, y = round(x), round(y)
        picture[y + pad : y + pad + h, x + pad : x + pad + w] = cv2.resize(
            thing, (w, h), interpolation=cv2.INTER_AREA
        )
        frames.append(picture[pad : pad + height, pad : pad + width])
        truth.append([x, y, x + w, y + h])
    boxes = np.array(truth, np.float32)[:, None]
    return clips.Clip(np.stack(frames), 25.0, clips.Truth.from_boxes(boxes), "moving")


def overlaps(track: trackers.Track, clip: clips.Clip) -> np.ndarray:
    pairs = zip(track.boxes, clip.truth.boxes[:, 0], strict=True)
    return np.array([bx.iou(a[None], b[None])[0, 0] for a, b in pairs])


def line(frames: int, start=(40.0, 40.0), velocity=(2.0, 1.0)) -> list[tuple[float, float]]:
    return [(start[0] + velocity[0] * t, start[1] + velocity[1] * t) for t in range(frames)]


# the correlation


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(0, 10_000),
)
def test_correlation_is_its_definition(size, room, seed):
    rng = np.random.default_rng(seed)
    window = rng.integers(0, 255, (size[0] + room[0], size[1] + room[1], 3), np.uint8)
    template = rng.integers(0, 255, (*size, 3), np.uint8)
    fast, slow = tm.correlation(window, template), tm.written_out_correlation(window, template)
    assert fast.shape == slow.shape
    np.testing.assert_allclose(fast, slow, atol=2e-5)


def test_correlation_finds_the_patch_and_numpy_agrees():
    window = texture(3, 40, 50)
    patch = window[12:24, 20:35]
    response = tm.correlation(window, patch)
    assert np.unravel_index(response.argmax(), response.shape) == (12, 20)
    # of one grey patch, the same as Pearson's coefficient from NumPy
    grey = np.repeat(window[..., :1], 3, axis=2)
    other = grey[5:17, 3:18]
    wanted = np.corrcoef(other[..., 0].ravel(), grey[12:24, 20:35, 0].ravel())[0, 1]
    assert tm.correlation(grey, other)[12, 20] == pytest.approx(wanted, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (9, 11, 3), elements=st.integers(0, 100)), st.integers(0, 50))
def test_correlation_ignores_brightness_and_stays_in_range(window, more):
    template = texture(1, 5, 4)
    response = tm.correlation(window, template)
    assert response.min() >= -1
    assert response.max() <= 1
    np.testing.assert_allclose(
        tm.correlation(window + np.uint8(more), template), response, atol=2e-4
    )


def test_flat_patches_correlate_with_nothing():
    flat = np.full((20, 20, 3), 90, np.uint8)
    pattern = texture(0, 6, 6)
    assert not tm.correlation(flat, pattern).any()
    assert not tm.correlation(texture(0, 20, 20), flat[:6, :6]).any()
    assert not tm.written_out_correlation(flat, pattern).any()


def test_a_template_larger_than_its_window_is_refused():
    with pytest.raises(errors.InputError, match="fits into the window"):
        tm.correlation(texture(0, 5, 9), texture(0, 6, 6))


@pytest.mark.parametrize("zoom", [1, 2, 3])
def test_look_draws_an_area_as_averages(zoom):
    frame = texture(0, 48, 60)
    seen = looking.look(frame, [12, 12, 48, 36], (36 // zoom, 24 // zoom))
    blocks = frame[12:36, 12:48].reshape(24 // zoom, zoom, 36 // zoom, zoom, 3)
    np.testing.assert_allclose(seen.astype(float), blocks.mean((1, 3)), atol=1.01)


def test_look_goes_on_with_the_edge_outside():
    frame = texture(0, 30, 30)
    seen = looking.look(frame, [-5, 0, 5, 10], (10, 10))
    assert (seen[:, :5] == frame[:10, :1]).all()
    assert (seen[:, 5:] == frame[:10, :5]).all()


# what is followed


@pytest.mark.parametrize(
    "path",
    [
        line(40),
        line(40, velocity=(-0.5, 1.0)),
        [(60 + 30 * np.sin(t / 6), 40 + 20 * np.cos(t / 5)) for t in range(60)],
    ],
    ids=["line", "slow", "curve"],
)
def test_template_follows(path):
    clip = moving(path)
    track = trackers.run("template", clip)
    assert overlaps(track, clip).min() > 0.75
    assert len(track) == len(track.seconds) == len(clip)


def test_velocity_is_in_pixels_a_frame():
    track = trackers.run("template", moving(line(40)))
    np.testing.assert_allclose(track.velocities[10:], [[2, 1]] * 30, atol=0.3)
    assert np.isnan(track.velocities[0]).all()
    assert track.velocities.dtype == track.boxes.dtype == np.float32


def test_template_follows_a_change_of_size():
    sizes = np.linspace(1, 1.8, 60)
    clip = moving(line(60, velocity=(1.0, 0.5)), size=(200, 240), side=(40, 36), sizes=sizes)
    track = trackers.run("template", clip)
    assert overlaps(track, clip)[-10:].min() > 0.7
    grown = bx.area(track.boxes[-1]) / bx.area(track.boxes[0])
    assert grown == pytest.approx(1.8**2, rel=0.25)


def test_template_goes_on_behind_something_and_says_so():
    clip = moving(line(40))
    frames = np.array(clip.frames)
    hidden = slice(15, 20)
    frames[hidden] = texture(99, 120, 160)
    track = trackers.run("template", clips.Clip(frames, 25.0, clip.truth))
    assert track.scores[hidden].max() < 0.5
    assert track.scores[30:].min() > 0.8
    assert overlaps(track, clip)[25:].min() > 0.7


@pytest.mark.parametrize(
    "box", [[150, 100, 300, 300], [-140, -80, 12, 15], [130, 30, 290, 80], [-60, 40, 20, 300]]
)
def test_an_object_whose_centre_is_outside_stays_where_it_is(box):
    frames = [texture(0, 120, 160)] * 6
    track = trackers.run("template", frames, box)
    # the size wavers a little where a small part stands for a large box
    assert bx.iou(track.boxes, [box]).min() > 0.97
    assert track.scores.min() > 0.95


def test_template_follows_what_comes_in_from_outside():
    clip = moving([(150 - 2 * t, 40) for t in range(30)], side=(40, 30))
    track = trackers.run("template", clip)
    assert overlaps(track, clip).min() > 0.7


def test_template_follows_out_of_the_frame_and_back():
    path = [(90 - 2 * t if t < 50 else 90 - 2 * (100 - t), 40) for t in range(100)]
    clip = moving(path)
    cut = trackers.run("template", clip).inside(*clip.size)
    assert overlaps(cut, clip)[-10:].min() > 0.7


@pytest.mark.parametrize("name", EVERY)
def test_a_tracker_changes_nothing_that_it_is_given(name):
    clip = moving(line(8))
    before, box = np.array(clip.frames), np.array(BOX, np.float32)
    trackers.run(name, clip, box)
    assert (before == clip.frames).all()
    assert (box == BOX).all()


@pytest.mark.parametrize("name", OWN)
def test_a_tracker_repeats_itself_and_can_start_again(name):
    clip = moving(line(8))
    tracker = trackers.create(name)
    first = trackers.run(tracker, clip)
    again = trackers.run(tracker, clip)
    other = trackers.run(name, clip)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    np.testing.assert_array_equal(first.boxes, other.boxes)


@pytest.mark.parametrize("name", EVERY)
def test_the_state_handed_out_is_the_callers_own(name):
    clip = moving(line(3))
    tracker = trackers.create(name)
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    state = tracker.update(clip.frames[1])
    kept = state.box.copy()
    state.box[:] = 0
    state.velocity[:] = 100
    again = tracker.update(clip.frames[1])
    assert np.abs(again.box - kept).max() < 20


@pytest.mark.parametrize("name", EVERY)
def test_a_state_has_the_shape_that_is_promised(name):
    clip = moving(line(3))
    tracker = trackers.create(name)
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    box, velocity, score = tracker.update(clip.frames[1])
    assert (box.shape, box.dtype) == ((4,), np.float32)
    assert (velocity.shape, velocity.dtype) == ((2,), np.float32)
    assert isinstance(score, float)
    assert 0 <= score <= 1


def test_sight_says_what_was_seen():
    clip = moving(line(5))
    tracker = trackers.create("template")
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    assert tracker.sight is None
    state = tracker.update(clip.frames[1])
    sight = tracker.sight
    assert sight.response.shape == sight.weighted.shape
    assert sight.response.max() == pytest.approx(state.score, abs=0.05)
    row, column = np.unravel_index(sight.weighted.argmax(), sight.weighted.shape)
    height, width = sight.weighted.shape
    at = sight.centers[:2] + (sight.centers[2:] - sight.centers[:2]) * [
        column / (width - 1),
        row / (height - 1),
    ]
    np.testing.assert_allclose(at, bx.centers(state.box), atol=1)


# hard starts


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "box",
    [
        [-10, -8, 14, 12],
        [150, 110, 180, 140],
        [70, 50, 71, 51],
        [70.2, 50.1, 70.4, 50.3],
        [159.5, 119.5, 400, 400],
        [0, 60, 160, 61],
        [80, 0, 81, 120],
        [-500, -500, 700, 700],
        [0, 0, 160, 120],
    ],
)
def test_any_box_that_touches_the_frame_is_followed(name, box):
    track = run_or_refused(name, moving(line(4)), box)
    if track is None:
        return
    assert np.isfinite(track.boxes).all()
    assert np.isfinite(track.scores).all()
    assert (track.boxes[:, 2:] >= track.boxes[:, :2]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (9, 9)])
@pytest.mark.parametrize("name", EVERY)
def test_tiny_frames_are_followed(name, size):
    frames = np.stack([texture(seed, *size) for seed in range(3)])
    track = run_or_refused(name, frames, [0, 0, size[1], size[0]])
    assert track is None or np.isfinite(track.boxes).all()


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("name", EVERY)
def test_frames_without_anything_in_them_are_followed(name, value):
    track = trackers.run(name, np.full((4, 50, 60, 3), value, np.uint8), [20, 15, 42, 36])
    assert np.isfinite(track.boxes).all()
    assert ((track.scores >= 0) & (track.scores <= 1)).all()


@pytest.mark.parametrize("box", [[0, 0, 1, 1], [159, 119, 160, 120], [80.4, 60.4, 80.6, 60.6]])
@pytest.mark.parametrize("name", EVERY)
def test_a_box_of_one_pixel_is_followed_for_long(name, box):
    track = run_or_refused(name, moving(line(30)), box)
    assert track is None or np.isfinite(track.boxes).all()


def test_flat_frames_score_nothing_and_the_box_stays():
    frames = np.full((5, 50, 60, 3), 7, np.uint8)
    track = trackers.run("template", frames, [10, 10, 30, 30])
    assert (track.scores[1:] == 0).all()
    np.testing.assert_allclose(track.boxes, [[10, 10, 30, 30]] * 5, atol=1e-4)


# the door


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([np.nan, 0, 10, 10], "finite"),
        ([np.inf, 0, 10, 10], "finite"),
        ([500, 500, 600, 600], "touches the frame of 160 x 120"),
        ([-50, 10, 0, 30], "touches the frame"),
        ([10, 10, 10, 30], "width and a height"),
        ([30, 30, 10, 10], "x1 <= x2"),
        ([20, 20, np.nan, 40], "finite"),
        ([1, 2, 3], "shape"),
        ([[1, 2, 3, 4]], "one box"),
        ("left", "box"),
    ],
)
def test_a_box_that_is_none_is_refused(name, box, message):
    tracker = trackers.create(name)
    with pytest.raises(errors.InputError, match=message):
        tracker.init(texture(0, 120, 160), box)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((120, 160), np.uint8),
        np.zeros((120, 160, 4), np.uint8),
        np.zeros((120, 160, 3), np.float32),
        np.full((120, 160, 3), np.nan),
        np.zeros((0, 160, 3), np.uint8),
        None,
    ],
    ids=["grey", "rgba", "float", "nan", "empty", "none"],
)
def test_a_frame_that_is_none_is_refused(name, frame):
    tracker = trackers.create(name)
    with pytest.raises(errors.InputError, match="RGB image"):
        tracker.init(frame, BOX)
    tracker.init(texture(0, 120, 160), BOX)
    with pytest.raises(errors.InputError, match="RGB image"):
        tracker.update(frame)


@pytest.mark.parametrize("name", EVERY)
def test_order_and_size_are_held(name):
    tracker = trackers.create(name)
    with pytest.raises(errors.InputError, match="update before init"):
        tracker.update(texture(0, 120, 160))
    tracker.init(texture(0, 120, 160), BOX)
    for size in ((160, 120), (60, 80), (121, 160)):
        with pytest.raises(errors.InputError, match="160 x 120"):
            tracker.update(texture(0, *size))
    # a frame that was refused is as if it had not been
    assert np.isfinite(tracker.update(texture(0, 120, 160)).box).all()


@pytest.mark.parametrize("name", EVERY)
def test_after_an_init_that_failed_there_is_no_update(name):
    frame = texture(0, 120, 160)
    tracker = trackers.create(name)
    tracker.init(frame, BOX)
    tracker.update(frame)
    with pytest.raises(errors.InputError, match="touches the frame"):
        tracker.init(frame, [500, 500, 600, 600])
    with pytest.raises(errors.InputError, match="update before init"):
        tracker.update(frame)
    tracker.init(frame, BOX)
    assert np.isfinite(tracker.update(frame).box).all()


def test_a_wrong_name_lists_the_names():
    with pytest.raises(errors.InputError, match="'template'"):
        trackers.create("templat")
    with pytest.raises(errors.InputError, match="opencv-csrt"):
        trackers.create(None)


def test_a_wrong_option_lists_the_options():
    with pytest.raises(errors.InputError, match="template_rate"):
        trackers.create("template", rate=1)
    with pytest.raises(errors.InputError, match="no options"):
        trackers.create("opencv-mil", kind="kcf")
    with pytest.raises(errors.InputError, match="side"):
        trackers.create("template", side=0)


# run


def test_run_takes_frames_one_at_a_time_and_times_them():
    clip = moving(line(6))
    track = trackers.run("still", iter(clip.frames), BOX)
    assert len(track) == 6
    assert (track.seconds >= 0).all()
    assert track.frames_per_second > 0
    assert track.name == "still"
    np.testing.assert_array_equal(track.boxes, [BOX] * 6)


def test_processor_time_is_that_of_work_and_not_of_waiting():
    class Slow(type(trackers.create("still"))):
        def _step(self, frame):
            time.sleep(0.02)
            start = time.process_time()
            while time.process_time() - start < 0.01:
                pass
            return super()._step(frame)

    track = trackers.run(Slow(), moving(line(4)))
    assert len(track.cpu_seconds) == len(track) == 4
    assert (track.seconds[1:] >= 0.03).all()
    assert (track.cpu_seconds[1:] >= 0.01).all()
    assert track.cpu_seconds[1:].min() < 0.02  # sleeping costs nothing


def test_tracks_and_paths_are_equal_to_themselves_alone():
    clip = moving(line(4))
    tracks = [trackers.run("still", clip) for _ in range(2)]
    paths = [scenes.trajectories(seed=0, frames=4) for _ in range(2)]
    for one, two in (tracks, paths):
        assert one != two
        assert len({one, two, one}) == 2


def test_run_starts_on_the_first_object_that_is_there():
    boxes = np.array([[[np.nan] * 4, [30, 30, 50, 50]]] * 3, np.float32)
    clip = clips.Clip(np.zeros((3, 60, 80, 3), np.uint8), 25.0, clips.Truth.from_boxes(boxes))
    np.testing.assert_array_equal(trackers.run("still", clip).boxes[0], [30, 30, 50, 50])


def test_run_without_a_box_to_start_from_is_refused():
    frames = np.zeros((3, 60, 80, 3), np.uint8)
    with pytest.raises(errors.InputError, match="no truth"):
        trackers.run("still", clips.Clip(frames))
    nowhere = clips.Truth.from_boxes(np.full((3, 1, 4), np.nan))
    with pytest.raises(errors.InputError, match="no object in the first frame"):
        trackers.run("still", clips.Clip(frames, 25.0, nowhere))
    with pytest.raises(errors.InputError, match="no frames"):
        trackers.run("still", [], BOX)


# what it is worth: mean overlap on scenes, and on real sequences where they are at hand


def mean_overlap(name: str, clip: clips.Clip, which: int = 0) -> float:
    start = int(np.flatnonzero(clip.truth.present[:, which])[0])
    track = trackers.run(name, clip[start:], clip.truth.boxes[start, which])
    pairs = zip(track.inside(*clip.size).boxes, clip.truth.boxes[start:, which], strict=True)
    known = clip.truth.present[start:, which]
    return (
        float(np.mean([bx.iou(a[None], b[None])[0, 0] for a, b in pairs])) * len(known) / sum(known)
    )


@pytest.mark.parametrize(
    ("scene", "least"),
    [
        ("plain", 0.85),
        ("constant velocity", 0.85),
        ("turning", 0.85),
        ("bouncing", 0.85),
        ("stop-and-go", 0.85),
        ("sinusoidal", 0.85),
        ("illumination", 0.8),
        ("noise", 0.85),
        ("camera_motion", 0.85),
    ],
)
def test_template_keeps_to_objects_in_scenes(scene, least):
    found = [mean_overlap("template", one.render()) for one in scenes.STANDARD[scene].variants(2)]
    still = [mean_overlap("still", one.render()) for one in scenes.STANDARD[scene].variants(2)]
    assert np.mean(found) > least
    assert np.mean(found) > np.mean(still) + 0.4


@needs_real_data
def test_template_beats_a_box_that_stays_on_real_sequences():
    folders = sorted(p.parent for p in (SHARED / "sequences").glob("*/groundtruth_rect.txt"))
    if not folders:
        pytest.skip("there are no real sequences in the shared data")
    found, still = [], []
    for folder in folders:
        clip = video.read_clip(folder)[:80]
        frames = np.stack([clip.frames[index] for index in range(len(clip))])
        clip = clips.Clip(frames, clip.fps, clip.truth, clip.name)
        found.append(mean_overlap("template", clip))
        still.append(mean_overlap("still", clip))
    assert np.mean(found) > np.mean(still) + 0.2, dict(zip(folders, found, strict=True))
