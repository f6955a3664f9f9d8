"""Three kinds of networks to ask: a classifier, a detector and a visual tracker.

Each class takes a network for images of one size, and makes a `Target` of a question. The questions
of a kind share one compiled function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.explain.target import Asked, Target, as_image
from tracklab.models.siamese.geometry import CELLS, SEARCH
from tracklab.quiet import keras, tf
from tracklab.trackers.recurrent import RecurrentTracker

FINE, COARSE, EMBEDDING, HEAD = "fine", "coarse", "embedding", "head"
FAR = 1e9  # taken off a logit that is not to count


class Classes:
    """A Keras classifier: what it says of each class.

    model: from pixels `(N, H, W, 3)`, 0 to 255, to logits `(N, C)`. size: of the images.
    class_names: of its C outputs. layers: names of layers whose maps are looked at; by default the
    last one of each size of map, called by that size ("7 x 7").

    Raises `InputError` for a model that is none, or does not fit.
    """

    def __init__(
        self,
        model: Any,
        class_names: Sequence[str],
        size: tuple[int, int],
        *,
        layers: Sequence[str] = (),
    ) -> None:
        if not isinstance(model, keras.Model) or len(model.inputs) != 1:
            errors.bad("model", errors.kind(model), "a Keras model of images, to logits (N, C)")
        self.class_names = tuple(class_names)
        if model.output_shape[1:] != (len(self.class_names),):
            came = errors.Said(f"outputs {model.output_shape} and {len(self.class_names)} names")
            errors.bad("class_names", came, "one name for each output")
        self.model, self.size = model, size
        known = {layer.name: layer for layer in model.layers}
        chosen = {name: errors.choice("layers", name, known) for name in layers}
        chosen = chosen or _last_of_each_size(model, size)
        outputs = {said: known[name].output for said, name in chosen.items()}
        watched = keras.Model(model.inputs[0], [*outputs.values(), model.outputs[0]])

        def answer(images: Any, which: Any) -> Any:
            *maps, logits = watched(images, training=False)
            return tf.linalg.matvec(logits, which), dict(zip(outputs, maps, strict=True))

        self._asked = Asked(answer, list(outputs), size)
        self._channels: dict[str, tuple[Asked, int]] = {}

    def channel(self, layer: str, number: int) -> Target:
        """The mean of a channel's map: what `maximise` makes large. It is no log-odds."""
        known = {each.name: each for each in self.model.layers}
        if layer not in self._channels:
            output = known[errors.choice("layer", layer, known)].output
            watched = keras.Model(self.model.inputs[0], output)

            def answer(images: Any, which: Any) -> Any:
                maps = watched(images, training=False)
                said = tf.reduce_mean(maps, axis=list(range(1, len(maps.shape) - 1)))
                return tf.linalg.matvec(said, which), {layer: maps}

            self._channels[layer] = Asked(answer, (layer,), self.size), int(output.shape[-1])
        asked, count = self._channels[layer]
        number = int(errors.number("number", number, low=0, high=count - 1, whole=True))
        return asked.about(_one(number, count), f"channel {number} of {layer}")

    def about(self, label: int | str) -> Target:
        """The logit of a class, by its number or its name."""
        if isinstance(label, str):
            label = self.class_names.index(errors.choice("label", label, self.class_names))
        high = len(self.class_names) - 1
        label = int(errors.number("label", label, low=0, high=high, whole=True))
        return self._asked.about(_one(label, high + 1), f"the logit of {self.class_names[label]}")

    def logits(self, image: ArrayLike) -> Any:
        """What it says of one image: `(C,)`."""
        pixels = tf.constant(np.asarray(image, np.float32)[None])
        return self.model(pixels, training=False).numpy()[0]


def _one(place: int, count: int) -> Any:
    """A 1 at a place, `(count,)`: an index that needs no whole numbers in a graph."""
    row = np.zeros(count, np.float32)
    row[place] = 1.0
    return row


def _last_of_each_size(model: Any, size: tuple[int, int]) -> dict[str, str]:
    """The name of the last layer at each size of map, from the largest to the smallest."""
    shapes = keras.Model(model.inputs[0], [layer.output for layer in model.layers])
    found = shapes.compute_output_shape((1, *size, 3))
    last: dict[tuple[int, int], str] = {}
    for layer, shape in zip(model.layers, found, strict=True):
        if len(shape) == 4 and shape[1] < size[0] and shape[1] > 1:
            last[shape[1], shape[2]] = layer.name
    return {f"{h} x {w}": last[h, w] for h, w in sorted(last, reverse=True)}


class Heads:
    """A detector of two stages: its region proposal network and its head.

    detector: of kind "faster". size: of the images, in pixels.

    Raises `InputError` for a detector that proposes nothing.
    """

    def __init__(self, detector: Any, size: tuple[int, int]) -> None:
        for name in ("rpn", "backbone", "head"):
            if name not in getattr(detector, "parts", {}):
                errors.bad("detector", errors.kind(detector), "a detector of kind 'faster'")
        self.detector, self.size = detector, size
        self.anchors = detector.anchors(*size)

        def maps(images: Any) -> Any:
            from tracklab.models.detector.backbone import prepare

            return detector.maps(prepare(images))

        def objectness(images: Any, which: Any) -> Any:
            fine, coarse = maps(images)
            logits, _ = detector.parts["rpn"](coarse)
            return tf.linalg.matvec(logits, which), {FINE: fine, COARSE: coarse}

        def region(images: Any, given: Any) -> Any:
            box, which = given
            fine, coarse = maps(images)
            regions = tf.tile(box[None, None], (tf.shape(images)[0], 1, 1))
            logits = detector.classify(detector.describe((fine, coarse), regions))[0][:, 0]
            # log(p / (1 - p)) = z_c - log sum over the others of exp(z)
            others = tf.reduce_logsumexp(logits - FAR * which, -1)
            return tf.reduce_sum(logits * which, -1) - others, {FINE: fine, COARSE: coarse}

        # all that is said of a region comes through the fine map, and through the coarse one in it
        self._objectness = Asked(objectness, (FINE, COARSE), size)
        self._region = Asked(region, (COARSE, FINE), size)

    def objectness(self, anchor: int) -> Target:
        """The region proposal network's logit that there is an object at an anchor.

        anchor: its number, in the order of `anchors (A, 4)`.
        """
        last = len(self.anchors) - 1
        anchor = int(errors.number("anchor", anchor, low=0, high=last, whole=True))
        x1, y1, x2, y2 = self.anchors[anchor]
        name = f"objectness of the anchor at ({(x1 + x2) / 2:.0f}, {(y1 + y2) / 2:.0f})"
        return self._objectness.about(_one(anchor, last + 1), name)

    def best_anchor(self, box: ArrayLike) -> int:
        """The number of the anchor that overlaps a box `(4,)` most."""
        return int(bx.iou(self.anchors, bx.as_box(box, "box")[None])[:, 0].argmax())

    def score(self, box: ArrayLike, label: int | str) -> Target:
        """The log-odds of a class, by the head, for the region in a box `(4,)`, which stays fixed.

        Its sigmoid is the score that the detector gives. label: a number or a name.
        """
        names = self.detector.class_names
        if isinstance(label, str):
            label = names.index(errors.choice("label", label, names))
        label = int(errors.number("label", label, low=0, high=len(names) - 1, whole=True))
        region = bx.clip(bx.as_box(box, "box"), *self.size)
        if not bx.area(region) > 0:
            errors.bad("box", np.asarray(box), "a box that is inside the image, in part")
        # one more than there are names: the background
        which = _one(label, len(names) + 1)
        name = f"the score of {names[label]} in its box"
        return self._region.about((region.astype(np.float32), which), name)


class Responses:
    """A visual tracker's network: its map's logit at a cell of a window, against "nowhere".

    network: a `models.siamese.Siamese`, such as `siamese.shipped().siamese`. The images are windows
    of `SEARCH` pixels; what is remembered of the object stays as it is.
    """

    size = (SEARCH, SEARCH)

    def __init__(self, network: Any) -> None:
        if not hasattr(network, "respond") or not hasattr(network, "embed"):
            errors.bad("network", errors.kind(network), "a models.siamese.Siamese")
        self.network = network

        def answer(images: Any, given: Any) -> Any:
            first, running, cell = given
            count = tf.shape(images)[0]
            first, running = (
                tf.nest.map_structure(lambda part: tf.repeat(part, count, axis=0), each)
                for each in (first, running)
            )
            embedded = network.embed(images)
            x = network.cues(embedded, first, running)
            for layer in network.head:
                x = layer(x)
            # against "nowhere": a logit by itself has no zero
            logits = network.last(x)[..., 0] - tf.convert_to_tensor(network.nowhere)
            said = tf.linalg.matvec(tf.reshape(logits, (count, CELLS * CELLS)), cell)
            return said, {EMBEDDING: embedded, HEAD: x}

        self._asked = Asked(answer, (HEAD, EMBEDDING), self.size)

    def about(self, first: Any, running: Any, cell: tuple[int, int]) -> Target:
        """The logit that the object's middle is in `cell` (row, column), less that of "nowhere".

        first, running: the two `siamese.Memory` of the object, each of one object.
        """
        row, column = (
            int(errors.number("cell", place, low=0, high=CELLS - 1, whole=True)) for place in cell
        )
        name = f"the response in row {row}, column {column}"
        return self._asked.about((first, running, _one(row * CELLS + column, CELLS * CELLS)), name)

    def remember(self, picture: ArrayLike, box: ArrayLike) -> Any:
        """The memory of an object whose box `(4,)` in a window `(SEARCH, SEARCH, 3)` is known."""
        pixels = tf.constant(as_image(picture, self.size)[None])
        boxes = tf.constant(np.asarray(bx.as_box(box, "box"), np.float32)[None])
        return self.network.remember(self.network.embed(pixels), boxes)

    def step(self, tracker: RecurrentTracker, frame: Frame) -> tuple[Target, Frame]:
        """Let a tracker take its next frame; what its map said where it found the object.

        Returns the target and the window `(SEARCH, SEARCH, 3)` uint8 that it looked at. The tracker
        must have begun, and goes on from here as after any `update`.
        """
        before = tracker.mind
        tracker.update(frame)
        sight = tracker.sight
        assert sight is not None
        row, column = np.unravel_index(int(sight.posterior.argmax()), sight.posterior.shape)
        return self.about(before.first, before.running, (int(row), int(column))), sight.picture
