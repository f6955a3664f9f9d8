"""The explorer "association": which detection continues which track, decided before your eyes.

`draw` is pure: crowd, motion model and dials make a tracker's run through all frames (kept for the
next frame), the frame number picks what it decided there. The left shows predictions and
detections in the picture, the right the same decision as a table.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import motion, overlay
from tracklab.datasets import Crowd, crowd
from tracklab.explorers.controls import Choice, Control, Play, Seed, Slider
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.metrics import multi
from tracklab.trackers.association import GATE_99
from tracklab.trackers.sort import LEAST, PATIENCE, Decided, SortTracker
from tracklab.tracks import Tracks

FRAMES, OBJECTS = 60, 6
SIZE = (192, 192)
SIDES, SPEEDS = (26.0, 48.0), (1.5, 4.5)  # pixels; pixels a frame
MISSES, FALSE_ALARMS = 0.05, 0.1
KEPT = 64  # runs
FIRST_SAMPLE, FIRST_FRAME = 26, 34  # a track that was hidden for long is found again
MODEL, NOISE = "kalman", 0.05
TRAIL = 8  # frames of the past that are drawn

SCALE = 2
ROOM = SCALE * SIZE[0]  # pixels: side of the field
GAP, TOP, SIDE = 14, 24, 376  # pixels: between, titles, width of the tables
NAMES, FATES = 38, 106  # pixels of a row: its identity, and what became of it
ROW, CELL = 19, 36  # pixels: height of a row, most that a column is wide
MOST_ROWS, MOST_LEFT, MOST_COLUMNS = 9, 4, 8  # of the tables
LETTERS = "abcdefghijklmnopqrstuvwxyz"

INK, PAPER = (40, 40, 40), (255, 255, 255)
SHADE, RULE, PALE = (212, 212, 212), (225, 225, 225), (110, 110, 110)
GROUND = (44, 46, 50)  # dark, so that every identity's colour is seen
THERE, EDGE = (74, 77, 82), (112, 116, 122)  # what is there, and the tracker never sees
CHOSEN, FALL = (0, 90, 150), (178, 60, 0)  # blue and vermilion, dark enough for text on white
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.4

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Fate:
    """What one frame made of a track or a detection.

    pairs: `{track: (detection, "overlap" or "distance")}`. born: `{detection: track}`. unseen: by
    track, for how many frames it was not seen, this one among them. died: tracks that ended.
    unproved: tracks that are followed and not reported yet, or were dropped before they were.
    """

    pairs: dict[int, tuple[int, str]]
    born: dict[int, int]
    unseen: dict[int, int]
    died: tuple[int, ...]
    unproved: frozenset[int]


@dataclass(frozen=True)
class Run:
    """A crowd, and what the tracker decided in each of its frames; identity switches by frame."""

    crowd: Crowd
    decided: tuple[Decided, ...]
    fates: tuple[Fate, ...]
    switches: tuple[multi.Switch, ...]


@functools.lru_cache(KEPT)
def run(model: str, least: float, patience: int, noise: float, seed: int) -> Run:
    """Take a tracker through a crowd, and say of each frame what became of whom."""
    made = crowd(
        OBJECTS,
        FRAMES,
        seed=seed,
        size=SIZE,
        side=SIDES,
        speed=SPEEDS,
        noise=noise,
        misses=MISSES,
        false_alarms=FALSE_ALARMS,
    )
    tracker = SortTracker(model, size=SIZE, least=least, patience=patience)
    decided: list[Decided] = []
    fates: list[Fate] = []
    tracks: list[Tracks] = []
    for found in made.detections:
        tracks.append(tracker.update(found))
        one = tracker.decided
        assert one is not None
        decided.append(one)
        fates.append(_fate(one))
    switches = multi.cover(made.truth, tracks).switches
    return Run(made, tuple(decided), tuple(fates), tuple(switches))


def _fate(one: Decided) -> Fate:
    ids = one.ids.tolist()
    pairs = {ids[row]: (int(column), "overlap") for row, column in one.overlap.pairs.tolist()}
    rows, columns = one.left
    for row, column in one.distance.pairs.tolist():
        pairs[ids[rows[row]]] = (int(columns[column]), "distance")
    taken = {column for column, _ in pairs.values()}
    free = [column for column in range(len(one.found)) if column not in taken]
    return Fate(
        pairs,
        dict(zip(free, one.born.tolist(), strict=True)),
        dict(zip(ids, one.unseen.tolist(), strict=True)),
        tuple(one.died.tolist()),
        frozenset(one.unproved.tolist()),
    )


def draw(
    *, frame: int, model: str, least: float, patience: int, noise: float, seed: int
) -> Drawing:
    """One frame: who was expected where, what was found, and what was put together."""
    seen = run(model, round(least, 3), patience, round(noise, 3), seed)
    one, fate = seen.decided[frame], seen.fates[frame]
    switches = [s for s in seen.switches if s.frame <= frame]
    numbers = {
        "tracks predicted": len(one.ids),
        "detections": len(one.found),
        "by overlap": len(one.overlap.pairs),
        "by distance": len(one.distance.pairs),
        "not seen": len(one.ids) - len(fate.pairs),
        "born": len(fate.born),
        "ended": len(fate.died),
        "identity switches so far": len(switches),
    }
    sheet = np.full((TOP + ROOM, ROOM + GAP + SIDE, 3), PAPER, np.uint8)
    _write(sheet, "dashed: predicted   white: detected   grey: what is there", 1, TOP - 9)
    sheet[TOP:, :ROOM] = _field(seen, frame)
    sheet[:, ROOM + GAP :] = _tables(one, fate, round(least, 3))
    settings = f"{model}, IoU from {least:.2f}, patience {patience}"
    return Drawing(sheet, _words(seen, frame, settings, switches), numbers)


def letter(column: int) -> str:
    """The name of a detection: a, b, ..., z, a2, b2, ..."""
    lap, place = divmod(column, len(LETTERS))
    return LETTERS[place] + (str(lap + 1) if lap else "")


def apart(one: Decided) -> NDArray[np.float64]:
    """Distances of the second table `(rows, columns)` in standard deviations."""
    rows, columns = one.left
    step = bx.centers(one.found.boxes[columns])[None] - bx.centers(one.predicted[rows])[:, None]
    ratio = step / np.maximum(one.deviations[rows], 1e-6)[:, None]
    return np.asarray(np.hypot(ratio[..., 0], ratio[..., 1]), np.float64)


def _field(seen: Run, frame: int) -> Picture:
    """Predictions with how far off they may be, detections, and a line for each pair."""
    one, fate = seen.decided[frame], seen.fates[frame]
    picture = np.full((ROOM, ROOM, 3), GROUND, np.uint8)
    for box in seen.crowd.truth.boxes[frame]:  # those before others stand later in the list
        if np.isfinite(box).all():
            x1, y1, x2, y2 = _whole(box)
            cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), THERE, -1)
            cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), EDGE, 1)
    ids = one.ids.tolist()
    middles = bx.centers(one.predicted)
    veil = picture.copy()
    rings = []
    for k, middle, deviation in zip(ids, middles, one.deviations, strict=True):
        at, axes = _point(middle), _point(np.sqrt(GATE_99) * deviation)
        cv2.ellipse(veil, at, axes, 0, 0, 360, overlay.color_of(k), -1, cv2.LINE_AA)
        rings.append((k, at, axes))
    picture = np.asarray(cv2.addWeighted(veil, 0.3, picture, 0.7, 0), np.uint8)
    for k, at, axes in rings:
        if fate.unseen[k]:
            cv2.ellipse(picture, at, axes, 0, 0, 360, overlay.color_of(k), 1, cv2.LINE_AA)
    labels = [f"{k} ended" if k in fate.died else str(k) for k in ids]
    if ids:
        picture = overlay.draw(
            picture,
            one.predicted * np.float32(SCALE),
            labels=labels,
            trails=[_trail(seen, frame, k) for k in ids],
            colors=[overlay.color_of(k) for k in ids],
            dashed=True,
            thickness=2,
        )
    for box in one.found.boxes:
        x1, y1, x2, y2 = _whole(box)
        cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), PAPER, 1)
    found = bx.centers(one.found.boxes)
    for row, k in enumerate(ids):
        if k in fate.pairs:
            start, end = _point(middles[row]), _point(found[fate.pairs[k][0]])
            cv2.line(picture, start, end, INK, 6, cv2.LINE_AA)
            cv2.line(picture, start, end, PAPER, 3, cv2.LINE_AA)
            cv2.circle(picture, start, 6, INK, -1, cv2.LINE_AA)
            cv2.circle(picture, start, 5, overlay.color_of(k), -1, cv2.LINE_AA)
    for column, middle in enumerate(found):
        new = fate.born.get(column)
        text = letter(column) if new is None else f"{letter(column)}: new {new}"
        _plate(picture, text, _point(middle), FALL if new is not None else INK)
    return picture


def _trail(seen: Run, frame: int, k: int) -> NDArray[np.float32]:
    """Where a track was expected in the frames before, up to this one; `(K, 2)` drawn pixels."""
    points = []
    for one in seen.decided[max(0, frame - TRAIL) : frame + 1]:
        row = np.flatnonzero(one.ids == k)
        if len(row):
            points.append(bx.centers(one.predicted[row[0]]) * np.float32(SCALE))
    return np.array(points, np.float32).reshape(-1, 2)


def _tables(one: Decided, fate: Fate, least: float) -> Picture:
    """The gains of both associations, shaded where the gate is shut, framed where a pair is."""
    sheet = np.full((TOP + ROOM, SIDE, 3), PAPER, np.uint8)
    _write(sheet, f"1. Overlap: IoU. Shaded: below {least:.2f}", 0, TOP - 9)
    ids = one.ids.tolist()
    if not ids:
        said = "Nobody is followed yet." if len(one.found) else "Nothing is followed or found."
        _write(sheet, said, 0, TOP + 14)
        if len(one.found):
            _write(sheet, "Each detection begins a track.", 0, TOP + 34)
        return sheet
    texts = [[f"{gain:.2f}"[-3:] if gain < 1 else "1" for gain in row] for row in one.overlap.gains]
    bottom = _table(
        sheet,
        TOP,
        MOST_ROWS,
        ids,
        list(range(len(one.found))),
        texts,
        one.overlap,
        {k: _fate_of(k, fate) for k in ids},
        {c: f"new {fate.born[c]}" for c in fate.born},
    )
    rows, columns = one.left
    if len(rows) and len(columns):
        y = max(bottom + 26, TOP + ROOM - (MOST_LEFT + 3) * ROW)
        _write(sheet, "2. Not seen before: distance in deviations", 0, y)
        far = [[f"{d:.1f}" if d < 9.95 else ">9" for d in row] for row in apart(one)]
        left = [ids[row] for row in rows]
        notes = {k: "found again" for k in left if fate.pairs.get(k, (0, ""))[1] == "distance"}
        _table(sheet, y + 8, MOST_LEFT, left, columns.tolist(), far, one.distance, notes, {})
    return sheet


def _table(
    sheet: Picture,
    y: int,
    most: int,
    ids: list[int],
    columns: list[int],
    texts: list[list[str]],
    step: Any,
    notes: dict[int, str],
    feet: dict[int, str],
) -> int:
    """One table from `y` down; gives back where it ends."""
    # where there are too many: first those that a detection continues, then those that one could
    rank = step.allowed.any(1).astype(int)
    rank[step.pairs[:, 0]] = 2
    order = np.argsort(-rank, kind="stable")[:most]
    kept = np.sort(order).tolist()
    shown, wide = [ids[i] for i in kept], columns[:MOST_COLUMNS]
    cell = min(CELL, (SIDE - NAMES - FATES) // max(1, len(wide)))
    chosen = {(int(i), int(j)) for i, j in step.pairs}
    for j, column in enumerate(wide):
        _middle(sheet, letter(column), NAMES + j * cell, y, cell, INK)
    for i, (row, k) in enumerate(zip(kept, shown, strict=True)):
        top = y + (i + 1) * ROW
        cv2.rectangle(sheet, (0, top + 3), (9, top + ROW - 4), overlay.color_of(k), -1)
        cv2.rectangle(sheet, (0, top + 3), (9, top + ROW - 4), INK, 1)
        _write(sheet, str(k), 13, top + 14)
        for j in range(len(wide)):
            x = NAMES + j * cell
            allowed = bool(step.allowed[row, j])
            corners = (x, top), (x + cell - 1, top + ROW - 1)
            cv2.rectangle(sheet, *corners, PAPER if allowed else SHADE, -1)
            cv2.rectangle(sheet, *corners, RULE, 1)
            _middle(sheet, texts[row][j], x, top, cell, INK if allowed else PALE)
            if (row, j) in chosen:
                cv2.rectangle(sheet, (x + 1, top + 1), (x + cell - 2, top + ROW - 2), CHOSEN, 2)
        note = notes.get(k, "")
        shade = FALL if "ended" in note else CHOSEN if note == "found again" else INK
        _write(sheet, note, NAMES + len(wide) * cell + 6, top + 14, shade)
    end = y + (len(shown) + 1) * ROW
    for j, column in enumerate(wide):
        if column in feet:
            _middle(sheet, feet[column].replace("new ", "+"), NAMES + j * cell, end, cell, FALL)
    if any(column in feet for column in wide):
        _write(sheet, "+ new track", NAMES + len(wide) * cell + 6, end + 14, FALL)
        end += ROW
    hidden = [f"{len(ids) - most} more tracks"] if len(ids) > most else []
    if len(columns) > MOST_COLUMNS:
        hidden.append(f"{len(columns) - MOST_COLUMNS} more detections")
    if hidden:
        _write(sheet, "and " + ", ".join(hidden), 0, end + 14, PALE)
        end += ROW
    return end


def _fate_of(k: int, fate: Fate) -> str:
    """What became of a track in this frame, in two words."""
    if k in fate.died:
        return "ended" if k not in fate.unproved else "unproved, ended"
    if k in fate.pairs:
        column, how = fate.pairs[k]
        proof = ", not proved" if k in fate.unproved else ""
        return f"is {letter(column)}{proof}" if how == "overlap" else f"is {letter(column)}, see 2."
    return f"unseen for {fate.unseen[k]}"


def _words(seen: Run, frame: int, settings: str, switches: list[multi.Switch]) -> str:
    """What the picture shows, to somebody who does not see it."""
    one, fate = seen.decided[frame], seen.fates[frame]
    ids = one.ids.tolist()
    count = len(one.found)
    letters = f": {letter(0)} to {letter(count - 1)}" if count > 1 else ""
    said = (
        f"Frame {frame} of 0 to {FRAMES - 1} ({settings}). {_many(len(ids), 'track')} predicted, "
    )
    said += f"{_many(count, 'detection')}{letters}."
    near = {k: row for row, k in enumerate(ids)}
    by_overlap = [
        f"{k} is {letter(c)} (IoU {one.overlap.gains[near[k], c]:.2f})"
        for k, (c, how) in fate.pairs.items()
        if how == "overlap"
    ]
    rows, columns = one.left
    far = apart(one)
    by_distance = [
        f"{ids[rows[i]]} is {letter(int(columns[j]))} ({far[i, j]:.1f} deviations)"
        for i, j in one.distance.pairs.tolist()
    ]
    said += f" By overlap: {', '.join(by_overlap)}." if by_overlap else ""
    said += f" Found again by distance: {', '.join(by_distance)}." if by_distance else ""
    lost = [
        f"{k} ({_many(fate.unseen[k], 'frame')})"
        for k in ids
        if k not in fate.pairs and k not in fate.died
    ]
    said += f" Not seen: {', '.join(lost)}." if lost else ""
    born = [f"{k} from {letter(c)}" for c, k in fate.born.items()]
    said += f" Born: {', '.join(born)}." if born else ""
    died = [f"{k}{' before it was proved' if k in fate.unproved else ''}" for k in fate.died]
    said += f" Ended: {', '.join(died)}." if died else ""
    for switch in switches:
        if switch.frame == frame:
            said += f" Identity switch: an object was track {switch.before} and is {switch.after}."
    return f"{said} Identity switches so far: {len(switches)}."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _point(point: Any) -> tuple[int, int]:
    x, y = np.rint(np.clip(point, -999, 999) * SCALE).astype(int).tolist()
    return x, y


def _whole(box: Any) -> list[int]:
    rounded: list[int] = np.rint(box * np.float32(SCALE)).astype(int).tolist()
    return rounded


def _plate(picture: Picture, text: str, at: tuple[int, int], color: Any) -> None:
    """Text on white, at the lower right of a point, inside the picture."""
    (wide, tall), _ = cv2.getTextSize(text, FONT, 0.45, 1)
    x = int(np.clip(at[0] + 8, 2, ROOM - wide - 4))
    y = int(np.clip(at[1] + tall + 8, tall + 4, ROOM - 5))
    cv2.rectangle(picture, (x - 3, y - tall - 3), (x + wide + 2, y + 4), PAPER, -1)
    cv2.rectangle(picture, (x - 3, y - tall - 3), (x + wide + 2, y + 4), color, 1)
    cv2.putText(picture, text, (x, y), FONT, 0.45, color, 1, cv2.LINE_AA)


def _middle(sheet: Picture, text: str, x: int, y: int, wide: int, color: Any) -> None:
    (long, _), _ = cv2.getTextSize(text, FONT, FONT_SIZE, 1)
    _write(sheet, text, x + max(0, (wide - long) // 2), y + 14, color)


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, color, 1, cv2.LINE_AA)


def association(*, seed: int = FIRST_SAMPLE, **settings: Any) -> Explorer:
    """The explorer of association, frame by frame.

    seed, settings: where the controls begin: `frame`, `model`, `least`, `patience`, `noise`. Raises
    `InputError` for settings that are none, and for values beyond their ends.
    """
    controls: dict[str, Control] = {
        "frame": Play("Frame", FRAMES, fps=4, default=FIRST_FRAME),
        "model": Choice("Motion model", motion.NAMES, MODEL),
        "least": Slider("Least overlap", 0.0, 0.9, LEAST, 0.05),
        "patience": Slider("Patience", 0, 30, PATIENCE, unit="frames"),
        "noise": Slider("Noise", 0.0, 0.3, NOISE, 0.01),
        "seed": Seed("Crowd", seed, button="New crowd"),
    }
    explorer = Explorer(
        "association",
        draw,
        controls,
        title="Association: which detection continues which track?",
        description="Walk on frame by frame: whom does the table put together, who is not seen, "
        "who is born? Then take away the motion model, the patience or the overlap, and watch who "
        "loses their number.",
        format="png",
    )
    if settings:
        explorer.set(**settings)
    return explorer
