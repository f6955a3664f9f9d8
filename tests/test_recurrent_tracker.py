"""The recurrent visual tracker: what is around its network, and what its state is worth."""

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, scenes, trackers
from tracklab.metrics import single
from tracklab.models import siamese
from tracklab.models.siamese import geometry
from tracklab.trackers.recurrent import RecurrentTracker

SMALL = {"widths": (4, 6, 6), "blocks": 0, "depth": 6, "parts": 3, "head": 4}


@pytest.fixture(scope="module")
def network():
    """One that knows nothing, to try what is around it."""
    return siamese.Running(siamese.Siamese(**SMALL, seed=1), siamese.Cell(8, seed=1))


@pytest.fixture(scope="module")
def clip():
    return scenes.render(scenes.TEST_SEED + 3, 8, (96, 128), 1, rotation=0.5)


def auc(tracker, clip):
    return single.success_auc(trackers.run(tracker, clip).inside(*clip.size), clip.truth)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 1.5},
        {"filter_rate": -0.1},
        {"sure": 2},
        {"seen": np.nan},
        {"grow": "much"},
        {"spread": 0},
        {"wider": 0.5},
    ],
)
def test_wrong_options_are_named(network, wrong):
    with pytest.raises(errors.InputError, match=next(iter(wrong))):
        RecurrentTracker(network=network, **wrong)


def test_it_repeats_and_begins_anew(network, clip):
    tracker = RecurrentTracker(network=network)
    once, again = (trackers.run(tracker, clip).boxes for _ in range(2))
    assert np.array_equal(once, again)


def test_without_state_it_expects_nothing_new(network, clip):
    tracker = RecurrentTracker(network=network, stateless=True, spread=0.5)
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    before = bx.centers(clip.truth.boxes[0, 0])
    for frame in clip.frames[1:4]:
        state = tracker.update(frame)
        assert np.allclose(tracker.sight.predicted, before, atol=1e-3)
        before = bx.centers(state.box)


def test_what_it_saw(network, clip):
    tracker = RecurrentTracker(network=network)
    tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
    assert tracker.sight is None
    state = tracker.update(clip.frames[1])
    sight = tracker.sight
    cells = (geometry.CELLS, geometry.CELLS)
    assert sight.response.shape == sight.prior.shape == sight.posterior.shape == cells
    assert np.allclose(sight.posterior, sight.response + sight.prior, atol=1e-4)
    assert sight.picture.shape == (geometry.SEARCH, geometry.SEARCH, 3)
    assert 0 <= sight.believed <= 1
    assert 0 <= state.score <= 1
    # score = 1 - P(nowhere)
    logits = np.append(sight.posterior.ravel(), sight.nowhere)
    gone = np.exp(sight.nowhere - logits.max()) / np.exp(logits - logits.max()).sum()
    assert state.score == pytest.approx(1 - gone, abs=1e-4)


def test_a_box_never_leaves_the_frame_by_its_middle_nor_explodes(network):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (20, 60, 80, 3), dtype=np.uint8)
    first = np.float32([60, 40, 78, 58])
    track = trackers.run(RecurrentTracker(network=network, grow=1, seen=0), frames, first)
    middles, sizes = bx.centers(track.boxes), bx.sizes(track.boxes)
    assert ((middles >= 0) & (middles <= [80, 60])).all()
    assert (sizes <= 6.01 * bx.sizes(first)).all()
    assert (sizes >= 2.99).all()


# -- with what comes with the course


def difficult(dial, count, level=0.7):
    """As in lesson 07, of other seeds."""
    seed, made = scenes.TEST_SEED + 20_000, []
    while len(made) < count:
        one = scenes.render(seed, 60, (240, 320), 1, speed=(2.0, 5.5), **{dial: level})
        seed += 1
        if one.truth.visibility[0, 0] > 0.95:
            made.append(one)
    return made


def test_the_shipped_one_follows_what_others_lose():
    clips = difficult("rotation", 6)
    own = np.mean([auc("recurrent", one) for one in clips])
    assert own > np.mean([auc("template", one) for one in clips]) + 0.04
    assert own > 0.7


def test_its_state_is_worth_something_behind_pillars():
    clips = difficult("occlusion", 12)
    own = np.mean([auc("recurrent", one) for one in clips])
    without = np.mean([auc(RecurrentTracker(stateless=True), one) for one in clips])
    assert own > without + 0.02


def test_a_missing_network_says_how_to_get_one(tmp_path):
    with pytest.raises(errors.MissingError, match="train siamese"):
        siamese.load(tmp_path)
