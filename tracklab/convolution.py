"""Convolution, as networks use it: windows of an image, each weighed by a kernel and summed.

Images are tensors `(N, H, W, C)`: how many, rows, columns, channels. Kernels are `(h, w, C, F)`:
rows, columns, channels read, filters; filter `f` makes channel `f` of the output. This is the
layout of TensorFlow, and everything here equals `tf.nn.conv2d`, `tf.nn.max_pool2d` and
`tf.nn.avg_pool2d` to float precision. Nothing changes its input.

What networks call convolution is cross-correlation: the kernel is laid on the image as it is.
Convolution as mathematics defines it turns the kernel by 180 degrees first (`convolve`). A learned
kernel does not care: it is learned turned.

Invariants: `correlate == correlate_loops`; `convolve(x, k) == correlate(x, flip(k))`; the shape is
`output_size(size, kernel, ...)` along each axis; an image moved by `stride` pixels moves the
output by one, away from the borders.

Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016, has the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

Array = NDArray[Any]

PADDINGS = ("valid", "same")
"""No padding; or as many zeros as make the output `ceil(size / stride)` long."""


def span(kernel: int, dilation: int = 1) -> int:
    """Pixels across a kernel, first tap to last, with `dilation - 1` skipped between two taps.

    Raises `InputError` for less than one tap and a dilation below 1.

    >>> span(3), span(3, dilation=2)
    (3, 5)
    """
    kernel, dilation = _whole(kernel=kernel, dilation=dilation)
    # e = d (k - 1) + 1
    return dilation * (kernel - 1) + 1


def padding_amounts(
    size: int, kernel: int, *, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Pixels of padding before and after an axis of `size` pixels.

    `padding` is "valid" (none), "same", or a number of pixels for either side. "same" follows
    TensorFlow: what is needed depends on `size` and `stride`, and an odd amount puts the extra
    pixel **after**. So with a stride of 2, "same" is not the `padding=1` of other libraries, and
    the windows of an even image lie half a pixel to one side. Raises `InputError`.

    >>> padding_amounts(8, 3, stride=1, padding="same")
    (1, 1)
    >>> padding_amounts(8, 3, stride=2, padding="same")
    (0, 1)
    """
    size, kernel, stride, dilation = _whole(
        size=size, kernel=kernel, stride=stride, dilation=dilation
    )
    if isinstance(padding, str) and padding == "valid":
        return 0, 0
    if isinstance(padding, str) and padding == "same":
        # total = max(0, (ceil(n / s) - 1) s + e - n)
        total = max(0, (-(-size // stride) - 1) * stride + span(kernel, dilation) - size)
        return total // 2, total - total // 2
    if isinstance(padding, bool) or not isinstance(padding, (int, np.integer)) or padding < 0:
        errors.bad("padding", padding, "'valid', 'same' or a number of pixels of at least 0")
    return int(padding), int(padding)


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> int:
    """Length of the output along an axis of `size` pixels (Dumoulin & Visin 2016, relationship 15).

    Raises `InputError` where the kernel does not fit into the padded image, as well as for a
    stride below 1.

    >>> output_size(32, 3), output_size(32, 3, padding="same")
    (30, 32)
    >>> output_size(7, 3, stride=2, padding=1)
    4
    """
    before, after = padding_amounts(size, kernel, stride=stride, padding=padding, dilation=dilation)
    reach = span(kernel, dilation)
    padded = before + size + after
    if reach > padded:
        errors.bad(
            "kernel",
            errors.Said(f"a kernel {reach} pixels across for an image of {padded}"),
            "a kernel that fits into the image (or padding='same')",
        )
    # o = floor((p_before + n + p_after - e) / s) + 1
    return (padded - reach) // stride + 1


def multiply_adds(
    images: Sequence[int],
    kernels: Sequence[int],
    *,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> int:
    """What a convolution costs in multiply-adds: images `(N, H, W, C)`, kernels `(h, w, C, F)`.

    Both are shapes. Raises `InputError` where they are not, or do not agree.

    >>> multiply_adds((1, 32, 32, 3), (3, 3, 3, 32), padding="same")
    884736
    """
    count, height, width, channels = _lengths("images", images, "(N, H, W, C)")
    rows, columns, reads, filters = _lengths("kernels", kernels, "(h, w, C, F)")
    if channels != reads:
        errors.bad("kernels", tuple(kernels), f"{channels} channels read, as the images have")
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    out = output_size(height, rows, **options) * output_size(width, columns, **options)
    # N (H' W' F) outputs, each a sum over h w C products
    return count * out * filters * rows * columns * channels


def correlate_loops(
    images: ArrayLike,
    kernels: ArrayLike,
    *,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> Array:
    """Cross-correlation, written as it is defined: one window, one filter, one number at a time.

    images `(N, H, W, C)`, kernels `(h, w, C, F)`; returns `(N, H', W', F)`. For understanding; use
    `correlate` for work. Raises `InputError` as `correlate` does.
    """
    images, kernels = _tensors(images, kernels)
    reach_y, reach_x = span(kernels.shape[0], dilation), span(kernels.shape[1], dilation)
    padded, (height, width) = _padded(
        images, kernels.shape[:2], stride=stride, padding=padding, dilation=dilation
    )
    output = np.zeros((len(images), height, width, kernels.shape[3]), kernels.dtype)
    for n in range(len(images)):
        for y in range(height):
            for x in range(width):
                top, left = y * stride, x * stride
                rows = slice(top, top + reach_y, dilation)
                window = padded[n, rows, left : left + reach_x : dilation]
                for f in range(kernels.shape[3]):
                    # out[n, y, x, f] = sum over i, j, c of
                    #     image[n, s y + d i, s x + d j, c] kernel[i, j, c, f]
                    output[n, y, x, f] = np.sum(window * kernels[..., f])
    return output


def correlate(
    images: ArrayLike,
    kernels: ArrayLike,
    *,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> Array:
    """Cross-correlation: what `tf.nn.conv2d` and every "convolutional" layer compute.

    images: `(N, H, W, C)`, any range; whole numbers become floats first, so that uint8 pixels
        cannot overflow.
    kernels: `(h, w, C, F)`.
    stride: rows and columns from one window to the next.
    padding: "valid", "same" (see `padding_amounts`), or a number of zeros on each side.
    dilation: rows and columns from one tap of the kernel to the next.

    Returns `(N, H', W', F)`, with `H'` and `W'` from `output_size`. Every window is laid out as a
    row of a matrix, so that one matrix product does the rest ("im2col": Chellapilla, Puri &
    Simard, "High performance convolutional neural networks for document processing", 2006). That
    takes `h w` times the memory of the image. Raises `InputError` for other shapes, channels that
    do not agree, a stride or dilation below 1, and a kernel larger than the padded image.
    """
    images, kernels = _tensors(images, kernels)
    found = windows(images, kernels.shape[:2], stride=stride, padding=padding, dilation=dilation)
    # out[n, y, x, f] = sum over i, j, c of window[n, y, x, c, i, j] kernel[i, j, c, f]
    return np.einsum("nyxcij,ijcf->nyxf", found, kernels, optimize=True)


def convolve(images: ArrayLike, kernels: ArrayLike, **options: Any) -> Array:
    """Convolution as mathematics defines it: the kernel is turned by 180 degrees first.

    Takes what `correlate` takes. Only this one is associative and commutative, which is why
    mathematics turns the kernel; a network has no need of either.
    """
    _, kernels = _tensors(images, kernels)
    # (image * kernel)[y, x] = sum over i, j of image[y - i, x - j] kernel[i, j]
    return correlate(images, kernels[::-1, ::-1], **options)


def windows(
    images: ArrayLike,
    kernel: Sequence[int],
    *,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    fill: float = 0,
) -> Array:
    """Every window `(N, H', W', C, h, w)` that a kernel of `(h, w)` pixels looks at.

    Without padding this is a view: it takes no memory, and it cannot be written to. `fill` is what
    padding is made of. Raises `InputError` as `correlate` does.
    """
    images = _images(images)
    kernel = _lengths("kernel", kernel, "(h, w)")
    padded, _ = _padded(
        images, kernel, stride=stride, padding=padding, dilation=dilation, fill=fill
    )
    reach = (span(kernel[0], dilation), span(kernel[1], dilation))
    every = sliding_window_view(padded, reach, axis=(1, 2))
    return every[:, ::stride, ::stride, :, ::dilation, ::dilation]


def kernel_gradient(images: ArrayLike, errors_: ArrayLike, kernel: Sequence[int]) -> Array:
    """How the loss changes with each weight of a kernel: again a correlation, image with error.

    images `(N, H, W, C)`; `errors_` `(N, H', W', F)`, the derivatives of the loss by the outputs of
    `correlate(images, kernels)` with stride 1 and no padding; `kernel` the rows and columns
    `(h, w)`. Returns `(h, w, C, F)`. Each weight was used at every place of the image, so it
    answers for the errors at every place. Raises `InputError` where shapes do not agree.
    """
    found = windows(images, kernel)
    wrong = np.asarray(errors_)
    if wrong.ndim != 4 or wrong.shape[:3] != found.shape[:3]:
        errors.bad("errors_", wrong, f"shape {(*found.shape[:3], 'F')}, as the output has")
    # dL/dk[i, j, c, f] = sum over n, y, x of image[n, y + i, x + j, c] dL/dout[n, y, x, f]
    return np.einsum("nyxcij,nyxf->ijcf", found, wrong, optimize=True)


def max_pool(
    images: ArrayLike, size: int = 2, *, stride: int | None = None, padding: str = "valid"
) -> Array:
    """The largest value of each window `size` x `size`, channel by channel: `(N, H', W', C)`.

    `stride` is `size` unless it is given. Padding is never the largest. Rows and columns that fill
    no window are dropped by "valid". Raises `InputError`.
    """
    errors.choice("padding", padding, PADDINGS)
    found = windows(images, (size, size), stride=_step(stride, size), padding=padding, fill=-np.inf)
    # out[n, y, x, c] = max over i, j of image[n, s y + i, s x + j, c]
    return found.max((-2, -1))


def average_pool(
    images: ArrayLike, size: int = 2, *, stride: int | None = None, padding: str = "valid"
) -> Array:
    """The mean of each window `size` x `size`, channel by channel: `(N, H', W', C)`.

    `stride` is `size` unless it is given. Padding does not count (as in TensorFlow): a window at
    the border is the mean of the pixels that it has. Raises `InputError`.
    """
    errors.choice("padding", padding, PADDINGS)
    images = _images(images)
    options: dict[str, Any] = {"stride": _step(stride, size), "padding": padding}
    total = windows(images, (size, size), **options).sum((-2, -1))
    pixels = windows(np.ones_like(images), (size, size), **options).sum((-2, -1))
    # out = sum of the pixels in the window / their number
    return total / pixels


def _step(stride: int | None, size: int) -> int:
    return size if stride is None else stride


class Layer(NamedTuple):
    """A layer that looks through windows, a convolution or a pooling, along one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1


class Reach(NamedTuple):
    """One output value sees `size` input pixels; its neighbour looks `jump` pixels further on."""

    size: int
    jump: int


def receptive_field(layers: Sequence[Layer | Sequence[int]]) -> Reach:
    """How many input pixels across one output of a stack of layers can depend on, and its jump.

    `layers`, first to last, are `Layer`s or `(kernel, stride, dilation)`, of which the last two may
    be left out. Araujo, Norris & Sim, "Computing receptive fields of convolutional neural
    networks", Distill 2019, equation 2, walked from the input to the output. Raises `InputError`.

    >>> receptive_field([Layer(3), Layer(3), Layer(2, stride=2), Layer(3)])
    Reach(size=10, jump=2)
    """
    size, jump = 1, 1
    for layer in layers:
        try:
            kernel, stride, dilation = Layer(*layer)
        except TypeError:
            errors.bad("layers", layer, "layers of (kernel, stride, dilation)")
        kernel, stride, dilation = _whole(kernel=kernel, stride=stride, dilation=dilation)
        # r <- r + (e - 1) j, then j <- j s
        size += (span(kernel, dilation) - 1) * jump
        jump *= stride
    return Reach(size, jump)


def influence(network: Callable[[Array], Any], size: int) -> NDArray[np.float32]:
    """How strongly each pixel of an image `(size, size)` moves the middle output, by trying it.

    `network` maps images `(N, size, size, 1)` to outputs `(N, H', W', F)`. Pixel by pixel, a black
    image with this one pixel lit goes in; what comes out in the middle of the first filter, less
    what a black image gives, is its influence. The box around the values that are not 0 is the
    receptive field (of a linear network exactly; of others as far as these images tell). Raises
    `InputError` for another kind of output.
    """
    size = int(errors.number("size", size, low=1, whole=True))
    lit = np.eye(size * size, dtype=np.float32).reshape(-1, size, size, 1)
    answers = np.asarray(network(np.concatenate([np.zeros_like(lit[:1]), lit])))
    if answers.ndim != 4 or not answers.size or len(answers) != len(lit) + 1:
        came = errors.Said(f"outputs of shape {answers.shape} for {len(lit) + 1} images")
        errors.bad("network", came, "one with outputs of shape (N, H', W', F)")
    middle = answers[:, answers.shape[1] // 2, answers.shape[2] // 2, 0]
    return (middle[1:] - middle[0]).reshape(size, size).astype(np.float32)


def as_tensor(images: ArrayLike) -> NDArray[np.float32]:
    """Frames as a network wants them: `(N, H, W, C)` float32, 0 to 1.

    `images` is uint8: a grey image `(H, W)`, one in colour `(H, W, C)`, or a batch `(N, H, W, C)`.
    Raises `InputError` for other shapes and types: an image that is already float may already be 0
    to 1, and guessing would darken it 255 times.
    """
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3, 4) or not pixels.size:
        errors.bad("images", pixels, "uint8 of shape (H, W), (H, W, C) or (N, H, W, C)")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim == 3:
        pixels = pixels[None]
    return np.divide(pixels, 255, dtype=np.float32)


def _whole(**named: Any) -> list[int]:
    """Check whole numbers of at least 1."""
    return [int(errors.number(name, n, low=1, whole=True)) for name, n in named.items()]


def _lengths(name: str, shape: Any, axes: str) -> tuple[int, ...]:
    """Check the lengths of some named axes, such as "(h, w)": whole numbers of at least 1."""
    wanted = f"the {len(axes.split(','))} whole numbers {axes}"
    if isinstance(shape, str) or np.ndim(shape) != 1 or len(shape) != len(axes.split(",")):
        errors.bad(name, shape, wanted)
    return tuple(int(errors.number(name, n, low=1, whole=True)) for n in shape)


def _images(images: ArrayLike) -> Array:
    """Check `(N, H, W, C)` numbers; whole ones become floats."""
    array = np.asarray(images)
    if array.ndim != 4 or array.dtype.kind not in "uif" or not array.size:
        errors.bad("images", array, "numbers of shape (N, H, W, C)")
    return array.astype(np.result_type(array, np.float32), copy=False)


def _tensors(images: ArrayLike, kernels: ArrayLike) -> tuple[Array, Array]:
    """Check images and kernels together; both come back in the wider of their float types."""
    images = _images(images)
    weights = np.asarray(kernels)
    if weights.ndim != 4 or weights.dtype.kind not in "uif" or not weights.size:
        errors.bad("kernels", weights, "numbers of shape (h, w, C, F)")
    if weights.shape[2] != images.shape[3]:
        errors.bad(
            "kernels",
            errors.Said(f"kernels {weights.shape} that read {weights.shape[2]} channels"),
            f"shape (h, w, {images.shape[3]}, F): the images have {images.shape[3]} channels",
        )
    kind = np.result_type(images, weights, np.float32)
    return images.astype(kind, copy=False), weights.astype(kind, copy=False)


def _padded(
    images: Array,
    kernel: Sequence[int],
    *,
    stride: int,
    padding: str | int,
    dilation: int,
    fill: float = 0,
) -> tuple[Array, tuple[int, int]]:
    """The images with their padding, and the height and width of the output."""
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    amounts = [
        padding_amounts(n, k, **options) for n, k in zip(images.shape[1:3], kernel, strict=True)
    ]
    rows, columns = (
        output_size(n, k, **options) for n, k in zip(images.shape[1:3], kernel, strict=True)
    )
    if not any(map(sum, amounts)):
        return images, (rows, columns)
    padded = np.pad(images, [(0, 0), *amounts, (0, 0)], constant_values=fill)
    return padded, (rows, columns)
