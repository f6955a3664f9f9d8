"""Exercises of lesson 02: sizes, cross-entropy, calibration, confusion, batch normalization."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# -- count weights -------------------------------------------------------------------------------


def count_weights_starter(shape: Any, filters: Any, units: Any) -> int:
    """How many weights a network like the article's has, biases included.

    It sees images of `shape` (height, width, channels). Each number in `filters` is a layer of
    that many 3x3 convolutions without padding; between two such layers there is a 2x2 max pooling
    with stride 2 (none after the last). Then the features are flattened, and each number in
    `units` is a dense layer of that many units.
    """
    return ...  # type: ignore[return-value]


def count_weights(shape: Any, filters: Any, units: Any) -> int:
    """How many weights a network like the article's has, biases included."""
    height, width, channels = shape
    weights = 0
    for number, count in enumerate(filters):
        if number > 0:
            height, width = height // 2, width // 2  # pooling has no weights
        # each filter: 3 * 3 * channels, and a bias
        weights += (3 * 3 * channels + 1) * count
        height, width, channels = height - 2, width - 2, count
    inputs = height * width * channels
    for count in units:
        # each unit: one for every input, and a bias
        weights += (inputs + 1) * count
        inputs = count
    return weights


def _count_by_shapes(shape: Any, filters: Any, units: Any) -> int:
    sides, depth, shapes = list(shape[:2]), shape[2], []
    for place, count in enumerate(filters):
        shapes += [(3, 3, depth, count), (count,)]
        sides = [side - 2 for side in sides]
        if place + 1 < len(filters):
            sides = [side // 2 for side in sides]
        depth = count
    widths = [math.prod(sides) * depth, *units]
    for i, count in enumerate(units):
        shapes += [(widths[i], count), (count,)]
    return sum(math.prod(s) for s in shapes)


def _chain(
    shape: Any,
    filters: Any,
    units: Any,
    *,
    bias: int = 1,
    dense_bias: int = 1,
    border: int = 2,
    channels_in: bool = True,
    pool: bool = True,
    pool_last: bool = False,
    round_up: bool = False,
) -> int:
    """`count_weights` with its mistakes as switches."""
    height, width, channels = shape
    weights = 0
    for number, count in enumerate(filters):
        weights += (9 * (channels if channels_in else 1) + bias) * count
        height, width, channels = height - border, width - border, count
        if pool and (pool_last or number + 1 < len(filters)):
            up = 1 if round_up else 0
            height, width = (height + up) // 2, (width + up) // 2
    inputs = height * width * channels
    for count in units:
        weights += (inputs + dense_bias) * count
        inputs = count
    return weights


def _without_biases(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, bias=0, dense_bias=0)


def _without_filter_biases(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, bias=0)


def _without_unit_biases(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, dense_bias=0)


def _without_dense(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, ())


def _without_last_dense(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units[:-1])


def _without_convolutions(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units) - _chain(shape, filters, ())


def _padded(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, border=0)


def _flat_filters(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, channels_in=False)


def _never_pooled(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, pool=False)


def _pooled_last(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, pool_last=True)


def _rounded_up(shape: Any, filters: Any, units: Any) -> int:
    return _chain(shape, filters, units, round_up=True)


def _flattened_channels_only(shape: Any, filters: Any, units: Any) -> int:
    weights, channels = 0, shape[2]
    for count in filters:
        weights += (9 * channels + 1) * count
        channels = count
    for count in units:
        weights += (channels + 1) * count
        channels = count
    return weights


def _network(rng: np.random.Generator) -> tuple[Any, ...]:
    convolutions = int(rng.integers(1, 4))
    height, width = (int(n) for n in rng.integers(24, 41, 2))
    filters = tuple(int(n) for n in rng.integers(1, 65, convolutions))
    units = tuple(int(n) for n in rng.integers(1, 65, int(rng.integers(1, 3))))
    return (height, width, int(rng.integers(1, 5))), filters, units


def _network_fits(shape: Any, filters: Any, units: Any) -> bool:
    if len(shape) != 3 or not filters or not units or min(*shape, *filters, *units) < 1:
        return False
    height, width = shape[:2]
    for number in range(len(filters)):
        if number:
            height, width = height // 2, width // 2
        height, width = height - 2, width - 2
    return min(height, width) >= 2 and max(*shape, *filters, *units) <= 100


def _draw_network(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import classification

    (height, width, channels), filters, units = inputs
    rows: list[tuple[str, str, str]] = [("image", f"{height} x {width} x {channels}", "")]
    for number, count in enumerate(filters):
        if number:
            height, width = height // 2, width // 2
            rows.append(("2x2 max pooling", f"{height} x {width} x {channels}", "0"))
        sum_ = f"(9 x {channels} + 1) x {count} = {(9 * channels + 1) * count:,}"
        height, width, channels = height - 2, width - 2, count
        rows.append((f"3x3 convolution, {count}", f"{height} x {width} x {channels}", sum_))
    entering = height * width * channels
    rows.append(("flatten", f"{entering:,}", "0"))
    for count in units:
        sum_ = f"({entering:,} + 1) x {count} = {(entering + 1) * count:,}"
        rows.append((f"dense, {count}", f"{count}", sum_))
        entering = count
    return classification.table(("layer", "shape after it", "weights"), rows)


COUNT_WEIGHTS = Exercise(
    name="02-count-weights",
    task="the number of weights of a network of 3x3 convolutions, 2x2 poolings and dense layers",
    starter=count_weights_starter,
    reference=count_weights,
    cases=(
        ((32, 32, 3), (32, 64, 64), (64, 10)),
        ((8, 8, 1), (1,), (1,)),
        ((8, 8, 3), (2,), (1,)),
        ((11, 11, 1), (2, 3), (4,)),
        ((20, 31, 2), (4, 5), (6, 3)),
    ),
    generate=_network,
    valid=_network_fits,
    misconceptions=(
        Misconception(
            "no biases",
            _without_biases,
            "You left out the biases: every filter and every unit has one number more, which is "
            "added to its sum.",
        ),
        Misconception(
            "no biases in convolutions",
            _without_filter_biases,
            "Your convolutions have no biases: every filter has one number more, which is added to "
            "its sum.",
        ),
        Misconception(
            "no biases in dense layers",
            _without_unit_biases,
            "Your dense layers have no biases: every unit has one number more, which is added to "
            "its sum.",
        ),
        Misconception(
            "no dense layers",
            _without_dense,
            "You counted the convolutions only. The dense layers have weights too: each unit one "
            "for every input, and a bias.",
        ),
        Misconception(
            "last dense layer left out",
            _without_last_dense,
            "You left out the last dense layer, which gives the answer. It has weights too.",
        ),
        Misconception(
            "no convolutions",
            _without_convolutions,
            "You counted the dense layers only. A filter has 3 x 3 x channels weights, and a bias.",
        ),
        Misconception(
            "padded",
            _padded,
            "You kept the size through a convolution. Without padding a 3x3 kernel fits in one "
            "place less at every edge: 32 becomes 30.",
        ),
        Misconception(
            "flat filters",
            _flat_filters,
            "You gave each filter 3 x 3 numbers. It looks at all channels at once: 3 x 3 x "
            "channels.",
        ),
        Misconception(
            "never pooled",
            _never_pooled,
            "You forgot what pooling does to the size: it halves height and width, and so "
            "quarters what is flattened.",
        ),
        Misconception(
            "pooled after the last",
            _pooled_last,
            "You pooled after the last convolution too. The article pools after the first two of "
            "its three.",
        ),
        Misconception(
            "rounded up",
            _rounded_up,
            "Where a side is odd, the last row or column has no partner, and pooling drops it: "
            "15 becomes 7.",
        ),
        Misconception(
            "channels only",
            _flattened_channels_only,
            "You gave the dense layer one number a channel. Flattening keeps all positions: "
            "height x width x channels.",
        ),
    ),
    alternatives=(_count_by_shapes,),
    hints=(
        "Walk through the layers with three numbers in hand: height, width and channels. Which of "
        "them does a convolution change, and which a pooling?",
        "A convolution has `(3 * 3 * channels + 1) * filters` weights, takes 2 off height and "
        "width, and leaves `filters` channels. Pooling halves (`// 2`) and has no weights.",
        "After the last convolution there are `height * width * channels` numbers. A dense layer "
        "has `(inputs + 1) * units` weights, and its units are the next one's inputs.",
    ),
    praise="You can read the size of a network off its description.",
    onward="Most of them sit in the first dense layer: that is why later networks pool more.",
    draw=_draw_network,
    alt="The layers of the network in a table, each with the shape after it and its weights.",
)


# -- cross-entropy -------------------------------------------------------------------------------


def cross_entropy_starter(logits: Floats, labels: Whole) -> float:
    """The mean cross-entropy of `logits` (N, K) and `labels` (N,), whole numbers from 0 to K - 1.

    It must be right for logits of any size: for 1000 and for -1000 too.
    """
    return ...  # type: ignore[return-value]


def cross_entropy(logits: Floats, labels: Whole) -> float:
    """The mean cross-entropy of `logits` (N, K) and `labels` (N,)."""
    # softmax does not change when every logit of a row is moved by the same amount
    z = logits - logits.max(axis=1, keepdims=True)
    # - log p[n, k] = log sum over j of exp z[n, j] - z[n, k]
    surprise = np.log(np.exp(z).sum(axis=1, keepdims=True)) - z
    # loss = mean over n of - log p[n, y[n]]
    return float(surprise[np.arange(len(labels)), labels].mean())


def _cross_entropy_by_scipy(logits: Any, labels: Any) -> Any:
    from scipy.special import logsumexp

    right = np.take_along_axis(np.asarray(logits), np.asarray(labels)[:, None], 1)[:, 0]
    return np.mean(logsumexp(logits, axis=-1) - right)


def _cross_entropy_by_loop(logits: Any, labels: Any) -> float:
    losses = []
    for row, label in zip(np.asarray(logits).tolist(), np.asarray(labels).tolist(), strict=True):
        top = max(row)
        losses.append(top - row[label] + math.log(sum(math.exp(z - top) for z in row)))
    return sum(losses) / len(losses)


def _softmax(logits: Floats, axis: int = -1) -> Floats:
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True))


def _chosen(probabilities: Floats, labels: Whole) -> Floats:
    return np.asarray(probabilities[np.arange(len(labels)), labels])


def _softmax_twice(logits: Floats, labels: Whole) -> float:
    return cross_entropy(_softmax(logits), labels)


def _overflows(logits: Floats, labels: Whole) -> float:
    e = np.exp(logits)
    return float(-np.log(_chosen(e / e.sum(1, keepdims=True), labels)).mean())


def _overflows_in_the_log(logits: Floats, labels: Whole) -> float:
    return float((np.log(np.exp(logits).sum(1)) - _chosen(logits, labels)).mean())


def _underflows(logits: Floats, labels: Whole) -> float:
    return float(-np.log(_chosen(_softmax(logits), labels)).mean())


def _peak_of_all(logits: Floats, labels: Whole) -> float:
    z = logits - logits.max()
    return float((np.log(np.exp(z).sum(1)) - _chosen(z, labels)).mean())


def _peak_of_all_by_quotient(logits: Floats, labels: Whole) -> float:
    e = np.exp(logits - logits.max())
    return float(-np.log(_chosen(e / e.sum(1, keepdims=True), labels)).mean())


def _clipped(logits: Floats, labels: Whole, least: float = 1e-7) -> float:
    return float(-np.log(_chosen(_softmax(logits), labels).clip(least)).mean())


def _lifted(logits: Floats, labels: Whole, least: float) -> float:
    return float(-np.log(_chosen(_softmax(logits), labels) + least).mean())


def _overflows_and_lifted(logits: Floats, labels: Whole, least: float) -> float:
    e = np.exp(logits)
    return float(-np.log(_chosen(e / e.sum(1, keepdims=True), labels) + least).mean())


def _overflows_and_clipped(logits: Floats, labels: Whole, least: float) -> float:
    e = np.exp(logits)
    return float(-np.log(_chosen(e / e.sum(1, keepdims=True), labels).clip(least)).mean())


def _with_each(answer: Any) -> tuple[Any, ...]:
    """One answer for each number that people write to keep a logarithm finite."""
    usual = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30)
    return tuple(functools.partial(answer, least=least) for least in usual)


def _as_probabilities(logits: Floats, labels: Whole) -> float:
    """What Keras computes without `from_logits=True`: it clips, and makes the sum 1."""
    p = logits.clip(1e-7, 1 - 1e-7)
    return float(-np.log(_chosen(p / p.sum(1, keepdims=True), labels)).mean())


def _log_of_logits(logits: Floats, labels: Whole) -> float:
    return float(-np.log(_chosen(logits, labels)).mean())


def _log_of_clipped_logits(logits: Floats, labels: Whole, least: float) -> float:
    return float(-np.log(_chosen(logits, labels).clip(least)).mean())


def _log_of_logits_in_01(logits: Floats, labels: Whole, least: float) -> float:
    return float(-np.log(_chosen(logits, labels).clip(least, 1 - least)).mean())


def _summed(logits: Floats, labels: Whole) -> float:
    return cross_entropy(logits, labels) * len(labels)


def _per_class(logits: Floats, labels: Whole) -> float:
    return cross_entropy(logits, labels) / logits.shape[1]


def _over_the_batch(logits: Floats, labels: Whole) -> float:
    e = logits - logits.max(0)
    log_p = e - np.log(np.exp(e).sum(0))
    return float(-_chosen(log_p, labels).mean())


def _over_everything(logits: Floats, labels: Whole) -> float:
    e = logits - logits.max()
    return float(-_chosen(e - np.log(np.exp(e).sum()), labels).mean())


def _positive_log(logits: Floats, labels: Whole) -> float:
    return -cross_entropy(logits, labels)


def _of_best_class(logits: Floats, labels: Whole) -> float:
    return cross_entropy(logits, logits.argmax(1))


def _in_bits(logits: Floats, labels: Whole) -> float:
    return cross_entropy(logits, labels) / math.log(2)


def _scored(rng: np.random.Generator) -> tuple[Any, ...]:
    rows, classes = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    logits = np.round(rng.normal(0, 3, (rows, classes)), 1)
    return logits, rng.integers(0, classes, rows)


def _is_scored(logits: Floats, labels: Whole) -> bool:
    return bool(
        logits.ndim == 2
        and labels.ndim == 1
        and len(logits) == len(labels) > 0
        and logits.shape[1] >= 2
        and labels.min() >= 0
        and labels.max() < logits.shape[1]
        # just before it overflows, arithmetic is merely odd: that would be no clear example
        and ((abs(logits) <= 30) | (logits % 1000 == 0)).all()
    )


def _draw_cross_entropy(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import classification

    logits, labels = inputs
    losses = np.array([cross_entropy(logits[[n]], labels[[n]]) for n in range(len(labels))])
    worst = int(losses.argmax())
    rows = f", mean of {len(labels)} rows" if len(labels) > 1 else ""
    mine = float(np.asarray(got).item())
    return classification.softmax_steps(
        logits[worst],
        int(labels[worst]),
        twice=math.isclose(mine, _softmax_twice(logits, labels), rel_tol=1e-4),
        title=f"Wanted {float(wanted):.4g}{rows}; yours {mine:.4g}",
    )


CROSS_ENTROPY = Exercise(
    name="02-cross-entropy",
    task="the mean cross-entropy of logits (N, K) and labels (N,), right for logits of any size",
    starter=cross_entropy_starter,
    reference=cross_entropy,
    cases=(
        (np.array([[2.0, 0.0, -1.0]]), np.array([0])),
        (np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 1.0]]), np.array([2, 1])),
        (np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), np.array([0, 1, 1])),
        (np.array([[1000.0, 0.0]]), np.array([0])),
        (np.array([[1000.0, 0.0]]), np.array([1])),
        (np.array([[-1000.0, -1001.0, -1000.0]]), np.array([1])),
        (np.array([[1.0, 5.0], [7.0, 2.0]]), np.array([0, 1])),
        # rows of very different size: each needs its own largest logit taken off
        (np.array([[1000.0, 0.0], [0.0, 0.0]]), np.array([0, 1])),
    ),
    generate=_scored,
    valid=_is_scored,
    misconceptions=(
        Misconception(
            "softmax twice",
            _softmax_twice,
            "You applied softmax twice: first to get probabilities, then to those probabilities as "
            "if they were logits. That is the article's mistake.",
        ),
        Misconception(
            "overflow",
            _overflows,
            "For logits of ordinary size you are right. But `np.exp(1000)` is infinite, and "
            "infinity over infinity is NaN. Take the row's largest logit off first: softmax does "
            "not change.",
            variants=(*_with_each(_overflows_and_lifted), *_with_each(_overflows_and_clipped)),
        ),
        Misconception(
            "overflow in the logarithm",
            _overflows_in_the_log,
            "For logits of ordinary size you are right. But `np.exp(1000)` is infinite and "
            "`np.exp(-1000)` is 0. log sum exp(z) = m + log sum exp(z - m), with m the row's "
            "largest logit.",
        ),
        Misconception(
            "largest of all",
            _peak_of_all,
            "Take the largest of each row, not of the whole array: beside a row with 1000, all "
            "powers of a row of zeros are rounded to 0. `logits.max(axis=1, keepdims=True)`.",
            variants=(_peak_of_all_by_quotient,),
        ),
        Misconception(
            "underflow",
            _underflows,
            "You are nearly there: nothing overflows. But a probability of exp(-1000) is rounded "
            "to 0, and its logarithm is infinite. Do not take the logarithm of a quotient: "
            "log(a / b) = log a - log b, and log exp(z) is z.",
        ),
        Misconception(
            "clipped",
            _clipped,
            "You keep the probability above a small number, so the loss of a confident mistake is "
            "capped, and so is what the network can learn from it. Stay with logarithms: "
            "log p = z - log sum exp(z).",
            variants=(*_with_each(_clipped), *_with_each(_lifted)),
        ),
        Misconception(
            "logits taken for probabilities",
            _as_probabilities,
            "You took the logits for probabilities: no softmax was applied. A Keras loss that is "
            "not told `from_logits=True` does the same. Logits are any numbers, negative ones too; "
            "the softmax belongs inside the loss.",
            variants=(
                _log_of_logits,
                *_with_each(_log_of_clipped_logits),
                *_with_each(_log_of_logits_in_01),
            ),
        ),
        Misconception(
            "sum",
            _summed,
            "That is the sum over the examples; wanted is their mean.",
        ),
        Misconception(
            "mean over classes too",
            _per_class,
            "You divided by N * K. A mean over all entries counts the K - 1 zeros of each row "
            "too: pick each row's own class, then take the mean of those N numbers.",
        ),
        Misconception(
            "softmax down the batch",
            _over_the_batch,
            "Your softmax runs down the batch (axis 0): it makes the images compete for a class. "
            "The classes of one image compete: axis 1.",
        ),
        Misconception(
            "softmax over everything",
            _over_everything,
            "Your probabilities add up to 1 over the whole batch. They must add up to 1 in each "
            "row: `axis=1, keepdims=True`.",
        ),
        Misconception(
            "sign",
            _positive_log,
            "A probability is at most 1, so its logarithm is at most 0. The loss is minus that.",
        ),
        Misconception(
            "the winner's loss",
            _of_best_class,
            "You took the probability of the class that the network prefers. Wanted is that of "
            "the true class, `labels`.",
        ),
        Misconception(
            "bits",
            _in_bits,
            "You took logarithms to base 2. Networks are trained with natural ones, `np.log`.",
        ),
    ),
    alternatives=(_cross_entropy_by_scipy, _cross_entropy_by_loop),
    hints=(
        "Three steps: logits to log-probabilities, row by row; the one of the true class; minus "
        "their mean.",
        "log p = z - log(sum(exp(z))) along axis 1. Moving all logits of a row by the same amount "
        "changes nothing: `z = logits - logits.max(axis=1, keepdims=True)` is safe.",
        "`log_p[np.arange(len(labels)), labels]` picks each row's own class.",
    ),
    praise="One softmax, inside the loss, where it can be computed without overflow.",
    onward="That is why a network should put out logits, and the loss be told `from_logits=True`.",
    draw=_draw_cross_entropy,
    alt="Bars of the logits of one example, and of the probabilities that softmax makes of them.",
)


# -- confusion -----------------------------------------------------------------------------------


def confusion_starter(truth: Whole, predicted: Whole, classes: int) -> Whole:
    """The confusion matrix (classes, classes): how often what was taken for what.

    Entry [i, j] counts the examples of class i that were predicted as class j. `truth` and
    `predicted` are (N,), whole numbers from 0 to classes - 1.
    """
    return ...  # type: ignore[return-value]


def confusion(truth: Whole, predicted: Whole, classes: int) -> Whole:
    """The confusion matrix (classes, classes): rows are the truth, columns the prediction."""
    matrix = np.zeros((classes, classes), np.int64)
    # c[i, j] = number of examples n with truth[n] = i and predicted[n] = j
    np.add.at(matrix, (truth, predicted), 1)  # counts repeated pairs, which += does not
    return matrix


def _confusion_by_bincount(truth: Any, predicted: Any, classes: int) -> Any:
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _confusion_by_loop(truth: Any, predicted: Any, classes: int) -> Any:
    matrix = [[0] * classes for _ in range(classes)]
    for i, j in zip(truth, predicted, strict=True):
        matrix[i][j] += 1
    return matrix


def _transposed(truth: Whole, predicted: Whole, classes: int) -> Whole:
    return confusion(predicted, truth, classes)


def _counted_once(truth: Whole, predicted: Whole, classes: int) -> Whole:
    matrix = np.zeros((classes, classes), np.int64)
    matrix[truth, predicted] += 1
    return matrix


def _shares(truth: Whole, predicted: Whole, classes: int) -> Any:
    matrix = confusion(truth, predicted, classes)
    return matrix / np.maximum(matrix.sum(1, keepdims=True), 1)


def _only_hits(truth: Whole, predicted: Whole, classes: int) -> Any:
    return np.diag(np.diag(confusion(truth, predicted, classes)))


def _only_mistakes(truth: Whole, predicted: Whole, classes: int) -> Any:
    matrix = confusion(truth, predicted, classes)
    return matrix - np.diag(np.diag(matrix))


def _predictions(rng: np.random.Generator) -> tuple[Any, ...]:
    classes, count = int(rng.integers(2, 6)), int(rng.integers(1, 20))
    return rng.integers(0, classes, count), rng.integers(0, classes, count), classes


def _are_predictions(truth: Whole, predicted: Whole, classes: int) -> bool:
    known = np.concatenate([truth, predicted])
    return bool(
        truth.shape == predicted.shape
        and truth.ndim == 1
        and len(truth) > 0
        and 2 <= classes <= 10
        and known.min() >= 0
        and known.max() < classes
    )


def _draw_confusion(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import convolutions

    mine = np.asarray(got, float)
    if mine.shape != np.shape(wanted):
        return None
    truth, predicted, _ = inputs
    return convolutions.numbers(
        [np.stack([truth, predicted]), mine, wanted],
        ["given", "yours", "wanted"],
        title="Row: true class. Column: taken for",
    )


CONFUSION = Exercise(
    name="02-confusion",
    task="the confusion matrix: entry [i, j] counts examples of class i predicted as class j",
    starter=confusion_starter,
    reference=confusion,
    cases=(
        (np.array([0, 1, 1]), np.array([0, 1, 0]), 2),
        (np.array([2, 2, 2, 0]), np.array([1, 1, 2, 0]), 3),
        (np.array([0]), np.array([3]), 4),
        (np.array([1, 1, 1, 1]), np.array([1, 1, 1, 1]), 2),
    ),
    generate=_predictions,
    valid=_are_predictions,
    misconceptions=(
        Misconception(
            "transposed",
            _transposed,
            "Rows and columns are swapped: a row is what the example was, a column what it was "
            "taken for.",
        ),
        Misconception(
            "each pair once",
            _counted_once,
            "`matrix[truth, predicted] += 1` adds 1 to each entry at most once, however often the "
            "pair occurs: NumPy reads, adds and writes back. `np.add.at` or a loop counts all.",
        ),
        Misconception(
            "shares",
            _shares,
            "You divided each row by its sum. That is a good thing to look at; wanted here are "
            "the counts.",
        ),
        Misconception(
            "hits only",
            _only_hits,
            "You counted the hits, the diagonal. The mistakes stand beside it.",
        ),
        Misconception(
            "mistakes only",
            _only_mistakes,
            "You left the diagonal empty: the hits belong there.",
        ),
    ),
    alternatives=(_confusion_by_bincount, _confusion_by_loop),
    hints=(
        "Take one example by itself. Which cell of the table does it belong to, and what happens "
        "to that cell?",
        "Begin with `np.zeros((classes, classes), int)`. For each pair of a true and a predicted "
        "class, add 1 at `[true, predicted]`: a loop over `zip(truth, predicted)` will do.",
        "Without a loop: `np.add.at(matrix, (truth, predicted), 1)`.",
    ),
    praise="The diagonal over the sum is the accuracy; a row tells what a class is taken for.",
    onward="Which two classes does your network confuse most? Section 4 looks.",
    draw=_draw_confusion,
    alt="Two confusion matrices side by side: yours and the wanted one.",
)


# -- calibration ---------------------------------------------------------------------------------

_EDGE = 1e-6  # a confidence nearer than this to the edge of a bin could count on either side


def calibration_starter(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    """The expected calibration error (ECE), from 0 (honest) to 1.

    `confidences` (N,) are the probabilities, 0 to 1, of the predicted classes, and `correct` (N,)
    says which predictions were right. Sort the examples into `bins` bins of equal width between 0
    and 1. In each bin, compare the share of right answers with the mean confidence. Weigh each
    bin's difference by its share of the examples, and add up. An empty bin counts nothing.
    """
    return ...  # type: ignore[return-value]


def calibration(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    """The expected calibration error (ECE), Guo et al. (2017), equation 3."""
    place = np.minimum((confidences * bins).astype(int), bins - 1)  # 1.0 belongs to the last bin
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            # ECE = sum over bins of |B| / N * |accuracy(B) - confidence(B)|
            gap = abs(correct[inside].mean() - confidences[inside].mean())
            error += inside.mean() * gap
    return float(error)


def _calibration_by_sums(confidences: Any, correct: Any, bins: int) -> Any:
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    place = np.digitize(confidences, edges)
    gap = np.bincount(place, np.asarray(correct, float) - confidences, bins)
    return np.abs(gap).sum() / len(confidences)


def _gaps(
    confidences: Floats, correct: NDArray[np.bool_], bins: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre, share, accuracy and mean confidence of each bin that is not empty."""
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    used = np.unique(place)
    rows = [
        (
            (b + 0.5) / bins,
            (place == b).mean(),
            correct[place == b].mean(),
            confidences[place == b].mean(),
        )
        for b in used
    ]
    centre, share, accuracy, confidence = np.array(rows, float).T
    return centre, share, accuracy, confidence


def _bins_alike(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    _, _, accuracy, confidence = _gaps(confidences, correct, bins)
    return float(np.abs(accuracy - confidence).mean())


def _empty_is_nan(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    used = len(_gaps(confidences, correct, bins)[0])
    return calibration(confidences, correct, bins) if used == bins else math.nan


def _signed(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    _, share, accuracy, confidence = _gaps(confidences, correct, bins)
    return float((share * (accuracy - confidence)).sum())


def _signed_other_way(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    return -_signed(confidences, correct, bins)


def _from_centres(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    centre, share, accuracy, _ = _gaps(confidences, correct, bins)
    return float((share * np.abs(accuracy - centre)).sum())


def _one_bin(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    return float(abs(correct.mean() - confidences.mean()))


def _largest_gap(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    _, _, accuracy, confidence = _gaps(confidences, correct, bins)
    return float(np.abs(accuracy - confidence).max())


def _certain_is_lost(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    error = 0.0
    for b in range(bins):
        inside = (confidences >= b / bins) & (confidences < (b + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidences[inside].mean())
    return float(error)


def _edges_twice(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    error = 0.0
    for b in range(bins):
        inside = (confidences >= b / bins) & (confidences <= (b + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidences[inside].mean())
    return float(error)


def _each_example(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> float:
    return float(np.abs(correct - confidences).mean())


def _judged(rng: np.random.Generator) -> tuple[Any, ...]:
    while True:
        count, bins = int(rng.integers(1, 15)), int(rng.choice([2, 4, 5, 10]))
        confidences = np.round(rng.random(count), 2)
        confidences[rng.random(count) < 0.1] = 1.0
        inputs = confidences, rng.random(count) < confidences, bins
        if _are_judged(*inputs):
            return inputs


def _are_judged(confidences: Floats, correct: NDArray[np.bool_], bins: int) -> bool:
    if confidences.shape != correct.shape or confidences.ndim != 1 or not len(confidences):
        return False
    if not 2 <= bins <= 20 or confidences.min() < 0 or confidences.max() > 1:
        return False
    # who counts an edge to which side is a matter of taste; the ends are not
    inner = confidences[(confidences > 0) & (confidences < 1)] * bins
    return bool((np.abs(inner - np.round(inner)) > _EDGE * bins).all())


def _draw_calibration(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab import plots

    confidences, correct, bins = inputs
    count = len(confidences)
    return plots.reliability(
        {f"{count} example{'s' * (count > 1)}": (confidences, correct)},
        bins=bins,
        title=f"ECE {float(wanted):.3f}, yours {float(np.asarray(got).item()):.3f}",
    )


CALIBRATION = Exercise(
    name="02-calibration",
    task="the expected calibration error of confidences (N,) and right-or-wrong (N,), in bins",
    starter=calibration_starter,
    reference=calibration,
    cases=(
        (np.array([0.9, 0.8]), np.array([True, False]), 2),
        (np.array([0.9, 0.3, 0.85]), np.array([True, False, False]), 2),
        (np.array([1.0, 1.0]), np.array([True, False]), 10),
        (np.array([0.6, 0.7, 0.9, 0.95]), np.array([True, True, False, True]), 4),
        (np.array([0.35, 0.95]), np.array([True, False]), 2),
        (np.array([0.0, 0.55]), np.array([False, True]), 5),
        # on an edge, but alone: right whichever side it is counted to, wrong if to both
        (np.array([0.5]), np.array([True]), 2),
        (np.array([0.3, 0.75]), np.array([False, True]), 4),
    ),
    generate=_judged,
    valid=_are_judged,
    misconceptions=(
        Misconception(
            "bins alike",
            _bins_alike,
            "You gave every bin the same weight. A bin with a single example would count as much "
            "as one with a thousand: weigh by the share of the examples in it.",
        ),
        Misconception(
            "empty bins",
            _empty_is_nan,
            "The mean of an empty bin is NaN, and spreads to the sum. Skip bins without examples.",
        ),
        Misconception(
            "signed",
            _signed,
            "You added the gaps with their signs, so too confident and too modest cancel. Take "
            "the absolute value in each bin.",
        ),
        Misconception(
            "signed, the other way round",
            _signed_other_way,
            "You added the gaps with their signs, so too confident and too modest cancel. Take "
            "the absolute value in each bin.",
        ),
        Misconception(
            "centres of bins",
            _from_centres,
            "You compared with the middle of the bin. Compare with the mean of the confidences "
            "that are in it.",
        ),
        Misconception(
            "one bin",
            _one_bin,
            "You compared the accuracy of all with the confidence of all. A network can be too "
            "sure here and too modest there, and look honest on the whole: go bin by bin.",
        ),
        Misconception(
            "largest gap",
            _largest_gap,
            "That is the largest gap of a bin, the maximum calibration error. Wanted is the "
            "weighted mean of all.",
        ),
        Misconception(
            "certainty lost",
            _certain_is_lost,
            "A confidence of exactly 1 falls into none of your bins. Networks are often that "
            "sure: it belongs to the last bin.",
        ),
        Misconception(
            "edges counted twice",
            _edges_twice,
            "A confidence on the edge between two bins falls into both of yours: `>=` and `<=`. "
            "Each example counts once, on either side: make one of the two comparisons strict.",
        ),
        Misconception(
            "each example",
            _each_example,
            "You compared each confidence with 0 or 1. A forecast of 0.7 that comes true seven "
            "times in ten is honest: compare means, bin by bin.",
        ),
    ),
    alternatives=(_calibration_by_sums,),
    hints=(
        "`(confidences * bins).astype(int)` says which bin each example is in. Where does a "
        "confidence of exactly 1 go?",
        "For each bin that is not empty: `abs(correct[inside].mean() - confidences[inside].mean())`"
        ", where `inside` is a mask.",
        "Weigh each by `inside.mean()`, the share of all examples that are in the bin, and add up.",
    ),
    praise="Now you can say whether a network means what it says.",
    onward="Trackers lean on scores all the time. Lesson 06 throws detections away by theirs.",
    draw=_draw_calibration,
    alt="A reliability diagram: accuracy against confidence, bin by bin, with the gaps.",
)


# -- batch normalization -------------------------------------------------------------------------


def batch_norm_starter(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    """Batch normalization of `features` (N, H, W, C), as in training: the same shape.

    Each channel gets mean 0 and variance 1 over the whole batch (`epsilon` is added to the variance
    before the square root, so that a constant channel does not divide by 0). Then it is multiplied
    by its `gamma` and moved by its `beta`, both (C,).
    """
    return ...  # type: ignore[return-value]


def batch_norm(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    """Batch normalization of `features` (N, H, W, C), Ioffe and Szegedy (2015), algorithm 1."""
    # mu[c], var[c] over images, rows and columns: one number a channel
    mean = features.mean(axis=(0, 1, 2))
    variance = features.var(axis=(0, 1, 2))
    # x' = (x - mu) / sqrt(var + epsilon)
    normalized = (features - mean) / np.sqrt(variance + epsilon)
    # y = gamma x' + beta
    return np.asarray(gamma * normalized + beta)


def _batch_norm_by_channel(features: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    out = np.zeros(np.shape(features))
    for c in range(out.shape[-1]):
        x = np.asarray(features)[..., c]
        squared = ((x - x.mean()) ** 2).mean()
        out[..., c] = (x - x.mean()) * (gamma[c] / (squared + epsilon) ** 0.5) + beta[c]
    return out


def _normalized(
    x: Floats, gamma: Floats, beta: Floats, epsilon: float, axis: Any, ddof: int = 0
) -> Floats:
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True, ddof=ddof)
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta)


def _instance_norm(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, (1, 2))


def _layer_norm(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, (1, 2, 3))


def _by_position(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, 0)


def _all_together(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, None)


def _across_channels(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, -1)


def _unbiased(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return _normalized(features, gamma, beta, epsilon, (0, 1, 2), ddof=1)


def _no_root(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    mean, variance = features.mean((0, 1, 2)), features.var((0, 1, 2))
    return np.asarray(gamma * (features - mean) / (variance + epsilon) + beta)


def _epsilon_outside(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    mean, deviation = features.mean((0, 1, 2)), features.std((0, 1, 2))
    return np.asarray(gamma * (features - mean) / (deviation + epsilon) + beta)


def _without_gamma(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return batch_norm(features, np.ones_like(gamma), np.zeros_like(beta), epsilon)


def _without_epsilon(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    return batch_norm(features, gamma, beta, 0.0)


def _features(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = tuple(int(n) for n in rng.integers(1, 4, 4))
    features = rng.integers(-9, 10, shape).astype(float)
    gamma = rng.integers(1, 4, shape[-1]).astype(float)
    return features, gamma, rng.integers(-3, 4, shape[-1]).astype(float), 0.5


def _are_features(features: Floats, gamma: Floats, beta: Floats, epsilon: float) -> bool:
    return bool(
        features.ndim == 4
        and features.size > 0
        and gamma.shape == beta.shape == features.shape[3:]
        and 0.01 <= epsilon <= 1
    )


def _draw_batch_norm(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import convolutions

    features, mine = inputs[0], np.asarray(got, float)
    if mine.shape != features.shape:
        return None
    *_, channel = np.argwhere(~np.isclose(mine, wanted, 1e-4, 1e-5))[0]
    return convolutions.numbers(
        [a[..., channel].reshape(len(a), -1).round(2) for a in (features, mine, wanted)],
        ["given", "yours", "wanted"],
        title=f"Channel {channel}, a row for each image",
    )


_RAMP = np.arange(16.0).reshape(2, 2, 2, 2)

BATCH_NORM = Exercise(
    name="02-batch-norm",
    task="features (N, H, W, C) after batch normalization with gamma, beta and epsilon",
    starter=batch_norm_starter,
    reference=batch_norm,
    cases=(
        (_RAMP, np.array([1.0, 1.0]), np.array([0.0, 0.0]), 0.001),
        (_RAMP, np.array([2.0, 3.0]), np.array([1.0, -1.0]), 0.5),
        (np.ones((2, 2, 2, 1)), np.array([3.0]), np.array([2.0]), 0.001),
        (np.array([[[[0.0]]], [[[4.0]]]]), np.array([1.0]), np.array([0.0]), 0.5),
        (np.array([[[[0.0, 10.0], [2.0, 30.0]]]]), np.array([1.0, 1.0]), np.zeros(2), 0.5),
    ),
    generate=_features,
    valid=_are_features,
    misconceptions=(
        Misconception(
            "instance normalization",
            _instance_norm,
            "You took mean and variance of each image by itself: that is instance normalization. "
            "Batch normalization takes them over all images of the batch too.",
        ),
        Misconception(
            "layer normalization",
            _layer_norm,
            "You took one mean and one variance an image, over all its channels: that is layer "
            "normalization. Wanted is one a channel, over the batch.",
        ),
        Misconception(
            "each position by itself",
            _by_position,
            "You took the mean over the images only, at each position by itself. A convolution "
            "does the same everywhere, so all positions of a channel count together.",
        ),
        Misconception(
            "all channels together",
            _all_together,
            "You took one mean and one variance of everything. Each channel has its own.",
        ),
        Misconception(
            "across channels",
            _across_channels,
            "You normalized along the last axis, so the channels of a pixel are compared with "
            "each other. Keep that axis and average over the three others.",
        ),
        Misconception(
            "divided by n - 1",
            _unbiased,
            "You divided by n - 1. Batch normalization divides by n, the variance of this very "
            "batch; for a single number n - 1 would be 0.",
        ),
        Misconception(
            "no square root",
            _no_root,
            "You divided by the variance. The deviation, its square root, is in the features' own "
            "unit.",
        ),
        Misconception(
            "epsilon outside the root",
            _epsilon_outside,
            "You added epsilon to the deviation. It is added to the variance, under the root.",
        ),
        Misconception(
            "no gamma and beta",
            _without_gamma,
            "You left out gamma and beta: with them the network can undo the normalization where "
            "that is better.",
        ),
        Misconception(
            "no epsilon",
            _without_epsilon,
            "Without epsilon a channel that is constant over the batch divides 0 by 0.",
        ),
    ),
    alternatives=(_batch_norm_by_channel,),
    hints=(
        "How many means does a batch of shape (N, H, W, C) have here? One a channel: C.",
        "`features.mean(axis=(0, 1, 2))` has shape (C,). So has `features.var(axis=(0, 1, 2))`.",
        "NumPy lines (C,) up with the last axis of (N, H, W, C), so `gamma * (features - mean) / "
        "np.sqrt(variance + epsilon) + beta` is all.",
    ),
    praise="This line lets the improved network learn with rates that the article's cannot bear.",
    onward="Leave axis 0 out of the mean and you have instance normalization.",
    draw=_draw_batch_norm,
    alt="One channel of the features, of yours and of the wanted ones, a row for each image.",
)

EXERCISES = (COUNT_WEIGHTS, CROSS_ENTROPY, CALIBRATION, CONFUSION, BATCH_NORM)
