"""Whole clips: one draw, and a trajectory stays a trajectory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import augment, errors, scenes
from tracklab import boxes as bx
from tracklab.augment import geometry
from tracklab.clips import Clip, Truth

FRAMES = 6
TURN = augment.Rotation((20, 20), kept=0.0)
RECIPE = augment.Pipeline(
    augment.Flip(),
    augment.Rotation(15),
    augment.Crop((0.5, 1)),
    augment.Colour(),
    augment.Blur(),
    augment.Noise((8, 8)),
    augment.Cutout(),
)


@pytest.fixture(scope="module")
def clip():
    return scenes.render(seed=2, frames=FRAMES, objects=4, motion="turning")


class Lazy:
    """Frames that count how often they are asked for."""

    def __init__(self, frames):
        self.frames, self.asked = frames, []

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.frames[index]


def test_every_frame_gets_the_same_draw(clip):
    """The clip's truth is that of a clip of one still frame, frame by frame, for equal frames."""
    still = Clip(np.repeat(clip.frames[:1], FRAMES, 0), truth=None)
    quiet = augment.Pipeline(*(s for s in RECIPE.steps if not isinstance(s, augment.Noise)))
    done = quiet.clip(still, 4)
    for frame in done:
        np.testing.assert_array_equal(frame, done.frames[0])
    noisy = augment.Noise((8, 8)).clip(still, 4)
    assert (noisy.frames[0] != noisy.frames[1]).any()  # a sensor's grain is new in each frame


@given(st.integers(0, 500))
@settings(max_examples=20)
def test_velocities_are_the_motion_of_moved_centres(seed):
    rng = np.random.default_rng(seed)
    centres = np.cumsum(rng.normal(0, 1, (FRAMES, 3, 2)), 0) + rng.uniform(50, 70, (3, 2))
    boxes = np.concatenate([centres - 4, centres + 4], -1)
    known = Clip(np.zeros((FRAMES, 128, 128, 3), np.uint8), truth=Truth.from_boxes(boxes))
    recipe = augment.Pipeline(
        augment.Flip("both"), augment.Rotation(90), augment.Affine(0.2, move=0.02)
    )
    truth = recipe.clip(known, seed).truth
    # boxes that nothing cuts have their object's centre at theirs, turned or not
    inside = (truth.boxes[..., :2] > 0).all(-1) & (truth.boxes[..., 2:] < 128).all(-1)
    both = inside[1:] & inside[:-1]
    moved = np.diff(bx.centers(truth.boxes), axis=0)
    np.testing.assert_allclose(truth.velocities[1:][both], moved[both], atol=1e-3)
    assert np.isnan(truth.velocities[0]).all()


def test_known_velocities_move_as_vectors(clip):
    truth = TURN.clip(clip).truth
    turn = np.deg2rad(20)
    x, y = np.moveaxis(clip.truth.velocities, -1, 0)
    wanted = np.stack(
        [x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)], -1
    )
    np.testing.assert_allclose(truth.velocities, wanted, atol=1e-4)
    lengths = np.linalg.norm(clip.truth.velocities, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(truth.velocities, axis=-1), lengths, atol=1e-4)
    mirrored = augment.Flip(p=1).clip(clip).truth
    np.testing.assert_allclose(mirrored.velocities, clip.truth.velocities * [-1, 1], atol=1e-5)


def test_boxes_follow_the_masks_through_a_clip():
    clip, masks = scenes.render_with_masks(seed=5, frames=4, objects=3, background="plain")
    flipped = augment.Flip(p=1).clip(clip)
    for t in range(4):
        for k, mask in enumerate(masks.amodal(t)):
            np.testing.assert_array_equal(flipped.truth.boxes[t, k], bx.from_mask(mask[:, ::-1]))
        np.testing.assert_array_equal(flipped.frames[t], clip.frames[t][:, ::-1])


def test_what_leaves_is_absent_and_what_is_cut_is_seen_less(clip):
    shift = augment.Affine(0, 0, (1, 1), (0.3, 0.3), kept=0.25)
    truth, before = shift.clip(clip).truth, clip.truth
    gone = ~truth.present & before.present
    assert (truth.visibility[gone] == 0).all()
    height, width = clip.size
    by = np.float32([0.3 * width, 0.3 * height] * 2)
    whole = before.boxes + by
    share = bx.area(bx.clip(whole, height, width)) / bx.area(whole)
    there = truth.present
    np.testing.assert_allclose(
        truth.visibility[there], (before.visibility * share)[there], atol=1e-4
    )
    assert (share[gone] < 0.25 + 1e-6).all()
    assert gone.any()
    assert there.any()


def test_lazy_frames_stay_lazy(clip):
    frames = Lazy(clip.frames)
    lazy = RECIPE.clip(Clip(frames, truth=clip.truth), 7)
    assert set(frames.asked) <= {0}  # the size of the first is looked at
    eager = RECIPE.clip(clip, 7)
    assert isinstance(eager.frames, np.ndarray)
    for t in (3, 0, -1):
        np.testing.assert_array_equal(lazy.frames[t], eager.frames[t])
    part = lazy[2:5]
    np.testing.assert_array_equal(part.frames[1], eager.frames[3])
    assert len(part.frames[1:]) == 2
    np.testing.assert_array_equal(lazy.truth.boxes, eager.truth.boxes)


def test_a_hole_hides_what_it_covers(clip):
    cutout = augment.Cutout((0.5, 0.5), fill=0)
    done = cutout.clip(clip, 3)
    hole = cutout.hole(_drawn(cutout, clip, 3))
    x1, y1, x2, y2 = hole
    assert not done.frames[2][y1:y2, x1:x2].any()
    np.testing.assert_array_equal(done.truth.boxes, clip.truth.boxes)
    shared = bx.intersection(clip.truth.boxes.reshape(-1, 4), np.float32(hole)[None])
    share = shared.reshape(clip.truth.boxes.shape[:2]) / bx.area(clip.truth.boxes)
    wanted = clip.truth.visibility * (1 - np.nan_to_num(share))
    np.testing.assert_allclose(done.truth.visibility, wanted, atol=1e-5)


def _drawn(painting, clip, seed):
    rng = np.random.default_rng(seed)
    painting.chosen(rng, 1)
    return painting.draw(rng, 1, clip.size)


def test_a_crop_may_change_the_size(clip):
    done = augment.Crop((0.5, 0.5), size=(48, 80)).clip(clip)
    assert done.size == (48, 80)
    inside = done.truth.boxes[done.truth.present]
    np.testing.assert_array_equal(inside, bx.clip(inside, 48, 80))


def test_detections_go_along(clip):
    rows = [
        np.concatenate([truth[present], np.tile([0.5, 3], (present.sum(), 1))], -1)
        for truth, present in zip(clip.truth.boxes, clip.truth.present, strict=True)
    ]
    known = Clip(clip.frames, truth=clip.truth, detections=rows)
    done = augment.Affine(0, 0, (1, 1), (0.3, 0.3), kept=0.25).clip(known)
    for t, found in enumerate(done.detections):
        np.testing.assert_allclose(found[:, :4], done.truth.boxes[t][done.truth.present[t]])
        assert (found[:, 4:] == [0.5, 3]).all()


def test_a_clip_that_is_not_chosen_is_the_same(clip):
    for still in (augment.Rotation(30, p=0), augment.Noise(p=0), augment.Pipeline()):
        assert still.clip(clip) is clip


def test_a_clip_without_truth(clip):
    done = RECIPE.clip(Clip(clip.frames), 3)
    assert done.truth is None
    assert len(done) == FRAMES


class TestMosaic:
    def four(self, **options):
        return [scenes.render(seed=s, frames=3 + s, objects=3, **options) for s in range(4)]

    def test_truth_is_where_the_objects_are(self):
        clips = self.four()
        mosaic = augment.Mosaic(kept=0.0)
        done = mosaic.clips(clips, 1)
        assert len(done) == 3
        assert done.truth.boxes.shape == (3, 12, 4)
        assert len(set(done.truth.ids.tolist())) == 12
        quarters, parts = mosaic.draw(np.random.default_rng(1), 1, clips[0].size)
        for q, clip in enumerate(clips):
            x1, y1, x2, y2 = quarters[0, q]
            a, b, c, d = parts[0, q]
            scale = np.array([(x2 - x1) / (c - a), (y2 - y1) / (d - b)])
            wanted = (clip.truth.boxes[:3].reshape(3, 3, 2, 2) - [a, b]) * scale + [x1, y1]
            wanted = np.clip(wanted, [x1, y1], [x2, y2]).reshape(3, 3, 4)
            there = done.truth.present[:, 3 * q : 3 * q + 3]
            found = done.truth.boxes[:, 3 * q : 3 * q + 3]
            np.testing.assert_allclose(found[there], wanted[there], atol=1e-3)
            speeds = done.truth.velocities[:, 3 * q : 3 * q + 3]
            np.testing.assert_allclose(speeds, clip.truth.velocities[:3] * scale, atol=1e-4)
            np.testing.assert_array_equal(done.truth.classes[3 * q : 3 * q + 3], clip.truth.classes)

    def test_without_all_truths_there_is_none(self):
        clips = self.four()
        clips[2] = Clip(clips[2].frames)
        assert augment.Mosaic().clips(clips).truth is None

    def test_what_does_not_fit_is_refused(self):
        clips = self.four()
        with pytest.raises(errors.InputError, match="four clips"):
            augment.Mosaic().clips(clips[:3])
        other = scenes.render(seed=0, frames=3, size=(64, 64))
        with pytest.raises(errors.InputError, match="one size"):
            augment.Mosaic().clips([*clips[:3], other])
        truth = Truth.from_boxes(np.zeros((6, 1, 4)), class_names=("car",))
        named = Clip(clips[3].frames, truth=truth)
        with pytest.raises(errors.InputError, match="class_names"):
            augment.Mosaic().clips([*clips[:3], named])


@pytest.mark.parametrize("mixing", [augment.Mixup(classes=3), augment.CutMix(), augment.Mosaic()])
def test_one_clip_cannot_be_mixed(clip, mixing):
    for recipe in (mixing, augment.Pipeline(augment.Flip(), mixing)):
        with pytest.raises(errors.InputError, match=r"Mosaic\.clips"):
            recipe.clip(clip)


@pytest.mark.parametrize("wrong", [None, "clip.mp4", np.zeros((2, 8, 8, 3), np.uint8)])
def test_what_is_no_clip_is_refused(wrong):
    with pytest.raises(errors.InputError, match="clip"):
        augment.Flip().clip(wrong)


def test_a_clip_without_frames_is_refused():
    with pytest.raises(errors.InputError, match="at least one frame"):
        augment.Flip().clip(Clip(np.zeros((0, 8, 8, 3), np.uint8)))


def test_a_box_beyond_the_edge_before_and_in_view_after():
    """Real annotations may reach far beyond the picture; a shift may bring them in."""
    boxes = np.float32([[[-20, 10, -4, 20]], [[-30, 10, 10, 20]]])
    known = Clip(np.zeros((2, 60, 60, 3), np.uint8), truth=Truth.from_boxes(boxes))
    done = augment.Affine(0, 0, (1, 1), (0.5, 0.5), kept=0.0).clip(known)
    np.testing.assert_allclose(done.truth.boxes[0, 0], [10, 40, 26, 50])
    np.testing.assert_allclose(done.truth.boxes[1, 0], [0, 40, 40, 50])


def test_geometry_of_a_flip_is_told_by_its_matrix(clip):
    move = augment.Flip(p=1).moves(np.random.default_rng(0), 1, clip.size)
    np.testing.assert_array_equal(move.matrices, geometry.mirror(width=clip.size[1]))
