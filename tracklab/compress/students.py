"""A small tracker's network that learns the large one's response map.

Of each window the teacher gives a map: for every cell, and for "nowhere", how likely the object is
there. That is a distribution over 577 places, of which the truth names one; the student learns both
(`distillation.divergence`), and where the teacher sees the object, its offsets, sizes and second
look from the truth alone.

Invariant: teacher and student see the same windows, each remembers with its own embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracklab import errors, training
from tracklab.compress.distillation import divergence
from tracklab.models.siamese import Pairs, Siamese, recipe
from tracklab.models.siamese.network import choices
from tracklab.quiet import tf

TEMPERATURE = 2.0
WEIGHT = 1.0  # of the teacher's map beside the truth's losses


def student(seed: int = 0) -> Siamese:
    """A tracker's network with a sixth of the shipped one's weights, untrained.

    Half the channels, one residual block, and a second look of a third of the features: most of
    the weights are there.
    """
    return Siamese(
        widths=(16, 32, 32),
        blocks=1,
        depth=16,
        parts=16,
        head=24,
        features=8,
        hidden=48,
        seed=seed,
    )


def objective(
    teacher: Siamese, *, temperature: float = TEMPERATURE, weight: float = WEIGHT
) -> Callable[[Siamese, training.Batch], dict[str, Any]]:
    """The loss of a student on a batch of `Pairs`: the recipe's, and how far its maps are off.

    Raises `InputError` for numbers out of range, and a teacher that is no Siamese network.
    """
    _check("teacher", teacher)
    temperature = float(errors.number("temperature", temperature, low=0.1, high=100))
    weight = float(errors.number("weight", weight, low=0, high=1000))

    def learn(student: Siamese, batch: training.Batch) -> dict[str, Any]:
        known = recipe.look(teacher, batch, training=False)
        seen = teacher.respond(known.searched, known.certain, known.running)
        told = choices(teacher.nowhere, seen.logits)
        looked = recipe.look(student, batch, training=True)
        response = student.respond(looked.searched, looked.certain, looked.running)
        parts = recipe.judge(student, looked, response, batch[-1])
        said = choices(student.nowhere, response.logits)
        apart = divergence(said, tf.stop_gradient(told), temperature)
        parts["map"] = tf.reduce_mean(apart)
        # L = L(truth) + w T^2 KL(teacher's map, student's map)
        return parts | {"loss": parts["loss"] + weight * parts["map"]}

    return learn


def distil(student: Siamese, teacher: Siamese, pairs: Pairs, **options: Any) -> training.Curves:
    """Train a student by its teacher; returns the curves. options: of `siamese.train`.

    Raises `InputError` for what are no Siamese networks.
    """
    _check("student", student)
    return recipe.train(student, pairs, **({"objective": objective(teacher)} | options))


def _check(name: str, network: Any) -> None:
    if not isinstance(network, Siamese):
        errors.bad(name, network, "a siamese.Siamese")
