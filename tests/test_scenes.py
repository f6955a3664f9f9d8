"""Scenes: what truth says is what the pixels show, and every dial does what its name says."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
from dataclasses import fields
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import errors, scenes
from tracklab.scenes import backdrop, compose, effects, exact
from tracklab.scenes import motion as moving

ALL_HALF = dict.fromkeys(scenes.DIALS, 0.5)
PHOTOMETRIC = (
    "illumination",
    "motion_blur",
    "clutter",
    "low_resolution",
    "noise",
    "low_contrast",
)
TRUTHS = ("boxes", "ids", "classes", "visibility", "velocities")


def fingerprint(clip):
    """A checksum of every frame and everything that truth says."""
    digest = hashlib.sha256(clip.frames.tobytes())
    for name in TRUTHS:
        digest.update(getattr(clip.truth, name).tobytes())
    return digest.hexdigest()


def remeasured(mask):
    """A tight box, measured in another way than the package does."""
    places = np.argwhere(mask)
    if not len(places):
        return np.full(4, np.nan, np.float32)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    return np.array([left, top, right, bottom], np.float32)


# --- the contract -------------------------------------------------------------------------------


def test_a_clip_comes_as_the_contract_says():
    clip = scenes.render(seed=5, frames=7, size=(64, 96), objects=3, fps=12.5, name="mine")
    truth = clip.truth
    assert clip.frames.shape == (7, 64, 96, 3)
    assert clip.frames.dtype == np.uint8
    assert (clip.fps, clip.name, clip.size) == (12.5, "mine", (64, 96))
    assert truth.boxes.shape == (7, 3, 4)
    assert truth.velocities.shape == (7, 3, 2)
    assert truth.ids.tolist() == [1, 2, 3]
    assert truth.class_names == scenes.SHAPES
    assert np.isfinite(truth.velocities).all()


def test_render_scene_and_trajectories_take_the_same_arguments_with_the_same_defaults():
    rendered = inspect.signature(scenes.render).parameters
    scene = {field.name: field.default for field in fields(scenes.Scene)}
    assert {name: p.default for name, p in rendered.items()} == scene
    paths = inspect.signature(scenes.trajectories).parameters
    assert {name: p.default for name, p in paths.items()}.items() <= scene.items()
    assert list(scenes.DIALS) == [n for n in scene if n in scenes.DIALS]
    assert all(scene[name] == dial.default == 0 for name, dial in scenes.DIALS.items())


def test_a_scene_without_objects_is_a_background():
    clip = scenes.render(objects=0, frames=3, **ALL_HALF)
    assert clip.truth.boxes.shape == (3, 0, 4)
    assert clip.frames.std() > 0


# --- truth is what the pixels show --------------------------------------------------------------


@pytest.mark.parametrize("dials", [{}, ALL_HALF, {"out_of_view": 1.0, "rotation": 1.0}])
def test_boxes_are_tight_around_the_masks(dials):
    clip, masks = scenes.render_with_masks(seed=8, frames=40, objects=6, **dials)
    for t in range(len(clip)):
        for box, mask in zip(clip.truth.boxes[t], masks.amodal(t), strict=True):
            np.testing.assert_array_equal(box, remeasured(mask))


@pytest.mark.parametrize("dials", [{}, ALL_HALF])
def test_visible_boxes_are_tight_around_what_is_seen(dials):
    clip, masks = scenes.render_with_masks(seed=9, frames=12, objects=7, **dials)
    visible_boxes = masks.visible_boxes()
    for t in range(len(clip)):
        assert not (masks.visible(t) & ~masks.amodal(t)).any()
        for box, mask in zip(visible_boxes[t], masks.visible(t), strict=True):
            np.testing.assert_array_equal(box, remeasured(mask))
        hidden = np.isnan(visible_boxes[t]).all(-1)
        np.testing.assert_array_equal(hidden, clip.truth.visibility[t] == 0)


def test_visibility_is_the_seen_share_of_the_whole_mask():
    clip, masks = scenes.render_with_masks(seed=2, frames=40, objects=8, occlusion=0.5)
    checked = 0
    for t in range(len(clip)):
        box = clip.truth.boxes[t]
        whole = (box[:, :2] > 0).all(-1) & (box[:, 2:] < 128).all(-1)
        seen = masks.visible(t).sum((1, 2)) / masks.amodal(t).sum((1, 2))
        np.testing.assert_allclose(clip.truth.visibility[t, whole], seen[whole], rtol=1e-6)
        checked += int(whole.sum())
    assert checked > 200
    assert 0 < clip.truth.visibility.min(initial=1, where=clip.truth.visibility > 0) < 0.5


def test_what_is_beyond_the_border_counts_as_hidden():
    scene = scenes.Scene(seed=4, objects=1, frames=60, motion="constant velocity", classes=[1])
    clip, masks = scene.render_with_masks(out_of_view=0.6)
    shares = np.array([masks.amodal(t)[0].sum() for t in range(60)], float)
    shares /= shares.max()
    cut = (shares > 0) & (shares < 0.9)
    assert cut.sum() >= 4
    # the square's mask differs by a row of pixels as it moves between them
    np.testing.assert_allclose(clip.truth.visibility[:, 0], shares, atol=0.12)


def test_absent_objects_have_no_box_and_hidden_ones_keep_theirs():
    clip = scenes.render(seed=1, frames=60, objects=6, out_of_view=0.6, occlusion=0.9)
    truth = clip.truth
    assert (~truth.present).any()
    assert (truth.visibility[~truth.present] == 0).all()
    hidden = truth.present & (truth.visibility == 0)
    assert hidden.any()
    assert np.isfinite(truth.velocities).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_masks_are_where_the_objects_pixels_are(seed):
    options = {"seed": seed, "frames": 6, "camera_motion": 0.5, "scale_variation": 0.5}
    clip, masks = scenes.render_with_masks(objects=5, rotation=0.7, **options)
    empty = scenes.render(objects=0, **options).frames
    for t in range(len(clip)):
        changed = (clip.frames[t] != empty[t]).any(-1)
        visible = masks.visible(t).any(0)
        assert changed[visible].mean() > 0.98
        # a mask ends where less than half of a pixel is covered: at thin tips some colour is left
        difference = abs(clip.frames[t].astype(int) - empty[t]).max(-1)
        away = cv2.distanceTransform((~visible).astype(np.uint8), cv2.DIST_L2, 5)
        assert difference[away > 1.5].max() <= 32
        assert not changed[away > 4].any()


def test_velocity_is_the_difference_of_centres_to_the_last_bit():
    options = {"seed": 3, "frames": 50, "objects": 10, "camera_motion": 0.8, "out_of_view": 0.5}
    tracks = scenes.trajectories(**options)
    np.testing.assert_array_equal(tracks.velocities[1:], np.diff(tracks.centers, axis=0))
    np.testing.assert_array_equal(scenes.render(**options).truth.velocities, tracks.velocities)


def test_boxes_follow_the_centres():
    # a disc's box is centred on it, but for the rounding of its borders to pixels
    options = {"seed": 6, "frames": 60, "objects": 5, "camera_motion": 0.3}
    truth = scenes.render(classes=[0], **options).truth
    tracks = scenes.trajectories(**options)
    inside = (truth.boxes[..., :2] > 0).all(-1) & (truth.boxes[..., 2:] < 128).all(-1)
    middle = (truth.boxes[..., :2] + truth.boxes[..., 2:]) / 2
    assert inside.mean() > 0.7
    assert abs(middle - tracks.centers)[inside].max() <= 1.0
    side = truth.boxes[..., 2] - truth.boxes[..., 0]
    assert abs(side - tracks.sizes)[inside].max() <= 1.5
    assert abs(tracks.boxes - truth.boxes)[inside].max() <= 1.5


def test_a_scene_rendered_in_parts_is_the_same(monkeypatch):
    whole = fingerprint(scenes.render(seed=7, frames=20, **ALL_HALF))
    monkeypatch.setattr(compose, "CHUNK", 3 * 40 * 40)
    assert fingerprint(scenes.render(seed=7, frames=20, **ALL_HALF)) == whole


# --- the same bytes everywhere ------------------------------------------------------------------

STORED = "3bd15de505451621b9f276558a76c50dcb8f53f750f5ab2603819fceb3c90140"


def reference():
    return scenes.render(seed=2026, frames=10, size=(72, 100), background_speed=0.7, **ALL_HALF)


def test_a_seed_gives_the_bytes_that_were_stored():
    assert fingerprint(reference()) == STORED


def test_a_seed_gives_the_same_bytes_without_the_processors_vector_units():
    # stands in for another machine: sums, sines and pixels then take other code paths
    names = (
        "import numpy._core._multiarray_umath as m;"
        "print(*[f for f in m.__cpu_dispatch__ if m.__cpu_features__.get(f)])"
    )
    run = {"capture_output": True, "text": True, "check": True}
    features = subprocess.run([sys.executable, "-c", names], **run).stdout.strip()
    plain = os.environ | {
        "NPY_DISABLE_CPU_FEATURES": features,
        "OPENCV_IPP": "disabled",
        "OPENCV_CPU_DISABLE": "AVX2,AVX,FMA3,FP16,SSE4.2,SSE4.1,SSSE3",
    }
    code = "import test_scenes as t; print(t.fingerprint(t.reference()))"
    here = os.path.dirname(os.path.abspath(__file__))
    found = subprocess.run([sys.executable, "-c", code], env=plain, cwd=here, **run).stdout
    assert found.split()[-1] == STORED


def test_global_random_state_does_not_matter_and_is_left_alone():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = fingerprint(scenes.render(seed=3, frames=4, **ALL_HALF))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert fingerprint(scenes.render(seed=3, frames=4, **ALL_HALF)) == first


def test_seeds_differ():
    found = {fingerprint(scenes.render(seed=seed, frames=3)) for seed in range(20)}
    assert len(found) == 20


@pytest.mark.parametrize("dial", PHOTOMETRIC)
def test_dials_that_only_change_the_picture_leave_the_truth(dial):
    plain, dialled = (scenes.render(seed=4, frames=8, **{dial: v}) for v in (0.0, 0.8))
    for name in TRUTHS:
        np.testing.assert_array_equal(getattr(plain.truth, name), getattr(dialled.truth, name))
    assert (plain.frames != dialled.frames).any()


@pytest.mark.parametrize("dial", list(scenes.DIALS))
def test_no_dial_changes_who_the_objects_are(dial):
    plain, dialled = (scenes.render(seed=4, frames=8, **{dial: v}).truth for v in (0.0, 1.0))
    np.testing.assert_array_equal(plain.classes, dialled.classes)


# --- motion -------------------------------------------------------------------------------------


def paths(motion, **options):
    given = {"objects": 40, "frames": 80, "speed": 2.0, "object_size": 20.0} | options
    return scenes.trajectories(seed=11, motion=motion, **given)


@pytest.mark.parametrize("motion", [*scenes.MOTIONS, "mixed"])
def test_without_dials_objects_stay_in_view(motion):
    tracks = paths(motion, frames=300)
    assert tracks.boxes.min() >= -1 / 64
    assert tracks.boxes.max() <= 128 + 1 / 64


@pytest.mark.parametrize("motion", scenes.MOTIONS)
def test_speed_is_what_was_asked_for(motion):
    slow, fast = (
        np.linalg.norm(paths(motion, speed=v).velocities, axis=-1).mean() for v in (1.0, 2.0)
    )
    assert 0.4 < slow < 1.6
    assert 1.5 < fast / slow < 2.5


def test_speed_zero_stands_still():
    assert not paths("mixed", speed=0.0).velocities.any()


def test_constant_velocity_changes_only_at_walls():
    v = paths("constant velocity").velocities
    np.testing.assert_allclose(np.linalg.norm(v[20], axis=-1), 2.0, atol=0.05)
    steady = abs(np.diff(v, axis=0)).max(-1) <= 2 / 64
    assert steady.mean() > 0.95


def test_constant_velocity_never_turns_where_there_is_room():
    v = paths("constant velocity", speed=0.6).velocities
    assert abs(np.diff(v, axis=0)).max() <= 2 / 64


def test_turning_keeps_its_speed_and_turns_at_one_rate():
    v = paths("turning").velocities.astype(float)
    np.testing.assert_allclose(np.linalg.norm(v, axis=-1), 2.0, atol=0.06)
    heading = np.unwrap(np.arctan2(v[..., 1], v[..., 0]), axis=0)
    turned = (heading[-1] - heading[0]) / (len(v) - 1)
    assert (abs(turned) > 0.01).all()
    assert (turned > 0).any()
    assert (turned < 0).any()
    assert abs(np.diff(heading, axis=0) - turned).max() < 0.05


def test_bouncing_falls_like_a_stone_and_jumps_at_the_floor():
    v = paths("bouncing").velocities.astype(float)
    pull = np.diff(v[..., 1], axis=0)
    usual = np.median(pull, axis=0)
    assert (usual > 0).all()  # downwards
    falling = abs(pull - usual) <= 4 / 64
    assert 0.85 < falling.mean() < 1.0
    assert (pull[~falling] < 0.1).all()  # upwards at the floor only


def test_stop_and_go_stops_and_goes():
    v = np.linalg.norm(paths("stop-and-go").velocities, axis=-1)
    still, steady = v == 0, abs(v - 2.0) < 0.05
    assert 0.2 < still.mean() < 0.6
    assert (still | steady).mean() > 0.95  # the rest touch a wall
    assert still.any(0).all()
    assert steady.any(0).all()


def test_sinusoidal_sways_about_a_line():
    tracks = paths("sinusoidal", speed=1.2, frames=60, size=(400, 400), object_size=20.0)
    for k in range(tracks.centers.shape[1]):
        places = tracks.centers[:, k].astype(float)
        away = places - places.mean(0)
        assert np.linalg.svd(away)[1][1] > 3  # a straight line has none
    assert np.linalg.norm(tracks.velocities, axis=-1).std() > 0.1


def test_motions_are_taken_in_turn():
    mixed = [scenes.trajectories(seed, 2, objects=6).motions for seed in range(5)]
    assert all(set(motions) == set(scenes.MOTIONS) for motions in mixed)
    assert {motions[0] for motions in mixed} == set(scenes.MOTIONS)
    assert paths(["turning", "bouncing"], objects=3).motions == ("turning", "bouncing", "turning")


@given(x=st.floats(-1e4, 1e4), low=st.floats(-100, 100), length=st.floats(0.5, 500))
def test_folding_reflects_at_the_walls(x, low, length):
    high = low + length
    folded = float(moving.fold(np.array(x), low, high))
    expected = x
    while not low <= expected <= high:  # a ball in a box, wall by wall
        expected = 2 * low - expected if expected < low else 2 * high - expected
    assert abs(folded - expected) < 1e-6


# --- every dial does what it says, and more of it does more -------------------------------------

LEVELS = (0.0, 0.35, 0.7, 1.0)


def rising(measure, seeds=range(4)):
    """The measure at each level, averaged over seeds; asserts that it never falls."""
    found = [float(np.mean([measure(seed, level) for seed in seeds])) for level in LEVELS]
    assert all(a < b for a, b in pairwise(found)), found
    return found


def sharpness(frame):
    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def test_occlusion_hides():
    def hidden(seed, level):
        return 1 - scenes.render(seed, 30, occlusion=level).truth.visibility.mean()

    assert rising(hidden)[-1] > 0.5


def test_a_higher_occlusion_hides_all_that_a_lower_one_hid():
    low, high = (scenes.render(3, 40, occlusion=level).truth for level in (0.4, 0.8))
    assert (high.visibility <= low.visibility + 1e-6).all()
    np.testing.assert_array_equal(low.boxes, high.boxes)


def test_pillars_spare_a_single_object_at_the_start():
    for seed in range(12):
        assert scenes.render(seed, 1, objects=1, occlusion=0.5).truth.visibility[0, 0] > 0.9


def test_scale_variation_changes_sizes():
    def spread(seed, level):
        sizes = scenes.trajectories(seed, 80, scale_variation=level).sizes
        return np.log2(sizes.max(0) / sizes.min(0)).mean()

    found = rising(spread)
    assert found[0] == 0
    assert 1.5 < found[-1] <= 2.0  # from half to double


def test_illumination_swings_the_mean():
    def swing(seed, level):
        return scenes.render(seed, 60, illumination=level).frames.mean((1, 2, 3)).std()

    found = rising(swing)
    assert found[0] < 3
    assert found[-1] > 15


def test_motion_blur_takes_sharpness():
    def softness(seed, level):
        frames = scenes.render(seed, 4, motion_blur=level).frames
        return -np.mean([sharpness(frame) for frame in frames])

    found = rising(softness)
    assert found[-1] > 0.2 * found[0]


def test_rotation_turns_objects_and_their_boxes():
    def rate(seed, level):
        angles = scenes.trajectories(seed, 20, rotation=level).angles.astype(float)
        steps = np.mod(np.diff(angles, axis=0) + 180, 360) - 180
        assert np.ptp(steps, axis=0).max() < 0.1
        return abs(steps).mean()

    found = rising(rate)
    assert found[0] == 0
    assert 5 <= found[-1] <= 12
    still, turning = (
        scenes.render(1, 30, objects=1, classes=[1], speed=0.0, rotation=r).truth.boxes
        for r in (0.0, 1.0)
    )
    width = turning[:, 0, 2] - turning[:, 0, 0]
    usual = still[0, 0, 2] - still[0, 0, 0]
    assert abs(width.max() / usual - 2**0.5) < 0.1  # a square on its corner


def test_a_quarter_turn_is_the_sprite_turned():
    from tracklab.scenes.compose import _resample

    rgb, alpha = scenes.sprite(9, exact.stream(0, "sprites"), 24)
    centers, sizes = np.full((2, 2), 50.0), np.full(2, 24.0)
    drawn = _resample((rgb, alpha), centers, sizes, np.array([0.0, 90.0]))
    # clockwise on screen: an arrow to the right then points down
    turned = np.rot90(drawn.mask[0][:-1, :-1] if drawn.mask.shape[1] % 2 else drawn.mask[0], -1)
    both = drawn.mask[1][: len(turned), : len(turned)]
    best = max(
        float((np.roll(turned, (dy, dx), (0, 1)) == both).mean())
        for dy in range(-2, 3)
        for dx in range(-2, 3)
    )
    assert best > 0.97


def test_out_of_view_makes_absences_and_returns():
    def absent(seed, level):
        return 1 - scenes.render(seed, 60, out_of_view=level).truth.present.mean()

    found = rising(absent)
    assert found[0] == 0
    assert found[-1] > 0.3
    present = scenes.render(5, 60, out_of_view=0.7).truth.present
    assert present[0].all()
    assert present[-1].all()


def test_clutter_adds_edges_to_the_background():
    def edges(seed, level):
        return sharpness(scenes.render(seed, 1, objects=0, clutter=level).frames[0])

    rising(edges)


def test_low_resolution_leaves_no_fine_detail():
    def lost(seed, level):
        frame = scenes.render(seed, 1, low_resolution=level).frames[0].astype(float)
        spectrum = abs(np.fft.fft2(frame.mean(-1) - frame.mean()))
        fine = np.add.outer(abs(np.fft.fftfreq(128)), abs(np.fft.fftfreq(128))) > 0.25
        return -spectrum[fine].mean()

    found = rising(lost)
    assert found[-1] > 0.3 * found[0]


def test_distractors_look_alike_and_are_not_in_the_truth():
    def changed(seed, level):
        clip = scenes.render(seed, 10, distractors=level)
        empty = scenes.render(seed, 10)
        np.testing.assert_array_equal(clip.truth.boxes, empty.truth.boxes)
        return (clip.frames != empty.frames).any(-1).mean()

    found = rising(changed)
    assert found[0] == 0
    # one red object has red look-alikes: nearly all that changes becomes pure red
    options = {"objects": 1, "classes": [0], "sprites": Pictures()}
    alone, among = (scenes.render(4, 10, distractors=v, **options).frames for v in (0.0, 1.0))
    changed_pixels = among[(alone != among).any(-1)]
    assert (changed_pixels == (255, 0, 0)).all(-1).mean() > 0.75
    red = [(frames == (255, 0, 0)).all(-1).sum() for frames in (alone, among)]
    assert red[1] > 3 * red[0]


def test_camera_motion_moves_background_and_objects_together():
    def path_length(seed, level):
        camera = scenes.trajectories(seed, 60, camera_motion=level).camera
        return np.linalg.norm(np.diff(camera, axis=0), axis=-1).sum()

    rising(path_length)
    still = scenes.trajectories(3, 40)
    moved = scenes.trajectories(3, 40, camera_motion=1.0)
    np.testing.assert_allclose(moved.centers, still.centers - moved.camera[:, None], atol=1 / 32)
    frames = scenes.render(3, 40, objects=0, camera_motion=1.0).frames
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(np.float64) for f in frames]
    window = cv2.createHanningWindow((128, 128), cv2.CV_64F)
    for t in (5, 12, 20, 33):
        (dx, dy), _ = cv2.phaseCorrelate(grey[t], grey[t + 1], window)
        expected = -(moved.camera[t + 1] - moved.camera[t])
        assert np.hypot(dx - expected[0], dy - expected[1]) < 0.6


def test_a_moving_background_moves_at_its_speed_and_leaves_objects_alone():
    frames = scenes.render(3, 12, objects=0, background_speed=1.5).frames
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(np.float64) for f in frames]
    window = cv2.createHanningWindow((128, 128), cv2.CV_64F)
    (dx, dy), _ = cv2.phaseCorrelate(grey[2], grey[6], window)
    assert abs(np.hypot(dx, dy) - 6.0) < 0.6
    still, moved = (scenes.render(3, 12, background_speed=v).truth for v in (0.0, 1.5))
    np.testing.assert_array_equal(still.boxes, moved.boxes)


def test_noise_has_the_strength_it_says():
    def strength(seed, level):
        clean, noisy = (
            scenes.render(seed, 3, noise=v, background="plain", objects=0).frames.astype(float)
            for v in (0.0, level)
        )
        return (noisy - clean).std()

    found = rising(strength)
    assert found[0] == 0
    np.testing.assert_allclose(found[-1], effects.NOISE, rtol=0.1)
    frames = scenes.render(0, 2, noise=0.5, objects=0, background="plain").frames.astype(float)
    first, second = frames - frames.mean((1, 2), keepdims=True)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02  # new in each frame


def test_low_contrast_draws_colours_together():
    def sameness(seed, level):
        return -scenes.render(seed, 2, low_contrast=level).frames.std()

    found = rising(sameness)
    assert found[-1] > 0.2 * found[0]


# --- parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(10))
@pytest.mark.parametrize("angle", [0.0, 33.0])
def test_a_sprite_fills_its_square_and_has_soft_edges(kind, angle):
    rgb, alpha = scenes.sprite(kind, np.random.default_rng(3), 40, angle=angle)
    assert rgb.shape == (40, 40, 3)
    assert rgb.dtype == alpha.dtype == np.uint8
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    tall, broad = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(tall, broad) >= 39
    assert abs(rows[0] + rows[-1] - 39) <= 1  # in the middle
    assert abs(columns[0] + columns[-1] - 39) <= 1
    soft = ((alpha > 0) & (alpha < 255)).mean()
    assert soft < 0.2
    upright = scenes.SHAPES[kind] in ("square", "cross") and not angle
    if not upright:  # whose edges may lie between pixels
        assert soft > 0.005


def test_shapes_can_be_told_apart_and_colour_tells_nothing():
    alphas = [scenes.sprite(k, np.random.default_rng(k), 24)[1] > 127 for k in range(10)]
    for a in range(10):
        for b in range(a):
            shared = (alphas[a] & alphas[b]).sum() / (alphas[a] | alphas[b]).sum()
            assert shared < 0.9, (scenes.SHAPES[a], scenes.SHAPES[b])
    same = {scenes.sprite(k, np.random.default_rng(7), 24)[0][12].max() for k in (0, 1)}
    assert len(same) == 1  # the same numbers give the same colour to every class


def test_sprites_repeat_and_vary():
    rng = np.random.default_rng(0)
    looks = {scenes.sprite(0, rng, 16)[0].tobytes() for _ in range(30)}
    assert len(looks) > 15
    again = {scenes.sprite(0, np.random.default_rng(5), 16)[0].tobytes() for _ in range(3)}
    assert len(again) == 1


class Pictures:
    """Like a data set: training images, labels, names."""

    train_images = np.repeat(
        np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8), 32 * 32, axis=0
    ).reshape(3, 32, 32, 3)
    train_labels = np.array([0, 1, 3])
    class_names = ("red", "green", "never", "blue")


def test_thumbnails_as_sprites():
    before = Pictures.train_images.copy()
    clip, masks = scenes.render_with_masks(3, 5, objects=6, sprites=Pictures())
    assert clip.truth.class_names == Pictures.class_names
    assert set(clip.truth.classes.tolist()) <= {0, 1, 3}
    for k, kind in enumerate(clip.truth.classes):
        inner = cv2.erode(masks.visible(0)[k].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if inner.any():
            pure = Pictures.train_images[[0, 1, 1, 2][kind], 0, 0]
            assert (abs(clip.frames[0][inner].astype(int) - pure) <= 1).all()
    np.testing.assert_array_equal(Pictures.train_images, before)


def test_thumbnails_larger_than_objects_are_reduced():
    images = np.zeros((1, 96, 64, 3), np.uint8)
    images[:, ::2] = 200  # finer than the object: becomes grey, not stripes
    pictures = scenes.Thumbnails(images, np.array([0]), ("stripes",))
    clip, masks = scenes.render_with_masks(
        0, 1, objects=1, object_size=16.0, sprites=pictures, background="plain"
    )
    box = clip.truth.boxes[0, 0]
    assert abs((box[3] - box[1]) / (box[2] - box[0]) - 1.5) < 0.2  # keeps its proportions
    inner = cv2.erode(masks.visible(0)[0].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert abs(clip.frames[0][inner].astype(int) - 100).max() < 12


def test_classes_can_be_chosen():
    assert set(scenes.render(0, 1, objects=30, classes=[2, 7]).truth.classes.tolist()) == {2, 7}


@pytest.mark.parametrize("background", scenes.BACKGROUNDS)
def test_backgrounds_repeat_without_a_seam(background):
    rng, clutter = exact.stream(3, "background"), exact.stream(3, "clutter")
    tile = backdrop.ground(rng, clutter, (64, 80), background, 0.0).astype(int)
    assert abs(tile[0] - tile[-1]).max() <= 2 * abs(np.diff(tile, axis=0)).max() + 1
    assert abs(tile[:, 0] - tile[:, -1]).max() <= 2 * abs(np.diff(tile, axis=1)).max() + 1
    wide = backdrop.widen(tile.astype(np.uint8), (64, 80))
    for x, y in ((0, 0), (-7, 200), (1234, -77)):
        expected = np.roll(tile, (-y, -x), (0, 1))[:64, :80]
        np.testing.assert_array_equal(backdrop.view(wide, x, y, (64, 80)), expected)


def test_objects_stand_out_from_the_background():
    for seed in range(10):
        clip, masks = scenes.render_with_masks(seed, 1)
        for mask in masks.visible(0):
            if mask.sum() < 50:
                continue
            ring = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
            around = ring & ~masks.amodal(0).any(0)
            if around.any():
                inside = clip.frames[0][mask].astype(float)
                away = abs(inside - clip.frames[0][around].mean(0)).max(-1)
                assert away.mean() > 35


# --- named scenes -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(scenes.STANDARD))
def test_a_standard_scene_can_be_tracked_from_its_first_frame(name):
    scene = scenes.STANDARD[name]
    assert scene.name == name
    truth = scene.render(frames=2).truth if scene.objects > 1 else scene.render().truth
    if scene.objects == 1:
        assert truth.visibility[0, 0] > 0.9
        assert truth.present.mean() > 0.5
    assert truth.present[0].all()


def test_standard_scenes_are_there_for_every_dial_and_motion():
    assert {*scenes.DIALS, *scenes.MOTIONS, "plain", "hard", "crowded"} <= set(scenes.STANDARD)
    for name in scenes.DIALS:
        scene = scenes.STANDARD[name]
        assert [d for d in scenes.DIALS if getattr(scene, d)] == [name]
    train = [s.seed for n, s in scenes.STANDARD.items() if n.startswith("train")]
    others = [s.seed for n, s in scenes.STANDARD.items() if not n.startswith("train")]
    assert max(train) + 100_000 < min(others)
    assert len(set(train + others)) == len(train + others)


def test_the_standard_occlusion_and_absence_really_happen():
    assert scenes.standard("occlusion").truth.visibility.min() < 0.1
    assert not scenes.standard("out_of_view").truth.present.all()


def test_a_scene_renders_with_overrides_and_makes_variants():
    scene = scenes.STANDARD["train-mixed"]
    clip = scene.render(frames=3, seed=5, size=(64, 64))
    assert clip.frames.shape == (3, 64, 64, 3)
    assert scene.replace(size=(64, 64)).object_span == (8.0, 16.0)
    seeds = [variant.seed for variant in scene.variants(3)]
    assert seeds == [scene.seed, scene.seed + 1, scene.seed + 2]
    assert fingerprint(scene.render(frames=3)) == fingerprint(
        next(scene.variants(1)).render(frames=3)
    )


# --- any arguments at all -----------------------------------------------------------------------

levels = st.sampled_from([0.0, 0.0, 0.3, 1.0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**63),
    frames=st.integers(1, 8),
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    objects=st.integers(0, 6),
    motion=st.sampled_from(["mixed", *scenes.MOTIONS]),
    speed=st.floats(0, 60),
    share=st.floats(0, 1),
    background=st.sampled_from(scenes.BACKGROUNDS),
    dials=st.fixed_dictionaries(dict.fromkeys(scenes.DIALS, levels)),
)
def test_truth_holds_for_any_scene(
    seed, frames, height, width, objects, motion, speed, share, background, dials
):
    largest = 6 + share * (min(height, width) - 6)
    clip, masks = scenes.render_with_masks(
        seed,
        frames,
        (height, width),
        objects,
        motion=motion,
        speed=speed,
        object_size=largest,
        background=background,
        **dials,
    )
    truth = clip.truth
    assert clip.frames.shape == (frames, height, width, 3)
    boxes = truth.boxes[truth.present]
    assert (boxes >= 0).all()
    assert (boxes[:, 2] <= width).all()
    assert (boxes[:, 3] <= height).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert ((truth.visibility >= 0) & (truth.visibility <= 1)).all()
    assert (truth.visibility[~truth.present] == 0).all()
    for t in range(frames):
        for box, mask in zip(truth.boxes[t], masks.amodal(t), strict=True):
            np.testing.assert_array_equal(box, remeasured(mask))
        seen = masks.visible(t).any((1, 2))
        np.testing.assert_array_equal(seen, truth.visibility[t] > 0)


# --- bad input ----------------------------------------------------------------------------------

NOT_PICTURES = scenes.Thumbnails.__doc__  # any text that is not "shapes"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"frames": 0}, "frames"),
        ({"frames": True}, "frames"),
        ({"frames": 10**9}, "frames"),
        ({"size": 128}, "size"),
        ({"size": (128, 8)}, "size width"),
        ({"size": (128.5, 64)}, "size height"),
        ({"size": (1, 2, 3)}, "size"),
        ({"objects": -2}, "objects"),
        ({"objects": "many"}, "objects"),
        ({"fps": 0}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"motion": "flying"}, "motion"),
        ({"motion": []}, "motion"),
        ({"motion": ["turning", "flying"]}, "motion"),
        ({"motion": 3}, "motion"),
        ({"speed": -1}, "speed"),
        ({"speed": (3, 1)}, "speed"),
        ({"speed": (1, 2, 3)}, "speed"),
        ({"speed": float("inf")}, "speed"),
        ({"object_size": 2}, "object_size"),
        ({"object_size": 500}, "object_size"),
        ({"object_size": "big"}, "object_size"),
        ({"background": "sea"}, "background"),
        ({"background_speed": -1}, "background_speed"),
        ({"sprites": NOT_PICTURES}, "sprites"),
        ({"sprites": np.zeros((3, 4, 4, 3), np.uint8)}, "sprites"),
        ({"classes": []}, "classes"),
        ({"classes": [10]}, "classes"),
        ({"classes": 3}, "classes"),
        ({"name": 3}, "name"),
        *(({dial: value}, dial) for dial in scenes.DIALS for value in (-0.1, 1.5)),
        ({"noise": float("nan")}, "noise"),
        ({"noise": "loud"}, "noise"),
    ],
)
def test_bad_arguments_are_named(options, named):
    with pytest.raises(errors.InputError, match=f"^{named}: got .*, wanted "):
        scenes.render(**({"frames": 1} | options))


@pytest.mark.parametrize(
    ("images", "labels", "names"),
    [
        (np.zeros((2, 8, 8), np.uint8), [0, 1], ("a", "b")),
        (np.zeros((2, 8, 8, 3)), [0, 1], ("a", "b")),
        (np.zeros((0, 8, 8, 3), np.uint8), [], ("a",)),
        (np.zeros((2, 8, 8, 3), np.uint8), [0], ("a", "b")),
        (np.zeros((2, 8, 8, 3), np.uint8), [0, 2], ("a", "b")),
        (np.zeros((2, 8, 8, 3), np.uint8), [0.5, 1.0], ("a", "b")),
    ],
)
def test_bad_thumbnails_are_named(images, labels, names):
    with pytest.raises(errors.InputError, match=r"^sprites\."):
        scenes.Thumbnails(images, np.array(labels), names)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(errors.InputError, match=r"'crowded'.*'train-easy'.*'occlusion'"):
        scenes.standard("ocean")
    with pytest.raises(errors.InputError, match=r"fog: got 0\.5, wanted an argument of render"):
        scenes.STANDARD["plain"].render(fog=0.5)
    with pytest.raises(errors.InputError, match="fog"):
        scenes.render_with_masks(fog=0.5)


@pytest.mark.parametrize(
    "wrong", [{"class_index": 10}, {"class_index": "star"}, {"size": 2}, {"rng": 0}, {"angle": "x"}]
)
def test_bad_sprites_are_named(wrong):
    options = {"class_index": 0, "rng": np.random.default_rng(0), "size": 16} | wrong
    with pytest.raises(errors.InputError, match=f"^{next(iter(wrong))}: got"):
        scenes.sprite(**options)
