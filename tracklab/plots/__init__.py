"""Figures that carry an argument, in one look: the title says the finding, axes have units.

`figure` starts a new one; `images`, `paths`, `curves`, `bars`, `confusion` and `reliability` are
made. Each returns a `Figure`, which shows itself at the end of a notebook's cell (or by `display`)
and carries a text alternative, `alt`.
"""

from tracklab.overlay import draw as overlay
from tracklab.plots.base import (
    COLORS,
    STYLE,
    Figure,
    decode,
    display,
    encode_jpeg,
    encode_png,
    figure,
    figure_to_png,
    figure_to_rgb,
    plain,
    set_title,
    show_png,
    style,
)
from tracklab.plots.charts import (
    bars,
    calibration,
    confusion,
    curves,
    moving_average,
    reliability,
)
from tracklab.plots.pictures import as_rgb, images, label_at_right, paths, spread

__all__ = [
    "COLORS",
    "STYLE",
    "Figure",
    "as_rgb",
    "bars",
    "calibration",
    "confusion",
    "curves",
    "decode",
    "display",
    "encode_jpeg",
    "encode_png",
    "figure",
    "figure_to_png",
    "figure_to_rgb",
    "images",
    "label_at_right",
    "moving_average",
    "overlay",
    "paths",
    "plain",
    "reliability",
    "set_title",
    "show_png",
    "spread",
    "style",
]
