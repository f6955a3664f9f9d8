"""Exercises of lesson 03: overlap, GIoU, decoding, matching, suppression, average precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes  # in the references, as a lesson writes it
from tracklab import boxes as bx  # elsewhere, for there `boxes` are arrays
from tracklab.exercises import sketch
from tracklab.exercises.engine import Exercise, Misconception

Box = NDArray[np.float32]
Boxes = NDArray[np.float32]
Floats = NDArray[Any]

POSITIVE, NEGATIVE = 0.7, 0.3
CLEAR = 1e-3  # an overlap is at least so far from a threshold, so that rounding decides nothing


def _box(*corners: float) -> Box:
    return np.array(corners, np.float32)


def _random_box(rng: np.random.Generator, room: int = 40) -> Box:
    x, y = rng.integers(0, room, 2)
    width, height = rng.integers(4, 30, 2)
    return _box(x, y, x + width, y + height)


def _have_area(*boxes: Boxes, least: float = 1.0) -> bool:
    return all(bool((b[..., 2:] - b[..., :2] >= least).all()) for b in boxes)


def _whole(*boxes: Boxes) -> bool:
    return all(bool(np.isfinite(b).all() and (b == np.round(b)).all()) for b in boxes)


def _number(value: Any) -> str:
    try:
        return f"{float(value):.3g}"
    except (TypeError, ValueError):
        return "no number"


# -- iou -----------------------------------------------------------------------------------------


def iou_starter(predicted: Box, annotated: Box) -> float:
    """The IoU of two boxes from two sources: a number from 0 to 1.

    `predicted` is a tracker's box: x1, y1, x2, y2. `annotated` comes from an annotation file that
    keeps x, y, w, h: the upper left corner, and the size. Both have an area.
    """
    return ...  # type: ignore[return-value]


def iou(predicted: Box, annotated: Box) -> float:
    """The IoU of a box `x1, y1, x2, y2` with a box `x, y, w, h`."""
    x1, y1, x2, y2 = (float(value) for value in predicted)
    x, y, w, h = (float(value) for value in annotated)
    # w' = max(0, min(x2, x + w) - max(x1, x)), and h' alike
    width = max(0.0, min(x2, x + w) - max(x1, x))
    height = max(0.0, min(y2, y + h) - max(y1, y))
    shared = width * height
    # |a or b| = |a| + |b| - |a and b|
    union = (x2 - x1) * (y2 - y1) + w * h - shared
    # IoU = |a and b| / |a or b|
    return shared / union


def _iou_by_package(predicted: Box, annotated: Box) -> Any:
    return bx.iou(predicted[None], bx.xywh_to_xyxy(annotated)[None])[0, 0]


def _iou_by_numpy(predicted: Box, annotated: Box) -> Any:
    a = np.asarray(predicted, np.float64)
    b = np.r_[annotated[:2], annotated[:2] + annotated[2:]].astype(np.float64)
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def _parts(predicted: Box, annotated: Box, more: float = 0.0) -> tuple[float, float, float]:
    """Shared area, and both areas, with `more` added to each width."""
    a, b = np.asarray(predicted, float), np.asarray(annotated, float)
    b = np.r_[b[:2], b[:2] + b[2:]]
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.clip(high - low + more, 0, None))
    one, two = (float(np.prod(c[2:] - c[:2] + more)) for c in (a, b))
    return float(shared), one, two


def _iou_as_corners(predicted: Box, annotated: Box) -> float:
    """Reads `w, h` as a corner; what has no area then is empty."""
    return float(bx.iou(predicted[None], annotated[None])[0, 0])


def _iou_as_corners_unchecked(predicted: Box, annotated: Box) -> float:
    """The same, by a formula that takes boxes with corners in the wrong order as they come."""
    sizes = np.asarray(annotated, float)[2:] - np.asarray(annotated, float)[:2]
    return iou(predicted, np.r_[annotated[:2], sizes])


def _iou_as_centre(predicted: Box, annotated: Box) -> float:
    return iou(predicted, np.r_[annotated[:2] - annotated[2:] / 2, annotated[2:]])


def _iou_plus_one(predicted: Box, annotated: Box) -> float:
    shared, a, b = _parts(predicted, annotated, 1.0)
    return shared / (a + b - shared)


def _iou_plus_one_shared(predicted: Box, annotated: Box) -> float:
    shared, a, b = _parts(predicted, annotated)[0], *_parts(predicted, annotated, 1.0)[1:]
    return shared / (a + b - shared)


def _iou_without_max(predicted: Box, annotated: Box) -> float:
    a, b = np.asarray(predicted, float), np.asarray(annotated, float)
    b = np.r_[b[:2], b[:2] + b[2:]]
    shared = float(np.prod(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])))
    _, area, other = _parts(predicted, annotated)
    return shared / (area + other - shared)


def _iou_over_sum(predicted: Box, annotated: Box) -> float:
    shared, a, b = _parts(predicted, annotated)
    return shared / (a + b)


def _dice(predicted: Box, annotated: Box) -> float:
    return 2 * _iou_over_sum(predicted, annotated)


def _over_smaller(predicted: Box, annotated: Box) -> float:
    shared, a, b = _parts(predicted, annotated)
    return shared / min(a, b)


def _over_annotated(predicted: Box, annotated: Box) -> float:
    shared, _, b = _parts(predicted, annotated)
    return shared / b


def _over_predicted(predicted: Box, annotated: Box) -> float:
    shared, a, _ = _parts(predicted, annotated)
    return shared / a


def _only_shared(predicted: Box, annotated: Box) -> float:
    return _parts(predicted, annotated)[0]


def _iou_percent(predicted: Box, annotated: Box) -> float:
    return 100 * iou(predicted, annotated)


def _iou_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    return _random_box(rng), bx.xyxy_to_xywh(_random_box(rng))


def _iou_valid(predicted: Box, annotated: Box) -> bool:
    good = predicted.shape == annotated.shape == (4,) and _whole(predicted, annotated)
    return good and _have_area(predicted) and bool((annotated[2:] >= 1).all())


def _draw_iou(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    predicted, annotated = inputs
    other = bx.xywh_to_xyxy(annotated)
    sheet = sketch.Sheet(predicted, other)
    sheet.box(predicted, sketch.GIVEN, label="predicted", key="predicted, x1 y1 x2 y2")
    sheet.box(other, sketch.OTHER, label="annotated", below=True, key="annotated, x y w h")
    upper, lower = np.maximum(predicted[:2], other[:2]), np.minimum(predicted[2:], other[2:])
    if (lower > upper).all():
        sheet.box(np.r_[upper, lower], sketch.WANTED, key="shared")
    sheet.note(f"wanted: {_number(wanted)}", sketch.WANTED)
    sheet.note(f"yours: {_number(got)}", sketch.YOURS, dashed=True)
    return sheet.picture()


IOU = Exercise(
    name="03-iou",
    task="the IoU of a predicted box, x1 y1 x2 y2, and an annotated one, x y w h",
    starter=iou_starter,
    reference=iou,
    cases=(
        (_box(0, 0, 10, 10), _box(5, 0, 10, 10)),
        (_box(10, 20, 40, 60), _box(10, 20, 30, 40)),
        (_box(0, 0, 10, 10), _box(20, 20, 5, 5)),
        (_box(0, 0, 10, 10), _box(2, 2, 4, 6)),
        (_box(0, 0, 10, 10), _box(10, 0, 10, 10)),
        (_box(5, 5, 25, 45), _box(20, 30, 30, 10)),
        (_box(0, 0, 10, 10), _box(20, 0, 9, 8)),
        (_box(30, 30, 60, 60), _box(35, 28, 20, 30)),
    ),
    generate=_iou_inputs,
    valid=_iou_valid,
    misconceptions=(
        Misconception(
            "width and height read as a corner",
            _iou_as_corners,
            "You read the annotation's `w, h` as its lower right corner. They are its size: "
            "x2 = x + w, y2 = y + h. This is the most frequent accident with boxes.",
            variants=(_iou_as_corners_unchecked,),
        ),
        Misconception(
            "corner read as the centre",
            _iou_as_centre,
            "You took the annotation's x, y for its centre. Here it is the upper left corner.",
        ),
        Misconception(
            "widths with + 1",
            _iou_plus_one,
            "You added 1 to the widths. That belongs to boxes that name their last pixel. Ours "
            "name the edge behind it: the width is x2 - x1.",
            variants=(_iou_plus_one_shared,),
        ),
        Misconception(
            "no max(0, ...)",
            _iou_without_max,
            "Where boxes lie apart, min(x2) - max(x1) is negative, and two negative numbers make a "
            "positive area. Cut each off at 0 before you multiply.",
        ),
        Misconception(
            "shared area counted twice",
            _iou_over_sum,
            "The sum of both areas counts the shared part twice. Subtract it once.",
        ),
        Misconception(
            "Dice",
            _dice,
            "Twice the shared area over the sum of the areas is the Dice coefficient: a relative "
            "of the IoU, and larger.",
        ),
        Misconception(
            "over one of the boxes",
            _over_smaller,
            "You divided by the area of one box. A box that lies inside another would then be "
            "perfect, however small it is. Divide by what the two cover together.",
            variants=(_over_annotated, _over_predicted),
        ),
        Misconception(
            "not divided",
            _only_shared,
            "That is the shared area, in square pixels. Divide it by the area of the union.",
        ),
        Misconception(
            "in percent",
            _iou_percent,
            "Right but for the unit: IoU runs from 0 to 1, not to 100.",
        ),
    ),
    alternatives=(_iou_by_package, _iou_by_numpy),
    hints=(
        "Bring both boxes into one format first. Which four numbers say where the annotated one "
        "ends?",
        "The shared part begins at the larger of the two x1 and ends at the smaller of the two x2. "
        "What does that give where the boxes lie apart?",
        "`w = max(0, min(x2, x + w2) - max(x1, x))`, the height alike. Their product is shared by "
        "both; the union is both areas minus that.",
    ),
    praise="You compared boxes in two formats, and were not fooled by their numbers.",
    onward="`boxes.iou` does it for every pair of two lists at once.",
    draw=_draw_iou,
    alt="The predicted box, the annotated box and what they share.",
)


# -- giou ----------------------------------------------------------------------------------------


def giou_starter(a: Box, b: Box) -> float:
    """The GIoU of two boxes x1, y1, x2, y2: a number from -1 to 1. Both have an area."""
    return ...  # type: ignore[return-value]


def giou(a: Box, b: Box) -> float:
    """The GIoU of two boxes: IoU, less the empty share of the smallest box around both."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared
    # the hull: from the smallest corner to the largest one
    hull = np.prod(np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2]))
    # GIoU = IoU - (|hull| - |a or b|) / |hull|
    return float(shared / union - (hull - union) / hull)


def _giou_by_package(a: Box, b: Box) -> Any:
    return bx.giou(a[None], b[None])[0, 0]


def _giou_by_min_max(a: Box, b: Box) -> float:
    (p, q, r, s), (t, u, v, w) = a.tolist(), b.tolist()
    shared = max(0, min(r, v) - max(p, t)) * max(0, min(s, w) - max(q, u))
    union = (r - p) * (s - q) + (v - t) * (w - u) - shared
    return shared / union + union / ((max(r, v) - min(p, t)) * (max(s, w) - min(q, u))) - 1


def _giou_parts(a: Box, b: Box) -> tuple[float, float, float]:
    """Shared area, union and hull."""
    shared, one, two = _parts(a, bx.xyxy_to_xywh(b))
    hull = np.prod(np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2]))
    return shared, one + two - shared, float(hull)


def _giou_is_iou(a: Box, b: Box) -> float:
    shared, union, _ = _giou_parts(a, b)
    return shared / union


def _giou_by_union(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    return shared / union - (hull - union) / union


def _giou_without_union(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    return shared / union - (hull - shared) / hull


def _giou_at_least_0(a: Box, b: Box) -> float:
    return max(0.0, giou(a, b))


def _giou_loss(a: Box, b: Box) -> float:
    return 1 - giou(a, b)


def _giou_only_empty(a: Box, b: Box) -> float:
    _, union, hull = _giou_parts(a, b)
    return -(hull - union) / hull


def _giou_plus(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    return shared / union + (hull - union) / hull


def _giou_only_apart(a: Box, b: Box) -> float:
    return _giou_is_iou(a, b) or giou(a, b)


def _giou_over_sum(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    both = union + shared
    return shared / both - (hull - both) / hull


def _giou_over_sum_in_iou(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    return shared / (union + shared) - (hull - union) / hull


def _giou_over_sum_in_hull(a: Box, b: Box) -> float:
    shared, union, hull = _giou_parts(a, b)
    return shared / union - (hull - union - shared) / hull


def _giou_inner_hull(a: Box, b: Box) -> float:
    shared, union, _ = _giou_parts(a, b)
    hull = np.prod(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    return float(shared / union - (hull - union) / hull) if hull else math.nan


def _giou_without_max(a: Box, b: Box) -> float:
    shared = float(np.prod(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])))
    union = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)
    hull = _giou_parts(a, b)[2]
    return shared / union - (hull - union) / hull


def _giou_valid(a: Box, b: Box) -> bool:
    return a.shape == b.shape == (4,) and _whole(a, b) and _have_area(a, b)


def _draw_giou(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    a, b = inputs
    hull = np.r_[np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])]
    sheet = sketch.Sheet(hull)
    sheet.box(hull, sketch.OTHER, dashed=True, key="the hull")
    sheet.box(a, sketch.GIVEN, label="a", key="a and b")
    sheet.box(b, sketch.GIVEN, label="b", below=True)
    sheet.note(f"wanted: {_number(wanted)}", sketch.WANTED)
    sheet.note(f"yours: {_number(got)}", sketch.YOURS, dashed=True)
    return sheet.picture()


GIOU = Exercise(
    name="03-giou",
    task="the GIoU of two boxes: IoU, less the empty share of the smallest box around both",
    starter=giou_starter,
    reference=giou,
    cases=(
        (_box(0, 0, 10, 10), _box(30, 0, 40, 10)),
        (_box(0, 0, 10, 10), _box(5, 0, 15, 10)),
        (_box(0, 0, 10, 10), _box(5, 5, 15, 15)),
        (_box(0, 0, 10, 10), _box(0, 0, 10, 10)),
        (_box(0, 0, 10, 10), _box(20, 30, 26, 34)),
        (_box(0, 0, 20, 20), _box(5, 5, 10, 10)),
    ),
    generate=lambda rng: (_random_box(rng), _random_box(rng)),
    valid=_giou_valid,
    misconceptions=(
        Misconception(
            "IoU",
            _giou_is_iou,
            "That is the IoU: 0 for all boxes that lie apart. Subtract the share of the hull that "
            "neither box covers.",
        ),
        Misconception(
            "IoU where boxes overlap",
            _giou_only_apart,
            "Here you gave the IoU. The empty share is subtracted everywhere, also where boxes "
            "overlap: two that do may still leave corners of their hull empty.",
        ),
        Misconception(
            "shared area counted twice",
            _giou_over_sum,
            "The sum of both areas counts the shared part twice. The union is the sum without it.",
            variants=(_giou_over_sum_in_iou, _giou_over_sum_in_hull),
        ),
        Misconception(
            "divided by the union",
            _giou_by_union,
            "The empty part is a share of the hull: divide by the hull, not by the union.",
        ),
        Misconception(
            "all but the shared part",
            _giou_without_union,
            "You took everything in the hull that is not shared. Empty is what neither box covers: "
            "the hull minus the union.",
        ),
        Misconception(
            "cut off at 0",
            _giou_at_least_0,
            "You cut it off at 0. The values below 0 are the point of it: they tell boxes that are "
            "far apart from boxes that nearly touch.",
        ),
        Misconception(
            "the loss",
            _giou_loss,
            "1 - GIoU is the loss that a network minimises. Wanted is GIoU itself.",
        ),
        Misconception(
            "without IoU",
            _giou_only_empty,
            "That is only what is taken off. GIoU is the IoU minus it.",
        ),
        Misconception(
            "added",
            _giou_plus,
            "You added the empty share. More empty space is worse: subtract it.",
        ),
        Misconception(
            "hull inside out",
            _giou_inner_hull,
            "Your hull is the shared part. The smallest box around both begins at the smaller x1 "
            "and ends at the larger x2.",
        ),
        Misconception(
            "no max(0, ...)",
            _giou_without_max,
            "Boxes that lie apart in both directions have two negative differences, and their "
            "product is a positive area. Cut each off at 0 before you multiply.",
        ),
    ),
    alternatives=(_giou_by_package, _giou_by_min_max),
    hints=(
        "Start from the IoU. Draw the smallest box that holds both. Which part of it is empty?",
        "The hull begins at the smaller of both x1 and of both y1, and ends at the larger x2 and "
        "y2. Empty is the hull's area minus the union.",
        "`iou - (hull - union) / hull`, and none of it is cut off at 0.",
    ),
    praise="Now two boxes that do not touch have a number that says how far they are from it.",
    onward="`1 - boxes.giou(...)` is a loss: the lesson lets it pull boxes over empty ground.",
    draw=_draw_giou,
    alt="Two boxes and the smallest box around both.",
)


# -- decode --------------------------------------------------------------------------------------


def decode_starter(anchors: Boxes, offsets: Floats) -> Boxes:
    """The boxes x1, y1, x2, y2 that offsets mean, one for each anchor: shape (N, 4).

    `anchors` are x1, y1, x2, y2, and `offsets` dx, dy, dw, dh, both of shape (N, 4). The centre
    moves by dx anchor widths and dy anchor heights; width and height are multiplied by exp(dw) and
    exp(dh). A network may say anything: no dw or dh counts for more than log(1000 / 16).
    """
    return ...  # type: ignore[return-value]


def decode(anchors: Boxes, offsets: Floats) -> Boxes:
    """The boxes that `offsets` mean, one for each anchor."""
    size = anchors[:, 2:] - anchors[:, :2]
    center = anchors[:, :2] + size / 2
    # c = c_a + d s_a
    center = center + offsets[:, :2] * size
    # s = s_a exp(min(d, log(1000 / 16)))
    size = size * np.exp(np.minimum(offsets[:, 2:], np.log(1000 / 16)))
    return np.concatenate([center - size / 2, center + size / 2], axis=1)


def _decode_by_package(anchors: Boxes, offsets: Floats) -> Any:
    return bx.decode(anchors, offsets)


def _decode_by_loop(anchors: Boxes, offsets: Floats) -> Any:
    found = []
    for (x1, y1, x2, y2), (dx, dy, dw, dh) in zip(anchors.tolist(), offsets.tolist(), strict=True):
        w, h = (x2 - x1) * min(math.exp(dw), 62.5), (y2 - y1) * min(math.exp(dh), 62.5)
        x, y = (x1 + x2) / 2 + dx * (x2 - x1), (y1 + y2) / 2 + dy * (y2 - y1)
        found.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return found


def _decoded(
    anchors: Boxes,
    offsets: Floats,
    *,
    high: float = math.log(1000 / 16),
    low: float = -math.inf,
    move_high: float = math.inf,
    move_low: float = -math.inf,
    by_size: bool = True,
    from_corner: bool = False,
    corner_form: bool = False,
    centre_form: bool = False,
    one_plus: bool = False,
    swapped: bool = False,
    full_size: bool = False,
    new_size: bool = False,
) -> Boxes:
    """`decode` with its mistakes as switches."""
    a, d = np.asarray(anchors, float), np.asarray(offsets, float)
    size = a[:, 2:] - a[:, :2]
    center = a[:, :2] if from_corner else a[:, :2] + size / 2
    grow = np.clip(d[:, 2:], low, high)
    move = np.clip(d[:, :2], move_low, move_high)
    grown = size * (1 + d[:, 2:] if one_plus else np.exp(grow))
    unit = size[:, ::-1] if swapped else grown if new_size else size
    center = center + (move * unit if by_size else move)
    if centre_form:
        return np.concatenate([center, grown], 1)
    half = grown if full_size else grown / 2
    if corner_form:
        return np.concatenate([center, center + grown], 1)
    return np.concatenate([center - half, center + half], 1)


_CLAMP = math.log(1000 / 16)


def _decode_unclamped(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, high=math.inf)


def _decode_clamps_both_ends(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, low=-_CLAMP)


def _decode_clamps_all(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, move_high=_CLAMP)


def _decode_clamps_all_both_ends(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, low=-_CLAMP, move_high=_CLAMP, move_low=-_CLAMP)


def _decode_clamps_at_factor(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, high=1000 / 16)


def _decode_in_pixels(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, by_size=False)


def _decode_from_corner(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, from_corner=True, corner_form=True)


def _decode_from_corner_as_centre(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, from_corner=True)


def _decode_to_centre(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, centre_form=True)


def _decode_linear(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, one_plus=True)


def _decode_swapped(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, swapped=True)


def _decode_whole_size(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, full_size=True)


def _decode_by_new_size(anchors: Boxes, offsets: Floats) -> Any:
    return _decoded(anchors, offsets, new_size=True)


def _decode_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 4))
    anchors = np.stack([_random_box(rng) for _ in range(count)])
    offsets = np.round(rng.normal(0, 0.7, (count, 4)), 1)
    if rng.random() < 0.4:
        offsets[rng.integers(count), rng.integers(2, 4)] = rng.choice([-6, 5, 6, 9])
    if rng.random() < 0.2:
        offsets[rng.integers(count), rng.integers(2)] = rng.choice([-6, 5, 6])
    return anchors, offsets.astype(np.float32)


def _decode_valid(anchors: Boxes, offsets: Floats) -> bool:
    if anchors.shape != offsets.shape or anchors.ndim != 2 or not len(anchors):
        return False
    if anchors.shape[1] != 4 or not _whole(anchors) or not _have_area(anchors):
        return False
    return bool(np.isfinite(offsets).all() and np.abs(offsets).max() <= 80)


def _draw_decode(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    anchors, offsets = inputs
    mine = np.asarray(got, float)
    if mine.shape != wanted.shape:
        return None
    off = np.abs(mine - wanted).max(1)
    row = int(np.argmax(np.where(np.isfinite(off), off, np.inf)))
    box, right = mine[row], np.asarray(wanted[row], float)
    span = max(float(np.ptp(right)), 60.0)
    drawable = np.isfinite(box).all() and np.abs(box - right).max() < 30 * span
    sheet = sketch.Sheet(anchors[row], right, box if drawable else right)
    moves = ", ".join(f"{value:g}" for value in offsets[row])
    sheet.box(anchors[row], sketch.GIVEN, label="anchor", key=f"anchor; offsets {moves}")
    sheet.box(right, sketch.WANTED, key="wanted")
    if drawable:
        # a box whose corners are in the wrong order is drawn where its corners are
        sheet.box(box, sketch.YOURS, key="yours", dashed=True)
    else:
        width = f"{box[2] - box[0]:.3g}" if np.isfinite(box).all() else "endless"
        sheet.note(f"yours: too large to draw ({width} px wide)", sketch.YOURS, dashed=True)
    return sheet.picture()


_ANCHORS = np.array([[10, 10, 30, 50], [0, 0, 8, 8]], np.float32)

DECODE = Exercise(
    name="03-decode",
    task="the boxes that a network's offsets from its anchors mean, with dw and dh clamped",
    starter=decode_starter,
    reference=decode,
    cases=(
        (_ANCHORS[:1], np.array([[0.0, 0.0, 0.0, 0.0]], np.float32)),
        (_ANCHORS[:1], np.array([[0.5, -0.25, 0.0, 0.0]], np.float32)),
        (_ANCHORS[:1], np.array([[0.0, 0.0, 0.7, -0.7]], np.float32)),
        (_ANCHORS, np.array([[0.5, 0.5, 1, 0.5], [-1, 2, -0.5, 0.3]], np.float32)),
        (_ANCHORS[1:], np.array([[0.0, 0.0, 9.0, 0.0]], np.float32)),
        (_ANCHORS[1:], np.array([[0.0, 0.0, 70.0, 0.0]], np.float32)),
        (_ANCHORS[1:], np.array([[5.0, 0.0, 0.0, -6.0]], np.float32)),
        (_ANCHORS[1:], np.array([[-5.0, 5.0, 0.1, 0.0]], np.float32)),
    ),
    generate=_decode_inputs,
    valid=_decode_valid,
    atol=1e-3,
    misconceptions=(
        Misconception(
            "no clamp",
            _decode_unclamped,
            "You did not clamp dw and dh. One wild output makes a box of millions of pixels, or an "
            "infinite one, and the loss is NaN from then on.",
        ),
        Misconception(
            "clamped at the other end too",
            _decode_clamps_both_ends,
            "You clamped small boxes as well. A very negative dw makes a very small box, which "
            "does no harm: only the upper end is clamped.",
        ),
        Misconception(
            "clamped the moves too",
            _decode_clamps_all,
            "You clamped dx and dy as well. They are not in an exponential, and can do no harm.",
            variants=(_decode_clamps_all_both_ends,),
        ),
        Misconception(
            "clamped at the factor",
            _decode_clamps_at_factor,
            "You clamped dw at 1000 / 16. That is the largest factor; dw is its logarithm. Clamp "
            "dw at log(1000 / 16), or exp(dw) at 1000 / 16.",
        ),
        Misconception(
            "moves in pixels",
            _decode_in_pixels,
            "You moved by dx pixels. The unit of dx is the anchor's width, and that of dy its "
            "height: so the same number means the same for a small and a large object.",
        ),
        Misconception(
            "from the corner",
            _decode_from_corner,
            "You grew the box from its upper left corner. The offsets say where the centre goes.",
            variants=(_decode_from_corner_as_centre,),
        ),
        Misconception(
            "centre and size",
            _decode_to_centre,
            "You gave back centre and size. Wanted are corners: centre minus half the size, and "
            "centre plus half the size.",
        ),
        Misconception(
            "without exp",
            _decode_linear,
            "You multiplied by 1 + dw. With dw = -2 the width is negative; exp(dw) never is.",
        ),
        Misconception(
            "width and height swapped",
            _decode_swapped,
            "You moved x by the anchor's height. dx counts widths, dy counts heights.",
        ),
        Misconception(
            "whole size to each side",
            _decode_whole_size,
            "Your boxes are twice too large: from the centre it is half the size to each side.",
        ),
        Misconception(
            "moves by the new size",
            _decode_by_new_size,
            "You moved by the size of the new box. The unit is the anchor's size, before it grows.",
        ),
    ),
    alternatives=(_decode_by_package, _decode_by_loop),
    hints=(
        "Turn the anchors into centre and size. What does each of the four offsets change?",
        "`center = center + offsets[:, :2] * size` and `size = size * np.exp(offsets[:, 2:])`: in "
        "this order, for the move is in sizes of the anchor.",
        "Clamp inside the exponential: `np.exp(np.minimum(offsets[:, 2:], np.log(1000 / 16)))`.",
        "Corners: `np.concatenate([center - size / 2, center + size / 2], axis=1)`.",
    ),
    praise="That is how every anchor-based detector speaks, and it cannot blow up.",
    onward="`boxes.encode` is the way back: what the network should have said.",
    draw=_draw_decode,
    alt="The anchor, the wanted box, and yours, dashed.",
)


# -- match ---------------------------------------------------------------------------------------


def match_starter(
    anchors: Boxes, truth: Boxes, positive: float = 0.7, negative: float = 0.3
) -> Any:
    """Which object each anchor answers for: shape (A,), whole numbers.

    `anchors` (A, 4) and the true boxes `truth` (M, 4, M at least 1) are x1, y1, x2, y2. For each
    anchor: the number of the object that it overlaps most, if their IoU is at least `positive`; -1
    (background) if it is below `negative`; -2 (ignored) between the two. But every object keeps
    the anchors that overlap it most, all that are equally good, however low their IoU is; not
    those that do not touch it.
    """
    return ...


def match(anchors: Boxes, truth: Boxes, positive: float = 0.7, negative: float = 0.3) -> Any:
    """Which object each anchor answers for; -1 is background, -2 is ignored."""
    overlap = boxes.iou(anchors, truth)  # (A, M)
    best = overlap.max(axis=1)
    nearest = overlap.argmax(axis=1)
    # object m where IoU >= positive; -1 where IoU < negative; -2 between
    matched = np.where(best >= positive, nearest, np.where(best < negative, -1, -2))
    # object m also where IoU(a, m) = max over anchors of IoU(., m) > 0
    is_best = (overlap == overlap.max(axis=0)) & (overlap > 0)
    return np.where(is_best.any(axis=1), is_best.argmax(axis=1), matched)


def _match_by_package(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return bx.match(anchors, truth, positive=positive, negative=negative)


def _match_by_loops(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    table = [[float(bx.iou(a[None], t[None])[0, 0]) for t in truth] for a in anchors]
    answers = []
    for row in table:
        top = max(row)
        answers.append(row.index(top) if top >= positive else -2 if top >= negative else -1)
    for m in range(len(truth)):
        column = [row[m] for row in table]
        for a, value in enumerate(column):
            if value == max(column) and value > 0:
                answers[a] = m
    return answers


def _matched(
    anchors: Boxes,
    truth: Boxes,
    positive: float,
    negative: float,
    *,
    low_quality: bool = True,
    only_first: bool = False,
    untouched: bool = False,
    middle: int = -2,
    background: int = -1,
    thresholds: bool = True,
) -> Any:
    """`match` with its mistakes as switches."""
    overlap = bx.iou(anchors, truth)
    best, nearest = overlap.max(1), overlap.argmax(1)
    matched = np.where(best >= positive, nearest, np.where(best < negative, background, middle))
    if not thresholds:
        matched = np.full(len(anchors), background)
    if not low_quality:
        return matched
    top = overlap.max(0)
    for m in range(len(truth)):
        if top[m] == 0 and not untouched:
            continue
        rows = (
            [int(overlap[:, m].argmax())] if only_first else np.flatnonzero(overlap[:, m] == top[m])
        )
        for row in rows:
            matched[row] = nearest[row] if overlap[row, m] else m
    return matched


def _match_without_rescue(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, low_quality=False)


def _match_first_best(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, only_first=True)


def _match_untouched(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, untouched=True)


def _match_untouched_nearest(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    overlap = bx.iou(anchors, truth)
    is_best = (overlap == overlap.max(0)).any(1)
    plain = _matched(anchors, truth, positive, negative, low_quality=False)
    return np.where(is_best, overlap.argmax(1), plain)


def _match_nothing_ignored(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, middle=-1)


def _match_nothing_ignored_positive(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, negative, negative)


def _match_codes_swapped(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, middle=-1, background=-2)


def _match_only_best(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, negative, thresholds=False)


def _match_by_numbers_of_its_own(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, POSITIVE, NEGATIVE)


def _match_by_its_own_negative(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, positive, NEGATIVE)


def _match_at_half(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, 0.5, negative)


def _match_at_half_and_three_tenths(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    return _matched(anchors, truth, 0.5, NEGATIVE)


def _match_rescues_what_is_ignored(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    overlap = bx.iou(anchors, truth)
    is_best = (overlap == overlap.max(0)) & (overlap >= negative)
    plain = _matched(anchors, truth, positive, negative, low_quality=False)
    return np.where(is_best.any(1), is_best.argmax(1), plain)


def _match_yes_or_no(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    matched = match(anchors, truth, positive, negative)
    return np.where(matched >= 0, 1, matched)


def _match_from_1(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> Any:
    matched = match(anchors, truth, positive, negative)
    return np.where(matched >= 0, matched + 1, matched)


def _match_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        corners = rng.integers(0, 5, (int(rng.integers(2, 6)), 2)) * 10
        sizes = rng.choice([10, 20], (len(corners), 2))
        anchors = np.concatenate([corners, corners + sizes], 1).astype(np.float32)
        near = anchors[rng.integers(0, len(anchors), int(rng.integers(1, 4)))]
        moved = near + np.tile(rng.integers(-8, 9, (len(near), 2)), 2)
        moved[:, 2:] += rng.integers(-4, 9, (len(near), 2))
        truth = moved.astype(np.float32)
        if rng.random() < 0.4:  # one beside a better one, with an IoU around `positive`
            off = np.zeros((2, 4), np.float32)
            off[1, rng.integers(2) :: 2] = rng.integers(2, 8)
            anchors = np.concatenate([anchors, truth[:1] + off])[-6:]
        if rng.random() < 0.15:
            truth[-1] = (200, 200, 220, 210)  # nobody is near
        inputs: tuple[Any, ...] = (anchors, truth)
        if rng.random() < 0.4:
            inputs += ((0.5, 0.4), (0.6, 0.2), (0.8, 0.5))[rng.integers(3)]
        if _match_valid(*inputs):
            return inputs


def _match_valid(
    anchors: Boxes, truth: Boxes, positive: float = POSITIVE, negative: float = NEGATIVE
) -> bool:
    """Whether there is one right answer, however the overlap is rounded."""
    if not 0.1 <= negative < positive <= 0.9:
        return False
    for rows in (anchors, truth):
        if rows.ndim != 2 or rows.shape[1:] != (4,) or not len(rows):
            return False
    if not (_whole(anchors, truth) and _have_area(anchors, truth)):
        return False
    overlap = bx.iou(anchors, truth).astype(np.float64)
    best, top = overlap.max(1), overlap.max(0)
    if (np.abs(best[:, None] - (positive, negative)) < CLEAR).any():
        return False
    for table, most in ((overlap, best[:, None]), (overlap, top[None])):
        gap = most - table
        if ((gap > 0) & (gap < CLEAR)).any():
            return False
    # an anchor that two objects overlap alike, or that is one's best and another's near one,
    # may go to either: libraries differ, so it is not asked
    touched = best > 0
    if ((overlap == best[:, None]).sum(1)[touched] > 1).any():
        return False
    is_best = (overlap == top) & (overlap > 0)
    return not (is_best & (overlap < best[:, None])).any()


def _draw_match(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    anchors, truth, *thresholds = inputs
    mine = np.asarray(got)
    if mine.shape != wanted.shape or mine.dtype.kind not in "iuf":
        return None

    def said(code: Any) -> str:
        words = {-1: "background", -2: "ignored"}
        return words.get(int(code), f"object {int(code)}") if code == int(code) else f"{code:g}"

    wrong = int(np.argmax(mine != wanted))
    sheet = sketch.Sheet(anchors, truth)
    for row, anchor in enumerate(anchors):
        if row != wrong:
            sheet.box(anchor, sketch.PLAIN, key="other anchors")
    for number, box in enumerate(truth):
        sheet.box(box, sketch.OTHER, label=f"object {number}", below=True, key="true boxes")
    sheet.box(anchors[wrong], sketch.YOURS, label=f"anchor {wrong}", dashed=True, key="this anchor")
    overlap = float(bx.iou(anchors[wrong : wrong + 1], truth).max())
    limits = f"; thresholds {thresholds[0]:g} and {thresholds[1]:g}" if thresholds else ""
    sheet.note(f"its best IoU: {overlap:.2f}{limits}", sketch.GIVEN)
    sheet.note(f"wanted: {said(wanted[wrong])}", sketch.WANTED)
    sheet.note(f"yours: {said(mine[wrong])}", sketch.YOURS, dashed=True)
    return sheet.picture()


_GRID = np.array([[0, 0, 20, 20], [20, 0, 40, 20], [40, 0, 60, 20], [0, 0, 40, 20]], np.float32)
# the second and the third overlap the first by 0.667 and 0.739
_BESIDE = np.array([[0, 0, 20, 20], [4, 0, 24, 20], [3, 0, 23, 20]], np.float32)

MATCH = Exercise(
    name="03-match",
    task="for each anchor the number of its object, -1 for background, -2 where it is ignored",
    starter=match_starter,
    reference=match,
    cases=(
        (_GRID, np.array([[0, 0, 20, 22], [41, 1, 58, 20]], np.float32)),
        (_GRID, np.array([[22, 4, 28, 10]], np.float32)),
        (_GRID[:3], np.array([[32, 2, 48, 18]], np.float32)),
        (_GRID[:3], np.array([[2, 0, 22, 20], [100, 100, 120, 120]], np.float32)),
        (_GRID[:2], np.array([[0, 0, 20, 40], [24, 0, 44, 20]], np.float32)),
        (_GRID[[0, 1]], np.array([[0, 0, 20, 21], [30, 10, 38, 40]], np.float32)),
        (
            np.array([[0, 0, 20, 20], [2, 0, 22, 20], [40, 0, 60, 20]], np.float32),
            np.array([[0, 0, 20, 20], [39, 0, 59, 20]], np.float32),
        ),
        (_BESIDE, _BESIDE[:1]),
        (_BESIDE, _BESIDE[:1], 0.6, 0.2),
        (_BESIDE, _BESIDE[:1], 0.8, 0.7),
    ),
    generate=_match_inputs,
    valid=_match_valid,
    misconceptions=(
        Misconception(
            "no low-quality matches",
            _match_without_rescue,
            "An object whose best anchor stays below `positive` gets no anchor at all, and the "
            "network never learns it. Those are the small ones. Every object keeps its best.",
        ),
        Misconception(
            "rescued only if not background",
            _match_rescues_what_is_ignored,
            "You left an object without an anchor where its best IoU is below `negative`. Those "
            "objects need it most: every object that is touched keeps its best anchors, however "
            "low the IoU.",
        ),
        Misconception(
            "thresholds of its own",
            _match_by_numbers_of_its_own,
            "You compared with numbers of your own. The thresholds come in as `positive` and "
            "`negative`; 0.7 and 0.3 are only their defaults.",
            variants=(
                _match_by_its_own_negative,
                _match_at_half,
                _match_at_half_and_three_tenths,
            ),
        ),
        Misconception(
            "one of several equals",
            _match_first_best,
            "Where two anchors overlap an object equally, you kept the first. Keep all that are "
            "equally good: which one `argmax` finds is an accident of their order.",
        ),
        Misconception(
            "anchors that do not touch",
            _match_untouched,
            "An object that no anchor touches has the best IoU 0, and every anchor has that: you "
            "made them all its anchors. Ask for an IoU above 0 as well.",
            variants=(_match_untouched_nearest,),
        ),
        Misconception(
            "nothing is ignored",
            _match_nothing_ignored,
            "You ignored no anchor. Between the two thresholds an anchor is neither right nor "
            "wrong, and teaching either would confuse: -2.",
            variants=(_match_nothing_ignored_positive,),
        ),
        Misconception(
            "codes swapped",
            _match_codes_swapped,
            "Your codes are swapped: background is -1, ignored is -2.",
        ),
        Misconception(
            "only the best anchors",
            _match_only_best,
            "You kept each object's best anchors only. All others with an IoU of `positive` or "
            "more answer for it, too.",
        ),
        Misconception(
            "yes or no",
            _match_yes_or_no,
            "You said that an anchor has an object, not which one. The network must know whose box "
            "to learn: the object's number, from 0.",
        ),
        Misconception(
            "counted from 1",
            _match_from_1,
            "You counted objects from 1. The number is a row of `truth`, and the first row is 0.",
        ),
    ),
    alternatives=(_match_by_package, _match_by_loops),
    hints=(
        "`overlap = boxes.iou(anchors, truth)` has a row for each anchor and a column for each "
        "object. Which axis do you need for an anchor's best object, which for an object's best "
        "anchor?",
        "`best = overlap.max(axis=1)` and `overlap.argmax(axis=1)` say which object an anchor "
        "overlaps most. Two `np.where` make numbers, -1 and -2 of that.",
        "`overlap == overlap.max(axis=0)` marks each object's best anchors, with all that are "
        "equally good. It also marks overlaps of 0 in the column of an object that none touches.",
        "Last: `np.where(is_best.any(axis=1), is_best.argmax(axis=1), matched)`.",
    ),
    praise="Every object that an anchor touches has an anchor now, even the smallest.",
    onward="`boxes.match` does the same for a whole batch. What if an image has no object at all?",
    draw=_draw_match,
    alt="Anchors and true boxes; the first anchor with a wrong answer is dashed.",
)


# -- nms -----------------------------------------------------------------------------------------


def nms_starter(candidates: Boxes, scores: Floats, threshold: float) -> Any:
    """The numbers of the boxes that stay, best first.

    Go through the boxes in `candidates` (N, 4; x1, y1, x2, y2) from the highest of the `scores`
    (N,) to the lowest. A box stays unless its IoU with one that stays already is above `threshold`.
    """
    return ...


def nms(candidates: Boxes, scores: Floats, threshold: float) -> Any:
    """The numbers of the boxes that stay, best first."""
    overlap = boxes.iou(candidates, candidates)
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        # i stays if IoU(i, j) <= threshold for all j that stay
        if all(overlap[i, j] <= threshold for j in kept):
            kept.append(int(i))
    return kept


def _nms_by_removal(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    left, kept = list(np.argsort(scores)[::-1]), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if bx.iou(boxes[[best]], boxes[[i]])[0, 0] <= threshold]
    return np.array(kept)


def _nms_by_package(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return bx.nms(boxes, scores, threshold=threshold)


def _suppress(overlap: Floats, order: Any, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in order:
        if all(overlap[i, j] <= threshold for j in kept):
            kept.append(int(i))
    return kept


def _nms_unsorted(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return _suppress(bx.iou(boxes, boxes), range(len(boxes)), threshold)


def _nms_worst_first(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return _suppress(bx.iou(boxes, boxes), np.argsort(scores), threshold)


def _nms_by_all_better(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap, order = bx.iou(boxes, boxes), np.argsort(-scores)
    return [int(i) for k, i in enumerate(order) if (overlap[i, order[:k]] <= threshold).all()]


def _nms_by_neighbour(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap, order = bx.iou(boxes, boxes), np.argsort(-scores)
    return [int(i) for k, i in enumerate(order) if k == 0 or overlap[i, order[k - 1]] <= threshold]


def _nms_by_last_kept(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap = bx.iou(boxes, boxes)
    kept: list[int] = []
    for i in np.argsort(-scores):
        if not kept or overlap[i, kept[-1]] <= threshold:
            kept.append(int(i))
    return kept


def _nms_by_best_only(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap, order = bx.iou(boxes, boxes), np.argsort(-scores)
    return [int(i) for i in order if i == order[0] or overlap[i, order[0]] <= threshold]


def _nms_strict(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap = bx.iou(boxes, boxes)
    kept: list[int] = []
    for i in np.argsort(-scores):
        if all(overlap[i, j] < threshold for j in kept):
            kept.append(int(i))
    return kept


def _nms_in_given_order(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return sorted(nms(boxes, scores, threshold))


def _nms_places(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    order = np.argsort(-scores)
    return [int(np.flatnonzero(order == i)[0]) for i in nms(boxes, scores, threshold)]


def _nms_mask(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    mask = np.zeros(len(boxes), bool)
    mask[nms(boxes, scores, threshold)] = True
    return mask


def _nms_boxes(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return boxes[nms(boxes, scores, threshold)]


def _nms_suppressed(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    kept = nms(boxes, scores, threshold)
    return [int(i) for i in np.argsort(-scores) if i not in kept]


def _nms_turned_round(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    overlap = bx.iou(boxes, boxes)
    kept: list[int] = []
    for i in np.argsort(-scores):
        if all(overlap[i, j] > threshold for j in kept):
            kept.append(int(i))
    return kept


def _share_of_own(boxes: Boxes, more: float = 0.0) -> Floats:
    """Shared area over the own area `(N, N)`, with `more` added to widths and heights."""
    size = boxes[:, 2:] - boxes[:, :2] + more
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low + more, 0, None).prod(-1)
    return np.asarray(shared / size.prod(-1)[:, None])


def _nms_over_own_area(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return _suppress(_share_of_own(boxes), np.argsort(-scores), threshold)


def _nms_over_own_area_plus_one(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return _suppress(_share_of_own(boxes, 1.0), np.argsort(-scores), threshold)


def _nms_over_other_area(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    return _suppress(_share_of_own(boxes).T, np.argsort(-scores), threshold)


def _nms_over_smaller(boxes: Boxes, scores: Floats, threshold: float) -> Any:
    share = _share_of_own(boxes)
    return _suppress(np.maximum(share, share.T), np.argsort(-scores), threshold)


def _nms_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        count = int(rng.integers(2, 7))
        corner, size = rng.integers(0, 30, (count, 2)), rng.integers(12, 36, (count, 2))
        boxes = np.concatenate([corner, corner + size], 1).astype(np.float32)
        if rng.random() < 0.2:  # the left half of another one: IoU 1/2
            boxes[-1] = boxes[0] - [0, 0, size[0, 0] // 2, 0]
        scores = rng.choice(np.arange(5, 100), count, replace=False) / 100
        threshold = float(rng.choice([0.3, 0.4, 0.5, 0.6]))
        if _nms_valid(boxes, scores, threshold):
            return boxes, scores, threshold


def _nms_valid(boxes: Boxes, scores: Floats, threshold: float) -> bool:
    """Whether there is one right answer: no ties, and no overlap where rounding decides.

    An overlap at the threshold is one, unless it is a half of whole numbers, which is exact.
    """
    if boxes.ndim != 2 or boxes.shape[1:] != (4,) or scores.shape != boxes.shape[:1]:
        return False
    if not len(boxes) or not 0.05 <= threshold <= 0.95 or not _whole(boxes):
        return False
    if not _have_area(boxes, least=4) or not ((scores > 0) & (scores <= 1)).all():
        return False
    overlap = bx.iou(boxes, boxes)
    apart = overlap[~np.eye(len(boxes), dtype=bool)]
    # boxes that lie on each other cannot be told apart in a picture
    exact = (overlap == 0.5) & (threshold == 0.5)
    clear = bool(((np.abs(overlap - threshold) > CLEAR) | exact).all() and (apart < 0.9).all())
    return clear and bool((np.diff(np.sort(scores)) > CLEAR).all())


def _draw_nms(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    boxes, scores, threshold = inputs
    answer = np.asarray(got)
    if answer.ndim != 1 or answer.dtype.kind not in "iuf" or len(answer) > len(boxes):
        return None
    mine = {int(i) for i in answer}
    sheet = sketch.Sheet(boxes)
    for i in np.argsort(scores):
        stays = int(i) in wanted
        colour = sketch.WANTED if stays else sketch.PLAIN
        key = "wanted: stays" if stays else "wanted: goes"
        sheet.box(boxes[i], colour, key=key)
        sheet.text(boxes[i, 2:], f"{i} ({scores[i]:.2g})", colour)
    for i in sorted(mine ^ set(wanted)):
        if 0 <= i < len(boxes):
            grown = boxes[i] + np.array([-1, -1, 1, 1]) * 3 / sheet.scale
            said = "yours: stays" if i in mine else "yours: goes"
            sheet.box(grown, sketch.YOURS, dashed=True, key=f"{said}, box {i}")
    sheet.note(f"threshold {threshold:g}; number (score)")
    return sheet.picture()


_CHAIN = np.array([[0, 0, 20, 20], [8, 0, 28, 20], [16, 0, 36, 20]], np.float32)

NMS = Exercise(
    name="03-nms",
    task="the numbers of the boxes that stay after non-maximum suppression, best first",
    starter=nms_starter,
    reference=nms,
    cases=(
        (_CHAIN, np.array([0.9, 0.8, 0.7]), 0.4),
        (_CHAIN, np.array([0.7, 0.9, 0.8]), 0.4),
        (_CHAIN[[0, 2]], np.array([0.6, 0.8]), 0.4),
        (
            np.array(
                [[0, 0, 20, 20], [50, 0, 70, 20], [2, 0, 22, 20], [52, 0, 72, 20]], np.float32
            ),
            np.array([0.5, 0.9, 0.8, 0.6]),
            0.5,
        ),
        (np.array([[0, 0, 40, 40], [10, 10, 20, 20]], np.float32), np.array([0.9, 0.8]), 0.5),
        (np.array([[10, 10, 20, 20], [0, 0, 40, 40]], np.float32), np.array([0.9, 0.8]), 0.5),
        (_CHAIN[:1], np.array([0.3]), 0.5),
        (np.array([[0, 0, 20, 20], [0, 0, 20, 10]], np.float32), np.array([0.9, 0.8]), 0.5),
    ),
    generate=_nms_inputs,
    valid=_nms_valid,
    misconceptions=(
        Misconception(
            "not sorted",
            _nms_unsorted,
            "You took the boxes as they came. Then a poor box that comes first removes a better "
            "one behind it: begin with the highest score.",
        ),
        Misconception(
            "worst first",
            _nms_worst_first,
            "You began with the lowest score, so the poorest boxes stay. `argsort` sorts upwards: "
            "use `np.argsort(-scores)`.",
        ),
        Misconception(
            "the removed ones remove",
            _nms_by_all_better,
            "You compared with all better boxes. One that was removed itself removes nothing: "
            "compare only with those that stay.",
        ),
        Misconception(
            "only the neighbour",
            _nms_by_neighbour,
            "You compared each box with the next better one only. Compare it with every one that "
            "stays, for duplicates need not be neighbours in the order of scores.",
            variants=(_nms_by_last_kept,),
        ),
        Misconception(
            "only the best one",
            _nms_by_best_only,
            "Only the best box of all removed others. Every box that stays does so, in its turn.",
        ),
        Misconception(
            "at the threshold",
            _nms_strict,
            "A box whose IoU is exactly the threshold stays: it goes only where it is above.",
        ),
        Misconception(
            "in the given order",
            _nms_in_given_order,
            "These are the right boxes in the order in which they came. Wanted is best first.",
        ),
        Misconception(
            "places in the sorted list",
            _nms_places,
            "You gave back places in the list after sorting. Wanted are numbers of the boxes as "
            "they came: `order[k]`, not `k`.",
        ),
        Misconception(
            "a mask",
            _nms_mask,
            "You gave back a yes or no for each box. Wanted are the numbers of those that stay.",
        ),
        Misconception(
            "the boxes themselves",
            _nms_boxes,
            "You gave back boxes. Wanted are their numbers, so that the caller can take scores and "
            "classes along.",
        ),
        Misconception(
            "those that go",
            _nms_suppressed,
            "You gave back the boxes that go. Wanted are those that stay.",
        ),
        Misconception(
            "comparison turned round",
            _nms_turned_round,
            "Your comparison is turned round: a box goes where the overlap is above the threshold.",
        ),
        Misconception(
            "over one of the boxes",
            _nms_over_own_area,
            "You divided the shared area by the area of one box. A small box inside a large one "
            "then counts as its copy, and it need not be: divide by the union.",
            variants=(_nms_over_own_area_plus_one, _nms_over_other_area, _nms_over_smaller),
        ),
    ),
    alternatives=(_nms_by_removal, _nms_by_package),
    hints=(
        "In which order must you look at the boxes, so that the best of each crowd comes first?",
        "Keep a list of what stays. For each box in the order of `np.argsort(-scores)`: with whom "
        "is it compared?",
        "`overlap = boxes.iou(candidates, candidates)` has every pair. Box `i` stays if "
        "`all(overlap[i, j] <= threshold for j in kept)`.",
    ),
    praise="One box an object: the crowd is gone, and you can say why each of them went.",
    onward="`boxes.nms` adds classes: a cat does not suppress the dog in front of it.",
    draw=_draw_nms,
    alt="The boxes with their numbers and scores; those that stay in green. Dashed: where yours "
    "differs.",
)


# -- average precision ---------------------------------------------------------------------------


def average_precision_starter(correct: Any, objects: int) -> float:
    """The area under the precision envelope: a number from 0 to 1.

    `correct` (K,) says of each detection, best first, whether it found an object that none before
    it had found. `objects` is how many objects there are. At each recall the envelope is the
    highest precision that is reached at this recall or at a higher one.
    """
    return ...  # type: ignore[return-value]


def average_precision(correct: Any, objects: int) -> float:
    """The area under the precision envelope."""
    hits = np.cumsum(correct)
    # precision[k] = hits[k] / k, recall[k] = hits[k] / objects
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / objects
    # envelope[k] = max over j >= k of precision[j]
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # AP = sum over k of (recall[k] - recall[k - 1]) envelope[k]
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def _ap_by_loop(correct: Any, objects: int) -> float:
    values = [bool(one) for one in correct]
    precision = [sum(values[: k + 1]) / (k + 1) for k in range(len(values))]
    return sum(max(precision[k:]) for k, hit in enumerate(values) if hit) / objects


def _ap_by_recall(correct: Any, objects: int) -> float:
    hits = np.cumsum(correct)
    precision, area = hits / (1 + np.arange(len(hits))), 0.0
    for found in range(1, int(hits[-1]) + 1):
        area += float(precision[hits >= found].max()) / objects
    return area


def _curve(correct: Any, objects: int) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and envelope."""
    hits = np.cumsum(correct)
    precision = hits / np.arange(1, len(hits) + 1)
    return precision, hits / objects, np.maximum.accumulate(precision[::-1])[::-1]


def _ap_raw(correct: Any, objects: int) -> float:
    precision, recall, _ = _curve(correct, objects)
    return float(np.sum(np.diff(recall, prepend=0) * precision))


def _ap_of_found(correct: Any, objects: int) -> float:
    found = int(np.sum(correct))
    return average_precision(correct, found) if found else 0.0


def _ap_of_found_raw(correct: Any, objects: int) -> float:
    found = int(np.sum(correct))
    return _ap_raw(correct, found) if found else 0.0


def _ap_mean_precision(correct: Any, objects: int) -> float:
    return float(_curve(correct, objects)[0].mean())


def _ap_mean_envelope(correct: Any, objects: int) -> float:
    return float(_curve(correct, objects)[2].mean())


def _ap_backwards(correct: Any, objects: int) -> float:
    precision, recall, _ = _curve(correct, objects)
    best_so_far = np.maximum.accumulate(precision)
    return float(np.sum(np.diff(recall, prepend=0) * best_so_far))


def _ap_sampled(correct: Any, objects: int, points: int) -> float:
    _, recall, envelope = _curve(correct, objects)
    total = 0.0
    for at in np.linspace(0, 1, points):
        reached = envelope[recall >= at - 1e-9]
        total += float(reached.max()) if len(reached) else 0.0
    return total / points


def _ap_eleven(correct: Any, objects: int) -> float:
    return _ap_sampled(correct, objects, 11)


def _ap_hundred_and_one(correct: Any, objects: int) -> float:
    return _ap_sampled(correct, objects, 101)


def _ap_trapezoid(correct: Any, objects: int) -> float:
    precision, recall, _ = _curve(correct, objects)
    return float(np.trapezoid(np.r_[1, precision], np.r_[0, recall]))


def _ap_by_trapezoids_of_the_envelope(correct: Any, objects: int) -> float:
    # the envelope falls only where recall stands still, so no trapezoid of it is slanted
    _, recall, envelope = _curve(correct, objects)
    return float(np.trapezoid(np.r_[envelope[0], envelope], np.r_[0, recall]))


def _ap_trapezoid_bare(correct: Any, objects: int) -> float:
    precision, recall, _ = _curve(correct, objects)
    return float(np.trapezoid(precision, recall))


def _ap_from_first_point(correct: Any, objects: int) -> float:
    _, recall, envelope = _curve(correct, objects)
    return float(np.sum(np.diff(recall) * envelope[1:]))


def _ap_from_first_point_left(correct: Any, objects: int) -> float:
    _, recall, envelope = _curve(correct, objects)
    return float(np.sum(np.diff(recall) * envelope[:-1]))


def _ap_from_first_point_trapezoid(correct: Any, objects: int) -> float:
    _, recall, envelope = _curve(correct, objects)
    return float(np.trapezoid(envelope, recall))


def _last_precision(correct: Any, objects: int) -> float:
    return float(np.mean(correct))


def _last_recall(correct: Any, objects: int) -> float:
    return float(np.sum(correct)) / objects


def _ap_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 9))
    correct = rng.random(count) < 0.6
    return correct, int(correct.sum() + rng.integers(0, 4)) or 1


def _ap_valid(correct: Any, objects: int) -> bool:
    good = isinstance(correct, np.ndarray) and correct.ndim == 1 and len(correct) > 0
    return bool(good and objects >= max(1, int(correct.sum())))


def _draw_ap(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import boxes as figures

    correct, objects = inputs
    title = f"The shaded area is {_number(wanted)}; you said {_number(got)}"
    return figures.ranked(correct, objects, title=title)


def _hits(text: str) -> NDArray[np.bool_]:
    return np.array([letter == "+" for letter in text])


AVERAGE_PRECISION = Exercise(
    name="03-average-precision",
    task="the area under the precision envelope of a ranked list of right and wrong detections",
    starter=average_precision_starter,
    reference=average_precision,
    cases=(
        (_hits("+"), 1),
        (_hits("++-"), 2),
        (_hits("+-+"), 2),
        (_hits("-++"), 2),
        (_hits("+-+"), 4),
        (_hits("--"), 3),
        (_hits("+-++-"), 5),
        (_hits("+--+-+"), 3),
    ),
    generate=_ap_inputs,
    valid=_ap_valid,
    misconceptions=(
        Misconception(
            "no envelope",
            _ap_raw,
            "You took the precision at each hit as it is. The envelope at a hit is the highest "
            "precision there *or at any later one*: run a maximum from the end to the front.",
        ),
        Misconception(
            "objects that were missed",
            _ap_of_found,
            "You divided by the objects that were found. A missed one counts, too: recall is hits "
            "over all objects, and the area beyond the last hit is 0.",
            variants=(_ap_of_found_raw,),
        ),
        Misconception(
            "mean over the detections",
            _ap_mean_precision,
            "You took the mean over all detections. Only a hit moves along the recall axis, by "
            "1 / objects; a false alarm adds no width to the area.",
            variants=(_ap_mean_envelope,),
        ),
        Misconception(
            "envelope from the front",
            _ap_backwards,
            "Your maximum runs from the front, so one right detection at the top is worth as much "
            "as a perfect list. It runs from the end: what is still to be had further on.",
        ),
        Misconception(
            "eleven points",
            _ap_eleven,
            "You took the mean at 11 recalls: that is VOC's way until 2009. Wanted is the exact "
            "area.",
        ),
        Misconception(
            "101 points",
            _ap_hundred_and_one,
            "You took the mean at 101 recalls: that is COCO's way. Wanted is the exact area.",
        ),
        Misconception(
            "trapezoids",
            _ap_trapezoid,
            "You joined the points by slanting lines. Nothing lies between two hits: the envelope "
            "is a staircase, so add up rectangles.",
            variants=(_ap_trapezoid_bare,),
        ),
        Misconception(
            "without the first step",
            _ap_from_first_point,
            "Your area begins at the first detection. Recall begins at 0: where the first one is a "
            "hit, the step from 0 to it belongs to the area. `np.diff(recall, prepend=0)`.",
            variants=(_ap_from_first_point_left, _ap_from_first_point_trapezoid),
        ),
        Misconception(
            "precision of the whole list",
            _last_precision,
            "That is the precision of the whole list, wherever in it the hits are. The order "
            "matters: a false alarm at the end costs less than one at the top.",
        ),
        Misconception(
            "recall of the whole list",
            _last_recall,
            "That is the recall of the whole list. It does not see false alarms at all.",
        ),
    ),
    alternatives=(_ap_by_loop, _ap_by_recall, _ap_by_trapezoids_of_the_envelope),
    hints=(
        "After k detections: how many were hits? `np.cumsum(correct)` says it for every k.",
        "Precision is hits / k, recall hits / objects. Recall only moves at a hit, by 1 / objects.",
        "The envelope: `np.maximum.accumulate(precision[::-1])[::-1]`. Why from the end?",
        "Rectangles: each step of recall, `np.diff(recall, prepend=0)`, times the envelope there.",
    ),
    praise="You can now read the number that every detection paper ends in.",
    onward="COCO reads this envelope at 101 recalls, for ten overlaps, and takes the mean.",
    draw=_draw_ap,
    alt="The ranked list as ticks and crosses, and precision over recall, its envelope shaded.",
)


EXERCISES = (IOU, GIOU, DECODE, MATCH, NMS, AVERAGE_PRECISION)
