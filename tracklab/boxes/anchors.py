"""Anchors: boxes laid over the image beforehand, each of which may answer for one object.

Invariants: `anchor_grid` has `ceil(H / stride) * ceil(W / stride) * len(sizes) * len(ratios)` rows,
in the order in which a network's map `(h, w, K)` is read; `match` gives every anchor an object, the
background, or nothing to learn from.

Ren et al., "Faster R-CNN: towards real-time object detection with region proposal networks", 2015,
section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracklab import errors
from tracklab.boxes.arrays import Array, namespace, table, together
from tracklab.boxes.formats import Boxes
from tracklab.boxes.overlap import iou

BACKGROUND = -1  # this anchor is to say "nothing here"
IGNORED = -2  # this anchor is neither right nor wrong: no loss

RATIOS = (0.5, 1.0, 2.0)  # height / width, Ren et al., section 3.1.1

# Overlaps that differ by less than this fraction are equally good. Near x = 1000 float32 corners
# are 6e-5 pixels apart, so the overlap of 16-pixel boxes is known to about 1e-5 of itself.
TIE = 1e-4


def anchor_grid(
    height: int,
    width: int,
    *,
    stride: float,
    sizes: Sequence[float] | float,
    ratios: Sequence[float] | float = RATIOS,
) -> Boxes:
    """Anchors `(h * w * K, 4)` of `K = len(sizes) * len(ratios)` shapes on a grid over an image.

    height, width: of the image, in pixels. The grid has `h = ceil(height / stride)` rows and
    `w = ceil(width / stride)` columns, as many as a network's map with "same" padding.
    stride: pixels from one centre to the next. Centres lie at `((j + 0.5) * stride,
    (i + 0.5) * stride)`, in the middle of the square of pixels that a place in the map sees first.
    sizes: square roots of the areas, in pixels. ratios: height / width. For every size and ratio
    the area is `size ** 2`: a ratio makes an anchor longer, never larger.

    Row by row, column by column, shape by shape (all ratios of the first size, then the next).
    Anchors at the border reach beyond the image. Raises `InputError` for what is not a positive
    number.

    >>> anchor_grid(8, 16, stride=8, sizes=4, ratios=1)
    array([[ 2.,  2.,  6.,  6.],
           [10.,  2., 14.,  6.]], dtype=float32)
    """
    errors.number("height", height, low=0, whole=True)
    errors.number("width", width, low=0, whole=True)
    stride = errors.number("stride", stride, low=0)
    if stride == 0:
        errors.bad("stride", stride, "a number above 0")
    size, ratio = _positive("sizes", sizes)[:, None], _positive("ratios", ratios)[None, :]
    # w h = size^2 and h / w = ratio, so w = size / sqrt(ratio) and h = size sqrt(ratio)
    w, h = (size / np.sqrt(ratio)).ravel(), (size * np.sqrt(ratio)).ravel()
    shapes = np.stack([-w / 2, -h / 2, w / 2, h / 2], axis=-1)
    x = (np.arange(int(np.ceil(width / stride))) + 0.5) * stride
    y = (np.arange(int(np.ceil(height / stride))) + 0.5) * stride
    y, x = np.meshgrid(y, x, indexing="ij")
    centres = np.stack([x, y, x, y], axis=-1)
    return (centres[:, :, None, :] + shapes).reshape(-1, 4).astype(np.float32)


def match(
    anchors: Array,
    truth: Array,
    *,
    positive: float = 0.7,
    negative: float = 0.3,
    low_quality: bool = True,
) -> Array:
    """For which object each anchor answers: `(..., A)` integers, the row of `truth`, or a sign.

    Ren et al. 2015, section 3.1.2. An anchor in `anchors (..., A, 4)` is given

    - the object in `truth (..., M, 4)` that it overlaps most (the first of equals), if their IoU is
      at least `positive` (the paper says "higher than"; implementations take equality in);
    - `BACKGROUND` (-1) if its IoU with every object is below `negative`, or 0;
    - `IGNORED` (-2) in between.

    With `low_quality`, every object also keeps the anchors that overlap it most, however little, as
    long as they overlap it at all; all equally good ones, where equal means to one part in 10,000
    (`TIE`). An anchor that is the best of several objects goes to the one it overlaps most: the
    others keep their other best anchors, if they have any, or get none.

    Rows of NaN in `truth` are padding and get no anchor. Without objects all is `BACKGROUND`.
    Returns int64 for arrays and int32 for tensors. Raises `InputError` for another shape, and for
    thresholds that are not `0 <= negative <= positive <= 1`.

    >>> match([[0, 0, 8, 8], [8, 0, 16, 8], [40, 0, 48, 8]], [[0, 0, 10, 8]])
    array([ 0, -1, -1])
    """
    xp = namespace(anchors, truth)
    positive = errors.number("positive", positive, low=0, high=1)
    negative = errors.number("negative", negative, low=0, high=positive)
    anchors, truth = table(anchors, "anchors", xp), table(truth, "truth", xp)
    anchors, truth = together(anchors, "anchors", truth, "truth", xp, own=2)
    # One row more, of an object that is absent: so there is always one to point at.
    before = [[0, 0]] * (len(truth.shape) - 2)
    truth = xp.pad(truth, [*before, [0, 1], [0, 0]], constant_values=np.nan)
    overlaps = iou(anchors, truth)
    best, number = xp.max(overlaps, axis=-1, initial=0), xp.argmax(overlaps, axis=-1)
    found = xp.where((best < negative) | (best == 0), BACKGROUND, IGNORED)
    found = xp.where((best >= positive) & (best > 0), number, found)
    if low_quality:
        best_of_object = xp.max(overlaps, axis=-2, keepdims=True, initial=0)
        is_best = (overlaps >= (1 - TIE) * best_of_object) & (overlaps > 0)
        claims = xp.where(is_best, overlaps, 0)
        found = xp.where(xp.any(is_best, axis=-1), xp.argmax(claims, axis=-1), found)
    return found


def _positive(name: str, values: Sequence[float] | float) -> np.ndarray:
    """One or more finite numbers above 0, as `(n,)` float64."""
    try:
        array = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        errors.bad(name, values, "one or more numbers above 0")
    if array.ndim != 1 or not array.size or not (np.isfinite(array) & (array > 0)).all():
        errors.bad(name, values, "one or more numbers above 0")
    return array
