"""One thread for the linear algebra of NumPy and SciPy, while a method runs on a small matrix.

OpenBLAS, which both bring along, keeps its threads awake for a while after each product, in case
another one comes. Where TensorFlow's own threads take turns with them, as in every step of
Levenberg-Marquardt on a network, the two stand in each other's way: for a matrix of 182 columns a
step took ten times as long with two threads as with one.

Invariant: outside of all blocks the numbers of threads are what they were; results do not change
but for rounding. MKL, which conda may bring instead, is told as well; where neither is, nothing is
done.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.linalg  # which loads its own OpenBLAS

# What the two functions are called: in OpenBLAS, in those built for SciPy and for NumPy, in MKL.
NAMES = (
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
)
FILES = ("*openblas*", "*mkl_rt*")


class Library(NamedTuple):
    """One library: how many threads it uses, and a way to change that."""

    get: Callable[[], int]
    set: Callable[[int], object]


@functools.cache
def libraries() -> tuple[Library, ...]:
    """Those that NumPy and SciPy have loaded, out of their wheels' folders or conda's."""
    homes = [Path(str(package.__file__)).parent for package in (np, scipy)]
    folders = [
        folder
        for home in homes
        for folder in (home.with_name(f"{home.name}.libs"), home / ".dylibs")
    ]
    folders += [Path(sys.prefix, "lib"), Path(sys.prefix, "Library", "bin")]
    # only what is loaded already: nothing is brought in for this
    mode = ctypes.DEFAULT_MODE | getattr(os, "RTLD_NOLOAD", 0)
    found = []
    for path in (path for folder in folders for name in FILES for path in folder.glob(name)):
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(str(path), mode=mode)
            found += [
                Library(getattr(library, get), getattr(library, to))
                for get, to in NAMES
                if hasattr(library, get) and hasattr(library, to)
            ]
    return tuple(found)


_lock = threading.Lock()
_inside = 0  # blocks that are open, in all threads of Python
_before: list[int] = []


@contextlib.contextmanager
def one() -> Iterator[None]:
    """One thread of linear algebra inside the block; `@one()` above a function: while it runs."""
    global _inside
    with _lock:
        if _inside == 0:
            _before[:] = [int(library.get()) for library in libraries()]
            for library in libraries():
                library.set(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, count in zip(libraries(), _before, strict=True):
                    library.set(count)
