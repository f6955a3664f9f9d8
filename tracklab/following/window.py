"""A box drawn with the mouse, in a window of OpenCV's.

    python -m tracklab.following.window PICTURE

The window lives in a process of its own, because without a display the library behind it does not
raise an error: it ends the process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import tracklab
from tracklab import boxes as bx
from tracklab import errors
from tracklab.clips import Frame

TITLE = "Draw a box around the object, then press Enter (c: cancel)"
INSTEAD = "type the box instead, --box X,Y,W,H, or let a detector start, --detect NAME"


def draw_box(frame: Frame) -> bx.Boxes:
    """The box `(4,)` xyxy pixels that is drawn on a frame `(H, W, 3)` uint8 RGB.

    Raises `MissingError` where no window can be opened, `InputError` where none was drawn, and
    `KeyboardInterrupt` where the window was ended with Ctrl-C.
    """
    frame = errors.image("frame", frame)
    linux = sys.platform.startswith("linux")
    if linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise errors.MissingError(f"there is no display on which a box could be drawn; {INSTEAD}")
    package = str(Path(tracklab.__file__).resolve().parent.parent)
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, *known])}
    with tempfile.TemporaryDirectory(prefix="tracklab-") as folder:
        picture = Path(folder) / "first.png"
        picture.write_bytes(cv2.imencode(".png", frame[..., ::-1])[1].tobytes())
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(picture)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
    if done.returncode == -signal.SIGINT:
        raise KeyboardInterrupt  # Ctrl-C ends the window first, and was meant for all
    try:
        x, y, w, h = json.loads(done.stdout)
    except (ValueError, TypeError):
        raise errors.MissingError(
            f"the window on which a box could be drawn did not open; {INSTEAD}"
        ) from None
    if not (w > 0 and h > 0):
        errors.bad("box", errors.Said("no box: the window was left without one"), INSTEAD)
    return np.array([x, y, x + w, y + h], np.float32)


def main(path: str) -> None:
    """Open the window and print x, y, width and height as JSON."""
    picture = cv2.imread(path)
    if picture is None:
        raise errors.SourceError(f"{path}: no picture")
    box = cv2.selectROI(TITLE, picture, showCrosshair=False)
    print(json.dumps([int(side) for side in box]))


if __name__ == "__main__":
    # the window waits in a library, where Python's own handler would not be heard
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main(sys.argv[1])
