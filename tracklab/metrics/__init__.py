"""How good boxes and tracks are: metrics stand on boxes alone, so they judge anybody's work.

Of detectors, `detection` measures (precision and recall, average precision) and `detection_errors`
explains (which mistake, what it costs, the worst frames); below them `matching` (which detection
found which object), `curve` (the area below precision over recall) and `proposals` (what they
cover). Of trackers of many objects, `multi` measures (MOTA, IDF1, HOTA) and `counting` reads off
tracks how many there are, how fast they go and how long they stay, `crossing` who crosses a line.
Of trackers of one object, `single` measures (success, precision, GOT-10k's figures, where they lose
it). `motion` measures estimates of path and speed.
Nothing here is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_ROOMS = (
    "counting",
    "crossing",
    "curve",
    "detection",
    "detection_errors",
    "matching",
    "motion",
    "multi",
    "proposals",
    "single",
)

if TYPE_CHECKING:
    from tracklab.metrics import (
        counting,
        crossing,
        curve,
        detection,
        detection_errors,
        matching,
        motion,
        multi,
        proposals,
        single,
    )

__all__ = [
    "counting",
    "crossing",
    "curve",
    "detection",
    "detection_errors",
    "matching",
    "motion",
    "multi",
    "proposals",
    "single",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.metrics.{name}")
    raise AttributeError(f"module 'tracklab.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
