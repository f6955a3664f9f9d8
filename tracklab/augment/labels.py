"""What an image is called after it was mixed: soft labels.

A mixed image is so much of one class and so much of another; its label is a row that adds up to 1.

Invariant: rows of soft labels are not negative and add up to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Floats = NDArray[np.float32]

ROUNDING = 1e-3  # by which a row may miss a sum of 1


def soft(labels: Any, classes: int | None, name: str) -> Floats:
    """Labels of images as rows `(N, C)` float32.

    labels: `(N,)` whole numbers below `classes`, or rows `(N, C)` that are soft already.

    name: of what asks, for its errors. Raises `InputError` for labels of another kind: none at all,
    numbers that are not whole (a size, a speed), labels of boxes, rows that do not add up to 1.

    >>> soft(np.array([1, 0]), 3, "mixup")
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    wanted = "the class of each image: whole numbers (N,), or rows (N, C) that add up to 1"
    if labels is None:
        errors.bad(f"labels, for {name}", labels, wanted)
    given = np.asarray(labels)
    if given.ndim == 1 and given.dtype.kind in "iu":
        if classes is None:
            came = errors.Said("no number of classes")
            errors.bad(f"classes, of {name}", came, "one, to make rows (N, classes) of labels (N,)")
        if given.size and not 0 <= given.min() <= given.max() < classes:
            came = errors.Said(f"classes from {given.min()} to {given.max()}")
            errors.bad(f"labels, for {name}", came, f"classes from 0 to {classes - 1}")
        return np.eye(classes, dtype=np.float32)[given]
    if given.ndim != 2 or given.dtype.kind != "f":
        errors.bad(f"labels, for {name}", given, wanted)
    right = np.isfinite(given).all(1) & (given >= 0).all(1)
    right &= np.abs(np.nan_to_num(given).sum(1) - 1) <= ROUNDING
    if not right.all():
        row = int(np.flatnonzero(~right)[0])
        came = errors.Said(f"{np.round(given[row], 3).tolist()} in row {row}")
        errors.bad(f"labels, for {name}", came, wanted)
    if classes is not None and given.shape[1] != classes:
        errors.bad(f"labels, for {name}", given, f"rows of {classes} classes")
    return given.astype(np.float32)


def mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """Rows `(N, C)`, of which `share (N,)` is of `one` and the rest of `other`."""
    weight = np.asarray(share, np.float32)[:, None]
    # y = w y_a + (1 - w) y_b
    return weight * one + (1 - weight) * other
