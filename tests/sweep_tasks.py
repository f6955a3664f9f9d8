"""Tasks for the tests of sweeps, that other processes can import, and a program that sweeps.

    python tests/sweep_tasks.py OUT MARKS RUNS

Each run leaves a line in a file of its own when it begins and another when it ends.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import tracklab

SECONDS_TO_HANG = 600.0  # of the method "hang", when it is run for the first time


def mark(folder, what, **parameters):
    """One line, written at once, so that a process that is killed leaves all of it or none."""
    name = ",".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    descriptor = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{what} {os.getpid()}\n".encode())
    os.close(descriptor)


def marks(folder):
    """How often each run began and ended: `{name: Counter(begin=..., end=...)}`."""
    return {
        path.name: Counter(line.split()[0] for line in path.read_text().splitlines())
        for path in sorted(Path(folder).iterdir())
    }


def marked(folder, seconds, method, seed):
    """Leave marks, take a while, and return figures that say which run this was."""
    mark(folder, "begin", method=method, seed=seed)
    first = marks(folder)[f"method={method},seed={seed}"]["begin"] == 1
    time.sleep(SECONDS_TO_HANG if method == "hang" and first else seconds)
    if method == "crash":
        os._exit(3)
    mark(folder, "end", method=method, seed=seed)
    if method == "raise":
        raise ValueError("no such method")
    return {"loss": seed / 8, "curve": [seed, seed + 1]}


def race(folder, seconds=0.0):
    """`marked` with its folder, as a sweep takes it."""
    return partial(marked, str(folder), seconds)


if __name__ == "__main__":
    out, folder, runs = sys.argv[1:]
    tracklab.sweep(
        race(folder, 0.02), {"method": ["a", "b"], "seed": range(int(runs))}, out=out, name="race"
    )
