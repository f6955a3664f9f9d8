"""What annotators wrote: the text files of OTB, VOT and MOTChallenge, turned into boxes.

Files count pixels and frames from 1 (OTB, MOTChallenge); inside tracklab both count from 0. The
conversion happens here, once: `x0 = x - 1`, and a box of width `w` keeps its width. VOT's polygons
are taken as they stand. Every error names the file and the line. A line that cannot be meant (a
box of negative size, a frame that is no whole number) refuses the file: what else is wrong in it
nobody knows.

Invariant: what a file says of frame `n` is laid on the image whose name is the number `n`.
"""

from __future__ import annotations

import configparser
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Truth
from tracklab.files import why

FIRST_PIXEL = 1  # of OTB and MOTChallenge files
FARTHEST = 1e7  # pixels; beyond, float32 does not hold whole ones
LARGEST = 2**53  # the last whole number up to which a float tells each from the next
LAST_CLASS = 9999
TOLD = 5  # gaps or frames that a message lists

# Classes of MOT16, MOT17 and MOT20 (Milan et al., "MOT16", 2016, table 6); number 0 is not used.
MOT_CLASSES = (
    "none",
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non-motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder, full",
    "reflection",
    "crowd",
)

_SEPARATOR = re.compile(r"[,;\s]+")


def rows(path: Path, wanted: str, *, counts: range) -> Iterator[tuple[int, list[float]]]:
    """Numbers of each line of a text file, with the line's number from 1.

    Numbers are separated by commas, semicolons, tabs or blanks. Blank lines at the end are left
    out. Raises `SourceError` where the file cannot be read, or a line is not made of as many
    numbers as `counts` allows: a blank one in the middle too, because it may be an absent object
    or a slip, after which every row would belong to another frame.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError:
        raise errors.SourceError(f"{path}: not a text file; wanted {wanted} a line") from None
    except OSError as error:
        raise errors.SourceError(f"{path}: {why(error)}; wanted {wanted}") from None
    for number, line in enumerate(lines, 1):
        parts = [part for part in _SEPARATOR.split(line.strip()) if part]
        try:
            values = [float(part) for part in parts]
        except ValueError:
            values = []
        if len(values) not in counts:
            shown = line.strip()[:60]
            raise errors.SourceError(f"{path}, line {number}: got {shown!r}, wanted {wanted}")
        yield number, values


def from_corner_and_size(path: Path, line: int, xywh: list[float], first: int) -> bx.Boxes:
    """A box from `x, y, w, h`; four NaNs where it is not annotated (not a number, or no area)."""
    x, y, w, h = xywh
    _check_pixels(path, line, xywh)
    if any(math.isnan(value) for value in xywh) or w == 0 or h == 0:
        return np.full(4, np.nan, np.float32)
    if w < 0 or h < 0:
        raise errors.SourceError(
            f"{path}, line {line}: a box of size {w:g} x {h:g}; wanted x, y, width, height with "
            "sizes of 0 or more"
        )
    # x0 = x - 1: the first pixel is number 1 in the file and covers [0, 1) here
    x, y = x - first, y - first
    return np.array([x, y, x + w, y + h], np.float32)  # rounded once, when the corner is known


def _check_pixels(path: Path, line: int, values: list[float]) -> None:
    for value in values:
        if abs(value) > FARTHEST:  # infinities; NaN passes, it says that the object is absent
            raise errors.SourceError(
                f"{path}, line {line}: got {value:g}, wanted pixels no farther than {FARTHEST:g}"
            )


def missing(numbers: Sequence[int]) -> str:
    """The whole numbers that a growing list leaves out, in words; "" where there is no gap.

    >>> missing([1, 3, 4, 8])
    '2, 5 to 7'
    """
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    told = [str(a) if a == b else f"{a} to {b}" for a, b in gaps[:TOLD]]
    return ", ".join(told) + (f" and {len(gaps) - TOLD} more gaps" if len(gaps) > TOLD else "")


def read_otb(paths: list[Path], numbers: Sequence[int], start: int = 0) -> Truth:
    """Truth from OTB files, one an object (`x, y, w, h` from pixel 1), for numbered images.

    The first row belongs to the image at place `start`. A row of NaNs or without area is an absent
    object, and so are frames after the last row. More rows than frames: the surplus is left out
    with a warning. Raises `SourceError` where images are missing and rows are not one an image:
    nothing says then to which image a row belongs.
    """
    count = len(numbers)
    boxes = np.full((count, len(paths), 4), np.nan, np.float32)
    for object_, path in enumerate(paths):
        line = 0
        for line, values in rows(path, "x, y, width, height", counts=range(4, 5)):
            box = from_corner_and_size(path, line, values, FIRST_PIXEL)
            if start + line <= count:
                boxes[start + line - 1, object_] = box
        _check_rows(path, line, numbers[start:])
    return Truth.from_boxes(boxes)


def read_vot(path: Path, numbers: Sequence[int]) -> tuple[Truth, NDArray[np.float32]]:
    """Truth and polygons `(T, P, 2)` from a VOT file.

    A row is `x, y, width, height`, or the corners of a polygon, `x1, y1, ..., x4, y4`. A polygon
    becomes the smallest upright box around it, which is larger than the object where the polygon
    is turned. Numbers are pixels as they stand in the file. A row of NaNs is an absent object, and
    so are frames after the last row. Missing images as in `read_otb`.
    """
    count = len(numbers)
    wanted = "x, y, width, height, or the corners x1, y1, ..., x4, y4 of a polygon"
    polygons = np.full((count, 4, 2), np.nan, np.float32)
    line = 0
    for line, values in rows(path, wanted, counts=range(1, 10_000)):
        if len(values) == 4:
            box = from_corner_and_size(path, line, values, first=0)
            corners = box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        elif len(values) >= 6 and len(values) % 2 == 0:
            _check_pixels(path, line, values)
            corners = np.array(values, np.float32).reshape(-1, 2)
        elif len(values) == 1:  # toolkits write codes of one number: no region in this frame
            continue
        else:
            raise errors.SourceError(
                f"{path}, line {line}: got {len(values)} numbers, wanted {wanted}"
            )
        if line > count:
            continue
        if len(corners) > polygons.shape[1]:
            more = len(corners) - polygons.shape[1]
            polygons = np.concatenate([polygons, polygons[:, -1:].repeat(more, 1)], axis=1)
        elif len(corners) < polygons.shape[1]:  # a repeated corner changes no polygon
            more = polygons.shape[1] - len(corners)
            corners = np.concatenate([corners, corners[-1:].repeat(more, 0)])
        polygons[line - 1] = corners
    _check_rows(path, line, numbers)
    boxes = np.concatenate([polygons.min(1), polygons.max(1)], axis=-1)
    boxes[~np.isfinite(boxes).all(-1)] = np.nan
    return Truth.from_boxes(boxes[:, None]), polygons


def _check_rows(path: Path, found: int, numbers: Sequence[int]) -> None:
    frames, gaps = len(numbers), missing(numbers)
    if gaps and found not in (0, frames):
        raise errors.SourceError(
            f"{path}: {found} rows for {frames} images, numbered {numbers[0]} to {numbers[-1]} "
            f"without {gaps}; wanted the missing images, or a row for each that is there"
        )
    if found == 0:
        raise errors.SourceError(f"{path}: empty; wanted a row for each of {frames} frames")
    if found > frames:
        warnings.warn(
            f"{path}: {found} rows for {frames} images; the last {found - frames} are left out "
            "(are images missing?)",
            stacklevel=5,
        )


def read_mot_truth(path: Path, numbers: Sequence[int], *, everything: bool = False) -> Truth:
    """Truth from a MOTChallenge `gt.txt`: `frame, id, x, y, w, h, flag[, class, visibility]`.

    Rows whose flag is 0 are left out, as MOTChallenge's evaluation does; any other flag, -1
    included, counts. Files of the 2015 benchmark have ten columns, of which the last three are
    world coordinates: they know neither class nor visibility. Pixels count from 1.

    numbers: of the images, growing. A row belongs to the image whose number is its frame; rows of
    which there is no image are left out with a warning, and so are boxes that are none (no area,
    or NaN): there the object is absent.

    everything: keep rows whose flag is 0, too: distractors, occluders and what else was annotated.

    Raises `SourceError` for an identity that appears twice in a frame.
    """
    places = {number: place for place, number in enumerate(numbers)}
    count = len(numbers)
    wanted = "frame, id, x, y, width, height, flag, and perhaps class and visibility"
    found: dict[int, dict[int, tuple[bx.Boxes, float]]] = {}
    kinds: dict[int, Counter[int]] = {}
    lines: dict[tuple[int, int], int] = {}
    lost: list[int] = []
    flat: list[int] = []
    for line, values in rows(path, wanted, counts=range(6, 11)):
        frame = _frame(path, line, values[0], numbers)
        identity = whole(path, line, values[1], "identity", low=-LARGEST)
        if (frame, identity) in lines:
            raise errors.SourceError(
                f"{path}, line {line}: identity {identity} is in frame {frame} twice (first on "
                f"line {lines[frame, identity]}); wanted each identity once a frame"
            )
        lines[frame, identity] = line
        if len(values) > 6 and values[6] == 0 and not everything:
            continue
        kind = class_of(path, line, values)
        seen = values[8] if kind >= 0 and len(values) == 9 else 1.0
        if not math.isfinite(seen):
            raise errors.SourceError(f"{path}, line {line}: visibility {seen:g}, wanted 0 to 1")
        box = from_corner_and_size(path, line, values[2:6], FIRST_PIXEL)
        if frame not in places:
            lost.append(frame)
            continue
        if not np.isfinite(box).all():
            flat.append(line)
        found.setdefault(identity, {})[places[frame]] = (box, min(max(seen, 0.0), 1.0))
        kinds.setdefault(identity, Counter())[kind] += 1
    _warn_of_lost(path, lost, numbers)
    _warn_of_flat(path, flat)
    ids = sorted(found)
    boxes = np.full((count, len(ids), 4), np.nan, np.float32)
    visibility = np.zeros((count, len(ids)), np.float32)
    for column, identity in enumerate(ids):
        for frame, (box, seen) in found[identity].items():
            boxes[frame, column] = box
            visibility[frame, column] = seen if np.isfinite(box).all() else 0
    classes = [kinds[identity].most_common(1)[0][0] for identity in ids]
    known = max(classes, default=-1) >= 0
    names: tuple[str, ...] = MOT_CLASSES if known else ()
    if known and max(classes) >= len(MOT_CLASSES):  # somebody's own classes
        names = tuple(f"class {number}" for number in range(max(classes) + 1))
    return Truth.from_boxes(
        boxes, ids=ids, classes=classes, visibility=visibility, class_names=names
    )


def read_mot_detections(path: Path, numbers: Sequence[int]) -> tuple[NDArray[np.float32], ...]:
    """What a detector found, from a `det.txt`: one `(n, 6)` float32 array a frame.

    Columns are `x1, y1, x2, y2, score, class`. Rows without a box (no area, or NaN) are left out
    with a warning. Scores are the file's own (not always between 0
    and 1: some detectors write logits or margins); the class is -1 where the file does not tell.
    Rows find their images as in `read_mot_truth`.
    """
    places = {number: place for place, number in enumerate(numbers)}
    lost: list[int] = []
    flat: list[int] = []
    wanted = "frame, -1, x, y, width, height, score"
    found: list[list[NDArray[np.float32]]] = [[] for _ in numbers]
    for line, values in rows(path, wanted, counts=range(6, 11)):
        frame = _frame(path, line, values[0], numbers)
        box = from_corner_and_size(path, line, values[2:6], FIRST_PIXEL)
        score, kind = values[6] if len(values) > 6 else 1.0, class_of(path, line, values)
        if not math.isfinite(score):
            raise errors.SourceError(f"{path}, line {line}: score {score:g}, wanted a number")
        if frame not in places:
            lost.append(frame)
        elif not np.isfinite(box).all():
            flat.append(line)
        else:
            found[places[frame]].append(np.array([*box, score, kind], np.float32))
    _warn_of_lost(path, lost, numbers)
    _warn_of_flat(path, flat)
    return tuple(np.stack(rows_) if rows_ else np.zeros((0, 6), np.float32) for rows_ in found)


def _warn_of_lost(path: Path, lost: list[int], numbers: Sequence[int]) -> None:
    if lost:
        frames = sorted(set(lost))
        told = ", ".join(map(str, frames[:TOLD])) + (", ..." if len(frames) > TOLD else "")
        warnings.warn(
            f"{path}: {len(lost)} rows are of frames that have no image and are left out "
            f"(frame {told}; the {len(numbers)} images are {numbers[0]} to {numbers[-1]})",
            stacklevel=6,
        )


def _warn_of_flat(path: Path, lines: list[int]) -> None:
    if lines:
        told = ", ".join(map(str, lines[:TOLD])) + (", ..." if len(lines) > TOLD else "")
        warnings.warn(
            f"{path}: {len(lines)} rows have no box (no area, or not a number) and are left out "
            f"(line {told})",
            stacklevel=6,
        )


def _frame(path: Path, line: int, value: float, numbers: Sequence[int]) -> int:
    """A frame's number: from 1, as MOTChallenge counts, or from 0 where the images do."""
    return whole(path, line, value, "frame", low=min(1, numbers[0]))


def class_of(path: Path, line: int, values: list[float]) -> int:
    """The class in column 8, or -1; of ten columns the last three are world coordinates."""
    if len(values) not in (8, 9):
        return -1
    return max(-1, whole(path, line, values[7], "class", low=-LARGEST, high=LAST_CLASS))


def whole(
    path: Path, line: int, value: float, name: str, *, low: int = 1, high: int = LARGEST
) -> int:
    """The number in a file that must be whole; `SourceError` with file, line and `name`."""
    if not (math.isfinite(value) and value == int(value) and low <= value <= high):
        limits = "" if low == -LARGEST else f" of at least {low}"
        limits += "" if high == LARGEST else f" up to {high}"
        raise errors.SourceError(
            f"{path}, line {line}: {name} {value:g}, wanted a whole number{limits}"
        )
    return int(value)


def read_rate(path: Path, key: str, stated: str) -> float:
    """Frames a second as a file states them; `SourceError` that names the file and the key."""
    try:
        rate = float(stated)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise errors.SourceError(f"{path}: {key} is {stated!r}, wanted a number above 0")
    return rate


def read_seqinfo(path: Path) -> dict[str, str]:
    """Keys (in small letters) and values of a MOTChallenge `seqinfo.ini`; {} without the file."""
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        return dict(parser["Sequence"])
    except (configparser.Error, KeyError, UnicodeDecodeError, OSError) as error:
        first = why(error) if isinstance(error, OSError) else str(error).splitlines()[0]
        raise errors.SourceError(
            f"{path}: {first}; wanted a [Sequence] section with name, frameRate, imDir"
        ) from None
