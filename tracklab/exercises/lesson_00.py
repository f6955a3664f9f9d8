"""Exercises of lesson 00, Follow that object: speed, path, and the smallest tracker there is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.exercises.engine import Exercise, Misconception

Box = NDArray[np.float32]


def _box(*corners: float) -> Box:
    return np.array(corners, np.float32)


def _random_box(rng: np.random.Generator) -> Box:
    x, y = rng.integers(0, 100, 2)
    width, height = rng.integers(4, 40, 2)
    return _box(x, y, x + width, y + height)


def _are_boxes(*boxes: Box) -> bool:
    """Whether each box has an area; absent boxes pass."""
    return all((np.isnan(b) | (b[..., [2, 3, 2, 3]] > b[..., [0, 1, 0, 1]])).all() for b in boxes)


# -- speed ---------------------------------------------------------------------------------------


def speed_starter(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    """How fast the object moves, in pixels a second.

    `box` is where it is in frame number `frame`, `later_box` where it is in `later_frame`, each as
    x1, y1, x2, y2. The clip has `fps` frames a second.
    """
    return ...  # type: ignore[return-value]


def speed(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    """How fast the object moves, in pixels a second."""
    dx, dy = bx.centers(later_box) - bx.centers(box)
    # t = (f' - f) / fps
    seconds = (later_frame - frame) / fps
    # |v| = sqrt(dx^2 + dy^2) / t
    return float(np.hypot(dx, dy)) / seconds


def _speed_by_dist(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    a = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    b = ((later_box[0] + later_box[2]) / 2, (later_box[1] + later_box[3]) / 2)
    return math.dist(a, b) * fps / (later_frame - frame)


def _speed_in_torch_style(
    box: Any, later_box: Any, frame: int, later_frame: int, fps: float
) -> Any:
    step = (np.asarray(later_box) - np.asarray(box)).reshape(2, 2).mean(0)
    return np.linalg.norm(step) / (later_frame - frame) * fps


def _speed_counting_frames(
    box: Box, later_box: Box, frame: int, later_frame: int, fps: float
) -> float:
    return speed(box, later_box, frame, later_frame + 1, fps)


def _speed_per_frame(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    return speed(box, later_box, frame, later_frame, 1)


def _speed_over_fps(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    return speed(box, later_box, frame, later_frame, 1) / fps


def _speed_without_gap(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    return speed(box, later_box, 0, 1, fps)


def _speed_of_corner(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    step = later_box[:2] - box[:2]
    return float(np.hypot(*step)) * fps / (later_frame - frame)


def _speed_as_sum(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> float:
    dx, dy = bx.centers(later_box) - bx.centers(box)
    return float(abs(dx) + abs(dy)) * fps / (later_frame - frame)


def _speed_signed(box: Box, later_box: Box, frame: int, later_frame: int, fps: float) -> Any:
    return (bx.centers(later_box) - bx.centers(box)) * fps / (later_frame - frame)


def _speed_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    frame = int(rng.integers(0, 50))
    fps = float(rng.choice([10, 25, 30, 60]))
    return _random_box(rng), _random_box(rng), frame, frame + int(rng.integers(1, 9)), fps


def _draw_speed(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    box, later_box, frame, later_frame, fps = inputs
    sheet = sketch.Sheet(box, later_box)
    sheet.box(box, sketch.GIVEN, label=f"frame {frame}", key="the boxes")
    sheet.box(later_box, sketch.GIVEN, label=f"frame {later_frame}", below=True)
    a, b = bx.centers(box), bx.centers(later_box)
    steps = later_frame - frame
    moved = f"{math.dist(a, b):.4g} px in {steps / fps:.3g} s"
    sheet.arrow(a, b, sketch.WANTED, key=f"{moved}: {float(wanted):.4g} px/s")
    if np.size(got) == 1:
        sheet.note(f"yours: {float(np.asarray(got).item()):.4g} px/s", sketch.YOURS, dashed=True)
    return sheet.picture()


SPEED = Exercise(
    name="00-speed",
    task="the speed of an object in pixels a second, from its boxes in two frames",
    starter=speed_starter,
    reference=speed,
    cases=(
        (_box(10, 20, 30, 40), _box(13, 24, 33, 44), 0, 1, 1.0),
        (_box(10, 20, 30, 40), _box(13, 24, 33, 44), 7, 9, 25.0),
        (_box(10, 20, 30, 40), _box(10, 20, 30, 40), 3, 4, 25.0),
        (_box(10, 20, 30, 40), _box(5, 15, 35, 45), 0, 5, 30.0),
        (_box(50, 50, 60, 60), _box(0, 50, 10, 60), 0, 10, 10.0),
    ),
    generate=_speed_inputs,
    valid=lambda box, later_box, frame, later_frame, fps: (
        _are_boxes(box, later_box) and 0 <= frame < later_frame and fps >= 1
    ),
    misconceptions=(
        Misconception(
            "frame count",
            _speed_counting_frames,
            "You divided by the number of frames instead of by their difference: from frame 7 to "
            "frame 9 the object takes 2 steps, though you see 3 frames.",
        ),
        Misconception(
            "pixels a frame",
            _speed_per_frame,
            "That is in pixels a frame. A second has `fps` frames.",
        ),
        Misconception(
            "fps upside down",
            _speed_over_fps,
            "You divided by `fps`. More frames a second make the time between two frames shorter, "
            "so the same step is faster.",
        ),
        Misconception(
            "gap ignored",
            _speed_without_gap,
            "You took the two frames for neighbours. Between them lie `later_frame - frame` steps.",
        ),
        Misconception(
            "corner",
            _speed_of_corner,
            "You followed the upper left corner. When the box grows, its corner moves though the "
            "object may stand still: follow the centre.",
        ),
        Misconception(
            "sum of the sides",
            _speed_as_sum,
            "You added the way across to the way down. The object goes straight: Pythagoras.",
        ),
        Misconception(
            "velocity",
            _speed_signed,
            "That is the velocity: a direction, two numbers. Speed is its length, one number.",
        ),
    ),
    alternatives=(_speed_by_dist, _speed_in_torch_style),
    hints=(
        "Where is an object whose box you know? Take the centre of each box: halfway between x1 "
        "and x2, and between y1 and y2.",
        "The distance between the two centres is in pixels. How many seconds lie between frame "
        "`frame` and frame `later_frame`? One frame lasts `1 / fps` seconds.",
        "`np.hypot(dx, dy)` is the distance; divide it by `(later_frame - frame) / fps`.",
    ),
    praise="A tracker that knows where an object is in each frame knows how fast it is.",
    onward="Speed from two boxes alone shakes with every pixel of noise. Lesson 05 does better.",
    draw=_draw_speed,
    alt="Two boxes and an arrow from the centre of the first to the centre of the second.",
)


# -- path ----------------------------------------------------------------------------------------


def path_starter(track: NDArray[np.float32]) -> float:
    """How long the object's path is, in pixels.

    `track` has one box a frame, shape (T, 4). In a frame where the object was not seen, the box
    is four NaNs: the path goes straight from where it was last seen to where it is seen again.
    """
    return ...  # type: ignore[return-value]


def path(track: NDArray[np.float32]) -> float:
    """How long the object's path is, in pixels."""
    centers = bx.centers(track)
    seen = centers[np.isfinite(centers).all(1)]
    # length = sum over t of |c[t + 1] - c[t]|
    return float(np.hypot(*np.diff(seen, axis=0).T).sum())


def _path_by_loop(track: NDArray[np.float32]) -> float:
    last, length = None, 0.0
    for x1, y1, x2, y2 in track.tolist():
        if x1 != x1:
            continue
        here = ((x1 + x2) / 2, (y1 + y2) / 2)
        length += math.dist(last, here) if last else 0
        last = here
    return length


def _path_losing_gaps(track: NDArray[np.float32]) -> float:
    steps = np.diff(bx.centers(track), axis=0)
    return float(np.nansum(np.hypot(*steps.T)))


def _path_with_nan(track: NDArray[np.float32]) -> float:
    steps = np.diff(bx.centers(track), axis=0)
    return float(np.hypot(*steps.T).sum())


def _path_through_origin(track: NDArray[np.float32]) -> float:
    return path(np.nan_to_num(track))


def _path_as_the_crow_flies(track: NDArray[np.float32]) -> float:
    centers = bx.centers(track)
    seen = centers[np.isfinite(centers).all(1)]
    return math.dist(seen[0], seen[-1]) if len(seen) else 0.0


def _path_of_corner(track: NDArray[np.float32]) -> float:
    seen = track[np.isfinite(track).all(1), :2]
    return float(np.hypot(*np.diff(seen, axis=0).T).sum())


def _track(rng: np.random.Generator) -> tuple[Any, ...]:
    length = int(rng.integers(2, 9))
    corner = np.cumsum(rng.integers(-9, 10, (length, 2)), 0) + 50
    size = rng.integers(8, 20, (length, 2))
    track = np.concatenate([corner, corner + size], 1).astype(np.float32)
    track[rng.random(length) < 0.3] = np.nan
    return (track,)


_ABSENT = [np.nan] * 4


def _draw_path(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    (track,) = inputs
    if not np.isfinite(track).any():
        return None
    sheet = sketch.Sheet(track)
    for frame, box in enumerate(track):
        sheet.box(box, sketch.GIVEN, label=str(frame), key="boxes, with frame numbers")
    centers = bx.centers(track)
    seen = centers[np.isfinite(centers).all(1)]
    sheet.path(seen, sketch.WANTED, key=f"the path: {float(wanted):.4g} px")
    absent = np.flatnonzero(~np.isfinite(track).all(1)).tolist()
    if absent:
        sheet.note(f"not seen in: {', '.join(map(str, absent))}", sketch.OTHER)
    if np.size(got) == 1:
        sheet.note(f"yours: {float(np.asarray(got).item()):.4g} px", sketch.YOURS, dashed=True)
    return sheet.picture()


PATH = Exercise(
    name="00-path",
    task="the length of a track's path in pixels, straight across the frames without a box",
    starter=path_starter,
    reference=path,
    cases=(
        (np.array([[0, 0, 10, 10], [3, 4, 13, 14], [3, 10, 13, 20]], np.float32),),
        (np.array([[0, 0, 10, 10], _ABSENT, [30, 40, 40, 50]], np.float32),),
        (np.array([_ABSENT, [0, 0, 10, 10], [6, 8, 16, 18], _ABSENT], np.float32),),
        (np.array([[5, 5, 15, 15]], np.float32),),
        (np.array([_ABSENT, _ABSENT], np.float32),),
        (np.array([[0, 0, 10, 10], [20, 0, 30, 10], [0, 0, 10, 10]], np.float32),),
        (np.array([[10, 10, 20, 20], [5, 5, 25, 25]], np.float32),),
    ),
    generate=_track,
    valid=lambda track: (
        track.ndim == 2 and track.shape[1] == 4 and len(track) > 0 and _are_boxes(track)
    ),
    misconceptions=(
        Misconception(
            "gaps cost nothing",
            _path_losing_gaps,
            "You left out every step that touches a missing frame, and with them the way that the "
            "object went unseen. Drop the missing frames first, then take the steps.",
        ),
        Misconception(
            "NaN spreads",
            _path_with_nan,
            "One missing frame turns your whole sum into NaN: NaN plus anything is NaN.",
        ),
        Misconception(
            "missing at zero",
            _path_through_origin,
            "You put a missing box at (0, 0), and the path runs to the corner of the image and "
            "back. Not seen is not the same as seen at zero.",
        ),
        Misconception(
            "as the crow flies",
            _path_as_the_crow_flies,
            "That is the distance from the start to the end. An object that comes back has a path, "
            "and ends where it began.",
        ),
        Misconception(
            "corner",
            _path_of_corner,
            "You followed the upper left corner, which moves when the box only grows.",
        ),
    ),
    alternatives=(_path_by_loop,),
    hints=(
        "First the centre of every box, then the steps between neighbours, then their lengths.",
        "Which rows of the centres are numbers? `np.isfinite(centers).all(1)` says so. Keep "
        "those before you take differences.",
        "`np.diff(seen, axis=0)` gives the steps, `np.hypot(dx, dy)` their lengths; add them up.",
    ),
    praise="You bridged the gaps: a track is more than a row of detections.",
    onward="A straight line is a guess of where it went unseen. Lesson 05 makes better ones.",
    draw=_draw_path,
    alt="The boxes of a track with their frame numbers, and the path through their centres.",
)


# -- follow --------------------------------------------------------------------------------------


def follow_starter(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    """Which of the detections is the object that was in `box` one frame ago?

    `detections` are the boxes of the new frame, shape (N, 4); N may be 0. Answer with the number
    of the one whose centre is nearest to the centre of `box`, or -1 if none is within `reach`
    pixels: then the object is lost.
    """
    return ...  # type: ignore[return-value]


def follow(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    """Which of the detections is the object that was in `box` one frame ago?"""
    if not len(detections):
        return -1
    step = bx.centers(detections) - bx.centers(box)
    distances = np.hypot(step[:, 0], step[:, 1])
    # i* = argmin over i of |c[i] - c|, if |c[i*] - c| <= reach
    nearest = int(distances.argmin())
    return nearest if distances[nearest] <= reach else -1


def _follow_by_sorting(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    def centre(b: Any) -> tuple[float, float]:
        return (float(b[0]) + float(b[2])) / 2, (float(b[1]) + float(b[3])) / 2

    ranked = sorted((math.dist(centre(box), centre(d)), i) for i, d in enumerate(detections))
    return next((i for distance, i in ranked if distance <= reach), -1)


def _follow_anything(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    return follow(box, detections, math.inf)


def _follow_first(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    for i, detection in enumerate(detections):
        if math.dist(bx.centers(detection), bx.centers(box)) <= reach:
            return i
    return -1


def _follow_corner(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    distances = np.hypot(*(detections[:, :2] - box[:2]).T)
    if not len(distances) or distances.min() > reach:
        return -1
    return int(distances.argmin())


def _follow_farthest(box: Box, detections: NDArray[np.float32], reach: float) -> int:
    distances = np.hypot(*(bx.centers(detections) - bx.centers(box)).T)
    if not len(distances) or distances.max() > reach:
        return -1
    return int(distances.argmax())


def _follow_distance(box: Box, detections: NDArray[np.float32], reach: float) -> float:
    distances = np.hypot(*(bx.centers(detections) - bx.centers(box)).T)
    return float(distances.min()) if len(distances) else -1


def _follow_none(box: Box, detections: NDArray[np.float32], reach: float) -> int | None:
    number = follow(box, detections, reach)
    return None if number == -1 else number


def _follow_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        box = _random_box(rng)
        found = [_random_box(rng) for _ in range(rng.integers(0, 5))]
        detections = np.array(found, np.float32).reshape(-1, 4)
        reach = float(rng.integers(5, 80))
        if _is_clear(box, detections, reach):
            return box, detections, reach


def _is_clear(box: Box, detections: NDArray[np.float32], reach: float) -> bool:
    """Whether there is one right answer: no ties, and nothing just at the limit."""
    if box.shape != (4,) or detections.ndim != 2 or detections.shape[1] != 4 or reach < 1:
        return False
    if not _are_boxes(box, detections):
        return False
    distances = np.sort(np.hypot(*(bx.centers(detections) - bx.centers(box)).T))
    return bool((np.diff(distances) > 0.1).all() and (abs(distances - reach) > 0.1).all())


def _draw_follow(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    box, detections, reach = inputs
    center = bx.centers(box)
    ring = np.concatenate([center - reach, center + reach])
    sheet = sketch.Sheet(box, detections, ring if reach < 200 else box)
    sheet.circle(center, reach, sketch.OTHER, key=f"within reach ({reach:g} px)")
    sheet.box(box, sketch.GIVEN, key="the object, one frame ago")
    sheet.point(center, sketch.GIVEN)
    mine = int(got) if np.size(got) == 1 and float(got) == int(got) else None
    for i, detection in sorted(enumerate(detections), key=lambda pair: pair[0] == wanted):
        colour = sketch.WANTED if i == wanted else sketch.PLAIN
        sheet.box(detection, colour, label=str(i), key="wanted" if i == wanted else "detections")
        sheet.point(bx.centers(detection), colour)
        if i == mine and mine != wanted:
            sheet.arrow(center, bx.centers(detection), sketch.YOURS, key="yours", dashed=True)
    if wanted == -1:
        sheet.note("wanted: -1, lost", sketch.WANTED)
    if mine == -1:
        sheet.note("yours: -1, lost", sketch.YOURS, dashed=True)
    return sheet.picture()


FOLLOW = Exercise(
    name="00-follow",
    task="the number of the detection that continues the track, or -1 where the object is lost",
    starter=follow_starter,
    reference=follow,
    cases=(
        (_box(10, 10, 20, 20), np.array([[40, 40, 50, 50], [12, 11, 22, 21]], np.float32), 20.0),
        (_box(10, 10, 20, 20), np.array([[60, 60, 70, 70]], np.float32), 20.0),
        (_box(10, 10, 20, 20), np.zeros((0, 4), np.float32), 20.0),
        (_box(10, 10, 20, 20), np.array([[13, 13, 23, 23], [11, 11, 21, 21]], np.float32), 20.0),
        (_box(10, 10, 20, 20), np.array([[10, 10, 50, 50], [14, 14, 24, 24]], np.float32), 30.0),
    ),
    generate=_follow_inputs,
    valid=_is_clear,
    misconceptions=(
        Misconception(
            "always something",
            _follow_anything,
            "You take the nearest detection however far away it is. When the object is hidden, "
            "your track jumps to somebody else: look at `reach`.",
        ),
        Misconception(
            "first one in reach",
            _follow_first,
            "You take the first detection within reach. A detector lists what it found in any "
            "order: compare all, keep the nearest.",
        ),
        Misconception(
            "corner",
            _follow_corner,
            "You compared upper left corners. A large box can share a corner with a small one and "
            "be somewhere else: compare centres.",
        ),
        Misconception(
            "farthest",
            _follow_farthest,
            "You took the largest distance. `argmin` finds the place of the smallest.",
        ),
        Misconception(
            "distance",
            _follow_distance,
            "That is the distance to the nearest one. Wanted is its number in the list: `argmin`, "
            "not `min`.",
        ),
        Misconception(
            "nothing where lost",
            _follow_none,
            "You give back `None` where the object is lost. Wanted there is -1: a number like the "
            "other answers.",
        ),
    ),
    alternatives=(_follow_by_sorting,),
    hints=(
        "The distance from the centre of `box` to the centre of each detection: N numbers.",
        "`distances.argmin()` is the number of the nearest. What does it do when there are none?",
        "Three answers: no detections, -1; the nearest farther than `reach`, -1; else its number.",
    ),
    praise="That is a tracker: call it on every frame, and it follows.",
    onward="What fools it? Two objects that cross, and one that hides. Lesson 06 is about that.",
    draw=_draw_follow,
    alt="The object's last box, a circle of its reach, and the detections with their numbers.",
)

EXERCISES = (SPEED, PATH, FOLLOW)
