"""Figures made of numbers: curves, bars, confusion matrices, reliability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.calibration import BINS
from tracklab.calibration import calibration as calibration  # also a name of this module
from tracklab.plots.base import COLORS, FAINT, HEIGHT, INK, WIDTH, Figure, figure, style
from tracklab.plots.pictures import label_at_right

AXES = {
    "step": "step",
    "epoch": "epoch",
    "seconds": "wall time (s)",
    "cpu_seconds": "CPU time (s)",
    "loss": "loss",
    "accuracy": "accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
    "learning_rate": "learning rate",
}
LINES = ("-", "--", ":", "-.")
ENOUGH = 4  # smooth only what has this many times the values of a window
MANY = 400  # points of a curve: more than that no screen shows


def curves(
    runs: Mapping[str, Any],
    x: str = "step",
    y: str | Sequence[str] = "loss",
    *,
    title: str,
    alt: str = "",
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
    smooth: int = 1,
    ylim: tuple[float, float] | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Figure:
    """Several runs over steps, epochs, seconds or CPU seconds, each named at the end of its line.

    runs: by name, either `training.Curves` (or any table with columns `x` and `y`), or a pair
        `(x values (N,), y values (N,))`; y values `(S, N)` are S repetitions: drawn as their mean
        in a band from the least to the most. NaNs are left out.
    x, y: names of columns. Several y (`("loss", "val_loss")`) are drawn solid, dashed, dotted.
    xlabel, ylabel: with units, where the columns' own are not enough.
    log: a logarithmic y axis.
    smooth: the width in values of a moving average, for columns with many values; the values as
        they came stay behind it, faint. Columns with few (validation) are drawn as they are.
    title, alt, width, height: as for `figure`.

    Raises `InputError` where x and y differ in length or nothing is left to draw.
    """
    columns = (y,) if isinstance(y, str) else tuple(y)
    fig, ax = figure(title=title, alt=alt, width=width, height=height)
    ends: list[tuple[str, str, float, float]] = []
    with style():
        for k, (name, run) in enumerate(runs.items()):
            color = COLORS[k % len(COLORS)]
            for j, column in enumerate(columns):
                xs, repeats = _table(name, run, x, column)
                if not xs.size:
                    continue
                ys = repeats.mean(0)
                if len(repeats) > 1:
                    low, high = repeats.min(0), repeats.max(0)
                    ax.fill_between(xs, low, high, color=color, alpha=0.18, linewidth=0)
                if len(xs) > ENOUGH * smooth > ENOUGH:
                    few = _thin(len(xs))
                    ax.plot(xs[few], ys[few], color=color, alpha=0.2, linewidth=1)
                    ys = moving_average(ys, smooth)
                few = _thin(len(xs))
                line = LINES[j % 4] if len(columns) > 1 else "-"
                mark = "o" if len(xs) <= 15 else ""
                ax.plot(xs[few], ys[few], line, color=color, marker=mark, markersize=4)
                text = name if len(columns) == 1 else f"{name}, {AXES.get(column, column)}"
                ends.append((text, color, float(xs[-1]), float(ys[-1])))
        if not ends:
            errors.bad("runs", errors.Said("runs without a finite value"), "something to draw")
        if log:
            ax.set_yscale("log")
        if ylim is not None:
            ax.set_ylim(ylim)
        ax.set_xlabel(xlabel or AXES.get(x, x))
        ax.set_ylabel(ylabel or " and ".join(AXES.get(c, c) for c in columns))
        label_at_right(ax, [_end(ax, *end) for end in ends])
    return fig


def _end(ax: Any, text: str, color: str, x: float, y: float) -> tuple[float, str, str, Any]:
    low, high = ax.get_ylim()
    y = min(max(y, low), high)
    height = ax.transAxes.inverted().transform(ax.transData.transform((x, y)))[1]
    return float(height), text, color, (x, y)


def _table(name: str, run: Any, x: str, y: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """The x values `(N,)` and y values `(S, N)` of a run, without NaNs."""
    pair = run if isinstance(run, tuple) else (run[x], run[y])
    xs, ys = np.asarray(pair[0], float), np.atleast_2d(np.asarray(pair[1], float))
    if xs.ndim != 1 or ys.ndim != 2 or ys.shape[1] != len(xs):
        came = errors.Said(f"x of shape {xs.shape} and y of shape {np.shape(pair[1])}")
        errors.bad(f"runs[{name!r}]", came, "x (N,) and y (N,) or (S, N)")
    known = np.isfinite(xs) & np.isfinite(ys).all(0)
    return xs[known], ys[:, known]


def _thin(count: int) -> NDArray[np.int64]:
    """Places of at most `MANY` of `count` points, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MANY)).round().astype(np.int64))


def moving_average(values: ArrayLike, width: int) -> NDArray[np.float64]:
    """The mean of each value `(N,)` and up to `width - 1` before it.

    >>> moving_average([0, 2, 4], 2)
    array([0., 1., 3.])
    """
    array = np.asarray(values, float)
    sums = np.concatenate([[0.0], np.cumsum(array)])
    last = np.arange(1, len(array) + 1)
    first = np.maximum(last - width, 0)
    # m[t] = (v[t - width + 1] + ... + v[t]) / width
    return np.asarray((sums[last] - sums[first]) / (last - first))


def bars(
    values: Mapping[str, float | Sequence[float]],
    *,
    title: str,
    xlabel: str,
    alt: str = "",
    form: str = "{:.3g}",
    highlight: str | None = None,
    reference: tuple[str, float] | None = None,
    low: float = 0.0,
    width: float = WIDTH,
) -> Figure:
    """Bars with their names and values written at them, in the order given.

    values: by name, a number, or several (seeds): then the bar is their mean, and each is a dot.
    xlabel: what is measured, with its unit.
    form: how a value is written; `"{:.1%}"` for shares.
    highlight: the name that the title is about; the others turn grey.
    reference: a name and a value, drawn as a dashed line (chance, a baseline).
    low: where the bars begin. Bars say "this much", so leave it at 0.

    Raises `InputError` for no values, and for values that are not finite.
    """
    if not values:
        errors.bad("values", values, "at least one named value")
    seeds = {name: np.atleast_1d(np.asarray(v, float)) for name, v in values.items()}
    for name, v in seeds.items():
        if v.ndim != 1 or not v.size or not np.isfinite(v).all():
            errors.bad(f"values[{name!r}]", values[name], "a finite number, or several")
    if highlight is not None:
        errors.choice("highlight", highlight, seeds)
    fig, ax = figure(title=title, alt=alt, width=width, height=0.32 * len(seeds) + 0.95)
    top = max([float(v.max()) for v in seeds.values()] + ([reference[1]] if reference else []))
    bottom = min(low, *(float(v.min()) for v in seeds.values()))
    room = (top - bottom or 1.0) * 0.14
    with style():
        for k, (name, v) in enumerate(seeds.items()):
            dull = highlight is not None and name != highlight
            mean = float(v.mean())
            ax.barh(k, mean - low, left=low, height=0.66, color="#B9C4CC" if dull else COLORS[0])
            if len(v) > 1:
                ax.plot(v, np.full(len(v), k), "o", color="white", markeredgecolor=INK, ms=4.5)
            edge = max(float(v.max()), low)
            ax.text(edge + room * 0.12, k, form.format(mean), va="center", fontweight="bold")
        if reference:
            ax.axvline(reference[1], color=COLORS[1], linestyle="--", linewidth=1.4)
            ax.set_title(f"dashed: {reference[0]}, {form.format(reference[1])}", color=COLORS[1])
        ax.set_yticks(range(len(seeds)), list(seeds))
        begin = bottom - 0.3 * room if bottom < low else low  # a dot at the edge would be cut
        ax.set(ylim=(len(seeds) - 0.4, -0.6), xlim=(begin, top + room), xlabel=xlabel)
        ax.grid(False, axis="y")
        ax.tick_params(axis="y", length=0)
    return fig


def confusion(
    matrix: ArrayLike,
    names: Sequence[str],
    *,
    title: str,
    alt: str = "",
    width: float = 6.0,
) -> Figure:
    """How often each true class (row) was taken for each class (column), in percent of the row.

    matrix: `(C, C)` counts, true class by predicted class. names: `(C,)`.
    alt: if not given, the title and the three most frequent mistakes.

    Raises `InputError` for a matrix that is not square, negative counts, or other numbers of names.
    """
    counts = np.asarray(matrix, float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        errors.bad("matrix", counts, "counts of shape (C, C)")
    if not np.isfinite(counts).all() or (counts < 0).any():
        errors.bad("matrix", errors.Said("counts that are negative or not finite"), "counts")
    if len(names) != len(counts):
        errors.bad(
            "names", errors.Said(f"{len(names)} names"), f"{len(counts)}, one for each class"
        )
    totals = counts.sum(1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    classes = len(counts)
    fig, ax = figure(
        title=title,
        alt=alt or f"{title} {_mistakes(share, names)}",
        width=width,
        height=width * 0.9,
    )
    with style():
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(classes, classes):
            percent = 100 * share[i, j]
            text = f"{percent:.0f}" if percent >= 0.5 else "\N{MIDDLE DOT}"
            ink = "white" if share[i, j] > 0.5 else INK
            weight = "bold" if i == j else "normal"
            ax.text(j, i, text, ha="center", va="center", color=ink, fontsize=9, fontweight=weight)
        ax.set_xticks(range(classes), names, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(classes), names)
        ax.set(xlabel="taken for (% of the row)", ylabel="true class")
        ax.grid(False)
        ax.tick_params(length=0)
    return fig


def _mistakes(share: NDArray[Any], names: Sequence[str]) -> str:
    """The three most frequent mistakes, as a sentence."""
    wrong = np.where(np.eye(len(share), dtype=bool), -1.0, share)
    places = np.argsort(wrong, axis=None)[::-1][:3]
    said = [
        f"{names[i]} taken for {names[j]} {100 * share[i, j]:.0f} %"
        for i, j in (np.unravel_index(place, share.shape) for place in places)
        if share[i, j] > 0 and i != j
    ]
    return "Most frequent mistakes: " + ", ".join(said) + "." if said else "No mistakes."


def reliability(
    models: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str,
    alt: str = "",
    bins: int = BINS,
    width: float = 5.6,
) -> Figure:
    """Accuracy against confidence: on the diagonal, a model is as often right as it says.

    models: by name, confidences `(N,)` and whether each prediction was correct `(N,)`; see
        `tracklab.calibration.calibration`. Each model is named with its expected calibration error.
    """
    fig, ax = figure(title=title, alt=alt, width=width, height=width * 0.72)
    ends = []
    with style():
        ax.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
        # in the corner, where no curve comes: nobody is nearly always right and never sure
        ax.text(0.02, 0.95, "- - -  as often right as it says", color=FAINT, fontsize=8.5)
        for k, (name, (confidence, correct)) in enumerate(models.items()):
            mean, accuracy, count, error = calibration(confidence, correct, bins)
            there = count > 0
            size = 12 + 60 * np.sqrt(count[there] / count.max())
            color = COLORS[k % len(COLORS)]
            ax.plot(mean[there], accuracy[there], color=color, linestyle=LINES[k % 4])
            ax.scatter(mean[there], accuracy[there], size, color=color, zorder=3)
            tip = (float(mean[there][-1]), float(accuracy[there][-1]))
            ends.append((tip[1], f"{name}\nECE {error:.3f}", color, tip))
        ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        ax.set(xlabel="confidence (bin mean)", ylabel="accuracy in the bin")
        label_at_right(ax, [end for end in ends if math.isfinite(end[0])], lines=2)
    return fig
