"""Figures about optimizers: what is drawn is what was measured, and words say it."""

import math

import numpy as np
import pictured
import pytest

from tracklab import errors, plots
from tracklab.optimizers import first_order, surfaces, tuning
from tracklab.optimizers.gradient_check import StepCurve
from tracklab.optimizers.range_test import RangeTest
from tracklab.plots import optimizers as drawing

STEPS = np.logspace(-15, 0, 46)


def step_curve(rounding, precision):
    off = {
        "forward": rounding / STEPS + STEPS,
        "central": rounding / STEPS + STEPS**2,
    }
    return StepCurve(STEPS, off, 1.0, precision)


def rising(at, *, diverged=True):
    """A range test that is best at a rate."""
    rates = np.logspace(-5, math.log10(at) + 0.5, 60)
    losses = (
        2.0 + 0.02 * np.cos(np.arange(60)) - 1.2 * (rates > at / 10) * np.log10(rates * 10 / at)
    )
    losses[-4:] += [0, 0.5, 3, 30]
    return RangeTest(rates, losses, losses, diverged, "it")


def task(method, rate, seed, budget=60):
    place = first_order.NAMES.index(method)
    far = abs(math.log10(rate / first_order.method(method).rate) - 0.1 * place)
    held_out = np.linspace(2.3, 1.0 + 0.1 * place + far + 0.1 * (seed % 3), 7)
    wild = far > 1.4 and seed % 2
    at = np.linspace(0, budget, 7)
    keep = 3 if wild else 7
    return {
        "loss": math.inf if wild else held_out[-1],
        "start": 2.3,
        "gradients": budget,
        "cpu_seconds": 1.5,
        "held_out": held_out[:keep],
        "at_step": at[:keep],
        "at_gradient": at[:keep],
        "at_second": 0.03 * (1 + 0.1 * place) * at[:keep],
        "at_cpu_second": 0.02 * (1 + 0.1 * place) * at[:keep],
    }


@pytest.fixture(scope="module")
def tuned():
    return tuning.tune(task, shown=False, widen=2)


@pytest.fixture(scope="module")
def compared(tuned):
    return tuning.compare(task, tuned, shown=False)


BOWL = surfaces.quadratic(10)
WILD = np.array([[-1.0, 0.0], [40.0, 3.0], [np.nan, np.nan]])
WAYS = {
    "plain": {"sgd": np.array([[-1.0, 0.0], [0.2, 0.1], [0.5, 0.1]])},
    "wild": {"momentum": WILD, "mine": WILD[:1]},
}
CURVES = {"float32": step_curve(1e-7, "float32"), "float64": step_curve(1e-16, "float64")}
RANGES = {"sgd": rising(1.0), "adam": rising(0.01), "mine": rising(0.1, diverged=False)}


@pytest.mark.parametrize(
    "make",
    [
        lambda t, c: plots.difference_errors(CURVES, title="One step is best"),
        lambda t, c: plots.range_tests(RANGES, title="Adam bears less"),
        lambda t, c: plots.range_tests({"a": rising(1.0)}, title="One", log=True),
        lambda t, c: plots.rates_tried(t, title="Each has a best rate"),
        lambda t, c: plots.rates_tried(t, title="Each has a best rate", log=True),
        lambda t, c: plots.three_axes(c, title="The same on three axes"),
        lambda t, c: plots.descents(BOWL, WAYS, title="A ball rolls on"),
        lambda t, c: plots.three_axes(c, title="On one", over=("at_second",), log=True),
    ],
)
def test_every_figure_has_a_finding_words_and_a_small_file(make, tuned, compared):
    pictured.check(lambda: make(tuned, compared))


def test_the_best_steps_are_marked_and_said():
    fig = plots.difference_errors(CURVES, title="One step is best")
    marks = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert len(marks) == 4
    for mark, (name, form) in zip(
        marks, [(n, f) for n in CURVES for f in ("forward", "central")], strict=True
    ):
        h, least = CURVES[name].best(form)
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (h, least)
        assert f"{name}, {form}: {least:.1e} at step {h:.0e}" in fig.alt


def test_range_tests_are_cut_off_where_they_end():
    fig = plots.range_tests(RANGES, title="Adam bears less")
    (ax,) = fig.axes
    assert ax.get_ylim()[1] < 5, "a loss of 30 must not flatten the rest"
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 2
    assert f"SGD: falls fastest at {RANGES['sgd'].steepest:.1e}" in fig.alt
    assert fig.alt.count("diverged at") == 2


def test_chosen_rates_are_marked_and_costs_are_said(tuned):
    fig = plots.rates_tried(tuned, title="Each has a best rate")
    marks = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert [m.get_xdata()[0] for m in marks] == [tuned.rates[n] for n in first_order.NAMES]
    gradients, _ = tuning.spent(tuned.table)
    assert f"{len(tuned.table)} runs, {gradients} gradients" in fig.alt
    crosses = [line for line in fig.axes[0].lines if line.get_marker() == "x"]
    assert crosses, "some rates diverged for a seed"


def test_three_axes_show_medians_in_bands(compared):
    fig = plots.three_axes(compared, title="The same on three axes")
    assert [ax.get_xlabel() for ax in fig.axes] == [
        tuning.AXES[a] for a in ("at_step", "at_gradient", "at_cpu_second")
    ]
    bands = tuning.bands(compared, "at_cpu_second")
    for line, (places, losses) in zip(fig.axes[2].lines, bands.values(), strict=True):
        np.testing.assert_allclose(line.get_xdata(), places)
        np.testing.assert_allclose(line.get_ydata(), np.median(losses, 0))
    assert f"median of {len(tuning.SEEDS)} seeds" in fig.alt
    least = compared.best("loss", better="low")
    first = min(least, key=lambda one: one.median)
    assert f": {first_order.method(first.setting['method']).label} " in fig.alt


def test_descents_say_where_each_way_ends():
    fig = plots.descents(BOWL, WAYS, title="A ball rolls on")
    left = BOWL.value([0.5, 0.1]) - BOWL.lowest
    assert f"plain, SGD: {left:.2g} after 2 steps" in fig.alt
    assert "wild, momentum" in fig.alt
    assert "after 1 steps; wild, mine" in fig.alt, "what is not finite is no step"
    for ax in fig.axes:
        assert (*ax.get_xlim(), *ax.get_ylim()) == BOWL.domain
    lines = [line for line in fig.axes[1].lines if line.get_label() == "momentum"]
    np.testing.assert_array_equal(lines[0].get_xydata(), WILD[:2])


def test_a_method_keeps_its_look():
    assert drawing._look("adam", 0) == drawing._look("Adam", 3)
    looks = [drawing._look(name, 0) for name in first_order.NAMES]
    assert len(set(looks)) == len(looks)


def test_bad_input(tuned):
    for call, said in (
        (lambda: plots.difference_errors({}, title="Nothing"), "curves"),
        (lambda: plots.range_tests({}, title="Nothing"), "results"),
        (lambda: plots.descents(BOWL, {}, title="Nothing"), "panels"),
        (lambda: plots.three_axes(tuned.table.select(method=[]), title="Nothing"), "table"),
        (lambda: plots.three_axes(tuned.table, over=(), title="Nothing"), "table"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()
