"""The explorer "attribution": which pixels does an answer come from, by any method, of any network?

`draw` is pure: networks and images are fixed when the explorer is made. A map is made once, in the
background where somebody watches, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracklab import boxes as bx
from tracklab import errors, explain, scenes
from tracklab.clips import Clip
from tracklab.explain import sanity
from tracklab.explain.target import Floats
from tracklab.explorers import attribution_subjects as subjects
from tracklab.explorers.attribution_subjects import ANSWERS, Answer, Subject
from tracklab.explorers.controls import Choice, Slider, Toggle
from tracklab.explorers.later import Later
from tracklab.explorers.shell import Drawing, Explorer
from tracklab.plots.explain import glowing, outlined, square

CLASSIFIER, SCORE = "a classifier's logit", "a detector's score"
OBJECTNESS, TRACKER = "a detector's objectness", "a tracker's map"
NETWORKS = (CLASSIFIER, SCORE, OBJECTNESS, TRACKER)
SEED, FRAMES = scenes.TEST_SEED + 21, 24  # of a scene that no shipped network has learned from

ROOM, GAP, TOP = 384, 14, 24  # pixels: side of a square, between them, above them
PAPER, INK = (255, 255, 255), (40, 40, 40)
ASKED = (213, 94, 0)  # Okabe and Ito's vermilion: what the question is about
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Explained:
    """A map and what there is to say of it.

    answer: what was explained; of: how many answers there are. heat, trained: the map `(H, W)`, and
    that of the trained network where `heat` is of one that has forgotten. insertion, deletion: the
    areas of the curves.
    """

    image: Picture
    answer: Answer
    of: int
    heat: Floats
    trained: Floats
    insertion: float
    deletion: float


class Attribution:
    """Networks, their images, and the maps that were made of them.

    makers: by name, what makes each subject when it is first looked at.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Subject]], later: Later) -> None:
        self._makers, self._made, self.later = dict(makers), dict[str, Subject](), later

    @property
    def names(self) -> tuple[str, ...]:
        """The networks that can be asked."""
        return tuple(self._makers)

    def subject(self, name: str) -> Subject:
        """A network with its images, made when it is first asked for."""
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def explained(self, network: str, image: int, rank: int, method: str, forgets: bool) -> Any:
        """An `Explained`: from the image to its map."""
        subject = self.subject(network)
        image = min(image, len(subject) - 1)
        answers = subject.answers(image)
        answer, pixels = answers[min(rank, len(answers)) - 1], subject.image(image)
        trained = explain.explain(method, answer.target, pixels)
        heat = explain.explain(method, answer.forgets, pixels) if forgets else trained
        target = answer.forgets if forgets else answer.target
        return Explained(
            pixels,
            answer,
            len(answers),
            heat,
            trained,
            explain.insertion(target, pixels, heat).area,
            explain.deletion(target, pixels, heat).area,
        )

    def draw(self, *, network: str, image: int, rank: int, method: str, forgets: bool) -> Drawing:
        """The image at the left, the map over it at the right, and what it is worth in words."""
        key = (network, image, rank, method, forgets)
        found = self.later.get(key, lambda: self.explained(*key))
        if found is None:
            return _waiting(network, method, image, rank)
        sheet = np.full((TOP + ROOM, 2 * ROOM + GAP, 3), PAPER, np.uint8)
        _write(sheet, f"what the network sees (image {image})", 0)
        _write(sheet, f"{method}{', all forgotten' if forgets else ''}", ROOM + GAP)
        sheet[TOP:, :ROOM] = _seen(found)
        sheet[TOP:, ROOM + GAP :] = glowing(found.image, found.heat, ROOM, mask=found.answer.mask)
        caption, numbers = _words(found, network, image, rank, method, forgets)
        return Drawing(sheet, caption, numbers)


def _waiting(network: str, method: str, image: int, rank: int) -> Drawing:
    """What is shown until a map is there: which one is made."""
    sheet = np.full((TOP + ROOM, 2 * ROOM + GAP, 3), PAPER, np.uint8)
    sheet[TOP:, :ROOM] = sheet[TOP:, ROOM + GAP :] = 225
    _write(sheet, f"image {image}, answer {rank}: {method} is on its way", 0)
    words = f"Image {image}, answer {rank}: the map of {network} by {method} is being made."
    return Drawing(sheet, words, unfinished=(f"{method} of {network}", 0.0))


def _words(
    found: Explained, network: str, image: int, rank: int, method: str, forgets: bool
) -> tuple[str, dict[str, Any]]:
    """What is shown, for somebody who does not see it, and the numbers behind it."""
    answer, heat = found.answer, found.heat
    said = [f"Image {image}. Asked is {network}: {answer.words}, {answer.probability:.0%} sure."]
    if rank > found.of:
        said.append(f"There are {found.of} answers; the last is shown.")
    numbers: dict[str, Any] = {"probability": answer.probability}
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    where = _whereabouts(int(row), int(column), heat.shape)
    if not heat.any():
        said.append(f"{method} says that nothing speaks for it.")
    elif answer.mask is None:
        said.append(f"{method} is highest at the {where}.")
    else:
        on = "on" if answer.mask[row, column] else "beside"
        said.append(f"{method} is highest at the {where}, {on} the {answer.name}.")
    if answer.mask is not None:
        numbers["energy on the object"] = explain.energy(heat, answer.mask)
        numbers["its share of the image"] = float(answer.mask.mean())
        numbers["pointing game"] = explain.hit(heat, answer.mask)
        said.append(
            f"{numbers['energy on the object']:.0%} of the map lies on it; it has "
            f"{answer.mask.mean():.0%} of the image."
        )
    numbers["insertion area"], numbers["deletion area"] = found.insertion, found.deletion
    if forgets:
        alike = explain.similarity(found.trained, heat)
        numbers["similarity to the trained network's"] = alike
        fails = "fails" if alike >= sanity.FAILS else "passes"
        said.append(
            f"The network has forgotten everything. Its map is {alike:.2f} like the trained one's: "
            f"here the method {fails}."
        )
    return " ".join(said), numbers


def _whereabouts(row: int, column: int, shape: tuple[int, ...]) -> str:
    places = (("top", "middle", "bottom"), ("left", "middle", "right"))
    thirds = [
        place[min(3 * at // size, 2)]
        for place, at, size in zip(places, (row, column), shape, strict=True)
    ]
    return "middle" if thirds == ["middle", "middle"] else " ".join(dict.fromkeys(thirds))


def _seen(found: Explained) -> Picture:
    """The image, with the outline of what the answer should be about and of what is asked."""
    large = square(found.image, ROOM)
    if found.answer.mask is not None:
        large = outlined(large, found.answer.mask)
    if found.answer.box is not None:
        scale = ROOM / max(found.image.shape[:2])
        x1, y1, x2, y2 = (round(v * scale) for v in found.answer.box.tolist())
        cv2.rectangle(large, (x1, y1), (x2, y2), PAPER, 3)
        cv2.rectangle(large, (x1, y1), (x2, y2), ASKED, 1)
    return large


def _write(sheet: Picture, text: str, x: int) -> None:
    cv2.putText(sheet, text, (x, TOP - 8), FONT, FONT_SIZE, INK, 1, cv2.LINE_AA)


def _watched() -> bool:
    """Whether a notebook's kernel shows what is drawn, and can show it again."""
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def attribution(
    model: Any = None,
    images: Any = None,
    class_names: Sequence[str] = (),
    labels: Any = None,
    *,
    clip: Clip | None = None,
    box: ArrayLike | None = None,
    network: str = CLASSIFIER,
    background: bool | None = None,
) -> Explorer:
    """Where an answer comes from: any method, any network of the course, any image or clip.

    model, images, class_names, labels: a Keras classifier to logits, `(N, H, W, 3)` uint8, names of
        its outputs, `(N,)` classes if known; the shipped classifier of drawn shapes and pictures
        with exact masks if None.
    clip: for detector and tracker; a scene that they have not learned from if None. box: `(4,)` of
        the object to follow in its first frame; that of which most is seen there if None.
    network: where it begins, one of `NETWORKS`. background: whether maps are made while the
        explorer waits; None: in a notebook.

    Raises `InputError` for a model without images and the other way round, for a clip without truth
    and box, and for a network that is none.
    """
    if (model is None) != (images is None):
        errors.bad("model and images", errors.Said("one of them"), "both, or none")
    errors.choice("network", network, NETWORKS)
    scene = _scene_at_hand() if clip is None else subjects.Scene(clip)
    given = _first_box(scene.clip) if box is None else bx.as_box(box, "box")

    def pictures() -> Subject:
        if model is None:
            return subjects.shapes_at_hand()
        return subjects.Pictures(model, np.asarray(images), class_names, labels=labels)

    def detections(objectness: bool) -> Subject:
        from tracklab.models import detector

        return subjects.Detections(detector.shipped()[0], scene, objectness=objectness)

    def following() -> Subject:
        from tracklab import trackers

        return subjects.Following(trackers.create("recurrent"), scene, given)

    makers: dict[str, Callable[[], Subject]] = {
        CLASSIFIER: pictures,
        SCORE: lambda: detections(False),
        OBJECTNESS: lambda: detections(True),
        TRACKER: following,
    }
    later = Later(_watched() if background is None else background)
    made = Attribution(makers, later)
    shown = subjects.PICTURES if images is None else min(len(images), subjects.PICTURES)
    explorer = Explorer(
        "attribution",
        made.draw,
        {
            "network": Choice("Explain", NETWORKS, network),
            "method": Choice("Method", tuple(explain.ALL), "grad-cam"),
            "image": Slider("Image or frame", 0, max(shown, len(scene)) - 1, 0),
            "rank": Slider("Answer, by rank", 1, ANSWERS, 1),
            "forgets": Toggle("Network forgets"),
        },
        title="Attribution: which pixels does the answer come from?",
        description="Choose a method and see whether it points at the outlined object. Go down the "
        "ranks: does it also say what speaks for a wrong answer? Then let the network forget "
        "everything. A map that stays the same explained nothing.",
    )
    later.tell = explorer.refresh
    if explorer.screen.unfinished:
        explorer.refresh()  # what was done before anybody listened
    return explorer


def _scene_at_hand() -> subjects.Scene:
    """Four shapes among strangers, with their masks."""
    return subjects.Scene(
        *scenes.render_with_masks(
            seed=SEED, frames=FRAMES, objects=4, strangers=True, distractors=0.3, clutter=0.1
        )
    )


def _first_box(clip: Clip) -> bx.Boxes:
    """The object of which most is seen in the first frame."""
    truth = clip.truth
    if truth is None or not truth.present[0].any():
        came = errors.Said("a clip whose first frame has no known object, and no box")
        errors.bad("clip", came, "truth, or box=(x1, y1, x2, y2) in the first frame")
    seen = np.where(truth.present[0], truth.visibility[0], -1)
    return np.asarray(truth.boxes[0][int(seen.argmax())])
