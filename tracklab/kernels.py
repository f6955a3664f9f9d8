"""Kernels that people designed, and what one does with them on an image.

A network learns its kernels; these were found by thought, and knowing them helps to read learned
ones. A kernel here is `(h, w)`, laid on an image as it is (cross-correlation, as in networks). The
last one is not designed but cut out of an image: a template, the simplest tracker there is.

Invariant: `separate(k)`, where it is not None, gives a column and a row with `column @ row == k`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.boxes import as_box
from tracklab.convolution import correlate

Array = NDArray[Any]

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""How bright red, green and blue look (ITU-R BT.601, which OpenCV uses too)."""


def grey(images: ArrayLike) -> Array:
    """Brightness `(N, H, W, 1)` of RGB tensors `(N, H, W, 3)`: a convolution whose kernel is 1 x 1.

    The weights are `LUMINANCE`; given BGR, they weigh red as blue.
    """
    # grey = 0.299 R + 0.587 G + 0.114 B
    return correlate(images, LUMINANCE.reshape(1, 1, 3, 1))


def filter_image(image: ArrayLike, kernel: ArrayLike, **options: Any) -> Array:
    """One kernel `(h, w)` laid on one image `(H, W)` or on each channel of `(H, W, C)`.

    The size is kept (`padding="same"`) unless `options` of `correlate` say otherwise. Returns
    `(H', W')` or `(H', W', C)` in float. Raises `InputError`.
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim not in (2, 3) or not image.size:
        errors.bad("image", image, "shape (H, W) or (H, W, C)")
    if kernel.ndim != 2:
        errors.bad("kernel", kernel, "shape (h, w)")
    # every channel is a batch entry of its own: (C, H, W, 1)
    channels = np.moveaxis(image.reshape(*image.shape[:2], -1), 2, 0)[..., None]
    found = correlate(channels, kernel[:, :, None, None], **({"padding": "same"} | options))
    return np.moveaxis(found[..., 0], 0, 2).reshape(*found.shape[1:3], *image.shape[2:])


def gaussian(size: int, sigma: float) -> NDArray[np.float32]:
    """A Gaussian kernel `(size, size)` with a standard deviation of `sigma` pixels, summing to 1.

    >>> gaussian(3, 0.5).round(2)[1]
    array([0.08, 0.62, 0.08], dtype=float32)
    """
    size = int(errors.number("size", size, low=1, whole=True))
    sigma = errors.number("sigma", sigma, low=0)
    if sigma == 0:
        errors.bad("sigma", sigma, "more than 0 pixels")
    away = np.arange(size) - (size - 1) / 2
    # g(x) = exp(-x^2 / 2 sigma^2), and g(x, y) = g(x) g(y). The smallest x^2 is taken off each: the
    # sum takes it out again, and with a small sigma all would be 0 otherwise
    further = away**2 - (away**2).min()
    with np.errstate(over="ignore"):  # exp(-inf) = 0 is what is meant
        line = np.exp(-further / sigma / sigma / 2)
    line /= line.sum()
    return np.outer(line, line).astype(np.float32)


KERNELS: dict[str, NDArray[np.float32]] = {
    name: np.array(weights, np.float32)
    for name, weights in {
        "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        "box blur": np.full((3, 3), 1 / 9),
        "Gaussian blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
        "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "Sobel x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "Sobel y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        "Laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    }.items()
}
"""Kernels `(3, 3)` that people designed before networks learned them, by name. "Sobel x" answers to
edges across which the image gets brighter from left to right (Sobel & Feldman, 1968)."""


def separate(kernel: ArrayLike) -> tuple[Array, Array] | None:
    """A column `(h, 1)` and a row `(1, w)` whose product is the kernel `(h, w)`, or None.

    There is such a pair where the kernel has rank 1 or 0. Then two thin convolutions do the work of
    one thick one, with `h + w` products a pixel for `h w`. The pair is the first one of the
    singular value decomposition, and the column and the row share its weight evenly.
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 2 or not kernel.size or not np.isfinite(kernel).all():
        errors.bad("kernel", kernel, "finite numbers of shape (h, w)")
    # k = sum over r of s[r] u[:, r] v[r]
    u, s, v = np.linalg.svd(kernel)
    if s[1:].size and s[1] > 1e-6 * s[0]:
        return None
    weight = np.sqrt(s[0])
    return u[:, :1] * weight, v[:1] * weight


def template(crop: ArrayLike) -> NDArray[np.float32]:
    """A piece `(h, w, C)` cut from an image tensor, as a kernel `(h, w, C, 1)` that looks for it.

    The mean of each channel is taken away. Otherwise the largest answer comes from the brightest
    place, whatever it shows: a bright window makes every product large. The kernel has length 1,
    so answers to different templates can be compared.
    """
    crop = np.asarray(crop, np.float32)
    if crop.ndim != 3 or not crop.size:
        errors.bad("crop", crop, "a piece of shape (h, w, C)")
    # k = (crop - mean) / |crop - mean|
    weights = crop - crop.mean((0, 1))
    length = np.linalg.norm(weights)
    if length < 1e-6:
        errors.bad("crop", errors.Said("a piece of one flat colour"), "a piece with a pattern")
    return (weights / length)[..., None]


def peak(response: ArrayLike) -> tuple[int, int]:
    """Row and column of the largest value of a response `(H, W)`; the first if several tie."""
    response = np.asarray(response)
    if response.ndim != 2 or not response.size:
        errors.bad("response", response, "shape (H, W)")
    row, column = np.unravel_index(np.argmax(response), response.shape)
    return int(row), int(column)


def follow(images: ArrayLike, box: ArrayLike, *, centred: bool = True) -> NDArray[np.float32]:
    """Boxes `(N, 4)` in frames `(N, H, W, C)` where a kernel cut from the first one answers most.

    box: `xyxy` pixels in the first frame; its borders are rounded to whole pixels. `centred=False`
    leaves the mean in the kernel, to show what goes wrong (see `template`). The box keeps its size,
    every place of every frame is tried, and nothing is remembered but the kernel. Raises
    `InputError` for a box that is not inside the image.
    """
    images = np.asarray(images)
    x1, y1, x2, y2 = (int(n) for n in np.rint(as_box(box)))
    height, width = images.shape[1:3]
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height or x1 >= x2 or y1 >= y2:
        errors.bad("box", as_box(box), f"a box inside the image of {width} x {height} pixels")
    crop = images[0, y1:y2, x1:x2]
    kernel = template(crop) if centred else crop[..., None]
    # frame by frame, because all windows of all frames together would fill the memory
    corners = [peak(correlate(frame[None], kernel)[0, :, :, 0]) for frame in images]
    return np.array([(x, y, x + x2 - x1, y + y2 - y1) for y, x in corners], np.float32)
