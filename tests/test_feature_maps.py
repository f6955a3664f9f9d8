"""The feature-map explorer: its maps are the network's own, its words agree with its numbers."""

import numpy as np
import pytest

from tracklab import errors, plots
from tracklab.explorers import feature_maps as fm
from tracklab.quiet import keras, tf

NAMES = ("a", "b", "c", "d")
MOST_LETTERS = 24  # of a layer in a list 300 pixels wide beside its label


def chain(side=20):
    """A plain chain of convolutions, as the article's."""
    layers = keras.layers
    inputs = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(6, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(5, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(len(NAMES))(x))


def branched(side=20):
    """Normalization, activations by themselves, a sum of two branches, strides and dilation."""
    layers = keras.layers
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = y = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(8, 3, padding="same", dilation_rate=2)(x)
    x = layers.Activation("relu")(layers.Add()([y, x]))
    x = layers.AveragePooling2D(2)(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(len(NAMES), activation="softmax")(x))


def stacked(side=20):
    """The same kind of chain as a `Sequential`, which has no `input` until it is called."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(len(NAMES)),
        ]
    )


def pictures(count=3, side=20):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.fixture(scope="module", params=[chain, branched, stacked])
def maps(request):
    keras.utils.set_random_seed(3)
    labels = np.array([2, 0, 1])
    model = request.param()
    made = fm.Maps(model, pictures(), labels, NAMES)
    made.model = model
    return made


def settings(maps, **changed):
    start = {"image": 0, "layer": maps.layers[0].label, "view": fm.GRID, "rank": 1}
    return start | changed


def test_maps_are_those_of_the_network(maps):
    for place, shown in enumerate(maps.layers):
        alone = keras.Model(maps.model.inputs[0], maps.model.layers[shown.place].output)
        for image in range(3):
            wanted = alone(maps.images[image : image + 1].astype(np.float32), training=False)[0]
            np.testing.assert_allclose(maps.of(image, place), wanted, rtol=1e-4, atol=1e-5)


def test_sees_is_what_gradients_say(maps):
    """The widest patch of the input that any value in the middle of a map depends on."""
    side = 20
    images = tf.Variable(np.random.default_rng(1).uniform(0, 255, (24, side, side, 3)), tf.float32)
    images = tf.cast(images, tf.float32)
    for shown in maps.layers:
        if len(shown.shape) < 3:
            assert shown.sees == side
            continue
        alone = keras.Model(maps.model.inputs[0], maps.model.layers[shown.place].output)
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = alone(images, training=False)
            middle = tf.reduce_sum(found[:, found.shape[1] // 2, found.shape[2] // 2] ** 2)
        touched = np.abs(tape.gradient(middle, images)).sum((0, 3)) > 0
        rows = np.flatnonzero(touched.any(1))
        reach = rows[-1] - rows[0] + 1
        assert reach <= shown.sees
        # at the border of the image, and where ReLU is closed, less is seen
        assert reach >= min(shown.sees, side) - 2


def test_labels_are_unique_and_say_the_shapes(maps):
    labels = [shown.label for shown in maps.layers]
    assert len(set(labels)) == len(labels)
    for shown in maps.layers:
        assert str(shown.shape[-1]) in shown.label


def test_the_strongest_channel_comes_first(maps):
    for place in range(len(maps.layers)):
        found = maps.of(1, place)
        order = fm.ranked(found)
        assert sorted(order) == list(range(found.shape[-1]))
        assert np.abs(found[..., order[0]]).max() == np.abs(found).max()


def test_every_layer_draws_in_every_view_at_every_end(maps):
    for shown in maps.layers:
        for view in fm.VIEWS:
            for rank in (1, 3, 999):
                drawn = fm.draw(maps, **settings(maps, layer=shown.label, view=view, rank=rank))
                assert drawn.picture.dtype == np.uint8
                assert drawn.picture.shape == (fm.TOP + fm.ROOM, fm.SIDE + fm.GAP + fm.ROOM, 3)
                assert drawn.picture.std() > 0


def test_words_tell_the_class_the_answer_and_the_place(maps):
    drawn = fm.draw(maps, **settings(maps))
    assert "class c" in drawn.caption
    name, share = maps.answer(0)
    assert f"The network says {name} with {share:.0%}" in drawn.caption
    best = int(fm.ranked(maps.of(0, 0))[0])
    assert f"Channel {best}, the strongest" in drawn.caption
    last = maps.layers[-1].label
    assert "the largest of 4" in fm.draw(maps, **settings(maps, layer=last)).caption


def test_the_answer_is_a_softmax_once_whether_the_network_has_one_or_not(maps):
    output = np.asarray(maps.model(maps.images[:1].astype(np.float32), training=False)[0], float)
    powers = np.exp(output)
    once = output if np.isclose(output.sum(), 1) else powers / powers.sum()
    assert maps.answer(0)[1] == pytest.approx(once.max(), rel=1e-4)


def test_a_silent_channel_is_said_to_be_silent():
    model = chain()
    weights = model.layers[2].get_weights()
    weights[0][..., 0], weights[1][:] = 0.0, 9.0
    weights[1][0] = -1.0
    model.layers[2].set_weights(weights)
    maps = fm.Maps(model, pictures())
    quiet = fm.draw(maps, **settings(maps, rank=999))
    assert "Channel 0 is silent" in quiet.caption
    assert quiet.numbers["silent channels"] >= 1
    fm.draw(maps, **settings(maps, rank=999, view=fm.ONE))


def test_a_rank_that_the_layer_does_not_have_is_said_to_be_its_last(maps):
    for shown in maps.layers:
        count = shown.shape[-1]
        last = fm.draw(maps, **settings(maps, layer=shown.label, rank=count))
        beyond = fm.draw(maps, **settings(maps, layer=shown.label, rank=count + 1))
        np.testing.assert_array_equal(last.picture, beyond.picture)
        assert "is more than this layer has" not in last.caption
        assert f"Rank {count + 1} is more than this layer has: of its {count}" in beyond.caption


def test_layers_of_the_shipped_network_have_names_that_fit_a_list():
    from tracklab.models import classifier

    model, _ = classifier.shipped()
    assert max(len(shown.label) for shown in fm.layers(model, 32)) <= MOST_LETTERS


def test_without_names_there_is_no_answer_to_tell():
    maps = fm.Maps(chain(), pictures())
    assert maps.answer(0) is None
    assert maps.truth(0) is None
    assert "The network says" not in fm.draw(maps, **settings(maps)).caption


def test_the_explorer_offers_at_most_so_many_images():
    explorer = fm.feature_maps(chain(), pictures(40), np.zeros(40, int), NAMES)
    assert explorer.error is None
    assert plots.decode(explorer.picture).shape[2] == 3
    with pytest.raises(errors.InputError, match="image"):
        explorer.set(image=fm.IMAGES)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((0, 20, 20, 3), np.uint8), "at least one image"),
        (np.zeros((2, 20, 20, 3)), "uint8"),
        (np.zeros((20, 20, 3), np.uint8), "at least one image"),
        (np.zeros((2, 16, 20, 3), np.uint8), "as the model"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, said):
    with pytest.raises(errors.InputError, match=said):
        fm.Maps(chain(), images)


def test_images_are_not_changed():
    images = pictures()
    before = images.copy()
    maps = fm.Maps(chain(), images)
    for view in fm.VIEWS:
        fm.draw(maps, **settings(maps, view=view))
    np.testing.assert_array_equal(images, before)
