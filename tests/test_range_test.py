"""Learning-rate range tests: where theory knows the limit, and that nothing is changed by one."""

import numpy as np
import pytest

from tracklab import errors, training
from tracklab.optimizers.plugged import plugged
from tracklab.optimizers.range_test import FIRST, range_test
from tracklab.quiet import keras, tf

CURVATURES = np.array([4.0, 1.0, 0.25])


class Bowl:
    """One weight a curvature; L = sum c w^2 / 2: gradient descent bears 2 / max(c)."""

    built = True
    losses = ()

    def __init__(self, start=1.0):
        self.w = tf.Variable(np.full(3, start), dtype=tf.float32)
        self.variables = self.trainable_variables = [self.w]


class Whenever:
    """Batches that say nothing, or noise."""

    steps_per_epoch = 10.0

    def __init__(self, noise=0.0):
        self.noise = noise

    def batch(self, step, progress):
        drawn = np.random.default_rng([7, step]).normal() * self.noise
        return (np.float32(drawn),)


def bowl_loss(model, batch):
    return {"loss": tf.reduce_sum(CURVATURES * model.w**2) / 2 + batch[0]}


def measured(model=None, noise=0.0, **options):
    settings = {"objective": bowl_loss, "low": 1e-3, "high": 100.0, "steps": 120, "smoothing": 0.5}
    return range_test(model or Bowl(), Whenever(noise), **(settings | options))


def test_it_finds_the_rate_that_a_bowl_bears():
    found = measured(optimizer=plugged("sgd"))
    assert found.diverged
    limit = 2 / CURVATURES.max()
    # it grows from the limit on, but from next to nothing
    assert limit / 3 < found.lowest < 10 * limit
    assert found.steepest < found.lowest
    assert limit < found.rates[-1] < 20 * limit
    np.testing.assert_allclose(
        found.rates, 1e-3 * 1e5 ** (np.arange(len(found.rates)) / 119), rtol=1e-9
    )
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 120


def test_losses_are_those_of_gradient_descent_at_these_rates():
    found = measured(optimizer=plugged("sgd"))
    w = np.ones(3)
    for rate, loss in zip(found.rates, found.losses, strict=True):
        assert loss == pytest.approx(np.sum(CURVATURES * w**2) / 2, rel=1e-4)
        w -= rate * CURVATURES * w


def test_nothing_is_changed():
    model = Bowl(0.7)
    optimizer = plugged("adam", 0.5)
    optimizer.build(model.variables)
    before = [v.numpy() for v in (*model.variables, *optimizer.variables)]
    first = measured(model, optimizer=optimizer)
    after = [v.numpy() for v in (*model.variables, *optimizer.variables)]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    again = measured(model, optimizer=optimizer)
    np.testing.assert_array_equal(first.losses, again.losses)


def test_noise_of_batches_is_not_divergence():
    """A loss that is all noise, as the losses of different batches are, ends nothing early."""
    found = measured(noise=5.0, low=1e-9, high=1e-7)
    assert not found.diverged
    assert len(found.rates) == 120
    # and divergence is seen through noise
    assert measured(noise=0.5).diverged


def test_watching_the_same_examples_sees_through_the_noise_of_batches():
    model = Bowl()

    def watch():
        return float(bowl_loss(model, (0.0,))["loss"])

    loud = {"noise": 1e3, "optimizer": plugged("sgd"), "smoothing": None}
    found = measured(model, watch=watch, **loud)
    quiet = measured(model, optimizer=plugged("sgd"), smoothing=0.0)
    np.testing.assert_allclose(found.losses, quiet.losses, rtol=1e-5)
    np.testing.assert_array_equal(found.losses, found.smoothed)


def test_a_loss_below_zero_may_fall_further():
    def objective(model, batch):
        return {"loss": bowl_loss(model, batch)["loss"] - 50.0}

    assert not measured(objective=objective, high=0.3).diverged


def test_a_keras_network_by_its_loss():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [2.0], [-1.0]], np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    data = training.Batches(x, y, 16)
    found = range_test(model, data, loss="mean_squared_error", high=100.0, steps=60, name="mine")
    assert found.diverged
    assert found.name == "mine"
    assert 0.01 < found.lowest < 10
    rows = found.rows()
    assert rows[3] == {
        "rate": found.rates[3],
        "loss": found.losses[3],
        "smoothed": found.smoothed[3],
    }


def test_an_objective_that_draws_gets_seeds():
    def objective(model, batch, seed):
        drawn = tf.random.stateless_normal((), seed)
        return {"loss": bowl_loss(model, batch)["loss"] + drawn}

    one, same, other = (measured(objective=objective, high=0.01, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.losses, same.losses)
    assert (one.losses[:FIRST] != other.losses[:FIRST]).all()


def test_bad_input():
    data = Whenever()
    for call, said in (
        (lambda: range_test(Bowl(), data), "loss, objective: got neither"),
        (lambda: measured(loss="mse"), "loss, objective: got both"),
        (lambda: measured(low=0.0), "low"),
        (lambda: measured(low=1.0, high=0.5), "high"),
        (lambda: measured(steps=1), "steps"),
        (lambda: range_test(Bowl(), [1], objective=bowl_loss), "data"),
        (lambda: measured(low=1e30, high=1e31), "low: got a loss that is not finite at rate"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()
