"""Weights of networks in files, each with a card that says where they come from.

`save` writes three files: `name.npz`, the arrays; `name.json`, the card for programs; `name.md`,
the card for people. There is no pickle in them, and every file is complete or not there.

Invariant: `load` gives a model the very numbers that `save` stored, or raises: the card holds the
file's SHA-256, and shapes are compared before anything is assigned.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.training import checkpoints

FOLDER = Path(__file__).resolve().parents[2] / "data" / "weights"
LIBRARIES = ("tensorflow", "keras", "numpy")
Value = str | int | float | bool
Array = NDArray[Any]


@dataclass(frozen=True)
class Card:
    """Where weights come from.

    title: what the network is. recipe: how it was trained, in words. command: trains it again.
    seed: of that training. data: the images, and how many. options: of the function that builds
    the network. seconds, cpu_seconds: what the training took. figures: what was measured, by name.
    versions, machine: filled in by `save`. sha256, bytes, weights: of the file, likewise.
    """

    title: str
    recipe: str
    command: str
    seed: int
    data: str
    seconds: float
    cpu_seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    sha256: str = ""
    bytes: int = 0
    weights: int = 0


def save(model: Any, name: str, card: Card, *, folder: Path | None = None) -> Path:
    """Write a model's weights and their card; returns the path of the `npz`.

    Kernels are stored as float16, which costs nothing that can be measured in accuracy; vectors
    (shifts, running means and variances) as float32. Raises `InputError` for a model without
    weights, or with weights that are not finite.
    """
    folder = Path(folder) if folder is not None else FOLDER
    members = {}
    for k, variable in enumerate(_stored(model)):
        value = variable.numpy().astype(np.float32)
        kept = value.astype(np.float16) if value.ndim >= 2 else value
        if not np.isfinite(kept).all():
            errors.bad("model", errors.Said(f"{variable.path} with NaN or infinity"), "numbers")
        members[f"{k:03d} {variable.path.replace('/', ' ')}"] = kept
    if not members:
        errors.bad("model", model, "a network that has weights")
    path = folder / f"{name}.npz"
    checkpoints.write(path, members, {"name": name})
    filled = Card(
        **(
            asdict(card)
            | {
                "versions": versions(),
                "machine": machine(),
                "sha256": _digest(path),
                "bytes": path.stat().st_size,
                "weights": sum(int(value.size) for value in members.values()),
            }
        )
    )
    write_text(path.with_suffix(".json"), json.dumps(asdict(filled), indent=1) + "\n")
    write_text(path.with_suffix(".md"), _in_words(name, filled))
    return path


def card(name: str, *, folder: Path | None = None) -> Card:
    """The card of stored weights. Raises `MissingError` where there are none of that name."""
    path = (Path(folder) if folder is not None else FOLDER) / f"{name}.json"
    if not path.is_file():
        raise errors.MissingError(
            f"no weights named {name!r} in {path.parent.name}/; train them with "
            f"`python -m tracklab train {name}`"
        )
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as reason:
        raise errors.SourceError(f"{path.name}: is not a card of weights ({reason})") from reason


def arrays(name: str, *, folder: Path | None = None) -> tuple[list[Array], Card]:
    """The stored arrays of that name, float32, in the order of the model's variables; their card.

    Needs no TensorFlow. Raises `MissingError` where there are none, and `SourceError` where the
    file is not the one that the card describes.
    """
    known = card(name, folder=folder)
    path = (Path(folder) if folder is not None else FOLDER) / f"{name}.npz"
    if not path.is_file() or _digest(path) != known.sha256:
        raise errors.SourceError(
            f"{path.name}: is missing or not the file that its card describes; fetch both again, "
            f"or train anew with `{known.command}`"
        )
    stored, _ = checkpoints.read(path)
    return [value.astype(np.float32) for value in stored.values()], known


def load(model: Any, name: str, *, folder: Path | None = None) -> Card:
    """Give a model the stored weights of that name; returns their card.

    Raises `MissingError` where there are none, `SourceError` where the file is not the one that
    the card describes, and `InputError` where the model has other shapes.
    """
    values, known = arrays(name, folder=folder)
    variables = _stored(model)
    found, wanted = [v.shape for v in values], [tuple(v.shape) for v in variables]
    if found != wanted:
        errors.bad("model", errors.Said(f"weights of shapes {wanted}"), f"shapes {found}")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return known


def _stored(model: Any) -> list[Any]:
    """The variables that make a model what it is: weights and running means, no random states."""
    return [v for v in model.variables if str(v.dtype).startswith("float")]


def versions() -> dict[str, str]:
    """Versions of the libraries that training depends on."""
    found = {library: importlib.metadata.version(library) for library in LIBRARIES}
    return {"python": platform.python_version()} | found


def machine() -> str:
    """The kind of processor and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {cores} cores"


def write_text(path: Path, text: str) -> None:
    """Write a text file, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _in_words(name: str, card: Card) -> str:
    rows = [
        ("trained on", card.data),
        ("seed", str(card.seed)),
        ("training took", f"{card.seconds:.0f} s, {card.cpu_seconds:.0f} CPU-seconds"),
        ("on", card.machine),
        ("with", ", ".join(f"{key} {value}" for key, value in card.versions.items())),
        ("weights", f"{card.weights:,}, {card.bytes:,} bytes (kernels as float16)"),
        ("SHA-256", f"`{card.sha256}`"),
        *((key, f"{value:.4g}") for key, value in card.figures.items()),
    ]
    lines = [f"| {key} | {value} |" for key, value in rows]
    return "\n".join(
        [
            f"# {name}: {card.title}",
            "",
            card.recipe,
            "",
            f"Train it again: `{card.command}`",
            "",
            "| | |",
            "|---|---|",
            *lines,
            "",
        ]
    )
