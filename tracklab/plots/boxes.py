"""Figures about boxes: layers of them over frames or paper, and the area that ranked answers have.

Layers are told apart by colour and by line (solid, dashed, dotted), and named below the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.metrics.curve import area, envelope
from tracklab.plots.base import COLORS, DPI, FAINT, GRID, INK, WIDTH, Figure, figure, plain, style
from tracklab.plots.pictures import RIGHT, WRONG, as_rgb

# Readable on dark ground and, with a rim, on light: the sky blue and orange of Okabe and Ito.
TRUTH, FOUND, OTHER = "#56B4E9", "#E69F00", "#CC79A7"
RIM = "#000000A0"
HEAD, FOOT, GAP = 18, 26, 8  # pixels: a panel's title, the names of the layers, between panels


@dataclass(frozen=True)
class Layer:
    """Boxes that look alike.

    boxes: `(N, 4)` or `(4,)` xyxy pixels; rows of NaN are left out.
    name: what they are, for the line below the figure; "" for no entry.
    color, line ("-", "--" or ":"), wide (points): how they are drawn.
    texts: `(N,)` words at the upper left corners; none if empty.
    """

    boxes: ArrayLike
    name: str = ""
    color: str = FOUND
    line: Literal["-", "--", ":"] = "-"
    wide: float = 1.6
    texts: Sequence[str] = field(default_factory=tuple)


def panels(
    grounds: Sequence[Any],
    layers: Sequence[Sequence[Layer]],
    titles: Sequence[str],
    *,
    title: str,
    alt: str,
    columns: int | None = None,
    width: float = WIDTH,
) -> Figure:
    """Pictures of one size side by side, with layers of boxes over each.

    grounds: images `(H, W, 3)` uint8 RGB, or pairs `(H, W)` for so much white paper.
    layers, titles: for each picture, what lies over it and what stands above it.

    Raises `InputError` where lengths or sizes differ.
    """
    if not len(grounds) == len(layers) == len(titles) > 0:
        came = errors.Said(f"{len(grounds)} grounds, {len(layers)} layers, {len(titles)} titles")
        errors.bad("grounds, layers and titles", came, "as many of each, and at least one")
    papers = [isinstance(ground, tuple) for ground in grounds]
    tiles = [
        np.full((*ground, 3), 255, np.uint8) if paper else as_rgb(ground)
        for ground, paper in zip(grounds, papers, strict=True)
    ]
    if len({tile.shape for tile in tiles}) > 1:
        errors.bad("grounds", errors.Said("several sizes"), "pictures of one size")
    high, across = tiles[0].shape[:2]
    columns = len(tiles) if columns is None else columns
    rows = -(-len(tiles) // columns)
    # One axes in screen pixels, as for `images`: each picture is enlarged to its place in it.
    side = (width * DPI - 2 * GAP) / columns - GAP
    scale = side / across
    step = (side + GAP, high * scale + HEAD + GAP)
    total = rows * step[1]
    fig, ax = figure(
        title=title, alt=alt, width=width, height=(total + FOOT + _title_room(title, width)) / DPI
    )
    with style():
        plain(ax)
        ax.set(xlim=(0, width * DPI - 2 * GAP), ylim=(total + FOOT, 0), aspect="equal", anchor="NW")
        for k, (tile, parts) in enumerate(zip(tiles, layers, strict=True)):
            x, y = (k % columns) * step[0], (k // columns) * step[1] + HEAD
            ax.imshow(tile, extent=(x, x + side, y + high * scale, y))
            frame = Rectangle((x, y), side, high * scale, fill=False, edgecolor=GRID)
            ax.add_patch(frame)
            ax.text(x, y - 4, titles[k], ha="left", va="bottom", fontsize=9, color=INK)
            for part in parts:
                _boxes(ax, part, (x, y), scale, papers[k], frame)
        _names(ax, [part for parts in layers for part in parts], total)
    return fig


def _title_room(title: str, width: float) -> float:
    """Pixels that a title takes above the axes."""
    lines = 1 + int(len(title) * 8.8 / (width * DPI)) if title else 0
    return 20.0 * lines + 6


def _boxes(
    ax: Any, layer: Layer, corner: tuple[float, float], scale: float, paper: bool, frame: Rectangle
) -> None:
    rows = np.atleast_2d(np.asarray(layer.boxes, np.float64).reshape(-1, 4))
    shift = np.array([*corner, *corner])
    halo = [] if paper else [effects.Stroke(linewidth=layer.wide + 1.6, foreground=RIM)]
    for number, row in enumerate(rows):
        if not np.isfinite(row).all():
            continue
        x1, y1, x2, y2 = row * scale + shift
        patch = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=layer.color)
        patch.set(linewidth=layer.wide, linestyle=layer.line)
        patch.set_path_effects([*halo, effects.Normal()])
        ax.add_patch(patch)
        patch.set_clip_path(frame)  # after it was added: adding clips to the axes
        if layer.texts:
            rim = [effects.withStroke(linewidth=2.5, foreground="white" if paper else RIM)]
            ink = INK if paper else "white"
            words = ax.text(x1 + 1, y1 - 2, layer.texts[number], fontsize=8, color=ink)
            words.set_path_effects(rim)
            words.set_clip_path(frame)


def _names(ax: Any, layers: Sequence[Layer], top: float) -> None:
    """A line that says which boxes are which."""
    known = {layer.name: layer for layer in layers if layer.name}
    if not known:
        return
    lines = [
        Line2D([], [], color=layer.color, linestyle=layer.line, linewidth=layer.wide + 0.6)
        for layer in known.values()
    ]
    ax.legend(
        lines,
        list(known),
        loc="upper left",
        bbox_to_anchor=(0, top - 2),
        bbox_transform=ax.transData,
        ncols=len(lines),
        fontsize=8.5,
        borderaxespad=0,
        handlelength=2.4,
    )


def ranked(
    correct: ArrayLike, objects: int, *, title: str, alt: str = "", width: float = 6.2
) -> Figure:
    """A ranked list of right and wrong detections, and the area that average precision takes.

    correct: `(K,)` booleans, best first: did it find an object that none before it had found?
    objects: how many objects there are.

    Left the list itself, right precision over recall: dots as measured, a staircase for the
    envelope (the best precision at this recall or beyond), its area shaded.
    """
    hits = np.asarray(correct, bool)
    counted = np.cumsum(hits)
    # precision = hits / detections so far, recall = hits / objects
    precision, recall = counted / np.arange(1, len(hits) + 1), counted / objects
    top = envelope(precision)
    total = area(precision, recall, "voc")
    said = "".join("right, " if hit else "wrong, " for hit in hits)[:-2]
    fig, (ax, curve) = figure(
        1,
        2,
        title=title,
        alt=alt or f"Best first: {said}; {objects} objects. Area below the envelope: {total:.3f}.",
        width=width,
        height=3.0,
        width_ratios=(1, 1.7),
    )
    with style():
        _list(ax, hits, precision, recall)
        _steps(curve, precision, recall, top)
    return fig


def _list(ax: Any, hits: NDArray[Any], precision: NDArray[Any], recall: NDArray[Any]) -> None:
    plain(ax)
    shown = min(len(hits), 9)
    heads = ("", "", "precision", "recall")
    places = (0.02, 0.14, 0.34, 0.74)
    ax.set(xlim=(0, 1), ylim=(10.2, -0.8))
    for x, head in zip(places, heads, strict=True):
        ax.text(x, 0, head, fontsize=8.5, color=FAINT)
    for k in range(shown):
        sign, ink = ("\N{CHECK MARK}", RIGHT) if hits[k] else ("\N{MULTIPLICATION X}", WRONG)
        words = (f"{k + 1}", sign, f"{precision[k]:.2f}", f"{recall[k]:.2f}")
        for x, word in zip(places, words, strict=True):
            ax.text(x, k + 1, word, fontsize=9, color=ink if word == sign else INK)
    if shown < len(hits):
        ax.text(places[0], shown + 1, f"... {len(hits)} in all", fontsize=8.5, color=FAINT)


def _steps(ax: Any, precision: NDArray[Any], recall: NDArray[Any], top: NDArray[Any]) -> None:
    x = np.concatenate([[0.0], recall, recall[-1:]])
    y = np.concatenate([top[:1], top, [0.0]])
    # between two recalls the height of the later one holds
    ax.fill_between(x, y, step="pre", color=COLORS[5], alpha=0.3, linewidth=0)
    ax.step(x, y, where="pre", color=COLORS[0], label="envelope")
    ax.plot(recall, precision, "o:", color=COLORS[1], markersize=4, linewidth=1, label="measured")
    ax.set(xlim=(-0.02, 1.04), ylim=(0, 1.08), xlabel="recall: objects found")
    ax.set_ylabel("precision: detections right")
    ax.legend(loc="lower left", fontsize=8.5)
