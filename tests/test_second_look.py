"""A second look: one network finds, another names."""

import numpy as np
import pytest

from tracklab import boxes, datasets, errors
from tracklab.detections import Objects
from tracklab.models import classifier, detector
from tracklab.models.detector import second_look, timing
from tracklab.quiet import tf

NAMES = ("dark", "bright")
SMALL = {"widths": (8, 8, 16, 16), "head_width": 32}


class Finder(detector.Detector):
    """Says what it is told to: the same boxes for every image."""

    kind = "told"

    def __init__(self, known, scores):
        super().__init__(("object",), {}, {})
        self.known, self.scores = np.float32(known), np.float32(scores)

    def raw(self, images, regions, score, overlap, most):
        count, many = tf.shape(images)[0], len(self.known)
        fill = [[0, 0], [0, most - many]]
        found = tf.pad(tf.repeat(self.known[None], count, axis=0), [*fill, [0, 0]])
        sure = tf.pad(tf.repeat(self.scores[None], count, axis=0), fill)
        return found, sure, tf.zeros_like(sure), tf.fill([count], many)


def brightness():
    """A namer that knows what it says: the brighter the middle of a cut-out, the surer "bright"."""
    from tracklab.quiet import keras

    pixels = keras.Input((None, None, 3))
    level = keras.layers.GlobalAveragePooling2D()(pixels)
    dense = keras.layers.Dense(2)
    model = keras.Model(pixels, dense(level))
    dense.set_weights([np.float32([[0, 0.02]] * 3), np.float32([0, -6.0])])
    return model


def squares():
    """Two images with a black and a white square, and the squares' boxes."""
    images = np.full((2, 64, 80, 3), 100, np.uint8)
    known = np.float32([[8, 8, 24, 30], [40, 20, 70, 44]])
    images[:, 8:30, 8:24] = 0
    images[:, 20:44, 40:70] = 255
    return images, known


def test_boxes_are_the_finders_and_names_the_namers():
    images, known = squares()
    model = detector.SecondLook(Finder(known, [0.9, 0.8]), brightness(), NAMES)
    for found in model.detect_all(images, score=0.3):
        np.testing.assert_array_equal(found.boxes, known)
        assert [model.class_names[k] for k in found.labels] == ["dark", "bright"]
        # P(dark | black) = 1 / (1 + e^-6), times the finder's 0.9
        np.testing.assert_allclose(
            found.scores, [0.9 / (1 + np.exp(-6)), 0.8 / (1 + np.exp(-9.3))], rtol=1e-3
        )


def test_scores_of_a_box_add_up_to_the_finders():
    images, known = squares()
    model = detector.SecondLook(Finder(known, [0.9, 0.8]), brightness(), NAMES)
    found = model.detect(images[0], score=0.0)
    sums = [found.scores[(found.boxes == box).all(1)].sum() for box in known]
    np.testing.assert_allclose(sums, [0.9, 0.8], rtol=1e-5)


def test_nothing_found_is_nothing_named():
    images, _ = squares()
    # a network of convolutions, which TensorFlow refuses to compute for no pictures
    namer = classifier.improved(None, widths=(8, 8, 8))
    model = detector.SecondLook(Finder(np.zeros((0, 4)), []), namer, list("abcdefghij"))
    assert [len(found) for found in model.detect_all(images)] == [0, 0]


def test_cut_outs_show_the_object_and_its_label():
    images, known = squares()
    truth = [Objects(known, [0, 1]), Objects(known, [0, 1], [True, False])]
    made = datasets.BoxedImages(images, truth, NAMES, "squares")
    pixels, labels = detector.cut_out(made, shake=0)
    assert labels.tolist() == [0, 1, 1]  # the ignored one is left out
    assert pixels.shape == (3, 32, 32, 3)
    # a cut-out of another size than 32 pixels reads half a sample across its border
    np.testing.assert_allclose([each.mean() for each in pixels], [0, 255, 255], atol=3)
    shaken, _ = detector.cut_out(made, shake=0.1)
    assert 0 < shaken[0].mean() < 50
    again, _ = detector.cut_out(made, shake=0.1)
    np.testing.assert_array_equal(shaken, again)
    nothing = datasets.BoxedImages(images, [Objects.empty()] * 2, NAMES, "nothing")
    assert detector.cut_out(nothing)[0].shape == (0, 32, 32, 3)


def test_a_whole_pixel_cut_out_is_the_picture():
    images = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), np.uint8)
    made = datasets.BoxedImages(images, [Objects([[10, 20, 42, 52]], [0])], ("any",), "noise")
    pixels, _ = detector.cut_out(made, shake=0)
    np.testing.assert_array_equal(pixels[0], images[0, 20:52, 10:42])


def test_unnamed_keeps_boxes_and_what_is_ignored():
    made = datasets.boxed_scenes("hard", 8)
    same = detector.unnamed(made)
    assert same.class_names == second_look.OBJECT
    for one, other in zip(made.objects, same.objects, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.ignored, other.ignored)
        assert not other.labels.any()


def test_a_trained_finder_and_lesson_02s_network_go_together():
    made = datasets.boxed_scenes("plain", 8)
    finder = detector.build("faster", second_look.OBJECT, **SMALL)
    detector.train(finder, detector.unnamed(made), steps=2, progress=False)
    namer = classifier.improved(None, widths=(8, 8, 8))
    model = detector.SecondLook(finder, namer, made.class_names)
    assert len(model.variables) == len(finder.variables) + len(namer.variables)
    for found in model.detect_all(made, score=0.0):
        assert len(found) <= 100
        assert set(found.labels) <= set(range(10))
        inside = boxes.clip(found.boxes, *made.size)
        np.testing.assert_array_equal(found.boxes, inside)
    assert set(detector.timings(model, made.images[0], repeats=1)) == set(timing.PARTS)


def test_what_does_not_go_together_is_refused():
    finder = detector.build("faster", second_look.OBJECT, **SMALL)
    two = detector.build("faster", NAMES, **SMALL)
    namer = classifier.improved(None, widths=(8, 8, 8))
    with pytest.raises(errors.InputError, match=r"finder.*one class"):
        detector.SecondLook(two, namer, list("abcdefghij"))
    for names in (["x"] * 10, "abcdefghij", range(10), None):
        with pytest.raises(errors.InputError, match="class_names"):
            detector.SecondLook(finder, namer, names)
    with pytest.raises(errors.InputError, match="namer"):
        detector.SecondLook(finder, None, NAMES)
    with pytest.raises(errors.InputError, match=r"namer.*32, 32"):
        detector.SecondLook(finder, classifier.article(side=16 + 16 + 1), list("abcdefghij"))
    with pytest.raises(errors.InputError, match=r"namer.*2 classes"):
        detector.SecondLook(finder, namer, NAMES)
    model = detector.SecondLook(finder, brightness(), NAMES)
    images, known = squares()
    made = datasets.BoxedImages(images, [Objects(known, [0, 1])] * 2, NAMES, "squares")
    with pytest.raises(errors.InputError, match=r"unnamed\(images\)"):
        detector.train(model, made, steps=1, progress=False)
    for what in ("x", images):
        for door in (detector.unnamed, detector.cut_out):
            with pytest.raises(errors.InputError, match="images"):
                door(what)
    with pytest.raises(errors.InputError, match="model"):
        detector.timings("x", images[0])
    for option in ({"shake": -1}, {"seed": -1}):
        with pytest.raises(errors.InputError, match=next(iter(option))):
            detector.cut_out(made, **option)
