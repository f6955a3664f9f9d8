"""The explorer "nms": of many answers for each object one is to stay, and how it is chosen.

`draw` is pure: imagined detections (no network) on a scene's frame, in which two objects of one
class stand close together, go through the greedy loop of `boxes.nms` or `boxes.soft_nms`, one box a
step. A test holds `trace`, which tells what each step does, to these functions.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, overlay, scenes
from tracklab.datasets import imagined_detections
from tracklab.detections import Detections, Objects
from tracklab.explorers.controls import Choice, Control, Seed, Slider
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.metrics.matching import NOBODY, match_coco, overlaps

SIZE = (128, 128)
SCENE = 149  # two crescents side by side, IoU 0.35, and four objects more
OBJECTS, OBJECT_SIZE = 6, (22.0, 44.0)
FIRST_SAMPLE = 16  # all six are found; one neighbour falls below a threshold of 0.3
COPIES, BACKGROUND, CONFUSED = 4.0, 3.0, 0.04
KEPT = 64  # samples
FIT = 0.5  # IoU from which a box is right, when all is done
SIGMA = 0.5  # of the soft Gaussian

NONE, HARD, LINEAR, GAUSSIAN = "none", "NMS", "soft, linear", "soft, Gaussian"
METHODS = (NONE, HARD, LINEAR, GAUSSIAN)

SCALE = 3
ROOM = SCALE * SIZE[0]  # pixels: side of the frame
GAP, SIDE, TOP = 14, 322, 24  # pixels: between, the list at the right, titles
MOST_ROWS = 32  # detections that are looked at: the steps of the loop at most
NAME, BARS, WORDS = 24, 96, 196  # pixels in the list: where names, bars and words begin
COLOR_PART = 0.45  # of the frame's colours that stays under the boxes

INK, PAPER, RULE, FAINT = (40, 40, 40), (255, 255, 255), (225, 225, 225), (196, 202, 206)
KEEP, TAKE, FALL = (0, 114, 178), (240, 228, 66), (213, 94, 0)  # blue, yellow, vermilion
KEEP_ON_PICTURE = (86, 180, 233)  # sky blue: seen on any ground
FALL_ON_PAPER = (178, 60, 0)  # dark enough for text on white
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.4

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A frame `(H, W, 3)`, its objects, and the names of the classes."""

    frame: Picture
    objects: Objects
    names: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One turn of the loop.

    best: the box that is taken. hurt: those that it takes score from, `overlaps` with it.
    fallen: those of `hurt` that are out. scores: `(K,)` after this turn.
    """

    best: int
    hurt: tuple[int, ...]
    overlaps: tuple[float, ...]
    fallen: tuple[int, ...]
    scores: NDArray[np.float64]


@functools.cache
def scene() -> Scene:
    """The frame that all samples share."""
    clip = scenes.render(SCENE, 1, SIZE, OBJECTS, object_size=OBJECT_SIZE)
    truth = clip.truth
    assert truth is not None
    frame = np.asarray(clip.frames[0])
    frame.setflags(write=False)
    return Scene(frame, Objects(truth.boxes[0], truth.classes), truth.class_names)


@functools.lru_cache(KEPT)
def answers(seed: int) -> Detections:
    """What an imagined detector says about the frame, best first; every object is seen."""
    found = imagined_detections(
        scene().objects,
        np.random.default_rng(seed),
        size=SIZE,
        classes=len(scene().names),
        copies=COPIES,
        missed=0.0,
        background=BACKGROUND,
        confused=CONFUSED,
    )
    return found.top(MOST_ROWS)


def trace(found: Detections, method: str, *, floor: float, threshold: float) -> list[Step]:
    """The greedy loop over the detections of at least `floor`, step by step.

    method: one of `METHODS`. threshold: of IoU, above which "NMS" drops a box, and from which
    "soft, linear" lowers its score; "soft, Gaussian" lowers every score. Boxes hurt only their own
    class.
    """
    errors.choice("method", method, METHODS)
    scores = found.scores.astype(np.float64)
    left = [k for k in range(len(found)) if scores[k] >= floor]
    steps = []
    while left:
        best = max(left, key=lambda k: (scores[k], -k))
        left.remove(best)
        ious = bx.iou(found.boxes[[best]], found.boxes)[0]
        same = [k for k in left if found.labels[k] == found.labels[best]]
        factors = {k: _factor(method, float(ious[k]), threshold) for k in same}
        hurt = tuple(k for k, factor in factors.items() if factor < 1)
        scores = scores.copy()
        for k in hurt:
            scores[k] *= factors[k]
        fallen = tuple(k for k in hurt if factors[k] == 0 or scores[k] < floor)
        left = [k for k in left if k not in fallen]
        steps.append(Step(best, hurt, tuple(float(ious[k]) for k in hurt), fallen, scores))
    return steps


def _factor(method: str, iou: float, threshold: float) -> float:
    """By what the score of a box is multiplied that overlaps a better one by `iou`."""
    if method == HARD:
        return float(iou <= threshold)
    if method == LINEAR:
        return 1 - iou if iou >= threshold else 1.0
    if method == GAUSSIAN:
        return float(np.exp(-(iou**2) / SIGMA))
    return 1.0


def judged(found: Detections, kept: list[int]) -> dict[int, int]:
    """The object that each kept box, best first, finds at an IoU of `FIT`; `NOBODY` where none."""
    objects, right = scene().objects, {}
    for label in np.unique(np.concatenate([found.labels, objects.labels])):
        rows = [k for k in kept if found.labels[k] == label]
        there = np.flatnonzero(objects.labels == label)
        match = match_coco(overlaps(found.boxes[rows], objects.boxes[there]), FIT)[0]
        for k, m in zip(rows, match, strict=True):
            right[k] = NOBODY if m == NOBODY else int(there[m])
    return right


def draw(*, score: float, overlap: float, method: str, step: int, seed: int) -> Drawing:
    """The frame after so many steps, and the list of all detections with what became of them."""
    found, there = answers(seed), scene()
    score, overlap = round(score, 3), round(overlap, 3)
    steps = trace(found, method, floor=score, threshold=overlap)
    done = steps[:step]
    kept = [one.best for one in steps]
    right = judged(found, kept)
    hits = sum(m != NOBODY for m in right.values())
    lost = [m for m in range(len(there.objects)) if m not in right.values()]
    # precision = TP / (TP + FP); recall = TP / (TP + FN)
    numbers = {
        "detections": int((found.scores >= score).sum()),
        "kept at the end": len(kept),
        "right": hits,
        "objects not found": len(lost),
        "precision": hits / len(kept) if kept else "nothing kept",
        "recall": hits / len(there.objects),
    }
    sheet = np.full((TOP + ROOM, ROOM + GAP + SIDE, 3), PAPER, np.uint8)
    finished = step >= len(steps)
    shown = f"{method}: step {len(done)} of {len(steps)}" + (", all done" if finished else "")
    _write(sheet, shown, 1, TOP - 9)
    sheet[TOP:, :ROOM] = _frame(found, score, done, right, lost, finished)
    sheet[:, ROOM + GAP :] = _list(found, score, done, right, finished)
    return Drawing(sheet, _words(found, method, done, len(steps), lost, numbers), numbers)


def _words(
    found: Detections,
    method: str,
    done: list[Step],
    steps: int,
    lost: list[int],
    numbers: dict[str, Any],
) -> str:
    """What the picture shows, to somebody who does not see it."""
    there = scene()
    names = [there.names[label] for label in found.labels]
    if not steps:
        return (
            f"Method {method}: no detection has so high a score. Nothing is kept, and every object "
            "is missed."
        )
    if not done:
        said = f"Method {method}. Step 0 of {steps}: "
        said += f"{numbers['detections']} detections, none taken yet."
    else:
        last = done[-1]
        k = last.best
        said = (
            f"Method {method}. Step {len(done)} of {steps} takes number {k + 1}, a {names[k]} of "
            f"score {last.scores[k]:.2f}."
        )
        told = [
            f"{j + 1} (IoU {iou:.2f}"
            + (")" if method == HARD else f", score now {last.scores[j]:.2f})")
            for j, iou in zip(last.hurt, last.overlaps, strict=True)
            if method == HARD or iou > 0
        ]
        verb = "Suppressed" if method == HARD else "Lowered"
        said += f" {verb}: {', '.join(told)}." if told else " No other box is touched."
        if method != HARD and last.fallen:
            said += f" Out: {', '.join(str(j + 1) for j in last.fallen)}."
    said += f" At the end {numbers['kept at the end']} boxes are kept, {numbers['right']} right: "
    said += f"precision {numbers['precision']:.2f}, recall {numbers['recall']:.2f}."
    if lost:
        missing = ", ".join(f"a {there.names[there.objects.labels[m]]}" for m in lost)
        said += f" Not found: {missing}."
    if method == GAUSSIAN:
        said += f" The Gaussian has no IoU threshold; its sigma is {SIGMA}."
    return said


def _frame(
    found: Detections,
    score: float,
    done: list[Step],
    right: dict[int, int],
    lost: list[int],
    finished: bool,
) -> Picture:
    """The frame, paled, with boxes that wait, that fall in this step, and that are kept."""
    there = scene()
    grey = np.repeat(cv2.cvtColor(there.frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    mixed = COLOR_PART * there.frame + (1 - COLOR_PART) * (0.5 * grey + 90)
    picture = overlay.resize(np.clip(np.rint(mixed), 0, 255).astype(np.uint8), SCALE)
    boxes = found.boxes * np.float32(SCALE)
    taken = [one.best for one in done]
    out = {k for one in done for k in one.fallen}
    waiting = [k for k in np.flatnonzero(found.scores >= score) if k not in (*taken, *out)]
    for k in waiting:
        x1, y1, x2, y2 = np.rint(boxes[k]).astype(int).tolist()
        cv2.rectangle(picture, (x1, y1), (x2, y2), INK, 1)
        cv2.rectangle(picture, (x1 + 1, y1 + 1), (x2 - 1, y2 - 1), PAPER, 1)
    now = list(done[-1].fallen) if done and not finished else []
    wrong = [k for k in taken if right[k] == NOBODY] if finished else []
    before = [k for k in taken if (finished or k != taken[-1]) and k not in wrong]
    groups = [
        (wrong, FALL, True, 2, [f"{k + 1} wrong" if len(wrong) < 5 else str(k + 1) for k in wrong]),
        (now, FALL, True, 2, [f"x {k + 1}" for k in now]),
        (before, KEEP_ON_PICTURE, False, 3, [str(k + 1) for k in before]),
    ]
    if done and not finished:
        groups.append((taken[-1:], TAKE, False, 4, [f"{taken[-1] + 1}"]))
    for rows, color, dashed, thick, labels in groups:
        if rows:
            picture = overlay.draw(
                picture, boxes[rows], labels=labels, colors=color, dashed=dashed, thickness=thick
            )
    if lost and finished:
        missing = there.objects.boxes[lost] * np.float32(SCALE)
        picture = overlay.draw(
            picture, missing, labels="not found", colors=TAKE, dashed=True, thickness=2
        )
    return picture


def _list(
    found: Detections, score: float, done: list[Step], right: dict[int, int], finished: bool
) -> Picture:
    """All detections, the surest first: number, class, score before and now, and their fate."""
    sheet = np.full((TOP + ROOM, SIDE, 3), PAPER, np.uint8)
    _write(sheet, "score: before, now", BARS, TOP - 9)
    long = WORDS - BARS - 10
    tall = min(16, ROOM // max(1, len(found)))
    scores = done[-1].scores if done else found.scores
    order = {one.best: place for place, one in enumerate(done)}
    felled = {k: one.best for one in done for k in one.fallen}
    at = BARS + round(score * long)
    for k in range(len(found)):
        y = TOP + k * tall
        middle, base = y + tall // 2, y + tall // 2 + 4
        alive = found.scores[k] >= score
        ink = INK if alive and k not in felled else (130, 130, 130)
        _write(sheet, f"{k + 1}", 0, base, ink)
        _write(sheet, scene().names[found.labels[k]], NAME, base, ink)
        full = BARS + round(float(found.scores[k]) * long)
        cv2.rectangle(sheet, (BARS, middle - 4), (full, middle + 4), FAINT, -1)
        if alive and k not in felled:
            end = BARS + round(float(scores[k]) * long)
            shade = KEEP if k in order else INK
            cv2.rectangle(sheet, (BARS, middle - 4), (end, middle + 4), shade, -1)
        text, color = "", INK
        if not alive:
            text, color = "score too low", (130, 130, 130)
        elif k in felled:
            own = bx.iou(found.boxes[[felled[k]]], found.boxes[[k]])[0, 0]
            text, color = f"out: {felled[k] + 1}, IoU {own:.2f}", FALL_ON_PAPER
        elif k in order:
            text = f"kept, step {order[k] + 1}"
            if finished:
                text = "kept: right" if right[k] != NOBODY else "kept: wrong"
            color = FALL_ON_PAPER if text.endswith("wrong") else KEEP
        if done and not finished and k == done[-1].best:
            cv2.rectangle(sheet, (WORDS - 3, y), (SIDE - 1, y + tall - 1), TAKE, -1)
            text, color = "taken now", INK
        _write(sheet, text, WORDS, base, color)
    bottom = TOP + len(found) * tall
    cv2.line(sheet, (at, TOP - 2), (at, bottom), FALL, 1)
    return sheet


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def nms(*, seed: int = FIRST_SAMPLE, **settings: Any) -> Explorer:
    """The explorer of suppression, step by step.

    seed, settings: where the controls begin: `score`, `overlap`, `method`, `step`. Raises
    `InputError` for settings that are none, and for values beyond their ends.
    """
    controls: dict[str, Control] = {
        "method": Choice("Method", METHODS, HARD),
        "overlap": Slider("IoU threshold", 0.0, 1.0, 0.5, 0.05),
        "score": Slider("Score threshold", 0.0, 1.0, 0.3, 0.05),
        "step": Slider("Step", 0, MOST_ROWS, MOST_ROWS),
        "seed": Seed("Answers", seed, button="New answers"),
    }
    explorer = Explorer(
        "nms",
        draw,
        controls,
        title="NMS: many answers for each object, and one is to stay",
        description="Put Step to 0 and walk on: which box is taken, and which fall? Then lower the "
        "IoU threshold until one of two neighbours of a class is lost. Does a soft method "
        "keep it, and what else comes back?",
        format="png",
    )
    if settings:
        explorer.set(**settings)
    return explorer
