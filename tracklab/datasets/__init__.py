"""Images to learn from: CIFAR-10 where it can be had, a folder of your own, or drawn sprites.

`Images` have one class each, `BoxedImages` boxes: of scenes, or of a Pascal VOC folder.
What a set is called is true. What stands in for CIFAR-10 never bears its name, and is announced in
one line.
"""

from tracklab.datasets import moved
from tracklab.datasets.archive import unpack
from tracklab.datasets.boxed import BoxedImages, SceneBatches, boxed_scenes, objects_of
from tracklab.datasets.cifar import CIFAR_CLASSES, cifar10
from tracklab.datasets.crowds import Crowd, crowd
from tracklab.datasets.drawn import sprites
from tracklab.datasets.folder import image_folder
from tracklab.datasets.images import Images
from tracklab.datasets.imagined import imagined_detections
from tracklab.datasets.masked import MaskedImages, masked_scenes
from tracklab.datasets.store import cache_dir
from tracklab.datasets.voc import voc

__all__ = [
    "CIFAR_CLASSES",
    "BoxedImages",
    "Crowd",
    "Images",
    "MaskedImages",
    "SceneBatches",
    "boxed_scenes",
    "cache_dir",
    "cifar10",
    "crowd",
    "image_folder",
    "imagined_detections",
    "masked_scenes",
    "moved",
    "objects_of",
    "sprites",
    "unpack",
    "voc",
]
