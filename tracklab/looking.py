"""What every tracker that compares pictures needs: a part of a frame as a small picture, and the
top of a map between its cells.

Invariants: `look` of a box with whole corners and as many pixels as it has is that part of the
frame; the top lies within half a cell of the highest one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab.clips import Frame


def look(frame: Frame, box: ArrayLike, pixels: ArrayLike) -> Frame:
    """The part of a frame in a box of any corners, drawn again with `pixels` (width, height).

    Beyond the frame its edge goes on. A part that gets much smaller is averaged first, so that
    fine patterns do not turn into coarse ones.
    """
    x1, y1, x2, y2 = np.asarray(box, np.float64)
    width, height = (int(count) for count in np.asarray(pixels))
    step_x, step_y = (x2 - x1) / width, (y2 - y1) / height
    whole = max(1, int(min(step_x, step_y, *frame.shape[:2])))
    left = top = 0
    if whole > 1:
        left, right = _multiple(x1, x2, frame.shape[1], whole)
        top, bottom = _multiple(y1, y2, frame.shape[0], whole)
        size = (right - left) // whole, (bottom - top) // whole
        smaller = cv2.resize(frame[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        frame = np.asarray(smaller, np.uint8)
    # the middle of pixel j is at j + 1/2: source index + 1/2 = (x1 - left + (j + 1/2) step) / whole
    move_x = (x1 - left + step_x / 2) / whole - 0.5
    move_y = (y1 - top + step_y / 2) / whole - 0.5
    matrix = np.array([[step_x / whole, 0, move_x], [0, step_y / whole, move_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    edge = cv2.BORDER_REPLICATE
    drawn = cv2.warpAffine(frame, matrix, (width, height), flags=flags, borderMode=edge)
    return np.asarray(drawn, np.uint8)


def _multiple(low: float, high: float, end: int, whole: int) -> tuple[int, int]:
    """The part of `[0, end)` around `[low, high]` that is a whole number of steps long."""
    start = int(np.clip(np.floor(low) - whole, 0, end - whole))
    stop = int(np.clip(np.ceil(high) + whole, start + whole, end))
    return start, stop - (stop - start) % whole


def peak(values: NDArray[np.floating], row: int, column: int) -> NDArray[np.float64]:
    """Where the top is between the cells, `x, y` in cells: of a parabola through three of them."""
    return np.array([column + _top(values[row, :], column), row + _top(values[:, column], row)])


def _top(line: NDArray[np.floating], index: int) -> float:
    """How far the top lies from the highest value of a line, -1/2 to 1/2 cells."""
    if not 0 < index < len(line) - 1:
        return 0.0
    before, here, after = line[index - 1 : index + 2].astype(float)
    bend = before - 2 * here + after
    # top of the parabola: (y[-1] - y[1]) / (2 (y[-1] - 2 y[0] + y[1]))
    return float((before - after) / (2 * bend)) if bend < 0 else 0.0
