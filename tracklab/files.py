"""Names of files and folders, why one cannot be used, how one is replaced, how a number is stored.

Invariant: a file that is written here is there whole, as it was before, or not at all, whenever the
process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from tracklab import errors

DIGITS = 5  # of a number that was measured

Row = TypeVar("Row")


def address(path: str | PathLike[str]) -> str:
    """A path as FFmpeg takes it: without the mark, `clip:1.mp4` would be of the protocol "clip"."""
    return f"file:{path}"


def why(error: BaseException, to: str = "read") -> str:
    """What the system said, without numbers and paths; `to` is what was tried."""
    if isinstance(error, PermissionError):
        return f"no permission to {to} it"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def path_of(path: Any) -> Path:
    """The path of a text file; `InputError` for what is none."""
    if not isinstance(path, (str, os.PathLike)) or not str(os.fspath(path)):
        errors.bad("path", path, "the name of a text file")
    return Path(path)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file, text or bytes, so that it is there whole or not at all; returns its path.

    An existing one is replaced. Raises `SourceError` where it cannot be written.
    """
    part = path.with_name(f".{uuid.uuid4().hex[:12]}.part")
    try:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(path)
    except OSError as error:
        raise errors.SourceError(
            f"{path}: cannot be written ({why(error, 'write')}); wanted a place in a folder that "
            "exists"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def results_folder(out: str | os.PathLike[str]) -> Path:
    """A folder for results, made where it is not there.

    Raises `InputError` for what names none, `SourceError` where it cannot be made.
    """
    if not isinstance(out, (str, os.PathLike)) or not str(os.fspath(out)):
        errors.bad("out", out, "the name of a folder for the results")
    folder = Path(out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise errors.SourceError(f"{out}: a file; wanted a folder for the results")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.SourceError(f"{out}: cannot be made ({error.strerror})") from None
    return folder


def stored_rows(
    path: Path, command: str, row: Callable[[dict[str, Any]], Row]
) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a stored run, each made by `row`, and all else that is told about the run.

    Raises `MissingError` where there is none, and names the command that makes it; `SourceError`
    for a file that is none.
    """
    if not path.is_file():
        raise errors.MissingError(f"no stored results in {path.name}; make them with `{command}`")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return [row(one) for one in about.pop("rows")], about
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        raise errors.SourceError(f"{path.name}: holds no stored run ({reason})") from reason


def short(value: float) -> float:
    """A number as it is stored, to `DIGITS` digits: of what was measured, more would be noise.

    >>> short(0.123456789)
    0.12346
    """
    return float(f"{float(value):.{DIGITS}g}")
