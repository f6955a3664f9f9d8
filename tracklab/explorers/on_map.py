"""An explorer with a map on which its start is dragged, and panels below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tracklab import plots
from tracklab.explorers import still, terrain
from tracklab.explorers.pad import Pad
from tracklab.explorers.shell import Explorer


class OnMap(Explorer):
    """An explorer whose start is dragged on a map, which stands above the other panels.

    chart: pure function of the controls' values to the map. view_of: what of the surface is seen,
    by the same values.
    """

    def __init__(self, *args: Any, chart: Any, view_of: Any, **options: Any) -> None:
        self.chart, self.view_of = chart, view_of
        self.pad: Pad | None = None
        super().__init__(*args, **options)
        (self.pad,) = (v for v in self._values.values() if isinstance(v, Pad))
        self._paint(self.params)

    def _show(self, params: dict[str, Any]) -> None:
        super()._show(params)
        self._paint(params)

    def _paint(self, params: Mapping[str, Any]) -> None:
        if self.pad is None or self.error is not None:
            return
        picture = plots.encode_png(self.chart(**params))
        with self.pad.hold_sync():
            self.pad.domain = list(self.view_of(**params).domain)
            self.pad.picture = picture
            self.pad.alt = self.caption

    def standing(self) -> bytes:
        """Map and panels in one picture, for readers without a kernel."""
        params = self.params
        view, sheet = self.view_of(**params), self.chart(**params)
        terrain.ring(sheet, *view.pixels(view.point(params["start"])))
        below = plots.decode(self.picture)
        wide = max(sheet.shape[1], below.shape[1])
        filled = [
            np.pad(p, ((0, 0), (0, wide - p.shape[1]), (0, 0)), constant_values=255)
            for p in (sheet, below)
        ]
        return plots.encode_png(np.concatenate(filled), effort=9)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return still.bundle(self.model_id, self.standing(), self._words())

    def _ipython_display_(self, **_: Any) -> None:
        still.show(self.model_id, self.standing(), self._words())
