"""Tracking by regression, the counterpoint to `siamese`: two crops in, a box out.

`Regressor` is the network, with a recurrent layer or without; `train` teaches it, on the same clips
as the others (`siamese.Films`); `Running` is it at work. There are no shipped weights.
"""

from tracklab.models.regression.network import Regressor, Running
from tracklab.models.regression.recipe import train

__all__ = ["Regressor", "Running", "train"]
