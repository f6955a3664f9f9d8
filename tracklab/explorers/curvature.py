"""The explorer "second-order": what the second derivatives change, the step or nothing.

"Second-order optimization: compute the second derivatives, then do gradient descent" is a sentence
that can be taken at its word. Four methods start where the learner drags them; each that computes
the Hessian pays for it, and only one lets it change the direction.

`draw` and `chart` are pure.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import plots
from tracklab.explorers import terrain
from tracklab.explorers.controls import Choice, Slider
from tracklab.explorers.moving import Moving
from tracklab.explorers.on_map import OnMap
from tracklab.explorers.pad import Place, Spot
from tracklab.explorers.shell import Drawing, Explorer, Jump
from tracklab.optimizers import surfaces
from tracklab.optimizers.newton import newton_step

STEPS = 30
KEPT = 128
WIDE, TALL = 450, 350  # pixels, of the map
SIDE = 258
HESSIAN = 2  # gradients that a Hessian of two numbers costs: two products, each about one
LOWEST, HIGHEST = 1e-14, 1e4
LOCAL = (0, 98, 72)
FIRST_CONDITION = 1.25  # a power of ten

PLAIN, CLAIM, LENGTH, NEWTON = "plain", "claim", "length", "newton"
# By method: what it is called, its colour, what of the Hessian it uses.
METHODS: dict[str, tuple[str, tuple[int, int, int], str]] = {
    PLAIN: ("gradient descent", (205, 84, 0), "knows no Hessian"),
    CLAIM: ('"second order, then descent"', (150, 60, 120), "computes it, changes nothing"),
    LENGTH: ("rate from the Hessian", (0, 138, 100), "changes the length"),
    NEWTON: ("Newton", (0, 114, 178), "changes the direction"),
}
QUADRATIC, VALLEY = "a bowl", "Rosenbrock's valley"
STARTS: dict[str, dict[str, tuple[float, float]]] = {
    QUADRATIC: {"Beside both axes": (-1.2, -0.2), "On the steep axis": (0.1, 0.7)},
    VALLEY: {"In the valley": (-1.2, 1.4), "Near the minimum": (0.7, 0.6)},
}

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Ways:
    """By method: points `(S + 1, 2)`, losses above the lowest `(S + 1,)`, gradients a step.

    rate: of the first two methods. covered: by method, `(2,)`, how much of the way to the local
    quadratic's flat point the first step covers, along the flatter and the steeper axis.
    """

    points: dict[str, Floats]
    losses: dict[str, Floats]
    price: dict[str, int]
    rate: float
    covered: dict[str, Floats]
    curvatures: Floats


@functools.lru_cache(KEPT)
def surface_of(name: str, condition: float) -> surfaces.Surface:
    """One of `STARTS`; condition: of the bowl, a power of ten."""
    return surfaces.quadratic(10.0**condition) if name == QUADRATIC else surfaces.rosenbrock(20)


@functools.lru_cache(KEPT)
def ground(name: str, condition: float) -> Picture:
    """The map without any way."""
    surface = surface_of(name, condition)
    sheet = terrain.ground(surface, terrain.view(surface, WIDE, TALL))
    sheet.setflags(write=False)
    return sheet


def step_of(method: str, gradient: Floats, hessian: Floats, rate: float) -> Floats:
    """What a method makes of gradient and Hessian: `(2,)`."""
    if method in (PLAIN, CLAIM):
        # p = -a g: the Hessian stands nowhere
        return -rate * gradient
    curvatures = np.linalg.eigvalsh(hessian)
    if method == LENGTH:
        # p = -2 / (l_1 + l_2) g, or 1 / |l| where one is negative: still along the gradient
        low, high = curvatures
        return -gradient * (2 / (low + high) if low > 0 else 1 / np.abs(curvatures).max())
    # H p = -g
    step = newton_step(gradient, hessian)
    return np.zeros(2) if step is None else step


@functools.lru_cache(KEPT)
def ways(name: str, condition: float, start: Place, rate: float) -> Ways:
    """All four methods from one start."""
    surface = surface_of(name, condition)
    seen = terrain.view(surface, WIDE, TALL)
    begin = seen.point(start)
    step_size = rate * terrain.safe_rate(surface, seen, begin)
    points: dict[str, Floats] = {}
    losses: dict[str, Floats] = {}
    for method in METHODS:
        found = [begin]
        for _ in range(STEPS):
            here = found[-1]
            step = step_of(method, surface.gradient(here), surface.hessian(here), step_size)
            there = here + step
            if not np.abs(there).max() < 1e3 or not step.any():
                break
            found.append(there)
        points[method] = np.array(found)
        losses[method] = np.maximum(surface.value(points[method]) - surface.lowest, 0)
    gradient, hessian = surface.gradient(begin), surface.hessian(begin)
    curvatures, axes = np.linalg.eigh(hessian)
    # along an axis of curvature l with slope s the flat point is at -s / l; a step p covers
    # q . p / (-s / l) of that
    slopes = axes.T @ gradient
    whole = np.divide(-slopes, curvatures, out=np.zeros(2), where=curvatures != 0)
    covered = {}
    for method in METHODS:
        along = axes.T @ step_of(method, gradient, hessian, step_size)
        covered[method] = np.divide(along, whole, out=np.zeros(2), where=np.abs(whole) > 1e-12)
    price = {PLAIN: 1, **dict.fromkeys((CLAIM, LENGTH, NEWTON), 1 + HESSIAN)}
    return Ways(points, losses, price, step_size, covered, curvatures)


def _known(surface: str, condition: float) -> float:
    return round(condition, 3) if surface == QUADRATIC else 0.0


def draw(charts: Charts, *, surface: str, condition: float, rate: float, start: Place) -> Drawing:
    """The panels: what the first step covers along each axis; losses over what they cost."""
    found = ways(surface, _known(surface, condition), start, round(rate, 3))
    seen = terrain.view(surface_of(surface, _known(surface, condition)), WIDE, TALL)
    jumps = [
        Jump(label, "start", seen.place(point), key)
        for (label, point), key in zip(STARTS[surface].items(), "12", strict=True)
    ]
    numbers = {
        f"{METHODS[name][0]}: gradients to a thousandth": _needed(found, name) for name in METHODS
    }
    return Drawing(
        charts.pixels(found),
        _words(found, surface, seen.point(start)),
        numbers,
        jumps=jumps,
        idle=() if surface == QUADRATIC else ("condition",),
    )


def _needed(found: Ways, name: str) -> str:
    """How many gradients it costs to bring the loss to a thousandth of the start's."""
    losses = found.losses[name]
    there = np.flatnonzero(losses <= losses[0] / 1000)
    return str(there[0] * found.price[name]) if len(there) else f"not in {STEPS} steps"


def _words(found: Ways, surface: str, begin: Floats) -> str:
    """What map and panels show, to somebody who does not see them."""
    low, high = found.curvatures
    said = [
        f"{surface.capitalize()}, start at ({begin[0]:.2f}, {begin[1]:.2f}); the curvatures there "
        f"are {low:.3g} and {high:.3g}.",
        "Of the way to the local quadratic's flat point the first step covers, along the flatter "
        "and the steeper axis:",
    ]
    told = []
    for name in (PLAIN, LENGTH, NEWTON):
        flat, steep = found.covered[name]
        told.append(f"{METHODS[name][0]} {flat:.0%} and {steep:.0%}")
    said.append(f"{'; '.join(told)}.")
    said.append(
        "Second order, then gradient descent, makes the steps of gradient descent, each at "
        f"{found.price[CLAIM]} times the price."
    )
    ends = ", ".join(f"{METHODS[name][0]} {_needed(found, name)}" for name in METHODS)
    said.append(f"Gradients until the loss is a thousandth of the start's: {ends}.")
    return " ".join(said)


def chart(*, surface: str, condition: float, rate: float, start: Place) -> Picture:
    """The map: all ways, the first steps as arrows, the local quadratic at the start."""
    known = _known(surface, condition)
    found = ways(surface, known, start, round(rate, 3))
    of = surface_of(surface, known)
    seen = terrain.view(of, WIDE, TALL)
    begin = seen.point(start)
    sheet = ground(surface, known).copy()
    gradient = of.gradient(begin)
    terrain.local_contours(sheet, seen, begin, gradient, of.hessian(begin), LOCAL)
    for name in (PLAIN, LENGTH, NEWTON):
        color = METHODS[name][1]
        terrain.way(sheet, seen.pixels(found.points[name]), color, thick=1, dots=2)
    for name in (LENGTH, PLAIN, NEWTON):
        if len(found.points[name]) > 1:
            first, second = seen.pixels(found.points[name][:2])
            terrain.arrow(sheet, first, second, METHODS[name][1])
    if len(found.points[CLAIM]) > 1:
        # it lies on gradient descent's: dashes beside it
        pair = seen.pixels(found.points[CLAIM][:2])
        aside = (pair[1] - pair[0])[::-1] * [-1, 1] / max(float(np.hypot(*(pair[1] - pair[0]))), 1)
        terrain.dashed(sheet, pair + 8 * aside, METHODS[CLAIM][1])
    beside = np.full((TALL, SIDE, 3), terrain.PAPER, np.uint8)
    _legend(beside, found)
    return np.concatenate([sheet, beside], axis=1)


def _legend(sheet: Picture, found: Ways) -> None:
    left, y = 14, 18
    for name, (label, color, uses) in METHODS.items():
        line = np.array([[left, y - 4.0], [left + 24, y - 4.0]])
        if name == CLAIM:
            terrain.dashed(sheet, line, color)
        else:
            terrain.way(sheet, line, color, dots=0)
        terrain.write(sheet, label, left + 32, y, color)
        terrain.write(sheet, uses, left + 32, y + 18, terrain.FAINT)
        terrain.write(sheet, f"to 1/1000: {_needed(found, name)}", left + 32, y + 36, terrain.INK)
        y += 64
    for k, text in enumerate(("to 1/1000 of the loss: gradients,", f"a Hessian counts {HESSIAN}")):
        terrain.write(sheet, text, left, y + 18 * k, terrain.FAINT)
    low, high = found.curvatures
    terrain.write(sheet, f"curvatures {low:.3g}, {high:.3g}", left, y + 44)


class Charts:
    """The two panels below the map, of which only bars and lines move."""

    def __init__(self) -> None:
        fig, axes = plots.figure(1, 2, width=(WIDE + SIDE) / 100, height=2.6, alt="Second order")
        with plots.style():
            self.figure = Moving(fig, self._panels(*axes))

    def _panels(self, left: Any, right: Any) -> list[Any]:
        names = (PLAIN, LENGTH, NEWTON)
        colors = {name: tuple(c / 255 for c in METHODS[name][1]) for name in METHODS}
        left.axhline(1, color=plots.base.INK, lw=1, ls=":")
        left.axhline(0, color=plots.base.FAINT, lw=0.8)
        self.bars = {
            name: left.bar(np.arange(2) + 0.26 * (k - 1), [0, 0], 0.24, color=colors[name])
            for k, name in enumerate(names)
        }
        left.set(
            title="Share of the way that the first step covers",
            ylabel="1: the flat point",
            xlabel="axis of curvature",
            ylim=(-1.2, 2.4),
            xlim=(-0.6, 1.6),
        )
        left.set_xticks([0, 1], ["flatter", "steeper"])
        styles = {PLAIN: "-", CLAIM: "--", LENGTH: "-", NEWTON: "-"}
        self.lines = {
            name: right.plot([], [], styles[name], color=colors[name], lw=1.8, marker="o", ms=2.5)[
                0
            ]
            for name in METHODS
        }
        right.set(
            title="Loss above the lowest",
            xlabel=f"gradients (a Hessian: {HESSIAN})",
            yscale="log",
            xlim=(-1, STEPS * (1 + HESSIAN) + 1),
            ylim=(LOWEST, HIGHEST),
        )
        moving = [bar for bars in self.bars.values() for bar in bars]
        return [*moving, *self.lines.values()]

    def pixels(self, found: Ways) -> Picture:
        """Both panels, `(H, W, 3)`."""
        with self.figure.lock:
            for name, bars in self.bars.items():
                for bar, share in zip(bars, found.covered[name], strict=True):
                    bar.set_height(float(np.clip(share, -1.2, 2.4)))
            for name, line in self.lines.items():
                losses = np.clip(found.losses[name], LOWEST, HIGHEST)
                line.set_data(np.arange(len(losses)) * found.price[name], losses)
            return self.figure.pixels()


def second_order(surface: str = QUADRATIC) -> Explorer:
    """The explorer: surface, condition, rate of the descents, start (dragged).

    Raises `InputError` for a surface that is none.
    """
    known = surface if surface in STARTS else QUADRATIC
    at = terrain.view(surface_of(known, FIRST_CONDITION), WIDE, TALL)
    first = next(iter(STARTS[known].values()))
    return OnMap(
        "second-order",
        functools.partial(draw, Charts()),
        {
            "surface": Choice("Surface", tuple(STARTS), surface),
            "condition": Slider("Condition: 10^", 0.0, 3.0, FIRST_CONDITION, 0.25),
            "rate": Slider("Rate (safe: 1)", 0.1, 3.0, 1.0, 0.1),
            "start": Spot("Start", at.place(first), (TALL, WIDE + SIDE), (0, 0, WIDE, TALL)),
        },
        chart=chart,
        view_of=lambda surface, condition, **_: terrain.view(
            surface_of(surface, _known(surface, condition)), WIDE, TALL
        ),
        title='"Second order, then gradient descent": what the second derivatives change',
        description="All four know the same gradient; three pay for the Hessian. One ignores it, "
        "one lets it choose the length of the step, one lets it choose the direction. Drag the "
        "start onto an axis of the ellipses: when are they all the same?",
        format="png",
    )
