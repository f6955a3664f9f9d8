"""A video from its first frame to its last: decode, follow, draw, write, in bounded memory.

Invariants: `tracks[t]` of the result is what was said of frame `t`, for every frame that was taken,
damaged ones included; whatever ends a run (the end, Ctrl-C, a full disk, an error), what was
followed until then is in the files.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors, video
from tracklab.finders import Finder
from tracklab.following import followers
from tracklab.following.drawing import Moment, Painter, counts_of
from tracklab.following.followers import Follower, One
from tracklab.following.outs import Outs
from tracklab.following.record import Record
from tracklab.following.threads import Ahead, Behind
from tracklab.following.ways import KM_H, Ways
from tracklab.metrics.crossing import Counter, Crossing
from tracklab.trackers import Tracker
from tracklab.trackers.sort import SortTracker
from tracklab.tracks import Tracks
from tracklab.training.progress import Progress, span
from tracklab.video.stream import Shot, Stream

TRAIL = 1.5  # seconds of the past that are drawn
MARGIN = 5.0  # pixels beside a line within which a trembling box has not crossed it
TOLD = 5  # damaged frames that are told of one by one
SECONDS_TO_END = 2.0  # for a thread that waits for a camera


@dataclass(frozen=True, eq=False)
class Followed:
    """What came of a run.

    tracks: one `Tracks` a frame, made when it is asked for. name, tracker: of the source, and of
    who followed. fps, size: of the video; size is height and width.
    damaged: numbers of the frames that could not be decoded. crossings: of the line, in order.
    files: what was written. problems: what could not be, in words. stopped: by Ctrl-C.
    elapsed: seconds. metres_per_pixel: the scale that was told, or None. class_names: of labels.
    ways: the two ways across the line, or none without a line.
    """

    tracks: Record
    name: str
    tracker: str
    fps: float
    size: tuple[int, int]
    damaged: tuple[int, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    files: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    stopped: bool = False
    elapsed: float = 0.0
    metres_per_pixel: float | None = None
    class_names: tuple[str, ...] = field(default=())
    ways: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Frames."""
        return len(self.tracks)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """`(T,)`: when each frame is shown."""
        return self.tracks.seconds

    @property
    def boxes(self) -> NDArray[np.float32]:
        """`(T, 4)` of the one object, NaN where it has no box.

        Raises `InputError` where many were followed.
        """
        found = np.full((len(self), 4), np.nan, np.float32)
        for number, frame in enumerate(self.tracks):
            if len(frame) > 1 or (len(frame) and frame.ids[0] != followers.THE_ONE):
                errors.bad("boxes", errors.Said("many objects"), "one; see tracks")
            found[number] = frame.boxes[0] if len(frame) else np.nan
        return found

    @property
    def speeds(self) -> dict[int, NDArray[np.float32]]:
        """For each identity `(T,)`, pixels a second in each frame; NaN where it has no speed."""
        found: dict[int, NDArray[np.float32]] = {}
        for number, frame in enumerate(self.tracks):
            values = self.tracks.speeds(number).tolist()
            for one, value in zip(frame.ids.tolist(), values, strict=True):
                found.setdefault(one, np.full(len(self), np.nan, np.float32))[number] = value
        return found

    def km_h(self, speed: ArrayLike) -> NDArray[np.float64]:
        """A speed in pixels a second as kilometres an hour, by the scale that was told."""
        if self.metres_per_pixel is None:
            errors.bad("metres_per_pixel", None, "the scale, when the video is tracked")
        # 1 m/s = 3.6 km/h
        return np.asarray(speed, np.float64) * self.metres_per_pixel * KM_H

    @property
    def frames_per_second(self) -> float:
        """Frames that were taken in a second, all in all."""
        return len(self) / self.elapsed if self.elapsed > 0 else float("nan")

    def __str__(self) -> str:
        identities = {one for frame in self.tracks for one in frame.ids.tolist()}
        boxed = sum(len(frame) > 0 for frame in self.tracks)
        height, width = self.size
        lines = [
            f"{self.name}: {len(self)} frames of {width} x {height} pixels, {self.tracker}",
            f"{len(identities)} object{'s' * (len(identities) != 1)}, a box in {boxed} frames"
            if identities
            else "nothing was found in any frame: no box, and no object",
        ]
        if self.damaged:
            count = len(self.damaged)
            lines.append(f"{count} damaged frame{'s' * (count != 1)}, without a box that was seen")
        if self.ways:
            went = [one.way for one in self.crossings]
            counts = ", ".join(f"{way} {went.count(way)}" for way in self.ways)
            lines.append(f"crossed the line: {counts}")
        if self.stopped:
            lines.append("stopped with Ctrl-C")
        if self.files:
            lines.append(f"written: {', '.join(map(str, self.files))}")
        return "\n".join([*lines, *self.problems])


def track(
    source: str | os.PathLike[str] | int,
    tracker: Tracker | SortTracker | str = "recurrent",
    *,
    box: ArrayLike | None = None,
    ask: Callable[[Any], ArrayLike] | None = None,
    detect: Finder | Callable[[Any], Any] | str | None = None,
    out: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    fps: float | None = None,
    frames: int | None = None,
    kind: str | None = None,
    metres_per_pixel: float | None = None,
    line: ArrayLike | None = None,
    trail: float = TRAIL,
    quality: float = video.encoder.QUALITY,
    shown: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Followed:
    """Follow one object, or many, through a video; frames are taken one by one and not kept.

    source, fps, frames, kind: as in `read_clip`; a webcam goes on until Ctrl-C if `frames` is None.
    tracker: of one object or of many, by its name or made.
    box: `(4,)` xyxy pixels around the one object in the first frame that can be decoded. Without
        a box and a detector, the truth of an OTB or VOT folder says where its object starts; that
        is all that is taken from it.
    ask: where nothing else says where to start, this function is given the first frame and returns
        the box.
    detect: a finder, by its name in `finders.NAMES` or made, or a function from a frame to
        `Detections`, or "file" for those of a MOTChallenge folder. A tracker of one starts on the
        best that is found in the first frame in which anything is; trackers of many are fed with
        all that is found in every frame.
    out: files, by their endings: `.mp4` the video with boxes, trails and speeds, as browsers play
        it; `.csv` a table (`video.read_table`); `.txt` MOTChallenge's text (`video.read_tracks`).
    metres_per_pixel: a scale, for speeds in km/h. It holds for motion across the picture at one
        distance, and nowhere else: a street that leads away from the camera has none.
    line: x1, y1, x2, y2 pixels; who crosses it is counted.
    trail: seconds of the past that are drawn. quality: of the video, 0 to 100.
    shown: tell how far it is. say: is told of damaged frames and the like, a line each.

    A frame that cannot be decoded is told of and has no box (or one that a tracker of many
    predicts, if it coasts), and keeps its time. Ctrl-C ends the run, not the program: files are
    completed with what was followed, and the result says `stopped`. A file that fails, as on a full
    disk, is kept as far as it got, and is in `problems`. Any other error comes out after files were
    completed.

    Raises `InputError` for arguments that are none, and `SourceError` and `MissingError` where
    source, tracker, detector or files cannot be had; all but a damaged source before any frame is
    taken.
    """
    if metres_per_pixel is not None and errors.number("metres_per_pixel", metres_per_pixel) <= 0:
        errors.bad("metres_per_pixel", metres_per_pixel, "metres, above 0")
    trail = errors.number("trail", trail, low=0)
    errors.number("quality", quality, low=0, high=100)
    counter = None if line is None else Counter(line, margin=MARGIN)
    outs = Outs(out, source, quality)
    stream = video.open_stream(source, fps=fps, frames=frames, kind=kind)
    try:
        follower = followers.choose(tracker, box, ask, detect, stream.clip)
        painter = Painter(
            class_names=tuple(follower.class_names),
            single=isinstance(follower, One),
            metres_per_pixel=metres_per_pixel,
            line=None if counter is None else counter.line,
        )
        run = _Run(stream, follower, painter, outs, counter, Ways(trail), say)
        progress = Progress("track", shown=shown)
    except BaseException:
        stream.close()
        raise
    return run.to_the_end(progress)


class _Run:
    """One run: what it is made of, and how far it is."""

    def __init__(
        self,
        stream: Stream,
        follower: Follower,
        painter: Painter,
        outs: Outs,
        counter: Counter | None,
        ways: Ways,
        say: Callable[[str], None],
    ) -> None:
        self.stream, self.follower, self.painter = stream, follower, painter
        self.outs, self.counter, self.ways, self.say = outs, counter, ways, say
        self.record = Record()
        self.damaged: list[int] = []
        self.last: Any = None  # the last whole frame: it stays where one is damaged
        self.waiting: list[Shot] = []  # damaged ones before the first whole frame
        self.begin = time.monotonic()

    def to_the_end(self, progress: Progress) -> Followed:
        """Take frame after frame, whatever happens, and complete the files."""
        self.outs.begin(self.stream.fps)
        ahead: Ahead[Shot] = Ahead(self.stream)
        behind: Behind[Moment] = Behind(lambda moment: self.outs.add(moment, self.painter))
        stopped = False
        with _interrupts() as interrupts:
            try:
                for shot in ahead:
                    stopped = interrupts.asked
                    if stopped or self.outs.lost:
                        break
                    if shot is None:
                        continue  # nothing came for a moment
                    self._take(shot, behind)
                    progress.update(*self._how_far())
                if self.last is None and not stopped and not self.outs.lost:
                    self._nothing()
            except BaseException:
                progress.close(f"broken off after {len(self.record)} frames")
                raise
            finally:
                interrupts.completing = True
                try:
                    behind.close()
                finally:
                    self._write()
                    if ahead.close(SECONDS_TO_END):  # else it is in the decoder still
                        self.stream.close()
        elapsed = time.monotonic() - self.begin
        taken = len(self.record)
        rate = f", {taken / elapsed:.0f} a second" if elapsed > 0 else ""
        progress.close(f"{taken} frames in {span(elapsed)}{rate}" + ", stopped" * stopped)
        return Followed(
            self.record,
            self.stream.name,
            self.follower.name,
            self.stream.fps,
            (0, 0) if self.last is None else self.last.shape[:2],
            tuple(self.damaged),
            () if self.counter is None else tuple(self.counter.crossings),
            tuple(self.outs.files),
            tuple(self.outs.problems),
            stopped,
            elapsed,
            self.painter.metres_per_pixel,
            tuple(self.follower.class_names),
            () if self.counter is None else self.counter.ways,
        )

    def _take(self, shot: Shot, behind: Behind[Moment]) -> None:
        """One frame, whole or damaged."""
        if shot.frame is None:
            self._note_damage(shot)
            tracks = self.follower.skip()  # from the first on: it may count frames
            if self.last is None:
                self.waiting.append(shot)
                return
            self._add(tracks, shot, behind)
            return
        first = self.last is None
        if first and self.waiting:
            self.say(f"the first frame that can be decoded is number {shot.number}")
        # before anything is written: a box beside the picture is refused here
        tracks = self.follower.step(shot.frame)
        self.last = shot.frame
        # their pictures were never there; their times are
        for early in self.waiting:
            self._add(Tracks.empty(), early, behind)
        self.waiting.clear()
        self._add(tracks, shot, behind)

    def _add(self, tracks: Tracks, shot: Shot, behind: Behind[Moment]) -> None:
        speeds = self.ways.update(tracks, shot.seconds)
        if self.counter is not None:
            self.counter.update(tracks)
        self.record.add(tracks, shot.seconds, speeds)
        if self.outs.pictured:
            behind.put(
                Moment(
                    self.last,
                    shot.seconds,
                    tracks,
                    speeds,
                    self.ways.trails(tracks, shot.seconds),
                    counts_of(self.counter),
                    f"frame {shot.number} is damaged" if shot.frame is None else "",
                )
            )

    def _note_damage(self, shot: Shot) -> None:
        self.damaged.append(shot.number)
        if len(self.damaged) <= TOLD:
            self.say(f"frame {shot.number} is damaged and left out: {shot.damage}")
        elif len(self.damaged) == TOLD + 1:
            self.say("more frames are damaged; they are counted, not told")

    def _nothing(self) -> None:
        raise errors.SourceError(
            f"{self.stream.name}: no frame can be decoded; wanted at least one"
        )

    def _write(self) -> None:
        """Complete the files with what was followed; without a frame they stay as they were."""
        if self.last is None:
            self.outs.abandon()
        else:
            self.outs.finish(self.record, self.painter)

    def _how_far(self) -> tuple[float, str]:
        taken, count = len(self.record), self.stream.count
        elapsed = max(time.monotonic() - self.begin, 1e-6)
        rate = taken / elapsed
        if count is None:
            return 0.0, f"{taken} frames, {rate:.0f} a second; Ctrl-C ends"
        left = f", {span((count - taken) / rate)} left" if rate > 0 else ""
        return taken / count, f"{taken} of {count} frames, {rate:.0f} a second{left}"


@dataclass
class _Interrupts:
    """asked: Ctrl-C was pressed. completing: the files get their ends, and nothing interrupts."""

    asked: bool = False
    completing: bool = False

    def handle(self, *_: Any) -> None:
        if self.asked and not self.completing:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    """Inside, the first Ctrl-C is noted, and only the second interrupts: not even it at the end."""
    interrupts = _Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only there do signals arrive
        return
    before = signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
