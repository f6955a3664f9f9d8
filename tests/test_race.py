"""Races on surfaces and their explorer: paths are the methods' own, the words say the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, explorers, plots
from tracklab.explorers import race as shown
from tracklab.optimizers import first_order, loss_slice, race, surfaces

NAMES = first_order.NAMES
START = {
    "surface": "rosenbrock",
    "condition": shown.FIRST_CONDITION,
    "step": shown.FIRST_STEP,
    "methods": NAMES,
    **dict.fromkeys(NAMES, 0.0),
}


def drawn(**settings):
    return shown.draw(**START | settings)


@pytest.mark.parametrize("surface", surfaces.SURFACES)
def test_a_method_in_a_race_goes_where_it_goes_alone(surface):
    ground = surfaces.create(surface)
    rates = {name: 0.001 * (k + 1) for k, name in enumerate(NAMES)}
    found = race.race(ground, rates, steps=40)
    assert found.paths.shape == (7, 41, 2)
    assert found.losses.shape == (7, 41)
    assert found.evaluations.tolist() == [*range(41)]
    for k, name in enumerate(found.methods):
        w, state = np.array(ground.start), first_order.begin(name, ground.start)
        for step in range(1, 41):
            w, state = first_order.method(name).step(
                w, ground.gradient(w), state, rates[name], step
            )
        np.testing.assert_allclose(found.paths[k, -1], w, rtol=1e-9)
        np.testing.assert_allclose(found.losses[k], ground.value(found.paths[k]), rtol=1e-12)
    np.testing.assert_array_equal(found.paths[:, 0], np.tile(ground.start, (7, 1)))


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 1e4), st.floats(0.01, 3))
def test_gradient_descent_on_a_bowl_diverges_above_two_over_the_curvature(condition, share):
    bowl = surfaces.quadratic(condition)
    found = race.race(bowl, {"sgd": share / condition}, steps=200)
    if share < 1.98:
        assert found.diverged[0] == race.STAYING
        assert (np.diff(found.losses[0]) <= 1e-12).all()
    elif share > 2.02:
        assert found.losses[0, 5] > found.losses[0, 3] or condition < 1.05
    if share > 2.9:
        gone = found.diverged[0]
        assert 0 < gone <= 200
        assert np.isnan(found.paths[0, gone:]).all()
        assert np.isfinite(found.paths[0, :gone]).all()


def test_one_that_diverges_does_not_disturb_the_others():
    ground = surfaces.rosenbrock()
    alone = race.race(ground, {"adam": 0.1})
    beside = race.race(ground, {"sgd": 10.0, "adam": 0.1, "momentum": 1.0})
    np.testing.assert_array_equal(beside.paths[1], alone.paths[0])
    assert (beside.diverged[[0, 2]] > 0).all()
    rows = beside.rows()
    assert rows[0]["diverged"] == beside.diverged[0]
    assert np.isnan(rows[0]["last"])
    assert rows[0]["arrived"] == race.STAYING
    assert rows[1]["lowest"] <= rows[1]["last"]


def test_arrived_is_the_first_step_of_the_last_stay():
    ground = surfaces.quadratic(1.0)
    found = race.race(ground, {"sgd": 0.5}, steps=30)
    # each step halves the way, so the loss is a quarter
    near = 1e-3
    wanted = int(np.ceil(np.log(near) / np.log(0.25)))
    assert found.arrived(near).tolist() == [wanted]
    assert race.race(ground, {"sgd": 1e-5}).arrived().tolist() == [race.STAYING]
    assert race.race(ground, {"sgd": 1.0}, steps=3).arrived().tolist() == [1]


def test_tuning_finds_the_rate_that_theory_knows():
    """On a bowl, gradient descent is fastest at 2 / (steepest + flattest)."""
    rates = np.linspace(0.001, 0.2, 400)
    found = race.tuned(surfaces.quadratic(20.0), ("sgd",), rates=rates, steps=60)
    assert found.best()["sgd"] == pytest.approx(2 / 21, rel=0.03)
    assert found.gradients == 400 * 60
    assert np.isinf(found.losses["sgd"][rates > 0.19]).all() or rates[-1] < 2 / 20 * 2


def test_the_fewest_steps_are_those_of_the_quickest_rate_and_not_of_the_lowest_end():
    bowl, rates, near = surfaces.quadratic(100.0), (1e-9, 0.00464, 0.0215, 0.3), 1e-3
    found = race.tuned(bowl, rates=rates, steps=600, near=near)
    fewest, best = found.fewest(), found.best()
    for name, arrived in found.arrived.items():
        alone = [int(race.race(bowl, {name: r}, steps=600).arrived(near)[0]) for r in rates]
        assert arrived.tolist() == alone
        there = [steps for steps in alone if steps != race.STAYING]
        assert fewest[name] == min(there, default=race.STAYING)
        at_best = alone[rates.index(best[name])]
        assert at_best == race.STAYING or 0 <= fewest[name] <= at_best
    assert fewest["rmsprop"] < found.arrived["rmsprop"][rates.index(best["rmsprop"])]
    never = race.tuned(bowl, ("sgd",), rates=(1e-9,), steps=5).fewest()
    assert never == {"sgd": race.STAYING}


@pytest.mark.parametrize("surface", shown.SURFACES)
def test_a_tuned_rate_beats_its_neighbours_and_is_not_at_the_edge(surface):
    ground = shown.surface_of(surface, 1.5)
    found = race.tuned(ground)
    for name, losses in found.losses.items():
        place = int(losses.argmin())
        assert 0 < place < len(race.GRID) - 1, f"{name}: the best rate may lie outside the grid"
        alone = race.race(ground, {name: race.GRID[place]})
        assert alone.losses[0, -1] == losses[place]


def test_a_race_is_refused_what_makes_none():
    bowl = surfaces.quadratic()
    for call, said in (
        (lambda: race.race(bowl, {}), "rates"),
        (lambda: race.race(bowl, {"adadelta": 0.1}), "method"),
        (lambda: race.race(bowl, {"sgd": -0.1}), "rates"),
        (lambda: race.race(bowl, {"sgd": 0.1}, steps=0), "steps"),
        (lambda: race.race(bowl, {"sgd": 0.1}, start=[1, 2, 3]), "start"),
        (lambda: race.race(bowl, {"sgd": 0.1}, start=[np.nan, 2]), "start"),
        (lambda: race.race(bowl, {"sgd": 0.1}, options={"adam": {}}), "options"),
        (lambda: race.race(bowl, {"sgd": 0.1}, options={"sgd": {"rho": 1}}), "option of 'sgd'"),
        (lambda: race.tuned(bowl, ()), "methods, rates"),
        (lambda: race.tuned(bowl, rates=["a"]), "rates"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()


# --- the slice ---


def test_the_plane_goes_through_all_three():
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (4,), (4, 2)]
    three = [[rng.normal(size=shape) for shape in shapes] for _ in range(3)]
    base, across, along, places = loss_slice.plane(*three)
    assert np.linalg.norm(across) == pytest.approx(1)
    assert np.linalg.norm(along) == pytest.approx(1)
    assert across @ along == pytest.approx(0, abs=1e-12)
    for weights, (a, b) in zip(three, places, strict=True):
        flat = np.concatenate([w.ravel() for w in weights])
        np.testing.assert_allclose(base + a * across + b * along, flat, atol=1e-12)


def test_the_stored_slice_begins_at_first_weights_and_has_two_solutions():
    surface = loss_slice.stored()
    # ten classes, nothing learned
    assert surface.value(surface.start) == pytest.approx(np.log(10), abs=0.05)
    assert surface.minima.shape == (2, 2)
    assert surface.value(surface.minima).max() < 0.2
    assert surface.lowest == pytest.approx(surface.value(surface.minima[0]))
    halfway = np.linspace(*surface.minima, 21)
    assert surface.value(halfway).max() > 1, "two solutions, and a pass between them"


def test_a_slice_can_be_measured_again(tmp_path):
    path = tmp_path / "slice.json"
    found = loss_slice.measure(path, steps=30, points=5)
    again = loss_slice.stored(path)
    np.testing.assert_allclose(again.value(again.start), found.value(found.start), rtol=1e-3)
    assert found.value(found.start) == pytest.approx(np.log(10), abs=0.3)


def test_a_slice_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(errors.MissingError, match=r"measure it with .*loss_slice.measure"):
        loss_slice.stored(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(errors.SourceError, match="not a stored slice"):
        loss_slice.stored(broken)
    with pytest.raises(errors.InputError, match="points"):
        loss_slice.measure(None, points=2)


# --- the explorer ---


def test_every_method_has_a_look_of_its_own():
    assert set(shown.LOOKS) == set(shown.NUMBER) == set(shown.LABEL) == set(NAMES)
    assert len({color for color, _ in shown.LOOKS.values()}) == len(NAMES)
    assert len(set(shown.NUMBER.values())) == len(NAMES)


@pytest.mark.parametrize("surface", shown.SURFACES)
def test_numbers_words_and_picture_go_together(surface):
    found = drawn(surface=surface)
    ground = shown.surface_of(surface, START["condition"])
    tuned = race.tuned(ground).best()
    alone = race.race(ground, tuned)
    for k, name in enumerate(NAMES):
        share = (alone.losses[k, shown.FIRST_STEP] - ground.lowest) / (
            alone.losses[k, 0] - ground.lowest
        )
        said = found.numbers[f"{shown.LABEL[name]} (share of the start's)"]
        assert said == pytest.approx(max(share, 0), abs=1e-9)
        assert f"{shown.LABEL[name]} {shown._number(said)}" in found.caption
    told = found.caption.split("least first: ")[1]
    ranked = sorted(NAMES, key=lambda n: found.numbers[f"{shown.LABEL[n]} (share of the start's)"])
    places = [told.index(f"{shown.LABEL[name]} ") for name in ranked]
    assert places == sorted(places)


def test_a_rate_that_is_too_high_is_said():
    found = drawn(sgd=1.5, step=20)
    assert "Diverged, its rate is too high: " in found.caption
    assert "SGD in step" in found.caption.split("Diverged")[1]
    assert found.numbers["SGD (share of the start's)"] == float("inf")
    before = drawn(sgd=1.5, step=0)
    assert "Diverged" not in before.caption


def test_what_changes_nothing_is_off():
    assert set(drawn().idle) == {"condition"}
    assert set(drawn(surface="quadratic", methods=("adam",)).idle) == set(NAMES) - {"adam"}
    a, b = drawn(condition=0.0), drawn(condition=4.0)
    np.testing.assert_array_equal(a.picture, b.picture)
    none = drawn(methods=())
    assert "No method is ticked" in none.caption
    assert none.numbers == {}


def test_numbers_lie_beside_one_another():
    """At the start all methods are on one point, at the end of a bowl likewise."""
    taken = []
    for _ in NAMES:
        place = next(p for p in shown._around(200.0, 100.0) if shown._apart(*p, taken))
        taken.append(place)
    gaps = [np.hypot(a[0] - b[0], a[1] - b[1]) for k, a in enumerate(taken) for b in taken[k + 1 :]]
    assert min(gaps) >= 2 * shown.BALL - 1e-9
    corner = list(shown._around(shown.BALL, shown.BALL))
    assert all(0 <= x < shown.WIDE and 0 <= y < shown.TALL for x, y in corner)


def test_the_still_picture_is_legible():
    made = explorers.explore("race", surface="beale")
    height, width = plots.decode(made.picture).shape[:2]
    assert width <= 720
    assert height <= 720
    assert len(made.picture) < 220_000
    assert "plateau" in made.caption


def test_bad_options():
    with pytest.raises(errors.InputError, match=r"surface|default"):
        explorers.explore("race", surface="sphere")
    with pytest.raises(errors.InputError, match="option"):
        explorers.explore("race", speed=1)
