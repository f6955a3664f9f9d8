"""Motion models: the filter against the exact posterior, one protocol for all, bad input."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import errors, motion, scenes
from tracklab.motion import base, kalman, observed

PICTURE = (200, 300)
NAN = [np.nan] * 4


def some_boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    middle, side = rng.uniform(40, 160, (count, 2)), rng.uniform(10, 60, (count, 2))
    return np.concatenate([middle - side / 2, middle + side / 2], axis=1).astype(np.float32)


def watched(count=6, frames=30, seed=1, **options):
    return motion.observe(count, frames, seed=seed, gaps=0.5, **options)


def models(size=None):
    return [motion.create(name, size) for name in motion.NAMES]


# the filter


def exact_posterior(mean, covariance, transition, process, matrix, noise, measurements):
    """Mean and covariance of the last state, from the joint Gaussian of all that is random.

    The states are linear in the first state and the noise of each frame; so are the measurements,
    up to their own noise. Condition one on the other, in one piece: no recursion.
    """
    size, frames = len(mean), len(measurements)
    blocks = [covariance, *[process] * frames]
    of_all = np.zeros((size * len(blocks),) * 2)
    for k, block in enumerate(blocks):
        of_all[k * size : (k + 1) * size, k * size : (k + 1) * size] = block
    # x_t = F^t x_0 + sum of F^(t - s) w_s
    states = np.zeros((frames + 1, size, size * len(blocks)))
    for t in range(frames + 1):
        for s in range(t + 1):
            states[t, :, s * size : (s + 1) * size] = np.linalg.matrix_power(transition, t - s)
    means = np.array([np.linalg.matrix_power(transition, t) @ mean for t in range(frames + 1)])
    seen = [t for t, z in enumerate(measurements, start=1) if z is not None]
    rows = np.concatenate([matrix @ states[t] for t in seen])
    expected = np.concatenate([matrix @ means[t] for t in seen])
    z = np.concatenate([measurements[t - 1] for t in seen])
    of_z = rows @ of_all @ rows.T + np.kron(np.eye(len(seen)), noise)
    cross = states[-1] @ of_all @ rows.T
    weight = np.linalg.solve(of_z, cross.T).T
    after = states[-1] @ of_all @ states[-1].T - weight @ cross.T
    return means[-1] + weight @ (z - expected), after


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.integers(1, 9))
@settings(max_examples=30)
def test_the_filter_gives_the_exact_posterior(seed, size, seen, frames):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.normal(size=(n, n)) for n in (size, size, seen))
    covariance, process, noise = a @ a.T, 0.2 * b @ b.T, c @ c.T + 0.1 * np.eye(seen)
    transition = 0.6 * rng.normal(size=(size, size))
    matrix, mean = rng.normal(size=(seen, size)), rng.normal(size=size)
    z = [None if rng.random() < 0.3 else rng.normal(size=seen) for _ in range(frames)]
    z[0] = rng.normal(size=seen)
    ours = mean[None], covariance[None]
    for each in z:
        ours = kalman.predict(*ours, transition, process)
        if each is not None:
            ours = kalman.correct(*ours, each[None], matrix, noise)
    theirs = exact_posterior(mean, covariance, transition, process, matrix, noise, z)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one[0], other, rtol=1e-6, atol=1e-7)


def test_the_motion_model_is_the_exact_posterior_of_its_own_assumptions():
    rng = np.random.default_rng(5)
    side = np.array([40.0, 20.0])
    places = np.cumsum(rng.normal(size=(12, 2)), axis=0) * 3 + 100
    found = np.concatenate([places - side / 2, places + side / 2], 1).astype(np.float32)
    found[[4, 5, 9]] = np.nan
    model = motion.Kalman(noise=0.05, acceleration=0.03, damping=0.9, speed=0.1)
    begun = model._born(found[:1])
    model.start(found[0])
    for each in found[1:]:
        model.predict()
        model.update(each)
    mean, covariance = exact_posterior(
        begun.mean[0],
        begun.covariance[0],
        kalman.transition(0.9),
        model.process_of(side[None])[0],
        np.eye(4, 7),
        model.noise_of(side[None])[0],
        [None if np.isnan(z[0]) else kalman.measured(z[None])[0] for z in found[1:]],
    )
    np.testing.assert_allclose(bx.centers(model.state.boxes)[0], mean[:2], atol=1e-3)
    np.testing.assert_allclose(model.state.velocities[0], mean[4:6], atol=1e-4)
    wanted = np.sqrt(np.diag(covariance)[:2])
    np.testing.assert_allclose(model.state.deviations[0], wanted, rtol=1e-4)


def test_noise_of_width_and_height_is_noise_of_log_area_and_aspect():
    # log w and log h off by sigma each: log s = log w + log h and log r = log w - log h
    rng = np.random.default_rng(0)
    grown = np.exp(0.05 * rng.standard_normal((200_000, 2)))
    boxes = np.concatenate([-grown / 2, grown / 2], axis=1)
    found = np.cov(kalman.measured(boxes)[:, 2:].T)
    np.testing.assert_allclose(
        found, motion.Kalman(noise=0.05).noise_of(grown[:1])[0][2:, 2:], atol=1e-4
    )


def test_an_object_that_the_filter_understands_is_known_as_well_as_it_says():
    rng = np.random.default_rng(2)
    objects, frames, side = 4000, 25, 30.0
    model = motion.Kalman(noise=0.08, acceleration=0.02, damping=0.9, speed=0.1)
    velocity = rng.normal(size=(objects, 2)) * 0.1 * side
    place = np.full((objects, 2), 500.0)
    for t in range(frames):
        if t:
            velocity = 0.9 * velocity + rng.normal(size=(objects, 2)) * 0.02 * side
            place = place + velocity
        seen = place + rng.normal(size=(objects, 2)) * 0.08 * side
        boxes = np.concatenate([seen - side / 2, seen + side / 2], axis=1)
        if t:
            model.predict()
            model.update(boxes)
        else:
            model.start(boxes)
    error = (bx.centers(model.state.boxes) - place) / model.state.deviations
    assert np.square(error).mean() == pytest.approx(1, abs=0.05)


# the two guesses


def test_none_holds_the_last_detection():
    model = motion.create("none")
    boxes = some_boxes(3)
    model.start(boxes)
    moved = boxes + 5
    moved[1] = np.nan
    assert (model.predict().boxes == boxes).all()
    state = model.update(moved)
    np.testing.assert_array_equal(state.boxes, np.where(np.isnan(moved), boxes, moved))
    assert not state.velocities.any()


def test_constant_velocity_is_exact_on_a_straight_way_through_a_gap():
    model = motion.create("constant velocity")
    start, step = np.float32([10, 20, 30, 50]), np.float32([2, -1, 2, -1])
    model.start(start)
    for t in range(1, 12):
        predicted = model.predict()
        if t > 1:
            np.testing.assert_allclose(predicted.boxes[0], start + t * step, atol=1e-4)
        model.update(None if t in (4, 5, 6) else start + t * step)
    np.testing.assert_allclose(model.state.velocities[0], [2, -1], atol=1e-5)


def test_what_constant_velocity_says_of_its_own_error_is_right():
    rng = np.random.default_rng(0)
    noise, side, count = 0.05, 40.0, 20_000
    model = motion.ConstantVelocity(noise=noise)
    for t in range(3):
        middle = 100 + 3 * t + rng.normal(size=(count, 2)) * noise * side
        boxes = np.concatenate([middle - side / 2, middle + side / 2], axis=1)
        if t:
            model.predict()
            model.update(boxes)
        else:
            model.start(boxes)
    for k in range(1, 5):
        state = model.predict()
        error = bx.centers(state.boxes) - (100 + 3 * (2 + k))
        assert np.sqrt(np.square(error).mean()) == pytest.approx(state.deviations.mean(), rel=0.02)


# one protocol


@pytest.mark.parametrize("name", motion.NAMES)
def test_objects_together_are_objects_one_by_one(name):
    found = watched().detections
    together = motion.run(motion.create(name, PICTURE), found)
    for k in range(found.shape[1]):
        alone = motion.run(motion.create(name, PICTURE), found[:, k : k + 1])
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[:, k], other[:, 0], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", motion.NAMES)
def test_a_picture_of_twice_the_size_gives_twice_the_numbers(name):
    found = watched().detections
    once = motion.run(motion.create(name, PICTURE), found)
    twice = motion.run(motion.create(name, (400, 600)), 2 * found)
    for one, other in zip(once, twice, strict=True):
        np.testing.assert_allclose(2 * one, other, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", motion.NAMES)
def test_without_walls_it_does_not_matter_where_it_is(name):
    found = watched().detections
    here = motion.run(motion.create(name), found)
    there = motion.run(motion.create(name), found + 512)
    np.testing.assert_allclose(here.boxes + 512, there.boxes, atol=0.05)
    np.testing.assert_allclose(here.velocities, there.velocities, atol=0.02)


@pytest.mark.parametrize("name", motion.NAMES)
def test_rows_that_are_kept_and_added_do_not_change_the_others(name):
    boxes = some_boxes(5)
    whole, part = motion.create(name, PICTURE), motion.create(name, PICTURE)
    whole.start(boxes)
    part.start(boxes[:3])
    for _ in range(2):
        whole.predict(), part.predict()
        whole.update(boxes + 2)
        part.update(boxes[:3] + 2)
    whole.keep([True, False, True, False, False])
    part.keep([0, 2])
    late = some_boxes(2, seed=9)
    for model in (whole, part):
        model.start(late)
        assert len(model) == 4
        model.predict()
        model.update([NAN, NAN, NAN, late[1]])
    for one, other in zip(whole.state, part.state, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    whole.keep([])
    assert len(whole) == 0
    assert whole.predict().boxes.shape == (0, 4)
    assert whole.update(np.zeros((0, 4))).velocities.shape == (0, 2)


@pytest.mark.parametrize("name", motion.NAMES)
def test_copies_part_and_memories_are_never_changed(name):
    boxes = some_boxes(4)
    given = boxes.copy()
    model = motion.create(name, PICTURE)
    before = model.start(boxes)
    kept = [part.copy() for part in before]
    other = model.copy()
    other.predict()
    other.update(boxes + 4)
    for one, part in zip(kept, model.state, strict=True):
        np.testing.assert_array_equal(one, part)
    np.testing.assert_array_equal(given, boxes)
    assert not np.array_equal(other.state.boxes, model.state.boxes)
    model.reset()
    assert len(model) == 0
    assert len(other) == 4


@pytest.mark.parametrize("name", motion.NAMES)
def test_a_frame_without_update_is_one_in_which_nothing_was_seen(name):
    boxes = some_boxes(3)
    one, other = motion.create(name, PICTURE), motion.create(name, PICTURE)
    for model in (one, other):
        model.start(boxes)
        model.predict()
        model.update(boxes + 3)
    one.predict()
    one.predict()
    other.predict()
    other.update()
    other.predict()
    for a, b in zip(one.state, other.state, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32


@pytest.mark.parametrize("name", motion.NAMES)
def test_a_long_gap_gives_no_nonsense(name):
    model = motion.create(name, PICTURE)
    model.start(some_boxes(4))
    for _ in range(2000):
        state = model.predict()
    for part in state:
        assert np.isfinite(part).all()
    assert (bx.sizes(state.boxes) >= 0).all()
    assert (state.deviations > 0).all()


@pytest.mark.parametrize("name", motion.NAMES)
@pytest.mark.parametrize("box", [[0, 0, 1e-3, 1e-3], [-1e4, -1e4, 1e4, 1e4], [5, 5, 5000, 5.5]])
def test_boxes_of_any_size_and_jumps_of_any_length_are_followed(name, box):
    model = motion.create(name, PICTURE)
    model.start(box)
    for jump in (0, 100, -3000, 0.001):
        model.predict()
        state = model.update(np.float32(box) + jump)
        for part in state:
            assert np.isfinite(part).all()


def test_names_are_what_create_makes():
    for name, model in zip(motion.NAMES, models(), strict=True):
        assert model.name == name
        assert name in repr(model)
    with pytest.raises(errors.InputError, match=r"name.*'kalman'"):
        motion.create("kalmann")


def test_motion_models_need_no_tensorflow():
    code = (
        "import sys\nfrom tracklab import motion\n"
        "for name in motion.NAMES:\n"
        "    model = motion.create(name)\n    model.start([0, 0, 9, 9])\n    model.predict()\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# bad input


@pytest.mark.parametrize("name", motion.NAMES)
@pytest.mark.parametrize(
    "boxes",
    [
        [NAN],
        [[0, 0, 0, 5]],
        [[0, 0, 5, 0]],
        [[5, 5, 0, 0]],
        [[0, 0, np.inf, 5]],
        [[0, 0, np.nan, 5]],
        [[0, 0, 5]],
        [[[0, 0, 5, 5]]],
        "box",
    ],
)
def test_start_refuses_what_is_no_box(name, boxes):
    with pytest.raises(errors.InputError, match="boxes"):
        motion.create(name).start(boxes)


@pytest.mark.parametrize("name", motion.NAMES)
@pytest.mark.parametrize("boxes", [[[0, 0, 0, 5]], [[0, 0, np.nan, 5]], [[0, 0, 5, 5]] * 2, []])
def test_update_refuses_what_is_no_box_and_other_numbers_of_them(name, boxes):
    model = motion.create(name)
    model.start([0, 0, 9, 9])
    model.predict()
    with pytest.raises(errors.InputError, match="boxes"):
        model.update(boxes)
    model.update([1, 1, 10, 10])


def test_the_order_of_a_frame_is_held():
    model = motion.create("kalman")
    with pytest.raises(errors.InputError, match="predict before start"):
        model.predict()
    model.start([0, 0, 9, 9])
    with pytest.raises(errors.InputError, match="update before predict"):
        model.update([0, 0, 9, 9])
    model.predict()
    with pytest.raises(errors.InputError, match="between predict and update"):
        model.start([0, 0, 9, 9])


@pytest.mark.parametrize("which", [[True], [0, 0], [2], [-1], [0.5], "all", [[0]]])
def test_keep_refuses_what_names_no_rows(which):
    model = motion.create("none")
    model.start(some_boxes(2))
    with pytest.raises(errors.InputError, match="which"):
        model.keep(which)


@pytest.mark.parametrize("size", [5, (5,), (0, 5), (5, np.nan), ("a", 5)])
def test_sizes_are_checked(size):
    with pytest.raises(errors.InputError, match="size"):
        motion.create("lstm", size)


@pytest.mark.parametrize(
    "options", [{"noise": 0}, {"acceleration": -1}, {"damping": 1.1}, {"speed": np.nan}]
)
def test_a_kalman_filter_refuses_numbers_out_of_range(options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        motion.Kalman(**options)


# trajectories as a detector sees them


def test_observed_trajectories_repeat_and_parts_never_meet():
    one, again = watched(), watched()
    for name in ("boxes", "velocities", "detections"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert not np.array_equal(one.boxes, watched(part="test").boxes)
    assert not np.array_equal(one.boxes, watched(seed=2).boxes)
    with pytest.raises(errors.InputError, match="seed"):
        watched(seed=scenes.TEST_SEED - scenes.TRAIN_SEED)


def test_velocities_are_differences_of_centres():
    found = watched(count=20)
    np.testing.assert_allclose(
        np.diff(bx.centers(found.boxes), axis=0), found.velocities[1:], atol=1e-4
    )


def test_detections_are_off_by_the_share_that_was_asked_for():
    found = motion.observe(2000, 20, noise=0.06, misses=0.0)
    side = bx.sizes(found.boxes)
    off = (bx.centers(found.detections) - bx.centers(found.boxes)) / side
    grown = np.log(bx.sizes(found.detections) / side)
    assert off.std() == pytest.approx(0.06, rel=0.02)
    assert grown.std() == pytest.approx(0.06, rel=0.02)
    assert abs(off.mean()) < 0.002


def test_misses_and_gaps_are_as_long_and_as_many_as_asked_for():
    found = motion.observe(3000, 40, misses=0.0, gaps=0.5, gap=(4, 7))
    missed = np.isnan(found.detections[..., 0])
    assert not missed[0].any()
    assert missed.any(0).mean() == pytest.approx(0.5, abs=0.03)
    assert set(missed.sum(0)) == {0, 4, 5, 6, 7}
    alone = np.isnan(motion.observe(3000, 40, misses=0.2).detections[1:, :, 0])
    assert alone.mean() == pytest.approx(0.2, abs=0.01)


def test_motions_are_those_asked_for_and_can_be_picked_out():
    found = motion.observe(9, 12, motions=("turning", "bouncing"))
    assert set(found.motions) == {"turning", "bouncing"}
    turning = found.only("turning")
    assert set(turning.motions) == {"turning"}
    where = np.array(found.motions) == "turning"
    np.testing.assert_array_equal(turning.boxes, found.boxes[:, where])
    assert len(turning) == 12
    with pytest.raises(errors.InputError, match="which"):
        found.only("flying")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"part": "half"}, "part"),
        ({"seed": -1}, "seed"),
        ({"motions": "flying"}, "motion"),
        ({"noise": -0.1}, "noise"),
        ({"noise": (0.2, 0.1)}, "noise"),
        ({"misses": 1.1}, "misses"),
        ({"gaps": np.nan}, "gaps"),
        ({"gap": (0, 3)}, "gap"),
        ({"gap": (5, 3)}, "gap"),
        ({"size": (3, 3)}, "size"),
    ],
)
def test_observe_refuses_what_it_cannot_make(options, named):
    with pytest.raises(errors.InputError, match=named):
        motion.observe(2, 10, **options)


# over whole clips


@pytest.mark.parametrize("name", motion.NAMES)
def test_coasting_is_what_comes_of_a_clip_that_ends(name):
    found = watched(frames=30).detections
    model = motion.create(name, PICTURE)
    blind = motion.coast(model, found, (3, 12), 6)
    for k, t in enumerate((3, 12)):
        hidden = found[: t + 7].copy()
        hidden[t + 1 :] = np.nan
        whole = motion.run(model, hidden)
        np.testing.assert_allclose(blind.boxes[k], whole.predicted[t + 1 :], atol=1e-3)
        np.testing.assert_allclose(blind.deviations[k], whole.expected[t + 1 :], rtol=1e-4)
    assert blind.frames(6).tolist() == [9, 18]
    assert len(model) == 0


def test_runs_refuse_what_they_cannot_follow():
    found = watched().detections
    model = motion.create("none")
    with pytest.raises(errors.InputError, match="detections"):
        motion.run(model, found[:, 0])
    late = found.copy()
    late[0, 1] = np.nan
    with pytest.raises(errors.InputError, match="first frame"):
        motion.run(model, late)
    with pytest.raises(errors.InputError, match="starts"):
        motion.coast(model, found, [28], 5)


# tuning


def test_a_grid_finds_the_filter_that_made_the_world():
    rng = np.random.default_rng(0)
    count, frames, side = 300, 60, 30.0
    true = {"noise": 0.07, "acceleration": 0.02, "damping": 0.9}
    place, velocity = np.zeros((frames, count, 2)), np.zeros((frames, count, 2))
    velocity[0] = rng.normal(size=(count, 2)) * 0.08 * side
    place[0] = 500
    for t in range(1, frames):
        velocity[t] = 0.9 * velocity[t - 1] + rng.normal(size=(count, 2)) * 0.02 * side
        place[t] = place[t - 1] + velocity[t]
    seen = place + rng.normal(size=place.shape) * 0.07 * side
    corners = [base.corners(p, np.full_like(p, side)).astype(np.float32) for p in (place, seen)]
    world = motion.Observed(
        corners[0], velocity.astype(np.float32), corners[1], ("turning",) * count, PICTURE
    )
    grid = motion.tuned(
        world, noises=(0.07,), accelerations=(0.005, 0.02, 0.08), dampings=(1.0, 0.9, 0.5)
    )
    assert len(grid) == 9
    assert grid.best() == true | {"speed": 0.08}
    assert grid.best(damping=1.0)["damping"] == 1.0
    assert grid.costs("position").argmin() == grid.costs().argmin()
    with pytest.raises(errors.InputError, match="by"):
        grid.best("beauty")
    with pytest.raises(errors.InputError, match="fixed"):
        grid.best(damping=0.77)


@pytest.mark.slow
def test_the_numbers_of_the_filter_are_those_that_the_grid_finds():
    grid = motion.tuned(motion.observe(300, seed=11))
    tried = len(list(itertools.product(*([1] * n for n in (3, 4, 7)))))
    assert len(grid) == tried
    ours = [kalman.NOISE, kalman.ACCELERATION, kalman.DAMPING, kalman.SPEED]
    row = np.isclose(grid.options, ours).all(1)
    assert row.sum() == 1
    assert grid.costs()[row][0] <= 1.005 * grid.costs().min()


def test_tuning_refuses_clips_that_are_too_short():
    with pytest.raises(errors.InputError, match="seen"):
        motion.tuned(motion.observe(3, 40))


def test_parts_and_motions_are_those_of_the_scenes():
    assert observed.MIXED == scenes.MOTIONS
