# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: kernelspec,language_info,tracklab
#     cell_metadata_filter: tags,shows
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   tracklab:
#     title: Images and convolutions
#     objectives:
#     - text: read the axes, the type and the range of an image tensor, and repair one whose colours are in the wrong order
#       exercise: 01-to-tensor
#     - text: say what a convolution computes, do one by hand, and write it as a loop
#       exercise: 01-correlate
#     - text: design a kernel that does what you want it to do
#       exercise: 01-shift-kernel
#     - text: predict the size of an output from kernel, stride and padding
#       exercise: 01-output-size
#     - text: work out how much of the picture one output of a network can see
#       exercise: 01-receptive-field
#     builds_on: ['00']
#     minutes: 75
#     seconds: 90
#     measures:
#     - the largest difference between our convolution and TensorFlow's
#     - how much faster a matrix product is than a loop, for the same convolution
#     - the receptive field of small networks by formula, by trial and by gradient
#     - how near a learned kernel comes to Sobel's, from three kinds of pictures
#     - in what share of the frames a kernel finds the object that it was cut from
# ---

# %% [markdown]
# # 01 Images and convolutions
#
# In the next cell a few lines of code follow an object through a video. There is no network in
# them and nothing is trained: the whole tracker is **one convolution**. A piece of the first frame
# is the kernel, and the object is wherever the kernel answers most.
#
# Convolution is also what the networks of this course are made of. This lesson takes it apart
# until nothing about it is magic: what goes in, what is computed, what it costs, what comes out
# and how large, what it cannot see, and how a kernel can be learned instead of designed.
#
# **Objectives.** After this lesson you can
#
# - read the axes, the type and the range of an image tensor, and repair one whose colours are in
#   the wrong order (`01-to-tensor`)
# - say what a convolution computes, do one by hand, and write it as a loop (`01-correlate`)
# - design a kernel that does what you want it to do (`01-shift-kernel`)
# - predict the size of an output from kernel, stride and padding (`01-output-size`)
# - work out how much of the picture one output of a network can see (`01-receptive-field`)
#
# **Builds on** lesson 00: frames, boxes, and how `check`, `hint` and `solution` work.
#
# **Time.** 75 minutes to read and work; runs in under 90 seconds on two cores.
#
# **You will have measured**
#
# - the largest difference between our convolution and TensorFlow's
# - how much faster a matrix product is than a loop, for the same convolution
# - the receptive field of small networks by formula, by trial and by gradient
# - how near a learned kernel comes to Sobel's, from three kinds of pictures
# - in what share of the frames a kernel finds the object that it was cut from

# %% tags=["hook", "setup"]
from tracklab import convolution, kernels, scenes
from tracklab.exercises import check, hint
from tracklab.show import play, show

clip = scenes.render(seed=9, frames=60, size=(96, 128), objects=3, object_size=(20, 28))
images = convolution.as_tensor(clip.frames)
start = clip.truth.boxes[0, 2]  # where the third object is in the first frame

found = kernels.follow(images, start)  # one kernel, cut out of frame 0, laid on every frame
play(clip, found, title="One convolution follows one object", trails=15)

# %% [markdown]
# At the end of the lesson you will know each step of `kernels.follow`, why its first version
# failed, and on which videos it still does.

# %% [markdown]
# ## 1. An image is a tensor
#
# A clip is an array with four axes. **Predict.** The clip has 60 frames of 96 rows and 128
# columns, in colour. What is its shape? What is `frames[0, 10, 20]`?

# %%
# NBVAL_CHECK_OUTPUT
frames = clip.frames
print("shape", frames.shape, "  type", frames.dtype, "  from", frames.min(), "to", frames.max())
print("frames[0, 10, 20] =", frames[0, 10, 20])

# %% [markdown]
# **Explain.** The axes are `(N, H, W, C)`: which image, which **row**, which **column**, which
# **channel**. So `frames[0, 10, 20]` is row 10, column 20: y before x, and y grows downwards. What
# is left is one pixel, three numbers for red, green and blue. A box says x before y. Half of all
# mistakes in tracking code are these two orders mixed up.
#
# This layout is called *channels last*. TensorFlow uses it; some libraries want `(N, C, H, W)`.
#
# Here is a piece of a frame, its three channels, as the computer has them. **Predict.** What is in
# it: light or dark, smooth or with an edge?

# %%
import numpy as np

from tracklab import plots
from tracklab.plots import convolutions as figures

x1, y1 = np.rint(start[:2]).astype(int)
patch = np.s_[y1 : y1 + 6, x1 : x1 + 6]
figures.numbers(
    [frames[0][patch][..., channel] for channel in range(3)],
    ["red", "green", "blue"],
    white=255,
    title="A picture is three tables of whole numbers from 0 to 255",
    alt="Three grids of 6 by 6 whole numbers, shaded from black to white: the red, green and blue channel of the upper left "
    "corner of an object. The edge of the object runs through each of them.",
)

# %% [markdown]
# ### Two traps
#
# **Trap 1: bytes.** Pixels come as `uint8`, whole numbers from 0 to 255. **Predict.** What is
# 200 + 100 in `uint8`? And the mean of the two, computed as `(a + b) // 2`?

# %%
# NBVAL_CHECK_OUTPUT
a, b = np.array([200], np.uint8), np.array([100], np.uint8)
print("200 + 100 =", (a + b)[0], "   their mean:", ((a + b) // 2)[0])
print("as float32, 0 to 1:", (a / np.float32(255) + b / np.float32(255)).round(3)[0])

# %% [markdown]
# **Explain.** A byte that overflows starts again at 0, without an error. So pixels are turned into
# `float32` and divided by 255 before anything else is done with them. Networks also learn better
# from numbers of about 1 than from numbers of about 255.
#
# **Trap 2: BGR.** OpenCV keeps blue first. **Predict.** What do you see when its BGR is shown as
# RGB: which colours stay as they are?

# %%
figures.responses(
    [frames[0], frames[0, :, :, ::-1]],
    ["RGB, as it is", "the same numbers, read as BGR"],
    title="Swapped channels leave shapes alone, so nothing fails",
    alt="The same frame twice. In the second one red and blue are swapped: green things are yellowish "
    "and pink ones violet. The shapes are the same.",
    width=6,
)

# %% [markdown]
# **Explain.** Nothing fails. The shape is right, the type is right, the picture is sharp. A network
# that was trained on RGB merely gets worse. The colours that stay are those with as much red as blue:
# greys, pure greens and magentas. So a grey picture does not show the mistake at all. tracklab is RGB
# everywhere; `cv2.imread` and `cv2.VideoCapture` are not.
#
# ### Exercise `01-to-tensor`
#
# Frames from OpenCV come as `(N, H, W, 3)` `uint8` BGR. Give them back as RGB, `float32`, 0 to 1.
# Work on the whole batch at once.


# %% tags=["exercise"]
def to_tensor(frames):
    """`(N, H, W, 3)` uint8 BGR, 0 to 255, to the same shape in float32 RGB, 0 to 1."""
    return ...


check("01-to-tensor", to_tensor)

# %% [markdown]
# Stuck? Ask for a hint, more than once: each says a little more. When you have tried, or given up,
# `from tracklab.exercises import solution` and `solution("01-to-tensor")` show the reference. The same
# goes for every exercise.

# %%
hint("01-to-tensor", 1)

# %% [markdown]
# ## 2. Convolution, by hand
#
# A **kernel** is a small table of weights. Lay it on the picture, multiply each weight with the
# pixel under it, and add everything up: one number. Move on by one pixel and do it again.
#
# **Predict.** Below is a picture with an edge in it: dark (0) at the left, bright (5) at the right.
# What is the framed number of the output? Where will the output be largest, and where 0?

# %%
picture = np.zeros((5, 6))
picture[:, 3:] = 5
sobel = kernels.KERNELS["Sobel x"]
hidden = np.full((3, 4), np.nan)
figures.numbers(
    [picture, sobel, hidden],
    ["picture", "kernel", "output"],
    windows={0: (0, 1, 3, 3), 2: (0, 1, 1, 1)},
    title="Window times kernel, added up, is one number",
    alt="A picture of 5 by 6 numbers, 0 in the left half and 5 in the right half; the kernel with "
    "rows -1 0 1, -2 0 2, -1 0 1; an empty output of 3 by 4. A window of 3 by 3 pixels that "
    "begins in row 0, column 1 is framed, and the number that it makes.",
)

# %%
# NBVAL_CHECK_OUTPUT
window = picture[0:3, 1:4]
print((window * sobel).astype(int))
print("sum:", int((window * sobel).sum()))

# %%
output = kernels.filter_image(picture, sobel, padding="valid")
figures.numbers(
    [picture, sobel, output],
    ["picture", "kernel", "output"],
    windows={0: (0, 1, 3, 3), 2: (0, 1, 1, 1)},
    title="The kernel answers to the edge, and flat areas give 0",
    alt="The same picture and kernel with the output filled in: each row is 0, 20, 20, 0.",
)

# %% [markdown]
# **Explain.** The weights add up to 0, so wherever all pixels are alike the products cancel, however
# bright it is. Across the edge, the bright side is weighed with plus and the dark side with minus.
# This kernel is Sobel's, and it answers to one thing: *brighter from left to right*.
#
# The output is smaller than the picture: a window of 3 fits into 6 columns at 4 places.
#
# ### The definition, and its loops
#
# With many images, channels and filters there are more indices, and nothing else changes. Each
# filter reads **all** channels and makes **one** channel of the output:
#
# $$\text{out}[n, y, x, f] = \sum_{i, j, c} \text{image}[n,\, s y + i,\, s x + j,\, c] \cdot
# \text{kernel}[i, j, c, f]$$
#
# Here $s$ is the stride, of which more below. The package has it written out as it stands:

# %%
show(convolution.correlate_loops)

# %% [markdown]
# ### Exercise `01-correlate`
#
# Write it yourself, for the simplest case: one grey image `(H, W)`, one kernel `(h, w)`, no
# padding, stride 1. Neither needs to be square.


# %% tags=["exercise"]
def correlate(image, kernel):
    """What `tf.nn.conv2d` computes, for one grey image `(H, W)` and one kernel `(h, w)`."""
    return ...


check("01-correlate", correlate)

# %% [markdown]
# ### The same without loops
#
# Every output is a sum of products, so all outputs together are one matrix product: lay each window
# out as a row, each filter as a column. This is what libraries do (they call it *im2col*).

# %%
show(convolution.correlate, convolution.windows, docstring=False)

# %% [markdown]
# ### Is it what TensorFlow computes?
#
# **Predict.** Will the two be equal to the last bit?

# %%
from tracklab.quiet import keras, tf

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 31, 24, 3)).astype(np.float32)
k = rng.normal(size=(3, 5, 3, 8)).astype(np.float32)

ours, theirs = convolution.correlate(x, k), tf.nn.conv2d(x, k, strides=1, padding="VALID").numpy()
print(
    f"largest difference {np.abs(ours - theirs).max():.1e}, largest value {np.abs(theirs).max():.1f}"
)

# %% [markdown]
# **Explain.** Almost, but not to the last bit. A `float32` holds about seven digits, and every sum
# of many products is rounded, in an order that each library chooses for itself. This is why tests
# of numerical code compare with a tolerance. Here is every kind of stride and padding, asserted:

# %%
# NBVAL_CHECK_OUTPUT
worst = 0.0
for stride in (1, 2, 3):
    for padding in ("valid", "same"):
        ours = convolution.correlate(x, k, stride=stride, padding=padding)
        theirs = tf.nn.conv2d(x, k, stride, padding.upper()).numpy()
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
        print(f"stride {stride}, {padding:<5}", ours.shape, np.allclose(ours, theirs, atol=1e-4))
assert worst < 1e-5

# %% [markdown]
# ### A question of name
#
# In mathematics, a *convolution* turns the kernel by 180 degrees before it lays it on. What you just
# did, without the turn, is called *cross-correlation*. **Predict.** Which of the two is
# `tf.nn.conv2d`, and which is SciPy's `convolve2d`?

# %%
# NBVAL_CHECK_OUTPUT
from scipy import signal

image, small = x[0, :, :, 0], k[:, :, 0, 0]
one = np.s_[None, :, :, None]
tf_says = tf.nn.conv2d(image[one], small[:, :, None, None], 1, "VALID").numpy()[0, :, :, 0]
for name, other in {
    "signal.correlate2d": signal.correlate2d(image, small, "valid"),
    "signal.convolve2d": signal.convolve2d(image, small, "valid"),
    "signal.convolve2d, kernel turned": signal.convolve2d(image, small[::-1, ::-1], "valid"),
}.items():
    print(f"tf.nn.conv2d equals {name:<34}{np.allclose(tf_says, other, atol=1e-4)}")

# %% [markdown]
# **Explain.** Networks correlate and call it convolution. It makes no difference to a network: where
# the turned kernel is wanted, the turned kernel is learned. It makes a difference to you as soon as
# you compare with a signal-processing library, or design a kernel that is not symmetrical.
#
# ### What it costs
#
# Each output needs `h * w * C` multiply-adds. **Predict.** For one image of 32 x 32 with 3 channels
# and 32 filters of 3 x 3, how many are that: thousands, or millions? How much faster than our loop
# is the matrix product: 3 times, 30 times, or hundreds of times?

# %%
import time

from IPython.display import Markdown


def cpu_ms(call, calls, rounds=5):
    """Milliseconds of CPU time (all threads) for one call, in the best of some rounds."""
    call()  # the first one is not counted
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - began) * 1000 / calls)
    return best


small = rng.normal(size=(1, 32, 32, 3)).astype(np.float32)
filters = rng.normal(size=(3, 3, 3, 32)).astype(np.float32)
products = convolution.multiply_adds(small.shape, filters.shape)
tensors = tf.constant(small), tf.constant(filters)
cost = {
    "our loops": cpu_ms(lambda: convolution.correlate_loops(small, filters), calls=1),
    "our matrix product": cpu_ms(lambda: convolution.correlate(small, filters), calls=20),
    "TensorFlow": cpu_ms(lambda: tf.nn.conv2d(*tensors, 1, "VALID"), calls=50),
}
speedup = cost["our loops"] / cost["our matrix product"]
rows = "\n".join(
    f"| {name} | {ms:.2f} | {products / ms / 1e6:.3f} | {cost['our loops'] / ms:.0f} |"
    for name, ms in cost.items()
)
Markdown(
    f"{products:,} multiply-adds.\n\n| | CPU ms | billion products a second | times the loops |\n"
    f"|---|---|---|---|\n{rows}"
)

# %% [markdown]
# **Explain.** The arithmetic is the same in each row. What the loops spend is Python: one trip
# through the interpreter for each output. (Times depend on the machine and on what else it does, so the
# table shows the best of five rounds, and nothing in this lesson rests on it.) From here on we use the
# matrix product and TensorFlow, and write loops to understand.
#
# ### Why not connect every pixel with every output?
#
# A *dense* layer would have one weight for each pair of input and output. A convolution has two
# ideas that a dense layer lacks: an output looks only at a small window (**local**), and every
# window uses the same weights (**shared**). **Predict.** How many weights does each need, to make
# the output of the table above?

# %%
# NBVAL_CHECK_OUTPUT
out = convolution.correlate(small, filters)
print(f"convolution: {filters.size:>12,} weights")
print(f"dense layer: {small.size * out.size:>12,} weights for the same shapes")

# %% [markdown]
# ## 3. Kernels that people designed
#
# Before kernels were learned, people thought them up. **Predict.** Here are eight. Add up the weights
# of each: which ones keep the brightness of a picture, and which ones turn flat areas to 0?

# %%
# NBVAL_CHECK_OUTPUT
for name, weights in kernels.KERNELS.items():
    print(f"{name:<14} adds up to {weights.sum():+.2f}   {weights.astype(float).round(2).tolist()}")

# %%
grey = kernels.grey(images[:1])[0, :, :, 0]
close = grey[y1 - 14 : y1 + 34, x1 - 24 : x1 + 40]  # around the object
blurs = ("box blur", "Gaussian blur", "sharpen")
edges = ("Sobel x", "Sobel y", "Laplacian", "emboss")
answers = [kernels.filter_image(close, kernels.KERNELS[name], padding="valid") for name in blurs]
answers += [kernels.filter_image(close, kernels.KERNELS[name], padding="valid") for name in edges]
figures.responses(
    [close, *answers],
    ["a piece in grey", *blurs, *edges],
    signed=(4, 5, 6),
    title="Weights that add up to 1 give a picture; weights that cancel give edges",
    alt="A piece of a frame in grey and seven responses. Both blurs soften it, sharpen makes edges harder. Sobel x "
    "answers to upright edges with plus on one side and minus on the other, Sobel y to level ones, "
    "the Laplacian to all of them, and emboss looks like a relief lit from one corner.",
    width=8,
)

# %% [markdown]
# **Explain.** A sum of 1 keeps the brightness (blur, sharpen, emboss). A sum of 0 forgets it, and
# keeps changes: Sobel x those from left to right, Sobel y those from top to bottom, the Laplacian
# those in every direction. Such answers have a **sign**, so they need a scale with a middle: here
# orange is above 0 and purple below.
#
# The grey picture itself came out of a convolution: a kernel of **1 x 1** that weighs the three
# channels.

# %%
show(kernels.grey)

# %% [markdown]
# ### Your turn
#
# Change a number and watch. Things to try:
#
# 1. Take *Sobel x*. Make it answer to edges that get **darker** from left to right.
# 2. Take *identity*, set its four neighbours to -1 and the middle to 5. What did you make?
# 3. Choose *one white pixel* and any kernel that is not symmetrical. Why is the answer the kernel,
#    turned by 180 degrees?
# 4. Set the stride to 2. Then the padding to *same* with an edge kernel: what appears at the border,
#    and why?

# %% tags=["explorer"]
from tracklab import explore

explore("kernel")

# %% [markdown]
# **Explain.**
#
# 1. Change the sign of all weights that are not 0, or swap the left column with the right one: both
#    make the same kernel. What was orange is now purple.
# 2. The list now says *sharpen*. The weights still add up to 1, so flat areas stay. Beside an edge, a
#    pixel differs from some of its neighbours, and that difference is added to it: bright becomes
#    brighter and dark darker, which looks sharp.
# 3. The place above the white pixel sees it through the kernel's **lower** middle weight, and the place
#    to the left of it through the **right** one. So the weights come out in reverse order, along both
#    axes. (A true convolution turns the kernel first, and gives it back as it is.)
# 4. The response has half as many rows and columns: every second place is left out. With *same*, zeros
#    lie around the picture, and zero is black. Where the picture is brighter than that, its border is an
#    edge, and the kernel answers to it. Nothing in the scene is there.
#
# ### Exercise `01-shift-kernel`
#
# A kernel can also move a picture. Write the function that gives the 3 x 3 kernel which moves
# everything by `down` rows and `right` columns, each -1, 0 or 1. Mind the direction: the kernel is
# laid on as it is.


# %% tags=["exercise"]
def shift_kernel(down, right):
    """A `(3, 3)` kernel for cross-correlation: the picture moves by that many pixels (-1, 0, 1)."""
    return ...


check("01-shift-kernel", shift_kernel)

# %% [markdown]
# ### One thick kernel, or two thin ones
#
# Some kernels are a column times a row. Then two thin convolutions do the work of one thick one:
# `h + w` products a pixel for `h * w`. **Predict.** Which of the eight can be taken apart so?

# %%
# NBVAL_CHECK_OUTPUT
for name, weights in kernels.KERNELS.items():
    pair = kernels.separate(weights)
    print(f"{name:<14}", "no" if pair is None else "yes")

# %%
column, row = kernels.separate(sobel)
figures.numbers(
    [column / column[0, 0], row * column[0, 0], sobel],
    ["a column", "times a row", "is Sobel x"],
    title="Sobel's kernel blurs along the edge and takes a difference across it",
    alt="The column 1, 2, 1 times the row -1, 0, 1 is the Sobel kernel.",
)

# %%
# NBVAL_CHECK_OUTPUT
gauss = kernels.gaussian(15, 2.5)
column, row = kernels.separate(gauss)
thick = kernels.filter_image(grey, gauss)
thin = kernels.filter_image(kernels.filter_image(grey, column), row)
print("products a pixel:", gauss.size, "in one step,", column.size + row.size, "in two")
print("equal to float precision:", np.allclose(thick, thin, atol=1e-5))

# %% [markdown]
# **Explain.** A kernel can be taken apart where all its rows are multiples of one row: where its
# matrix has rank 1. Large blurs gain most. Lesson 12 uses the same thought, along channels, to make
# networks small.

# %% [markdown]
# ## 4. How large is the output?
#
# Three things decide: **padding** (zeros laid around the picture), **stride** (how far the kernel
# moves each time) and **dilation** (gaps between its weights). The picture below is one axis: pixels
# in blue, zeros dotted, one bar for each place of a kernel of 3.
#
# **Predict.** An axis of 8 pixels, a kernel of 3, one zero on each side, stride 2: how many places?
# Does the kernel reach the last zero?

# %%
size = convolution.output_size(8, 3, stride=2, padding=1)
figures.places(
    8,
    3,
    stride=2,
    padding=1,
    title=f"{size} places; the hatched zero is never seen",
    alt=f"An axis of 8 pixels with a zero at each end, and {size} bars of 3 below it, two pixels "
    "apart. No bar reaches the last zero.",
)

# %% [markdown]
# **Explain.** The padded axis has $n + 2p$ pixels. After the first place, the kernel of $k$ can move
# on by $n + 2p - k$ pixels, in whole strides of $s$, and what is left over is dropped:
#
# $$o = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
#
# ### Exercise `01-output-size`


# %% tags=["exercise"]
def output_size(size, kernel, stride, padding):
    """Output length for `size` pixels, `padding` zeros on each side, every `stride`-th place."""
    return ...


check("01-output-size", output_size)

# %% [markdown]
# ### "same" is not what it seems
#
# TensorFlow's "valid" means no padding. Its "same" means: as many zeros as make the output
# `ceil(n / s)` long. **Predict.** For the axis above (8 pixels, kernel 3, stride 2), how many zeros
# does "same" add, and where?

# %%
before, after = convolution.padding_amounts(8, 3, stride=2, padding="same")
figures.places(
    8,
    3,
    stride=2,
    padding=(before, after),
    title=f"With stride 2, 'same' puts {before} zeros before and {after} after",
    alt="An axis of 8 pixels with one zero at its end only, and four bars of 3, two pixels apart: "
    "the first begins at pixel 0, the last ends on the zero.",
)

# %%
# NBVAL_CHECK_OUTPUT
print("size  kernel stride | valid  same  padding=1 | zeros of 'same'")
for n, kernel, stride in [(32, 3, 1), (32, 3, 2), (33, 3, 2), (32, 5, 2), (32, 2, 2), (7, 3, 3)]:
    sizes = [
        convolution.output_size(n, kernel, stride=stride, padding=p) for p in ("valid", "same", 1)
    ]
    zeros = convolution.padding_amounts(n, kernel, stride=stride, padding="same")
    line = np.zeros((1, n, n, 1), np.float32)
    there = tf.nn.conv2d(line, np.ones((kernel, kernel, 1, 1), np.float32), stride, "SAME")
    assert there.shape[1] == sizes[1]
    print(f"{n:>4}{kernel:>8}{stride:>7} |{sizes[0]:>6}{sizes[1]:>6}{sizes[2]:>11} | {zeros}")

# %% [markdown]
# **Explain.** With a kernel of 3 and stride 2, an even picture gets its one zero at the right and
# bottom, so every window lies one pixel further to the right and down than with one zero on either
# side: windows begin at 0, 2, 4, ... and not at -1, 1, 3, ... The sizes agree and the numbers do not: weights brought over from a library that pads both sides give other answers.
#
# A dilated kernel reaches further with the same nine weights: a kernel of 3 with gaps of one pixel
# reaches across $d (k - 1) + 1$ pixels.

# %%
figures.places(
    10,
    3,
    dilation=2,
    title="Dilation 2: three weights across five pixels",
    alt="An axis of 10 pixels and six bars, each with three marks, two pixels apart.",
)

# %% [markdown]
# ### Pooling
#
# A pooling layer also looks through windows, but has no weights: it keeps the largest value, or the
# mean, of each window. Usually its stride is its size, so that the windows lie side by side.
#
# **Predict.** What is left of the single 9 after each?

# %%
values = np.array([[0, 0, 1, 1], [0, 9, 1, 1], [2, 4, 0, 0], [6, 8, 0, 1]], np.float32)
batch = values[None, :, :, None]
largest, mean = convolution.max_pool(batch)[0, :, :, 0], convolution.average_pool(batch)[0, :, :, 0]
figures.numbers(
    [values, largest, mean],
    ["values", "max pooling", "average pooling"],
    windows={0: (0, 0, 2, 2), 1: (0, 0, 1, 1), 2: (0, 0, 1, 1)},
    white=9,
    title="The largest value survives; the mean thins it out",
    alt="A grid of 4 by 4 with a single 9, its max pooling 9, 1, 8, 1 and its average pooling 2.25, "
    "1, 5, 0.25.",
)

# %%
# NBVAL_CHECK_OUTPUT
maps = rng.normal(size=(2, 13, 10, 4)).astype(np.float32)
for size, stride, padding in [(2, 2, "valid"), (3, 2, "same"), (3, 1, "valid")]:
    options = {"stride": stride, "padding": padding}
    same_max = np.array_equal(
        convolution.max_pool(maps, size, **options),
        tf.nn.max_pool2d(maps, size, stride, padding.upper()),
    )
    same_mean = np.allclose(
        convolution.average_pool(maps, size, **options),
        tf.nn.avg_pool2d(maps, size, stride, padding.upper()),
        atol=1e-6,
    )
    print(
        f"window {size}, stride {stride}, {padding:<5}  max equals TensorFlow's: {same_max}", end=""
    )
    print(f"  mean: {same_mean}")

# %% [markdown]
# ## 5. What one output can see
#
# Behind one convolution of 3 x 3, an output sees 3 x 3 pixels. Behind two, it sees more: it sees
# 3 x 3 values that each see 3 x 3 pixels. This is its **receptive field**. **Predict.** How far does
# an output see behind two convolutions of 3? Behind conv 3, pool 2, conv 3, pool 2, conv 3, which is
# the network of lesson 02?

# %%
article = [(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)]  # (kernel, stride), first to last
reach = convolution.receptive_field(article)
figures.cone(
    article,
    title=f"Three small convolutions and two poolings see {reach.size} pixels across",
    alt=f"Rows of dots, one for each layer. Lines lead from one dot at the top to {reach.size} dots "
    "at the bottom, the input.",
)

# %% [markdown]
# **Explain.** Walk from the input upwards, and keep two numbers: the field $r$, and the jump $j$, how
# many input pixels lie between two neighbours of the layer. At the input both are 1. Each layer with
# kernel $k$ and stride $s$ makes (Araujo et al., 2019)
#
# $$r \leftarrow r + (k - 1)\, j, \qquad j \leftarrow j\, s$$
#
# Strides multiply, so they are what makes a field grow fast.
#
# ### Exercise `01-receptive-field`


# %% tags=["exercise"]
def receptive_field(layers):
    """How many input pixels across one output value depends on. layers: [(kernel, stride), ...]."""
    return ...


check("01-receptive-field", receptive_field)

# %% [markdown]
# ### Formula, trial, gradient
#
# A formula should be held against the thing itself. We do it in two ways. By **trial**: light one
# pixel after another and see whether the output moves (`convolution.influence`). By **gradient**:
# ask TensorFlow for the derivatives of one output by all pixels; where it is not 0, the pixel counts.
# Lesson 02's network is run with its poolings replaced by convolutions of ones with a stride of 2: the
# same windows, and every pixel counts. (In max pooling only the largest of a window would move the output.)
# **Predict.** Will the three agree?


# %%
# NBVAL_CHECK_OUTPUT
def network(layers, weights=lambda kernel: np.ones((kernel, kernel, 1, 1), np.float32)):
    """A stack of convolutions with one channel, as a function of images `(N, H, W, 1)`."""

    def run(images):
        for kernel, stride in layers:
            images = tf.nn.conv2d(images, weights(kernel), stride, "SAME")
        return images

    return run


def across(pixels):
    """How many columns the pixels that are not 0 span."""
    columns = np.flatnonzero(np.asarray(pixels).any(axis=0))
    return int(columns[-1] - columns[0] + 1)


def gradient(run, size):
    """Derivatives `(size, size)` of the output in the middle by every pixel."""
    pixels = tf.Variable(tf.zeros([1, size, size, 1]))
    with tf.GradientTape() as tape:
        output = run(pixels)
        middle = output[0, output.shape[1] // 2, output.shape[2] // 2, 0]
    return tape.gradient(middle, pixels).numpy()[0, :, :, 0]


stacks = {
    "conv 3": [(3, 1)],
    "conv 3, conv 3": [(3, 1), (3, 1)],
    "conv 3 stride 2, conv 3": [(3, 2), (3, 1)],
    "lesson 02's windows": article,
}
agree = True
for name, layers in stacks.items():
    by_formula = convolution.receptive_field(layers).size
    by_trial = across(convolution.influence(network(layers), 40))
    by_gradient = across(gradient(network(layers), 40))
    agree &= by_formula == by_trial == by_gradient
    print(f"{name:<24} formula {by_formula:>2}   trial {by_trial:>2}   gradient {by_gradient:>2}")

# %% [markdown]
# **Explain.** They agree. But "can see" is not "sees well". **Predict.** Ten convolutions of 3 have a
# field of 21 pixels. With random weights, as at the start of training: do all pixels of the field
# matter equally?

# %%
draws = np.random.default_rng(0)
deep = [(3, 1)] * 10


def random_weights(kernel):
    return draws.normal(size=(kernel, kernel, 1, 1)).astype(np.float32)


strength = np.zeros((31, 31))
for _ in range(40):
    one = np.abs(gradient(network(deep, random_weights), 31))
    strength += one / one.sum() / 40
field = convolution.receptive_field(deep).size
edge = (31 - field) // 2
profile = strength.sum(0)[edge : edge + field]
inner = profile[field // 4 : field - field // 4]

fig, ax = plots.figure(
    title=f"The middle {inner.size} columns of the field carry {inner.sum():.0%} of its weight",
    alt="Bars for the columns of a receptive field. They are high in the middle and close to nothing "
    "towards both ends, like a bell.",
    height=2.6,
)
ax.bar(np.arange(field) - field // 2, profile, color=plots.COLORS[0])
ax.set(xlabel="columns from the middle (pixels)", ylabel="share of the gradient")
fig

# %% [markdown]
# **Explain.** Many paths lead from the middle pixels to the output, and few from those at the rim. So
# the field that matters, the *effective* receptive field, is a bell in the middle of the possible one
# (Luo et al., 2016). A tracker should have a field well larger than its object.

# %% [markdown]
# ## 6. When the picture moves, the answer moves
#
# All windows share one kernel. So if an object moves by one pixel, its answer moves by one pixel and
# stays the same otherwise: convolution is **equivariant** to translation. A tracker lives on this.
#
# But it holds with limits. We film the same scene twice, with the camera moved by some pixels, and
# look for the best shift that makes both outputs agree. **Predict.** For which rows will a difference
# be left: plain convolution, with "same" padding, stride 2, max pooling?


# %%
# NBVAL_CHECK_OUTPUT
def gap(operation, moved):
    """The largest difference between two outputs, at the best shift by whole outputs."""
    wide = kernels.grey(images[:1])
    one, two = (operation(wide[:, :, left : left + 64]) for left in (8, 8 - moved))
    wide_out = one.shape[2]
    shifts = range(moved + 1)
    return min(float(np.abs(two[:, :, s:] - one[:, :, : wide_out - s]).max()) for s in shifts)


edge_kernel = sobel[:, :, None, None]
operations = {
    "convolution": lambda z: convolution.correlate(z, edge_kernel),
    "convolution, 'same' padding": lambda z: convolution.correlate(z, edge_kernel, padding="same"),
    "convolution, stride 2": lambda z: convolution.correlate(z, edge_kernel, stride=2),
    "max pooling 2": convolution.max_pool,
}
for name, operation in operations.items():
    print(f"{name:<30} moved by 1: {gap(operation, 1):.2f}   moved by 2: {gap(operation, 2):.2f}")

# %% [markdown]
# **Explain.** Three things break it:
#
# - **Borders.** Padding puts an edge where the scene has none, and it does not move with the scene.
# - **Stride.** With stride 2 every other place is left out. A move by 1 lands between the places that
#   were kept; a move by 2 is a move by one output.
# - **Pooling** has a stride too.
#
# Here is the third in small: the same bar, moved by one pixel.

# %%
bar = np.array([[0, 0, 1, 1, 0, 0, 0, 0]], np.float32)
moved = np.roll(bar, 1, axis=1)
pooled = [
    convolution.max_pool(np.repeat(z, 2, 0)[None, :, :, None])[0, :, :, 0] for z in (bar, moved)
]
figures.numbers(
    [bar, pooled[0], moved, pooled[1]],
    ["a bar", "max pooling", "moved by 1", "max pooling"],
    title="Moved by one pixel, the pooled bar becomes twice as wide",
    alt="A bar 0 0 1 1 0 0 0 0 pools to 0 1 0 0. Moved by one pixel, 0 0 0 1 1 0 0 0, it pools to "
    "0 1 1 0.",
)

# %% [markdown]
# A tracker that needs the place to a pixel therefore keeps its strides small, or predicts the rest of
# the way as an offset. You will meet both.

# %% [markdown]
# ## 7. A kernel can be cut out
#
# Now back to the first cell. Where should a kernel answer most? Where the picture under it is like the
# kernel. So why not take the object itself as the kernel: `h` x `w` x 3 weights, cut out of the first
# frame. **Predict.** Will the answer be largest at the object?

# %%
x1, y1, x2, y2 = np.rint(start).astype(int)
crop = images[0, y1:y2, x1:x2]
raw = convolution.correlate(images[:1], crop[..., None])[0, :, :, 0]
centred = convolution.correlate(images[:1], kernels.template(crop))[0, :, :, 0]
middle = np.array([(x2 - x1) // 2, (y2 - y1) // 2])  # of a window, from its corner


def in_place(response):
    """A map as large as the frame: each answer stands at the middle of its window."""
    whole = np.full(images.shape[1:3], np.nan)
    high, wide = response.shape
    whole[middle[1] : middle[1] + high, middle[0] : middle[0] + wide] = response
    return whole


def best(response):
    """The middle of the window that answers most, x and y."""
    return np.array(kernels.peak(response)[::-1]) + middle


figures.responses(
    [
        images[0],
        in_place((raw - raw.min()) / np.ptp(raw)),
        in_place(centred / np.abs(centred).max()),
    ],
    ["frame 0, object in orange", "raw piece as kernel", "its mean taken away"],
    signed=(2,),
    boxes={0: [start]},
    points={1: [best(raw)], 2: [best(centred)]},
    title="The raw piece answers to brightness; without its mean it answers to the object",
    alt="A frame with the object in a box, and two response maps. The map of the raw piece is bright "
    "in a wide area and its peak, in a ring, is somewhere else. The map of the centred piece has one "
    "sharp peak, at the object, in a ring too.",
    width=9,
)

# %% [markdown]
# **Explain.** All pixels are positive, so a bright window makes every product large, whatever it
# shows. Taking the mean of each channel out of the kernel makes its weights add up to 0, as in an edge
# kernel: flat areas now give 0, and only the *pattern* counts. (The ring is around the largest answer.
# A map is smaller than the frame: it has one value for each place of the kernel, drawn here at the
# middle of its window.)

# %%
show(kernels.template, kernels.follow)

# %% [markdown]
# How well does it follow? We call a frame a hit where the centre of the box is within 5 pixels of the
# true one. The baseline is a box that stays where it was in the first frame.

# %%
from tracklab import boxes


def hits(found, truth):
    """Share of frames in which the centre is within 5 pixels of the true one."""
    off = boxes.centers(found) - boxes.centers(truth)
    return float((np.hypot(off[:, 0], off[:, 1]) <= 5).mean())


truth = clip.truth.boxes[:, 2]
share = {
    "the box stays": hits(np.repeat(start[None], len(truth), 0), truth),
    "raw piece": hits(kernels.follow(images, start, centred=False), truth),
    "centred piece": hits(found, truth),
}
plots.bars(
    share,
    title=f"Without its mean, the kernel hits in {share['centred piece']:.0%} of the frames",
    alt="Three bars: "
    + ", ".join(f"{name} {value:.0%}" for name, value in share.items())
    + ", in share of frames.",
    xlabel="frames with the centre within 5 pixels",
    form="{:.0%}",
    highlight="centred piece",
)

# %% [markdown]
# ### Where it fails
#
# **Predict.** The same scene, with one difficulty at a time turned up: which ones will the kernel
# survive? The object turns; it changes its size; the light changes; look-alikes come in. To save
# time, the kernel gets every second frame only, without a difficulty (*none*) too.

# %%
difficulties = ("rotation", "scale_variation", "illumination", "distractors")
survives = {"none": hits(kernels.follow(images[::2], start), truth[::2])}  # every second frame
for dial in difficulties:
    hard = scenes.render(
        seed=9, frames=60, size=(96, 128), objects=3, object_size=(20, 28), **{dial: 1.0}
    )[::2]
    there = hard.truth.boxes[:, 2]
    survives[dial.replace("_", " ")] = hits(
        kernels.follow(convolution.as_tensor(hard.frames), there[0]), there
    )
plots.bars(
    survives,
    title="One fixed look is lost when the object turns, grows or meets its like",
    alt="Bars of the share of hits by difficulty: "
    + ", ".join(f"{name} {value:.0%}" for name, value in survives.items())
    + ".",
    xlabel="frames with the centre within 5 pixels",
    form="{:.0%}",
    highlight="none",
)

# %% [markdown]
# **Explain.** Light that rises and falls does little harm: it makes all products larger or smaller
# together, and the place of the largest stays. But the kernel knows one look of the object, and nothing
# about where it was a frame ago. These failures have lessons: motion (05), and a template that is
# compared by *learned* features and changes with time (07).

# %% [markdown]
# ## 8. A kernel can be learned
#
# Suppose you do not know Sobel's kernel. You only have pictures, and what the kernel made of them. Can
# gradient descent find the nine numbers? We start with a random kernel, compare what it gives with what
# is wanted, and go downhill.
#
# Which way is downhill? Each weight was used at every place of the picture, so it answers for the
# errors at every place. Its gradient is again a cross-correlation: of the picture with the errors.

# %%
show(convolution.kernel_gradient)

# %% [markdown]
# It is the gradient that TensorFlow computes:

# %%
pictures = rng.normal(size=(4, 16, 16, 1)).astype(np.float32)
wanted = convolution.correlate(pictures, edge_kernel)
guess = tf.Variable(rng.normal(size=edge_kernel.shape).astype(np.float32))
with tf.GradientTape() as tape:
    loss = tf.reduce_mean((tf.nn.conv2d(pictures, guess, 1, "VALID") - wanted) ** 2)
theirs = tape.gradient(loss, guess).numpy()

# loss = mean of (output - wanted)^2, so dloss/doutput = 2 (output - wanted) / count
wrong = 2 * (convolution.correlate(pictures, guess.numpy()) - wanted) / wanted.size
ours = convolution.kernel_gradient(pictures, wrong, (3, 3))
gradient_gap = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
print(f"largest difference of the two gradients: {gradient_gap:.1e} of the largest value")
assert gradient_gap < 1e-5

# %% [markdown]
# Now the learning itself, with Keras: a `Conv2D` layer with a random kernel, the same number of steps,
# and three kinds of pictures: **noise**, **frames** of our clip, and pictures of one **flat** grey.
# **Predict.** From which will it learn Sobel's kernel? On which will the loss become 0?


# %% tags=["training"]
def learn(pictures, steps=600, seed=1):
    """Largest error of a weight after each step, the final loss, and the kernel."""
    keras.utils.set_random_seed(seed)
    layer = keras.layers.Conv2D(1, 3, use_bias=False)
    layer.build(pictures.shape)
    optimizer = keras.optimizers.Adam(0.05)
    given, wanted = tf.constant(pictures), tf.constant(convolution.correlate(pictures, edge_kernel))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(given) - wanted) ** 2)
        optimizer.apply(tape.gradient(loss, [layer.kernel]), [layer.kernel])
        return loss

    off = [float(np.abs(layer.kernel.numpy() - edge_kernel).max())]
    for _ in range(steps):
        loss = float(step())
        off.append(float(np.abs(layer.kernel.numpy() - edge_kernel).max()))
    return np.array(off), loss, layer.kernel.numpy()[:, :, 0, 0]


scene = kernels.grey(images[::4, 16:80, 16:80])
runs = {
    "noise": learn(rng.normal(size=(8, 32, 32, 1)).astype(np.float32)),
    "frames": learn(scene - scene.mean()),
    "flat grey": learn(np.full((8, 32, 32, 1), 0.5, np.float32)),
}
plots.curves(
    {name: (np.arange(len(off)), np.maximum(off, 1e-7)) for name, (off, _, _) in runs.items()},
    title="Noise teaches the kernel fast, frames slowly, flat pictures not at all",
    alt="Three curves of the largest error of a weight over the steps, on a logarithmic scale. For "
    "noise it falls by orders of magnitude, for frames it falls more slowly, for flat pictures it "
    "stays where it began.",
    xlabel="step",
    ylabel="largest error of a weight",
    log=True,
)

# %%
figures.numbers(
    [sobel, *(np.round(kernel, 2) for _, _, kernel in runs.values())],
    ["Sobel x", *(f"from {name}" for name in runs)],
    title="What was learned from flat pictures is wrong, and its loss is 0",
    alt="Four kernels of 3 by 3: Sobel's, the one learned from noise and the one learned from frames, "
    "which are equal to it or nearly so, and the one learned from flat pictures, which is not.",
)

# %%
Markdown(
    "| pictures | loss at the end | largest error of a weight |\n|---|---|---|\n"
    + "\n".join(f"| {name} | {loss:.1e} | {off[-1]:.1e} |" for name, (off, loss, _) in runs.items())
)

# %% [markdown]
# **Explain.** A flat picture asks only one thing of the nine weights: that they add up to 0. The
# learner does that, its loss is perfect, and the kernel is wrong. **A loss of 0 says that you fit what
# you were shown, not that you found what you were looking for.**
#
# In frames, neighbouring pixels are nearly alike, so swapping weight between neighbours hardly changes
# the loss: a long flat valley, in which descent is slow. In noise all pixels are independent, and there
# is no valley. Lessons 09 and 10 are about such valleys.

# %% [markdown]
# ## What was measured

# %% tags=["gate"]
off = {name: run[0] for name, run in runs.items()}
rows = [
    ("largest difference to TensorFlow, share of the largest value", f"{worst:.1e}", "below 1e-5"),
    ("matrix product against loops, CPU time", f"{speedup:.0f} times", "1 (the loops)"),
    ("receptive fields: formula, trial and gradient agree", str(bool(agree)), "all of them"),
    (
        "Sobel learned from noise, largest error",
        f"{off['noise'][-1]:.1e}",
        f"{off['noise'][0]:.2f} (start)",
    ),
    (
        "Sobel learned from frames, largest error",
        f"{off['frames'][-1]:.1e}",
        f"{off['frames'][0]:.2f} (start)",
    ),
    (
        "Sobel learned from flat grey, largest error",
        f"{off['flat grey'][-1]:.2f}",
        f"{off['flat grey'][0]:.2f} (start)",
    ),
    (
        "frames in which the kernel finds its object",
        f"{share['centred piece']:.0%}",
        f"{share['raw piece']:.0%} (raw), {share['the box stays']:.0%} (box stays)",
    ),
]
assert worst < 1e-5
assert agree
assert off["noise"][-1] < 0.001 * off["noise"][0]
assert off["frames"][-1] < 0.05 * off["frames"][0]
assert off["flat grey"][-1] > 0.5 * off["flat grey"][0]
assert max(survives["rotation"], survives["scale variation"]) < 0.6 < survives["illumination"]
assert share["centred piece"] > 0.9 > 0.5 > max(share["raw piece"], share["the box stays"])
Markdown(
    "| measured | value | baseline |\n|---|---|---|\n"
    + "\n".join(f"| {what} | {value} | {baseline} |" for what, value, baseline in rows)
)

# %% [markdown]
# ## Summary
#
# - An image batch is `(N, H, W, C)`: image, row, column, channel. Rows come before columns, pixels are
#   bytes until you convert them, and OpenCV's colours are in the order BGR.
# - A convolution, as networks use the word, is a cross-correlation: at every place, window times
#   kernel, added up. It is one matrix product over all windows.
# - Each filter reads all channels and makes one. Weights are shared by all places: few weights, and
#   answers that move with the picture.
# - Size: $\lfloor (n + 2p - k) / s \rfloor + 1$. TensorFlow's "same" pads what is needed, and an odd
#   zero goes to the right and to the bottom.
# - Receptive field: $r \leftarrow r + (k - 1) j$, then $j \leftarrow j s$. The middle of it counts most.
# - Stride, pooling and padding break the equivariance.
# - A kernel can be designed, cut out of a picture (a tracker!), or learned. What can be learned depends
#   on the pictures that are shown.
#
# ## Common misconceptions
#
# - *"A convolution turns the kernel."* In mathematics, yes; in networks, no.
# - *"A 3 x 3 convolution of an RGB image has nine weights."* It has 27 for each filter, and a bias
#   where one is used.
# - *"'same' keeps the size."* Only with stride 1.
# - *"Padding of 1 and 'same' are the same thing."* Not with stride 2 on an even size.
# - *"Pooling makes a network ignore where things are."* It makes the answer coarser, and different for
#   moves that are no multiple of the stride.
# - *"An output sees its whole receptive field."* It can; in practice the middle counts most.
# - *"The brightest answer is the best match."* Only for a kernel without its mean; and for windows of
#   unlike contrast one divides by their length, too (lesson 00's likeness; lesson 07).
#
# ## Quiz
#
# **1.** A layer has 16 filters of 5 x 5, reads 3 channels, and gets a batch of `(8, 64, 64, 3)` with
# stride 2 and "same" padding. What is the shape of its output, and how many weights does it have,
# without bias?
#
# <details><summary>Answer</summary>
#
# `(8, 32, 32, 16)`: "same" gives ceil(64 / 2) = 32. It has 5 · 5 · 3 · 16 = 1,200 weights. The batch
# changes nothing about the weights.
#
# </details>
#
# **2.** Your tracker's objects are up to 60 pixels wide. Its network is five convolutions of 3 x 3 with
# stride 1. What is wrong, and what are two ways to repair it?
#
# <details><summary>Answer</summary>
#
# The receptive field is 1 + 5 · 2 = 11 pixels: no output ever sees a whole object, only a part of its
# surface or its edge. Strides or poolings between the layers make the field grow fast (at the price of
# a coarser place); dilation makes it grow without; a smaller input picture makes the object smaller;
# more layers help, but by 2 pixels each.
#
# </details>
#
# ## Further reading
#
# - V. Dumoulin, F. Visin. *A guide to convolution arithmetic for deep learning.* arXiv:1603.07285, 2016.
#   All of section 4, with drawings.
# - A. Araujo, W. Norris, J. Sim. *Computing receptive fields of convolutional neural networks.* Distill,
#   2019, doi:10.23915/distill.00021.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel. *Understanding the effective receptive field in deep
#   convolutional neural networks.* NIPS 2016.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. *Gradient-based learning applied to document
#   recognition.* Proceedings of the IEEE 86 (11), 1998, pages 2278 to 2324. Learned kernels, shared
#   weights, pooling: where it became a network.
# - K. Fukushima. *Neocognitron: a self-organizing neural network model for a mechanism of pattern
#   recognition unaffected by shift in position.* Biological Cybernetics 36, 1980, pages 193 to 202.
# - R. Zhang. *Making convolutional networks shift-invariant again.* ICML 2019. What to do about
#   section 6.
# - I. Sobel, G. Feldman. *A 3 x 3 isotropic gradient operator for image processing.* Talk at the
#   Stanford Artificial Intelligence Project, 1968.
# - K. Chellapilla, S. Puri, P. Simard. *High performance convolutional neural networks for document
#   processing.* Tenth International Workshop on Frontiers in Handwriting Recognition, 2006. The matrix
#   product.
