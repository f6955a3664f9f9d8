"""Exercises of lesson 04, An R-CNN-style detector: one part of a detector each, in its order.

Recall of proposals, the places where RoIAlign reads a map, the proposals that a head learns from,
its loss, and the peaks from which a one-stage detector reads its objects.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.exercises import compare
from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def _boxes(*rows: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


# -- recall of proposals -------------------------------------------------------------------------


def recall_starter(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    """The share of the objects that the first `count` proposals find, 0 to 1.

    `proposals` (P, 4) come best first, `objects` (M, 4) are the true boxes; P may be 0, M is not.
    An object is found if at least one of those proposals has an IoU of at least `threshold` with
    it. One proposal may find several objects. `boxes.iou(a, b)` gives all overlaps at once.
    """
    return ...  # type: ignore[return-value]


def recall(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    """The share of the objects that the first `count` proposals find, 0 to 1."""
    overlaps = bx.iou(proposals[:count], objects)  # (count, M)
    best = overlaps.max(axis=0, initial=0)  # (M,): of each object, over the proposals
    # recall = |{objects with a proposal}| / |objects|
    return float((best >= threshold).mean())


def _recall_by_loop(proposals: Any, objects: Any, count: int, threshold: float) -> float:
    found = 0
    for x1, y1, x2, y2 in np.asarray(objects, float).tolist():
        for a1, b1, a2, b2 in np.asarray(proposals, float)[:count].tolist():
            wide, high = min(x2, a2) - max(x1, a1), min(y2, b2) - max(y1, b1)
            both = max(wide, 0) * max(high, 0)
            either = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - both
            if both >= threshold * either:
                found += 1
                break
    return found / len(objects)


def _recall_by_any(proposals: Floats, objects: Floats, count: int, threshold: float) -> Any:
    hit = bx.iou(objects, proposals[:count]) >= threshold
    return np.count_nonzero(hit.any(1)) / objects.shape[0]


def _overlaps(proposals: Floats, objects: Floats) -> Floats:
    return np.asarray(bx.iou(proposals, objects))


def _recall_is_precision(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    best = _overlaps(proposals[:count], objects).max(axis=1)
    return float((best >= threshold).mean()) if len(best) else 0.0


def _recall_of_all(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    return recall(proposals, objects, len(proposals), threshold)


def _recall_as_overlap(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    return float(_overlaps(proposals[:count], objects).max(axis=0, initial=0).mean())


def _recall_strict(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    best = _overlaps(proposals[:count], objects).max(axis=0, initial=0)
    return float((best > threshold).mean())


def _recall_in_objects(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    best = _overlaps(proposals[:count], objects).max(axis=0, initial=0)
    return float((best >= threshold).sum())


def _recall_pairs(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    hits = _overlaps(proposals[:count], objects) >= threshold
    return float(hits.sum() / len(objects))


def _recall_each_once(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    overlaps = _overlaps(proposals[:count], objects).copy()
    found = 0
    for row in overlaps:
        if row.max() >= threshold:
            found += 1
            overlaps[:, row.argmax()] = -1
    return found / len(objects)


def _recall_over_count(proposals: Floats, objects: Floats, count: int, threshold: float) -> float:
    best = _overlaps(proposals[:count], objects).max(axis=0, initial=0)
    return float((best >= threshold).sum() / count)


def _some_boxes(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    corner = rng.integers(0, 6, (count, 2)) * 10
    size = rng.integers(1, 4, (count, 2)) * 10
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


def _recall_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    objects = _some_boxes(rng, int(rng.integers(1, 4)))
    near = objects[rng.integers(0, len(objects), 3)] + rng.integers(-4, 5, (3, 4))
    proposals = np.concatenate([near.astype(np.float32), _some_boxes(rng, 3)])
    proposals = proposals[rng.permutation(6)[: rng.integers(0, 7)]]
    inputs = proposals, objects, int(rng.integers(1, 6)), float(rng.choice([0.3, 0.5, 0.7]))
    return inputs if _are_recall(*inputs) else _recall_inputs(rng)


def _are_recall(proposals: Floats, objects: Floats, count: int, threshold: float) -> bool:
    if not len(objects) or count < 1 or not 0.1 <= threshold <= 0.9:
        return False
    if not all((bx.sizes(part) > 0).all() for part in (proposals, objects)):
        return False
    # an overlap at the threshold depends on rounding, unless it is a half of whole numbers
    near = np.abs(_overlaps(proposals, objects) - threshold) < 1e-5
    return not near.any() or threshold == 0.5


def _draw_recall(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    proposals, objects, count, threshold = inputs
    sheet = sketch.Sheet(proposals, objects)
    best = _overlaps(proposals[:count], objects).max(axis=0, initial=0)
    for box, overlap in zip(objects, best, strict=True):
        sheet.box(box, sketch.WANTED, label=f"IoU {overlap:.3g}", key="objects")
    for number, box in enumerate(proposals):
        late = number >= count
        sheet.box(
            box,
            sketch.PLAIN if late else sketch.OTHER,
            label=f"{number + 1}",
            key="too late" if late else f"first {count}",
            dashed=True,
            below=True,
        )
    sheet.note(f"recall at IoU {threshold:g}: {float(wanted):.3g}", sketch.WANTED)
    if np.size(got) == 1:
        sheet.note(f"yours: {float(np.asarray(got).item()):.3g}", sketch.YOURS, dashed=True)
    return sheet.picture()


RECALL = Exercise(
    name="04-recall",
    task="the share of the objects that the first `count` proposals find",
    starter=recall_starter,
    reference=recall,
    cases=(
        (_boxes((0, 0, 10, 10), (50, 50, 60, 60)), _boxes((0, 0, 10, 10)), 2, 0.7),
        (
            _boxes((0, 0, 10, 10), (0, 0, 10, 9), (40, 0, 60, 20)),
            _boxes((0, 0, 10, 10), (40, 0, 60, 20)),
            2,
            0.5,
        ),
        (_boxes(), _boxes((0, 0, 10, 10)), 5, 0.5),
        (_boxes((0, 0, 10, 5)), _boxes((0, 0, 10, 10)), 1, 0.5),
        (_boxes((0, 0, 10, 10)), _boxes((0, 0, 10, 9), (0, 1, 10, 10)), 3, 0.7),
        (_boxes((0, 0, 9, 9)), _boxes((0, 0, 10, 10), (20, 0, 30, 10)), 4, 0.7),
    ),
    generate=_recall_inputs,
    valid=_are_recall,
    misconceptions=(
        Misconception(
            "precision",
            _recall_is_precision,
            "That is the share of the *proposals* that hit something: precision. Recall asks for "
            "the share of the *objects* that were hit. Proposals may be wasteful, not forgetful.",
        ),
        Misconception(
            "all proposals",
            _recall_of_all,
            "You used all proposals. Only the first `count` may be looked at: more are more work.",
        ),
        Misconception(
            "mean overlap",
            _recall_as_overlap,
            "That is the mean of the best overlaps. An object counts as found or as not found.",
        ),
        Misconception(
            "strictly above",
            _recall_strict,
            "An overlap of exactly the threshold is enough here: at least, not more than.",
        ),
        Misconception(
            "a number of objects",
            _recall_in_objects,
            "That is how many objects were found. The share is wanted: divide by all objects.",
        ),
        Misconception(
            "an object counted twice",
            _recall_pairs,
            "Two proposals on one object find one object. Ask for each object whether *any* "
            "proposal is good enough.",
        ),
        Misconception(
            "each proposal once",
            _recall_each_once,
            "You let each proposal find one object only. That is right for detections, which are "
            "answers. A proposal is a place to look at, and may serve two objects.",
        ),
        Misconception(
            "divided by the proposals",
            _recall_over_count,
            "You divided by the number of proposals. Recall is a share of the objects.",
        ),
    ),
    alternatives=(_recall_by_loop, _recall_by_any),
    hints=(
        "Ask each object, not each proposal: which of the first `count` proposals covers it best, "
        "and is that good enough?",
        "`boxes.iou(proposals[:count], objects)` is a table: a row for each proposal, a column for "
        "each object. The largest number of a column says how well the object is covered. With no "
        "proposal at all there is no largest: `.max(axis=0, initial=0)` gives 0 then.",
        "`(best >= threshold).mean()` is the share of the objects that are found.",
    ),
    praise="This is the only thing asked of proposals: an object that none covers is lost.",
    onward="Recall against the number of proposals is the fair comparison: each costs time.",
    draw=_draw_recall,
    alt="The objects and the numbered proposals as boxes; at each object its best overlap.",
)


# -- where RoIAlign reads ------------------------------------------------------------------------


def sample_points_starter(box: Floats, stride: int, bins: int) -> Floats:
    """Where RoIAlign reads the map for `box`: points (bins, bins, 2), each x and y on the map.

    `box` (4,) is x1, y1, x2, y2 in pixels of the image. A cell of the map is `stride` pixels wide,
    and the value of cell k stands for the *middle* of its pixels: k = 0 is at pixel `stride / 2`.
    Divide the box into `bins` x `bins` equal parts and read the middle of each. Entry [i, j] is the
    point of row i and column j, in cells: 0 is the middle of the first cell, 0.5 is halfway to the
    second. Round nothing.
    """
    return ...  # type: ignore[return-value]


def sample_points(box: Floats, stride: int, bins: int) -> Floats:
    """Where RoIAlign reads the map for `box`, as (bins, bins, 2) places x, y in cells.

    He, Gkioxari, Dollar, Girshick: Mask R-CNN (2017), section 3, with one sample a bin.
    """
    x1, y1, x2, y2 = np.asarray(box, float)
    part = (np.arange(bins) + 0.5) / bins  # the middle of each part, from 0 to 1
    # pixel p lies at p / stride - 1/2 on the map
    x = (x1 + part * (x2 - x1)) / stride - 0.5
    y = (y1 + part * (y2 - y1)) / stride - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1)


def _points_by_loop(box: Any, stride: int, bins: int) -> Any:
    x1, y1, x2, y2 = (float(n) for n in box)
    rows = []
    for i in range(bins):
        row = []
        for j in range(bins):
            x, y = (
                x1 + (x2 - x1) * (2 * j + 1) / (2 * bins),
                y1 + (y2 - y1) * (2 * i + 1) / (2 * bins),
            )
            row.append(((x - stride / 2) / stride, (y - stride / 2) / stride))
        rows.append(row)
    return rows


def _points_by_linspace(box: Floats, stride: int, bins: int) -> Any:
    low, high = (np.reshape(box, (2, 2)).astype(float) / stride) - 0.5
    half = (high - low) / bins / 2
    x, y = np.linspace(low + half, high - half, bins).T
    return np.dstack([np.tile(x, (bins, 1)), np.tile(y[:, None], (1, bins))])


def _points(
    box: Floats, bins: int, *, scale: float = 1.0, shift: float = 0.0, at: Any = None
) -> Floats:
    """Points at the shares `at` (the middles if not given) of a box that was scaled and shifted."""
    x1, y1, x2, y2 = np.asarray(box, float) * scale + shift
    part = (np.arange(bins) + 0.5) / bins if at is None else np.asarray(at)
    return np.stack(np.meshgrid(x1 + part * (x2 - x1), y1 + part * (y2 - y1)), axis=-1)


def _points_without_half(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride)


def _points_at_corners(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride, shift=-0.5, at=np.linspace(0, 1, bins))


def _points_at_corners_without_half(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride, at=np.linspace(0, 1, bins))


def _points_at_starts(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride, shift=-0.5, at=np.arange(bins) / bins)


def _points_at_starts_without_half(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride, at=np.arange(bins) / bins)


def _points_rounded(box: Floats, stride: int, bins: int) -> Floats:
    return _points(np.round(np.asarray(box, float) / stride), bins, shift=-0.5)


def _points_floored(box: Floats, stride: int, bins: int) -> Floats:
    return _points(np.floor(np.asarray(box, float) / stride), bins, shift=-0.5)


def _points_rounded_at_last(box: Floats, stride: int, bins: int) -> Floats:
    return np.round(sample_points(box, stride, bins))


def _points_swapped(box: Floats, stride: int, bins: int) -> Floats:
    return sample_points(box, stride, bins)[..., ::-1]


def _points_transposed(box: Floats, stride: int, bins: int) -> Floats:
    return sample_points(box, stride, bins).swapaxes(0, 1)


def _points_parts_first(box: Floats, stride: int, bins: int) -> Floats:
    return np.moveaxis(sample_points(box, stride, bins), -1, 0)


def _points_in_a_row(box: Floats, stride: int, bins: int) -> Floats:
    return sample_points(box, stride, bins).reshape(-1, 2)


def _points_in_pixels(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins)


def _points_half_a_pixel(box: Floats, stride: int, bins: int) -> Floats:
    return _points(np.asarray(box, float) - 0.5, bins, scale=1 / stride)


def _points_plus_half(box: Floats, stride: int, bins: int) -> Floats:
    return _points(box, bins, scale=1 / stride, shift=0.5)


def _points_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    x, y = rng.integers(0, 80, 2)
    width, height = rng.integers(4, 48, 2)
    box = np.array([x, y, x + width, y + height], np.float32)
    return box, int(rng.choice([4, 8, 16])), int(rng.integers(1, 6))


def _are_points(box: Floats, stride: int, bins: int) -> bool:
    return bool((bx.sizes(box) >= 4).all() and 4 <= stride <= 64 and 1 <= bins <= 14)


def _draw_points(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    box, stride, _ = inputs
    low, high = np.floor(box[:2] / stride), np.ceil(box[2:] / stride)
    right = (np.asarray(wanted) + 0.5) * stride  # on paper, points are where their pixels are
    mine = (np.asarray(got, float) + 0.5) * stride
    if mine.shape != right.shape:
        mine = np.full_like(right, np.nan)
    reach = stride * (float((high - low).max()) + 3)
    far = (np.abs(mine - stride * (low + high) / 2) > reach).any(-1)
    mine[far] = np.nan
    sheet = sketch.Sheet([stride * low, stride * high], mine)
    if (high - low).max() <= 16:
        for x in np.arange(low[0], high[0]):
            for y in np.arange(low[1], high[1]):
                cell = np.array([x, y, x + 1, y + 1]) * stride
                sheet.box(cell, sketch.RULE, key=f"cells of {stride} px")
    sheet.box(box, sketch.GIVEN, key="the box")
    for place in np.ndindex(right.shape[:2]):
        sheet.point(right[place], sketch.WANTED, key="wanted: dots")
        if np.isfinite(mine[place]).all():
            for turn in (1, -1):
                cross = np.array([[-1, -turn], [1, turn]]) * 6 / sheet.scale
                sheet.path(mine[place] + cross, sketch.YOURS, dots=False)
    sheet.note("yours: crosses" + (", some far off" if far.any() else ""), sketch.YOURS)
    if right.shape[1] > 1:  # which is which, where all points are right and their order is not
        sheet.text(right[0, 1], "[0, 1]", sketch.WANTED)
        if np.isfinite(mine[0, 1]).all() and not np.allclose(mine[0, 1], right[0, 1]):
            sheet.text(mine[0, 1], "[0, 1]", sketch.YOURS)
    return sheet.picture()


SAMPLE_POINTS = Exercise(
    name="04-sample-points",
    task="the places (bins, bins, 2) at which RoIAlign reads a map for a box",
    starter=sample_points_starter,
    reference=sample_points,
    cases=(
        (np.array([0, 0, 16, 16], np.float32), 8, 2),
        (np.array([8, 0, 40, 16], np.float32), 4, 3),
        (np.array([3, 5, 10, 21], np.float32), 4, 1),
        (np.array([13, 6, 36, 19], np.float32), 8, 4),
        (np.array([5, 60, 17, 81], np.float32), 16, 2),
    ),
    generate=_points_inputs,
    valid=_are_points,
    misconceptions=(
        Misconception(
            "cells begin at their index",
            _points_without_half,
            "You divided by the stride and stopped there. Cell 0 stands for the *middle* of its "
            "pixels, so pixel p lies at p / stride - 1/2. Without the half, everything is read "
            "half a cell too far to the right and below.",
        ),
        Misconception(
            "corners",
            _points_at_corners,
            "Your outer points lie on the edge of the box, as `tf.image.crop_and_resize` does it. "
            "RoIAlign reads the middle of each part: the outer points are half a part inside.",
            variants=(_points_at_corners_without_half,),
        ),
        Misconception(
            "starts of the parts",
            _points_at_starts,
            "You read each part at its upper left corner. Read it in its middle: (k + 1/2) / bins.",
            variants=(_points_at_starts_without_half,),
        ),
        Misconception(
            "rounded box",
            _points_rounded,
            "You rounded the box to whole cells first. That is RoIPool, of Fast R-CNN; on a map of "
            "stride 8 it moves the box by up to 4 pixels. RoIAlign rounds nothing.",
            variants=(_points_floored,),
        ),
        Misconception(
            "rounded points",
            _points_rounded_at_last,
            "You rounded the points to whole cells. The map is read between cells, by bilinear "
            "interpolation: leave the fractions.",
        ),
        Misconception(
            "y, x",
            _points_swapped,
            "Each point is x, y: how far to the right first, then how far down.",
        ),
        Misconception(
            "rows and columns swapped",
            _points_transposed,
            "Entry [i, j] is row i, column j: along a row x changes, not y. `np.meshgrid(x, y)` "
            'lays it out so; with indexing="ij" it is the other way round.',
        ),
        Misconception(
            "x and y first",
            _points_parts_first,
            "You gave back all x, then all y: (2, bins, bins). The two numbers of a point belong "
            "together, last: `np.stack([x, y], axis=-1)`, for without `axis` it puts them first.",
        ),
        Misconception(
            "one long list",
            _points_in_a_row,
            "Those are the points in one list, (bins * bins, 2). Wanted is a table: "
            "`reshape(bins, bins, 2)`.",
        ),
        Misconception(
            "pixels",
            _points_in_pixels,
            "Those are pixels of the image. On the map a step of one cell is `stride` pixels.",
        ),
        Misconception(
            "half a pixel",
            _points_half_a_pixel,
            "You took off half a pixel of the image. It is half a *cell*: after the division.",
        ),
        Misconception(
            "plus a half",
            _points_plus_half,
            "The half has the wrong sign: the middle of cell 0 is pixel stride / 2, and must "
            "become 0.",
        ),
    ),
    alternatives=(_points_by_loop, _points_by_linspace),
    hints=(
        "Go in two steps. First the places in pixels: the middle of part k of the width is at "
        "x1 + (k + 1/2) / bins * (x2 - x1).",
        "Then from pixels to cells. The middle of cell 0 is pixel stride / 2 and must become 0; "
        "the middle of cell 1 is pixel 3/2 stride and must become 1: p / stride - 1/2.",
        "`np.stack(np.meshgrid(x, y), axis=-1)` makes (bins, bins, 2) of the two lists.",
    ),
    praise="Half a cell seems little. On a map of stride 8 it is 4 pixels, of every box.",
    onward="The map is read there by bilinear interpolation, so gradients flow to four cells each.",
    draw=_draw_points,
    alt="The cells of the map, the box on them, the wanted points as dots and yours as crosses.",
)


# -- the proposals that the head learns from -----------------------------------------------------


def sample_rois_starter(labels: Integers, count: int, share: float) -> Integers:
    """Which proposals the head learns from in this step: their numbers, at most `count`.

    `labels` (P,) says what each proposal is: 0 for background, or the number of a class. Take
    foreground first, but at most `share` of `count` (rounded down). Fill the rest with background,
    also where the foreground was less than its share. Where the background is short too, take
    fewer. The proposals come in random order already, so take the first ones of each kind. The
    order of the answer does not matter.
    """
    return ...  # type: ignore[return-value]


def sample_rois(labels: Integers, count: int, share: float) -> Integers:
    """Which proposals the head learns from in this step: their numbers, at most `count`.

    Girshick: Fast R-CNN (2015), section 2.3.
    """
    foreground = np.flatnonzero(labels > 0)[: int(share * count)]
    background = np.flatnonzero(labels == 0)[: count - len(foreground)]
    return np.concatenate([foreground, background])


def _rois_by_loop(labels: Any, count: int, share: float) -> list[int]:
    taken: list[int] = []
    most = math.floor(share * count)
    for number, label in enumerate(labels):
        if label != 0 and len(taken) < most:
            taken.append(number)
    for number, label in enumerate(labels):
        if label == 0 and len(taken) < count:
            taken.append(number)
    return taken


def _rois_by_sorting(labels: Integers, count: int, share: float) -> Any:
    is_object = labels > 0
    rank = np.cumsum(is_object) - 1
    chosen = is_object & (rank < int(share * count))
    rest = ~is_object & (np.cumsum(~is_object) - 1 < count - chosen.sum())
    return np.nonzero(chosen | rest)[0]


def _pick(labels: Integers, objects: int, others: int) -> Integers:
    """The first so many of each kind, foreground first."""
    foreground = np.flatnonzero(labels > 0)[: max(objects, 0)]
    return np.concatenate([foreground, np.flatnonzero(labels == 0)[: max(others, 0)]])


def _rois_first(labels: Integers, count: int, share: float) -> Integers:
    return np.arange(len(labels))[:count]


def _rois_not_filled(labels: Integers, count: int, share: float) -> Integers:
    most = int(share * count)
    return _pick(labels, most, count - most)


def _rois_all_foreground(labels: Integers, count: int, share: float) -> Integers:
    objects = int((labels > 0).sum())
    return _pick(labels, count, count - min(objects, count))


def _rois_share_of_proposals(labels: Integers, count: int, share: float) -> Integers:
    most = int(share * len(labels))
    objects = min(most, int((labels > 0).sum()), count)
    return _pick(labels, objects, count - objects)


def _rois_balanced(labels: Integers, count: int, share: float) -> Integers:
    objects = min(int(share * count), int((labels > 0).sum()))
    return _pick(labels, objects, min(objects, count - objects))


def _rois_all_background(labels: Integers, count: int, share: float) -> Integers:
    return _pick(labels, int(share * count), len(labels))


def _rois_filled_with_objects(labels: Integers, count: int, share: float) -> Integers:
    objects, others = int((labels > 0).sum()), int((labels == 0).sum())
    wanted = min(int(share * count), objects)
    short = max(count - wanted - others, 0)
    return _pick(labels, min(wanted + short, objects), count - wanted)


def _rois_first_class(labels: Integers, count: int, share: float) -> Integers:
    foreground = np.flatnonzero(labels == 1)[: int(share * count)]
    background = np.flatnonzero(labels == 0)[: count - len(foreground)]
    return np.concatenate([foreground, background])


def _rois_swapped(labels: Integers, count: int, share: float) -> Integers:
    background = np.flatnonzero(labels == 0)[: int(share * count)]
    foreground = np.flatnonzero(labels > 0)[: count - len(background)]
    return np.concatenate([background, foreground])


def _rois_labels(labels: Integers, count: int, share: float) -> Integers:
    return labels[sample_rois(labels, count, share)]


def _rois_mask(labels: Integers, count: int, share: float) -> Any:
    return np.isin(np.arange(len(labels)), sample_rois(labels, count, share))


def _rois_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    size = int(rng.integers(0, 12))
    labels = rng.integers(1, 4, size) * (rng.random(size) < rng.choice([0.1, 0.4, 0.9]))
    return labels.astype(np.int64), int(rng.choice([4, 6, 8])), float(rng.choice([0.25, 0.5]))


def _are_labels(labels: Integers, count: int, share: float) -> bool:
    return bool(
        labels.ndim == 1
        and (labels >= 0).all()
        and share * count >= 1
        and count <= 64
        and share in (0.25, 0.5, 0.75)  # exact in binary: no answer hangs on rounding
    )


def _judge_rois(inputs: tuple[Any, ...], got: Any, wanted: Any) -> str | None:
    labels = inputs[0]
    if isinstance(got, (tuple, list)) and len(got) > 1 and all(np.ndim(row) == 1 for row in got):
        return f"You gave back {len(got)} rows of numbers. Join them: `np.concatenate`."
    mine = np.asarray(got)
    if mine.size == 0 and np.size(wanted) == 0:
        return None
    if mine.ndim != 1 or mine.dtype.kind not in "iu":
        return "A row of whole numbers is wanted: which proposals to take."
    if ((mine < 0) | (mine >= len(labels))).any():
        return f"There are proposals 0 to {len(labels) - 1}, and you ask for others."
    if len(np.unique(mine)) != len(mine):
        return "A proposal is taken twice."
    if np.array_equal(np.sort(mine), np.sort(wanted)):
        return None
    objects, right = int((labels[mine] > 0).sum()), int((labels[wanted] > 0).sum())
    if (objects, len(mine)) == (right, len(wanted)):
        return "The numbers of foreground and background are right. Take the first of each kind."
    return (
        f"You took {objects} of the foreground and {len(mine) - objects} of the background; wanted "
        f"are {right} and {len(wanted) - right}."
    )


def _draw_rois(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    labels, count, share = inputs
    if not 0 < len(labels) <= 24:
        return None
    title = f"{count} to take, {int(share * count)} of them foreground at most"
    fig, ax = base.figure(title=title, width=4.6, height=1.5)
    with base.style():
        for number, label in enumerate(labels.tolist()):
            shade = base.GRID if label else "white"
            ax.add_patch(_cell(number, 0, 0.8, facecolor=shade, edgecolor=base.FAINT))
            ax.text(number, 0, str(label), ha="center", va="center")
        for row, chosen, color, hatch in (
            (1, wanted, base.COLORS[2], ""),
            (2, got, base.COLORS[1], "///"),
        ):
            for number in set(np.asarray(chosen).astype(int).ravel().tolist()):
                cell = _cell(number, row, 0.8, edgecolor=color, hatch=hatch, facecolor="none")
                ax.add_patch(cell)
        ax.set_yticks([0, 1, 2], ["label", "wanted", "yours"])
        ax.set_xticks(range(len(labels)))
        ax.set(xlim=(-0.6, max(len(labels), 10) - 0.4), ylim=(2.6, -0.6), xlabel="proposal")
        ax.grid(False)
        ax.tick_params(length=0)
    return fig


def _cell(column: float, row: float, side: float, **style: Any) -> Any:
    """A square in row and column of a table."""
    from matplotlib.patches import Rectangle

    return Rectangle((column - side / 2, row - side / 2), side, side, linewidth=1.6, **style)


SAMPLE_ROIS = Exercise(
    name="04-sample-rois",
    task="the numbers of the proposals that the head learns from in a step",
    starter=sample_rois_starter,
    reference=sample_rois,
    cases=(
        (np.array([0, 3, 0, 0, 1, 0, 0, 0]), 4, 0.25),
        (np.array([2, 2, 1, 3, 1, 0, 0, 0, 0]), 8, 0.5),
        (np.array([0, 0, 0, 0, 0, 0, 2]), 4, 0.5),
        (np.array([0, 0, 0, 0, 0]), 4, 0.25),
        (np.array([1, 2, 1, 0, 3, 3]), 4, 0.5),
        (np.array([], np.int64), 4, 0.5),
        (np.array([0, 1, 0]), 8, 0.25),
    ),
    generate=_rois_inputs,
    valid=_are_labels,
    judge=_judge_rois,
    misconceptions=(
        Misconception(
            "the first ones",
            _rois_first,
            "You took the first `count`, whatever they are. Nearly all proposals are background: "
            "the head would hardly see an object and learn to say 'nothing'.",
        ),
        Misconception(
            "not filled up",
            _rois_not_filled,
            "You kept places free for foreground that there is not. Fill them with background: "
            "`count - len(foreground)`.",
        ),
        Misconception(
            "no limit",
            _rois_all_foreground,
            "You took all the foreground you could get. Then the head does not learn what "
            "background looks like: at most `share` of `count`.",
        ),
        Misconception(
            "share of the proposals",
            _rois_share_of_proposals,
            "You took `share` of all proposals. It is the share of the `count` that are taken.",
        ),
        Misconception(
            "balanced",
            _rois_balanced,
            "You took as much background as foreground. An image with a single good proposal would "
            "then teach next to nothing about background.",
        ),
        Misconception(
            "all the background",
            _rois_all_background,
            "You took all the background: that is more than `count`.",
        ),
        Misconception(
            "filled with foreground",
            _rois_filled_with_objects,
            "Where background was short you filled up with foreground. Take fewer instead: `share` "
            "is a limit.",
        ),
        Misconception(
            "one class",
            _rois_first_class,
            "You took class 1 for the foreground. Every label but 0 is foreground.",
        ),
        Misconception(
            "kinds swapped",
            _rois_swapped,
            "You limited the background to `share` and filled up with foreground. It is the other "
            "way round.",
        ),
        Misconception(
            "labels",
            _rois_labels,
            "You gave back labels. Wanted are the numbers of the proposals, so that the caller can "
            "take their boxes along: `np.flatnonzero(...)`, not `labels[...]`.",
        ),
        Misconception(
            "a mask",
            _rois_mask,
            "You gave back a yes or no for each proposal. Wanted are the numbers of those taken: "
            "`np.flatnonzero(mask)`.",
        ),
    ),
    alternatives=(_rois_by_loop, _rois_by_sorting),
    hints=(
        "Two rows of numbers first: which proposals are foreground, which are background? Then: "
        "how many of each at most, and what does one leave to the other?",
        "`np.flatnonzero(labels > 0)` are the numbers of the foreground, `labels == 0` gives those "
        "of the background. At most `int(share * count)` of the foreground: a slice `[:most]` is "
        "short by itself where there are fewer.",
        "Then `count - len(foreground)` of the background, and `np.concatenate` of both.",
    ),
    praise="The head sees a steady diet: some objects, and enough of what is none.",
    onward="Hard cases teach most: later methods choose background that is often mistaken.",
    draw=_draw_rois,
    alt="A row of proposals with their labels; below it which to take, and which you took.",
)


# -- the multi-task loss -------------------------------------------------------------------------


def detection_loss_starter(
    class_losses: Floats, labels: Integers, offsets: Floats, targets: Floats
) -> float:
    """The multi-task loss of a detection head over N proposals: one number.

    `class_losses` (N,) are their cross-entropies, `labels` (N,) their true classes, 0 for
    background. `offsets` (N, 4) are the predicted dx, dy, dw, dh, `targets` (N, 4) the true ones.
    Add to the mean of the class losses the box loss: the smooth L1 loss of all four differences d,

        0.5 d^2 where |d| < 1, and |d| - 0.5 elsewhere,

    summed over the foreground and divided by N. Background has no box: what stands in its rows of
    `targets` means nothing.
    """
    return ...  # type: ignore[return-value]


def detection_loss(
    class_losses: Floats, labels: Integers, offsets: Floats, targets: Floats
) -> float:
    """The multi-task loss of a detection head over N proposals.

    Girshick: Fast R-CNN (2015), equations 1 to 3, with lambda = 1.
    """
    d = np.abs(np.asarray(offsets, float) - np.asarray(targets, float))
    # smooth(d) = d^2 / 2 where |d| < 1, |d| - 1/2 elsewhere
    smooth = np.where(d < 1, 0.5 * d**2, d - 0.5).sum(axis=1)
    # L = mean of L_cls + [u >= 1] L_loc
    foreground = np.asarray(labels) > 0
    return float((np.asarray(class_losses) + np.where(foreground, smooth, 0)).mean())


def _loss_by_loop(class_losses: Any, labels: Any, offsets: Any, targets: Any) -> float:
    total = 0.0
    for loss, label, mine, true in zip(class_losses, labels, offsets, targets, strict=True):
        total += float(loss)
        if label != 0:
            for a, b in zip(mine, true, strict=True):
                d = abs(float(a) - float(b))
                total += d * d / 2 if d < 1 else d - 0.5
    return total / len(class_losses)


def _loss_by_clipping(class_losses: Any, labels: Any, offsets: Any, targets: Any) -> Any:
    seen = np.flatnonzero(labels)
    d = np.abs(offsets[seen] - targets[seen]).astype(float)
    near = np.minimum(d, 1)
    return class_losses.mean() + (near * (d - near / 2)).sum() / len(labels)


def _smooth(d: Floats) -> Floats:
    d = np.abs(d)
    return np.where(d < 1, 0.5 * d**2, d - 0.5)


def _parts(
    class_losses: Floats, labels: Integers, offsets: Floats, targets: Floats, each: Any = _smooth
) -> tuple[float, float]:
    """The mean class loss, and the summed box loss of the foreground."""
    mine = np.asarray(labels) > 0
    loss = each(np.asarray(offsets, float)[mine] - np.asarray(targets, float)[mine]).sum()
    return float(np.mean(class_losses)), float(loss)


def _loss_of_all_boxes(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, np.ones_like(y), o, t)
    return mean + box / len(y)


def _loss_over_foreground(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    return mean + box / max(int((np.asarray(y) > 0).sum()), 1)


def _loss_over_foreground_nan(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    count = int((np.asarray(y) > 0).sum())
    return mean + (box / count if count else math.nan)


def _loss_mean_of_four(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    return mean + box / 4 / len(y)


def _loss_mean_of_all(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    count = int((np.asarray(y) > 0).sum())
    return mean + (box / count / 4 if count else 0.0)


def _loss_not_divided(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    return mean + box


def _loss_summed(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t)
    return mean * len(y) + box


def _loss_absolute(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t, np.abs)
    return mean + box / len(y)


def _loss_squared(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t, lambda d: 0.5 * d**2)
    return mean + box / len(y)


def _loss_with_a_step(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t, lambda d: np.where(np.abs(d) < 1, 0.5 * d**2, np.abs(d)))
    return mean + box / len(y)


def _loss_without_half(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t, lambda d: np.where(np.abs(d) < 1, d**2, np.abs(d) - 0.5))
    return mean + box / len(y)


def _loss_signed(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mean, box = _parts(c, y, o, t, lambda d: np.where(d < 1, 0.5 * d**2, d - 0.5))
    return mean + box / len(y)


def _loss_of_boxes_only(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    return _parts(c, y, o, t)[1] / len(y)


def _loss_classes_of_foreground(c: Floats, y: Integers, o: Floats, t: Floats) -> float:
    mine = np.asarray(y) > 0
    return float(np.where(mine, c, 0).mean()) + _parts(c, y, o, t)[1] / len(y)


def _loss_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 7))
    labels = rng.integers(1, 4, count) * (rng.random(count) < 0.5)
    class_losses = np.round(rng.random(count) * 3, 1)
    offsets, targets = np.round(rng.normal(0, 1.2, (2, count, 4)), 1)
    return class_losses, labels.astype(np.int64), offsets, targets


def _are_losses(c: Floats, y: Integers, o: Floats, t: Floats) -> bool:
    return bool(len(c) == len(y) == len(o) == len(t) > 0 and (c >= 0).all() and (y >= 0).all())


def _draw_loss(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    class_losses, labels, offsets, targets = inputs
    count = len(labels)
    boxes = np.where(labels > 0, _smooth(offsets - targets).sum(1), 0)
    yours = f", yours {float(np.asarray(got).item()):.4g}" if np.size(got) == 1 else ""
    divisor = f" / {count}" if count > 1 else ""
    fig, ax = base.figure(
        title=f"Sum of the bars{divisor}: {float(wanted):.4g}{yours}",
        width=4.6,
        height=0.34 * count + 1.2,
    )
    with base.style():
        rows = np.arange(count)
        ax.barh(rows, class_losses, 0.6, color=base.COLORS[0], label="class")
        ax.barh(rows, boxes, 0.6, left=class_losses, color=base.COLORS[4], hatch="//", label="box")
        names = [f"class {n}" if n else "background" for n in labels.tolist()]
        ax.set_yticks(rows, names)
        ax.set(ylim=(count - 0.4, -0.6), xlabel="loss of the proposal")
        if (class_losses + boxes).max() <= 0:
            ax.set_xlim(0, 1)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


_FOUR = np.array([[0.5, 0.0, 0.0, -2.0]])
_NONE = np.zeros((1, 4))

DETECTION_LOSS = Exercise(
    name="04-detection-loss",
    task="the multi-task loss of a detection head: mean class loss plus box loss of the foreground",
    starter=detection_loss_starter,
    reference=detection_loss,
    cases=(
        (np.array([1.0]), np.array([2]), _FOUR, _NONE),
        (np.array([0.2, 0.6]), np.array([0, 1]), np.repeat(_FOUR, 2, 0), np.zeros((2, 4))),
        (np.array([0.4]), np.array([0]), np.full((1, 4), 3.0), _NONE),
        (np.array([0.0, 0.0, 0.3]), np.array([3, 0, 1]), np.ones((3, 4)), np.zeros((3, 4))),
        (np.array([0.1, 0.1]), np.array([1, 1]), -2 * np.ones((2, 4)), np.zeros((2, 4))),
    ),
    generate=_loss_inputs,
    valid=_are_losses,
    misconceptions=(
        Misconception(
            "background has a box",
            _loss_of_all_boxes,
            "You made background pay for its box. There is no true box for it: its targets mean "
            "nothing, and the head would learn noise from most of its proposals.",
        ),
        Misconception(
            "divided by the foreground",
            _loss_over_foreground,
            "You divided the box loss by the number of foreground proposals. Wanted is N, all of "
            "them: then an image with a single object does not weigh it as much as ten.",
            variants=(_loss_over_foreground_nan,),
        ),
        Misconception(
            "mean of the four",
            _loss_mean_of_four,
            "You took the mean over dx, dy, dw and dh. Add the four up.",
        ),
        Misconception(
            "mean of everything",
            _loss_mean_of_all,
            "You took the mean over all numbers of the foreground. Add them up and divide by N.",
        ),
        Misconception(
            "box loss not divided",
            _loss_not_divided,
            "You added the whole sum of the box losses to a mean. Divide it by N, too.",
        ),
        Misconception(
            "nothing divided",
            _loss_summed,
            "Those are sums. With twice as many proposals they would be twice as large: divide "
            "by N.",
        ),
        Misconception(
            "L1",
            _loss_absolute,
            "That is the plain L1 loss. Near 0 the smooth one is 0.5 d^2: its slope becomes gentle "
            "where the box is nearly right.",
        ),
        Misconception(
            "L2",
            _loss_squared,
            "That is 0.5 d^2 everywhere. From |d| = 1 on the smooth L1 loss grows only like |d|, "
            "so that one wild box does not decide the step.",
        ),
        Misconception(
            "a step at 1",
            _loss_with_a_step,
            "Beyond 1 it is |d| - 0.5. Without the 0.5 the loss jumps from 0.5 to 1 at |d| = 1.",
        ),
        Misconception(
            "no half",
            _loss_without_half,
            "Below 1 it is 0.5 d^2. Without the 0.5 the loss jumps at |d| = 1, and its slope too.",
        ),
        Misconception(
            "sign",
            _loss_signed,
            "You compared d with 1, not |d|: a large negative difference is then squared.",
        ),
        Misconception(
            "boxes only",
            _loss_of_boxes_only,
            "The class losses are missing: the loss has two tasks.",
        ),
        Misconception(
            "classes of the foreground",
            _loss_classes_of_foreground,
            "You left the class losses of the background out. Background is a class, and the head "
            "must learn it. Only its *box* does not count.",
        ),
    ),
    alternatives=(_loss_by_loop, _loss_by_clipping),
    hints=(
        "Go proposal by proposal: which of them pay for their class, and which for their box, too? "
        "By which number is the sum of it all divided?",
        "`d = np.abs(offsets - targets)`, then `np.where(d < 1, ..., ...)` for the two branches. "
        "Sum over the four numbers of each proposal: `.sum(axis=1)` gives (N,).",
        "Multiplied by `(labels > 0)`, the background's box losses are 0. Then "
        "`(class_losses + box_losses).mean()` divides both by N.",
    ),
    praise="Two tasks, one number: now one gradient teaches the head both.",
    onward="The RPN has the same loss with two classes, object or not.",
    draw=_draw_loss,
    alt="A bar for each proposal: its class loss, and for foreground its box loss behind it.",
)


# -- peaks ---------------------------------------------------------------------------------------


def center_peaks_starter(heat: Floats, threshold: float) -> Integers:
    """The peaks of a heat map (H, W): (K, 2) whole numbers, each row and column, highest first.

    A cell is a peak if its value is at least `threshold` and above those of all its neighbours. A
    cell inside has eight of them, a cell at the border fewer. No two values of `heat` are equal,
    and K may be 0.
    """
    return ...  # type: ignore[return-value]


def center_peaks(heat: Floats, threshold: float) -> Integers:
    """The peaks of a heat map (H, W): (K, 2) whole numbers, each row and column, highest first.

    Zhou, Wang, Kraehenbuehl: Objects as Points (2019), section 4.
    """
    height, width = heat.shape
    around = np.pad(heat, 1, constant_values=-np.inf)  # a border that never wins
    # the nine shifted maps, the middle one among them: a 3x3 max pooling
    nine = [around[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    peak = (heat >= np.max(nine, axis=0)) & (heat >= threshold)
    places = np.argwhere(peak)
    return places[np.argsort(-heat[peak])]


def _peaks_by_loop(heat: Any, threshold: float) -> list[tuple[int, int]]:
    height, width = np.shape(heat)
    found = []
    for i in range(height):
        for j in range(width):
            part = heat[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            if heat[i, j] >= threshold and heat[i, j] == part.max():
                found.append((-float(heat[i, j]), i, j))
    return [(i, j) for _, i, j in sorted(found)]


def _peaks_by_scipy(heat: Floats, threshold: float) -> Any:
    from scipy import ndimage

    highest = ndimage.maximum_filter(heat, size=3, mode="constant", cval=-np.inf)
    rows, columns = np.nonzero((heat == highest) & (heat >= threshold))
    order = heat[rows, columns].argsort()[::-1]
    return np.array([rows[order], columns[order]]).T


def _peaks_by_max_pooling(heat: Floats, threshold: float) -> Any:
    from tracklab.quiet import tf

    highest = tf.nn.max_pool2d(heat[None, ..., None], 3, 1, "SAME")[0, ..., 0].numpy()
    peak = (heat == highest) & (heat >= threshold)
    return _by_height(heat, peak)


_RING = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


def _where_above(heat: Floats, threshold: float, steps: Any, fill: float = -np.inf) -> Any:
    """Cells above the threshold and above their neighbours at the given steps."""
    height, width = heat.shape
    around = np.pad(heat.astype(float), 1, constant_values=fill)
    peak = heat >= threshold
    for i, j in steps:
        peak &= heat > around[1 + i : 1 + i + height, 1 + j : 1 + j + width]
    return peak


def _by_height(heat: Floats, peak: Any) -> Integers:
    places = np.argwhere(peak).reshape(-1, 2)
    return places[np.argsort(-heat[peak])]


def _peaks_everything_hot(heat: Floats, threshold: float) -> Integers:
    return _by_height(heat, heat >= threshold)


def _peaks_one(heat: Floats, threshold: float) -> Integers:
    return center_peaks(heat, threshold)[:1]


def _peaks_of_four(heat: Floats, threshold: float) -> Integers:
    four = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    return _by_height(heat, _where_above(heat, threshold, four))


def _peaks_inside(heat: Floats, threshold: float) -> Integers:
    return _by_height(heat, _where_above(heat, threshold, _RING, math.inf))


def _peaks_round_the_back(heat: Floats, threshold: float) -> Integers:
    peak = heat >= threshold
    for i, j in _RING:
        peak &= heat >= np.roll(heat, (i, j), (0, 1))
    return _by_height(heat, peak)


def _peaks_x_y(heat: Floats, threshold: float) -> Integers:
    return center_peaks(heat, threshold)[:, ::-1]


def _peaks_as_read(heat: Floats, threshold: float) -> Integers:
    return np.argwhere(_where_above(heat, threshold, _RING)).reshape(-1, 2)


def _peaks_lowest_first(heat: Floats, threshold: float) -> Integers:
    return center_peaks(heat, threshold)[::-1]


def _peaks_any_height(heat: Floats, threshold: float) -> Integers:
    return center_peaks(heat, -math.inf)


def _peaks_above(heat: Floats, threshold: float) -> Integers:
    places = center_peaks(heat, threshold)
    return places[heat[places[:, 0], places[:, 1]] > threshold]


def _peaks_by_removal(heat: Floats, threshold: float) -> Integers:
    left, places = heat.astype(float), []
    while left.max() >= threshold:
        i, j = np.unravel_index(left.argmax(), left.shape)
        places.append((int(i), int(j)))
        left[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = -np.inf
    return np.array(places, int).reshape(-1, 2)


def _heat(rng: np.random.Generator) -> tuple[Any, ...]:
    height, width = rng.integers(1, 6, 2)
    values = rng.permutation(np.arange(1, 100))[: height * width].astype(np.float32)
    # float32, as a network gives it; these thresholds are the same number in float32 and float64
    return values.reshape(height, width) / np.float32(100), float(rng.choice([0.25, 0.5, 0.75]))


def _is_heat(heat: Floats, threshold: float) -> bool:
    if heat.ndim != 2 or not heat.size or not 0.05 <= threshold <= 0.95:
        return False
    apart = np.diff(np.sort(heat, axis=None))
    beside = np.abs(heat.astype(float) - threshold)
    if ((beside > 0) & (beside < 1e-6)).any():
        return False  # at the threshold in float32 and not in float64
    return bool(heat.min() >= 0 and heat.max() <= 1 and (apart > 1e-6).all())


def _judge_peaks(inputs: tuple[Any, ...], got: Any, wanted: Any) -> str | None:
    if np.size(got) == 0 and np.size(wanted) == 0:
        return None  # no peak, in whatever shape
    if np.size(got) == 0:
        return "There is a peak, and you found none."
    if np.size(wanted) == 0 and np.ndim(got) == 2:
        return "There is no peak of at least the threshold here, and you found one."
    return compare.difference(got, wanted)


def _draw_peaks(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    heat, threshold = inputs
    mine = np.asarray(got, float).reshape(-1, 2)
    height, width = heat.shape
    near = (mine > -2).all(1) & (mine < [height + 1, width + 1]).all(1)
    rows, columns = max([height - 1, *mine[near, 0]]), max([width - 1, *mine[near, 1]])
    fig, axes = base.figure(
        1,
        2,
        title=f"Peaks of at least {threshold:g}, in their order",
        width=4.6,
        height=min(0.48 * (rows + 1), 2.6) + 1.2,
    )
    with base.style():
        panels = {"wanted": np.asarray(wanted).reshape(-1, 2), "yours": mine[near]}
        colors = (base.COLORS[2], base.COLORS[1])
        for ax, (name, points), color in zip(axes, panels.items(), colors, strict=True):
            ax.imshow(heat, cmap="Greys", vmin=0, vmax=2.5)
            for i, j in np.ndindex(height, width):
                ax.text(j, i - 0.08, f"{heat[i, j]:g}", ha="center", va="center", fontsize=8)
            for order, (row, column) in enumerate(points.tolist(), 1):
                ax.add_patch(_cell(column, row, 0.88, facecolor="none", edgecolor=color))
                at = (column, row + 0.27)
                ax.text(*at, f"no. {order}", ha="center", va="center", color=color, fontsize=6.5)
            ax.set_title(name, color=color)
            ax.set(xlim=(-0.6, columns + 0.6), ylim=(rows + 0.6, -0.6), anchor="NW")
            ax.set_xticks(range(width))
            ax.set_yticks(range(height))
            ax.set(xlabel="column", ylabel="row")
            ax.grid(False)
    return fig


def _map(*rows: list[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


_HILLS = np.array(
    [
        [0.90, 0.30, 0.10, 0.05],
        [0.40, 0.20, 0.06, 0.60],
        [0.07, 0.08, 0.50, 0.55],
    ],
    np.float32,
)

CENTER_PEAKS = Exercise(
    name="04-center-peaks",
    task="the peaks (K, 2) of a heat map, each row and column, highest first",
    starter=center_peaks_starter,
    reference=center_peaks,
    cases=(
        (_HILLS, 0.25),
        (_map([0.2, 0.8, 0.7], [0.1, 0.3, 0.6]), 0.5),
        (_map([0.1, 0.3], [0.2, 0.15]), 0.5),
        (_map([0.1, 0.2, 0.9], [0.15, 0.25, 0.3], [0.95, 0.4, 0.35]), 0.5),
        (_map([0.5, 0.1, 0.2]), 0.5),
        (_map([0.6, 0.1], [0.2, 0.7]), 0.3),
        (_map([0.9, 0.8, 0.7, 0.2]), 0.5),
    ),
    generate=_heat,
    valid=_is_heat,
    judge=_judge_peaks,
    misconceptions=(
        Misconception(
            "everything hot",
            _peaks_everything_hot,
            "You took every cell above the threshold. Around a peak lie others that are hot too, "
            "and each would be one more detection of the same object.",
        ),
        Misconception(
            "only the highest",
            _peaks_one,
            "You took one peak. An image may hold several objects, each with a peak of its own.",
        ),
        Misconception(
            "the highest of what is left",
            _peaks_by_removal,
            "You took the highest, struck out its neighbours, and took the highest of what was "
            "left. Two steps down the slope of one hill is no second peak: it lies beside a cell "
            "that you struck out and that is higher. Compare with the whole map.",
        ),
        Misconception(
            "four neighbours",
            _peaks_of_four,
            "You compared with four neighbours. The diagonal ones count too: eight.",
        ),
        Misconception(
            "no border",
            _peaks_inside,
            "Cells at the border are never a peak of yours. They have fewer neighbours, not higher "
            "ones: pad the map with -inf.",
        ),
        Misconception(
            "round the back",
            _peaks_round_the_back,
            "`np.roll` brings the values that leave on one side back on the other: your border "
            "cells are compared with the opposite border.",
        ),
        Misconception(
            "x, y",
            _peaks_x_y,
            "Row first, then column: that is y, x.",
        ),
        Misconception(
            "not sorted",
            _peaks_as_read,
            "Those are the peaks, as they are read. Wanted is the highest first.",
        ),
        Misconception(
            "lowest first",
            _peaks_lowest_first,
            "Those are the peaks, the lowest first. `np.argsort` sorts upwards: turn it round.",
        ),
        Misconception(
            "any height",
            _peaks_any_height,
            "You left the threshold out: every bump is a peak of yours.",
        ),
        Misconception(
            "strictly above the threshold",
            _peaks_above,
            "A peak of exactly the threshold counts: at least.",
        ),
    ),
    alternatives=(_peaks_by_loop, _peaks_by_scipy, _peaks_by_max_pooling),
    hints=(
        "A cell is a peak if it equals the maximum of the 3x3 cells around it, itself among them.",
        "Pad the map by one cell of -inf on each side. The nine slices `around[i : i + H, j : j + "
        "W]` for i, j from 0 to 2 are the map shifted; `np.max(nine, axis=0)` is the maximum.",
        "`np.argwhere(peak)` gives rows and columns in the order of reading, as `heat[peak]` gives "
        "the values; `np.argsort(-heat[peak])` sorts both.",
    ),
    praise="A 3x3 max pooling does what non-maximum suppression does, in one line.",
    onward="Add a predicted size at each peak, and you have a detector without proposals.",
    draw=_draw_peaks,
    alt="The heat map with its numbers, twice: with the wanted peaks framed, and with yours.",
)

EXERCISES = (RECALL, SAMPLE_POINTS, SAMPLE_ROIS, DETECTION_LOSS, CENTER_PEAKS)
