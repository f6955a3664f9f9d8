"""Images with boxes: what a detector learns from and what it is judged by.

`BoxedImages` holds images of one size and the objects in each; `boxed_scenes` makes them from
scenes, `datasets.voc` reads them from a folder of your own.

Invariants: one `Objects` an image, in the same order; labels index `class_names`; boxes lie inside
their image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Truth
from tracklab.datasets.images import Images
from tracklab.detections import Objects
from tracklab.scenes import BACKGROUNDS, SHAPES, TEST_SEED, TRAIN_SEED, Scene, Thumbnails

Pixels = NDArray[np.uint8]

PARTS = ("train", "test")
VISIBLE = 0.3  # an object of which less is seen counts neither as found nor as missed
FRAMES = 8  # of each scene: more are cheaper, and more alike
THUMBNAIL_FRAMES = 2  # pictures differ more than shapes: see more of them
POOL = 4  # pictures for each object of a scene to choose from
ROOM = TEST_SEED - TRAIN_SEED  # scenes that may be trained on
STRIDE = 20_011  # scenes from one seed to the next
SPEED = (6.0, 16.0)  # pixels a frame in 128: frames of one scene look different


@dataclass(frozen=True, eq=False, repr=False)
class BoxedImages:
    """Images `(N, H, W, 3)` uint8 RGB and the `Objects` in each.

    class_names: the names of the classes, in the order of their numbers.
    name: what every result of the set is called by. source: where it came from, in words.

    `images[2:8]`, or indices or a mask `(N,)`, is a smaller set; `one + other` a larger one.
    `str(images)` is the one line that announces the set. Raises `InputError` where parts do not
    agree, a label is not below the number of classes, or a box reaches out of its image.
    """

    images: Pixels
    objects: Sequence[Objects]
    class_names: tuple[str, ...]
    name: str
    source: str = ""

    def __post_init__(self) -> None:
        images = np.asarray(self.images)
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            errors.bad("images", images, "shape (N, H, W, 3) and type uint8, RGB")
        names = self.class_names
        if isinstance(names, str) or not np.iterable(names):
            errors.bad("class_names", names, "a tuple of names")
        objects = tuple(self.objects)
        if len(objects) != len(images):
            errors.bad("objects", errors.Said(f"{len(objects)} of them"), f"{len(images)}")
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "objects", objects)
        object.__setattr__(self, "class_names", tuple(map(str, names)))
        for number, known in enumerate(objects):
            if not isinstance(known, Objects):
                errors.bad(f"objects[{number}]", known, "Objects(boxes, labels)")
        self._check_objects()

    def _check_objects(self) -> None:
        height, width = self.size
        labels = np.concatenate([[0], *(known.labels for known in self.objects)])
        if labels.max() >= max(len(self.class_names), 1):
            number = next(k for k, o in enumerate(self.objects) if labels.max() in o.labels)
            errors.bad(
                f"objects[{number}].labels",
                int(labels.max()),
                f"classes below {len(self.class_names)}, the number of class_names",
            )
        boxes = np.concatenate([np.zeros((0, 4)), *(known.boxes for known in self.objects)])
        outside = (boxes < 0).any(-1) | (boxes > [width, height, width, height]).any(-1)
        if outside.any():
            owner = np.repeat(np.arange(len(self)), [len(known) for known in self.objects])
            first = int(np.flatnonzero(outside)[0])
            errors.bad(
                f"objects[{owner[first]}].boxes",
                errors.Said(str(boxes[first].tolist())),
                f"boxes inside the image of {width}x{height} (see boxes.clip)",
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        height, width = self.images.shape[1:3]
        return height, width

    @property
    def counts(self) -> dict[str, int]:
        """How many objects there are of each class; ignored ones are not counted."""
        labels = [known.labels[~known.ignored] for known in self.objects]
        found = np.bincount(
            np.concatenate([np.zeros(0, np.int64), *labels]), minlength=len(self.class_names)
        )
        return dict(zip(self.class_names, found.tolist(), strict=True))

    def padded(self, most: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Boxes `(N, M, 4)`, NaN where there is none, and labels `(N, M)`, -1 there.

        most: M; by default as many as the fullest image has, and at least 1. Ignored objects are
        left out. Raises `InputError` where an image has more than `most` objects.
        """
        kept = [known[~known.ignored] for known in self.objects]
        fullest = max(map(len, kept), default=0)
        if most is None:
            most = max(fullest, 1)
        most = int(errors.number("most", most, low=1, whole=True))
        if fullest > most:
            errors.bad("most", most, f"at least {fullest}, the objects of the fullest image")
        boxes = np.full((len(self), most, 4), np.nan, np.float32)
        labels = np.full((len(self), most), -1, np.int64)
        for row, known in enumerate(kept):
            boxes[row, : len(known)] = known.boxes
            labels[row, : len(known)] = known.labels
        return boxes, labels

    def divided(self, fraction: float = 0.2, *, seed: int = 0) -> tuple[BoxedImages, BoxedImages]:
        """Two sets: what is left, and `fraction` of the images, drawn at random, set aside.

        Each keeps at least one image. Raises `InputError` for fewer than two images.
        """
        fraction = errors.number("fraction", fraction, low=0, high=1)
        if len(self) < 2:
            errors.bad("images", errors.Said(f"{len(self)} of them"), "at least two to divide")
        count = min(max(round(len(self) * fraction), 1), len(self) - 1)
        order = np.random.default_rng(seed).permutation(len(self))
        return self[np.sort(order[count:])], self[np.sort(order[:count])]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Any) -> BoxedImages:
        if not isinstance(rows, slice):
            chosen = np.asarray(rows)
            chosen = chosen.astype(np.int64) if not chosen.size else chosen
            mask = chosen.dtype == np.bool_
            if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
                errors.bad("rows", rows, "a slice, indices or a mask; one image is .images[5]")
            if mask and len(chosen) != len(self):
                errors.bad("rows", chosen, f"a mask of shape ({len(self)},)")
            if not mask and not ((chosen >= -len(self)) & (chosen < len(self))).all():
                errors.bad("rows", chosen.tolist(), f"indices below {len(self)}")
            rows = np.flatnonzero(chosen) if mask else chosen
        numbers = np.arange(len(self))[rows]
        return replace(self, images=self.images[rows], objects=[self.objects[k] for k in numbers])

    def __add__(self, other: BoxedImages) -> BoxedImages:
        if not isinstance(other, BoxedImages):
            return NotImplemented
        if other.class_names != self.class_names or other.size != self.size:
            errors.bad("other", errors.Said(str(other)), f"the classes and the size of {self}")
        return BoxedImages(
            np.concatenate([self.images, other.images]),
            [*self.objects, *other.objects],
            self.class_names,
            self.name if self.name == other.name else f"{self.name} and {other.name}",
            self.source if self.source == other.source else f"{self.source}; {other.source}",
        )

    def __repr__(self) -> str:
        height, width = self.size
        ignored = sum(int(known.ignored.sum()) for known in self.objects)
        count = sum(map(len, self.objects)) - ignored
        more = f" and {ignored:,} ignored" if ignored else ""
        source = f" ({self.source})" if self.source else ""
        return (
            f"{self.name}: {len(self):,} images {width}x{height}, {count:,} objects{more} of "
            f"{len(self.class_names)} classes{source}"
        )


@dataclass(frozen=True)
class Kind:
    """A kind of scene to detect objects in: what stays, and what differs from scene to scene.

    objects, low_contrast: lowest and highest, drawn anew for each scene.
    backgrounds: taken in turn.
    """

    scene: Scene
    objects: tuple[int, int]
    backgrounds: tuple[str, ...]
    low_contrast: tuple[float, float] = (0.0, 0.0)

    def variant(self, seed: int, number: int, **override: Any) -> Scene:
        """The scene of a seed; `number` counts the scenes of a set."""
        u = np.random.Generator(np.random.PCG64([seed, number])).random(2)
        low, high = self.objects
        dim, dimmer = self.low_contrast
        return self.scene.replace(
            seed=seed,
            objects=low + int(u[0] * (high - low + 1)),
            background=self.backgrounds[number % len(self.backgrounds)],
            low_contrast=dim + float(u[1]) * (dimmer - dim),
            **override,
        )


KINDS = {
    # Shapes on plain, graded and textured grounds; now and then one stands before another.
    "plain": Kind(Scene("plain", motion="mixed"), objects=(3, 7), backgrounds=BACKGROUNDS),
    # As many, and among them shapes of no class: large ones that move and stand before them, small
    # ones strewn over the ground. All on textures, with colours drawn towards grey, and noise.
    "hard": Kind(
        Scene("hard", strangers=True, distractors=0.5, clutter=0.1, noise=0.1),
        objects=(3, 7),
        backgrounds=("texture",),
        low_contrast=(0.2, 0.75),
    ),
}


def boxed_scenes(
    kind: str | Scene = "plain",
    count: int = 2000,
    *,
    part: str = "train",
    seed: int = 0,
    sprites: Any = "shapes",
    size: tuple[int, int] = (128, 128),
    frames: int | None = None,
) -> BoxedImages:
    """Frames of many scenes with their boxes: the same arguments give the same bytes.

    kind: "plain": three to seven of the ten drawn shapes on plain, graded or textured grounds.
        "hard": as many, and three shapes of no class that move among them and hide them, smaller
        ones strewn on a texture, colours drawn towards grey, and some noise.
        Or a `Scene` of your own; its seed, frames, size and sprites are replaced, and so is its
        speed unless you set it. Let its distractors and clutter be `strangers`: otherwise they
        show the ten shapes, which truth does not know, and a detector that finds them is punished.
    part: "train" or "test". Their scenes have seeds of their own and never meet.
    seed: another one gives other scenes (they begin to repeat after about fifty seeds).
    sprites: "shapes", or pictures as `scenes.render` takes them. Of a set with training and test
        images (`datasets.cifar10()`) each part takes its own.
    frames: taken of each scene, in which objects move fast. Fewer show more sprites and grounds and
        take longer. By default 8, and 2 of scenes made of pictures.

    Boxes are tight around the whole of an object inside the image, as trackers want them, also
    where something stands before it. An object of which less than `VISIBLE` (0.3) is seen, by its
    own area, is `ignored`; one that is wholly hidden is left out.

    Raises `InputError` for an argument that is not as described.

    >>> boxed_scenes("plain", 8, part="test").images.shape
    (8, 128, 128, 3)
    """
    stream = _stream(kind, part, seed, sprites, size, frames)
    count = int(errors.number("count", count, low=1, high=1_000_000, whole=True))
    images, objects = _gathered(stream, 0, count)
    title = f"{stream.kind.scene.name} scenes ({part}, seed {seed})"
    return BoxedImages(images, objects, stream.class_names, title, stream.source)


@dataclass(frozen=True)
class SceneBatches:
    """Batches of frames that were never seen before, for a training that never runs out of them.

    The arguments are those of `boxed_scenes`, part "train". `batch(step, progress)` gives images
    `(B, H, W, 3)` uint8, boxes `(B, most, 4)` float32 padded with NaN, and labels `(B, most)` int64
    padded with -1; it depends on `step` alone. Frames are made for `BLOCK` batches at a time, and
    mixed, so that those of one scene fall into different batches.
    """

    kind: str | Scene = "plain"
    batch_size: int = 8
    seed: int = 0
    sprites: Any = "shapes"
    size: tuple[int, int] = (128, 128)
    frames: int | None = None
    most: int = 16

    BLOCK = 32
    EPOCH = 2000  # frames that count as one

    def __post_init__(self) -> None:
        stream = _stream(self.kind, "train", self.seed, self.sprites, self.size, self.frames)
        errors.number("batch_size", self.batch_size, low=1, whole=True)
        errors.number("most", self.most, low=1, whole=True)
        object.__setattr__(self, "_source", stream)
        object.__setattr__(self, "_blocks", {})

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers."""
        return self._stream.class_names

    @property
    def steps_per_epoch(self) -> float:
        """Fresh frames have no epochs: so many steps are called one."""
        return self.EPOCH / self.batch_size

    @property
    def _stream(self) -> _Stream:
        stream: _Stream = self.__dict__["_source"]
        return stream

    def batch(self, step: int, progress: float = 0.0) -> tuple[Pixels, Any, Any]:
        """Images, boxes and labels of step `step`."""
        block, row = divmod(step, self.BLOCK)
        blocks: dict[int, Any] = self.__dict__["_blocks"]
        if block not in blocks:
            blocks.clear()
            blocks[block] = self._made(block)
        images, boxes, labels = blocks[block]
        rows = slice(row * self.batch_size, (row + 1) * self.batch_size)
        return images[rows], boxes[rows], labels[rows]

    def _made(self, block: int) -> tuple[Pixels, Any, Any]:
        stream, count = self._stream, self.BLOCK * self.batch_size
        scenes = -(-count // stream.frames)
        images, objects = _gathered(stream, block * scenes, count)
        made = BoxedImages(images, objects, stream.class_names, "batches")
        boxes, labels = made.padded(self.most)
        order = np.random.default_rng([self.seed, block]).permutation(count)
        return images[order], boxes[order], labels[order]


@dataclass(frozen=True)
class _Stream:
    """Scenes without end: checked arguments, and the frames of the scene of each number."""

    kind: Kind
    first: int  # seed of scene 0
    start: int  # seeds of the part begin here
    pictures: tuple[Pixels, NDArray[np.int64]] | None
    class_names: tuple[str, ...]
    size: tuple[int, int]
    frames: int
    source: str

    def scene(self, number: int) -> Scene:
        """The scene of a number."""
        seed = self.start + (self.first + number) % ROOM
        # A picture of 256 pixels is crossed in as many frames as one of 128.
        stretch = min(self.size) / 128
        scene = self.kind.variant(
            seed, number, size=self.size, frames=self.frames, sprites="shapes"
        )
        if self.kind.scene.speed == Scene.speed:
            scene = scene.replace(speed=tuple(stretch * speed for speed in SPEED))
        if self.pictures is None:
            return scene
        images, labels = self.pictures
        rng = np.random.Generator(np.random.PCG64([seed, number, 1]))
        # Scenes look through their pictures: a few, not all of fifty thousand.
        rows = (rng.random(POOL * max(scene.objects, 1)) * len(labels)).astype(np.int64)
        return scene.replace(sprites=Thumbnails(images[rows], labels[rows], self.class_names))

    def scenes(self, first: int) -> Iterator[tuple[Pixels, Truth]]:
        """Frames `(frames, H, W, 3)` and truth of the scenes from number `first` on."""
        number = first
        while True:
            clip = self.scene(number).render()
            assert clip.truth is not None
            yield np.asarray(clip.frames), clip.truth
            number += 1


def _gathered(stream: _Stream, first: int, count: int) -> tuple[Pixels, list[Objects]]:
    """The first `count` frames of the scenes from number `first` on, and what is in them."""
    images = np.empty((count, *stream.size, 3), np.uint8)
    objects: list[Objects] = []
    for frames, truth in stream.scenes(first):
        taken = min(len(frames), count - len(objects))
        images[len(objects) : len(objects) + taken] = frames[:taken]
        objects += [objects_of(truth, t) for t in range(taken)]
        if len(objects) == count:
            return images, objects
    raise AssertionError("scenes do not end")


def objects_of(truth: Truth, t: int, *, visible: float = VISIBLE) -> Objects:
    """The objects of frame `t` of a clip's truth, for a detector.

    Those of which less than `visible` is seen are `ignored`; those of which nothing is seen, and
    those without a class, are left out.

    >>> from tracklab import scenes
    >>> len(objects_of(scenes.render(seed=1, frames=2, objects=3).truth, 0))
    3
    """
    seen = truth.visibility[t]
    there = truth.present[t] & (seen > 0) & (truth.classes >= 0)
    return Objects(truth.boxes[t][there], truth.classes[there], seen[there] < visible)


def _stream(
    kind: str | Scene,
    part: str,
    seed: int,
    sprites: Any,
    size: tuple[int, int],
    frames: int | None,
) -> _Stream:
    """Checked arguments of `boxed_scenes`."""
    errors.choice("part", part, PARTS)
    seed = int(errors.number("seed", seed, low=0, whole=True))
    if isinstance(kind, Scene):
        objects = (kind.objects, kind.objects)
        dim = (kind.low_contrast, kind.low_contrast)
        chosen = Kind(kind, objects, (kind.background,), dim)
    elif isinstance(kind, str) and kind in KINDS:
        chosen = KINDS[kind]
    else:
        errors.bad("kind", kind, "one of " + ", ".join(map(repr, KINDS)) + ", or a Scene")
    pictures, names, source = _pictures(sprites, part)
    if frames is None:
        frames = FRAMES if pictures is None else THUMBNAIL_FRAMES
    frames = int(errors.number("frames", frames, low=1, whole=True))
    checked = chosen.scene.replace(size=size, sprites="shapes", classes=None)  # raises for a size
    if pictures is not None and chosen.scene.classes is not None:
        wanted = np.isin(pictures[1], chosen.scene.classes)
        if not wanted.any():
            errors.bad("kind.classes", chosen.scene.classes, "classes that sprites have")
        pictures = (pictures[0][wanted], pictures[1][wanted])
        chosen = replace(chosen, scene=checked)
    return _Stream(
        chosen,
        seed * STRIDE,
        TRAIN_SEED if part == "train" else TEST_SEED,
        pictures,
        names,
        checked.size,
        frames,
        source,
    )


def _pictures(sprites: Any, part: str) -> tuple[Any, tuple[str, ...], str]:
    """Pictures and labels to draw a part's sprites from, class names, and what they are."""
    if isinstance(sprites, str):
        Scene(sprites=sprites)  # raises for a word that names no sprites
        return None, SHAPES, "drawn shapes"
    if all(hasattr(sprites, f"{part}_{what}") for what in ("images", "labels")):
        images, labels = getattr(sprites, f"{part}_images"), getattr(sprites, f"{part}_labels")
        held = Thumbnails(images, labels, tuple(sprites.class_names))
        name = sprites.name if isinstance(sprites, Images) else "a set's"
        source = f"{name} {'training' if part == 'train' else 'test'} images"
    else:
        thumbnails = Scene(sprites=sprites).sprites  # raises for what is no source of sprites
        held, source = thumbnails, f"{len(thumbnails.labels):,} pictures"
    return (held.images, held.labels), held.class_names, source
