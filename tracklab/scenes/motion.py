"""Motion: where the centres of a scene's objects are, frame by frame, without any pixels.

Every path is a formula in time, so it is exact at every frame, bounded by walls, and computed for
all objects and frames at once. `velocity[t] = center[t] - center[t - 1]` holds to the last bit,
because centres lie on a grid of 1 / 64 pixel; it holds in the first frame too, because paths begin
one frame earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.scenes import exact
from tracklab.scenes.exact import Floats, between

MOTIONS = ("constant velocity", "turning", "bouncing", "stop-and-go", "sinusoidal")

NUMBERS = 10  # random numbers for each object's path
GO = (8, 20)  # frames that a stop-and-go object moves
STOP = (6, 16)  # frames that it rests
SWAY_PERIOD = (20, 45)  # frames in which a sinusoidal path sways to and fro
WIDEST_SWAY = 0.2  # of the room between the walls
SHORTEST_HOP = 12  # frames: a bouncing object does not hop faster than this
CAMERA_REACH = 0.14  # of the picture's side: how far the camera pans at most
CAMERA_SHAKE = 1.5  # pixels: how far it trembles at most
SCALE_PERIOD = (40, 80)  # frames from large to small to large
SPIN = (5.0, 12.0)  # degrees a frame at the dial's end
EXCURSION = 60  # frames: an object leaves the view once in so many
EXCURSION_HELD = 0.4  # of that time it stays outside at the dial's end


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Exact paths of `N` objects over `T` frames, as they appear on screen.

    centers: `(T, N, 2)` float32 x, y in pixels, wherever the object is, outside the view too.
    velocities: `(T, N, 2)` float32 pixels a frame, the difference from the frame before.
    sizes: `(T, N)` float32, the longer side of the sprite before it is turned.
    angles: `(T, N)` float32, degrees clockwise.
    camera: `(T, 2)` float32, where the camera looks; it is taken off already.
    motions: `(N,)` names out of `MOTIONS`.
    """

    centers: NDArray[np.float32]
    velocities: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    camera: NDArray[np.float32]
    motions: tuple[str, ...]

    @property
    def boxes(self) -> NDArray[np.float32]:
        """`(T, N, 4)` squares of the object's size around its centre, not cut at the border.

        Rendered masks give tighter boxes; these are for motion without pixels.
        """
        half = self.sizes[..., None] / 2
        return np.concatenate([self.centers - half, self.centers + half], axis=-1)

    def __len__(self) -> int:
        return len(self.centers)


def fold(x: Any, low: Any, high: Any) -> Floats:
    """Reflect `x` at two walls as often as it takes to lie between them.

    >>> fold(np.array([-1.0, 2.0, 5.0, 11.0]), 0.0, 4.0)
    array([1., 2., 3., 3.])
    """
    length = np.maximum(high - low, 1e-9)
    # a triangle wave of period 2 L: L - | (x - low) mod 2 L - L |
    return low + length - abs(np.mod(x - low, 2 * length) - length)


def _heading(turns: Floats) -> Floats:
    return np.stack([exact.cos(turns), exact.sin(turns)], axis=-1)


def _line(t: Floats, u: Floats, velocity: Floats, low: Floats, high: Floats) -> Floats:
    """A straight path that starts so that it reaches the walls late, and is folded at them."""
    travel = velocity * t[-1]
    first = np.minimum(low + np.maximum(-travel, 0), high)
    last = np.maximum(high - np.maximum(travel, 0), low)
    fits = first <= last
    start = between(u, np.where(fits, first, low), np.where(fits, last, high))
    return fold(start + velocity * t[:, None, None], low, high)


def _constant(t: Floats, u: Floats, speed: Floats, low: Floats, high: Floats) -> Floats:
    # p(t) = p0 + v t
    return _line(t, u[:, 1:3], speed[:, None] * _heading(u[:, 0]), low, high)


def _turning(t: Floats, u: Floats, speed: Floats, low: Floats, high: Floats) -> Floats:
    # p(t) = c + r (cos(w t), sin(w t)), w = v / r
    radius = (high - low).min(-1) / 2 * between(u[:, 0], 0.4, 1.0)
    turn = np.where(u[:, 3] < 0.5, 1, -1) * speed / np.maximum(radius, 1.0) / (2 * np.pi)
    middle = between(u[:, 1:3], low + radius[:, None], high - radius[:, None])
    return middle + radius[:, None] * _heading(u[:, 4] + turn * t[:, None])


def _bouncing(t: Floats, u: Floats, speed: Floats, low: Floats, high: Floats) -> Floats:
    # falls and rises again: height(t) = h (1 - q^2), q from -1 to 1 once a hop
    height = (high - low)[:, 1] * between(u[:, 0], 0.45, 0.95)
    hop = np.maximum(2 * height / speed, SHORTEST_HOP)
    q = 2 * np.mod(t[:, None] / hop + u[:, 1], 1.0) - 1
    y = high[:, 1] - height * (1 - q * q)
    across = speed * between(u[:, 2], 0.3, 0.8) * np.where(u[:, 3] < 0.5, 1, -1)
    x = _line(t, u[:, 4:5], across[:, None], low[:, :1], high[:, :1])
    return np.concatenate([x, y[..., None]], axis=-1)


def _stops(t: Floats, u: Floats, speed: Floats, low: Floats, high: Floats, more: Floats) -> Floats:
    """Straight runs with rests between, each in a new direction; `more (n, k, 3)` numbers."""
    go, stop = (np.floor(between(more[..., i], *span)) for i, span in enumerate((GO, STOP)))
    lengths = np.stack([go, stop], axis=-1).reshape(len(go), -1)
    ends = np.cumsum(lengths, axis=1) - np.floor(u[:, :1] * GO[0])
    # in how many-th run or rest each frame lies: even ones are runs
    turn = (t[:, None, None] >= ends).sum(-1)
    headings = _heading(more[..., 2])[np.arange(len(go)), np.minimum(turn // 2, len(go[0]) - 1)]
    velocity = np.where((turn % 2 == 0)[..., None], headings, 0.0) * speed[:, None]
    velocity[0] = 0.0
    return fold(between(u[:, 1:3], low, high) + np.cumsum(velocity, axis=0), low, high)


def _swaying(t: Floats, u: Floats, speed: Floats, low: Floats, high: Floats) -> Floats:
    # p(t) = p0 + v t + n a sin(2 pi t / period), n across v
    period = between(u[:, 0], *SWAY_PERIOD)
    # as fast across, at most, as the speed: a = speed * period / (2 pi)
    reach = np.minimum(speed * period / (2 * np.pi), WIDEST_SWAY * (high - low).min(-1))
    along = _heading(u[:, 1])
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    inset = reach[:, None] * abs(across)
    line = _line(t, u[:, 2:4], 0.6 * speed[:, None] * along, low + inset, high - inset)
    sway = reach * exact.sin(u[:, 4] + t[:, None] / period)
    return line + across * sway[..., None]


def paths(
    rng: np.random.Generator,
    stops: np.random.Generator,
    frames: int,
    motions: tuple[str, ...],
    speed: Floats,
    low: Floats,
    high: Floats,
) -> Floats:
    """Centres `(frames + 1, N, 2)` in the world, beginning one frame before the first.

    speed `(N,)` pixels a frame; low, high `(N, 2)`: the walls, `low <= high`.
    """
    t = np.arange(-1.0, frames)
    u = rng.random((len(motions), NUMBERS))
    more = stops.random((len(motions), (frames + GO[1]) // (GO[0] + STOP[0]) + 2, 3))
    out = np.zeros((frames + 1, len(motions), 2))
    kinds = np.array(motions, dtype=object)
    formulas = {
        "constant velocity": _constant,
        "turning": _turning,
        "bouncing": _bouncing,
        "sinusoidal": _swaying,
    }
    for name in MOTIONS:
        these = np.flatnonzero(kinds == name)
        if not these.size:
            continue
        given = (t, u[these], speed[these], low[these], high[these])
        out[:, these] = (
            _stops(*given, more[these]) if name == "stop-and-go" else formulas[name](*given)
        )
    return out


def camera_path(
    rng: np.random.Generator, frames: int, size: tuple[int, int], dial: float
) -> Floats:
    """Where the camera looks `(frames + 1, 2)`, x and y, on a grid of 1 / 16 pixel."""
    t = np.arange(-1.0, frames)[:, None]
    u = rng.random((4, 2))
    reach = np.array([size[1], size[0]]) * CAMERA_REACH
    sign = np.where(u[0] < 0.5, 1.0, -1.0)
    slow = exact.sin(t / between(u[1], 50, 80))
    quick = exact.sin(t / between(u[2], 20, 32))
    shake = CAMERA_SHAKE * (2 * rng.random((frames + 1, 2)) - 1)
    return np.rint(dial * (sign * reach * (0.75 * slow + 0.25 * quick) + shake) * 16) / 16


def scales(u: Floats, frames: int, dial: float) -> Floats:
    """Factors `(frames, N)` on the objects' sizes, 1/2 to 2 at the dial's end; `u (N, 2)`."""
    t = np.arange(float(frames))[:, None]
    # s(t) = 2 ^ (dial sin(2 pi t / period))
    return exact.exp2(dial * exact.sin(t / between(u[:, 0], *SCALE_PERIOD) + u[:, 1]))


def spins(u: Floats, frames: int, dial: float) -> Floats:
    """Angles `(frames, N)` in degrees, turning at a constant rate; `u (N, 2)`."""
    t = np.arange(float(frames))[:, None]
    rate = dial * between(u[:, 0], *SPIN) * np.where(u[:, 1] < 0.5, 1.0, -1.0)
    return exact.snap(np.mod(rate * t, 360.0))


def excursions(
    rng: np.random.Generator, centers: Floats, reach: Floats, size: tuple[int, int], dial: float
) -> Floats:
    """Paths `(T + 1, N, 2)` that leave the view for a while: each object once in sixty frames.

    An object is drawn smoothly to a place beyond the nearer border, waits there, and comes back;
    `reach (N,)` is how far beyond takes it out whole. It is in its place in the first frame.
    """
    count, objects = centers.shape[:2]
    u = rng.random((objects, 2))
    if dial == 0 or not objects:
        return centers
    cycle = float(min(EXCURSION, count - 1))
    ramp = cycle / 6
    hold = dial * EXCURSION_HELD * cycle
    start = between(u[:, 0], 0.05 * cycle, 0.98 * cycle - 2 * ramp - hold)
    t = np.arange(-1.0, count - 1)[:, None]
    since = np.mod(t, cycle) - start
    # 0, then up over the ramp, 1 while outside, and down again
    pulse = np.clip(np.minimum(since, 2 * ramp + hold - since) / ramp, 0, 1)
    pulse = np.where(t < 0, 0.0, pulse * pulse * (3 - 2 * pulse))
    axis = (u[:, 1] < 0.5).astype(np.int64)
    lengths = np.array([size[1], size[0]], np.float64)[axis]
    everyone = np.arange(objects)
    middle = np.floor(np.floor(t / cycle) * cycle + start + ramp + hold / 2).astype(np.int64)
    there = centers[np.clip(middle + 1, 0, count - 1), everyone, axis]
    outside = np.where(there < lengths / 2, -reach, lengths + reach)
    moved = centers.copy()
    here = centers[:, everyone, axis]
    moved[:, everyone, axis] = here + (outside - here) * pulse
    return moved
