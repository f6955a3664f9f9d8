"""What a tracker of many objects said, as a text file of MOTChallenge's form.

A row is `frame, id, x, y, w, h, score`. The file counts frames and pixels from 1, as its truth does
(see `truths`); inside tracklab both count from 0. What is written reads back as it was: identities
and scores exactly, and boxes, too, where their corners are no closer to 0 than a thousandth of a
pixel and no farther than 32,768 (the others to a billionth of a pixel, or to float32). The file
holds neither classes nor velocities nor ages.

Invariant: a file is replaced when the new one is whole; a row is read or the file is refused, none
is left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.files import path_of, write_whole
from tracklab.tracks import Tracks, frames_of
from tracklab.video import truths

WANTED = "frame, id, x, y, width, height, and perhaps score and three more"


def write_tracks(path: str | os.PathLike[str], tracks: Sequence[Tracks], *, first: int = 1) -> Path:
    """Write tracks as MOTChallenge's evaluators read them, and return the path.

    A row is `frame,id,x,y,w,h,score,-1,-1,-1`: rows in the order of frames and identities.

    path: an existing file is replaced when the new one is whole.
    tracks: a list of `Tracks`, one a frame.
    first: the number of the first frame in the file.

    Raises `InputError` for anything but a list of `Tracks` and boxes farther than 10 million pixels
    away, `SourceError` where the file cannot be written.
    """
    path = path_of(path)
    first = int(errors.number("first", first, low=0, whole=True))
    rows = []
    for number, frame in enumerate(frames_of(tracks), first):
        if (np.abs(frame.boxes) >= truths.FARTHEST / 2).any():
            came = errors.Said(f"a box {np.abs(frame.boxes).max():g} pixels away")
            errors.bad(f"tracks[{number - first}]", came, f"below {truths.FARTHEST / 2:g} pixels")
        if (frame.ids > truths.LARGEST).any():
            came = errors.Said(f"identity {frame.ids.max()}")
            errors.bad(f"tracks[{number - first}]", came, f"identities up to {truths.LARGEST}")
        for one in frame:
            x1, y1, x2, y2 = map(decimal, one.box)
            # x = x1 + 1: the first pixel is number 1 in the file
            x, y = x1 + truths.FIRST_PIXEL, y1 + truths.FIRST_PIXEL
            values = (x, y, x2 - x1, y2 - y1, decimal(np.float32(one.score)))
            shown = ",".join(f"{value.normalize():f}" for value in values)
            rows.append(f"{number},{one.id},{shown},-1,-1,-1\n")
    return write_whole(path, "".join(rows))


def read_tracks(path: str | os.PathLike[str], frames: int | Sequence[int]) -> list[Tracks]:
    """Tracks from a file of MOTChallenge's form: `T` frames of `Tracks`, empty ones included.

    Rows are `frame, id, x, y, w, h[, score[, class, visibility]]`, or of ten columns, of which the
    last three are world coordinates; they may come in any order. Scores are 1, classes and
    velocities unknown where the file does not tell; ages count from an identity's first frame.

    frames: how many frames the clip has, `len(clip)`, numbered from 1; or the numbers of its
        images, growing, where some are missing or counting starts elsewhere.

    Raises `SourceError`, with file and line, for an identity that is in a frame twice, a frame that
    is not in the clip, an identity below 0 (a list of detections, `det.txt`, has -1 in its place),
    and a box that is not finite or has no area; `InputError` for numbers that do not grow.
    """
    path = path_of(path)
    numbers = _numbers(frames)
    places = {number: place for place, number in enumerate(numbers)}
    found: list[list[tuple[int, Any, int, float]]] = [[] for _ in numbers]
    lines: dict[tuple[int, int], int] = {}
    for line, values in truths.rows(path, WANTED, counts=range(6, 11)):
        number = truths.whole(path, line, values[0], "frame", low=0)
        identity = truths.whole(path, line, values[1], "identity", low=0)
        if number not in places:
            there = f"{numbers[0]} to {numbers[-1]}" if len(numbers) else "none"
            raise errors.SourceError(
                f"{path}, line {line}: frame {number}, wanted one of the clip's ({there})"
            )
        if (number, identity) in lines:
            raise errors.SourceError(
                f"{path}, line {line}: identity {identity} is in frame {number} twice (first on "
                f"line {lines[number, identity]}); wanted each identity once a frame"
            )
        lines[number, identity] = line
        box = truths.from_corner_and_size(path, line, values[2:6], truths.FIRST_PIXEL)
        if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
            shown = ", ".join(f"{value:g}" for value in values[2:6])
            raise errors.SourceError(
                f"{path}, line {line}: the box {shown} of identity {identity}; wanted x, y, width, "
                "height, with a width and a height"
            )
        score = values[6] if len(values) > 6 else 1.0
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.float32(score))
        if not finite:
            raise errors.SourceError(f"{path}, line {line}: score {score:g}, wanted a number")
        found[places[number]].append((identity, box, truths.class_of(path, line, values), score))
    return _frames(found)


def _frames(found: list[list[tuple[int, Any, int, float]]]) -> list[Tracks]:
    begun: dict[int, int] = {}
    tracks = []
    for place, rows in enumerate(found):
        if not rows:
            tracks.append(Tracks.empty())
            continue
        ids, boxes, labels, scores = zip(*rows, strict=True)
        ages = [place - begun.setdefault(identity, place) for identity in ids]
        columns: dict[str, Any] = {"labels": labels, "scores": scores, "ages": ages}
        tracks.append(Tracks(np.array(ids), np.stack(boxes), **columns))
    return tracks


def _numbers(frames: Any) -> Sequence[int]:
    if isinstance(frames, (int, np.integer)):
        return range(1, 1 + int(errors.number("frames", frames, low=0, whole=True)))
    wanted = "how many frames the clip has, or the growing numbers of its images"
    try:
        numbers = np.asarray(frames)
    except ValueError:
        errors.bad("frames", frames, wanted)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        errors.bad("frames", frames, wanted)
    falls = np.flatnonzero(np.diff(numbers) <= 0)
    if len(falls):
        came = errors.Said(f"{numbers[falls[0] + 1]} after {numbers[falls[0]]}")
        errors.bad("frames", came, wanted)
    return [int(number) for number in numbers]


def decimal(value: Any) -> Decimal:
    """The shortest decimal number that a float32 is."""
    return Decimal(np.format_float_positional(np.float32(value), unique=True, trim="-"))
