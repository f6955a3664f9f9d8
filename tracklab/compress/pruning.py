"""Magnitude pruning: the smallest weights are set to 0, and the others learn to do without them.

Han, Pool, Tran and Dally, "Learning both weights and connections for efficient neural networks"
(NeurIPS 2015): train, prune, train on. Zhu and Gupta, "To prune, or not to prune" (2017), prune
while training goes on, fast at first and ever more slowly, so that what is cut can be made up for.

Invariant: what a mask has cut is 0 after every step of training, and a mask never gives back.

What it saves is said by `sizes`: a weight of 0 takes as many bytes as any other, and as long to
multiply, until the file is compressed or the channels are taken out (`channels`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, training
from tracklab.compress.fine_tuning import fine_tune
from tracklab.quiet import tf

Floats = NDArray[Any]
Mask = NDArray[np.bool_]

UPDATES = 20  # times that masks are made anew in a training
UNTIL = 0.6  # of the training: then the masks stay, and what is left settles
LAYER, WHOLE = "layer", "whole"
SCOPES = (LAYER, WHOLE)


def schedule(
    progress: float, final: float, *, first: float = 0.0, begin: float = 0.0, end: float = UNTIL
) -> float:
    """The share of weights that is cut when `progress`, 0 to 1, of the training is done.

    Zhu and Gupta (2017), equation 1; from `first` at `begin` to `final` at `end`. Raises
    `InputError` for numbers out of range.

    >>> [round(schedule(p, 0.8, end=1.0), 3) for p in (0, 0.25, 0.5, 1)]
    [0.0, 0.463, 0.7, 0.8]
    """
    _share("final", final)
    errors.number("first", first, low=0, high=final)
    errors.number("begin", begin, low=0, high=1)
    errors.number("end", end, low=begin, high=1)
    errors.number("progress", progress, low=0, high=1)
    done = 1.0 if progress >= end else max(progress - begin, 0.0) / max(end - begin, 1e-12)
    # s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (n dt))^3
    return final + (first - final) * (1 - done) ** 3


def masks(
    kernels: Sequence[Floats], sparsity: float, *, scope: str = WHOLE, kept: Sequence[Mask] = ()
) -> list[Mask]:
    """Which weights stay, true or false, in the shapes of the kernels.

    sparsity: the share that goes, 0 to below 1; the smallest do. scope: "layer" takes that share
        of each kernel, "whole" of all together, so that layers with much to spare give more.
    kept: earlier masks; what they have cut stays cut, and counts.

    Raises `InputError` for no kernels, weights that are not finite, a share out of range, and masks
    of other shapes.
    """
    _share("sparsity", sparsity)
    errors.choice("scope", scope, SCOPES)
    try:
        sizes = [np.abs(np.asarray(kernel, np.float64)) for kernel in kernels]
    except (TypeError, ValueError):
        errors.bad("kernels", kernels, "arrays of weights, at least one")
    if not sizes:
        errors.bad("kernels", kernels, "at least one")
    if not all(np.isfinite(size).all() for size in sizes):
        errors.bad("kernels", errors.Said("weights that are not finite"), "finite ones")
    kept = [np.asarray(mask, bool) for mask in kept]
    if kept:
        found, wanted = [m.shape for m in kept], [k.shape for k in sizes]
        if found != wanted:
            errors.bad("kept", errors.Said(f"masks of shapes {found}"), f"{wanted}")
        # below every size there is: what is gone goes first
        sizes = [np.where(m, size, -1.0) for m, size in zip(kept, sizes, strict=True)]
    if scope == LAYER:
        made = [_largest(size.ravel(), sparsity).reshape(size.shape) for size in sizes]
    else:
        flat = _largest(np.concatenate([size.ravel() for size in sizes]), sparsity)
        ends = np.cumsum([size.size for size in sizes])[:-1]
        made = [
            part.reshape(size.shape) for part, size in zip(np.split(flat, ends), sizes, strict=True)
        ]
    if kept:
        made = [new & old for new, old in zip(made, kept, strict=True)]
    return made


def _largest(sizes: Floats, sparsity: float) -> Mask:
    """True for all but the share of the smallest; of equal ones the first go."""
    count = round(sparsity * sizes.size)
    stays = np.ones(sizes.size, bool)
    stays[np.argsort(sizes, kind="stable")[:count]] = False
    return stays


def kernels(model: Any) -> list[Any]:
    """The variables that are pruned: all kernels that training changes; no shifts, no vectors."""
    return [v for v in getattr(model, "trainable_variables", ()) if len(v.shape) >= 2]


def sparsity(model: Any) -> float:
    """The share of a model's kernels that is exactly 0."""
    values = [v.numpy() for v in kernels(model)]
    if not values:
        errors.bad("model", model, "a network with kernels that training changes")
    return float(sum((v == 0).sum() for v in values) / sum(v.size for v in values))


class Pruned:
    """A model and the masks of its kernels, which hold whatever an optimizer does.

    model: any network of the course. scope: as for `masks`. Masks begin full.
    """

    def __init__(self, model: Any, *, scope: str = WHOLE) -> None:
        self.model = model
        self.scope = errors.choice("scope", scope, SCOPES)
        self.kernels = kernels(model)
        if not self.kernels:
            errors.bad("model", model, "a network with kernels that training changes")
        self.variables = [
            tf.Variable(tf.ones(kernel.shape, tf.float32), trainable=False)
            for kernel in self.kernels
        ]

    @property
    def masks(self) -> list[Mask]:
        """Which weights are left, as arrays."""
        return [variable.numpy() > 0 for variable in self.variables]

    def cut(self, share: float) -> None:
        """Make the masks anew, so that `share` of the kernels is gone, and apply them."""
        found = masks([k.numpy() for k in self.kernels], share, scope=self.scope, kept=self.masks)
        for variable, mask in zip(self.variables, found, strict=True):
            variable.assign(mask.astype(np.float32))
        self.hold()

    def hold(self) -> None:
        """Set to 0 again what is cut: momentum and decay move it, too."""
        for kernel, mask in zip(self.kernels, self.variables, strict=True):
            # w <- m w
            kernel.assign(kernel * mask)


def prune(
    model: Any,
    images: Floats,
    labels: Floats,
    sparsity: float,
    *,
    scope: str = WHOLE,
    end: float = UNTIL,
    **options: Any,
) -> training.Curves:
    """Prune a classifier while it trains on; afterwards `sparsity` of its kernels is 0.

    images `(N, H, W, 3)` uint8, labels `(N,)`. sparsity, scope: as for `masks`. end: of the
    training, when the last weights go, see `schedule`; 0 cuts all of them before the first step, as
    Han et al. do. options: of `fine_tune`, among them the budget.

    Raises `InputError` as `masks` and `training.fit` do.
    """
    _share("sparsity", sparsity)
    end = float(errors.number("end", end, low=0, high=1))
    pruned = Pruned(model, scope=scope)
    made = -1

    def between(progress: float) -> None:
        nonlocal made
        due = UPDATES if progress >= end else int(UPDATES * progress / end)
        if due > made:
            pruned.cut(schedule(end * due / UPDATES, sparsity, end=end))
            made = due
        pruned.hold()

    settings: dict[str, Any] = {"name": "pruning", "also": [pruned]}
    curves = fine_tune(model, images, labels, between=between, **(settings | options))
    pruned.cut(sparsity)  # a training of few steps, or weights averaged over it, may fall short
    return curves


def _share(name: str, value: Any) -> float:
    """A share from 0 to below 1: a network without weights is none."""
    share = float(errors.number(name, value, low=0, high=1))
    if share >= 1:
        errors.bad(name, value, "a share below 1")
    return share
