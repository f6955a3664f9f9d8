"""Functions of boxes: CPU and wall milliseconds, and the ratio to the library's own.

python -m benchmarks.boxes
"""

from __future__ import annotations

import time

import cv2
import numpy as np
from pycocotools import mask as coco

from tracklab import boxes
from tracklab.quiet import keras, tf

COUNTS = (100, 1000)
SIDE = 500.0  # of the image, in pixels
OBJECTS = 10
REPEATS, LEAST_SECONDS = 5, 0.05


def cost(function):
    """Least CPU and wall milliseconds a call, over a few rounds of many calls."""
    function()
    begin = time.perf_counter()
    function()
    calls = max(1, int(LEAST_SECONDS / max(time.perf_counter() - begin, 1e-9)))
    cpu, wall = [], []
    for _ in range(REPEATS):
        starts = time.process_time(), time.perf_counter()
        for _ in range(calls):
            function()
        cpu.append((time.process_time() - starts[0]) / calls)
        wall.append((time.perf_counter() - starts[1]) / calls)
    return 1000 * min(cpu), 1000 * min(wall)


def pairs(count):
    """(what, ours, the library's name, the library's) for so many boxes."""
    rng = np.random.default_rng(count)
    low, size = rng.uniform(0, SIDE, (count, 2)), rng.uniform(10, 80, (count, 2))
    some = np.concatenate([low, low + size], -1).astype(np.float32)
    scores = rng.random(count).astype(np.float32)
    few = some[:OBJECTS]
    sized = boxes.xyxy_to_xywh(some).astype(float)
    rows = some[:, [1, 0, 3, 2]]
    tensor, tensor_few = tf.constant(some), tf.constant(few)
    offsets = boxes.encode(some, some[::-1])

    compiled_iou, compiled_match = tf.function(boxes.iou), tf.function(boxes.match)
    keras_iou = tf.function(lambda a, b: keras.utils.bounding_boxes.compute_iou(a, b, "xyxy"))
    hard = {"iou_threshold": 0.5}
    soft = {"iou_threshold": 1.0, "score_threshold": 0.001, "soft_nms_sigma": 0.25}

    return [
        (
            "iou",
            lambda: boxes.iou(some, some),
            "pycocotools",
            lambda: coco.iou(sized, sized, [0] * count),
        ),
        (
            "iou, compiled",
            lambda: compiled_iou(tensor, tensor),
            "Keras, compiled",
            lambda: keras_iou(tensor, tensor),
        ),
        (
            f"match to {OBJECTS}",
            lambda: boxes.match(some, few),
            "iou alone",
            lambda: boxes.iou(some, few),
        ),
        (
            f"match to {OBJECTS}, compiled",
            lambda: compiled_match(tensor, tensor_few),
            "iou alone, compiled",
            lambda: compiled_iou(tensor, tensor_few),
        ),
        (
            "decode",
            lambda: boxes.decode(some, offsets),
            "Keras",
            lambda: keras.utils.bounding_boxes.decode_deltas_to_boxes(
                some, offsets, "xyxy", "xyxy", encoded_format="center_xywh"
            ),
        ),
        (
            "nms",
            lambda: boxes.nms(some, scores),
            "tf.image",
            lambda: tf.image.non_max_suppression(rows, scores, count, **hard).numpy(),
        ),
        (
            "nms",
            lambda: boxes.nms(some, scores),
            "OpenCV",
            lambda: cv2.dnn.NMSBoxes(sized, scores, 0.0, 0.5),
        ),
        (
            "soft_nms",
            lambda: boxes.soft_nms(some, scores),
            "tf.image",
            lambda: tf.image.non_max_suppression_with_scores(rows, scores, count, **soft)[0],
        ),
    ]


def main():
    print(f"{'boxes':>5} {'function':22} {'CPU ms':>8} {'wall ms':>8}   {'beside':20}", end="")
    print(f" {'CPU ms':>8} {'wall ms':>8} {'ratio of CPU':>13}")
    for count in COUNTS:
        for what, ours, library, theirs in pairs(count):
            (cpu, wall), (their_cpu, their_wall) = cost(ours), cost(theirs)
            print(
                f"{count:5} {what:22} {cpu:8.3f} {wall:8.3f}   {library:20} {their_cpu:8.3f} "
                f"{their_wall:8.3f} {cpu / their_cpu:13.1f}"
            )


if __name__ == "__main__":
    main()
