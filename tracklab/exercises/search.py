"""The smallest counterexample, found by search.

`shrink(inputs, fails)` walks from inputs on which an answer fails to smaller ones on which it
still fails: fewer rows, then rounder and smaller numbers. Invariant: every step lowers `cost`, so
the walk ends, and what it returns fails.
"""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Inputs = tuple[Any, ...]

PARTS = (2, 3, 4)  # a last axis so long holds the parts of one thing: a point, a colour, a box
MOST_STEPS = 2000  # tries; a learner waits for them


def shrink(inputs: Inputs, fails: Callable[[Inputs], bool], *, tries: int = MOST_STEPS) -> Inputs:
    """The smallest inputs that a greedy walk finds on which `fails` still holds.

    `fails` is called at most `tries` times, and on nothing that costs more than `inputs`.
    """
    best, price = inputs, cost(inputs)
    while tries > 0:
        for smaller in _smaller_inputs(best):
            lower = cost(smaller)
            if lower >= price:
                continue
            tries -= 1
            if fails(smaller):
                best, price = smaller, lower
                break
            if tries <= 0:
                return best
        else:
            return best
    return best


def cost(value: Any) -> tuple[int, float]:
    """How much there is to read in a value: how many numbers, and how unround they are."""
    if isinstance(value, (bool, np.bool_)) or value is None or isinstance(value, str):
        return (1, 0.0)
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iuf":
            return (value.size, float(np.count_nonzero(value)) if value.dtype.kind == "b" else 0.0)
        return (value.size, _unround_many(value))
    if isinstance(value, (numbers.Real, np.number)):
        return (1, _unround(float(value)))
    if isinstance(value, (tuple, list)):
        parts = [cost(part) for part in value]
        return (len(parts) + sum(p[0] for p in parts), sum(p[1] for p in parts))
    return (1, 0.0)


def _unround(value: float) -> float:
    if value == 0:
        return 0.0
    if not math.isfinite(value):
        return 0.1  # NaN is a fact about the input, as easy to read as 0
    magnitude = 1 + math.log2(1 + abs(value)) + (0.5 if value < 0 else 0)
    for digits, price in ((0, 0), (1, 8), (2, 16)):
        if math.isclose(value, round(value, digits), rel_tol=1e-6):
            return magnitude + price
    return magnitude + 24


def _unround_many(values: np.ndarray) -> float:
    flat = values.ravel()
    if flat.size <= 4096:
        return float(sum(_unround(float(value)) for value in flat))
    return float(np.count_nonzero(flat)) + float(np.log2(1 + np.abs(np.nan_to_num(flat))).sum())


def _smaller_inputs(inputs: Inputs) -> Iterator[Inputs]:
    """Neighbours of the inputs with less in them, the boldest first."""
    yield from _fewer_rows_together(inputs)
    for place, value in enumerate(inputs):
        for smaller in _smaller(value):
            yield (*inputs[:place], smaller, *inputs[place + 1 :])


def _fewer_rows_together(inputs: Inputs) -> Iterator[Inputs]:
    """Inputs that are as long as each other lose the same rows: boxes with their scores."""
    lengths = {len(value) for value in inputs if _has_rows(value)}
    for length in sorted(lengths, reverse=True):
        tied = [place for place, value in enumerate(inputs) if _has_rows(value, length)]
        if len(tied) < 2:
            continue
        for start, stop in _cuts(length):
            yield tuple(
                _without(value, start, stop) if place in tied else value
                for place, value in enumerate(inputs)
            )


def _has_rows(value: Any, length: int | None = None) -> bool:
    rows = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return rows and (len(value) == length if length is not None else len(value) > 0)


def _cuts(length: int) -> Iterator[tuple[int, int]]:
    """Stretches to leave out: all, halves, quarters, ..., single rows."""
    part = length
    while part >= 1:
        for start in range(0, length, part):
            yield start, min(start + part, length)
        part //= 2


def _without(value: Any, start: int, stop: int) -> Any:
    if isinstance(value, list):
        return value[:start] + value[stop:]
    return np.concatenate([value[:start], value[stop:]])


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, (bool, np.bool_, str)) or value is None:
        return
    if isinstance(value, np.ndarray):
        yield from _smaller_array(value)
    elif isinstance(value, (int, np.integer)):
        yield from (type(value)(n) for n in _smaller_numbers(int(value), whole=True))
    elif isinstance(value, (float, np.floating)):
        yield from (type(value)(n) for n in _smaller_numbers(float(value), whole=False))
    elif isinstance(value, (list, tuple)):
        if isinstance(value, list):
            for start, stop in _cuts(len(value)):
                yield _without(value, start, stop)
        for place, part in enumerate(value):
            for smaller in _smaller(part):
                yield type(value)((*value[:place], smaller, *value[place + 1 :]))


def _smaller_array(value: np.ndarray) -> Iterator[np.ndarray]:
    for axis in range(value.ndim):
        if axis and axis == value.ndim - 1 and value.shape[axis] in PARTS:
            continue
        for start, stop in _cuts(value.shape[axis]):
            yield np.delete(value, np.s_[start:stop], axis)
    if value.dtype.kind == "b":
        for place in map(tuple, np.argwhere(value)):
            yield _with(value, place, False)
        return
    if value.dtype.kind not in "iuf":
        return
    whole = value.dtype.kind in "iu"
    if not whole:
        yield np.round(value)
    yield np.where(np.isfinite(value), np.zeros_like(value), value)
    yield (np.trunc(value / 2) if whole else value / 2).astype(value.dtype)
    if value.size > 256:
        return  # number by number would take the learner's time
    for place in np.ndindex(value.shape):
        for n in _smaller_numbers(value[place].item(), whole=whole):
            yield _with(value, place, n)
    # numbers that only make sense together (the corners of a box) move together
    if value.ndim and value.shape[-1] == 4:
        for place in np.ndindex(value.shape[:-1]):
            yield from _smaller_box(value, place)


def _smaller_box(value: np.ndarray, place: tuple[int, ...]) -> Iterator[np.ndarray]:
    x1, y1, x2, y2 = value[place].tolist()
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        return
    yield _with(value, place, [0, 0, x2 - x1, y2 - y1])
    for side in (1, 10):
        yield _with(value, place, [x1, y1, x1 + side, y1 + side])
    yield _with(value, place, [x1, y1, x2 - (x2 - x1) // 2, y2])
    yield _with(value, place, [x1, y1, x2, y2 - (y2 - y1) // 2])
    yield _with(value, place, [n - n % 10 for n in (x1, y1, x2, y2)])


def _with(value: np.ndarray, place: Any, number: Any) -> np.ndarray:
    changed = value.copy()
    changed[place] = number
    return changed


def _smaller_numbers(value: float, *, whole: bool) -> Iterator[float]:
    if not math.isfinite(value):
        yield 0
        return
    yield from (n for n in (0, 1, 10, 100) if n < abs(value))
    if value < 0:
        yield -value
    yield value - math.fmod(value, 10)
    if not whole:
        yield float(round(value))
        yield round(value, 1)
    # nearer and nearer to the value itself: 1/2, 3/4, 7/8, ... of it
    part = math.trunc(value / 2)
    while part:
        yield value - part
        part = math.trunc(part / 2)


def fresh(inputs: Inputs) -> Inputs:
    """A copy of the inputs that a function may change; parts that cannot be copied are shared."""
    return tuple(_copied(value) for value in inputs)


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def same(a: Any, b: Any) -> bool:
    """Whether two inputs are equal, number for number (NaN equals NaN)."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, (tuple, list)) and type(a) is type(b):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (numbers.Number, str, bytes, np.generic)) or a is None:
        return type(a) is type(b) and (a == b or (a != a and b != b))
    return True  # what cannot be looked into is taken as unchanged
