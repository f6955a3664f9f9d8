"""Augmentation inside the sources of training: classifier, detector, pairs of the tracker."""

import numpy as np
import pytest

from tracklab import augment, datasets, errors, training
from tracklab import boxes as bx
from tracklab.datasets import moved
from tracklab.models import classifier, siamese
from tracklab.models.detector import recipe
from tracklab.quiet import keras

CLASSES = 10
RECIPE = augment.Pipeline(augment.Flip(), augment.Affine(border="edge"), augment.Colour(p=0.5))


def examples(count=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.integers(0, CLASSES, count)


class TestBatches:
    def test_a_pipeline_is_what_batches_take(self):
        images, labels = examples()
        source = training.Batches(images, labels, 8, seed=3, augment=RECIPE)
        first, names = source.batch(5)
        again, _ = training.Batches(images, labels, 8, seed=3, augment=RECIPE).batch(5)
        np.testing.assert_array_equal(first, again)
        plain, known = training.Batches(images, labels, 8, seed=3).batch(5)
        np.testing.assert_array_equal(names, known)
        assert (first != plain).any()
        rng = np.random.default_rng([3, 5, 1])
        np.testing.assert_array_equal(first, RECIPE(plain, known, rng)[0])

    def test_soft_labels_reach_the_loss(self):
        images, labels = examples()
        mixing = augment.Pipeline(augment.Mixup(0.4, CLASSES), augment.CutMix())
        _, rows = training.Batches(images, labels, 8, augment=mixing).batch(0)
        logits = np.random.default_rng(0).normal(size=(8, CLASSES)).astype(np.float32)
        ours = classifier.smoothed_crossentropy(0.1)(keras.ops.convert_to_tensor(rows), logits)
        theirs = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=0.1, reduction=None
        )(rows, logits)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)

    def test_hard_rows_cost_what_numbers_cost(self):
        _, labels = examples(8)
        logits = np.random.default_rng(0).normal(size=(8, CLASSES)).astype(np.float32)
        loss = classifier.smoothed_crossentropy(0.1)
        rows = keras.ops.convert_to_tensor(np.eye(CLASSES, dtype=np.float32)[labels])
        numbers = keras.ops.convert_to_tensor(labels)
        np.testing.assert_allclose(loss(rows, logits), loss(numbers, logits), rtol=1e-5)


class TestClassifier:
    def test_without_anything_images_are_as_they_are(self):
        images, labels = examples()
        source = classifier.Growing(
            images, labels, 40, shift=0, flip=False, stages=classifier.FULL_SIZE
        )
        pixels, names = source.batch(0, 0.0)
        order = training.Batches(images, labels, 40).indices(0)
        np.testing.assert_array_equal(pixels, images[order])
        np.testing.assert_array_equal(names, labels[order])

    def test_augments_before_it_scales(self):
        images, labels = examples()
        cutmix = augment.CutMix(classes=CLASSES)
        source = classifier.Growing(images, labels, 16, augment=cutmix)
        pixels, rows = source.batch(2, 0.0)
        assert pixels.shape == (16, 16, 16, 3)
        assert rows.shape == (16, CLASSES)
        np.testing.assert_array_equal(pixels, source.batch(2, 0.0)[0])

    @pytest.mark.parametrize("wrong", [augment.Flip, lambda *a: a[:2], "flip"])
    def test_what_is_no_transform_is_refused(self, wrong):
        with pytest.raises(errors.InputError, match="augment"):
            classifier.Growing(*examples(), augment=wrong)
        with pytest.raises(errors.InputError, match="augment"):
            classifier.train_few(drawn(), 20, augment=wrong, steps=1)

    def test_mixup_that_does_not_know_the_classes_says_so_before_it_trains(self):
        with pytest.raises(errors.InputError, match="classes, of Mixup"):
            classifier.train_few(drawn(), 20, augment=augment.Mixup(), steps=2, progress=False)


def drawn():
    """A few drawn shapes instead of CIFAR-10."""
    images, labels = examples(60)
    names = tuple("abcdefghij")
    return datasets.Images(images[:40], labels[:40], images[40:], labels[40:], names, "noise")


def test_train_few_is_the_same_training_but_for_the_augmentation():
    options = {"steps": 3, "seed": 1, "progress": False, "batch_size": 10}
    model, plain = classifier.train_few(drawn(), 20, **options)
    _, again = classifier.train_few(drawn(), 20, **options)
    _, mixed = classifier.train_few(
        drawn(), 20, augment=augment.Pipeline(RECIPE, augment.CutMix(classes=10)), **options
    )
    assert plain.loss == pytest.approx(again.loss, rel=1e-4)
    assert mixed.loss != pytest.approx(plain.loss, rel=1e-4)
    assert (plain.images, plain.seed, plain.steps) == (20, 1, 3)
    assert plain.epochs == pytest.approx(1.5)
    assert 0 <= plain.accuracy <= 1
    assert plain.cpu_seconds > 0
    assert model.output_shape == (None, 10)
    with pytest.raises(errors.InputError, match="train"):
        classifier.train_few(drawn(), 41, **options)


@pytest.mark.slow
def test_with_few_images_the_best_recipe_is_worth_a_tenth():
    """Drawn sprites, so that it needs no CIFAR-10; the same steps, so that it needs no clock."""
    images = datasets.sprites(train=300, test=1000)
    recipes = classifier.recipes(len(images.class_names))
    options = {"steps": 120, "batch_size": 64, "progress": False}
    found = {
        name: classifier.train_few(images, 300, augment=recipes[name], **options)[1]
        for name in (classifier.NONE, classifier.BEST)
    }
    none, best = found[classifier.NONE], found[classifier.BEST]
    assert none.train_accuracy > 0.98  # by heart
    assert best.accuracy > none.accuracy + 0.1
    assert best.loss < none.loss


def test_recipes_hold_every_family_alone_and_keep_the_shape_of_a_batch():
    recipes = classifier.recipes(CLASSES)
    families = {"flip", "vertical flip", "rotation", "affine", "crop", "image", "mixing"}
    assert set(recipes) == {classifier.NONE, classifier.BEST} | families
    assert recipes.pop(classifier.NONE) is None
    images, labels = examples(16)
    for name, transform in recipes.items():
        changed, names = transform(images, labels, 0)
        assert changed.shape == images.shape, name
        assert (changed != images).any(), name
        assert names.shape in ((16,), (16, CLASSES)), name


class TestDetector:
    def found(self, count=8):
        images = datasets.boxed_scenes("plain", count, size=(64, 64))
        return images, recipe.padded(images, len(images.class_names))

    def test_boxes_follow_inside_the_source(self):
        _, (pixels, truth, labels) = self.found()
        tops = recipe.Examples(
            pixels,
            truth,
            labels,
            flip=False,
            shift=0,
            augment=augment.Flip("vertical", p=1),
        )
        images, boxes, names, _ = tops.batch(0)
        order = training.Batches(np.arange(8), np.arange(8), 8).indices(0)
        np.testing.assert_array_equal(images, pixels[order][:, ::-1])
        np.testing.assert_array_equal(names, labels[order])
        assert names.dtype == labels.dtype
        np.testing.assert_allclose(boxes[..., 1], 64 - truth[order][..., 3])

    def test_shapes_and_kinds_stay_from_step_to_step(self):
        _, (pixels, truth, labels) = self.found()
        pipeline = augment.Pipeline(
            augment.Mosaic(p=0.5), augment.Affine(), augment.Crop(p=0.5), augment.Cutout(p=0.5)
        )
        source = recipe.Examples(pixels, truth, labels, 4, augment=pipeline)
        first = source.batch(0)
        for step in range(1, 5):
            for one, other in zip(first, source.batch(step), strict=True):
                assert one.shape == other.shape
                assert one.dtype == other.dtype
        images, boxes, names, _ = first
        there = np.isfinite(boxes).all(-1)
        assert (names[~there] < 0).all()
        np.testing.assert_array_equal(boxes[there], bx.clip(boxes[there], 64, 64))
        np.testing.assert_array_equal(images, source.batch(0)[0])

    def test_train_takes_it(self):
        from tracklab.models import detector

        images, _ = self.found(4)
        model = detector.build(
            "one-stage", images.class_names, widths=(8, 8, 16, 16), head_width=16
        )
        options = {"steps": 2, "batch_size": 2, "progress": False}
        curves = detector.train(model, images, augment=augment.Mosaic(), **options)
        assert np.isfinite(curves.loss).all()
        for wrong, said in ((augment.Mixup(classes=10), "boxes"), ("mosaic", "augment")):
            with pytest.raises(errors.InputError, match=said):
                detector.train(model, images, augment=wrong, **options)


class TestPairs:
    STILLS = moved.Stills(np.random.default_rng(0).integers(0, 255, (6, 48, 48, 3), np.uint8))

    def test_without_it_batches_are_as_before_and_with_it_they_change(self):
        plain = siamese.Pairs(self.STILLS, batch_size=3)
        turned = siamese.Pairs(self.STILLS, batch_size=3, augment=augment.Rotation((10, 10)))
        still = siamese.Pairs(self.STILLS, batch_size=3, augment=augment.Pipeline())
        for one, other in zip(plain.batch(2), still.batch(2), strict=True):
            np.testing.assert_array_equal(one, other)
        changed = turned.batch(2)
        assert (changed[0] != plain.batch(2)[0]).any()
        assert np.isfinite(changed[1]).all()

    def test_a_clip_whose_object_would_be_gone_stays(self):
        away = augment.Affine(0, 0, (1, 1), (1, 1))
        plain = siamese.Pairs(self.STILLS, batch_size=2)
        kept = siamese.Pairs(self.STILLS, batch_size=2, augment=away)
        assert np.isfinite(kept.batch(0)[1]).all()
        assert plain.batch(0)[0].shape == kept.batch(0)[0].shape

    def test_what_is_no_transform_is_refused(self):
        with pytest.raises(errors.InputError, match="augment"):
            siamese.Pairs(self.STILLS, augment="flip")
