"""How a motion network is trained: fresh trajectories in each step, followed in closed loop.

`train` goes through `training.fit` and takes its budgets (`steps`, `seconds` or `cpu_seconds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, training
from tracklab.motion import learned, observed
from tracklab.motion.network import Followed, Network
from tracklab.motion.recurrent import FAR
from tracklab.quiet import keras, tf

Array = NDArray[Any]

BATCH = 128  # trajectories
RATE = 1e-2  # of Adam, at its peak
FLAT = 0.4  # of the training at the peak, then straight down to 0
AVERAGE = 0.99
CLIP = 1.0  # of the length of the gradient, all weights together
LENGTHS = ((0.0, 20), (0.3, 50))  # frames of a trajectory, from which progress on

# parts of the loss
SPEED = 2.0  # errors of velocity are smaller than those of place, and as important
AHEAD = 1.0
SURE = 0.1  # how well it knows how far off it is: little, for it must not rule the rest

HIDDEN = 0.4  # share of the trajectories with a gap
SEEDS = 900_000  # of trajectories, that batches are drawn from
OPEN = 0.2  # share of the trajectories without walls: whoever films may not stand still


def train(
    network: Network,
    *,
    motions: str | Sequence[str] = observed.MIXED,
    batch_size: int = BATCH,
    seed: int = 0,
    gaps: float = HIDDEN,
    teacher_forcing: float = 0.0,
    lengths: Sequence[tuple[float, int]] = LENGTHS,
    **options: Any,
) -> training.Curves:
    """Train a motion network; returns the curves.

    motions: what it sees of `scenes.MOTIONS`; leave some out to measure what it makes of new ones.
    batch_size: trajectories a step; seed: decides every draw. gaps: share of them with a gap.
    teacher_forcing: share of the frames in which the truth is put in place of its own belief.
    lengths: of the trajectories, frames, each from a progress on.
    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
        `validation`, `checkpoint` and `progress`.

    The curves hold the parts of the loss by name. Raises `InputError` for options that are none.
    """
    source = Trajectories(
        motions=motions if isinstance(motions, str) else tuple(motions),
        batch_size=batch_size,
        seed=seed,
        gaps=gaps,
        teacher_forcing=teacher_forcing,
        lengths=tuple(lengths),
        walls=network.form == learned.ABSOLUTE,
    )
    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.Adam(RATE, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "jit": True,
        "name": network.kind,
    }
    return training.fit(
        network, source, **(settings | {"objective": objective, "seed": seed} | options)
    )


def objective(network: Network, batch: training.Batch) -> dict[str, Any]:
    """The loss of a batch and its parts: lengths of errors in boxes, averaged over all frames."""
    detected, seen, sizes, walls, truth, forced = batch
    found = network.follow(detected, seen, sizes, walls, truth=truth, forced=forced)
    parts = losses(found, truth[1:, :, :2], truth[1:, :, 2:], sizes[1:])
    return {"loss": sum(parts.values()), **parts}


def losses(found: Followed, centers: Any, velocities: Any, sizes: Any) -> dict[str, Any]:
    """The parts of the loss by name, for true centres and velocities `(T, N, 2)`.

    Lengths, not their squares: a bounce that nobody could foresee must not outweigh all the rest.
    """
    # L = mean |p - p*| / s + a |v - v*| / s + b |p' - p*| / s + c (log s_p - log N(p*; p, s_p))
    return {
        "position": _length((found.centers - centers) / sizes),
        "velocity": SPEED * _length((found.velocities - velocities) / sizes),
        "ahead": AHEAD * _length((found.predicted - centers) / sizes),
        "unsure": SURE * _unlikely(found.centers - centers, found.deviations, sizes)
        + SURE * _unlikely(found.predicted - centers, found.expected, sizes),
    }


def _length(vectors: Any) -> Any:
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum(vectors**2, -1) + 1e-8))


def _unlikely(error: Any, deviation: Any, sizes: Any) -> Any:
    """-log N(error; 0, deviation), in boxes; the error itself is not changed for it."""
    error, deviation = tf.stop_gradient(error) / sizes, deviation / sizes
    # -log N = log s + (e / s)^2 / 2 + constant
    return tf.reduce_mean(tf.math.log(deviation) + tf.minimum((error / deviation) ** 2, 50.0) / 2)


@dataclass(frozen=True)
class Trajectories:
    """Batches of trajectories, fresh in each step. A `training.Source`.

    The same seed gives the same batches, step by step; progress decides how long they are. walls:
    whether all of them have walls; otherwise a share `OPEN` has none.
    """

    motions: str | tuple[str, ...] = observed.MIXED
    batch_size: int = BATCH
    seed: int = 0
    gaps: float = HIDDEN
    teacher_forcing: float = 0.0
    lengths: tuple[tuple[float, int], ...] = LENGTHS
    walls: bool = False

    def __post_init__(self) -> None:
        errors.number("batch_size", self.batch_size, low=1, whole=True)
        errors.number("seed", self.seed, low=0, whole=True)
        errors.number("gaps", self.gaps, low=0, high=1)
        errors.number("teacher_forcing", self.teacher_forcing, low=0, high=1)
        wanted = "pairs (progress, frames), from progress 0 on, of 2 frames or more"
        if not self.lengths or self.lengths[0][0] > 0 or min(n for _, n in self.lengths) < 2:
            errors.bad("lengths", self.lengths, wanted)

    @property
    def steps_per_epoch(self) -> float:
        """So many steps are called an epoch, as there is no end of trajectories."""
        return 100.0

    def batch(self, step: int, progress: float = 0.0) -> training.Batch:
        """Float32 arrays of batch `step`, as `Network.follow` takes them, and the truth.

        detected `(T, N, 2)`, seen `(T, N, 1)`, sizes `(T, N, 2)`, walls `(N, 4)`, truth `(T, N,
        4)`: centres and velocities, forced `(T, N, 1)`.
        """
        rng = np.random.default_rng([self.seed, step, 2])
        frames = [length for start, length in self.lengths if progress >= start][-1]
        height, width = (int(n) for n in rng.integers(160, 400, 2))
        shortest = max(1, min(5, frames // 4))
        found = observed.observe(
            self.batch_size,
            frames,
            seed=int(rng.integers(SEEDS)),
            motions=self.motions,
            size=(height, width),
            gaps=self.gaps,
            gap=(shortest, max(shortest, min(20, frames // 2))),
            scale_variation=float(rng.random() * 0.4),
        )
        walls = np.tile(np.array([0, 0, width, height], np.float32), (self.batch_size, 1))
        unknown = rng.random((self.batch_size, 1)) < (0 if self.walls else OPEN)
        walls = np.where(unknown, FAR, walls)
        forced = rng.random((frames, self.batch_size, 1)) < self.teacher_forcing
        return (*observed.inputs(found), walls, observed.truth_of(found), forced.astype(np.float32))
