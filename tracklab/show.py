"""What a notebook shows: a clip that plays, and the package's own source.

Both are ordinary display objects, so they also say something in a terminal, where there is no
browser to show them in.
"""

from __future__ import annotations

import ast
import base64
import html
import inspect
import math
import re
import textwrap
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tracklab import errors, overlay, video
from tracklab.clips import Clip, Frames, Truth

SMALL_WIDTH = 480  # frames narrower than this are enlarged, so that labels can be read
LARGE_WIDTH = 720  # wider ones are shown no larger, so that a notebook stays small
MOST_FRAMES = 600  # twenty seconds at 30 frames a second
MOST_BYTES = 700_000  # of video in one output: a whole lesson is to stay under 1 MB
BEST_QUALITY, LEAST_QUALITY = 60.0, 35.0  # of the video, as `video.encode` counts
LEAST_WIDTH = 160  # below this a smaller picture would show nothing


class Player:
    """A video for a notebook: shows as an HTML player, and as one line of text elsewhere.

    mp4: the bytes of the file. width, height: in pixels as displayed. frames, fps: of the video.
    notes: what was left out to keep it small.
    """

    def __init__(
        self,
        mp4: bytes,
        *,
        size: tuple[int, int],
        frames: int,
        fps: float,
        title: str | None,
        alt: str,
        loop: bool,
        notes: Sequence[str] = (),
    ) -> None:
        self.mp4, self.frames, self.fps = mp4, frames, fps
        self.height, self.width = size
        self.title, self.alt, self.loop, self.notes = title, alt, loop, tuple(notes)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.mp4).decode()
        alt = html.escape(self.alt, quote=True)
        loop = " loop" if self.loop else ""
        parts = ['<figure class="tracklab-player" style="margin:0.5em 0">']
        if self.title:
            parts.append(
                f'<figcaption style="font-weight:bold">{html.escape(self.title)}</figcaption>'
            )
        # Browsers start a video by themselves only if it is muted.
        parts.append(
            f'<video controls muted autoplay playsinline{loop} width="{self.width}" '
            f'height="{self.height}" aria-label="{alt}" title="{alt}" '
            f'style="max-width:100%;height:auto" src="data:video/mp4;base64,{data}">{alt}</video>'
        )
        if self.notes:
            notes = html.escape(" ".join(self.notes))
            parts.append(f'<figcaption style="font-size:0.85em">{notes}</figcaption>')
        parts.append("</figure>")
        return "".join(parts)

    def __repr__(self) -> str:
        seconds = self.frames / self.fps
        head = f"{self.title}: " if self.title else ""
        tail = " " + " ".join(self.notes) if self.notes else ""
        return (
            f"<{head}{self.alt} Video of {self.frames} frames, {seconds:.1f} s, "
            f"{self.width} x {self.height}.{tail}>"
        )


def play(
    frames: Clip | Any,
    boxes: Any = None,
    *,
    truth: bool = False,
    ids: Sequence[Any] | None = None,
    labels: Sequence[Any] | str | None = None,
    scores: Any = None,
    trails: int = 0,
    colors: Any = None,
    fps: float | None = None,
    width: int | None = None,
    title: str | None = None,
    alt: str | None = None,
    loop: bool = True,
) -> Player:
    """A video player for a notebook, with boxes, identities and trails drawn on the frames.

    frames: a clip, or a sequence of frames `(H, W, 3)` uint8 RGB of one size.
    boxes: what `overlay.annotate` takes: `(T, N, 4)`, `(T, 4)`, a list of T arrays, a `Truth`, or
        a dict from names to boxes.
    truth: draw the clip's own truth too; beside other boxes it is named "truth".
    ids, labels, scores, trails, colors: as in `overlay.annotate`; the first three belong to boxes
        without names, so not to a dict, nor to boxes beside the truth.
    fps: frames a second; that of the clip, or 25, if None. A low number plays in slow motion.
    width: of the player in pixels; if None, small frames are enlarged to about 480 and large ones
        shown at no more than 720.
    title: a line above the video. alt: what it shows, in words, for those who cannot see it; made
        from the name of the clip if None.
    loop: start again at the end.

    The video lies inside the notebook, so it is kept under `MOST_BYTES`: it ends after
    `MOST_FRAMES` frames, and loses quality, then size, then frames, until it fits. What was left
    out is said below it. Raises `InputError` for boxes that do not fit the frames, for
    `truth=True` where the clip knows none, and for boxes named "truth" beside the clip's own.
    """
    clip = frames if isinstance(frames, Clip) else None
    pictures: Any = clip.frames if clip is not None else frames
    if isinstance(pictures, (str, bytes, Mapping)) or not isinstance(pictures, Iterable | Frames):
        errors.bad("frames", pictures, "a clip, or RGB images (H, W, 3)")
    if not hasattr(pictures, "__len__") or not hasattr(pictures, "__getitem__"):
        pictures = list(pictures)
    if not len(pictures):
        errors.bad("frames", errors.Said("no frames"), "at least one")
    if fps is None:
        fps = clip.fps if clip is not None else video.DEFAULT_FPS
    fps = errors.number("fps", fps, low=0.1)
    if truth:
        if clip is None or clip.truth is None:
            errors.bad("truth", truth, "False, because nothing is known of these frames' truth")
        boxes = _with_truth(clip.truth, boxes)
    height, native = errors.image("frames[0]", pictures[0]).shape[:2]
    if width is None:
        width = _display_width(native)
    width = int(errors.number("width", width, low=16, high=4096, whole=True))

    count = min(len(pictures), MOST_FRAMES)
    drawn_width, quality = width, BEST_QUALITY
    for _ in range(20):
        drawn = overlay.annotate(
            pictures,
            boxes,
            ids=ids,
            labels=labels,
            scores=scores,
            trails=trails,
            colors=colors,
            scale=drawn_width / native,
        )
        mp4 = video.encode((drawn[index] for index in range(count)), fps, quality=quality)
        if len(mp4) <= MOST_BYTES:
            break
        # A file halves with about every twelve points of quality: aim a little below the limit.
        excess = len(mp4) / MOST_BYTES
        if quality > LEAST_QUALITY:
            quality = max(LEAST_QUALITY, quality - 12 * math.log2(excess) - 6)
        elif drawn_width > LEAST_WIDTH:
            drawn_width = max(LEAST_WIDTH, int(drawn_width * 0.9 / math.sqrt(excess)))
        elif count > 1:
            count = max(1, int(count * 0.9 / excess))
        else:
            break

    notes = []
    if count < len(pictures):
        notes.append(f"Shows the first {count} of {len(pictures)} frames.")
    if quality < BEST_QUALITY:
        notes.append(f"Quality {quality:.0f} of 100, to keep the notebook small.")
    if drawn_width < width:
        notes.append(f"Shown at {drawn_width} pixels' width inside, to keep the notebook small.")
    return Player(
        mp4,
        size=(max(1, round(height * width / native)), width),
        frames=count,
        fps=fps,
        title=title,
        alt=alt or _describe(clip, boxes, count, fps),
        loop=loop,
        notes=notes,
    )


def _display_width(native: int) -> int:
    if native < SMALL_WIDTH:
        return native * max(1, round(SMALL_WIDTH / native))  # a whole factor keeps pixels square
    return min(native, LARGE_WIDTH)


def _with_truth(truth: Truth, boxes: Any) -> Any:
    """The truth alone, or by name beside other boxes."""
    if boxes is None:
        return truth
    named = boxes if isinstance(boxes, Mapping) else {"tracker": boxes}
    if "truth" in named:
        errors.bad("boxes", list(named), "another name than 'truth', which is the clip's own")
    return {"truth": truth, **named}


def _describe(clip: Clip | None, boxes: Any, count: int, fps: float) -> str:
    name = "Frames" if clip is None else f"Clip {clip.name!r}"
    if boxes is None:
        what = "without boxes"
    elif isinstance(boxes, Mapping):
        what = "with the boxes of " + ", ".join(str(key) for key in boxes)
    else:
        array = boxes.boxes if isinstance(boxes, Truth) else boxes
        several = np.ndim(array[0]) == 2 and len(array[0]) != 1
        what = "with boxes around the objects" if several else "with a box around the object"
    return f"{name} {what}, {count / fps:.1f} seconds."


class Source:
    """The source of something in this package: highlighted in a notebook, plain text elsewhere."""

    def __init__(self, code: str, place: str) -> None:
        self.code, self.place = code, place

    def _repr_html_(self) -> str:
        # Colours are fixed with their ground, so that they also read on a dark page.
        style = HtmlFormatter(
            noclasses=True, style="friendly", cssstyles="padding:0.6em;overflow-x:auto;margin:0"
        )
        return (
            f'<figure style="margin:0.5em 0"><figcaption style="font-size:0.85em">'
            f"{html.escape(self.place)}</figcaption>"
            f"{highlight(self.code, PythonLexer(stripnl=False), style)}</figure>"
        )

    def __repr__(self) -> str:
        return f"# {self.place}\n{self.code}"


def source(thing: Any, *, docstring: bool = True) -> Source:
    """The source of a function, class, method or module of Python code, as a display object.

    docstring: False leaves docstrings out, where a lesson has said the same in its own words.

    Raises `InputError` where there is no Python source: for built-ins, compiled functions and
    values.
    """
    wanted = "a function, class or module that is written in Python"
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if isinstance(thing, property):
        thing = thing.fget
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    try:
        lines, first = inspect.getsourcelines(thing)
        file = inspect.getsourcefile(thing) or ""
    except (OSError, TypeError):
        name = getattr(thing, "__qualname__", None) or errors.describe(thing)
        errors.bad("thing", errors.Said(f"{name}, which has no Python source"), wanted)
    code = textwrap.dedent("".join(lines)).rstrip() + "\n"
    if not docstring:
        code = _without_docstrings(code)
    place = _place(file)
    if not isinstance(thing, types.ModuleType):
        place += f", line {first}"
    return Source(code, place)


def show(*things: Any, docstring: bool = True) -> None:
    """Display the source of functions, classes, methods or modules, one below the other.

    docstring: False leaves docstrings out. Raises `InputError` for what has no Python source, and
    where nothing is given.

    >>> from tracklab import boxes
    >>> show(boxes.centers, docstring=False)  # doctest: +ELLIPSIS
    # tracklab/boxes/formats.py, line ...
    def centers(boxes: Array) -> Array:
        return xyxy_to_cxcywh(boxes)[..., :2]
    <BLANKLINE>
    """
    if not things:
        errors.bad("things", errors.Said("nothing"), "at least one function, class or module")
    for found in [source(thing, docstring=docstring) for thing in things]:
        display(found)


def _without_docstrings(code: str) -> str:
    """The same code with the docstrings cut out, and nothing else changed."""
    lines = code.splitlines(keepends=True)
    for node in ast.walk(ast.parse(code)):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
        if not isinstance(node, kinds) or ast.get_docstring(node, clean=False) is None:
            continue
        text = node.body[0]
        start, end = text.lineno - 1, text.end_lineno or text.lineno
        indent = lines[start][: text.col_offset]
        alone = len(node.body) == 1 and not isinstance(node, ast.Module)
        lines[start:end] = [indent + "...\n" if alone else ""] + [""] * (end - start - 1)
        if not alone and end < len(lines) and not lines[end].strip():
            lines[end] = ""  # the blank line that set the docstring apart
    return "".join(lines).lstrip("\n")


def _place(file: str) -> str:
    """A file's name from the package down: never where the package lies on this machine."""
    path, root = Path(file), Path(__file__).parent
    try:
        return (Path(root.name) / path.resolve().relative_to(root.resolve())).as_posix()
    except ValueError:
        return re.sub(r"^<.*>$", "this notebook", path.name)
