"""Figures about small networks: quality over what it costs, and where milliseconds go.

A precision keeps its colour and its mark in all of them; nobody needs the colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from tracklab import errors
from tracklab.compress import frontier as fr
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, sentence, style
from tracklab.plots.charts import LINES
from tracklab.plots.pictures import label_at_right

if TYPE_CHECKING:
    from tracklab.compress.profiling import LayerCost, Spent  # which loads TensorFlow

PRECISIONS = ("float32", "float16", "int8 weights", "int8")
MARKS = "osD^"
BYTES, CPU = "bytes", "CPU ms"
OVER = {BYTES: "KB of the file, logarithmic", CPU: "processor time of a call (ms), logarithmic"}
ROW = 0.26  # inches of a bar
LETTERS = 30  # of a name at the right edge
SPAN = 0.02  # of the best quality, at least, from the bottom of a panel to its top


def frontier(
    rows: Sequence[fr.Row],
    *,
    title: str,
    over: str = BYTES,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """The quality of networks over what they cost: a dot each, those that nobody beats named.

    rows: of one model, as `compress.read_results().of("classifier")`. over: "bytes" or "CPU ms".
    The best are joined: right of the line and below it somebody does better for as little. The
    axis of the quality spans `SPAN` of the best one at least.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no rows, those of several models, and another cost.
    """
    _of_one(rows)
    errors.choice("over", over, OVER)
    best = fr.frontier([_cost(row, over) for row in rows], [row.goodness for row in rows])
    said = "; ".join(
        f"{row.name}: {row.quality:.4g} at {_spent(_cost(row, over))} {_unit(over)}"
        for row, one in zip(rows, best, strict=True)
        if one
    )
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {rows[0].measure}. Beaten by none: {said}.",
        width=width,
        height=3.6,
    )
    with style():
        _points(ax, rows, over, best)
        low, high = sorted(ax.get_ylim())
        ends = []
        for row, one in zip(rows, best, strict=True):
            if one:
                height = (row.quality - low) / (high - low)
                color = COLORS[PRECISIONS.index(row.precision)]
                name = row.name if len(row.name) <= LETTERS else row.name.replace(", ", ",\n", 1)
                ends.append((1 - height if _lower(rows) else height, name, color, _at(row, over)))
        label_at_right(ax, ends, lines=1 + any("\n" in end[1] for end in ends))
        fig.legend(handles=_legend(rows), loc="outside lower left", ncols=4)
    return fig


def frontiers(
    results: fr.Results, *, title: str, over: str = BYTES, alt: str = "", width: float = WIDTH
) -> Figure:
    """The same for all four networks side by side, without names.

    Raises `InputError` for results that lack one of the networks, and another cost.
    """
    errors.choice("over", over, OVER)
    models = [(model, results.of(model)) for model in fr.MODELS]
    for model, rows in models:
        if not rows:
            errors.bad("results", errors.Said(f"none of {model!r}"), "of all four networks")
    said = []
    fig, axes = figure(2, 2, title=title, alt=alt, width=width, height=5.2)
    with style():
        for ax, (model, rows) in zip(axes.ravel(), models, strict=True):
            best = fr.frontier([_cost(row, over) for row in rows], [row.goodness for row in rows])
            _points(ax, rows, over, best)
            ax.set_title(model)
            ends = sorted(
                (_cost(row, over), row.quality) for row, one in zip(rows, best, strict=True) if one
            )
            said.append(
                f"{model} ({rows[0].measure}): from {ends[0][1]:.4g} at {_spent(ends[0][0])} "
                f"{_unit(over)} to {ends[-1][1]:.4g} at {_spent(ends[-1][0])}"
            )
        fig.legend(
            handles=_legend([row for _, rows in models for row in rows]),
            loc="outside lower left",
            ncols=4,
        )
    fig.alt = alt or f"{sentence(title)} On the frontier: {'; '.join(said)}."
    return fig


def accuracy_by_bits(
    rows: Sequence[Mapping[str, Any]], *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """Accuracy of a network in whole numbers over their bits: a scale a channel, and one for all.

    rows: with "bits", "per_channel" and "accuracy" (0 to 1) each. Raises `InputError` for none.
    """
    if not rows:
        errors.bad("rows", rows, "at least one")
    kinds = {True: "a scale for each channel", False: "one scale for a kernel"}
    told = "; ".join(
        f"{row['bits']} bits, {kinds[row['per_channel']]}: {100 * row['accuracy']:.1f} %"
        for row in rows
    )
    fig, ax = figure(title=title, alt=alt or f"{sentence(title)} {told}.", width=width, height=3.0)
    with style():
        for k, (each, name) in enumerate(kinds.items()):
            mine = sorted(
                (r["bits"], 100 * r["accuracy"]) for r in rows if r["per_channel"] is each
            )
            if mine:
                ax.plot(
                    *zip(*mine, strict=True),
                    LINES[k],
                    marker=MARKS[k],
                    color=COLORS[k],
                    label=name,
                )
        ax.set(xlabel="bits of a number", ylabel="accuracy (%)")
        ax.set_xticks(sorted({row["bits"] for row in rows}))
        ax.set_ylim(bottom=0)
        ax.legend(loc="lower right")
    return fig


def time_by_batch(
    spent: Mapping[str, Mapping[int, Spent]], *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """Processor milliseconds of one image over how many go in at once, a line a way to run it.

    spent: by name, as `compress.by_batch` makes it. Raises `InputError` for none.
    """
    if not spent or not all(spent.values()):
        errors.bad("spent", spent, "times by batch size, by name")
    told = "; ".join(
        f"{name}: {', '.join(f'{each.cpu:.3g} at {size}' for size, each in one.items())}"
        for name, one in spent.items()
    )
    fig, ax = figure(
        title=title, alt=alt or f"{sentence(title)} CPU ms an image: {told}.", width=width, height=3
    )
    with style():
        ends = []
        for k, (name, one) in enumerate(spent.items()):
            sizes, times = [int(n) for n in one], [each.cpu for each in one.values()]
            color = COLORS[k % len(COLORS)]
            ax.plot(sizes, times, LINES[k % len(LINES)], marker=MARKS[k % 4], color=color)
            ends.append((name, color, (sizes[-1], times[-1])))
        ax.set(xscale="log", xlabel="images at once, logarithmic", ylabel="CPU ms an image")
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.minorticks_off()
        ax.set_ylim(bottom=0)
        high = ax.get_ylim()[1]
        label_at_right(ax, [(point[1] / high, name, color, point) for name, color, point in ends])
    return fig


def cost_by_layer(
    costs: Sequence[LayerCost], *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """Of each layer, its share of all weights, of all products and of the processor time.

    costs: as `compress.by_layer` makes them. Layers without products that stand behind one with
    them are counted with it. Raises `InputError` for none.
    """
    if not costs:
        errors.bad("costs", costs, "the costs of at least one layer")
    groups = _grouped(costs)
    parts: dict[str, list[float]] = {
        "weights": [sum(one.weights for one in group) for _, group in groups],
        "products": [sum(one.products for one in group) for _, group in groups],
        "CPU time": [sum(one.cpu for one in group) for _, group in groups],
    }
    shares = {name: np.array(each) / max(sum(each), 1e-12) for name, each in parts.items()}
    told = "; ".join(
        f"{name}: " + ", ".join(f"{share[k]:.0%} of {part}" for part, share in shares.items())
        for k, (name, _) in enumerate(groups)
    )
    fig, axes = figure(
        1,
        3,
        title=title,
        alt=alt or f"{sentence(title)} {told}.",
        width=width,
        height=1.3 + ROW * len(groups),
        sharey=True,
    )
    with style():
        for k, (ax, (part, share)) in enumerate(zip(axes, shares.items(), strict=True)):
            ax.barh(range(len(groups)), 100 * share, color=COLORS[k], height=0.7)
            ax.set_xlabel(f"% of the {part}")
            ax.set_yticks(range(len(groups)), [name for name, _ in groups])
            ax.grid(axis="y", visible=False)
        axes[0].invert_yaxis()
    return fig


def _grouped(costs: Sequence[LayerCost]) -> list[tuple[str, list[LayerCost]]]:
    """Layers with products, each with those behind it that have none."""
    groups: list[tuple[str, list[LayerCost]]] = []
    for one in costs:
        if one.products or not groups:
            number = 1 + sum(name.startswith(one.kind) for name, _ in groups)
            groups.append((f"{one.kind} {number}" if one.products else one.kind, []))
        groups[-1][1].append(one)
    return groups


def _points(ax: Any, rows: Sequence[fr.Row], over: str, best: Any) -> None:
    """Dots by precision, the best in full colour and joined."""
    front = sorted(_at(row, over) for row, one in zip(rows, best, strict=True) if one)
    ax.plot(*zip(*front, strict=True), color=FAINT, linestyle="--", linewidth=1.2, zorder=1)
    for row, one in zip(rows, best, strict=True):
        k = PRECISIONS.index(row.precision)
        edge = {
            "markeredgecolor": "white",
            "markersize": 8 if one else 6,
            "zorder": 3 if one else 2,
        }
        ax.plot(*_at(row, over), MARKS[k], color=COLORS[k], alpha=1 if one else 0.35, **edge)
    ax.set_xscale("log")
    # plain numbers at 1, 2 and 5: powers of ten for less than two decades run into each other
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(OVER[over])
    ax.set_ylabel(rows[0].measure)
    ax.margins(0.08)
    # a thousandth of a quality is noise, and shall not look like a difference
    low, high = ax.get_ylim()
    least = SPAN * max(abs(row.quality) for row in rows)
    if high - low < least:
        ax.set_ylim((low + high - least) / 2, (low + high + least) / 2)
    if _lower(rows):
        ax.invert_yaxis()  # better is always higher


def _legend(rows: Sequence[fr.Row]) -> list[Line2D]:
    known = [name for name in PRECISIONS if any(row.precision == name for row in rows)]
    handles = [
        Line2D(
            [],
            [],
            color=COLORS[PRECISIONS.index(name)],
            marker=MARKS[PRECISIONS.index(name)],
            linestyle="none",
            label=name,
        )
        for name in known
    ]
    faint = Line2D([], [], color=INK, marker="o", linestyle="none", alpha=0.35, label="beaten")
    return [*handles, faint]


def _of_one(rows: Sequence[fr.Row]) -> None:
    if not rows:
        errors.bad("rows", rows, "at least one network")
    models = sorted({row.model for row in rows})
    if len(models) > 1:
        errors.bad("rows", errors.Said(f"rows of {models}"), "those of one model")


def _cost(row: fr.Row, over: str) -> float:
    return row.bytes / 1000 if over == BYTES else row.cpu_ms


def _at(row: fr.Row, over: str) -> tuple[float, float]:
    return _cost(row, over), row.quality


def _spent(cost: float) -> str:
    return f"{cost:,.0f}" if cost >= 1000 else f"{cost:.3g}"


def _unit(over: str) -> str:
    return "KB" if over == BYTES else "ms"


def _lower(rows: Sequence[fr.Row]) -> bool:
    """Whether smaller figures are better: those of errors."""
    return rows[0].goodness < 0
