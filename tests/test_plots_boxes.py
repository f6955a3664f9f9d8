"""Figures about boxes: what is asked for is drawn, and what cannot be drawn is refused by name."""

import numpy as np
import pytest

from tracklab.errors import InputError
from tracklab.exercises.lesson_03 import average_precision
from tracklab.plots import boxes as figures
from tracklab.plots import figure_to_rgb

BOXES = np.array([[10, 10, 40, 30], [np.nan] * 4, [0, 0, 200, 200]], np.float32)


def test_panels_draw_each_layer_over_its_picture_and_name_it_once():
    dark = np.zeros((60, 80, 3), np.uint8)
    layer = figures.Layer(BOXES, "found", texts=("a", "b", "c"))
    bare = figures.panels([dark, (60, 80)], [[], []], ["x", "y"], title="T", alt="A")
    fig = figures.panels([dark, (60, 80)], [[layer], [layer]], ["x", "y"], title="T", alt="A")
    assert fig.alt == "A"
    (ax,) = fig.axes
    # two frames of pictures, and two boxes over each: the absent one is left out
    assert len(ax.patches) == 2 + 2 * 2
    assert len(bare.axes[0].patches) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["found"]
    assert (figure_to_rgb(fig) != 255).any()


@pytest.mark.parametrize(
    ("grounds", "layers", "titles"),
    [([], [], []), ([(4, 4)], [[], []], ["a"]), ([(4, 4), (5, 4)], [[], []], ["a", "b"])],
)
def test_panels_that_do_not_go_together_are_refused(grounds, layers, titles):
    with pytest.raises(InputError, match="grounds"):
        figures.panels(grounds, layers, titles, title="T", alt="A")


@pytest.mark.parametrize("hits", ["+", "-", "+-+", "--++-", "+" * 30])
def test_the_shaded_area_is_the_average_precision(hits):
    correct = np.array([sign == "+" for sign in hits])
    objects = max(1, int(correct.sum()) + 1)
    fig = figures.ranked(correct, objects, title="T")
    vertices = fig.axes[1].collections[0].get_paths()[0].vertices
    x, y = vertices.T
    shaded = abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2
    assert shaded == pytest.approx(average_precision(correct, objects), abs=1e-9)
    assert f"{shaded:.3f}" in fig.alt
