"""One way to train: repeats, resumes to the bit, agrees with Keras, and says what is wrong."""

import doctest
import json
import math
import os
import pickle
import signal
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, training
from tracklab.quiet import keras, tf
from tracklab.training import checkpoints, progress
from tracklab.training.loop import _Budget, _Clock

CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def points(count=96, seed=0):
    """Three clouds in the plane: (N, 2) float32 and classes (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centers = np.array([[2, 0], [-2, 1], [0, -2]], np.float32)
    return centers[labels] + rng.normal(size=(count, 2)).astype(np.float32), labels


def network(seed=0, *, dropout=0.0, normalize=False):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((2,)), keras.layers.Dense(8, activation="relu")]
    if normalize:
        layers.append(keras.layers.BatchNormalization())
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    return keras.Sequential([*layers, keras.layers.Dense(3)])


def weights(model):
    return [variable.numpy() for variable in model.variables]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def fit(model, data=None, **options):
    settings = {"steps": 12, "loss": CROSSENTROPY, "progress": False}
    if {"objective", "train_step"} & set(options):
        del settings["loss"]
    if {"seconds", "cpu_seconds"} & set(options):
        del settings["steps"]
    return training.fit(model, data or training.Batches(*points(), 16), **(settings | options))


# --- batches ---


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5))
def test_every_epoch_sees_every_example_once(count, batch_size, seed):
    data = training.Batches(np.arange(count), np.arange(count), batch_size, seed)
    epochs = 3
    steps = math.ceil(epochs * count / batch_size)
    seen = np.concatenate([data.batch(step)[0] for step in range(steps)])
    for epoch in range(epochs):
        part = seen[epoch * count : (epoch + 1) * count]
        assert sorted(part) == list(range(count))
    assert all(len(data.batch(step)[0]) == batch_size for step in range(steps))


def test_a_batch_depends_on_its_step_alone():
    def shake(images, labels, rng):
        return images + rng.normal(size=images.shape), labels

    x, y = points()
    forward = training.Batches(x, y, 10, 1, shake)
    backward = training.Batches(x, y, 10, 1, shake)
    wanted = [forward.batch(step) for step in range(30)]
    for step in reversed(range(30)):
        for a, b in zip(backward.batch(step), wanted[step], strict=True):
            np.testing.assert_array_equal(a, b)
    other = training.Batches(x, y, 10, 2, shake)
    assert not np.array_equal(other.batch(0)[0], wanted[0][0])


def test_augmentation_gets_copies():
    def spoil(images, labels, rng):
        images[:], labels[:] = 0, 0
        return images, labels

    x, y = points()
    kept = x.copy(), y.copy()
    training.Batches(x, y, 16, augment=spoil).batch(0)
    assert same((x, y), kept)


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "images: .*at least one"),
        (np.zeros((3, 2)), np.zeros(4, int), "labels: .*one for each of the 3"),
        (np.zeros((3, 2)), np.array([0, -1, 0]), "labels: got -1, wanted classes counted from 0"),
        (np.array([[0.0], [np.nan]]), np.zeros(2, int), "images: got NaN .*example 1"),
        (np.zeros((2, 1)), np.array([0, np.inf]), "labels: got NaN or infinity in example 1"),
        (np.array(["a", "b"]), np.zeros(2, int), "images: .*wanted numbers"),
    ],
)
def test_bad_examples_are_named(images, labels, says):
    with pytest.raises(errors.InputError, match=says):
        training.Batches(images, labels)


# --- schedules ---


@pytest.mark.parametrize(
    "schedule",
    [
        training.constant,
        training.triangle(),
        training.triangle(peak=1.0),
        training.cosine(),
        training.cosine(warmup=0.3, end=0.1),
        training.flat_then_down(),
        training.stairs(),
        training.warmed_up(training.constant, 0.3),
        training.warmed_up(training.stairs(drops=(0.6,)), 0.0),
    ],
)
def test_schedules_stay_between_0_and_their_peak(schedule):
    rates = [schedule(progress) for progress in np.linspace(0, 1, 201)]
    assert min(rates) >= 0
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert max(rates) <= 1


def test_stairs_go_down_and_a_warm_up_hides_what_is_below_it():
    down = training.stairs(drops=(0.25, 0.5), factor=0.5)
    assert [down(p) for p in (0, 0.24, 0.25, 0.5, 1)] == [1, 1, 0.5, 0.25, 0.25]
    warm = training.warmed_up(training.cosine(), 0.2)
    assert [warm(p) for p in (0.2, 0.6, 1.0)] == [training.cosine()(p) for p in (0.2, 0.6, 1.0)]
    assert warm(0.1) == pytest.approx(0.5 * training.cosine()(0.1))
    for call, said in (
        (lambda: training.stairs(drops=(2,)), "drops"),
        (lambda: training.stairs(factor=-1), "factor"),
        (lambda: training.warmed_up(0.1), "schedule"),
        (lambda: training.warmed_up(training.constant, 1.0), "warmup"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()


def test_the_rate_that_was_used_follows_the_schedule():
    curves = fit(network(), learning_rate=0.2, schedule=training.triangle(peak=0.5, start=0))
    wanted = [0.2 * min(2 * k / 12, 2 - 2 * k / 12) for k in range(12)]
    np.testing.assert_allclose(curves.learning_rate, wanted, atol=1e-12)


# --- learning ---


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.01),
    ],
)
def test_steps_equal_those_of_keras(make):
    data = training.Batches(*points(), 16, seed=3)
    ours, theirs = network(normalize=True), network(normalize=True)
    fit(ours, data, optimizer=make(), steps=8)
    theirs.compile(make(), CROSSENTROPY)
    for step in range(8):
        theirs.train_on_batch(*data.batch(step))
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_weight_decay_equals_adamw_on_kernels():
    data = training.Batches(*points(), 16, seed=3)
    ours, theirs = network(), network()
    fit(ours, data, optimizer=keras.optimizers.Adam(0.01), weight_decay=0.5, steps=8)
    decayed = keras.optimizers.AdamW(0.01, weight_decay=0.5)
    decayed.exclude_from_weight_decay(var_names=["bias"])
    theirs.compile(decayed, CROSSENTROPY)
    for step in range(8):
        theirs.train_on_batch(*data.batch(step))
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_the_average_follows_its_equation():
    path, model = [], network()

    def watch():
        return {"loss": 0.0}

    data = training.Batches(*points(), 16)
    plain = network()
    for steps in range(1, 7):  # where the same training stands after each step
        plain = network()
        fit(plain, data, steps=steps)
        path.append(weights(plain))
    wanted = weights(network())
    for step, now in enumerate(path, start=1):
        d = min(0.9, (1 + step) / (10 + step))
        wanted = [a + (1 - d) * (w - a) for a, w in zip(wanted, now, strict=True)]
    fit(model, data, steps=6, average=0.9, validation=watch, validate_every=2)
    for a, b in zip(weights(model), wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_three_ways_to_say_what_to_make_small_agree():
    def objective(model, batch):
        inputs, labels = batch
        return {
            "loss": CROSSENTROPY(labels, model(inputs, training=True)),
            "part": tf.constant(2.0),
        }

    by_loss, by_objective, by_step = network(), network(), network()
    fit(by_loss)
    curves = fit(by_objective, objective=objective)
    optimizer = keras.optimizers.Adam()
    optimizer.build(by_step.trainable_variables)
    step = training.compiled_step(by_step, objective, optimizer)
    fit(by_step, train_step=step, optimizer=optimizer)
    assert same(weights(by_loss), weights(by_objective))
    assert same(weights(by_loss), weights(by_step))
    assert (curves["part"] == 2).all()


def test_learning_is_learning():
    x, y = points(300)
    model = network()
    curves = fit(
        model, training.Batches(x, y, 32), steps=150, learning_rate=0.02, validation=points(90, 1)
    )
    assert curves.val_accuracy[-1] > 0.85  # chance is a third
    assert curves.loss[-10:].mean() < 0.6 * curves.loss[:3].mean()
    assert training.predict(model, x).argmax(1).tolist().count(0) > 0


def test_the_same_seed_gives_the_same_bits_and_the_input_is_not_touched():
    x, y = points()
    kept = x.copy(), y.copy()
    runs = []
    for _ in range(2):
        model = network(dropout=0.3)
        curves = fit(model, training.Batches(x, y, 16, seed=5), seed=7)
        runs.append([*weights(model), curves.loss, curves.accuracy])
    assert same(*runs)
    assert same((x, y), kept)


def test_global_seeds_are_touched_only_when_asked():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(network_without_seeding(), steps=2)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def network_without_seeding():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


# --- budgets ---


@pytest.mark.parametrize("unit", ["seconds", "cpu_seconds"])
def test_a_time_budget_ends_with_its_schedule_complete(unit):
    curves = fit(network(), **{unit: 2.0}, learning_rate=0.1, schedule=training.cosine())
    assert len(curves) > 5
    assert curves.learning_rate[-1] < 0.01
    assert (np.diff(curves.learning_rate) <= 0).all()


def test_a_time_budget_trains_at_least_a_step():
    assert len(fit(network(), seconds=1e-6)) == 1


def test_half_a_step_before_the_end_is_the_end():
    budget, clock = _Budget(None, None, 10.0), _Clock(cpu_seconds=9.7)
    assert budget.progress(5, clock, typical=1.0) >= 1
    assert budget.progress(5, clock, typical=0.0) < 1


# --- validation and early stop ---


def test_validation_is_by_epoch_or_by_steps_and_always_at_the_end():
    by_epoch = fit(network(), steps=15, validation=points(30, 1))  # six steps an epoch
    assert by_epoch.step[by_epoch.validated].tolist() == [6, 12, 15]
    by_steps = fit(network(), steps=15, validation=points(30, 1), validate_every=5)
    assert by_steps.step[by_steps.validated].tolist() == [5, 10, 15]


def test_evaluation_is_keras_evaluation():
    model, (x, y) = network(), points(1201, 4)  # three unequal batches
    model.compile(loss=CROSSENTROPY, metrics=["accuracy"])
    wanted = model.evaluate(x, y, verbose=0)
    found = training.evaluate(model, x, y, CROSSENTROPY)
    assert [found["loss"], found["accuracy"]] == pytest.approx(wanted, abs=1e-5)


def test_early_stop_goes_back_to_the_best_weights():
    losses = iter([3.0, 2.0, 2.5, 2.6, 2.7, 0.0])
    model, seen = network(), []

    def validate():
        seen.append(weights(model))
        return {"loss": next(losses)}

    curves = fit(model, steps=60, validation=validate, validate_every=2, patience=3)
    assert (curves.stopped, curves.best_step, curves.step[-1]) == ("patience", 4, 10)
    assert same(weights(model), seen[1])


def test_early_stop_may_watch_what_should_grow():
    scores = iter([0.1, 0.3, 0.2, 0.2])
    curves = fit(
        network(),
        validation=lambda: {"accuracy": next(scores)},
        validate_every=1,
        patience=2,
        monitor="val_accuracy",
    )
    assert (curves.best_step, len(curves)) == (2, 4)


# --- interrupts ---


class Interrupting:
    """A source that is interrupted once, while it makes the batch of one step."""

    def __init__(self, data, at, how):
        self.data, self.at, self.how, self.done = data, at, how, False
        self.steps_per_epoch = data.steps_per_epoch

    def batch(self, step, progress):
        if step == self.at and not self.done:
            self.done = True
            self.how()
        return self.data.batch(step, progress)


def raise_it():
    raise KeyboardInterrupt


def press_stop():
    os.kill(os.getpid(), signal.SIGINT)


FULL = {
    "average": 0.9,
    "validation": points(30, 1),
    "validate_every": 3,
    "patience": 50,
    "schedule": training.cosine(),
    "weight_decay": 0.01,
    "seed": 11,
}


@pytest.mark.parametrize(("at", "how"), [(1, press_stop), (5, raise_it), (11, press_stop)])
def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path, at, how):
    data = training.Batches(*points(), 16, seed=2)
    whole = network(dropout=0.3, normalize=True)
    wanted = fit(whole, data, **FULL)

    path = tmp_path / "deep" / "run.npz"
    source = Interrupting(data, at, how)
    with pytest.raises(training.Interrupted, match="run the same call again") as stopped:
        fit(network(dropout=0.3, normalize=True), source, checkpoint=path, **FULL)
    assert stopped.value.curves.stopped == "interrupted"
    assert [file.name for file in path.parent.iterdir()] == ["run.npz"]

    model = network(5, dropout=0.3, normalize=True)  # other weights: all must come from the file
    resumed = fit(model, source, checkpoint=path, **FULL)
    assert same(weights(model), weights(whole))
    for column in ("step", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        np.testing.assert_array_equal(resumed[column], wanted[column])
    assert resumed.best_step == wanted.best_step
    assert not path.exists()


def test_the_old_interrupt_handler_is_back_afterwards():
    before = signal.getsignal(signal.SIGINT)
    fit(network(), steps=2)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_without_a_checkpoint_says_how_to_have_one(capsys):
    source = Interrupting(training.Batches(*points(), 16), 4, press_stop)
    with pytest.raises(training.Interrupted, match=r"after 5 steps.*give checkpoint="):
        fit(network(), source, progress=True)
    assert "interrupted after 5 steps" in capsys.readouterr().out


def test_a_checkpoint_is_plain_arrays(tmp_path):
    path = interrupted_at(tmp_path, 3)
    with np.load(path, allow_pickle=False) as stored:
        state = json.loads(str(stored["state"]))
        assert state["step"] == 3
        assert all(stored[name].dtype.kind in "fiuU" for name in stored.files)


def interrupted_at(folder, step):
    path = folder / "run.npz"
    source = Interrupting(training.Batches(*points(), 16), step, raise_it)
    with pytest.raises(training.Interrupted):
        fit(network(), source, checkpoint=path)
    return path


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = interrupted_at(tmp_path, 3)
    with pytest.raises(errors.InputError, match=r"saved by another run.*delete the file"):
        fit(network(), checkpoint=path, steps=13)


@pytest.mark.parametrize("keep", [0, 20, 300])
def test_a_broken_checkpoint_says_what_to_do(tmp_path, keep):
    path = interrupted_at(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(errors.SourceError, match="delete it to train from the beginning"):
        fit(network(), checkpoint=path)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    checkpoints.write(path, {"a": np.arange(3)}, {"n": 1})

    def full(*_args, **_kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        checkpoints.write(path, {"a": np.arange(4)}, {"n": 2})
    arrays, state = checkpoints.read(path)
    assert (arrays["a"].tolist(), state) == ([0, 1, 2], {"n": 1})
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


# --- bad input ---


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seconds": 3, "steps": 3}, "got steps and seconds, wanted exactly one"),
        ({"steps": None}, "got none of them, wanted exactly one"),
        ({"steps": 0}, "steps: got 0, wanted a whole number of at least 1"),
        ({"steps": 2.5}, "steps: got 2.5"),
        ({"seconds": -1}, "seconds: got -1, wanted more than 0"),
        ({"seconds": math.nan}, "seconds: got nan"),
        ({"loss": None}, "loss, objective, train_step: got none of them"),
        ({"loss": 3}, "loss: got 3"),
        ({"patience": 2}, "patience: got 2, wanted validation="),
        ({"validation": points()[0]}, "validation: got an ndarray"),
        ({"validation": points(), "validate_every": 0}, "validate_every: got 0"),
        ({"average": 1.5}, "average: got 1.5"),
        ({"seed": -1}, "seed: got -1"),
        ({"learning_rate": math.inf}, "learning_rate: got inf"),
    ],
)
def test_bad_arguments_are_named(options, says):
    with pytest.raises(errors.InputError, match=says):
        training.fit(
            network(),
            training.Batches(*points(), 16),
            **({"loss": CROSSENTROPY, "progress": False} | _with_steps(options)),
        )


def _with_steps(options):
    return options if {"steps", "seconds"} & set(options) else {"steps": 3, **options}


def test_arrays_instead_of_batches_are_refused():
    with pytest.raises(errors.InputError, match=r"data: got a tuple, wanted .*training\.Batches"):
        fit(network(), points())


def test_a_class_that_the_network_does_not_have_is_refused():
    x, y = points()
    with pytest.raises(errors.InputError, match="labels: got 3, wanted classes from 0 to 2"):
        fit(network(), training.Batches(x, y + 1))


def test_a_loss_that_is_no_number_stops_the_training():
    with pytest.raises(
        training.Diverged, match=r"nan in step 1 at learning rate 0.001.*try 0.0001"
    ):
        fit(network(), loss=lambda labels, outputs: tf.math.log(-1.0 - tf.abs(outputs)))


def test_a_rate_that_diverges_is_said_and_everything_is_as_before(capsys):
    x, _ = points()
    data = training.Batches(x, x @ np.array([[3.0], [-2.0]], np.float32), 16)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    fit(model, data, loss="mean_squared_error", optimizer=optimizer, steps=5)
    before = weights(model), [v.numpy() for v in optimizer.variables]
    with pytest.raises(training.Diverged, match=r"at learning rate 40\. Lower .*try 4\)") as raised:
        fit(
            *(model, data),
            loss="mean_squared_error",
            optimizer=optimizer,
            learning_rate=40.0,
            average=0.9,
            steps=200,
            progress=True,
        )
    step, curves = raised.value.step, raised.value.curves
    assert 5 < step < 200
    assert curves.step.tolist() == [*range(1, step)]
    assert np.isfinite(curves.loss).all()
    assert curves.loss[-1] > 1e6 * curves.loss[0]
    assert curves.stopped == "diverged"
    assert capsys.readouterr().out.count("diverged in step") == 1
    assert same(before[0], weights(model))
    assert same(before[1], [v.numpy() for v in optimizer.variables])
    again = fit(model, data, loss="mean_squared_error", optimizer=optimizer, steps=40)
    assert again.learning_rate[0] == pytest.approx(0.02)
    assert again.loss[-1] < 0.5 * again.loss[0]


def test_a_diverged_run_goes_on_from_its_checkpoint_with_a_lower_rate(tmp_path, monkeypatch):
    class SavedUntilStep7(training.Batches):
        def batch(self, step, progress=0.0):
            pause = 0.0 if step < 7 else 1e9
            monkeypatch.setattr("tracklab.training.loop.SECONDS_BETWEEN_SAVES", pause)
            return super().batch(step, progress)

    path = tmp_path / "run.npz"
    data = SavedUntilStep7(*points(), 16)
    late = {"schedule": lambda progress: 1.0 if progress < 0.5 else 1e9}
    options = {"optimizer": "sgd", "checkpoint": path, "ceiling": 100.0, "steps": 20}
    with pytest.raises(training.Diverged, match=r"run\.npz holds an earlier step.*lower") as raised:
        fit(network(), data, learning_rate=0.1, **late, **options)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.step) == (str(raised.value), raised.value.step)
    assert again.curves.stopped == "diverged"
    curves = fit(network(), data, learning_rate=1e-11, **late, **options)
    assert len(curves) == 20
    assert curves.learning_rate[0] == pytest.approx(0.1), "of the first call"
    assert curves.learning_rate[-1] == pytest.approx(0.01)
    assert not path.exists()


def test_weights_that_the_last_step_spoils_are_no_result():
    model = network()
    before = weights(model)
    poison = tf.Variable(0.0)

    def step(batch):
        poison.assign_add(1.0)
        if poison == 3:
            model.variables[0].assign_add(tf.fill((2, 8), np.inf))
        return {"loss": tf.constant(1.0)}

    with pytest.raises(training.Diverged, match="a weight is not finite after step 3, the last"):
        fit(model, train_step=step, steps=3)
    assert same(before, weights(model))


def test_a_loss_above_its_ceiling_is_divergence():
    data = training.Batches(*points(), 16)
    with pytest.raises(training.Diverged, match=r"rose to .* in step \d+, above 5"):
        fit(network(), data, optimizer="sgd", learning_rate=100.0, ceiling=5.0, steps=50)
    fit(network(), data, ceiling=5.0)
    with pytest.raises(errors.InputError, match="ceiling"):
        fit(network(), data, ceiling="high")


def test_a_step_of_your_own_does_what_fit_would_do_otherwise():
    for options, says in (
        ({"weight_decay": 0.1}, "weight_decay: got 0.1"),
        ({"learning_rate": 0.1}, "optimizer: got none"),
        ({"schedule": training.cosine()}, "optimizer: got none"),
    ):
        with pytest.raises(errors.InputError, match=says):
            fit(network(), train_step=lambda batch: {"loss": 1.0}, **options)


def test_an_optimizer_that_was_interrupted_has_its_rate_back(tmp_path):
    optimizer = keras.optimizers.Adam(0.5)
    source = Interrupting(training.Batches(*points(), 16), 6, press_stop)
    options = {"optimizer": optimizer, "schedule": training.cosine()}
    model = network()
    with pytest.raises(training.Interrupted):
        fit(model, source, checkpoint=tmp_path / "run.npz", **options)
    assert float(optimizer.learning_rate) == 0.5
    curves = fit(model, source, checkpoint=tmp_path / "run.npz", **options)
    assert curves.learning_rate[7] == pytest.approx(0.5 * training.cosine()(7 / 12))


def test_anything_with_variables_can_be_trained():
    class Slope(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(0.0)

    class Line:
        steps_per_epoch = 1.0

        def batch(self, step, progress):
            return {"x": np.float32(step % 3), "y": np.float32(2 * (step % 3))}, ()

    slope = Slope()

    @tf.function
    def step(batch):
        error = slope.w * batch[0]["x"] - batch[0]["y"]
        slope.w.assign_sub(0.2 * error * batch[0]["x"])
        return {"loss": error**2}

    fit(slope, Line(), train_step=step, steps=60, average=0.5)
    assert float(slope.w) == pytest.approx(2, abs=1e-3)


def test_a_step_without_a_loss_says_what_it_reported():
    with pytest.raises(training.Diverged, match=r"reported \['hinge'\], and no 'loss'"):
        fit(network(), train_step=lambda batch: {"hinge": 1.0})


# --- curves and progress ---


def test_curves_survive_json():
    curves = fit(network(), validation=points(30, 1), validate_every=5)
    back = training.Curves.from_json(curves.to_json())
    for column in ("step", "seconds", "loss", "val_accuracy"):
        np.testing.assert_array_equal(back[column], curves[column])
    assert (back.name, back.best_step, back.stopped) == ("training", 12, "complete")
    assert np.isnan(back.val_loss[0])
    with pytest.raises(errors.InputError, match="text: "):
        training.Curves.from_json("{}")
    with pytest.raises(errors.InputError, match="column: got 'speed'"):
        curves["speed"]


def test_rows_are_tidy():
    curves = fit(network(), steps=3, validation=points(30, 1))
    first, *_, last = curves.rows()
    assert "val_loss" not in first
    assert last["val_loss"] == curves.val_loss[-1]
    assert first["loss"] == curves.loss[0]


def test_smoothed_curves_keep_means_and_validations():
    curves = fit(network(), steps=60, validation=points(30, 1), validate_every=25)
    smooth = curves.smooth(6)
    assert len(smooth) <= 6 + 3
    assert smooth.step[smooth.validated].tolist() == [25, 50, 60]
    counts = np.diff([0, *smooth.step])
    assert (smooth.loss * counts).sum() / 60 == pytest.approx(curves.loss.mean())


def test_no_progress_is_silence(capsys):
    fit(network())
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_what_is_hushed_is_silent_and_only_that(capsys):
    with progress.hushed():
        fit(network(), progress=True, name="inside")
        inside = progress.Progress("made inside")
    inside.close("stays silent")
    progress.Progress("outside").close("speaks")
    assert capsys.readouterr().out == "outside: speaks\n"
    with pytest.raises(ZeroDivisionError), progress.hushed():
        _ = 1 / 0
    assert progress.Progress("after an error").shown


def test_examples_in_docstrings():
    failed, tried = doctest.testmod(progress)
    assert tried
    assert not failed


def test_into_a_file_goes_one_line(capsys):
    fit(network(), progress=True, name="clouds", validation=points(30, 1))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("clouds: 12 steps, 2.0 epochs, loss ")
    assert "val_accuracy" in out


def test_in_a_notebook_one_display_is_replaced(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        return Handle()

    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    fit(network(), progress=True, name="clouds")
    assert "s left" in shown[0]
    assert "epoch" in shown[0]
    assert shown[-1].startswith("clouds: 12 steps")


def test_in_a_terminal_a_bar_gives_way_to_a_line(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    fit(network(), progress=True, name="clouds")
    out = capsys.readouterr().out
    assert "s left" in out
    assert out.rstrip().splitlines()[-1].split("\r")[-1].lstrip("\x1b[A").startswith("clouds: 12")


# --- nothing is lost between a run and its resume ---


class Noise:
    """Pairs of normal inputs (4, 8) and targets (4, 1), a function of the step."""

    steps_per_epoch = 8.0

    def batch(self, step, progress):
        rng = np.random.default_rng([1, step])
        return rng.normal(size=(4, 8)).astype("f4"), rng.normal(size=(4, 1)).astype("f4")


def line_network():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])


class Unbuilt(keras.Model):
    """Has variables only once it is called, with as many inputs as it is given."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.Zeros())

    def call(self, inputs):
        return self.dense(tf.concat(tf.nest.flatten(inputs), -1))


def own_step(model, optimizer):
    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(batch[0], training=True) - batch[1]) ** 2)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}

    return step


def interrupted_then_resumed(path, run, data=None, at=5):
    source = Interrupting(data or Noise(), at, raise_it)
    with pytest.raises(training.Interrupted):
        run(source, checkpoint=path)
    return run(source, checkpoint=path)


def test_a_step_of_your_own_resumes_with_the_moments_of_its_optimizer(tmp_path):
    def run(data, **options):
        model, optimizer = line_network(), keras.optimizers.Adam(0.05)
        fit(model, data, train_step=own_step(model, optimizer), optimizer=optimizer, **options)
        return weights(model)

    assert same(interrupted_then_resumed(tmp_path / "run.npz", run), run(Noise()))


def test_a_model_without_variables_is_refused_by_a_step_of_your_own():
    model, optimizer = Unbuilt(), keras.optimizers.SGD()
    with pytest.raises(errors.InputError, match="model: got one without variables"):
        fit(model, Noise(), train_step=own_step(model, optimizer), optimizer=optimizer)


def test_variables_that_appear_in_the_first_step_are_refused():
    model, late = line_network(), keras.optimizers.Adam()
    with pytest.raises(errors.InputError, match="more variables after the first step"):
        fit(model, Noise(), train_step=own_step(model, late), also=[late])


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path):
    def made_of(*layers):
        return keras.Sequential([keras.Input((8,)), *layers])

    first = made_of(keras.layers.Dense(1), keras.layers.Dense(5))
    other = made_of(keras.layers.Dense(2, use_bias=False), keras.layers.Dense(1))
    assert first.count_params() == other.count_params() == 19
    path, options = tmp_path / "run.npz", {"loss": "mse", "optimizer": "sgd"}
    with pytest.raises(training.Interrupted):
        fit(first, Interrupting(Noise(), 3, raise_it), checkpoint=path, **options)
    before = path.read_bytes()
    with pytest.raises(errors.InputError, match="another run: shapes"):
        fit(other, Noise(), checkpoint=path, **options)
    assert path.read_bytes() == before


def drawing(model, batch, seed):
    x, y = batch
    keep = tf.random.stateless_uniform(tf.shape(x), seed=seed) < 0.5
    return {"loss": tf.reduce_mean((model(x * tf.cast(keep, x.dtype), training=True) - y) ** 2)}


def test_an_objective_that_draws_by_its_seed_resumes_to_the_bit(tmp_path):
    def run(data, **options):
        model = line_network()
        curves = fit(model, data, objective=drawing, **({"seed": 5} | options))
        return [*weights(model), curves.loss]

    wanted = run(Noise())
    assert same(interrupted_then_resumed(tmp_path / "run.npz", run), wanted)
    assert not same(run(Noise(), seed=6), wanted)
    assert len(set(np.diff(wanted[-1]).tolist())) > 5


def test_draws_with_a_hidden_state_are_refused_beside_a_checkpoint(tmp_path):
    def objective(model, batch):
        noise = tf.cond(tf.constant(True), lambda: tf.random.normal((4, 8)), lambda: batch[0])
        return {"loss": tf.reduce_mean(model(batch[0] + noise) ** 2)}

    fit(line_network(), Noise(), objective=objective, steps=2)
    with pytest.raises(errors.InputError, match=r"hidden state \(RandomStandardNormal\).*seed"):
        fit(line_network(), Noise(), objective=objective, checkpoint=tmp_path / "run.npz")


def test_numpy_numbers_are_numbers(tmp_path):
    curves = fit(network(), validation=points(30, 1), validate_every=np.int64(5))
    assert curves.step[curves.validated].tolist() == [5, 10, 12]

    def run(data, **options):
        numbers = {"steps": np.int64(12), "seed": np.int64(3), "patience": np.int32(9)}
        options |= {"validation": points(30, 1), "learning_rate": np.float32(0.01)}
        return fit(network(), data, **numbers, **options)

    data = training.Batches(*points(), np.int64(16), seed=np.int64(1))
    resumed = interrupted_then_resumed(tmp_path / "run.npz", run, data)
    np.testing.assert_array_equal(resumed.loss, run(data).loss)


def test_a_checkpoint_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "run.npz"):
        with pytest.raises(errors.InputError, match=r"checkpoint: got .*cannot be written"):
            fit(
                network(),
                Interrupting(training.Batches(*points(), 16), 0, pytest.fail),
                checkpoint=path,
            )
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_an_interrupt_that_cannot_be_saved_is_still_an_interrupt(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(np, "savez", full)
    source = Interrupting(training.Batches(*points(), 16), 4, press_stop)
    with pytest.raises(training.Interrupted, match=r"cannot be written .no space left") as stopped:
        fit(network(), source, checkpoint=tmp_path / "run.npz")
    assert len(stopped.value.curves) == 5


@pytest.mark.parametrize("how", [press_stop, raise_it])
@pytest.mark.parametrize(("at", "average"), [(5, None), (5, 0.9), (12, None)])
def test_an_interrupt_in_a_validation_is_heard_and_its_run_resumes(tmp_path, how, at, average):
    pressed = []

    def run(model, **options):
        def validate():
            if int(seen[-1]) == at and at not in pressed and "checkpoint" in options:
                pressed.append(at)
                how()
            return {"loss": float(np.sum(weights(model)[0] ** 2))}

        seen = [0]

        class Counting(Noise):
            def batch(self, step, progress):
                seen.append(step + 1)
                return super().batch(step, progress)

        options |= {"validation": validate, "validate_every": 5, "patience": 50}
        curves = fit(model, Counting(), loss="mse", average=average, **options)
        return [*weights(model), curves.val_loss]

    wanted = run(line_network())
    path = tmp_path / "run.npz"
    with pytest.raises(training.Interrupted):
        run(line_network(), checkpoint=path)
    found = run(line_network(), checkpoint=path)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, wanted, strict=True))


# --- what to stop by ---


def stop_by(monitor, values, **options):
    values = iter(values)
    return fit(
        network(),
        validation=lambda: {"ap50": next(values)},
        validate_every=1,
        patience=2,
        monitor=monitor,
        **options,
    )


def test_the_better_way_is_said_where_the_name_does_not_say_it():
    with pytest.raises(errors.InputError, match="better: got None, wanted 'low' or 'high'"):
        stop_by("val_ap50", [])
    with pytest.raises(errors.InputError, match="better: got 'up'"):
        stop_by("val_ap50", [], better="up")
    rising = [k / 20 for k in range(12)]
    assert len(stop_by("val_ap50", rising, better="high")) == 12
    assert len(stop_by("val_ap50", rising, better="low")) == 3


def test_a_monitor_that_is_not_measured_is_refused():
    with pytest.raises(errors.InputError, match=r"'val_acuracy_score'.*wanted one of 'val_ap50'"):
        stop_by("val_acuracy_score", [0.1] * 12)


def test_a_monitor_that_is_never_a_number_stops():
    curves = stop_by("val_ap50", [math.nan] * 12, better="high")
    assert (curves.stopped, len(curves)) == ("patience", 2)


# --- what comes in and goes out ---


def test_many_fits_in_one_process_are_no_reason_to_warn(caplog):
    with caplog.at_level("WARNING", logger="tensorflow"):
        for _ in range(7):
            fit(network(), steps=2, average=0.9)
    assert "retracing" not in caplog.text


def two_inputs():
    left, right = keras.Input((2,)), keras.Input((3,))
    joined = keras.layers.Concatenate()([left, right])
    return keras.Model([left, right], [keras.layers.Dense(1)(joined), {"b": joined}])


def test_prediction_of_several_inputs_and_outputs():
    model, rng = two_inputs(), np.random.default_rng(0)
    a, b = rng.normal(size=(7, 2)).astype("f4"), rng.normal(size=(7, 3)).astype("f4")
    out, named = training.predict(model, [a, b], batch_size=3)
    np.testing.assert_allclose(named["b"], np.concatenate([a, b], 1))
    np.testing.assert_allclose(out, model([a, b])[0], atol=1e-6)
    with pytest.raises(errors.InputError, match=r"inputs: got lengths \[7, 6\]"):
        training.predict(model, (a, b[:6]))
    with pytest.raises(errors.InputError, match="batch_size: got 0"):
        training.predict(network(), points()[0], batch_size=0)


def test_a_list_of_examples_is_a_batch():
    x = points(4)[0]
    np.testing.assert_array_equal(
        training.predict(network(), list(x)), training.predict(network(), x)
    )


def test_prediction_of_nothing_is_nothing():
    assert training.predict(network(), np.zeros((0, 2), np.float32)).shape == (0, 3)


def test_prediction_sees_a_layer_that_was_added():
    model, x = network(), points(6)[0]
    before = training.predict(model, x)
    model.add(keras.layers.Softmax())
    after = training.predict(model, x)
    np.testing.assert_allclose(after.sum(1), 1, atol=1e-5)
    assert not np.allclose(before, after)


def test_an_unbuilt_model_is_built_as_its_objective_calls_it():
    class Pairs(Noise):
        def batch(self, step, progress):
            x, y = super().batch(step, progress)
            return x, x[:, :3], y

    def objective(model, batch):
        return {"loss": tf.reduce_mean((model((batch[0], batch[1])) - batch[2]) ** 2)}

    model = Unbuilt()
    fit(model, Pairs(), objective=objective, steps=3)
    assert model.dense.kernel.shape == (11, 1)
    assert training.predict(model, (np.ones((2, 8), "f4"), np.ones((2, 3), "f4"))).shape == (2, 1)


def test_two_inputs_train_and_are_validated_by_a_loss():
    class Pairs(Noise):
        def batch(self, step, progress):
            x, y = super().batch(step, progress)
            return (x, x[:, :3]), y

    (x, z), y = Pairs().batch(99, 0.0)
    model = Unbuilt()
    curves = fit(model, Pairs(), loss="mse", validation=((x, z), y), validate_every=6)
    wanted = np.mean((model((x, z)).numpy() - y) ** 2)
    assert curves.val_loss[-1] == pytest.approx(wanted, rel=1e-5)


def test_classes_in_a_column_are_classes():
    x, y = points()
    flat, column = network(), network()
    wanted = fit(flat, training.Batches(x, y, 16), validation=(x, y))
    found = fit(column, training.Batches(x, y[:, None], 16), validation=(x, y[:, None]))
    assert same(weights(flat), weights(column))
    for name in ("accuracy", "val_accuracy", "val_loss"):
        np.testing.assert_array_equal(found[name], wanted[name])
    with pytest.raises(errors.InputError, match="labels: got 3, wanted classes from 0 to 2"):
        fit(network(), training.Batches(x, y[:, None] + 1))


def test_penalties_are_reported_beside_the_loss():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5))
    model = keras.Sequential([keras.Input((2,)), layer])
    x, y = points()
    kernel = layer.kernel.numpy()
    loss = training.evaluate(model, x, y, CROSSENTROPY)["loss"]
    curves = fit(model, training.Batches(x, y, len(x)), steps=2)
    assert curves["penalty"][0] == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-5)
    assert curves.loss[0] == pytest.approx(loss, rel=1e-5)
    assert "penalty" not in fit(network(), steps=1).parts


def test_a_training_at_rate_0_says_that_nothing_was_learned():
    with pytest.warns(UserWarning, match=r"nothing was learned.* after 1 step"):
        fit(network(), seconds=1e-6, schedule=training.triangle(start=0.0))


def squared(model, batch):
    return model(batch[0]) ** 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"schedule": "cosine"}, r"schedule: got 'cosine', wanted .*training\.cosine"),
        ({"schedule": training.cosine}, "schedule: got <function cosine"),
        ({"schedule": lambda progress: None}, "schedule: got"),
        ({"schedule": lambda progress: -5.0}, r"schedule\(0\): got -5"),
        ({"optimizer": "addam"}, "optimizer: got 'addam'"),
        (
            {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9))},
            "optimizer: got one with a CosineDecay, wanted .*schedule=",
        ),
        ({"loss": "sparse_crossentropy"}, "loss: got 'sparse_crossentropy'"),
        (
            {"objective": lambda m, b: {"all": tf.reduce_mean(squared(m, b))}},
            r"^objective: got metrics \['all'\]",
        ),
        ({"objective": lambda m, b: None}, "^objective: got a NoneType"),
        (
            {"objective": lambda m, b: {"loss": squared(m, b)}},
            r"^objective: got 'loss' of shape \(16, 3\)",
        ),
        (
            {"objective": lambda m, b: {"loss": tf.reduce_mean(squared(m, b)), "step": 1.0}},
            "^objective: got a metric named 'step'",
        ),
        ({"train_step": lambda b: None}, "train_step: got a NoneType"),
        ({"train_step": lambda b: {"loss": 1.0, "epoch": 2.0}}, "train_step: .*named 'epoch'"),
        ({"validation": lambda: None}, "validation: got a NoneType"),
    ],
)
def test_what_does_not_fit_a_training_is_named(options, says):
    with pytest.raises(errors.InputError, match=says):
        fit(network(), **options)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: training.triangle(start=7), "start: got 7"),
        (lambda: training.cosine(end=-1), "end: got -1"),
        (lambda: training.flat_then_down(flat=0.02, warmup=0.5), "warmup: got 0.5, wanted at most"),
        (lambda: training.Batches([[1], [1, 2]], [0, 1]), "images: got rows of different shapes"),
        (lambda: training.evaluate(network(), points()[0][:0], [], "mse"), "at least one example"),
        (lambda: training.evaluate(network(), points(9)[0], [0, 1], "mse"), "each of the 9"),
    ],
)
def test_other_bad_input_is_named(call, says):
    with pytest.raises(errors.InputError, match=says):
        call()


def test_columns_of_different_lengths_are_no_curves():
    stored = json.loads(fit(network(), steps=3).to_json())
    stored["columns"]["loss"].pop()
    with pytest.raises(errors.InputError, match="text: "):
        training.Curves.from_json(json.dumps(stored))


def test_smoothing_leaves_out_what_was_not_measured():
    rows = [{"step": k, "loss": float(k), "accuracy": 1.0} for k in range(1, 9)]
    del rows[2]["accuracy"], rows[4]["accuracy"], rows[5]["accuracy"]
    smooth = training.Curves.from_rows(rows).smooth(4)
    np.testing.assert_array_equal(smooth.accuracy, [1, 1, np.nan, 1])
    np.testing.assert_array_equal(smooth.loss, [1.5, 3.5, 5.5, 7.5])
