"""What is explained: one number that a network says of an image, whatever the network.

A classifier says a logit for each class, a region proposal network one for each anchor, the head of
a detector one for each class of a region, a tracker one for each cell of its map. To all methods
here they are the same: a `Target` gives the number, its gradient with respect to pixels, and a
layer's maps with the gradient with respect to them.

Invariants: a number depends on its own image alone, so images can be asked about in batches; the
same network with another question (`given`) is not compiled again; nothing is changed. A number is
a log-odds, so that its sigmoid is a probability; of networks that choose one of several classes it
is the class's logit, as all methods take it, and the sigmoid is only a scale from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.quiet import silenced, tf

Floats = NDArray[np.float32]
Answer = Callable[[Any, Any], tuple[Any, Mapping[str, Any]]]
BATCH = 32  # images that go through a network at once


class Asked:
    """A network that can be asked: compiled once for each layer, whatever the question.

    answer: `answer(images, given)` to one number an image, `(N,)`, and by name the maps `(N, h, w,
        C)` of some layers on the way to it; images `(N, H, W, 3)` float32, 0 to 255. `given`: what
        is asked, any structure of tensors.
    layers: the names of those maps, from the first to the last.
    size: height and width of the images in pixels.
    batch: images that go through at once.
    """

    def __init__(
        self,
        answer: Answer,
        layers: Sequence[str],
        size: tuple[int, int],
        *,
        batch: int = BATCH,
    ) -> None:
        self.layers, self.size, self.batch = tuple(layers), (int(size[0]), int(size[1])), batch
        pixels = tf.TensorSpec((None, *self.size, 3), tf.float32)

        def value(images: Any, given: Any) -> Any:
            return answer(images, given)[0]

        def gradient(images: Any, given: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(images)
                said = answer(images, given)[0]
            # each number depends on its own image alone: the gradient of the sum is that of each
            return said, tape.gradient(said, images)

        def maps(layer: str) -> Callable[..., Any]:
            def run(images: Any, given: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(images)
                    said, found = answer(images, given)
                return said, found[layer], tape.gradient(said, found[layer])

            return run

        # TensorFlow warns of functions that are compiled anew for each question; these are not
        self._value = _Compiled(value, pixels)
        self._gradient = _Compiled(gradient, pixels)
        self._maps = {layer: _Compiled(maps(layer), pixels) for layer in self.layers}

    def about(self, given: Any, name: str) -> Target:
        """The target of a question. name: what is asked, in words."""
        return Target(self, tf.nest.map_structure(tf.convert_to_tensor, given), name)


class _Compiled:
    """A function of images and a question, compiled when it is first called."""

    def __init__(self, function: Callable[..., Any], pixels: Any) -> None:
        self._function, self._pixels = function, pixels
        self._concrete: Any = None

    def __call__(self, images: Any, given: Any) -> Any:
        flat = tf.nest.flatten(given)
        if self._concrete is None:
            asked = tf.nest.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), given)
            whole = tf.function(self._function, autograph=False)
            made = whole.get_concrete_function(self._pixels, asked)
            # oneDNN says of some processors that it has no whole numbers for them; it needs none
            with silenced():
                found = made(images, *flat)
            self._concrete = made
            return found
        return self._concrete(images, *flat)


@dataclass(frozen=True, eq=False)
class Target:
    """One number that a network says of images: what a method explains.

    asked: the network. given: the question. name: what is asked, in words ("the logit of star").
    """

    asked: Asked
    given: Any
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return self.asked.size

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers whose maps can be looked at, the last one nearest to the answer."""
        return self.asked.layers

    def values(self, images: ArrayLike) -> Floats:
        """The number `(N,)` that is said of each of the images `(N, H, W, 3)`, pixels 0 to 255."""
        return np.concatenate([self.asked._value(*each).numpy() for each in self._parts(images)])

    def probabilities(self, images: ArrayLike) -> Floats:
        """The numbers' sigmoids, `(N,)`: how likely it is, where a number is a log-odds."""
        # p = 1 / (1 + exp(-y)), by way of tanh, which never overflows
        return np.asarray(0.5 * np.tanh(0.5 * self.values(images)) + 0.5)

    def gradients(self, images: ArrayLike) -> tuple[Floats, Floats]:
        """The numbers `(N,)`, and how each changes with every pixel: `(N, H, W, 3)`."""
        found = [self.asked._gradient(*each) for each in self._parts(images)]
        said, slopes = (np.concatenate([f[k].numpy() for f in found]) for k in range(2))
        return said, slopes

    def maps(self, image: ArrayLike, layer: str = "") -> tuple[float, Floats, Floats]:
        """Of one image: the number, a layer's maps `(h, w, C)`, and how it changes with them.

        layer: one of `layers`; the last one if empty.
        """
        layer = errors.choice("layer", layer or self.layers[-1], self.layers)
        found = self.asked._maps[layer](*next(self._parts(as_image(image, self.size)[None])))
        said, maps, slopes = (part.numpy() for part in found)
        return float(said[0]), maps[0], slopes[0]

    def _parts(self, images: ArrayLike) -> Any:
        array = _as_images(images, self.size)
        for start in range(0, len(array), self.asked.batch):
            yield tf.constant(array[start : start + self.asked.batch]), self.given


def as_image(image: ArrayLike, size: tuple[int, int]) -> Floats:
    """Check one image at a door: `(H, W, 3)` of the target's size, pixels 0 to 255, as float32."""
    array = np.asarray(image)
    wanted = f"one image of shape {(*size, 3)}, as the target's network takes it, pixels 0 to 255"
    if array.shape != (*size, 3) or array.dtype.kind not in "uif":
        errors.bad("image", array, wanted)
    floats = array.astype(np.float32)
    if not np.isfinite(floats).all():
        errors.bad("image", errors.Said("an image with NaN or infinity"), wanted)
    return floats


def _as_images(images: ArrayLike, size: tuple[int, int]) -> Floats:
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[1:] != (*size, 3) or not len(array):
        wanted = f"images of shape (N, {size[0]}, {size[1]}, 3), at least one, pixels 0 to 255"
        errors.bad("images", array, wanted)
    return np.ascontiguousarray(array, np.float32)
