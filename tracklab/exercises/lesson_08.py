"""Exercises of lesson 08, Augmentation: what is known must follow the pixels.

A mirrored box, a clip upside down with its velocities, the box around a turned box, boxes at the
edge of a crop, and the labels of mixed images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.augment import edge, geometry
from tracklab.augment import labels as of_images
from tracklab.exercises import sketch
from tracklab.exercises.engine import Exercise, Misconception

Box = NDArray[np.float32]
Boxes = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]


def _box(*corners: float) -> Box:
    return np.array(corners, np.float32)


def _random_boxes(rng: np.random.Generator, *shape: int) -> Boxes:
    """Boxes of whole pixels from 0 to 24."""
    low = rng.integers(0, 16, (*shape, 2))
    return np.concatenate([low, low + rng.integers(2, 9, (*shape, 2))], -1).astype(np.float32)


def _are_boxes(boxes: Floats, dimensions: int, least: int = 2) -> bool:
    """Whether boxes are whole pixels, and large enough to be seen in a picture."""
    if boxes.ndim != dimensions or boxes.shape[-1:] != (4,):
        return False
    known = boxes[np.isfinite(boxes).all(-1)]
    whole = bool((known == np.round(known)).all() and (np.abs(known) <= 100).all())
    return whole and bool((known[..., 2:] - known[..., :2] >= least).all())


def _inside(boxes: Floats, end: float, axis: int) -> bool:
    """Whether boxes lie between 0 and an end along an axis."""
    known = boxes[np.isfinite(boxes).all(-1)]
    return bool((known[..., axis] >= 0).all() and (known[..., 2 + axis] <= end).all())


def _compare_boxes(inputs: Any, got: Any, wanted: Any, given: Any, *around: Any) -> Any:
    """The given boxes in grey, the wanted ones and those that came."""
    mine = np.asarray(got, float)
    mine = mine.reshape(-1, 4) if mine.shape == np.shape(wanted) else np.zeros((0, 4))
    wanted = np.reshape(np.asarray(wanted, float), (-1, 4))
    sheet = sketch.Sheet(given, wanted, mine, *around)
    for box in np.reshape(given, (-1, 4)):
        sheet.box(box, sketch.GIVEN, key="given")
    for box in wanted:
        sheet.box(box, sketch.WANTED, key="wanted")
    for box in mine:
        sheet.box(_ordered(box), sketch.YOURS, key="yours", dashed=True)
    return sheet


def _ordered(box: Floats) -> Floats:
    """A box whose corners may have changed places, as something that can be drawn."""
    return np.concatenate([np.fmin(box[:2], box[2:]), np.fmax(box[:2], box[2:])])


# -- boxes in the mirror -------------------------------------------------------------------------


def flip_starter(boxes: Boxes, width: float) -> Boxes:
    """Where boxes are after left and right were exchanged: (N, 4).

    `boxes` (N, 4) are x1, y1, x2, y2 in continuous pixels of an image that is `width` pixels wide:
    its left edge is x = 0, its right edge x = width. Row k of the result is box k in the mirrored
    image, again with x1 < x2.
    """
    return ...  # type: ignore[return-value]


def flip(boxes: Boxes, width: float) -> Boxes:
    """Where boxes are after left and right were exchanged: (N, 4)."""
    x1, y1, x2, y2 = np.asarray(boxes).T
    # x' = W - x: what was the right edge is the left one now
    return np.stack([width - x2, y1, width - x1, y2], -1)


def _flip_by_index(boxes: Any, width: float) -> Any:
    mirrored = np.array(boxes)
    mirrored[:, [0, 2]] = width - mirrored[:, [2, 0]]
    return mirrored


def _flip_by_centre(boxes: Any, width: float) -> Any:
    boxes = np.asarray(boxes)
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    middle[:, 0] = width - middle[:, 0]
    return np.hstack([middle - half, middle + half])


def _flip_by_package(boxes: Any, width: float) -> Any:
    return geometry.boxes(geometry.mirror(width), np.asarray(boxes)[None])[0]


def _flip_crossed(boxes: Boxes, width: float) -> Boxes:
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x1, y1, width - x2, y2], -1)


def _flip_by_corner(boxes: Boxes, width: float) -> Boxes:
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x1, y1, width - x1 + (x2 - x1), y2], -1)


def _flip_less_one(boxes: Boxes, width: float) -> Boxes:
    return flip(boxes, width - 1)


def _flip_down(boxes: Boxes, width: float) -> Boxes:
    x1, y1, x2, y2 = boxes.T
    return np.stack([x1, width - y2, x2, width - y1], -1)


def _flip_both(boxes: Boxes, width: float) -> Boxes:
    return _flip_down(flip(boxes, width), width)


def _flip_negative(boxes: Boxes, width: float) -> Boxes:
    return flip(boxes, 0)


def _flip_overwritten(boxes: Boxes, width: float) -> Boxes:
    """The right edge computed from a left edge that is mirrored already."""
    x1, y1, x2, y2 = boxes.T
    x1 = width - x2
    return np.stack([x1, y1, width - x1, y2], -1)


def _flip_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    return _random_boxes(rng, int(rng.integers(1, 4))), float(rng.integers(24, 40))


def _draw_flip(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    boxes, width = inputs
    bottom = float(np.max(boxes[:, 3])) + 2
    sheet = _compare_boxes(inputs, got, wanted, boxes, _box(0, 0, width, bottom))
    sheet.box(_box(0, 0, width, bottom), sketch.PLAIN, key=f"the image, {width:g} pixels wide")
    return sheet.picture()


FLIP = Exercise(
    name="08-flip-boxes",
    task="the boxes (N, 4) in the mirrored image",
    starter=flip_starter,
    reference=flip,
    cases=(
        (np.array([[2, 3, 10, 8]], np.float32), 32.0),
        (np.array([[0, 0, 5, 5], [20, 4, 30, 12]], np.float32), 30.0),
        (np.array([[12, 5, 20, 9]], np.float32), 32.0),
        (np.zeros((0, 4), np.float32), 32.0),
    ),
    generate=_flip_inputs,
    valid=lambda boxes, width: (
        _are_boxes(boxes, 2) and 8 <= width <= 200 and _inside(boxes, width, 0)
    ),
    misconceptions=(
        Misconception(
            "left edge to the right of the right one",
            _flip_crossed,
            "Each x is mirrored, and then x1 is larger than x2. What was the right edge is the "
            "left one now: x1' = width - x2.",
        ),
        Misconception(
            "the corner mirrored, the size kept",
            _flip_by_corner,
            "You mirrored the left edge and put the box behind it. But the mirror image of the "
            "*left* edge is the *right* edge.",
        ),
        Misconception(
            "overwritten",
            _flip_overwritten,
            "You wrote the new x1 over the old one, and computed x2 from the new one. Keep the old "
            "values until both are done.",
        ),
        Misconception(
            "width - 1",
            _flip_less_one,
            "`width - 1 - x` mirrors indices of pixels. A box's edge lies between pixels: the "
            "image reaches from 0 to width, so x' = width - x.",
        ),
        Misconception(
            "upside down",
            _flip_down,
            "You exchanged top and bottom. Left and right are x.",
        ),
        Misconception(
            "both ways",
            _flip_both,
            "You exchanged left and right and top and bottom: that is a half turn.",
        ),
        Misconception(
            "about the left edge",
            _flip_negative,
            "The boxes are mirrored about x = 0 and have left the image. The mirror stands in its "
            "middle: x' = width - x.",
        ),
    ),
    alternatives=(_flip_by_index, _flip_by_centre, _flip_by_package),
    hints=(
        "Where does the right edge of the image go? And the left one? What does that make of x?",
        "Every x becomes width - x. Which of the two numbers of a box is the smaller one then?",
        "`x1, y1, x2, y2 = boxes.T`; `return np.stack([width - x2, y1, width - x1, y2], -1)`.",
    ),
    praise="A box that follows its pixels, without an off-by-one.",
    onward="Every other move is a matrix, and the mirror is one, too.",
    draw=_draw_flip,
    alt="The image, the given boxes, the wanted ones and yours.",
)


# -- a clip upside down --------------------------------------------------------------------------


def clip_starter(boxes: Boxes, velocities: Floats, height: float) -> Any:
    """Boxes and velocities of a clip after top and bottom were exchanged in every frame: a pair.

    `boxes` (T, N, 4) are those of N objects in T frames, x1, y1, x2, y2, in images `height` pixels
    high; four NaNs where an object is absent. `velocities` (T, N, 2) say how each centre moves:
    pixels a frame to the right, and down. Give back both for the clip upside down, in the same
    shapes, with y1 < y2.
    """
    return ...


def flip_clip(boxes: Boxes, velocities: Floats, height: float) -> Any:
    """Boxes and velocities of a clip after top and bottom were exchanged in every frame: a pair."""
    x1, y1, x2, y2 = np.moveaxis(np.asarray(boxes), -1, 0)
    # y' = H - y
    turned = np.stack([x1, height - y2, x2, height - y1], -1)
    # v'_y = y'[t] - y'[t - 1] = -(y[t] - y[t - 1]) = -v_y: the height cancels
    return turned, np.asarray(velocities) * np.array([1, -1])


def _clip_by_matrix(boxes: Any, velocities: Any, height: float) -> Any:
    turn = np.array([[1.0, 0.0], [0.0, -1.0]])
    corners = np.reshape(boxes, (*np.shape(boxes)[:-1], 2, 2)) @ turn + np.array([0, height])
    low, high = corners.min(-2), corners.max(-2)
    return np.concatenate([low, high], -1), velocities @ turn.T


def _clip_in_place(boxes: Any, velocities: Any, height: float) -> Any:
    turned, speeds = np.array(boxes), np.array(velocities)
    turned[..., [1, 3]] = height - turned[..., [3, 1]]
    speeds[..., 1] = -speeds[..., 1]
    return turned, speeds


def _clip(boxes: Boxes, velocities: Floats, height: float, change: Any) -> Any:
    """The right boxes, with velocities changed in another way."""
    speeds = np.array(velocities, float)
    return flip_clip(boxes, velocities, height)[0], change(speeds)


def _clip_velocity_kept(boxes: Boxes, velocities: Floats, height: float) -> Any:
    return _clip(boxes, velocities, height, lambda v: v)


def _clip_velocity_as_place(boxes: Boxes, velocities: Floats, height: float) -> Any:
    return _clip(boxes, velocities, height, lambda v: np.stack([v[..., 0], height - v[..., 1]], -1))


def _clip_velocity_turned(boxes: Boxes, velocities: Floats, height: float) -> Any:
    return _clip(boxes, velocities, height, lambda v: -v)


def _clip_velocity_across(boxes: Boxes, velocities: Floats, height: float) -> Any:
    return _clip(boxes, velocities, height, lambda v: v * np.array([-1, 1]))


def _clip_crossed(boxes: Boxes, velocities: Floats, height: float) -> Any:
    turned, speeds = flip_clip(boxes, velocities, height)
    return turned[..., [0, 3, 2, 1]], speeds


def _clip_backwards(boxes: Boxes, velocities: Floats, height: float) -> Any:
    """The right boxes in a film that runs backwards."""
    turned, speeds = flip_clip(boxes, velocities, height)
    return turned[::-1], speeds[::-1]


def _clip_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    T, N = (int(n) for n in rng.integers(1, 4, 2))
    boxes = _random_boxes(rng, T, N)
    if rng.random() < 0.3:
        boxes[int(rng.integers(T)), int(rng.integers(N))] = np.nan
    speeds = rng.integers(-4, 5, (T, N, 2)).astype(np.float32)
    return boxes, speeds, float(rng.integers(24, 40))


def _is_clip(boxes: Floats, velocities: Floats, height: float) -> bool:
    fit = velocities.shape == (*boxes.shape[:2], 2) and bool(np.isfinite(velocities).all())
    return (
        fit
        and boxes.size > 0
        and _are_boxes(boxes, 3)
        and 8 <= height <= 200
        and _inside(boxes, height, 1)
    )


def _draw_clip(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    boxes, velocities, height = inputs
    mine = got if isinstance(got, (tuple, list)) and len(got) == 2 else (None, None)
    right, speeds = wanted
    edge_of = _box(0, 0, float(np.nanmax(boxes[..., 2], initial=1)) + 2, height)
    sheet = _compare_boxes(inputs, mine[0], right, boxes, edge_of)
    sheet.box(edge_of, sketch.PLAIN, key=f"the frame, {height:g} pixels high")
    for places, moves, colour, dashed in (
        (boxes, velocities, sketch.GIVEN, False),
        (right, speeds, sketch.WANTED, False),
        (right, mine[1], sketch.YOURS, True),
    ):
        if moves is None or np.shape(moves) != np.shape(speeds):
            continue
        starts = bx.centers(np.asarray(places, np.float32)).reshape(-1, 2)
        for start, move in zip(starts, np.reshape(np.asarray(moves, float), (-1, 2)), strict=True):
            sheet.arrow(start, start + move, colour, dashed=dashed)
    return sheet.picture()


_PATH = np.array([[[2, 3, 8, 7]], [[4, 6, 10, 10]], [[6, 9, 12, 13]]], np.float32)
_SPEED = np.tile(np.array([2, 3], np.float32), (3, 1, 1))

CLIP = Exercise(
    name="08-flip-clip",
    task="boxes (T, N, 4) and velocities (T, N, 2) of the clip upside down, as a pair",
    starter=clip_starter,
    reference=flip_clip,
    cases=(
        (_PATH, _SPEED, 20.0),
        (_PATH[:1], _SPEED[:1], 15.0),
        (
            np.array([[[5, 5, 9, 11], [np.nan] * 4]], np.float32),
            np.array([[[0, -2], [3, 1]]], np.float32),
            24.0,
        ),
    ),
    generate=_clip_inputs,
    valid=_is_clip,
    misconceptions=(
        Misconception(
            "velocities as they were",
            _clip_velocity_kept,
            "The boxes are right, and the velocities are those of before: what fell rises now. A "
            "velocity is a difference of two places, so it is moved as well.",
        ),
        Misconception(
            "a velocity moved like a place",
            _clip_velocity_as_place,
            "You took velocities for places: height - v. A velocity is a *difference* of two "
            "places, and in it the height cancels: only the sign changes.",
        ),
        Misconception(
            "both ways turned round",
            _clip_velocity_turned,
            "You turned the whole velocity round. In a clip upside down what went right still goes "
            "right: only the part down changes its sign.",
        ),
        Misconception(
            "the other axis",
            _clip_velocity_across,
            "The boxes are upside down, the velocities are those of a mirror that exchanges left "
            "and right: the sign of the *second* number changes.",
        ),
        Misconception(
            "upper edge below the lower one",
            _clip_crossed,
            "Each y is mirrored, and then y1 is larger than y2: y1' = height - y2.",
        ),
        Misconception(
            "played backwards",
            _clip_backwards,
            "You turned time round. `[::-1]` on the first axis exchanges frames, not pixels.",
        ),
    ),
    alternatives=(_clip_by_matrix, _clip_in_place),
    hints=(
        "An object falls by 3 pixels a frame. What does it do in the clip upside down?",
        "Places: y becomes height - y, and y1 and y2 change roles. Velocities: take the difference "
        "of two such places. What is left of the height?",
        "`x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)`; boxes are `np.stack([x1, height - y2, x2, "
        "height - y1], -1)`, velocities `velocities * np.array([1, -1])`.",
    ),
    praise="A trajectory that is still a trajectory: differences of its places are its velocities.",
    onward="With a matrix A and a shift t, places become A p + t and velocities A v.",
    draw=_draw_clip,
    alt="Boxes and velocities before, as wanted, and yours.",
)


# -- the box around a turned box -----------------------------------------------------------------


def turn_starter(box: Box, degrees: float, middle: Floats) -> Box:
    """The box (4,) around a box (4,) that was turned by so many degrees about `middle` (2,).

    Turned counter-clockwise, as one sees it; x points right and y points down. A point that lies
    (x, y) from the middle then lies at

        x' =  x cos a + y sin a
        y' = -x sin a + y cos a

    from it. The result is the smallest x1, y1, x2, y2 that holds the turned box.
    """
    return ...  # type: ignore[return-value]


def turn(box: Box, degrees: float, middle: Floats) -> Box:
    """The box (4,) around a box (4,) that was turned by so many degrees about `middle` (2,)."""
    x1, y1, x2, y2 = box
    a = np.deg2rad(degrees)
    x, y = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)]).T - np.reshape(middle, (2, 1))
    # x' = x cos a + y sin a, y' = -x sin a + y cos a
    turned = np.stack([x * np.cos(a) + y * np.sin(a), -x * np.sin(a) + y * np.cos(a)], -1)
    return np.concatenate([turned.min(0), turned.max(0)]) + np.tile(middle, 2)


def _turn_by_package(box: Any, degrees: float, middle: Any) -> Any:
    move = geometry.about(geometry.rotation(degrees), *middle)
    return geometry.boxes(move, np.asarray(box)[None, None])[0, 0]


def _turn_by_size(box: Any, degrees: float, middle: Any) -> Any:
    box, middle = np.asarray(box, float), np.asarray(middle, float)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    centre = (box[:2] + box[2:]) / 2 - middle
    centre = np.array([[cos, sin], [-sin, cos]]) @ centre + middle
    # w' = w |cos| + h |sin|, h' = w |sin| + h |cos|
    half = np.abs([[cos, sin], [sin, cos]]) @ (box[2:] - box[:2]) / 2
    return np.r_[centre - half, centre + half]


def _turned(points: Any, degrees: float, middle: Any) -> Any:
    move = geometry.about(geometry.rotation(degrees), *np.asarray(middle, float))
    return geometry.points(move, np.asarray(points, float))[0].astype(float)


def _turn_clockwise(box: Box, degrees: float, middle: Floats) -> Box:
    return turn(box, -degrees, middle)


def _turn_two_corners(box: Box, degrees: float, middle: Floats) -> Box:
    two = _turned(box.reshape(2, 2), degrees, middle)
    return np.concatenate([two.min(0), two.max(0)])


def _turn_two_unsorted(box: Box, degrees: float, middle: Floats) -> Box:
    return np.asarray(_turned(box.reshape(2, 2), degrees, middle).ravel())


def _turn_about_zero(box: Box, degrees: float, middle: Floats) -> Box:
    return turn(box, degrees, np.zeros(2))


def _turn_not_back(box: Box, degrees: float, middle: Floats) -> Box:
    return turn(box, degrees, middle) - np.tile(middle, 2)


def _turn_radians(box: Box, degrees: float, middle: Floats) -> Box:
    return turn(box, float(np.rad2deg(degrees)), middle)


def _turn_size_kept(box: Box, degrees: float, middle: Floats) -> Box:
    centre = _turned(bx.centers(box)[None], degrees, middle)[0]
    half = bx.sizes(box) / 2
    return np.concatenate([centre - half, centre + half])


def _turn_about_itself(box: Box, degrees: float, middle: Floats) -> Box:
    return turn(box, degrees, bx.centers(box))


def _turn_overwritten(box: Box, degrees: float, middle: Floats) -> Box:
    """The new y computed from an x that is turned already."""
    a = np.deg2rad(degrees)
    x, y = (geometry.corners(box) - middle).T.astype(float)
    x = x * np.cos(a) + y * np.sin(a)
    y = -x * np.sin(a) + y * np.cos(a)
    return np.array([x.min(), y.min(), x.max(), y.max()]) + np.tile(middle, 2)


def _turn_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    box = _random_boxes(rng, 1)[0] + np.array([0, 0, 2, 2], np.float32)
    degrees = float(rng.choice([-90, -60, -30, 15, 30, 45, 60, 90, 135]))
    return box, degrees, rng.integers(0, 24, 2).astype(float)


def _is_turn(box: Floats, degrees: float, middle: Floats) -> bool:
    fit = middle.shape == (2,) and bool((np.abs(middle) <= 100).all())
    clear = degrees == 0 or 15 <= abs(degrees) <= 360
    return fit and _are_boxes(box, 1, 3) and clear


def _draw_turn(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    box, degrees, middle = inputs
    ring = _turned(geometry.corners(box)[[0, 1, 2, 3, 0]], degrees, middle)
    sheet = _compare_boxes(inputs, got, wanted, box, middle, ring)
    sheet.path(ring, sketch.OTHER, key=f"turned by {degrees:g} degrees", dots=False)
    sheet.point(middle, sketch.OTHER, key="the middle")
    return sheet.picture()


TURN = Exercise(
    name="08-turn-box",
    task="the box (4,) around the turned box",
    starter=turn_starter,
    reference=turn,
    cases=(
        (_box(4, 6, 12, 10), 90.0, np.array([8.0, 8.0])),
        (_box(2, 2, 10, 6), 30.0, np.array([12.0, 12.0])),
        (_box(2, 2, 10, 6), -45.0, np.array([6.0, 4.0])),
        (_box(0, 0, 4, 4), 0.0, np.array([16.0, 16.0])),
        (_box(20, 3, 26, 15), 15.0, np.array([16.0, 12.0])),
    ),
    generate=_turn_inputs,
    valid=_is_turn,
    misconceptions=(
        Misconception(
            "clockwise",
            _turn_clockwise,
            "You turned the other way. Because y points down, the signs are not those of a "
            "mathematics book: x' = x cos + y sin, y' = -x sin + y cos.",
        ),
        Misconception(
            "two corners",
            _turn_two_corners,
            "You turned two of the four corners. The other two may reach further out: turn all "
            "four, then take the smallest and the largest x and y.",
            variants=(_turn_two_unsorted,),
        ),
        Misconception(
            "overwritten",
            _turn_overwritten,
            "You wrote the new x over the old one, and computed y from the new one. Both need the "
            "old x: compute both, then replace.",
        ),
        Misconception(
            "about the corner of the image",
            _turn_about_zero,
            "You turned about (0, 0). Take `middle` off first, turn, and put it back.",
        ),
        Misconception(
            "not put back",
            _turn_not_back,
            "The box is turned, but lies about (0, 0): add `middle` again.",
        ),
        Misconception(
            "degrees as radians",
            _turn_radians,
            "`np.cos` and `np.sin` take radians: `np.deg2rad(degrees)`.",
        ),
        Misconception(
            "the size kept",
            _turn_size_kept,
            "You turned the centre and kept width and height. The turned box sticks out of that.",
        ),
        Misconception(
            "about its own centre",
            _turn_about_itself,
            "You turned the box about its own centre. The whole image turns about `middle`, so the "
            "centre moves as well.",
        ),
    ),
    alternatives=(_turn_by_package, _turn_by_size),
    hints=(
        "A box is upright, a turned box is not. Which points of it say how far it reaches?",
        "Take the four corners, less the middle; turn each; then the smallest and the largest x "
        "and y of them, and the middle put back.",
        "`x, y = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)]).T - middle[:, None]`, turn, "
        "`turned = np.stack([...], -1)`, `np.concatenate([turned.min(0), turned.max(0)]) + "
        "np.tile(middle, 2)`.",
    ),
    praise="All that the box held is in it. And more: see how much.",
    onward="An object seldom fills its corners. What is around them now is air, and a detector "
    "learns it.",
    draw=_draw_turn,
    alt="The box, the turned box, the wanted box around it and yours.",
)


# -- boxes at the edge of a crop -----------------------------------------------------------------


def cut_starter(boxes: Boxes, part: Box, kept: float) -> Boxes:
    """What is left of boxes when a part is cut out of their image: (N, 4), in its pixels.

    `boxes` (N, 4) and `part` (4,) are x1, y1, x2, y2 in the image. The upper left corner of the
    part becomes (0, 0). What lies beyond the part is cut off. A box of whose area less than the
    share `kept` (above 0) lies inside is nobody any more: four NaNs in its row.
    """
    return ...  # type: ignore[return-value]


def cut(boxes: Boxes, part: Box, kept: float) -> Boxes:
    """What is left of boxes when a part is cut out of their image: (N, 4), in its pixels."""
    boxes, part = np.asarray(boxes, float), np.asarray(part, float)
    low = np.maximum(boxes[:, :2], part[:2])
    high = np.minimum(boxes[:, 2:], part[2:])
    # share = |box and part| / |box|
    share = np.maximum(high - low, 0).prod(-1) / (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    left = np.concatenate([low, high], -1) - np.tile(part[:2], 2)
    return np.where((share >= kept)[:, None], left, np.nan)


def _cut_by_package(boxes: Any, part: Any, kept: float) -> Any:
    moved = np.asarray(boxes, np.float32) - np.tile(part[:2], 2)
    return edge.cut(moved, np.r_[0, 0, part[2:] - part[:2]], kept)[0]


def _cut_by_loop(boxes: Any, part: Any, kept: float) -> Any:
    rows = []
    for x1, y1, x2, y2 in np.asarray(boxes, float).tolist():
        a, b = max(x1, part[0]), max(y1, part[1])
        c, d = min(x2, part[2]), min(y2, part[3])
        area = (c - a) * (d - b) if c > a and d > b else 0
        if area < kept * (x2 - x1) * (y2 - y1):
            rows.append([np.nan] * 4)
        else:
            rows.append([a - part[0], b - part[1], c - part[0], d - part[1]])
    return np.reshape(rows, (-1, 4))


def _cut(
    boxes: Boxes,
    part: Box,
    kept: float,
    *,
    share: Any = None,
    moved: bool = True,
    cut_off: bool = True,
) -> Boxes:
    """The same with one thing changed."""
    low, high = np.maximum(boxes[:, :2], part[:2]), np.minimum(boxes[:, 2:], part[2:])
    inside = np.maximum(high - low, 0).prod(-1)
    area, whole = (boxes[:, 2:] - boxes[:, :2]).prod(-1), (part[2:] - part[:2]).prod()
    stays = inside >= kept * area if share is None else share(inside, area, whole)
    left = np.concatenate([low, high], -1) if cut_off else boxes
    return np.where(stays[:, None], left - (np.tile(part[:2], 2) if moved else 0), np.nan)


def _cut_not_moved(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, moved=False)


def _cut_not_cut(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, cut_off=False)


def _cut_any(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, share=lambda inside, area, whole: inside > 0)


def _cut_of_part(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, share=lambda inside, area, whole: inside >= kept * whole)


def _cut_by_iou(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(
        boxes,
        part,
        kept,
        share=lambda inside, area, whole: inside >= kept * (area + whole - inside),
    )


def _cut_by_centre(boxes: Boxes, part: Box, kept: float) -> Boxes:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    within = ((middle >= part[:2]) & (middle <= part[2:])).all(-1)
    return _cut(boxes, part, kept, share=lambda inside, area, whole: within)


def _cut_whole_only(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, share=lambda inside, area, whole: inside >= area)


def _cut_above(boxes: Boxes, part: Box, kept: float) -> Boxes:
    return _cut(boxes, part, kept, share=lambda inside, area, whole: inside > kept * area)


def _cut_negative_sides(boxes: Boxes, part: Box, kept: float) -> Boxes:
    """Of a box that is out of the part along both axes, two negative sides make an area."""
    low, high = np.maximum(boxes[:, :2], part[:2]), np.minimum(boxes[:, 2:], part[2:])
    share = (high - low).prod(-1) / (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    left = np.concatenate([low, high], -1) - np.tile(part[:2], 2)
    return np.where((share >= kept)[:, None], left, np.nan)


def _cut_fewer_rows(boxes: Boxes, part: Box, kept: float) -> Boxes:
    left = cut(boxes, part, kept)
    return left[np.isfinite(left).all(-1)]


def _cut_never_gone(boxes: Boxes, part: Box, kept: float) -> Boxes:
    """Squeezed to the edge where nothing is left."""
    return np.clip(boxes, np.tile(part[:2], 2), np.tile(part[2:], 2)) - np.tile(part[:2], 2)


def _cut_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    x, y = rng.integers(4, 10, 2)
    w, h = rng.integers(6, 13, 2)
    boxes = _random_boxes(rng, int(rng.integers(1, 5)))
    return boxes, _box(x, y, x + w, y + h), float(rng.choice([0.25, 0.5, 0.75]))


def _is_cut(boxes: Floats, part: Floats, kept: float) -> bool:
    return _are_boxes(boxes, 2) and _are_boxes(part, 1, 4) and kept in (0.25, 0.5, 0.75)


def _draw_cut(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    boxes, part, kept = inputs
    shift = np.tile(part[:2], 2)
    mine = np.asarray(got, float)
    mine = mine + shift if mine.shape == np.shape(wanted) else mine
    sheet = _compare_boxes(inputs, mine, wanted + shift, boxes, part)
    sheet.box(part, sketch.OTHER, key="the part (all drawn where they are in the image)")
    sheet.note(f"to be left: {kept:.0%} of a box")
    return sheet.picture()


_THREE = np.array([[6, 6, 10, 10], [2, 6, 10, 10], [18, 18, 24, 24]], np.float32)

CUT = Exercise(
    name="08-cut-boxes",
    task="what is left of each box, (N, 4), in pixels of the part",
    starter=cut_starter,
    reference=cut,
    cases=(
        (_THREE, _box(4, 4, 16, 16), 0.25),
        (np.array([[0, 6, 8, 10]], np.float32), _box(4, 4, 16, 16), 0.5),
        (np.array([[0, 6, 8, 10]], np.float32), _box(4, 4, 16, 16), 0.75),
        (np.array([[0, 0, 20, 20]], np.float32), _box(4, 4, 16, 16), 0.25),
        (np.zeros((0, 4), np.float32), _box(4, 4, 16, 16), 0.25),
    ),
    generate=_cut_inputs,
    valid=_is_cut,
    misconceptions=(
        Misconception(
            "still in pixels of the image",
            _cut_not_moved,
            "The boxes are cut, but still counted from the corner of the image. The part's corner "
            "is (0, 0) now: take it off.",
        ),
        Misconception(
            "not cut off",
            _cut_not_cut,
            "The boxes are moved and reach out of the part, where there are no pixels any more.",
        ),
        Misconception(
            "anything counts",
            _cut_any,
            "You kept every box of which something is left. A sliver of a car cannot be told from "
            "a sliver of anything: of less than `kept` of its area, make NaN.",
        ),
        Misconception(
            "a share of something else",
            _cut_of_part,
            "You divided by the area of the part, or of both together, as an IoU does. Then small "
            "objects are lost though all of them is there: divide by the area of the *box*.",
            variants=(_cut_by_iou,),
        ),
        Misconception(
            "by the centre",
            _cut_by_centre,
            "You asked where the centre lies. The rule is about the share of the area.",
        ),
        Misconception(
            "only whole boxes",
            _cut_whole_only,
            "You dropped every box that the edge cuts. The network will meet objects at the edge: "
            "keep those of which enough is left.",
        ),
        Misconception(
            "exactly enough",
            _cut_above,
            "You dropped a box of which exactly `kept` is left. Only those of which *less* is left "
            "are gone: keep where share >= kept.",
        ),
        Misconception(
            "two negative sides",
            _cut_negative_sides,
            "Of a box that misses the part to the side *and* above or below, both sides come out "
            "negative, and their product is an area again: take `np.maximum(high - low, 0)` first.",
        ),
        Misconception(
            "rows dropped",
            _cut_fewer_rows,
            "You dropped the rows of those that are gone. Then row k is no longer object k, and "
            "its label belongs to another: put NaNs there.",
        ),
        Misconception(
            "squeezed to the edge",
            _cut_never_gone,
            "You cut every box, those as well that are out of the part: they became lines at its "
            "edge. Look first how much is left.",
        ),
    ),
    alternatives=(_cut_by_package, _cut_by_loop),
    hints=(
        "Three questions in this order: how much of each box is inside; where is what is left; "
        "where is that when the part's corner is the new (0, 0)?",
        "What is inside begins at the larger of the two x1 and ends at the smaller of the two x2. "
        "Its area over that of the whole box is the share.",
        "`low, high = np.maximum(boxes[:, :2], part[:2]), np.minimum(boxes[:, 2:], part[2:])`; "
        "`share = np.maximum(high - low, 0).prod(-1) / area`; the result is "
        "`np.where((share >= kept)[:, None], np.c_[low, high] - np.tile(part[:2], 2), np.nan)`.",
    ),
    praise="What is left is cut, moved and counted, and what is too little is nobody.",
    onward="How much is enough is a choice: turn `kept` in the explorer.",
    draw=_draw_cut,
    alt="The part, the given boxes, what is wanted of them and yours.",
)


# -- the label of a mixed image ------------------------------------------------------------------


def mixup_starter(
    image: Floats, other: Floats, label: int, other_label: int, share: float, classes: int
) -> Any:
    """An image laid over another, and its soft label: a pair.

    `image` and `other` (H, W) hold brightness from 0 to 255, `label` and `other_label` say of which
    class they are, from 0 to classes - 1. `share`, from 0 to 1, is how much of the result is
    `image`. Give back the mixed image (H, W), not rounded, and a row (classes,) that says how much
    of it is of which class, and sums to 1.
    """
    return ...


def mixup(
    image: Floats, other: Floats, label: int, other_label: int, share: float, classes: int
) -> Any:
    """An image laid over another, and its soft label: a pair."""
    row = np.zeros(classes)
    # y = w y_a + (1 - w) y_b: added, for both may be of one class
    row[label] += share
    row[other_label] += 1 - share
    # I = w I_a + (1 - w) I_b
    return share * np.asarray(image, float) + (1 - share) * np.asarray(other, float), row


def _mixup_by_rows(
    image: Any, other: Any, label: int, other_label: int, share: float, classes: int
) -> Any:
    rows = np.eye(classes)[[label, other_label]]
    weights = np.array([share, 1 - share])
    return np.tensordot(weights, np.stack([image, other]).astype(float), 1), weights @ rows


def _mixup_by_package(
    image: Any, other: Any, label: int, other_label: int, share: float, classes: int
) -> Any:
    one, two = (of_images.soft(np.array([k]), classes, "mixup") for k in (label, other_label))
    row = of_images.mixed(one, two, np.array([share], np.float32))[0]
    return other + share * (np.asarray(image, float) - other), row


def _mixup(inputs: tuple[Any, ...], row: Any) -> Any:
    return mixup(*inputs)[0], np.asarray(row, float)


def _mixup_majority(*inputs: Any) -> Any:
    _, _, label, other_label, share, classes = inputs
    return _mixup(inputs, np.eye(classes)[label if share >= 0.5 else other_label])


def _mixup_first(*inputs: Any) -> Any:
    _, _, label, _, _, classes = inputs
    return _mixup(inputs, np.eye(classes)[label])


def _mixup_overwritten(*inputs: Any) -> Any:
    _, _, label, other_label, share, classes = inputs
    row = np.zeros(classes)
    row[label] = share
    row[other_label] = 1 - share
    return _mixup(inputs, row)


def _mixup_swapped(*inputs: Any) -> Any:
    image, other, label, other_label, share, classes = inputs
    return _mixup(inputs, mixup(image, other, label, other_label, 1 - share, classes)[1])


def _mixup_swapped_images(*inputs: Any) -> Any:
    image, other, label, other_label, share, classes = inputs
    swapped = mixup(image, other, label, other_label, 1 - share, classes)[0]
    return swapped, mixup(*inputs)[1]


def _mixup_halves(*inputs: Any) -> Any:
    image, other, label, other_label, _, classes = inputs
    return _mixup(inputs, mixup(image, other, label, other_label, 0.5, classes)[1])


def _mixup_whole(*inputs: Any) -> Any:
    _, _, label, other_label, _, classes = inputs
    return _mixup(inputs, np.eye(classes)[label] + np.eye(classes)[other_label])


def _mixup_added(*inputs: Any) -> Any:
    image, other, *_ = inputs
    return np.minimum(np.asarray(image, float) + other, 255), mixup(*inputs)[1]


def _mixup_number(*inputs: Any) -> Any:
    _, _, label, other_label, share, _ = inputs
    return mixup(*inputs)[0], share * label + (1 - share) * other_label


def _mixup_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape, classes = rng.integers(1, 4, 2), int(rng.integers(2, 5))
    image, other = (rng.integers(0, 256, shape).astype(float) for _ in range(2))
    label, other_label = (int(k) for k in rng.integers(0, classes, 2))
    return image, other, label, other_label, float(rng.choice([0, 0.125, 0.25, 0.75, 1])), classes


def _is_mixup(
    image: Floats, other: Floats, label: int, other_label: int, share: float, classes: int
) -> bool:
    alike = image.ndim == 2 and image.shape == other.shape and image.size > 0
    bright = bool(((image >= 0) & (image <= 255) & (other >= 0) & (other <= 255)).all())
    named = 0 <= label < classes and 0 <= other_label < classes <= 10
    return alike and bright and named and 0 <= share <= 1


_DARK, _LIGHT = np.array([[0.0, 40.0], [80.0, 120.0]]), np.array([[200.0, 160.0], [120.0, 80.0]])

MIXUP = Exercise(
    name="08-mixup",
    task="the mixed image (H, W) and its soft label (classes,), as a pair",
    starter=mixup_starter,
    reference=mixup,
    cases=(
        (_DARK, _LIGHT, 0, 2, 0.75, 3),
        (_DARK, _LIGHT, 1, 1, 0.25, 3),
        (_DARK, _LIGHT, 1, 0, 1.0, 2),
        (_LIGHT, _DARK, 3, 2, 0.125, 4),
    ),
    generate=_mixup_inputs,
    valid=_is_mixup,
    misconceptions=(
        Misconception(
            "the class of the larger share",
            _mixup_majority,
            "You called the image by the class that it has most of. A quarter of a cat is a "
            "quarter of a cat: the label is a row of shares.",
        ),
        Misconception(
            "the first image's class",
            _mixup_first,
            "The image is mixed, and still called by its first name alone.",
        ),
        Misconception(
            "overwritten",
            _mixup_overwritten,
            "Where both images are of one class, the second share overwrote the first, and the row "
            "does not sum to 1. Add the shares: `row[other_label] += 1 - share`.",
        ),
        Misconception(
            "the label's shares the wrong way round",
            _mixup_swapped,
            "Image and label disagree: `share` is how much of `image` there is, so it is also how "
            "much of `label`.",
            variants=(_mixup_swapped_images,),
        ),
        Misconception(
            "half and half",
            _mixup_halves,
            "You gave each class a half, however much of it is to be seen.",
        ),
        Misconception(
            "both classes whole",
            _mixup_whole,
            "You gave both classes 1. A cross-entropy wants shares that sum to 1.",
        ),
        Misconception(
            "images added",
            _mixup_added,
            "You added the images. Each counts with its share: `share * image + (1 - share) * "
            "other`.",
        ),
        Misconception(
            "a mixed number",
            _mixup_number,
            "You mixed the *numbers* of the classes. Halfway between class 0 and class 2 is not "
            "class 1: mix rows, one number a class.",
        ),
    ),
    alternatives=(_mixup_by_rows, _mixup_by_package),
    hints=(
        "If three quarters of an image are a cat and the rest is a dog, what should a network say "
        "that is right about everything?",
        "Write each label as a row of zeros with a 1 in it. Mix the two rows as you mix the two "
        "images. What happens where both rows are the same?",
        "`rows = np.eye(classes)`; `return share * image + (1 - share) * other, share * rows[label]"
        " + (1 - share) * rows[other_label]`.",
    ),
    praise="The label says what is to be seen, and sums to 1 whoever is mixed with whom.",
    onward="CutMix has the same label. Only the share must be counted in pixels.",
)


# -- CutMix's share ------------------------------------------------------------------------------


def cutmix_starter(height: int, width: int, x: int, y: int, drawn: float) -> float:
    """What share of an image stays its own when CutMix pastes a part of another into it: 0 to 1.

    The image has `height` x `width` pixels. `drawn`, from 0 to 1, is the share that *should* stay.
    The part has the image's shape: `int(width * sqrt(1 - drawn))` pixels wide and
    `int(height * sqrt(1 - drawn))` high. It begins `w // 2` pixels left of column `x` and `h // 2`
    above row `y`, where w and h are these sides. What of it reaches over the edge is cut off. The
    label goes by what is really to be seen: count it.
    """
    return ...  # type: ignore[return-value]


def cutmix_share(height: int, width: int, x: int, y: int, drawn: float) -> float:
    """What share of an image stays its own when CutMix pastes a part of another into it: 0 to 1."""
    # r_w = W sqrt(1 - w), r_h = H sqrt(1 - w)
    w, h = int(width * np.sqrt(1 - drawn)), int(height * np.sqrt(1 - drawn))
    across = min(x - w // 2 + w, width) - max(x - w // 2, 0)
    down = min(y - h // 2 + h, height) - max(y - h // 2, 0)
    # w' = 1 - |part| / |image|
    return 1 - across * down / (height * width)


def _cutmix_by_mask(height: int, width: int, x: int, y: int, drawn: float) -> Any:
    side = np.sqrt(1 - drawn)
    w, h = int(width * side), int(height * side)
    own = np.ones((height, width))
    left, top = x - w // 2, y - h // 2
    own[max(top, 0) : top + h, max(left, 0) : left + w] = 0
    return own.mean()


def _cutmix_by_clip(height: int, width: int, x: int, y: int, drawn: float) -> Any:
    whole = np.array([width, height])
    sides = (whole * np.sqrt(1 - drawn)).astype(int)
    low = np.array([x, y]) - sides // 2
    inside = np.clip(low + sides, 0, whole) - np.clip(low, 0, whole)
    return 1 - inside.prod() / whole.prod()


def _cutmix_parts(height: int, width: int, drawn: float) -> tuple[int, int]:
    side = np.sqrt(1 - drawn)
    return int(width * side), int(height * side)


def _cutmix_drawn(height: int, width: int, x: int, y: int, drawn: float) -> float:
    return drawn


def _cutmix_uncut(height: int, width: int, x: int, y: int, drawn: float) -> float:
    w, h = _cutmix_parts(height, width, drawn)
    return 1 - w * h / (height * width)


def _cutmix_pasted(height: int, width: int, x: int, y: int, drawn: float) -> float:
    return 1 - cutmix_share(height, width, x, y, drawn)


def _cutmix_no_root(height: int, width: int, x: int, y: int, drawn: float) -> float:
    return cutmix_share(height, width, x, y, 1 - (1 - drawn) ** 2)


def _cutmix_of_stays(height: int, width: int, x: int, y: int, drawn: float) -> float:
    return cutmix_share(height, width, x, y, 1 - drawn)


def _cutmix_corner(height: int, width: int, x: int, y: int, drawn: float) -> float:
    w, h = _cutmix_parts(height, width, drawn)
    return 1 - min(w, width - x) * min(h, height - y) / (height * width)


def _cutmix_crossed(height: int, width: int, x: int, y: int, drawn: float) -> float:
    return cutmix_share(height, width, y, x, drawn)


def _cutmix_even(height: int, width: int, x: int, y: int, drawn: float) -> float:
    w, h = _cutmix_parts(height, width, drawn)
    across = min(x + w // 2, width) - max(x - w // 2, 0)
    down = min(y + h // 2, height) - max(y - h // 2, 0)
    return 1 - across * down / (height * width)


def _cutmix_from_the_end(height: int, width: int, x: int, y: int, drawn: float) -> Any:
    """A slice that begins before 0 begins at the other end."""
    w, h = _cutmix_parts(height, width, drawn)
    own = np.ones((height, width))
    left, top = x - w // 2, y - h // 2
    own[top : top + h, left : left + w] = 0
    return own.mean()


def _cutmix_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    height, width = (int(n) for n in rng.integers(4, 13, 2))
    x, y = int(rng.integers(width)), int(rng.integers(height))
    # roots that are exact: 1, 3/4, 1/2, 1/4, 0
    return height, width, x, y, float(rng.choice([0, 7 / 16, 3 / 4, 15 / 16, 1]))


def _is_cutmix(height: int, width: int, x: int, y: int, drawn: float) -> bool:
    return (
        4 <= height <= 40
        and 4 <= width <= 40
        and 0 <= x < width
        and 0 <= y < height
        and drawn in (0, 7 / 16, 3 / 4, 15 / 16, 1)
    )


def _draw_cutmix(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    height, width, x, y, drawn = inputs
    w, h = _cutmix_parts(height, width, drawn)
    part = _box(x - w // 2, y - h // 2, x - w // 2 + w, y - h // 2 + h)
    sheet = sketch.Sheet(_box(0, 0, width, height), part)
    sheet.box(_box(0, 0, width, height), sketch.GIVEN, key=f"the image, {width} x {height}")
    if w and h:
        sheet.box(part, sketch.OTHER, key=f"the part, {w} x {h}", dashed=True)
        inside = np.clip(part, 0, np.tile(np.array([width, height]), 2))
        sheet.box(inside, sketch.WANTED, key="of it in the image")
    sheet.note(f"wanted: {float(wanted):.4g} stays", sketch.WANTED)
    if np.size(got) == 1:
        sheet.note(f"yours: {float(np.asarray(got).item()):.4g}", sketch.YOURS, dashed=True)
    return sheet.picture()


CUTMIX = Exercise(
    name="08-cutmix-share",
    task="the share of the image's pixels that stay its own",
    starter=cutmix_starter,
    reference=cutmix_share,
    cases=(
        (8, 8, 4, 4, 0.75),
        (8, 8, 0, 0, 0.75),
        (12, 8, 7, 3, 7 / 16),
        (8, 12, 11, 7, 0.75),
        (8, 8, 3, 3, 1.0),
        (8, 8, 1, 6, 0.0),
    ),
    generate=_cutmix_inputs,
    valid=_is_cutmix,
    misconceptions=(
        Misconception(
            "what was drawn",
            _cutmix_drawn,
            "That is what was wished for. Sides are whole pixels, and the edge cuts the part: the "
            "label must say what is really there.",
        ),
        Misconception(
            "not cut at the edge",
            _cutmix_uncut,
            "You counted pixels of the part that lie beyond the image. Cut it at the edge first.",
        ),
        Misconception(
            "the share of the part",
            _cutmix_pasted,
            "That is the share of the *other* image. What stays is the rest.",
        ),
        Misconception(
            "no root",
            _cutmix_no_root,
            "You made each *side* a share 1 - drawn of the image's. Then the area is the square of "
            "that: sides take the square root.",
        ),
        Misconception(
            "the part as large as what stays",
            _cutmix_of_stays,
            "The part's area is 1 - drawn of the image's: `drawn` is what stays.",
        ),
        Misconception(
            "begins at (x, y)",
            _cutmix_corner,
            "You let the part begin at (x, y). That is its middle: it begins w // 2 further left "
            "and h // 2 further up.",
        ),
        Misconception(
            "ends at x + w // 2",
            _cutmix_even,
            "You let the part end w // 2 right of x. If w is odd, that loses a pixel: what begins "
            "at x - w // 2 and is w wide ends at x - w // 2 + w.",
        ),
        Misconception(
            "a slice from before 0",
            _cutmix_from_the_end,
            "A slice that begins at a negative number begins at the *other* end of an array, and "
            "is mostly empty. Cut first: `max(x - w // 2, 0)`.",
        ),
        Misconception(
            "x and y exchanged",
            _cutmix_crossed,
            "x counts columns and is cut at `width`, y counts rows and is cut at `height`.",
        ),
    ),
    alternatives=(_cutmix_by_mask, _cutmix_by_clip),
    hints=(
        "Draw the image and the part on paper, with (x, y) near a corner. Which pixels are whose?",
        "Along x the part reaches from x - w // 2 to x - w // 2 + w, but not below 0 and not "
        "beyond the width. How many columns is that? Rows alike.",
        "`across = min(x - w // 2 + w, width) - max(x - w // 2, 0)`, `down` alike; "
        "`return 1 - across * down / (height * width)`.",
    ),
    praise="The label tells the truth about every pixel, at the edge as well.",
    onward="With labels like these a network hears how *much* of each class it sees.",
    draw=_draw_cutmix,
    alt="The image, the part, and what of it lies in the image.",
)


EXERCISES = (FLIP, CLIP, TURN, CUT, MIXUP, CUTMIX)
