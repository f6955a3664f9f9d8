"""Contact sheets: a few frames of each of a few clips, with the boxes that are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, overlay
from tracklab.clips import Clip
from tracklab.plots.base import DPI, INK, WIDTH, Figure, figure, plain, sentence, style

GAP = 2  # pixels between the frames of one clip
SPACE = 10  # and between clips
HEAD = 16  # pixels that the line of text above a clip needs
PIXELS_A_LETTER = 5.2  # of that line
HIDDEN = 0.5  # visible share below which a box is dashed


def contact_sheet(
    clips: Sequence[Clip],
    *,
    title: str,
    alt: str = "",
    each: int = 6,
    columns: int = 1,
    names: Sequence[str] | None = None,
    hidden: float = HIDDEN,
    width: float = WIDTH,
) -> Figure:
    """Clips as strips of frames, with the boxes of their truth: how moving pictures are checked.

    clips: each with truth, or without: then no boxes are drawn.
    title, alt: as for `figure`.
    each: frames of a clip, from its first to its last, evenly spaced; all where it has no more.
    columns: strips beside one another.
    names: `(N,)` texts above the strips; the clips' names if None.
    hidden: boxes of objects that are visible by less than this share are dashed.
    width: of the figure, in inches of 100 pixels.

    Raises `InputError` for no clips, what is no clip or has no frames, and where lengths differ.
    """
    clips = list(clips)
    if not clips:
        errors.bad("clips", errors.Said("no clips"), "at least one clip")
    for number, clip in enumerate(clips):
        if not isinstance(clip, Clip) or not len(clip):
            came = errors.kind(clip) if not isinstance(clip, Clip) else errors.Said("no frames")
            errors.bad(f"clips[{number}]", came, "a Clip with frames")
    each = int(errors.number("each", each, low=1, high=100, whole=True))
    columns = int(errors.number("columns", columns, low=1, high=20, whole=True))
    hidden = errors.number("hidden", hidden, low=0, high=1)
    texts = [clip.name for clip in clips] if names is None else list(names)
    if len(texts) != len(clips):
        errors.bad("names", errors.Said(f"{len(texts)} names"), f"{len(clips)}, one for each clip")

    columns = min(columns, len(clips))
    across = (width * DPI - 2 * SPACE - (columns - 1) * SPACE) / columns
    side = int((across - (each - 1) * GAP) / each)
    strips = [_strip(clip, each, side, hidden) for clip in clips]
    rows = [strips[first : first + columns] for first in range(0, len(strips), columns)]
    tops = np.cumsum([0] + [max(len(strip) for strip in row) + HEAD + SPACE for row in rows])
    legend = f"dashed: visible by less than {hidden:.0%}" if _hides(clips, each, hidden) else ""
    count = "One clip" if len(clips) == 1 else f"{len(clips)} clips, each"
    words = f"{sentence(title)} {count} as a strip of frames with boxes{legend and f' ({legend})'}."
    fig, ax = figure(
        title=title, alt=alt or words, width=width, height=(float(tops[-1]) + 56) / DPI
    )
    letters = int(across / PIXELS_A_LETTER)
    with style():
        plain(ax)
        for number, (strip, text) in enumerate(zip(strips, texts, strict=True)):
            x = (number % columns) * (across + SPACE)
            y = float(tops[number // columns]) + HEAD
            ax.imshow(strip, extent=(x, x + strip.shape[1], y + strip.shape[0], y))
            short = text if len(text) <= letters else text[: max(1, letters - 1)] + "…"
            ax.text(x, y - 3, short, ha="left", va="bottom", fontsize=8, color=INK)
        if legend:
            ax.set_title(legend, fontsize=8.5)
        ax.set(
            xlim=(-2, columns * (across + SPACE)), ylim=(tops[-1], 0), aspect="equal", anchor="NW"
        )
    return fig


def _times(clip: Clip, each: int) -> list[int]:
    """Which frames of a clip are shown."""
    times: list[int] = np.linspace(0, len(clip) - 1, each).round().astype(int).tolist()
    return sorted(set(times))


def _hides(clips: Sequence[Clip], each: int, hidden: float) -> bool:
    """Whether any box that is shown is dashed."""
    for clip in clips:
        if clip.truth is not None:
            times = _times(clip, each)
            seen, present = clip.truth.visibility[times], clip.truth.present[times]
            if (seen[present] < hidden).any():
                return True
    return False


def _strip(clip: Clip, each: int, side: int, hidden: float) -> NDArray[np.uint8]:
    """Frames of a clip beside one another, each `side` pixels wide, with boxes; white between."""
    tiles = [_tile(clip, t, side, hidden) for t in _times(clip, each)]
    height = max(len(tile) for tile in tiles)
    strip = np.full((height, len(tiles) * (side + GAP) - GAP, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        x = k * (side + GAP)
        strip[: len(tile), x : x + side] = tile
    return strip


def _tile(clip: Clip, t: int, side: int, hidden: float) -> NDArray[np.uint8]:
    frame: Any = errors.image(f"frame {t}", clip.frames[t])
    scale = side / frame.shape[1]
    if clip.truth is None:
        return overlay.resize(frame, scale)
    boxes, seen = clip.truth.boxes[t], clip.truth.visibility[t] >= hidden
    color = overlay.color_of(1)
    drawn = overlay.draw(frame, boxes[seen], colors=color, dashed=False, scale=scale)
    return overlay.draw(drawn, boxes[~seen] * np.float32(scale), colors=color, dashed=True)
