"""Gradient checks: both error regimes are there, right gradients pass, wrong ones are found."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors
from tracklab.models import classifier
from tracklab.optimizers import gradient_check as gc
from tracklab.optimizers.networks import NetworkLoss
from tracklab.optimizers.problems import Known, on_surface
from tracklab.optimizers.surfaces import rosenbrock
from tracklab.quiet import keras, tf

FORMS = gc.FORMS


def wave(factor=1.0, size=5):
    """sum of exp(sin(x + k)), smooth everywhere; its gradient times a factor."""
    shift = np.arange(size)

    def value_and_gradient(x):
        inner = np.exp(np.sin(x + shift))
        return inner.sum(), factor * np.cos(x + shift) * inner

    return Known(np.linspace(-1, 1, size), value_and_gradient)


def network(precision="float64", *, smooth=True, inputs=4):
    """Two convolutions on small pictures, with kinks or without."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(6, 8, 8, 3)), rng.integers(0, inputs, 6)
    bend = "tanh" if smooth else "relu"
    layers = keras.layers
    start = [keras.initializers.GlorotUniform(k) for k in range(3)]
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation=bend, kernel_initializer=start[0]),
            layers.AveragePooling2D(2) if smooth else layers.MaxPooling2D(2),
            layers.Conv2D(4, 2, activation=bend, kernel_initializer=start[1]),
            layers.Flatten(),
            layers.Dense(inputs, kernel_initializer=start[2]),
        ]
    )
    model = gc.in_precision(model, precision)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=precision)
    given = tf.constant(images, precision)
    return NetworkLoss(model, lambda net: loss(labels, net(given, training=False)))


def slope_of(steps, off):
    """How a line in a log-log picture rises."""
    return np.polyfit(np.log(steps), np.log(off), 1)[0]


@pytest.mark.parametrize("make", [wave, network])
def test_both_regimes_are_there_in_float64(make):
    curve = gc.step_curve(make())
    assert curve.precision == "float64"
    for form, power in (("forward", 1), ("central", 2)):
        off = curve.errors[form]
        best, least = curve.best(form)
        # truncation rises as h or h^2, until higher derivatives count
        right = (curve.steps > 30 * best) & (curve.steps < 0.02)
        assert slope_of(curve.steps[right], off[right]) == pytest.approx(power, abs=0.15)
        # rounding falls as 1 / h; single errors scatter, so through their decades' largest
        left = (curve.steps > 1e-13) & (curve.steps < best / 30)
        tops = np.array([off[left][k : k + 3].max() for k in range(0, left.sum() - 2, 3)])
        places = curve.steps[left][: 3 * len(tops) : 3]
        assert slope_of(places, tops) == pytest.approx(-1, abs=0.5)
        wanted = gc.best_step("float64", form)
        assert wanted / 100 < best < wanted * 100
        assert least < 1e-7
    assert curve.best("central")[1] < curve.best("forward")[1] / 10


def test_float32_has_its_best_step_later_and_is_worse_there():
    single, double = (gc.step_curve(network(p)) for p in ("float32", "float64"))
    assert single.precision == "float32"
    for form in FORMS:
        (h32, e32), (h64, e64) = single.best(form), double.best(form)
        assert h32 > 30 * h64
        assert e32 > 30 * e64
    np.testing.assert_allclose(single.slope, double.slope, rtol=1e-4)
    # from there on, both are wrong by the same bend
    late = double.steps > 0.05
    np.testing.assert_allclose(
        single.errors["central"][late], double.errors["central"][late], rtol=0.05
    )


def test_a_right_gradient_passes_and_every_wrong_array_is_found():
    for precision in ("float32", "float64"):
        problem = network(precision)
        rows = gc.check(problem)
        assert all(row.agrees for row in rows)
        assert {row.array for row in rows} == set(range(6))
        assert len(rows) == 6 * (1 + gc.DIRECTIONS)
        right = problem.value_and_gradient
        ends = np.cumsum([0, *(a.size for a in problem.arrays(problem.start))])
        for wrong in range(6):

            def spoilt(x, part=slice(ends[wrong], ends[wrong + 1]), right=right):
                value, gradient = right(x)
                gradient = gradient.copy()
                gradient[part] *= 1.02
                return value, gradient

            problem.value_and_gradient = spoilt
            found = gc.check(problem)
            assert not all(row.agrees for row in found if row.array == wrong)
            assert all(row.agrees for row in found if row.array != wrong)
        problem.value_and_gradient = right


@given(st.floats(0.5, 2).filter(lambda factor: abs(factor - 1) > 0.01))
def test_a_factor_is_found(factor):
    assert all(row.agrees for row in gc.check(wave()))
    rows = gc.check(wave(factor))
    assert not any(row.agrees for row in rows if row.along == "its gradient")
    (first,) = (row for row in rows if row.along == "its gradient")
    assert first.difference == pytest.approx(first.slope / factor, rel=1e-6)


def test_a_kink_looks_like_a_wrong_gradient():
    """Why checks want smooth networks: |x| a little beside its kink."""
    problem = Known([1e-3], lambda x: (abs(x[0]), np.sign(x)))
    assert all(row.agrees for row in gc.check(problem))
    assert not all(row.agrees for row in gc.check(problem, step=0.01))
    away = gc.check(problem, step=0.01, form="forward")[0]
    assert away.along == "its gradient"
    assert away.agrees, "away from the kink it is straight"


def test_the_kinks_of_relu_and_max_pooling_are_seen():
    smooth, kinked = (gc.step_curve(network(smooth=s)) for s in (True, False))
    at = np.argmin(np.abs(smooth.steps - 1e-2))
    assert kinked.errors["central"][at] > 5 * smooth.errors["central"][at]


def test_forward_and_central_are_their_formulas():
    surface = on_surface(rosenbrock())
    x, v = np.array([0.3, -0.2]), np.array([1.0, 2.0])
    f = rosenbrock().value
    assert gc.difference(surface, x, v, 0.1, form="forward") == pytest.approx(
        (f(x + 0.1 * v) - f(x)) / 0.1
    )
    assert gc.difference(surface, x, v, 0.1) == pytest.approx(
        (f(x + 0.1 * v) - f(x - 0.1 * v)) / 0.2
    )
    # a polynomial of degree 4 has no other error than these
    exact = rosenbrock().gradient(x) @ v
    off = [gc.difference(surface, x, v, h) - exact for h in (1e-2, 2e-2)]
    assert off[1] / off[0] == pytest.approx(4, rel=1e-3)


def test_a_table_is_tidy():
    curve = gc.step_curve(wave(), steps=[1e-3, 1e-2])
    rows = curve.rows()
    assert len(rows) == 4
    assert rows[0] == {
        "precision": "float64",
        "form": "forward",
        "step": 1e-3,
        "error": float(curve.errors["forward"][0]),
    }


def test_another_direction_and_a_known_slope():
    problem = wave()
    x = problem.start
    way = np.array([0, 0, 2.0, 0, 0])
    curve = gc.step_curve(problem, direction=way)
    assert curve.slope == pytest.approx(problem.value_and_gradient(x)[1][2])
    off = gc.step_curve(problem, direction=way, slope=2 * curve.slope)
    at = int(np.argmin(np.abs(off.steps - gc.best_step("float64"))))
    assert off.errors["central"][at] == pytest.approx(0.5, abs=1e-6)


def test_the_same_network_in_another_precision():
    model = classifier.article("logits", smooth=True, side=18, seed=3)
    twin = gc.in_precision(model, "float64")
    assert {v.dtype for v in twin.trainable_variables} == {"float64"}
    for ours, theirs in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype(np.float64))
    images = np.random.default_rng(0).integers(0, 255, (3, 18, 18, 3)).astype(np.float64)
    a, b = twin(tf.constant(images)), model(tf.constant(images, tf.float32))
    assert a.dtype == tf.float64
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_bad_input():
    flat = Known([1.0, 1.0], lambda x: (0.0, 0 * x))
    nan = Known([1.0], lambda x: (0.0, np.full(1, np.nan)))
    for call, said in (
        (lambda: gc.step_curve(flat), "direction"),
        (lambda: gc.step_curve(nan), "loss: got a gradient that is not finite"),
        (lambda: gc.check(nan), "loss"),
        (lambda: gc.step_curve(wave(), direction=np.ones(3)), "direction"),
        (lambda: gc.difference(wave(), np.ones(5), np.ones(5), 0), "step"),
        (lambda: gc.difference(wave(), np.ones(5), np.ones(5), 0.1, form="backward"), "form"),
        (lambda: gc.in_precision(keras.layers.Dense(1), "float64"), "model"),
        (lambda: gc.in_precision(None, "float16"), "precision"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()
    assert doctest.testmod(gc).failed == 0
