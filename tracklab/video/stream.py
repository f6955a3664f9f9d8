"""Frames in order with their times, one at a time, of anything that `read_clip` opens.

A clip can be asked for any frame; a stream only goes forward, and so can go on for ever: a webcam
has no end here, and none of its frames is kept. A frame that cannot be decoded does not end it.

Invariant: each frame of the source is there once, in order, with the time at which it is shown; a
damaged one is there without its picture.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Clip, Frame, origin
from tracklab.video.frames import grabbed, open_camera
from tracklab.video.sources import camera_number, read_clip

CAMERA_FPS = 30.0  # of cameras that do not say


class Shot(NamedTuple):
    """One frame of a stream.

    number: from 0. seconds: when it is shown, from the first frame. frame: `(H, W, 3)` uint8 RGB,
    or None where it is damaged. damage: what is wrong with it, in words; "" where nothing is.
    """

    number: int
    seconds: float
    frame: Frame | None
    damage: str = ""


@dataclass
class Stream:
    """A source that is open. Iterate over it once; `close` lets go of it.

    name: what to call it. fps: frames a second, on the average. count: of frames; None where there
    is no end. clip: what `read_clip` knows of it; None of a webcam.
    """

    name: str
    fps: float
    count: int | None
    clip: Clip | None
    _shots: Iterator[Shot]
    _let_go: Callable[[], Any]

    def __iter__(self) -> Iterator[Shot]:
        return self._shots

    def close(self) -> None:
        """Let go of the file or the camera; nobody may be waiting for a frame of it."""
        self._let_go()


def open_stream(
    source: str | os.PathLike[str] | int,
    *,
    fps: float | None = None,
    frames: int | None = None,
    kind: str | None = None,
) -> Stream:
    """Open any source for one pass from its first frame to its last.

    Arguments and errors are those of `read_clip`; a webcam goes on until it is closed if `frames`
    is None. Times are those of the file, or of the clock for a webcam; with `fps` they are even.
    Iterating raises `SourceError` where not one frame of a video can be decoded.
    """
    number = camera_number(source, kind)
    if number is None:
        clip = read_clip(source, fps=fps, frames=frames, kind=kind)
        whole = origin(clip.frames)
        shots = _of_clip(clip, whole, even=fps is not None)
        let_go = getattr(whole, "close", lambda: None)
        return Stream(clip.name, clip.fps, len(clip), clip, shots, let_go)
    if fps is not None and errors.number("fps", fps, low=0) == 0:
        errors.bad("fps", fps, "more than 0 frames a second")
    if frames is not None:
        frames = int(errors.number("frames", frames, low=1, whole=True))
    capture, first = open_camera(number)
    rate = fps or float(capture.get(cv2.CAP_PROP_FPS)) or CAMERA_FPS
    shots = _of_camera(capture, first, frames, fps)
    return Stream(f"webcam {number}", rate, frames, None, shots, capture.release)


def _of_clip(clip: Clip, whole: Any, *, even: bool) -> Iterator[Shot]:
    times: NDArray[np.float64] | None = None if even else getattr(whole, "times", None)
    for number in range(len(clip)):
        seconds = number / clip.fps if times is None else float(times[number])
        try:
            frame = clip.frames[number]
        except errors.SourceError as error:
            if getattr(whole, "decoded", 1) == 0:
                raise  # nothing before it, and nothing in the whole file
            yield Shot(number, seconds, None, str(error))
            continue
        if number in getattr(whole, "damaged", ()):
            yield Shot(number, seconds, None, "cannot be decoded")
        else:
            yield Shot(number, seconds, frame)


def _of_camera(capture: Any, first: Frame, count: int | None, fps: float | None) -> Iterator[Shot]:
    begin = time.monotonic()
    frame: Frame | None = first
    for number in itertools.count() if count is None else range(count):
        if frame is None:
            return  # unplugged
        passed = time.monotonic() - begin if number else 0.0
        yield Shot(number, passed if fps is None else number / fps, frame)
        if number + 1 != count:
            frame = grabbed(capture)
