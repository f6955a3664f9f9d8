"""The tracker's network that comes with the course: how it was trained, and how to do it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracklab import errors, training
from tracklab.datasets import moved
from tracklab.models import weights
from tracklab.models.siamese import recipe, rehearsal
from tracklab.models.siamese.cell import UNITS, Cell
from tracklab.models.siamese.films import Films
from tracklab.models.siamese.network import Siamese
from tracklab.models.siamese.pairs import Pairs
from tracklab.models.siamese.running import Running
from tracklab.training import checkpoints

NAME = "siamese"
COMMAND = "python -m tracklab train siamese"
SEED = 0

Judge = Callable[[Running], Mapping[str, float]]


@dataclass(frozen=True)
class Plan:
    """The budgets of both trainings, and what they learn from."""

    seeing: Mapping[str, Any]
    expecting: Mapping[str, Any]
    films: Mapping[str, Any] = field(default_factory=dict)


PLAN = Plan({"cpu_seconds": 5400.0}, {"cpu_seconds": 700.0})
QUICK = Plan({"steps": 3}, {"steps": 2}, {"batch_size": 2, "lengths": ((0.0, 3),)})


def train_shipped(judge: Judge, folder: str | Path | None = None, *, quick: bool = False) -> Path:
    """Train the shipped network again and write its weights and card; returns the file's path.

    First the Siamese network learns to see, from pairs of windows; then the recurrent cell learns
    what to expect, from films that the network follows. Both learn from pictures of CIFAR-10 (or
    of the drop-in set, which is announced) that are moved over one another, the cell from scenes
    as well.

    judge: figures by name for what was trained; trackers stand above models, so they are handed in.
    folder: where to write; the project's own `data/weights` if None. quick: a few steps, to see
    that it runs; they never replace the project's own weights. Raises `InputError` for `quick`
    without a folder.

    A training that was stopped goes on where it was: checkpoints lie beside the weights until they
    are complete.
    """
    target = Path(folder) if folder is not None else weights.FOLDER
    if quick and folder is None:
        errors.bad("folder", None, "a folder for what a quick training writes")
    plan = QUICK if quick else PLAN
    stills = moved.Stills.cifar10()
    network, cell = Siamese(seed=SEED), Cell(seed=SEED)
    done = target / f"{NAME}-seeing-done.checkpoint"
    spent = [_see(network, stills, plan, target, done)]
    curves = rehearsal.train(
        network,
        cell,
        Films(stills, seed=SEED, **plan.films),
        checkpoint=target / f"{NAME}-expecting.checkpoint",
        progress=True,
        **plan.expecting,
    )
    spent.append(_spent(curves))
    figures = judge(Running(network, cell))
    path = weights.save(
        _Both(network, cell), NAME, _card(network, stills, spent, figures), folder=target
    )
    done.unlink(missing_ok=True)
    print(path.with_suffix(".md").read_text(encoding="utf-8"), end="")
    return path


def load(folder: Path | None = None) -> tuple[Siamese, Cell]:
    """The networks that come with the course, to be looked into or trained on.

    Raises `MissingError` where they are not there, and says how to train them.
    """
    options = dict(weights.card(NAME, folder=folder).options)
    units = options.pop("units")
    network, cell = Siamese(**options), Cell(units)
    weights.load(_Both(network, cell), NAME, folder=folder)
    return network, cell


def _see(
    network: Siamese, stills: moved.Stills, plan: Plan, target: Path, done: Path
) -> dict[str, float]:
    """Train the Siamese network, now or already by a run that was stopped later."""
    said = repr((SEED, network.options, sorted(plan.seeing.items()), stills.name))
    if kept := checkpoints.done(done, said):
        for variable, array in zip(network.variables, kept[0], strict=True):
            variable.assign(array)
        return dict(kept[1]["spent"])
    curves = recipe.train(
        network,
        Pairs(stills, seed=SEED),
        checkpoint=target / f"{NAME}-seeing.checkpoint",
        progress=True,
        **plan.seeing,
    )
    spent = _spent(curves)
    arrays = [variable.numpy() for variable in network.variables]
    checkpoints.write_done(done, arrays, said, {"spent": spent})
    return spent


def _spent(curves: training.Curves) -> dict[str, float]:
    return {
        "steps": len(curves),
        "seconds": float(curves.seconds[-1]),
        "cpu_seconds": float(curves.cpu_seconds[-1]),
    }


class _Both:
    """Both networks as one, to be stored."""

    def __init__(self, network: Siamese, cell: Cell) -> None:
        self.variables = [*network.variables, *cell.variables]


def _card(
    network: Siamese,
    stills: moved.Stills,
    spent: list[dict[str, float]],
    figures: Mapping[str, float],
) -> weights.Card:
    seeing, expecting = spent
    return weights.Card(
        title="a Siamese network that sees an object, and a recurrent cell that expects it",
        recipe=(
            f"Still pictures moved over still pictures. The Siamese network (`siamese.train`): "
            f"{int(seeing['steps']):,} steps on pairs of windows, AdamW at {recipe.RATE}, flat for "
            f"{recipe.FLAT:.0%} of the training and then down to 0, averaged weights "
            f"({recipe.AVERAGE}). The cell (`siamese.train_cell`): {int(expecting['steps']):,} "
            f"steps around it, Adam at {rehearsal.LEARNING_RATE}, on films and scenes."
        ),
        command=COMMAND,
        seed=SEED,
        data=f"{stills.name}, moved; clips made as needed",
        seconds=round(seeing["seconds"] + expecting["seconds"], 1),
        cpu_seconds=round(seeing["cpu_seconds"] + expecting["cpu_seconds"], 1),
        figures=dict(figures),
        options=network.options | {"units": UNITS},
    )
