"""What the tracker's networks learn from, and that they learn."""

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, scenes, trackers, training
from tracklab.datasets import moved
from tracklab.metrics import single
from tracklab.models import siamese
from tracklab.models.siamese import closed_loop, geometry, rehearsal
from tracklab.models.siamese import films as fm
from tracklab.quiet import tf
from tracklab.trackers.recurrent import RecurrentTracker

SMALL = {"widths": (4, 6, 6), "blocks": 0, "depth": 6, "parts": 3, "head": 4}


@pytest.fixture(scope="module")
def stills():
    """Some pictures of the drawn thumbnails' kind, without any download."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (60, 6, 6, 3), dtype=np.uint8)
    return moved.Stills(np.repeat(np.repeat(coarse, 6, 1), 6, 2), name="squares")


@pytest.fixture(scope="module")
def network():
    return siamese.Siamese(**SMALL, seed=1)


class TestPairs:
    def test_what_comes_out(self, stills):
        pairs = siamese.Pairs(stills, batch_size=3, windows=4, longest=9)
        windows, boxes, visible, wrong, mixes, guesses = pairs.batch(2)
        side = geometry.SEARCH
        assert (windows.shape, windows.dtype) == ((3, 4, side, side, 3), np.uint8)
        assert (boxes.shape, visible.shape, wrong.shape) == ((3, 4, 4), (3, 4), (3, 4, 4))
        assert mixes.shape == (3, 3)
        assert guesses.shape == (2, 9, 4)
        assert all(np.isfinite(part).all() for part in (boxes, visible, wrong, mixes, guesses))
        # where it is remembered from it lies in the middle, and is as large as all objects are
        assert np.allclose(bx.centers(boxes[:, 0]), side / 2, atol=0.1)
        assert np.allclose(np.sqrt(bx.area(boxes[:, 0])), geometry.OBJECT, rtol=0.15)

    def test_they_repeat(self, stills):
        once, again = (siamese.Pairs(stills, batch_size=2, seed=s).batch(5) for s in (3, 3))
        other = siamese.Pairs(stills, batch_size=2, seed=4).batch(5)
        assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
        assert not np.array_equal(once[0], other[0])

    @pytest.mark.parametrize("wrong", [{"batch_size": 1}, {"windows": 1}, {"longest": 2}])
    def test_wrong_numbers_are_named(self, stills, wrong):
        with pytest.raises(errors.InputError, match=next(iter(wrong))):
            siamese.Pairs(stills, **wrong)


class TestFilms:
    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_what_comes_out(self, stills, monkeypatch, share):
        monkeypatch.setattr(fm, "SCENES", share)
        films = siamese.Films(stills, batch_size=4, lengths=((0.0, 6),))
        frames, boxes, visible = films.batch(1)
        assert (frames.shape, frames.dtype) == ((4, 6, fm.VIEW, fm.VIEW, 3), np.uint8)
        assert np.isfinite(boxes).all()
        assert (bx.sizes(boxes) > 0).all()
        assert visible.min() >= 0
        assert visible.max() <= 1
        middles = bx.centers(boxes[:, 0])
        assert ((middles > 0) & (middles < fm.VIEW)).all()
        again = siamese.Films(stills, batch_size=4, lengths=((0.0, 6),)).batch(1)
        assert all(
            np.array_equal(a, b) for a, b in zip((frames, boxes, visible), again, strict=True)
        )

    def test_no_scene_is_a_test_scene(self, stills, monkeypatch):
        seeds, render = [], scenes.render
        monkeypatch.setattr(fm, "SCENES", 1.0)
        monkeypatch.setattr(
            scenes,
            "render",
            lambda seed, *rest, **more: seeds.append(seed) or render(seed, *rest, **more),
        )
        for step in range(3):
            siamese.Films(stills, batch_size=4, lengths=((0.0, 3),)).batch(step)
        assert len(seeds) >= 12
        assert max(seeds) < scenes.TEST_SEED

    def test_an_object_out_of_view_is_not_to_be_found(self, stills, monkeypatch):
        monkeypatch.setattr(fm, "SCENES", 1.0)
        monkeypatch.setattr(scenes, "DIFFICULTIES", ("out_of_view",))
        monkeypatch.setattr(fm, "TURNED", (1, 2))
        _, boxes, visible = siamese.Films(stills, batch_size=8, lengths=((0.0, 40),)).batch(0)
        assert (visible == 0).any()
        assert np.isfinite(boxes).all()


@pytest.fixture(scope="module")
def followed(stills, network):
    films = siamese.Films(stills, batch_size=3, lengths=((0.0, 7),))
    cell = siamese.Cell(8, seed=2)
    for variable in cell.variables:  # one that says something
        variable.assign(variable + 0.1 * np.random.default_rng(1).normal(size=variable.shape))
    frames, boxes, visible = films.batch(0)
    return cell, closed_loop.follow(network, cell, frames, boxes[:, 0]), boxes, visible


class TestClosedLoop:
    def test_what_is_kept(self, followed):
        _, seen, boxes, _ = followed
        assert seen.logits.shape == (3, 6, geometry.CELLS, geometry.CELLS)
        assert seen.found.sizes.shape == (3, 6, 2)
        # at first it is expected at rest
        assert np.allclose(seen.here[:, 0], bx.centers(boxes[:, 0]), atol=1e-3)

    def test_gone_through_again_it_goes_as_it_went(self, network, followed):
        cell, seen, boxes, visible = followed
        parts = rehearsal.rehearse(network, cell, seen, boxes, visible)
        # windows lie where the object was expected, so they tell how far off that was
        s = np.sqrt(bx.area(boxes[:, 1:]))[..., None]
        off = np.linalg.norm((seen.here - bx.centers(boxes[:, 1:])) / s, axis=-1)
        assert float(parts["expected"]) == pytest.approx(np.minimum(off, 3).mean(), abs=1e-3)

    def test_gradients_by_finite_differences(self, network, followed):
        cell, seen, boxes, visible = followed

        def loss():
            parts = rehearsal.rehearse(network, cell, seen, boxes, visible)
            return parts["position"] + parts["size"] + parts["overlap"]

        with tf.GradientTape() as tape:
            value = loss()
        known = tape.gradient(value, cell.trainable_variables)
        rng = np.random.default_rng(5)
        way = [rng.normal(size=v.shape).astype(np.float32) for v in cell.trainable_variables]
        slope = sum(float(np.sum(g * w)) for g, w in zip(known, way, strict=True))
        start = [v.numpy() for v in cell.trainable_variables]
        values = []
        for step in (1e-3, -1e-3):
            for v, a, w in zip(cell.trainable_variables, start, way, strict=True):
                v.assign(a + step * w)
            values.append(float(loss()))
        for v, a in zip(cell.trainable_variables, start, strict=True):
            v.assign(a)
        assert abs(slope) > 1e-3
        assert (values[0] - values[1]) / 2e-3 == pytest.approx(slope, rel=0.05)

    def test_shaken_it_looks_the_same(self, followed):
        _, seen, boxes, _ = followed
        seen = closed_loop.Followed(*(np.asarray(part) for part in seen))
        rng = np.random.default_rng(0)
        moved_seen, moved_boxes = rehearsal.shaken(rng, seen, boxes)
        # the truth stays where it was in the windows
        before = bx.centers(boxes[:, 1:]) - seen.here
        assert np.allclose(bx.centers(moved_boxes[:, 1:]) - moved_seen.here, before, atol=1e-2)
        assert np.allclose(moved_boxes[:, 0], boxes[:, 0])
        assert moved_seen.logits is seen.logits
        assert not np.allclose(moved_seen.sizes, seen.sizes)

    def test_films_are_followed_now_and_then_and_gone_through_often(self, stills, network):
        films = siamese.Films(stills, batch_size=2, lengths=((0.0, 3),))
        source = rehearsal.Rehearsals(network, siamese.Cell(4), films)
        batches = [source.batch(step) for step in range(rehearsal.AGAIN + 1)]
        assert len(source._kept) == 2
        assert all(len(part) == 2 * rehearsal.AT_ONCE for batch in batches for part in batch)


class Passing:
    """Objects that pass behind things, as they would be seen: a source without any picture."""

    steps_per_epoch = 100.0

    def batch(self, step, progress=0.0, count=24, length=24):
        rng = np.random.default_rng([step, 1])
        size = np.full((count, 1, 2), 20.0)
        speed = rng.normal(0, 4, (count, 1, 2))
        middles = 100 + speed * np.arange(length)[:, None]
        gone = rng.integers(5, 9, count)[:, None]
        t = np.arange(length)
        shown = np.where((t >= gone) & (t < gone + 8), 0.0, 1.0)
        # hidden, something beside the way is taken for it
        aside = middles + rng.normal(0, 15, (count, length, 2))
        found = np.where(shown[..., None] > 0, middles + rng.normal(0, 0.5, middles.shape), aside)
        here = found[:, 1:]
        scale = np.full((count, length - 1, 1), geometry.OBJECT / 20)
        off = (geometry.PLACES - geometry.SEARCH / 2) ** 2 / 72
        peak = np.broadcast_to(
            -(off[:, None] + off), (count, length - 1, geometry.CELLS, geometry.CELLS)
        )
        logits = 8 * shown[:, 1:, None, None] + peak
        numbers = np.ones((count, length - 1, 1))
        seen = closed_loop.Followed(
            here=here,
            scale=scale,
            logits=logits,
            middles=found[:, 1:],
            sizes=np.broadcast_to(size, here.shape),
            score=numbers,
            peak=8 * shown[:, 1:, None],
            rival=numbers,
            verdict=6 * shown[:, 1:, None] - 3,
        )
        boxes = np.concatenate([middles - size / 2, middles + size / 2], -1)
        return tuple(np.float32(part) for part in (*seen, boxes, shown))


def test_a_cell_learns_to_coast(network):
    """Behind something it is not to believe what is found; the expected place is better."""
    source, cell = Passing(), siamese.Cell(8, seed=0)

    def position():
        *seen, boxes, visible = source.batch(10**6)
        return float(
            rehearsal.rehearse(network, cell, closed_loop.Followed(*seen), boxes, visible)[
                "position"
            ]
        )

    def objective(cell, batch):
        *seen, boxes, visible = batch
        parts = rehearsal.rehearse(network, cell, closed_loop.Followed(*seen), boxes, visible)
        return {"loss": parts["position"]}

    before = position()
    training.fit(
        cell,
        source,
        steps=120,
        objective=objective,
        optimizer="adam",
        learning_rate=1e-2,
        progress=False,
    )
    assert position() < 0.5 * before


@pytest.mark.slow
def test_a_small_network_learns_to_follow():
    """Forty CPU seconds from still pictures, beside the same network before them."""

    def auc(network):
        running, found = siamese.Running(network, None), []
        for dial in ("rotation", "clutter", "illumination"):
            for seed in (1, 2):
                clip = scenes.render(
                    scenes.TEST_SEED + seed, 40, (160, 200), 1, speed=(1.5, 4), **{dial: 0.8}
                )
                track = trackers.run(RecurrentTracker(network=running, stateless=True), clip)
                found.append(single.success_auc(track.inside(*clip.size), clip.truth))
        return np.mean(found)

    untrained = auc(siamese.Siamese.small())
    network = siamese.Siamese.small()
    pairs = siamese.Pairs(moved.Stills.cifar10(2000), batch_size=8)
    curves = siamese.train(network, pairs, cpu_seconds=40, progress=False)
    last = max(len(curves) // 10, 1)
    assert curves["found"][-last:].mean() > 0.8
    chance = np.log(geometry.CELLS**2 + 1)
    assert curves["place"][-last:].mean() < 0.65 * chance
    assert auc(network) > max(untrained + 0.2, 0.5)


def test_training_can_be_stopped_and_goes_on(stills, tmp_path, monkeypatch):
    """Seeing that is done is not done again."""
    from tracklab.models.siamese import recipe, ship

    monkeypatch.setattr(moved.Stills, "cifar10", classmethod(lambda cls: stills))
    monkeypatch.setattr(ship, "Siamese", lambda seed: siamese.Siamese(**SMALL, seed=seed))
    calls, train = [], recipe.train

    def counted(*args, **options):
        calls.append(1)
        return train(*args, **options)

    def stopped(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "train", counted)
    monkeypatch.setattr(rehearsal, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        siamese.train_shipped(lambda running: {}, tmp_path, quick=True)
    assert len(calls) == 1
    monkeypatch.undo()
    monkeypatch.setattr(moved.Stills, "cifar10", classmethod(lambda cls: stills))
    monkeypatch.setattr(ship, "Siamese", lambda seed: siamese.Siamese(**SMALL, seed=seed))
    monkeypatch.setattr(recipe, "train", counted)
    judged = []
    path = siamese.train_shipped(
        lambda running: judged.append(running) or {"x": 0.5}, tmp_path, quick=True
    )
    assert len(calls) == 1
    assert path.exists()
    assert "0.5" in path.with_suffix(".md").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "siamese.json",
        "siamese.md",
        "siamese.npz",
    ]
    monkeypatch.undo()
    network, cell = siamese.load(tmp_path)
    trained = [*judged[0].siamese.variables, *judged[0].cell.variables]
    for a, b in zip([*network.variables, *cell.variables], trained, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-6)  # kernels are stored in half the bits


def test_quick_weights_need_a_folder():
    with pytest.raises(errors.InputError, match="folder"):
        siamese.train_shipped(lambda running: {}, quick=True)
