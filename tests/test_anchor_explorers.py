"""Anchors and proposals without a browser: what the explorers draw is what they count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, explorers, plots
from tracklab.explorers import anchors as explorer

START = {
    "size": 24,
    "count": 2,
    "shapes": "square, wide, tall",
    "stride": "8",
    "positive": 0.7,
    "negative": 0.3,
    "low_quality": True,
    "chosen": explorer.EVERY,
    "seed": explorer.FIRST_SCENE,
}


def drawn(**settings):
    return explorer.draw(**START | settings)


class TestAnchors:
    def test_begins_as_the_tests_do(self):
        made = explorers.explore("anchors")
        assert made.error is None
        assert made.params == START

    @pytest.mark.parametrize("chosen", [explorer.EVERY, "A", "F"])
    @pytest.mark.parametrize("low_quality", [False, True])
    def test_all_ends_together(self, chosen, low_quality):
        ends = itertools.product(
            (8, 64),
            (1, 3),
            ("square", "five, from 1:3 to 3:1"),
            ("4", "32"),
            (0.3, 0.9),
            (0.0, 0.7),
        )
        for size, count, shapes, stride, positive, negative in ends:
            found = drawn(
                size=size,
                count=count,
                shapes=shapes,
                stride=stride,
                positive=positive,
                negative=negative,
                chosen=chosen,
                low_quality=low_quality,
            )
            numbers = found.numbers
            assert found.picture.shape == (408, 716, 3)
            assert found.picture.dtype == np.uint8
            kinds = numbers["positive"] + numbers["ignored"] + numbers["negative"]
            assert kinds == numbers["anchors"]
            shapes_at_a_place = count * len(explorer.SHAPES[shapes])
            assert numbers["anchors"] == (128 // int(stride)) ** 2 * shapes_at_a_place
            assert f"{numbers['positive']} positive" in found.caption

    def test_small_objects_get_no_anchor_without_the_rule_and_one_with_it(self):
        without = drawn(low_quality=False)
        assert without.numbers["objects without a positive"] == 2
        assert "Without a positive anchor: A, B." in without.caption
        rule = drawn()
        assert rule.numbers["objects without a positive"] == 0
        assert "Every object has a positive anchor" in rule.caption
        assert rule.numbers["positive"] > without.numbers["positive"]

    def test_a_finer_grid_and_sizes_that_fit_raise_the_best_overlap(self):
        overlaps = [drawn(stride=stride).numbers["mean best IoU"] for stride in ("32", "16", "8")]
        assert overlaps == sorted(overlaps)
        assert overlaps[0] < overlaps[-1] - 0.1
        small = drawn(low_quality=False, stride="4", size=8, count=3, positive=0.5)
        assert "A" not in small.caption.split("Without")[-1].split(".")[0]

    def test_counts_are_those_of_the_match(self):
        shown = explorer.scene(3)
        grid = bx.anchor_grid(128, 128, stride=8, sizes=(24, 48), ratios=(0.5, 1, 2))
        found = bx.match(grid, shown.truth, positive=0.6, negative=0.2)
        numbers = drawn(seed=3, positive=0.6, negative=0.2).numbers
        assert numbers["positive"] == (found >= 0).sum()
        assert numbers["ignored"] == (found == bx.IGNORED).sum()
        best = bx.iou(grid, shown.truth).max(0)
        assert numbers["mean best IoU"] == pytest.approx(best.mean(), abs=1e-6)

    def test_letters_go_from_the_smallest_object_to_the_largest(self):
        for seed in range(20):
            shown = explorer.scene(seed)
            assert (np.diff(bx.area(shown.truth)) >= 0).all()
            assert len(shown.names) == len(explorer.OBJECTS)

    def test_one_object_is_told_by_its_kind_and_size(self):
        found = drawn(chosen="D")
        shown = explorer.scene(explorer.FIRST_SCENE)
        width, height = bx.sizes(shown.truth[3])
        assert f"D, a {shown.names[3]} of {width:.0f} by {height:.0f} pixels" in found.caption
        assert not np.array_equal(found.picture, drawn().picture)

    def test_thresholds_that_cross_are_said_to_be_one(self):
        crossed = drawn(positive=0.4, negative=0.6)
        assert "0.40 is taken for both" in crossed.caption
        assert crossed.numbers["ignored"] == 0
        assert "taken for both" not in drawn(positive=0.6, negative=0.6).caption

    def test_the_heading_fits_above_the_frame(self):
        assert explorer._long("99999 anchors: 9999 positive, 9999 ignored, 99999") < explorer.ROOM

    def test_begins_where_it_is_told(self):
        made = explorers.explore("anchors", seed=4, stride="16", low_quality=False)
        assert (made.params["seed"], made.params["stride"]) == (4, "16")
        assert "16" not in explorers.explore("anchors").params["stride"]
        assert plots.decode(made.picture).shape == (408, 716, 3)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"stride": "7"}, "'8'"),
            ({"size": 4}, "from 8 to 64"),
            ({"size": 24.5}, "whole"),
            ({"positive": float("nan")}, "positive"),
            ({"chosen": "Z"}, "'A'"),
            ({"low_quality": 1}, "True or False"),
            ({"fog": 1}, "'stride'"),
            ({"seed": -1}, "seed"),
        ],
    )
    def test_settings_that_are_none_are_refused(self, settings, said):
        with pytest.raises(errors.InputError, match=said):
            explorers.explore("anchors", **settings)
