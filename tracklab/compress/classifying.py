"""The classifier as a file: pixels in, logits out.

Invariant: in float32 the file's logits are Keras' own to 1e-4; they are about 1 in size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.compress.export import FLOAT32, INT8, Exported, Signature, export
from tracklab.models.classifier import networks

Array = NDArray[Any]

NAME = "classify"
EXAMPLES = 200  # images that an int8 file's ranges come from
BATCH = 500  # images at a time in `logits`


def export_classifier(
    model: Any,
    *,
    precision: str = FLOAT32,
    images: Array | None = None,
    side: int = networks.SIDE,
    threads: int = 1,
) -> Exported:
    """A Keras classifier as a file with one signature, `classify(pixels (1, side, side, 3))`.

    images: `(N, side, side, 3)`, 0 to 255, for "int8": the first `EXAMPLES` of them are looked at;
        take training images. Errors are those of `export`; what is no Keras model is one.
    """
    if not callable(model) or not hasattr(model, "variables"):
        errors.bad("model", model, "a Keras classifier")
    side = int(errors.number("side", side, low=1, whole=True))
    signature = Signature(
        lambda pixels: {"logits": model(pixels, training=False)}, {"pixels": (1, side, side, 3)}
    )
    examples = None
    if precision == INT8:
        seen = [] if images is None else list(np.asarray(images)[:EXAMPLES])
        examples = {NAME: [{"pixels": image[None]} for image in seen]}
    return export(
        {NAME: signature}, model.variables, precision=precision, examples=examples, threads=threads
    )


def logits(exported: Exported, images: Array) -> Array:
    """What a classifier's file says of images `(N, H, W, 3)`, 0 to 255: `(N, C)`.

    Raises `InputError` for what is no file, and as `Exported.batched` does.
    """
    if not isinstance(exported, Exported):
        errors.bad("exported", errors.kind(exported), "a file, as export_classifier makes it")
    images = np.asarray(images)
    parts = [exported.batched(images[k : k + BATCH]) for k in range(0, max(len(images), 1), BATCH)]
    return np.concatenate(parts)
