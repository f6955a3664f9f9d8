"""Small and fast: bytes, milliseconds and quality of the four networks, made smaller in many ways.

    python -m benchmarks.compress --train     train the smaller networks (about 12 CPU-minutes)
    python -m benchmarks.compress             measure all, prints only (a few minutes)
    python -m benchmarks.compress --write     and store the results, and the student's weights

What was trained is kept in the cache folder (`--kept`) and used from there; a training that was
stopped goes on. CIFAR-10 is needed; sequences of your own can be judged beside the scenes with
`--folder`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracklab import datasets, training
from tracklab.compress import channels, distillation, fine_tuning, pruning, students
from tracklab.datasets import moved
from tracklab.models import classifier, siamese
from tracklab.training import checkpoints

KEPT = datasets.cache_dir() / "compress"
STEPS = 250  # of a classifier's fine-tuning: a little more than an epoch
SEPARABLE_STEPS = 800  # from scratch: about four epochs
STUDENT_STEPS = 400
ALONE_LONGER = 1600  # steps alone that take about as long as the student's with its teacher
SHARES = (0.8, 0.9, 0.95)  # of the weights, that magnitude pruning cuts
HALF, THREE_QUARTERS = (16, 32, 64), (24, 48, 96)  # channels that structured pruning leaves
SEED = 0


def kept(name: str, folder: Path, model: Any, train: Callable[[], training.Curves]) -> dict:
    """Give a model the weights of an earlier training of that name, or train it now.

    Returns what that cost.
    """
    path = folder / f"{name.replace(' ', '-').replace(',', '').replace('%', '')}.checkpoint"
    known = checkpoints.done(path, name)
    if known:
        variables = [v for v in model.variables if str(v.dtype).startswith("float")]
        for variable, array in zip(variables, known[0], strict=True):
            variable.assign(array)
        return dict(known[1]["cost"])
    curves = train()
    cost = {"steps": len(curves), "cpu_seconds": round(float(curves.cpu_seconds[-1]), 1)}
    arrays = [v.numpy() for v in model.variables if str(v.dtype).startswith("float")]
    checkpoints.write_done(path, arrays, name, {"cost": cost})
    print(f"trained {name}: {cost}", flush=True)
    return cost


def classifiers(images: datasets.Images, folder: Path, steps: Mapping[str, int]) -> dict:
    """Every classifier by name: the model, and what its training cost beyond the shipped one's."""
    x, y = images.train_images, images.train_labels
    shipped, _ = classifier.shipped()
    teach = distillation.objective(shipped)
    found: dict[str, tuple[Any, dict]] = {"shipped": (shipped, {})}

    def tuned(name: str, model: Any, make: Callable[[], training.Curves]) -> None:
        found[name] = model, kept(name, folder, model, make)

    few = {"steps": steps["fine"], "seed": SEED}
    half = channels.narrowed(shipped, HALF)
    tuned(
        "half the channels, taught",
        half,
        lambda: fine_tuning.fine_tune(half, x, y, objective=teach, **few),
    )
    same = classifier.shipped()[0]
    tuned("trained on", same, lambda: fine_tuning.fine_tune(same, x, y, **few))
    for share in SHARES[:2]:
        cut = classifier.shipped()[0]
        tuned(
            f"{share:.0%} of the weights cut",
            cut,
            lambda cut=cut, share=share: pruning.prune(cut, x, y, share, **few),
        )
    thin = classifier.improved(x, separable=True, seed=SEED)
    tuned(
        "separable",
        thin,
        lambda: classifier.train_improved(thin, x, y, steps=steps["separable"], seed=SEED),
    )
    most = channels.narrowed(shipped, THREE_QUARTERS)
    tuned(
        "three quarters of the channels",
        most,
        lambda: fine_tuning.fine_tune(most, x, y, **few),
    )
    plain_half = channels.narrowed(shipped, HALF)
    tuned(
        "half the channels",
        plain_half,
        lambda: fine_tuning.fine_tune(plain_half, x, y, **few),
    )
    last = classifier.shipped()[0]
    tuned(
        f"{SHARES[2]:.0%} of the weights cut",
        last,
        lambda: pruning.prune(last, x, y, SHARES[2], **few),
    )
    return found


def trackers_networks(folder: Path, steps: Mapping[str, int]) -> dict:
    """The student by its teacher, and the same alone for as many steps, and for as long."""
    pairs = siamese.Pairs(moved.Stills.cifar10(), seed=SEED)
    teacher, _ = siamese.load()
    found = {}
    for name, by_teacher, count in (
        ("student, taught", True, steps["student"]),
        ("student, alone", False, steps["student"]),
        ("student, alone for as long", False, steps["alone"]),
    ):
        network = students.student(SEED)
        train = students.distil if by_teacher else None

        def run(network: Any = network, train: Any = train, count: int = count) -> Any:
            options = {"steps": count, "progress": True}
            if train is not None:
                return train(network, teacher, pairs, **options)
            return siamese.train(network, pairs, **options)

        found[name] = network, kept(name, folder, network, run)
    return found


FULL = {
    "fine": STEPS,
    "separable": SEPARABLE_STEPS,
    "student": STUDENT_STEPS,
    "alone": ALONE_LONGER,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train only")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where trained weights are kept")
    options = parser.parse_args()
    images = datasets.cifar10()
    start = time.process_time()
    if options.train:
        trackers_networks(options.kept, FULL)
        classifiers(images, options.kept, FULL)
        print(f"{time.process_time() - start:.0f} CPU-s")


if __name__ == "__main__":
    main()
