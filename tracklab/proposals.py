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
DELTAS = (1, 2, 4)  # grey levels over which a piece must keep its size
CHANGE = 1.0  # at most, of its area over 2 deltas
SMALL, LARGE = 0.04, 0.5  # side of a piece, of the shorter side; its area, of the picture
LEAST = 3  # pixels of a side: OpenCV finds nothing in less
SAME = 0.7  # overlap from which on two pieces are one
APART = 0.6  # overlap up to which a box comes before those that say almost the same
TWINS = 0.8  # overlap above which the less stable box is left out
PRIOR = 0.25  # of the shorter side: up to here a larger piece is less likely chance
JOINED, GAP, FILLED = 80, 0.02, 0.5  # best pieces to join, if so near, if they fill so much


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

    image: `(H, W, 3)` uint8 RGB. A plain one, and one of less than 3 pixels, has no pieces: there
    `P` is 0. A busy picture of 128x128 has about 300.

    A piece is what hangs together, in one of the three channels of the Lab colours, of the pixels
    below or above a grey level, and hardly grows over the levels after it: a maximally stable
    region (Matas et al., "Robust wide baseline stereo from maximally stable extremal regions",
    2002; OpenCV's MSER). One object is seen as almost the same piece in several channels and by
    several measures of stable, texture is not, so that boxes are ranked by how many pieces agree
    with them, times their shorter side: small pieces agree by chance. Last come boxes around two
    neighbours, one step of what Selective Search does many times (Uijlings et al., 2013).

    Raises `InputError` for what is no RGB picture, or a count below 1.
    """
    picture = errors.image("image", image)
    count = _count(count)
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    short = min(picture.shape[:2])
    ranked = _ranked(*np.unique(_pieces(picture), axis=0, return_counts=True), short)
    found = np.concatenate([ranked, _unions(ranked, short)])
    # back to pixels of the picture as it came
    found = found * (np.tile([width, height], 2) / np.tile(picture.shape[1::-1], 2))
    return bx.clip(found[:count].astype(np.float32), height, width)


def _pieces(picture: NDArray[np.uint8]) -> Boxes:
    """Boxes around all stable pieces, as often as each is seen."""
    height, width = picture.shape[:2]
    side = max(SMALL * min(height, width), 2.0)
    boxes = [np.zeros((0, 4), np.float32)]
    if min(height, width) < LEAST:
        return boxes[0]
    # OpenCV never looks at the outermost pixels: let there be one more
    framed = cv2.copyMakeBorder(picture, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    for channel in cv2.split(cv2.cvtColor(framed, cv2.COLOR_RGB2LAB)):
        for delta in DELTAS:
            mser = cv2.MSER.create(delta, int(side**2), int(LARGE * height * width), CHANGE)
            found = np.asarray(mser.detectRegions(channel)[1], np.float32).reshape(-1, 4)
            boxes.append(bx.xywh_to_xyxy(found))
    together = bx.clip(np.concatenate(boxes) - 1, height, width)
    return together[(bx.sizes(together) >= side).all(-1)]


def _ranked(boxes: Boxes, times: NDArray[np.int64], short: int) -> Boxes:
    """Different boxes `(P, 4)`, each seen a number of `times`, best first and without twins."""
    agree = (bx.iou(boxes, boxes) >= SAME) @ times
    score = (agree * np.minimum(bx.sizes(boxes).min(-1), PRIOR * short)).astype(np.float32)
    first = bx.nms(boxes, score, threshold=APART)
    rest = np.setdiff1d(np.arange(len(boxes)), first)
    kept = rest[bx.nms(boxes[rest], score[rest], threshold=TWINS)]
    return boxes[np.concatenate([first, kept])]


def _unions(boxes: Boxes, short: int) -> Boxes:
    """Boxes around two near ones of the best, where that is none of `boxes` yet."""
    some = boxes[:JOINED]
    one, other = np.triu_indices(len(some), 1)
    order = np.argsort(one + other, kind="stable")  # the best pairs first
    a, b = some[one[order]], some[other[order]]
    # below 0 where they overlap
    gap = (np.maximum(a[:, :2], b[:, :2]) - np.minimum(a[:, 2:], b[:, 2:])).max(-1)
    both = np.concatenate([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])], -1)
    filled = (bx.sizes(a).prod(-1) + bx.sizes(b).prod(-1)) / bx.sizes(both).prod(-1)
    both = both[(gap <= GAP * short) & (filled >= FILLED)]
    together = np.concatenate([boxes, both])
    kept = bx.nms(together, -np.arange(len(together), dtype=np.float32), threshold=TWINS)
    return together[kept[kept >= len(boxes)]]


def _count(count: int) -> int:
    return int(errors.number("count", count, low=1, high=MOST, whole=True))
