"""Is a gradient right? Differences of the loss say so: they need no derivative, only the loss.

A difference over a step h is wrong twice: by what the loss bends within h (truncation, grows with
h), and by the rounding of two losses that are nearly equal (grows with 1 / h). In between lies the
best step; `step_curve` shows both regimes, `check` uses the best step. Differences are a check and
no way to train: a gradient of n numbers costs n or 2 n losses.

Nocedal and Wright, "Numerical optimization" (2006), section 8.1.

Invariant: nothing here uses the gradient to compute a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import errors

Floats = NDArray[np.float64]

FORWARD, CENTRAL = FORMS = ("forward", "central")
STEPS = tuple(float(h) for h in np.logspace(-15, 0, 46))  # three a decade
AGREE = 1e-3  # relative difference of slopes that agree: kinks and wrong formulas give far more
NOISE = 10.0  # rounding errors that a difference may be off by
DIRECTIONS = 2  # at random for each of a network's arrays, beside its own gradient


class Loss(Protocol):
    """What is checked: a loss of a vector `(n,)`, as every `problems.Problem` is one."""

    @property
    def start(self) -> Any:
        """Where it is checked, `(n,)`."""

    def value(self, x: Floats) -> float:
        """The loss."""

    def value_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        """The loss, and the gradient `(n,)` that is to be checked."""


def difference(
    loss: Loss, at: ArrayLike, direction: ArrayLike, step: float, *, form: str = CENTRAL
) -> float:
    """The slope of a loss at a point `(n,)` along a direction `(n,)`, from two losses.

    step: how far apart, in lengths of the direction. form: "forward" or "central".
    """
    errors.choice("form", form, FORMS)
    if errors.number("step", step, low=0) == 0:
        errors.bad("step", step, "more than 0")
    x, v = np.asarray(at, np.float64), np.asarray(direction, np.float64)
    if form == FORWARD:
        # (L(x + h v) - L(x)) / h = L' + h L'' / 2 + ...
        return (loss.value(x + step * v) - loss.value(x)) / step
    # (L(x + h v) - L(x - h v)) / 2 h = L' + h^2 L''' / 6 + ...
    return (loss.value(x + step * v) - loss.value(x - step * v)) / (2 * step)


def best_step(precision: Any, form: str = CENTRAL) -> float:
    """The step at which truncation and rounding are about equal, for a loss whose derivatives are
    all about 1.

    precision: a float type, "float32" or "float64".

    >>> float(f"{best_step('float32', FORWARD):.1g}"), float(f"{best_step('float64'):.1g}")
    (0.0003, 6e-06)
    """
    rounding = float(np.finfo(np.dtype(precision)).eps)
    # h = e / h gives sqrt(e);  h^2 = e / h gives e^(1/3)
    return rounding ** (1 / 2 if errors.choice("form", form, FORMS) == FORWARD else 1 / 3)


@dataclass(frozen=True)
class StepCurve:
    """How wrong differences are, over their step.

    steps: `(K,)`. errors: by form, `(K,)`: |difference - slope| / |slope|. slope: by the gradient.
    precision: of the loss, "float32" or "float64".
    """

    steps: Floats
    errors: dict[str, Floats]
    slope: float
    precision: str

    def best(self, form: str = CENTRAL) -> tuple[float, float]:
        """The step with the least error, and that error."""
        off = self.errors[errors.choice("form", form, self.errors)]
        place = int(np.nanargmin(off))
        return float(self.steps[place]), float(off[place])

    def rows(self) -> list[dict[str, Any]]:
        """A tidy table: one row a form and step."""
        return [
            {"precision": self.precision, "form": form, "step": float(h), "error": float(e)}
            for form, off in self.errors.items()
            for h, e in zip(self.steps, off, strict=True)
        ]


def step_curve(
    loss: Loss,
    at: ArrayLike | None = None,
    *,
    direction: ArrayLike | None = None,
    steps: Sequence[float] = STEPS,
    slope: float | None = None,
) -> StepCurve:
    """Differences with every step against the gradient's own slope, along one direction.

    at: `(n,)`, where; the loss's start if None. direction: `(n,)`; the gradient's own if None,
        along which the slope is largest and rounding matters least. Its length becomes 1.
    slope: the true one, if something more precise than the loss's own gradient knows it.

    Raises `InputError` for a gradient that is zero or not finite.
    """
    x = np.asarray(loss.start if at is None else at, np.float64)
    gradient = _gradient(loss, x)
    v = np.asarray(gradient if direction is None else direction, np.float64)
    length = float(np.linalg.norm(v))
    if v.shape != x.shape or not np.isfinite(length) or length == 0:
        errors.bad("direction", v, f"shape {x.shape}, finite and not 0")
    v = v / length
    # L' = g . v
    true = float(gradient @ v) if slope is None else float(slope)
    if true == 0:
        errors.bad("direction", errors.Said("one along which the loss is flat"), "a slope")
    found = {
        form: np.array([abs(difference(loss, x, v, h, form=form) - true) for h in steps])
        / abs(true)
        for form in FORMS
    }
    return StepCurve(np.array(steps, np.float64), found, true, _precision(loss))


@dataclass(frozen=True)
class Row:
    """One direction of one array of weights.

    array: which of the network's arrays; shape: of it. along: "its gradient", or the number of a
    random direction. slope: by the gradient; difference: by two losses. noise: how far rounding
    alone may move the difference. error: |slope - difference| over the larger of both.
    agrees: whether the two differ by no more than a thousandth, or than rounding explains.
    """

    array: int
    shape: tuple[int, ...]
    along: str
    slope: float
    difference: float
    noise: float
    error: float
    agrees: bool


def check(
    loss: Loss,
    at: ArrayLike | None = None,
    *,
    form: str = CENTRAL,
    step: float | None = None,
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> list[Row]:
    """Compare a gradient with differences of its loss, array by array of a network's weights.

    at: `(n,)`, where; the loss's start if None. step: `best_step` of its precision if None.
    directions: at random in each array, beside the array's own gradient. seed: of them.

    One long vector of all weights would hide a wrong bias behind a large kernel. Kinks (ReLU, max
    pooling) within a step are no fault of a gradient, but look like one: check smooth networks, or
    read many directions. Raises `InputError` for a gradient that is not finite.
    """
    x = np.asarray(loss.start if at is None else at, np.float64)
    gradient = _gradient(loss, x)
    rounding = float(np.finfo(np.dtype(_precision(loss))).eps)
    h = best_step(_precision(loss), form) if step is None else float(step)
    value = abs(loss.value(x))
    rng = np.random.default_rng(int(errors.number("seed", seed, low=0, whole=True)))
    rows = []
    for number, (shape, part) in enumerate(_parts(loss, x)):
        ways = {"its gradient": gradient[part]} if np.any(gradient[part]) else {}
        ways |= {f"random {k}": rng.standard_normal(gradient[part].size) for k in range(directions)}
        for along, way in ways.items():
            v = np.zeros_like(x)
            v[part] = way / np.linalg.norm(way)
            slope, found = float(gradient @ v), difference(loss, x, v, h, form=form)
            # two losses, each rounded: e |L| / h
            noise = rounding * max(value, rounding) / h
            off = abs(slope - found)
            largest = max(abs(slope), abs(found), np.finfo(float).tiny)
            agrees = bool(off <= AGREE * largest + NOISE * noise)
            rows.append(Row(number, shape, along, slope, found, noise, off / largest, agrees))
    return rows


def in_precision(model: Any, precision: str) -> Any:
    """The same Keras network with the same weights in another float type, "float64" say.

    A loss must be told as well: Keras' loss objects round to float32 whatever they get, unless they
    are made with `dtype="float64"`.

    Raises `InputError` for what is no Keras model of layers.
    """
    from tracklab.quiet import keras

    errors.choice("precision", precision, ("float32", "float64"))
    if not isinstance(model, keras.Model) or not model.inputs:
        errors.bad("model", errors.kind(model), "a Keras model of layers, sequential or functional")

    def again(layer: Any) -> Any:
        return layer.__class__.from_config(layer.get_config() | {"dtype": precision})

    inputs = [
        keras.Input(
            batch_shape=each.shape, dtype=precision if "float" in each.dtype else each.dtype
        )
        for each in model.inputs
    ]
    other = keras.models.clone_model(
        model, input_tensors=inputs[0] if len(inputs) == 1 else inputs, clone_function=again
    )
    other.set_weights(model.get_weights())
    return other


def _gradient(loss: Loss, x: Floats) -> Floats:
    _, gradient = loss.value_and_gradient(x)
    if not np.isfinite(gradient).all():
        errors.bad("loss", errors.Said("a gradient that is not finite"), "a finite one")
    return gradient


def _precision(loss: Loss) -> str:
    """The type in which a loss is computed: a network's own, NumPy's otherwise."""
    kind = getattr(loss, "dtype", np.float64)
    return str(np.dtype(getattr(kind, "as_numpy_dtype", kind)))


def _parts(loss: Loss, x: Floats) -> list[tuple[tuple[int, ...], slice]]:
    """Shape and place of each of a network's arrays in the vector; of other losses, all in one."""
    arrays = getattr(loss, "arrays", None)
    shapes = [tuple(a.shape) for a in arrays(x)] if arrays is not None else [x.shape]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    return [
        (shape, slice(int(a), int(b)))
        for shape, a, b in zip(shapes, ends[:-1], ends[1:], strict=True)
    ]
