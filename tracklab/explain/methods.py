"""All methods under one roof: a target and an image in, a map of the image out.

Invariant: each gives `(H, W)` float32, finite, 0 or more, large where much speaks for the answer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors
from tracklab.explain.baselines import chance, edges, middle
from tracklab.explain.gradcam import grad_cam
from tracklab.explain.integrated_gradients import integrated
from tracklab.explain.occlusion_sensitivity import occlusion
from tracklab.explain.saliency import smooth, vanilla
from tracklab.explain.target import Floats, Target

Method = Callable[[Target, ArrayLike], Floats]

SALIENCY, SMOOTH, INTEGRATED = "saliency", "smoothgrad", "integrated gradients"
GRAD_CAM, LOCAL_CAM, OCCLUSION = "grad-cam", "grad-cam, local", "occlusion"
EDGES, MIDDLE, CHANCE = "edges", "middle", "chance"


def _integrated(target: Target, image: ArrayLike) -> Floats:
    return positive(integrated(target, image).shares)


def _local(target: Target, image: ArrayLike) -> Floats:
    return grad_cam(target, image, local=True)


def _occlusion(target: Target, image: ArrayLike) -> Floats:
    return positive(occlusion(target, image))


METHODS: dict[str, Method] = {
    SALIENCY: vanilla,
    SMOOTH: smooth,
    INTEGRATED: _integrated,
    GRAD_CAM: grad_cam,
    LOCAL_CAM: _local,
    OCCLUSION: _occlusion,
}
BASELINES: dict[str, Method] = {
    EDGES: edges,
    MIDDLE: middle,
    CHANCE: chance,
}
ALL = METHODS | BASELINES


def explain(method: str, target: Target, image: ArrayLike) -> Floats:
    """The map `(H, W)` of a method, one of `METHODS` or `BASELINES`, with its usual options.

    target: what is explained. image: `(H, W, 3)` of the target's size, pixels 0 to 255. Raises
    `InputError` for another method or image.
    """
    return ALL[errors.choice("method", method, ALL)](target, image)


def positive(signed: ArrayLike) -> Floats:
    """What speaks for the answer; what speaks against it is 0."""
    return np.maximum(np.asarray(signed, np.float32), 0)
