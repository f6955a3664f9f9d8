"""A point on a picture that a learner drags, as the control of an explorer.

The point follows the pointer in the browser; the picture behind it is the explorer's own, drawn
anew for each place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from tracklab import errors
from tracklab.explorers import still

Place = tuple[float, float]


class Pad(anywidget.AnyWidget):
    """The picture and the point.

    value: where it is, (u, v) in the area: from 0 to 1 rightwards, from 0 to 1 upwards.
    picture: a PNG. size: its height and width in pixels. area: left, top, width and height of the
    part in which the point moves. domain: what the area's left, right, bottom and top are called.
    """

    _esm = still.script("pad.js")
    _css = Path(__file__).with_name("pad.css")

    value: Any = traitlets.Tuple().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    size: Any = traitlets.List().tag(sync=True)
    area: Any = traitlets.List().tag(sync=True)
    domain: Any = traitlets.List().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    @traitlets.validate("value")
    def _inside(self, proposal: Any) -> Place:
        return as_place("value", proposal["value"])


@dataclass(frozen=True)
class Spot:
    """A control: where on the picture.

    default: (u, v), each from 0 to 1. size, area: as `Pad` has them.
    """

    label: str
    default: Place
    size: tuple[int, int]
    area: tuple[int, int, int, int]

    def check(self, name: str, value: Any) -> Place:
        """Two numbers from 0 to 1."""
        return as_place(name, value)

    def values(self) -> tuple[Place, ...]:
        """The corners, the middle and the default."""
        return ((0.0, 0.0), (0.0, 1.0), (0.5, 0.5), self.default, (1.0, 0.0), (1.0, 1.0))

    def build(self) -> tuple[Any, Any]:
        """The pad, which is both."""
        pad = Pad(
            value=self.default,
            size=list(self.size),
            area=list(self.area),
            domain=[0.0, 1.0, 0.0, 1.0],
            label=self.label,
            alt=self.label,
        )
        pad.add_class("tracklab-wide")
        return pad, pad


def as_place(name: str, value: Any) -> Place:
    """Check two numbers from 0 to 1 and round them to thousandths, as the browser does."""
    try:
        pair = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        pair = np.zeros(0)
    # NaN is in no interval
    if pair.shape != (2,) or not ((pair >= 0) & (pair <= 1)).all():
        errors.bad(name, value, "(u, v), each a number from 0 to 1")
    return round(float(pair[0]), 3), round(float(pair[1]), 3)
