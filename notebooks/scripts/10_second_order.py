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
#     title: 'Second-order optimizers'
#     objectives:
#     - text: say what a Hessian makes of a gradient, and take Newton's step
#       exercise: 10-newton-step
#     - text: multiply a vector by a Hessian that nobody has written down
#       exercise: 10-hvp
#     - text: find the steepest curvature of a network from products alone
#       exercise: 10-largest
#     - text: make any direction of descent safe by backtracking
#       exercise: 10-armijo
#     - text: learn curvature from gradients, as L-BFGS does
#       exercise: 10-two-loop
#     - text: damp a step by as much as its forecast was wrong
#       exercise: 10-damping
#     builds_on: ['02', '05']
#     minutes: 150
#     seconds: 120
#     measures:
#     - how many steps gradient descent and Newton need, by the condition of a bowl
#     - how far Hessian-vector products agree, both ways and with differences of gradients, and where they do not
#     - what a Hessian-vector product costs in gradients, on three networks
#     - the eigenvalues of a network's loss, Lanczos' beside NumPy's, before and after training
#     - where Newton's method ends on five surfaces, and where it ends when it is damped
#     - how often our L-BFGS and SciPy's ask for a gradient
#     - the loss of Levenberg-Marquardt beside that of Adam after ten times the seconds, over three seeds
#     - what second order costs on a recurrent and on a convolutional network, and why
# ---

# %% [markdown]
# # 10 Second-order optimizers
#
# A gradient says which way is down. It does not say how far. That is why every first-order method has a *rate* that
# somebody must find, and why the same rate is too large for one direction and too small for another. A second derivative says how
# soon the slope will change, and so how far it is to the bottom. In this lesson you find out what that knowledge is worth. On
# some tasks it is worth orders of magnitude. On some it is worth nothing. And on a convolutional network, used in full, it
# loses. You will measure all three, and the reasons.
#
# **Objectives.** After this lesson you can
#
# - say what a Hessian makes of a gradient, and take Newton's step (`10-newton-step`)
# - multiply a vector by a Hessian that nobody has written down (`10-hvp`)
# - find the steepest curvature of a network from products alone (`10-largest`)
# - make any direction of descent safe by backtracking (`10-armijo`)
# - learn curvature from gradients, as L-BFGS does (`10-two-loop`)
# - damp a step by as much as its forecast was wrong (`10-damping`)
#
# **Builds on** lesson 02 (a convolutional network and its loss) and lesson 05 (a recurrent filter). Lesson 09 has the first-order
# methods; here Adam and SGD are taken from Keras.
#
# **Time.** 150 minutes to read and work; runs in under 120 seconds on two cores.
#
# **You will have measured**
#
# - how many steps gradient descent and Newton need, by the condition of a bowl
# - how far Hessian-vector products agree, both ways and with differences of gradients, and where they do not
# - what a Hessian-vector product costs in gradients, on three networks
# - the eigenvalues of a network's loss, Lanczos' beside NumPy's, before and after training
# - where Newton's method ends on five surfaces, and where it ends when it is damped
# - how often our L-BFGS and SciPy's ask for a gradient
# - the loss of Levenberg-Marquardt beside that of Adam after ten times the seconds, over three seeds
# - what second order costs on a recurrent and on a convolutional network, and why

# %% tags=["hook", "setup", "plot"]
import numpy as np

from tracklab import plots
from tracklab.exercises import check, hint
from tracklab.explorers import explore
from tracklab.optimizers import baseline, derivatives, results, tasks
from tracklab.optimizers import levenberg_marquardt as lm
from tracklab.quiet import keras
from tracklab.show import show
from tracklab.training.progress import Progress


def limited(seconds):
    """As many steps as there is CPU time for."""
    return results.Limits(steps=10**9, cpu_seconds=seconds, gradient=0)


def falling(progress):
    """A first-order method's rate: down in a straight line, almost to zero."""
    return max(1e-3, 1 - progress)


regressor = tasks.velocity()
# every question is asked once, so that nothing is compiled while a clock runs
prices = derivatives.prices(regressor, ("values", "products", "jacobians"))
opening = {
    "Levenberg-Marquardt": lm.levenberg_marquardt(regressor, limits=limited(0.5)),
    "Adam": baseline.first_order(
        regressor, keras.optimizers.Adam(0.01), schedule=falling, every=50, limits=limited(2)
    ),
}
lower = opening["Adam"].loss / opening["Levenberg-Marquardt"].loss
plots.convergence(
    opening,
    prices=prices,
    so_far=True,
    title=f"Levenberg-Marquardt's loss after half a second is {lower:.0f} times lower than Adam's after two",
)

# %% [markdown]
# The network is a small one: 182 weights that tell an object's velocity eight frames ahead from four boxes. Both methods start
# from the same weights and see the same thousand examples in every step. Adam makes many times as many steps as the other.
# (The two are compared properly below, with ten times the seconds and three seeds.)
#
# **Predict.** A step of Levenberg-Marquardt costs more than one of Adam. What must it know to be worth it? And if it
# is so much better, why does nobody train large networks with it?
#
# ## 1. What a second derivative says
#
# An overview article, from which this course grew, explains it in one sentence: *second-order optimization computes the second-order
# differences of the loss, and then minimizes it by gradient descent*. Let us take that apart. Near a point $x$, a loss is
# nearly a quadratic. Its slope is the gradient $g$, and how the slope changes from place to place is the **Hessian** $H$, the
# matrix of second derivatives:
#
# $$L(x + p) \approx L(x) + g \cdot p + \tfrac{1}{2}\, p \cdot H p$$
#
# The eigenvectors of $H$ are the axes of that bowl, and its eigenvalues are the curvatures along them. Gradient descent steps
# along $-g$, by the same rate in all directions. If it is to be stable, the rate must be below $2 / \lambda_{max}$, two over the *steepest*
# curvature. So in the flattest direction it makes progress only by a share of $\lambda_{min} / \lambda_{max}$ or so a step. The quotient
# $\lambda_{max} / \lambda_{min}$ is the **condition** of the bowl. Newton asks another question: where is the bowl *flat*? There, the gradient
# $g + H p$ is zero:
#
# $$H p = -g$$
#
# **Predict.** Four bowls, of condition 1, 10, 100 and 1000. Gradient descent gets the best of all constant rates,
# $2 / (\lambda_{min} + \lambda_{max})$. How does the number of its steps grow? And that of Newton's?

# %%
# NBVAL_CHECK_OUTPUT
from tracklab.optimizers import descent, newton, problems, surfaces

near = results.Limits(steps=100_000, gradient=1e-6)
steps_by_condition = {}
print("condition   gradient descent   Newton   (steps to a gradient of 1e-6)")
for condition in (1, 10, 100, 1000):
    bowl = surfaces.quadratic(condition)
    best_rate = 2 / (1 + condition)
    down = descent.gradient_descent(problems.on_surface(bowl), best_rate, limits=near)
    leap = newton.newton(problems.on_surface(bowl), limits=near)
    steps_by_condition[condition] = len(down), len(leap)
    print(f"{condition:9}   {len(down):16}   {len(leap):6}")

# %% [markdown]
# **Explain.** The number of steps of gradient descent grows with the condition, and Newton's does not know it: $H^{-1}$ divides the slope along each axis
# by the curvature along that axis, and all directions become alike. The Hessian *changes the step*. Whoever computes
# second derivatives and "then" does gradient descent has paid for something and thrown it away.
#
# ### Exercise `10-newton-step`


# %% tags=["exercise"]
def newton_step(gradient, hessian):
    """Newton's step, (2,): from here to where the local quadratic is flat.

    At a point the loss has the slopes `gradient` (2,) and the second derivatives `hessian` (2, 2),
    symmetric. A step p away, the quadratic that these two make has the gradient

        gradient + hessian p

    The step is the p at which that is zero. (There is exactly one: the determinant is not 0.)
    """
    return ...


check("10-newton-step", newton_step)

# %% [markdown]
# Stuck? `hint("10-newton-step", 1)` says a little, 2 and 3 say more. `solution("10-newton-step")`, from the same
# place, shows the reference.

# %%
hint("10-newton-step", 1)

# %% [markdown]
# The package's own version of what you write stands behind each exercise, read from its source:

# %%
show(newton.newton_step)

# %% [markdown]
# ### The sentence, to be dragged
#
# Four methods know the same gradient. One never asks for the Hessian. One takes the article at its word: it computes the Hessian, pays for it,
# and makes the step of gradient descent. One lets it choose the *length* of the step, and one the *direction*. Drag the start
# (or move it by the arrow keys):
#
# - Put it on an axis of the ellipses. Now which of them take the same way? Why?
# - Turn up the condition. Who notices?
# - Go to Rosenbrock's valley, which is no quadratic: the dashed ellipses are true only near the start. How far can Newton trust them?

# %% tags=["explorer", "plot"]
explore("second-order")

# %% [markdown]
# **Explain.** On an axis of the bowl the gradient points to the bottom, so there the length is all that is missing. Everywhere else the direction
# is wrong as well, and the more so the worse the condition is. (The *second-order differences* of the sentence are
# no second derivatives either: a difference is an approximation, good as a check. You will use it as one.)
#
# ## 2. Second derivatives of a real loss
#
# In two dimensions a Hessian has four entries. The network of the opening has 182 weights, so its Hessian has 33,124; the article's network of
# lesson 02 would need some fifteen billion. Nobody writes those down. But all that methods need of a matrix is often its *product* with
# a vector: how does the gradient change if I go along $v$?
#
# $$H v = \lim_{h \to 0} \frac{g(x + h v) - g(x - h v)}{2 h}$$
#
# That is a derivative of the gradient in one direction, so automatic differentiation can give it exactly, for the price of a few gradients
# and whatever the number of weights (Pearlmutter, 1994). There are two ways, and the quotient is a third:

# %%
show(derivatives.forward_over_reverse, derivatives.reverse_over_reverse, docstring=False)

# %% [markdown]
# *Reverse over reverse* makes a number of the gradient, $g \cdot v$, and takes the gradient of that. *Forward over reverse* carries the
# derivative along $v$ through the computation of the gradient. Both are exact, so they must agree to rounding. Differences must come near, at
# the right step. And since $H$ is symmetric, $w \cdot H v = v \cdot H w$ for any two vectors: a check that needs no second way.
#
# ### Exercise `10-hvp`


# %% tags=["exercise"]
def hessian_times(gradient, x, v, step):
    """The Hessian at x times v, (n,), from two gradients: no second derivative is needed.

    `gradient(x)` gives the gradient (n,) of a loss at a point (n,). A Hessian says how the gradient
    changes; times a vector, how it changes along that vector. Take the central difference: the
    gradient a little beyond x along v, less the gradient a little before it, over the way between.
    "A little" is `step` times v, each way.
    """
    return ...


check("10-hvp", hessian_times)

# %%
show(derivatives.differenced)

# %% [markdown]
# **Predict.** We take differences with steps from $10^{-12}$ to $1$, in `float64`, and the same once more with the weights in `float32`. For which
# steps are they good? What goes wrong at either end?

# %% tags=["plot"]
from tracklab.optimizers import networks

rng = np.random.default_rng(0)


twins = {}


def both_ways(problem):
    """A problem's products forward over reverse, and reverse over reverse."""
    if problem not in twins:
        (other,) = set(derivatives.WAYS) - {problem.way}
        twins[problem] = networks.NetworkLoss(problem.model, problem._given, way=other)
    ways = {one.way: one for one in (problem, twins[problem])}
    return [ways[name] for name in derivatives.WAYS]


def off(found, wanted):
    """How wrong a vector is, relative to its length."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def differences(problem, x, v, step):
    """Hessian times v from gradients alone."""
    return derivatives.differenced(lambda z: problem.value_and_gradient(z)[1], x, v, step)


def checked(problem, step, vectors=5):
    """The largest errors that some random vectors show: both ways against each other, symmetry of
    each, each against differences."""
    x, found = problem.start, []
    for _ in range(vectors):
        v, w = rng.standard_normal((2, problem.size))
        quotient = differences(problem, x, v, step)
        row, products = {}, []
        for name, way in zip(derivatives.WAYS, both_ways(problem), strict=True):
            products.append(way.product(x, v))
            there, back = w @ products[-1], v @ way.product(x, w)
            row[f"{name}, symmetry"] = abs(there - back) / (abs(there) + abs(back))
            row[f"{name}, differences"] = off(products[-1], quotient)
        found.append({"both ways": off(products[1], products[0]), **row})
    return {name: max(row[name] for row in found) for name in found[0]}


coarse_inputs, coarse_targets = (
    t.numpy().astype("float32") for t in (regressor.inputs, regressor.targets)
)
single_model = keras.Sequential(
    [keras.Input((6,)), keras.layers.Dense(20, "tanh"), keras.layers.Dense(2)]
)
single = networks.NetworkResiduals(single_model, coarse_inputs, coarse_targets)
v = rng.standard_normal(regressor.size)
exact = regressor.product(regressor.start, v)
widths = np.logspace(-12, 0, 37)
by_step = {
    name: np.array([off(differences(p, regressor.start, v, h), exact) for h in widths])
    for name, p in {"float64": regressor, "float32": single}.items()
}
best_at = {name: (widths[e.argmin()], e.min()) for name, e in by_step.items()}
fig, ax = plots.figure(
    title="Differences are best in the middle: "
    + ", ".join(f"{e:.0e} off at a step of {h:.0e} in {n}" for n, (h, e) in best_at.items()),
    alt="Relative error of differences of gradients over their step, both axes logarithmic. Two lines shaped like "
    "a V: each falls to the right at first, by rounding, and rises with the square of the step. That of float32 "
    "has its lowest point at a larger step, and much higher.",
    height=3.4,
)
with plots.style():
    for (name, errors_of), line in zip(by_step.items(), ("-", "--"), strict=True):
        ax.loglog(widths, errors_of, line, label=name)
    ax.set(xlabel="step, relative", ylabel="relative error of H v", ylim=(1e-12, 1e3))
    ax.legend()
fig

# %% [markdown]
# **Explain.** To the right of the lowest point the loss bends too much within the step, and the error is that of a central difference: a
# tenth of the step, a hundredth of the error. To its left two nearly equal gradients are subtracted, and what is left of them is
# rounding. (At the far left a `float32` weight does not change at all: the quotient is zero, and its error 1.) In `float64` ten digits or so are
# right at best; in `float32`, in which networks are trained, four or five. So differences
# are a check, and a rough one.
#
# ### Why it is checked at all
#
# **Predict.** Four losses: the regressor; a small convolutional network with smooth activations; the same with ReLU and max pooling; and lesson 05's recurrent
# filter. On which of them will the two exact ways disagree, or differences with both? (Five random vectors each; the largest error is shown.)

# %%
from tracklab import datasets
from tracklab.quiet import tf

images = datasets.cifar10(train=1000, test=1000)
shown_pixels = tf.constant(images.train_images[:200], tf.float32)
shown_labels = tf.constant(images.train_labels[:200], tf.int32)


def small_cnn(activation, pooling):
    """The loss of a small convolutional network on 200 pictures."""
    seeds = iter(range(10))

    def start():
        return keras.initializers.GlorotUniform(next(seeds))

    given = x = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    for width in (8, 16):
        x = keras.layers.Conv2D(width, 3, activation=activation, kernel_initializer=start())(x)
        x = pooling(2)(x)
    x = keras.layers.Dense(10, kernel_initializer=start())(keras.layers.Flatten()(x))

    def loss(model):
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(shown_labels, model(shown_pixels))
        return tf.reduce_mean(each)

    return networks.NetworkLoss(keras.Model(given, x), loss)


recurrent = tasks.motion_network("rnn", units=3, count=6, frames=4)
suspects = {
    "regressor (tanh, float64)": (regressor, 1e-5),
    "CNN, SiLU and mean pooling": (small_cnn("silu", keras.layers.AveragePooling2D), 1e-2),
    "CNN, ReLU and max pooling": (small_cnn("relu", keras.layers.MaxPooling2D), 1e-2),
    "recurrent filter": (recurrent, 1e-3),
}
agreement = {name: checked(problem, step) for name, (problem, step) in suspects.items()}
F, R = derivatives.WAYS
print(f"{'relative differences':27} both   | {F:^24} | {R:^24}")
print(
    f"{'':27} ways   | {'symmetry':>10} {'differences':>12}  | {'symmetry':>10} {'differences':>12}"
)
for name, row in agreement.items():
    print(
        f"{name:27} {row['both ways']:.0e}  | {row[f'{F}, symmetry']:10.0e} {row[f'{F}, differences']:12.0e}  "
        f"| {row[f'{R}, symmetry']:10.0e} {row[f'{R}, differences']:12.0e}"
    )

# %% [markdown]
# **Explain.** Three different things stand in this table.
#
# - **Smooth losses**: all agree, as far as their type of number allows. (A trap on the way there: a Keras loss such as `keras.losses.MeanSquaredError()` works in
#   `float32`, whatever comes in, unless it is made with `dtype="float64"`. That is why the losses here are written out.)
# - **ReLU and max pooling**: both exact ways agree with each other and with symmetry, and differences say something else. Nobody
#   has made a mistake. Between the two ends of a difference, units switch on and off, and the gradient *jumps*. Automatic differentiation knows
#   only the smooth pieces and nothing of the jumps. A shorter step does not help: fewer jumps lie in it, and each is divided by less. This loss does
#   have a second derivative, but it is good only as far as the next kink, and with so many units on so many pictures that is nearer
#   than any step of an optimizer. Methods that want second derivatives want smooth activations.
# - **The recurrent filter**: here one of the two exact ways is *wrong*, without a warning. Lesson 05's network limits the gradient that goes back from
#   frame to frame, by an operation whose gradient was written by hand. Reverse over reverse has to differentiate that gradient once more, and
#   loses what should pass through it; forward over reverse does not. Symmetry alone gives it away, and so do differences.
#
# An optimizer would not have complained. It would have been slow, and somebody would have said that second order does not help on recurrent networks.
# **A derivative that was not checked is a guess.**
#
# ### What it costs
#
# **Predict.** How much more than a gradient does a product cost? And how much do all the numbers of a Hessian cost, in gradients, if each
# column is one product?

# %%
cnn = tasks.classifier(images.train_images, images.train_labels)
cost = {
    "regressor": (regressor, prices),
    "recurrent filter": (recurrent, derivatives.prices(recurrent)),
    "CNN, 1,000 images": (cnn.problem, derivatives.prices(cnn.problem, timings=3)),
}
print(f"{'CPU time, in gradients':24} weights   a loss   a product   a Hessian")
for name, (problem, price) in cost.items():
    print(
        f"{name:24} {problem.size:7} {price['values']:8.2f} {price['products']:11.2f} "
        f"{problem.size * price['products']:11.0f}"
    )

# %% [markdown]
# **Explain.** A product costs one to three gradients, on two hundred weights as on six thousand. A whole Hessian costs as many products as
# there are weights. That is the whole economy of this lesson: a method may ask for a few products a step, and a matrix only where
# the network is small.
#
# ## 3. The curvatures of a network
#
# What do the eigenvalues of a real loss look like? With products alone the steepest of them can be found: multiply any vector
# by $H$, again and again, and the direction that is stretched most takes over. That is **power iteration**.
#
# ### Exercise `10-largest`


# %% tags=["exercise"]
def largest(matrix, start, steps):
    """The largest eigenvalue, by size and with its sign, as power iteration has it in the end.

    `matrix` (n, n) is symmetric; use it only in products with vectors, for of a network's Hessian
    nothing else is known. Begin with `start` (n,), made 1 long. In each of the `steps`, 0 or more,
    the vector q becomes `matrix @ q`, made 1 long again. The answer is q . (matrix q).
    """
    return ...


check("10-largest", largest)

# %% [markdown]
# Power iteration keeps its last vector and forgets the others. **Lanczos' method** (1950) keeps all of them. From $k$ products it builds a small
# tridiagonal matrix $T$ whose extreme eigenvalues are soon those of $H$, at *both* ends:

# %%
from tracklab.optimizers import lanczos

show(lanczos.tridiagonal, docstring=False)

# %% [markdown]
# The regressor's Hessian is small enough to write down, so NumPy can say what is true.
#
# **Predict.** After how many products does each know the steepest curvature to six digits?

# %% tags=["plot"]
true_values = np.linalg.eigvalsh(regressor.hessian(regressor.start))


def product_at(problem, x):
    """The product with the Hessian at x, as a function of a vector."""
    return lambda v: problem.product(x, v)


begin = np.random.default_rng(0).standard_normal(regressor.size)
at_start = product_at(regressor, regressor.start)
counts = np.arange(1, 61)
q, power = begin / np.linalg.norm(begin), []
for _ in counts:
    bent = at_start(q)
    power.append(q @ bent)
    q = bent / np.linalg.norm(bent)
ends = np.array([lanczos.spectrum(at_start, regressor.size, steps=int(k))[[0, -1]] for k in counts])
wrong = {
    "steepest, power iteration": np.abs(power - true_values[-1]),
    "steepest, Lanczos": np.abs(ends[:, 1] - true_values[-1]),
    "most negative, Lanczos": np.abs(ends[:, 0] - true_values[0]),
}
wrong = {name: np.maximum(e / true_values[-1], 1e-16) for name, e in wrong.items()}
six_digits = {
    name: (int(counts[np.flatnonzero(e < 1e-6)[0]]) if (e < 1e-6).any() else None)
    for name, e in wrong.items()
}
told = {name: f"{k} products" if k else f"not in {counts[-1]}" for name, k in six_digits.items()}
fig, ax = plots.figure(
    title=f"Six digits of the steepest curvature: Lanczos {told['steepest, Lanczos']}, power iteration "
    f"{told['steepest, power iteration']}",
    alt="Relative errors over the number of products. Lanczos' error of the largest eigenvalue falls to rounding "
    "first, that of the smallest later; that of power iteration falls slowly, in a straight line.",
    height=3.3,
)
with plots.style():
    for (name, errors_of), line in zip(wrong.items(), ("-", "--", ":"), strict=True):
        ax.semilogy(counts, errors_of, line, label=name)
    ax.set(xlabel="Hessian-vector products", ylabel="error, relative to the steepest")
    ax.legend()
fig

# %% [markdown]
# **Explain.** Lanczos' answer is the best that there is in the space of all vectors seen so far, and power iteration's is one
# vector of that space.
#
# With a few random starts the same small matrices tell the *density* of all eigenvalues. **Predict.** How many of the 182 directions are steep?
# Are there negative ones? What will training by Levenberg-Marquardt have done to them?

# %% tags=["plot"]
trained = opening["Levenberg-Marquardt"].x
spectra = {}
for name, x in (("at the start", regressor.start), ("trained", trained)):
    values = np.linalg.eigvalsh(regressor.hessian(x))
    spectra[name] = values
    density = lanczos.density(product_at(regressor, x), regressor.size, starts=4, steps=60)
    flat = np.mean(np.abs(values) < 0.01 * values[-1])
    plots.display(
        plots.spectrum(
            density,
            exact=values,
            title=f"The regressor's loss {name}: steepest {values[-1]:.3g}, most negative {values[0]:.2g}; "
            f"{flat:.0%} of all directions below a hundredth of the steepest",
            width=6,
        )
    )

# %% [markdown]
# **Explain.** At the start a part of the curvatures is negative: this is no bowl; it bends like a saddle, in many directions. After training a few directions are
# enormously steep and nearly all others flat, compared with them. That is what a terrible condition looks like, which decided over gradient
# descent above: on the right of the lower figure most curvatures crowd at zero, and the axis ends in the thousands. (Near zero, where most eigenvalues crowd, sixty products cannot tell them
# apart; there the blue staircase is coarse.)
#
# And of a network whose Hessian would cost as much as thousands of gradients (you have seen the price), twenty products tell about where both ends are:

# %%
few = lanczos.spectrum(product_at(cnn.problem, cnn.problem.start), cnn.problem.size, steps=20)
print(
    f"CNN, {cnn.problem.size} weights, 20 products: curvatures from {few[0]:.2f} to {few[-1]:.2f}"
)

# %% [markdown]
# ### What the steepest one decides
#
# A rate must stay below $2 / \lambda_{max}$. **Predict.** We bring a small regressor to a minimum (as near as 200 steps of Levenberg-Marquardt do), push it a little off, and let gradient
# descent go back, with rates of 1.9 and of 2.1 times $1 / \lambda_{max}$. How different will the two be?

# %%
little = tasks.velocity(units=4)
minimum = lm.levenberg_marquardt(little, limits=results.Limits(steps=200))
steepest = lanczos.spectrum(product_at(little, minimum.x), little.size)[-1]
beside = minimum.x + 1e-4 * np.random.default_rng(0).standard_normal(little.size)
edge = {
    share: descent.gradient_descent(
        little, share / steepest, beside, limits=results.Limits(steps=200)
    )
    for share in (1.0, 1.9, 2.1, 4.0)
}
print(f"the steepest curvature at the minimum is {steepest:.3g}")
for share, run in edge.items():
    print(
        f"rate {share:.1f} / l_max: loss {run['loss'][0]:.4f} at first, {run['loss'].max():10.4g} at most, "
        f"{run['loss'][-1]:10.4g} after {len(run)} steps"
    )

# %% [markdown]
# **Explain.** Just below the edge it goes back, just above it is thrown out: along the steepest direction each step overshoots by more
# than it had to go. A few products of Lanczos would have told the rate in advance. (Why does the loss not grow for ever? What is thrown out
# comes down elsewhere, where the steepest curvature is lower and the same rate is stable. Large networks, too, settle where their rate just
# lets them: the *edge of stability*, see Further reading. Where the rate is *wrong*, this package
# says so. A run whose loss is no number any more, or has grown out of all bounds, ends as *diverged*, keeps the best point
# that it saw, and says what to do.)

# %%
bowl = tasks.bowl(50)
wild = descent.gradient_descent(bowl, 2.5 / 1000)
print(wild.why)
again = descent.gradient_descent(bowl, 1.9 / 1000, wild.x, limits=results.Limits(steps=100_000))
print(again.why, f"Loss {again.loss:.0e}.")

# %% [markdown]
# ## 4. Newton, and where it goes wrong
#
# Newton's method solves $H p = -g$ in every step, and goes there. Near a minimum nothing is faster: the number of right digits
# *doubles* with each step. Here it is beside gradient descent, from the same point near a minimum of Himmelblau's function:

# %%
himmelblau = surfaces.create("himmelblau")
nearby = [3.4, 2.3]
close = newton.newton(problems.on_surface(himmelblau, nearby))
slow = descent.gradient_descent(
    problems.on_surface(himmelblau, nearby), 0.02, limits=results.Limits(steps=len(close))
)
for name, run in (("Newton", close), ("gradient descent", slow)):
    away = np.linalg.norm(run.path - himmelblau.minima[0], axis=1)
    print(f"{name:18} distance to the minimum: " + ", ".join(f"{d:.0e}" for d in away))

# %% [markdown]
# **Predict.** Now from further away. Five surfaces, each from its usual start. Where will Newton's method end on each?

# %%
from tracklab.optimizers import damped_newton

ended = {}
for name in surfaces.SURFACES:
    surface = surfaces.create(name)
    for method in (newton.newton, damped_newton.damped_newton):
        run = method(problems.on_surface(surface))
        ended[name, run.method] = run
    plain = ended[name, "Newton"]
    print(
        f"{name:11} Newton {plain.stopped:>10} after {len(plain):2} steps, loss "
        f"{plain['loss'][0]:6.2f} -> {plain['loss'][-1]:8.2g}; damped {run.stopped} after {len(run):2}, "
        f"loss {run['loss'][-1]:.2g}"
    )
print()
print(ended["himmelblau", "Newton"].why)

# %% [markdown]
# **Explain.** Newton's method looks for a gradient of zero. A minimum has one, and so has a saddle, and a top. Where a curvature is
# *negative*, the division by it turns the step round, and it climbs. On Himmelblau's function it starts between four minima and
# walks up to the maximum in their middle. On *beale* and on *saddle* it ends on a saddle.
#
# Two repairs make it safe. First, **damping**: add the same number $m$ to all curvatures, so that all become positive.
#
# $$(H + m I)\, p = -g$$
#
# A large $m$ makes it a short step of gradient descent, $m = 0$ makes it Newton's:

# %%
show(damped_newton.damped_step, docstring=False)

# %% [markdown]
# Second, a **line search**: a direction of descent lowers the loss if the step is short enough. So shorten it until it does. Not just *at all*:
# by a share of what the slope promised, or one may crawl forever (Armijo, 1966).
#
# ### Exercise `10-armijo`


# %% tags=["exercise"]
def armijo(losses, start, slope, share=1e-4):
    """How long a step: the first of 1, 1/2, 1/4, ... that lowers the loss enough, or 0.0.

    From a point with the loss `start` we look along a direction in which the loss has the `slope`,
    below 0. `losses` (K,) are the losses after steps of the lengths 1, 1/2, 1/4, ... of it, some of
    them perhaps NaN or infinite. Were the loss a straight line, a step of length a would bring it
    to start + a * slope. *Enough* is at least the `share` of that fall (Armijo's condition):

        loss <= start + share * a * slope
    """
    return ...


check("10-armijo", armijo)

# %%
from tracklab.optimizers import line_search

show(line_search.armijo, docstring=False)

# %% [markdown]
# At a saddle itself, where the gradient is zero and nothing is promised, the Hessian still knows a way out: along its most negative
# curvature. Damped Newton takes it. Gradient descent stays there for good.
#
# ### Explore
#
# Play through Newton's steps, with the local quadratic drawn where it stands. Then:
#
# - *himmelblau*, start near the top: where does it go? Add damping, until it goes down again. How much does it take?
# - *saddle*: find a start from which the bare method goes to the saddle, and one from which it does not. What are the curvatures there?
# - *rosenbrock*: its steps leave the valley and the loss rises in between. Then switch the line search on: fewer adventures, and more steps.

# %% tags=["explorer", "plot"]
explore("newton")

# %% [markdown]
# ## 5. Curvature without second derivatives
#
# There is a cheaper teacher: the gradients that one has seen anyway. After a step $s$ the gradient has changed by $y$, and for a
# quadratic $y = H s$. Each step tells what the Hessian does to one vector. **L-BFGS** (Nocedal, 1980; Liu and Nocedal, 1989) keeps the last
# ten such pairs, and makes of them a product with the *inverse* Hessian, in two loops, without any matrix.
#
# ### Exercise `10-two-loop`


# %% tags=["exercise"]
def two_loop(gradient, steps, changes):
    """What L-BFGS makes of a gradient: about the inverse Hessian times it, (n,).

    `gradient` (n,). `steps` (K, n) are the last K steps s, the oldest first, and `changes` (K, n)
    how much the gradient changed in each, y. All s . y are above 0, and K is 1 or more.

        q = gradient
        for each pair, the newest first:    a = (s . q) / (s . y);   q = q - a y
        q = (s . y) / (y . y) q, with the newest pair
        for each pair, the oldest first:    b = (y . q) / (s . y);   q = q + (a - b) s

    with the a that the same pair had in the first loop.
    """
    return ...


check("10-two-loop", two_loop)

# %%
from tracklab.optimizers import lbfgs

show(lbfgs.two_loop)

# %% [markdown]
# So that a pair is worth learning from, $s \cdot y$ must be positive, and a line search that only shortens does not see to that. L-BFGS
# searches for a step that fulfils *Wolfe's* conditions: the loss has fallen enough, **and** the slope has become flatter.
#
# **Predict.** SciPy's L-BFGS-B has been refined for thirty years. How many more gradients will the few lines above ask for, with a line search of the
# textbook's?

# %%
import scipy.optimize

GOAL = 1e-6  # largest component of the gradient
made = {
    name: lambda name=name: problems.on_surface(surfaces.create(name)) for name in surfaces.SURFACES
}
made |= {
    "quadratic, 10,000": lambda: problems.on_surface(surfaces.quadratic(1e4)),
    "rosenbrock, 10 numbers": lambda: tasks.rosenbrock_valley(10),
    "rosenbrock, 50 numbers": lambda: tasks.rosenbrock_valley(50),
    "bowl, 50 numbers": lambda: tasks.bowl(50),
    "bowl, 200 numbers": lambda: tasks.bowl(200, 1e4),
}
to_goal = results.Limits(gradient=GOAL, steps=20_000)
asked = {}
for name, make in made.items():
    ours, theirs = lbfgs.lbfgs(make(), limits=to_goal), make()
    options = {"gtol": GOAL, "ftol": 0, "maxcor": lbfgs.MEMORY, "maxiter": 20_000}
    scipy.optimize.minimize(
        theirs.value_and_gradient, theirs.start, jac=True, method="L-BFGS-B", options=options
    )
    asked[name] = int(ours["gradients"][-1]), theirs.counts.gradients
print(f"gradients to {GOAL:g}        ours   SciPy's   quotient")
for name, (own, scipys) in asked.items():
    print(f"{name:24} {own:5} {scipys:9} {own / scipys:10.2f}")
quotients = np.array([own / scipys for own, scipys in asked.values()])
print(f"{'median, most':24} {np.median(quotients):25.2f}, {quotients.max():.2f}")

# %% [markdown]
# **Explain.** About as many. The two loops are the same in both; what can differ is the line search: its first guess, its cubic interpolation, and when it is content. (Both were told the same
# limit and the same memory.)
#
# ### Newton without a matrix
#
# **Newton-CG** goes the other way: it wants Newton's own step, and solves $H p = -g$ by *conjugate gradients*, which need one
# product each. It stops as soon as the step is good enough for how far away it still is, and where a direction curves downwards it stops with what it
# has by then (the direction of gradient descent, if that is the first):

# %%
from tracklab.optimizers import newton_cg

show(newton_cg.truncated_direction, docstring=False)

# %% [markdown]
# **Predict.** Rosenbrock's valley in 50 dimensions, counted fairly: a product as two gradients, a Hessian as a product for each of its columns. Order five
# methods by steps; by gradients; by seconds.

# %% tags=["plot"]
counted = {"values": 0.5, "products": 2.0, "hessians": 2.0 * 50}
valley = tasks.rosenbrock_valley(50)
steep = np.abs(np.linalg.eigvalsh(valley.hessian(valley.start))).max()
in_valley = {
    "gradient descent": descent.gradient_descent(
        valley, 1.8 / steep, limits=results.Limits(steps=20_000, gradient=GOAL)
    )
}
for method in (newton.newton, damped_newton.damped_newton, newton_cg.newton_cg, lbfgs.lbfgs):
    run = method(tasks.rosenbrock_valley(50), limits=to_goal)
    in_valley[run.method] = run
print(f"{'':18}{'steps':>7}{'gradients':>11}{'loss at the end':>18}")
for name, run in in_valley.items():
    work = run.in_gradients(counted)[-1]
    print(f"{name:18}{len(run):7}{work:11.0f}{run.loss:18.1e}")
arrived = [name for name, run in in_valley.items() if run.loss < 1e-8]
fewest = min(arrived, key=lambda name: len(in_valley[name]))
cheapest = min(arrived, key=lambda name: in_valley[name].in_gradients(counted)[-1])
plots.convergence(
    in_valley,
    prices=counted,
    so_far=True,
    floor=1e-14,
    title=f"To the bottom in the fewest steps: {fewest}; with the fewest gradients: {cheapest}",
)

# %% [markdown]
# **Explain.** Three axes, three stories. By steps, who has a whole Hessian is ahead. (This valley has a second minimum, with a loss near 4. A method that
# ends there has made no mistake; it went down where it stood.) Counted in gradients, the picture
# turns: who asks for a matrix pays for fifty products each time, and L-BFGS, which asks for none, wins. (In seconds the Hessians are cheap *here*:
# this function's is known in closed form, which no network's is.) Whoever shows you one of these axes alone has chosen it.
#
# ## 6. Sums of squares: Levenberg-Marquardt
#
# There is a family of losses whose curvature comes nearly for free. If the loss is a sum of squared residuals, $L = |r|^2 / 2$, then with the
# Jacobian $J$, the first derivatives of all residuals,
#
# $$g = J^T r, \qquad H = J^T J + \sum_i r_i H_i$$
#
# **Gauss-Newton** leaves the last part out. It is small where residuals are, and what remains has no negative curvature and no second derivative
# in it. **Levenberg-Marquardt** (1944, 1963) damps that:
#
# $$(J^T J + m D)\, p = -J^T r$$
#
# $D$ is diagonal and measures each weight in a unit of its own: the largest that the diagonal of $J^T J$ has been for it (Moré, 1978). The damping $m$ is not
# searched for in each step but *learned* from how good the last forecast was (here by Nielsen's rule, 1999).
#
# ### Exercise `10-damping`


# %% tags=["exercise"]
def next_damping(damping, growth, loss, lower, promised):
    """The next (damping, growth, taken) of Levenberg-Marquardt after a step was tried.

    The step brings the loss from `loss` to `lower`, which may be higher, NaN or infinite. The local
    quadratic had `promised` that it falls by so much, above 0. The *gain* is the true fall over the
    promised one.
    - If the gain is above 0, the step is taken: True. The damping is multiplied by
      1 - (2 gain - 1)^3, but at least by 1/3, where a gain above 1 counts as 1. The growth is 2
      again.
    - Otherwise, NaN included, it is not taken: False. The damping is multiplied by `growth`, and
      the growth doubled.
    """
    return ...


check("10-damping", next_damping)

# %%
show(lm.damped_step, lm.levenberg_marquardt, docstring=False)

# %% [markdown]
# **Predict.** What does Gauss-Newton do without the damping, from the regressor's first weights?

# %%
from tracklab.optimizers import gauss_newton

bare = gauss_newton.gauss_newton(regressor, limits=results.Limits(steps=10, gradient=0))
safe = lm.levenberg_marquardt(regressor, limits=results.Limits(steps=10, gradient=0))
for run in (bare, safe):
    print(f"{run.method:20} " + " ".join(f"{loss:8.3g}" for loss in run["loss"]))

# %% [markdown]
# **Explain.** Ten steps of loss, side by side. The undamped step goes where *linear* residuals would vanish, which is far outside of where they are linear. (Where
# the loss of Levenberg-Marquardt stands still, a step was tried, led uphill and was not taken; the next one was damped more.)
#
# ### The velocity regressor
#
# Now the comparison of the opening, properly. Three networks that begin with different weights. Levenberg-Marquardt and L-BFGS get one CPU second each, Adam
# gets **ten**, with a rate that falls to zero, and that is the best of three which were tried beforehand (all are stored, see below).
#
# **Predict.** Who is lower at the end? By how much?


# %%
from tracklab.optimizers import stored_runs as stored

before = stored.read()
SHORT, TIMES, SEEDS = 1.0, 10, (0, 1, 2)
adams_rate = before["velocity"].rate(f"Adam, {TIMES} x as long")


def timed(name, method, *arguments, seconds, **options):
    """Run a method for so many CPU seconds, with a line that says how far it is."""
    line = Progress(name)

    def look(row, x):
        line.update(min(row["cpu_seconds"] / seconds, 1), f"loss {row['loss']:.3g}")

    found = method(*arguments, limits=limited(seconds), callback=look, **options)
    line.close(f"loss {found.loss:.2g} after {len(found)} steps")
    return found


# %% tags=["training"]
races = {"Levenberg-Marquardt": [], "L-BFGS": [], f"Adam, {TIMES} times as long": []}
for seed in SEEDS:
    problem = tasks.velocity(seed=seed)
    derivatives.prices(problem, ("jacobians",))  # compiles
    for name, method in (
        ("Levenberg-Marquardt", lm.levenberg_marquardt),
        ("L-BFGS", lbfgs.lbfgs),
    ):
        races[name].append(timed(f"{name}, seed {seed}", method, problem, seconds=SHORT))
    name = f"Adam, {TIMES} times as long"
    races[name].append(
        timed(
            f"{name}, seed {seed}",
            *(baseline.first_order, problem, keras.optimizers.Adam(adams_rate)),
            seconds=TIMES * SHORT,
            schedule=falling,
            every=50,
        )
    )

# %% tags=["plot"]
quotient = np.array(
    [
        slow.loss / fast.loss
        for fast, slow in zip(
            races["Levenberg-Marquardt"], races[f"Adam, {TIMES} times as long"], strict=True
        )
    ]
)
sooner = np.array(
    [
        slow["cpu_seconds"][-1] / fast.first(slow.loss, "cpu_seconds")
        for fast, slow in zip(
            races["Levenberg-Marquardt"], races[f"Adam, {TIMES} times as long"], strict=True
        )
    ]
)
plots.convergence(
    races,
    prices=prices,
    so_far=True,
    width=6.4,
    title=f"Adam's loss is {quotient.min():.0f} to {quotient.max():.0f} times Levenberg-Marquardt's, "
    "with ten times the seconds",
)

# %%
print("loss at the end        " + "".join(f"{f'seed {seed}':>10}" for seed in SEEDS))
for name, runs in races.items():
    print(f"{name:23}" + "".join(f"{run.loss:10.2g}" for run in runs))
print("Adam / LM              " + "".join(f"{value:10.0f}" for value in quotient))
print("LM was there sooner by " + "".join(f"{value:9.0f}x" for value in sooner))

# %% [markdown]
# **Explain.** This is where second order wins, by an order of magnitude and more, in loss and in time: few weights, a smooth loss, all examples in each step, residuals that
# can become small, and a condition that is terrible (you have seen its spectrum). L-BFGS, with gradients alone, has a tenth of Adam's time and
# comes near to where Adam is. (And large networks? The matrix has a row and a column for each weight, and solving with it costs the cube of their number, in
# every step, after a look at all examples.)
#
# Is it worth anything on tracks that no training saw? And if the boxes are noisy, as a detector's are? That was measured once, with three seeds, with
# the command that is printed, on as many CPU seconds as here; Adam's rate is the best of three by the loss in training. *On new tracks* is the same loss on others.

# %%
for task in ("velocity", "velocity, noisy"):
    known = before[task]
    print(f"{task}: {known.about['command']}")
    print(f"{'':28} rate    loss, three seeds              on new tracks")
    for method in known.methods:
        loss, new = (
            " ".join(f"{value:9.3g}" for value in known.ends(method, column))
            for column in ("loss", "test")
        )
        rate = known.rate(method)
        print(f"{method:28} {f'{rate:g}' if rate else '-':>5} {loss}  {new}")

# %% [markdown]
# **Explain.** Without noise, the lower loss is a lower error on new tracks as well: the answer is in what is seen, and who comes nearer to it is nearer
# everywhere. With boxes that are off by 3 % of their size, all end at nearly the same loss, most of which is the noise's, and the lowest loss is not the
# lowest error on new tracks. **A tie**: where the data are the limit, it does not matter how the bottom was found.
#
# ## 7. Deep networks
#
# ### The recurrent filter
#
# Lesson 05's filter, with a small recurrent network, followed in closed loop through eight frames of 64 trajectories: a real loss with a real
# task, in `float32`. Its loss is no sum of squares, so Levenberg-Marquardt has to stay at home. All methods get the same CPU time. (Stored: the
# second derivative of a network that is written out through time takes long to compile. Three seeds, a line each.)
#
# **Predict.** It is about as small as the regressor. Will L-BFGS win again?

# %% tags=["plot"]
through_time = before["motion RNN"]
medians = {name: float(np.median(through_time.ends(name))) for name in through_time.methods}
apart = max(medians.values()) - min(medians.values())
seeds_apart = max(float(np.ptp(through_time.ends(name))) for name in through_time.methods)
print(through_time.about["command"])
for method in through_time.methods:
    told = " ".join(f"{value:.3f}" for value in through_time.ends(method))
    print(f"{method:12} loss of three seeds {told}")
plots.convergence(
    {method: through_time.results(method) for method in through_time.methods},
    so_far=True,
    title=f"Recurrent filter, {through_time.about['cpu_seconds']:g} CPU seconds: the methods' medians lie {apart:.3f} apart, "
    f"the seeds of one up to {seeds_apart:.3f}",
    width=6.4,
)

# %% [markdown]
# **Explain.** By steps Newton-CG is ahead; but each of its steps costs several products (compare the left panel with the middle one), and by the second it ends a
# little behind L-BFGS on each seed. By seconds all come out close together: Adam, at the best of
# three rates that somebody had to find, and L-BFGS, which needed none, are nearer to each other than their own seeds are. **A tie.** What
# made the difference on the regressor is not there: detections are noisy, so this loss has a floor well above zero, and nobody asks for its last digits.
#
# ### The convolutional network
#
# A thousand pictures, a small network with smooth activations. L-BFGS and Newton-CG must see *all* pictures in each step, because they compare gradients
# and losses from step to step, and those of different batches differ by more than the steps do. SGD takes 64 at a time.
#
# **Predict.** Everybody gets the same CPU seconds. How many steps will each make? Who has the lowest loss on the thousand pictures?

# %% tags=["training"]
CNN_SECONDS, BATCH = 4.0, 64
on_cnn = before["CNN"]
batches = {
    "batch_loss": cnn.batch_loss,
    "examples": cnn.examples,
    "batch_size": BATCH,
    "schedule": falling,
}
sgd = keras.optimizers.SGD(on_cnn.rate("SGD, momentum"), momentum=0.9)
cnn_runs = {
    "SGD, momentum": timed(
        *("SGD, momentum", baseline.first_order, cnn.problem, sgd), seconds=CNN_SECONDS, **batches
    ),
    "L-BFGS": timed("L-BFGS", lbfgs.lbfgs, cnn.problem, seconds=CNN_SECONDS),
    "Newton-CG": timed(
        "Newton-CG", newton_cg.newton_cg, cnn.problem, seconds=CNN_SECONDS, inner=10
    ),
}

# %% tags=["plot"]
cnn_prices = cost["CNN, 1,000 images"][1]
longer = {
    name: cnn_runs[name]["cpu_seconds"][-1]
    / cnn_runs["SGD, momentum"].first(cnn_runs[name].loss, "cpu_seconds")
    for name in ("L-BFGS", "Newton-CG")
}
plots.convergence(
    cnn_runs,
    prices=cnn_prices,
    so_far=True,
    width=6.4,
    title="On the CNN, second order loses by the second: to its own loss L-BFGS needs "
    f"{longer['L-BFGS']:.1f} times SGD's time, Newton-CG {longer['Newton-CG']:.0f} times",
)

# %%
run = cnn_runs["SGD, momentum"]
sgd_step = run["cpu_seconds"][-1] / len(run)
lbfgs_step = cnn_runs["L-BFGS"]["cpu_seconds"][-1] / len(cnn_runs["L-BFGS"])
cg_run = cnn_runs["Newton-CG"]
cg_step = cg_run["cpu_seconds"][-1] / len(cg_run)
asked_by_cg = cg_run["products"][-1] / len(cg_run)
print(f"a Hessian-vector product costs {cnn_prices['products']:.2f} gradients")
print(f"in the time of one step of L-BFGS    SGD makes {lbfgs_step / sgd_step:4.0f} steps")
print(
    f"in the time of one step of Newton-CG SGD makes {cg_step / sgd_step:4.0f} steps "
    f"(it asks for {asked_by_cg:.1f} products)"
)
print(
    f"in {cg_run['negative'][1:].sum():.0f} of the {len(cg_run)} steps of Newton-CG the first directions curved downwards, "
    "and its inner loop ended there"
)

# %% [markdown]
# **Explain.** There is the reason, measured. Look at the middle panel: *per gradient of all pictures* SGD has the lowest loss as well, because it
# makes fifteen steps out of each. A step of second order must be as good as all the steps that SGD makes in its time, and from far away,
# where the quadratic is a poor forecast, it is not. (Newton-CG meets directions that curve downwards; each time its inner loop ends there, and what is left
# is hardly more than a step of gradient descent.) What second order is good at is not asked for: nobody
# needs the last digits of this loss. **Full-batch second order loses.** With more pictures the price of one look at all of
# them grows, and that of a step of SGD does not.
#
# ### What of it survives in deep learning
#
# Much cheaper knowledge of curvature does. **Hutchinson's** trick estimates the diagonal of $H$ from a few products with random signs, and
# so its *trace*, the sum of the diagonal and of all eigenvalues:

# %%
from tracklab.optimizers import hutchinson

show(hutchinson.diagonal)

# %%
true_trace = true_values.sum()
samples = (1, 10, 100)
for count in samples:
    guess = hutchinson.trace(at_start, regressor.size, samples=count)
    print(
        f"trace of the regressor's Hessian from {count:3} products: {guess:6.2f} (true: {true_trace:.2f})"
    )

# %% [markdown]
# The error falls with the root of the number of products, on average: a single guess may be off by half, and a few may be lucky.
#
# **Shampoo** (Gupta, Koren and Singer, 2018) uses no second derivative at all. It takes each layer's gradient for the matrix $G$ that it is, and learns which
# of its rows and which of its columns vary together. Two small matrices stand in for a huge one:

# %%
from tracklab.optimizers import shampoo

show(shampoo.Shampoo._learn, shampoo.inverse_fourth_root, docstring=False)

# %% [markdown]
# **Predict.** It works on batches, as SGD does, and its matrices cost time. Is it worth that on this network? (Stored: three seeds, five CPU seconds each;
# SGD, Adam and Shampoo on batches each at the best of three rates by the loss in training, Adam on all images at one.)

# %% tags=["plot"]
print(f"{on_cnn.about['images']}")
print(on_cnn.about["command"])
print(f"{'':18} {'rate':>6}   {'loss, three seeds':>23}   {'accuracy on new':>17}   {'steps':>11}")
for method in sorted(on_cnn.methods, key=lambda name: np.median(on_cnn.ends(name))):
    loss = " ".join(f"{value:7.2g}" for value in on_cnn.ends(method))
    new = " ".join(f"{value:.3f}" for value in on_cnn.ends(method, "test"))
    rate = f"{on_cnn.rate(method):g}" if on_cnn.rate(method) else "-"
    print(
        f"{method:18} {rate:>6}   {loss}   {new}   {np.median(on_cnn.ends(method, 'step')):11.0f}"
    )
first = min(on_cnn.methods, key=lambda name: np.median(on_cnn.ends(name)))
plots.convergence(
    {method: on_cnn.results(method) for method in on_cnn.methods},
    so_far=True,
    width=6.4,
    title=f"With batches and cheap matrices it is another story: lowest loss by the second, {first}",
)

# %% [markdown]
# **Explain.** Look at both columns. Shampoo's loss on the thousand pictures that it was trained on is low for its seconds, with fewer steps than
# SGD. Accuracy on new pictures is another column. Of those that have learned their pictures by heart nobody is ahead there by more than seeds differ, and L-BFGS, whose loss is
# far above theirs, is as good as they are: a thousand pictures are too few to tell. What full-batch second order loses here by the second is the race
# for the *training* loss. So the honest sentence is not "second order loses on deep networks" but: **what needs all data and exact products loses; curvature
# that is cheap, rough and learned on the way may win.** Adam's division by the root of squared gradients is the smallest member of that family.
#
# ## 8. When it says no
#
# Three ways to fail, and what this package says. A learner's program should fail as clearly:

# %%
from tracklab.errors import InputError

train, _ = tasks.tracks(20)
attempts = {
    "an empty batch": lambda: networks.NetworkResiduals(
        tasks.regressor(), train.inputs[:0], train.targets[:0]
    ),
    "residuals of a loss that has none": lambda: lm.levenberg_marquardt(cnn.problem),
    "a whole Hessian of a large network": lambda: newton.newton(cnn.problem),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except InputError as reason:
        print(f"{name}:\n  {reason}")

# %%
saddle = problems.on_surface(surfaces.saddle(), [0.0, 0.0])
for method in (newton.newton, damped_newton.damped_newton, newton_cg.newton_cg):
    print(method(saddle).why)

# %% [markdown]
# An indefinite Hessian is no error. It is a fact about the place, and a method should either use it, as the last two do, or say so, as the
# first one does.
#
# ## 9. The gate
#
# What you have measured. The cell stops with an error if the margins are not there.

# %% tags=["gate"]
from IPython.display import Markdown

median = {name: float(np.median([run.loss for run in runs])) for name, runs in races.items()}
rows = [
    "| task | second order | baseline | |",
    "|---|---|---|---|",
    f"| bowl of condition 1000, steps | Newton {steps_by_condition[1000][1]} | gradient descent "
    f"{steps_by_condition[1000][0]:,} | wins |",
    f"| Rosenbrock, 50 numbers, gradients | L-BFGS {in_valley['L-BFGS'].in_gradients(counted)[-1]:.0f} | "
    f"gradient descent {in_valley['gradient descent'].in_gradients(counted)[-1]:,.0f}, not there yet | wins |",
    f"| velocity regressor, median loss | Levenberg-Marquardt {median['Levenberg-Marquardt']:.1e} in "
    f"{SHORT:g} s | Adam {median[f'Adam, {TIMES} times as long']:.1e} in {TIMES * SHORT:g} s | wins |",
]
noisy = before["velocity, noisy"]
for task, ours, theirs in (
    (noisy, "Levenberg-Marquardt", f"Adam, {TIMES} x as long"),
    (through_time, "L-BFGS", "Adam"),
):
    name = "the same with noise, loss" if task is noisy else "recurrent filter, loss"
    own, other = task.ends(ours), task.ends(theirs)
    # a tie: the ranges of their seeds have a part in common
    assert max(own.min(), other.min()) < min(own.max(), other.max()), name
    medians = f"{ours} {np.median(own):.3g} | Adam {np.median(other):.3g}"
    rows.append(f"| {name} (stored) | {medians} | ties |")
rows.append(
    f"| CNN, loss after {CNN_SECONDS:g} s | L-BFGS {cnn_runs['L-BFGS'].loss:.2f}, Newton-CG "
    f"{cnn_runs['Newton-CG'].loss:.2f} | SGD {cnn_runs['SGD, momentum'].loss:.2f} | loses |"
)

# the Hessian changes the step: Newton does not know the condition
assert all(steps == 1 for _, steps in steps_by_condition.values())
assert steps_by_condition[1000][0] > 20 * steps_by_condition[10][0]
# products agree both ways, with symmetry and with differences, as far as numbers are precise
smooth = agreement["regressor (tanh, float64)"]
assert smooth["both ways"] < 1e-10
assert max(value for name, value in smooth.items() if "symmetry" in name) < 1e-10
assert max(value for name, value in smooth.items() if "differences" in name) < 1e-6
assert agreement["CNN, SiLU and mean pooling"]["both ways"] < 1e-3
assert agreement["CNN, SiLU and mean pooling"][f"{F}, differences"] < 0.02
# and where they must not be believed, the checks say so
assert agreement["CNN, ReLU and max pooling"][f"{F}, differences"] > 0.1
assert agreement["recurrent filter"][f"{F}, differences"] < 0.02
assert agreement["recurrent filter"][f"{R}, differences"] > 0.05
# a product costs a few gradients; a Hessian does not
assert all(0.3 < price["products"] < 8 for _, price in cost.values())
# Lanczos' ends are NumPy's
assert abs(ends[-1, 1] - true_values[-1]) < 1e-8 * true_values[-1]
assert abs(ends[-1, 0] - true_values[0]) < 1e-3 * true_values[-1]
# the rate's edge is where the steepest curvature says
assert edge[1.9]["loss"].max() == edge[1.9]["loss"][0] < edge[2.1]["loss"].max() / 10
# Newton alone finds saddles and tops; damped it finds minima
assert [ended[name, "Newton"].stopped for name in ("saddle", "himmelblau")] == ["saddle"] * 2
assert all(ended[name, "damped Newton"].stopped == "converged" for name in surfaces.SURFACES)
assert wild.stopped == "diverged"
assert again.stopped == "converged"
# our L-BFGS asks as rarely as SciPy's
assert quotients.max() <= 1.2
# Levenberg-Marquardt is where Adam does not come in ten times the seconds, on every seed
assert quotient.min() > 2
# on the CNN, second order loses by the second
assert cnn_runs["SGD, momentum"].loss < min(cnn_runs[n].loss for n in ("L-BFGS", "Newton-CG"))
assert cg_step > 5 * sgd_step
Markdown("\n".join([*rows, "", "Seconds are CPU seconds. All margins are there."]))

# %% [markdown]
# ## Summary
#
# - A gradient says which way is down; the Hessian says how the gradient changes, and so **how far** and **in which direction** to go. Computing it and
#   then doing gradient descent changes nothing but the price.
# - The **condition**, steepest over flattest curvature, is what makes gradient descent slow. Newton's step does not know it.
# - **Hessian-vector products** cost a few gradients, whatever the number of weights. There are two exact ways; check them against each other, against symmetry, and
#   against differences. Kinks have no second derivative. An operation with a gradient of its own can make one of the ways silently wrong.
# - **Lanczos** finds both ends of a spectrum from a few dozen products. A network's loss has a few steep directions, many flat ones, and negative ones.
# - Newton's method finds zeros of the gradient: saddles and tops as well. **Damping** and a **line search** make it safe.
# - **L-BFGS** learns curvature from the gradients that it has seen anyway. **Newton-CG** solves for Newton's step by products alone.
# - For sums of squares the Jacobian gives the curvature: **Levenberg-Marquardt**, damped by how good its forecasts are.
# - It **wins** by orders of magnitude on small, smooth, badly conditioned losses with all data in each step. It **ties** where noise is the
#   limit. It **loses** by the second where a dozen steps of SGD, or many more, fit into one of its own.
# - Loss over steps, over gradients and over seconds are three different figures. Look at all of them.
#
# ## Common misconceptions
#
# - *"Second order means computing second derivatives and then doing gradient descent."* Then they have changed nothing. Newton's step solves $Hp = -g$.
# - *"Newton's method finds minima."* It finds zeros of the gradient. Look at the curvatures where it ends.
# - *"One needs the Hessian."* Products are enough, for steps, for spectra, for a way out of a saddle.
# - *"Automatic differentiation cannot be wrong."* It differentiates what it is told. A gradient that was written by hand tells it something else.
# - *"Finite differences disagree, so the derivative is wrong."* At a kink both are right about different things.
# - *"It converges in fewer steps, so it is faster."* A step has a price. So has a gradient.
# - *"Second order is useless in deep learning."* The full one, by the second, mostly. What is cheap and learned on the way is in use.
# - *"The lower loss is the better network."* On noisy data, look at new tracks first.
#
# ## Quiz
#
# **1.** You fit a curve with five parameters to 200 noisy measurements, in a loop that runs a thousand times a second. Which method? And if the
# "curve" is a network of ten million weights and the measurements are a million pictures?
#
# <details><summary>Answer</summary>
#
# Levenberg-Marquardt: a sum of squares, few parameters, all data at once; a handful of steps, each a 5 x 5 system. (Lesson 03's boxes, a camera's
# calibration, a trajectory through detections are such fits.) The network: SGD, Adam, or Shampoo on batches. A step of a full-batch method would see a million
# pictures before it moves once.
#
# </details>
#
# **2.** Your product $Hv$ by reverse over reverse fulfils $w \cdot Hv = v \cdot Hw$ to rounding, and differences disagree by 30 %, or by more, the shorter you
# make their step (all in `float64`). What do you look for? And if symmetry were broken as well?
#
# <details><summary>Answer</summary>
#
# Symmetric, and a shorter step does not bring differences nearer: kinks, at which the gradient jumps, and a jump over a shorter step is more. Look for ReLU, max pooling, clipping, absolute values, and repeat the check with smooth
# ones in their place. Broken symmetry: no function has such a Hessian, so the derivative itself is wrong. Look for operations whose gradient was written by hand, and for gradients
# that are stopped.
#
# </details>
#
# ## Further reading
#
# - J. Nocedal, S. J. Wright. *Numerical optimization.* 2nd edition, Springer 2006. Chapters 3, 6, 7 and 10 are this lesson.
# - B. A. Pearlmutter. *Fast exact multiplication by the Hessian.* Neural Computation 6, 1994.
# - C. Lanczos. *An iteration method for the solution of the eigenvalue problem of linear differential and integral operators.* Journal of Research of the National
#   Bureau of Standards 45, 1950.
# - B. Ghorbani, S. Krishnan, Y. Xiao. *An investigation into neural net optimization via Hessian eigenvalue density.* ICML 2019. Spectra of large networks.
# - L. Armijo. *Minimization of functions having Lipschitz continuous first partial derivatives.* Pacific Journal of Mathematics 16, 1966.
# - J. Nocedal. *Updating quasi-Newton matrices with limited storage.* Mathematics of Computation 35, 1980; D. C. Liu, J. Nocedal. *On the limited memory BFGS
#   method for large scale optimization.* Mathematical Programming 45, 1989.
# - K. Levenberg. *A method for the solution of certain non-linear problems in least squares.* Quarterly of Applied Mathematics 2, 1944; D. W. Marquardt. *An algorithm for
#   least-squares estimation of nonlinear parameters.* Journal of the Society for Industrial and Applied Mathematics 11, 1963.
# - J. J. Moré. *The Levenberg-Marquardt algorithm: implementation and theory.* Numerical Analysis, Lecture Notes in Mathematics 630, Springer 1978.
# - H. B. Nielsen. *Damping parameter in Marquardt's method.* Report IMM-REP-1999-05, Technical University of Denmark, 1999.
# - R. S. Dembo, T. Steihaug. *Truncated-Newton algorithms for large-scale unconstrained optimization.* Mathematical Programming 26, 1983.
# - J. Martens. *Deep learning via Hessian-free optimization.* ICML 2010. Newton-CG on deep networks.
# - M. F. Hutchinson. *A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines.* Communications in Statistics: Simulation and Computation 19, 1990;
#   C. Bekas, E. Kokiopoulou, Y. Saad. *An estimator for the diagonal of a matrix.* Applied Numerical Mathematics 57, 2007.
# - J. Martens, R. Grosse. *Optimizing neural networks with Kronecker-factored approximate curvature.* ICML 2015. K-FAC.
# - V. Gupta, T. Koren, Y. Singer. *Shampoo: preconditioned stochastic tensor optimization.* ICML 2018; R. Anil, V. Gupta, T. Koren, K. Regan, Y. Singer. *Scalable second order
#   optimization for deep learning.* arXiv:2002.09018, 2020.
# - J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar. *Gradient descent on neural networks typically occurs at the edge of stability.* ICLR 2021. What happens to
#   the steepest curvature in a long training.
