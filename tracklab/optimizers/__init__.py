"""Optimizers written out, the surfaces they are seen on, and what they cost.

To read, of the first order: `first_order` is the seven methods, `clipping` shortens gradients,
`plugged` puts a method into a training; `gradient_check` asks whether a gradient is right,
`range_test` which rates a network bears; `race` lets methods run on a surface, `trials` and
`tuning` on real networks, each at its own rate; `stored` holds what that took long to measure.

A module is imported when it is first used: several of them load TensorFlow.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

_ROOMS = tuple(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"tracklab.optimizers.{name}")
    raise AttributeError(f"module 'tracklab.optimizers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_ROOMS)
