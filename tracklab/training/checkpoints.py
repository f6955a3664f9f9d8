"""Files of arrays with a JSON state beside them: complete or not there at all, and no pickle."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors

Array = NDArray[Any]


def write(path: Path, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
    """Arrays and JSON in one npz, complete or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        with half.open("wb") as file:
            members: dict[str, Any] = {**arrays, "state": np.array(json.dumps(state))}
            np.savez(file, **members)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def write_done(path: Path, arrays: Sequence[Array], plan: str, state: Mapping[str, Any]) -> None:
    """Keep what a training of several parts has finished, until all of them are: see `done`."""
    write(path, {f"{k:03d}": array for k, array in enumerate(arrays)}, {"plan": plan, **state})


def done(path: Path, plan: str) -> tuple[list[Array], dict[str, Any]] | None:
    """What `write_done` kept, in its order, and the state; None where nothing is, or where it was
    made by another plan (fewer steps, other data): then train anew.
    """
    if not path.exists():
        return None
    arrays, state = read(path)
    return (list(arrays.values()), state) if state.get("plan") == plan else None


def try_write(path: Path) -> None:
    """Raise `InputError` now where a checkpoint could not be written later."""
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        if path.is_dir():
            raise IsADirectoryError("that is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        half.touch()
        half.unlink()
    except OSError as reason:
        came = errors.Said(f"{path.name}, which cannot be written ({reason.strerror or reason})")
        errors.bad("checkpoint", came, "a file in a folder that can be written")


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays by name, and the state. Raises `SourceError` for a file that is no checkpoint."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays, json.loads(str(arrays.pop("state")))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as reason:
        raise errors.SourceError(
            f"checkpoint: cannot read {path.name} ({reason}); delete it to train from the beginning"
        ) from reason
