"""Build the lessons: reviewed script in, executed and cleaned notebook out.

    python scripts/lessons.py build            every lesson
    python scripts/lessons.py build 01 02      some
    python scripts/lessons.py build 01 --no-run    convert and check, keep no output
    python scripts/lessons.py times            the table of measured seconds

A lesson's source is `notebooks/scripts/NN_topic.py` (jupytext, percent format). The notebook is
made from it in one direction only, because synchronising by file times loses edits after a
checkout. It is run from the top in a fresh kernel and saved as it ran, but without pictures of
other people's data, widget state or machine paths; a build that finds an error, a warning or a
path in an output fails and leaves the old notebook in place.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat
import psutil
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SCRIPTS = NOTEBOOKS / "scripts"
TIMINGS = NOTEBOOKS / "timings.json"

SIZE_LIMIT = 1_000_000  # bytes: what a web reader will still render
CELL_LIMIT = 300  # seconds until a cell is taken to hang
TRAINING_LIMIT = 60  # seconds that a training cell may take on two cores
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:work|root|tmp|home|Users|opt|var|mnt)/[\w.]|[A-Z]:\\Users"
)
FOREIGN = re.compile(r"\b(cifar10|image_folder|read_clip|read_image)\b")
HIDES_FAILURE = re.compile(
    r"# *NBVAL_(SKIP|RAISES_EXCEPTION|IGNORE_OUTPUT)|get_ipython|\bos\.system\b|\bsubprocess\b"
)
FAILED = re.compile(r"could not be drawn|It stopped with an error|✗ Not yet")
TAGS = {
    "setup",
    "hook",
    "explorer",
    "exercise",
    "gate",
    "wrong-answer",
    "training",
    "foreign-picture",
    "plot",
}


class LessonError(Exception):
    """A lesson does not hold what every lesson holds."""


def sources(numbers: list[str] | None = None) -> list[Path]:
    """The scripts of the lessons with these numbers ("01"), or of all."""
    found = sorted(SCRIPTS.glob("[0-9][0-9]_*.py"))
    if not numbers:
        return found
    chosen = [path for path in found if path.stem[:2] in {n.zfill(2) for n in numbers}]
    if len(chosen) != len(set(numbers)):
        raise LessonError(f"lessons {numbers}: there are {[path.stem for path in found]}")
    return chosen


def convert(script: Path) -> NotebookNode:
    """A script as a notebook without outputs, with cell ids that depend on the cells alone."""
    notebook = jupytext.read(script, fmt="py:percent")
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.pop("jupytext", None)
    return notebook


def tags(cell: NotebookNode) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", ()))


def front_matter_faults(notebook: NotebookNode, stem: str) -> list[str]:
    """What is missing in the front matter, or said differently in the first cell."""
    front = notebook.metadata.get("tracklab")
    if not front:
        return ["no `tracklab` front matter in the header"]
    faults = [
        f"front matter has no `{key}`"
        for key in ("title", "objectives", "builds_on", "minutes", "seconds", "measures")
        if key not in front
    ]
    if faults:
        return faults
    first = notebook.cells[0]
    text = " ".join(first.source.split())
    wanted = [f"# {stem[:2]} {front['title']}", f"{front['minutes']} minutes"]
    wanted += [f"under {front['seconds']} seconds"]
    wanted += [goal["text"] for goal in front["objectives"]]
    wanted += [f"`{goal['exercise']}`" for goal in front["objectives"]]
    wanted += list(front["measures"])
    faults += [
        f"the first cell does not say {w!r}" for w in wanted if " ".join(w.split()) not in text
    ]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    checked = set(re.findall(r"check\(\s*[\"']([\w-]+)[\"']", "\n".join(c.source for c in code)))
    assessed = {goal["exercise"] for goal in front["objectives"]}
    faults += [f"objective's exercise {name!r} is not checked" for name in assessed - checked]
    if len(checked) < 3:
        faults.append(f"{len(checked)} exercises, wanted at least 3")
    used = set().union(*(tags(cell) for cell in code))
    faults += [f"no cell tagged {tag!r}" for tag in {"hook", "explorer", "gate", "setup"} - used]
    faults += [f"unknown tag {tag!r}" for tag in used - TAGS]
    if code and "hook" not in tags(code[0]):
        faults.append("the first code cell is not the hook")
    last = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("Summary", "Common misconceptions", "Quiz", "Further reading"):
        if not re.search(rf"^#+ {heading}", last, re.MULTILINE):
            faults.append(f"no heading {heading!r}")
    return faults


def code_faults(notebook: NotebookNode) -> list[str]:
    """Cells that nbval would pass although they fail: shell escapes, magics, its own switches."""
    faults = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        try:
            ast.parse(cell.source)  # escapes, magics and "?" are IPython's own, not Python
        except SyntaxError as error:
            line = (error.text or "").strip()
            faults.append(f"cell {number}: shell escape or magic, not Python: {line!r}")
        if hiding := HIDES_FAILURE.search(cell.source):
            faults.append(f"cell {number}: {hiding[0]!r} can hide a failure")
        if "foreign-picture" in tags(cell) and not cell.metadata.get("shows"):
            faults.append(f"cell {number}: foreign-picture without shows=...")
    return faults


def has_picture(output: NotebookNode) -> bool:
    """Whether an output shows pixels: an image, a video, a widget or HTML that holds one."""
    data = output.get("data", {})
    html = "".join(data.get("text/html", ""))
    return (
        any(kind.startswith(("image/", "video/")) for kind in data)
        or WIDGET_VIEW in data
        or bool(re.search(r"<(img|video|canvas|svg)\b|data:(image|video)/", html, re.IGNORECASE))
    )


def without_foreign_pictures(cell: NotebookNode) -> None:
    """Replace the pictures of a cell by a line that says what appears when it is run."""
    kept = [output for output in cell.outputs if not has_picture(output)]
    if len(kept) < len(cell.outputs):
        line = f"(Not saved: other people's images. Run it to see {cell.metadata['shows']}.)"
        kept.append(nbformat.v4.new_output("stream", name="stdout", text=line + "\n"))
    cell.outputs = kept


def output_faults(notebook: NotebookNode) -> list[str]:
    """What must not be saved: errors, noise, failures, machine paths, undeclared pictures."""
    faults = []
    code = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    foreign = any("foreign-picture" in tags(c) or FOREIGN.search(c.source) for _, c in code)
    for number, cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"cell {number}: {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                faults.append(f"cell {number}: stderr: {output.text.strip()[:200]}")
            words = output.get("text", "") + "".join(
                str(text)
                for kind, text in output.get("data", {}).items()
                if kind.startswith(("text/", "application/json")) and len(text) < 100_000
            )
            if (failed := FAILED.search(words)) and "wrong-answer" not in tags(cell):
                faults.append(f"cell {number}: shows a failure: {failed[0]!r}")
            if path := MACHINE_PATH.search(words):
                around = words[max(0, path.start() - 30) : path.end() + 30]
                faults.append(f"cell {number}: a machine's path: {around!r}")
            if has_picture(output) and foreign and not tags(cell) & {"plot", "foreign-picture"}:
                faults.append(f"cell {number}: a picture, tagged neither plot nor foreign-picture")
            if "foreign-picture" in tags(cell) and has_picture(output):
                faults.append(f"cell {number}: a picture of other people's data is saved")
    return faults


def run(notebook: NotebookNode) -> tuple[list[float], float]:
    """Execute a notebook in a fresh kernel; wall seconds a cell, and CPU seconds of the kernel."""
    began: dict[int, float] = {}
    seconds = [0.0] * len(notebook.cells)

    def before(cell: NotebookNode, cell_index: int) -> None:
        began[cell_index] = time.perf_counter()

    def after(cell: NotebookNode, cell_index: int, **_: Any) -> None:
        seconds[cell_index] = time.perf_counter() - began[cell_index]

    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_execute=before,
        on_cell_executed=after,
    )
    with client.setup_kernel():
        process = psutil.Process(client.km.provisioner.pid)
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        cpu = process.cpu_times()
    return seconds, cpu.user + cpu.system


def clean(notebook: NotebookNode) -> None:
    """Keep what a reader needs: no widget state, no foreign pictures, one line a finished bar."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        if "foreign-picture" in tags(cell):
            without_foreign_pictures(cell)
        for output in cell.outputs:
            if WIDGET_VIEW in output.get("data", {}):
                # the view's model ends with its kernel; the picture and the words beside it stay
                del output.data[WIDGET_VIEW]
            if output.get("name") == "stdout":
                lines = output.text.split("\n")
                output.text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook beside its place, then move it there."""
    text = nbformat.writes(notebook) + "\n"
    if len(text.encode()) > SIZE_LIMIT:
        raise LessonError(f"{path.name}: {len(text.encode()) / 1e6:.2f} MB, wanted under 1 MB")
    draft = path.with_suffix(".ipynb.part")
    draft.write_text(text)
    os.replace(draft, path)


def build(script: Path, *, execute: bool = True) -> None:
    """Make one lesson's notebook from its script."""
    notebook = convert(script)
    faults = front_matter_faults(notebook, script.stem) + code_faults(notebook)
    if faults:
        raise LessonError(f"{script.stem}:\n  " + "\n  ".join(faults))
    target = NOTEBOOKS / f"{script.stem}.ipynb"
    if not execute:
        save(notebook, target)
        print(f"{script.stem}: converted, not run")
        return
    began = time.perf_counter()
    try:
        seconds, cpu = run(notebook)
    except nbclient.exceptions.CellExecutionError as error:
        raise LessonError(f"{script.stem}: {error}") from None
    wall = time.perf_counter() - began
    clean(notebook)
    faults = output_faults(notebook)
    for number, cell in enumerate(notebook.cells):
        if "training" in tags(cell) and seconds[number] > TRAINING_LIMIT:
            faults.append(f"cell {number}: trains for {seconds[number]:.0f} s, wanted under 60")
    bound = notebook.metadata["tracklab"]["seconds"]
    if wall > bound:
        faults.append(f"runs {wall:.0f} s, its front matter says under {bound}")
    if faults:
        raise LessonError(f"{script.stem}:\n  " + "\n  ".join(faults))
    save(notebook, target)
    slowest = max(range(len(seconds)), key=seconds.__getitem__)
    record(
        script.stem,
        {
            "wall_seconds": round(wall, 1),
            "cpu_seconds": round(cpu, 1),
            "slowest_cell_seconds": round(seconds[slowest], 1),
            "bytes": target.stat().st_size,
        },
    )
    print(f"{script.stem}: {wall:.1f} s, {cpu:.1f} CPU-s, slowest cell {seconds[slowest]:.1f} s")


def record(stem: str, row: dict[str, Any]) -> None:
    """Store the measured seconds of a lesson."""
    table = read_timings()
    table[stem] = row
    draft = TIMINGS.with_suffix(".part")
    draft.write_text(json.dumps(dict(sorted(table.items())), indent=2) + "\n")
    os.replace(draft, TIMINGS)


def read_timings() -> dict[str, dict[str, Any]]:
    """The stored seconds of every lesson, by its name."""
    return json.loads(TIMINGS.read_text()) if TIMINGS.exists() else {}


def times() -> str:
    """The table of measured seconds."""
    rows = [f"{'lesson':<32}{'wall s':>8}{'CPU s':>8}{'slowest cell s':>16}{'kB':>8}"]
    table = read_timings()
    for stem, row in table.items():
        rows.append(
            f"{stem:<32}{row['wall_seconds']:>8.1f}{row['cpu_seconds']:>8.1f}"
            f"{row['slowest_cell_seconds']:>16.1f}{row['bytes'] / 1000:>8.0f}"
        )
    walls = sum(row["wall_seconds"] for row in table.values())
    cpus = sum(row["cpu_seconds"] for row in table.values())
    rows.append(f"{'all':<32}{walls:>8.1f}{cpus:>8.1f}")
    return "\n".join(rows)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build", help="make notebooks from their scripts")
    builder.add_argument("lessons", nargs="*", help="numbers, such as 01; none means all")
    builder.add_argument("--no-run", action="store_true", help="convert and check, run nothing")
    commands.add_parser("times", help="print the table of measured seconds")
    options = parser.parse_args()
    if options.command == "build":
        sys.path.insert(0, str(ROOT / "tests"))
        import realdata

        realdata.point_at_cifar()
        failed = 0
        for script in sources(options.lessons):
            try:
                build(script, execute=not options.no_run)
            except LessonError as error:
                print(error, file=sys.stderr)
                failed += 1
        if failed:
            return 1
    print(times())
    return 0


if __name__ == "__main__":
    sys.exit(main())
