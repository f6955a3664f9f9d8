"""Figures about detectors: the numbers drawn are those given, and words say the same."""

import itertools

import numpy as np
import pictured
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from test_detection_metrics import NAMES, random_case

from tracklab import boxes as bx
from tracklab import errors, plots
from tracklab.detections import Detections, Objects
from tracklab.metrics import detection
from tracklab.metrics import detection_errors as why
from tracklab.plots import detection as figures

FOUND, TRUTH = random_case(7)
IMAGES = np.random.default_rng(0).integers(0, 256, (len(TRUTH), 60, 80, 3), np.uint8)
RECALLS = {"windows": {10: 0.1, 100: 0.5}, "RPN": {10: 0.8, 100: 0.97, 300: 0.99}}
TIMES = {"fast": {"backbone": 4.0, "heads": 1.0}, "slow": {"heads": 20.0, "windows": 80.0}}
ROWS = {"a": {"AP50": [0.9, 0.95], "CPU ms": 6.0}, "b": {"AP50": 0.5}}
ANCHORS = np.array([[0, 0, 20, 20], [5, 5, 25, 25], [40, 40, 60, 60]])


def curve(seed=7):
    return detection.precision_recall(*random_case(seed))


EXAMPLES = {
    "precision_recall": lambda: plots.precision_recall(
        {"a": curve(), "b": curve(9)}, title="a is better", score=0.5
    ),
    "recall_against_count": lambda: plots.recall_against_count(RECALLS, title="RPN covers more"),
    "time_by_part": lambda: plots.time_by_part(TIMES, title="Windows cost"),
    "scoreboard": lambda: plots.scoreboard(ROWS, title="a wins", highlight="a"),
    "mistakes_by_kind": lambda: plots.mistakes_by_kind(
        {"a": why.count_kinds(FOUND, TRUTH), "b": why.count_kinds(*random_case(9))}, title="Kinds"
    ),
    "gallery": lambda: plots.gallery(
        IMAGES, FOUND, TRUTH, why.worst(FOUND, TRUTH), title="The worst", class_names=NAMES
    ),
    "anchors_on": lambda: plots.anchors_on(
        IMAGES[0], ANCHORS, [0, 0, -1], [[2, 2, 22, 22]], title="Two anchors learn it"
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    pictured.check(EXAMPLES[name], largest=400_000)


def test_words_that_are_given_are_kept():
    assert plots.time_by_part(TIMES, title="t", alt="So it is.").alt == "So it is."


# --- curves and bars -----------------------------------------------------------------------------


def test_the_area_below_the_thick_line_is_the_ap_in_its_name():
    line = curve()
    fig = plots.precision_recall({"a": line}, title="t", sum_by="voc")
    thin, thick = fig.axes[0].lines
    np.testing.assert_array_equal(thin.get_xdata(), line.recall)
    np.testing.assert_array_equal(thin.get_ydata(), line.precision)
    x, y = thick.get_xdata(), thick.get_ydata()
    assert thick.get_drawstyle() == "steps-pre"
    area = (np.diff(x) * y[1:]).sum()
    assert area == pytest.approx(line.average_precision("voc"))
    assert [t.get_text() for t in fig.axes[0].texts] == [f"a\nAP {area:.3f}"]
    assert f"a {area:.3f}" in fig.alt


def test_a_dot_marks_the_score():
    line = curve()
    dot = plots.precision_recall({"a": line}, title="t", score=0.5).axes[0].lines[-1]
    assert (dot.get_ydata()[0], dot.get_xdata()[0]) == line.at(0.5)


def test_a_curve_of_nothing_found():
    nothing = detection.precision_recall([Detections.empty()], [Objects([[0, 0, 9, 9]], [0])])
    fig = plots.precision_recall({"none": nothing, "some": curve()}, title="t")
    assert "none 0.000" in fig.alt
    plots.figure_to_png(fig)


def test_lines_differ_without_colour():
    fig = plots.recall_against_count(RECALLS, title="t")
    lines = fig.axes[0].lines
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == len(RECALLS)
    np.testing.assert_array_equal(lines[1].get_xdata(), [10, 100, 300])
    np.testing.assert_array_equal(lines[1].get_ydata(), [0.8, 0.97, 0.99])
    assert "0.97 of 100" in fig.alt
    fig = plots.precision_recall({str(k): curve(k) for k in (7, 9)}, title="t")
    thick = [line for line in fig.axes[0].lines if line.get_drawstyle() == "steps-pre"]
    assert len({line.get_linestyle() for line in thick}) == 2


def test_stacked_bars_add_up_and_a_part_keeps_its_look():
    fig = plots.time_by_part(TIMES, title="t")
    bars = fig.axes[0].patches
    ends = {}
    for bar in bars:
        row = round(bar.get_y() + bar.get_height() / 2)
        assert bar.get_x() == pytest.approx(ends.get(row, 0.0))
        ends[row] = bar.get_x() + bar.get_width()
    assert ends == {0: 5.0, 1: 100.0}
    heads = [bar for bar in bars if bar.get_width() in (1.0, 20.0)]
    assert len({(to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in heads}) == 1
    looks = {(to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in bars}
    assert len(looks) == 3
    assert [text.get_text() for text in fig.legends[0].texts] == ["backbone", "heads", "windows"]
    assert {"5", "100"} <= {text.get_text() for text in fig.axes[0].texts}


def test_a_scoreboard_has_a_column_for_each_measure():
    fig = plots.scoreboard(ROWS, title="t", form={"AP50": "{:.2f}"})
    first, second = fig.axes
    assert [first.get_xlabel(), second.get_xlabel()] == ["AP50", "CPU ms"]
    assert [bar.get_width() for bar in first.patches] == pytest.approx([0.925, 0.5])
    assert len(second.patches) == 1
    assert [text.get_text() for text in first.texts] == [f"{0.925:.2f}", "0.50"]
    np.testing.assert_array_equal(first.lines[0].get_xdata(), [0.9, 0.95])
    assert first.get_yticklabels()[1].get_text() == "b"


def test_kinds_are_drawn_in_their_order_for_one_model_and_for_several():
    counts = why.count_kinds(FOUND, TRUTH)
    fig = plots.mistakes_by_kind(dict(reversed(counts.items())), title="t")
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == list(why.KINDS)
    widths = {round(b.get_y() + b.get_height() / 2): b.get_width() for b in fig.axes[0].patches}
    assert [widths[k] for k in range(6)] == list(counts.values())
    assert not fig.legends
    two = plots.mistakes_by_kind({"a": counts, "b": counts}, title="t")
    assert [text.get_text() for text in two.legends[0].texts] == ["a", "b"]
    assert len(two.axes[0].patches) == 12
    assert len({bar.get_hatch() for bar in two.axes[0].patches}) == 2
    gains = plots.mistakes_by_kind({"missed": -0.01, "duplicate": 0.2}, title="t")
    assert gains.axes[0].get_xlim()[0] == -0.01


# --- pictures ------------------------------------------------------------------------------------


def hand_made():
    images = np.full((3, 40, 40, 3), 120, np.uint8)
    found = [
        Detections([[5, 5, 20, 20], [22, 22, 38, 38]], [0.9, 0.3], [0, 1]),
        Detections([[5, 5, 20, 20]], [0.8], [0]),
        Detections.empty(),
    ]
    truth = [
        Objects([[5, 5, 20, 20], [22, 22, 38, 38]], [1, 1]),
        Objects([[5, 5, 20, 20]], [0]),
        Objects([[5, 5, 20, 20]], [0]),
    ]
    return images, found, truth


def test_a_gallery_shows_truth_detections_and_reasons():
    images, found, truth = hand_made()
    names = ("cat", "dog")
    worst = why.worst(found, truth, class_names=names)
    assert [one.frame for one in worst] == [0, 2]
    fig = plots.gallery(images, found, truth, worst, title="t", class_names=names)
    said = [text.get_text().replace("\n", " ") for text in fig.axes[0].texts]
    assert "Frame 0: dog missed (seen with only 0.30); also 1 wrong class" in said
    assert "Frame 2: cat missed" in said
    assert said.count("cat 0.90") == 1
    assert "dog 0.30" not in said  # not sure enough to be looked at
    boxes = [p for p in fig.axes[0].patches if isinstance(p, Rectangle) and not p.get_fill()]
    solid = [p for p in boxes if p.get_linestyle() == "-"]
    dashed = [p for p in boxes if p.get_linestyle() == "--"]
    assert (len(solid), len(dashed)) == (3, 1)
    assert {to_hex(p.get_edgecolor()).upper() for p in solid} == {figures.TRUTH}
    assert "Frame 0" not in fig.alt
    assert "frame 0: dog missed" in fig.alt


def test_boxes_lie_where_they_are_in_the_picture():
    images, found, truth = hand_made()
    worst = why.worst(found, truth)[-1:]
    ax = plots.gallery(images, found, truth, worst, title="t").axes[0]
    left, right, bottom, top = ax.images[0].get_extent()
    box = next(p for p in ax.patches if p.get_linewidth() == 1.6)
    x1, y1 = (box.get_x() - left) / (right - left), (box.get_y() - top) / (bottom - top)
    np.testing.assert_allclose([x1, y1], [5 / 40, 5 / 40])
    np.testing.assert_allclose(box.get_width() / (right - left), 15 / 40)


def test_names_keep_inside_the_picture_and_off_each_other():
    frame = Rectangle((0, 0), 200, 150)
    fig, ax = plots.figure()
    taken = []
    spots = [[0, 0, 10, 10], [150, 140, 220, 160], [60, 60, 90, 90], [62, 61, 90, 90]]
    for box in spots:
        figures._name_box(ax, np.array(box), "pentagon 0.99", "#E69F00", frame, taken, above=True)
    for x, y, wide, tall in taken:
        assert x >= 0
        assert x + wide <= 200
        assert y >= 0
        assert y + tall <= 150
    for (x, y, w, h), (a, b, c, d) in itertools.combinations(taken, 2):
        assert x + w <= a or a + c <= x or y + h <= b or b + d <= y
    assert fig.axes


def test_a_gallery_takes_images_of_any_size():
    images, found, truth = hand_made()
    sizes = [images[0], np.zeros((300, 100, 3), np.uint8), np.zeros((20, 90, 3), np.uint8)]
    worst = why.worst(found, truth)
    for columns in (1, 2, 5):
        fig = plots.gallery(sizes, found, truth, worst, title="t", columns=columns)
        assert plots.figure_to_rgb(fig).shape[1] <= 720


def test_anchors_are_drawn_with_their_object():
    fig = EXAMPLES["anchors_on"]()
    boxes = [p for p in fig.axes[0].patches if isinstance(p, Rectangle)]
    dashed = [p for p in boxes if p.get_linestyle() == "--"]
    assert [(p.get_x(), p.get_y()) for p in dashed] == [(0, 0), (5, 5)]
    assert [text.get_text() for text in fig.axes[0].texts] == ["object 0: 2"]
    anchors = bx.as_boxes(ANCHORS)
    none = plots.anchors_on(IMAGES[0], anchors, [-1, -2, -1], np.zeros((0, 4)), title="t")
    assert not none.axes[0].patches


# --- bad input -----------------------------------------------------------------------------------

WORST = why.worst(FOUND, TRUTH)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: plots.precision_recall({}, title="t"), "curves"),
        (lambda: plots.precision_recall({"a": ([1], [1])}, title="t"), "a Curve"),
        (
            lambda: plots.precision_recall({"a": detection.precision_recall([], [])}, title="t"),
            "no object to find",
        ),
        (lambda: plots.precision_recall({"a": curve()}, title="t", sum_by="x"), "style"),
        (lambda: plots.recall_against_count({}, title="t"), "recalls"),
        (lambda: plots.recall_against_count({"a": {}}, title="t"), "recalls"),
        (lambda: plots.recall_against_count({"a": {10: np.nan}}, title="t"), "recalls"),
        (lambda: plots.recall_against_count({"a": {0: 0.5}}, title="t"), "count"),
        (lambda: plots.time_by_part({}, title="t"), "times"),
        (lambda: plots.time_by_part({"a": {"b": -1}}, title="t"), "times"),
        (lambda: plots.scoreboard({}, title="t"), "rows"),
        (lambda: plots.scoreboard({"a": {"AP": np.nan}}, title="t"), "finite"),
        (lambda: plots.scoreboard({"a": {"AP": []}}, title="t"), "finite"),
        (lambda: plots.scoreboard({"a": {"AP": "x"}}, title="t"), "finite"),
        (lambda: plots.scoreboard(ROWS, title="t", highlight="c"), "highlight"),
        (lambda: plots.mistakes_by_kind({}, title="t"), "values"),
        (lambda: plots.mistakes_by_kind({"typo": 1}, title="t"), "kind"),
        (lambda: plots.mistakes_by_kind({"missed": np.inf}, title="t"), "missed"),
        (lambda: plots.mistakes_by_kind({"a": {"missed": 1}, "b": 2}, title="t"), "'b'"),
        (lambda: plots.gallery(IMAGES, FOUND, TRUTH, [], title="t"), "mistakes"),
        (lambda: plots.gallery(IMAGES, FOUND, TRUTH, [1], title="t"), "a Worst"),
        (lambda: plots.gallery(IMAGES[1:], FOUND, TRUTH, WORST, title="t"), "as many"),
        (
            lambda: plots.gallery(
                IMAGES[:1], FOUND[:1], TRUTH[:1], [w for w in WORST if w.frame], title="t"
            ),
            "frames below 1",
        ),
        (lambda: plots.gallery(IMAGES, FOUND, TRUTH, WORST, title="t", columns=0), "columns"),
        (lambda: plots.anchors_on(IMAGES[0], ANCHORS, [0], ANCHORS, title="t"), "matches"),
        (lambda: plots.anchors_on(IMAGES[0], ANCHORS, [0, 1, 3], ANCHORS, title="t"), "object 3"),
        (
            lambda: plots.anchors_on(
                IMAGES[0], ANCHORS, [0, 1, 2], ANCHORS, names=["a"], title="t"
            ),
            "names",
        ),
    ],
)
def test_bad_input(call, named):
    with pytest.raises(errors.InputError, match=named):
        call()
