"""The parts of `track`: finders, the counting line, ways and speeds, the record, threads."""

from __future__ import annotations

import doctest
import threading
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import SHARED, needs_real_data

from tracklab import boxes as bx
from tracklab import errors, finders, scenes, video
from tracklab.detections import Detections
from tracklab.finders.moving import LEARNING
from tracklab.following.record import Record
from tracklab.following.threads import ROOM, Ahead, Behind
from tracklab.following.ways import Ways
from tracklab.metrics import crossing
from tracklab.tracks import Tracks, from_truth

# finders


def test_names_and_classes():
    assert finders.NAMES == ("faces", "people", "moving", "shapes", "thumbnails")
    for name in finders.NAMES[:3]:
        finder = finders.create(name)
        assert finder.name == name
        assert len(finder.class_names) == 1
    with pytest.raises(errors.InputError, match="one of 'faces'"):
        finders.create("cats")
    for frame in (np.zeros((40, 40)), np.zeros((4, 4, 3), np.float32), None):
        with pytest.raises(errors.InputError, match="frame"):
            finders.create("moving").find(frame)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("faces", {"smallest": 10}),
        ("faces", {"neighbours": 0}),
        ("people", {"enlarge": 9}),
        ("people", {"sure": "very"}),
        ("moving", {"smallest": 2}),
        ("moving", {"close": -1}),
        ("shapes", {"sure": 2}),
    ],
)
def test_options_out_of_range(name, options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        finders.create(name, **options)


@pytest.mark.parametrize("name", ["faces", "people", "moving"])
@pytest.mark.parametrize("size", [(1, 1), (8, 300), (200, 160)])
def test_frames_of_any_size_are_looked_at(name, size):
    finder = finders.create(name)
    for seed in range(3):
        frame = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
        before = frame.copy()
        assert isinstance(finder.find(frame), Detections)
        np.testing.assert_array_equal(frame, before)


def walk(frames=40, size=(120, 160), start=(20, 40), step=(2, 0), side=(24, 16)):
    """A square on a still ground, from after the frames in which `moving` learns; and its boxes."""
    ground = np.random.default_rng(0).integers(90, 110, (*size, 3), np.uint8)
    pictures, boxes = [], []
    pattern = np.random.default_rng(1).integers(0, 90, (*side[::-1], 3), np.uint8)
    pattern[..., 0] += 160
    for number in range(frames):
        picture = ground.copy()
        if number >= LEARNING:
            x, y = (start[k] + step[k] * (number - LEARNING) for k in (0, 1))
            picture[y : y + side[1], x : x + side[0]] = pattern
            boxes.append([x, y, x + side[0], y + side[1]])
        else:
            boxes.append([np.nan] * 4)
        pictures.append(picture)
    return pictures, np.array(boxes, np.float32)


@pytest.mark.parametrize("enlarged", [1, 6])
def test_moving_finds_what_moves_and_nothing_else(enlarged):
    frames, truth = walk()
    finder = finders.create("moving")
    for frame, box in zip(frames, truth * enlarged, strict=True):
        large = cv2.resize(frame, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_NEAREST)
        found = finder.find(large)
        if np.isnan(box[0]):
            assert len(found) == 0
        else:
            assert len(found) == 1
            assert bx.iou(found.boxes, box[None])[0, 0] > 0.6
            assert 0 < found.scores[0] <= 1


def test_each_finder_has_its_own_video():
    frames, _ = walk()
    one, other = finders.create("moving"), finders.create("moving")
    for frame in frames:
        assert len(one.find(frame)) <= 1
    assert len(other.find(frames[-1])) == 0


@pytest.mark.slow
def test_shapes_are_lesson_04s_detector():
    from tracklab.models import detector

    clip = scenes.render(seed=0, frames=2)
    finder = finders.create("shapes", sure=0.3)
    model, _ = detector.shipped()
    assert finder.class_names == model.class_names
    for frame in clip.frames:
        found, wanted = finder.find(frame), model.detect(frame, score=0.3)
        np.testing.assert_array_equal(found.boxes, wanted.boxes)


@needs_real_data
@pytest.mark.parametrize(("sequence", "least"), [("David", 0.6), ("Girl", 0.35)])
def test_faces_are_found_in_real_sequences(sequence, least):
    """They turn away for a part of the time; where the finder says something, it is the face."""
    clip = video.read_clip(SHARED / "sequences" / sequence)
    finder, hits, false, looked = finders.create("faces"), 0, 0, 0
    for number in np.flatnonzero(clip.truth.present[:, 0])[::10][:40]:
        found = finder.find(clip.frames[int(number)])
        overlaps = bx.iou(found.boxes, clip.truth.boxes[number]).reshape(-1)
        looked += 1
        hits += bool((overlaps > 0.3).any())
        false += int((overlaps <= 0.3).sum())
    assert hits / looked > least
    assert false / looked < 0.1


@needs_real_data
def test_people_are_found_in_a_real_street():
    clip = video.read_clip(SHARED / "mot" / "TUD-Stadtmitte")
    finder, seen, there, false = finders.create("people"), 0, 0, 0
    for number in range(0, 60, 12):
        found = finder.find(clip.frames[number])
        truth = clip.truth.boxes[number][clip.truth.present[number]]
        overlaps = bx.iou(truth, found.boxes)
        seen += int((overlaps.max(1, initial=0) > 0.4).sum())
        there += len(truth)
        false += int((overlaps.max(0, initial=0) < 0.2).sum())
    assert seen / there > 0.5
    assert false <= 5


# the line


def walks(*ways):
    """Tracks of identities 0, 1, ... along their places `(T, 2)`; NaN where one is not seen."""
    frames = []
    for places in zip(*ways, strict=True):
        seen = [(k, x, y) for k, (x, y) in enumerate(places) if np.isfinite(x)]
        ids = np.array([k for k, _, _ in seen], np.int64)
        boxes = np.array([[x - 1, y - 1, x + 1, y + 1] for _, x, y in seen], np.float32)
        frames.append(Tracks(ids, boxes.reshape(-1, 4)))
    return frames


def test_ways_across_a_line_are_told_as_on_the_screen():
    across = [(0, 0), (10, 0)]
    down = [(0, -5), (0, 5)]
    for ends in ((5, -9, 5, 9), (5, 9, 5, -9)):
        for places, way in ((across, "right"), (across[::-1], "left")):
            (one,) = crossing.crossings(walks(places), ends)
            assert one == (0, 1, way, -1)
    for ends in ((-9, 0, 9, 0), (9, 1, -9, -1)):
        for places, way in ((down, "down"), (down[::-1], "up")):
            assert [c.way for c in crossing.crossings(walks(places), ends)] == [way]
    counter = crossing.Counter((5, -9, 5, 9))
    for tracks in walks(across, across, across[::-1]):
        counter.update(tracks)
    assert (counter.count("right"), counter.count("left")) == (2, 1)
    with pytest.raises(errors.InputError, match="way"):
        counter.count("down")


def test_who_goes_around_does_not_cross_and_gaps_are_bridged():
    nan = (np.nan, np.nan)
    around = [(0, 0), (0, 20), (10, 20), (10, 0)]
    gap = [(0, 0), nan, nan, (10, 0)]
    on_it = [(0, 0), (5, 0), (5, 1), (10, 0)]
    turns = [(0, 0), (5, 0), (5, 1), (0, 0)]
    found = crossing.crossings(walks(around, gap, on_it, turns), (5, -9, 5, 9))
    assert [(c.id, c.frame) for c in found] == [(1, 3), (2, 3)]


def test_trembling_on_the_line_counts_once():
    rng = np.random.default_rng(0)
    x = np.concatenate([np.linspace(0, 10, 30), np.linspace(10, 20, 30)])
    shaken = np.stack([x + rng.normal(0, 0.8, 60), np.zeros(60)], 1)
    tracks, line = walks(shaken), (10, -9, 10, 9)
    assert len(crossing.crossings(tracks, line)) > 1
    assert [c.way for c in crossing.crossings(tracks, line, margin=3)] == ["right"]
    with pytest.raises(errors.InputError, match="margin"):
        crossing.Counter(line, margin=-1)


places = st.tuples(st.integers(-20, 20), st.integers(-20, 20))


@settings(max_examples=150, deadline=None)
@given(st.lists(places, min_size=2, max_size=12), places, places)
def test_crossings_are_the_intersections_of_segments(way, a, b):
    """Against the textbook's: each step's segment meets the line's, ends strictly apart."""
    if a == b:
        return
    # off the line's own places, so that no place lies on it
    way = [(x + 0.37, y + 0.21) for x, y in way]

    def turn(p, q, r):
        return np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    if any(turn(a, b, place) == 0 for place in way):
        return
    wanted = [
        number
        for number, (p, q) in enumerate(pairwise(way), 1)
        if p != q and turn(a, b, p) != turn(a, b, q) and turn(p, q, a) * turn(p, q, b) <= 0
    ]
    found = crossing.crossings(walks(way), (*a, *b))
    if any(turn(p, q, e) == 0 for p, q in pairwise(way) for e in (a, b)):
        return  # through an end of the line: rounding decides
    assert [c.frame for c in found] == wanted
    sides = {(turn(a, b, way[c.frame]), c.way) for c in found}
    assert len(sides) == len({way for _, way in sides}) == len({side for side, _ in sides})


@pytest.mark.parametrize("line", [None, (1, 2, 3), (1, 2, 1, 2), "line", (0, 0, np.nan, 1)])
def test_what_is_no_line(line):
    with pytest.raises(errors.InputError, match="line"):
        crossing.Counter(line)


def test_doctests():
    assert doctest.testmod(crossing).failed == 0


# ways


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_speed_is_the_slope_of_the_last_half_second(fps):
    ways = Ways(1.0)
    rng = np.random.default_rng(0)
    speeds = []
    for number in range(3 * fps):
        seconds = number / fps
        x, y = 30 * seconds + rng.normal(0, 0.3), 40 * seconds + rng.normal(0, 0.3)
        box = [x - 5, y - 5, x + 5, y + 5]
        tracks = Tracks([4], [box])
        speeds.append(float(ways.update(tracks, seconds)[0]))
        (trail,) = ways.trails(tracks, seconds)
        assert len(trail) == min(number, fps) + 1
        np.testing.assert_allclose(trail[-1], [x, y], rtol=1e-4)
    assert np.isnan(speeds[:2]).all()
    np.testing.assert_allclose(speeds[fps:], 50, atol=5)


def test_speeds_do_not_ask_for_even_times_and_exact_motion_is_exact():
    ways, seconds = Ways(0.0), 0.0
    for gap in (0.01, 0.1, 0.03, 0.2, 0.01):
        seconds += gap
        x = 100 * seconds
        speeds = ways.update(Tracks([1], [[x, 0, x + 4, 4]]), seconds)
    assert speeds[0] == pytest.approx(100, rel=1e-3)
    assert ways.update(Tracks.empty(), seconds).shape == (0,)


def test_the_past_is_forgotten():
    ways = Ways(0.5)
    for number in range(1000):
        ways.update(Tracks([number], [[0, 0, 5, 5]]), number / 10)
    assert len(ways._past) <= 7


# the record


def test_a_record_gives_back_what_was_added():
    clip = scenes.render(seed=2, frames=9, size=(60, 80), objects=3)
    record, tracks = Record(), [*from_truth(clip.truth), Tracks.empty()]
    for number, frame in enumerate(tracks):
        record.add(frame, number / 7, np.arange(len(frame), dtype=np.float32))
    assert len(record) == 10
    np.testing.assert_array_equal(record.seconds, np.arange(10) / 7)
    for number, wanted in enumerate(tracks):
        for name in ("ids", "boxes", "velocities", "labels", "scores", "ages"):
            np.testing.assert_array_equal(
                getattr(record[number], name), getattr(wanted, name), strict=True
            )
        np.testing.assert_array_equal(record.speeds(number), np.arange(len(wanted)))
    assert len(record[-1]) == 0
    assert [len(frame) for frame in record[2:4]] == [len(frame) for frame in tracks[2:4]]
    assert len(list(record)) == 10
    with pytest.raises(IndexError):
        record[10]


# threads


def test_ahead_keeps_the_order_and_never_runs_far():
    taken, far = [], []

    def source():
        for number in range(50):
            far.append(number - len(taken))
            yield number

    ahead = Ahead(source())
    for item in ahead:
        if item is not None:
            taken.append(item)
            time.sleep(0.001)
    assert taken == list(range(50))
    assert max(far) <= ROOM + 2
    assert ahead.close()


def test_an_error_comes_out_where_the_item_would():
    def source():
        yield 1
        raise errors.SourceError("gone")

    ahead, taken = Ahead(source()), []
    with pytest.raises(errors.SourceError, match="gone"):
        taken.extend(item for item in ahead if item)
    assert ahead.close()


def test_ahead_can_be_left_early_and_while_it_waits():
    gate = threading.Event()

    def source():
        yield 1
        gate.wait(20)
        yield 2

    ahead = Ahead(source())
    seen = []
    for item in ahead:
        seen.append(item)
        if item is None:
            break
    assert seen[0] == 1
    assert not ahead.close(0.05)  # it is inside its source
    gate.set()
    assert ahead.close(20)


def test_behind_does_all_in_order_and_tells_of_errors():
    done = []
    behind = Behind(lambda item: done.append(1 / item))
    for item in (1, 2, 4):
        behind.put(item)
    behind.close()
    assert done == [1, 0.5, 0.25]
    behind = Behind(lambda item: done.append(1 / item))
    behind.put(0)
    while behind._error is None:
        time.sleep(0.001)
    with pytest.raises(ZeroDivisionError):
        behind.put(1)
    with pytest.raises(ZeroDivisionError):
        behind.close()
    assert len(done) == 3
