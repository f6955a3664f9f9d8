"""A video that is written while it is made, and is kept as far as it got.

`write` takes frames from a sequence and leaves nothing behind where it fails; here frames are
pushed, one by one, over hours perhaps, and what is on the disk is worth keeping. So the file grows
in parts of about a second, each of which can be played without the next (a fragmented MP4). In the
end it is laid out anew with its index in front, without encoding anything twice.

Invariant: under its own name the file is there whole (all that was added, or as many of the first
frames as the disk took), or as it was before; while it grows it has another name.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.files import address, why
from tracklab.video.encoder import DEFAULT_FPS, QUALITY, Encoder, video_path

# Parts that need nothing of each other, and a new one after so many microseconds.
PARTS = {"movflags": "+frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
HEADER = 8  # bytes of a box of an MP4: its length, and what it is (ISO 14496-12, section 4.2)
LONG_HEADER = 16


class Recorder:
    """An MP4 file that grows frame by frame.

    path, fps, quality: as in `write`; an existing file is replaced in the end. Nothing is written
    before the first frame.

    Raises `InputError` for a path that does not end as a video does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fps: float = DEFAULT_FPS,
        *,
        quality: float = QUALITY,
    ) -> None:
        self.path = video_path(path)
        self.frames = 0
        self._fps, self._quality = fps, quality
        self._part = self.path.with_name(f".{uuid.uuid4().hex[:12]}.part{self.path.suffix}")
        self._encoder: Encoder | None = None
        self._shape: tuple[int, ...] = ()

    def add(self, frame: NDArray[np.uint8], seconds: float | None = None) -> None:
        """One more frame, `(H, W, 3)` uint8 RGB of the size of the first.

        seconds: when it is shown, growing from 0; evenly, at `fps`, if None. Raises `InputError`
        for another frame, `SourceError` where it cannot be written: then `rescue` or `discard`.
        """
        frame = errors.image(f"frames[{self.frames}]", frame)
        if self._encoder is not None and frame.shape != self._shape:
            errors.bad(f"frames[{self.frames}]", frame, f"the shape of the first, {self._shape}")
        try:
            if self._encoder is None:
                self._shape = frame.shape
                self._part.touch()  # FFmpeg looks only when the first picture is finished
                self._encoder = Encoder(
                    address(self._part),
                    frame.shape[:2],
                    self._fps,
                    quality=self._quality,
                    options=PARTS,
                )
            self._encoder.add(frame, seconds)
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten(error) from None
        self.frames += 1

    def finish(self) -> Path:
        """Complete the file and give it its name.

        Raises `InputError` where there was no frame, and `SourceError` as `add` does.
        """
        if self._encoder is None:
            errors.bad("frames", errors.Said("no frames"), "at least one")
        try:
            self._encoder.finish()
            taken = _count(self._part)  # FFmpeg says nothing of a disk that is full at the end
            if taken < self.frames:
                raise OSError(f"the disk took only {taken} of {self.frames} frames")
            front = self._part.with_stem(self._part.stem + "-front")
            try:
                _index_in_front(self._part, front)
                front.replace(self.path)
            except (av.FFmpegError, OSError):  # no room for two: browsers play it as it is
                self._part.replace(self.path)
            finally:
                _remove(front)
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten(error) from None
        _remove(self._part)
        return self.path

    def rescue(self) -> int:
        """After an error: keep the frames that are on the disk whole, and return how many.

        With none the file is as it was before. Never raises.
        """
        self._close()
        kept = 0
        with contextlib.suppress(OSError, av.FFmpegError):
            os.truncate(self._part, _whole(self._part))
            kept = _count(self._part)
            if kept:
                self._part.replace(self.path)
        _remove(self._part)
        return kept

    def discard(self) -> None:
        """Leave the file as it was before. Never raises."""
        self._close()
        _remove(self._part)

    def _close(self) -> None:
        if self._encoder is not None:
            with contextlib.suppress(OSError, av.FFmpegError):
                self._encoder.close()

    def _unwritten(self, error: Exception) -> errors.SourceError:
        if isinstance(error, errors.SourceError):
            return error
        return errors.SourceError(
            f"{self.path}: cannot be written ({why(error, 'write')}); wanted a place in a folder "
            "that exists, with room for a video"
        )


def _index_in_front(parts: Path, whole: Path) -> None:
    """The same pictures, not encoded again, in one piece that a browser plays at once."""
    with (
        av.open(address(parts)) as source,
        av.open(address(whole), "w", format="mp4", options={"movflags": "+faststart"}) as target,
    ):
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)


def _whole(path: Path) -> int:
    """Bytes of a file in parts up to where its last whole part ends.

    A part is a `moof` box, which says what is in the `mdat` box behind it.
    """
    end, place = 0, 0
    size = path.stat().st_size
    with path.open("rb") as file:
        while place + HEADER <= size:
            file.seek(place)
            head = file.read(LONG_HEADER)
            length, name = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < HEADER or place + length > size:
                break
            place += length
            if name != b"moof":
                end = place
    return end


def _count(path: Path) -> int:
    with av.open(address(path)) as container:
        stream: Any = container.streams.video[0]
        return sum(packet.size > 0 for packet in container.demux(stream))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
