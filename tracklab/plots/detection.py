"""Figures about detectors: precision over recall, proposals, where time goes, the worst frames.

On frames the truth is a solid line, named below its box; what was found is a dashed line, named
above it: nobody needs the colours to tell them apart.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.detections import Detections, Objects
from tracklab.metrics.curve import ABSENT, Curve
from tracklab.metrics.detection_errors import KINDS, SURE, Worst
from tracklab.plots.base import COLORS, DPI, INK, WIDTH, Figure, figure, plain, sentence, style
from tracklab.plots.charts import LINES
from tracklab.plots.pictures import GAP, as_rgb, label_at_right

TRUTH, FOUND = "#56B4E9", "#E69F00"  # sky blue and orange, readable on dark and, rimmed, on light
DARK, LIGHT = "#00000099", "#FFFFFFB0"  # rims: a line must be seen on any ground
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++", "oo")
DULL = "#B9C4CC"
LEGEND = 5  # names a row
PIXELS_A_CAPTION_LETTER = 6.3  # of the text below a picture
CAPTION_LINE = 14  # pixels


def precision_recall(
    curves: Mapping[str, Curve],
    *,
    title: str,
    alt: str = "",
    sum_by: str = "coco",
    score: float | None = None,
    width: float = WIDTH,
) -> Figure:
    """Precision over recall, as measured (thin) and as average precision takes it (thick).

    curves: by name, as `metrics.detection.precision_recall` makes them. Each is named with its
        average precision, the area below its thick line.
    sum_by: how the area is summed, a name in `metrics.detection.STYLES`.
    score: mark where each curve is if detections of at least this score are kept.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no curves, and for one without objects to find.
    """
    if not curves:
        errors.bad("curves", errors.Said("no curves"), "at least one, by name")
    areas = {}
    for name, line in curves.items():
        if not isinstance(line, Curve):
            errors.bad(f"curves[{name!r}]", line, "a Curve of metrics.detection.precision_recall")
        areas[name] = line.average_precision(sum_by)
        if areas[name] == ABSENT:
            errors.bad(f"curves[{name!r}]", errors.Said("no object to find"), "at least one object")
    said = ", ".join(f"{name} {value:.3f}" for name, value in areas.items())
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} Average precision: {said}.",
        width=width,
        height=3.7,
    )
    ends = []
    with style():
        for k, (name, line) in enumerate(curves.items()):
            color, dash = COLORS[k % len(COLORS)], LINES[k % len(LINES)]
            top = line.envelope()
            # from recall 0 on, and down to 0 where nothing more is found
            x = np.concatenate([[0.0], line.recall, line.recall[-1:]])
            y = np.concatenate([top[:1], top, [0.0] if len(line) else []])
            ax.plot(line.recall, line.precision, color=color, linewidth=0.7, alpha=0.6)
            if len(line):
                ax.plot(x, y, dash, color=color, linewidth=2.0, drawstyle="steps-pre")
            tip = (float(line.recall[-1]), float(top[-1])) if len(line) else (0.0, 0.0)
            ends.append((tip[1] / 1.04, f"{name}\nAP {areas[name]:.3f}", color, tip))
            if score is not None:
                precision, found = line.at(score)
                ax.plot(found, precision, "o", color=color, markeredgecolor=INK, markersize=7)
        note = "thick: the best precision at this recall or beyond; thin: as measured"
        if score is not None:
            note += f"; dot: score {score:g}"
        ax.set_title(note, fontsize=8.5, color=INK)
        ax.set(xlim=(0, 1.01), ylim=(0, 1.04))
        ax.set(xlabel="recall: objects found", ylabel="precision: detections right")
        label_at_right(ax, ends, lines=2)
    return fig


def recall_against_count(
    recalls: Mapping[str, Mapping[int, float]],
    *,
    title: str,
    alt: str = "",
    iou: float = 0.5,
    width: float = WIDTH,
) -> Figure:
    """The share of objects that the best proposals cover, against their number, by method.

    recalls: by method, `{count: recall}` as `metrics.detection.recall` returns it, 0 to 1.
    iou: the overlap that counted as covered, for the axis.

    Raises `InputError` for no methods, or recalls that are not numbers from 0 to 1.
    """
    if not recalls or not all(recalls.values()):
        errors.bad("recalls", errors.Said("nothing to draw"), "{count: recall} by method")
    for name, values in recalls.items():
        for count, value in values.items():
            errors.number(f"recalls[{name!r}]: count", count, low=1, whole=True)
            errors.number(f"recalls[{name!r}][{count}]", value, low=0, high=1)
    said = "; ".join(
        f"{name}: " + ", ".join(f"{v:.2f} of {c}" for c, v in values.items())
        for name, values in recalls.items()
    )
    fig, ax = figure(title=title, alt=alt or f"{sentence(title)} {said}.", width=width, height=3.3)
    with style():
        ends = []
        for k, (name, values) in enumerate(recalls.items()):
            counts = sorted(values)
            heights = [values[count] for count in counts]
            color = COLORS[k % len(COLORS)]
            mark = "osD^v"[k % 5]
            line = LINES[k % len(LINES)]
            ax.plot(counts, heights, line, marker=mark, color=color, markersize=5, clip_on=False)
            end = (float(counts[-1]), float(heights[-1]))
            ends.append((end[1] / 1.02, f"{name}\n{end[1]:.2f} at {counts[-1]}", color, end))
        ticks = sorted({count for values in recalls.values() for count in values})
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.set(ylim=(0, 1.02), xlabel="proposals a frame (logarithmic)")
        ax.set_ylabel(f"objects covered (IoU {iou:g})")
        label_at_right(ax, ends, lines=2)
    return fig


def time_by_part(
    times: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    alt: str = "",
    unit: str = "CPU ms a frame",
    width: float = WIDTH,
) -> Figure:
    """Where the time of each model goes: its parts stacked in one bar, the sum at its end.

    times: by model, `{part: milliseconds}`; a part that several models have keeps its colour and
        its hatching.

    Raises `InputError` for no times, or times that are not numbers of at least 0.
    """
    if not times or not all(times.values()):
        errors.bad("times", errors.Said("nothing to draw"), "{part: milliseconds} by model")
    parts = list(dict.fromkeys(part for one in times.values() for part in one))
    for name, one in times.items():
        for part, value in one.items():
            errors.number(f"times[{name!r}][{part!r}]", value, low=0)
    totals = {name: float(sum(one.values())) for name, one in times.items()}
    said = "; ".join(
        f"{name} {totals[name]:.3g} (" + ", ".join(f"{p} {v:.2g}" for p, v in one.items()) + ")"
        for name, one in times.items()
    )
    rows = -(-len(parts) // LEGEND)
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} In {unit}: {said}.",
        width=width,
        height=0.42 * len(times) + 1.1 + 0.22 * rows,
    )
    most = max(totals.values()) or 1.0
    with style():
        for k, part in enumerate(parts):
            color, hatch = COLORS[k % len(COLORS)], HATCHES[k % len(HATCHES)]
            for row, one in enumerate(times.values()):
                left = sum(one.get(before, 0.0) for before in parts[:k])
                value = one.get(part, 0.0)
                ax.barh(
                    row,
                    value,
                    left=left,
                    height=0.62,
                    color=color,
                    edgecolor="white",
                    hatch=hatch,
                    linewidth=0.8,
                    label=part if row == 0 else None,
                )
                if value > 0.09 * most:
                    text = ax.text(
                        left + value / 2, row, f"{value:.2g}", ha="center", va="center", fontsize=8
                    )
                    text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.2})
        for row, total in enumerate(totals.values()):
            ax.text(total + 0.015 * most, row, f"{total:.3g}", va="center", fontweight="bold")
        ax.set_yticks(range(len(times)), list(times))
        ax.set(ylim=(len(times) - 0.4, -0.6), xlim=(0, 1.1 * most), xlabel=unit)
        ax.grid(False, axis="y")
        ax.tick_params(axis="y", length=0)
        fig.legend(loc="outside lower left", ncols=LEGEND, handlelength=1.8)
    return fig


def scoreboard(
    rows: Mapping[str, Mapping[str, float | Sequence[float]]],
    *,
    title: str,
    alt: str = "",
    highlight: str | None = None,
    form: str | Mapping[str, str] = "{:.3g}",
    width: float = WIDTH,
) -> Figure:
    """Models beside one another: a row each, a column of bars for each measure.

    rows: by model, `{measure: value}`, or several values (seeds): the bar is their mean, each is a
        dot. Name measures with their units. A model that lacks one has no bar there.
    highlight: the model that the title is about; the others turn grey.
    form: how values are written: for all, or by measure.

    Raises `InputError` for no rows, or values that are not finite numbers.
    """
    if not rows or not all(rows.values()):
        errors.bad("rows", errors.Said("nothing to draw"), "{measure: value} by model")
    if highlight is not None:
        errors.choice("highlight", highlight, rows)
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    table: dict[tuple[str, str], NDArray[Any]] = {}
    for name, row in rows.items():
        for measure, value in row.items():
            values = np.atleast_1d(np.asarray(value))
            numbers = values.dtype.kind in "iuf" and values.ndim == 1 and values.size
            if not numbers or not np.isfinite(values).all():
                errors.bad(f"rows[{name!r}][{measure!r}]", value, "a finite number, or several")
            table[name, measure] = values.astype(float)
    forms = dict.fromkeys(measures, form) if isinstance(form, str) else dict(form)

    def written(measure: str, values: NDArray[Any]) -> str:
        return forms.get(measure, "{:.3g}").format(float(values.mean()))

    said = "; ".join(
        f"{name}: " + ", ".join(f"{m} {written(m, table[name, m])}" for m in row)
        for name, row in rows.items()
    )
    fig, axes = figure(
        1,
        len(measures),
        title=title,
        alt=alt or f"{sentence(title)} {said}.",
        width=width,
        height=0.36 * len(rows) + 1.0,
        sharey=True,
        squeeze=False,
    )
    with style():
        for ax, measure in zip(axes[0], measures, strict=True):
            there = {name: table[name, measure] for name in rows if (name, measure) in table}
            top = max(float(values.max()) for values in there.values())
            bottom = min(0.0, *(float(values.min()) for values in there.values()))
            room = (top - bottom) or 1.0
            for place, name in enumerate(rows):
                if name not in there:
                    continue
                values = there[name]
                mean = float(values.mean())
                dull = highlight is not None and name != highlight
                ax.barh(place, mean, height=0.64, color=DULL if dull else COLORS[0])
                if len(values) > 1:
                    dots = np.full(len(values), place)
                    ax.plot(values, dots, "o", color="white", markeredgecolor=INK, markersize=3.8)
                edge = max(float(values.max()), 0.0) + (0.03 if len(values) == 1 else 0.07) * room
                text = written(measure, values)
                ax.text(edge, place, text, va="center", fontweight="bold", fontsize=9)
            ax.set(xlim=(bottom, top + 0.46 * room), xlabel=measure)
            ax.set(ylim=(len(rows) - 0.4, -0.6))
            ax.locator_params(axis="x", nbins=3)
            ax.grid(False, axis="y")
            ax.tick_params(axis="y", length=0)
        axes[0, 0].set_yticks(range(len(rows)), list(rows))
    return fig


def mistakes_by_kind(
    values: Mapping[str, Any],
    *,
    title: str,
    alt: str = "",
    xlabel: str = "mistakes",
    form: str = "{:.3g}",
    width: float = WIDTH,
) -> Figure:
    """How many mistakes of each kind there are, or what each kind costs, for one model or several.

    values: `{kind: number}` as `metrics.detection_errors.count_kinds` or `cost` returns it, or
        these by model. Kinds are drawn in the order of `KINDS`.
    xlabel: what the numbers are: `"gain in AP50 if repaired"` for a cost.

    Raises `InputError` for kinds that are none, and numbers that are not finite.
    """
    single = bool(values) and not any(isinstance(one, Mapping) for one in values.values())
    models: dict[str, Mapping[str, float]] = {"": values} if single else dict(values)
    if not models or not all(models.values()):
        errors.bad("values", errors.Said("nothing to draw"), "{kind: number}, or these by model")
    for name, one in models.items():
        if not isinstance(one, Mapping):
            errors.bad(f"values[{name!r}]", one, "{kind: number}")
        for kind, value in one.items():
            errors.choice("kind", kind, KINDS)
            errors.number(f"values: {kind}", value)
    said = "; ".join(
        (f"{name}: " if name else "") + ", ".join(f"{k} {form.format(v)}" for k, v in one.items())
        for name, one in models.items()
    )
    kinds = [kind for kind in KINDS if any(kind in one for one in models.values())]
    thick = 0.74 / len(models)
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {said}.",
        width=width,
        height=(0.12 + 0.2 * max(len(models), 1.4)) * len(kinds) + 1.0 + 0.25 * (not single),
    )
    numbers = [float(v) for one in models.values() for v in one.values()]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    room = (high - low) or 1.0
    with style():
        for k, (name, one) in enumerate(models.items()):
            for row, kind in enumerate(kinds):
                if kind not in one:
                    continue
                y = row + (k - (len(models) - 1) / 2) * thick
                value = float(one[kind])
                ax.barh(
                    y,
                    value,
                    height=thick * 0.92,
                    color=COLORS[k % len(COLORS)],
                    edgecolor="white",
                    hatch=HATCHES[k % len(HATCHES)],
                    label=name if kind == next(iter(one)) else None,
                )
                at = max(value, 0.0) + 0.012 * room
                ax.text(at, y, form.format(value), va="center", fontweight="bold", fontsize=8.5)
        ax.set_yticks(range(len(kinds)), kinds)
        ax.set(ylim=(len(kinds) - 0.45, -0.55), xlim=(low, high + 0.12 * room), xlabel=xlabel)
        ax.grid(False, axis="y")
        ax.tick_params(axis="y", length=0)
        if not single:
            fig.legend(loc="outside lower left", ncols=LEGEND, handlelength=1.8)
    return fig


def gallery(
    images: Any,
    found: Sequence[Detections],
    truth: Sequence[Objects],
    mistakes: Sequence[Worst],
    *,
    title: str,
    alt: str = "",
    class_names: Sequence[str] | None = None,
    score: float = SURE,
    columns: int = 3,
    width: float = WIDTH,
) -> Figure:
    """The worst frames, each with what was there, what was found, and the reason below it.

    images: `(N, H, W, 3)` uint8 RGB, or a sequence of such images. found, truth: of all `N`.
    mistakes: as `metrics.detection_errors.worst` lists them, with the same least `score`.
    class_names: what to write at boxes; numbers if None.
    columns: pictures a row.

    Truth is solid and named below, detections are dashed and named above with their score; only
    what a mistake is about is named. Raises `InputError` for no mistakes, and where lengths differ.
    """
    if not mistakes:
        errors.bad("mistakes", errors.Said("no frames"), "at least one, of detection_errors.worst")
    for number, one in enumerate(mistakes):
        if not isinstance(one, Worst):
            errors.bad(f"mistakes[{number}]", one, "a Worst, of detection_errors.worst")
    if not len(images) == len(found) == len(truth):
        came = f"{len(images)} images, detections of {len(found)}, truth of {len(truth)}"
        errors.bad("images, found and truth", errors.Said(came), "as many of each")
    last = max(one.frame for one in mistakes)
    if last >= len(images):
        errors.bad("mistakes", errors.Said(f"frame {last}"), f"frames below {len(images)}")
    columns = int(errors.number("columns", columns, low=1, high=12, whole=True))
    columns = min(columns, len(mistakes)) if len(mistakes) > 1 else 1
    tiles = [as_rgb(images[one.frame], f"images[{one.frame}]") for one in mistakes]
    side = min((width * DPI - GAP) / columns - GAP, 420)
    letters = int(side / PIXELS_A_CAPTION_LETTER)
    captions = [
        textwrap.wrap(f"Frame {one.frame}: {one.reason}", letters, break_long_words=True)
        for one in mistakes
    ]
    tall = max(min(side * tile.shape[0] / tile.shape[1], 1.6 * side) for tile in tiles)
    starts = [0.0]  # of each row: captions need different room
    for first in range(0, len(tiles), columns):
        lines = max(map(len, captions[first : first + columns]))
        starts.append(starts[-1] + tall + CAPTION_LINE * lines + 14)
    said = "; ".join(f"frame {one.frame}: {one.reason}" for one in mistakes)
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} Solid: what was there; dashed: what was found. {said}.",
        width=width,
        height=(starts[-1] + 52) / DPI,
    )
    with style():
        plain(ax)
        for k, (tile, one, caption) in enumerate(zip(tiles, mistakes, captions, strict=True)):
            x = (k % columns) * (side + GAP)
            y = starts[k // columns]
            scale = min(side / tile.shape[1], tall / tile.shape[0])
            size = (tile.shape[1] * scale, tile.shape[0] * scale)
            image = ax.imshow(tile, extent=(x, x + size[0], y + size[1], y))
            frame = Rectangle((x, y), *size, facecolor="none", edgecolor="none")
            ax.add_patch(frame)
            image.set_clip_path(frame)
            _mark(ax, frame, scale, one, found[one.frame], truth[one.frame], class_names, score)
            ax.text(x, y + size[1] + 4, "\n".join(caption), va="top", fontsize=8, linespacing=1.15)
        ax.set_title(
            "solid, named below: what was there      dashed, named above: what was found",
            fontsize=8.5,
        )
        ax.set(
            xlim=(-2, columns * (side + GAP)), ylim=(starts[-1], -2), aspect="equal", anchor="NW"
        )
    return fig


def anchors_on(
    frame: NDArray[np.uint8],
    anchors: ArrayLike,
    matches: ArrayLike,
    objects: ArrayLike,
    *,
    title: str,
    alt: str = "",
    names: Sequence[str] | None = None,
    width: float = 5.4,
) -> Figure:
    """The anchors that learn to be each object, over a frame.

    frame: `(H, W, 3)` uint8 RGB. anchors: `(A, 4)` xyxy pixels.
    matches: `(A,)` as `boxes.match` gives them: the number of the object, or below 0.
    objects: `(M, 4)`. names: `(M,)`, of the objects; numbers if None.

    Objects are solid and named with the number of their anchors; each anchor is dashed, in the
    colour of its object. Raises `InputError` where lengths differ.
    """
    frame = errors.image("frame", frame)
    rows, there = bx.as_boxes(anchors, "anchors"), bx.as_boxes(objects, "objects")
    own = np.asarray(matches)
    if own.shape != (len(rows),) or own.dtype.kind not in "iu":
        errors.bad("matches", own, f"whole numbers of shape ({len(rows)},), one for each anchor")
    if own.size and own.max() >= len(there):
        errors.bad("matches", errors.Said(f"object {own.max()}"), f"numbers below {len(there)}")
    if names is not None and len(names) != len(there):
        errors.bad("names", errors.Said(f"{len(names)} names"), f"{len(there)}, one an object")
    tall, wide = frame.shape[:2]
    drawn = min(width - 0.3, 4.8 * wide / tall)
    counts = [int((own == m).sum()) for m in range(len(there))]
    called = [f"object {m}" if names is None else str(names[m]) for m in range(len(there))]
    said = ", ".join(f"{name}: {count}" for name, count in zip(called, counts, strict=True))
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} Anchors of each object: {said}.",
        width=width,
        height=drawn * tall / wide + 0.55,
    )
    with style():
        plain(ax)
        ax.imshow(frame, extent=(0, wide, tall, 0))
        for m, box in enumerate(there):
            color = COLORS[m % len(COLORS)]
            for anchor in rows[own == m]:
                _outline(ax, anchor, color, "--", 1.0, rim=LIGHT)
            _outline(ax, box, color, "-", 2.2, rim=LIGHT)
            plate = {"facecolor": "white", "edgecolor": color, "pad": 1.5, "alpha": 0.9}
            x, y = np.clip(box[0], 0, wide), np.clip(box[3], 0, tall)
            text = f"{called[m]}: {counts[m]}"
            ax.text(x, y, text, fontsize=8, va="top", bbox=plate, clip_on=True)
        ax.set(xlim=(0, wide), ylim=(tall, 0), anchor="W")
    return fig


def _mark(
    ax: Any,
    frame: Rectangle,
    scale: float,
    one: Worst,
    found: Detections,
    truth: Objects,
    class_names: Sequence[str] | None,
    score: float,
) -> None:
    """What was there and what was found in one picture of a gallery."""
    corner = np.array([frame.get_x(), frame.get_y()] * 2)
    about = {mistake.object for mistake in one.mistakes}
    wrong = {mistake.detection for mistake in one.mistakes}
    taken: list[tuple[float, float, float, float]] = []
    for m, box in enumerate(truth.boxes):
        line = ":" if truth.ignored[m] else "-"
        _outline(ax, box * scale + corner, TRUTH, line, 1.6, frame)
        if m in about:
            name = _class(int(truth.labels[m]), class_names)
            _name_box(ax, box * scale + corner, name, TRUTH, frame, taken, above=False)
    kept = found.above(score)
    for k, box in enumerate(kept.boxes):
        _outline(ax, box * scale + corner, FOUND, "--", 1.8 if k in wrong else 1.2, frame)
        if k in wrong:
            name = f"{_class(int(kept.labels[k]), class_names)} {kept.scores[k]:.2f}"
            _name_box(ax, box * scale + corner, name, FOUND, frame, taken, above=True)


def _class(label: int, class_names: Sequence[str] | None) -> str:
    if class_names is None or label >= len(class_names):
        return f"class {label}"
    return str(class_names[label])


def _outline(
    ax: Any,
    box: NDArray[Any],
    color: str,
    line: str,
    wide: float,
    clip: Rectangle | None = None,
    rim: str = DARK,
) -> None:
    x1, y1, x2, y2 = map(float, box)
    halo = [effects.Stroke(linewidth=wide + 1.6, foreground=rim), effects.Normal()]
    patch = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, linewidth=wide)
    patch.set(linestyle=line, path_effects=halo)
    ax.add_patch(patch)
    if clip is not None:
        patch.set_clip_path(clip)


def _name_box(
    ax: Any,
    box: NDArray[Any],
    text: str,
    color: str,
    frame: Rectangle,
    taken: list[tuple[float, float, float, float]],
    *,
    above: bool,
) -> None:
    """A name on a plate above or below a box, inside the picture, on no other name if possible."""
    wide, tall = 5.3 * len(text) + 6, 12.5
    left, top = frame.get_x(), frame.get_y()
    right, bottom = left + frame.get_width(), top + frame.get_height()
    x = min(max(float(box[0]), left), max(left, right - wide))
    first, second = float(box[1]) - tall, float(box[3])
    places = [first, second] if above else [second, first]
    places += [p + step * tall for step in (1, -1, 2, -2, 3, -3) for p in places[:1]]
    inside = [min(max(p, top), bottom - tall) for p in places]

    def free(y: float) -> bool:
        return not any(
            x < a + c and a < x + wide and y < b + d and b < y + tall for a, b, c, d in taken
        )

    y = next((place for place in inside if free(place)), inside[0])
    taken.append((x, y, wide, tall))
    plate = Rectangle((x, y), wide, tall, facecolor=color, edgecolor="none", alpha=0.92, zorder=4)
    ax.add_patch(plate)  # above every outline
    middle = y + tall / 2
    ax.text(x + 3, middle, text, fontsize=7, va="center_baseline", color="black", zorder=5)
