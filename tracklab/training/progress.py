"""One line that says how far a long computation is, in a terminal, in a notebook, or in a file."""

from __future__ import annotations

import contextlib
import contextvars
import sys
import time
from collections.abc import Iterator
from typing import Any

SECONDS_BETWEEN_LINES = 0.2


_hushed = contextvars.ContextVar("hushed", default=False)


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """What is computed inside shows no progress of its own: a line around it already does."""
    before = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(before)


def span(seconds: float) -> str:
    """A time as people say it.

    >>> span(7.3), span(93), span(7400)
    ('7 s', '1 min 33 s', '2 h 3 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell else None
    return type(kernel).__name__ == "ZMQInteractiveShell"


class Progress:
    """One line that says how far a training is; it updates in place and its last state stays.

    In a notebook it is one display that is replaced, so a saved notebook holds the last line only.
    In a terminal it is a tqdm bar on standard output. Where output goes to a file or a pipe, only
    the last line is written. `shown=False` writes nothing at all, as does one made inside `hushed`.
    """

    def __init__(self, name: str, *, shown: bool = True) -> None:
        self.name, self.shown = name, shown and not _hushed.get()
        self._next = 0.0
        self._bar: Any = None
        self._display: Any = None
        self._notebook = self.shown and _in_notebook()

    def update(self, fraction: float, text: str) -> None:
        """Show `text` and the bar at `fraction` in [0, 1]; calls that come too soon are skipped."""
        now = time.monotonic()
        if not self.shown or now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        if self._notebook:
            filled = round(20 * fraction)
            bar = "█" * filled + "░" * (20 - filled)
            self._put(f"{self.name} {100 * fraction:3.0f} % {bar} {text}")
        elif sys.stdout.isatty():
            self._terminal(fraction, text)

    def close(self, text: str) -> None:
        """Replace the bar with a last line."""
        if not self.shown:
            return
        line = f"{self.name}: {text}"
        if self._notebook:
            self._put(line)
        else:
            if self._bar is not None:
                self._bar.leave = False
                self._bar.close()
            print(line, flush=True)

    def _terminal(self, fraction: float, text: str) -> None:
        if self._bar is None:
            from tqdm import tqdm

            form = "{desc} {percentage:3.0f} % |{bar:20}| {postfix}"
            self._bar = tqdm(total=1.0, desc=self.name, bar_format=form, file=sys.stdout)
        self._bar.n = fraction
        self._bar.set_postfix_str(text)

    def _put(self, line: str) -> None:
        from IPython.display import display

        data = {"text/plain": line}
        if self._display is None:
            self._display = display(data, raw=True, display_id=True)
        else:
            self._display.update(data, raw=True)
