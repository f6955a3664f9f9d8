"""A live view that leaves a still picture behind for readers without a kernel.

Three outputs: the picture, its words, the live view. The live view hides the first two while it is
there (`still.js`). Readers on the web, and a notebook that is opened again, keep the picture and
the words; JupyterLab alone would show "Error displaying widget" in their place.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracklab import errors, plots

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
RUN = "Run this cell to use it."
# In a notebook that is opened again, the output behind the words has no widget any more.
HIDE_DEAD = (
    ".jp-OutputArea-child:has(.tracklab-still) + "
    ".jp-OutputArea-child:not(:has(.tracklab-live)) { display: none; }"
)


def script(name: str) -> str:
    """The JavaScript of a view: the part that all views share, then its own file."""
    here = Path(__file__).parent
    return (here / "still.js").read_text("utf-8") + (here / name).read_text("utf-8")


def kind_of(picture: bytes) -> str:
    """The media type of encoded bytes, from how they begin."""
    kinds = [kind for start, kind in KINDS.items() if picture.startswith(start)]
    if not kinds:
        came = errors.Said(f"{len(picture)} bytes that begin {picture[:4]!r}")
        errors.bad("picture", came, "the bytes of a PNG, JPEG or WebP file")
    return kinds[0]


def bundle(model_id: str, picture: bytes, words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything in one: the live view, the still picture, the words; and the metadata."""
    data: dict[str, Any] = {
        WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": model_id},
        "text/plain": words,
    }
    if not picture:
        return data, {}
    data[kind_of(picture)] = base64.b64encode(picture).decode("ascii")
    return data, {kind_of(picture): {"alt": words}}


def show(model_id: str, picture: bytes, words: str) -> Callable[[bytes, str], None]:
    """Put out the still picture, its words, and the live view that hides them.

    Returns `again(picture, words)`, which puts others in the place of the first two.
    """
    from IPython.display import display

    data, metadata = _picture(model_id, picture, words)
    live = {WIDGET_VIEW: data.pop(WIDGET_VIEW), "text/plain": ""}
    shown = display(data, metadata=metadata, raw=True, display_id=True) if picture else None
    told = display(_told(words), raw=True, display_id=True)
    display(live, raw=True)

    def again(picture: bytes, words: str) -> None:
        data, metadata = _picture(model_id, picture, words)
        data.pop(WIDGET_VIEW)
        if picture and shown is not None:  # None too where nobody listens
            shown.update(data, metadata=metadata, raw=True)
        if told is not None:
            told.update(_told(words), raw=True)

    return again


def _picture(model_id: str, picture: bytes, words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if picture and kind_of(picture) == "image/png":
        # what changes as a slider moves is written fast; what is kept is written small
        picture = plots.encode_png(plots.decode(picture), effort=9)
    return bundle(model_id, picture, words)


def _told(words: str) -> dict[str, Any]:
    told = f'<p class="tracklab-still">{html.escape(f"{words} {RUN}")}</p>'
    return {"text/html": f"{told}<style>{HIDE_DEAD}</style>", "text/plain": ""}
