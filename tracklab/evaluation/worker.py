"""A process that runs trackers, one after the other, as it is told on its standard input.

    python -m tracklab.evaluation.worker

A line in is one task, as JSON; lines out tell how far it is and how it ended. It uses one thread,
so that processor times say what a tracker costs and several processes do not stand in each other's
way. It is another process because a tracker can take its own along: then only that task is lost.

Invariant: each task is answered once, with "done" or with "failed", or the process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracklab import errors, trackers
from tracklab.clips import Clip, Frame
from tracklab.evaluation import store
from tracklab.evaluation.entrants import Entrant, parse
from tracklab.evaluation.objects import OneObject

SECONDS_BETWEEN_LINES = 0.2
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def main() -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who gives the tasks
    import cv2

    cv2.setNumThreads(1)
    # Lines for the other process go where nothing else is written; what libraries print does not.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.simplefilter("ignore")

    def tell(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    for line in sys.stdin:
        task = json.loads(line)
        try:
            entrant = parse(task["tracker"])
            if "object" in task:
                _run(entrant, task, tell)
            else:
                entrant.create()
        except errors.TracklabError as error:
            tell(failed=" ".join(str(error).split()), missing=_missing(error))
        except Exception as error:  # whatever a tracker raises, the others are still to come
            tell(failed=f"{type(error).__name__}: {' '.join(str(error).split())}", missing=False)
        else:
            tell(done=True)


def _run(entrant: Entrant, task: dict[str, Any], tell: Any) -> None:
    one = OneObject(**task["object"])
    clip = one.clip(task["frames"])
    assert clip.truth is not None
    tracker = entrant.create()
    track = trackers.run(tracker, _watched(clip, tell), clip.truth.boxes[0, 0])
    assert track.cpu_seconds is not None
    run = store.Run(store.said(track.boxes), track.seconds, track.cpu_seconds)
    store.write(Path(task["folder"]), entrant, one, run, task["mark"])


def _watched(clip: Clip, tell: Any) -> Iterator[Frame]:
    """The frames of a clip, in order; tells now and then how many have been taken."""
    last = time.monotonic()
    for number, frame in enumerate(clip):
        if time.monotonic() > last + SECONDS_BETWEEN_LINES:
            tell(frames=number)
            last = time.monotonic()
        yield frame


def _missing(error: errors.TracklabError) -> bool:
    return isinstance(error, errors.MissingError)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main()
