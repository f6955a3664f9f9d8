"""The explorer "follow": a template tracker at work, frame by frame, in scenes of any difficulty.

`draw` is pure: difficulty, strength and sample make the clip and the tracker's run through it
(both kept for the next frame), the frame number picks from them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import overlay, scenes
from tracklab.clips import Clip
from tracklab.explorers.controls import Choice, Play, Seed, Slider
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.trackers.template import Sight, TemplateTracker

FRAMES = 40
SIZE = (128, 128)
SCALE = 3.0
KEPT = 32  # runs: 3 MB each
NONE = "none"
DIFFICULTIES = (NONE, *scenes.DIALS)
FIRST_SAMPLE = 7  # its object goes behind a pillar, is lost, and found again
FIRST_FRAME = 14  # something has been searched, and the object is about to hide
GOOD = 0.5  # overlap above which a box counts as on the object, as in the PASCAL VOC challenge

SIDE = 300  # pixels: the width of the column beside the frame
GAP = 8
GROUND, INK, PALE = (255, 255, 255), (34, 34, 34), (200, 200, 200)
TRUTH, FOUND, SCORE = (240, 228, 66), (0, 114, 178), (213, 94, 0)  # yellow, blue, vermillion
FOUND_ON_PICTURES = (86, 180, 233)  # sky blue: seen on any ground

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Run:
    """A clip with one object, and how the tracker fared in it, `T` frames.

    sights: what the tracker saw in each frame; None in the first.
    overlaps: `(T,)` with the truth; NaN where the object is not in the picture.
    """

    clip: Clip
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    velocities: NDArray[np.float32]
    sights: tuple[Sight | None, ...]
    overlaps: NDArray[np.float32]


@functools.lru_cache(KEPT)
def run(difficulty: str, strength: float, seed: int) -> Run:
    """Render a scene with one object and one difficulty, and take the template tracker through."""
    turned: dict[str, Any] = {} if difficulty == NONE else {difficulty: strength}
    scene = scenes.Scene("follow", seed, FRAMES, SIZE, objects=1, speed=(1.5, 3.0), **turned)
    clip = scene.render()
    assert clip.truth is not None
    truth = clip.truth.boxes[:, 0]
    first = int(np.flatnonzero(clip.truth.present[:, 0])[0])
    tracker = TemplateTracker()
    tracker.init(clip.frames[first], truth[first])
    boxes = [truth[first]] * (first + 1)
    scores, velocities = [1.0] * (first + 1), [np.zeros(2, np.float32)] * (first + 1)
    sights: list[Sight | None] = [None] * (first + 1)
    for frame in range(first + 1, FRAMES):
        state = tracker.update(clip.frames[frame])
        boxes.append(state.box)
        scores.append(state.score)
        velocities.append(state.velocity)
        sights.append(tracker.sight)
    found = bx.clip(np.array(boxes), *SIZE)
    overlaps = np.where(clip.truth.present[:, 0], np.diag(bx.iou(found, truth)), np.nan)
    return Run(
        clip,
        found,
        np.array(scores, np.float32),
        np.array(velocities, np.float32),
        tuple(sights),
        overlaps.astype(np.float32),
    )


def draw(*, difficulty: str, strength: float, frame: int, seed: int) -> Drawing:
    """The frame with truth, tracker and search window; beside it the response, and all overlaps."""
    seen = run(difficulty, round(strength, 3), seed)
    left = _frame(seen, frame)
    height = left.shape[0]
    top = _response(seen.sights[frame], (height - GAP) // 2)
    bottom = _curves(seen, frame, height - GAP - top.shape[0])
    between = np.full((GAP, SIDE, 3), GROUND, np.uint8)
    right = np.concatenate([top, between, bottom])
    rgb = np.concatenate([left, np.full((height, GAP, 3), GROUND, np.uint8), right], axis=1)
    overlap, score = float(seen.overlaps[frame]), float(seen.scores[frame])
    speed = float(np.hypot(*seen.velocities[frame]))
    good = int((seen.overlaps > GOOD).sum())
    numbers = {
        "overlap now (IoU)": overlap if np.isfinite(overlap) else "object not in the picture",
        "score": score,
        "speed (pixels a frame)": speed,
        "mean overlap of the clip": float(np.nanmean(seen.overlaps)),
        f"frames with IoU above {GOOD}": f"{good} of {int(np.isfinite(seen.overlaps).sum())}",
    }
    return Drawing(rgb, _words(seen, difficulty, strength, frame), numbers)


def _words(seen: Run, difficulty: str, strength: float, frame: int) -> str:
    """What the picture shows, in words."""
    overlap = seen.overlaps[frame]
    if not np.isfinite(overlap):
        where = "the object is not in the picture"
    elif overlap > GOOD:
        where = f"the tracker's box is on the object (IoU {overlap:.2f})"
    elif overlap > 0:
        where = f"the tracker's box touches the object (IoU {overlap:.2f})"
    else:
        where = "the tracker's box is not on the object (IoU 0)"
    what = (
        "an easy scene" if difficulty == NONE else f"{difficulty.replace('_', ' ')} {strength:.1f}"
    )
    lost = np.flatnonzero(np.nan_to_num(seen.overlaps, nan=1.0) <= GOOD)
    fate = (
        f"It first falls to {GOOD} or below in frame {lost[0]}."
        if lost.size
        else f"It stays above {GOOD} in every frame."
    )
    score = f"score {seen.scores[frame]:.2f}"
    return f"Frame {frame} of 0 to {FRAMES - 1}, {what}: {where}; {score}. {fate}"


def _frame(seen: Run, frame: int) -> Picture:
    """The frame, enlarged: truth dashed in yellow, tracker in blue, search window in white."""
    truth = seen.clip.truth
    assert truth is not None
    centers = bx.centers(seen.boxes[max(0, frame - 20) : frame + 1])
    picture = overlay.draw(
        seen.clip.frames[frame], truth.boxes[frame], colors=TRUTH, dashed=True, scale=SCALE
    )
    own = overlay.draw(
        picture,
        seen.boxes[frame] * np.float32(SCALE),
        labels="tracker",
        trails=[centers * np.float32(SCALE)],
        colors=FOUND_ON_PICTURES,
    )
    sight = seen.sights[frame]
    if sight is not None:
        x1, y1, x2, y2 = (round(float(v)) for v in sight.searched * SCALE)
        cv2.rectangle(own, (x1, y1), (x2, y2), GROUND, 1)
    return own


def _response(sight: Sight | None, height: int) -> Picture:
    """The correlation at every place that was searched, light where high; a cross at its top."""
    sheet = np.full((height, SIDE, 3), GROUND, np.uint8)
    side = height - 22
    if sight is None:
        _write(sheet, "First frame: the box is given.", 4, 14)
        return sheet
    _write(sheet, "Is it here? Light: like the template", 4, 14)
    rows, columns = sight.response.shape
    scale = side / max(rows, columns)
    grey = np.clip((sight.weighted + 1) * 127.5, 0, 255).astype(np.uint8)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    large = cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST)
    shown = np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_CIVIDIS))[..., ::-1].copy()
    row, column = np.unravel_index(int(sight.weighted.argmax()), sight.weighted.shape)
    at = round((column + 0.5) * scale), round((row + 0.5) * scale)
    cv2.drawMarker(shown, at, GROUND, cv2.MARKER_CROSS, 15, 3)
    cv2.drawMarker(shown, at, SCORE, cv2.MARKER_CROSS, 13, 1)
    sheet[22 : 22 + shown.shape[0], 4 : 4 + shown.shape[1]] = shown
    left = SIDE - 86
    _write(sheet, "template", left, 36)
    h, w = sight.template.shape[:2]
    zoom = 80 / max(h, w)
    size = max(1, round(w * zoom)), max(1, round(h * zoom))
    template = cv2.resize(sight.template, size, interpolation=cv2.INTER_NEAREST)
    sheet[42 : 42 + size[1], left : left + size[0]] = template
    return sheet


def _curves(seen: Run, frame: int, height: int) -> Picture:
    """Overlap (blue) and score (vermillion, dashed) over the frames, with a line at this one."""
    sheet = np.full((height, SIDE, 3), GROUND, np.uint8)
    left, right, top, bottom = 28, SIDE - 8, 24, height - 26

    def place(index: float, value: float) -> tuple[int, int]:
        x = left + (right - left) * index / (FRAMES - 1)
        return round(x), round(bottom - (bottom - top) * float(value))

    for value in (0.0, 0.5, 1.0):
        cv2.line(sheet, place(0, value), place(FRAMES - 1, value), PALE, 1)
        _write(sheet, f"{value:g}", 2, place(0, value)[1] + 4)
    for index in range(1, FRAMES):
        if index % 2:
            ends = place(index - 1, seen.scores[index - 1]), place(index, seen.scores[index])
            cv2.line(sheet, *ends, SCORE, 2, cv2.LINE_AA)
        if np.isfinite(seen.overlaps[index - 1 : index + 1]).all():
            ends = place(index - 1, seen.overlaps[index - 1]), place(index, seen.overlaps[index])
            cv2.line(sheet, *ends, FOUND, 2, cv2.LINE_AA)
    cv2.line(sheet, place(frame, 0), place(frame, 1), INK, 1)
    _write(sheet, "overlap (IoU)", left, 14, FOUND)
    _write(sheet, "- - score", left + 110, 14, SCORE)
    _write(sheet, f"frame 0 to {FRAMES - 1}", left + 80, height - 8)
    return sheet


def _write(sheet: Picture, text: str, x: int, y: int, color: Any = INK) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)


def follow(
    difficulty: str = "occlusion", strength: float = 0.7, *, seed: int = FIRST_SAMPLE
) -> Explorer:
    """The explorer: a difficulty and how strong it is, a sample, and the frame.

    Raises `InputError` for a difficulty that is none ("none" is one), or values beyond their ends.
    """
    return Explorer(
        "follow",
        draw,
        {
            "difficulty": Choice("Difficulty", DIFFICULTIES, difficulty),
            "strength": Slider("Strength", 0.0, 1.0, strength, 0.1),
            "frame": Play("Frame", FRAMES, default=FIRST_FRAME),
            "seed": Seed("Sample", seed),
        },
        title="Follow: where a tracker looks, and when it loses the object",
        description="Blue is the tracker, dashed yellow the truth, thin white the part that is "
        "searched. Play, find the frame in which the overlap falls, and look at the response.",
    )
