"""Figures about curvature: how fast methods converge on three axes, and a loss's eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, sentence, style
from tracklab.plots.charts import LINES

if TYPE_CHECKING:
    from tracklab.optimizers.lanczos import Density
    from tracklab.optimizers.results import Result

LEGEND = 4  # names a row
ROOM = 0.22  # inches of a row of the legend
BLUR = 0.012  # of the range of eigenvalues: width of the Gaussian that stands for a point
OUTLIERS = 3  # eigenvalues that are named
LINEAR = 1e-4  # of the largest eigenvalue: below, an axis of shares is linear
DECADES = 2  # ticks on either side of 0

Floats = NDArray[np.float64]


def convergence(
    runs: Mapping[str, Result | Sequence[Result]],
    *,
    title: str,
    alt: str = "",
    prices: Mapping[str, float] | None = None,
    lowest: float = 0.0,
    floor: float = 1e-16,
    so_far: bool = False,
    width: float = WIDTH,
) -> Figure:
    """Loss over steps, over all that was asked in gradients, and over CPU seconds.

    runs: by name, a `Result` or several (other seeds: a line each). prices: as
        `derivatives.prices` measures them, for `Result.in_gradients`.
    lowest: the loss that cannot be beaten; what lies above it is drawn, not below `floor`. so_far:
        draw the lowest loss until then, which is what a method would hand over.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no runs, and for prices that are missing.
    """
    known = {name: list(run) if isinstance(run, Sequence) else [run] for name, run in runs.items()}
    if not known or not all(known.values()):
        errors.bad("runs", runs, "at least one result, by name")
    rows = -(-len(known) // LEGEND)
    fig, axes = figure(
        1,
        3,
        title=title,
        alt=alt or _told(title, known, lowest),
        width=width,
        height=2.9 + ROOM * rows,
        sharey=True,
    )
    with style():
        handles = []
        for k, (name, repeats) in enumerate(known.items()):
            color = COLORS[k % len(COLORS)]
            line: Any = LINES[k // len(COLORS) % len(LINES)]
            handles.append(Line2D([], [], color=color, linestyle=line, label=name))
            for run in repeats:
                losses = np.fmin.accumulate(run["loss"]) if so_far else run["loss"]
                above = np.maximum(losses - lowest, floor)
                for ax, x in zip(
                    axes, (run["step"], run.in_gradients(prices), run["cpu_seconds"]), strict=True
                ):
                    ax.plot(x, above, line, color=color, alpha=0.9, linewidth=1.6)
                    ax.plot(x[-1:], above[-1:], "o", color=color, markersize=3.5)
        told = "lowest loss so far" if so_far else "loss"
        axes[0].set(yscale="log", ylabel=told if lowest == 0 else f"{told}, above the least")
        labels = ("steps", "what was asked, in gradients", "CPU time (s)")
        for ax, label in zip(axes, labels, strict=True):
            ax.set_xlabel(label)
            ax.set_xscale("log", nonpositive="mask")  # the start, at 0, is left of it
        fig.legend(handles=handles, loc="outside lower left", ncols=LEGEND, handlelength=2.0)
    return fig


def _told(title: str, known: Mapping[str, Sequence[Result]], lowest: float) -> str:
    said = []
    for name, repeats in known.items():
        losses = [run.loss - lowest for run in repeats]
        ends = f"{min(losses):.2g}" + (f" to {max(losses):.2g}" if len(losses) > 1 else "")
        last = repeats[0]
        said.append(
            f"{name} {ends} after {last['step'][-1]:.0f} steps and "
            f"{last['cpu_seconds'][-1]:.2g} CPU seconds"
        )
    axes = "Loss over steps, gradients and CPU seconds; at the end"
    return f"{sentence(title)} {axes} {'; '.join(said)}."


def spectrum(
    density: Density,
    *,
    title: str,
    alt: str = "",
    exact: ArrayLike | None = None,
    width: float = WIDTH,
) -> Figure:
    """The eigenvalues of a Hessian: their density, and which share lies below each value.

    density: as `lanczos.density` finds it. exact: all eigenvalues `(n,)`, where they are known:
    drawn behind. title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for eigenvalues that are not finite.
    """
    known = np.sort(np.asarray(density.values if exact is None else exact, np.float64).ravel())
    if not known.size or not np.isfinite(known).all():
        errors.bad("density" if exact is None else "exact", known, "finite eigenvalues")
    low, high = float(known[0]), float(known[-1])
    span = max(high - low, 1e-12)
    flat = float((density.weights * (np.abs(density.values) < 0.01 * high)).sum(-1).mean())
    fig, axes = figure(
        1,
        2,
        title=title,
        alt=alt
        or f"{sentence(title)} Eigenvalues from {low:.3g} to {high:.3g}; {flat:.0%} of them are "
        "smaller than a hundredth of the largest. Left, their density on a logarithmic axis; "
        "right, the share of them below each value.",
        width=width,
        height=3.1,
    )
    with style():
        at = np.linspace(low - 0.06 * span, high + 0.06 * span, 600)
        left, right = axes
        left.plot(at, density.smooth(at, BLUR * span), color=COLORS[0], label="Lanczos quadrature")
        if exact is not None:
            bells = np.exp(-(((at[:, None] - known) / (BLUR * span)) ** 2) / 2)
            true = bells.mean(-1) / (BLUR * span * np.sqrt(2 * np.pi))
            left.plot(at, true, color=COLORS[1], linestyle="--", linewidth=1.3, label="exact")
            left.legend(loc="upper right")
        top = left.get_ylim()[1]
        left.set(
            yscale="log",
            ylim=(top * 1e-5, top * 40),  # with room for the legend
            xlabel="eigenvalue",
            ylabel="density",
            title="Density",
        )
        for value in known[-OUTLIERS:]:
            left.axvline(value, ymax=0.06, color=INK, linewidth=1.2)
        _shares(right, density, known if exact is not None else None, high)
    return fig


def _decades(linear: float, low: float, high: float) -> list[float]:
    """Ticks of the symmetric logarithmic axis: 0 and powers of ten on both sides, few enough."""
    first = int(np.ceil(np.log10(linear))) + 1  # nearer to 0 they would touch it
    sides = [np.arange(first, np.log10(max(abs(end), linear)) + 0.5) for end in (low, high)]
    every = -(-max(len(side) for side in sides) // DECADES) or 1
    under, over = ([float(10.0**k) for k in side[::every]] for side in sides)
    return [*(-value for value in reversed(under)), 0.0, *over]


def _shares(ax: Any, density: Density, exact: Floats | None, high: float) -> None:
    """Which share of the eigenvalues lies below each value; near zero the axis is linear."""
    values = density.values.ravel()
    order = np.argsort(values)
    weights = density.weights.ravel()[order] / len(density.values)
    ax.step(values[order], np.cumsum(weights), where="post", color=COLORS[0])
    if exact is not None:
        below = (np.arange(len(exact)) + 1) / len(exact)
        ax.step(exact, below, where="post", color=COLORS[1], linestyle="--", linewidth=1.3)
    linear = max(abs(high) * LINEAR, 1e-12)
    ax.set_xscale("symlog", linthresh=linear)
    ax.set_xticks(_decades(linear, float(min(values.min(), 0.0)), high))
    ax.axvline(0, color=FAINT, linewidth=0.8)
    ax.set(
        xlabel="eigenvalue (linear near 0)",
        ylabel="share below",
        ylim=(-0.02, 1.02),
        title="Share below each",
    )
    ax.tick_params(axis="x", labelrotation=30)
