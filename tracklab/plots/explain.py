"""Figures of what explains an answer: maps over images, methods against measures, what is left when
a network forgets, and what a state holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.explain.judging import MEASURES, TRUTH, spread
from tracklab.explain.methods import BASELINES
from tracklab.plots.base import (
    COLORS,
    DPI,
    FAINT,
    INK,
    WIDTH,
    Figure,
    figure,
    plain,
    sentence,
    style,
)
from tracklab.plots.charts import curves
from tracklab.plots.pictures import as_rgb

Picture = NDArray[np.uint8]

OUTLINE, HIGHEST, HALO = (0, 158, 115), (213, 94, 0), (255, 255, 255)
GLOW, DIM = 0.75, 0.15  # how much of a pixel its colour has where the map is high, and elsewhere
BRIGHT = 99.5  # percentile of a map from which on it is as bright as can be
CROSS = 1 / 24  # of a picture's side: the cross at a map's highest place
SMALL = 200  # pixels: smaller pictures get thinner lines
GAP, HEAD, LETTER = 6, 14, 6.2  # pixels: between tiles, a line above them, a letter
SHOWN = ("pointing", "energy", "insertion", "deletion", "similarity")
WORDS = {
    "pointing": "highest place on\nthe object",
    "near": "highest place near\nthe object",
    "other": "highest place on\nanother object",
    "energy": "share of the map\non the object",
    "insertion": "insertion\n(area, 0 to 1)",
    "deletion": "deletion\n(area, 0 to 1)",
    "similarity": "similarity after all\nis forgotten",
    "on object": "the same, on the\nobject alone",
    "ms": "CPU milliseconds",
}


def square(image: Picture, side: int, how: int = cv2.INTER_NEAREST) -> Picture:
    """An image enlarged into a square of `side` pixels, at its top left."""
    scale = side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    out = np.full((side, side, 3), 255 if how == cv2.INTER_NEAREST else 0, np.uint8)
    out[: size[1], : size[0]] = cv2.resize(image, size, interpolation=how)
    return out


def outlined(large: Picture, mask: NDArray[np.bool_]) -> Picture:
    """An enlarged square image with the edge of a mask drawn on it."""
    side = large.shape[0]
    as_picture = np.repeat(mask[..., None] * np.uint8(255), 3, -1)
    grown = (square(as_picture, side, cv2.INTER_LINEAR)[..., 0] > 127).astype(np.uint8)
    edges, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    out = large.copy()
    if side >= SMALL:
        cv2.drawContours(out, edges, -1, HALO, 3, cv2.LINE_AA)
    cv2.drawContours(out, edges, -1, OUTLINE, 1, cv2.LINE_AA)
    return out


def glowing(
    image: Picture, heat: ArrayLike, side: int, *, mask: NDArray[np.bool_] | None = None
) -> Picture:
    """An image in grey, `(side, side, 3)`, coloured where a map is high, a cross at its highest.

    heat: `(H, W)`, 0 or more, as large as the image. mask: whose edge is drawn. Raises `InputError`
    for a map of another size.
    """
    values = np.asarray(heat, np.float32)
    rgb = errors.image("image", image)
    if values.shape != rgb.shape[:2] or not np.isfinite(values).all() or values.min() < 0:
        errors.bad("heat", values, f"a map of shape {rgb.shape[:2]}, 0 or more")
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    large = square(np.asarray(grey), side).astype(np.float32)
    # one hot pixel would leave all others dark
    most = float(np.percentile(values, BRIGHT)) or float(values.max()) or 1.0
    small = np.rint(255 * np.clip(values / most, 0, 1)).astype(np.uint8)
    strength = square(np.repeat(small[..., None], 3, -1), side, cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(strength[..., 0], cv2.COLORMAP_INFERNO)[..., ::-1]
    share = GLOW * strength.astype(np.float32) / 255 + DIM
    lit = np.rint(large * (1 - share) + colours * share).clip(0, 255).astype(np.uint8)
    if mask is not None:
        lit = outlined(lit, mask)
    if values.any():
        row, column = np.unravel_index(int(values.argmax()), values.shape)
        scale = side / max(values.shape)
        spot = int((column + 0.5) * scale), int((row + 0.5) * scale)
        thick = 1 if side < SMALL else 2
        for colour, wide in ((HALO, thick + 2), (HIGHEST, thick)):
            span = max(6, round(CROSS * side))
            cv2.drawMarker(lit, spot, colour, cv2.MARKER_TILTED_CROSS, span, wide)
    return lit


def attributions(
    images: Sequence[Picture],
    heats: Sequence[Mapping[str, ArrayLike]],
    *,
    title: str,
    masks: Sequence[NDArray[np.bool_] | None] | None = None,
    names: Sequence[str] | None = None,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """A row an image: the image with the outline of its object, then each method's map over it.

    images: `(H, W, 3)` uint8 each. heats: for each image its maps `(H, W)` by method, the same
    methods for all. masks: for each image `(H, W)` booleans or None. names: of the rows.

    Raises `InputError` where these do not agree.
    """
    if not len(images) or len(heats) != len(images):
        came = errors.Said(f"{len(images)} images and {len(heats)} sets of maps")
        errors.bad("images and heats", came, "as many of the one as of the other, at least one")
    methods = list(heats[0])
    if any(list(row) != methods for row in heats) or not methods:
        errors.bad("heats", errors.Said("maps of different methods"), "the same for every image")
    known = [None] * len(images) if masks is None else list(masks)
    labels = [""] * len(images) if names is None else list(names)
    if len(known) != len(images) or len(labels) != len(images):
        errors.bad("masks and names", errors.Said("other counts"), f"{len(images)} of each, if any")
    columns = len(methods) + 1
    side = int((width * DPI - 14) / columns) - GAP
    head = HEAD * (2 if any(LETTER * len(name) > side for name in methods) else 1) + 2
    high = len(images) * (side + GAP) + head
    fig, ax = figure(
        title=title,
        alt=alt or _in_words(title, methods, heats, known, labels),
        width=width,
        height=(high + 42) / DPI,
    )
    with style():
        for row, (image, maps, mask) in enumerate(zip(images, heats, known, strict=True)):
            first = square(as_rgb(image), side)
            tiles = [first if mask is None else outlined(first, mask)]
            tiles += [glowing(as_rgb(image), maps[name], side, mask=mask) for name in methods]
            for column, tile in enumerate(tiles):
                x, y = column * (side + GAP), head + row * (side + GAP)
                ax.imshow(tile, extent=(x, x + side, y + side, y))
            if labels[row]:
                # where the object is not
                low = mask is not None and mask[mask.shape[0] // 2 :].sum() * 2 > mask.sum()
                y = head + row * (side + GAP) + (5 if low else side - 5)
                ax.text(
                    4,
                    y,
                    labels[row],
                    fontsize=8,
                    va="top" if low else "bottom",
                    bbox={"facecolor": "white", "alpha": 0.8, "pad": 1.5, "linewidth": 0},
                )
        for column, name in enumerate(["image", *methods]):
            lines = name.replace(" ", "\n", 1) if LETTER * len(name) > side else name
            ax.text(column * (side + GAP), head - 4, lines, fontsize=8, va="bottom")
        plain(ax)
        ax.set(xlim=(-2, columns * (side + GAP) + 2), ylim=(high, 0), aspect="equal", anchor="NW")
    return fig


def _in_words(
    title: str,
    methods: Sequence[str],
    heats: Sequence[Mapping[str, ArrayLike]],
    masks: Sequence[NDArray[np.bool_] | None],
    names: Sequence[str],
) -> str:
    said = []
    for number, (maps, mask) in enumerate(zip(heats, masks, strict=True)):
        if mask is None:
            continue
        on = [
            name
            for name in methods
            if mask[np.unravel_index(int(np.argmax(maps[name])), mask.shape)]
        ]
        who = names[number] or f"image {number + 1}"
        said.append(f"{who}: highest on the object by {', '.join(on) or 'none'}")
    return f"{sentence(title)} Maps of {', '.join(methods)}. " + "; ".join(said) + "." * bool(said)


def methods_judged(
    table: Mapping[str, Mapping[str, Any]],
    *,
    title: str,
    measures: Sequence[str] = SHOWN,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Methods down, measures across: means with two standard errors, baselines in grey.

    table: by method and measure the values `(N,)`, as `explain.compare` gives them, or a pair of
    mean and standard error, as the benchmark stores them.
    """
    chosen = [errors.choice("measure", one, MEASURES) for one in measures]
    if not table or any(one not in row for row in table.values() for one in chosen):
        errors.bad("table", errors.Said("no rows with those"), "what explain.compare gives")
    names = list(table)
    values = {one: [_pair(table[name][one]) for name in names] for one in chosen}
    fig, axes = figure(
        1,
        len(chosen),
        title=title,
        alt=alt or _best(title, names, values),
        width=width,
        height=0.27 * len(names) + 1.35,
        sharey=True,
        squeeze=False,
    )
    y = np.arange(len(names))
    known = [name not in BASELINES and name != TRUTH for name in names]
    letters = 8 if len(chosen) <= len(SHOWN) else 7  # points: words below panels stay apart
    with style():
        for ax, one in zip(axes[0], chosen, strict=True):
            for place, (mean, off) in enumerate(values[one]):
                if np.isfinite(mean):
                    color = COLORS[0] if known[place] else FAINT
                    ax.plot([mean - 2 * off, mean + 2 * off], [place] * 2, color=color, linewidth=2)
                    marker = "o" if known[place] else "s"
                    ax.plot(mean, place, marker, color=color, markersize=5)
            ax.set_title(_arrow(one), fontsize=letters + 0.5)
            ax.set_xlabel(WORDS[one], fontsize=letters)
            ax.tick_params(axis="x", labelsize=8)
            ax.xaxis.set_major_locator(MaxNLocator(3))
            if one != "ms":
                low = min(-0.05, *(m - 2 * s for m, s in values[one] if np.isfinite(m)), 0)
                ax.set_xlim(low - 0.03, 1 + 0.06 * (1 - low))
        axes[0, 0].set_yticks(y, names)
        axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    return fig


def _arrow(measure: str) -> str:
    return "more is better" if MEASURES[measure] else "less is better"


def _pair(values: Any) -> tuple[float, float]:
    """Mean and standard error of values, or such a pair as it is."""
    if isinstance(values, (list, tuple)):
        mean, off = (float("nan") if v is None else float(v) for v in values)
        return mean, off
    return spread(np.asarray(values, float))


def _best(title: str, names: Sequence[str], values: Mapping[str, Any]) -> str:
    said = []
    for one, pairs in values.items():
        own = {
            name: mean
            for name, (mean, _) in zip(names, pairs, strict=True)
            if np.isfinite(mean) and name not in BASELINES and name != TRUTH
        }
        if own:
            best = (max if MEASURES[one] else min)(own, key=lambda name: own[name])
            said.append(f"{one} {best} {own[best]:.2f}")
    return f"{sentence(title)} The best method by each measure: {', '.join(said)}."


def forgetting(
    similarity: Mapping[str, ArrayLike],
    *,
    title: str,
    alt: str = "",
    width: float = WIDTH,
    **options: Any,
) -> Figure:
    """How much of each method's map is left while a network forgets, layer by layer.

    similarity: by method, `(L + 1,)` to the first map, from no layer forgotten to all. options: of
    `curves`.
    """
    runs = {}
    for name, values in similarity.items():
        array = np.asarray(values, float)
        runs[name] = np.arange(array.shape[-1]), array
    left = {name: np.mean(np.atleast_2d(y)[:, -1]) for name, (_, y) in runs.items()}
    said = ", ".join(f"{name} {value:.2f}" for name, value in left.items())
    fig = curves(
        runs,
        title=title,
        alt=alt or f"{sentence(title)} Similarity after all layers are forgotten: {said}.",
        xlabel="layers forgotten, from the answer down",
        ylabel="similarity to the first map (rank correlation)",
        width=width,
        **{"height": 4.2} | options,
    )
    fig.axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return fig


def removals(
    curves_of: Mapping[str, Any], *, title: str, alt: str = "", width: float = WIDTH, **options: Any
) -> Figure:
    """The answer while pixels go or come, the map's highest first, a line a method.

    curves_of: by method, `explain.Removal`. options: of `curves`.
    """
    runs = {name: (100 * one.shares, one.probabilities) for name, one in curves_of.items()}
    said = ", ".join(f"{name} {one.area:.2f}" for name, one in curves_of.items())
    return curves(
        runs,
        title=title,
        alt=alt or f"{sentence(title)} Area below each line: {said}.",
        xlabel="pixels changed (%)",
        ylabel="probability of the answer",
        width=width,
        **{"ylim": (-0.02, 1.02)} | options,
    )


def read_out(
    table: Mapping[str, Mapping[str, Any]], *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """R squared of what is read out (panels) by where it is read from (rows): dots, one a repeat.

    table: by what and by where, as `readout.compare` gives it, each a number or several.
    """
    if not table:
        errors.bad("table", errors.Said("nothing"), "what readout.compare gives")
    whats, wheres = list(table), list(next(iter(table.values())))
    fig, axes = figure(
        1,
        len(whats),
        title=title,
        alt=alt or _told(title, table),
        width=width,
        height=0.33 * len(wheres) + 1.2,
        sharey=True,
        squeeze=False,
    )
    with style():
        for ax, what in zip(axes[0], whats, strict=True):
            for place, where in enumerate(wheres):
                found = np.atleast_1d(np.asarray(table[what][where], float))
                color = COLORS[0] if where == "state" else FAINT
                ax.barh(place, found.mean(), height=0.62, color=color, alpha=0.85)
                ax.plot(found, [place] * len(found), "o", color=INK, markersize=3)
                at = max(float(found.max()), 0.0)
                ax.text(at + 0.02, place, f"{found.mean():.2f}", va="center", fontsize=8.5)
            ax.set_title(what)
            ax.set_xlabel("R squared on held-out objects")
            ax.set_xlim(min(-0.05, *(np.min(v) - 0.02 for v in table[what].values())), 1.1)
        axes[0, 0].set_yticks(range(len(wheres)), wheres)
        axes[0, 0].set_ylim(len(wheres) - 0.5, -0.5)
    return fig


def _told(title: str, table: Mapping[str, Mapping[str, Any]]) -> str:
    said = [
        f"{what} from " + ", ".join(f"{where} {np.mean(v):.2f}" for where, v in row.items())
        for what, row in table.items()
    ]
    return f"{sentence(title)} R squared of {'; '.join(said)}."


def kernel_tiles(kernels: ArrayLike) -> list[Picture]:
    """The filters of a first layer `(k, k, 3, C)` as pictures: grey is 0, one scale for all."""
    array = np.asarray(kernels, float)
    if array.ndim != 4 or array.shape[2] != 3 or not array.size:
        errors.bad("kernels", array, "kernels of a first layer, shape (k, k, 3, C)")
    most = float(np.abs(array).max()) or 1.0
    # 0.5 + w / (2 max |w|)
    scaled = np.rint(255 * (0.5 + array / (2 * most))).astype(np.uint8)
    return [scaled[..., k] for k in range(array.shape[3])]
