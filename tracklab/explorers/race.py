"""The explorer "race": seven methods on one surface, from one start, each at its own rate.

`draw` is pure. Each method's own best rate is found on the surface that is shown (43 rates, all
tried; kept for the next picture); the sliders multiply it. Races and grounds are kept, too.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.explorers.controls import Choice, Play, Several, Slider
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.optimizers import first_order, loss_slice, race, surfaces
from tracklab.plots import spread

STEPS = race.STEPS
FIRST_STEP = 40
FIRST_CONDITION = 1.5  # a power of ten
REACH = 1.5  # decades that a slider goes down and up from the best rate
KEPT = 64  # tunings and races: 30 kB each

QUADRATIC, SLICE = "quadratic", "a network's loss"
# By name: what it is, in words.
SURFACES: dict[str, str] = {
    QUADRATIC: "a bowl",
    "rosenbrock": "Rosenbrock's bent valley",
    "saddle": "a saddle between two valleys",
    "beale": "Beale's plateau",
    SLICE: "a slice of a network's loss, two solutions on it",
}
# By method: its colour (Okabe and Ito, darker where they are pale) and its dashes.
LOOKS: dict[str, tuple[tuple[int, int, int], tuple[int, int]]] = {
    "sgd": ((90, 90, 90), (1, 0)),
    "momentum": ((0, 114, 178), (1, 0)),
    "nesterov": ((40, 150, 215), (10, 4)),
    "adagrad": ((0, 138, 100), (4, 3)),
    "rmsprop": ((178, 92, 138), (10, 4)),
    "adam": ((205, 84, 0), (1, 0)),
    "adamw": ((190, 120, 0), (4, 3)),
}
NUMBER = {name: str(k) for k, name in enumerate(first_order.NAMES, start=1)}
LABEL = {name: method.label for name, method in first_order.METHODS.items()}

WIDE, TALL = 430, 344  # pixels, of the surface
GAP, NAMES_WIDTH, STRIP = 12, 268, 178
WIDTH = WIDE + GAP + NAMES_WIDTH
ROW = 22  # pixels of a name
BANDS = 18  # of the ground
LOWEST, HIGHEST = -6.0, 1.0  # powers of ten: the ends of the axis of losses
BALL = 7  # pixels: radius of the number where a method is
FINE = 4  # bits of a pixel's fraction
FAR = 4000.0  # pixels: no line needs to go further out of the picture
INK, PAPER, RULE, FAINT = (40, 40, 40), (255, 255, 255), (226, 226, 226), (120, 120, 120)
DEEP, HIGH = (188, 208, 226), (252, 252, 252)  # the ground, where the loss is low and high
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]


@functools.lru_cache(KEPT)
def surface_of(name: str, condition: float) -> surfaces.Surface:
    """One of `SURFACES`; condition: of the quadratic, as a power of ten."""
    if name == SLICE:
        return loss_slice.stored()
    if name == QUADRATIC:
        return surfaces.quadratic(10.0**condition)
    return surfaces.create(name)


@functools.lru_cache(KEPT)
def best_rates(name: str, condition: float) -> dict[str, float]:
    """The best constant rate of each method on a surface, out of `race.GRID`."""
    return race.tuned(surface_of(name, condition)).best()


@functools.lru_cache(KEPT)
def raced(name: str, condition: float, powers: tuple[float, ...]) -> race.Race:
    """All methods, each at its best rate times ten to its power."""
    best = best_rates(name, condition)
    rates = {
        method: best[method] * 10.0**power
        for method, power in zip(first_order.NAMES, powers, strict=True)
    }
    return race.race(surface_of(name, condition), rates, steps=STEPS)


def draw(
    *, surface: str, condition: float, step: int, methods: tuple[str, ...], **powers: float
) -> Drawing:
    """The surface with all paths up to a step; names, rates and losses; losses over the steps.

    powers: by method, the power of ten that its best rate is multiplied by.
    """
    known = condition if surface == QUADRATIC else 0.0
    rounded = tuple(round(float(powers[name]), 3) for name in first_order.NAMES)
    found = raced(surface, known, rounded)
    shares = _shares(found)
    above = np.full((TALL, WIDTH, 3), PAPER, np.uint8)
    above[:, :WIDE] = _ground(surface, known)
    for name in methods:
        _path(above[:, :WIDE], found, name, step)
    _balls(above[:, :WIDE], found, methods, step)
    _names(above[:, WIDE + GAP :], found, shares, methods, step)
    sheet = np.concatenate([above, _strip(found, shares, methods, step)])
    numbers = {
        f"{LABEL[name]} (share of the start's)": _now(found, shares, name, step)[0]
        for name in methods
    }
    idle = [name for name in first_order.NAMES if name not in methods]
    return Drawing(
        sheet,
        _words(found, shares, surface, known, methods, step),
        numbers,
        idle=idle if surface == QUADRATIC else ["condition", *idle],
    )


def _shares(found: race.Race) -> Floats:
    """How far each loss lies above the lowest, `(M, T + 1)`, as a share of the start's."""
    above = found.losses - found.surface.lowest
    # a found minimum may lie a rounding below the known one
    return np.asarray(np.maximum(above, 0) / above[0, 0])


def _now(found: race.Race, shares: Floats, name: str, step: int) -> tuple[float, bool]:
    """A method's share of the start's loss at a step, and whether it has diverged by then."""
    row = found.methods.index(name)
    gone = found.diverged[row] != race.STAYING and step >= found.diverged[row]
    return (float("inf") if gone else float(shares[row, step])), bool(gone)


def _words(
    found: race.Race,
    shares: Floats,
    surface: str,
    condition: float,
    methods: tuple[str, ...],
    step: int,
) -> str:
    """What the picture shows, to somebody who does not see it."""
    where = SURFACES[surface]
    if surface == QUADRATIC:
        where += f" {10.0**condition:.3g} times as steep across as along"
    head = f"Step {step} of {STEPS} on {where}."
    if not methods:
        return f"{head} No method is ticked."
    state = {name: _now(found, shares, name, step) for name in methods}
    running = sorted((name for name in methods if not state[name][1]), key=lambda n: state[n][0])
    said = [head]
    if running:
        told = ", ".join(f"{LABEL[name]} {_number(state[name][0])}" for name in running)
        said.append(f"Loss above the lowest, as a share of the start's, least first: {told}.")
    gone = [name for name in methods if state[name][1]]
    if gone:
        told = ", ".join(
            f"{LABEL[name]} in step {found.diverged[found.methods.index(name)]}" for name in gone
        )
        said.append(f"Diverged, its rate is too high: {told}.")
    return " ".join(said)


def _number(share: float) -> str:
    return f"{share:.2g}" if share >= 10.0**LOWEST else f"below 1e{LOWEST:.0f}"


@functools.lru_cache(KEPT)
def _ground(name: str, condition: float) -> Picture:
    """The surface in bands, dark where the loss is low, with its minima as crosses."""
    surface = surface_of(name, condition)
    left, right, bottom, top = surface.domain
    x = left + (np.arange(0, WIDE, 2) + 0.5) / WIDE * (right - left)
    y = top - (np.arange(0, TALL, 2) + 0.5) / TALL * (top - bottom)
    losses = surface.value(np.stack(np.meshgrid(x, y), -1)) - surface.lowest
    # equal steps of the fourth root: bowls in even rings, plateaus and cliffs both seen
    low = np.maximum(losses, 0) ** 0.25
    height = np.asarray(cv2.resize(low, (WIDE, TALL), interpolation=cv2.INTER_LINEAR))
    bands = np.minimum(height / height.max() * BANDS, BANDS - 1).astype(np.int32)
    shades = np.linspace(DEEP, HIGH, BANDS).astype(np.uint8)
    sheet = shades[bands]
    edge = np.zeros(bands.shape, bool)
    edge[:, 1:] |= bands[:, 1:] != bands[:, :-1]
    edge[1:] |= bands[1:] != bands[:-1]
    sheet[edge] = (sheet[edge] * 0.86).astype(np.uint8)
    for x0, y0 in _places(surface, surface.minima):
        cv2.drawMarker(sheet, (round(x0), round(y0)), INK, cv2.MARKER_TILTED_CROSS, 11, 2)
    ((x0, y0),) = _places(surface, surface.start[None])
    cv2.circle(sheet, (round(x0), round(y0)), 4, INK, 1, cv2.LINE_AA)
    cv2.rectangle(sheet, (0, 0), (WIDE - 1, TALL - 1), FAINT, 1)
    sheet.setflags(write=False)
    return sheet


def _places(surface: surfaces.Surface, points: Floats) -> Floats:
    """Points `(N, 2)` of a surface as pixels of its picture; none is too far to be drawn."""
    left, right, bottom, top = surface.domain
    scale = np.array([WIDE / (right - left), -TALL / (top - bottom)])
    return np.clip((points - [left, top]) * scale, -FAR, FAR)


def _way(found: race.Race, name: str, step: int) -> Floats:
    """Where a method has been, as pixels, up to a step or to where it diverged."""
    points = found.paths[found.methods.index(name), : step + 1]
    return _places(found.surface, points[np.isfinite(points).all(1)])


def _path(sheet: Picture, found: race.Race, name: str, step: int) -> None:
    color, dashes = LOOKS[name]
    way = _way(found, name, step)
    _line(sheet, way, color, dashes)
    for x, y in way[1:].tolist():
        if 0 <= x < WIDE and 0 <= y < TALL:
            cv2.circle(sheet, _fine(x, y), 2 << FINE, color, -1, cv2.LINE_AA, FINE)


def _balls(sheet: Picture, found: race.Race, methods: tuple[str, ...], step: int) -> None:
    """Each method's number where it is, at the border where it is beyond; none on another."""
    taken: list[tuple[float, float]] = []
    for name in methods:
        x, y = _way(found, name, step)[-1]
        x, y = float(np.clip(x, BALL, WIDE - BALL - 1)), float(np.clip(y, BALL, TALL - BALL - 1))
        free = next(((u, v) for u, v in _around(x, y) if _apart(u, v, taken)), (x, y))
        taken.append(free)
        color, _ = LOOKS[name]
        if free != (x, y):
            cv2.line(sheet, _fine(x, y), _fine(*free), color, 1, cv2.LINE_AA, FINE)
        _numbered(sheet, *free, name, color)


def _around(x: float, y: float) -> Iterator[tuple[float, float]]:
    """A place, and places around it in the picture, the nearest first."""
    yield x, y
    for ring in range(1, 9):
        for turn in np.arange(8) * np.pi / 4:
            u, v = x + ring * BALL * np.cos(turn), y - ring * BALL * np.sin(turn)
            if BALL <= u < WIDE - BALL and BALL <= v < TALL - BALL:
                yield float(u), float(v)


def _apart(x: float, y: float, others: list[tuple[float, float]]) -> bool:
    return all(np.hypot(x - u, y - v) >= 2 * BALL for u, v in others)


def _numbered(sheet: Picture, x: float, y: float, name: str, color: Any) -> None:
    cv2.circle(sheet, _fine(x, y), BALL << FINE, color, -1, cv2.LINE_AA, FINE)
    cv2.circle(sheet, _fine(x, y), BALL << FINE, PAPER, 1, cv2.LINE_AA, FINE)
    cv2.putText(
        sheet, NUMBER[name], (round(x) - 4, round(y) + 4), FONT, 0.38, PAPER, 1, cv2.LINE_AA
    )


def _names(
    sheet: Picture, found: race.Race, shares: Floats, methods: tuple[str, ...], step: int
) -> None:
    """Number, name, line, rate and loss of each method."""
    _write(sheet, "rate", 138, 14, FAINT)
    _write(sheet, f"step {step}", 200, 14, FAINT)
    for k, name in enumerate(methods):
        color, dashes = LOOKS[name]
        y = 34 + ROW * k
        _numbered(sheet, BALL + 1, y - 4, name, color)
        _write(sheet, LABEL[name], 22, y, color)
        places = np.stack([np.linspace(102, 128, 27), np.full(27, y - 4.0)], -1)
        _line(sheet, places, color, dashes, 2)
        _write(sheet, f"{found.rates[found.methods.index(name)]:.2g}", 138, y)
        share, gone = _now(found, shares, name, step)
        _write(sheet, "diverged" if gone else _number(share).replace("below ", "< "), 200, y)
    y = 34 + ROW * len(first_order.NAMES) + 8
    for k, line in enumerate(
        (
            "Loss above the lowest, as a share",
            "of the start's. Hollow: the start.",
            "Crosses: minima. A dot a step; one",
            "gradient a step for each method.",
        )
    ):
        _write(sheet, line, 2, y + 17 * k, FAINT)


def _strip(found: race.Race, shares: Floats, methods: tuple[str, ...], step: int) -> Picture:
    """Every method's loss over the steps, on a logarithmic axis, and this step as a line."""
    sheet = np.full((STRIP, WIDTH, 3), PAPER, np.uint8)
    left, right, top, bottom = 44, WIDTH - 24, 26, STRIP - 22

    def at(t: Any, share: Any) -> Floats:
        x = left + (right - left) * np.asarray(t, float) / STEPS
        power = np.clip(np.log10(np.maximum(share, 1e-12)), LOWEST, HIGHEST)
        y = bottom - (bottom - top) * (power - LOWEST) / (HIGHEST - LOWEST)
        return np.stack([x, y], -1)

    for power in range(int(LOWEST), int(HIGHEST) + 1):
        row = round(float(at(0, 10.0**power)[1]))
        cv2.line(sheet, (left, row), (right, row), RULE, 1)
        if power % 2 == 0:
            _write(sheet, f"1e{power}" if power else "1", 6 if power else 26, row + 4, FAINT)
    for t in range(0, STEPS + 1, 25):
        x, _ = at(t, 1.0)
        _write(sheet, f"{t}", round(float(x)) - 10, STRIP - 6, FAINT)
    now = round(float(at(step, 1.0)[0]))
    cv2.line(sheet, (now, top), (now, bottom), INK, 1)
    _write(sheet, "loss above the lowest, share of the start's, step by step", left, 14)
    ends: dict[str, Floats] = {}
    for name in methods:
        color, dashes = LOOKS[name]
        row = found.methods.index(name)
        there = np.isfinite(shares[row])
        line = at(np.flatnonzero(there), shares[row, there])
        _line(sheet, line, color, dashes, 2)
        ends[name] = line[-1]
    tall = bottom - top
    ranked = sorted(ends, key=lambda name: -float(ends[name][1]))
    heights = [(bottom - float(ends[name][1])) / tall for name in ranked]
    gap = 2 * BALL / tall
    for k, (name, height) in enumerate(zip(ranked, spread(heights, gap), strict=True)):
        x, y = float(ends[name][0]) + BALL + 3, bottom - tall * max(height, k * gap)
        _numbered(sheet, x, y, name, LOOKS[name][0])
    return sheet


def _line(
    sheet: Picture, points: Floats, color: Any, dashes: tuple[int, int], thick: int = 1
) -> None:
    """A line through points `(K, 2)`, with dashes of so many pixels on and off."""
    if len(points) < 2:
        return
    on, off = dashes
    for piece in [points] if not off else _dashed(points, on, off):
        places = np.round(piece * (1 << FINE)).astype(np.int32)
        cv2.polylines(sheet, [places], False, color, thick, cv2.LINE_AA, FINE)


def _dashed(points: Floats, on: int, off: int) -> list[Floats]:
    """A line in dashes that follow its corners."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    # lines that jump far out of the picture: fewer, longer dashes do
    scale = max(1.0, float(way[-1]) / 3000)
    pieces = []
    for start in np.arange(0, way[-1], (on + off) * scale):
        stop = min(start + on * scale, way[-1])
        inner = (way > start) & (way < stop)
        ends = [np.array([np.interp(s, way, points[:, k]) for k in (0, 1)]) for s in (start, stop)]
        pieces.append(np.concatenate([ends[0][None], points[inner], ends[1][None]]))
    return pieces


def _fine(x: float, y: float) -> tuple[int, int]:
    return round(float(x) * (1 << FINE)), round(float(y) * (1 << FINE))


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def race_of_methods(surface: str = QUADRATIC) -> Explorer:
    """The explorer: surface, condition, step, which methods, and the rate of each.

    Raises `InputError` for a surface that is none.
    """
    with contextlib.suppress(errors.MissingError):  # drawing the slice will say what is missing
        best_rates(SLICE, 0.0)  # read and tried now, so that choosing it later takes no time
    rates = {
        name: Slider(f"{LABEL[name]} x10^", -REACH, REACH, 0.0, 0.25) for name in first_order.NAMES
    }
    return Explorer(
        "race",
        draw,
        {
            "surface": Choice("Surface", tuple(SURFACES), surface),
            "condition": Slider("Condition: 10^", 0.0, 4.0, FIRST_CONDITION, 0.25),
            "step": Play("Step", STEPS + 1, default=FIRST_STEP),
            "methods": Several(
                *("Methods", first_order.NAMES, first_order.NAMES),
                [LABEL[name] for name in first_order.NAMES],
            ),
            **rates,
        },
        title="Race: seven methods, one start, each at its own rate",
        description="At 0 each method has the rate that brings it lowest here, found by trying "
        "43. Play, then make one rate ten times too large. Which method forgives it?",
        format="png",
    )
