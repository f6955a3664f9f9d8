"""CutMix: a part of another image pasted in, and the label by the areas.

Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features"
(ICCV 2019), equations 1 and 2. Pixels stay natural, where mixup makes ghosts.

Invariant: the label's share is the share of pixels, also where the part reaches over the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracklab.augment import labels as of_images
from tracklab.augment.mixup import check_pairs, only_classes, shares
from tracklab.augment.pictures import Pictures, Pixels
from tracklab.augment.transform import Mixing


@dataclass(frozen=True)
class CutMix(Mixing):
    """Each image, with a part of another of its batch at the same place.

    alpha: of the Beta distribution of the share that stays; 1 makes every share as likely.
    classes: how many there are, where labels are numbers. Labels are as `Mixup` has them.
    """

    alpha: float = 1.0
    classes: int | None = None

    def check(self) -> None:
        """Raise `InputError` for settings that are none."""
        check_pairs(self.alpha, self.classes)

    def apply(self, pictures: Pictures, rng: np.random.Generator) -> Pictures:
        """Draw partners, shares and places, and paste."""
        only_classes(pictures, "CutMix")
        rows = of_images.soft(pictures.labels, self.classes, "CutMix")
        partner, share = shares(rng, self.alpha, self.chosen(rng, len(pictures)))
        parts = cut_parts(rng, share, pictures.size)
        height, width = pictures.size
        sides = parts[:, 2:] - parts[:, :2]
        # w = 1 - |part| / |image|
        stays = (1 - sides.prod(-1) / (width * height)).astype(np.float32)
        images = pasted(pictures.images, partner, parts)
        return replace(pictures, images=images, labels=of_images.mixed(rows, rows[partner], stays))


def cut_parts(
    rng: np.random.Generator, share: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.int64]:
    """Draw where the parts are, `(N, 4)` whole `x1, y1, x2, y2`: anywhere, cut at the edge."""
    whole = np.array([size[1], size[0]])
    # r_w = W sqrt(1 - w), r_h = H sqrt(1 - w)
    sides = (whole * np.sqrt(1 - share.astype(np.float64))[:, None]).astype(int)
    low = (rng.random((len(share), 2)) * whole).astype(int) - sides // 2
    return np.concatenate([np.clip(low, 0, whole), np.clip(low + sides, 0, whole)], -1)


def pasted(images: Pixels, partner: NDArray[np.int64], parts: NDArray[np.int64]) -> Pixels:
    """Images `(N, H, W, 3)` with a part of their partner at the same place."""
    mixed = images.copy()
    for k, (x1, y1, x2, y2) in enumerate(parts.tolist()):
        # I = B I_a + (1 - B) I_b, where B is 0 in the part
        mixed[k, y1:y2, x1:x2] = images[partner[k], y1:y2, x1:x2]
    return mixed
