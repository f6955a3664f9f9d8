"""The regression network and its tracker: geometry, what the state is for, and learning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_moved import STILLS

from tracklab import boxes as bx
from tracklab import errors, looking, scenes, trackers
from tracklab.models import regression
from tracklab.models.regression import network as nw
from tracklab.models.regression import recipe
from tracklab.models.siamese import Films, closed_loop
from tracklab.quiet import tf
from tracklab.trackers.regression import RegressionTracker

PIXELS = nw.PIXELS
CORNER = st.floats(-50, 300)
SIZE = st.floats(nw.SMALLEST, 200)


def box_of(x, y, width, height):
    return np.float32([[x, y, x + width, y + height]])


BOX = st.builds(box_of, CORNER, CORNER, SIZE, SIZE)


def shaken(recurrent=True, seed=0):
    """A network whose answers depend on all of its parts."""
    network = regression.Regressor(recurrent=recurrent, units=12, seed=seed)
    rng = np.random.default_rng(seed)
    network.last.kernel.assign(rng.normal(0, 0.05, network.last.kernel.shape))
    return network


class TestGeometry:
    @given(BOX, BOX)
    def test_there_and_back(self, box, other):
        middles, sides = nw.around(box)
        back = nw.to_frame(middles, sides, nw.to_crop(middles, sides, other))
        np.testing.assert_allclose(back, other, atol=0.01)

    @given(BOX)
    def test_what_stays_is_still_whatever_its_shape(self, box):
        np.testing.assert_allclose(nw.to_crop(*nw.around(box), box)[0], nw.STILL, atol=1e-3)

    @given(st.tuples(*[st.floats(-3, 3)] * 4))
    def test_within_reason(self, corners):
        found = nw.within_reason(np.float32([corners])).numpy()
        size = bx.sizes(found)
        low, high = 1 / nw.CONTEXT / nw.GROWTH, nw.GROWTH / nw.CONTEXT
        assert (size >= low - 1e-5).all()
        assert (size <= high + 1e-5).all()
        middle = bx.centers(found)
        assert ((middle >= -1e-5) & (middle <= 1 + 1e-5)).all()
        # what is reasonable stays as it is
        np.testing.assert_allclose(nw.within_reason(found), found, atol=1e-5)

    @pytest.mark.parametrize("box", [(60, 40, 20, 26), (2, 90, 30, 12), (30, 20, 90, 70)])
    def test_training_sees_the_crop_of_the_tracker(self, box):
        frame = np.asarray(scenes.render(seed=2, frames=1, size=(120, 160)).frames)
        middles, sides = nw.around(box_of(*box))
        cut = closed_loop.cut(tf.constant(frame), middles, sides, PIXELS)[0]
        part = nw.to_frame(middles, sides, np.float32([[0, 0, 1, 1]]))[0]
        drawn = looking.look(frame[0], part, (PIXELS, PIXELS))
        # OpenCV rounds places to 1/32 of a pixel and values to whole ones, and averages in blocks
        assert np.abs(cut.numpy() - drawn).mean() < 1.5


class TestNetwork:
    @pytest.mark.parametrize("recurrent", [True, False])
    def test_at_first_the_object_stays(self, recurrent):
        network = regression.Regressor(recurrent=recurrent, seed=3)
        crops = np.random.default_rng(0).integers(0, 256, (2, 3, PIXELS, PIXELS, 3), np.uint8)
        corners, hidden = network.step(*crops, network.nothing_yet(3))
        np.testing.assert_allclose(corners, np.tile(nw.STILL, (3, 1)), atol=0.1)
        assert hidden.shape == (3, nw.UNITS)

    def test_both_crops_count_and_so_does_their_order(self):
        network = shaken(recurrent=False)
        one, other = np.random.default_rng(1).integers(0, 256, (2, 1, PIXELS, PIXELS, 3), np.uint8)
        state = network.nothing_yet(1)
        answers = [
            network.step(a, b, state)[0].numpy()
            for a, b in ((one, one), (one, other), (other, one))
        ]
        for k in range(3):
            assert np.abs(answers[k] - answers[k - 1]).max() > 1e-3

    def test_only_the_recurrent_one_remembers(self):
        crops = np.random.default_rng(2).integers(0, 256, (2, 1, PIXELS, PIXELS, 3), np.uint8)
        for recurrent in (True, False):
            network = shaken(recurrent)
            first, state = network.step(*crops, network.nothing_yet(1))
            again, _ = network.step(*crops, state)
            assert (np.abs(first - again).max() > 1e-4) == recurrent

    def test_weights_repeat(self):
        one, same, other = (regression.Regressor(units=4, seed=seed) for seed in (5, 5, 6))
        pairs = list(zip(one.variables, same.variables, other.variables, strict=True))
        assert all(np.array_equal(a, b) for a, b, _ in pairs)
        assert not all(np.array_equal(a, c) for a, _, c in pairs)
        assert one.weights == sum(v.numpy().size for v in one.variables)

    @pytest.mark.parametrize("units", [0, 2.5, "many", None])
    def test_bad_units(self, units):
        with pytest.raises(errors.InputError, match="units"):
            regression.Regressor(units=units)


class TestTraining:
    FILMS = Films(STILLS, batch_size=4, size=96, lengths=((0.0, 4),))

    def test_led_at_first_and_alone_later(self):
        led = [recipe.Led(self.FILMS).batch(1, progress)[3] for progress in (0.0, 0.25, 0.5, 1.0)]
        assert led[0].all()
        assert 0 < led[1].mean() < 1
        assert not led[2].any()
        assert not led[3].any()
        assert np.array_equal(led[1], recipe.Led(self.FILMS).batch(1, 0.25)[3])

    def test_an_object_that_stands_still_costs_nothing(self):
        frames = np.repeat(scenes.render(seed=1, frames=1, size=(96, 96)).frames[:1], 3, 0)[None]
        boxes = np.tile(np.float32([30, 30, 60, 50]), (1, 3, 1))
        seen = np.ones((1, 3), np.float32)
        network = regression.Regressor(units=4)
        network.last.kernel.assign(np.zeros_like(network.last.kernel))
        for led in (seen, 0 * seen):
            found = recipe.follow(network, frames, boxes, seen, led)
            assert float(found["loss"]) == pytest.approx(0, abs=1e-5)
            assert float(found["overlap"]) == pytest.approx(1, abs=1e-4)

    def test_the_error_is_in_sides_of_the_crop(self):
        frames = np.zeros((1, 2, 96, 96, 3), np.uint8)
        boxes = np.float32([[[30, 30, 50, 50], [34, 30, 54, 50]]])
        seen = np.ones((1, 2), np.float32)
        network = regression.Regressor(units=4)
        network.last.kernel.assign(np.zeros_like(network.last.kernel))
        found = recipe.follow(network, frames, boxes, seen, seen)
        # 4 of 40 pixels in two of four numbers; 16 x 20 of 400 + 400 - 320 pixels
        assert float(found["loss"]) == pytest.approx(0.05, rel=0.01)
        assert float(found["overlap"]) == pytest.approx(320 / 480, rel=1e-3)
        # what is hidden, and what has left the crop, is not learned
        for moved, shown in ((boxes, 0 * seen), (boxes + np.float32([[[0], [90]]]), seen)):
            found = recipe.follow(network, frames, moved, shown, seen)
            assert float(found["loss"]) == 0

    def test_it_learns_where_the_other_crop_went(self):
        """One clip by heart: a network that could not see both crops would not."""
        network = regression.Regressor(units=32, seed=1)
        one = self.FILMS.batch(3)

        class Same:
            seed, steps_per_epoch = 0, 100.0

            def batch(self, step, progress):
                return one

        before = recipe.follow(network, *one, np.ones_like(one[2]))
        curves = regression.train(network, Same(), steps=60, progress=False)
        after = recipe.follow(network, *one, np.ones_like(one[2]))
        assert len(curves) == 60
        assert float(after["loss"]) < 0.5 * float(before["loss"])
        assert float(after["overlap"]) > float(before["overlap"]) + 0.1


class TestTracker:
    def clip(self):
        return scenes.render(seed=5, frames=6, size=(120, 160), objects=1)

    def test_as_the_network_says(self):
        clip, network = self.clip(), shaken()
        track = trackers.run(RegressionTracker(network), clip)
        assert track.boxes.shape == (6, 4)
        last, state = track.boxes[:1], network.nothing_yet(1)
        for t in range(1, 6):
            middles, sides = nw.around(last)
            crops = [
                closed_loop.cut(tf.constant(clip.frames[k : k + 1]), middles, sides, PIXELS)
                for k in (t - 1, t)
            ]
            corners, state = network.step(*crops, state)
            said = nw.to_frame(middles, sides, nw.within_reason(corners))
            np.testing.assert_allclose(track.boxes[t : t + 1], said, atol=1.0)
            last = track.boxes[t : t + 1]

    def test_reset(self):
        clip, network = self.clip(), shaken()
        usual, each, never = (
            trackers.run(RegressionTracker(network, reset=reset), clip).boxes
            for reset in (None, 1, 1000)
        )
        assert np.array_equal(usual, never)
        assert np.array_equal(usual[1], each[1])
        assert np.abs(usual[2:] - each[2:]).max() > 1e-3
        # as if the clip had begun with the frame before
        for t in range(2, 6):
            alone = trackers.run(
                RegressionTracker(network), clip.frames[t - 1 : t + 1], each[t - 1]
            )
            np.testing.assert_allclose(alone.boxes[1], each[t], atol=1e-3)

    def test_without_a_state_there_is_nothing_to_reset(self):
        clip, network = self.clip(), shaken(recurrent=False)
        one, other = (
            trackers.run(RegressionTracker(network, reset=reset), clip).boxes for reset in (None, 1)
        )
        assert np.array_equal(one, other)

    def test_init_forgets_what_was_followed_before(self):
        clip, tracker = self.clip(), RegressionTracker(shaken())
        one, again = (trackers.run(tracker, clip).boxes for _ in range(2))
        assert np.array_equal(one, again)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 1000))
    def test_boxes_stay_boxes(self, seed):
        rng = np.random.default_rng(seed)
        network = regression.Regressor(units=4, seed=seed)
        network.last.kernel.assign(rng.normal(0, 3, network.last.kernel.shape))
        frames = rng.integers(0, 256, (5, 40, 60, 3), np.uint8)
        low = rng.uniform(-5, 30, 2)
        box = [*low, *(low + rng.uniform(5.5, 30, 2))]
        for found in trackers.run(RegressionTracker(network), frames, box).boxes[1:]:
            assert np.isfinite(found).all()
            assert (bx.sizes(found) >= nw.SMALLEST * 0.15).all()
            middle = bx.centers(found)
            assert ((middle >= -1e-3) & (middle <= [60.001, 40.001])).all()

    @pytest.mark.parametrize("network", [None, "regression", object()])
    def test_bad_network(self, network):
        with pytest.raises(errors.InputError, match="Regressor"):
            RegressionTracker(network)

    @pytest.mark.parametrize("reset", [0, -1, 1.5, "often"])
    def test_bad_reset(self, reset):
        with pytest.raises(errors.InputError, match="reset"):
            RegressionTracker(shaken(), reset=reset)
