"""Detectors: the line R-CNN, Fast R-CNN, Faster R-CNN, and a one-stage detector beside it.

`build` makes one of the four `KINDS` from shared parts, `train` trains it, its `detect` and
`detect_all` use it; `shipped` loads the one that comes with the course, `train_shipped` makes that
one again, and `timings` says where the time goes. `SecondLook` names with a classifier what a
detector finds. To read: `stages` is the line, `rpn` the region proposal network, `roi` RoIAlign,
`head` what it says of a region, `losses` the multi-task loss.
"""

from tracklab.models.detector.base import Detector
from tracklab.models.detector.networks import KINDS, build
from tracklab.models.detector.one_stage import OneStage
from tracklab.models.detector.recipe import train
from tracklab.models.detector.rpn import Proposals
from tracklab.models.detector.second_look import SecondLook, cut_out, unnamed
from tracklab.models.detector.ship import NAMES, SHAPES, THUMBNAILS, shipped, train_shipped
from tracklab.models.detector.stages import RCNN, FasterRCNN, FastRCNN
from tracklab.models.detector.timing import timings

__all__ = [
    "KINDS",
    "NAMES",
    "RCNN",
    "SHAPES",
    "THUMBNAILS",
    "Detector",
    "FastRCNN",
    "FasterRCNN",
    "OneStage",
    "Proposals",
    "SecondLook",
    "build",
    "cut_out",
    "shipped",
    "timings",
    "train",
    "train_shipped",
    "unnamed",
]
