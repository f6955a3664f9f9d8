"""Structured pruning: whole channels are taken out, so that a smaller network of the same kind is
left, which needs no mask, no sparse file and no special arithmetic.

Li, Kadav, Durdanovic, Samet and Graf, "Pruning filters for efficient convnets" (ICLR 2017): the
filters with the smallest sums of sizes go. Channels that a skip connection adds to one another are
one: they stay or go together (their section 3.3).

Invariant: a network from which nothing is taken says the same, bit for bit; one whose channel puts
out 0 everywhere says the same without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.models.classifier import networks

Floats = NDArray[Any]

STAGES = 3


def importance(model: Any) -> list[Floats]:
    """Of each channel of the three stages of `classifier.improved`, how much it does: `(C,)` each.

    The mean size of the weights of its filter; in stages with a residual block that of both its
    filters. Filters are compared as they act, divided by the deviation that normalization divides
    by (the folded ones).
    """
    found = []
    for parts in stages_of(model):
        total = np.zeros(parts[0][0].filters)
        for conv, norm in parts:
            deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
            # s_j = sum |F_ij| / (n k^2)
            total += np.abs(conv.kernel.numpy()).mean((0, 1, 2)) / deviation
        found.append(total / len(parts))
    return found


def narrowed(model: Any, widths: Sequence[int]) -> Any:
    """A copy of `classifier.improved` with so many channels in its stages, the best of its own.

    widths: three numbers from 1 to the model's own. Raises `InputError` for others, and for
    another network (a separable one, say).
    """
    stages = stages_of(model)
    own = [parts[0][0].filters for parts in stages]
    wanted = f"three numbers of channels, at most {own}"
    try:
        widths = [int(errors.number("widths", w, low=1, whole=True)) for w in widths]
    except TypeError:
        errors.bad("widths", widths, wanted)
    if len(widths) != STAGES or any(w > o for w, o in zip(widths, own, strict=True)):
        errors.bad("widths", widths, wanted)
    chosen = [
        np.sort(np.argsort(-score, kind="stable")[:width])
        for score, width in zip(importance(model), widths, strict=True)
    ]
    first, dense = model.get_layer("whitening"), last(model)
    small = networks.improved(
        np.zeros((1, networks.SIDE, networks.SIDE, 3), np.uint8),
        widths=(widths[0], widths[1], widths[2]),
        classes=dense.units,
    )
    for name in ("kernel", "bias"):
        getattr(small.get_layer("whitening"), name).assign(getattr(first, name))
    coming = np.arange(first.filters)
    for parts, copies, keep in zip(stages, stages_of(small), chosen, strict=True):
        for (conv, norm), (small_conv, small_norm) in zip(parts, copies, strict=True):
            small_conv.kernel.assign(conv.kernel.numpy()[:, :, coming][..., keep])
            for ours, theirs in zip(small_norm.variables, norm.variables, strict=True):
                ours.assign(theirs.numpy()[keep])
            coming = keep
    last(small).kernel.assign(dense.kernel.numpy()[coming])
    return small


def stages_of(model: Any) -> list[list[tuple[Any, Any]]]:
    """Of each stage, its convolutions with the normalization behind each."""
    layers = getattr(model, "layers", ())
    convs = [one for one in layers if type(one).__name__ == "Conv2D" and one.name != "whitening"]
    norms = [one for one in layers if type(one).__name__ == "BatchNormalization"]
    if len(convs) != 2 * STAGES - 1 or len(norms) != len(convs):
        errors.bad("model", model, "a network of classifier.improved, as it is by default")
    pairs = list(zip(convs, norms, strict=True))
    return [pairs[:1], pairs[1:3], pairs[3:5]]


def last(model: Any) -> Any:
    """The dense layer that puts out the logits."""
    return next(one for one in reversed(model.layers) if type(one).__name__ == "Dense")
