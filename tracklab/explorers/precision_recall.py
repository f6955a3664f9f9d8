"""The explorer "precision-recall": one dial trades misses for false alarms, and AP is blind to it.

`draw` is pure: imagined detections (no network) of one class on four frames are judged at a score
and an overlap. At the left what is right, wrong and missed; at the right the curve that the score
walks along, the envelope that benchmarks make of it, and how they sum the area below.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, overlay, plots, scenes
from tracklab.datasets import imagined_detections
from tracklab.detections import Detections, Objects
from tracklab.explorers.controls import Choice, Control, Seed, Slider, Toggle
from tracklab.explorers.moving import Moving
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.metrics.curve import RECALLS, Curve
from tracklab.metrics.detection import precision_recall as curve_of
from tracklab.metrics.matching import NOBODY, match_coco, match_voc, overlaps

SIZE = (96, 96)
SCENES = (147, 186, 99, 239)  # whose objects stand apart
OBJECTS, OBJECT_SIZE = 5, (14.0, 34.0)
COPIES, JITTER, MISSED, BACKGROUND = 3.0, 0.18, 0.05, 5.0
SUPPRESSED = 0.5  # IoU above which a box is dropped beside a better one
FIRST_SAMPLE = 73  # its fourth detection is a false alarm, its curve has many steps
KEPT = 64  # samples
# By name: as `metrics.detection` calls it.
STYLES = {
    "COCO: 101 recalls": "coco",
    "VOC 2010: every step": "voc",
    "VOC 2007: 11 recalls": "voc07",
}

SCALE = 2
GAP, TOP = 6, 24  # pixels: between frames, for the legend
ROOM = 2 * SCALE * SIZE[0] + GAP  # pixels: side of the four frames
CHART = 324  # pixels: width of the curve
COLOR_PART = 0.6  # of the frames' colours that stays under the boxes

INK, PAPER = (40, 40, 40), (255, 255, 255)
RIGHT, WRONG, MISS = (86, 180, 233), (213, 94, 0), (240, 228, 66)  # sky blue, vermilion, yellow
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.4

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """A frame `(H, W, 3)` and its objects, all of one class."""

    pixels: Picture
    objects: Objects


@dataclass(frozen=True)
class Verdict:
    """One frame at one score. right: `(K,)` of the kept boxes. missed: `(M,)` of its objects."""

    kept: Detections
    right: NDArray[np.bool_]
    missed: NDArray[np.bool_]


@functools.cache
def frames() -> tuple[Frame, ...]:
    """The frames that all samples share, paled."""
    made = []
    for seed in SCENES:
        clip = scenes.render(seed, 1, SIZE, OBJECTS, object_size=OBJECT_SIZE)
        assert clip.truth is not None
        frame = np.asarray(clip.frames[0])
        grey = np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        mixed = COLOR_PART * frame + (1 - COLOR_PART) * (0.5 * grey + 80)
        pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        pixels.setflags(write=False)
        boxes = clip.truth.boxes[0]
        made.append(Frame(pixels, Objects(boxes, np.zeros(len(boxes), np.int64))))
    return tuple(made)


@functools.lru_cache(KEPT)
def answers(seed: int, suppress: bool) -> tuple[Detections, ...]:
    """What an imagined detector says about each frame, best first."""
    found = []
    for number, frame in enumerate(frames()):
        one = imagined_detections(
            frame.objects,
            np.random.default_rng((seed, number)),
            size=SIZE,
            copies=COPIES,
            jitter=JITTER,
            missed=MISSED,
            background=BACKGROUND,
        )
        found.append(one[bx.nms(one.boxes, one.scores, threshold=SUPPRESSED)] if suppress else one)
    return tuple(found)


def judged(found: Detections, objects: Objects, score: float, iou: float, style: str) -> Verdict:
    """Which detections of at least `score` are right, and which objects nobody found."""
    kept = found.above(score)
    overlap = overlaps(kept.boxes, objects.boxes)
    match = match_coco(overlap, iou)[0] if style == "coco" else match_voc(overlap, iou)[0]
    missed = ~np.isin(np.arange(len(objects)), match)
    return Verdict(kept, match != NOBODY, missed)


class Chart:
    """The curve, its envelope, the area, and the point where the score is."""

    def __init__(self) -> None:
        wide, tall = CHART / 100, (TOP + ROOM) / 100
        fig, ax = plots.figure(alt="Precision over recall", width=wide, height=tall)
        with plots.style():
            blue, red = plots.COLORS[:2]
            self.area = Polygon(np.zeros((1, 2)), color=blue, alpha=0.15, lw=0)
            self.sums = LineCollection([], colors=blue, alpha=0.55)
            ax.add_patch(self.area)
            ax.add_collection(self.sums)
            self.heights = ax.plot([], [], "s", color=blue, ms=5)[0]
            self.raw = ax.plot([], [], ".-", color=plots.base.FAINT, lw=0.9, ms=5)[0]
            self.top = ax.plot([], [], color=blue, lw=2.2)[0]
            self.point = ax.plot([], [], "D", color=red, mec="black", ms=9, clip_on=False)[0]
            self.said = ax.set_title("AP")
            ax.set(xlim=(0, 1.02), ylim=(0, 1.04))
            ax.set(xlabel="recall: objects found", ylabel="precision: detections right")
            fig.legend(
                [self.raw, self.top, self.point],
                ["as measured", "envelope", "this score"],
                loc="outside lower left",
                ncols=3,
                handlelength=1.2,
                columnspacing=0.7,
                fontsize=8.5,
                borderpad=0,
            )
            moving = [self.area, self.sums, self.heights, self.raw, self.top, self.said, self.point]
            self.figure = Moving(fig, moving)

    def pixels(self, curve: Curve, score: float, style: str) -> Picture:
        """The chart of a curve, `(H, W, 3)` uint8 RGB."""
        recall, top = curve.recall, curve.envelope()
        # from recall 0 on, and down to 0 where nothing more is found
        x = np.repeat(np.concatenate([[0.0], recall]), 2)[1:]
        y = np.append(np.repeat(top, 2), 0.0)
        sampled = {"coco": RECALLS, "voc07": np.arange(11) / 10, "voc": np.zeros(0)}[style]
        heights = np.append(top, 0.0)[np.searchsorted(recall, sampled, side="left")]
        with self.figure.lock:
            self.area.set_xy(np.concatenate([[[0.0, 0.0]], np.stack([x, y], -1)]))
            self.area.set_visible(style == "voc")
            self.sums.set_segments(
                [[(r, 0.0), (r, h)] for r, h in zip(sampled, heights, strict=True)]
            )
            self.sums.set_linewidth(1.0 if style == "coco" else 2.4)
            self.heights.set_data(sampled, heights)
            self.heights.set_visible(style == "voc07")
            self.raw.set_data(recall, curve.precision)
            self.top.set_data(x, y)
            precision, found = curve.at(score)
            self.point.set_data([found], [precision])
            way = {"coco": "mean of 101 heights", "voc07": "mean of 11 heights"}
            area = curve.average_precision(style)
            self.said.set_text(f"AP {area:.3f}: {way.get(style, 'the shaded area')}")
            return self.figure.pixels()


def draw(
    chart: Chart, *, score: float, iou: float, style: str, suppress: bool, seed: int
) -> Drawing:
    """Four frames at this score, beside the curve of all scores."""
    rule = STYLES[errors.choice("style", style, STYLES)]
    score, iou = round(score, 3), round(iou, 3)
    found, truth = answers(seed, suppress), [frame.objects for frame in frames()]
    pairs = zip(found, truth, strict=True)
    verdicts = [judged(one, there, score, iou, rule) for one, there in pairs]
    curve = curve_of(found, truth, iou=iou, label=0, style=rule)
    kept, hits = (sum(int(v) for v in values) for values in _counts(verdicts))
    area = curve.average_precision(rule)
    numbers = {
        "detections kept": kept,
        "right": hits,
        "false alarms": kept - hits,
        "missed": curve.objects - hits,
        # precision = TP / (TP + FP); recall = TP / (TP + FN)
        "precision": hits / kept if kept else "nothing kept",
        "recall": hits / curve.objects,
        "AP": area,
    }
    sheet = np.full((TOP + ROOM, ROOM + GAP + CHART, 3), PAPER, np.uint8)
    _legend(sheet)
    for place, (frame, verdict) in enumerate(zip(frames(), verdicts, strict=True)):
        picture = _frame(frame, verdict)
        y, x = (k * (SCALE * SIZE[0] + GAP) for k in divmod(place, 2))
        sheet[TOP + y : TOP + y + len(picture), x : x + picture.shape[1]] = picture
    sheet[:, ROOM + GAP :] = chart.pixels(curve, score, rule)
    return Drawing(sheet, _words(numbers, curve, score, iou, style), numbers)


def _counts(verdicts: list[Verdict]) -> tuple[list[int], list[int]]:
    """Kept detections of each frame, and those of them that are right."""
    return [len(v.kept) for v in verdicts], [int(v.right.sum()) for v in verdicts]


def _words(numbers: dict[str, Any], curve: Curve, score: float, iou: float, style: str) -> str:
    """What the picture shows, to somebody who does not see it."""
    kept, alarms = numbers["detections kept"], numbers["false alarms"]
    said = f"From score {score:.2f} on {kept} of {len(curve)} detections are kept"
    if kept:
        said += f": {numbers['right']} right, {alarms} false alarm{'s' if alarms != 1 else ''}"
    said += f"; {numbers['missed']} of {curve.objects} objects are missed. "
    if kept:
        said += f"Precision {numbers['precision']:.2f}, recall {numbers['recall']:.2f}. "
    return f"{said}AP, {style}, at IoU {iou:.2f}: {numbers['AP']:.3f}, whatever the score."


def _frame(frame: Frame, verdict: Verdict) -> Picture:
    """A frame, enlarged: right boxes solid, false alarms dashed (x), missed objects dashed (?)."""
    picture = overlay.resize(frame.pixels, SCALE)
    kept = verdict.kept
    groups = (
        (frame.objects.boxes[verdict.missed], MISS, True, "?", None),
        (kept.boxes[~verdict.right], WRONG, True, "x", kept.scores[~verdict.right]),
        (kept.boxes[verdict.right], RIGHT, False, None, kept.scores[verdict.right]),
    )
    for boxes, color, dashed, label, scores in groups:
        if len(boxes):
            picture = overlay.draw(
                picture,
                boxes * np.float32(SCALE),
                labels=label,
                scores=scores,
                colors=color,
                dashed=dashed,
                thickness=2,
            )
    return picture


def _legend(sheet: Picture) -> None:
    """What the lines in the frames mean, above them."""
    x = 2
    for text, color, dashes in (
        ("right", RIGHT, 1),
        ("x false alarm", WRONG, 3),
        ("? missed", MISS, 3),
    ):
        cv2.rectangle(sheet, (x - 2, 5), (x + 30, 17), INK, -1)
        for k in range(dashes):
            long = 28 // dashes
            cv2.line(sheet, (x + k * long, 11), (x + k * long + long - 4, 11), color, 3)
        cv2.putText(sheet, text, (x + 36, 15), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)
        x += 64 + cv2.getTextSize(text, FONT, FONT_SIZE, 1)[0][0]


def precision_recall(*, seed: int = FIRST_SAMPLE, **settings: Any) -> Explorer:
    """The explorer of precision, recall and average precision.

    seed, settings: where the controls begin: `score`, `iou`, `style`, `suppress`. Raises
    `InputError` for settings that are none, and for values beyond their ends.
    """
    controls: dict[str, Control] = {
        "score": Slider("Score threshold", 0.0, 1.0, 0.5, 0.02),
        "iou": Slider("Right from IoU", 0.3, 0.95, 0.5, 0.05),
        "style": Choice("Area", tuple(STYLES)),
        "suppress": Toggle("Suppress duplicates first (NMS)", default=True),
        "seed": Seed("Answers", seed, button="New answers"),
    }
    explorer = Explorer(
        "precision-recall",
        functools.partial(draw, Chart()),
        controls,
        title="Precision and recall: false alarms for misses, and AP for the whole curve",
        description="Turn the score threshold down: what do you win, what do you pay, and what "
        "happens to AP? Then ask for a larger IoU: which boxes that were right are wrong now?",
        format="png",
    )
    if settings:
        explorer.set(**settings)
    return explorer
