"""Pictures with exact masks, and the small classifier that learns from them."""

import json

import numpy as np
import pytest

from tracklab import datasets, errors
from tracklab.models import shapes, weights


@pytest.fixture(scope="module")
def pictures():
    return datasets.masked_scenes(40, part="test", seed=3)


def test_masks_are_of_the_shapes_and_do_not_meet(pictures):
    assert pictures.images.shape == (40, 64, 64, 3)
    assert pictures.masks.shape == (40, 2, 64, 64)
    assert pictures.masks.any((2, 3)).all()
    assert not pictures.masks.all(1).any()
    height = pictures.masks.any(3).sum(2).max()
    assert height <= 24 * 1.5


def test_classes_in_a_picture_differ_and_are_told(pictures):
    assert (pictures.labels[:, 0] != pictures.labels[:, 1]).all()
    present = pictures.present()
    assert present.shape == (40, 10)
    assert (present.sum(1) == 2).all()
    assert present[np.arange(40)[:, None], pictures.labels].all()


def test_objects_stand_out_inside_their_masks(pictures):
    """A mask that is off by its own size would hold the ground's colours instead."""
    grey = pictures.images.astype(float)
    inside = [grey[k][mask].std() for k in range(40) for mask in pictures.masks[k]]
    outside = [grey[k][~pictures.masks[k].any(0)].std() for k in range(40)]
    assert np.median(inside) > 1.5 * np.median(outside)


def test_the_same_arguments_give_the_same_bytes_and_parts_differ():
    one, same = (datasets.masked_scenes(9, seed=5) for _ in range(2))
    for part in ("images", "labels", "masks"):
        np.testing.assert_array_equal(getattr(one, part), getattr(same, part))
    for other in (
        datasets.masked_scenes(9, seed=6),
        datasets.masked_scenes(9, seed=5, part="test"),
    ):
        assert (other.images != one.images).any()
    longer = datasets.masked_scenes(20, seed=5)
    np.testing.assert_array_equal(longer.images[:9], one.images)


def test_as_many_shapes_as_wanted():
    made = datasets.masked_scenes(4, shapes=3, side=96, size=20.0)
    assert made.labels.shape == (4, 3)
    assert made.masks.shape == (4, 3, 96, 96)
    alone = datasets.masked_scenes(4, shapes=1)
    assert alone.masks.shape[1] == 1


def test_a_part_of_a_set_is_a_set(pictures):
    some = pictures[3:5]
    assert len(some) == 2
    np.testing.assert_array_equal(some.masks, pictures.masks[3:5])
    np.testing.assert_array_equal(pictures[np.array([4, 3])].labels, some.labels[::-1])
    assert repr(some) == "MaskedImages(2 of 64x64 pixels, 2 shapes each)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 2.5},
        {"part": "val"},
        {"seed": -1},
        {"shapes": 5},
        {"shapes": 0},
        {"side": 16},
        {"size": 2.0},
        {"clutter": 2.0},
    ],
)
def test_arguments_that_are_none_are_refused(wrong):
    with pytest.raises(errors.InputError, match=next(iter(wrong)).replace("size", "object_size")):
        datasets.masked_scenes(**({"count": 2} | wrong))


class TestNetwork:
    def test_the_shipped_one_is_right(self):
        model, card = shapes.shipped()
        held_out = datasets.masked_scenes(200, part="test", seed=1)
        found = shapes.evaluate(model, held_out)
        assert found["pictures right"] > card.figures["pictures right"] - 0.1 > 0.75
        assert found["answers right"] > 0.97

    def test_predicts_in_batches_what_it_predicts_at_once(self, pictures):
        model, _ = shapes.shipped()
        np.testing.assert_allclose(
            shapes.predict(model, pictures.images, batch=7),
            shapes.predict(model, pictures.images),
            rtol=1e-3,
            atol=1e-3,
        )

    def test_learns_from_a_few_steps(self, pictures):
        data = datasets.masked_scenes(64)
        model = shapes.build(data.images)
        curves = shapes.train(model, data, steps=40, progress=False)
        assert curves.loss[-5:].mean() < 0.7 * curves.loss[:5].mean()

    def test_the_loss_is_ten_questions(self):
        logits = np.array([[0.0, 2.0, -2.0]], np.float32)
        present = np.array([[1.0, 1.0, 0.0]], np.float32)
        p = 1 / (1 + np.exp(-logits.astype(float)))
        wanted = -(np.log(p[0, 0]) + np.log(p[0, 1]) + np.log(1 - p[0, 2]))
        assert float(shapes.presence_loss(present, logits)[0]) == pytest.approx(wanted, rel=1e-5)

    def test_a_quick_training_writes_weights_and_card_elsewhere(self, tmp_path, capsys):
        path = shapes.train_shipped(tmp_path, quick=True)
        assert path == tmp_path / "shapes.npz"
        assert json.loads((tmp_path / "shapes.json").read_text())["command"] == shapes.COMMAND
        shapes.shipped(folder=tmp_path)
        assert "pictures right" in capsys.readouterr().out
        assert weights.card("shapes").seconds > 0
        with pytest.raises(errors.InputError, match="folder"):
            shapes.train_shipped(quick=True)
        with pytest.raises(errors.MissingError, match="train shapes"):
            shapes.shipped(folder=tmp_path / "nowhere")

    def test_flips_keep_the_batch_a_batch(self):
        images = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 3), np.uint8)
        labels = np.arange(6)
        turned, same = shapes._turned(images.copy(), labels, np.random.default_rng(1))
        np.testing.assert_array_equal(same, labels)
        for one, image in zip(turned, images, strict=True):
            assert any((one == np.flip(image, axes)).all() for axes in ((), (0,), (1,), (0, 1)))
