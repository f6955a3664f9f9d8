"""The explorer shell and the box canvas in a real browser: keyboard, mouse, finger, no kernel."""

import json

import lab
import numpy as np
import pytest

from tracklab import explorers

pytestmark = pytest.mark.browser

GREY = """
import time
import numpy as np
from tracklab.explorers import Choice, Drawing, Explorer, Play, Seed, Slider, Toggle

drawn = []

def draw(level, fine=0.0, on=False, kind="a", seed=0, frame=0):
    drawn.append(level)
    time.sleep(PAUSE)
    if level == 10:
        raise ValueError("ten is out of order")
    rgb = np.full((60, 200, 3), 8 * level, np.uint8)
    rgb[:, : 10 + 50 * on + 5 * frame + seed % 5 + round(40 * fine)] = 255 if kind == "a" else 90
    return Drawing(rgb, f"Grey {level}, {fine}, {on}, {kind}, {seed}, {frame}.", {"level": level})

controls = {
    "level": Slider("Grey", 0, 30, 3, unit="levels"),
    "fine": Slider("Fine", 0, 1, 0.0, 0.05),
    "on": Toggle("On"),
    "kind": Choice("Kind", ("a", "b")),
    "seed": Seed("Sample"),
    "frame": Play("Frame", 12),
}
"""
SHOW = "explorer = Explorer('grey', draw, controls, title='Grey')\nexplorer"
CANVAS = """
import numpy as np
from tracklab.explorers import BoxCanvas

image = np.zeros((120, 160, 3), np.uint8)
image[40:80, 60:100] = (0, 158, 115)
canvas = BoxCanvas(image, BOXES, labels=LABELS, alt="A green square", draw_new=DRAW,
    most=2, shown=480)
canvas
"""


def grey(pause=0.0):
    return [GREY.replace("PAUSE", str(pause)), SHOW]


def canvas(boxes, labels=None, draw=False):
    parts = {"BOXES": repr(boxes), "LABELS": repr(labels), "DRAW": repr(draw)}
    source = CANVAS
    for name, value in parts.items():
        source = source.replace(name, value)
    return [source]


def python(notebook, expression):
    """The value of an expression in the notebook's kernel, as JSON."""
    return json.loads(notebook.page.evaluate(EVALUATE, f"import json; json.dumps({expression})"))


EVALUATE = """async source => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const [first, last] = [source.split('; ')[0], source.split('; ').slice(1).join('; ')];
  const future = kernel.requestExecute({
    code: first, user_expressions: { value: last }, store_history: false, silent: false,
  });
  const reply = await future.done;
  const value = reply.content.user_expressions.value;
  if (value.status !== 'ok') throw new Error(value.evalue);
  return value.data['text/plain'].slice(1, -1);
}"""


@pytest.mark.parametrize("name", sorted(explorers.NAMES))
def test_every_registered_explorer_answers_the_keyboard(name, opened):
    notebook = opened([f"import tracklab\ntracklab.explore({name!r})"], name=name)
    for driver in lab.drivers(notebook):
        assert driver.drive()


class TestShell:
    def test_every_kind_of_control_by_keyboard(self, opened):
        (driver,) = lab.drivers(opened(grey()))
        assert driver.drive() == set(lab.CONTROLS)

    def test_controls_have_names_and_the_focus_goes_through_them_in_order(self, opened):
        notebook = opened(grey())
        (driver,) = lab.drivers(notebook)
        first = driver.controls("slider")[0]
        first.focus()
        seen = [first.evaluate(lab.NAME)]
        for _ in range(12):
            notebook.page.keyboard.press("Tab")
            seen.append(notebook.page.evaluate(f"({lab.NAME})(document.activeElement)"))
        order = ["Grey (levels)", "Fine", "On", "Kind", "Sample", "New sample", "Frame", "Play"]
        places = [seen.index(name) for name in order]
        assert places == sorted(places), seen
        outline = first.evaluate(
            "e => [e.focus(), getComputedStyle(e).outlineStyle, e.matches(':focus-visible')]"
        )[1:]
        assert outline == ["solid", True]

    def test_the_notebook_does_not_take_the_controls_keys(self, opened):
        notebook = opened(grey())
        (driver,) = lab.drivers(notebook)
        cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
        before = notebook.page.evaluate(cells)
        for kind in ("slider", "toggle", "choice", "button"):
            for key in ("b", "a", "ArrowUp", "d", "d"):  # in command mode: make, move, delete
                driver.controls(kind)[0].press(key)
        assert notebook.page.evaluate(cells) == before
        focused = "() => document.activeElement.closest('.tracklab-explorer') !== null"
        assert notebook.page.evaluate(focused)

    def test_a_screen_reader_finds_picture_words_and_values(self, opened):
        notebook = opened(grey())
        (driver,) = lab.drivers(notebook)
        driver.press(driver.controls("slider")[1], "slider")
        page = notebook.page
        assert page.get_by_role("img", name="Grey 3, 1.0, False, a, 0, 0.").is_visible()
        assert page.get_by_role("slider", name="Fine").is_visible()
        page.wait_for_function(
            "() => document.querySelector('.tracklab-voice').textContent.startsWith('Grey 3, 1.0')"
        )
        assert page.locator(".tracklab-voice").get_attribute("aria-live") == "polite"

    def test_an_error_is_said_the_old_picture_marked_and_reset_repairs(self, opened):
        notebook = opened([*grey(), "explorer.set(level=10)"])
        page = notebook.page
        alert = page.get_by_role("alert").filter(has_text="ten is out of order")
        alert.wait_for()
        assert "press Reset" in alert.inner_text()
        opacity = "() => getComputedStyle(document.querySelector('.tracklab-screen img')).opacity"
        assert float(page.evaluate(opacity)) < 0.5
        page.get_by_role("button", name="Reset").press("Enter")
        alert.wait_for(state="hidden")
        assert float(page.evaluate(opacity)) == 1
        assert page.locator(".tracklab-screen figcaption").inner_text().startswith("Grey 3")

    def test_keys_do_not_queue_up_behind_a_slow_drawing(self, opened):
        notebook = opened(grey(pause=0.15))
        (driver,) = lab.drivers(notebook)
        slider = driver.controls("slider")[1]
        slider.focus()
        for _ in range(20):
            slider.press("ArrowRight")
        driver.wait(lambda now: "Grey 3, 1.0," in now["caption"])
        assert python(notebook, "len(drawn)") < 15

    def test_fits_a_narrow_window_and_a_dark_page(self, opened, tmp_path):
        notebook = opened(
            ["import tracklab\ntracklab.explore('scene')"], viewport={"width": 700, "height": 1000}
        )
        page = notebook.page
        lab.drivers(notebook)
        notebook.command("application:toggle-left-area")
        theme = "t => window.jupyterapp.commands.execute('apputils:change-theme', { theme: t })"
        page.evaluate(theme, "JupyterLab Dark")
        page.wait_for_function(THEMED, arg="false")
        wide = page.evaluate(
            """() => {
              const root = document.querySelector('.tracklab-explorer');
              const right = root.getBoundingClientRect().right;
              return [...root.querySelectorAll('[role=slider], button, input, img, .widget-label')]
                .filter(e => e.getBoundingClientRect().right > right + 1).map(e => e.outerHTML);
            }"""
        )
        assert wide == []
        color = page.evaluate(
            "() => getComputedStyle(document.querySelector('.tracklab-screen figcaption')).color"
        )
        assert all(int(part) > 128 for part in color.strip("rgba()").split(",")[:3]), color
        page.screenshot(path=tmp_path / "dark.png")
        page.evaluate(theme, "JupyterLab Light")
        page.wait_for_function(THEMED, arg="true")

    def test_without_its_kernel_a_saved_notebook_shows_the_picture_and_the_words(self, opened):
        notebook = opened([*grey(), *canvas([[10, 10, 50, 50]])])
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas .box")
        lab.drivers(notebook)
        page.wait_for_function(f"() => !({VISIBLE})().still.length")  # the live view hides them
        notebook.command("docmanager:save")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

        notebook.end_kernel()
        again = opened(None, run=False, path=notebook.path)
        again.page.wait_for_selector(".tracklab-still")
        again.page.wait_for_timeout(1000)
        seen = again.page.evaluate(VISIBLE)
        assert seen["pictures"] == 2
        assert "Grey 3, 0.0, False, a, 0, 0. Run this cell" in seen["still"][0]
        assert "box 1 from (10, 10) to (50, 50)" in seen["still"][1]
        assert "Error displaying widget" not in seen["text"]
        # JupyterLab itself reports the models that ended with their kernel.
        again.expected = ("widget model not found",)


# A change of theme is over when JupyterLab has taken its splash screen away again.
THEMED = """light => document.body.dataset.jpThemeLight === light
  && !document.querySelector('#jupyterlab-splash')"""
VISIBLE = """() => {
  const seen = e => e.checkVisibility();
  const outputs = [...document.querySelectorAll('.jp-OutputArea-child')].filter(seen);
  return {
    pictures: outputs.filter(o => o.querySelector('.jp-RenderedImage img')).length,
    still: outputs.map(o => o.querySelector('.tracklab-still')?.textContent).filter(Boolean),
    text: outputs.map(o => o.innerText).join(' '),
  };
}"""


class TestBoxCanvas:
    def boxes(self, notebook):
        notebook.page.wait_for_function(lab.IDLE)
        return python(notebook, "canvas.boxes")

    def at(self, notebook, x, y):
        """A point of the image, in pixels of the page (the image is shown three times as large)."""
        frame = notebook.page.locator(".tracklab-canvas svg").bounding_box()
        return frame["x"] + x * frame["width"] / 160, frame["y"] + y * frame["height"] / 120

    def drag(self, notebook, start, end):
        mouse = notebook.page.mouse
        mouse.move(*self.at(notebook, *start))
        mouse.down()
        mouse.move(*self.at(notebook, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(notebook, *end))
        mouse.up()

    def settled(self, notebook, expected):
        for _ in range(100):
            now = self.boxes(notebook)
            if len(now) == len(expected) and np.allclose(now, expected, rtol=0, atol=0.6):
                return
            notebook.page.wait_for_timeout(50)
        assert now == expected

    def test_by_mouse(self, opened):
        notebook = opened(canvas([[10, 10, 50, 50], [70, 60, 110, 100]], ["a", "b"]))
        notebook.page.wait_for_selector(".tracklab-canvas .box")
        self.drag(notebook, (30, 30), (50, 40))
        self.settled(notebook, [[30, 20, 70, 60], [70, 60, 110, 100]])
        self.drag(notebook, (110, 100), (120, 90))  # a corner
        self.settled(notebook, [[30, 20, 70, 60], [70, 60, 120, 90]])
        self.drag(notebook, (40, 40), (-90, 300))  # a box stops at the border, whole
        self.settled(notebook, [[0, 80, 40, 120], [70, 60, 120, 90]])
        self.drag(notebook, (120, 90), (20, 20))  # a corner stops before the opposite one
        self.settled(notebook, [[0, 80, 40, 120], [70, 60, 74, 64]])

    def test_by_keyboard(self, opened):
        notebook = opened(canvas([[10, 10, 50, 50], [70, 60, 110, 100]], ["guess", "truth"]))
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas .box")
        page.locator(".tracklab-canvas .box").first.focus()
        for key in ("ArrowRight", "ArrowDown", "Control+ArrowRight", "Shift+ArrowRight"):
            page.keyboard.press(key)
        page.keyboard.press("Tab")
        page.keyboard.press("Control+Shift+ArrowUp")
        page.keyboard.press("ArrowLeft")
        self.settled(notebook, [[21, 11, 62, 51], [69, 60, 109, 90]])
        label = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert label == "truth: x 69 to 109, y 60 to 90 pixels"
        assert page.get_by_role("group", name="A green square").is_visible()

    def test_draws_a_new_box(self, opened):
        notebook = opened(canvas([], draw=True))
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas svg")
        page.mouse.click(*self.at(notebook, 20, 20))  # a click is no box
        self.drag(notebook, (100, 80), (60, 40))  # upwards and to the left
        self.settled(notebook, [[60, 40, 100, 80]])
        button = page.get_by_role("button", name="Draw a new box")
        button.press("Enter")
        self.settled(notebook, [[60, 40, 100, 80], [56, 42, 104, 78]])
        page.keyboard.press("ArrowDown")  # the new box has the focus
        self.settled(notebook, [[60, 40, 100, 80], [56, 43, 104, 79]])
        page.keyboard.press("Delete")
        self.settled(notebook, [[60, 40, 100, 80]])

    def test_by_finger(self, chromium, opened):
        notebook = opened(canvas([[10, 10, 50, 50]]))
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas .box")
        session = notebook.context.new_cdp_session(page)

        def touch(kind, *points):
            session.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [dict(zip("xy", p, strict=True)) for p in points]},
            )

        touch("touchStart", self.at(notebook, 30, 30))
        touch("touchMove", self.at(notebook, 40, 35))
        touch("touchMove", self.at(notebook, 60, 50))
        touch("touchEnd")
        self.settled(notebook, [[40, 30, 80, 70]])

    def test_the_kernel_moves_a_box_too(self, opened):
        notebook = opened([*canvas([[10, 10, 50, 50]]), "canvas.boxes = [[1, 2, 30, 40]]"])
        box = notebook.page.locator(".tracklab-canvas .box")
        box.wait_for()
        assert box.get_attribute("aria-label") == "box 1: x 1 to 30, y 2 to 40 pixels"

    def test_corners_are_large_enough_to_touch(self, opened):
        notebook = opened(canvas([[0, 0, 160, 120], [70, 60, 74, 64]]))
        notebook.page.wait_for_selector(".tracklab-canvas .box")
        sizes = notebook.page.evaluate(
            """() => {
              const inside = document.querySelector('.tracklab-canvas svg').getBoundingClientRect();
              return [...document.querySelectorAll('.tracklab-canvas [data-corner].target')]
                .map(e => e.getBoundingClientRect())
                .map(r => [Math.min(r.right, inside.right) - Math.max(r.left, inside.left),
                           Math.min(r.bottom, inside.bottom) - Math.max(r.top, inside.top)]);
            }"""
        )
        assert len(sizes) == 8
        assert np.min(sizes) >= 23.9  # CSS pixels: WCAG 2.2, success criterion 2.5.8
        self.drag(notebook, (72, 62), (82, 72))  # the middle of a small box still moves it
        self.settled(notebook, [[0, 0, 160, 120], [80, 70, 84, 74]])

    def test_a_screen_reader_is_told_once_when_a_box_has_come_to_rest(self, opened):
        notebook = opened(canvas([[10, 10, 50, 50]]))
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas .box")
        page.wait_for_timeout(700)
        page.evaluate(
            """() => {
              window.told = [];
              const voice = document.querySelector('.tracklab-canvas [aria-live]');
              new MutationObserver(() => window.told.push(voice.textContent))
                .observe(voice, { childList: true, characterData: true, subtree: true });
            }"""
        )
        page.locator(".tracklab-canvas .box").focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("() => window.told.length > 0")
        assert page.evaluate("window.told") == ["box 1: 15, 10 to 55, 50"]

    def test_a_box_at_the_border_is_resized_by_keyboard(self, opened):
        notebook = opened(canvas([[500, 500, 600, 600]]))
        page = notebook.page
        page.wait_for_selector(".tracklab-canvas .box")
        self.settled(notebook, [[156, 116, 160, 120]])
        page.locator(".tracklab-canvas .box").focus()
        page.keyboard.press("Control+Shift+ArrowRight")
        self.settled(notebook, [[156, 116, 160, 120]])
        page.keyboard.press("Control+ArrowLeft")
        page.keyboard.press("Shift+ArrowRight")
        self.settled(notebook, [[146, 116, 151, 120]])
