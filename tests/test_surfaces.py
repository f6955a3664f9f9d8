"""Surfaces: derivatives against differences and SciPy, minima, slices of a network's loss."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors
from tracklab.optimizers import surfaces

STEP = 1e-5
POINTS = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def sliced():
    """A slice of a loss that is known: a bent valley in five numbers."""

    def loss(arrays):
        flat = np.concatenate([a.ravel() for a in arrays])
        return scipy.optimize.rosen(flat) / 100

    rng = np.random.default_rng(3)
    return surfaces.slice_of(loss, [rng.normal(size=(2, 2)), rng.normal(size=1)], points=15)


ALL = {name: surfaces.create(name) for name in surfaces.SURFACES} | {
    "steep": surfaces.quadratic(1e4, -75),
    "slice": sliced(),
}


def differences(function, at, step=STEP):
    """Central differences of a function of two numbers, the derivatives in the last axis."""
    parts = [(function(at + d) - function(at - d)) / (2 * step) for d in step * np.eye(2)]
    return np.stack(parts, -1)


@pytest.mark.parametrize("name", ALL)
@given(point=POINTS)
def test_gradient_and_hessian_are_the_derivatives(name, point):
    surface, at = ALL[name], np.array(point)
    if name == "slice" and np.abs(np.abs(at) - 1).min() < 3 * STEP:
        return  # at its border the slope of a slice jumps
    scale = 1 + np.abs(surface.hessian(at)).max() + np.abs(surface.gradient(at)).max()
    np.testing.assert_allclose(
        surface.gradient(at), differences(surface.value, at), atol=3e-7 * scale
    )
    hessian = surface.hessian(at)
    np.testing.assert_allclose(hessian, differences(surface.gradient, at), atol=3e-6 * scale)
    np.testing.assert_array_equal(hessian, hessian.T)


@given(point=POINTS)
def test_rosenbrock_is_scipys(point):
    ours, at = ALL["rosenbrock"], np.array(point)
    assert ours.value(at) == pytest.approx(scipy.optimize.rosen(at), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(ours.gradient(at), scipy.optimize.rosen_der(at), atol=1e-9)
    np.testing.assert_allclose(ours.hessian(at), scipy.optimize.rosen_hess(at), atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_many_points_at_once_are_the_same_as_one_by_one(name):
    surface = ALL[name]
    points = np.random.default_rng(0).uniform(-2, 2, (3, 4, 2))
    for function, shape in (("value", ()), ("gradient", (2,)), ("hessian", (2, 2))):
        of = getattr(surface, function)
        together = of(points)
        assert together.shape == (3, 4, *shape)
        assert together.dtype == np.float64
        np.testing.assert_allclose(together[1, 2], of(points[1, 2]), rtol=1e-12)
    assert surface.hessian(np.zeros((0, 2))).shape == (0, 2, 2)


@pytest.mark.parametrize("name", ALL)
def test_minima_are_minima_and_lie_in_the_picture_with_the_start(name):
    surface = ALL[name]
    left, right, bottom, top = surface.domain
    for x, y in [*surface.minima, surface.start]:
        assert left <= x <= right
        assert bottom <= y <= top
    assert (surface.value(surface.minima) <= surface.lowest + 1e-12).all()
    assert surface.value(surface.start) > surface.lowest + 0.05
    if name == "slice":
        return
    np.testing.assert_allclose(surface.gradient(surface.minima), 0, atol=1e-9)
    assert (np.linalg.eigvalsh(surface.hessian(surface.minima)) > 0).all()
    x, y, values = surface.grid(60)
    assert values.min() >= surface.lowest
    assert values[7, 11] == surface.value([x[11], y[7]])


def test_each_surface_has_the_difficulty_that_it_says():
    assert np.linalg.cond(surfaces.quadratic(250, 12).hessian([0, 0])) == pytest.approx(250)
    eigenvalues = np.linalg.eigvalsh(ALL["saddle"].hessian([0, 0]))
    np.testing.assert_allclose(eigenvalues, [-1, 1])
    np.testing.assert_array_equal(ALL["saddle"].gradient([0, 0]), 0)
    assert (np.linalg.eigvalsh(ALL["himmelblau"].hessian(ALL["himmelblau"].start)) < 0).all()


@given(point=POINTS, away=POINTS)
def test_the_local_quadratic_is_the_surface_to_second_order(point, away):
    at, small = np.array(point), 1e-4 * np.array(away)
    surface = ALL["himmelblau"]
    # third derivatives are at most 24 |x|
    assert surface.local(at, at + small) == pytest.approx(surface.value(at + small), abs=1e-8)
    bowl = ALL["quadratic"]
    far = np.array(away)
    assert bowl.local(at, far) == pytest.approx(float(bowl.value(far)), abs=1e-9)


def test_numbers_that_end_are_no_error():
    far = np.array([[1e200, 1e200], [np.inf, 0], [np.nan, 0]])
    for surface in ALL.values():
        assert not np.isfinite(surface.value(far)[2])
        surface.gradient(far), surface.hessian(far)
    assert ALL["rosenbrock"].value(far[0]) == np.inf


def test_a_slice_is_the_loss_where_it_was_measured_and_close_to_it_between():
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(2, 2)), rng.normal(size=1)]
    ways = [surfaces.filter_normalised(weights, seed) for seed in (0, 1)]

    def loss_at(x, y):
        moved = [w + x * u + y * v for w, u, v in zip(weights, *ways, strict=True)]
        return scipy.optimize.rosen(np.concatenate([m.ravel() for m in moved])) / 100

    surface = ALL["slice"]
    at = np.linspace(-1, 1, 15)
    for x, y in rng.choice(at, (20, 2)):
        assert surface.value([x, y]) == pytest.approx(loss_at(x, y), abs=1e-9)
    spread = np.ptp(surface.grid(30)[2])
    for x, y in rng.uniform(-1, 1, (20, 2)):
        assert surface.value([x, y]) == pytest.approx(loss_at(x, y), abs=2e-3 * spread)


def test_beyond_a_slice_all_ways_lead_back():
    surface = ALL["slice"]
    for away in ([3, 0], [0, -3], [2, 2]):
        assert surface.gradient(away) @ np.array(away) > 0
    found = scipy.optimize.minimize(surface.value, [4.0, -3.0], jac=surface.gradient, method="BFGS")
    assert np.abs(found.x).max() <= 1 + 1e-6


def test_filters_of_a_direction_are_as_long_as_the_weights():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 3, 2, 5), (5,), (4, 6))]
    weights[2][:, 3] = 0  # a filter that is nothing stays nothing
    found = surfaces.filter_normalised(weights, seed=2)
    for ours, own in zip(found, weights, strict=True):
        assert ours.shape == own.shape
    np.testing.assert_allclose(
        np.linalg.norm(found[0].reshape(-1, 5), axis=0),
        np.linalg.norm(weights[0].reshape(-1, 5), axis=0),
    )
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_array_equal(found[2][:, 3], 0)
    again = surfaces.filter_normalised(weights, seed=2)
    np.testing.assert_array_equal(found[0], again[0])
    assert not np.allclose(found[0], surfaces.filter_normalised(weights, seed=3)[0])


def test_weights_come_to_the_loss_in_their_own_type_and_directions_can_be_given():
    seen = set()

    def loss(arrays):
        seen.update((a.dtype, a.shape) for a in arrays)
        return float((arrays[0] ** 2).sum())

    ways = ([np.array([[1.0], [0.0]])], [np.array([[0.0], [1.0]])])
    surface = surfaces.slice_of(
        loss, [np.ones((2, 1), np.float32)], directions=ways, reach=2, points=9
    )
    assert seen == {(np.dtype(np.float32), (2, 1))}
    np.testing.assert_allclose(surface.minima, [[-1, -1]], atol=1e-6)
    np.testing.assert_allclose(surface.hessian([0.3, -0.4]), [[2, 0], [0, 2]], atol=1e-6)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: surfaces.create("bowl"), "quadratic"),
        (lambda: surfaces.quadratic(0.5), "condition"),
        (lambda: surfaces.rosenbrock(np.nan), "steepness"),
        (lambda: ALL["beale"].value([1, 2, 3]), "points"),
        (lambda: ALL["beale"].grid(1), "points"),
        (lambda: surfaces.slice_of(lambda _: np.nan, [np.ones((2, 2))], points=8), "not finite"),
        (lambda: surfaces.slice_of(lambda _: 0.0, []), "weights"),
        (lambda: surfaces.slice_of(lambda _: 0.0, [np.ones(2)], points=3), "points"),
        (
            lambda: surfaces.slice_of(
                lambda _: 0.0, [np.ones(2)], directions=([np.ones(3)], [np.ones(3)])
            ),
            "directions",
        ),
        (lambda: surfaces.interpolated([0, 1, 2], [0, 1, 2], np.ones((3, 3)), name="x"), "values"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()
