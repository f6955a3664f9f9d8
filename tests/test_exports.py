"""Files of all four networks: they say what Keras says, come back whole, refuse what is none."""

import numpy as np
import pytest

from tracklab import compress, datasets, errors, motion, scenes, trackers
from tracklab.compress import classifying, export, following, integers, moving
from tracklab.metrics import single
from tracklab.models import classifier, detector, siamese
from tracklab.quiet import keras, tf
from tracklab.trackers.recurrent import RecurrentTracker

FRAMES = 12


@pytest.fixture(scope="module")
def images():
    """Frames of scenes as a classifier sees them: not noise, and no CIFAR-10 needed."""
    return datasets.sprites(train=120, test=80)


@pytest.fixture(scope="module")
def shipped():
    return classifier.shipped()[0]


@pytest.fixture(scope="module")
def finder():
    return detector.shipped()[0]


@pytest.fixture(scope="module")
def held_out():
    return datasets.boxed_scenes("plain", 10, part="test")


@pytest.fixture(scope="module")
def follower():
    network, cell = siamese.load()
    return network, cell, compress.export_tracker(network, cell)


@pytest.fixture(scope="module")
def clip():
    return scenes.render(seed=3, frames=FRAMES, objects=1)


def outputs(model, given):
    return np.asarray(model(np.float32(given), training=False))


# --- the classifier ---


def test_the_classifier_s_file_says_what_keras_says(shipped, images):
    exported = compress.export_classifier(shipped)
    found = classifying.logits(exported, images.test_images)
    np.testing.assert_allclose(found, outputs(shipped, images.test_images), atol=1e-4)
    assert exported.signatures == {"classify": {"pixels": (1, 32, 32, 3)}}
    one = exported.run("classify", pixels=images.test_images[:1])["logits"]
    np.testing.assert_allclose(one, found[:1], atol=1e-5)
    assert len(exported) == len(exported.content)


def test_fewer_bits_fewer_bytes_and_nearly_the_same_answers(shipped, images):
    wanted = outputs(shipped, images.test_images)
    spread = wanted.std()
    tolerance = {"float32": 1e-5, "float16": 2e-3, "int8 weights": 0.1, "int8": 0.25}
    share = {"float32": 1.0, "float16": 0.52, "int8 weights": 0.28, "int8": 0.28}
    whole = None
    for precision in export.PRECISIONS:
        made = compress.export_classifier(shipped, precision=precision, images=images.train_images)
        whole = whole or len(made)
        found = classifying.logits(made, images.test_images)
        off = np.sqrt(np.mean((found - wanted) ** 2)) / spread
        assert off < tolerance[precision], precision
        assert len(made) <= share[precision] * whole, precision
        agreed = (found.argmax(1) == wanted.argmax(1)).mean()
        assert agreed >= (1.0 if precision == "float32" else 0.9), precision


def test_the_integers_written_out_are_those_of_the_file(shipped, images):
    """A folded network, its int8 file, and the same in NumPy: from the same examples."""
    plain = compress.folded(shipped)
    ours = integers.Integers(plain, images.train_images)
    found = ours.logits(images.test_images)
    real = outputs(plain, images.test_images)
    made = compress.export_classifier(plain, precision="int8", images=images.train_images)
    theirs = classifying.logits(made, images.test_images)
    step = float(ours.steps[-1].outer.scale)
    # both miss the real logits by a few steps, and each other by fewer
    assert np.abs(found - real).mean() < 3 * step
    assert np.abs(found - theirs).mean() < 2 * step
    assert (found.argmax(1) == theirs.argmax(1)).mean() >= 0.9
    # of what LiteRT counts in int8, and we too, the grids are the same
    eight = [
        one["quantization"]
        for one in export.Exported(made.content).interpreter.get_tensor_details()
        if one["dtype"] == np.int8 and tuple(one["shape"]) == (1, 10)
    ]
    assert eight[0][0] == pytest.approx(step, rel=0.15)


def test_one_scale_for_all_channels_costs_more_than_one_each(shipped, images):
    plain = compress.folded(shipped)
    real = outputs(plain, images.test_images)
    off = {
        (bits, each): np.abs(
            integers.Integers(plain, images.train_images, bits=bits, per_channel=each).logits(
                images.test_images
            )
            - real
        ).mean()
        for bits in (8, 6)
        for each in (True, False)
    }
    assert off[8, True] < off[8, False]
    assert off[6, True] < off[6, False]
    assert off[8, True] < off[6, True]


def test_integers_want_a_folded_network_and_images(shipped, images):
    with pytest.raises(errors.InputError, match="model"):
        integers.Integers(shipped, images.train_images)
    plain = compress.folded(shipped)
    nan = np.full((2, 32, 32, 3), np.nan)
    for none in (np.zeros((0, 32, 32, 3)), np.zeros((4, 32, 32)), [], nan, nan[:, :4], "images"):
        with pytest.raises(errors.InputError, match="images"):
            integers.Integers(plain, none)
    with pytest.raises(errors.InputError, match="bits"):
        integers.Integers(plain, images.train_images, bits=9)
    with pytest.raises(errors.InputError, match="images"):
        integers.Integers(plain, images.train_images[:2]).logits(np.zeros((0, 32, 32, 3)))


# --- files ---


def test_a_file_comes_back_whole(shipped, images, tmp_path):
    exported = compress.export_classifier(shipped)
    path = exported.save(tmp_path / "classifier.tflite")
    assert [each.name for each in tmp_path.iterdir()] == ["classifier.tflite"]
    again = compress.load(path)
    assert again.content == exported.content
    np.testing.assert_array_equal(
        classifying.logits(again, images.test_images[:4]),
        classifying.logits(exported, images.test_images[:4]),
    )


def test_what_is_no_file_is_refused(shipped, tmp_path):
    exported = compress.export_classifier(shipped)
    for name, content in {
        "empty": b"",
        "text": b"a text that is long enough",
        "half": exported.content[: len(exported.content) // 2],
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(errors.SourceError, match=name):
            compress.load(path)
    with pytest.raises(errors.SourceError, match="nowhere"):
        compress.load(tmp_path / "nowhere")
    with pytest.raises(errors.InputError, match="content"):
        export.Exported("text")
    with pytest.raises(errors.SourceError):
        exported.save(tmp_path / "no folder" / "file")


def test_shapes_and_names_that_a_file_does_not_know(shipped):
    exported = compress.export_classifier(shipped)
    with pytest.raises(errors.InputError, match="signature"):
        exported.run("detect", pixels=np.zeros((1, 32, 32, 3)))
    with pytest.raises(errors.InputError, match="inputs"):
        exported.run("classify", images=np.zeros((1, 32, 32, 3)))
    for shape in ((1, 31, 32, 3), (2, 32, 32, 3), (32, 32, 3)):
        with pytest.raises(errors.InputError, match="pixels"):
            exported.run("classify", pixels=np.zeros(shape))
    for shape in ((4, 31, 32, 3), (0, 32, 32, 3)):
        with pytest.raises(errors.InputError, match="images"):
            classifying.logits(exported, np.zeros(shape))


def test_int8_wants_to_see_examples(shipped, images):
    for none in (None, images.train_images[:0]):
        with pytest.raises(errors.InputError, match="examples"):
            compress.export_classifier(shipped, precision="int8", images=none)
    with pytest.raises(errors.InputError, match="examples"):
        compress.export_classifier(shipped, precision="int8", images=np.zeros((3, 16, 16, 3)))
    with pytest.raises(errors.InputError, match="precision"):
        compress.export_classifier(shipped, precision="int4")
    with pytest.raises(errors.InputError, match="signatures"):
        export.export({}, [])


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_none_end_no_process(number):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    images = np.zeros((3, 8, 8, 3))
    images[1, 2, 3] = number
    with pytest.raises(errors.InputError, match="examples"):
        compress.export_classifier(model, precision="int8", images=images, side=8)
    kernel = model.layers[0].kernel
    kernel.assign(np.full(kernel.shape, number))
    for precision in compress.PRECISIONS:
        with pytest.raises(errors.InputError, match="variables"):
            compress.export_classifier(
                model, precision=precision, images=np.zeros((3, 8, 8, 3)), side=8
            )


def test_the_file_of_another_network_is_refused(shipped, finder):
    exported = compress.export_classifier(shipped)
    lstm = motion.shipped("lstm")
    for make in (
        lambda file: compress.ExportedDetector(finder, file),
        lambda file: compress.ExportedMotion(lstm, file),
        lambda file: compress.ExportedTracker(*siamese.load(), file),
    ):
        for file in (exported, None):
            with pytest.raises(errors.InputError, match="exported"):
                make(file)
    with pytest.raises(errors.InputError, match="model"):
        compress.ExportedDetector(None, exported)
    with pytest.raises(errors.InputError, match="network"):
        compress.ExportedMotion(None, exported)
    with pytest.raises(errors.InputError, match="model"):
        compress.export_classifier(None)
    with pytest.raises(errors.InputError, match="exported"):
        classifying.logits(None, np.zeros((1, 32, 32, 3)))
    with pytest.raises(errors.InputError, match="pixels"):
        exported.run("classify", pixels="a picture")
    two = compress.export_detector(finder, (64, 64))
    with pytest.raises(errors.InputError, match="exported"):
        two.batched(np.zeros((1, 64, 64, 3)))


def test_weights_that_were_not_named_are_missed():
    weight = tf.Variable(2.0)
    double = export.Signature(lambda x: {"y": weight * x}, {"x": (1,)})
    with pytest.raises(errors.InputError, match="variables"):
        export.export({"double": double}, [])
    made = export.export({"double": double}, [weight])
    assert made.run("double", x=[3.0])["y"] == 6


def test_a_file_does_not_follow_its_model():
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)])
    made = compress.export_classifier(model)
    given = np.ones((1, 32, 32, 3), np.float32)
    before = made.run("classify", pixels=given)["logits"]
    model.layers[0].kernel.assign(model.layers[0].kernel * 0)
    np.testing.assert_array_equal(made.run("classify", pixels=given)["logits"], before)
    assert np.abs(before).max() > 0


# --- the detector ---


def same_detections(one, other, *, pixels, scores):
    assert len(one) == len(other)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=pixels)
    np.testing.assert_allclose(one.scores, other.scores, atol=scores)


def test_the_detector_finds_the_same_with_its_file(finder, held_out):
    made = compress.export_detector(finder, held_out.size)
    ported = compress.ExportedDetector(finder, made)
    assert "bytes" in repr(ported)
    for one, other in zip(
        finder.detect_all(held_out, score=0.3),
        ported.detect_all(held_out, score=0.3),
        strict=True,
    ):
        same_detections(one, other, pixels=0.01, scores=1e-4)
    single_one = ported.detect(held_out.images[0], score=0.3)
    same_detections(
        single_one, finder.detect(held_out.images[0], score=0.3), pixels=0.01, scores=1e-4
    )


def test_an_int8_detector_finds_nearly_the_same(finder, held_out):
    from tracklab.metrics import detection

    frames = datasets.boxed_scenes("plain", 8, part="train").images
    made = compress.export_detector(finder, held_out.size, precision="int8", images=frames)
    assert len(made) < 0.27 * len(compress.export_detector(finder, held_out.size))
    ported = compress.ExportedDetector(finder, made)
    whole, small = (
        detection.evaluate(one.detect_all(held_out), held_out.objects, held_out.class_names).ap50
        for one in (finder, ported)
    )
    assert whole > 0.95
    assert small > whole - 0.08


def test_other_detectors_and_sizes(finder, held_out):
    fast = detector.build("fast", ["a"])
    with pytest.raises(errors.InputError, match="model"):
        compress.export_detector(fast, (64, 64))
    with pytest.raises(errors.InputError, match="size"):
        compress.export_detector(finder, (20, 64))
    for size in (64, (64,), (64, 64, 3)):
        with pytest.raises(errors.InputError, match="size"):
            compress.export_detector(finder, size)
    with pytest.raises(errors.InputError, match="images"):
        compress.export_detector(finder, (64, 64), precision="int8", images=np.zeros((64, 64, 3)))
    with pytest.raises(errors.InputError, match="examples"):
        compress.export_detector(finder, (64, 64), precision="int8")
    ported = compress.ExportedDetector(finder, compress.export_detector(finder, (64, 96)))
    with pytest.raises(errors.InputError, match="shape"):
        ported.detect(held_out.images[0])


# --- motion ---


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_motion_file_says_what_the_network_says(kind):
    observed = motion.observe(11, part="test", seed=0)  # more than a file takes at once
    network = motion.shipped(kind)
    whole = motion.run(motion.create(kind, motion.PICTURE), observed.detections)
    made = compress.export_motion(network)
    states = 2 if kind == "lstm" else 1
    assert len(made.signatures["step"]) == 1 + states
    ported = compress.ExportedMotion(network, made, motion.PICTURE)
    found = motion.run(ported, observed.detections)
    for one, other in zip(whole, found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_an_int8_motion_model_still_follows():
    from tracklab.metrics.motion import ALL, evaluate

    seen, fresh = (motion.observe(40, part="test", seed=seed) for seed in (1, 0))
    network = motion.shipped("lstm")
    recording = moving.Recording(network, size=motion.PICTURE)
    motion.run(recording, seen.detections)
    assert len(recording.examples) >= 50
    made = compress.export_motion(network, precision="int8", examples=recording.examples)
    off = {}
    for name, model in {
        "whole": motion.create("lstm", motion.PICTURE),
        "int8": compress.ExportedMotion(network, made, motion.PICTURE),
        "held": motion.create("none"),
    }.items():
        run = motion.run(model, fresh.detections)
        off[name] = evaluate(run, fresh.boxes, fresh.velocities)[ALL]["position"]
    assert off["int8"] < off["whole"] + 0.5
    assert off["int8"] < off["held"]


def test_motion_files_of_what_is_none():
    with pytest.raises(errors.InputError, match="network"):
        compress.export_motion(motion.create("kalman"))
    with pytest.raises(errors.InputError, match="objects"):
        compress.export_motion(motion.shipped("rnn"), objects=0)
    with pytest.raises(errors.InputError, match="examples"):
        compress.export_motion(motion.shipped("rnn"), precision="int8")


# --- the visual tracker ---


def test_the_tracker_follows_alike_with_its_file(follower, clip):
    network, cell, made = follower
    assert set(made.signatures) == {"embed", "respond", "look_again", "step"}
    whole = trackers.run(RecurrentTracker(), clip)
    found = trackers.run(
        RecurrentTracker(network=compress.ExportedTracker(network, cell, made)), clip
    )
    np.testing.assert_allclose(whole.boxes, found.boxes, atol=0.01)
    np.testing.assert_allclose(whole.scores, found.scores, atol=1e-3)


def test_each_part_of_the_tracker_says_what_keras_says(follower, clip):
    network, cell, made = follower
    recording = following.Recording(network, cell, made, most=3)
    trackers.run(RecurrentTracker(network=recording), clip)
    assert all(len(kept) == 3 for kept in recording.examples.values())
    for given in recording.examples["embed"]:
        np.testing.assert_allclose(
            made.run("embed", **given)["embedded"], network.embed(given["windows"]), atol=1e-5
        )
    for given in recording.examples["step"]:
        said, hidden = cell.step(given["sees"], given["hidden"])
        found = made.run("step", **given)
        np.testing.assert_allclose(found["said"], said, atol=1e-5)
        np.testing.assert_allclose(found["hidden"], hidden, atol=1e-5)
    wrong = dict(recording.examples["step"][0], sees=np.zeros((2, 12)))
    with pytest.raises(errors.InputError, match="sees"):
        made.run("step", **wrong)


def test_an_int8_tracker_stays_on_its_object(follower, clip):
    network, cell, made = follower
    recording = following.Recording(network, cell, made)
    trackers.run(RecurrentTracker(network=recording), scenes.render(seed=9, frames=20, objects=1))
    small = compress.export_tracker(network, cell, precision="int8", examples=recording.examples)
    assert len(small) < 0.31 * len(made)
    track = trackers.run(
        RecurrentTracker(network=compress.ExportedTracker(network, cell, small)), clip
    )
    whole = trackers.run(RecurrentTracker(), clip)
    aucs = [single.evaluate(one, clip.truth).auc for one in (whole, track)]
    assert aucs[1] > aucs[0] - 0.05


def test_other_networks_are_no_trackers():
    with pytest.raises(errors.InputError, match="network"):
        compress.export_tracker(keras.Sequential(), None)
    network, cell = siamese.load()
    with pytest.raises(errors.InputError, match="examples"):
        compress.export_tracker(network, cell, precision="int8", examples={})
