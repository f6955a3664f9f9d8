"""Explanations: gradients are those of differences, shares add up, each method is its formula.

A small random network stands in for the shipped ones where any network will do.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import datasets, errors, explain, scenes, trackers
from tracklab.explain import baselines, gradcam, occlusion_sensitivity
from tracklab.explain.target import Asked
from tracklab.models import detector, shapes, siamese
from tracklab.quiet import keras, tf

SIZE = (24, 20)
NAMES = ("a", "b", "c")


def picture(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def network(bend="tanh", seed=3):
    """Smooth, so that differences and gradients must agree."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    pixels = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1)(pixels)
    x = layers.Conv2D(6, 3, activation=bend, padding="same")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(5, 3, activation=bend, padding="same", name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(pixels, layers.Dense(len(NAMES), kernel_initializer="orthogonal")(x))


def linear(weights):
    """What says `sum(weights * image)`: a network whose explanation is known."""

    def answer(images, given):
        return tf.einsum("nhwc,hwc->n", images, given), {"pixels": tf.identity(images)}

    return Asked(answer, ("pixels",), weights.shape[:2]).about(weights.astype(np.float32), "linear")


@pytest.fixture(scope="module")
def ask():
    return explain.Classes(network(), NAMES, SIZE)


@pytest.fixture(scope="module")
def sprites():
    return datasets.masked_scenes(6, part="test", seed=1)


@pytest.fixture(scope="module")
def shaped(sprites):
    return explain.Classes(shapes.shipped()[0], sprites.class_names, (64, 64))


@pytest.fixture(scope="module")
def street():
    return scenes.render_with_masks(seed=scenes.TEST_SEED + 3, frames=3, objects=4)


@pytest.fixture(scope="module")
def heads(street):
    return explain.Heads(detector.shipped()[0], street[0].size)


@pytest.fixture(scope="module")
def followed(street):
    """The tracker's target in the second frame, its window, and what the tracker itself saw."""
    clip, _ = street
    tracker = trackers.create("recurrent")
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    target, window = explain.Responses(siamese.shipped().siamese).step(tracker, clip.frames[1])
    return target, window, tracker.sight


class TestTargets:
    def test_a_logit_is_the_networks(self, ask):
        images = np.stack([picture(k) for k in range(3)])
        wanted = ask.model(images.astype(np.float32), training=False).numpy()
        for label, name in enumerate(NAMES):
            np.testing.assert_allclose(ask.about(label).values(images), wanted[:, label], rtol=1e-5)
            np.testing.assert_array_equal(
                ask.about(label).values(images), ask.about(name).values(images)
            )
        np.testing.assert_allclose(ask.logits(images[1]), wanted[1], rtol=1e-5)

    def test_batches_change_nothing(self, ask):
        images = np.stack([picture(k) for k in range(7)])
        target = ask.about(1)
        small = explain.Target(
            Asked(target.asked._value._function, target.layers, SIZE, batch=3), target.given, ""
        )
        assert small.asked.batch == 3
        one_by_one = np.concatenate([target.values(image[None]) for image in images])
        np.testing.assert_allclose(target.values(images), one_by_one, rtol=1e-5)

    def test_probabilities_are_the_sigmoid(self, ask):
        target, images = ask.about(0), np.stack([picture(k) for k in range(3)])
        y = target.values(images).astype(float)
        np.testing.assert_allclose(target.probabilities(images), 1 / (1 + np.exp(-y)), rtol=1e-5)

    def test_layers_are_the_last_of_each_size(self, ask):
        assert ask.about(0).layers == ("12 x 10",)
        named = explain.Classes(ask.model, NAMES, SIZE, layers=["last"]).about(0)
        assert named.layers == ("last",)
        np.testing.assert_array_equal(
            named.maps(picture())[1], ask.about(0).maps(picture(), "12 x 10")[1]
        )

    def test_a_channel_is_the_mean_of_its_map(self, ask):
        maps = keras.Model(ask.model.inputs[0], ask.model.get_layer("last").output)
        wanted = maps(picture()[None].astype(np.float32)).numpy().mean((0, 1, 2))
        found = [ask.channel("last", k).values(picture()[None])[0] for k in range(5)]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)

    def test_the_score_is_the_detectors_own(self, heads, street):
        """Of a region that the detector itself proposes, in `raw` and here."""
        frame = street[0].frames[0]
        model = heads.detector
        best = model.propose(frame, count=4).boxes
        maps = model.maps(detector.base.prepared(tf.constant(frame[None]))[0])
        logits, _ = model.classify(model.describe(maps, tf.constant(best[None])))
        shares = tf.nn.softmax(logits)[0].numpy()
        for box, row in zip(best, shares, strict=True):
            for label in (int(row[:-1].argmax()), 0):
                found = heads.score(box, label).probabilities(frame[None])[0]
                assert found == pytest.approx(row[label], rel=1e-3, abs=1e-6)

    def test_objectness_is_the_detectors_own(self, heads, street):
        frame = street[0].frames[0]
        known = heads.detector.propose(frame).objectness.ravel()
        for anchor in (0, int(known.argmax()), len(known) - 1):
            found = heads.objectness(anchor).probabilities(frame[None])[0]
            assert found == pytest.approx(known[anchor], rel=1e-3, abs=1e-6)
        box = heads.anchors[17]
        assert heads.best_anchor(box) == 17

    def test_the_response_is_the_trackers_own(self, followed):
        target, window, sight = followed
        row, column = np.unravel_index(sight.posterior.argmax(), sight.posterior.shape)
        wanted = sight.response[row, column] - sight.nowhere
        assert target.values(window[None])[0] == pytest.approx(wanted, rel=1e-3, abs=1e-3)

    def test_a_memory_is_made_of_a_window_and_a_box(self, followed):
        _, window, _ = followed
        asked = explain.Responses(siamese.shipped().siamese)
        kept = asked.remember(window, [36, 36, 60, 60])
        # an object looks most like itself where it is
        values = [asked.about(kept, kept, c).values(window[None])[0] for c in ((11, 11), (2, 20))]
        assert values[0] > values[1]


class TestGradients:
    @pytest.mark.parametrize("label", range(3))
    def test_are_those_of_differences(self, ask, label):
        target, x = ask.about(label), picture().astype(np.float32)
        said, slope = target.gradients(x[None])
        assert said[0] == pytest.approx(target.values(x[None])[0], rel=1e-5)
        rng = np.random.default_rng(label)
        for _ in range(4):
            way = rng.standard_normal(x.shape).astype(np.float32)
            high, low = target.values(np.stack([x + way, x - way])).astype(float)
            assert float((slope[0] * way).sum()) == pytest.approx((high - low) / 2, rel=0.02)

    def test_of_detector_and_tracker_are_those_of_differences(self, heads, street, followed):
        """ReLU has kinks: along the gradient itself, with a small step, they are few."""
        frame = street[0].frames[0].astype(np.float32)
        found = heads.detector.detect(street[0].frames[0])
        box, label = found.boxes[0], int(found.labels[0])
        window = followed[1].astype(np.float32)
        for target, image in (
            (heads.score(box, label), frame),
            (heads.objectness(heads.best_anchor(box)), frame),
            (followed[0], window),
        ):
            slope = target.gradients(image[None])[1][0]
            way = slope / np.abs(slope).max()
            high, low = target.values(np.stack([image + way, image - way])).astype(float)
            assert float((slope * way).sum()) == pytest.approx((high - low) / 2, rel=0.15)

    def test_to_a_layer_are_those_of_its_maps(self, ask):
        """The answer is a mean and a dense layer behind them."""
        y, maps, slope = ask.about(2).maps(picture())
        kernel, bias = ask.model.layers[-1].get_weights()
        assert y == pytest.approx(maps.mean((0, 1)) @ kernel[:, 2] + bias[2], rel=1e-4)
        wanted = np.broadcast_to(kernel[:, 2] / maps[..., 0].size, maps.shape)
        np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-8)


class TestSaliency:
    def test_is_the_largest_channel_of_the_gradient(self, ask):
        slope = ask.about(0).gradients(picture()[None])[1][0]
        np.testing.assert_array_equal(
            explain.vanilla(ask.about(0), picture()), np.abs(slope).max(-1)
        )

    def test_without_noise_smooth_is_vanilla(self, ask):
        found = explain.smooth(ask.about(0), picture(), noise=0.0, samples=3)
        np.testing.assert_allclose(found, explain.vanilla(ask.about(0), picture()), rtol=1e-4)

    def test_smooth_is_the_mean_over_noise(self, ask):
        """Over as many samples as there are, batches or not, and the same for the same seed."""
        target, x = ask.about(1), picture().astype(np.float32)
        found = explain.smooth(target, x, samples=40, noise=0.1, seed=5)
        np.testing.assert_array_equal(
            found, explain.smooth(target, x, samples=40, noise=0.1, seed=5)
        )
        rng = np.random.default_rng(5)
        sigma = 0.1 * (x.max() - x.min())
        drawn = np.concatenate(
            [rng.standard_normal((count, *x.shape), np.float32) for count in (32, 8)]
        )
        slopes = [target.gradients((x + sigma * each)[None])[1][0] for each in drawn]
        np.testing.assert_allclose(found, np.abs(np.mean(slopes, 0)).max(-1), rtol=1e-3, atol=1e-8)

    def test_smooth_is_less_rough(self, shaped, sprites):
        """What it is for: neighbours are more alike than those of one gradient."""
        target = shaped.about(int(sprites.labels[0, 0]))

        def roughness(heat):
            return np.abs(np.diff(heat, axis=0)).mean() / heat.mean()

        image = sprites.images[0]
        assert roughness(explain.smooth(target, image)) < roughness(explain.vanilla(target, image))


class TestIntegratedGradients:
    def test_of_a_linear_network_are_its_addends(self):
        weights = np.random.default_rng(0).standard_normal((*SIZE, 3))
        target, x = linear(weights), picture().astype(np.float32)
        found = explain.integrated(target, x, baseline=np.zeros_like(x), steps=1)
        np.testing.assert_allclose(found.shares, (weights * x).sum(-1), rtol=1e-3, atol=1e-3)
        assert found.error < 1e-3
        assert found.steps == 1

    @settings(max_examples=10)
    @given(seed=st.integers(0, 1000), label=st.integers(0, 2))
    def test_are_complete(self, ask, seed, label):
        found = explain.integrated(ask.about(label), picture(seed), tolerance=0.01)
        off = abs(found.shares.sum() - (found.answer - found.baseline))
        assert found.error <= 0.01 or found.steps == 512
        assert off <= max(abs(found.answer - found.baseline), 0.1) * 0.011
        values = ask.about(label).values(
            np.stack([picture(seed).astype(np.float32), explain.nothing(picture(seed) * 1.0)])
        )
        np.testing.assert_allclose(values, [found.answer, found.baseline], rtol=1e-4, atol=1e-5)

    def test_are_complete_for_all_three_kinds_of_networks(
        self, shaped, sprites, heads, street, followed
    ):
        found = heads.detector.detect(street[0].frames[0])
        for target, image in (
            (shaped.about(int(sprites.labels[0, 0])), sprites.images[0]),
            (heads.score(found.boxes[0], int(found.labels[0])), street[0].frames[0]),
            (heads.objectness(heads.best_anchor(found.boxes[0])), street[0].frames[0]),
            followed[:2],
        ):
            result = explain.integrated(target, image)
            assert result.error <= 0.05, target.name

    def test_take_more_steps_where_the_way_is_rough(self, ask):
        rough = explain.integrated(ask.about(0), picture(), steps=1, tolerance=1e-6, most=64)
        assert rough.steps == 64
        assert explain.integrated(ask.about(0), picture(), steps=2, tolerance=1.0).steps == 2

    def test_an_image_that_is_its_baseline_has_no_shares(self, ask):
        found = explain.integrated(ask.about(0), picture(), baseline=picture())
        assert not found.shares.any()
        assert found.error == 0


class TestGradCam:
    def test_is_equations_1_and_2(self, ask):
        x = tf.constant(picture()[None], tf.float32)
        model = ask.model
        split = keras.Model(model.inputs[0], [model.get_layer("last").output, model.outputs[0]])
        with tf.GradientTape() as tape:
            maps, logits = split(x, training=False)
            y = logits[:, 1]
        slope = tape.gradient(y, maps).numpy()[0]
        maps = maps.numpy()[0]
        total = np.zeros(maps.shape[:2])
        for k in range(maps.shape[2]):
            total += slope[..., k].sum() / slope[..., k].size * maps[..., k]
        small = np.maximum(total, 0)
        _, own, slopes = ask.about(1).maps(picture())
        np.testing.assert_allclose(gradcam.coarse(own, slopes), small, rtol=1e-3, atol=1e-7)
        large = tf.image.resize(small[..., None], SIZE)[..., 0].numpy()
        found = explain.grad_cam(ask.about(1), picture())
        np.testing.assert_allclose(found, large, rtol=1e-2, atol=1e-6)

    def test_where_slopes_are_alike_everywhere_local_is_the_same(self, ask):
        target = ask.about(0)  # the answer is a mean over places: it is
        np.testing.assert_allclose(
            explain.grad_cam(target, picture(), local=True),
            explain.grad_cam(target, picture()),
            rtol=1e-3,
            atol=1e-8,
        )

    def test_local_looks_only_where_the_answer_comes_from(self, heads, street):
        frame = street[0].frames[0]
        box = heads.detector.detect(frame).boxes[0]
        target = heads.objectness(heads.best_anchor(box))
        heat = explain.grad_cam(target, frame, local=True)
        there = explain.grad_cam(target, frame) > 0
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert box[1] - 16 <= row <= box[3] + 16
        assert box[0] - 16 <= column <= box[2] + 16
        assert (heat > 0).sum() < there.sum()

    def test_another_layer_is_another_map(self, shaped, sprites):
        target = shaped.about(int(sprites.labels[0, 0]))
        found = {
            layer: explain.grad_cam(target, sprites.images[0], layer=layer)
            for layer in target.layers
        }
        assert len({heat.tobytes() for heat in found.values()}) == len(found)
        with pytest.raises(errors.InputError, match="layer"):
            explain.grad_cam(target, sprites.images[0], layer="conv")


class TestOcclusion:
    @settings(max_examples=8)
    @given(side=st.integers(1, 12), step=st.integers(1, 12), label=st.integers(0, 2))
    def test_is_brute_force(self, ask, side, step, label):
        step = min(step, side)
        target, x = ask.about(label), picture().astype(np.float32)
        total, count = np.zeros(SIZE), np.zeros(SIZE)
        whole = target.values(x[None])[0]
        rows = sorted({*range(0, SIZE[0] - side, step), SIZE[0] - side})
        columns = sorted({*range(0, SIZE[1] - side, step), SIZE[1] - side})
        for row in rows:
            for column in columns:
                covered = x.copy()
                covered[row : row + side, column : column + side] = x.mean((0, 1))
                total[row : row + side, column : column + side] += (
                    whole - target.values(covered[None])[0]
                )
                count[row : row + side, column : column + side] += 1
        assert count.min() > 0
        found = explain.occlusion(target, x, side=side, step=step)
        np.testing.assert_allclose(found, total / count, rtol=1e-2, atol=2e-5)

    def test_of_a_linear_network_and_single_pixels_is_what_each_adds(self):
        weights = np.random.default_rng(0).standard_normal((*SIZE, 3))
        x = picture().astype(np.float32)
        found = explain.occlusion(linear(weights), x, side=1)
        wanted = (weights * (x - x.mean((0, 1)))).sum(-1)
        np.testing.assert_allclose(found, wanted, rtol=1e-2, atol=0.5)

    def test_a_flat_image_has_nothing_to_cover(self, ask):
        flat = np.full((*SIZE, 3), 77, np.uint8)
        np.testing.assert_allclose(explain.occlusion(ask.about(0), flat), 0, atol=1e-6)

    @given(length=st.integers(1, 60), side=st.integers(1, 60), step=st.integers(1, 60))
    def test_squares_leave_no_pixel_uncovered(self, length, side, step):
        side = min(side, length)
        places = occlusion_sensitivity.starts(length, side, min(step, side))
        covered = np.zeros(length, int)
        for place in places:
            assert 0 <= place <= length - side
            covered[place : place + side] += 1
        assert covered.min() > 0
        assert places == sorted(set(places))


class TestBaselines:
    @pytest.mark.parametrize("name", explain.BASELINES)
    def test_know_nothing_of_the_network(self, ask, name):
        class Deaf:
            size = SIZE

        np.testing.assert_array_equal(
            explain.explain(name, Deaf(), picture()), explain.explain(name, ask.about(0), picture())
        )

    def test_edges_are_where_brightness_changes(self, ask):
        image = np.zeros((*SIZE, 3), np.uint8)
        image[:, 10:] = 200
        heat = baselines.edges(ask.about(0), image)
        assert set(np.flatnonzero(heat.max(0))) == {9, 10}

    def test_the_middle_is_the_middle(self, ask):
        heat = baselines.middle(ask.about(0), picture())
        np.testing.assert_allclose(heat, heat[::-1, ::-1], rtol=1e-6)
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert abs(row - 11.5) < 1
        assert abs(column - 9.5) < 1

    def test_chance_is_another_for_another_image_and_seed(self, ask):
        one = baselines.chance(ask.about(0), picture(0))
        assert (one != baselines.chance(ask.about(0), picture(1))).any()
        assert (one != baselines.chance(ask.about(0), picture(0), seed=1)).any()


class TestMaximise:
    def test_climbs(self, ask):
        found = explain.maximise(ask.about(0), steps=30, seed=2)
        assert found.last > found.first
        again = ask.about(0).values(found.image[None])[0]
        assert found.last == pytest.approx(again, rel=1e-5)
        assert found.image.min() >= 0
        assert found.image.max() <= 255

    def test_makes_the_network_sure_of_what_is_not_there(self, shaped):
        found = explain.maximise(shaped.about("star"), steps=40)
        assert found.first < 0
        assert shaped.about("star").probabilities(found.image[None])[0] > 0.99

    def test_is_the_same_for_the_same_seed(self, ask):
        one, same, other = (explain.maximise(ask.about(0), steps=3, seed=k) for k in (1, 1, 2))
        np.testing.assert_array_equal(one.image, same.image)
        assert (one.image != other.image).any()

    def test_a_penalty_keeps_it_near_grey(self, ask):
        far, near = (explain.maximise(ask.about(0), steps=20, penalty=p).image for p in (0.0, 0.2))
        assert np.abs(near - 118).mean() < np.abs(far - 118).mean()


class TestEveryMethod:
    @pytest.mark.parametrize("name", explain.ALL)
    def test_gives_a_map_of_what_speaks_for_the_answer(self, ask, name):
        image = picture()
        before = image.copy()
        heat = explain.explain(name, ask.about(0), image)
        assert heat.shape == SIZE
        assert heat.dtype == np.float32
        assert np.isfinite(heat).all()
        assert heat.min() >= 0
        np.testing.assert_array_equal(heat, explain.explain(name, ask.about(0), image))
        np.testing.assert_array_equal(image, before)

    @pytest.mark.parametrize("name", explain.METHODS)
    def test_explains_all_three_kinds_of_networks(self, name, heads, street, followed):
        found = heads.detector.detect(street[0].frames[0])
        score = heads.score(found.boxes[0], int(found.labels[0]))
        assert explain.explain(name, score, street[0].frames[0]).shape == street[0].size
        assert explain.explain(name, *followed[:2]).shape == (96, 96)

    @pytest.mark.parametrize("name", explain.ALL)
    @pytest.mark.parametrize(
        "image", [picture()[..., :1], picture(0, (10, 10)), np.full((*SIZE, 3), np.nan), "picture"]
    )
    def test_refuses_what_is_no_image(self, ask, name, image):
        with pytest.raises(errors.InputError, match="image"):
            explain.explain(name, ask.about(0), image)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda ask: explain.explain("deeplift", ask.about(0), picture()), "method"),
        (lambda ask: ask.about(3), "label"),
        (lambda ask: ask.about("d"), "label"),
        (lambda ask: ask.channel("last", 5), "number"),
        (lambda ask: ask.channel("first", 0), "layer"),
        (lambda ask: ask.about(0).values(np.zeros((0, *SIZE, 3))), "images"),
        (lambda ask: explain.Classes(ask.model, ("a", "b"), SIZE), "class_names"),
        (lambda ask: explain.Classes("model", NAMES, SIZE), "model"),
        (lambda ask: explain.Classes(ask.model, NAMES, SIZE, layers=["x"]), "layers"),
        (lambda ask: explain.Heads(ask.model, SIZE), "detector"),
        (lambda ask: explain.Responses(ask.model), "network"),
        (lambda ask: explain.smooth(ask.about(0), picture(), samples=0), "samples"),
        (lambda ask: explain.smooth(ask.about(0), picture(), noise=-1), "noise"),
        (lambda ask: explain.integrated(ask.about(0), picture(), steps=0), "steps"),
        (lambda ask: explain.integrated(ask.about(0), picture(), tolerance=-1), "tolerance"),
        (lambda ask: explain.occlusion(ask.about(0), picture(), side=21), "side"),
        (lambda ask: explain.occlusion(ask.about(0), picture(), side=4, step=5), "step"),
        (lambda ask: explain.maximise(ask.about(0), steps=0), "steps"),
        (lambda ask: explain.maximise(ask.about(0), shift=99), "shift"),
        (lambda ask: explain.maximise(ask.about(0), blur=-1), "blur"),
    ],
)
def test_what_is_not_as_described_is_refused(ask, wrong, named):
    with pytest.raises(errors.InputError, match=named):
        wrong(ask)


def test_questions_of_a_detector_that_are_none_are_refused(heads):
    for wrong, named in (
        (lambda: heads.score([500, 500, 510, 510], 0), "box"),
        (lambda: heads.score([1, 1, 20, 20], 10), "label"),
        (lambda: heads.score([1, 1, 20, 20], "dog"), "label"),
        (lambda: heads.objectness(-1), "anchor"),
        (lambda: heads.objectness(len(heads.anchors)), "anchor"),
        (lambda: heads.best_anchor([1, 2, 3]), "box"),
    ):
        with pytest.raises(errors.InputError, match=named):
            wrong()
