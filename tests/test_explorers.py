"""Every explorer without a browser: pure, sensible at every end, in words, honest in failure."""

import inspect
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances
from ipywidgets.widgets.widget_link import Link

from tracklab import errors, explorers, plots, scenes
from tracklab.explorers import (
    BoxCanvas,
    Choice,
    Drawing,
    Explorer,
    Jump,
    Play,
    Seed,
    Several,
    Slider,
    Toggle,
)
from tracklab.explorers.shell import as_drawing
from tracklab.explorers.still import WIDGET_VIEW

GREY = {"level": Slider("Grey", 0, 10, 3), "on": Toggle("On"), "kind": Choice("Kind", ("a", "b"))}


def grey(level, on=False, kind="a"):
    if level == 9:
        raise ValueError("nine is out of order")
    if level == 8:
        errors.bad("level", level, "anything but eight")
    rgb = np.full((8, 16, 3), 20 * level + 10 * on, np.uint8)
    return Drawing(rgb, f"A grey of level {level}, {kind}.", {"level": level, "half": level / 2})


def shell(draw=grey, controls=GREY, **options):
    return Explorer("grey", draw, controls, title="Grey", **options)


@pytest.fixture(scope="module", params=sorted(explorers.NAMES))
def registered(request):
    made = explorers.explore(request.param)
    if isinstance(made, Explorer):
        return made
    pytest.skip(f"{request.param} is not made of the shell; its own tests hold it")


def drawn(explorer, **params):
    explorer.reset()
    explorer.set(**params)
    assert explorer.error is None, f"{params}: {explorer.error!r}"
    assert explorer.params | params == explorer.params
    return explorer.picture


class TestEveryExplorer:
    def test_draws_in_words_at_every_end_of_every_control(self, registered):
        pictures = {}
        for key, control in registered.controls.items():
            for value in control.values():
                picture = drawn(registered, **{key: value})
                assert plots.decode(picture).std() > 0, f"one flat colour at {key} = {value}"
                assert registered.caption
                pictures.setdefault(picture, registered.caption)
        kinds = {type(control) for control in registered.controls.values()}
        assert len(pictures) > len(kinds), "the controls change next to nothing"

    def test_every_kind_of_control_changes_the_picture(self, registered):
        start = drawn(registered)
        moved = {}
        for key, control in registered.controls.items():
            for value in control.values():
                moved.setdefault(type(control), set()).add(drawn(registered, **{key: value}))
        for kind, pictures in moved.items():
            assert pictures - {start}, f"no {kind.__name__} changes the picture"

    def test_all_controls_at_once_at_their_ends(self, registered):
        for end in (0, -1):
            drawn(registered, **{k: c.values()[end] for k, c in registered.controls.items()})

    def test_is_pure(self, registered):
        start = registered.reset() or registered.params
        first = as_drawing(registered.draw(**start), registered.format)
        for key, control in registered.controls.items():
            registered.draw(**start | {key: control.values()[-1]})
        again = as_drawing(registered.draw(**start), registered.format)
        assert (first.picture, first.caption) == (again.picture, again.caption)

    def test_takes_its_controls_by_keyword(self, registered):
        inspect.signature(registered.draw).bind(**registered.params)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(errors.InputError, match="'scene'"):
        explorers.explore("sceen")


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(errors.InputError, match="'strength'"):
        explorers.explore("follow", foo=1)


@pytest.mark.parametrize("seed", [1.5, -1, "x", 2**40])
@pytest.mark.parametrize("name", ["follow", "scene"])
def test_a_seed_that_is_none_is_refused(name, seed):
    with pytest.raises(errors.InputError, match="seed"):
        explorers.explore(name, seed=seed)


def test_the_scene_explorer_begins_where_it_is_told():
    made = explorers.explore("scene", seed=7, objects=2, occlusion=0.5)
    assert (made.params["seed"], made.params["objects"], made.params["occlusion"]) == (7, 2, 0.5)
    assert set(scenes.DIALS) <= set(made.controls)
    with pytest.raises(errors.InputError, match="'noise'"):
        explorers.explore("scene", fog=1.0)


def test_the_scene_explorer_says_what_it_shows():
    made = explorers.explore("scene", seed=0)
    made.set(objects=0)
    assert "No objects" in made.caption
    made.set(objects=3, frame=4, boxes=False, noise=0.5)
    assert "Frame 4" in made.caption
    assert "3 objects" in made.caption
    assert "noise 0.5" in made.caption
    assert made.numbers["objects in the picture"] <= 3
    assert plots.decode(made.picture).shape == (384, 384, 3)


class TestShell:
    def test_shows_what_draw_returns(self):
        made = shell(format="png")
        assert made.caption == "A grey of level 3, a."
        np.testing.assert_array_equal(plots.decode(made.picture), grey(3).picture)
        assert made.numbers == {"level": 3, "half": 1.5}
        assert made.screen.numbers == [["level", "3"], ["half", "1.5"]]

    def test_set_checks_at_the_door_and_changes_nothing_when_refused(self):
        made = shell()
        for wrong in ({"level": 11}, {"level": 2.5}, {"on": 1}, {"kind": "c"}, {"speed": 1}):
            with pytest.raises(errors.InputError, match="wanted"):
                made.set(on=True, **wrong) if "on" not in wrong else made.set(**wrong)
            assert made.params == {"level": 3, "on": False, "kind": "a"}

    def test_several_changes_make_one_drawing(self):
        made = shell()
        before = made.drawings
        made.set(level=5, on=True, kind="b")
        assert made.drawings == before + 1
        made.reset()
        assert made.drawings == before + 2
        assert made.params == {"level": 3, "on": False, "kind": "a"}

    def test_the_same_values_again_draw_nothing(self):
        made = shell()
        before = made.drawings
        made.set(level=3)
        assert made.drawings == before

    @pytest.mark.parametrize(
        ("level", "kind", "said"),
        [(9, ValueError, "ValueError: nine is out"), (8, errors.InputError, "anything but eight")],
    )
    def test_an_error_is_shown_and_the_old_picture_marked(self, level, kind, said):
        made = shell()
        old = made.picture
        made.set(level=level)
        assert isinstance(made.error, kind)
        assert said in made.screen.error
        assert "settings before" in made.screen.error
        assert "Reset" in made.screen.error
        assert made.picture == old
        made.set(level=4)
        assert made.error is None
        assert made.screen.error == ""
        assert made.picture != old

    def test_an_error_in_the_first_drawing_is_shown_too(self):
        made = shell(controls={"level": Slider("Grey", 0, 10, 9)})
        assert isinstance(made.error, ValueError)
        assert made.picture == b""
        assert "settings before" not in made.screen.error

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            np.zeros((4, 4, 3), np.uint8),
            (np.zeros((4, 4, 3), np.uint8), ""),
            (np.zeros((4, 4), np.uint8), "grey"),
            (b"not a picture", "bytes"),
        ],
    )
    def test_what_is_no_picture_with_words_is_an_error_that_says_so(self, answer):
        made = shell(draw=lambda level: answer, controls={"level": Slider("Grey", 0, 1, 0)})
        assert isinstance(made.error, errors.InputError)
        assert "wanted" in made.screen.error

    def test_takes_figures_bytes_and_pairs(self):
        fig, ax = plots.figure(title="One line", width=3, height=2)
        ax.plot([0, 1])
        drawing = as_drawing((fig, "a line"))
        assert plots.decode(drawing.picture).shape == (200, 300, 3)
        assert as_drawing((drawing.picture, "the same")).picture == drawing.picture

    def test_changes_while_drawing_do_not_queue_up(self):
        started, go, seen = threading.Event(), threading.Event(), []

        def slow(level):
            seen.append(level)
            if len(seen) == 2:
                started.set()
                assert go.wait(10)
            return grey(level)

        made = shell(draw=slow, controls={"level": Slider("Grey", 0, 7, 0)})
        worker = threading.Thread(target=made.set, kwargs={"level": 1})
        worker.start()
        assert started.wait(10)
        for level in (2, 3, 4, 5):
            made.set(level=level)  # returns at once
        go.set()
        worker.join(10)
        assert not worker.is_alive()
        assert seen == [0, 1, 5]
        assert made.caption.startswith("A grey of level 5")

    def test_a_draw_that_moves_a_control_is_drawn_again(self):
        def draw(level):
            made = holder.get("made")
            if made and level > 5:
                made.set(level=5)
            return grey(level)

        holder = {}
        holder["made"] = made = shell(draw=draw, controls={"level": Slider("Grey", 0, 7, 0)})
        made.set(level=7)
        assert made.params == {"level": 5}
        assert "level 5" in made.caption

    def test_jumps_are_values_of_controls(self):
        def draw(level, frame):
            jumps = [Jump("the end", "frame", 6, "e"), Jump("dark", "level", 0)]
            return replace(grey(level), jumps=jumps)

        made = shell(draw, {"level": GREY["level"], "frame": Play("Frame", 7)})
        models = [made._values[key].model_id for key in ("frame", "level")]
        assert made.screen.jumps == [["the end", "e", models[0], 6], ["dark", "", models[1], 0]]

    @pytest.mark.parametrize("jump", [Jump("off", "speed", 1), Jump("off", "level", 11)])
    def test_a_jump_to_nowhere_is_an_error(self, jump):
        made = shell(lambda level: replace(grey(level), jumps=[jump]), {"level": GREY["level"]})
        assert isinstance(made.error, errors.InputError)

    def test_a_drawing_says_how_many_frames_there_are(self):
        def draw(level, frame):
            return replace(grey(level), frames={"frame": 20 - level})

        made = shell(draw, {"level": GREY["level"], "frame": Play("Frame", 20, default=3)})
        slider = made._values["frame"]
        play = made.children[1].children[1].children[1]
        assert (slider.max, play.max) == (16, 16)
        made.set(frame=16)
        made.set(level=10)
        assert (slider.max, play.max, slider.value) == (9, 9, 9)
        assert play.value == 9  # not where it once began
        made.set(level=0, frame=19)  # together: the frame is one of those that are there then
        assert (slider.max, slider.value) == (19, 19)

    def test_what_changes_nothing_is_off(self):
        def draw(level, seed):
            return replace(grey(level), idle=["seed"] if level > 5 else [])

        made = shell(draw, {"level": GREY["level"], "seed": Seed()})
        field, row = made._values["seed"], made.children[1].children[1]
        for level, off in ((3, False), (7, True), (2, False)):
            made.set(level=level)
            assert (field.disabled, row.children[1].disabled) == (off, off)

    def test_frames_and_idle_are_of_its_own_controls(self):
        for part in ({"frames": {"speed": 3}}, {"idle": ["speed"]}):
            made = shell(lambda level, p=part: replace(grey(level), **p), {"level": GREY["level"]})
            assert isinstance(made.error, errors.InputError)

    def test_an_unfinished_drawing_is_said_and_drawn_again(self):
        share = [0.25]

        def draw(level):
            left = ("half of it", share[0]) if share[0] < 1 else None
            return replace(grey(level), unfinished=left)

        made = shell(draw, {"level": GREY["level"]})
        assert made.screen.unfinished == ["half of it", 0.25]

        def finish():
            share[0] = 1.0
            made.refresh()

        worker = threading.Timer(0.05, finish)
        worker.start()
        made._repr_mimebundle_()  # what stays waits
        assert made.screen.unfinished == []
        worker.join(10)

    def test_an_error_leaves_nothing_unfinished(self):
        def draw(level):
            return replace(grey(level), unfinished=("all of it", 0.0))

        made = shell(draw, {"level": GREY["level"]})
        assert made.screen.unfinished
        made.set(level=9)
        assert made.error is not None
        assert made.screen.unfinished == []

    def test_readers_without_a_kernel_get_a_picture_and_words(self):
        made = shell()
        data, metadata = made._repr_mimebundle_()
        assert {WIDGET_VIEW, "image/jpeg", "text/plain"} == set(data)
        assert data["text/plain"] == "Grey. A grey of level 3, a."
        assert metadata["image/jpeg"]["alt"] == data["text/plain"]

    def test_unknown_format(self):
        with pytest.raises(errors.InputError, match="jpeg"):
            shell(format="gif")


class TestControls:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: Slider("x", 2, 1, 1),
            lambda: Slider("x", 0, 1, 2),
            lambda: Slider("x", 0, 1, 0, 0),
            lambda: Slider("x", 0, float("nan"), 0),
            lambda: Choice("x", ()),
            lambda: Choice("x", ("a",), "b"),
            lambda: Several("x", ()),
            lambda: Several("x", ("a",), ("b",)),
            lambda: Several("x", ("a",), "a"),
            lambda: Several("x", ("a", "b"), labels=("1",)),
            lambda: Play("x", 0),
            lambda: Play("x", 3, default=3),
        ],
    )
    def test_controls_that_cannot_be(self, make):
        with pytest.raises(errors.InputError):
            make()

    def test_a_slider_is_whole_where_all_its_numbers_are(self):
        assert Slider("x", 0, 5, 1).check("x", 5) == 5
        assert isinstance(Slider("x", 0, 5, 1).build()[0].value, int)
        fine = Slider("x", 0, 1, 0.25, 0.05)
        assert isinstance(fine.build()[0].value, float)
        assert fine.build()[0].readout_format == ".2f"

    def test_several_are_ticked_in_any_order_and_named_in_one(self):
        several = Several("Letters", ("a", "b", "c"), ("c", "a"), labels=("1 a", "2 b", "3 c"))
        assert several.default == ("a", "c")
        assert several.values() == ((), ("a", "c"), ("a", "b", "c"))
        for wrong in ("a", None, ["d"], [1], 3):
            with pytest.raises(errors.InputError, match="wanted"):
                several.check("letters", wrong)
        seen = []

        def draw(letters):
            seen.append(letters)
            return grey(len(letters))

        made = shell(draw, {"letters": several})
        boxes = made._values["letters"].children[1:]
        assert [box.description for box in boxes] == ["1 a", "2 b", "3 c"]
        assert [box.value for box in boxes] == [True, False, True]
        boxes[1].value = True
        made.set(letters=["c", "b"])
        made.set(letters=[])
        made.reset()
        assert seen == [("a", "c"), ("a", "b", "c"), ("b", "c"), (), ("a", "c")]
        assert [box.value for box in boxes] == [True, False, True]

    def test_a_new_sample_is_the_next_seed(self):
        made = shell(draw=lambda seed: grey(seed % 7), controls={"seed": Seed("Sample", default=2)})
        field, row = made._values["seed"], made.children[1].children[0]
        row.children[1].click()
        assert field.value == made.params["seed"] == 3

    def test_the_buttons_that_play_send_no_message_of_their_own_for_a_moved_slider(self):
        made = shell(draw=lambda frame: grey(frame), controls={"frame": Play("Frame", 7)})
        row = made.children[1].children[0]
        slider, play = row.children
        assert made.screen.players == [[play.model_id, slider.model_id]]
        links = [w for w in _instances.values() if isinstance(w, Link)]  # these send both values
        assert not [link for link in links if slider in (link.source[0], link.target[0])]

    def test_play_and_its_slider_are_tied_in_the_browser(self):
        slider, row = Play("Frame", 12, fps=10).build()
        assert (slider.min, slider.max) == (0, 11)
        play = row.children[1]
        assert (play.min, play.max, play.interval) == (0, 11, 100)


class TestBoxCanvas:
    image = np.zeros((60, 80, 3), np.uint8)

    def test_keeps_boxes_inside_the_picture(self):
        canvas = BoxCanvas(self.image, [[-5, 10, 40, 200]], labels=["guess"])
        np.testing.assert_array_equal(canvas.as_array(), [[0, 10, 40, 60]])
        assert canvas.as_array().dtype == np.float32
        assert "guess from (0, 10) to (40, 60)" in canvas.caption

    def test_tells_of_moves(self):
        canvas, seen = BoxCanvas(self.image, [[1, 2, 30, 40]]), []
        canvas.on_move(seen.append)
        canvas.boxes = [[2, 2, 31, 40]]
        np.testing.assert_array_equal(seen[0], [[2, 2, 31, 40]])

    @pytest.mark.parametrize(
        ("boxes", "options"),
        [
            ([[5, 5, 1, 9]], {}),
            ([[1, 2, float("nan"), 4]], {}),
            ([[1, 2, 3]], {}),
            ([1, 2, 3, 4], {}),
            ([[1, 2, 9, 9]], {"labels": ["a", "b"]}),
            ([], {"most": 0}),
            ([], {"shown": 1}),
        ],
    )
    def test_bad_input(self, boxes, options):
        with pytest.raises(errors.InputError, match="wanted"):
            BoxCanvas(self.image, boxes, **options)

    def test_a_box_that_is_none_is_refused_later_too(self):
        canvas = BoxCanvas(self.image, [[1, 2, 30, 40]])
        with pytest.raises(errors.InputError):
            canvas.boxes = [[30, 2, 1, 40]]
        np.testing.assert_array_equal(canvas.as_array(), [[1, 2, 30, 40]])

    def test_without_a_picture(self):
        canvas = BoxCanvas(size=(50, 90), draw_new=True)
        assert canvas.as_array().shape == (0, 4)
        assert "No box yet" in canvas.caption
        assert plots.decode(canvas.picture()).shape[1] == 480

    def test_the_still_picture_has_the_boxes(self):
        canvas = BoxCanvas(self.image, [[10, 10, 50, 50]])
        assert plots.decode(canvas.picture()).any()
        data, _ = canvas._repr_mimebundle_()
        assert {WIDGET_VIEW, "image/png", "text/plain"} == set(data)

    @given(
        st.lists(st.floats(0, 80, width=32), min_size=2, max_size=2).map(sorted),
        st.lists(st.floats(0, 60, width=32), min_size=2, max_size=2).map(sorted),
    )
    def test_boxes_survive_to_a_tenth_of_a_pixel(self, xs, ys):
        box = [xs[0], ys[0], xs[1], ys[1]]
        ((x1, y1, x2, y2),) = BoxCanvas(self.image, [box]).as_array().tolist()
        for (low, high), (came_low, came_high) in ((xs, (x1, x2)), (ys, (y1, y2))):
            if high - low > 4.1:
                assert abs(came_low - low) <= 0.0501
                assert abs(came_high - high) <= 0.0501

    @given(
        st.lists(st.floats(-900, 900, width=32), min_size=2, max_size=2).map(sorted),
        st.lists(st.floats(-900, 900, width=32), min_size=2, max_size=2).map(sorted),
    )
    def test_every_box_can_be_caught_and_is_inside(self, xs, ys):
        canvas = BoxCanvas(self.image, [[xs[0], ys[0], xs[1], ys[1]]])
        ((x1, y1, x2, y2),) = canvas.as_array().tolist()
        assert min(x2 - x1, y2 - y1) >= 4 - 1e-4
        assert 0 <= x1 < x2 <= 80
        assert 0 <= y1 < y2 <= 60

    def test_small_boxes_grow_around_their_middle(self):
        canvas = BoxCanvas(size=(50, 90), boxes=[[20, 10, 21, 40], [500, 500, 600, 600]])
        np.testing.assert_allclose(canvas.as_array(), [[18.5, 10, 22.5, 40], [86, 46, 90, 50]])
        canvas.boxes = [[0, 0, 0, 0]]
        np.testing.assert_array_equal(canvas.as_array(), [[0, 0, 4, 4]])
