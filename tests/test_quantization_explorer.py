"""The quantization explorer: its weights lie on the grid, its answers are the network's own."""

import re

import numpy as np
import pytest

from tracklab import compress, errors, explorers, plots
from tracklab.compress import pruning
from tracklab.explorers import quantization as explorer
from tracklab.models import classifier


@pytest.fixture(scope="module")
def parts():
    images = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
    model = compress.folded(classifier.improved(images, widths=(4, 6, 8), seed=0))
    return model, images


@pytest.fixture(scope="module")
def network(parts):
    return explorer.Network(
        compress.folded(classifier.improved(parts[1], widths=(4, 6, 8))), parts[1]
    )


@pytest.fixture
def made(parts):
    return explorers.explore("quantization", model=parts[0], images=parts[1])


def test_kernels_lie_on_their_grids(network):
    for bits in (2, 4, 8):
        left = network.left(bits, False, 0)
        for before, after in zip(network.kernels, left.kernels, strict=True):
            assert len(np.unique(after)) <= 2**bits - 1
            step = np.abs(before).max() / (2 ** (bits - 1) - 1)
            assert np.abs(after - before).max() <= step / 2 * (1 + 1e-5)


def test_what_is_cut_is_what_pruning_cuts(network):
    left = network.left(8, True, 60)
    masks = pruning.masks(network.kernels, 0.6)
    for kernel, mask in zip(left.kernels, masks, strict=True):
        assert not kernel[~mask].any()


def test_eight_bits_keep_more_than_two_and_answers_come_back(network):
    much = network.left(8, True, 0).agreement
    little = network.left(2, False, 90).agreement
    assert much > little
    # asked again, in another order, it says the same
    assert network._left(8, True, 0).agreement == much
    assert network._left(2, False, 90).agreement == little


def test_the_model_that_was_given_is_left_alone(parts):
    model, images = parts
    before = [v.numpy() for v in model.variables]
    made = explorers.explore("quantization", model=model, images=images)
    made.set(bits=2, share=90)
    assert made.error is None
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.variables, strict=True))


def test_words_say_what_numbers_say(made):
    made.set(bits=3, each=False, share=50, layer=made.controls["layer"].options[1])
    same, count = map(int, re.search(r"(\d+) of (\d+) answers", made.caption).groups())
    drawing = made.draw(**made.params)
    assert drawing.numbers["answers that stay"] == f"{same} of {count}"
    assert count == 24
    assert drawing.numbers["weights at 0 (%)"] >= 50
    assert "3 bits, one scale for a kernel, 50 %" in made.caption
    assert drawing.numbers["KB in 3 bits"] < drawing.numbers["KB in float32"] / 9
    assert plots.decode(made.picture).shape == (explorer.TALL, explorer.WIDE, 3)


def test_fewer_bits_are_further_off(made):
    off = []
    for bits in (8, 6, 4, 2):
        made.set(bits=bits)
        off.append(made.draw(**made.params).numbers["off by (% of the spread)"])
    assert off == sorted(off)


def test_bad_input(parts):
    model, images = parts
    with pytest.raises(errors.InputError, match="images"):
        explorers.explore("quantization", model=model, images=images[:0])
    with pytest.raises(errors.InputError, match="model"):
        explorers.explore("quantization", model=classifier.article(), images=images)
