"""Metrics of one object: equal to the published toolkit, to the definitions, and lawful."""

import doctest
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import single_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import SHARED, needs_real_data

from tracklab import errors, video
from tracklab.clips import Truth
from tracklab.metrics import single
from tracklab.metrics.single import frames, judge, losing, otb, pooled

ANSWERS = json.loads(single_cases.ANSWERS.read_text())
CASES = single_cases.cases()
BOX = [10.0, 20, 30, 40]
AWAY = [500.0, 500, 520, 520]
NOTHING = [math.nan] * 4


def ours(name):
    pred, truth = CASES[name]
    return single_cases.corners(pred), single_cases.corners(truth)


def moved(box, x, y=0):
    return [box[0] + x, box[1] + y, box[2] + x, box[3] + y]


# --- the published toolkit, by its stored answers -------------------------------------------------


def test_the_answers_are_about_these_cases():
    assert ANSWERS["evaluator"] == "got10k 0.1.3"
    assert ANSWERS["stamp"] == single_cases.stamp(CASES), (
        "run `python -m benchmarks.single --write`"
    )
    assert set(ANSWERS["success"]) == set(CASES)
    assert len(ANSWERS["got10k"]) > 40


@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_published(name):
    pair, frames = ours(name), len(CASES[name][0])
    success = single.success_curve(*pair, missing=single.MISSED)
    precision = single.precision_curve(*pair, missing=single.MISSED)
    np.testing.assert_allclose(success * frames, ANSWERS["success"][name], atol=1e-9)
    np.testing.assert_allclose(precision * frames, ANSWERS["precision"][name], atol=1e-9)
    if name in ANSWERS["got10k"]:
        seen = single_cases.seen(name)
        figures = single.got10k(*pair, size=single_cases.SIZE, visibility=seen)
        assert [figures.ao, figures.sr50] == pytest.approx(ANSWERS["got10k"][name], abs=1e-11)


# --- the definitions, frame by frame, with nothing of ours ----------------------------------------


def by_the_book(pred, truth, reference):
    """Success, precision and normalized precision of xywh, as each reference goes about it."""
    pred, truth = [[float(v) for v in row] for row in pred], [[float(v) for v in t] for t in truth]
    no = math.isnan
    if reference != "toolkit":  # Matlab and pytracking say once more what was said before
        for t in range(1, len(pred)):
            nothing = any(map(no, pred[t])) or pred[t][2] <= 0 or pred[t][3] <= 0
            if nothing and not any(map(no, truth[t])):
                pred[t] = pred[t - 1]
    pred[0] = truth[0]
    rows = []
    for (px, py, pw, ph), (x, y, w, h) in zip(pred, truth, strict=True):
        valid = not no(x)
        if reference == "matlab":
            valid = valid and x > 0 and y > 0 and w > 0 and h > 0
        elif reference == "pytracking":
            valid = valid and w > 0 and h > 0
        if not valid:
            if reference == "matlab":
                rows.append((-1.0, -1.0, -1.0))
            elif reference == "toolkit":
                rows.append((-1.0, math.inf, math.inf))
            continue
        if no(px):
            rows.append((-1.0, math.inf, math.inf))
            continue
        wide = max(0, min(px + pw, x + w) - max(px, x))
        high = max(0, min(py + ph, y + h) - max(py, y))
        union = pw * ph + w * h - wide * high
        dx = px + (pw - 1) / 2 - (x + (w - 1) / 2)
        dy = py + (ph - 1) / 2 - (y + (h - 1) / 2)
        overlap = min(wide * high / union, 1.0)  # x + w - x is not always w
        rows.append((overlap, math.hypot(dx, dy), math.hypot(dx / w, dy / h)))
    return [
        [sum(row[0] > k / 20 for row in rows) / len(rows) for k in range(21)],
        [sum(row[1] <= k for row in rows) / len(rows) for k in range(51)],
        [sum(row[2] <= k / 100 for row in rows) / len(rows) for k in range(51)],
    ]


REFERENCES = {
    "toolkit": {"missing": single.MISSED, "silent": single.MISSED},
    "matlab": {"missing": single.HIT, "silent": single.HELD},
    "pytracking": {"missing": single.DROPPED, "silent": single.HELD},
}
RANDOM = [f"random {seed}" for seed in range(single_cases.RANDOM)]


@pytest.mark.parametrize("reference", REFERENCES)
def test_equal_to_each_reference_by_its_rules(reference):
    rules = REFERENCES[reference]
    for name in [*RANDOM, "truth is missing", "said nothing", "boxes without an area"]:
        book = by_the_book(*CASES[name], reference)
        pair = ours(name)
        for curve, there in zip(
            (
                single.success_curve(*pair, **rules),
                single.precision_curve(*pair, **rules),
                single.normalized_precision_curve(*pair, **rules),
            ),
            book,
            strict=True,
        ):
            np.testing.assert_allclose(curve, there, atol=1e-12, err_msg=name)


def test_the_references_differ_where_truth_is_missing():
    right, blank = ours("truth is missing")
    aucs = {
        (
            single.success_auc(right, blank, missing=rule),
            single.precision_at(right, blank, 0, missing=rule),
        )
        for rule in (single.DROPPED, single.MISSED, single.HIT)
    }
    assert len(aucs) == 3


def test_what_is_followed_unless_something_else_is_said():
    truth = [BOX, NOTHING, BOX, BOX]
    pred = [BOX, AWAY, NOTHING, BOX]
    assert single.precision_at(pred, truth) == pytest.approx(2 / 3)  # dropped, and missed
    assert single.precision_at(pred, truth, silent=single.HELD) == pytest.approx(2 / 3)
    assert single.precision_at(pred, truth, missing=single.MISSED) == pytest.approx(2 / 4)
    assert single.precision_at(pred, truth, missing=single.HIT) == pytest.approx(3 / 4)
    held = [BOX, BOX, NOTHING, BOX]
    assert single.precision_at(held, truth, silent=single.HELD) == 1


# --- OTB, by hand ---------------------------------------------------------------------------------


def test_a_perfect_tracker_scores_twenty_of_twenty_one():
    assert single.success_auc([BOX] * 9, [BOX] * 9) == pytest.approx(20 / 21)
    assert single.success_curve([BOX], [BOX]).tolist() == [1.0] * 20 + [0.0]
    assert single.normalized_precision_auc([BOX] * 9, [BOX] * 9) == 1


def test_thresholds():
    np.testing.assert_allclose(single.OVERLAPS, [k / 20 for k in range(21)])
    assert single.PIXELS.tolist() == list(range(51))
    np.testing.assert_allclose(single.SHARES, [k / 100 for k in range(51)])


def test_success_exceeds_and_precision_reaches_its_threshold():
    truth = [[0, 0, 20, 20]] * 2
    half = [[0, 0, 20, 20], [0, 0, 20, 10]]  # overlap one half: success at 0.45, not at 0.5
    assert single.success_curve(half, truth)[[9, 10]].tolist() == [1.0, 0.5]
    off = [[0, 0, 20, 20], [12, 16, 32, 36]]  # 20 pixels
    assert single.precision_at(off, truth, 20) == 1
    assert single.precision_at(off, truth, 19.99) == 0.5
    assert single.precision_curve(off, truth)[[19, 20]].tolist() == [0.5, 1.0]
    across = [[0, 0, 20, 20], [4, 0, 24, 20]]  # a fifth of its width
    assert single.normalized_precision_at(across, truth) == 1
    assert single.normalized_precision_curve(across, truth)[[19, 20]].tolist() == [0.5, 1.0]


def test_normalized_precision_measures_each_axis_by_its_own_size():
    truth = [[0, 0, 100, 10]] * 3
    pred = [truth[0], moved(truth[0], 20), moved(truth[0], 0, 2.5)]
    assert single.normalized_precision_at(pred, truth, 0.2) == pytest.approx(2 / 3)
    assert single.normalized_precision_at(pred, truth, 0.25) == 1


def test_the_first_frame_counts_as_given():
    truth = [BOX, BOX]
    for first in (AWAY, NOTHING):
        assert single.precision_at([first, AWAY], truth) == 0.5
        assert single.success_curve([first, AWAY], truth)[0] == 0.5
    # where the object comes later, it is given later
    late = [NOTHING, BOX, BOX]
    assert single.precision_at([NOTHING, AWAY, AWAY], late) == 0.5


def test_pixels_may_count_from_anywhere():
    pred, truth = ours("random 0")
    for curve in (single.success_curve, single.precision_curve, single.normalized_precision_curve):
        np.testing.assert_array_equal(curve(pred + 1, truth + 1), curve(pred, truth))


def test_a_box_of_truth_without_an_area_is_no_truth():
    flat = [BOX, [5, 5, 5, 9], BOX]
    assert single.precision_at([BOX, AWAY, BOX], flat) == 1
    assert single.compare([BOX] * 3, flat).counted.tolist() == [True, False, True]


# --- GOT-10k --------------------------------------------------------------------------------------


def test_got10k_by_hand():
    truth = [[0, 0, 20, 20]] * 4 + [NOTHING]
    pred = [AWAY, [0, 0, 20, 20], [0, 0, 20, 10], [0, 0, 20, 16], [0, 0, 1, 1]]
    figures = single.got10k(pred, truth)
    assert len(figures) == 3  # neither the first nor where the object is absent
    assert figures.ao == pytest.approx((1 + 0.5 + 0.8) / 3)
    assert (figures.sr50, figures.sr75) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert figures.success_rate(0.8) == pytest.approx(1 / 3)
    assert figures.curve[[0, 50, 100]] == pytest.approx([1, 2 / 3, 0])


def test_got10k_cuts_to_the_picture_and_changes_nothing():
    truth = np.array([BOX, [80.0, 80, 120, 120]])
    pred = np.array([BOX, [80.0, 80, 140, 140]])
    kept = truth.copy(), pred.copy()
    assert single.got10k(pred, truth, size=(100, 100)).ao == 1
    assert single.got10k(pred, truth).ao == pytest.approx(1600 / 3600)
    np.testing.assert_array_equal(truth, kept[0])
    np.testing.assert_array_equal(pred, kept[1])


def test_got10k_drops_what_nobody_sees_and_counts_what_was_not_said():
    truth = [BOX] * 4
    pred = [BOX, AWAY, NOTHING, BOX]
    assert single.got10k(pred, truth).ao == pytest.approx(1 / 3)
    assert single.got10k(pred, truth, visibility=[1, 0, 0.1, 1]).ao == pytest.approx(1 / 2)


def test_got10k_of_one_frame_knows_nothing():
    alone = single.got10k([BOX], [BOX])
    assert len(alone) == 0
    assert math.isnan(alone.ao)
    assert math.isnan(alone.sr50)


def test_pooled_frames_weigh_the_same():
    long = single.got10k([BOX] * 10, [BOX] * 10)
    short = single.got10k([BOX, AWAY], [BOX, BOX])
    assert single.pool([long, short]).ao == pytest.approx(9 / 10)
    with pytest.raises(errors.InputError, match="parts"):
        single.pool([])


# --- losing ---------------------------------------------------------------------------------------


def way(text):
    """A prediction and a truth: `o` on it, `x` off it, `?` no truth, `.` nothing said."""
    said = {"o": BOX, "x": AWAY, "?": AWAY, ".": NOTHING}
    return [said[one] for one in text], [NOTHING if one == "?" else BOX for one in text]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("oooooo", []),
        ("ooxxxo", [(2, 5)]),
        ("ooxxoo", []),  # a slip of two
        ("ooxxxx", [(2, None)]),
        ("ooooxx", []),  # ends before it is known
        ("oo...o", [(2, 5)]),
        ("oox?x?xoo", [(2, 7)]),  # without truth nothing is known
        ("oox??xo", []),
        ("ooxxx??", [(2, None)]),
        ("oxxxoxxxxo", [(1, 4), (5, 9)]),
        ("xxxxo", [(1, 4)]),  # the first frame is given
    ],
)
def test_losses_by_hand(text, found):
    losses = single.losses(*way(text), frames=3)
    assert losses == found
    assert single.lost_at(*way(text), frames=3) == (found[0] if found else None)


def test_an_overlap_up_to_the_threshold_is_a_miss():
    truth = [[0, 0, 20, 20]] * 12
    quarter = [[0, 0, 20, 20]] + [[0, 0, 20, 5]] * 11
    assert single.lost_at(quarter, truth, iou=0.25) == (1, None)
    assert single.lost_at(quarter, truth, iou=0.24) is None
    assert single.lost_at(quarter, truth, iou=0.25, frames=12) is None


# --- several sequences, attributes, speed ---------------------------------------------------------


def test_sequences_weigh_the_same_however_long():
    good, bad = ([BOX] * 100, [BOX] * 100), ([BOX] + [AWAY] * 3, [BOX] * 4)
    results = single.evaluate_all({"good": good, "bad": bad})
    assert results.combined.p20 == pytest.approx((1 + 0.25) / 2)
    assert results.combined.auc == pytest.approx((20 / 21) * (1 + 0.25) / 2)
    assert results.combined.ao == pytest.approx(99 / 102)  # GOT-10k pools
    assert (results.combined.frames, results.combined.sequences) == (104, 2)
    assert results.figures("P20") == {"good": 1, "bad": 0.25}
    by_number = single.evaluate_all([good, bad])
    assert list(by_number.parts) == ["sequence 1", "sequence 2"]


def test_combining_in_steps_changes_nothing():
    parts = [single.evaluate(*ours(name)) for name in RANDOM[:5]]
    at_once = single.combine(parts)
    in_steps = single.combine([single.combine(parts[:2]), single.combine(parts[2:])])
    for name, value in at_once.as_dict().items():
        assert in_steps.as_dict()[name] == pytest.approx(value, nan_ok=True)


def test_attributes():
    tags = {"a": ("occlusion", "rotation"), "b": ("rotation",), "c": ()}
    results = single.evaluate_all(
        {
            name: single.evaluate([BOX, AWAY if name == "a" else BOX], [BOX] * 2, attributes=tag)
            for name, tag in tags.items()
        }
    )
    rows = results.by_attribute()
    assert list(rows) == ["occlusion", "rotation"]
    assert [row.sequences for row in rows.values()] == [1, 2]
    assert [row.p20 for row in rows.values()] == [0.5, 0.75]
    assert rows["rotation"].attributes == ("rotation",)
    assert results.combined.attributes == ()


def test_speed_leaves_out_the_start_and_the_first_update():
    seconds, cpu = [9, 9, 0.1, 0.1, 0.2], [9, 9, 0.2, 0.2, 0.4]
    result = single.evaluate([BOX] * 5, [BOX] * 5, seconds=seconds, cpu_seconds=cpu)
    assert result.frames_per_second == pytest.approx(3 / 0.4)
    assert result.cpu_ms == pytest.approx(1000 * 0.8 / 3)
    unknown = single.evaluate([BOX] * 5, [BOX] * 5)
    assert math.isnan(unknown.frames_per_second)
    assert math.isnan(unknown.cpu_ms)
    both = single.combine([result, unknown, result])
    assert both.frames_per_second == pytest.approx(3 / 0.4)
    short = single.evaluate([BOX] * 2, [BOX] * 2, seconds=[1, 1])
    assert math.isnan(short.frames_per_second)
    assert single.combine([result, short]).frames_per_second == pytest.approx(3 / 0.4)


def test_a_track_and_a_truth_are_taken_as_they_are():
    boxes = np.array([BOX, BOX, BOX, AWAY], np.float32)
    seen = np.array([[1], [1], [0.5], [0]], np.float32)
    truth = Truth.from_boxes(np.array([BOX] * 4, np.float32)[:, None], visibility=seen)
    track = SimpleNamespace(boxes=boxes, seconds=np.array([1, 1, 0.5, 0.5]))
    result = single.evaluate(track, truth)
    assert result.p20 == 0.75
    assert result.ao == 1  # nobody saw the object in the last frame
    assert result.frames_per_second == pytest.approx(2)
    assert single.success_auc(track, truth) == single.success_auc(boxes, truth.boxes[:, 0])


def test_what_is_printed():
    results = single.evaluate_all({"one": ([BOX] * 3, [BOX] * 3), "other": (way("oox"))})
    lines = str(results).splitlines()
    assert lines[0].split() == [
        "AUC",
        "P20",
        "NP",
        "AUC",
        "AO",
        "SR0.5",
        "SR0.75",
        "frames/s",
        "CPU",
        "ms",
    ]
    assert lines[1].split() == [
        "one",
        "0.952",
        "1.000",
        "1.000",
        "1.000",
        "1.000",
        "1.000",
        "-",
        "-",
    ]
    assert [line.split()[0] for line in lines] == ["AUC", "one", "other", "all"]
    assert len({len(line) for line in lines}) == 1
    assert "0.952" in str(results.parts["one"])
    ranked = single.table({"worse": results.parts["other"], "better": results}, ranked=True)
    assert [line.split()[0] for line in ranked.splitlines()[1:]] == ["better", "worse"]
    assert "ao=" in repr(results.parts["one"])


def test_several_sequences_are_those_of_the_published_toolkit():
    """ExperimentOTB.report: the mean of the curves of all sequences, and figures of that mean."""
    pairs = {name: ours(name) for name in RANDOM}
    results = single.evaluate_all(pairs, missing=single.MISSED)
    shares = [np.array(ANSWERS["success"][n]) / len(CASES[n][0]) for n in RANDOM]
    assert results.combined.auc == pytest.approx(np.mean(shares))
    near = [ANSWERS["precision"][n][20] / len(CASES[n][0]) for n in RANDOM]
    assert results.combined.p20 == pytest.approx(np.mean(near))


# --- laws -----------------------------------------------------------------------------------------

NUMBERS = st.floats(-50, 250, allow_nan=False).map(lambda v: round(v, 2))
SIDES = st.floats(0.5, 80).map(lambda v: round(v, 2))
BOXES = st.tuples(NUMBERS, NUMBERS, SIDES, SIDES).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)
ROWS = st.lists(
    st.tuples(st.one_of(BOXES, st.just(NOTHING)), st.one_of(BOXES, st.just(NOTHING))),
    min_size=1,
    max_size=12,
)
RULES = st.fixed_dictionaries(
    {
        "missing": st.sampled_from([single.DROPPED, single.MISSED, single.HIT]),
        "silent": st.sampled_from([single.MISSED, single.HELD]),
    }
)


@given(ROWS, BOXES, RULES)
@settings(max_examples=150)
def test_curves_are_shares_that_fall_and_rise(rows, first, rules):
    pred, truth = ([first, *side] for side in zip(*rows, strict=True))
    kept = np.array(pred), np.array(truth)
    success = single.success_curve(pred, truth, **rules)
    assert ((success >= 0) & (success <= 1)).all()
    assert (np.diff(success) <= 0).all()
    assert success[-1] == 0
    for curve in (single.precision_curve, single.normalized_precision_curve):
        values = curve(pred, truth, **rules)
        assert ((values >= 0) & (values <= 1)).all()
        assert (np.diff(values) >= 0).all()
    for arrays, before in zip((pred, truth), kept, strict=True):
        np.testing.assert_array_equal(np.array(arrays), before)


@given(ROWS, BOXES, RULES, st.integers(0, 99))
@settings(max_examples=100)
def test_a_picture_may_be_scaled_turned_over_and_shifted(rows, first, rules, seed):
    pred, truth = (np.array([first, *side]) for side in zip(*rows, strict=True))
    rules["missing"] = single.DROPPED  # the others look at where a picture begins
    scale = 2.0 ** (seed % 5 - 2)
    success = single.success_curve(pred, truth, **rules)
    # powers of two change no digit
    np.testing.assert_array_equal(
        success, single.success_curve(pred * scale, truth * scale, **rules)
    )
    turned = [-side[:, [2, 1, 0, 3]] * [1, -1, 1, -1] for side in (pred, truth)]
    np.testing.assert_allclose(success, single.success_curve(*turned, **rules), atol=1e-12)
    normalized = single.normalized_precision_curve(pred * scale, truth * scale, **rules)
    np.testing.assert_array_equal(
        normalized, single.normalized_precision_curve(pred, truth, **rules)
    )


@given(ROWS, BOXES)
def test_dropped_frames_might_as_well_not_be_there(rows, first):
    pred, truth = (np.array([first, *side]) for side in zip(*rows, strict=True))
    there = np.isfinite(truth).all(1)
    for curve in (single.success_curve, single.precision_curve, single.normalized_precision_curve):
        np.testing.assert_array_equal(curve(pred, truth), curve(pred[there], truth[there]))


@given(ROWS, BOXES, st.integers(1, 4), st.floats(0, 0.9))
def test_losses_are_apart_and_long_enough(rows, first, frames, iou):
    pred, truth = ([first, *side] for side in zip(*rows, strict=True))
    overlaps = single.compare(pred, truth).overlaps
    ends = -1
    for loss in single.losses(pred, truth, iou=iou, frames=frames):
        assert loss.frame > ends
        ends = len(overlaps) if loss.back is None else loss.back
        missed = overlaps[loss.frame : ends]
        assert (missed[np.isfinite(missed)] <= iou).all()
        assert np.isfinite(missed).sum() >= frames
        assert loss.back is None or overlaps[loss.back] > iou


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pred", "truth", "said"),
    [
        ([BOX], [BOX, BOX], "1 frames of pred and 2 of truth"),
        ([], [], "no frames"),
        ([BOX], [NOTHING], "NaNs in every frame"),
        ([BOX], [[5, 5, 5, 9]], "no box with an area"),
        ([BOX], [[0, 0, math.inf, 9]], "finite pixels"),
        ([BOX], [[0, 0, math.nan, 9]], "finite pixels"),
        ([[10, 20, 5, 5]], [BOX], "xywh"),
        ([BOX], [[10, 20, 5, 5]], "xywh"),
        (BOX, [BOX], "shape"),
        ([BOX[:3]], [BOX], "shape"),
        (None, [BOX], "pred"),
        ("boxes", [BOX], "pred"),
        ([[1j, 0, 2, 2]], [BOX], "pred"),
        (np.zeros((2, 1, 4)), np.zeros((2, 1, 4)), "shape"),
        ([BOX], Truth.from_boxes(np.array([[BOX, BOX]])), "2 objects"),
    ],
)
def test_what_cannot_be_judged_is_refused(pred, truth, said):
    for door in (single.success_auc, single.evaluate, single.lost_at):
        with pytest.raises(errors.InputError, match=said):
            door(pred, truth)


def test_a_diverged_tracker_has_missed():
    diverged = [BOX, [0, 0, math.inf, 5], [math.nan, 0, 5, 5], [-math.inf] * 4, [1e200] * 4]
    result = single.evaluate(diverged, [BOX] * 5)
    assert result.p20 == 0.2
    assert result.ao == 0
    assert single.precision_at(diverged, [BOX] * 5, silent=single.HELD) == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: single.success_auc([BOX], [BOX], missing="ignored"), "missing"),
        (lambda: single.success_auc([BOX], [BOX], silent=single.DROPPED), "silent"),
        (lambda: single.precision_at([BOX], [BOX], -1), "pixels"),
        (lambda: single.normalized_precision_at([BOX], [BOX], math.nan), "share"),
        (lambda: single.got10k([BOX], [BOX], size=5), "size"),
        (lambda: single.got10k([BOX], [BOX], size=(5, -1)), "width"),
        (lambda: single.got10k([BOX], [BOX], visibility=[1, 1]), "visibility"),
        (lambda: single.got10k([BOX], [BOX], visibility=[2]), "visibility"),
        (lambda: single.got10k([BOX], [BOX], visibility=["none"]), "visibility"),
        (lambda: single.lost_at([BOX], [BOX], iou=1), "iou"),
        (lambda: single.lost_at([BOX], [BOX], frames=0), "frames"),
        (lambda: single.evaluate([BOX], [BOX], seconds=[1, 2]), "seconds"),
        (lambda: single.evaluate([BOX], [BOX], seconds=[-1]), "seconds"),
        (lambda: single.evaluate([BOX], [BOX], cpu_seconds=["soon"]), "cpu_seconds"),
        (lambda: single.evaluate([BOX], [BOX], attributes="OCC"), "attributes"),
        (lambda: single.evaluate([BOX], [BOX], attributes=[1]), "attributes"),
        (lambda: single.evaluate_all({}), "no sequences"),
        (lambda: single.evaluate_all(5), "sequences"),
        (lambda: single.evaluate_all({"a": [BOX]}), "a pair"),
        (lambda: single.evaluate_all({"Girl": ([BOX], [])}), "Girl: pred and truth"),
        (lambda: single.evaluate_all([([BOX], [BOX])]).figures("IoU"), "AUC"),
        (lambda: single.combine([]), "no results"),
        (lambda: single.table({}), "no results"),
    ],
)
def test_bad_arguments(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()


# --- real sequences, and what the docstrings say --------------------------------------------------


@needs_real_data
def test_real_sequences_agree_with_the_definitions():
    for path in sorted(folder for folder in (SHARED / "sequences").iterdir() if folder.is_dir()):
        truth = video.read_clip(path).truth
        pred = single_cases.shaken(truth, 0)
        known = truth.boxes[:, 0].astype(float)
        sides = [np.concatenate([b[:, :2] + 1, b[:, 2:] - b[:, :2]], 1) for b in (pred, known)]
        success, precision, _ = by_the_book(*sides, "pytracking")
        result = single.evaluate(pred, truth)
        assert result.auc == pytest.approx(np.mean(success)), path.name
        assert result.p20 == pytest.approx(precision[20]), path.name
        assert 0.1 < result.auc < 0.9


@pytest.mark.parametrize("module", [frames, otb, pooled, losing, judge])
def test_examples_in_docstrings(module):
    failed, _ = doctest.testmod(module, extraglobs={"np": np})
    assert not failed
