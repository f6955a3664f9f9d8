"""Lesson 02's comparison at full length: accuracy, loss, calibration and time of four trainings.

    python -m benchmarks.classifier                 one seed, prints only
    python -m benchmarks.classifier --seeds 0 1 2 --write

The improved network gets the CPU time that the repaired one took for its ten epochs just before.
`--write` stores results and weights (those of the first seed) in the project's `data/`, after
every seed; without it nothing is written. `--add` adds seeds to what is stored.
"""

from __future__ import annotations

import argparse

from tracklab import datasets
from tracklab.models import classifier

MARKS = (0.1, 0.25, 0.5, 0.75, 1.0)  # of the CPU time, at which the curves are printed


def curves(rows: list[classifier.Row]) -> str:
    """Test accuracy after parts of the CPU time of the first seed, as text."""
    lines = ["test accuracy % (CPU seconds) on the way, first seed"]
    for row in rows:
        if row.seed != rows[0].seed:
            continue
        seen = row.curves.validated
        at, accuracy = row.curves.cpu_seconds[seen], row.curves.val_accuracy[seen]
        marks = [abs(at - mark * at[-1]).argmin() for mark in MARKS]
        points = "   ".join(f"{100 * accuracy[k]:4.1f} ({at[k]:3.0f})" for k in marks)
        lines.append(f"{row.variant:16}{points}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="which")
    parser.add_argument("--write", action="store_true", help="store results and weights in data/")
    parser.add_argument("--variants", nargs="+", default=list(classifier.VARIANTS), help="which")
    parser.add_argument("--add", action="store_true", help="keep the stored rows of other seeds")
    parser.add_argument("--quick", action="store_true", help="few images and steps, to see it run")
    options = parser.parse_args()
    images = datasets.cifar10()
    print(images)
    steps = None
    if options.quick:
        images, steps = images.subset(train=1_000, test=500), 60
    rows: list[classifier.Row] = []
    if options.add:
        stored = classifier.read_results()
        if stored.about["data"] != images.name:
            parser.error(f"the stored rows are of {stored.about['data']}, these of {images.name}")
        rows = [row for row in stored.rows if row.seed not in options.seeds]
    for seed in options.seeds:
        models: dict[str, object] = {}
        rows += classifier.compare(
            images,
            seed=seed,
            variants=tuple(options.variants),
            steps=steps,
            keep=models.__setitem__,
        )
        if options.write and not options.quick:
            if seed == options.seeds[0] and not options.add and classifier.IMPROVED in models:
                classifier.ship(models[classifier.IMPROVED], rows[-1], images)
            print("written:", classifier.write_results(rows, images).name)
        print(classifier.table(rows))
        print(curves(rows), flush=True)


if __name__ == "__main__":
    main()
