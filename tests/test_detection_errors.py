"""Mistakes: each kind by hand, everything in exactly one kind, and what repairs are worth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_detection_metrics import NAMES, random_case

from tracklab import errors
from tracklab.detections import Detections, Objects
from tracklab.metrics import detection
from tracklab.metrics import detection_errors as why

HERE, BESIDE_IT, AWAY = [10, 10, 50, 50], [60, 10, 100, 50], [200, 200, 240, 240]
HALF = [10, 10, 50, 25]  # IoU 0.375 with HERE
CASES = {  # detections (box, class), best first; objects; what the detections are, and the objects
    "right": ([(HERE, 0)], [(HERE, 0)], ["right"], ["found"]),
    "missed": ([], [(HERE, 0)], [], ["missed"]),
    "missed beside a background": ([(AWAY, 0)], [(HERE, 0)], ["background"], ["missed"]),
    "wrong class": ([(HERE, 1)], [(HERE, 0)], ["wrong class"], ["spoken for"]),
    "poor box": ([(HALF, 0)], [(HERE, 0)], ["poor box"], ["spoken for"]),
    "both": ([(HALF, 1)], [(HERE, 0)], ["wrong class and poor box"], ["missed"]),
    "duplicate": ([(HERE, 0), (HERE, 0)], [(HERE, 0)], ["right", "duplicate"], ["found"]),
    "an empty frame": ([(HERE, 0)], [], ["background"], []),
    "found, and once more with another class": (
        [(HERE, 0), (HERE, 1)],
        [(HERE, 0)],
        ["right", "wrong class"],
        ["found"],
    ),
    "a poor box of its own class before another class": (
        [(HALF, 0)],
        [(HERE, 0), (HALF, 1)],
        ["poor box"],
        ["spoken for", "missed"],
    ),
    "IoU of exactly 0.1 of its class": (
        [([0, 0, 10, 1], 0)],
        [([0, 0, 10, 10], 0)],
        ["poor box"],
        ["spoken for"],
    ),
    "IoU of exactly 0.1 of another": (
        [([0, 0, 10, 1], 1)],
        [([0, 0, 10, 10], 0)],
        ["background"],
        ["missed"],
    ),
    "IoU of exactly 0.5": ([([0, 0, 10, 5], 0)], [([0, 0, 10, 10], 0)], ["right"], ["found"]),
    "a point": ([([5, 5, 5, 5], 0)], [(HERE, 0)], ["background"], ["missed"]),
}


def frame(seen, there, ignored=None, scores=None):
    scores = np.linspace(0.9, 0.6, len(seen)) if scores is None else scores
    return (
        Detections([box for box, _ in seen], scores, [label for _, label in seen]),
        Objects([box for box, _ in there], [label for _, label in there], ignored),
    )


@pytest.mark.parametrize("name", CASES)
def test_each_kind_by_hand(name):
    seen, there, detections, objects = CASES[name]
    judged = why.verdicts(*frame(seen, there))
    assert list(judged.detections) == detections
    assert list(judged.objects) == objects


def test_every_kind_has_a_case():
    kinds = {kind for case in CASES.values() for kind in case[2] + case[3]}
    assert kinds == set(why.KINDS) | {"right", "found", "spoken for"}


def test_ignored_objects_are_nobodys_mistake():
    found, truth = frame([(HERE, 0), (HERE, 0), (HERE, 1)], [(HERE, 0)], ignored=[True])
    judged = why.verdicts(found, truth)
    assert judged.detections == ("ignored", "ignored", "background")
    assert judged.objects == ("ignored",)
    assert [mistake.kind for mistake in why.explain(found, truth)] == ["background"]


def test_a_mistake_says_what_it_is_about():
    seen = [(HERE, 0), (HERE, 0), (HALF, 1), (AWAY, 1)]
    there = [(HERE, 0), (BESIDE_IT, 1)]
    mistakes = why.explain(*frame(seen, there, scores=[0.9, 0.8, 0.7, 0.6]))
    assert [m.kind for m in mistakes] == [
        "missed",
        "duplicate",
        "wrong class and poor box",
        "background",
    ]
    missed, twice, both, nothing = mistakes
    assert (missed.object, missed.detection, missed.label) == (1, None, 1)
    assert missed.box.tolist() == BESIDE_IT
    assert (twice.object, twice.detection, twice.object_label) == (0, 1, 0)
    assert twice.overlap == pytest.approx(1)
    assert both.overlap == pytest.approx(0.375)
    assert both.box.tolist() == HALF
    assert (nothing.object, nothing.object_label, nothing.overlap) == (None, None, 0)
    assert [m.said(("cat", "dog")) for m in mistakes] == [
        "dog missed",
        "cat found twice (0.80)",
        "cat taken for dog, poor box, IoU 0.38 (0.70)",
        "dog where nothing is (0.60)",
    ]
    assert nothing.said() == "class 1 where nothing is (0.60)"


def test_a_least_score_hides_detections_but_says_what_they_would_have_found():
    found, truth = frame([(HERE, 0), (AWAY, 0)], [(HERE, 0)], scores=[0.3, 0.2])
    assert [m.kind for m in why.explain(found, truth)] == ["background"]
    (missed,) = why.explain(found, truth, score=0.5)
    assert missed.said(("cat",)) == "cat missed (seen with only 0.30)"
    wrong, truth = frame([(HERE, 1)], [(HERE, 0)], scores=[0.3])
    (missed,) = why.explain(wrong, truth, score=0.5)
    assert np.isnan(missed.score)
    assert missed.said(("cat",)) == "cat missed"


SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=40)


@FEW
@given(SEEDS, st.sampled_from([(0.5, 0.1), (0.7, 0.3), (0.5, 0.0), (0.5, 0.5), (1.0, 0.1)]))
def test_every_detection_and_object_is_in_one_kind(seed, limits):
    foreground, background = limits
    for found, truth in zip(*random_case(seed), strict=True):
        judged = why.verdicts(found, truth, foreground=foreground, background=background)
        assert len(judged.detections) == len(found)
        assert len(judged.objects) == len(truth)
        assert set(judged.detections) <= {"right", "ignored", *why.KINDS} - {"missed"}
        mistakes = why.explain(found, truth, foreground=foreground, background=background)
        wrong = [k for k, v in enumerate(judged.detections) if v not in ("right", "ignored")]
        assert [m.detection for m in mistakes if m.kind != "missed"] == wrong
        lost = [m for m, v in enumerate(judged.objects) if v == "missed"]
        assert [m.object for m in mistakes if m.kind == "missed"] == lost
        assert judged.detections.count("right") == judged.objects.count("found")
        assert [v == "ignored" for v in judged.objects] == truth.ignored.tolist()


@FEW
@given(SEEDS)
def test_right_and_wrong_are_those_of_average_precision(seed):
    found, truth = random_case(seed)
    line = detection.precision_recall(found, truth)
    judged = [why.verdicts(*one) for one in zip(found, truth, strict=True)]
    assert sum(v.detections.count("right") for v in judged) == line.hits.sum()
    beside = sum(v.detections.count("ignored") for v in judged)
    assert sum(map(len, found)) - beside == len(line)
    counts = why.count_kinds(found, truth)
    assert list(counts) == list(why.KINDS)
    assert sum(counts.values()) - counts["missed"] == (~line.hits).sum()


# --- repairs -------------------------------------------------------------------------------------

REPAIRED = ("missed", "wrong class", "poor box", "duplicate", "an empty frame")


def padded(name):
    """The case, and a frame in which class 0 and class 1 are found right, but less surely."""
    seen, there, *_ = CASES[name]
    case = frame(seen, there)
    plain = frame([(HERE, 0), (BESIDE_IT, 1)], [(HERE, 0), (BESIDE_IT, 1)], scores=[0.2, 0.1])
    return [[case[k], plain[k]] for k in (0, 1)]


@pytest.mark.parametrize("name", REPAIRED)
def test_the_repair_of_a_kind_leaves_none_of_it(name):
    kind = CASES[name][2][-1] if CASES[name][2] else "missed"
    found, truth = padded(name)
    assert why.count_kinds(found, truth)[kind] == 1
    fixed = why.oracle(found, truth, kind)
    assert sum(why.count_kinds(*fixed).values()) == 0
    gain = why.cost(found, truth)
    after = detection.average_precision(*fixed)
    assert after == pytest.approx(1)
    assert gain[kind] == pytest.approx(1 - detection.average_precision(found, truth))
    assert gain[kind] > 0.05
    assert sum(value != 0 for value in gain.values()) == 1


def test_of_two_repairs_of_one_object_the_surer_stays():
    found, truth = frame([(HERE, 1), (HALF, 0), (HERE, 1)], [(HERE, 0)])
    (fixed,), _ = why.oracle([found], [truth], "wrong class")
    assert fixed.labels.tolist() == [0, 0]
    assert fixed.boxes.tolist() == [HERE, HALF]
    (fixed,), _ = why.oracle([found], [truth], "poor box")
    assert fixed.boxes.tolist() == [HERE] * 3
    taken, truth = frame([(HERE, 0), (HERE, 1)], [(HERE, 0)])
    (fixed,), _ = why.oracle([taken], [truth], "wrong class")
    assert fixed.labels.tolist() == [0]


@FEW
@given(SEEDS)
def test_repairs_that_only_take_away_mistakes_never_harm(seed):
    found, truth = random_case(seed)
    gains = why.cost(found, truth)
    assert list(gains) == list(why.KINDS)
    for kind in ("duplicate", "background", "wrong class and poor box"):
        assert gains[kind] >= -1e-12
    assert max(gains.values()) <= 1


@FEW
@given(SEEDS, st.sampled_from(sorted(why.KINDS)))
def test_repairs_keep_what_was_right(seed, kind):
    found, truth = random_case(seed)
    copies = [f.boxes.copy() for f in found]
    fixed, there = why.oracle(found, truth, kind)
    for f, copy in zip(found, copies, strict=True):
        np.testing.assert_array_equal(f.boxes, copy)
    for before, after, t, left in zip(found, fixed, truth, there, strict=True):
        assert len(after) <= len(before)
        assert len(left) == len(t) or kind == "missed"
        right = why.verdicts(before, t).detections.count("right")
        assert why.verdicts(after, left).detections.count("right") >= right


def test_what_is_perfect_gains_nothing():
    found, truth = frame([(HERE, 0)], [(HERE, 0)])
    assert set(why.cost([found], [truth]).values()) == {0.0}
    assert set(why.cost([Detections.empty()], [Objects.empty()]).values()) == {0.0}
    assert set(why.cost([], []).values()) == {0.0}


# --- the worst frames ----------------------------------------------------------------------------


def test_the_worst_frames_come_first_each_with_its_reason():
    frames = [
        frame([(HERE, 0)], [(HERE, 0)]),
        frame([(AWAY, 0)], [], scores=[0.7]),
        frame([(HERE, 1)], [(HERE, 0), (BESIDE_IT, 1)], scores=[0.8]),
        frame([(AWAY, 0)], [], scores=[0.4]),  # not sure enough to count
        frame([], [(HERE, 0)]),
    ]
    found, truth = [f for f, _ in frames], [t for _, t in frames]
    worst = why.worst(found, truth, class_names=("cat", "dog"))
    assert [one.frame for one in worst] == [2, 4, 1]
    np.testing.assert_allclose([one.damage for one in worst], [1.8, 1.0, 0.7], atol=1e-6)
    assert [one.reason for one in worst] == [
        "dog missed; also 1 wrong class",
        "cat missed",
        "cat where nothing is (0.70)",
    ]
    assert [len(one.mistakes) for one in worst] == [2, 1, 1]
    assert [one.frame for one in why.worst(found, truth, count=1)] == [2]
    assert why.worst(found, truth, count=0) == []
    assert [one.frame for one in why.worst(found, truth, score=0.3)] == [2, 4, 1, 3]
    assert why.worst([], []) == []


@FEW
@given(SEEDS)
def test_damage_falls_and_every_reason_names_a_kind(seed):
    found, truth = random_case(seed)
    worst = why.worst(found, truth, 99, class_names=NAMES)
    damage = [one.damage for one in worst]
    assert damage == sorted(damage, reverse=True)
    assert len({one.frame for one in worst}) == len(worst)
    for one in worst:
        assert one.damage == pytest.approx(sum(m.weight for m in one.mistakes))
        assert any(one.reason.startswith(m.said(NAMES)) for m in one.mistakes)


def test_scores_of_any_scale_weigh_from_0_to_1():
    found, truth = frame([(AWAY, 0), (AWAY, 0)], [], scores=[50.0, -3.0])
    (one,) = why.worst([found], [truth], score=-99)
    assert one.damage == 1


# --- bad input -----------------------------------------------------------------------------------

GOOD = frame([(HERE, 0)], [(HERE, 0)])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: why.worst([GOOD[0]] * 2, [GOOD[1]]), "2 frames and truth of 1"),
        (lambda: why.worst(*GOOD), "one Detections, wanted a list"),
        (lambda: why.cost(*GOOD), "one Detections, wanted a list"),
        (lambda: why.explain([GOOD[0]], [GOOD[1]]), r"found\[0\]: got a list"),
        (lambda: why.explain(GOOD[1], GOOD[0]), r"found\[0\]"),
        (lambda: why.explain(*GOOD, foreground=2), "foreground"),
        (lambda: why.explain(*GOOD, background=0.6), "background"),
        (lambda: why.explain(*GOOD, score="high"), "score"),
        (lambda: why.worst([GOOD[0]], [GOOD[1]], count=-1), "count"),
        (lambda: why.worst([GOOD[0]], [GOOD[1]], class_names=()), "class 0, wanted"),
        (lambda: why.worst([GOOD[0]], [GOOD[1]], class_names="cat"), "class_names"),
        (lambda: why.oracle([GOOD[0]], [GOOD[1]], "typo"), "kind"),
        (lambda: why.count_kinds([GOOD[0]], []), "1 frames and truth of 0"),
    ],
)
def test_bad_input(call, named):
    with pytest.raises(errors.InputError, match=named):
        call()
