"""Figures about windows and kernels: grids of numbers, responses with a sign, and who sees what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.plots.base import COLORS, FAINT, GRID, INK, WIDTH, Figure, figure, plain, style

SIGNED = "PuOr_r"  # purple below 0, orange above: apart for every kind of colour vision
FRAME, RING, SEEN = COLORS[1], COLORS[5], COLORS[4]
CELL = 0.4  # inches of a number in its cell
DARK = 0.5  # of white: numbers on what is darker are white
LETTER = 0.09  # inches of a title's bold letter
MOST_PLACES = 14  # bars drawn below an axis; more only repeat


def numbers(
    grids: Sequence[ArrayLike],
    titles: Sequence[str],
    *,
    windows: Mapping[int, tuple[int, int, int, int]] | None = None,
    white: float | None = None,
    title: str = "",
    alt: str = "",
) -> Figure:
    """Small grids side by side with their numbers written in, each under its title.

    grids: arrays `(H, W)` or `(W,)`, of a few cells each; NaN is shown as "?". Grids with negative
        numbers are coloured around 0 (purple below, orange above), others are shaded as a picture
        is: 0 is black, and `white` is white.
    white: a number, for grids that are to be compared; each grid's largest if not given.
    windows: frames a part of a grid: `{grid: (row, column, rows, columns)}`.
    title, alt: the finding, and the figure in words.

    Raises `InputError` for other shapes and for a different number of titles.
    """
    arrays = [np.atleast_2d(np.asarray(grid, float)) for grid in grids]
    if any(array.ndim != 2 for array in arrays) or len(arrays) != len(titles):
        errors.bad("grids", [array.shape for array in arrays], "as many (H, W) grids as titles")
    spans = [max(array.shape[1], 2.4) for array in arrays]
    longest = max((len(_written(value)) for array in arrays for value in array.flat), default=1)
    size = 9 if longest < 5 else 7.5  # one size for all: a smaller number is no lesser number
    rows = max(array.shape[0] for array in arrays)
    fig, axes = figure(
        1,
        len(arrays),
        title=title,
        alt=alt,
        width=_room(title, (sum(spans) + 0.5 * len(arrays)) * CELL + 0.3),
        height=rows * CELL + 0.45 + (0.45 if title else 0),
        squeeze=False,
        width_ratios=spans,
    )
    with style():
        for place, (ax, array, name) in enumerate(zip(axes[0], arrays, titles, strict=True)):
            _grid(ax, array, size, white or _most(array))
            ax.set_title(name)
            if windows and place in windows:
                row, column, high, wide = windows[place]
                corner = (column - 0.5, row - 0.5)
                edge = Rectangle(corner, wide, high, fill=False, color=FRAME, linewidth=3)
                edge.set_clip_on(False)
                ax.add_patch(edge)
    return fig


def _room(title: str, width: float) -> float:
    """Inches for a figure: its own, but so many that its title stays on one line if it can."""
    return max(width, min(LETTER * len(title) + 0.2, WIDTH))


def _written(value: float) -> str:
    """A number as it stands in its cell."""
    return f"{value + 0.0:.3g}" if np.isfinite(value) else "?"


def _most(array: NDArray[Any]) -> float:
    """The largest size of a number that is known, or 1."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0)) or 1.0


def _grid(ax: Any, array: NDArray[Any], size: float, bright: float) -> None:
    """One grid: numbers of `size` points; `bright` is white where no number is below 0."""
    signed = bool((array < 0).any())
    # paler than the signed scale allows, so that black numbers can be read on every cell
    limits = (-1.7 * _most(array), 1.7 * _most(array)) if signed else (0.0, bright)
    ax.imshow(array, cmap=SIGNED if signed else "gray", vmin=limits[0], vmax=limits[1])
    for (row, column), value in np.ndenumerate(array):
        dark = not signed and value < DARK * bright  # not so for NaN, which is drawn white
        color = "white" if dark else INK
        text = _written(value)
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    ax.set_xticks(np.arange(array.shape[1] + 1) - 0.5, [])
    ax.set_yticks(np.arange(array.shape[0] + 1) - 0.5, [])
    ax.tick_params(length=0)
    ax.grid(color=GRID, linewidth=0.6)
    for spine in ax.spines.values():
        spine.set(visible=True, color=FAINT)
    ax.set_anchor("NW")


def responses(
    images: Sequence[ArrayLike],
    titles: Sequence[str],
    *,
    signed: Sequence[int] = (),
    boxes: Mapping[int, ArrayLike] | None = None,
    points: Mapping[int, ArrayLike] | None = None,
    limits: tuple[float, float] = (0, 1),
    columns: int = 4,
    title: str = "",
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Images and what kernels answer to them, in rows of `columns`, each under its title.

    images: `(H, W)` or RGB `(H, W, 3)`; uint8, or floats of which `limits` are black and white
        (what is beyond is cut). NaN is left as white as the paper.
    signed: places of those that have a sign: coloured around 0, purple below and orange above, on
        one scale for all of them, whose bar stands at the right.
    boxes, points: by place, `xyxy` boxes `(n, 4)` and points `(n, 2)` (x, y) to draw on an image.
    title, alt, width: the finding, the figure in words, inches.

    Raises `InputError` for other shapes and for a different number of titles.
    """
    arrays = [np.asarray(image) for image in images]
    if not arrays or any(array.ndim not in (2, 3) for array in arrays):
        errors.bad("images", [array.shape for array in arrays], "(H, W) or (H, W, 3) each")
    if len(arrays) != len(titles):
        errors.bad("titles", errors.Said(f"{len(titles)} titles"), f"{len(arrays)}")
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    tall = max(array.shape[0] / array.shape[1] for array in arrays)
    lines = max(name.count("\n") + 1 for name in titles)
    side = (width - (0.75 if signed else 0)) / columns
    height = rows * (side * min(tall, 1.6) + 0.18 * lines + 0.1) + (0.35 if title else 0)
    fig, axes = figure(
        rows, columns, title=title, alt=alt, width=width, height=height, squeeze=False
    )
    most = max((_most(arrays[i]) for i in signed), default=1.0)
    scale = Normalize(-most, most)
    drawn = None
    with style():
        for place, ax in enumerate(axes.ravel()):
            plain(ax)
            if place >= len(arrays):
                continue
            array = arrays[place]
            if place in signed:
                drawn = ax.imshow(array, cmap=SIGNED, norm=scale)
            else:
                low, top = (0, 255) if array.dtype == np.uint8 else limits
                shown = np.clip((array.astype(np.float32) - low) / (top - low), 0, 1)
                ax.imshow(shown, cmap="gray", vmin=0, vmax=1)
            ax.set_title(titles[place], fontsize=9)
            for x1, y1, x2, y2 in np.reshape((boxes or {}).get(place, ()), (-1, 4)):
                corner = (x1 - 0.5, y1 - 0.5)  # pixel 0 is drawn from -0.5 to 0.5
                for color, line in (("black", 4), (SEEN, 2)):
                    edge = Rectangle(
                        corner, x2 - x1, y2 - y1, fill=False, color=color, linewidth=line
                    )
                    ax.add_patch(edge)
            for x, y in np.reshape((points or {}).get(place, ()), (-1, 2)):
                # rings: what they mark stays to be seen
                ax.plot(x, y, "o", mfc="none", mec="black", ms=19, mew=3.6)
                ax.plot(x, y, "o", mfc="none", mec=RING, ms=19, mew=1.8)
        if drawn is not None:
            bar = fig.colorbar(drawn, ax=list(axes.ravel()), fraction=0.04, pad=0.01, aspect=25)
            bar.set_label("response")
            bar.outline.set_visible(False)
    return fig


def places(
    size: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    title: str = "",
    alt: str = "",
) -> Figure:
    """An axis of pixels with its padding, and below it a bar for every place of a kernel.

    size, kernel, stride, dilation: as in `convolution.output_size`. padding: pixels on either side,
    or `(before, after)`. Pixels that no window sees are hatched.
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    total, reach = before + size + after, dilation * (kernel - 1) + 1
    starts = list(range(0, total - reach + 1, stride))
    seen = {start + dilation * i for start in starts for i in range(kernel)}
    shown = starts[:MOST_PLACES]
    rows = len(shown) + (len(starts) > len(shown))
    fig, ax = figure(
        title=title, alt=alt, width=_room(title, 0.27 * total + 1.4), height=0.85 + 0.2 * rows
    )
    with style():
        plain(ax)
        for column in range(total):
            inside = before <= column < before + size
            ax.add_patch(
                Rectangle(
                    (column, 0),
                    1,
                    1,
                    facecolor="#CFE3F1" if inside else "white",
                    edgecolor=FAINT,
                    linestyle="-" if inside else ":",
                    hatch="" if column in seen else "/////",
                )
            )
            if column in seen:
                name, ink = (str(column - before), INK) if inside else ("0", FAINT)
                ax.text(column + 0.5, 0.5, name, ha="center", va="center", fontsize=7, color=ink)
        for row, start in enumerate(shown):
            y = -0.55 - 0.75 * row
            taps = start + 0.5 + dilation * np.arange(kernel)
            ax.plot(taps, np.full(kernel, y), "s-", color=FRAME, markersize=4.5, linewidth=1.4)
            ax.text(total + 0.4, y, f"output {row}", va="center", fontsize=7.5)
        if rows > len(shown):
            text = f"and {len(starts) - len(shown)} more"
            ax.text(total + 0.4, -0.55 - 0.75 * len(shown), text, va="center", fontsize=7.5)
        ax.set(xlim=(-0.2, total + 3.6), ylim=(-0.75 * rows - 0.2, 1.1))
    return fig


def cone(layers: Sequence[Sequence[int]], *, title: str = "", alt: str = "") -> Figure:
    """What one output of a stack of `(kernel, stride)` sees: a row of dots a layer, input below."""
    sees = [{0}]
    for kernel, stride, *_ in reversed([tuple(layer) for layer in layers]):
        sees.append({place * stride + i for place in sees[-1] for i in range(kernel)})
    sees.reverse()  # the input first
    jumps, starts = [1], [0.0]
    for kernel, stride, *_ in layers:
        starts.append(starts[-1] + (kernel - 1) / 2 * jumps[-1])
        jumps.append(jumps[-1] * stride)
    width = max(sees[0]) + 1
    fig, ax = figure(
        title=title,
        alt=alt,
        width=_room(title, min(0.23 * width + 2.2, 9.0)),
        height=0.5 + 0.52 * len(sees),
    )
    with style():
        plain(ax)
        for level, dots in enumerate(sees):
            x = {place: starts[level] + place * jumps[level] for place in dots}
            kernel, stride = tuple(layers[level - 1])[:2] if level else (1, 1)
            for place in dots if level else ():
                for i in (0, kernel - 1):
                    below = starts[level - 1] + (place * stride + i) * jumps[level - 1]
                    ax.plot([x[place], below], [level, level - 1], color=FAINT, linewidth=0.8)
            color = COLORS[0] if level == 0 else SEEN
            ax.plot(list(x.values()), [level] * len(x), "o", color=color, mec=INK, mew=0.5, ms=6)
            values = f"{len(dots)} value{'' if len(dots) == 1 else 's'}"
            name = (
                f"input: {width} pixels"
                if not level
                else f"{values}: {kernel} wide, stride {stride}"
            )
            ax.text(width + 0.3, level, name, va="center", fontsize=8)
        ax.set(xlim=(-0.8, width + max(9.0, 0.45 * width)), ylim=(-0.4, len(sees) - 0.6))
    return fig
