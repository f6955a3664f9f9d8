"""The shell of an explorer: controls around a pure `draw(params) -> picture`.

The picture goes to the browser as an encoded image into one view that stays. Nothing is redrawn
by matplotlib in the browser or through `interact`, whose latency is twice as high.

Invariants: what is shown is `draw` of the parameters that are shown, or it is marked as old or as
unfinished, with the reason; and while a drawing is made, changes do not queue up: only the last one
is drawn next.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets
from matplotlib.figure import Figure

from tracklab import errors, plots
from tracklab.explorers import still
from tracklab.explorers.controls import Control, Play
from tracklab.plots.base import sentence

FORMATS = ("jpeg", "png")
AT_HAND = 0.3  # seconds that a cell waits for an unfinished picture before it shows it
PATIENCE = 20.0  # seconds that it then waits on, so that the picture that stays is a finished one


@dataclass(frozen=True)
class Jump:
    """A button that sets one control: a place in the picture worth going to.

    label: what is there, in words. parameter, value: what it sets. key: a letter or digit that does
    the same while the explorer has the focus, or none.
    """

    label: str
    parameter: str
    value: Any
    key: str = ""


@dataclass(frozen=True)
class Drawing:
    """What `draw` returns: a picture, what it shows in words, and the numbers behind it.

    picture: `(H, W, 3)` uint8 RGB, or a matplotlib figure, or the bytes of a PNG, JPEG or WebP.
    caption: one or two sentences that say what the picture shows, with its numbers, to somebody
        who does not see it. They change with the parameters.
    numbers: by name, what is measured; shown below the picture.
    jumps: places worth going to, as buttons above the picture.
    frames: by parameter, how many frames a `Play` has now, where that is fewer than its own.
    idle: parameters that change nothing now: their controls are off.
    unfinished: what is still being computed, in words, and the share of it that is done, 0 to 1.
        Who computes it calls the explorer's `refresh` as it goes on.
    """

    picture: Any
    caption: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    jumps: Sequence[Jump] = ()
    frames: Mapping[str, int] = field(default_factory=dict)
    idle: Sequence[str] = ()
    unfinished: tuple[str, float] | None = None


class Screen(anywidget.AnyWidget):
    """The view of an explorer: one picture with its words, and a line for what went wrong."""

    _esm = still.script("shell.js")
    _css = Path(__file__).with_name("shell.css")

    picture = traitlets.Bytes().tag(sync=True)
    kind = traitlets.Unicode("image/png").tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    numbers: Any = traitlets.List().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    drawing = traitlets.Int(0).tag(sync=True)  # how many answers were given, errors too
    shown_width = traitlets.Int(0).tag(sync=True)
    sharp_pixels = traitlets.Bool(False).tag(sync=True)
    players: Any = traitlets.List().tag(sync=True)  # model ids: what plays, its slider
    jumps: Any = traitlets.List().tag(sync=True)  # label, key, model id, value
    unfinished: Any = traitlets.List().tag(sync=True)  # words, share; or nothing


class Explorer(widgets.VBox):
    """One phenomenon, few controls, an answer while the control moves.

    name: as `explore(name)` knows it.
    draw: pure function of the controls' values, by keyword, to a `Drawing` (or a pair of picture
        and caption). The same values give the same bytes. What is expensive is made once, outside.
    controls: by parameter name, `Slider`, `Choice`, `Toggle`, `Seed` or `Play`.
    title: what the explorer is about. description: what to try, one or two sentences.
    format: "jpeg" for frames, "png" for plots and where every pixel counts.
    shown_width: of the picture in the browser, in pixels; its own width if 0. It shrinks where
        the window is narrower.
    sharp_pixels: enlarge without blur, so that pixels are seen as squares.

    The last picture is `picture` (bytes), its words are `caption`; `params` are the values that
    are set, `set(**params)` sets them as a learner would. `error` is what `draw` raised, or None;
    then the picture is the one before, marked as such.

    Raises `InputError` for options that are none; what `draw` raises is shown, not raised.
    """

    def __init__(
        self,
        name: str,
        draw: Callable[..., Any],
        controls: Mapping[str, Control],
        *,
        title: str,
        description: str = "",
        format: str = "jpeg",
        shown_width: int = 0,
        sharp_pixels: bool = False,
    ) -> None:
        self.name, self.draw, self.controls = name, draw, dict(controls)
        self.title, self.description = title, description
        self.format = errors.choice("format", format, FORMATS)
        self.error: Exception | None = None
        self.drawings = 0  # how many pictures were made: changes that come together make one
        self.numbers: dict[str, Any] = {}
        self.screen = Screen(shown_width=shown_width, sharp_pixels=sharp_pixels)
        self._lock, self._held, self._wanted = threading.Lock(), 0, False

        self._values: dict[str, Any] = {}
        self._parts: dict[str, tuple[Any, ...]] = {}  # all of a control that can be off
        shown = []
        for key, control in self.controls.items():
            value, view = control.build()
            value.observe(self._changed, names="value")
            self._values[key] = value
            parts = (value, view, *getattr(view, "children", ()))
            self._parts[key] = tuple(part for part in parts if hasattr(part, "disabled"))
            view.add_class("tracklab-control")
            shown.append(view)
            if isinstance(control, Play):
                pairs = [[p.model_id, value.model_id] for p in view.children if p is not value]
                self.screen.players = [*self.screen.players, *pairs]
        reset = widgets.Button(description="Reset", tooltip="All controls back to their start")
        reset.layout.width = "auto"
        reset.on_click(lambda _: self.reset())
        panel = widgets.HBox([*shown, reset])
        panel.add_class("tracklab-controls")
        head = widgets.HTML(
            f"<strong>{html.escape(title)}</strong>"
            + (f"<div>{html.escape(description)}</div>" if description else "")
        )
        super().__init__([head, panel, self.screen])
        self.add_class("tracklab-explorer")
        self.add_class("tracklab-live")
        self._changed()

    @property
    def params(self) -> dict[str, Any]:
        """The values that are set, by parameter name."""
        return {key: widget.value for key, widget in self._values.items()}

    @property
    def picture(self) -> bytes:
        """The picture that is shown, encoded."""
        return bytes(self.screen.picture)

    @property
    def caption(self) -> str:
        """What is shown, in words."""
        return str(self.screen.caption)

    def set(self, **params: Any) -> None:
        """Set some controls, as a learner would; one new picture is drawn.

        Raises `InputError` for a parameter that the explorer has not, and for values beyond the
        ends of its control.
        """
        for key in params:
            errors.choice("parameter", key, self.controls)
        checked = {key: self.controls[key].check(key, value) for key, value in params.items()}
        with self._together():
            for key, value in checked.items():
                if isinstance(self.controls[key], Play) and value > self._values[key].max:
                    self._set_frames(key, None)  # another clip may be longer
            for key, value in checked.items():
                self._values[key].value = value

    def reset(self) -> None:
        """Set every control back to its default."""
        self.set(**{key: control.default for key, control in self.controls.items()})

    def refresh(self) -> None:
        """Draw the same values again: what `draw` works with has changed. From any thread."""
        self._changed()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Several changes, one drawing."""
        with self._lock:
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1
            self._run()

    def _changed(self, _: Any = None) -> None:
        self._wanted = True
        self._run()

    def _run(self) -> None:
        """Draw until what is shown is what is wanted.

        A change that comes while a drawing is made (from `draw` itself or another thread) returns
        at once; the loop below then draws the latest values, and leaves out those in between.
        """
        while self._wanted:
            with self._lock:
                if self._held or not self._wanted:
                    return
                self._held += 1
                self._wanted = False
            try:
                self._show(self.params)
            finally:
                with self._lock:
                    self._held -= 1

    def _show(self, params: dict[str, Any]) -> None:
        try:
            drawing = as_drawing(self.draw(**params), self.format)
            jumps = [self._jump(jump) for jump in drawing.jumps]
            for key in (*drawing.frames, *drawing.idle):
                errors.choice("parameter", key, self.controls)
        except Exception as error:
            self.error = error
            with self.screen.hold_sync():
                self.screen.error = trouble(error, bool(self.screen.picture))
                self.screen.unfinished = []
                self.screen.drawing += 1
            return
        self.error = None
        for key in self.controls:
            self._set_frames(key, drawing.frames.get(key))
            for part in self._parts[key]:
                part.disabled = key in drawing.idle
        self.drawings += 1
        self.numbers = dict(drawing.numbers)
        with self.screen.hold_sync():  # one message: the words never belong to another picture
            self.screen.kind = still.kind_of(drawing.picture)
            self.screen.picture = drawing.picture
            self.screen.caption = drawing.caption
            self.screen.numbers = [[str(k), written(v)] for k, v in drawing.numbers.items()]
            self.screen.jumps = jumps
            self.screen.unfinished = list(drawing.unfinished or ())
            self.screen.error = ""
            self.screen.drawing += 1

    def _jump(self, jump: Jump) -> list[Any]:
        control = self.controls[errors.choice("parameter", jump.parameter, self.controls)]
        value = control.check(jump.parameter, jump.value)
        return [jump.label, jump.key, self._values[jump.parameter].model_id, value]

    def _set_frames(self, key: str, count: int | None) -> None:
        """Let a `Play` have so many frames now, or as many as it has."""
        control = self.controls[key]
        if not isinstance(control, Play):
            return
        last = (control.frames if count is None else count) - 1
        for part in self._parts[key]:
            if hasattr(part, "max") and part.max != last:
                # what plays does not tell the kernel where it is: it must not go back to there
                part.value = min(self._values[key].value, last)
                part.max = last

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self._settle(PATIENCE)
        return still.bundle(self.model_id, self.picture, self._words())

    def _ipython_display_(self, **_: Any) -> None:
        self._settle(AT_HAND)
        again = still.show(self.model_id, self.picture, self._words())
        if self.screen.unfinished:
            self._settle(PATIENCE)
            again(self.picture, self._words())

    def _settle(self, seconds: float) -> None:
        """Wait so long for a finished picture; whoever computes what it lacks refreshes it."""
        end = time.monotonic() + seconds
        while self.screen.unfinished and time.monotonic() < end:
            time.sleep(0.02)

    def _words(self) -> str:
        return f"{sentence(self.title)} {self.caption or self.screen.error}"


def as_drawing(drawn: Any, format: str = "jpeg") -> Drawing:
    """What `draw` returned as a `Drawing` whose picture is bytes.

    Raises `InputError` for anything that is not a picture with words.
    """
    if isinstance(drawn, tuple) and len(drawn) == 2:
        drawn = Drawing(*drawn)
    if not isinstance(drawn, Drawing):
        errors.bad("draw", drawn, "a Drawing(picture, caption), or a pair (picture, caption)")
    if not isinstance(drawn.caption, str) or not drawn.caption.strip():
        errors.bad("caption", drawn.caption, "a sentence that says what the picture shows")
    picture = encoded(drawn.picture, format)
    return replace(drawn, picture=picture, caption=drawn.caption.strip())


def encoded(picture: Any, format: str) -> bytes:
    """A picture as bytes of an image file."""
    if isinstance(picture, bytes):
        still.kind_of(picture)
        return picture
    if isinstance(picture, Figure):
        return plots.encode_png(plots.figure_to_rgb(picture))
    rgb = errors.image("picture", np.asarray(picture))
    return plots.encode_jpeg(rgb) if format == "jpeg" else plots.encode_png(rgb)


def trouble(error: Exception, has_picture: bool) -> str:
    """What a learner reads where no picture could be drawn: what happened, what to do."""
    own = isinstance(error, errors.TracklabError)
    said = str(error) if own else f"{type(error).__name__}: {error}"
    old = " The picture shown is of the settings before." if has_picture else ""
    return f"This setting could not be drawn. {said}.{old} Move the control back, or press Reset."


def written(value: Any) -> str:
    """A number as it is shown: three digits where it is not whole."""
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)
