"""Classifiers of small images: networks, recipes, how they are judged, and their comparison.

`article` and `improved` build a network, `train_article` and `train_improved` train it, `predict`
and `evaluate` use it, `shipped` loads the one that comes with the course, and `train` makes that
one again. `train_few` shows what an augmentation is worth where there are few images, `recipes` are
what is compared.
"""

from tracklab.models.classifier.ablation import BEST, NONE, Few, recipes, train_few
from tracklab.models.classifier.compare import (
    AS_WRITTEN,
    HIDDEN,
    IMPROVED,
    REPAIRED,
    RESULTS,
    VARIANTS,
    Results,
    Row,
    compare,
    read_results,
    ship,
    shipped,
    table,
    train,
    write_results,
)
from tracklab.models.classifier.judge import (
    Judgement,
    as_probabilities,
    calibration_error,
    evaluate,
    judge,
    predict,
    softmax,
)
from tracklab.models.classifier.networks import (
    HIDDEN_SOFTMAX,
    LOGITS,
    OUTPUTS,
    SOFTMAX,
    article,
    improved,
    normalize,
    residual_block,
    whitening,
)
from tracklab.models.classifier.recipe import (
    FULL_SIZE,
    GROWING,
    Growing,
    article_steps,
    smoothed_crossentropy,
    train_article,
    train_improved,
)

__all__ = [
    "AS_WRITTEN",
    "BEST",
    "FULL_SIZE",
    "GROWING",
    "HIDDEN",
    "HIDDEN_SOFTMAX",
    "IMPROVED",
    "LOGITS",
    "NONE",
    "OUTPUTS",
    "REPAIRED",
    "RESULTS",
    "SOFTMAX",
    "VARIANTS",
    "Few",
    "Growing",
    "Judgement",
    "Results",
    "Row",
    "article",
    "article_steps",
    "as_probabilities",
    "calibration_error",
    "compare",
    "evaluate",
    "improved",
    "judge",
    "normalize",
    "predict",
    "read_results",
    "recipes",
    "residual_block",
    "ship",
    "shipped",
    "smoothed_crossentropy",
    "softmax",
    "table",
    "train",
    "train_article",
    "train_few",
    "train_improved",
    "whitening",
    "write_results",
]
