"""GOT-10k's figures: average overlap and success rates, over the frames of all sequences together.

Huang, Zhao, Huang, "GOT-10k", TPAMI 2021. What differs from OTB: the frame in which
the object was given is left out, boxes are cut to the picture, frames in which the object is absent
are dropped, and frames of all sequences are pooled, so a long sequence weighs more.

Invariant: `pool` of one is that one, and no order of several changes their figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.metrics.single.frames import Numbers, finite, iou, pair

CURVE: Numbers = np.linspace(0, 1, 101)  # thresholds of GOT-10k's success plot


@dataclass(frozen=True, eq=False)
class Pooled:
    """Overlaps `(n,)`, 0 to 1, of the frames that count; figures are NaN where there are none."""

    overlaps: Numbers

    @property
    def ao(self) -> float:
        """AO, average overlap."""
        return float(self.overlaps.mean()) if len(self) else float("nan")

    @property
    def sr50(self) -> float:
        """SR0.5: see `success_rate`."""
        return self.success_rate(0.5)

    @property
    def sr75(self) -> float:
        """SR0.75: see `success_rate`."""
        return self.success_rate(0.75)

    def success_rate(self, overlap: float) -> float:
        """SR, the share of frames whose overlap exceeds this one."""
        # SR(t) = |{frames: IoU > t}| / |frames|
        return float((self.overlaps > overlap).mean()) if len(self) else float("nan")

    @property
    def curve(self) -> Numbers:
        """Success rates `(101,)` at the overlaps of `CURVE`: GOT-10k's success plot."""
        return np.array([self.success_rate(overlap) for overlap in CURVE])

    def __len__(self) -> int:
        return len(self.overlaps)

    def __repr__(self) -> str:
        figures = f"ao={self.ao:.3f}, sr50={self.sr50:.3f}, sr75={self.sr75:.3f}"
        return f"Pooled({figures}, frames={len(self)})"


def got10k(
    pred: Any,
    truth: Any,
    *,
    size: tuple[float, float] | None = None,
    visibility: ArrayLike | None = None,
) -> Pooled:
    """AO, SR0.5 and SR0.75 of one sequence, as the GOT-10k toolkit computes them.

    pred, truth: `(T, 4)` xyxy pixels, as for `compare`. Where the tracker saw nothing, its overlap
        is 0.
    size: height and width of the pictures, `clip.size`: boxes are cut to it, those of truth too.
        As in the toolkit, a box that begins left of the picture or above it is first pushed in,
        with the size it has. Without it boxes stay as they are.
    visibility: `(T,)` visible fractions; frames in which nothing is visible are dropped. Frames
        without truth are dropped anyhow.

    The first frame with truth, in which the object was given, is left out. Raises `InputError` as
    `compare` does, and for a size or a visibility that is none.

    >>> got10k([[0, 0, 10, 10]] * 3, [[0, 0, 10, 10], [2, 0, 12, 10], [5, 0, 15, 10]])
    Pooled(ao=0.500, sr50=0.500, sr75=0.000, frames=2)
    """
    boxes, known = pair(pred, truth)
    kept = finite(known)
    kept[: np.argmax(kept) + 1] = False
    kept &= (known[:, 2:] > known[:, :2]).all(-1)
    if visibility is not None:
        kept &= _visible(visibility, len(known))
    boxes, known = boxes[kept], known[kept]
    said = finite(boxes)
    boxes[~said] = 0.0
    if size is not None:
        boxes, known = _inside(boxes, size), _inside(known, size)
    return Pooled(np.where(said, iou(boxes, known), 0.0))


def pool(parts: Iterable[Pooled]) -> Pooled:
    """The frames of several sequences as one; raises `InputError` for none."""
    parts = list(parts)
    if not parts:
        errors.bad("parts", errors.Said("none"), "at least one")
    return Pooled(np.concatenate([part.overlaps for part in parts]))


def _inside(boxes: Numbers, size: Any) -> Numbers:
    try:
        height, width = size
    except (TypeError, ValueError):
        errors.bad("size", size, "(height, width) in pixels")
    ends = np.array(
        [errors.number("size width", width, low=0), errors.number("size height", height, low=0)]
    )
    # x <- min(max(x, 0), W); w <- min(w, W - x): the toolkit moves x and keeps w
    low = np.clip(boxes[:, :2], 0, ends)
    return np.concatenate([low, low + np.minimum(boxes[:, 2:] - boxes[:, :2], ends - low)], 1)


def _visible(visibility: ArrayLike, frames: int) -> Any:
    try:
        seen = np.asarray(visibility, np.float64)
    except (TypeError, ValueError):
        errors.bad("visibility", visibility, f"{frames} numbers from 0 to 1")
    if seen.shape != (frames,) or not ((seen >= 0) & (seen <= 1)).all():
        came = visibility if seen.shape != (frames,) else errors.Said("fractions beyond 0 and 1")
        errors.bad("visibility", came, f"{frames} numbers from 0 to 1")
    return seen > 0
