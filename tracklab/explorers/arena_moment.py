"""One frame of an arena: how every tracker stands in it, and all that in words.

Invariant: whoever has lost the object by `metrics.single.losses` stands as "lost" from the first
frame of a loss up to the one in which it has it again, and in no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.explorers.arena_runs import Glimpse, Run, Stage
from tracklab.metrics.single.losing import LOST

GOOD = 0.5  # overlap above which a box counts as on the object, as in the PASCAL VOC challenge
NO_LAYER = "none"

# How a tracker can stand, and what is said before the names of those that do
KINDS = {
    "holds": "Holds it",
    "partly": "Has a part of it",
    "off": "Beside it",  # missed, but not for long enough to have lost it
    "lost": "Has lost it",
    "unknown": "",  # there is no truth in this frame
    "given": "Is given the box",
    "waits": "Is not there yet",
    "failed": "Stopped",
}


@dataclass(frozen=True)
class Stand:
    """How a tracker stands in one frame.

    kind: one of `KINDS`. overlap: IoU, or NaN. since: first frame of a loss. off: `(2,)` pixels
    from the object's middle to its own.
    """

    kind: str
    overlap: float = float("nan")
    since: int = 0
    off: NDArray[np.float64] = field(default_factory=lambda: np.full(2, np.nan))


def stand(run: Run, frame: int) -> Stand:
    """How a run stands in a frame."""
    stage = run.stage
    if frame >= run.done:
        return Stand("waits" if run.error is None else "failed")
    if frame <= stage.first:
        return Stand("given")
    judged = run.judged()
    if judged is None or stage.truth is None or not np.isfinite(judged.overlaps[frame]):
        return Stand("unknown")
    overlap = float(judged.overlaps[frame])
    off = bx.centers(run.boxes[frame]).astype(float) - bx.centers(stage.truth[frame])
    for loss in judged.losses:
        if loss.frame <= frame and (loss.back is None or frame < loss.back):
            return Stand("lost", overlap, loss.frame, off)
    kind = "holds" if overlap > GOOD else "partly" if overlap > LOST else "off"
    return Stand(kind, overlap, 0, off)


@dataclass(frozen=True, eq=False)
class Moment:
    """What is chosen, and the frame that is looked at.

    runs: by the trackers' numbers. setting: the clip and its dials, in words. look: number and name
    of the tracker whose search is looked at, chosen or not. layer: the map that is laid over it.
    """

    stage: Stage
    runs: Mapping[int, Run]
    frame: int
    setting: str
    look: tuple[int, str]
    layer: str

    @property
    def stands(self) -> dict[int, Stand]:
        """How each tracker stands, by number."""
        return {number: stand(run, self.frame) for number, run in self.runs.items()}

    @property
    def looked(self) -> Run | None:
        """The run whose search is looked at; None where its tracker is not chosen."""
        return self.runs.get(self.look[0])

    @property
    def seen(self) -> Glimpse | None:
        """What that tracker saw; None where it does not tell, or is not there yet."""
        run = self.looked
        return run.glimpses[self.frame] if run is not None and self.frame < run.done else None

    @property
    def values(self) -> NDArray[Any] | None:
        """The map `(h, w)` that is laid over, or None."""
        return None if self.seen is None else self.seen.maps.get(self.layer)


def title(moment: Moment) -> str:
    """What the search window shows."""
    number, name = moment.look
    run, seen = moment.looked, moment.seen
    if run is None:
        said = "not chosen"
    elif moment.frame >= run.done:
        said = "not there yet" if run.error is None else "stopped"
    elif moment.frame < moment.stage.first:
        said = "has not begun"
    elif moment.frame == moment.stage.first:
        said = "the box is given"
    elif not np.isfinite(run.boxes[moment.frame]).all():
        said = "says nothing"
    elif seen is None:
        said = "does not tell what it saw"
    elif moment.layer == NO_LAYER:
        said = "what it searched"
    else:
        said = moment.layer if moment.layer in seen.maps else f"has no {moment.layer}"
    return f"{number} {name}: {said}"


def standing(moment: Moment, number: int) -> str:
    """How a tracker stands in this frame, in two words."""
    run, frame, one = moment.runs[number], moment.frame, stand(moment.runs[number], moment.frame)
    if one.kind == "failed":
        return "stopped"
    if one.kind == "waits":
        return f"at {run.done} of {len(run.stage)}" if run.begun else "waits"
    if one.kind == "given":
        return "box given" if frame == run.stage.first else "not begun"
    if one.kind == "unknown":
        return f"score {run.scores[frame]:.2f}" if run.stage.truth is None else "no object now"
    if one.kind == "lost":
        return f"LOST since {one.since}"
    return (
        f"{ {'holds': 'on it', 'partly': 'partly', 'off': 'beside'}[one.kind] }: {one.overlap:.2f}"
    )


def fate(run: Run) -> str:
    """What became of a tracker as far as it has come, in a few words."""
    judged = run.judged()
    if judged is None or run.error is not None:
        return ""
    lost = f"lost at {judged.losses[0].frame}" if judged.losses else ""
    if not run.over:
        return lost or "not lost so far"
    return f"{lost or 'never lost'}, AUC {judged.auc:.2f}"


def caption(moment: Moment) -> str:
    """What the picture shows, to somebody who does not see it."""
    stage, frame = moment.stage, moment.frame
    said = f"Frame {frame} of 0 to {len(stage) - 1} ({moment.setting}). {_object(stage, frame)}"
    groups: dict[str, list[str]] = {}
    for number, one in moment.stands.items():
        if one.kind == "unknown" and stage.truth is not None:
            continue
        run = moment.runs[number]
        what = KINDS[one.kind] or "Says"
        if one.kind == "given" and frame < stage.first:
            what = "Has not begun"
        groups.setdefault(what, []).append(f"{number} {run.name}{_detail(one, run, frame)}")
    order = [*KINDS.values(), "Says", "Has not begun"]
    for what in sorted(groups, key=order.index):
        said += f" {what}: {'; '.join(groups[what])}."
    if not moment.runs:
        return f"{said} No tracker is chosen."
    if stage.truth is not None:
        told = [_whole_run(run, number) for number, run in moment.runs.items()]
        said += f" In the whole clip: {'; '.join(told)}."
    seen, values = moment.seen, moment.values
    if seen is not None and values is not None:
        x, y = seen.top(moment.layer).tolist()
        said += (
            f" The {moment.layer} of {moment.look[1]} has its top, {seen.peak(moment.layer):.2f}, "
            f"at x {x:.0f}, y {y:.0f}."
        )
    return said


def _object(stage: Stage, frame: int) -> str:
    if stage.truth is None:
        return "Nobody knows where the object is."
    if not np.isfinite(stage.truth[frame]).all():
        return "The object is not in the picture."
    height, width = stage.size
    x, y = bx.centers(stage.truth[frame]).tolist()
    visible = 1.0 if stage.visible is None else float(stage.visible[frame])
    hidden = "" if visible > 0.99 else f", {100 * visible:.0f} % of it visible"
    return f"The object is at x {x:.0f}, y {y:.0f} of {width} x {height} pixels{hidden}."


def _detail(one: Stand, run: Run, frame: int) -> str:
    if one.kind in ("holds", "partly"):
        return f" (IoU {one.overlap:.2f})"
    if one.kind == "off":
        return f" (IoU {one.overlap:.2f}, {_way(one.off)})"
    if one.kind == "lost":
        return f" since frame {one.since} ({_way(one.off)})"
    if one.kind == "unknown":
        return f" (score {run.scores[frame]:.2f})"
    if one.kind == "failed":
        own = isinstance(run.error, errors.TracklabError)
        return f" ({run.error})" if own else f" ({type(run.error).__name__}: {run.error})"
    return ""


def _whole_run(run: Run, number: int) -> str:
    """What became of a tracker, in words."""
    judged, name = run.judged(), f"{number} {run.name}"
    if judged is None:
        return f"{name} has not begun" if run.error is None else f"{name} could not begin"
    far = "" if run.done == len(run.stage) else f", as far as frame {run.done - 1},"
    if not judged.losses:
        return f"{name}{far} never loses it"
    places = [
        f"{loss.frame}" + (" for good" if loss.back is None else f" until {loss.back}")
        for loss in judged.losses
    ]
    return f"{name}{far} loses it in frame {', '.join(places)}"


def _way(off: NDArray[np.float64]) -> str:
    """How far a box is from the object and in which direction, in words."""
    if not np.isfinite(off).all():
        return "it says nothing"
    x, y = off.tolist()
    long = float(np.hypot(x, y))
    if long < 1:
        return "on its middle"
    # each of eight directions is 45 degrees wide: sin 22.5 degrees = 0.38
    sides = [side for side, far in (("above", -y), ("below", y)) if far > 0.38 * long]
    sides += [side for side, far in (("left", -x), ("right", x)) if far > 0.38 * long]
    return f"{long:.0f} pixels {' '.join(sides)}"
