"""The recurrent visual tracker: a Siamese network that sees, and a recurrent one that expects.

In each frame: look at a window where the object is expected; the network's map says where it could
be (the likelihood); the belief says where it should be (the prior); their product is the posterior,
and its peak is looked at again for the box. The recurrent cell, which sees how far off and how sure
that was, decides how much of it to believe, and what to expect next. `models.siamese.frame` has
these steps; here is what is around them: windows, limits, and what explorers look into.

Invariant: with `stateless=True` the same network follows without any memory of motion: the window
and a prior of fixed width stay where the object was last found.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.models import siamese
from tracklab.models.siamese import geometry
from tracklab.models.siamese.belief import SPREAD
from tracklab.trackers.base import State, Tracker, within_limits

SMALLEST_SIDE = 3.0  # pixels
LOST_FOR = 3  # frames in which it was not seen; from then on the window is wider
USUAL = siamese.Habits()


class Sight(NamedTuple):
    """What the tracker saw in its last search: for explorers, and to look inside.

    response: `(CELLS, CELLS)` float32, the map's logits. prior, posterior: likewise. searched: box
    `(4,)` xyxy pixels of the part of the frame that was searched. centers: box `(4,)`: the middles
    of the first and of the last cell. predicted: `(2,)`, where the middle was expected. nowhere:
    the logit that the object is nowhere in the window. picture: `(SEARCH, SEARCH, 3)` uint8, what
    was there. believed: 0 to 1, how much of what was found.
    """

    response: NDArray[np.float32]
    prior: NDArray[np.float32]
    posterior: NDArray[np.float32]
    searched: bx.Boxes
    centers: bx.Boxes
    predicted: NDArray[np.float32]
    nowhere: float
    picture: NDArray[np.uint8]
    believed: float


class RecurrentTracker(Tracker):
    """Follows an object with the Siamese network and the recurrent cell that come with the course.

    network: a `models.siamese.Running`; the shipped one if None.
    stateless: without the recurrent cell and its belief, to see what they are worth.
    rate, filter_rate: how much of what was believed goes into the running memory's cells and into
        its filter, 0 to 1.
    spread: of the prior in the first frame, and without state in all, in sizes of the object.
    grow: how much of a change of size is taken over, without state.
    seen: score from which on the object counts as seen. sure: score from which on it is learned.
    wider: how much wider the window is when it was not seen for a while; 1 for no wider.
    """

    name = "recurrent"
    sight: Sight | None = None

    def __init__(
        self,
        *,
        network: siamese.Running | None = None,
        stateless: bool = False,
        rate: float = USUAL.rate,
        filter_rate: float = USUAL.filter_rate,
        spread: float = SPREAD,
        grow: float = USUAL.grow,
        seen: float = USUAL.seen,
        sure: float = USUAL.sure,
        wider: float = 1.0,
    ) -> None:
        self.network = siamese.shipped() if network is None else network
        self.stateless = bool(stateless)
        self.habits = siamese.Habits(
            rate=errors.number("rate", rate, low=0, high=1),
            filter_rate=errors.number("filter_rate", filter_rate, low=0, high=1),
            sure=errors.number("sure", sure, low=0, high=1),
            grow=errors.number("grow", grow, low=0, high=1),
            seen=errors.number("seen", seen, low=0, high=1),
        )
        self.spread = errors.number("spread", spread, low=0.05, high=10)
        self.wider = errors.number("wider", wider, low=1, high=2)

    @property
    def mind(self) -> siamese.Mind:
        """What it carries to the next frame, its two memories among them; once it has begun."""
        return self._mind

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        # what is outside the frame cannot be seen
        box = bx.clip(box, *frame.shape[:2])
        middle, size = bx.centers(box), np.maximum(bx.sizes(box), SMALLEST_SIDE)
        here = geometry.window(middle, size)
        mind = self.network.begin(geometry.draw(frame, here), middle, size)
        spread = np.full((1, 1), self.spread, np.float32)
        self._mind = mind._replace(belief=mind.belief._replace(spread=spread))
        self._middle, self._extent, self._velocity = middle, size, np.zeros(2, np.float32)
        self._first_size, self._unseen = size, 0
        self.sight = None

    def _step(self, frame: Frame) -> State:
        high = np.array([frame.shape[1], frame.shape[0]], np.float32)
        expected = np.clip(self._middle + self._velocity, 0, high)
        wide = self.wider if self._unseen >= LOST_FOR else 1.0
        here = geometry.window(expected, self._extent * wide)
        picture = geometry.draw(frame, here)
        mind, saw = self.network.advance(
            self._mind, picture, expected, here.zoom, self.habits, stateless=self.stateless
        )
        middle, size = (part.numpy()[0] for part in (mind.belief.middles, mind.belief.sizes))
        middle, size = within_limits(middle, size, frame, self._first_size, SMALLEST_SIDE)
        velocity = mind.belief.velocities.numpy()[0]
        kept = mind.belief._replace(middles=middle[None], sizes=size[None].astype(np.float32))
        self._mind = mind._replace(belief=kept)
        moved = (middle - self._middle).astype(np.float32)
        self._middle, self._extent, self._velocity = middle, size, velocity
        score = float(saw.found.score.numpy()[0, 0])
        self._unseen = 0 if score >= self.habits.seen else self._unseen + 1
        self.sight = self._seen(saw, here, expected, picture)
        return State(bx.cxcywh_to_xyxy([*middle, *size]), moved, score)

    def _seen(self, saw: Any, here: Any, expected: NDArray[Any], picture: Frame) -> Sight:
        low, high = geometry.PLACES[0], geometry.PLACES[-1]
        return Sight(
            response=saw.response.logits.numpy()[0],
            prior=saw.prior.numpy()[0],
            posterior=saw.posterior.numpy()[0],
            searched=here.box,
            centers=geometry.to_frame(here, [low, low, high, high]),
            predicted=expected.astype(np.float32),
            nowhere=self.network.nowhere,
            picture=picture,
            believed=float(saw.believed.numpy()[0, 0]),
        )
