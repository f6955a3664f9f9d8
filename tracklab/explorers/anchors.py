"""The explorer "anchors": which boxes of a fixed grid a detector learns to call an object.

`draw` is pure: the scene's first frame (kept for the next drawing) and its true boxes are matched
with the anchors that the controls describe. Letters go from the smallest object to the largest.
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
from tracklab.explorers.controls import Choice, Control, Seed, Slider, Toggle
from tracklab.explorers.shell import Drawing, Explorer

SIZE = (128, 128)
OBJECTS = "ABCDEF"  # from the smallest to the largest
OBJECT_SIZE = (8.0, 56.0)  # pixels: some smaller than any sensible anchor
FIRST_SCENE = 77  # three small objects and three large ones
KEPT = 64  # scenes
EVERY = "every object"
STRIDES = ("4", "8", "16", "32")
# By name, height over width.
SHAPES: dict[str, tuple[float, ...]] = {
    "square": (1.0,),
    "square, wide, tall": (0.5, 1.0, 2.0),
    "five, from 1:3 to 3:1": (1 / 3, 0.5, 1.0, 2.0, 3.0),
}
FEW, MANY = 3, 16  # positive anchors drawn as boxes: of every object, of the one that is chosen

SCALE = 3
ROOM = SCALE * SIZE[0]  # pixels: side of the frame
GAP, TOP, SIDE = 14, 24, 318  # pixels: between, titles, the column at the right
LEFT, RIGHT, FOOT = 64, 66, 60  # pixels: names of the rows, their counts, scale and legend
MARK = 3  # pixels across an anchor's mark in a row
GOLDEN = 0.6180339887  # multiples of it, modulo 1, spread evenly
COLOR_PART = 0.35  # of the frame's colours that stays under the boxes

INK, PAPER, RULE, BETWEEN = (40, 40, 40), (255, 255, 255), (214, 214, 214), (236, 236, 236)
FAINT, MIDDLE = (190, 196, 200), (112, 118, 122)  # negative, ignored: only objects have colours
ALARM = (178, 60, 0)  # vermilion, dark enough for text on white
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A frame `(H, W, 3)`, its true boxes `(N, 4)`, smallest first, and the objects' names."""

    frame: Picture
    truth: bx.Boxes
    names: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """Anchors and what became of them.

    anchors: `(A, 4)`, of `shapes` boxes at each place, a place every `stride` pixels.
    found: `(A,)` the object that each belongs to, `boxes.BACKGROUND` or `boxes.IGNORED`.
    overlaps: `(A, N)` IoU with each object.
    owner: `(A,)` the object that an anchor belongs to, or else the one that it overlaps most.
    of_each: `(N,)` how many positive anchors each object has.
    """

    anchors: bx.Boxes
    shapes: int
    stride: int
    found: NDArray[np.int64]
    overlaps: NDArray[np.float32]
    owner: NDArray[np.int64]
    of_each: NDArray[np.int64]


@functools.lru_cache(KEPT)
def scene(seed: int) -> Scene:
    """A scene's first frame, its objects ordered by area."""
    clip = scenes.render(seed, 1, SIZE, len(OBJECTS), object_size=OBJECT_SIZE)
    truth = clip.truth
    assert truth is not None
    order = np.argsort(bx.area(truth.boxes[0]), kind="stable")
    names = tuple(truth.class_names[k] for k in truth.classes[order])
    frame = np.asarray(clip.frames[0])
    frame.setflags(write=False)
    return Scene(frame, truth.boxes[0][order], names)


def matched(
    truth: bx.Boxes,
    *,
    stride: int,
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
    positive: float,
    negative: float,
    low_quality: bool,
) -> Match:
    """The anchors of a frame of `SIZE`, matched with true boxes `(N, 4)`."""
    anchors = np.asarray(bx.anchor_grid(*SIZE, stride=stride, sizes=sizes, ratios=ratios))
    found = np.asarray(
        bx.match(anchors, truth, positive=positive, negative=negative, low_quality=low_quality),
        np.int64,
    )
    overlaps = np.asarray(bx.iou(anchors, truth))
    owner = np.where(found >= 0, found, overlaps.argmax(1))
    of_each = np.bincount(found[found >= 0], minlength=len(truth))
    return Match(anchors, len(sizes) * len(ratios), stride, found, overlaps, owner, of_each)


def draw(
    *,
    size: int,
    count: int,
    shapes: str,
    stride: str,
    positive: float,
    negative: float,
    low_quality: bool,
    chosen: str,
    seed: int,
) -> Drawing:
    """The frame with its positive and ignored anchors; beside it every anchor's overlap."""
    shown = scene(seed)
    sizes = tuple(float(size * 2**k) for k in range(count))
    upper, lower = round(positive, 3), min(round(negative, 3), round(positive, 3))
    match = matched(
        shown.truth,
        stride=int(errors.choice("stride", stride, STRIDES)),
        sizes=sizes,
        ratios=SHAPES[errors.choice("shapes", shapes, SHAPES)],
        positive=upper,
        negative=lower,
        low_quality=low_quality,
    )
    errors.choice("chosen", chosen, (EVERY, *OBJECTS))
    only = None if chosen == EVERY else OBJECTS.index(chosen)
    numbers = {
        "anchors": len(match.anchors),
        "positive": int((match.found >= 0).sum()),
        "ignored": int((match.found == bx.IGNORED).sum()),
        "negative": int((match.found == bx.BACKGROUND).sum()),
        "objects without a positive": int((match.of_each == 0).sum()),
        "mean best IoU": float(match.overlaps.max(0).mean()),
    }
    sheet = np.full((TOP + ROOM, ROOM + GAP + SIDE, 3), PAPER, np.uint8)
    sheet[TOP:, :ROOM] = _frame(shown, match, only)
    sheet[:, ROOM + GAP :] = _rows(shown, match, only, upper, lower)
    total, kinds = numbers["anchors"], ("positive", "ignored", "negative")
    told = f"{total} anchors: " + ", ".join(f"{numbers[kind]} {kind}" for kind in kinds)
    _write(sheet, told, 1, TOP - 9)
    words = _words(shown, match, only, numbers)
    if lower < round(negative, 3):
        words += (
            f" Negative below {negative:.2f} cannot lie above positive from {upper:.2f}: "
            f"{upper:.2f} is taken for both, and none is ignored."
        )
    return Drawing(sheet, words, numbers)


def _words(shown: Scene, match: Match, only: int | None, numbers: dict[str, Any]) -> str:
    """What the picture shows, to somebody who does not see it."""
    best, without = match.overlaps.max(0), np.flatnonzero(match.of_each == 0)
    said = (
        f"{numbers['anchors']} anchors: {numbers['positive']} positive, {numbers['ignored']} "
        f"ignored, {numbers['negative']} negative. "
    )
    if len(without):
        said += f"Without a positive anchor: {', '.join(OBJECTS[k] for k in without)}. "
    else:
        said += "Every object has a positive anchor. "
    if only is None:
        each = zip(OBJECTS, best, match.of_each, strict=True)
        listed = ", ".join(f"{name} {most:.2f} ({count})" for name, most, count in each)
        return f"{said}Best IoU of each object, and its positive anchors: {listed}."
    width, height = bx.sizes(shown.truth[only])
    near = int(((match.found == bx.IGNORED) & (match.owner == only)).sum())
    return (
        f"{said}{OBJECTS[only]}, a {shown.names[only]} of {width:.0f} by {height:.0f} pixels, has "
        f"{match.of_each[only]} positive and {near} ignored anchors; the best overlaps it by "
        f"{best[only]:.2f}."
    )


def _frame(shown: Scene, match: Match, only: int | None) -> Picture:
    """The frame, paled, with the grid's centres, positive anchors and the true boxes."""
    grey = np.repeat(cv2.cvtColor(shown.frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    mixed = COLOR_PART * shown.frame + (1 - COLOR_PART) * (0.5 * grey + 110)
    picture = overlay.resize(np.clip(np.rint(mixed), 0, 255).astype(np.uint8), SCALE)
    # anchors of one place, side by side in the grid, share a mark
    places = np.rint(SCALE * bx.centers(match.anchors[:: match.shapes])).astype(int).tolist()
    ignored = (match.found == bx.IGNORED) & ((match.owner == only) | (only is None))
    ignored = ignored.reshape(-1, match.shapes).any(1)
    radius = 4 if match.stride > 4 else 3
    for (x, y), near in zip(places, ignored, strict=True):
        if near:
            cv2.circle(picture, (x, y), radius, INK, 3, cv2.LINE_AA)
            cv2.circle(picture, (x, y), radius, PAPER, 1, cv2.LINE_AA)
        else:
            picture[max(y - 1, 0) : y + 1, max(x - 1, 0) : x + 1] = INK
    objects = range(len(OBJECTS)) if only is None else (only,)
    for k in objects:
        mine = np.flatnonzero(match.found == k)
        best = mine[np.argsort(-match.overlaps[mine, k], kind="stable")]
        for anchor in match.anchors[best[: MANY if only == k else FEW]][::-1]:
            _outline(picture, anchor * SCALE, overlay.color_of(k + 1), overlay.dash_of(k + 1))
        for place in np.unique(mine // match.shapes):
            cv2.circle(picture, places[place], radius + 1, INK, -1, cv2.LINE_AA)
            cv2.circle(picture, places[place], radius, overlay.color_of(k + 1), -1, cv2.LINE_AA)
    names = [f"{n}: none" if not c else n for n, c in zip(OBJECTS, match.of_each, strict=True)]
    return overlay.draw(
        picture,
        shown.truth * np.float32(SCALE),
        labels=names,
        colors=[overlay.color_of(k + 1) for k in range(len(OBJECTS))],
        dashed=False,
    )


def _outline(
    picture: Picture,
    box: NDArray[np.float32],
    color: tuple[int, int, int],
    dash: tuple[float, float] | None,
) -> None:
    """A thin line around a box, solid or in dashes, with a dark rim."""
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    on, off = (3 * part for part in dash) if dash else (1e6, 0.0)
    cv2.rectangle(picture, (x1, y1), (x2, y2), INK, 1)
    for start, end in (
        ((x1, y1), (x2, y1)),
        ((x1, y2), (x2, y2)),
        ((x1, y1), (x1, y2)),
        ((x2, y1), (x2, y2)),
    ):
        way = np.subtract(end, start, dtype=float)
        length = float(np.abs(way).max())
        for at in np.arange(0.0, max(length, 1.0), on + off):
            a, b = (np.add(start, way * min(part / (length or 1), 1)) for part in (at, at + on))
            cv2.line(
                picture, tuple(np.rint(a).astype(int)), tuple(np.rint(b).astype(int)), color, 1
            )


def _rows(shown: Scene, match: Match, only: int | None, upper: float, lower: float) -> Picture:
    """Every anchor in the row of its object, its overlap with it from left to right."""
    sheet = np.full((TOP + ROOM, SIDE, 3), PAPER, np.uint8)
    bottom = TOP + ROOM - FOOT
    tall = (bottom - TOP) // len(OBJECTS)

    def across(overlap: Any) -> Any:
        return LEFT + np.rint(np.asarray(overlap) * (SIDE - LEFT - RIGHT)).astype(int)

    sheet[TOP:bottom, across(lower) : across(upper) + 1] = BETWEEN
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        cv2.line(sheet, (int(across(value)), TOP), (int(across(value)), bottom), RULE, 1)
    # marks that would lie on each other take a height of their own, by the anchor's number
    heights = (np.arange(len(match.anchors)) * GOLDEN) % 1
    for k, name in enumerate(OBJECTS):
        y, color, overlaps = TOP + k * tall, overlay.color_of(k + 1), match.overlaps[:, k]
        middle = y + tall // 2
        mine = (match.owner == k) & (overlaps > 0)
        for kind, shade in (
            (match.found == bx.BACKGROUND, FAINT),
            (match.found == bx.IGNORED, MIDDLE),
            (match.found == k, color),
        ):
            x = across(overlaps[mine & kind])
            at = (y + 4 + heights[mine & kind] * (tall - 11)).astype(int)
            for dy in range(MARK):
                for dx in range(MARK):
                    sheet[at + dy, x + dx - MARK // 2] = shade
        _diamond(sheet, int(across(overlaps.max())), middle, color)
        cv2.line(sheet, (0, y + tall), (SIDE, y + tall), RULE, 1)
        cv2.rectangle(sheet, (2, middle - 8), (16, middle + 8), color, -1)
        _write(sheet, name, 5, middle + 5, overlay.DARK)
        _write(sheet, f"{np.sqrt(bx.area(shown.truth[k])):.0f} px", 22, middle + 5)
        if match.of_each[k]:
            _write(sheet, f"{match.of_each[k]}", SIDE - RIGHT + 14, middle + 5)
        else:
            _cross(sheet, SIDE - RIGHT + 18, middle)
            _write(sheet, "none", SIDE - RIGHT + 28, middle + 5, ALARM)
        if only not in (None, k):
            row = sheet[y + 1 : y + tall]
            row[:] = np.rint(0.35 * row + 0.65 * 255).astype(np.uint8)
    for value in {lower, upper}:
        cv2.line(sheet, (int(across(value)), TOP - 2), (int(across(value)), bottom), INK, 1)
    _thresholds(sheet, int(across(lower)), int(across(upper)), lower, upper)
    _write(sheet, "positive", SIDE - 54, TOP - 9)
    for value in (0.0, 0.5, 1.0):
        text = f"{value:g}"
        _write(sheet, text, int(across(value)) - _long(text) // 2, bottom + 16)
    _write(sheet, "IoU of each anchor with its object", LEFT - 30, bottom + 34)
    _legend(sheet, bottom + 52, overlay.color_of(1 if only is None else only + 1))
    return sheet


def _thresholds(sheet: Picture, x1: int, x2: int, lower: float, upper: float) -> None:
    """The two thresholds above their lines, apart from each other."""
    if lower == upper:
        text = f"{upper:.2f}"
        _write(sheet, text, x2 - _long(text) // 2, TOP - 9)
        return
    apart = max(0, _long("0.00") + 8 - (x2 - x1))
    for x, value, way in ((x1, lower, -1), (x2, upper, 1)):
        text = f"{value:.2f}"
        _write(sheet, text, x - _long(text) // 2 + way * apart // 2, TOP - 9)


def _legend(sheet: Picture, y: int, color: tuple[int, int, int]) -> None:
    x = 2
    for text, shade in (("positive", color), ("ignored", MIDDLE), ("negative", FAINT)):
        cv2.rectangle(sheet, (x, y - 8), (x + 6, y - 2), shade, -1)
        _write(sheet, text, x + 11, y)
        x += _long(text) + 25
    _diamond(sheet, x + 4, y - 5, color)
    _write(sheet, "best", x + 16, y)


def _diamond(sheet: Picture, x: int, y: int, color: tuple[int, int, int]) -> None:
    for side, shade in ((8, INK), (6, color)):
        points = np.array([(x - side, y), (x, y - side), (x + side, y), (x, y + side)])
        cv2.fillPoly(sheet, [points], shade, cv2.LINE_AA)


def _cross(sheet: Picture, x: int, y: int) -> None:
    cv2.line(sheet, (x - 4, y - 4), (x + 4, y + 4), ALARM, 2, cv2.LINE_AA)
    cv2.line(sheet, (x - 4, y + 4), (x + 4, y - 4), ALARM, 2, cv2.LINE_AA)


def _long(text: str) -> int:
    """How many pixels a text takes."""
    return int(cv2.getTextSize(text, FONT, FONT_SIZE, 1)[0][0])


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def anchors(*, seed: int = FIRST_SCENE, **settings: Any) -> Explorer:
    """The explorer of anchors and their matches.

    seed, settings: where the controls begin: `size`, `count`, `shapes`, `stride`, `positive`,
        `negative`, `low_quality`, `chosen`.
    """
    controls: dict[str, Control] = {
        "size": Slider("Smallest", 8, 64, 24, 4, unit="px"),
        "count": Slider("Sizes (doubling)", 1, 3, 2),
        "shapes": Choice("Shapes", tuple(SHAPES), "square, wide, tall"),
        "stride": Choice("Stride (pixels)", STRIDES, "8"),
        "positive": Slider("Positive from IoU", 0.3, 0.9, 0.7, 0.05),
        "negative": Slider("Negative below", 0.0, 0.7, 0.3, 0.05),
        "chosen": Choice("Anchors of", (EVERY, *OBJECTS)),
        "low_quality": Toggle("Every object keeps its best anchor", default=True),
        "seed": Seed("Scene", seed, button="New scene"),
    }
    explorer = Explorer(
        "anchors",
        draw,
        controls,
        title="Anchors: which boxes of a fixed grid learn to be an object",
        description="Switch off 'Every object keeps its best anchor'. Which objects are left "
        "without one, and what would the network learn of them? Then find the stride and the "
        "sizes that bring them back.",
        format="png",
    )
    if settings:
        explorer.set(**settings)
    return explorer
