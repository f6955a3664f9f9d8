"""From a scene's description to frames and exact truth.

Sprites are resampled onto small patches, one a frame, in whole-number arithmetic. A pixel belongs
to an object where its patch covers half of it or more: that is the object's mask, and all truth is
measured on masks. Objects are painted from back to front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab.clips import Clip, Truth
from tracklab.scenes import backdrop, effects, exact
from tracklab.scenes import motion as moving
from tracklab.scenes.exact import Floats, between
from tracklab.scenes.motion import Trajectories
from tracklab.scenes.sprites import SHAPES, STRANGERS, sprite, stranger, thumbnails

if TYPE_CHECKING:
    from tracklab.scenes.scene import Scene

Pixels = NDArray[np.uint8]

COVERED = 128  # alpha from which on a pixel belongs to the object
CHUNK = 100_000  # pixels of one object's patches at once: as many as fit a processor's cache
SLOWEST = 1e-9  # pixels a frame: stands still, and may be divided by
DISTRACTORS = 6  # at the dial's end
BACKGROUND, OTHER = 0, -1  # labels; object n has n + 1
TEXEL = 16  # sprites are sampled in steps of 1 / 16 of their own pixels


class Masks:
    """Which pixels belong to which object, exactly, frame by frame.

    `masks.amodal(t)` and `masks.visible(t)` are `(N, H, W)` boolean arrays, made when asked for.
    """

    def __init__(self, labels: NDArray[np.int16], patches: list[list[Any]]) -> None:
        self._labels, self._patches = labels, patches

    def __len__(self) -> int:
        return len(self._labels)

    def amodal(self, t: int) -> NDArray[np.bool_]:
        """Each object's own mask, cut at the border, whatever stands before it."""
        out = np.zeros((len(self._patches), *self._labels.shape[1:]), bool)
        for mask, patch in zip(out, self._patches, strict=True):
            if patch[t] is not None:
                where, covered = patch[t]
                mask[where] = covered
        return out

    def visible(self, t: int) -> NDArray[np.bool_]:
        """The part of each object's mask that nothing stands before."""
        return self._labels[t] == np.arange(1, len(self._patches) + 1)[:, None, None]

    def visible_boxes(self) -> NDArray[np.float32]:
        """`(T, N, 4)` tight boxes of the visible parts; four NaNs where nothing is visible."""
        out = [[bx.from_mask(mask) for mask in self.visible(t)] for t in range(len(self))]
        return np.array(out, np.float32).reshape(len(self), len(self._patches), 4)


@dataclass(frozen=True)
class Cast:
    """Everything that moves: paths and textures, in the order in which truth names them."""

    tracks: Trajectories
    textures: list[tuple[Pixels, Pixels]]
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]


def in_turn(motion: str | Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """The motion of each of `count` objects; a mixed scene's first one depends on the seed."""
    kinds: tuple[str, ...]
    if motion == "mixed":
        kinds, first = moving.MOTIONS, seed
    else:
        kinds, first = (motion,) if isinstance(motion, str) else tuple(motion), 0
    return tuple(kinds[(first + k) % len(kinds)] for k in range(count))


def trajectories(scene: Scene) -> Trajectories:
    """The paths of a scene's objects, as `render` uses them."""
    camera = moving.camera_path(
        exact.stream(scene.seed, "camera"), scene.frames, scene.size, scene.camera_motion
    )
    return _track(
        scene,
        exact.stream(scene.seed, "motion"),
        exact.stream(scene.seed, "stops"),
        in_turn(scene.motion, scene.objects, scene.seed),
        camera,
        scene.out_of_view,
    )


def _track(
    scene: Scene,
    rng: np.random.Generator,
    stops: np.random.Generator,
    motions: tuple[str, ...],
    camera: Floats,
    out_of_view: float,
    base: Floats | None = None,
) -> Trajectories:
    """Sizes, angles and centres on screen of objects with the given motions."""
    count = len(motions)
    u = rng.random((count, 6))
    low_size, high_size = scene.object_span
    if base is None:
        base = between(u[:, 0], low_size, high_size)
    sizes = exact.snap(base * moving.scales(u[:, 1:3], scene.frames, scene.scale_variation))
    angles = moving.spins(u[:, 3:5], scene.frames, scene.rotation)
    half = sizes.max(0, initial=0.0)[:, None] / 2 * (1.0 + 0.2 * (scene.rotation > 0))
    edge = np.array([scene.size[1], scene.size[0]], np.float64)
    low = np.minimum(half, edge / 2)
    speed = np.maximum(between(u[:, 5], *scene.speed_span), SLOWEST)
    world = moving.paths(rng, stops, scene.frames, motions, speed, low, edge - low)
    screen = moving.excursions(
        exact.stream(scene.seed, "excursions"),
        world - camera[:, None],
        sizes.max(0, initial=0.0) * 0.72 + 3,
        scene.size,
        out_of_view,
    )
    centers = exact.snap(screen)
    return Trajectories(
        centers=centers[1:].astype(np.float32),
        velocities=(centers[1:] - centers[:-1]).astype(np.float32),
        sizes=sizes.astype(np.float32),
        angles=angles.astype(np.float32),
        camera=camera[1:].astype(np.float32),
        motions=motions,
    )


def _cast(scene: Scene) -> Cast:
    """The objects of a scene with what they look like."""
    tracks = trajectories(scene)
    rng = exact.stream(scene.seed, "sprites")
    source = thumbnails(scene.sprites)
    names = SHAPES if source is None else source.class_names
    known = np.arange(len(names)) if source is None else np.unique(source.labels)
    allowed = known if scene.classes is None else np.array(scene.classes)
    classes = allowed[(rng.random(scene.objects) * len(allowed)).astype(np.int64)]
    textures = []
    for k, kind in enumerate(classes):
        side = max(4, int(np.ceil(tracks.sizes[:, k].max(initial=4))))
        if source is None:
            textures.append(sprite(int(kind), rng, side))
        else:
            members = np.flatnonzero(source.labels == kind)
            index = int(members[int(rng.random() * len(members))])
            textures.append(source.draw(index, side))
    return Cast(tracks, textures, classes.astype(np.int64), names)


def _lookalikes(scene: Scene, cast: Cast) -> Cast:
    """Distractors, on paths of their own, which truth does not know.

    They are the objects' own sprites again or, in a scene of strangers, shapes of no class.
    """
    count = int(np.ceil(scene.distractors * DISTRACTORS)) if scene.objects else 0
    twin = np.arange(count) % max(scene.objects, 1)
    rng, stops = (exact.stream(scene.seed, name) for name in ("distractors", "distractor stops"))
    base = between(rng.random(DISTRACTORS)[:count], 0.9, 1.1)
    if count:
        base = base * cast.tracks.sizes[0, twin].astype(np.float64)
    camera = moving.camera_path(
        exact.stream(scene.seed, "camera"), scene.frames, scene.size, scene.camera_motion
    )
    motions = tuple(cast.tracks.motions[k] for k in twin)
    tracks = _track(scene, rng, stops, motions, camera, 0.0, base)
    textures = [cast.textures[k] for k in twin]
    if scene.strangers:
        looks = exact.stream(scene.seed, "strangers")
        for k in range(count):
            side = max(4, int(np.ceil(tracks.sizes[:, k].max(initial=4))))
            textures[k] = stranger(int(looks.random() * len(STRANGERS)), looks, side)
    return Cast(tracks, textures, cast.classes[twin], cast.class_names)


@dataclass(frozen=True)
class Patches:
    """One sprite in several frames: corners `(T, 2)` x, y, paint and cover `(T, P, P, ...)`.

    ink `(T, P, P, 3)` uint16 is colour times cover, rest `(T, P, P, 1)` uint16 what it leaves of
    the ground, both out of 256; mask `(T, P, P)` are the pixels that belong to the object.
    """

    corners: NDArray[np.int64]
    ink: NDArray[np.uint16]
    rest: NDArray[np.uint16]
    mask: NDArray[np.bool_]


def _packed(rgb: Pixels, alpha: Pixels) -> NDArray[np.uint64]:
    """A texture with four channels in one number, 16 bits apart, with two clear pixels around it.

    One weighted sum of such numbers then resamples all channels: 255 x 256 fits into 16 bits.
    """
    around = ((2, 2), (2, 2))
    color = np.pad(rgb, (*around, (0, 0)), mode="edge").astype(np.uint64)
    cover = np.pad(alpha, around).astype(np.uint64)
    return (
        color[..., 0]
        | color[..., 1] << np.uint64(16)
        | color[..., 2] << np.uint64(32)
        | cover << np.uint64(48)
    )


def _resample(
    texture: tuple[Pixels, Pixels], centers: Floats, sizes: Floats, angles: Floats
) -> Patches:
    """Draw a sprite at each of the centres `(T, 2)`, sizes `(T,)` and angles `(T,)`, bilinearly."""
    rgb, alpha = texture
    height, width = alpha.shape
    packed = _packed(rgb, alpha)
    turned = bool(angles.any())
    side = int(np.ceil(sizes.max() * (1.4143 if turned else 1.0))) + 3
    corners = np.floor(centers - side / 2).astype(np.int64)
    cells = np.arange(side) + 0.5
    dx = (corners[:, :1] + cells - centers[:, :1])[:, None, :]  # (T, 1, P)
    dy = (corners[:, 1:] + cells - centers[:, 1:])[:, :, None]  # (T, P, 1)
    # texture pixels a screen pixel
    zoom = (max(height, width) / sizes)[:, None, None]
    if turned:
        c, s = (f(angles / 360)[:, None, None] for f in (exact.cos, exact.sin))
        dx, dy = c * dx + s * dy, c * dy - s * dx
    x, fx = _steps(dx * zoom + (width / 2 - 0.5), width)
    y, fy = _steps(dy * zoom + (height / 2 - 0.5), height)
    stride = packed.shape[1]
    flat, first = packed.ravel(), y * stride + x
    one = TEXEL
    blend = flat[first] * ((one - fx) * (one - fy)).astype(np.uint64)
    blend += flat[first + 1] * (fx * (one - fy)).astype(np.uint64)
    blend += flat[first + stride] * ((one - fx) * fy).astype(np.uint64)
    blend += flat[first + stride + 1] * (fx * fy).astype(np.uint64)
    # the high bytes of the four sums: what is left after a division by 256
    channels = blend.astype("<u8", copy=False)[..., None].view(np.uint8)[..., 1::2]
    cover = channels[..., 3].astype(np.uint16)
    mask = cover >= COVERED
    cover += cover >> 7  # 255 becomes 256
    color = channels[..., :3].astype(np.uint16)
    ink = color * cover[..., None] + np.uint16(127)
    return Patches(corners, ink, (256 - cover)[..., None], mask)


def _steps(place: Floats, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of the texture pixel before a place, in the wide texture, and sixteenths beyond it."""
    fine = np.floor(place * TEXEL).astype(np.int64)
    index, part = fine >> 4, fine & (TEXEL - 1)
    return index.clip(-2, length) + 2, part


@dataclass
class Measured:
    """Truth of `N` objects while it is being measured."""

    boxes: NDArray[np.float32]
    full: NDArray[np.int64]
    seen: NDArray[np.int64]


def _boxes(patches: Patches, size: tuple[int, int]) -> NDArray[np.float32]:
    """Tight boxes `(T, 4)` of the masks inside the picture; NaN where nothing is inside."""
    side = patches.mask.shape[1]
    cells = np.arange(side)
    x, y = patches.corners[:, :1] + cells, patches.corners[:, 1:] + cells
    inside_x, inside_y = (x >= 0) & (x < size[1]), (y >= 0) & (y < size[0])
    mask = patches.mask & inside_y[:, :, None] & inside_x[:, None, :]
    columns, rows = np.any(mask, axis=1), np.any(mask, axis=2)
    first = np.stack([columns.argmax(1), rows.argmax(1)], axis=-1)
    last = side - np.stack([columns[:, ::-1].argmax(1), rows[:, ::-1].argmax(1)], axis=-1)
    found = np.concatenate([patches.corners + first, patches.corners + last], axis=-1)
    return np.where(np.any(columns, axis=1)[:, None], found, np.nan).astype(np.float32)


def render(scene: Scene, keep_masks: bool = False) -> tuple[Clip, Masks | None]:
    """Frames and truth of a scene, and its masks where asked for."""
    cast = _cast(scene)
    crowd = _lookalikes(scene, cast)
    count, (height, width) = scene.objects, scene.size
    everything = [(cast, k, k + 1) for k in range(count)]
    everything += [(crowd, k, OTHER) for k in range(len(crowd.textures))]
    depth = exact.stream(scene.seed, "depth").random(count + len(crowd.textures))
    everything = [everything[k] for k in np.argsort(depth, kind="stable")]

    frames = np.empty((scene.frames, height, width, 3), np.uint8)
    measured = Measured(
        np.full((scene.frames, count, 4), np.nan, np.float32),
        np.zeros((scene.frames, count), np.int64),
        np.zeros((scene.frames, count), np.int64),
    )
    labels = np.zeros((scene.frames if keep_masks else 1, height, width), np.int16)
    kept: list[list[Any]] = [[None] * scene.frames for _ in range(count if keep_masks else 0)]
    stage = _Stage(scene, cast)
    largest = max((float(c.tracks.sizes.max(initial=1)) for c in (cast, crowd)), default=1.0)
    step = max(1, int(CHUNK / (1.5 * largest + 3) ** 2))
    for start in range(0, scene.frames, step):
        part = slice(start, min(start + step, scene.frames))
        players = [(_play(who, k, part), label) for who, k, label in everything]
        for patches, label in players:
            if label > 0:
                measured.boxes[part, label - 1] = _boxes(patches, scene.size)
                measured.full[part, label - 1] = patches.mask.sum((1, 2))
        for t in range(part.start, part.stop):
            label_map = labels[t if keep_masks else 0]
            painted = _paint(stage, players, t, t - start, label_map, measured.seen[t], kept)
            frames[t] = stage.develop(painted, t)
    truth = _truth(scene, cast, measured)
    clip = Clip(frames, fps=scene.fps, truth=truth, name=scene.name)
    return clip, Masks(labels, kept) if keep_masks else None


def _play(cast: Cast, k: int, part: slice) -> Patches:
    tracks = cast.tracks
    return _resample(
        cast.textures[k],
        tracks.centers[part, k].astype(np.float64),
        tracks.sizes[part, k].astype(np.float64),
        tracks.angles[part, k].astype(np.float64),
    )


def _paint(
    stage: _Stage,
    players: list[tuple[Patches, int]],
    t: int,
    row: int,
    labels: NDArray[np.int16],
    seen: NDArray[np.int64],
    kept: list[list[Any]],
) -> Pixels:
    """One frame before the effects; fills in whose each pixel is and what is seen of whom."""
    frame = stage.ground(t)
    height, width = frame.shape[:2]
    labels.fill(BACKGROUND)
    places = []
    for patches, label in players:
        x, y = (int(v) for v in patches.corners[row])
        side = patches.mask.shape[1]
        left, top = max(-x, 0), max(-y, 0)
        right, bottom = min(width - x, side), min(height - y, side)
        if left >= right or top >= bottom:
            continue
        there = (slice(y + top, y + bottom), slice(x + left, x + right))
        here = (row, slice(top, bottom), slice(left, right))
        # out = colour * cover + ground * (1 - cover)
        frame[there] = (frame[there] * patches.rest[here] + patches.ink[here]) >> 8
        mask = patches.mask[here]
        np.copyto(labels[there], label, where=mask)
        if label > 0:
            places.append((label, there))
            if kept:
                kept[label - 1][t] = (there, mask.copy())
    for first, last, skin in stage.pillars.spans(stage.camera[t, 0]):
        frame[:, first:last] = stage.pillars.skin[:, skin : skin + last - first]
        labels[:, first:last] = OTHER
    for label, there in places:
        seen[label - 1] = np.count_nonzero(labels[there] == label)
    return frame


class _Stage:
    """What a scene has besides its objects: background, pillars, light, lens and sensor."""

    def __init__(self, scene: Scene, cast: Cast) -> None:
        self.scene = scene
        self.camera = cast.tracks.camera.astype(np.float64)
        rng = exact.stream(scene.seed, "background")
        turn = rng.random()
        tile = backdrop.ground(
            rng,
            exact.stream(scene.seed, "clutter"),
            scene.size,
            scene.background,
            scene.clutter,
            scene.strangers,
        )
        self._tile = backdrop.widen(tile, scene.size)
        self._corners = self.camera + effects.offsets(scene.background_speed, scene.frames, turn)
        first = cast.tracks
        middles, halves = first.centers[0, :, 0] + self.camera[0, 0], first.sizes[0] / 2
        self.pillars = backdrop.Pillars(
            exact.stream(scene.seed, "occluders"),
            scene.size,
            scene.occlusion,
            middles.astype(np.float64),
            halves.astype(np.float64),
        )
        self._light = (
            effects.Light(
                exact.stream(scene.seed, "light"), scene.frames, scene.size, scene.illumination
            )
            if scene.illumination
            else None
        )
        self._shakes = effects.shake_paths(
            exact.stream(scene.seed, "blur"), scene.frames, scene.size, scene.motion_blur
        )
        self._noise = exact.stream(scene.seed, "noise")

    def ground(self, t: int) -> Pixels:
        """The background of frame `t`, a new array."""
        x, y = self._corners[t]
        return backdrop.view(self._tile, float(x), float(y), self.scene.size).copy()

    def develop(self, frame: Pixels, t: int) -> Pixels:
        """Light, contrast, blur, resolution and noise, in the order in which a camera adds them."""
        scene = self.scene
        if self._light is not None:
            frame = self._light.shine(frame, t)
        if scene.low_contrast:
            frame = effects.fade(frame, scene.low_contrast)
        frame = effects.smear(frame, self._shakes[t])
        if scene.low_resolution:
            frame = effects.coarsen(frame, scene.low_resolution)
        if scene.noise:
            frame = effects.grain(frame, self._noise, scene.noise)
        return frame


def _truth(scene: Scene, cast: Cast, measured: Measured) -> Truth:
    full = np.maximum(measured.full, 1)
    return Truth(
        boxes=measured.boxes,
        ids=np.arange(1, scene.objects + 1),
        classes=cast.classes,
        visibility=(measured.seen / full).astype(np.float32),
        velocities=cast.tracks.velocities,
        class_names=cast.class_names,
    )
