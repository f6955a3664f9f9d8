"""Second-order methods against SciPy and in closed form: steps, paths, counts, and bad input."""

import types

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors
from tracklab.optimizers import (
    damped_newton,
    descent,
    gauss_newton,
    hutchinson,
    lanczos,
    lbfgs,
    levenberg_marquardt,
    line_search,
    newton,
    newton_cg,
    problems,
    results,
    surfaces,
)

Limits = results.Limits
SEEDS = st.integers(0, 2**31 - 1)


def valley(size=10):
    return problems.Known(
        np.resize([-1.2, 1.0], size),
        lambda x: (scipy.optimize.rosen(x), scipy.optimize.rosen_der(x)),
        hessian=scipy.optimize.rosen_hess,
    )


def matrix(size, seed, low=0.5, high=50.0):
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.standard_normal((size, size)))[0]
    a = (turned * rng.uniform(low, high, size)) @ turned.T
    return (a + a.T) / 2


def bowl(size, seed=0, **ends):
    a = matrix(size, seed, **ends)
    b = np.random.default_rng(seed + 1).standard_normal(size)
    return problems.Known(
        np.ones(size), lambda x: (x @ a @ x / 2 - b @ x, a @ x - b), hessian=lambda x: a
    )


def least_squares(seed=0, count=40, noise=0.0):
    """An exponential and a wave, y = a exp(-b t) + c sin(d t), with its Jacobian."""
    t = np.linspace(0, 3, count)
    true = np.array([2.0, 1.2, 0.7, 3.0])
    y = true[0] * np.exp(-true[1] * t) + true[2] * np.sin(true[3] * t)
    y = y + noise * np.random.default_rng(seed).standard_normal(count)

    def both(x):
        with np.errstate(all="ignore"):
            fall, wave = np.exp(-x[1] * t), np.sin(x[3] * t)
            jacobian = [fall, -x[0] * t * fall, wave, x[2] * t * np.cos(x[3] * t)]
            return x[0] * fall + x[2] * wave - y, np.stack(jacobian, -1)

    return problems.Known([1.0, 1.0, 1.0, 2.6], residuals_and_jacobian=both), both


EVERY = {name: (lambda name=name: surfaces.create(name)) for name in surfaces.SURFACES}
METHODS = {
    "newton": newton.newton,
    "damped newton": damped_newton.damped_newton,
    "l-bfgs": lbfgs.lbfgs,
    "newton-cg": newton_cg.newton_cg,
}
SAFE = ("damped newton", "l-bfgs", "newton-cg")


@pytest.mark.parametrize("method", ["newton", "damped newton"])
@given(seed=SEEDS, size=st.integers(1, 12))
@settings(max_examples=25)
def test_one_step_of_newton_solves_a_quadratic(method, seed, size):
    problem = bowl(size, seed)
    result = METHODS[method](problem, limits=Limits(steps=1, gradient=0))
    a, b = problem.hessian(problem.start), -problem.value_and_gradient(np.zeros(size))[1]
    # a damping of 1e-8 of the largest curvature is not Newton's step to the last digit
    np.testing.assert_allclose(result.x, np.linalg.solve(a, b), atol=1e-5)


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize("name", EVERY)
def test_safe_methods_reach_a_minimum_of_every_surface(name, method):
    surface = EVERY[name]()
    result = METHODS[method](problems.on_surface(surface))
    assert result.stopped == results.CONVERGED
    off = np.linalg.norm(surface.minima - result.x, axis=1).min()
    assert off < 1e-4
    assert (np.diff(result["loss"]) <= 0).all()
    reference = scipy.optimize.minimize(
        surface.value, surface.start, jac=surface.gradient, method="BFGS", options={"gtol": 1e-9}
    )
    assert result.loss <= reference.fun + 1e-10


def test_near_a_minimum_newton_doubles_its_digits():
    surface = surfaces.himmelblau()
    result = newton.newton(problems.on_surface(surface), [3.4, 2.3])
    off = np.linalg.norm(result.path - surface.minima[0], axis=1)
    # e' <= C e^2
    ratios = off[1:] / off[:-1] ** 2
    assert result.stopped == results.CONVERGED
    assert off[-1] < 1e-11
    assert len(result) <= 6
    assert ratios[:-1].max() < 1


def test_newton_without_safeguard_finds_saddles_and_maxima_and_says_so():
    for name in ("saddle", "himmelblau", "beale"):
        surface = surfaces.create(name)
        result = newton.newton(problems.on_surface(surface))
        assert result.stopped == results.SADDLE, name
        np.testing.assert_allclose(surface.gradient(result.path[-1]), 0, atol=1e-8)
        assert np.linalg.eigvalsh(surface.hessian(result.path[-1])).min() < 0
        assert "no minimum" in result.why
    climbed = newton.newton(problems.on_surface(surfaces.himmelblau()))["loss"]
    assert climbed[-1] > climbed[0]


@pytest.mark.parametrize("method", ["damped newton", "newton-cg"])
def test_who_knows_the_curvature_leaves_a_saddle(method):
    surface = surfaces.saddle()
    result = METHODS[method](problems.on_surface(surface, [0.0, 0.0]))
    assert result.stopped == results.CONVERGED
    np.testing.assert_allclose(np.abs(result.x), [0, 1], atol=1e-6)
    # who only knows slopes stays
    for stuck in (lbfgs.lbfgs, newton.newton):
        stays = stuck(problems.on_surface(surface, [0.0, 0.0]))
        np.testing.assert_array_equal(stays.x, 0)
        assert len(stays) == 0


def test_a_saddle_without_a_step_left_is_called_one():
    problem = problems.on_surface(surfaces.saddle(), [0.0, 0.0])
    assert newton.newton(problem).stopped == results.SADDLE
    assert newton_cg.newton_cg(problem, limits=Limits(steps=0)).stopped == results.SADDLE


def test_a_singular_hessian():
    def flat(x):
        return x[0] ** 4, np.array([4 * x[0] ** 3, 0.0])

    problem = problems.Known(
        [1.0, 1.0], flat, hessian=lambda x: np.array([[12 * x[0] ** 2, 0], [0, 0.0]])
    )
    stopped = newton.newton(problem)
    assert stopped.stopped == results.SINGULAR
    assert "damping" in stopped.why
    for method in SAFE:
        result = METHODS[method](problem, limits=Limits(gradient=1e-6))
        assert result.stopped == results.CONVERGED
        assert result.loss < 1e-7


@pytest.mark.parametrize("rate", [0.3, 3.0])
def test_a_rate_that_diverges_is_said_and_the_best_point_kept(rate):
    surface = surfaces.quadratic(20)
    result = descent.gradient_descent(problems.on_surface(surface), rate)
    assert result.stopped == results.DIVERGED
    assert "smaller rate" in result.why
    assert result.loss == result["loss"].min() == surface.value(result.x)
    assert len(result) < 100


@pytest.mark.parametrize("condition", [10.0, 100.0])
def test_gradient_descent_needs_steps_as_the_condition_says(condition):
    surface = surfaces.quadratic(condition)
    best = 2 / (1 + condition)
    result = descent.gradient_descent(problems.on_surface(surface), best, limits=Limits(steps=5000))
    off = np.linalg.norm(result.path - surface.minima[0], axis=1)
    # |e'| <= (k - 1) / (k + 1) |e|
    kept = (condition - 1) / (condition + 1)
    assert (off <= off[0] * kept ** np.arange(len(off)) * (1 + 1e-6) + 1e-9).all()
    assert descent.gradient_descent(problems.on_surface(surface), 2.01 / condition).stopped != (
        results.CONVERGED
    )


@pytest.mark.parametrize("method", [*METHODS, "levenberg-marquardt", "gauss-newton"])
def test_a_loss_that_is_no_number_ends_the_run(method):
    calls = []

    def broken(x):
        calls.append(1)
        if len(calls) > 2:
            return np.nan, np.full(2, np.nan)
        return float(x @ x), 2 * x

    def broken_residuals(x):
        calls.append(1)
        return (x if len(calls) < 2 else x * np.nan), np.eye(2)

    problem = problems.Known(
        [1.0, 2.0],
        broken,
        hessian=lambda x: 1e-3 * np.eye(2),
        residuals_and_jacobian=broken_residuals,
    )
    least = {
        "levenberg-marquardt": levenberg_marquardt.levenberg_marquardt,
        "gauss-newton": gauss_newton.gauss_newton,
    }
    result = (METHODS | least)[method](problem, limits=Limits(steps=20, gradient=0))
    assert result.stopped in (results.DIVERGED, results.STUCK)
    assert np.isfinite(result.loss)
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize("method", [*METHODS, "levenberg-marquardt", "gauss-newton", "descent"])
@pytest.mark.parametrize("worth", [np.nan, np.inf])
def test_a_start_without_a_loss_is_said_at_once(method, worth):
    problem = problems.Known(
        [1.0, 2.0],
        lambda x: (worth, x * worth),
        hessian=lambda x: np.eye(2),
        residuals_and_jacobian=lambda x: (x * worth, np.eye(2)),
    )
    others = {
        "levenberg-marquardt": levenberg_marquardt.levenberg_marquardt,
        "gauss-newton": gauss_newton.gauss_newton,
        "descent": lambda problem: descent.gradient_descent(problem, 0.1),
    }
    result = (METHODS | others)[method](problem)
    assert result.stopped == results.DIVERGED
    assert len(result) == 0
    assert np.isnan(result.loss)
    np.testing.assert_array_equal(result.x, [1, 2])


class TestLineSearch:
    @given(seed=SEEDS, start=st.sampled_from(list(EVERY)), length=st.floats(1e-3, 30))
    def test_wolfe_keeps_its_conditions(self, seed, start, length):
        surface = EVERY[start]()
        problem = problems.on_surface(surface)
        x = np.random.default_rng(seed).uniform(-2, 2, 2)
        loss, gradient = problem.value_and_gradient(x)
        if np.abs(gradient).max() < 1e-6:
            return
        direction = -gradient / np.linalg.norm(gradient)
        found = line_search.wolfe(problem, x, loss, gradient, direction, length=length)
        assert found is not None
        slope = gradient @ direction
        assert found.loss <= loss + line_search.SUFFICIENT * found.length * slope
        assert abs(found.gradient @ direction) <= -line_search.FLAT * slope * (1 + 1e-9)
        np.testing.assert_allclose(found.x, x + found.length * direction)
        assert found.loss == surface.value(found.x)

    def test_wolfe_comes_back_from_where_numbers_end(self):
        def walled(x):
            return (np.nan, x * np.nan) if x[0] > 2 else (float((x[0] - 1) ** 2), 2 * (x - 1))

        problem = problems.Known([0.0], walled)
        found = line_search.wolfe(
            problem, problem.start, 1.0, np.array([-2.0]), np.array([1.0]), length=50.0
        )
        assert found is not None
        assert abs(found.x[0] - 1) < 0.95

    def test_no_step_uphill_or_where_nothing_falls(self):
        problem = bowl(3)
        loss, gradient = problem.value_and_gradient(problem.start)
        assert line_search.wolfe(problem, problem.start, loss, gradient, gradient) is None
        flat = problems.Known([0.0], lambda x: (1.0, np.array([-1.0])))  # a slope that lies
        assert line_search.armijo(flat, flat.start, 1.0, -1.0, np.ones(1)) is None
        assert line_search.wolfe(flat, flat.start, 1.0, -np.ones(1), np.ones(1)) is None


class TestLeastSquares:
    def test_levenberg_marquardt_is_scipys_minimum(self):
        for noise in (0.0, 0.1):
            problem, both = least_squares(noise=noise)
            ours = levenberg_marquardt.levenberg_marquardt(problem)
            theirs = scipy.optimize.least_squares(
                lambda x, both=both: both(x)[0],
                problem.start,
                lambda x, both=both: both(x)[1],
                method="lm",
            )
            assert ours.stopped == results.CONVERGED
            assert ours.loss == pytest.approx(theirs.cost, rel=1e-8, abs=1e-15)
            np.testing.assert_allclose(ours.x, theirs.x, atol=1e-5)
            assert ours["jacobians"][-1] <= 2 * theirs.nfev

    def test_gauss_newton_solves_what_is_linear_in_one_step(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((20, 5)), rng.standard_normal(20)
        problem = problems.Known(np.zeros(5), residuals_and_jacobian=lambda x: (a @ x - b, a))
        result = gauss_newton.gauss_newton(problem)
        assert len(result) == 1
        np.testing.assert_allclose(result.x, np.linalg.lstsq(a, b, rcond=None)[0], atol=1e-12)
        # and where directions are left open, takes the shortest step
        wide = problems.Known(
            np.zeros(5), residuals_and_jacobian=lambda x: (a[:3] @ x - b[:3], a[:3])
        )
        found = gauss_newton.gauss_newton(wide)
        np.testing.assert_allclose(found.x, np.linalg.pinv(a[:3]) @ b[:3], atol=1e-10)

    def test_damping_saves_a_start_from_which_gauss_newton_diverges(self):
        # what Gauss-Newton leaves out is here larger than what it keeps, and has the other sign
        bend = -4.0

        def both(x):
            (at,) = x
            return np.array([at + 1, bend * at**2 + at - 1]), np.array([[1], [2 * bend * at + 1]])

        problem = problems.Known([0.1], residuals_and_jacobian=both)
        wild = gauss_newton.gauss_newton(problem, limits=Limits(steps=200))
        safe = levenberg_marquardt.levenberg_marquardt(problem)
        assert wild.stopped == results.STEPS
        assert (np.diff(safe["loss"]) <= 0).all()
        assert safe.stopped == results.CONVERGED
        assert safe.x[0] == pytest.approx(0, abs=1e-6)
        assert wild["loss"][-1] > safe.loss + 0.1

    def test_units_do_not_matter(self):
        _, both = least_squares(noise=0.1)
        units = np.array([1.0, 30.0, 1 / 30.0, 1.0])

        def scaled(x):
            residuals, jacobian = both(x * units)
            return residuals, jacobian * units

        start = np.array([1.0, 1.0, 1.0, 2.6])
        plain = levenberg_marquardt.levenberg_marquardt(
            problems.Known(start, residuals_and_jacobian=both), limits=Limits(steps=12)
        )
        other = levenberg_marquardt.levenberg_marquardt(
            problems.Known(start / units, residuals_and_jacobian=scaled), limits=Limits(steps=12)
        )
        np.testing.assert_allclose(other["loss"], plain["loss"], rtol=1e-6)

    def test_a_jacobian_without_full_rank_is_no_trouble_with_damping(self):
        def both(x):
            return np.array([x[0] + x[1] - 1, 2 * (x[0] + x[1]) - 2]), np.array([[1, 1], [2, 2.0]])

        problem = problems.Known([3.0, 0.0], residuals_and_jacobian=both)
        result = levenberg_marquardt.levenberg_marquardt(problem)
        assert result.stopped == results.CONVERGED
        assert result.x.sum() == pytest.approx(1, abs=1e-6)

    def test_a_loss_of_residuals_has_their_gradient(self):
        problem, both = least_squares(noise=0.1)
        x = problem.start
        loss, gradient = problem.value_and_gradient(x)
        off = scipy.optimize.approx_fprime(x, lambda z: (both(z)[0] ** 2).sum() / 2, 1e-7)
        np.testing.assert_allclose(gradient, off, rtol=1e-4)
        assert loss == pytest.approx((both(x)[0] ** 2).sum() / 2)


class TestLBFGS:
    @given(seed=SEEDS, size=st.integers(1, 8), count=st.integers(0, 6))
    def test_two_loops_are_the_matrix_that_they_stand_for(self, seed, size, count):
        rng = np.random.default_rng(seed)
        a = matrix(size, seed)
        pairs = [(s, a @ s) for s in rng.standard_normal((count, size))]
        gradient = rng.standard_normal(size)
        full = lbfgs.inverse_hessian(pairs, size)
        np.testing.assert_allclose(lbfgs.two_loop(gradient, pairs), full @ gradient, atol=1e-7)
        if pairs:
            # the last pair is known exactly: H y = s
            np.testing.assert_allclose(full @ pairs[-1][1], pairs[-1][0], atol=1e-7)
        assert np.linalg.eigvalsh((full + full.T) / 2).min() > 0

    @pytest.mark.parametrize(
        "make",
        [
            *(lambda name=name: problems.on_surface(surfaces.create(name)) for name in EVERY),
            lambda: problems.on_surface(surfaces.quadratic(1e4)),
            valley,
            lambda: valley(50),
            lambda: bowl(50, high=1000.0),
        ],
    )
    def test_it_asks_at_most_a_fifth_more_than_scipy(self, make):
        problem, asked = make(), []

        def counted(x):
            asked.append(1)
            return problem._value_and_gradient(x)

        options = {"gtol": 1e-6, "ftol": 0, "maxcor": 10, "maxiter": 5000, "maxfun": 50000}
        theirs = scipy.optimize.minimize(
            counted, problem.start, jac=True, method="L-BFGS-B", options=options
        )
        ours = lbfgs.lbfgs(problem, limits=Limits(gradient=1e-6, steps=5000))
        assert ours.stopped == results.CONVERGED
        assert ours["gradients"][-1] + ours["values"][-1] <= 1.2 * len(asked)
        assert ours.loss <= theirs.fun + 1e-9


class TestNewtonCG:
    @given(seed=SEEDS, size=st.integers(1, 20))
    def test_its_direction_descends_whatever_the_hessian(self, seed, size):
        a = matrix(size, seed, low=-20.0, high=20.0)
        gradient = np.random.default_rng(seed).standard_normal(size)
        p, spent, _ = newton_cg.truncated_direction(gradient, lambda v: a @ v, 2 * size)
        assert gradient @ p < 0
        assert 1 <= spent <= 2 * size

    @given(seed=SEEDS, size=st.integers(1, 15))
    def test_where_all_curvature_is_positive_it_is_newtons(self, seed, size):
        a = matrix(size, seed)
        gradient = 1e-7 * np.random.default_rng(seed).standard_normal(size)
        p, _, negative = newton_cg.truncated_direction(gradient, lambda v: a @ v, 3 * size)
        assert not negative
        exact = np.linalg.solve(a, -gradient)
        assert np.linalg.norm(a @ p + gradient) <= 1e-3 * np.linalg.norm(gradient)
        np.testing.assert_allclose(p, exact, atol=1e-2 * np.abs(exact).max())

    def test_it_needs_no_matrix(self):
        a = matrix(200, 3)
        problem = problems.Known(
            np.ones(200), lambda x: (x @ a @ x / 2, a @ x), product=lambda x, v: a @ v
        )
        result = newton_cg.newton_cg(problem)
        assert result.stopped == results.CONVERGED
        assert result["hessians"][-1] == 0
        assert result["products"][-1] >= result["inner"].sum()


class TestLanczos:
    @given(seed=SEEDS, size=st.integers(1, 25))
    @settings(max_examples=30)
    def test_all_steps_give_all_eigenvalues(self, seed, size):
        a = matrix(size, seed, low=-30.0, high=50.0)
        found = lanczos.spectrum(lambda v: a @ v, size, steps=size)
        exact = np.linalg.eigvalsh(a)
        assert len(found) == size or np.ptp(exact) < 1e-6 * np.abs(exact).max()
        np.testing.assert_allclose(found, exact, atol=1e-7 * np.abs(exact).max())

    def test_few_steps_give_the_ends_as_scipy_does(self):
        rng = np.random.default_rng(0)
        a = matrix(400, 5, low=0.0, high=1.0)
        spikes = np.linalg.qr(rng.standard_normal((400, 3)))[0]
        a = a + (spikes * [30.0, 20.0, -10.0]) @ spikes.T
        found = lanczos.tridiagonal(lambda v: a @ v, rng.standard_normal(400), 40)
        values, vectors = lanczos.eigenpairs(found)
        theirs = scipy.sparse.linalg.eigsh(a, 2, which="LA", return_eigenvectors=False)
        np.testing.assert_allclose(values[-2:], np.sort(theirs), rtol=1e-9)
        below = scipy.sparse.linalg.eigsh(a, 1, which="SA", return_eigenvectors=False)
        assert values[0] == pytest.approx(below[0], rel=1e-9)
        np.testing.assert_allclose(a @ vectors[:, -1], values[-1] * vectors[:, -1], atol=1e-6)
        extreme = lanczos.smallest(lambda v: a @ v, 400, steps=40)
        assert extreme.value == pytest.approx(below[0], rel=1e-6)
        assert extreme.largest == pytest.approx(theirs.max(), rel=1e-6)

    def test_its_columns_stay_orthogonal_and_its_invariant_holds(self):
        a = matrix(300, 1, low=1e-3, high=1e3)
        found = lanczos.tridiagonal(lambda v: a @ v, np.ones(300), 120)
        q = found.columns
        np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-12)
        t = np.diag(found.diagonal) + np.diag(found.off, 1) + np.diag(found.off, -1)
        rest = a @ q - q @ t
        np.testing.assert_allclose(rest[:, :-1], 0, atol=1e-9)

    def test_density_has_the_moments_of_all_eigenvalues(self):
        a = matrix(200, 2, low=-1.0, high=3.0)
        exact = np.linalg.eigvalsh(a)
        found = lanczos.density(lambda v: a @ v, 200, starts=30, steps=40)
        np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-12)
        for power in (1, 2, 3):
            assert found.moment(power) == pytest.approx((exact**power).mean(), rel=0.03)
        at = np.linspace(-2, 4, 400)
        smooth = found.smooth(at, 0.1)
        assert smooth.sum() * (at[1] - at[0]) == pytest.approx(1, abs=1e-2)
        bells = np.exp(-(((at[:, None] - exact) / 0.1) ** 2) / 2) / (0.1 * np.sqrt(2 * np.pi))
        assert np.abs(smooth - bells.mean(-1)).max() < 0.15 * bells.mean(-1).max()

    def test_exhausted_starts_end_early_and_bad_products_are_said(self):
        found = lanczos.tridiagonal(lambda v: 2 * v, np.ones(50), 20)
        assert len(found.diagonal) == 1
        assert lanczos.density(lambda v: 2 * v, 5, steps=4).values.shape == (4, 4)
        with pytest.raises(ArithmeticError, match="not finite"):
            lanczos.tridiagonal(lambda v: v * np.nan, np.ones(3))
        assert lanczos.smallest(lambda v: v * np.nan, 3) is None


@given(seed=SEEDS)
def test_hutchinson_is_exact_for_a_diagonal(seed):
    rng = np.random.default_rng(seed)
    d = rng.standard_normal(6)
    np.testing.assert_allclose(
        hutchinson.diagonal(lambda v: d * v, 6, samples=1, seed=seed), d, atol=1e-12
    )


def test_hutchinson_is_unbiased():
    a = matrix(6, 0, low=-1.0)
    found = hutchinson.diagonal(lambda v: a @ v, 6, samples=4000, seed=3)
    # the deviation of each entry is the length of its row without the diagonal, over sqrt samples
    spread = np.sqrt((a**2).sum(1) - a.diagonal() ** 2) / np.sqrt(4000)
    assert (np.abs(found - a.diagonal()) < 5 * spread).all()
    total = hutchinson.trace(lambda v: a @ v, 6, samples=4000, seed=3)
    assert total == pytest.approx(found.sum())


class TestRecords:
    def test_rows_only_grow_and_say_what_was_asked(self):
        problem = valley()
        result = newton_cg.newton_cg(problem)
        assert len(result["loss"]) == len(result) + 1
        np.testing.assert_array_equal(result["step"], np.arange(len(result) + 1))
        for column in (*problems.QUESTIONS, "seconds", "cpu_seconds"):
            assert (np.diff(result[column]) >= 0).all()
        for question, count in problem.counts.row().items():
            assert result[question][-1] <= count
        assert result["gradients"][-1] == problem.counts.gradients
        assert result.path.shape == (len(result) + 1, 10)
        assert result.path[-1] == pytest.approx(result.x)
        # a second run counts its own questions only
        again = newton_cg.newton_cg(problem)
        np.testing.assert_array_equal(again["products"], result["products"])

    def test_long_paths_are_not_kept(self):
        assert lbfgs.lbfgs(bowl(17)).path is None
        assert lbfgs.lbfgs(bowl(16)).path is not None

    def test_a_callback_sees_each_row_costs_no_time_and_can_end_the_run(self, monkeypatch):
        seen, now = [], [0.0]
        clock = types.SimpleNamespace(perf_counter=lambda: now[0], process_time=lambda: now[0] / 2)
        monkeypatch.setattr(results, "time", clock)

        def slow(row, x):
            seen.append((row["step"], x))
            now[0] += 100.0
            return row["step"] >= 5

        result = lbfgs.lbfgs(valley(), callback=slow)
        assert result.stopped == results.ASKED
        assert [step for step, _ in seen] == list(range(6))
        assert result["seconds"][-1] == result["cpu_seconds"][-1] == 0

    def test_limits(self):
        assert lbfgs.lbfgs(valley(), limits=Limits(steps=3)).stopped == results.STEPS
        assert len(lbfgs.lbfgs(valley(), limits=Limits(steps=0))) == 0
        low = lbfgs.lbfgs(valley(), limits=Limits(loss=1.0))
        assert low.stopped == results.REACHED
        assert low.loss <= 1.0 < low["loss"][-2]
        brief = descent.gradient_descent(
            valley(), 1e-7, limits=Limits(steps=10**9, cpu_seconds=0.05)
        )
        assert brief.stopped == results.SECONDS

    def test_work_in_gradients_and_when_a_loss_was_first_reached(self):
        result = newton_cg.newton_cg(valley())
        with pytest.raises(errors.InputError, match="products"):
            result.in_gradients()
        work = result.in_gradients({"products": 2.0, "values": 0.5})
        expected = result["gradients"] + 2 * result["products"] + result["values"] / 2
        np.testing.assert_allclose(work, expected)
        k = int(result.first(1.0, "step"))
        assert result["loss"][k] <= 1.0 < result["loss"][k - 1]
        assert result.first(-1.0) == np.inf
        with pytest.raises(errors.InputError, match="cpu_seconds"):
            result["minutes"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: newton.newton(lambda x: x), "problem"),
        (lambda: newton.newton(bowl(2), [1.0]), "start"),
        (lambda: newton.newton(bowl(2), [1.0, np.nan]), "start"),
        (lambda: newton.newton(bowl(2), limits=10), "limits"),
        (lambda: newton.newton(problems.Known([1.0], lambda x: (0.0, x))), "second derivatives"),
        (lambda: gauss_newton.gauss_newton(bowl(2)), "sum of squares"),
        (lambda: problems.Known([1.0]), "value_and_gradient"),
        (lambda: problems.Known([], lambda x: (0.0, x)), "start"),
        (lambda: lbfgs.lbfgs(bowl(2), memory=0), "memory"),
        (lambda: damped_newton.damped_newton(bowl(2), damping=-1), "damping"),
        (lambda: levenberg_marquardt.levenberg_marquardt(bowl(2), damping=0), "damping"),
        (lambda: descent.gradient_descent(bowl(2), np.nan), "rate"),
        (lambda: newton_cg.newton_cg(bowl(2), inner=-1), "inner"),
        (lambda: Limits(steps=-1), "steps"),
        (lambda: Limits(seconds=0), "seconds"),
        (lambda: lanczos.tridiagonal(lambda v: v, np.zeros(3)), "start"),
        (lambda: lanczos.density(lambda v: v, 3, starts=0), "starts"),
        (lambda: hutchinson.diagonal(lambda v: v, 3, samples=0), "samples"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()
