"""A student learns what its teacher says: the loss by its equation, and learning as learning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import compress, datasets, errors, training
from tracklab.compress import distillation, students
from tracklab.datasets import moved
from tracklab.models import classifier, siamese
from tracklab.quiet import tf

LOGITS = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed).normal(0, 4, (5, 6)))
TEMPERATURES = st.floats(0.5, 20)


@given(LOGITS, LOGITS, TEMPERATURES)
@settings(max_examples=50)
def test_the_divergence_is_that_of_two_softened_answers(student, teacher, temperature):
    from scipy.special import softmax
    from scipy.stats import entropy

    found = distillation.divergence(tf.constant(student), tf.constant(teacher), temperature)
    p, q = (softmax(each / temperature, -1) for each in (teacher, student))
    wanted = temperature**2 * entropy(p, q, axis=-1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)
    assert (found.numpy() >= -1e-9).all()


@given(LOGITS, TEMPERATURES, st.floats(-50, 50))
@settings(max_examples=30)
def test_who_says_the_same_has_nothing_to_learn(logits, temperature, shift):
    told = tf.constant(logits)
    for said in (told, told + shift):  # a constant changes no softmax
        np.testing.assert_allclose(
            distillation.divergence(said, told, temperature), 0, atol=1e-6 * temperature**2
        )


def test_at_high_temperature_it_is_half_the_square_of_the_logits_distance():
    """The paper's section 2.1: matching logits of mean 0, per class."""
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 8, 10))
    student -= student.mean(1, keepdims=True)
    teacher -= teacher.mean(1, keepdims=True)
    found = distillation.divergence(tf.constant(student), tf.constant(teacher), 1000.0)
    np.testing.assert_allclose(found, ((student - teacher) ** 2).mean(1) / 2, rtol=0.02)


@pytest.fixture(scope="module")
def taught():
    """A teacher that knows the sprites; a student by it, one alone: as many steps from one seed."""
    images = datasets.sprites(train=1500, test=400)
    data = images.train_images, images.train_labels
    plan = {"batch_size": 64, "progress": False, "stages": classifier.FULL_SIZE}
    teacher = classifier.improved(images.train_images, widths=(8, 16, 32), seed=0)
    classifier.train_improved(teacher, *data, steps=120, **plan)
    found = {"teacher": teacher}
    few = data[0][:100], data[1][:100]  # labels are few
    for name, options in {
        "taught": {"objective": distillation.objective(teacher, share=0.9), "loss": None},
        "alone": {},
    }.items():
        student = classifier.improved(images.train_images, widths=(4, 8, 8), seed=1)
        classifier.train_improved(student, *few, steps=100, **(plan | options))
        found[name] = student
    return images, found


def test_a_taught_classifier_is_nearer_to_its_teacher(taught):
    images, found = taught
    said = {
        name: np.asarray(training.predict(model, np.float32(images.test_images)))
        for name, model in found.items()
    }
    apart = {
        name: float(
            tf.reduce_mean(distillation.divergence(tf.constant(each), said["teacher"], 4.0))
        )
        for name, each in said.items()
    }
    assert apart["teacher"] == pytest.approx(0, abs=1e-5)
    assert apart["taught"] < 0.8 * apart["alone"]


def test_labels_weigh_nothing_where_all_is_the_teacher_s(taught):
    images, found = taught
    batch = tf.constant(np.float32(images.test_images[:16])), tf.constant(images.test_labels[:16])
    wrong = batch[0], (batch[1] + 1) % 10
    objective = distillation.objective(found["teacher"], share=1.0)
    losses = [float(objective(found["alone"], each)["loss"]) for each in (batch, wrong)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    mixed = distillation.objective(found["teacher"], share=0.5)
    losses = [float(mixed(found["alone"], each)["loss"]) for each in (batch, wrong)]
    assert losses[1] > losses[0] + 0.1


def test_numbers_out_of_range(taught):
    teacher = taught[1]["teacher"]
    for options in ({"temperature": 0}, {"share": 1.5}, {"share": -1}, {"temperature": "hot"}):
        with pytest.raises(errors.InputError, match=next(iter(options))):
            distillation.objective(teacher, **options)
    with pytest.raises(errors.InputError, match="teacher"):
        distillation.objective(None)
    with pytest.raises(errors.InputError, match="temperature"):
        distillation.divergence(np.ones((1, 2)), np.ones((1, 2)), 0)
    with pytest.raises(errors.InputError, match="teacher"):
        students.objective(teacher)
    with pytest.raises(errors.InputError, match="student"):
        students.distil(None, siamese.Siamese.small(), None)
    with pytest.raises(errors.InputError, match="rate"):
        compress.fine_tune(teacher, np.zeros((2, 32, 32, 3)), [0, 1], rate=-1, steps=1)
    with pytest.raises(errors.InputError, match="model"):
        compress.fine_tune(None, np.zeros((2, 32, 32, 3)), [0, 1], steps=1)
    with pytest.raises(errors.InputError, match="weight"):
        students.objective(siamese.Siamese.small(), weight=-1)


# --- the tracker's student ---


@pytest.fixture(scope="module")
def pairs():
    images = datasets.sprites(train=60, test=10)
    return siamese.Pairs(moved.Stills(images.train_images), batch_size=2, windows=3, longest=8)


def test_the_student_has_a_sixth_of_the_weights():
    network, _ = siamese.load()
    assert students.student().weights < network.weights / 5


def test_the_objective_adds_the_map_to_the_recipe_s(pairs):
    batch = tuple(map(tf.convert_to_tensor, pairs.batch(0, 0.0)))
    teacher, student = students.student(seed=1), students.student(seed=2)
    alone = siamese.recipe.objective(student, batch)
    with_teacher = students.objective(teacher, weight=2.0)(student, batch)
    assert float(with_teacher["map"]) > 0
    assert float(with_teacher["loss"]) == pytest.approx(
        float(alone["loss"]) + 2 * float(with_teacher["map"]), rel=1e-3
    )


def test_the_teacher_is_left_as_it_was(pairs):
    teacher, student = students.student(seed=1), students.student(seed=2)
    before = [v.numpy() for v in teacher.variables]
    first = [v.numpy() for v in student.variables]
    curves = compress.distil(student, teacher, pairs, steps=2, progress=False)
    assert all(
        np.array_equal(old, new.numpy()) for old, new in zip(before, teacher.variables, strict=True)
    )
    assert any(
        not np.array_equal(old, new.numpy())
        for old, new in zip(first, student.variables, strict=True)
    )
    assert np.isfinite(curves["map"]).all()


@pytest.mark.slow
def test_a_student_s_map_comes_nearer_to_its_teacher_s(pairs):
    teacher, _ = siamese.load()
    student = students.student()
    curves = compress.distil(student, teacher, pairs, steps=60, progress=False, average=None)
    far, near = curves["map"][:10].mean(), curves["map"][-10:].mean()
    assert near < 0.8 * far
