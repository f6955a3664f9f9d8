"""Running a learner's function: with a time limit, its output caught, its exception kept short.

`call` never raises what the function raises (`KeyboardInterrupt` excepted) and does not hang on
an endless loop. The limit is a signal in the main thread where the system has one, and an
exception sent into a helper thread elsewhere; either stops Python code, not a single long call
into a library.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import linecache
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


class Todo(Exception):
    """Raised by `exercises.todo()`: this exercise is waiting for an answer."""


class _TimeUp(BaseException):
    """Past every `except Exception` of the function that is being stopped."""


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or an error, or neither because the time was up."""

    value: Any = None
    error: BaseException | None = None
    late: bool = False
    printed: str = ""


AGAIN = 0.005  # seconds after which a swallowed time-up is sent again
PRINTED = 2000  # characters of output kept


def call(function: Callable[..., Any], inputs: tuple[Any, ...], seconds: float) -> Outcome:
    """Call `function(*inputs)` for at most `seconds` and say what happened."""
    out = io.StringIO()
    limited = _in_main_thread if _has_alarm() else _in_helper_thread
    with contextlib.redirect_stdout(out), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        value, error, late = limited(function, inputs, seconds)
    printed = out.getvalue()[:PRINTED]
    if late:
        return Outcome(late=True, printed=printed)
    return Outcome(value, error, printed=printed)


def _has_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _attempt(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Any, Any]:
    try:
        return function(*inputs), None
    except (KeyboardInterrupt, _TimeUp):
        raise
    except BaseException as error:  # `exit()` in an answer must not end the kernel
        return None, error


def _in_main_thread(
    function: Callable[..., Any], inputs: tuple[Any, ...], seconds: float
) -> tuple[Any, Any, bool]:
    fired = [False]

    def stop(signum: int, frame: Any) -> None:
        fired[0] = True
        raise _TimeUp

    value, error, left, again = None, None, 0.0, 0.0
    before = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            left, again = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            value, error = _attempt(function, inputs)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeUp:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left, AGAIN), again)
    return value, error, fired[0]


def _in_helper_thread(
    function: Callable[..., Any], inputs: tuple[Any, ...], seconds: float
) -> tuple[Any, Any, bool]:
    result: list[Any] = []

    def run() -> None:
        with contextlib.suppress(_TimeUp), np.errstate(all="ignore"):
            result.append(_attempt(function, inputs))

    helper = threading.Thread(target=run, daemon=True)
    helper.start()
    helper.join(seconds)
    if not helper.is_alive():
        value, error = result[0]
        return value, error, False
    for _ in range(200):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(helper.ident or 0), ctypes.py_object(_TimeUp)
        )
        helper.join(AGAIN)
        if not helper.is_alive():
            break
    return None, None, True


@dataclass(frozen=True)
class Place:
    """A line of the learner's code: its number in the cell or file, its text, the function."""

    number: int
    text: str
    function: str


def place(error: BaseException, function: Callable[..., Any]) -> Place | None:
    """The line of the learner's own code at which an exception was raised, or passed through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return Place(error.lineno, (error.text or "").strip(), "")
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = list(_frames(error))
    chosen = [f for f in frames if f.filename == own] or frames
    if not chosen:
        return None
    last = chosen[-1]
    text = last.line or linecache.getline(last.filename, last.lineno or 0)
    return Place(last.lineno or 0, text.strip(), last.name)


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename != __file__:
            yield frame
