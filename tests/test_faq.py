"""The FAQ: every figure comes from a lesson's table and links to the cell that shows it."""

import re

import nbformat
import pytest

from scripts import faq

PRINTED = """seeds differ by 0.03 in a run
             AUC   P20  CPU ms
our own    0.310  0.90     1.5
their own  0.290  0.80    20.5
two lines  of another form
"""
GATE = "| tracker | AUC | |\n|---|---|---|\n| **ours** | 0.75 | `a` |\n| theirs | 0.5 | |\n"
OTHER = "First:\n\n| tracker | AUC | fps |\n|---|---|---|\n| ours | 0.1 | 9 |\n| slow | 0.2 | |\n\n"
OTHER += "| slow | of |\n|:--|--:|\n| slow | 7 |"


@pytest.fixture
def lessons(tmp_path):
    def code(cell_id, output, tags=()):
        return nbformat.v4.new_code_cell(
            "x", id=cell_id, outputs=[output], metadata={"tags": list(tags)}
        )

    def shown(markdown):
        return nbformat.v4.new_output("display_data", {"text/markdown": markdown})

    made = [
        nbformat.v4.new_markdown_cell("# 07 Title\n\n## 3. Gates and doors", id="words"),
        code("print", nbformat.v4.new_output("stream", name="stdout", text=PRINTED)),
        code("other", shown(OTHER)),
        code("gate", shown(GATE), ["gate"]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=made), tmp_path / "07_title.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("{{07 | ours | AUC}}", "[0.75](07_title.ipynb#cell-id=gate)"),  # the gate comes first
        ("{{07|theirs|1}}", "[0.5](07_title.ipynb#cell-id=gate)"),
        ("{{07 | ours | 2}}", "[a](07_title.ipynb#cell-id=gate)"),
        ("{{07 | ours | fps}}", "[9](07_title.ipynb#cell-id=other)"),
        ("{{07 | slow | of}}", "[7](07_title.ipynb#cell-id=other)"),
        ("{{07 | ours | AUC | slow}}", "[0.1](07_title.ipynb#cell-id=other)"),
        ("{{07 | their own | CPU ms}}", "[20.5](07_title.ipynb#cell-id=print)"),
        ("{{07 ~ differ by ([0-9.]+) in}}", "[0.03](07_title.ipynb#cell-id=print)"),
        ("{{07 # doors}}", "[Gates and doors](07_title.ipynb#cell-id=words)"),
        ("{{ 07 }}", "[lesson 07](07_title.ipynb)"),
    ],
)
def test_a_name_becomes_what_it_names(lessons, named, said):
    assert faq.page(f"It is {named}.", lessons) == f"It is {said}."


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("{{08}}", "no lesson 08"),
        (
            "{{07 | nobody | AUC}}",
            "its rows are ['ours', 'theirs', 'our own', 'their own', 'slow']",
        ),
        ("{{07 | ours | speed}}", "no table"),
        ("{{07 | ours | AUC | fast}}", "no table"),
        ("{{07 | slow | fps}}", "no table"),  # an empty cell is no figure
        ("{{07 | ours | 0}}", "no table"),
        ("{{07 | ours}}", "1 names, wanted a row, a column"),
        ("{{07 ~ differ by 0}}", "0 groups"),
        ("{{07 ~ agree by (.*)}}", "nothing that 07_title.ipynb says"),
        ("{{07 # windows}}", "no heading"),
        ("{{7 | ours | AUC}}", "none of the forms"),
    ],
)
def test_what_no_lesson_holds_is_an_error(lessons, named, said):
    with pytest.raises(faq.FaqError, match=re.escape(said)):
        faq.page(f"It is {named}.", lessons)


def test_a_page_that_cannot_be_made_leaves_the_old_one(lessons):
    text, out = lessons / "text.md", lessons / "FAQ.md"
    text.write_text("{{07 | ours | AUC}}")
    faq.write(text, out, lessons)
    made = out.read_text()
    assert "0.75" in made
    text.write_text("{{99}}")
    with pytest.raises(faq.FaqError):
        faq.write(text, out, lessons)
    assert out.read_text() == made
    assert not list(lessons.glob("*.part"))


def test_the_page_holds_what_the_saved_lessons_hold():
    assert faq.PAGE.read_text() == faq.page(faq.TEXT.read_text()), "run: python scripts/faq.py"
