"""Motion models on held-out trajectories: errors by motion and estimator, with what they cost.

    python -m benchmarks.motion                     prints only, one seed (about four minutes)
    python -m benchmarks.motion --seeds 0 1 2 --left-out --forms --write

Every training gets the same CPU time, and the Kalman filter a grid search on trajectories of the
same kind. `--left-out` trains without one motion and measures on that one; `--forms` trains the
ways that work less well. `--write` stores the results in the project's `data/`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tracklab import boxes as bx
from tracklab import motion
from tracklab.metrics import motion as metric
from tracklab.models import weights
from tracklab.motion import learned, recurrent

RESULTS = Path(__file__).resolve().parent.parent / "data" / "results" / "motion.json"
BUDGET = 40.0  # CPU seconds
SHORT = 15.0  # CPU seconds of each of the forms: where time is short, they differ
TEST, TUNING = 1000, 300  # trajectories
STARTS, HIDDEN = (15, 25, 35), (5, 10, 20)
COLUMNS = ("position", "velocity", "ahead", *(f"hidden {k}" for k in HIDDEN))
Table = dict[str, dict[str, float]]

FORMS: dict[str, dict[str, Any]] = {
    "gains": {},
    "residual": {"form": learned.RESIDUAL},
    "displacement": {"form": learned.DISPLACEMENT},
    "absolute": {"form": learned.ABSOLUTE},
    "no gaps": {"gaps": 0.0},
    "30 % teacher forcing": {"teacher_forcing": 0.3},
    "teacher forcing": {"teacher_forcing": 1.0},
}


def judged(model: motion.MotionModel, found: motion.Observed) -> Table:
    """Errors of a model, for all objects and by motion, and how sure it may be."""
    run = motion.run(model, found.detections)
    blind = motion.coast(model, found.detections, STARTS, max(HIDDEN))
    table = metric.evaluate(
        run, found.boxes, found.velocities, coasted=blind, groups=found.motions, hidden=HIDDEN
    )
    truth = bx.centers(found.boxes)
    table["within one deviation"] = {
        "position": metric.coverage(bx.centers(run.boxes)[5:], truth[5:], run.deviations[5:]),
        "ahead": metric.coverage(bx.centers(run.predicted)[5:], truth[5:], run.expected[5:]),
    } | {
        f"hidden {k}": metric.coverage(
            bx.centers(blind.boxes[:, k - 1]), truth[blind.frames(k)], blind.deviations[:, k - 1]
        )
        for k in HIDDEN
    }
    return table


def trained(kind: str, seed: int, budget: Mapping[str, float], **options: Any) -> tuple[Any, dict]:
    """A network at work, and what its training cost."""
    network = motion.Network(kind, seed=seed, form=options.pop("form", learned.GAINS))
    curves = motion.train(network, seed=seed, progress=False, **options, **budget)
    model = motion.Recurrent(
        recurrent.trained(kind, network.form, network.arrays()), kind, motion.PICTURE
    )
    cost = {"steps": len(curves), "cpu_seconds": float(curves.cpu_seconds[-1])}
    return model, cost | {"seconds": float(curves.seconds[-1]), "weights": network.weights}


def filters(motions: Any, seed: int = 11) -> tuple[dict[str, motion.Kalman], dict[str, Any]]:
    """Kalman filters tuned on training trajectories, and what the search cost."""
    begin = time.process_time()
    grid = motion.tuned(motion.observe(TUNING, seed=seed, motions=motions))
    found = {"kalman, constant velocity": grid.best(damping=1.0), "kalman, damped": grid.best()}
    # and the best of each column, where that is another
    for name in COLUMNS:
        if grid.best(name) not in found.values():
            found[f"kalman, best {name}"] = grid.best(name)
    said = {"tried": len(grid), "cpu_seconds": time.process_time() - begin, "found": found}
    return {name: motion.Kalman(**options) for name, options in found.items()}, said


def microseconds(model: motion.MotionModel, count: int, frames: int = 200) -> float:
    """CPU time of `predict` and `update` in a frame of so many objects."""
    boxes = motion.observe(count, 2, misses=0.0).detections
    model = model.copy()
    model.reset()
    model.start(boxes[0])
    begin = time.process_time()
    for _ in range(frames):
        model.predict()
        model.update(boxes[1])
    return 1e6 * (time.process_time() - begin) / frames


def row(name: str, values: Mapping[str, float], baseline: Mapping[str, float] | None = None) -> str:
    said = [f"{values[c]:7.2f}" if c in values else "      -" for c in COLUMNS]
    if baseline:
        said.append("  of kalman: " + " ".join(f"{values[c] / baseline[c]:.2f}" for c in COLUMNS))
    return f"{name:28}" + "".join(said)


def spread(name: str, tables: Sequence[Table], group: str = "all") -> str:
    """Mean and standard deviation over seeds."""
    values = np.array([[table[group][c] for c in COLUMNS] for table in tables])
    off = values.std(0, ddof=1) if len(values) > 1 else np.zeros(len(COLUMNS))
    pairs = zip(values.mean(0), off, strict=True)
    return f"{name:28}" + "".join(f"{m:7.2f} ± {s:.2f}" for m, s in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--left-out", action="store_true", help="motions never trained on")
    parser.add_argument("--forms", action="store_true", help="ways that work less well")
    parser.add_argument("--write", action="store_true", help="store the results in data/")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see it run")
    options = parser.parse_args()
    budget: dict[str, Any] = {"cpu_seconds": BUDGET}
    if options.quick:
        budget = {"steps": 3, "lengths": ((0.0, 8),), "jit": False}
    held_out = motion.observe(TEST, part="test")
    print(f"{TEST} held-out trajectories; root-mean-square errors in pixels (a frame)")
    print(" " * 28 + "".join(f"{c:>9}" for c in COLUMNS))

    tables: dict[str, list[Table]] = {}
    kalmans, search = filters(motion.MIXED)
    plain = {name: motion.create(name) for name in ("none", "constant velocity")}
    for name, model in (plain | kalmans).items():
        tables[name] = [judged(model, held_out)]
        print(row(name, tables[name][0]["all"]), flush=True)
    print(f"grid search: {search['tried']} filters, {search['cpu_seconds']:.0f} CPU-s;", search)
    baseline = {c: min(tables[k][0]["all"][c] for k in kalmans) for c in COLUMNS}

    costs: list[dict[str, Any]] = []
    for seed in options.seeds:
        for kind in motion.LEARNED:
            model, cost = trained(kind, seed, budget)
            costs.append({"kind": kind, "seed": seed, **cost})
            tables.setdefault(kind, []).append(judged(model, held_out))
            print(row(f"{kind}, seed {seed}", tables[kind][-1]["all"], baseline), cost, flush=True)
            plain[kind] = model
    print("\nmean and standard deviation over seeds (Kalman: one search)")
    for group in tables["none"][0]:
        print(group)
        for name, found in tables.items():
            if group == "within one deviation":
                print(row("  " + name, found[0][group]))
            else:
                if not name.startswith("kalman, best"):
                    print(spread("  " + name, found, group))
    stored: dict[str, Any] = {"tables": tables, "costs": costs, "search": search}

    stored["microseconds"] = {
        name: {str(count): microseconds(model, count) for count in (1, 10, 100)}
        for name, model in (plain | {"kalman": kalmans["kalman, damped"]}).items()
    }
    print("\nCPU microseconds of predict and update in a frame of 1, 10, 100 objects")
    for name, found in stored["microseconds"].items():
        print(f"{name:28}" + "".join(f"{value:9.0f}" for value in found.values()))

    if options.left_out:
        stored["left out"] = {}
        print("\non a motion that neither network nor grid search has seen (LSTM, Kalman)")
        for name in motion.MIXED:
            others = [other for other in motion.MIXED if other != name]
            model, _ = trained("lstm", options.seeds[0], budget, motions=others)
            tuned = filters(others)[0]["kalman, damped"]
            ours, theirs = (judged(m, held_out)[name] for m in (model, tuned))
            knows = tables["lstm"][0][name]
            stored["left out"][name] = {"lstm": ours, "kalman": theirs, "lstm that saw it": knows}
            for who, values in stored["left out"][name].items():
                print(row(f"{name}, {who}"[:28], values, theirs), flush=True)

    if options.forms:
        stored["forms"] = {}
        print(f"\nways to train an LSTM, {SHORT:.0f} CPU-s each")
        short = budget if options.quick else {"cpu_seconds": SHORT}
        for name, more in FORMS.items():
            try:
                model, _ = trained("lstm", options.seeds[0], short, **more)
            except ArithmeticError as reason:
                print(f"{name}: diverged ({reason})")
                continue
            stored["forms"][name] = judged(model, held_out)
            print(row(name, stored["forms"][name]["all"], baseline), flush=True)

    shipped = {
        kind: judged(motion.create(kind, motion.PICTURE), held_out) for kind in ("gru", "lstm")
    }
    stored["shipped"] = shipped
    for kind, table in shipped.items():
        print(row(f"shipped {kind}", table["all"], baseline))
    if options.write and not options.quick:
        about = {"machine": weights.machine(), "versions": weights.versions()}
        about |= {"budget": BUDGET, "short": SHORT}
        weights.write_text(RESULTS, json.dumps(about | stored, indent=1) + "\n")
        print("written:", RESULTS.name)


if __name__ == "__main__":
    main()
