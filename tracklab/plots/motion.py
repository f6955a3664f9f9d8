"""Figures about motion: estimates with their ellipses, errors while nothing is seen, ratios by
motion, and how far back a gradient reaches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, style
from tracklab.plots.charts import curves

DEVIATIONS = 2.0  # an ellipse reaches so far: 86 of 100 truths lie inside, if it is right
EVERY = 3  # frames between ellipses
BETTER, WORSE = COLORS[0], COLORS[1]
Floats = NDArray[np.float64]


def estimates(
    truth: ArrayLike,
    detections: ArrayLike,
    runs: Mapping[str, Any],
    *,
    title: str,
    alt: str = "",
    size: tuple[float, float] | None = None,
    columns: int = 3,
    every: int = EVERY,
    width: float = WIDTH,
) -> Figure:
    """One object's way as several estimators saw it, each in a panel, with ellipses of doubt.

    truth `(T, 4)` boxes; detections `(T, 4)`, NaN where nothing was detected: the estimate of such
    frames is drawn hollow. runs: by name, with `boxes (T, 4)` or `(T, 1, 4)` and `deviations (T,
    2)` or `(T, 1, 2)`. size: height and width of the picture, drawn as a frame.
    every: frames between the ellipses, which reach two deviations each way.
    """
    true, seen = _centers("truth", truth), _centers("detections", detections)
    if not runs or len(true) != len(seen):
        errors.bad("truth, detections, runs", errors.Said("lengths that differ, or none"), "one T")
    known = {name: _run(name, run, len(true)) for name, run in runs.items()}
    columns = min(columns, len(known))
    rows = -(-len(known) // columns)
    missed = np.asarray(np.isnan(seen).any(1))
    points = [true, seen[~missed], *(place for place, _ in known.values())]
    low, high = np.concatenate(points).min(0) - 12, np.concatenate(points).max(0) + 12
    tall, wide = high[1] - low[1], high[0] - low[0]
    height = rows * (width / columns * min(max(tall / wide, 0.45), 1.3) + 0.25) + 0.75
    fig, axes = figure(
        rows,
        columns,
        title=title,
        alt=alt or _in_words(title, true, known, missed),
        width=width,
        height=height,
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    with style():
        for k, ax in enumerate(axes.flat):
            if k >= len(known):
                ax.set_axis_off()
                continue
            name, (place, spread) = list(known.items())[k]
            color = COLORS[0]
            for t in range(0, len(place), every):
                way = 2 * DEVIATIONS * spread[t]
                ax.add_patch(Ellipse(place[t], *way, facecolor=color, alpha=0.13, edgecolor="none"))
            ax.plot(*true.T, color=INK, linewidth=1.2)
            ax.plot(*seen.T, "x", color=COLORS[1], markersize=4, markeredgewidth=1.1)
            ax.plot(*place.T, color=color, linewidth=1.6)
            ax.plot(
                *place[missed].T,
                "o",
                color=color,
                markerfacecolor="white",
                markersize=3.8,
                linestyle="none",
            )
            off = np.hypot(*(place - true).T)
            mean = float(np.sqrt(np.square(off).mean()))
            ax.set_title(f"{name}: {mean:.1f} px off")
            if size is not None:
                box = ([0, size[1], size[1], 0, 0], [0, 0, size[0], size[0], 0])
                ax.plot(*box, color=FAINT, linewidth=1)
            ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
            if k % columns == 0:
                ax.set_ylabel("y (pixels)")
            if k + columns >= len(known):
                ax.set_xlabel("x (pixels)")
                ax.tick_params(labelbottom=True)
        handles = [
            Line2D([], [], color=INK, linewidth=1.2, label="truth"),
            Line2D([], [], color=COLORS[1], marker="x", linestyle="none", label="detected"),
            Line2D([], [], color=COLORS[0], label="estimate"),
            Line2D(
                [], [], color=COLORS[0], marker="o", markerfacecolor="white", label="not detected"
            ),
            Patch(facecolor=COLORS[0], alpha=0.2, label="two deviations"),
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8.5)
    return fig


def error_against_hidden(
    errors_of: Mapping[str, ArrayLike],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
    **options: Any,
) -> Figure:
    """Error after k unseen frames, one line an estimator.

    errors_of: by name, root-mean-square errors in pixels `(K,)` after 1, 2, ... K frames, or `(S,
    K)` of S trainings, drawn as their mean in a band from least to most. options: of `curves`.
    """
    runs = {}
    for name, values in errors_of.items():
        array = np.asarray(values, float)
        runs[name] = (np.arange(1, array.shape[-1] + 1), array)
    if not alt:
        said = [f"{name} {np.mean(np.atleast_2d(y)[:, -1]):.1f}" for name, (_, y) in runs.items()]
        last = max(len(x) for x, _ in runs.values()) if runs else 0
        alt = f"{title} After {last} hidden frames, error in pixels: {', '.join(said)}."
    fig = curves(
        runs,
        title=title,
        alt=alt,
        xlabel="frames hidden",
        ylabel="error (pixels, root mean square)",
        width=width,
        **options,
    )
    fig.axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return fig


def gradient_reach(
    norms: Mapping[str, ArrayLike],
    *,
    title: str,
    alt: str = "",
    lowest: float = 1e-6,
    width: float = WIDTH,
    **options: Any,
) -> Figure:
    """Norm of a gradient against how many frames back it looks, one line a cell; logarithmic.

    norms: by name, `(K,)` for lags 0, 1, ... K - 1, or `(K, N)` of N objects, of which the
    geometric mean is drawn (as `motion.gradients.reach` gives them). lowest: below this, which is
    nothing in float32, a line ends. options: of `curves`.
    """
    runs = {}
    for name, values in norms.items():
        array = np.asarray(values, float)
        if array.ndim not in (1, 2):
            errors.bad(f"norms[{name!r}]", array, "shape (K,) or (K, N)")
        # the typical object: norms span orders of magnitude
        logs = np.log(np.maximum(array, 1e-30))
        typical = np.exp(logs.mean(1) if array.ndim == 2 else logs)
        runs[name] = (np.arange(len(typical)), np.where(typical < lowest, np.nan, typical))
    if not alt:
        said = [
            f"{name} {y[np.isfinite(y)][-1]:.1g} at {int(np.isfinite(y).sum()) - 1} frames"
            for name, (_, y) in runs.items()
            if np.isfinite(y).any()
        ]
        alt = f"{title} Norm as far back as it is drawn: {', '.join(said)}."
    return curves(
        runs,
        title=title,
        alt=alt,
        xlabel="frames back",
        ylabel="norm of the gradient",
        log=True,
        width=width,
        **options,
    )


def errors_by_motion(
    tables: Mapping[str, Mapping[str, Mapping[str, float]]],
    column: str,
    *,
    baseline: str,
    title: str,
    alt: str = "",
    unit: str = "px",
    rows: Sequence[str] = (),
    width: float = WIDTH,
) -> Figure:
    """Estimators across, motions down: each error, coloured by its ratio to the baseline's.

    tables: by estimator, tables as `metrics.motion.evaluate` gives them. column: which error.
    baseline: the estimator that the others are measured against: blue is better, orange worse.
    rows: which rows of the tables; all if empty.
    """
    errors.choice("baseline", baseline, tables)
    names = list(tables)
    rows = tuple(rows) or tuple(tables[baseline])
    for name in names:
        for row in rows:
            if column not in tables[name].get(row, {}):
                came = errors.Said(f"no {column!r} of {row!r}")
                errors.bad(f"tables[{name!r}]", came, "the same rows and columns in all tables")
    values = np.array([[tables[name][row][column] for name in names] for row in rows])
    ratio = values / values[:, [names.index(baseline)]]
    fig, ax = figure(
        title=title,
        alt=alt or _ratios(title, column, baseline, names, rows, ratio),
        width=width,
        height=0.42 * len(rows) + 1.15,
    )
    colors = LinearSegmentedColormap.from_list("ratio", [BETTER, "#FFFFFF", WORSE])
    with style():
        norm = TwoSlopeNorm(vcenter=0, vmin=-1, vmax=1)
        ax.imshow(np.log2(ratio), cmap=colors, norm=norm, aspect="auto")
        for i, j in np.ndindex(values.shape):
            strong = abs(np.log2(ratio[i, j])) > 0.6
            ax.text(
                j,
                i,
                f"{values[i, j]:.1f} ({ratio[i, j]:.2f})",
                ha="center",
                va="center",
                fontsize=8.5,
                color="white" if strong else INK,
            )
        ax.set_xticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
        ax.set_yticks(range(len(rows)), rows)
        ax.xaxis.tick_top()
        ax.set_xlabel(f"{column}, {unit} (over that of {baseline})")
        ax.grid(False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return fig


def _centers(name: str, boxes: ArrayLike) -> Floats:
    array = bx.as_boxes(boxes, name, absent=True)
    if array.ndim != 2:
        errors.bad(name, array, "boxes of one object, shape (T, 4)")
    return bx.centers(array).astype(float)


def _run(name: str, run: Any, frames: int) -> tuple[Floats, Floats]:
    """Centres and deviations `(T, 2)` of a run of one object."""
    boxes, spread = np.asarray(run.boxes), np.asarray(run.deviations, float)
    boxes = boxes[:, 0] if boxes.ndim == 3 and boxes.shape[1] == 1 else boxes
    spread = spread[:, 0] if spread.ndim == 3 and spread.shape[1] == 1 else spread
    if boxes.shape != (frames, 4) or spread.shape != (frames, 2):
        came = errors.Said(f"boxes {boxes.shape} and deviations {spread.shape}")
        errors.bad(f"runs[{name!r}]", came, f"one object over {frames} frames")
    return _centers(name, boxes), spread


def _in_words(title: str, true: Floats, known: Mapping[str, Any], missed: NDArray[Any]) -> str:
    said = []
    for name, (place, _) in known.items():
        off = np.hypot(*(place - true).T)
        blind = (
            f", {np.sqrt(np.square(off[missed]).mean()):.1f} where unseen" if missed.any() else ""
        )
        said.append(f"{name} is {np.sqrt(np.square(off).mean()):.1f} pixels off{blind}")
    frames = f"{len(true)} frames, {int(missed.sum())} of them without a detection"
    return f"{title} {frames}: {'; '.join(said)}."


def _ratios(
    title: str, column: str, baseline: str, names: Sequence[str], rows: Sequence[str], ratio: Floats
) -> str:
    said = [
        f"{name} {', '.join(f'{row} {ratio[i, j]:.2f}' for i, row in enumerate(rows))}"
        for j, name in enumerate(names)
        if name != baseline
    ]
    return f"{title} {column} as a share of that of {baseline}: {'; '.join(said)}."
