"""Clips made of still images moved over still images: what a tracker learns from.

No video is needed to learn to follow: what is on the screen is the same thing as a moment ago, and
that can be said of any picture that is moved, whatever it shows. `Stills` are the pictures (of
CIFAR-10, of a folder of photographs), `clip` makes a clip of them, with truth, in milliseconds.

To read on: `pictures` and `shapes` (what sprites are made of), `actors` (how a sprite changes),
`paths` (how it moves), `grounds` (over what), `script` (among whom), `drawing`, `lens`, `film`.
"""

from tracklab.datasets.moved.film import clip, clips
from tracklab.datasets.moved.stills import Stills

__all__ = ["Stills", "clip", "clips"]
