"""What is read off tracks: how many, how fast, how long."""

import math

import numpy as np
import pytest
import sequences
from hypothesis import given, settings
from hypothesis import strategies as st
from sequences import A, B, frame, moved

from tracklab import errors, scenes
from tracklab.clips import Truth
from tracklab.metrics import counting
from tracklab.tracks import from_truth


def test_how_many_there_are():
    tracks = [frame((1, A)), frame((1, A), (2, B)), frame(), frame((3, B))]
    assert counting.per_frame(tracks).tolist() == [1, 2, 0, 1]
    assert counting.unique(tracks) == 3
    assert counting.unique(tracks, least=2) == 1
    assert counting.unique([]) == 0


def test_how_wrong_tracks_count():
    truth = [frame((1, A), (2, B))] * 4
    tracks = [
        frame((1, A)),
        frame((1, A), (2, B)),
        frame((3, A), (4, B), (5, [0, 0, 5, 5])),
        frame(),
    ]
    wrong = counting.count_errors(truth, tracks)
    assert (wrong.truth, wrong.tracks) == (2, 5)
    assert wrong.mean_absolute == pytest.approx((1 + 0 + 1 + 2) / 4)
    assert wrong.bias == pytest.approx((-1 + 0 + 1 - 2) / 4)
    assert wrong.exact == pytest.approx(1 / 4)
    assert counting.count_errors(truth, tracks, least=2).tracks == 1
    assert counting.count_errors([], []) == counting.CountErrors(0, 0, 0.0, 0.0, 1.0)


def test_an_even_walk():
    tracks = [frame((4, moved(A, 3 * t, 4 * t))) for t in range(11)]
    (one,) = counting.journeys(tracks, 25)
    assert (one.id, one.first, one.last, one.seen, one.dwell) == (4, 0, 10, 11, 11)
    assert one.seconds == pytest.approx(11 / 25)
    assert one.distance == one.displacement == pytest.approx(50)
    assert one.speed == pytest.approx(5)
    assert one.speed_per_second == pytest.approx(125)


def test_a_gap_is_bridged_by_a_straight_line():
    tracks = [
        frame((4, moved(A, 3 * t, 4 * t))) if t not in (3, 4, 5) else frame() for t in range(11)
    ]
    (one,) = counting.journeys(tracks, 25)
    assert (one.seen, one.dwell) == (8, 11)
    assert one.speed == pytest.approx(5)


def test_there_and_back():
    (one,) = counting.journeys([frame((1, moved(A, x))) for x in (0, 10, 20, 10, 0)], 10)
    assert (one.distance, one.displacement, one.speed) == (40, 0, 10)


def test_how_long_in_a_region():
    # the centre goes from x = 30 to x = 80 in steps of 5, unseen from the fifth to the seventh
    tracks = [frame((1, moved(A, 5 * t))) if t not in (4, 5, 6) else frame() for t in range(11)]
    (one,) = counting.journeys(tracks, 10, region=[40, 0, 70, 60])
    assert one.dwell == 6  # 40, 45, 50, 55, 60, 65
    assert one.seconds == pytest.approx(0.6)
    (two,) = counting.journeys(tracks, 10, region=[400, 0, 700, 60])
    assert two.dwell == 0


def test_one_frame_has_no_speed():
    (one,) = counting.journeys([frame((1, A))], 10)
    assert (one.dwell, one.distance) == (1, 0)
    assert math.isnan(one.speed)
    assert math.isnan(one.speed_per_second)
    assert counting.journeys([frame()], 10) == []


def test_truth_and_its_tracks_count_alike():
    truth = scenes.render(seed=1, frames=30, objects=4, size=(80, 100)).truth
    assert counting.journeys(truth, 25) == counting.journeys(from_truth(truth), 25)
    assert counting.per_frame(truth).tolist() == truth.present.sum(1).tolist()
    wrong = counting.count_errors(truth, from_truth(truth))
    assert (wrong.mean_absolute, wrong.exact) == (0, 1)
    assert wrong.truth == wrong.tracks == truth.present.any(0).sum()


@given(st.integers(0, sequences.RANDOM - 1))
@settings(max_examples=30, deadline=None)
def test_journeys_agree_with_counts(seed):
    _, tracks = sequences.random_case(seed)
    journeys = counting.journeys(tracks, 30)
    assert len(journeys) == counting.unique(tracks)
    assert [one.id for one in journeys] == sorted({one.id for one in journeys})
    assert sum(one.seen for one in journeys) == counting.per_frame(tracks).sum()
    for one in journeys:
        assert one.seen <= one.dwell == one.last - one.first + 1
        assert one.displacement <= one.distance + 1e-9


NAN_ONLY = Truth.from_boxes(np.full((3, 1, 4), np.nan, np.float32))


def test_who_is_never_there_is_not_counted():
    assert counting.unique(NAN_ONLY) == 0
    assert counting.journeys(NAN_ONLY, 25) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: counting.per_frame(frame((1, A))), "tracks"),
        (lambda: counting.unique([frame()], least=0), "least"),
        (lambda: counting.count_errors([frame()], []), "1 frames and tracks of 0"),
        (lambda: counting.journeys([frame()], 0), "fps"),
        (lambda: counting.journeys([frame()], math.nan), "fps"),
        (lambda: counting.journeys([frame()], 25, region=[5, 5, 5, 9]), "region"),
        (lambda: counting.journeys([A], 25), r"tracks\[0\]"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(errors.InputError, match=words):
        call()
