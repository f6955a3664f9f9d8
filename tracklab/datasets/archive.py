"""Unpacking an archive that came from somewhere else, without trusting it.

Invariant: `target` holds the whole archive, or does not exist; nothing is written outside it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from tracklab import errors

MOST_BYTES = 4 << 30  # unpacked; a small archive can claim to hold far more
MOST_FILES = 1_000_000
BLOCK = 1 << 20


def unpack(
    archive: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    exist_ok: bool = False,
    most_bytes: int = MOST_BYTES,
    most_files: int = MOST_FILES,
) -> Path:
    """Unpack a tar or zip archive into the new folder `target` and return it.

    It is unpacked beside `target` and renamed when whole. `exist_ok=True` returns a `target` that
    is there already and not empty as it is: of several processes that unpack the same archive at
    once, the first one's work is everyone's.

    Raises `SourceError` for a file that is not an archive or is cut short, for one that holds
    links, devices, names that lead out of the folder, or more than `most_bytes` bytes or
    `most_files` files, and where `target` cannot be made; `InputError` where `target` is there
    already, or comes while this unpacks, and is not empty.
    """
    archive, target = Path(archive), Path(target)
    if not archive.is_file():
        raise errors.SourceError(f"archive: no file {archive.name!r} there")
    if _taken(target):
        return _as_it_is(target, exist_ok)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        guard = _Guard(archive.name, most_bytes, most_files)
        _fill(archive, beside, guard)
        beside.chmod(0o755)  # mkdtemp makes it private
        with contextlib.suppress(OSError):
            target.rmdir()  # an empty one is in the way on Windows
        try:
            os.replace(beside, target)
        except OSError as error:
            if _taken(target):  # somebody else was first
                return _as_it_is(target, exist_ok)
            why = error.strerror or type(error).__name__
            raise errors.SourceError(f"target: {target.name!r} cannot be made: {why}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _taken(target: Path) -> bool:
    """Whether something is at `target` that unpacking must not touch."""
    return target.exists() and (not target.is_dir() or any(target.iterdir()))


def _as_it_is(target: Path, exist_ok: bool) -> Path:
    if not (exist_ok and target.is_dir()):
        errors.bad("target", str(target), "a folder that does not exist yet, or an empty one")
    return target


def holds(archive: Path, wanted: Callable[[str], object], first: int = 2000) -> bool:
    """Whether one of the first names in an archive is as wanted; nothing is unpacked.

    Raises `SourceError` for a file that is not an archive, or is broken there.
    """
    with _broken_is_said(archive):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as held:
                return any(map(wanted, held.namelist()[:first]))
        _check_tar(archive)
        with tarfile.open(archive) as tar:
            return any(wanted(member.name) for member in itertools.islice(tar, first))


def _check_tar(archive: Path) -> None:
    if not tarfile.is_tarfile(archive):
        raise errors.SourceError(f"{archive.name}: this is not a tar or zip archive")


@contextlib.contextmanager
def _broken_is_said(archive: Path) -> Iterator[None]:
    broken = (EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError)
    try:
        yield
    except errors.TracklabError:  # some of them are a RuntimeError too
        raise
    except broken as error:
        raise errors.SourceError(
            f"{archive.name}: cannot be unpacked ({error}). Was it copied or downloaded whole?"
        ) from error


def _fill(archive: Path, folder: Path, guard: _Guard) -> None:
    with _broken_is_said(archive):
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder, guard)
        else:
            _check_tar(archive)
            _untar(archive, folder, guard)


class _Guard:
    """What an archive may hold, counted as it is unpacked."""

    def __init__(self, name: str, most_bytes: int, most_files: int) -> None:
        self.name, self.bytes, self.files = name, most_bytes, most_files

    def refuse(self, why: str) -> None:
        raise errors.SourceError(f"{self.name}: refused, it {why}")

    def member(self, name: str) -> None:
        self.files -= 1
        if self.files < 0:
            self.refuse("holds too many files")
        ways = (PurePosixPath(name), PureWindowsPath(name))
        if any(way.is_absolute() or way.drive or ".." in way.parts for way in ways):
            self.refuse(f"holds a name that leads out of the folder: {name!r}")

    def count(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            self.refuse("holds more bytes than are allowed")


def _untar(archive: Path, folder: Path, guard: _Guard) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise errors.MissingError("this Python cannot unpack a tar safely: 3.11.4 or newer can")
    with tarfile.open(archive) as tar:
        for member in tar:
            guard.member(member.name)
            if not (member.isfile() or member.isdir()):
                guard.refuse(f"holds a link or a device: {member.name!r}")
            guard.count(member.size)
            tar.extract(member, folder, filter="data")


def _unzip(archive: Path, folder: Path, guard: _Guard) -> None:
    with zipfile.ZipFile(archive) as held:
        for member in held.infolist():
            guard.member(member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                guard.refuse(f"holds a link or a device: {member.filename!r}")
            place = folder / member.filename
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with held.open(member) as packed, place.open("wb") as plain:
                _pour(packed, plain, guard)


def _pour(packed: IO[bytes], plain: IO[bytes], guard: _Guard) -> None:
    """Copy, counting what really comes: a header may lie about the size."""
    while block := packed.read(BLOCK):
        guard.count(len(block))
        plain.write(block)
