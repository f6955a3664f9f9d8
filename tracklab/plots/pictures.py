"""Figures made of pictures: grids of images, and paths over a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.plots.base import COLORS, DPI, INK, WIDTH, Figure, figure, plain, style

GAP = 6  # pixels between the tiles of a grid
LINE = 15  # pixels that a line of text above a tile needs
RIGHT, WRONG = COLORS[0], COLORS[1]  # blue and vermilion: apart for every kind of colour vision


def as_rgb(image: ArrayLike, name: str = "image") -> NDArray[np.uint8]:
    """An image of any usual kind as `(H, W, 3)` uint8 RGB.

    Takes uint8 RGB, uint8 grey `(H, W)` or `(H, W, 1)`, booleans (masks), and floats from 0 to 1
    of these shapes. Raises `InputError` for floats outside 0 to 1 (scale them first: how is part
    of what a picture says) and for other shapes.
    """
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        errors.bad(name, array, "an image of shape (H, W, 3) or (H, W)")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype.kind == "f":
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            errors.bad(name, array, "floats from 0 to 1 (or uint8 from 0 to 255)")
        array = np.round(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        errors.bad(name, array, "uint8 from 0 to 255, or floats from 0 to 1")
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array


def images(
    images: Sequence[Any] | NDArray[Any],
    titles: Sequence[str] | None = None,
    *,
    title: str,
    alt: str = "",
    columns: int | None = None,
    right: Sequence[bool] | None = None,
    width: float = WIDTH,
) -> Figure:
    """A grid of images of one size, each with its own line of text.

    images: `(N, H, W, 3)` uint8, or a sequence of anything that `as_rgb` takes.
    titles: `(N,)` short texts above the images; a line break makes two lines.
    title, alt: what the grid shows; as for `figure`.
    columns: of the grid; as many as leave the pictures about square if None.
    right: `(N,)` booleans: a blue frame and a tick where True, a vermilion one and a cross where
        False.
    width: of the figure, in inches of 100 pixels.

    Raises `InputError` where lengths or sizes differ, and for an empty list.
    """
    tiles = [as_rgb(one, f"images[{k}]") for k, one in enumerate(images)]
    if not tiles:
        errors.bad("images", errors.Said("no images"), "at least one image")
    shapes = {tile.shape for tile in tiles}
    if len(shapes) > 1:
        errors.bad("images", errors.Said(f"images of {len(shapes)} sizes"), "images of one size")
    texts = _each("titles", titles, len(tiles), "")
    marks = _each("right", right, len(tiles), None)
    tall, wide = tiles[0].shape[:2]
    if columns is None:
        columns = min(len(tiles), int(np.ceil(np.sqrt(2.2 * len(tiles)))))
    columns = int(errors.number("columns", columns, low=1, high=1000, whole=True))
    rows = -(-len(tiles) // columns)

    # One axes in screen pixels for the whole grid: fifty axes would take a second to lay out.
    side = (width * DPI - GAP) / columns - GAP
    scale = min(side / wide, 260 / tall)  # small pictures are enlarged, but not without end
    tile_wide, tile_tall = wide * scale, tall * scale
    head = LINE * max((text.count("\n") + 1 if text else 0) for text in texts) + 2
    step_x, step_y = tile_wide + GAP, tile_tall + head + GAP
    high = rows * step_y
    fig, ax = figure(title=title, alt=alt or title, width=width, height=(high + 40) / DPI)
    with style():
        for k, (tile, text, mark) in enumerate(zip(tiles, texts, marks, strict=True)):
            x, y = (k % columns) * step_x, (k // columns) * step_y + head
            ax.imshow(tile, extent=(x, x + tile_wide, y + tile_tall, y))
            ink = INK
            if mark is not None:
                ink = RIGHT if mark else WRONG
                text = ("\N{CHECK MARK} " if mark else "\N{MULTIPLICATION X} ") + text
                ax.plot(
                    [x, x + tile_wide, x + tile_wide, x, x],
                    [y, y, y + tile_tall, y + tile_tall, y],
                    color=ink,
                    linewidth=2,
                    linestyle="-" if mark else "--",
                )
            ax.text(x, y - 3, text, ha="left", va="bottom", fontsize=8.5, color=ink)
        plain(ax)
        ax.set(xlim=(-2, width * DPI - 2 * GAP + 2), ylim=(high, 0), aspect="equal", anchor="NW")
    return fig


def paths(
    frame: NDArray[np.uint8],
    paths: Mapping[str, ArrayLike],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Where objects went, or where estimators thought they went, over one frame.

    frame: `(H, W, 3)` uint8 RGB.
    paths: by name, the points `(T, 2)` in pixels, or the boxes `(T, 4)` xyxy whose centres are
        meant; NaN where there is none. A path starts at a dot and ends at an arrowhead.

    Raises `InputError` for other shapes.
    """
    frame = errors.image("frame", frame)
    tall, wide = frame.shape[:2]
    # A third of the width is for names; a tall frame must still fit on a screen.
    drawn = min(width * 0.72, 5.0 * wide / tall)
    fig, ax = figure(title=title, alt=alt, width=width, height=drawn * tall / wide + 0.6)
    points = {name: _points(name, path) for name, path in paths.items()}
    with style():
        ax.imshow(frame, extent=(0, wide, tall, 0))
        ends = []
        for k, (name, path) in enumerate(points.items()):
            color = COLORS[k % len(COLORS)]
            rim = [effects.withStroke(linewidth=3.6, foreground="white")]
            line = ("-", "--", ":", "-.")[k % 4]
            ax.plot(path[:, 0], path[:, 1], line, color=color, path_effects=rim)
            seen = path[np.isfinite(path).all(1)]
            if not len(seen):
                continue
            ax.plot(*seen[0], "o", color=color, markeredgecolor="white", markersize=7)
            if len(seen) > 1 and (seen[-1] != seen[-2]).any():
                arrow = {"arrowstyle": "-|>", "color": color, "mutation_scale": 16}
                ax.annotate("", seen[-1], seen[-2], arrowprops=arrow)
            ends.append((float(seen[-1, 1]) / tall, name, color, seen[-1]))
        label_at_right(ax, ends, downwards=True)
        ax.set(xlim=(0, wide), ylim=(tall, 0), xlabel="x (pixels)", ylabel="y (pixels)")
        ax.grid(False)
        ax.set_anchor("W")
    return fig


def _points(name: str, path: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(path, np.float32)
    if array.ndim == 2 and array.shape[1] == 4:
        return bx.centers(array)
    if array.ndim != 2 or array.shape[1] != 2:
        errors.bad(f"paths[{name!r}]", array, "points of shape (T, 2) or boxes of shape (T, 4)")
    return array


def label_at_right(
    ax: Any,
    ends: list[tuple[float, str, str, Any]],
    *,
    downwards: bool = False,
    lines: int = 1,
) -> None:
    """Names at the right edge of an axes, each tied to the end of its line, none on another.

    ends: height in the axes (0 to 1, from the top if `downwards`), text, colour, and the data
        point where the line ends.
    lines: of text that each name has.
    """
    if not ends:
        return
    figure_inches = ax.get_figure().get_figheight()
    gap = 15 * lines / (figure_inches * DPI * 0.72)  # about a line of text, as a share of the axes
    ordered = sorted(ends, key=lambda end: end[0])
    heights = spread([end[0] for end in ordered], gap)
    for (_, text, color, point), height in zip(ordered, heights, strict=True):
        ax.annotate(
            text,
            xy=point,
            xytext=(1.03, 1 - height if downwards else height),
            textcoords="axes fraction",
            ha="left",
            va="center",
            color=color,
            fontsize=9,
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "alpha": 0.8},
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in rising order, moved as little as needed so that neighbours are `gap` apart.

    >>> [round(h, 2) for h in spread([0.5, 0.5, 0.9], 0.1)]
    [0.45, 0.55, 0.9]
    """
    # Labels that collide are one pile, centred on the mean of its members; piles merge upwards.
    piles: list[list[float]] = []
    for height in heights:
        piles.append([height])
        while len(piles) > 1 and _low(piles[-1], gap) - _high(piles[-2], gap) < gap:
            last = piles.pop()
            piles[-1] += last
    return [_low(pile, gap) + k * gap for pile in piles for k in range(len(pile))]


def _low(pile: list[float], gap: float) -> float:
    return sum(pile) / len(pile) - gap * (len(pile) - 1) / 2


def _high(pile: list[float], gap: float) -> float:
    return sum(pile) / len(pile) + gap * (len(pile) - 1) / 2


def _each(name: str, values: Sequence[Any] | None, count: int, filler: Any) -> list[Any]:
    if values is None:
        return [filler] * count
    if len(values) != count:
        errors.bad(name, errors.Said(f"{len(values)} values"), f"{count}, one for each image")
    return list(values)
