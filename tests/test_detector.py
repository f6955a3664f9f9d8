"""Detectors: RoIAlign, targets and losses against references, and learning as learning."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import needs_cifar, point_at_cifar

from tracklab import boxes, datasets, errors, metrics
from tracklab.detections import Objects
from tracklab.models import detector
from tracklab.models.detector import head, losses, one_stage, recipe, roi, rpn, sampling, ship
from tracklab.models.detector.parts import seeds
from tracklab.quiet import keras, tf

SMALL = {"widths": (8, 8, 16, 16), "head_width": 32}
NAMES = ("ring", "star")


def small(kind, **options):
    more = {} if kind in ("faster", "one-stage") else {"count": 64}
    return detector.build(kind, NAMES, **(SMALL | more | options))


def frames(count=4, size=(64, 64), seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, *size, 3), np.uint8)


def two_classes(count, part="train"):
    """Scenes of rings and stars, as labels 0 and 1."""
    from tracklab.scenes import SHAPES, Scene

    kinds = [SHAPES.index(name) for name in NAMES]
    scene = Scene("two", objects=2, classes=kinds, background="plain", object_size=(16.0, 28.0))
    found = datasets.boxed_scenes(scene, count, part=part, size=(64, 64), frames=2)
    objects = [
        Objects(o.boxes, np.array([kinds.index(k) for k in o.labels], int), o.ignored)
        for o in found.objects
    ]
    return datasets.BoxedImages(found.images, objects, NAMES, "rings and stars")


# RoIAlign


def read(grid, y, x):
    """Bilinear reading between places whose middles lie at k + 1/2; beyond, the border's place."""
    y, x = np.clip(y - 0.5, 0, grid.shape[0] - 1), np.clip(x - 0.5, 0, grid.shape[1] - 1)
    i, j = int(min(y, grid.shape[0] - 2)), int(min(x, grid.shape[1] - 2))
    v, u = y - i, x - j
    return (
        (1 - v) * (1 - u) * grid[i, j]
        + (1 - v) * u * grid[i, j + 1]
        + v * (1 - u) * grid[i + 1, j]
        + v * u * grid[i + 1, j + 1]
    )


def align_by_hand(grid, box, stride, bins, samples):
    x1, y1, x2, y2 = np.asarray(box, float) / stride
    answer = np.zeros((bins, bins, grid.shape[2]))
    for i in range(bins):
        for j in range(bins):
            for a in range(samples):
                for b in range(samples):
                    y = y1 + (y2 - y1) * (i + (a + 0.5) / samples) / bins
                    x = x1 + (x2 - x1) * (j + (b + 0.5) / samples) / bins
                    answer[i, j] += read(grid, y, x) / samples**2
    return answer


@given(
    st.tuples(*[st.floats(0, 60, width=32)] * 2),
    st.tuples(*[st.floats(1, 64, width=32)] * 2),
    st.sampled_from([(4.0, 3, 2), (1.0, 4, 1), (8.0, 2, 3)]),
)
@settings(max_examples=40)
def test_roi_align_reads_where_the_paper_says(corner, size, how):
    stride, bins, samples = how
    grid = np.random.default_rng(1).normal(size=(16, 16, 2)).astype(np.float32)
    box = np.array([*corner, *np.minimum(np.add(corner, size), 64)], np.float32) * stride / 4
    ours = roi.align(grid[None], box[None, None], stride=stride, bins=bins, samples=samples)
    theirs = align_by_hand(grid, box, stride, bins, samples)
    np.testing.assert_allclose(ours[0, 0], theirs, atol=2e-4)


def test_roi_align_of_a_ramp_is_where_the_bins_are():
    # on a map whose value is its own pixel coordinate, a bin's value is the bin's middle
    ramp = np.broadcast_to((np.arange(16) + 0.5)[None, :, None] * 4, (16, 16, 1)).astype(np.float32)
    found = roi.align(ramp[None], np.float32([[[10, 20, 42, 52]]]), stride=4, bins=4)
    np.testing.assert_allclose(found[0, 0, :, :, 0], [[14, 22, 30, 38]] * 4, atol=1e-4)


def test_regions_of_several_images_read_their_own_maps():
    maps = np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1))]).astype(np.float32)
    found = roi.align(maps, np.float32([[[0, 0, 32, 32]]] * 2), stride=4, bins=2)
    assert found[0].numpy().max() == 0
    assert found[1].numpy().min() == 1


# what is learned from


def test_every_object_keeps_an_anchor_and_ignored_ones_teach_nothing():
    anchors = boxes.anchor_grid(64, 64, stride=8, sizes=(14.0, 26.0))
    truth = np.float32([[[3, 3, 9, 9], [20, 20, 46, 46], [np.nan] * 4]])
    labels = np.array([[1, recipe.IGNORED, recipe.NOTHING]])
    positive, negative, goals = rpn.targets(anchors, tf.constant(truth), tf.constant(labels))
    positive, negative = positive.numpy()[0], negative.numpy()[0]
    over = boxes.iou(anchors, truth[0, :2])
    assert positive[over[:, 0].argmax()]
    assert not positive[over[:, 1] >= 0.5].any()
    assert not negative[over[:, 1] >= 0.5].any()
    assert not (positive & negative).any()
    there = boxes.decode(anchors[positive], goals.numpy()[0][positive])
    np.testing.assert_allclose(there, np.repeat(truth[0, :1], positive.sum(), 0), atol=1e-3)


def test_a_step_learns_from_few_and_enough_of_them_objects():
    rng = np.random.default_rng(0)
    positive = rng.random((3, 200)) < [[0.5], [0.02], [0.0]]
    negative = ~positive & (rng.random((3, 200)) < 0.9)
    chosen = sampling.balanced(positive, negative, count=40, most=10, seed=[1, 2]).numpy()
    for row in range(3):
        assert len(set(chosen[row])) == 40
        assert positive[row, chosen[row]].sum() == min(10, positive[row].sum())
        assert (positive | negative)[row, chosen[row]].all()
    again = sampling.balanced(positive, negative, count=40, most=10, seed=[1, 2]).numpy()
    np.testing.assert_array_equal(np.sort(chosen), np.sort(again))


def test_the_head_learns_from_true_boxes_where_no_proposal_hits():
    truth = np.float32([[[8, 8, 30, 30], [np.nan] * 4]])
    labels = np.array([[1, -1]], np.int32)
    away = np.tile(np.float32([40, 40, 60, 60]), (1, 30, 1))
    regions, goal = head.training_regions(
        tf.constant(away),
        tf.constant(truth),
        tf.constant(labels),
        height=64,
        width=64,
        seed=np.array([3, 4]),
    )
    positive = goal["is object"].numpy()[0] > 0
    assert positive.sum() >= 1
    assert (goal["label"].numpy()[0][positive] == 1).all()
    moved = boxes.decode(regions.numpy()[0], goal["offsets"].numpy()[0] * head.UNITS)
    np.testing.assert_allclose(
        moved[positive], np.tile(truth[0, :1], (positive.sum(), 1)), atol=1e-2
    )
    assert np.isfinite(goal["offsets"].numpy()).all()


# losses


def test_smooth_l1_equals_keras():
    errors_ = np.linspace(-3, 3, 61, dtype=np.float32)[:, None]
    theirs = [float(keras.losses.Huber(delta=1.0)(np.float32([0]), e)) for e in errors_]
    np.testing.assert_allclose(losses.smooth_l1(errors_)[:, 0], theirs, atol=1e-6)


def test_multi_task_loss_by_hand():
    of_classes, of_boxes = tf.constant([[1.0, 2.0, 4.0]]), tf.constant([[10.0, 20.0, 40.0]])
    used, is_object = tf.constant([[1.0, 1.0, 0.0]]), tf.constant([[1.0, 0.0, 1.0]])
    found = losses.multi_task(of_classes, of_boxes, used, is_object, balance=0.5)
    assert [float(part) for part in found] == [1.5, 2.5]
    nothing = losses.multi_task(of_classes, of_boxes, 0 * used, is_object, balance=0.5)
    assert [float(part) for part in nothing] == [0, 0]


def test_gradients_of_the_losses_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    logits = tf.Variable(rng.normal(size=(4, 4)).astype(np.float64))
    offsets = tf.Variable(rng.normal(size=(4, 4)).astype(np.float64))
    labels, goal = np.array([0, 1, 3, 2]), rng.normal(size=(4, 4))

    def loss():
        of_classes = losses.class_loss(logits, labels)
        of_boxes = losses.box_loss(offsets, goal)
        used, is_object = tf.ones(4, tf.float64), tf.constant([1.0, 0, 1, 1], tf.float64)
        return sum(losses.multi_task(of_classes, of_boxes, used, is_object, balance=2.0))

    with tf.GradientTape() as tape:
        value = loss()
    for variable, slope in zip(
        (logits, offsets), tape.gradient(value, [logits, offsets]), strict=True
    ):
        start, step = variable.numpy(), 1e-6
        for place in np.ndindex(start.shape):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * step
                variable.assign(moved)
                sides.append(float(loss()))
            variable.assign(start)
            assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(
                float(slope[place]), abs=1e-6
            )


def test_points_give_back_the_boxes_they_were_made_from():
    truth = np.float32([[[3, 5, 20, 31], [40, 40, 63, 64]]])
    _, places = one_stage.bumps(tf.constant(truth), tf.constant([[0, 1]]), 16, 16, 2)
    said = one_stage.encode(tf.constant(truth), places)
    np.testing.assert_allclose(one_stage.decode(said, places), truth, atol=1e-4)


def test_bumps_are_one_at_middles_and_low_far_away():
    truth = np.float32([[[8, 8, 24, 24], [np.nan] * 4]])
    goal, places = one_stage.bumps(tf.constant(truth), tf.constant([[1, -1]]), 16, 16, 2)
    assert places.numpy()[0, 0].tolist() == [4, 4]
    assert goal.numpy()[0, 4, 4].tolist() == [0, 1]
    assert goal.numpy()[0, 12, 12, 1] < 1e-3
    assert goal.numpy().max() == 1


# the whole


@pytest.mark.parametrize("kind", detector.KINDS)
def test_every_kind_trains_and_detects_in_odd_sizes(kind):
    images = two_classes(8)
    model = small(kind)
    before = [v.numpy().copy() for v in model.trainable_variables]
    curves = detector.train(model, images, steps=2, batch_size=4, progress=False)
    assert len(curves) == 2
    moved = [(v.numpy() != b).any() for v, b in zip(model.trainable_variables, before, strict=True)]
    # of the maps behind it only the one-stage detector and R-CNN leave some unread
    assert np.mean(moved) > 0.6
    for size in ((64, 64), (37, 90)):
        found = model.detect_all(frames(3, size), score=0.0)
        assert len(found) == 3
        for each in found:
            assert np.isfinite(each.boxes).all()
            assert (each.boxes >= 0).all()
            assert (each.boxes <= [size[1], size[0], size[1], size[0]]).all()
            assert set(each.labels) <= {0, 1}
    alone = model.detect(frames(1)[0], score=0.01)
    batched = model.detect_all(frames(1), score=0.01)[0]
    np.testing.assert_allclose(alone.boxes, batched.boxes, atol=1e-3)
    assert model.detect_all(np.zeros((0, 64, 64, 3), np.uint8)) == []


def test_same_seed_same_weights_and_same_training():
    images = two_classes(8)
    weights = []
    for _ in range(2):
        model = small("faster", seed=3)
        detector.train(model, images, steps=3, batch_size=4, seed=5, progress=False)
        weights.append([v.numpy() for v in model.variables])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_small_detector_learns():
    images, held_out = two_classes(400), two_classes(60, part="test")
    model = small("faster", widths=(12, 24, 32, 48))

    def precision():
        found = model.detect_all(held_out)
        return metrics.detection.evaluate(found, held_out.objects, NAMES).ap50

    before = precision()
    detector.train(model, images, steps=250, progress=False)
    after = precision()
    assert after > before + 0.5, (before, after)


def test_proposals_are_in_the_picture_and_in_order():
    model = small("faster")
    for size in ((64, 64), (50, 70)):
        found = model.propose(frames(1, size)[0], count=40, overlap=0.7)
        rows, columns = -(-size[0] // 8), -(-size[1] // 8)
        assert found.objectness.shape == (rows, columns, 9)
        assert len(found.anchors) == found.objectness.size
        assert 0 < len(found) <= 40
        assert (np.diff(found.scores) <= 0).all()
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [size[1], size[0], size[1], size[0]]).all()
        over = boxes.iou(found.boxes, found.boxes) - np.eye(len(found))
        assert over.max() <= 0.7 + 1e-5


@pytest.mark.parametrize("kind", detector.KINDS)
def test_timings_name_the_parts(kind):
    found = detector.timings(small(kind), frames(1)[0], repeats=1)
    wanted = {"backbone", "head", "suppression"}
    if kind != "one-stage":
        wanted |= {"proposals", "RoIAlign"}
    assert set(found) == wanted
    assert all(value >= 0 for value in found.values())


def test_boxes_move_with_the_pixels():
    images = np.zeros((2, 40, 50, 3), np.uint8)
    images[:, 10:20, 5:25] = 255
    truth = np.float32([[[5, 10, 25, 20]]] * 2)
    labels = np.zeros((2, 1), int)
    for which, steps in (([True, False], [[0, 0], [7, -3]]), ([False, True], [[-12, 0], [0, 30]])):
        moved, known = recipe.flipped(images, truth, np.array(which))
        moved, known, _ = recipe.shifted(moved, known, labels, np.array(steps))
        for k in range(2):
            mask = boxes.from_mask(moved[k, ..., 0] > 0)
            np.testing.assert_array_equal(known[k, 0], mask)
    gone = recipe.shifted(images, truth, labels, np.array([[-19, 0], [0, -24]]))
    assert gone[2].tolist() == [[-1], [-1]]
    assert np.isnan(gone[1]).all()


@pytest.mark.slow
def test_shipped_weights_are_stored_and_loaded(tmp_path):
    path = detector.train_shipped(lambda found, truth: {"AP": 0.5}, tmp_path, quick=True)
    assert path.name == "detector.npz"
    model, card = detector.shipped(folder=tmp_path)
    assert card.figures == {"AP, plain scenes": 0.5, "AP, hard scenes": 0.5}
    assert len(model.class_names) == 10
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"detector.{x}" for x in ("json", "md", "npz")
    ]
    assert len(model.detect_all(frames(2))) == 2


@needs_cifar
@pytest.mark.slow
def test_thumbnails_are_stored_loaded_and_resumed(tmp_path, monkeypatch):
    point_at_cifar()

    def judge(found, truth):
        return {"AP": 0.5}

    def stopped(found, truth):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detector.train_shipped(stopped, tmp_path, name="thumbnails", quick=True)
    assert len(list(tmp_path.glob("*.done.checkpoint"))) == 2
    # what another plan has finished is not taken for this one's
    trained, plan = [], dataclasses.replace(ship.QUICK, frames={"hard": 32, "plain": 32})
    again = recipe.train
    monkeypatch.setattr(recipe, "train", lambda *a, **k: trained.append(1) or again(*a, **k))
    monkeypatch.setattr(ship, "QUICK", plan)
    with pytest.raises(KeyboardInterrupt):
        detector.train_shipped(stopped, tmp_path, name="thumbnails", quick=True)
    assert trained == [1]
    # both networks are done: only the judging is left
    monkeypatch.setattr(recipe, "train", None)
    path = detector.train_shipped(judge, tmp_path, name="thumbnails", quick=True)
    assert path.name == "thumbnails.npz"
    assert [p.name for p in tmp_path.glob("*.checkpoint")] == []
    model, card = detector.shipped("thumbnails", folder=tmp_path)
    assert card.figures == {"AP, plain scenes": 0.5, "AP, hard scenes": 0.5}
    assert "CIFAR-10 training images" in card.data
    assert model.class_names == datasets.CIFAR_CLASSES
    assert len(model.detect_all(frames(2))) == 2


def test_thumbnails_are_not_made_of_other_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "cifar10", datasets.sprites)
    with pytest.raises(errors.MissingError, match="CIFAR-10"):
        detector.train_shipped(None, tmp_path, name="thumbnails", quick=True)
    with pytest.raises(errors.InputError, match="name"):
        detector.train_shipped(None, tmp_path, name="other", quick=True)
    with pytest.raises(errors.InputError, match="name"):
        detector.shipped("other")


# bad input


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind": "yolo"}, "kind"),
        ({"class_names": ()}, "class_names"),
        ({"class_names": "ring"}, "class_names"),
        ({"class_names": ("a", "a")}, "class_names"),
        ({"count": 0}, "count"),
        ({"sizes": ()}, "sizes"),
        ({"sizes": (0,)}, "sizes"),
        ({"sizes": 16}, "sizes: got 16, wanted at least one number"),
        ({"ratios": "1"}, "ratios: got '1', wanted at least one number"),
        ({"class_names": None}, "class_names: got None, wanted the names"),
        ({"class_names": 3}, "class_names: got 3, wanted the names"),
        ({"widths": 64}, "widths: got 64, wanted four numbers"),
        ({"ratios": (np.nan,)}, "ratios"),
        ({"widths": (8, 8)}, "widths"),
        ({"proposals": "guess"}, "proposals"),
        ({"seed": -1}, "seed"),
    ],
)
def test_build_refuses(options, named):
    given = {"kind": "faster", "class_names": NAMES} | options
    with pytest.raises(errors.InputError, match=named):
        detector.build(given.pop("kind"), given.pop("class_names"), **given)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 1), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((31, 64, 3), np.uint8),
        np.full((64, 64, 3), np.nan),
    ],
)
def test_detect_refuses_what_is_no_image(image):
    model = small("one-stage")
    with pytest.raises(errors.InputError, match="image"):
        model.detect(image)
    with pytest.raises(errors.InputError, match="image"):
        model.detect_all(image[None])


def test_detect_refuses_options_out_of_range():
    model = small("one-stage")
    for option, value in (("score", 2), ("overlap", -1), ("most", 0), ("score", np.nan)):
        with pytest.raises(errors.InputError, match=option):
            model.detect(frames(1)[0], **{option: value})


def test_no_images_have_no_detections():
    model = small("one-stage")
    for nothing in ([], np.zeros((0, 64, 64, 3), np.uint8)):
        assert model.detect_all(nothing) == []
    with pytest.raises(errors.InputError, match="score"):
        model.detect_all([], score=2)


@pytest.mark.parametrize(
    ("image", "said"), [("cat.jpg", "image: got 'cat.jpg'"), (None, "image: got None")]
)
def test_detect_says_what_came_in_place_of_an_image(image, said):
    model = small("one-stage")
    with pytest.raises(errors.InputError, match=said):
        model.detect(image)
    with pytest.raises(errors.InputError, match=said.replace("image", "images")):
        model.detect_all(image)


def test_train_refuses_what_is_no_detector_and_no_set_of_images():
    images = two_classes(4)
    for model in ("x", None, images):
        with pytest.raises(errors.InputError, match=r"model: got .* detector\.build"):
            detector.train(model, images, steps=1)
    for other in (images.images, None, "folder"):
        with pytest.raises(errors.InputError, match=r"images: got .* datasets\.BoxedImages"):
            detector.train(small("one-stage"), other, steps=1)


def test_train_refuses_other_classes_and_sets_without_objects():
    model = small("one-stage")
    images = two_classes(4)
    other = datasets.BoxedImages(images.images, images.objects, ("a", "b"), "other")
    with pytest.raises(errors.InputError, match="classes"):
        detector.train(model, other, steps=1)
    nothing = datasets.BoxedImages(images.images, [Objects.empty()] * 4, NAMES, "nothing")
    with pytest.raises(errors.InputError, match="at least one image and one object"):
        detector.train(model, nothing, steps=1)
    with pytest.raises(errors.InputError, match="shift"):
        detector.train(model, images, steps=1, shift=-1)


def test_frames_without_objects_and_ignored_ones_can_be_trained_on():
    images = two_classes(4)
    objects = list(images.objects)
    objects[0] = Objects.empty()
    first = objects[1]
    objects[1] = Objects(first.boxes, first.labels, np.ones(len(first), bool))
    mixed = datasets.BoxedImages(images.images, objects, NAMES, "mixed")
    for kind in ("faster", "one-stage"):
        curves = detector.train(small(kind), mixed, steps=2, batch_size=4, progress=False)
        assert np.isfinite(curves.loss).all()


def test_seeds_are_checked():
    with pytest.raises(errors.InputError, match="seed"):
        next(seeds(-1))
