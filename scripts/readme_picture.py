"""Draw the picture of the README, data/readme.png: a tracker at work, with its path and speed.

python scripts/readme_picture.py
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tracklab import overlay, plots, scenes, trackers

TARGET = Path(__file__).resolve().parent.parent / "data" / "readme.png"
SHOWN = (12, 38, 70)  # frames: before the pillars, behind one, after them


def main() -> None:
    """Render, track, draw, save."""
    scene = {"motion": "stop-and-go", "speed": (3, 5), "occlusion": 0.3, "distractors": 0.2}
    clip = scenes.render(seed=21, frames=75, size=(180, 320), objects=1, clutter=0.3, **scene)
    track = trackers.run("template", clip, box=clip.truth.boxes[0, 0])
    drawn = overlay.annotate(clip, track.boxes, trails=60, labels="tracker", scale=2)
    seconds = np.arange(len(clip)) / clip.fps

    figure, axes = plots.figure(
        2, 3, title="A box in the first frame; then a path and a speed", width=11, height=4.6
    )
    grid = axes[1, 0].get_gridspec()
    for panel, frame in zip(axes[0], SHOWN, strict=True):
        panel.imshow(drawn[frame])
        panel.set_axis_off()
        panel.set_title(f"{seconds[frame]:.1f} s")
    for panel in axes[1]:
        panel.remove()
    speeds = {"truth": clip.truth.velocities[:, 0], "tracker": track.velocities}
    with plots.style():
        below = figure.add_subplot(grid[1, :])
        for name, velocities in speeds.items():
            below.plot(seconds, np.hypot(*velocities.T) * clip.fps, label=name)
        below.set(xlabel="time (seconds)", ylabel="speed (pixels a second)")
        below.legend(loc="lower left", ncols=2)
    draft = TARGET.with_suffix(".part")
    draft.write_bytes(plots.figure_to_png(figure))
    os.replace(draft, TARGET)


if __name__ == "__main__":
    main()
