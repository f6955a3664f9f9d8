"""Trackers: things that follow objects.

Every tracker of one object has `init(frame, box)` and `update(frame) -> State`; `create` makes one
by its name and `run` takes it through a clip. Trackers stand on frames and boxes alone: they know
neither the truth nor how they will be judged.

    track = trackers.run("template", clip, box)
    track.boxes, track.velocities, track.scores, track.seconds

Trackers of many objects are fed with what a detector found: `update(detections) -> Tracks`.

    tracker = trackers.create("rnn-sort")
    tracks = [tracker.update(found) for found in detector.detect_all(clip.frames)]
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.clips import Clip, Frame
from tracklab.trackers.base import State, Track, Tracker, follow

if TYPE_CHECKING:
    from tracklab.trackers.sort import SortTracker

__all__ = ["MANY", "NAMES", "State", "Track", "Tracker", "available", "create", "run"]

# name: (module of this package, what makes the tracker, options that the name fixes)
_MAKERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "still": ("still", "StillTracker", {}),
    "template": ("template", "TemplateTracker", {}),
    "mosse": ("mosse", "MosseTracker", {}),
    "recurrent": ("recurrent", "RecurrentTracker", {}),
    **{
        f"opencv-{kind}": ("opencv", "OpenCVTracker", {"kind": kind})
        for kind in ("mil", "kcf", "csrt", "mosse", "medianflow", "boosting", "tld")
    },
    **{
        f"opencv-{kind}": ("opencv", "OpenCVNetwork", {"kind": kind})
        for kind in ("goturn", "dasiamrpn", "nano", "vit")
    },
}

_MAKERS_OF_MANY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sort": ("sort", "SortTracker", {}),
    "rnn-sort": ("sort", "SortTracker", {"model": "lstm"}),
}

NAMES = tuple(_MAKERS)  # of one object
MANY = tuple(_MAKERS_OF_MANY)  # of many


@overload
def create(name: Literal["sort", "rnn-sort"], **options: Any) -> SortTracker: ...


@overload
def create(name: str, **options: Any) -> Tracker: ...


def create(name: str, **options: Any) -> Any:
    """Make a tracker by its name, one of `NAMES` or of `MANY`, with its own keyword options.

    Raises `InputError` for another name (it lists the names) or an option that this tracker does
    not have (it lists the options), `MissingError` where the tracker is not on this machine.
    """
    errors.choice("name", name, (*NAMES, *MANY))
    module, maker, fixed = (_MAKERS | _MAKERS_OF_MANY)[name]
    make = getattr(importlib.import_module(f"tracklab.trackers.{module}"), maker)
    known = [option for option in inspect.signature(make).parameters if option not in fixed]
    for option in options:
        if option not in known:
            wanted = "one of " + ", ".join(known) if known else "no options"
            errors.bad(f"options of {name!r}", option, wanted)
    return make(**fixed, **options)


def available() -> tuple[str, ...]:
    """The names, out of `NAMES`, that `create` makes on this machine without any options.

    What is left out is OpenCV's: kinds that the installed OpenCV lacks, and networks whose weights
    it does not bring. `create` says what each of them wants.

    >>> "mosse" in available(), "opencv-nano" in available()
    (True, False)
    """
    from tracklab.trackers import opencv

    here = opencv.opencv_available()
    return tuple(
        name
        for name, (module, _, fixed) in _MAKERS.items()
        if module != "opencv" or fixed["kind"] in here
    )


def run(
    tracker: Tracker | str, clip: Clip | Iterable[Frame], box: ArrayLike | None = None
) -> Track:
    """Take a tracker, or one by its name, through a clip or any frames in order, and time it.

    box: `(4,)` xyxy pixels around the object in the first frame. Without one, a clip's truth tells
        where its first object starts; that is all that the tracker is ever told.

    Frames are taken one at a time, so a long video need not fit in memory. Raises `InputError` for
    no frames, for no box and no truth, and for all that `Tracker.init` and `update` refuse.
    """
    return follow(create(tracker) if isinstance(tracker, str) else tracker, clip, box)
