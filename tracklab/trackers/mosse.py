"""MOSSE: a filter that answers the object with a peak, learned anew in every frame by division.

Bolme, Beveridge, Draper and Lui, "Visual Object Tracking using Adaptive Correlation Filters", CVPR
2010: the Minimum Output Sum of Squared Error filter. A template is a picture of the object; this
filter is what, correlated with such pictures, gives the map that was wished for, a narrow peak on
the object and nothing beside it. What the surroundings look like is learned with it.

Among Fourier coefficients correlation is a product, so a window is searched at all shifts at once,
and the best filter is a quotient, one frequency at a time. The shifts are cyclic: what leaves the
window on one side comes in on the other, so patches fade out towards their edge.

Invariants: no filter has a smaller sum of squared errors on `patches`, a mean over them, plus `r`
times its own sum of squares, than `learn(patches, g, r)`; a patch that is shifted, going round,
shifts its response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame
from tracklab.looking import look, peak
from tracklab.trackers.base import State, Tracker

SIDELOBE = 5  # pixels to each side of the peak that are no sidelobe: 11 x 11, section 3.5
SMALLEST_SIDE = 10.0  # pixels of a window: below, there is no pattern
SMALLEST_PATCH = 16  # pixels of a patch: less has no sidelobes
WARP = 0.1  # radians of a turn, and share of a stretch, of the first patches
SCALE_LIMITS = (0.2, 5.0)  # of the first size

Map = NDArray[np.float64]
Spectrum = NDArray[np.complex128]


def prepare(patch: NDArray[np.uint8]) -> Map:
    """A patch as the filter sees it (section 3.1): grey, its shadows lifted, faded out at its edge.

    patch: `(h, w, 3)` uint8 RGB. Returns `(h, w)`, of mean 0 and norm 1 before it is faded out, so
    contrast does not matter; all 0 for a patch without any. Raises `InputError` for another kind.
    """
    grey = cv2.cvtColor(errors.image("patch", patch), cv2.COLOR_RGB2GRAY)
    f = np.log1p(grey.astype(np.float64))
    # f <- (f - mean f) / |f - mean f|
    f = f - f.mean()
    norm = np.linalg.norm(f)
    f = f / norm if norm > 1e-6 else np.zeros_like(f)
    # w(y, x) = sin^2(pi (y + 1/2) / h)  sin^2(pi (x + 1/2) / w)
    y, x = ((np.arange(side) + 0.5) / side for side in f.shape)
    return f * (np.sin(np.pi * y) ** 2)[:, None] * np.sin(np.pi * x) ** 2


def wished(shape: tuple[int, int], sigma: float = 2.0) -> Map:
    """The response that is wished for: a Gaussian, 1 in the middle `(h // 2, w // 2)`.

    shape: `(h, w)` pixels. sigma: pixels, more than 0. Section 3.2. Raises `InputError`.
    """
    height, width = (int(errors.number("shape", n, low=1, whole=True)) for n in shape)
    if errors.number("sigma", sigma, low=0) == 0:
        errors.bad("sigma", sigma, "more than 0 pixels")
    y, x = np.ogrid[:height, :width]
    # g(y, x) = exp(-((x - x0)^2 + (y - y0)^2) / (2 sigma^2))
    return np.exp(-((x - width // 2) ** 2 + (y - height // 2) ** 2) / (2 * sigma**2))


class Filter(NamedTuple):
    """A filter as the quotient that it is: two spectra `(h, w)`, which can be averaged over time.

    above: `A`, mean of G F*. below: `B`, mean of F F*, real. regularisation: added to `B`, so that
    a frequency that the patches hardly have is not trusted.
    """

    above: Spectrum
    below: Map
    regularisation: float = 0.0

    @property
    def conjugate(self) -> Spectrum:
        """H*, the complex conjugate of the filter's spectrum `(h, w)`."""
        # H* = sum G F* / (sum F F* + r), equation 5
        below = self.below + self.regularisation
        return np.divide(self.above, below, out=np.zeros_like(self.above), where=below > 1e-12)

    def picture(self) -> Map:
        """The filter among pixels, `(h, w)`, its middle at `(h // 2, w // 2)`."""
        return np.fft.fftshift(np.fft.ifft2(np.conj(self.conjugate)).real)

    def towards(self, patch: Map, g: Map, rate: float) -> Filter:
        """This filter, moved by `rate`, 0 to 1, towards the one that `patch` alone would give."""
        F, G = np.fft.fft2(patch), np.fft.fft2(g)
        # A <- eta G F* + (1 - eta) A;  B <- eta F F* + (1 - eta) B, section 3.4
        above = rate * G * np.conj(F) + (1 - rate) * self.above
        below = rate * np.abs(F) ** 2 + (1 - rate) * self.below
        return self._replace(above=above, below=below)


def learn(patches: Sequence[Map], g: Map, regularisation: float = 0.0) -> Filter:
    """The filter with the least sum of squared errors over all patches, in closed form.

    patches: prepared, each `(h, w)`. g: `(h, w)`, the response that is wished for on each of them.
    regularisation: what a filter's own sum of squares costs.

    It minimises `sum over i of |F_i H* - G|^2` (equation 3), which falls apart into one small
    problem a frequency. Raises `InputError` for no patches, and for patches of another size.
    """
    if not len(patches):
        errors.bad("patches", errors.Said("no patches"), "at least one")
    for patch in patches:
        if patch.shape != g.shape:
            errors.bad("patches", patch, f"patches of shape {g.shape}, as g has")
    F, G = np.fft.fft2(np.stack(patches)), np.fft.fft2(g)
    # sum G F* and sum F F*, equation 5; both over the number of patches
    return Filter((G * np.conj(F)).mean(0), (np.abs(F) ** 2).mean(0), regularisation)


def respond(learned: Filter, patch: Map) -> Map:
    """The response `(h, w)` of a filter to a prepared patch `(h, w)`, at every cyclic shift.

    Where its peak lies beside the middle `(h // 2, w // 2)`, the object does, by as many pixels.
    Raises `InputError` for a patch of another size than the filter's.
    """
    if patch.shape != learned.above.shape:
        errors.bad("patch", patch, f"a patch of shape {learned.above.shape}, as the filter has")
    # G = F H*, equation 1
    return np.fft.ifft2(np.fft.fft2(patch) * learned.conjugate).real


def peak_to_sidelobe(response: Map) -> float:
    """How far a peak stands out of what is around it, in standard deviations (section 3.5).

    On an object that is seen well 20 to 60; below about 7 it is hidden or lost. 0 for a response
    without any contrast.
    """
    row, column = np.unravel_index(int(response.argmax()), response.shape)
    side = np.ones(response.shape, bool)
    low_row, low_column = max(0, row - SIDELOBE), max(0, column - SIDELOBE)
    side[low_row : row + SIDELOBE + 1, low_column : column + SIDELOBE + 1] = False
    around = response[side]
    if not around.size or not around.std() > 1e-12:
        return 0.0
    # PSR = (g_max - mean of the sidelobe) / its standard deviation
    return float((response[row, column] - around.mean()) / around.std())


def warped(patch: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A patch turned and stretched a little around its middle at random: a training image."""
    height, width = patch.shape[:2]
    turn = rng.uniform(-WARP, WARP)
    cos, sin = np.cos(turn), np.sin(turn)
    affine = np.array([[cos, -sin], [sin, cos]]) + rng.uniform(-WARP, WARP, (2, 2))
    middle = np.array([width // 2, height // 2])
    # x' = M (x - middle) + middle
    matrix = np.column_stack([affine, middle - affine @ middle])
    edge = cv2.BORDER_REFLECT
    return np.asarray(cv2.warpAffine(patch, matrix, (width, height), borderMode=edge), np.uint8)


class Sight(NamedTuple):
    """What the tracker saw in its last search: for explorers, and to look inside.

    response: `(h, w)` float32; its middle is the place where the object was.
    searched: box `(4,)` xyxy pixels of the part of the frame that was searched.
    patch: `(h, w, 3)` uint8, what was there.
    prepared: `(h, w)` float32, the same as the filter sees it.
    picture: `(h, w)` float32, the filter that was used.
    ratio: the peak to sidelobe ratio of the response.
    """

    response: NDArray[np.float32]
    searched: bx.Boxes
    patch: NDArray[np.uint8]
    prepared: NDArray[np.float32]
    picture: NDArray[np.float32]
    ratio: float


class MosseTracker(Tracker):
    """Follows an object with a correlation filter that learns from every frame in which it is seen.

    side: pixels; the window is looked at with side x side pixels, or as many in another shape.
    context: how much of its own size the window reaches past the box on each side.
    sigma: pixels of the window, width of the peak that is wished for.
    warps: how many turned and stretched copies of the first patch the filter starts from.
    rate: how much of what was found goes into the filter, 0 to 1.
    regularisation: what is added to each frequency's energy, of which patches have at most 1.
    least_ratio: peak to sidelobe ratio below which the object counts as not seen: the window stays
        and nothing is learned.
    scale_step: the other sizes that are tried are 1 / scale_step and scale_step; 1 for none, as in
        the article. Danelljan et al., "Accurate Scale Estimation for Robust Visual Tracking", BMVC
        2014, learn a second filter along the sizes; here the one for places is asked.
    scale_price: how much higher another size's peak must be, as a share, for the size to change.
    seed: of the warps.

    In the article the window is the box, `sigma` 2 and `rate` 0.125; these are chosen on scenes, in
    which a window of three times the box and a filter that forgets more slowly lose less.

    Its score is `ratio / (ratio + least_ratio)`: 1/2 where the object is just not seen.
    """

    name = "mosse"
    sight: Sight | None = None

    def __init__(
        self,
        *,
        side: int = 64,
        context: float = 1.0,
        sigma: float = 1.5,
        warps: int = 8,
        rate: float = 0.06,
        regularisation: float = 0.01,
        least_ratio: float = 7.0,
        scale_step: float = 1.05,
        scale_price: float = 0.04,
        seed: int = 0,
    ) -> None:
        self.side = errors.number("side", side, low=SMALLEST_PATCH, high=512, whole=True)
        self.context = errors.number("context", context, low=0, high=4)
        self.sigma = errors.number("sigma", sigma, low=0.5, high=20)
        self.warps = int(errors.number("warps", warps, low=0, high=1000, whole=True))
        self.rate = errors.number("rate", rate, low=0, high=1)
        self.regularisation = errors.number("regularisation", regularisation, low=0, high=10)
        self.least_ratio = errors.number("least_ratio", least_ratio, low=0.1, high=100)
        self.scale_step = errors.number("scale_step", scale_step, low=1, high=1.5)
        self.scale_price = errors.number("scale_price", scale_price, low=0, high=1)
        self.seed = int(errors.number("seed", seed, low=0, whole=True))

    def _start(self, frame: Frame, box: bx.Boxes) -> None:
        center, self._box_size = bx.centers(box).astype(float), bx.sizes(box).astype(float)
        self._place = self._on_frame(center, frame)  # the window's middle
        self._offset = center - self._place  # from there to the box's, where it is not in the frame
        self._extent = np.maximum(self._box_size * (1 + 2 * self.context), SMALLEST_SIDE)
        pixels = np.rint(self._extent * self.side / np.sqrt(self._extent.prod()))
        self._pixels = np.clip(pixels, SMALLEST_PATCH, 8 * self.side).astype(int)  # width, height
        self._scale = 1.0
        self._wished = wished((int(self._pixels[1]), int(self._pixels[0])), self.sigma)
        rng = np.random.default_rng(self.seed)
        first, _ = self._window(frame, self._scale)
        images = [first, *(warped(first, rng) for _ in range(self.warps))]
        self._filter = learn([prepare(one) for one in images], self._wished, self.regularisation)
        self.sight = None

    def _step(self, frame: Frame) -> State:
        before = self._place + self._offset * self._scale
        patch, searched = self._window(frame, self._scale)
        f = prepare(patch)
        response = respond(self._filter, f)
        ratio = peak_to_sidelobe(response)
        self.sight = Sight(
            response=response.astype(np.float32),
            searched=searched.astype(np.float32),
            patch=patch,
            prepared=f.astype(np.float32),
            picture=self._filter.picture().astype(np.float32),
            ratio=ratio,
        )
        if ratio >= self.least_ratio:
            row, column = np.unravel_index(int(response.argmax()), response.shape)
            shift = peak(response, int(row), int(column)) - self._pixels // 2
            pixel = self._extent * self._scale / self._pixels  # frame pixels in one of the window's
            self._place = self._on_frame(self._place + shift * pixel, frame)
            self._resize(frame)
            found = prepare(self._window(frame, self._scale)[0])
            self._filter = self._filter.towards(found, self._wished, self.rate)
        center = self._place + self._offset * self._scale
        box = bx.cxcywh_to_xyxy([*center, *(self._box_size * self._scale)])
        velocity = (center - before).astype(np.float32)
        return State(box, velocity, max(0.0, ratio) / (max(0.0, ratio) + self.least_ratio))

    def _resize(self, frame: Frame) -> None:
        """Take the next smaller or larger size where it answers with a clearly higher peak."""
        if self.scale_step == 1:
            return
        sizes = self._scale * self.scale_step ** np.array([-1, 0, 1])
        peaks = [
            respond(self._filter, prepare(self._window(frame, size)[0])).max() for size in sizes
        ]
        # what the filter has not learned from would win by chance, and then be learned
        dearer = 1 + self.scale_price
        self._scale = float(sizes[np.argmax(peaks / np.array([dearer, 1, dearer]))])
        self._scale = float(np.clip(self._scale, *SCALE_LIMITS))

    def _window(self, frame: Frame, scale: float) -> tuple[Frame, NDArray[Any]]:
        """The part of a frame around the object's place, and its box `(4,)` in frame pixels."""
        pixel = self._extent * scale / self._pixels
        # the middle of pixel n // 2 lies on the place, as the peak that is wished for does
        low = self._place - pixel * (self._pixels // 2 + 0.5)
        box = np.concatenate([low, low + pixel * self._pixels])
        return look(frame, box, self._pixels), box

    @staticmethod
    def _on_frame(place: NDArray[Any], frame: Frame) -> NDArray[Any]:
        return np.clip(place, 0, [frame.shape[1], frame.shape[0]])
