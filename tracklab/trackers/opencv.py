"""OpenCV's trackers behind tracklab's door: a yardstick that others have built.

Which trackers there are depends on the OpenCV that is installed: `opencv-python` has MIL;
`opencv-contrib-python` has KCF, CSRT, and older ones under `cv2.legacy`. OpenCV wants BGR images
and `x, y, w, h` boxes, most of its trackers in whole pixels, and tells no score but "found" or
"not found".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.trackers.base import State, Tracker

# kind: the name of its class in OpenCV, without "_create"
KINDS = {
    "mil": "TrackerMIL",
    "kcf": "TrackerKCF",
    "csrt": "TrackerCSRT",
    "mosse": "TrackerMOSSE",
    "medianflow": "TrackerMedianFlow",
}
SMALLEST_SIDE = 8  # pixels: on boxes of 4 and less, MIL looks for features without an end


class OpenCVTracker(Tracker):
    """One of OpenCV's own trackers, by its `kind`.

    Babenko, Yang, Belongie, "Visual Tracking with Online Multiple Instance Learning", CVPR 2009
    (mil); Henriques et al., "High-Speed Tracking with Kernelized Correlation Filters", PAMI 2015
    (kcf); Lukezic et al., "Discriminative Correlation Filter with Channel and Spatial
    Reliability", CVPR 2017 (csrt); Bolme et al., "Visual Object Tracking using Adaptive
    Correlation Filters", CVPR 2010 (mosse); Kalal, Mikolajczyk, Matas, "Forward-Backward Error",
    ICPR 2010 (medianflow).

    Where it does not find the object, the box stays and the score is 0. MIL draws random numbers
    that cannot be seeded: it does not repeat itself. Raises `InputError` for another kind, and in
    `init` for a box on which OpenCV cannot start (MIL wants room around it in the frame);
    `MissingError` where the installed OpenCV lacks this kind.
    """

    def __init__(self, kind: str = "mil") -> None:
        self.kind = errors.choice("kind", kind, KINDS)
        self.name = f"opencv-{kind}"
        self._make = _maker(KINDS[kind])

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        height, width = frame.shape[:2]
        # OpenCV's trackers take whole pixels inside the frame
        low = np.clip(np.floor(box[:2]), 0, [width - 1, height - 1])
        high = np.clip(np.ceil(box[2:]), low + 1, [width, height])
        low = np.maximum(np.minimum(low, high - SMALLEST_SIDE), 0)
        high = np.minimum(np.maximum(high, low + SMALLEST_SIDE), [width, height])
        tracker = self._make()
        try:
            tracker.init(_bgr(frame), tuple(int(v) for v in (*low, *(high - low))))
        except cv2.error as error:
            came = errors.Said(f"{box.tolist()}, on which OpenCV's {self.kind} cannot start")
            wanted = f"a smaller box, with room around it in the frame of {width} x {height} pixels"
            raise errors.InputError(f"box: got {came}, wanted {wanted}") from error
        # kept only now: OpenCV ends the process where a tracker that did not start is updated
        self._tracker = tracker
        self._margins = box - np.concatenate([low, high]).astype(np.float32)
        self._box = box

    def _step(self, frame: Frame) -> State:
        found, xywh = self._tracker.update(_bgr(frame))
        box = self._box
        if found:
            x, y, w, h = xywh
            box = (bx.xywh_to_xyxy([x, y, max(w, 0), max(h, 0)]) + self._margins).astype(np.float32)
            box[2:] = np.maximum(box[2:], box[:2])
        velocity = bx.centers(box) - bx.centers(self._box)
        self._box = box
        return State(box.copy(), velocity, float(found))


def _bgr(frame: Frame) -> Frame:
    return np.ascontiguousarray(frame[..., ::-1])


def _maker(class_name: str) -> Callable[[], Any]:
    """What makes a tracker of OpenCV's, in its present or its older place."""
    for place in (cv2, getattr(cv2, "legacy", None)):
        make = getattr(place, f"{class_name}_create", None)
        if make is not None:
            return make
    raise errors.MissingError(
        f"{class_name} is not in the OpenCV {cv2.__version__} that is installed: it comes with the "
        "package opencv-contrib-python. Two OpenCV packages in one environment overwrite each "
        "other, so make an environment of its own, install tracklab there, then run "
        "'pip uninstall opencv-python' and 'pip install opencv-contrib-python'"
    )
