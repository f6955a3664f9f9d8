"""The arena without a browser: runs are the trackers', losses the metric's, words the picture's."""

import itertools
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import boxes as bx
from tracklab import errors, explorers, plots, scenes, trackers
from tracklab.clips import Clip, Truth
from tracklab.explorers import arena as explorer_of
from tracklab.explorers import arena_moment, arena_runs, arena_views
from tracklab.explorers.arena import Arena
from tracklab.explorers.arena_runs import Run, Runner, Stage, glimpse
from tracklab.metrics import single
from tracklab.trackers.still import StillTracker

START = {
    "clip": explorer_of.FIRST_CLIP,
    "strength": explorer_of.FIRST_STRENGTH,
    "seed": explorer_of.FIRST_SAMPLE,
    "frame": explorer_of.FIRST_FRAME,
    "trackers": ("still", "template"),
    "look": "template",
    "layer": "response",
}


class Told(StillTracker):
    """Stays where it is, and says what it is told to by frame."""

    def __init__(self, boxes=None, sight=None, fails_in=None, wait=0.0, gate=None):
        self.boxes, self.sight, self.fails_in, self.wait = boxes, None, fails_in, wait
        self.saw, self.gate = sight, gate  # at frame 5 it waits for its gate to open

    def _start(self, frame, box):
        super()._start(frame, box)
        self.at = 0

    def _step(self, frame):
        self.at += 1
        time.sleep(self.wait)
        if self.gate is not None and self.at == 5:
            assert self.gate.wait(20)
        if self.at == self.fails_in:
            raise ValueError("a bad day")
        state = super()._step(frame)
        self.sight = self.saw
        return state if self.boxes is None else state._replace(box=self.boxes[self.at])


def scene(frames=30, **options):
    return scenes.render(seed=3, frames=frames, size=(60, 80), objects=1, **options)


def blind(clip):
    return Clip(clip.frames, truth=None)


def arena(clips=None, boxes=None, own=None, **options):
    return Arena(clips or {}, boxes or {}, own or {}, **{"background": False} | options)


def drawn(made, **settings):
    return made.draw(**START | settings)


@pytest.fixture(scope="module")
def scenic():
    return arena()


class TestRuns:
    @pytest.mark.parametrize("name", ["still", "template"])
    def test_a_run_is_what_the_tracker_says_cut_at_the_frame(self, name):
        clip = scene()
        run = Stage(clip).run(name, lambda: trackers.create(name))
        while not run.over:
            run.step()
        track = trackers.run(name, clip).inside(*clip.size)
        np.testing.assert_array_equal(run.boxes, track.boxes)
        np.testing.assert_array_equal(run.scores, track.scores)
        truth = clip.truth.boxes[:, 0]
        assert list(run.judged().losses) == single.losses(track, truth)
        assert run.judged().auc == single.success_auc(track, truth)
        before = run.seconds
        run.step()
        assert run.boxes.tobytes() == track.boxes.tobytes()
        assert run.done == len(clip)
        assert run.seconds >= before

    def test_begins_where_the_object_is_there(self):
        clip = scene()
        boxes = clip.truth.boxes.copy()
        boxes[:4] = np.nan
        stage = Stage(Clip(clip.frames, truth=Truth.from_boxes(boxes)))
        assert stage.first == 4
        run = stage.run("still", StillTracker)
        run.step()
        assert run.done == 5
        assert not np.isfinite(run.boxes[:4]).any()
        np.testing.assert_array_equal(run.boxes[4], boxes[4, 0])
        assert arena_moment.stand(run, 2).kind == "given"

    def test_a_box_says_which_object_is_meant(self):
        clip = scenes.render(seed=3, frames=5, size=(80, 80), objects=3)
        for k in range(3):
            stage = Stage(clip, clip.truth.boxes[0, k])
            np.testing.assert_array_equal(stage.truth, clip.truth.boxes[:, k])
            np.testing.assert_array_equal(stage.visible, clip.truth.visibility[:, k])
        nowhere = Stage(scene(), [0, 0, 4, 4])
        overlap = bx.iou(np.float32([[0, 0, 4, 4]]), scene().truth.boxes[0])
        assert overlap.max() == 0
        assert nowhere.truth is None

    def test_what_the_tracker_raises_ends_the_run_and_is_kept(self):
        run = Stage(scene()).run("bad", lambda: Told(fails_in=7))
        for _ in range(30):
            run.step()
        assert run.over
        assert run.done == 7
        assert isinstance(run.error, ValueError)
        crossed = Stage(scene()).run("crossed", lambda: Told(boxes=np.float32([[9, 9, 1, 1]] * 30)))
        for _ in range(30):
            crossed.step()
        assert crossed.done == 1
        assert isinstance(crossed.error, errors.InputError)

    def test_a_tracker_that_is_not_there_is_an_error_of_its_own_run(self):
        def missing():
            raise errors.MissingError("no such tracker here")

        made = arena(own={"gone": missing})
        drawing = drawn(made, trackers=("still", "gone"), look="gone")
        assert "Stopped: " in drawing.caption
        assert "no such tracker here" in drawing.caption
        assert "gone could not begin" in drawing.caption

    def test_lazy_frames_are_decoded_once_for_the_eye_and_as_they_are_for_trackers(self):
        clip = scene()

        class Lazy:
            asked = 0

            def __len__(self):
                return len(clip)

            def __getitem__(self, index):
                self.asked += 1
                return clip.frames[index]

        lazy = Lazy()
        stage = Stage(Clip(lazy, truth=clip.truth))
        run = stage.run("template", lambda: trackers.create("template"))
        while not run.over:
            run.step()
        np.testing.assert_array_equal(
            run.boxes, trackers.run("template", clip).inside(60, 80).boxes
        )
        asked = lazy.asked
        for index in range(len(clip)):
            shown = stage.picture(index).astype(int)
            assert np.abs(shown - clip.frames[index]).mean() < 6
        assert lazy.asked == asked


class TestGlimpse:
    def test_no_search_is_none(self):
        assert glimpse(None) is None
        assert glimpse(SimpleNamespace(response=np.zeros((3, 3)))) is None

    def test_maps_fill_what_was_searched(self):
        response = np.zeros((4, 8), np.float32)
        response[1, 6] = 2
        seen = glimpse(SimpleNamespace(searched=[10, 20, 26, 28], response=response))
        np.testing.assert_array_equal(seen.place, [10, 20, 26, 28])
        np.testing.assert_allclose(seen.top("response"), [10 + 6.5 * 2, 20 + 1.5 * 2])
        assert seen.peak("response") == 2
        assert seen.predicted is None
        assert set(seen.maps) == {"response"}

    def test_centers_are_the_middles_of_the_outer_cells(self):
        maps = {name: np.eye(5, 7, dtype=np.float32) for name in arena_runs.LAYERS}
        seen = glimpse(
            SimpleNamespace(
                searched=[0, 0, 50, 50], centers=[10, 20, 22, 28], predicted=[4, 5], **maps
            )
        )
        np.testing.assert_allclose(seen.place, [9, 19, 23, 29])
        np.testing.assert_allclose(seen.top("prior"), [10, 20])
        np.testing.assert_array_equal(seen.predicted, [4, 5])
        assert set(seen.maps) == set(arena_runs.LAYERS)

    def test_the_top_is_where_the_template_tracker_goes(self):
        clip = scene()
        tracker = trackers.create("template")
        tracker.init(clip.frames[0], clip.truth.boxes[0, 0])
        for frame in clip.frames[1:6]:
            box = tracker.update(frame).box
            seen = glimpse(tracker.sight)
            assert np.abs(seen.top("posterior") - bx.centers(box)).max() < 1.0
            assert seen.peak("prior") == pytest.approx(0, abs=1e-3)
            assert np.abs(seen.top("prior") - seen.predicted).max() < 1.0

    def test_maps_of_nothing_and_without_end(self):
        odd = np.full((3, 3), -np.inf, np.float32)
        odd[0, 0] = np.nan
        seen = glimpse(SimpleNamespace(searched=[0, 0, 9, 9], response=odd, prior=np.zeros((0, 3))))
        assert seen.maps == {}
        odd[2, 1] = 0.5
        sight = SimpleNamespace(searched=[0, 0, 9, 9], response=odd)
        assert glimpse(sight).peak("response") == 0.5
        np.testing.assert_allclose(glimpse(sight).top("response"), [4.5, 7.5])
        made = arena(own={"odd": lambda: Told(sight=sight)})
        assert "has its top, 0.50, at" in drawn(made, trackers=("odd",), look="odd").caption


class TestRunner:
    def test_in_the_background_it_returns_at_once_and_tells_at_the_end(self):
        told, gate = threading.Event(), threading.Event()
        runner = Runner(background=True)
        run = Stage(scene()).run("slow", lambda: Told(gate=gate))
        runner.tell = lambda: told.set() if run.over else None
        runner.want([run])
        assert not run.over
        assert not runner.wait(0.01)
        gate.set()
        assert told.wait(20)
        assert runner.wait(20)
        assert run.done == 30

    def test_a_quick_run_is_done_when_it_returns(self):
        runner = Runner(background=True)
        run = Stage(scene(frames=3)).run("still", StillTracker)
        runner.want([run])
        assert runner.wait(20)
        assert run.over

    def test_what_nobody_wants_any_more_stops_and_goes_on_later(self):
        gate = threading.Event()
        runner, stage = Runner(background=True), Stage(scene())
        slow, quick = stage.run("slow", lambda: Told(gate=gate)), stage.run("quick", Told)
        runner.want([slow])
        runner.want([quick])
        gate.set()
        assert runner.wait(20)
        assert quick.done == 30
        assert slow.done in (5, 6)
        runner.want([slow])
        assert runner.wait(20)
        assert slow.done == 30
        assert slow.error is None

    def test_the_fastest_is_through_first(self):
        runner = Runner(background=True)
        stage = Stage(scene())
        slow, quick = stage.run("slow", lambda: Told(wait=0.02)), stage.run("quick", Told)
        left = []
        quick_over = threading.Event()
        runner.tell = lambda: (left.append(slow.done), quick_over.set()) if quick.over else None
        runner.want([slow, quick])
        assert quick_over.wait(20)
        assert left[0] < 30
        assert runner.wait(20)

    def test_progress_in_words(self):
        stage = Stage(scene())
        run, other = stage.run("a", Told), stage.run("b", Told)
        assert arena_runs.progress([run]) == ("a waits", 0.0)
        run.begun = True
        assert arena_runs.progress([run])[0] == "a gets ready"
        for _ in range(15):
            run.step()
        assert arena_runs.progress([run, other]) == ("a 15 of 30 frames; b waits", 0.25)
        for _ in range(15):
            run.step()
        assert arena_runs.progress([run]) is None
        assert arena_runs.progress([]) is None


class TestStands:
    @given(st.lists(st.booleans(), min_size=30, max_size=30), st.integers(1, 30))
    def test_lost_are_the_frames_of_a_loss_and_no_others(self, missed, done):
        clip = scene()
        truth = clip.truth.boxes[:, 0]
        boxes = np.where(np.array(missed)[:, None], np.float32([0, 0, 1, 1]), truth)
        boxes[0] = truth[0]
        run = Run("x", Told, Stage(clip))
        run.boxes[:done], run.scores[:done], run.done = boxes[:done], 1, done
        losses = single.losses(boxes[:done], truth[:done])
        for frame in range(30):
            one = arena_moment.stand(run, frame)
            if frame >= done:
                assert one.kind == "waits"
                continue
            inside = [
                loss
                for loss in losses
                if loss.frame <= frame and (loss.back is None or frame < loss.back)
            ]
            assert (one.kind == "lost") == bool(inside)
            if one.kind == "lost":
                assert one.since == inside[0].frame
            if one.kind == "holds":
                assert one.overlap == 1
                assert not missed[frame]

    def test_where_it_is_instead(self):
        for off, said in (
            ((30, 0), "30 pixels right"),
            ((0, -8), "8 pixels above"),
            ((-30, 40), "50 pixels below left"),
            ((0.2, 0.1), "on its middle"),
        ):
            assert arena_moment._way(np.array(off, float)) == said


class TestDraw:
    def test_words_tell_who_holds_it_and_who_has_lost_it_where(self, scenic):
        drawn(scenic)
        stage = scenic.stage(START["clip"], START["strength"], START["seed"])
        for frame in range(explorer_of.FRAMES):
            said = drawn(scenic, frame=frame).caption
            assert said.startswith(f"Frame {frame} of 0 to {explorer_of.FRAMES - 1} (occlusion 0.7")
            for name in START["trackers"]:
                number = scenic.number(name)
                one = arena_moment.stand(stage.runs[name], frame)
                if one.kind == "holds":
                    assert f"{number} {name} (IoU {one.overlap:.2f})" in said
                if one.kind == "lost":
                    assert f"{number} {name} since frame {one.since} (" in said
        for name in START["trackers"]:
            lost = single.lost_at(stage.runs[name].boxes, stage.truth)
            told = f"loses it in frame {lost.frame}" if lost else "never loses it"
            assert f"{scenic.number(name)} {name} {told}" in said

    def test_the_start_shows_a_loss_and_a_hold(self, scenic):
        said = drawn(scenic).caption
        assert "Has lost it: 1 still since frame" in said
        assert "Holds it: 2 template" in said

    def test_a_jump_leads_to_each_first_loss(self, scenic):
        stage = scenic.stage(START["clip"], START["strength"], START["seed"])
        jumps = drawn(scenic).jumps
        assert jumps
        for jump in jumps:
            number, name = jump.label.split(":")[0].split(" ", 1)
            loss = single.lost_at(stage.runs[name].boxes, stage.truth)
            assert (jump.parameter, jump.value, jump.key) == ("frame", loss.frame, number)
            assert f"{name} since frame {loss.frame} (" in drawn(scenic, frame=jump.value).caption

    def test_the_frame_only_draws(self, scenic):
        drawn(scenic)
        stage = scenic.stage(START["clip"], START["strength"], START["seed"])
        before = {name: run.seconds for name, run in stage.runs.items()}
        for frame in range(explorer_of.FRAMES):
            drawn(scenic, frame=frame)
        assert {name: run.seconds for name, run in stage.runs.items()} == before

    def test_all_ends_together(self, scenic):
        ends = itertools.product(
            (0, 1, explorer_of.FRAMES - 1),
            ("easy", "occlusion", "out of view"),
            (0.0, 1.0),
            (0, 12345),
            ((), ("template",), ("still", "template")),
            ("still", "template"),
            ("response", "none"),
        )
        for frame, clip, strength, seed, chosen, look, layer in ends:
            drawing = drawn(
                scenic,
                frame=frame,
                clip=clip,
                strength=strength,
                seed=seed,
                trackers=chosen,
                look=look,
                layer=layer,
            )
            assert drawing.picture.shape[1] == arena_views.WIDTH
            assert drawing.picture.std() > 0
            assert drawing.unfinished is None
            assert len(drawing.numbers) == len(chosen)
            assert ("No tracker is chosen" in drawing.caption) == (not chosen)

    @pytest.mark.parametrize("clip", explorer_of.SCENES)
    def test_every_dial_of_the_scenes(self, scenic, clip):
        drawing = drawn(scenic, clip=clip)
        assert f"({clip}" in drawing.caption
        assert drawing.idle == ([] if clip != "easy" else ["strength"])

    def test_every_layer_that_a_tracker_has_changes_the_picture(self, scenic):
        pictures = {
            layer: drawn(scenic, layer=layer).picture.tobytes()
            for layer in (*arena_runs.LAYERS, "none")
        }
        assert len(set(pictures.values())) == 4
        said = drawn(scenic, layer="prior").caption
        assert "The prior of template has its top, " in said
        assert "has its top" not in drawn(scenic, layer="none").caption
        assert "has its top" not in drawn(scenic, look="still").caption

    def test_the_response_is_laid_where_it_was(self):
        # a map with one high cell, and a picture of one colour: the light spot is there
        response = np.zeros((10, 10), np.float32)
        response[2, 7] = 1
        sight = SimpleNamespace(searched=np.float32([20, 10, 40, 30]), response=response)
        clip = Clip(np.full((4, 60, 80, 3), 90, np.uint8))
        made = arena(
            {"grey": clip}, {"grey": [28, 18, 32, 22]}, {"told": lambda: Told(sight=sight)}
        )
        picture = drawn(made, clip="grey", frame=2, trackers=("told",), look="told").picture
        window = picture[arena_views.TOP :, arena_views.WIDE + arena_views.GAP :][
            : arena_views.SIDE
        ]
        zoom = arena_views.SIDE / (arena_views.MARGIN * 20)
        low = np.array([30, 20]) - arena_views.SIDE / zoom / 2
        x, y = ((np.array([20 + 7.5 * 2, 10 + 2.5 * 2]) - low) * zoom).round().astype(int)
        cell = window[y - 8 : y + 9, x - 8 : x + 9].reshape(-1, 3).astype(int)
        yellow = (cell[:, 0] > 150) & (cell[:, 2] < 120)
        assert yellow.mean() > 0.4
        outside = window[y + 60 : y + 70, x - 60 : x - 50].reshape(-1, 3).astype(int)
        assert not ((outside[:, 0] > 150) & (outside[:, 2] < 120)).any()

    def test_boxes_are_drawn_in_their_trackers_colour(self):
        clip = Clip(np.zeros((3, 53, 70, 3), np.uint8))
        made = arena({"black": clip}, {"black": [20, 10, 40, 30]})
        picture = drawn(made, clip="black", frame=2, trackers=("still",), look="still").picture
        field = picture[arena_views.TOP :][: arena_views.TALL, : arena_views.WIDE]
        color = np.array(arena_views.overlay.color_of(made.number("still")))
        rows, columns = np.nonzero((field == color).all(-1))
        scale = arena_views.TALL / 53
        assert abs(columns.max() - 40 * scale) < 3
        assert abs(rows.max() - 30 * scale) < 3

    def test_a_clip_of_ones_own_with_and_without_truth(self):
        clip = scene(frames=90)
        made = arena({"mine": clip, "blind": blind(clip)}, {"blind": clip.truth.boxes[0, 0]})
        seen = drawn(made, clip="mine", frame=89)
        assert seen.frames == {"frame": 90}
        assert seen.idle == ["strength", "seed"]
        assert seen.caption.startswith("Frame 89 of 0 to 89 (mine).")
        unseen = drawn(made, clip="blind", frame=89)
        assert "Nobody knows where the object is" in unseen.caption
        assert "IoU" not in unseen.caption
        assert "Says: 1 still (score" in unseen.caption
        assert unseen.jumps == []
        assert unseen.numbers == {}
        # a scene is shorter: the last frame stands for all beyond it
        assert drawn(made, frame=89).caption.startswith("Frame 79 of 0 to 79")

    @pytest.mark.parametrize("size", [(16, 300), (300, 16), (17, 17), (500, 700)])
    @pytest.mark.parametrize("frames", [1, 2])
    def test_clips_of_any_shape_and_length(self, size, frames):
        rng = np.random.default_rng(0)
        clip = Clip(rng.integers(0, 255, (frames, *size, 3), np.uint8))
        made = arena({"odd": clip}, {"odd": [2, 2, 14, 14]})
        for frame in range(frames):
            drawing = drawn(made, clip="odd", frame=frame)
            assert drawing.picture.shape[1] == arena_views.WIDTH

    def test_a_tracker_that_says_nothing(self):
        nothing = np.full((30, 4), np.nan, np.float32)
        made = arena({"mine": scene()}, own={"mute": lambda: Told(boxes=nothing)})
        drawing = drawn(made, clip="mine", frame=20, trackers=("mute",), look="mute")
        assert "Has lost it: " in drawing.caption
        assert "it says nothing" in drawing.caption
        assert "nan" not in drawing.caption

    def test_many_trackers_in_low_rows(self):
        own = {f"own {k}": Told for k in range(14)}
        made = arena(own=own)
        drawing = drawn(made, trackers=tuple(own), look="own 3")
        assert drawing.picture.shape[0] < 900
        keys = [jump.key for jump in drawing.jumps]
        assert len(keys) == 14
        assert "10" not in keys

    def test_marks_of_the_axis_are_round_and_few(self):
        for count in (1, 2, 9, 10, 80, 81, 293, 1000, 100_000):
            ticks = arena_views._ticks(count)
            assert ticks[-1] < count
            assert len(ticks) <= 9
            assert str(ticks.step).strip("0") in ("1", "2", "5")


class TestExplorer:
    def test_begins_as_it_is_told(self):
        own = {"mine": Told}
        made = explorers.explore("arena", own=own, clip="easy", frame=3, layer="none", seed=5)
        assert made.error is None
        assert made.params["trackers"][-1] == "mine"
        assert made.params["look"] == "mine"
        assert (made.params["clip"], made.params["frame"], made.params["seed"]) == ("easy", 3, 5)
        made.set(frame=50, trackers=[])
        made.reset()
        assert made.params["frame"] == 3
        assert "mine" in made.params["trackers"]

    def test_the_frames_of_the_slider_are_those_of_the_clip(self):
        clip = scene(frames=120)
        made = explorers.explore("arena", clips={"long": clip, "short": clip[:7]}, frame=110)
        slider, row = made._values["frame"], made.children[1].children[0]
        play = row.children[1]
        assert (slider.max, play.max, slider.value) == (119, 119, 110)
        made.set(clip="short")
        assert (slider.max, play.max, slider.value) == (6, 6, 6)
        assert made.caption.startswith("Frame 6 of 0 to 6")
        made.set(clip="long", frame=100)
        assert made.params["frame"] == 100
        assert made.caption.startswith("Frame 100 of 0 to 119")
        with pytest.raises(errors.InputError, match="frame"):
            made.set(frame=120)

    def test_jumps_set_the_frame(self):
        made = explorers.explore("arena", trackers=["still"])
        ((label, key, model, frame),) = made.screen.jumps
        assert (key, model) == ("1", made._values["frame"].model_id)
        assert label == f"1 still: lost at {frame}"
        made.set(frame=frame)
        assert f"since frame {frame}" in made.caption

    def test_in_the_background_the_picture_is_finished_in_the_end(self):
        gate = threading.Event()
        chosen = ["still", "slow"]
        made = explorers.explore(
            "arena", trackers=chosen, own={"slow": lambda: Told(gate=gate)}, background=True
        )
        assert made.screen.unfinished
        assert "slow" in made.screen.unfinished[0]
        made.set(frame=12)  # it answers meanwhile
        assert made.caption.startswith("Frame 12 of")
        assert "Is not there yet: " in made.caption
        gate.set()
        bundle, _ = made._repr_mimebundle_()  # a picture that stays waits for the rest
        assert made.screen.unfinished == []
        assert "Is not there yet" not in bundle["text/plain"]
        again = explorers.explore(
            "arena", trackers=chosen, own={"slow": Told}, frame=12, background=False
        )
        assert again.caption == made.caption
        assert again.picture == made.picture

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"clips": [scene()]}, "clips"),
            ({"clips": {"easy": scene()}}, "no scene has"),
            ({"clips": {" ": scene()}}, "no scene has"),
            ({"clips": {"mine": scene().frames}}, "mine.*a clip with at least one frame"),
            ({"clips": {"mine": scene()[:0]}}, "mine.*at least one frame"),
            ({"clips": {"mine": blind(scene())}}, "mine.*boxes="),
            ({"clips": {"mine": scene()}, "boxes": {"other": [0, 0, 9, 9]}}, "'mine'"),
            (
                {"clips": {"mine": scene()}, "boxes": {"mine": [900, 0, 909, 9]}},
                "outside the frame",
            ),
            ({"clips": {"mine": scene()}, "boxes": {"mine": [0, 0, 9]}}, "box of mine"),
            ({"trackers": ["templete"]}, "'template'"),
            ({"trackers": "template"}, "trackers"),
            ({"own": {"template": Told}}, "no tracker has"),
            ({"own": {"mine": Told()}}, "lambda"),
            ({"clip": "fog"}, "'occlusion'"),
            ({"frame": 80}, "frame"),
            ({"strength": 1.5}, "strength"),
            ({"seed": -1}, "seed"),
            ({"speed": 3}, "'strength'"),
        ],
    )
    def test_bad_input(self, options, said):
        with pytest.raises(errors.InputError, match=said):
            explorers.explore("arena", **options)

    def test_no_tensorflow_before_a_network_is_chosen(self):
        code = (
            "import sys; from tracklab import explorers; made = explorers.explore('arena'); "
            "assert made.error is None, made.error; assert 'tensorflow' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

    def test_all_trackers_of_this_machine_are_offered(self):
        names = explorers.explore("arena").controls["trackers"].options
        assert set(names) <= set(trackers.NAMES)
        for name in names:
            if name.startswith("opencv-"):
                trackers.create(name)
        for name in set(trackers.NAMES) - set(names):
            with pytest.raises(errors.MissingError):
                trackers.create(name)

    def test_the_picture_can_be_read_back(self):
        made = explorers.explore("arena", trackers=["still"])
        assert plots.decode(made.picture).shape[1] == arena_views.WIDTH
