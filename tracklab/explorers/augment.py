"""The explorer "augment": a playground in which boxes follow the pixels.

`draw` is pure: a picture with its boxes at the left, the same after one transform at the right. An
object of which too little is left is shown by a grey, dashed piece. Where a box was drawn around
something that turned, the tight box stands inside it in black and white, and the words say how well
the two agree. Pictures with one class and no boxes show what becomes of the label.
"""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import augment as au
from tracklab import boxes as bx
from tracklab import overlay, scenes
from tracklab.augment import cutmix, edge, labels, mixup
from tracklab.augment.moves import CORNERS, ELLIPSE
from tracklab.explorers.controls import Choice, Control, Seed, Slider
from tracklab.explorers.shell import Drawing, Explorer

Picture = NDArray[np.uint8]

SCENES, OBJECTS, FIRST_SCENE, SIDE = 4, 4, 4, 128  # four scenes, so that a mosaic has its four
ROOM = 384  # pixels that a picture is enlarged to
GAP, TOP = 18, 26
OUTLINE = "its outline"
DRAWN_AROUND = (CORNERS, ELLIPSE, OUTLINE)
SMALL = ("small picture 1", "small picture 2")
PICTURES = ("scene 1", "scene 2", *SMALL)
INK, PAPER, GONE = (40, 40, 40), (255, 255, 255), (150, 150, 150)
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
LOOSE = 0.995  # IoU with the tight box below which a box is said to be loose
KEPT_STEP = 0.05

Make = Callable[[float, dict[str, Any]], au.Transform]


@dataclass(frozen=True)
class Family:
    """A transform of a strength, and which of the other controls do something for it.

    A strength is 0 to 1, or, where the draw says which way, -1 to 1.
    """

    make: Make
    strong: str = ""  # what the strength is, in words; "" where it does nothing
    moves: bool = False  # whether the edge cuts boxes
    turns: bool = False  # whether boxes grow loose
    border: bool = False
    ways: bool = False


def _affine(**named: Any) -> Make:
    """An affine transform of one kind; the others do nothing."""

    def make(s: float, more: dict[str, Any]) -> au.Transform:
        still: dict[str, Any] = {"shear": 0.0, "shear_down": 0.0, "scale": (1.0, 1.0), "move": 0.0}
        return au.Affine(**(still | {k: f(s) for k, f in named.items()}), **more)

    return make


def _colour(**named: Any) -> Make:
    def make(s: float, more: dict[str, Any]) -> au.Transform:
        still: dict[str, Any] = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
        return au.Colour(**(still | {k: f(s) for k, f in named.items()}))

    return make


FAMILIES: dict[str, Family] = {
    "flip: left and right": Family(lambda s, more: au.Flip(p=1)),
    "flip: top and bottom": Family(lambda s, more: au.Flip("vertical", p=1)),
    "rotation": Family(
        lambda s, more: au.Rotation((90 * s, 90 * s), **more),
        *("to 90 degrees", True, True, True, True),
    ),
    "affine: shear": Family(
        _affine(shear=lambda s: (0.9 * s, 0.9 * s)),
        *("to 0.9 pixels a row", True, True, True, True),
    ),
    "affine: scale": Family(
        _affine(scale=lambda s: (1 + 2 * s, 1 + 2 * s)),
        "to three times as large",
        True,
        border=True,
    ),
    "affine: translation": Family(
        _affine(move=lambda s: (s, s)), "to the whole side", True, border=True, ways=True
    ),
    "crop": Family(
        lambda s, more: au.Crop((1 - 0.95 * s, 1 - 0.95 * s), (1, 1), kept=more["kept"]),
        *("down to a twentieth of the area", True),
    ),
    "image: brightness": Family(
        _colour(brightness=lambda s: (s, s)), "to white or black", ways=True
    ),
    "image: contrast": Family(_colour(contrast=lambda s: (1 - s, 1 - s)), "to the mean colour"),
    "image: saturation": Family(_colour(saturation=lambda s: (1 - s, 1 - s)), "to grey"),
    "image: hue": Family(_colour(hue=lambda s: (s / 2, s / 2)), "to half a turn", ways=True),
    "image: blur": Family(
        lambda s, more: au.Blur((0.05 + 4 * s, 0.05 + 4 * s)), "to a deviation of 4 pixels"
    ),
    "image: noise": Family(
        lambda s, more: au.Noise((60 * s, 60 * s)), "to a deviation of 60 of 255"
    ),
    "image: cutout": Family(lambda s, more: au.Cutout((s, s)), "to the whole side"),
    "mixing: mixup": Family(lambda s, more: au.Pipeline(), "to half and half"),
    "mixing: CutMix": Family(lambda s, more: au.Pipeline(), "to all of it"),
    "mixing: mosaic": Family(lambda s, more: au.Mosaic(kept=more["kept"]), moves=True),
}
MIXUP, CUTMIX = "mixing: mixup", "mixing: CutMix"


@dataclass(frozen=True)
class Known:
    """Four pictures `(4, S, S, 3)`; of scenes, boxes `(4, M, 4)`, outlines and names of classes."""

    images: Picture
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]
    source: str
    boxes: Any = None
    outlines: Any = None


@functools.cache
def scenes_shown() -> Known:
    """Four scenes with the exact outline of each object."""
    found = [
        scenes.render_with_masks(seed=FIRST_SCENE + k, frames=1, size=(SIDE, SIDE), objects=OBJECTS)
        for k in range(SCENES)
    ]
    truths = [clip.truth for clip, _ in found]
    assert truths[0] is not None
    return Known(
        np.stack([clip.frames[0] for clip, _ in found]),
        np.stack([truth.classes for truth in truths if truth is not None]),
        truths[0].class_names,
        "scene",
        np.stack([truth.boxes[0] for truth in truths if truth is not None]),
        au.outlines(np.stack([masks.amodal(0) for _, masks in found])),
    )


@functools.cache
def small_pictures() -> Known:
    """Four small pictures of the data at hand, of four classes."""
    from tracklab import datasets

    with contextlib.redirect_stdout(io.StringIO()):  # its name is in the words
        data = datasets.cifar10(train=10, test=40)
    _, first = np.unique(data.test_labels, return_index=True)
    rows = np.resize(first[1::2] if len(first) > 1 else first, SCENES)
    return Known(data.test_images[rows], data.test_labels[rows], data.class_names, data.name)


@dataclass(frozen=True)
class Result:
    """The picture after the transform, with boxes, and what became of the rest."""

    image: Picture
    boxes: Any
    labels: Any
    tight: Any
    pieces: Any  # `(K, 4)`: what is left of objects of which it is too little
    objects: Any = ()  # which of them the boxes are
    row: Any = None  # soft label


def changed(
    known: Known,
    which: int,
    family: str,
    s: float,
    seed: int,
    kept: float,
    around: str,
    border: str,
) -> Result:
    """Picture `which` after a transform."""
    order = np.roll(np.arange(SCENES), -which)  # it stands first; the others may be mixed in
    images = known.images[order]
    if family in (MIXUP, CUTMIX):
        return _mixed(known, order, family == MIXUP, s, seed)
    chosen = FAMILIES[family]
    if chosen.ways and seed % 2:
        s = -s
    if known.boxes is None:
        image = chosen.make(s, _more(chosen, kept, CORNERS, border)).images(images, seed)[0]
        return Result(image, None, None, None, np.zeros((0, 4)))
    boxes, names, outlines = (part[order] for part in (known.boxes, known.classes, known.outlines))
    corners = CORNERS if around == OUTLINE else around

    def run(kept: float, lines: Any) -> Any:
        transform = chosen.make(s, _more(chosen, kept, corners, border))
        return transform.boxed(images, boxes, names, seed, outlines=lines)

    lines = outlines if around == OUTLINE else None
    after, found, found_names = run(kept, lines)
    _, tight, _ = run(0.0, outlines)
    _, every, every_names = run(0.0, lines)
    there, some = found_names[0] >= 0, every_names[0] >= 0
    return Result(
        after[0],
        found[0][there],
        found_names[0][there],
        tight[0][there],
        every[0][some & ~there],
        np.flatnonzero(there),
    )


def _more(family: Family, kept: float, around: str, border: str) -> dict[str, Any]:
    return {"kept": kept} | ({"around": around, "border": border} if family.border else {})


def _mixed(known: Known, order: Any, ghost: bool, s: float, seed: int) -> Result:
    """Mixup or CutMix of the first two, at a share that the strength says."""
    rng = np.random.default_rng(seed)
    images, partner = known.images[order], np.roll(np.arange(SCENES), -1)
    share = np.full(SCENES, 1 - s / 2 if ghost else 1 - s, np.float32)
    if ghost:
        image = mixup.blended(images, partner, share)[0]
    else:
        size = images.shape[1], images.shape[2]
        parts = cutmix.cut_parts(rng, share, size)
        image = cutmix.pasted(images, partner, parts)[0]
        area = (parts[:, 2:] - parts[:, :2]).prod(-1)
        share = (1 - area / (size[0] * size[1])).astype(np.float32)
    row = None
    if known.boxes is None:
        rows = labels.soft(known.classes[order], len(known.class_names), "the picture")
        row = labels.mixed(rows, rows[partner], share)[0]
    return Result(image, None, None, None, np.zeros((0, 4)), row=row)


def draw(
    *, picture: str, family: str, strength: float, seed: int, kept: float, around: str, border: str
) -> Drawing:
    """A picture before and after one transform, with the boxes of both."""
    strength, kept = round(strength, 3), round(kept, 3)
    known = small_pictures() if picture in SMALL else scenes_shown()
    which = PICTURES.index(picture) % 2
    chosen = FAMILIES[family]
    result = changed(known, which, family, strength, seed, kept, around, border)
    before = _boxed(known.images[which], known, which)
    after = _enlarged(result.image)
    scale = np.float32(ROOM / result.image.shape[0])
    if result.boxes is not None:
        after = _marked(after, result, scale, [known.class_names[k] for k in result.labels])
    sheet = np.full((TOP + ROOM, 2 * ROOM + GAP, 3), PAPER, np.uint8)
    for number, (part, name) in enumerate(((before, "before"), (after, "after"))):
        x = number * (ROOM + GAP)
        sheet[TOP:, x : x + ROOM] = part
        cv2.putText(sheet, name, (x, TOP - 9), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)
    boxes = known.boxes is not None and family not in (MIXUP, CUTMIX)
    idle = [
        name
        for name, on in (
            ("strength", bool(chosen.strong)),
            ("kept", boxes and chosen.moves),
            ("around", boxes and chosen.turns),
            ("border", chosen.border),
        )
        if not on
    ]
    numbers, caption = _words(known, which, family, strength, seed, kept, around, result)
    return Drawing(sheet, caption, numbers, idle=idle)


def _words(
    known: Known,
    which: int,
    family: str,
    s: float,
    seed: int,
    kept: float,
    around: str,
    result: Result,
) -> tuple[dict[str, Any], str]:
    """Numbers, and what the picture shows to somebody who does not see it."""
    chosen = FAMILIES[family]
    how = f" at strength {s:.2f} ({chosen.strong} at 1)" if chosen.strong else ""
    said = [f"{known.source} {which + 1}, {family}{how}, draw {seed}."]
    if known.boxes is None:
        name = known.class_names[known.classes[which]]
        if result.row is None:
            return {"label": name}, f"{said[0]} It is still called {name}."
        order = np.argsort(-result.row)[:2]
        shares = {known.class_names[k]: float(result.row[k]) for k in order if result.row[k] > 0}
        told = " and ".join(f"{share:.2f} {name}" for name, share in shares.items())
        return dict(shares), f"{said[0]} Its label is {told}: they add up to 1."
    if result.boxes is None:
        said.append(
            "There are no boxes any more: an image of several objects has no label of its own that "
            "could be shared out, so augment refuses to mix what has boxes like this. Mosaic can."
        )
        return {}, " ".join(said)
    numbers: dict[str, Any] = {"objects": len(result.boxes), "too little left": len(result.pieces)}
    names = [known.class_names[k] for k in result.labels]
    said.append(f"Objects in it: {', '.join(names)}." if names else "No object is left.")
    if len(result.pieces):
        said.append(
            f"Of {len(result.pieces)} more, less than {kept:.2f} of the box is inside: they count "
            "no more (grey)."
        )
    with_tight = np.isfinite(result.tight).all(-1)
    if chosen.turns and with_tight.any():
        pairs = zip(result.boxes[with_tight], result.tight[with_tight], strict=True)
        ious = np.array([bx.iou(one[None], other[None])[0, 0] for one, other in pairs])
        numbers["IoU with the tight box"] = float(ious.mean())
        if ious.mean() < LOOSE:
            what = {CORNERS: "the turned corners", ELLIPSE: "the turned ellipse"}[around]
            said.append(
                f"Boxes around {what} of boxes are loose: IoU {ious.mean():.2f} with the tight "
                "ones (black and white)."
            )
        else:
            said.append("The boxes are as tight as can be.")
    return numbers, " ".join(said)


def _enlarged(image: Picture) -> Picture:
    """Small pictures as squares of pixels, scenes smoothly."""
    if image.shape[0] < SIDE:
        size = (ROOM, ROOM)
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return overlay.resize(image, ROOM / image.shape[0])


def _boxed(image: Picture, known: Known, which: int) -> Picture:
    large = _enlarged(image)
    if known.boxes is None:
        return large
    count = len(known.boxes[which])
    return overlay.draw(
        large,
        known.boxes[which] * np.float32(ROOM / SIDE),
        labels=[known.class_names[k] for k in known.classes[which]],
        colors=[overlay.color_of(1 + k) for k in range(count)],
        dashed=False,
    )


def _marked(large: Picture, result: Result, scale: Any, names: list[str]) -> Picture:
    """Boxes after the transform, tight ones inside of loose ones, and pieces that count no more."""
    if len(result.pieces):
        large = overlay.draw(
            large, result.pieces * scale, labels="too little", colors=GONE, dashed=True
        )
    for tight, box in zip(result.tight, result.boxes, strict=True):
        if np.isfinite(tight).all() and np.abs(tight - box).max() > 0.5:
            x1, y1, x2, y2 = np.rint(tight * scale).astype(int).tolist()
            cv2.rectangle(large, (x1, y1), (x2, y2), PAPER, 1)
            cv2.rectangle(large, (x1 + 1, y1 + 1), (x2 - 1, y2 - 1), (0, 0, 0), 1)
    return overlay.draw(
        large,
        result.boxes * scale,
        labels=names,
        colors=[overlay.color_of(1 + int(k)) for k in result.objects],
        dashed=False,
    )


def augment(
    *,
    picture: str = PICTURES[0],
    family: str = "rotation",
    strength: float = 0.3,
    seed: int = 0,
    kept: float = edge.KEPT,
    around: str = CORNERS,
    border: str = au.BORDERS[0],
) -> Explorer:
    """The playground of augmentation. The arguments say where the controls begin."""
    controls: dict[str, Control] = {
        "picture": Choice("Picture", PICTURES, picture),
        "family": Choice("Transform", tuple(FAMILIES), family),
        "strength": Slider("Strength", 0.0, 1.0, float(strength), 0.05),
        "kept": Slider("Share to be left", 0.0, 1.0, float(kept), KEPT_STEP),
        "around": Choice("Boxes around", DRAWN_AROUND, around),
        "border": Choice("Border", au.BORDERS, border),
        "seed": Seed("Draw", default=seed, button="Another draw"),
    }
    return Explorer(
        "augment",
        draw,
        controls,
        title="Augmentation: what is known must follow the pixels",
        description="Turn the scene by 45 degrees. Whose box is too large now, and by how much? "
        "Then move it out of the picture: when is what is left of an object no object any more?",
    )
