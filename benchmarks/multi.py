"""Metrics of many objects beside the published evaluator: agreement, and how long each takes.

    python -m benchmarks.multi [--write]

The evaluator is `trackeval` 1.3.0. It brings an OpenCV of its own, which would overwrite the one
that is installed here, so it lives in an environment of its own:

    python -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install trackeval==1.3.0 av tqdm
    ENVIRONMENT/bin/python -m benchmarks.multi

Its answers are compared with ours on the cases of `tests/sequences.py`: hard ones by hand, hundreds
of random ones, clips together, distractors as in MOT17, and real sequences where they lie beside
the checkout. `--write` stores the answers for the tests, which so need no evaluator. Files are read
by each side's own reader.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import sequences  # noqa: E402

from tracklab import video  # noqa: E402
from tracklab.metrics import multi  # noqa: E402
from tracklab.tracks import Tracks  # noqa: E402
from tracklab.video import truths  # noqa: E402

SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data")) / "mot"
REPEATS = 5
CROWDS = {"5 objects, 300 frames": (5, 300), "20, 300": (20, 300), "80, 100": (80, 100)}
STORED, CURVES = 150, 10  # random cases of which answers, and curves, are stored
# What we call it, and trackeval's name
NAMES = {
    **{name: name for name in ("HOTA", "DetA", "AssA", "LocA", "DetRe", "DetPr", "AssRe", "AssPr")},
    "MOTA": "MOTA",
    "MOTP": "MOTP",
    "recall": "CLR_Re",
    "precision": "CLR_Pr",
    "IDF1": "IDF1",
    "IDP": "IDP",
    "IDR": "IDR",
    "switches": "IDSW",
    "frag": "Frag",
    "FP": "CLR_FP",
    "FN": "CLR_FN",
    "MT": "MT",
    "PT": "PT",
    "ML": "ML",
}
PER_ALPHA = {
    "hota": "HOTA",
    "det_a": "DetA",
    "det_re": "DetRe",
    "det_pr": "DetPr",
    "ass_a": "AssA",
    "ass_re": "AssRe",
    "ass_pr": "AssPr",
    "loc_a": "LocA",
}


class Published:
    """The published evaluator, with its own overlaps and its own reader."""

    def __init__(self, trackeval):
        from trackeval.datasets._base_dataset import _BaseDataset
        from trackeval.metrics import CLEAR, HOTA, Identity

        self._overlaps = _BaseDataset._calculate_box_ious
        self._dataset = trackeval.datasets.MotChallenge2DBox
        quiet = {"PRINT_CONFIG": False}
        self._metrics = [HOTA(), CLEAR(quiet), Identity(quiet)]

    def evaluate(self, truth, tracks):
        """Results of the three metrics, of lists of `Tracks`."""
        return self.judge(self.prepare(truth, tracks))

    def judge(self, data):
        """The same from what `prepare` made."""
        return [metric.eval_sequence(data) for metric in self._metrics]

    def combine(self, results):
        """Several results as one."""
        parts = zip(self._metrics, zip(*results, strict=True), strict=True)
        return [metric.combine_sequences(dict(enumerate(rows))) for metric, rows in parts]

    def prepare(self, truth, tracks):
        """What its metrics take."""
        data = {"num_timesteps": len(truth)}
        for name, frames in (("gt", truth), ("tracker", tracks)):
            known = np.unique(np.concatenate([np.zeros(0, int), *(one.ids for one in frames)]))
            data[f"{name}_ids"] = [np.searchsorted(known, one.ids) for one in frames]
            data[f"num_{name}_ids"] = len(known)
            data[f"num_{name}_dets"] = sum(map(len, frames))
        data["similarity_scores"] = [
            self._overlaps(a.boxes.astype(float), b.boxes.astype(float), box_format="x0y0x1y1")
            for a, b in zip(truth, tracks, strict=True)
        ]
        return data

    def evaluate_files(self, truth_file, tracks, benchmark):
        """The same from files, by its own reader and with its own treatment of distractors."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "tracker" / "data"
            place.mkdir(parents=True)
            video.write_tracks(place / "clip.txt", tracks)
            config = {
                "GT_LOC_FORMAT": str(truth_file),
                "GT_FOLDER": folder,
                "TRACKERS_FOLDER": folder,
                "TRACKERS_TO_EVAL": ["tracker"],
                "BENCHMARK": benchmark,
                "SEQ_INFO": {"clip": len(tracks)},
                "SKIP_SPLIT_FOL": True,
                "PRINT_CONFIG": False,
            }
            dataset = self._dataset(config)
            raw = dataset.get_raw_seq_data("tracker", "clip")
            return self.judge(dataset.get_preprocessed_seq_data(raw, "pedestrian"))


def numbers(results):
    """The published results as `{our name: number}`, and the curves by our names."""
    every = {key: value for one in results for key, value in one.items()}
    row = {ours: float(np.mean(every[theirs])) for ours, theirs in NAMES.items()}
    return row, {ours: np.asarray(every[theirs]) for ours, theirs in PER_ALPHA.items()}


class Agreement:
    """Largest differences so far, by measure; and the answers to store."""

    def __init__(self):
        self.cases, self.worst, self.where = 0, dict.fromkeys(NAMES, 0.0), {}
        self.curves = 0.0
        self.answers = {}

    def see(self, kind, name, ours, published):
        """Compare one case and keep the answers; the published curves by our names."""
        row, curves = numbers(published)
        self.cases += 1
        for measure, value in ours.as_dict().items():
            gap = abs(value - row[measure])
            if gap > self.worst[measure]:
                self.worst[measure], self.where[measure] = gap, name
        for measure, values in curves.items():
            gap = np.abs(getattr(ours.curves, measure) - values).max()
            self.curves = max(self.curves, float(gap))
        self.answers.setdefault(kind, {})[name] = [short(value) for value in row.values()]
        return curves


def short(value):
    """A number without the digits that nobody compares."""
    return int(value) if value == int(value) else round(float(value), 8)


def agree(published):
    """Every case through both: `{part: Agreement}` and what is to be stored."""
    parts = {part: Agreement() for part in ("by hand", "random", "together", "MOT17", "real")}
    curves = {}
    for name, (truth, tracks) in sequences.cases().items():
        part = "random" if name.startswith("random") else "by hand"
        theirs = published.evaluate(truth, tracks)
        lines = parts[part].see("clips", name, multi.evaluate(truth, tracks), theirs)
        if part == "random" and len(curves) < CURVES:
            curves[name] = {key: [short(v) for v in values] for key, values in lines.items()}
    for name, clips in sequences.groups().items():
        theirs = published.combine([published.evaluate(*pair) for pair in clips.values()])
        parts["together"].see("together", name, multi.evaluate_all(clips).combined, theirs)
    for seed in range(sequences.MOT17):
        text, tracks = sequences.mot17_case(seed)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gt.txt"
            path.write_text(text)
            images = range(1, len(tracks) + 1)
            truth = truths.read_mot_truth(path, images)
            everything = truths.read_mot_truth(path, images, everything=True)
            theirs = published.evaluate_files(path, tracks, "MOT17")
        ours = multi.evaluate(truth, multi.without_distractors(everything, tracks))
        parts["MOT17"].see("MOT17", str(seed), ours, theirs)
    if SHARED.is_dir():
        for name, (truth, tracks) in sequences.real_cases(SHARED).items():
            path = SHARED / name.split(",")[0] / "gt" / "gt.txt"
            theirs = published.evaluate_files(path, tracks, "MOT15")
            parts["real"].see("real", name, multi.evaluate(truth, tracks), theirs)
    stored = {
        "evaluator": "trackeval 1.3.0",
        "made_by": "python -m benchmarks.multi --write",
        "stamp": sequences.stamp(sequences.cases()),
        "measures": list(NAMES),
        "curves": curves,
    }
    for seed in range(STORED, sequences.RANDOM):
        del parts["random"].answers["clips"][f"random {seed}"]
    for part in parts.values():
        for kind, rows in part.answers.items():
            stored.setdefault(kind, {}).update(rows)
    return parts, stored


def crowd(objects, frames):
    """A clip of many objects, seen with a few mistakes."""
    rng = np.random.default_rng(objects)
    corner = rng.uniform(0, 40 * np.sqrt(objects), (objects, 2))
    speed, names = rng.normal(0, 2, (objects, 2)), np.arange(objects)
    truth, tracks = [], []
    for _ in range(frames):
        corner = corner + speed
        boxes = np.concatenate([corner, corner + 30], 1)
        truth.append(Tracks(np.arange(objects), boxes))
        names = np.where(rng.random(objects) < 0.01, names + objects, names)
        seen = rng.random(objects) < 0.9
        tracks.append(Tracks(names[seen], (boxes + rng.normal(0, 2, boxes.shape))[seen]))
    return truth, tracks


def cost(function):
    """Least CPU and wall milliseconds over a few runs."""
    cpu, wall = [], []
    for _ in range(REPEATS):
        starts = time.process_time(), time.perf_counter()
        function()
        cpu.append(time.process_time() - starts[0])
        wall.append(time.perf_counter() - starts[1])
    return 1000 * min(cpu), 1000 * min(wall)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="store the answers for the tests")
    options = parser.parse_args()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import trackeval
    except ImportError:
        print("trackeval is not in this environment; it needs one of its own:")
        print("\n".join(__doc__.split("\n\n")[3].splitlines()))
        return
    published = Published(trackeval)
    parts, stored = agree(published)
    print(f"{'cases':10} {'number':>7} {'largest difference':>19}  {'in a curve':>11}")
    for name, part in parts.items():
        gap = max(part.worst.values())
        where = max(part.worst, key=part.worst.get)
        told = f"  ({where}, {part.where[where]})" if gap else ""
        print(f"{name:10} {part.cases:7d} {gap:19.1e}  {part.curves:11.1e}{told}")
    print()
    print(f"{'speed':22} {'CPU ms':>8} {'wall ms':>8} {'published':>10} {'wall ms':>8} ", end="")
    print(f"{'ratio of CPU':>13} {'without overlaps':>17}")
    for name, size in CROWDS.items():
        truth, tracks = crowd(*size)
        data = published.prepare(truth, tracks)
        ours, ours_wall = cost(lambda t=truth, s=tracks: multi.evaluate(t, s))
        theirs, wall = cost(lambda t=truth, s=tracks: published.evaluate(t, s))
        bare, _ = cost(lambda d=data: published.judge(d))
        print(
            f"{name:22} {ours:8.1f} {ours_wall:8.1f} {theirs:10.1f} {wall:8.1f} "
            f"{ours / theirs:13.2f} {ours / bare:17.2f}"
        )
    if options.write:
        part = sequences.ANSWERS.with_suffix(".part")
        part.write_text(compact(stored))
        part.replace(sequences.ANSWERS)
        print(f"\nstored in {sequences.ANSWERS.relative_to(ROOT)}")


def compact(stored):
    """JSON with a case a line."""
    lines = []
    for key, value in stored.items():
        if not isinstance(value, dict):
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
            continue
        rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
        lines.append(f"{json.dumps(key)}: {{\n{rows}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
