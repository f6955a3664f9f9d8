"""Images with boxes from a folder as Pascal VOC lays it out: what annotation tools write.

Corners in the files are the first and the last pixel of an object, counted from 1: `xmin` 1 and
`xmax` 1 is one pixel. Here at the door, and nowhere else, they become edges counted from 0:
`xmin - 1` to `xmax`.

Everingham et al., "The Pascal visual object classes (VOC) challenge" (2010), and its development
kit.

The XML is somebody else's: entities from other files are not followed, and ones that grow without
end are refused by the parser (expat), as broken.
"""

from __future__ import annotations

import math
import os
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.datasets import folder
from tracklab.datasets.boxed import BoxedImages
from tracklab.detections import Objects

IMAGES, ANNOTATIONS, SPLITS = "JPEGImages", "Annotations", "ImageSets/Main"
LAYOUT = f"{IMAGES}/NAME.jpg and {ANNOTATIONS}/NAME.xml, and {SPLITS}/SPLIT.txt for parts"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
THINNEST = 2  # pixels: less is a slip of the mouse
FARTHEST = 1e6  # pixels: a corner beyond is no place in an image
SLACK = 1  # pixels beyond the border that nobody needs to hear of: tools that count from 0
CUT = "boxes that reach over the border"
NAMED = 5  # files that an announcement names
CHUNK = 64  # images a time


def voc(
    path: str | os.PathLike[str],
    split: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    class_names: Sequence[str] | None = None,
) -> BoxedImages:
    """The images and boxes of a Pascal VOC folder, yours or somebody's.

    path: the folder that holds

        JPEGImages/NAME.jpg        the images, or .png and the like
        Annotations/NAME.xml       one an image: the objects in it, each with a name and a box
        ImageSets/Main/SPLIT.txt   the NAMEs of a part, one a line; may be missing

    split: the part that `ImageSets/Main/<split>.txt` lists, in its order. None for every annotated
        image, in the order of their names.
    size: height and width in pixels. Images are stretched to it, and boxes with them. None keeps
        the images as they are, which must then be of one size.
    class_names: the classes in the order of their numbers. None for all that the annotations name,
        of every part, in alphabetical order.

    Corners in the files are first and last pixels counted from 1, and become edges: `xmin - 1`,
    `ymin - 1`, `xmax`, `ymax`. Objects marked difficult are `ignored`. Left out, and announced in
    one warning that names the files: images that are missing or cannot be read, have no annotation,
    a broken one, or one of another size; and boxes outside their image, with their last pixel
    before the first, or less than two pixels wide or high. Boxes that reach over the border are cut
    there, which is announced where it is more than a pixel.

    Raises `SourceError` for a folder that is not so laid out, a part that it does not have or that
    holds no usable image, and images of several sizes without `size`; `InputError` for an
    annotation with a class that is not in `class_names`.

    From your own folder to a detector, and how good it is on images it has not seen:

        train, test = datasets.voc("my_folder", size=(240, 320)).divided(0.2)
        model = detector.build("faster", train.class_names)
        detector.train(model, train, seconds=300)
        found = model.detect_all(test)
        print(metrics.detection.evaluate(found, test.objects, test.class_names))
        overlay.draw(test.images[0], found[0].above(0.5).boxes)
    """
    root = Path(path).expanduser()
    shape = None if size is None else _size(size)
    names = None if class_names is None else _class_names(class_names)
    _check_layout(root)
    title = root.resolve().name
    losses = Losses()
    known = {
        file.stem: file for file in sorted((root / ANNOTATIONS).glob("[!.]*.xml")) if file.is_file()
    }
    if not known:
        raise errors.SourceError(f"path: {title!r}: no annotation in {ANNOTATIONS}/")
    wanted = list(known) if split is None else _listed(root, split)
    notes: dict[str, Annotation] = {}
    broken: dict[str, str] = {}
    for stem, file in known.items():
        try:
            notes[stem] = read_annotation(file)
        except errors.SourceError as error:
            broken[stem] = str(error)
    for stem in wanted:
        if stem in broken:
            losses.add("images with a broken annotation", broken[stem])
        elif stem not in known:
            losses.add("images without annotation", stem)
    if names is None:
        names = tuple(sorted({one for note in notes.values() for one in note.names}))
    chosen = [notes[stem] for stem in wanted if stem in notes]
    for note in chosen:
        for one in note.names:
            if one not in names:
                errors.bad("class_names", names, f"also {one!r}, which {note.file} names")
    images, objects = _read(root, chosen, names, shape, losses)
    if not len(images):
        why = f": {losses}" if losses.files else ""
        raise errors.SourceError(f"path: {title!r}: no usable image{why}")
    if losses.files:
        warnings.warn(f"{title}: {losses}", stacklevel=2)
    name = title if split is None else f"{title} {split}"
    return BoxedImages(images, objects, names, name, "Pascal VOC folder")


@dataclass
class Losses:
    """What was left out or changed, and in which files."""

    files: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, file: str) -> None:
        """One more."""
        self.files.setdefault(what, []).append(file)

    def __str__(self) -> str:
        return "; ".join(_counted(what, files) for what, files in self.files.items())


def _counted(what: str, files: list[str]) -> str:
    different = list(dict.fromkeys(files))
    more = f" and {len(different) - NAMED} more" if len(different) > NAMED else ""
    verb = "cut" if what == CUT else "left out"
    return f"{verb} {what} ({len(files)}): {', '.join(different[:NAMED])}{more}"


@dataclass(frozen=True)
class Annotation:
    """What one file says: the objects, with corners in pixels from 0, as edges.

    size: height and width of the image, or None where the file does not say. The name that it gives
    to its image is not read: it is often that of another one.
    """

    file: str
    boxes: NDArray[np.float64]  # (K, 4)
    names: tuple[str, ...]
    difficult: tuple[bool, ...]
    size: tuple[int, int] | None


def read_annotation(path: str | os.PathLike[str]) -> Annotation:
    """One annotation, with its corners turned from first and last pixel into edges.

    Raises `SourceError` that names the file and what is wrong: no XML, an object without a name or
    a corner, a corner that is no number or lies a million pixels away.
    """
    file = Path(path).name
    try:
        root = ET.parse(path).getroot()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise errors.SourceError(f"{file}: no XML ({error})") from None
    except OSError as error:
        raise errors.SourceError(f"{file}: cannot be read ({error.strerror})") from None
    if root.tag != "annotation":  # a page that says "not found" would pass for an empty image
        raise errors.SourceError(f"{file}: <{root.tag[:40]}>, wanted is <annotation>")
    objects = root.findall("object")
    boxes = [_corners(one, f"{file}: object {k}") for k, one in enumerate(objects, start=1)]
    names = [(one.findtext("name") or "").strip() for one in objects]
    if "" in names:
        raise errors.SourceError(f"{file}: object {names.index('') + 1} has no name")
    sides = [_digits(root.findtext(f"size/{side}")) for side in ("height", "width")]
    return Annotation(
        file,
        # the first pixel begins at xmin - 1, the last one ends at xmax
        np.array(boxes, float).reshape(-1, 4) - [1, 1, 0, 0],
        tuple(names),
        tuple(_digits(one.findtext("difficult")) == 1 for one in objects),
        (sides[0], sides[1]) if all(sides) else None,
    )


def _corners(one: ET.Element, where: str) -> list[float]:
    values = []
    for corner in CORNERS:
        text = (one.findtext(f"bndbox/{corner}") or "").strip()
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not abs(value) <= FARTHEST:  # NaN never is
            raise errors.SourceError(f"{where}: {corner} is {text!r}, wanted is a number")
        values.append(value)
    return values


def _digits(text: str | None) -> int:
    """A whole number, or 0 where there is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _read(
    root: Path,
    notes: Sequence[Annotation],
    names: tuple[str, ...],
    size: tuple[int, int] | None,
    losses: Losses,
) -> tuple[NDArray[np.uint8], list[Objects]]:
    """Images `(N, H, W, 3)` and the objects in each, without what cannot be used."""
    files: dict[str, str] = {}
    for file in sorted(os.listdir(root / IMAGES)):
        if file.lower().endswith(folder.ENDINGS):
            files.setdefault(Path(file).stem, file)

    def read(note: Annotation) -> tuple[NDArray[np.uint8] | None, tuple[int, int]]:
        file = files.get(Path(note.file).stem)
        image = _decoded(root / IMAGES / file, note.size) if file else None
        if image is None or size is None:
            return image, (0, 0) if image is None else image.shape[:2]
        return _stretched(image, size), image.shape[:2]

    images, first = np.zeros((0, 0, 0, 3), np.uint8), ""
    objects: list[Objects] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(notes), CHUNK):
            some = notes[start : start + CHUNK]
            for note, (image, seen) in zip(some, pool.map(read, some), strict=True):
                if image is None:
                    losses.add("images that are missing or cannot be read", note.file)
                elif note.size not in (None, seen):
                    losses.add("images of another size than their annotation says", note.file)
                else:
                    if not objects:
                        images, first = np.empty((len(notes), *image.shape), np.uint8), note.file
                    if image.shape != images.shape[1:]:
                        tall, wide = images.shape[1:3]
                        raise errors.SourceError(
                            f"path: {root.resolve().name!r}: images of several sizes: that of "
                            f"{first} is {wide}x{tall}, that of {note.file} "
                            f"{seen[1]}x{seen[0]}; give size=(height, width)"
                        )
                    images[len(objects)] = image
                    objects.append(_objects(note, names, seen, image.shape[:2], losses))
    return images[: len(objects)], objects


def _decoded(path: Path, size: tuple[int, int] | None) -> NDArray[np.uint8] | None:
    """An image, turned as its camera was held unless the annotation saw it as it is stored."""
    image = folder.decoded(path)
    if image is not None and size is not None and image.shape[1::-1] == size != image.shape[:2]:
        return folder.decoded(path, turned=False)
    return image


def _stretched(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] == size:
        return image
    way = cv2.INTER_AREA if image.shape[0] > size[0] else cv2.INTER_LINEAR
    return cv2.resize(image, size[::-1], interpolation=way)  # type: ignore[return-value]


def _objects(
    note: Annotation,
    names: tuple[str, ...],
    seen: tuple[int, int],
    size: tuple[int, int],
    losses: Losses,
) -> Objects:
    """The objects of an image of size `seen` that came out in `size`."""
    cut = bx.clip(note.boxes, *seen)
    inside = (bx.sizes(cut) > 0).all(-1)
    thick = (bx.sizes(note.boxes) >= THINNEST).all(-1)
    crossed = (bx.sizes(note.boxes) <= 0).any(-1)  # one pixel is 1 wide
    for row, box in enumerate(note.boxes):
        if crossed[row]:
            losses.add("boxes with corners in the wrong order", note.file)
        elif not thick[row]:
            losses.add("boxes less than two pixels wide or high", note.file)
        elif not inside[row]:
            losses.add("boxes outside their image", note.file)
        elif np.abs(cut[row] - box).max() > SLACK:
            losses.add(CUT, note.file)
    kept = np.flatnonzero(thick & inside)
    scale = np.array([size[1] / seen[1], size[0] / seen[0]] * 2)
    labels = [names.index(note.names[row]) for row in kept]
    return Objects(
        bx.clip((cut[kept] * scale).astype(np.float32), *size),
        np.array(labels, np.int64),
        np.array(note.difficult, bool)[kept],
    )


def _listed(root: Path, split: str) -> list[str]:
    """The names that a part lists."""
    parts = {file.stem: file for file in sorted((root / SPLITS).glob("*.txt"))}
    if not isinstance(split, str) or split not in parts:
        name = root.resolve().name
        wanted = f"one that {name!r} has: {', '.join(map(repr, parts))}"
        if not parts:
            wanted = f"no split, which means all images: {name!r} has no {SPLITS}/*.txt"
        errors.bad("split", split, wanted)
    lines = parts[split].read_text(encoding="utf-8-sig", errors="replace").splitlines()
    # lists of one class have a second column
    listed = list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))
    if not listed:
        raise errors.SourceError(f"path: {root.resolve().name!r}: {split}.txt lists no image")
    return listed


def _check_layout(root: Path) -> None:
    name = root.name or str(root)
    if not root.is_dir():
        what = "a file, not a folder" if root.exists() else "no such folder"
        raise errors.SourceError(f"path: {name!r}: {what}")
    for part in (ANNOTATIONS, IMAGES):
        if not (root / part).is_dir():
            below = [one.name for one in sorted(root.iterdir()) if (one / ANNOTATIONS).is_dir()]
            hint = f"; its folder {below[0]!r} is so laid out" if below else f"; wanted is {LAYOUT}"
            raise errors.SourceError(f"path: {name!r}: no folder {part} in it{hint}")


def _size(size: Any) -> tuple[int, int]:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        errors.bad("size", size, "height and width in pixels, as in (240, 320)")
    height, width = (int(errors.number("size", n, low=1, high=4096, whole=True)) for n in size)
    return height, width


def _class_names(names: Any) -> tuple[str, ...]:
    names = tuple(names) if isinstance(names, (tuple, list)) else ()
    if not names or len(set(names)) != len(names) or not all(isinstance(n, str) for n in names):
        errors.bad("class_names", names, "a tuple of different names")
    return names
