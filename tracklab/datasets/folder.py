"""Images from a folder: `folder/<class>/*.jpg`, or `train/<class>` and `test/<class>` in it.

Whatever the files hold (grey, transparent, of any size) comes out as RGB of one size. Decoded sets
are kept (see `store`) under a fingerprint of the folder's listing: names, sizes and times.
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.datasets import store
from tracklab.datasets.images import Images

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
SIZE = (32, 32)  # height, width: CIFAR-10's
NAMED = 5  # unreadable files that a warning lists
SPLITS = ("train", "test")
CHUNK = 512  # files a thread reads at a time
PAPER = 255  # what shows through where an image is transparent: white


@dataclass(frozen=True)
class Entry:
    """One image file: its place below the folder, its class, its part, its size and time."""

    place: str
    label: str
    split: str
    bytes: int
    modified: int


def image_folder(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] = SIZE,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> Images:
    """The images of a folder of your own, one folder a class.

    path: holds `<class>/*.jpg` (or png, ...), of which `test_fraction` of each class is set aside
        for testing; or `train/<class>/*` and `test/<class>/*`, taken as they are.
    size: height and width in pixels; an image is cropped to that shape around its middle and
        scaled.

    Grey images become RGB, transparent ones are laid on white. A file that cannot be read is left
    out with a warning that names it. Raises `SourceError` where there is no such folder, it holds
    no class folders or only one, or a class without a readable image.
    """
    root = Path(path).expanduser()
    height, width = _size(size)
    fraction = errors.number("test_fraction", test_fraction, low=0, high=1)
    entries = listing(root)
    arrays = _decoded(root, entries, (height, width))
    return _divided(root.resolve().name, arrays, float(fraction), seed)


def _size(size: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        errors.bad("size", size, "height and width in pixels, as in (32, 32)")
    height, width = (int(errors.number("size", n, low=1, high=4096, whole=True)) for n in size)
    return height, width


def has_images(root: Path) -> bool:
    """Whether a folder is laid out as `train/<class>/` and `test/<class>/`."""
    return all((root / split).is_dir() and _folders(root / split) for split in SPLITS)


def listing(root: Path) -> list[Entry]:
    """The image files of a folder, by part, class and name. Raises `SourceError` as above."""
    if not root.is_dir():
        what = "a file, not a folder" if root.exists() else "no such folder"
        raise errors.SourceError(f"path: {root.name!r}: {what}")
    split = has_images(root)
    entries: list[Entry] = []
    for part in SPLITS if split else ("",):
        for label in _folders(root / part):
            entries += _files(root, part, label)
    _check_classes(root, entries, split)
    return entries


def _folders(root: Path) -> list[str]:
    with os.scandir(root) as inside:
        return sorted(e.name for e in inside if e.is_dir() and e.name[0] not in "._")


def _files(root: Path, split: str, label: str) -> list[Entry]:
    found = []
    with os.scandir(root / split / label) as inside:
        for entry in inside:
            if entry.name.lower().endswith(ENDINGS) and entry.name[0] != "." and entry.is_file():
                place = "/".join(part for part in (split, label, entry.name) if part)
                about = entry.stat()
                found.append(Entry(place, label, split, about.st_size, about.st_mtime_ns))
    return sorted(found, key=lambda entry: entry.place)


LAYOUT = "folder/<class>/*.jpg, or folder/train/<class>/*.jpg and folder/test/<class>/*.jpg"


def _check_classes(root: Path, entries: list[Entry], split: bool) -> None:
    parts = SPLITS if split else ("",)
    held = {part: {e.label for e in entries if e.split == part} for part in parts}
    if not any(held.values()):
        why = "it is empty" if not any(root.iterdir()) else "no class folder in it holds an image"
        raise errors.SourceError(f"path: {root.name!r}: {why}; wanted is {LAYOUT}")
    for part in parts:
        bare = sorted(set(_folders(root / part)) - held[part])
        if bare:
            where = f"{part}/{bare[0]}" if part else bare[0]
            raise errors.SourceError(
                f"path: {root.name!r}: the class folder {where!r} holds no image"
            )
    first = held[parts[0]]
    if len(first) < 2:
        raise errors.SourceError(
            f"path: {root.name!r}: one class only, {min(first)!r}; to tell classes apart takes two"
        )
    if split and held["train"] != held["test"]:
        odd = sorted(held["train"] ^ held["test"])[0]
        missing = "test" if odd in held["train"] else "train"
        raise errors.SourceError(
            f"path: {root.name!r}: the class {odd!r} is missing from {missing}/"
        )


def _decoded(root: Path, entries: list[Entry], size: tuple[int, int]) -> store.Arrays:
    """Images, labels, parts and names of a listing: kept from before, or read now."""
    family = f"images-{store.fingerprint([str(root.resolve()), size])}"
    key = store.fingerprint(entries)
    kept = store.load(family, key)
    if kept is not None and _is_whole(kept, size):
        return kept
    arrays, whole = read(root, entries, size)
    if whole:  # a folder with unreadable files warns each time
        store.save(family, key, arrays)
    return arrays


def _is_whole(kept: store.Arrays, size: tuple[int, int]) -> bool:
    wanted = {"images", "labels", "is_test", "class_names", "split"}
    if set(kept) != wanted or kept["images"].shape[1:] != (*size, 3):
        return False
    return len(kept["images"]) == len(kept["labels"]) == len(kept["is_test"])


def read(root: Path, entries: list[Entry], size: tuple[int, int]) -> tuple[store.Arrays, bool]:
    """Decode every file of a listing; also whether all could be read.

    Warns of those that could not. Raises `SourceError` for a class of which none could.
    """
    images = np.empty((len(entries), *size, 3), np.uint8)

    def some(start: int) -> list[bool]:
        fine = []
        for number in range(start, min(start + CHUNK, len(entries))):
            image = read_image(f"{root}/{entries[number].place}", size)
            fine.append(image is not None)
            if image is not None:
                images[number] = image
        return fine

    # OpenCV lets go of the interpreter while it decodes
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        readable = np.concatenate(list(pool.map(some, range(0, len(entries), CHUNK)))) > 0
    _warn(root, [e.place for e, fine in zip(entries, readable, strict=True) if not fine])
    kept = [entry for entry, fine in zip(entries, readable, strict=True) if fine]
    for lost in sorted({(e.split, e.label) for e in entries} - {(e.split, e.label) for e in kept}):
        where = "/".join(part for part in lost if part)
        raise errors.SourceError(f"path: {root.name!r}: no image in {where!r} can be read")
    names = sorted({entry.label for entry in entries})
    number_of = {name: number for number, name in enumerate(names)}
    arrays: store.Arrays = {
        "images": images if readable.all() else images[readable],
        "labels": np.array([number_of[e.label] for e in kept], np.int64),
        "is_test": np.array([e.split == "test" for e in kept], bool),
        "class_names": np.array(names),
        "split": np.array(bool(entries[0].split)),
    }
    return arrays, bool(readable.all())


def _warn(root: Path, lost: list[str]) -> None:
    if not lost:
        return
    named = ", ".join(lost[:NAMED]) + (
        f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    )
    count = "1 file that is" if len(lost) == 1 else f"{len(lost)} files that are"
    warnings.warn(f"{root.name}: left out {count} not a readable image: {named}", stacklevel=5)


def read_image(path: str | os.PathLike[str], size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """One image as RGB of height and width `size`, or None where the file is not a whole image."""
    image = decoded(path)
    return None if image is None else _fitted(image, size)


def decoded(path: str | os.PathLike[str], *, turned: bool = True) -> NDArray[np.uint8] | None:
    """One image as RGB of its own size, or None where the file is not a whole image.

    turned: a photograph is turned the way its camera was held, where it says so.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return None
    jpeg = data[:2] == b"\xff\xd8"
    if not data or (jpeg and b"\xff\xd9" not in data):  # no end mark: cut short
        return None
    # IMREAD_COLOR turns a photograph the way its camera was held; the other keeps transparency
    flag = cv2.IMREAD_COLOR if jpeg else cv2.IMREAD_UNCHANGED
    if jpeg and not turned:
        flag |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        return None
    return None if image is None or not image.size else _as_rgb(image)


def _as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """OpenCV's image, grey, BGR or BGRA, of 8 or 16 bits, as RGB of 8 bits."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype != np.uint8:
        image = np.clip(np.nan_to_num(image.astype(np.float32)) * 255, 0, 255).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)  # type: ignore[return-value]
    if image.shape[2] == 2:  # grey and alpha
        image = np.concatenate([np.repeat(image[..., :1], 3, 2), image[..., 1:]], 2)
    if image.shape[2] == 4:
        alpha = image[..., 3:].astype(np.float32) / 255
        # C = a F + (1 - a) B
        mixed = alpha * image[..., 2::-1] + (1 - alpha) * PAPER
        return np.round(mixed).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Cropped to the shape of `size` around the middle, then scaled."""
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    scale = min(height / size[0], width / size[1])
    tall, wide = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    top, left = (height - tall) // 2, (width - wide) // 2
    crop = image[top : top + tall, left : left + wide]
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return cv2.resize(crop, size[::-1], interpolation=way)  # type: ignore[return-value]


def _divided(name: str, arrays: store.Arrays, fraction: float, seed: int) -> Images:
    """A decoded folder as `Images`, shuffled: a folder lists one class after the other."""
    images, labels, is_test = arrays["images"], arrays["labels"], arrays["is_test"]
    rng = np.random.default_rng(seed)
    if arrays["split"]:
        test, train = np.flatnonzero(is_test), np.flatnonzero(~is_test.astype(bool))
        test, train = rng.permutation(test), rng.permutation(train)
    else:
        test, train = _set_aside(labels, fraction, rng)  # type: ignore[arg-type]
    return Images(
        images[train],  # type: ignore[arg-type]
        labels[train],  # type: ignore[arg-type]
        images[test],  # type: ignore[arg-type]
        labels[test],  # type: ignore[arg-type]
        tuple(map(str, arrays["class_names"])),
        name,
        "image folder",
    )


def _set_aside(
    labels: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places for testing and for training; every class keeps at least one image to learn from."""
    test: list[NDArray[np.int64]] = []
    for one in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == one))
        count = min(round(len(members) * fraction), len(members) - 1)
        count = max(count, 1 if fraction > 0 and len(members) > 1 else 0)
        test.append(members[:count])
    aside = rng.permutation(np.concatenate(test))
    rest = np.setdiff1d(np.arange(len(labels)), aside)
    return aside, rng.permutation(rest)
