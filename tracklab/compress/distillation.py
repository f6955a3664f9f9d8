"""Distillation: a small network learns what a large one says, not only what is right.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015), section 2. A
teacher that gives a cat 0.9, a dog 0.09 and a truck 0.0001 says more than the label does; a
temperature above 1 makes the small numbers count.

Invariant: a student that says what its teacher says has a distillation loss of 0, at every
temperature.
"""

from __future__ import annotations

from typing import Any

from tracklab import errors, training
from tracklab.models.classifier import recipe
from tracklab.quiet import tf

TEMPERATURE = 4.0
SHARE = 0.7  # of the loss that comes from the teacher


def divergence(logits: Any, told: Any, temperature: float = TEMPERATURE) -> Any:
    """How far a student's softened answers are from the teacher's: `(N,)` nats, at least 0.

    logits, told: `(N, C)` of student and teacher. Multiplied by the square of the temperature, so
    that its gradient is about as large as that of the labels' loss (the paper's section 2). Raises
    `InputError` for a temperature below 0.1.
    """
    temperature = float(errors.number("temperature", temperature, low=0.1))
    softened = tf.nn.softmax(told / temperature)
    # T^2 KL(p, q) = T^2 sum_i p_i (log p_i - log q_i),  p_i = exp(z_i / T) / sum_j exp(z_j / T)
    apart = tf.nn.log_softmax(told / temperature) - tf.nn.log_softmax(logits / temperature)
    return temperature**2 * tf.reduce_sum(softened * apart, -1)


def objective(
    teacher: Any, *, temperature: float = TEMPERATURE, share: float = SHARE
) -> training.Objective:
    """The objective of a classifier that learns from a teacher and from labels, for `training.fit`.

    teacher: puts out logits. share: of the teacher in the loss, 0 to 1; the rest is the labels'.
    Raises `InputError` for numbers out of range, and a teacher that is no network.
    """
    if not callable(teacher):
        errors.bad("teacher", teacher, "a network that puts out logits")
    temperature = float(errors.number("temperature", temperature, low=0.1, high=100))
    share = float(errors.number("share", share, low=0, high=1))
    of_labels = recipe.smoothed_crossentropy()

    def learn(model: Any, batch: training.Batch) -> dict[str, Any]:
        images, labels = batch
        told = tf.stop_gradient(teacher(images, training=False))
        logits = model(images, training=True)
        apart = tf.reduce_mean(divergence(logits, told, temperature))
        right = tf.reduce_mean(of_labels(labels, logits))
        hits = tf.cast(tf.equal(tf.argmax(logits, 1), tf.cast(labels, tf.int64)), tf.float32)
        return {
            # L = a T^2 KL(teacher, student) + (1 - a) CE(labels, student)
            "loss": share * apart + (1 - share) * right,
            "apart": apart,
            "accuracy": tf.reduce_mean(hits),
        }

    return learn
