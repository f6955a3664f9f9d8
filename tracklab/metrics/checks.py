"""What every metric wants of detections and truth: as many frames of each, classes with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.detections import Detections, Objects


def pairs(found: Any, truth: Any) -> tuple[Sequence[Detections], Sequence[Objects]]:
    """Frames of detections and frames of truth, as many of the one as of the other."""
    found, truth = frames_of("found", found, Detections), frames_of("truth", truth, Objects)
    if len(found) != len(truth):
        came = errors.Said(f"detections of {len(found)} frames and truth of {len(truth)}")
        errors.bad("found and truth", came, "as many of the one as of the other")
    return found, truth


def frames_of(name: str, frames: Any, kind: type) -> Sequence[Any]:
    """A list of `Detections` or `Objects`, one a frame."""
    wanted = f"a list of {kind.__name__}, one for each frame"
    if isinstance(frames, (Detections, Objects)):
        errors.bad(name, errors.Said(f"one {type(frames).__name__}"), wanted)
    if not isinstance(frames, Sequence) or isinstance(frames, str):
        errors.bad(name, errors.kind(frames), wanted)
    for number, frame in enumerate(frames):
        if not isinstance(frame, kind):
            errors.bad(f"{name}[{number}]", errors.kind(frame), kind.__name__)
    return frames


def names_of(names: Any) -> tuple[str, ...]:
    """The names of the classes, all different."""
    if isinstance(names, str) or not isinstance(names, Sequence):
        errors.bad("class_names", names, "a list of names, one for each class")
    for name in names:
        if not isinstance(name, str):
            errors.bad("class_names", name, "names")
    if len(set(names)) != len(names):
        errors.bad("class_names", list(names), "names that are all different")
    return tuple(names)


def labels_below(name: str, labels: NDArray[np.int64], classes: int) -> None:
    """Refuse a class that has no name."""
    highest = int(labels.max(initial=-1))
    if highest >= classes:
        came = errors.Said(f"class {highest}")
        errors.bad(name, came, f"classes below {classes}, for each must have a name")
