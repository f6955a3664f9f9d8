"""Boxes, identities, labels and trails drawn on frames.

Who is who is told three ways, so that no eye needs colour: by a label, by the line (solid, dashed,
dotted) and by a colour from the set of Okabe and Ito ("Color Universal Design", 2008), which
colour-blind people tell apart. The look of an identity depends on the identity alone, so it stays
the same through a clip, between clips and between runs.

Invariant: what is drawn on is a new frame; the one that came in is never changed. Everything is
drawn after the frame was enlarged, so text is sharp on small frames too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Clip, Frame, Frames, Part, Truth

Color = tuple[int, int, int]

# Okabe and Ito's colours, RGB, without black; the order puts unlike ones side by side.
PALETTE: tuple[Color, ...] = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (0, 158, 115),  # bluish green
    (240, 228, 66),  # yellow
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
    (213, 94, 0),  # vermilion
)
# Lengths of dashes and gaps in line widths. Three kinds of line and seven colours share no
# factor, so 21 identities look different before one repeats.
DASHES: tuple[tuple[float, float] | None, ...] = (None, (5.0, 2.5), (1.5, 1.5))
HALO: Color = (0, 0, 0)  # a dark rim keeps every colour readable on every ground
LIGHT, DARK = (255, 255, 255), (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_HEIGHT = 21.0  # pixels of a capital letter of this font at scale 1


def color_of(identity: Hashable) -> Color:
    """The RGB colour of an identity (a whole number from 1, or a name): always the same one.

    >>> color_of(1)
    (230, 159, 0)
    """
    return PALETTE[_number(identity) % len(PALETTE)]


def dash_of(identity: Hashable) -> tuple[float, float] | None:
    """The line of an identity: dash and gap in line widths, or None for a solid line."""
    return DASHES[_number(identity) % len(DASHES)]


def _number(identity: Hashable) -> int:
    if isinstance(identity, (int, np.integer)):
        return int(identity) - 1
    # Python's own hash of text changes with every run.
    return sum((place + 1) * ord(letter) for place, letter in enumerate(str(identity)))


def draw(
    frame: NDArray[np.uint8],
    boxes: ArrayLike,
    *,
    ids: Sequence[Any] | None = None,
    labels: Sequence[str] | str | None = None,
    scores: ArrayLike | None = None,
    trails: Sequence[ArrayLike] | None = None,
    colors: Sequence[Color] | Color | None = None,
    dashed: bool | None = None,
    thickness: int | None = None,
    scale: float = 1.0,
) -> Frame:
    """A new frame with boxes drawn on it.

    frame: `(H, W, 3)` uint8 RGB.
    boxes: `(N, 4)` or `(4,)` float32 xyxy pixels of `frame`; rows of NaNs are skipped.
    ids: `(N,)` identities; they choose colour and line, and are written at the box.
    labels: `(N,)` texts, or one for all; written after the identity. Letters that OpenCV's font
        lacks lose their accents or become "?".
    scores: `(N,)` numbers, written with two decimals.
    trails: for each box the points `(K, 2)` that its centre went through, oldest first; NaN where
        it was absent.
    colors: `(N,)` RGB triples, or one for all, instead of the ones that ids choose.
    dashed: True or False for all boxes, instead of the lines that ids choose.
    thickness: of lines in drawn pixels; if None it grows with the picture.
    scale: enlarge (or shrink) the frame by this factor before anything is drawn.

    Returns a frame of `round(H * scale)` rows. Raises `InputError` where lengths do not agree.
    """
    frame = errors.image("frame", frame)
    rows = np.atleast_2d(bx.as_boxes(boxes, "boxes", absent=True))
    if rows.ndim != 2:
        errors.bad("boxes", rows, f"shape (N, 4) or (4,), {bx.CORNERS}")
    marks = _marks(rows, ids, labels, scores, colors, dashed)
    scale = errors.number("scale", scale, low=1e-3)
    if trails is not None:
        for mark, past in zip(marks, _each("trails", trails, len(marks)), strict=True):
            mark.trail = _points(past) * np.float32(scale)
    return _paint(resize(frame, scale), marks, scale, thickness)


def _points(past: Any) -> NDArray[np.float32]:
    try:
        return np.asarray(past, np.float32).reshape(-1, 2)
    except (TypeError, ValueError):
        errors.bad("trails", past, "points x, y of shape (K, 2) for each box")


@dataclass
class _Mark:
    """One box with all that is drawn at it."""

    key: Hashable  # whose box it is: boxes of one key in following frames make a trail
    box: bx.Boxes
    text: str
    color: Color
    dash: tuple[float, float] | None
    trail: NDArray[np.float32] | None = None


def _marks(
    boxes: bx.Boxes,
    ids: Sequence[Any] | None = None,
    labels: Any = None,
    scores: Any = None,
    colors: Any = None,
    dashed: bool | None = None,
) -> list[_Mark]:
    """What to draw for the boxes `(N, 4)` of one frame."""
    count = len(boxes)
    ids = _each("ids", ids, count)
    labels = _each("labels", [labels] * count if isinstance(labels, str) else labels, count)
    scores = _each("scores", _numbers(scores), count)
    if _is_one_color(colors):
        colors = [colors] * count
    colors = _each("colors", colors, count)
    marks = []
    for row in range(count):
        identity = None if ids is None else ids[row]
        if not isinstance(identity, Hashable):
            errors.bad("ids", identity, "whole numbers or names")
        color = color_of(1 if identity is None else identity)
        dash = None if identity is None else dash_of(identity)
        text = _text(
            identity,
            None if labels is None else labels[row],
            None if scores is None else scores[row],
        )
        if colors is not None:
            color = _color(colors[row])
        if dashed is not None:
            dash = DASHES[1] if dashed else None
        key = row if identity is None else identity
        marks.append(_Mark(key, boxes[row], text, color, dash))
    return marks


def _paint(canvas: Frame, marks: list[_Mark], scale: float, thickness: int | None) -> Frame:
    """Draw marks, whose boxes are in pixels of the frame before it was scaled, on the canvas."""
    if thickness is None:
        thickness = max(1, round(min(canvas.shape[:2]) / 170))
    thickness = int(errors.number("thickness", thickness, low=1, whole=True))
    for mark in marks:
        if mark.trail is not None:
            _draw_trail(canvas, mark.trail, mark.color, thickness)
    present = [mark for mark in marks if np.isfinite(mark.box).all()]
    for mark in present:
        _draw_box(canvas, mark.box * np.float32(scale), mark.color, mark.dash, thickness)
    taken: list[tuple[int, int, int, int]] = []
    for mark in present:
        if mark.text:
            _draw_label(canvas, mark.box * np.float32(scale), mark.text, mark.color, taken)
    return canvas


def resize(frame: NDArray[np.uint8], scale: float) -> Frame:
    """A new frame, `scale` times as large: sharp squares for whole factors, smooth otherwise."""
    height, width = (max(1, round(side * scale)) for side in frame.shape[:2])
    if (height, width) == frame.shape[:2]:
        return frame.copy()
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if scale > 1 and float(scale).is_integer():
        how = cv2.INTER_NEAREST
    return np.asarray(cv2.resize(frame, (width, height), interpolation=how), np.uint8)


def _each(name: str, values: Any, count: int, of: str = "boxes") -> Any:
    if values is None:
        return None
    if not _is_list(values):
        errors.bad(name, values, f"a list of values, one for each of {count} {of}")
    if len(values) != count:
        errors.bad(name, errors.Said(f"{len(values)} values"), f"one for each of {count} {of}")
    return values


def _is_list(values: Any) -> bool:
    """Whether values can be counted and taken by place: a list, a tuple, a range, an array."""
    if isinstance(values, Sequence):
        return not isinstance(values, (str, bytes))
    return hasattr(values, "__array__") and np.ndim(values) > 0


def _numbers(scores: Any) -> NDArray[np.float64] | None:
    """Scores of one frame's boxes."""
    if scores is None:
        return None
    try:
        array = np.atleast_1d(np.asarray(scores, np.float64))
    except (TypeError, ValueError):
        array = np.zeros((0, 0))
    if array.ndim != 1:
        errors.bad("scores", scores, "a number for each box")
    return array


def _is_one_color(colors: Any) -> bool:
    """Whether colours are one RGB triple for all, and not a list of them."""
    single = (int, float, np.integer, np.floating)
    try:
        return len(colors) > 0 and all(isinstance(part, single) for part in colors)
    except TypeError:
        return False


def _color(color: Any) -> Color:
    try:
        red, green, blue = (int(errors.number("color", c, low=0, high=255)) for c in color)
    except (TypeError, ValueError):
        errors.bad("colors", color, "RGB triples of numbers from 0 to 255")
    return red, green, blue


def _text(identity: Any, label: str | None, score: Any) -> str:
    parts = [] if identity is None else [str(identity)]
    if label:
        parts.append(str(label))
    if score is not None and np.isfinite(score):
        parts.append(f"{float(score):.2f}")
    plain = unicodedata.normalize("NFKD", " ".join(parts))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode()


def _draw_box(
    canvas: Frame, box: bx.Boxes, color: Color, dash: tuple[float, float] | None, thickness: int
) -> None:
    """An outline on the outermost pixels inside the box, with a dark rim on both sides of it."""
    height, width = canvas.shape[:2]
    far = 2 * max(height, width)  # beyond, nothing is seen, and dashes would be without end
    x1, y1, x2, y2 = (int(v) for v in np.round(np.clip(box, -far, far + max(height, width))))
    x2, y2 = max(x1 + 1, x2), max(y1 + 1, y2)
    _draw_outline(canvas, x1 - 1, y1 - 1, x2 + 1, y2 + 1, HALO, None, thickness + 2)
    _draw_outline(canvas, x1, y1, x2, y2, color, dash, thickness)


def _draw_outline(
    canvas: Frame,
    x1: int,
    y1: int,
    x2: int,
    y2: int,
    color: Color,
    dash: tuple[float, float] | None,
    thickness: int,
) -> None:
    across, down = min(thickness, x2 - x1), min(thickness, y2 - y1)
    for a, b in _dashes(x2 - x1, dash, thickness):
        _fill(canvas, x1 + a, y1, x1 + b, y1 + down, color)
        _fill(canvas, x1 + a, y2 - down, x1 + b, y2, color)
    for a, b in _dashes(y2 - y1, dash, thickness):
        _fill(canvas, x1, y1 + a, x1 + across, y1 + b, color)
        _fill(canvas, x2 - across, y1 + a, x2, y1 + b, color)


def _dashes(
    length: int, dash: tuple[float, float] | None, thickness: int
) -> Iterator[tuple[int, int]]:
    """Where the dashes of a side begin and end; a whole number of them, so corners are closed."""
    if dash is None:
        yield 0, length
        return
    on, off = (part * max(thickness, 2) for part in dash)
    count = max(1, round((length + off) / (on + off)))
    period = (length + off) / count
    for place in range(count):
        begin = round(place * period)
        yield begin, min(length, max(begin + 1, round(place * period + period * on / (on + off))))


def _fill(canvas: Frame, x1: int, y1: int, x2: int, y2: int, color: Color) -> None:
    canvas[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = color


def _draw_trail(canvas: Frame, points: NDArray[np.float32], color: Color, thickness: int) -> None:
    far = 4 * max(canvas.shape[:2])  # coordinates must fit OpenCV's integers
    points = np.clip(points.reshape(-1, 2), -far, far)
    pairs = np.stack([points[:-1], points[1:]], axis=1)
    known = np.isfinite(pairs).all((1, 2))  # the line breaks where the object was absent
    whole = np.round(pairs[known]).astype(np.int32)
    cv2.polylines(canvas, list(whole), False, HALO, thickness + 2, cv2.LINE_AA)
    ages = (np.flatnonzero(known) + 1) / max(1, len(pairs))
    for (a, b), age in zip(whole.tolist(), ages, strict=True):
        fade = 0.35 + 0.65 * age  # the past grows dark
        cv2.line(canvas, a, b, tuple(int(part * fade) for part in color), thickness, cv2.LINE_AA)


def _draw_label(
    canvas: Frame, box: bx.Boxes, text: str, color: Color, taken: list[tuple[int, int, int, int]]
) -> None:
    """Text on a plate in the box's colour: above the box, or where there is room."""
    height, width = canvas.shape[:2]
    letter = float(np.clip(min(height, width) / 40, 8, 22))  # of a capital letter, in pixels
    size, weight = letter / FONT_HEIGHT, max(1, round(letter / 9))
    (text_width, text_height), below = cv2.getTextSize(text, FONT, size, weight)
    margin = max(2, round(letter / 5))
    plate_width, plate_height = text_width + 2 * margin, text_height + below // 2 + 2 * margin
    x1, y1, _, y2 = (float(v) for v in box)
    if box[2] < 0 or box[3] < 0 or x1 > width or y1 > height:
        return  # the box is outside the picture
    left = int(np.clip(round(x1), 0, max(0, width - plate_width)))
    places = [round(y1) - plate_height, round(y2), round(y1)]
    tops = [top for top in places if 0 <= top <= height - plate_height] or [0]
    free = [top for top in tops if not _meets((left, top, plate_width, plate_height), taken)]
    top = (free or tops)[0]
    taken.append((left, top, plate_width, plate_height))
    cv2.rectangle(canvas, (left, top), (left + plate_width, top + plate_height), color, -1)
    # Dark or light, whichever stands out: relative luminance of sRGB (WCAG 2, section 1.4.3).
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), (np.array(color) / 255) ** 2.2))
    ink = DARK if luminance > 0.18 else LIGHT
    at = (left + margin, top + margin + text_height)
    cv2.putText(canvas, text, at, FONT, size, ink, weight, cv2.LINE_AA)


def _meets(plate: tuple[int, int, int, int], taken: list[tuple[int, int, int, int]]) -> bool:
    x, y, w, h = plate
    return any(x < a + c and a < x + w and y < b + d and b < y + h for a, b, c, d in taken)


def annotate(
    frames: Clip | Any,
    boxes: Any = None,
    *,
    ids: Any = None,
    labels: Any = None,
    scores: Any = None,
    trails: int = 0,
    colors: Any = None,
    thickness: int | None = None,
    scale: float = 1.0,
) -> Annotated:
    """The frames of a clip with boxes drawn on them, drawn when they are asked for.

    frames: a clip, or a sequence of frames `(H, W, 3)` uint8 RGB.
    boxes: `(T, N, 4)`, or `(T, 4)` for one object, float32 xyxy pixels, NaN where absent; or a
        list of T arrays `(n, 4)`, where each frame has its own number (then `ids`, `labels` and
        `scores` are lists of T lists); or a `Truth`; or a dict from names to any of these, which
        draws each name's boxes in its own colour and line with the name beside them, and nothing
        else (then `ids`, `labels` and `scores` are refused).
    ids: `(N,)` identities; of a `Truth` its own if None.
    labels: `(N,)` texts, or one for all; of a `Truth` its class names if None.
    scores: `(T, N)` numbers.
    trails: how many frames of each object's past to draw as a line; 0 for none.
    colors: as in `draw`; of a dict one for each name, or one for all.
    thickness, scale: as in `draw`.

    Returns a lazy sequence of frames, as long as `frames`. Raises `InputError` where the lengths
    of frames and boxes, or of boxes and what belongs to them, do not agree.
    """
    if isinstance(frames, Clip):
        frames = frames.frames
    if not isinstance(frames, Frames) or isinstance(frames, (str, bytes, Mapping)):
        errors.bad("frames", frames, "a clip, or a sequence of RGB images (H, W, 3)")
    if thickness is not None:
        thickness = int(errors.number("thickness", thickness, low=1, whole=True))
    trails = int(errors.number("trails", trails, low=0, whole=True))
    scale = errors.number("scale", scale, low=1e-3)
    count = len(frames)
    marks: list[list[_Mark]] = [[] for _ in range(count)]
    if isinstance(boxes, Truth):
        ids = boxes.ids.tolist() if ids is None else ids
        if labels is None and boxes.class_names and (boxes.classes >= 0).any():
            labels = [boxes.class_names[c] if c >= 0 else "" for c in boxes.classes]
        boxes = boxes.boxes
    if isinstance(boxes, Mapping):
        for name, value in (("ids", ids), ("labels", labels), ("scores", scores)):
            if value is not None:
                errors.bad(name, value, "None beside boxes by name: the names are the labels")
        chosen = [colors] * len(boxes) if _is_one_color(colors) else colors
        chosen = _each("colors", chosen, len(boxes), "names")
        for place, (name, named) in enumerate(boxes.items(), 1):
            rows = _in_time(f"boxes[{name!r}]", _boxes_of(named), count)
            color = color_of(place) if chosen is None else _color(chosen[place - 1])
            for frame_marks, row in zip(marks, rows, strict=True):
                for mark in _marks(row, labels=str(name), colors=color):
                    mark.key, mark.dash = (name, mark.key), dash_of(place)
                    frame_marks.append(mark)
    elif boxes is not None:
        rows = _in_time("boxes", boxes, count)
        ragged = len({len(row) for row in rows}) > 1
        for time, row in enumerate(rows):
            marks[time] = _marks(
                row,
                _at(time, "ids", ids, count, by_frame=ragged or _ragged(ids)),
                _at(time, "labels", labels, count, by_frame=_ragged(labels)),
                _at(time, "scores", scores, count, by_frame=True),
                colors,
            )
    return Annotated(frames, marks, trails, thickness, scale)


def _boxes_of(boxes: Any) -> Any:
    return boxes.boxes if isinstance(boxes, Truth) else boxes


def _at(time: int, name: str, values: Any, count: int, *, by_frame: bool) -> Any:
    """What belongs to the boxes of one frame, of values given by frame or once for all frames."""
    if values is None or not by_frame:
        return values
    return _each(name, values, count, "frames")[time]


def _in_time(name: str, boxes: Any, count: int) -> list[bx.Boxes]:
    """Boxes of each of `count` frames, `(n, 4)`, from any form that `annotate` takes."""
    try:
        length = len(boxes)
    except TypeError:
        errors.bad(name, boxes, "boxes of shape (T, N, 4) or (T, 4)")
    if length != count:
        errors.bad(name, errors.Said(f"boxes of {length} frames"), f"those of {count} frames")
    rows = [bx.as_boxes(row, f"{name}[{time}]", absent=True) for time, row in enumerate(boxes)]
    rows = [row[None] if row.ndim == 1 else row for row in rows]
    for time, row in enumerate(rows):
        if row.ndim != 2:
            errors.bad(f"{name}[{time}]", row, "shape (N, 4) or (4,)")
    return rows


def _ragged(values: Any) -> bool:
    """Whether values come as one list a frame, and not as one list for the whole clip."""
    return _is_list(values) and len(values) > 0 and _is_list(values[0])


class Annotated:
    """A lazy sequence of drawn frames; made by `annotate`."""

    def __init__(
        self,
        frames: Any,
        marks: list[list[_Mark]],
        trails: int,
        thickness: int | None,
        scale: float,
    ) -> None:
        self.origin, self._marks, self._trails = frames, marks, trails
        self._thickness, self._scale = thickness, scale
        # Where everyone was in each frame, for the trails.
        self._centers: list[dict[Hashable, NDArray[np.float32]]] = []
        for row in marks if trails else ():
            where = bx.centers(np.array([mark.box for mark in row], np.float32).reshape(-1, 4))
            self._centers.append({mark.key: c for mark, c in zip(row, where, strict=True)})

    def __len__(self) -> int:
        return len(self.origin)

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Part(self, range(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index}: there are {len(self)} frames, from 0")
        index = int(index) % len(self)
        marks = [replace(mark, trail=self._past(mark.key, index)) for mark in self._marks[index]]
        canvas = resize(errors.image(f"frames[{index}]", self.origin[index]), self._scale)
        return _paint(canvas, marks, self._scale, self._thickness)

    def _past(self, key: Hashable, index: int) -> NDArray[np.float32] | None:
        """Centres `(K, 2)` of an object in the frames up to this one; NaN where it was absent."""
        if not self._trails:
            return None
        points = np.full((self._trails + 1, 2), np.nan, np.float32)
        for row, time in enumerate(range(index - self._trails, index + 1)):
            if time >= 0 and key in self._centers[time]:
                points[row] = self._centers[time][key]
        return points * np.float32(self._scale)
