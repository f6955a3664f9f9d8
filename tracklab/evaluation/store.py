"""What a tracker said, kept in files: a folder a tracker, a text file a sequence.

    OUT/TRACKER/SEQUENCE.txt             x,y,w,h of each frame, from pixel 1
    OUT/TRACKER/times/SEQUENCE_time.txt  wall seconds of each frame, the first in `init`
    OUT/TRACKER/times/SEQUENCE_cpu.txt   processor seconds of each frame
    OUT/TRACKER/done/SEQUENCE.json       which run these are of, and the digest of the boxes

Evaluators of OTB find the first two where they look for them.

Invariant: `read` gives what `write` was given, to the digits of a file, or None. The record is
written last and holds the digest of the others, so that a run that was broken off, a file that was
changed, and a run of another kind (see `stamp`) count as not done.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, video
from tracklab.clips import Clip, origin
from tracklab.evaluation.entrants import Entrant
from tracklab.evaluation.objects import OneObject
from tracklab.files import write_whole
from tracklab.video import truths

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """A tracker on a sequence: what `metrics.single.evaluate` wants of it.

    boxes: `(T, 4)` float32 xyxy pixels, NaN where it saw nothing. seconds, cpu_seconds: `(T,)`.
    """

    boxes: NDArray[np.float32]
    seconds: Numbers
    cpu_seconds: Numbers


def pictures(one: OneObject, clip: Clip) -> str:
    """A digest of a sequence: its pictures, where the object starts, how long it goes on."""
    assert clip.truth is not None
    what = {
        "scene": repr(one.scene),
        "frames": len(clip),
        "size": clip.size,
        "start": clip.truth.boxes[0, 0].tolist(),
        # names and sizes of files tell pictures apart well enough, and cost no reading
        "files": [
            (path.name, path.stat().st_size) for path in getattr(origin(clip.frames), "paths", ())
        ],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def stamp(entrant: Entrant, of_pictures: str) -> str:
    """What a run depends on: the tracker with all that it is made of, and the sequence."""
    return hashlib.sha256(f"{entrant.fingerprint} {of_pictures}".encode()).hexdigest()


def write(folder: Path, entrant: Entrant, one: OneObject, run: Run, mark: str) -> None:
    """Keep a run. mark: its `stamp`. Raises `SourceError` where files cannot be written."""
    boxes, times, cpu, record = files_of(folder, entrant, one)
    try:
        for path in (boxes, times, record):
            path.parent.mkdir(parents=True, exist_ok=True)
        record.unlink(missing_ok=True)
    except OSError as error:
        raise errors.SourceError(f"{folder}: cannot be written ({error.strerror})") from None
    video.write_boxes(boxes, run.boxes)
    for path, seconds in ((times, run.seconds), (cpu, run.cpu_seconds)):
        write_whole(path, "".join(f"{value:.9f}\n" for value in seconds))
    about = {
        "tracker": entrant.label,
        "sequence": one.name,
        "frames": len(run.boxes),
        "stamp": mark,
        "sha256": _digest(boxes, times, cpu),
    }
    write_whole(record, json.dumps(about, indent=1) + "\n")


def read(folder: Path, entrant: Entrant, one: OneObject, mark: str) -> Run | None:
    """The run that is kept under this `stamp`, or None."""
    boxes, times, cpu, record = files_of(folder, entrant, one)
    try:
        about: Any = json.loads(record.read_text(encoding="utf-8"))
        if about["stamp"] != mark or about["sha256"] != _digest(boxes, times, cpu):
            return None
        found = video.read_boxes(boxes)
        seconds, cpu_seconds = (np.loadtxt(path, ndmin=1) for path in (times, cpu))
    except (OSError, ValueError, KeyError, TypeError):  # gone, half there, or another's
        return None
    return Run(found, seconds, cpu_seconds)


def files_of(folder: Path, entrant: Entrant, one: OneObject) -> tuple[Path, Path, Path, Path]:
    """Where boxes, wall times, processor times and the record are."""
    own = folder / entrant.folder
    return (
        own / f"{one.name}.txt",
        own / "times" / f"{one.name}_time.txt",
        own / "times" / f"{one.name}_cpu.txt",
        own / "done" / f"{one.name}.json",
    )


def said(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes that a file can hold: NaN where a tracker went beyond all pictures or all numbers."""
    with np.errstate(invalid="ignore"):
        # NaN is not below anything
        near = np.asarray((np.abs(boxes) < truths.FARTHEST / 2).all(-1))
    return np.where(near[:, None], boxes, np.float32(np.nan))


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() + b"|")
    return digest.hexdigest()
