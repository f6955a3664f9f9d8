"""Figures about optimizers: how wrong differences are, ways down a surface, which rates a network
bears, what tuning found, and loss over steps, gradients and seconds.

A method keeps its colour and its kind of line in all of them, whichever others are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from tracklab import errors
from tracklab.optimizers import first_order, tuning
from tracklab.optimizers.surfaces import Surface
from tracklab.plots.base import COLORS, FAINT, GRID, INK, WIDTH, Figure, figure, sentence, style
from tracklab.plots.charts import LINES
from tracklab.sweeps import Table

if TYPE_CHECKING:
    from tracklab.optimizers.gradient_check import StepCurve
    from tracklab.optimizers.range_test import RangeTest  # which loads TensorFlow

LEGEND = 4  # names a row
TOP = 1.25  # of the highest start: losses above are cut off
BATCHES = 10  # whose mean is what a loss was at first
ROOM = 0.22  # inches of a row of the legend
GROUND, RINGS = 120, 14  # points along a side, and contours, of a surface
FLOOR = 1e-13  # relative errors below are drawn here

Floats = NDArray[np.float64]


def difference_errors(
    curves: Mapping[str, StepCurve],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """How wrong forward and central differences are, over their step: both regimes.

    Rounding falls to the right, as 1 / h; truncation rises, as h or h^2. The best step of each
    line is marked.

    curves: by name, as `gradient_check.step_curve` makes them: float32 and float64, say.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no curves.
    """
    if not curves:
        errors.bad("curves", curves, "at least one, by name")
    said = [
        f"{name}, {form}: {one.best(form)[1]:.1e} at step {one.best(form)[0]:.0e}"
        for name, one in curves.items()
        for form in one.errors
    ]
    fig, ax = figure(
        title=title,
        alt=alt
        or f"{sentence(title)} Least relative errors: {'; '.join(said)}. To the left of them "
        "errors grow by rounding, to the right because the loss bends.",
        width=width,
        height=3.9,
    )
    with style():
        for k, (name, one) in enumerate(curves.items()):
            for j, (form, off) in enumerate(one.errors.items()):
                color = COLORS[k % len(COLORS)]
                ax.plot(
                    *(one.steps, np.maximum(off, FLOOR), LINES[1 - j]),
                    color=color,
                    label=f"{name}, {form}",
                )
                h, least = one.best(form)
                ax.plot(h, max(least, FLOOR), "o", color="white", markeredgecolor=color, ms=6)
        ax.set(xscale="log", yscale="log", xlabel="step h", ylabel="relative error of the slope")
        ax.text(0.02, 0.04, "rounding: 1 / h", transform=ax.transAxes, color=FAINT)
        ax.text(
            *(0.98, 0.04, "truncation: h, h$^2$"), transform=ax.transAxes, color=FAINT, ha="right"
        )
        fig.legend(loc="outside lower left", ncols=LEGEND, handlelength=2.6)
    return fig


def range_tests(
    results: Mapping[str, RangeTest],
    *,
    title: str,
    alt: str = "",
    log: bool = False,
    width: float = WIDTH,
) -> Figure:
    """Loss over a rate that rises step by step: where a network learns, and where it diverges.

    results: by name (of methods, say), as `range_test.range_test` makes them. The smoothed loss is
        drawn, the losses behind it, faint. A circle is where it fell fastest, a diamond where it
        was lowest, a cross where the test ended early.
    log: a logarithmic axis of losses.

    Raises `InputError` for no results.
    """
    if not results:
        errors.bad("results", results, "at least one, by name")
    said = [
        f"{_label(name)}: falls fastest at {one.steepest:.1e}, lowest at {one.lowest:.1e}"
        + (f", diverged at {one.rates[-1]:.1e}" if one.diverged else "")
        for name, one in results.items()
    ]
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {'; '.join(said)}.",
        width=width,
        height=3.3 + ROOM * -(-len(results) // LEGEND),
    )
    firsts = [float(one.losses[:BATCHES].mean()) for one in results.values()]
    lows = [
        float(one.smoothed[min(BATCHES, len(one.rates)) - 1 :].min()) for one in results.values()
    ]
    top = max(firsts) + (TOP - 1) * max(max(firsts) - min(lows), abs(max(firsts)))
    with style():
        for k, (name, one) in enumerate(results.items()):
            color, line = _look(name, k)
            ax.plot(one.rates, one.losses, color=color, alpha=0.18, linewidth=1)
            ax.plot(one.rates, one.smoothed, line, color=color, label=_label(name))
            place = int(np.flatnonzero(one.rates == one.steepest)[0])
            mark = {"color": color, "linestyle": "none", "zorder": 3}
            ax.plot(one.steepest, one.smoothed[place], "o", markeredgecolor="white", ms=7, **mark)
            place = int(np.flatnonzero(one.rates == one.lowest)[0])
            bottom = min(float(one.smoothed[place]), top)
            ax.plot(one.lowest, bottom, "D", markerfacecolor="white", ms=6, **mark)
            if one.diverged:
                end = min(float(one.smoothed[-1]), top)
                ax.plot(one.rates[-1], end, "x", ms=7, markeredgewidth=2, clip_on=False, **mark)
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        ax.set_yscale("log" if log else "linear")
        ax.set_ylim(top=top)
        handles, labels = ax.get_legend_handles_labels()
        handles += [
            Line2D([], [], color=INK, marker="o", linestyle="none", label="falls fastest"),
            Line2D(
                *([], []),
                color=INK,
                marker="D",
                markerfacecolor="white",
                linestyle="none",
                label="",
            ),
            Line2D([], [], color=INK, marker="x", linestyle="none", label="diverged"),
        ]
        fig.legend(
            handles,
            [*labels, "falls fastest", "lowest", "diverged"],
            loc="outside lower left",
            ncols=LEGEND,
            handlelength=2.6,
        )
    return fig


def rates_tried(
    tuned: tuning.Tuned,
    *,
    title: str,
    alt: str = "",
    log: bool = False,
    width: float = WIDTH,
) -> Figure:
    """What every rate of a tuning came to, by method: the median of its seeds in a band of all.

    A circle is the rate that was chosen. A cross at the top is a rate at which a seed diverged, or
    ended above where it began.

    tuned: as `tuning.tune` makes it. log: a logarithmic axis of losses.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.
    """
    rows = {str(row["method"]): row for row in tuned.rows()}
    said = [
        f"{_label(name)}: rate {row['rate']:.3g}, loss {row['loss']:.3g}"
        for name, row in rows.items()
        if name not in tuned.lost
    ]
    cost, seconds = tuning.spent(tuned.table)
    said.append(f"{len(tuned.table)} runs, {cost} gradients, {seconds:.0f} processor seconds")
    starts = tuned.table["start"]
    top = float(np.nanmax(starts)) if np.isfinite(starts).any() else math.inf
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {'; '.join(said)}.",
        width=width,
        height=3.3 + ROOM * -(-len(rows) // LEGEND),
    )
    with style():
        for k, name in enumerate(rows):
            color, line = _look(name, k)
            part = tuned.table.select(method=name)
            rates = np.array(sorted(float(r) for r in part.values("rate")))  # type: ignore[arg-type]
            losses = [_losses(part.select(rate=float(rate))) for rate in rates]
            middle = np.array([np.median(each) for each in losses])
            good = middle <= top
            low = np.array([min(each.min(), top) for each in losses])
            high = np.array([min(each.max(), top) for each in losses])
            if good.any():
                ax.fill_between(
                    *(rates, low, high), where=good, color=color, alpha=0.14, linewidth=0
                )
            ax.plot(rates[good], middle[good], line, color=color, label=_label(name))
            for rate in rates[~good]:
                ax.plot(rate, top, "x", color=color, ms=6, markeredgewidth=1.6, clip_on=False)
            if name in tuned.rates:
                place = int(np.flatnonzero(rates == tuned.rates[name])[0])
                if good[place]:
                    ax.plot(
                        *(rates[place], middle[place], "o"),
                        color=color,
                        markeredgecolor="white",
                        ms=8,
                        zorder=3,
                    )
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss at the end (held out)")
        ax.set_yscale("log" if log else "linear")
        fig.legend(loc="outside lower left", ncols=LEGEND, handlelength=2.6)
    return fig


def three_axes(
    table: Table,
    *,
    title: str,
    alt: str = "",
    over: tuple[str, ...] = ("at_step", "at_gradient", "at_cpu_second"),
    log: bool = False,
    width: float = WIDTH,
) -> Figure:
    """Held-out loss over steps, over gradients and over seconds, side by side: a line a method.

    A line is the median of the seeds, its band reaches from the least to the most. What costs more
    in a step lags in the last panel.

    table: of `tuning.compare`. over: of `tuning.AXES`, a panel each. log: a logarithmic axis of
        losses. Losses above the start's are cut off.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for axes that are none, and a table without runs.
    """
    if not len(table) or not over:
        errors.bad("table", errors.Said("no runs, or no axes"), "runs of tuning.compare")
    panels = {axis: tuning.bands(table, axis) for axis in over}
    some = next(iter(panels.values()))
    start = max(float(np.max(losses[:, 0])) for _, losses in some.values())
    low = min(float(np.min(losses)) for _, losses in some.values())
    top = start + (TOP - 1) * (start - low)
    ends = sorted((float(np.median(losses[:, -1])), name) for name, (_, losses) in some.items())
    told = ", ".join(
        f"{_label(name)} {loss:.3g} ({some[name][1][:, -1].min():.3g} to "
        f"{some[name][1][:, -1].max():.3g})"
        for loss, name in ends
    )
    seeds = max(len(losses) for _, losses in some.values())
    fig, axes = figure(
        1,
        len(over),
        title=title,
        alt=alt or f"{sentence(title)} Held-out loss at the end, median of {seeds} seeds: {told}.",
        width=width,
        height=2.7 + ROOM * -(-len(some) // LEGEND),
        sharey=True,
        squeeze=False,
    )
    with style():
        for ax, axis in zip(axes[0], over, strict=True):
            for k, (name, (places, losses)) in enumerate(panels[axis].items()):
                color, line = _look(name, k)
                # inf, of a run that diverged, is beyond the top, as are all that are cut off
                shown = np.minimum(losses, top + abs(top) + 1)
                ax.fill_between(
                    *(places, shown.min(0), shown.max(0)), color=color, alpha=0.16, linewidth=0
                )
                label = _label(name) if axis == over[0] else None
                ax.plot(places, np.median(shown, 0), line, color=color, label=label)
            ax.set(xlabel=tuning.AXES[axis])
            ax.set_yscale("log" if log else "linear")
            ax.set_ylim(top=top)
            if not log:
                ax.set_ylim(bottom=low - 0.04 * (top - low))
            ax.set_xlim(left=0)
        axes[0][0].set_ylabel("held-out loss")
        fig.legend(loc="outside lower left", ncols=LEGEND, handlelength=2.6)
    return fig


def descents(
    surface: Surface,
    panels: Mapping[str, Mapping[str, NDArray[np.floating]]],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Ways down a surface of two numbers, side by side on its contours.

    panels: by the words above each, the ways in it: by name, points `(T, 2)`; where a way has
        points that are not finite, it ends. Circle: the start. Cross: minima.
    title, alt, width: as for `figure`; alt is made from the losses at the ends if not given.

    Raises `InputError` for no panels.
    """
    if not panels:
        errors.bad("panels", panels, "at least one, by the words above it")
    x, y, heights = surface.grid(GROUND)
    above = np.maximum(heights - surface.lowest, 0) ** 0.25  # bowls in even rings
    said = []
    fig, axes = figure(
        1,
        len(panels),
        title=title,
        alt="",
        width=width,
        height=width / len(panels) * 0.8 + 0.75,
        sharey=True,
        squeeze=False,
    )
    with style():
        for ax, (words, ways) in zip(axes[0], panels.items(), strict=True):
            ax.contour(x, y, above, levels=RINGS, colors=GRID, linewidths=0.8)
            for k, (name, way) in enumerate(ways.items()):
                points = np.asarray(way, float)
                points = points[np.isfinite(points).all(1)]
                color, line = _look(name, k)
                ax.plot(*points.T, line, marker=".", ms=4, lw=1.2, color=color, label=_label(name))
                left = float(surface.value(points[-1]) - surface.lowest)
                said.append(f"{words}, {_label(name)}: {left:.2g} after {len(points) - 1} steps")
            ax.plot(*surface.start, "o", color="white", markeredgecolor=INK, ms=6)
            ax.plot(*surface.minima.T, "x", color=INK, ms=7, markeredgewidth=1.8)
            left, right, bottom, top = surface.domain
            ax.set(title=words, xlim=(left, right), ylim=(bottom, top), xlabel="x")
            ax.legend(fontsize=8, loc="upper right")
        axes[0][0].set_ylabel("y")
    fig.alt = alt or f"{sentence(title)} Loss above the lowest. {'; '.join(said)}."
    return fig


def _losses(table: Table) -> Floats:
    """Losses of the runs of one setting; inf for what diverged."""
    values = np.asarray(table["loss"], float)
    return np.where(np.isnan(values), np.inf, values)


def _label(name: str) -> str:
    known = first_order.METHODS.get(name)
    return known.label if known is not None else name


def _look(name: str, place: int) -> tuple[str, str]:
    """A method's own colour and line; of other names those of their place."""
    labels = [method.label for method in first_order.METHODS.values()]
    for known in (list(first_order.NAMES), labels):
        if name in known:
            place = known.index(name)
    return COLORS[place % len(COLORS)], LINES[place % len(LINES)]
