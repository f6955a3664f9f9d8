"""Where decoded images are kept, so that sixty thousand small files are read once.

A kept set is one `.npz` without compression and without pickles, named by what it was made from.
Invariant: a file under its name is whole (it is written beside and renamed); one that cannot be
read all the same is as good as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]


def cache_dir() -> Path | None:
    """The folder for what can be made again, or None where none can be written.

    `TRACKLAB_CACHE`, where it is set; else `data/cache` in a checkout; else the user's own cache.
    """
    named = os.environ.get("TRACKLAB_CACHE")
    home = Path(__file__).resolve().parents[2]
    checkout = [home / "data" / "cache"] if (home / "pyproject.toml").is_file() else []
    candidates = [Path(named).expanduser()] if named else [*checkout, _of_user()]
    return next((folder for folder in candidates if _writable(folder)), None)


def _of_user() -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tracklab"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def fingerprint(parts: Iterable[object]) -> str:
    """A short name for what a kept set was made from."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode() + b"\n")
    return digest.hexdigest()[:16]


def load(family: str, key: str) -> Arrays | None:
    """The arrays kept under a key, or None where there are none that can be read."""
    path = _path(family, key)
    if path is None or not path.is_file():
        return None
    try:
        # opened here, so that it is closed whatever is in it
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None  # it is made again and written over


def save(family: str, key: str, arrays: Arrays) -> None:
    """Keep arrays under a key, in place of older ones of the family; a full disk is no error."""
    path = _path(family, key)
    if path is None:
        return
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{family}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        os.replace(beside, path)
    except OSError:
        return
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
    for older in path.parent.glob(f"{family}-*.npz"):
        if older != path:
            with contextlib.suppress(OSError):
                older.unlink()


def _path(family: str, key: str) -> Path | None:
    folder = cache_dir()
    return None if folder is None else folder / f"{family}-{key}.npz"
