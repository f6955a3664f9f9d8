"""IoU, suppression and average precision without a browser: what is drawn is what is counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import errors, explorers, plots
from tracklab.explorers import BoxCanvas
from tracklab.explorers import iou as overlap
from tracklab.explorers import nms as loop
from tracklab.explorers import precision_recall as ranked
from tracklab.metrics import detection as metrics

SQUARE = (40.0, 40.0, 60.0, 60.0)


def boxes_in(height, width):
    def pair(low, high):
        return st.tuples(st.floats(low, high, width=32), st.floats(4, 40, width=32))

    return st.tuples(pair(0, width - 48), pair(0, height - 48)).map(
        lambda v: (v[0][0], v[1][0], v[0][0] + v[0][1], v[1][0] + v[1][1])
    )


@pytest.fixture(scope="module")
def two():
    return explorers.explore("iou")


def parts(made):
    """The list and the canvas of the explorer "iou"."""
    view = next(v for v in made.children[1].children if len(getattr(v, "children", ())) == 2)
    return view.children


class TestOverlap:
    @given(boxes_in(*overlap.SIZE), boxes_in(*overlap.SIZE))
    def test_numbers_are_those_of_boxes(self, truth, guess):
        found = overlap.compare(truth, guess)
        assert found.iou == pytest.approx(float(bx.iou([truth], [guess])[0, 0]), abs=1e-6)
        assert found.giou == pytest.approx(float(bx.giou([truth], [guess])[0, 0]), abs=1e-6)
        assert found.intersection == pytest.approx(found.iou * found.union, rel=1e-3, abs=1e-2)

    @given(boxes_in(*overlap.SIZE), boxes_in(*overlap.SIZE), st.floats(0.05, 0.95))
    def test_play_is_how_far_the_guess_slides_and_still_counts(self, truth, guess, threshold):
        play = overlap.compare(truth, guess, threshold).play
        ious = overlap.slide(truth, guess)[0]
        counted = 0.5 * int((ious >= threshold).sum())  # `offsets` are half a pixel apart
        assert play == pytest.approx(counted, abs=0.51)

    def test_the_same_shift_costs_a_small_square_more(self):
        ious = overlap.shifted(3, 0)
        assert (np.diff(ious) >= 0).all()
        # two squares of side s, shifted by d < s: (s - d) / (s + d)
        sides = overlap.SIDES.astype(float)
        expected = np.clip((sides - 3) / (sides + 3), 0, None)
        np.testing.assert_allclose(ious, expected, atol=1e-5)

    @pytest.mark.parametrize(
        ("name", "iou", "said"),
        [
            ("half of each shared", 1 / 3, "a miss at 0.50"),
            ("the same box", 1, "a hit at 0.50"),
            ("one inside the other", 1 / 4, "a miss"),
            ("touching", 0, "IoU is 0 however far apart"),
            ("apart", 0, "IoU is 0 however far apart"),
            ("a small box, 3 pixels off", 9 / 15, "12-pixel squares an IoU of 0.60"),
            ("a big box, 3 pixels off", 93 / 99, "96-pixel squares 0.94"),
        ],
    )
    def test_what_is_known_has_the_overlap_that_it_says(self, two, name, iou, said):
        two.set(boxes=overlap.PRESETS[name], threshold=0.5)
        assert overlap.compare(*overlap.PRESETS[name]).iou == pytest.approx(iou, abs=1e-6)
        assert f"IoU {iou:.3f}" in two.caption
        assert said in two.caption

    def test_an_overlap_that_equals_the_threshold_is_a_hit(self, two):
        two.set(boxes=overlap.PRESETS["a small box, 3 pixels off"], threshold=0.6)
        assert "IoU 0.600, a hit at 0.60" in two.caption

    def test_only_giou_tells_how_far_apart_boxes_are(self):
        near, far = (overlap.compare(SQUARE, np.add(SQUARE, (d, 0, d, 0))) for d in (25, 100))
        assert near.iou == far.iou == 0
        assert far.giou < near.giou < 0

    def test_list_and_canvas_follow_each_other(self, two):
        two.reset()
        names, canvas = parts(two)
        names.value = "touching"
        assert two.params["boxes"] == overlap.PRESETS["touching"]
        before = two.drawings
        canvas.boxes = [list(SQUARE), [45, 40, 65, 60]]
        assert two.drawings == before + 1
        assert names.value == overlap.OWN
        assert "centres 5.0 pixels apart" in two.caption
        two.set(threshold=0.9)
        assert canvas.threshold == 0.9

    def test_readers_without_a_kernel_see_canvas_and_panels(self, two):
        still = plots.decode(two.standing())
        panels, canvas = plots.decode(two.picture), plots.decode(parts(two)[1].picture())
        assert len(still) == len(panels) + len(canvas)
        assert panels.shape[1] == canvas.shape[1] == still.shape[1]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"boxes": [SQUARE]}, "1 boxes"),
            ({"boxes": [SQUARE, (9, 9, 1, 1)]}, "boxes"),
            ({"threshold": 1.5}, "threshold"),
            ({"threshold": "half"}, "threshold"),
        ],
    )
    def test_bad_options(self, options, said):
        with pytest.raises(errors.InputError, match=said):
            explorers.explore("iou", **options)


def test_a_canvas_that_compares_says_both_numbers_and_shades_what_is_shared():
    canvas = BoxCanvas(size=(60, 80), boxes=[[0, 0, 40, 40], [20, 0, 60, 40]], compare=True)
    assert "IoU 0.333, GIoU 0.333" in canvas.caption
    scale = canvas.shown_scale
    pixels = plots.decode(canvas.picture())
    assert pixels[int(30 * scale), int(30 * scale)].tolist() == [240, 228, 66]
    canvas.boxes = [[0, 0, 40, 40]]
    assert "IoU" not in canvas.caption
    for wrong in ({"threshold": 2}, {"rules": -1}):
        with pytest.raises(errors.InputError):
            BoxCanvas(size=(60, 80), **wrong)


START = {
    "method": loop.HARD,
    "overlap": 0.5,
    "score": 0.3,
    "step": loop.MOST_ROWS,
    "seed": loop.FIRST_SAMPLE,
}


def walked(**settings):
    return loop.draw(**START | settings)


class TestSuppression:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("floor", [0.0, 0.001, 0.3, 0.9, 1.0])
    @pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 1.0])
    def test_the_loop_is_that_of_boxes(self, seed, floor, threshold):
        found = loop.answers(seed)
        kept = [s.best for s in loop.trace(found, loop.HARD, floor=floor, threshold=threshold)]
        above = found.above(floor)
        expected = bx.nms(above.boxes, above.scores, labels=above.labels, threshold=threshold)
        assert kept == expected.tolist()
        for method, name in ((loop.LINEAR, "linear"), (loop.GAUSSIAN, "gaussian")):
            steps = loop.trace(found, method, floor=floor, threshold=threshold)
            index, scores = bx.soft_nms(
                found.boxes,
                found.scores,
                method=name,
                sigma=loop.SIGMA,
                threshold=threshold,
                floor=floor,
                labels=found.labels,
            )
            # a box without score or overlap may come or not: no learner sees it
            some = [s for s in steps if s.scores[s.best] > 0]
            assert [s.best for s in some] == index[scores > 0].tolist()
            np.testing.assert_allclose(
                [s.scores[s.best] for s in some], scores[scores > 0], rtol=1e-5
            )
        everything = loop.trace(found, loop.NONE, floor=floor, threshold=threshold)
        assert [s.best for s in everything] == list(range(len(above)))

    def test_a_low_threshold_kills_a_neighbour_and_soft_methods_keep_it(self):
        assert walked().numbers["recall"] == 1
        low = walked(overlap=0.25)
        assert low.numbers["objects not found"] == 1
        assert "Not found: a crescent." in low.caption
        for method in (loop.LINEAR, loop.GAUSSIAN):
            assert walked(method=method, overlap=0.25).numbers["recall"] == 1

    def test_two_objects_of_one_class_stand_close(self):
        objects = loop.scene().objects
        close = np.triu(bx.iou(objects.boxes, objects.boxes), 1)
        same = objects.labels[:, None] == objects.labels
        assert ((close > 0.3) & (close < 0.5) & same).any()

    def test_without_suppression_precision_is_low(self):
        every = walked(method=loop.NONE)
        assert every.numbers["kept at the end"] == every.numbers["detections"]
        assert every.numbers["precision"] < 0.5 < walked().numbers["precision"]

    @pytest.mark.parametrize("method", loop.METHODS)
    def test_every_step_has_its_picture_and_words(self, method):
        found = loop.answers(START["seed"])
        steps = loop.trace(found, method, floor=0.3, threshold=0.5)
        assert len(steps) <= loop.MOST_ROWS
        seen = set()
        for step in range(len(steps) + 1):
            drawing = walked(method=method, step=step)
            assert f"Step {step} of {len(steps)}" in drawing.caption
            if step:
                assert f"takes number {steps[step - 1].best + 1}," in drawing.caption
            seen.add(drawing.picture.tobytes())
        assert len(seen) == len(steps) + 1
        np.testing.assert_array_equal(
            walked(method=method, step=len(steps)).picture, walked(method=method).picture
        )

    def test_all_ends_together(self):
        ends = itertools.product(
            loop.METHODS, (0.0, 1.0), (0.0, 1.0), (0, 1, loop.MOST_ROWS), (0, 12345)
        )
        for method, cut, score, step, seed in ends:
            drawing = walked(method=method, overlap=cut, score=score, step=step, seed=seed)
            numbers = drawing.numbers
            assert numbers["right"] + numbers["objects not found"] == loop.OBJECTS
            assert drawing.picture.std() > 0
            assert drawing.caption

    def test_begins_as_the_tests_do(self):
        assert explorers.explore("nms").params == START
        with pytest.raises(errors.InputError, match="'soft, linear'"):
            explorers.explore("nms", method="softer")


RANKED = {
    "score": 0.5,
    "iou": 0.5,
    "style": "COCO: 101 recalls",
    "suppress": True,
    "seed": ranked.FIRST_SAMPLE,
}


@pytest.fixture(scope="module")
def chart():
    return ranked.Chart()


class TestPrecisionRecall:
    @pytest.mark.parametrize("style", ranked.STYLES)
    @pytest.mark.parametrize("suppress", [False, True])
    @pytest.mark.parametrize("iou", [0.3, 0.5, 0.75])
    def test_the_marks_in_the_frames_are_the_point_on_the_curve(self, chart, style, suppress, iou):
        found = ranked.answers(3, suppress)
        truth = [frame.objects for frame in ranked.frames()]
        rule = ranked.STYLES[style]
        curve = metrics.precision_recall(found, truth, iou=iou, label=0, style=rule)
        for score in (0.0, 0.2, 0.5, 0.8, 0.94):
            settings = RANKED | {"style": style, "suppress": suppress, "iou": iou, "seed": 3}
            numbers = ranked.draw(chart, **settings | {"score": score}).numbers
            precision, recall = curve.at(score)
            assert numbers["precision"] == pytest.approx(precision)
            assert numbers["recall"] == pytest.approx(recall)
            assert numbers["AP"] == metrics.average_precision(
                found, truth, iou=iou, style=rule, label=0
            )
            marked = [
                ranked.judged(one, there, score, iou, rule)
                for one, there in zip(found, truth, strict=True)
            ]
            assert sum(v.missed.sum() for v in marked) == numbers["missed"]
            assert sum((~v.right).sum() for v in marked) == numbers["false alarms"]

    def test_the_score_trades_misses_for_false_alarms_and_leaves_ap(self, chart):
        low, high = (ranked.draw(chart, **RANKED | {"score": s}) for s in (0.1, 0.9))
        assert low.numbers["recall"] > high.numbers["recall"]
        assert low.numbers["precision"] < high.numbers["precision"]
        assert low.numbers["AP"] == high.numbers["AP"]

    def test_a_larger_iou_and_duplicates_cost_ap(self, chart):
        start = ranked.draw(chart, **RANKED).numbers["AP"]
        assert ranked.draw(chart, **RANKED | {"iou": 0.8}).numbers["AP"] < start
        assert ranked.draw(chart, **RANKED | {"suppress": False}).numbers["AP"] < start

    def test_the_chart_shows_envelope_samples_and_point(self, chart):
        found = ranked.answers(3, True)
        truth = [frame.objects for frame in ranked.frames()]
        for rule, samples in (("voc07", 11), ("coco", 101), ("voc", 0)):
            curve = metrics.precision_recall(found, truth, label=0, style=rule)
            chart.pixels(curve, 0.5, rule)
            x, y = chart.top.get_data()
            assert (np.diff(y) <= 0).all()
            assert len(chart.sums.get_segments()) == samples
            assert chart.area.get_visible() == (rule == "voc")
            assert chart.point.get_xydata()[0].tolist() == list(curve.at(0.5)[::-1])
            area = float(np.trapezoid(y, x))
            assert area == pytest.approx(metrics.area(curve.precision, curve.recall, "voc"))

    def test_all_ends_together(self, chart):
        ends = itertools.product((0.0, 1.0), (0.3, 0.95), ranked.STYLES, (False, True), (0, 12345))
        for score, iou, style, suppress, seed in ends:
            drawing = ranked.draw(
                chart, score=score, iou=iou, style=style, suppress=suppress, seed=seed
            )
            numbers = drawing.numbers
            assert numbers["right"] + numbers["missed"] == 4 * ranked.OBJECTS
            assert np.isfinite(numbers["AP"])
            assert style in drawing.caption

    def test_begins_as_the_tests_do(self):
        assert explorers.explore("precision-recall").params == RANKED
        with pytest.raises(errors.InputError, match="score"):
            explorers.explore("precision-recall", score=2.0)
