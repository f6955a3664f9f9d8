"""Lazy frames: sequences that decode a frame when it is asked for and remember the last few.

Invariant: `frames[i]` is the i-th picture that a player would show, and it is the same picture
whichever frames were asked for before it. Memory is bounded by `CACHE_BYTES` and a frame, however
long the source. Frames handed out are read-only, because the cache may hand them out again: copy
one before you draw on it.
"""

from __future__ import annotations

import bisect
import threading
import warnings
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tracklab import errors
from tracklab.clips import Frame, Part
from tracklab.files import address, why

PAPER = 255  # what shows through where an image is transparent: white
CACHE_BYTES = 64 * 2**20  # of decoded frames for each source: 70 frames of 640 x 480

LAST_CAMERA = 9999  # OpenCV keeps a number for each of a few kinds of driver, all below this

# Where these codecs lie in these containers, one packet is one picture and carries its time, so
# the pictures can be listed without decoding any. Everything else is decoded once to count it.
PACKET_IS_PICTURE = {"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg", "ffv1"}
TIMED_CONTAINERS = {"mov", "mp4", "matroska", "webm"}

# FFmpeg would also draw any text file on a screen and follow playlists to other files and hosts:
# only these kinds of file are opened, and only from the disk. The names are FFmpeg's.
CONTAINERS = (
    *("mov", "mp4", "matroska", "webm", "avi", "flv", "asf", "ogg", "gif", "apng", "swf", "rm"),
    *("mpeg", "mpegts", "mpegvideo", "mxf", "gxf", "nut", "ivf", "dv", "wtv", "nsv", "nuv"),
    *("h261", "h263", "h264", "hevc", "vvc", "m4v", "av1", "obu", "vc1", "mjpeg", "mpjpeg"),
    *("dirac", "dnxhd", "cavsvideo", "yuv4mpegpipe", "avif", "jpegxl_anim"),
)
OPENING = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}


class LazyFrames(ABC):
    """What every lazy source shares: counting, negative indices, slices, iteration, the cache."""

    def __init__(self, count: int, cache_bytes: int = CACHE_BYTES) -> None:
        self._count = count
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._lock = threading.RLock()  # a widget may ask from another thread
        self.decoded = 0  # frames decoded so far, for tests and benchmarks

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Part(self, range(len(self))[index])
        if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)):
            errors.bad("frame index", index, "a whole number or a slice")
        if not -self._count <= index < self._count:
            raise IndexError(f"frame {index}: the clip has {self._count} frames, from 0")
        index = int(index) % self._count
        with self._lock:
            if index not in self._cache:
                self._fetch(index)
            self._cache.move_to_end(index)
            return self._cache[index]

    @abstractmethod
    def _fetch(self, index: int) -> None:
        """Decode frame `index` and `_keep` it."""

    def _keep(self, index: int, frame: NDArray[np.uint8]) -> None:
        frame.setflags(write=False)
        self._cache[index] = frame
        self._cache.move_to_end(index)
        while len(self._cache) > self._capacity(frame):
            self._cache.popitem(last=False)

    def _capacity(self, frame: NDArray[np.uint8]) -> int:
        return max(2, self._cache_bytes // frame.nbytes)


def read_image(path: Path) -> Frame:
    """One picture `(H, W, 3)` uint8 RGB from a file.

    Grey becomes RGB, depth is cut to 8 bits, and what is transparent is laid on white.
    Raises `SourceError` where the file cannot be read or is not a picture.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise errors.SourceError(f"{path}: {why(error)}; wanted an image file") from None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise errors.SourceError(
            f"{path}: {len(data)} bytes that are not an image, or a damaged one; "
            "wanted a JPEG, PNG, BMP, WebP or TIFF"
        )
    if _may_be_transparent(data):
        layers = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if layers is not None and layers.shape == (*picture.shape[:2], 4):
            picture = _on_paper(layers)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _may_be_transparent(data: NDArray[np.uint8]) -> bool:
    """Whether a file's first bytes allow for alpha: it is decoded a second time to see it."""
    head = data[: 2**16].tobytes()
    if head.startswith(b"\x89PNG"):  # colour types 4 and 6 have alpha, tRNS makes one colour clear
        return head[25:26] in (b"\4", b"\6") or b"tRNS" in head
    return head[8:12] == b"WEBP" or head[:4] in (b"II*\0", b"MM\0*")  # not BMP: it pads with zeros


def _on_paper(layers: NDArray[Any]) -> NDArray[np.uint8]:
    """OpenCV's BGRA `(H, W, 4)` of 8 or 16 bits as BGR of 8 bits on white."""
    if layers.dtype == np.uint16:
        layers = layers >> 8
    alpha = layers[..., 3:].astype(np.float32) / 255
    # C = a F + (1 - a) B
    mixed = alpha * layers[..., :3] + (1 - alpha) * PAPER
    return np.asarray(np.clip(np.round(mixed), 0, 255), np.uint8)


class ImageFrames(LazyFrames):
    """The images of a folder as frames, in the order given.

    Sizes are read from the files' headers at once, so that a sequence that changes size fails
    here and not in the middle of a run. Raises `SourceError` for that, naming the first frame of
    another size, and where no file is an image. Where one is not, it is named when its turn comes.
    """

    def __init__(self, paths: Sequence[Path], cache_bytes: int = CACHE_BYTES) -> None:
        super().__init__(len(paths), cache_bytes)
        self.paths = tuple(paths)
        sizes: dict[int, tuple[int, int]] = {}
        unread: list[errors.SourceError] = []
        for number, path in enumerate(self.paths):
            try:
                sizes[number] = _header_size(path)
            except errors.SourceError as error:
                unread.append(error)
        if not sizes:
            raise unread[0]
        first, size = next(iter(sizes.items()))
        for number, (width, height) in sizes.items():
            if (width, height) != size:
                raise errors.SourceError(
                    f"{self.paths[number]}: frame {number} is {width} x {height} pixels, frame "
                    f"{first} is {size[0]} x {size[1]}; wanted images of one size, as a video has"
                )

    def _fetch(self, index: int) -> None:
        self.decoded += 1
        self._keep(index, read_image(self.paths[index]))


def _header_size(path: Path) -> tuple[int, int]:
    """Width and height as the image will be shown, without decoding its pixels."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            sideways = image.getexif().get(0x0112, 1) >= 5  # EXIF orientation: a quarter turn
    except (UnidentifiedImageError, SyntaxError, ValueError):
        raise errors.SourceError(
            f"{path}: {path.stat().st_size} bytes that are not an image, or a damaged one; "
            "wanted a JPEG, PNG, BMP, WebP or TIFF"
        ) from None
    except OSError as error:
        raise errors.SourceError(f"{path}: {why(error)}; wanted an image file") from None
    return (height, width) if sideways else (width, height)


class VideoFrames(LazyFrames):
    """The pictures of a video file, decoded with PyAV (FFmpeg) when they are asked for.

    Asked in order, each picture is decoded once. Asked out of order, decoding starts again at the
    last key frame before the picture. Frames are turned as a phone's rotation mark says.

    fps: mean frames a second, a float. times: `(T,)` float64, when each frame is shown, in seconds
    from the first; not evenly spaced where the frame rate varies. damaged: numbers of the frames
    that were asked for and could not be decoded, in place of which another one stands; what is
    damaged in a part only FFmpeg patches up, as in a player, and nothing tells.

    All frames have one size, that of the first: a video may change it on its way, and the others
    are then scaled, with a warning.

    Raises `SourceError` where the file is not a video or no picture of it can be decoded. Where it
    breaks off, the frames up to the break remain and a warning says how many.
    """

    def __init__(self, path: Path, cache_bytes: int = CACHE_BYTES) -> None:
        self.path = path
        self._by_count = False  # where pictures carry no usable times, they are numbered in order
        self._container: Any = None
        self._decoder: Iterator[tuple[int, Any]] | None = None
        self._open()
        # before anything is decoded: the codec's numbers follow the pictures
        self._size = self._stream.codec_context.width, self._stream.codec_context.height
        self._pts, self._keys = self._list_pictures()
        super().__init__(len(self._pts), cache_bytes)
        self._index = {pts: number for number, pts in enumerate(self._pts)}
        self._key_numbers = [self._index[pts] for pts, _ in self._keys]
        tick = float(self._stream.time_base or 1)
        if self._by_count:
            tick = 1 / float(self._stream.average_rate or self._stream.guessed_rate or 25)
        seconds = np.array(self._pts, np.float64) * tick
        self.times: NDArray[np.float64] = seconds - seconds[0]
        self.fps = self._mean_rate()
        self._position = 0  # number of the next picture that the decoder will give
        self._sound_from = 0  # pictures before this one lack the frames they were predicted from
        self.damaged: set[int] = set()
        self._scaled = False
        self._barren = 0  # no frame before this one can be decoded

    # Opening and listing

    def close(self) -> None:
        """Let go of the file and of the decoder's threads; opened again if a frame is asked for.

        Frames that nobody holds any more close themselves.
        """
        if self._container is not None:
            self._container.close()
        self._container = self._decoder = None

    def __del__(self) -> None:
        if getattr(self, "_container", None) is not None:
            self.close()

    def _open(self) -> None:
        self.close()
        try:
            self._container = av.open(address(self.path), options=OPENING)
        except (av.FFmpegError, OSError, ValueError) as error:
            other = isinstance(
                error, av.ArgumentError
            )  # what FFmpeg says of a kind not on our list
            reason = "a file of another kind" if other else why(error)
            raise errors.SourceError(self._unopened(reason)) from None
        if not {stream.type for stream in self._container.streams} & {"video", "audio"}:
            raise errors.SourceError(self._unopened("nothing in it can be found"))
        if not self._container.streams.video:
            raise errors.SourceError(
                f"{self.path}: a {self._container.format.long_name} file without pictures; "
                "wanted a video"
            )
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"

    def _unopened(self, why: str) -> str:
        return (
            f"{self.path}: cannot be opened as a video ({why}); wanted a whole video file that "
            "FFmpeg reads (a recording that was cut short has no index: record again or repair "
            "it), or a folder of images"
        )

    def _list_pictures(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Presentation times of all pictures in order, and `(pts, dts)` of the key frames."""
        packets: list[tuple[Any, Any, bool]] = []  # presentation time, decoding time, is it a key
        discarded = 0  # packets that are decoded and not shown: where a file was trimmed
        broken = False
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    broken = True
                elif packet.size and packet.is_discard:
                    discarded += 1
                elif packet.size:
                    packets.append((packet.pts, packet.dts, packet.is_keyframe))
        except (av.FFmpegError, OSError):
            broken = True
        formats = set(self._container.format.name.split(","))
        timed = bool(TIMED_CONTAINERS & formats)
        # The index of an MP4 leaves out what was trimmed off; its header counts it.
        announced = len(self._stream.index_entries) if "mp4" in formats else self._stream.frames
        announced = max(0, announced - discarded)
        broken |= timed and len(packets) < announced  # AVI announces pictures that it left out
        pts = [packet[0] for packet in packets]
        keys = [(p, d if d is not None else p) for p, d, key in packets if key and p is not None]
        trusted = (
            not broken
            and timed
            and bool(pts)
            and self._stream.codec_context.name in PACKET_IS_PICTURE
            and None not in pts
            and len(set(pts)) == len(pts)
            and packets[0][2]
            and pts[0] == min(pts)
        )
        if not trusted:
            pts = self._count_by_decoding()
            known = set() if self._by_count else set(pts)
            keys = [key for key in keys if key[0] in known]
        if not pts:
            raise errors.SourceError(
                f"{self.path}: a video of which no frame can be decoded "
                f"({announced or len(packets)} announced); wanted at least one frame"
            )
        if broken:
            of = f" of {announced}" if announced > len(pts) else ""
            warnings.warn(
                f"{self.path}: the file breaks off; the first {len(pts)}{of} frames can be read",
                stacklevel=5,
            )
        return sorted(pts), sorted(keys)

    def _count_by_decoding(self) -> list[int]:
        """Presentation times of all pictures that can be decoded; one pass, nothing is kept."""
        self._open()
        times: list[Any] = [picture.pts for _, picture in self._decode()]
        self._open()
        if None in times or any(later <= earlier for earlier, later in pairwise(times)):
            self._by_count = True
            return list(range(len(times)))
        return times

    def _mean_rate(self) -> float:
        # fps = (T - 1) / (t[T - 1] - t[0]), which holds for any spacing of the frames
        if len(self.times) > 1 and self.times[-1] > 0:
            mean = (len(self.times) - 1) / float(self.times[-1])
            stated = self._stream.average_rate
            if stated and abs(float(stated) - mean) < 1e-3 * mean:
                return float(stated)  # free of the rounding of single times
            return mean
        stated = self._stream.average_rate or self._stream.guessed_rate
        return float(stated) if stated else 25.0

    # Decoding

    def _decode(self) -> Iterator[tuple[int, Any]]:
        return _pictures(self._container, self._stream, self._by_count)

    def _fetch(self, index: int) -> None:
        # -1: no key frame is shown before it, as where a trim hides the one it starts from.
        key = bisect.bisect_right(self._key_numbers, index) - 1
        key_number = self._key_numbers[key] if key >= 0 else 0
        if self._container is None:
            self._open()
        behind = index < self._position
        if self._decoder is None or behind or key_number > self._position:
            self._seek(key, index)
        assert self._decoder is not None
        last = None
        for pts, picture in self._decoder:
            number = self._index.get(pts)
            if number is None or number < self._sound_from:
                continue
            self.decoded += 1
            self._position = number + 1
            last = number, picture
            # On the way to a picture only those that can stay in the cache are worth converting.
            if number >= index or number > index - self._way(picture):
                self._keep(number, self._to_rgb(picture))
            if number >= index:
                break
        if index not in self._cache:
            self._stand_in(index, last)

    def _way(self, picture: Any) -> int:
        return max(1, self._cache_bytes // (3 * picture.width * picture.height) // 2)

    def _seek(self, key: int, index: int) -> None:
        """Stand at a key frame from which picture `index` can be decoded."""
        for attempt in range(key, -1, -1):
            if self._key_numbers[attempt] == 0:
                break  # from the start, without trusting any seek
            try:
                self._container.seek(self._keys[attempt][1], stream=self._stream, backward=True)
            except (av.FFmpegError, OSError):
                continue
            decoder = self._decode()
            first = next(((p, f) for p, f in decoder if p in self._index), None)
            if first is None or self._index[first[0]] > self._key_numbers[attempt]:
                continue  # landed too late: try the key frame before
            self._sound_from = self._key_numbers[attempt]
            self._decoder = _chain(first, decoder)
            self._position = self._sound_from
            return
        self._open()
        self._decoder, self._position, self._sound_from = self._decode(), 0, 0

    def _stand_in(self, index: int, last: tuple[int, Any] | None) -> None:
        """What a player does with a damaged picture: the one before it stays on the screen."""
        if not self.damaged:
            warnings.warn(
                f"{self.path}: frame {index} is damaged; the one beside it stands in",
                stacklevel=5,
            )
        self.damaged.add(index)
        if last is None and index - 1 in self._cache:
            self._keep(index, np.array(self._cache[index - 1]))
            return
        last = last or self._last_before(index)
        if last is None:
            raise errors.SourceError(f"{self.path}: frame {index} cannot be decoded")
        self._keep(index, self._to_rgb(last[1]))

    def _last_before(self, index: int) -> tuple[int, Any] | None:
        """The last picture before `index` that can be decoded; None where there is none."""
        for key in range(bisect.bisect_right(self._key_numbers, index) - 1, -2, -1):
            if index <= self._barren:
                break
            self._seek(key, index)
            assert self._decoder is not None
            last = None
            for pts, picture in self._decoder:
                number = self._index.get(pts, -1)
                if number >= index:
                    break
                if number >= self._sound_from:
                    last = number, picture
            # the decoder has gone too far for what is asked next
            self._decoder, from_start = None, self._sound_from == 0
            if last is not None:
                return last
            if from_start:
                self._barren = index
        return None

    def _to_rgb(self, picture: Any) -> NDArray[np.uint8]:
        width, height = self._size
        if (picture.width, picture.height) != self._size and not self._scaled:
            self._scaled = True
            warnings.warn(
                f"{self.path}: frames change their size, from {width} x {height} to "
                f"{picture.width} x {picture.height} pixels; they are scaled to the first one's",
                stacklevel=5,
            )
        array = picture.to_ndarray(format="rgb24", width=width, height=height)
        # The mark says by how many degrees a player turns the picture counterclockwise.
        quarter_turns = round(picture.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(array, quarter_turns))


def _pictures(container: Any, stream: Any, by_count: bool) -> Iterator[tuple[int, Any]]:
    """Pictures with their times from where the container stands; skips what is damaged.

    A function, because a method would hold the frames that hold it, and with them an open file.
    """
    ordinal = 0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                continue  # half a picture: the file breaks off in it
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                continue
            for picture in pictures:
                time: Any = ordinal if by_count else picture.pts
                yield time, picture
                ordinal += 1
    except (av.FFmpegError, OSError):
        return  # the file breaks off here


def _chain(first: tuple[int, Any], rest: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    yield first
    yield from rest


class CameraFrames(LazyFrames):
    """A webcam as frames: each is grabbed when it is first asked for, and kept.

    A camera has no end, so `count` says how many frames to take; all of them stay in memory
    (a 640 x 480 frame is 0.9 MB). Asking for frame `i` grabs every frame up to it, in real time.

    Raises `SourceError` where there is no such camera, it may not be used, or it stops.
    """

    def __init__(self, number: int, count: int) -> None:
        super().__init__(count)
        self.number = number
        self._capture, first = open_camera(number)
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or 30.0
        self._waiting: Frame | None = first
        self._grabbed = 0

    def _capacity(self, frame: NDArray[np.uint8]) -> int:
        return self._count

    def _fetch(self, index: int) -> None:
        while self._grabbed <= index:
            frame = self._waiting if self._waiting is not None else grabbed(self._capture)
            self._waiting = None
            if frame is None:
                raise errors.SourceError(
                    f"webcam {self.number}: stopped after {self._grabbed} frames of {self._count}"
                )
            self._keep(self._grabbed, frame)
            self._grabbed += 1
            self.decoded += 1
        if self._grabbed == self._count:
            self._capture.release()  # the light goes out when the last frame is in


def camera(number: int = 0) -> Iterator[Frame]:
    """Frames `(H, W, 3)` uint8 RGB from a webcam, without end, none of them kept.

    Close it (`frames.close()`) or leave the loop to let go of the camera. Raises `SourceError`
    where there is no such camera.
    """
    number = int(errors.number("number", number, low=0, high=LAST_CAMERA, whole=True))
    capture, first = open_camera(number)

    def stream() -> Iterator[Frame]:
        frame: Frame | None = first
        try:
            while frame is not None:
                yield frame
                frame = grabbed(capture)
        finally:
            capture.release()

    return stream()


def open_camera(number: int) -> tuple[Any, Frame]:
    """An open webcam and its first frame; `SourceError` where it gives none."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our error says it better
    try:
        capture = cv2.VideoCapture(number)
        frame = grabbed(capture) if capture.isOpened() else None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if frame is None:
        capture.release()
        raise errors.SourceError(
            f"webcam {number}: no camera of that number gives pictures; wanted one that is plugged "
            "in, that no other program uses and that this one may use (cameras count from 0)"
        )
    return capture, frame


def grabbed(capture: Any) -> Frame | None:
    """The next frame of an open webcam; None where it stops."""
    good, frame = capture.read()
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if good else None
