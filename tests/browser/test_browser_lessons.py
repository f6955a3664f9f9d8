"""Every lesson's explorers, from the lesson's own cells, in a real browser by keyboard."""

import lab
import nbformat
import pytest
from realdata import ROOT, point_at_cifar

pytestmark = pytest.mark.browser


def tagged(path):
    """The sources of a lesson's cells that its explorers need, in order, and of the explorers."""
    cells = nbformat.read(path, 4).cells
    tags = [set(cell.metadata.get("tags", ())) for cell in cells]
    needed = [c.source for c, t in zip(cells, tags, strict=True) if t & {"setup", "explorer"}]
    return needed, any("explorer" in t for t in tags)


LESSONS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if tagged(path)[1]]


@pytest.mark.skipif(not LESSONS, reason="no lesson has a cell tagged explorer")
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lessons_explorers_answer_the_keyboard(path, opened):
    point_at_cifar()
    sources, _ = tagged(path)
    notebook = opened(sources, name=path.stem)
    page = notebook.page
    page.wait_for_selector(".tracklab-live")
    roots = page.query_selector_all(".tracklab-explorer")
    for driver in lab.drivers(notebook) if roots else []:
        assert driver.drive()
    canvases = page.query_selector_all(".tracklab-canvas")
    for canvas in canvases:
        box = canvas.query_selector(".box")
        if box is None:
            button = canvas.query_selector("button")
            button.focus()
            button.press("Enter")
            box = canvas.wait_for_selector(".box")
        before = box.get_attribute("aria-label")
        box.focus()
        box.press("ArrowRight")
        page.wait_for_function("([b, old]) => b.ariaLabel !== old", arg=[box, before])
    assert roots or canvases, "a cell tagged explorer shows none"
