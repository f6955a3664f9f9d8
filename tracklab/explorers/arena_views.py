"""The pictures of an arena: the frame with all boxes, what one tracker saw, how all hold it.

Who is who is told by number, by line and by colour, as `overlay` gives them to identities: a
tracker's number is the same in every picture, at its check box and at its jump.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import overlay
from tracklab.explorers import arena_moment as said
from tracklab.explorers.arena_moment import Moment
from tracklab.explorers.arena_runs import Glimpse, Judged, Run, Stage

WIDE, TALL = 424, 318  # pixels: the room for the frame
SIDE, GAP, TOP = 278, 14, 22  # pixels: side of the search window, between, titles
WIDTH = WIDE + GAP + SIDE
NAMES, FATES = 140, 170  # pixels of a row: whose it is, and how it stands
ROW, LOW_ROW, MANY_ROWS, AXIS = 42, 26, 5, 20  # pixels; more rows than so many are low
MARGIN = 1.15  # of the picture around what was searched, in sides of it
AROUND = 3.0  # of a box whose tracker does not tell what it searched, in sides of it
SMALLEST = 8.0  # pixels of a frame that the search window shows at least
HARDLY = 0.99  # visible share from which on nothing hides the object

INK, PAPER, RULE, PALE = (40, 40, 40), (255, 255, 255), (222, 222, 222), (110, 110, 110)
LIGHT, BEYOND = (255, 255, 255), (128, 128, 128)  # the object; what lies outside the frame
LOST_GROUND, UNKNOWN = (243, 217, 204), (205, 205, 205)
FALL, FINE = (178, 60, 0), (0, 90, 150)  # vermilion and blue, dark enough for text on white
SHADES = {"holds": FINE, "partly": INK, "off": FALL, "lost": FALL, "failed": FALL}
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42

Picture = NDArray[np.uint8]


def upper(moment: Moment) -> Picture:
    """The frame, and beside it what one tracker saw."""
    sheet = np.full((TOP + TALL, WIDTH, 3), PAPER, np.uint8)
    known = "corners: the object   " if moment.stage.truth is not None else ""
    _write(sheet, f"{known}numbers: trackers, as below", 1, TOP - 8)
    sheet[TOP:, :WIDE] = _field(moment)
    _write(sheet, _short(said.title(moment), SIDE), WIDE + GAP, TOP - 8)
    sheet[TOP:, WIDE + GAP :] = _window(moment)
    return sheet


# The frame


def _field(moment: Moment) -> Picture:
    """The frame with every tracker's box, the object's corners, and what was searched."""
    stage, frame = moment.stage, moment.frame
    height, width = stage.size
    scale = min(WIDE / width, TALL / height)
    runs = {k: run for k, run in moment.runs.items() if stage.first <= frame < run.done}
    boxes = np.array([run.boxes[frame] for run in runs.values()], np.float32).reshape(-1, 4)
    picture = stage.picture(frame)
    drawn = overlay.draw(picture, boxes, ids=list(runs), scale=scale, thickness=2)
    if moment.seen is not None:
        x1, y1, x2, y2 = _whole(moment.seen.searched * scale)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), LIGHT, 1)
    if stage.truth is not None:
        _corners(drawn, stage.truth[frame] * np.float32(scale))
    room = np.full((TALL, WIDE, 3), PAPER, np.uint8)
    tall, wide = min(TALL, drawn.shape[0]), min(WIDE, drawn.shape[1])
    left = (WIDE - wide) // 2
    room[:tall, left : left + wide] = drawn[:tall, :wide]
    return room


def _corners(picture: Picture, box: bx.Boxes) -> None:
    """The object itself: four white corners with a dark rim, which no tracker's box has."""
    if not np.isfinite(box).all():
        return
    x1, y1, x2, y2 = _whole(box)
    arm = max(5, min(x2 - x1, y2 - y1) // 4)
    for color, thick in ((INK, 4), (LIGHT, 2)):
        for x, y, dx, dy in ((x1, y1, 1, 1), (x2, y1, -1, 1), (x2, y2, -1, -1), (x1, y2, 1, -1)):
            points = np.array([[x + dx * arm, y], [x, y], [x, y + dy * arm]], np.int32)
            cv2.polylines(picture, [points], False, color, thick)


# What one tracker saw


def _window(moment: Moment) -> Picture:
    """The part of the frame that a tracker searched, and what it made of it, laid over it."""
    sheet = np.full((TALL, SIDE, 3), PAPER, np.uint8)
    run, frame, seen, values = moment.looked, moment.frame, moment.seen, moment.values
    if run is None or frame >= run.done or not np.isfinite(run.boxes[frame]).all():
        failed = run is not None and run.error is not None
        told = "The words below say why." if failed else "Nothing to see here."
        _write(sheet, "Tick it to see what it sees." if run is None else told, 4, 16, PALE)
        return sheet
    box = run.boxes[frame]
    around = _grown(box, AROUND) if seen is None else seen.searched
    side = MARGIN * max(float(bx.sizes(around).max()), SMALLEST)
    low, zoom = bx.centers(around).astype(float) - side / 2, SIDE / side
    picture = _cut(run.stage.picture(frame), low, zoom)
    if seen is not None and values is not None:
        span = run.spans[moment.layer]
        picture = _laid_over(picture, values, seen.place, low, zoom, span)
        _scale(sheet, span, seen.peak(moment.layer))

    def drawn_at(points: Any) -> Any:
        return (np.asarray(points, float).reshape(-1, 2) - low) * zoom

    window = overlay.draw(picture, drawn_at(box).ravel(), ids=[moment.look[0]], thickness=2)
    if run.stage.truth is not None:
        _corners(window, drawn_at(run.stage.truth[frame]).ravel().astype(np.float32))
    if seen is not None:
        start, end = _whole(drawn_at(seen.searched))
        cv2.rectangle(window, start, end, LIGHT, 1)
        _write(sheet, _marks(window, moment, seen, drawn_at), 0, SIDE + 34)
    sheet[:SIDE] = window
    return sheet


def _marks(window: Picture, moment: Moment, seen: Glimpse, drawn_at: Any) -> str:
    """Where the object was expected and where a map is highest; says what the marks mean."""
    told = []
    if moment.values is not None:
        (at,) = _whole(drawn_at(seen.top(moment.layer)))
        cv2.drawMarker(window, at, INK, cv2.MARKER_CROSS, 17, 4)
        cv2.drawMarker(window, at, LIGHT, cv2.MARKER_CROSS, 15, 2)
        told.append("cross: the top")
    if seen.predicted is not None:
        (at,) = _whole(drawn_at(seen.predicted))
        for color, thick in ((INK, 4), (LIGHT, 2)):
            cv2.circle(window, at, 8, color, thick, cv2.LINE_AA)
        told.append("ring: expected")
    return "   ".join(told)


def _cut(picture: Picture, low: NDArray[np.float64], zoom: float) -> Picture:
    """The square of a picture from `low` on, drawn with `SIDE` pixels; grey beyond its edge."""
    # x' + 1/2 = zoom (x + 1/2 - low)
    shift = (0.5 - low) * zoom - 0.5
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    edge: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": BEYOND}
    cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, **edge)
    return np.asarray(cut, np.uint8)


def _laid_over(
    picture: Picture,
    values: NDArray[Any],
    place: bx.Boxes,
    low: NDArray[np.float64],
    zoom: float,
    span: tuple[float, float],
) -> Picture:
    """A map over a grey picture: the higher, the lighter, and the less of the picture is seen.

    A white line runs around what is more than half as high as the top.
    """
    rows, columns = values.shape
    step = bx.sizes(place).astype(float) / (columns, rows) * zoom  # of a cell, in pixels drawn
    shift = (place[:2] - low) * zoom + step / 2 - 0.5
    matrix = np.array([[step[0], 0, shift[0]], [0, step[1], shift[1]]])

    def spread(cells: Any) -> Any:
        return cv2.warpAffine(cells, matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST)

    known = np.isfinite(values)
    high = np.where(known, _share(np.where(known, values, 0).astype(float), span), 0)
    part = (0.35 + 0.4 * high)[..., None]  # of the colour in what is seen
    color = part * _civid(high)
    mixed = spread(np.dstack([color, 255 * part]).astype(np.uint8))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    # seen = part color + (1 - part) grey
    rest = cv2.multiply(grey, 255 - mixed[..., 3], scale=1 / 255)
    laid = cv2.add(np.ascontiguousarray(mixed[..., :3]), cv2.cvtColor(rest, cv2.COLOR_GRAY2RGB))
    lowest, highest = (float(f(values[known], initial=0)) for f in (np.min, np.max))
    if highest > lowest:
        peak = spread((known & (values > (lowest + highest) / 2)).astype(np.uint8))
        edges, _ = cv2.findContours(peak, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(laid, edges, -1, LIGHT, 1)
    return np.asarray(laid, np.uint8)


def _civid(shares: NDArray[Any]) -> Any:
    """Colours `(h, w, 3)` of shares `(h, w)`, from dark blue to yellow: light wherever high."""
    return cv2.applyColorMap((255 * shares).astype(np.uint8), cv2.COLORMAP_CIVIDIS)[..., ::-1]


def _share(values: Any, span: tuple[float, float]) -> Any:
    """Values as shares of the way from the lowest to the highest of the whole run."""
    return np.clip((values - span[0]) / max(span[1] - span[0], 1e-6), 0, 1)


def _scale(sheet: Picture, span: tuple[float, float], peak: float) -> None:
    """The colours of a map and what they stand for, with a cross at this frame's top."""
    top, left, long = SIDE + 6, 42, SIDE - 88
    sheet[top : top + 8, left : left + long] = _civid(np.linspace(0, 1, long)[None])
    _write(sheet, f"{span[0]:.2f}", 0, top + 9)
    _write(sheet, f"{span[1]:.2f}", left + long + 9, top + 9)
    at = left + round(float(_share(peak, span)) * (long - 1)), top + 4
    cv2.drawMarker(sheet, at, INK, cv2.MARKER_TILTED_CROSS, 13, 3)
    cv2.drawMarker(sheet, at, LIGHT, cv2.MARKER_TILTED_CROSS, 11, 1)


def _grown(box: bx.Boxes, times: float) -> bx.Boxes:
    return bx.cxcywh_to_xyxy([*bx.centers(box), *(np.maximum(bx.sizes(box), 4) * times)])


# How all of them hold the object


def lower(moment: Moment, ground: Picture) -> Picture:
    """The strip with a line at this frame, and how each tracker stands in it."""
    sheet, stage = ground.copy(), moment.stage
    x, bottom = _across(moment.frame, len(stage)), len(sheet) - AXIS
    cv2.line(sheet, (x, GAP), (x, bottom), INK, 1)
    _plate(sheet, str(moment.frame), x, bottom + 1)
    height, tops = _tops(stage, moment.runs)
    for (number, one), top in zip(moment.stands.items(), tops, strict=True):
        shade = SHADES.get(one.kind, PALE)
        text, y = said.standing(moment, number), top + min(16, height // 2 + 4)
        _write(sheet, text, WIDTH - FATES + 8, y, shade)
    return sheet


def strip(stage: Stage, runs: Mapping[int, Run]) -> Picture:
    """A row for each tracker: overlap over the frames, and where it loses the object."""
    height, tops = _tops(stage, runs)
    count, begin = len(stage), tops[0] if tops else GAP + LOW_ROW
    end = (tops[-1] if tops else begin) + height
    sheet = np.full((end + AXIS, WIDTH, 3), PAPER, np.uint8)
    if stage.visible is not None and _hidden(stage):
        _write(sheet, "visible share", 22, GAP + 16)
        _curve(sheet, stage.visible.astype(float), GAP, LOW_ROW, PALE, count)
    if not runs:
        _write(sheet, "Tick a tracker.", 22, end - 16, FALL)
    for (number, run), top in zip(runs.items(), tops, strict=True):
        _row(sheet, number, run, top, height)
    for at in _ticks(count):
        x = _across(at, count)
        cv2.line(sheet, (x, end), (x, end + 3), PALE, 1)
        _middle(sheet, str(at), x, end + 15, PALE)
    told = "overlap (IoU)" if stage.truth is not None else "own score"
    _write(sheet, told, 22, end + 15, PALE)
    if stage.truth is not None:
        _write(sheet, "x lost   o has it back", WIDTH - FATES + 20, end + 15, PALE)
    return sheet


def _row(sheet: Picture, number: int, run: Run, top: int, height: int) -> None:
    color, middle, count = overlay.color_of(number), top + height // 2, len(run.stage)
    _plate(sheet, str(number), 10, middle - 9, color)
    _line(sheet, number, 24, middle - 1, 25)
    _write(sheet, _short(run.name, NAMES - 60), 55, middle + 4)
    judged = run.judged()
    for loss in judged.losses if judged else ():
        last = run.done if loss.back is None else loss.back
        left, right = _across(loss.frame, count), _across(min(last, count - 1), count)
        cv2.rectangle(sheet, (left, top + 3), (right, top + height - 4), LOST_GROUND, -1)
    if run.stage.truth is not None:
        _hatch(sheet, ~np.isfinite(run.stage.truth[:, 0]), top, height)
    values = run.scores[: run.done].astype(float) if judged is None else judged.overlaps
    _curve(sheet, values, top, height, color, count)
    if judged is not None:
        _losses(sheet, judged, top + height - 8, count)
    if height == ROW:
        _write(sheet, said.fate(run), WIDTH - FATES + 8, top + 32)


def _losses(sheet: Picture, judged: Judged, y: int, count: int) -> None:
    """A cross where a tracker loses the object, a ring where it has it again."""
    for loss in judged.losses:
        at = _across(loss.frame, count), y
        cv2.drawMarker(sheet, at, PAPER, cv2.MARKER_TILTED_CROSS, 13, 5)
        cv2.drawMarker(sheet, at, FALL, cv2.MARKER_TILTED_CROSS, 11, 2, cv2.LINE_AA)
        if loss.back is not None:
            at = _across(loss.back, count), y
            cv2.circle(sheet, at, 5, PAPER, -1, cv2.LINE_AA)
            cv2.circle(sheet, at, 5, FINE, 2, cv2.LINE_AA)


def _curve(sheet: Picture, values: Any, top: int, height: int, color: Any, count: int) -> None:
    """Values from 0 to 1 over the frames: filled in a colour, with a dark line at the top."""
    low, room = top + height - 5, height - 10
    for y in (low, low - room):
        cv2.line(sheet, (_across(0, count), y), (_across(count - 1, count), y), RULE, 1)
    for first, after in _stretches(np.isfinite(values)):
        xs = _along(np.arange(first, after), count)
        ys = low - np.rint(np.clip(values[first:after], 0, 1) * room)
        line = np.stack([xs, ys], axis=1).astype(np.int32)
        ground = np.array([[xs[-1], low], [xs[0], low]], np.int32)
        cv2.fillPoly(sheet, [np.concatenate([line, ground])], color)
        cv2.polylines(sheet, [line], False, INK, 1, cv2.LINE_AA)


def _hatch(sheet: Picture, absent: Any, top: int, height: int) -> None:
    """Slanted lines where the object is not in the picture, or nobody knows where it is."""
    count = len(absent)
    for first, after in _stretches(absent):
        left, right = _across(first, count), _across(min(after, count - 1), count)
        part = sheet[top + 4 : top + height - 4, left : right + 1]
        y, x = np.mgrid[: part.shape[0], : part.shape[1]]
        part[(x + y) % 6 == 0] = UNKNOWN


def _stretches(flags: Any) -> Iterator[tuple[int, int]]:
    """First and end of each row of true flags."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False)).tolist()
    return zip(edges[::2], edges[1::2], strict=True)


def _line(sheet: Picture, number: int, x: int, y: int, long: int) -> None:
    """A piece of a tracker's line, as at its box."""
    cv2.rectangle(sheet, (x - 1, y - 1), (x + long, y + 4), INK, -1)
    dash = overlay.dash_of(number)
    on, off = (float(long), 0.0) if dash is None else (2 * dash[0], 2 * dash[1])
    at = 0.0
    while at < long:
        sheet[y : y + 4, x + round(at) : x + round(min(long, at + on))] = overlay.color_of(number)
        at += on + off


def _tops(stage: Stage, runs: Mapping[int, Run]) -> tuple[int, list[int]]:
    """The height of a row, and where those of the trackers begin."""
    height = ROW if len(runs) <= MANY_ROWS else LOW_ROW
    begin = GAP + (LOW_ROW if _hidden(stage) else 0)
    return height, [begin + k * height for k in range(len(runs))]


def _hidden(stage: Stage) -> bool:
    """Whether it is known that the object is hidden at times."""
    return stage.visible is not None and bool((stage.visible < HARDLY).any())


def _ticks(count: int) -> range:
    """Round numbers of frames, at most nine."""
    step, times = 1, itertools.cycle((2, 5 / 2, 2))
    while (count - 1) / step > 8:
        step = round(step * next(times))  # 1, 2, 5, 10, 20, 50, ...
    return range(0, count, step)


def _along(frames: Any, count: int) -> Any:
    """Where frames lie along a row, in pixels."""
    return np.rint(NAMES + (WIDTH - FATES - NAMES) * frames / max(1, count - 1))


def _across(frame: int, count: int) -> int:
    return int(_along(frame, count))


# Letters and pixels


def _whole(values: Any) -> Any:
    return np.rint(np.clip(values, -4000, 4000)).astype(int).tolist()


def _long(text: str) -> int:
    return int(cv2.getTextSize(text, FONT, FONT_SIZE, 1)[0][0])


def _short(text: str, wide: int) -> str:
    """As much of a text as fits."""
    while len(text) > 3 and _long(text) > wide:
        text = f"{text[:-3]}.."
    return text


def _plate(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    """Text on a plate of a colour, its middle at x, its top at y."""
    long = _long(text)
    left = int(np.clip(x - long // 2 - 4, 0, WIDTH - long - 9))
    cv2.rectangle(sheet, (left, y), (left + long + 8, y + 17), color, -1)
    # relative luminance of sRGB (WCAG 2, section 1.4.3)
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), (np.array(color) / 255) ** 2.2))
    _write(sheet, text, left + 4, y + 13, INK if luminance > 0.18 else PAPER)


def _middle(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    _write(sheet, text, x - _long(text) // 2, y, color)


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV's font has no other letters
    cv2.putText(sheet, plain, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)
