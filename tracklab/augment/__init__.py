"""Augmentation: more images than there are, of which what is known is still true.

    recipe = augment.Pipeline(augment.Flip(), augment.Affine(), augment.Colour(p=0.8))
    images, labels = recipe(images, labels, rng)             # a batch for a classifier
    images, boxes, labels = recipe.boxed(images, boxes, labels, rng)  # for a detector
    clip = recipe.clip(clip, rng)                            # for a tracker: one draw a clip

Six families: `Flip`; `Rotation`; `Affine` (shear, scale, translation); `Crop`; what changes the
image where it is: `Colour` (brightness, contrast, saturation, hue), `Blur`, `Noise`, `Cutout`; and
what mixes images: `Mixup`, `CutMix`, and `Mosaic` for boxes.

To read: `geometry` is where things go, `sampler` what colour they are there, `edge` what the edge
of the image leaves of a box, `following` how all that is known goes along, `moves` the same as
`sampler`, fast. `looseness` is how large a turned box is beside a tight one. `flipped`, `shifted`
and `cropped` move by whole pixels, for sources of batches that draw for themselves.
"""

from tracklab.augment.affine import Affine, shifted
from tracklab.augment.blur import Blur
from tracklab.augment.colour import Colour
from tracklab.augment.crop import Crop, cropped
from tracklab.augment.cutmix import CutMix
from tracklab.augment.cutout import Cutout
from tracklab.augment.flip import Flip, flipped
from tracklab.augment.looseness import looseness, outline, outlines
from tracklab.augment.mixup import Mixup
from tracklab.augment.mosaic import Mosaic
from tracklab.augment.moves import Move, warp
from tracklab.augment.noise import Noise
from tracklab.augment.pipeline import Pipeline
from tracklab.augment.rotation import Rotation
from tracklab.augment.sampler import BORDERS, sample
from tracklab.augment.transform import Transform

__all__ = [
    "BORDERS",
    "Affine",
    "Blur",
    "Colour",
    "Crop",
    "CutMix",
    "Cutout",
    "Flip",
    "Mixup",
    "Mosaic",
    "Move",
    "Noise",
    "Pipeline",
    "Rotation",
    "Transform",
    "cropped",
    "flipped",
    "looseness",
    "outline",
    "outlines",
    "sample",
    "shifted",
    "warp",
]
