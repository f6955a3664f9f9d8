"""Scenes: short procedural videos with exact truth, from a seed, without a network or a file.

`render` makes one; `standard` renders one of the named ones; `DIALS` are its difficulties. Truth is
measured on the rendered masks, not on formulas, so it is what the pixels show:

- boxes are tight around an object's own mask, cut at the picture's border, and do not shrink where
  another object stands before it (as OTB's and MOTChallenge's annotators draw them). Train a
  detector on boxes whose visibility is above a threshold, or take `Masks.visible_boxes`.
- visibility is the visible share of the whole mask; what is beyond the border counts as hidden.
- an object without a pixel inside the picture is absent: four NaNs, visibility 0. One that is
  inside, but hidden, keeps its box, with visibility 0.
- velocities are those of the object's centre on screen, in every frame, absent or not.
"""

from tracklab.scenes.backdrop import BACKGROUNDS
from tracklab.scenes.compose import Masks
from tracklab.scenes.motion import MOTIONS, Trajectories
from tracklab.scenes.scene import (
    DIALS,
    DIFFICULTIES,
    STANDARD,
    TEST_SEED,
    TRAIN_SEED,
    Dial,
    Scene,
    render,
    render_with_masks,
    standard,
    trajectories,
)
from tracklab.scenes.sprites import SHAPES, STRANGERS, Thumbnails, sprite, stranger

__all__ = [
    "BACKGROUNDS",
    "DIALS",
    "DIFFICULTIES",
    "MOTIONS",
    "SHAPES",
    "STANDARD",
    "STRANGERS",
    "TEST_SEED",
    "TRAIN_SEED",
    "Dial",
    "Masks",
    "Scene",
    "Thumbnails",
    "Trajectories",
    "render",
    "render_with_masks",
    "sprite",
    "standard",
    "stranger",
    "trajectories",
]
