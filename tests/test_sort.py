"""SORT: who is who, held to what a tracker of many objects must never do, and to small stories."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, motion, trackers
from tracklab.detections import Detections
from tracklab.trackers import association
from tracklab.trackers.sort import SortTracker


def found(boxes, labels=None, scores=None):
    boxes = np.float32(boxes).reshape(-1, 4)
    count = len(boxes)
    return Detections(
        boxes,
        np.ones(count) if scores is None else scores,
        np.zeros(count, int) if labels is None else labels,
    )


def line(start, velocity, frames, side=20.0):
    """Boxes `(T, 4)` of an object on a straight path."""
    middles = np.float32(start) + np.arange(frames)[:, None] * np.float32(velocity)
    return np.concatenate([middles - side / 2, middles + side / 2], axis=1)


def followed(tracker, frames):
    return [tracker.update(each) for each in frames]


# association


def best_by_trying(gains, allowed):
    """The largest sum of gains over all ways to pair rows with columns."""
    rows, columns = gains.shape
    best = 0.0
    for picks in itertools.product([None, *range(columns)], repeat=rows):
        taken = [pick for pick in picks if pick is not None]
        if len(taken) == len(set(taken)):
            chosen = [(i, j) for i, j in enumerate(picks) if j is not None and allowed[i, j]]
            best = max(best, sum(gains[i, j] for i, j in chosen))
    return best


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 10_000))
@settings(max_examples=60)
def test_assignment_is_the_best_of_all_within_the_gate(rows, columns, seed):
    rng = np.random.default_rng(seed)
    gains = rng.random((rows, columns)).round(2)
    allowed = rng.random((rows, columns)) < 0.7
    pairs = association.assign(gains, allowed)
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)
    assert all(allowed[i, j] and gains[i, j] > 0 for i, j in pairs)
    assert sum(gains[i, j] for i, j in pairs) == pytest.approx(best_by_trying(gains, allowed))


def test_a_pair_outside_the_gate_takes_nobodys_place():
    # With -IoU as the cost and the gate applied afterwards, as SORT's code does, row 0 gets
    # column 1 (0.15), which is then thrown away.
    boxes = found([[0, 0, 10, 10], [100, 0, 110, 10]]).boxes
    same = np.ones((2, 2), bool)
    step = association.by_overlap(boxes, boxes[::-1], same, least=0.3)
    assert step.pairs.tolist() == [[0, 1], [1, 0]]
    assert not step.allowed[0, 0]


def test_distance_is_counted_in_deviations_and_sizes_must_agree():
    predicted = found([[0, 0, 10, 10]]).boxes
    there = found([[30, 0, 40, 10], [0, 30, 10, 40], [3, 3, 43, 43]]).boxes
    same = np.ones((1, 3), bool)
    wide = association.by_distance(predicted, np.float32([[20, 5]]), there, same)
    assert wide.allowed.tolist() == [[True, False, False]]  # 1.5 deviations, 6, four times as large
    assert wide.gains[0, 0] == pytest.approx(association.GATE_99 - 1.5**2)
    narrow = association.by_distance(predicted, np.float32([[5, 5]]), there, same)
    assert not narrow.pairs.size


def test_the_gate_holds_99_percent_of_a_gaussian():
    draws = np.random.default_rng(0).normal(size=(200_000, 2))
    assert ((draws**2).sum(1) < association.GATE_99).mean() == pytest.approx(0.99, abs=1e-3)


# stories


@pytest.mark.parametrize("model", motion.NAMES)
def test_two_that_pass_each_other_keep_their_identities(model):
    ways = [line((20, 40), (3, 0), 40), line((137, 60), (-3, 0), 40)]
    tracker = SortTracker(model)
    tracks = followed(tracker, [found([way[t] for way in ways]) for t in range(40)])
    assert all(each.ids.tolist() == [1, 2] for each in tracks)
    ends = dict(zip(tracks[-1].ids, tracks[-1].boxes, strict=True))
    for identity, way in zip((1, 2), ways, strict=True):
        np.testing.assert_allclose(ends[identity], way[-1], atol=4)
    assert tracks[-1].ages.tolist() == [39, 39]
    if model != "none":
        np.testing.assert_allclose(tracks[-1].velocities[:, 0], [3, -3], atol=1.2)


@pytest.mark.parametrize("model", ["kalman", "lstm"])
def test_an_object_is_found_again_after_a_gap(model):
    way = line((20, 40), (4, 1), 40)
    frames = [found(way[t]) if not 15 <= t < 23 else Detections.empty() for t in range(40)]
    tracks = followed(SortTracker(model), frames)
    assert {i for each in tracks for i in each.ids} == {1}
    assert [len(each) for each in tracks[13:25]] == [1] * 2 + [0] * 8 + [1] * 2
    shown = followed(SortTracker(model, coast=8), frames)
    assert all(each.ids.tolist() == [1] for each in shown)
    # a prediction: behind, as velocities fade, but nearer than where it was last seen (33 pixels)
    assert np.abs(shown[22].boxes[0] - way[22]).max() < 16


def test_after_too_long_a_gap_it_is_somebody_new():
    way = line((20, 40), (0, 0), 30)
    frames = [found(way[t]) if not 10 <= t < 16 else Detections.empty() for t in range(30)]
    tracks = followed(SortTracker(patience=5), frames)
    assert {i for each in tracks for i in each.ids} == {1, 2}
    assert {i for each in followed(SortTracker(patience=6), frames) for i in each.ids} == {1}


def test_a_false_alarm_begins_no_track_and_a_weak_one_only_continues():
    way = line((20, 40), (2, 0), 20)
    frames = [found(box) for box in way]
    frames[8] = found([way[8], [100, 100, 120, 120]])
    tracks = followed(SortTracker(), frames)
    assert {i for each in tracks for i in each.ids} == {1}
    faint = [found(way[t], scores=[0.9 if t < 5 else 0.2]) for t in range(20)]
    assert all(len(each) == 1 for each in followed(SortTracker(birth=0.5), faint))
    assert not any(map(len, followed(SortTracker(birth=0.95), faint)))


def test_only_a_detection_of_its_class_continues_a_track():
    way = line((20, 40), (0, 0), 12)
    frames = [found(way[t], labels=[0 if t < 6 else 1]) for t in range(12)]
    tracks = followed(SortTracker(), frames)
    assert {(i, k) for each in tracks for i, k in zip(each.ids, each.labels, strict=True)} == {
        (1, 0),
        (2, 1),
    }
    alike = followed(SortTracker(by_class=False), frames)
    assert {i for each in alike for i in each.ids} == {1}


def test_the_look_over_the_shoulder_says_what_was_decided():
    way = line((20, 40), (3, 0), 10)
    tracker = SortTracker()
    followed(tracker, [found(box) for box in way[:5]])
    tracker.update(found([way[5], [100, 100, 130, 130]]))
    seen = tracker.decided
    assert seen.ids.tolist() == [1]
    assert seen.overlap.gains.shape == (1, 2)
    assert seen.overlap.pairs.tolist() == [[0, 0]]
    assert seen.born.tolist() == [2]
    tracker.update(Detections.empty())
    assert tracker.decided.died.tolist() == [2]  # it missed a frame before it was believed


# laws


def stories(seed, frames=25, objects=5):
    """Noisy detections of objects that come, go and are missed now and then."""
    rng = np.random.default_rng(seed)
    ways = [line(rng.uniform(0, 120, 2), rng.uniform(-4, 4, 2), frames) for _ in range(objects)]
    said = []
    for t in range(frames):
        there = [way[t] + rng.normal(0, 1, 4) for way in ways if rng.random() < 0.8]
        false = [[x, y, x + 15, y + 15] for x, y in rng.uniform(0, 100, (rng.poisson(0.5), 2))]
        boxes = np.float32([*there, *false]).reshape(-1, 4)
        said.append(
            found(boxes, labels=rng.integers(0, 2, len(boxes)), scores=rng.random(len(boxes)))
        )
    return said


@given(st.integers(0, 10_000), st.sampled_from(["none", "kalman", "gru"]))
@settings(max_examples=25)
def test_identities_are_given_once_and_never_again(seed, model):
    tracker = SortTracker(model, patience=4)
    began, ended = {}, set()
    for t, detections in enumerate(stories(seed)):
        tracks = tracker.update(detections)
        decided = tracker.decided
        assert len(set(tracks.ids)) == len(tracks)
        assert not ended & set(tracks.ids.tolist())
        assert not set(decided.born) & set(began)
        ended |= set(decided.died.tolist())
        began |= dict.fromkeys(decided.born.tolist(), t)
        assert [t - began[i] for i in tracks.ids.tolist()] == tracks.ages.tolist()
        # every detection continues a track or begins one
        _, columns = decided.left
        used = [*decided.overlap.pairs[:, 1], *columns[decided.distance.pairs[:, 1]]]
        assert len(used) == len(set(used))
        assert len(used) + len(decided.born) == len(decided.found) == len(detections)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_two_trackers_share_nothing(seed):
    story, other = stories(seed), stories(seed + 1)
    alone = followed(SortTracker(), story)
    first, second = SortTracker(), SortTracker()
    for k, (mine, theirs) in enumerate(zip(story, other, strict=True)):
        tracks = first.update(mine)
        second.update(theirs)
        np.testing.assert_array_equal(tracks.ids, alone[k].ids)
        np.testing.assert_array_equal(tracks.boxes, alone[k].boxes)


def test_frames_without_anything_are_frames():
    tracker = SortTracker()
    assert [len(tracker.update(Detections.empty())) for _ in range(3)] == [0, 0, 0]
    assert tracker.frames == 3


def test_hundreds_of_detections_are_all_followed():
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(np.arange(20) * 30.0, np.arange(20) * 30.0), -1).reshape(-1, 2)
    tracker = SortTracker()
    for _ in range(4):
        moved = corners + rng.normal(0, 0.5, corners.shape)
        tracks = tracker.update(found(np.concatenate([moved, moved + 20], 1)))
    assert len(tracks) == 400
    assert set(tracks.ids) == set(range(1, 401))


@pytest.mark.parametrize("model", motion.NAMES)
def test_slivers_at_the_border_end_nothing(model):
    tracker = SortTracker(model)
    sliver = [np.nextafter(np.float32(256), np.float32(0)), 10, 256, 40]
    for _ in range(3):
        tracks = tracker.update(found([sliver, [10, 10, 30, 30]]))
        assert [10, 10] in np.round(tracks.boxes[:, :2]).tolist()


def test_trackers_may_be_given_the_same_model():
    shared = motion.create("kalman")
    first, second = SortTracker(shared), SortTracker(shared)
    first.update(found([[0, 0, 9, 9], [20, 20, 40, 40]]))
    assert len(second.update(found([[0, 0, 9, 9]]))) == 1
    assert len(shared) == 0


def test_scores_are_those_of_the_last_detection():
    way = line((20, 40), (1, 0), 3)
    tracks = followed(SortTracker(), [found(way[t], scores=[0.3 + 0.2 * t]) for t in range(3)])
    assert [each.scores[0].item() for each in tracks] == pytest.approx([0.3, 0.5, 0.7])


@pytest.mark.parametrize(
    ("what", "again"),
    [({}, True), ({"labels": [1]}, False), ({"side": 8.0}, False), ({"side": 44.0}, False)],
)
def test_after_a_gap_class_and_size_must_agree(what, again):
    # seen again 25 pixels beside the prediction: beyond its box, within what it thinks possible
    way = line((60, 60), (0, 0), 8)
    labels, side = what.get("labels"), what.get("side", 20.0)
    back = line((85, 60), (0, 0), 1, side=side)
    frames = [found(box) for box in way] + [Detections.empty()] * 12 + [found(back, labels=labels)]
    tracker = SortTracker("none")
    followed(tracker, frames)
    assert bool(len(tracker.decided.distance.pairs)) == again


def test_whoever_was_seen_a_frame_ago_is_not_looked_for_far_away():
    tracker = SortTracker("none")
    followed(tracker, [found(box) for box in line((60, 60), (0, 0), 8)])
    tracker.update(found(line((85, 60), (0, 0), 1)))
    assert not len(tracker.decided.distance.pairs)
    assert tracker.decided.born.tolist() == [2]


def test_boxes_without_area_are_left_out():
    tracker = SortTracker()
    tracks = tracker.update(found([[5, 5, 5, 9], [10, 10, 30, 30]]))
    assert tracks.boxes.shape == (1, 4)


def test_sort_has_the_front_door_of_all_trackers():
    assert isinstance(trackers.create("sort"), SortTracker)
    assert trackers.create("rnn-sort").model.name == "lstm"
    assert trackers.create("rnn-sort", patience=3).patience == 3
    with pytest.raises(errors.InputError, match="options of 'sort'"):
        trackers.create("sort", speed=3)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "warp"},
        {"model": 3},
        {"least": 2},
        {"patience": -1},
        {"patience": 1.5},
        {"proof": 0},
        {"coast": 31},
        {"birth": np.nan},
        {"by_class": "no"},
    ],
)
def test_options_out_of_range_are_refused(options):
    name = "name" if options.get("model") == "warp" else next(iter(options))
    with pytest.raises(errors.InputError, match=name):
        SortTracker(**options)


def test_what_is_no_detection_is_refused():
    tracker = SortTracker()
    for given_ in (None, [[0, 0, 1, 1]], np.zeros((2, 4))):
        with pytest.raises(errors.InputError, match="detections"):
            tracker.update(given_)
    busy = motion.create("kalman")
    busy.start([[0, 0, 5, 5]])
    with pytest.raises(errors.InputError, match="follows nobody"):
        SortTracker(busy)
    with pytest.raises(errors.InputError, match="size"):
        SortTracker(motion.create("kalman"), size=(10, 10))
