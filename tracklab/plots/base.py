"""One look for every figure, and how a picture becomes bytes that a browser shows.

A figure here is a `Figure`: it belongs to nobody else (no pyplot, so nothing stays open and no
global style changes), it carries a text alternative, and it displays itself as one PNG.
"""

from __future__ import annotations

import base64
import html
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from tracklab import errors

# Okabe and Ito, "Color Universal Design" (2008), in an order that keeps neighbours apart on white.
# Their yellow is left out: a thin yellow line on white cannot be read.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#222222"
FAINT = "#8A8A8A"
GRID = "#E3E3E3"

DPI = 100
WIDTH = 7.0  # inches: 700 pixels, a notebook's column on a small screen
HEIGHT = 3.6
PIXELS_A_LETTER = 8.8  # of a title's bold 10.5-point letters, at DPI (8.4 to 8.7 measured)

STYLE: dict[str, Any] = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.facecolor": "white",  # on a dark page too: black text on nothing cannot be read
    "axes.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=list(COLORS)),
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "figure.titlesize": 10.5,
    "figure.titleweight": "bold",
}


@contextmanager
def style() -> Iterator[None]:
    """tracklab's look for what matplotlib makes inside the `with`; outside nothing changes."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a learner's own matplotlibrc must not change a lesson
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        yield


class Figure(MatplotlibFigure):
    """A matplotlib figure in tracklab's look, with a text alternative.

    alt: what the figure shows, in words, for those who do not see it. As the last value of a
    notebook's cell the figure shows itself (see `display`).
    """

    def __init__(self, *args: Any, alt: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)
        self.alt = alt

    def _ipython_display_(self) -> None:
        display(self)

    def __repr__(self) -> str:
        return f"<figure: {self.alt or 'no text alternative yet'}>"


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    title: str = "",
    alt: str = "",
    width: float = WIDTH,
    height: float = HEIGHT,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """A new figure and its axes, in tracklab's look: where every figure of a lesson begins.

    rows, columns: of axes. One axes comes as itself, several as an array, like pyplot's.
    title: the finding ("Accuracy stops rising after six epochs"), not the subject ("Accuracy").
    alt: the text alternative; the title if it is not given.
    width, height: inches, of 100 pixels each.
    subplots: further options of matplotlib's `Figure.subplots`.

    >>> fig, ax = figure(title="Twice two is four")
    >>> fig.alt
    'Twice two is four'
    """
    with style():
        fig = Figure(figsize=(width, height), layout="constrained", alt=alt or title)
        axes = fig.subplots(rows, columns, **subplots)
        if title:
            set_title(fig, title)
    return fig, axes


def set_title(fig: Figure, title: str) -> None:
    """Write the finding above a figure, in as many lines as it needs."""
    letters = int(fig.get_figwidth() * DPI / PIXELS_A_LETTER)
    with style():
        fig.suptitle("\n".join(textwrap.wrap(title, letters)), x=0.01, ha="left")


def sentence(title: str) -> str:
    """A title as a sentence, with its full stop: how a text alternative begins."""
    return title if title.endswith((".", "!", "?")) else f"{title}."


def plain(ax: Axes) -> None:
    """An axes without scale, frame and grid: for pictures."""
    ax.set_axis_off()


def figure_to_rgb(fig: MatplotlibFigure) -> NDArray[np.uint8]:
    """A figure drawn to pixels: `(H, W, 3)` uint8 RGB, in the size and density that it has."""
    canvas = fig.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(fig)
    with style():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def figure_to_png(fig: MatplotlibFigure) -> bytes:
    """A figure as the bytes of a PNG file."""
    return encode_png(figure_to_rgb(fig), effort=9)


def display(fig: MatplotlibFigure, alt: str = "") -> None:
    """Show a figure in a notebook: one PNG, and the same in words below it.

    JupyterLab 4 drops the text alternative of a picture that a cell puts out (nbconvert keeps
    it), so the words also follow as a line of their own that opens, by mouse or keyboard.

    alt: the text alternative, if the figure has none or should have another. Raises `InputError`
    where there is none at all: a figure without words is lost on some learners.
    """
    alt = alt or getattr(fig, "alt", "")
    if not alt:
        errors.bad("alt", alt, "what the figure shows, in words")
    show_png(figure_to_png(fig), alt)


def show_png(png: bytes, alt: str) -> None:
    """Show the bytes of a PNG in a notebook, with its text alternative."""
    from IPython.display import display as publish

    publish(
        {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )
    words = f"<details><summary>In words</summary>{html.escape(alt)}</details>"
    publish({"text/html": words, "text/plain": ""}, raw=True)


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = 90) -> bytes:
    """An RGB image `(H, W, 3)` uint8 as the bytes of a JPEG file; the fastest way to a browser.

    quality: 0 to 100. Below about 85 thin coloured lines smear. Raises `InputError` for anything
    that is not an RGB image.
    """
    errors.number("quality", quality, low=0, high=100, whole=True)
    # Full colour resolution: the default halves it, and a thin red line turns grey.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encode(".jpg", rgb, options)


def encode_png(rgb: NDArray[np.uint8], effort: int = 1) -> bytes:
    """An RGB image `(H, W, 3)` uint8 as the bytes of a PNG file; loses nothing.

    effort: 0 to 9. 1 is for pictures that change as a slider moves, 9 for what is kept: the
        smaller of two ways to write the same pixels.
    """
    errors.number("effort", effort, low=0, high=9, whole=True)
    options = [cv2.IMWRITE_PNG_COMPRESSION, effort]
    if effort < 9:
        return _encode(".png", rgb, options)
    # Flat drawings are smaller without a filter, pictures with the one that suits each row.
    filters = (cv2.IMWRITE_PNG_FILTER_NONE, cv2.IMWRITE_PNG_ALL_FILTERS)
    files = [_encode(".png", rgb, [*options, cv2.IMWRITE_PNG_FILTER, one]) for one in filters]
    return min(files, key=len)


def _encode(kind: str, rgb: NDArray[np.uint8], options: list[int]) -> bytes:
    bgr = cv2.cvtColor(errors.image("rgb", rgb), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(kind, bgr, options)
    if not done:
        raise errors.TracklabError(f"OpenCV could not encode {errors.describe(rgb)} as {kind}")
    return data.tobytes()


def decode(data: bytes) -> NDArray[np.uint8]:
    """The RGB image `(H, W, 3)` uint8 in the bytes of a PNG, JPEG or WebP file."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        errors.bad("data", errors.Said(f"{len(data)} bytes"), "the bytes of a PNG or JPEG file")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
