"""Boxes: axis-aligned rectangles in pixels, and everything that is computed with boxes alone.

A box is `x1, y1, x2, y2` in float32 ("xyxy"): the upper left corner and the lower right one, in
continuous image coordinates, where the pixel in row `i` and column `j` covers `[j, j + 1) x
[i, i + 1)`. So a mask of one pixel has a box of width 1, and `width == x2 - x1` without a "+ 1".

Functions take `(..., 4)` arrays, return new ones and never change what they were given. A box of
an object that is not there is four NaNs; every overlap with it is 0. `as_boxes` refuses corners in
the wrong order; elsewhere a box with `x2 < x1` or `y2 < y1` covers nothing: its area and every
overlap with it are 0.

- `formats`: what a box is, checked, and other ways to write it.
- `overlap`: area, intersection, IoU, GIoU.
- `regression`: a box as offsets from an anchor, which is what a network learns.
- `anchors`: a grid of anchors, and which object each of them answers for.
- `suppression`: of many boxes around one object, the best.

What a network needs while it learns takes TensorFlow tensors too, by the same lines: conversions,
`clip`, overlaps, offsets and `match`; see `arrays`.
"""

from tracklab.boxes.anchors import BACKGROUND, IGNORED, anchor_grid, match
from tracklab.boxes.arrays import CORNERS, namespace
from tracklab.boxes.formats import (
    Boxes,
    as_box,
    as_boxes,
    centers,
    clip,
    cxcywh_to_xyxy,
    from_mask,
    sizes,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)
from tracklab.boxes.overlap import area, giou, intersection, iou
from tracklab.boxes.regression import GROWTH, decode, encode
from tracklab.boxes.suppression import nms, soft_nms

__all__ = [
    "BACKGROUND",
    "CORNERS",
    "GROWTH",
    "IGNORED",
    "Boxes",
    "anchor_grid",
    "area",
    "as_box",
    "as_boxes",
    "centers",
    "clip",
    "cxcywh_to_xyxy",
    "decode",
    "encode",
    "from_mask",
    "giou",
    "intersection",
    "iou",
    "match",
    "namespace",
    "nms",
    "sizes",
    "soft_nms",
    "xywh_to_xyxy",
    "xyxy_to_cxcywh",
    "xyxy_to_xywh",
]
