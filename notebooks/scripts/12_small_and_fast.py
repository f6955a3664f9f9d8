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
#     title: Small and fast
#     objectives:
#     - text: count what a convolution costs, and what a separable one saves
#       exercise: 12-products
#     - text: fold a normalization into the convolution before it
#       exercise: 12-fold
#     - text: put real numbers on a grid of few bits, and bound the error
#       exercise: 12-quantize
#     - text: choose the weights that a network can do without
#       exercise: 12-prune
#     - text: write the loss by which a small network learns from a large one
#       exercise: 12-distil
#     - text: say which of many networks nobody needs
#       exercise: 12-frontier
#     builds_on: ['02', '04', '05', '07']
#     minutes: 120
#     seconds: 100
#     measures:
#     - the share of each layer of a classifier in its weights, its products and its time
#     - milliseconds of an image by how many go in at once, in Keras and as files
#     - the error of 8-bit weights, with one scale for a kernel and one for each channel
#     - accuracy by bits, in integer arithmetic that is written out and agrees with LiteRT's
#     - bytes, milliseconds and answers of a file in four precisions
#     - how far the files of four networks are from what Keras says
#     - accuracy of a pruned network at once and after fine-tuning, and its bytes counted in four ways
#     - accuracy, bytes and milliseconds of a network with half of its channels, taught by the whole one
#     - how far a small tracker's network comes, taught by a large one and alone (stored)
#     - the frontier of bytes, milliseconds and quality of all four networks (stored)
# ---

# %% [markdown]
# # 12 Small and fast
#
# The networks of this course run on two cores of a notebook. A camera on a pole, a drone, a phone have less: less memory,
# less power, often no floating point at all. The article ends on the hope that detection and tracking become *more
# efficient*. In this lesson you make the four networks of the course smaller and faster, in five ways, and measure each
# time **what it costs**. What is small is only worth something beside how good it still is.
#
# **Objectives.** After this lesson you can
#
# - count what a convolution costs, and what a separable one saves (`12-products`)
# - fold a normalization into the convolution before it (`12-fold`)
# - put real numbers on a grid of few bits, and bound the error (`12-quantize`)
# - choose the weights that a network can do without (`12-prune`)
# - write the loss by which a small network learns from a large one (`12-distil`)
# - say which of many networks nobody needs (`12-frontier`)
#
# **Builds on** lesson 02 (the classifier), lesson 04 (the detector), lesson 05 (the motion networks) and lesson 07 (the
# visual tracker).
#
# **Time.** 120 minutes to read and work; runs in under 100 seconds on two cores.
#
# **You will have measured**
#
# - the share of each layer of a classifier in its weights, its products and its time
# - milliseconds of an image by how many go in at once, in Keras and as files
# - the error of 8-bit weights, with one scale for a kernel and one for each channel
# - accuracy by bits, in integer arithmetic that is written out and agrees with LiteRT's
# - bytes, milliseconds and answers of a file in four precisions
# - how far the files of four networks are from what Keras says
# - accuracy of a pruned network at once and after fine-tuning, and its bytes counted in four ways
# - accuracy, bytes and milliseconds of a network with half of its channels, taught by the whole one
# - how far a small tracker's network comes, taught by a large one and alone (stored)
# - the frontier of bytes, milliseconds and quality of all four networks (stored)

# %% tags=["hook", "plot"]
from tracklab import compress, datasets, scenes
from tracklab.models import detector
from tracklab.show import play, show

finder, _ = detector.shipped()  # lesson 04's detector
hard = datasets.boxed.KINDS["hard"].scene
clip = hard.render(seed=scenes.TEST_SEED + 15, frames=24, low_contrast=0.3, noise=0)
examples = datasets.boxed_scenes("hard", 24, part="train").images
finder_file = compress.export_detector(
    finder, clip.frames[0].shape[:2], precision="int8", images=examples
)
in_bytes = compress.ExportedDetector(finder, finder_file)
whole, small = (model.detect_all(clip.frames, score=0.5) for model in (finder, in_bytes))
float_bytes = 4 * sum(v.numpy().size for v in finder.variables)
play(
    clip,
    {"float32": [f.boxes for f in whole], "int8": [f.boxes for f in small]},
    width=256,
    fps=8,
    title=f"The same detector: {float_bytes / 1e6:.1f} MB of float32, and a file of {len(finder_file) / 1e6:.1f} MB in "
    "8-bit integers",
    alt="Drawn shapes move over a grey texture. Each has two boxes, one of the detector in float32 and one of its file "
    "in 8-bit integers. Most of the time the two lie on each other.",
)

# %% [markdown]
# Every kernel of the second detector holds whole numbers from -127 to 127, and nearly all that is computed in it is whole
# numbers. It finds nearly the same. How can so much precision be worth so little? And what else can go?
#
# ## 1. Count first
#
# Our patient is lesson 02's classifier. (Where CIFAR-10 is not at hand, the same network is trained for a moment on drawn
# sprites.) Three different things can be too large: the **weights** (bytes of memory), the **products** (multiplications
# for an image), and the **time**. They are not in the same place. (Time is counted in *CPU milliseconds*: what the
# processor worked, which stays the same when other programs are busy. What you wait for, the *wall* time, does not.)
#
# **Predict.** The network has five 3x3 convolutions; maps get smaller and channels more numerous from each to the next.
# Where are most of the weights? Where is most of the time?

# %% tags=["setup"]
import time

import numpy as np
from IPython.display import Markdown

from tracklab import compress, datasets, plots, training
from tracklab.compress import classifying, profiling, pruning, quantization, sizes
from tracklab.exercises import check, hint
from tracklab.models import classifier

data = datasets.cifar10()
model, card = classifier.shipped()
if not data.is_cifar:  # it does not know other images
    model = classifier.improved(data.train_images, seed=0)
    classifier.train_improved(
        model, data.train_images, data.train_labels, steps=150, progress=False
    )
test_x, test_y = data.test_images[:2000], data.test_labels[:2000]


def accuracy(network):
    """The share of test images that a Keras model or a classifier's file names rightly."""
    if isinstance(network, compress.Exported):
        answers = classifying.logits(network, test_x)
    else:
        answers = training.predict(network, test_x)
    return float((answers.argmax(1) == test_y).mean())


shipped_accuracy = accuracy(model)
print(f"{data.name}: {shipped_accuracy:.1%} of {len(test_y):,} test images right")

# %% tags=["plot"]
costs = compress.by_layer(model, test_x[:32], repeats=5)
convs = [one for one in costs if one.products]
heaviest = max(convs, key=lambda one: one.weights)
busiest = max(convs, key=lambda one: one.products)
plots.cost_by_layer(
    costs,
    title=f"{heaviest.weights / sum(c.weights for c in costs):.0%} of the weights are in the last convolution, "
    f"{busiest.products / sum(c.products for c in costs):.0%} of the products in the first 3x3 one",
)

# %% [markdown]
# **Explain.** A weight of an early convolution is used at every one of a thousand places, one of the last at nine. So
# early layers cost *time*, late ones *bytes*. Compare the two panels on the right: time does not follow the products.
# (Each layer was run alone. To a convolution is added what stands behind it and has no products of its own: pooling,
# normalization, ReLU. Papers count these as nothing; a clock does not.) Who wants a smaller file cuts at the end; who
# wants a faster network cuts at the beginning.
#
# ### One image, or many at once
#
# A call itself costs something: looking up the graph, allocating memory, waking threads. **Predict.** How much cheaper is
# an image if 256 go in together?

# %% tags=["plot"]
as_file = compress.export_classifier(model)
runs = {"Keras": lambda images: training.predict(model, images), "file": as_file.batched}
by_batch = {
    name: compress.by_batch(run, test_x[:256].astype(np.float32), repeats=5)
    for name, run in runs.items()
}
keras_ms, file_ms = by_batch["Keras"], by_batch["file"]
plots.time_by_batch(
    by_batch,
    title=f"Alone, an image costs {keras_ms[1].cpu / keras_ms[256].cpu:.1f} times what it costs among 256 in Keras, "
    f"and {file_ms[1].cpu / file_ms[256].cpu:.1f} times in a file",
)

# %% [markdown]
# **Explain.** The *file* holds the same network, exported to **LiteRT** (section 5): no Python, no graph to look up.
# Batches help where calls are dear. A tracker gets one frame at a time and cannot wait for 255 others, so from here on we
# count single images.
#
# ## 2. Fewer products: separable convolutions
#
# A 3x3 convolution does two things at once: it looks at neighbours, and it mixes channels. **MobileNet** (Howard and
# others, 2017) does one after the other. *Depthwise*: each channel is filtered by itself. *Pointwise*: a 1x1 convolution
# mixes them. **Predict.** Of a 3x3 convolution from 64 channels to 128, what share of the products is left? Write the
# function, and ask it.
#
# ### Exercise `12-products`


# %% tags=["exercise"]
def products(height, width, kernel, channels, filters):
    """Products of two numbers that a convolution makes, and those of the separable one.

    The map that comes out has `height` x `width` places and `filters` channels; the one that goes
    in has `channels`. A kernel is `kernel` x `kernel`. The separable one is two convolutions: a
    depthwise one, which filters each channel by itself, and a pointwise one (1 x 1), which mixes
    the channels.
    """
    return ...


check("12-products", products)

# %% [markdown]
# Stuck? `hint("12-products", 1)` says a little, 2 and 3 say more. `solution("12-products")`, from the same place, shows the
# reference.

# %%
hint("12-products", 1)

# %% [markdown]
# In the package it is an option of the classifier:

# %%
from tracklab.models.classifier import networks

show(networks.convolved)

# %%
thin = classifier.improved(data.train_images[:100], separable=True)
thin_costs = compress.by_layer(thin, test_x[:32], repeats=5)
thin_file = compress.export_classifier(thin)


def once(exported):
    """CPU milliseconds of one image, alone, as a file."""
    return profiling.clocked(lambda: exported.run("classify", pixels=test_x[:1]), repeats=15).cpu


print(f"{'':12}{'weights':>10}{'products':>12}{'CPU ms, as a file':>20}")
for name, network, its_costs, exported in (
    ("as it is", model, costs, as_file),
    ("separable", thin, thin_costs, thin_file),
):
    total = sum(one.products for one in its_costs)
    print(f"{name:12}{network.count_params():10,}{total:12,}{once(exported):20.3f}")

# %% [markdown]
# **Explain.** Products fall to about a seventh, and weights as much. The time falls less: a depthwise filter does nine
# products for each number that it fetches from memory, a full convolution hundreds, and a processor is kept waiting.
# *Products are not milliseconds.* And such a network must be trained anew, from nothing, and may know less: section 9 has
# one that was trained for less time than the shipped network had.
#
# ## 3. Fewer operations: fold what does not change
#
# Once trained, a batch normalization multiplies each channel by one number and adds another: it no longer looks at the
# batch. A convolution multiplies and adds, too. So the two can be one. (Those of this network have no factor of their
# own, which is often called gamma.)
#
# ### Exercise `12-fold`


# %% tags=["exercise"]
def fold(kernel, beta, mean, variance, epsilon):
    """A kernel and a bias that do what a convolution and the normalization behind it do.

    `kernel` (k, k, M, N) has no bias. The normalization takes each of the N channels y to
    (y - mean) / sqrt(variance + epsilon) + beta, with arrays (N,) that no longer change. Returned
    are the new kernel (k, k, M, N) and the new bias (N,).
    """
    return ...


check("12-fold", fold)

# %%
plain = compress.folded(model)
apart = np.abs(training.predict(plain, test_x) - training.predict(model, test_x)).max()
kinds = (
    [type(layer).__name__ for layer in model.layers],
    [type(layer).__name__ for layer in plain.layers],
)
print(
    f"normalizations: {kinds[0].count('BatchNormalization')}, then {kinds[1].count('BatchNormalization')}"
)
print(f"logits differ by {apart:.1e} at most")

# %% [markdown]
# **Explain.** Nothing is lost: this is arithmetic, not approximation. (Pooling stands between the two in this network. A
# largest value times a positive factor is the largest of the products, so the factor passes through.) The network's first
# layer was made like that from the start: the whitening of lesson 02 divides each of its channels by the root of an
# eigenvalue, and the kernel holds the quotient. Remember that for the next section.
#
# ## 4. Fewer bits: whole numbers
#
# A float32 has 32 bits. **Quantization** (Jacob and others, 2018) puts real numbers $r$ on a grid of whole ones, $q$,
# with a *scale* $S$ and a *zero point* $Z$:
#
# $$r = S\,(q - Z)$$
#
# With 8 bits there are 256 whole numbers. $Z$ is the one that stands for the real 0, which is met exactly, as padding and
# ReLU put out exact zeros in great numbers. **Predict.** The values lie between $-1$ and $3$. How far can a number be
# from the nearest point of the grid?
#
# ### Exercise `12-quantize`


# %% tags=["exercise"]
def on_grid(values, bits):
    """Scale, zero point and whole numbers for real values (N,): the affine scheme.

    The range goes from `low`, the least value, to `high`, the largest; if it does not hold 0, that
    end is set to 0 which is nearer to it. It is divided into 2**bits - 1 steps, and the scale is
    the length of a step. The whole numbers go from `least`, -2**(bits - 1), to 2**(bits - 1) - 1.
    The zero point is the whole number that stands for 0.0: least - low / scale, to the nearest. A
    value r becomes r / scale + zero point, to the nearest. Nothing that you have to round lies just
    between two whole numbers, and at least one value is not 0.
    """
    return ...


check("12-quantize", on_grid)

# %% [markdown]
# **Explain.** 256 numbers have 255 steps between them; a step is 4/255 long, and nothing is off by more than half of
# that, about 0.008. In the package:

# %%
show(quantization.affine, quantization.symmetric, docstring=False)

# %% [markdown]
# Weights lie around 0; for them $Z = 0$ and the grid is as wide as the largest weight, to both sides alike (-128 is not
# used). **Predict.** In which of the kernels does one scale for all of it do most harm? (Where were channels divided by
# very different numbers?)

# %% tags=["plot"]
ONE, OWN = "one scale for the kernel", "a scale for each channel"


def error(weights, axis):
    """Of each channel, what 8 bits change, in percent of its size (both root mean squares)."""
    left = quantization.rounded(weights, quantization.symmetric(weights, axis=axis))
    return 100 * np.sqrt(((left - weights) ** 2).mean((0, 1, 2)) / (weights**2).mean((0, 1, 2)))


kernels = {
    layer.name: layer.kernel.numpy() for layer in plain.layers if type(layer).__name__ == "Conv2D"
}
print(
    f"{'8-bit kernel':20}{'loudest / quietest channel':>30}{'worst, one scale':>20}{'worst, own scales':>20}"
)
for number, weights in enumerate(kernels.values()):
    largest = np.abs(weights).max((0, 1, 2)).astype(float)
    print(
        f"{'3x3, number ' + str(number) if number else 'whitening':20}{largest.max() / largest.min():30.0f}"
        f"{error(weights, None).max():18.1f} %{error(weights, -1).max():18.1f} %"
    )
white = kernels["whitening"]
largest = np.abs(white).max((0, 1, 2))
off = {name: error(white, axis)[largest.argsort()] for name, axis in ((ONE, None), (OWN, -1))}
worst = {name: values.max() for name, values in off.items()}
plots.curves(
    {name: (np.arange(1, len(values) + 1), values) for name, values in off.items()},
    log=True,
    title=f"The whitening in 8 bits: with one scale the worst channel is off by {worst[ONE]:.0f} %, with its own by {worst[OWN]:.1f} %",
    xlabel="channels, from the smallest to the largest",
    ylabel="rounding error (% of its size)",
    alt="Two curves of the rounding error of each channel of the first layer, on a logarithmic axis. With one scale for the kernel it is "
    "large for channels of small weights and falls towards the large ones. With a scale for each channel it is small everywhere.",
)

# %% [markdown]
# **Explain.** The loudest channel makes the steps so long that the quiet ones fall between them. And here the quiet ones
# matter most: a channel is quiet because it was divided by a large root, so most of the picture is in it. A scale for
# each channel (Krishnamoorthi, 2018) costs four bytes a channel and mends it. In the 3x3 kernels channels are of about
# one size, and the gain is small.
#
# ### Integer arithmetic, written out
#
# Weights are half of it. To compute in whole numbers, what flows between the layers must lie on grids, too. Their ranges
# are taken from examples (**calibration**); what is later outside of its range is set to the end. Then a product of real
# numbers is a product of whole ones, times a factor $M = S_1 S_2 / S_3$ that is itself two whole numbers, a
# multiplication and a shift ($q_1$ is what flows in, $q_2$ the weights, $q_3$ what flows out):
#
# $$q_3 = Z_3 + M \sum_k (q_{1k} - Z_1)\, q_{2k}$$

# %%
show(quantization.product, quantization.rescaled, docstring=False)

# %% [markdown]
# The package has the whole classifier in this arithmetic, about 60 lines of NumPy (`compress.integers`). Beside it we put
# the int8 file that LiteRT makes from the same network and the same examples. **Predict.** Of 300 images, how many get
# another class than in float32? And do the two agree with each other?

# %%
few_x, few_y = test_x[:300], test_y[:300]
in_float = training.predict(plain, few_x)
ours = compress.Integers(plain, data.train_images[:200])
begin = time.process_time()
in_whole = ours.logits(few_x)
spent = 1000 * (time.process_time() - begin) / len(few_x)
plain_file = compress.export_classifier(plain, precision="int8", images=data.train_images[:200])
by_litert = classifying.logits(plain_file, few_x)
step = float(ours.steps[-1].outer.scale)
agreement = {
    "ours and float32": (in_whole.argmax(1) == in_float.argmax(1)).mean(),
    "LiteRT's and float32": (by_litert.argmax(1) == in_float.argmax(1)).mean(),
    "ours and LiteRT's": (in_whole.argmax(1) == by_litert.argmax(1)).mean(),
}
for name, value in agreement.items():
    print(f"the same class: {value:6.1%}   {name}")
print(
    f"logits of ours and LiteRT's differ by {np.abs(in_whole - by_litert).mean() / step:.1f} steps in the mean"
)
print(
    f"CPU ms an image: {spent:.1f} in NumPy, {once(plain_file):.3f} by LiteRT, {once(as_file):.3f} in float32"
)

# %% [markdown]
# **Explain.** So an int8 file has no secret: it does what stands above. And it is faster, as a vector instruction takes
# four times as many 8-bit numbers as 32-bit ones. NumPy is no place for it; the point was to see that nothing real is
# left inside.
#
# How far down can it go? What follows was measured once.

# %% tags=["plot"]
stored = compress.read_results()
print(f"Stored, not measured here: `{stored.about['command']}`, {stored.about['data']}")
by_bits = stored.about["written out"]
eight = {row["per_channel"]: row["accuracy"] for row in by_bits if row["bits"] == 8}
six = {row["per_channel"]: row["accuracy"] for row in by_bits if row["bits"] == 6}
plots.accuracy_by_bits(
    by_bits,
    title=f"With a scale for each channel 8 bits have {100 * eight[True]:.1f} %, with one for all {100 * eight[False]:.1f} %; "
    f"with 6 bits it is {100 * six[True]:.0f} and {100 * six[False]:.0f} %",
)

# %% [markdown]
# **Explain.** Each bit that goes doubles the steps. A scale for each channel is worth about two bits here: with it, the
# network knows about as much with 4 bits as without it with 6. Of ten classes a tenth is guessing: where the lower line
# ends, nothing is left. (All this without any training afterwards. Networks that are trained *while* they are rounded
# bear fewer bits; Jacob and others do that in their section 3.)
#
# ## 5. One file: LiteRT
#
# A network in Keras is Python, a graph and a heap of arrays. To run elsewhere it must become **one file**: functions with
# fixed shapes (*signatures*) and their weights. `compress.export` makes it, in four precisions.

# %%
show(compress.export_classifier, docstring=False)

# %%
files, rows = {}, []
told = training.predict(model, test_x)
for precision in compress.PRECISIONS:
    files[precision] = compress.export_classifier(
        model, precision=precision, images=data.train_images
    )
    said = classifying.logits(files[precision], test_x)
    rows.append(
        f"| {precision} | {len(files[precision]) / 1000:.0f} | {len(files[precision]) / len(files['float32']):.0%} | "
        f"{once(files[precision]):.3f} | {np.abs(said - told).max():.1e} | "
        f"{(said.argmax(1) == told.argmax(1)).mean():.1%} | {accuracy(files[precision]):.1%} |"
    )
Markdown(
    "| precision | KB | of float32 | CPU ms | logits off by, at most | the same class | accuracy |\n"
    "|---|---|---|---|---|---|---|\n" + "\n".join(rows)
)

# %% [markdown]
# **Explain.** *float32* is the same network to the last digits. *float16* halves the file and keeps the arithmetic. *int8
# weights* stores kernels in 8 bits; what flows between the layers stays real, but each large layer rounds what comes in
# to the range that it has just then, and so multiplies whole numbers, too: that is why it is as fast, and needs no
# examples. *int8* has it all on grids that the examples gave. Its logits are further off than with 8-bit kernels alone,
# and still few classes change.
#
# ### All four networks
#
# Not everything in a detector or a tracker is a network. What has no weights stays outside its file: the detector's
# anchors, RoIAlign and suppression; the motion model's filter; the tracker's Fourier transforms, memories and belief. The
# files are put back where the networks were, and the same code runs around them.
#
# **Predict.** In which of them will rounding do most harm: where an answer is used once, or where it comes back in the
# next frame?

# %%
from tracklab import boxes, motion, trackers
from tracklab.compress import following, moving
from tracklab.models import siamese
from tracklab.trackers.recurrent import RecurrentTracker

differences = {}
# the detector, on frames of the first cell
frames, both = clip.frames[:6], {}
by_keras_found = finder.detect_all(frames, score=0.5)
for precision in ("float32", "int8"):
    made = (
        finder_file
        if precision == "int8"
        else compress.export_detector(finder, frames[0].shape[:2])
    )
    found = compress.ExportedDetector(finder, made).detect_all(frames, score=0.5)
    pairs = [  # each box beside the one that overlaps it most: two of like scores may change places
        (a, b[boxes.iou(a[None], b)[0].argmax()])
        for asked, b in zip(by_keras_found, (one.boxes for one in found), strict=True)
        for a in asked.boxes
        if len(b) and boxes.iou(a[None], b).max() > 0.5
    ]
    apart = float(np.abs(np.subtract(*zip(*pairs, strict=True))).max())
    differences["detector", precision] = len(made), apart, "px of a box"
    both[precision] = len(pairs), sum(map(len, by_keras_found))
# a motion network, in closed loop over 60 frames
observed = motion.observe(40, part="test", seed=0)
lstm = motion.shipped("lstm")
followed = motion.run(motion.create("lstm", motion.PICTURE), observed.detections)
seen_before = moving.Recording(lstm, size=motion.PICTURE)
motion.run(seen_before, motion.observe(20, part="train", seed=1).detections)
for precision in ("float32", "int8"):
    made = compress.export_motion(lstm, precision=precision, examples=seen_before.examples)
    again = motion.run(compress.ExportedMotion(lstm, made, motion.PICTURE), observed.detections)
    apart = float(np.abs(again.boxes - followed.boxes).max())
    differences["motion, LSTM", precision] = len(made), apart, "px of a box"
# the visual tracker, in closed loop
network, cell = siamese.load()
one = scenes.render(seed=scenes.TEST_SEED + 3, frames=24, objects=1)
by_keras = trackers.run(RecurrentTracker(), one)
tracker_file = compress.export_tracker(network, cell)
watching = following.Recording(network, cell, tracker_file)
by_file = trackers.run(RecurrentTracker(network=watching), one)
apart = float(np.abs(by_file.boxes - by_keras.boxes).max())
differences["tracker", "float32"] = len(tracker_file), apart, "px of a box"
tracker_int8 = compress.export_tracker(network, cell, precision="int8", examples=watching.examples)
by_bytes = trackers.run(
    RecurrentTracker(network=compress.ExportedTracker(network, cell, tracker_int8)), one
)
apart = float(np.abs(by_bytes.boxes - by_keras.boxes).max())
differences["tracker", "int8"] = len(tracker_int8), apart, "px of a box"
for precision in ("float32", "int8"):
    logits_off = float(np.abs(classifying.logits(files[precision], test_x) - told).max())
    differences["classifier", precision] = len(files[precision]), logits_off, "of a logit"
for (name, precision), (count, apart, unit) in differences.items():
    print(f"{name:14}{precision:9}{count / 1000:9.0f} KB   off by {apart:9.2g} {unit}, at most")
print(
    "The detector's boxes that are found both ways: "
    + ", ".join(f"{here} of {n} in {precision}" for precision, (here, n) in both.items())
)

# %% [markdown]
# **Explain.** In float32 all four say what Keras says, to rounding. In int8 the differences are small where an answer is
# used once and then forgotten; where it comes back in the next frame, as in the motion model, they add up. (Pixels are
# not logits, and the three clips are not alike: compare the two precisions of a network, not one network with another.)
# What that does to their *quality* is another question, and section 9 answers it.
#
# ## 6. Fewer weights: pruning
#
# Most weights of a trained network are small. **Magnitude pruning** (Han and others, 2015) sets the smallest to 0.
#
# ### Exercise `12-prune`


# %% tags=["exercise"]
def kept(first, second, share):
    """Which weights of two kernels stay when the smallest `share` of all of them is cut.

    `first` and `second` are kernels of any shapes; `share` is from 0 to 1, both ends included. Of
    both together, round(share * number of weights) are cut, those with the smallest sizes (absolute
    values); no two sizes are the same. Returned are two boolean arrays in the shapes of the
    kernels, true where a weight stays.
    """
    return ...


check("12-prune", kept)

# %% [markdown]
# **Predict.** How many of the weights can go before accuracy notices, if nothing is done afterwards?


# %% tags=["plot"]
def again():
    """A fresh copy of the network, to be cut."""
    copy = classifier.improved(data.train_images[:100], seed=0)
    copy.set_weights(model.get_weights())
    return copy


shares_tried = (0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
at_once = []
victim = again()
cutting = pruning.Pruned(victim)
for share in shares_tried:  # a mask never gives back, so one network serves all
    cutting.cut(share)
    at_once.append(accuracy(victim))
bears = max(s for s, a in zip(shares_tried, at_once, strict=True) if a > shipped_accuracy - 0.02)
plots.curves(
    {"cut at once": (100 * np.array(shares_tried), 100 * np.array(at_once))},
    title=f"{bears:.0%} of the weights can go for less than two points; without {shares_tried[-1]:.0%} of them only {at_once[-1]:.0%} of the answers are right",
    xlabel="weights cut (%)",
    ylabel="accuracy (%)",
    ylim=(0, 100),
    alt="Accuracy against the share of weights that were cut. It stays for a while and then falls steeply.",
)

# %% [markdown]
# The others can learn to make up for what is gone. Zhu and Gupta (2017) cut *while training goes on*, fast at first and
# ever more slowly:
#
# $$s_t = s_f + (s_i - s_f)\left(1 - \frac{t - t_0}{n\,\Delta t}\right)^3$$
#
# Here $s_t$ is the share that is cut at step $t$. It goes from $s_i$ (none) to $s_f$ in $n$ cuts, the first at step $t_0$
# and then one after every $\Delta t$ steps. A mask holds what was cut at 0 after every step, whatever the optimizer does.

# %%
show(pruning.Pruned.cut, pruning.Pruned.hold, docstring=False)

# %% tags=["training"]
STEPS = 60
pruned = again()
pruning.prune(pruned, data.train_images, data.train_labels, 0.8, steps=STEPS, seed=0, progress=True)
after = accuracy(pruned)

# %%
counted = {
    name: sizes.sizes([v.numpy() for v in network.variables if "seed" not in v.path])
    for name, network in {"shipped": model, "80 % cut": pruned}.items()
}
print(
    f"80 % cut: {at_once[shares_tried.index(0.8)]:.1%} at once, {after:.1%} after {STEPS} steps of training"
)
print(f"\n{'KB':12}{'float32':>10}{'int8':>10}{'sparse':>10}{'zipped':>10}{'int8, zipped':>14}")
for name, size in counted.items():
    values = (size.float32, size.int8, size.sparse, size.deflated)
    print(
        f"{name:12}"
        + "".join(f"{v / 1000:10.0f}" for v in values)
        + f"{size.int8_deflated / 1000:14.0f}"
    )
pruned_file = compress.export_classifier(pruned, precision="int8", images=data.train_images)
print(
    f"\nas an int8 file: {len(pruned_file) / 1000:.0f} KB as before, {once(pruned_file):.3f} CPU ms as before"
)

# %% [markdown]
# **Explain.** Be honest with such numbers. Four of five weights are gone, and the file is *as large as before*, and as
# slow: a 0 takes as much room as any number, and is multiplied as any other. Only where the file is compressed, or zeros
# are not stored (*sparse*: five bytes for each that is left), does pruning save bytes; and only special hardware or
# special code saves time. "A tenth of the weights" in a paper says nothing about your milliseconds. (The shipped network
# zips better than float32 numbers do: its weights come from a file of 16 bits, so half of each number is zeros.)
#
# ## 7. Fewer channels
#
# What can be taken out whole is really gone. **Structured pruning** (Li and others, 2017) drops the filters with the
# smallest weights, and with each its channel: the next layer's kernels lose their part for it, too. What is left is an
# ordinary, smaller network.

# %%
from tracklab.compress import channels

show(channels.narrowed, docstring=False)

# %% [markdown]
# **Predict.** Half of the channels in every layer: what share of the weights is left? Of the products?

# %%
narrow = channels.narrowed(model, [width // 2 for width in networks.WIDTHS])
before_training = accuracy(narrow)
narrow_products = sum(c.products for c in compress.by_layer(narrow, test_x[:8], repeats=1))
print(f"weights: {narrow.count_params() / model.count_params():.0%} of the whole network's")
print(f"products: {narrow_products / sum(c.products for c in costs):.0%}")
print(f"accuracy, untrained since: {before_training:.1%}")

# %% [markdown]
# **Explain.** Half of the channels in and half of the filters out leave a quarter of a kernel. Of the products more is
# left: the whitening puts out as many channels as before, so the first 3x3 convolution, which has the most products,
# loses half of its filters and no more.
#
# And it has forgotten nearly everything: guessing would be right for a tenth. But it does not have to start from nothing,
# and it has somebody to ask.
#
# ## 8. Distillation: learn what the large one says
#
# A label says *cat*. A teacher says: cat 0.7, dog 0.2, deer 0.05, truck 0.0001. That is more, and a student can learn it
# (Hinton, Vinyals and Dean, 2015). Both answers are *softened*, their logits divided by a *temperature* above 1 before
# the softmax, so that the small numbers count.
#
# ### Exercise `12-distil`


# %% tags=["exercise"]
def student_loss(student, teacher, label, temperature, share):
    """The loss of a student for one image: `share` from its teacher, the rest from the label.

    `student` and `teacher` (C,) are logits. From the teacher: the Kullback-Leibler divergence
    sum of p log(p / q) of the two softened answers, p of the teacher and q of the student, each the
    softmax of logits / temperature; times the temperature squared. From the label: -log of the
    probability that the student gives it, at temperature 1.
    """
    return ...


check("12-distil", student_loss)

# %% [markdown]
# The whole network teaches the one with half of its channels.

# %% tags=["training"]
from tracklab.compress import distillation

compress.fine_tune(
    narrow,
    data.train_images,
    data.train_labels,
    objective=distillation.objective(model),
    steps=STEPS,
    seed=0,
    progress=True,
)
taught_accuracy = accuracy(narrow)
narrow_files = {
    precision: compress.export_classifier(narrow, precision=precision, images=data.train_images)
    for precision in ("float32", "int8")
}

# %%
for name, exported in {
    "whole, float32": files["float32"],
    "whole, int8": files["int8"],
    "half the channels, float32": narrow_files["float32"],
    "half the channels, int8": narrow_files["int8"],
}.items():
    print(
        f"{name:28}{len(exported) / 1000:8.0f} KB ({len(exported) / len(files['float32']):4.0%}) "
        f"{once(exported):8.3f} CPU ms   accuracy {accuracy(exported):.1%}"
    )

# %% [markdown]
# **Explain.** After so few steps most of what it had forgotten is back, at a fraction of the bytes and of the time.
# Longer training brings it closer: section 9 has it after more of them. (Part of this is the labels', part the teacher's.
# Section 9 has the same network *taught* and alone, after as many steps: compare the two before you praise the teacher.
# Here, `distillation.objective(model, share=0)` listens to labels alone.)
#
# ### A teacher for the tracker
#
# What could a tracker's teacher say that is richer than the truth? Its **response map**: of 576 places in the window, and
# of *nowhere*, how likely the object is at each. The truth names one of them; the teacher knows which others were nearly
# as good, and that the twin over there was tempting.

# %%
show(compress.students.objective, docstring=False)

# %% [markdown]
# A small network that was taught says nothing by itself: how good is the **same** network, alone? **Predict.** Three students
# start from the same weights: one with the teacher, one alone for as many steps, one alone for as much processor time (the
# teacher looks at every window, too). Which is best?

# %%
about = stored.about
rows = {row.variant: row for row in stored.of("tracker") if row.precision == "float32"}
print(f"Stored: `{about['command']}`; {rows['shipped'].measure}: mean (least to most) over seeds\n")
print(f"{'':28}{'weights':>9}{'steps':>7}{'CPU s':>7}   {'AUC':24}{'CPU ms':>6}")
for name, row in rows.items():
    cost = about["trained"].get(name, {})
    count = about["weights"].get(name, network.weights)
    scores = about["seeds"].get(name, [row.quality])
    spread = f"({min(scores):.3f} to {max(scores):.3f})" if len(scores) > 1 else "(as shipped)"
    print(
        f"{name:28}{count:9,}{cost.get('steps', ''):>7}{cost.get('cpu_seconds', ''):>7}"
        f"   {np.mean(scores):.3f} {spread:18}{row.cpu_ms:6.2f}"
    )
taught, alone, longer = (
    about["seeds"][f"student, {how}"] for how in ("taught", "alone", "alone for as long")
)
won = sum(a > b for a, b in zip(taught, longer, strict=True))
print(f"\ntaught better than alone for as long: with {won} of {len(taught)} seeds")

# %% [markdown]
# **Explain.** All students have a sixth of the weights, were trained for a small part of the time that the shipped network had
# (its card says how long that was), and are well behind. And the teacher did **not** help: the same network alone is as good or
# better, at less cost. The spread over seeds is as large as what one would like to see, so one seed could have told either story.
# Why no help? A guess that fits: here the truth is exact and free. Windows are cut from pictures, so it is known to the
# pixel where the object is, and after so few steps the student has not used that up. A teacher earns its time where labels are
# rare or poor, or where a student has learned all that they say. In section 9, compare *half the channels, taught* with
# *half the channels*, too. A paper that shows you a taught student without these rows has shown you a small network.
#
# ## 9. The frontier
#
# Many ways, and their combinations. Which should you take? First, which should you *never* take?
#
# ### Exercise `12-frontier`


# %% tags=["exercise"]
def unbeaten(costs, quality):
    """Which of N networks no other one beats: booleans (N,).

    `costs` (N, K), smaller is better in each of K ways (bytes, milliseconds); `quality` (N,),
    larger is better. A network is beaten by one that is nowhere worse and somewhere better. Of two
    that are the same in all, neither beats the other.
    """
    return ...


check("12-frontier", unbeaten)

# %% [markdown]
# All four networks in all their forms, measured once, in one run, with one thread. Of the classifier's, *separable* was
# trained from nothing; all others began as the shipped one. *An eighth of the last stage cut* has lost channels as in
# section 7, but few, and only in the last stage, where the bytes are. *Taught* ones were trained on with the whole
# network as their teacher. And *trained on* is the whole network after as much more training, for what gets better by
# training alone is no merit of the cut. (How many steps each had, `about` says.) **Predict.** How much of its file can
# the classifier lose for one point of accuracy?

# %%
print(
    f"Stored, not measured here: `{about['command']}` on {about['machine']}; a star: nobody is better for as little"
)
print(compress.table(stored.rows))

# %% tags=["plot"]
of_classifier = stored.of("classifier")
start = next(r for r in of_classifier if (r.variant, r.precision) == ("shipped", "float32"))
enough = [r for r in of_classifier if r.quality >= start.quality - 0.01]
least = min(enough, key=lambda row: row.bytes)
plots.frontier(
    of_classifier,
    title=f"{least.name.capitalize()}: {least.bytes / start.bytes:.0%} of the bytes, {100 * (least.quality - start.quality):+.1f} points",
    width=7.0,
)

# %% tags=["plot"]
fastest = min(enough, key=lambda row: row.cpu_ms)
plots.frontier(
    of_classifier,
    over="CPU ms",
    title=f"{fastest.name.capitalize()}: {start.cpu_ms / fastest.cpu_ms:.1f} times as fast, {100 * (fastest.quality - start.quality):+.1f} points",
    width=7.0,
)

# %% tags=["plot"]
shares = {}
for name in ("classifier", "detector", "motion", "tracker"):
    mine = [r for r in stored.of(name) if r.variant == ("lstm" if name == "motion" else "shipped")]
    by_precision = {r.precision: r for r in mine}
    shares[name] = by_precision["int8"].bytes / by_precision["float32"].bytes
plots.frontiers(
    stored,
    title="As int8 files: "
    + ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    + " of the float32 bytes",
)

# %% [markdown]
# **Explain.** Look at who has a star, and at the two kinds of 8 bits. With *8-bit weights* all four networks are about as
# good as before, and the large three need little more than a quarter of the bytes. With 8 bits *everywhere*, classifier
# and detector hardly notice: they answer once. Motion network and tracker do: there what was rounded comes back in the
# next frame. Cutting single weights buys no byte of a file that does not know zeros (look at the column *zipped*). To get
# below the int8 file of the whole network it takes structure, fewer channels, *and* training. In the motion networks
# there is little to win at all: the file's own frame weighs more than the weights do in 8 bits. Small is not one number.
#
# And mind the third digit. A network that is right for eight of ten images, asked about ten thousand, may by luck alone
# be off by four tenths of a point. Two forms of one network are wrong about nearly the same images and so can be told
# apart a little better, but who has a star by a tenth of a point may have it by luck. One that is larger, slower and no
# better is beaten all the same.
#
# ## 10. Explore
#
# The classifier's kernels, folded. Take bits away, cut weights, and watch a kernel and the answers of the whole network.
# (What flows between the layers stays real here. Answers count if they stay the same, right or wrong.) Things to try:
#
# 1. 8 bits, then 6, 5, 4, with a scale for each channel. When do answers change? Now with one scale for a kernel.
# 2. Back at 8 bits, cut weights until as many answers change as from 8 bits to 4. What share is that?
# 3. At 3 bits and with one scale for a kernel, no kernel has more than 7 different weights. Why not 8? And with a scale
#    for each channel?

# %% tags=["explorer", "plot"]
from tracklab.explorers import explore

explore("quantization", model=compress.folded(model), images=data.test_images[:64])

# %% [markdown]
# ## 11. The gate
#
# What you have measured. The cell stops with an error if the margins are not there.

# %% tags=["gate"]
start_kb = len(files["float32"]) / 1000
table = [
    "| network | file, KB | of float32 | CPU ms | accuracy |",
    "|---|---|---|---|---|",
]
for name, exported in {
    "whole, float32 (baseline)": files["float32"],
    "whole, int8": files["int8"],
    "80 % of the weights cut, int8": pruned_file,
    "half the channels, taught, int8": narrow_files["int8"],
}.items():
    size = len(exported) / 1000
    table.append(
        f"| {name} | {size:.0f} | {size / start_kb:.0%} | {once(exported):.3f} | {accuracy(exported):.1%} |"
    )
# folding and float32 files change nothing
assert np.abs(training.predict(plain, test_x[:100]) - told[:100]).max() < 1e-3
assert differences["classifier", "float32"][1] < 1e-3
assert differences["detector", "float32"][1] < 0.05
assert differences["motion, LSTM", "float32"][1] < 0.05
assert differences["tracker", "float32"][1] < 0.05
# a scale for each channel is worth its four bytes
assert worst[OWN] < 0.25 * worst[ONE]
# what is written out in whole numbers is what LiteRT does
assert agreement["ours and LiteRT's"] > 0.93
# eight bits: little more than a quarter of the bytes for at most one point (three where the network
# was trained for a moment on the sprites that stand in for CIFAR-10)
assert len(files["int8"]) < 0.3 * len(files["float32"])
assert accuracy(files["int8"]) >= shipped_accuracy - (0.01 if data.is_cifar else 0.03)
# what cutting cost comes back by training for the most part; it saves no byte until the file is compressed
lost = shipped_accuracy - at_once[shares_tried.index(0.8)]
assert after >= shipped_accuracy - 0.5 * lost
assert counted["80 % cut"].float32 == counted["shipped"].float32
assert counted["80 % cut"].deflated < 0.6 * counted["shipped"].deflated
# half of the channels: a tenth of the bytes, and most of what was forgotten is learned again
assert len(narrow_files["int8"]) < 0.1 * len(files["float32"])
assert taught_accuracy > before_training + 0.5 * (shipped_accuracy - before_training)
# stored: a quarter of the bytes for at most one point
assert least.bytes < 0.25 * start.bytes
print("All margins hold.")
Markdown("\n".join(table))

# %% [markdown]
# ## Summary
#
# - **Count first.** Early layers cost time, late ones bytes; a call costs something by itself.
# - **Separable** convolutions save products, and less time than products; they must be trained anew.
# - **Folding** a normalization is free.
# - **Quantization**: $r = S(q - Z)$. Inside the range nothing is off by more than half a step. Weights want a scale for
#   each channel; what flows wants examples. Nothing in an int8 file is secret: written out in NumPy it says the same.
# - An **exported file** in float32 says what Keras says, to rounding; what has no weights stays outside of it.
# - **Pruned weights** cost nothing only in a compressed or sparse file. **Channels** that are taken out are gone.
# - A **teacher** says more than a label. Whether that is worth its time, only the same student alone can tell.
# - Of many networks few are on the **frontier**; nobody needs the others.
#
# ## Common misconceptions
#
# - *"90 % of the weights are gone, so it is ten times smaller and faster."* The file is as large as before, and as slow,
#   until zeros are not stored or whole channels are taken out.
# - *"A seventh of the products, a seventh of the time."* A processor often waits for memory, and a depthwise filter gives
#   it little to do for each number fetched.
# - *"8 bits lose three quarters of the information."* The classes hardly change: most of those digits decided nothing.
# - *"Quantization needs training."* With 8 bits and a scale for each channel, some examples are enough. With fewer bits
#   it helps.
# - *"The exported file is another network."* It is the same one; only its rounding differs, and that can be bounded and
#   measured.
# - *"A student needs a teacher's data."* It needs inputs; the teacher makes the rest.
#
# ## Quiz
#
# 1. A kernel has weights from -0.5 to 0.7. How long is a step of its 8-bit grid, with a zero point of 0?
# 2. Why must the real 0 lie on the grid of what flows?
# 3. A network has 10 million weights in its last dense layer and 90 % of its products in its first convolution. Where do
#    you cut to make it smaller, where to make it faster?
# 4. Why does one scale for a kernel do so much harm in the whitening layer, and so little in the others?
# 5. A pruned file zips to a third. Does the network run in a third of the time?
# 6. Of what use is a temperature above 1 if the student is used at 1?
#
# <details><summary>Answers</summary>
#
# 1. 0.7 / 127, about 0.0055: the grid is as wide as the largest size, to both sides.
# 2. Padding and ReLU produce exact zeros in great numbers; if 0 were rounded, all of them would be off by the same
#    amount, and such errors add up.
# 3. Smaller: the dense layer. Faster: the first convolution.
# 4. Each of its channels was divided by the root of its eigenvalue, so their sizes differ widely, and the largest sets
#    the step of all. In the others all are of about one size.
# 5. No. It is unpacked before it runs, and zeros are multiplied as any number.
# 6. Softened answers show how alike the teacher finds the wrong classes; at 1 these numbers are too small to teach anything.
#
# </details>
#
# ## Further reading
#
# - Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto and Adam, "MobileNets: efficient convolutional neural
#   networks for mobile vision applications" (2017)
# - Han, Pool, Tran and Dally, "Learning both weights and connections for efficient neural networks" (NeurIPS 2015); Han,
#   Mao and Dally, "Deep compression" (ICLR 2016)
# - Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression" (2017)
# - Li, Kadav, Durdanovic, Samet and Graf, "Pruning filters for efficient convnets" (ICLR 2017)
# - Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference: a whitepaper" (2018), for a scale for
#   each channel
# - Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam and Kalenichenko, "Quantization and training of neural networks for
#   efficient integer-arithmetic-only inference" (CVPR 2018)
# - Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015)
