"""The explorer "iou": two boxes, what they share, and why a small object is hard to hit.

The boxes are dragged on a `BoxCanvas`, which shades areas and tells IoU and GIoU in the browser, at
once. `draw` is pure: below the canvas it shows how both numbers change as the guess slides
sideways, and what the same shift costs objects of other sizes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, plots
from tracklab.explorers import canvas, still
from tracklab.explorers.canvas import HIT, BoxCanvas
from tracklab.explorers.controls import LABEL, Slider
from tracklab.explorers.moving import Moving
from tracklab.explorers.shell import Drawing, Explorer

Box = tuple[float, ...]
Two = tuple[Box, Box]  # the truth and the guess

SIZE = (112, 240)  # pixels of the ground: height, width
SHOWN = 720  # pixels of its width in the browser: three for one
RULES = 16.0  # pixels between the lines of the ground
NAMES = ("truth", "guess")
SAME = 1e-6  # an IoU this little below the threshold is at it: float32 knows no more
SMALL, LARGE = 12.0, 96.0  # pixels: sides of the squares that the words compare
SIDES = np.geomspace(4, 128, 121, dtype=np.float32)  # of the squares in the right panel
REACH = 236.0  # pixels to each side that the guess slides in the left panel
OWN = "your own"


def _square(side: float, right: float = 0.0, down: float = 0.0) -> Box:
    """A square around the middle of the ground, moved."""
    y, x = SIZE[0] / 2 + down, SIZE[1] / 2 + right
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


# By name: what a learner should have seen.
PRESETS: dict[str, Two] = {
    "half of each shared": (_square(48, -12), _square(48, 12)),
    "the same box": (_square(48), _square(48)),
    "one inside the other": (_square(72), _square(36)),
    "touching": (_square(48, -24), _square(48, 24)),
    "apart": (_square(48, -52), _square(48, 52)),
    "a small box, 3 pixels off": (_square(SMALL), _square(SMALL, 3)),
    "a big box, 3 pixels off": (_square(LARGE), _square(LARGE, 3)),
}


@dataclass(frozen=True)
class Compared:
    """Two boxes in numbers: areas in square pixels, lengths in pixels.

    right, down: from the centre of the truth to the centre of the guess. play: how far the guess
    can slide sideways, from its leftmost to its rightmost place that counts; 0 if none does.
    """

    iou: float
    giou: float
    intersection: float
    union: float
    distance: float
    right: float
    down: float
    hit: bool
    play: float


def compare(truth: Sequence[float], guess: Sequence[float], threshold: float = HIT) -> Compared:
    """All numbers of two boxes, `(4,)` xyxy pixels; a hit is an IoU of at least `threshold`."""
    a, b = (bx.as_box(box, name)[None] for box, name in zip((truth, guess), NAMES, strict=True))
    iou, giou, shared = (float(f(a, b)[0, 0]) for f in (bx.iou, bx.giou, bx.intersection))
    union = float(bx.area(a)[0] + bx.area(b)[0]) - shared
    right, down = (float(v) for v in (bx.centers(b) - bx.centers(a))[0])
    return Compared(
        iou,
        giou,
        shared,
        union,
        float(np.hypot(right, down)),
        right,
        down,
        iou >= threshold - SAME,
        _play(a[0], b[0], threshold),
    )


def _play(a: NDArray[np.float32], b: NDArray[np.float32], threshold: float) -> float:
    """How many pixels `b` can slide sideways and still count."""
    high = float(min(a[3], b[3]) - max(a[1], b[1]))
    if high <= 0:
        return 0.0
    total = float(bx.area(a) + bx.area(b))
    # I / (|a| + |b| - I) >= t  <=>  I >= t (|a| + |b|) / (1 + t), and I is width times height
    needed = threshold * total / (1 + threshold) / high
    widths = float(a[2] - a[0]), float(b[2] - b[0])
    if needed > min(widths) * (1 + SAME):
        return 0.0
    return max(0.0, sum(widths) - 2 * needed)


def slide(truth: Sequence[float], guess: Sequence[float]) -> NDArray[np.float32]:
    """IoU and GIoU `(2, M)` as the guess slides sideways through `offsets()`."""
    a, b = np.asarray([truth], np.float32), np.asarray([guess], np.float32)
    now = bx.centers(b)[0, 0] - bx.centers(a)[0, 0]
    moved = np.repeat(b, len(offsets()), 0)
    moved[:, 0::2] += (offsets() - now)[:, None]
    return np.stack([bx.iou(a, moved)[0], bx.giou(a, moved)[0]])


@functools.cache
def offsets() -> NDArray[np.float32]:
    """How far right of the truth's centre the guess's is, where `slide` looks, in pixels."""
    return np.arange(-REACH, REACH + 0.5, 0.5, dtype=np.float32)


def shifted(right: float, down: float, sides: NDArray[np.float32] = SIDES) -> NDArray[np.float32]:
    """IoU `(M,)` of squares of `sides` pixels with themselves, shifted."""
    shift = np.array([right, down, right, down], np.float32)
    squares = np.stack([0 * sides, 0 * sides, sides, sides], -1)
    # each square with its own shifted self only: a table of one row and one column each
    return np.array([bx.iou(s[None], (s + shift)[None])[0, 0] for s in squares], np.float32)


class Charts:
    """The two panels below the canvas."""

    def __init__(self) -> None:
        fig, axes = plots.figure(1, 2, width=SHOWN / 100, height=2.7, alt="IoU")
        with plots.style():
            self.figure = Moving(fig, self._panels(*axes))

    def _panels(self, left: Any, right: Any) -> list[Any]:
        """Everything that is drawn, and of it what moves."""
        blue, red, green = plots.COLORS[:3]
        self.curves = [
            left.plot([], [], color=blue, lw=2.2)[0],
            left.plot([], [], color=red, lw=1.8, ls="--")[0],
        ]
        self.band = left.axvspan(0, 1, color=green, alpha=0.16, lw=0)
        self.bars = [ax.axhline(0.5, color=plots.base.INK, lw=1.2, ls=":") for ax in (left, right)]
        self.points = [
            left.plot([], [], "o", color=blue, ms=8, mec="w")[0],
            left.plot([], [], "D", color=red, ms=7, mec="w")[0],
            right.plot([], [], "o", color=blue, ms=8, mec="w")[0],
        ]
        self.cost = right.plot([], [], color=blue, lw=2.2)[0]
        self.told = left.text(0.02, 0.03, "", transform=left.transAxes, va="bottom")
        left.axhline(0, color=plots.base.FAINT, lw=0.8)
        left.set(
            title="The guess slides sideways",
            xlabel="centre, right of the truth's (pixels)",
            xlim=(-REACH, REACH),
            ylim=(-1.35, 1.08),
            yticks=(-1, -0.5, 0, 0.5, 1),
        )
        self.said = right.set_title("the same shift")
        right.set(
            xlabel="side of the object (pixels); dot: the truth",
            ylabel="IoU",
            ylim=(-0.03, 1.08),
            xscale="log",
            xlim=(SIDES[0], SIDES[-1]),
        )
        right.set_xticks([4, 8, 16, 32, 64, 128], ["4", "8", "16", "32", "64", "128"])
        right.minorticks_off()
        left.legend(self.curves, ["IoU", "GIoU"], loc="upper right", handlelength=2.4)
        moving = [self.band, *self.bars, *self.curves, self.cost, *self.points]
        return [*moving, self.said, self.told]

    def pixels(self, truth: Box, guess: Box, threshold: float, found: Compared) -> Any:
        """Both panels for two boxes, `(H, W, 3)` uint8 RGB."""
        with self.figure.lock:
            for curve, values in zip(self.curves, slide(truth, guess), strict=True):
                curve.set_data(offsets(), values)
            # IoU is the same to the left and to the right of where the centres meet
            self.band.set_x(-found.play / 2)
            self.band.set_width(found.play)
            for bar in self.bars:
                bar.set_ydata([threshold, threshold])
            side = float(np.sqrt(np.prod(bx.sizes(truth))))
            (there,) = shifted(found.right, found.down, np.array([side], np.float32))
            self.cost.set_data(SIDES, shifted(found.right, found.down))
            self.points[0].set_data([found.right], [found.iou])
            self.points[1].set_data([found.right], [found.giou])
            self.points[2].set_data([side], [there])
            across, along = (_minus(f"{v:.1f}") for v in (found.right, found.down))
            self.said.set_text(f"This shift ({across} right, {along} down) at any size")
            counts = f"a hit along {found.play:.1f} pixels" if found.play else "nowhere a hit"
            self.told.set_text(f"green band: {counts}" if found.play else counts)
            return self.figure.pixels()


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def draw(charts: Charts, *, boxes: Two, threshold: float) -> Drawing:
    """What the slide of a guess, and its shift, do to the overlap with the truth."""
    truth, guess = boxes
    found = compare(truth, guess, threshold)
    ends = np.array([SMALL, LARGE], np.float32)
    small, large = (float(v) for v in shifted(found.right, found.down, ends))
    numbers = {
        "sideways play that still counts (pixels)": found.play,
        f"this shift on a {SMALL:g}-pixel square (IoU)": small,
        f"on a {LARGE:g}-pixel square": large,
    }
    caption = _words(truth, guess, threshold, found, small, large)
    return Drawing(charts.pixels(truth, guess, threshold, found), caption, numbers)


def _words(
    truth: Box, guess: Box, threshold: float, found: Compared, small: float, large: float
) -> str:
    """What canvas and panels show, to somebody who does not see them."""
    sizes = [f"{x2 - x1:g} by {y2 - y1:g}" for x1, y1, x2, y2 in np.round((truth, guess), 1)]
    apart = f"centres {found.distance:.1f} pixels apart"
    said = [f"Truth {sizes[0]} pixels, guess {sizes[1]}, {apart}."]
    verdict = "a hit" if found.hit else "a miss"
    said.append(
        f"They share {found.intersection:.0f} of the {found.union:.0f} square pixels that either "
        f"covers: IoU {found.iou:.3f}, {verdict} at {threshold:.2f}; GIoU {found.giou:.3f}."
    )
    if not found.intersection:
        said.append("IoU is 0 however far apart they are; GIoU falls as they part.")
    elif found.distance:
        said.append(
            f"The same shift leaves {SMALL:g}-pixel squares an IoU of {small:.2f}, {LARGE:g}-pixel "
            f"squares {large:.2f}."
        )
    said.append(
        f"The guess can slide sideways by {found.play:.1f} pixels in all and still count."
        if found.play
        else "Sliding sideways, the guess counts nowhere."
    )
    return " ".join(said).replace("-0.", "\N{MINUS SIGN}0.")


@dataclass(frozen=True)
class Pair:
    """A control: a list of known pairs, and a canvas on which they are dragged."""

    label: str
    default: Two

    def check(self, name: str, value: Any) -> Two:
        """Two boxes inside the ground, in tenths of a pixel."""
        rows = canvas.as_rows(value, *SIZE)
        if len(rows) != 2:
            errors.bad(name, errors.Said(f"{len(rows)} boxes"), "two: truth and guess, (2, 4)")
        return (tuple(rows[0]), tuple(rows[1]))

    def values(self) -> tuple[Two, ...]:
        """Every known pair, the largest and the smallest boxes, and the farthest apart."""
        tall, wide = (float(side) for side in SIZE)
        whole, least = (0.0, 0.0, wide, tall), canvas.SMALLEST
        first, last = (0.0, 0.0, least, least), (wide - least, tall - least, wide, tall)
        return (*PRESETS.values(), (whole, whole), (first, first), (first, last), (whole, last))

    def build(self) -> tuple[Any, Any]:
        """What holds the two boxes, and the list and the canvas, which follow each other."""
        held = Held(value=self.default)
        known = {two: name for name, two in PRESETS.items()}
        names = widgets.Dropdown(
            options=[*PRESETS, OWN],
            value=known.get(self.default, OWN),
            description=self.label,
            style=LABEL,
            layout={"width": "24em", "max_width": "calc(100% - 8px)"},
        )
        ground = BoxCanvas(
            size=SIZE,
            boxes=self.default,
            labels=NAMES,
            shown=SHOWN,
            rules=RULES,
            compare=True,
            alt="Two boxes, the area that they share, and the area that either covers",
        )

        def take_name(change: Any) -> None:
            if change["new"] != OWN:
                held.value = PRESETS[change["new"]]

        def take_boxes(change: Any) -> None:
            held.value = self.check("boxes", change["new"])

        def spread(change: Any) -> None:
            ground.boxes = [list(box) for box in change["new"]]
            names.value = known.get(change["new"], OWN)

        names.observe(take_name, names="value")
        ground.observe(take_boxes, names="boxes")
        held.observe(spread, names="value")
        view = widgets.VBox([names, ground])
        view.add_class("tracklab-wide")
        return held, view


class Held(traitlets.HasTraits):
    """Two boxes that change together."""

    value = traitlets.Tuple()


class TwoBoxes(Explorer):
    """The explorer, whose canvas is told the threshold, and stands in its still picture."""

    def __init__(self, boxes: Two, threshold: float) -> None:
        super().__init__(
            "iou",
            functools.partial(draw, Charts()),
            {
                "threshold": Slider("A hit from IoU", 0.05, 0.95, threshold, 0.05),
                "boxes": Pair("Two boxes", boxes),
            },
            title="IoU: how much of two boxes is shared",
            description="Drag the guess off the truth. Which IoU do you expect where half of each "
            "is shared? Then take the small box and the big one: 3 pixels are not 3 pixels.",
            format="png",
        )
        (self.canvas,) = (
            part
            for view in self.children[1].children
            for part in getattr(view, "children", ())
            if isinstance(part, BoxCanvas)
        )
        self._values["threshold"].observe(self._tell, names="value")
        self._tell()

    def _tell(self, _: Any = None) -> None:
        self.canvas.threshold = self.params["threshold"]

    def standing(self) -> bytes:
        """Canvas and panels in one picture, for readers without a kernel."""
        parts = [plots.decode(part) for part in (self.canvas.picture(), self.picture)]
        wide = max(part.shape[1] for part in parts)
        filled = [
            np.pad(p, ((0, 0), (0, wide - p.shape[1]), (0, 0)), constant_values=255) for p in parts
        ]
        return plots.encode_png(np.concatenate(filled), effort=9)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return still.bundle(self.model_id, self.standing(), self._words())

    def _ipython_display_(self, **_: Any) -> None:
        still.show(self.model_id, self.standing(), self._words())


def iou(boxes: Any = None, threshold: float = HIT) -> Explorer:
    """Two boxes to drag, by mouse, finger or keyboard, and their overlap.

    boxes: `(2, 4)` xyxy pixels of a ground of 112 rows and 240 columns, the truth first; the first
    of `PRESETS` if None. threshold: the IoU from which the guess counts as a hit, 0.05 to 0.95.

    Raises `InputError` for boxes that are not two, and for a threshold beyond its ends.
    """
    first = next(iter(PRESETS.values()))
    two = first if boxes is None else Pair("", first).check("boxes", boxes)
    return TwoBoxes(two, errors.number("threshold", threshold, low=0.05, high=0.95))
