"""What was said of every frame so far, in as little memory as its numbers need.

Invariant: `record[t]` is the `Tracks` that was added for frame `t`. A row of it takes some seventy
bytes: an hour of one object is six megabytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tracklab.tracks import Tracks

NUMBERS = 8  # of a row: four of its box, two of its velocity, its score, its speed


class Record(Sequence[Tracks]):
    """A sequence of `Tracks`, one a frame, to which frames are added at the end."""

    def __init__(self) -> None:
        self._times = array("d")
        self._starts = array("q", [0])  # of each frame's rows, and the end of the last
        self._whole = array("q")  # identity, class and age of each row
        self._numbers = array("f")

    def add(self, tracks: Tracks, seconds: float, speeds: NDArray[np.float32]) -> None:
        """One more frame. speeds: `(N,)`, of each of its tracks, in pixels a second."""
        self._times.append(seconds)
        self._starts.append(self._starts[-1] + len(tracks))
        whole = np.stack([tracks.ids, tracks.labels, tracks.ages], 1)
        parts = [tracks.boxes, tracks.velocities, tracks.scores[:, None], speeds[:, None]]
        self._whole.frombytes(whole.astype(np.int64).tobytes())
        self._numbers.frombytes(np.concatenate(parts, 1).astype(np.float32).tobytes())

    @property
    def seconds(self) -> NDArray[np.float64]:
        """`(T,)`: when each frame was shown."""
        return np.array(self._times, np.float64)

    def speeds(self, frame: int) -> NDArray[np.float32]:
        """`(N,)`: of the tracks of a frame, in pixels a second; NaN where it is not known."""
        return self._rows(frame)[1][:, 7]

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> Tracks: ...

    @overload
    def __getitem__(self, index: slice) -> list[Tracks]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        whole, numbers = self._rows(range(len(self))[index])
        return Tracks(
            whole[:, 0], numbers[:, :4], numbers[:, 4:6], whole[:, 1], numbers[:, 6], whole[:, 2]
        )

    def _rows(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        begin, end = self._starts[frame], self._starts[frame + 1]
        whole = np.array(self._whole[3 * begin : 3 * end], np.int64).reshape(-1, 3)
        numbers = np.array(self._numbers[NUMBERS * begin : NUMBERS * end], np.float32)
        return whole, numbers.reshape(-1, NUMBERS)
