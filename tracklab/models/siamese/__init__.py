"""The tracker's network: a Siamese one that sees an object, a recurrent one that expects it.

`Siamese` and `Cell` are the networks, `Pairs` and `Films` what they learn from, `train` and
`train_cell` how; `Running` is both at work, `shipped` that which comes with the course. To read:
`geometry` is the window, `memory` what is remembered, `votes` the cost volume, `correlation` the
filter, `second_look` the box, `belief` prior and posterior, `frame` all of it
in one step; `cell`, `closed_loop` and `rehearsal` are the recurrent part and its training.
"""

from tracklab.models.siamese.belief import Belief, Found
from tracklab.models.siamese.cell import Cell
from tracklab.models.siamese.films import Films
from tracklab.models.siamese.frame import Habits, Mind, Saw
from tracklab.models.siamese.memory import Memory
from tracklab.models.siamese.network import Response, Siamese
from tracklab.models.siamese.pairs import Pairs
from tracklab.models.siamese.recipe import train
from tracklab.models.siamese.rehearsal import train as train_cell
from tracklab.models.siamese.running import Running, shipped
from tracklab.models.siamese.ship import load, train_shipped

__all__ = [
    "Belief",
    "Cell",
    "Films",
    "Found",
    "Habits",
    "Memory",
    "Mind",
    "Pairs",
    "Response",
    "Running",
    "Saw",
    "Siamese",
    "load",
    "shipped",
    "train",
    "train_cell",
    "train_shipped",
]
