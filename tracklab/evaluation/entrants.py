"""Who is judged: trackers by name, with options, and what their results depend on.

`NAME`, or `NAME:option=value,option=value` for a tracker with other options than its own.

Invariant: two entrants with the same fingerprint are made by the same code, of the same weights,
with the same options. So a result that is kept under it need not be computed again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tracklab
from tracklab import errors, trackers

PACKAGE = Path(tracklab.__file__).resolve().parent
OPENCV = "opencv"
_WEIGHTS = PACKAGE / "models" / "weights.py"


@dataclass(frozen=True)
class Entrant:
    """A tracker by its name in `trackers.NAMES`, and its options as they are written.

    Raises `InputError` for a tracker that follows many objects or is none (it lists those that
    follow one), and for options that are not `option=value`.
    """

    name: str
    written: str = ""

    def __post_init__(self) -> None:
        errors.choice("tracker", self.name, trackers.NAMES)
        assert isinstance(self.options, dict)  # they can be read

    @property
    def options(self) -> dict[str, Any]:
        """Options by name, with the values that they are in Python, or else texts."""
        options = {}
        for part in _split(self.written):
            option, sign, value = part.partition("=")
            if not sign or not option.isidentifier():
                errors.bad(f"options of {self.name!r}", part, "option=value, separated by commas")
            options[option] = _value(value)
        return options

    @property
    def label(self) -> str:
        """What tables call it, and what `parse` makes it again from."""
        return f"{self.name}:{self.written}" if self.written else self.name

    @property
    def folder(self) -> str:
        """A name for a folder of its own, on every system."""
        if not self.written:
            return self.name
        kept = "".join(
            c if (c.isascii() and c.isalnum()) or c in "._=+-" else "_" for c in self.written
        )
        return f"{self.name},{kept[:60]},{hashlib.sha256(self.written.encode()).hexdigest()[:6]}"

    def create(self) -> trackers.Tracker:
        """A new tracker; raises as `trackers.create` does."""
        tracker: trackers.Tracker = trackers.create(self.name, **self.options)
        return tracker

    @property
    def fingerprint(self) -> str:
        """Of all that the tracker is made of: code, shipped weights, OpenCV, options."""
        return _fingerprint(self.name, repr(sorted(self.options.items(), key=repr)))


def parse(text: str) -> Entrant:
    """An entrant as a user types it; raises as `Entrant` does.

    >>> parse("template:scale_step=1.1").options
    {'scale_step': 1.1}
    """
    if not isinstance(text, str):
        errors.choice("tracker", text, trackers.NAMES)
    name, _, written = text.partition(":")
    return Entrant(name, written.strip())


def parse_all(texts: Iterable[str]) -> list[Entrant]:
    """Entrants as a user types them, each once."""
    return list(dict.fromkeys(parse(text) for text in texts))


def _split(text: str) -> list[str]:
    """Parts between commas that are in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text.strip()


@functools.cache
def _fingerprint(name: str, options: str) -> str:
    digest = hashlib.sha256(f"{name} {options}".encode())
    module = trackers._MAKERS[name][0]
    files = code_of(PACKAGE / "trackers" / f"{module}.py")
    for path in sorted(files | {PACKAGE / "trackers" / "base.py"}):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    if _WEIGHTS in files:
        for card in sorted((PACKAGE.parent / "data" / "weights").glob("*.json")):
            digest.update(card.name.encode() + _sha256(card).encode())
    if module == OPENCV:
        import cv2

        digest.update(cv2.__version__.encode())
    return digest.hexdigest()


def _sha256(card: Path) -> str:
    try:
        return str(json.loads(card.read_text(encoding="utf-8")).get("sha256"))
    except (OSError, ValueError, AttributeError):
        return card.name


@functools.cache
def code_of(start: Path) -> frozenset[Path]:
    """The files of tracklab that a file of it imports, wherever in it, and those that these do.

    Of a package, all its files: it may import them when they are asked for. Other trackers do not
    count, unless they are imported by their own names.
    """
    found: set[Path] = set()
    left = [start]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _imported(path)
    return frozenset(found)


def _imported(path: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = []
    for name in names:
        parts = name.split(".")
        if parts[0] == "tracklab" and len(parts) > 1:
            place = PACKAGE.joinpath(*parts[1:])
            files += [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else []
            if place != PACKAGE / "trackers":
                files += place.rglob("*.py")
    return files
