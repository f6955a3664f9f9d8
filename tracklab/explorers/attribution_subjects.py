"""What the explorer "attribution" can ask: a classifier of pictures, a detector, a tracker.

Each is a `Subject`: images, and for each image the answers that can be explained, the surest first,
with the exact mask of what the answer should be about where that is known.

Invariant: a network and the one that has forgotten everything are asked the very same question.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import datasets, errors, explain
from tracklab.clips import Clip
from tracklab.explain.target import Target
from tracklab.looking import look

Picture = NDArray[np.uint8]

PICTURES = 24
ANSWERS = 10  # of an image that can be chosen
SURE = 0.3  # score from which on a detection is offered
HIT = 0.5  # overlap from which on a box is taken for an object's
APART = 3  # cells between two peaks of a map


@dataclass(frozen=True, eq=False)
class Answer:
    """One thing that a network says of an image.

    words: what is said ("star"). probability: of that. target: what is explained. forgets: the same
    question to the network that has forgotten. mask: `(H, W)` of what it should be about, or None.
    box: `(4,)` that the question is about, or None. name: of what the mask is of.
    """

    words: str
    probability: float
    target: Target
    forgets: Target
    mask: NDArray[np.bool_] | None = None
    box: bx.Boxes | None = None
    name: str = ""


class Subject(Protocol):
    """Images and what a network says of them."""

    def __len__(self) -> int:
        """How many images there are."""

    def image(self, k: int) -> Picture:
        """What the network sees, `(H, W, 3)`."""

    def answers(self, k: int) -> list[Answer]:
        """What can be explained of image `k`, the surest first; at least one."""


class Pictures:
    """A classifier and pictures: the logit of each class.

    model: a Keras model to logits. images `(N, H, W, 3)` uint8; labels `(N, K)` or `(N,)`, masks
    `(N, K, H, W)`, if known. several: whether a picture may hold several classes, so that each
    logit has a sigmoid of its own.
    """

    def __init__(
        self,
        model: Any,
        images: Picture,
        class_names: Sequence[str],
        *,
        labels: Any = None,
        masks: Any = None,
        several: bool = False,
    ) -> None:
        array = np.asarray(images)
        if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8 or not len(array):
            errors.bad("images", array, "at least one image, shape (N, H, W, 3) and type uint8")
        self.images, self.class_names = array[:PICTURES], tuple(class_names)
        self.labels = None if labels is None else np.asarray(labels).reshape(len(array), -1)
        self.masks, self.several = masks, several
        self.ask = explain.Classes(model, class_names, array.shape[1:3])
        self._model = model

    def __len__(self) -> int:
        return len(self.images)

    def image(self, k: int) -> Picture:
        """A picture."""
        return np.asarray(self.images[k])

    @functools.cached_property
    def _forgets(self) -> explain.Classes:
        return explain.Classes(_ruined(self._model), self.class_names, self.ask.size)

    def answers(self, k: int) -> list[Answer]:
        """The logits of all classes, at most ten."""
        logits = self.ask.logits(self.images[k]).astype(float)
        sure = 1 / (1 + np.exp(-logits))
        if not self.several:
            powers = np.exp(logits - logits.max())
            sure = powers / powers.sum()
        found = []
        for label in np.argsort(-logits, kind="stable")[:ANSWERS].tolist():
            mask = None
            if self.masks is not None and self.labels is not None:
                own = np.flatnonzero(self.labels[k] == label)
                mask = self.masks[k][own[0]] if len(own) else None
            name = self.class_names[label]
            own_target, other = (ask.about(label) for ask in (self.ask, self._forgets))
            found.append(Answer(name, float(sure[label]), own_target, other, mask, name=name))
        return found


class Scene:
    """A clip with the masks of its objects, if they are known."""

    def __init__(self, clip: Clip, masks: Any = None) -> None:
        if not isinstance(clip, Clip) or not len(clip):
            errors.bad("clip", clip, "a clip with at least one frame (see tracklab.read_clip)")
        self.clip, self.masks = clip, masks

    def __len__(self) -> int:
        return len(self.clip)

    def frame(self, k: int) -> Picture:
        """A frame."""
        return np.asarray(self.clip.frames[k])

    def mask_of(self, k: int, box: ArrayLike) -> tuple[NDArray[np.bool_], str] | None:
        """The visible mask and the class of the object in a box, where one is known."""
        if self.masks is None or self.clip.truth is None:
            return None
        truth = self.clip.truth
        overlap = np.nan_to_num(bx.iou(np.asarray(box, np.float32)[None], truth.boxes[k])[0])
        if not len(overlap) or overlap.max() < HIT:
            return None
        best = int(overlap.argmax())
        mask = self.masks.visible(k)[best]
        return (mask, truth.class_names[truth.classes[best]]) if mask.any() else None


class Detections:
    """A detector and a clip: the score of each detection, or the objectness of its anchor."""

    def __init__(self, detector: Any, scene: Scene, *, objectness: bool = False) -> None:
        self.scene, self.objectness, self._detector = scene, objectness, detector
        self.heads = explain.Heads(detector, scene.clip.size)

    def __len__(self) -> int:
        return len(self.scene)

    def image(self, k: int) -> Picture:
        """A frame."""
        return self.scene.frame(k)

    @functools.cached_property
    def _forgets(self) -> explain.Heads:
        return explain.Heads(_ruined(self._detector), self.heads.size)

    def answers(self, k: int) -> list[Answer]:
        """What is detected, at most ten; the whole frame's first class where nothing is."""
        seen = self._detector.detect(self.image(k), score=SURE, most=ANSWERS)
        boxes, labels = seen.boxes, seen.labels
        if not len(boxes):
            height, width = self.scene.clip.size
            boxes, labels = np.array([[0, 0, width, height]], np.float32), np.zeros(1, np.int64)
        found = []
        for box, label in zip(boxes, labels.tolist(), strict=True):
            both = (self.heads, self._forgets)
            name = self._detector.class_names[label]
            if self.objectness:
                anchor = self.heads.best_anchor(box)
                targets = [heads.objectness(anchor) for heads in both]
                words, about = f"an object (it is a {name})", self.heads.anchors[anchor]
            else:
                targets = [heads.score(box, label) for heads in both]
                words, about = name, box
            sure = float(targets[0].probabilities(self.image(k)[None])[0])
            mask, what = self.scene.mask_of(k, box) or (None, "")
            found.append(Answer(words, sure, targets[0], targets[1], mask, about, what))
        return found


class Following:
    """A visual tracker and a clip: its map where it found the object, and at the next peaks.

    box: `(4,)` of the object in the first frame.
    """

    def __init__(self, tracker: Any, scene: Scene, box: ArrayLike) -> None:
        self.scene = scene
        self._tracker, self._network = tracker, tracker.network.siamese
        self.ask = explain.Responses(self._network)
        self._box = bx.as_box(box, "box")
        self._steps: list[tuple[Any, Any, Any]] = []  # minds before, sights, targets
        tracker.init(scene.frame(0), self._box)

    def __len__(self) -> int:
        return len(self.scene)

    @functools.cached_property
    def _forgets(self) -> explain.Responses:
        return explain.Responses(_ruined(self._network))

    def _step(self, k: int) -> tuple[Any, Any, Any]:
        """Frame `k` from 1: what was in mind before it, what was seen in it, and the target."""
        while len(self._steps) < max(k, 1):
            before = self._tracker.mind
            frame = self.scene.frame(min(len(self._steps) + 1, len(self.scene) - 1))
            target, _ = self.ask.step(self._tracker, frame)
            self._steps.append((before, self._tracker.sight, target))
        return self._steps[max(k, 1) - 1]

    def image(self, k: int) -> Picture:
        """The window that was searched in a frame; of frame 0, that of frame 1."""
        return np.asarray(self._step(k)[1].picture)

    def answers(self, k: int) -> list[Answer]:
        """Where it found the object, then the other peaks of its map."""
        before, sight, _ = self._step(k)
        found = []
        for rank, cell in enumerate(peaks(sight.posterior, sight.response)):
            targets = [ask.about(before.first, before.running, cell) for ask in self._both]
            sure = float(targets[0].probabilities(sight.picture[None])[0])
            words = "the object is here" if rank == 0 else "the object may be here"
            mask, what = self._mask(k, sight) if rank == 0 else (None, "")
            x, y = (4.0 * cell[1] + 2, 4.0 * cell[0] + 2)
            box = np.array([x - 12, y - 12, x + 12, y + 12], np.float32)
            found.append(Answer(words, sure, targets[0], targets[1], mask, box, what))
        return found

    @property
    def _both(self) -> tuple[explain.Responses, explain.Responses]:
        return self.ask, self._forgets

    def _mask(self, k: int, sight: Any) -> tuple[NDArray[np.bool_] | None, str]:
        """The object's mask as it is in the window."""
        truth = self.scene.clip.truth
        if truth is None or self.scene.masks is None:
            return None, ""
        which = int(np.nan_to_num(bx.iou(self._box[None], truth.boxes[0])[0]).argmax())
        k = min(max(k, 1), len(self.scene) - 1)
        own = self.scene.masks.visible(k)[which]
        mask = in_window(own, sight)
        return (mask, truth.class_names[truth.classes[which]]) if mask.any() else (None, "")


def in_window(mask: NDArray[np.bool_], sight: Any) -> NDArray[np.bool_]:
    """A mask of the frame as it is in the window that a tracker searched."""
    side = sight.picture.shape[0]
    drawn = look(np.repeat(mask[..., None] * np.uint8(255), 3, -1), sight.searched, (side, side))
    return np.asarray(drawn[..., 0] > 127)


def peaks(first: NDArray[Any], rest: NDArray[Any], count: int = 3) -> list[tuple[int, int]]:
    """Rows and columns of the highest cell of one map, then of the highest of another that are
    `APART` cells away from all before.
    """
    row, column = np.unravel_index(int(np.argmax(first)), first.shape)
    found = [(int(row), int(column))]
    left = np.array(rest, float)
    rows, columns = np.indices(left.shape)
    while len(found) < count:
        y, x = found[-1]
        left[(abs(rows - y) <= APART) & (abs(columns - x) <= APART)] = -np.inf
        if not np.isfinite(left).any():
            break
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        found.append((int(row), int(column)))
    return found


def shapes_at_hand() -> Pictures:
    """The shipped classifier of drawn shapes and test pictures."""
    from tracklab.models import shapes

    known = datasets.masked_scenes(PICTURES, part="test", seed=0)
    model, _ = shapes.shipped()
    return Pictures(
        model,
        known.images,
        known.class_names,
        labels=known.labels,
        masks=known.masks,
        several=True,
    )


def _ruined(network: Any) -> Any:
    """A copy of a network that has forgotten everything."""
    copy = explain.copied(network)
    for _ in explain.cascade(copy):
        pass
    return copy
