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
#     title: First-order optimizers
#     objectives:
#     - text: check a gradient by differences, with the step that suits the precision
#       exercise: 09-central-difference
#     - text: give gradient descent a momentum, and say what it buys
#       exercise: 09-momentum
#     - text: write Adam's step, and say what its corrections correct
#       exercise: 09-adam
#     - text: read a rate off a range test
#       exercise: 09-range-test
#     - text: raise and lower the rate by a schedule
#       exercise: 09-schedule
#     - text: shorten a gradient without turning it
#       exercise: 09-clip
#     builds_on: ['02', '04', '05']
#     minutes: 120
#     seconds: 170
#     measures:
#     - what a gradient costs by differences, and by backpropagation
#     - the error of differences over their step, in two precisions
#     - the difference between seven methods written out and Keras', after 24 steps of a real network
#     - how many steps four methods need in valleys of different steepness
#     - which rates a classifier bears with SGD, momentum and Adam
#     - what warm-up and a falling rate are worth at a rate that is high, over three seeds
#     - the length of a gradient in a recurrent network that explodes, clipped and not
#     - held-out loss over steps, gradients and seconds on the classifier and the motion network, each method at its own rate, and what finding the rates cost
# ---

# %% [markdown]
# # 09 First-order optimizers
#
# Every network of this course was trained by the same sentence: compute a gradient, take a step. In this lesson you open that
# sentence. You write the seven methods that do most of the world's training, and hold them against Keras', number by number. You
# learn what breaks them and how to see it. And you compare them, which is the hard part: **how a comparison is made decides who
# wins it**.
#
# **Objectives.** After this lesson you can
#
# - check a gradient by differences, with the step that suits the precision (`09-central-difference`)
# - give gradient descent a momentum, and say what it buys (`09-momentum`)
# - write Adam's step, and say what its corrections correct (`09-adam`)
# - read a rate off a range test (`09-range-test`)
# - raise and lower the rate by a schedule (`09-schedule`)
# - shorten a gradient without turning it (`09-clip`)
#
# **Builds on** lesson 02 (the classifier, its loss, its training), lesson 04 (the detector) and lesson 05 (the motion network, and
# how gradients go back through time).
#
# **Time.** 120 minutes to read and work; runs in under 170 seconds on two cores.
#
# **You will have measured**
#
# - what a gradient costs by differences, and by backpropagation
# - the error of differences over their step, in two precisions
# - the difference between seven methods written out and Keras', after 24 steps of a real network
# - how many steps four methods need in valleys of different steepness
# - which rates a classifier bears with SGD, momentum and Adam
# - what warm-up and a falling rate are worth at a rate that is high, over three seeds
# - the length of a gradient in a recurrent network that explodes, clipped and not
# - held-out loss over steps, gradients and seconds on the classifier and the motion network, each method at its own rate, and what finding the rates cost

# %% tags=["hook", "setup", "plot"]
import time

import numpy as np

from tracklab import explore, plots
from tracklab.exercises import check, hint
from tracklab.optimizers import first_order, loss_slice, race, surfaces
from tracklab.show import show

METHODS, LABELS = first_order.NAMES, [m.label for m in first_order.METHODS.values()]
ground = loss_slice.stored()  # the loss of lesson 02's network along two directions
run = race.race(ground, race.tuned(ground).best(), steps=40)
ways = dict(zip(run.methods, run.paths, strict=True))
share = (run.losses[:, -1] - ground.lowest) / (run.losses[:, 0] - ground.lowest)
first_three, others = METHODS[:3], METHODS[3:]
plots.descents(
    ground,
    {
        "one rate for all weights": {name: ways[name] for name in first_three},
        "a rate for each weight": {name: ways[name] for name in others},
    },
    title=f"One start, seven ways: after 40 steps {share.min():.1g} to {share.max():.1g} of the loss is left",
    width=6.5,
)

# %% [markdown]
# This is the loss of lesson 02's network along two of its 122,570 directions. Seven methods start at its first weights (the circle), each at the rate that
# brings *it* lowest on this slice in 150 steps. Here are the first 40. Each cross is a solution that a real training found.
#
# **Predict.** They all get the same gradients at the start. Why do they not go the same way? Which of these ways would you expect to see
# again in 122,570 dimensions, and with gradients that are noisy?
#
# ## 1. Differences are not gradients
#
# Some texts, the article that this course goes back to among them, speak of "first-order *difference* optimization". The
# words mix two things. A **gradient** is a derivative, and a network's is *computed*: backpropagation applies the chain rule, and is exact up to
# rounding. A **difference** needs no derivative. It takes the loss at two places, a step $h$ apart:
#
# $$\frac{L(w + h v) - L(w)}{h} \approx v \cdot \nabla L(w) \qquad \text{or, better,} \qquad \frac{L(w + h v) - L(w - h v)}{2 h}$$
#
# That gives the slope along *one* direction $v$. For a gradient one needs all of them.
#
# **Predict.** The classifier has 122,570 weights, and one loss of sixteen images takes a few milliseconds. How long does a gradient take by forward
# differences? By backpropagation?

# %%
from tracklab import datasets, training
from tracklab.models import classifier
from tracklab.optimizers import gradient_check
from tracklab.optimizers.networks import NetworkLoss
from tracklab.quiet import keras, tf

images = datasets.cifar10(train=20_000, test=1_000)
crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
few, few_labels = images.train_images[:16], images.train_labels[:16]


def loss_of(model, precision="float32"):
    """The loss of a classifier on sixteen images, as a function of one long vector of all weights."""
    known = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=precision)
    given = tf.constant(few, precision)
    return NetworkLoss(model, lambda net: known(few_labels, net(given, training=False)))


smooth = classifier.article(classifier.LOGITS, smooth=True, seed=0)
net = loss_of(smooth)


def milliseconds(ask, times=15):
    """Processor time of a question, the usual of several."""
    ask()  # compiles
    spent = []
    for _ in range(times):
        began = time.process_time()
        ask()
        spent.append(1e3 * (time.process_time() - began))
    return float(np.median(spent))


price = {
    "a loss": milliseconds(lambda: net.value(net.start)),
    "a loss with its gradient": milliseconds(lambda: net.value_and_gradient(net.start)),
}
for name, cost in price.items():
    print(f"{name:<26}{cost:7.1f} CPU milliseconds")
ratio = price["a loss with its gradient"] / price["a loss"]
minutes = (net.size + 1) * price["a loss"] / 60e3
print(
    f"\nby differences: {net.size + 1:,} losses, about {minutes:.0f} CPU minutes for one gradient"
)
print(f"by backpropagation: {ratio:.1f} times a loss")

# %% [markdown]
# **Explain.** A loss with its gradient costs a few times what the loss costs alone, *however many weights there are*. That fact
# (it is called the cheap gradient principle) is what deep learning stands on. Nobody trains a network by differences.
#
# But a difference knows nothing of the derivative, so it can **check** one. When you write a layer, a loss or a gradient of your own, three lines tell you whether it is
# right:

# %%
show(gradient_check.difference)

# %% [markdown]
# **Predict.** Smaller steps are better, says the definition of the derivative. What happens at $h = 10^{-12}$? Is it the same in `float32`
# and in `float64`?

# %% tags=["plot"]
step_curves = {"float32": gradient_check.step_curve(net)}
right = loss_of(gradient_check.in_precision(smooth, "float64"), "float64")
step_curves["float64"] = gradient_check.step_curve(right)
best = {name: curve.best("central") for name, curve in step_curves.items()}
plots.difference_errors(
    step_curves,
    title="Too long a step bends, too short a step is rounded away: the best central one is "
    f"{best['float32'][0]:.0e} in float32 and {best['float64'][0]:.0e} in float64",
)

# %% [markdown]
# **Explain.** Read each line from the right. The error falls with $h$ (forward) or with $h^2$ (central): the loss bends within the step, and that is
# **truncation**. Then it turns and rises as $1 / h$: two losses that are nearly equal are subtracted, and what is left is mostly **rounding**. The best step is where
# both are equal. If all derivatives are about 1 and the relative rounding is $\varepsilon$:
#
# $$h = \varepsilon / h \;\Rightarrow\; h = \sqrt{\varepsilon} \quad \text{(forward)}, \qquad h^2 = \varepsilon / h \;\Rightarrow\; h = \sqrt[3]{\varepsilon} \quad \text{(central)}$$
#
# So a check in `float64` sees errors that one in `float32` never could.
#
# ### Exercise `09-central-difference`


# %% tags=["exercise"]
def central_slope(coefficients, at, rounding):
    """The slope of a loss at a point, from two losses and no derivative.

    The loss is a polynomial: `np.polyval(coefficients, x)` is the loss at x. `rounding` is the
    relative error of one loss, about 1.2e-7 in float32. Take a central difference: the loss a step
    ahead of `at` less that a step behind, divided by how far apart the two places are. The step h
    is the one at which the two errors of a central difference are about equal: truncation, h^2,
    and rounding, `rounding / h`.
    """
    return ...


check("09-central-difference", central_slope)

# %% [markdown]
# Stuck? `hint("09-central-difference", 1)` says a little, 2 and 3 say more. `solution("09-central-difference")`, from the same
# place, shows the reference.

# %%
hint("09-central-difference", 1)

# %% [markdown]
# ### A check at work
#
# `gradient_check.check` takes each array of weights by itself, along its own gradient and along random directions. (In one vector of all weights a wrong bias would be
# lost behind a large kernel.) **Predict.** Here are three gradients: Keras' own on the smooth network; the same, with a mistake in its
# last bias (summed over the images instead of averaged); and Keras' on the network as the article has it, with ReLU and max pooling. Which
# will pass?


# %%
class Mistaken:
    """A loss whose gradient is right but in its last bias: there it is summed over the images."""

    def __init__(self, loss):
        self.loss = loss

    def __getattr__(self, name):  # everything else is as it was
        return getattr(self.loss, name)

    def value_and_gradient(self, x):
        """The loss and its gradient, wrong in the last ten numbers."""
        loss, gradient = self.loss.value_and_gradient(x)
        return loss, np.concatenate([gradient[:-10], 16 * gradient[-10:]])


kinked = gradient_check.in_precision(classifier.article(classifier.LOGITS, seed=0), "float64")
candidates = {
    "smooth, Keras' gradient": right,
    "smooth, a wrong bias": Mistaken(right),
    "ReLU and max pooling": loss_of(kinked, "float64"),
}
checked = {name: gradient_check.check(one) for name, one in candidates.items()}
print(f"{'':<26}{'agree':>12}{'largest error':>16}   where not")
for name, rows in checked.items():
    wrong = [f"array {row.array} {row.shape}" for row in rows if not row.agrees]
    agree = f"{sum(row.agrees for row in rows)} of {len(rows)}"
    where = ", ".join(dict.fromkeys(wrong)) or "nowhere"
    print(f"{name:<26}{agree:>12}{max(row.error for row in rows):>16.1e}   {where}")

# %% [markdown]
# **Explain.** The mistake is found, and the check says in which array it is. Look at the last line with care: wherever that network disagrees, no gradient is wrong. A step that crosses a
# kink (a ReLU that switches, a maximum that changes place) sees two slopes and returns their mixture. So check new code on a smooth network, and
# in `float64`.
#
# ## 2. A step, and what is wrong with it
#
# From here on the gradient is given. The plainest thing to do with it:

# %%
show(first_order.sgd, docstring=False)

# %% [markdown]
# (All methods of this lesson have this form: weights, gradient, and what the method remembers go in; new weights and a new memory come out. The same function moves a point on a surface and the kernel
# of a network.)
#
# **Predict.** A valley, thirty times as steep across as along. The steepest curvature is $\lambda$. What does the path look like at a rate of $1 / \lambda$, at
# $1.9 / \lambda$, and at $2.1 / \lambda$?

# %% tags=["plot"]
steep = 30.0
bowl = surfaces.quadratic(steep)
paths = {
    f"{share:g} / steepest curvature": race.race(bowl, {"sgd": share / steep}, steps=30)
    for share in (1.0, 1.9, 2.1)
}
ends = [float(run.losses[0, -1] / run.losses[0, 0]) for run in paths.values()]
plots.descents(
    bowl,
    {words: {"sgd": run.paths[0]} for words, run in paths.items()},
    title=f"After 30 steps {ends[0]:.1%} of the loss is left, {ends[1]:.1%}, and {ends[2]:.0f} times as much",
    width=6.4,
)

# %% [markdown]
# **Explain.** Across the valley each step multiplies the error by $1 - a \lambda$. Beyond $2 / \lambda$ that is less than $-1$, and errors grow: it **diverges**. So the
# steepest direction sets the rate. Along the flattest one, with curvature 1, a step then takes away a share of at most $2 / \lambda$ of the error, and the
# *condition* $\lambda / 1$ says how many steps it takes. In a network, conditions of many thousands are usual (lesson 10 measures one).
#
# ### Momentum
#
# What to do about it? The gradient across the valley changes its sign in every step. The one along it does not. So add them up:
#
# $$v \leftarrow m v - a g, \qquad w \leftarrow w + v$$
#
# Across, the pushes cancel. Along, they add up to $1 + m + m^2 + \ldots = 1 / (1 - m)$ times one of them: ten, for $m = 0.9$.
#
# ### Exercise `09-momentum`


# %% tags=["exercise"]
def momentum(gradients, rate, beta):
    """Where the weights are after each step: (T, N), by gradient descent with momentum.

    `gradients` (T, N) are the gradients that were met, step by step. Weights and velocity begin at
    0. In each step the velocity keeps the share `beta` of itself and gains `rate` times the
    gradient, downhill; then the weights move by the velocity.
    """
    return ...


check("09-momentum", momentum)

# %% [markdown]
# **Nesterov's** method asks for the gradient where the velocity is about to carry the weights, so it brakes before the turn. Keras keeps the place where
# gradients are taken in the weights, and then it reads like this:

# %%
show(first_order.momentum, first_order.nesterov, docstring=False)

# %% [markdown]
# **Predict.** Bowls of many conditions, and each method at that one of 43 rates at which it is there first. How does the number of steps until a thousandth of the loss is left grow with the
# condition? And is momentum better on an easy bowl, too?

# %% tags=["plot"]
conditions = (3, 10, 30, 100, 300, 1000)
MOST = 600
needed = {name: [] for name in ("sgd", "momentum", "nesterov", "adam")}
for condition in conditions:
    tried = race.tuned(surfaces.quadratic(condition), tuple(needed), steps=MOST, near=1e-3)
    for name, steps in tried.fewest().items():
        needed[name].append(steps if steps >= 0 else MOST)
fig, ax = plots.figure(
    title=f"Condition {conditions[-1]}: SGD needs {needed['sgd'][-1]} steps, momentum "
    f"{needed['momentum'][-1]}. Condition {conditions[0]}: {needed['sgd'][0]} and {needed['momentum'][0]}",
    alt="Steps against the condition of a bowl, for four methods. "
    + ". ".join(
        f"{first_order.method(n).label}: {', '.join(map(str, s))}" for n, s in needed.items()
    ),
)
with plots.style():
    for name, steps in needed.items():
        ax.plot(conditions, steps, "o-", label=first_order.method(name).label)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="condition: how many times as steep across as along",
        ylabel="steps until 1/1000 is left",
    )
    ax.legend()
fig

# %% [markdown]
# **Explain.** Gradient descent's steps grow with the condition, at first nearly in proportion. (Less at the end of the line: there nearly all of the loss at the start is steep and soon
# gone, so a thousandth is left before the valley has been walked.) With momentum they hardly grow here: at $m = 0.9$ a ball rolls to the end of
# any of these valleys in about the time in which it loses its velocity. That time is also its price: on the easiest bowl plain gradient descent is there long before the ball has
# stopped rolling to and fro. Nesterov's brake makes that time shorter. Momentum is worth something *where the condition is bad*.
#
# ### A rate for each weight
#
# The other way to deal with directions of different steepness: give each its own rate. **AdaGrad** divides by the root of the sum of all squared gradients so far. A weight whose
# gradients are large takes small steps. But the sum only grows, so the rate only falls. **RMSProp** forgets, with a running mean. **Adam** has momentum besides, and *corrects* both
# running means for their start at 0.

# %%
show(first_order.adagrad, first_order.rmsprop, first_order.adam, docstring=False)

# %% [markdown]
# ### Exercise `09-adam`


# %% tags=["exercise"]
def adam_step(gradients, rate):
    """How far Adam moves the weights in each step: (T, N).

    `gradients` (T, N) are met one after the other. Adam keeps two running means, both from 0:

        m = 0.9 m + 0.1 g           of the gradients
        v = 0.999 v + 0.001 g^2     of their squares

    After t steps (t = 1, 2, ...) both are too small by known shares, for they began at 0; so they
    are divided by 1 - 0.9^t and 1 - 0.999^t. Row t - 1 is then the change of the weights in step t:

        - rate * corrected m / (root of corrected v + 1e-7)
    """
    return ...


check("09-adam", adam_step)

# %% [markdown]
# **Predict.** A valley of condition 100. First its axis lies along the coordinates, then it is turned by 30 degrees. For which methods is that another valley?

# %%
turned = {}
for words, angle in (("along the axes", 0.0), ("turned by 30 degrees", 30.0)):
    tried = race.tuned(
        surfaces.quadratic(100.0, angle), METHODS[:6], steps=MOST, near=1e-3
    )  # AdamW comes later
    turned[words] = tried.fewest()
print(f"{'steps to 1/1000':<24}" + "".join(f"{label:>10}" for label in LABELS[:6]))
for words, fewest in turned.items():
    cells = [str(steps) if steps >= 0 else f"> {MOST}" for steps in fewest.values()]
    print(f"{words:<24}" + "".join(f"{cell:>10}" for cell in cells))

# %% [markdown]
# **Explain.** The first three methods see lengths and angles; turn the valley, and they turn with it. The others see *coordinates*: turned, it is another valley to them. Most of all to AdaGrad. A rate for each weight undoes the
# condition where the axes of the valley are those of the weights, and where they are not it cannot. In networks they often are, in part: a bias and a kernel, a
# rare feature and a frequent one have gradients of different size. That is what these methods live on. (RMSProp divides by the size of *recent* gradients, so at a constant rate its steps never become short: near the end it goes to and fro, unless the rate is low from the start. It wants a falling rate, section 5.
# And a method that undoes *any* valley needs more than the gradient: lesson 10.)
#
# ### Decay beside the gradient
#
# To keep weights small one may add $d\,w$ to the gradient. **Predict.** Adam divides each gradient by its own size. Two weights, 1 and 100, and no gradient but that of the decay: what does one
# step do to them? And in **AdamW**, which shrinks the weights *beside* the gradient?

# %%
# NBVAL_CHECK_OUTPUT
two = np.array([1.0, 100.0])
added, _ = first_order.adam(two, 0.1 * two, first_order.begin("adam", two), 0.01, 1)
beside, _ = first_order.adamw(two, 0 * two, first_order.begin("adamw", two), 0.01, 1, decay=0.1)
print("decay in the gradient: shrunk by", ", ".join(f"{s:.2%}" for s in 1 - added / two))
print("decay beside it:       shrunk by", ", ".join(f"{s:.2%}" for s in 1 - beside / two))

# %%
show(first_order.adamw, docstring=False)

# %% [markdown]
# **Explain.** Inside Adam, decay has lost its meaning: all weights shrink by the same *length*. Beside it they shrink by the same *share*.
#
# ## 3. Are they the same as Keras'?
#
# Written out is not yet right. So take a real network, the classifier, and sixteen images, and let Keras' optimizers take 24 steps. Our functions are given the *same gradients*, step by
# step: how far are their weights from Keras' in the end? Then once more, and now each follows its *own* gradients, so that a difference in one step is in all later gradients, too.
#
# **Predict.** In shares of the largest weight of an array: how far apart are they in the first case? And in the second?

# %%
from tracklab.optimizers.plugged import of_keras, plugged

RATES = {"sgd": 0.01, "momentum": 4e-3, "nesterov": 4e-3, "adagrad": 4e-3, "rmsprop": 1e-4}
real = classifier.article(classifier.LOGITS, seed=0)


def asked(model):
    """What a network's loss and its gradients are now, compiled."""

    @tf.function
    def ask():
        with tf.GradientTape() as tape:
            loss = crossentropy(few_labels, model(tf.constant(few, tf.float32), training=False))
        return loss, tape.gradient(loss, model.trainable_variables)

    return ask


def stepped(name, weights, gradients, memory, step):
    """One step of a written-out method with all arrays of a network."""
    take, rate = first_order.method(name).step, RATES.get(name, 5e-4)
    parts = zip(weights, gradients, memory, strict=True)
    moved = [take(w, g.numpy(), m, rate, step) for w, g, m in parts]
    return [w for w, _ in moved], [m for _, m in moved]


def beside_keras(model, ask, name, steps=24):
    """How far from Keras' weights with the same gradients, and with own ones; the loss that is left."""
    start, theirs = model.get_weights(), of_keras(name, RATES.get(name, 5e-4))
    memory = [first_order.begin(name, w) for w in start]
    same, remembered = start, memory
    for step in range(1, steps + 1):
        _, gradients = ask()
        same, remembered = stepped(name, same, gradients, remembered, step)
        theirs.apply(gradients, model.trainable_variables)
    end = model.get_weights()
    model.set_weights(start)
    first, own, remembered = float(ask()[0]), start, memory
    for step in range(1, steps + 1):
        own, remembered = stepped(name, own, ask()[1], remembered, step)
        model.set_weights([w.astype(np.float32) for w in own])
    left = float(ask()[0]) / first
    model.set_weights(start)

    def off(weights):
        return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(weights, end, strict=True))

    return float(off(same)), float(off(own)), left


equal = {
    words: {name: beside_keras(model, ask, name) for name in METHODS}
    for words, model, ask in (
        ("ReLU", real, asked(real)),
        ("smooth", smooth, asked(smooth)),
    )
}
print(f"{'':<12}{'same gradients':>16}{'own gradients':>16}{'own, smooth':>14}{'loss left':>12}")
for name, label in zip(METHODS, LABELS, strict=True):
    (same, own, left), (_, own_smooth, _) = equal["ReLU"][name], equal["smooth"][name]
    print(f"{label:<12}{same:>16.1e}{own:>16.1e}{own_smooth:>14.1e}{left:>12.0%}")
apart = {name: max(equal[words][name][0] for words in equal) for name in METHODS}
learned = {name: equal["ReLU"][name][2] for name in METHODS}

# %% [markdown]
# **Explain.** With the same gradients they differ by what `float32` rounds: about $10^{-7}$, and more in Adam, where $1 - 0.999^t$ is a small difference of two numbers near 1. So these *are* Keras' methods, with all of Keras' choices. (Where those leave the papers, the docstrings say
# so: `show(first_order.adam)`.) The second column is a lesson of its own. In some of its rows a difference in the seventh digit has become one that can be seen, after no more than 24 steps. It is not the method: on the smooth
# network (third column) the differences stay small. It is the kinks. A rounding decides which side of a ReLU a number lies on, or which of two nearly equal pixels is the maximum, and methods that divide by the size of the gradient
# make a full step out of it. **Two runs of the same training on two machines are not the same run**, and that is one more reason for several seeds.
#
# `plugged("adam", 1e-3)` puts such a function into any training of this course, and all that follows is trained by *them*.
#
# ## 4. How large a step?
#
# The rate is the one number that must be right. **Predict.** We train the classifier for 60 steps with momentum, at 0.01, at 1, and at 1000. What will you see in each case?

# %% tags=["training"]
batches = training.Batches(images.train_images, images.train_labels, 64, seed=0)
first_weights = real.get_weights()


def trained(rate, *, method="momentum", steps=60, **options):
    """Train the classifier from the same first weights; returns the curves."""
    real.set_weights(first_weights)
    return training.fit(
        *(real, batches),
        loss=crossentropy,
        optimizer=plugged(method, rate),
        steps=steps,
        seed=0,
        name=f"{method} at {rate:g}",
        **options,
    )


def differ():
    """How far the network's answers differ between images, at most: 0 if it answers all alike."""
    said = real(images.train_images[:64].astype(np.float32), training=False).numpy()
    return float(np.ptp(said, axis=0).max())


outcomes = {}
for rate in (0.01, 1.0, 1000.0):
    try:
        reached = trained(rate).loss[-10:].mean()
        outcomes[rate] = f"loss {reached:.3f}; logits of 64 images differ by {differ():.3f}"
    except training.Diverged as error:
        outcomes[rate] = f"{type(error).__name__}: {error}"
back = all(np.array_equal(a, b) for a, b in zip(first_weights, real.get_weights(), strict=True))
print(f"\nknowing nothing: loss {np.log(10):.3f}")
for rate, words in outcomes.items():
    print(f"rate {rate:g}: {words}")
print(f"\nafter the last one the weights are as they were before it: {back}")

# %% [markdown]
# **Explain.** Two ways to fail, and the loud one is the better one. At 1000 the loss is soon no number any more. `fit` stops, says in which step and at which rate, and puts all weights back, so you can try again at once. At 1 nothing
# stops: one enormous step pushed the ReLUs to where they never answer again. Their gradients are 0, the answer is the same for every image, and the loss stays near that of knowing nothing. The network is
# **dead**. A loss that lies flat there is not always "learning slowly": look whether the answers differ.
#
# `fit(..., ceiling=...)` takes a loss above a limit for diverged, too. With it one can come down from any rate. **Predict.** From 100, a tenth at each try: how many tries?

# %% tags=["training"]
ALIVE = 0.02  # answers that differ by more
for rate in 10.0 ** np.arange(2, -5, -1):
    try:
        came_down = trained(rate, ceiling=3.0, progress=False)
    except training.Diverged as error:
        print(f"at {rate:g} it diverges in step {error.step}")
        continue
    alive, recovered = differ(), float(came_down.loss[-10:].mean())
    if alive > ALIVE:
        break
    print(f"at {rate:g} it is dead: logits differ by {alive:.3f}, loss {recovered:.3f}")
print(f"at {rate:g} it learns: logits differ by {alive:.3f}, loss {recovered:.3f}")

# %% [markdown]
# ### A range test
#
# There is a cheaper way than to try and fail: *one* short training, in which the rate rises from far too small to far too large (Smith, 2017). As long as
# the loss falls, the network bears the rate. `range_test` does it, and puts all weights back. Here is lesson 05's motion network: a GRU of 16 units, its gradients clipped as there (section 6 says how).
# **Predict.** In which order will the three methods reach their limits?

# %% tags=["training", "plot"]
from tracklab import motion
from tracklab.motion import recipe
from tracklab.optimizers import clipping
from tracklab.optimizers.range_test import range_test

gru = motion.Network("gru", units=16, seed=0)
trajectories = recipe.Trajectories(batch_size=32, seed=0, lengths=((0.0, 20),))
held_out = [tf.constant(part) for part in trajectories.batch(100_000)]
watched_loss = tf.function(lambda: recipe.objective(gru, held_out)["loss"])
before = gru.arrays()
ranges = {}
for name, (low, high) in {
    "sgd": (1e-2, 100),
    "momentum": (1e-3, 10),
    "adam": (1e-4, 1),
}.items():
    ranges[name] = range_test(
        *(gru, trajectories),
        objective=recipe.objective,
        optimizer=plugged(name, clip=lambda g: clipping.by_global_norm(g, 1.0)),
        watch=lambda: float(watched_loss()),  # of the same trajectories at every rate
        smoothing=0.5,
        low=low,
        high=high,
        steps=80,
    )
same = all(np.array_equal(a, b) for a, b in zip(before, gru.arrays(), strict=True))
print("the network is as it was:", same)
plots.range_tests(
    ranges,
    title="The loss is lowest at a rate of "
    + ", ".join(f"{r.lowest:.2g} ({first_order.method(n).label})" for n, r in ranges.items()),
)

# %% [markdown]
# ### Exercise `09-range-test`


# %% tags=["exercise"]
def pick_rate(rates, losses, memory):
    """A rate for a training, from a range test: a tenth of the one where the loss was lowest.

    `rates` (K,) rise, and `losses` (K,) are those of one batch at each of them, noisy. So they are
    smoothed first: s = memory * s + (1 - memory) * loss, from 0; after k of them (k = 1, 2, ...) it
    is divided by 1 - memory^k, for it began at 0. Where this is lowest, the rate has become too
    high; a tenth of that one is safe.
    """
    return ...


check("09-range-test", pick_rate)

# %% [markdown]
# **Explain.** What a rate *means* depends on the method: Adam's step is about as long as the rate, whatever the gradient; SGD's is the rate times the gradient; momentum's grows to ten times that. To compare methods
# at one rate is to compare nothing. (By that, SGD should bear higher rates than momentum. Does the figure say so? The tuning in section 7 will.) And a range test knows the *first* steps only, and each of its rates for a
# moment; where a curve is as restless as SGD's is here, its lowest place is partly chance. It says where to begin to look, not what is best: in section 7 you will see how far off it was.
#
# ## 5. A rate that changes
#
# While there is far to go, long steps are good. Near the end the noise of batches keeps the weights from settling, and only shorter steps help. And the very first steps are the most dangerous ones: everything is steep
# there, and what a method remembers (a velocity, running means) is not yet worth anything. So the usual **schedule**: up for a short while (*warm-up*), then down.
#
# ### Exercise `09-schedule`


# %% tags=["exercise"]
def schedule(steps, warmup, peak):
    """The learning rate of each step: (steps,), warmed up and then down along half a cosine.

    In the first `warmup` steps the rate rises in a straight line: `peak / warmup` in the first
    step, `peak` in the last of them. In each of the others the share that is done of what comes
    after the warm-up, s, goes from 0 in the first of them, by 1 / (steps - warmup) a step, and the
    rate is `peak` times (1 + cos(pi s)) / 2. `warmup` is at least 1 and less than `steps`.
    """
    return ...


check("09-schedule", schedule)

# %% [markdown]
# Is it worth anything? We ask the motion network again, at two rates that are high on purpose: momentum at 1, and Adam at 0.1; 100 steps, three seeds each. The loss is on
# trajectories that no training sees; it begins above 0 and can become negative (a part of it is a log-likelihood).
#
# **Predict.** Three schedules: constant; down by a cosine; the same after a warm-up of ten steps. Which of the two methods needs the warm-up?

# %% tags=["training"]
from tracklab import sweep
from tracklab.optimizers import trials, tuning

scheduled = sweep(
    trials.motion_rnn,
    [
        {
            "method": [name],
            "rate": [rate],
            "schedule": list(trials.SCHEDULES),
            "seed": [0, 1, 2],
            "budget": [100],
        }
        for name, rate in (("momentum", 1.0), ("adam", 0.1))
    ],
)


def spread_of(table, **setting):
    """Median, least and most of the held-out losses of several seeds."""
    losses = np.array([run.figures["loss"] for run in table.select(**setting).runs])
    return float(np.median(losses)), float(losses.min()), float(losses.max())


by_schedule = {
    (name, kind): spread_of(scheduled, method=name, schedule=kind)
    for name in ("momentum", "adam")
    for kind in trials.SCHEDULES
}
print(f"{'held-out loss':<14}{'schedule':<18}{'median':>9}   least to most")
for (name, kind), (middle, low, high) in by_schedule.items():
    label = first_order.method(name).label
    print(f"{label:<14}{kind:<18}{middle:>9.3f}   {low:.3f} to {high:.3f}")

# %% [markdown]
# **Explain.** Momentum at 1 is thrown out of the valley in its first steps, and no falling rate brings it back. With ten steps of warm-up it trains *at the same peak rate*. Adam survives its start (its steps are as long as the rate, no longer), and what helps it is the
# fall at the end. Compare the spread of the seeds, too.
#
# Everything that is compared below has a cosine, because a constant rate makes one compare how noisy the ends are.
#
# ## 6. When gradients explode
#
# In lesson 05 gradients vanished on their way back through time. They can also grow, frame by frame, as products do. Then a single batch
# undoes all. **Clipping** shortens a gradient that is too long, all weights together, and keeps its direction:

# %%
show(clipping.by_global_norm, docstring=False)

# %% [markdown]
# ### Exercise `09-clip`


# %% tags=["exercise"]
def clip(kernel, bias, limit):
    """The gradients of a kernel (N, M) and a bias (M,), together no longer than `limit`.

    Their length is that of one vector of all their numbers. Where it is above `limit`, both are
    multiplied by one factor, so that the length is `limit`; the direction stays. Otherwise both
    come back as they are.
    """
    return ...


check("09-clip", clip)

# %% [markdown]
# A simple recurrent network on trajectories of 20 frames, by SGD at rate 1. **Predict.** Without clipping, does the length of the gradient rise slowly, or all at once? With a limit of 1, what will the
# length be *before* it is cut?

# %% tags=["training"]
from tracklab.optimizers.plugged import watched_step

watched = {}
for words, limit in (("not clipped", 0.0), ("clipped at 1", 1.0)):
    network = motion.Network("rnn", units=16, seed=0)
    moving = recipe.Trajectories(batch_size=16, seed=0, lengths=((0.0, 20),))
    optimizer = plugged("sgd", 1.0)
    step = watched_step(network, recipe.objective, optimizer, limit=limit)
    options = {"steps": 80, "train_step": step, "optimizer": optimizer, "name": words}
    try:
        watched[words] = training.fit(network, moving, **options)
    except training.Diverged as error:
        watched[words] = error.curves
longest = {words: float(curves["norm"].max()) for words, curves in watched.items()}
last_loss = {words: float(curves.loss[-10:].mean()) for words, curves in watched.items()}

# %% tags=["plot"]
plots.curves(
    watched,
    y="norm",
    log=True,
    width=6,
    title=f"Without a limit the gradient reaches {longest['not clipped']:.0f}, and the loss ends at "
    f"{last_loss['not clipped']:.0f}; with one, {longest['clipped at 1']:.1f} and {last_loss['clipped at 1']:.2f}",
    ylabel="length of the gradient, before it is cut",
    alt="The length of the gradient over 80 steps on a logarithmic axis. Not clipped it jumps by orders of "
    "magnitude within a few steps and stays high. Clipped, it rises to a few in the first steps and then stays about one or below.",
)

# %% [markdown]
# **Explain.** All at once: one long step into a place where the loss is steep, a longer gradient there, a longer step. Clipping cuts the chain at its first link: the gradients *themselves* stay short, because the weights never get to
# where they are long. It does nothing for a gradient that is NaN, and it does not mend a rate that is too high for the *direction*.
#
# ## 7. Who wins?
#
# By now you know how to make any method win: give it the better rate. So what does a fair comparison need?
#
# - **The same start and the same batches** for all, seed by seed.
# - **Its own rate for each method**, found with the same effort, on a grid that is wide enough: the best one must not lie at its edge. And the effort is *counted*: a method that needs tuning costs tuning.
# - **Other seeds** than those that chose the rate. The best of many tries is partly luck.
# - **Several of them, with their spread.** A difference within the spread is no difference.
# - **Three axes**: steps; gradients, which is what a step asks for; and seconds, which is what you pay. For first-order methods the first two agree. In lesson 10 they will not.
#
# **Predict.** Three methods on the motion network, 100 steps, three or four rates each, half a decade apart. (The grids are short, for time, and lie where an earlier search had found something; where the best is at an edge, they grow by themselves.) Whose curve over the
# rate is the flattest at its bottom?

# %% tags=["training"]
GRIDS = {
    "sgd": [0.316, 1.0, 3.16],
    "momentum": [0.0316, 0.1, 0.316, 1.0],
    "adam": [0.00316, 0.01, 0.0316, 0.1],
}
HOW = {"budget": 100, "schedule": trials.COSINE}
tuned = tuning.tune(trials.motion_rnn, tuple(GRIDS), rates=GRIDS, seeds=[0, 1], widen=2, **HOW)

# %% tags=["plot"]
gradients, cpu = tuning.spent(tuned.table)
plots.rates_tried(
    tuned,
    title="Each has its own best rate: "
    + ", ".join(f"{first_order.method(n).label} {rate:g}" for n, rate in tuned.rates.items()),
)

# %%
print(f"tuning took {len(tuned.table)} runs, {gradients} gradients, {cpu:.0f} CPU seconds\n")


def lowest(name, seed):
    """The rate that one seed alone would have chosen."""
    return min(
        tuned.table.select(method=name, seed=seed).runs, key=lambda run: run.figures["loss"]
    ).parameters["rate"]


print(
    f"{'':<12}{'chosen':>8}{'seed 0 alone':>15}{'seed 1 alone':>15}{'a tenth of the range test':>28}"
)
for name, rate in tuned.rates.items():
    alone = [lowest(name, seed) for seed in (0, 1)]
    tenth = ranges[name].lowest / 10
    label = first_order.method(name).label
    print(f"{label:<12}{rate:>8g}{alone[0]:>15g}{alone[1]:>15g}{tenth:>28.2g}")
print()
for rate in sorted(set(GRIDS["sgd"]) & set(GRIDS["momentum"])):
    at = {n: spread_of(tuned.table, method=n, rate=rate)[0] for n in ("sgd", "momentum")}
    print(f"both at rate {rate:g}: " + ", ".join(f"{n} {loss:.3f}" for n, loss in at.items()))

# %% [markdown]
# **Explain.** The last lines first: choose one rate for SGD and momentum, and you have chosen the winner. Only the lowest point of each curve may be compared with the lowest of another. Its *width* is worth
# something, too: who has no time to tune wants a method that forgives. Adam's is the widest here. Just right of the best rate of SGD and of momentum stands a cliff (a cross at the upper edge: the network ended worse than it began), and near a cliff one seed may choose what another one
# falls from. Compare the chosen rates with what the range test had advised, too: it was of the right order for momentum and Adam, and far too low for SGD.
#
# Now the comparison, on three seeds that have chosen nothing:

# %% tags=["training"]
compared = tuning.compare(trials.motion_rnn, tuned, seeds=(100, 101, 102), **HOW)

# %% tags=["plot"]
of_rnn = {name: spread_of(compared, method=name) for name in tuned.rates}
plots.three_axes(
    compared,
    title="The motion network: held-out loss "
    + ", ".join(f"{m:.3f} ({first_order.method(n).label})" for n, (m, *_) in of_rnn.items()),
    width=7.4,
)

# %% [markdown]
# And the classifier, for 100 steps of 64 images. To tune it takes longer than we have here, so its rates come from a tuning that was done before, for longer trainings, and stored (the next section has all of it). **Predict.** Will Adam be ahead by as much?

# %% tags=["training"]
from tracklab.optimizers import stored_tuning as stored

measured = stored.read()
picked = {name: measured["cnn"].tuned.rates[name] for name in GRIDS}
on_images = tuning.compare(trials.cnn, picked, seeds=(100, 101, 102), **HOW)

# %% tags=["plot"]
of_cnn = {name: spread_of(on_images, method=name) for name in picked}
accuracy = {name: np.median(on_images.select(method=name)["accuracy"]) for name in picked}
print(images)
for name, (middle, low, high) in of_cnn.items():
    print(
        f"{first_order.method(name).label:<10} rate {picked[name]:<8g} held-out loss {middle:.3f} ({low:.3f} to "
        f"{high:.3f}), accuracy {accuracy[name]:.0%}"
    )
plots.three_axes(
    on_images,
    title=f"The classifier on {images.name}: held-out loss "
    + ", ".join(f"{m:.2f} ({first_order.method(n).label})" for n, (m, *_) in of_cnn.items()),
    over=("at_step", "at_cpu_second"),
    width=5.6,
)

# %% [markdown]
# **Explain.** Look at the bands before you look at the lines. Adam's line is the lowest here, too. But where its band reaches into that of momentum, three seeds do not tell the two apart, and on the motion network they did. Then look at all axes. A step costs nearly the same with all three methods, since the gradient is most of it, and a step asks for one gradient. So here all panels are the first one, stretched. And a hundred
# steps are the beginning of a training: what is ahead here need not be ahead later.
#
# ## 8. Seven methods, three networks
#
# What follows takes longer than a lesson has. It was measured once, with the commands that stand below the table,
# on the classifier, on the detector's heads (lesson 04's region proposals and second stage, new, on the maps of the shipped backbone) and on the motion network. Every method has a grid of rates around Keras' default, widened
# until its best lies inside; it was tuned on some seeds and judged on others, and all have a cosine.
#
# **Predict.** Is there a method that is best on all three? And which methods mind least when their rate is half a decade too low? Too high?

# %%
from IPython.display import Markdown

TITLES = {"cnn": "classifier", "heads": "detector's heads", "motion_rnn": "motion network"}
kept = {name: measured[name] for name in TITLES if name in measured}
spreads = {
    name: {m: spread_of(task.compared, method=m) for m in METHODS if m in task.tuned.rates}
    for name, task in kept.items()
}
lines = [
    "| method | " + " | ".join(f"{TITLES[n]}: rate | held-out loss" for n in kept) + " |",
    "|---|" + "---|---|" * len(kept),
]
missed = ["| method | " + " | ".join(TITLES[n] for n in kept) + " |", "|---|" + "---|" * len(kept)]
low_was_better = []


def around(task, method):
    """What the tuning measured at the next rate below the chosen one, at it, and at the next above."""
    rates = sorted(set(task.tuned.table.select(method=method)["rate"].tolist()))
    at = rates.index(task.tuned.rates[method])
    return [
        spread_of(task.tuned.table, method=method, rate=rates[k])[0]
        if 0 <= k < len(rates)
        else np.nan
        for k in (at - 1, at, at + 1)
    ]


for method, label in zip(METHODS, LABELS, strict=True):
    cells, near = [], []
    for name, task in kept.items():
        row = next(r for r in task.tuned.rows() if r["method"] == method)
        middle, low, high = spreads[name].get(method, (np.inf,) * 3)
        edge = " (edge)" if row["at an edge"] else ""
        cells += [f"{row['rate']:g}{edge}", f"{middle:.3f} ({low:.3f} to {high:.3f})"]
        below, chosen, above = around(task, method)
        near.append(f"{below:.3f}, **{chosen:.3f}**, {above:.3f}")
        low_was_better.append(below < above)
    lines.append(f"| {label} | " + " | ".join(cells) + " |")
    missed.append(f"| {label} | " + " | ".join(near) + " |")
notes = []
for name, task in kept.items():
    spent, cpu = tuning.spent(task.tuned.table)
    notes.append(
        f"{TITLES[name].capitalize()}: {task.about['data']}; {task.about['budget']} steps; "
        f"seeds that chose the rates: {len(set(task.tuned.table['seed'].tolist()))}, others that compare: "
        f"{len(set(task.compared['seed'].tolist()))}; tuning took {len(task.tuned.table)} runs, {spent:,} "
        f"gradients and {cpu / 60:.1f} CPU minutes. `{task.about['command']}`"
    )
words = (
    "In the tuning, the held-out loss half a decade below the chosen rate, **at it**, and half a decade above. "
    f"The lower one was better than the higher one in {sum(low_was_better)} of {len(low_was_better)}:"
)
Markdown("\n".join([*lines, "", *(f"- {note}" for note in notes), "", words, "", *missed]))

# %%
ranked, level_with = {}, {}
for name, found in spreads.items():
    ranked[name] = sorted(found, key=lambda m, found=found: found[m][0])
    first = found[ranked[name][0]]
    # not told apart from the first: its best seed is no worse than the first one's worst
    level_with[name] = [m for m in ranked[name][1:] if found[m][1] <= first[2]]
    behind = [first_order.method(m).label for m in ranked[name] if m not in level_with[name]][1:]
    beside = [first_order.method(m).label for m in level_with[name]]
    print(f"{TITLES[name]}: lowest median by {first_order.method(ranked[name][0]).label};")
    print(f"    within the seeds' spread of it: {', '.join(beside) or 'none'}")
    print(f"    behind, beyond the spread:      {', '.join(behind) or 'none'}")

# %% tags=["plot"]
for name, task in kept.items():
    winner = first_order.method(ranked[name][0]).label
    plots.display(
        plots.three_axes(
            task.compared,
            title=f"{TITLES[name].capitalize()}: {winner} is lowest; "
            f"{len(level_with[name])} of six are within its spread",
            over=("at_step", "at_cpu_second"),
            width=5.6,
        )
    )

# %% [markdown]
# **Explain.** Read the second list as it stands: *within the spread* means that the ranges of the seeds overlap, and this table does not tell the two apart, whatever the medians say. A paper with one seed would have named
# a winner. And *beyond* it is no proof either: with five seeds each, the ranges of two methods that are equal come apart by chance about once in 126 times (with three seeds, once in ten), and here six are held against a winner who was picked afterwards. Then follow a method from network to network. Adam's place is not the same on all three, and a method's best rate moves by a decade or so. Whoever takes over a rate with a method takes over half of a recipe.
#
# And read it with the doubt that it deserves. These are the beginnings of trainings, not their ends; two seeds chose the rates, half a decade apart; five others compare. With more of `--seeds`, `--fresh` and `--budget` the commands go on from there.
#
# The second table says what it costs to miss the best rate by one. Too low: on the classifier and on the motion network Adam and AdamW mind less than the three methods with one rate for all weights, and at the detector's heads they mind most of all.
# Too high: on the motion network Adam and AdamW hardly notice, and all others fall off a cliff; on the other two networks there is none within the grids, and at the heads nearly every method would rather have a rate that is too high than one that is too low. No rule comes out of it but this one: the cliffs are all on the upper side. Where you cannot tune, err to the lower one, and know that it is a guess.

# %% [markdown]
# ## 9. The race
#
# Back to two dimensions, where one can see. Each method runs at the rate that brings it lowest on *this* surface (43 were tried), and its slider multiplies that rate.
#
# 1. *A bowl*, condition $10^{0}$: who is slow now, and why? Then turn the condition up and play again.
# 2. Make one rate ten times too large. Which methods diverge, and which only tremble?
# 3. *A saddle*. All start nearly on its ridge. Who gets off it last?
# 4. *Beale's plateau*, where the gradient is tiny: who hardly notices?
# 5. *A network's loss*: two solutions. Do all methods end in the same one?

# %% tags=["explorer", "plot"]
explore("race")

# %% [markdown]
# ## 10. The gate
#
# What you have measured. The cell stops with an error if the margins are not there.

# %% tags=["gate"]
rows = ["| method | off Keras after 24 steps | motion network | classifier |", "|---|---|---|---|"]
for name, label in zip(METHODS, LABELS, strict=True):
    cells = [
        f"{found[name][0]:.3f} ({found[name][1]:.3f} to {found[name][2]:.3f})"
        if name in found
        else ""
        for found in (of_rnn, of_cnn)
    ]
    rows.append(f"| {label} | {apart[name]:.1e} | " + " | ".join(cells) + " |")
# seven methods are Keras', and they learn
assert max(apart.values()) < 1e-4
assert max(learned.values()) < 1
# a right gradient passes, a wrong one is found where it is
assert all(row.agrees for row in checked["smooth, Keras' gradient"])
wrong = [row for row in checked["smooth, a wrong bias"] if not row.agrees]
assert wrong
assert {row.shape for row in wrong} == {(10,)}
assert best["float64"][1] < best["float32"][1] / 100
# momentum is worth something where the condition is bad
assert needed["momentum"][-1] < needed["sgd"][-1] / 2
# what diverges says so, leaves the weights as they were, and is left by a lower rate
assert outcomes[1000.0].startswith("Diverged")
assert back
assert alive > ALIVE
assert recovered < 3
# a high rate is borne with a warm-up
assert by_schedule["momentum", trials.WARMUP][0] < by_schedule["momentum", trials.CONSTANT][0] - 0.5
# and an explosion does not happen to a gradient that is clipped
assert longest["clipped at 1"] < longest["not clipped"] / 5
assert last_loss["clipped at 1"] < 0.3
# each at its own rate: on the motion network Adam is ahead of plain gradient descent, for every seed
assert of_rnn["adam"][2] < of_rnn["sgd"][1]
assert of_rnn["adam"][0] < of_rnn["sgd"][0] - 0.01
Markdown(
    "\n".join(
        [
            *rows,
            "",
            "Held-out losses after 100 steps: the median of three seeds, and the least and the most. At its own rate Adam is ahead of "
            f"plain gradient descent on the motion network by {of_rnn['sgd'][0] - of_rnn['adam'][0]:.3f}. All margins are there.",
        ]
    )
)

# %% [markdown]
# ## Summary
#
# - A **gradient** is computed exactly, for the price of a few losses. **Differences** cost two losses a weight. They check gradients; they train nothing.
# - A difference has two errors: truncation grows with the step, rounding with its inverse. The best central step is about the cube root of the precision.
# - Plain **gradient descent** is ruled by the steepest direction and slowed by the flattest one. **Momentum** lets steps along the valley add up; it pays where the condition is bad, and costs steps where it is not.
# - **AdaGrad, RMSProp, Adam** give each weight a rate of its own. That undoes differences *between coordinates*, and not a valley that lies across them. Corrections in Adam make up for means that begin at 0. **AdamW** decays beside
#   the gradient, so that decay keeps its meaning.
# - Written out, all seven equal Keras' to rounding, on a real network.
# - A rate that is far too high diverges loudly. One that is a little too high may kill a network of ReLUs in silence. A **range test** is cheap and says where to begin to look; it can be off by more than a decade.
# - **Warm-up** makes a rate bearable that is too high for the first steps; a **falling rate** takes the noise out of the end. **Clipping** stops an explosion at its first step.
# - **A comparison is fair** with the same start, an own rate found with counted effort, other seeds for judging, and the spread beside the median. Much of what looks like a difference then lies within the spread.
#
# ## Common misconceptions
#
# - *"First-order methods use differences."* They use derivatives. Only the check uses differences.
# - *"The smaller the step of a difference, the better."* Until rounding takes over.
# - *"Adam needs no tuning."* On two of three networks here it forgives a rate that is somewhat too low. Its best rate still moves by a decade between the networks of this lesson.
# - *"Momentum averages the gradients."* It sums them. At 0.9 a steady gradient moves ten times as far, so ten times the rate is what you compare with.
# - *"A loss that does not move means that the rate is too low."* Or that it was too high, once, and the network is dead.
# - *"Clipping makes learning slower."* Where gradients are short it does nothing at all.
# - *"Method A beats method B."* At which rates, after how many tries, on how many seeds, and over which axis?
#
# ## Quiz
#
# **1.** You double the batch, and the noise of your gradients falls. Your colleague says: now double the rate. When is that right for SGD, and when does it stop being right?
#
# <details><summary>Answer</summary>
#
# While the noise is what limits the rate, half the noise bears twice the rate (Goyal and others, 2017, with a warm-up). The other limit does not depend on noise: $2 / \lambda$, by the steepest direction. Once that is reached, a larger batch only
# costs more. Section 2 shows the limit, section 5 the warm-up.
#
# </details>
#
# **2.** A paper tunes its new method over 50 settings and compares it with Adam at its default rate, on one seed. Its curve is lower by 2 %. What do you know?
#
# <details><summary>Answer</summary>
#
# That the best of 50 tries on a seed is lower than one try. Give Adam 50 tries, judge both on other seeds, and look whether 2 % is more than the spread. In the table above the best rate is often a decade or more from Keras' default (0.01 for SGD, 0.001 for Adam).
#
# </details>
#
# **3.** All your losses are multiplied by 1000. Which of the seven methods notice?
#
# <details><summary>Answer</summary>
#
# SGD, momentum and Nesterov: their steps are a thousand times as long. AdaGrad in its first steps (its sums begin at 0.1). RMSProp, Adam and AdamW do not, but for the epsilon: a gradient divided by its own size has no unit. And a limit for clipping must be changed, whatever the method.
#
# </details>
#
# ## Further reading
#
# - J. Nocedal, S. J. Wright. *Numerical optimization.* Springer, second edition 2006. Chapter 8: differences, and why the cheap gradient is cheap.
# - L. Bottou, F. E. Curtis, J. Nocedal. *Optimization methods for large-scale machine learning.* SIAM Review 60, 2018.
# - B. T. Polyak. *Some methods of speeding up the convergence of iteration methods.* USSR Computational Mathematics and Mathematical Physics 4, 1964. Momentum.
# - Y. Nesterov. *A method of solving a convex programming problem with convergence rate O(1/k²).* Soviet Mathematics Doklady 27, 1983.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton. *On the importance of initialization and momentum in deep learning.* ICML 2013.
# - G. Goh. *Why momentum really works.* Distill, 2017.
# - J. Duchi, E. Hazan, Y. Singer. *Adaptive subgradient methods for online learning and stochastic optimization.* Journal of Machine Learning Research 12, 2011. AdaGrad.
# - T. Tieleman, G. Hinton. *Neural networks for machine learning*, lecture 6e. Coursera, 2012. RMSProp.
# - D. P. Kingma, J. Ba. *Adam: a method for stochastic optimization.* ICLR 2015.
# - I. Loshchilov, F. Hutter. *Decoupled weight decay regularization.* ICLR 2019. AdamW. And *SGDR: stochastic gradient descent with warm restarts.* ICLR 2017. The cosine.
# - L. N. Smith. *Cyclical learning rates for training neural networks.* WACV 2017. The range test.
# - P. Goyal and others. *Accurate, large minibatch SGD: training ImageNet in 1 hour.* 2017. Warm-up.
# - R. Pascanu, T. Mikolov, Y. Bengio. *On the difficulty of training recurrent neural networks.* ICML 2013. Clipping.
# - D. Choi, C. J. Shallue, Z. Nado, J. Lee, C. J. Maddison, G. E. Dahl. *On empirical comparisons of optimizers for deep learning.* 2019.
# - R. M. Schmidt, F. Schneider, P. Hennig. *Descending through a crowded valley: benchmarking deep learning optimizers.* ICML 2021. Fifteen methods, and how little is left of their order.
