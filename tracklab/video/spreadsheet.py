"""Tracks as a table of comma-separated values that spreadsheets and pandas open.

A row is one object in one frame: `frame,seconds,id,x,y,w,h,vx,vy,score,label`, and behind these
whatever else was asked for. Frames and pixels count from 0, as they do inside tracklab and in
OpenCV; velocities are pixels a frame. A frame in which nobody is followed has a row, too, with
empty cells, so a file knows how long the video was. (For evaluators there is MOTChallenge's form:
`results`.)

Invariant: what is written reads back as it was, to the last bit of each number; cells that are
empty are NaN. A file is replaced when the new one is whole; a row is read or the file is refused.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.files import path_of, why, write_whole
from tracklab.tracks import Tracks, frames_of
from tracklab.video import truths
from tracklab.video.results import decimal

COLUMNS = ("frame", "seconds", "id", "x", "y", "w", "h", "vx", "vy", "score", "label")
DIGITS = 150  # of the sum of any two float32: the smallest is 1e-45, boxes are below 1e7


class Table(NamedTuple):
    """What such a file holds: tracks, one `Tracks` a frame, and when each frame was shown.

    seconds: `(T,)` float64. The tracks' ages count from an identity's first frame.
    """

    tracks: list[Tracks]
    seconds: NDArray[np.float64]


def write_table(
    path: str | os.PathLike[str],
    tracks: Sequence[Tracks],
    seconds: Sequence[float] | NDArray[np.float64],
    *,
    more: Mapping[str, Sequence[Sequence[Any]]] | None = None,
) -> Path:
    """Write tracks as comma-separated values, and return the path.

    tracks: one `Tracks` a frame. seconds: `(T,)`, when each frame is shown.
    more: further columns by name: for each frame a value for each of its tracks, a number or a
        text. Reading leaves them out.

    Raises `InputError` for lengths that differ and boxes 10 million pixels away, `SourceError`
    where the file cannot be written.
    """
    path = path_of(path)
    frames = frames_of(tracks)
    times = np.asarray(seconds, np.float64)
    if times.shape != (len(frames),) or not np.isfinite(times).all():
        errors.bad("seconds", times, f"a finite number for each of {len(frames)} frames")
    others = dict(more or {})
    for name, column in others.items():
        if name in COLUMNS or len(column) != len(frames):
            came = errors.Said(f"a column {name!r} of {len(column)} frames")
            errors.bad("more", came, f"other names than {', '.join(COLUMNS)}, {len(frames)} frames")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *others])
    for number, frame in enumerate(frames):
        if (np.abs(frame.boxes) >= truths.FARTHEST / 2).any():
            came = errors.Said(f"a box {np.abs(frame.boxes).max():g} pixels away")
            errors.bad(f"tracks[{number}]", came, f"below {truths.FARTHEST / 2:g} pixels")
        extra = [list(column[number]) for column in others.values()]
        for name, column in zip(others, extra, strict=True):
            if len(column) != len(frame):
                came = errors.Said(f"{len(column)} values of {name!r} in frame {number}")
                errors.bad("more", came, f"one for each of {len(frame)} tracks")
        when = repr(float(times[number]))
        if not len(frame):
            writer.writerow([number, when] + [""] * (len(COLUMNS) - 2 + len(others)))
        for row, one in enumerate(frame):
            known = [*_sides(one.box), *map(_number, (*one.velocity, np.float32(one.score)))]
            values = [_cell(column[row]) for column in extra]
            writer.writerow([number, when, one.id, *known, one.label, *values])
    return write_whole(path, text.getvalue())


def read_table(path: str | os.PathLike[str]) -> Table:
    """Tracks and times from a file that `write_table` wrote.

    Columns are found by their names in the first line; others than `COLUMNS` are left out. Raises
    `SourceError`, with file and line, for what is not there, is no number, or comes twice.
    """
    path = path_of(path)
    found: list[list[tuple[Any, ...]]] = []
    seconds: list[float] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise errors.SourceError(
                    f"{path}: no column {missing[0]!r}; wanted {', '.join(COLUMNS)}"
                )
            for line in reader:
                _take(f"{path}, line {reader.line_num}", line, found, seconds)
    except UnicodeDecodeError:
        raise errors.SourceError(f"{path}: not a text file; wanted a table") from None
    except csv.Error as error:
        raise errors.SourceError(f"{path}: {error}; wanted comma-separated values") from None
    except OSError as error:
        if isinstance(error, errors.SourceError):
            raise
        raise errors.SourceError(f"{path}: {why(error)}; wanted a table") from None
    begun: dict[int, int] = {}
    tracks = []
    for number, rows in enumerate(found):
        if not rows:
            tracks.append(Tracks.empty())
            continue
        ids, boxes, velocities, labels, scores = zip(*rows, strict=True)
        ages = [number - begun.setdefault(one, number) for one in ids]
        columns = [np.array(part) for part in (ids, boxes, velocities, labels, scores, ages)]
        try:
            tracks.append(Tracks(*columns))
        except errors.InputError as error:
            raise errors.SourceError(f"{path}, frame {number}: {error}") from None
    return Table(tracks, np.array(seconds, np.float64))


def _take(
    where: str, line: Mapping[str, Any], found: list[list[tuple[Any, ...]]], seconds: list[float]
) -> None:
    """One line of a file: a frame that is new, or one more object in the last one."""
    number, when = _whole(where, line, "frame", 0), float(_decimal(where, line, "seconds"))
    if number == len(found):
        found.append([])
        seconds.append(when)
    elif number != len(found) - 1 or when != seconds[-1]:
        raise errors.SourceError(
            f"{where}: frame {number} at {when:g} seconds after frame {len(found) - 1}; wanted "
            "frames in order, from 0, none left out"
        )
    if not line["id"]:
        return
    identity, label = _whole(where, line, "id", 0), _whole(where, line, "label", -1)
    with localcontext(prec=DIGITS):
        x, y, w, h = (_decimal(where, line, name) for name in "xywh")
        corners = np.array([float(v) for v in (x, y, x + w, y + h)], np.float32)
    velocity = [
        float(_decimal(where, line, name)) if line[name] else np.nan for name in ("vx", "vy")
    ]
    score = float(_decimal(where, line, "score"))
    found[-1].append((identity, corners, np.array(velocity, np.float32), label, np.float32(score)))


def _sides(box: NDArray[np.float32]) -> list[str]:
    """x, y, width and height of a box, as decimal numbers that are exactly that."""
    with localcontext(prec=DIGITS):
        x1, y1, x2, y2 = map(decimal, box)
        return [f"{value.normalize():f}" for value in (x1, y1, x2 - x1, y2 - y1)]


def _number(value: Any) -> str:
    return f"{decimal(value).normalize():f}" if np.isfinite(value) else ""


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}" if np.isfinite(value) else ""
    return str(value)


def _decimal(where: str, line: Mapping[str, Any], name: str) -> Decimal:
    try:
        value = Decimal(line[name])
    except (InvalidOperation, TypeError):
        value = Decimal("nan")
    if not value.is_finite():
        raise errors.SourceError(f"{where}: {name} is {line[name]!r}, wanted a number")
    return value


def _whole(where: str, line: Mapping[str, Any], name: str, low: int) -> int:
    value = _decimal(where, line, name)
    if value != int(value) or not low <= value <= truths.LARGEST:
        raise errors.SourceError(
            f"{where}: {name} is {line[name]!r}, wanted a whole number from {low}"
        )
    return int(value)
