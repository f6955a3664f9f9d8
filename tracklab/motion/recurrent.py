"""A trained motion network at work: one step of its cell a frame, in NumPy, all objects at once.

Where an object is and how fast it goes is the network's; how large it is, a Kalman filter's, for
about that a network has nothing to add.

Invariant: it says what `Network.follow` says, to the precision of float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.motion import cells, kalman, learned
from tracklab.motion.base import Floats, MotionModel, Size, corners

FAR = np.array([-np.inf, -np.inf, np.inf, np.inf], np.float32)  # walls that nobody meets


class Trained(NamedTuple):
    """A network's weights as arrays, ready to be used.

    kind: of the cell. form: what its outputs mean. cell: its weights. kernel `(H, SAID)` and bias
    `(SAID,)`: of the dense layer behind it.
    """

    kind: str
    form: str
    cell: cells.Weights
    kernel: Floats
    bias: Floats

    def arrays(self) -> list[Floats]:
        """The weights one by one, as `Network.assign` takes them."""
        return [*self.cell, self.kernel, self.bias]


def trained(kind: str, form: str, arrays: Sequence[Any]) -> Trained:
    """Weights as `Network.arrays()` gives them; raises `InputError` where they do not fit."""
    errors.choice("kind", kind, cells.KINDS)
    errors.choice("form", form, learned.FORMS)
    parts = [np.array(array, np.float32) for array in arrays]
    wanted = "kernel, recurrent and bias of the cell, kernel and bias of the dense layer"
    if len(parts) != 5:
        errors.bad("arrays", errors.Said(f"{len(parts)} arrays"), wanted)
    *cell, kernel, bias = parts
    units = len(cell[1])
    width = cells.KINDS[kind].gates * units
    shapes: list[tuple[int, ...]] = [(learned.SEEN, width), (units, width)]
    shapes += [(2, width) if kind == "gru" else (width,)]
    shapes += [(units, learned.SAID), (learned.SAID,)]
    if [part.shape for part in parts] != shapes:
        errors.bad("arrays", errors.Said(f"shapes {[p.shape for p in parts]}"), f"{shapes}")
    return Trained(kind, form, cells.Weights(*cell), kernel, bias)


class Memory(NamedTuple):
    """What is remembered of N objects: the belief, the shape, and the cell's state."""

    centers: Floats
    velocities: Floats
    change: Floats
    deviations: Floats
    expected: Floats
    shape: Floats
    shape_covariance: Floats
    hidden: Floats
    carried: Floats

    @property
    def motion(self) -> learned.Motion:
        """The belief, as `learned` takes it."""
        return learned.Motion(*self[:5])


class Recurrent(MotionModel):
    """A Kalman filter whose gains a recurrent network chooses in each frame.

    network: its weights. name: what to call it. size: height and width of the frames, for it to see
    the walls; without, it sees none.
    """

    def __init__(self, network: Trained, name: str = "", size: Size | None = None) -> None:
        super().__init__(size)
        self.network = network
        self.name = name or network.kind
        if network.form == learned.ABSOLUTE and self.size is None:
            errors.bad("size", size, "(height, width), for it sees places in the picture")
        self._walls = FAR
        if self.size is not None:
            self._walls = np.array([0, 0, self.size[1], self.size[0]], np.float32)
        self._filter = kalman.Kalman()
        places = kalman.SHAPE
        self._transition = self._filter.transition[np.ix_(places, places)]
        self._process = self._filter.process_of(np.ones((1, 2)))[0][np.ix_(places, places)]
        self._noise = self._filter.noise_of(np.ones((1, 2)))[0][2:, 2:]

    def _born(self, boxes: bx.Boxes) -> Memory:
        states = cells.nothing_yet("lstm", len(boxes), self.network.cell.units)
        begun = self._filter._born(boxes)
        covariance = begun.covariance[:, kalman.SHAPE][:, :, kalman.SHAPE]
        motion = learned.born(bx.centers(boxes))
        return Memory(*motion, begun.mean[:, kalman.SHAPE], covariance, *states)

    def _moved(self, memory: Memory) -> Memory:
        shape, covariance = kalman.predict(
            memory.shape, memory.shape_covariance, self._transition, self._process
        )
        motion = learned.predict(memory.motion, side_lengths(shape))
        return Memory(*motion, shape, covariance, memory.hidden, memory.carried)

    def _corrected(self, memory: Memory, boxes: bx.Boxes, seen: NDArray[np.bool_]) -> Memory:
        shape, covariance = memory.shape, memory.shape_covariance
        if seen.any():
            shape, covariance = shape.copy(), covariance.copy()
            shape[seen], covariance[seen] = kalman.correct(
                shape[seen],
                covariance[seen],
                kalman.measured(boxes[seen])[:, 2:],
                MEASURES,
                self._noise,
            )
        motion, hidden = step(
            self.network,
            memory.motion,
            (memory.hidden, memory.carried),
            detected=np.where(seen[:, None], bx.centers(boxes), memory.centers),
            seen=seen[:, None].astype(np.float32),
            sizes=side_lengths(shape),
            walls=np.tile(self._walls, (len(boxes), 1)),
            say=self._say,
        )
        return Memory(*motion, shape, covariance, *hidden)

    def _say(self, sees: Floats, hidden: cells.Hidden) -> tuple[Floats, cells.Hidden]:
        """What the network says of what it sees: see `spoken`."""
        return spoken(self.network, sees, hidden)

    def _said(self, memory: Memory) -> tuple[Floats, Floats, Floats]:
        sizes = side_lengths(memory.shape)
        boxes = corners(memory.centers, sizes)
        return boxes, memory.velocities, learned.deviations(memory.motion, sizes)


MEASURES = np.eye(2, 3)  # of a shape (log area, log aspect, growth), the first two are seen


Say = Callable[[Floats, cells.Hidden], tuple[Floats, cells.Hidden]]


def step(
    network: Trained,
    motion: learned.Motion,
    hidden: cells.Hidden,
    detected: Floats,
    seen: Floats,
    sizes: Floats,
    walls: Floats,
    say: Say | None = None,
) -> tuple[learned.Motion, cells.Hidden]:
    """One frame of a network, after `learned.predict`: the belief and the cell's state after it.

    hidden: two arrays `(N, H)`, of which only an LSTM needs the second. say: what runs the network;
    `spoken` if None. Others as in `learned`.
    """
    sees = learned.look(motion, detected, seen, sizes, walls, network.form, np)
    said, hidden = say(sees, hidden) if say is not None else spoken(network, sees, hidden)
    motion = learned.correct(motion, detected, seen, sizes, walls, said, network.form, np)
    return motion, hidden


def spoken(network: Trained, sees: Floats, hidden: cells.Hidden) -> tuple[Floats, cells.Hidden]:
    """What a network says `(N, SAID)` of what it sees `(N, SEEN)`, and its state after it."""
    kind = cells.KINDS[network.kind]
    after = kind.step(sees, hidden[: kind.states], network.cell)
    # o = h W + b
    return after[0] @ network.kernel + network.bias, (*after, *hidden[kind.states :])


def side_lengths(shape: Floats) -> Floats:
    """Widths and heights `(N, 2)` float32 of shapes `(N, 3)`: log area, log aspect, growth."""
    area, aspect = np.clip(shape[:, :2], -kalman.LARGEST, kalman.LARGEST).T
    sides: Floats = np.exp(np.stack([area + aspect, area - aspect], axis=-1) / 2)
    return sides.astype(np.float32)
