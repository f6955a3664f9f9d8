"""Clips of moved stills: their truth against their pixels, and every frame by itself."""

import math
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import datasets, errors
from tracklab.datasets import moved
from tracklab.datasets.moved import (
    actors,
    chance,
    drawing,
    film,
    grounds,
    lens,
    paths,
    pictures,
    script,
    shapes,
)

SEEDS = st.integers(0, 2**32)


def images(count=12, size=(32, 32), seed=0):
    """Smooth random pictures, which is what photographs are."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4, 3), np.uint8)
    return np.stack([cv2.resize(one, size[::-1]) for one in coarse])


STILLS = moved.Stills(images())


def written(seed, frames=20, picture=192, hard=1.0, speed=1.0):
    return script.write(STILLS, np.random.default_rng(seed), frames, picture, hard, speed)


# -- truth against pixels


def painted(plan, color):
    """The same script, with the object (and not the rest of its sprite) in one colour, unlit."""
    changed = []
    for sprite in (plan.star.sprite, plan.star.other):
        sprite = sprite.copy()
        if plan.part is None:
            sprite[..., :3] = color
        else:
            sprite[plan.part > 0, :3] = color
            sprite[..., 3] = 255  # a part is seen whether or not the outline has it
        changed.append(sprite)
    star = replace(plan.star, sprite=changed[0], other=changed[1], light=np.ones(len(plan)))
    return replace(plan, star=star)


def share(plan, t):
    """How much of each pixel is the object: the difference that its colour makes, 0 to 1."""
    black, white = (film.drawn(painted(plan, color), t)[0].astype(int) for color in (0, 255))
    return (white - black).mean(-1) / 255


@given(SEEDS, st.integers(0, 19))
@settings(max_examples=120)
def test_the_box_is_tight_around_the_pixels_that_the_object_changes(seed, t):
    plan = written(seed)
    _, box, _ = film.drawn(plan, t)
    alone = share(replace(plan, before=()), t)
    if not film.drawn(replace(plan, before=()), t)[2]:
        assert not (bx.sizes(bx.from_mask(alone >= 0.53)) >= film.THINNEST).all()
        return
    # at an edge where half a pixel is covered, 127 and 128 of 255 differ in a row of pixels
    low, high = bx.from_mask(alone >= 0.53), bx.from_mask(alone >= 0.47)
    assert (np.array(box[:2]) <= low[:2]).all()
    assert (np.array(box[:2]) >= high[:2]).all()
    assert (np.array(box[2:]) >= low[2:]).all()
    assert (np.array(box[2:]) <= high[2:]).all()


@given(SEEDS, st.integers(0, 19))
@settings(max_examples=120)
def test_visible_is_the_share_of_what_the_object_would_change(seed, t):
    plan = written(seed)
    _, box, seen = film.drawn(plan, t)
    alone, among = share(replace(plan, before=()), t), share(plan, t)
    own = alone >= 0.5
    if not film.drawn(replace(plan, before=()), t)[2]:
        assert seen == 0
        return
    counted = (among[own] >= 0.5 * alone[own]).mean()
    # edges fall on either side of one half, and two things may each cover less than half
    edge = (abs(among[own] / alone[own] - 0.5) < 0.03).mean()
    assert abs(counted - seen) <= edge + 0.04
    assert film.drawn(replace(plan, before=()), t)[1:] == (box, 1.0)


def test_truth_was_tried_on_hidden_objects_and_on_parts():
    plans = [written(seed) for seed in range(60)]
    assert sum(plan.part is not None for plan in plans) > 5
    hidden = sum(film.drawn(plan, 10)[2] < 0.7 for plan in plans)
    assert hidden > 5


def test_the_object_is_where_its_path_says():
    off = []
    for seed in range(80):
        plan = written(seed)
        plan = replace(plan, star=replace(plan.star, swings=None))
        x1, y1, x2, y2 = film.drawn(plan, 12)[1]
        middle, size = plan.aim.middles[12], plan.aim.sizes[12].max()
        if x1 > 0 and y1 > 0 and x2 < 192 and y2 < 192:
            off.append(np.hypot(*((x1 + x2) / 2, (y1 + y2) / 2) - middle) / size)
    assert len(off) > 50
    # outlines are not centred in their squares to the pixel; nothing is off by half a box
    assert np.median(off) < 0.06
    assert max(off) < 0.35


def test_an_object_that_covers_no_pixel_has_a_box_and_is_not_seen():
    plan = written(3)
    nothing = np.zeros_like(plan.star.sprite)
    plan = replace(plan, part=None, path=plan.aim)
    plan = replace(plan, star=replace(plan.star, sprite=nothing, other=nothing))
    _, box, seen = film.drawn(plan, 0)
    assert seen == 0
    width, height = plan.aim.sizes[0]
    np.testing.assert_allclose(bx.centers(np.float32([box]))[0], plan.aim.middles[0], atol=0.01)
    np.testing.assert_allclose(bx.sizes(np.float32([box]))[0], (width, height), atol=0.01)


def test_velocities_are_the_paths_from_one_frame_in_the_clip_to_the_next():
    only = [0, 3, 4, 19]
    made = moved.clip(STILLS, 20, seed=4, only=only)
    middles = written(4).aim.middles
    assert np.isnan(made.truth.velocities[0]).all()
    expected = np.diff(middles[only], axis=0)
    np.testing.assert_allclose(made.truth.velocities[1:, 0], expected, rtol=1e-5)


# -- what is promised


@given(
    SEEDS,
    st.integers(1, 60),
    st.integers(64, 240),
    st.floats(0, 2),
    st.floats(0, 10),
    st.data(),
)
@settings(max_examples=60)
def test_every_clip_keeps_its_promises(seed, frames, size, hard, speed, data):
    only = data.draw(st.sets(st.integers(0, frames - 1), min_size=1, max_size=3).map(sorted))
    made = moved.clip(STILLS, frames, seed=seed, size=size, hard=hard, speed=speed, only=only)
    assert made.frames.shape == (len(only), size, size, 3)
    assert made.frames.dtype == np.uint8
    box = made.truth.boxes
    assert box.shape == (len(only), 1, 4)
    assert box.dtype == np.float32
    assert np.isfinite(box).all()
    assert (box >= 0).all()
    assert (box <= size).all()
    assert (bx.sizes(box) >= film.THINNEST - 1e-3).all()
    seen = made.truth.visibility
    assert ((seen >= 0) & (seen <= 1)).all()
    assert np.isfinite(made.truth.velocities[1:]).all()
    assert made.truth.ids.tolist() == [1]


@given(SEEDS, st.integers(2, 30), st.data())
@settings(max_examples=25)
def test_a_frame_is_the_same_whichever_others_are_asked_for(seed, frames, data):
    only = data.draw(st.sets(st.integers(0, frames - 1), min_size=1, max_size=5).map(sorted))
    whole = moved.clip(STILLS, frames, seed=seed, size=96)
    some = moved.clip(STILLS, frames, seed=seed, size=96, only=only)
    np.testing.assert_array_equal(some.frames, whole.frames[only])
    np.testing.assert_array_equal(some.truth.boxes, whole.truth.boxes[only])
    np.testing.assert_array_equal(some.truth.visibility, whole.truth.visibility[only])


def test_the_same_seed_makes_the_same_clip_and_another_another():
    one, again, other = (moved.clip(STILLS, 4, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.frames, again.frames)
    np.testing.assert_array_equal(one.truth.boxes, again.truth.boxes)
    assert not np.array_equal(one.frames, other.frames)


def test_nobody_elses_randomness_is_used_and_nothing_is_changed():
    source = images()
    before, state = source.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    cv2.setRNGSeed(3)
    first = moved.clip(moved.Stills(source), 4, seed=1)
    cv2.setRNGSeed(4)
    again = moved.clip(moved.Stills(source), 4, seed=1)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(source, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_drawing_changes_nothing_in_a_script():
    for seed in range(8):
        plan = written(seed)
        before = pickle.dumps(plan)
        for t in (0, 9):
            plan.lens.develop(film.drawn(plan, t)[0], t)
        assert pickle.dumps(plan) == before


def test_without_hardness_nothing_stands_beside_or_before():
    for seed in range(25):
        plan = written(seed, hard=0)
        assert not plan.before
        assert len(plan.behind) <= 1  # a body
        assert film.drawn(plan, 5)[2] == 1
    assert all(moved.clip(STILLS, 3, seed=k, hard=0).truth.visibility.all() for k in range(5))


def test_hard_clips_hide_their_object_now_and_then():
    seen = np.concatenate(
        [moved.clip(STILLS, 20, seed=k, only=[4, 15]).truth.visibility[:, 0] for k in range(150)]
    )
    assert 0.04 < (seen < 0.5).mean() < 0.2
    assert 0.1 < (seen < 0.99).mean() < 0.45


def test_scripts_hold_what_they_say_as_often_as_they_say():
    plans = [written(seed) for seed in range(600)]
    found = {
        "parts": np.mean([plan.part is not None for plan in plans]),
        "changing": np.mean([plan.star.mixed.any() for plan in plans]),
        "rigid": np.mean([plan.star.swings is None for plan in plans]),
        "behind": np.mean([len(plan.behind) for plan in plans]),
        "before": np.mean([len(plan.before) for plan in plans]),
    }
    others = np.mean(script.OTHERS)
    wanted = {
        "parts": script.PARTS,
        "changing": actors.CHANGING,
        "rigid": 1 / len(actors.WOBBLE),
        "behind": others * (1 - script.IN_FRONT) + script.BODIES,
        "before": others * script.IN_FRONT + script.HIDING * 1.5,
    }
    spread = {"parts": 0.06, "changing": 0.08, "rigid": 0.07, "behind": 0.3, "before": 0.25}
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=spread[name]), name
    sizes = [np.sqrt(plan.aim.sizes[0].prod()) for plan in plans]
    assert min(sizes) >= script.OBJECT[0]
    assert max(sizes) <= script.OBJECT[1]
    assert np.median(sizes) == pytest.approx(np.sqrt(np.prod(script.OBJECT)), rel=0.08)


def test_everything_grows_with_the_picture():
    small, large = (moved.clip(STILLS, 30, seed=5, size=size, only=[0, 29]) for size in (96, 384))
    ratio = large.truth.boxes / small.truth.boxes
    np.testing.assert_allclose(ratio, 4, rtol=0.15)


def test_clips_are_clips_of_the_seeds_that_follow():
    made = list(moved.clips(STILLS, 3, seed=10, frames=5, size=64))
    assert [len(one) for one in made] == [5, 5, 5]
    np.testing.assert_array_equal(made[2].frames, moved.clip(STILLS, 5, seed=12, size=64).frames)
    assert list(moved.clips(STILLS, 0)) == []
    assert made[0].name == "stills, moved (seed 10)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frames", 0),
        ("frames", 2.5),
        ("frames", 10**9),
        ("seed", -1),
        ("seed", None),
        ("seed", np.random.default_rng(0)),
        ("size", 32),
        ("size", (192, 192)),
        ("size", 10**6),
        ("hard", -0.1),
        ("hard", 3),
        ("hard", np.nan),
        ("hard", True),
        ("speed", np.inf),
        ("speed", "fast"),
        ("only", []),
        ("only", [3, 3]),
        ("only", [5, 2]),
        ("only", [16]),
        ("only", [-1]),
        ("only", [0.5]),
        ("only", 3),
        ("only", "0"),
        ("stills", images()),
    ],
)
def test_bad_arguments_are_refused_by_name(name, value):
    arguments = {"stills": STILLS, "seed": 0, name: value}
    with pytest.raises(errors.InputError, match=rf"^{name}: "):
        moved.clip(**arguments)
    if name != "seed":
        with pytest.raises(errors.InputError, match=rf"^{name}: "):
            moved.clips(count=2, **arguments)


@pytest.mark.parametrize("count", [-1, 1.5, None])
def test_a_number_of_clips_that_is_none_is_refused(count):
    with pytest.raises(errors.InputError, match=r"^count: "):
        moved.clips(STILLS, count)


# -- still pictures


def coded(height, width):
    """An image whose pixels say where they are: red across, green down."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)


@given(st.integers(1, 64), st.integers(1, 140), SEEDS)
def test_a_picture_is_a_square_piece_of_an_image_or_its_mirror_image(height, width, seed):
    image = coded(height, width)
    for one in (image, image.transpose(1, 0, 2)[..., [1, 0, 2]].copy()):
        picture = moved.Stills([one]).picture(np.random.default_rng(seed))
        side = len(picture)
        assert picture.shape == (side, side, 3)
        shorter = min(one.shape[:2])
        assert min(shorter, 32) <= side <= shorter
        across, down = picture[0, :, 0].astype(int), picture[:, 0, 1].astype(int)
        assert (np.diff(down) == 1).all()
        assert len(set(np.diff(across).tolist()) | {1, -1}) == 2
        x, y = across.min(), down[0]
        piece = one[y : y + side, x : x + side]
        mirrored = side > 1 and across[1] < across[0]
        np.testing.assert_array_equal(picture, piece[:, ::-1] if mirrored else piece)


def test_small_square_images_serve_whole_in_both_directions():
    source, rng = images(3), np.random.default_rng(0)
    found = {moved.Stills(source).picture(rng).tobytes() for _ in range(200)}
    expected = {one.tobytes() for image in source for one in (image, image[:, ::-1].copy())}
    assert found == expected


def test_photographs_serve_by_details_and_nearly_whole():
    # a slope from 0 to 255: how much of it a piece shows is how much of the photograph it is
    slope = np.repeat(np.linspace(0, 255, 600)[None, :], 500, 0)
    source = moved.Stills([np.repeat(slope[..., None], 3, -1).astype(np.uint8)])
    rng = np.random.default_rng(0)
    parts = [np.ptp(source.picture(rng).astype(float)) / 255 for _ in range(300)]
    assert 0.15 < min(parts) < 0.3
    assert 0.7 < max(parts) < 0.9
    assert all(32 <= len(source.picture(rng)) <= 64 for _ in range(50))


def test_an_array_of_larger_images_is_one_of_photographs():
    source = moved.Stills(images(3, (96, 140)))
    assert len(source) == 3
    assert len({len(source.picture(np.random.default_rng(k))) for k in range(40)}) > 10
    assert len(moved.Stills(images(2, (40, 64)))) == 2


@pytest.mark.parametrize("sizes", [[(1, 1)], [(1, 1), (2, 300), (300, 2), (7, 5), (500, 400)]])
def test_images_of_any_size_make_clips(sizes):
    rng = np.random.default_rng(0)
    source = moved.Stills([rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes])
    for seed in range(15):
        made = moved.clip(source, 6, seed=seed, only=[0, 5])
        assert np.isfinite(made.truth.boxes).all()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        "cifar10",
        [],
        (),
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((3, 0, 32, 3), np.uint8),
        np.zeros((3, 32, 32), np.uint8),
        np.zeros((3, 32, 32, 4), np.uint8),
        np.zeros((3, 32, 32, 3)),
        np.zeros((32, 32, 3), np.uint8),
        [np.zeros((32, 32), np.uint8)],
        [np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 4), np.uint8)],
        [np.zeros((32, 32, 3), np.float32)],
        [np.zeros((0, 32, 3), np.uint8)],
        [None],
    ],
)
def test_what_are_no_stills_is_refused(bad):
    with pytest.raises(errors.InputError, match=r"^images"):
        moved.Stills(bad)


def test_stills_have_a_name_and_can_be_sent_to_another_process():
    source = moved.Stills(images(), name="mine")
    assert repr(source) == "mine: 12 still pictures"
    sent = pickle.loads(pickle.dumps(source))
    one, other = (moved.clip(s, 2, seed=0) for s in (source, sent))
    np.testing.assert_array_equal(one.frames, other.frames)
    assert one.name == "mine, moved (seed 0)"
    with pytest.raises(errors.InputError, match=r"^name: "):
        moved.Stills(images(), name=3)


def put(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, image)
    assert done
    path.write_bytes(data.tobytes())


@pytest.fixture
def photographs(tmp_path):
    """A folder of all that people keep in one: sizes, grey, transparent, tiny, in folders."""
    root = tmp_path / "album"
    put(root / "large.png", images(1, (300, 500))[0])
    put(root / "holiday" / "tall.jpg", images(1, (220, 90))[0])
    put(root / "holiday" / "beach" / "grey.png", images(1, (64, 64))[0, ..., 0])
    put(root / "clear.png", np.full((50, 60, 4), (10, 20, 30, 0), np.uint8))
    put(root / "tiny.png", images(1, (1, 1))[0])
    put(root / ".thumbnails" / "hidden.png", images(1)[0])
    (root / "notes.txt").write_text("no image")
    return root


def test_a_folder_of_photographs(photographs):
    source = moved.Stills.folder(photographs)
    assert repr(source) == "album: 5 still pictures"
    for seed in range(10):
        moved.clip(source, 3, seed=seed)
    rng = np.random.default_rng(0)
    seen = [source.picture(rng) for _ in range(200)]
    assert any((one == 255).all() for one in seen)  # transparent: on white paper
    assert any(len(one) == 1 for one in seen)
    grey = [one for one in seen if (np.ptp(one, -1) == 0).all() and np.ptp(one) > 20]
    assert grey
    assert len(moved.Stills.folder(photographs, most=2)) == 2


def test_of_a_set_that_is_divided_the_training_images_are_taken(tmp_path):
    for part, value in (("train", 200), ("test", 10)):
        for label in ("cat", "dog"):
            put(tmp_path / part / label / "a.png", np.full((32, 32, 3), value, np.uint8))
    source = moved.Stills.folder(tmp_path)
    assert len(source) == 2
    assert all((source.picture(np.random.default_rng(k)) == 200).all() for k in range(9))


def test_files_that_cannot_be_read_are_left_out_and_named(photographs):
    (photographs / "broken.jpg").write_bytes(b"\xff\xd8 no jpeg")
    with pytest.warns(UserWarning, match=r"album: left out 1 file .*broken\.jpg"):
        assert len(moved.Stills.folder(photographs)) == 5


def test_folders_without_images_are_refused(tmp_path):
    with pytest.raises(errors.SourceError, match="no such folder"):
        moved.Stills.folder(tmp_path / "nowhere")
    with pytest.raises(errors.SourceError, match="no image in it or"):
        moved.Stills.folder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(errors.SourceError, match="can be read"):
        moved.Stills.folder(tmp_path)
    with pytest.raises(errors.SourceError, match="a file, not a folder"):
        moved.Stills.folder(tmp_path / "a.png")
    with pytest.raises(errors.InputError, match=r"^most: "):
        moved.Stills.folder(tmp_path, most=0)


def test_cifar10_serves_with_its_training_images_alone(tmp_path, monkeypatch, capsys):
    for part, value in (("train", 200), ("test", 10)):
        for label in datasets.CIFAR_CLASSES:
            put(tmp_path / "set" / part / label / "a.png", np.full((32, 32, 3), value, np.uint8))
    monkeypatch.setenv("TRACKLAB_DATA", str(tmp_path / "set"))
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    source = moved.Stills.cifar10()
    assert repr(source) == "CIFAR-10: 10 still pictures"
    assert capsys.readouterr().out.startswith("CIFAR-10: 10 training")
    assert all((source.picture(np.random.default_rng(k)) == 200).all() for k in range(9))
    with pytest.raises(errors.InputError, match=r"^train: "):
        moved.Stills.cifar10(11)


def test_what_stands_in_for_cifar10_does_not_bear_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TRACKLAB_DATA", raising=False)
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TRACKLAB_OFFLINE", "1")
    source = moved.Stills.cifar10(20)
    assert repr(source) == "sprites: 20 still pictures"
    assert "stand in for CIFAR-10" in capsys.readouterr().out
    assert "CIFAR" not in moved.clip(source, 1, seed=0).name


# -- what clips are made of


@given(SEEDS, st.integers(1, 300))
def test_patterns_mix_two_colours(seed, side):
    made = pictures.pattern(np.random.default_rng(seed), side)
    assert made.shape == (side, side, 3)
    assert made.dtype == np.uint8
    flat = made.reshape(-1, 3).astype(float)
    middle = flat.mean(0)
    # all pixels lie on one line between two colours, to the rounding of each channel
    _, _, axes = np.linalg.svd(flat - middle, full_matrices=False)
    off = (flat - middle) - np.outer((flat - middle) @ axes[0], axes[0])
    assert abs(off).max() <= 1.8


@given(SEEDS)
def test_stripes_are_sines_of_a_slope(seed):
    share = pictures._stripes(np.random.default_rng(seed), 40) / 255
    rng = np.random.default_rng(seed)
    turn, phase = 2 * math.pi * rng.random(2)
    rate = 2 * math.pi * rng.uniform(*pictures.STRIPES)
    x, y = np.meshgrid(np.arange(40) / 40, np.arange(40) / 40)
    wave = np.sin(rate * (x * math.cos(turn) + y * math.sin(turn)) + phase)
    if rng.random() < pictures.HARD_STRIPES:
        sure = abs(wave) > 1e-4
        np.testing.assert_array_equal(share[sure], (wave > 0)[sure])
    else:
        np.testing.assert_allclose(share, 0.5 + 0.5 * wave, atol=0.004)


@given(SEEDS)
def test_outlines_cover_a_quarter_and_are_all_or_nothing(seed):
    mask = shapes.outline(np.random.default_rng(seed))
    assert mask.shape == (shapes.SIDE, shapes.SIDE)
    assert set(np.unique(mask)) <= {0, 255}
    assert (mask > 0).mean() >= shapes.LEAST


@given(SEEDS)
def test_sprites_are_an_outline_of_a_look(seed):
    made = actors.sprite(STILLS, np.random.default_rng(seed))
    assert made.shape == (shapes.SIDE, shapes.SIDE, 4)
    assert made.dtype == np.uint8
    tinted = actors.tinted(made, np.random.default_rng(seed), 0.3)
    np.testing.assert_array_equal(tinted[..., 3], made[..., 3])
    same = actors.tinted(made, np.random.default_rng(seed), 0.0)
    assert abs(same.astype(int) - made).max() <= 1


@given(SEEDS, st.integers(1, 300), st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=50)
def test_grounds_are_pictures_of_the_size_asked_for(seed, side, unit):
    made = grounds.ground(STILLS, np.random.default_rng(seed), side, unit)
    assert made.shape == (side, side, 3)
    assert made.dtype == np.uint8


def test_some_grounds_are_bare_and_some_are_full():
    edges = []
    for seed in range(60):
        made = grounds.ground(STILLS, np.random.default_rng(seed), 256, 1.0).astype(int)
        edges.append((abs(np.diff(made, axis=1)).max(-1) > 30).mean())
    assert np.quantile(edges, 0.1) < 0.005
    assert np.quantile(edges, 0.9) > 0.03


@given(SEEDS, st.integers(1, 60))
def test_an_actor_looks_the_same_whenever_asked(seed, frames):
    one = actors.actor(STILLS, np.random.default_rng(seed), frames)
    assert len(one.mixed) == len(one.phases) == len(one.light) == frames
    assert ((one.mixed >= 0) & (one.mixed <= 1)).all()
    assert one.light.min() >= actors.LIGHT[0]
    assert one.light.max() <= actors.LIGHT[1]
    last = frames - 1
    look = one.wobbled(one.look(last), last)
    assert look.shape == (shapes.SIDE, shapes.SIDE, 4)
    one.wobbled(one.look(0), 0)
    np.testing.assert_array_equal(one.wobbled(one.look(last), last), look)


@given(SEEDS, st.integers(1, 200), st.floats(0, 10))
def test_the_middle_of_an_object_stays_inside_the_walls(seed, frames, speed):
    path = paths.object_path(np.random.default_rng(seed), frames, 200, 30.0, speed)
    low, high = 200 * paths.WALLS[0], 200 * paths.WALLS[1]
    assert path.middles.shape == path.sizes.shape == (frames, 2)
    assert ((path.middles >= low - 1e-9) & (path.middles <= high + 1e-9)).all()
    side = np.sqrt(path.sizes.prod(1))
    assert side[0] == pytest.approx(30)
    assert (abs(np.log(side / 30)) <= paths.GROWTH_BOUND + 1e-9).all()
    aspect = np.log(path.sizes[:, 0] / path.sizes[:, 1])
    assert (aspect >= paths.ASPECT_BOUNDS[0] - paths.STRETCH_BOUND - 1e-9).all()
    assert (aspect <= paths.ASPECT_BOUNDS[1] + paths.STRETCH_BOUND + 1e-9).all()


def test_speed_is_measured_in_sizes_and_can_be_turned_up():
    def pace(size, speed):
        steps = [
            np.diff(
                paths.object_path(np.random.default_rng(k), 2, 10_000, size, speed).middles, axis=0
            )
            for k in range(200)
        ]
        return np.median(np.hypot(*np.concatenate(steps).T)) / size

    assert pace(20.0, 1.0) == pytest.approx(pace(40.0, 1.0), rel=0.01)
    assert pace(20.0, 4.0) > 3 * pace(20.0, 1.0)
    assert 0.03 < pace(20.0, 1.0) < 0.3


@given(SEEDS, st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_a_part_of_a_whole_goes_the_way_that_was_asked_for(seed, width, height):
    rng = np.random.default_rng(seed)
    aim = paths.object_path(rng, 12, 192, 25.0, 1.0)
    x, y = rng.random(2) * (1 - width, 1 - height)
    whole = aim.of_whole((x, y, x + width, y + height))
    np.testing.assert_allclose(whole.sizes * (width, height), aim.sizes)
    # the part's middle, as a complex number: turning is a product
    ahead = whole.sizes * (x + width / 2 - 0.5, y + height / 2 - 0.5)
    part = whole.middles @ (1, 1j) + np.exp(1j * whole.turns) * (ahead @ (1, 1j))
    np.testing.assert_allclose(part, aim.middles @ (1, 1j), atol=1e-8)


def test_ways_of_drawing():
    rng = np.random.default_rng(0)
    drawn = [chance.one_of(rng, (1, 1, 2)) for _ in range(3000)]
    assert np.mean(np.array(drawn) == 1) == pytest.approx(2 / 3, abs=0.03)
    sizes = np.array([chance.log_uniform(rng, 4, 64) for _ in range(3000)])
    assert sizes.min() >= 4
    assert sizes.max() <= 64
    assert (sizes < 16).mean() == pytest.approx(0.5, abs=0.03)
    walks = np.array([chance.walk(rng, 9, 0.5) for _ in range(2000)])
    np.testing.assert_allclose(walks.std(0), 0.5 * np.sqrt(np.arange(1, 10)), rtol=0.08)


# -- drawing


def test_a_sprite_at_its_own_size_is_drawn_as_it_is():
    sprite = np.random.default_rng(0).integers(0, 256, (48, 48, 4), np.uint8)
    place = drawing.Placed((50.0, 60.0), (48.0, 48.0), 0.0, 128)
    seen = place.resample(sprite)
    canvas = np.zeros((128, 128, 4), np.uint8)
    canvas[place.window] = seen
    np.testing.assert_array_equal(canvas[36:84, 26:74], sprite)
    assert canvas.astype(int).sum() == sprite.astype(int).sum()
    turned = drawing.Placed((50.0, 60.0), (48.0, 48.0), math.pi / 2, 128)
    canvas = np.zeros((128, 128, 4), np.uint8)
    canvas[turned.window] = turned.resample(sprite)
    np.testing.assert_array_equal(canvas[36:84, 26:74], np.rot90(sprite, -1))  # clockwise


@given(st.floats(2.5, 90), st.floats(2.5, 90), st.floats(-4, 4), st.floats(70, 130))
@settings(max_examples=60)
def test_a_square_covers_its_area_around_its_middle(width, height, turn, start):
    rows, columns = np.mgrid[:200, :200] + 0.5
    areas, off = [], []
    # edges lie between pixels now this way, now that way
    for x, y in start + np.mgrid[:8, :8].reshape(2, -1).T / 8:
        place = drawing.Placed((x, y), (width, height), turn, 200)
        cover = np.zeros((200, 200))
        cover[place.window] = place.resample(np.full((48, 48), 255, np.uint8)) / 255
        areas.append(cover.sum())
        off.append(((cover * (columns - x)).sum(), (cover * (rows - y)).sum()))
    assert np.mean(areas) == pytest.approx(width * height, rel=0.08)
    assert abs(np.sum(off, 0) / np.sum(areas)).max() < 0.12


@given(st.floats(-300, 500), st.floats(-300, 500), st.floats(1, 200), st.floats(-4, 4))
def test_what_lies_outside_is_nothing_and_what_sticks_out_is_cut(x, y, size, turn):
    place = drawing.Placed((x, y), (size, size), turn, 192)
    if not place:
        reach = size * 0.71 + 2
        assert not (reach < x < 192 - reach and reach < y < 192 - reach)
        return
    rows, columns = place.window
    assert 0 <= rows.start < rows.stop <= 192
    assert 0 <= columns.start < columns.stop <= 192
    seen = place.resample(np.full((48, 48, 4), 200, np.uint8))
    assert seen.shape == (rows.stop - rows.start, columns.stop - columns.start, 4)


@given(SEEDS)
def test_paint_lays_over(seed):
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (20, 30, 3), np.uint8)
    sprite = rng.integers(0, 256, (8, 9, 4), np.uint8)
    window = np.s_[5:13, 7:16]
    made = ground.copy()
    drawing.paint(made, window, drawing.multiplied(sprite))
    color, alpha = sprite[..., :3].astype(float), sprite[..., 3:] / 255
    expected = ground.astype(float)
    expected[window] = alpha * color + (1 - alpha) * expected[window]
    assert abs(made - expected).max() <= 1.01
    outside = np.ones((20, 30), bool)
    outside[window] = False
    np.testing.assert_array_equal(made[outside], ground[outside])


def test_no_dark_rim_around_a_sprite_on_a_ground_of_its_colour():
    frame = np.full((100, 100, 3), 180, np.uint8)
    sprite = drawing.multiplied(np.full((48, 48, 4), (180, 180, 180, 255), np.uint8))
    for size, turn in ((20.3, 0.4), (31.7, 1.0), (60.1, 2.2)):
        place = drawing.Placed((50.3, 49.8), (size, size), turn, 100)
        drawing.paint(frame, place.window, place.resample(sprite))
    assert abs(frame.astype(int) - 180).max() <= 2


def test_light_brightens_colours_and_leaves_alpha():
    sprite = np.random.default_rng(0).integers(0, 256, (48, 48, 4), np.uint8)
    made = drawing.lit(sprite, 1.5)
    np.testing.assert_allclose(made[..., :3], np.minimum(1.5 * sprite[..., :3], 255), atol=0.51)
    np.testing.assert_array_equal(made[..., 3], sprite[..., 3])


# -- the lens


@given(SEEDS, st.integers(1, 40), st.integers(64, 220))
@settings(max_examples=50)
def test_a_lens_makes_a_new_frame_and_the_same_one_again(seed, frames, side):
    made = lens.lens(np.random.default_rng(seed), frames, side, side / 192)
    frame = images(1, (side, side), seed)[0]
    before = frame.copy()
    first = made.develop(frame, frames - 1)
    assert first.shape == frame.shape
    assert first.dtype == np.uint8
    made.develop(frame, 0)
    np.testing.assert_array_equal(made.develop(frame, frames - 1), first)
    np.testing.assert_array_equal(frame, before)
    assert not np.shares_memory(first, frame)


def test_a_clear_lens_changes_nothing_and_each_fault_does_what_it_is_called():
    frame = images(1, (128, 128))[0]
    clear = lens.clear(3)
    np.testing.assert_array_equal(clear.develop(frame, 2), frame)
    bright = replace(clear, brightness=np.full(3, 1.4)).develop(frame, 0)
    np.testing.assert_allclose(bright, np.minimum(1.4 * frame, 255), atol=0.51)
    coarse = replace(clear, side=32).develop(frame, 0)
    cells = frame.reshape(32, 4, 32, 4, 3).mean((1, 3))
    assert abs(coarse.reshape(32, 4, 32, 4, 3).mean((1, 3)) - cells).mean() < 3
    grey = replace(clear, grey=True).develop(frame, 0)
    assert (np.ptp(grey, -1) == 0).all()
    packed = replace(clear, quality=30).develop(frame, 0)
    assert 0 < abs(packed.astype(int) - frame).mean() < 8
    film_ = replace(clear, film=np.arange(255, -1, -1, dtype=np.uint8)).develop(frame, 0)
    np.testing.assert_array_equal(film_, 255 - frame)


def test_a_shaken_camera_smears_a_point_along_a_line():
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[32, 32] = 255
    shaken = replace(lens.clear(40), smears=np.full(40, 4))
    for t in (0, 5, 11, 30):
        smear = shaken.develop(frame, t)[..., 0].astype(int)
        rows, columns = np.nonzero(smear)
        assert smear.sum() == pytest.approx(255, abs=10)
        assert max(np.ptp(rows), np.ptp(columns)) in (5, 6, 7, 8)
        turn = np.arctan2(*(np.ptp(rows), np.ptp(columns)))
        asked = lens.SHAKE_TURN * t
        assert abs(math.sin(turn)) == pytest.approx(abs(math.sin(asked)), abs=0.2)


@pytest.mark.parametrize("strength", [3, 8])
def test_noise_is_normal_and_of_the_strength_that_was_asked_for(strength):
    frame = np.full((192, 192, 3), 128, np.uint8)
    places = np.random.default_rng(0).integers(0, lens.NOISE_SPARE + 1, (2, 2))
    noisy = replace(lens.clear(2), noise=strength, places=places)
    first, second = (noisy.develop(frame, t).astype(float) - 127.5 for t in (0, 1))
    assert first.mean() == pytest.approx(0, abs=0.15)
    assert first.std() == pytest.approx(strength, rel=0.03)
    assert (abs(first) > 2 * strength).mean() == pytest.approx(0.0455, abs=0.012)
    assert abs((first * second).mean()) < 0.05 * strength**2
    dark = noisy.develop(np.zeros_like(frame), 0)
    assert dark.max() < 6 * strength  # nothing wraps around


def test_lenses_have_faults_as_often_as_they_say():
    made = [lens.lens(np.random.default_rng(k), 10, 192, 1.0) for k in range(1500)]
    shares = {
        "grey": (np.mean([one.grey for one in made]), lens.GREY),
        "compressed": (np.mean([one.quality > 0 for one in made]), lens.COMPRESSED),
        "coarse": (np.mean([one.side > 0 for one in made]), lens.COARSE),
        "noisy": (np.mean([one.noise > 0 for one in made]), 0.5),
        "shaken": (np.mean([one.smears.any() for one in made]), 0.5),
    }
    for name, (found, wanted) in shares.items():
        assert found == pytest.approx(wanted, abs=0.04), name
    for one in made:
        assert one.brightness.min() >= lens.BRIGHTNESS[0]
        assert one.brightness.max() <= lens.BRIGHTNESS[1]
        assert (np.diff(one.film.astype(int)) >= 0).all()
