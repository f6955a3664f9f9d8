"""The whole classifier in 8-bit integers, written out: what an int8 file does, in NumPy.

From a folded network (`folding.folded`) and some images come the grids of all that flows; from then
on every layer is whole numbers in, whole numbers out, and only the scales that were divided out
beforehand were ever real.

Invariant: `Integers.logits` agrees with the folded network to a few steps of its last grid, and
with LiteRT's int8 file as far as their grids, made from the same images, agree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.compress import quantization as qz
from tracklab.compress.folding import check_folded
from tracklab.models.classifier import networks

Floats = NDArray[Any]
Whole = NDArray[np.int32]

IMAGES = 200  # from which ranges are taken
BATCH = 100  # images at a time
SIDE = 16  # of the smallest images, as `classifier.improved` has it


class Layer(NamedTuple):
    """A convolution (or, of kernels of 1 x 1, a dense layer) with what follows it.

    kernel `(k, k, M, N)`, bias `(N,)`: real. same: whether the map keeps its size. pooled: 2 x 2
    maxima after it. relu: below 0 nothing comes through. added: whether what came in is added.
    gathered: whether it sees the largest answer of each channel only.
    """

    kernel: Floats
    bias: Floats
    same: bool = True
    pooled: bool = False
    relu: bool = True
    added: bool = False
    gathered: bool = False


class Step(NamedTuple):
    """A layer with its whole numbers: the kernel's, their grid, and the grids of what it says,
    before an addition (`inner`) and after it.
    """

    layer: Layer
    kernel: Whole
    weights: qz.Grid
    inner: qz.Grid
    outer: qz.Grid


def plan(model: Any) -> list[Layer]:
    """The layers of a folded `classifier.improved`, the scale of pixels and logits taken in."""
    check_folded(model)
    convs = [one for one in model.layers if type(one).__name__ == "Conv2D"]
    shifts = [one.shift.numpy() for one in model.layers if isinstance(one, networks.Shift)]
    dense = next(one for one in model.layers if type(one).__name__ == "Dense")
    first = Layer(convs[0].kernel.numpy() / networks.BRIGHTEST, convs[0].bias.numpy(), same=False)
    kernels = [conv.kernel.numpy() for conv in convs[1:]]
    stages = [
        Layer(kernel, shift, pooled=k in (0, 1, 3), added=k in (2, 4))
        for k, (kernel, shift) in enumerate(zip(kernels, shifts, strict=True))
    ]
    answer = networks.LOGIT_SCALE * dense.kernel.numpy()[None, None]
    return [first, *stages, Layer(answer, np.zeros(answer.shape[-1]), relu=False, gathered=True)]


class Integers:
    """A classifier whose arithmetic is whole numbers.

    model: a folded network. images: `(N, H, W, 3)`, 0 to 255, from which the ranges of what flows
        are taken. bits: of weights and of what flows, 2 to 8. per_channel: one scale a channel of
        a kernel, or one for all. Raises `InputError` for no images, and another network.
    """

    def __init__(
        self, model: Any, images: Any, *, bits: int = qz.BITS, per_channel: bool = True
    ) -> None:
        shown = _pictures(images)[:IMAGES]
        errors.number("bits", bits, low=qz.FEWEST, high=qz.BITS, whole=True)
        self.entry = qz.affine(0, networks.BRIGHTEST, bits=bits)
        self.steps = []
        x = shown
        for layer in plan(model):
            said, after = _real(x, layer)
            kernel = qz.symmetric(layer.kernel, bits=bits, axis=3 if per_channel else None)
            inner, outer = (qz.affine(m.min(), m.max(), bits=bits) for m in (said, after))
            self.steps.append(Step(layer, qz.quantize(layer.kernel, kernel), kernel, inner, outer))
            x = after

    def logits(self, images: Any) -> NDArray[np.float32]:
        """What it says of images `(N, H, W, 3)`, 0 to 255: `(N, C)`, as real numbers."""
        images = _pictures(images)
        parts = [self._some(images[k : k + BATCH]) for k in range(0, len(images), BATCH)]
        return qz.dequantize(np.concatenate(parts), self.steps[-1].outer).astype(np.float32)

    def _some(self, images: Floats) -> Whole:
        x, coming = qz.quantize(images, self.entry), self.entry
        for step in self.steps:
            x, coming = whole(x, coming, step), step.outer
        return x[:, 0, 0]


def _pictures(images: Any) -> Floats:
    """Images `(N, H, W, 3)` of a size that the network takes, as real numbers."""
    wanted = f"images (N, H, W, 3), at least one, of {SIDE}x{SIDE} or more"
    try:
        found = np.asarray(images, np.float64)
    except (TypeError, ValueError):
        errors.bad("images", images, wanted)
    if found.ndim != 4 or found.shape[-1] != 3 or min(found.shape[1:3]) < SIDE or not len(found):
        errors.bad("images", found, wanted)
    if not np.isfinite(found).all():
        errors.bad("images", errors.Said("numbers that are not finite"), wanted)
    return found


def whole(x: Whole, coming: qz.Grid, step: Step) -> Whole:
    """A layer by whole numbers `(N, H, W, M)`: from the grid `coming` to that of `step.outer`."""
    layer, scales = step.layer, np.ravel(step.weights.scale)
    windows = _windows(x, layer, edge=int(coming.zero))  # padding is the real 0, which is Z
    # the bias is kept with the scale S_1 S_2, in 32 bits
    bias = np.rint(layer.bias / (coming.scale * scales)).astype(np.int64)
    said = qz.product(
        windows.reshape(-1, windows.shape[-1]),
        coming,
        step.kernel.reshape(windows.shape[-1], -1),
        step.weights._replace(scale=scales),
        step.inner,
        bias=bias,
    ).reshape(*windows.shape[:3], -1)
    if layer.relu:
        said = np.maximum(said, step.inner.zero)  # max(r, 0)
    if layer.added:
        # both are brought to the grid of their sum
        total = qz.dequantize(said, step.inner) + qz.dequantize(x, coming)
        said = qz.quantize(total, step.outer)
    return _pooled(said) if layer.pooled else said


def _real(x: Floats, layer: Layer) -> tuple[Floats, Floats]:
    """The same layer by real numbers, before its addition and after all of it."""
    windows = _windows(x, layer, edge=0)
    said = windows @ layer.kernel.reshape(windows.shape[-1], -1) + layer.bias
    if layer.relu:
        said = np.maximum(said, 0)
    after = said + x if layer.added else said
    return said, _pooled(after) if layer.pooled else after


def _windows(x: Any, layer: Layer, *, edge: int) -> Any:
    """What each place of a kernel sees: `(N, h, w, k k M)`."""
    if layer.gathered:
        x = x.max((1, 2), keepdims=True)  # the largest answer of each channel
    side = len(layer.kernel)
    if layer.same:
        pad = ((0, 0), (side // 2, side // 2), (side // 2, side // 2), (0, 0))
        x = np.pad(x, pad, constant_values=edge)
    seen = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return seen.transpose(0, 1, 2, 4, 5, 3).reshape(*seen.shape[:3], -1)


def _pooled(x: Any) -> Any:
    """The largest of each 2 x 2 places; an odd last row or column is left out."""
    count, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(count, height // 2, 2, width // 2, 2, channels).max((2, 4))
