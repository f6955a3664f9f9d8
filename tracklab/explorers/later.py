"""Results that take longer than an eye wants to wait: made once, in the background if somebody
watches, and kept.

Invariants: a result is made once for its key; of several that are wanted while one is made, only
the last is made next.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

KEPT = 512  # results
GRACE = 0.1  # seconds that whoever asks waits for a result


class Later:
    """Results by key.

    background: make them in a thread of its own, and call `tell()` behind each. Otherwise `get`
    makes them at once.
    """

    def __init__(self, background: bool = False) -> None:
        self.background = background
        self.tell: Callable[[], Any] = lambda: None
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._change = threading.Condition()
        self._wanted: tuple[Hashable, Callable[[], Any]] | None = None
        self._thread: threading.Thread | None = None

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The result of `make()` for a key, or None where it is still to come.

        What `make` raises is raised here, each time that its result is asked for.
        """
        if not self.background:
            if key not in self._kept:
                self._keep(key, _tried(make))
            return _given(self._kept[key])
        with self._change:
            if key not in self._kept:
                self._wanted = key, make
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
                if threading.current_thread() is not self._thread:
                    self._change.wait_for(lambda: key in self._kept, GRACE)
            found = self._kept.get(key)
        return None if found is None else _given(found)

    def _work(self) -> None:
        while True:
            with self._change:
                if self._wanted is None:
                    self._thread = None  # under the lock: who wants more now starts another
                    return
                (key, make), self._wanted = self._wanted, None
            result = _tried(make)
            with self._change:
                self._keep(key, result)
                self._change.notify_all()
            self.tell()

    def _keep(self, key: Hashable, result: Any) -> None:
        self._kept[key] = result
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _tried(make: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return make(), None
    except Exception as error:
        return None, error


def _given(found: tuple[Any, Exception | None]) -> Any:
    result, error = found
    if error is not None:
        raise error
    return result
