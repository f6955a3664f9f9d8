"""Tracks of what nobody asked for: a person on a bicycle, a statue, a reflection.

MOTChallenge annotates them so that a tracker is neither praised nor punished for following them:
before anything is counted, tracks that match one are taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from tracklab import errors
from tracklab.clips import Truth
from tracklab.metrics.matching import overlaps
from tracklab.metrics.multi.compare import assign
from tracklab.tracks import Tracks, frames_of

# Milan et al., "MOT16: A Benchmark for Multi-Object Tracking" (2016). MOT20 adds "non-motorized
# vehicle".
DISTRACTORS = ("person on vehicle", "static person", "distractor", "reflection")


def without_distractors(
    everything: Truth,
    tracks: Sequence[Tracks],
    *,
    names: Collection[str] = DISTRACTORS,
    iou: float = 0.5,
) -> list[Tracks]:
    """The tracks without the boxes that match a distractor, as MOT16, MOT17 and MOT20 ask for.

    everything: the truth with all that is annotated, distractors and what counts alike:
        `video.read_annotations`. In each frame all of it is assigned to the
        tracks by the largest sum of overlaps; the tracks that a distractor got are taken out.
    tracks: `T` frames.
    names: the classes of distractors; those that `everything` does not know change nothing. The
        truth of 2015 knows no classes: its tracks stay as they are, as its benchmark has it.
    iou: the overlap from which on a box matches, 0 to 1.

    Then judge by the truth that counts: `evaluate(truth, without_distractors(everything, tracks))`.
    Equal to `trackeval` 1.3.0, where the file flags pedestrians alone as counting.
    Raises `InputError` where the lengths differ.
    """
    tracks = frames_of(tracks)
    iou = errors.number("iou", iou, low=0, high=1)
    if not isinstance(everything, Truth):
        errors.bad("everything", errors.Said(f"a {type(everything).__name__}"), "a Truth")
    if len(everything) != len(tracks):
        came = errors.Said(f"truth of {len(everything)} frames and tracks of {len(tracks)}")
        errors.bad("everything and tracks", came, "as many of the one as of the other")
    wrong = [k for k, name in enumerate(everything.class_names) if name in names]
    distractor = np.isin(everything.classes, wrong)
    kept = []
    for boxes, present, frame in zip(everything.boxes, everything.present, tracks, strict=True):
        columns = np.flatnonzero(present)
        rows, matched = assign(overlaps(boxes[columns], frame.boxes), iou)
        keep = np.ones(len(frame), bool)
        keep[matched[distractor[columns[rows]]]] = False
        kept.append(frame if keep.all() else frame[keep])
    return kept
