"""Judging explanations: against references, on cases whose answer is known, and by properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats
from test_explain import NAMES, SIZE, linear, network, picture

from tracklab import datasets, errors, explain, motion
from tracklab.explain import methods, pointing, readout, removal, sanity
from tracklab.models import detector, shapes, siamese
from tracklab.motion import cells, recurrent

MAPS = hnp.arrays(np.float32, (6, 7), elements=st.floats(0, 10, width=32))
MASKS = hnp.arrays(bool, (6, 7)).filter(np.any)


class TestPointing:
    def test_on_the_object_or_beside_it(self):
        mask = np.zeros((8, 8), bool)
        mask[2:4, 2:4] = True
        for place, wanted in (((2, 3), 1.0), ((4, 3), 0.0)):
            heat = np.full((8, 8), 0.1)
            heat[place] = 1
            assert explain.hit(heat, mask) == wanted
        assert explain.hit(heat, mask, tolerance=1) == 1.0
        assert explain.hit(np.where(mask, 0.0, 1.0), mask) == 0.0

    @given(heat=MAPS, mask=MASKS)
    def test_is_the_share_of_the_highest_places(self, heat, mask):
        places = np.argwhere(heat == heat.max())
        assert explain.hit(heat, mask) == pytest.approx(np.mean([mask[tuple(p)] for p in places]))

    @given(heat=MAPS, mask=MASKS, factor=st.floats(0.01, 100))
    def test_only_the_order_counts_for_a_hit_and_only_shares_for_energy(self, heat, mask, factor):
        scaled = heat.astype(np.float64) * factor
        assert explain.hit(scaled, mask) == explain.hit(heat.astype(np.float64), mask)
        assert explain.energy(scaled, mask) == pytest.approx(explain.energy(heat, mask), rel=1e-4)

    @given(mask=MASKS, level=st.floats(0, 10))
    def test_a_flat_map_gets_what_chance_gets(self, mask, level):
        flat = np.full(mask.shape, level)
        assert explain.hit(flat, mask) == pytest.approx(mask.mean())
        assert explain.energy(flat, mask) == pytest.approx(mask.mean())

    @given(heat=MAPS, mask=MASKS)
    def test_energy_of_an_object_and_of_all_else_add_up(self, heat, mask):
        if not mask.all():
            both = explain.energy(heat, mask) + explain.energy(heat, ~mask)
            assert both == pytest.approx(1, abs=1e-9)
        assert 0 <= explain.energy(heat, mask) <= 1

    @given(heat=MAPS, mask=MASKS, reach=st.integers(0, 3))
    def test_tolerance_is_a_distance(self, heat, mask, reach):
        """Every place not farther from the object than `reach`."""
        near = ndimage.distance_transform_edt(~mask) <= reach
        wanted = near[heat == heat.max()].mean()
        assert explain.hit(heat, mask, tolerance=reach) == pytest.approx(wanted)

    @pytest.mark.parametrize("measure", [explain.hit, explain.energy])
    def test_what_is_no_map_or_mask_is_refused(self, measure):
        good, mask = np.ones((4, 4)), np.eye(4, dtype=bool)
        for heat in (-good, np.full((4, 4), np.nan), np.ones(4), np.ones((4, 5)), np.ones((0, 4))):
            with pytest.raises(errors.InputError, match=r"heat|mask"):
                measure(heat, mask)
        for wrong in (np.zeros((4, 4), bool), mask.astype(int), mask[:3]):
            with pytest.raises(errors.InputError, match="mask"):
                measure(good, wrong)
        with pytest.raises(errors.InputError, match="tolerance"):
            explain.hit(good, mask, tolerance=-1)


def counting(weights=None):
    """A linear target on pixels from -1 to 1 whose probabilities are far from 0 and 1."""
    weights = np.ones((*SIZE, 3)) if weights is None else weights
    return linear(weights / np.abs(weights).sum() / 64)


class TestRemoval:
    @given(heat=hnp.arrays(np.float32, SIZE, elements=st.floats(0, 3, width=32)))
    def test_ends_do_not_depend_on_the_map(self, heat):
        target, x = counting(), picture()
        for curve, ends in (
            (explain.deletion(target, x, heat), (x, explain.nothing(x.astype(np.float32)))),
            (explain.insertion(target, x, heat), (None, x)),
        ):
            assert curve.shares[0] == 0
            assert curve.shares[-1] == 1
            for place, end in zip((0, -1), ends, strict=True):
                if end is not None:
                    wanted = target.probabilities(np.asarray(end)[None])[0]
                    assert curve.probabilities[place] == pytest.approx(wanted, rel=1e-4)

    def test_area_is_the_trapezoid_rule(self):
        curve = explain.Removal(np.array([0, 0.25, 1.0]), np.array([1, 0.5, 0.25]))
        assert curve.area == pytest.approx(0.25 * 0.75 + 0.75 * 0.375)

    def test_the_true_order_is_the_best_and_its_reverse_the_worst(self):
        weights = np.random.default_rng(1).random((*SIZE, 3))
        target, x = linear(weights / 1e4), picture()
        truth = (weights * (x - x.mean((0, 1)))).sum(-1)
        truth = truth - truth.min()
        areas = {
            name: explain.deletion(target, x, heat).area
            for name, heat in {
                "best": truth,
                "worst": truth.max() - truth,
                "chance": np.random.default_rng(0).random(SIZE),
            }.items()
        }
        assert areas["best"] < areas["chance"] < areas["worst"]
        blurred = explain.insertion(target, x, truth, blur=1.0).area
        assert blurred > explain.insertion(target, x, truth.max() - truth, blur=1.0).area

    def test_each_step_changes_the_highest_pixels_and_no_others(self):
        seen = []

        class Watching:
            size = SIZE

            def probabilities(self, images):
                seen.append(images.copy())
                return np.zeros(len(images), np.float32)

        x, heat = picture(), np.random.default_rng(0).random(SIZE)
        curve = explain.deletion(Watching(), x, heat, steps=8)
        for share, image in zip(curve.shares, seen[0], strict=True):
            changed = (image != x).any(-1)
            count = round(float(share) * heat.size)
            assert changed.sum() <= count
            limit = np.sort(heat.ravel())[::-1][count - 1] if count else np.inf
            assert not changed[heat < limit].any()

    @given(heat=hnp.arrays(np.float32, (5, 6), elements=st.sampled_from([0, 1, 2])))
    def test_ranks_are_an_order_of_the_map(self, heat):
        rank = removal.ranks(heat)
        assert sorted(rank.ravel()) == list(range(heat.size))
        assert (np.diff(heat.ravel()[np.argsort(rank.ravel())]) <= 0).all()
        np.testing.assert_array_equal(rank, removal.ranks(heat * 2))

    def test_a_flat_map_does_not_read_from_top_to_bottom(self):
        rank = removal.ranks(np.zeros((40, 40)))
        rho = stats.spearmanr(rank.ravel(), np.arange(rank.size)).statistic
        assert abs(rho) < 0.1

    @pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.uint32, np.int64, np.float32])
    def test_a_map_of_any_kind_of_numbers_has_its_highest_first(self, kind):
        heat = np.zeros((3, 4), kind)
        heat[1, 2] = 1
        assert removal.ranks(heat)[1, 2] == 0

    @pytest.mark.parametrize("measure", [explain.insertion, explain.deletion])
    def test_what_does_not_fit_is_refused(self, measure):
        heat = np.ones(SIZE)
        for wrong in (heat[:3], np.full(SIZE, np.nan)):
            with pytest.raises(errors.InputError, match="heat"):
                measure(counting(), picture(), wrong)
        with pytest.raises(errors.InputError, match="steps"):
            measure(counting(), picture(), heat, steps=0)
        with pytest.raises(errors.InputError, match="image"):
            measure(counting(), picture(0, (8, 8)), heat)
        with pytest.raises(errors.InputError, match="blur"):
            explain.insertion(counting(), picture(), heat, blur=0.0)


class TestSimilarity:
    @given(one=MAPS, other=MAPS)
    def test_is_scipys_rank_correlation(self, one, other):
        found = explain.similarity(one, other)
        there = (one > 0) | (other > 0)
        one, other = one[there], other[there]
        if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
            assert found == 0
            return
        a, b = (stats.rankdata(each.astype(float)) for each in (one, other))
        assert found == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)

    @given(one=MAPS.filter(lambda m: len(set(m[m > 0].tolist())) > 1))
    def test_signs_and_scales_do_not_count(self, one):
        assert explain.similarity(one, one) == pytest.approx(1)
        assert explain.similarity(one, -3 * one.astype(float)) == pytest.approx(1)

    def test_zeros_around_two_maps_do_not_make_them_alike(self):
        rng = np.random.default_rng(0)
        one, other = np.zeros((2, 40, 40))
        one[:8, :8], other[:8, :8] = rng.random((2, 8, 8)) + 1
        assert abs(explain.similarity(one, other)) < 0.3
        assert explain.similarity(one, other, where=np.ones((40, 40), bool)) > 0.9

    def test_only_what_is_compared_counts(self):
        rng = np.random.default_rng(1)
        one, other = rng.random((2, 12, 12))
        where = np.zeros((12, 12), bool)
        where[3:9, 2:7] = True
        other[where] = one[where]
        assert explain.similarity(one, other, where=where) == pytest.approx(1)
        assert explain.similarity(one, other) < 0.8
        for wrong in (where[:3], where.astype(int)):
            with pytest.raises(errors.InputError, match="where"):
                explain.similarity(one, other, where=wrong)

    def test_maps_that_differ_in_shape_or_hold_nan_are_refused(self):
        for other in (np.ones((6, 8)), np.full((6, 7), np.nan)):
            with pytest.raises(errors.InputError, match="other"):
                explain.similarity(np.ones((6, 7)), other)


class TestCascade:
    @pytest.mark.parametrize("kind", ["keras", "detector", "siamese"])
    def test_a_copy_says_the_same_and_is_ruined_alone(self, kind):
        if kind == "keras":
            whole = network()
        elif kind == "detector":
            whole = detector.build("faster", ("a", "b"), seed=1)
        else:
            whole = siamese.Siamese.small()
        before = [v.numpy().copy() for v in whole.variables]
        copy = sanity.copied(whole)
        for one, value in zip(copy.variables, before, strict=True):
            np.testing.assert_array_equal(one.numpy(), value)
        names = list(explain.cascade(copy, seed=1))
        assert len(names) == len(sanity.layers(copy)) > 2
        for one, value in zip(whole.variables, before, strict=True):
            np.testing.assert_array_equal(one.numpy(), value)
        changed = [
            (one.numpy() != value).any()
            for one, value in zip(copy.variables, before, strict=True)
            if np.ptp(value) > 0
        ]
        # Siamese: the second look has no part in the map
        assert np.mean(changed) > (0.6 if kind == "siamese" else 0.99)
        for one, value in zip(copy.variables, before, strict=True):
            np.testing.assert_array_equal(np.sort(one.numpy().ravel()), np.sort(value.ravel()))

    def test_goes_from_the_answer_down(self):
        copy = sanity.copied(network())
        before = [v.numpy().copy() for v in copy.variables]
        steps = explain.cascade(copy)
        next(steps)
        kernels = [k for k, value in enumerate(before) if value.ndim > 1]
        changed = [(copy.variables[k].numpy() != before[k]).any() for k in kernels]
        assert changed == [False] * (len(kernels) - 1) + [True]
        again = sanity.copied(network())
        next(explain.cascade(again))
        np.testing.assert_array_equal(
            copy.variables[kernels[-1]].numpy(), again.variables[kernels[-1]].numpy()
        )

    def test_what_was_asked_before_answers_from_the_changed_weights(self):
        copy = sanity.copied(network())
        target = explain.Classes(copy, NAMES, SIZE).about(0)
        first = target.values(picture()[None])
        for _ in explain.cascade(copy):
            pass
        assert abs(target.values(picture()[None]) - first) > 1e-4

    def test_gradients_pass_and_an_edge_detector_fails(self):
        """The check itself: it must tell what looks at the network from what does not."""
        pictures = datasets.masked_scenes(4, part="test", seed=9)
        whole = shapes.shipped()[0]
        ask = explain.Classes(whole, pictures.class_names, (64, 64))
        copy = sanity.copied(whole)
        ruined = explain.Classes(copy, pictures.class_names, (64, 64))
        for _ in explain.cascade(copy):
            pass
        looks = {}
        for name in (methods.SALIENCY, methods.GRAD_CAM, methods.EDGES):
            alike = []
            for image, label in zip(pictures.images, pictures.labels[:, 0], strict=True):
                heats = [
                    explain.explain(name, each.about(int(label)), image) for each in (ask, ruined)
                ]
                alike.append(explain.similarity(*heats))
            looks[name] = np.mean(alike)
        assert looks[methods.EDGES] == pytest.approx(1)
        assert looks[methods.SALIENCY] < sanity.FAILS
        assert looks[methods.GRAD_CAM] < sanity.FAILS

    def test_what_is_no_network_is_refused(self):
        with pytest.raises(errors.InputError, match="network"):
            explain.copied("network")
        with pytest.raises(errors.InputError, match="network"):
            sanity.layers(3)
        with pytest.raises(errors.InputError, match="seed"):
            next(explain.cascade(network(), seed=-1))


class TestReadout:
    def test_r_squared_is_scipys(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 300))
        y = 2 * x + y
        line = stats.linregress(x, y)
        said = readout.fit(x, y, ridge=0)(x[:, None])
        np.testing.assert_allclose(said[:, 0], line.intercept + line.slope * x, rtol=1e-6)
        assert readout.r_squared(said, y) == pytest.approx(line.rvalue**2)

    def test_lines_are_least_squares(self):
        rng = np.random.default_rng(1)
        x, y = rng.standard_normal((200, 5)) * [1, 10, 0.1, 3, 1] + 7, rng.standard_normal((200, 2))
        wide = np.column_stack([x, np.ones(200)])
        wanted = wide @ np.linalg.lstsq(wide, y, rcond=None)[0]
        np.testing.assert_allclose(readout.fit(x, y, ridge=0)(x), wanted, rtol=1e-6, atol=1e-8)

    def test_ridge_is_the_penalised_least_squares(self):
        rng = np.random.default_rng(2)
        x, y = rng.standard_normal((50, 4)), rng.standard_normal((50, 1))
        line = readout.fit(x, y, ridge=0.5)
        z = (x - x.mean(0)) / x.std(0)
        # the same as rows of sqrt(r N) below the data that want 0
        stacked = np.concatenate([z, np.sqrt(0.5 * 50) * np.eye(4)])
        wanted = np.linalg.lstsq(
            stacked, np.concatenate([y - y.mean(0), np.zeros((4, 1))]), rcond=None
        )[0]
        np.testing.assert_allclose(line.weights, wanted, rtol=1e-6, atol=1e-9)

    @given(seed=st.integers(0, 99))
    def test_r_squared_is_at_most_one_and_zero_for_the_mean(self, seed):
        y = np.random.default_rng(seed).standard_normal((30, 2))
        assert readout.r_squared(y, y) == 1
        assert readout.r_squared(np.tile(y.mean(0), (30, 1)), y) == pytest.approx(0, abs=1e-12)
        assert readout.r_squared(-y, y) < 0

    def test_columns_that_never_change_are_no_trouble(self):
        x = np.column_stack([np.ones(20), np.arange(20.0)])
        np.testing.assert_allclose(
            readout.fit(x, x[:, 1], ridge=0)(x)[:, 0], np.arange(20.0), atol=1e-9
        )

    @pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
    def test_states_are_those_of_the_network_at_work(self, kind):
        found = motion.observe(5, 12, seed=4)
        network = motion.shipped(kind)
        seen, held = readout.states(network, found)
        assert seen.shape == (11, 5, 9)
        assert held.shape == (11, 5, network.units)
        weights = recurrent.trained(kind, network.form, network.arrays()).cell
        step, state = cells.KINDS[kind].step, cells.nothing_yet(kind, 5, network.units)
        for x, h in zip(seen, held, strict=True):
            state = step(x, state, weights)
            np.testing.assert_allclose(h, state[0], rtol=1e-3, atol=1e-4)

    @given(count=st.integers(2, 20), seed=st.integers(0, 50))
    def test_shuffling_moves_every_object_whole(self, count, seed):
        y = np.arange(3 * count).reshape(3, count, 1)
        moved = readout.shuffled(y, seed=seed)
        assert (moved != y).all()
        np.testing.assert_array_equal(np.sort(moved, axis=1), y)
        assert len(set(map(tuple, (moved - y[:, :1])[:, :, 0].T.tolist()))) == count

    def test_velocity_can_be_read_out_but_the_inputs_had_it_already(self):
        """What only the state holds is what is coming."""
        fitted = motion.observe(120, 40, seed=1, gaps=0.5)
        judged = motion.observe(100, 40, seed=2, part="test", gaps=0.5)
        table = readout.compare(motion.shipped("lstm"), fitted, judged)
        for row in table.values():
            assert row["state"] > row["shuffled"] + 0.2
            assert row["shuffled"] < 0.1
            assert row["state and inputs"] > max(row["state"], row["inputs"]) - 0.02
        assert table["velocity"]["inputs"] > table["velocity"]["state"]
        assert table["coming change"]["state"] > table["coming change"]["inputs"] + 0.1
        assert table["coming change"]["state"] > table["coming change"]["untrained"] + 0.1

    def test_what_is_read_out_is_of_the_frames_that_it_is_told_of(self):
        found = motion.observe(3, 12, seed=4)
        sizes = found.boxes[..., 2:] - found.boxes[..., :2]
        now, later = readout.velocity(found, 3), readout.coming(found, 3)
        assert now.shape == later.shape == (8, 3, 2)
        for t in range(8):
            np.testing.assert_allclose(now[t], found.velocities[t + 1] / sizes[t + 1], rtol=1e-5)
            then = (found.velocities[t + 4] - found.velocities[t + 1]) / sizes[t + 1]
            np.testing.assert_allclose(later[t], then, rtol=1e-4, atol=1e-6)
        with pytest.raises(errors.InputError, match="ahead"):
            readout.coming(found, 11)

    def test_what_does_not_fit_is_refused(self):
        good = np.random.default_rng(0).standard_normal((10, 2))
        for wrong, named in (
            (lambda: readout.fit(good, good[:5]), "x and y"),
            (lambda: readout.fit(good[:1], good[:1]), "x"),
            (lambda: readout.fit(good * np.nan, good), "x"),
            (lambda: readout.fit(good, good, ridge=-1), "ridge"),
            (lambda: readout.r_squared(good[:, :1], good), "said"),
            (lambda: readout.r_squared(good, np.ones((10, 2))), "true"),
        ):
            with pytest.raises(errors.InputError, match=named):
                wrong()


def test_a_map_is_checked_once_for_all_measures():
    heat, mask = pointing.checked([[1, 2], [3, 4]], np.eye(2, dtype=bool))
    assert heat.dtype == np.float64
    assert mask.sum() == 2
