"""OpenCV's trackers behind tracklab's door: yardsticks that others have built.

Which there are depends on the OpenCV that is installed. `opencv-python` has MIL, and four networks
whose weights it does not bring; `opencv-contrib-python` has KCF, CSRT, and older ones under
`cv2.legacy`. OpenCV wants BGR images and `x, y, w, h` boxes, most of its trackers in whole pixels,
and says no more about a frame than "found" or "not found"; the networks tell a score.

Invariant: what OpenCV makes of a box is moved back by as much as the box was moved to suit OpenCV,
so a tracker that sees nothing move returns the box that was given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import cv2
import numpy as np

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.trackers.base import State, Tracker


class Kind(NamedTuple):
    """One of OpenCV's trackers.

    of: the name of its class in OpenCV. least: pixels, the smallest side of a box that it is given;
        a smaller box borrows from its surroundings. most: the largest side, in sides of the frame.
    files: what it wants to read, by the names of OpenCV's parameters. source: who publishes these.
    """

    of: str
    least: int = 8
    most: float = 1.0
    files: tuple[str, ...] = ()
    source: str = ""


# On boxes of 4 pixels and less MIL and boosting look for features without an end; on boxes of less
# than 20, or of more than half the frame, TLD ends the process. The present API has KCF and CSRT;
# their older forms in `cv2.legacy` are the same methods, and are left out.
KINDS = {
    "mil": Kind("TrackerMIL"),
    "kcf": Kind("TrackerKCF"),
    "csrt": Kind("TrackerCSRT"),
    "mosse": Kind("TrackerMOSSE"),
    "medianflow": Kind("TrackerMedianFlow"),
    "boosting": Kind("TrackerBoosting"),
    "tld": Kind("TrackerTLD", least=20, most=0.5),
    "goturn": Kind(
        "TrackerGOTURN",
        files=("modelTxt", "modelBin"),
        source="OpenCV's test data (the repository opencv/opencv_extra, folder testdata/tracking)",
    ),
    "dasiamrpn": Kind(
        "TrackerDaSiamRPN",
        files=("model", "kernel_cls1", "kernel_r1"),
        source="the addresses in OpenCV's own sample, samples/python/tracker.py",
    ),
    "nano": Kind(
        "TrackerNano",
        files=("backbone", "neckhead"),
        source="its author (the repository HonglinChu/SiamTrackers, folder NanoTrack/models)",
    ),
    "vit": Kind(
        "TrackerVit",
        files=("net",),
        source="OpenCV's model zoo (opencv/opencv_zoo, folder models/object_tracking_vittrack)",
    ),
}
WRITTEN_OUT = tuple(kind for kind, one in KINDS.items() if not one.files)
NETWORKS = tuple(kind for kind, one in KINDS.items() if one.files)


def opencv_available() -> tuple[str, ...]:
    """The kinds that the installed OpenCV can make as it is: those with files are not among them.

    >>> "mil" in opencv_available()
    True
    """
    return tuple(kind for kind in WRITTEN_OUT if _maker(KINDS[kind].of) is not None)


class OpenCVTracker(Tracker):
    """One of OpenCV's own trackers, by its `kind`, one of `WRITTEN_OUT`.

    Babenko, Yang, Belongie, "Visual Tracking with Online Multiple Instance Learning", CVPR 2009
    (mil); Henriques et al., "High-Speed Tracking with Kernelized Correlation Filters", PAMI 2015
    (kcf); Lukezic et al., "Discriminative Correlation Filter with Channel and Spatial
    Reliability", CVPR 2017 (csrt); Bolme et al., "Visual Object Tracking using Adaptive
    Correlation Filters", CVPR 2010 (mosse); Kalal, Mikolajczyk, Matas, "Forward-Backward Error",
    ICPR 2010 (medianflow) and "Tracking-Learning-Detection", PAMI 2012 (tld); Grabner, Grabner,
    Bischof, "Real-Time Tracking via On-line Boosting", BMVC 2006 (boosting).

    Where it does not find the object, the box stays and the score is 0. That is what OpenCV's do:
    KCF and MOSSE do not search farther when they have lost it, so their box freezes, and a figure
    of theirs tells at least as much of that as of the method. MIL, KCF and CSRT answer in whole
    pixels, the others in fractions. MIL and boosting draw random numbers that cannot be seeded:
    they do not repeat themselves.

    Raises `InputError` for another kind, and in `init` for a box on which OpenCV cannot start (MIL
    wants room around it in the frame, TLD as much as the box itself); `MissingError` where the
    installed OpenCV lacks this kind.
    """

    def __init__(self, kind: str = "mil") -> None:
        self.kind = errors.choice("kind", kind, WRITTEN_OUT)
        self.name = f"opencv-{kind}"
        self._make = _made(KINDS[kind].of)

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        height, width = frame.shape[:2]
        least, most = KINDS[self.kind].least, KINDS[self.kind].most
        # OpenCV's trackers take whole pixels inside the frame
        low = np.clip(np.floor(box[:2]), 0, [width - 1, height - 1])
        high = np.clip(np.ceil(box[2:]), low + 1, [width, height])
        low = np.maximum(np.minimum(low, high - least), 0)
        high = np.minimum(np.maximum(high, low + least), [width, height])
        side = high - low
        if min(height, width) < least:
            errors.bad(
                "frame",
                errors.Said(f"a frame of {width} x {height} pixels"),
                f"for OpenCV's {self.kind} at least {least} x {least}",
            )
        if (side > np.array([width, height]) * most).any():
            self._refuse(box, frame)
        tracker = self._make()
        try:
            started = tracker.init(_bgr(frame), tuple(int(v) for v in (*low, *side)))
        except cv2.error as error:
            self._refuse(box, frame, error)
        if started is False:  # the older ones say so; the others say nothing
            self._refuse(box, frame)
        # kept only now: OpenCV ends the process where a tracker that did not start is updated
        self._tracker = tracker
        self._margins = box - np.concatenate([low, high]).astype(np.float32)
        self._box = box

    def _refuse(self, box: bx.Boxes, frame: Frame, error: Exception | None = None) -> NoReturn:
        height, width = frame.shape[:2]
        came = f"{box.tolist()}, on which OpenCV's {self.kind} cannot start"
        wanted = f"a smaller box, with room around it in the frame of {width} x {height} pixels"
        raise errors.InputError(f"box: got {came}, wanted {wanted}") from error

    def _step(self, frame: Frame) -> State:
        found, xywh = self._tracker.update(_bgr(frame))
        box = self._box
        if found:
            x, y, w, h = xywh
            box = (bx.xywh_to_xyxy([x, y, max(w, 0), max(h, 0)]) + self._margins).astype(np.float32)
            box[2:] = np.maximum(box[2:], box[:2])
        velocity = bx.centers(box) - bx.centers(self._box)
        self._box = box
        return State(box.copy(), velocity, self._score(bool(found)))

    def _score(self, found: bool) -> float:
        return float(found)


class OpenCVNetwork(OpenCVTracker):
    """One of OpenCV's trackers that is a network, one of `NETWORKS`, with weights that you bring.

    files: a path, or several in the order of `KINDS[kind].files`. None of them is part of OpenCV or
        of tracklab; `KINDS[kind].source` says who publishes them.

    Held, Thrun, Savarese, "Learning to Track at 100 FPS with Deep Regression Networks", ECCV 2016
    (goturn); Zhu et al., "Distractor-aware Siamese Networks for Visual Object Tracking", ECCV 2018
    (dasiamrpn). Nano and Vit have no article of their own.

    Raises `InputError` for another kind and for more or fewer files, `MissingError` without files
    and where the installed OpenCV lacks this kind, `SourceError` for a file that is not there or
    that OpenCV cannot read as this network.
    """

    def __init__(
        self,
        kind: str = "vit",
        files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        self.kind = errors.choice("kind", kind, NETWORKS)
        self.name = f"opencv-{kind}"
        one = KINDS[kind]
        make = _made(one.of)
        order = ", ".join(one.files)
        if files is None:
            raise errors.MissingError(
                f"opencv-{kind} is a network whose weights OpenCV does not bring: get them from "
                f"{one.source}, then hand their paths over, files=[{order}]"
            )
        paths = [files] if isinstance(files, (str, os.PathLike)) else list(files)
        if len(paths) != len(one.files):
            came = errors.Said(f"{len(paths)} file{'s' * (len(paths) != 1)}")
            errors.bad("files", came, f"{len(one.files)} of {self.name}, in this order: {order}")
        for path in paths:
            if not Path(path).is_file():
                raise errors.SourceError(f"{path}: there is no such file")
        parameters = getattr(cv2, f"{one.of}_Params")()
        for field, path in zip(one.files, paths, strict=True):
            setattr(parameters, field, os.fspath(path))
        try:
            make(parameters)
        except cv2.error as error:
            named = ", ".join(map(str, paths))
            raise errors.SourceError(
                f"{named}: OpenCV cannot read this as the network of {self.name}"
            ) from error
        self._make = lambda: make(parameters)

    def _score(self, found: bool) -> float:
        told = getattr(self._tracker, "getTrackingScore", None)
        return float(np.clip(told(), 0, 1)) if found and told else float(found)


def _bgr(frame: Frame) -> Frame:
    return np.ascontiguousarray(frame[..., ::-1])


def _maker(class_name: str) -> Callable[..., Any] | None:
    """What makes a tracker of OpenCV's, in its present or its older place; None where it is not."""
    for place in (cv2, getattr(cv2, "legacy", None)):
        make: Callable[..., Any] | None = getattr(place, f"{class_name}_create", None)
        if make is not None:
            return make
    return None


def _made(class_name: str) -> Callable[..., Any]:
    make = _maker(class_name)
    if make is None:
        raise errors.MissingError(
            f"{class_name} is not in the OpenCV {cv2.__version__} that is installed: it comes with "
            "the package opencv-contrib-python. Two OpenCV packages in one environment overwrite "
            "each other, so it wants an environment of its own: 'make contrib' makes one in "
            ".venv-contrib. Without make: install tracklab there, then run "
            "'pip uninstall opencv-python' and 'pip install opencv-contrib-python'"
        )
    return make
