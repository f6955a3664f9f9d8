"""The kernel explorer: nine numbers that change together, and pictures that show what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tracklab import convolution, errors, explorers, kernels
from tracklab.explorers import kernels as explorer

SOBEL = explorer.nine(kernels.KERNELS["Sobel x"])


@pytest.fixture
def made():
    return explorers.explore("kernel")


def fields_of(made):
    names, grid = made.children[1].children[0].children
    return names, grid.children


def test_a_known_kernel_fills_the_nine_fields_with_one_drawing(made):
    names, fields = fields_of(made)
    before = made.drawings
    names.value = "Laplacian"
    assert [field.value for field in fields] == [0, 1, 0, 1, -4, 1, 0, 1, 0]
    assert made.params["weights"] == (0, 1, 0, 1, -4, 1, 0, 1, 0)
    assert made.drawings == before + 1


def test_one_changed_number_makes_it_your_own_and_changing_it_back_does_not(made):
    names, fields = fields_of(made)
    assert names.value == "Sobel x"
    fields[4].value = 2.0
    assert names.value == "your own"
    assert made.params["weights"] == (*SOBEL[:4], 2.0, *SOBEL[5:])
    fields[4].value = 0.0
    assert names.value == "Sobel x"


def test_every_field_is_named_by_its_index(made):
    _, fields = fields_of(made)
    assert [f.description for f in fields][:4] == ["[0, 0]", "[0, 1]", "[0, 2]", "[1, 0]"]


@pytest.mark.parametrize("wrong", [(1.0,) * 8, "123456789", 3, (1.0,) * 8 + (99.0,), (np.nan,) * 9])
def test_what_is_not_nine_numbers_is_refused(made, wrong):
    with pytest.raises(errors.InputError, match="weights"):
        made.set(weights=wrong)
    assert made.params["weights"] == SOBEL


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_words_say_the_size(made, stride, padding):
    made.set(stride=stride, padding=padding)
    size = convolution.output_size(explorer.SIDE, 3, stride=stride, padding=padding)
    assert f"{size} rows and {size} columns" in made.caption
    assert made.numbers["rows"] == size


def test_kernels_that_cancel_are_shown_with_a_sign_and_blurs_as_pictures(made):
    assert "Flat areas give 0" in made.caption
    made.set(weights=explorer.nine(kernels.KERNELS["Gaussian blur"]))
    assert "picture again" in made.caption
    made.set(weights=(0.0,) * 9)
    assert made.caption == "All weights are 0, and so is every answer."


def test_normalise_makes_the_sum_one_where_there_is_one():
    image = explorer.picture("a drawing")
    ones, sobel = np.ones((3, 3), np.float32), kernels.KERNELS["Sobel x"]
    _, used = explorer.response(image, ones, normalise=True)
    assert used.sum() == pytest.approx(1)
    _, used = explorer.response(image, sobel, normalise=True)
    assert np.abs(used).sum() == pytest.approx(1)
    _, used = explorer.response(image, 0 * ones, normalise=True)
    assert not used.any()


def test_one_white_pixel_shows_the_kernel_turned():
    weights = np.arange(9, dtype=np.float32).reshape(3, 3)
    found, _ = explorer.response(explorer.picture(explorer.SPOT), weights)
    np.testing.assert_allclose(found[2:5, 2:5], weights[::-1, ::-1], rtol=1e-5)


def test_colours_are_even_about_zero_and_ordered():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]], np.float32)
    shades = explorer.colours(values, 1.0)[0]
    assert shades[0].tolist() == shades[1].tolist() == [45, 0, 75]
    assert shades[2].tolist() == [247, 247, 247]
    assert shades[3].tolist() == shades[4].tolist() == [127, 59, 8]
    flat = explorer.colours(np.zeros((2, 2), np.float32), 0.0)
    assert (flat == 247).all()


def test_an_unknown_picture_is_refused():
    with pytest.raises(errors.InputError, match="'a drawing'"):
        explorers.explore("kernel", image="a cat")
