"""Faces, by the cascade of Viola and Jones that comes with OpenCV: no network, no download.

Viola and Jones, "Rapid object detection using a boosted cascade of simple features" (CVPR 2001),
trained by Lienhart on faces that look into the camera; of the cascades that OpenCV brings the one
that saw the fewest faces where there were none.

What it gets wrong: faces in profile, tilted by more than about 15 degrees, in the dark, half hidden
or smaller than `smallest` are not found; patterns that are light and dark where a face is (windows,
text, knees) are. How often depends on whose face it is, too: what it was trained on was never
published, and tools of its kind have been measured to fail more often on dark skin and on women
(Buolamwini and Gebru, "Gender shades", 2018, of classifiers of faces). It finds faces, and knows
nobody.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tracklab import errors
from tracklab.clips import Frame
from tracklab.detections import Detections
from tracklab.finders.base import Finder, of_one_class

CASCADE = "haarcascade_frontalface_alt2.xml"
STEP = 1.1  # of the sizes that are tried, each to the next
NEIGHBOURS = 3  # windows that must agree on a face
SMALLEST = 24  # pixels: the cascade's own window


class Faces(Finder):
    """Faces that look into the camera.

    smallest: side in pixels, 24 or more. neighbours: windows that must agree. The score is the sum
    that the cascade's last stage reaches, without a scale of its own.
    """

    name = "faces"
    class_names = ("face",)

    def __init__(self, *, smallest: int = SMALLEST, neighbours: int = NEIGHBOURS) -> None:
        self.smallest = int(errors.number("smallest", smallest, low=SMALLEST, whole=True))
        self.neighbours = int(errors.number("neighbours", neighbours, low=1, whole=True))
        folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
        path = Path(folder) / CASCADE
        if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
            raise errors.MissingError(
                f"{CASCADE} is not in the OpenCV {cv2.__version__} that is installed; it comes "
                "with opencv-python 4"
            )
        self._cascade = cv2.CascadeClassifier(str(path))

    def _find(self, frame: Frame) -> Detections:
        if min(frame.shape[:2]) < self.smallest:
            return Detections.empty()
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)  # equalized, it found fewer of two real ones
        boxes, _, scores = self._cascade.detectMultiScale3(
            grey,
            scaleFactor=STEP,
            minNeighbors=self.neighbours,
            minSize=(self.smallest, self.smallest),
            outputRejectLevels=True,
        )
        return of_one_class(boxes, np.asarray(scores)) if len(boxes) else Detections.empty()
