"""Figures of windows and kernels: they draw as many bars, dots and numbers as there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracklab import convolution, errors, plots
from tracklab.plots import convolutions as figures


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2))
@settings(max_examples=15, deadline=None)
def test_places_draws_one_bar_an_output(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    wanted = convolution.output_size(size, kernel, stride=stride, padding=padding)
    ax = figures.places(size, kernel, stride=stride, padding=padding, title="Places").axes[0]
    assert len(ax.lines) == min(wanted, figures.MOST_PLACES)
    starts = [line.get_xdata()[0] for line in ax.lines]
    assert np.allclose(starts, 0.5 + stride * np.arange(len(starts)))
    assert len(ax.patches) == size + 2 * padding


def test_places_hatches_what_no_window_sees():
    ax = figures.places(8, 3, stride=2, padding=1).axes[0]
    assert [bool(cell.get_hatch()) for cell in ax.patches] == [False] * 9 + [True]


def test_places_stops_after_a_while_and_says_so():
    ax = figures.places(40, 3).axes[0]
    assert "and 24 more" in [text.get_text() for text in ax.texts]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_cone_draws_as_many_inputs_as_are_seen(layers):
    reach = convolution.receptive_field(layers).size
    assume(reach <= 60 and all(kernel >= stride for kernel, stride in layers))
    ax = figures.cone(layers, title="Cone").axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(dots) == len(layers) + 1
    assert len(dots[0].get_xdata()) == reach
    assert len(dots[-1].get_xdata()) == 1
    assert f"input: {reach} pixels" in [text.get_text() for text in ax.texts]


def test_numbers_are_all_written_and_unknown_ones_are_question_marks():
    fig = figures.numbers([[[1, -2.5]], [np.nan, -0.0]], ["a", "b"], title="Numbers", alt="Four.")
    written = [[text.get_text() for text in ax.texts] for ax in fig.axes]
    assert written == [["1", "-2.5"], ["?", "0"]]
    assert fig.alt == "Four."
    assert plots.figure_to_rgb(fig).shape[2] == 3


def test_a_window_is_framed_where_it_is():
    fig = figures.numbers([np.zeros((4, 5))], ["a"], windows={0: (1, 2, 3, 2)})
    (frame,) = fig.axes[0].patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((1.5, 0.5), 2, 3)


def test_responses_share_one_scale_that_is_even_about_zero():
    fig = figures.responses(
        [np.zeros((3, 4, 3), np.uint8), np.full((3, 4), -2.0), np.full((3, 4), 0.5)],
        ["frame", "one", "two"],
        signed=(1, 2),
        boxes={0: [[0, 0, 2, 2]]},
        points={1: [[1, 1]]},
    )
    limits = [ax.images[0].get_clim() for ax in fig.axes[1:3]]
    assert limits == [(-2.0, 2.0), (-2.0, 2.0)]
    assert len(fig.axes[0].patches) == 2  # a rim and a line
    assert len(fig.axes[1].lines) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: figures.numbers([np.zeros((2, 2))], ["a", "b"]),
        lambda: figures.numbers([np.zeros((2, 2, 2))], ["a"]),
        lambda: figures.responses([], []),
        lambda: figures.responses([np.zeros(3)], ["a"]),
        lambda: figures.responses([np.zeros((3, 3))], []),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(errors.InputError, match=r"grids|images|titles"):
        call()
