"""The Kalman filter: what is known is a Gaussian, moved by a model and narrowed by a measurement.

`predict` and `correct` are the filter for any linear system; `Kalman` is the motion model that
trackers use: SORT's state, with velocities that fade.

Invariant: after each step mean and covariance are those of the exact Gaussian posterior of the
state, given all measurements so far, if the world is as the matrices say.

Kalman, "A new approach to linear filtering and prediction problems" (1960); Bewley et al., "Simple
online and realtime tracking" (ICIP 2016).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.motion.base import Floats, MotionModel, Size, corners


def predict(
    mean: Floats, covariance: Floats, transition: Floats, process: Floats
) -> tuple[Floats, Floats]:
    """The state one frame on, before anything is seen.

    mean `(N, D)`, covariance `(N, D, D)`; transition F `(D, D)`; process noise Q, `(D, D)` or
    `(N, D, D)`. Kalman (1960), theorem 3, in today's notation.
    """
    # x = F x
    mean = mean @ transition.T
    # P = F P F^T + Q
    covariance = transition @ covariance @ transition.T + process
    return mean, covariance


def correct(
    mean: Floats, covariance: Floats, measured: Floats, matrix: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """The state after a measurement z `(N, M)` of H x, with noise of covariance R.

    matrix H `(M, D)`; noise R, `(M, M)` or `(N, M, M)`.
    """
    # y = z - H x: the innovation, what the prediction did not know
    innovation = measured - mean @ matrix.T
    # S = H P H^T + R: how large it may be
    uncertain = matrix @ covariance
    spread = uncertain @ matrix.T + noise
    # K = P H^T S^-1: the gain, how far to follow it
    gain = np.swapaxes(np.linalg.solve(spread, uncertain), -1, -2)
    # x = x + K y
    mean = mean + (gain @ innovation[..., None])[..., 0]
    # P = (I - K H) P
    covariance = covariance - gain @ uncertain
    return mean, (covariance + np.swapaxes(covariance, -1, -2)) / 2


# Of the state x = (u, v, log s, log r, du, dv, ds): centre, area, aspect (width over height), and
# how centre and log area change in a frame. SORT, equation 1; the logarithms are ours: a
# detector's error is a share of an object's size, so on a logarithm it is the same for all.
CENTER, AREA, ASPECT = slice(0, 2), 2, 3
VELOCITY, GROWTH = slice(4, 6), 6
STATE, MEASURED = 7, 4
SHAPE = np.array([AREA, ASPECT, GROWTH])  # what is not about place

# Found by `tuned` on training trajectories of all motions; shares of the box's side.
NOISE = 0.07  # of a detection, each way: standard deviation
ACCELERATION = 0.02  # a frame and frame, each way: standard deviation
DAMPING = 0.92  # of a velocity, what is left of it in the next frame
SPEED = 0.08  # a frame, each way: of an object of which nothing is known yet

SWELLING = 0.01  # change of the growth of log area in a frame: standard deviation
TILTING = 0.01  # change of log aspect in a frame: standard deviation
FADING = 0.9  # of a growth, what is left of it in the next frame: nothing grows for long


class Gaussian(NamedTuple):
    """What a Kalman filter remembers: mean `(N, D)` and covariance `(N, D, D)`."""

    mean: Floats
    covariance: Floats


class Kalman(MotionModel):
    """Constant velocity with noise: velocities change a little in each frame, and fade.

    noise: standard deviation of a detection, as a share of the box's width (x) and height (y).
    acceleration: standard deviation of a velocity's change in a frame, the same share.
    damping: what is left of a velocity after a frame, 0 to 1; 1 is SORT's constant velocity.
    speed: standard deviation of the first velocity, the same share.

    All are relative to the object, so that the filter does in a picture of twice the size what it
    does in this one. Raises `InputError` for numbers out of range.
    """

    name = "kalman"

    def __init__(
        self,
        size: Size | None = None,
        *,
        noise: float = NOISE,
        acceleration: float = ACCELERATION,
        damping: float = DAMPING,
        speed: float = SPEED,
    ) -> None:
        super().__init__(size)
        self.noise = float(errors.number("noise", noise, low=1e-6, high=10))
        self.acceleration = float(errors.number("acceleration", acceleration, low=0, high=10))
        self.damping = float(errors.number("damping", damping, low=0, high=1))
        self.speed = float(errors.number("speed", speed, low=0, high=10))
        self.transition = transition(self.damping)
        self.matrix = np.eye(MEASURED, STATE)

    def _born(self, boxes: bx.Boxes) -> Gaussian:
        mean = np.zeros((len(boxes), STATE))
        mean[:, :MEASURED] = measured(boxes)
        covariance = np.zeros((len(boxes), STATE, STATE))
        covariance[:, :MEASURED, :MEASURED] = self.noise_of(bx.sizes(boxes))
        speeds = (self.speed * bx.sizes(boxes).astype(np.float64)) ** 2
        covariance[:, [4, 5], [4, 5]] = speeds
        covariance[:, GROWTH, GROWTH] = SWELLING**2
        return Gaussian(mean, covariance)

    def _moved(self, memory: Gaussian) -> Gaussian:
        process = self.process_of(side_lengths(memory.mean))
        return Gaussian(*predict(*memory, self.transition, process))

    def _corrected(self, memory: Gaussian, boxes: bx.Boxes, seen: NDArray[np.bool_]) -> Gaussian:
        if not seen.any():
            return memory
        mean, covariance = memory.mean.copy(), memory.covariance.copy()
        noise = self.noise_of(side_lengths(mean[seen]))
        mean[seen], covariance[seen] = correct(
            mean[seen], covariance[seen], measured(boxes[seen]), self.matrix, noise
        )
        return Gaussian(mean, covariance)

    def _said(self, memory: Gaussian) -> tuple[Floats, Floats, Floats]:
        boxes = corners(memory.mean[:, CENTER], side_lengths(memory.mean))
        variances = memory.covariance[:, [0, 1], [0, 1]]
        return boxes, memory.mean[:, VELOCITY], np.sqrt(np.maximum(variances, 0))

    def noise_of(self, sizes: Floats) -> Floats:
        """R `(N, 4, 4)`: what a detector's errors are, for objects of widths and heights `(N, 2)`.

        With widths and heights off by a share `noise` each, log area and log aspect are off by
        sqrt(2) times that.
        """
        noise = np.zeros((len(sizes), MEASURED, MEASURED))
        noise[:, [0, 1], [0, 1]] = (self.noise * sizes.astype(np.float64)) ** 2
        noise[:, [2, 3], [2, 3]] = 2 * self.noise**2
        return noise

    def process_of(self, sizes: Floats) -> Floats:
        """Q `(N, 7, 7)`: what a frame may change, for objects of widths and heights `(N, 2)`."""
        process = np.zeros((len(sizes), STATE, STATE))
        # a velocity that changes by a moves the centre by a in the same frame: v_t = p_t - p_{t-1}
        change = (self.acceleration * sizes.astype(np.float64)) ** 2
        for place, speed in ((0, 4), (1, 5)):
            for row in (place, speed):
                for column in (place, speed):
                    process[:, row, column] = change[:, place]
        for row in (AREA, GROWTH):
            for column in (AREA, GROWTH):
                process[:, row, column] = SWELLING**2
        process[:, ASPECT, ASPECT] = TILTING**2
        return process


def transition(damping: float) -> Floats:
    """F `(7, 7)`: v_t = d v_{t-1}, p_t = p_{t-1} + v_t, and the same for the logarithm of area."""
    matrix = np.eye(STATE)
    for place, speed, left in ((0, 4, damping), (1, 5, damping), (AREA, GROWTH, FADING)):
        matrix[speed, speed] = left
        matrix[place, speed] = left
    return matrix


def measured(boxes: Floats) -> Floats:
    """z `(N, 4)`: centre, log area and log aspect of boxes `(N, 4)`."""
    width, height = bx.sizes(boxes).astype(np.float64).T
    x, y = bx.centers(boxes).T
    return np.stack([x, y, np.log(width * height), np.log(width / height)], axis=-1)


LARGEST = 20.0  # of a logarithm of area: a box as large as any picture, and no overflow


def side_lengths(mean: Floats) -> Floats:
    """Widths and heights `(N, 2)` of states `(N, 7)`."""
    area = np.clip(mean[:, AREA], -LARGEST, LARGEST)
    aspect = np.clip(mean[:, ASPECT], -LARGEST, LARGEST)
    # w = sqrt(s r), h = sqrt(s / r)
    return np.exp(np.stack([area + aspect, area - aspect], axis=-1) / 2)
