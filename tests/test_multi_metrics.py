"""Metrics of many objects: equal to the published evaluator, to the definitions, and lawful."""

import itertools
import json
import math

import numpy as np
import pytest
import sequences
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from realdata import SHARED, needs_real_data
from sequences import FAR, A, B, C, frame, moved

from tracklab import errors, scenes
from tracklab.clips import Truth
from tracklab.metrics import multi
from tracklab.metrics.multi import clear as clear_mot
from tracklab.tracks import Tracks, from_truth
from tracklab.video import truths

ANSWERS = json.loads(sequences.ANSWERS.read_text())
CASES = sequences.cases()
SEEDS = st.integers(0, sequences.RANDOM - 1)


def gap(result, answer):
    """The largest difference to the published numbers, and where it is."""
    ours = result.as_dict()
    assert list(ours) == ANSWERS["measures"]
    return max((abs(ours[name] - there), name) for name, there in zip(ours, answer, strict=True))


# --- the published evaluator, by its stored answers ----------------------------------------------


def test_the_answers_are_about_these_cases():
    assert ANSWERS["evaluator"] == "trackeval 1.3.0"
    assert ANSWERS["stamp"] == sequences.stamp(CASES), "run `python -m benchmarks.multi --write`"
    assert set(sequences.ADVERSARIAL) < set(ANSWERS["clips"])


@pytest.mark.parametrize("name", sequences.ADVERSARIAL)
def test_equal_to_the_published_in_hard_cases(name):
    assert gap(multi.evaluate(*CASES[name]), ANSWERS["clips"][name]) < (1e-6, "")


def test_equal_to_the_published_in_random_cases():
    named = [name for name in ANSWERS["clips"] if name.startswith("random")]
    assert len(named) >= 100
    gaps = {name: gap(multi.evaluate(*CASES[name]), ANSWERS["clips"][name]) for name in named}
    assert max(gaps.values()) < (1e-6, ""), max(gaps, key=gaps.get)


def test_equal_to_the_published_at_each_alpha():
    for name, curves in ANSWERS["curves"].items():
        ours = multi.evaluate(*CASES[name]).curves
        for measure, values in curves.items():
            np.testing.assert_allclose(getattr(ours, measure), values, atol=1e-6, err_msg=name)


def test_several_clips_together_are_equal_to_the_published():
    for name, clips in sequences.groups().items():
        results = multi.evaluate_all(clips)
        assert list(results.parts) == list(clips)
        assert gap(results.combined, ANSWERS["together"][name]) < (1e-6, ""), name


def test_without_distractors_is_equal_to_the_published(tmp_path):
    removed = 0
    for seed in range(sequences.MOT17):
        text, tracks = sequences.mot17_case(seed)
        path = tmp_path / "gt.txt"
        path.write_text(text)
        images = range(1, len(tracks) + 1)
        truth = truths.read_mot_truth(path, images)
        everything = truths.read_mot_truth(path, images, everything=True)
        kept = multi.without_distractors(everything, tracks)
        removed += sum(map(len, tracks)) - sum(map(len, kept))
        assert gap(multi.evaluate(truth, kept), ANSWERS["MOT17"][str(seed)]) < (1e-6, "")
    assert removed > 100


@needs_real_data
def test_real_sequences_are_equal_to_the_published():
    cases = sequences.real_cases(SHARED / "mot")
    assert set(cases) == set(ANSWERS["real"])
    for name, (truth, tracks) in cases.items():
        assert gap(multi.evaluate(truth, tracks), ANSWERS["real"][name]) < (1e-6, ""), name


# --- the definitions, one step at a time, with nothing of ours -----------------------------------


def overlap(a, b):
    a, b = [float(v) for v in a], [float(v) for v in b]
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (both - w * h)


def best(worth):
    """The pairs of the assignment with the largest sum, by trying every one."""
    rows, columns = len(worth), len(worth[0]) if worth else 0
    if rows > columns:
        turned = [[worth[r][c] for r in range(rows)] for c in range(columns)]
        return [(r, c) for c, r in best(turned)]
    tried = (list(enumerate(order)) for order in itertools.permutations(range(columns), rows))
    return max(tried, key=lambda pairs: sum(worth[r][c] for r, c in pairs), default=[])


def by_the_book(truth, tracks):
    """All measures from their definitions."""
    everywhere = [
        {(g.id, k.id): overlap(g.box, k.box) for g in there for k in seen}
        for there, seen in zip(truth, tracks, strict=True)
    ]
    boxes = sum(map(len, truth)), sum(map(len, tracks))
    book = clear_by_the_book(truth, tracks, everywhere, boxes)
    book |= identity_by_the_book(everywhere, boxes)
    return book | hota_by_the_book(truth, tracks, everywhere, boxes)


def clear_by_the_book(truth, tracks, everywhere, boxes):
    matches = switches = frag = 0
    overlaps, last, going, covered, lives = 0.0, {}, {}, {}, {}
    for there, seen, shared in zip(truth, tracks, everywhere, strict=True):
        for g in there.ids.tolist():
            lives[g] = lives.get(g, 0) + 1
        if not len(there) or not len(seen):
            continue
        fits = {pair: value for pair, value in shared.items() if value >= 0.5}
        # first what goes on, then the largest sum: as one sum in which going on is worth more
        worth = [
            [
                fits.get((g, k), 0) + (1000 if (g, k) in fits and going.get(g) == k else 0)
                for k in seen.ids.tolist()
            ]
            for g in there.ids.tolist()
        ]
        pairs = [(int(there.ids[r]), int(seen.ids[c])) for r, c in best(worth) if worth[r][c]]
        for g, k in pairs:
            switches += last.get(g, k) != k
            frag += g in last and g not in going
            last[g] = k
            covered[g] = covered.get(g, 0) + 1
            overlaps += fits[g, k]
        going = dict(pairs)
        matches += len(pairs)
    shares = [covered.get(g, 0) / lives[g] for g in lives]
    false_alarms, misses = boxes[1] - matches, boxes[0] - matches
    return {
        "MOTA": 1 - (false_alarms + misses + switches) / boxes[0],
        "MOTP": overlaps / matches if matches else 0,
        "recall": matches / boxes[0],
        "precision": matches / boxes[1] if boxes[1] else 0,
        "switches": switches,
        "frag": frag,
        "FP": false_alarms,
        "FN": misses,
        "MT": sum(share > 0.8 for share in shares),
        "PT": sum(0.2 <= share <= 0.8 for share in shares),
        "ML": sum(share < 0.2 for share in shares),
    }


def identity_by_the_book(everywhere, boxes):
    agree = {}
    for shared in everywhere:
        for pair, value in shared.items():
            agree[pair] = agree.get(pair, 0) + (value >= 0.5)
    objects, tracks = sorted({g for g, _ in agree}), sorted({k for _, k in agree})
    worth = [[agree.get((g, k), 0) for k in tracks] for g in objects]
    both = sum(worth[r][c] for r, c in best(worth))
    return {
        "IDF1": 2 * both / (boxes[0] + boxes[1]),
        "IDP": both / boxes[1] if boxes[1] else 0,
        "IDR": both / boxes[0],
    }


def hota_by_the_book(truth, tracks, everywhere, boxes):
    of_object, of_track, shared_life = {}, {}, {}
    for there, seen, shared in zip(truth, tracks, everywhere, strict=True):
        for g in there.ids.tolist():
            of_object[g] = of_object.get(g, 0) + 1
        for k in seen.ids.tolist():
            of_track[k] = of_track.get(k, 0) + 1
        for (g, k), value in shared.items():
            row = sum(v for (other, _), v in shared.items() if other == g)
            column = sum(v for (_, other), v in shared.items() if other == k)
            if value:
                part = value / (row + column - value)
                shared_life[g, k] = shared_life.get((g, k), 0) + part
    aligned = {
        (g, k): part / (of_object[g] + of_track[k] - part) for (g, k), part in shared_life.items()
    }
    assigned = []  # (frame, object, track, overlap)
    for t, (there, seen, shared) in enumerate(zip(truth, tracks, everywhere, strict=True)):
        ids, names = there.ids.tolist(), seen.ids.tolist()
        worth = [[aligned.get((g, k), 0) * shared[g, k] for k in names] for g in ids]
        assigned += [(t, ids[r], names[c], shared[ids[r], names[c]]) for r, c in best(worth)]
    sums = dict.fromkeys(("HOTA", "DetA", "AssA", "LocA", "DetRe", "DetPr", "AssRe", "AssPr"), 0.0)
    for step in range(1, 20):
        hits = [one for one in assigned if one[3] >= step / 20 - 1e-9]
        ass_a = ass_re = ass_pr = 0.0
        for _, g, k, _ in hits:
            tpa = sum(one[1:3] == (g, k) for one in hits)
            fna, fpa = of_object[g] - tpa, of_track[k] - tpa
            ass_a += tpa / (tpa + fna + fpa) / len(hits)
            ass_re += tpa / (tpa + fna) / len(hits)
            ass_pr += tpa / (tpa + fpa) / len(hits)
        tp, fn, fp = len(hits), boxes[0] - len(hits), boxes[1] - len(hits)
        at = {
            "DetA": tp / (tp + fn + fp),
            "AssA": ass_a,
            "LocA": sum(one[3] for one in hits) / tp if tp else 1,
            "DetRe": tp / (tp + fn),
            "DetPr": tp / (tp + fp) if tp + fp else 0,
            "AssRe": ass_re,
            "AssPr": ass_pr,
        }
        at["HOTA"] = math.sqrt(at["DetA"] * at["AssA"])
        for name, value in at.items():
            sums[name] += value / 19
    return sums


def small_case(seed):
    """A clip that can be judged by trying everything: up to four objects and six tracks."""
    rng = np.random.default_rng(seed)
    frames, objects = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    boxes = rng.uniform(0, 40, (objects, 2))
    boxes = np.concatenate([boxes, boxes + rng.uniform(15, 30, (objects, 2))], 1)
    truth, tracks = [], []
    for _ in range(frames):
        boxes = boxes + np.tile(rng.normal(0, 2, (objects, 2)), 2)
        there = rng.random(objects) < 0.85
        truth.append(Tracks(np.flatnonzero(there), boxes[there]))
        seen = np.flatnonzero(there & (rng.random(objects) < 0.85))
        found = boxes[seen] + rng.normal(0, 2, (len(seen), 4))
        extra = rng.uniform(0, 40, (int(rng.integers(0, 3)), 2))
        found = np.concatenate([found, np.concatenate([extra, extra + 20], 1)])
        tracks.append(Tracks(rng.permutation(7)[: len(found)], found))
    return truth, tracks


def test_equal_to_the_definitions():
    judged = 0
    for seed in range(120):
        truth, tracks = small_case(seed)
        if not sum(map(len, truth)):
            continue
        judged += 1
        ours, book = multi.evaluate(truth, tracks).as_dict(), by_the_book(truth, tracks)
        assert set(ours) == set(book)
        for name, value in ours.items():
            assert value == pytest.approx(book[name], abs=1e-9), (seed, name)
    assert judged > 100


# --- laws ----------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_tracks_that_are_the_truth_score_one(seed):
    truth, _ = sequences.random_case(seed)
    assume(sum(map(len, truth)))
    result = multi.evaluate(truth, truth)
    row = result.as_dict()
    for name in ("MOTA", "MOTP", "IDF1", "IDP", "IDR", "HOTA", "DetA", "AssA", "LocA", "recall"):
        assert row[name] == pytest.approx(1, abs=1e-12)
    assert (result.switches, row["FP"], row["FN"], row["PT"], row["ML"]) == (0, 0, 0, 0, 0)
    assert row["MT"] == result.objects == result.tracks


@given(SEEDS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_changes_nothing_and_nor_does_a_renaming_in_order(seed, other):
    rng = np.random.default_rng(other)
    truth, tracks = sequences.random_case(seed)
    expected = multi.evaluate(truth, tracks).as_dict()

    def again(frames, names):
        for one in frames:
            order = rng.permutation(len(one))
            yield Tracks(names[one.ids[order]], one.boxes[order])

    grown = np.cumsum(rng.integers(1, 50, 10_000))
    assert multi.evaluate(truth, list(again(tracks, grown))).as_dict() == expected
    assert multi.evaluate(list(again(truth, grown)), tracks).as_dict() == expected


@given(st.integers(0, 400), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_any_renaming_changes_nothing_where_no_two_assignments_are_equally_good(seed, other):
    names = np.random.default_rng(other).permutation(10_000)
    truth, tracks = small_case(seed)
    renamed = [Tracks(names[one.ids], one.boxes) for one in tracks]
    called = [Tracks(names[one.ids], one.boxes) for one in truth]
    expected = multi.evaluate(truth, tracks).as_dict()
    assert multi.evaluate(called, renamed).as_dict() == pytest.approx(expected, abs=1e-12)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_shares_are_shares_and_counts_add_up(seed):
    truth, tracks = sequences.random_case(seed)
    result = multi.evaluate(truth, tracks)
    boxes = sum(map(len, truth)), sum(map(len, tracks))
    for counts in (result.clear, result.identity):
        assert (counts.matches + counts.misses, counts.matches + counts.false_alarms) == boxes
    curves = result.curves
    np.testing.assert_array_equal(curves.hits + curves.misses, boxes[0])
    np.testing.assert_array_equal(curves.hits + curves.false_alarms, boxes[1])
    np.testing.assert_allclose(curves.hota**2, curves.det_a * curves.ass_a, atol=1e-12)
    assert (np.diff(curves.hits) <= 0).all()
    row = result.as_dict()
    for name, value in row.items():
        if name not in ("switches", "frag", "FP", "FN", "MT", "PT", "ML"):
            assert value <= 1 + 1e-12
            assert value >= 0 or name == "MOTA"
    assert row["MT"] + row["PT"] + row["ML"] == result.objects
    assert row["MOTA"] <= row["recall"] + 1e-12


@given(st.integers(0, 400), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_a_false_alarm_costs_one_over_the_boxes_of_the_truth(seed, count):
    truth, tracks = small_case(seed)  # no two assignments are equally good
    boxes = sum(map(len, truth))
    assume(boxes and len(tracks[0]))
    before = multi.evaluate(truth, tracks)
    one = tracks[0]
    far = [moved(FAR, 100 * k) for k in range(count)]
    names = np.concatenate([one.ids, 90_000 + np.arange(count)])
    more = [Tracks(names, np.concatenate([one.boxes, np.array(far, float)])), *tracks[1:]]
    after = multi.evaluate(truth, more)
    assert before.mota - after.mota == pytest.approx(count / boxes)
    assert after.clear.recall == before.clear.recall
    assert after.switches == before.switches
    assert after.hota < before.hota or before.hota == 0


def test_two_that_swap_midway():
    result = multi.evaluate(sequences.PAIR, sequences.SWAPPED)
    assert result.switches == 2
    assert result.mota == pytest.approx(1 - 2 / 20)
    assert result.idf1 == pytest.approx(0.5)
    assert result.det_a == pytest.approx(1)
    assert result.ass_a == pytest.approx(5 / 15)  # of 10 + 10 boxes a pair shares 5
    assert result.hota == pytest.approx(math.sqrt(1 / 3))


def test_where_references_disagree():
    def clear(name):
        return multi.evaluate(*CASES[name]).clear

    # mostly tracked is above 0.8; a frame without any track is passed over, one with another not
    at_the_border = clear("covered in 8 of 10 frames, beside another")
    assert (at_the_border.mostly_tracked, at_the_border.partly_tracked) == (1, 1)
    assert clear("covered in 2 of 10 frames").mostly_lost == 0
    assert clear("covered in 1 of 10 frames").mostly_lost == 1
    assert clear("a gap, then the same").fragmentations == 0
    assert clear("a gap, then the same, beside another").fragmentations == 1
    assert clear("absent, then back").fragmentations == 1
    # a switch is counted against the last time, however long ago
    assert clear("a gap, then a new one").switches == 1
    # a pair goes on while it overlaps enough, though another fits better
    assert clear("what goes on wins over what fits better").switches == 0
    assert clear("what goes on must still overlap").switches == 1
    assert clear("what went on before an empty frame").switches == 0
    assert clear("IoU of exactly 0.5").matches == 4


def test_clips_together_are_judged_by_their_counts():
    good, bad = (sequences.PAIR * 9, sequences.PAIR * 9), (sequences.PAIR, [frame()] * 10)
    results = multi.evaluate_all({"good": good, "bad": bad})
    assert results.combined.mota == pytest.approx(0.9)
    assert results.combined.frames == 100
    assert results.combined.objects == 4
    assert results.combined.det_a == pytest.approx(0.9)
    assert results.combined.ass_a == pytest.approx(1)
    alone = multi.evaluate(*good)
    assert multi.combine([alone]).as_dict() == pytest.approx(alone.as_dict())
    listed = multi.evaluate_all([good, bad])
    assert list(listed.parts) == ["clip 1", "clip 2"]
    assert listed.combined.as_dict() == results.combined.as_dict()
    assert str(results).count("\n") == 3
    assert "all together" in str(results)
    assert "0.900" in str(results)


# --- what is covered by whom ---------------------------------------------------------------------


def test_a_cover_tells_who_covers_whom_and_where_it_switches():
    tracks = [frame((1, A), (2, B)), frame((2, B)), frame((5, A), (2, B)), frame((5, A))]
    truth = [frame((7, A), (9, B))] * 3 + [frame((7, A))]
    seen = multi.cover(truth, tracks)
    assert seen.objects.tolist() == [7, 9]
    nobody, absent = clear_mot.NOBODY, clear_mot.ABSENT
    assert seen.tracks.tolist() == [[1, 2], [nobody, 2], [5, 2], [5, absent]]
    assert seen.switches == (multi.Switch(2, 7, 1, 5),)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_cover_is_what_clear_counts(seed):
    truth, tracks = sequences.random_case(seed)
    seen, counts = multi.cover(truth, tracks), multi.evaluate(truth, tracks).clear
    assert (seen.tracks >= 0).sum() == counts.matches
    assert (seen.tracks == clear_mot.NOBODY).sum() == counts.misses
    assert len(seen.switches) == counts.switches
    for t, (there, found) in enumerate(zip(truth, tracks, strict=True)):
        present = seen.tracks[t] != clear_mot.ABSENT
        np.testing.assert_array_equal(seen.objects[present], there.ids)
        used = seen.tracks[t][seen.tracks[t] >= 0]
        assert len(set(used)) == len(used)
        assert set(used) <= set(found.ids)


# --- truths, classes, visibility -----------------------------------------------------------------


def test_a_truth_and_its_tracks_are_the_same_truth():
    clip = scenes.render(seed=3, frames=12, objects=4, size=(90, 120))
    tracks = from_truth(clip.truth)
    result = multi.evaluate(clip.truth, tracks)
    assert (result.mota, result.idf1, result.switches) == (1, 1, 0)
    assert result.hota == pytest.approx(1)
    assert multi.evaluate(tracks, tracks).as_dict() == result.as_dict()


def test_absent_objects_are_not_there():
    boxes = np.full((4, 2, 4), np.nan, np.float32)
    boxes[:, 0], boxes[2:, 1] = A, B
    truth = Truth.from_boxes(boxes, ids=[8, 3])
    tracks = [frame((1, A))] * 2 + [frame((1, A), (2, B))] * 2
    result = multi.evaluate(truth, tracks)
    assert result.mota == 1
    assert result.clear.matches == 6
    assert multi.cover(truth, tracks).objects.tolist() == [3, 8]


def test_classes_are_ignored_unless_they_are_asked_for():
    truth = [frame((1, A, 0), (2, B, 1))] * 4
    tracks = [frame((1, A, 1), (2, B, 1))] * 4
    assert multi.evaluate(truth, tracks).mota == 1
    one = multi.evaluate(truth, tracks, label=1)
    assert (one.clear.matches, one.clear.false_alarms, one.clear.misses) == (4, 4, 0)
    each = multi.evaluate_classes(truth, tracks, ("cat", "dog"))
    assert list(each.parts) == ["cat", "dog"]
    assert each.parts["cat"].clear.misses == 4
    assert each.parts["dog"].as_dict() == one.as_dict()
    assert each.combined.mota == pytest.approx(1 - 8 / 8)
    assert list(multi.evaluate_classes(truth, tracks).parts) == ["class 0", "class 1"]


def test_hidden_objects_neither_count_nor_harm():
    boxes = np.tile(np.array([A, B], np.float32), (4, 1, 1))
    seen = np.ones((4, 2), np.float32)
    seen[1:3, 0] = 0.1
    truth = Truth.from_boxes(boxes, visibility=seen)
    lost = [frame((1, A), (2, B)) if t in (0, 3) else frame((2, B)) for t in range(4)]
    coasting = [frame((1, A), (2, B))] * 4
    wrong = [frame((1, A), (2, B)) if t in (0, 3) else frame((2, B), (3, C)) for t in range(4)]
    assert multi.evaluate(truth, lost).mota == pytest.approx(1 - 2 / 8)
    assert multi.evaluate(truth, lost, visible=0.2).mota == 1
    assert multi.evaluate(truth, coasting).mota == 1
    assert multi.evaluate(truth, coasting, visible=0.2).mota == 1
    assert multi.evaluate(truth, wrong, visible=0.2).mota == pytest.approx(1 - 2 / 6)
    assert multi.evaluate(truth, coasting, visible=0.1).clear.matches == 8  # at least that much


def test_distractors_are_taken_out_only_where_they_win():
    boxes = np.tile(np.array([A, moved(A, 4), B], np.float32), (2, 1, 1))
    names = ("pedestrian", "static person", "car")
    everything = Truth.from_boxes(boxes, classes=[0, 1, 2], class_names=names)
    tracks = [frame((1, A), (2, moved(A, 5)), (3, B)), frame((1, A), (3, B), (4, FAR))]
    kept = multi.without_distractors(everything, tracks)
    assert [one.ids.tolist() for one in kept] == [[1, 3], [1, 3, 4]]
    assert kept[1] is tracks[1]
    same = multi.without_distractors(everything, tracks, names=())
    assert [len(one) for one in same] == [3, 3]
    nameless = Truth.from_boxes(boxes)
    assert [len(one) for one in multi.without_distractors(nameless, tracks)] == [3, 3]


# --- bad input -----------------------------------------------------------------------------------

PAIR = sequences.PAIR
FLAT = Truth.from_boxes(np.array([[A, B], [[5, 5, 5, 9], B]], np.float32), ids=[4, 6])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: multi.evaluate(PAIR, PAIR[:9]), "truth of 10 frames and tracks of 9"),
        (lambda: multi.evaluate(PAIR, PAIR[0]), "Tracks"),
        (lambda: multi.evaluate(PAIR, None), "tracks: got a NoneType"),
        (lambda: multi.evaluate("truth", PAIR), "truth: got a str"),
        (lambda: multi.evaluate(PAIR, [*PAIR[:9], np.zeros((2, 4))]), r"tracks\[9\]"),
        (lambda: multi.evaluate([A], PAIR[:1]), r"truth\[0\]"),
        (lambda: multi.evaluate(FLAT, FLAT), "tracks: got a Truth"),
        (lambda: multi.evaluate(FLAT, PAIR[:2]), r"truth, frame 1: got \[5.0.*identity 4"),
        (lambda: multi.evaluate(PAIR, PAIR, iou=0), "iou"),
        (lambda: multi.evaluate(PAIR, PAIR, iou=1.1), "iou"),
        (lambda: multi.evaluate(PAIR, PAIR, iou=math.nan), "iou"),
        (lambda: multi.evaluate(PAIR, PAIR, label=-1), "label"),
        (lambda: multi.evaluate(PAIR, PAIR, label=0), "none has a class"),
        (lambda: multi.evaluate(PAIR, PAIR, visible=0.5), "visible"),
        (lambda: multi.evaluate(PAIR, PAIR, visible=2), "visible"),
        (lambda: multi.evaluate_all([]), "no clips"),
        (lambda: multi.evaluate_all([PAIR]), "a pair"),
        (lambda: multi.evaluate_all("ab"), "clips"),
        (lambda: multi.evaluate_all({"park": (PAIR, PAIR[1:])}), "park: truth and tracks"),
        (lambda: multi.evaluate_classes(PAIR, PAIR), "without a class in frame 0"),
        (lambda: multi.evaluate_classes([frame()], [frame()]), "no boxes"),
        (lambda: multi.evaluate_classes(PAIR, PAIR, ["a", "a"]), "all different"),
        (lambda: multi.combine([]), "no results"),
        (lambda: multi.without_distractors(PAIR, PAIR), "everything: got a list"),
        (lambda: multi.without_distractors(FLAT, PAIR), "2 frames and tracks of 10"),
        (lambda: multi.without_distractors(FLAT, PAIR[:2], iou=2), "iou"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(errors.InputError, match=words):
        call()


def test_inputs_are_not_changed():
    truth, tracks = sequences.random_case(5)
    before = sequences.stamp({"": (truth, tracks)})
    multi.evaluate(truth, tracks)
    assert sequences.stamp({"": (truth, tracks)}) == before
