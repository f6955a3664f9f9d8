"""Exercises of lesson 01: tensors, convolution and its arithmetic, and what a network sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.convolution import output_size as _output_size
from tracklab.exercises import compare
from tracklab.exercises.engine import Exercise, Misconception
from tracklab.plots import convolutions as figures

Array = NDArray[Any]
Layers = list[tuple[int, int]]

# -- to-tensor -----------------------------------------------------------------------------------


def to_tensor(frames: Array) -> Any:
    """Frames as OpenCV reads them, `(N, H, W, 3)` uint8 BGR, as a network wants them.

    The same shape in RGB, float32, 0 to 1.
    """
    rgb = frames[..., ::-1]  # the last axis read backwards: B, G, R becomes R, G, B
    return rgb.astype(np.float32) / 255


def to_tensor_starter(frames: Array) -> Any:
    """`(N, H, W, 3)` uint8 BGR, 0 to 255, to the same shape in float32 RGB, 0 to 1."""
    return ...


def _to_tensor_by_stacking(frames: Array) -> Any:
    blue, green, red = np.moveaxis(np.asarray(frames, np.float64), -1, 0)
    return np.float32(np.stack([red, green, blue], -1) / 255.0)


def _still_bgr(frames: Array) -> Any:
    return frames.astype(np.float32) / 255


def _still_bytes(frames: Array) -> Any:
    return frames[..., ::-1].astype(np.float32)


def _whole_division(frames: Array) -> Any:
    return frames[..., ::-1] // 255


def _by_brightest(frames: Array) -> Any:
    return frames[..., ::-1].astype(np.float32) / frames.max()


def _by_brightest_of_each(frames: Array) -> Any:
    return frames[..., ::-1].astype(np.float32) / frames.max((1, 2, 3), keepdims=True)


def _images_backwards(frames: Array) -> Any:
    return frames[::-1].astype(np.float32) / 255


def _upside_down(frames: Array) -> Any:
    return frames[:, ::-1].astype(np.float32) / 255


def _mirrored(frames: Array) -> Any:
    return frames[:, :, ::-1].astype(np.float32) / 255


def _by_256(frames: Array) -> Any:
    return frames[..., ::-1].astype(np.float32) / 256


def _draw_tensor(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    mine = np.asarray(got, np.float32)
    if mine.shape != wanted.shape:
        return None
    return figures.responses(
        [mine[0], wanted[0]],
        [f"yours: {mine.min():.3g} to {mine.max():.3g}", "wanted: 0 to 1, RGB"],
        width=4.0,
    )


def _judge_tensor(inputs: tuple[Any, ...], got: Any, wanted: Any) -> str | None:
    """The values, and then their type: TensorFlow multiplies no float64 with float32 weights."""
    off = compare.difference(got, wanted)
    if off is not None:
        return off
    kind = getattr(got, "dtype", None)
    if kind is None or kind != np.float32:
        came = "in a list" if kind is None else f"of type {np.dtype(kind).name}"
        return (
            f"The numbers are right, and yours are {came}; float32 is wanted. Dividing bytes makes "
            "float64: twice the memory, and a network's float32 weights refuse it. Use "
            "`.astype(np.float32)` before you divide."
        )
    return None


_SEEN = 51  # a fifth of the range: something is to be seen in a picture of it


def _random_frames(rng: np.random.Generator) -> tuple[Any, ...]:
    frames = rng.integers(0, 256, (*rng.integers((1, 2, 2), 4), 3), np.uint8)
    if rng.random() < 0.5:
        frames = frames // 2  # a dark batch, without a 255
    frames[0, 0, 0, 2] = frames.max() if frames.max() >= _SEEN else _SEEN
    return (frames,)


_PIXELS = np.array(
    [
        [[[255, 0, 0], [0, 0, 255]], [[0, 255, 0], [255, 255, 255]]],
        [[[0, 0, 0], [10, 20, 30]], [[0, 51, 102], [204, 102, 255]]],
    ],
    np.uint8,
)

TO_TENSOR = Exercise(
    name="01-to-tensor",
    task="a batch of OpenCV's BGR frames as float32 RGB from 0 to 1",
    starter=to_tensor_starter,
    reference=to_tensor,
    cases=((_PIXELS,), (_PIXELS[:1],), (_PIXELS // np.array([[[[3]]], [[[5]]]], np.uint8),)),
    generate=_random_frames,
    # two by two pixels, one of them not dark: small enough to read, and something is to be seen
    valid=lambda frames: (
        frames.ndim == 4
        and frames.shape[3] == 3
        and min(frames.shape[1:3]) >= 2
        and frames.max() >= _SEEN
    ),
    judge=_judge_tensor,
    misconceptions=(
        Misconception(
            "still BGR",
            _still_bgr,
            "The scale is right, but red and blue are still swapped: OpenCV keeps blue first.",
        ),
        Misconception(
            "still 0 to 255",
            _still_bytes,
            "The colours are right, but the numbers still run from 0 to 255.",
        ),
        Misconception(
            "whole division",
            _whole_division,
            "Everything but a full 255 becomes 0, because the fraction is dropped. `//` does that, "
            "and so does a whole-number type after `/`: divide with `/`, and keep float32.",
        ),
        Misconception(
            "divided by the brightest",
            _by_brightest,
            "You divided by the largest value that happens to be there, so a dark picture becomes "
            "as bright as a light one. A byte ends at 255 whatever it shows: divide by 255.",
            variants=(_by_brightest_of_each,),
        ),
        Misconception(
            "divided by 256",
            _by_256,
            "The largest value of a byte is 255, not 256: white must become exactly 1.",
        ),
        Misconception(
            "images in reverse order",
            _images_backwards,
            "`frames[::-1]` turns the first axis round, and that counts images. Channels are last.",
        ),
        Misconception(
            "upside down",
            _upside_down,
            "You turned the rows round: the picture hangs upside down. Channels are the last axis.",
        ),
        Misconception(
            "mirrored",
            _mirrored,
            "You turned the columns round: the picture is mirrored. Channels are the last axis.",
        ),
    ),
    alternatives=(_to_tensor_by_stacking,),
    hints=(
        "Two things are to be done: another order along one axis, and another range of numbers.",
        "`frames[..., ::-1]` reads the last axis backwards, whatever comes before it.",
        "A uint8 cannot hold a fraction: `.astype(np.float32)` first, then divide by 255.",
    ),
    praise="RGB, float32, 0 to 1: every network of this course can read that.",
    onward="From here on `convolution.as_tensor` does it; frames of tracklab are RGB already.",
    draw=_draw_tensor,
    alt="Two pictures side by side: the first image of your batch, and the wanted one.",
)


# -- correlate -----------------------------------------------------------------------------------


def correlate(image: Array, kernel: Array) -> Any:
    """Cross-correlation of an image `(H, W)` with a kernel `(h, w)`, without padding."""
    (height, width), (h, w) = image.shape, kernel.shape
    output = np.zeros((height - h + 1, width - w + 1))
    for y in range(output.shape[0]):
        for x in range(output.shape[1]):
            # out[y, x] = sum over i, j of image[y + i, x + j] kernel[i, j]
            output[y, x] = np.sum(image[y : y + h, x : x + w] * kernel)
    return output


def correlate_starter(image: Array, kernel: Array) -> Any:
    """What `tf.nn.conv2d` computes, for one grey image `(H, W)` and one kernel `(h, w)`."""
    return ...


def _correlate_by_shifts(image: Array, kernel: Array) -> Any:
    rows = image.shape[0] - kernel.shape[0] + 1
    columns = image.shape[1] - kernel.shape[1] + 1
    total = 0
    for (i, j), weight in np.ndenumerate(kernel):
        total = total + weight * image[i : i + rows, j : j + columns]
    return total


def _correlate_by_windows(image: Array, kernel: Array) -> Any:
    found = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.tensordot(found, kernel, 2)


def _flips(image: Array, kernel: Array) -> Any:
    return correlate(image, kernel[::-1, ::-1])


def _one_short(image: Array, kernel: Array) -> Any:
    return correlate(image, kernel)[:-1, :-1]


def _pads(image: Array, kernel: Array) -> Any:
    h, w = kernel.shape
    amounts = [((n - 1) // 2, n // 2) for n in (h, w)]
    return correlate(np.pad(image, amounts), kernel)


def _full_size(image: Array, kernel: Array) -> Any:
    found = correlate(image, kernel)
    beyond = [(0, n - m) for n, m in zip(image.shape, found.shape, strict=True)]
    return np.pad(found, beyond)


def _full_size_middle(image: Array, kernel: Array) -> Any:
    found = correlate(image, kernel)
    around = [(n - m) // 2 for n, m in zip(image.shape, found.shape, strict=True)]
    output = np.zeros(image.shape)
    output[around[0] :, around[1] :][: found.shape[0], : found.shape[1]] = found
    return output


def _full_size_cut(image: Array, kernel: Array) -> Any:
    # slices stop at the border by themselves; what is left of a window meets a part of the kernel
    h, w = kernel.shape
    return correlate(np.pad(image, ((0, h - 1), (0, w - 1))), kernel)


def _averages(image: Array, kernel: Array) -> Any:
    return correlate(image, kernel) / kernel.size


def _strides(image: Array, kernel: Array) -> Any:
    return correlate(image, kernel)[:: kernel.shape[0], :: kernel.shape[1]]


def _draw_correlate(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    image, kernel = inputs
    if image.size > 100:
        return None
    mine = np.atleast_2d(np.asarray(got, float))
    if mine.ndim != 2 or not 0 < mine.size <= 100:
        mine = np.full((1, 1), np.nan)
    shown = [image, kernel, mine, wanted]
    titles = ["image", "kernel", "yours", "wanted"]
    window = {0: (0, 0, kernel.shape[0], kernel.shape[1]), 3: (0, 0, 1, 1)}
    return figures.numbers(shown, titles, windows=window)


def _random_correlation(rng: np.random.Generator) -> tuple[Any, ...]:
    h, w = rng.integers(1, 4, 2)
    image = rng.integers(0, 10, (h + rng.integers(0, 4), w + rng.integers(0, 4)))
    return image.astype(float), rng.integers(-3, 4, (h, w)).astype(float)


_STEP = np.array([[0, 0, 5, 5], [0, 0, 5, 5], [0, 0, 5, 5], [0, 0, 5, 9]], float)

CORRELATE = Exercise(
    name="01-correlate",
    task="the cross-correlation of one image with one kernel, without padding",
    starter=correlate_starter,
    reference=correlate,
    cases=(
        (_STEP, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)),
        (_STEP, np.array([[1.0, 2.0]])),
        (_STEP, np.array([[1.0], [-3.0]])),
        (np.arange(12.0).reshape(3, 4), np.array([[0.0, 1.0], [2.0, 4.0]])),
        (np.array([[3.0, 1.0]]), np.array([[2.0]])),
    ),
    generate=_random_correlation,
    valid=lambda image, kernel: (
        image.ndim == kernel.ndim == 2
        and 0 < kernel.shape[0] <= image.shape[0]
        and 0 < kernel.shape[1] <= image.shape[1]
    ),
    misconceptions=(
        Misconception(
            "turns the kernel",
            _flips,
            "You turned the kernel by 180 degrees. That is convolution as mathematics defines it; "
            "what networks compute, and what is asked for here, lays the kernel on as it is.",
        ),
        Misconception(
            "one place short",
            _one_short,
            "The last window is missing in each direction: a kernel of 3 fits into 4 pixels twice, "
            "4 - 3 + 1.",
        ),
        Misconception(
            "pads",
            _pads,
            "You padded the image with zeros to keep its size. Without padding the output shrinks.",
        ),
        Misconception(
            "as large as the image",
            _full_size,
            "Your output has as many rows and columns as the image. Without padding the output is "
            "smaller: H - h + 1 by W - w + 1, one number for each place where the kernel fits.",
            variants=(_full_size_cut, _full_size_middle),
        ),
        Misconception(
            "takes the mean",
            _averages,
            "You divided by the number of products. A convolution is the sum, not the mean.",
        ),
        Misconception(
            "steps by the kernel's size",
            _strides,
            "Your windows lie side by side, as in pooling. Here they overlap: move by one pixel.",
        ),
    ),
    alternatives=(_correlate_by_shifts, _correlate_by_windows),
    hints=(
        "Where can the kernel's upper left corner be? Count these places: the output's shape.",
        "For the place (y, x) the window is `image[y : y + h, x : x + w]`, as large as the kernel.",
        "Multiply window and kernel number by number and add up: `np.sum(window * kernel)`.",
        "Two loops: y over range(H - h + 1), x over range(W - w + 1), one sum in each round.",
    ),
    praise="That is the whole of it. Every convolutional layer is this, with channels added up.",
    onward="Compare with `convolution.correlate_loops`: it adds batches, channels and stride.",
    draw=_draw_correlate,
    alt="Four grids of numbers: image, kernel, your output and the wanted one. The window of the "
    "first output is framed.",
)


# -- shift-kernel --------------------------------------------------------------------------------


def shift_kernel(down: int, right: int) -> Any:
    """The kernel `(3, 3)` that moves a picture by `down` and `right` pixels, each -1, 0 or 1."""
    kernel = np.zeros((3, 3))
    # out[y, x] = image[y - down, x - right], and kernel[1 + i, 1 + j] reads image[y + i, x + j]
    kernel[1 - down, 1 - right] = 1
    return kernel


def shift_kernel_starter(down: int, right: int) -> Any:
    """A `(3, 3)` kernel for cross-correlation: the picture moves by that many pixels (-1, 0, 1)."""
    return ...


def _shift_by_rolling(down: int, right: int) -> Any:
    identity = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    return np.roll(identity, (-down, -right), (0, 1)).tolist()


def _other_way(down: int, right: int) -> Any:
    return shift_kernel(-down, -right)


def _swapped(down: int, right: int) -> Any:
    return shift_kernel(right, down)


def _swapped_other_way(down: int, right: int) -> Any:
    return shift_kernel(-right, -down)


def _stays(down: int, right: int) -> Any:
    return shift_kernel(0, 0)


def _draw_shift(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.kernels import filter_image

    dots = np.zeros((5, 5))
    dots[1:4, 2] = dots[3, 3] = 1  # an L: no move and no mirror image of it looks the same
    kernel = np.asarray(got, float)
    mine = filter_image(dots, kernel) if kernel.shape == (3, 3) else np.full((5, 5), np.nan)
    return figures.numbers(
        [
            kernel if kernel.ndim == 2 else np.atleast_2d(kernel),
            dots,
            mine,
            filter_image(dots, wanted),
        ],
        ["your kernel", "a picture", "moved by yours", "moved as wanted"],
    )


SHIFT_KERNEL = Exercise(
    name="01-shift-kernel",
    task="the 3 x 3 kernel that moves a picture by `down` rows and `right` columns",
    starter=shift_kernel_starter,
    reference=shift_kernel,
    cases=tuple((down, right) for right in (1, 0, -1) for down in (0, 1, -1)),
    valid=lambda down, right: down in (-1, 0, 1) and right in (-1, 0, 1),
    misconceptions=(
        Misconception(
            "moves the other way",
            _other_way,
            "The picture moves the wrong way. To move it to the right, every place must read the "
            "pixel on its left. (With true convolution, which turns the kernel, yours is right.)",
        ),
        Misconception(
            "rows and columns swapped",
            _swapped,
            "Rows and columns are swapped: the first index of an array goes down.",
        ),
        Misconception(
            "swapped, and the other way",
            _swapped_other_way,
            "Rows and columns are swapped, and the picture moves the other way.",
        ),
        Misconception("stays", _stays, "That is the identity: the picture stays where it is."),
    ),
    alternatives=(_shift_by_rolling,),
    hints=(
        "Only one of the nine numbers is not 0, and it is 1: each output pixel copies one pixel.",
        "The middle, `kernel[1, 1]`, copies the pixel at the same place. `kernel[1, 0]` copies the "
        "left neighbour: everything then appears one pixel further to the right.",
        "So right=1 puts the 1 in column 0 = 1 - right. The same goes for rows.",
    ),
    praise="One pixel of motion, written as nine numbers.",
    onward="A network with such kernels can compare a frame with itself moved: that is one way to "
    "see motion.",
    draw=_draw_shift,
    alt="Four grids of numbers: your kernel, an L of ones, the L as your kernel moves it, and as "
    "it should be.",
)


# -- output-size ---------------------------------------------------------------------------------


def output_size(size: int, kernel: int, stride: int, padding: int) -> Any:
    """How long the output of a convolution is: `padding` zeros stand on either side."""
    # o = floor((n + 2 p - k) / s) + 1
    return (size + 2 * padding - kernel) // stride + 1


def output_size_starter(size: int, kernel: int, stride: int, padding: int) -> Any:
    """Output length for `size` pixels, `padding` zeros on each side, every `stride`-th place."""
    return ...


def _count_places(size: int, kernel: int, stride: int, padding: int) -> Any:
    return len(range(0, size + 2 * padding - kernel + 1, stride))


def _forgets_padding(size: int, kernel: int, stride: int, padding: int) -> Any:
    return (size - kernel) // stride + 1


def _pads_once(size: int, kernel: int, stride: int, padding: int) -> Any:
    return (size + padding - kernel) // stride + 1


def _rounds_up(size: int, kernel: int, stride: int, padding: int) -> Any:
    return -(-(size + 2 * padding - kernel) // stride) + 1


def _no_one(size: int, kernel: int, stride: int, padding: int) -> Any:
    return (size + 2 * padding - kernel) // stride


def _true_division(size: int, kernel: int, stride: int, padding: int) -> Any:
    return (size + 2 * padding - kernel) / stride + 1


def _one_first(size: int, kernel: int, stride: int, padding: int) -> Any:
    return (size + 2 * padding - kernel + 1) // stride


def _ignores_stride(size: int, kernel: int, stride: int, padding: int) -> Any:
    return size + 2 * padding - kernel + 1


def _draw_size(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    size, kernel, stride, padding = inputs
    if size + 2 * padding > 40:
        return None
    title = f"The kernel fits in {wanted} place{'' if wanted == 1 else 's'}; you said {got:g}"
    return figures.places(size, kernel, stride=stride, padding=padding, title=title)


def _random_size(rng: np.random.Generator) -> tuple[Any, ...]:
    kernel, padding = int(rng.integers(2, 8)), int(rng.integers(0, 4))
    size = int(rng.integers(max(3, kernel - 2 * padding), 33))
    return size, kernel, int(rng.integers(1, 5)), padding


OUTPUT_SIZE = Exercise(
    name="01-output-size",
    task="the length of a convolution's output",
    starter=output_size_starter,
    reference=output_size,
    cases=(
        (32, 3, 1, 0),
        (32, 3, 1, 1),
        (32, 3, 2, 1),
        (7, 3, 2, 0),
        (8, 3, 2, 0),
        (5, 5, 1, 0),
        (28, 5, 4, 2),
        (224, 7, 2, 3),
    ),
    generate=_random_size,
    valid=lambda size, kernel, stride, padding: (
        size >= 3 and kernel >= 2 and stride > 0 and padding >= 0 and kernel <= size + 2 * padding
    ),
    misconceptions=(
        Misconception(
            "forgets padding",
            _forgets_padding,
            "The zeros around the image count too: the kernel may lie on them.",
        ),
        Misconception(
            "pads one side",
            _pads_once,
            "`padding` zeros stand on each side: the axis grows by twice as many.",
        ),
        Misconception(
            "rounds up",
            _rounds_up,
            "A place where the kernel would stick out does not count: round down, not up.",
        ),
        Misconception(
            "adds one before dividing",
            _one_first,
            "The 1 is the first place. It comes after the division, not into it.",
        ),
        Misconception(
            "forgets the first place",
            _no_one,
            "You counted the steps between the places. There is one place more than steps.",
        ),
        Misconception(
            "a fraction of a pixel",
            _true_division,
            "There are no half places: divide with `//`, which rounds down.",
        ),
        Misconception(
            "ignores the stride",
            _ignores_stride,
            "That is how many places there are. With a stride only every so many is taken.",
        ),
    ),
    alternatives=(
        _count_places,
        lambda size, kernel, stride, padding: _output_size(
            size, kernel, stride=stride, padding=padding
        ),
    ),
    hints=(
        "Draw it: an axis of pixels, with zeros at both ends, and the kernel as a bar on it.",
        "The padded axis has `size + 2 * padding` pixels. How far can the bar move before it "
        "sticks out?",
        "It can move by `size + 2 * padding - kernel` pixels. How many whole strides is that?",
        "`//` counts whole strides. And the bar's first place, before any step, counts too: + 1.",
    ),
    praise="The one formula that every shape error in a network comes down to.",
    onward='`convolution.output_size` adds TensorFlow\'s "same" and dilation.',
    draw=_draw_size,
    alt="An axis of pixels with its padding, and below it a bar for every place of the kernel.",
)


# -- receptive-field -----------------------------------------------------------------------------


def receptive_field(layers: Layers) -> Any:
    """Input pixels across that one output sees; `layers` are `(kernel, stride)`, first to last."""
    size, jump = 1, 1  # of a pixel: it sees itself, and its neighbour is one pixel away
    for kernel, stride in layers:
        # r <- r + (k - 1) j, then j <- j s
        size = size + (kernel - 1) * jump
        jump = jump * stride
    return size


def receptive_field_starter(layers: Layers) -> Any:
    """How many input pixels across one output value depends on. layers: [(kernel, stride), ...]."""
    return ...


def _from_the_output(layers: Layers) -> Any:
    size = 1
    for kernel, stride in reversed(layers):
        size = (size - 1) * stride + kernel
    return size


def _adds_kernels(layers: Layers) -> Any:
    return sum(kernel for kernel, _ in layers)


def _multiplies_kernels(layers: Layers) -> Any:
    return int(np.prod([kernel for kernel, _ in layers]))


def _without_strides(layers: Layers) -> Any:
    return receptive_field([(kernel, 1) for kernel, _ in layers])


def _stride_too_early(layers: Layers) -> Any:
    size, jump = 1, 1
    for kernel, stride in layers:
        jump = jump * stride
        size = size + (kernel - 1) * jump
    return size


def _stride_forgets(layers: Layers) -> Any:
    size, before = 1, 1
    for kernel, stride in layers:
        size = size + (kernel - 1) * before
        before = stride
    return size


def _only_last(layers: Layers) -> Any:
    return layers[-1][0] if layers else 1


def _draw_receptive(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    (layers,) = inputs
    if not layers or wanted > 40 or len(layers) > 6:
        return None
    title = f"The output at the top sees {wanted} pixel{'' if wanted == 1 else 's'}; you said {got}"
    return figures.cone(layers, title=title)


def _random_layers(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.integers(1, 6))
    return ([(int(rng.integers(2, 6)), int(rng.integers(1, 3))) for _ in range(count)],)


RECEPTIVE_FIELD = Exercise(
    name="01-receptive-field",
    task="how many input pixels across one output of a stack of layers can see",
    starter=receptive_field_starter,
    reference=receptive_field,
    cases=(
        ([(3, 1)],),
        ([(3, 1), (3, 1)],),
        ([(2, 2), (3, 1)],),
        ([(3, 2), (3, 2), (3, 1)],),
        ([(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)],),
    ),
    generate=_random_layers,
    valid=lambda layers: (
        len(layers) > 0 and all(kernel >= 2 and stride > 0 for kernel, stride in layers)
    ),
    misconceptions=(
        Misconception(
            "adds the kernels",
            _adds_kernels,
            "Kernels overlap where they meet: a second layer of 3 adds 2 pixels, not 3.",
        ),
        Misconception(
            "multiplies the kernels",
            _multiplies_kernels,
            "Neighbouring windows overlap, so the reach grows by sums. Products hold for windows "
            "side by side, as in pooling.",
        ),
        Misconception(
            "ignores the strides",
            _without_strides,
            "After a stride of 2, neighbours are two input pixels apart, and every later kernel "
            "reaches twice as far.",
        ),
        Misconception(
            "a layer's own stride",
            _stride_too_early,
            "A layer's stride spreads what comes after it: use the jump of the layers before.",
        ),
        Misconception(
            "only the stride before",
            _stride_forgets,
            "Strides multiply: after two strides of 2, neighbours are four input pixels apart.",
        ),
        Misconception(
            "only the last layer",
            _only_last,
            "The last kernel sees so many values of the layer below. How much do those see?",
        ),
    ),
    alternatives=(_from_the_output,),
    hints=(
        "Start with one layer of 3, stride 1: it sees 3 pixels. What does a second one add?",
        "It adds (3 - 1) = 2: its window overlaps. Each layer adds (kernel - 1) times something.",
        "That something is the jump: how many input pixels lie between neighbours of the layer "
        "below. It starts at 1 and is multiplied by each stride, after the layer has used it.",
    ),
    praise="You can now say what a network cannot possibly see.",
    onward="`convolution.receptive_field` is this, with dilation. A tracker whose object is larger "
    "than its receptive field never sees the whole object at once.",
    draw=_draw_receptive,
    alt="Layers as rows of dots, the input below. Lines lead from one output at the top to every "
    "input that it sees.",
)


EXERCISES = (TO_TENSOR, CORRELATE, SHIFT_KERNEL, OUTPUT_SIZE, RECEPTIVE_FIELD)
