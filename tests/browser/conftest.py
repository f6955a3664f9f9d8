"""A JupyterLab for each file of tests, and notebooks that are opened in it."""

import lab as jupyter
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What JupyterLab serves: tests write their notebooks here."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def server(chromium, folder, tmp_path_factory):
    with jupyter.jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture
def opened(chromium, server, folder, tmp_path, request):
    """A function that opens a notebook of the given cells and runs it.

    Whatever page it opened must have made no error, no console error and no request to anywhere
    else by the end of the test. A screenshot is kept in the test's own folder.
    """
    pages = []

    def open_(sources, *, run=True, viewport=None, name=None, path=None):
        if path is None:
            path = folder / f"{name or request.node.name.split('[')[0]}-{len(pages)}.ipynb"
            jupyter.write_notebook(path, sources)
        notebook = jupyter.Open(chromium, server, path.name, viewport)
        notebook.path = path
        pages.append(notebook)
        if run:
            notebook.run()
        return notebook

    yield open_
    faults = []
    for number, notebook in enumerate(pages):
        notebook.page.screenshot(path=tmp_path / f"page-{number}.png")
        notebook.close()
        faults += [f for f in notebook.faults if not any(e in f for e in notebook.expected)]
    assert faults == []
