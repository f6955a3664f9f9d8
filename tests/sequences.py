"""Clips of many objects and what trackers might say of them, for the tests of `metrics.multi`.

The same cases are judged by the published evaluator in `benchmarks/multi.py`; its answers are in
`tests/multi_reference.json`. Nothing here needs more than NumPy and SciPy.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tracklab import boxes as bx
from tracklab.clips import Truth
from tracklab.metrics.matching import overlaps
from tracklab.tracks import Tracks

RANDOM = 300
GROUPS = 30  # of random cases, judged together
MOT17 = 20
FRAMES_17 = 12
ANSWERS = Path(__file__).resolve().parent / "multi_reference.json"
A, B, C = [10, 10, 50, 50], [100, 10, 140, 50], [200, 10, 240, 50]
FAR = [900, 900, 940, 940]


def frame(*rows):
    """`Tracks` of (identity, box) or (identity, box, label)."""
    if not rows:
        return Tracks.empty()
    labels = [row[2] if len(row) > 2 else -1 for row in rows]
    return Tracks([row[0] for row in rows], [row[1] for row in rows], labels=labels)


def moved(box, dx, dy=0):
    return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]


def random_case(seed):
    """Truth and tracks, as of a tracker that misses, invents, switches, repeats and lags."""
    rng = np.random.default_rng(seed)
    frames, objects = int(rng.integers(1, 40)), int(rng.integers(1, 12))
    whole = rng.random() < 0.4  # whole pixels make overlaps that equal a threshold, and ties
    crowded = rng.random() < 0.5
    area = 60 if crowded else 300
    size = rng.uniform(15, 50, (objects, 2))
    corner = rng.uniform(0, area, (objects, 2))
    speed = rng.normal(0, 3, (objects, 2))
    noise = rng.choice([0.0, 1.0, 4.0])
    miss, lie, switch, twice = rng.choice([0.0, 0.05, 0.3], 4)
    away = rng.choice([0.0, 0.3])
    names = rng.permutation(200)[:objects]  # of the truth
    called = 1000 + np.arange(objects)  # by the tracker
    fresh = 2000
    truth, tracks = [], []
    for _ in range(frames):
        corner = corner + speed
        speed = np.where((corner < 0) | (corner > area), -speed, speed)
        boxes = np.concatenate([corner, corner + size], 1)
        boxes = np.round(boxes) if whole else boxes
        there = rng.random(objects) >= away
        truth.append(Tracks(names[there], boxes[there]))
        if switch and rng.random() < switch and objects > 1:
            one, other = rng.choice(objects, 2, replace=False)
            called[[one, other]] = called[[other, one]]
        if switch and rng.random() < switch:
            called[rng.integers(objects)] = fresh
            fresh += 1
        seen = np.flatnonzero(there & (rng.random(objects) >= miss))
        found = boxes[seen] + rng.normal(0, 1, (len(seen), 4)) * noise
        ids = called[seen]
        again = np.flatnonzero(rng.random(len(seen)) < twice)
        found = np.concatenate([found, found[again] + rng.choice([0.0, 3.0])])
        ids = np.concatenate([ids, ids[again] + 5000])
        extra = int(rng.poisson(lie * 4))
        spot = rng.uniform(0, area, (extra, 2))
        found = np.concatenate([found, np.concatenate([spot, spot + 30], 1)])
        ids = np.concatenate([ids, rng.permutation(20)[:extra] + 3000])
        found = np.round(found) if whole else found
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        tracks.append(Tracks(ids, found) if rng.random() >= 0.05 else Tracks.empty())
    return truth, tracks


def _lives(*spans):
    """Frames of one object A: (first, last) of what follows, by identity 1, 2, ..."""
    frames = 1 + max(last for _, last in spans)
    return [
        frame(*((k, A) for k, (first, last) in enumerate(spans, 1) if first <= t <= last))
        for t in range(frames)
    ]


ALONE = [frame((1, A))] * 10
PAIR = [frame((1, A), (2, B))] * 10
SWAPPED = [frame((1, A), (2, B))] * 5 + [frame((1, B), (2, A))] * 5
ADVERSARIAL = {
    "no frames": ([], []),
    "nothing at all": ([frame()] * 3, [frame()] * 3),
    "no truth": ([frame()] * 3, [frame((1, A), (2, B))] * 3),
    "no tracks": (PAIR, [frame()] * 10),
    "one object, one frame": (ALONE[:1], ALONE[:1]),
    "perfect": (PAIR, PAIR),
    "nothing overlaps": (PAIR, [frame((1, FAR))] * 10),
    "other names": (PAIR, [frame((70, A), (9, B))] * 10),
    "two swap midway": (PAIR, SWAPPED),
    "the truth swaps midway": (SWAPPED, PAIR),
    "both swap midway": (SWAPPED, SWAPPED),
    "a swap each frame": (PAIR, [PAIR[0], SWAPPED[-1]] * 5),
    "a new name each frame": (ALONE, [frame((t, A)) for t in range(10)]),
    "a gap, then the same": (
        ALONE,
        [frame((1, A)) if t < 4 or t > 6 else frame() for t in range(10)],
    ),
    "a gap, then the same, beside another": (
        PAIR,
        [frame((1, A), (2, B)) if t < 4 or t > 6 else frame((2, B)) for t in range(10)],
    ),
    "a gap, then a new one": (
        PAIR,
        [
            frame((1 if t < 4 else 3, A), (2, B)) if t < 4 or t > 6 else frame((2, B))
            for t in range(10)
        ],
    ),
    "absent, then back": (
        [frame((1, A), (2, B)) if t < 4 or t > 6 else frame((2, B)) for t in range(10)],
        PAIR,
    ),
    "no truth for a while": (
        [frame((1, A)) if t < 4 or t > 6 else frame() for t in range(10)],
        ALONE,
    ),
    "covered in 8 of 10 frames": (ALONE, ALONE[:8] + [frame()] * 2),
    "covered in 8 of 10 frames, beside another": (PAIR, PAIR[:8] + [frame((2, B))] * 2),
    "covered in 2 of 10 frames": (PAIR, PAIR[:2] + [frame((2, B))] * 8),
    "covered in 1 of 10 frames": (PAIR, PAIR[:1] + [frame((2, B))] * 9),
    "every other frame": (PAIR, [PAIR[0], frame((2, B))] * 5),
    "the same box under two names": (ALONE, [frame((1, A), (2, A))] * 10),
    "the same box three times, names change": (
        ALONE,
        [frame(*((k + t % 2, A) for k in range(3))) for t in range(10)],
    ),
    "two objects in one place": ([frame((1, A), (2, A))] * 6, [frame((1, A), (2, A))] * 6),
    "two objects in one place, one track": ([frame((1, A), (2, A))] * 6, [frame((5, A))] * 6),
    "IoU of exactly 0.5": ([frame((1, [0, 0, 10, 10]))] * 4, [frame((1, [0, 0, 10, 5]))] * 4),
    "IoU of exactly 1/3": ([frame((1, [0, 0, 10, 10]))] * 4, [frame((1, [5, 0, 15, 10]))] * 4),
    "IoU of each alpha exactly": (
        [frame((1, [0, 0, 10, 20]))] * 20,
        [frame((1, [0, 0, 10, k])) for k in range(1, 21)],
    ),
    "what goes on wins over what fits better": (
        [frame((1, A))] * 4,
        [frame((1, A)), *[frame((1, moved(A, 10)), (2, A))] * 3],
    ),
    "what goes on must still overlap": (
        [frame((1, A))] * 4,
        [frame((1, A)), *[frame((1, moved(A, 30)), (2, A))] * 3],
    ),
    "what went on before an empty frame": (
        [frame((1, A))] * 4,
        [frame((1, A)), frame(), *[frame((1, moved(A, 10)), (2, A))] * 2],
    ),
    "two lives under one name": (
        [frame((1, A))] * 3 + [frame((2, B))] * 3,
        [frame((1, A))] * 3 + [frame((1, B))] * 3,
    ),
    "one life under two names": ([frame((1, A))] * 6, _lives((0, 3), (3, 5))),
    "a row of three between two": (
        [frame((1, [0, 0, 10, 10]), (2, [6, 0, 16, 10]))] * 4,
        [frame((1, [3, 0, 13, 10]), (2, [6, 0, 16, 10]), (3, [9, 0, 19, 10]))] * 4,
    ),
    "greedy, not best for all": (
        [frame((1, [0, 0, 10, 10]), (2, [2, 0, 12, 10]))] * 3,
        [frame((1, [1, 0, 11, 10]), (2, [4, 0, 14, 10]))] * 3,
    ),
    "three times as many tracks": (
        ALONE,
        [frame((1, A), *((k, moved(FAR, 50 * k)) for k in range(2, 5)))] * 10,
    ),
    "large names": ([frame((2**40, A))] * 3, [frame((2**62, A))] * 3),
}


def mot17_case(seed):
    """The text of a `gt.txt` of 2017, with flags and classes, and tracks: `FRAMES_17` frames."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice([1, 1, 1, 2, 3, 7, 8, 9, 12], 14)
    corner, size = rng.uniform(0, 150, (14, 2)), rng.uniform(20, 50, (14, 2))
    rows, tracks = [], []
    for number in range(1, FRAMES_17 + 1):
        corner = corner + rng.normal(0, 2, corner.shape)
        there = np.flatnonzero(rng.random(14) < 0.9)
        for k in there:
            x, y, w, h = (*corner[k] + 1, *size[k])
            flag = int(kinds[k] == 1)
            rows.append(f"{number},{k + 1},{x:.2f},{y:.2f},{w:.2f},{h:.2f},{flag},{kinds[k]},0.5")
        found = there[rng.random(len(there)) < 0.9]
        boxes = np.concatenate([corner[found], corner[found] + size[found]], 1)
        boxes = np.round(boxes + rng.normal(0, 2, boxes.shape), 2)
        tracks.append(Tracks(found + 100, boxes))
    return "\n".join(rows), tracks


def cases():
    """Every case by its name: (truth, tracks), both lists of `Tracks`."""
    named = dict(ADVERSARIAL)
    named |= {f"random {seed}": random_case(seed) for seed in range(RANDOM)}
    return named


def groups():
    """Random cases to judge together, by the name of the group."""
    seeds = np.array_split(np.arange(RANDOM), GROUPS)
    return {
        f"random {rows[0]} to {rows[-1]}": {f"random {seed}": random_case(seed) for seed in rows}
        for rows in seeds
    }


def stamp(named):
    """A fingerprint of cases: tells whether the stored answers are about the same ones."""
    digest = hashlib.sha256()
    for name, (truth, tracks) in named.items():
        digest.update(name.encode())
        for one in (*truth, *tracks):
            digest.update(one.ids.tobytes() + one.boxes.tobytes() + b"|")
    return digest.hexdigest()[:16]


def link(detections, *, least=0.0, iou=0.3, patience=2):
    """Detections `(n, 6)` a frame, joined into tracks by nothing but overlap: a tiny tracker."""
    alive, following, frames = {}, 1, []
    for found in detections:
        boxes = found[found[:, 4] >= least, :4]
        table = overlaps(np.array([box for box, _ in alive.values()]).reshape(-1, 4), boxes)
        names, ids = list(alive), np.zeros(len(boxes), int)
        while table.size and table.max() >= iou:
            row, column = np.unravel_index(table.argmax(), table.shape)
            ids[column] = names[row]
            table[row], table[:, column] = -1, -1
        for k in np.flatnonzero(ids == 0):
            ids[k], following = following, following + 1
        alive = {name: (box, age + 1) for name, (box, age) in alive.items() if age < patience}
        alive |= {int(name): (box, 0) for name, box in zip(ids, boxes, strict=True)}
        frames.append(Tracks(ids, boxes))
    return frames


def shaken(truth, seed):
    """A truth as a tracker might see it: boxes tremble, some are missed, identities change."""
    rng = np.random.default_rng(seed)
    called, following = {}, 1
    frames = []
    for t in range(len(truth)):
        ids, boxes = [], []
        for column in np.flatnonzero(truth.present[t]):
            if rng.random() < 0.02 or column not in called:
                called[column], following = following, following + 1
            if rng.random() < 0.9:
                box = truth.boxes[t, column]
                wide = bx.sizes(box)[[0, 1, 0, 1]]
                ids.append(called[column])
                boxes.append(box + rng.normal(0, 0.04, 4) * wide)
        frames.append(Tracks(ids, np.array(boxes).reshape(-1, 4)))
    return frames


def real_cases(folder: Path):
    """By name, truth and tracks of real sequences: linked detections, and the truth shaken."""
    from tracklab import video

    named = {}
    for path in sorted(folder.iterdir()):
        clip = video.read_clip(path)
        assert isinstance(clip.truth, Truth)
        named[f"{path.name}, linked"] = clip.truth, link(clip.detections)
        named[f"{path.name}, sure ones linked"] = clip.truth, link(clip.detections, least=30.0)
        named[f"{path.name}, shaken"] = clip.truth, shaken(clip.truth, 0)
    return named
