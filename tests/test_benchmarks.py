"""Every benchmark is in `make bench`, and starts."""

import re
import subprocess
import sys

import pytest
from realdata import ROOT

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py"))


def test_make_bench_runs_every_benchmark():
    (named,) = re.findall(r"for name in ([\w ]+);", (ROOT / "Makefile").read_text())
    assert sorted(named.split()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_benchmarks_import(name):
    code = f"import benchmarks.{name} as module; print(module.__doc__[:1], callable(module.main))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("True\n"), done.stderr
