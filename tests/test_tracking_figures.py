"""Figures about trackers of many objects: what is drawn is what was measured, and words say it."""

import numpy as np
import pictured
import pytest
import sequences
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from sequences import A, B, frame

from tracklab import errors, overlay, plots
from tracklab.metrics import multi

TRUTH = [frame((7, A), (9, B))] * 8 + [frame((7, A))] * 2
TRACKS = (
    [frame((1, A), (2, B))] * 3
    + [frame((2, B))] * 2
    + [frame((5, A), (2, B))] * 3
    + [frame((5, A))] * 2
)
RESULTS = {name: multi.evaluate(*sequences.random_case(k)) for name, k in (("a", 3), ("b", 8))}
GAINS = {
    "kalman": [0.5, 0.6, 0.7, 0.8],
    "lstm": [0.52, 0.63, 0.71, 0.84],
    "none": [0.3, 0.5, 0.4, 0.6],
}
EXAMPLES = {
    "hota_over_alpha": lambda: plots.hota_over_alpha(RESULTS, title="a is better"),
    "identities": lambda: plots.identities(TRUTH, TRACKS, title="Object 7 changes its track"),
    "paired": lambda: plots.paired(GAINS, "kalman", title="The LSTM is better", xlabel="IDF1"),
    "identities, random": lambda: plots.identities(
        *sequences.random_case(11), title="Many change", fps=25
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    pictured.check(EXAMPLES[name])


def test_words_that_are_given_are_kept():
    assert plots.hota_over_alpha(RESULTS, title="t", alt="So it is.").alt == "So it is."
    assert plots.identities(TRUTH, TRACKS, title="t", alt="So it is.").alt == "So it is."


def test_hota_is_drawn_as_it_was_measured():
    fig = EXAMPLES["hota_over_alpha"]()
    assert len(fig.axes) == 3
    for ax, measure in zip(fig.axes, ("hota", "det_a", "ass_a"), strict=True):
        for line, result in zip(ax.lines, RESULTS.values(), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), multi.ALPHAS)
            np.testing.assert_array_equal(line.get_ydata(), getattr(result.curves, measure))
        assert len({line.get_linestyle() for line in ax.lines}) == 2
    labels = [text.get_text() for text in fig.legends[0].texts]
    assert labels == [f"{name}, HOTA {one.hota:.3f}" for name, one in RESULTS.items()]
    assert f"b: HOTA {RESULTS['b'].hota:.3f}" in fig.alt


def bars(fig):
    """(row, first, end, colour) of the bars of tracks."""
    found = []
    for patch in fig.axes[0].patches:
        assert isinstance(patch, Rectangle)
        row = round(patch.get_y() + patch.get_height() / 2)
        end = patch.get_x() + patch.get_width()
        found.append((row, patch.get_x(), end, to_hex(patch.get_facecolor())))
    return sorted(found)


def color(identity):
    return to_hex([value / 255 for value in overlay.color_of(identity)])


def test_bars_lines_and_diamonds_are_where_they_should_be():
    fig = EXAMPLES["identities"]()
    assert bars(fig) == [(0, 0, 3, color(1)), (0, 5, 10, color(5)), (1, 0, 8, color(2))]
    ax = fig.axes[0]
    missed = [line for line in ax.lines if line.get_marker() == "None"]
    assert [line.get_xdata().tolist() for line in missed] == [[3, 5]]
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert (list(diamonds.get_xdata()), list(diamonds.get_ydata())) == ([5], [0])
    assert [text.get_text() for text in ax.texts] == ["1", "5", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["7", "9"]
    assert "89% of their boxes by 3 tracks" in fig.alt
    assert fig.alt.endswith("Identity switches: 1: frame 5: object 7 from track 1 to 5.")


def test_seconds_in_place_of_frames():
    fig = plots.identities(TRUTH, TRACKS, title="t", fps=2)
    assert bars(fig)[1][:3] == (0, 2.5, 5)
    assert fig.axes[0].get_xlabel() == "time (s)"


def test_of_many_objects_those_that_switch_are_drawn():
    fig = plots.identities(TRUTH, TRACKS, title="t", most=1)
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["7"]
    assert fig.axes[0].get_ylabel() == "1 of 2 objects"
    assert "(1 are drawn)" in fig.alt
    quiet = plots.identities(TRUTH, sequences.PAIR, title="t", most=1)
    assert [label.get_text() for label in quiet.axes[0].get_yticklabels()] == ["7"]  # the longest


def test_nobody_covers_anybody():
    fig = plots.identities(sequences.PAIR, [frame()] * 10, title="t")
    assert bars(fig) == []
    assert "0% of their boxes by 0 tracks" in fig.alt
    plots.figure_to_png(fig)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: plots.hota_over_alpha({}, title="t"), "results"),
        (lambda: plots.hota_over_alpha({"a": 0.5}, title="t"), "a Result"),
        (lambda: plots.identities([frame()], [frame()], title="t"), "no objects"),
        (lambda: plots.identities(TRUTH, TRACKS[1:], title="t"), "10 frames and tracks of 9"),
        (lambda: plots.identities(TRUTH, TRACKS, title="t", most=0), "most"),
        (lambda: plots.identities(TRUTH, TRACKS, title="t", fps=0), "fps"),
    ],
)
def test_bad_input(call, named):
    with pytest.raises(errors.InputError, match=named):
        call()


def test_paired_differences_are_those_of_the_same_clips():
    fig = EXAMPLES["paired"]()
    (ax,) = fig.axes
    _, dots, bar, diamond, *_ = ax.lines
    np.testing.assert_allclose(dots.get_xdata(), [0.02, 0.03, 0.01, 0.04])
    assert diamond.get_xdata() == pytest.approx([0.025])
    error = np.std([0.02, 0.03, 0.01, 0.04], ddof=1) / 2
    assert bar.get_xdata() == pytest.approx([0.025 - 2 * error, 0.025 + 2 * error])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["lstm", "none"]
    assert "lstm: +0.025, standard error 0.006, better in 4 of 4" in fig.alt


@pytest.mark.parametrize(
    ("values", "against", "said"),
    [
        (GAINS, "gru", "'kalman'"),
        ({"kalman": [1.0, 2.0]}, "kalman", "alone"),
        ({"kalman": [1.0], "lstm": [2.0]}, "kalman", "2 or more"),
        ({"kalman": [1.0, 2.0], "lstm": [2.0]}, "kalman", "2 finite numbers"),
        ({"kalman": [1.0, 2.0], "lstm": [2.0, np.nan]}, "kalman", "2 finite numbers"),
    ],
)
def test_what_cannot_be_paired_is_refused(values, against, said):
    with pytest.raises(errors.InputError, match=said):
        plots.paired(values, against, title="t", xlabel="IDF1")
