"""Grad-CAM: the maps of a layer, weighted by how much the answer wants of each.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization"
(ICCV 2017). `local` weighs in each place by itself (Draelos and Carin, "Use HiResCAM instead of
Grad-CAM for faithful explanations of convolutional neural networks", 2020): what is asked of one
anchor or one cell need not hold elsewhere.

Invariant: where the gradient is the same in all places, both are the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from tracklab.explain.target import Floats, Target


def grad_cam(target: Target, image: ArrayLike, *, layer: str = "", local: bool = False) -> Floats:
    """What speaks for the answer, `(H, W)`, 0 or more; as coarse as the layer is.

    image: `(H, W, 3)`, pixels 0 to 255. layer: one of the target's; its last if empty. local:
    weigh in each place by itself.

    Raises `InputError` for another layer or size.
    """
    return enlarged(coarse(*target.maps(image, layer)[1:], local=local), target.size)


def coarse(maps: ArrayLike, slopes: ArrayLike, *, local: bool = False) -> Floats:
    """The same on the layer's own grid, `(h, w)`, from its maps and their slopes `(h, w, C)`."""
    A, slope = np.asarray(maps, np.float32), np.asarray(slopes, np.float32)
    # a_k = 1/Z sum over ij of dy / dA_ijk: equation 1
    weights = slope if local else slope.mean((0, 1), keepdims=True)
    # L = ReLU(sum over k of a_k A_k): equation 2
    return np.asarray(np.maximum((weights * A).sum(-1), 0))


def enlarged(small: Floats, size: tuple[int, int]) -> Floats:
    """A map drawn over an image of `size` (height, width): read between its places."""
    large = cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.maximum(large, 0), np.float32)
