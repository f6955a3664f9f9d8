"""JupyterLab on this machine's loopback, a headless Chromium, and a notebook open in it.

Everything that JupyterLab writes (settings, workspaces, runtime files) goes to a folder of the
test, and it fetches no news and no updates. What the page does wrong is kept: errors, console
errors, and requests to anywhere but this server.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OPTIONS = (
    "--headless",
    "--no-sandbox",  # a container's root has no sandbox; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # small in containers
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TOKEN = "tracklab"
START = 120.0  # seconds for a server or a page to come up on a busy machine
PATIENCE = 10_000  # milliseconds for a picture to change
VIEWPORT = {"width": 1000, "height": 1000}

IDLE = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.isReady && session.session?.kernel?.status === 'idle';
}"""
DONE = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  return cells.every(c => c.model.type !== 'code' || !c.model.sharedModel.getSource().trim()
    || c.model.executionCount !== null);
}"""
FAULTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(c => c.model.type === 'code')
  .flatMap(c => c.model.outputs.toJSON())
  .filter(o => o.output_type === 'error')
  .map(o => o.ename + ': ' + o.evalue)"""


def find_chromium():
    """The path of a Chromium or Chrome on this machine, or None."""
    found = [shutil.which(name) for name in NAMES] + [p for p in PLACES if Path(p).exists()]
    return next((path for path in found if path), None)


@contextmanager
def jupyterlab(root, state):
    """JupyterLab on `root`, with its own state in `state`; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = state / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    env = os.environ | {
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "IPYTHONDIR": str(state / "ipython"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = state / "jupyterlab.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START
        while True:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def chromium(path):
    """A headless Chromium, through Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


class Open:
    """A notebook open in JupyterLab, and what its page did wrong."""

    def __init__(self, browser, address, path, viewport=None):
        self.context = browser.new_context(viewport=viewport or VIEWPORT)
        self.page = page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        self.faults = []
        self.expected = ()  # parts of messages that a test has a reason to expect
        own = (address, address.replace("http", "ws"), "data:", "blob:")
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("console", self._console)
        page.on(
            "request",
            lambda r: None if r.url.startswith(own) else self.faults.append(f"outside: {r.url}"),
        )
        page.goto(f"{address}/lab/tree/{path}?token={TOKEN}&reset", timeout=START * 1000)
        page.wait_for_function(IDLE, timeout=START * 1000)

    def _console(self, message):
        if message.type == "error":
            self.faults.append(f"console: {message.text} {message.location.get('url', '')}")

    def command(self, name):
        """Run one of JupyterLab's commands, as its menu would."""
        return self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run(self):
        """Run all cells, wait for the last; a cell that raises fails the test."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(DONE, timeout=START * 1000)
        self.page.wait_for_function(IDLE, timeout=START * 1000)
        faults = self.page.evaluate(FAULTS)
        if faults:
            raise RuntimeError(f"a cell failed: {faults}")

    def end_kernel(self):
        """End the notebook's kernel."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def close(self):
        """End the notebook's kernel and close the page."""
        self.end_kernel()
        self.context.close()


def write_notebook(path, sources):
    """A notebook of code cells at `path`."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


# An explorer's answer to a key: `answered` counts pictures and errors, `src` is the picture shown.
ANSWER = """root => {
  const figure = root.querySelector('.tracklab-screen figure');
  const img = figure?.querySelector('img');
  return {
    answered: Number(figure?.dataset.drawing ?? -1),
    src: img?.src ?? '',
    shown: Boolean(img && !img.hidden && img.complete && img.naturalWidth > 0),
    alt: img?.alt ?? '',
    caption: figure?.querySelector('figcaption')?.textContent ?? '',
    error: figure?.querySelector('.tracklab-trouble:not([hidden])')?.textContent ?? '',
    busy: figure?.getAttribute('aria-busy') === 'true',
  };
}"""
CONTROLS = {
    "slider": "[role=slider]",
    "choice": "select",
    "toggle": "input[type=checkbox]",
    "number": "input[type=number]",
    "button": "button.widget-button",
    "play": "button[aria-label=Play]",
}


def moved(before, after):
    """Whether an answer has another picture than the one before, and other words."""
    return after["src"] != before["src"] and after["caption"] != before["caption"]


class Driver:
    """One explorer on a page, moved by keyboard alone."""

    def __init__(self, notebook, root):
        self.notebook, self.root = notebook, root
        self.page = notebook.page
        self.wait(lambda now: now["shown"] or now["error"])

    def now(self):
        return self.root.evaluate(ANSWER)

    def wait(self, until, what="the first picture"):
        """The answer that satisfies `until`; fails after `PATIENCE`."""
        end = time.monotonic() + PATIENCE / 1000
        while True:
            now = self.now()
            if until(now):
                return now
            if time.monotonic() > end:
                raise AssertionError(f"no answer to {what}: {now}")
            self.page.wait_for_timeout(10)

    def controls(self, kind):
        return self.root.query_selector_all(CONTROLS[kind])

    def press(self, control, kind):
        """Move a control by one key; the answer before, the answer after."""
        before = self.now()
        control.focus()
        control.press(self._key(control, kind))
        what = f"{kind} {control.evaluate(NAME)!r}"
        after = self.wait(lambda now: now["answered"] > before["answered"], what)
        return before, self.wait(lambda now: now["shown"] or now["error"]) | {
            "answered": after["answered"]
        }

    def _key(self, control, kind):
        if kind == "slider":
            at = control.evaluate("e => e.ariaValueNow >= Number(e.ariaValueMax)")
            return "Home" if at else "End"
        if kind == "choice":
            last = control.evaluate("e => e.selectedIndex === e.options.length - 1")
            return "ArrowUp" if last else "ArrowDown"
        return {"toggle": "Space", "number": "ArrowUp", "button": "Enter", "play": "Enter"}[kind]

    def drive(self):
        """Move every control; every kind of control must change the picture and its words.

        Returns the kinds that were there.
        """
        changed = {}
        for kind in ("toggle", "number", "slider", "choice", "button"):
            for control in self.controls(kind):
                # a slider that is off says so on what its handle is in
                if control.is_disabled() or control.evaluate("e => !!e.closest('[disabled]')"):
                    continue
                name = control.evaluate(NAME)
                assert name, f"a {kind} without a name for a screen reader"
                before, after = self.press(control, kind)
                if not moved(before, after):  # a first answer may be unfinished
                    after = self.wait(
                        lambda now, was=before: moved(was, now) or not now["busy"], name
                    )
                assert not after["error"], f"{kind} {name!r}: {after['error']}"
                assert after["caption"] == after["alt"] != "", f"{kind} {name!r}: no words"
                changed[kind] = changed.get(kind, False) or moved(before, after)
        for control in self.controls("play"):
            self.play(control)
            changed["play"] = True
        still = [kind for kind, any_moved in changed.items() if not any_moved]
        assert not still, f"no {' and no '.join(still)} changes the picture and its words"
        return set(changed)

    def play(self, button):
        """Let it play until the picture has changed three times, then pause."""
        begin = self.now()
        button.focus()
        button.press("Enter")
        self.wait(lambda now: now["answered"] >= begin["answered"] + 3)
        assert self.now()["src"] != begin["src"]
        button.press("Enter")
        # a busy machine may still answer what came before the pause, but it comes to rest
        for _ in range(20):
            stopped = self.now()["answered"]
            self.page.wait_for_timeout(500)
            if self.now()["answered"] == stopped:
                return
        raise AssertionError("it plays on after a pause")


NAME = """e => e.getAttribute('aria-label')
  || [...(e.labels ?? [])].map(l => l.textContent).join(' ') || e.textContent.trim()"""


def drivers(notebook):
    """A driver for each explorer on the page."""
    notebook.page.wait_for_selector(".tracklab-explorer .tracklab-screen figure")
    return [
        Driver(notebook, root) for root in notebook.page.query_selector_all(".tracklab-explorer")
    ]
