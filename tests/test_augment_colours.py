"""Colours where they are: against Keras, TensorFlow, Pillow, OpenCV, and written out."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from tracklab import augment
from tracklab.augment import blur, colour, cutout, noise
from tracklab.quiet import keras, tf

ROUND = 0.05  # of 255: float32, and weights of grey and YIQ to four digits
ONE = 1  # of 255: two roundings


def images(count=4, size=(24, 30), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8)


def drawn(count=1, **known):
    nothing = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    return {name: np.full(count, value) for name, value in (nothing | known).items()}


def unrounded(pixels, **known):
    """Colours by the matrix, not cut."""
    floats = pixels.astype(np.float64)
    matrices = colour.colour_matrices(floats.mean((1, 2)), **drawn(len(pixels), **known))
    linear = np.einsum("nhwc,ndc->nhwd", floats, matrices[:, :, :3])
    return linear + matrices[:, None, None, :, 3]


class TestColour:
    @given(st.floats(-0.5, 0.5), st.floats(0, 2), st.floats(0, 2), st.floats(-0.5, 0.5))
    @settings(max_examples=40)
    def test_fast_is_by_hand(self, brightness, contrast, saturation, hue):
        known = drawn(4, brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
        pixels, transform = images(), augment.Colour()
        fast = transform.paint(pixels, known).astype(int)
        hand = colour.by_hand(pixels, transform.matrices(pixels, known))
        assert np.abs(fast - hand).max() <= ONE

    def test_brightness_is_that_of_keras_and_tensorflow(self):
        pixels = images().astype(np.float32)
        ours = unrounded(pixels, brightness=0.2)
        layer = keras.layers.RandomBrightness((0.2, 0.2))
        np.testing.assert_allclose(layer(pixels, training=True), np.clip(ours, 0, 255), atol=ROUND)
        theirs = tf.image.adjust_brightness(pixels, 0.2 * 255)
        np.testing.assert_allclose(theirs, ours, atol=ROUND)

    @pytest.mark.parametrize("factor", [0.0, 0.4, 1.7])
    def test_contrast_is_that_of_keras_and_tensorflow(self, factor):
        pixels = images().astype(np.float32)
        ours = unrounded(pixels, contrast=factor)
        np.testing.assert_allclose(tf.image.adjust_contrast(pixels, factor), ours, atol=ROUND)
        layer = keras.layers.RandomContrast(0.5)
        theirs = layer.transform_images(pixels, {"contrast_factor": np.float32(factor)})
        np.testing.assert_allclose(theirs, np.clip(ours, 0, 255), atol=ROUND)

    @pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
    def test_less_saturation_is_that_of_keras_and_pillow(self, factor):
        pixels = images()
        ours = unrounded(pixels, saturation=factor)
        layer = keras.layers.RandomColorDegeneration((1 - factor, 1 - factor))
        theirs = layer(pixels.astype(np.float32), training=True)
        np.testing.assert_allclose(theirs, ours, atol=ROUND)
        for pixel, wanted in zip(pixels, ours, strict=True):
            pillow = ImageEnhance.Color(Image.fromarray(pixel)).enhance(factor)
            assert np.abs(np.asarray(pillow) - np.clip(wanted, 0, 255)).max() <= ONE + 1

    @pytest.mark.parametrize("turns", [-0.5, -0.1, 0.25])
    def test_hue_turns_in_yiq(self, turns):
        pixels = images().astype(np.float32)
        yiq = tf.image.rgb_to_yiq(pixels / 255).numpy()
        complex_colour = (yiq[..., 1] + 1j * yiq[..., 2]) * np.exp(2j * np.pi * turns)
        turned = np.stack([yiq[..., 0], complex_colour.real, complex_colour.imag], -1)
        theirs = tf.image.yiq_to_rgb(turned.astype(np.float32)).numpy() * 255
        np.testing.assert_allclose(unrounded(pixels, hue=turns), theirs, atol=ROUND)

    def test_hue_is_not_that_of_hsv_and_keeps_how_bright_a_colour_looks(self):
        pixels = np.float32([[[[200, 40, 40]]]])
        ours = unrounded(pixels, hue=0.25)
        theirs = tf.image.adjust_hue(pixels / 255, 0.25).numpy() * 255
        assert ours @ colour.GREY == pytest.approx(pixels @ colour.GREY, abs=0.1)
        assert abs(theirs @ colour.GREY - pixels @ colour.GREY) > 20

    @given(st.integers(0, 255), st.floats(0, 3), st.floats(-0.5, 0.5))
    @settings(max_examples=30)
    def test_grey_stays_grey(self, level, saturation, hue):
        grey = np.full((1, 4, 4, 3), level, np.uint8)
        same = augment.Colour().paint(grey, drawn(saturation=saturation, hue=hue))
        assert np.abs(same.astype(int) - level).max() <= ONE

    def test_without_a_change_nothing_changes(self):
        pixels = images()
        still = augment.Colour(0, 0, 0, 0)
        np.testing.assert_array_equal(still.images(pixels), pixels)
        np.testing.assert_array_equal(augment.Colour(contrast=0.5, p=0).images(pixels), pixels)


class TestBlur:
    @pytest.mark.parametrize("deviation", [0.3, 0.8, 1.5, 3.0])
    def test_fast_is_by_hand_and_opencv_on_floats(self, deviation):
        pixels = images(2, (40, 40))
        fast = augment.Blur((deviation, deviation)).images(pixels)
        taps = 2 * blur.reach(deviation) + 1
        for pixel, found in zip(pixels, fast, strict=True):
            assert np.abs(found.astype(int) - blur.by_hand(pixel, deviation)).max() <= ONE
            theirs = cv2.GaussianBlur(pixel.astype(np.float64), (taps, taps), deviation)
            assert np.abs(blur.by_hand(pixel, deviation) - theirs).max() <= 0.5 + 1e-6

    def test_is_that_of_keras_away_from_the_edge(self):
        """Keras puts zeros beyond the edge, so its pictures get a dark rim."""
        pixels = images(2, (40, 40)).astype(np.float32)
        theirs = keras.ops.image.gaussian_blur(pixels, (7, 7), (1.0, 1.0))
        ours = np.stack([blur.by_hand(pixel, 1.0) for pixel in pixels])
        inside = np.s_[:, 3:-3, 3:-3]
        assert np.abs(np.asarray(theirs) - ours)[inside].max() <= 0.5 + ROUND

    @given(st.floats(0.05, 20))
    def test_weights_add_up_to_one(self, deviation):
        weights = blur.bell(deviation)
        opencv = cv2.getGaussianKernel(2 * blur.reach(deviation) + 1, deviation)[:, 0]
        np.testing.assert_allclose(weights, opencv, atol=1e-9)
        assert weights.sum() == pytest.approx(1)
        np.testing.assert_allclose(weights, weights[::-1])


class TestNoise:
    def test_is_normal_and_as_strong_as_it_says(self):
        grey = np.full((4, 200, 200, 3), 128, np.uint8)
        added = augment.Noise((10, 10)).images(grey, 3).astype(float) - 128
        assert added.std((1, 2, 3)) == pytest.approx(np.full(4, 10), rel=0.02)
        assert np.abs(added.mean((1, 2, 3))).max() < 0.15
        within = (np.abs(added) <= 10).mean()  # of rounded numbers, so 10.5 deviations
        assert within == pytest.approx(0.7063, abs=0.01)
        near = (added[:, :, 1:] * added[:, :, :-1]).mean() / 100
        assert abs(near) < 0.02
        apart = np.corrcoef(added.reshape(4, -1))
        assert np.abs(apart - np.eye(4)).max() < 0.02

    def test_is_what_it_says_pixel_by_pixel(self):
        pixels, transform = images(3), augment.Noise((5, 40))
        known = transform.draw(np.random.default_rng(0), 3, (24, 30))
        fast = transform.paint(pixels, known, frame=2)
        for pixel, found, deviation, place in zip(
            pixels, fast, known["deviation"], known["place"], strict=True
        ):
            grain = noise.grains(int(place) + 2 * noise.STRIDE, pixel.shape)
            hand = np.clip(np.rint(pixel + deviation * grain.astype(float)), 0, 255)
            assert np.abs(found - hand).max() <= ONE

    def test_of_images_larger_than_the_store(self):
        grain = noise.grains(123, (700, 900, 3))
        assert grain.std() == pytest.approx(1, abs=0.01)
        assert grain.base is not None

    def test_none_is_none(self):
        pixels = images()
        np.testing.assert_array_equal(augment.Noise((0, 0)).images(pixels), pixels)


class TestCutout:
    @given(st.integers(0, 300))
    @settings(max_examples=30)
    def test_only_the_hole_changes(self, seed):
        pixels, transform = images(5), augment.Cutout((0.2, 0.7), fill=9)
        known = transform.draw(np.random.default_rng(seed), 5, (24, 30))
        done = transform.paint(pixels, known)
        for pixel, found, (x1, y1, x2, y2) in zip(pixels, done, known["hole"], strict=True):
            assert 0 <= x1 <= x2 <= 30
            assert 0 <= y1 <= y2 <= 24
            wanted = pixel.copy()
            wanted[y1:y2, x1:x2] = 9
            np.testing.assert_array_equal(found, wanted)

    def test_boxes_stay(self):
        boxes = np.float32([[[2, 3, 12, 13]]] * 4)
        _, same, labels = augment.Cutout((0.9, 0.9)).boxed(images(), boxes, [[5]] * 4, 1)
        np.testing.assert_array_equal(same, boxes)
        assert labels.tolist() == [[5]] * 4

    def test_sides_are_as_they_say(self):
        holes = augment.Cutout((0.5, 0.5)).draw(np.random.default_rng(0), 400, (40, 60))["hole"]
        sides = holes[:, 2:] - holes[:, :2]
        whole = (holes[:, :2] > 0).all(1) & (holes[:, 2:] < [60, 40]).all(1)
        assert (sides[whole] == [30, 20]).all()
        assert whole.any()
        assert cutout.GREY == 128
