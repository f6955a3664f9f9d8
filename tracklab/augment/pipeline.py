"""A pipeline: transforms one after the other, each with its own chance.

Moves that follow one another are one matrix, so pixels are mixed once, not once a move: that is
sharper and faster, and the corners of boxes go all the way before a box is drawn around them.

Invariant: one transform in a pipeline is that transform; the same generator draws the same, whether
moves are joined or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from tracklab import errors
from tracklab.augment.following import moved, moved_clip
from tracklab.augment.moves import Move
from tracklab.augment.pictures import Pictures
from tracklab.augment.transform import Moving, Transform
from tracklab.clips import Clip

Made = TypeVar("Made", Pictures, Clip)


class Pipeline(Transform):
    """Transforms one after the other; itself a transform.

    joined: moves that follow one another are done as one, where what lies beyond the edge is the
    same for both. What a first one would have cut off may then be in view again.

    Raises `InputError` for what is no transform.

    >>> from tracklab import augment
    >>> recipe = augment.Pipeline(augment.Flip(), augment.Rotation(10), augment.Colour(p=0.8))
    >>> recipe.images(np.zeros((2, 32, 32, 3), np.uint8), 0).shape
    (2, 32, 32, 3)
    """

    def __init__(self, *steps: Transform, joined: bool = True) -> None:
        for number, step in enumerate(steps):
            if not isinstance(step, Transform):
                errors.bad(f"steps[{number}]", step, "a transform, as augment.Flip()")
        self.steps = steps
        self.joined = joined

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(map(repr, self.steps))})"

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Every step, each on what the one before has made."""

        def act(step: Transform, made: Pictures) -> Pictures:
            return step.apply(made, rng)

        return self._run(pictures, len(pictures), pictures.size, rng, moved, act)

    def film(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Every step, with one draw each for the clip."""

        def act(step: Transform, made: Clip) -> Clip:
            return step.film(made, rng)

        return self._run(clip, 1, clip.size, rng, moved_clip, act)

    def _run(
        self,
        made: Made,
        count: int,
        size: tuple[int, int],
        rng: np.random.Generator,
        move: Callable[[Made, Move], Made],
        act: Callable[[Transform, Made], Made],
    ) -> Made:
        """The steps on pictures or on a clip: moves are drawn, joined, and done when they must."""
        waiting: Move | None = None  # what is drawn and not done yet
        for step in self._flat():
            drawn = None
            if isinstance(step, Moving):
                drawn = step.moves(rng, count, size)
                size = drawn.size
                if waiting is not None and self.joined and waiting.goes_with(drawn):
                    waiting = waiting.then(drawn)
                    continue
            if waiting is not None:
                made = move(made, waiting)
            waiting = drawn
            if drawn is None:
                made = act(step, made)
        return made if waiting is None else move(made, waiting)

    def _flat(self) -> list[Transform]:
        """The steps, with those of pipelines among them."""
        nested = (step._flat() if isinstance(step, Pipeline) else [step] for step in self.steps)
        return [step for steps in nested for step in steps]
