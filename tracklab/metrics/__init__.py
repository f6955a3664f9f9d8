"""How good boxes are: they stand on boxes and detections alone, so they judge anybody's detector.

`detection` measures (precision and recall, average precision), `detection_errors` explains (which
mistake, what it costs, the worst frames); below them `matching` (which detection found which
object), `curve` (the area below precision over recall) and `proposals` (what they cover).
Nothing here is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_ROOMS = ("curve", "detection", "detection_errors", "matching", "proposals")

if TYPE_CHECKING:
    from tracklab.metrics import curve, detection, detection_errors, matching, proposals

__all__ = ["curve", "detection", "detection_errors", "matching", "proposals"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.metrics.{name}")
    raise AttributeError(f"module 'tracklab.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
