"""Where the time of a detector goes: each part alone, on what it gets from the part before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.models.detector import base, head, one_stage, second_look
from tracklab.models.detector.base import Detector, prepared, suppressed
from tracklab.models.detector.one_stage import OneStage
from tracklab.models.detector.second_look import SecondLook
from tracklab.models.detector.stages import RCNN, FasterRCNN, FastRCNN
from tracklab.quiet import tf

BACKBONE, PROPOSALS, ALIGN, HEAD, SUPPRESSION, SECOND_LOOK = PARTS = (
    "backbone",
    "proposals",
    "RoIAlign",
    "head",
    "suppression",
    "second look",
)
REPEATS = 20


def timings(
    model: Detector, image: NDArray[np.uint8], *, repeats: int = REPEATS
) -> dict[str, float]:
    """CPU milliseconds that each part takes for one image `(H, W, 3)` uint8 RGB, by name.

    The names are those of `PARTS`; a detector that lacks a part leaves it out. The median of
    `repeats` runs, all threads counted, compiling left out. The sum is somewhat more than
    `detect` takes, which crosses from one part to the next without leaving its graph. For R-CNN,
    "RoIAlign" is the cutting of the picture and "backbone" the passes of all pieces.

    Raises `InputError` for an image that `detect` would not take, and a model that is no detector.
    """
    repeats = int(errors.number("repeats", repeats, low=1, whole=True))
    images = base.as_images(errors.image("image", image)[None])
    if isinstance(model, SecondLook):
        return _second_look(model, image, images, repeats)
    if isinstance(model, OneStage):
        return _one_stage(model, images, repeats)
    if not isinstance(model, FastRCNN):
        errors.bad("model", model, "a detector, as detector.build makes it")
    return _two_stages(model, images, repeats)


def _two_stages(model: FastRCNN, images: NDArray[np.uint8], repeats: int) -> dict[str, float]:
    height, width = images.shape[1:3]
    spent: dict[str, float] = {}

    def maps(pixels: Any) -> Any:
        return model.maps(prepared(pixels)[0])

    def judged(features: Any, regions: Any) -> Any:
        logits, offsets = model.classify(features)
        return head.judged(logits, offsets, regions, height=height, width=width)

    given, spent[PROPOSALS] = _clocked(model.regions_of, repeats, images)
    shared, spent[BACKBONE] = _compiled(maps, repeats, tf.constant(images))
    regions = tf.constant(given)
    if isinstance(model, FasterRCNN):

        def propose(known: Any) -> Any:
            return model.regions(known, None, height, width)

        regions, spent[PROPOSALS] = _compiled(propose, repeats, shared)
    if isinstance(model, RCNN):
        crops, spent[ALIGN] = _compiled(model.crops, repeats, shared, regions)
        features, passes = _compiled(model.passes, repeats, crops, regions)
        spent[BACKBONE] += passes
    else:
        features, spent[ALIGN] = _compiled(model.describe, repeats, shared, regions)
    answers, spent[HEAD] = _compiled(judged, repeats, features, regions)
    spent[SUPPRESSION] = _compiled(_suppressed, repeats, *answers)[1]
    return {part: spent[part] for part in PARTS if part in spent}


def _one_stage(model: OneStage, images: NDArray[np.uint8], repeats: int) -> dict[str, float]:
    shared, backbone = _compiled(model.fine, repeats, tf.constant(images))
    said, points = _compiled(model.said, repeats, shared)

    def read(heat: Any, boxes: Any) -> Any:
        return _suppressed(*one_stage.peaks(heat, boxes, images.shape[1:3]))

    return {
        BACKBONE: backbone,
        HEAD: points,
        SUPPRESSION: _compiled(read, repeats, *said)[1],
    }


def _second_look(
    model: SecondLook, image: NDArray[np.uint8], images: NDArray[np.uint8], repeats: int
) -> dict[str, float]:
    spent = timings(model.finder, image, repeats=repeats)
    given = tf.constant(model.regions_of(images))

    def find(pixels: Any, regions: Any) -> Any:
        return model.finder.raw(pixels, regions, base.SCORE, base.OVERLAP, second_look.LOOKS)

    pixels = tf.constant(images)
    found, _, _, count = _compiled(find, 1, pixels, given)[0]
    return spent | {SECOND_LOOK: _compiled(model.names, repeats, pixels, found, count)[1]}


def _suppressed(found: Any, scores: Any) -> Any:
    return suppressed(found, scores, base.SCORE, base.OVERLAP, base.MOST)


def _compiled(function: Callable[..., Any], repeats: int, *inputs: Any) -> tuple[Any, float]:
    """As `_clocked`, of the function compiled for these inputs."""
    # options stay as they are: a compiled function would ask for them again
    whole = tf.function(lambda *given: function(*given), autograph=False)
    return _clocked(whole.get_concrete_function(*inputs), repeats, *inputs)


def _clocked(function: Callable[..., Any], repeats: int, *inputs: Any) -> tuple[Any, float]:
    """What a function returns, and the CPU milliseconds of a call, once it is compiled."""
    answer, spent = function(*inputs), []
    for _ in range(repeats):
        start = time.process_time()
        function(*inputs)
        spent.append(1000 * (time.process_time() - start))
    return answer, float(np.median(spent))
