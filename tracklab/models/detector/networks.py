"""`build`: a detector of one of four kinds, from the same parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracklab import errors
from tracklab.models.detector import backbone, external, head, one_stage, rpn
from tracklab.models.detector.base import Detector
from tracklab.models.detector.one_stage import OneStage
from tracklab.models.detector.parts import seeds
from tracklab.models.detector.stages import RCNN, FasterRCNN, FastRCNN

RCNN_, FAST, FASTER, ONE_STAGE = "rcnn", "fast", "faster", "one-stage"
KINDS = (RCNN_, FAST, FASTER, ONE_STAGE)
CLASSES: dict[str, type[Detector]] = {
    RCNN_: RCNN,
    FAST: FastRCNN,
    FASTER: FasterRCNN,
    ONE_STAGE: OneStage,
}

SIZES = (14.0, 26.0, 48.0)  # of anchors, in pixels: for objects of about 10 to 70
RATIOS = (0.5, 1.0, 2.0)  # height over width
PROPOSED = 48  # regions a picture that the network proposes
EXTERNAL = 768  # regions a picture from outside


def build(
    kind: str = FASTER,
    class_names: Sequence[str] = (),
    *,
    seed: int = 0,
    count: int | None = None,
    sizes: Sequence[float] = SIZES,
    ratios: Sequence[float] = RATIOS,
    proposals: str = external.WINDOWS,
    widths: Sequence[int] = backbone.WIDTHS,
    head_width: int = 256,
) -> Detector:
    """A detector, untrained.

    kind: "rcnn", "fast", "faster" or "one-stage". class_names: what it shall find, one or more.
    seed: of the first weights. count: regions a picture (48 proposed ones, 768 from outside).
    sizes, ratios: of the anchors of "faster", pixels and height over width. Choose sizes that
        cover those of your objects; three that double each time reach from half the smallest to
        twice the largest.
    proposals: "windows" or "segments", the regions from outside of "rcnn" and "fast".
    widths, head_width: channels of the backbone and of the head.

    Raises `InputError` for options that are none.
    """
    errors.choice("kind", kind, KINDS)
    names = checked_names(class_names)
    if count is None:
        count = PROPOSED if kind == FASTER else EXTERNAL
    options: dict[str, Any] = {
        "kind": kind,
        "count": int(errors.number("count", count, low=1, high=100_000, whole=True)),
        "sizes": _positive("sizes", sizes),
        "ratios": _positive("ratios", ratios),
        "proposals": errors.choice("proposals", proposals, external.METHODS),
        "widths": [
            int(errors.number("widths", w, low=1, high=4096, whole=True))
            for w in _several("widths", widths, "four numbers of channels")
        ],
        "head_width": int(errors.number("head_width", head_width, low=1, high=65536, whole=True)),
    }
    if len(options["widths"]) != 4:
        errors.bad("widths", widths, "four numbers of channels")
    _, _, fine, coarse = options["widths"]
    seed_of = seeds(seed)
    parts = {"backbone": backbone.build(seed_of, tuple(options["widths"]))}
    if kind == FASTER:
        shapes = len(options["sizes"]) * len(options["ratios"])
        parts["rpn"] = rpn.build(coarse, shapes, seed_of)
    if kind == ONE_STAGE:
        parts["points"] = one_stage.build(fine, len(names), seed_of)
    else:
        parts["head"] = head.build(fine, len(names), seed_of, width=options["head_width"])
    return CLASSES[kind](names, parts, options)


def checked_names(class_names: Any) -> tuple[str, ...]:
    """The names of a detector's classes as a tuple; `InputError` unless each is there once."""
    wanted = "the names of the classes, one or more, each once"
    names = _several("class_names", class_names, wanted)
    if not all(isinstance(name, str) for name in names):
        errors.bad("class_names", class_names, wanted)
    if not names or len(set(names)) != len(names):
        errors.bad("class_names", names, wanted)
    return names


def _positive(name: str, values: Sequence[float]) -> list[float]:
    wanted = "at least one number, as in (16, 32)"
    several = _several(name, values, wanted)
    if not several:
        errors.bad(name, values, wanted)
    return [float(errors.number(name, value, low=0.01, high=10_000)) for value in several]


def _several(name: str, values: Any, wanted: str) -> tuple[Any, ...]:
    """The values of a list or the like; a text is one value."""
    try:
        if isinstance(values, str):
            raise TypeError
        return tuple(values)
    except TypeError:
        errors.bad(name, values, wanted)
