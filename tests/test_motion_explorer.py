"""The explorer of motion without a browser: what is drawn is what the models say."""

from __future__ import annotations

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, explorers, motion, plots
from tracklab.explorers import motion as hidden

START = {
    "motion": "turning",
    "noise": hidden.FIRST_NOISE,
    "gap": hidden.FIRST_GAP,
    "frame": hidden.HIDDEN_FROM + hidden.FIRST_GAP - 1,
    "seed": hidden.FIRST_SAMPLE,
}


def drawn(**settings):
    return hidden.draw(**START | settings)


@pytest.fixture(scope="module")
def made():
    return explorers.explore("motion")


def test_every_motion_model_of_the_course_is_drawn():
    assert set(hidden.ESTIMATORS) == set(motion.NAMES)
    labels = {label for label, *_ in hidden.ESTIMATORS.values()}
    assert {key.removesuffix(" (px off)") for key in drawn().numbers} == labels


def test_lines_are_told_apart_without_colour():
    assert len({dashes for *_, dashes in hidden.ESTIMATORS.values()}) == len(hidden.ESTIMATORS)
    assert len({color for _, color, _ in hidden.ESTIMATORS.values()}) == len(hidden.ESTIMATORS)


@pytest.mark.parametrize("name", motion.NAMES)
@pytest.mark.parametrize("kind", ["bouncing", "stop-and-go"])
def test_runs_are_those_of_the_models(name, kind):
    found = hidden.follow(kind, 0.1, 8, 5)
    model = motion.create(name, motion.PICTURE)
    seen = motion.observe(
        1,
        hidden.FRAMES,
        seed=5,
        part="test",
        motions=kind,
        speed=hidden.SPEED,
        side=hidden.SIDE,
        noise=0.1,
        misses=0.0,
    )
    np.testing.assert_array_equal(found.boxes, seen.boxes[:, 0])
    state = model.start(seen.detections[0])
    for t in range(1, hidden.FRAMES):
        unseen = hidden.HIDDEN_FROM <= t < hidden.HIDDEN_FROM + 8
        assert np.isnan(found.detected[t]).all() == unseen
        model.predict()
        state = model.update(None if unseen else seen.detections[t])
        np.testing.assert_allclose(found.centers[name][t], bx.centers(state.boxes)[0], atol=1e-4)
        np.testing.assert_allclose(found.deviations[name][t], state.deviations[0], rtol=1e-4)
    off = np.hypot(*(found.centers[name] - found.truth).T)
    np.testing.assert_allclose(found.errors[name], off)


def test_it_says_how_long_nothing_was_seen():
    begin, gap = hidden.HIDDEN_FROM, 5
    said = [drawn(frame=t, gap=gap).caption for t in (begin - 1, begin, begin + 4, begin + 5)]
    assert f"hidden from frame {begin} on" in said[0]
    assert "hidden for 1 of 5 frames" in said[1]
    assert "hidden for 5 of 5 frames" in said[2]
    assert "seen again after 5 frames" in said[3]
    for frame in (0, begin, hidden.FRAMES - 1):
        assert "never hidden" in drawn(frame=frame, gap=0).caption


def test_numbers_words_and_picture_go_together():
    found = hidden.follow("turning", START["noise"], START["gap"], START["seed"])
    shown = drawn()
    for name, (label, *_) in hidden.ESTIMATORS.items():
        error = float(found.errors[name][START["frame"]])
        assert shown.numbers[f"{label} (px off)"] == error
        assert f"{label} {error:.1f}" in shown.caption
    places = [shown.caption.index(label) for label in ("LSTM", "Kalman", "held")]
    assert places == sorted(places), "the least error first"


def test_it_says_whose_ellipse_the_truth_is_not_in():
    found = hidden.follow("bouncing", START["noise"], START["gap"], 1)
    for frame in range(hidden.FRAMES):
        said = drawn(motion="bouncing", seed=1, frame=frame).caption
        for name, (label, *_) in hidden.ESTIMATORS.items():
            off = np.abs(found.truth - found.centers[name])[frame] / found.deviations[name][frame]
            outside = "outside" in said and label in said.rpartition("ellipse of")[2]
            assert outside == (np.hypot(*off) > hidden.DEVIATIONS), (frame, label)


def test_before_the_gap_its_length_changes_nothing():
    short, long = (hidden.follow("sinusoidal", 0.08, gap, 0) for gap in (2, hidden.LONGEST))
    for name in hidden.ESTIMATORS:
        before = slice(0, hidden.HIDDEN_FROM)
        np.testing.assert_array_equal(short.centers[name][before], long.centers[name][before])


def test_without_noise_every_estimator_is_on_the_object_while_it_is_seen():
    found = hidden.follow("constant velocity", 0.0, 0, 0)
    for name, off in found.errors.items():
        assert off[-20:].max() < 3, name


def test_far_estimates_are_drawn_at_the_edge():
    far = drawn(motion="bouncing", noise=hidden.MOST_NOISE, gap=hidden.LONGEST, frame=47, seed=0)
    assert far.picture.shape == drawn(frame=0).picture.shape
    assert max(far.numbers.values()) > hidden.CEILING


def test_the_still_picture_is_legible(made):
    made.reset()
    height, width = plots.decode(made.picture).shape[:2]
    assert width <= 720
    assert height <= 720
    assert len(made.picture) < 200_000


@pytest.mark.parametrize(
    ("options", "said"),
    [({"motion": "falling"}, "motion|default"), ({"seed": -1}, "seed"), ({"gap": 3}, "option")],
)
def test_bad_options(options, said):
    with pytest.raises(errors.InputError, match=said):
        explorers.explore("motion", **options)
