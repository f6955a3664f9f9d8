"""Template matching: keep a small picture of the object, and look for it near where it should be.

A window around the place where the last velocity leads is compared with the template at every
shift, by normalised cross-correlation. The best shift is the new position, the best of three sizes
the new size, and the template changes slowly with what was found. Where nothing is like the
template, the box goes on with its velocity and the window grows.

Invariants of `correlation`: it lies between -1 and 1; it does not change when a window gets
brighter or gains contrast, `correlation(a * window + b, template) == correlation(window,
template)` for a > 0; a patch without contrast correlates with nothing (0).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.looking import look, peak
from tracklab.trackers.base import State, Tracker

FLAT = 1.0  # variance in squared grey levels: a patch with less shows nothing
SMALLEST_SIDE = (
    10.0  # pixels: a smaller box borrows from its surroundings, to have a pattern at all
)
LOST_GROWTH = 1.1  # the search window grows by this in each frame in which the object is not seen,
LOST_LIMIT = 2.5  # up to this
SCALE_LIMITS = (0.2, 5.0)  # of the first size
SCALE_SHIFTS = np.array([3, 3])  # template pixels around the new place in which sizes are tried


def written_out_correlation(
    window: NDArray[np.uint8], template: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Normalised cross-correlation at every shift, straight from its definition, and slow.

    Lewis, "Fast Normalized Cross-Correlation", Industrial Light & Magic 1995, equation 2; the sums
    run over the template's pixels and colours, the means are each colour's own.

    window: `(H, W, 3)` uint8; template: `(h, w, 3)` uint8, no larger. Returns `(H - h + 1,
    W - w + 1)`, -1 to 1. Raises `InputError` where the template does not fit into the window.
    """
    _check_fit(window, template)
    views = np.lib.stride_tricks.sliding_window_view(window, template.shape)[:, :, 0].astype(float)
    # f'(x, y) = f(x, y) - mean of f under the template;  t'(x, y) = t(x, y) - mean of t
    f = views - views.mean(axis=(2, 3), keepdims=True)
    t = template - template.mean(axis=(0, 1))
    f_energy, t_energy = (f**2).sum(axis=(2, 3, 4)), (t**2).sum()
    # gamma(u, v) = sum f' t' / sqrt(sum f'^2  sum t'^2)
    seen = (f_energy > FLAT * t.size) & (t_energy > FLAT * t.size)
    above, below = (f * t).sum(axis=(2, 3, 4)), np.sqrt(f_energy * t_energy)
    return np.divide(above, below, out=np.zeros_like(above), where=seen)


def correlation(window: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Normalised cross-correlation of a template with a window at every shift, fast (OpenCV).

    The same as `written_out_correlation`, to float32 rounding. OpenCV calls a template without
    contrast a perfect match everywhere, so flat patches are set to 0 here.
    """
    _check_fit(window, template)
    response = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
    if template.var(axis=(0, 1)).mean() <= FLAT:
        return np.zeros_like(response)
    response[_variances(window, template.shape[:2]) <= FLAT] = 0
    return np.clip(response, -1, 1)


def _variances(window: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float64]:
    """Variance, mean over colours, of every patch `(h, w)` of a window."""
    height, width = size
    inner = np.s_[: window.shape[0] - height + 1, : window.shape[1] - width + 1]
    # var f = mean of f^2 - (mean of f)^2, from running sums
    squares = cv2.sqrBoxFilter(window, cv2.CV_64F, (width, height), anchor=(0, 0))
    means = cv2.boxFilter(window, cv2.CV_64F, (width, height), anchor=(0, 0))
    return np.asarray(squares - np.square(means))[inner].mean(-1)


def _check_fit(window: NDArray[np.uint8], template: NDArray[np.uint8]) -> None:
    errors.image("window", window)
    errors.image("template", template)
    if template.shape[0] > window.shape[0] or template.shape[1] > window.shape[1]:
        errors.bad("template", template, f"one that fits into the window {window.shape[:2]}")


class Sight(NamedTuple):
    """What the tracker saw in its last search: for explorers, and to look inside.

    response: `(h, w)` float32, correlation at every shift, -1 to 1.
    weighted: the same less the price of the distance from the predicted place; its peak is taken.
    searched: box `(4,)` xyxy pixels of the part of the frame that was searched.
    centers: box `(4,)`: the object's centre at the first and at the last shift.
    predicted: `(2,)`: where the centre was expected.
    template: `(h, w, 3)` uint8, what was looked for.
    """

    response: NDArray[np.float32]
    weighted: NDArray[np.float32]
    searched: bx.Boxes
    centers: bx.Boxes
    predicted: NDArray[np.float32]
    template: NDArray[np.uint8]


class TemplateTracker(Tracker):
    """Follows an object by its looks and its last velocity, without any learning.

    side: pixels; an object is compared at the size at which its template has side x side pixels,
        or at its own size if that is smaller. Time grows with its fourth power.
    context: how much of its own size the template reaches past the box on each side.
    reach: how far around the predicted place to search, in sides of the object.
    distance_price: correlation that a place at the end of the reach must have more than one at the
        predicted place. 0: every place is as good as any other, and look-alikes win.
    scale_step: the other sizes that are tried are 1 / scale_step and scale_step; 1 for none.
    scale_damping: how much of a change of size is believed, 0 to 1.
    template_rate: how much of what was found goes into the changing half of the template, 0 to 1.
    velocity_rate: how much of the last step goes into the velocity, 0 to 1.
    seen: correlation below which the object counts as not seen.
    """

    name = "template"
    sight: Sight | None = None

    def __init__(
        self,
        *,
        side: int = 32,
        context: float = 0.0,
        reach: float = 1.0,
        distance_price: float = 0.2,
        scale_step: float = 1.04,
        scale_damping: float = 0.4,
        template_rate: float = 0.05,
        velocity_rate: float = 0.5,
        seen: float = 0.4,
    ) -> None:
        self.side = errors.number("side", side, low=8, high=128, whole=True)
        self.context = errors.number("context", context, low=0, high=2)
        self.reach = errors.number("reach", reach, low=0.1, high=10)
        self.distance_price = errors.number("distance_price", distance_price, low=0, high=10)
        self.scale_step = errors.number("scale_step", scale_step, low=1, high=1.5)
        self.scale_damping = errors.number("scale_damping", scale_damping, low=0, high=1)
        self.template_rate = errors.number("template_rate", template_rate, low=0, high=1)
        self.velocity_rate = errors.number("velocity_rate", velocity_rate, low=0, high=1)
        self.seen = errors.number("seen", seen, low=-1, high=1)

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        height, width = frame.shape[:2]
        center, size = bx.centers(box).astype(float), bx.sizes(box).astype(float)
        extent = np.maximum(size * (1 + 2 * self.context), SMALLEST_SIDE)
        # what is outside the frame cannot be seen: the template is the part inside it
        low = np.maximum(center - extent / 2, 0)
        high = np.minimum(center + extent / 2, [width, height])
        # ... or, where too little is inside, what is next to it
        low = np.clip(low, 0, np.maximum([width, height] - np.full(2, SMALLEST_SIDE), 0))
        high = np.minimum(np.maximum(high, low + SMALLEST_SIDE), [width, height])
        self._extent = high - low  # of the template, in frame pixels
        zoom = min(1.0, self.side / float(np.sqrt(self._extent.prod())))
        self._pixels = np.maximum(np.rint(self._extent * zoom), 1).astype(int)  # width, height
        self._box_size = size
        self._offset = center - (low + high) / 2  # from the template's middle to the box's
        self._center, self._velocity = center, np.zeros(2)
        self._scale, self._lost = 1.0, 0
        self._first = self._recent = look(frame, [*low, *high], self._pixels).astype(np.float32)
        self.sight = None

    def _step(self, frame: Frame) -> State:
        predicted = self._on_frame(self._center + self._velocity, frame)
        found, score = self._search(frame, predicted)
        if score >= self.seen:
            # v <- (1 - a) v + a (c[t] - c[t - 1])
            step = found - self._center
            self._velocity = self._velocity + self.velocity_rate * (step - self._velocity)
            self._center, self._lost = found, 0
            self._resize(frame)
            self._learn(frame)
        else:
            self._center = predicted  # on with the last velocity, but not off the frame
            self._lost += 1
        box = bx.cxcywh_to_xyxy([*self._center, *(self._box_size * self._scale)])
        return State(box, self._velocity.astype(np.float32), max(0.0, score))

    def _on_frame(self, center: NDArray[np.float64], frame: Frame) -> NDArray[np.float64]:
        """The box's centre, moved as little as brings the middle of the template into the frame.

        The template is what is seen of the object. The box's own centre may lie outside.
        """
        offset = self._offset * self._scale
        return np.clip(center - offset, 0, [frame.shape[1], frame.shape[0]]) + offset

    def _template(self) -> NDArray[np.uint8]:
        """Half as it was at first, so that it cannot drift away; half as it was lately."""
        return np.rint((self._first + self._recent) / 2).astype(np.uint8)

    def _search(
        self, frame: Frame, predicted: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """The best place for the object's centre around the predicted one, and its correlation."""
        template = self._template()
        pixel = self._extent * self._scale / self._pixels  # frame pixels in a template pixel
        reach = self.reach * min(LOST_GROWTH**self._lost, LOST_LIMIT)
        around = reach * np.sqrt((self._extent * self._scale).prod())
        shifts = np.maximum(np.rint(around / pixel), 1).astype(int)  # to each side, x and y
        window, searched = self._cut(frame, predicted, self._scale, shifts)
        response = correlation(window, template)
        # weighted = correlation - price (distance / reach)^2
        y, x = np.ogrid[-shifts[1] : shifts[1] + 1, -shifts[0] : shifts[0] + 1]
        away = ((x * pixel[0]) ** 2 + (y * pixel[1]) ** 2) / around**2
        weighted = (response - self.distance_price * away).astype(np.float32)
        row, column = np.unravel_index(int(weighted.argmax()), weighted.shape)
        found = predicted + pixel * (peak(weighted, int(row), int(column)) - shifts)
        centers = np.array([*(predicted - pixel * shifts), *(predicted + pixel * shifts)])
        self.sight = Sight(
            response=response,
            weighted=weighted,
            searched=searched.astype(np.float32),
            centers=centers.astype(np.float32),
            predicted=predicted.astype(np.float32),
            template=template,
        )
        return found, float(response[row, column])

    def _resize(self, frame: Frame) -> None:
        """Try a smaller and a larger size at the new position; believe a part of the change."""
        if self.scale_step == 1 or self.scale_damping == 0:
            return
        template, scores = self._template(), []
        for step in (1 / self.scale_step, 1.0, self.scale_step):
            window, _ = self._cut(frame, self._center, self._scale * step, SCALE_SHIFTS)
            scores.append(float(correlation(window, template).max()))
        smaller, same, larger = scores
        # the top of the parabola through the three scores, in steps of the log of the size
        bend = smaller - 2 * same + larger
        top = (smaller - larger) / (2 * bend) if bend < 0 else np.sign(larger - smaller)
        steps = self.scale_damping * float(np.clip(top, -1, 1))
        self._scale = float(np.clip(self._scale * self.scale_step**steps, *SCALE_LIMITS))

    def _learn(self, frame: Frame) -> None:
        """Let a little of what is there now into the changing half of the template."""
        patch, _ = self._cut(frame, self._center, self._scale, np.zeros(2, int))
        # t <- (1 - a) t + a patch
        self._recent = self._recent + self.template_rate * (patch - self._recent)

    def _cut(
        self, frame: Frame, center: NDArray[np.float64], scale: float, shifts: NDArray[np.int_]
    ) -> tuple[Frame, NDArray[np.float64]]:
        """The part of a frame in which the template can be shifted so far around the box's centre.

        With its box `(4,)` in frame pixels. `scale` is the object's size over its first one.
        """
        pixels = self._pixels + 2 * shifts
        half = self._extent * scale * pixels / self._pixels / 2
        middle = center - self._offset * scale
        box = np.concatenate([middle - half, middle + half])
        return look(frame, box, pixels), box
