"""What weights cost, counted as they would be stored, byte by byte.

A pruned weight is still there: in an array of float32 a 0 takes four bytes. It costs nothing only
where zeros are not stored (`sparse`), where the file is compressed (`deflated`), or where whole
channels are taken out and the array is smaller.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.compress import quantization

Floats = NDArray[Any]

FLOAT32, FLOAT16, INT8 = 4, 2, 1  # bytes of a number
EFFORT = 9  # of the compression
INDEX_BITS = 8  # of the distance from one weight to the next that is not 0


class Sizes(NamedTuple):
    """Of weights, in bytes.

    weights: how many there are. zeros: how many of them are exactly 0. float32, float16: as arrays.
    int8: kernels in 8 bits, one scale a channel, vectors in float32. sparse: the float32 weights
    that are not 0, and a byte each that says how far away the next one is (Han et al., "Deep
    compression", 2016, section 2). deflated, int8_deflated: the float32 and the int8 arrays,
    compressed as in a zip file.
    """

    weights: int
    zeros: int
    float32: int
    float16: int
    int8: int
    sparse: int
    deflated: int
    int8_deflated: int


def sizes(arrays: Sequence[Any]) -> Sizes:
    """What weights cost in each way to store them. Kernels have their channels on the last axis.

    arrays: as `[v.numpy() for v in model.variables]`. Raises `InputError` for none, and for
        weights that are not finite.
    """
    wanted = "the weights of a network, finite, at least one array"
    try:
        given = [np.asarray(array, np.float32) for array in arrays]
    except (TypeError, ValueError):
        errors.bad("arrays", arrays, wanted)
    if not given or not all(array.size for array in given):
        errors.bad("arrays", arrays, wanted)
    if not all(np.isfinite(array).all() for array in given):
        errors.bad("arrays", errors.Said("weights that are not finite"), wanted)
    count = sum(array.size for array in given)
    eighths = b"".join(_in_bytes(array) for array in given)
    return Sizes(
        weights=count,
        zeros=int(sum((array == 0).sum() for array in given)),
        float32=FLOAT32 * count,
        float16=FLOAT16 * count,
        int8=len(eighths),
        sparse=sum(_sparse(array) for array in given),
        deflated=len(zlib.compress(b"".join(a.tobytes() for a in given), EFFORT)),
        int8_deflated=len(zlib.compress(eighths, EFFORT)),
    )


def _in_bytes(array: Floats) -> bytes:
    """A kernel's whole numbers and scales; a vector as it is."""
    if array.ndim < 2:
        return array.tobytes()
    grid = quantization.symmetric(array, axis=-1)
    whole = quantization.quantize(array, grid).astype(np.int8)
    return whole.tobytes() + np.asarray(grid.scale, np.float32).tobytes()


def _sparse(array: Floats) -> int:
    """Values and distances; where the next weight is too far away for a byte, a 0 stands between.

    Vectors are stored as they are.
    """
    if array.ndim < 2:
        return int(FLOAT32 * array.size)
    places = np.flatnonzero(array.ravel())
    steps = np.diff(np.concatenate([[-1], places]))
    between = int(((steps - 1) // 2**INDEX_BITS).sum())
    return (FLOAT32 + INDEX_BITS // 8) * (len(places) + between)
