"""Figures: what they show is what they were given, in one look, with words, and nothing leaks."""

import base64
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors, plots
from tracklab.plots import base, charts

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 256, (40, 60, 3), np.uint8)


def lines(fig):
    return fig.axes[0].get_lines()


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


EXAMPLES = {
    "curves": lambda: plots.curves({"a": (range(5), [3, 2, 2, 1, 1])}, title="a falls"),
    "bars": lambda: plots.bars({"a": 1.0, "b": 2.0}, title="b is more", xlabel="length (m)"),
    "confusion": lambda: plots.confusion([[5, 1], [0, 4]], ["x", "y"], title="x is mistaken"),
    "reliability": lambda: plots.reliability(
        {"m": ([0.2, 0.9, 0.8], [False, True, True])}, title="m is fair"
    ),
    "images": lambda: plots.images([FRAME, FRAME], ["one", "two"], title="Two", right=[1, 0]),
    "paths": lambda: plots.paths(FRAME, {"p": [[1, 2], [30, 20]]}, title="p goes down"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_finding_words_and_a_small_file(name):
    fig = EXAMPLES[name]()
    png = plots.figure_to_png(fig)
    picture = plots.decode(png)
    assert len(png) < 150_000
    assert picture.shape[1] <= 720
    assert picture.std() > 5
    assert fig.alt
    assert fig.get_suptitle()
    for ax in fig.axes:
        if ax.axison:
            assert ax.get_xlabel()
            assert ax.get_ylabel() or name == "bars"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_figure_has_the_same_pixels(name):
    first, again = EXAMPLES[name](), EXAMPLES[name]()
    np.testing.assert_array_equal(plots.figure_to_rgb(first), plots.figure_to_rgb(again))


def test_nothing_leaks_into_matplotlib():
    before = dict(mpl.rcParams)
    for make in EXAMPLES.values():
        plots.figure_to_png(make())
    assert dict(mpl.rcParams) == before
    pyplot = __import__("matplotlib.pyplot", fromlist=["pyplot"])
    assert pyplot.get_fignums() == []


def test_a_learners_own_style_does_not_change_a_figure():
    plain = plots.figure_to_rgb(EXAMPLES["curves"]())
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 20, "lines.linewidth": 9}):
        styled = plots.figure_to_rgb(EXAMPLES["curves"]())
    np.testing.assert_array_equal(plain, styled)


def test_colours_can_be_told_apart_and_read_on_white():
    def luminance(color):
        rgb = np.array(mpl.colors.to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]  # WCAG 2.2, relative luminance

    for color in plots.COLORS[:4]:
        assert 1.05 / (luminance(color) + 0.05) >= 2.7, color
    assert len(set(plots.COLORS)) == len(plots.COLORS)


class TestDisplay:
    def test_shows_one_png_and_its_words(self, monkeypatch):
        shown = []

        def publish(data, metadata=None, raw=False):
            shown.append((data, metadata))

        monkeypatch.setattr("IPython.display.display", publish)
        fig = EXAMPLES["bars"]()
        plots.display(fig, alt="b < a & more")
        (picture, metadata), (words, _) = shown
        assert plots.decode(base64.b64decode(picture["image/png"])).shape[2] == 3
        assert picture["text/plain"] == metadata["image/png"]["alt"] == "b < a & more"
        assert "b &lt; a &amp; more" in words["text/html"]
        shown.clear()
        fig._ipython_display_()
        assert shown[0][0]["text/plain"] == "b is more"

    def test_a_figure_without_words_is_refused(self):
        fig, _ = plots.figure()
        with pytest.raises(errors.InputError, match="in words"):
            plots.display(fig)


class TestCodes:
    def test_png_loses_nothing(self):
        for effort in (0, 1, 9):
            np.testing.assert_array_equal(plots.decode(plots.encode_png(FRAME, effort)), FRAME)

    def test_jpeg_keeps_red_red(self):
        picture = np.full((32, 32, 3), 255, np.uint8)
        picture[16] = (213, 94, 0)
        back = plots.decode(plots.encode_jpeg(picture)).astype(int)
        assert np.abs(back - picture).max() < 40
        assert np.abs(back[16] - picture[16]).mean() < 12

    @pytest.mark.parametrize(
        ("function", "value"),
        [
            (plots.encode_jpeg, FRAME[..., 0]),
            (plots.encode_png, FRAME / 255),
            (plots.encode_png, np.zeros((0, 4, 3), np.uint8)),
            (plots.decode, b""),
            (plots.decode, b"no picture"),
        ],
    )
    def test_bad_input(self, function, value):
        with pytest.raises(errors.InputError, match="wanted"):
            function(value)

    def test_qualities_out_of_range(self):
        with pytest.raises(errors.InputError):
            plots.encode_jpeg(FRAME, 101)
        with pytest.raises(errors.InputError):
            plots.encode_png(FRAME, 10)

    def test_a_figure_becomes_its_pixels(self):
        fig, _ = plots.figure(title="x", width=4, height=2)
        assert plots.figure_to_rgb(fig).shape == (200, 400, 3)


class TestCurves:
    def test_draws_what_it_was_given_and_names_it_at_its_end(self):
        fig = plots.curves(
            {"up": ([1, 2, 3], [1, 4, 9]), "flat": ([1, 2], [2, 2])}, title="up rises"
        )
        np.testing.assert_array_equal(lines(fig)[0].get_ydata(), [1, 4, 9])
        assert texts(fig) == ["flat", "up"]  # lowest first
        assert {t.get_color() for t in fig.axes[0].texts} == set(plots.COLORS[:2])

    def test_takes_tables_and_leaves_out_what_is_not_there(self):
        table = {"cpu_seconds": [1, 2, 3], "val_loss": [np.nan, 5.0, np.nan], "loss": [3, 2, 1]}
        fig = plots.curves({"run": table}, "cpu_seconds", ("loss", "val_loss"), title="t")
        np.testing.assert_array_equal(lines(fig)[1].get_xdata(), [2])
        assert fig.axes[0].get_xlabel() == "CPU time (s)"
        assert "run, validation loss" in texts(fig)

    def test_repetitions_are_a_mean_in_a_band(self):
        fig = plots.curves({"r": ([0, 1], [[0, 2], [4, 6]])}, title="t")
        np.testing.assert_array_equal(lines(fig)[0].get_ydata(), [2, 4])
        band = fig.axes[0].collections[0].get_paths()[0].vertices
        assert (band[:, 1].min(), band[:, 1].max()) == (0, 6)

    def test_few_values_are_never_smoothed(self):
        many, few = np.arange(100.0), np.arange(5.0)
        fig = plots.curves({"m": (many, many), "f": (few, few)}, title="t", smooth=10)
        smoothed = [line for line in lines(fig) if line.get_alpha() is None]
        np.testing.assert_allclose(smoothed[0].get_ydata()[-1], np.mean(many[-10:]))
        np.testing.assert_array_equal(smoothed[1].get_ydata(), few)

    def test_thins_long_runs_but_keeps_both_ends(self):
        n = np.arange(100_000.0)
        drawn = lines(plots.curves({"n": (n, n)}, title="t"))[0].get_xdata()
        assert len(drawn) <= charts.MANY
        assert (drawn[0], drawn[-1]) == (0, 99_999)

    @pytest.mark.parametrize(
        "runs", [{}, {"a": ([1, 2], [1])}, {"a": ([1.0], [np.nan])}, {"a": ([[1]], [1])}]
    )
    def test_bad_input(self, runs):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.curves(runs, title="t")

    @given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.integers(1, 40))
    def test_moving_average_is_the_mean_of_the_last(self, values, width):
        expected = [np.mean(values[max(0, t - width + 1) : t + 1]) for t in range(len(values))]
        np.testing.assert_allclose(plots.moving_average(values, width), expected, atol=1e-8)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9).map(sorted), st.floats(0.001, 0.3))
def test_spread_keeps_order_and_distance_and_moves_no_more_than_needed(heights, gap):
    out = plots.spread(heights, gap)
    assert len(out) == len(heights)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(out))
    assert abs(np.mean(out) - np.mean(heights)) < 1e-9  # piles stay centred on their members
    if all(b - a >= gap for a, b in pairwise(heights)):
        np.testing.assert_allclose(out, heights)


class TestBars:
    def test_dots_below_zero_are_not_cut(self):
        fig = plots.bars({"a": [-3.0, -2.0], "b": [1.0, 2.0]}, title="t", xlabel="x (s)")
        assert fig.axes[0].get_xlim()[0] < -3.1

    def test_lengths_are_means_and_seeds_are_dots(self):
        fig = plots.bars({"a": [1, 3], "b": 5}, title="t", xlabel="x (s)", reference=("base", 4))
        assert [bar.get_width() for bar in fig.axes[0].patches] == [2, 5]
        np.testing.assert_array_equal(lines(fig)[0].get_xdata(), [1, 3])
        assert texts(fig) == ["2", "5"]
        assert "base" in fig.axes[0].get_title(loc="left")

    @pytest.mark.parametrize(
        ("values", "options"),
        [({}, {}), ({"a": np.nan}, {}), ({"a": []}, {}), ({"a": 1}, {"highlight": "b"})],
    )
    def test_bad_input(self, values, options):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.bars(values, title="t", xlabel="x", **options)


class TestConfusion:
    def test_percent_of_each_row_and_the_worst_in_words(self):
        fig = plots.confusion([[3, 1], [0, 0]], ["cat", "dog"], title="Cats are mistaken.")
        assert texts(fig)[:2] == ["75", "25"]
        assert "cat taken for dog 25 %" in fig.alt
        assert "No mistakes" in plots.confusion(np.eye(2), ["a", "b"], title="t").alt

    @pytest.mark.parametrize(
        ("matrix", "names"),
        [([[1, 2]], ["a"]), ([[1, -1], [0, 1]], ["a", "b"]), (np.eye(2), ["a"]), ([], [])],
    )
    def test_bad_input(self, matrix, names):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.confusion(matrix, names, title="t")


class TestCalibration:
    def test_equals_the_definition_bin_by_bin(self):
        p, hit = RNG.random(500), RNG.random(500) < 0.5
        mean, accuracy, count, error = plots.calibration(p, hit, 10)
        total = 0.0
        for k in range(10):
            inside = (p >= k / 10) & (p < (k + 1) / 10)
            assert count[k] == inside.sum()
            np.testing.assert_allclose(mean[k], p[inside].mean())
            np.testing.assert_allclose(accuracy[k], hit[inside].mean())
            total += inside.mean() * abs(p[inside].mean() - hit[inside].mean())
        np.testing.assert_allclose(error, total)

    def test_certain_and_right_has_no_error(self):
        mean, accuracy, count, error = plots.calibration([1.0, 1.0], [True, True])
        assert error == 0
        assert count[-1] == 2
        assert np.isnan(mean[:-1]).all()
        assert accuracy[-1] == 1

    @pytest.mark.parametrize(
        ("p", "hit"), [([], []), ([1.1], [True]), ([0.5], [True, False]), ([0.5], [3])]
    )
    def test_bad_input(self, p, hit):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.calibration(p, hit)


class TestImages:
    @pytest.mark.parametrize(
        "image",
        [FRAME, FRAME[..., 0], FRAME[..., :1], FRAME > 127, (FRAME / 255.0), FRAME[..., 0] / 255.0],
    )
    def test_any_usual_kind_becomes_rgb(self, image):
        rgb = plots.as_rgb(image)
        assert rgb.shape == (40, 60, 3)
        assert rgb.dtype == np.uint8

    def test_floats_keep_their_value(self):
        np.testing.assert_array_equal(plots.as_rgb(FRAME / 255.0), FRAME)

    @pytest.mark.parametrize(
        ("images", "options"),
        [
            ([], {}),
            ([FRAME, FRAME[:20]], {}),
            ([FRAME], {"titles": ["a", "b"]}),
            ([FRAME.astype(int)], {}),
            ([FRAME * 1.0], {}),
            ([FRAME[..., :2]], {}),
            ([FRAME], {"columns": 0}),
        ],
    )
    def test_bad_input(self, images, options):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.images(images, title="t", **options)

    def test_right_and_wrong_differ_without_colour(self):
        fig = plots.images([FRAME, FRAME], ["x", "y"], title="t", right=[True, False])
        said = texts(fig)
        assert said[0][0] != said[1][0]
        assert len({line.get_linestyle() for line in lines(fig)}) == 2

    def test_fifty_images_are_one_axes(self):
        assert len(plots.images([FRAME] * 50, title="t").axes) == 1


class TestPaths:
    def test_boxes_are_drawn_by_their_centres(self):
        fig = plots.paths(FRAME, {"b": [[0, 0, 10, 20], [10, 0, 20, 20]]}, title="t")
        np.testing.assert_array_equal(lines(fig)[0].get_xydata(), [[5, 10], [15, 10]])

    def test_a_path_that_is_never_there(self):
        plots.figure_to_png(plots.paths(FRAME, {"gone": np.full((4, 2), np.nan)}, title="t"))

    @pytest.mark.parametrize("path", [np.zeros((3, 3)), np.zeros(4), np.zeros((2, 2, 2))])
    def test_bad_input(self, path):
        with pytest.raises(errors.InputError, match="wanted"):
            plots.paths(FRAME, {"p": path}, title="t")


def test_long_titles_take_more_lines():
    fig, _ = plots.figure(title="word " * 60)
    assert fig.get_suptitle().count("\n") >= 2
    assert max(map(len, fig.get_suptitle().split("\n"))) * base.PIXELS_A_LETTER <= 700
