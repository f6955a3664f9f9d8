"""Second order against first order: where it wins by orders of magnitude, ties, and loses.

    python -m benchmarks.second_order                    all tasks (about three CPU minutes)
    python -m benchmarks.second_order surfaces velocity  some of them
    python -m benchmarks.second_order --seeds 0 1 2 velocity --figures FOLDER
    python -m benchmarks.second_order --save velocity    stores three seeds for lesson 10

Every task prints losses and ratios of one run on this machine, in CPU seconds; what is compiled has
been so before a clock starts. First-order methods run many steps inside one compiled function, with
a rate that falls to zero, the best of those in `RATES` and the like (all are printed, and stored).
`--save` writes what was measured on networks to `data/results/second_order.json`; wanted for it is
one thread of TensorFlow: TF_NUM_INTRAOP_THREADS=1.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize

from tracklab import datasets, plots
from tracklab.models import weights
from tracklab.optimizers import (
    baseline,
    damped_newton,
    derivatives,
    descent,
    gauss_newton,
    hutchinson,
    lanczos,
    lbfgs,
    levenberg_marquardt,
    newton,
    newton_cg,
    problems,
    results,
    shampoo,
    surfaces,
    tasks,
)
from tracklab.optimizers import stored_runs as stored
from tracklab.quiet import keras

Limits = results.Limits
RATES = (3e-3, 1e-2, 3e-2)  # of Adam
SHORT, TIMES = 1.0, 10  # CPU seconds of Levenberg-Marquardt; times as long has Adam
IMAGES, TEST, BATCH = 1000, 1000, 64
SGD_RATES, ADAM_RATES = (0.05, 0.1, 0.2), (3e-3, 1e-2, 3e-2)  # on the CNN; Shampoo's as SGD's
CNN_SECONDS, RNN_SECONDS = 5.0, 5.0
GOAL = 1e-6  # largest component of the gradient, on surfaces
FOREVER = 10**9
SEEDS = (0, 1, 2)  # that are stored; the first alone is measured where nothing is


# By task: what is known about it, and the rows of `stored.row`.
Tables = dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]


def falling(progress: float) -> float:
    """A rate that goes down in a straight line, almost to zero."""
    return max(1e-3, 1.0 - progress)


def row(name: str, result: results.Result, prices: dict[str, float], more: str = "") -> None:
    work = result.in_gradients(prices)[-1]
    print(
        f"  {name:28} loss {result.loss:9.3g}  steps {len(result):6}  gradients {work:9.1f}  "
        f"CPU-s {result['cpu_seconds'][-1]:7.3f}  {result.stopped}{more}",
        flush=True,
    )


def save(figure: plots.Figure, folder: Path | None, name: str) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(plots.figure_to_png(figure))


def on_surfaces(folder: Path | None, seeds: Sequence[int]) -> Tables:
    """Function evaluations of L-BFGS over SciPy's; steps of all methods."""
    made: dict[str, Callable[[], problems.Problem]] = {
        name: lambda name=name: problems.on_surface(surfaces.create(name))
        for name in surfaces.SURFACES
    }
    made["quadratic, condition 10,000"] = lambda: problems.on_surface(surfaces.quadratic(1e4))
    made["rosenbrock, 10 numbers"] = lambda: tasks.rosenbrock_valley(10)
    made["rosenbrock, 50 numbers"] = lambda: tasks.rosenbrock_valley(50)
    made["bowl, 50 numbers"] = lambda: tasks.bowl(50)
    made["bowl, 200 numbers, 10,000"] = lambda: tasks.bowl(200, 1e4)
    limits = Limits(gradient=GOAL, steps=20000)
    ratios = []
    print("steps to a gradient of 1e-6 (* at no minimum); evaluations of own and SciPy's L-BFGS")
    print(f"  {'':28}{'descent':>9}{'Newton':>8}{'damped':>8}{'N-CG':>8}{'own':>8}{'SciPy':>8}")
    for name, make in made.items():
        problem = make()
        asked: list[int] = []

        def counted(x: Any, problem: Any = problem, asked: Any = asked) -> Any:
            asked.append(1)
            return problem._value_and_gradient(x)

        options = {"gtol": GOAL, "ftol": 0, "maxcor": lbfgs.MEMORY, "maxiter": 20000}
        scipy.optimize.minimize(
            *(counted, problem.start), jac=True, method="L-BFGS-B", options=options
        )
        ours = lbfgs.lbfgs(make(), limits=limits)
        steepest = np.abs(np.linalg.eigvalsh(problem._hessian(problem.start))).max()
        # the best of three rates
        descents = [
            descent.gradient_descent(make(), share / steepest, limits=limits)
            for share in (0.5, 1.0, 1.8)
        ]
        runs = [
            min(descents, key=lambda run: (run.stopped != results.CONVERGED, len(run))),
            *(
                method(make(), limits=limits)
                for method in (newton.newton, damped_newton.damped_newton, newton_cg.newton_cg)
            ),
        ]
        told = []
        for run in runs:
            mark = {results.CONVERGED: "", results.SADDLE: "*"}.get(run.stopped, "!")
            told.append(f"{len(run)}{mark}")
        own = int(ours["gradients"][-1] + ours["values"][-1])
        ratios.append(own / len(asked))
        print(
            f"  {name:28}{told[0]:>9}{told[1]:>8}{told[2]:>8}{told[3]:>8}{own:8}{len(asked):8}"
            f"  ratio {ratios[-1]:.2f}",
            flush=True,
        )
    mean, most = np.mean(ratios), max(ratios)
    print(f"  own L-BFGS asks {mean:.2f} times as often as SciPy's, at most {most:.2f}")
    return {}


def on_velocity(folder: Path | None, seeds: Sequence[int]) -> Tables:
    """The velocity regressor: Levenberg-Marquardt against Adam with ten times the seconds."""
    tables: Tables = {}
    for noise in (0.0, 0.03):
        kept: dict[str, list[results.Result]] = {}
        ratios, rows = [], []
        _, test = tasks.tracks(noise=noise)
        for seed in seeds:
            problem = tasks.velocity(noise=noise, seed=seed)
            judge = tasks.NetworkResiduals(problem.model, *test)
            prices = derivatives.prices(problem, ("values", "products", "jacobians"))
            if seed == seeds[0]:
                said = ", ".join(f"{k} {v:.2f}" for k, v in prices.items() if k != "gradients")
                print(f"velocity, noise {noise}: {problem.size} weights; in gradients: {said}")
            brief = Limits(steps=FOREVER, cpu_seconds=SHORT, gradient=0)
            long = Limits(steps=FOREVER, cpu_seconds=TIMES * SHORT, gradient=0)
            runs = {
                ("Levenberg-Marquardt", 0.0): levenberg_marquardt.levenberg_marquardt(
                    problem, limits=brief
                ),
                ("L-BFGS", 0.0): lbfgs.lbfgs(problem, limits=brief),
                ("Newton-CG", 0.0): newton_cg.newton_cg(problem, limits=brief),
            }
            if noise == 0.0 and seed == seeds[0]:
                diverging = gauss_newton.gauss_newton(problem, limits=Limits(steps=50, gradient=0))
                row("Gauss-Newton", diverging, prices)
            adams = {
                (f"Adam, {TIMES} x as long", rate): baseline.first_order(
                    *(problem, keras.optimizers.Adam(rate)), schedule=falling, every=50, limits=long
                )
                for rate in RATES
            }
            best = min(adams.values(), key=lambda run: run.loss)
            for (name, rate), run in (runs | adams).items():
                tested = judge._value(run.x)
                row(f"{name}, {rate:g}" if rate else name, run, prices, f"  test {tested:.3g}")
                more = {"seed": seed, "rate": rate, "test": tested, "prices": prices}
                rows.append(stored.row(run, name, **more))
                kept.setdefault(name, []).append(run)
            when = runs["Levenberg-Marquardt", 0.0].first(best.loss, "cpu_seconds")
            ratios.append(best["cpu_seconds"][-1] / when)
            above = best.loss / runs["Levenberg-Marquardt", 0.0].loss
            print(
                f"  seed {seed}: Adam's lowest loss is {above:.3g} times "
                f"Levenberg-Marquardt's, which had it after {when:.3f} CPU-s: "
                f"{ratios[-1]:.0f} times sooner",
                flush=True,
            )
        title = (
            "Levenberg-Marquardt reaches what Adam does not"
            if noise == 0
            else "Where noise is the limit, all come to nearly the same loss"
        )
        save(
            plots.convergence(kept, title=title, prices=prices, so_far=True),
            folder,
            f"velocity_{noise}",
        )
        about = {"weights": problem.size, "prices": prices, "noise": noise, "cpu_seconds": SHORT}
        tables["velocity" if noise == 0 else "velocity, noisy"] = (about, rows)
    return tables


def on_motion(folder: Path | None, seeds: Sequence[int]) -> Tables:
    """The motion RNN on one full batch."""
    limits = Limits(steps=FOREVER, cpu_seconds=RNN_SECONDS, gradient=0)
    kept: dict[str, list[results.Result]] = {}
    rows = []
    for seed in seeds:
        begin = time.process_time()
        problem = tasks.motion_network("rnn", units=6, count=64, frames=8, seed=seed)
        prices = derivatives.prices(problem, ("values", "products"))
        took = time.process_time() - begin
        print(
            f"motion RNN, full batch, seed {seed}: {problem.size} weights; in gradients: values "
            f"{prices['values']:.2f}, products {prices['products']:.2f} "
            f"(compiled in {took:.0f} CPU-s)"
        )
        runs = {
            ("L-BFGS", 0.0): lbfgs.lbfgs(problem, limits=limits),
            ("Newton-CG", 0.0): newton_cg.newton_cg(problem, inner=30, limits=limits),
        }
        for rate in RATES:
            runs["Adam", rate] = baseline.first_order(
                *(problem, keras.optimizers.Adam(rate)), schedule=falling, limits=limits
            )
        for (name, rate), run in runs.items():
            row(f"{name}, {rate:g}" if rate else name, run, prices)
            rows.append(stored.row(run, name, seed=seed, rate=rate, prices=prices))
            kept.setdefault(name, []).append(run)
        adam = min((run for (name, _), run in runs.items() if name == "Adam"), key=end_of)
        for name in ("L-BFGS", "Newton-CG"):
            fall = (adam["loss"][0] - adam.loss) / (adam["loss"][0] - runs[name, 0.0].loss)
            print(
                f"  in the same CPU seconds Adam's loss falls {fall:.2f} times as far as {name}'s"
            )
    save(
        plots.convergence(kept, title="On the motion RNN", prices=prices, so_far=True),
        folder,
        "motion",
    )
    about = {"weights": problem.size, "prices": prices, "cpu_seconds": RNN_SECONDS}
    return {"motion RNN": (about | {"trajectories": 64, "frames": 8}, rows)}


def on_cnn(folder: Path | None, seeds: Sequence[int]) -> Tables:
    """The CNN: second order loses per second, and why."""
    images = datasets.cifar10(train=IMAGES, test=TEST)
    limits = Limits(steps=FOREVER, cpu_seconds=CNN_SECONDS, gradient=0)
    kept: dict[str, list[results.Result]] = {}
    rows, times = [], []
    for seed in seeds:
        made = tasks.classifier(images.train_images, images.train_labels, seed=seed)
        problem = made.problem
        prices = derivatives.prices(problem, ("values", "products"), timings=3)
        begin = time.process_time()
        problem._value_and_gradient(problem.start)
        whole = time.process_time() - begin
        batches: dict[str, Any] = {
            "batch_loss": made.batch_loss,
            "examples": made.examples,
            "batch_size": BATCH,
            "limits": limits,
            "schedule": falling,
        }
        kinds: dict[str, tuple[Callable[[float], Any], tuple[float, ...]]] = {
            "SGD, momentum": (lambda r: keras.optimizers.SGD(r, momentum=0.9), SGD_RATES),
            "Adam": (keras.optimizers.Adam, ADAM_RATES),
            "Shampoo": (shampoo.Shampoo, SGD_RATES),
        }
        runs = {
            (name, rate): baseline.first_order(problem, make(rate), **batches, seed=seed)
            for name, (make, rates) in kinds.items()
            for rate in rates
        }
        runs["Adam, all images", 1e-2] = baseline.first_order(
            *(problem, keras.optimizers.Adam(1e-2)), every=5, limits=limits
        )
        runs["L-BFGS", 0.0] = lbfgs.lbfgs(problem, limits=limits)
        runs["Newton-CG", 0.0] = newton_cg.newton_cg(problem, inner=10, limits=limits)
        sgd = min((run for (name, _), run in runs.items() if name == "SGD, momentum"), key=end_of)
        step = sgd["cpu_seconds"][-1] / max(len(sgd), 1)
        times.append(whole / step)
        print(
            f"CNN, {images.name}, {made.examples} images, seed {seed}: {problem.size} weights; one "
            f"Hessian-vector product costs {prices['products']:.2f} gradients of all images, each "
            f"{times[-1]:.0f} steps of SGD (batch {BATCH})"
        )
        for (name, rate), run in runs.items():
            problem.assign(run.x)
            logits = problem.model(images.test_images.astype(np.float32)).numpy()
            hit = float((logits.argmax(-1) == images.test_labels).mean())
            row(f"{name}, {rate:g}" if rate else name, run, prices, f"  test accuracy {hit:.3f}")
            rows.append(stored.row(run, name, seed=seed, rate=rate, test=hit, prices=prices))
            kept.setdefault(name, []).append(run)
        problem.assign(problem.start)
        for name in ("L-BFGS", "Newton-CG"):
            run = runs[name, 0.0]
            longer = run["cpu_seconds"][-1] / sgd.first(run.loss, "cpu_seconds")
            print(
                f"  {name} needs {longer:.1f} times the CPU seconds of SGD for its loss of "
                f"{run.loss:.3g}"
            )
    ahead = min(runs, key=lambda key: runs[key].loss)[0]
    title = f"On the CNN {ahead} is ahead by the second"
    save(plots.convergence(kept, title=title, prices=prices, so_far=True), folder, "cnn")
    about = {"weights": problem.size, "prices": prices, "cpu_seconds": CNN_SECONDS}
    about |= {"images": images.name, "examples": made.examples, "batch": BATCH, "test": TEST}
    return {"CNN": (about | {"steps_of_sgd_a_gradient": float(np.median(times))}, rows)}


def end_of(run: results.Result) -> float:
    """The lowest loss; inf for a run that never had one."""
    return run.loss if np.isfinite(run.loss) else float("inf")


def on_spectrum(folder: Path | None, seeds: Sequence[int]) -> Tables:
    """The eigenvalues of the regressor's loss, at its start and after Levenberg-Marquardt."""
    problem = tasks.velocity(seed=seeds[0])
    found = levenberg_marquardt.levenberg_marquardt(problem, limits=Limits(steps=60))
    for name, x in (("at the start", problem.start), ("trained", found.x)):
        exact = np.linalg.eigvalsh(problem.hessian(x))

        def product(v: Any, x: Any = x) -> Any:
            return problem.product(x, v)

        few = lanczos.spectrum(product, problem.size, steps=40)
        trace = hutchinson.trace(product, problem.size, samples=30)
        density = lanczos.density(product, problem.size, starts=4, steps=60)
        off = abs(few[-1] - exact[-1]) / exact[-1]
        print(
            f"spectrum, {name}: largest {exact[-1]:.4g} (40 products of Lanczos: {off:.0e} off), "
            f"smallest {exact[0]:.2g}, {np.mean(np.abs(exact) < 0.01 * exact[-1]):.0%} below a "
            f"hundredth of the largest; trace {exact.sum():.3g} (30 of Hutchinson: {trace:.3g})"
        )
        title = f"Regressor's loss, {name}: few directions are steep"
        save(plots.spectrum(density, title=title, exact=exact), folder, f"spectrum_{name[:2]}")
    return {}


TASKS = {
    "surfaces": on_surfaces,
    "velocity": on_velocity,
    "motion": on_motion,
    "cnn": on_cnn,
    "spectrum": on_spectrum,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=[], help=f"some of {', '.join(TASKS)}")
    parser.add_argument("--seeds", type=int, nargs="+", help="of the first weights: 0, or 0 1 2")
    parser.add_argument("--figures", type=Path, help="a folder for figures")
    parser.add_argument("--save", action="store_true", help="store what was measured on networks")
    options = parser.parse_args()
    unknown = set(options.tasks) - set(TASKS)
    if unknown:
        parser.error(f"no task {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
    begin = time.process_time()
    seeds = options.seeds or (SEEDS if options.save else SEEDS[:1])
    for name in options.tasks or TASKS:
        tables = TASKS[name](options.figures, seeds)
        for task, (about, rows) in tables.items() if options.save else ():
            command = f"python -m benchmarks.second_order --save {name}"
            threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "as many as there are cores")
            known = {"command": command, "threads": threads}
            known |= {"machine": weights.machine(), "versions": weights.versions()}
            stored.write(task, known | about, rows)
            print(f"  stored: {task}")
        print(f"  ({time.process_time() - begin:.0f} CPU-s so far)\n", flush=True)


if __name__ == "__main__":
    main()
