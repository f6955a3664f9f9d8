"""Anchors and proposals without a browser: what the explorers draw is what they count."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tracklab import boxes as bx
from tracklab import errors, explorers, plots, scenes
from tracklab.datasets import imagined_detections
from tracklab.detections import Objects
from tracklab.explorers import anchors as explorer
from tracklab.explorers import proposals as second

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
        assert without.numbers["objects without a positive"] == 3
        assert "Without a positive anchor: A, B, C." in without.caption
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


class Imagined:
    """A detector of a known clip: says of its frames what a network might, and counts its runs."""

    def __init__(self, clip, *, maps=9):
        self.clip, self.class_names, self.maps = clip, clip.truth.class_names, maps
        self.places = {frame.tobytes(): k for k, frame in enumerate(clip.frames)}
        self.runs = 0

    def said(self, image, **options):
        self.runs += 1
        place, truth = self.places[image.tobytes()], self.clip.truth
        there = truth.present[place]
        objects = Objects(truth.boxes[place][there], truth.classes[there], [False] * there.sum())
        rng = np.random.default_rng(place)
        options |= {"size": image.shape[:2], "classes": len(self.class_names), "missed": 0}
        return imagined_detections(objects, rng, copies=8, background=20, **options)

    def propose(self, image, *, count, overlap=0.7):
        found = self.said(image).top(count)
        grid = bx.anchor_grid(*image.shape[:2], stride=8, sizes=(14, 26, 48))
        near = (bx.iou(grid, found.boxes) * found.scores).max(1, initial=0)
        maps = near.reshape(*(-(-side // 8) for side in image.shape[:2]), 9)
        maps = maps if self.maps > 1 else maps.max(2)
        return SimpleNamespace(
            boxes=found.boxes, scores=found.scores, objectness=maps, anchors=grid
        )

    def detect(self, image, *, score, overlap, most):
        assert overlap == 1.0  # the explorer suppresses by itself
        return self.said(image).above(score).top(most)


def a_clip(seed=scenes.TEST_SEED, **options):
    return scenes.render(seed, **{"frames": 4, "objects": 4} | options)


def watching(clip=None, **options):
    clip = clip or a_clip()
    return second.Watched(Imagined(clip, **options), clip)


def proposed(watched, **settings):
    start = {"stage": second.PROPOSALS, "frame": 1, "count": 20, "score": 0.1}
    return second.draw(watched, **start | {"overlap": 0.7, "shape": second.HIGHEST} | settings)


class TestProposals:
    @pytest.mark.parametrize("stage", second.STAGES)
    @pytest.mark.parametrize("size", [(128, 128), (60, 100), (131, 77)])
    def test_all_ends_together(self, stage, size):
        watched = watching(a_clip(size=size))
        for count, score, overlap in itertools.product((1, 300), (0.0, 1.0), (0.1, 1.0)):
            for shape in (watched.shapes[0], watched.shapes[-1]):
                found = proposed(
                    watched, stage=stage, count=count, score=score, overlap=overlap, shape=shape
                )
                assert found.picture.shape == (408, 698, 3)
                assert found.picture.dtype == np.uint8
                assert found.numbers["proposals shown"] <= count
                assert "recall" in found.caption

    def test_a_frame_goes_through_the_network_once(self):
        watched = watching()
        proposed(watched)
        before = watched.detector.runs
        for stage, score in itertools.product(second.STAGES, (0.0, 0.3, 0.6)):
            proposed(watched, stage=stage, score=score, overlap=0.3 + score, count=5)
        assert watched.detector.runs == before
        proposed(watched, frame=2)
        assert watched.detector.runs == before + 2  # once to propose, once to detect

    def test_recall_is_the_share_of_objects_with_a_proposal_on_them(self):
        watched = watching()
        said, (truth, _) = watched.said(1), watched.truth(1)
        for count in (1, 3, 30):
            found = proposed(watched, count=count, score=0.0, overlap=1.0)
            on = bx.iou(said.boxes[:count], truth) >= 0.5
            assert found.numbers["recall of the shown proposals"] == on.any(0).mean()

    def test_suppression_and_score_are_those_of_boxes(self):
        watched = watching()
        said = watched.said(1)
        for score, overlap in ((0.2, 0.5), (0.5, 0.3)):
            found = proposed(watched, score=score, overlap=overlap)
            raw = said.raw.above(score)
            left = bx.nms(raw.boxes, raw.scores, threshold=overlap, labels=raw.labels)
            assert found.numbers["final detections"] == len(left)
            sure = said.scores >= score
            left = bx.nms(said.boxes[sure], said.scores[sure], threshold=overlap)
            assert found.numbers["proposals left by score and suppression"] == len(left)

    def test_the_words_name_the_stage_and_the_best_detections(self):
        watched = watching()
        assert "Proposals are drawn" in proposed(watched).caption
        final = proposed(watched, stage=second.FINAL, score=0.5, overlap=0.5)
        best = watched.said(1).raw
        name = watched.detector.class_names[best.labels[0]]
        assert f"Final detections are drawn: {name} {best.scores[0]:.2f}" in final.caption
        assert "drawn: none." in proposed(watched, stage=second.FINAL, score=1.0).caption

    def test_each_shape_has_its_own_map(self):
        watched = watching()
        assert len(watched.shapes) == 10
        maps = watched.said(1).objectness
        highest = proposed(watched, stage=second.OBJECTNESS).numbers["highest objectness"]
        assert highest == maps.max()
        one = proposed(watched, stage=second.OBJECTNESS, shape=watched.shapes[4])
        assert one.numbers["highest objectness"] == maps[..., 3].max()
        assert watched.shapes[2] == "2. 14 x 14 px"

    def test_a_detector_with_one_map_offers_the_highest_alone(self):
        watched = watching(maps=1)
        assert watched.shapes == (second.HIGHEST,)
        proposed(watched, stage=second.OBJECTNESS)

    def test_a_clip_without_truth_has_no_recall(self):
        clip = a_clip()
        watched = second.Watched(Imagined(clip), replace(clip, truth=None))
        for stage in second.STAGES:
            found = proposed(watched, stage=stage)
            assert "is not known" in found.caption
            assert not [name for name in found.numbers if "recall" in name]

    def test_a_frame_without_objects_says_so(self):
        watched = watching(a_clip(objects=0))
        for stage in second.STAGES:
            assert "no object in this frame" in proposed(watched, stage=stage).caption

    def test_the_explorer_plays_the_given_clip(self):
        clip = a_clip()
        made = second.proposals(Imagined(clip), clip)
        assert made.error is None
        assert made.controls["frame"].frames == 4
        for key, control in made.controls.items():
            for value in control.values():
                made.reset()
                made.set(**{key: value})
                assert made.error is None, f"{key} = {value}: {made.error!r}"

    def test_what_does_not_propose_and_what_is_no_clip_are_refused(self):
        clip = a_clip()
        with pytest.raises(errors.InputError, match="propose"):
            second.proposals(object(), clip)
        with pytest.raises(errors.InputError, match="clip"):
            second.proposals(Imagined(clip), clip.frames)
        with pytest.raises(errors.InputError, match="one frame"):
            second.proposals(Imagined(clip), clip[:0])

    def test_without_shipped_weights_the_error_says_so(self, monkeypatch):
        def shipped():
            raise errors.MissingError("no weights named 'detector'")

        absent = SimpleNamespace(shipped=shipped)
        monkeypatch.setattr(second.importlib, "import_module", lambda name: absent)
        with pytest.raises(errors.MissingError, match="detector"):
            second.proposals()
