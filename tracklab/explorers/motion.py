"""The explorer "motion": one object passes behind something; what each estimator says meanwhile.

`draw` is pure: motion, noise, gap and sample make the object's way and six estimators' runs along
it (kept for the next frame), the frame number picks from them. The recurrent ones step in NumPy.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import motion as models
from tracklab.explorers.controls import Choice, Play, Seed, Slider
from tracklab.explorers.shell import Drawing, Explorer

FRAMES = 60
HIDDEN_FROM = 24  # the first frame in which nothing is seen: until then a filter has settled
LONGEST = 24  # frames hidden, at most: some are left to see it return
SPEED, SIDE = 3.5, (34.0, 38.0)  # pixels a frame; pixels of the longer side of the box
MOST_NOISE = 0.3  # of the box's side: three times what the networks have seen in training
FIRST_SAMPLE = 3  # it turns while it is hidden
FIRST_GAP, FIRST_NOISE = 16, 0.08
KEPT = 64  # samples: 20 kB each
DEVIATIONS = 2.0  # an ellipse reaches so far: 86 of 100 truths lie inside, if it is right

# By name in `motion.NAMES`: what it is called here, its colour (Okabe and Ito), its dashes.
ESTIMATORS: dict[str, tuple[str, tuple[int, int, int], tuple[int, int]]] = {
    "none": ("held", (110, 110, 110), (1, 3)),
    "constant velocity": ("last step", (178, 92, 138), (6, 4)),
    "kalman": ("Kalman", (0, 114, 178), (18, 5)),
    "rnn": ("SimpleRNN", (190, 120, 0), (3, 3)),
    "gru": ("GRU", (0, 138, 100), (9, 3)),
    "lstm": ("LSTM", (205, 84, 0), (1, 0)),
}

PANEL, TITLE, GAP = 228, 20, 10  # pixels: side of a panel, above it, between
COLUMNS = 3
WIDTH = COLUMNS * PANEL + (COLUMNS - 1) * GAP
STRIP, NAMES_WIDTH = 158, 168  # pixels: height of the curves, room for their names
CEILING = 80.0  # pixels of error: the top of the curves' axis
SCALE = PANEL / models.PICTURE[0]
FINE = 4  # bits of a pixel's fraction
INK, PAPER, PALE, RULE = (40, 40, 40), (255, 255, 255), (190, 190, 190), (226, 226, 226)
SHADE, CROSS = (240, 240, 240), (120, 120, 120)
FONT, FONT_SIZE, HEAD_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0.37

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Followed:
    """One object over `FRAMES` frames, and what each estimator made of it.

    boxes `(T, 4)`, truth `(T, 2)`: true boxes and their centres; speed `(T,)`, pixels a frame.
    detected: `(T, 2)` centres, NaN where nothing was detected.
    centers, deviations: by estimator, `(T, 2)`. errors: by estimator, `(T,)` pixels.
    """

    boxes: Floats
    truth: Floats
    speed: Floats
    detected: Floats
    centers: dict[str, Floats]
    deviations: dict[str, Floats]
    errors: dict[str, Floats]


@functools.cache
def estimator(name: str) -> models.MotionModel:
    """A motion model that knows the walls of the picture; read once."""
    return models.create(name, models.PICTURE)


@functools.lru_cache(KEPT)
def follow(motion: str, noise: float, gap: int, seed: int) -> Followed:
    """One object that moves so, its detections with a gap, and every estimator's run."""
    seen = models.observe(
        1,
        FRAMES,
        seed=seed,
        part="test",
        motions=motion,
        speed=SPEED,
        side=SIDE,
        noise=noise,
        misses=0.0,
    )
    detections = seen.detections.copy()
    detections[HIDDEN_FROM : HIDDEN_FROM + gap] = np.nan
    truth = bx.centers(seen.boxes)[:, 0]
    runs = {name: models.run(estimator(name), detections) for name in ESTIMATORS}
    centers = {name: bx.centers(run.boxes)[:, 0] for name, run in runs.items()}
    return Followed(
        seen.boxes[:, 0],
        truth,
        np.hypot(*seen.velocities[:, 0].T),
        bx.centers(detections)[:, 0],
        centers,
        {name: run.deviations[:, 0] for name, run in runs.items()},
        {name: np.hypot(*(place - truth).T) for name, place in centers.items()},
    )


def draw(*, motion: str, noise: float, gap: int, frame: int, seed: int) -> Drawing:
    """Six panels, one an estimator, up to this frame; below them all errors over all frames."""
    found = follow(motion, round(noise, 3), gap, seed)
    hidden = _hidden(frame, gap)
    panels = [_panel(found, name, frame, hidden) for name in ESTIMATORS]
    height = panels[0].shape[0]
    above = np.full((2 * height + GAP, WIDTH, 3), PAPER, np.uint8)
    for k, panel in enumerate(panels):
        top, left = k // COLUMNS * (height + GAP), k % COLUMNS * (PANEL + GAP)
        above[top : top + height, left : left + PANEL] = panel
    sheet = np.concatenate([above, _strip(found, frame, gap)])
    numbers: dict[str, Any] = {
        f"{label} (px off)": float(found.errors[name][frame])
        for name, (label, *_) in ESTIMATORS.items()
    }
    return Drawing(sheet, _words(found, motion, noise, gap, frame, hidden), numbers)


def _hidden(frame: int, gap: int) -> int:
    """For how many frames the object has been hidden, this one included; 0 where it is seen."""
    return frame - HIDDEN_FROM + 1 if HIDDEN_FROM <= frame < HIDDEN_FROM + gap else 0


def _words(found: Followed, motion: str, noise: float, gap: int, frame: int, hidden: int) -> str:
    """What the picture shows, to somebody who does not see it."""
    if hidden:
        state = f"hidden for {hidden} of {gap} frames"
    elif frame < HIDDEN_FROM:
        state = f"seen so far, hidden from frame {HIDDEN_FROM} on" if gap else "never hidden"
    else:
        state = f"seen again after {gap} frames" if gap else "never hidden"
    ranked = sorted(ESTIMATORS, key=lambda name: float(found.errors[name][frame]))
    told = ", ".join(f"{ESTIMATORS[name][0]} {found.errors[name][frame]:.1f}" for name in ranked)
    outside = [ESTIMATORS[name][0] for name in ESTIMATORS if not _inside(found, name, frame)]
    trust = (
        f"The truth is outside the ellipse of {', '.join(outside)}."
        if outside
        else "The truth is inside every ellipse."
    )
    return (
        f"Frame {frame} of 0 to {FRAMES - 1}, {motion}, noise {noise:.2f} of the box: {state}. The "
        f"object moves at {found.speed[frame]:.1f} pixels a frame. Pixels off, least first: "
        f"{told}. {trust}"
    )


def _inside(found: Followed, name: str, frame: int) -> bool:
    """Whether the truth lies within the ellipse that is drawn."""
    off = (found.truth[frame] - found.centers[name][frame]) / found.deviations[name][frame]
    return bool(np.square(off).sum() <= DEVIATIONS**2)


def _panel(found: Followed, name: str, frame: int, hidden: int) -> Picture:
    """The picture with the truth, and one estimator's way and doubt up to this frame."""
    label, color, _ = ESTIMATORS[name]
    sheet = np.full((PANEL, PANEL, 3), PAPER, np.uint8)
    cv2.rectangle(sheet, (0, 0), (PANEL - 1, PANEL - 1), PALE, 1)
    _way(sheet, found.truth[frame:], PALE, 1)
    center, spread = found.centers[name][frame], found.deviations[name][frame]
    _ellipse(sheet, center, spread, color)
    _way(sheet, found.truth[: frame + 1], INK, 1)
    for point in found.detected[: frame + 1]:
        if np.isfinite(point).all():
            x, y = _place(point)
            at = x >> FINE, y >> FINE
            cv2.drawMarker(sheet, at, CROSS, cv2.MARKER_TILTED_CROSS, 6)
    _way(sheet, found.centers[name][: frame + 1], color, 2)
    unseen = np.isnan(found.detected[: frame + 1, 0])
    for point in found.centers[name][: frame + 1][unseen]:
        cv2.circle(sheet, _place(point), 2 << FINE, PAPER, -1, cv2.LINE_AA, FINE)
        cv2.circle(sheet, _place(point), 2 << FINE, color, 1, cv2.LINE_AA, FINE)
    _box(sheet, found.boxes[frame], INK, hidden > 0)
    cv2.circle(sheet, _place(found.truth[frame]), 3 << FINE, INK, -1, cv2.LINE_AA, FINE)
    cv2.circle(sheet, _place(center), 5 << FINE, PAPER, -1, cv2.LINE_AA, FINE)
    cv2.circle(sheet, _place(center), 5 << FINE, color, 2, cv2.LINE_AA, FINE)
    head = np.full((TITLE, PANEL, 3), PAPER, np.uint8)
    expected = float(np.hypot(*spread))
    told = f"{label} {found.errors[name][frame]:.1f} px off, expects {expected:.1f}"
    _write(head, told, 1, 14, color, HEAD_SIZE)
    return np.concatenate([head, sheet])


def _ellipse(sheet: Picture, center: Floats, spread: Floats, color: Any) -> None:
    """Where the object is, in the estimator's belief: two deviations each way."""
    reach = np.minimum(DEVIATIONS * spread * SCALE, 4 * PANEL)
    axes = tuple(max(1, round(float(r) * (1 << FINE))) for r in reach)
    shaded = sheet.copy()
    cv2.ellipse(shaded, _place(center), axes, 0, 0, 360, color, -1, cv2.LINE_AA, FINE)
    cv2.addWeighted(shaded, 0.18, sheet, 0.82, 0, sheet)
    cv2.ellipse(sheet, _place(center), axes, 0, 0, 360, color, 1, cv2.LINE_AA, FINE)


def _way(sheet: Picture, points: Floats, color: Any, thick: int) -> None:
    if len(points) > 1:
        places = np.array([_place(point) for point in points], np.int32)
        cv2.polylines(sheet, [places], False, color, thick, cv2.LINE_AA, FINE)


def _box(sheet: Picture, box: Floats, color: Any, dashed: bool) -> None:
    """The true box; dashed where it is hidden."""
    x1, y1, x2, y2 = (box * SCALE).tolist()
    ring = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)])
    for a, b in pairwise(ring):
        pieces = 9 if dashed else 1
        ends = np.linspace(a, b, pieces + 1)
        for start, stop in list(pairwise(ends))[::2]:
            first, last = (tuple(round(float(v)) for v in end) for end in (start, stop))
            cv2.line(sheet, first, last, color, 1, cv2.LINE_AA)


def _strip(found: Followed, frame: int, gap: int) -> Picture:
    """Every estimator's error over the frames, the gap in grey, and this frame as a line."""
    sheet = np.full((STRIP, WIDTH, 3), PAPER, np.uint8)
    left, right, top, bottom = 30, WIDTH - NAMES_WIDTH, 26, STRIP - 22

    def at(t: float, error: float) -> tuple[int, int]:
        x = left + (right - left) * t / (FRAMES - 1)
        y = bottom - (bottom - top) * min(float(error), CEILING) / CEILING
        return round(x * (1 << FINE)), round(y * (1 << FINE))

    if gap:
        begin, end = at(HIDDEN_FROM - 0.5, 0)[0] >> FINE, at(HIDDEN_FROM + gap - 0.5, 0)[0] >> FINE
        cv2.rectangle(sheet, (begin, top), (end, bottom), SHADE, -1)
        _write(sheet, "hidden", begin + 3, top + 12, (105, 105, 105))
    for level in range(0, int(CEILING) + 1, 20):
        y = at(0, level)[1] >> FINE
        cv2.line(sheet, (left, y), (right, y), RULE, 1)
        _write(sheet, f"{level}", 6 if level else 14, y + 4)
    for t in range(0, FRAMES, 10):
        _write(sheet, f"{t}", (at(t, 0)[0] >> FINE) - 6, STRIP - 8)
    now = at(frame, 0)[0] >> FINE
    cv2.line(sheet, (now, top), (now, bottom), INK, 1)
    for name, (_, color, dashes) in ESTIMATORS.items():
        places = np.array([at(t, e) for t, e in enumerate(found.errors[name])], float)
        for piece in _dashed(places / (1 << FINE), *dashes):
            line = np.round(piece * (1 << FINE)).astype(np.int32)
            cv2.polylines(sheet, [line], False, color, 2, cv2.LINE_AA, FINE)
    _write(sheet, "pixels off, frame by frame", left, 14)
    _names(sheet, found, frame, right + 12, top)
    return sheet


def _names(sheet: Picture, found: Followed, frame: int, left: int, top: int) -> None:
    """The curves' names, the largest error on top, each with its line and its number."""
    ranked = sorted(ESTIMATORS, key=lambda name: -float(found.errors[name][frame]))
    _write(sheet, f"in frame {frame}:", left, 14)
    for k, name in enumerate(ranked):
        label, color, dashes = ESTIMATORS[name]
        y = top + 10 + 19 * k
        places = np.stack([np.linspace(left, left + 26, 27), np.full(27, y - 4.0)], axis=-1)
        for piece in _dashed(places, *dashes):
            cv2.polylines(sheet, [np.round(piece).astype(np.int32)], False, color, 2)
        _write(sheet, f"{label} {found.errors[name][frame]:.1f}", left + 32, y, color)


def _dashed(points: NDArray[Any], on: int, off: int) -> list[NDArray[Any]]:
    """A line `(K, 2)` in pieces, `on` pixels drawn and `off` left out; in one piece if off is 0."""
    if not off:
        return [points]
    steps = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    pieces = []
    for start in np.arange(0, way[-1], on + off):
        ends = np.minimum([start, start + on / 2, start + on], way[-1])
        pieces.append(np.stack([np.interp(ends, way, points[:, k]) for k in (0, 1)], axis=-1))
    return pieces


def _place(point: Any) -> tuple[int, int]:
    """A point of the picture in a panel, in fractions of a pixel; none is too far to be drawn."""
    x, y = np.clip(np.asarray(point, float) * SCALE, -PANEL, 2 * PANEL)
    return round(float(x) * (1 << FINE)), round(float(y) * (1 << FINE))


def _write(
    sheet: Picture, text: str, x: int, y: int, color: Any = INK, size: float = FONT_SIZE
) -> None:
    cv2.putText(sheet, text, (x, y), FONT, size, color, 1, cv2.LINE_AA)


def motion(motion: str = "turning", *, seed: int = FIRST_SAMPLE) -> Explorer:
    """The explorer: how the object moves, how noisy it is seen, how long it is hidden, the frame.

    Raises `InputError` for a motion that is none, or a seed that is none.
    """
    return Explorer(
        "motion",
        draw,
        {
            "motion": Choice("Object's motion", models.MIXED, motion),
            "noise": Slider("Noise", 0.0, MOST_NOISE, FIRST_NOISE, 0.02, "boxes"),
            "gap": Slider("Gap", 0, LONGEST, FIRST_GAP, 1, "frames"),
            "frame": Play("Frame", FRAMES, default=HIDDEN_FROM + FIRST_GAP - 1),
            "seed": Seed("Sample", seed),
        },
        title="Motion: where each estimator believes a hidden object to be",
        description="Black is the truth (its box dashed while hidden), grey crosses are "
        "detections, hollow points guesses without one; an ellipse reaches two deviations. Play "
        "through the gap, then change the motion. One sample proves nothing: try several.",
        format="png",
    )
