"""A motion network as a file: one step of its cell, with its state as inputs and outputs.

A file remembers nothing from call to call: the cell's state goes in and comes out again, for a
fixed number of objects at a time. What the network sees, and what is done with what it says, is the
filter's arithmetic (`motion.learned`) and stays outside: it has no weights, and places in pixels do
not fit into 8 bits.

Invariant: in float32 a step says what `motion.recurrent.spoken` says, to the precision of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, motion
from tracklab.compress.export import FLOAT32, INT8, Exported, Signature, export, made_for
from tracklab.motion import cells, learned
from tracklab.motion.base import Size
from tracklab.motion.recurrent import Recurrent, trained

Floats = NDArray[Any]

NAME = "step"
OBJECTS = 8
HIDDEN = ("hidden", "carried")


def export_motion(
    network: motion.Network,
    *,
    objects: int = OBJECTS,
    precision: str = FLOAT32,
    examples: Sequence[dict[str, Any]] | None = None,
    threads: int = 1,
) -> Exported:
    """A motion network as a file with one signature, `step`, for so many objects at a time.

    In: sees `(objects, SEEN)`, hidden `(objects, H)` and for an LSTM carried, likewise. Out: said
    `(objects, SAID)` and the state. examples: for "int8", as `Recording` collects them. Errors are
    those of `export`; another network is one.
    """
    if not isinstance(network, motion.Network):
        errors.bad("network", network, "a motion.Network, as motion.shipped loads it")
    objects = int(errors.number("objects", objects, low=1, high=4096, whole=True))
    states = _states(network.kind)

    def step(sees: Any, **state: Any) -> dict[str, Any]:
        output, after = network.cell(sees, [state[name] for name in states])
        return {"said": network.head(output)} | dict(zip(states, after, strict=True))

    shapes = {"sees": (objects, learned.SEEN)} | dict.fromkeys(states, (objects, network.units))
    shown = {NAME: list(examples or [])} if precision == INT8 else None
    return export(
        {NAME: Signature(step, shapes)},
        network.variables,
        precision=precision,
        examples=shown,
        threads=threads,
    )


class ExportedMotion(Recurrent):
    """A motion model whose network is a file's; all else is as in `motion.Recurrent`.

    network: that which was exported. Raises `InputError` for the file of another network.
    """

    def __init__(
        self, network: motion.Network, exported: Exported, size: Size | None = None
    ) -> None:
        if not isinstance(network, motion.Network):
            errors.bad("network", network, "the motion.Network that was exported")
        known = trained(network.kind, network.form, network.arrays())
        super().__init__(known, f"{network.kind}, exported", size)
        self.exported = made_for(exported, (NAME,))
        self.objects = exported.signatures[NAME]["sees"][0]

    def _say(self, sees: Floats, hidden: cells.Hidden) -> tuple[Floats, cells.Hidden]:
        states = _states(self.network.kind)
        parts = []
        for start in range(0, len(sees), self.objects):
            given = _given(states, sees, hidden, start, self.objects)
            parts.append(self.exported.run(NAME, **given))
        found = {
            name: np.concatenate([part[name] for part in parts])[: len(sees)]
            for name in ("said", *states)
        }
        return found["said"], (*(found[name] for name in states), *hidden[len(states) :])


class Recording(Recurrent):
    """A motion model that keeps what goes into its network: `examples`, for an int8 file."""

    def __init__(
        self, network: motion.Network, *, objects: int = OBJECTS, size: Size | None = None
    ) -> None:
        super().__init__(trained(network.kind, network.form, network.arrays()), size=size)
        self.objects = objects
        self.examples: list[dict[str, Floats]] = []

    def _say(self, sees: Floats, hidden: cells.Hidden) -> tuple[Floats, cells.Hidden]:
        states = _states(self.network.kind)
        self.examples.append(_given(states, sees, hidden, 0, self.objects))
        return super()._say(sees, hidden)


def _states(kind: str) -> tuple[str, ...]:
    return HIDDEN[: cells.KINDS[kind].states]


def _given(
    states: Sequence[str], sees: Floats, hidden: cells.Hidden, start: int, count: int
) -> dict[str, Floats]:
    """What goes in for `count` objects from `start`; the last one again until there are enough."""
    rows = np.minimum(np.arange(start, start + count), len(sees) - 1)
    state = dict(zip(states, hidden, strict=False))
    given = {"sees": sees} | state
    return {name: np.asarray(value[rows], np.float32) for name, value in given.items()}
