"""The explorer "proposals": from a map of objectness to proposals to what a detector reports.

`draw` is pure: detector and clip are fixed when the explorer is made. A frame goes through the
network once and what it said is kept; score, suppression and the number of boxes are applied to
that, so that the dials answer at once.
"""

from __future__ import annotations

import functools
import importlib
import itertools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, overlay, scenes
from tracklab.clips import Clip
from tracklab.datasets import boxed
from tracklab.detections import Detections
from tracklab.explorers.controls import Choice, Play, Slider
from tracklab.explorers.shell import Drawing, Explorer

OBJECTNESS, PROPOSALS, FINAL = "objectness", "proposals", "final detections"
STAGES = (OBJECTNESS, PROPOSALS, FINAL)
HIGHEST = "the highest of all"  # of the anchors' shapes
# A scene that no shipped detector has learned from. Its distractors are of no class: those of the
# named scenes are shapes that truth does not know, and a detector that finds them looks wrong.
SEED, FRAMES, CONTRAST = scenes.TEST_SEED + 15, 40, 0.3
MOST = 300  # proposals that can be shown
ANCHORS = 1000  # the best, before suppression
RAW = 500  # detections that are kept of a frame before suppression
FLOOR = 0.01  # score below which a detection is not kept
KEPT = 256  # frames whose passes are remembered: 50 kB each
TOLD = 8  # detections that the caption names
HIT = 0.5  # overlap from which a box counts as on an object

ROOM, SIDE, GAP, TOP = 384, 300, 14, 24  # pixels: frame, column beside it, between, titles
HEAT_PART = 0.7  # of the map's colours over the frame; the scale beside it is mixed likewise
MIDDLE_GREY = 128
INK, PAPER, RULE, FAINT = (40, 40, 40), (255, 255, 255), (214, 214, 214), (120, 126, 130)
TRUTH, RECALL = (255, 255, 255), (213, 94, 0)  # white dashes; Okabe and Ito's vermilion
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Known = tuple[bx.Boxes, list[str]]  # true boxes and the names of their classes


@dataclass(frozen=True)
class Pass:
    """What a detector said of one frame.

    objectness: `(h, w, K)`, 0 to 1, for each of K anchor shapes; `(h, w, 1)` where a detector
        gives only the highest. boxes, scores: its proposals, best first. raw: its detections,
        nothing suppressed.
    """

    objectness: Floats
    boxes: bx.Boxes
    scores: Floats
    raw: Detections


class Watched:
    """A detector, a clip, and what the one said of the other's frames.

    detector: has `class_names`, `propose(image, count=..., overlap=...)` with `boxes`, `scores`,
        `objectness` and `anchors`, and `detect(image, score=..., overlap=..., most=...)`.
    """

    def __init__(self, detector: Any, clip: Clip) -> None:
        for name in ("propose", "detect", "class_names"):
            if not hasattr(detector, name):
                came = errors.Said(f"{type(detector).__name__} without `{name}`")
                errors.bad("detector", came, "a detector that proposes, such as kind 'faster'")
        if not isinstance(clip, Clip) or not len(clip):
            errors.bad("clip", clip, "a clip with at least one frame (see tracklab.read_clip)")
        self.detector, self.clip = detector, clip
        # A cache of its own for each explorer: detectors and clips are not alike.
        self.said = functools.lru_cache(KEPT)(self._say)
        self.shapes = self._shapes()

    def _say(self, frame: int) -> Pass:
        image = np.asarray(self.clip.frames[frame])
        given = self.detector.propose(image, count=ANCHORS, overlap=1.0)
        maps = np.asarray(given.objectness, np.float32)
        found, scores = np.asarray(given.boxes), np.asarray(given.scores, np.float32)
        real = scores > 0  # where fewer were proposed, the rest is filled up
        raw = self.detector.detect(image, score=FLOOR, overlap=1.0, most=RAW)
        return Pass(maps if maps.ndim == 3 else maps[..., None], found[real], scores[real], raw)

    def _shapes(self) -> tuple[str, ...]:
        """The names of the maps that can be chosen: the highest, and one for each shape."""
        count = self.said(0).objectness.shape[2]
        if count == 1:
            return (HIGHEST,)
        given = self.detector.propose(np.asarray(self.clip.frames[0]), count=1)
        sizes = bx.sizes(np.asarray(given.anchors)[:count])
        names = [f"{k + 1}. {w:.0f} x {h:.0f} px" for k, (w, h) in enumerate(sizes.tolist())]
        return (HIGHEST, *names)

    def truth(self, frame: int) -> Known | None:
        """The boxes `(N, 4)` that are in a frame and their classes; None where nothing is known."""
        known = self.clip.truth
        if known is None:
            return None
        there = known.present[frame]
        names = [known.class_names[k] if k >= 0 else "" for k in known.classes[there]]
        return known.boxes[frame][there], names


def covered(found: bx.Boxes, truth: bx.Boxes) -> NDArray[np.int64]:
    """For each true box `(N,)` the place of the first box that is on it, or -1."""
    if not len(truth) or not len(found):
        return np.full(len(truth), -1)
    on = bx.iou(found, truth) >= HIT
    return np.where(on.any(0), on.argmax(0), -1)


def draw(
    watched: Watched,
    *,
    stage: str,
    frame: int,
    count: int,
    score: float,
    overlap: float,
    shape: str,
) -> Drawing:
    """One stage of a detector's answer over a frame; beside it scores and recall by rank."""
    errors.choice("stage", stage, STAGES)
    place = watched.shapes.index(errors.choice("shape", shape, watched.shapes))
    said, truth = watched.said(frame), watched.truth(frame)
    sure = np.flatnonzero(said.scores >= score)
    kept = sure[bx.nms(said.boxes[sure], said.scores[sure], threshold=overlap)]
    found = _suppressed(said.raw, score, overlap)
    heat = said.objectness.max(2) if place == 0 else said.objectness[..., place - 1]
    shown = kept[:count]

    picture, title = _frame(watched, frame, stage, said, shown, found, heat, truth)
    if stage == OBJECTNESS:
        title += f", {shape}"
    elif stage == PROPOSALS:
        title += f" of {len(kept)}"
    sheet = np.full((TOP + ROOM, ROOM + GAP + SIDE, 3), PAPER, np.uint8)
    height, width = (min(side, ROOM) for side in picture.shape[:2])
    sheet[TOP : TOP + height, :width] = picture[:height, :width]
    _write(sheet, title + ("" if truth is None else "; dashed: truth"), 1, TOP - 9)
    first = None if truth is None else covered(said.boxes[kept], truth[0])
    right = sheet[:, ROOM + GAP :]
    _scale(right, mixed=stage == OBJECTNESS)
    _curves(right, said.scores[kept], first, len(shown))

    numbers: dict[str, Any] = {
        "proposals shown": len(shown),
        "proposals left by score and suppression": len(kept),
        "final detections": len(found),
    }
    if truth is not None and len(truth[0]):
        reached = int((covered(said.boxes[shown], truth[0]) >= 0).sum())
        numbers["recall of the shown proposals"] = reached / len(truth[0])
        numbers["objects with a detection of their class"] = _right(watched, found, *truth)
    numbers["highest objectness"] = float(heat.max())
    called = list(zip(found.labels.tolist(), found.scores.tolist(), strict=True))
    words = _words(
        watched, frame, numbers, said, heat, stage, (score, overlap), truth, shape, called
    )
    return Drawing(sheet, words, numbers)


def _frame(
    watched: Watched,
    frame: int,
    stage: str,
    said: Pass,
    shown: NDArray[np.int64],
    found: Detections,
    heat: Floats,
    truth: Known | None,
) -> tuple[Picture, str]:
    """The frame with one stage of the answer and the truth, and what that stage is called."""
    image = np.asarray(watched.clip.frames[frame])
    scale = np.float32(ROOM / max(image.shape[:2]))
    objects = truth[0] if truth is not None else np.zeros((0, 4), np.float32)
    dashes: dict[str, Any] = {"colors": TRUTH, "dashed": True, "thickness": 2}
    if stage == FINAL:  # labels come last, for nothing may cover them
        picture = overlay.draw(image, objects, scale=float(scale), **dashes)
        boxes, names = found.boxes * scale, watched.detector.class_names
        picture = overlay.draw(
            picture,
            boxes,
            labels=[names[k] for k in found.labels],
            scores=found.scores,
            colors=[overlay.color_of(int(k) + 1) for k in found.labels],
        )
        return picture, f"{len(found)} final detections"
    if stage == OBJECTNESS:
        picture, title = _heated(image, heat, float(scale)), "objectness"
    else:
        picture, title = overlay.resize(image, float(scale)), f"the best {len(shown)} proposals"
        worst_first = shown[::-1]
        colors = [tuple(color) for color in _cividis(said.scores[worst_first]).tolist()]
        boxes = said.boxes[worst_first] * scale
        picture = overlay.draw(picture, boxes, colors=colors, thickness=2)
    return overlay.draw(picture, objects * scale, **dashes), title


def _suppressed(raw: Detections, score: float, overlap: float) -> Detections:
    """Detections of at least a score, of which none overlaps a better one of its class too much."""
    sure = np.flatnonzero(raw.scores >= score)
    left = sure[
        bx.nms(raw.boxes[sure], raw.scores[sure], threshold=overlap, labels=raw.labels[sure])
    ]
    return Detections(raw.boxes[left], raw.scores[left], raw.labels[left])


def _right(watched: Watched, found: Detections, truth: bx.Boxes, names: list[str]) -> int:
    """How many objects have a detection of their class on them."""
    called = np.array([watched.detector.class_names[k] for k in found.labels], object)
    return sum(
        int((covered(found.boxes[called == name], truth[k : k + 1]) >= 0).any())
        for k, name in enumerate(names)
    )


def _words(
    watched: Watched,
    frame: int,
    numbers: dict[str, Any],
    said: Pass,
    heat: Floats,
    stage: str,
    dials: tuple[float, float],
    truth: Known | None,
    shape: str,
    found: list[tuple[int, float]],
) -> str:
    """What the picture shows, to somebody who does not see it."""
    words = [f"Frame {frame} of 0 to {len(watched.clip) - 1}."]
    if stage == OBJECTNESS:
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        words.append(
            f"Objectness ({shape}) on a map of {heat.shape[1]} by {heat.shape[0]} places: "
            f"{(heat >= HIT).mean():.1%} of them reach {HIT}; the highest, {heat.max():.2f}, is in "
            f"row {row}, column {column}."
        )
    elif stage == PROPOSALS:
        words.append("Proposals are drawn.")
    else:
        names = [f"{watched.detector.class_names[k]} {s:.2f}" for k, s in found[:TOLD]]
        more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
        words.append(f"Final detections are drawn: {', '.join(names) or 'none'}{more}.")
    shown, left = (numbers[k] for k in list(numbers)[:2])
    words.append(
        f"With a score of at least {dials[0]:.2f} and suppression above an IoU of {dials[1]:.2f}, "
        f"{left} of {len(said.boxes)} proposals are left, of which the best {shown} count, and "
        f"{numbers['final detections']} final detections."
    )
    if truth is None:
        words.append("What is in the clip is not known.")
    elif not len(truth[0]):
        words.append("There is no object in this frame.")
    else:
        recall, right = (numbers[k] for k in list(numbers)[3:5])
        total = len(truth[0])
        words.append(
            f"These proposals reach {round(recall * total)} of {total} objects (recall "
            f"{recall:.2f} at an IoU of {HIT}); {right} have a final detection of their class."
        )
    return " ".join(words)


def _cividis(values: Floats) -> NDArray[np.uint8]:
    """Values from 0 to 1 as colours `(..., 3)`: dark blue to yellow, even in lightness."""
    grey = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if not grey.size:
        return np.zeros((*grey.shape, 3), np.uint8)
    bgr = cv2.applyColorMap(grey.reshape(-1, 1), cv2.COLORMAP_CIVIDIS)
    return np.asarray(bgr, np.uint8).reshape(*grey.shape, 3)[..., ::-1]


def _heated(image: Picture, heat: Floats, scale: float) -> Picture:
    """The frame in grey under the colours of the map, every place of it a square."""
    large = overlay.resize(image, scale)
    height, width = large.shape[:2]
    # a map covers a whole number of strides, and may reach beyond the image
    stride = max(round(image.shape[0] / heat.shape[0]), round(image.shape[1] / heat.shape[1]), 1)
    rows = np.minimum((np.arange(height) / (scale * stride)).astype(int), heat.shape[0] - 1)
    columns = np.minimum((np.arange(width) / (scale * stride)).astype(int), heat.shape[1] - 1)
    colours = _cividis(heat)[rows][:, columns]
    grey = cv2.cvtColor(large, cv2.COLOR_RGB2GRAY)[..., None]
    return np.rint(HEAT_PART * colours + (1 - HEAT_PART) * grey).astype(np.uint8)


def _scale(sheet: Picture, *, mixed: bool) -> None:
    """The scale of the colours, from 0 to 1, as they are seen on a middle grey."""
    low, high = 34, SIDE - 16
    ramp = _cividis(np.linspace(0, 1, high - low, dtype=np.float32)).astype(float)
    if mixed:
        ramp = HEAT_PART * ramp + (1 - HEAT_PART) * MIDDLE_GREY
    sheet[TOP : TOP + 14, low:high] = np.rint(ramp).astype(np.uint8)
    cv2.rectangle(sheet, (low, TOP), (high, TOP + 14), INK, 1)
    _write(sheet, "objectness", low, TOP - 9)
    for value in (0.0, 0.5, 1.0):
        _write(sheet, f"{value:g}", round(low + value * (high - low)) - 6, TOP + 30)


def _curves(sheet: Picture, scores: Floats, first: NDArray[np.int64] | None, shown: int) -> None:
    """Objectness (grey, dotted) and recall (vermilion) of the best n proposals against n."""
    left, right, top, bottom = 34, SIDE - 16, TOP + 90, TOP + ROOM - 42

    def place(n: float, value: float) -> tuple[int, int]:
        x = left + (right - left) * np.log(max(n, 1)) / np.log(MOST)
        return round(float(x)), round(bottom - (bottom - top) * float(value))

    for value in (0.0, 0.5, 1.0):
        cv2.line(sheet, place(1, value), place(MOST, value), RULE, 1)
        _write(sheet, f"{value:g}", 6, place(1, value)[1] + 4)
    for n in (1, 3, 10, 30, 100, 300):
        cv2.line(sheet, place(n, 0), (place(n, 0)[0], bottom + 4), INK, 1)
        _write(sheet, f"{n}", place(n, 0)[0] - 4 * len(f"{n}"), bottom + 18)
    _write(sheet, "the best n proposals", left + 54, bottom + 36)
    points = [place(n + 1, value) for n, value in enumerate(scores.tolist())]
    for a, b in itertools.pairwise(points):
        cv2.line(sheet, a, b, FAINT, 1, cv2.LINE_AA)
    for x, y in points[:10]:
        cv2.circle(sheet, (x, y), 3, FAINT, -1, cv2.LINE_AA)
    if first is not None and len(first):
        reached = [(first >= 0) & (first < n + 1) for n in range(len(scores))]
        steps = [place(n + 1, hit.mean()) for n, hit in enumerate(reached)]
        for a, b in itertools.pairwise(steps):
            cv2.line(sheet, a, (b[0], a[1]), RECALL, 2, cv2.LINE_AA)
            cv2.line(sheet, (b[0], a[1]), b, RECALL, 2, cv2.LINE_AA)
        if 0 < shown <= len(steps):
            x, y = steps[shown - 1]
            cv2.circle(sheet, (x, y), 6, INK, -1, cv2.LINE_AA)
            cv2.circle(sheet, (x, y), 5, RECALL, -1, cv2.LINE_AA)
        _write(sheet, f"recall of the best n (IoU {HIT})", left, top - 12, RECALL)
    if shown:
        x = place(shown, 0)[0]
        cv2.line(sheet, (x, top), (x, bottom), INK, 1)
    _write(sheet, "o-o-o  objectness of number n", left, top - 28, FAINT)


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def proposals(detector: Any = None, clip: Clip | None = None) -> Explorer:
    """The explorer of objectness, proposals and final detections.

    detector: one that proposes, of `models.detector`; the shipped one if None.
    clip: frames to look at, with truth or without; a scene that the shipped one has not seen if
        None.

    Raises `MissingError` where no weights are shipped, and `InputError` for a detector that does
    not propose and a clip that is none or has no frame.
    """
    if detector is None:
        # by name: TensorFlow is needed for the shipped one alone
        detector, _ = importlib.import_module("tracklab.models.detector").shipped()
    if clip is None:
        scene = boxed.KINDS["hard"].scene
        clip = scene.render(seed=SEED, frames=FRAMES, low_contrast=CONTRAST)
    watched = Watched(detector, clip)
    return Explorer(
        "proposals",
        functools.partial(draw, watched),
        {
            "count": Slider("Proposals", 1, MOST, 20),
            "score": Slider("Lowest score", 0.0, 1.0, 0.1, 0.05),
            "overlap": Slider("NMS above IoU", 0.1, 1.0, 0.7, 0.05),
            "stage": Choice("Show", STAGES, PROPOSALS),
            "shape": Choice("Objectness of", watched.shapes),
            "frame": Play("Frame", len(clip)),
        },
        title="Proposals: from 'something is here' to 'a star is here'",
        description="How few proposals still reach every object? Then go on to the final "
        "detections: what do score and suppression take away, and from which value on do they "
        "take objects with it?",
    )
