"""Recurrent cells and networks: equal to Keras', gradients against differences, and learning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import errors, motion
from tracklab.metrics import motion as metric
from tracklab.models import weights
from tracklab.motion import (
    cells,
    gradients,
    learned,
    network,
    observed,
    recipe,
    recurrent,
    ship,
    stored,
)
from tracklab.quiet import keras, tf

LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
PICTURE = (200, 300)


def shaken(kind, seed=0, form=learned.GAINS, units=6):
    """A network whose weights are large enough that all of it matters."""
    net = motion.Network(kind, units=units, form=form, seed=seed)
    rng = np.random.default_rng(seed)
    for variable in net.variables:
        variable.assign(rng.normal(size=variable.shape) * 0.5)
    return net


def steady(count=7, frames=25, seed=4):
    """Observed objects whose detections have their true size, so that nobody must estimate it."""
    found = motion.observe(count, frames, seed=seed, gaps=0.6, size=PICTURE)
    half = bx.sizes(found.boxes) / 2
    middle = bx.centers(found.detections)
    seen = np.concatenate([middle - half, middle + half], axis=-1)
    return motion.Observed(found.boxes, found.velocities, seen, found.motions, found.size)


def walls(count):
    return np.tile(np.float32([0, 0, PICTURE[1], PICTURE[0]]), (count, 1))


# cells


@given(
    st.sampled_from(sorted(cells.KINDS)),
    st.integers(1, 5),
    st.integers(1, 7),
    st.integers(1, 6),
    st.integers(0, 1000),
)
@settings(max_examples=25)
def test_cells_equal_those_of_keras(kind, count, width, units, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 8, width)).astype(np.float32)
    layer = LAYERS[kind](units, return_sequences=True)
    layer.build(x.shape)
    for variable in layer.trainable_variables:
        # larger weights let rounding grow from step to step
        variable.assign(rng.normal(0, 0.5, size=variable.shape))
    ours, state = cells.Weights(*layer.get_weights()), cells.nothing_yet(kind, count, units)
    assert ours.units == units
    said = []
    for t in range(x.shape[1]):
        state = cells.KINDS[kind].step(x[:, t], state, ours)
        assert all(part.dtype == np.float32 for part in state)
        said.append(state[0])
    np.testing.assert_allclose(np.stack(said, 1), layer(x).numpy(), atol=5e-6)


def test_a_sigmoid_never_overflows():
    with np.errstate(all="raise"):
        found = cells.sigmoid(np.float32([-1e30, -3, 0, 3, 1e30]))
    np.testing.assert_allclose(found, [0, 0.04742587, 0.5, 0.95257413, 1], atol=1e-7)


# the filter that the network steers


@pytest.mark.parametrize("form", learned.FORMS)
@pytest.mark.parametrize("kind", sorted(cells.KINDS))
def test_what_is_trained_is_what_tracks(kind, form):
    found, net = steady(), shaken(kind, form=form)
    theirs = net.follow(*map(tf.constant, (*observed.inputs(found), walls(found.boxes.shape[1]))))
    model = motion.Recurrent(recurrent.trained(kind, form, net.arrays()), size=PICTURE)
    ours = motion.run(model, found.detections)
    np.testing.assert_allclose(bx.centers(ours.boxes)[1:], theirs.centers, atol=5e-3)
    np.testing.assert_allclose(bx.centers(ours.predicted)[1:], theirs.predicted, atol=5e-3)
    np.testing.assert_allclose(ours.velocities[1:], theirs.velocities, atol=5e-3)
    np.testing.assert_allclose(ours.deviations[1:], theirs.deviations, rtol=2e-3)
    np.testing.assert_allclose(ours.expected[1:], theirs.expected, rtol=2e-3)


def test_a_loop_and_frames_written_out_are_the_same():
    net, given = shaken("lstm"), (*observed.inputs(steady(4, 9)), walls(4))
    forced = {
        "truth": tf.ones((9, 4, 4)),
        "forced": tf.constant(np.eye(9, 4)[..., None], tf.float32),
    }
    given = tuple(map(tf.constant, given))
    loop, written = (net.follow(*given, **forced, unroll=unroll) for unroll in (False, True))
    for one, other in zip(loop, written, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_before_training_it_is_an_alpha_beta_filter():
    found = steady()
    net = motion.Network("gru")
    net.head.kernel.assign(tf.zeros_like(net.head.kernel))
    model = motion.Recurrent(recurrent.trained("gru", learned.GAINS, net.arrays()))
    run = motion.run(model, found.detections)
    place, speed = bx.centers(found.detections[0]), np.zeros((7, 2))
    for t in range(1, len(found)):
        place = place + speed
        seen = np.isfinite(found.detections[t, :, :1])
        surprise = np.where(seen, bx.centers(found.detections[t]) - place, 0)
        place, speed = place + learned.ALPHA * surprise, speed + learned.BETA * surprise
        np.testing.assert_allclose(bx.centers(run.boxes[t]), place, atol=1e-3)
        np.testing.assert_allclose(run.velocities[t], speed, atol=1e-3)


def test_what_is_not_seen_is_not_looked_at():
    net = shaken("lstm")
    given = [np.array(part) for part in (*observed.inputs(steady()), walls(7))]
    hidden = given[1] == 0
    assert hidden.any()
    once = net.follow(*map(tf.constant, given))
    given[0] = np.where(hidden, 1234, given[0]).astype(np.float32)
    for one, other in zip(once, net.follow(*map(tf.constant, given)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_walls_are_seen_where_they_are_known():
    far = tf.constant(np.tile(recurrent.FAR, (7, 1)))
    given = [tf.constant(part) for part in observed.inputs(steady())]
    net = shaken("gru")
    with tf.GradientTape() as tape:
        open_field = net.follow(*given, far)
        loss = tf.reduce_sum(open_field.centers)
    for slope in tape.gradient(loss, net.trainable_variables):
        assert np.isfinite(slope).all()
    near = net.follow(*given, tf.constant(walls(7)))
    assert np.abs(near.centers - open_field.centers).max() > 0.01


# loss and gradients


@pytest.mark.parametrize("form", [learned.GAINS, learned.ABSOLUTE])
@pytest.mark.parametrize("kind", sorted(cells.KINDS))
def test_gradients_through_time_are_those_of_finite_differences(kind, form):
    net, source = (
        shaken(kind, form=form, units=3),
        recipe.Trajectories(batch_size=5, lengths=((0, 9),), walls=True),
    )
    batch = [tf.constant(part) for part in source.batch(0)]

    def loss():
        parts = recipe.objective(net, batch)
        return parts["loss"] - parts["unsure"]  # the errors in "unsure" are constants on purpose

    with tf.GradientTape() as tape:
        value = loss()
    slopes = tape.gradient(value, net.trainable_variables)
    rng = np.random.default_rng(0)
    for variable, slope in zip(net.trainable_variables, slopes, strict=True):
        direction = rng.normal(size=variable.shape).astype(np.float32)
        start, step = variable.numpy(), 3e-3
        sides = []
        for sign in (1, -1):
            variable.assign(start + sign * step * direction)
            sides.append(float(loss()))
        variable.assign(start)
        found = (sides[0] - sides[1]) / (2 * step)
        assert found == pytest.approx(float(tf.reduce_sum(slope * direction)), rel=0.03, abs=2e-3)


def test_compiled_with_xla_it_is_the_same():
    net = shaken("gru", units=3)
    source = recipe.Trajectories(batch_size=8, lengths=((0, 7),), teacher_forcing=0.4)
    batch = [tf.constant(part) for part in source.batch(0)]
    compiled = tf.function(recipe.objective, jit_compile=True, autograph=False)
    ours, plain = compiled(net, batch), recipe.objective(net, batch)
    for name, value in plain.items():
        assert float(ours[name]) == pytest.approx(float(value), rel=1e-4), name


def test_gradients_that_explode_are_held(monkeypatch):
    rng = np.random.default_rng(0)
    net = motion.Network("rnn", units=32)
    for layer in (net.cell.recurrent_kernel, net.head.kernel):
        layer.assign(4 * rng.normal(size=layer.shape))
    source = recipe.Trajectories(batch_size=8, lengths=((0, 60),))
    batch = [tf.constant(part) for part in source.batch(0)]

    def steepness():
        with tf.GradientTape() as tape:
            loss = recipe.objective(net, batch)["loss"]
        return float(tf.linalg.global_norm(tape.gradient(loss, net.trainable_variables)))

    held = steepness()
    monkeypatch.setattr(network, "STEEPEST", 1e30)
    free = steepness()
    assert held < 1e7 < 1e11 < free


def test_the_loss_by_hand():
    one = tf.constant([[[3.0, 4.0]]])
    zero, sizes = tf.zeros((1, 1, 2)), tf.fill((1, 1, 2), 10.0)
    found = network.Followed(
        one, 2 * one, tf.fill((1, 1, 2), 5.0), 3 * one, tf.fill((1, 1, 2), 5.0)
    )
    parts = recipe.losses(found, zero, zero, sizes)
    assert float(parts["position"]) == pytest.approx(0.5, abs=1e-4)
    assert float(parts["velocity"]) == pytest.approx(recipe.SPEED * 1.0, abs=1e-4)
    assert float(parts["ahead"]) == pytest.approx(recipe.AHEAD * 1.5, abs=1e-4)
    near = np.log(0.5) + np.mean([(0.3 / 0.5) ** 2, (0.4 / 0.5) ** 2]) / 2
    far = np.log(0.5) + np.mean([(0.9 / 0.5) ** 2, (1.2 / 0.5) ** 2]) / 2
    assert float(parts["unsure"]) == pytest.approx(recipe.SURE * (near + far), abs=1e-4)


def test_how_sure_it_is_is_best_when_it_is_right():
    rng = np.random.default_rng(0)
    error = tf.constant(rng.normal(size=(1, 20_000, 2)).astype(np.float32) * 3)
    sizes = tf.fill((1, 20_000, 2), 10.0)
    losses = {
        s: float(recipe._unlikely(error, tf.fill((1, 20_000, 2), s), sizes))
        for s in (1.5, 2.5, 3.0, 3.5, 6.0)
    }
    assert min(losses, key=losses.get) == 3.0


@pytest.mark.parametrize("kind", sorted(cells.KINDS))
def test_how_far_gradients_reach_is_what_finite_differences_say(kind):
    net = shaken(kind, units=4)
    inputs = gradients.seen_by(net, steady(3, 12))
    assert inputs.shape == (11, 3, learned.SEEN)
    direction = gradients.readout(3, 4, 0).astype(np.float64)
    given = cells.Weights(*(part.astype(np.float64) for part in net.arrays()[:3]))
    step, frames = cells.KINDS[kind].step, inputs.astype(np.float64)

    def last(states, begin, x=frames):
        for t in range(begin, len(x)):
            states = step(x[t], states, given)
        return (direction * states[0]).sum(-1)

    states, tail = cells.nothing_yet(kind, 3, 4), []
    for x in frames:
        states = step(x, states, given)
        tail.append(states)
    of_state, of_input = (gradients.reach(net, inputs, of=what) for what in ("state", "input"))
    np.testing.assert_allclose(of_state[0], 1, atol=1e-5)
    small = 1e-6
    for lag in (0, 1, 3, 7):
        t = len(frames) - 1 - lag
        squares = np.zeros(3)
        for part in range(len(tail[t])):
            for unit in range(4):
                moved = [array.copy() for array in tail[t]]
                moved[part][:, unit] += small
                ahead = last(tuple(moved), t + 1)
                moved[part][:, unit] -= 2 * small
                squares += ((ahead - last(tuple(moved), t + 1)) / (2 * small)) ** 2
        np.testing.assert_allclose(of_state[lag], np.sqrt(squares), rtol=1e-3, atol=1e-6)
        squares = np.zeros(3)
        before = tail[t - 1]
        for feature in range(learned.SEEN):
            sides = []
            for sign in (1, -1):
                moved = frames.copy()
                moved[t, :, feature] += sign * small
                sides.append(last(before, t, moved))
            squares += ((sides[0] - sides[1]) / (2 * small)) ** 2
        np.testing.assert_allclose(of_input[lag], np.sqrt(squares), rtol=1e-3, atol=1e-6)


def test_reach_refuses_what_no_network_sees():
    net = shaken("rnn")
    for inputs in (np.zeros((3, 2)), np.zeros((3, 2, 4)), np.zeros((0, 2, learned.SEEN))):
        with pytest.raises(errors.InputError, match="inputs"):
            gradients.reach(net, inputs)
    with pytest.raises(errors.InputError, match="of"):
        gradients.reach(net, np.zeros((3, 2, learned.SEEN)), of="weights")


# training


def test_batches_depend_on_seed_and_step_alone():
    source = recipe.Trajectories(batch_size=8, teacher_forcing=0.5)
    one, again = source.batch(3, 0.9), source.batch(3, 0.9)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32
    assert not np.array_equal(one[0], source.batch(4, 0.9)[0])
    assert source.batch(0, 0.0)[0].shape[0] < one[0].shape[0]
    detected, seen, sizes, room, truth, forced = one
    assert np.isfinite(detected).all()
    assert (sizes > 0).all()
    assert set(np.unique(seen)) == {0, 1}
    assert 0.3 < forced.mean() < 0.7
    assert truth.shape == (*detected.shape[:2], 4)
    assert room.shape == (8, 4)


@pytest.mark.parametrize("kind", sorted(cells.KINDS))
def test_the_same_seed_trains_the_same_network(kind):
    options = {"steps": 3, "lengths": ((0, 6),), "batch_size": 8, "progress": False, "jit": False}
    found = []
    for _ in range(2):
        net = motion.Network(kind, units=4, seed=2)
        curves = motion.train(net, seed=5, **options)
        assert len(curves) == 3
        assert set(curves.parts) == {"position", "velocity", "ahead", "unsure"}
        found.append(net.arrays())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", learned.FORMS)
def test_every_form_trains_also_with_the_truth_in_its_place(form):
    net = motion.Network("gru", units=4, form=form)
    before = net.arrays()
    curves = motion.train(
        net,
        steps=2,
        lengths=((0, 6),),
        batch_size=8,
        teacher_forcing=0.5,
        progress=False,
        jit=False,
    )
    assert np.isfinite(curves.loss).all()
    assert all((a != b).any() for a, b in zip(net.arrays(), before, strict=True))


def test_a_short_training_beats_the_tuned_filter():
    net = motion.Network("gru", units=16, seed=1)
    motion.train(
        net, steps=600, batch_size=128, lengths=((0, 25),), average=0.98, seed=1, progress=False
    )
    held_out = motion.observe(400, part="test", seed=3)
    trained = recurrent.trained("gru", learned.GAINS, net.arrays())
    table = {}
    for model in (motion.Recurrent(trained, size=held_out.size), motion.create("kalman")):
        blind = motion.coast(model, held_out.detections, (15, 25, 35), 10)
        table[model.name] = metric.evaluate(
            motion.run(model, held_out.detections),
            held_out.boxes,
            held_out.velocities,
            coasted=blind,
            hidden=(5, 10),
        )["all"]
    ours, theirs = table["gru"], table["kalman"]
    assert ours["hidden 5"] < 0.92 * theirs["hidden 5"], table
    assert ours["velocity"] < 0.9 * theirs["velocity"], table
    assert ours["position"] < 0.96 * theirs["position"], table


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind": "transformer"}, "kind"),
        ({"units": 0}, "units"),
        ({"form": "guess"}, "form"),
        ({"seed": -1}, "seed"),
    ],
)
def test_networks_refuse_options_that_are_none(options, named):
    with pytest.raises(errors.InputError, match=named):
        motion.Network(**options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"motions": "flying"}, "motion"),
        ({"batch_size": 0}, "batch_size"),
        ({"gaps": 2}, "gaps"),
        ({"teacher_forcing": -1}, "teacher_forcing"),
        ({"lengths": ()}, "lengths"),
        ({"lengths": ((0.5, 20),)}, "lengths"),
        ({"lengths": ((0, 1),)}, "lengths"),
        ({"seed": -1}, "seed"),
    ],
)
def test_train_refuses_options_that_are_none(options, named):
    with pytest.raises(errors.InputError, match=named):
        motion.train(motion.Network("rnn", units=2), steps=1, progress=False, **options)


def test_weights_that_do_not_fit_are_refused():
    arrays = shaken("lstm").arrays()
    for kind, part in (("gru", arrays), ("lstm", arrays[:4]), ("lstm", [*arrays[1:], arrays[0]])):
        with pytest.raises(errors.InputError, match="arrays"):
            recurrent.trained(kind, learned.GAINS, part)
    with pytest.raises(errors.InputError, match="size"):
        motion.Recurrent(recurrent.trained("lstm", learned.ABSOLUTE, arrays))


# what is shipped


@pytest.mark.slow
def test_shipped_networks_are_stored_and_loaded(tmp_path):
    judged = []

    def judge(model, found):
        judged.append((model.name, found.boxes.shape[1]))
        return {"position": 1.5}

    path = motion.train_shipped(judge, tmp_path, quick=True)
    assert path.name == "motion.npz"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"motion.{x}" for x in ("json", "md", "npz")
    ]
    assert [name for name, _ in judged] == list(cells.KINDS)
    found, card = stored.networks(tmp_path)
    assert set(found) == set(cells.KINDS)
    assert card.figures == {f"position, {kind}": 1.5 for kind in cells.KINDS}
    with pytest.raises(errors.InputError, match="folder"):
        motion.train_shipped(judge, quick=True)


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_the_next_network(tmp_path, monkeypatch):
    trained, real = [], recipe.train

    def counted(net, **options):
        trained.append(net.kind)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return real(net, **options)

    monkeypatch.setattr(ship.recipe, "train", counted)
    with pytest.raises(KeyboardInterrupt):
        motion.train_shipped(lambda *_: {}, tmp_path, quick=True)
    motion.train_shipped(lambda *_: {}, tmp_path, quick=True)
    first, second, third = cells.KINDS
    assert trained == [first, second, second, third]


def test_shipped_networks_can_be_looked_into():
    net, found = motion.shipped("gru"), steady()
    model = motion.create("gru", PICTURE)
    theirs = net.follow(*map(tf.constant, (*observed.inputs(found), walls(7))))
    ours = motion.run(model, found.detections)
    np.testing.assert_allclose(bx.centers(ours.boxes)[1:], theirs.centers, atol=0.02)
    with pytest.raises(errors.InputError, match="arrays"):
        net.assign(net.arrays()[:3])
    with pytest.raises(errors.InputError, match="kind"):
        motion.shipped("kalman")


def test_missing_weights_say_how_to_get_them(tmp_path):
    with pytest.raises(errors.MissingError, match="train motion"):
        stored.networks(tmp_path)


def test_the_shipped_networks_are_as_good_as_their_card_says():
    found, card = stored.networks()
    held_out = motion.observe(400, part="test", seed=7)
    kalman = motion.run(motion.create("kalman"), held_out.detections)
    theirs = metric.evaluate(kalman, held_out.boxes, held_out.velocities)["all"]
    for kind, margin in (("rnn", 0.93), ("gru", 0.87), ("lstm", 0.87)):
        assert kind in found
        model = motion.create(kind, held_out.size)
        ours = motion.run(model, held_out.detections)
        table = metric.evaluate(ours, held_out.boxes, held_out.velocities)["all"]
        assert table["position"] < margin * theirs["position"], kind
        assert table["velocity"] < 0.82 * theirs["velocity"], kind
        assert table["position"] == pytest.approx(card.figures[f"position (px), {kind}"], rel=0.1)
    assert weights.card("motion").sha256 == card.sha256
