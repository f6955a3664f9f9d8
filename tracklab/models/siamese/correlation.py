"""A correlation filter on the embedding: MOSSE with D learned channels, learned with them.

The filter that answers the object with a narrow peak is a quotient of spectra, as in lesson 07's
MOSSE; over several channels the energies under the fraction are added up (Danelljan et al.,
"Accurate scale estimation for robust visual tracking", BMVC 2014, equation 3). Division, too, has a
gradient, so the embedding learns to be easy to filter (Valmadre et al., "End-to-end representation
learning for correlation filter based tracking", CVPR 2017; Wang et al., "DCFNet", 2017).

Invariant: answered by the filter that was learned from it, a window has its peak on the object.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tracklab.models.siamese.geometry import CELLS, PLACES, SEARCH, STRIDE
from tracklab.quiet import tf

SIGMA = 1.0  # cells: width of the peak that is wished for
LOUD = 4.0  # a response is so many times larger than the peak that is wished for


class Filter(NamedTuple):
    """Two spectra that can be averaged over time: the halves of a quotient.

    above `(N, D, CELLS, CELLS // 2 + 1)` complex64; below `(N, 1, CELLS, CELLS // 2 + 1)`.
    """

    above: Any
    below: Any


def spectrum(embedded: Any, middles: Any) -> Any:
    """`(N, D, CELLS, CELLS // 2 + 1)` of embedded windows, faded out around `middles (N, 2)`.

    A spectrum takes the window for a tile that repeats; what has faded out has no edges.
    """
    # w(d) = cos^2(pi d / (2 r)), up to the distance r of half a window
    distance = tf.clip_by_value((PLACES - middles[..., None]) / (SEARCH / 2), -1, 1)
    across, down = tf.unstack(tf.cos(math.pi / 2 * distance) ** 2, axis=1)
    faded = embedded * (down[:, :, None] * across[:, None, :])[..., None]
    return tf.signal.rfft2d(tf.transpose(faded, (0, 3, 1, 2)))


def learn(embedded: Any, middles: Any) -> Filter:
    """The filter that answers each window with a peak at `middles (N, 2)`, pixels of the window."""
    F = spectrum(embedded, middles)
    near = tf.exp(-(((PLACES - middles[..., None]) / (STRIDE * SIGMA)) ** 2) / 2)
    G = tf.signal.rfft2d(near[:, 1, :, None] * near[:, 0, None, :])[:, None]
    # A = conj(F) G,  B = sum over channels of |F|^2
    energy = tf.reduce_sum(tf.math.real(F * tf.math.conj(F)), 1, keepdims=True)
    return Filter(tf.math.conj(F) * G, energy)


def towards(old: Filter, new: Filter, rate: Any) -> Filter:
    """The old filter, moved by `rate (N,)`, 0 to 1, towards the new one."""
    rate = tf.reshape(rate, (-1, 1, 1, 1))
    mixed = tf.complex(rate, tf.zeros_like(rate))
    return Filter(
        old.above + mixed * (new.above - old.above), old.below + rate * (new.below - old.below)
    )


def respond(spectra: Any, learned: Filter, regularisation: Any) -> Any:
    """The response `(N, CELLS, CELLS, 1)` of filters to windows, from `spectrum`.

    regularisation: above 0, added to the energy of each frequency.
    """
    below = learned.below + regularisation
    # R = sum over channels of A Z / (B + r)
    R = tf.reduce_sum(learned.above * spectra, 1) / tf.complex(below, tf.zeros_like(below))[:, 0]
    return LOUD * tf.signal.irfft2d(R, (CELLS, CELLS))[..., None]
