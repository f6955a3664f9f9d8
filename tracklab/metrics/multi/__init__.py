"""How good a tracker of many objects is: CLEAR-MOT, IDF1 and HOTA, equal to `trackeval` 1.3.0.

    result = multi.evaluate(truth, tracks)
    print(result)
    result.mota, result.idf1, result.hota, result.clear.switches, result.curves.det_a

`evaluate` judges a clip, `evaluate_all` several and all of them together, `evaluate_classes` each
class. Below them `compare` (which boxes overlap), `clear` (MOTA: mistakes counted frame by frame),
`identity` (IDF1: whose track is whose, once for the whole clip), `hota` (detection and association
in balance) and `distractors` (tracks of what nobody asked for).
"""

from tracklab.metrics.multi.clear import Clear, Cover, Switch
from tracklab.metrics.multi.distractors import DISTRACTORS, without_distractors
from tracklab.metrics.multi.hota import ALPHAS, Curves
from tracklab.metrics.multi.identity import Identity
from tracklab.metrics.multi.judge import (
    Result,
    Results,
    combine,
    cover,
    evaluate,
    evaluate_all,
    evaluate_classes,
)

__all__ = [
    "ALPHAS",
    "DISTRACTORS",
    "Clear",
    "Cover",
    "Curves",
    "Identity",
    "Result",
    "Results",
    "Switch",
    "combine",
    "cover",
    "evaluate",
    "evaluate_all",
    "evaluate_classes",
    "without_distractors",
]
