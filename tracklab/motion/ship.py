"""The motion networks that come with the course: how they were trained, and how to do it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracklab import errors
from tracklab.models import weights
from tracklab.motion import cells, learned, recipe, stored
from tracklab.motion.base import MotionModel
from tracklab.motion.network import Network
from tracklab.motion.observed import PICTURE, Observed, observe
from tracklab.motion.recurrent import Recurrent, trained
from tracklab.motion.stored import NAME
from tracklab.training import checkpoints

COMMAND = "python -m tracklab train motion"
SEED = 0
UNITS = 32
CPU_SECONDS = 100.0  # each
AVERAGE = 0.998
HELD_OUT = 1000  # trajectories that they are judged on
QUICK: dict[str, Any] = {"steps": 3, "held_out": 20, "lengths": ((0.0, 8),), "jit": False}

Judge = Callable[[MotionModel, Observed], Mapping[str, float]]


def train_shipped(judge: Judge, folder: str | Path | None = None, *, quick: bool = False) -> Path:
    """Train the shipped networks again and write their weights and card; returns the file's path.

    judge: figures by name for a motion model on observed trajectories; metrics stand above motion,
    so they are handed in. folder: where to write; the project's own `data/weights` if None. quick:
    a few steps, to see that it runs; they never replace the project's own weights.

    Raises `InputError` for `quick` without a folder.

    A training that was stopped goes on where it was: checkpoints lie beside the weights until
    they are complete.
    """
    target = Path(folder) if folder is not None else weights.FOLDER
    if quick and folder is None:
        errors.bad("folder", None, "a folder for what a quick training writes")
    budget: dict[str, Any] = {"cpu_seconds": CPU_SECONDS}
    if quick:
        budget = {name: QUICK[name] for name in ("steps", "lengths", "jit")}
    held_out = observe(QUICK["held_out"] if quick else HELD_OUT, part="test", seed=SEED)
    found: dict[str, Network] = {}
    spent: dict[str, dict[str, float]] = {}
    figures: dict[str, float] = {}
    for kind in cells.KINDS:
        found[kind], spent[kind] = _one(kind, target, budget)
        model = Recurrent(trained(kind, learned.GAINS, found[kind].arrays()), kind, PICTURE)
        said = judge(model, held_out)
        figures |= {f"{name}, {kind}": float(value) for name, value in said.items()}
    path = weights.save(_All(found), NAME, _card(found, spent, figures), folder=target)
    for kind in cells.KINDS:
        _done(target, kind).unlink(missing_ok=True)
    print(path.with_suffix(".md").read_text(encoding="utf-8"), end="")
    return path


def shipped(kind: str, *, folder: Path | None = None) -> Network:
    """The network of a kind that comes with the course, to be looked into or trained on.

    Raises `MissingError` where it is not there, and says how to train it. To use it, `create` it.
    """
    found = stored.networks(folder)[0][errors.choice("kind", kind, cells.KINDS)]
    network = Network(kind, units=found.cell.units, form=found.form)
    network.assign(found.arrays())
    return network


def _one(kind: str, target: Path, budget: Mapping[str, Any]) -> tuple[Network, dict[str, float]]:
    """One network, trained now, or already by a run that was stopped later."""
    network = Network(kind, units=UNITS, seed=SEED)
    done = _done(target, kind)
    plan = repr((UNITS, SEED, sorted(budget.items())))
    if kept := checkpoints.done(done, plan):
        network.assign(kept[0])
        return network, kept[1]["spent"]
    curves = recipe.train(
        network,
        seed=SEED,
        average=AVERAGE,
        checkpoint=target / f"{NAME}-{kind}.checkpoint",
        progress=True,
        **budget,
    )
    spent = {
        "steps": len(curves),
        "seconds": float(curves.seconds[-1]),
        "cpu_seconds": float(curves.cpu_seconds[-1]),
    }
    checkpoints.write_done(done, network.arrays(), plan, {"spent": spent})
    return network, spent


def _done(target: Path, kind: str) -> Path:
    return target / f"{NAME}-{kind}-done.checkpoint"


class _All:
    """Several networks as one, to be stored."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self.variables = [v for network in networks.values() for v in network.variables]


def _card(
    found: Mapping[str, Network],
    spent: Mapping[str, Mapping[str, float]],
    figures: Mapping[str, float],
) -> weights.Card:
    steps = ", ".join(f"{kind} {int(each['steps']):,}" for kind, each in spent.items())
    return weights.Card(
        title="motion networks (SimpleRNN, GRU, LSTM) that choose a filter's gains",
        recipe=(
            f"A cell of {UNITS} units and a dense layer, followed in closed loop through fresh "
            f"trajectories of all motions with gaps (`motion.train`): Adam at {recipe.RATE}, flat "
            f"for {recipe.FLAT:.0%} of the training and then down to 0, batches of {recipe.BATCH}, "
            f"averaged weights ({AVERAGE}); steps: {steps}. Judged on {HELD_OUT} held-out "
            "trajectories; errors are root-mean-square, in pixels (velocity: pixels a frame)."
        ),
        command=COMMAND,
        seed=SEED,
        data="trajectories of the scenes' motion models, made as needed (train, seed 0)",
        seconds=round(sum(each["seconds"] for each in spent.values()), 1),
        cpu_seconds=round(sum(each["cpu_seconds"] for each in spent.values()), 1),
        figures=figures,
        options={"kinds": list(found), "form": learned.GAINS, "units": UNITS},
    )
