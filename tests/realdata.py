"""Where real data lies on a development machine, and what tests do without it.

`shared/data` beside the checkout (or the folder named by `TRACKLAB_SHARED`) holds CIFAR-10 images
and real sequences. It is never part of the project: without it, tests that need it skip.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TRACKLAB_SHARED", ROOT.parent / "shared" / "data"))
CIFAR_ARCHIVE = SHARED / "cifar10-images.tar.gz"
CIFAR_FOLDER = ROOT / "data" / "cache" / "cifar10-images"

needs_real_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="no real sequences here: shared/data is not beside the checkout"
)
needs_cifar = pytest.mark.skipif(
    not (CIFAR_ARCHIVE.is_file() or os.environ.get("TRACKLAB_DATA")),
    reason="no CIFAR-10 images here: shared/data is not beside the checkout, TRACKLAB_DATA not set",
)


def point_at_cifar() -> None:
    """Unpack the CIFAR-10 images once, where they are at hand, and name them in TRACKLAB_DATA."""
    if os.environ.get("TRACKLAB_DATA") or not CIFAR_ARCHIVE.is_file():
        return
    if not CIFAR_FOLDER.is_dir():
        from tracklab import datasets

        # every worker of a test run comes here at the same time
        datasets.unpack(CIFAR_ARCHIVE, CIFAR_FOLDER, exist_ok=True)
    os.environ["TRACKLAB_DATA"] = str(CIFAR_FOLDER)
