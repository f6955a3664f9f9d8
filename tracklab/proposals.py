"""Proposals from outside: where an object might be, by methods that learn nothing.

`windows` looks nowhere: boxes of many sizes and shapes spread over any picture. `segments` looks
for pieces of the picture that stand out from what surrounds them. R-CNN and Fast R-CNN take their
regions from such a method (Girshick et al., 2014, used Selective Search); Faster R-CNN learns to
propose. `metrics.detection.recall` measures each.

Invariants: boxes are float32 `xyxy` pixels inside the picture, have an area, and come best first;
the same arguments give the same boxes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors

Boxes = NDArray[np.float32]

COUNT = 768  # proposals a picture
MOST = 100_000

# windows: sizes are square roots of areas, as fractions of the shorter side of the picture
SMALLEST, LARGEST = 0.1, 1.0
LONGEST = 2.0  # height / width, or width / height

# segments
SIDE = 256  # larger pictures are looked at in this size
SMOOTH = 3  # pixels: noise goes, edges stay
AROUND = 0.5  # of the shorter side: what surrounds a piece is the median of so large a square
THRESHOLDS = (8, 12, 16, 24, 32, 48, 64)  # how far a pixel stands out, of 255
BINS = (24, 40)  # grey levels of a colour of like pixels
LEAST = 0.04  # of the shorter side: smaller pieces are texture
SAME = 0.7  # overlap from which on two boxes are one opinion
TWINS = 0.9  # overlap above which the less stable one is left out


def windows(height: int, width: int, count: int = COUNT) -> Boxes:
    """Windows `(count, 4)` of many sizes, shapes and places in a picture, the same for every one.

    height, width: of the picture, in pixels. count: how many; each beginning of a longer list is
    the shorter list, as evenly spread as so few can be.

    Place, size and shape of window `i` are the digits of `i` in bases 2, 3, 5 and 7, mirrored at
    the point: Halton, "On the efficiency of certain quasi-random sequences of points" (1960).
    Square roots of areas go from a tenth of the shorter side to the whole; small ones, of which it
    takes more to cover a picture, come more often. The longer side is up to twice the shorter.

    Raises `InputError` for a size or a count below 1.

    >>> windows(128, 128, 768).shape
    (768, 4)
    """
    height = int(errors.number("height", height, low=1, high=MOST, whole=True))
    width = int(errors.number("width", width, low=1, high=MOST, whole=True))
    count = _count(count)
    across, down, sized, shaped = (_mirrored(count, base) for base in (2, 3, 5, 7))
    # 1 / size is spread evenly: as many from 1/10 to 1/9 as from 1/3 to 1/2
    size = min(height, width) / (1 / LARGEST + sized * (1 / SMALLEST - 1 / LARGEST))
    ratio = LONGEST ** (2 * shaped - 1)
    # h w = size^2 and h / w = ratio
    tall, wide = np.minimum(size * np.sqrt(ratio), height), np.minimum(size / np.sqrt(ratio), width)
    left, top = across * (width - wide), down * (height - tall)
    boxes = np.stack([left, top, left + wide, top + tall], -1)
    return bx.clip(boxes.astype(np.float32), height, width)


def _mirrored(count: int, base: int) -> NDArray[np.float64]:
    """The radical inverse of 1, ..., count: 6 is 110 in base 2, and becomes 0.011 = 3 / 8."""
    rest, value, unit = np.arange(1, count + 1), np.zeros(count), 1.0
    while rest.any():
        unit /= base
        value += unit * (rest % base)
        rest = rest // base
    return value


def segments(image: NDArray[np.uint8], count: int = COUNT) -> Boxes:
    """Boxes `(P, 4)`, `P <= count`, around pieces of a picture, the most stable pieces first.

    image: `(H, W, 3)` uint8 RGB.

    A piece is what hangs together in one of many black and white pictures: pixels that stand out
    from their surroundings by more than a threshold, and pixels of like colour. An object is seen
    as the same piece at many thresholds, texture is not: boxes are ranked by how many others agree
    with them, the idea of maximally stable regions (Matas et al., "Robust wide baseline stereo from
    maximally stable extremal regions", 2002).

    Raises `InputError` for what is no RGB picture, or a count below 1.
    """
    picture = errors.image("image", image)
    count = _count(count)
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    found = _pieces(picture)
    ranked = found[_order(found)]
    sides = np.array([width, height, width, height]) / np.tile(picture.shape[1::-1], 2)
    return bx.clip((ranked[:count] * sides).astype(np.float32), height, width)


def _pieces(picture: NDArray[np.uint8]) -> Boxes:
    """Boxes around all pieces, also of those that are the same piece."""
    short = min(picture.shape[:2])
    lab = cv2.cvtColor(cv2.medianBlur(picture, SMOOTH), cv2.COLOR_RGB2LAB)
    around = cv2.medianBlur(lab, min(int(short * AROUND) | 1, 255))
    apart = cv2.absdiff(lab, around).max(-1)
    masks = [apart > threshold for threshold in THRESHOLDS]
    for bins in BINS:
        for shift in (0, bins // 2):
            levels = (lab.astype(np.int32) + shift) // bins
            codes = (levels * [1, 64, 4096]).sum(-1)
            masks += [codes == code for code in np.unique(codes)]
    boxes = [np.zeros((0, 4), np.float32)]
    for mask in masks:
        stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)[2][1:]
        left, top, wide, tall = stats[:, :4].T
        fine = np.minimum(wide, tall) >= max(LEAST * short, 2)
        boxes.append(np.stack([left, top, left + wide, top + tall], -1)[fine].astype(np.float32))
    return np.concatenate(boxes)


def _order(boxes: Boxes) -> NDArray[np.int64]:
    """Rows of a list without twins, those with which most others agree first."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    agree = (bx.iou(boxes, boxes) >= SAME).sum(-1).astype(np.float32)
    return bx.nms(boxes, agree, threshold=TWINS)


def _count(count: int) -> int:
    return int(errors.number("count", count, low=1, high=MOST, whole=True))
