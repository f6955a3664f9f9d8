"""Figures about trackers of one object: what is drawn is what was measured, and words say it."""

import doctest

import numpy as np
import pictured
import pytest

from tracklab import clips, errors, plots, scenes
from tracklab.metrics import single
from tracklab.plots import losing

BOX = np.array([10.0, 20, 30, 40])
TRUTH = np.array([BOX] * 60)
AWAY = BOX + 500


def follower(step, seed=0):
    """A tracker that drifts off by about so many pixels a frame."""
    drift = np.cumsum(np.random.default_rng(seed).normal(0, step, (60, 1)), 0)
    return TRUTH + drift - drift[0]


def judged(step, ms, count=4):
    times = np.full(60, ms / 1000)
    tags = [("occlusion", "noise"), ("noise",), ("rotation",), ("low_contrast", "rotation")]
    return single.evaluate_all(
        {
            f"clip {k}": single.evaluate(
                follower(step, k),
                TRUTH,
                seconds=times,
                cpu_seconds=times,
                attributes=tags[k % len(tags)],
            )
            for k in range(count)
        }
    )


RESULTS = {"slow": judged(4, 20), "best": judged(0.5, 5), "fast": judged(8, 0.5)}
HELD = np.where(np.isin(np.arange(60), range(20, 40))[:, None], AWAY, TRUTH)
GONE = np.where((np.arange(60) >= 30)[:, None], AWAY, TRUTH)
BLANK = np.where(np.isin(np.arange(60), range(5, 9))[:, None], np.nan, TRUTH)
TRACKS = {"comes back": HELD, "is gone": GONE, "holds": TRUTH}
EXAMPLES = {
    "success_plot": lambda: plots.success_plot(RESULTS, title="The best is best"),
    "precision_plot": lambda: plots.precision_plot(RESULTS, title="The best is best"),
    "normalized_precision_plot": lambda: plots.normalized_precision_plot(RESULTS, title="Best"),
    "by_attribute": lambda: plots.by_attribute(RESULTS, title="Rotation is hard for the fast"),
    "overlap_over_time": lambda: plots.overlap_over_time(TRACKS, BLANK, title="Two lose it"),
    "one track": lambda: plots.overlap_over_time({"it": GONE[:9]}, TRUTH[:9], title="A", fps=25),
    "accuracy_against_speed": lambda: plots.accuracy_against_speed(RESULTS, title="Best"),
    "frames a second": lambda: plots.accuracy_against_speed(RESULTS, title="B", speed="frames/s"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    fig = EXAMPLES[name]
    if name in ("overlap_over_time",):  # the upper of its axes share the lowest one's label
        png = plots.figure_to_png(fig())
        assert len(png) < 150_000
        assert len(fig().alt) > 40
    else:
        pictured.check(fig)


def test_words_that_are_given_are_kept():
    assert plots.success_plot(RESULTS, title="t", alt="So it is.").alt == "So it is."
    assert plots.overlap_over_time(TRACKS, TRUTH, title="t", alt="So it is.").alt == "So it is."


@pytest.mark.parametrize(
    ("plot", "curve", "thresholds", "figure"),
    [
        (plots.success_plot, "success", single.OVERLAPS, "AUC"),
        (plots.precision_plot, "precision", single.PIXELS, "P20"),
        (plots.normalized_precision_plot, "normalized", single.SHARES, "NP AUC"),
    ],
)
def test_curves_are_those_that_were_measured_and_the_legend_is_ordered(
    plot, curve, thresholds, figure
):
    ax = plot(RESULTS, title="t").axes[0]
    for line, one in zip(ax.lines, RESULTS.values(), strict=False):
        np.testing.assert_array_equal(line.get_xdata(), thresholds)
        np.testing.assert_array_equal(line.get_ydata(), getattr(one.combined, curve))
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3
    legend = ax.get_legend()
    scores = {name: one.combined.as_dict()[figure] for name, one in RESULTS.items()}
    ranked = sorted(scores, key=scores.get, reverse=True)
    assert ranked[0] == "best"
    assert [text.get_text() for text in legend.texts] == [f"{n} [{scores[n]:.3f}]" for n in ranked]
    colors = {line.get_color() for line in ax.lines[1:2]}
    assert legend.legend_handles[0].get_color() in colors  # the best is the second that came


def test_precision_marks_where_it_is_read_off():
    marks = plots.precision_plot(RESULTS, title="t").axes[0].lines[len(RESULTS) :]
    assert [list(line.get_xdata()) for line in marks] == [[20, 20]]


def test_success_may_show_another_figure():
    fig = plots.success_plot({"one": RESULTS["best"].combined}, title="t", of="AO")
    assert (
        f"one [{RESULTS['best'].combined.ao:.3f}]" in fig.axes[0].get_legend().texts[0].get_text()
    )
    assert f"AO: one {RESULTS['best'].combined.ao:.3f}" in fig.alt


def test_attributes_are_rows_and_trackers_marks():
    fig = plots.by_attribute(RESULTS, title="t")
    ax = fig.axes[0]
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(rows) == ["low contrast (1)", "noise (2)", "occlusion (1)", "rotation (2)"]
    marks = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(marks) == list(RESULTS)
    assert len({line.get_marker() for line in marks.values()}) == len(RESULTS)
    place = [row.split(" (")[0] for row in rows].index("noise")
    for name, line in marks.items():
        drawn = dict(zip(line.get_ydata(), line.get_xdata(), strict=True))
        assert drawn[place] == pytest.approx(RESULTS[name].by_attribute()["noise"].auc)
    best = [
        max(line.get_xdata()[list(line.get_ydata()).index(k)] for line in marks.values())
        for k in range(len(rows))
    ]
    assert best == sorted(best, reverse=True)


def test_losses_are_marked_where_they_are():
    fig = plots.overlap_over_time(TRACKS, BLANK, title="t")
    for ax, name in zip(fig.axes, TRACKS, strict=True):
        curve = ax.lines[0]
        np.testing.assert_array_equal(
            curve.get_ydata(), single.compare(TRACKS[name], BLANK).overlaps
        )
        crosses = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "X"]
        rings = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
        expected = {"comes back": ([20], [40]), "is gone": ([30], []), "holds": ([], [])}
        assert (crosses, rings) == expected[name]
    assert "comes back: mean overlap 0.64, lost at frame 20, back at 40" in fig.alt
    assert "is gone: mean overlap 0.46, lost at frame 30 for good" in fig.alt
    assert "holds: mean overlap 1.00, never lost" in fig.alt
    assert "hatched" in fig.axes[0].get_title(loc="left")


def test_losses_in_seconds():
    fig = plots.overlap_over_time(TRACKS, TRUTH, title="t", fps=10)
    assert fig.axes[-1].get_xlabel() == "time (s)"
    assert "lost at second 2, back at 4" in fig.alt
    assert fig.axes[0].lines[0].get_xdata()[-1] == pytest.approx(5.9)
    assert "hatched" not in fig.axes[0].get_title(loc="left")


def test_the_front_is_of_those_whom_none_beats():
    ax = plots.accuracy_against_speed(RESULTS, title="t").axes[0]
    front, *points = ax.lines
    best, fast = (RESULTS[name].combined for name in ("best", "fast"))
    np.testing.assert_allclose(front.get_xdata(), [fast.cpu_ms, best.cpu_ms])
    np.testing.assert_allclose(front.get_ydata(), [fast.auc, best.auc])
    assert len(points) == 3
    assert ax.get_xscale() == "log"
    ax = plots.accuracy_against_speed(RESULTS, title="t", speed="frames/s").axes[0]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [2000, 200])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.success_plot({}, title="t"), "results: got none"),
        (lambda: plots.success_plot([0.5], title="t"), "results: got a list"),
        (lambda: plots.success_plot({"a": 0.5}, title="t"), "a Result"),
        (lambda: plots.success_plot(RESULTS, title="t", of="P20"), "of"),
        (
            lambda: plots.success_plot(
                dict.fromkeys(map(str, range(13)), RESULTS["best"]), title="t"
            ),
            "13 trackers",
        ),
        (lambda: plots.by_attribute({"a": RESULTS["best"].combined}, title="t"), "Results of"),
        (lambda: plots.by_attribute(RESULTS, title="t", figure_of="IoU"), "figure_of"),
        (
            lambda: plots.by_attribute({"a": single.evaluate_all([(TRUTH, TRUTH)])}, title="t"),
            "without attributes",
        ),
        (lambda: plots.overlap_over_time({}, TRUTH, title="t"), "tracks"),
        (lambda: plots.overlap_over_time(TRACKS, TRUTH[1:], title="t"), "60 frames of pred"),
        (lambda: plots.overlap_over_time(TRACKS, TRUTH, title="t", fps=0), "fps"),
        (lambda: plots.accuracy_against_speed(RESULTS, title="t", speed="s"), "speed"),
        (lambda: plots.accuracy_against_speed(RESULTS, title="t", figure_of="s"), "figure_of"),
        (
            lambda: plots.accuracy_against_speed({"a": single.evaluate(TRUTH, TRUTH)}, title="t"),
            "without times",
        ),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()


def test_one_frame_and_a_tracker_that_never_moves_are_drawn():
    plots.figure_to_png(plots.overlap_over_time({"a": TRUTH[:1]}, TRUTH[:1], title="t"))
    lost = {"a": single.evaluate(np.full((60, 4), np.nan), TRUTH)}
    plots.figure_to_png(plots.success_plot(lost, title="t"))


# --- moments of a clip ----------------------------------------------------------------------------

CLIP = scenes.render(seed=3, frames=60, objects=1)
KNOWN = CLIP.truth.boxes[:, 0].astype(float)
LOSING = {
    "comes back": np.where(np.isin(np.arange(60), range(20, 40))[:, None], KNOWN + 500, KNOWN),
    "is gone": np.where((np.arange(60) >= 30)[:, None], KNOWN + 500, KNOWN),
}


def moments_told(fig):
    """Frames of which a figure tells, and what it says of the first."""
    told = fig.alt.split("true box: ")[1].rstrip(".").split("; ")
    return [int(one.split(":")[0].removeprefix("frame ")) for one in told], told[0]


def test_moments_are_those_around_the_first_loss():
    fig = pictured.check(lambda: plots.moments(CLIP, LOSING, title="Lost twice"))
    assert moments_told(fig) == (
        [15, 20, 35, 40],
        "frame 15: comes back 1.00, is gone 1.00",
    )
    assert moments_told(plots.moments(CLIP, {"a": LOSING["is gone"]}, title="t"))[0] == [
        *(25, 30, 45, 59)
    ]
    assert moments_told(plots.moments(CLIP, {"a": KNOWN}, title="t"))[0] == [0, 20, 39, 59]


def test_moments_that_are_asked_for_and_a_window():
    fig = plots.moments(CLIP, LOSING, title="t", frames=[1, 31], around=3)
    assert moments_told(fig)[0] == [1, 31]
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == ["frame 1\n1: 1.00  2: 1.00", "frame 31\n1: 0.00  2: 0.00"]
    assert "1 comes back, 2 is gone" in fig.get_supxlabel()
    whole, part = (
        plots.moments(CLIP, {"a": KNOWN + 6}, title="t", frames=[5], around=around)
        .axes[0]
        .images[0]
        for around in (None, 3)
    )
    assert (whole.get_array() != part.get_array()).any()
    # the true box is there in white, and a tracker's in its colour
    colors = {tuple(color) for color in part.get_array().reshape(-1, 3).tolist()}
    assert {(255, 255, 255), (0, 114, 178)} <= colors


def test_moments_without_truth_in_some_frames():
    boxes = CLIP.truth.boxes.copy()
    boxes[28:35] = np.nan
    blank = clips.Clip(CLIP.frames, truth=clips.Truth.from_boxes(boxes))
    fig = plots.moments(blank, LOSING, title="t", frames=[30], around=2)
    assert "frame 30: comes back no truth" in fig.alt
    plots.figure_to_png(fig)
    nothing = {"a": np.full((60, 4), np.nan)}
    plots.figure_to_png(plots.moments(CLIP, nothing, title="t"))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.moments(CLIP.frames, LOSING, title="t"), "clip"),
        (lambda: plots.moments(clips.Clip(CLIP.frames), LOSING, title="t"), "truth is known"),
        (lambda: plots.moments(CLIP, {}, title="t"), "tracks"),
        (lambda: plots.moments(CLIP, {"a": KNOWN[1:]}, title="t"), "59 frames of pred"),
        (lambda: plots.moments(CLIP, LOSING, title="t", frames=[60]), "0 to 59"),
        (lambda: plots.moments(CLIP, LOSING, title="t", frames=[]), "0 frames"),
        (lambda: plots.moments(CLIP, LOSING, title="t", around=0.5), "around"),
    ],
)
def test_moments_of_bad_input(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()


def test_examples_in_docstrings():
    failed, tried = doctest.testmod(losing)
    assert tried
    assert not failed
