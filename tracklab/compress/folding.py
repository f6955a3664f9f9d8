"""Normalization folded into the convolution before it: the same network with fewer operations.

Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
inference" (CVPR 2018), section 3.2, equation 14. Once trained, a batch normalization multiplies
each channel by one number and adds another, and so does a convolution.

Invariant: the folded network says what the other one says, to the precision of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracklab import errors
from tracklab.compress.channels import last, stages_of
from tracklab.models.classifier import networks


def folded(model: Any) -> Any:
    """A copy of `classifier.improved` whose normalizations are folded: `normalization="none"`.

    Max pooling stands between convolution and normalization there. It lets a positive factor and a
    shift through, as max(a x + b) = a max(x) + b, and 1 / sqrt(v + e) is positive.

    Raises `InputError` for another network.
    """
    stages = stages_of(model)
    first, dense = model.get_layer("whitening"), last(model)
    plain = networks.improved(
        np.zeros((1, networks.SIDE, networks.SIDE, 3), np.uint8),
        widths=tuple(parts[0][0].filters for parts in stages),
        normalization=networks.NONE,
        classes=dense.units,
    )
    for name in ("kernel", "bias"):
        getattr(plain.get_layer("whitening"), name).assign(getattr(first, name))
    convs = [one for one in plain.layers if type(one).__name__ == "Conv2D"][1:]
    shifts = [one for one in plain.layers if isinstance(one, networks.Shift)]
    pairs = [pair for parts in stages for pair in parts]
    for (conv, norm), ours, shift in zip(pairs, convs, shifts, strict=True):
        deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
        # w_fold = w / sqrt(v + e),  b_fold = beta - mean / sqrt(v + e)
        ours.kernel.assign(conv.kernel.numpy() / deviation)
        shift.shift.assign(norm.beta.numpy() - norm.moving_mean.numpy() / deviation)
    last(plain).kernel.assign(dense.kernel.numpy())
    return plain


def check_folded(model: Any) -> None:
    """Raise `InputError` for what is no folded network."""
    shifts = [one for one in getattr(model, "layers", ()) if isinstance(one, networks.Shift)]
    if len(shifts) != len(networks.WIDTHS) * 2 - 1:
        errors.bad("model", model, "a network that `folded` made")
