"""Exercises: `check("00-speed", speed)` answers at once, `hint` helps, `solution` shows.

The exercises of a lesson live in `lesson_NN.py` and are loaded when one of them is first asked
for. How to declare one is written at the top of `engine.py`.

Invariant: an untouched starter never raises; whatever an answer does, `check` returns feedback.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import pkgutil
import re
import textwrap
from typing import Any, NoReturn

from tracklab import errors
from tracklab.exercises.engine import Exercise, Misconception
from tracklab.exercises.feedback import Feedback, Hint, Solution
from tracklab.exercises.guard import Todo

__all__ = [
    "Exercise",
    "Feedback",
    "Hint",
    "Misconception",
    "Solution",
    "check",
    "get",
    "hint",
    "names",
    "solution",
    "starter",
    "todo",
]


def check(name: str, answer: Any) -> Feedback:
    """Check a learner's answer to the exercise `name`: a function, or a value where one is asked.

    The feedback is right, wrong (with the smallest counterexample that a search finds), an error
    (the learner's own, with its line), or not attempted. Put the call last in its cell: the
    feedback shows itself. Raises `InputError` for a name that there is not.
    """
    return get(name).check(answer)


def hint(name: str, number: int | None = None) -> Hint:
    """Hint `number` of the exercise `name`, counted from 1; without a number the next one.

    Raises `InputError` for a name or a number that there is not.
    """
    return get(name).hint(number)


def solution(name: str) -> Solution:
    """The source of the reference answer to the exercise `name`.

    Raises `InputError` for a name that there is not.
    """
    return get(name).solution()


def starter(name: str) -> str:
    """The source of the starter of the exercise `name`, as the lesson shows it."""
    given = get(name).starter
    if not callable(given):
        return repr(given)
    text = textwrap.dedent(inspect.getsource(given)).rstrip()
    return re.sub(r" *# type: ignore.*", "", text)


def todo() -> NoReturn:
    """Say in a starter that the answer is not written yet; `check` takes it as not attempted."""
    raise Todo("your answer goes here")


def names(lesson: int | None = None) -> tuple[str, ...]:
    """The names of all exercises, or those of one lesson, in their order of difficulty.

    Raises `InputError` for a lesson that has none.
    """
    lessons = _lessons()
    if lesson is not None:
        if isinstance(lesson, bool) or lesson not in lessons:
            known = ", ".join(map(str, lessons))
            errors.bad("lesson", lesson, f"the number of a lesson with exercises: {known}")
        lessons = [int(lesson)]
    return tuple(name for number in lessons for name in _load(number))


def get(name: str) -> Exercise:
    """The exercise `name`. Raises `InputError` that lists near names where there is none."""
    if isinstance(name, str):
        number = re.match(r"(\d\d)-", name)
        if number and name in _load(int(number.group(1))):
            return _load(int(number.group(1)))[name]
    known = names()
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    listed = " or ".join(repr(one) for one in near) if near else ", ".join(map(repr, known))
    return errors.bad("name", name, f"the name of an exercise: {listed}")


def _lessons() -> list[int]:
    found = (re.fullmatch(r"lesson_(\d\d)", m.name) for m in pkgutil.iter_modules(__path__))
    return sorted(int(match.group(1)) for match in found if match)


@functools.cache
def _load(lesson: int) -> dict[str, Exercise]:
    if lesson not in _lessons():
        return {}
    module = importlib.import_module(f"{__name__}.lesson_{lesson:02d}")
    declared = {exercise.name: exercise for exercise in module.EXERCISES}
    if len(declared) != len(module.EXERCISES):
        errors.bad(
            f"EXERCISES of lesson {lesson:02d}", list(declared), "a name of its own for each"
        )
    strays = [name for name in declared if not name.startswith(f"{lesson:02d}-")]
    if strays:
        errors.bad("name", strays[0], f"a name that begins with '{lesson:02d}-'")
    return declared
