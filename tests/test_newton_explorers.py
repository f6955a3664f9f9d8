"""The explorers "newton" and "second-order" without a browser: what is drawn is computed."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tracklab import errors, explorers, plots
from tracklab.explorers import curvature, pad, terrain
from tracklab.explorers import newton as duel
from tracklab.optimizers import surfaces

PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))


@pytest.fixture(scope="module")
def duelling():
    return explorers.explore("newton")


@pytest.fixture(scope="module")
def claim():
    return explorers.explore("second-order")


class TestPad:
    def test_places_are_two_shares_in_thousandths(self):
        assert pad.as_place("value", [0.12345, 1]) == (0.123, 1.0)
        spot = pad.Spot("Start", (0.2, 0.4), (100, 100), (0, 0, 100, 100))
        widget, view = spot.build()
        assert widget is view
        assert widget.value == (0.2, 0.4)
        for place in spot.values():
            assert spot.check("start", place) == place

    @pytest.mark.parametrize("bad", [(0.5,), (0.5, 1.1), (np.nan, 0.5), "ab", None, (-0.1, 0.5)])
    def test_others_are_refused(self, bad, duelling):
        with pytest.raises(errors.InputError, match="start"):
            duelling.set(start=bad)

    def test_the_map_is_the_chart_of_what_is_set(self, duelling):
        for params in ({"start": (0.3, 0.7)}, {"surface": "beale"}, {"step": 4}):
            duelling.reset()
            duelling.set(**params)
            np.testing.assert_array_equal(
                plots.decode(duelling.pad.picture), duel.chart(**duelling.params)
            )
            assert duelling.pad.alt == duelling.caption
        duelling.pad.value = (0.9, 0.1)  # as the browser does
        assert duelling.params["start"] == (0.9, 0.1)
        np.testing.assert_array_equal(
            plots.decode(duelling.pad.picture), duel.chart(**duelling.params)
        )

    def test_a_reader_without_a_kernel_sees_map_ring_and_panels(self, duelling):
        duelling.reset()
        still = plots.decode(duelling.standing())
        panels = plots.decode(duelling.picture)
        assert still.shape[0] == duel.TALL + panels.shape[0]
        view = duel.seen("rosenbrock")
        x, y = view.pixels(view.point(duelling.params["start"]))
        assert still[round(y), round(x) + 9].max() < 60  # the ring


class TestTerrain:
    @pytest.mark.parametrize("name", surfaces.SURFACES)
    def test_right_angles_stay_right_and_the_domain_is_seen(self, name):
        surface = surfaces.create(name)
        seen = terrain.view(surface, 300, 200)
        left, right, bottom, top = seen.domain
        assert (right - left) / 300 == pytest.approx((top - bottom) / 200)
        assert left <= surface.domain[0] + 1e-9
        assert top >= surface.domain[3] - 1e-9
        np.testing.assert_allclose(seen.pixels([left, top]), [0, 0], atol=1e-9)
        np.testing.assert_allclose(seen.pixels([right, bottom]), [300, 200], atol=1e-9)
        assert terrain.ground(surface, seen).shape == (200, 300, 3)

    @given(place=PLACES)
    def test_places_and_points_are_the_same_thing(self, place):
        seen = terrain.view(surfaces.beale(), 300, 200)
        np.testing.assert_allclose(seen.place(seen.point(place)), place, atol=6e-4)

    @given(place=PLACES, name=st.sampled_from(["quadratic", "himmelblau", "rosenbrock", "saddle"]))
    def test_the_safe_rate_does_not_climb_at_first(self, place, name):
        surface = surfaces.create(name)
        seen = terrain.view(surface, 300, 200)
        start = seen.point(place)
        rate = terrain.safe_rate(surface, seen, start)
        there = start - 0.9 * rate * surface.gradient(start)
        assert surface.value(there) <= surface.value(start) + 1e-9

    def test_local_contours_are_where_the_quadratic_has_its_levels(self):
        surface = surfaces.quadratic(5)
        seen = terrain.view(surface, 300, 200)
        here = np.array([-1.0, 0.6])
        gradient, hessian = surface.gradient(here), surface.hessian(here)
        blank = np.full((200, 300, 3), 255, np.uint8)
        terrain.local_contours(blank, seen, here, gradient, hessian, (0, 0, 0))
        rows, columns = np.nonzero(blank[..., 0] < 90)
        points = np.stack([columns / seen.scale, -rows / seen.scale], -1)
        points = points + np.array([seen.domain[0], seen.domain[3]])
        promised = (surface.value(here) - surface.lowest) * 1.0
        levels = (surface.local(here, points) - surface.value(here)) / promised
        assert len(levels) > 100
        off = np.abs(levels[:, None] - np.array(terrain.LEVELS)).min(1)
        # a pixel off is this much
        assert np.quantile(off, 0.95) < 0.12
        blank[:] = 255
        terrain.local_contours(blank, seen, here, 0 * gradient, np.zeros((2, 2)), (0, 0, 0))
        assert blank.min() == 255


class TestNewton:
    def test_newton_ends_where_the_gradient_is_zero_whatever_that_is(self, duelling):
        duelling.reset()
        duelling.set(surface="himmelblau", start=duel.seen("himmelblau").place((-0.6, -0.4)))
        assert "Newton ends in a maximum" in duelling.caption
        duelling.set(safe=True)
        assert "Newton ends in a minimum" in duelling.caption
        duelling.set(safe=False, damping=2.5)
        assert "Newton ends in a maximum" not in duelling.caption
        assert "with 316 added to both, so that the damped quadratic is a bowl" in duelling.caption
        assert "leads downhill" in duelling.caption

    def test_one_step_on_a_quadratic(self, duelling):
        duelling.reset()
        duelling.set(surface="quadratic", step=1)
        assert duelling.numbers["Newton: loss"] < 1e-20
        assert duelling.numbers["gradient descent: loss"] > 0.1

    def test_much_damping_is_a_short_gradient_step(self):
        surface, here = duel.surface_of("rosenbrock"), np.array([-1.0, 0.5])
        step = duel.step_at(surface, here, 1e6, safe=False)
        gradient = surface.gradient(here)
        assert step @ gradient / np.linalg.norm(step) / np.linalg.norm(gradient) < -0.999
        np.testing.assert_allclose(step, -gradient / 1e6, rtol=1e-2, atol=1e-6)

    @given(
        place=PLACES,
        name=st.sampled_from(list(duel.STARTS)),
        damping=st.floats(duel.OFF, duel.MOST),
        rate=st.floats(0.1, 3.0),
        safe=st.booleans(),
    )
    def test_every_setting_has_finite_ways_and_a_picture(self, place, name, damping, rate, safe):
        start = pad.as_place("start", place)
        added = 0.0 if damping <= duel.OFF else 10.0**damping
        for walk in (
            duel.newtons_way(name, start, added, safe),
            duel.descents_way(name, start, rate),
        ):
            assert np.isfinite(walk.points).all()
            assert np.isfinite(walk.losses).all()
            assert len(walk.points) == len(walk.losses) <= duel.STEPS + 1
            if safe and walk.ended.startswith("ends"):
                assert walk.losses[-1] <= walk.losses[0] + 1e-12
        picture = duel.chart(
            surface=name, start=start, step=3, damping=damping, rate=rate, safe=safe
        )
        assert picture.shape == (duel.TALL, duel.WIDE + duel.SIDE, 3)

    def test_a_surface_that_is_none(self):
        for name in ("newton", "second-order"):
            with pytest.raises(errors.InputError, match="default"):
                explorers.explore(name, surface="moon")


class TestClaim:
    @given(place=PLACES, rate=st.floats(0.1, 3))
    def test_second_order_then_descent_is_descent_at_three_times_the_price(self, place, rate):
        found = curvature.ways(curvature.QUADRATIC, 1.0, pad.as_place("start", place), rate)
        np.testing.assert_array_equal(found.points[curvature.PLAIN], found.points[curvature.CLAIM])
        assert found.price[curvature.CLAIM] == 3 * found.price[curvature.PLAIN]

    @given(place=PLACES, condition=st.floats(0, 3))
    def test_newton_covers_the_whole_way_along_both_axes(self, place, condition):
        start = pad.as_place("start", place)
        surface = curvature.surface_of(curvature.QUADRATIC, condition)
        begin = terrain.view(surface, curvature.WIDE, curvature.TALL).point(start)
        axes = np.linalg.eigh(surface.hessian(begin))[1]
        assume(np.abs(axes.T @ surface.gradient(begin)).min() > 1e-3)  # no way, no share
        found = curvature.ways(curvature.QUADRATIC, condition, start, 1.0)
        np.testing.assert_allclose(found.covered[curvature.NEWTON], 1, atol=1e-6)
        # descent covers rate times curvature, so that their ratio is the condition
        flat, steep = found.covered[curvature.PLAIN]
        assert steep / flat == pytest.approx(10.0**condition, rel=1e-6)
        assert steep == pytest.approx(1, rel=1e-6)

    def test_on_an_axis_and_in_a_round_bowl_all_directions_agree(self, claim):
        claim.reset()
        claim.set(condition=0.0)
        found = curvature.ways(curvature.QUADRATIC, 0.0, claim.params["start"], 1.0)
        first = [found.points[name][1] for name in curvature.METHODS]
        np.testing.assert_allclose(first, np.tile(first[0], (4, 1)), atol=1e-9)

    def test_words_and_numbers(self, claim):
        claim.reset()
        assert "each at 3 times the price" in claim.caption
        assert claim.numbers["Newton: gradients to a thousandth"] == "3"
        claim.set(surface=curvature.VALLEY)
        assert "Rosenbrock's valley" in claim.caption
        assert claim.error is None
