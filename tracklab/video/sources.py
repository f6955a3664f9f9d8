"""What a source of frames is, and the one door to all of them: `read_clip`."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Clip, Truth
from tracklab.files import why
from tracklab.video import truths
from tracklab.video.encoder import DEFAULT_FPS
from tracklab.video.frames import LAST_CAMERA, CameraFrames, ImageFrames, VideoFrames

KINDS = ("video", "images", "otb", "vot", "mot", "webcam")
IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
IMAGE_FOLDERS = ("img1", "img", "color", "images", "imgs", "frames", "rgb")  # tried in this order
CAMERA_FRAMES = 150  # five seconds at a webcam's usual 30 frames a second

# Sequences that OTB ships with more images than truth and whose truth does not begin at the first.
OTB_FIRST_FRAME = {"David": 300}

_OTB_TRUTH = re.compile(r"groundtruth_rect(\.\d+)?\.txt")


def read_clip(
    source: str | os.PathLike[str] | int,
    *,
    fps: float | None = None,
    frames: int | None = None,
    kind: str | None = None,
) -> Clip:
    """Frames, and the truth about them where it is known, from any of these:

    - a video file (anything that FFmpeg reads), decoded lazily;
    - a folder of images, ordered as people count (`2.jpg` before `10.jpg`);
    - an OTB folder (images and `groundtruth_rect.txt`; several objects are
      `groundtruth_rect.1.txt`, ...);
    - a VOT folder (images and `groundtruth.txt`, boxes or polygons: see `read_polygons`);
    - a MOTChallenge folder (`img1/`, `gt/gt.txt`, `det/det.txt`, `seqinfo.ini`);
    - a webcam number, from 0.

    source: path or webcam number.
    fps: frames a second to believe instead of what the source says. Without it: the mean rate of
        a video, the rate in `seqinfo.ini` or VOT's `sequence` file, the camera's, and 25 for
        images that do not say.
    frames: how many frames to take from the start; all of them if None (of a webcam: 150).
    kind: one of `KINDS`, where the folder could be read in several ways; found out if None.

    Boxes are converted at this door: pixels and frames that files count from 1 count from 0 in the
    clip. Where images are named by numbers, a MOTChallenge row belongs to the image of its number;
    missing images are warned of, and refused where OTB or VOT rows could not be told apart. Frames
    are decoded when they are asked for and are read-only. `detections` of the clip hold what
    `det.txt` lists.

    Raises `SourceError` (an `OSError`) where the source is missing, empty, damaged, or not what it
    was taken for; it names the source, what was found and what is wanted. Raises `InputError` for
    arguments of the wrong type.
    """
    if fps is not None and errors.number("fps", fps, low=0) == 0:
        errors.bad("fps", fps, "more than 0 frames a second")
    if frames is not None:
        frames = int(errors.number("frames", frames, low=1, whole=True))
    if kind is not None:
        errors.choice("kind", kind, KINDS)
    clip = _read(source, kind, frames)
    if fps is not None:
        clip = replace(clip, fps=fps)
    return clip if frames is None or frames >= len(clip) else clip[:frames]


def _read(source: Any, kind: str | None, frames: int | None) -> Clip:
    number = camera_number(source, kind)
    if number is not None:
        camera = CameraFrames(number, frames or CAMERA_FRAMES)
        return Clip(camera, camera.fps, name=f"webcam {number}")
    path = _existing(source)
    if kind is None:
        kind = _find_kind(path)
    if kind == "video":
        if path.is_dir():
            raise errors.SourceError(f"{path}: a folder; wanted a video file")
        video = VideoFrames(path)
        return Clip(video, video.fps, name=path.stem)
    if not path.is_dir():
        raise errors.SourceError(f"{path}: a file; wanted a folder of images")
    return {"images": _images, "otb": _otb, "vot": _vot, "mot": _mot}[kind](path)


def camera_number(source: Any, kind: str | None) -> int | None:
    """The number of the webcam that is meant, or None: an int, or its digits on a command line."""
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        return int(errors.number("source", source, low=0, high=LAST_CAMERA, whole=True))
    digits = isinstance(source, str) and source.isascii() and source.isdigit()
    digits = digits and len(source) <= len(str(LAST_CAMERA))
    if digits and (kind == "webcam" or not Path(source).exists()):
        return int(source)
    if kind == "webcam":
        errors.bad("source", source, "the number of a webcam, from 0")
    return None


def _existing(source: Any) -> Path:
    if not isinstance(source, (str, os.PathLike)) or not os.fspath(source):
        errors.bad("source", source, "the path of a video or a folder, or the number of a webcam")
    if not isinstance(os.fspath(source), str):
        errors.bad("source", source, "a path that is text")
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise errors.SourceError(
            f"{source}: there is no such user here; wanted a path (./~name for a file of that name)"
        ) from None
    try:
        exists = path.exists()
        readable = exists and os.access(path, os.R_OK)
    except (OSError, ValueError):
        exists = readable = False
    if not exists:
        near = path.parent
        while not near.is_dir() and near != near.parent:
            near = near.parent
        raise errors.SourceError(
            f"{source}: nothing there (the path exists as far as {near}); "
            "wanted a video file, a folder of images, or the number of a webcam"
        )
    if not readable:
        raise errors.SourceError(f"{source}: {why(PermissionError())}")
    if path.is_file() and path.stat().st_size == 0:
        raise errors.SourceError(f"{source}: an empty file; wanted a video")
    return path


def _find_kind(path: Path) -> str:
    """Which kind of source a path is, by the files that lie in it."""
    if not path.is_dir():
        if path.suffix.lower() in IMAGE_ENDINGS:
            raise errors.SourceError(
                f"{path}: one image; wanted a video, or the folder that holds the images"
            )
        return "video"
    if (path / "seqinfo.ini").is_file() or (path / "gt" / "gt.txt").is_file():
        return "mot"
    if (path / "img1").is_dir():
        return "mot"
    if _otb_truth(path):
        return "otb"
    if (path / "groundtruth.txt").is_file():
        return "vot"
    return "images"


def _listing(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise errors.SourceError(f"{path}: {why(error)}") from None


def natural_order(name: str) -> tuple[Any, ...]:
    """A sorting key under which numbers in names count as numbers: `2.jpg` before `10.jpg`."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts), name


def _image_paths(folder: Path) -> list[Path]:
    images = [entry for entry in _listing(folder) if entry.suffix.lower() in IMAGE_ENDINGS]
    return sorted(images, key=lambda entry: natural_order(entry.name))


def find_images(folder: Path, preferred: str | None = None) -> list[Path]:
    """The images of a sequence, in order: in the folder, or in the one that such data use.

    Raises `SourceError` that says what lies there instead.
    """
    for name in (preferred, *IMAGE_FOLDERS) if preferred else IMAGE_FOLDERS:
        if name and (folder / name).is_dir():
            images = _image_paths(folder / name)
            if images:
                return images
    images = _image_paths(folder)
    if images:
        return images
    entries = sorted(_listing(folder), key=lambda entry: natural_order(entry.name))
    if not entries:
        raise errors.SourceError(f"{folder}: an empty folder; wanted images ({_endings()})")
    names = ", ".join(entry.name + ("/" if entry.is_dir() else "") for entry in entries[:4])
    more = f" and {len(entries) - 4} more" if len(entries) > 4 else ""
    raise errors.SourceError(
        f"{folder}: no images, but {names}{more}; wanted images ({_endings()}) in it or in "
        f"{', '.join(name + '/' for name in IMAGE_FOLDERS[:4])} (or name one file or folder of it)"
    )


def frame_numbers(images: list[Path]) -> list[int]:
    """The number that each image's name is, growing; 1, 2, ... where the names are no numbers.

    Raises `SourceError` where two images have one number, as `1.jpg` and `001.png` have.
    """
    stems = [image.stem for image in images]
    if not all(stem.isascii() and stem.isdigit() for stem in stems):
        return list(range(1, len(images) + 1))
    numbers = [int(stem) for stem in stems]
    for place, (number, following) in enumerate(pairwise(numbers), 1):
        if number == following:
            raise errors.SourceError(
                f"{images[place]}: the second image of number {number}, beside "
                f"{images[place - 1].name}; wanted one image a frame"
            )
    return numbers


def _endings() -> str:
    return "jpg, png, bmp, webp, tif, ppm"


def _name(path: Path) -> str:
    return path.resolve().name or "clip"


def _images(path: Path) -> Clip:
    return Clip(ImageFrames(find_images(path)), DEFAULT_FPS, name=_name(path))


def _otb_truth(path: Path) -> list[Path]:
    found = [entry for entry in _listing(path) if _OTB_TRUTH.fullmatch(entry.name)]
    return sorted(found, key=lambda entry: natural_order(entry.name))


def _otb(path: Path) -> Clip:
    truth_files = _otb_truth(path)
    if not truth_files:
        raise errors.SourceError(f"{path}: no groundtruth_rect.txt in it; wanted an OTB folder")
    images = find_images(path, "img")
    numbers = frame_numbers(images)
    first = OTB_FIRST_FRAME.get(_name(path))
    start = numbers.index(first) if first in numbers else 0
    truth = truths.read_otb(truth_files, numbers, start)
    return Clip(ImageFrames(images), DEFAULT_FPS, truth, _name(path))


def _vot(path: Path) -> Clip:
    images = find_images(path, "color")
    truth, _ = truths.read_vot(_vot_truth(path), frame_numbers(images))
    return Clip(ImageFrames(images), _vot_rate(path / "sequence"), truth, _name(path))


def _vot_truth(path: Path) -> Path:
    if not (path / "groundtruth.txt").is_file():
        raise errors.SourceError(f"{path}: no groundtruth.txt in it; wanted a VOT folder")
    return path / "groundtruth.txt"


def _vot_rate(path: Path) -> float:
    """Frames a second from the `fps=` line of the toolkit's `sequence` file, where there is one."""
    try:
        text = path.read_text(errors="replace") if path.is_file() else ""
    except OSError as error:
        raise errors.SourceError(f"{path}: {why(error)}; wanted a line fps=...") from None
    stated = re.search(r"^[ \t]*fps[ \t]*=(.*)$", text, re.MULTILINE)
    return truths.read_rate(path, "fps", stated[1].strip()) if stated else DEFAULT_FPS


def read_polygons(path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """The polygons of a VOT folder as they were annotated: `(T, P, 2)` corners x, y in pixels.

    `P` is 4 unless the file has polygons of more corners (then shorter ones repeat their last).
    NaN where the object is absent. `read_clip` gives the upright boxes around them. Raises
    `SourceError` as `read_clip` does.
    """
    folder = _existing(path)
    truth = _vot_truth(folder)
    return truths.read_vot(truth, frame_numbers(find_images(folder, "color")))[1]


def read_annotations(path: str | os.PathLike[str]) -> Truth:
    """All that is annotated in a MOTChallenge folder, with what its evaluation leaves out.

    `read_clip` gives the truth that counts. Here are also the rows whose flag is 0: distractors,
    occluders, statues, reflections, by their classes (the truth of 2015 knows no classes). For
    `metrics.multi.without_distractors`. Raises `SourceError` as `read_clip` does.
    """
    folder = _existing(path)
    truth_file = folder / "gt" / "gt.txt"
    if not truth_file.is_file():
        raise errors.SourceError(f"{path}: no gt/gt.txt in it; wanted a MOTChallenge folder")
    images = find_images(folder, truths.read_seqinfo(folder / "seqinfo.ini").get("imdir"))
    return truths.read_mot_truth(truth_file, frame_numbers(images), everything=True)


def _mot(path: Path) -> Clip:
    info = truths.read_seqinfo(path / "seqinfo.ini")
    images = find_images(path, info.get("imdir"))
    numbers = frame_numbers(images)
    _check_numbers(path, info, numbers)
    truth_file, detection_file = path / "gt" / "gt.txt", path / "det" / "det.txt"
    truth = detections = None
    if truth_file.is_file():
        truth = truths.read_mot_truth(truth_file, numbers)
    if detection_file.is_file():
        detections = truths.read_mot_detections(detection_file, numbers)
    stated = info.get("framerate")
    rate = DEFAULT_FPS
    if stated is not None:
        rate = truths.read_rate(path / "seqinfo.ini", "frameRate", stated)
    return Clip(
        ImageFrames(images),
        rate,
        truth,
        info.get("name", _name(path)),
        detections,
    )


def _check_numbers(path: Path, info: dict[str, str], numbers: list[int]) -> None:
    """Warn where images are missing, by their numbers or by what `seqinfo.ini` says."""
    stated = info.get("seqlength", str(len(numbers)))
    if not (stated.isascii() and stated.isdigit()):
        raise errors.SourceError(
            f"{path / 'seqinfo.ini'}: seqLength is {stated!r}, wanted a whole number"
        )
    gaps = truths.missing(numbers)
    if gaps:
        warnings.warn(
            f"{path}: the images are numbered {numbers[0]} to {numbers[-1]} without {gaps}; truth "
            "and detections are laid on those that are there, by number",
            stacklevel=5,
        )
    elif int(stated) != len(numbers):
        warnings.warn(
            f"{path}: seqLength is {stated}, but there are {len(numbers)} images", stacklevel=5
        )
