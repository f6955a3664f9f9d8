"""Figures about motion: what is drawn is what was given, and words say the same."""

from types import SimpleNamespace

import numpy as np
import pictured
import pytest
from matplotlib.patches import Ellipse

from tracklab import errors, motion
from tracklab.plots import motion as figures

ONE = motion.observe(1, 30, seed=3, part="test", gaps=1.0)
TRUTH, SEEN = ONE.boxes[:, 0], ONE.detections[:, 0]
RUNS = {name: motion.run(motion.create(name), ONE.detections) for name in ("none", "kalman")}
TABLE = {"all": {"position": 2.0}, "turning": {"position": 4.0}}
TABLES = {"kalman": TABLE, "gru": {"all": {"position": 1.5}, "turning": {"position": 5.0}}}

EXAMPLES = {
    "estimates": lambda: figures.estimates(TRUTH, SEEN, RUNS, size=ONE.size, title="It is off"),
    "error_against_hidden": lambda: figures.error_against_hidden(
        {"a": [1, 2, 4], "b": [[1, 2, 3], [2, 3, 4]]}, title="b is better"
    ),
    "gradient_reach": lambda: figures.gradient_reach(
        {"rnn": [1, 0.1, 1e-9], "gru": np.full((3, 4), 0.5)}, title="It vanishes"
    ),
    "errors_by_motion": lambda: figures.errors_by_motion(
        TABLES, "position", baseline="kalman", title="It depends"
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    pictured.check(EXAMPLES[name], largest=200_000)


def test_ellipses_reach_two_deviations_around_the_estimates():
    fig = figures.estimates(TRUTH, SEEN, RUNS, title="t", every=10)
    drawn = [patch for patch in fig.axes[1].patches if isinstance(patch, Ellipse)]
    run = RUNS["kalman"]
    middle = (run.boxes[::10, 0, :2] + run.boxes[::10, 0, 2:]) / 2
    np.testing.assert_allclose([patch.center for patch in drawn], middle, rtol=1e-5)
    wanted = 4 * run.deviations[::10, 0]
    np.testing.assert_allclose([(p.width, p.height) for p in drawn], wanted, rtol=1e-5)


def test_frames_without_a_detection_are_hollow_and_counted():
    fig = figures.estimates(TRUTH, SEEN, RUNS, title="t")
    missed = int(np.isnan(SEEN[:, 0]).sum())
    hollow = [line for line in fig.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow] == [missed]
    assert f"{missed} of them without a detection" in fig.alt


def test_a_line_ends_where_nothing_is_left_of_the_gradient():
    fig = EXAMPLES["gradient_reach"]()
    first, second = fig.axes[0].lines
    assert first.get_xdata().tolist() == [0, 1]
    np.testing.assert_allclose(second.get_ydata(), 0.5)
    assert "rnn 0.1 at 1 frames" in fig.alt


def test_each_cell_says_its_error_and_its_ratio():
    fig = EXAMPLES["errors_by_motion"]()
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == ["2.0 (1.00)", "1.5 (0.75)", "4.0 (1.00)", "5.0 (1.25)"]
    assert "gru all 0.75, turning 1.25" in fig.alt


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(errors.InputError, match="runs"):
        figures.estimates(TRUTH, SEEN, {}, title="t")
    with pytest.raises(errors.InputError, match="runs"):
        figures.estimates(TRUTH[:5], SEEN, RUNS, title="t")
    with pytest.raises(errors.InputError, match="truth"):
        figures.estimates(ONE.boxes, SEEN, RUNS, title="t")
    short = SimpleNamespace(boxes=TRUTH[:4], deviations=np.ones((4, 2)))
    with pytest.raises(errors.InputError, match="short"):
        figures.estimates(TRUTH, SEEN, {"short": short}, title="t")
    with pytest.raises(errors.InputError, match="norms"):
        figures.gradient_reach({"a": 1.0}, title="t")
    with pytest.raises(errors.InputError, match="baseline"):
        figures.errors_by_motion(TABLES, "position", baseline="lstm", title="t")
    with pytest.raises(errors.InputError, match="speed"):
        figures.errors_by_motion(TABLES, "speed", baseline="kalman", title="t")
