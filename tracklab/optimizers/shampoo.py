"""Shampoo: second-order steps for deep networks, with two small matrices instead of a huge one.

A layer's kernel is a matrix G of m rows and n columns (inputs by outputs), and its curvature has
(m n)^2 entries. The Kronecker product of an m x m and an n x n matrix stands in for it: what the
rows of the gradients have in common, and what their columns have.

Invariant: with both matrices the identity the step is that of gradient descent with momentum.
"""

from __future__ import annotations

from typing import Any

from tracklab import errors
from tracklab.quiet import keras, tf

MEMORY = 0.95  # of the averages of G G^T and G^T G
EVERY = 10  # steps between two roots: they change slowly and cost most
LARGEST = 600  # rows: a larger side stays as it is, for roots cost its cube
FLOOR = 1e-4  # of a matrix' largest eigenvalue, added to all: directions not yet seen


class Shampoo(keras.optimizers.Optimizer):
    """Gupta, Koren and Singer, "Shampoo: preconditioned stochastic tensor optimization" (2018).

    With averages instead of sums, and each layer's step as long as its gradient (grafting: Anil et
    al., "Scalable second order optimization for deep learning", 2020), so that rates are those of
    SGD with momentum. Biases and scales take plain steps. It is a Keras optimizer: `training.fit`
    takes it.

    learning_rate: as for SGD. momentum, memory: of the steps, of the matrices. every: steps between
    two roots.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        *,
        momentum: float = 0.9,
        memory: float = MEMORY,
        every: int = EVERY,
        name: str = "shampoo",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.momentum = errors.number("momentum", momentum, low=0, high=1)
        self.memory = errors.number("memory", memory, low=0, high=1)
        self.every = int(errors.number("every", every, low=1, whole=True))

    def build(self, variables: Any) -> None:
        """Make room for momentum, matrices and roots."""
        if self.built:
            return
        super().build(variables)
        self._velocity = [
            self.add_variable_from_reference(v, name="velocity", initializer="zeros")
            for v in variables
        ]
        self._matrices, self._roots = [], []
        for v in variables:
            # sides of the kernel as a matrix that are small enough
            sides = [n if n <= LARGEST else 0 for n in as_matrix_shape(v.shape)]
            self._matrices.append([self._square(n, "zeros", v.dtype) for n in sides])
            self._roots.append([self._square(n, "identity", v.dtype) for n in sides])

    def _square(self, side: int, initializer: str, dtype: Any) -> Any:
        if not side:
            return None
        return self.add_variable((side, side), initializer=initializer, dtype=dtype)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One layer's step."""
        place = self._get_variable_index(variable)
        velocity, rate = self._velocity[place], tf.cast(learning_rate, variable.dtype)
        matrices, roots = self._matrices[place], self._roots[place]
        step = gradient
        if roots:
            flat = tf.reshape(gradient, as_matrix_shape(variable.shape))
            self._learn(flat, matrices, roots)
            # P = L^(-1/4) G R^(-1/4)
            turned = flat if roots[0] is None else tf.matmul(roots[0].value, flat)
            turned = turned if roots[1] is None else tf.matmul(turned, roots[1].value)
            # as long as G: P |G| / |P|
            length = tf.norm(turned)
            turned = turned * tf.math.divide_no_nan(tf.norm(flat), length)
            step = tf.reshape(turned, tf.shape(gradient))
        # v = mu v + P,  W = W - a v
        self.assign(velocity, self.momentum * velocity + step)
        self.assign_sub(variable, rate * velocity)

    def _learn(self, g: Any, matrices: Any, roots: Any) -> None:
        for matrix, root, transposed in zip(matrices, roots, (False, True), strict=True):
            if matrix is None:
                continue
            # L = b L + (1 - b) G G^T,  R = b R + (1 - b) G^T G
            seen = tf.matmul(g, g, transpose_a=transposed, transpose_b=not transposed)
            self.assign(matrix, self.memory * matrix + (1 - self.memory) * seen)
            due = tf.equal(tf.cast(self.iterations, tf.int64) % self.every, 0)
            now = tf.cond(
                due, lambda m=matrix: inverse_fourth_root(m.value), lambda r=root: r.value
            )
            self.assign(root, now)

    def get_config(self) -> dict[str, Any]:
        """What it was made with."""
        own = {"momentum": self.momentum, "memory": self.memory, "every": self.every}
        return super().get_config() | own


def as_matrix_shape(shape: Any) -> tuple[int, ...]:
    """A kernel's shape as (inputs, outputs); nothing for what has one axis.

    >>> as_matrix_shape((3, 3, 8, 16)), as_matrix_shape((10,))
    ((72, 16), ())
    """
    sizes = [int(n) for n in shape]
    if len(sizes) < 2:
        return ()
    rows = 1
    for n in sizes[:-1]:
        rows *= n
    return rows, sizes[-1]


def inverse_fourth_root(matrix: Any) -> Any:
    """A^(-1/4) of a symmetric matrix without negative eigenvalues, which is lifted off zero."""
    values, vectors = tf.linalg.eigh(matrix)
    largest = tf.maximum(values[-1], tf.cast(1e-30, values.dtype))
    # A = Q diag(l) Q^T,  A^(-1/4) = Q diag((l + e)^(-1/4)) Q^T
    lifted = tf.maximum(values, 0.0) + FLOOR * largest
    return tf.matmul(vectors * lifted**-0.25, vectors, transpose_b=True)
