"""Seven first-order methods, written out: each takes one step from a gradient.

A method is a pure function `(weights, gradient, state, rate, step) -> weights, state`. All arrays
have one shape, and may be of NumPy or TensorFlow: a point on a surface, or a kernel of a network.
`state` is what the method remembers, a tuple of arrays (`begin` makes the first); `step` counts
from 1.

Invariant: given the same gradients, each equals Keras' optimizer of that name to float precision,
step by step, with Keras' defaults. Where Keras leaves the paper, the docstring says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracklab import errors

Array = Any  # of NumPy or TensorFlow
State = tuple[Array, ...]

MOMENTUM = 0.9
RHO = 0.9  # of RMSProp: it remembers about ten gradients
BETA_1, BETA_2 = 0.9, 0.999  # of Adam: about ten gradients, about a thousand squares
EPSILON = 1e-7  # keeps a division by a root that is 0 finite
ACCUMULATED = 0.1  # what AdaGrad's sums begin with
DECAY = 4e-3  # of AdamW


def sgd(
    weights: Array, gradient: Array, state: State, rate: float, step: int
) -> tuple[Array, State]:
    """Gradient descent: a step against the gradient. Remembers nothing.

    Robbins and Monro, "A stochastic approximation method" (1951), for gradients of batches; Bottou,
    Curtis and Nocedal, "Optimization methods for large-scale machine learning" (2018), eq. 3.7.
    """
    # w = w - a g
    return weights - rate * gradient, ()


def momentum(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    momentum: float = MOMENTUM,
) -> tuple[Array, State]:
    """Heavy ball: a velocity that gradients push and friction slows. Remembers the velocity.

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); in this form
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning" (2013), eq. 1 and 2.
    """
    (velocity,) = state
    # v = m v - a g
    velocity = momentum * velocity - rate * gradient
    # w = w + v
    return weights + velocity, (velocity,)


def nesterov(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    momentum: float = MOMENTUM,
) -> tuple[Array, State]:
    """Nesterov's method: the gradient is taken where the velocity will have carried the weights.

    Sutskever et al. (2013), eq. 3 and 4: v = m v - a g(u + m v), u = u + v. Keras holds the place
    where gradients are taken, w = u + m v, in the weights; in it the same steps read as below.
    """
    (velocity,) = state
    # v = m v - a g
    velocity = momentum * velocity - rate * gradient
    # w = w + m v - a g
    return weights + (momentum * velocity - rate * gradient), (velocity,)


def adagrad(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    epsilon: float = EPSILON,
) -> tuple[Array, State]:
    """A rate for each weight, that falls with all its gradients so far. Remembers their squares.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (2011), eq. 1. As in Keras, the sums begin at 0.1 and not at 0, so that first
    steps are short, and epsilon stands inside the root.
    """
    (squares,) = state
    # s = s + g^2
    squares = squares + gradient**2
    # w = w - a g / sqrt(s + e)
    return weights - rate * gradient / (squares + epsilon) ** 0.5, (squares,)


def rmsprop(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    rho: float = RHO,
    epsilon: float = EPSILON,
) -> tuple[Array, State]:
    """AdaGrad that forgets: a rate for each weight, by the mean of its recent gradients' squares.

    Tieleman and Hinton, "Neural networks for machine learning", lecture 6e (2012), slide 29. As in
    Keras, epsilon stands inside the root. The mean begins at 0 and is not corrected for it: the
    first step is 1 / sqrt(1 - rho) = 3.2 times as long as later ones.
    """
    (mean,) = state
    # s = r s + (1 - r) g^2
    mean = rho * mean + (1 - rho) * gradient**2
    # w = w - a g / sqrt(s + e)
    return weights - rate * gradient / (mean + epsilon) ** 0.5, (mean,)


def adam(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    beta_1: float = BETA_1,
    beta_2: float = BETA_2,
    epsilon: float = EPSILON,
) -> tuple[Array, State]:
    """RMSProp with momentum, both corrected for their start. Remembers means of g and of g^2.

    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1, in the order of
    the end of its section 2: both corrections go into the rate. So epsilon is the paper's
    "epsilon hat", sqrt(1 - b2^t) times smaller beside the corrected root than in algorithm 1.
    """
    first, second = state
    # m = m + (1 - b1) (g - m)
    first = first + (1 - beta_1) * (gradient - first)
    # v = v + (1 - b2) (g^2 - v)
    second = second + (1 - beta_2) * (gradient**2 - second)
    # a_t = a sqrt(1 - b2^t) / (1 - b1^t)
    corrected = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    # w = w - a_t m / (sqrt(v) + e)
    return weights - corrected * first / (second**0.5 + epsilon), (first, second)


def adamw(
    weights: Array,
    gradient: Array,
    state: State,
    rate: float,
    step: int,
    *,
    decay: float = DECAY,
    **options: float,
) -> tuple[Array, State]:
    """Adam with weight decay beside it: all weights shrink by one factor, large gradients or small.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2, line 12. As
    in Keras, the decay is multiplied by the rate (the paper's lambda is rate times decay here), and
    biases shrink with the kernels. options: of `adam`.
    """
    # w = w - a d w, and Adam's step from there
    return adam(weights - rate * decay * weights, gradient, state, rate, step, **options)


@dataclass(frozen=True)
class Method:
    """A method and what goes with it.

    name: in `METHODS`. label: in figures. step: the function above. state: what each array of its
    first state is filled with. rate: Keras' default. keras: the name of Keras' class, and the
    options that make it this method. options: of its function, that can be set.
    """

    name: str
    label: str
    step: Callable[..., tuple[Array, State]]
    state: tuple[float, ...]
    rate: float
    keras: tuple[str, dict[str, Any]]
    options: tuple[str, ...] = ()


_HEAVY = {"momentum": MOMENTUM}
_AHEAD = {"momentum": MOMENTUM, "nesterov": True}
_BETAS = ("beta_1", "beta_2", "epsilon")
_ALL = (
    Method("sgd", "SGD", sgd, (), 1e-2, ("SGD", {})),
    Method("momentum", "momentum", momentum, (0.0,), 1e-2, ("SGD", _HEAVY), ("momentum",)),
    Method("nesterov", "Nesterov", nesterov, (0.0,), 1e-2, ("SGD", _AHEAD), ("momentum",)),
    Method("adagrad", "AdaGrad", adagrad, (ACCUMULATED,), 1e-3, ("Adagrad", {}), ("epsilon",)),
    Method("rmsprop", "RMSProp", rmsprop, (0.0,), 1e-3, ("RMSprop", {}), ("rho", "epsilon")),
    Method("adam", "Adam", adam, (0.0, 0.0), 1e-3, ("Adam", {}), _BETAS),
    Method("adamw", "AdamW", adamw, (0.0, 0.0), 1e-3, ("AdamW", {}), (*_BETAS, "decay")),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
NAMES = tuple(METHODS)


def method(name: str) -> Method:
    """A method by its name in `METHODS`. Raises `InputError` for another, and lists them."""
    return METHODS[errors.choice("method", name, METHODS)]


def begin(name: str, weights: Array) -> State:
    """The first state of a method for weights of any shape: arrays of that shape.

    >>> begin("adagrad", np.zeros(3))
    (array([0.1, 0.1, 0.1]),)
    """
    if hasattr(weights, "numpy"):  # a tensor or a variable
        from tracklab.quiet import tf

        return tuple(tf.fill(weights.shape, tf.cast(v, weights.dtype)) for v in method(name).state)
    return tuple(np.full_like(weights, value, dtype=float) for value in method(name).state)
