"""What a classifier says about images, and how good that is: accuracy, loss and calibration.

Invariant: a judgement depends on the probabilities that a network states, so networks that put out
logits and networks that put out probabilities are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, training
from tracklab.calibration import BINS, calibration

Array = NDArray[Any]
Floats = NDArray[np.float32]

LEAST = 1e-7  # a probability below this counts as this: no network is charged infinity
ROUNDING = 1e-3  # by which probabilities may miss a sum of 1


@dataclass(frozen=True)
class Judgement:
    """How good a classifier is on `N` images of `C` classes.

    accuracy: the fraction whose most probable class is right, 0 to 1.
    loss: the mean of -log p(right class), in nats, of the probabilities that the network states.
    calibration_error: see `calibration_error`, 0 to 1.
    confusion: `(C, C)`, counts of images by their class (row) and the network's answer (column).
    confidence: `(N,)`, the probability of the answer. correct: `(N,)`, whether it is right.
    """

    accuracy: float
    loss: float
    calibration_error: float
    confusion: NDArray[np.int64]
    confidence: Floats
    correct: NDArray[np.bool_]

    def __str__(self) -> str:
        return (
            f"accuracy {100 * self.accuracy:.1f} %, loss {self.loss:.3f}, "
            f"calibration error {100 * self.calibration_error:.1f} %"
        )


def evaluate(model: Any, images: Array, labels: Array, *, flips: bool = False) -> Judgement:
    """Judge a classifier on images `(N, H, W, 3)`, 0 to 255, and their classes `(N,)`.

    flips: average over each image and its mirror image; see `predict`. Raises `InputError` for no
    images, labels of another length or out of the network's range.
    """
    labels = np.asarray(labels)
    p = predict(model, images, flips=flips)
    return judge(p, labels)


def judge(probabilities: Array, labels: Array) -> Judgement:
    """Judge stated probabilities `(N, C)` against classes `(N,)`."""
    p, labels = np.asarray(probabilities), np.asarray(labels)
    if p.ndim != 2 or not len(p):
        errors.bad("probabilities", p, "shape (N, C), with N at least 1")
    if labels.shape != p.shape[:1] or labels.dtype.kind not in "iu":
        errors.bad("labels", labels, f"whole numbers of shape ({len(p)},)")
    count = p.shape[1]
    if labels.min() < 0 or labels.max() >= count:
        came = errors.Said(f"classes from {labels.min()} to {labels.max()}")
        errors.bad("labels", came, f"classes from 0 to {count - 1}")
    answers, of_right = p.argmax(1), p[np.arange(len(p)), labels]
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    confidence, correct = p.max(1), answers == labels
    return Judgement(
        accuracy=float(correct.mean()),
        loss=float(-np.log(np.maximum(of_right, LEAST)).mean()),
        calibration_error=calibration_error(confidence, correct),
        confusion=confusion,
        confidence=confidence,
        correct=correct,
    )


def predict(model: Any, images: Array, *, flips: bool = True) -> Array:
    """Probabilities `(N, C)` that a classifier states for images `(N, H, W, 3)`, 0 to 255.

    flips: the mean over each image and its mirror image (test-time augmentation, as in Krizhevsky
        et al., 2012, section 4.1); it costs a second pass and is worth about a point.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or not len(images):
        errors.bad("images", images, "images of shape (N, H, W, 3), pixels from 0 to 255")
    outputs = training.predict(model, images)
    if not flips:
        return as_probabilities(outputs)
    mirrored = training.predict(model, images[:, :, ::-1])
    if _states_probabilities(outputs):
        return (outputs + mirrored) / 2
    # Averaged before the softmax: a sure answer then outweighs an unsure one.
    return softmax((outputs + mirrored) / 2)


def as_probabilities(outputs: Array) -> Array:
    """Outputs `(N, C)` as probabilities: as they are if rows are such already, else softmaxed."""
    return outputs if _states_probabilities(outputs) else softmax(outputs)


def _states_probabilities(outputs: Array) -> bool:
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=ROUNDING))


def softmax(logits: Array) -> Array:
    """exp(z) / sum exp(z) along the last axis; adding a constant to z changes nothing.

    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    e = np.exp(logits - logits.max(-1, keepdims=True))
    p: Array = e / e.sum(-1, keepdims=True)
    return p


def calibration_error(confidence: Array, correct: Array, *, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: see `tracklab.calibration.calibration`.

    confidence: `(N,)`, 0 to 1. correct: `(N,)`, true or false.

    >>> round(calibration_error(np.array([0.9, 0.9]), np.array([True, False])), 3)
    0.4
    """
    return calibration(confidence, correct, bins)[-1]
