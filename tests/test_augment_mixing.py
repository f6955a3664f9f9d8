"""Mixing: images, soft labels and boxes, against Keras' layers and written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import augment, errors
from tracklab import boxes as bx
from tracklab.augment import cutmix, labels, mixup, mosaic
from tracklab.quiet import keras

CLASSES = 5
SIZE = (32, 40)
MIXERS = [augment.Mixup(1.0, CLASSES), augment.CutMix(1.0, CLASSES)]


def batch(count=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *SIZE, 3), np.uint8), rng.integers(0, CLASSES, count)


@pytest.mark.parametrize("mixing", MIXERS, ids=["mixup", "cutmix"])
class TestSoftLabels:
    def test_rows_say_what_the_image_is_made_of(self, mixing):
        """Images of one colour each, the class in red: the mean colour is the soft label."""
        names = np.arange(CLASSES).repeat(4)
        images = np.zeros((len(names), *SIZE, 3), np.uint8)
        images[..., 0] = (50 * names)[:, None, None]
        mixed, rows = mixing(images, names, 3)
        np.testing.assert_allclose(rows.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(
            mixed[..., 0].mean((1, 2)), 50 * rows @ np.arange(CLASSES), atol=0.6
        )
        assert ((rows > 0.01) & (rows < 0.99)).any()
        assert rows.dtype == np.float32

    def test_soft_labels_may_come_in(self, mixing):
        images, names = batch()
        hard = mixing(images, names, 5)
        soft = mixing(images, np.eye(CLASSES)[names], 5)
        np.testing.assert_array_equal(hard[0], soft[0])
        np.testing.assert_allclose(hard[1], soft[1])
        twice = augment.Pipeline(*MIXERS)(images, names, 1)[1]
        np.testing.assert_allclose(twice.sum(1), 1, atol=1e-5)

    def test_those_not_chosen_are_as_they_were(self, mixing):
        images, names = batch(40)
        half = type(mixing)(1.0, CLASSES, p=0.5)
        mixed, rows = half(images, names, 2)
        same = (mixed == images).all((1, 2, 3))
        assert 5 < same.sum() < 35
        np.testing.assert_array_equal(rows[same], np.eye(CLASSES)[names[same]])
        off = type(mixing)(1.0, CLASSES, p=0)
        np.testing.assert_array_equal(off(images, names, 2)[0], images)

    @pytest.mark.parametrize(
        "wrong",
        [
            None,
            np.arange(6.0),  # sizes or speeds, not classes
            np.array(list("abcdef")),
            np.full((6, CLASSES), 0.5),
            np.full((6, CLASSES), -1.0),
            np.full((6, CLASSES), np.nan),
            np.arange(6),  # a class that there is not
            np.arange(-1, 5),
            np.eye(6)[:, : CLASSES - 1],
            np.zeros((6, 3), int),  # of boxes
            np.zeros((6, 3, 4)),
        ],
    )
    def test_labels_of_the_wrong_kind_are_refused_in_words(self, mixing, wrong):
        with pytest.raises(errors.InputError, match=r"labels, for (Mixup|CutMix): got"):
            mixing(batch()[0], wrong, 0)

    def test_images_with_boxes_are_refused_and_sent_to_mosaic(self, mixing):
        images, _ = batch(2)
        for recipe in (mixing, augment.Pipeline(augment.Flip(), mixing)):
            with pytest.raises(errors.InputError, match=r"images with boxes.*Mosaic"):
                recipe.boxed(images, np.float32([[[1, 1, 9, 9]]] * 2), [[1]] * 2)

    def test_numbers_need_to_know_how_many_classes(self, mixing):
        with pytest.raises(errors.InputError, match="classes, of"):
            type(mixing)()(*batch(), 0)

    def test_other_counts_are_refused(self, mixing):
        images, names = batch()
        with pytest.raises(errors.InputError, match="one for each of the 6 images"):
            mixing(images, names[:-1], 0)
        with pytest.raises(errors.InputError, match="at least one image"):
            mixing(images[:0], names[:0], 0)

    def test_a_batch_of_one_is_mixed_with_itself(self, mixing):
        images, names = batch(1)
        mixed, rows = mixing(images, names, 0)
        assert np.abs(mixed.astype(int) - images).max() <= 1
        np.testing.assert_allclose(rows, np.eye(CLASSES)[names], atol=1e-6)


def test_mixup_is_that_of_keras_and_by_hand():
    images, names = batch()
    layer = keras.layers.MixUp(alpha=1.0, seed=3)
    drawn = layer.get_random_transformation(images)
    partner, share = (np.asarray(drawn[name]) for name in ("permutation_order", "mix_weight"))
    theirs = layer.transform_images(images.astype(np.float32), drawn)
    fast = mixup.blended(images, partner, share.astype(np.float32))
    hand = mixup.by_hand(images, partner, share)
    assert np.abs(fast - np.asarray(theirs)).max() <= 0.5 + 1e-3
    assert np.abs(fast.astype(int) - hand).max() <= 1
    rows = np.eye(CLASSES, dtype=np.float32)[names]
    np.testing.assert_allclose(
        labels.mixed(rows, rows[partner], share), layer.transform_labels(rows, drawn), atol=1e-6
    )


def test_cutmix_is_that_of_keras_for_the_same_part():
    images, names = batch()
    layer = keras.layers.CutMix(seed=3)
    drawn = layer.get_random_transformation(images)
    masks = np.asarray(drawn["batch_masks"])[..., 0]
    parts = np.stack([bx.from_mask(mask) if mask.any() else np.zeros(4) for mask in masks])
    partner = np.asarray(drawn["permutation_order"])
    ours = cutmix.pasted(images, partner, parts.astype(int))
    np.testing.assert_array_equal(ours, layer.transform_images(images, drawn))
    # our label counts pixels; theirs takes the area before it is cut to pixels
    rows = np.eye(CLASSES, dtype=np.float32)[names]
    stays = 1 - masks.mean((1, 2))
    theirs = np.asarray(layer.transform_labels(rows, drawn))
    np.testing.assert_allclose(labels.mixed(rows, rows[partner], stays), theirs, atol=0.06)


@given(st.integers(0, 300), st.floats(0.1, 4))
@settings(max_examples=30)
def test_parts_lie_inside(seed, alpha):
    rng = np.random.default_rng(seed)
    share = rng.beta(alpha, alpha, 20).astype(np.float32)
    parts = cutmix.cut_parts(rng, share, SIZE)
    assert (parts >= 0).all()
    assert (parts[:, 2:] <= [SIZE[1], SIZE[0]]).all()
    area = (parts[:, 2:] - parts[:, :2]).prod(1) / (SIZE[0] * SIZE[1])
    assert (area <= 1 - share + 1e-5).all()


class TestMosaic:
    BOXES = np.float32([[[4, 5, 20, 15], [25, 8, 38, 30]], [[10, 10, 30, 28], [np.nan] * 4]] * 3)
    NAMES = np.array([[0, 1], [2, -1]] * 3)

    @given(st.integers(0, 500))
    @settings(max_examples=30)
    def test_boxes_are_where_their_pixels_are(self, seed):
        """Each object is shown alone, white on black, by the same draw."""
        transform, black = augment.Mosaic(kept=0.3), np.zeros((6, *SIZE, 3), np.uint8)
        _, boxes, names = transform.boxed(black, self.BOXES, self.NAMES, seed)
        assert boxes.shape == (6, 8, 4)
        rng = np.random.default_rng(seed)
        transform.chosen(rng, 6)
        partners = np.concatenate([np.arange(6)[:, None], rng.integers(0, 6, (6, 3))], 1)
        quarters, _ = transform.draw(rng, 6, SIZE)
        for j, m in zip(*np.nonzero(self.NAMES >= 0), strict=True):
            alone = black.copy()
            x1, y1, x2, y2 = self.BOXES[j, m].astype(int)
            alone[j, y1:y2, x1:x2] = 255
            shown = transform.images(alone, seed)[..., 0] > 127
            for k, q in np.argwhere(partners == j):
                x1, y1, x2, y2 = quarters[k, q]
                found = bx.from_mask(shown[k, y1:y2, x1:x2]) + np.float32([x1, y1, x1, y1])
                box, name = boxes[k, 2 * q + m], names[k, 2 * q + m]
                if name < 0:
                    assert np.isnan(box).all()
                else:
                    assert name == self.NAMES[j, m]
                    np.testing.assert_allclose(box, found, atol=1)

    @given(st.integers(0, 500))
    @settings(max_examples=30)
    def test_quarters_cover_the_image_once(self, seed):
        quarters, parts = augment.Mosaic().draw(np.random.default_rng(seed), 4, SIZE)
        for four in quarters:
            cover = np.zeros(SIZE, int)
            for x1, y1, x2, y2 in four:
                cover[y1:y2, x1:x2] += 1
            assert (cover == 1).all()
        assert (parts >= 0).all()
        assert (parts[..., 2:] <= [SIZE[1], SIZE[0]]).all()
        scale = (quarters[..., 2:] - quarters[..., :2]) / (parts[..., 2:] - parts[..., :2])
        assert (scale < 1.2).all()  # never larger than life, but for rounding

    def test_a_quarter_is_its_part_resized(self):
        images, _ = batch(4)
        quarters, parts = augment.Mosaic().draw(np.random.default_rng(0), 1, SIZE)
        made = mosaic.composed(images, quarters[0], parts[0])
        moves = mosaic.into(parts[0], quarters[0])
        for image, move, (x1, y1, x2, y2), (a, b, c, d) in zip(
            images, moves, quarters[0], parts[0], strict=True
        ):
            alone = augment.sample(
                image[b:d, a:c],
                move @ np.array([[1, 0, a], [0, 1, b], [0, 0, 1.0]]),
                SIZE,
                border="edge",
            )
            assert np.abs(made[y1:y2, x1:x2] - alone[y1:y2, x1:x2]).max() <= 1

    def test_those_not_chosen_keep_their_own_and_nobody_elses(self):
        images, _ = batch(6)
        mixed, boxes, names = augment.Mosaic(p=0).boxed(images, self.BOXES, self.NAMES, 1)
        np.testing.assert_array_equal(mixed, images)
        np.testing.assert_array_equal(boxes[:, :2], self.BOXES)
        np.testing.assert_array_equal(names[:, :2], self.NAMES)
        assert np.isnan(boxes[:, 2:]).all()
        assert (names[:, 2:] == -1).all()

    def test_outlines_are_taken_along(self):
        images, _ = batch(6)
        boxes = self.BOXES[:, :1]
        corners = augment.geometry.corners(boxes)
        plain = augment.Mosaic().boxed(images, boxes, self.NAMES[:, :1], 4)
        outlined = augment.Mosaic().boxed(images, boxes, self.NAMES[:, :1], 4, outlines=corners)
        for one, other in zip(plain, outlined, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)

    def test_images_alone_are_mixed_and_their_classes_are_refused(self):
        images, names = batch()
        assert augment.Mosaic().images(images, 1).shape == images.shape
        with pytest.raises(errors.InputError, match=r"labels of whole images.*CutMix"):
            augment.Mosaic()(images, names, 1)
