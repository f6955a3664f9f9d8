"""What every figure must be: a finding, words, axes that say what they show, and a small file."""

import numpy as np

from tracklab import plots


def check(make, *, largest=150_000):
    """`make()` gives the same figure each time; `largest`: bytes of its PNG."""
    fig = make()
    png = plots.figure_to_png(fig)
    picture = plots.decode(png)
    assert len(png) < largest
    assert picture.shape[1] <= 720
    assert picture.std() > 5
    assert fig.get_suptitle()
    assert len(fig.alt) > len(fig.get_suptitle())
    assert ".." not in fig.alt
    for ax in fig.axes:
        assert ax.get_xlabel() or not ax.axison
    np.testing.assert_array_equal(picture, plots.figure_to_rgb(make()))
    return fig
