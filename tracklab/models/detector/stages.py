"""The line R-CNN, Fast R-CNN, Faster R-CNN: each stage swaps one part of the one before.

| stage | where regions come from | how a region is described |
|---|---|---|
| R-CNN (Girshick et al., CVPR 2014) | from outside | cut out of the picture, through the backbone |
| Fast R-CNN (Girshick, ICCV 2015) | from outside | cut out of the picture's map: one pass for all |
| Faster R-CNN (Ren et al., NeurIPS 2015) | proposed by a network on that map | the same |

Head, losses, sampling and suppression are the same in all three.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes, errors
from tracklab.models.detector import external, head, roi, rpn
from tracklab.models.detector.backbone import COARSE, FINE
from tracklab.models.detector.base import Detector, Raw, as_images, prepared, suppressed
from tracklab.quiet import tf

Maps = Any
SHOWN = 1000  # anchors that `propose` looks at, at most: more than detection needs


class FastRCNN(Detector):
    """Regions from outside, described on a map that the whole picture shares."""

    kind = "fast"

    def maps(self, pixels: Any, *, training: bool = False) -> Maps:
        """What is computed once for a picture: here the fine and the coarse map."""
        return self.parts["backbone"](pixels, training=training)

    def regions(self, maps: Maps, given: Any, height: int, width: int) -> Any:
        """Where objects may be, `(N, R, 4)`: here, as they were given."""
        return given

    def describe(self, maps: Maps, regions: Any, *, training: bool = False) -> Any:
        """Features `(N, R, BINS, BINS, C)` of each region: here, a part of the fine map."""
        return roi.align(maps[0], regions, stride=FINE, bins=head.BINS)

    def classify(self, features: Any, *, training: bool = False) -> tuple[Any, Any]:
        """Logits `(N, R, C + 1)` and offsets `(N, R, 4)` from features."""
        count, many = tf.shape(features)[0], tf.shape(features)[1]
        flat = tf.reshape(features, [-1, *features.shape[2:]])
        logits, offsets = self.parts["head"](flat, training=training)
        return tf.reshape(logits, [count, many, -1]), tf.reshape(offsets, [count, many, 4])

    def raw(self, images: Any, regions: Any, score: Any, overlap: Any, most: Any) -> Raw:
        """Propose, describe, judge, suppress."""
        pixels, height, width = prepared(images)
        maps = self.maps(pixels)
        regions = self.regions(maps, regions, height, width)
        logits, offsets = self.classify(self.describe(maps, regions))
        found, scores = head.judged(logits, offsets, regions, height=height, width=width)
        return suppressed(found, scores, score, overlap, most)

    def loss(
        self, images: Any, truth: Any, labels: Any, regions: Any, *, seed: Any
    ) -> dict[str, Any]:
        """The loss of the head on regions that are sampled around objects and elsewhere."""
        pixels, height, width = prepared(images)
        maps = self.maps(pixels, training=True)
        return self.loss_on(maps, height, width, truth, labels, regions, seed=seed)

    def loss_on(
        self,
        maps: Maps,
        height: int,
        width: int,
        truth: Any,
        labels: Any,
        regions: Any,
        *,
        seed: Any,
    ) -> dict[str, Any]:
        """The same from maps that are there already, of images of so many pixels."""
        first, second = tf.unstack(tf.random.split(seed))
        of_regions, regions = self.proposed(maps, truth, labels, regions, height, width, first)
        regions, goal = head.training_regions(
            regions, truth, labels, height=height, width=width, seed=second
        )
        features = self.describe(maps, regions, training=True)
        logits, offsets = self.classify(features, training=True)
        return of_regions | head.loss(logits, offsets, goal)

    def proposed(
        self, maps: Maps, truth: Any, labels: Any, given: Any, height: int, width: int, seed: Any
    ) -> tuple[dict[str, Any], Any]:
        """While training: what proposing costs, by name (here nothing), and the regions."""
        return {}, self.regions(maps, given, height, width)

    def regions_of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The external regions `(N, P, 4)` of images."""
        return external.regions(images, self.options["proposals"], self.options["count"])


class RCNN(FastRCNN):
    """Each region is cut out of the picture and goes through the backbone by itself."""

    kind = "rcnn"

    def maps(self, pixels: Any, *, training: bool = False) -> Maps:
        """Nothing is shared: the picture itself."""
        return pixels

    def describe(self, maps: Maps, regions: Any, *, training: bool = False) -> Any:
        """Features of each region: of the picture's part there, brought to one size."""
        return self.passes(self.crops(maps, regions), regions, training=training)

    def crops(self, pixels: Any, regions: Any) -> Any:
        """The picture's part in each region, `(N R, side, side, 3)`."""
        side = head.BINS * FINE
        cut = roi.align(pixels, regions, stride=1, bins=side, samples=1)
        return tf.reshape(cut, [-1, side, side, 3])

    def passes(self, crops: Any, regions: Any, *, training: bool = False) -> Any:
        """The fine maps of all crops, each through the backbone by itself."""
        features, _ = self.parts["backbone"](crops, training=training)
        count, many = tf.shape(regions)[0], tf.shape(regions)[1]
        return tf.reshape(features, [count, many, head.BINS, head.BINS, features.shape[3]])


class FasterRCNN(FastRCNN):
    """Regions are proposed by a network on the same map, learned together with the rest."""

    kind = "faster"

    def anchors(self, height: int, width: int) -> NDArray[np.float32]:
        """The anchor boxes `(A, 4)` of a picture: at each place of the coarse map, each shape."""
        return boxes.anchor_grid(
            height, width, stride=COARSE, sizes=self.options["sizes"], ratios=self.options["ratios"]
        )

    def regions(self, maps: Maps, given: Any, height: int, width: int) -> Any:
        """The best proposals of the network `(N, R, 4)`."""
        logits, offsets = self.parts["rpn"](maps[1])
        return self.best(logits, offsets, height, width)[0]

    def best(self, logits: Any, offsets: Any, height: int, width: int, **options: Any) -> Any:
        """The best proposals and their objectness; options are those of `rpn.proposals`."""
        return rpn.proposals(
            logits,
            offsets,
            self.anchors(height, width),
            height=height,
            width=width,
            **({"count": self.options["count"]} | options),
        )

    def propose(
        self, image: NDArray[np.uint8], *, count: int | None = None, overlap: float = rpn.OVERLAP
    ) -> rpn.Proposals:
        """Where objects may be in one image `(H, W, 3)` uint8 RGB, and the map behind it.

        count: proposals, at most; as many as go to the head if None. overlap: of two proposals
        that overlap more than this, the worse is dropped; 1 keeps all. Raises `InputError` as
        `detect` does.
        """
        frame = as_images(errors.image("image", image)[None])
        count = self.options["count"] if count is None else count
        count = int(errors.number("count", count, low=1, high=10_000, whole=True))
        overlap = errors.number("overlap", overlap, low=0, high=1)
        height, width = frame.shape[1:3]
        run = self.compiled("propose", self._propose, (height, width), (tf.int32, tf.float32))
        given = (frame, self.regions_of(frame), np.int32(count), np.float32(overlap))
        found = run(*map(tf.constant, given))
        known, scores, objectness = (each.numpy()[0] for each in found)
        there = scores > 0  # the rest fills up
        rows, columns = -(-height // COARSE), -(-width // COARSE)
        return rpn.Proposals(
            known[there],
            scores[there],
            objectness.reshape(rows, columns, -1),
            self.anchors(height, width),
        )

    def _propose(self, images: Any, given: Any, count: Any, overlap: Any) -> Any:
        pixels, height, width = prepared(images)
        logits, offsets = self.parts["rpn"](self.maps(pixels)[1])
        return *self.best(
            logits, offsets, height, width, count=count, overlap=overlap, candidates=SHOWN
        ), tf.sigmoid(logits)

    def proposed(
        self, maps: Maps, truth: Any, labels: Any, given: Any, height: int, width: int, seed: Any
    ) -> tuple[dict[str, Any], Any]:
        """The loss of the proposals, and the proposals."""
        logits, offsets = self.parts["rpn"](maps[1], training=True)
        anchors = self.anchors(height, width)
        of_rpn = rpn.loss(logits, offsets, anchors, truth, labels, seed)
        return of_rpn, self.best(logits, offsets, height, width)[0]

    def regions_of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """None: it finds its own."""
        return np.zeros((len(images), 0, 4), np.float32)
