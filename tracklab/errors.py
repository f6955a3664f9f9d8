"""What bad input gets: an error that names the argument, what came, and what is wanted.

Every public function checks what it is given at its door and raises `InputError`; a source of
frames or a file that cannot be read raises `SourceError`; something optional that is not on this
machine raises `MissingError`, with what to do about it.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np


class TracklabError(Exception):
    """Everything that tracklab raises on purpose."""


class InputError(TracklabError, ValueError):
    """An argument is not what the function can work with."""


class SourceError(TracklabError, OSError):
    """A file, folder or camera cannot be read as what it was taken for."""


class MissingError(TracklabError, RuntimeError):
    """Something optional (data, a codec, a tracker) is not on this machine."""


def describe(value: Any) -> str:
    """A short, honest description of a value for an error message.

    >>> describe(np.zeros((2, 3), np.float32))
    'an array of shape (2, 3) and type float32'
    >>> describe("left")
    "'left'"

    What NumPy has wrapped because it is no array at all is described as it came:

    >>> describe(np.asarray(None))
    'None'
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    try:
        text = repr(value)
    except Exception:  # Python writes out no number of thousands of digits
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{type(value).__name__} {text[:60]}..."


def bad(argument: str, got: Any, wanted: str) -> NoReturn:
    """Raise `InputError` for an argument: what it is called, what came, what is wanted.

    `got` is described with `describe` unless it is already a sentence made by the caller
    (pass an `str` subclass-free description through `Said`).
    """
    came = str(got) if isinstance(got, Said) else describe(got)
    raise InputError(f"{argument}: got {came}, wanted {wanted}")


class Said(str):
    """A description that is already in words, for `bad`."""


def kind(value: Any) -> Said:
    """What kind of thing a value is, with its article, for `bad`.

    >>> kind([1, 2]), kind(np.zeros(3))
    ('a list', 'an ndarray')
    """
    name = type(value).__name__
    vowel = name[0].lower() in "aeiou" or name.startswith("nd")  # an "en-d-array"
    return Said(f"{'an' if vowel else 'a'} {name}")


def number(
    argument: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    whole: bool = False,
) -> float | int:
    """Check one finite number in `[low, high]` and return it as `int` (if `whole`) or `float`.

    Raises `InputError` for anything else, booleans included.

    >>> number("fps", 25, low=0)
    25.0
    """
    kind = "a whole number" if whole else "a number"
    if low > -math.inf and high < math.inf:
        wanted = f"{kind} from {low:g} to {high:g}"
    elif low > -math.inf:
        wanted = f"{kind} of at least {low:g}"
    else:
        wanted = kind if high == math.inf else f"{kind} of at most {high:g}"
    allowed = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, allowed):
        bad(argument, value, wanted)
    if not low <= value <= high:  # NaN never is
        bad(argument, value, wanted)
    if whole:
        return int(value)
    try:
        number = float(value)
    except OverflowError:  # a whole number may be larger than any float
        number = math.inf
    if not math.isfinite(number):
        bad(argument, value, f"{wanted} that a float can hold")
    return number


def choice(argument: str, value: Any, options: Any) -> str:
    """Check that `value` is one of the named `options` and return it.

    Raises `InputError` that lists the options.

    >>> choice("kind", "xyxy", ("xyxy", "xywh"))
    'xyxy'
    """
    names = list(options)
    if not isinstance(value, str) or value not in names:
        bad(argument, value, "one of " + ", ".join(repr(name) for name in names))
    return value


def image(argument: str, value: Any) -> np.ndarray:
    """Check one frame, `(H, W, 3)` uint8 RGB, and return it as an array.

    Raises `InputError` for grey or RGBA images, other types, and images without pixels.
    """
    array = np.asarray(value)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        bad(argument, array, "an RGB image of shape (H, W, 3) and type uint8")
    return array
