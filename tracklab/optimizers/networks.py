"""The loss of a network as a function of one flat vector of all its weights.

`NetworkLoss` takes any network of Keras variables and any loss of it; `NetworkResiduals` a network
whose loss is a sum of squares. Both answer what `problems.Problem` asks, in compiled functions.

Invariant: no question changes the network; `assign(x)` does. The loss at `start` is that of the
network as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors
from tracklab.optimizers import derivatives
from tracklab.optimizers.problems import Problem
from tracklab.quiet import keras, tf

Floats = NDArray[np.float64]
LARGEST_HESSIAN = 3000  # weights: 72 MB in float64


class NetworkLoss(Problem):
    """A network's loss, its gradient and its Hessian-vector products.

    model: has `trainable_variables`, all of one type; float64 ones for losses near rounding.
    loss: `loss(model) -> number`, of a batch that stays the same; it may draw nothing at random.
    way: of the products, one of `derivatives.WAYS`.

    Raises `InputError` for a model without weights, and for a loss that is not one number.
    """

    def __init__(
        self, model: Any, loss: Callable[[Any], Any], *, way: str = derivatives.REVERSE
    ) -> None:
        self.way = errors.choice("way", way, derivatives.WAYS)
        self.model, self.variables = model, list(model.trainable_variables)
        types = {str(v.dtype) for v in self.variables}
        if len(types) != 1:
            came = errors.Said(f"weights of types {sorted(types)}" if types else "no weights")
            errors.bad("model", came, "weights, all of one type")
        (name,) = types
        self.dtype = tf.as_dtype(name)
        self._shapes = [tuple(v.shape) for v in self.variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        super().__init__(self.weights())
        self._given = loss
        if len(np.shape(loss(model))):
            errors.bad("loss", errors.Said("more than one number"), "their mean, say")
        self._compiled: dict[str, Any] = {}

    def weights(self) -> Floats:
        """The network's weights as they are now, `(n,)`."""
        arrays = [np.asarray(v.numpy(), np.float64).ravel() for v in self.variables]
        return np.concatenate(arrays)

    def arrays(self, x: ArrayLike) -> list[NDArray[Any]]:
        """A flat vector in the shapes and the type of the network's weights."""
        flat = np.asarray(x, self.dtype.as_numpy_dtype)
        if flat.shape != (sum(self._sizes),):
            errors.bad("x", flat, f"shape ({sum(self._sizes)},)")
        parts = np.split(flat, np.cumsum(self._sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def assign(self, x: ArrayLike) -> None:
        """Give the network these weights."""
        for variable, array in zip(self.variables, self.arrays(x), strict=True):
            variable.assign(array)

    def at(self, theta: Any, function: Callable[[Any], Any]) -> Any:
        """`function(model)` as if the model had the weights theta, a tensor `(n,)`."""
        parts = tf.split(theta, self._sizes)
        shaped = [tf.reshape(p, shape) for p, shape in zip(parts, self._shapes, strict=True)]
        # inside, Keras reads these instead of its variables, and keeps what a layer would write
        with keras.StatelessScope(state_mapping=list(zip(self.variables, shaped, strict=True))):
            return function(self.model)

    def loss_of(self, theta: Any) -> Any:
        """The loss as a function of a tensor `(n,)`: what is derived."""
        return self.at(theta, self._given)

    def _answer(self, name: str, *vectors: Floats) -> Any:
        if name not in self._compiled:
            # compiled once, for vectors (n,): so TensorFlow does not warn of many problems' many
            shapes = [tf.TensorSpec((self.size,), self.dtype)] * len(vectors)
            question = tf.function(getattr(self, f"_tf_{name}"))
            self._compiled[name] = question.get_concrete_function(*shapes)
        given = [tf.constant(v, self.dtype) for v in vectors]
        return tf.nest.map_structure(lambda t: t.numpy(), self._compiled[name](*given))

    def _tf_value(self, theta: Any) -> Any:
        return self.loss_of(theta)

    def _tf_gradient(self, theta: Any) -> Any:
        return derivatives.gradient(self.loss_of, theta)

    def _tf_product(self, theta: Any, v: Any) -> Any:
        ways = {
            derivatives.FORWARD: derivatives.forward_over_reverse,
            derivatives.REVERSE: derivatives.reverse_over_reverse,
        }
        return ways[self.way](self.loss_of, theta, v)

    def _value(self, x: Floats) -> Any:
        return self._answer("value", x)

    def _value_and_gradient(self, x: Floats) -> Any:
        return self._answer("gradient", x)

    def _product(self, x: Floats, v: Floats) -> Any:
        return self._answer("product", x, v)

    def _hessian(self, x: Floats) -> Any:
        n = self.size
        if n > LARGEST_HESSIAN:
            came = errors.Said(f"a network of {n} weights")
            wanted = f"at most {LARGEST_HESSIAN} for a whole Hessian; products have no limit"
            errors.bad("problem", came, wanted)
        # H e_k is column k
        columns = np.array([self._product(x, row) for row in np.eye(n)], np.float64).T
        return (columns + columns.T) / 2


class NetworkResiduals(NetworkLoss):
    """A regression: L = |r|^2 / 2 with r = (f(inputs) - targets) / sqrt(N), so L is half the mean
    squared length of the errors.

    model: a Keras model without layers that treat a batch as a whole. inputs `(N, ...)`, targets
    `(N, K)`. Raises `InputError` for lengths that differ, and for none.
    """

    def __init__(
        self,
        model: Any,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        way: str = derivatives.REVERSE,
    ) -> None:
        seen, wanted = np.asarray(inputs), np.asarray(targets)
        if wanted.ndim != 2 or len(seen) != len(wanted) or not len(seen):
            errors.bad("targets", wanted, f"shape ({len(seen) or 'N'}, K), N at least 1")
        kind = str(model.trainable_variables[0].dtype)
        self.inputs, self.targets = tf.constant(seen, kind), tf.constant(wanted, kind)
        self._share = float(1 / np.sqrt(len(seen)))
        super().__init__(model, self._loss_of_model, way=way)

    def _loss_of_model(self, model: Any) -> Any:
        # L = sum r^2 / 2
        return tf.reduce_sum(tf.square(self._residuals_of_model(model))) / 2

    def _residuals_of_model(self, model: Any) -> Any:
        # r = (f - y) / sqrt N
        return (model(self.inputs) - self.targets) * tf.cast(self._share, self.targets.dtype)

    def _tf_jacobian(self, theta: Any) -> Any:
        """Residuals `(N, K)` and Jacobian `(N, K, n)`: each example's own gradient."""

        def one(given: Any) -> Any:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(theta)
                said = self.at(theta, lambda model: model(given[None]))[0]
                parts = tf.unstack(said * tf.cast(self._share, said.dtype))
            return tf.stack([tape.gradient(part, theta) for part in parts])

        residuals = self.at(theta, self._residuals_of_model)
        return residuals, tf.vectorized_map(one, self.inputs)

    def _residuals_and_jacobian(self, x: Floats) -> Any:
        residuals, jacobian = self._answer("jacobian", x)
        return residuals.ravel(), jacobian.reshape(-1, self.size)
