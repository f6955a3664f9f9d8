"""How good a tracker of one object is: OTB's one-pass evaluation, GOT-10k's figures, speed, losses.

    single.success_auc(pred, truth), single.precision_at(pred, truth, 20)
    result = single.evaluate(track, clip.truth, size=clip.size, attributes=["occlusion"])
    print(single.evaluate_all({"Girl": result, "Surfer": (pred, truth)}))
    single.lost_at(pred, truth)

`pred` and `truth` are boxes `(T, 4)` xyxy pixels; a `Track` and a `Truth` of one object are taken,
too. `frames` lays them side by side and says what becomes of those without truth; `otb` are
success, precision and normalized precision; `pooled` are AO and SR; `losing` finds where a tracker
loses its object; `judge` puts everything together, for sequences, attributes and trackers.
"""

from tracklab.metrics.single.frames import DROPPED, HELD, HIT, MISSED, Comparison, compare
from tracklab.metrics.single.judge import (
    Result,
    Results,
    Speed,
    combine,
    evaluate,
    evaluate_all,
    table,
)
from tracklab.metrics.single.losing import Loss, losses, lost_at
from tracklab.metrics.single.otb import (
    OVERLAPS,
    PIXELS,
    SHARES,
    normalized_precision_at,
    normalized_precision_auc,
    normalized_precision_curve,
    precision_at,
    precision_curve,
    success_auc,
    success_curve,
)
from tracklab.metrics.single.pooled import Pooled, got10k, pool

__all__ = [
    "DROPPED",
    "HELD",
    "HIT",
    "MISSED",
    "OVERLAPS",
    "PIXELS",
    "SHARES",
    "Comparison",
    "Loss",
    "Pooled",
    "Result",
    "Results",
    "Speed",
    "combine",
    "compare",
    "evaluate",
    "evaluate_all",
    "got10k",
    "losses",
    "lost_at",
    "normalized_precision_at",
    "normalized_precision_auc",
    "normalized_precision_curve",
    "pool",
    "precision_at",
    "precision_curve",
    "success_auc",
    "success_curve",
    "table",
]
