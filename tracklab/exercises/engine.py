"""The exercise engine: an exercise is declared once, and checked by what an answer does.

How to declare one, in `tracklab/exercises/lesson_NN.py` (`lesson_00.py` is the pattern)::

    def speed(box, next_box, fps):                  # the reference: a function of this module, or
        '''Speed in pixels a second.'''             # one of the package's own
        step = centers(next_box) - centers(box)
        # v = |c' - c| * fps
        return float(np.hypot(*step)) * fps

    def speed_starter(box, next_box, fps):          # what the learner finds in the notebook
        '''Speed in pixels a second.'''
        return ...                                  # or `exercises.todo()`

    SPEED = Exercise(
        name="00-speed",                            # unique; begins with the lesson's number
        task="the speed of a box in pixels a second",
        starter=speed_starter,
        reference=speed,
        cases=((BOX, NEXT_BOX, 25.0), ...),         # hand-picked: the edges; arguments as tuples,
                                                    # those with a default or without
        generate=lambda rng: (..., ..., 25.0),      # more of them, at random
        valid=lambda box, next_box, fps: fps > 0,   # what the search may call an input
        misconceptions=(
            Misconception("per frame", per_frame, "That is pixels a frame. ..."),
        ),
        alternatives=(another_right_way,),          # for the tests: right, and written differently
        hints=("...", "..."),                       # at least two, from a nudge to the last step
        praise="what the right answer shows",
        onward="where it leads",
        draw=picture_of_it,                         # optional: (inputs, got, wanted) -> picture
    )
    EXERCISES = (SPEED, ...)

An answer is right when it agrees with the reference on every case and on `trials` random inputs.
A difference is shown on the smallest inputs that the search finds. A misconception is recognised
by what it computes: it is named when the learner's answer gives the same wrong values.

Without inputs (a reference that takes no arguments) the answer may be a value instead of a
function. Where many answers are right, `judge(inputs, got, wanted)` says in words what is wrong
with one, or None; `got` may be anything at all.

A picture is an RGB array `(H, W, 3)` uint8, the bytes of a PNG, or a matplotlib figure; `sketch`
helps to make one. It gets whatever the learner's function returned: where it raises, the feedback
comes without a picture.
"""

from __future__ import annotations

import ast
import dis
import inspect
import io
import textwrap
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.exercises import compare, feedback, guard, search
from tracklab.exercises.feedback import Feedback, Hint, Solution
from tracklab.exercises.search import Inputs

Answer = Callable[..., Any]

TRIALS = 100  # random inputs: enough to find what the hand-picked ones miss, still instant
FAILURES = 20  # wrong results looked at to recognise a misconception
CALL_SECONDS = 2.0  # for one call
CHECK_SECONDS = 5.0  # for a whole check; an answer that is slow and right gets all picked inputs


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that has a name.

    name: in a few words.
    answer: the function that makes the mistake (or the wrong value, where the answer is a value).
    says: the line of feedback that helps one who made it.
    variants: answers that make the same mistake and give other wrong values.
    """

    name: str
    answer: Any
    says: str
    variants: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, how it is checked, what helps. The module says how to write it.

    name: unique, begins with the lesson's two digits, as in "00-speed".
    task: what the learner's function gives back, as a phrase.
    starter, reference: what the learner finds, and the answer; same arguments, in the same order.
    cases: tuples of arguments, hand-picked; `generate(rng)` makes one more at random. Arguments
        that have a default may be left out.
    misconceptions, alternatives: wrong answers with names; right ones written differently.
    hints: at least two.
    praise, onward: what a right answer shows, and where it leads.
    valid: whether arguments make sense, for the search of small ones.
    judge: `(inputs, got, wanted) -> str | None` in place of the comparison with the reference.
    draw: `(inputs, got, wanted) -> picture`; `alt` describes what such a picture shows.
    rtol, atol: how near a number must come.
    trials, seconds: random inputs tried; the time limit of one call.

    Raises `InputError` where the declaration is not complete.
    """

    name: str
    task: str
    starter: Any
    reference: Answer
    cases: tuple[Inputs, ...] = ()
    generate: Callable[[np.random.Generator], Inputs] | None = None
    misconceptions: tuple[Misconception, ...] = ()
    alternatives: tuple[Any, ...] = ()
    hints: tuple[str, ...] = ()
    praise: str = ""
    onward: str = ""
    valid: Callable[..., bool] | None = None
    judge: Callable[[Inputs, Any, Any], str | None] | None = None
    draw: Callable[[Inputs, Any, Any], Any] | None = None
    alt: str = "The counterexample, drawn."
    rtol: float = compare.RTOL
    atol: float = compare.ATOL
    trials: int = TRIALS
    seconds: float = CALL_SECONDS
    _given: list[int] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (len(self.name) > 3 and self.name[:2].isdigit() and self.name[2] == "-"):
            errors.bad("name", self.name, "two digits of the lesson, '-', and a word: '00-speed'")
        if len(self.hints) < 2:
            errors.bad(f"hints of {self.name}", len(self.hints), "two hints or more")
        if not self.arguments and not self.cases:
            object.__setattr__(self, "cases", ((),))
        if not self.cases:
            errors.bad(f"cases of {self.name}", self.cases, "at least one tuple of arguments")
        least, most = len(self.arguments), len(self.parameters)
        for case in self.cases:
            if not isinstance(case, tuple) or not least <= len(case) <= most:
                wanted = f"tuples of the arguments {', '.join(self.parameters)}"
                errors.bad(f"cases of {self.name}", case, wanted)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the reference's arguments that have no default."""
        parameters = inspect.signature(self.reference).parameters.values()
        return tuple(p.name for p in parameters if p.default is p.empty and p.kind < 2)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all arguments of the reference that are given by their place."""
        parameters = inspect.signature(self.reference).parameters.values()
        return tuple(p.name for p in parameters if p.kind < 2)

    @property
    def is_value(self) -> bool:
        """Whether the answer may be a value: nothing goes in."""
        return not self.arguments

    def hint(self, number: int | None = None) -> Hint:
        """Hint `number`, counted from 1, or the next one that was not shown yet."""
        count = len(self.hints)
        if number is None:
            number = min(max(self._given, default=0) + 1, count)
        number = int(errors.number(f"hint of {self.name}", number, low=1, high=count, whole=True))
        self._given.append(number)
        return Hint(self.name, number, count, self.hints[number - 1])

    def solution(self) -> Solution:
        """The source of the reference, without its docstring."""
        module = self.reference.__module__
        note = ""
        if not module.startswith("tracklab.exercises"):
            note = f"This is `{module}.{self.reference.__qualname__}`, from the package itself."
        return Solution(self.name, source(self.reference), note)

    def check(self, answer: Any) -> Feedback:
        """What there is to say about an answer. Raises nothing that the answer raises."""
        return _Check(self, answer).feedback()


def source(function: Answer) -> str:
    """The source of a function without its docstring, which the exercise's text repeats."""
    text = textwrap.dedent(inspect.getsource(function)).rstrip()
    (definition, *_) = ast.parse(text).body
    body = getattr(definition, "body", [])
    if not body or ast.get_docstring(definition) is None or len(body) < 2:  # type: ignore[arg-type]
        return text
    lines = text.split("\n")
    start, stop = body[0].lineno - 1, body[0].end_lineno
    while stop < len(lines) and not lines[stop].strip():
        stop += 1
    return "\n".join(lines[:start] + lines[stop:])


@dataclass(frozen=True)
class _Result:
    """One call of the learner's function, and what is wrong with it (None: nothing)."""

    inputs: Inputs
    got: Any = None
    wanted: Any = None
    said: str | None = None
    error: BaseException | None = None
    late: bool = False
    printed: str = ""
    changed: tuple[str, ...] = ()

    @property
    def kind(self) -> Any:
        """What sort of failure it is, so that the search stays with one."""
        if self.late:
            return "late"
        if self.error is not None:
            return type(self.error)
        return self.said is not None, self.by_accident

    @property
    def by_accident(self) -> bool:
        """Whether shapes nearly agree, which they may do only because something is one long here.

        A mistake in shape is better shown on inputs where it is plain to see.
        """
        return self.said is not None and compare.only_ones_differ(self.got, self.wanted)

    @property
    def fails(self) -> bool:
        return self.late or self.error is not None or self.said is not None


class _Check:
    """One answer against one exercise."""

    def __init__(self, exercise: Exercise, answer: Any) -> None:
        self.exercise, self.answer = exercise, answer
        self.function: Answer = answer
        self.changed: tuple[str, ...] = ()
        self.right: list[_Result] = []
        self.began = time.monotonic()

    def feedback(self) -> Feedback:
        if _is_empty(self.answer) or self._is_starter():
            return self._waiting()
        refused = self._refused()
        if refused is not None:
            return refused
        first = self._run(self.exercise.cases[0])
        # the first call may have had modules to load: that is not on the answer's account
        self.began = max(self.began, time.monotonic() - self.exercise.seconds)
        if isinstance(first.error, (guard.Todo, NotImplementedError)):
            return self._waiting()
        if first.error is None and not first.late and _is_empty(first.got):
            forgot_return = first.got is None and first.fails and self._does_something()
            if not forgot_return:
                return self._waiting()
        failures = self._failures(first)
        if not failures:
            return self._right()
        return self._failed(failures)

    # -- before anything is run

    def _refused(self) -> Feedback | None:
        """Feedback on an answer that cannot be called, or not with these arguments."""
        name, longest = self.exercise.name, max(self.exercise.cases, key=len)
        if self.exercise.is_value:
            if not inspect.isfunction(self.answer):
                value = self.answer
                self.function = lambda: value
            return None
        if not callable(self.answer):
            came = compare.kind(self.answer)
            return self._say(
                feedback.WRONG,
                f"`check` wants your function itself, not what it gave back; it got {came}.",
                notes=(f'Write check("{name}", your_function), without parentheses behind it.',),
            )
        try:
            inspect.signature(self.answer).bind(*longest)
        except TypeError:
            arguments = ", ".join(self.exercise.parameters[: len(longest)])
            mine = _listed(inspect.signature(self.answer))
            return self._say(
                feedback.WRONG,
                f"Your function takes ({mine}), and it is called with ({arguments}).",
                notes=("Keep the arguments of the starter, in their order.",),
            )
        except ValueError:
            pass  # a built-in without a signature: calling it will tell
        return None

    def _is_starter(self) -> bool:
        mine = getattr(self.answer, "__code__", None)
        given = getattr(self.exercise.starter, "__code__", None)
        if mine is None or given is None:
            return False
        return _behaviour(mine) == _behaviour(given)

    def _does_something(self) -> bool:
        code = getattr(self.function, "__code__", None)
        if code is None:
            return True
        idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP"}
        return any(step.opname not in idle for step in dis.get_instructions(code))

    # -- running

    def _run(self, inputs: Inputs) -> _Result:
        exercise = self.exercise
        wanted = exercise.reference(*search.fresh(inputs))
        handed = search.fresh(inputs)
        outcome = guard.call(self.function, handed, exercise.seconds)
        if outcome.late or outcome.error is not None:
            return _Result(
                inputs,
                wanted=wanted,
                error=outcome.error,
                late=outcome.late,
                printed=outcome.printed,
            )
        changed = tuple(
            name
            for name, before, after in zip(exercise.parameters, inputs, handed, strict=False)
            if not search.same(before, after)
        )
        self.changed = self.changed or changed
        said = self._said(inputs, outcome.value, wanted)
        return _Result(inputs, outcome.value, wanted, said, printed=outcome.printed)

    def _said(self, inputs: Inputs, got: Any, wanted: Any) -> str | None:
        if self.exercise.judge is not None:
            try:
                return self.exercise.judge(search.fresh(inputs), got, wanted)
            except Exception:
                return f"Your function gave back {compare.kind(got)}, which cannot be judged."
        return compare.difference(got, wanted, rtol=self.exercise.rtol, atol=self.exercise.atol)

    def _failures(self, first: _Result) -> list[_Result]:
        """Failing results on the hand-picked inputs, then on random ones."""
        exercise = self.exercise
        failures: list[_Result] = []
        for case in exercise.cases:
            if len(failures) >= FAILURES or any(_hopeless(f) for f in failures):
                return failures
            if failures and self._spent():
                return failures
            result = first if case is exercise.cases[0] else self._run(case)
            (failures if result.fails else self.right).append(result)
        if exercise.generate is None or any(_hopeless(f) for f in failures):
            return failures
        rng = np.random.default_rng(zlib.crc32(exercise.name.encode()))
        for _ in range(exercise.trials):
            # with a failure in hand, the other half of the time is for a smaller one
            if len(failures) >= FAILURES or self._spent(0.5 if failures else 1.0):
                break
            result = self._run(exercise.generate(rng))
            (failures if result.fails else self.right).append(result)
            if _hopeless(result):
                break
        return failures

    def _spent(self, share: float = 1.0) -> bool:
        """Whether so much of the time for the whole check has passed."""
        return time.monotonic() - self.began > share * CHECK_SECONDS

    def _smallest(self, failures: list[_Result]) -> _Result:
        chosen = min(failures, key=lambda f: (_severity(f), f.by_accident, search.cost(f.inputs)))
        if chosen.late or self.exercise.is_value:
            return chosen  # every further try would take its full time
        found = {"best": chosen}

        def fails(inputs: Inputs) -> bool:
            if self._spent() or not self._is_valid(inputs):
                return False
            try:
                result = self._run(inputs)
                if self.exercise.judge and self.exercise.judge(
                    inputs, result.wanted, result.wanted
                ):
                    return False  # the judge refuses the reference itself here
            except Exception:
                return False  # the reference or the judge cannot work with these
            if result.kind != chosen.kind:
                return False
            found["best"] = result
            return True

        search.shrink(chosen.inputs, fails)
        return found["best"]

    def _is_valid(self, inputs: Inputs) -> bool:
        try:
            return self.exercise.valid is None or bool(self.exercise.valid(*search.fresh(inputs)))
        except Exception:
            return False

    def _recognised(self, failures: list[_Result]) -> Misconception | None:
        """The misconception that gives the learner's wrong values, on all that were looked at.

        Where several do, the one that also gives the right ones where the learner has them right.
        """
        wrong = [f for f in failures if f.said is not None]
        if not wrong:
            return None
        alike = [
            (sum(self._agrees(answer, r) for r in self.right), known)
            for known in self.exercise.misconceptions
            for answer in (known.answer, *known.variants)
            if all(self._agrees(answer, f) for f in wrong)
        ]
        return max(alike, key=lambda pair: pair[0])[1] if alike else None

    def _agrees(self, wrong: Any, result: _Result) -> bool:
        function = wrong if callable(wrong) else lambda: wrong
        outcome = guard.call(function, search.fresh(result.inputs), self.exercise.seconds)
        if outcome.late or outcome.error is not None:
            return False
        limits = {"rtol": self.exercise.rtol, "atol": self.exercise.atol}
        return compare.difference(result.got, outcome.value, **limits) is None

    # -- saying

    def _say(self, state: str, message: str, **more: Any) -> Feedback:
        return Feedback(state, message, self.exercise.name, **more)

    def _waiting(self) -> Feedback:
        name = self.exercise.name
        return self._say(
            feedback.WAITING,
            f"Wanted: {self.exercise.task}.",
            notes=(f'Write your answer and run the cell again. Stuck? hint("{name}")',),
        )

    def _right(self) -> Feedback:
        notes = [self.exercise.onward] if self.exercise.onward else []
        if self.changed:
            notes.append(
                f"One thing: your function changes what it is given ({', '.join(self.changed)}). "
                "Work on a copy, or the caller's data changes behind their back."
            )
        praise = self.exercise.praise or "Your answer agrees with the reference."
        return self._say(feedback.RIGHT, praise, notes=tuple(notes))

    def _failed(self, failures: list[_Result]) -> Feedback:
        known = self._recognised(failures)
        result = self._smallest(failures)
        facts = [
            (name, compare.words(value))
            for name, value in zip(self.exercise.parameters, result.inputs, strict=False)
        ]
        if result.printed.strip():
            facts.append(("printed", _first_lines(result.printed)))
        if result.late:
            return self._late(result, facts)
        if result.error is not None:
            return self._stopped(result, facts)
        facts += [("yours", compare.words(result.got)), ("wanted", compare.words(result.wanted))]
        notes = [known.says] if known else []
        if self.changed and not known:
            notes.append(f"Your function also changes what it is given: {', '.join(self.changed)}.")
        notes.append(f'Stuck? hint("{self.exercise.name}")')
        return self._say(
            feedback.WRONG,
            str(result.said),
            facts=tuple(facts),
            notes=tuple(notes),
            misconception=known.name if known else None,
            picture=self._picture(result),
            alt=self.exercise.alt,
        )

    def _late(self, result: _Result, facts: list[tuple[str, str]]) -> Feedback:
        return self._say(
            feedback.ERROR,
            f"Your function was still running after {self.exercise.seconds:g} seconds, and was "
            "stopped. Does every loop of it come to an end?",
            facts=tuple(facts),
            notes=(f'Stuck? hint("{self.exercise.name}")',),
        )

    def _stopped(self, result: _Result, facts: list[tuple[str, str]]) -> Feedback:
        error = result.error
        assert error is not None
        text = str(error).strip().split("\n")[0]
        message = f"{type(error).__name__}: {text}" if text else type(error).__name__
        where = guard.place(error, self.function)
        if where is not None and where.number:
            inside = f" of `{where.function}`" if where.function not in ("", "<module>") else ""
            line = f"line {where.number}{inside}"
            facts = [("where", f"{line.replace('`', '')}: {where.text}"), *facts]
        facts.append(("wanted", compare.words(result.wanted)))
        return self._say(
            feedback.ERROR,
            message,
            facts=tuple(facts),
            notes=(f'Stuck? hint("{self.exercise.name}")',),
        )

    def _picture(self, result: _Result) -> bytes | None:
        if self.exercise.draw is None:
            return None
        try:
            return as_png(
                self.exercise.draw(search.fresh(result.inputs), result.got, result.wanted)
            )
        except Exception:
            return None  # a value that cannot be drawn is still said in words


def _listed(signature: inspect.Signature) -> str:
    """The names of arguments, with a star before those that are given by name alone."""
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(parameter.name)
    return ", ".join(names)


def _is_empty(value: Any) -> bool:
    return value is None or value is Ellipsis or value is NotImplemented


def _behaviour(code: Any) -> tuple[Any, ...]:
    """What a function does, without its name, its place and its docstring."""
    doc = code.co_consts[:1] if code.co_consts and isinstance(code.co_consts[0], str) else ()
    constants = [c for c in code.co_consts if c not in doc and not inspect.iscode(c)]
    steps = tuple(s.opname for s in dis.get_instructions(code))
    return steps, tuple(map(repr, constants)), code.co_names, code.co_argcount


def _hopeless(result: _Result) -> bool:
    """Whether there is no point in trying more inputs."""
    return result.late or result.error is not None


def _severity(result: _Result) -> int:
    return 0 if result.error is not None else 1 if result.late else 2


def _first_lines(text: str, most: int = 8) -> str:
    lines = text.rstrip().split("\n")
    return "\n".join(lines[:most] + (["..."] if len(lines) > most else []))


def as_png(picture: Any) -> bytes | None:
    """The bytes of a PNG, from such bytes, an RGB array `(H, W, 3)` or a matplotlib figure."""
    if picture is None or isinstance(picture, bytes):
        return picture
    if hasattr(picture, "savefig"):
        stream = io.BytesIO()
        picture.savefig(stream, format="png", dpi=100, bbox_inches="tight")
        return stream.getvalue()
    import cv2  # only where something is drawn

    array = errors.image("picture", picture)
    done, data = cv2.imencode(".png", np.ascontiguousarray(array[..., ::-1]))
    return data.tobytes() if done else None
