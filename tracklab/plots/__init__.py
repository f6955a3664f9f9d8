"""Figures that carry an argument, in one look: the title says the finding, axes have units.

`figure` starts a new one; `images`, `paths`, `curves`, `bars`, `confusion`, `reliability`,
`precision_recall`, `recall_against_count`, `time_by_part`, `scoreboard`, `mistakes_by_kind`,
`gallery`, `anchors_on`, `contact_sheet`, `hota_over_alpha`, `identities`, `paired`, `success_plot`,
`precision_plot`, `normalized_precision_plot`, `by_attribute`, `overlap_over_time`,
`accuracy_against_speed`, `moments`, `difference_errors`, `range_tests`, `rates_tried`,
`three_axes`, `descents`, `convergence`, `spectrum`, `frontier`, `frontiers`, `accuracy_by_bits`,
`time_by_batch` and `cost_by_layer` are made. Each returns a `Figure`, which shows itself at the end
of a notebook's cell (or by `display`) and carries a text alternative, `alt`.
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
from tracklab.plots.compression import (
    accuracy_by_bits,
    cost_by_layer,
    frontier,
    frontiers,
    time_by_batch,
)
from tracklab.plots.detection import (
    anchors_on,
    gallery,
    mistakes_by_kind,
    precision_recall,
    recall_against_count,
    scoreboard,
    time_by_part,
)
from tracklab.plots.losing import moments
from tracklab.plots.optimizers import (
    descents,
    difference_errors,
    range_tests,
    rates_tried,
    three_axes,
)
from tracklab.plots.pictures import as_rgb, images, label_at_right, paths, spread
from tracklab.plots.second_order import convergence, spectrum
from tracklab.plots.sheets import contact_sheet
from tracklab.plots.single import (
    accuracy_against_speed,
    by_attribute,
    normalized_precision_plot,
    overlap_over_time,
    precision_plot,
    success_plot,
)
from tracklab.plots.tracking import hota_over_alpha, identities, paired

__all__ = [
    "COLORS",
    "STYLE",
    "Figure",
    "accuracy_against_speed",
    "accuracy_by_bits",
    "anchors_on",
    "as_rgb",
    "bars",
    "by_attribute",
    "calibration",
    "confusion",
    "contact_sheet",
    "convergence",
    "cost_by_layer",
    "curves",
    "decode",
    "descents",
    "difference_errors",
    "display",
    "encode_jpeg",
    "encode_png",
    "figure",
    "figure_to_png",
    "figure_to_rgb",
    "frontier",
    "frontiers",
    "gallery",
    "hota_over_alpha",
    "identities",
    "images",
    "label_at_right",
    "mistakes_by_kind",
    "moments",
    "moving_average",
    "normalized_precision_plot",
    "overlap_over_time",
    "overlay",
    "paired",
    "paths",
    "plain",
    "precision_plot",
    "precision_recall",
    "range_tests",
    "rates_tried",
    "recall_against_count",
    "reliability",
    "scoreboard",
    "set_title",
    "show_png",
    "spectrum",
    "spread",
    "style",
    "success_plot",
    "three_axes",
    "time_by_batch",
    "time_by_part",
]
