"""The networks of the course, one a file, and how their weights are kept.

Nothing here is imported until it is used: `tracklab.models.classifier` loads TensorFlow,
`tracklab.models` does not.
"""

from __future__ import annotations

import importlib
from typing import Any

_ROOMS = ("classifier", "detector", "regression", "shapes", "siamese", "weights")

__all__ = ["classifier", "detector", "regression", "shapes", "siamese", "weights"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.models.{name}")
    raise AttributeError(f"module 'tracklab.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
