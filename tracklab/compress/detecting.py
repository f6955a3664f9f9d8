"""The detector as a file: what its networks compute; proposing and suppression stay outside.

A file has two signatures. `look` takes the prepared pixels of one picture of a fixed size to the
fine map and what the proposal network says of every anchor; `judge` takes the features of the
regions to classes and offsets. Between and behind them, outside the file, anchors are decoded, the
best are kept, RoIAlign reads the map, and boxes that overlap are suppressed: that has no weights,
and shapes that depend on what was found.

Invariant: with a float32 file the detector finds what it finds in Keras: the same boxes to a
hundredth of a pixel, but where a score stood within rounding of a threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.compress.export import FLOAT32, INT8, Exported, Signature, export, made_for
from tracklab.models.detector import FasterRCNN
from tracklab.models.detector.backbone import prepare
from tracklab.models.detector.head import BINS
from tracklab.quiet import tf

LOOK, JUDGE = "look", "judge"
EXAMPLES = 60  # pictures that an int8 file's ranges come from


def export_detector(
    model: FasterRCNN,
    size: tuple[int, int],
    *,
    precision: str = FLOAT32,
    images: NDArray[np.uint8] | None = None,
    threads: int = 1,
) -> Exported:
    """A Faster R-CNN as a file, for pictures of one size.

    size: height and width in pixels. images: `(N, H, W, 3)` uint8 for "int8", of which the first
    `EXAMPLES` are looked at. Errors are those of `export`; another kind of detector is one.
    """
    if not isinstance(model, FasterRCNN):
        errors.bad("model", model, "a Faster R-CNN, as detector.build makes it")
    if np.shape(size) != (2,):
        errors.bad("size", size, "height and width in pixels")
    height, width = (int(errors.number("size", n, low=32, whole=True)) for n in size)
    if images is not None and np.ndim(images) != 4:
        errors.bad("images", np.asarray(images), "pictures of shape (N, H, W, 3)")
    padded = prepare(np.zeros((1, height, width, 3), np.uint8)).shape
    backbone, proposing, head = (model.parts[part] for part in ("backbone", "rpn", "head"))

    def look(pixels: Any) -> dict[str, Any]:
        fine, coarse = backbone(pixels, training=False)
        logits, offsets = proposing(coarse, training=False)
        return {"fine": fine, "logits": logits, "offsets": offsets}

    def judge(features: Any) -> dict[str, Any]:
        logits, offsets = head(features, training=False)
        return {"logits": logits, "offsets": offsets}

    channels = backbone.output[0].shape[-1]
    signatures = {
        LOOK: Signature(look, {"pixels": padded}),
        JUDGE: Signature(judge, {"features": (model.options["count"], BINS, BINS, channels)}),
    }
    examples = None
    if precision == INT8:
        examples = examples_of(model, [] if images is None else images[:EXAMPLES])
    return export(
        signatures, model.variables, precision=precision, examples=examples, threads=threads
    )


def examples_of(model: FasterRCNN, images: Any) -> dict[str, list[dict[str, Any]]]:
    """What goes into both networks for some pictures."""
    found: dict[str, list[dict[str, Any]]] = {LOOK: [], JUDGE: []}
    for image in images:
        pixels = prepare(image[None])
        maps = model.maps(pixels)
        regions = model.regions(maps, None, *image.shape[:2])
        found[LOOK].append({"pixels": pixels.numpy()})
        found[JUDGE].append({"features": model.describe(maps, regions).numpy()[0]})
    return found


class ExportedDetector(FasterRCNN):
    """A detector whose networks are a file's; `detect` and `detect_all` as ever.

    model: the detector that was exported, for its anchors and names. exported: the file. Pictures
    must have the size that the file was made for; `InputError` says which, and refuses the file of
    another network.
    """

    def __init__(self, model: FasterRCNN, exported: Exported) -> None:
        if not isinstance(model, FasterRCNN):
            errors.bad("model", model, "the Faster R-CNN that was exported")
        super().__init__(model.class_names, {}, model.options)
        self.exported = made_for(exported, (LOOK, JUDGE))

    def __repr__(self) -> str:
        return f"ExportedDetector({len(self.class_names)} classes, {len(self.exported):,} bytes)"

    def maps(self, pixels: Any, *, training: bool = False) -> Any:
        """The fine map and what is said of each anchor, one picture after the other."""
        each = [self.exported.run(LOOK, pixels=one[None]) for one in np.asarray(pixels)]
        return tuple(
            tf.concat([one[name] for one in each], 0) for name in ("fine", "logits", "offsets")
        )

    def regions(self, maps: Any, given: Any, height: int, width: int) -> Any:
        """The best proposals `(N, R, 4)`."""
        return self.best(maps[1], maps[2], height, width)[0]

    def classify(self, features: Any, *, training: bool = False) -> tuple[Any, Any]:
        """Logits `(N, R, C + 1)` and offsets `(N, R, 4)` from features."""
        each = [self.exported.run(JUDGE, features=one) for one in np.asarray(features)]
        return tuple(tf.stack([one[name] for one in each]) for name in ("logits", "offsets"))

    def compiled(
        self, name: str, function: Callable[..., Any], size: Sequence[int], options: Sequence[Any]
    ) -> Any:
        """The function as it is: what calls a file cannot be part of a graph."""
        return function
