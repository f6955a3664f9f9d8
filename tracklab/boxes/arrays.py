"""One set of lines for NumPy arrays and for TensorFlow tensors.

A function asks `xp = namespace(a, b)` for the library in which its arrays live, and writes
`xp.maximum(a, b)`. With NumPy arrays that is NumPy; with tensors it is `keras.ops`, whose functions
have the same names, work in a compiled graph, have gradients, and keep float32 where
`tf.experimental.numpy` would make float64 of a Python number.

NumPy arrays are checked in shape and value, and areas and ratios are computed in float64, in which
the square of a float32 neither ends nor vanishes. Tensors are checked in shape alone, as far as it
is known before the graph runs, and stay float32 (float64 where they were).

Invariant: without a tensor among its arguments nothing here imports TensorFlow.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tracklab import errors

# A NumPy array of float32, or a tensor where a tensor was given.
Array = Any

CORNERS = "float32 xyxy corners in pixels"


def namespace(*arrays: Any) -> Any:
    """`keras.ops` where one of the arrays is a TensorFlow or Keras tensor, else `numpy`.

    >>> namespace(np.zeros(4), [1, 2, 3, 4]).__name__
    'numpy'
    """
    if "tensorflow" not in sys.modules:  # then nobody can hold a tensor
        return np
    if not any(_is_tensor(array) for array in arrays):
        return np
    from tracklab.quiet import keras

    return keras.ops


def _is_tensor(array: Any) -> bool:
    """Whether this is a tensor: eager, in a graph, a variable, or one that Keras builds with."""
    if isinstance(array, (np.ndarray, np.generic, list, tuple, int, float)):
        return False
    from tracklab.quiet import keras, tf

    return bool(tf.is_tensor(array) or isinstance(array, (keras.KerasTensor, keras.Variable)))


def four(values: Any, name: str, xp: Any = np, *, holds: str = CORNERS) -> Array:
    """A float32 array, or a tensor, whose last axis has four numbers; `InputError` otherwise."""
    if xp is not np:
        return _four_of_tensor(values, name, xp, holds)
    try:
        if np.iscomplexobj(values):
            raise TypeError("NumPy would drop the imaginary part")
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError):
        errors.bad(name, values, f"numbers of shape (..., 4), {holds}")
    if array.ndim == 1 and array.size == 0:
        array = array.reshape(0, 4)  # an empty list is no boxes
    if array.ndim < 1 or array.shape[-1] != 4:
        came = array if array.ndim else values  # None is no number, though NumPy makes one of it
        errors.bad(name, came, f"shape (..., 4), {holds}")
    return array


def _four_of_tensor(values: Any, name: str, xp: Any, holds: str) -> Array:
    if not _is_tensor(values):
        return xp.convert_to_tensor(four(values, name, holds=holds))
    wanted = f"shape (..., 4), known when the graph is built, {holds}"
    if getattr(values.shape, "rank", 1) is None:
        errors.bad(name, errors.Said("a tensor of unknown shape"), wanted)
    shape = tuple(values.shape)
    if not shape or shape[-1] != 4:
        errors.bad(name, errors.Said(f"a tensor of shape {shape}"), wanted)
    # float16 ends at 65,504, the area of 256 x 256 pixels
    exact = values.dtype in ("float32", "float64")
    return values if exact else xp.cast(values, "float32")


def table(boxes: Any, name: str, xp: Any) -> Array:
    """Boxes `(..., N, 4)`, wide; `InputError` for one box alone, and as `four`."""
    array = four(boxes, name, xp)
    if len(array.shape) < 2:
        came = errors.Said(f"one box of shape {tuple(array.shape)}")
        errors.bad(name, came, f"shape (N, 4) or (..., N, 4), {CORNERS}")
    return wide(array)


def wide(array: Array) -> Array:
    """A NumPy array in float64; a tensor as it is."""
    return array.astype(np.float64) if isinstance(array, (np.ndarray, np.generic)) else array


def single(array: Array) -> Array:
    """A NumPy array in float32, infinite where that cannot hold so much; a tensor as it is."""
    if not isinstance(array, (np.ndarray, np.generic)):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def together(
    first: Array, first_name: str, second: Array, name: str, xp: Any, *, own: int = 1
) -> tuple[Array, Array]:
    """Both as one type; `InputError` where the axes before the last `own` ones do not broadcast."""
    ours, theirs = tuple(first.shape)[:-own], tuple(second.shape)[:-own]
    for here, there in zip(reversed(ours), reversed(theirs), strict=False):
        if None not in (here, there) and here != there and 1 not in (here, there):
            came = errors.Said(f"shape {tuple(second.shape)}")
            errors.bad(name, came, f"axes that go with {first_name} of shape {tuple(first.shape)}")
    if first.dtype != second.dtype:  # TensorFlow adds no float64 to a float32
        first, second = xp.cast(first, "float64"), xp.cast(second, "float64")
    return first, second
