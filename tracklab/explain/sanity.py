"""The sanity check: a map that stays the same when the network forgets everything explains nothing.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim, "Sanity checks for saliency maps" (NeurIPS
2018), section 3, "cascading randomization": from the answer down to the pixels, layer by layer,
weights are made random, and each time the map is compared with the first one.

Here an array's own numbers are put in another order: it forgets what it has learned, and keeps how
large it was, so that no layer falls silent.

Invariants: `cascade` changes only the copy that it is given; a map has the similarity 1 to itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tracklab import errors
from tracklab.models.detector import Detector
from tracklab.models.siamese import Siamese
from tracklab.quiet import keras

FAILS = 0.5  # similarity after all is forgotten, from which on a method has failed


def similarity(one: ArrayLike, other: ArrayLike, *, where: ArrayLike | None = None) -> float:
    """Spearman's rank correlation of two maps `(H, W)`, -1 to 1, of their sizes without signs.

    where: `(H, W)` booleans, the pixels that are compared; by default those at which either map is
        not 0. What is asked of one region or cell sees a part of the image only, and maps that are
        0 all around it would be alike for that alone.

    A map without any structure has no order: 0, as it is like nothing. Raises `InputError` for
    shapes that differ, and NaN.
    """
    a, b = (np.abs(np.asarray(each, np.float64)) for each in (one, other))
    if a.shape != b.shape or a.size < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        errors.bad("other", b, f"a map like the first, of shape {a.shape}, both finite")
    there = (a > 0) | (b > 0) if where is None else np.asarray(where)
    if there.shape != a.shape or there.dtype != np.bool_:
        errors.bad("where", there, f"booleans of shape {a.shape}")
    a, b = a[there], b[there]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(stats.spearmanr(a, b).statistic)


def copied(network: Any) -> Any:
    """A network with the same weights, to be ruined: of a Keras model, a detector or a Siamese.

    Raises `InputError` for anything else.
    """
    if isinstance(network, keras.Model):
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        return copy
    if isinstance(network, Detector):
        parts = {name: copied(part) for name, part in network.parts.items()}
        return type(network)(network.class_names, parts, network.options)
    if isinstance(network, Siamese):
        other = Siamese(**dict[str, Any](network.options))
        for variable, value in zip(other.variables, network.variables, strict=True):
            variable.assign(value)
        return other
    return errors.bad("network", errors.kind(network), "a Keras model, a detector or a Siamese")


def layers(network: Any) -> list[tuple[str, list[Any]]]:
    """The layers that have weights, from the answer down to the pixels: names and variables."""
    if isinstance(network, keras.Model):
        own: list[Any] = list(network.layers)[::-1]
    elif isinstance(network, Detector):
        order: list[str] = [name for name in ("head", "rpn") if name in network.parts]
        order += [name for name in network.parts if name not in order]
        own = [each for name in order for each in list(network.parts[name].layers)[::-1]]
    elif isinstance(network, Siamese):
        own = [network.last, *network.head[::-1], network.parts]
        own += list(network.embedding.layers)[::-1]
    else:
        errors.bad("network", errors.kind(network), "a Keras model, a detector or a Siamese")
    found = []
    for layer in own:
        floats = [v for v in layer.variables if str(v.dtype).startswith("float")]
        if floats:
            found.append((layer.name, floats))
    return found


def cascade(copy: Any, *, seed: int = 0) -> Iterator[str]:
    """Make a copy's layers random one after the other, from the answer down; names of them.

    copy: of `copied`; it is changed in place, before each name is given. What was asked of it
    before (a `Target`) answers from the changed weights.
    """
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    for name, variables in layers(copy):
        for variable in variables:
            value = variable.numpy()
            variable.assign(rng.permutation(value.ravel()).reshape(value.shape))
        yield name
