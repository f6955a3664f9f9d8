"""Finders: what starts a tracker where nobody draws a box, by name.

    finder = finders.create("faces")
    found = finder.find(frame)  # Detections

Each is fed with the frames of one video in order, one at a time. None of them knows who anybody is:
a face is found, not recognised. What each is good for, and what it gets wrong, stands in its file;
how often, you measure on videos like your own.
"""

from __future__ import annotations

import importlib
from typing import Any

from tracklab import errors
from tracklab.finders.base import Finder

__all__ = ["NAMES", "Finder", "create"]

# name: (module of this package, what makes the finder, options that the name fixes)
_MAKERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "faces": ("faces", "Faces", {}),
    "people": ("people", "People", {}),
    "moving": ("moving", "Moving", {}),
    "shapes": ("network", "Network", {"name": "detector"}),
    "thumbnails": ("network", "Network", {"name": "thumbnails"}),
}

NAMES = tuple(_MAKERS)


def create(name: str, **options: Any) -> Finder:
    """A finder by its name, one of `NAMES`, with its own keyword options, for one video.

    Raises `InputError` for another name (it lists them), `MissingError` where a part of it is not
    on this machine.
    """
    errors.choice("name", name, NAMES)
    module, maker, fixed = _MAKERS[name]
    finder: Finder = getattr(importlib.import_module(f"tracklab.finders.{module}"), maker)(
        **fixed, **options
    )
    return finder
