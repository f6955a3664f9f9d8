"""The explorer "feature-maps": what every channel of every layer of a network makes of an image.

`draw` is pure: the network and the images are fixed when the explorer is made. An image goes
through the network once, and all its maps are kept. Maps of a layer share one scale, so a silent
channel looks silent.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.explorers.controls import Choice, Slider
from tracklab.explorers.kernels import colours
from tracklab.explorers.shell import Drawing, Explorer

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

IMAGES = 12  # that can be chosen
KEPT = 64  # images whose maps are remembered: a few MB
ROOM = 384  # pixels: side of the large square at the right
SIDE = 224  # pixels: side of the image at the left
GAP, TOP, FOOT = 14, 24, 150  # pixels: between parts, above them, below the image
MOST_TILES = 144  # channels drawn at once: more would be smaller than their maps
SILENT = 1e-6  # of the layer's strongest answer: what stays below is silent
HALF = 0.5  # of a map's strongest answer: where the caption says that it lies
DIM = 0.35  # how bright the image stays where a channel is silent
NAMES = 92  # pixels for the names of classes

INK, PAPER, BAR = (40, 40, 40), (255, 255, 255), (185, 196, 204)
FRAME = (213, 94, 0)  # Okabe and Ito's vermilion
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
GRID, ONE = "every channel", "one over the image"
VIEWS = (GRID, ONE)

# Layers that only pass on or rescale what they get: there is nothing new to see behind them.
PLAIN = ("InputLayer", "Rescaling", "Normalization", "Dropout", "Flatten")
WORDS = {
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "separable",
    "MaxPooling2D": "max pool",
    "AveragePooling2D": "mean pool",
    "GlobalAveragePooling2D": "global mean",
    "GlobalMaxPooling2D": "global max",
    "BatchNormalization": "batch norm",
    "GroupNormalization": "norm",
    "ReLU": "ReLU",
    "Activation": "activation",
    "Add": "skip sum",
    "Dense": "dense",
    "Softmax": "softmax",
    "Shift": "shift",
}


@dataclass(frozen=True)
class Shown:
    """A layer as the explorer offers it: label, kind, place in the model, shape, what it sees."""

    label: str
    name: str
    place: int
    shape: tuple[int, ...]
    sees: int  # pixels across the image that one of its values depends on


def layers(model: Any, side: int) -> list[Shown]:
    """The layers of a Keras model worth looking at, for images `side` pixels wide, in order.

    The receptive field follows Araujo, Norris and Sim, "Computing receptive fields of
    convolutional neural networks" (Distill, 2019), equation 2; where branches meet, the widest.
    """
    reach: dict[int, tuple[int, int]] = {}
    shown: list[Shown] = []
    shapes: dict[int, tuple[Any, ...]] = {}
    for place, layer in enumerate(model.layers):
        inputs = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
        sees, jump = max((reach.get(id(one), (1, 1)) for one in inputs), default=(1, 1))
        given = [shapes.get(id(one), one.shape) for one in inputs]
        # a network for images of any size has no shapes until it is told one
        if given:
            shape = tuple(layer.compute_output_shape(given if len(given) > 1 else given[0]))
        else:
            shape = (1, side, side, 3)  # the images themselves
        shapes[id(layer.output)] = shape
        kind = type(layer).__name__
        size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if kind == "Dense" or kind.startswith("Global") or kind == "Flatten":
            sees = side
        elif size is not None:
            dilation = max(getattr(layer, "dilation_rate", (1,)))
            # r = r' + (k - 1) d j', j = s j'
            sees = min(sees + (max(size) - 1) * dilation * jump, side)
            jump = jump * max(layer.strides)
        reach[id(layer.output)] = (sees, jump)
        if kind in PLAIN:
            continue
        shape = tuple(int(n) for n in shape[1:])
        name = WORDS.get(kind, kind)
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if kind == "Activation":
            name = {"relu": "ReLU"}.get(activation, activation)
        elif activation == "relu":
            name += "+ReLU"
        size_text = "x".join(map(str, shape))  # short: a list in a notebook is narrow
        shown.append(Shown(f"{len(shown) + 1}. {name} {size_text}", name, place, shape, sees))
    return shown


class Maps:
    """The maps of every layer of `model` for some images, made once an image.

    model: a built Keras model with one input `(N, H, W, 3)` of pixels, 0 to 255.
    images: `(N, H, W, 3)` uint8 RGB. labels: `(N,)` classes, or None. class_names: of the model's
        classes, or () where its answer should not be named.
    """

    def __init__(
        self, model: Any, images: Picture, labels: Any = None, class_names: Sequence[str] = ()
    ) -> None:
        from tracklab.quiet import keras, tf

        if np.ndim(images) != 4 or images.dtype != np.uint8 or not len(images):
            errors.bad("images", images, "at least one image, shape (N, H, W, 3) and type uint8")
        wanted = model.input_shape[1:]
        if any(n not in (None, m) for n, m in zip(wanted, images.shape[1:], strict=True)):
            errors.bad("images", images, f"images of shape {wanted}, as the model")
        self.images = images[:IMAGES]
        self.labels = None if labels is None else np.asarray(labels)[:IMAGES]
        self.class_names = tuple(class_names)
        self.layers = layers(model, max(images.shape[1:3]))
        outputs = [model.layers[one.place].output for one in self.layers]
        watched = keras.Model(model.inputs[0], [*outputs, model.outputs[0]])
        self._run = tf.function(lambda x: watched(x, training=False))
        # A cache of its own for each explorer: models are not alike.
        self._kept = functools.lru_cache(KEPT)(self._all)
        self._kept(0)  # the first call compiles

    def _all(self, image: int) -> list[Floats]:
        from tracklab.quiet import tf

        found = self._run(tf.constant(self.images[image : image + 1], tf.float32))
        return [np.asarray(one[0], np.float32) for one in found]

    def of(self, image: int, layer: int) -> Floats:
        """The maps `(H, W, C)` of a layer, or its values `(C,)`."""
        return self._kept(image)[layer]

    def answer(self, image: int) -> tuple[str, float] | None:
        """The class that the network names, and its probability; None where classes have no names.

        An output whose values are probabilities already is taken as it is.
        """
        output = self._kept(image)[-1].astype(float)
        if output.ndim != 1 or len(output) != len(self.class_names):
            return None
        if output.min() < 0 or not np.isclose(output.sum(), 1, atol=1e-3):
            powers = np.exp(output - output.max())
            output = powers / powers.sum()
        best = int(output.argmax())
        return self.class_names[best], float(output[best])

    def truth(self, image: int) -> str | None:
        """The name of the image's true class, if it is known."""
        if self.labels is None or not self.class_names:
            return None
        return self.class_names[int(self.labels[image])]


def ranked(maps: Floats) -> NDArray[np.int64]:
    """Channels in the order of their strongest answer, the strongest first."""
    peaks = np.abs(maps).max(axis=(0, 1)) if maps.ndim == 3 else np.abs(maps)
    return np.argsort(-peaks, kind="stable")


def draw(maps: Maps, *, image: int, layer: str, view: str, rank: int) -> Drawing:
    """One layer's maps of one image: all of them, or one over the image."""
    names = [one.label for one in maps.layers]
    place = names.index(errors.choice("layer", layer, names))
    errors.choice("view", view, VIEWS)
    shown, found = maps.layers[place], maps.of(image, place)
    order = ranked(found)
    chosen = int(order[min(rank, len(order)) - 1])
    most = float(np.abs(found).max())
    sheet = np.full((TOP + ROOM, SIDE + GAP + ROOM, 3), PAPER, np.uint8)
    _write(sheet, f"image {image}", 0, TOP - 8)
    rgb = maps.images[image]
    sheet[TOP : TOP + SIDE, :SIDE] = _enlarged(rgb, SIDE)
    right = (slice(TOP, TOP + ROOM), slice(SIDE + GAP, SIDE + GAP + ROOM))
    if found.ndim == 1:
        last = shown is maps.layers[-1] and len(found) == len(maps.class_names)
        sheet[right] = _bars(found, chosen, maps.class_names if last else ())
        title = f"{len(found)} values, number {chosen} coloured"
    elif view == GRID:
        sheet[right] = _grid(found, chosen, most)
        title = f"channel {chosen} framed"
    else:
        sheet[right] = _over(rgb, found[..., chosen])
        title = f"channel {chosen} over the image"
    _write(sheet, title, SIDE + GAP, TOP - 8)
    if found.ndim == 3:
        # the chosen map by itself, every value a square
        small = _shaded(found[..., chosen], most, signed=bool(found.min() < 0))
        sheet[TOP + ROOM - FOOT + 10 :, : FOOT - 10] = _enlarged(small, FOOT - 10)
        _write(sheet, f"channel {chosen}", FOOT, TOP + ROOM - FOOT + 24)
        _write(sheet, "by itself", FOOT, TOP + ROOM - FOOT + 42)
    caption, numbers = _words(maps, image, shown, found, chosen, min(rank, len(order)))
    if rank > len(order):
        kind = "channels" if found.ndim == 3 else "values"
        caption += (
            f" Rank {rank} is more than this layer has: of its {len(order)} {kind}, number "
            f"{len(order)} is shown, the weakest."
        )
    return Drawing(sheet, caption, numbers)


def _words(
    maps: Maps, image: int, shown: Shown, found: Floats, chosen: int, rank: int
) -> tuple[str, dict[str, Any]]:
    """What is shown, for somebody who does not see it, and the numbers behind it."""
    truth, answer = maps.truth(image), maps.answer(image)
    said = [f"Image {image}" + (f", a picture of class {truth}." if truth else ".")]
    if answer:
        said.append(f"The network says {answer[0]} with {answer[1]:.0%}.")
    peaks = np.abs(found).max(axis=(0, 1)) if found.ndim == 3 else np.abs(found)
    quiet = int((peaks <= SILENT * max(float(peaks.max()), 1e-30)).sum())
    numbers: dict[str, Any] = {}
    number = shown.label.split(".")[0]
    if found.ndim == 3:
        high, wide, count = found.shape
        said.append(f"Layer {number}, {shown.name}: {count} maps of {wide} by {high}.")
        said.append(f"Each value sees {shown.sees} by {shown.sees} pixels.")
        said.append(f"{quiet} of {found.shape[2]} channels are silent.")
        said.append(_whereabouts(found[..., chosen], chosen, rank))
        numbers["pixels across that a value sees"] = shown.sees
        numbers["silent channels"] = quiet
        numbers["share of values that are 0"] = float((found == 0).mean())
    else:
        said.append(f"Layer {number}, {shown.name}: {len(found)} values.")
        most = "the largest" if rank == 1 else f"number {rank}"
        said.append(f"By size, value {chosen} is {most} of {len(found)}: {found[chosen]:.2f}.")
        numbers["values that are 0"] = quiet
    numbers["strongest answer"] = float(found.flat[np.abs(found).argmax()])
    return " ".join(said), numbers


def _whereabouts(one: Floats, channel: int, rank: int) -> str:
    """Where a channel answers, in words."""
    most = float(np.abs(one).max())
    if most == 0:
        return f"Channel {channel} is silent."
    row, column = np.unravel_index(np.abs(one).argmax(), one.shape)
    places = (("top", "middle", "bottom"), ("left", "middle", "right"))
    thirds = [
        place[min(3 * int(at) // size, 2)]
        for place, at, size in zip(places, (row, column), one.shape, strict=True)
    ]
    where = "middle" if thirds == ["middle", "middle"] else " ".join(dict.fromkeys(thirds))
    area = float((np.abs(one) > HALF * most).mean())
    order = "strongest" if rank == 1 else f"number {rank} in strength"
    return (
        f"Channel {channel}, the {order}, reaches {one[row, column]:.2f} at the {where}; "
        f"{area:.0%} of its map is stronger than half of that."
    )


def _shaded(maps: Floats, most: float, *, signed: bool) -> Picture:
    """Values as colours: grey from 0 up, or purple and orange around 0."""
    if signed:
        return colours(maps, most)
    grey = np.rint(255 * maps / (most or 1.0)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, -1)


def _enlarged(pixels: Picture, side: int) -> Picture:
    """A picture as a square of `side` pixels, without blur."""
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_NEAREST))


def _grid(found: Floats, chosen: int, most: float) -> Picture:
    """Every channel as a tile, in the order of the channels."""
    count = min(found.shape[2], MOST_TILES)
    columns = int(np.ceil(np.sqrt(count)))
    step = ROOM // columns
    paper = np.full((ROOM, ROOM, 3), PAPER, np.uint8)
    signed = bool(found.min() < 0)
    for channel in range(count):
        y, x = step * (channel // columns), step * (channel % columns)
        tile = _shaded(found[..., channel], most, signed=signed)
        paper[y : y + step - 2, x : x + step - 2] = _enlarged(tile, step - 2)
    if chosen < count:
        y, x = step * (chosen // columns), step * (chosen % columns)
        # inside its tile, so that no neighbour is touched
        cv2.rectangle(paper, (x, y), (x + step - 3, y + step - 3), PAPER, 4)
        cv2.rectangle(paper, (x, y), (x + step - 3, y + step - 3), FRAME, 2)
    return paper


def _over(rgb: Picture, one: Floats) -> Picture:
    """The image, dark where the channel is silent, with a line around its strong answers."""
    size = (ROOM, ROOM)
    strength = np.abs(one) / (float(np.abs(one).max()) or 1.0)
    smooth = np.clip(cv2.resize(strength, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    large = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST)
    light = DIM + (1 - DIM) * smooth[..., None]
    lit = np.rint(large * light).astype(np.uint8)
    edges, _ = cv2.findContours(
        (smooth > HALF).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
    )
    cv2.drawContours(lit, edges, -1, PAPER, 3, cv2.LINE_AA)
    cv2.drawContours(lit, edges, -1, FRAME, 2, cv2.LINE_AA)
    return lit


def _bars(values: Floats, chosen: int, names: Sequence[str] = ()) -> Picture:
    """Values `(C,)` as horizontal bars around 0, with names where there are some."""
    paper = np.full((ROOM, ROOM, 3), PAPER, np.uint8)
    left = NAMES if names else 0
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = (ROOM - left - 2) / ((high - low) or 1.0)
    zero = left - int(low * scale)
    tall = ROOM / len(values)
    for k, value in enumerate(values.tolist()):
        y1, y2 = int(k * tall), max(int((k + 1) * tall) - 2, int(k * tall) + 1)
        x = zero + round(value * scale)
        colour = FRAME if k == chosen else BAR
        cv2.rectangle(paper, (min(x, zero), y1), (max(x, zero), y2), colour, -1)
        if names:
            _write(paper, names[k], 0, (y1 + y2) // 2 + 5)
    cv2.line(paper, (zero, 0), (zero, ROOM), INK, 1)
    return paper


def _write(sheet: Picture, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)


def _at_hand(
    model: Any, images: Any, labels: Any, class_names: Sequence[str]
) -> tuple[Any, Any, Any, Sequence[str]]:
    """The shipped classifier and test images of the data at hand, for what was not given.

    Where the images are not those that the classifier has learned, its answer has no name.
    """
    from tracklab import datasets
    from tracklab.models import classifier

    if images is None:
        data = datasets.cifar10(train=10, test=IMAGES)
        images, labels = data.test_images, data.test_labels
        class_names = class_names or data.class_names
    if model is None:
        model, card = classifier.shipped()
        known = tuple(card.options["class_names"])
        class_names = known if tuple(class_names) == known else ()
    return model, images, labels, class_names


def feature_maps(
    model: Any = None,
    images: Any = None,
    labels: Any = None,
    class_names: Sequence[str] = (),
) -> Explorer:
    """What the channels of each layer of a network make of some images.

    model: a Keras model of pixels `(N, H, W, 3)`, 0 to 255; the shipped classifier if None.
    images: `(N, H, W, 3)` uint8 RGB, of which the first twelve are offered; test images of the
        data at hand if None. labels, class_names: of the images and the model, if known.
    """
    if model is None or images is None:
        model, images, labels, class_names = _at_hand(model, images, labels, class_names)
    maps = Maps(model, np.asarray(images), labels, class_names)
    names = [one.label for one in maps.layers]
    most = max(one.shape[-1] for one in maps.layers)
    first = next((k for k, one in enumerate(maps.layers) if one.shape[0] > 1), 0)
    return Explorer(
        "feature-maps",
        functools.partial(draw, maps),
        {
            "image": Slider("Image", 0, len(maps.images) - 1, 0),
            "layer": Choice("Layer", names, names[first]),
            "view": Choice("Show", VIEWS),
            "rank": Slider("Strength rank", 1, most, 1),  # a layer with fewer stops at its last
        },
        title="Feature maps: what each channel of a layer answers to",
        description="Go from the first layer to the last. When do you stop recognising the image? "
        "Rank 1 is the channel that answers most; which part of the image does it answer to?",
        format="png",
    )
