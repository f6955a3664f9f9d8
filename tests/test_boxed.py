"""Images with boxes: what the set promises, and that scenes become one faithfully."""

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import clips, datasets, errors, scenes, training
from tracklab.datasets import boxed
from tracklab.datasets.boxed import VISIBLE, BoxedImages, SceneBatches, boxed_scenes
from tracklab.detections import Objects

RNG = np.random.default_rng(0)


def small(count=6, *, ignored=()):
    """Images whose pixels are their number, the k-th with k objects."""
    images = (
        np.zeros((count, 20, 30, 3), np.uint8)
        + np.arange(count, dtype=np.uint8)[:, None, None, None]
    )
    objects = []
    for k in range(count):
        corners = RNG.uniform(0, 10, (k, 2))
        boxes = np.concatenate([corners, corners + 5], axis=1)
        objects.append(Objects(boxes, np.arange(k) % 3, np.isin(np.arange(k), ignored)))
    return BoxedImages(images, objects, ("a", "b", "c"), "small", "made up")


def same(one, other):
    return np.array_equal(one.images, other.images) and all(
        np.array_equal(a.boxes, b.boxes)
        and np.array_equal(a.labels, b.labels)
        and np.array_equal(a.ignored, b.ignored)
        for a, b in zip(one.objects, other.objects, strict=True)
    )


# -- the set


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (slice(1, 5, 2), [1, 3]),
        (slice(None, None, -1), [5, 4, 3, 2, 1, 0]),
        ([4, 0, -1], [4, 0, 5]),
        (np.array([True, False, False, True, False, False]), [0, 3]),
        ([], []),
    ],
)
def test_a_part_keeps_images_and_objects_together(rows, wanted):
    part = small()[rows]
    assert part.images[:, 0, 0, 0].tolist() == wanted
    assert [len(known) for known in part.objects] == wanted
    assert part.class_names == ("a", "b", "c")
    assert (part.name, part.source) == ("small", "made up")


@pytest.mark.parametrize("rows", [3, 1.5, "first", [6], [-7], [True], [[0, 1]], [0.5]])
def test_what_is_no_part_is_refused(rows):
    with pytest.raises(errors.InputError, match="rows"):
        small()[rows]


def test_padding_is_nan_and_minus_one_and_leaves_ignored_objects_out():
    images = small(4, ignored=[1])
    boxes, labels = images.padded()
    assert boxes.shape == (4, 2, 4)
    assert boxes.dtype == np.float32
    assert labels.tolist() == [[-1, -1], [0, -1], [0, -1], [0, 2]]
    assert np.array_equal(np.isnan(boxes).all(-1), labels == -1)
    assert np.array_equal(boxes[3], images.objects[3].boxes[[0, 2]])
    assert images.padded(7)[0].shape == (4, 7, 4)
    with pytest.raises(errors.InputError, match=r"most: got 1, wanted at least 2"):
        images.padded(1)


def test_padding_of_images_without_objects_has_a_row():
    boxes, labels = small(1).padded()
    assert np.isnan(boxes).all()
    assert labels.tolist() == [[-1]]


def test_counts_and_the_line_that_announces_the_set():
    images = small(4, ignored=[1])
    assert images.counts == {"a": 3, "b": 0, "c": 1}
    line = "small: 4 images 30x20, 4 objects and 2 ignored of 3 classes (made up)"
    assert repr(images) == str(images) == line
    assert repr(small(2)) == "small: 2 images 30x20, 1 objects of 3 classes (made up)"


def test_two_sets_make_one():
    one, other = small(3), small(4)
    both = one + other
    assert same(both[:3], one)
    assert same(both[3:], other)
    assert both.name == "small"
    with pytest.raises(errors.InputError, match="other"):
        one + BoxedImages(other.images, other.objects, ("x", "y", "z"), "named otherwise")
    with pytest.raises(TypeError):
        one + 1


def test_dividing_loses_and_repeats_nothing():
    images = small(6)
    rest, aside = images.divided(0.3, seed=4)
    seen = [*rest.images[:, 0, 0, 0], *aside.images[:, 0, 0, 0]]
    assert sorted(seen) == list(range(6))
    assert len(aside) == 2
    again = images.divided(0.3, seed=4)
    assert same(again[0], rest)
    assert same(again[1], aside)
    assert len(images.divided(0.0)[1]) == len(images.divided(1.0)[0]) == 1
    with pytest.raises(errors.InputError, match="at least two"):
        images[:1].divided()


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("images", np.zeros((1, 8, 8), np.uint8), "images"),
        ("images", np.zeros((1, 8, 8, 3), np.float32), "images"),
        ("objects", [], "objects: got 0 of them, wanted 1"),
        ("objects", [[1, 2, 3, 4]], r"objects\[0\]"),
        ("objects", [Objects([[0, 0, 9, 8]], [0])], r"objects\[0\].boxes: got \[0.0, 0.0, 9.0"),
        ("objects", [Objects([[-1, 0, 2, 2]], [0])], r"boxes inside the image of 8x8"),
        ("objects", [Objects([[0, 0, 2, 2]], [2])], r"objects\[0\].labels: got 2, wanted classes"),
        ("class_names", "ab", "class_names"),
        ("class_names", None, "class_names"),
    ],
)
def test_parts_that_do_not_agree_are_refused(part, value, says):
    fine = {
        "images": np.zeros((1, 8, 8, 3), np.uint8),
        "objects": [Objects([[0, 0, 8, 8]], [1])],
        "class_names": ("a", "b"),
        "name": "one",
    }
    BoxedImages(**fine)
    with pytest.raises(errors.InputError, match=says):
        BoxedImages(**(fine | {part: value}))


# -- scenes


@pytest.mark.parametrize("kind", ["plain", "hard", scenes.Scene("own", objects=2, rotation=0.5)])
def test_scenes_repeat_and_have_what_they_say(kind):
    images = boxed_scenes(kind, 13, size=(64, 96))
    assert images.images.shape == (13, 64, 96, 3)
    assert images.class_names == scenes.SHAPES
    assert same(images, boxed_scenes(kind, 13, size=(64, 96)))
    assert same(images[:5], boxed_scenes(kind, 5, size=(64, 96)))
    assert not same(images, boxed_scenes(kind, 13, size=(64, 96), seed=1))
    assert sum(images.counts.values()) > 13


def test_boxes_are_around_the_objects_that_are_seen():
    """Against the exact masks of the same scenes."""
    stream = boxed._stream("hard", "test", 3, "shapes", (128, 128), 4)
    images = boxed_scenes("hard", 20, part="test", seed=3, frames=4)
    some_hidden = 0
    for number in range(5):
        clip, masks = stream.scene(number).render_with_masks()
        for t in range(4):
            known = images.objects[4 * number + t]
            assert np.array_equal(images.images[4 * number + t], clip.frames[t])
            whole, seen = masks.amodal(t), masks.visible(t)
            there = [k for k in range(len(whole)) if seen[k].any()]
            assert np.array_equal(known.boxes, [bx.from_mask(whole[k]) for k in there])
            assert np.array_equal(known.labels, clip.truth.classes[there])
            # these scenes keep whole objects inside the picture, so that the masks tell the share
            shares = np.array([seen[k].sum() / whole[k].sum() for k in there])
            inside = np.isclose(shares, clip.truth.visibility[t][there], atol=1e-6)
            assert np.array_equal(known.ignored[inside], (shares < VISIBLE)[inside])
            some_hidden += int(known.ignored.sum())
    assert some_hidden


def test_what_is_wholly_hidden_or_has_no_class_is_left_out():
    truth = clips.Truth.from_boxes(
        np.tile(np.array([[0, 0, 4, 4], [1, 1, 6, 6], [2, 2, 8, 8], [3, 3, 9, 9]]), (1, 1, 1)),
        classes=[0, 1, -1, 1],
        visibility=[[0.0, 0.29, 1.0, 0.3]],
        class_names=("a", "b"),
    )
    known = datasets.objects_of(truth, 0)
    assert known.boxes[:, 0].tolist() == [1, 3]
    assert known.ignored.tolist() == [True, False]


def test_training_and_test_scenes_never_meet():
    def seeds(part, seed):
        stream = boxed._stream("plain", part, seed, "shapes", (128, 128), 8)
        return {stream.scene(k).seed for k in (0, 1, 7, 20_000, 998_999, 999_000, 5_000_000)}

    train = seeds("train", 0) | seeds("train", 49) | seeds("train", 1000)
    test = seeds("test", 0) | seeds("test", 49) | seeds("test", 1000)
    assert min(train) >= scenes.TRAIN_SEED
    assert max(train) < scenes.TEST_SEED <= min(test)


def test_thumbnails_of_a_part_come_from_that_part():
    """Training pictures are red and test pictures green."""
    labels = np.arange(40) % 4
    red, green = np.zeros((2, 40, 16, 16, 3), np.uint8)
    red[..., 0], green[..., 1] = 255, 255
    names = ("w", "x", "y", "z")
    pictures = datasets.Images(red, labels, green, labels, names, "coloured")
    for part, channel, word in (("train", 0, "training"), ("test", 1, "test")):
        images = boxed_scenes("plain", 6, part=part, sprites=pictures)
        assert images.class_names == names
        assert images.source == f"coloured {word} images"
        for image, known in zip(images.images, images.objects, strict=True):
            assert len(known)
            # no colour of the grounds is nearly pure
            pure = [(image[..., c] > 240) & (image.sum(-1) < 260) for c in (channel, 1 - channel)]
            assert pure[0].sum() > 100
            assert not pure[1].any()


def test_thumbnails_keep_the_classes_that_a_scene_names():
    pictures = scenes.Thumbnails(
        RNG.integers(0, 255, (30, 8, 8, 3), np.uint8), np.arange(30) % 5, tuple("abcde")
    )
    chosen = boxed_scenes(scenes.Scene("own", classes=[1, 3]), 12, sprites=pictures)
    assert {name for name, count in chosen.counts.items() if count} == {"b", "d"}
    with pytest.raises(errors.InputError, match="classes"):
        boxed_scenes(scenes.Scene("own", classes=[7]), 2, sprites=pictures)


def test_hard_scenes_hold_shapes_of_no_class_and_no_others():
    kind = boxed.KINDS["hard"].scene
    assert kind.strangers
    assert kind.distractors > 0
    assert kind.clutter > 0


@pytest.mark.parametrize("dial", ["distractors", "clutter"])
def test_strangers_take_the_place_of_look_alikes(dial):
    """Same places, another look; and nothing changes where neither is asked for."""
    scene = scenes.Scene("crowd", 5, frames=2, **{dial: 0.6})
    known, strange = (scene.render(strangers=flag) for flag in (False, True))
    assert not np.array_equal(known.frames, strange.frames)
    assert np.array_equal(known.truth.boxes, strange.truth.boxes)
    bare = scene.replace(**{dial: 0.0})
    assert np.array_equal(bare.render().frames, bare.render(strangers=True).frames)
    with pytest.raises(errors.InputError, match="strangers"):
        scene.replace(strangers="yes")


@pytest.mark.parametrize("index", range(len(scenes.STRANGERS)))
def test_a_stranger_is_no_turned_or_stretched_shape(index):
    """The best overlap of its mask with every shape at every quarter turn stays clear of 1."""
    _, mine = scenes.stranger(index, np.random.default_rng(0), 48)
    mine = mine > 127
    for other in range(len(scenes.SHAPES)):
        for angle in range(0, 360, 15):
            _, cover = scenes.sprite(other, np.random.default_rng(0), 48, angle=angle)
            cover = cover > 127
            assert (mine & cover).sum() / (mine | cover).sum() < 0.85


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"kind": "easy"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"count": 0}, "count"),
        ({"count": 2.5}, "count"),
        ({"part": "validation"}, "part"),
        ({"seed": -1}, "seed"),
        ({"sprites": "cats"}, "sprites"),
        ({"sprites": 3}, "sprites"),
        ({"size": (8, 8)}, "size"),
        ({"size": 128}, "size"),
        ({"frames": 0}, "frames"),
    ],
)
def test_bad_arguments_are_refused(arguments, says):
    with pytest.raises(errors.InputError, match=says):
        boxed_scenes(**({"count": 2} | arguments))


# -- batches without end


def test_batches_depend_on_the_step_alone():
    batches = SceneBatches("plain", batch_size=4, size=(32, 32), frames=2, most=9)
    assert isinstance(batches, training.Source)
    later, first, again = (batches.batch(step, 0.5) for step in (40, 0, 40))
    for a, b in zip(later, again, strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    images, boxes, labels = first
    assert images.shape == (4, 32, 32, 3)
    assert images.dtype == np.uint8
    assert boxes.shape == (4, 9, 4)
    assert labels.shape == (4, 9)
    assert np.array_equal(np.isnan(boxes).all(-1), labels == -1)
    assert (labels >= 0).any(1).all()
    assert not np.array_equal(images, later[0])
    assert batches.class_names == scenes.SHAPES
    assert batches.steps_per_epoch == 500


def test_batches_hold_the_frames_of_the_set_in_another_order():
    batches = SceneBatches("plain", batch_size=2, size=(32, 32))
    seen = np.concatenate([batches.batch(step)[0] for step in range(batches.BLOCK)])
    made = boxed_scenes("plain", len(seen), size=(32, 32)).images
    assert {image.tobytes() for image in seen} == {image.tobytes() for image in made}
    assert not np.array_equal(seen, made)


def test_batches_refuse_what_scenes_refuse():
    for wrong in ({"kind": "easy"}, {"batch_size": 0}, {"most": 0}, {"size": (1, 1)}):
        with pytest.raises(errors.InputError):
            SceneBatches(**wrong)
