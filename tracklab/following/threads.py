"""Decoding ahead and encoding behind, each in a thread of its own, with a few frames between.

FFmpeg, OpenCV and TensorFlow let other threads run while they work, so two cores are busy.

Invariants: never more than `ROOM` items wait on either side; an error of a thread comes out where
its work is asked for; after `close` no thread is left.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

ROOM = 6  # frames that wait: 4 MB of 640 x 360
SECONDS_TO_LOOK = 0.1  # a wait without an end could not be ended by Ctrl-C

Item = TypeVar("Item")
_END = object()


class Ahead(Generic[Item]):
    """Takes items from an iterable before they are asked for.

    Iterate over it once, `None` where nothing came for a moment. `close` ends the thread, as soon
    as the item that it waits for is there.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._ready: queue.Queue[Any] = queue.Queue(ROOM)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item | None]:
        while True:
            try:
                item, error = self._ready.get(timeout=SECONDS_TO_LOOK)
            except queue.Empty:
                yield None
                continue
            if error is not None:
                raise error
            if item is _END:
                return
            yield item

    def close(self, patience: float | None = None) -> bool:
        """End the thread; returns whether it has ended, within so many seconds if any are given."""
        self._stopped.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put((item, None)):
                    return
            self._put((_END, None))
        except BaseException as error:
            self._put((_END, error))

    def _put(self, what: Any) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(what, timeout=SECONDS_TO_LOOK)
            except queue.Full:
                continue
            return True
        return False


class Behind(Generic[Item]):
    """Does a piece of work for each item that it is given, in order, in the background."""

    def __init__(self, work: Callable[[Item], Any]) -> None:
        self._work = work
        self._waiting: queue.Queue[Any] = queue.Queue(ROOM)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Give it one more; waits where many are waiting. Raises the error of an earlier one."""
        if self._error is not None:
            raise self._error
        self._waiting.put(item)

    def close(self) -> None:
        """Wait until all is done, then end the thread. Raises the error of an item."""
        if self._thread.is_alive():
            self._waiting.put(_END)
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._error is None:  # after an error, items are taken and left
                try:
                    self._work(item)
                except BaseException as error:
                    self._error = error
