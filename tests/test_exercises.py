import dataclasses
import functools
import inspect
import os
import random
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tracklab import errors, exercises
from tracklab.exercises import (
    Exercise,
    Misconception,
    check,
    compare,
    engine,
    guard,
    hint,
    search,
    solution,
)

NAMES = exercises.names()


# -- every exercise of every lesson keeps its promises


@pytest.fixture(params=NAMES)
def exercise(request):
    return exercises.get(request.param)


@functools.cache
def said_to(name, number):
    """The feedback on a misconception, which several tests look at."""
    return check(name, exercises.get(name).misconceptions[number].answer)


def test_an_untouched_starter_never_raises(exercise):
    said = check(exercise.name, exercise.starter)
    assert said.state == "not attempted"
    assert not said
    assert exercise.task in str(said)
    assert exercise.task.split("`")[0] in said._repr_html_() or "&" in said._repr_html_()


@pytest.mark.parametrize("empty", [None, ..., NotImplemented])
def test_nothing_in_place_of_an_answer_is_not_attempted(exercise, empty):
    assert check(exercise.name, empty).state == "not attempted"


def test_the_marker_is_not_attempted(exercise):
    assert check(exercise.name, lambda *inputs: exercises.todo()).state == "not attempted"


def test_the_reference_is_right(exercise):
    said = check(exercise.name, exercise.reference)
    assert said.right, str(said)
    assert bool(said) is True
    assert exercise.praise in str(said)
    assert said.picture is None


def test_differently_written_right_answers_are_right(exercise):
    assert exercise.alternatives, "declare at least one right answer written differently"
    for alternative in exercise.alternatives:
        said = check(exercise.name, alternative)
        assert said.right, str(said)


def test_each_misconception_is_named(exercise):
    assert exercise.misconceptions, "declare at least one wrong answer with a name"
    names = [known.name for known in exercise.misconceptions]
    assert len(set(names)) == len(names)
    for number, known in enumerate(exercise.misconceptions):
        said = said_to(exercise.name, number)
        assert said.state == "wrong", known.name
        assert said.misconception == known.name, str(said)
        assert known.says in str(said)
        assert {"yours", "wanted"} <= {name for name, _ in said.facts}


def test_each_variant_is_named_as_its_misconception(exercise):
    for known in exercise.misconceptions:
        for variant in known.variants:
            said = check(exercise.name, variant)
            assert said.misconception == known.name, (variant, str(said))


def test_counterexamples_are_drawn_where_they_can_be(exercise):
    if exercise.draw is None:
        pytest.skip("this exercise has no picture")
    drawn = [said_to(exercise.name, n).picture for n in range(len(exercise.misconceptions))]
    assert any(drawn)
    for picture in filter(None, drawn):
        assert picture.startswith(b"\x89PNG")


def test_an_answer_that_raises_is_an_error_with_its_line(exercise):
    def broken(*inputs):
        return inputs[77]  # the line that is shown

    said = check(exercise.name, broken if not exercise.is_value else _raises)
    assert said.state == "error"
    text = str(said)
    assert "IndexError" in text
    assert "inputs[77]" in text
    assert "Traceback" not in text
    assert len(text.split("\n")) < 60


def _raises():
    inputs = ()
    return inputs[77]


def test_a_value_of_the_wrong_kind_is_wrong(exercise):
    for value in (np.zeros((7, 3, 2)), np.nan, "seven", [], {}, object()):
        said = check(exercise.name, lambda *inputs, value=value: value)
        assert said.state in ("wrong", "error"), str(said)
        assert not said
        assert said._repr_html_()


def test_an_answer_may_change_its_input(exercise):
    """What was handed out is a copy; the next call and the comparison do not see the change."""

    @functools.wraps(exercise.reference)
    def spoiling(*inputs):
        got = exercise.reference(*search.fresh(inputs))
        for value in inputs:
            if isinstance(value, np.ndarray) and value.size:
                value[...] = 0
            elif isinstance(value, list):
                value.clear()
        return got

    if exercise.is_value:
        pytest.skip("nothing goes in")
    before = search.fresh(exercise.cases[0])
    said = check(exercise.name, spoiling)
    assert said.right, str(said)
    assert all(map(search.same, before, exercise.cases[0]))
    if any(isinstance(v, (np.ndarray, list)) and np.any(v) for v in exercise.cases[0]):
        assert "changes what it is given" in str(said)


def test_hints_are_staged_and_the_solution_is_the_reference(exercise):
    count = len(exercise.hints)
    assert count >= 2
    for number in range(1, count + 1):
        said = hint(exercise.name, number)
        assert said.text == exercise.hints[number - 1]
        assert f"{number} of {count}" in str(said)
    with pytest.raises(errors.InputError, match=f"from 1 to {count}"):
        hint(exercise.name, count + 1)
    shown = solution(exercise.name)
    assert "def " in shown.source
    assert "<details>" in shown._repr_html_()
    assert exercise.reference.__name__ in shown.source
    document = inspect.getdoc(exercise.reference)
    if document:
        assert document.split("\n")[0] not in shown.source


def test_the_first_hint_is_a_nudge(exercise):
    first = exercise.hints[0]
    code = first.split("`")[1::2]
    assert "?" in first or not any("(" in part for part in code), "ask, or say it without code"


def test_arguments_with_a_default_are_varied(exercise):
    """Otherwise an answer that ignores them would pass."""
    given = inspect.signature(exercise.reference).parameters
    for place, name in enumerate(exercise.parameters):
        default = given[name].default
        if default is not inspect.Parameter.empty:
            values = [case[place] for case in exercise.cases if len(case) > place]
            assert any(value != default for value in values), name


def test_the_starter_takes_what_the_reference_takes(exercise):
    if callable(exercise.starter):
        mine = list(inspect.signature(exercise.starter).parameters)
        assert mine[: len(exercise.arguments)] == list(exercise.arguments)
        assert "type: ignore" not in exercises.starter(exercise.name)


def test_a_check_repeats_to_the_letter(exercise):
    again = check(exercise.name, exercise.misconceptions[0].answer)
    assert str(again) == str(said_to(exercise.name, 0))


# -- the engine, on small exercises of its own


def double(n):
    """Twice a number."""
    # d = 2 n
    return 2 * n


def simple(**changes):
    parts = {
        "name": "99-double",
        "task": "twice the number",
        "starter": lambda n: ...,
        "reference": double,
        "cases": ((3,), (7,)),
        "generate": lambda rng: (int(rng.integers(-50, 50)),),
        "misconceptions": (Misconception("square", lambda n: n * n, "That is the square."),),
        "hints": ("first", "second", "third"),
        "praise": "Well.",
    }
    return Exercise(**(parts | changes))


def test_the_smallest_counterexample_is_found():
    said = simple().check(lambda n: 2 * n if n < 17 else 0)
    assert dict(said.facts)["n"] == "17"


def test_the_smallest_counterexample_of_an_array():
    whole = simple(
        reference=lambda values: float(np.sum(values)),
        cases=((np.arange(3.0),),),
        generate=lambda rng: (np.round(rng.normal(size=rng.integers(0, 9)), 3) * 100,),
    )
    said = whole.check(lambda values: float(np.abs(values).sum()))
    assert dict(said.facts) == {"values": "[-1]", "yours": "1", "wanted": "-1"}


def test_a_pair_of_arrays_is_shrunk_together():
    def best(boxes, scores):
        return int(scores.argmax()) if len(scores) else -1

    def generate(rng):
        count = int(rng.integers(0, 8))
        return rng.uniform(0, 50, (count, 4)), rng.random(count)

    pair = simple(
        reference=best,
        cases=((np.zeros((1, 4)), np.ones(1)),),
        generate=generate,
        valid=lambda boxes, scores: len(boxes) == len(scores),
    )
    said = pair.check(lambda boxes, scores: min(best(boxes, scores), 0))
    assert dict(said.facts)["scores"] == "[0, 1]"
    assert dict(said.facts)["boxes"].count("[") == 3


def test_the_search_asks_only_for_valid_inputs():
    seen = []

    def answer(n):
        seen.append(n)
        return 0

    simple(valid=lambda n: n >= 3, generate=lambda rng: (int(rng.integers(3, 50)),)).check(answer)
    assert min(seen) == 3


def test_cases_may_vary_arguments_that_have_a_default():
    def times(n, by=2):
        return n * by

    asked = simple(reference=times, cases=((3,), (3, 5)), generate=None)
    assert asked.check(lambda n, by=2: by * n).right
    assert dict(asked.check(lambda n, by=2: 2 * n).facts)["by"] == "0"
    assert dict(asked.check(lambda n, by=2: n).facts).keys() == {"n", "yours", "wanted"}
    assert "(n, by)" in asked.check(lambda n: 2 * n).message
    assert "(n, *, by)" in asked.check(lambda n, *, by=2: by * n).message
    with pytest.raises(errors.InputError, match="n, by"):
        simple(reference=times, cases=((3, 5, 7),))


def test_a_mistake_in_shape_is_shown_where_it_is_plain():
    """Shrunk to one value, a wrong shape would look like an axis of length 1."""
    mean = simple(
        reference=lambda values: float(np.mean(values)),
        cases=((np.arange(1.0, 2.0),), (np.arange(1.0, 4.0),)),
        generate=lambda rng: (rng.random(rng.integers(1, 6)),),
        valid=lambda values: len(values) > 0,
    )
    said = mean.check(lambda values: values)
    assert "length 1" not in said.message
    assert "shape (2,)" in said.message
    assert "length 1" in mean.check(lambda values: values.mean(keepdims=True)).message


def test_an_answer_that_forgets_to_return_is_told_so():
    def forgetful(n):
        print(2 * n)

    said = simple().check(forgetful)
    assert said.state == "wrong"
    assert "return" in said.message
    assert dict(said.facts)["printed"]


def test_what_an_answer_prints_is_shown_once(capsys):
    def chatty(n):
        print("n is", n)
        return 0

    said = simple().check(chatty)
    assert dict(said.facts)["printed"].startswith("n is ")
    assert capsys.readouterr().out == ""


def test_check_prints_nothing(capsys):
    simple().check(double)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def _forever(n):
    while True:
        n += 1


def _forever_and_deaf(n):
    while True:
        try:  # noqa: SIM105
            n += 1
        except BaseException:
            pass


def _forever_and_deaf_inside(n):
    while True:
        try:
            while True:  # all its time is in here
                n += 1
        except BaseException:
            pass


@pytest.mark.parametrize("loop", [_forever, _forever_and_deaf, _forever_and_deaf_inside])
def test_an_endless_loop_is_reported(loop):
    said = simple(seconds=0.1).check(loop)
    assert said.state == "error"
    assert "still running" in said.message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no alarm signal on this system")
@pytest.mark.parametrize("loop", [_forever, _forever_and_deaf, _forever_and_deaf_inside])
def test_an_endless_loop_is_stopped_by_the_alarm_alone(loop):
    # an alarm that answers itself would end in a RecursionError
    assert guard._in_main_thread(loop, (0,), 0.1) == (None, None, True)


def test_an_endless_loop_is_reported_from_another_thread():
    said = []
    work = threading.Thread(target=lambda: said.append(simple(seconds=0.1).check(_forever)))
    work.start()
    work.join(20)
    assert "still running" in said[0].message


def test_a_late_answer_is_not_mistaken_for_a_value():
    def swallows(n):
        try:
            while True:
                n += 1
        except BaseException:
            return 2 * n

    assert simple(seconds=0.1).check(swallows).state == "error"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no alarm signal on this system")
def test_the_alarm_of_the_caller_is_given_back():
    import signal

    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGALRM, mine)
    try:
        simple().check(double)
        assert signal.getsignal(signal.SIGALRM) is mine
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_exit_in_an_answer_does_not_end_the_process():
    said = simple().check(lambda n: sys.exit(3))
    assert said.state == "error"
    assert "SystemExit" in said.message


def test_deep_recursion_is_an_error():
    def deep(n):
        return deep(n)

    assert "RecursionError" in simple().check(deep).message


def test_interrupting_a_check_interrupts_it():
    def interrupted(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simple().check(interrupted)


def test_the_result_instead_of_the_function():
    said = simple().check(6)
    assert said.state == "wrong"
    assert "itself" in said.message


def test_another_number_of_arguments():
    said = simple().check(lambda a, b: a)
    assert said.state == "wrong"
    assert "(a, b)" in said.message
    assert "(n)" in said.message


def test_a_starter_with_given_lines_is_not_attempted():
    def starter(n):
        half = n / 2
        result = ...
        print(half)
        return result

    def same_but_none(n):
        half = n / 2
        print(half)

    assert simple(starter=starter).check(starter).state == "not attempted"
    assert simple(starter=same_but_none).check(same_but_none).state == "not attempted"


def test_an_answer_that_raises_only_sometimes_is_shrunk_to_that():
    def fragile(n):
        if n > 20:
            raise ValueError("too large")
        return 2 * n

    said = simple().check(fragile)
    assert said.state == "error"
    assert dict(said.facts)["n"] == "21"


def test_randomness_of_the_caller_is_left_alone():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.RandomState(1).rand()
    simple().check(lambda n: 0)
    assert np.random.rand() == expected  # noqa: NPY002


def test_a_value_can_be_asked_for():
    def seconds():
        return 60 / 25

    asked = simple(
        reference=seconds,
        starter=...,
        cases=(),
        generate=None,
        misconceptions=(Misconception("upside down", 25 / 60, "The other way round."),),
    )
    assert asked.check(2.4).right
    assert asked.check(np.float32(2.4)).right
    assert asked.check(lambda: 2.4).right
    assert asked.check(...).state == "not attempted"
    assert asked.check(25 / 60).misconception == "upside down"
    assert asked.check("2.4").state == "wrong"


def test_where_many_answers_are_right_a_judge_decides():
    def judge(inputs, got, wanted):
        return None if got % inputs[0] == 0 else f"{got} is no multiple."

    asked = simple(judge=judge, cases=((3,),), generate=None)
    assert asked.check(lambda n: 5 * n).right
    assert asked.check(lambda n: n + 1).message == "3 is no multiple."
    assert asked.check(lambda n: "no").state == "wrong"


def test_a_picture_that_cannot_be_drawn_costs_only_the_picture():
    def draw(inputs, got, wanted):
        raise ValueError

    said = simple(draw=draw).check(lambda n: 0)
    assert said.state == "wrong"
    assert said.picture is None


def test_a_figure_or_an_array_becomes_a_png():
    from matplotlib.figure import Figure

    assert engine.as_png(Figure()).startswith(b"\x89PNG")
    assert engine.as_png(np.zeros((4, 5, 3), np.uint8)).startswith(b"\x89PNG")
    assert engine.as_png(b"bytes") == b"bytes"


def test_feedback_is_escaped_and_says_its_state_in_words():
    said = simple().check(lambda n: "<script>alert(1)</script>")
    page = said._repr_html_()
    assert "<script>" not in page
    assert "Not yet" in page
    assert "✗" in page
    assert "Right" in simple().check(double)._repr_html_()


def test_hints_go_on_by_themselves():
    asked = simple()
    assert [asked.hint().text for _ in range(4)] == ["first", "second", "third", "third"]
    assert asked.hint(1).text == "first"
    for wrong in (0, 4, 1.5, True, "one"):
        with pytest.raises(errors.InputError):
            asked.hint(wrong)


def test_the_solution_has_no_docstring():
    assert engine.source(double) == "def double(n):\n    # d = 2 n\n    return 2 * n"


@pytest.mark.parametrize(
    "changes",
    [{"name": "double"}, {"hints": ("one",)}, {"cases": ((1, 2),)}, {"cases": ()}],
)
def test_a_careless_declaration_is_refused(changes):
    with pytest.raises(errors.InputError):
        simple(**changes)


def test_a_wrong_name_lists_near_ones():
    with pytest.raises(errors.InputError, match="'00-speed'"):
        check("00-sped", 1)
    for wrong in ("", "77-zzzzzz", 3, None):
        with pytest.raises(errors.InputError, match="00-speed"):
            check(wrong, 1)


def test_names_of_a_lesson():
    assert exercises.names(0) == ("00-speed", "00-path", "00-follow")
    assert exercises.names(np.int64(0)) == exercises.names(0)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("wrong", ["x", 98, -1, 1.5, True, [0]])
def test_a_lesson_without_exercises_is_refused(wrong):
    with pytest.raises(errors.InputError, match="lesson"):
        exercises.names(wrong)


# -- answers that learners gave


def test_a_batch_is_not_divided_by_its_brightest_value():
    def by_brightest(frames):
        return frames[..., ::-1] / frames.max()

    said = check("01-to-tensor", by_brightest)
    assert said.misconception == "divided by the brightest"
    each = check("01-to-tensor", lambda f: f[..., ::-1] / f.max((1, 2, 3), keepdims=True))
    assert each.misconception == "divided by the brightest"


def test_both_ways_to_lose_the_fraction_are_told():
    said = check("01-to-tensor", lambda f: (f[..., ::-1] / 255).astype(np.uint8))
    assert "`//`" in str(said)
    assert "whole-number type after `/`" in str(said)


def _probabilities(logits, stable=True):
    e = np.exp(logits - logits.max(1, keepdims=True) if stable else logits)
    return e / e.sum(1, keepdims=True)


def _own(p, labels):
    return p[np.arange(len(labels)), labels]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda z, y: -np.log(_own(_probabilities(z), y) + 1e-12).mean(), "clipped"),
        (lambda z, y: -np.log(_own(_probabilities(z), y) + 1e-9).mean(), "clipped"),
        (lambda z, y: -np.log(np.clip(_own(_probabilities(z), y), 1e-15, 1)).mean(), "clipped"),
        (lambda z, y: -np.log(_own(_probabilities(z, False), y) + 1e-12).mean(), "overflow"),
        (lambda z, y: -np.log(_own(z, y)).mean(), "logits taken for probabilities"),
        (lambda z, y: -np.log(_own(z.clip(1e-12), y)).mean(), "logits taken for probabilities"),
    ],
)
def test_cross_entropies_that_are_nearly_right(answer, name):
    assert check("02-cross-entropy", answer).misconception == name


def test_keras_without_from_logits_is_recognised():
    from tracklab.quiet import keras

    def answer(logits, labels):
        return keras.losses.SparseCategoricalCrossentropy()(labels, logits)

    said = check("02-cross-entropy", answer)
    assert said.misconception == "logits taken for probabilities"
    assert "from_logits=True" in str(said)


def test_lost_is_minus_one_and_not_none():
    def follow(box, detections, reach):
        number = exercises.get("00-follow").reference(box, detections, reach)
        return number if number >= 0 else None

    said = check("00-follow", follow)
    assert said.misconception == "nothing where lost"
    assert "-1" in said.notes[0]


@pytest.mark.parametrize("positive", [0.5, 0.55, 0.6, 0.65, 0.75, 0.8])
@pytest.mark.parametrize("negative", [0.3, None])
def test_thresholds_of_its_own_are_no_match(positive, negative):
    """Another number in place of `positive`, or numbers in place of both."""
    right = exercises.get("03-match").reference

    def answer(anchors, truth, given=0.7, below=0.3):
        return right(anchors, truth, positive, below if negative is None else negative)

    said = check("03-match", answer)
    assert said.state == "wrong"
    if positive == 0.5:
        assert said.misconception == "thresholds of its own"


def test_match_looks_at_its_thresholds():
    right = exercises.get("03-match").reference
    said = check(
        "03-match", lambda anchors, truth, positive=0.7, negative=0.3: right(anchors, truth)
    )
    assert said.misconception == "thresholds of its own"
    assert {"positive", "negative"} <= dict(said.facts).keys()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("03-average-precision", lambda c, n: np.cumsum(c) / np.arange(1, len(c) + 1)),
        ("04-detection-loss", lambda c, y, o, t: c + np.abs(o - t).sum(1) * (y > 0)),
        ("04-sample-points", lambda box, stride, bins: np.zeros((2, bins, bins))),
        ("04-sample-points", lambda box, stride, bins: np.zeros((bins * bins, 2))),
    ],
)
def test_a_wrong_shape_is_not_blamed_on_axes_of_length_1(name, answer):
    said = check(name, answer)
    assert said.state == "wrong"
    assert "length 1" not in str(said)


def test_a_giou_that_is_the_iou_where_boxes_overlap_is_told_so():
    def answer(a, b):
        iou = _iou(a, b)
        return iou if iou > 0 else exercises.get("03-giou").reference(a, b)

    said = check("03-giou", answer)
    assert said.misconception == "IoU where boxes overlap"
    assert "for all boxes that lie apart" not in str(said)


def _iou(a, b):
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def test_two_rows_of_proposals_are_to_be_joined():
    def answer(labels, count, share):
        foreground = np.flatnonzero(labels > 0)[: int(share * count)]
        return foreground, np.flatnonzero(labels == 0)[: count - len(foreground)]

    assert "np.concatenate" in check("04-sample-rois", answer).message


def test_nms_keeps_what_is_exactly_at_the_threshold():
    def answer(candidates, scores, threshold):
        kept = []
        for i in np.argsort(-scores):
            if all(_iou(candidates[i], candidates[j]) < threshold for j in kept):
                kept.append(i)
        return kept

    assert check("03-nms", answer).misconception == "at the threshold"


def test_peaks_may_be_found_as_the_lesson_shows_it():
    """TensorFlow answers in float32, so the map that it is compared with must be float32, too."""
    from tracklab.quiet import tf

    def answer(heat, threshold):
        highest = tf.nn.max_pool2d(heat[None, ..., None], 3, 1, "SAME")[0, ..., 0].numpy()
        places = np.argwhere((heat == highest) & (heat >= threshold))
        return sorted(places.tolist(), key=lambda place: -heat[tuple(place)])

    assert check("04-center-peaks", answer).right


def _binned(confidences, correct, bins, inside):
    error = 0.0
    for b in range(bins):
        mask = inside(confidences, b / bins, (b + 1) / bins)
        if mask.any():
            error += mask.mean() * abs(correct[mask].mean() - confidences[mask].mean())
    return error


def test_an_edge_may_be_on_either_side_but_not_on_both():
    def both(*inputs):
        return _binned(*inputs, lambda c, low, high: (c >= low) & (c <= high))

    def upper(*inputs):
        return _binned(*inputs, lambda c, low, high: (c > low) & (c <= high) | (c + low == 0))

    assert check("02-calibration", both).misconception == "edges counted twice"
    assert check("02-calibration", upper).right


# -- references that are the package's own functions, cut small


def test_lesson_07s_success_is_that_of_the_metrics():
    from tracklab.metrics import single

    rng = np.random.default_rng(7)
    truth = np.tile([0.0, 0.0, 20.0, 10.0], (50, 1))
    said = truth + rng.normal(0, 4, (50, 1)) * [1, 0, 1, 0]
    said[0] = truth[0]  # where it is given
    truth[[5, 17]] = np.nan
    overlaps = single.compare(said, truth).overlaps
    wanted = exercises.get("07-success").reference(overlaps)
    assert wanted == pytest.approx(single.success_auc(said, truth))


def test_lesson_07s_filter_is_mosses():
    from tracklab.trackers import mosse

    rng = np.random.default_rng(7)
    patches, patch = rng.normal(size=(3, 12, 9)), rng.normal(size=(12, 9))
    wished = mosse.wished((12, 9))
    own = mosse.respond(mosse.learn(patches, wished, 0.3), patch)
    assert np.allclose(exercises.get("07-mosse").reference(patches, wished, patch, 0.3), own)


def test_lesson_07s_votes_are_those_of_the_network():
    from tracklab.models.siamese import votes
    from tracklab.models.siamese.geometry import CELLS
    from tracklab.models.siamese.memory import GRID

    volume = np.random.default_rng(7).uniform(-1, 1, (GRID, GRID, CELLS, CELLS))
    aligned = votes.align(volume.reshape(1, GRID**2, CELLS**2)).numpy()[0]
    for row, column in ((0, 0), (3, CELLS - 1), (11, 12)):
        cast = exercises.get("07-votes").reference(volume, row, column)
        assert np.array_equal(cast, aligned[row, column].reshape(GRID, GRID))


def test_lesson_07s_posterior_is_that_of_the_belief():
    from tracklab.models.siamese import belief
    from tracklab.models.siamese.geometry import CELLS, STRIDE

    logits = np.random.default_rng(7).normal(0, 3, (CELLS, CELLS)).astype(np.float32)
    expected, spread = np.array([9.3, 14.1]), 2.5  # in cells, whose middles are at 1/2
    away = np.float32((expected + 0.5) * STRIDE)[None]
    prior = np.asarray(belief.log_prior(away, np.float32([[spread * STRIDE]])))[0]
    own = np.exp(logits + prior) / np.exp(logits + prior).sum()
    assert np.allclose(exercises.get("07-posterior").reference(logits, expected, spread), own)


def test_lesson_07s_gains_are_those_of_the_belief():
    from tracklab.models.siamese import belief

    rng = np.random.default_rng(7)
    middle, velocity, found, size = rng.uniform(5, 40, (4, 1, 2)).astype(np.float32)
    said = rng.normal(size=3)
    held = belief.born(middle, size)._replace(velocities=velocity)
    frame = belief.Found(found, size, *np.ones((4, 1, 1), np.float32))
    raw = np.zeros((1, belief.SAID), np.float32)
    raw[0, :3] = said - [belief.BELIEVE, belief.TURN, belief.KEEP]
    after, _ = belief.correct(held, frame, raw)
    wanted = exercises.get("07-believe").reference(middle[0], velocity[0], found[0], said)
    assert np.allclose(after.middles[0], wanted[0], atol=1e-3)
    assert np.allclose(after.velocities[0], wanted[1], atol=1e-3)


def test_a_complex_answer_is_compared_without_a_warning(recwarn):
    """Who forgets `.real` behind a Fourier transform is right, but for rounding."""
    right = exercises.get("07-mosse").reference
    assert check("07-mosse", lambda *inputs: right(*inputs) + 1e-17j).right
    said = check("07-mosse", lambda *inputs: right(*inputs) + 1j)
    assert said.state == "wrong"
    assert "1j" in str(said)
    assert not [one for one in recwarn if "Complex" in one.category.__name__]


# -- comparison


@pytest.mark.parametrize(
    ("got", "wanted", "said"),
    [
        ([[1, 2]], np.ones((2, 1)), "Rows and columns"),
        (np.ones((1, 3)), np.ones(3), "axes of length 1"),
        (np.array([1, 2]), np.array([1.5, 2.5]), "fraction"),
        (np.array([4], np.uint8), np.array([260]), "wraps"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "NaN where a number"),
        (np.array([1.0, 2.0]), np.array([1.0, np.nan]), "number where NaN"),
        (np.array([-1.0, 2.0]), np.array([1.0, -2.0]), "other way round"),
        (np.array([-1.0 + 0j, 2.0]), np.array([1.0, -2.0]), "other way round"),
        (np.array([1, 0]), np.array([True, False]), "`True` and `False`"),
        (np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), "index 2: 3 instead of 4"),
        ("3", 3.0, "a text"),
        (None, 3.0, "return"),
        ((1,), (1, 2), "1 value; wanted: 2"),
        (3, (1, 2), "one number"),
        ({"a": 1}, {"b": 1}, "keys differ"),
        ({"a": 1}, {"a": 2}, "key 'a'"),
        (1, True, "yes or no"),
        ([[1], [1, 2]], np.ones(2), "list"),
        (122_571, 122_570, "not the wanted one"),
        (2**70, 2**70 + 1, "not the same"),
        (np.array(1.0), [], "0 values wanted"),
    ],
)
def test_differences_are_explained(got, wanted, said):
    assert said in compare.difference(got, wanted)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        (np.float32(0.1), 0.1),
        (3, 3.0),
        (np.array(3.0), 3),
        (np.nan, np.nan),
        ((1, [2, 3]), (1, np.array([2, 3]))),
        (np.bool_(True), True),
        ({2, 1}, {1, 2}),
        (np.zeros((0, 4)), np.zeros((0, 4))),
        (1 + 2j, 1 + 2j),
    ],
)
def test_what_counts_as_equal(got, wanted):
    assert compare.difference(got, wanted) is None


def test_a_dataclass_is_compared_by_its_parts():
    @dataclasses.dataclass
    class Pair:
        left: object
        right: object

    assert compare.difference(Pair(1, np.ones(2)), Pair(1, np.ones(2))) is None
    assert "`.right`" in compare.difference(Pair(1, np.ones(2)), Pair(1, np.zeros(2)))


values = st.one_of(
    st.floats(),
    st.integers(),
    st.text(),
    st.none(),
    hnp.arrays(
        st.sampled_from([np.float32, np.int64, np.uint8, bool]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
)
values = st.one_of(values, st.lists(values, max_size=3), st.tuples(values, values))


@given(values, values)
@settings(deadline=None)
def test_comparison_never_raises_and_agrees_with_itself(a, b):
    assert compare.difference(a, a) is None or a is None
    said = compare.difference(a, b)
    assert said is None or said.endswith((".", "?"))
    assert isinstance(compare.words(a), str)
    assert len(compare.words(a)) <= compare.LONGEST


# -- the search


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
@settings(deadline=None)
def test_shrinking_finds_the_border(start, border):
    if start < border:
        start, border = border, start
    (small,) = search.shrink((start,), lambda inputs: inputs[0] >= border)
    assert small == max(border, 0) or search.cost((small,)) <= search.cost((border,))


@given(values)
@settings(deadline=None)
def test_shrinking_ends_and_never_costs_more(value):
    small = search.shrink((value,), lambda inputs: True)
    assert search.cost(small) <= search.cost((value,))
    assert all(map(search.same, search.fresh((value,)), (value,)))


def test_a_copy_is_a_copy():
    inputs = (np.ones(3), [1, 2], {"a": 1}, threading.Lock())
    copied = search.fresh(inputs)
    copied[0][0] = 5
    copied[1].append(3)
    assert not search.same(inputs[0], copied[0])
    assert not search.same(inputs[1], copied[1])
    assert copied[3] is inputs[3]


# -- the guard


def test_the_place_of_an_error_is_in_the_answer():
    def answer():
        return np.linalg.inv(np.zeros((2, 2)))

    outcome = guard.call(answer, (), 2.0)
    where = guard.place(outcome.error, answer)
    assert "np.linalg.inv" in where.text
    assert where.function == "answer"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_loop_that_prints_takes_no_memory(stream):
    import tracemalloc

    def answer():
        for _ in range(2000):
            print("x" * 1000, file=getattr(sys, stream))

    tracemalloc.start()
    try:
        outcome = guard.call(answer, (), 20.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.error is None
    assert len(outcome.printed) == guard.PRINTED
    assert peak < 500_000  # two million characters were printed


def test_error_output_and_log_records_are_caught(capsys):
    import logging

    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stderr)
    root.addHandler(handler)
    mine = []

    def answer():
        print("to stderr", file=sys.stderr)
        logging.warning("a record")
        mine.append(logging.StreamHandler())
        root.addHandler(mine[0])

    before = handler.stream
    try:
        outcome = guard.call(answer, (), 2.0)
        assert handler.stream is before
        assert mine[0].stream is sys.stderr  # not what was closed with the call
    finally:
        for one in (handler, *mine):
            root.removeHandler(one)
    assert "to stderr" in outcome.printed
    assert "a record" in outcome.printed
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_displays_of_an_answer_are_caught(capsys):
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import clear_output, display

    shell = InteractiveShell.instance()
    publisher = shell.display_pub = CapturingDisplayPublisher()
    try:
        outcome = guard.call(lambda: display(np.arange(3)) or clear_output(), (), 2.0)
        assert shell.display_pub is publisher
        assert publisher.outputs == []  # nothing came into the cell
    finally:
        InteractiveShell.clear_instance()
    assert outcome.error is None
    assert "array([0, 1, 2])" in outcome.printed
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_figures_of_an_answer_are_closed_and_others_stay():
    import matplotlib.pyplot as plt

    mine = plt.figure()
    try:
        outcome = guard.call(lambda: [plt.figure() for _ in range(3)] and 1, (), 5.0)
        assert outcome.value == 1
        assert plt.get_fignums() == [mine.number]
    finally:
        plt.close(mine)


def _sleeps_in_a_bare_except():
    while True:
        try:
            time.sleep(0.02)
        except:  # noqa: E722
            continue


def _nested_bare_excepts():
    while True:
        try:
            while True:
                try:
                    time.sleep(0.02)
                except:  # noqa: E722
                    continue
        except:  # noqa: E722
            pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no alarm signal on this system")
@pytest.mark.parametrize("loop", ["_sleeps_in_a_bare_except", "_nested_bare_excepts"])
def test_a_loop_that_swallows_everything_ends_too(loop):
    """In a process of its own, which can be ended where this one would hang."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_exercises as here\n"
        "print(here.guard.call(getattr(here, sys.argv[2]), (), 0.1).late)"
    )
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", code, folder, loop], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "True", done.stderr


def test_loading_a_module_is_not_taken_for_an_endless_loop(tmp_path, monkeypatch):
    (tmp_path / "slow_to_load.py").write_text("import time\ntime.sleep(1.5)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def answer():
        import slow_to_load

        return slow_to_load.__name__

    try:
        assert guard.call(answer, (), 1.0).value == "slow_to_load"
        sys.modules.pop("slow_to_load")
        said = []
        helper = threading.Thread(target=lambda: said.append(guard.call(answer, (), 1.0)))
        helper.start()
        helper.join(20)
        assert said[0].value == "slow_to_load"
    finally:
        sys.modules.pop("slow_to_load", None)


def test_a_slow_answer_has_one_budget_for_the_whole_check(monkeypatch):
    monkeypatch.setattr(engine, "CHECK_SECONDS", 0.3)
    calls = []

    def slow(n):
        calls.append(n)
        time.sleep(0.1)
        return 0

    many = simple(cases=tuple((n,) for n in range(1, 30)))
    assert many.check(slow).state == "wrong"
    assert len(calls) < 8


# -- the sheet


def test_a_sheet_is_drawn_for_any_numbers():
    from tracklab.exercises import sketch

    for around in ([], [[np.nan] * 4], [[0, 0, 0, 0]], [[-1e6, 0, 1e6, 1]], [[0, 0, 1e-3, 1e-3]]):
        sheet = sketch.Sheet(np.array(around, float))
        for box in around:
            sheet.box(box, sketch.WANTED, label="box", key="a box", dashed=True)
            sheet.arrow(box[:2], box[2:], sketch.YOURS, label="arrow", key="an arrow")
        sheet.circle((0, 0), 3, key="reach")
        sheet.text((0, 0), "here")
        picture = sheet.picture()
        assert picture.dtype == np.uint8
        assert picture.shape[1:] == (sketch.WIDTH, 3)


def test_wanted_and_yours_differ_by_line_and_word():
    from tracklab.exercises import sketch

    sheet = sketch.Sheet([[0, 0, 50, 40]])
    blank = sheet.picture()
    sheet.box([5, 5, 45, 35], sketch.WANTED, key="wanted")
    solid = sheet.picture()[: sketch.HEIGHT]
    dashed_sheet = sketch.Sheet([[0, 0, 50, 40]])
    dashed_sheet.box([5, 5, 45, 35], sketch.WANTED, key="yours", dashed=True)
    dashed = dashed_sheet.picture()[: sketch.HEIGHT]
    inked = [(p != blank[: sketch.HEIGHT]).any(2).sum() for p in (solid, dashed)]
    assert inked[0] > 1.5 * inked[1] > 0


def test_lesson_11s_maps_are_those_of_the_room():
    from tracklab.explain import gradcam

    rng = np.random.default_rng(11)
    maps, slopes = rng.normal(size=(2, 5, 4, 6))
    wanted = exercises.get("11-grad-cam").reference(maps, slopes)
    np.testing.assert_allclose(gradcam.coarse(maps, slopes), wanted, rtol=1e-4, atol=1e-5)


def test_lesson_11s_r_squared_is_that_of_the_room():
    from tracklab.explain import readout

    rng = np.random.default_rng(11)
    said, true = rng.normal(size=(2, 40))
    wanted = exercises.get("11-r-squared").reference(said, true)
    assert readout.r_squared(said, true) == pytest.approx(wanted)


def test_lesson_11s_deletion_is_that_of_the_room():
    """Of a network that adds up what its pixels are more than their mean."""
    from test_explain import linear

    from tracklab import explain

    rng = np.random.default_rng(11)
    image = rng.integers(0, 255, (3, 4, 3)).astype(np.uint8)
    weights, heat = rng.normal(0, 1e-3, (3, 4, 3)), rng.permutation(12).reshape(3, 4) * 1.0
    curve = explain.deletion(linear(weights), image, heat, steps=12)
    adds = (weights * (image - image.mean((0, 1)))).sum(-1).ravel()
    rest = float((weights * image.mean((0, 1))).sum())
    wanted = exercises.get("11-deletion").reference(heat.ravel(), adds) + rest
    said = np.log(curve.probabilities / (1 - curve.probabilities.astype(float)))
    np.testing.assert_allclose(said, wanted, rtol=1e-2, atol=1e-3)


def test_lesson_11s_shares_are_those_of_the_room():
    from test_explain import linear

    from tracklab import explain

    rng = np.random.default_rng(11)
    image = rng.integers(0, 255, (3, 4, 3)).astype(np.uint8)
    weights = rng.normal(size=(3, 4, 3))
    found = explain.integrated(linear(weights), image, baseline=np.zeros((3, 4, 3)))
    own = exercises.get("11-shares").reference
    wanted = sum(own(image[..., c], np.zeros((3, 4)), weights[None, ..., c]) for c in range(3))
    np.testing.assert_allclose(found.shares, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("once", [True, False])
def test_lesson_12s_grid_may_be_rounded_in_either_order(once):
    def answer(values, bits):
        low, high = min(values.min(), 0), max(values.max(), 0)
        scale, half = (high - low) / (2**bits - 1), 2 ** (bits - 1)
        zero = int(np.floor(0.5 - half - low / scale))
        places = values / scale
        return scale, zero, np.round(places + zero) if once else np.floor(places + 0.5) + zero

    said = check("12-quantize", answer)
    assert said.right, str(said)


def test_lesson_12s_count_of_weights_may_round_halves_up():
    def answer(first, second, share):
        sizes = np.abs(np.append(first, second))
        stays = sizes.argsort().argsort() >= int(share * len(sizes) + 0.5)
        return stays[: first.size].reshape(first.shape), stays[first.size :].reshape(second.shape)

    said = check("12-prune", answer)
    assert said.right, str(said)
