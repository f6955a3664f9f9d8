"""How a tracker loses its object, in a few frames: the gallery of failures.

The true box is solid and white; those of trackers are dashed, in the colours that figures of the
same trackers give them, and carry a number where there are several: no names stand before objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

from tracklab import errors, overlay
from tracklab.clips import Clip
from tracklab.metrics import single
from tracklab.plots.base import COLORS, DPI, INK, WIDTH, Figure, sentence, style
from tracklab.plots.pictures import GAP, images

BEFORE, AFTER = 5, 15  # frames before a loss and after it that are shown
SHOWN = 4
MOST = 24  # frames in a figure
WHITE = (255, 255, 255)
SMALLEST_WINDOW = 48  # pixels


def moments(
    clip: Clip,
    tracks: Mapping[str, Any],
    *,
    title: str,
    frames: Sequence[int] | None = None,
    around: float | None = None,
    alt: str = "",
    width: float = WIDTH,
) -> Figure:
    """Frames of a clip with the true box and those of trackers, and how much they overlap.

    clip: with a truth of one object. tracks: by tracker, boxes `(T, 4)` or a `Track`.
    frames: which to show. Without them: shortly before the first loss of any of the trackers, at
        it, after it, and where the object is found again or the clip ends; evenly spread ones where
        nobody loses it.
    around: show only a window around the object, so many times its size; the whole frame if None.
    title, alt, width: as for `figure`; alt is made from the numbers if not given.

    Raises `InputError` for a clip without truth, frames that are not in it, and as
    `metrics.single.compare` does.
    """
    if not isinstance(clip, Clip) or clip.truth is None:
        errors.bad("clip", errors.kind(clip), "a Clip whose truth is known")
    if not isinstance(tracks, Mapping) or not 0 < len(tracks) <= len(COLORS):
        errors.bad("tracks", errors.kind(tracks), f"1 to {len(COLORS)}, by the name of the tracker")
    overlaps = {name: single.compare(one, clip.truth).overlaps for name, one in tracks.items()}
    chosen = _chosen(clip, tracks) if frames is None else [int(frame) for frame in frames]
    if not 0 < len(chosen) <= MOST or not all(0 <= frame < len(clip) for frame in chosen):
        came = errors.Said(f"{len(chosen)} frames of {len(clip)}: {chosen[:5]}")
        errors.bad("frames", came, f"1 to {MOST} numbers of frames from 0 to {len(clip) - 1}")
    if around is not None:
        around = errors.number("around", around, low=1)
    columns = min(len(chosen), SHOWN)
    pixels = round((width * DPI - GAP) / columns - GAP)
    tiles = [_tile(clip, tracks, frame, around, pixels) for frame in chosen]
    texts = [f"frame {frame}\n{_numbered(overlaps, frame)}" for frame in chosen]
    told = "; ".join(
        f"frame {frame}: "
        + ", ".join(f"{name} {_said(values[frame])}" for name, values in overlaps.items())
        for frame in chosen
    )
    words = alt or f"{sentence(title)} Overlaps with the true box: {told}."
    fig = images(tiles, texts, title=title, alt=words, columns=columns, width=width)
    key = (f"{k} {name}" if len(tracks) > 1 else name for k, name in enumerate(tracks, 1))
    with style():
        note = f"solid, white: the truth; dashed: {', '.join(key)}; above: overlap (IoU)"
        fig.supxlabel(note, fontsize=8.5, x=0.01, ha="left", color=INK)
    return fig


def _numbered(overlaps: Mapping[str, Any], frame: int) -> str:
    """What each tracker has of the object, by the numbers of the trackers where there are several.

    >>> _numbered({"a": [0.5], "b": [float("nan")]}, 0)
    '1: 0.50  2: no truth'
    """
    said = [_said(values[frame]) for values in overlaps.values()]
    return "  ".join(f"{k}: {one}" for k, one in enumerate(said, 1)) if len(said) > 1 else said[0]


def _chosen(clip: Clip, tracks: Mapping[str, Any]) -> list[int]:
    found = [single.lost_at(one, clip.truth) for one in tracks.values()]
    lost = sorted((loss for loss in found if loss is not None), key=lambda loss: loss.frame)
    last = len(clip) - 1
    if not lost:
        return np.unique(np.linspace(0, last, SHOWN).round().astype(int)).tolist()
    first = lost[0]
    end = last if first.back is None else first.back
    places = {max(first.frame - BEFORE, 0), first.frame, min(first.frame + AFTER, end), end}
    return sorted(places)


def _tile(
    clip: Clip, tracks: Mapping[str, Any], frame: int, around: float | None, pixels: int
) -> Any:
    """A frame, or a window in it, as wide as there is room, with boxes."""
    assert clip.truth is not None
    names = list(tracks)
    boxes = [np.asarray(getattr(one, "boxes", one), np.float32)[frame] for one in tracks.values()]
    rows = np.stack([clip.truth.boxes[frame, 0], *boxes])
    rows[~np.isfinite(rows).all(-1)] = np.nan
    picture = clip.frames[frame]
    if around is not None:
        side = _side(clip, around)
        x, y = _corner(clip, frame, side)
        picture = picture[y : y + side, x : x + side]
        rows = rows - np.array([x, y, x, y], np.float32)
    colors = [WHITE, *(_rgb(COLORS[k]) for k in range(len(names)))]
    scale = pixels / picture.shape[1]
    labels = [str(k) for k in range(1, len(names) + 1)] if len(names) > 1 else [""]
    drawn = overlay.draw(
        picture, rows[:1], colors=colors[:1], dashed=False, scale=scale, thickness=2
    )
    return overlay.draw(
        drawn,
        rows[1:] * np.float32(scale),
        colors=colors[1:],
        dashed=True,
        labels=labels,
        thickness=2,
    )


def _side(clip: Clip, around: float) -> int:
    """The side of the window: the same in all frames, and no larger than the frame."""
    assert clip.truth is not None
    sizes = clip.truth.boxes[:, 0, 2:] - clip.truth.boxes[:, 0, :2]
    side = round(around * float(np.nanmax(np.nanmedian(sizes, 0))))
    return min(max(side, SMALLEST_WINDOW), *clip.size)


def _corner(clip: Clip, frame: int, side: int) -> tuple[int, int]:
    """Where the window begins: around the object, or where it was last."""
    assert clip.truth is not None
    boxes = clip.truth.boxes[:, 0]
    there = np.flatnonzero(np.isfinite(boxes).all(-1))
    near = there[np.argmin(np.abs(there - frame))]
    height, width = clip.size
    middle = (boxes[near, :2] + boxes[near, 2:]) / 2 - side / 2
    x, y = np.clip(middle.round().astype(int), 0, [width - side, height - side]).tolist()
    return x, y


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in to_rgb(color))
    return red, green, blue


def _said(overlap: float) -> str:
    return "no truth" if np.isnan(overlap) else f"{overlap:.2f}"
