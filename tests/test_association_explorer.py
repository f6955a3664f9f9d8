"""Association, frame by frame, without a browser: what is drawn is what the tracker decided."""

import itertools

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, explorers, motion
from tracklab.explorers import association as steps
from tracklab.trackers.association import GATE_99
from tracklab.trackers.sort import LEAST, PATIENCE, PROOF, SortTracker

START = {
    "frame": steps.FIRST_FRAME,
    "model": steps.MODEL,
    "least": LEAST,
    "patience": PATIENCE,
    "noise": steps.NOISE,
    "seed": steps.FIRST_SAMPLE,
}


def drawn(**settings):
    return steps.draw(**START | settings)


def run(**settings):
    values = START | settings
    return steps.run(*(values[key] for key in ("model", "least", "patience", "noise", "seed")))


@pytest.mark.parametrize("model", ["none", "kalman"])
@pytest.mark.parametrize("least", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("patience", [0, 30])
def test_the_books_are_the_trackers(model, least, patience):
    seen = run(model=model, least=least, patience=patience)
    tracker = SortTracker(model, size=steps.SIZE, least=least, patience=patience)
    alive = set()
    for found, one, fate in zip(seen.crowd.detections, seen.decided, seen.fates, strict=True):
        reported = tracker.update(found)
        np.testing.assert_array_equal(one.predicted, tracker.decided.predicted)
        assert alive == set(one.ids.tolist()) == set(fate.unseen)
        alive = alive - set(fate.died) | set(fate.born.values())
        assert set(fate.born.values()) == set(one.born.tolist())
        # a detection continues one track, or begins one
        columns = [column for column, _ in fate.pairs.values()]
        assert sorted([*columns, *fate.born]) == list(range(len(one.found)))
        now = {k for k in alive if fate.unseen.get(k, 0) == 0 and k not in fate.unproved}
        assert now == set(reported.ids.tolist())
        assert all(fate.unseen[k] > patience or k in fate.unproved for k in fate.died)


def test_tracks_of_the_first_frames_are_believed_at_once():
    fates = run().fates
    assert fates[0].born
    assert not fates[0].unproved
    later = [fate for fate in fates[PROOF:] if fate.born]
    assert later
    for fate in later:
        assert set(fate.born.values()) <= fate.unproved


def test_the_numbers_of_the_tables_are_overlap_and_distance():
    seen = run()
    one = seen.decided[START["frame"]]
    np.testing.assert_allclose(one.overlap.gains, bx.iou(one.predicted, one.found.boxes))
    far = steps.apart(one)
    inside = one.distance.gains > 0
    assert inside.any()
    np.testing.assert_allclose(
        GATE_99 - far[inside] ** 2, one.distance.gains[inside], rtol=1e-3, atol=1e-3
    )
    assert (far[~inside] ** 2 >= GATE_99 - 1e-3).all()


def test_the_start_finds_a_track_again_that_was_hidden_for_long():
    drawing = drawn()
    assert drawing.numbers["by distance"] == 1
    assert "Found again by distance: 1 is " in drawing.caption
    fates = run().fates
    assert fates[START["frame"] - 1].unseen[1] > 10
    # without patience its number is gone
    impatient = run(patience=0).fates[START["frame"] - 1]
    assert 1 not in impatient.unseen


def test_words_tell_what_the_picture_shows():
    first = drawn(frame=0)
    assert "0 tracks predicted" in first.caption
    assert "Born: 1 from a" in first.caption
    seen = run()
    for frame in range(steps.FRAMES):
        drawing, one, fate = drawn(frame=frame), seen.decided[frame], seen.fates[frame]
        numbers = drawing.numbers
        assert numbers["tracks predicted"] == len(one.ids)
        assert numbers["by overlap"] + numbers["by distance"] == len(fate.pairs)
        for k, (column, how) in fate.pairs.items():
            assert f"{k} is {steps.letter(column)} (" in drawing.caption, how
        assert ("Ended:" in drawing.caption) == bool(fate.died)
        assert ("Not seen:" in drawing.caption) == bool(
            [k for k in fate.unseen if k not in fate.pairs and k not in fate.died]
        )


def test_identity_switches_are_told_where_they_happen():
    seen = run(model="none", noise=0.3)
    assert seen.switches
    for switch in seen.switches:
        said = drawn(model="none", noise=0.3, frame=switch.frame).caption
        assert f"an object was track {switch.before} and is {switch.after}" in said
    last = drawn(model="none", noise=0.3, frame=steps.FRAMES - 1)
    assert last.numbers["identity switches so far"] == len(seen.switches)


def test_the_frame_only_draws():
    drawn()
    before = steps.run.cache_info()
    for frame in range(steps.FRAMES):
        drawn(frame=frame)
    after = steps.run.cache_info()
    assert after.misses == before.misses
    assert after.hits == before.hits + steps.FRAMES


def test_all_ends_together():
    ends = itertools.product(
        (0, 1, steps.FRAMES - 1), motion.NAMES, (0.0, 0.9), (0, 30), (0.0, 0.3), (0, 12345)
    )
    for frame, model, least, patience, noise, seed in ends:
        drawing = steps.draw(
            frame=frame, model=model, least=least, patience=patience, noise=noise, seed=seed
        )
        numbers = drawing.numbers
        seen = numbers["by overlap"] + numbers["by distance"]
        assert seen + numbers["not seen"] == numbers["tracks predicted"]
        assert seen + numbers["born"] == numbers["detections"]
        assert drawing.picture.shape == (
            steps.TOP + steps.ROOM,
            steps.ROOM + steps.GAP + steps.SIDE,
            3,
        )
        assert drawing.picture.std() > 0


def test_detections_have_letters():
    assert [steps.letter(k) for k in (0, 25, 26, 53)] == ["a", "z", "a2", "b3"]


def test_begins_as_the_tests_do():
    assert explorers.explore("association").params == START
    with pytest.raises(errors.InputError, match="'kalman'"):
        explorers.explore("association", model="kalmann")
    with pytest.raises(errors.InputError, match="least"):
        explorers.explore("association", least=0.95)
