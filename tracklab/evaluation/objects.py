"""What trackers are judged on: one object of one sequence, found by what a user types.

Invariant: every object has a name of its own, which is that of its files; its clip begins in the
first frame in which its truth knows it and ends in the last, so that a one-pass evaluation can
start it there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tracklab import errors, scenes
from tracklab.clips import Clip, Truth
from tracklab.scenes import Scene
from tracklab.video import read_clip

SCENES = "scenes:"
DIALS = "dials"  # a word for all scenes that are named after a dial
MOST_SCENES = 1000

_TRUTH = re.compile(r"groundtruth_rect(\.(\d+))?\.txt|groundtruth\.txt")
_WORDS = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Problem:
    """What could not be run: which tracker (empty: any), on which sequence, and why."""

    tracker: str
    sequence: str
    why: str

    def __str__(self) -> str:
        return f"{' on '.join(filter(None, (self.tracker, self.sequence)))}: {self.why}"


@dataclass(frozen=True)
class OneObject:
    """One object of one sequence, without its frames.

    name: of its files, and in tables. source: a folder, or `scenes:NAME:VARIANT`.
    column: which of the objects that the truth knows.
    """

    name: str
    source: str
    column: int = 0

    @property
    def scene(self) -> Scene | None:
        """The scene that it is, if it is one."""
        if not self.source.startswith(SCENES):
            return None
        name, variant = self.source.removeprefix(SCENES).split(":")
        scene = scenes.STANDARD[name]
        return replace(scene, seed=scene.seed + int(variant))

    @property
    def attributes(self) -> tuple[str, ...]:
        """What is difficult about it: a scene's dials, VOT's tags, or what `attributes.txt` says.

        Raises `SourceError` where a file that says it cannot be read.
        """
        scene = self.scene
        if scene is not None:
            return tuple(dial for dial in scenes.DIALS if getattr(scene, dial) > 0)
        return _attributes(Path(self.source))

    def clip(self, frames: int | None = None) -> Clip:
        """Its frames and its truth, from the first to the last frame with truth.

        frames: at most so many. Raises `SourceError` where the sequence cannot be read, or nothing
        is known about the object.
        """
        scene = self.scene
        clip = scene.render() if scene else read_clip(self.source)
        truth = clip.truth
        if truth is None or truth.boxes.shape[1] <= self.column:
            raise errors.SourceError(f"{self.source}: no truth; wanted a box in each frame")
        column = slice(self.column, self.column + 1)
        alone = Truth(
            truth.boxes[:, column],
            truth.ids[column],
            truth.classes[column],
            truth.visibility[:, column],
            truth.velocities[:, column],
            truth.class_names,
        )
        boxes = alone.boxes[:, 0]
        there = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(-1))
        if not len(there):
            raise errors.SourceError(f"{self.source}: the truth has no box in any frame")
        first, end = int(there[0]), int(there[-1]) + 1
        end = end if frames is None else min(end, first + frames)
        return replace(clip, truth=alone, name=self.name, detections=None)[first:end]


def find(sources: Iterable[str | os.PathLike[str]]) -> tuple[list[OneObject], list[Problem]]:
    """The objects that are meant, in order, and what is not there.

    sources: each a sequence folder of OTB or VOT, a folder of such folders, or a built-in scene:
        `scenes:NAME` (one of `scenes.STANDARD`, or `dials` for one of each dial), or
        `scenes:NAME:3`, `scenes:NAME:0-9` for its variants with other seeds.

    A folder of which nobody can say where the object is, and one that cannot be read, is a
    `Problem`. Raises `InputError` for a scene that is none.
    """
    found: dict[tuple[str, int], OneObject] = {}
    problems: list[Problem] = []
    for source in sources:
        if not isinstance(source, (str, os.PathLike)) or not str(source):
            errors.bad("sequence", source, f"a folder, or {SCENES}NAME")
        text = os.fspath(source)
        if text == SCENES.rstrip(":") or text.startswith(SCENES):
            some: Sequence[OneObject | Problem] = _scenes(text)
        else:
            try:
                some = _folders(text)
            except errors.SourceError as error:
                problems.append(Problem("", text, _without(str(error), text)))
                continue
        for one in some:
            if isinstance(one, Problem):
                problems.append(one)
            else:
                found.setdefault((one.source, one.column), one)
    return _named_apart(list(found.values())), problems


def _scenes(text: str) -> list[OneObject]:
    name, _, variants = text.removeprefix(SCENES.rstrip(":")).lstrip(":").partition(":")
    names = tuple(scenes.DIALS) if name == DIALS else (name,)
    errors.choice("scene", name, (DIALS, *scenes.STANDARD))
    matched = re.fullmatch(r"(\d+)(?:-(\d+))?", variants or "0", re.ASCII)
    if not matched:
        errors.bad("scene", text, f"{SCENES}{name}:3, or {SCENES}{name}:0-9 for ten of them")
    first = int(matched[1])
    last = int(matched[2]) if matched[2] else first
    if not first <= last < first + MOST_SCENES:
        errors.bad("scene", text, f"up to {MOST_SCENES} variants, from the lower to the higher")
    return [
        OneObject(f"{_WORDS.sub('_', one)}-{variant}", f"{SCENES}{one}:{variant}")
        for variant in range(first, last + 1)
        for one in names
    ]


def _folders(text: str) -> list[OneObject | Problem]:
    """A sequence folder as its objects, or a folder of sequences."""
    path = Path(text).expanduser()
    if not path.exists():
        raise errors.SourceError("nothing there; wanted a sequence folder, or a folder of them")
    if not path.is_dir():
        raise errors.SourceError("a file; wanted a sequence folder, or a folder of them")
    objects = _sequence(path)
    if objects:
        return list(objects)
    inside: list[OneObject | Problem] = []
    for folder in sorted(entry for entry in _listing(path) if entry.is_dir()):
        objects = _sequence(folder)
        inside += objects
        if not objects and _looks_like_frames(folder):
            inside.append(Problem("", folder.name, f"no truth; {_WANTED}"))
    if not any(isinstance(one, OneObject) for one in inside):
        if (path / "gt" / "gt.txt").is_file():
            raise errors.SourceError("many objects (MOTChallenge); wanted a sequence of one object")
        raise errors.SourceError(f"no truth in it, nor in a folder of it; {_WANTED}")
    return inside


_WANTED = "wanted groundtruth_rect.txt (OTB) or groundtruth.txt (VOT)"


def _sequence(folder: Path) -> list[OneObject]:
    """The objects of a sequence folder; none where it has no truth."""
    names = [entry.name for entry in _listing(folder) if _TRUTH.fullmatch(entry.name)]
    several = sum(name != "groundtruth.txt" for name in names)
    source, stem = str(folder.resolve()), _WORDS.sub("_", folder.resolve().name) or "sequence"
    if several < 2:
        return [OneObject(stem, source)] if names else []
    # read_clip lays them side by side in the order of their numbers; OTB calls them Jogging.1, ...
    return [OneObject(f"{stem}.{column + 1}", source, column) for column in range(several)]


def _listing(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise errors.SourceError(f"cannot be read ({error.strerror})") from None


def _looks_like_frames(folder: Path) -> bool:
    endings = {".jpg", ".jpeg", ".png", ".bmp"}
    folders = [folder, *(entry for entry in _listing(folder) if entry.is_dir())]
    return any(entry.suffix.lower() in endings for one in folders for entry in _listing(one))


def _attributes(folder: Path) -> tuple[str, ...]:
    named = folder / "attributes.txt"
    try:
        if named.is_file():
            return tuple(re.findall(r"[\w-]+", named.read_text(encoding="utf-8")))
        tags = sorted(folder.glob("*.tag"))
        # VOT: a file an attribute, with 1 in the frames to which it applies
        return tuple(tag.stem for tag in tags if "1" in tag.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SourceError(f"{folder}: attributes that cannot be read ({error})") from None


def _named_apart(objects: list[OneObject]) -> list[OneObject]:
    """The same objects with names that differ, also where a disk does not tell `a` from `A`."""
    taken: set[str] = set()
    apart = []
    for one in objects:
        name, number = one.name, 2
        if name.casefold() in taken and one.scene is None:
            parent = _WORDS.sub("_", Path(one.source).parent.name)
            name = f"{parent}-{one.name}" if parent else one.name
        while name.casefold() in taken:
            name, number = f"{one.name}-{number}", number + 1
        taken.add(name.casefold())
        apart.append(replace(one, name=name))
    return apart


def _without(message: str, source: str) -> str:
    return message.removeprefix(f"{source}: ")
