"""RoIAlign: the features of a region, as a small map of fixed size.

He, Gkioxari, Dollar and Girshick, "Mask R-CNN" (ICCV 2017), section 3: a region is cut into bins,
and each bin is the mean of samples that are read between the places of the map, without rounding.
"""

from __future__ import annotations

from typing import Any

from tracklab.quiet import tf

SAMPLES = 2  # a bin, in each direction


def align(maps: Any, regions: Any, *, stride: float, bins: int, samples: int = SAMPLES) -> Any:
    """Features `(N, R, bins, bins, C)` of regions `(N, R, 4)`, pixels, on maps `(N, h, w, C)`.

    regions: inside the picture. stride: pixels from one place of the map to the next; place 0 is
    centred at half a stride. A sample between the last place and the border reads that place. No
    gradient goes to the regions.

    `tf.image.crop_and_resize` reads between places as well, but it sets its first and last sample
    on the corners of the box; RoIAlign's samples lie in the middle of their parts. So it gets the
    box from the first sample to the last.
    """
    count, side = tf.shape(regions)[1], bins * samples
    # One more place around the map, a copy of its border: samples near the border find a neighbour.
    maps = tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    height, width = maps.shape[1], maps.shape[2]
    x1, y1, x2, y2 = tf.unstack(tf.stop_gradient(regions) / stride, axis=-1)
    spans = []
    for low, high, length in ((y1, y2, height), (x1, x2, width)):
        step = (high - low) / side
        # first sample: low + step / 2, on a map where place k is centred at k + 1/2, and one more
        first = low + step / 2 - 0.5 + 1
        last = first + step * (side - 1)
        # in parts of the way from the first place to the last, as crop_and_resize counts
        spans.append((first / (length - 1), last / (length - 1)))
    (top, bottom), (left, right) = spans
    windows = tf.reshape(tf.stack([top, left, bottom, right], axis=-1), [-1, 4])
    whose = tf.repeat(tf.range(tf.shape(maps)[0]), count)
    read = tf.image.crop_and_resize(maps, windows, whose, [side, side])
    # mean over the samples of each bin
    pooled = tf.nn.avg_pool2d(read, samples, samples, "VALID") if samples > 1 else read
    return tf.reshape(pooled, [-1, count, bins, bins, maps.shape[3]])
