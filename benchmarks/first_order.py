"""First-order methods: equal to Keras, what a step costs, how fast the race is drawn, and tuning.

    python -m benchmarks.first_order
    python -m benchmarks.first_order --tune [TASK ...] [--budget N] [--schedule NAME]
                                      [--seeds N] [--fresh N] [--out FOLDER] [--save]

The first takes about a minute: the largest difference to Keras' weights after 24 steps on the
classifier and the motion network, processor time of a step against Keras', the best steps of
differences in both precisions, and the time that the explorer "race" takes to draw.

With --tune each method is tuned on the tasks named (all if none), and then compared on other seeds,
in many short trainings: minutes to an hour. What is finished lies in FOLDER and is not run again;
with more --seeds or --fresh ones, only those are new.
--save stores the tables for the lessons.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np

from tracklab import motion, training
from tracklab.explorers import race as shown
from tracklab.files import write_whole
from tracklab.models import classifier
from tracklab.motion import recipe
from tracklab.optimizers import first_order, gradient_check, trials, tuning
from tracklab.optimizers import stored_tuning as stored
from tracklab.optimizers.networks import NetworkLoss
from tracklab.optimizers.plugged import of_keras, plugged
from tracklab.quiet import keras, tf

ROOT = Path(__file__).resolve().parent.parent
RESULT = stored.PATH
STEPS, BATCH = 24, 16
GOAL = 100  # milliseconds
RATES = {"sgd": 0.05, "momentum": 0.02, "nesterov": 0.02, "adagrad": 0.02, "rmsprop": 5e-4}
CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def pictures(count=64):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 10
    tints = rng.integers(40, 216, (10, 1, 1, 3))
    return (tints[labels] + rng.integers(-40, 40, (count, 32, 32, 3))).astype(np.uint8), labels


def cnn():
    model = classifier.article(classifier.LOGITS, seed=0)
    return (
        model,
        training.Batches(*pictures(), BATCH, 0),
        training.objective_of(CROSSENTROPY),
    )


def rnn():
    source = recipe.Trajectories(batch_size=8, lengths=((0.0, 8),))
    return motion.Network("rnn", units=8, seed=0), source, recipe.objective


def trained(make, optimizer):
    """Weights after the steps, and the processor time of the usual step."""
    model, data, objective = make()
    curves = training.fit(
        model, data, steps=STEPS, objective=objective, optimizer=optimizer, seed=0, progress=False
    )
    usual = float(np.median(np.diff(curves.cpu_seconds)))
    return [v.numpy() for v in model.trainable_variables], usual


def equality():
    print(
        f"largest difference to Keras' weights after {STEPS} steps, in an array's largest weight;"
    )
    print("processor milliseconds of a step, ours and Keras'")
    print("method       CNN        RNN        CNN ms     RNN ms")
    for name in first_order.NAMES:
        rate = RATES.get(name, 2e-3)
        off, cost = [], []
        for make in (cnn, rnn):
            ours, mine = trained(make, plugged(name, rate))
            theirs, keras_own = trained(make, of_keras(name, rate))
            pairs = zip(ours, theirs, strict=True)
            off.append(max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs))
            cost.append(f"{1e3 * mine:.1f} / {1e3 * keras_own:.1f}")
        print(f"{name:12} {off[0]:<10.1e} {off[1]:<10.1e} {cost[0]:10} {cost[1]}")


def differences():
    images, labels = pictures(16)
    print("\nbest step of differences on the smooth article network, 122,570 weights")
    print("precision    form       step       relative error")
    for precision in ("float32", "float64"):
        model = gradient_check.in_precision(
            classifier.article(classifier.LOGITS, smooth=True, seed=0), precision
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=precision)
        given = tf.constant(images, precision)
        # the loop's names, as they are now
        curve = gradient_check.step_curve(
            NetworkLoss(model, lambda net, loss=loss, x=given: loss(labels, net(x, training=False)))
        )
        for form in gradient_check.FORMS:
            step, off = curve.best(form)
            print(f"{precision:12} {form:10} {step:<10.0e} {off:.1e}")


def drawing():
    print(f"\nthe race drawn, processor milliseconds; goal {GOAL}")
    print("surface             a new one   step p50  p95   rate p50  p95")
    methods = first_order.NAMES
    still = dict.fromkeys(methods, 0.0)
    shown.race_of_methods()
    for surface in shown.SURFACES:

        def once(step, condition=shown.FIRST_CONDITION, surface=surface, **powers):
            began = time.process_time()
            shown.draw(
                surface=surface,
                condition=condition,
                step=step,
                methods=methods,
                **still | powers,
            )
            return 1e3 * (time.process_time() - began)

        first = once(0)
        steps = [once(step) for step in range(1, 150, 5)]
        rates = [once(75, condition=0.1 * k, adam=0.05 * k) for k in range(30)]
        said = [np.percentile(each, q) for each in (steps, rates) for q in (50, 95)]
        print(
            f"{surface:20} {first:8.0f} {said[0]:10.0f} {said[1]:5.0f} "
            f"{said[2]:8.0f} {said[3]:5.0f}"
        )


def tune(names, budget, schedule, seeds, fresh, out, save):
    kept = {}
    for name in names or trials.TASKS:
        task = trials.TASKS[name]
        folder = Path(out) / f"{name}-{budget}-{schedule}"
        fixed = {"budget": budget, "schedule": schedule}
        tuned = tuning.tune(task, seeds=range(seeds), out=folder / "tuning", **fixed)
        others = range(tuning.SEEDS[0], tuning.SEEDS[0] + fresh)
        compared = tuning.compare(task, tuned, seeds=others, out=folder / "comparison", **fixed)
        gradients, seconds = tuning.spent(tuned.table)
        print(
            f"\n{name}, {budget} steps: tuning took {len(tuned.table)} runs, {gradients} gradients"
        )
        print(
            f"and {seconds:.0f} processor seconds; loss held out, median (least to most) of seeds"
        )
        print("method        rate      tried  diverged  loss                          CPU s")
        rows = tuned.rows()
        spreads = {one.setting["method"]: one for one in compared.spread("loss")}
        for row in rows:
            one = spreads.get(row["method"])
            if one is None:
                print(f"{row['method']:12}  no rate came to a finite loss")
                continue
            cost = np.median(compared.select(method=row["method"])["cpu_seconds"])
            loss = f"{one.median:.4g} ({one.low:.4g} to {one.high:.4g})"
            edge = "  at the edge of its grid" if row["at an edge"] else ""
            print(
                f"{row['method']:12}  {row['rate']:<9.3g} {row['rates tried']:<6} "
                f"{row['diverged']:<9} {loss:29} {cost:.2f}{edge}"
            )
        about = {
            "data": trials.data_of(name),
            "command": f"python -m benchmarks.first_order --tune {name} --budget {budget} "
            f"--schedule {schedule} --seeds {seeds} --fresh {fresh} --save",
        }
        kept[name] = stored.packed(tuned, compared, about | fixed)
    if save:
        before = json.loads(RESULT.read_text()) if RESULT.is_file() else {"tasks": {}}
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        text = json.dumps({"machine": machine, "tasks": before["tasks"] | kept})
        write_whole(RESULT, text + "\n")
        print(f"stored in {RESULT.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tune", nargs="*", choices=[*trials.TASKS], help="tasks; all if none")
    parser.add_argument("--budget", type=int, default=trials.BUDGET)
    parser.add_argument(
        "--seeds", type=int, default=len(tuning.TUNING_SEEDS), help="that every rate is tried with"
    )
    parser.add_argument(
        "--fresh", type=int, default=len(tuning.SEEDS), help="seeds that compare the methods"
    )
    parser.add_argument("--schedule", choices=[*trials.SCHEDULES], default=trials.COSINE)
    parser.add_argument("--out", default="data/cache/first_order")
    parser.add_argument("--save", action="store_true", help="store the tables for the lessons")
    options = parser.parse_args()
    if options.tune is not None:
        tune(
            *(options.tune, options.budget, options.schedule),
            *(options.seeds, options.fresh, options.out, options.save),
        )
        return
    equality()
    differences()
    drawing()


if __name__ == "__main__":
    main()
