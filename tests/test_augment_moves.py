"""Places: matrices, the sampler written out, and the fast way, against Keras, OpenCV and tf."""

import doctest
import importlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import augment, errors
from tracklab.augment import geometry, sampler
from tracklab.quiet import keras, tf

HEIGHT, WIDTH = 40, 52
SIZE = (HEIGHT, WIDTH)
BORDERS = {"edge": "nearest", "mirror": "reflect", "constant": "constant"}
ROUND = 1e-3  # of 255: float32 against float64
FIXED = 1  # of 255: OpenCV mixes pixels in fixed point, and both round
STEPS = 9  # of 255, on pure noise: OpenCV looks between pixels in steps of 1/32

degrees = st.floats(-360, 360)
factors = st.floats(0.3, 3)
pixels = st.floats(-60, 60)


def noise(count=3, size=SIZE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8)


def smooth(count=3, size=SIZE, seed=0):
    return np.stack([cv2.GaussianBlur(image, (9, 9), 3) for image in noise(count, size, seed)])


def sampled(images, matrices, border="edge", fill=0):
    pairs = zip(images, np.broadcast_to(matrices, (len(images), 3, 3)), strict=True)
    return np.stack([augment.sample(i, m, border=border, fill=fill) for i, m in pairs])


def middle(matrices):
    return geometry.about(matrices, WIDTH / 2, HEIGHT / 2)


class TestMatrices:
    @given(degrees, factors, factors, pixels, pixels, st.floats(-0.9, 0.9))
    def test_one_after_the_other_is_the_product(self, turn, across, down, right, below, lean):
        first = geometry.rotation(turn) @ geometry.shear(lean)
        second = geometry.translation(right, below) @ geometry.scaling(across, down)
        places = np.random.default_rng(0).uniform(-20, 80, (7, 2))
        both = geometry.points(second @ first, places)
        np.testing.assert_allclose(
            both, geometry.points(second, geometry.points(first, places)), atol=2e-3
        )

    @given(degrees, factors, pixels, st.floats(-0.9, 0.9))
    def test_velocities_are_what_moved_places_do(self, turn, scale, right, lean):
        move = geometry.translation(right, 3) @ geometry.rotation(turn) @ geometry.shear(lean)
        move = move @ geometry.scaling(scale, 1)
        path = np.cumsum(np.random.default_rng(1).normal(0, 3, (9, 2)), 0)
        moved = geometry.points(move, path)[0]
        speeds = geometry.velocities(move, np.diff(path, axis=0))[0]
        np.testing.assert_allclose(speeds, np.diff(moved, axis=0), atol=1e-3)

    @given(degrees, factors, pixels, st.floats(-0.9, 0.9))
    def test_back_is_back(self, turn, scale, right, lean):
        move = geometry.translation(right, 3) @ geometry.rotation(turn) @ geometry.shear(lean)
        move = move @ geometry.scaling(scale, 1 / scale)
        np.testing.assert_allclose(geometry.inverse(move), np.linalg.inv(move), atol=1e-9)

    def test_rotation_is_that_of_opencv(self):
        ours = geometry.about(geometry.rotation(33.0), 7, 9)[0, :2]
        np.testing.assert_allclose(ours, cv2.getRotationMatrix2D((7, 9), 33.0, 1), atol=1e-12)

    def test_a_mirror_is_its_own_inverse(self):
        for mirror in (geometry.mirror(width=9), geometry.mirror(height=7)):
            np.testing.assert_array_equal(mirror @ mirror, geometry.nothing(1))

    @given(degrees, st.floats(-0.9, 0.9), factors)
    def test_the_box_of_a_moved_ellipse_is_tight(self, turn, lean, scale):
        move = geometry.rotation(turn) @ geometry.shear(lean) @ geometry.scaling(scale, 1)
        box = np.float32([[[3, 5, 31, 17]]])
        angle = np.linspace(0, 2 * np.pi, 20_001)
        rim = np.stack([17 + 14 * np.cos(angle), 11 + 6 * np.sin(angle)], -1)
        around = geometry.around(geometry.points(move, rim))[0]
        np.testing.assert_allclose(geometry.ellipses(move, box)[0, 0], around, atol=2e-3)
        loose = geometry.boxes(move, box)[0, 0]
        assert (loose[:2] <= around[:2] + 1e-3).all()
        assert (loose[2:] >= around[2:] - 1e-3).all()


class TestSamplerIsKeras:
    """Keras' layers on float images, to float32 rounding: borders included."""

    @pytest.mark.parametrize("border", BORDERS)
    def test_rotation(self, border):
        images = noise().astype(np.float32)
        layer = keras.layers.RandomRotation(
            (20 / 360, 20 / 360), fill_mode=BORDERS[border], fill_value=0
        )
        ours = sampled(images, middle(geometry.rotation(20.0)), border)
        np.testing.assert_allclose(layer(images, training=True), ours, atol=10 * ROUND)

    @pytest.mark.parametrize("border", BORDERS)
    def test_translation(self, border):
        images = noise().astype(np.float32)
        layer = keras.layers.RandomTranslation((0.1, 0.1), (0.07, 0.07), BORDERS[border])
        ours = sampled(images, geometry.translation(0.07 * WIDTH, 0.1 * HEIGHT), border)
        np.testing.assert_allclose(layer(images, training=True), ours, atol=10 * ROUND)

    @pytest.mark.parametrize("border", BORDERS)
    def test_scale(self, border):
        images = noise().astype(np.float32)
        # a zoom of 20 % is one out, to 1 / 1.2
        layer = keras.layers.RandomZoom((0.2, 0.2), (-0.1, -0.1), BORDERS[border])
        ours = sampled(images, middle(geometry.scaling(1 / 0.9, 1 / 1.2)), border)
        np.testing.assert_allclose(layer(images, training=True), ours, atol=10 * ROUND)

    @pytest.mark.parametrize("border", BORDERS)
    def test_shear(self, border):
        images = noise(6).astype(np.float32)
        layer = keras.layers.RandomShear((0.2, 0.2), 0.0, fill_mode=BORDERS[border])
        theirs = np.asarray(layer(images, training=True))
        # about the middle of the first pixel, one way or the other, drawn for each image
        ways = [
            sampled(images, geometry.about(geometry.shear(lean), 0.5, 0.5), border)
            for lean in (0.2, -0.2)
        ]
        off = [np.abs(theirs - way).max((1, 2, 3)) for way in ways]
        np.testing.assert_allclose(np.min(off, 0), 0, atol=10 * ROUND)

    def test_a_part_stretched_is_tf_image_resize(self):
        images = noise()
        part = images[:, 5:25, 10:40]
        theirs = tf.image.resize(part, SIZE).numpy()
        stretched = np.stack(
            [
                augment.sample(i, geometry.scaling(WIDTH / 30, HEIGHT / 20)[0], SIZE, border="edge")
                for i in part
            ]
        )
        np.testing.assert_allclose(stretched, theirs, atol=10 * ROUND)


TURNS = {
    "rotation": augment.Rotation(40),
    "rotation, mirrored": augment.Rotation(40, border="mirror"),
    "rotation, edge": augment.Rotation(40, border="edge", fill=0),
    "affine": augment.Affine(shear=0.3, shear_down=0.1, scale=(0.5, 2)),
    "affine, mirrored": augment.Affine(border="mirror", move=0.4),
}


class TestFastIsByHand:
    @pytest.mark.parametrize("name", TURNS)
    @pytest.mark.parametrize("seed", range(3))
    def test_warps(self, name, seed):
        move = TURNS[name].moves(np.random.default_rng(seed), 5, SIZE)
        for images, off in ((smooth(5), FIXED), (noise(5), STEPS)):
            ours = sampler.rounded(sampled(images, move.matrices, move.border, move.fill))
            assert np.abs(move.warp(images).astype(int) - ours).max() <= off

    @pytest.mark.parametrize("axis", ["horizontal", "vertical", "both"])
    def test_flips_are_exact(self, axis):
        move = augment.Flip(axis).moves(np.random.default_rng(0), 9, SIZE)
        images = noise(9)
        np.testing.assert_array_equal(move.warp(images), sampled(images, move.matrices))

    def test_flips_are_tf_image(self):
        images = noise()
        theirs = {
            "horizontal": tf.image.flip_left_right(images),
            "vertical": tf.image.flip_up_down(images),
            "both": tf.image.rot90(images, 2),
        }
        for axis, wanted in theirs.items():
            np.testing.assert_array_equal(augment.Flip(axis, p=1).images(images), wanted)

    def test_shifts_by_whole_pixels_are_exact(self):
        images, steps = noise(4), np.array([[0, 0], [3, -5], [-40, 2], [1, 60]])
        matrices = geometry.translation(steps[:, 1], steps[:, 0])
        moved, _ = augment.shifted(images, np.zeros((4, 1, 4), np.float32), steps)
        np.testing.assert_array_equal(moved, sampled(images, matrices))
        for border in BORDERS:
            fast = augment.warp(images, matrices, SIZE, border=border, fill=7)
            np.testing.assert_array_equal(fast, sampled(images, matrices, border, 7))

    def test_one_matrix_is_for_all_and_another_number_is_refused(self):
        images, turn = noise(3), middle(geometry.rotation(30))
        each = augment.warp(images, np.repeat(turn, 3, 0), SIZE)
        np.testing.assert_array_equal(augment.warp(images, turn, SIZE), each)
        for wrong in (np.repeat(turn, 2, 0), turn[0], np.zeros((0, 3, 3))):
            with pytest.raises(errors.InputError, match=r"matrices.*\(3, 3, 3\) or \(1, 3, 3\)"):
                augment.warp(images, wrong, SIZE)

    @pytest.mark.parametrize("size", [SIZE, (20, 30), (64, 48)])
    def test_crops(self, size):
        crop, rng = augment.Crop((0.2, 1.0), size=size), np.random.default_rng(0)
        images = noise(20)
        move = crop.moves(rng, 20, SIZE)
        fast = move.warp(images)
        assert fast.shape == (20, *size, 3)
        for image, matrix, found in zip(images, move.matrices, fast, strict=True):
            low = np.rint(-matrix[:2, 2] / matrix[[0, 1], [0, 1]]).astype(int)
            sides = np.rint(np.array(size[::-1]) / matrix[[0, 1], [0, 1]]).astype(int)
            part = image[low[1] : low[1] + sides[1], low[0] : low[0] + sides[0]]
            stretch = geometry.scaling(*(np.array(size[::-1]) / sides))[0]
            ours = augment.sample(part, stretch, size, border="edge")
            assert np.abs(found - ours).max() <= FIXED

    def test_crop_and_resize_of_tensorflow_at_its_own_corners(self):
        """It samples from corner to corner: its box, in half pixels, is our part."""
        images, (y1, x1, y2, x2) = noise(1), (5, 10, 25, 40)
        target = np.array([33, 44])
        stretch = geometry.scaling(44 / (x2 - x1), 33 / (y2 - y1))
        ours = augment.warp(images, stretch @ geometry.translation(-x1, -y1), (33, 44))
        step = np.array([y2 - y1, x2 - x1]) / target
        low = (np.array([y1, x1]) + step / 2 - 0.5) / (np.array(SIZE) - 1)
        length = step * (target - 1) / (np.array(SIZE) - 1)
        theirs = tf.image.crop_and_resize(
            images.astype(np.float32), [[*low, *(low + length)]], [0], target
        ).numpy()
        inside = np.s_[:, 2:-2, 2:-2]  # ours mixes nothing from beside the part into its edge
        assert np.abs(ours.astype(float) - theirs)[inside].max() <= FIXED

    def test_a_quarter_turn_moves_pixels_onto_pixels(self):
        images = noise(2, (24, 24))
        turned = augment.Rotation((90, 90)).images(images)
        np.testing.assert_array_equal(turned, np.rot90(images, 1, (1, 2)))
        np.testing.assert_array_equal(turned, tf.image.rot90(images, 1))

    @settings(max_examples=20)
    @given(st.integers(0, 1000))
    def test_whole_moves_copy_pixels_and_mix_none(self, seed):
        images, reach = noise(3), 9
        rng, again = (np.random.default_rng(seed) for _ in range(2))
        shift = augment.Affine(0, 0, (1, 1), 0.17, whole=True, border="mirror")
        moves = shift.moves(again, 3, SIZE).matrices
        wide = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), "symmetric")
        for ours, beyond, move in zip(shift.images(images, rng), wide, moves, strict=True):
            right, below = move[:2, 2].astype(int)
            assert (move[:2, 2] == (right, below)).all()
            window = beyond[reach - below :, reach - right :][:HEIGHT, :WIDTH]
            np.testing.assert_array_equal(ours, window)

    def test_what_moves_nothing_copies(self):
        images = noise()
        for still in (
            augment.Rotation(0),
            augment.Crop((1, 1), (1, 1)),
            augment.Affine(0, 0, (1, 1), 0),
            augment.Flip(p=0),
            augment.Pipeline(),
        ):
            kept = still.images(images)
            np.testing.assert_array_equal(kept, images)
            if still.__class__ is not augment.Pipeline:
                assert not np.shares_memory(kept, images)


@pytest.mark.parametrize("border", ["constant", "edge", "mirror"])
@given(st.integers(-150, 150))
def test_beyond_the_border_is_what_opencv_has_there(border, steps):
    image = noise(1)[0]
    kinds = {"constant": 0, "edge": cv2.BORDER_REPLICATE, "mirror": cv2.BORDER_REFLECT}
    wide = cv2.copyMakeBorder(image, 200, 200, 200, 200, kinds[border], value=(9, 9, 9))
    ours = augment.sample(image, geometry.translation(steps, -steps)[0], border=border, fill=9)
    window = wide[200 + steps :, 200 - steps :][:HEIGHT, :WIDTH]
    np.testing.assert_array_equal(ours, window)


@settings(max_examples=30)
@given(st.integers(0, 1000))
def test_joined_moves_draw_the_same_and_look_alike(seed):
    steps = (augment.Flip(), augment.Rotation(20), augment.Affine(move=0.05))
    images = smooth(4, (64, 64))
    joined = augment.Pipeline(*steps).images(images, seed).astype(int)
    apart = augment.Pipeline(*steps, joined=False).images(images, seed).astype(int)
    # mixed twice is duller than mixed once; and what was turned out of view may come back
    inside = np.s_[:, 22:42, 22:42]
    assert np.abs(joined - apart)[inside].mean() < 2


def test_moves_of_other_borders_are_not_joined():
    grey, mirrored = augment.Rotation(30), augment.Rotation(30, border="mirror")
    rng = np.random.default_rng(0)
    one, other = (step.moves(rng, 2, SIZE) for step in (grey, mirrored))
    assert not one.goes_with(other)
    flip = augment.Flip().moves(rng, 2, SIZE)
    assert flip.goes_with(one)
    assert one.goes_with(flip)
    assert one.then(flip).border == flip.then(one).border == "constant"
    images = noise(2)
    twice = augment.Pipeline(grey, mirrored).images(images, 5)
    step = augment.Pipeline(grey, mirrored, joined=False).images(images, 5)
    np.testing.assert_array_equal(twice, step)


def test_the_same_generator_gives_the_same_and_input_stays():
    images, recipe = noise(6), augment.Pipeline(augment.Flip(), augment.Affine(), augment.Noise())
    kept = images.copy()
    first = recipe.images(images, np.random.default_rng([3, 7, 1]))
    again = recipe.images(images, np.random.default_rng([3, 7, 1]))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(images, kept)
    assert (first != recipe.images(images, 4)).any()


@pytest.mark.parametrize("transform", [augment.Flip, augment.Rotation, augment.Crop, augment.Blur])
def test_the_chance_is_the_share_of_images(transform):
    images = noise(1, (16, 16)).repeat(2000, 0)
    changed = transform(p=0.3).images(images, 0)
    share = (changed != images).any((1, 2, 3)).mean()
    assert share == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("name", ["flip", "geometry", "labels", "pipeline", "transform"])
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"tracklab.augment.{name}")
    failed, tried = doctest.testmod(module)
    assert tried
    assert not failed


class TestBadInput:
    @pytest.mark.parametrize(
        "images",
        [
            np.zeros((0, 8, 8, 3), np.uint8),
            np.zeros((2, 0, 8, 3), np.uint8),
            np.zeros((2, 8, 8), np.uint8),
            np.zeros((2, 8, 8, 1), np.uint8),
            np.zeros((2, 8, 8, 4), np.uint8),
            np.zeros((8, 8, 3), np.uint8),
            np.zeros((2, 8, 8, 3), np.float32),
            None,
            "image.png",
        ],
    )
    def test_images(self, images):
        for recipe in (augment.Flip(), augment.Pipeline(augment.Blur())):
            with pytest.raises(errors.InputError, match="images"):
                recipe.images(images)

    @pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, "half", None, True])
    @pytest.mark.parametrize("transform", [augment.Flip, augment.Crop, augment.Noise])
    def test_chances(self, transform, p):
        with pytest.raises(errors.InputError, match="p:"):
            transform(p=p)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: augment.Flip("sideways"),
            lambda: augment.Rotation(-5),
            lambda: augment.Rotation((10, -10)),
            lambda: augment.Rotation((1, 2, 3)),
            lambda: augment.Rotation(border="wrap"),
            lambda: augment.Rotation(fill=300),
            lambda: augment.Rotation(kept=1.5),
            lambda: augment.Rotation(around="outline"),
            lambda: augment.Affine(scale=(0, 1)),
            lambda: augment.Affine(scale=1.2),
            lambda: augment.Affine(shear=2.0),
            lambda: augment.Affine(move="far"),
            lambda: augment.Affine(whole=1),
            lambda: augment.Crop((0.5, 1.5)),
            lambda: augment.Crop((0, 1)),
            lambda: augment.Crop(size=(10,)),
            lambda: augment.Crop(size=(0, 10)),
            lambda: augment.Crop(size=(1.5, 10)),
            lambda: augment.Colour(contrast=-0.1),
            lambda: augment.Colour(hue=0.7),
            lambda: augment.Blur((0, 1)),
            lambda: augment.Noise((-1, 2)),
            lambda: augment.Cutout((0.2, 1.2)),
            lambda: augment.Cutout(fill="grey"),
            lambda: augment.Mixup(0),
            lambda: augment.CutMix(classes=0),
            lambda: augment.Mosaic((0.6, 0.4)),
            lambda: augment.Pipeline(augment.Flip),
            lambda: augment.Pipeline([augment.Flip()]),
        ],
    )
    def test_settings(self, make):
        with pytest.raises(errors.InputError):
            make()

    @pytest.mark.parametrize("rng", [None, -1, 1.5, "seed", True, np.random])
    def test_generators(self, rng):
        with pytest.raises(errors.InputError, match="rng"):
            augment.Flip().images(noise(), rng)

    def test_borders(self):
        with pytest.raises(errors.InputError, match="border"):
            augment.sample(noise()[0], np.eye(3), border="wrap")
        with pytest.raises(errors.InputError, match="border"):
            augment.warp(noise(), geometry.nothing(3), SIZE, border="wrap")

    def test_matrices_without_an_inverse(self):
        flat = geometry.shear(0.2) @ geometry.scaling(1, 0)
        with pytest.raises(errors.InputError, match="inverse"):
            augment.warp(noise(1), flat, SIZE)
