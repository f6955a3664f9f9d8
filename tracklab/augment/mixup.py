"""Mixup: two images in one, and the label as mixed as they are.

Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond empirical risk minimization" (2018), equation 1.

Invariant: the label says how much of the image is of which class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tracklab import errors
from tracklab.augment import labels as of_images
from tracklab.augment.pictures import Pictures, Pixels
from tracklab.augment.sampler import rounded
from tracklab.augment.transform import Mixing


@dataclass(frozen=True)
class Mixup(Mixing):
    """Each image and another of its batch, laid over each other.

    alpha: of the Beta distribution that shares are drawn from, above 0: near 0 one image nearly has
    all, 1 makes every share as likely. classes: how many there are, where labels are numbers.

    Labels become rows `(N, C)`. An image of objects in boxes has no label of its own: with boxes it
    raises `InputError`, and so it does for other labels than classes.
    """

    alpha: float = 0.2
    classes: int | None = None

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        check_pairs(self.alpha, self.classes)

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Draw partners and shares, and mix."""
        only_classes(pictures, "Mixup")
        rows = of_images.soft(pictures.labels, self.classes, "Mixup")
        partner, share = shares(rng, self.alpha, self.chosen(rng, len(pictures)))
        images = blended(pictures.images, partner, share)
        return replace(pictures, images=images, labels=of_images.mixed(rows, rows[partner], share))


def check_pairs(alpha: float, classes: int | None) -> None:
    """Raise `InputError` for settings that are none, of what mixes pairs of images."""
    errors.number("alpha", alpha, low=1e-3, high=1e3)
    if classes is not None:
        errors.number("classes", classes, low=1, whole=True)


def only_classes(pictures: Pictures, name: str) -> None:
    """Raise `InputError` where labels are of boxes."""
    if pictures.boxes is not None:
        came = errors.Said("images with boxes")
        errors.bad(f"labels, for {name}", came, "labels of whole images (for boxes: Mosaic)")


def shares(
    rng: np.random.Generator, alpha: float, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw a partner for each image, and what share of the result is its own."""
    partner = rng.permutation(len(chosen))
    # w ~ Beta(alpha, alpha)
    share = rng.beta(alpha, alpha, len(chosen))
    return partner, np.where(chosen, share, 1).astype(np.float32)


def blended(images: Pixels, partner: NDArray[np.int64], share: NDArray[np.float32]) -> Pixels:
    """Images `(N, H, W, 3)`, each laid over its partner, through OpenCV."""
    mixed = np.empty_like(images)
    for k, (other, weight) in enumerate(zip(partner.tolist(), share.tolist(), strict=True)):
        # I = w I_a + (1 - w) I_b
        cv2.addWeighted(images[k], weight, images[other], 1 - weight, 0, dst=mixed[k])
    return mixed


def by_hand(images: Pixels, partner: NDArray[np.int64], share: NDArray[np.float32]) -> Pixels:
    """`blended`, written out for the whole batch."""
    weight = share[:, None, None, None].astype(np.float64)
    # I = w I_a + (1 - w) I_b
    return rounded(weight * images + (1 - weight) * images[partner])
