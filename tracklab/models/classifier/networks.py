"""Two networks that name what is in a small image: the article's, and the lesson's.

Both take pixels `(N, H, W, 3)` from 0 to 255 and put out one number a class.

Invariant: the same seed gives the same weights, and building a network touches no global seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import keras

layers: Any = keras.layers

CLASSES = 10
SIDE = 32  # pixels, of CIFAR-10's images
BRIGHTEST = 255.0

SOFTMAX, HIDDEN_SOFTMAX, LOGITS = "softmax", "hidden-softmax", "logits"
OUTPUTS = (SOFTMAX, HIDDEN_SOFTMAX, LOGITS)

BATCH, INSTANCE, NONE = "batch", "instance", "none"
NORMALIZATIONS = (BATCH, INSTANCE, NONE)

WIDTHS = (32, 64, 128)  # channels of the three stages
PATCH = 2  # pixels: side of the whitened patches
WHITENING_FLOOR = 5e-4  # added to each variance, so that noise is not blown up
WHITENING_IMAGES = 5_000  # more do not change the patches' covariance
NORM_MOMENTUM = 0.9  # of the running means: short trainings need short memories
LOGIT_SCALE = 1 / 9  # keeps the first softmax soft under a high learning rate


def article(
    output: str = SOFTMAX,
    *,
    classes: int = CLASSES,
    side: int = SIDE,
    smooth: bool = False,
    seed: int = 0,
) -> Any:
    """The article's network: 3x3 convolutions of 32, 64, 64 filters, dense 64, dense `classes`.

    ReLU after each layer but the last, 2x2 max pooling after the first two convolutions. Pixels
    are divided by 255 inside.

    output: what the last layer puts out.
        "softmax": probabilities, as the article writes it. It then tells its loss
            `from_logits=True`. Keras notices, warns, and goes back to the logits.
        "hidden-softmax": the same probabilities, passed through one more layer that changes
            nothing. Keras does not see the softmax any more: the loss applies it again.
        "logits": no softmax. The repaired network.
    smooth: tanh instead of ReLU, and means instead of maxima, so that all derivatives exist
        everywhere: for lessons on derivatives.

    All have the same weights for the same `seed`. Raises `InputError` for another output.
    """
    errors.choice("output", output, OUTPUTS)
    seeds = _seeds(seed)
    bend = "tanh" if smooth else "relu"
    pool = layers.AveragePooling2D if smooth else layers.MaxPooling2D

    def conv(filters: int) -> Any:
        return layers.Conv2D(filters, 3, activation=bend, kernel_initializer=_glorot(seeds))

    stack = [
        keras.Input((side, side, 3)),
        layers.Rescaling(1 / BRIGHTEST),
        conv(32),
        pool(2),
        conv(64),
        pool(2),
        conv(64),
        layers.Flatten(),
        layers.Dense(64, activation=bend, kernel_initializer=_glorot(seeds)),
        layers.Dense(
            classes,
            activation=None if output == LOGITS else "softmax",
            kernel_initializer=_glorot(seeds),
        ),
    ]
    if output == HIDDEN_SOFTMAX:
        stack.append(layers.Rescaling(1.0, name="changes_nothing"))
    return keras.Sequential(stack, name=f"article_{output.replace('-', '_')}")


def improved(
    images: NDArray[Any] | None = None,
    *,
    widths: tuple[int, int, int] = WIDTHS,
    normalization: str = BATCH,
    residual: bool = True,
    separable: bool = False,
    classes: int = CLASSES,
    seed: int = 0,
) -> Any:
    """The lesson's network; it puts out logits, for images of any size from 16x16.

    1. A frozen first layer that whitens 2x2 patches: see `whitening`.
    2. Three stages, each a 3x3 convolution without bias, max pooling, normalization and ReLU
       (convolution, ReLU, pooling: Krizhevsky, Sutskever and Hinton, "ImageNet classification with
       deep convolutional neural networks", 2012). The second and third end in a residual block.
    3. The largest answer of each channel anywhere in the image, and one dense layer.

    images: training images `(N, H, W, 3)`, from which the first layer is computed; without them
        it starts at random and learns as the others do.
    widths: channels of the three stages.
    normalization: "batch", "instance" or "none"; see `normalize`.
    residual: with the skip connection of `residual_block`, or the same layers without it.
    separable: each 3x3 convolution in two, as `convolved` has it.

    The early stages are thin because their maps are large: that is where a processor's time goes.
    The plan (whitening, pooling, scaled logits) follows Jordan, "94% on CIFAR-10 in 3.29 seconds"
    (2024), shrunk to what two cores can train. Raises `InputError` for wrong options.
    """
    errors.choice("normalization", normalization, NORMALIZATIONS)
    seeds = _seeds(seed)
    pixels = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / BRIGHTEST)(pixels)
    first = layers.Conv2D(
        2 * 3 * PATCH**2, PATCH, name="whitening", kernel_initializer=_glorot(seeds)
    )
    x = layers.ReLU()(first(x))
    if images is not None:
        kernels, biases = _whitened(_as_images(images)[:WHITENING_IMAGES])
        first.kernel.assign(kernels)
        first.bias.assign(biases)
        first.kernel.trainable = False

    for stage, width in enumerate(widths):
        x = convolved(x, width, seeds, separable=separable, normalization=normalization)
        x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(normalize(x, normalization))
        if stage > 0:
            x = residual_block(
                x, seeds, normalization=normalization, skip=residual, separable=separable
            )
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Dense(classes, use_bias=False, kernel_initializer=_glorot(seeds))(x)
    return keras.Model(pixels, layers.Rescaling(LOGIT_SCALE)(x), name="improved")


def residual_block(
    x: Any,
    seeds: Iterator[int],
    *,
    normalization: str = BATCH,
    skip: bool = True,
    separable: bool = False,
) -> Any:
    """x + F(x), where F is a 3x3 convolution, normalization and ReLU; without `skip`, F(x).

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2016), equation 1. The
    gradient has a path around every block, so depth costs less; F starts from "no change". The
    paper's block has two convolutions; one is what the budget of a lesson allows.
    """
    f = convolved(x, x.shape[-1], seeds, separable=separable, normalization=normalization)
    f = layers.ReLU()(normalize(f, normalization))
    # y = x + F(x)
    return layers.Add()([x, f]) if skip else f


def convolved(
    x: Any,
    filters: int,
    seeds: Iterator[int],
    *,
    separable: bool = False,
    normalization: str = BATCH,
) -> Any:
    """A 3x3 convolution without bias; or, if `separable`, the two that take its place.

    Depthwise, one 3x3 filter for each channel alone, then normalization and ReLU; pointwise, a 1x1
    convolution that mixes the channels (Howard et al., "MobileNets", 2017, section 3.1). At each
    place of a map from M channels to N that is 9 M + M N products instead of 9 M N: the share
    1/N + 1/9 (the paper's equation 5).
    """
    if not separable:
        return _conv(filters, seeds)(x)
    depthwise = layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, depthwise_initializer=_glorot(seeds)
    )
    x = layers.ReLU()(normalize(depthwise(x), normalization))
    return layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=_glorot(seeds))(x)


def normalize(x: Any, kind: str = BATCH) -> Any:
    """Every channel to mean 0 and variance 1, then shifted by a learned number.

    "batch": mean and variance over the batch and the map while training, their running means
        afterwards (Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1).
    "instance": over the map of each image alone, always (Ulyanov, Vedaldi and Lempitsky, "Instance
        normalization: the missing ingredient for fast stylization", 2016). It takes the contrast
        of an image away: right for style, a loss where contrast tells classes apart. A map of a
        single pixel has no variance, so it needs images of 24x24 or more here.
    "none": only the shift.
    """
    if kind == BATCH:
        return layers.BatchNormalization(momentum=NORM_MOMENTUM, scale=False)(x)
    if kind == INSTANCE:
        return layers.GroupNormalization(groups=-1, scale=False)(x)
    return Shift()(x)


class Shift(keras.layers.Layer):
    """A learned number added to each channel: what is left of a normalization without it."""

    def build(self, shape: Any) -> None:
        """Make the shift, one number a channel."""
        self.shift = self.add_weight(shape=(shape[-1],), initializer="zeros", name="shift")

    def call(self, x: Any) -> Any:
        """x + shift."""
        return x + self.shift


def whitening(images: NDArray[np.float32], *, patch: int = PATCH) -> NDArray[np.float32]:
    """Kernels `(p, p, 3, 2 K)` that decorrelate patches, K = 3 p^2, and their negatives.

    images: `(N, H, W, 3)`, of mean 0. patch: p, the side of a patch in pixels.

    The eigenvectors of the patches' covariance, each divided by the root of its eigenvalue, give
    answers of variance 1 without correlation, so that the layers behind learn equally fast in all
    directions. With its negative beside it, each answer survives a ReLU. (Coates and Ng, "Learning
    feature representations with k-means", 2012, section 2; as a frozen layer: Page, "How to train
    your ResNet", 2019.)
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch, patch), axis=(1, 2))
    # (N, h, w, 3, p, p) to (M, p, p, 3), the order of a kernel; every few windows are enough
    patches = windows[:, ::3, ::3].transpose(0, 1, 2, 4, 5, 3).reshape(-1, 3 * patch**2)
    # C = P^T P / M = V diag(l) V^T
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    # W = V diag(l + e)^(-1/2)
    kernels = vectors[:, ::-1] / np.sqrt(values[::-1] + WHITENING_FLOOR)
    both = np.concatenate([kernels, -kernels], axis=1)
    return both.reshape(patch, patch, 3, -1).astype(np.float32)


def _whitened(images: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernels and biases of a layer that takes pixels from 0 to 1 and puts out whitened patches."""
    scaled = images.astype(np.float32) / np.float32(BRIGHTEST)
    mean, deviation = scaled.mean((0, 1, 2)), np.maximum(scaled.std((0, 1, 2)), 1 / BRIGHTEST)
    kernels = whitening((scaled - mean) / deviation) / deviation[:, None]
    # W ((x - m) / s) = (W / s) x - (W / s) m
    return kernels, -np.einsum("ijck,c->k", kernels, mean)


def _conv(filters: int, seeds: Iterator[int]) -> Any:
    return layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=_glorot(seeds)
    )


def _glorot(seeds: Iterator[int]) -> Any:
    return keras.initializers.GlorotUniform(seed=next(seeds))


def _seeds(seed: int) -> Iterator[int]:
    """One seed after the other for the layers of a network."""
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    while True:
        yield int(rng.integers(2**31))


def _as_images(images: Any) -> NDArray[Any]:
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] != 3 or not len(array):
        errors.bad("images", array, "images of shape (N, H, W, 3), pixels from 0 to 255")
    return array
