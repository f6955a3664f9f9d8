"""Boxes on a picture that a learner moves by mouse, finger or keyboard, at once.

The canvas draws in the browser, so a box follows the pointer without a kernel's round trip; the
kernel hears of the new boxes while they move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import cv2
import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors, overlay, plots
from tracklab.explorers import still
from tracklab.plots import COLORS

SMALLEST = 4.0  # pixels of a side that a learner can make: smaller ones cannot be caught again
SHOWN = 480  # pixels of the longer side in the browser
HIT = 0.5  # IoU from which a box counts as on its object, as in the PASCAL VOC challenge
BOTH, EITHER = (240, 228, 66), (228, 236, 241)  # what two boxes share, and the rest of them


class BoxCanvas(anywidget.AnyWidget):
    """A picture with boxes that can be dragged, resized and drawn.

    image: `(H, W, 3)` uint8 RGB behind the boxes; without one, an empty ground of `size`.
    boxes: `(N, 4)` float32 xyxy pixels of the image. They are cut at its border, and made
        `SMALLEST` wide and high where they are smaller.
    labels: `(N,)` names; they are read out and written at the boxes.
    size: height and width in pixels, where there is no image.
    draw_new: whether a drag on the ground (or the button) makes a new box. At `most` boxes, the new
        one replaces the last.
    compare: with two boxes, shade what they share and what either covers, and read IoU, GIoU,
        areas and distance live, all in the browser. threshold: of IoU, from which on it is a hit.
    rules: pixels between the thin lines of a ground without an image; 0 for none.
    alt: what the picture shows, in words.
    shown: pixels of the longer side in the browser.

    By keyboard: Tab goes from box to box; arrows move by a pixel, with Ctrl by ten; Shift and
    arrows move the lower right corner. Escape undoes a drag, Delete removes a drawn box.

    `boxes` (a trait, a list of lists) is the live state; `as_array()` gives `(N, 4)` float32, and
    `on_move(function)` calls `function(boxes)` with it whenever it changes.

    Raises `InputError` for boxes that are none and for lengths that differ.
    """

    _esm = Path(__file__).with_name("overlap.js").read_text("utf-8") + still.script("canvas.js")
    _css = Path(__file__).with_name("canvas.css")

    boxes: Any = traitlets.List().tag(sync=True)
    labels: Any = traitlets.List().tag(sync=True)
    colors: Any = traitlets.List().tag(sync=True)
    image = traitlets.Bytes().tag(sync=True)
    size: Any = traitlets.List().tag(sync=True)  # height, width
    shown_scale = traitlets.Float(1.0).tag(sync=True)
    smallest = traitlets.Float(SMALLEST).tag(sync=True)
    draw_new = traitlets.Bool(False).tag(sync=True)
    most = traitlets.Int(1).tag(sync=True)
    compare = traitlets.Bool(False).tag(sync=True)
    threshold = traitlets.Float(HIT).tag(sync=True)
    rules = traitlets.Float(0.0).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        image: NDArray[np.uint8] | None = None,
        boxes: ArrayLike = (),
        *,
        labels: Sequence[str] | None = None,
        size: tuple[int, int] = (240, 320),
        draw_new: bool = False,
        most: int = 1,
        compare: bool = False,
        threshold: float = HIT,
        rules: float = 0.0,
        alt: str = "",
        shown: int = SHOWN,
    ) -> None:
        if image is not None:
            size = errors.image("image", image).shape[:2]
        tall = errors.number("size height", size[0], low=SMALLEST, whole=True)
        wide = errors.number("size width", size[1], low=SMALLEST, whole=True)
        errors.number("most", most, low=1, high=len(COLORS), whole=True)
        rows = as_rows(boxes, int(tall), int(wide))
        if labels is not None and len(labels) != len(rows):
            errors.bad("labels", errors.Said(f"{len(labels)} labels"), f"{len(rows)}, one a box")
        super().__init__(
            boxes=rows,
            labels=list(labels) if labels is not None else [],
            colors=list(COLORS),
            image=plots.encode_png(image) if image is not None else b"",
            size=[int(tall), int(wide)],
            shown_scale=float(errors.number("shown", shown, low=16)) / max(tall, wide),
            draw_new=draw_new,
            most=most,
            compare=compare,
            threshold=float(errors.number("threshold", threshold, low=0, high=1)),
            rules=float(errors.number("rules", rules, low=0)),
            alt=alt
            or ("A picture with boxes" if image is not None else "Boxes on an empty ground"),
        )
        self._image = image

    @traitlets.validate("boxes")
    def _check_boxes(self, proposal: Any) -> Any:
        if not self.size:  # while the widget is made: checked already
            return proposal["value"]
        return as_rows(proposal["value"], *self.size)

    def as_array(self) -> NDArray[np.float32]:
        """The boxes as they are now, `(N, 4)` float32 xyxy pixels."""
        return np.array(self.boxes, np.float32).reshape(-1, 4)

    def on_move(self, function: Callable[[NDArray[np.float32]], Any]) -> None:
        """Call `function(boxes (N, 4))` whenever a box has moved."""
        self.observe(lambda _: function(self.as_array()), names="boxes")

    @property
    def caption(self) -> str:
        """Where the boxes are, in words."""
        named = [
            f"{self._name(k)} from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g})"
            for k, (x1, y1, x2, y2) in enumerate(self.boxes)
        ]
        said = f"{self.alt}. " + (f"Pixels: {'; '.join(named)}." if named else "No box yet.")
        if self.compare and len(named) == 2:
            pair = self.as_array()
            iou, giou = (float(f(pair[:1], pair[1:])[0, 0]) for f in (bx.iou, bx.giou))
            said += f" IoU {iou:.3f}, GIoU {giou:.3f}."
        return said

    def picture(self) -> bytes:
        """The picture with its boxes as they are now, a PNG."""
        ground = self._image
        if ground is None:
            ground = np.full((*self.size, 3), 245, np.uint8)
        names = [self._name(k) for k in range(len(self.boxes))]
        large, boxes = overlay.resize(ground, self.shown_scale), self.as_array() * self.shown_scale
        if self.compare and len(boxes) == 2:
            large = _shaded(large, boxes)
        colors = []
        for k in range(len(boxes)):
            red, green, blue = (int(COLORS[k % len(COLORS)][i : i + 2], 16) for i in (1, 3, 5))
            colors.append((red, green, blue))
        # all at once, so that names make room for each other; then the dashed ones again
        large = overlay.draw(large, boxes, labels=names, colors=colors)
        for k in range(len(boxes)):
            if k % 3:
                large = overlay.draw(large, boxes[k], colors=colors[k], dashed=True)
        return plots.encode_png(large, effort=9)

    def _name(self, k: int) -> str:
        return str(self.labels[k]) if k < len(self.labels) else f"box {k + 1}"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return still.bundle(self.model_id, self.picture(), self.caption)

    def _ipython_display_(self, **_: Any) -> None:
        still.show(self.model_id, self.picture(), self.caption)


def as_rows(boxes: ArrayLike, height: int, width: int) -> list[list[float]]:
    """Boxes as plain lists, in tenths of a pixel: inside the picture, and large enough to catch."""
    array = bx.as_boxes(boxes, "boxes")
    if array.ndim != 2:
        errors.bad("boxes", array, f"shape (N, 4), {bx.CORNERS}")
    rows = []
    for x1, y1, x2, y2 in bx.clip(array, height, width).tolist():
        (left, right), (top, bottom) = _wide_enough(x1, x2, width), _wide_enough(y1, y2, height)
        rows.append([left, top, right, bottom])
    return rows


def _wide_enough(low: float, high: float, most: int) -> tuple[float, float]:
    """The ends of a side, moved apart around their middle to `SMALLEST`, between 0 and `most`."""
    low, high = round(low, 1), round(high, 1)
    if high - low >= SMALLEST - 0.01:  # less than a tenth: 14.1 - 10.1 is not quite 4
        return low, high
    middle = (low + high) / 2
    low = round(min(max(middle - SMALLEST / 2, 0.0), most - SMALLEST), 1)
    return low, round(low + SMALLEST, 1)


def _shaded(picture: NDArray[np.uint8], pair: bx.Boxes) -> NDArray[np.uint8]:
    """A new picture in which both boxes are filled, and what they share is filled brighter."""
    picture = picture.copy()
    shared = np.concatenate([pair[:, :2].max(0), pair[:, 2:].min(0)])
    for box, color in (*((one, EITHER) for one in pair), (shared, BOTH)):
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        if x2 > x1 and y2 > y1:
            cv2.rectangle(picture, (x1, y1), (x2, y2), color, -1)
    return picture
