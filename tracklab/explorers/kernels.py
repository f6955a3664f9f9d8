"""The explorer "kernel": nine numbers, and what they make of a picture.

`draw` is pure: the picture at the left, the response at the right on the same scale (a stride of 2
makes it half as large), with the scale of its colours beside it. Where the weights add up to
something (blurs, sharpening), the response is a picture again and shown as one; where they cancel
(edges), it has a sign, and is shown in colours around 0.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import ipywidgets as widgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from tracklab import convolution, errors, kernels, scenes
from tracklab.explorers.controls import LABEL, Choice, Slider, Toggle
from tracklab.explorers.shell import Drawing, Explorer

Picture = NDArray[np.uint8]

SIDE = 96  # rows and columns of the pictures
ROOM = 288  # pixels that a picture is enlarged to
GAP, BAR, LABELS, TOP = 18, 14, 62, 26  # pixels: between, colour bar, its numbers, titles
SPOT = "one white pixel"
QUIET = 0.1  # of the strongest answer: what is less counts as none
FITS = "calc(100% - 8px)"  # of a column: margins are not part of a width
PICTURE_SUM = 0.1  # of the sizes of the weights: a sum above it makes a picture of a picture

INK, PAPER, RULE = (40, 40, 40), (255, 255, 255), (205, 205, 205)
FRAME = (0, 158, 115)  # Okabe and Ito's green
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
# ColorBrewer's purple to orange, which colour-blind people tell apart: minus, 0, plus.
SIGNED = np.array(
    [
        *((45, 0, 75), (84, 39, 136), (128, 115, 172), (178, 171, 210), (216, 218, 235)),
        (247, 247, 247),
        *((254, 224, 182), (253, 184, 99), (224, 130, 20), (179, 88, 6), (127, 59, 8)),
    ],
    np.float32,
)


def _scene() -> Picture:
    """A frame of a built-in scene."""
    return np.asarray(scenes.render(seed=1, frames=1, size=(SIDE, SIDE), objects=4).frames[0])


def _drawn() -> Picture:
    """A disc, a square, a thin and a thick line, and a soft ramp, on grey."""
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    picture[64:, :] = np.linspace(20, 235, SIDE, dtype=np.uint8)[None, :, None]
    cv2.circle(picture, (28, 30), 17, (235, 235, 235), -1)
    cv2.rectangle(picture, (56, 12), (80, 34), (20, 20, 20), -1)
    cv2.line(picture, (52, 56), (88, 40), (235, 235, 235), 1)
    cv2.line(picture, (8, 58), (40, 58), (20, 20, 20), 3)
    return picture


def _spot() -> Picture:
    """One white pixel on black: the response is the kernel itself, turned by 180 degrees."""
    picture = np.zeros((9, 9, 3), np.uint8)
    picture[4, 4] = 255
    return picture


PICTURES = {"a drawing": _drawn, "a scene": _scene, SPOT: _spot}


@functools.cache
def picture(name: str) -> Picture:
    """One of `PICTURES`, `(H, W, 3)` uint8, read-only."""
    made = PICTURES[name]()
    made.setflags(write=False)
    return made


def response(
    image: Picture,
    weights: NDArray[np.float32],
    *,
    stride: int = 1,
    padding: str = "valid",
    normalise: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a kernel answers to the brightness (0 to 1) of an image, and the weights it used.

    `normalise` divides the weights by their sum where it is not 0 (brightness stays), else by the
    sum of their sizes.
    """
    total, size = float(weights.sum()), float(np.abs(weights).sum())
    if normalise and size > 0:
        weights = weights / (total if abs(total) > 1e-6 * size else size)
    brightness = kernels.grey(convolution.as_tensor(image))[0, :, :, 0]
    found = kernels.filter_image(brightness, weights, stride=stride, padding=padding)
    return found.astype(np.float32), weights


def colours(values: NDArray[np.float32], most: float) -> Picture:
    """Signed values as colours `(H, W, 3)`: purple below 0, near white at 0, orange above."""
    place = (np.clip(values / (most or 1.0), -1, 1) + 1) / 2 * (len(SIGNED) - 1)
    low = np.minimum(place.astype(int), len(SIGNED) - 2)
    part = (place - low)[..., None]
    return np.rint(SIGNED[low] * (1 - part) + SIGNED[low + 1] * part).astype(np.uint8)


def draw(
    image: str, weights: Sequence[float], stride: int, padding: str, normalise: bool
) -> Drawing:
    """A picture, and what a kernel of nine weights (row by row) answers to it."""
    shown = picture(image)
    found, used = response(
        shown,
        np.reshape(weights, (3, 3)).astype(np.float32),
        stride=stride,
        padding=padding,
        normalise=normalise,
    )
    total, size = float(used.sum()), float(np.abs(used).sum())
    # the answer to one pixel is the kernel, turned: there is nothing to look at but its weights
    is_picture = total > PICTURE_SUM * size and image != SPOT
    most = float(np.abs(found).max())
    if is_picture:
        grey = np.clip(found / total, 0, 1) * 255
        answer = np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, 2)
    else:
        answer = colours(found, most)
    row, column = np.unravel_index(np.argmax(np.abs(found)), found.shape)
    scale = ROOM // max(shown.shape[:2])
    before = [
        convolution.padding_amounts(n, 3, stride=stride, padding=padding)[0]
        for n in shown.shape[:2]
    ]
    window = (int(row) * stride - before[0], int(column) * stride - before[1], 3)
    left = _enlarged(shown, scale, window if most else None)
    right = _enlarged(answer, scale, (int(row), int(column), 1) if most else None)
    names = (
        f"picture {shown.shape[0]} x {shown.shape[1]}",
        f"response {found.shape[0]} x {found.shape[1]}",
    )
    bar = _bar(total if is_picture else most, signed=not is_picture)
    return Drawing(
        _beside(left, right, bar, names),
        _words(found, used, (int(row), int(column)), is_picture),
        {
            "weights add up to": total,
            "response from": float(found.min()),
            "to": float(found.max()),
            "rows": found.shape[0],
            "columns": found.shape[1],
        },
    )


def _words(
    found: NDArray[np.float32],
    used: NDArray[np.float32],
    strongest: tuple[int, int],
    is_picture: bool,
) -> str:
    """What the picture shows, to somebody who does not see it."""
    if not used.any():
        return "All weights are 0, and so is every answer."
    total, most = float(used.sum()), float(np.abs(found).max())
    rows, columns = found.shape
    said = [f"The response has {rows} rows and {columns} columns, from {found.min():.2f} to "]
    said[0] += f"{found.max():.2f}."
    if is_picture:
        beyond = float(((found < 0) | (found > total * (1 + 1e-6))).mean())
        said.append(f"The weights add up to {total:.2f}, so it is a picture again: black is 0, ")
        said[-1] += f"white is {total:.2f}, and {beyond:.0%} lies beyond and is cut."
    else:
        flat = "0" if abs(total) < 1e-6 * np.abs(used).sum() else f"{total:.2f} times their grey"
        quiet = float((np.abs(found) < QUIET * most).mean()) if most else 1.0
        said.append(f"Orange is above 0, purple below. Flat areas give {flat}; {quiet:.0%} of it ")
        said[-1] += "is under a tenth of the strongest answer."
    said.append(f"The strongest answer, {found[strongest]:.2f}, is framed: row {strongest[0]}, ")
    said[-1] += f"column {strongest[1]}."
    return " ".join(said)


def _enlarged(pixels: Picture, scale: int, framed: tuple[int, int, int] | None) -> Picture:
    """Every pixel as a square of `scale` pixels; a frame around (row, column, side)."""
    large = np.repeat(np.repeat(pixels, scale, 0), scale, 1)
    if framed is None:
        return large
    row, column, side = framed
    for colour, extra in (((0, 0, 0), 4), (PAPER, 3), (FRAME, 2), (FRAME, 1)):
        corner = (column * scale - extra, row * scale - extra)
        opposite = ((column + side) * scale + extra - 1, (row + side) * scale + extra - 1)
        cv2.rectangle(large, corner, opposite, colour, 1)
    return large


def _bar(most: float, *, signed: bool) -> Picture:
    """The scale of the colours, with its numbers at the right."""
    bar = np.full((ROOM + TOP, BAR + LABELS, 3), PAPER, np.uint8)
    up = np.linspace(1, -1 if signed else 0, ROOM, dtype=np.float32)[:, None]
    shades = colours(up, 1.0) if signed else np.repeat(np.rint(up * 255), 3, 1)[:, None, :]
    bar[TOP:, :BAR] = shades.astype(np.uint8)
    cv2.rectangle(bar, (0, TOP), (BAR, TOP + ROOM - 1), INK, 1)
    for place, value in ((0.0, most), (1.0, -most)) if signed else ((0.0, most),):
        _write(bar, f"{value:.2f}", BAR + 5, TOP + 10 + int(place * (ROOM - 14)))
    _write(bar, "0", BAR + 5, TOP + (ROOM // 2 + 4 if signed else ROOM - 4))
    return bar


def _beside(left: Picture, right: Picture, bar: Picture, names: tuple[str, str]) -> Picture:
    """Picture, response and scale side by side under their names; always of one size."""
    sheet = np.full((TOP + ROOM, 2 * (ROOM + GAP) + bar.shape[1], 3), PAPER, np.uint8)
    for number, (part, name) in enumerate(zip((left, right), names, strict=True)):
        x = number * (ROOM + GAP)
        height, width = min(part.shape[0], ROOM), min(part.shape[1], ROOM)
        # the outline of the picture stays, to show how much smaller a response is
        cv2.rectangle(sheet, (x, TOP), (x + ROOM - 1, TOP + ROOM - 1), RULE, 1)
        sheet[TOP : TOP + height, x : x + width] = part[:height, :width]
        _write(sheet, name, x, TOP - 9)
    sheet[:, 2 * (ROOM + GAP) :] = bar
    return sheet


def _write(sheet: Picture, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)


Weights = tuple[float, ...]


def nine(kernel: Any) -> Weights:
    """A kernel `(3, 3)` as nine numbers, row by row, rounded to what a field can show."""
    return tuple(round(float(weight), 4) for weight in np.ravel(kernel))


@dataclass(frozen=True)
class Weighing:
    """A control: a list of known kernels, and nine fields, whose value is nine numbers.

    low, high: the ends of each number. step: what an arrow key changes.
    """

    label: str
    default: Weights
    low: float = -10.0
    high: float = 10.0
    step: float = 0.5
    own: str = "your own"

    def check(self, name: str, value: Any) -> Weights:
        """Nine numbers between the ends."""
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 9:
            errors.bad(name, value, "nine numbers, row by row")
        return tuple(
            float(errors.number(f"{name}[{place}]", number, low=self.low, high=self.high))
            for place, number in enumerate(value)
        )

    def values(self) -> tuple[Weights, ...]:
        """Every known kernel, none at all, both ends, and one of both."""
        ends = ((0.0,) * 9, (self.low,) * 9, (self.high,) * 9, (self.low,) * 4 + (self.high,) * 5)
        return (self.default, *map(nine, kernels.KERNELS.values()), *ends)

    def build(self) -> tuple[Any, Any]:
        """What holds the nine numbers, and the list and the fields, which follow each other."""
        held = Held(value=self.default)
        known = {nine(kernel): name for name, kernel in kernels.KERNELS.items()}
        names = widgets.Dropdown(
            options=[*kernels.KERNELS, self.own],
            value=known.get(self.default, self.own),
            description=self.label,
            style=LABEL,
        )
        fields = [
            widgets.BoundedFloatText(
                value=weight,
                min=self.low,
                max=self.high,
                step=self.step,
                # the indices of an array: rows go down, columns to the right
                description=f"[{place // 3}, {place % 3}]",
                style={"description_width": "3.2em"},
                layout={"width": "10.4em"},  # room for -0.1111 beside the arrows
            )
            for place, weight in enumerate(self.default)
        ]

        def take_name(change: Any) -> None:
            if change["new"] != self.own:
                held.value = nine(kernels.KERNELS[change["new"]])

        def take_fields(_: Any) -> None:
            if not held.spreading:
                held.value = tuple(round(field.value, 4) for field in fields)

        def spread(change: Any) -> None:
            held.spreading = True  # nine fields change one by one; they must not answer each
            try:
                for field, weight in zip(fields, change["new"], strict=True):
                    field.value = weight
            finally:
                held.spreading = False
            names.value = known.get(change["new"], self.own)

        names.observe(take_name, names="value")
        for field in fields:
            field.observe(take_fields, names="value")
        held.observe(spread, names="value")
        names.layout.width = "24em"
        names.layout.max_width = FITS
        columns = "repeat(3, minmax(0, 10.8em))"
        grid = widgets.GridBox(fields, layout={"grid_template_columns": columns})
        view = widgets.VBox([names, grid])
        view.add_class("tracklab-wide")  # a row of its own: nine fields are wider than a column
        return held, view


class Held(traitlets.HasTraits):
    """Nine numbers that change together."""

    value = traitlets.Tuple()
    spreading = False


def kernel(image: str = "a drawing") -> Explorer:
    """Edit a 3 x 3 kernel and see the response beside the picture, with stride and padding.

    image: which of `PICTURES` comes first.
    """
    errors.choice("image", image, PICTURES)
    return Explorer(
        "kernel",
        draw,
        {
            "weights": Weighing("Kernel", nine(kernels.KERNELS["Sobel x"])),
            "image": Choice("Picture", tuple(PICTURES), image),
            "stride": Slider("Stride", 1, 4, 1, unit="pixels"),
            "padding": Choice("Padding", convolution.PADDINGS),
            "normalise": Toggle("Divide the weights by their sum"),
        },
        title="Kernel: nine numbers, and what they answer",
        description="Take a kernel from the list, then change one number with the arrow keys. "
        "What do flat areas answer when the nine numbers add up to 0? To 1?",
        format="png",
    )
