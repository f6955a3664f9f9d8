"""Figures about trackers of many objects: HOTA over the overlap asked for, who was whose track, and
what a change is worth on the same clips.

A track keeps the colour that `overlay` gives its identity on frames. Nobody needs it: a track has
its number in it where there is room, and where an object comes to another track a mark says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics.multi import ALPHAS, Cover, Result, cover
from tracklab.metrics.multi.clear import ABSENT, NOBODY
from tracklab.overlay import color_of
from tracklab.plots.base import COLORS, FAINT, INK, WIDTH, Figure, figure, sentence, style
from tracklab.plots.charts import LINES
from tracklab.tracks import Tracks

PANELS = {"HOTA": "hota", "DetA: found": "det_a", "AssA: put together": "ass_a"}
LEGEND = 3  # names a row
ROW = 0.23  # inches of an object
BAR = 0.66  # of a row
PIXELS_A_DIGIT = 6.0  # of a number in a bar
MOST = 24  # objects that a figure holds


def hota_over_alpha(
    results: Mapping[str, Result], *, title: str, alt: str = "", width: float = WIDTH
) -> Figure:
    """HOTA, detection and association accuracy of trackers, over the overlap that is asked for.

    HOTA is the geometric mean of the other two, so the panels tell where it was won or lost; how
    fast a line falls tells how well boxes fit.

    results: by name, as `metrics.multi.evaluate` makes them. Each is named with its HOTA, the mean
        over all alphas.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for no results.
    """
    if not results:
        errors.bad("results", errors.Said("no results"), "at least one, by name")
    for name, result in results.items():
        if not isinstance(result, Result):
            errors.bad(f"results[{name!r}]", result, "a Result of metrics.multi.evaluate")
    said = "; ".join(
        f"{name}: HOTA {one.hota:.3f}, DetA {one.det_a:.3f}, AssA {one.ass_a:.3f}"
        for name, one in results.items()
    )
    fig, axes = figure(
        1,
        len(PANELS),
        title=title,
        alt=alt or f"{sentence(title)} Means over alpha: {said}.",
        width=width,
        height=2.8 + 0.22 * -(-len(results) // LEGEND),
        sharey=True,
    )
    with style():
        for ax, (panel, measure) in zip(axes, PANELS.items(), strict=True):
            for k, (name, result) in enumerate(results.items()):
                color, line = COLORS[k % len(COLORS)], LINES[k % len(LINES)]
                label = f"{name}, HOTA {result.hota:.3f}"
                ax.plot(ALPHAS, getattr(result.curves, measure), line, color=color, label=label)
            ax.set_title(panel)
            ax.set(xlim=(0, 1), ylim=(0, 1.02), xticks=(0, 0.5, 1), xlabel="alpha (IoU asked for)")
        axes[0].set_ylabel("share, 0 to 1")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower left", ncols=LEGEND, handlelength=2.6)
    return fig


def identities(
    truth: Truth | Sequence[Tracks],
    tracks: Sequence[Tracks],
    *,
    title: str,
    alt: str = "",
    fps: float | None = None,
    iou: float = 0.5,
    most: int = MOST,
    width: float = WIDTH,
) -> Figure:
    """Which track covered each object when, and where it came to another: a row an object.

    A thick bar is a track, with its number; a thin line an object that nobody covers; nothing is
    drawn where it is absent. A diamond marks an identity switch, as MOTA counts them.

    truth, tracks, iou: as for `metrics.multi.evaluate`, by whose rule tracks cover objects.
    fps: draw seconds instead of frames.
    most: objects to draw. Where there are more: those that switch most, then those longest there.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for a truth without objects, and as `evaluate` does.
    """
    most = int(errors.number("most", most, low=1, whole=True))
    if fps is not None and errors.number("fps", fps, low=0) == 0:
        errors.bad("fps", fps, "more than 0 frames a second")
    seen = cover(truth, tracks, iou=iou)
    if not len(seen.objects):
        errors.bad("truth", errors.Said("no objects"), "at least one object in some frame")
    rows = _rows(seen, most)
    step = 1.0 if fps is None else 1 / fps
    frames = len(seen.tracks)
    fig, ax = figure(
        title=title,
        alt=alt or _words(title, seen, len(rows)),
        width=width,
        height=ROW * len(rows) + 1.15,
    )
    with style():
        pixels = width * 100 * 0.86 / frames  # of a frame, roughly
        for row, column in enumerate(rows):
            for first, last, track in _pieces(seen.tracks[:, column]):
                x, wide = first * step, (last - first + 1) * step
                if track == NOBODY:
                    ax.plot([x, x + wide], [row, row], color=FAINT, linewidth=1.2, zorder=2)
                    continue
                color = "#{:02X}{:02X}{:02X}".format(*color_of(track))
                bar = Rectangle((x, row - BAR / 2), wide, BAR, facecolor=color, zorder=3)
                bar.set(edgecolor="white", linewidth=0.6)
                ax.add_patch(bar)
                if (last - first + 1) * pixels > PIXELS_A_DIGIT * len(str(track)) + 14:
                    ink = "white" if _dark(color) else INK
                    x += wide / 2
                    text = {"ha": "center", "va": "center", "fontsize": 7, "color": ink}
                    ax.text(x, row, str(track), zorder=4, **text)
        where = {int(seen.objects[column]): row for row, column in enumerate(rows)}
        switches = [one for one in seen.switches if one.object in where]
        ax.plot(
            [one.frame * step for one in switches],
            [where[one.object] for one in switches],
            marker="D",
            linestyle="none",
            markersize=5.5,
            zorder=5,
            color="white",
            markeredgecolor="black",
            markeredgewidth=1.2,
        )
        some = "" if len(rows) == len(seen.objects) else f"{len(rows)} of {len(seen.objects)} "
        note = "bar: a track, by its number; line: not covered; diamond: another track took over"
        ax.set_title(note, fontsize=8.5, color=INK)
        ax.set(xlim=(0, frames * step), ylim=(len(rows) - 0.4, -0.6))
        ax.set(xlabel="frame" if fps is None else "time (s)", ylabel=f"{some}objects")
        ax.set_yticks(range(len(rows)), [str(seen.objects[column]) for column in rows])
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=fps is None))
        ax.tick_params(axis="y", length=0)
        ax.grid(False)
    return fig


def paired(
    values: Mapping[str, Sequence[float]],
    against: str,
    *,
    title: str,
    xlabel: str,
    of: str = "clip",
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """How much better each one is than another on the same clips: a row each, a dot a clip.

    Clips differ more from each other than trackers do. Their differences, clip by clip, tell more
    than two means; a diamond marks their mean, a bar two standard errors to each side.

    values: by name, a number for each clip, in the same order of clips.
    against: the name that the others are compared with; it has no row of its own.
    xlabel: what is compared, with its unit. of: what a dot is, in the singular.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` where the lengths differ, for less than two clips and nobody to compare.
    """
    errors.choice("against", against, values)
    table = {name: np.asarray(row, float) for name, row in values.items()}
    base = table[against]
    if base.ndim != 1 or len(base) < 2 or not np.isfinite(base).all():
        errors.bad(f"values[{against!r}]", values[against], "a finite number for each of 2 or more")
    others = [name for name in table if name != against]
    if not others:
        errors.bad("values", errors.Said(f"{against!r} alone"), "at least one more")
    for name in others:
        if table[name].shape != base.shape or not np.isfinite(table[name]).all():
            errors.bad(f"values[{name!r}]", values[name], f"{len(base)} finite numbers")
    gains = {name: table[name] - base for name in others}
    means = {name: float(gain.mean()) for name, gain in gains.items()}
    # standard error = s / sqrt(n)
    spread = {name: float(gain.std(ddof=1) / np.sqrt(len(gain))) for name, gain in gains.items()}
    said = "; ".join(
        f"{name}: {means[name]:+.3f}, standard error {spread[name]:.3f}, better in "
        f"{int((gains[name] > 0).sum())} of {len(base)}"
        for name in others
    )
    fig, ax = figure(
        title=title,
        alt=alt or f"{sentence(title)} {xlabel}, less that of {against}: {said}.",
        width=width,
        height=0.42 * len(others) + 1.3,
    )
    with style():
        ax.axvline(0, color=INK, linewidth=1)
        for row, name in enumerate(others):
            gain = gains[name]
            # dots of one row beside one another, the same at each drawing
            lift = ((np.arange(len(gain)) * 7) % 5 - 2) * 0.06
            ax.plot(gain, row + 0.16 + lift, "o", color=FAINT, markersize=4, alpha=0.7)
            low, high = means[name] - 2 * spread[name], means[name] + 2 * spread[name]
            color = COLORS[0] if low > 0 else COLORS[1] if high < 0 else INK
            ax.plot([low, high], [row - 0.18] * 2, color=color, linewidth=3)
            ax.plot([means[name]], [row - 0.18], "D", color=color, markersize=7)
            text = f"{means[name]:+.3f} ± {spread[name]:.3f}"
            place = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 8.5}
            ax.annotate(text, (1.01, row), color=color, annotation_clip=False, **place)
        ax.set_title(f"dot: a {of}; diamond: mean, with two standard errors", fontsize=8.5)
        ax.set(ylim=(len(others) - 0.45, -0.55), xlabel=f"{xlabel}, less that of {against}")
        ax.set_yticks(range(len(others)), others)
        ax.tick_params(axis="y", length=0)
        ax.grid(False, axis="y")
    return fig


def _rows(seen: Cover, most: int) -> NDArray[np.int64]:
    """The columns of the objects to draw, in the order of identities."""
    switched = [one.object for one in seen.switches]
    switches = np.array([switched.count(one) for one in seen.objects.tolist()])
    present = (seen.tracks != ABSENT).sum(0)
    # lexsort: the last key counts first
    order = np.lexsort((seen.objects, -present, -switches))
    return np.sort(order[:most])


def _pieces(tracks: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(first frame, last frame, track) of each stretch of one kind, without absence."""
    starts = np.flatnonzero(np.diff(tracks, prepend=tracks[0] - 1))
    ends = np.append(starts[1:], len(tracks)) - 1
    pieces = zip(starts.tolist(), ends.tolist(), tracks[starts].tolist(), strict=True)
    return [piece for piece in pieces if piece[2] != ABSENT]


def _words(title: str, seen: Cover, drawn: int) -> str:
    present, covered = (seen.tracks != ABSENT).sum(), (seen.tracks >= 0).sum()
    tracks = len(np.unique(seen.tracks[seen.tracks >= 0]))
    some = "" if drawn == len(seen.objects) else f" ({drawn} are drawn)"
    told = [
        f"frame {one.frame}: object {one.object} from track {one.before} to {one.after}"
        for one in seen.switches[:6]
    ]
    more = len(seen.switches) - len(told)
    switches = "; ".join(told) + (f"; and {more} more" if more else "")
    return (
        f"{sentence(title)} {len(seen.objects)} objects{some} over {len(seen.tracks)} frames, "
        f"covered in {covered / present:.0%} of their boxes by {tracks} tracks. Identity switches: "
        f"{len(seen.switches)}{': ' if told else ''}{switches}."
    )


def _dark(color: str) -> bool:
    """Is white text read better on it? By the luma of ITU-R BT.601."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128
