"""Errors name the argument, what came and what is wanted."""

import doctest
import subprocess
import sys

import numpy as np
import pytest

from tracklab import boxes, errors, tables, tracks


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: errors.number("fps", "x"), "fps: got 'x', wanted a number"),
        (lambda: errors.number("fps", True), "fps: got True, wanted a number"),
        (lambda: errors.number("n", 2.5, whole=True), "n: got 2.5, wanted a whole number"),
        (lambda: errors.number("n", 9, low=0, high=5), "n: got 9, wanted a number from 0 to 5"),
        (lambda: errors.number("n", -1, low=0), "n: got -1, wanted a number of at least 0"),
        (lambda: errors.number("n", 7, high=5), "n: got 7, wanted a number of at most 5"),
        (lambda: errors.number("n", 10**400), "n: got int 1000.*, wanted .* that a float can hold"),
        (lambda: errors.number("n", -(10**5000)), "n: got a value of type int, wanted a number"),
        (lambda: errors.number("n", 10**5000, high=5), "n: got a value of type int, .* at most 5"),
        (lambda: errors.number("n", float("inf")), "n: got inf, wanted a number"),
        (lambda: errors.number("n", float("nan"), whole=True), "n: got nan, wanted a whole"),
        (lambda: errors.choice("kind", "z", ["a", "b"]), "kind: got 'z', wanted one of 'a', 'b'"),
        (
            lambda: errors.image("frame", np.zeros((4, 4), np.uint8)),
            r"frame: got an array of shape \(4, 4\) and type uint8, wanted an RGB image",
        ),
        (lambda: errors.image("frame", None), "frame: got None, wanted an RGB image"),
        (lambda: errors.image("frame", "cat.jpg"), "frame: got 'cat.jpg', wanted an RGB image"),
        (lambda: errors.bad("a", "x" * 200, "less"), r"a: got str 'x+\.\.\., wanted less"),
    ],
)
def test_messages(call, said):
    with pytest.raises(errors.InputError, match=said):
        call()


@pytest.mark.parametrize(
    ("value", "said"), [(1, "an int"), ({}, "a dict"), (np.zeros(2), "an ndarray")]
)
def test_kinds_have_their_article(value, said):
    assert errors.kind(value) == said


def test_what_is_right_is_returned():
    assert errors.number("n", np.int64(3), whole=True) == 3
    assert errors.number("n", 10**400, low=0, whole=True) == 10**400
    assert errors.choice("kind", "a", {"a": 1}) == "a"
    assert errors.image("frame", np.zeros((2, 2, 3), np.uint8)).shape == (2, 2, 3)


def test_every_error_is_also_a_standard_one():
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.SourceError, OSError)
    assert issubclass(errors.MissingError, RuntimeError)


PARTS = (
    errors,
    boxes.anchors,
    boxes.arrays,
    boxes.formats,
    boxes.overlap,
    boxes.regression,
    boxes.suppression,
    tables,
    tracks,
)


@pytest.mark.parametrize("module", PARTS, ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    failed, tried = doctest.testmod(module, extraglobs={"np": np})
    assert tried
    assert not failed


def test_import_loads_nothing_heavy():
    heavy = ["tensorflow", "keras", "cv2", "matplotlib", "numpy"]
    code = f"import sys, tracklab; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
