"""The explorer "scene": every difficulty of the built-in scenes, one dial each, with exact truth.

`draw` is pure: the dials and the seed make the clip (kept for the next frame of the same dials),
the frame number picks from it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tracklab import overlay, scenes
from tracklab.clips import Clip
from tracklab.explorers.controls import Control, Play, Seed, Slider, Toggle
from tracklab.explorers.shell import Drawing, Explorer

FRAMES = 16  # few, so that a whole clip is made between two pictures
SIZE = (128, 128)
SCALE = 3.0
KEPT = 64  # clips: one second of moving sliders back and forth, 60 MB at most
HIDDEN, PARTLY = 0.1, 0.9  # visible share below which an object counts as hidden, partly hidden


@functools.lru_cache(KEPT)
def _clip(seed: int, objects: int, dials: tuple[tuple[str, float], ...]) -> Clip:
    turned: dict[str, Any] = dict(dials)
    return scenes.render(seed, FRAMES, SIZE, objects, **turned)


def draw(*, frame: int, boxes: bool, seed: int, objects: int, **dials: float) -> Drawing:
    """One frame of a scene, enlarged, with or without the boxes of the truth."""
    clip = _clip(seed, objects, tuple(sorted((k, round(v, 3)) for k, v in dials.items())))
    truth = clip.truth
    assert truth is not None
    names = [truth.class_names[k] for k in truth.classes]
    if boxes:
        rgb = overlay.draw(
            clip.frames[frame],
            truth.boxes[frame],
            ids=truth.ids.tolist(),
            labels=names,
            scale=SCALE,
        )
    else:
        rgb = overlay.resize(clip.frames[frame], SCALE)
    present, seen = truth.present[frame], truth.visibility[frame]
    speeds = np.linalg.norm(truth.velocities[frame], axis=-1)
    numbers: dict[str, Any] = {
        "objects in the picture": int(present.sum()),
        "mean visible share": float(seen[present].mean()) if present.any() else 0.0,
        "mean speed (pixels a frame)": float(speeds.mean()) if objects else 0.0,
    }
    return Drawing(rgb, _words(frame, names, present, seen, boxes, dials), numbers)


def _words(
    frame: int,
    names: list[str],
    present: Any,
    seen: Any,
    boxes: bool,
    dials: dict[str, float],
) -> str:
    """What the frame shows, in words."""
    states = {
        "in full view": present & (seen >= PARTLY),
        "partly hidden": present & (seen >= HIDDEN) & (seen < PARTLY),
        "hidden": present & (seen < HIDDEN),
        "out of the picture": ~present,
    }
    parts = [
        f"{state}: " + ", ".join(np.array(names)[which])
        for state, which in states.items()
        if which.any()
    ]
    turned = [f"{name.replace('_', ' ')} {value:.1f}" for name, value in dials.items() if value]
    return (
        f"Frame {frame} of 0 to {FRAMES - 1}, {'with' if boxes else 'without'} boxes. "
        + (f"{len(names)} objects; {'; '.join(parts)}. " if names else "No objects. ")
        + (f"Dials: {', '.join(turned)}." if turned else "All dials at 0.")
    )


def scene(*, seed: int = 0, objects: int = 5, **dials: float) -> Explorer:
    """The explorer of the scenes' dials.

    seed, objects, dials: where the controls begin; dials by their names in `scenes.DIALS`.
    """
    controls: dict[str, Control] = {
        "frame": Play("Frame", FRAMES),
        "boxes": Toggle("Boxes of the truth", default=True),
        "seed": Seed("Scene", default=seed, button="New scene"),
        "objects": Slider("Objects", 0, 10, objects),
    }
    for name, dial in scenes.DIALS.items():
        label = name.replace("_", " ").capitalize()
        controls[name] = Slider(label, dial.low, dial.high, float(dial.default), 0.1)
    explorer = Explorer(
        "scene",
        draw,
        controls,
        title="What makes tracking hard",
        description="Turn one difficulty up, play the clip, and ask: could you still follow each "
        "object? The boxes are exact; they are made with the picture, not found in it.",
    )
    if dials:
        explorer.set(**dials)
    return explorer
