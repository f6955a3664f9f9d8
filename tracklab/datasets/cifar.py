"""CIFAR-10, from wherever it can be had, or an announced stand-in.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009: 60,000 photographs of
ten classes, 32x32.

Tried in this order, what needs no network first: the cache of Keras' own loader; an image folder
(or an archive of one) that `TRACKLAB_DATA` names; a download into Keras' cache; drawn sprites.
Invariant: under the archive's name in Keras' cache lies the whole archive, or nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tracklab import errors
from tracklab.datasets import folder, store
from tracklab.datasets.archive import holds, unpack
from tracklab.datasets.drawn import TEST, TRAIN, sprites
from tracklab.datasets.images import CIFAR, Images

CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# The archive that Keras' loader reads, under the name that it looks for.
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-batches-py-target_archive"
ARCHIVE_BYTES = 170_498_071
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

CONNECT_SECONDS = 3.0  # without a network this is all that a learner waits
STALL_SECONDS = 10.0  # a download in which nothing comes for so long is given up
DOWNLOAD_SECONDS = 900.0  # and so is one that crawls
BLOCK = 1 << 18

_IN_A_CLASS = re.compile(r"(^|/)(train|test)/[^/]+/[^/]+$")  # a file's name in an archive
ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")

ADVICE = (
    "For CIFAR-10 itself: run this once with a network, or name in the environment variable "
    "TRACKLAB_DATA a folder that holds train/<class>/*.jpg and test/<class>/*.jpg."
)


def cifar10(*, train: int | None = None, test: int | None = None, seed: int = 0) -> Images:
    """CIFAR-10, or a stand-in that is announced as one; `train` and `test` draw fewer images.

    Prints one line that says what came and from where. `Images.is_cifar` tells it to a program.
    `TRACKLAB_OFFLINE=1` keeps it from the network. Raises `InputError` for more images than there
    are; a failed download is not an error, it says what to do.
    """
    train, test = (_wanted(part, n) for part, n in (("train", train), ("test", test)))
    images, remarks = _find(train, test)
    images = images.subset(train=train, test=test, seed=seed)
    print(" ".join([f"{images}.", *remarks]))
    return images


class AtHand(NamedTuple):
    """What `cifar10` takes without asking the network: in words, and whether it is CIFAR-10."""

    found: str
    is_cifar: bool


def at_hand() -> AtHand | None:
    """What `cifar10` would take without a network, looked up as it does but not decoded.

    None where it would draw sprites. Raises `SourceError` where it would: what `TRACKLAB_DATA`
    names has the right folders, but something is wrong with what is in them.
    """
    if keras_archive().is_file() and _is_whole(keras_archive()):
        return AtHand("in Keras' cache", True)
    named = os.environ.get("TRACKLAB_DATA")
    place = _set_in(Path(named).expanduser()) if named else None
    if place is not None and place.is_file():
        target = _unpacked(place)
        if not target.is_dir():
            if not holds(place, _IN_A_CLASS.search):
                return None
            return AtHand("in an archive that TRACKLAB_DATA names, still to be unpacked", True)
        place = next((p for p in _places(target) if folder.has_images(p)), None)
    if place is None:
        return None
    classes = tuple(sorted({entry.label for entry in folder.listing(place)}))
    if classes != CIFAR_CLASSES:
        return AtHand(f"TRACKLAB_DATA names images of {len(classes)} classes of its own", False)
    return AtHand("the images that TRACKLAB_DATA names", True)


def _wanted(part: str, count: int | None) -> int | None:
    return None if count is None else int(errors.number(part, count, low=1, whole=True))


def _find(train: int | None, test: int | None) -> tuple[Images, list[str]]:
    """The best set that can be had, and what a learner should know about why."""
    remarks: list[str] = []
    if keras_archive().is_file():
        if _is_whole(keras_archive()):
            return _from_keras(), remarks
        with contextlib.suppress(OSError):
            keras_archive().unlink()
        remarks.append("A half download was found in Keras' cache and removed.")
    named = os.environ.get("TRACKLAB_DATA")
    if named:
        found = _from_named(Path(named).expanduser())
        if found is not None:
            return found, remarks
        remarks.append("TRACKLAB_DATA names no folder with train/<class>/ and test/<class>/.")
    failure = _download()
    if failure is None:
        return _from_keras(), remarks
    # only as many as are asked for are drawn, but at least one of each class
    drawn = sprites(
        train=TRAIN if train is None else max(min(train, TRAIN), len(CIFAR_CLASSES)),
        test=TEST if test is None else max(min(test, TEST), len(CIFAR_CLASSES)),
    )
    stand_in = replace(drawn, source="drawn shapes that stand in for CIFAR-10")
    return stand_in, [*remarks, failure, ADVICE]


# -- Keras' own loader


def keras_archive() -> Path:
    """Where Keras' loader keeps the archive: `KERAS_HOME`, or `.keras` in the home folder."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):  # Keras does the same
        home = Path(tempfile.gettempdir()) / ".keras"
    return home / "datasets" / ARCHIVE


def _is_whole(archive: Path) -> bool:
    if archive.stat().st_size != ARCHIVE_BYTES:
        return False
    with archive.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == ARCHIVE_SHA256


def _from_keras() -> Images:
    kept = store.load("keras-cifar10", ARCHIVE_SHA256[:16])
    if kept is None:
        (train, train_labels), (test, test_labels) = _keras_loader()
        kept = {
            "train": np.asarray(train),
            "train_labels": np.asarray(train_labels).reshape(-1),
            "test": np.asarray(test),
            "test_labels": np.asarray(test_labels).reshape(-1),
        }
        store.save("keras-cifar10", ARCHIVE_SHA256[:16], kept)
    parts: Any = (kept["train"], kept["train_labels"], kept["test"], kept["test_labels"])
    train, train_labels, test, test_labels = parts
    return Images(train, train_labels, test, test_labels, CIFAR_CLASSES, CIFAR, "Keras' own loader")


def _keras_loader() -> Any:
    from tracklab.quiet import keras  # takes seconds: only where its archive is really there

    return keras.datasets.cifar10.load_data()


# -- an image folder, or an archive of one


def _from_named(root: Path) -> Images | None:
    """The set in a folder: in itself, in one of the folders in it, or in an archive in it."""
    place = _set_in(root)
    if place is None or place.is_file():
        return None if place is None else _from_archive(place)
    return _named(folder.image_folder(place, test_fraction=0.2))


def _set_in(root: Path) -> Path | None:
    """The image folder in a folder, or the archive that should hold one."""
    place = next((p for p in _places(root) if folder.has_images(p)), None)
    if place is not None:
        return place
    held = sorted(root.iterdir()) if root.is_dir() else [root]
    archives = [p for p in held if p.is_file() and p.name.lower().endswith(ARCHIVE_ENDINGS)]
    likely = [p for p in archives if "cifar" in p.name.lower()]
    return likely[0] if likely else None


def _places(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    inside = sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
    return [root, *sorted(inside, key=lambda p: "cifar" not in p.name.lower())]


def _unpacked(archive: Path) -> Path:
    """Where in the cache an archive is unpacked, as long as it stays the same."""
    base = store.cache_dir() or Path(tempfile.gettempdir())
    about = archive.stat()
    key = store.fingerprint([str(archive.resolve()), about.st_size, about.st_mtime_ns])
    return base / f"unpacked-{key}"


def _from_archive(archive: Path) -> Images | None:
    """The set in an archive, unpacked once into the cache."""
    target = _unpacked(archive)
    if not target.is_dir():
        unpack(archive, target, exist_ok=True)  # another process may be at it too
    place = next((p for p in _places(target) if folder.has_images(p)), None)
    return None if place is None else _named(folder.image_folder(place))


def _named(images: Images) -> Images:
    """CIFAR-10 under its own name only where the classes are its own."""
    if images.class_names == CIFAR_CLASSES and images.size == folder.SIZE:
        return replace(images, name=CIFAR)
    return images


# -- a download


def _download() -> str | None:
    """Bring the archive into Keras' cache. None where that worked, else why it did not."""
    if os.environ.get("TRACKLAB_OFFLINE", "") not in ("", "0"):
        return "The network was not asked (TRACKLAB_OFFLINE)."
    if not _answers(ORIGIN):
        return "There is no network, or it does not reach the home of CIFAR-10."
    target = keras_archive()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < 8 * ARCHIVE_BYTES:
            return "The disk has no room for CIFAR-10."
        _fetch(target)
    except (OSError, ValueError) as error:
        return f"The download of CIFAR-10 failed ({_why(error)}); nothing of it was kept."
    return None


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(reason) or type(error).__name__


def _answers(url: str) -> bool:
    """Whether the other side takes a connection within `CONNECT_SECONDS`, name look-up included."""
    if urllib.request.getproxies():
        return True  # the proxy will say
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    reached = threading.Event()

    def knock() -> None:
        # tests forbid the network with errors of their own
        with contextlib.suppress(Exception):
            socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
            reached.set()

    knocking = threading.Thread(target=knock, daemon=True)
    knocking.start()
    knocking.join(CONNECT_SECONDS)  # a name look-up has no time limit of its own
    return reached.is_set()


def _fetch(target: Path) -> None:
    """Download beside `target`, check it, rename it. Raises `OSError`; leaves no half behind."""
    from tqdm.auto import tqdm

    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".cifar-10-", suffix=".part")
    stop = time.monotonic() + DOWNLOAD_SECONDS
    digest, count = hashlib.sha256(), 0
    try:
        with (
            os.fdopen(handle, "wb") as stream,
            urllib.request.urlopen(ORIGIN, timeout=STALL_SECONDS) as answer,
            tqdm(total=ARCHIVE_BYTES, desc="CIFAR-10", unit="B", unit_scale=True) as bar,
        ):
            while block := answer.read(BLOCK):
                stream.write(block)
                digest.update(block)
                count += len(block)
                bar.update(len(block))
                if count > ARCHIVE_BYTES:
                    raise errors.SourceError("more came than the archive holds")
                if time.monotonic() > stop:
                    raise errors.SourceError("it took too long")
        if count < ARCHIVE_BYTES:
            raise errors.SourceError(f"it ended after {count:,} of {ARCHIVE_BYTES:,} bytes")
        if digest.hexdigest() != ARCHIVE_SHA256:
            raise errors.SourceError("what came is not the archive: its checksum differs")
        os.replace(beside, target)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
