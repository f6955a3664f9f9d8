"""Figures about classifiers: what softmax does once and twice, and networks as tables of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, plain, style
from tracklab.plots.pictures import label_at_right

ROW = 0.27  # inches that a line of a table needs
CLASSES_NAMED = 12  # more names than that cannot be read below bars


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Probabilities `(..., K)` of logits `(..., K)`.

    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    z = np.asarray(logits, float)
    # p[k] = exp(z[k]) / sum over j of exp(z[j]); moving all z by the same amount changes nothing
    powers = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", alt: str = ""
) -> Figure:
    """A table as a figure: where text must stay aligned inside a picture.

    header: the names of the columns. rows: as many texts each.
    """
    lines = [list(header), *map(list, rows)]
    if any(len(line) != len(header) for line in lines):
        errors.bad("rows", [len(row) for row in rows], f"{len(header)} texts a row")
    wide = [max(len(line[k]) for line in lines) + 3 for k in range(len(header))]
    fig, ax = figure(
        title=title,
        alt=alt or title or "A table.",
        width=max(0.085 * sum(wide), 3.0),
        height=ROW * len(lines) + 0.15 + (0.35 if title else 0),
    )
    with style():
        plain(ax)
        for number, line in enumerate(lines):
            for column, text in enumerate(line):
                ax.text(
                    sum(wide[:column]),
                    -number,
                    text,
                    va="center",
                    fontsize=9,
                    fontweight="bold" if number == 0 else "normal",
                    color=INK,
                )
        ax.axhline(-0.5, color=FAINT, linewidth=0.8)
        ax.set(xlim=(-0.5, sum(wide)), ylim=(-len(lines) + 0.4, 0.6))
    return fig


def softmax_steps(
    logits: ArrayLike,
    label: int,
    names: Sequence[str] | None = None,
    *,
    twice: bool = True,
    title: str = "",
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Logits `(K,)`, their softmax, and the softmax of that: what the loss sees once and twice.

    twice: draw the second softmax. label: the true class; its bar is coloured.
    names: of the classes; their numbers if None.
    title, alt: made from the numbers if not given.
    """
    z = np.asarray(logits, float)
    if z.ndim != 1 or len(z) < 2 or not 0 <= label < len(z):
        errors.bad("logits", z, "shape (K,), at least two classes, one of them the label")
    once = softmax(z)
    again = softmax(once)
    # log p without a quotient, so that a probability that rounds to 0 has a finite loss
    loss_once = float(np.log(np.exp(z - z.max()).sum()) + z.max() - z[label])
    loss_twice = float(-np.log(again[label]))
    said = (
        f"The true class, {label if names is None else names[label]}, gets {once[label]:.3g} from "
        f"softmax (loss {loss_once:.3g})"
    )
    if twice:
        said += f", and {again[label]:.3g} from softmax applied twice (loss {loss_twice:.3g})"
    panels = (
        (z, "logits", "logit"),
        (once, f"softmax: loss {loss_once:.3g}", "probability"),
        (again, f"softmax twice: loss {loss_twice:.3g}", "probability"),
    )
    shown = panels if twice else panels[:2]
    width *= len(shown) / 3
    fig, axes = figure(1, len(shown), title=title or said, alt=alt or said, width=width, height=2.6)
    with style():
        colours = [COLORS[1] if k == label else "#B9C4CC" for k in range(len(z))]
        for ax, (values, name, axis) in zip(axes, shown, strict=True):
            bars = ax.bar(range(len(z)), values, color=colours, width=0.75)
            bars[label].set_hatch("///")
            bars[label].set_edgecolor("white")
            ax.set_title(name)
            ax.set_ylabel(axis)
            ax.grid(False, axis="x")
            if axis == "probability":
                ax.set_ylim(0, 1)
            if len(z) <= CLASSES_NAMED:
                texts = list(map(str, range(len(z)))) if names is None else list(names)
                turn = 60 if names is not None else 0
                ax.set_xticks(range(len(z)), texts, rotation=turn, fontsize=8)
    return fig


def loss_against_margin(
    classes: int = 10, *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """Loss, and what reaches the network of it, as the true logit rises above all others.

    The others are 0. At the left the loss with one softmax and with two; at the right the size of
    its derivative by the true logit.
    """
    margin = np.linspace(-10, 15, 301)
    rest = classes - 1
    # p = e^m / (e^m + K - 1); every other class has (1 - p) / (K - 1)
    p = 1 / (1 + rest * np.exp(-margin))
    loss_once = -np.log(p)
    # softmax of those: the loss is log(1 + (K - 1) exp(q - p)), q = (1 - p) / (K - 1)
    q = (1 - p) / rest
    loss_twice = np.log1p(rest * np.exp(q - p))
    least = float(np.log1p(rest * np.exp(-1.0)))
    fig, (left, right) = figure(1, 2, title=title, alt=alt, width=width, height=3.1)
    with style():
        for loss, name, line, colour in (
            (loss_once, "softmax once", "-", COLORS[0]),
            (loss_twice, "softmax twice", "--", COLORS[1]),
        ):
            left.plot(margin, loss, line, color=colour, label=name)
            slope = np.abs(np.gradient(loss, margin))
            right.plot(margin, slope, line, color=colour, label=name)
        left.axhline(least, color=FAINT, linewidth=1, linestyle=":")
        left.text(-9.8, least - 0.12, f"least loss: {least:.3f}", color=INK, va="top", fontsize=8.5)
        left.set(xlabel="true logit minus the others", ylabel="cross-entropy", ylim=(0, 8))
        right.set(xlabel="true logit minus the others", ylabel="|d loss / d logit|", ylim=(0, 1.05))
        left.legend(loc="upper right")
        right.legend(loc="upper right")
    return fig


def seen_and_new(
    epoch: ArrayLike,
    seen: Mapping[str, ArrayLike],
    new: Mapping[str, ArrayLike],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """How a network does on the images that it learns from and on new ones, epoch by epoch.

    epoch: `(N,)`, when it was judged. seen, new: each "loss" `(N,)` and "accuracy" `(N,)`, 0 to 1:
    a panel for each of the two.
    """
    when = np.asarray(epoch, float)
    fig, axes = figure(1, 2, title=title, alt=alt, width=width, height=3.1)
    with style():
        for ax, what in zip(axes, ("loss", "accuracy"), strict=True):
            runs = {"seen": np.asarray(seen[what], float), "new": np.asarray(new[what], float)}
            if any(values.shape != when.shape for values in runs.values()):
                came = errors.Said(f"{[v.shape for v in runs.values()]} values of {what}")
                errors.bad("seen and new", came, f"one an epoch, shape {when.shape}")
            for (name, values), line, color in zip(
                runs.items(), ("-", "--"), COLORS[:2], strict=True
            ):
                ax.plot(when, values, line, color=color, label=name)
            top = 1.0 if what == "accuracy" else None
            ax.set(xlabel="epoch", ylabel=what, ylim=(0, top))
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            high = ax.get_ylim()[1]
            label_at_right(
                ax,
                [
                    (float(v[-1]) / high, name, color, (float(when[-1]), float(v[-1])))
                    for (name, v), color in zip(runs.items(), COLORS[:2], strict=True)
                ],
            )
    return fig
