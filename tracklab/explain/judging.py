"""One protocol for all methods and all networks: cases whose right answer is known, and a table.

Invariant: every method meets the same cases, and the baselines do, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.datasets import MaskedImages
from tracklab.explain.methods import ALL, Method
from tracklab.explain.pointing import energy, hit
from tracklab.explain.removal import deletion, insertion
from tracklab.explain.sanity import cascade, copied, similarity
from tracklab.explain.target import Target
from tracklab.explain.targets import Classes

TRUTH = "the mask itself"
# By name: what is measured, and whether more of it is better.
MEASURES = {
    "pointing": True,
    "near": True,
    "other": False,
    "energy": True,
    "insertion": True,
    "deletion": False,
    "similarity": False,
    "on object": False,
    "ms": False,
}
NEAR = 3  # pixels: how far beside the object a map's highest place still counts as near


@dataclass(frozen=True, eq=False)
class Case:
    """An answer whose right explanation is known.

    target: what is explained. image: `(H, W, 3)`. mask: `(H, W)` of the object that it is about.
    others: `(H, W)` of the other objects, or None. forgets: the same question to a network that has
    forgotten everything, or None.
    """

    target: Target
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    others: NDArray[np.bool_] | None = None
    forgets: Target | None = None


Table = dict[str, dict[str, NDArray[np.float64]]]


def pictures(model: Any, data: MaskedImages, *, sure: float = 0.5) -> list[Case]:
    """The cases of a classifier of `datasets.masked_scenes`: each class that is in a picture.

    sure: the probability below which an answer is left out: what a network does not say has no
    reasons. Raises `InputError` where none is left.
    """
    size = (int(data.images.shape[1]), int(data.images.shape[2]))
    ask = Classes(model, data.class_names, size)
    ruined = copied(model)
    for _ in cascade(ruined):
        pass
    forgot = Classes(ruined, data.class_names, size)
    cases = []
    for image, labels, masks in zip(data.images, data.labels, data.masks, strict=True):
        for k, label in enumerate(labels.tolist()):
            target = ask.about(label)
            if target.probabilities(image[None])[0] < sure:
                continue
            others = np.delete(masks, k, axis=0).any(0)
            known = others if others.any() else None
            cases.append(Case(target, image, masks[k], known, forgot.about(label)))
    if not cases:
        errors.bad("data", errors.Said("pictures of which nothing is said"), "a lower `sure`")
    return cases


def judge(method: Method, case: Case) -> dict[str, float]:
    """What one method is worth in one case, by `MEASURES`; NaN where it cannot be said.

    pointing, near: `hit` with a tolerance of 0 and of `NEAR`. other: hits of the other objects.
    energy, insertion, deletion: see there. similarity: to its own map of the network that has
    forgotten; on object: the same on the object's pixels alone, where it does not count that an
    answer cannot see far. ms: CPU milliseconds of one map.
    """
    began = time.process_time()
    heat = method(case.target, case.image)
    spent = time.process_time() - began
    other = hit(heat, case.others) if case.others is not None else np.nan
    alike = within = np.nan
    if case.forgets is not None:
        after = method(case.forgets, case.image)
        alike = similarity(heat, after)
        within = similarity(heat, after, where=case.mask)
    return {
        "pointing": hit(heat, case.mask),
        "near": hit(heat, case.mask, tolerance=NEAR),
        "other": other,
        "energy": energy(heat, case.mask),
        "insertion": insertion(case.target, case.image, heat).area,
        "deletion": deletion(case.target, case.image, heat).area,
        "similarity": alike,
        "on object": within,
        "ms": 1e3 * spent,
    }


def compare(
    cases: Sequence[Case], methods: Mapping[str, Method] | None = None, *, truth: bool = True
) -> Table:
    """By method and measure, the values `(N,)` of all cases.

    methods: by name; all, baselines among them, if None. truth: also for the mask itself, as if a
    method had given it: what the measures say of a map that points at the whole object.
    """
    if not cases:
        errors.bad("cases", errors.Said("no cases"), "at least one")
    table: Table = {}
    for name, method in (ALL if methods is None else methods).items():
        method(cases[0].target, cases[0].image)  # the first one compiles
        table[name] = _columns(judge(method, case) for case in cases)
    if truth:
        table[TRUTH] = _columns(judge(_given(case), _without(case)) for case in cases)
    return table


def summary(table: Table, measures: Iterable[str] = MEASURES) -> str:
    """A table as text: means over the cases, with their standard errors."""
    chosen = [errors.choice("measure", one, MEASURES) for one in measures]
    wide = max(len(name) for name in table) + 2
    lines = [" " * wide + "".join(f"{one:>14}" for one in chosen)]
    for name, columns in table.items():
        cells = []
        for one in chosen:
            mean, off = spread(columns[one])
            text = f"{mean:.0f}" if one == "ms" else f"{mean:.2f} ± {off:.2f}"
            cells.append(f"{text if np.isfinite(mean) else '-':>14}")
        lines.append(f"{name:{wide}}" + "".join(cells))
    return "\n".join(lines)


def spread(values: NDArray[np.float64]) -> tuple[float, float]:
    """The mean of what is known, and its standard error; NaN where nothing is."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    off = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else 0.0
    return float(known.mean()), float(off)


def _columns(rows: Iterable[dict[str, float]]) -> dict[str, NDArray[np.float64]]:
    known = list(rows)
    return {one: np.array([row[one] for row in known]) for one in MEASURES}


def _given(case: Case) -> Method:
    return lambda target, image: case.mask.astype(np.float32)


def _without(case: Case) -> Case:
    return Case(case.target, case.image, case.mask, case.others)
