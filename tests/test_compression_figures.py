"""Figures about small networks: who is beaten by none, and where time goes."""

import pictured
import pytest

from tracklab import errors, plots
from tracklab.compress import frontier
from tracklab.compress.profiling import LayerCost, Spent

MEASURES = {
    "classifier": "accuracy",
    "detector": "AP",
    "motion": "position error, px",
    "tracker": "success AUC",
}


def rows(model="classifier"):
    error = MEASURES[model].endswith("px")
    found = []
    for k, (variant, size, quality) in enumerate(
        [("shipped", 1000, 0.81), ("half the channels, taught", 300, 0.8), ("separable", 320, 0.7)]
    ):
        for precision, share, loss in (("float32", 1, 0), ("int8", 0.27, 0.004)):
            worth = quality - loss
            found.append(
                frontier.Row(
                    *(model, variant, precision, int(1000 * size * share), 900),
                    *(MEASURES[model], 4 - worth if error else worth, 0.3 * share + k / 50, 0.4),
                )
            )
    return found


@pytest.mark.parametrize("model", ["classifier", "motion"])
@pytest.mark.parametrize("over", ["bytes", "CPU ms"])
def test_the_best_are_named_and_joined(model, over):
    given = rows(model)
    fig = pictured.check(lambda: plots.frontier(given, title="Small is enough", over=over))
    (ax,) = fig.axes
    cost = [r.bytes if over == "bytes" else r.cpu_ms for r in given]
    best = frontier.frontier(cost, [r.goodness for r in given])
    named = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert named == {r.name for r, one in zip(given, best, strict=True) if one}
    line = ax.lines[0].get_xydata()
    assert len(line) == best.sum()
    low, high = ax.get_ylim()
    assert (low > high) == (model == "motion")  # better is higher
    for row, one in zip(given, best, strict=True):
        assert (row.name in fig.alt) == bool(one)


def test_all_four_networks():
    results = frontier.Results([row for model in MEASURES for row in rows(model)], {})
    fig = pictured.check(lambda: plots.frontiers(results, title="All four get smaller"))
    assert [ax.get_title(loc="left") for ax in fig.axes] == list(MEASURES)
    assert all(model in fig.alt for model in MEASURES)
    with pytest.raises(errors.InputError, match="results"):
        plots.frontiers(frontier.Results(rows(), {}), title="One alone")


def level(model, spread):
    """Networks of one model that are as good as each other but for `spread`."""
    top = {"classifier": 0.8, "motion": 3.0}[model]
    return [
        frontier.Row(
            *(model, "shipped", precision, size, size),
            *(MEASURES[model], top * (1 - spread * k), 0.3, 0.3),
        )
        for k, (precision, size) in enumerate((("float32", 4000), ("int8", 1_500_000)))
    ]


@pytest.mark.parametrize("model", ["classifier", "motion"])
def test_noise_does_not_look_like_a_difference(model):
    rows = level(model, 0.001)
    (ax,) = plots.frontier(rows, title="All the same").axes
    best = max(row.quality for row in rows)
    low, high = sorted(ax.get_ylim())
    assert high - low == pytest.approx(0.02 * best)
    heights = [row.quality for row in rows]
    assert (low + high) / 2 == pytest.approx(sum(heights) / 2)
    assert ax.yaxis_inverted() == (model == "motion")
    # a true difference fills the panel as ever
    rows = level(model, 0.1)
    fig = plots.frontier(rows, title="Not the same")
    low, high = sorted(fig.axes[0].get_ylim())
    apart = abs(rows[0].quality - rows[1].quality)
    assert apart < high - low < 1.3 * apart


def test_all_four_panels_have_a_least_span():
    kept = [row for model in ("detector", "tracker") for row in rows(model)]
    results = frontier.Results([*level("classifier", 1e-3), *level("motion", 1e-4), *kept], {})
    fig = plots.frontiers(results, title="Two of four are level")
    for ax, best in zip(fig.axes, (0.8, None, 3.0, None), strict=True):
        low, high = sorted(ax.get_ylim())
        if best is not None:
            assert high - low == pytest.approx(0.02 * best)
    assert "at 4 KB" in fig.alt


def test_large_costs_are_written_out():
    assert "1,500 KB" in plots.frontier(level("motion", 0.1), title="Large").alt


def test_accuracy_by_bits():
    table = [
        {"bits": bits, "per_channel": each, "accuracy": 0.8 - (8 - bits) * (0.05 if each else 0.1)}
        for bits in (8, 6, 4)
        for each in (True, False)
    ]
    fig = pictured.check(lambda: plots.accuracy_by_bits(table, title="Channels differ"))
    assert len(fig.axes[0].lines) == 2
    assert list(fig.axes[0].lines[0].get_xdata()) == [4, 6, 8]
    assert "4 bits, one scale for a kernel: 40.0 %" in fig.alt


def test_time_by_batch_and_by_layer():
    spent = {
        name: {n: Spent(2 * k + 3 / n, k + 2 / n) for n in (1, 4, 16)}
        for k, name in enumerate(("Keras", "int8"))
    }
    fig = pictured.check(lambda: plots.time_by_batch(spent, title="Batches share the call"))
    assert list(fig.axes[0].lines[1].get_ydata()) == pytest.approx([3, 1.5, 1.125])
    costs = [
        LayerCost("scale", "Rescaling", 0, 0, 0.1),
        LayerCost("a", "Conv2D", 100, 9000, 0.5),
        LayerCost("b", "ReLU", 0, 0, 0.2),
        LayerCost("c", "Conv2D", 300, 1000, 0.1),
        LayerCost("d", "Dense", 600, 0, 0.1),
    ]
    fig = pictured.check(lambda: plots.cost_by_layer(costs, title="Maps cost time"))
    widths = [[bar.get_width() for bar in ax.patches] for ax in fig.axes]
    assert widths[0] == pytest.approx([0, 10, 90])
    assert widths[1] == pytest.approx([0, 90, 10])
    assert widths[2] == pytest.approx([10, 70, 20])
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == [
        "Rescaling",
        "Conv2D 1",
        "Conv2D 2",
    ]


def test_bad_input():
    for make, name in (
        (lambda: plots.frontier([], title="None"), "rows"),
        (lambda: plots.frontier(rows() + rows("motion"), title="Two"), "rows"),
        (lambda: plots.frontier(rows(), title="Cost", over="euros"), "over"),
        (lambda: plots.accuracy_by_bits([], title="None"), "rows"),
        (lambda: plots.time_by_batch({}, title="None"), "spent"),
        (lambda: plots.cost_by_layer([], title="None"), "costs"),
    ):
        with pytest.raises(errors.InputError, match=name):
            make()
