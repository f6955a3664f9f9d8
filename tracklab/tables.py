"""Tables as text: aligned for a terminal, separated by commas for other programs, HTML for a
notebook.

Invariant: a reader of CSV finds in `csv_text(rows)` the cells of the rows, with all commas, quotes
and line feeds in them; what is not known (None, NaN) is an empty cell.
"""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Cells as lines of text, the first column to the left and the others to the right.

    >>> print(aligned([["method", "loss"], ["adam", "0.25"], ["sgd", "12"]]))
    method  loss
    adam    0.25
    sgd       12
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    r"""Rows as CSV, with a head; nothing for no rows.

    columns: those of the first row if None. A row need not have all of them.

    >>> csv_text([{"method": "adam", "loss": 0.25}, {"method": "sgd", "loss": float("nan")}])
    'method,loss\nadam,0.25\nsgd,\n'
    """
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if columns is None else columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: "" if unknown(value) else value for name, value in row.items()} for row in rows
    )
    return out.getvalue()


def html_table(rows: Sequence[Sequence[str]], caption: str) -> str:
    """Cells as an HTML table, the first row its head; `caption` says what it shows."""
    head, *body = rows
    heads = "".join(
        f'<th scope="col" style="text-align:{_side(place)}">{html.escape(cell)}</th>'
        for place, cell in enumerate(head)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{_side(place)};white-space:nowrap">{html.escape(cell)}</td>'
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in body
    )
    return (
        f"<table><caption style='text-align:left;white-space:pre-line'>{html.escape(caption)}"
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    )


def unknown(value: Any) -> bool:
    """Whether a cell is one that is not known."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _side(place: int) -> str:
    return "left" if place == 0 else "right"
