"""Files of what was followed: annotated video, table, text; each as far as it can be had.

Invariants: whether a file can be written there is known before the first frame is decoded; a file
that fails takes no other along; each has its name only when it is whole, or as whole as the disk
let it be, and then `problems` says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import errors, video
from tracklab.files import why
from tracklab.following.drawing import Moment, Painter
from tracklab.following.record import Record
from tracklab.following.ways import KM_H
from tracklab.video.encoder import ENDINGS

TABLE, TEXT = ".csv", ".txt"
SPARE = 2**20  # bytes, kept for table and text where a video might fill the disk, ...
SHARE = 1 / 16  # ... but no more than this share of what is free


class Outs:
    """The files that are asked for.

    out: a path or several: `.mp4` an annotated video, `.csv` a table, `.txt` MOTChallenge's text.
    source: what is read, which is not to be written over. fps: of the video, on the average.

    Raises `InputError` for other endings and for a file that is named twice or is the source,
    `SourceError` where nothing can be written.
    """

    def __init__(self, out: Any, source: Any, quality: float) -> None:
        self.paths = _paths(out, source)
        self.problems: list[str] = []
        self.files: list[Path] = []
        self._quality = quality
        self._recorders: dict[Path, video.Recorder] = {}
        self._spare: Path | None = None

    @property
    def texts(self) -> list[Path]:
        """Those that are written in the end."""
        return [path for path in self.paths if path.suffix.lower() in (TABLE, TEXT)]

    @property
    def pictured(self) -> bool:
        """Whether frames are asked for, and can still be taken."""
        return bool(self._recorders)

    @property
    def lost(self) -> bool:
        """Whether files were asked for and none of them can be had any more."""
        return bool(self.paths) and not self._recorders and not self.texts

    def begin(self, fps: float) -> None:
        """Open what is written from the first frame on."""
        fps = float(np.clip(fps, video.encoder.SLOWEST, video.encoder.FASTEST))
        for path in self.paths:
            if path not in self.texts:
                self._recorders[path] = video.Recorder(path, fps, quality=self._quality)
        if self._recorders and self.texts:
            self._spare = self.texts[0].with_name(f".{uuid.uuid4().hex[:12]}.part")
            with contextlib.suppress(OSError):
                free = shutil.disk_usage(self._spare.parent).free
                self._spare.write_bytes(bytes(min(SPARE, int(SHARE * free))))

    def add(self, moment: Moment, painter: Painter) -> None:
        """Draw a frame and write it into the videos."""
        if not self._recorders:
            return
        picture = painter.draw(moment)
        for path, recorder in list(self._recorders.items()):
            try:
                recorder.add(picture, moment.seconds)
            except errors.SourceError as error:
                self._rescue(path, error)

    def finish(self, record: Record, painter: Painter) -> None:
        """Give every file its end and its name; what goes wrong is in `problems`."""
        for path, recorder in list(self._recorders.items()):
            if not recorder.frames:
                recorder.discard()
                continue
            try:
                self.files.append(recorder.finish())
            except errors.SourceError as error:
                self._rescue(path, error)
        self._recorders.clear()
        self._free()
        for path in self.texts if len(record) else ():
            try:
                if path.suffix.lower() == TEXT:
                    video.write_tracks(path, record)
                else:
                    more = _columns(record, painter)
                    video.write_table(path, record, record.seconds, more=more)
                self.files.append(path)
            except errors.TracklabError as error:
                self.problems.append(str(error))

    def abandon(self) -> None:
        """Leave every file as it was before."""
        for recorder in self._recorders.values():
            recorder.discard()
        self._recorders.clear()
        self._free()

    def _rescue(self, path: Path, error: errors.SourceError) -> None:
        kept = self._recorders.pop(path).rescue()
        if kept:
            self.files.append(path)
        frames = f"its first {kept} frames are kept" if kept else "no frame of it could be kept"
        self.problems.append(f"{error}; {frames}")

    def _free(self) -> None:
        if self._spare is not None:
            with contextlib.suppress(OSError):
                self._spare.unlink(missing_ok=True)


class _Column:
    """A column of a table, made frame by frame."""

    def __init__(self, record: Record, make: Any) -> None:
        self._record, self._make = record, make

    def __len__(self) -> int:
        return len(self._record)

    def __getitem__(self, frame: int) -> Any:
        return self._make(frame)


def _columns(record: Record, painter: Painter) -> dict[str, Any]:
    """What a table tells beside the tracks themselves."""
    names, metres_per_pixel = painter.class_names, painter.metres_per_pixel

    def named(frame: int) -> list[str]:
        return [names[k] if 0 <= k < len(names) else "" for k in record[frame].labels.tolist()]

    columns: dict[str, Any] = {"speed_px_s": record.speeds}
    if metres_per_pixel is not None:
        columns["speed_km_h"] = lambda frame: record.speeds(frame) * (metres_per_pixel * KM_H)
    if names:
        columns["class"] = named
    return {name: _Column(record, make) for name, make in columns.items()}


def _paths(out: Any, source: Any) -> list[Path]:
    given: Iterable[Any] = (out,) if isinstance(out, (str, os.PathLike)) else out
    if not isinstance(given, Iterable):
        errors.bad("out", out, f"a file, or several, that end in .mp4, {TABLE} or {TEXT}")
    paths: list[Path] = []
    for one in given:
        wanted = f"a file that ends in .mp4, {TABLE} or {TEXT}"
        if not isinstance(one, (str, os.PathLike)) or not isinstance(os.fspath(one), str):
            errors.bad("out", one, wanted)
        path = Path(one).expanduser()
        if path.suffix.lower() not in (*ENDINGS, TABLE, TEXT) or "\0" in str(path):
            errors.bad("out", str(one), wanted)
        if path in paths:
            errors.bad("out", f"{one} twice", "each file once")
        if isinstance(source, (str, os.PathLike)) and Path(source).expanduser().is_file():
            with contextlib.suppress(OSError):
                if path.samefile(Path(source).expanduser()):
                    errors.bad("out", str(one), "another file than the source")
        _try(path)
        paths.append(path)
    return paths


def _try(path: Path) -> None:
    """See whether a file can be written there, without touching one of its name."""
    if path.is_dir():
        raise errors.SourceError(f"{path}: a folder; wanted a file")
    part = path.with_name(f".{uuid.uuid4().hex[:12]}.part")
    try:
        part.write_bytes(b"")
        part.unlink()
    except OSError as error:
        raise errors.SourceError(
            f"{path}: cannot be written ({why(error, 'write')}); wanted a place in a folder that "
            "exists"
        ) from None
