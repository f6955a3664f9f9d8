"""Comparing what came with what was wanted, and saying in words how they differ.

`difference(got, wanted)` is None where a value counts as equal, and otherwise a sentence to a
learner. It judges behaviour: a list serves for an array, a tensor for an array, a whole number for
a float. Shapes must agree; types need not, unless the difference explains a wrong number.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from tracklab import errors

RTOL = 1e-4  # float32 arithmetic in another order must pass
ATOL = 1e-5


def difference(got: Any, wanted: Any, *, rtol: float = RTOL, atol: float = ATOL) -> str | None:
    """How `got` differs from `wanted`, in words, or None where it does not.

    NaN equals NaN. `|got - wanted| <= atol + rtol |wanted|` counts as equal, with `rtol` 0 where
    whole numbers are wanted.
    """
    limits = {"rtol": rtol, "atol": atol}
    if got is None and wanted is not None:
        return "Your function gave back nothing (`None`). Is there a `return` missing?"
    if wanted is None or isinstance(wanted, (str, bytes, bool, np.bool_)):
        return _plain(got, wanted)
    if isinstance(wanted, Mapping):
        return _mapping(got, wanted, limits)
    if isinstance(wanted, Set):
        return _plain(set(got) if isinstance(got, (Sequence, np.ndarray)) else got, wanted)
    if dataclasses.is_dataclass(wanted):
        return _fields(got, wanted, limits)
    if isinstance(wanted, (tuple, list)):
        return _sequence(got, wanted, limits)
    if isinstance(wanted, (numbers.Number, np.ndarray, np.generic)) or hasattr(wanted, "__array__"):
        array = np.asarray(wanted)
        if array.dtype.kind in "biufc":
            return _array(got, array, rtol if array.dtype.kind in "fc" else 0, atol)
    return _plain(got, wanted)


def _plain(got: Any, wanted: Any) -> str | None:
    try:
        if isinstance(got, np.ndarray) and got.ndim == 0:
            got = got.item()
        if isinstance(got, np.generic):
            got = got.item()
        if isinstance(wanted, np.generic):
            wanted = wanted.item()
        if isinstance(wanted, bool) and not isinstance(got, bool):
            return f"A yes or no (`True` or `False`) is wanted; yours is {kind(got)}."
        same = bool(got == wanted)
    except Exception:
        same = False
    return None if same else "The two are not the same."


def _mapping(got: Any, wanted: Mapping[Any, Any], limits: dict[str, float]) -> str | None:
    if not isinstance(got, Mapping):
        return f"A dictionary is wanted; yours is {kind(got)}."
    missing = [repr(key) for key in wanted if key not in got]
    surplus = [repr(key) for key in got if key not in wanted]
    if missing or surplus:
        parts = [f"{', '.join(missing)} missing"] if missing else []
        parts += [f"{', '.join(surplus)} too many"] if surplus else []
        return f"The keys differ: {'; '.join(parts)}."
    for key, value in wanted.items():
        said = difference(got[key], value, **limits)
        if said:
            return f"Under the key {key!r}: {said}"
    return None


def _fields(got: Any, wanted: Any, limits: dict[str, float]) -> str | None:
    for part in dataclasses.fields(wanted):
        if not hasattr(got, part.name):
            return f"A {type(wanted).__name__} is wanted; yours is {kind(got)}."
        said = difference(getattr(got, part.name), getattr(wanted, part.name), **limits)
        if said:
            return f"In `.{part.name}`: {said}"
    return None


def _sequence(got: Any, wanted: Sequence[Any], limits: dict[str, float]) -> str | None:
    unsized = not hasattr(got, "__len__") or getattr(got, "shape", None) == ()
    if unsized or isinstance(got, (str, bytes, Mapping, Set)):
        return f"{_count(len(wanted), 'value')} wanted; yours is {kind(got)}."
    if len(got) != len(wanted):
        return f"You gave back {_count(len(got), 'value')}; wanted: {len(wanted)}."
    for place, (mine, right) in enumerate(zip(got, wanted, strict=True)):
        said = difference(mine, right, **limits)
        if said:
            return f"Value {place + 1} of {len(wanted)}: {said}"
    return None


def _array(got: Any, wanted: np.ndarray, rtol: float, atol: float) -> str | None:
    try:
        mine = np.asarray(got)
    except Exception:
        return f"Numbers of shape {wanted.shape} are wanted; yours is {kind(got)}."
    if mine.dtype.kind not in "biufc" or isinstance(got, (str, bytes)):
        return f"{_shape_words(wanted)} wanted; yours is {kind(got)}."
    if mine.shape != wanted.shape:
        return _shapes(mine, wanted)
    if wanted.dtype.kind == "b" or mine.dtype.kind == "b":
        if mine.dtype.kind != wanted.dtype.kind:
            words = {True: "`True` and `False`", False: "numbers"}
            came = words[mine.dtype.kind == "b"]
            return f"The wanted values are {words[wanted.dtype.kind == 'b']}; yours are {came}."
        differs = mine != wanted
        off = np.zeros(wanted.shape)
    else:
        exact = np.complex128 if "c" in (mine.dtype.kind, wanted.dtype.kind) else np.float64
        a, b = mine.astype(exact), wanted.astype(exact)
        with np.errstate(all="ignore"):
            near = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
            off = np.abs(a - b)
        differs = ~near
    if not differs.any():
        return None
    return _values(mine, wanted, differs, off)


def _shapes(mine: np.ndarray, wanted: np.ndarray) -> str:
    said = f"{_shape_words(wanted)} wanted; yours is {kind(mine)}."
    if mine.ndim == 2 and mine.T.shape == wanted.shape:
        return said + " Rows and columns are swapped."
    if only_ones_differ(mine, wanted):
        return said + " Only axes of length 1 differ."
    return said


def only_ones_differ(got: Any, wanted: Any) -> bool:
    """Whether two shapes are the same but for axes of length 1.

    >>> only_ones_differ([[1, 2]], [1, 2])
    True
    """
    try:
        mine, right = np.shape(got), np.shape(wanted)
    except Exception:
        return False  # rows of different lengths have no shape
    return mine != right and [n for n in mine if n != 1] == [n for n in right if n != 1]


def _shape_words(wanted: np.ndarray) -> str:
    if wanted.ndim == 0:
        return "One number is"
    return f"An array of shape {wanted.shape} is"


def _values(mine: np.ndarray, wanted: np.ndarray, differs: np.ndarray, off: np.ndarray) -> str:
    hints = []
    unknown_mine, unknown = _nan(mine), _nan(wanted)
    if (unknown_mine & ~unknown).any():
        hints.append("Yours has NaN where a number is wanted.")
    elif (unknown & ~unknown_mine).any():
        hints.append("Yours has a number where NaN (not known) is wanted.")
    elif mine.dtype.kind in "iu" and wanted.dtype.kind == "f" and np.nanmax(off) < 1:
        hints.append(f"Yours is of type {mine.dtype}, which cannot hold a fraction.")
    elif mine.dtype == np.uint8 and np.nanmax(off) > 127:
        hints.append("uint8 holds 0 to 255 and wraps round: 255 + 1 is 0. Convert first.")
    elif wanted.dtype.kind != "b" and _sign_flipped(mine, wanted):
        hints.append("The sign is the other way round.")
    if wanted.ndim == 0 or wanted.size == 1:
        return " ".join(["The number is not the wanted one.", *hints])
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    place = first[0] if len(first) == 1 else list(first)
    said = f"{int(differs.sum())} of {wanted.size} numbers differ, the first at index {place}"
    said += f": {words(mine[first])} instead of {words(wanted[first])}."
    return " ".join([said, *hints])


def _nan(array: np.ndarray) -> np.ndarray:
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)


def _sign_flipped(mine: np.ndarray, wanted: np.ndarray) -> bool:
    exact = np.complex128 if "c" in (mine.dtype.kind, wanted.dtype.kind) else np.float64
    with np.errstate(all="ignore"):
        flipped = np.isclose(mine.astype(exact), -wanted.astype(exact), RTOL, ATOL, equal_nan=True)
    return bool(flipped.all())


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def kind(value: Any) -> str:
    """What a value is, in a few words.

    >>> kind(np.zeros((2, 3)))
    'an array of shape (2, 3)'
    """
    if value is None:
        return "nothing (`None`)"
    if isinstance(value, (bool, np.bool_)):
        return f"`{bool(value)}`"
    if isinstance(value, (numbers.Number, np.generic)):
        return "one number"
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "__array__"):
        shape = tuple(int(n) for n in shape)
        return "one number" if shape == () else f"an array of shape {shape}"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {_count(len(value), 'value')}"
    return errors.kind(value)


LONGEST = 600  # characters of a value that are still read


def words(value: Any) -> str:
    """A value as a learner would write it, short enough to read.

    >>> words(np.array([[0.0, 1.5]], np.float32))
    '[[0, 1.5]]'
    """
    if hasattr(value, "__array__") and not isinstance(value, (np.ndarray, np.generic)):
        try:
            value = np.asarray(value)
        except Exception:
            return _cut(repr(value))
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "biufc":
        if value.size == 0:
            return f"an empty array of shape {value.shape}"
        text = np.array2string(
            value, separator=", ", threshold=60, edgeitems=3, formatter={"all": _number}
        )
        return _cut(text)
    if isinstance(value, (numbers.Number, np.generic, np.ndarray)):
        item = value.item() if hasattr(value, "item") else value
        return _number(item)
    if isinstance(value, (tuple, list)):
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return _cut(opening + ", ".join(words(part) for part in value) + closing)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key!r}: {words(part)}" for key, part in value.items())
        return _cut("{" + inside + "}")
    return _cut(repr(value))


def _number(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (numbers.Integral, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.6g}"
    if isinstance(value, (complex, np.complexfloating)):
        return f"{complex(value):.6g}"
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
