"""Trackers on their way through clips, a frame at a time: what they have found so far can be shown.

Invariants: a tracker goes through a clip once, in order, and what a run holds up to `done` never
changes again. In the background, runs that nobody wants any more stop where they are, and go on
from there when they are wanted again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors, plots
from tracklab.clips import Clip, Frame
from tracklab.metrics import single
from tracklab.trackers import Tracker

LAYERS = ("response", "prior", "posterior")  # maps that a tracker may have of its last search
TELL = 0.25  # seconds between two looks at what is under way
GRACE = 0.05  # seconds that a change waits for runs that are as good as done
KEPT_QUALITY = 95  # of frames that were decoded once and are kept to be looked at
KEPT_BYTES = 256 * 2**20  # of these, for each clip

Map = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What a tracker saw in one search.

    maps: by name, out of `LAYERS`, `(h, w)`, each with a finite value. place: box `(4,)` of the
    frame that their cells cover. searched: box `(4,)` of what was looked at. predicted: `(2,)`,
    where the object was expected, or None.
    """

    maps: Mapping[str, Map]
    place: bx.Boxes
    searched: bx.Boxes
    predicted: NDArray[np.float32] | None

    def top(self, name: str) -> NDArray[np.float64]:
        """The middle of a map's highest cell, `(2,)` pixels of the frame."""
        values = self.maps[name]
        ranked = np.where(np.isfinite(values), values, -np.inf)
        row, column = np.unravel_index(int(ranked.argmax()), values.shape)
        step = bx.sizes(self.place).astype(float) / values.shape[::-1]
        return np.asarray(self.place[:2] + (np.array([column, row]) + 0.5) * step)

    def peak(self, name: str) -> float:
        """A map's highest value."""
        values = self.maps[name]
        return float(values[np.isfinite(values)].max())


def glimpse(sight: Any) -> Glimpse | None:
    """What a tracker's `sight` tells; None where it has none, or is not a search.

    Taken are `searched`, `response`, `prior`, `posterior`, `centers` (where the middles of the
    first and of the last cell are; without them the cells fill what was searched), `predicted`. A
    tracker that has `weighted` instead takes its peak: response and prior together.
    """
    if getattr(sight, "searched", None) is None:
        return None
    maps = {name: np.asarray(getattr(sight, name)) for name in LAYERS if hasattr(sight, name)}
    if hasattr(sight, "weighted") and "response" in maps:
        maps.setdefault("posterior", np.asarray(sight.weighted))
        maps.setdefault("prior", maps["posterior"] - maps["response"])
    maps = {name: one for name, one in maps.items() if one.ndim == 2 and np.isfinite(one).any()}
    searched = np.array(sight.searched, np.float32)
    place, centers = searched, np.array(getattr(sight, "centers", ()), np.float32)
    if centers.size == 4 and maps:
        rows, columns = next(iter(maps.values())).shape
        low, high = centers.reshape(2, 2)
        half = (high - low) / np.maximum([columns - 1, rows - 1], 1) / 2
        place = np.concatenate([low - half, high + half]).astype(np.float32)
    predicted = getattr(sight, "predicted", None)
    return Glimpse(
        # seen on a screen only: a long clip has thousands
        {name: one.astype(np.float16) for name, one in maps.items()},
        place,
        searched,
        None if predicted is None else np.array(predicted, np.float32),
    )


class Stage:
    """A clip, the object that is to be followed in it, and the runs through it.

    clip: with at least one frame. box: `(4,)` xyxy pixels of the object in the first frame. Without
        one, the truth tells: the object that is there first. With both, the truth is taken of the
        object that the box overlaps most, and of none where it overlaps none.

    first: frame in which the object is given. truth: `(T, 4)`, NaN where the object is not in the
    picture, or None. visible: `(T,)` share of the object, or None.

    Raises `InputError` for no clip, for a box that is none or lies outside, and where nothing says
    what is to be followed.
    """

    def __init__(self, clip: Clip, box: ArrayLike | None = None, *, name: str = "clip") -> None:
        if not isinstance(clip, Clip) or not len(clip):
            errors.bad(name, clip, "a clip with at least one frame (see tracklab.read_clip)")
        self.clip, self.size = clip, clip.size
        self.runs: dict[str, Run] = {}
        self.first, self.truth, self.visible = 0, None, None
        self._kept: dict[int, bytes] = {}
        self._kept_bytes = 0
        known, which = clip.truth, None
        if box is not None:
            self.box = bx.as_box(box, f"box of {name}")
            if not bx.area(bx.clip(self.box, *self.size)) > 0:
                came = errors.Said(f"{self.box.tolist()}, which is outside the frame")
                errors.bad(f"box of {name}", came, "a box that touches the first frame")
            if known is not None and known.present[0].any():
                overlaps = np.nan_to_num(bx.iou(self.box[None], known.boxes[0])[0])
                which = int(overlaps.argmax()) if overlaps.max() > 0 else None
        elif known is not None and known.present.any():
            self.first = int(known.present.any(1).argmax())
            which = int(known.present[self.first].argmax())
            self.box = known.boxes[self.first, which]
        else:
            came = errors.Said("a clip without truth, and no box")
            errors.bad(name, came, "truth, or boxes={name: box in the first frame, xyxy pixels}")
        if known is not None and which is not None:
            self.truth, self.visible = known.boxes[:, which], known.visibility[:, which]

    def __len__(self) -> int:
        return len(self.clip)

    def frame(self, index: int) -> Frame:
        """A frame as the clip has it: what trackers are shown."""
        frames = self.clip.frames
        frame = np.asarray(frames[index])
        lazy = not isinstance(frames, np.ndarray)
        # to decode again, from far before, takes longer than an eye wants to wait
        if lazy and index not in self._kept and self._kept_bytes < KEPT_BYTES:
            data = plots.encode_jpeg(frame, KEPT_QUALITY)
            self._kept[index] = data
            self._kept_bytes += len(data)
        return frame

    def picture(self, index: int) -> Frame:
        """A frame to look at, at once if it was decoded before."""
        data = self._kept.get(index)
        return self.frame(index) if data is None else plots.decode(data)

    def run(self, name: str, make: Callable[[], Tracker]) -> Run:
        """The run of a tracker, begun where there is none yet."""
        if name not in self.runs:
            self.runs[name] = Run(name, make, self)
        return self.runs[name]


@dataclass(frozen=True, eq=False)
class Judged:
    """What the truth says of the first `done` frames of a run.

    overlaps: `(done,)` IoU, NaN without truth. losses: see `metrics.single.losses`. auc: success.
    """

    done: int
    overlaps: NDArray[np.float64]
    losses: tuple[single.Loss, ...]
    auc: float


class Run:
    """One tracker's way through a clip of `T` frames, as far as it has come.

    make: makes the tracker. It is not called before the first step.

    begun: whether it has taken its first step. done: frames that are behind it; what lies beyond is
    NaN or None. boxes: `(T, 4)`, cut at the frame's edge as truth is. scores: `(T,)`. glimpses:
    what it saw in each frame, where it tells. error: what stopped it, or None. seconds: what its
    steps took.
    """

    def __init__(self, name: str, make: Callable[[], Tracker], stage: Stage) -> None:
        self.name, self.stage, self._make = name, stage, make
        count = len(stage)
        self.boxes: bx.Boxes = np.full((count, 4), np.nan, np.float32)
        self.scores: NDArray[np.float32] = np.full(count, np.nan, np.float32)
        self.glimpses: list[Glimpse | None] = [None] * count
        self.spans: dict[str, tuple[float, float]] = {}  # lowest and highest value of each map
        self.begun, self.done, self.seconds = False, 0, 0.0
        self.error: Exception | None = None
        self._tracker: Tracker | None = None
        self._judged: Judged | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do: at the end, or stopped by an error."""
        return self.error is not None or self.done >= len(self.stage)

    @property
    def pace(self) -> float:
        """Seconds a frame, so far; 0 where it has not begun."""
        return self.seconds / max(1, self.done - self.stage.first)

    def step(self) -> None:
        """One frame more. What the tracker raises ends the run, and is kept."""
        began, self.begun = time.perf_counter(), True
        try:
            if not self.over:
                self._step()
        except Exception as error:
            self.error, self._tracker = error, None
        self.seconds += time.perf_counter() - began

    def _step(self) -> None:
        stage, now = self.stage, max(self.done, self.stage.first)
        frame = stage.frame(now)
        if self._tracker is None:
            self._tracker = self._make()
            self._tracker.init(frame, stage.box)
            self.boxes[now], self.scores[now] = bx.clip(stage.box, *stage.size), 1.0
        else:
            state = self._tracker.update(frame)
            box = bx.as_boxes(state.box, f"box of {self.name}", absent=True)
            self.boxes[now], self.scores[now] = bx.clip(box, *stage.size), state.score
            seen = self.glimpses[now] = glimpse(getattr(self._tracker, "sight", None))
            for name, values in seen.maps.items() if seen else ():
                known = values[np.isfinite(values)].astype(float)
                low, high = self.spans.get(name, (np.inf, -np.inf))
                self.spans[name] = known.min(initial=low), known.max(initial=high)
        self.done = now + 1  # last: who reads up to `done` finds everything there
        if self.over:
            self._tracker = None  # a network need not stay in memory

    def judged(self) -> Judged | None:
        """What the truth says so far; None where there is none, or no frame yet."""
        done, truth = self.done, self.stage.truth
        if truth is None or not done:
            return None
        if self._judged is None or self._judged.done != done:
            found, known = self.boxes[:done], truth[:done]
            self._judged = Judged(
                done,
                single.compare(found, known).overlaps,
                tuple(single.losses(found, known)),
                single.success_auc(found, known),
            )
        return self._judged


@dataclass
class Runner:
    """Takes runs to their ends: the one that is fastest so far first.

    background: do it in a thread of its own, and call `tell()` four times a second and at the end.
        Otherwise `want` returns when all are done.
    """

    background: bool = False
    tell: Callable[[], Any] = field(default=lambda: None)

    def __post_init__(self) -> None:
        self._change = threading.Condition()
        self._wanted: tuple[Run, ...] = ()
        self._thread: threading.Thread | None = None

    def want(self, runs: Iterable[Run]) -> None:
        """These runs are wanted now, and no others."""
        wanted = tuple(runs)
        if not self.background:
            for run in wanted:
                while not run.over:
                    run.step()
            return
        with self._change:
            new = [run for run in wanted if run not in self._wanted and not run.over]
            self._wanted = wanted
            if self._thread is None and not all(run.over for run in wanted):
                self._thread = threading.Thread(target=self._work, name="arena", daemon=True)
                self._thread.start()
        if new and threading.current_thread() is not self._thread:
            self.wait(GRACE)

    def wait(self, seconds: float) -> bool:
        """Wait so long for what is wanted; returns whether all of it is done."""
        with self._change:
            return self._change.wait_for(lambda: all(r.over for r in self._wanted), seconds)

    def _work(self) -> None:
        told = time.monotonic()
        while True:
            with self._change:
                ahead = [run for run in self._wanted if not run.over]
                if not ahead:
                    self._thread = None  # under the lock: who wants more now starts another
                    self._change.notify_all()
                    break
            min(ahead, key=lambda run: run.pace).step()
            if time.monotonic() - told > TELL:
                self.tell()
                told = time.monotonic()
        self.tell()


def progress(runs: Iterable[Run]) -> tuple[str, float] | None:
    """What is still under way, in words, and which share of it is done; None where all is."""
    runs = [run for run in runs if run.error is None]
    ahead = [run for run in runs if not run.over]
    if not ahead:
        return None
    told = []
    for run in ahead:
        far = f"{run.done} of {len(run.stage)} frames" if run.done else "gets ready"
        told.append(f"{run.name} {far if run.begun else 'waits'}")
    return "; ".join(told), sum(run.done for run in runs) / sum(len(run.stage) for run in runs)
