"""The explorer "quantization": what is left of a network's weights, and of its answers.

All kernels of the classifier, its normalizations folded in, are pruned and moved to a grid of few
bits; what flows between the layers stays real. The picture is the histogram of one of them, before
and after; beside it stands how many answers are still the same. `draw` is pure: network and images
are fixed when the explorer is made.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.compress import quantization as qz
from tracklab.explorers.controls import Choice, Slider, Toggle
from tracklab.explorers.shell import Drawing, Explorer

Picture = NDArray[np.uint8]
Floats = NDArray[Any]

IMAGES = 64
KEPT = 256  # settings whose answers are remembered
BINS = 101  # of the histogram; odd, so that one stands on 0
WIDE, TALL = 600, 300  # pixels of the picture
LEFT, TOP, FOOT = 16, 30, 44  # pixels around the histogram
BAR_AT, BAR_WIDE = 430, 150  # pixels: where the bars at the right begin, and their length
TICKS = 5

INK, PAPER, RULE, GREY = (40, 40, 40), (255, 255, 255), (205, 205, 205), (208, 212, 216)
AFTER, SAME, OFF = (0, 114, 178), (0, 158, 115), (213, 94, 0)  # Okabe and Ito
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45


class Left(NamedTuple):
    """What is left of a network: its kernels, and the share of answers that are the same."""

    kernels: list[NDArray[np.float32]]
    agreement: float


class Network:
    """The folded classifier and some images, asked again and again with other kernels.

    model: of `compress.folded`. images: `(N, H, W, 3)` uint8 RGB. Raises `InputError` for none.
    """

    def __init__(self, model: Any, images: Picture) -> None:
        from tracklab.compress import pruning
        from tracklab.quiet import tf

        if np.ndim(images) != 4 or not len(images):
            errors.bad("images", np.asarray(images), "at least one image, shape (N, H, W, 3)")
        self._masks = functools.lru_cache(KEPT)(
            lambda share: pruning.masks(self.kernels, share / 100)
        )
        self._variables = [v for v in model.variables if len(v.shape) >= 2]
        self.kernels = [v.numpy() for v in self._variables]
        self.names = [
            f"{k + 1}. {_kind(kernel.shape)} {'x'.join(map(str, kernel.shape))}"
            for k, kernel in enumerate(self.kernels)
        ]
        pixels = tf.constant(np.asarray(images, np.float32))
        run = tf.function(lambda: model(pixels, training=False), autograph=False)
        self._run = run.get_concrete_function()
        self.count = len(images)
        self.answers = self._answers(self.kernels)
        # a cache of its own for each explorer: networks are not alike
        self.left = functools.lru_cache(KEPT)(self._left)

    def _answers(self, kernels: list[Any]) -> NDArray[np.int64]:
        for variable, kernel in zip(self._variables, kernels, strict=True):
            variable.assign(kernel)
        return np.asarray(self._run()).argmax(1)

    def _left(self, bits: int, each: bool, share: int) -> Left:
        kernels = []
        for kernel, mask in zip(self.kernels, self._masks(share), strict=True):
            cut = kernel * mask
            kernels.append(qz.rounded(cut, qz.symmetric(cut, bits=bits, axis=-1 if each else None)))
        same = self._answers(kernels) == self.answers
        return Left(kernels, float(same.mean()))


def draw(network: Network, layer: str, bits: int, each: bool, share: int) -> Drawing:
    """One kernel before and after, and how many answers of the whole network stay the same."""
    place = network.names.index(layer)
    left = network.left(bits, each, share)
    before, after = network.kernels[place], left.kernels[place]
    off = float(np.sqrt(np.mean((after - before) ** 2)) / before.std())
    values = len(np.unique(after))
    total = sum(kernel.size for kernel in left.kernels)
    scales = sum(kernel.shape[-1] if each else 1 for kernel in left.kernels)
    gone = sum(int((kernel == 0).sum()) for kernel in left.kernels) / total
    kilobytes = (total * bits / 8 + 4 * scales) / 1000
    same = round(left.agreement * network.count)
    how = "a scale for each channel" if each else "one scale for a kernel"
    caption = (
        f"At {bits} bits, {how}, {share} % of the weights cut: kernel {layer} has {values} "
        f"different weights and is off by {off:.1%} of its spread. {same} of {network.count} "
        f"answers of the network stay the same; {gone:.0%} of its weights are 0."
    )
    return Drawing(
        _picture(before, after, off, left.agreement, (same, network.count)),
        caption,
        {
            "answers that stay": f"{same} of {network.count}",
            "off by (% of the spread)": 100 * off,
            "different weights": values,
            "weights at 0 (%)": 100 * gone,
            f"KB in {bits} bits": kilobytes,
            "KB in float32": 4 * total / 1000,
        },
    )


def _kind(shape: tuple[int, ...]) -> str:
    return "conv" if len(shape) == 4 else "dense"


def _picture(
    before: Floats, after: Floats, off: float, agreement: float, counted: tuple[int, int]
) -> Picture:
    sheet = np.full((TALL, WIDE, 3), PAPER, np.uint8)
    most = float(np.abs(before).max()) or 1.0
    edges = np.linspace(-most, most, BINS + 1)
    counts = [np.histogram(np.clip(each, -most, most), edges)[0] for each in (before, after)]
    # heights grow with the logarithm: the bin at 0 would hide all others
    high = np.log1p(max(int(one.max()) for one in counts))
    floor, wide = TALL - FOOT, (BAR_AT - 3 * LEFT) / BINS
    for number, one in enumerate(counts):
        for k, count in enumerate(one.tolist()):
            if not count:
                continue
            x1, x2 = LEFT + round(k * wide), LEFT + round((k + 1) * wide)
            tall = max(1, round((floor - TOP) * np.log1p(count) / high))
            if number == 0:
                cv2.rectangle(sheet, (x1, floor - tall), (x2 - 1, floor), GREY, -1)
            else:
                middle = (x1 + x2) // 2
                cv2.line(sheet, (middle, floor), (middle, floor - tall), AFTER, 2)
    cv2.line(sheet, (LEFT, floor), (BAR_AT - 2 * LEFT, floor), INK, 1)
    for k in range(TICKS):
        part = k / (TICKS - 1)
        x = LEFT + round(part * BINS * wide)
        cv2.line(sheet, (x, floor), (x, floor + 4), INK, 1)
        _write(sheet, f"{most * (2 * part - 1):.2f}", max(x - 16, 2), floor + 18)
    _write(sheet, "weights before (grey) and after (blue), counts on a log scale", LEFT, 16)
    _write(sheet, "weight", LEFT + round(BINS * wide / 2) - 20, floor + 36)
    _bar(sheet, 70, "answers that stay", f"{counted[0]} of {counted[1]}", agreement, SAME)
    _bar(sheet, 150, "weights off by", f"{100 * off:.1f} % of spread", min(off, 1.0), OFF)
    return sheet


def _bar(
    sheet: Picture, y: int, name: str, said: str, share: float, colour: tuple[int, int, int]
) -> None:
    _write(sheet, name, BAR_AT, y)
    cv2.rectangle(sheet, (BAR_AT, y + 8), (BAR_AT + BAR_WIDE, y + 22), RULE, 1)
    end = BAR_AT + round(BAR_WIDE * share)
    cv2.rectangle(sheet, (BAR_AT, y + 8), (end, y + 22), colour, -1)
    _write(sheet, said, BAR_AT, y + 38)


def _write(sheet: Picture, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)


def quantization(model: Any = None, images: Any = None) -> Explorer:
    """Move bits and pruned share, and see what is left of weights and answers.

    model: a folded classifier (`compress.folded`); the shipped one if None. images: `(N, H, W, 3)`
        uint8 RGB that it is asked about; test images of the data at hand if None.
    """
    from tracklab import compress, datasets
    from tracklab.compress.folding import check_folded
    from tracklab.models import classifier

    if model is None:
        model = compress.folded(classifier.shipped()[0])
    else:
        check_folded(model)
        model = _copy(model)
    if images is None:
        images = datasets.cifar10(train=10, test=IMAGES).test_images
    network = Network(model, images)
    return Explorer(
        "quantization",
        functools.partial(draw, network),
        {
            "bits": Slider("Bits", 2, 8, 8),
            "each": Toggle("A scale for each channel", True),
            "share": Slider("Weights cut", 0, 95, 0, 5, unit="%"),
            "layer": Choice("Kernel", network.names, network.names[2]),
        },
        title="Quantization: how few bits a network can live with",
        description="Take bits away until answers change. Then give every channel a scale of its "
        "own, or take it away. How much can be cut before the answers notice?",
        format="png",
    )


def _copy(model: Any) -> Any:
    """The same network with weights of its own, as this one's change."""
    from tracklab.quiet import keras

    copied = keras.models.clone_model(model)
    copied.set_weights(model.get_weights())
    return copied
