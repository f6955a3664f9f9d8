"""The tracker's network: its geometry, its cues one by one, its belief, its training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tracklab import boxes as bx
from tracklab import scenes
from tracklab.models.siamese import belief as bf
from tracklab.models.siamese import (
    cell,
    closed_loop,
    correlation,
    embedding,
    frame,
    geometry,
    losses,
    network,
    running,
    second_look,
    votes,
)
from tracklab.models.siamese import memory as mm
from tracklab.quiet import tf

CELLS, GRID = geometry.CELLS, mm.GRID


@pytest.fixture(scope="module")
def siamese():
    return network.Siamese(widths=(8, 12, 12), blocks=1, depth=8, parts=6, head=8, seed=1)


@pytest.fixture(scope="module")
def windows():
    clip = scenes.render(seed=4, frames=3, size=(96, 96), objects=3)
    return np.asarray(clip.frames)


BOXES = np.array([[36, 30, 60, 64], [40, 42, 56, 60], [30, 20, 50, 76]], np.float32)


def unit(rng, shape):
    x = rng.normal(size=shape).astype(np.float32)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class TestGeometry:
    @given(
        st.tuples(st.floats(-50, 700), st.floats(-50, 500)),
        st.tuples(st.floats(1, 300), st.floats(1, 300)),
    )
    def test_there_and_back(self, middle, size):
        here = geometry.window(middle, size)
        box = np.array([10, 20, 110, 60], np.float32)
        back = geometry.to_frame(here, geometry.to_window(here, box))
        assert np.allclose(back, box, atol=0.02)

    @given(st.floats(4, 300), st.floats(0.25, 4))
    def test_an_object_has_always_the_same_area(self, side, shape):
        size = np.array([side * np.sqrt(shape), side / np.sqrt(shape)])
        box = np.concatenate([100 - size / 2, 100 + size / 2])
        seen = geometry.to_window(geometry.window((100, 100), size), box)
        assert bx.area(seen) == pytest.approx(geometry.OBJECT**2, rel=1e-3)
        assert np.allclose(bx.centers(seen), geometry.SEARCH / 2, atol=1e-3)

    def test_what_is_drawn_lies_where_boxes_say(self):
        frame = np.zeros((200, 300, 3), np.uint8)
        frame[80:110, 150:190] = 255
        here = geometry.window((160, 100), (40, 30))
        seen = geometry.draw(frame, here)[..., 0] > 127
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert np.allclose(found, geometry.to_window(here, [150, 80, 190, 110]), atol=1)

    def test_tensorflow_cuts_the_same_window(self):
        frame = np.asarray(scenes.render(seed=2, frames=1, size=(120, 160)).frames)
        for middle, size in (((80, 60), (20, 26)), ((5, 110), (24, 12)), ((90, 50), (24, 24))):
            here = geometry.window(middle, size)
            cut = closed_loop.cut(
                tf.constant(frame),
                tf.constant([middle], tf.float32),
                tf.constant([[here.side]], tf.float32),
            )
            drawn = geometry.draw(frame[0], here)
            # OpenCV rounds places to 1/32 of a pixel and values to whole ones
            assert np.abs(cut[0].numpy() - drawn).mean() < 1.0


class TestMemory:
    def test_a_grid_is_read_between_the_cells(self):
        embedded = np.random.default_rng(0).normal(size=(3, CELLS, CELLS, 5)).astype(np.float32)
        found = mm.sample(embedded, BOXES, GRID).numpy()
        for n, box in enumerate(BOXES):
            step = np.sqrt(bx.area(box)) / geometry.OBJECT
            across, down = (
                c / geometry.STRIDE - 0.5 + step * (np.arange(GRID) - GRID // 2)
                for c in bx.centers(box)
            )
            where = np.meshgrid(down, across, indexing="ij")
            for d in range(5):
                known = ndimage.map_coordinates(
                    embedded[n, ..., d], where, order=1, mode="constant"
                )
                assert np.allclose(found[n, ..., d], known, atol=1e-4)

    def test_the_mask_has_the_area_of_the_object(self):
        inside = mm.inside(BOXES).numpy()
        # in cells of STRIDE pixels an object has 36, whatever its shape, where the grid holds it
        assert inside[:2].sum(1) == pytest.approx([36, 36], rel=0.06)
        assert ((inside >= 0) & (inside <= 1)).all()

    def test_what_is_inside_is_not_outside(self, siamese, windows):
        memory = siamese.remember(siamese.embed(windows), tf.constant(BOXES))
        beyond = memory.outside.numpy().reshape(3, CELLS // 2, CELLS // 2)
        for n, (x1, y1, x2, y2) in enumerate((BOXES // 8).astype(int)):
            assert beyond[n, y1 + 1 : y2, x1 + 1 : x2].max() == 0
            assert beyond[n, 0, 0] == 1

    def test_blending(self, siamese, windows):
        embedded = siamese.embed(windows)
        old = siamese.remember(embedded, tf.constant(BOXES))
        new = siamese.remember(embedded, tf.constant(BOXES + 6))
        none = mm.blend(old, new, tf.zeros(3), tf.zeros(3))
        for a, b in zip(tf.nest.flatten(none), tf.nest.flatten(old), strict=True):
            assert np.array_equal(a, b)
        all_of_it = mm.blend(old, new, tf.ones(3), tf.ones(3))
        for a, b in zip(tf.nest.flatten(all_of_it), tf.nest.flatten(new), strict=True):
            assert np.allclose(a, b, atol=1e-4)
        third = mm.blend(old, new, tf.constant([0, 0.25, 1.0]), tf.zeros(3))
        assert np.allclose(third.cells[1], 0.75 * old.cells[1] + 0.25 * new.cells[1], atol=1e-5)
        assert np.array_equal(third.inside[0], old.inside[0])
        assert np.array_equal(third.inside[1], new.inside[1])


class TestVotes:
    def test_each_cell_of_the_template_votes_for_the_middle(self):
        volume = np.random.default_rng(1).normal(size=(2, GRID * GRID, CELLS * CELLS))
        volume = volume.astype(np.float32)
        found = votes.align(volume).numpy()
        known = np.zeros_like(found)
        maps = volume.reshape(2, GRID * GRID, CELLS, CELLS)
        weights = np.random.default_rng(2).normal(size=known.shape).astype(np.float32)
        slope = np.zeros_like(maps)
        for k in range(GRID * GRID):
            dy, dx = k // GRID - GRID // 2, k % GRID - GRID // 2
            for y in range(CELLS):
                for x in range(CELLS):
                    if 0 <= y + dy < CELLS and 0 <= x + dx < CELLS:
                        known[:, y, x, k] = maps[:, k, y + dy, x + dx]
                        slope[:, k, y + dy, x + dx] = weights[:, y, x, k]
        assert np.array_equal(found, known)
        with tf.GradientTape() as tape:
            tape.watch(cast := tf.constant(volume))
            total = tf.reduce_sum(votes.align(cast) * weights)
        assert np.array_equal(tape.gradient(total, cast), slope.reshape(volume.shape))

    def test_an_object_votes_for_its_own_place(self):
        embedded = unit(np.random.default_rng(2), (1, CELLS, CELLS, 16))
        # a box whose grid lies on the cells: middle on a cell's, area OBJECT^2
        middle = geometry.PLACES[[14, 9]]
        half = geometry.OBJECT / 2
        box = np.array([[*(middle - half), *(middle + half)]], np.float32)
        cells = tf.reshape(mm.sample(embedded, box, GRID), (1, GRID * GRID, 16))
        cast = votes.align(votes.compare(cells, embedded)).numpy().sum(-1)[0]
        assert np.unravel_index(cast.argmax(), cast.shape) == (9, 14)
        assert cast.max() == pytest.approx(GRID * GRID, rel=1e-4)

    def test_masked_cells_are_no_match(self):
        rng = np.random.default_rng(3)
        embedded, cells = unit(rng, (1, CELLS, CELLS, 8)), unit(rng, (1, 5, 8))
        volume = votes.compare(cells, embedded)
        mask = np.array([[1, 0, 1, 0, 0]], np.float32)
        found = votes.best(volume, mask).numpy()[0, ..., 0]
        known = np.einsum("kd,yxd->kyx", cells[0], embedded[0])[[0, 2]].max(0)
        assert np.allclose(found, known, atol=1e-5)


class TestCorrelation:
    def learned(self, rng, depth=6):
        embedded = unit(rng, (1, CELLS, CELLS, depth))
        middle = np.array([[geometry.PLACES[13], geometry.PLACES[10]]], np.float32)
        return embedded, middle, correlation.learn(embedded, middle)

    def test_it_answers_the_object_with_a_peak(self):
        embedded, middle, learned = self.learned(np.random.default_rng(4))
        found = correlation.respond(correlation.spectrum(embedded, middle), learned, 1e-3)
        found = found.numpy()[0, ..., 0]
        assert np.unravel_index(found.argmax(), found.shape) == (10, 13)
        assert found.max() == pytest.approx(correlation.LOUD, rel=0.02)

    def test_moved_by_cells_the_peak_moves_along(self):
        embedded, middle, learned = self.learned(np.random.default_rng(5))
        step = geometry.STRIDE * np.array([[3, -2]], np.float32)
        moved = np.roll(embedded, (-2, 3), (1, 2))
        found = correlation.respond(correlation.spectrum(moved, middle + step), learned, 1e-2)
        found = found.numpy()[0, ..., 0]
        assert np.unravel_index(found.argmax(), found.shape) == (8, 16)

    def test_it_is_the_ridge_regression_of_numpy(self):
        embedded, middle, learned = self.learned(np.random.default_rng(6), depth=1)
        # with one channel: H* = F* G / (|F|^2 + r), the least squares solution at each frequency
        faded = np.fft.irfft2(correlation.spectrum(embedded, middle).numpy()[0, 0], (CELLS, CELLS))
        F = np.fft.fft2(faded)
        y, x = np.mgrid[:CELLS, :CELLS]
        G = np.fft.fft2(np.exp(-((x - 13) ** 2 + (y - 10) ** 2) / 2))
        known = np.fft.ifft2(np.conj(F) * G / (np.abs(F) ** 2 + 0.5) * F).real
        found = correlation.respond(correlation.spectrum(embedded, middle), learned, 0.5)
        assert np.allclose(found[0, ..., 0], correlation.LOUD * known, atol=1e-4)


class TestSecondLook:
    @given(st.integers(0, 2**31))
    @settings(max_examples=25, deadline=None)
    def test_offsets_are_undone(self, seed):
        rng = np.random.default_rng(seed)
        low = rng.uniform(20, 50, (8, 2))
        boxes = np.concatenate([low, low + rng.uniform(8, 30, (8, 2))], 1).astype(np.float32)
        true = boxes + rng.uniform(-2, 2, boxes.shape).astype(np.float32)
        assert np.allclose(
            second_look.moved(boxes, second_look.offsets(boxes, true)), true, atol=1e-3
        )

    def test_each_cell_meets_those_around_its_place(self):
        rng, wide = np.random.default_rng(11), GRID + 2 * second_look.REACH
        cells, read = unit(rng, (2, GRID * GRID, 5)), unit(rng, (2, wide, wide, 5))
        inside = rng.random((2, GRID * GRID)).astype(np.float32)
        memory = mm.Memory(cells, inside, None, None, None)
        found = second_look.nearby(tf.constant(read), memory).numpy()
        for k in (0, 7, 40, 80):
            row, column = divmod(k, GRID)
            near = second_look.NEAR
            part = read[:, row : row + near, column : column + near].reshape(2, -1, 5)
            known = np.einsum("nd,nwd->nw", cells[:, k], part) * inside[:, k, None]
            assert np.allclose(found[:, k], known, atol=1e-5)

    def test_cells_in_their_places_match_in_the_middle(self, siamese, windows):
        embedded = siamese.embed(windows)
        memory = siamese.remember(embedded, tf.constant(BOXES))
        wide = mm.sample(embedded, BOXES, GRID + 2 * second_look.REACH)
        volume = second_look.nearby(wide, memory).numpy()
        middle = second_look.NEAR**2 // 2
        own = (memory.cells.numpy() ** 2).sum(-1) * memory.inside.numpy()
        assert np.allclose(volume[..., middle], own, atol=1e-4)


class TestBelief:
    def belief(self, rng, count=4):
        middles, sizes = rng.uniform(20, 80, (count, 2)), rng.uniform(10, 30, (count, 2))
        born = bf.born(np.float32(middles), np.float32(sizes))
        return born._replace(velocities=np.float32(rng.normal(size=(count, 2))))

    def found(self, belief, rng):
        count = len(belief.middles)
        return bf.Found(
            np.float32(belief.expected + rng.normal(size=(count, 2))),
            np.float32(belief.sizes * np.exp(rng.normal(0, 0.1, (count, 2)))),
            np.float32(rng.random((count, 1))),
            *np.float32(rng.normal(size=(3, count, 1))),
        )

    def test_nothing_believed_goes_on_as_expected(self):
        rng = np.random.default_rng(7)
        belief = self.belief(rng)
        said = np.zeros((4, bf.SAID), np.float32)
        said[:, 0] = -60
        after, share = bf.correct(belief, self.found(belief, rng), said)
        assert np.allclose(after.middles, belief.expected, atol=1e-4)
        assert np.allclose(after.sizes, belief.sizes)
        assert share.numpy().max() < 1e-9

    def test_all_believed_is_what_was_found(self):
        rng = np.random.default_rng(8)
        belief = self.belief(rng)
        said = np.zeros((4, bf.SAID), np.float32)
        said[:, 0] = said[:, 3] = 60
        found = self.found(belief, rng)._replace(score=np.ones((4, 1), np.float32))
        after, _ = bf.correct(belief, found, said)
        assert np.allclose(after.middles, found.middles, atol=1e-4)
        near = np.abs(np.log(found.sizes / belief.sizes)).max(1) < bf.STEP
        assert near.any()
        assert np.allclose(after.sizes.numpy()[near], found.sizes[near], rtol=1e-4)

    def test_what_is_not_there_is_not_believed(self):
        rng = np.random.default_rng(8)
        belief = self.belief(rng)
        found = self.found(belief, rng)
        said = np.full((4, bf.SAID), 60, np.float32)
        _, share = bf.correct(belief, found, said)
        assert np.allclose(share, found.score, atol=1e-6)

    def test_the_prior_is_a_gaussian(self):
        found = bf.log_prior(np.float32([[50, 30]]), np.float32([[12]]))[0]
        y, x = np.meshgrid(geometry.PLACES, geometry.PLACES, indexing="ij")
        assert np.allclose(found, -((x - 50) ** 2 + (y - 30) ** 2) / (2 * 144), atol=1e-4)

    def test_without_a_cell(self):
        rng = np.random.default_rng(9)
        belief = self.belief(rng)
        found = self.found(belief, rng)._replace(score=np.float32([[0.1], [0.2], [0.6], [0.9]]))
        after, share = bf.taken(belief, found, 0.3, 0.5)
        assert share.numpy().ravel().tolist() == [0, 0, 1, 1]
        assert np.allclose(after.middles[:2], belief.middles[:2])
        assert np.allclose(after.middles[2:], found.middles[2:], atol=1e-5)

    def test_what_the_cell_sees_knows_no_size(self):
        rng = np.random.default_rng(10)
        belief = self.belief(rng)
        found = self.found(belief, rng)
        small = bf.look(belief, found)
        assert small.shape == (4, bf.SEEN)
        larger = [part * 3 for part in belief[:3]]
        found = found._replace(middles=found.middles * 3, sizes=found.sizes * 3)
        assert np.allclose(small, bf.look(bf.Belief(*larger, belief.spread), found), atol=1e-4)


class TestNetwork:
    def test_what_comes_out(self, siamese, windows):
        embedded = siamese.embed(windows)
        assert np.allclose(np.linalg.norm(embedded, axis=-1), 1, atol=1e-4)
        memory = siamese.remember(embedded, tf.constant(BOXES))
        cues = siamese.cues(embedded, memory, memory)
        assert cues.shape == (3, CELLS, CELLS, 2 * 6 + 8)
        response = siamese.respond(embedded, memory, memory)
        assert response.logits.shape == (3, CELLS, CELLS)
        # at first it says nearly nothing: cells' own places, and the size of an object
        assert np.allclose(response.middles[0, 4, 7], geometry.PLACES[[7, 4]], atol=2)
        assert np.allclose(response.sizes, geometry.OBJECT, rtol=0.5)

    @pytest.mark.parametrize("stateless", [False, True])
    def test_one_at_a_time_as_many_at_once(self, siamese, windows, stateless):
        recurrent = cell.Cell(8, seed=3)
        alone = running.Running(siamese, recurrent)
        middles = np.float32([[50, 60], [40, 30], [70, 20]])
        sizes = np.float32([[20, 30], [16, 18], [12, 40]])
        habits = frame.Habits()
        many = frame.begin(siamese, windows, middles, sizes, 8)
        scale = frame.zoom(many.belief)
        used = None if stateless else recurrent
        for _ in range(2):
            many, saw = frame.advance(siamese, used, many, windows, middles + 2, scale, habits)
        for n in range(3):
            mind = alone.begin(windows[n], middles[n], sizes[n])
            for _ in range(2):
                mind, own = alone.advance(
                    *(mind, windows[n], middles[n] + 2, float(scale[n, 0]), habits),
                    stateless=stateless,
                )
            assert np.allclose(own.posterior[0], saw.posterior[n], atol=1e-3)
            assert np.allclose(own.found.middles[0], saw.found.middles[n], atol=1e-2)
            assert np.allclose(mind.belief.middles[0], many.belief.middles[n], atol=1e-2)
            assert np.allclose(mind.running.cells[0], many.running.cells[n], atol=1e-3)

    def test_weights_repeat(self):
        small = {"widths": (4, 4, 4), "blocks": 0, "depth": 4, "parts": 2, "head": 4}
        one, other = (network.Siamese(**small, seed=5) for _ in range(2))
        for a, b in zip(one.variables, other.variables, strict=True):
            assert np.array_equal(a, b)
        assert len(one.trainable_variables) < len(one.variables)

    def test_a_cell_sees_no_more_than_it_should(self, windows):
        backbone = embedding.build(iter(range(100)), (8, 8, 8), 2, 4)
        changed = windows[:1].copy()
        changed[0, 0:4, 0:4] = 255 - changed[0, 0:4, 0:4]
        differ = np.abs(
            embedding.embed(backbone, changed) - embedding.embed(backbone, windows[:1])
        ).max(-1)[0]
        assert differ[0, 0] > 0
        assert np.flatnonzero(differ.max(0)).max() <= 5  # 43 pixels to both sides: 5 cells


class TestLosses:
    def test_the_wanted_map(self):
        middles = np.array(
            [[geometry.PLACES[5], geometry.PLACES[9]], [-3, 40], [50, 50]], np.float32
        )
        visible = np.array([1, 1, 0.05], np.float32)
        peak, there = losses.wanted(middles, visible)
        assert peak.numpy()[0].sum() == pytest.approx(1, abs=1e-5)
        assert peak.numpy()[0].argmax() == 9 * CELLS + 5
        assert there.numpy().tolist() == [1, 0, 0]

    def test_a_right_answer_costs_least(self):
        box = np.array([[40, 36, 64, 60]], np.float32)
        places = np.stack(np.meshgrid(geometry.PLACES, geometry.PLACES), -1)[None]
        middle, size = np.float32([52, 48]), np.float32([24, 24])
        peak, _ = losses.wanted(middle[None], np.ones(1, np.float32))
        right = network.Response(
            np.log(peak.numpy().reshape(1, CELLS, CELLS) + 1e-9),
            np.broadcast_to(middle, places.shape).astype(np.float32),
            np.broadcast_to(size, places.shape).astype(np.float32),
        )
        seen = np.ones(1, np.float32)
        best = losses.of_map(right, -9.0, box, seen)
        assert float(best["found"]) == pytest.approx(1, abs=0.01)
        assert float(best["offset"]) == pytest.approx(0, abs=1e-4)
        assert float(best["size"]) == pytest.approx(0, abs=1e-4)
        wrong = right._replace(logits=np.roll(right.logits, 5, 2), middles=right.middles + 6)
        worse = losses.of_map(wrong, -9.0, box, seen)
        assert worse["place"] > best["place"] + 1
        assert float(worse["offset"]) == pytest.approx(3, abs=1e-3)
        # where it is hidden, "nowhere" is right
        hidden = losses.of_map(right, 30.0, box, np.zeros(1, np.float32))
        assert hidden["place"] < 0.01
