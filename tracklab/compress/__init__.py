"""Small and fast: networks with fewer bytes and fewer milliseconds, and what that costs.

To read: `quantization` is numbers as whole multiples of a step, `integers` a whole classifier in
8-bit arithmetic, `folding` normalization taken into convolutions; `pruning` cuts weights,
`channels` whole channels, `fine_tuning` trains on afterwards; `distillation` teaches a small
network by a large one, `students` the tracker's; `export` makes one file of a network,
`classifying`, `detecting`, `moving` and `following` those of the four networks of the course;
`sizes` counts bytes, `profiling` milliseconds, `frontier` says who is best for how much. Depthwise
separable convolutions are an option of `classifier.improved`.

Nothing here is imported until it is used: `tracklab.compress` itself does not load TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracklab.compress.channels import importance, narrowed
    from tracklab.compress.classifying import export_classifier
    from tracklab.compress.detecting import ExportedDetector, export_detector
    from tracklab.compress.export import PRECISIONS, Exported, Signature, load
    from tracklab.compress.fine_tuning import fine_tune
    from tracklab.compress.folding import folded
    from tracklab.compress.following import ExportedTracker, export_tracker
    from tracklab.compress.frontier import Results, Row, read_results, table
    from tracklab.compress.integers import Integers
    from tracklab.compress.moving import ExportedMotion, export_motion
    from tracklab.compress.profiling import by_batch, by_layer, clocked
    from tracklab.compress.pruning import Pruned, masks, prune
    from tracklab.compress.quantization import (
        Grid,
        affine,
        dequantize,
        quantize,
        rounded,
        symmetric,
    )
    from tracklab.compress.sizes import Sizes
    from tracklab.compress.students import distil, student

_HOMES = {
    "channels": ("importance", "narrowed"),
    "classifying": ("export_classifier",),
    "detecting": ("ExportedDetector", "export_detector"),
    "export": ("PRECISIONS", "Exported", "Signature", "load"),
    "fine_tuning": ("fine_tune",),
    "folding": ("folded",),
    "following": ("ExportedTracker", "export_tracker"),
    "frontier": ("Results", "Row", "read_results", "table"),
    "integers": ("Integers",),
    "moving": ("ExportedMotion", "export_motion"),
    "profiling": ("by_batch", "by_layer", "clocked"),
    "pruning": ("Pruned", "masks", "prune"),
    "quantization": ("Grid", "affine", "dequantize", "quantize", "rounded", "symmetric"),
    "sizes": ("Sizes",),
    "students": ("distil", "student"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = (*_HOMES, "distillation")

__all__ = [
    "PRECISIONS",
    "Exported",
    "ExportedDetector",
    "ExportedMotion",
    "ExportedTracker",
    "Grid",
    "Integers",
    "Pruned",
    "Results",
    "Row",
    "Signature",
    "Sizes",
    "affine",
    "by_batch",
    "by_layer",
    "clocked",
    "dequantize",
    "distil",
    "export_classifier",
    "export_detector",
    "export_motion",
    "export_tracker",
    "fine_tune",
    "folded",
    "importance",
    "load",
    "masks",
    "narrowed",
    "prune",
    "quantize",
    "read_results",
    "rounded",
    "student",
    "symmetric",
    "table",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"tracklab.compress.{_HOME[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.compress.{name}")
    raise AttributeError(f"module 'tracklab.compress' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
