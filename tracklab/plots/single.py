"""Figures about trackers of one object: the plots of the papers, attributes, losses, speed.

A tracker keeps its colour and its kind of line in all figures that get the same trackers in the
same order. Nobody needs the colour: lines differ in their dashes, dots in their shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tracklab import errors
from tracklab.metrics import single
from tracklab.metrics.single import Result, Results
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, sentence, style
from tracklab.plots.charts import LINES
from tracklab.plots.pictures import label_at_right

MARKS = "osD^vPX<>"
NEAR, NEAR_SHARE = 20.0, 0.2  # where precision is read off by OTB, and normalized by LaSOT
ROW = 0.75  # inches of a tracker in the figure of overlaps
LINE = 0.21  # inches of a line in a legend
LETTER = 0.075  # inches of a letter in one
MOST = 12  # trackers that a figure holds

Rows = Mapping[str, Result | Results]


def success_plot(
    results: Rows, *, title: str, alt: str = "", of: str = "AUC", width: float = WIDTH
) -> Figure:
    """Share of frames whose overlap exceeds a threshold, over that threshold: OTB's success plot.

    results: by tracker, of `metrics.single.evaluate` or `evaluate_all`. The legend is ordered by
        success AUC, which stands in brackets.
    of: the figure in brackets, "AUC", "AO" or "SR0.5".
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no results, or more than a figure holds.
    """
    errors.choice("of", of, ("AUC", "AO", "SR0.5"))
    return _curves(
        results,
        "success",
        single.OVERLAPS,
        of,
        {"xlabel": "overlap threshold (IoU)", "ylabel": "success: frames above it"},
        title,
        alt,
        width,
    )


def precision_plot(results: Rows, *, title: str, alt: str = "", width: float = WIDTH) -> Figure:
    """Share of frames no farther off than a threshold, over that threshold: OTB's precision plot.

    Arguments as for `success_plot`. In brackets is the precision at 20 pixels, a dotted line.
    """
    return _curves(
        results,
        "precision",
        single.PIXELS,
        "P20",
        {"xlabel": "distance of centres (pixels)", "ylabel": "precision: frames within it"},
        title,
        alt,
        width,
        NEAR,
    )


def normalized_precision_plot(
    results: Rows, *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """The same with distances in sizes of the true box: TrackingNet's normalized precision plot.

    Arguments as for `success_plot`. In brackets is the area below the curve.
    """
    return _curves(
        results,
        "normalized",
        single.SHARES,
        "NP AUC",
        {
            "xlabel": "distance of centres (widths and heights of the true box)",
            "ylabel": "precision: frames within it",
        },
        title,
        alt,
        width,
    )


def by_attribute(
    results: Mapping[str, Results],
    *,
    title: str,
    figure_of: str = "AUC",
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """One figure of every tracker for every attribute: a row an attribute, a mark a tracker.

    results: by tracker, as `metrics.single.evaluate_all` makes them of sequences with attributes.
    figure_of: which figure, by the name that tables give it.

    Rows are ordered by the best tracker's figure: the hardest attribute is at the bottom. The
    number of sequences stands at its name. Raises `InputError` where no sequence has an attribute.
    """
    _check(results)
    for name, one in results.items():
        if not isinstance(one, Results):
            errors.bad(f"results[{name!r}]", errors.kind(one), "Results of evaluate_all")
    tables = {name: one.by_attribute() for name, one in results.items()}
    rows = list(dict.fromkeys(row for table in tables.values() for row in table))
    if not rows:
        errors.bad("results", errors.Said("sequences without attributes"), "some with attributes")
    errors.choice("figure_of", figure_of, next(iter(tables.values()))[rows[0]].as_dict())
    values = {
        name: {row: table[row].as_dict()[figure_of] for row in rows if row in table}
        for name, table in tables.items()
    }
    rows.sort(key=lambda row: -max(own.get(row, -math.inf) for own in values.values()))
    counts = {row: max(t[row].sequences for t in tables.values() if row in t) for row in rows}
    said = "; ".join(
        f"{row}: "
        + ", ".join(f"{name} {own[row]:.3f}" for name, own in values.items() if row in own)
        for row in rows
    )
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {figure_of} by attribute: {said}.",
        width=width,
        height=0.27 * len(rows) + 0.9 + LINE * -(-len(results) // _columns(results, width)),
    )
    with style():
        for place, row in enumerate(rows):
            there = [own[row] for own in values.values() if row in own]
            ax.plot([min(there), max(there)], [place, place], color=FAINT, linewidth=1, zorder=1)
        for k, (name, own) in enumerate(values.items()):
            ax.plot(
                list(own.values()),
                [rows.index(row) for row in own],
                MARKS[k % len(MARKS)],
                color=COLORS[k % len(COLORS)],
                markeredgecolor="white",
                markersize=7.5,
                label=name,
                zorder=3,
            )
        called = [f"{row.replace('_', ' ')} ({counts[row]})" for row in rows]
        ax.set_yticks(range(len(rows)), called)
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"{figure_of} (in brackets: sequences)")
        if figure_of not in ("frames/s", "CPU ms"):
            ax.set_xlim(0, 1)
        ax.tick_params(axis="y", length=0)
        fig.legend(loc="outside lower left", ncols=_columns(results, width), handletextpad=0.2)
    return fig


def overlap_over_time(
    tracks: Mapping[str, Any],
    truth: Any,
    *,
    title: str,
    alt: str = "",
    fps: float | None = None,
    iou: float = single.losing.LOST,
    frames: int = single.losing.PATIENCE,
    width: float = WIDTH,
) -> Figure:
    """How well several trackers hold one object, frame by frame, and where each loses it.

    A cross marks where a tracker loses the object, a ring where it has it again; between them the
    ground is shaded. Hatched is where nobody knows where the object is.

    tracks: by tracker, boxes `(T, 4)` or a `Track`. truth: as for `metrics.single.compare`.
    fps: draw seconds instead of frames. iou, frames: what makes a loss, as for `lost_at`.

    Raises `InputError` as `compare` does, and for no tracks or more than a figure holds.
    """
    _check(tracks, "tracks")
    if fps is not None and errors.number("fps", fps, low=0) == 0:
        errors.bad("fps", fps, "more than 0 frames a second")
    step = 1.0 if fps is None else 1 / fps
    unit = "frame" if fps is None else "second"
    overlaps = {name: single.compare(one, truth).overlaps for name, one in tracks.items()}
    losses = {
        name: single.losses(one, truth, iou=iou, frames=frames) for name, one in tracks.items()
    }
    count = len(next(iter(overlaps.values())))
    said = "; ".join(_held(name, overlaps[name], losses[name], unit, step) for name in tracks)
    fig, axes = figure(
        len(tracks),
        1,
        title=title,
        alt=alt or f"{sentence(title)} {said}.",
        width=width,
        height=ROW * len(tracks) + 1.0,
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    time = np.arange(count) * step
    with style():
        for k, (ax, (name, values)) in enumerate(zip(axes[:, 0], overlaps.items(), strict=True)):
            color = COLORS[k % len(COLORS)]
            for first, end in _stretches(np.isnan(values)):
                ax.axvspan(
                    (first - 0.5) * step,
                    (end - 0.5) * step,
                    facecolor="white",
                    edgecolor=FAINT,
                    hatch="////",
                    linewidth=0,
                )
            for loss in losses[name]:
                last = count if loss.back is None else loss.back
                ax.axvspan(loss.frame * step, last * step, color="#F3D9CC", linewidth=0)
            ax.plot(time, values, color=color, linewidth=1.3, marker="." if count < 40 else "")
            ax.axhline(iou, color=FAINT, linewidth=0.8, linestyle=":")
            for loss in losses[name]:
                ax.plot(loss.frame * step, iou, "X", color=INK, markersize=8, clip_on=False)
                if loss.back is not None:
                    ring = {"markerfacecolor": "white", "markeredgecolor": INK, "markersize": 6.5}
                    ax.plot(loss.back * step, iou, "o", clip_on=False, **ring)
            mean = float(np.nanmean(values))
            text = f"{name}\nmean {mean:.2f}"
            place = {"xycoords": "axes fraction", "va": "center", "fontsize": 9}
            ax.annotate(text, (1.015, 0.5), color=color, fontweight="bold", **place)
            ax.set(ylim=(0, 1.03), yticks=(0, 0.5, 1), xlim=(0, max(count - 1, 1) * step))
            ax.grid(False, axis="x")
        note = "cross: loses it; ring: has it again"
        if any(np.isnan(values).any() for values in overlaps.values()):
            note += "; hatched: no truth"
        axes[0, 0].set_title(note, fontsize=8.5, color=INK)
        axes[-1, 0].set_xlabel("frame" if fps is None else "time (s)")
        axes[-1, 0].xaxis.set_major_locator(MaxNLocator(8, integer=fps is None))
        fig.supylabel("overlap (IoU)", fontsize=9.5)
    return fig


def accuracy_against_speed(
    results: Rows,
    *,
    title: str,
    figure_of: str = "AUC",
    speed: str = "CPU ms",
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """What accuracy costs: a figure of each tracker over its processor time a frame, or frames/s.

    The best are joined by a line: who lies below it is beaten by one that is as fast.

    results: by tracker, with times. figure_of, speed: by the names that tables give them; speed is
        "CPU ms" or "frames/s", on a logarithmic axis.

    Raises `InputError` for no results, and for one without times.
    """
    errors.choice("speed", speed, ("CPU ms", "frames/s"))
    named = {name: one.as_dict() for name, one in _combined(results).items()}
    errors.choice("figure_of", figure_of, next(iter(named.values())))
    for name, row in named.items():
        if not row[speed] > 0:
            errors.bad(f"results[{name!r}]", errors.Said("a result without times"), "some")
    points = {name: (row[speed], row[figure_of]) for name, row in named.items()}
    unit = "ms a frame" if speed == "CPU ms" else "frames a second"
    said = "; ".join(f"{name}: {y:.3f} at {x:.3g} {unit}" for name, (x, y) in points.items())
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {figure_of} against speed: {said}.",
        width=width,
        height=3.4,
    )
    with style():
        ax.set_xscale("log")
        front = _front(points, slow_is_large=speed == "CPU ms")
        ax.plot(*zip(*front, strict=True), color=FAINT, linestyle="--", linewidth=1.2, zorder=1)
        ends = []
        top = max(y for _, y in points.values()) * 1.12 or 1.0
        ax.set_ylim(0, min(top, 1.0) if figure_of not in ("frames/s", "CPU ms") else top)
        low, high = ax.get_ylim()
        for k, (name, point) in enumerate(points.items()):
            color = COLORS[k % len(COLORS)]
            edge = {"markeredgecolor": "white", "markersize": 9, "zorder": 3}
            ax.plot(*point, MARKS[k % len(MARKS)], color=color, **edge)
            ends.append(((point[1] - low) / (high - low), f"{name} [{point[1]:.3f}]", color, point))
        cost = "processor time of an update (ms), logarithmic"
        ax.set_xlabel(cost if speed == "CPU ms" else "updates a second, logarithmic")
        ax.set_ylabel(figure_of)
        label_at_right(ax, ends)
    return fig


def _curves(
    results: Rows,
    curve: str,
    thresholds: NDArray[np.float64],
    of: str,
    labels: Mapping[str, str],
    title: str,
    alt: str,
    width: float,
    at: float | None = None,
) -> Figure:
    named = _combined(results)
    scores = {name: one.as_dict()[of] for name, one in named.items()}
    order = sorted(named, key=lambda name: -scores[name])
    said = ", ".join(f"{name} {scores[name]:.3f}" for name in order)
    fig, ax = figure(
        title=title, alt=alt or f"{sentence(title)} {of}: {said}.", width=width, height=3.8
    )
    with style():
        lines = {}
        for k, (name, one) in enumerate(named.items()):
            color, line = COLORS[k % len(COLORS)], LINES[(k + k // len(COLORS)) % len(LINES)]
            (lines[name],) = ax.plot(
                thresholds, getattr(one, curve), line, color=color, linewidth=2, clip_on=False
            )
        if at is not None:
            ax.axvline(at, color=FAINT, linestyle=":", linewidth=1.2, zorder=1)
        ax.set(xlim=(0, thresholds[-1]), ylim=(0, 1), **labels)
        shown = [f"{name} [{scores[name]:.3f}]" for name in order]
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.02), "borderaxespad": 0}
        legend = {"title": f"{of} in brackets", "handlelength": 2.6, "alignment": "left"}
        ax.legend([lines[name] for name in order], shown, **beside, **legend)
    return fig


def _combined(results: Any) -> dict[str, Result]:
    _check(results)
    for name, one in results.items():
        if not isinstance(one, (Result, Results)):
            errors.bad(f"results[{name!r}]", errors.kind(one), "a Result of metrics.single")
    return {n: one.combined if isinstance(one, Results) else one for n, one in results.items()}


def _check(named: Any, argument: str = "results") -> None:
    if not isinstance(named, Mapping) or not named:
        came = errors.kind(named) if not isinstance(named, Mapping) else errors.Said("none")
        errors.bad(argument, came, "at least one, by the name of the tracker")
    if len(named) > MOST:
        errors.bad(argument, errors.Said(f"{len(named)} trackers"), f"at most {MOST} in a figure")


def _columns(named: Mapping[str, Any], width: float) -> int:
    """How many names of a legend fit beside one another."""
    return max(1, min(len(named), int(width / (LETTER * max(map(len, named)) + 0.4))))


def _front(
    points: Mapping[str, tuple[float, float]], *, slow_is_large: bool
) -> list[tuple[float, float]]:
    """Points that none is both faster and better than, from the fastest on."""
    ordered = sorted(points.values(), key=lambda p: (p[0] if slow_is_large else -p[0], -p[1]))
    front: list[tuple[float, float]] = []
    for point in ordered:
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def _stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each row of true flags."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _held(
    name: str,
    overlaps: NDArray[np.float64],
    losses: Sequence[single.Loss],
    unit: str,
    step: float,
) -> str:
    """What a line says, in words."""
    mean = f"{name}: mean overlap {np.nanmean(overlaps):.2f}, "
    if not losses:
        return f"{mean}never lost"
    told = [
        f"{unit} {loss.frame * step:.3g}"
        + (" for good" if loss.back is None else f", back at {loss.back * step:.3g}")
        for loss in losses[:3]
    ]
    more = f" and {len(losses) - 3} times more" if len(losses) > 3 else ""
    return f"{mean}lost at {'; at '.join(told)}{more}"
