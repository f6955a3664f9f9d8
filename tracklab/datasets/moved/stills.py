"""Where still pictures come from: small images as they are, photographs a piece at a time.

CIFAR-10's images are small and square, and each shows one thing. A photograph is large and shows
many, so it serves by its square pieces. It is kept at a few sizes, each half of the one before, and
a piece of a few dozen pixels is cut from any of them: it shows a detail or nearly the whole, and
cutting costs nothing.

Invariant: a picture from a source is square, and a new cut each time it is asked for.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.datasets import folder
from tracklab.datasets.cifar import cifar10

Pixels = NDArray[Any]  # uint8; OpenCV only says that what it returns are numbers

SMALLEST_PIECE, LARGEST_PIECE = 32, 64  # pixels: as much as CIFAR-10 shows, or twice that
LARGEST_PHOTO = 128  # pixels of the shorter side that are kept: details down to a quarter of it
MOST_PHOTOS = 2000  # of a folder: kept, they take up to 90 kB each
IMAGES = "an array (N, H, W, 3) of type uint8, RGB, or a list of arrays (H, W, 3)"


class Stills:
    """A source of still pictures.

    images: `(N, H, W, 3)` uint8 RGB, or a list of `(H, W, 3)` uint8 arrays of any sizes. Square
        ones of up to 32 pixels serve whole; from others, square pieces are cut.
    name: what the set is called; clips made of it bear it.

    The images are not copied and not changed. Raises `InputError` for what is no such images, grey
    or transparent ones among them, and for none.
    """

    def __init__(self, images: Any, *, name: str = "stills") -> None:
        if not isinstance(name, str):
            errors.bad("name", name, "a text")
        self.name = name
        self._sizes = _in_sizes(images)

    @classmethod
    def cifar10(cls, count: int | None = None, *, seed: int = 0) -> Stills:
        """CIFAR-10's training images, or `count` of them; its test images are left alone.

        Where CIFAR-10 cannot be had, drawn sprites stand in: `datasets.cifar10`, which see, prints
        what came. Raises `InputError` for more images than there are.
        """
        images = cifar10(train=count, seed=seed)
        return cls(images.train_images, name=images.name)

    @classmethod
    def folder(
        cls, path: str | os.PathLike[str], *, most: int = MOST_PHOTOS, seed: int = 0
    ) -> Stills:
        """The images below a folder, however it is laid out; of `train/` and `test/`, `train/`.

        most: no more than so many, drawn at random.

        Grey images become RGB, transparent ones are laid on white. A file that cannot be read is
        left out with a warning that names it. Raises `SourceError` where there is no such folder
        or no readable image in it.
        """
        root = Path(path).expanduser()
        most = int(errors.number("most", most, low=1, whole=True))
        seed = int(errors.number("seed", seed, low=0, whole=True))
        files = _files(root)
        if len(files) > most:
            chosen = np.random.default_rng(seed).permutation(len(files))[:most]
            files = [files[k] for k in sorted(chosen)]
        return cls(_decoded(root, files), name=root.resolve().name)

    def __len__(self) -> int:
        return len(self._sizes)

    def __repr__(self) -> str:
        return f"{self.name}: {len(self):,} still pictures"

    def picture(self, rng: np.random.Generator) -> Pixels:
        """A square picture `(S, S, 3)` uint8 RGB, as it is (not to be changed) or mirrored.

        S is 32 to 64 pixels, or the shorter side of a smaller image.
        """
        sizes = self._sizes[int(rng.integers(len(self._sizes)))]
        picture: Pixels = sizes[int(rng.integers(len(sizes))) if len(sizes) > 1 else 0]
        height, width = picture.shape[:2]
        side = shorter = min(height, width)
        if shorter > SMALLEST_PIECE:
            side = int(rng.integers(SMALLEST_PIECE, min(shorter, LARGEST_PIECE) + 1))
        if height != side or width != side:
            y, x = rng.integers(0, (height - side + 1, width - side + 1))
            picture = picture[y : y + side, x : x + side]
        if rng.random() < 0.5:
            return picture
        # a mirrored view would be copied by whatever takes it, which takes longer
        return cv2.flip(picture, 1)


def _in_sizes(images: Any) -> Sequence[Any]:
    """Each image as a sequence of one or more arrays, the smaller ones after the larger."""
    if isinstance(images, np.ndarray):
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            errors.bad("images", images, IMAGES)
        if not images.size:
            errors.bad("images", images, "at least one image, with pixels")
        if max(images.shape[1:3]) <= LARGEST_PIECE:
            one_size: Any = images[:, None]  # each in the one that it has
            return one_size
    elif not isinstance(images, (list, tuple)):
        errors.bad("images", images, IMAGES)
    if not len(images):
        errors.bad("images", errors.Said("no images"), "at least one image")
    return [_halved(errors.image(f"images[{k}]", one)) for k, one in enumerate(images)]


def _shrunk(image: Pixels) -> Pixels:
    """An image whose shorter side has at most `LARGEST_PHOTO` pixels."""
    height, width = image.shape[:2]
    scale = LARGEST_PHOTO / min(height, width)
    if scale >= 1:
        return image
    size = max(LARGEST_PHOTO, round(width * scale)), max(LARGEST_PHOTO, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _halved(image: Pixels) -> list[Pixels]:
    """An image shrunk to size, its half, its quarter, until a piece can be nearly all of it."""
    sizes = [_shrunk(image)]
    while min(sizes[-1].shape[:2]) > LARGEST_PIECE:
        height, width = sizes[-1].shape[:2]
        half = ((width + 1) // 2, (height + 1) // 2)
        sizes.append(cv2.resize(sizes[-1], half, interpolation=cv2.INTER_AREA))
    return sizes


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        what = "a file, not a folder" if root.exists() else "no such folder"
        raise errors.SourceError(f"path: {root.name!r}: {what}")
    place = root / "train" if folder.has_images(root) else root
    files = [
        file
        for file in place.rglob("*")
        if file.suffix.lower() in folder.ENDINGS
        and not any(part[0] == "." for part in file.relative_to(place).parts)
        and file.is_file()
    ]
    if not files:
        raise errors.SourceError(f"path: {root.name!r}: no image in it or in the folders below")
    return sorted(files)


def _decoded(root: Path, files: list[Path]) -> list[Pixels]:
    def one(file: Path) -> Pixels | None:
        image = folder.decoded(file)
        return None if image is None else _shrunk(image)  # only this size is kept in memory

    # OpenCV lets go of the interpreter while it decodes
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        images = list(pool.map(one, files))
    lost = [file for file, image in zip(files, images, strict=True) if image is None]
    if len(lost) == len(files):
        raise errors.SourceError(f"path: {root.name!r}: no image in it can be read")
    if lost:
        named = ", ".join(str(file.relative_to(root)) for file in lost[: folder.NAMED])
        more = f" and {len(lost) - folder.NAMED} more" if len(lost) > folder.NAMED else ""
        count = "1 file that is" if len(lost) == 1 else f"{len(lost)} files that are"
        said = f"{root.name}: left out {count} not a readable image: {named}{more}"
        warnings.warn(said, stacklevel=3)
    return [image for image in images if image is not None]
