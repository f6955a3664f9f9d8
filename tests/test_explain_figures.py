"""Figures of explanations: what is drawn is what was given, and words say the same."""

import numpy as np
import pictured
import pytest

from tracklab import errors, explain
from tracklab.plots import explain as figures

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (2, 24, 24, 3), np.uint8)
MASK = np.zeros((24, 24), bool)
MASK[4:12, 6:14] = True
HEATS = [{"grad-cam": MASK * 1.0, "edges": 1.0 - MASK} for _ in IMAGES]
TABLE = {
    name: {one: RNG.uniform(0.2, 0.8, 9) for one in figures.MEASURES}
    for name in ("grad-cam", "occlusion", "edges")
}
TABLE["the mask itself"] = {one: [0.5, 0.1] for one in figures.MEASURES} | {
    "similarity": [None, None]
}
CURVE = explain.Removal(np.linspace(0, 1, 5), np.array([1, 0.6, 0.3, 0.2, 0.1]))
READ = {
    "velocity": {"state": [0.5, 0.6], "inputs": [0.8, 0.82]},
    "coming change": {"state": 0.4, "inputs": 0.1},
}

EXAMPLES = {
    "attributions": lambda: figures.attributions(
        IMAGES, HEATS, title="One points", masks=[MASK, None], names=["a star", ""]
    ),
    "methods_judged": lambda: figures.methods_judged(TABLE, title="They differ"),
    "forgetting": lambda: figures.forgetting(
        {"grad-cam": [1, 0.3, 0.0], "edges": [1, 1, 1]}, title="Edges stay"
    ),
    "removals": lambda: figures.removals({"grad-cam": CURVE}, title="It falls"),
    "read_out": lambda: figures.read_out(READ, title="The inputs knew"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    pictured.check(EXAMPLES[name])


def test_words_tell_which_methods_point_at_the_object():
    alt = EXAMPLES["attributions"]().alt
    assert "a star: highest on the object by grad-cam." in alt
    assert "image 2" not in alt


def test_means_have_two_standard_errors_and_what_is_unknown_has_none():
    fig = EXAMPLES["methods_judged"]()
    ax = fig.axes[0]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    values = TABLE["grad-cam"]["pointing"]
    off = 2 * values.std(ddof=1) / 3
    np.testing.assert_allclose(
        lines[0].get_xdata(), [values.mean() - off, values.mean() + off], rtol=1e-6
    )
    assert len(lines) == 4
    assert len([line for line in fig.axes[-1].lines if len(line.get_xdata()) == 2]) == 3
    best = max(("grad-cam", "occlusion"), key=lambda name: TABLE[name]["energy"].mean())
    assert f"energy {best}" in fig.alt


def test_a_map_glows_where_it_is_high_and_has_a_cross_at_its_highest():
    heat = np.zeros((24, 24))
    heat[18:22, 2:6] = 1
    heat[20, 4] = 2
    grey = np.full((24, 24, 3), 90, np.uint8)
    lit = figures.glowing(grey, heat, 240).astype(int)
    assert lit[190, 50].sum() > lit[60, 200].sum() + 200
    assert (lit[205, 45] == figures.HIGHEST).all()
    assert np.ptp(lit[:100], axis=(0, 1)).max() <= 2  # the rest is one grey
    marked = figures.glowing(grey, heat * 0, 240, mask=MASK)
    assert (figures.glowing(grey, heat * 0, 240) != marked).any()


def test_a_narrow_image_keeps_its_shape():
    wide = figures.square(np.zeros((10, 20, 3), np.uint8), 100)
    assert (wide[:50] == 0).all()
    assert (wide[50:] == 255).all()


def test_tiles_of_kernels_share_one_scale():
    kernels = np.zeros((2, 2, 3, 2))
    kernels[..., 0], kernels[0, 0, 0, 1] = 2, -1
    one, other = figures.kernel_tiles(kernels)
    assert (one == 255).all()
    assert other[0, 0, 0] == 64
    assert other[1, 1, 1] == 128


def test_bars_are_the_means_and_dots_the_repeats():
    fig = EXAMPLES["read_out"]()
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.55", "0.81"]
    assert "velocity from state 0.55, inputs 0.81" in fig.alt


def test_what_cannot_be_drawn_is_refused():
    for wrong, named in (
        (lambda: figures.attributions(IMAGES, HEATS[:1], title="t"), "images and heats"),
        (lambda: figures.attributions([], [], title="t"), "images and heats"),
        (lambda: figures.attributions(IMAGES, [HEATS[0], {"a": MASK}], title="t"), "heats"),
        (lambda: figures.attributions(IMAGES, HEATS, title="t", names=["a"]), "names"),
        (lambda: figures.glowing(IMAGES[0], np.ones((3, 3)), 50), "heat"),
        (lambda: figures.glowing(IMAGES[0], -np.ones((24, 24)), 50), "heat"),
        (lambda: figures.methods_judged({}, title="t"), "table"),
        (lambda: figures.methods_judged({"a": {}}, title="t"), "table"),
        (lambda: figures.methods_judged(TABLE, title="t", measures=["beauty"]), "measure"),
        (lambda: figures.read_out({}, title="t"), "table"),
        (lambda: figures.kernel_tiles(np.ones((3, 3, 1, 4))), "kernels"),
        (lambda: figures.removals({}, title="t"), "runs"),
    ):
        with pytest.raises(errors.InputError, match=named):
            wrong()
