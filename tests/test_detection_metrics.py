"""Average precision: COCO's is pycocotools', VOC's that of the published procedure."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tracklab import errors
from tracklab.detections import Detections, Objects
from tracklab.metrics import curve, detection, matching, proposals

NAMES = ("a", "b", "c", "d")
FAR = [900.0, 900.0, 910.0, 910.0]  # where no object of these tests is


# --- two independent references ------------------------------------------------------------------


def pycocotools(found, truth, names):
    """The twelve numbers that pycocotools prints, and its AP and AP50 of each class."""
    images = [{"id": n + 1} for n in range(len(truth))]
    classes = [{"id": k + 1, "name": name} for k, name in enumerate(names)]
    annotations, results = [], []
    for n, there in enumerate(truth, 1):
        for box, label, ignored in zip(there.boxes, there.labels, there.ignored, strict=True):
            x1, y1, x2, y2 = map(float, box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": n,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": int(ignored),
                }
            )
    for n, seen in enumerate(found, 1):
        for box, score, label in zip(seen.boxes, seen.scores, seen.labels, strict=True):
            x1, y1, x2, y2 = map(float, box)
            results.append(
                {
                    "image_id": n,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(score),
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": images, "annotations": annotations, "categories": classes}
        coco.createIndex()
        guesses = COCO()
        guesses.dataset = {"images": images, "annotations": [], "categories": classes}
        for number, one in enumerate(results, 1):
            one |= {"id": number, "area": one["bbox"][2] * one["bbox"][3], "iscrowd": 0}
        guesses.dataset["annotations"] = results
        guesses.createIndex()
        judge = COCOeval(coco, guesses, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # (thresholds, recalls, classes)
    return judge.stats, precision.mean((0, 1)), precision[0].mean(0)


def voc_ap(found, truth, label, threshold, eleven):
    """The devkit's procedure, as its documentation and the paper describe it, one step a time."""
    ranked = []
    for n, seen in enumerate(found):
        for k in range(len(seen)):
            if seen.labels[k] == label:
                ranked.append((float(seen.scores[k]), n, [float(v) for v in seen.boxes[k]]))
    ranked.sort(key=lambda one: -one[0])  # stable
    total, taken = 0, {}
    for n, there in enumerate(truth):
        for m in range(len(there)):
            if there.labels[m] == label:
                taken[n, m] = False
                total += not there.ignored[m]
    if not total:
        return -1.0
    tp = fp = 0
    points = []
    for _, n, (x1, y1, x2, y2) in ranked:
        best, where = -1.0, None
        for m in range(len(truth[n])):
            if truth[n].labels[m] != label:
                continue
            a1, b1, a2, b2 = (float(v) for v in truth[n].boxes[m])
            w, h = min(x2, a2) - max(x1, a1), min(y2, b2) - max(y1, b1)
            if w <= 0 or h <= 0:
                continue
            share = w * h / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - w * h)
            if share > best:
                best, where = share, m
        if best > threshold:
            if truth[n].ignored[where]:
                continue
            if taken[n, where]:
                fp += 1
            else:
                tp, taken[n, where] = tp + 1, True
        else:
            fp += 1
        points.append((tp, tp / (tp + fp)))
    if eleven:
        heights = [max([p for t, p in points if t * 10 >= k * total], default=0) for k in range(11)]
        return sum(heights) / 11
    sum_, before = 0.0, 0
    for at in sorted({t for t, _ in points}):
        sum_ += (at - before) / total * max(p for t, p in points if t >= at)
        before = at
    return sum_


# --- cases ---------------------------------------------------------------------------------------


def random_case(seed):
    """Frames as of a detector: jitter, wrong classes, noise, duplicates, ties, crowds."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 8))
    whole = rng.random() < 0.5  # whole pixels make IoUs that equal a threshold
    coarse = rng.random() < 0.5  # few different scores make ties
    found, truth = [], []
    for _ in range(frames):
        count = int(rng.integers(0, 8))
        size = rng.choice([6.0, 30.0, 90.0, 140.0], (count, 1)) * rng.uniform(0.7, 1.4, (count, 2))
        corner = rng.uniform(0, 100, (count, 2))
        boxes = np.concatenate([corner, corner + size], 1)
        boxes = np.round(boxes) if whole else boxes
        labels = rng.integers(0, rng.integers(1, 4), count)  # class 3 is never there
        truth.append(Objects(boxes, labels, rng.random(count) < 0.2))
        again = rng.integers(0, count, int(rng.integers(0, 20))) if count else np.zeros(0, int)
        near = boxes[again] + rng.normal(0, rng.choice([0.3, 2.0, 8.0]), (len(again), 4))
        noise = rng.uniform(0, 200, (int(rng.integers(0, 8)), 2))
        noise = np.concatenate([noise, noise + rng.uniform(0, 60, noise.shape)], 1)
        every = np.concatenate([near, noise]).reshape(-1, 4)
        every = np.round(every) if whole else every
        every[:, 2:] = np.maximum(every[:, :2], every[:, 2:])
        guess = np.append(labels[again], rng.integers(0, 4, len(noise)))
        guess = np.where(rng.random(len(guess)) < 0.15, rng.integers(0, 4, len(guess)), guess)
        scores = rng.random(len(every))
        scores = np.round(scores * 4) / 4 if coarse else scores
        found.append(Detections(every, scores, guess))
    return found, truth


def made(rows, scores=None, labels=None):
    rows = np.asarray(rows, float).reshape(-1, 4)
    scores = np.linspace(0.9, 0.1, len(rows)) if scores is None else scores
    return Detections(rows, scores, np.zeros(len(rows), int) if labels is None else labels)


def there(rows, labels=None, ignored=None):
    rows = np.asarray(rows, float).reshape(-1, 4)
    return Objects(rows, np.zeros(len(rows), int) if labels is None else labels, ignored)


BOX = [10, 10, 50, 50]
MANY = np.array([[x, y, x + 8, y + 8] for x in range(0, 120, 10) for y in range(0, 130, 10)])
ADVERSARIAL = {
    "nothing found": ([Detections.empty()], [there([BOX])]),
    "nothing there": ([made([BOX])], [Objects.empty()]),
    "nothing at all": ([Detections.empty()], [Objects.empty()]),
    "no frames": ([], []),
    "empty frames between": (
        [Detections.empty(), made([BOX]), made([BOX]), Detections.empty()],
        [there([BOX]), there([BOX]), Objects.empty(), Objects.empty()],
    ),
    "the same box three times": ([made([BOX] * 3)], [there([BOX])]),
    "the same box and score three times": ([made([BOX] * 3, [0.5] * 3)], [there([BOX])]),
    "two equal objects": ([made([BOX, BOX, BOX])], [there([BOX, BOX])]),
    "a class without truth": ([made([BOX, BOX], labels=[0, 3])], [there([BOX])]),
    "all of one score, over frames": (
        [made([FAR, BOX], [0.5, 0.5]), made([BOX, FAR], [0.5, 0.5])] * 3,
        [there([BOX])] * 6,
    ),
    "IoU of exactly 0.5, 0.6, 0.7, 0.9": (
        [made([[0, 0, 10, x], [0, 20, 10, 20 + x]]) for x in (5, 6, 7, 9)],
        [there([[0, 0, 10, 10], [0, 20, 10, 30]])] * 4,
    ),
    "IoU of exactly 0.55, 0.65, ..., 0.95": (
        [made([[0, 0, 10, x]]) for x in (11, 13, 15, 17, 19)],
        [there([[0, 0, 10, 20]])] * 5,
    ),
    "more than 100 of a class": ([made(np.concatenate([[FAR] * 60, MANY]))], [there(MANY[::3])]),
    "101 of which the last is right": ([made([FAR] * 100 + [BOX])], [there([BOX])]),
    "100 of which the last is right": ([made([FAR] * 99 + [BOX])], [there([BOX])]),
    "a crowd takes many": (
        [made([BOX, BOX, [12, 12, 20, 20], FAR])],
        [there([BOX, [60, 60, 90, 90]], ignored=[1, 0])],
    ),
    "an object rather than a crowd around it": (
        [made([[11, 11, 50, 50], BOX])],
        [there([[0, 0, 90, 90], BOX], ignored=[1, 0])],
    ),
    "only crowds": ([made([BOX])], [there([BOX], ignored=[1])]),
    "crowds at the top of the ranking": (
        [made([BOX, [60, 60, 90, 90]])],
        [there([BOX, [60, 60, 90, 90]], ignored=[1, 0])],
    ),
    "points": ([made([[5, 5, 5, 5], [20, 20, 20, 60], BOX])], [there([BOX])]),
    "sizes on the borders": (
        [made([[0, 0, 32, 32], [100, 0, 196, 96]])],
        [there([[0, 0, 32, 32], [100, 0, 196, 96]])],
    ),
    "greedy, not best for all": (
        [made([[0, 0, 10, 11], [0, 0, 10, 8]])],
        [there([[0, 0, 10, 10], [0, 0, 10, 14]])],
    ),
    "between two objects, then on one": (
        [made([[2, 0, 12, 10], [0, 0, 10, 10]])] * 2,
        [there([[0, 0, 10, 10], [4, 0, 14, 10]]), there([[4, 0, 14, 10], [0, 0, 10, 10]])],
    ),
    "negative and large scores": ([made([BOX, FAR], [-3.0, 1e6])], [there([BOX])]),
}


def difference(found, truth):
    """The largest difference to pycocotools in anything that it measures and we do."""
    stats, per_class, per_class_50 = pycocotools(found, truth, NAMES)
    result = detection.evaluate(found, truth, NAMES)
    ours = [result.ap, result.ap50, result.ap75, *result.by_size.values(), result.recall]
    gaps = np.abs(np.array(ours) - stats[[0, 1, 2, 3, 4, 5, 8]])
    for k, name in enumerate(NAMES):
        one = result.per_class[name]
        gaps = np.append(gaps, [abs(one.ap - per_class[k]), abs(one.ap50 - per_class_50[k])])
    half = detection.average_precision(found, truth)
    return max(gaps.max(), abs(half - stats[1]))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_coco_equals_pycocotools_in_hard_cases(name):
    if name == "no frames":
        assert detection.evaluate([], [], NAMES).ap == detection.ABSENT
        return
    assert difference(*ADVERSARIAL[name]) < 1e-9


@pytest.mark.parametrize("block", range(4))
def test_coco_equals_pycocotools_in_random_cases(block):
    gaps = {seed: difference(*random_case(seed)) for seed in range(block * 25, block * 25 + 25)}
    assert max(gaps.values()) < 1e-9, max(gaps, key=gaps.get)


def test_hard_cases_are_not_all_perfect():
    values = [detection.evaluate(*ADVERSARIAL[name], NAMES).ap for name in ADVERSARIAL]
    assert len(set(values)) > 8
    assert detection.ABSENT in values
    random = [detection.evaluate(*random_case(seed), NAMES).ap for seed in range(20)]
    assert len({round(value, 6) for value in random}) > 15


@pytest.mark.parametrize("style", ["voc", "voc07"])
def test_voc_equals_the_published_procedure(style):
    cases = [random_case(seed) for seed in range(60)] + list(ADVERSARIAL.values())
    seen = set()
    for found, truth in cases:
        for label in range(3):
            for threshold in (0.5, 0.7):
                ours = detection.average_precision(
                    found, truth, iou=threshold, style=style, label=label
                )
                expected = voc_ap(found, truth, label, threshold, style == "voc07")
                assert ours == pytest.approx(expected, abs=1e-12)
                seen.add(round(ours, 6))
    assert len(seen) > 60


def test_where_the_styles_differ():
    half = [made([[0, 0, 10, 5]])], [there([[0, 0, 10, 10]])]
    assert detection.average_precision(*half) == pytest.approx(1)  # at least 0.5
    assert detection.average_precision(*half, style="voc") == 0  # more than 0.5
    # VOC: the second sees only the object that is taken; COCO: it takes the one next to it
    beside = [made([[0, 0, 10, 10], [0, 0, 10, 11]])], [there([[0, 0, 10, 10], [0, 0, 10, 14]])]
    assert detection.average_precision(*beside) == pytest.approx(1)
    assert detection.average_precision(*beside, style="voc") == pytest.approx(0.5)
    found = [made([[0, 0, 10, 10], FAR, [20, 20, 30, 30]])]
    truth = [there([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]])]
    # precision 1 up to recall 1/3, then 2/3 up to 2/3
    assert detection.average_precision(found, truth, style="voc") == pytest.approx(5 / 9)
    eleven = (4 * 1 + 3 * 2 / 3) / 11
    assert detection.average_precision(found, truth, style="voc07") == pytest.approx(eleven)
    all_points = (34 * 1 + 33 * 2 / 3) / 101
    assert detection.average_precision(found, truth) == pytest.approx(all_points)


# --- properties ----------------------------------------------------------------------------------

SEEDS = st.integers(0, 10_000)
STYLE = st.sampled_from(sorted(detection.STYLES))
FEW = settings(max_examples=40)


@FEW
@given(SEEDS, STYLE, st.sampled_from([np.tanh, lambda s: s**3 - 7, lambda s: 100 * s + 3]))
def test_only_the_order_of_scores_counts(seed, style, rising):
    found, truth = random_case(seed)
    found = [Detections(f.boxes, np.round(f.scores * 64) / 64, f.labels) for f in found]
    mapped = [Detections(f.boxes, rising(f.scores.astype(float)), f.labels) for f in found]
    before = detection.average_precision(found, truth, style=style)
    assert detection.average_precision(mapped, truth, style=style) == pytest.approx(before)


@FEW
@given(SEEDS, STYLE, st.integers(0, 3))
def test_a_mistake_that_comes_last_costs_nothing_and_one_that_comes_first_never_helps(
    seed, style, label
):
    found, truth = random_case(seed)
    assume(all(len(f) < 90 for f in found))
    before = detection.average_precision(found, truth, style=style)

    def added(score):
        first = found[0]
        boxes = np.concatenate([first.boxes, [FAR]])
        more = Detections(boxes, np.append(first.scores, score), np.append(first.labels, label))
        return detection.average_precision([more, *found[1:]], truth, style=style)

    assert added(-1.0) == pytest.approx(before)
    assert added(2.0) <= before + 1e-12


@FEW
@given(SEEDS, STYLE)
def test_perfect_detections_give_one_and_none_give_zero(seed, style):
    _, truth = random_case(seed)
    perfect = [Detections(t.boxes, np.ones(len(t)), t.labels)[~t.ignored] for t in truth]
    none = [Detections.empty()] * len(truth)
    some = any((~t.ignored).any() for t in truth)
    assert detection.average_precision(perfect, truth, style=style) == pytest.approx(
        1.0 if some else detection.ABSENT
    )
    wanted = 0.0 if some else detection.ABSENT
    assert detection.average_precision(none, truth, style=style) == wanted
    if some:
        result = detection.evaluate(perfect, truth, NAMES)
        assert result.ap == result.ap50 == result.recall == pytest.approx(1)


@FEW
@given(SEEDS, STYLE, st.sampled_from([0.0, 0.3, 0.9, 1.0]))
def test_ap_lies_between_0_and_1(seed, style, threshold):
    found, truth = random_case(seed)
    assume(any((~t.ignored).any() for t in truth))
    value = detection.average_precision(found, truth, iou=threshold, style=style)
    assert 0 <= value <= 1 + 1e-12


@FEW
@given(SEEDS)
def test_the_order_of_rows_with_different_scores_does_not_count(seed):
    found, truth = random_case(seed)
    rng = np.random.default_rng(seed)
    distinct = [Detections(f.boxes, rng.permutation(len(f)), f.labels) for f in found]
    again = []
    for f in distinct:
        order = rng.permutation(len(f))
        again.append(Detections(f.boxes[order], f.scores[order], f.labels[order]))
    for style in detection.STYLES:
        before = detection.average_precision(distinct, truth, style=style)
        assert detection.average_precision(again, truth, style=style) == pytest.approx(before)


@FEW
@given(SEEDS)
def test_an_object_that_counts_is_found_once(seed):
    found, truth = random_case(seed)
    for f, t in zip(found, truth, strict=True):
        overlap = matching.overlaps(f.boxes, t.boxes)
        for match in matching.match_coco(overlap, matching.IOUS):
            taken = match[match >= 0]
            assert len(set(taken.tolist())) == len(taken)
        match, _ = matching.match_voc(overlap, 0.5)
        taken = match[match >= 0]
        assert len(set(taken.tolist())) == len(taken)
        assert (overlap[match >= 0, taken] > 0.5).all()


# --- curves --------------------------------------------------------------------------------------


def test_curve_by_hand():
    found = [made([[0, 0, 10, 10], FAR, [20, 20, 30, 30]], [0.9, 0.8, 0.3])]
    truth = [there([[0, 0, 10, 10], [20, 20, 30, 30]])]
    line = detection.precision_recall(found, truth, label=0)
    np.testing.assert_allclose(line.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(line.recall, [0.5, 0.5, 1])
    np.testing.assert_allclose(line.envelope(), [1, 2 / 3, 2 / 3])
    assert line.hits.tolist() == [True, False, True]
    assert line.objects == 2
    assert len(line) == 3
    assert line.at(0.95) == (1.0, 0.0)
    assert line.at(0.8) == (0.5, 0.5)
    assert line.at(0) == pytest.approx((2 / 3, 1.0))
    assert line.average_precision("voc") == pytest.approx(5 / 6)


@FEW
@given(SEEDS, STYLE, st.integers(0, 2))
def test_the_area_of_a_classs_curve_is_its_ap(seed, style, label):
    found, truth = random_case(seed)
    line = detection.precision_recall(found, truth, label=label, style=style)
    expected = detection.average_precision(found, truth, label=label, style=style)
    assert line.average_precision(style) == pytest.approx(expected)
    assert (np.diff(line.scores) <= 0).all()
    assert (np.diff(line.envelope()) <= 0).all()
    assert (line.envelope() >= line.precision).all()


@FEW
@given(SEEDS)
def test_all_classes_in_one_ranking_hold_what_each_holds(seed):
    found, truth = random_case(seed)
    together = detection.precision_recall(found, truth)
    each = [detection.precision_recall(found, truth, label=k) for k in range(4)]
    assert together.objects == sum(one.objects for one in each)
    assert together.hits.sum() == sum(one.hits.sum() for one in each)
    scores = np.concatenate([one.scores for one in each])
    np.testing.assert_array_equal(together.scores, np.sort(scores)[::-1])


def test_a_class_that_is_not_there():
    line = detection.precision_recall([made([BOX])], [there([BOX], [2])], label=0)
    assert np.isnan(line.recall).all()
    assert line.average_precision() == detection.ABSENT
    assert detection.average_precision([made([BOX])], [there([BOX], [2])], label=0) == -1
    assert detection.average_precision([], []) == -1
    assert len(detection.precision_recall([], [])) == 0


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 5))
def test_areas_of_one_curve_agree_roughly(hits, more):
    objects = sum(hits) + more
    assume(objects)
    right = np.cumsum(hits)
    precision, found = right / np.arange(1, len(hits) + 1), right / objects
    areas = {style: curve.area(precision, found, style) for style in curve.STYLES}
    assert abs(areas["coco"] - areas["voc"]) < 0.02  # two samplings of one area
    assert abs(areas["voc07"] - areas["voc"]) < 0.11


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (([1.0], [1.0], "x"), "style: got 'x', wanted one of 'coco', 'voc', 'voc07'"),
        (([1.0, 0.5], [0.5]), "recall: got a length of 1, wanted 2"),
        (([1.0, np.nan], [0.5, 1.0]), "precision: got nan at index 1"),
        (([1.0, 0.5], [np.nan, 1.0]), "recall: got nan at index 0"),
        (([1.0, 0.5], [0.5, 1.5]), "recall: got 1.5 at index 1"),
        (([1.0, 0.5], [1.0, 0.5]), "recall: got 1.0 and then 0.5 at index 1, .* do not fall"),
        (([[1.0]], [1.0]), r"precision: got an array of shape \(1, 1\)"),
        ((None, [1.0]), "precision: got None, wanted numbers"),
        (([1.0], "all"), "recall: got 'all'"),
    ],
)
def test_an_area_is_asked_of_a_curve(arguments, named):
    with pytest.raises(errors.InputError, match=named):
        detection.area(*arguments)


def test_an_empty_curve_has_no_area():
    assert [detection.area([], [], style) for style in detection.STYLES] == [0, 0, 0]


def test_result_as_a_table():
    truth = [there([BOX, [60, 60, 90, 90]], [0, 1])]
    result = detection.evaluate([made([BOX])], truth, ("cat", "dog", "owl"))
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines] == ["AP", "all", "cat", "dog", "owl"]
    assert lines[4].split()[1:] == ["-", "-", "-", "-", "0"]
    assert result.objects == 2
    assert result.ap50 == pytest.approx(0.5)


# --- proposals -----------------------------------------------------------------------------------


@FEW
@given(SEEDS, st.sampled_from([0.5, 0.7]))
def test_recall_of_proposals_counts_covered_objects(seed, threshold):
    found, truth = random_case(seed)
    tables = [f.boxes for f in found]
    counts = (1, 3, 100)
    ours = detection.recall(tables, truth, iou=threshold, counts=counts)
    assert list(ours) == list(counts)
    for count in counts:
        covered = total = 0
        for boxes, t in zip(tables, truth, strict=True):
            for box in t.boxes[~t.ignored]:
                total += 1
                covered += any(
                    matching.overlaps(one[None], box[None])[0, 0] >= threshold
                    for one in boxes[:count]
                )
        assert np.isnan(ours[count]) if not total else ours[count] == pytest.approx(covered / total)
    mean = detection.average_recall(tables, truth, counts=(3,))[3]
    each = [detection.recall(tables, truth, iou=t, counts=(3,))[3] for t in matching.IOUS]
    np.testing.assert_allclose(mean, np.mean(each))
    assert ours[1] <= ours[3] <= ours[100] or np.isnan(ours[1])


def test_recall_without_proposals():
    assert detection.recall([[]], [there([BOX])], counts=(5,)) == {5: 0.0}
    assert detection.recall([[BOX]], [there([BOX])], iou=1, counts=(5,)) == {5: 1.0}
    assert tuple(detection.recall([[BOX]], [there([BOX])])) == proposals.COUNTS


# --- bad input -----------------------------------------------------------------------------------

GOOD = [made([BOX])], [there([BOX])]


@pytest.mark.parametrize(
    ("found", "truth", "named"),
    [
        (GOOD[0] * 2, GOOD[1], "2 frames and truth of 1"),
        (GOOD[0][0], GOOD[1], "one Detections, wanted a list"),
        (GOOD[0], GOOD[1][0], "one Objects, wanted a list"),
        (GOOD[1], GOOD[0], r"found\[0\]: got an Objects"),
        ([BOX], GOOD[1], r"found\[0\]"),
        (None, GOOD[1], "found"),
        ("ab", GOOD[1], "found"),
        (GOOD[0], [None], r"truth\[0\]"),
    ],
)
def test_frames_that_are_none(found, truth, named):
    for judge in (
        lambda: detection.average_precision(found, truth),
        lambda: detection.precision_recall(found, truth),
        lambda: detection.evaluate(found, truth, NAMES),
    ):
        with pytest.raises(errors.InputError, match=named):
            judge()


@pytest.mark.parametrize(
    ("found", "truth", "names", "named"),
    [
        ([made([BOX], labels=[4])], GOOD[1], NAMES, r"found\[0\].labels: got class 4"),
        (GOOD[0], [there([BOX], [9])], NAMES, r"truth\[0\].labels: got class 9"),
        (*GOOD, "abcd", "class_names"),
        (*GOOD, ("a", "a"), "different"),
        (*GOOD, ("a", 1), "class_names"),
        (*GOOD, (), r"class 0, wanted classes below 0"),
    ],
)
def test_classes_without_names(found, truth, names, named):
    with pytest.raises(errors.InputError, match=named):
        detection.evaluate(found, truth, names)


@pytest.mark.parametrize(
    "options", [{"iou": 1.5}, {"iou": "x"}, {"style": "VOC"}, {"label": -1}, {"label": 0.5}]
)
def test_bad_options(options):
    for judge in (detection.average_precision, detection.precision_recall):
        with pytest.raises(errors.InputError, match=next(iter(options))):
            judge(*GOOD, **options)


@pytest.mark.parametrize(
    ("tables", "options"),
    [
        ([[BOX], [BOX]], {}),
        ([BOX], {}),
        ([[[np.nan] * 4]], {}),
        (None, {}),
        ([[BOX]], {"counts": (0,)}),
        ([[BOX]], {"counts": (1.5,)}),
        ([[BOX]], {"iou": -1}),
    ],
)
def test_bad_proposals(tables, options):
    with pytest.raises(errors.InputError):
        detection.recall(tables, GOOD[1], **options)


def test_nothing_given_is_changed():
    found, truth = random_case(5)
    copies = [f.boxes.copy() for f in found], [t.ignored.copy() for t in truth]
    detection.evaluate(found, truth, NAMES)
    for f, kept in zip(found, copies[0], strict=True):
        np.testing.assert_array_equal(f.boxes, kept)
    for t, kept in zip(truth, copies[1], strict=True):
        np.testing.assert_array_equal(t.ignored, kept)
