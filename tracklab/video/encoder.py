"""Frames to H.264 in an MP4 file, the one kind of video that every browser plays."""

from __future__ import annotations

import contextlib
import io
import math
import os
import uuid
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Clip
from tracklab.files import address, why

DEFAULT_FPS = 25.0  # of frames that do not say, like the images of a folder
QUALITY = 60.0
WORST_CRF = 51  # x264's constant rate factor at which nothing is recognised; 0 is lossless
PRESET = "veryfast"  # a sixth of the default's time for files about a tenth larger
BT709, TV_RANGE = 1, 1  # numbers of the HD colour standard in H.264 (ITU-T H.264, annex E)
SLOWEST, FASTEST = 0.01, 1000.0  # frames a second; MP4 times a whole video in milliseconds
TICKS = 10_000  # a second, at least, in which times are counted
LONGEST = 16_384  # pixels of a side that x264 takes
ENDINGS = (".mp4", ".m4v", ".mov")


def write(
    path: str | os.PathLike[str],
    frames: Clip | Iterable[NDArray[np.uint8]],
    fps: float | None = None,
    *,
    quality: float = QUALITY,
) -> Path:
    """Write frames as an H.264 video that browsers play, and return its path.

    path: ends in .mp4 (or .m4v, .mov); an existing file is replaced when the new one is whole.
    frames: frames `(H, W, 3)` uint8 RGB of one size: an array, a clip, or a generator (frames are
        taken one by one and not kept).
    fps: frames a second, 0.01 to 1000; that of the clip, or 25, if None.
    quality: 0 (smallest file) to 100 (best).

    H.264 in this form has even sizes: an odd width or height gains one column or row, a copy of
    the last, so boxes stay where they are. Colours are stored at half resolution (yuv420p), so a
    frame that is read again differs a little, most at coloured edges.

    Nothing is left behind if an error or an interrupt comes in the middle. Raises `InputError` for
    frames that are not frames, change size or are wider or higher than 16,384 pixels, and for none
    at all; `SourceError` where the file cannot be written.
    """
    path = video_path(path)
    part = path.with_name(f".{uuid.uuid4().hex[:12]}.part{path.suffix}")
    try:
        _encode(address(part), frames, fps, quality)
        part.replace(path)
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, errors.TracklabError):
            raise
        raise errors.SourceError(
            f"{path}: cannot be written ({why(error, 'write')}); wanted a place in a folder that "
            "exists"
        ) from None
    finally:
        with contextlib.suppress(OSError):  # where nothing can be written there is nothing to clear
            part.unlink(missing_ok=True)
    return path


def video_path(path: Any) -> Path:
    """A path that ends as a video does; `InputError` for another."""
    wanted = "a file name that ends in .mp4"
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or "\0" in text:
        errors.bad("path", path, wanted)
    if Path(text).suffix.lower() not in ENDINGS:
        errors.bad("path", text, wanted)
    return Path(text)


def encode(
    frames: Clip | Iterable[NDArray[np.uint8]],
    fps: float | None = None,
    *,
    quality: float = QUALITY,
) -> bytes:
    """The bytes of an MP4 file as `write` makes it, without a file. Same arguments and errors."""
    buffer = io.BytesIO()
    _encode(buffer, frames, fps, quality)
    return buffer.getvalue()


def _encode(target: Any, frames: Any, fps: float | None, quality: float) -> None:
    if fps is None:
        fps = frames.fps if isinstance(frames, Clip) else DEFAULT_FPS
    errors.number("quality", quality, low=0, high=100)
    errors.number("fps", fps, low=SLOWEST, high=FASTEST)
    checked = _checked(frames)
    first = next(checked, None)  # before the file is opened: no frames, no file
    if first is None:
        errors.bad("frames", errors.Said("no frames"), "at least one")
    # With the index in front, a browser starts to play before it has the whole file.
    options = {"movflags": "+faststart"} if isinstance(target, str) else {}
    with Encoder(target, first.shape[:2], fps, quality=quality, options=options) as encoder:
        encoder.add(first)
        for frame in checked:
            encoder.add(frame)
        encoder.finish()


class Encoder:
    """H.264 as browsers play it, growing frame by frame.

    target: the address of a file, or a buffer. size: height and width of all frames. fps, quality:
        as in `write`. options: of the container.

    Leave it by `finish` and then `close`, or by `close` alone where the file is not to be whole.
    Raises `InputError` for rates and sizes that no video has, `av.FFmpegError` and `OSError` where
    the target cannot be written.
    """

    def __init__(
        self,
        target: Any,
        size: tuple[int, ...],
        fps: float,
        *,
        quality: float = QUALITY,
        options: dict[str, str] | None = None,
    ) -> None:
        quality = errors.number("quality", quality, low=0, high=100)
        self.fps = errors.number("fps", fps, low=SLOWEST, high=FASTEST)
        # 29.97002997... is 30000 / 1001: broadcast rates have this denominator.
        rate = Fraction(self.fps).limit_denominator(1001)
        # so fine that uneven times are kept, and even ones are whole numbers
        self._step = math.ceil(TICKS / rate)
        self._tick = 1 / (rate * self._step)
        self._number, self._last = 0, -1
        self._container = av.open(target, "w", format="mp4", options=options or {})
        crf = round(WORST_CRF * (1 - quality / 100))
        self._stream: Any = self._container.add_stream(
            "libx264", rate=rate, options={"crf": str(crf), "preset": PRESET}
        )
        height, width = (side + side % 2 for side in size)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._tick
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = TV_RANGE

    def add(self, frame: NDArray[np.uint8], seconds: float | None = None) -> None:
        """One more frame. seconds: when it is shown, growing from 0; at the rate if None."""
        picture = av.VideoFrame.from_ndarray(_even(frame), format="rgb24")
        picture = picture.reformat(
            format="yuv420p",
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        even = self._number * self._step
        time = even if seconds is None else round(Fraction(seconds) / self._tick)
        self._last = max(time, self._last + 1)  # two frames never share a time
        picture.pts, picture.time_base = self._last, self._tick
        self._container.mux(self._packets(picture))
        self._number += 1

    def finish(self) -> None:
        """Write what the encoder still holds, and the file's end."""
        self._container.mux(self._packets(None))
        self._container.close()

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._container.close()

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _packets(self, picture: Any) -> Any:
        """What the encoder makes of a picture; its refusals are about size and rate."""
        try:
            return self._stream.encode(picture)
        except av.FFmpegError:
            size = f"{self._stream.width} x {self._stream.height}"
            came = f"frames of {size} pixels at {self.fps:g} a second"
            wanted = f"no more than {LONGEST} pixels a side, for H.264"
            errors.bad("frames", errors.Said(came), wanted)


def _checked(frames: Any) -> Iterator[NDArray[np.uint8]]:
    if not isinstance(frames, Iterable):
        errors.bad("frames", frames, "frames of shape (H, W, 3) and type uint8, RGB")
    shape: tuple[int, ...] | None = None
    for number, frame in enumerate(frames):
        frame = errors.image(f"frames[{number}]", frame)
        shape = shape or frame.shape
        if frame.shape != shape:
            errors.bad(f"frames[{number}]", frame, f"the shape of the first frame, {shape}")
        yield frame


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame with even sides; the last row or column is doubled where they were odd."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)
