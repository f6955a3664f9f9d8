"""Lessons: script and notebook hold the same cells, nothing is saved that should not be."""

import importlib.util
import json
import re

import jupytext
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from realdata import ROOT

_spec = importlib.util.spec_from_file_location("lessons", ROOT / "scripts" / "lessons.py")
lessons = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lessons)

STEMS = [path.stem for path in lessons.sources()]
LESSON_SECONDS, COURSE_SECONDS = 180, 25 * 60


def saved(stem):
    return nbformat.read(lessons.NOTEBOOKS / f"{stem}.ipynb", as_version=4)


def cells(notebook):
    return [
        (
            cell.id,
            cell.cell_type,
            cell.source,
            sorted(lessons.tags(cell)),
            cell.metadata.get("shows"),
        )
        for cell in notebook.cells
    ]


def test_every_script_has_a_notebook_and_the_other_way_round():
    notebooks = sorted(path.stem for path in lessons.NOTEBOOKS.glob("*.ipynb"))
    assert notebooks == STEMS
    assert len({stem[:2] for stem in STEMS}) == len(STEMS)


@pytest.mark.parametrize("stem", STEMS)
def test_pair_is_in_sync(stem):
    script = lessons.convert(lessons.SCRIPTS / f"{stem}.py")
    notebook = saved(stem)
    assert cells(notebook) == cells(script)
    assert notebook.metadata["tracklab"] == script.metadata["tracklab"]


@pytest.mark.parametrize("stem", STEMS)
def test_lesson_holds_what_every_lesson_holds(stem):
    script = lessons.convert(lessons.SCRIPTS / f"{stem}.py")
    assert lessons.front_matter_faults(script, stem) == []
    assert lessons.code_faults(script) == []


@pytest.mark.parametrize("stem", STEMS)
def test_saved_notebook_is_fit_to_be_read(stem):
    path = lessons.NOTEBOOKS / f"{stem}.ipynb"
    assert path.stat().st_size < lessons.SIZE_LIMIT
    notebook = saved(stem)
    assert lessons.output_faults(notebook) == []
    assert "widgets" not in notebook.metadata
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "not run from the top in one go"


@pytest.mark.parametrize("stem", STEMS)
def test_pictures_of_other_peoples_data_are_not_saved(stem):
    for cell in saved(stem).cells:
        if "foreign-picture" in lessons.tags(cell):
            assert not any(lessons.has_picture(output) for output in cell.outputs)
            text = "".join(output.get("text", "") for output in cell.outputs)
            assert cell.metadata["shows"] in text


@pytest.mark.parametrize("stem", STEMS)
def test_lesson_runs_in_its_time(stem):
    row = lessons.read_timings()[stem]
    bound = saved(stem).metadata["tracklab"]["seconds"]
    assert row["wall_seconds"] <= bound <= LESSON_SECONDS


def test_course_runs_in_its_time():
    table = lessons.read_timings()
    assert sorted(table) == STEMS
    assert sum(row["wall_seconds"] for row in table.values()) <= COURSE_SECONDS


def test_readme_lists_every_lesson_with_its_minutes():
    readme = (ROOT / "README.md").read_text()
    for stem in STEMS:
        front = saved(stem).metadata["tracklab"]
        link = re.escape(f"[{front['title']}](notebooks/{stem}.ipynb)")
        row = rf"\| {link} \| .* \| {front['minutes']} \| {front['seconds']} \|"
        assert re.search(row, readme), f"README has no row for {stem}: {row}"


@pytest.mark.parametrize(
    "line",
    [
        "!exit 3",
        "%nosuchmagic",
        "if a:\n    %matplotlib inline",
        "files = !ls",
        "x = %time 1",
        "np.sum?",
        "get_ipython().system('exit 3')",
        "import os; os.system('exit 3')",
        "# NBVAL_RAISES_EXCEPTION\nraise ValueError",
        "# NBVAL_SKIP",
    ],
)
def test_shell_escapes_and_magics_are_found(line):
    notebook = new_notebook(cells=[new_code_cell(f"a = 7 % 2\n{line}")])
    assert len(lessons.code_faults(notebook)) == 1


def test_ordinary_code_is_not_taken_for_magic():
    code = 'a = 7 % 2\nb = a != 3\nprint(f\'{a:%}\', """really?\n!no""")\nc = (a\n     % 2)'
    assert lessons.code_faults(new_notebook(cells=[new_code_cell(code)])) == []


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (new_output("stream", name="stderr", text="W0000 noise"), "stderr"),
        (new_output("stream", name="stdout", text="saved in /home/me/x.png"), "machine's path"),
        (new_output("error", ename="ValueError", evalue="no", traceback=[]), "ValueError"),
        (new_output("display_data", {"text/html": "<p>/Users/me/x</p>"}), "machine's path"),
        (new_output("display_data", {"text/html": "<p>/root/.keras</p>"}), "machine's path"),
        (new_output("stream", name="stdout", text="C:\\Users\\me"), "machine's path"),
        (new_output("display_data", {"text/plain": "✗ Not yet: 00-speed"}), "shows a failure"),
        (new_output("display_data", {"text/html": "This could not be drawn."}), "shows a failure"),
    ],
)
def test_what_must_not_be_saved_is_found(output, said):
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output])])
    (fault,) = lessons.output_faults(notebook)
    assert said in fault


def test_foreign_pictures_are_replaced_by_words_and_must_be_declared():
    picture = new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"})
    plain = new_output("stream", name="stdout", text="accuracy 0.7\n")
    tagged = {"tags": ["foreign-picture"], "shows": "sixteen cats"}
    notebook = new_notebook(
        cells=[
            new_code_cell("draw()", metadata=tagged, outputs=[plain, picture]),
            new_code_cell("plot()", outputs=[picture]),
        ]
    )
    assert len(lessons.output_faults(notebook)) == 2
    lessons.clean(notebook)
    assert "sixteen cats" in notebook.cells[0].outputs[-1].text
    assert notebook.cells[0].outputs[0].text == "accuracy 0.7\n"
    (fault,) = lessons.output_faults(notebook)
    assert "tagged neither plot nor foreign-picture" in fault
    notebook.cells[1].metadata["tags"] = ["plot"]
    assert lessons.output_faults(notebook) == []


@pytest.mark.parametrize(
    "data",
    [{"image/png": "aGk="}, {"text/html": "<IMG src=x>"}, {"text/html": "url(data:image/png"}],
)
def test_a_lesson_that_loads_foreign_images_declares_every_picture(data):
    loads = new_code_cell("data = datasets.cifar10()")
    draws = new_code_cell("draw(data)", outputs=[new_output("display_data", data)])
    (fault,) = lessons.output_faults(new_notebook(cells=[loads, draws]))
    assert "tagged neither" in fault
    assert lessons.output_faults(new_notebook(cells=[draws])) == []


def test_a_finished_progress_bar_is_one_line():
    bar = new_output("stream", name="stdout", text="\r 10 %\r 50 %\r100 %\ndone\n")
    notebook = new_notebook(cells=[new_code_cell("fit()", outputs=[bar])])
    lessons.clean(notebook)
    assert notebook.cells[0].outputs[0].text == "100 %\ndone\n"


def test_cell_ids_depend_on_the_cells_alone(tmp_path):
    script = tmp_path / "00_x.py"
    script.write_text("# %% [markdown]\n# Hello\n\n# %%\n1\n\n# %%\n1\n")
    first, second = lessons.convert(script), lessons.convert(script)
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells]
    assert len({cell.id for cell in first.cells}) == 3


def test_a_failing_build_leaves_the_old_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(lessons, "front_matter_faults", lambda notebook, stem: [])
    old = tmp_path / "00_x.ipynb"
    old.write_text("the old one")
    script = tmp_path / "00_x.py"
    jupytext.write(new_notebook(cells=[new_code_cell("raise ValueError('broken')")]), script)
    with pytest.raises(lessons.LessonError, match="broken"):
        lessons.build(script)
    assert old.read_text() == "the old one"
    assert not list(tmp_path.glob("*.part"))


def test_timings_are_stored_beside_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "TIMINGS", tmp_path / "timings.json")
    row = {"wall_seconds": 2.0, "cpu_seconds": 3.0, "slowest_cell_seconds": 1.0, "bytes": 9000}
    lessons.record("01_b", row)
    lessons.record("00_a", row)
    assert list(json.loads((tmp_path / "timings.json").read_text())) == ["00_a", "01_b"]
    assert lessons.times().splitlines()[-1].split() == ["all", "4.0", "6.0"]
