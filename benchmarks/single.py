"""Metrics of one object beside the published toolkit: agreement, and how long each takes.

    python -m benchmarks.single [--write]

The toolkit is `got10k` 0.1.3, of the authors of GOT-10k, which also evaluates on OTB. It lives in
an environment of its own, so that nothing here depends on it:

    python -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install got10k==0.1.3 six numpy av tqdm opencv-python-headless
    ENVIRONMENT/bin/python -m benchmarks.single

Its answers are compared with ours on the cases of `tests/single_cases.py`: thresholds that are met
exactly, trackers that say nothing, missing truth, boxes beyond the edges, random ones, and real
sequences where they lie beside the checkout. `--write` stores the answers for the tests, which so
need no toolkit.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import single_cases  # noqa: E402

from tracklab import video  # noqa: E402
from tracklab.metrics import single  # noqa: E402

SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data")) / "sequences"
REPEATS = 5
FRAMES = (100, 1000, 10_000)


class Published:
    """The published toolkit: its overlaps, distances, curves and figures."""

    def __init__(self):
        from got10k.experiments import ExperimentGOT10k, ExperimentOTB
        from got10k.utils import metrics

        self._metrics = metrics
        # Its constructors ask for the data sets; the arithmetic needs two numbers of them.
        self._otb = object.__new__(ExperimentOTB)
        self._otb.nbins_iou, self._otb.nbins_ce = 21, 51
        self._got10k = object.__new__(ExperimentGOT10k)

    def otb(self, pred, truth):
        """Success `(21,)` and precision `(51,)`, of boxes xywh."""
        pred = pred.copy()
        pred[0] = truth[0]
        overlaps = self._metrics.rect_iou(pred, truth)
        return self._otb._calc_curves(overlaps, self._metrics.center_error(pred, truth))

    def got10k(self, pred, truth, size, seen):
        """AO and SR0.5; the toolkit cuts boxes where they lie, so it gets copies."""
        bound = None if size is None else size[::-1]
        overlaps = self._metrics.rect_iou(pred[1:].copy(), truth[1:].copy(), bound=bound)
        overlaps = overlaps[seen[1:] > 0]
        return self._got10k._evaluate(overlaps, np.ones(1))[:2] if len(overlaps) else None


def counts(curve, frames):
    """A curve of shares as whole numbers of frames."""
    return (np.asarray(curve) * frames).round().astype(int).tolist()


def agree(published):
    """Every case through both: the largest differences, and what is to be stored."""
    worst = {"success": (0.0, ""), "precision": (0.0, ""), "AO": (0.0, ""), "SR0.5": (0.0, "")}
    stored: dict = {
        "evaluator": "got10k 0.1.3",
        "made_by": "python -m benchmarks.single --write",
        "stamp": single_cases.stamp(single_cases.cases()),
        "success": {},
        "precision": {},
        "got10k": {},
    }

    def see(measure, name, ours, theirs):
        gap = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
        if gap > worst[measure][0]:
            worst[measure] = gap, name

    number = 0
    for name, pred, truth, ours, size, seen in every_case():
        number += 1
        success, precision = published.otb(pred, truth)
        see("success", name, single.success_curve(*ours, missing=single.MISSED), success)
        see("precision", name, single.precision_curve(*ours, missing=single.MISSED), precision)
        stored["success"][name] = counts(success, len(truth))
        stored["precision"][name] = counts(precision, len(truth))
        known = np.isfinite(truth).all(1) & np.isfinite(pred).all(1)  # it averages NaN to NaN
        if known.all():
            # its picture begins at 0, whatever the first pixel is called in files
            theirs = published.got10k(pred - [1, 1, 0, 0], truth - [1, 1, 0, 0], size, seen)
            if theirs is not None:
                mine = single.got10k(*ours, size=size, visibility=seen)
                see("AO", name, mine.ao, theirs[0])
                see("SR0.5", name, mine.sr50, theirs[1])
                stored["got10k"][name] = [round(float(theirs[0]), 12), round(float(theirs[1]), 12)]
    return number, worst, stored


def every_case():
    """Name, prediction and truth as xywh, the same as we take it, size, visible fractions."""
    for name, (pred, truth) in single_cases.cases().items():
        ours = single_cases.corners(pred), single_cases.corners(truth)
        yield name, pred, truth, ours, single_cases.SIZE, single_cases.seen(name)
    if not SHARED.is_dir():
        return
    for path in sorted(folder for folder in SHARED.iterdir() if folder.is_dir()):
        clip = video.read_clip(path)
        truth = clip.truth.boxes[:, 0].astype(float)
        pred = single_cases.shaken(clip.truth, 0)
        pred[0] = truth[0]
        sides = [np.concatenate([b[:, :2] + 1, b[:, 2:] - b[:, :2]], 1) for b in (pred, truth)]
        yield f"real {path.name}", *sides, (pred, truth), clip.size, clip.truth.visibility[:, 0]


def cost(function):
    """Least CPU milliseconds over a few runs."""
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return 1000 * min(spent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="store the answers for the tests")
    options = parser.parse_args()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            published = Published()
    except ImportError:
        print("got10k is not in this environment; it needs one of its own:")
        print("\n".join(__doc__.split("\n\n")[3].splitlines()))
        return
    number, worst, stored = agree(published)
    print(f"{number} sequences through both")
    for measure, (gap, where) in worst.items():
        print(f"{measure:10} largest difference {gap:8.1e}  {where}")
    print(f"\n{'frames':>7} {'CPU ms':>8} {'published':>10}   (success and precision)")
    for frames in FRAMES:
        rng = np.random.default_rng(frames)
        truth = np.concatenate(
            [rng.uniform(0, 99, (frames, 2)), rng.uniform(9, 40, (frames, 2))], 1
        )
        pred = truth + rng.uniform(-5, 5, truth.shape)
        pair = single_cases.corners(pred), single_cases.corners(truth)
        ours = cost(lambda p=pair: (single.success_curve(*p), single.precision_curve(*p)))
        theirs = cost(lambda p=pred, t=truth: published.otb(p, t))
        print(f"{frames:7d} {ours:8.2f} {theirs:10.2f}")
    if options.write:
        for kind in ("success", "precision", "got10k"):  # real sequences stay where they are
            stored[kind] = {k: v for k, v in stored[kind].items() if not k.startswith("real")}
        part = single_cases.ANSWERS.with_suffix(".part")
        part.write_text(compact(stored))
        part.replace(single_cases.ANSWERS)
        print(f"\nstored in {single_cases.ANSWERS.relative_to(ROOT)}")


def compact(stored):
    """JSON with a case a line."""
    lines = []
    for key, value in stored.items():
        if not isinstance(value, dict):
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
            continue
        rows = ",\n".join(
            f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in value.items()
        )
        lines.append(f"{json.dumps(key)}: {{\n{rows}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
