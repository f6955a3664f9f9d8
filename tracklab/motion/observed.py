"""Trajectories as a detector sees them: boxes that are off by a share of their size, and gaps.

Invariant: the same arguments give the same numbers; those of part "train" and of part "test" come
from seeds that never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors, scenes
from tracklab.motion.base import Size, corners

MIXED = scenes.MOTIONS
PARTS = {"train": scenes.TRAIN_SEED, "test": scenes.TEST_SEED}
FRAMES = 60
PICTURE = (256, 256)  # height and width in pixels
SPEED = (1.0, 6.0)  # pixels a frame
SIDE = (22.0, 70.0)  # pixels
NOISE = (0.03, 0.10)  # of width and height: an object's detections are off by so much (one sigma)
MISSES = 0.1  # of the frames that a detector misses, one by one
GAP = (5, 20)  # frames that something stands before an object
ASPECT = 2.0  # boxes are up to so many times as wide as high, or as high as wide


@dataclass(frozen=True, eq=False)
class Observed:
    """N objects over T frames: how they moved, and what a detector saw of it.

    boxes: `(T, N, 4)` float32 `xyxy` pixels, true. velocities: `(T, N, 2)` float32, pixels a
    frame, of the centre: where it is less where it was one frame ago.
    detections: `(T, N, 4)` float32, four NaNs where nothing was detected; in the first frame
    everything is.
    motions: `(N,)` names. size: height and width of the picture in pixels.
    """

    boxes: NDArray[np.float32]
    velocities: NDArray[np.float32]
    detections: NDArray[np.float32]
    motions: tuple[str, ...]
    size: Size

    def __len__(self) -> int:
        return len(self.boxes)

    def only(self, which: Any) -> Observed:
        """Some of the objects: a motion's name, or what indexes N."""
        if isinstance(which, str):
            errors.choice("which", which, sorted(set(self.motions)))
            which = np.array(self.motions) == which
        kept = np.array(self.motions, dtype=object)[which]
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = ("boxes", "velocities", "detections")
        values |= {name: values[name][:, which] for name in arrays}
        return Observed(**(values | {"motions": tuple(kept)}))


def observe(
    count: int,
    frames: int = FRAMES,
    *,
    seed: int = 0,
    part: str = "train",
    motions: str | Sequence[str] = MIXED,
    size: tuple[int, int] = PICTURE,
    speed: float | tuple[float, float] = SPEED,
    side: float | tuple[float, float] = SIDE,
    noise: float | tuple[float, float] = NOISE,
    misses: float = MISSES,
    gaps: float = 0.0,
    gap: tuple[int, int] = GAP,
    **scene: float,
) -> Observed:
    """Paths from the scenes' motion models, without pixels, and what a detector makes of them.

    count, frames: N objects over T frames. seed: from 0; part: "train" or "test".
    motions: one or several of `scenes.MOTIONS`, which objects take in turn.
    size: of the picture; speed: pixels a frame; side: of the box, pixels; each one number or from,
        to. Boxes have all aspects from 1/2 to 2.
    noise: standard deviation of a detection's centre, in widths and heights, and of the logarithms
        of its width and height; each object's own, one number or from, to.
    misses: share of the frames in which the detector misses an object, independently.
    gaps: share of the objects that are hidden once, for `gap` frames (from, to).
    scene: further dials of `scenes.trajectories` (scale_variation, camera_motion, out_of_view).

    Raises `InputError` for arguments that are none.
    """
    errors.choice("part", part, PARTS)
    span = PARTS["test"] - PARTS["train"] - 1
    seed = int(errors.number("seed", seed, low=0, high=span, whole=True))
    for name, share in (("misses", misses), ("gaps", gaps)):
        errors.number(name, share, low=0, high=1)
    low, high = noise if isinstance(noise, (tuple, list)) else (noise, noise)
    errors.number("noise", low, low=0, high=1)
    errors.number("noise", high, low=low, high=1)
    paths = scenes.trajectories(
        PARTS[part] + seed,
        frames,
        size,
        count,
        motion=motions if isinstance(motions, str) else list(motions),
        speed=speed,
        object_size=side,
        **scene,
    )
    # the third word keeps these draws apart from those of the paths
    rng = np.random.default_rng([PARTS[part], seed, 1])
    aspect = np.exp2(rng.uniform(-1, 1, count) * np.log2(ASPECT) / 2)
    shape = np.stack([aspect, 1 / aspect], axis=-1)
    sides = (paths.sizes[..., None] * shape).astype(np.float32)
    # z = p + s sigma e,  w_z = w exp(sigma e)
    sigma = rng.uniform(low, high, (count, 1)).astype(np.float32)
    off, grown = sigma * rng.standard_normal((2, frames, count, 2), np.float32)
    detections = corners(paths.centers + sides * off, sides * np.exp(grown))
    detections[_unseen(rng, frames, count, misses, gaps, gap)] = np.nan
    return Observed(
        corners(paths.centers, sides), paths.velocities, detections, paths.motions, size
    )


def _unseen(
    rng: np.random.Generator,
    frames: int,
    count: int,
    misses: float,
    gaps: float,
    gap: tuple[int, int],
) -> NDArray[np.bool_]:
    """Where `(T, N)` nothing is detected: single misses, and one gap in some of the objects."""
    shortest, longest = (int(errors.number("gap", n, low=1, whole=True)) for n in gap)
    if shortest > longest:
        errors.bad("gap", gap, "(from, to) frames")
    unseen = rng.random((frames, count)) < misses
    length = rng.integers(shortest, longest + 1, count)
    begin = 1 + np.floor(rng.random(count) * np.maximum(frames - 1 - length, 1))
    t = np.arange(frames)[:, None]
    hidden = (t >= begin) & (t < begin + length) & (rng.random(count) < gaps)
    unseen |= hidden
    unseen[0] = False
    return unseen


def inputs(found: Observed) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What `Network.follow` takes of observed trajectories: detected, seen, sizes; float32."""
    seen = np.isfinite(found.detections[..., :1])
    detected = np.where(seen, bx.centers(found.detections), 0).astype(np.float32)
    return detected, seen.astype(np.float32), bx.sizes(found.boxes)


def truth_of(found: Observed) -> NDArray[np.float32]:
    """True centres and velocities `(T, N, 4)`, float32."""
    return np.concatenate([bx.centers(found.boxes), found.velocities], axis=-1)
