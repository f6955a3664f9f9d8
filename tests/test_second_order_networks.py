"""Second order on real networks: products both ways, Jacobians, spectra, Shampoo, the tasks."""

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg

from tracklab import errors
from tracklab.optimizers import (
    baseline,
    derivatives,
    hutchinson,
    lanczos,
    lbfgs,
    levenberg_marquardt,
    networks,
    newton_cg,
    problems,
    results,
    shampoo,
    tasks,
)
from tracklab.quiet import keras, tf

Limits = results.Limits


def data(count=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 3))
    return x, np.stack([np.sin(x[:, 0] * x[:, 1]), x[:, 2] ** 2 / 2], -1)


def regression(way=derivatives.REVERSE, units=6):
    return networks.NetworkResiduals(tasks.regressor(3, units=units), *data(), way=way)


@pytest.fixture(scope="module")
def small():
    return regression()


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (24, 16, 16, 3)).astype(np.uint8)
    return tasks.classifier(pixels, rng.integers(0, 4, 24), widths=(4, 6))


@pytest.fixture(scope="module")
def filter_():
    return tasks.motion_network("rnn", units=3, count=6, frames=4)


def pair(problem, seed=1):
    rng = np.random.default_rng(seed)
    return problem.start + 0.05 * rng.standard_normal(problem.size), *rng.standard_normal(
        (2, problem.size)
    )


class TestProducts:
    def test_gradient_against_differences(self, small):
        x, _, _ = pair(small)
        _, gradient = small.value_and_gradient(x)
        off = scipy.optimize.approx_fprime(x, small.value, 1e-7)
        np.testing.assert_allclose(gradient, off, atol=1e-6)

    def test_both_ways_differences_and_the_matrix_agree(self, small):
        x, v, w = pair(small)
        other = regression(derivatives.FORWARD)
        found = small.product(x, v)
        np.testing.assert_allclose(other.product(x, v), found, atol=1e-12)
        checked = derivatives.differenced(lambda z: small.value_and_gradient(z)[1], x, v)
        np.testing.assert_allclose(found, checked, atol=1e-6 * np.abs(found).max())
        hessian = small.hessian(x)
        np.testing.assert_allclose(hessian @ v, found, atol=1e-10)
        np.testing.assert_array_equal(hessian, hessian.T)
        # not only after it was made symmetric
        assert v @ small.product(x, w) == pytest.approx(w @ found, rel=1e-10)

    def test_differences_have_two_kinds_of_error(self, small):
        x, v, _ = pair(small)
        exact = small.product(x, v)

        def off(step):
            found = derivatives.differenced(lambda z: small.value_and_gradient(z)[1], x, v, step)
            return np.linalg.norm(found - exact) / np.linalg.norm(exact)

        coarse, finer, best, rounding = (off(step) for step in (1e-1, 1e-2, 1e-4, 1e-11))
        # the error of a central difference falls with the square of the step
        assert finer < coarse / 50
        assert best < finer / 100
        assert rounding > 100 * best
        assert (derivatives.differenced(lambda z: z, x, 0 * v) == 0).all()

    @pytest.mark.parametrize("name", ["images", "filter_"])
    def test_in_float32_through_convolutions_and_time(self, name, request):
        problem = request.getfixturevalue(name)
        problem = getattr(problem, "problem", problem)
        x, v, w = pair(problem)
        found = problem.product(x, v)
        assert v @ problem.product(x, w) == pytest.approx(w @ found, rel=1e-3, abs=1e-4)
        checked = derivatives.differenced(lambda z: problem.value_and_gradient(z)[1], x, v, 1e-3)
        assert np.linalg.norm(found - checked) < 0.02 * np.linalg.norm(found)

    def test_forward_over_reverse_through_convolutions_too(self, images):
        problem = images.problem
        x, v, _ = pair(problem)
        other = networks.NetworkLoss(problem.model, problem._given, way=derivatives.FORWARD)
        np.testing.assert_allclose(other.product(x, v), problem.product(x, v), atol=1e-4, rtol=1e-3)

    def test_prices_are_in_gradients(self, small):
        found = derivatives.prices(small, ("values", "products", "jacobians"), timings=3)
        assert found["gradients"] == 1
        assert set(found) == {"gradients", "values", "products", "jacobians"}
        assert all(price > 0 for price in found.values())


class TestFlatWeights:
    def test_the_loss_is_the_networks_and_no_question_changes_it(self, small):
        x, v, _ = pair(small)
        before = small.weights()
        inputs, targets = data()
        said = small.model(inputs).numpy()
        assert small.value(small.start) == pytest.approx(((said - targets) ** 2).sum() / 80)
        small.value_and_gradient(x), small.product(x, v), small.residuals_and_jacobian(x)
        np.testing.assert_array_equal(small.weights(), before)

    def test_assigned_weights_are_the_ones_asked_about(self):
        problem = regression()
        x, _, _ = pair(problem)
        problem.assign(x)
        np.testing.assert_allclose(problem.weights(), x)
        assert float(problem._given(problem.model)) == pytest.approx(problem.value(x))
        parts = problem.arrays(x)
        np.testing.assert_array_equal(np.concatenate([p.ravel() for p in parts]), x)
        assert [p.shape for p in parts] == [tuple(v.shape) for v in problem.variables]

    def test_what_batch_normalization_would_write_is_not_written(self):
        given = keras.Input((3,))
        x = keras.layers.BatchNormalization()(keras.layers.Dense(4)(given))
        model = keras.Model(given, x)
        inputs = tf.constant(data()[0], tf.float32)
        problem = networks.NetworkLoss(
            model, lambda net: tf.reduce_mean(net(inputs, training=True)[:, 0] ** 3)
        )
        kept = [v.numpy().copy() for v in model.non_trainable_variables]
        x, v, _ = pair(problem)
        problem.product(x, v)
        problem.value_and_gradient(x)
        for before, variable in zip(kept, model.non_trainable_variables, strict=True):
            np.testing.assert_array_equal(before, variable.numpy())

    def test_jacobian_is_the_derivative_of_the_residuals(self, small):
        x, v, _ = pair(small)
        residuals, jacobian = small.residuals_and_jacobian(x)
        value, gradient = small.value_and_gradient(x)
        assert residuals @ residuals / 2 == pytest.approx(value)
        np.testing.assert_allclose(jacobian.T @ residuals, gradient, atol=1e-12)
        ends = [small.residuals_and_jacobian(x + s * 1e-6 * v)[0] for s in (1, -1)]
        np.testing.assert_allclose(jacobian @ v, (ends[0] - ends[1]) / 2e-6, atol=1e-7)

    def test_gauss_newton_is_the_hessian_where_residuals_vanish(self):
        model = tasks.regressor(3, units=4)
        inputs, _ = data()
        problem = networks.NetworkResiduals(model, inputs, model(inputs).numpy())
        _, jacobian = problem.residuals_and_jacobian(problem.start)
        hessian = problem.hessian(problem.start)
        np.testing.assert_allclose(jacobian.T @ jacobian, hessian, atol=1e-10)

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            (lambda: networks.NetworkResiduals(tasks.regressor(3), *data(0)), "targets"),
            (
                lambda: networks.NetworkResiduals(tasks.regressor(3), data()[0], data(9)[1]),
                "targets",
            ),
            (
                lambda: networks.NetworkLoss(tasks.regressor(3), lambda m: m(data()[0])),
                "one number",
            ),
            (
                lambda: networks.NetworkLoss(
                    keras.Sequential([keras.Input((3,)), keras.layers.ReLU()]), lambda m: 0.0
                ),
                "no weights",
            ),
            (lambda: regression("sideways"), "way"),
            (lambda: regression().arrays(np.zeros(3)), "x"),
            (lambda: tasks.classifier(np.zeros((0, 8, 8, 3)), []), "images"),
            (lambda: tasks.motion_network(frames=2), "frames"),
            (lambda: tasks.motion_network("cnn"), "kind"),
            (lambda: derivatives.prices(regression(), ("miles",)), "question"),
        ],
    )
    def test_bad_input(self, call, said):
        with pytest.raises(errors.InputError, match=said):
            call()

    def test_a_whole_hessian_has_a_size_that_is_too_large(self, monkeypatch):
        monkeypatch.setattr(networks, "LARGEST_HESSIAN", 10)
        with pytest.raises(errors.InputError, match="products"):
            regression().hessian(np.zeros(38))


class TestSpectrum:
    def test_lanczos_on_a_network_is_numpys_and_scipys(self, small):
        x, _, _ = pair(small)
        exact = np.linalg.eigvalsh(small.hessian(x))
        found = lanczos.spectrum(lambda v: small.product(x, v), small.size, steps=small.size)
        np.testing.assert_allclose(found, exact, atol=1e-9)
        operator = scipy.sparse.linalg.LinearOperator(
            (small.size, small.size), matvec=lambda v: small.product(x, v.ravel()), dtype=float
        )
        theirs = scipy.sparse.linalg.eigsh(operator, 3, which="LA", return_eigenvectors=False)
        few = lanczos.spectrum(lambda v: small.product(x, v), small.size, steps=25)
        np.testing.assert_allclose(few[-3:], np.sort(theirs), rtol=1e-5)
        least = lanczos.smallest(lambda v: small.product(x, v), small.size, steps=small.size)
        assert least.value == pytest.approx(exact[0], abs=1e-9)

    def test_trace_and_density(self, small):
        x, _, _ = pair(small)
        exact = np.linalg.eigvalsh(small.hessian(x))
        trace = hutchinson.trace(lambda v: small.product(x, v), small.size, samples=400)
        assert trace == pytest.approx(exact.sum(), rel=0.1)
        density = lanczos.density(
            lambda v: small.product(x, v), small.size, starts=20, steps=small.size
        )
        assert density.moment(2) == pytest.approx((exact**2).mean(), rel=0.15)


class TestMethods:
    def test_levenberg_marquardt_goes_lower_than_adam_does_in_ten_times_the_gradients(self):
        problem = regression(units=12)
        ours = levenberg_marquardt.levenberg_marquardt(problem, limits=Limits(steps=60))
        theirs = baseline.first_order(
            problem, keras.optimizers.Adam(1e-2), limits=Limits(steps=600), every=100
        )
        assert ours.loss < theirs.loss / 5

    def test_lbfgs_on_a_network_is_scipys_minimum_or_lower(self):
        problem = regression()
        ours = lbfgs.lbfgs(problem, limits=Limits(steps=150))
        theirs = scipy.optimize.minimize(
            problem._value_and_gradient,
            problem.start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 150, "ftol": 0, "gtol": 1e-8},
        )
        assert ours.loss < 1.5 * theirs.fun

    def test_newton_cg_on_a_network_only_descends(self, images):
        result = newton_cg.newton_cg(images.problem, inner=8, limits=Limits(steps=4))
        assert (np.diff(result["loss"]) < 0).all()
        assert result["products"][-1] > 0
        assert result["hessians"][-1] == 0

    def test_saddles_of_a_network_are_left(self):
        # all weights zero: nothing the first layer says is heard, and no gradient tells it
        problem = networks.NetworkResiduals(
            tasks.regressor(3), data()[0], data()[0][:, :2] * data()[0][:, 1:]
        )
        zero = np.zeros(problem.size)
        stays = lbfgs.lbfgs(problem, zero, limits=Limits(gradient=1e-9, steps=50))
        leaves = newton_cg.newton_cg(problem, zero, limits=Limits(gradient=1e-9, steps=50))
        assert leaves.loss < stays.loss


class TestBaseline:
    def test_it_is_keras_own_training(self):
        problem = regression()
        result = baseline.first_order(
            problem, keras.optimizers.Adam(0.01), limits=Limits(steps=30), every=10
        )
        np.testing.assert_array_equal(result["step"], [0, 10, 20, 30])
        np.testing.assert_array_equal(result["gradients"], [0, 10, 20, 30])
        np.testing.assert_array_equal(problem.weights(), problem.start)
        # by hand
        model, optimizer = tasks.regressor(3, units=6), keras.optimizers.Adam(0.01)
        inputs, targets = data()
        for _ in range(30):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum((model(inputs) - targets) ** 2) / 80
            optimizer.apply(
                tape.gradient(loss, model.trainable_variables), model.trainable_variables
            )
        weights = np.concatenate([v.numpy().ravel() for v in model.trainable_variables])
        np.testing.assert_allclose(result.x, weights, atol=1e-9)

    def test_batches_count_as_their_share(self, images):
        result = baseline.first_order(
            images.problem,
            keras.optimizers.SGD(0.05),
            batch_loss=images.batch_loss,
            examples=images.examples,
            batch_size=6,
            every=4,
            limits=Limits(steps=10),
        )
        np.testing.assert_allclose(result["gradients"], [0, 1, 2, 2.5])
        assert result["loss"][-1] != result["loss"][0]
        with pytest.raises(errors.InputError, match="batch_size"):
            baseline.first_order(
                images.problem, keras.optimizers.SGD(), batch_loss=images.batch_loss
            )

    def test_a_schedule_ends_where_it_says_and_divergence_is_said(self):
        problem = regression()
        optimizer, seen = keras.optimizers.SGD(1.0), []

        def falling(progress):
            seen.append(progress)
            return 1 - progress

        baseline.first_order(
            problem, optimizer, schedule=falling, limits=Limits(steps=40), every=10
        )
        np.testing.assert_allclose(seen, [0, 0.25, 0.5, 0.75])
        assert float(optimizer.learning_rate.numpy()) == 1.0
        wild = baseline.first_order(problem, keras.optimizers.SGD(1e6), limits=Limits(steps=100))
        assert wild.stopped == results.DIVERGED
        assert np.isfinite(wild.loss)
        np.testing.assert_array_equal(problem.weights(), problem.start)


class TestShampoo:
    def test_it_does_what_numpy_does(self):
        rng = np.random.default_rng(0)
        start = rng.standard_normal((5, 3)).astype(np.float32)
        variable = keras.Variable(start)
        optimizer = shampoo.Shampoo(0.1, momentum=0.9, memory=0.8, every=1)
        weights, velocity = start.astype(np.float64), np.zeros((5, 3))
        left, right = np.zeros((5, 5)), np.zeros((3, 3))

        def root(matrix):
            values, vectors = np.linalg.eigh(matrix)
            lifted = np.maximum(values, 0) + shampoo.FLOOR * values[-1]
            return (vectors * lifted**-0.25) @ vectors.T

        for _ in range(4):
            g = rng.standard_normal((5, 3)).astype(np.float32)
            optimizer.apply([tf.constant(g)], [variable])
            left, right = 0.8 * left + 0.2 * g @ g.T, 0.8 * right + 0.2 * g.T @ g
            step = root(left) @ g @ root(right)
            step *= np.linalg.norm(g) / np.linalg.norm(step)
            velocity = 0.9 * velocity + step
            weights = weights - 0.1 * velocity
        np.testing.assert_allclose(variable.numpy(), weights, atol=2e-3)

    def test_roots_are_taken_every_few_steps_only(self):
        variable = keras.Variable(np.ones((4, 2), np.float32))
        optimizer = shampoo.Shampoo(0.1, every=3)
        roots = []
        for k in range(5):
            optimizer.apply([tf.random.stateless_normal((4, 2), (k, 1))], [variable])
            roots.append(optimizer._roots[0][0].numpy().copy())
        np.testing.assert_array_equal(roots[0], roots[2])
        assert not np.allclose(roots[2], roots[3])
        np.testing.assert_array_equal(roots[3], roots[4])

    def test_one_axis_and_large_sides_take_plain_steps(self):
        bias = keras.Variable(np.zeros(3, np.float32))
        tall = keras.Variable(np.zeros((shampoo.LARGEST + 1, 1), np.float32))
        optimizer = shampoo.Shampoo(0.5, momentum=0.0)
        gradients = [np.ones(3, np.float32), np.ones(tall.shape, np.float32)]
        optimizer.apply([tf.constant(g) for g in gradients], [bias, tall])
        np.testing.assert_allclose(bias.numpy(), -0.5)
        np.testing.assert_allclose(tall.numpy(), -0.5, rtol=1e-4)

    def test_on_a_badly_scaled_layer_it_is_ahead_of_sgd(self):
        rng = np.random.default_rng(0)
        inputs = rng.standard_normal((200, 10)) * np.geomspace(1, 0.03, 10)
        targets = inputs @ rng.standard_normal((10, 2)) / np.geomspace(1, 0.03, 2)
        problem = networks.NetworkResiduals(
            keras.Sequential([keras.Input((10,)), keras.layers.Dense(2)]), inputs, targets
        )

        def best(make):
            runs = [
                baseline.first_order(problem, make(rate), limits=Limits(steps=100), every=100)
                for rate in (0.003, 0.03, 0.3)
            ]
            return min(run.loss for run in runs)

        plain = best(lambda rate: keras.optimizers.SGD(rate, momentum=0.9))
        assert best(shampoo.Shampoo) < 0.7 * plain

    def test_options(self):
        made = shampoo.Shampoo(0.1, momentum=0.5, memory=0.9, every=7)
        again = shampoo.Shampoo.from_config(made.get_config())
        assert (again.momentum, again.memory, again.every) == (0.5, 0.9, 7)
        for wrong in ({"momentum": 2}, {"memory": -1}, {"every": 0}):
            with pytest.raises(errors.InputError, match=next(iter(wrong))):
                shampoo.Shampoo(**wrong)


class TestTasks:
    def test_tracks_are_what_they_say(self):
        train, test = tasks.tracks(200)
        assert train.inputs.shape == test.inputs.shape == (200, 6)
        assert train.targets.shape == (200, 2)
        np.testing.assert_allclose([*train.inputs.std(0), *train.targets.std(0)], 1)
        np.testing.assert_allclose(train.inputs.mean(0), 0, atol=1e-12)
        again, _ = tasks.tracks(200)
        np.testing.assert_array_equal(train.inputs, again.inputs)
        assert not np.allclose(train.inputs, tasks.tracks(200, noise=0.05)[0].inputs)
        # the answer is in what is seen: a nonlinear function of it, as no line has
        a = np.c_[train.inputs, np.ones(200)]
        line = np.linalg.lstsq(a, train.targets, rcond=None)[0]
        assert 0.002 < ((a @ line - train.targets) ** 2).mean() < 0.1

    def test_the_same_arguments_give_the_same_problem(self):
        for make in (lambda: tasks.velocity(50), lambda: tasks.bowl(5), tasks.rosenbrock_valley):
            one, two = make(), make()
            np.testing.assert_array_equal(one.start, two.start)
            assert one.value(one.start) == two.value(two.start)
            assert isinstance(one, problems.Problem)

    def test_known_minima(self):
        bowl = tasks.bowl(20, 100.0)
        np.testing.assert_allclose(
            np.linalg.eigvalsh(bowl.hessian(bowl.start))[[0, -1]], [1, 100], rtol=1e-9
        )
        valley = tasks.rosenbrock_valley(6)
        assert valley.value(np.ones(6)) == 0
