"""The explorer "newton": Newton's method against gradient descent, with the local quadratic drawn.

`draw` and `chart` are pure: surface, start, rate and damping make both ways (kept for the next
picture); the step picks the point at which value, gradient and Hessian are looked at.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import plots
from tracklab.explorers import terrain
from tracklab.explorers.controls import Choice, Play, Slider, Toggle
from tracklab.explorers.moving import Moving
from tracklab.explorers.on_map import OnMap
from tracklab.explorers.pad import Place, Spot
from tracklab.explorers.shell import Drawing, Explorer, Jump
from tracklab.optimizers import damped_newton, descent, problems, results, surfaces
from tracklab.optimizers.newton import newton_step

STEPS = 30
KEPT = 128
WIDE, TALL = 470, 350  # pixels, of the map
SIDE = 238  # pixels, of the words beside it
OFF, MOST = -3.0, 4.0  # ends of the damping's slider, powers of ten; at the lower one it is off
DAMPED, DESCENT = (0, 114, 178), (205, 84, 0)  # colours of the two methods
LOCAL = (0, 98, 72)  # of the local quadratic
LOWEST, HIGHEST = 1e-14, 1e4  # ends of the axis of losses

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

# By name: the surface, and a start from which something is to be seen, as words and a point.
STARTS: dict[str, dict[str, tuple[float, float]]] = {
    "rosenbrock": {"In the valley": (-1.2, 1.0), "On the slope": (-1.0, 2.6)},
    "quadratic": {"On the long axis": (-1.2, -1.0), "On the short axis": (0.1, 0.7)},
    "saddle": {"Near the pass": (0.4, 0.2), "On a slope": (1.0, 1.2)},
    "himmelblau": {"Near the top": (-0.6, -0.4), "In a bowl": (3.6, 2.4)},
    "beale": {"On the plateau": (1.0, 1.0), "Near the minimum": (2.6, 0.4)},
}
KEYS = "12"


@dataclass(frozen=True)
class Walk:
    """A method's way: points `(S + 1, 2)`, losses `(S + 1,)`; why it ended, in words."""

    points: Floats
    losses: Floats
    ended: str

    def at(self, step: int) -> Floats:
        """Where it was after a step; at its end, where it has ended."""
        return self.points[min(step, len(self.points) - 1)]


@functools.lru_cache(KEPT)
def surface_of(name: str) -> surfaces.Surface:
    """One of `STARTS`."""
    return surfaces.create(name)


@functools.lru_cache(KEPT)
def seen(name: str) -> terrain.View:
    """What of a surface is on the map."""
    return terrain.view(surface_of(name), WIDE, TALL)


@functools.lru_cache(KEPT)
def ground(name: str) -> Picture:
    """The map without any way."""
    sheet = terrain.ground(surface_of(name), seen(name))
    sheet.setflags(write=False)
    return sheet


@functools.lru_cache(KEPT)
def newtons_way(name: str, start: Place, damping: float, safe: bool) -> Walk:
    """Newton's method with a fixed damping, or with what `damped_newton` adds and searches."""
    surface, begin = surface_of(name), seen(name).point(start)
    if safe:
        limits = results.Limits(steps=STEPS)
        problem = problems.on_surface(surface, begin)
        found = damped_newton.damped_newton(problem, damping=damping, limits=limits)
        assert found.path is not None
        return Walk(found.path, found["loss"], _ended(surface, found.path, found["loss"]))
    points, losses = [begin], [float(surface.value(begin))]
    for _ in range(STEPS):
        gradient, hessian = surface.gradient(points[-1]), surface.hessian(points[-1])
        if np.abs(gradient).max() < 1e-10:
            break
        # (H + m I) p = -g
        step = newton_step(gradient, hessian + damping * np.eye(2))
        if step is None:
            return Walk(np.array(points), np.array(losses), "stops: no step exists")
        there = points[-1] + step
        loss = float(surface.value(there))
        if not np.isfinite(loss) or np.abs(there).max() > 1e6:
            return Walk(np.array(points), np.array(losses), "diverges")
        points.append(there)
        losses.append(loss)
    way, heights = np.array(points), np.array(losses)
    return Walk(way, heights, _ended(surface, way, heights))


@functools.lru_cache(KEPT)
def descents_way(name: str, start: Place, rate: float) -> Walk:
    """Gradient descent at `rate` times `terrain.safe_rate`."""
    surface, begin = surface_of(name), seen(name).point(start)
    limits = results.Limits(steps=STEPS, gradient=1e-10)
    step = rate * terrain.safe_rate(surface, seen(name), begin)
    found = descent.gradient_descent(problems.on_surface(surface, begin), step, limits=limits)
    assert found.path is not None
    gone = found.stopped == results.DIVERGED
    kept = np.isfinite(found["loss"])
    ended = "diverges" if gone else _ended(surface, found.path, found["loss"])
    return Walk(found.path[kept], found["loss"][kept], ended)


def kind(curvatures: Any) -> str:
    """What a quadratic of two curvatures, the smaller first, is."""
    low, high = (float(c) for c in curvatures)
    if abs(low) < 1e-9 * max(1.0, abs(high)):
        return "trough"
    return "bowl" if low > 0 else "dome" if high < 0 else "saddle"


def _ended(surface: surfaces.Surface, points: Floats, losses: Floats) -> str:
    """What a method has come to."""
    point = points[-1]
    if np.abs(surface.gradient(point)).max() > 1e-5:
        return "is on its way" if losses[-1] <= losses[0] else "is higher than at the start"
    found = kind(np.linalg.eigvalsh(surface.hessian(point)))
    ends = {"bowl": "a minimum", "saddle": "a saddle", "dome": "a maximum"}
    return f"ends in {ends.get(found, 'a flat place')}"


def draw(
    charts: Charts,
    *,
    surface: str,
    start: Place,
    step: int,
    damping: float,
    rate: float,
    safe: bool,
) -> Drawing:
    """The two panels: along Newton's step from where it is now, and losses over the steps."""
    known = surface_of(surface)
    added = 0.0 if damping <= OFF else 10.0**damping
    ours = newtons_way(surface, start, added, safe)
    theirs = descents_way(surface, start, round(rate, 3))
    here = ours.at(step)
    curvatures = np.linalg.eigvalsh(known.hessian(here))
    numbers = {
        "curvatures": " and ".join(f"{c:.3g}" for c in curvatures),
        "Newton: loss": float(ours.losses[min(step, len(ours.losses) - 1)]),
        "gradient descent: loss": float(theirs.losses[min(step, len(theirs.losses) - 1)]),
    }
    places = zip(STARTS[surface].items(), KEYS, strict=True)
    jumps = [
        Jump(label, "start", seen(surface).place(point), key) for (label, point), key in places
    ]
    return Drawing(
        charts.pixels(known, ours, theirs, step, added, safe),
        _words(known, start, surface, ours, theirs, step, added, safe),
        numbers,
        jumps=jumps,
    )


def step_at(surface: surfaces.Surface, here: Floats, damping: float, safe: bool) -> Floats | None:
    """The step from a point, before any line search."""
    gradient, hessian = surface.gradient(here), surface.hessian(here)
    if safe:
        return damped_newton.damped_step(gradient, hessian, damping)[0]
    return newton_step(gradient, hessian + damping * np.eye(2))


def _words(
    known: surfaces.Surface,
    start: Place,
    surface: str,
    ours: Walk,
    theirs: Walk,
    step: int,
    added: float,
    safe: bool,
) -> str:
    """What map and panels show, to somebody who does not see them."""
    begin, here = seen(surface).point(start), ours.at(step)
    curvatures = np.linalg.eigvalsh(known.hessian(here))
    lost = [walk.losses[min(step, len(walk.losses) - 1)] - known.lowest for walk in (ours, theirs)]
    damped = f" with {added:.3g} added to both, so that" if added else ":"
    which = "damped" if added else "local"
    said = [
        f"{surface.capitalize()}, start at ({begin[0]:.2f}, {begin[1]:.2f}), step {step}.",
        f"Newton{', safeguarded,' if safe else ''} is at ({here[0]:.2f}, {here[1]:.2f}), where the "
        "curvatures are "
        f"{curvatures[0]:.3g} and {curvatures[1]:.3g}{damped} the {which} quadratic is a "
        f"{kind(curvatures + added)}.",
    ]
    leap = step_at(known, here, added, safe)
    gradient = known.gradient(here)
    if leap is not None and np.abs(gradient).max() > 1e-10:
        way = "down" if gradient @ leap < 0 else "up"
        said.append(f"Its next step is {np.hypot(*leap):.2g} long and leads {way}hill at first.")
    said.append(
        f"Loss above the lowest: Newton {max(lost[0], 0):.2g}, gradient descent "
        f"{max(lost[1], 0):.2g}. In {STEPS} steps Newton {ours.ended}, gradient descent "
        f"{theirs.ended}."
    )
    return " ".join(said).replace("-0.00", "0.00")


def chart(
    *, surface: str, start: Place, step: int, damping: float, rate: float, safe: bool
) -> Picture:
    """The map: both ways up to a step, the local quadratic's lines of equal loss, the next step."""
    known, at = surface_of(surface), seen(surface)
    added = 0.0 if damping <= OFF else 10.0**damping
    ours = newtons_way(surface, start, added, safe)
    theirs = descents_way(surface, start, round(rate, 3))
    here = ours.at(step)
    sheet = ground(surface).copy()
    leap = step_at(known, here, added, safe)
    gradient, hessian = known.gradient(here), known.hessian(here)
    moving = leap is not None and np.abs(gradient).max() > 1e-10
    if moving and leap is not None:
        # m(d) = g . d + d . (H + m I) d / 2: the quadratic whose flat point is the next step
        terrain.local_contours(sheet, at, here, gradient, hessian + added * np.eye(2), LOCAL)
    terrain.way(sheet, at.pixels(theirs.points[: step + 1]), DESCENT)
    terrain.way(sheet, at.pixels(ours.points[: step + 1]), DAMPED)
    if moving and leap is not None:
        terrain.arrow(sheet, at.pixels(here), at.pixels(here + leap), DAMPED)
    beside = np.full((TALL, SIDE, 3), terrain.PAPER, np.uint8)
    _legend(beside, known, ours, theirs, step, added, safe)
    return np.concatenate([sheet, beside], axis=1)


def _legend(
    sheet: Picture,
    known: surfaces.Surface,
    ours: Walk,
    theirs: Walk,
    step: int,
    added: float,
    safe: bool,
) -> None:
    """What the lines are, and what is known of where Newton is."""
    here = ours.at(step)
    low, high = np.linalg.eigvalsh(known.hessian(here))
    left = 14
    for k, (name, color) in enumerate(
        (("Newton", DAMPED), ("gradient descent", DESCENT), ("local quadratic", LOCAL))
    ):
        y = 18 + 22 * k
        for x in range(left, left + 30, 6 if color == LOCAL else 30):
            width = 4 if color == LOCAL else 30
            terrain.way(
                sheet, np.array([[x, y - 4.0], [x + width, y - 4.0]]), color, dots=0, thick=2
            )
        terrain.write(sheet, name, left + 40, y, color)
    step_words = "with a line search" if safe else "as it is"
    lines = (
        "crosses: minima; ring: start,",
        "drag it",
        "",
        f"step {step}: Newton at",
        f"({here[0]:.2f}, {here[1]:.2f})".replace("-0.00", "0.00"),
        f"curvatures {low:.3g}, {high:.3g}:",
        f"a {kind([low + added, high + added])}" + (" with the damping" if added else ""),
        f"damping {added:.3g}, {step_words}" if added else f"no damping, {step_words}",
        "",
        f"Newton {ours.ended}",
        "gradient descent",
        f"{theirs.ended}",
    )
    for k, line in enumerate(lines):
        color = DAMPED if line.startswith("Newton ") else DESCENT if k >= 10 else terrain.INK
        terrain.write(sheet, line, left, 96 + 20 * k, color)


class Charts:
    """The two panels below the map, of which only the lines move."""

    def __init__(self) -> None:
        fig, axes = plots.figure(1, 2, width=(WIDE + SIDE) / 100, height=2.5, alt="Newton")
        with plots.style():
            self.figure = Moving(fig, self._panels(*axes))

    def _panels(self, left: Any, right: Any) -> list[Any]:
        blue, red, green = (tuple(c / 255 for c in color) for color in (DAMPED, DESCENT, LOCAL))
        left.axhline(0, color=plots.base.FAINT, lw=0.8)
        self.along = [
            left.plot([], [], color=plots.base.INK, lw=2.2)[0],
            left.plot([], [], color=green, lw=1.8, ls="--")[0],
            left.plot([], [], color=plots.base.FAINT, lw=1.4, ls=":")[0],
        ]
        self.ends = [
            left.plot([], [], "o", color=blue, ms=8, mec="w")[0],
            left.plot([], [], "o", color=green, ms=7, mfc="w")[0],
        ]
        left.set(
            title="Along Newton's next step",
            xlabel="share of the step",
            ylabel="loss, in promised changes",
            xlim=(-0.5, 2),
            ylim=(-2.2, 3.2),
        )
        left.legend(
            self.along, ["the loss", "local quadratic", "its slope"], loc="lower left", fontsize=8
        )
        self.losses = [
            right.plot([], [], "o-", color=blue, ms=3, lw=1.8)[0],
            right.plot([], [], "o-", color=red, ms=3, lw=1.8)[0],
        ]
        self.now = right.axvline(0, color=plots.base.INK, lw=1)
        right.set(
            title="Loss above the lowest",
            xlabel="steps",
            yscale="log",
            xlim=(-0.5, STEPS + 0.5),
            ylim=(LOWEST, HIGHEST),
        )
        right.legend(self.losses, ["Newton", "gradient descent"], loc="lower right", fontsize=8)
        self.over = left.text(
            *(0.5, 0.72, "no step from here"),
            transform=left.transAxes,
            ha="center",
        )
        return [*self.along, *self.ends, *self.losses, self.now, self.over]

    def pixels(
        self,
        known: surfaces.Surface,
        ours: Walk,
        theirs: Walk,
        step: int,
        added: float,
        safe: bool,
    ) -> Picture:
        """Both panels, `(H, W, 3)`."""
        here = ours.at(step)
        gradient, hessian = known.gradient(here), known.hessian(here) + added * np.eye(2)
        leap = step_at(known, here, added, safe)
        share = np.linspace(-0.5, 2, 101)
        with self.figure.lock:
            over = leap is None or np.abs(gradient).max() <= 1e-10
            self.over.set_visible(over)
            if leap is None or over:
                for line in (*self.along, *self.ends):
                    line.set_data([], [])
            else:
                slope, bent = float(gradient @ leap), float(leap @ hessian @ leap)
                # the quadratic promises |g . p| / 2
                unit = max(abs(slope) / 2, 1e-300)
                loss = float(known.value(here))
                true = (known.value(here + share[:, None] * leap) - loss) / unit
                for line, values in zip(
                    self.along,
                    (true, (share * slope + share**2 * bent / 2) / unit, share * slope / unit),
                    strict=True,
                ):
                    line.set_data(share, np.clip(values, -50, 50))
                end = (float(known.value(here + leap)) - loss) / unit
                self.ends[0].set_data([0, 1], np.clip([0, end], -50, 50))
                self.ends[1].set_data([1], [(slope + bent / 2) / unit])
            for line, walk in zip(self.losses, (ours, theirs), strict=True):
                above = np.clip(walk.losses - known.lowest, LOWEST, HIGHEST)
                line.set_data(np.arange(len(above)), above)
            self.now.set_xdata([step, step])
            return self.figure.pixels()


def newton(surface: str = "rosenbrock") -> Explorer:
    """The explorer: surface, start (dragged), step, damping and safeguards, rate.

    Raises `InputError` for a surface that is none.
    """
    first = next(iter(STARTS.get(surface, STARTS["rosenbrock"]).values()))
    at = seen(surface if surface in STARTS else "rosenbrock")
    return OnMap(
        "newton",
        functools.partial(draw, Charts()),
        {
            "surface": Choice("Surface", tuple(STARTS), surface),
            "damping": Slider("Damping: 10^", OFF, MOST, OFF, 0.25),
            "rate": Slider("Rate (safe: 1)", 0.1, 3.0, 1.0, 0.1),
            "safe": Toggle("Positive curvatures, line search"),
            "step": Play("Step", STEPS + 1, fps=3, default=1),
            "start": Spot("Start", at.place(first), (TALL, WIDE + SIDE), (0, 0, WIDE, TALL)),
        },
        chart=chart,
        view_of=lambda surface, **_: seen(surface),
        title="Newton's method: to where the local quadratic is flat",
        description="Dashed: the quadratic that value, gradient and Hessian make of the surface "
        "where Newton is; the arrow leads to its flat point. Drag the start towards a saddle or a "
        "top: where does Newton go? Then add damping, until it goes down again.",
        format="png",
    )
