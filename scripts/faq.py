"""The FAQ: a reviewed text in, the same text with the figures that the lessons measured out.

    python scripts/faq.py

The text is `notebooks/scripts/FAQ.md`. Between double braces it names what a saved lesson holds:

    {{07 | recurrent | success AUC}}  row and column of one of its tables, the gate's first
    {{02 ~ a gap of ([0-9.]+) points}}  a figure in a sentence: what the pattern's group finds
    {{05 # through time}}  a section: the first heading in which these words stand
    {{05}}  the lesson

A third name, after the column, is another row of the table that is meant, where several have the
first. Each becomes a link to the lesson's cell. A column without a head is named by its number, 0
being the first. Tables are those in Markdown, and those printed with two spaces or more between the
columns.

Invariant: every figure of `notebooks/FAQ.md` stands in the cell that it links to; what a lesson
does not hold is an error, and never an old figure.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
TEXT = NOTEBOOKS / "scripts" / "FAQ.md"
PAGE = NOTEBOOKS / "FAQ.md"

NAMED = re.compile(r"\{\{\s*(\d\d)\s*(?:([|#~])\s*([^{}]+?)\s*)?\}\}")
RULE = re.compile(r"\|[\s:|-]+\|")  # the line below a table's head

Table = list[list[str]]


class FaqError(Exception):
    """The text names what no lesson holds."""


def page(text: str, notebooks: Path = NOTEBOOKS) -> str:
    """The text with everything between double braces replaced. Raises `FaqError`."""

    def put(found: re.Match[str]) -> str:
        number, kind, rest = found.groups()
        lessons = sorted(notebooks.glob(f"{number}_*.ipynb"))
        if not lessons:
            raise FaqError(f"{found[0]}: there is no lesson {number}")
        lesson = lessons[0]
        try:
            if kind == "|":
                said, cell = figure(lesson, *_names(rest))
            elif kind == "~":
                said, cell = sentence(lesson, rest)
            elif kind == "#":
                said, cell = section(lesson, rest)
            else:
                return f"[lesson {number}]({lesson.name})"
        except FaqError as error:
            raise FaqError(f"{found[0]}: {error}") from None
        return f"[{said}]({lesson.name}#cell-id={cell})"

    done = NAMED.sub(put, text)
    if left := re.search(r"\{\{[^\n]*", done):
        raise FaqError(f"{left[0]!r} is none of the forms: {{{{NN}}}}, {{{{NN | row | column}}}}")
    return done


def _names(rest: str) -> list[str]:
    found = re.split(r"\s*\|\s*", rest)
    if len(found) not in (2, 3):
        raise FaqError(f"{len(found)} names, wanted a row, a column, and perhaps another row")
    return found


def figure(lesson: Path, row: str, column: str, beside: str = "") -> tuple[str, str]:
    """What stands in a row and a column of a lesson's tables, and the id of the cell that shows it.

    A table of the lesson's gate comes first, then the others from the top. beside: another row that
    the table must have, where several have the first.
    """
    names: list[str] = []
    for cell, table in tables(lesson):
        head, *body = table
        names += [line[0] for line in body if line[0] not in names]
        place = head.index(column) if column in head else int(column) if column.isdigit() else 0
        if not 0 < place < len(head) or (beside and beside not in {line[0] for line in body}):
            continue
        for line in body:
            if line[0] == row and line[place]:
                return line[place], cell
    raise FaqError(f"no table of {lesson.name} has it; its rows are {names}")


def sentence(lesson: Path, pattern: str) -> tuple[str, str]:
    """What a pattern's one group finds in what a lesson says, and the id of the cell."""
    wanted = re.compile(pattern)
    if wanted.groups != 1:
        raise FaqError(f"{wanted.groups} groups in the pattern, wanted 1")
    for cell, text in outputs(lesson):
        if found := wanted.search(text):
            return found[1], cell
    raise FaqError(f"nothing that {lesson.name} says is like this")


def section(lesson: Path, words: str) -> tuple[str, str]:
    """The first heading with these words in it, without its number, and the id of its cell."""
    for cell in saved(lesson):
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            heading = re.fullmatch(r"#+ (?:\d+\. )?(.*)", line)
            if heading and words.lower() in heading[1].lower():
                return heading[1], cell.id
    raise FaqError(f"no heading of {lesson.name} has these words")


@cache
def saved(lesson: Path) -> list[nbformat.NotebookNode]:
    """The cells of a saved lesson: a notebook full of pictures is read once."""
    return list(nbformat.read(lesson, as_version=4).cells)


@cache
def outputs(lesson: Path) -> list[tuple[str, str]]:
    """What a saved lesson says, in Markdown or in print, each with the id of its cell."""
    code = [c for c in saved(lesson) if c.cell_type == "code"]
    code.sort(key=lambda cell: "gate" not in cell.metadata.get("tags", ()))  # a stable sort
    return [
        (cell.id, output.get("data", {}).get("text/markdown") or output.get("text", ""))
        for cell in code
        for output in cell.outputs
    ]


def tables(lesson: Path) -> list[tuple[str, Table]]:
    """The tables that a saved lesson shows, each with the id of its cell."""
    return [(cell, table) for cell, text in outputs(lesson) for table in read_tables(text)]


def read_tables(text: str) -> list[Table]:
    """The tables of a text: lines of cells, the head first, without marks of Markdown."""
    found: list[Table] = []
    grows = False  # whether the last line belongs to the last table
    before: list[str] = []
    for line in text.splitlines():
        if RULE.fullmatch(line.strip()):
            continue
        row = cells(line)
        if grows and len(row) == len(found[-1][0]):
            found[-1].append(row)
        elif grows := len(before) > 1 and 0 <= len(row) - len(before) <= 1:
            # a printed table's first column may have no head
            found.append([[""] * (len(row) - len(before)) + before, row])
        before = row
    return found


def cells(line: str) -> list[str]:
    """The cells of one line of a table, in Markdown or printed."""
    line = line.strip()
    row = line[1:-1].split("|") if line.startswith("|") else re.split(r"\s{2,}", line)
    return [cell.strip().strip("*`") for cell in row]


def write(text: Path = TEXT, out: Path = PAGE, notebooks: Path = NOTEBOOKS) -> None:
    """Write the page beside its place, then move it there."""
    done = page(text.read_text(), notebooks)
    draft = out.with_suffix(".part")
    draft.write_text(done)
    os.replace(draft, out)


def main() -> int:
    """The command line."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    try:
        write()
    except FaqError as error:
        print(f"FAQ.md: {error}", file=sys.stderr)
        return 1
    print(f"{PAGE.relative_to(ROOT)}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
