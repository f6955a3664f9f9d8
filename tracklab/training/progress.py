"""One line that says how far a long computation is, in a terminal, in a notebook, or in a file."""

from __future__ import annotations

import sys
import time
from typing import Any

SECONDS_BETWEEN_LINES = 0.2


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell else None
    return type(kernel).__name__ == "ZMQInteractiveShell"


class Progress:
    """One line that says how far a training is; it updates in place and its last state stays.

    In a notebook it is one display that is replaced, so a saved notebook holds the last line only.
    In a terminal it is a tqdm bar on standard output. Where output goes to a file or a pipe, only
    the last line is written. `shown=False` writes nothing at all.
    """

    def __init__(self, name: str, *, shown: bool = True) -> None:
        self.name, self.shown = name, shown
        self._next = 0.0
        self._bar: Any = None
        self._display: Any = None
        self._notebook = shown and _in_notebook()

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
