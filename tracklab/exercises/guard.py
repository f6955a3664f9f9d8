"""Running a learner's function: with a time limit, its output caught, its exception kept short.

`call` never raises what the function raises (`KeyboardInterrupt` excepted) and does not hang on
an endless loop, whatever the loop catches. The limit is a signal in the main thread where the
system has one, and an exception sent into a helper thread elsewhere; either stops Python code,
not a single long call into a library. What the function imports for the first time does not count.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import functools
import io
import linecache
import logging
import signal
import sys
import threading
import time
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
IMPORTING = 20.0  # seconds that a call may take while it loads modules


def call(function: Callable[..., Any], inputs: tuple[Any, ...], seconds: float) -> Outcome:
    """Call `function(*inputs)` for at most `seconds` and say what happened."""
    out = _Kept()
    limited = _in_main_thread if _has_alarm() else _in_helper_thread
    with _caught(out), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        value, error, late = limited(function, inputs, seconds)
    printed = out.getvalue()
    if late:
        return Outcome(late=True, printed=printed)
    return Outcome(value, error, printed=printed)


# -- output


class _Kept(io.StringIO):
    """Keeps the first `PRINTED` characters, so that a loop that prints takes no memory."""

    def write(self, text: str) -> int:
        room = PRINTED - self.tell()
        if room > 0:
            super().write(text[:room])
        return len(text)


@contextlib.contextmanager
def _caught(out: io.StringIO) -> Iterator[None]:
    """Prints, log records and displays go to `out`, and figures that are made are closed."""
    with (
        _figures_closed(),
        _displays_caught(out),
        _log_caught(out),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        yield


@contextlib.contextmanager
def _log_caught(out: io.StringIO) -> Iterator[None]:
    """Handlers of the root logger hold the stream that they were made with: lend them another."""
    screens = (sys.stdout, sys.stderr)
    handlers = [h for h in logging.getLogger().handlers if getattr(h, "stream", None) in screens]
    lent = {handler: handler.stream for handler in handlers}  # type: ignore[attr-defined]
    for handler in lent:
        handler.setStream(out)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for handler in logging.getLogger().handlers:
            if getattr(handler, "stream", None) is out:  # those made in the call too
                handler.setStream(lent.get(handler, screens[1]))  # type: ignore[attr-defined]


@contextlib.contextmanager
def _displays_caught(out: io.StringIO) -> Iterator[None]:
    """What is displayed in a notebook is kept as text."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        yield
        return
    from IPython.core.displaypub import DisplayPublisher

    class Texts(DisplayPublisher):
        def publish(self, data: Any, *_: Any, **__: Any) -> None:
            print(data.get("text/plain", ""), file=out)

        def clear_output(self, wait: bool = False) -> None:
            pass

    before, shell.display_pub = shell.display_pub, Texts()
    try:
        yield
    finally:
        shell.display_pub = before


@contextlib.contextmanager
def _figures_closed() -> Iterator[None]:
    """A notebook shows every open figure below the cell: leave only those from before."""

    def numbers() -> set[int]:
        plt: Any = sys.modules.get("matplotlib.pyplot")
        return set(plt.get_fignums()) if hasattr(plt, "get_fignums") else set()

    before = numbers()
    try:
        yield
    finally:
        for number in numbers() - before:
            sys.modules["matplotlib.pyplot"].close(number)


# -- time


def _has_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


class _Imports:
    """Whether the time went into loading modules, which is no fault of the answer."""

    def __init__(self) -> None:
        self._loaded, self._stop = len(sys.modules), time.monotonic() + IMPORTING

    def excuse(self) -> bool:
        """Whether modules came since the last time, and there is time left for them."""
        before, self._loaded = self._loaded, len(sys.modules)
        return self._loaded > before and time.monotonic() < self._stop


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
    fired, imports = [False], _Imports()
    own = (_attempt.__code__, _in_main_thread.__code__)
    # not in Python: what runs there would be interrupted by the signal that it sends
    send = functools.partial(_thread.interrupt_main, signal.SIGALRM)
    sends_again = type("SendsAgain", (), {"__del__": staticmethod(send)})

    def stop(signum: int, frame: Any) -> None:
        if frame is None or frame.f_code in own:
            return  # between the function and here: nothing to stop, or the timer tries again
        if not fired[0] and imports.excuse():
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            return
        fired[0] = True
        # A bare `except` swallows the exception. With it goes what it holds, and that sends the
        # signal once more: it comes at the next jump or call, before the loop is back in its `try`.
        held = sends_again()  # noqa: F841
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

    imports = _Imports()
    helper = threading.Thread(target=run, daemon=True)
    helper.start()
    helper.join(seconds)
    while helper.is_alive() and imports.excuse():
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
