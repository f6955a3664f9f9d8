"""tracklab: visual object tracking with deep learning, as a course that you run.

`import tracklab` is instant: every part is loaded when it is first used, TensorFlow with it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ROOMS = (
    "augment",
    "boxes",
    "clips",
    "compress",
    "datasets",
    "detections",
    "errors",
    "evaluation",
    "exercises",
    "explain",
    "explorers",
    "finders",
    "following",
    "metrics",
    "models",
    "motion",
    "optimizers",
    "plots",
    "scenes",
    "show",
    "sweeps",
    "trackers",
    "tracks",
    "training",
    "video",
)
_DOORS = {"read_clip": "video", "explore": "explorers", "sweep": "sweeps", "track": "following"}

if TYPE_CHECKING:
    from tracklab import (
        augment,
        boxes,
        clips,
        compress,
        datasets,
        detections,
        errors,
        evaluation,
        exercises,
        explain,
        explorers,
        finders,
        following,
        metrics,
        models,
        motion,
        optimizers,
        plots,
        scenes,
        show,
        sweeps,
        trackers,
        tracks,
        training,
        video,
    )
    from tracklab.explorers import explore
    from tracklab.following import track
    from tracklab.sweeps import sweep
    from tracklab.video import read_clip

__all__ = [
    "augment",
    "boxes",
    "clips",
    "compress",
    "datasets",
    "detections",
    "errors",
    "evaluation",
    "exercises",
    "explain",
    "explore",
    "explorers",
    "finders",
    "following",
    "metrics",
    "models",
    "motion",
    "optimizers",
    "plots",
    "read_clip",
    "scenes",
    "show",
    "sweep",
    "sweeps",
    "track",
    "trackers",
    "tracks",
    "training",
    "video",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.{name}")
    if name in _DOORS:
        return getattr(importlib.import_module(f"tracklab.{_DOORS[name]}"), name)
    raise AttributeError(f"module 'tracklab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
