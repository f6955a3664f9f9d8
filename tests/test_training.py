"""One way to train: repeats, resumes to the bit, agrees with Keras, and says what is wrong."""

import json
import math
import os
import signal
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, training
from tracklab.quiet import keras, tf
from tracklab.training import checkpoints
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
    ],
)
def test_schedules_stay_between_0_and_their_peak(schedule):
    rates = [schedule(progress) for progress in np.linspace(0, 1, 201)]
    assert min(rates) >= 0
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert max(rates) <= 1


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
    curves = fit(network(), **{unit: 0.6}, learning_rate=0.1, schedule=training.cosine())
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
        ({"validation": points()[0]}, "validation: got a ndarray"),
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

    from tracklab.training import progress

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
