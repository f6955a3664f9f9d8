"""First-order methods: equal to Keras step by step, and to their papers by other recursions."""

import doctest
import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors, motion, training
from tracklab.models import classifier
from tracklab.motion import recipe
from tracklab.optimizers import clipping, first_order
from tracklab.optimizers import plugged as plugged_module
from tracklab.optimizers.plugged import of_keras, plugged, watched_step
from tracklab.quiet import keras, tf

NAMES = first_order.NAMES
# RMSProp at 2e-3 is chaotic on this network: one rounding is a loss of 1.5 after 24 steps
RATES = {"sgd": 0.05, "momentum": 0.02, "nesterov": 0.02, "adagrad": 0.02, "rmsprop": 5e-4}
CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
STEPS = 24
SIZES = st.floats(1e-3, 1e3)


def rate_of(name):
    return RATES.get(name, 2e-3)


def pictures(count=64):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 10
    # each class has a colour of its own, so that there is something to learn
    tints = rng.integers(40, 216, (10, 1, 1, 3))
    noise = rng.integers(-40, 40, (count, 32, 32, 3))
    return (tints[labels] + noise).astype(np.uint8), labels


def weights_of(model):
    return [v.numpy() for v in model.trainable_variables]


def farthest(ours, theirs):
    """The largest difference of two lists of weights, in largest weights of each array."""
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def cnn():
    model = classifier.article("logits", seed=0)
    return model, training.Batches(*pictures(), 16, 0), training.objective_of(CROSSENTROPY)


def rnn():
    model = motion.Network("rnn", units=8, seed=0)
    source = recipe.Trajectories(batch_size=8, lengths=((0.0, 8),))
    return model, source, recipe.objective


# --- against Keras ---


@pytest.mark.parametrize("make", [cnn, pytest.param(rnn, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_a_training_is_keras_training(name, make):
    """Each runs on by itself: what differs in a step is in all later gradients."""
    found = []
    for optimizer in (plugged(name, rate_of(name)), of_keras(name, rate_of(name))):
        model, data, objective = make()
        options = {"objective": objective, "optimizer": optimizer, "progress": False}
        curves = training.fit(model, data, steps=STEPS, seed=0, **options)
        found.append((weights_of(model), curves.loss))
    (ours, our_loss), (theirs, their_loss) = found
    assert their_loss[-1] < their_loss[0], "nothing is learned, so nothing is compared"
    off = farthest(ours, theirs)
    print(f"{name}, {make.__name__}, {STEPS} steps: weights {off:.1e}", end=" ")
    print(f"loss {np.abs(our_loss - their_loss).max():.1e}")
    assert off < 2e-5
    np.testing.assert_allclose(our_loss, their_loss, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_numpy_in_float64_takes_keras_steps(name):
    """The same gradients to both, 30 steps; Keras rounds some of its constants to float32."""
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=(3, 4)), rng.normal(size=(30, 3, 4)) ** 3
    variable = keras.Variable(start, dtype="float64")
    optimizer = of_keras(name, 0.01)
    optimizer.build([variable])
    weights, state = start, first_order.begin(name, start)
    for step, gradient in enumerate(gradients, start=1):
        optimizer.apply([tf.constant(gradient)], [variable])
        weights, state = first_order.method(name).step(weights, gradient, state, 0.01, step)
        np.testing.assert_allclose(weights, variable.numpy(), atol=1e-6)
        assert weights.dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_numpy_and_tensorflow_take_the_same_steps(name):
    rng = np.random.default_rng(2)
    start = rng.normal(size=5).astype(np.float32)
    one, other = (start, first_order.begin(name, start)), None
    other = (tf.constant(start), first_order.begin(name, tf.constant(start)))
    for step in range(1, 11):
        gradient = rng.normal(size=5).astype(np.float32)
        method = first_order.method(name).step
        one = method(one[0], gradient, one[1], 0.1, step)
        other = method(other[0], tf.constant(gradient), other[1], 0.1, step)
    np.testing.assert_allclose(one[0], other[0].numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_of_keras(name):
    ours = {"momentum": 0.5, "epsilon": 1e-3, "rho": 0.7, "beta_1": 0.6, "beta_2": 0.8}
    chosen = {k: v for k, v in ours.items() if k in first_order.method(name).options}
    theirs = dict(chosen)
    if name == "adamw":
        chosen["decay"], theirs["weight_decay"] = 0.3, 0.3
    found = []
    for optimizer in (plugged(name, 0.1, **chosen), of_keras(name, 0.1, **theirs)):
        variable = keras.Variable(np.linspace(-1, 1, 7, dtype=np.float32))
        optimizer.build([variable])
        for step in range(20):
            optimizer.apply([tf.constant(np.cos(np.arange(7) + step), tf.float32)], [variable])
        found.append(variable.numpy())
    np.testing.assert_allclose(*found, rtol=2e-6)


def test_a_checkpoint_holds_what_a_method_remembers(tmp_path):
    x, y = pictures(48)
    whole = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    whole.add(keras.layers.Rescaling(1 / 255))
    whole.add(keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(0)))
    start = weights_of(whole)

    class Stopping(training.Batches):
        def batch(self, step, progress=0.0):
            if step == 5 and self.augment is None:
                object.__setattr__(self, "augment", lambda images, labels, rng: (images, labels))
                raise KeyboardInterrupt
            return super().batch(step, progress)

    options = {"steps": 12, "loss": CROSSENTROPY, "progress": False, "seed": 0}
    optimizer = plugged("adam", 0.01)
    training.fit(whole, training.Batches(x, y, 16), optimizer=optimizer, **options)
    wanted = weights_of(whole)
    for variable, value in zip(whole.trainable_variables, start, strict=True):
        variable.assign(value)
    options |= {"checkpoint": tmp_path / "run.npz"}
    data = Stopping(x, y, 16)
    with pytest.raises(training.Interrupted):
        training.fit(whole, data, optimizer=plugged("adam", 0.01), **options)
    for variable in whole.trainable_variables:
        variable.assign(variable * 0)
    training.fit(whole, data, optimizer=plugged("adam", 0.01), **options)
    for ours, theirs in zip(weights_of(whole), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# --- against the papers, by other recursions ---


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.floats(0, 0.99))
def test_nesterov_looks_ahead(slopes, friction):
    """Sutskever's own recursion, on a bent line, with its lookahead written out."""
    start = np.array([1.0])
    place, velocity, rate = start, 0 * start, 0.01

    def gradient(w):
        return 2 * w + np.sin(w) * slopes[0]

    ours, state = start, first_order.begin("nesterov", start)
    for step in range(1, len(slopes) + 1):
        # v' = m v - a g(u + m v), u' = u + v'
        velocity = friction * velocity - rate * gradient(place + friction * velocity)
        place = place + velocity
        ours, state = first_order.nesterov(
            ours, gradient(ours), state, rate, step, momentum=friction
        )
        np.testing.assert_allclose(ours, place + friction * velocity, rtol=1e-9, atol=1e-9)


@given(st.lists(st.floats(-5, 5).filter(lambda g: abs(g) > 1e-3), min_size=1, max_size=30))
def test_adam_is_its_papers_algorithm_1(slopes):
    """Its sums written out, bias corrected one by one, with epsilon hat for Keras' epsilon."""
    ours, state = np.array(0.0), first_order.begin("adam", np.array(0.0))
    theirs, b1, b2 = 0.0, first_order.BETA_1, first_order.BETA_2
    for t in range(1, len(slopes) + 1):
        ours, state = first_order.adam(ours, np.array(slopes[t - 1]), state, 0.1, t)
        powers = np.arange(t)[::-1]
        m = (1 - b1) * np.sum(b1**powers * np.array(slopes[:t])) / (1 - b1**t)
        v = (1 - b2) * np.sum(b2**powers * np.square(slopes[:t])) / (1 - b2**t)
        theirs -= 0.1 * m / (np.sqrt(v) + first_order.EPSILON / np.sqrt(1 - b2**t))
        assert float(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@given(SIZES, st.sampled_from(["rmsprop", "adam", "adagrad"]))
def test_adaptive_methods_do_not_see_the_scale_of_a_loss(scale, name):
    """Where epsilon and the start of AdaGrad's sums do not matter: a thousand times the gradient,
    the same steps."""
    paths = []
    for factor in (1.0, scale):
        w, state = np.array([1.0, -2.0]), first_order.begin(name, np.zeros(2))
        state = tuple(0 * s for s in state)
        for step in range(1, 6):
            gradient = factor * np.array([3.0, 1.0]) * step
            options = {"epsilon": 1e-30}
            w, state = first_order.method(name).step(w, gradient, state, 0.1, step, **options)
        paths.append(w)
    np.testing.assert_allclose(*paths, rtol=1e-9)


@given(st.floats(-3, 3), st.floats(0.001, 1.5))
def test_gradient_descent_on_a_parabola_is_a_geometric_series(start, rate):
    w = np.array(start)
    for step in range(1, 11):
        w, _ = first_order.sgd(w, w, (), rate, step)
    assert float(w) == pytest.approx(start * (1 - rate) ** 10, rel=1e-9, abs=1e-12)


def test_decay_is_beside_the_gradient_and_not_in_it():
    """A weight without a gradient shrinks by rate times decay, however large gradients were."""
    for size in (1.0, 1e4):
        w, state = np.array([2.0, 2.0]), first_order.begin("adamw", np.zeros(2))
        for step in range(1, 4):
            w, state = first_order.adamw(w, np.array([size, 0.0]), state, 0.1, step, decay=0.5)
        assert w[1] == pytest.approx(2 * (1 - 0.1 * 0.5) ** 3)


def test_inputs_are_not_changed():
    for name in NAMES:
        w, g = np.ones(3), np.full(3, 2.0)
        state = first_order.begin(name, w)
        kept = [s.copy() for s in state]
        first_order.method(name).step(w, g, state, 0.1, 1)
        assert (w == 1).all()
        assert (g == 2).all()
        assert all((a == b).all() for a, b in zip(state, kept, strict=True))


def test_bad_input():
    with pytest.raises(errors.InputError, match="'adagrad'"):
        plugged("adadelta")
    with pytest.raises(errors.InputError, match="option of 'sgd'"):
        plugged("sgd", momentum=0.9)
    for rate in (-1, "high", float("nan")):
        with pytest.raises(errors.InputError, match="rate"):
            plugged("sgd", rate)
    with pytest.raises(errors.InputError, match="clip"):
        plugged("sgd", clip=1.0)
    for module in (first_order, plugged_module):
        assert doctest.testmod(module).failed == 0


# --- clipping ---

GRADIENTS = st.lists(
    st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=4), min_size=1, max_size=4
)
LIMITS = st.floats(0.01, 200)
BY = {
    "global_clipnorm": clipping.by_global_norm,
    "clipnorm": clipping.by_norm,
    "clipvalue": clipping.by_value,
}


@pytest.mark.parametrize("kind", BY)
@given(rows=GRADIENTS, limit=LIMITS)
def test_clipping_is_keras_clipping(kind, rows, limit):
    gradients = [np.array(row, np.float32) for row in rows]
    # what Keras hands on to its step
    theirs = keras.optimizers.SGD(**{kind: limit})._clip_gradients(
        [tf.constant(g) for g in gradients]
    )
    for kept in (BY[kind](gradients, limit), BY[kind]([*map(tf.constant, gradients)], limit)):
        for a, b in zip(kept, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(a), b.numpy(), rtol=2e-6, atol=1e-30)
    if kind == "global_clipnorm":
        clipped, norm = tf.clip_by_global_norm([*map(tf.constant, gradients)], limit)
        ours = clipping.by_global_norm(gradients, limit)
        assert float(clipping.global_norm(gradients)) == pytest.approx(float(norm), rel=1e-5)
        for a, b in zip(ours, clipped, strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=2e-6, atol=1e-30)
    if kind == "clipnorm":
        for a, g in zip(clipping.by_norm(gradients, limit), gradients, strict=True):
            np.testing.assert_allclose(a, tf.clip_by_norm(g, limit).numpy(), rtol=2e-6, atol=1e-30)


@given(rows=GRADIENTS, limit=LIMITS)
def test_clipping_by_norm_keeps_the_direction_and_short_gradients(rows, limit):
    gradients = [np.array(row) for row in rows]
    norm = clipping.global_norm(gradients)
    kept = clipping.by_global_norm(gradients, limit)
    assert clipping.global_norm(kept) <= limit * (1 + 1e-12)
    if norm <= limit:
        assert all((a == b).all() for a, b in zip(kept, gradients, strict=True))
    flat, clipped = np.concatenate(gradients), np.concatenate(kept)
    assert flat @ clipped == pytest.approx(norm * np.linalg.norm(clipped), rel=1e-9)


def test_what_cannot_be_clipped():
    for kind in BY.values():
        for limit in (0, -1, float("nan"), "1"):
            with pytest.raises(errors.InputError, match="limit"):
                kind([np.ones(2)], limit)
    with pytest.raises(errors.InputError, match="gradients"):
        clipping.by_global_norm([], 1.0)
    for bad in (np.inf, np.nan):
        spoilt = clipping.by_global_norm([np.array([1.0, bad]), np.ones(2)], 1.0)
        assert np.isnan(np.concatenate(spoilt)).all()
    assert (clipping.by_global_norm([np.zeros(3)], 1.0)[0] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", BY)
def test_a_clipped_training_of_the_rnn_is_keras_clipped_training(kind):
    limit = 0.05
    found = []
    for optimizer in (
        plugged("momentum", 0.02, clip=lambda gradients: BY[kind](gradients, limit)),
        of_keras("momentum", 0.02, **{kind: limit}),
    ):
        model, data, objective = rnn()
        options = {"objective": objective, "optimizer": optimizer, "progress": False}
        training.fit(model, data, steps=STEPS, seed=0, **options)
        found.append(weights_of(model))
    assert farthest(*found) < 2e-5
    assert farthest(found[0], unclipped()) > 1e-3, "the limit was never reached"


def test_a_watched_step_says_how_long_gradients_were():
    limit, steps = 0.05, 6
    found = {}
    for name, kept in (("free", 0.0), ("held", limit)):
        model, data, objective = rnn()
        optimizer = plugged("sgd", 0.01)
        step = watched_step(model, objective, optimizer, limit=kept)
        start = weights_of(model)
        options = {"train_step": step, "optimizer": optimizer, "progress": False}
        curves = training.fit(model, data, steps=steps, **options)
        found[name] = curves, start, weights_of(model)
    norms = found["held"][0]["norm"]
    assert (norms > limit).any()
    assert found["free"][0]["norm"][0] == norms[0]
    # what a step of gradient descent moves is its rate times the length that was left
    _, start, end = found["held"]
    moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(start, end, strict=True)))
    assert moved <= 0.01 * np.minimum(norms, limit).sum() * (1 + 1e-4)


def test_a_weight_without_a_gradient_stays_where_it_is():
    used, idle = keras.Variable(np.ones(2, np.float32)), keras.Variable(np.ones(3, np.float32))
    optimizer = plugged("adam", 0.1, clip=lambda gradients: clipping.by_global_norm(gradients, 1.0))
    optimizer.build([idle, used])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, tf.constant([3.0, 4.0])], [idle, used])
    assert (idle.numpy() == 1).all()
    assert (used.numpy() < 1).all()


@functools.cache
def unclipped():
    model, data, objective = rnn()
    options = {"objective": objective, "optimizer": plugged("momentum", 0.02), "progress": False}
    training.fit(model, data, steps=STEPS, seed=0, **options)
    return weights_of(model)
