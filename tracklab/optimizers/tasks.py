"""What the methods are compared on, from two numbers to a convolutional network.

Each is a `Problem` of full batches in which nothing is drawn at random, so that second-order
methods can be used on it at all.

Invariant: the same arguments give the same problem and the same start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import rosen, rosen_der, rosen_hess

from tracklab import boxes as bx
from tracklab import errors, motion
from tracklab.motion import recipe
from tracklab.optimizers import derivatives
from tracklab.optimizers.networks import NetworkLoss, NetworkResiduals
from tracklab.optimizers.problems import Known, Problem
from tracklab.quiet import keras, tf

Floats = NDArray[np.float64]

SEEN = (12, 8, 4, 0)  # frames ago, in which the regressor sees the object
AHEAD = 8  # frames: of the velocity that it is asked for
# A picture of 2048 pixels a side: positions are exact to 1/64 pixel, and here that is little.
LARGE: dict[str, Any] = {"size": (2048, 2048), "speed": (8.0, 48.0), "side": (176.0, 560.0)}


class Tracks(NamedTuple):
    """inputs `(N, 6)`: where the object was, in its own sizes from where it is. targets `(N, 2)`:
    its velocity in `AHEAD` frames, in its own sizes a frame. Both of deviation 1.
    """

    inputs: Floats
    targets: Floats


def tracks(
    count: int = 1000, *, seed: int = 0, noise: float = 0.0, motions: Any = "turning"
) -> tuple[Tracks, Tracks]:
    """Box tracks of turning objects, to train on and to test on, `count` each.

    noise: of the boxes, in shares of their size; without any, the answer is a smooth function of
    what is seen, and a network can come as close to it as its method brings it.
    """
    frames, now = SEEN[0] + AHEAD + 1, SEEN[0]
    found = []
    for part in ("train", "test"):
        seen = motion.observe(
            count, frames, seed=seed, part=part, motions=motions, noise=noise, misses=0.0, **LARGE
        )
        centers = bx.centers(seen.detections).astype(np.float64)
        size = bx.sizes(seen.boxes)[now].mean(-1, keepdims=True).astype(np.float64)
        was = [(centers[now - back] - centers[now]) / size for back in SEEN[:-1]]
        ahead = seen.velocities[now + AHEAD].astype(np.float64) / size
        found.append(Tracks(np.concatenate(was, -1), ahead))
    train = found[0]
    # both by the training tracks' numbers
    means, spreads = zip(*((part.mean(0), part.std(0)) for part in train), strict=True)
    scaled = [
        Tracks(*((part - m) / s for part, m, s in zip(one, means, spreads, strict=True)))
        for one in found
    ]
    return scaled[0], scaled[1]


def regressor(inputs: int = 6, *, units: int = 20, outputs: int = 2, seed: int = 0) -> Any:
    """A network of one hidden layer of tanh in float64: 182 weights as it is."""
    draws = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))

    def layer(size: int, activation: str | None) -> Any:
        start = keras.initializers.GlorotUniform(int(draws.integers(2**31)))
        return keras.layers.Dense(
            size, activation=activation, kernel_initializer=start, dtype="float64"
        )

    given = keras.Input((inputs,), dtype="float64")
    return keras.Sequential([given, layer(units, "tanh"), layer(outputs, None)], name="regressor")


def velocity(
    count: int = 1000, *, units: int = 20, noise: float = 0.0, seed: int = 0
) -> NetworkResiduals:
    """The velocity regressor: from four boxes to the velocity eight frames on."""
    train, _ = tracks(count, noise=noise)
    return NetworkResiduals(regressor(units=units, seed=seed), *train)


def motion_network(
    kind: str = "rnn", *, units: int = 8, count: int = 64, frames: int = 12, seed: int = 0
) -> NetworkLoss:
    """Lesson 05's recurrent filter on one batch of trajectories, followed in closed loop.

    kind: "rnn", "gru" or "lstm". Gradients go back through all frames, and so do their derivatives,
    by forward over reverse and with all frames written out (compiling that takes seconds). Reverse
    over reverse is wrong here, by a third and without a word: it does not get through the network's
    own limit on gradients between frames. Differences show it, and so does v . H w = w . H v.

    The loss is lesson 05's without "unsure": that part stops gradients on purpose, so what is
    called its gradient is the derivative of nothing, and has no symmetric Hessian.
    """
    lengths = ((0.0, int(errors.number("frames", frames, low=3, whole=True))),)
    batch = recipe.Trajectories(batch_size=count, seed=seed, lengths=lengths, walls=True).batch(0)
    fixed = tuple(tf.constant(part, tf.float32) for part in batch)
    detected, seen, sizes, walls, truth, _ = fixed

    def loss(net: Any) -> Any:
        found = net.follow(detected, seen, sizes, walls, unroll=True)
        parts = recipe.losses(found, truth[1:, :, :2], truth[1:, :, 2:], sizes[1:])
        return parts["position"] + parts["velocity"] + parts["ahead"]

    network = motion.Network(kind, units=units, seed=seed)
    return NetworkLoss(network, loss, way=derivatives.FORWARD)


class Images(NamedTuple):
    """A problem of images, and its loss on a few of them: `batch_loss(model, which (B,))`."""

    problem: NetworkLoss
    batch_loss: Any
    examples: int


def classifier(
    images: ArrayLike, labels: ArrayLike, *, widths: tuple[int, ...] = (8, 16, 16), seed: int = 0
) -> Images:
    """A small convolutional network on images `(N, H, W, 3)` of pixels 0 to 255, labels `(N,)`.

    3x3 convolutions of so many channels, each with a smooth activation and average pooling, so that
    the loss has the second derivatives that the methods ask for: ReLU and max pooling have kinks.
    """
    pixels, classes = np.asarray(images), np.asarray(labels)
    if pixels.ndim != 4 or len(pixels) != len(classes) or not len(pixels):
        errors.bad("images", pixels, f"shape ({len(classes) or 'N'}, H, W, 3), N at least 1")
    draws = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))

    def start() -> Any:
        return keras.initializers.GlorotUniform(int(draws.integers(2**31)))

    given = x = keras.Input(pixels.shape[1:])
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    for width in widths:
        x = keras.layers.Conv2D(
            width, 3, padding="same", activation="silu", kernel_initializer=start()
        )(x)
        x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(int(classes.max()) + 1, kernel_initializer=start())(x)
    model = keras.Model(given, x, name="small")
    all_images, all_labels = tf.constant(pixels, tf.float32), tf.constant(classes, tf.int32)

    def loss(logits: Any, wanted: Any) -> Any:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=logits)
        return tf.reduce_mean(each)

    def batch_loss(model: Any, which: Any) -> Any:
        return loss(model(tf.gather(all_images, which)), tf.gather(all_labels, which))

    problem = NetworkLoss(model, lambda net: loss(net(all_images), all_labels))
    return Images(problem, batch_loss, len(pixels))


def rosenbrock_valley(size: int = 10) -> Problem:
    """Rosenbrock's function of many numbers, as SciPy has it, from the usual start."""
    errors.number("size", size, low=2, high=1000, whole=True)
    start = np.resize([-1.2, 1.0], size)
    return Known(start, lambda x: (rosen(x), rosen_der(x)), hessian=rosen_hess)


def bowl(size: int = 50, condition: float = 1000.0, *, seed: int = 0) -> Problem:
    """A quadratic of many numbers, eigenvalues from 1 to `condition` in equal ratios."""
    errors.number("size", size, low=1, high=2000, whole=True)
    errors.number("condition", condition, low=1)
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    turned = np.linalg.qr(rng.standard_normal((size, size)))[0]
    a = (turned * np.geomspace(1, condition, size)) @ turned.T
    a = (a + a.T) / 2
    return Known(
        rng.standard_normal(size), lambda x: (x @ a @ x / 2, a @ x), hessian=lambda x: a.copy()
    )
