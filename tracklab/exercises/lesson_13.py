"""Exercises of lesson 13, Your own video: files that others read, speeds, a line, the ground.

A row of MOTChallenge's text, a speed in km/h from uneven times, who crosses a line, and where on
the ground somebody stands.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]

KM_H = 3.6


def _axes(title: str, xlabel: str, ylabel: str, **limits: Any) -> tuple[Any, Any]:
    from tracklab.plots import base

    fig, ax = base.figure(title=title, width=4.6, height=3.0)
    ax.set(xlabel=xlabel, ylabel=ylabel, **limits)
    return fig, ax


# -- a row of MOTChallenge's text ----------------------------------------------------------------


def mot_row_starter(frame: int, identity: int, box: Floats) -> list[float]:
    """One row of MOTChallenge's text: frame, id, x, y, width, height.

    `frame` is a number that counts from 0, as everywhere in tracklab. `box` (4,) holds the corners
    x1, y1, x2, y2 in pixels, and the first pixel covers 0 to 1. The file counts frames from 1, and
    calls the place of the first pixel 1. A width is a width, however one counts.
    """
    return ...  # type: ignore[return-value]


def mot_row(frame: int, identity: int, box: Floats) -> list[float]:
    """One row of MOTChallenge's text: frame, id, x, y, width, height."""
    x1, y1, x2, y2 = (float(side) for side in box)
    # only places are counted from 1; sizes are differences, in which the 1 goes away
    return [frame + 1, identity, x1 + 1, y1 + 1, x2 - x1, y2 - y1]


def _row_by_arrays(frame: int, identity: int, box: Floats) -> Any:
    low, high = np.array(box[:2], float), np.array(box[2:], float)
    return np.concatenate([[frame + 1, identity], low + 1, high - low])


def _row_frame_from_0(frame: int, identity: int, box: Floats) -> list[float]:
    return [frame, *mot_row(frame, identity, box)[1:]]


def _row_pixel_from_0(frame: int, identity: int, box: Floats) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [frame + 1, identity, x1, y1, x2 - x1, y2 - y1]


def _row_corners(frame: int, identity: int, box: Floats) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [frame + 1, identity, x1 + 1, y1 + 1, x2 + 1, y2 + 1]


def _row_corners_from_0(frame: int, identity: int, box: Floats) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [frame + 1, identity, x1 + 1, y1 + 1, x2, y2]


def _row_wide(frame: int, identity: int, box: Floats) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [frame + 1, identity, x1 + 1, y1 + 1, x2 - x1 + 1, y2 - y1 + 1]


def _row_centre(frame: int, identity: int, box: Floats) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [frame + 1, identity, (x1 + x2) / 2 + 1, (y1 + y2) / 2 + 1, x2 - x1, y2 - y1]


def _row_identity(frame: int, identity: int, box: Floats) -> list[float]:
    return [frame + 1, identity + 1, *mot_row(frame, identity, box)[2:]]


def _row_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    low = rng.integers(-5, 60, 2).astype(np.float32)
    size = rng.integers(1, 40, 2).astype(np.float32)
    return int(rng.integers(0, 50)), int(rng.integers(1, 9)), np.concatenate([low, low + size])


def _is_row(frame: int, identity: int, box: Floats) -> bool:
    return (
        frame >= 0 and identity >= 0 and np.shape(box) == (4,) and bool((box[2:] > box[:2]).all())
    )


MOT_ROW = Exercise(
    name="13-mot-row",
    task="frame, id, x, y, width and height: six numbers",
    starter=mot_row_starter,
    reference=mot_row,
    cases=(
        (0, 1, np.array([0, 0, 10, 20], np.float32)),
        (9, 4, np.array([12.5, 7, 30, 27.5], np.float32)),
        (3, 2, np.array([-4, -2, 8, 9], np.float32)),
    ),
    generate=_row_inputs,
    valid=_is_row,
    misconceptions=(
        Misconception(
            "frames from 0",
            _row_frame_from_0,
            "The file calls the first frame 1. Everything would be a frame early, and nothing "
            "would say so.",
        ),
        Misconception(
            "pixels from 0",
            _row_pixel_from_0,
            "The file calls the first pixel 1: x and y are one larger there.",
        ),
        Misconception(
            "corners instead of sizes",
            _row_corners,
            "The last two numbers are a width and a height, not the other corner.",
            variants=(_row_corners_from_0,),
        ),
        Misconception(
            "sizes one too large",
            _row_wide,
            "A size is a difference: the 1 that is added to both ends goes away in it.",
        ),
        Misconception(
            "identities from 1",
            _row_identity,
            "An identity is a name, not a place: it stays as it is.",
        ),
        Misconception(
            "the middle",
            _row_centre,
            "x and y are the upper left corner, not the middle.",
        ),
    ),
    alternatives=(_row_by_arrays,),
    hints=(
        "Which of the six numbers are places, counted from somewhere, and which are differences of "
        "two places?",
        "`frame + 1`, `x1 + 1` and `y1 + 1` are places. `x2 - x1` and `y2 - y1` are differences. "
        "The identity is a name, and stays.",
    ),
    praise="Convert at the door, once, and inside everything counts from 0.",
    onward="A file that is off by one pixel still looks right. Only reading it back tells.",
)


# -- speed from uneven times ---------------------------------------------------------------------


def speed_starter(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    """The speed in km/h of what went through `centers` (K, 2), in pixels, at `seconds` (K,).

    Times need not be evenly spaced. Fit a straight line to x over time and one to y over time, by
    least squares: v = sum of (t - mean of t) c / sum of (t - mean of t)^2, for each coordinate. The
    speed is the length of that vector; `metres_per_pixel` and 3.6 make km/h of it.
    """
    return ...  # type: ignore[return-value]


def speed(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    """The speed in km/h of what went through `centers` (K, 2), in pixels, at `seconds` (K,)."""
    t = seconds - seconds.mean()
    # v = sum of (t - mean of t) c / sum of (t - mean of t)^2
    velocity = (t @ centers) / (t @ t)
    # 1 m/s = 3.6 km/h
    return float(np.hypot(*velocity)) * metres_per_pixel * KM_H


def _speed_by_polyfit(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    slopes = [np.polyfit(seconds - seconds[0], centers[:, k], 1)[0] for k in (0, 1)]
    return float(np.linalg.norm(slopes) * metres_per_pixel * 3600 / 1000)


def _speed_even(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    return speed(centers, np.linspace(seconds[0], seconds[-1], len(seconds)), metres_per_pixel)


def _speed_ends(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    way = np.hypot(*(centers[-1] - centers[0]))
    return float(way / (seconds[-1] - seconds[0])) * metres_per_pixel * KM_H


def _speed_path(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    way = np.hypot(*np.diff(centers, axis=0).T).sum()
    return float(way / (seconds[-1] - seconds[0])) * metres_per_pixel * KM_H


def _speed_metres(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    return speed(centers, seconds, metres_per_pixel) / KM_H


def _speed_divided(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    return speed(centers, seconds, 1) / metres_per_pixel


def _speed_sum(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    t = seconds - seconds.mean()
    return float(np.abs((t @ centers) / (t @ t)).sum()) * metres_per_pixel * KM_H


def _speed_through_zero(centers: Floats, seconds: Floats, metres_per_pixel: float) -> float:
    velocity = (seconds @ centers) / (seconds @ seconds)
    return float(np.hypot(*velocity)) * metres_per_pixel * KM_H


def _speed_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(3, 12))
    seconds = np.cumsum(rng.choice([0.04, 0.1, 0.3], count))
    velocity = rng.uniform(-90, 90, 2)
    centers = rng.uniform(0, 300, 2) + seconds[:, None] * velocity + rng.normal(0, 2, (count, 2))
    return centers, seconds, float(rng.choice([0.01, 0.02, 0.1]))


def _is_way(centers: Floats, seconds: Floats, metres_per_pixel: float) -> bool:
    shaped = np.ndim(seconds) == 1 and len(seconds) >= 2 and centers.shape == (len(seconds), 2)
    return shaped and bool((np.diff(seconds) > 0.01).all()) and metres_per_pixel > 0


def _draw_speed(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    centers, seconds, metres = inputs
    fig, ax = _axes(f"Wanted {wanted:.1f} km/h", "seconds", "pixels from the first place")
    t = seconds - seconds.mean()
    for k, (name, mark) in enumerate((("x", "o"), ("y", "s"))):
        places = centers[:, k] - centers[0, k]
        slope = (t @ centers[:, k]) / (t @ t)
        ax.plot(seconds, places, mark, color=base.COLORS[k], label=name)
        ax.plot(seconds, places.mean() + slope * t, color=base.COLORS[k], lw=1.4)
    ax.legend(title=f"{metres:g} m a pixel")
    return fig


_UNEVEN = np.array([0.0, 0.04, 0.08, 0.6])

SPEED = Exercise(
    name="13-speed",
    task="the speed in kilometres an hour",
    starter=speed_starter,
    reference=speed,
    cases=(
        (np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]), np.array([0.0, 1.0, 2.0]), 1.0),
        (np.stack([50 * _UNEVEN, 0 * _UNEVEN], 1), _UNEVEN, 0.1),
        (np.array([[0.0, 5.0], [2.0, 4.0], [3.0, 6.0], [7.0, 5.0]]), np.arange(4) / 25, 0.02),
    ),
    generate=_speed_inputs,
    valid=_is_way,
    misconceptions=(
        Misconception(
            "even times",
            _speed_even,
            "You spaced the frames evenly. Phones do not: `seconds` says when each one was shown.",
        ),
        Misconception(
            "the mean of the times left in",
            _speed_through_zero,
            "Take the mean off the times first: without that, the line is forced through place 0 "
            "at time 0.",
        ),
        Misconception(
            "from end to end",
            _speed_ends,
            "You used the first and the last place only. Each is off by a pixel or two; the line "
            "through all of them is not.",
        ),
        Misconception(
            "the length of the path",
            _speed_path,
            "The length of a path counts every tremble of the box as way: noisy boxes look fast.",
        ),
        Misconception(
            "metres a second",
            _speed_metres,
            "That is metres a second. A metre a second is 3.6 kilometres an hour.",
        ),
        Misconception(
            "pixels a metre",
            _speed_divided,
            "The scale says how many metres a pixel is: multiply by it (and by 3.6).",
        ),
        Misconception(
            "x and y added",
            _speed_sum,
            "The speed is the length of the velocity: the root of the sum of squares.",
        ),
    ),
    alternatives=(_speed_by_polyfit,),
    hints=(
        "Take the mean off the times first. What is each of the two sums of the formula then: a "
        "product of which arrays?",
        "With `t = seconds - seconds.mean()`, `velocity = (t @ centers) / (t @ t)` gives both "
        "coordinates at once.",
        "`np.hypot(*velocity)` is pixels a second. Times `metres_per_pixel`, times 3.6.",
    ),
    praise="A slope through many places trembles less than the difference of two.",
    onward="The one scale is the weak point: it holds at one distance from the camera.",
    draw=_draw_speed,
    alt="Places over time, x and y, with the line that fits each.",
)


# -- who crosses the line ------------------------------------------------------------------------


def crossings_starter(places: Floats, x: float, low: float, high: float) -> Any:
    """How often something crosses an upright line to the right, and how often to the left.

    The line stands at `x`, and reaches from y = `low` to y = `high`. `places` (T, 2) holds x, y in
    each frame, NaN where it was not seen; nobody is ever exactly at `x`. Between two frames in
    which it was seen, it went straight, also over a gap. Whoever goes by above or below the line
    does not cross it.
    """
    return ...


def crossings(places: Floats, x: float, low: float, high: float) -> Any:
    """How often something crosses an upright line to the right, and how often to the left."""
    right = left = 0
    seen = places[np.isfinite(places).all(1)]
    for (ax, ay), (bx, by) in pairwise(seen):
        if (ax < x) == (bx < x):
            continue
        # the height at which the way from a to b meets x
        y = ay + (by - ay) * (x - ax) / (bx - ax)
        if low <= y <= high:
            right += bool(bx > x)
            left += bool(bx < x)
    return right, left


def _crossings_by_arrays(places: Floats, x: float, low: float, high: float) -> Any:
    seen = places[~np.isnan(places).any(axis=1)]
    side = np.sign(seen[:, 0] - x)
    change = np.flatnonzero(side[1:] != side[:-1])
    a, b = seen[change], seen[change + 1]
    share = (x - a[:, 0]) / (b[:, 0] - a[:, 0])
    heights = (1 - share) * a[:, 1] + share * b[:, 1]
    ways = side[change + 1][(heights >= low) & (heights <= high)]
    return np.array([(ways > 0).sum(), (ways < 0).sum()])


def _crossings_endless(places: Floats, x: float, low: float, high: float) -> Any:
    return crossings(places, x, -np.inf, np.inf)


def _crossings_gaps(places: Floats, x: float, low: float, high: float) -> Any:
    right = left = 0
    for a, b in pairwise(places):
        if np.isfinite(a).all() and np.isfinite(b).all():
            more = crossings(np.stack([a, b]), x, low, high)
            right, left = right + more[0], left + more[1]
    return right, left


def _crossings_after(places: Floats, x: float, low: float, high: float) -> Any:
    seen = places[np.isfinite(places).all(1)]
    right = left = 0
    for (ax, _), (bx, by) in pairwise(seen):
        if (ax < x) != (bx < x) and low <= by <= high:
            right += bool(bx > x)
            left += bool(bx < x)
    return right, left


def _crossings_sides(places: Floats, x: float, low: float, high: float) -> Any:
    return _crossings_gaps(places, x, -np.inf, np.inf)


def _crossings_before(places: Floats, x: float, low: float, high: float) -> Any:
    seen = places[np.isfinite(places).all(1)]
    right = left = 0
    for (ax, ay), (bx, _) in pairwise(seen):
        if (ax < x) != (bx < x) and low <= ay <= high:
            right += bool(bx > x)
            left += bool(bx < x)
    return right, left


def _crossings_before_gaps(places: Floats, x: float, low: float, high: float) -> Any:
    steps = [np.stack(two) for two in pairwise(places) if np.isfinite(two).all()]
    found = [_crossings_before(two, x, low, high) for two in steps]
    return sum(right for right, _ in found), sum(left for _, left in found)


def _crossings_net(places: Floats, x: float, low: float, high: float) -> Any:
    right, left = crossings(places, x, low, high)
    return max(right - left, 0), max(left - right, 0)


def _crossings_swapped(places: Floats, x: float, low: float, high: float) -> Any:
    return crossings(places, x, low, high)[::-1]


def _crossings_frames(places: Floats, x: float, low: float, high: float) -> Any:
    seen = places[np.isfinite(places).all(1)]
    inside = (seen[:, 1] >= low) & (seen[:, 1] <= high)
    return int((inside & (seen[:, 0] > x)).sum()), int((inside & (seen[:, 0] < x)).sum())


def _crossings_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(2, 10))
    places = np.stack([rng.integers(0, 10, count) + 0.5, rng.integers(0, 12, count)], 1)
    places[rng.random(count) < 0.2] = np.nan
    return places.astype(float), float(rng.integers(2, 9)), 3.25, 8.25


def _is_crossing(places: Floats, x: float, low: float, high: float) -> bool:
    if np.ndim(places) != 2 or np.shape(places)[1] != 2 or not low < high:
        return False
    away = np.abs(places[:, 0] - x)
    return not bool((away < 0.1).any()) and bool(np.isnan(places).any(1).sum() < len(places))


def _draw_crossings(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    places, x, low, high = inputs
    seen = places[np.isfinite(places).all(1)]
    title = f"{wanted[0]} to the right, {wanted[1]} to the left"
    fig, ax = _axes(title, "x", "y (downwards)")
    ax.plot([x, x], [low, high], color=base.COLORS[1], lw=3, label="the line")
    ax.plot(*seen.T, "-o", color=base.COLORS[0], label="the way")
    for t in np.flatnonzero(np.isfinite(places).all(1)):
        ax.annotate(str(t), places[t], xytext=(4, 4), textcoords="offset points", fontsize=8)
    ax.invert_yaxis()
    ax.legend(fontsize=8)
    return fig


_NAN = [np.nan, np.nan]

CROSSINGS = Exercise(
    name="13-crossings",
    task="how often to the right, and how often to the left: two whole numbers",
    starter=crossings_starter,
    reference=crossings,
    cases=(
        (np.array([[0.0, 5], [10, 5]]), 5.0, 0.0, 9.0),
        (np.array([[10.0, 5], [0, 5]]), 5.0, 0.0, 9.0),
        (np.array([[0.0, 20], [10, 20]]), 5.0, 0.0, 9.0),
        (np.array([[0.0, 5], _NAN, _NAN, [10, 5]]), 5.0, 0.0, 9.0),
        (np.array([[0.0, 0], [10, 12]]), 2.0, 0.0, 9.0),
        (np.array([[0.0, 5], [10, 5], [0, 5], [10, 5], [11, 5]]), 5.0, 0.0, 9.0),
    ),
    generate=_crossings_inputs,
    valid=_is_crossing,
    misconceptions=(
        Misconception(
            "a line without ends",
            _crossings_endless,
            "The line has ends. Find the height at which the way meets `x`, and see whether it is "
            "between them.",
            variants=(_crossings_sides,),
        ),
        Misconception(
            "gaps not bridged",
            _crossings_gaps,
            "Leave out the frames in which it was not seen, then look at what follows on what: it "
            "went straight through the gap.",
        ),
        Misconception(
            "the height beside the line",
            _crossings_after,
            "You took the height of the place before the line, or behind it. It crossed on the way "
            "between the two, at a height of its own.",
            variants=(_crossings_before, _crossings_before_gaps),
        ),
        Misconception(
            "back and forth cancelled",
            _crossings_net,
            "Somebody who goes and comes back has crossed twice, once each way.",
        ),
        Misconception(
            "right and left swapped",
            _crossings_swapped,
            "First to the right (x grows), then to the left.",
        ),
        Misconception(
            "frames counted",
            _crossings_frames,
            "You counted frames on either side. A crossing is a change of side.",
        ),
    ),
    alternatives=(_crossings_by_arrays,),
    hints=(
        "Leave out the frames in which it was not seen: what follows on what then? Between which "
        "two places does it change sides?",
        "With `seen = places[np.isfinite(places).all(1)]`, look at each place and the next. It "
        "changes sides where `(ax < x) != (bx < x)`, at the share `(x - ax) / (bx - ax)` of the "
        "way.",
        "There y is `ay + (by - ay) * (x - ax) / (bx - ax)`. It counts if `low <= y <= high`, to "
        "the right if `bx > x`.",
    ),
    praise="This is a traffic counter. It counts numbers, not vehicles: what the tracker says.",
    onward="A box that trembles on the line crosses it at every tremble; a margin cures that.",
    draw=_draw_crossings,
    alt="A way through numbered places, and an upright line.",
)


# -- where on the ground -------------------------------------------------------------------------


def ground_starter(foot: Floats, horizon: float, height: float, focal: float, middle: float) -> Any:
    """Where on flat ground somebody stands: metres to the right, and metres ahead.

    `foot` (2,) is the point x, y of the picture where they touch the ground (the middle of the
    lower edge of their box). The camera looks level, `height` metres above the ground; `horizon` is
    the row of the picture where ground and sky meet, `middle` the column straight ahead, `focal`
    its focal length in pixels. A point of the ground `d` metres ahead and `r` to the right is seen
    at y = horizon + focal * height / d, x = middle + focal * r / d. Turn that around. At the
    horizon and above it there is no ground: two NaNs.
    """
    return ...


def ground(foot: Floats, horizon: float, height: float, focal: float, middle: float) -> Any:
    """Where on flat ground somebody stands: metres to the right, and metres ahead."""
    x, y = float(foot[0]), float(foot[1])
    if y <= horizon:
        return float("nan"), float("nan")
    # y = horizon + f h / d  <=>  d = f h / (y - horizon)
    ahead = focal * height / (y - horizon)
    # x = middle + f r / d  <=>  r = (x - middle) d / f
    return (x - middle) * ahead / focal, ahead


def _ground_by_scale(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    below = foot[1] - horizon
    metres_per_pixel = height / below if below > 0 else np.nan
    return np.array([(foot[0] - middle) * metres_per_pixel, focal * metres_per_pixel])


def _ground_no_sky(foot: Floats, horizon: float, height: float, focal: float, middle: float) -> Any:
    below = float(foot[1]) - horizon
    if below == 0:
        return float("nan"), float("nan")
    return (float(foot[0]) - middle) * height / below, focal * height / below


def _ground_unchecked(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = np.float64(focal * height) / np.float64(foot[1] - horizon)
        return (np.float64(foot[0]) - middle) * ahead / focal, ahead


def _ground_from_top(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    return ground(np.array([foot[0], foot[1] + horizon]), horizon, height, focal, middle)


def _ground_from_left(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    return ground(foot, horizon, height, focal, 0.0)


def _ground_one_scale(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    right, ahead = ground(foot, horizon, height, focal, middle)
    return (float(foot[0]) - middle) * height / focal + 0 * right, ahead


def _ground_swapped(
    foot: Floats, horizon: float, height: float, focal: float, middle: float
) -> Any:
    return ground(foot, horizon, height, focal, middle)[::-1]


def _ground_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    foot = np.array([rng.integers(0, 640), rng.integers(100, 360)], float)
    horizon = float(rng.integers(80, 200))
    return foot, horizon, float(rng.integers(1, 8)), float(rng.integers(300, 800)), 320.0


def _is_ground(foot: Floats, horizon: float, height: float, focal: float, middle: float) -> bool:
    return np.shape(foot) == (2,) and height > 0 and focal > 0 and bool(np.isfinite(foot).all())


def _draw_ground(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    foot, horizon, height, focal, middle = inputs
    title = f"Wanted {wanted[0]:.1f} m to the right, {wanted[1]:.1f} m ahead"
    fig, ax = _axes(title, "x (px)", "y (px)", xlim=(0, 640), ylim=(360, 0))
    ax.axhline(horizon, color=base.COLORS[2], label="horizon")
    for d in (5, 10, 20, 40):
        y = horizon + focal * height / d
        ax.axhline(y, color=base.FAINT, lw=0.8)
        ax.text(4, min(max(y, 6), 356), f"{d} m", fontsize=8)
    ax.axvline(middle, color=base.FAINT, ls=":")
    ax.plot(*foot, "o", color=base.COLORS[1], label="foot")
    ax.legend(fontsize=8)
    return fig


GROUND = Exercise(
    name="13-ground",
    task="metres to the right and metres ahead: two numbers, or two NaNs",
    starter=ground_starter,
    reference=ground,
    cases=(
        (np.array([320.0, 200.0]), 100.0, 5.0, 500.0, 320.0),
        (np.array([420.0, 200.0]), 100.0, 5.0, 500.0, 320.0),
        (np.array([220.0, 350.0]), 100.0, 2.0, 500.0, 320.0),
        (np.array([300.0, 100.0]), 100.0, 2.0, 500.0, 320.0),
        (np.array([300.0, 60.0]), 100.0, 2.0, 500.0, 320.0),
    ),
    generate=_ground_inputs,
    valid=_is_ground,
    misconceptions=(
        Misconception(
            "ground in the sky",
            _ground_no_sky,
            "Above the horizon the formula gives ground behind the camera. There is none to be "
            "seen there, nor at the horizon: two NaNs.",
            variants=(_ground_unchecked,),
        ),
        Misconception(
            "from the picture's upper edge",
            _ground_from_top,
            "Rows count from the horizon here: it is `y - horizon` that shrinks with distance.",
        ),
        Misconception(
            "from the picture's left edge",
            _ground_from_left,
            "Straight ahead is the column `middle`, not the left edge.",
        ),
        Misconception(
            "one scale for all distances",
            _ground_one_scale,
            "You took one scale for near and far. A pixel is wider on the ground the farther "
            "away it is: the distance ahead belongs in the formula.",
        ),
        Misconception(
            "ahead and right swapped",
            _ground_swapped,
            "First the metres to the right, then the metres ahead.",
        ),
    ),
    alternatives=(_ground_by_scale,),
    hints=(
        "Begin with the distance ahead: solve y = horizon + focal * height / d for d.",
        "`ahead = focal * height / (y - horizon)`. With it, solve the equation of x for r.",
        "`right = (x - middle) * ahead / focal`. And `if y <= horizon` comes before both.",
    ),
    praise="This is why a street has no one scale: metres a pixel are height / (y - horizon).",
    onward="With the foot on the ground, speeds hold at every distance, as long as it is flat.",
    draw=_draw_ground,
    alt="The picture with its horizon, rows of equal distance on the ground, and the foot.",
)

EXERCISES = (MOT_ROW, SPEED, CROSSINGS, GROUND)
