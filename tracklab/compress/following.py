"""The visual tracker's networks as a file: what it embeds, compares, looks at again, and expects.

Four signatures, for one object: `embed` a window; `respond` to it with a map, given both memories;
`look_again` at a box; `step` the recurrent cell. Outside the file stay what has no weights: the
correlation filters (LiteRT's Fourier transform takes powers of two, and the map has 24 cells), what
is remembered, and the belief. `frame.begin` and `frame.advance` run on it as on Keras.

Invariant: in float32 a tracker follows with the file as it does with Keras, to a hundredth of a
pixel over a few frames (errors of rounding come back in closed loop).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.clips import Frame
from tracklab.compress.export import FLOAT32, INT8, Exported, Signature, export, made_for
from tracklab.models.siamese import Cell, Habits, Memory, Mind, Response, Running, Saw, Siamese
from tracklab.models.siamese import belief as bf
from tracklab.models.siamese.frame import advance, begin
from tracklab.models.siamese.geometry import CELLS, SEARCH
from tracklab.models.siamese.memory import COARSE, GRID
from tracklab.quiet import tf

Floats = NDArray[Any]

EMBED, RESPOND, LOOK_AGAIN, STEP = "embed", "respond", "look_again", "step"
PARTS = ("cells", "inside", "around", "outside")  # of a memory; its filter stays outside
WHICH = ("first", "running")


def export_tracker(
    network: Siamese,
    cell: Cell,
    *,
    precision: str = FLOAT32,
    examples: dict[str, list[dict[str, Any]]] | None = None,
    threads: int = 1,
) -> Exported:
    """A Siamese network and its recurrent cell as a file, for one object.

    examples: for "int8", as `Recording` collects them. Errors are those of `export`.
    """
    if not isinstance(network, Siamese) or not isinstance(cell, Cell):
        came = errors.Said(f"{errors.kind(network)} and {errors.kind(cell)}")
        errors.bad("network, cell", came, "a siamese.Siamese and a siamese.Cell")
    depth = int(network.embedding.output.shape[-1])
    around = (CELLS // COARSE) ** 2
    shapes: dict[str, tuple[int, ...]] = {
        "cells": (1, GRID * GRID, depth),
        "inside": (1, GRID * GRID),
        "around": (1, around, depth),
        "outside": (1, around),
    }
    embedded: tuple[int, ...] = (1, CELLS, CELLS, depth)
    # only what is read may be an input, or LiteRT drops it
    compared = {f"{which}_{part}": shapes[part] for which in WHICH for part in PARTS}
    looked = {
        name: compared[name]
        for name in ("first_cells", "first_inside", "running_cells", "running_inside")
    }
    answers: dict[str, tuple[int, ...]]
    answers = {f"{which}_answer": (1, CELLS, CELLS, 1) for which in WHICH}

    def respond(embedded: Any, **given: Any) -> dict[str, Any]:
        said = [given.pop(name) for name in answers]
        response = network.respond(embedded, *_memories(given), said)
        return response._asdict()

    def look_again(embedded: Any, boxes: Any, **given: Any) -> dict[str, Any]:
        return {"said": network.look_again(embedded, boxes, *_memories(given))}

    def step(sees: Any, hidden: Any) -> dict[str, Any]:
        said, after = cell.step(sees, hidden)
        return {"said": said, "hidden": after}

    signatures = {
        EMBED: Signature(
            lambda windows: {"embedded": network.embed(windows)},
            {"windows": (1, SEARCH, SEARCH, 3)},
        ),
        RESPOND: Signature(respond, {"embedded": embedded} | compared | answers),
        LOOK_AGAIN: Signature(look_again, {"embedded": embedded, "boxes": (1, 4)} | looked),
        STEP: Signature(step, {"sees": (1, bf.SEEN), "hidden": (1, cell.units)}),
    }
    return export(
        signatures,
        [*network.variables, *cell.variables],
        precision=precision,
        examples=examples if precision == INT8 else None,
        threads=threads,
    )


def _memories(given: dict[str, Any]) -> tuple[Memory, Memory]:
    """Both memories of named parts, without what is not there."""
    first, running = (
        Memory(**{part: given.get(f"{which}_{part}") for part in PARTS}, filter=None)  # type: ignore[arg-type]
        for which in WHICH
    )
    return first, running


class _Ported:
    """A Siamese network that asks a file; what the file lacks is Keras' own."""

    def __init__(self, network: Siamese, exported: Exported) -> None:
        self.network, self.exported = network, exported
        self.nowhere = network.nowhere
        self.remember = network.remember
        self.answers = network.answers

    def run(self, signature: str, **given: Any) -> dict[str, Floats]:
        return self.exported.run(signature, **given)

    def embed(self, windows: Any, *, training: bool = False) -> Any:
        return tf.constant(self.run(EMBED, windows=windows)["embedded"])

    def respond(self, embedded: Any, first: Memory, running: Memory) -> Response:
        said = self.answers(embedded, first, running)
        given = {f"{which}_answer": one for which, one in zip(WHICH, said, strict=True)}
        for which, memory in zip(WHICH, (first, running), strict=True):
            given |= {f"{which}_{part}": getattr(memory, part) for part in PARTS}
        found = self.run(RESPOND, embedded=embedded, **given)
        return Response(**{name: tf.constant(value) for name, value in found.items()})

    def look_again(self, embedded: Any, boxes: Any, first: Memory, running: Memory) -> Any:
        given = {
            f"{which}_{part}": getattr(memory, part)
            for which, memory in zip(WHICH, (first, running), strict=True)
            for part in ("cells", "inside")
        }
        return tf.constant(self.run(LOOK_AGAIN, embedded=embedded, boxes=boxes, **given)["said"])

    def step(self, sees: Any, hidden: Any) -> tuple[Any, Any]:
        found = self.run(STEP, sees=sees, hidden=hidden)
        return tf.constant(found["said"]), tf.constant(found["hidden"])


class ExportedTracker(Running):
    """The networks of a file at work on one object: a `siamese.Running` for a `RecurrentTracker`.

    network, cell: those that were exported. Raises `InputError` for the file of another network.
    """

    def __init__(self, network: Siamese, cell: Cell, exported: Exported) -> None:
        super().__init__(network, cell)
        self.exported = made_for(exported, (EMBED, RESPOND, LOOK_AGAIN, STEP))
        self._ported = _Ported(network, exported)

    def begin(self, picture: Frame, middle: Floats, size: Floats) -> Mind:
        """Start on an object of `size (2,)` at `middle (2,)` of the frame."""
        assert self.cell is not None
        at, wide = (tf.constant(part[None], tf.float32) for part in (middle, size))
        return begin(self._ported, picture[None], at, wide, self.cell.units)  # type: ignore[arg-type]

    def advance(
        self,
        mind: Mind,
        picture: Frame,
        here: Floats,
        scale: float,
        habits: Habits,
        *,
        stateless: bool = False,
    ) -> tuple[Mind, Saw]:
        """One more frame: see `frame.advance`. stateless: without the cell."""
        fixed = Habits(*(tf.constant(float(number), tf.float32) for number in habits))
        found: tuple[Mind, Saw] = advance(
            self._ported,  # type: ignore[arg-type]
            None if stateless else self._ported,
            mind,
            picture[None],
            tf.constant(here[None], tf.float32),
            tf.constant([[scale]], tf.float32),
            fixed,
        )
        return found


class Recording(ExportedTracker):
    """Follows with a float32 file and keeps what goes into each signature: `examples`, for int8."""

    def __init__(self, network: Siamese, cell: Cell, exported: Exported, *, most: int = 60) -> None:
        super().__init__(network, cell, exported)
        self.examples: dict[str, list[dict[str, Floats]]] = {
            name: [] for name in exported.signatures
        }
        run = self._ported.run

        def record(signature: str, **given: Any) -> dict[str, Floats]:
            kept: Sequence[Any] = self.examples[signature]
            if len(kept) < most:
                arrays = {name: np.array(value, np.float32) for name, value in given.items()}
                self.examples[signature].append(arrays)
            return run(signature, **given)

        self._ported.run = record  # type: ignore[method-assign]
