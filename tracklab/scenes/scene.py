"""Scenes: everything that makes one, its dials, and the named ones that lessons share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tracklab import errors
from tracklab.clips import Clip
from tracklab.scenes import compose
from tracklab.scenes.backdrop import BACKGROUNDS
from tracklab.scenes.compose import Masks
from tracklab.scenes.motion import MOTIONS, Trajectories
from tracklab.scenes.sprites import SHAPES, thumbnails


@dataclass(frozen=True)
class Dial:
    """One difficulty: its name as an argument of `render`, its range, what it does.

    attribute: what the OTB benchmark calls it ("OCC", "SV", ...; Wu, Lim, Yang, "Object Tracking
    Benchmark", TPAMI 2015, table 2), empty where OTB has no such attribute.
    """

    name: str
    description: str
    attribute: str = ""
    low: float = 0.0
    high: float = 1.0
    default: float = 0.0


DIALS: dict[str, Dial] = {
    dial.name: dial
    for dial in (
        Dial("occlusion", "pillars stand before the objects; they grow wider", "OCC"),
        Dial("scale_variation", "objects grow and shrink, up to double and half", "SV"),
        Dial("illumination", "the light rises and falls, and comes from a side", "IV"),
        Dial("motion_blur", "the camera shakes while its shutter is open", "MB"),
        Dial("rotation", "objects turn in the picture's plane", "IPR"),
        Dial("out_of_view", "objects leave the picture for a while, and come back", "OV"),
        Dial("clutter", "the background is strewn with still pieces like objects", "BC"),
        Dial("low_resolution", "fewer pixels, up to six in one", "LR"),
        Dial("distractors", "look-alikes move among the objects; truth does not know them"),
        Dial("camera_motion", "the camera pans and trembles"),
        Dial("noise", "the sensor adds noise to every pixel"),
        Dial("low_contrast", "all colours draw towards grey"),
    )
}

# what happens to objects and to the view of them; the two others only lower the picture's quality
DIFFICULTIES = tuple(name for name in DIALS if name not in ("noise", "low_contrast"))

MOST_FRAMES = 100_000
MOST_OBJECTS = 10_000
FASTEST = 1000.0  # pixels a frame
SMALLEST_OBJECT = 6.0  # pixels: below, a shape cannot be told from another
OBJECT_SHARE = (1 / 8, 1 / 4)  # of the picture's shorter side, unless object_size says more


@dataclass(frozen=True)
class Scene:
    """A scene before it is rendered: its name, its seed and every argument of `render`.

    Raises `InputError` for an argument that is not what `render` describes.

    >>> Scene("two", seed=3, objects=2, frames=8).render().truth.boxes.shape
    (8, 2, 4)
    """

    name: str = "scene"
    seed: int = 0
    frames: int = 60
    size: tuple[int, int] = (128, 128)
    objects: int = 5
    fps: float = 25.0
    sprites: Any = "shapes"
    classes: Sequence[int] | None = None
    motion: str | Sequence[str] = "mixed"
    speed: float | tuple[float, float] = (1.0, 3.0)
    object_size: float | tuple[float, float] | None = None
    background: str = "texture"
    background_speed: float = 0.0
    strangers: bool = False
    occlusion: float = 0.0
    scale_variation: float = 0.0
    illumination: float = 0.0
    motion_blur: float = 0.0
    rotation: float = 0.0
    out_of_view: float = 0.0
    clutter: float = 0.0
    low_resolution: float = 0.0
    distractors: float = 0.0
    camera_motion: float = 0.0
    noise: float = 0.0
    low_contrast: float = 0.0

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "seed": errors.number("seed", self.seed, low=0, whole=True),
            "frames": errors.number("frames", self.frames, low=1, high=MOST_FRAMES, whole=True),
            "size": _size(self.size),
            "objects": errors.number("objects", self.objects, low=0, high=MOST_OBJECTS, whole=True),
            "fps": errors.number("fps", self.fps, low=0),
            "motion": _motion(self.motion),
            "background": errors.choice("background", self.background, BACKGROUNDS),
            "background_speed": errors.number("background_speed", self.background_speed, low=0),
        }
        if not isinstance(self.name, str):
            errors.bad("name", self.name, "a text")
        if not isinstance(self.strangers, (bool, np.bool_)):
            errors.bad("strangers", self.strangers, "True or False")
        checked["strangers"] = bool(self.strangers)
        if checked["fps"] == 0:
            errors.bad("fps", self.fps, "more than 0 frames a second")
        if self.object_size is not None:
            largest = float(min(checked["size"]))
            _span("object_size", self.object_size, SMALLEST_OBJECT, largest)
        source = thumbnails(self.sprites)
        checked["sprites"] = "shapes" if source is None else source
        known = range(len(SHAPES)) if source is None else sorted({int(k) for k in source.labels})
        checked["classes"] = _classes(self.classes, known)
        _span("speed", self.speed, 0.0, FASTEST)
        for name, dial in DIALS.items():
            checked[name] = errors.number(name, getattr(self, name), low=dial.low, high=dial.high)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def object_span(self) -> tuple[float, float]:
        """The smallest and the largest object in pixels."""
        shorter = float(min(self.size))
        if self.object_size is None:
            low, high = (max(SMALLEST_OBJECT, share * shorter) for share in OBJECT_SHARE)
            return low, high
        return _span("object_size", self.object_size, SMALLEST_OBJECT, shorter)

    @property
    def speed_span(self) -> tuple[float, float]:
        """The slowest and the fastest object in pixels a frame."""
        return _span("speed", self.speed, 0.0, FASTEST)

    def render(self, **override: Any) -> Clip:
        """The scene's clip; keywords replace arguments, as in `scene.render(seed=7, noise=0.5)`."""
        return compose.render(self.replace(**override))[0]

    def render_with_masks(self, **override: Any) -> tuple[Clip, Masks]:
        """The scene's clip and the exact masks of its objects."""
        clip, masks = compose.render(self.replace(**override), keep_masks=True)
        assert masks is not None
        return clip, masks

    def trajectories(self, **override: Any) -> Trajectories:
        """The paths of the scene's objects, without pixels."""
        return compose.trajectories(self.replace(**override))

    def replace(self, **override: Any) -> Scene:
        """The same scene with other arguments; raises `InputError` for a name that is none."""
        names = [field.name for field in fields(self)]
        for name in override:
            if name not in names:
                errors.bad(name, override[name], "an argument of render: " + ", ".join(names))
        return replace(self, **override)

    def variants(self, count: int) -> Iterator[Scene]:
        """`count` scenes of the same kind, with seeds that follow this one's."""
        for k in range(int(errors.number("count", count, low=0, whole=True))):
            yield replace(self, name=f"{self.name}-{k}", seed=self.seed + k)


def _size(value: Any) -> tuple[int, int]:
    try:
        height, width = value
    except (TypeError, ValueError):
        errors.bad("size", value, "(height, width) in pixels")
    return (
        int(errors.number("size height", height, low=16, high=4096, whole=True)),
        int(errors.number("size width", width, low=16, high=4096, whole=True)),
    )


def _motion(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return errors.choice("motion", value, ("mixed", *MOTIONS))
    if not isinstance(value, Sequence) or not value:
        errors.bad(
            "motion", value, "'mixed', or one or several of " + ", ".join(map(repr, MOTIONS))
        )
    return tuple(errors.choice("motion", one, MOTIONS) for one in value)


def _span(name: str, value: Any, lowest: float, highest: float) -> tuple[float, float]:
    """A number, or a pair from low to high, as a pair."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        errors.bad(name, value, "a number, or a pair (low, high)")
    low, high = (float(errors.number(name, v, low=lowest, high=highest)) for v in pair)
    if low > high:
        errors.bad(name, value, "a pair (low, high) with low <= high")
    return low, high


def _classes(value: Any, known: Sequence[int]) -> tuple[int, ...] | None:
    if value is None:
        return None
    wanted = f"a sequence of classes out of {list(known)}"
    try:
        chosen = tuple(int(errors.number("classes", k, whole=True)) for k in value)
    except TypeError:
        errors.bad("classes", value, wanted)
    if not chosen or any(k not in known for k in chosen):
        errors.bad("classes", value, wanted)
    return chosen


def render(
    seed: int = 0,
    frames: int = 60,
    size: tuple[int, int] = (128, 128),
    objects: int = 5,
    *,
    fps: float = 25.0,
    sprites: Any = "shapes",
    classes: Sequence[int] | None = None,
    motion: str | Sequence[str] = "mixed",
    speed: float | tuple[float, float] = (1.0, 3.0),
    object_size: float | tuple[float, float] | None = None,
    background: str = "texture",
    background_speed: float = 0.0,
    strangers: bool = False,
    occlusion: float = 0.0,
    scale_variation: float = 0.0,
    illumination: float = 0.0,
    motion_blur: float = 0.0,
    rotation: float = 0.0,
    out_of_view: float = 0.0,
    clutter: float = 0.0,
    low_resolution: float = 0.0,
    distractors: float = 0.0,
    camera_motion: float = 0.0,
    noise: float = 0.0,
    low_contrast: float = 0.0,
    name: str = "scene",
) -> Clip:
    """A short procedural video with exact truth. The same arguments give the same bytes everywhere.

    seed: a whole number, 0 or more. frames: how many, 1 or more. size: height and width in pixels,
        16 or more. objects: how many, 0 or more. fps: frames a second, for playback.
    sprites: "shapes" (ten drawn ones, see `SHAPES`), or something with `images (N, h, w, 3)`
        uint8, `labels (N,)` and `class_names`; a data set's training images are taken.
    classes: the classes to draw objects from; None for all.
    motion: one of `MOTIONS`, several of them, which objects take in turn, or "mixed" for all; a
        mixed scene's first object takes another one for each seed.
    speed: pixels a frame, one for all or a range (low, high).
    object_size: longer side in pixels, one for all or a range; None for 1/8 to 1/4 of the
        picture's shorter side.
    background: "plain", "gradient" or "texture"; it slides by background_speed pixels a frame.
    strangers: distractors and clutter are shapes of no class, so that whatever looks like an object
        is in the truth: what a detector needs. Otherwise they are the objects' own shapes, which
        is what a tracker must not fall for.
    occlusion ... low_contrast: the difficulties, each from 0 (off) to 1; `DIALS` describes them.
    name: what the clip is called.

    Truth: `boxes` are tight around each object's own mask, cut at the picture's border; what stands
    before the object does not change them. `visibility` is the visible part of the whole mask, that
    beyond the border included. Where no pixel of the mask is inside the picture, the box is four
    NaNs; where the object is inside but hidden, the box stays and visibility is 0. `velocities` are
    of the object's centre on screen, camera motion included, and are known in every frame.

    Raises `InputError` for an argument that is not as described.

    >>> clip = render(seed=1, frames=4, objects=2)
    >>> clip.frames.shape, clip.truth.boxes.shape
    ((4, 128, 128, 3), (4, 2, 4))
    """
    return Scene(**locals()).render()


def render_with_masks(
    seed: int = 0,
    frames: int = 60,
    size: tuple[int, int] = (128, 128),
    objects: int = 5,
    **options: Any,
) -> tuple[Clip, Masks]:
    """What `render` returns with the same arguments, and the exact masks of the objects.

    >>> clip, masks = render_with_masks(seed=1, frames=4, objects=2)
    >>> masks.amodal(0).shape, masks.visible(0).shape
    ((2, 128, 128), (2, 128, 128))
    """
    scene = Scene(seed=seed, frames=frames, size=size, objects=objects)
    return scene.render_with_masks(**options)


def trajectories(
    seed: int = 0,
    frames: int = 60,
    size: tuple[int, int] = (128, 128),
    objects: int = 5,
    *,
    motion: str | Sequence[str] = "mixed",
    speed: float | tuple[float, float] = (1.0, 3.0),
    object_size: float | tuple[float, float] | None = None,
    scale_variation: float = 0.0,
    rotation: float = 0.0,
    out_of_view: float = 0.0,
    camera_motion: float = 0.0,
) -> Trajectories:
    """The paths that `render` gives its objects for the same arguments, without any pixels.

    Thousands of objects cost milliseconds: they do not know of each other, so `objects=5000` is a
    training set. Arguments are those of `render`; raises `InputError` as it does.

    >>> trajectories(seed=1, frames=10, objects=1000).centers.shape
    (10, 1000, 2)
    """
    return Scene(**locals()).trajectories()


TRAIN_SEED = 1_000  # training scenes take seeds from here,
TEST_SEED = 1_000_000  # test scenes from here: they never meet
DIFFICULT = 0.7  # of each dial, in the scene that is named after it

HARD: dict[str, Any] = {
    "occlusion": 0.4,
    "scale_variation": 0.5,
    "illumination": 0.4,
    "motion_blur": 0.2,
    "rotation": 0.4,
    "out_of_view": 0.2,
    "clutter": 0.4,
    "distractors": 0.4,
    "camera_motion": 0.4,
    "noise": 0.15,
}
MIXED: dict[str, Any] = {name: value / 2 for name, value in HARD.items()}


def _standard() -> dict[str, Scene]:
    found = [
        Scene("plain", TEST_SEED + 11, objects=1, frames=100),
        Scene("hard", TEST_SEED + 12, objects=1, frames=100, **HARD),
        Scene("crowded", TEST_SEED + 13, objects=12, frames=100, object_size=(14.0, 26.0)),
    ]
    for word, seed in (("train", TRAIN_SEED), ("test", TEST_SEED)):
        found += [
            Scene(f"{word}-easy", seed + 100),
            Scene(f"{word}-mixed", seed + 200, **MIXED),
            Scene(f"{word}-hard", seed + 300, **HARD),
        ]
    for k, dial in enumerate(DIALS):
        turned: dict[str, Any] = {dial: DIFFICULT}
        found.append(Scene(dial, TEST_SEED + 400 + k, objects=1, frames=100, **turned))
    for k, kind in enumerate(MOTIONS):
        found.append(Scene(kind, TEST_SEED + 500 + k, objects=1, frames=100, motion=kind))
    return {scene.name: scene for scene in found}


STANDARD: dict[str, Scene] = _standard()


def standard(name: str) -> Clip:
    """Render one of the named scenes that lessons and benchmarks share.

    "train-easy", "-mixed", "-hard" and "test-…" have five objects; "crowded" has twelve. "plain",
    "hard", one scene for each of `DIALS` and one for each of `MOTIONS` have one object each.
    `STANDARD[name].variants(n)` makes sets of them. Raises `InputError` that lists the names.

    >>> len(standard("plain"))
    100
    """
    return STANDARD[errors.choice("name", name, STANDARD)].render()
