"""TensorFlow and Keras, quiet and repeatable: `from tracklab.quiet import keras, tf`.

TensorFlow writes several lines to the process's standard error before its own logger has started,
so no environment variable can stop them. Here the file descriptor itself looks away while
TensorFlow is imported and runs its first operation, and looks back again afterwards: errors that
come later are seen.

Invariant: every operation is deterministic (the same seed, machine and number of threads give the
same bits), whatever else has been set.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["keras", "silenced", "tf"]

STANDARD_ERROR = 2

# Warnings and information stay quiet; errors are shown. Whoever has set it keeps their choice.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Nothing that is written to standard error, by Python or by C++, is shown inside the block."""
    sys.stderr.flush()
    try:
        kept = os.dup(STANDARD_ERROR)
    except OSError:  # a process that was started without a standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STANDARD_ERROR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)
        os.close(nowhere)


with silenced():
    import keras
    import tensorflow as tf

    # Without this, gradients of some operations and parallel `tf.data` maps are summed in the
    # order in which threads happen to finish.
    tf.config.experimental.enable_op_determinism()
    # In this mode TensorFlow's own random operations (and with them Keras' `model.fit`) refuse to
    # run without a seed. This is the one they have until somebody sets another.
    tf.random.set_seed(0)
    tf.ones(1)  # the last of the lines comes with the first operation
