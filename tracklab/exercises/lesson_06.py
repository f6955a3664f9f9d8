"""Exercises of lesson 06, Tracking many: what a tracker decides, and what it is judged by.

The life of a track, the best pairs within a gate, identity switches through gaps, MOTA, and IDF1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracklab.exercises import compare
from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Booleans = NDArray[np.bool_]

NOBODY = -1  # no track covers the object in this frame


def _flags(text: str) -> Booleans:
    """`"10"` as [True, False]."""
    return np.array([letter == "1" for letter in text], bool)


def _strips(title: str, rows: Mapping[str, Any], shown: Mapping[str, Any]) -> Any:
    """A cell a frame in each row: filled where `rows` is true, with the text in `shown`."""
    from tracklab.plots import base

    frames = max(len(values) for values in rows.values())
    fig, ax = base.figure(title=title, width=4.8, height=0.42 * len(rows) + 1.15)
    colors = (base.FAINT, base.COLORS[2], base.COLORS[1])
    with base.style():
        from matplotlib.patches import Rectangle

        for row, (name, values) in enumerate(rows.items()):
            color = colors[min(row, 2)]
            for t, value in enumerate(values):
                face = color if value else "white"
                ax.add_patch(Rectangle((t - 0.42, row - 0.36), 0.84, 0.72, fc=face, ec=color))
                text = str(shown[name][t]) if name in shown else ""
                ink = "white" if value else base.INK
                ax.text(t, row, text, ha="center", va="center", fontsize=8, color=ink)
        ax.set(xlim=(-0.6, max(frames, 6) - 0.4), ylim=(len(rows) - 0.4, -0.6), xlabel="frame")
        ax.set_xticks(range(frames))
        ax.set_yticks(range(len(rows)), list(rows))
        ax.tick_params(length=0)
        ax.grid(False)
    return fig


def _grids(
    title: str,
    values: Any,
    shut: Any,
    panels: Mapping[str, Iterable[Any]],
    rows: str,
    columns: str,
) -> Any:
    """The same table of numbers, once for each panel, with that panel's pairs framed."""
    from tracklab.plots import base

    height, width = np.shape(values)
    fig, axes = base.figure(
        1, len(panels), title=title, width=5.2, height=min(0.5 * height, 2.6) + 1.3
    )
    colors = (base.COLORS[2], base.COLORS[1])
    with base.style():
        from matplotlib.patches import Rectangle

        for ax, (name, pairs), color in zip(axes, panels.items(), colors, strict=True):
            for i, j in np.ndindex(height, width):
                face = "#D8D8D8" if shut[i, j] else "white"
                ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fc=face, ec=base.GRID))
                ax.text(j, i, f"{values[i, j]:g}", ha="center", va="center", fontsize=9)
            for i, j in pairs:
                if 0 <= i < height and 0 <= j < width:
                    frame = Rectangle((j - 0.44, i - 0.44), 0.88, 0.88, fill=False, ec=color, lw=2)
                    ax.add_patch(frame)
            ax.set_title(name, color=color)
            ax.set(xlim=(-0.6, width - 0.4), ylim=(height - 0.4, -0.6), aspect="equal")
            ax.set(xlabel=columns, ylabel=rows, anchor="NW")
            ax.set_xticks(range(width))
            ax.set_yticks(range(height))
            ax.tick_params(length=0)
            ax.grid(False)
    return fig


# -- the life of a track -------------------------------------------------------------------------


def track_life_starter(seen: Booleans, proof: int, patience: int) -> Booleans:
    """In which frames is a track reported? T booleans.

    `seen` (T,) says in which frames a detection was put together with the track; frame 0 is the
    one that began it, so `seen[0]` is True. The rules:

    - Until it has been seen in its first `proof` frames, all of them, it is not believed: if it
      misses one of these, it ends there.
    - Once believed, it ends in the frame in which it has been unseen for more than `patience`
      frames in a row.
    - It is reported in the frames in which it is alive, believed, and seen. The `proof`-th frame
      is the first of them. What ended never comes back.
    """
    return ...  # type: ignore[return-value]


def track_life(seen: Booleans, proof: int, patience: int) -> Booleans:
    """In which frames is a track reported? T booleans."""
    reported = np.zeros(len(seen), bool)
    times, unseen = 0, 0  # that it was seen; frames in a row that it was not
    for t, now in enumerate(seen):
        times += bool(now)
        unseen = 0 if now else unseen + 1
        if unseen > patience or (unseen and times < proof):
            break  # this identity has ended
        reported[t] = now and times >= proof
    return reported


def _life_by_text(seen: Any, proof: int, patience: int) -> list[bool]:
    text = "".join("x" if now else "." for now in seen)
    if not text.startswith("x" * proof):
        return [False] * len(text)
    end = text.find("." * (patience + 1))
    alive = len(text) if end < 0 else end
    return [proof - 1 <= t < alive and text[t] == "x" for t in range(len(text))]


def _life_by_arrays(seen: Any, proof: int, patience: int) -> Any:
    flags = np.array(seen, bool)
    frames = np.arange(len(flags))
    last = np.maximum.accumulate(np.where(flags, frames, 0))
    over = (frames - last > patience) | (~flags & (frames < proof))
    alive = np.cumsum(over) == 0
    return flags & alive & (frames >= proof - 1)


def _life(
    seen: Booleans,
    proof: int,
    patience: int,
    *,
    strict: bool = True,
    coasting: bool = False,
    early: int = 0,
    in_a_row: bool = True,
    forgiving: bool = False,
    immortal: bool = False,
) -> Booleans:
    """The rules with one of them changed."""
    reported = np.zeros(len(seen), bool)
    times, unseen, missed = 0, 0, 0
    for t, now in enumerate(seen):
        times += bool(now)
        missed += not now
        unseen = 0 if now else unseen + 1
        gone = unseen if in_a_row else missed
        over = gone > patience if strict else gone >= max(patience, 1)
        if not forgiving:
            over |= bool(unseen and times < proof)
        if over and not immortal:
            break
        reported[t] = (now or coasting) and times >= proof + early
    return reported


def _life_patience_off(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, strict=False)


def _life_coasting(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, coasting=True)


def _life_proof_later(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, early=1)


def _life_all_misses(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, in_a_row=False)


def _life_forgiving(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, forgiving=True)


def _life_immortal(seen: Booleans, proof: int, patience: int) -> Booleans:
    return _life(seen, proof, patience, immortal=True)


def _life_backwards(seen: Booleans, proof: int, patience: int) -> Booleans:
    reported = track_life(seen, proof, patience)
    if reported.any():
        reported[:proof] = seen[:proof]
    return reported


def _life_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    seen = rng.random(int(rng.integers(1, 13))) < 0.65
    proof = int(rng.integers(1, 4))
    seen[0] = True
    if rng.random() < 0.7:
        seen[:proof] = True
    return seen, proof, int(rng.integers(0, 4))


def _is_life(seen: Booleans, proof: int, patience: int) -> bool:
    return len(seen) >= 1 and bool(seen[0]) and proof >= 1 and patience >= 0


def _draw_life(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    seen, proof, patience = inputs
    rows = {"seen": seen, "wanted": wanted, "yours": np.asarray(got, bool).reshape(-1)}
    return _strips(f"Reported, with proof {proof} and patience {patience}", rows, {})


TRACK_LIFE = Exercise(
    name="06-track-life",
    task="in which frames the track is reported: T booleans",
    starter=track_life_starter,
    reference=track_life,
    cases=(
        (_flags("11101101"), 3, 2),
        (_flags("1101111"), 3, 5),
        (_flags("110011"), 1, 1),
        (_flags("1100011"), 2, 2),
        (_flags("110100101"), 2, 2),
        (_flags("1"), 1, 0),
        (_flags("101"), 1, 0),
        (_flags("1110"), 3, 1),
    ),
    generate=_life_inputs,
    valid=_is_life,
    misconceptions=(
        Misconception(
            "patience one frame short",
            _life_patience_off,
            "It may be unseen for `patience` frames and lives on; it ends with one more.",
        ),
        Misconception(
            "reported unseen",
            _life_coasting,
            "You report it in frames in which it is not seen, too. Some trackers do, at the "
            "predicted box; this one keeps it in mind and says nothing.",
        ),
        Misconception(
            "proof one frame late",
            _life_proof_later,
            "The frame that completes the proof is reported already: seen `proof` times is enough.",
        ),
        Misconception(
            "all misses counted",
            _life_all_misses,
            "You counted all frames in which it was unseen. A detection sets the count back to 0: "
            "patience is about frames in a row.",
        ),
        Misconception(
            "unproved and patient",
            _life_forgiving,
            "A track that misses a frame before it is believed ends at once, whatever the "
            "patience: most such tracks are false alarms.",
        ),
        Misconception(
            "back from the dead",
            _life_immortal,
            "What ended stays ended. A detection after that begins a new track, with a new number.",
        ),
        Misconception(
            "reported before the proof",
            _life_backwards,
            "You report the frames of the proof, too. When they came, nobody could know yet that "
            "the track would be believed: a tracker cannot take back what it did not say.",
        ),
    ),
    alternatives=(_life_by_text, _life_by_arrays),
    hints=(
        "Walk through the frames and keep two counters: how often it was seen, and for how many "
        "frames in a row it was not.",
        "Two things end it: `unseen > patience`, and a missed frame while `times < proof`. Leave "
        "the loop there; what was not reported so far stays False.",
        "In each frame: `times += bool(now)`, then `unseen = 0 if now else unseen + 1`, then the "
        "test whether it ends, then `reported[t] = now and times >= proof`.",
    ),
    praise="Proof keeps false alarms out, patience keeps numbers through occlusion.",
    onward="Both have a price: proof costs the first frames of every object, and a patient track "
    "may take a stranger for its own.",
    draw=_draw_life,
    alt="A cell a frame in three rows: seen, wanted, yours.",
)


# -- the best pairs within a gate ----------------------------------------------------------------


def overlap_pairs_starter(gains: Floats, least: float) -> Any:
    """Which track takes which detection? Pairs (K, 2) of row and column, by growing row.

    `gains` (T, D) holds the overlap of each track (row) with each detection (column), 0 to 1. A
    pair is allowed if its overlap is at least `least`, which is above 0. Each row and each column
    may be in one pair at most, and the sum of the overlaps is to be as large as it can be.

    `linear_sum_assignment(table, maximize=True)` from `scipy.optimize` pairs as many rows as it
    can, so that the sum is largest, and gives their numbers and those of their columns. It knows
    of no gate.
    """
    return ...


def overlap_pairs(gains: Floats, least: float) -> Any:
    """Which track takes which detection? Pairs (K, 2) of row and column, by growing row."""
    # a pair that is not allowed is worth nothing, and takes nobody's place
    worth = np.where(gains >= least, gains, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = worth[rows, columns] > 0
    return np.stack([rows[kept], columns[kept]], axis=1)


def _pairs_by_trying(gains: Any, least: float) -> list[tuple[int, int]]:
    rows, columns = np.shape(gains)
    # enough empty places that every row may go without
    places = [*range(columns), *[NOBODY] * rows]
    best: tuple[float, list[tuple[int, int]]] = (0.0, [])
    for choice in set(permutations(places, rows)) if columns + rows <= 7 else ():
        pairs = [(i, j) for i, j in enumerate(choice) if j != NOBODY and gains[i][j] >= least]
        best = max(best, (float(sum(gains[i][j] for i, j in pairs)), pairs))
    return best[1] if columns + rows <= 7 else overlap_pairs(gains, least).tolist()


def _pairs_by_cost(gains: Any, least: float) -> list[tuple[int, int]]:
    table = np.asarray(gains, float)
    cost = np.where(table < least, 0, -table)
    return [
        (i, j) for i, j in zip(*linear_sum_assignment(cost), strict=True) if table[i, j] >= least
    ]


def _pairs_greedy(gains: Floats, least: float) -> Any:
    left = np.where(gains >= least, gains, 0.0)
    pairs = []
    while left.size and left.max() > 0:
        i, j = np.unravel_index(int(left.argmax()), left.shape)
        pairs.append((int(i), int(j)))
        left[i], left[:, j] = 0, 0
    return sorted(pairs)


def _pairs_row_by_row(gains: Floats, least: float) -> Any:
    left = np.where(gains >= least, gains, 0.0)
    pairs = []
    for i in range(len(left)):
        if left[i].size and left[i].max() > 0:
            j = int(left[i].argmax())
            pairs.append((i, j))
            left[:, j] = 0
    return pairs


def _pairs_each_its_best(gains: Floats, least: float) -> Any:
    if not gains.size:
        return []
    return [(i, int(row.argmax())) for i, row in enumerate(gains) if row.max() >= least]


def _pairs_gate_afterwards(gains: Floats, least: float) -> Any:
    rows, columns = linear_sum_assignment(gains, maximize=True)
    kept = gains[rows, columns] >= least
    return np.stack([rows[kept], columns[kept]], axis=1)


def _pairs_no_gate(gains: Floats, least: float) -> Any:
    return np.stack(linear_sum_assignment(gains, maximize=True), axis=1)


def _pairs_no_gate_behind(gains: Floats, least: float) -> Any:
    worth = np.where(gains >= least, gains, 0.0)
    return np.stack(linear_sum_assignment(worth, maximize=True), axis=1)


def _pairs_smallest(gains: Floats, least: float) -> Any:
    rows, columns = linear_sum_assignment(gains)
    kept = gains[rows, columns] >= least
    return np.stack([rows[kept], columns[kept]], axis=1)


def _pairs_smallest_gated(gains: Floats, least: float) -> Any:
    worth = np.where(gains >= least, gains, 0.0)
    rows, columns = linear_sum_assignment(worth)
    kept = worth[rows, columns] > 0
    return np.stack([rows[kept], columns[kept]], axis=1)


def _pairs_strict(gains: Floats, least: float) -> Any:
    return overlap_pairs(gains, float(np.nextafter(least, 2)))


def _pairs_column_row(gains: Floats, least: float) -> Any:
    return overlap_pairs(gains, least)[:, ::-1]


def _pairs_two_lists(gains: Floats, least: float) -> Any:
    return overlap_pairs(gains, least).T


def _pairs_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = rng.integers(1, 5, 2)
    gains = rng.integers(1, 20, shape) / 20
    gains[rng.random(shape) < 0.3] = 0
    return gains, float(rng.choice([0.2, 0.3, 0.5]))


def _are_gains(gains: Floats, least: float) -> bool:
    inside = gains.ndim == 2 and bool((gains >= 0).all() and (gains <= 1).all())
    # what lies at the gate must lie there exactly
    near = (np.abs(gains - least) < 1e-9) & (gains != least)
    return inside and gains.size > 0 and 0.05 <= least <= 0.9 and not near.any()


def _judge_pairs(inputs: tuple[Any, ...], got: Any, wanted: Any) -> str | None:
    gains, least = inputs
    if np.size(got) == 0 and np.size(wanted) == 0:
        return None  # no pair, in whatever shape
    if np.size(got) == 0 and isinstance(got, (list, tuple, np.ndarray)):
        return "There are pairs that are allowed, and you made none."
    if np.size(wanted) == 0 and np.ndim(got) == 2:
        return "No pair is allowed here, and you made one."
    mine = np.asarray(got)
    if mine.ndim != 2 or mine.shape[1:] != (2,) or mine.dtype.kind not in "iu":
        return compare.difference(got, wanted) or "Pairs of whole numbers are wanted."
    inside = (mine >= 0).all() and (mine < gains.shape).all()
    alone = len(set(mine[:, 0].tolist())) == len(set(mine[:, 1].tolist())) == len(mine)
    if not inside:
        return compare.difference(got, wanted) or "There is no such row or column."
    if not alone:
        return "A row or a column is in two pairs."
    worth = gains[mine[:, 0], mine[:, 1]]
    if (worth < least).any():
        return "A pair of yours is outside the gate."
    best = gains[wanted[:, 0], wanted[:, 1]].sum()
    if worth.sum() < best - 1e-9:
        return f"Your overlaps sum to {worth.sum():.3g}; pairs with {best:.3g} are possible."
    if (np.diff(mine[:, 0]) < 0).any():
        return "Those are the right pairs, in another order: by growing row."
    return None


def _draw_pairs(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    gains, least = inputs
    mine = np.asarray(got, int).reshape(-1, 2).tolist()
    panels = {"wanted": np.asarray(wanted, int).reshape(-1, 2).tolist(), "yours": mine}
    title = f"Overlaps; grey: below {least:g}, not allowed"
    return _grids(title, gains, gains < least, panels, "track", "detection")


OVERLAP_PAIRS = Exercise(
    name="06-overlap-pairs",
    task="the pairs (K, 2) of track and detection with the largest sum of overlaps",
    starter=overlap_pairs_starter,
    reference=overlap_pairs,
    cases=(
        (np.array([[0.6, 0.5], [0.5, 0.0]]), 0.2),
        (np.array([[0.9, 0.15], [0.8, 0.1]]), 0.3),
        (np.array([[0.1, 0.4], [0.0, 0.1]]), 0.3),
        (np.array([[0.25, 0.3], [0.0, 0.25]]), 0.28),
        (np.array([[0.5]]), 0.5),
        (np.array([[0.7, 0.6, 0.0]]), 0.3),
        (np.array([[0.4], [0.8]]), 0.3),
        (np.array([[0.3, 0.0], [0.0, 0.0]]), 0.2),
    ),
    generate=_pairs_inputs,
    valid=_are_gains,
    judge=_judge_pairs,
    misconceptions=(
        Misconception(
            "greedy",
            _pairs_greedy,
            "You took the best pair first, then the best of what is left. That can leave a track "
            "with nothing for a small advantage of another. Look at all pairs together.",
        ),
        Misconception(
            "row by row",
            _pairs_row_by_row,
            "You let the tracks choose one after the other. The first takes what a later one needs "
            "more.",
        ),
        Misconception(
            "each its best",
            _pairs_each_its_best,
            "Each track takes its best detection, so two may take the same one. A detection is one "
            "object: it goes to one track.",
        ),
        Misconception(
            "the gate afterwards",
            _pairs_gate_afterwards,
            "You assigned first, and threw the pairs outside the gate away afterwards. Such a pair "
            "then has taken a row and a column from pairs that were allowed. Shut the gate first.",
        ),
        Misconception(
            "no gate",
            _pairs_no_gate,
            "`linear_sum_assignment` pairs all it can, even those that do not touch. `least` is "
            "not used.",
            variants=(_pairs_no_gate_behind,),
        ),
        Misconception(
            "the smallest sum",
            _pairs_smallest,
            "`linear_sum_assignment` makes the sum as small as it can, unless it is told "
            "`maximize=True`: it thinks in costs.",
            variants=(_pairs_smallest_gated,),
        ),
        Misconception(
            "strictly above",
            _pairs_strict,
            "An overlap of exactly `least` is allowed: at least, not more than.",
        ),
        Misconception(
            "column, row",
            _pairs_column_row,
            "Row first, then column: track, then detection.",
        ),
        Misconception(
            "two lists",
            _pairs_two_lists,
            "Those are all rows, then all columns. A pair is wanted in each row: (K, 2).",
        ),
    ),
    alternatives=(_pairs_by_trying, _pairs_by_cost),
    hints=(
        "A pair that is not allowed should not be tempting. What could it be worth, so that nobody "
        "prefers it?",
        "Set the overlaps below `least` to 0 with `np.where`, and assign then. Pairs that are "
        "worth 0 come out, too: leave them away.",
        "`worth = np.where(gains >= least, gains, 0)`; `rows, columns = linear_sum_assignment("
        "worth, maximize=True)`; keep those with `worth[rows, columns] > 0`; `np.stack([rows, "
        "columns], axis=1)`.",
    ),
    praise="That is the association of SORT, gate and all.",
    onward="Greedy is nearly as good where objects stand apart. Watch what happens in crowds.",
    draw=_draw_pairs,
    alt="The table of overlaps twice: with the wanted pairs framed, and with yours.",
)


# -- identity switches ---------------------------------------------------------------------------


def switches_starter(tracks: Integers) -> int:
    """How many identity switches does an object suffer?

    `tracks` (T,) is the number of the track that covers the object in each frame, and -1 where
    none does. A switch is counted in a frame in which the covering track is another one than the
    *last time that the object was covered*, however long ago that was.
    """
    return ...  # type: ignore[return-value]


def switches(tracks: Integers) -> int:
    """How many identity switches does an object suffer?"""
    covered = tracks[tracks >= 0]  # gaps are bridged
    # IDSW = |{t : m(t) != m(last t' < t with a match)}|
    return int((covered[1:] != covered[:-1]).sum())


def _switches_by_loop(tracks: Any) -> int:
    last, count = None, 0
    for track in tracks:
        if track < 0:
            continue
        count += last is not None and track != last
        last = track
    return count


def _switches_by_groups(tracks: Any) -> int:
    from itertools import groupby

    return max(0, len(list(groupby(t for t in np.asarray(tracks).tolist() if t != NOBODY))) - 1)


def _switches_neighbours(tracks: Integers) -> int:
    before, after = tracks[:-1], tracks[1:]
    return int(((before >= 0) & (after >= 0) & (before != after)).sum())


def _switches_any_change(tracks: Integers) -> int:
    return int((tracks[1:] != tracks[:-1]).sum())


def _switches_gaps_too(tracks: Integers) -> int:
    before, after = tracks[:-1], tracks[1:]
    return int(((after >= 0) & (before != after)).sum())


def _switches_different(tracks: Integers) -> int:
    return max(0, len(np.unique(tracks[tracks >= 0])) - 1)


def _switches_different_all(tracks: Integers) -> int:
    return len(np.unique(tracks[tracks >= 0]))


def _switches_first_too(tracks: Integers) -> int:
    return switches(tracks) + int((tracks >= 0).any())


def _switches_frames(tracks: Integers) -> int:
    covered = tracks[tracks >= 0]
    return int((covered != covered[0]).sum()) if len(covered) else 0


def _switches_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    pieces = [
        np.full(int(rng.integers(1, 4)), int(rng.choice([NOBODY, 1, 2, 3])))
        for _ in range(int(rng.integers(1, 6)))
    ]
    return (np.concatenate(pieces),)


def _are_tracks(tracks: Integers) -> bool:
    return tracks.ndim == 1 and len(tracks) > 0 and bool((tracks >= NOBODY).all())


def _draw_switches(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    (tracks,) = inputs
    covered = np.flatnonzero(tracks >= 0)
    marks = np.zeros(len(tracks), bool)
    marks[covered[1:]] = tracks[covered[1:]] != tracks[covered[:-1]]
    rows = {"track": tracks >= 0, "switch": marks}
    names = [str(t) if t >= 0 else "-" for t in tracks.tolist()]
    title = f"Wanted: {wanted}, yours: {compare.words(got)}"
    return _strips(title, rows, {"track": names})


SWITCHES = Exercise(
    name="06-switches",
    task="how many identity switches the object suffers",
    starter=switches_starter,
    reference=switches,
    cases=(
        (np.array([1, 1, 1, 2, 2, 2]),),
        (np.array([1, 1, -1, -1, 1]),),
        (np.array([1, -1, 2]),),
        (np.array([1, 2, 1, 2]),),
        (np.array([-1, -1, 4, 4]),),
        (np.array([-1]),),
        (np.array([3, 3, -1, 5, 3, -1]),),
    ),
    generate=_switches_inputs,
    valid=_are_tracks,
    misconceptions=(
        Misconception(
            "neighbours only",
            _switches_neighbours,
            "You compared neighbouring frames only. Most switches happen behind an occluder: what "
            "counts is the last time that the object was covered.",
        ),
        Misconception(
            "every change",
            _switches_any_change,
            "You counted every change, also from a track to nobody. Not being covered is a miss, "
            "and no switch.",
        ),
        Misconception(
            "a gap is a switch",
            _switches_gaps_too,
            "An object that is covered again *by the same track* did not change hands, however "
            "long the gap.",
        ),
        Misconception(
            "different tracks",
            _switches_different,
            "You counted different tracks. One that comes back is one more switch: 1, 2, 1 makes "
            "two.",
            variants=(_switches_different_all,),
        ),
        Misconception(
            "the first cover counted",
            _switches_first_too,
            "The first track of an object takes it from nobody: that is no switch.",
        ),
        Misconception(
            "frames of the wrong track",
            _switches_frames,
            "You counted the *frames* under another number than the first. A switch is counted "
            "once, when it happens, however long the wrong number stays. (IDF1 counts the frames.)",
        ),
    ),
    alternatives=(_switches_by_loop, _switches_by_groups),
    hints=(
        "Frames in which nobody covers the object say nothing about who does. Leave them out.",
        "`tracks[tracks >= 0]` is the sequence without gaps. A switch is where neighbours of "
        "*that* sequence differ.",
        "`covered[1:] != covered[:-1]` is True at each of them; sum it up.",
    ),
    praise="That is the IDSW of CLEAR-MOT, for one object.",
    onward="A switch in the first frame and one in the last count the same here. IDF1 disagrees.",
    draw=_draw_switches,
    alt="A cell a frame with the number of the covering track; below, where a switch is.",
)


# -- MOTA ----------------------------------------------------------------------------------------


def mota_starter(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    """Multiple object tracking accuracy of a clip, from what was counted in each frame.

    All are (T,) whole numbers: how many objects there were, how many of them no track covered, how
    many tracks covered nothing, and how many objects changed their track. MOTA is 1 less all
    mistakes of the clip over all objects of the clip (at least one). It may be below 0.
    """
    return ...  # type: ignore[return-value]


def mota(objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers) -> float:
    """Multiple object tracking accuracy of a clip, from what was counted in each frame."""
    # MOTA = 1 - sum_t (FN_t + FP_t + IDSW_t) / sum_t GT_t
    return float(1 - (misses + false_alarms + switches).sum() / objects.sum())


def _mota_by_loop(objects: Any, misses: Any, false_alarms: Any, switches: Any) -> float:
    good = sum(objects)
    for wrong in (misses, false_alarms, switches):
        for count in wrong:
            good = good - count
    return float(good / sum(objects))


def _mota_by_means(objects: Any, misses: Any, false_alarms: Any, switches: Any) -> Any:
    return 1 - np.mean([misses, false_alarms, switches]) * 3 / np.mean(objects)


def _mota_mean_of_frames(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    some = objects > 0
    return float(np.mean(1 - (misses + false_alarms + switches)[some] / objects[some]))


def _mota_clipped(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    return max(0.0, mota(objects, misses, false_alarms, switches))


def _mota_without(which: int) -> Any:
    def answer(*counts: Any) -> float:
        kept = [part if k != which else part * 0 for k, part in enumerate(counts)]
        return mota(*kept)

    return answer


def _mota_by_frames(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    return float(1 - (misses + false_alarms + switches).sum() / len(objects))


def _mota_errors(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    return float((misses + false_alarms + switches).sum() / objects.sum())


def _mota_by_both(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    boxes = objects.sum() + false_alarms.sum()
    return float(1 - (misses + false_alarms + switches).sum() / boxes)


def _mota_percent(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> float:
    return 100 * mota(objects, misses, false_alarms, switches)


def _mota_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    frames = int(rng.integers(1, 6))
    objects = rng.integers(0, 6, frames)
    objects[int(rng.integers(frames))] += 1
    misses = rng.integers(0, objects + 1)
    switched = rng.integers(0, objects - misses + 1)
    return objects, misses, rng.integers(0, 4, frames), switched


def _are_counts(
    objects: Integers, misses: Integers, false_alarms: Integers, switches: Integers
) -> bool:
    parts = (objects, misses, false_alarms, switches)
    alike = len({len(part) for part in parts}) == 1 and all((part >= 0).all() for part in parts)
    return bool(alike and objects.sum() > 0 and (misses + switches <= objects).all())


def _counts(*rows: Iterable[int]) -> tuple[Any, ...]:
    return tuple(np.array(row, int) for row in rows)


MOTA = Exercise(
    name="06-mota",
    task="MOTA, from what was counted in each frame",
    starter=mota_starter,
    reference=mota,
    cases=(
        _counts([4, 4, 2], [0, 1, 0], [1, 0, 0], [0, 0, 1]),
        _counts([1, 9], [1, 0], [0, 0], [0, 0]),
        _counts([1, 1], [0, 0], [3, 2], [0, 0]),
        _counts([0, 5], [0, 1], [1, 0], [0, 2]),
        _counts([3], [0], [0], [0]),
    ),
    generate=_mota_inputs,
    valid=_are_counts,
    misconceptions=(
        Misconception(
            "mean over frames",
            _mota_mean_of_frames,
            "You computed it in each frame and took the mean. A frame with one object then weighs "
            "as much as one with nine. Sum up first, then divide.",
        ),
        Misconception(
            "never below 0",
            _mota_clipped,
            "A tracker that invents more than there is scores below 0, and that is to be seen.",
        ),
        Misconception("no misses", _mota_without(1), "Misses are not in yours."),
        Misconception("no false alarms", _mota_without(2), "False alarms are not in yours."),
        Misconception("no switches", _mota_without(3), "Identity switches are not in yours."),
        Misconception(
            "divided by the frames",
            _mota_by_frames,
            "You divided by the number of frames. Mistakes are counted against the objects that "
            "there were, all frames together.",
        ),
        Misconception(
            "the share of mistakes",
            _mota_errors,
            "That is the share of mistakes. MOTA is what is left: 1 less that.",
        ),
        Misconception(
            "false alarms below, too",
            _mota_by_both,
            "Below the line are the objects alone, without the false alarms.",
        ),
        Misconception(
            "percent", _mota_percent, "That is MOTA in percent. Wanted is a number up to 1."
        ),
    ),
    alternatives=(_mota_by_loop, _mota_by_means),
    hints=(
        "Three kinds of mistakes are added up over the whole clip, and all objects over the whole "
        "clip. What is divided by what?",
        "`(misses + false_alarms + switches).sum()` are the mistakes. Divide by `objects.sum()`, "
        "once, at the end.",
        "`return 1 - (misses + false_alarms + switches).sum() / objects.sum()`",
    ),
    praise="Three kinds of mistakes in one number, each weighing the same.",
    onward="Count how many switches there are beside misses in the crowds below: MOTA hardly sees "
    "them.",
)


# -- IDF1 ----------------------------------------------------------------------------------------


def idf1_starter(together: Integers, objects: Integers, tracks: Integers) -> float:
    """IDF1 of a clip, from how long each track was on each object.

    `together` (G, K) says in how many frames track k (column) covers object g (row). `objects`
    (G,) and `tracks` (K,) are the numbers of frames in which each of them has a box; at least one
    of these is above 0.

    Give each object one track at most, and each track one object at most, once for the whole clip,
    so that as many frames as possible are right: IDTP of them. Then

        IDF1 = 2 IDTP / (boxes of all objects + boxes of all tracks)
    """
    return ...  # type: ignore[return-value]


def idf1(together: Integers, objects: Integers, tracks: Integers) -> float:
    """IDF1 of a clip, from how long each track was on each object.

    Ristani, Solera, Zou, Cucchiara, Tomasi (2016), equations 9 to 11.
    """
    rows, columns = linear_sum_assignment(together, maximize=True)
    right = together[rows, columns].sum()
    # IDF1 = 2 IDTP / (2 IDTP + IDFP + IDFN)
    return float(2 * right / (objects.sum() + tracks.sum()))


def _idf1_by_trying(together: Any, objects: Any, tracks: Any) -> float:
    table = np.asarray(together)
    table = table if table.shape[0] <= table.shape[1] else table.T
    count = len(table)
    right = max(
        sum(int(table[i, j]) for i, j in enumerate(choice))
        for choice in permutations(range(table.shape[1]), count)
    )
    return 2 * right / (sum(objects) + sum(tracks))


def _idf1_by_parts(together: Any, objects: Any, tracks: Any) -> Any:
    right = together[linear_sum_assignment(-np.asarray(together))].sum()
    missed, invented = np.sum(objects) - right, np.sum(tracks) - right
    return right / (right + 0.5 * missed + 0.5 * invented)


def _idf1_from(right: Any, objects: Integers, tracks: Integers) -> float:
    return float(2 * right / (objects.sum() + tracks.sum()))


def _idf1_every_best(together: Integers, objects: Integers, tracks: Integers) -> float:
    return _idf1_from(together.max(axis=1, initial=0).sum(), objects, tracks)


def _idf1_every_track(together: Integers, objects: Integers, tracks: Integers) -> float:
    return _idf1_from(together.max(axis=0, initial=0).sum(), objects, tracks)


def _idf1_greedy(together: Integers, objects: Integers, tracks: Integers) -> float:
    left, right = together.copy(), 0
    while left.size and left.max() > 0:
        i, j = np.unravel_index(int(left.argmax()), left.shape)
        right += left[i, j]
        left[i], left[:, j] = 0, 0
    return _idf1_from(right, objects, tracks)


def _idf1_everything(together: Integers, objects: Integers, tracks: Integers) -> float:
    return _idf1_from(together.sum(), objects, tracks)


def _idf1_smallest(together: Integers, objects: Integers, tracks: Integers) -> float:
    rows, columns = linear_sum_assignment(together)
    return _idf1_from(together[rows, columns].sum(), objects, tracks)


def _idf1_recall(together: Integers, objects: Integers, tracks: Integers) -> float:
    right = idf1(together, objects, tracks) * (objects.sum() + tracks.sum()) / 2
    return float(right / objects.sum()) if objects.sum() else 0.0


def _idf1_precision(together: Integers, objects: Integers, tracks: Integers) -> float:
    right = idf1(together, objects, tracks) * (objects.sum() + tracks.sum()) / 2
    return float(right / tracks.sum()) if tracks.sum() else 0.0


def _idf1_half(together: Integers, objects: Integers, tracks: Integers) -> float:
    return idf1(together, objects, tracks) / 2


def _idf1_diagonal(together: Integers, objects: Integers, tracks: Integers) -> float:
    return _idf1_from(np.trace(together), objects, tracks)


def _idf1_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    together = rng.integers(1, 10, rng.integers(1, 5, 2))
    together[rng.random(together.shape) < 0.35] = 0
    objects = together.sum(1) + rng.integers(0, 4, together.shape[0])
    tracks = together.sum(0) + rng.integers(0, 4, together.shape[1])
    objects[0] += 1
    return together, objects, tracks


def _is_idf1(together: Integers, objects: Integers, tracks: Integers) -> bool:
    if together.ndim != 2 or together.shape != (len(objects), len(tracks)) or not together.size:
        return False
    kept = (together >= 0).all() and (together.sum(1) <= objects).all()
    return bool(kept and (together.sum(0) <= tracks).all() and objects.sum() + tracks.sum() > 0)


def _draw_idf1(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    together, _, _ = inputs
    best = np.stack(linear_sum_assignment(together, maximize=True), axis=1).tolist()
    kept = [(i, j) for i, j in best if together[i, j] > 0]
    panels = {"the best assignment": kept, "every object's best": []}
    own = [(i, int(row.argmax())) for i, row in enumerate(together) if row.max() > 0]
    panels["every object's best"] = own
    said = f"{float(np.asarray(got).item()):.3g}" if np.size(got) == 1 else "no number"
    title = f"Frames together. IDF1 wanted: {float(wanted):.3g}, yours: {said}"
    return _grids(title, together, together < 0, panels, "object", "track")


IDF1 = Exercise(
    name="06-idf1",
    task="IDF1, from how long each track was on each object",
    starter=idf1_starter,
    reference=idf1,
    cases=(
        (np.array([[6, 4]]), np.array([10]), np.array([6, 4])),
        (np.array([[8, 0], [7, 0]]), np.array([8, 8]), np.array([15, 2])),
        (np.array([[6, 5], [5, 0]]), np.array([11, 6]), np.array([12, 5])),
        (np.array([[0, 9], [9, 0]]), np.array([9, 9]), np.array([9, 9])),
        (np.array([[0]]), np.array([3]), np.array([2])),
        (np.array([[5, 1], [1, 5], [0, 0]]), np.array([6, 6, 4]), np.array([6, 9])),
    ),
    generate=_idf1_inputs,
    valid=_is_idf1,
    misconceptions=(
        Misconception(
            "a track used twice",
            _idf1_every_best,
            "You gave every object its best track, so that two may share one. A track is one "
            "identity: it can be right about one object only.",
        ),
        Misconception(
            "an object used twice",
            _idf1_every_track,
            "You gave every track its best object, so that an object that changed hands is right "
            "all the time. Only one of its tracks can be *its* track.",
        ),
        Misconception(
            "greedy",
            _idf1_greedy,
            "You took the longest pair first. As in association, the best sum may need another "
            "choice.",
        ),
        Misconception(
            "every cover is right",
            _idf1_everything,
            "You summed up all frames in which any track covers the object. That is detection; "
            "IDF1 asks for frames under the right number.",
        ),
        Misconception(
            "the smallest sum",
            _idf1_smallest,
            "`linear_sum_assignment` makes the sum small, unless it is told `maximize=True`.",
        ),
        Misconception(
            "recall",
            _idf1_recall,
            "That is IDR, the recall: the boxes of the tracks are not in it.",
        ),
        Misconception(
            "precision",
            _idf1_precision,
            "That is IDP, the precision: the boxes of the objects are not in it.",
        ),
        Misconception(
            "half of it", _idf1_half, "A 2 is missing: each right frame is two boxes that agree."
        ),
        Misconception(
            "the diagonal",
            _idf1_diagonal,
            "You took it that track k follows object k. Numbers of tracks mean nothing: find the "
            "best way to put them together.",
        ),
    ),
    alternatives=(_idf1_by_trying, _idf1_by_parts),
    hints=(
        "You know the tool: the best way to put rows and columns together, each once.",
        "`linear_sum_assignment(together, maximize=True)` gives rows and columns. Pairs that share "
        "no frame may come out, too; they add 0.",
        "`right = together[rows, columns].sum()`, then `2 * right / (objects.sum() + "
        "tracks.sum())`.",
    ),
    praise="One assignment for the whole clip: IDF1 pays for every frame under the wrong number.",
    onward="MOTA asks frame by frame, IDF1 once for all. HOTA sits between them.",
    draw=_draw_idf1,
    alt="The table of frames together, with the best assignment, and with every object's best.",
)

EXERCISES = (TRACK_LIFE, OVERLAP_PAIRS, SWITCHES, MOTA, IDF1)
