"""Exercises of lesson 05, Motion: how errors are counted, and what an estimator does in a frame.

The error after hidden frames, a filter with constant gains, the Kalman filter of one number, a GRU
written out, and how far a gradient reaches back through time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]
Whole = NDArray[np.integer[Any]]
Step = tuple[float, float, float]


# -- the error after hidden frames ---------------------------------------------------------------


def coast_error_starter(guesses: Floats, truth: Floats, starts: Whole) -> Floats:
    """The error after 1, 2, ... K hidden frames: (K,), in pixels.

    `truth` (T, 2) is where an object was in frame 0, 1, 2, .... After each of the frames `starts`
    (S,) it was hidden: `guesses` (S, K, 2) says where an estimator then thought it to be 1, 2, ...
    K frames later. An error is the distance of the guess from the truth in the frame that it is
    about. Entry k - 1 is the root of the mean of the squares of the S errors after k frames.
    """
    return ...  # type: ignore[return-value]


def coast_error(guesses: Floats, truth: Floats, starts: Whole) -> Floats:
    """The error after 1, 2, ... K hidden frames: (K,), in pixels."""
    later = starts[:, None] + np.arange(1, guesses.shape[1] + 1)  # (S, K): frames
    squares = ((guesses - truth[later]) ** 2).sum(-1)  # of the distances
    # e_k = sqrt(mean over s of |guess - truth|^2)
    return np.asarray(np.sqrt(squares.mean(0)))


def _coast_by_loop(guesses: Any, truth: Any, starts: Any) -> Any:
    found = []
    for k in range(guesses.shape[1]):
        total = 0.0
        for s, start in enumerate(starts.tolist()):
            x, y = guesses[s, k]
            total += (x - truth[start + k + 1, 0]) ** 2 + (y - truth[start + k + 1, 1]) ** 2
        found.append(math.sqrt(total / len(starts)))
    return found


def _coast_by_hypot(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    count = guesses.shape[1]
    paths = np.stack([truth[s + 1 : s + 1 + count] for s in starts])
    off = np.hypot(guesses[..., 0] - paths[..., 0], guesses[..., 1] - paths[..., 1])
    return np.linalg.norm(off, axis=0) / np.sqrt(len(starts))


def _offs(guesses: Floats, truth: Floats, starts: Whole, first: int = 1) -> Floats:
    later = starts[:, None] + np.arange(first, guesses.shape[1] + first)
    return np.asarray(np.sqrt(((guesses - truth[later]) ** 2).sum(-1)))


def _coast_one_early(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return np.sqrt((_offs(guesses, truth, starts, 0) ** 2).mean(0))


def _coast_mean(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return _offs(guesses, truth, starts).mean(0)


def _coast_of_coordinates(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return coast_error(guesses, truth, starts) / math.sqrt(2)


def _coast_by_start(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return np.sqrt((_offs(guesses, truth, starts) ** 2).mean(1))


def _coast_squared(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return (_offs(guesses, truth, starts) ** 2).mean(0)


def _coast_total(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return np.sqrt((_offs(guesses, truth, starts) ** 2).sum(0))


def _coast_all(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    return np.sqrt((_offs(guesses, truth, starts) ** 2).mean())


def _coast_from_last(guesses: Floats, truth: Floats, starts: Whole) -> Any:
    off = guesses - truth[starts][:, None]
    return np.sqrt((off**2).sum(-1).mean(0))


def _coast_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    starts = np.sort(rng.choice(5, int(rng.integers(1, 4)), replace=False))
    hidden = int(rng.integers(1, 4))
    truth = rng.integers(0, 9, (5 + hidden, 2)).astype(np.float32)
    guesses = rng.integers(0, 9, (len(starts), hidden, 2)).astype(np.float32)
    return guesses, truth, starts


def _are_coasted(guesses: Floats, truth: Floats, starts: Whole) -> bool:
    if guesses.ndim != 3 or truth.ndim != 2 or starts.ndim != 1:
        return False
    if guesses.shape[2] != 2 or truth.shape[1] != 2 or not guesses.size:
        return False
    if len(starts) != len(guesses) or starts.min() < 0 or starts.dtype.kind not in "iu":
        return False
    return bool(starts.max() + guesses.shape[1] < len(truth))


def _draw_coast(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    guesses, truth, starts = inputs
    sheet = sketch.Sheet(truth[starts.min() :], guesses)
    sheet.path(truth[starts.min() :], sketch.GIVEN, key="the way, from the first start on")
    for start in np.unique(starts):
        sheet.text(truth[start], f"last seen in frame {start}")
    for way, start in zip(guesses, starts, strict=True):
        for k, guess in enumerate(way, 1):
            sheet.arrow(guess, truth[start + k], sketch.WANTED, key="errors, from the guesses on")
            sheet.point(guess, sketch.OTHER, key="guesses")
    for name, values, colour in (("wanted", wanted, sketch.WANTED), ("yours", got, sketch.YOURS)):
        numbers = ", ".join(f"{float(v):.3g}" for v in np.ravel(np.asarray(values, float))[:6])
        sheet.note(f"{name}: {numbers}", colour, dashed=name == "yours")
    return sheet.picture()


COAST_ERROR = Exercise(
    name="05-coast-error",
    task="the root mean square error after 1, 2, ... K hidden frames",
    starter=coast_error_starter,
    reference=coast_error,
    cases=(
        (
            np.array([[[3.0, 4.0], [9.0, 0.0]], [[8.0, 0.0], [0.0, 5.0]]]),
            np.array([[0.0, 0.0], [0.0, 0.0], [5.0, 0.0], [5.0, 1.0], [4.0, 5.0], [6.0, 6.0]]),
            np.array([0, 2]),
        ),
        (
            np.array([[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], [[4.0, 4.0], [5.0, 0.0], [0.0, 0.0]]]),
            np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 0.0], [2.0, 7.0], [1.0, 1.0]]),
            np.array([0, 1]),
        ),
        (
            np.array([[[3.0, 4.0]]]),
            np.array([[7.0, 8.0], [0.0, 0.0]]),
            np.array([0]),
        ),
    ),
    generate=_coast_inputs,
    valid=_are_coasted,
    misconceptions=(
        Misconception(
            "one frame early",
            _coast_one_early,
            "You compare each guess with the truth one frame before it. `guesses[s, 0]` is about "
            "the frame *after* `starts[s]`: one frame hidden.",
        ),
        Misconception(
            "mean of the distances",
            _coast_mean,
            "That is the mean of the distances. Wanted is the root of the mean of their squares, "
            "in which the worst guesses weigh most.",
        ),
        Misconception(
            "each coordinate by itself",
            _coast_of_coordinates,
            "You averaged over x and y, too. The error is a distance: add the squares of x and y, "
            "then average over the starts alone.",
        ),
        Misconception(
            "averaged over the frames",
            _coast_by_start,
            "You averaged over the hidden frames; left is one number for each start. Average over "
            "the starts, so that what is left tells how the error grows.",
        ),
        Misconception(
            "no root",
            _coast_squared,
            "That is the mean of the squares, in pixels *squared*. Take its root.",
        ),
        Misconception(
            "a sum",
            _coast_total,
            "You added the squares up and did not divide by the number of starts.",
        ),
        Misconception(
            "one number",
            _coast_all,
            "That is one number for all. Wanted is one for each number of hidden frames.",
        ),
        Misconception(
            "against the last place seen",
            _coast_from_last,
            "You measure from where the object was when it was last seen. It has moved on since: "
            "take the truth of the frame that the guess is about.",
        ),
    ),
    alternatives=(_coast_by_loop, _coast_by_hypot),
    hints=(
        "Take one start and one guess. Which frame is that guess about, and where was the object "
        "then?",
        "The frames are `starts[:, None] + np.arange(1, K + 1)`, a table (S, K); `truth[...]` of "
        "it is (S, K, 2), like `guesses`.",
        "`np.sqrt(((guesses - truth[later]) ** 2).sum(-1).mean(0))`.",
    ),
    praise="This is the number by which estimators are compared below.",
    onward="It says how far, not which way. Is it the same along the motion as across it?",
    draw=_draw_coast,
    alt="The true way, the guesses, and an arrow from each guess to where the object was then.",
)


# -- a filter with constant gains ----------------------------------------------------------------


def alpha_beta_starter(detections: Floats, alpha: float, beta: float) -> Floats:
    """Position and velocity in each frame: (T, 2), by a filter with constant gains.

    `detections` (T,) are noisy positions along a line, NaN where nothing was detected; frame 0 is.
    There, position is the detection and velocity 0. In each further frame
    - predict: the position moves on by the velocity;
    - if there is a detection, correct: the *innovation* is the detection less the predicted
      position. The position moves by `alpha` of it, the velocity changes by `beta` of it.
    Row t is what is believed after frame t.
    """
    return ...  # type: ignore[return-value]


def alpha_beta(detections: Floats, alpha: float, beta: float) -> Floats:
    """Position and velocity in each frame: (T, 2), by a filter with constant gains."""
    position, velocity = float(detections[0]), 0.0
    believed = [(position, velocity)]
    for detected in detections[1:]:
        position += velocity
        if np.isfinite(detected):
            innovation = float(detected) - position
            position += alpha * innovation
            velocity += beta * innovation
        believed.append((position, velocity))
    return np.array(believed)


def _alpha_beta_by_matrix(detections: Floats, alpha: float, beta: float) -> Any:
    state = np.array([detections[0], 0.0], float)
    rows = [state]
    forward, gain = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([alpha, beta])
    for t in range(1, len(detections)):
        state = forward @ state
        state = state + gain * np.nan_to_num(detections[t] - state[0])
        rows.append(state)
    return np.stack(rows)


def _alpha_beta_by_array(detections: Floats, alpha: float, beta: float) -> Any:
    out = np.zeros((len(detections), 2))
    out[0, 0] = detections[0]
    for t, z in enumerate(detections[1:], 1):
        ahead, speed = out[t - 1].sum(), out[t - 1, 1]
        off = 0.0 if np.isnan(z) else z - ahead
        out[t] = (1 - alpha) * ahead + alpha * (ahead + off), speed + beta * off
    return out


def _alpha_beta(
    detections: Floats,
    alpha: float,
    beta: float,
    *,
    coast: bool = True,
    forget: bool = False,
    late: bool = False,
    last: bool = False,
    ahead: bool = False,
    spread: bool = False,
) -> Floats:
    """The filter, with one of the mistakes that are known."""
    position, velocity = float(detections[0]), 0.0
    believed = [(position, velocity)]
    for detected in detections[1:]:
        seen = bool(np.isfinite(detected))
        before = position
        if seen or coast:
            position += velocity
        told = position, velocity
        if seen or spread:
            innovation = float(detected) - (before if last else position)
            position += alpha * innovation
            velocity += beta * (float(detected) - position if late else innovation)
        elif forget:
            velocity = 0.0
        believed.append(told if ahead else (position, velocity))
    return np.array(believed)


def _holds_in_gaps(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, coast=False)


def _stops_in_gaps(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, forget=True)


def _innovation_afterwards(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, late=True)


def _innovation_to_last(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, last=True)


def _only_predicted(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, ahead=True)


def _nan_spreads(detections: Floats, alpha: float, beta: float) -> Floats:
    return _alpha_beta(detections, alpha, beta, spread=True)


def _gains_swapped(detections: Floats, alpha: float, beta: float) -> Floats:
    return alpha_beta(detections, beta, alpha)


def _gain_of_the_prediction(detections: Floats, alpha: float, beta: float) -> Floats:
    return alpha_beta(detections, 1 - alpha, beta)


def _velocity_first(detections: Floats, alpha: float, beta: float) -> Floats:
    return alpha_beta(detections, alpha, beta)[:, ::-1]


def _positions_alone(detections: Floats, alpha: float, beta: float) -> Floats:
    return alpha_beta(detections, alpha, beta)[:, 0]


def _alpha_beta_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(2, 9))
    detections = np.round(rng.integers(0, 9) + np.cumsum(rng.integers(-1, 5, count)), 1)
    detections = detections.astype(float)
    hidden = rng.random(count) < 0.3
    hidden[0] = False
    detections[hidden] = np.nan
    alpha = float(rng.choice([0.25, 0.4, 0.6, 0.75]))
    return detections, alpha, float(rng.choice([0.125, 0.2, 0.3]))


def _are_filtered(detections: Floats, alpha: float, beta: float) -> bool:
    if detections.ndim != 1 or not len(detections) or not np.isfinite(detections[0]):
        return False
    return bool(0 < beta < alpha < 1 and not np.isinf(detections).any())


def _draw_alpha_beta(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    mine = np.asarray(got, float)
    mine = mine[:, 0] if mine.ndim == 2 and mine.shape[1] == 2 else mine
    return sketch.lines(
        "Position, frame by frame",
        "frame",
        "position (pixels)",
        np.asarray(wanted)[:, 0],
        mine,
        given=inputs[0],
    )


_GAP = np.array([0.0, 4.0, 8.0, np.nan, np.nan, 18.0, 20.0])

ALPHA_BETA = Exercise(
    name="05-alpha-beta",
    task="position and velocity in each frame, (T, 2), by a filter with constant gains",
    starter=alpha_beta_starter,
    reference=alpha_beta,
    cases=(
        (_GAP, 0.5, 0.25),
        (np.array([0.0, 4.0, 8.0, 12.0]), 0.75, 0.25),
        (np.array([2.0, np.nan, np.nan, 8.0, np.nan, 6.0]), 0.6, 0.2),
        (np.array([5.0]), 0.5, 0.1),
    ),
    generate=_alpha_beta_inputs,
    valid=_are_filtered,
    misconceptions=(
        Misconception(
            "held in gaps",
            _holds_in_gaps,
            "In a frame without a detection you leave the object where it was. It goes on, only "
            "unseen: predict in every frame.",
        ),
        Misconception(
            "stopped in gaps",
            _stops_in_gaps,
            "You set the velocity to 0 where nothing was detected. That nothing was seen says "
            "nothing about how fast it goes: leave the velocity as it was.",
        ),
        Misconception(
            "innovation taken twice",
            _innovation_afterwards,
            "You compute the innovation anew after the position was corrected; then less of it is "
            "left for the velocity. Both are corrected by the same innovation.",
        ),
        Misconception(
            "innovation to the last position",
            _innovation_to_last,
            "Your innovation is the way from the position of the frame before. What a detection "
            "*adds* is what was not predicted: detection less predicted position.",
        ),
        Misconception(
            "predictions",
            _only_predicted,
            "You give back what was predicted before the detection. Wanted is what is believed "
            "after it.",
        ),
        Misconception(
            "NaN spreads",
            _nan_spreads,
            "A detection of NaN went into the sum, and from there into all that follows. Where "
            "there is no detection, there is no correction.",
        ),
        Misconception(
            "gains swapped",
            _gains_swapped,
            "`alpha` corrects the position and `beta` the velocity; yours are swapped.",
        ),
        Misconception(
            "weight of the prediction",
            _gain_of_the_prediction,
            "You give the *prediction* the weight `alpha`. It belongs to the detection: with "
            "`alpha` 1 the position is the detection itself.",
        ),
        Misconception(
            "velocity first",
            _velocity_first,
            "Your columns are swapped: first the position, then the velocity.",
        ),
        Misconception(
            "positions alone",
            _positions_alone,
            "Those are the positions. Wanted are rows of position and velocity.",
        ),
    ),
    alternatives=(_alpha_beta_by_matrix, _alpha_beta_by_array),
    hints=(
        "Two steps a frame. Which of them needs a detection, and which happens anyway?",
        "In a loop over `detections[1:]`: `position += velocity` always. Then, if "
        "`np.isfinite(detected)`, keep `innovation = detected - position` and use it twice.",
        "`position += alpha * innovation; velocity += beta * innovation`. Append `(position, "
        "velocity)` in every frame, also in those without a detection.",
    ),
    praise="It has no division and no matrix, and follows. All filters below have this shape.",
    onward="What remains is to find good gains. Kalman finds them; a network will, too.",
    draw=_draw_alpha_beta,
    alt="Positions over frames: detections as crosses, the wanted estimate, and yours dashed.",
)


# -- the Kalman filter of one number -------------------------------------------------------------


def kalman_step_starter(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Step:
    """One frame of a Kalman filter for one number: the new (mean, variance, gain).

    What is believed is a Gaussian: `mean` and `variance`. The number does not move by itself, but
    in each frame it may have changed a little, with variance `process`. Then it is `measured`,
    with variance `noise`; NaN means that nothing was measured. Then the gain is 0.
    The gain is the share of the innovation (measured less mean) that is believed: the variance
    before the measurement, over that plus the noise's. The variance that is left is (1 - gain) of
    what it was.
    """
    return ...  # type: ignore[return-value]


def kalman_step(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Step:
    """One frame of a Kalman filter for one number: the new (mean, variance, gain)."""
    # P = P + Q
    variance = variance + process
    if np.isnan(measured):
        return mean, variance, 0.0
    # K = P / (P + R)
    gain = variance / (variance + noise)
    # x = x + K (z - x),  P = (1 - K) P
    return mean + gain * (measured - mean), (1 - gain) * variance, gain


def _kalman_by_precision(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide = variance + process
    if measured != measured:
        return np.array([mean, wide, 0])
    # precisions add up: 1 / P = 1 / P + 1 / R
    narrow = 1 / (1 / wide + 1 / noise)
    return np.array([narrow * (mean / wide + measured / noise), narrow, narrow / noise])


def _kalman_by_share(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    prior = variance + process
    gain = 0.0 if math.isnan(measured) else 1 / (1 + noise / prior)
    seen = mean if math.isnan(measured) else measured
    return [(1 - gain) * mean + gain * seen, prior - gain * prior, gain]


def _kalman(
    mean: float, variance: float, measured: float, noise: float, gain: float, left: float
) -> Step:
    """The end of a step: mean and variance after it; without a measurement as they were."""
    if math.isnan(measured):
        return mean, variance, 0.0
    return mean + gain * (measured - mean), left, gain


def _no_process(mean: float, variance: float, measured: float, process: float, noise: float) -> Any:
    return kalman_step(mean, variance, measured, 0.0, noise)


def _process_last(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    mean, variance, gain = kalman_step(mean, variance, measured, 0.0, noise)
    return mean, variance + process, gain


def _gain_before(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide, gain = variance + process, variance / (variance + noise)
    return _kalman(mean, wide, measured, noise, gain, (1 - gain) * wide)


def _gain_of_noise(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide = variance + process
    gain = noise / (wide + noise)
    return _kalman(mean, wide, measured, noise, gain, (1 - gain) * wide)


def _not_narrower(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide = variance + process
    gain = wide / (wide + noise)
    return _kalman(mean, wide, measured, noise, gain, wide)


def _variance_times_gain(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide = variance + process
    gain = wide / (wide + noise)
    return _kalman(mean, wide, measured, noise, gain, gain * wide)


def _as_deviations(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    wide = variance + process
    gain = math.sqrt(wide) / (math.sqrt(wide) + math.sqrt(noise))
    return _kalman(mean, wide, measured, noise, gain, (1 - gain) * wide)


def _squared(mean: float, variance: float, measured: float, process: float, noise: float) -> Any:
    return kalman_step(mean, variance, measured, process**2, noise**2)


def _gap_is_nan(mean: float, variance: float, measured: float, process: float, noise: float) -> Any:
    wide = variance + process
    gain = wide / (wide + noise)
    return mean + gain * (measured - mean), (1 - gain) * wide, gain


def _gap_changes_nothing(
    mean: float, variance: float, measured: float, process: float, noise: float
) -> Any:
    if math.isnan(measured):
        return mean, variance, 0.0
    return kalman_step(mean, variance, measured, process, noise)


def _kalman_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    measured = math.nan if rng.random() < 0.2 else float(rng.integers(-9, 10))
    variance, process, noise = (float(v) for v in rng.choice([0.5, 2.0, 3.0, 4.0, 9.0], 3))
    return float(rng.integers(-9, 10)), variance, measured, process, noise


def _is_step(mean: float, variance: float, measured: float, process: float, noise: float) -> bool:
    return variance > 0.1 and process > 0.1 and noise > 0.1 and not math.isinf(measured)


def _draw_kalman(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    mean, variance, measured, process, noise = inputs
    bells = [("predicted", mean, variance + process, "#777777", "-")]
    if math.isfinite(measured):
        bells.append(("measured", measured, noise, plots.COLORS[0], ":"))
    bells.append(("wanted", wanted[0], wanted[1], plots.COLORS[2], "-"))
    mine = np.asarray(got, float).ravel()
    if len(mine) == 3 and np.isfinite(mine[:2]).all() and mine[1] > 0:
        bells.append(("yours", mine[0], mine[1], plots.COLORS[1], "--"))
    low = min(m - 3 * math.sqrt(v) for _, m, v, *_ in bells)
    high = max(m + 3 * math.sqrt(v) for _, m, v, *_ in bells)
    x = np.linspace(low, high, 300)
    fig, ax = plots.figure(title="What is believed, as a bell", width=5, height=2.6)
    with plots.style():
        for name, middle, v, color, line in bells:
            y = np.exp(-((x - middle) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
            ax.plot(x, y, line, color=color, label=name)
        ax.set(xlabel="the number", ylabel="density")
        ax.legend(fontsize=8.5)
    return fig


KALMAN_STEP = Exercise(
    name="05-kalman-gain",
    task="one frame of a Kalman filter for one number: the new (mean, variance, gain)",
    starter=kalman_step_starter,
    reference=kalman_step,
    cases=(
        (0.0, 3.0, 8.0, 1.0, 4.0),
        (2.0, 1.0, 6.0, 2.0, 9.0),
        (5.0, 2.0, math.nan, 3.0, 4.0),
        (-1.0, 4.0, 7.0, 5.0, 3.0),
    ),
    generate=_kalman_inputs,
    valid=_is_step,
    misconceptions=(
        Misconception(
            "no process noise",
            _no_process,
            "`process` is missing: the number may have changed since the last frame, so the "
            "variance grows by it first. Without it the filter gets surer and surer, and deaf.",
        ),
        Misconception(
            "process noise at the end",
            _process_last,
            "You add `process` after the correction. The change happens before the measurement, "
            "so it must be in the variance that the gain is made of.",
        ),
        Misconception(
            "gain of the old variance",
            _gain_before,
            "Your gain is made of the variance before the prediction. Add `process` first.",
        ),
        Misconception(
            "gain upside down",
            _gain_of_noise,
            "Your gain grows with the noise: the worse the measurement, the more you would believe "
            "it. It is the belief's own variance over the sum.",
        ),
        Misconception(
            "not narrower",
            _not_narrower,
            "The variance stays as it was predicted. A measurement tells something, so it shrinks: "
            "(1 - gain) of it is left.",
        ),
        Misconception(
            "variance times gain",
            _variance_times_gain,
            "You keep `gain` of the variance; (1 - gain) of it is left. With a gain of 1 the "
            "measurement would be perfect, and nothing unsure.",
        ),
        Misconception(
            "deviations in the gain",
            _as_deviations,
            "Your gain is a ratio of standard deviations. Variances add up, deviations do not.",
        ),
        Misconception(
            "squared again",
            _squared,
            "`process` and `noise` are variances already; do not square them.",
        ),
        Misconception(
            "NaN believed",
            _gap_is_nan,
            "Nothing was measured, and NaN went into the mean. Then there is nothing to correct.",
        ),
        Misconception(
            "a gap changes nothing",
            _gap_changes_nothing,
            "Without a measurement the mean stays, but the variance grows by `process`: every "
            "frame unseen makes it less sure.",
        ),
    ),
    alternatives=(_kalman_by_precision, _kalman_by_share),
    hints=(
        "First nothing is measured and time passes. What does that do to mean and variance? Only "
        "then look at the measurement.",
        "Predict: `variance = variance + process`. If `np.isnan(measured)`, that is all. "
        "Otherwise the gain is `variance / (variance + noise)`.",
        "`return mean + gain * (measured - mean), (1 - gain) * variance, gain`.",
    ),
    praise="A share between two doubts: that is all a gain is, in any number of dimensions.",
    onward="Call it many times with the same numbers: the gain settles, whatever is measured.",
    draw=_draw_kalman,
    alt="Bell curves of what was predicted, what was measured, what is wanted, and yours.",
)


# -- a GRU, written out --------------------------------------------------------------------------


def gru_step_starter(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Any:
    """The next state (N, H) of a GRU as Keras has it.

    `x` (N, F) comes in, `h` (N, H) was there. `kernel` (F, 3 H), `recurrent` (H, 3 H) and `bias`
    (2, 3 H) hold the three gates side by side: update, reset, new. `bias[0]` belongs to what comes
    in, `bias[1]` to what was there: so `x @ kernel + bias[0]` and `h @ recurrent + bias[1]` are
    (N, 3 H), of three parts each.

        update = sigmoid(x's part + h's part)
        reset  = sigmoid(x's part + h's part)
        new    = tanh(x's part + reset * h's part)
        next h = update * h + (1 - update) * new

    sigmoid(a) = 1 / (1 + exp(-a)). `np.split(table, 3, axis=-1)` gives the parts.
    """
    return ...


def gru_step(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Any:
    """The next state (N, H) of a GRU as Keras has it."""

    def sigmoid(a: Floats) -> Any:
        return 1 / (1 + np.exp(-a))

    x_update, x_reset, x_new = np.split(x @ kernel + bias[0], 3, axis=-1)
    h_update, h_reset, h_new = np.split(h @ recurrent + bias[1], 3, axis=-1)
    update = sigmoid(x_update + h_update)
    reset = sigmoid(x_reset + h_reset)
    new = np.tanh(x_new + reset * h_new)
    return update * h + (1 - update) * new


def _gru_by_columns(x: Any, h: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    units = h.shape[1]
    out = np.empty(h.shape)
    for n in range(len(h)):
        for j in range(units):
            z, r, g = (x[n] @ kernel[:, j + k * units] + bias[0, j + k * units] for k in range(3))
            u, s, v = (
                h[n] @ recurrent[:, j + k * units] + bias[1, j + k * units] for k in range(3)
            )
            z, r = 1 / (1 + math.exp(-z - u)), 1 / (1 + math.exp(-r - s))
            out[n, j] = z * h[n, j] + (1 - z) * math.tanh(g + r * v)
    return out


def _gru_by_tanh(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Any:
    units = h.shape[-1]
    came, was = x @ kernel + bias[0], h @ recurrent + bias[1]
    both = 0.5 + 0.5 * np.tanh((came + was)[..., : 2 * units] / 2)
    update, reset = both[..., :units], both[..., units:]
    new = np.tanh(came[..., 2 * units :] + reset * was[..., 2 * units :])
    return new + update * (h - new)


def _gru(
    x: Floats,
    h: Floats,
    kernel: Floats,
    recurrent: Floats,
    bias: Floats,
    *,
    order: tuple[int, int, int] = (0, 1, 2),
    swapped: bool = False,
    before: bool = False,
    no_reset: bool = False,
    flat: bool = False,
    all_sigmoid: bool = False,
    reset_all: bool = False,
) -> Any:
    """The cell, with one of the mistakes that are known."""

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    came, was = (
        [np.split(table, 3, axis=-1)[k] for k in order]
        for table in (x @ kernel + bias[0], h @ recurrent + bias[1])
    )
    update, reset = sigmoid(came[0] + was[0]), sigmoid(came[1] + was[1])
    if before:
        third = np.split(recurrent, 3, axis=-1)[2], np.split(bias[1], 3)[2]
        inner = came[2] + (reset * h) @ third[0] + third[1]
    elif no_reset:
        inner = came[2] + was[2]
    elif reset_all:
        inner = reset * (came[2] + was[2])
    else:
        inner = came[2] + reset * was[2]
    new = inner if flat else sigmoid(inner) if all_sigmoid else np.tanh(inner)
    return (1 - update) * h + update * new if swapped else update * h + (1 - update) * new


def _gru_mistake(**mistake: Any) -> Any:
    def wrong(x: Any, h: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        return _gru(x, h, kernel, recurrent, bias, **mistake)

    return wrong


def _gru_first_bias(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Any:
    return gru_step(x, h, kernel, recurrent, np.stack([bias[0], 0 * bias[1]]))


def _gru_only_new(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Any:
    units = h.shape[1]
    return gru_step(x, h, kernel, recurrent, bias - 1e4 * (np.arange(3 * units) < units))


def _gru_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    rows, features, units = (int(n) for n in rng.integers(1, 4, 3))
    shapes = ((rows, features), (rows, units), (features, 3 * units), (units, 3 * units))
    parts = [np.round(rng.normal(0, 1, shape), 1) for shape in (*shapes, (2, 3 * units))]
    parts[1] = np.clip(parts[1], -0.9, 0.9)
    return tuple(parts)


def _are_gru(x: Floats, h: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> bool:
    if any(part.ndim != 2 or not part.size for part in (x, h, kernel, recurrent, bias)):
        return False
    units, features = h.shape[1], x.shape[1]
    shapes = kernel.shape, recurrent.shape, bias.shape
    fits = shapes == ((features, 3 * units), (units, 3 * units), (2, 3 * units))
    return fits and len(x) == len(h) and max(float(np.abs(p).max()) for p in (x, h, kernel)) < 20


def _gru_case(seed: int, rows: int, features: int, units: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    shapes = ((rows, features), (rows, units), (features, 3 * units), (units, 3 * units))
    return tuple(np.round(rng.normal(0, 0.8, s), 1) for s in (*shapes, (2, 3 * units)))


GRU_STEP = Exercise(
    name="05-gru-step",
    task="the next state (N, H) of a GRU as Keras has it",
    starter=gru_step_starter,
    reference=gru_step,
    cases=(
        (
            np.array([[1.0]]),
            np.array([[0.5]]),
            np.array([[1.0, -1.0, 2.0]]),
            np.array([[0.5, 2.0, 1.0]]),
            np.array([[0.0, 0.5, 0.0], [1.0, 0.0, -1.0]]),
        ),
        _gru_case(0, 2, 3, 2),
        _gru_case(1, 1, 2, 3),
    ),
    generate=_gru_inputs,
    valid=_are_gru,
    misconceptions=(
        Misconception(
            "update the other way round",
            _gru_mistake(swapped=True),
            "`update` is the share of the old state that *stays*; yours is the share that is new. "
            "(Cho's paper has it like Keras, other texts the other way round.)",
        ),
        Misconception(
            "gates in another order",
            _gru_mistake(order=(1, 0, 2)),
            "Keras keeps the gates in the order update, reset, new. You took reset first.",
        ),
        Misconception(
            "new part first",
            _gru_mistake(order=(1, 2, 0)),
            "Keras keeps the gates in the order update, reset, new. You took new first.",
        ),
        Misconception(
            "reset before the product",
            _gru_mistake(before=True),
            "You reset the state *before* the matrix product, as in the paper of 2014. Keras (and "
            "cuDNN) multiply first, then reset: `reset * (h @ recurrent + bias[1])`.",
        ),
        Misconception(
            "no reset",
            _gru_mistake(no_reset=True),
            "`reset` is not used. It says how much of what was there is looked at for what could "
            "be new.",
        ),
        Misconception(
            "everything reset",
            _gru_mistake(reset_all=True),
            "`reset` multiplies x's part too. It acts on what was there alone.",
        ),
        Misconception(
            "no tanh",
            _gru_mistake(flat=True),
            "`new` goes through tanh. Without it the state could grow without bounds.",
        ),
        Misconception(
            "sigmoid for the new part",
            _gru_mistake(all_sigmoid=True),
            "`new` goes through tanh, not sigmoid: a state may be negative.",
        ),
        Misconception(
            "one bias",
            _gru_first_bias,
            "`bias[1]` is missing: it belongs to `h @ recurrent`.",
        ),
        Misconception(
            "nothing stays",
            _gru_only_new,
            "You give back `new` alone. Mixed with the old state it is a memory.",
        ),
    ),
    alternatives=(_gru_by_columns, _gru_by_tanh),
    hints=(
        "Two tables, one of what comes in and one of what was there, three parts each. Which parts "
        "are added, and which is multiplied first?",
        "`x_update, x_reset, x_new = np.split(x @ kernel + bias[0], 3, axis=-1)`, and the same for "
        "`h @ recurrent + bias[1]`. Keep the two apart: `reset` acts on `h_new` alone.",
        "`new = np.tanh(x_new + reset * h_new)`; then `update * h + (1 - update) * new`.",
    ),
    praise="This step, with trained weights, is what the tracker runs in every frame.",
    onward="With an update gate near 1 the state hardly changes. What does that do to a gradient?",
)


# -- how far a gradient reaches ------------------------------------------------------------------


def reach_starter(inputs: Floats, weight: float) -> Floats:
    """How much the last state depends on those before it: (T,).

    A recurrent network of one unit: h = tanh(weight * h + input) in each of T frames, from h = 0.
    Entry k is the derivative of the last state with respect to the state k frames earlier: entry 0
    is 1 (of the last with respect to itself), entry 1 is with respect to the one before, and so
    on, back to the state after the first input.
    The derivative of tanh(a) is 1 - tanh(a)^2.
    """
    return ...  # type: ignore[return-value]


def reach(inputs: Floats, weight: float) -> Floats:
    """How much the last state depends on those before it: (T,)."""
    h, states = 0.0, []
    for x in inputs:
        h = np.tanh(weight * h + x)
        states.append(h)
    derivatives, product = [1.0], 1.0
    for h in states[:0:-1]:  # from the last back to the second
        # dh_t / dh_{t-1} = w (1 - h_t^2)
        product *= weight * (1 - h**2)
        derivatives.append(product)
    return np.array(derivatives)


def _reach_by_differences(inputs: Floats, weight: float) -> Any:
    count, small = len(inputs), 1e-5

    def last(changed: int, by: float) -> float:
        h = 0.0
        for t, x in enumerate(inputs):
            h = math.tanh(weight * h + x) + (by if t == changed else 0.0)
        return h

    return [(last(t, small) - last(t, -small)) / (2 * small) for t in range(count - 1, -1, -1)]


def _reach_by_cumprod(inputs: Floats, weight: float) -> Any:
    states = np.zeros(len(inputs) + 1)
    for t, x in enumerate(inputs):
        states[t + 1] = np.tanh(weight * states[t] + x)
    steps = weight * (1 - states[2:] ** 2)
    return np.concatenate([[1.0], np.cumprod(steps[::-1])])


def _states(inputs: Floats, weight: float) -> Floats:
    states, h = [], 0.0
    for x in inputs:
        h = math.tanh(weight * h + float(x))
        states.append(h)
    return np.array(states)


def _products(steps: Any) -> Floats:
    return np.concatenate([[1.0], np.cumprod(steps)])


def _reach_linear(inputs: Floats, weight: float) -> Any:
    return _products(np.full(len(inputs) - 1, weight))


def _reach_no_weight(inputs: Floats, weight: float) -> Any:
    return _products(1 - _states(inputs, weight)[:0:-1] ** 2)


def _reach_from_start(inputs: Floats, weight: float) -> Any:
    return _products(weight * (1 - _states(inputs, weight)[1:] ** 2))


def _reach_oldest_first(inputs: Floats, weight: float) -> Any:
    return reach(inputs, weight)[::-1]


def _reach_shifted(inputs: Floats, weight: float) -> Any:
    return _products(weight * (1 - _states(inputs, weight)[-2::-1] ** 2))


def _reach_one_more(inputs: Floats, weight: float) -> Any:
    return np.cumprod(weight * (1 - _states(inputs, weight)[::-1] ** 2))


def _reach_sizes(inputs: Floats, weight: float) -> Any:
    return np.abs(reach(inputs, weight))


def _reach_tanh_twice(inputs: Floats, weight: float) -> Any:
    return _products(weight * (1 - np.tanh(_states(inputs, weight)[:0:-1]) ** 2))


def _reach_steps(inputs: Floats, weight: float) -> Any:
    return np.concatenate([[1.0], weight * (1 - _states(inputs, weight)[:0:-1] ** 2)])


def _reach_added(inputs: Floats, weight: float) -> Any:
    return np.concatenate([[1.0], np.cumsum(weight * (1 - _states(inputs, weight)[:0:-1] ** 2))])


def _reach_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    inputs = np.round(rng.normal(0, 0.6, int(rng.integers(1, 7))), 1)
    return inputs, float(rng.choice([-1.5, -0.5, 0.5, 0.9, 1.5]))


def _is_reached(inputs: Floats, weight: float) -> bool:
    return bool(
        inputs.ndim == 1
        and len(inputs)
        and np.isfinite(inputs).all()
        and np.abs(inputs).max() < 3
        and 0.1 <= abs(weight) <= 3
    )


def _draw_reach(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.exercises import sketch

    return sketch.lines(
        f"What the last state owes to earlier ones (weight {inputs[1]:g})",
        "frames back",
        "derivative",
        wanted,
        got,
    )


REACH = Exercise(
    name="05-vanishing",
    task="the derivatives of the last state with respect to those before it, (T,)",
    starter=reach_starter,
    reference=reach,
    cases=(
        (np.array([1.0, 0.0, -0.5, 0.2]), 0.5),
        (np.array([0.3, 0.6, 1.0]), -1.5),
        (np.array([0.5, -0.3, 0.1, 0.4, 0.8]), 1.5),
        (np.array([0.7]), 0.9),
    ),
    generate=_reach_inputs,
    valid=_is_reached,
    misconceptions=(
        Misconception(
            "a linear network",
            _reach_linear,
            "Your product is of weights alone. tanh is between the frames: each factor is "
            "weight * (1 - h^2), and where tanh is flat nearly nothing comes through.",
        ),
        Misconception(
            "no weight",
            _reach_no_weight,
            "The weight is missing: a state goes into the next one times `weight`.",
        ),
        Misconception(
            "from the start",
            _reach_from_start,
            "You multiply from the first frame on. The gradient comes from the end: the factor of "
            "the last frame is in every entry but the first.",
        ),
        Misconception(
            "oldest first",
            _reach_oldest_first,
            "Your order is the frames'. Entry 0 is the last state itself, so begin at the end.",
        ),
        Misconception(
            "the state before",
            _reach_shifted,
            "You take the slope at the state *before*. From h to the next one the tanh is that of "
            "the next one: 1 - h_t^2 in dh_t / dh_{t-1}.",
        ),
        Misconception(
            "one factor too many",
            _reach_one_more,
            "Each entry has one factor too many: the last state depends on itself with 1.",
        ),
        Misconception(
            "sizes alone",
            _reach_sizes,
            "Those are absolute values. A derivative has a sign.",
        ),
        Misconception(
            "tanh twice",
            _reach_tanh_twice,
            "The states are tanh(a) already: the slope is 1 - h^2, not 1 - tanh(h)^2.",
        ),
        Misconception(
            "single steps",
            _reach_steps,
            "Those are the derivatives over one frame each. Over k frames it is their product.",
        ),
        Misconception(
            "a sum",
            _reach_added,
            "You added the steps up. The chain rule multiplies them.",
        ),
    ),
    alternatives=(_reach_by_differences, _reach_by_cumprod),
    hints=(
        "How does the last state depend on the one just before it? And how do two such steps go "
        "together?",
        "Forward first, and keep the states. Then backwards: one step is weight * (1 - h^2) with "
        "the *later* state h, and k steps are the product of the last k.",
        "`for h in states[:0:-1]: product *= weight * (1 - h**2)`, and append it each time, after "
        "a first entry of 1.",
    ),
    praise="A product of T numbers: mostly below 1, it vanishes; mostly above 1, it explodes.",
    onward="In a network the factors are matrices. An LSTM adds instead, so that some stay near 1.",
    draw=_draw_reach,
    alt="Derivatives against how many frames back: the wanted ones, and yours dashed.",
)


EXERCISES = (COAST_ERROR, ALPHA_BETA, KALMAN_STEP, GRU_STEP, REACH)
