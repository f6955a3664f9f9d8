"""Where the time goes: milliseconds by batch size, and by layer.

Two clocks are read. CPU time is what the processors did, all threads together; it is the same on a
busy machine. Wall time is what somebody waits, and depends on who else is at work.

Invariant: what is compiled, loaded or cached by a first call is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.quiet import tf

Array = NDArray[Any]

REPEATS = 20
BATCHES = (1, 4, 16, 64, 256)
SHORTEST = 0.01  # seconds: what is over sooner is run several times between two looks at the clock


class Spent(NamedTuple):
    """Milliseconds of a call: by the clock on the wall, and of processor time."""

    wall: float
    cpu: float


class LayerCost(NamedTuple):
    """Of a layer: how many weights it has, how many products it makes for an image, and the CPU
    milliseconds that they take, alone, for an image in the batch.
    """

    name: str
    kind: str
    weights: int
    products: int
    cpu: float


def clocked(call: Callable[[], Any], *, repeats: int = REPEATS) -> Spent:
    """What a call takes: the median of `repeats`, after one that is not counted."""
    if not callable(call):
        errors.bad("call", call, "a function without arguments")
    repeats = int(errors.number("repeats", repeats, low=1, whole=True))
    begun = time.perf_counter()
    call()
    once = max(time.perf_counter() - begun, 1e-7)
    begun = time.perf_counter()
    call()  # the first may have compiled something
    once = max(min(once, time.perf_counter() - begun), 1e-7)
    several = max(1, int(np.ceil(SHORTEST / once)))
    found = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(several):
            call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found.append((1000 * wall / several, 1000 * cpu / several))
    return Spent(*(float(value) for value in np.median(found, 0)))


def by_batch(
    run: Callable[[Array], Any],
    images: Array,
    *,
    batches: Sequence[int] = BATCHES,
    repeats: int = REPEATS,
) -> dict[int, Spent]:
    """Milliseconds for one image, by how many go in at once.

    run: takes images `(N, ...)` of any N. Raises `InputError` for fewer images than the largest
    batch needs.
    """
    sizes = [int(errors.number("batches", size, low=1, whole=True)) for size in batches]
    images = np.asarray(images)
    if not sizes or len(images) < max(sizes):
        came = errors.Said(f"{len(images)} images for batches of {sizes}")
        errors.bad("images", came, "as many as the largest batch")
    found = {}
    for size in sizes:
        spent = clocked(lambda part=images[:size]: run(part), repeats=repeats)  # type: ignore[misc]
        found[size] = Spent(spent.wall / size, spent.cpu / size)
    return found


def by_layer(model: Any, images: Array, *, repeats: int = REPEATS) -> list[LayerCost]:
    """What each layer of a functional Keras model costs, in the order in which they run.

    images `(N, H, W, 3)`: N at once. Each layer is compiled and run alone, on what the one before
    gave it; the sum is more than the whole network takes, which does several in one go (products,
    shift and ReLU, say). Raises `InputError` for a model that is not functional, and for images
    that do not go into it, or none.
    """
    layers = [one for one in getattr(model, "layers", ()) if not hasattr(one, "batch_shape")]
    if not layers or not hasattr(model, "operations"):
        errors.bad("model", model, "a functional Keras model")
    images = np.asarray(images, np.float32)
    wanted = tuple(model.inputs[0].shape)
    if images.ndim != len(wanted) or not len(images):
        errors.bad("images", images, f"at least one, as the model takes them: {wanted}")
    known: dict[int, Any] = {id(model.inputs[0]): tf.constant(images)}
    found = []
    for layer in layers:
        node = layer._inbound_nodes[-1]
        given = [known[id(tensor)] for tensor in node.input_tensors]

        def run(*parts: Any, layer: Any = layer) -> Any:
            return layer(list(parts) if len(parts) > 1 else parts[0])

        compiled = tf.function(run, autograph=False).get_concrete_function(*given)
        after = compiled(*given)
        for tensor in node.output_tensors:
            known[id(tensor)] = after
        spent = clocked(lambda run=compiled, given=given: run(*given), repeats=repeats)  # type: ignore[misc]
        found.append(
            LayerCost(
                layer.name,
                type(layer).__name__,
                layer.count_params(),
                products(layer, tuple(after.shape)),
                spent.cpu / len(images),
            )
        )
    return found


def products(layer: Any, shape: Sequence[int]) -> int:
    """Products of two numbers that a layer makes for one image, for an output of `shape (N, ...)`.

    Convolutions and dense layers; all others count as 0, as papers count.
    """
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    # a kernel's weights are all used at each place of the map
    places = int(np.prod(shape[1:-1])) if len(shape) == 4 else 1
    return places * int(np.prod(kernel.shape))
