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
#     title: A CNN classifier
#     objectives:
#     - text: predict the shape and the number of weights after each layer of a convolutional network
#       exercise: 02-count-weights
#     - text: compute the cross-entropy of logits, without overflow and with softmax exactly once
#       exercise: 02-cross-entropy
#     - text: measure whether the confidence of a network can be trusted
#       exercise: 02-calibration
#     - text: make a confusion matrix, and read from it what a network takes for what
#       exercise: 02-confusion
#     - text: write batch normalization, and say what it buys in the same computing time
#       exercise: 02-batch-norm
#     builds_on: ['01']
#     minutes: 90
#     seconds: 170
#     measures:
#     - accuracy, loss and calibration of the article's network as written, with its mistake hidden, and repaired
#     - the lowest loss that a network can reach when softmax is applied twice
#     - how far training and validation accuracy part when a network overfits
#     - what ReLU, a learning-rate schedule, normalization and residual connections buy in about the same CPU time
#     - the improved network against the article's, short on your machine and at full length as stored
# ---

# %% [markdown]
# # 02 A CNN classifier
#
# A picture goes in, the name of what is on it comes out, with a number that says how sure the
# network is. In this lesson you take a network apart that does this. It is the worked example of
# an overview article on tracking, from which this course grew. It learns, and it is taught with a
# loss function that is told a lie (and, as you will see, does not always believe it). You will find the mistake, see when it costs nothing and when it
# costs a lot, repair it, and then build a better network that needs no more computing time.
#
# **Objectives.** After this lesson you can
#
# - predict the shape and the number of weights after each layer of a convolutional network
#   (`02-count-weights`)
# - compute the cross-entropy of logits, without overflow and with softmax exactly once
#   (`02-cross-entropy`)
# - measure whether the confidence of a network can be trusted (`02-calibration`)
# - make a confusion matrix, and read from it what a network takes for what (`02-confusion`)
# - write batch normalization, and say what it buys in the same computing time (`02-batch-norm`)
#
# **Builds on** lesson 01: images as tensors, convolution, stride and pooling.
#
# **Time.** 90 minutes to read and work; runs in under 170 seconds on two cores.
#
# **You will have measured**
#
# - accuracy, loss and calibration of the article's network as written, with its mistake hidden, and
#   repaired
# - the lowest loss that a network can reach when softmax is applied twice
# - how far training and validation accuracy part when a network overfits
# - what ReLU, a learning-rate schedule, normalization and residual connections buy in about the same
#   CPU time
# - the improved network against the article's, short on your machine and at full length as stored

# %% tags=["hook", "setup", "foreign-picture"] shows="twenty-four test images, each with the class and the confidence that the network gives it"
import numpy as np

from tracklab import datasets, plots
from tracklab.models import classifier

data = datasets.cifar10()
model, card = classifier.shipped()  # trained at the end of this lesson, on CIFAR-10
if not data.is_cifar:  # it does not know other images: train a small one, for a few seconds
    model = classifier.article("logits")
    classifier.train_article(model, data.train_images, data.train_labels, steps=400, progress=False)

spread_out = np.arange(24) * (len(data.test_images) // 24)  # all over the test set, none chosen
some, truth = data.test_images[spread_out], data.test_labels[spread_out]
p = classifier.predict(model, some, flips=False)
answers, sure = p.argmax(1), p.max(1)
plots.images(
    some,
    [f"{data.class_names[k]} {s:.0%}" for k, s in zip(answers, sure, strict=True)],
    right=answers == truth,
    columns=6,
    title=f"{data.name}: {(answers == truth).sum()} of 24 right, and how sure the network is",
    alt="Twenty-four small images, each with the class that the network names and its confidence.",
)

# %% [markdown]
# That network is `classifier.improved`, from the end of this lesson (where CIFAR-10 is not at hand, it
# is the article's, trained for a moment on drawn sprites). You will build up to it step by step.
#
# ## 1. What is classified
#
# CIFAR-10 (Krizhevsky, 2009) holds small photographs of ten classes. They are 32 pixels wide: about
# what a tracker sees of an object far away.
#
# **Predict.** How accurate is a network that has learned nothing and always says "airplane"?

# %%
classes = data.class_names
train_x, train_y = data.train_images, data.train_labels
print(data)
print(
    "images a class, for training:", dict(zip(classes, np.bincount(train_y).tolist(), strict=True))
)
chance = np.bincount(data.test_labels).max() / len(data.test_labels)
print(f"always the same answer: {chance:.1%} right")

# %% [markdown]
# **Explain.** All classes are equally frequent, so any constant answer is right in one of ten cases.
# This is the baseline: a network that is not clearly above it has learned nothing.
#
# A **CNN classifier** is a stack of the convolutions of lesson 01, with two differences. Nobody
# designs the kernels: they are learned. And at the end, the maps become ten numbers, one a class.

# %% tags=["foreign-picture"] shows="thirty training images, three of each class"
picked = [np.flatnonzero(train_y == k)[row] for row in range(3) for k in range(len(classes))]
plots.images(
    train_x[picked],
    [*classes, *[""] * (2 * len(classes))],
    columns=len(classes),
    width=8,
    title=f"{data.name}: three of each class",
    alt="A grid of thirty small images: a column for each of the ten classes.",
)

# %% [markdown]
# ## 2. The article's network
#
# Here it is, from the package. It follows a plan that is as old as LeCun's networks for digits
# (1998) and that AlexNet (Krizhevsky, Sutskever and Hinton, 2012) made famous: convolutions with ReLU,
# pooling in between, dense layers at the end.

# %%
from tracklab.show import show

show(classifier.article)

# %% [markdown]
# **Predict.** An image is 32 x 32 x 3. Go through the layers by hand: which shape comes out of each?
# Convolutions are 3 x 3 without padding (lesson 01: 32 becomes 30), pooling halves, and drops a row
# that has no partner. How many weights has the first convolution? Which layer has most?

# %%
# NBVAL_CHECK_OUTPUT
for layer in classifier.article("logits").layers:
    shape = " x ".join(str(n) for n in layer.output.shape[1:])
    print(f"{type(layer).__name__:<14}{shape:>14}{layer.count_params():>9,} weights")
print(f"in all {classifier.article('logits').count_params():,} weights")

# %% [markdown]
# **Explain.** A filter of the first convolution reads 3 x 3 pixels of 3 channels and adds a bias:
# 28 numbers, 32 times, 896. More than half of all weights sit in the first **dense** layer: it
# connects each of 1,024 numbers with each of 64. Convolutions share their weights over all places,
# dense layers share nothing.
#
# But weights are not time. **Predict.** Which layer takes most of the work?

# %%
# NBVAL_CHECK_OUTPUT
for layer in classifier.article("logits").layers:
    kernel = getattr(layer, "kernel", None)
    if kernel is not None:
        places = int(np.prod(layer.output.shape[1:-1]))  # a dense layer has a single one
        work = places * int(np.prod(kernel.shape))
        print(f"{layer.name.rsplit('_', 1)[0]:<8}{places:>5} places{work:>12,} multiplications")

# %% [markdown]
# **Explain.** A convolution uses each weight once at every place. The second convolution, with 1/7 of
# the weights, does two thirds of the work. Work is places x input channels x filters x 9. The first convolution has
# the most places, but reads only 3 channels; the second has fewer places, and reads 32 channels. To make
# a network cheaper, look for the layer where the product is large, not for the largest map.
#
# ### Exercise `02-count-weights`
#
# Write the count for any network of this kind.

# %% tags=["exercise"]
from tracklab.exercises import check, hint


def count_weights(shape, filters, units):
    """How many weights a network like the article's has, biases included.

    It sees images of `shape` (height, width, channels). Each number in `filters` is a layer of
    that many 3x3 convolutions without padding; between two such layers there is a 2x2 max pooling
    with stride 2 (none after the last). Then the features are flattened, and each number in
    `units` is a dense layer of that many units.
    """
    return ...


check("02-count-weights", count_weights)

# %% [markdown]
# Stuck? Ask for a hint, more than once: each says a little more. When you have tried, or given up,
# `from tracklab.exercises import solution` and `solution("02-count-weights")` show the reference.

# %%
hint("02-count-weights", 1)

# %% [markdown]
# ## 3. What a network says, and what it is taught with
#
# ### Logits, softmax, cross-entropy
#
# The last layer puts out ten numbers $z_k$, one a class. They may be negative, and they need not add up
# to anything. They are called **logits**. **Softmax** makes probabilities of them:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# The **cross-entropy** is how surprised the network is by the truth $y$:
#
# $$\text{loss} = -\log p_y = \log \sum_j e^{z_j} - z_y$$
#
# It is 0 where the true class gets all the probability, and $\log 10 = 2.303$ where ten classes share it.
#
# **Predict.** The logits of three classes are 2, 1 and -1. Which probabilities come out? What if you
# add 1000 to all three?

# %%
# NBVAL_CHECK_OUTPUT
z = np.array([2.0, 1.0, -1.0])
with np.errstate(over="ignore", invalid="ignore"):
    for moved in (z, z + 1000):
        powers = np.exp(moved)
        print(moved, "->", (powers / powers.sum()).round(3))
print(f"each class the same: loss {-np.log(1 / 10):.3f}")

# %% [markdown]
# **Explain.** Mathematically, adding 1000 changes nothing: $e^{1000}$ stands above and below, and
# cancels. The computer cannot hold $e^{1000}$. So one subtracts the largest logit first, and takes the
# logarithm of the sum, never of a probability that may have been rounded to 0:
#
# $$\text{loss} = m + \log \sum_j e^{z_j - m} - z_y, \qquad m = \max_j z_j$$
#
# This works only if the loss is given **logits**. A loss that is given probabilities cannot be computed
# this way. That is why networks put out logits, and why Keras' loss has the switch `from_logits=True`.
#
# ### Exercise `02-cross-entropy`


# %% tags=["exercise"]
def cross_entropy(logits, labels):
    """The mean cross-entropy of `logits` (N, K) and `labels` (N,), whole numbers from 0 to K - 1.

    It must be right for logits of any size: for 1000 and for -1000 too.
    """
    return ...


check("02-cross-entropy", cross_entropy)

# %% [markdown]
# ### The article's mistake
#
# The article's last layer is `Dense(10, activation="softmax")`. Its loss is
# `SparseCategoricalCrossentropy(from_logits=True)`. The network puts out probabilities, and the loss is
# told that they are logits. Taken by its word, the loss applies softmax **a second time**.
#
# **Predict.** A network is right and sure: one logit stands at 8, the others at 0. What does the loss
# see after one softmax? After two?

# %% tags=["plot"]
from tracklab.plots import classification

classification.softmax_steps([8, 0, 0, 0, 0, 0, 0, 0, 0, 0], label=0)

# %% [markdown]
# **Explain.** The second softmax gets numbers between 0 and 1. They can differ by 1 at most, and $e^1$ is
# only 2.7 times $e^0$. So two probabilities after it can differ by at most a factor of 2.7, however sure the network is.
#
# The best that can happen: the first softmax gives exactly 1 to the true class and 0 to the nine others.
# Then the loss is
#
# $$-\log \frac{e^1}{e^1 + 9 e^0} = \log\left(1 + \frac{9}{e}\right)$$
#
# **Predict.** Is that closer to 0 or to 2.303, the loss of knowing nothing?

# %%
# NBVAL_CHECK_OUTPUT
floor = np.log(1 + 9 / np.e)
print(f"lowest loss with softmax twice:  {floor:.3f}")
print(f"knowing nothing:                 {np.log(10):.3f}")
print(f"highest loss with softmax twice: {np.log(9 + np.e):.3f}")

# %% [markdown]
# The loss cannot get below 1.461 and cannot get above 2.461. What it says of a perfect network and what
# it says of a hopeless one, which gives everything to one wrong class, differ by exactly 1. Worse is what happens to its slope, which is all that the
# network learns from. In the figure, the nine wrong classes share what the true one does not get.
# **Predict.** Where is the slope of each curve steepest: where the network is
# wrong, undecided, or right?

# %% tags=["plot"]
classification.loss_against_margin(
    title="Softmax twice: an answer far from the truth teaches little",
    alt="Two plots against the margin of the true logit, from -10 to 15. Left, the loss: with one "
    "softmax it falls from high values to 0; with two it falls only from 2.40 to 1.46. Right, its "
    "slope: with one softmax it is 1 for wrong answers and falls to 0 for right ones; with two it "
    "is close to 0 for wrong answers too, and reaches at most about a quarter in between.",
)

# %% [markdown]
# **Explain.** With one softmax, the slope is steepest where the network is wrong: the more wrong an answer
# is, the stronger it is pulled, and the slope nears 1. With two, it is steepest where the network is
# undecided, and an answer that is wrong and sure has a slope close to 0. The network hardly hears of its
# worst mistakes.
#
# ### What Keras does about it
#
# **Predict.** So the article's network, as written, is taught with the wrong loss? Here are one image,
# three networks with the same weights, and the loss that Keras computes. They differ only in their end:
# softmax as the article writes it; the same softmax with one more layer behind it that changes
# nothing, `Rescaling(1.0)` (called hidden-softmax); and no softmax.

# %%
import textwrap
import warnings

from tracklab.quiet import keras

loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
image, label = train_x[:1].astype("float32"), train_y[:1]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for output in classifier.OUTPUTS:
        network = classifier.article(output)
        print(f"{output:<16} loss {float(loss(label, network(image))):.4f}")
for warning in caught:
    print("\nKeras warns:")
    print(textwrap.fill(str(warning.message), 90))

# %% [markdown]
# **Explain.** No. The article's network **as written** gets the right loss, the same as without softmax.
# Keras 3 keeps the logits beside the output of a softmax layer. Its loss finds them there, uses them, and
# warns. But the loss can only find what is attached to its input. A layer behind the softmax that computes
# something (ours is `Rescaling(1.0)`, a multiplication by 1; a `Reshape` does it too), a `tf.nn.softmax` of
# your own outside a compiled function, a step through NumPy: the link is lost, there is no warning, and the
# softmax is applied twice. (Inside a `tf.function`, and so in `model.fit` and `model.evaluate`, Keras also
# looks which operation made its input. There it finds your `tf.nn.softmax`, if that comes last, and warns.)
#
# So whoever says "the article's code trains with the wrong loss" is wrong, and whoever says "it works, so
# it is right" is right by luck. The repair is one word: leave the softmax out.
#
# ### What it costs
#
# Now all three are trained: the same images in the same order, the same first weights, the same number of
# steps, for two seeds. First as written and repaired. **Predict.** Which one is better?

# %% tags=["training"]
SEEDS, STEPS = (0, 1), 600
small = data.subset(train=10_000, test=2_000)
versions = {"as written": "softmax", "mistake hidden": "hidden-softmax", "repaired": "logits"}
judged, trained, runs = {}, {}, {}


def train_version(name):
    """Train one version of the article's network from each seed, and judge it."""
    for seed in SEEDS:
        network = classifier.article(versions[name], seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the warning that you have just read
            runs[name, seed] = classifier.train_article(
                network,
                small.train_images,
                small.train_labels,
                steps=STEPS,
                seed=seed,
                name=f"{name}, seed {seed}",
            )
        trained[name, seed] = network
        judged[name, seed] = classifier.evaluate(network, small.test_images, small.test_labels)


train_version("as written")
train_version("repaired")

# %% [markdown]
# **Explain.** They agree, seed by seed: the loss that Keras finds is the loss of the logits.
#
# Now the hidden mistake. **Predict.** Accuracy higher or lower? And will a network that never hears of its
# confident mistakes be too sure or too modest?

# %% tags=["training"]
train_version("mistake hidden")

# %%
from IPython.display import Markdown


def spread(values, form="{:.1f}"):
    *most, last = (form.format(v) for v in values)
    return f"{', '.join(most)} and {last}"


rows = [
    f"| article's network on {data.name} | accuracy % | loss | calibration error % | CPU s |",
    "|---|---|---|---|---|",
]
for name in versions:
    mine = [judged[name, seed] for seed in SEEDS]
    rows.append(
        f"| {name} | {spread([100 * j.accuracy for j in mine])} "
        f"| {spread([j.loss for j in mine], '{:.2f}')} "
        f"| {spread([100 * j.calibration_error for j in mine])} "
        f"| {spread([runs[name, seed].cpu_seconds[-1] for seed in SEEDS])} |"
    )
Markdown(
    "\n".join(
        [*rows, "", f"Two seeds each, {STEPS} steps, {len(small.test_labels):,} test images."]
    )
)

# %% [markdown]
# **Explain.** Loss and calibration error are of the probabilities that each network states, with softmax
# applied once, so the three can be compared. *As written* and *repaired* agree: Keras' rescue is complete.
# The hidden mistake costs accuracy, and it costs honesty much more.
#
# **Calibration** asks: of all answers given with 80 % confidence, are 80 % right? The diagram sorts the
# answers by confidence. On the diagonal, a network means what it says; below it, it is too sure, and above
# it, too modest. The larger a dot, the more answers it stands for: a small one may lie anywhere by chance.

# %% tags=["plot"]
hidden, repaired = judged["mistake hidden", 0], judged["repaired", 0]
side = "above" if repaired.accuracy > repaired.confidence.mean() else "below"
plots.reliability(
    {
        "repaired": (repaired.confidence, repaired.correct),
        "mistake hidden": (hidden.confidence, hidden.correct),
    },
    title=f"Mistake hidden: {hidden.confidence.mean():.0%} sure, {hidden.accuracy:.0%} right",
    alt=f"Accuracy against confidence on {data.name}, larger dots for more answers. The repaired "
    f"network is {repaired.confidence.mean():.0%} sure on average and {repaired.accuracy:.0%} right: "
    f"near the diagonal, mostly {side} it. The one with the hidden mistake lies far below it, most of "
    "its answers at the highest confidence.",
)

# %% [markdown]
# **Explain.** Why too sure? Take two classes, and images of which a share $q$ is of the first. Nothing on them
# tells more. The honest answer is $p = q$. Which answer makes the mean loss smallest? With one softmax it is
# the honest one: whoever says anything else pays for it. (Such a loss is called a *proper scoring rule*.) With
# two, the mean loss of the answer $p$ is $\log(e^p + e^{1-p}) - q p - (1 - q)(1 - p)$.
#
# **Predict.** Seven of ten are of the first class. Which $p$ is best?

# %%
# NBVAL_CHECK_OUTPUT
p = np.linspace(0.001, 0.999, 999)
for q in (0.5, 0.6, 0.7, 0.8):
    once = -q * np.log(p) - (1 - q) * np.log(1 - p)
    twice = np.log(np.exp(p) + np.exp(1 - p)) - q * p - (1 - q) * (1 - p)
    print(f"true share {q}: best answer {p[once.argmin()]:.2f} with one softmax, ", end="")
    print(f"{p[twice.argmin()]:.2f} with two")

# %% [markdown]
# **Explain.** The network does what it is paid for. A loss with two softmaxes pays for being sure: from three
# in four on, the best answer is "certainly". No amount of training repairs that.
#
# Does that matter for tracking? A tracker throws detections away by their score, and waits when it is not
# sure. It needs scores that mean something.
#
# ### Exercise `02-calibration`
#
# The *expected calibration error* puts the diagram into one number: the mean distance from the diagonal,
# weighted by how many answers lie there (Guo et al., 2017).


# %% tags=["exercise"]
def calibration(confidences, correct, bins):
    """The expected calibration error (ECE), from 0 (honest) to 1.

    `confidences` (N,) are the probabilities, 0 to 1, of the predicted classes, and `correct` (N,)
    says which predictions were right. Sort the examples into `bins` bins of equal width between 0
    and 1. In each bin, compare the share of right answers with the mean confidence. Weigh each
    bin's difference by its share of the examples, and add up. An empty bin counts nothing.
    """
    return ...


check("02-calibration", calibration)

# %% [markdown]
# ## 4. What a network has learned, and what it has learned by heart
#
# ### Overfitting
#
# From here on, the repaired network. **Predict.** It is trained on 1,500 images, again and again. What
# will its accuracy on these images be after 20 rounds (*epochs*)? And on images that it has never seen?

# %% tags=["training"]
few = data.subset(train=1_500, test=1_000)
memory = classifier.article("logits")


def both():
    """How good the network is on the images it learns from, and on new ones."""
    seen = classifier.evaluate(memory, few.train_images, few.train_labels)
    new = classifier.evaluate(memory, few.test_images, few.test_labels)
    return {
        "accuracy": new.accuracy,
        "loss": new.loss,
        "seen_accuracy": seen.accuracy,
        "seen_loss": seen.loss,
    }


learning = classifier.train_article(
    memory,
    few.train_images,
    few.train_labels,
    steps=20 * 1_500 // 32,
    validation=both,
    seed=0,
    name="1,500 images, 20 epochs",
)

# %% tags=["plot"]
at = learning.validated
epoch = learning.epoch[at]
seen = {"accuracy": learning["val_seen_accuracy"][at], "loss": learning["val_seen_loss"][at]}
new = {"accuracy": learning.val_accuracy[at], "loss": learning.val_loss[at]}
best = new["loss"].argmin()
classification.seen_and_new(
    epoch,
    seen,
    new,
    title=f"{data.name}: {seen['accuracy'][-1]:.0%} of the seen images right, and "
    f"{new['accuracy'][-1]:.0%} of new ones",
    alt=f"Loss and accuracy over {epoch[-1]:.0f} epochs. Accuracy on seen images rises to "
    f"{seen['accuracy'][-1]:.0%}, on new ones to {new['accuracy'][-1]:.0%}. The loss on seen images "
    f"falls to {seen['loss'][-1]:.2f}; on new ones it is lowest after epoch {epoch[best]:.0f}, with "
    f"{new['loss'][best]:.2f}, and ends at {new['loss'][-1]:.2f}.",
)

# %%
gap = seen["accuracy"][-1] - new["accuracy"][-1]
Markdown(
    f"On {data.name}, the network is right on {seen['accuracy'][-1]:.1%} of the images that it was "
    f"trained on, and on {new['accuracy'][-1]:.1%} of new ones: a gap of {100 * gap:.1f} points. The "
    f"loss on new images was lowest after epoch {epoch[best]:.0f}, with {new['loss'][best]:.2f}; at the "
    f"end it is {new['loss'][-1]:.2f}."
)

# %% [markdown]
# **Explain.** The network has 122,570 weights for 1,500 images: enough to learn each of them by heart.
# Accuracy on new images levels off while that on seen ones goes on rising. Watch the **loss** on new images:
# where it rises while the accuracy stays, the wrong answers become more and more sure. Looking at accuracy
# alone, you would miss it.
#
# This is why a network is judged on images that it has not seen, and why the number of epochs is chosen on
# such images too: on a third set, the *validation* images, neither those it learns from nor the test images.
# Whoever chooses on the test images has used them up, and their accuracy then promises too much. What helps: more images, augmentation (lesson 08), smaller networks, weight decay,
# dropout (AlexNet's remedy), or to stop in time.
#
# ### What is taken for what
#
# Accuracy is one number. The **confusion matrix** has a row for each true class and a column for each
# answer. **Predict.** Which two classes does the network confuse most?

# %% tags=["plot"]
counts = sum(judged["repaired", seed].confusion for seed in SEEDS)
wrong = counts * (1 - np.eye(len(classes), dtype=int))
i, j = np.unravel_index(wrong.argmax(), wrong.shape)
plots.confusion(
    counts,
    classes,
    title=f"{data.name}: {classes[i]} is taken for {classes[j]} most often",
)

# %% [markdown]
# **Explain.** Mistakes are not spread evenly: they fall between classes that look alike. A tracker that
# uses a classifier to tell objects apart inherits this. Read a row to see what becomes of a class, and a
# column to see what an answer is worth. (A dot stands for less than half a percent of the
# row, and a 0 for just half a percent, rounded.)
#
# ### Exercise `02-confusion`


# %% tags=["exercise"]
def confusion(truth, predicted, classes):
    """The confusion matrix (classes, classes): how often what was taken for what.

    Entry [i, j] counts the examples of class i that were predicted as class j. `truth` and
    `predicted` are (N,), whole numbers from 0 to classes - 1.
    """
    return ...


check("02-confusion", confusion)

# %% [markdown]
# ### The most confident mistakes
#
# **Predict.** The images on which the network is most sure, and wrong: will you see why?

# %% tags=["foreign-picture"] shows="the twelve test images on which the repaired network is wrong and most sure, each with its answer and the truth"
p = classifier.predict(trained["repaired", 0], small.test_images, flips=False)
answers, sure = p.argmax(1), p.max(1)
mistakes = np.flatnonzero(answers != small.test_labels)
worst = mistakes[sure[mistakes].argsort()[::-1]][:12]
print(f"{data.name}: {len(mistakes)} mistakes; the twelve surest from {sure[worst[-1]]:.0%} up")
plots.images(
    small.test_images[worst],
    [f"{classes[answers[k]]} {sure[k]:.0%}\nis {classes[small.test_labels[k]]}" for k in worst],
    columns=6,
    title="Wrong and sure",
    alt="Twelve small images with the network's wrong answer, its confidence, and the true class.",
)

# %% [markdown]
# **Explain.** Look at backgrounds and at poses. A network learns whatever tells the classes apart in its
# images, and where most ships lie on blue, blue will do. Lesson 11 looks at which pixels an answer hangs on.
#
# ## 5. More for the same time
#
# Between LeCun's networks and those of today lie a few ideas, each of a line or two. What does each buy
# **in the same computing time**? More accuracy for more time is no news.
#
# | idea | what it does | from |
# |---|---|---|
# | ReLU instead of tanh | a unit that is on has slope 1, so gradients get through | AlexNet: Krizhevsky et al., 2012 |
# | learning-rate schedule | large steps in the middle, small ones at the end | Smith and Topin, 2018 |
# | batch normalization | each channel to mean 0 and variance 1 over the batch | Ioffe and Szegedy, 2015 |
# | instance normalization | the same over each image alone | Ulyanov, Vedaldi and Lempitsky, 2016 |
# | residual connection | $x + F(x)$: a layer learns a change, and gradients have a way past it | He et al., 2016 |

# %%
show(classifier.normalize)

# %%
show(classifier.residual_block)

# %% [markdown]
# ### Exercise `02-batch-norm`


# %% tags=["exercise"]
def batch_norm(features, gamma, beta, epsilon):
    """Batch normalization of `features` (N, H, W, C), as in training: the same shape.

    Each channel gets mean 0 and variance 1 over the whole batch (`epsilon` is added to the variance
    before the square root, so that a constant channel does not divide by 0). Then it is multiplied
    by its `gamma` and moved by its `beta`, both (C,).
    """
    return ...


check("02-batch-norm", batch_norm)

# %% [markdown]
# ### Eight networks, one budget
#
# Two networks, and variants of each that lack or change one idea. Three have the article's plan. The others
# have the plan of `classifier.improved`, in a slim version: three stages of convolution, pooling, normalization
# and ReLU, two residual connections, and a recipe with a schedule.

# %%
show(classifier.improved)

# %% [markdown]
# The numbers of steps are fixed, so that the results repeat, and chosen so that all take about the same CPU
# time on two cores. The table has the CPU seconds that were measured: look at those first. CPU time is what
# all cores together spent on this training. It is the fair measure: the time on the clock also counts how long
# the cores worked for somebody else.
#
# A schedule does not come alone: each recipe has the rate that suits it. The article's network learns at 0.001,
# and with a schedule up to 0.003. The improved one learns at 0.05, and with a schedule up to 0.2.
#
# **Predict.** Put the eight in order. Which single idea buys most?

# %% tags=["training"]
from tracklab import training

ARTICLE_STEPS, IMPROVED_STEPS, SLIM = 700, 280, (16, 32, 64)
medium = data.subset(train=20_000, test=2_000)
x, y = medium.train_images, medium.train_labels
ladder = {}


def train_and_judge(name, network, train, **options):
    """Train for a fixed number of steps, and keep how good it is and what it cost."""
    curves = train(network, x, y, seed=0, name=name, **options)
    ladder[name] = classifier.evaluate(network, medium.test_images, medium.test_labels), curves


def with_tanh(layer):
    """The same layer, with tanh where it had ReLU."""
    settings = layer.get_config()
    if settings.get("activation") == "relu":
        settings["activation"] = "tanh"
    return layer.from_config(settings)


article = {"train": classifier.train_article, "steps": ARTICLE_STEPS}
tanh = keras.models.clone_model(classifier.article("logits"), clone_function=with_tanh)
train_and_judge("article, with tanh", tanh, **article)
train_and_judge("article", classifier.article("logits"), **article)
rise_and_fall = training.triangle(peak=0.25)
train_and_judge(
    "article, with schedule",
    classifier.article("logits"),
    **article,
    learning_rate=0.003,
    schedule=rise_and_fall,
)

# %% tags=["training"]
better = {"train": classifier.train_improved, "steps": IMPROVED_STEPS, "batch_size": 64}
better |= {"stages": classifier.FULL_SIZE, "learning_rate": 0.2}


def slim(**parts):
    """The improved network with fewer channels."""
    return classifier.improved(x, widths=SLIM, **parts)


train_and_judge("improved, no normalization", slim(normalization="none"), **better)
train_and_judge("improved, instance norm", slim(normalization="instance"), **better)

# %% tags=["training"]
flat = better | {"schedule": training.constant, "learning_rate": 0.05}
train_and_judge("improved, no residual", slim(residual=False), **better)
train_and_judge("improved, no schedule", slim(), **flat)
train_and_judge("improved", slim(), **better)

# %% [markdown]
# **Explain.** Do not compare the losses on these lines of progress. The improved networks may show a higher
# loss *and* a higher accuracy than the one with tanh. Their labels are smoothed (0.9 and a bit for the true
# class, the rest for all): with such labels even a perfect network has a loss above 0. Besides, both numbers
# are means over the last steps, on training images as the recipe shows them, while the weights still changed.
# The table below has test images.

# %% tags=["plot"]
accuracy = {name: 100 * found.accuracy for name, (found, _) in ladder.items()}
plots.bars(
    accuracy,
    title=f"{data.name}: for about the same CPU time, from {min(accuracy.values()):.0f} % to "
    f"{max(accuracy.values()):.0f} %",
    xlabel="accuracy on 2,000 test images (%)",
    form="{:.1f}",
    highlight="improved",
    alt="Bars of accuracy: " + ", ".join(f"{k} {v:.1f} %" for k, v in accuracy.items()) + ".",
)

# %%
rows = [
    f"| network on {data.name} | accuracy % | against *article* | CPU s | steps | images seen |",
    "|---|---|---|---|---|---|",
]
for name, (found, curves) in ladder.items():
    gain = 100 * found.accuracy - accuracy["article"]
    rows.append(
        f"| {name} | {100 * found.accuracy:.1f} | {gain:+.1f} | {curves.cpu_seconds[-1]:.1f} "
        f"| {len(curves)} | {curves.epoch[-1] * len(y):,.0f} |"
    )
Markdown("\n".join(rows))

# %%
gains = {
    "ReLU instead of tanh": ("article", "article, with tanh"),
    "a schedule (and a rate that suits it), article's network": (
        "article, with schedule",
        "article",
    ),
    "a schedule (and a rate that suits it), improved network": (
        "improved",
        "improved, no schedule",
    ),
    "batch normalization, at its own rate": ("improved", "improved, no normalization"),
    "instance normalization, at the same rate": (
        "improved, instance norm",
        "improved, no normalization",
    ),
    "residual connections": ("improved", "improved, no residual"),
}
rows = [f"- {idea}: {accuracy[a] - accuracy[b]:+.1f} points" for idea, (a, b) in gains.items()]
Markdown("\n".join([f"What each idea bought on {data.name}, in this run:", "", *rows]))

# %% [markdown]
# **Explain.** Each row is one seed. Remember how far two seeds lay apart in section 3, and what is smaller than
# that may be chance.
#
# - **Batch normalization** is said to let a network take large steps. This comparison does not show how much of
#   the gain that is: the network without normalization ran at the rate that suits batch normalization, and part
#   of the difference may be that rate. A fair trial would look for the best rate of each. Try smaller ones.
# - **Instance normalization** takes away the contrast of each image by itself. Where contrast tells nothing
#   (the drawn sprites have it at random; pictures whose style is to be changed) that is as good or better.
#   Where contrast helps to tell classes apart, as in photographs, it costs. The choice is not a matter of taste.
# - **The schedule**: large steps get far, small ones at the end settle. The rate changed with it, so the row
#   tells what both do together.
# - **Residual connections** buy little in a network this shallow. They were made for networks ten times as
#   deep, which could hardly be trained without them.
# - **ReLU against tanh**: AlexNet's authors found ReLU several times faster. In a network of five layers, with
#   few steps, it can go either way: see your own number. A good reason to measure, and not to quote.
#
# What is not in the table is AlexNet's size: 60 million weights and 1.2 million images on two graphics cards
# for about six days. That, too, was one of its ideas.
#
# ### The full length, stored
#
# The comparison at full length takes too long for a lesson. It was run before, by the command that the next
# cell prints, and stored with its measured times. The improved network got the CPU time that the article's
# network took for its ten epochs **in that run**, and no more. Compare the CPU seconds. The seconds on the clock (*wall*)
# also depend on what else the machine did in that hour, and on how well the work was shared by its two cores.
# **Predict.** By how many points does it win?

# %%
stored = classifier.read_results()
about = stored.about
print(f"Stored, not measured here: `{about['command']}` on {about['machine']}")
print(f"{about['data']}, {about['train']:,} training and {about['test']:,} test images\n")
print(classifier.table(stored.rows))
clock = [row.seconds for row in stored.of("improved")]
worked = [row.cpu_seconds for row in stored.of("improved")]
print(f"\nThe improved network, seed by seed: {spread(worked, '{:.0f}')} s of CPU time,")
print(f"but {spread(clock, '{:.0f}')} s on the clock, with other work on the machine.")
print("\nThe network of the first cell is the improved one of such a run:")
print(textwrap.fill(card.recipe, 96))

# %% tags=["plot"]
names = ("improved", "as written", "repaired", "mistake hidden")
full = {name: stored.of(name)[0] for name in names}
plots.curves(
    {
        name: (
            row.curves.cpu_seconds[row.curves.validated],
            100 * row.curves.val_accuracy[row.curves.validated],
        )
        for name, row in full.items()
    },
    title=f"Stored, {about['data']}, seed {full['improved'].seed}: {100 * full['improved'].accuracy:.1f} % against "
    f"{100 * full['repaired'].accuracy:.1f} % for the same CPU time",
    alt="Accuracy on the test images against CPU seconds, for four networks. The article's network, "
    "as written and repaired, rises fast and then stays. The improved one begins lowest, catches up "
    "and ends highest. The hidden mistake ends lowest.",
    xlabel="CPU time (s)",
    ylabel="accuracy on test images (%)",
)

# %%
shares = np.linspace(0, 1, 201)  # of the CPU time of each run


def over_time(row):
    """Accuracy (%) on the test images at `shares` of the run's CPU time, between measurements too."""
    known = row.curves.validated
    spent = row.curves.cpu_seconds[known]
    return np.interp(shares, spent / spent[-1], 100 * row.curves.val_accuracy[known])


first, theirs = over_time(full["improved"]), over_time(full["repaired"])
third, half = np.searchsorted(shares, (1 / 3, 1 / 2))
overtakes = []
for new_row, old_row in zip(stored.of("improved"), stored.of("repaired"), strict=True):
    behind = np.flatnonzero(over_time(new_row) <= over_time(old_row))
    overtakes.append(100 * shares[behind[-1]])
Markdown(
    f"Seed {full['improved'].seed}: after a third of the time the improved network has {first[third]:.0f} %, "
    f"the article's (repaired) {theirs[third]:.0f} %. In the second half the improved one gains another "
    f"{first[-1] - first[half]:.0f} points, the article's {theirs[-1] - theirs[half]:.0f}. Seed by seed, the "
    f"improved network is ahead for good after {spread(overtakes, '{:.0f}')} % of the time."
)

# %% [markdown]
# **Explain.** Look at the shape of the curves, too. The article's network learns fast and levels off. The
# improved one looks bad for the first third, with large steps on small images. It catches up with the article's
# network at about half of the time, and keeps rising as the steps become smaller, while the article's nearly
# stands still. So early numbers do not tell which recipe is better, and a schedule must know how long the
# training will be.
#
# Look at the calibration error as well. Part of the recipe is *label smoothing*: the network is never asked for
# certainty, and so it states less than it knows. More accurate is not the same as more honest.
#
# ## 6. What the layers see
#
# Take the network of the first cell, choose an image and a layer, and look at its feature maps: what each
# channel answers, at each place. Things to try:
#
# 1. Stay with one image and walk from the first layer to the last. Where do you stop recognising it?
# 2. Which channels are silent for one image and loud for another?
# 3. Put a channel over the image: does it answer to an edge, a colour, a part, or the whole thing?
# 4. Compare a map before and after a ReLU. What is gone?

# %% tags=["explorer", "foreign-picture"] shows="the explorer: an image, and the feature maps of a layer for it"
from tracklab import explore

explore(
    "feature-maps",
    model=model,
    images=data.test_images[:12],
    labels=data.test_labels[:12],
    class_names=data.class_names,
)

# %% [markdown]
# **Explain.** The first layer answers to edges and colours everywhere, as lesson 01's kernels did. Deeper maps
# are smaller, and each of their values sees more of the image, in the end all of it. What a channel there
# answers to is harder to name, but it says what the network needs: the last layer only adds up. Lesson 04's
# detector and lesson 07's tracker build on that: they use maps like these and leave the last layer out.
#
# ## 7. The gate
#
# What you have measured, beside chance. The cell stops with an error if the margins are not there: then
# something in your set-up does not learn as it should.


# %% tags=["gate"]
def mean(name, what):
    return float(np.mean([getattr(judged[name, seed], what) for seed in SEEDS]))


rows = [
    f"| network on {data.name} | accuracy | calibration error | trained for |",
    "|---|---|---|---|",
    f"| baseline: chance | {chance:.1%} | | |",
]
for name in versions:
    error = mean(name, "calibration_error")
    rows.append(f"| {name} | {mean(name, 'accuracy'):.1%} | {error:.1%} | {STEPS} steps |")
for name in ("article", "improved"):
    found, curves = ladder[name]
    rows.append(
        f"| {name} (section 5) | {found.accuracy:.1%} | {found.calibration_error:.1%} "
        f"| {curves.cpu_seconds[-1]:.1f} CPU-s |"
    )

# Keras rescues the article's network: as written it is as good as repaired
assert abs(mean("as written", "accuracy") - mean("repaired", "accuracy")) < 0.03
# the hidden mistake costs accuracy, and honesty
assert mean("repaired", "accuracy") > mean("mistake hidden", "accuracy") + 0.03
assert mean("mistake hidden", "calibration_error") > mean("repaired", "calibration_error") + 0.1
# learning beats chance by far, and ideas beat the article for about the same CPU time
assert mean("repaired", "accuracy") > chance + 0.2
assert ladder["improved"][0].accuracy > ladder["article"][0].accuracy + 0.03
Markdown("\n".join([*rows, "", "All margins are there."]))

# %% [markdown]
# ## Summary
#
# - A CNN classifier is a stack of learned convolutions with a dense layer at the end. Weights sit in dense
#   layers, work in convolutions: places x input channels x filters x 9.
# - A network puts out logits. Softmax turns them into probabilities, cross-entropy measures the surprise at the
#   truth. Both belong together, inside the loss, where they can be computed without overflow.
# - Softmax twice: the loss of ten classes cannot get below $\log(1 + 9/e) = 1.461$, and confident mistakes have
#   hardly a slope. It costs accuracy, and much more calibration.
# - Keras 3 sees a softmax layer in front of a loss with `from_logits=True`, warns, and uses the logits. Where a layer
#   that computes something (`Rescaling(1.0)`) stands between them, the mistake is silent. Leave the softmax out.
# - Accuracy says how often a network is right, calibration whether it knows, the confusion matrix what it takes
#   for what. Judge on images that it has not seen.
# - Compare networks at the same cost. Normalization and a schedule buy most here; residual connections pay in
#   deep networks.
#
# ## Common misconceptions
#
# - *"The loss goes down, so the code is right."* It goes down with softmax twice, too: to 1.461.
# - *"Keras applies softmax twice to the article's network."* Not as written: it finds the logits and warns. One
#   more layer that computes something, and it does.
# - *"Softmax gives the probability that the answer is right."* It gives numbers that add up to 1. Whether they
#   are honest has to be measured.
# - *"More weights, slower network."* The dense layer has more than half of the weights and a small part of the
#   work.
# - *"Batch and instance normalization are variants of the same thing."* They differ in one axis, and in what
#   they throw away.
# - *"The test accuracy after the last epoch is the network's best."* It may have learned by heart since.
# - *"A better network is one with higher accuracy."* At which cost?
#
# ## Quiz
#
# **1.** You train a classifier of 100 classes. The loss falls quickly from 4.61 to 3.7 and then stays there,
# whatever you try. What do you suspect, and which number confirms it?
#
# <details><summary>Answer</summary>
#
# Softmax applied twice. With $K$ classes the lowest loss is then $\log(1 + (K - 1)/e)$; for $K = 100$ that is
# $\log(1 + 99/e) = 3.62$. A loss that seems to stand on that number gives it away. Look for a softmax in the
# network, and for `from_logits=True` in the loss.
#
# </details>
#
# **2.** A detector's scores have an expected calibration error of 0.25, all on the side of too sure. Its accuracy
# is fine. Why does a tracker that keeps detections with a score above 0.8 suffer all the same?
#
# <details><summary>Answer</summary>
#
# It takes 0.8 for "right in four of five cases". For this detector it means about 0.55: the tracker keeps many
# false detections, and each can pull a track away. A threshold that was tuned for one network also fails with
# the next one, unless both are calibrated.
#
# </details>
#
# ## Further reading
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. *Gradient-based learning applied to document recognition.*
#   Proceedings of the IEEE 86(11), 1998. The plan of the article's network.
# - Y. LeCun, Y. Bengio, G. Hinton. *Deep learning.* Nature 521, 2015. An overview for everybody.
# - A. Krizhevsky. *Learning multiple layers of features from tiny images.* Technical report, University of
#   Toronto, 2009. CIFAR-10.
# - A. Krizhevsky, I. Sutskever, G. Hinton. *ImageNet classification with deep convolutional neural networks.*
#   NIPS 2012. AlexNet: ReLU, dropout, augmentation, size.
# - K. Simonyan, A. Zisserman. *Very deep convolutional networks for large-scale image recognition.* ICLR 2015.
#   Why stacks of 3 x 3.
# - S. Ioffe, C. Szegedy. *Batch normalization: accelerating deep network training by reducing internal covariate
#   shift.* ICML 2015.
# - D. Ulyanov, A. Vedaldi, V. Lempitsky. *Instance normalization: the missing ingredient for fast stylization.*
#   arXiv:1607.08022, 2016.
# - K. He, X. Zhang, S. Ren, J. Sun. *Deep residual learning for image recognition.* CVPR 2016.
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger. *On calibration of modern neural networks.* ICML 2017.
# - L. Smith, N. Topin. *Super-convergence: very fast training of neural networks using large learning rates.*
#   arXiv:1708.07120, 2018.
