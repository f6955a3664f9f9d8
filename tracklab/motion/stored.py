"""The motion networks that come with the course, as arrays: `create` needs no TensorFlow.

One file holds all three, `PARTS` arrays each, in the order of its card's `kinds`.
"""

from __future__ import annotations

import functools
from pathlib import Path

from tracklab import errors
from tracklab.models import weights
from tracklab.motion import cells
from tracklab.motion.recurrent import Trained, trained

NAME = "motion"
PARTS = 5  # three arrays of the cell, two of the dense layer


def networks(folder: Path | None = None) -> tuple[dict[str, Trained], weights.Card]:
    """All stored networks by kind, and their card.

    Raises `MissingError` where they are not there, and says how to train them.
    """
    arrays, card = weights.arrays(NAME, folder=folder)
    kinds, form = list(card.options["kinds"]), str(card.options["form"])
    if len(arrays) != PARTS * len(kinds):
        raise errors.SourceError(f"{NAME}.npz: holds {len(arrays)} arrays for {kinds}")
    return {
        kind: trained(kind, form, arrays[PARTS * k : PARTS * (k + 1)])
        for k, kind in enumerate(kinds)
    }, card


@functools.cache
def _shipped() -> dict[str, Trained]:
    return networks()[0]


def network(kind: str) -> Trained:
    """The shipped network of a kind: "rnn", "gru" or "lstm"; read once. Errors as `networks`."""
    return _shipped()[errors.choice("kind", kind, cells.KINDS)]
