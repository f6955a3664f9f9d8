"""What a tracker of one object said, as a text file of OTB's form: `x,y,w,h`, one row a frame.

The file counts pixels from 1, as OTB's truth does; inside tracklab they count from 0. Evaluators of
OTB read it (MATLAB's, pytracking, the GOT-10k toolkit), and trackers' authors publish such files.

Invariant: what is written reads back as it was: corners between a thousandth of a pixel and 32,768
exactly, others to a billionth of a pixel or to float32. A file is replaced when the new one is
whole; a row is read or the file is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from tracklab import boxes as bx
from tracklab import errors
from tracklab.files import path_of, write_whole
from tracklab.video import truths
from tracklab.video.results import decimal

NOTHING = "nan,nan,nan,nan"


def write_boxes(path: str | os.PathLike[str], boxes: ArrayLike) -> Path:
    """Write a track's boxes as evaluators of OTB read them, and return the path.

    boxes: `(T, 4)` xyxy pixels; a row of NaNs, where the tracker saw nothing, is written as such.

    Raises `InputError` for other boxes and such as lie 10 million pixels away, `SourceError` where
    the file cannot be written.
    """
    path = path_of(path)
    array = bx.as_boxes(boxes, absent=True)
    if array.ndim != 2:
        errors.bad("boxes", array, "boxes of shape (T, 4)")
    far = np.abs(array) >= truths.FARTHEST / 2  # NaN never is
    if far.any():
        came = errors.Said(f"a box {np.abs(array[far]).max():g} pixels away")
        errors.bad("boxes", came, f"below {truths.FARTHEST / 2:g} pixels")
    return write_whole(path, "".join(f"{_row(box)}\n" for box in array))


def read_boxes(path: str | os.PathLike[str]) -> bx.Boxes:
    """The boxes `(T, 4)` float32 xyxy pixels of such a file; NaNs where there is no box.

    Numbers may be separated by commas, semicolons, tabs or blanks. A box without an area is none.
    Raises `SourceError`, with file and line, where a row is not four numbers.
    """
    path = path_of(path)
    found = [
        truths.from_corner_and_size(path, line, values, truths.FIRST_PIXEL)
        for line, values in truths.rows(path, "x, y, width, height", counts=range(4, 5))
    ]
    return np.array(found, np.float32).reshape(-1, 4)


def _row(box: bx.Boxes) -> str:
    if not np.isfinite(box).all():
        return NOTHING
    x1, y1, x2, y2 = map(decimal, box)
    # x = x1 + 1: the first pixel is number 1 in the file
    values = (x1 + truths.FIRST_PIXEL, y1 + truths.FIRST_PIXEL, x2 - x1, y2 - y1)
    return ",".join(f"{value.normalize():f}" for value in values)
