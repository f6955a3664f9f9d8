"""Explorers: one phenomenon each, with controls that answer while they move.

`explore("scene")` shows one in a notebook; `NAMES` are all there are. An explorer is a pure
`draw(params) -> Drawing` and controls that are data; `Explorer` is the shell around them.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from tracklab import errors

if TYPE_CHECKING:
    from tracklab.explorers.canvas import BoxCanvas
    from tracklab.explorers.controls import Choice, Play, Seed, Several, Slider, Toggle
    from tracklab.explorers.first_box import DrawBox
    from tracklab.explorers.shell import Drawing, Explorer, Jump

# By name: the module and the function in it that makes the explorer.
NAMES: dict[str, str] = {
    "anchors": "tracklab.explorers.anchors:anchors",
    "arena": "tracklab.explorers.arena:arena",
    "association": "tracklab.explorers.association:association",
    "attribution": "tracklab.explorers.attribution:attribution",
    "augment": "tracklab.explorers.augment:augment",
    "feature-maps": "tracklab.explorers.feature_maps:feature_maps",
    "first-box": "tracklab.explorers.first_box:first_box",
    "follow": "tracklab.explorers.follow:follow",
    "iou": "tracklab.explorers.iou:iou",
    "kernel": "tracklab.explorers.kernels:kernel",
    "motion": "tracklab.explorers.motion:motion",
    "newton": "tracklab.explorers.newton:newton",
    "nms": "tracklab.explorers.nms:nms",
    "precision-recall": "tracklab.explorers.precision_recall:precision_recall",
    "proposals": "tracklab.explorers.proposals:proposals",
    "quantization": "tracklab.explorers.quantization:quantization",
    "race": "tracklab.explorers.race:race_of_methods",
    "scene": "tracklab.explorers.scene:scene",
    "second-order": "tracklab.explorers.curvature:second_order",
}

_PARTS = {
    "BoxCanvas": "canvas",
    "Choice": "controls",
    "DrawBox": "first_box",
    "Drawing": "shell",
    "Explorer": "shell",
    "Jump": "shell",
    "Play": "controls",
    "Seed": "controls",
    "Several": "controls",
    "Slider": "controls",
    "Toggle": "controls",
}

__all__ = [
    "NAMES",
    "BoxCanvas",
    "Choice",
    "DrawBox",
    "Drawing",
    "Explorer",
    "Jump",
    "Play",
    "Seed",
    "Several",
    "Slider",
    "Toggle",
    "explore",
]


def explore(name: str, **options: Any) -> Explorer:
    """The explorer of that name, ready to show: the last line of a cell.

    options: of the explorer; its function in `NAMES` says which. Raises `InputError` for a name
    or an option that is none, and lists those that are.
    """
    errors.choice("name", name, NAMES)
    module, function = NAMES[name].split(":")
    make = getattr(importlib.import_module(module), function)
    known = inspect.signature(make).parameters
    if not any(option.kind is option.VAR_KEYWORD for option in known.values()):
        for option in options:
            errors.choice(f"option of {name!r}", option, known)
    explorer: Explorer = make(**options)
    return explorer


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return getattr(importlib.import_module(f"tracklab.explorers.{_PARTS[name]}"), name)
    raise AttributeError(f"module 'tracklab.explorers' has no attribute {name!r}")
