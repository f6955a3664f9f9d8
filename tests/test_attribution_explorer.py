"""The explorer of attributions: its maps are the methods', its words agree with its numbers."""

import threading

import numpy as np
import pytest
from test_explain import NAMES, SIZE, network

from tracklab import errors, explain, explorers, plots, scenes
from tracklab.clips import Clip
from tracklab.explorers import attribution as at
from tracklab.explorers import attribution_subjects as subjects
from tracklab.explorers.later import Later

START = {"network": at.CLASSIFIER, "image": 0, "rank": 1, "method": "grad-cam", "forgets": False}


@pytest.fixture(scope="module")
def explorer():
    return explorers.explore("attribution", background=False)


@pytest.fixture(scope="module")
def made(explorer):
    return explorer.draw.__self__


class TestDraw:
    @pytest.mark.parametrize("network", at.NETWORKS)
    def test_maps_are_the_methods_own(self, made, network):
        found = made.explained(network, 3, 1, "saliency", False)
        wanted = explain.vanilla(found.answer.target, made.subject(network).image(3))
        np.testing.assert_array_equal(found.heat, wanted)
        assert found.answer.probability > 0.5
        said = found.answer.target.probabilities(found.image[None])[0]
        assert found.answer.probability == pytest.approx(said, rel=1e-3)

    @pytest.mark.parametrize("network", at.NETWORKS)
    def test_masks_are_where_the_network_finds_its_answer(self, made, network):
        """Most of the object is near where the best method points."""
        found = [made.explained(network, k, 1, "occlusion", False) for k in (2, 5, 8)]
        known = [one for one in found if one.answer.mask is not None]
        assert known
        shares = [explain.energy(one.heat, one.answer.mask) for one in known]
        areas = [one.answer.mask.mean() for one in known]
        assert np.mean(shares) > 2 * np.mean(areas)

    def test_words_tell_the_answer_the_place_and_the_numbers(self, explorer):
        explorer.reset()
        numbers = explorer.numbers
        assert f"{numbers['probability']:.0%} sure" in explorer.caption
        assert f"{numbers['energy on the object']:.0%} of the map lies on it" in explorer.caption
        assert ("on the" in explorer.caption) or ("beside the" in explorer.caption)
        assert 0 <= numbers["deletion area"] <= 1

    def test_a_network_that_forgets_is_compared_with_itself_before(self, explorer):
        for method, verdict in (("edges", "fails"), ("saliency", "passes")):
            explorer.set(method=method, forgets=True)
            assert f"here the method {verdict}" in explorer.caption
            alike = explorer.numbers["similarity to the trained network's"]
            assert f"{alike:.2f} like" in explorer.caption
        explorer.reset()

    def test_lower_ranks_are_less_sure(self, made):
        sure = [one.probability for one in made.subject(at.CLASSIFIER).answers(1)]
        assert sure == sorted(sure, reverse=True)
        drawn = made.draw(**START | {"network": at.SCORE, "rank": 10, "method": "edges"})
        assert "the last is shown" in drawn.caption

    def test_what_is_absent_has_no_mask(self, made):
        found = made.explained(at.CLASSIFIER, 0, 10, "edges", False)
        assert found.answer.mask is None
        assert (
            "energy on the object"
            not in made.draw(**START | {"rank": 10, "method": "edges"}).numbers
        )

    def test_a_map_of_nothing_is_said_to_be_one(self, made, monkeypatch):
        monkeypatch.setitem(explain.ALL, "edges", lambda target, image: np.zeros(target.size))
        at_hand = at.Attribution(made._makers, Later())
        at_hand._made.update(made._made)
        assert "nothing speaks for it" in at_hand.draw(**START | {"method": "edges"}).caption


class TestOwn:
    def test_any_classifier_and_images(self):
        images = np.random.default_rng(0).integers(0, 255, (3, *SIZE, 3), np.uint8)
        options = {"model": network(), "images": images, "class_names": NAMES, "labels": [0, 1, 2]}
        own = explorers.explore("attribution", background=False, **options)
        assert own.error is None
        own.set(image=2, method="integrated gradients", rank=3)
        assert own.error is None
        assert plots.decode(own.picture).shape[2] == 3
        subject = own.draw.__self__.subject(at.CLASSIFIER)
        assert sum(one.probability for one in subject.answers(0)) == pytest.approx(1, rel=1e-4)

    def test_a_clip_without_truth_has_no_masks(self):
        clip = scenes.render(seed=5, frames=3, objects=2, size=(96, 128))
        bare = Clip(clip.frames, fps=25.0)
        box = clip.truth.boxes[0, 0]
        own = explorers.explore(
            "attribution", clip=bare, box=box, network=at.TRACKER, background=False
        )
        assert own.error is None
        assert "energy on the object" not in own.numbers
        own.set(network=at.OBJECTNESS, image=20, method="saliency")
        assert own.error is None, own.error

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"model": "model"}, "model and images"),
            ({"images": np.zeros((1, 8, 8, 3), np.uint8)}, "model and images"),
            ({"network": "a brain"}, "network"),
            ({"clip": "clip"}, "clip"),
            ({"clip": Clip(np.zeros((2, 64, 64, 3), np.uint8), fps=1.0)}, "clip"),
            ({"box": [1, 2, 3]}, "box"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, options, named):
        with pytest.raises(errors.InputError, match=named):
            explorers.explore("attribution", background=False, **options)

    def test_pictures_of_another_kind_are_refused(self):
        with pytest.raises(errors.InputError, match="images"):
            subjects.Pictures(network(), np.zeros((2, *SIZE, 3)), NAMES)


class TestPeaks:
    def test_are_apart_and_the_first_is_the_others_highest(self):
        first, rest = np.zeros((12, 12)), np.zeros((12, 12))
        first[2, 3] = 1
        rest[3, 3], rest[9, 9], rest[9, 8], rest[0, 11] = 5, 4, 3, 2
        assert subjects.peaks(first, rest) == [(2, 3), (9, 9), (0, 11)]

    def test_a_small_map_has_few(self):
        assert subjects.peaks(np.zeros((3, 3)), np.zeros((3, 3))) == [(0, 0)]


class TestLater:
    def test_makes_each_result_once(self):
        calls = []
        later = Later()
        for _ in range(3):
            assert later.get("a", lambda: calls.append(1) or 7) == 7
        assert calls == [1]

    def test_in_the_background_it_returns_at_once_and_tells(self):
        gate, told = threading.Event(), threading.Event()
        later = Later(background=True)
        later.tell = told.set
        assert later.get("slow", lambda: gate.wait(20) and 5) is None
        gate.set()
        assert told.wait(20)
        assert later.get("slow", lambda: None) == 5

    def test_only_the_last_of_several_is_made_next(self):
        gate, made, last = threading.Event(), [], threading.Event()
        later = Later(background=True)
        later.tell = lambda: last.set() if "last" in made else None

        def make(name):
            def run():
                gate.wait(20)
                made.append(name)
                return name

            return run

        for name in ("first", "passed over", "last"):
            later.get(name, make(name))
        gate.set()
        assert last.wait(20)
        assert made == ["first", "last"]

    def test_what_goes_wrong_is_raised_to_whoever_asks(self):
        later = Later()
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                later.get("bad", lambda: 1 / 0)
        told = threading.Event()
        behind = Later(background=True)
        behind.tell = told.set
        try:
            behind.get("bad", lambda: 1 / 0)
        except ZeroDivisionError:
            return  # it was quick enough to be raised at once
        assert told.wait(20)
        with pytest.raises(ZeroDivisionError):
            behind.get("bad", lambda: 1 / 0)

    def test_an_explorer_waits_in_words_and_is_finished_in_the_end(self):
        images = np.random.default_rng(0).integers(0, 255, (2, *SIZE, 3), np.uint8)
        own = explorers.explore(
            "attribution", model=network(), images=images, class_names=NAMES, background=True
        )
        own._settle(60)
        assert own.error is None
        assert not own.screen.unfinished
        assert "highest at" in own.caption
