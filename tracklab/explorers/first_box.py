"""The explorer "first-box": all that a tracker is ever told is one box. How good must it be?

`DrawBox` is for one's own video, too: a frame on which a box is drawn with the mouse or a finger,
moved by keyboard, or typed. `draw` is pure: box and tracker make the run (kept for the next frame),
the frame number picks from it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors, overlay, plots, scenes, trackers
from tracklab.clips import Clip, Frame
from tracklab.explorers import canvas, still
from tracklab.explorers.canvas import BoxCanvas
from tracklab.explorers.controls import Choice, Play
from tracklab.explorers.moving import Moving
from tracklab.explorers.shell import Drawing, Explorer

Box = tuple[float, ...]

SIZE, FRAMES, SEED, CLUTTER = (120, 160), 40, 1, 0.4
SHOWN = 640  # pixels of a frame's longer side in the browser
SCALE = 3.0
TRACKERS = ("template", "mosse")
FIELDS = ("x", "y", "width", "height")
ON_IT = 0.5  # overlap from which a box counts as on its object
KEPT = 64  # runs: a few kB each


class DrawBox(widgets.VBox):
    """A frame on which a box is drawn; below it stand four fields in which it can be typed.

    frame: `(H, W, 3)` uint8 RGB. box: `(4,)` xyxy pixels to begin with; none if None. shown: pixels
    of the longer side in the browser.

    `box` is the box as it is now, `xywh` the same as x, y, width and height; `on_draw(function)`
    calls `function(box)` whenever it changes. Raises `InputError` for a frame that is none and a
    box outside it.

    By keyboard: Tab to the box, arrows move it, Shift and arrows resize it, Ctrl in steps of ten;
    Tab on to the fields, in which it is typed.
    """

    value = traitlets.Tuple()

    def __init__(self, frame: Frame, box: ArrayLike | None = None, *, shown: int = SHOWN) -> None:
        frame = errors.image("frame", frame)
        high, wide = frame.shape[:2]
        rows = [] if box is None else canvas.as_rows(bx.as_box(box)[None], high, wide)
        self.canvas = BoxCanvas(
            frame,
            rows,
            labels=["object"] if rows else None,
            draw_new=True,
            shown=shown,
            alt="A frame, and the box that is drawn on it",
        )
        ends = (wide, high, wide, high)
        self.fields = [
            widgets.BoundedFloatText(
                value=0.0,
                min=0.0,
                max=float(end),
                step=1.0,
                description=name,
                layout={"width": "11em"},
                style={"description_width": "4em"},
            )
            for name, end in zip(FIELDS, ends, strict=True)
        ]
        self._spreading = False
        super().__init__([self.canvas, widgets.HBox(self.fields)])
        self.children[1].layout.flex_flow = "row wrap"
        self.canvas.observe(self._from_canvas, names="boxes")
        for field in self.fields:
            field.observe(self._from_fields, names="value")
        self.observe(lambda _: self._spread(), names="value")
        self.value = tuple(rows[0]) if rows else ()
        self.add_class("tracklab-wide")

    @property
    def box(self) -> bx.Boxes:
        """`(4,)` float32 xyxy pixels. Raises `InputError` where none is drawn yet."""
        if not self.value:
            errors.bad(
                "box", errors.Said("none yet"), "a box drawn on the frame, or typed below it"
            )
        return np.array(self.value, np.float32)

    @property
    def xywh(self) -> list[float]:
        """The box as x, y, width and height, as the command line takes it."""
        return [round(float(side), 1) for side in bx.xyxy_to_xywh(self.box)]

    def on_draw(self, function: Callable[[bx.Boxes], Any]) -> None:
        """Call `function(box)` whenever the box has changed."""
        self.observe(lambda _: self.value and function(self.box), names="value")

    def _from_canvas(self, _: Any) -> None:
        rows = self.canvas.boxes
        if not self._spreading:
            self.value = tuple(rows[-1]) if rows else ()

    def _from_fields(self, _: Any) -> None:
        x, y, w, h = (float(field.value) for field in self.fields)
        if self._spreading or not (w > 0 and h > 0):
            return  # half typed
        high, wide = self.canvas.size
        (row,) = canvas.as_rows([[x, y, x + w, y + h]], high, wide)
        self.value = tuple(row)
        self._spread()  # also where the box was cut to what it was

    def _spread(self) -> None:
        """Canvas and fields show the value."""
        self._spreading = True
        try:
            self.canvas.boxes = [list(self.value)] if self.value else []
            self.canvas.labels = ["object"] if self.value else []
            if self.value:
                for field, side in zip(self.fields, self.xywh, strict=True):
                    field.value = side
        finally:
            self._spreading = False

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return still.bundle(self.model_id, self.canvas.picture(), self.canvas.caption)

    def _ipython_display_(self, **_: Any) -> None:
        still.show(self.model_id, self.canvas.picture(), self.canvas.caption)


@dataclass(frozen=True)
class OneBox:
    """A control: a box on a frame."""

    label: str
    frame: Frame
    default: Box

    def check(self, name: str, value: Any) -> Box:
        """One box inside the frame, in tenths of a pixel."""
        rows = canvas.as_rows(np.atleast_2d(bx.as_boxes(value, name)), *self.frame.shape[:2])
        if len(rows) != 1:
            errors.bad(name, errors.Said(f"{len(rows)} boxes"), "one box (4,), xyxy pixels")
        return tuple(rows[0])

    def values(self) -> tuple[Box, ...]:
        """The default, the largest, and the smallest in the corners and in the middle."""
        high, wide = (float(side) for side in self.frame.shape[:2])
        least = canvas.SMALLEST
        low = (0.0, 0.0, least, least)
        last = (wide - least, high - least, wide, high)
        return (self.default, (0.0, 0.0, wide, high), low, last)

    def build(self) -> tuple[Any, Any]:
        """What is drawn on, which is both."""
        draw = DrawBox(self.frame, self.default, shown=round(SCALE * max(self.frame.shape[:2])))
        return draw, draw


@functools.cache
def clip() -> Clip:
    """The scene whose first frame is drawn on: among clutter, nothing hidden."""
    return scenes.render(seed=SEED, frames=FRAMES, size=SIZE, objects=1, clutter=CLUTTER)


@functools.cache
def right_box() -> Box:
    """Where the object is in the first frame."""
    truth = clip().truth
    assert truth is not None
    return tuple(round(float(side), 1) for side in truth.boxes[0, 0])


@functools.lru_cache(KEPT)
def run(tracker: str, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes `(T, 4)` of a tracker that begins with a box, and their overlaps `(T,)` with the truth.

    Of the first frame it is the overlap of the drawn box.
    """
    truth = clip().truth
    assert truth is not None
    boxes = trackers.run(tracker, clip(), np.array(box, np.float32)).boxes
    pairs = zip(boxes, truth.boxes[:, 0], strict=True)
    return boxes, np.array([bx.iou(a[None], b[None])[0, 0] for a, b in pairs], np.float32)


class Chart:
    """The overlap over time, with the present frame marked."""

    def __init__(self) -> None:
        fig, axes = plots.figure(width=4.2, height=3.6, alt="overlap over time")
        with plots.style():
            self.figure = Moving(fig, self._parts(axes))

    def _parts(self, axes: Any) -> list[Any]:
        blue, red = plots.COLORS[:2]
        axes.axhline(ON_IT, color=plots.base.FAINT, ls=":")
        axes.set(
            xlabel="frame",
            ylabel="overlap with the object (IoU)",
            ylim=(-0.03, 1.03),
            xlim=(0, FRAMES - 1),
        )
        axes.set_title("From your box on")
        self.curve = axes.plot([], [], color=blue, lw=2.2)[0]
        self.now = axes.axvline(0, color=plots.base.INK, lw=1.2)
        self.point = axes.plot([], [], "o", color=red, ms=9, mec="w")[0]
        return [self.curve, self.now, self.point]

    def pixels(self, overlaps: NDArray[np.float32], frame: int) -> NDArray[np.uint8]:
        """The chart for a run, `(H, W, 3)` uint8 RGB."""
        with self.figure.lock:
            self.curve.set_data(np.arange(len(overlaps)), overlaps)
            self.now.set_xdata([frame, frame])
            self.point.set_data([frame], [overlaps[frame]])
            return self.figure.pixels()


def draw(chart: Chart, *, box: Box, tracker: str, frame: int) -> Drawing:
    """The frame with the object and the tracker's box, beside how they overlap over time."""
    boxes, overlaps = run(tracker, box)
    truth = clip().truth
    assert truth is not None
    way = bx.centers(boxes[: frame + 1])
    large = overlay.draw(
        clip().frames[frame], truth.boxes[frame, 0], labels="object", dashed=True, scale=SCALE
    )
    named = overlay.draw(
        large, boxes[frame] * SCALE, labels=tracker, colors=overlay.PALETTE[1], trails=[way * SCALE]
    )
    side = chart.pixels(overlaps, frame)
    tall = max(len(named), len(side))
    padded = [
        np.pad(part, ((0, tall - len(part)), (0, 0), (0, 0)), constant_values=255)
        for part in (named, side)
    ]
    numbers = {
        "your box on the object (IoU)": float(overlaps[0]),
        "in this frame": float(overlaps[frame]),
        "mean over the clip": float(overlaps.mean()),
        "frames on the object": int((overlaps >= ON_IT).sum()),
    }
    return Drawing(np.concatenate(padded, 1), _words(tracker, frame, overlaps), numbers)


def _words(tracker: str, frame: int, overlaps: NDArray[np.float32]) -> str:
    """What is shown, to somebody who does not see it."""
    off = np.flatnonzero(overlaps < ON_IT)
    told = f"The drawn box overlaps the object by {overlaps[0]:.2f}."
    here = f"In frame {frame} the {tracker} tracker's box overlaps it by {overlaps[frame]:.2f}."
    if not len(off):
        return f"{told} {here} It stays on the object to the end."
    apart = np.flatnonzero(overlaps <= 0)
    if len(apart):
        return f"{told} {here} It has lost the object in frame {apart[0]}, where they part."
    return f"{told} {here} It never parts from it, but is loose in {len(off)} frames."


def first_box(tracker: str = TRACKERS[0], frame: int = FRAMES - 1) -> Explorer:
    """The explorer, from the box that an annotator would draw.

    tracker: "template" or "mosse". frame: that is shown, from 0.
    """
    return Explorer(
        "first-box",
        functools.partial(draw, Chart()),
        {
            "box": OneBox("Your box", clip().frames[0], right_box()),
            "tracker": Choice("Tracker", TRACKERS, tracker),
            "frame": Play("Frame", FRAMES, default=frame),
        },
        title="The first box: all that a tracker is told",
        description="Draw a box around the object, then a wider one, then a tighter one. How loose "
        "may it be until the tracker follows the ground instead?",
        format="png",
    )
