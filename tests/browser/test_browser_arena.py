"""The arena in a real browser: by keyboard, while a tracker runs, and what a notebook keeps."""

import lab
import pytest

from tracklab.explorers import arena as explorer_of
from tracklab.explorers.arena import Arena

pytestmark = pytest.mark.browser

UNFINISHED = ".tracklab-unfinished:not([hidden])"
JUMPS = ".tracklab-jump"
CHOSEN = ("still", "template")
SHOW = (
    f"import tracklab\nmade = tracklab.explore('arena', trackers={CHOSEN}, look='template')\nmade"
)
SLOW = """
import threading
import tracklab
from tracklab.trackers.still import StillTracker

gate = threading.Event()

class Slow(StillTracker):
    def _start(self, frame, box):
        super()._start(frame, box)
        self.at = 0

    def _step(self, frame):
        self.at += 1
        if self.at > 20:
            gate.wait(60)
        return super()._step(frame)
"""
VISIBLE = """() => [...document.querySelectorAll('.jp-OutputArea-child')]
  .filter(e => e.checkVisibility())
  .filter(e => e.querySelector('.jp-RenderedImage img, .tracklab-still')).length"""


def by_name(driver, kind):
    return {control.evaluate(lab.NAME): control for control in driver.controls(kind)}


def expected(**settings):
    values = {
        "clip": explorer_of.FIRST_CLIP,
        "strength": explorer_of.FIRST_STRENGTH,
        "seed": explorer_of.FIRST_SAMPLE,
        "frame": explorer_of.FIRST_FRAME,
        "trackers": CHOSEN,
        "look": "template",
        "layer": "response",
    }
    return Arena({}, {}, {}, background=False).draw(**values | settings)


def finished(driver):
    driver.page.wait_for_function(f"() => !document.querySelector('{UNFINISHED}')")


def test_by_keyboard_alone(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW]))
    finished(driver)
    driver.root.screenshot(path=tmp_path / "start.png")
    first = expected()
    assert driver.now()["caption"] == driver.now()["alt"] == first.caption
    labels = [button.inner_text() for button in driver.page.query_selector_all(JUMPS)]
    assert labels == [jump.label for jump in first.jumps]

    frame = by_name(driver, "slider")["Frame"]
    frame.focus()
    for step in (1, 2, 3):
        frame.press("ArrowRight")
        at = explorer_of.FIRST_FRAME + step
        driver.wait(lambda now, at=at: f"Frame {at} of" in now["caption"], "a step")
    # a button jumps to where a tracker loses the object; so does its number
    for jump, button in zip(first.jumps, driver.page.query_selector_all(JUMPS), strict=True):
        assert button.get_attribute("aria-keyshortcuts") == jump.key
        frame.press("Home")
        driver.wait(lambda now: "Frame 0 of" in now["caption"], "the first frame")
        button.press("Enter")
        driver.wait(lambda now, at=jump.value: f"Frame {at} of" in now["caption"], "a jump")
        focused = driver.page.evaluate("() => document.activeElement.textContent")
        assert focused == jump.label
        frame.press("Home")
        driver.wait(lambda now: "Frame 0 of" in now["caption"], "the first frame")
        driver.page.keyboard.press(jump.key)
        driver.wait(lambda now, at=jump.value: f"Frame {at} of" in now["caption"], "its key")
    # where a digit is text, it stays one
    number = driver.controls("number")[0]
    number.focus()
    number.press("Control+a")
    driver.page.keyboard.type("1\n")
    driver.wait(lambda now: "sample 1)" in now["caption"], "another sample")
    assert f"Frame {first.jumps[-1].value} of" in driver.now()["caption"]

    choices = by_name(driver, "choice")
    choices["Clip"].select_option("distractors")
    choices["Laid over"].select_option("posterior")
    boxes = by_name(driver, "toggle")
    boxes["1 still"].focus()
    boxes["1 still"].press("Space")
    driver.wait(lambda now: "1 still" not in now["caption"], "one tracker less")
    finished(driver)
    last = expected(
        clip="distractors",
        seed=1,
        frame=first.jumps[-1].value,
        trackers=("template",),
        layer="posterior",
    )
    driver.wait(lambda now: now["caption"] == last.caption, "all of it")
    assert not driver.now()["error"]
    driver.root.screenshot(path=tmp_path / "distractors.png")


def test_a_slow_tracker_does_not_hold_up_the_others(opened, tmp_path):
    show = "made = tracklab.explore('arena', trackers=['template'], own={'slow': Slow})\nmade"
    notebook = opened([SLOW, show, "'the next cell'"])
    (driver,) = lab.drivers(notebook)
    slow = next(box for name, box in by_name(driver, "toggle").items() if name.endswith("slow"))
    slow.focus()
    slow.press("Space")
    words = driver.page.wait_for_selector(f"{UNFINISHED}:has-text('slow 21 of 80 frames')")
    assert words.query_selector("progress").get_attribute("aria-label")
    frame = by_name(driver, "slider")["Frame"]
    frame.focus()
    for step in (1, 2, 3):
        frame.press("ArrowLeft")
        at = explorer_of.FIRST_FRAME - step
        now = driver.wait(lambda now, at=at: f"Frame {at} of" in now["caption"], "a step")
        assert "Is not there yet: " in now["caption"]
    driver.root.screenshot(path=tmp_path / "waits.png")
    notebook.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
          .requestExecute({ code: 'gate.set()' }).done"""
    )
    finished(driver)
    now = driver.wait(lambda now: "Is not there yet" not in now["caption"], "the slow one")
    assert "slow since frame" in now["caption"]
    assert "slow: lost at" in driver.page.query_selector_all(JUMPS)[-1].inner_text()
    driver.root.screenshot(path=tmp_path / "done.png")


def test_a_notebook_keeps_the_finished_picture(opened):
    show = (
        "made = tracklab.explore('arena', trackers=['slow'], own={'slow': Slow})\n"
        "threading.Timer(1.5, gate.set).start()\nmade"
    )
    notebook = opened([SLOW, show])
    page = notebook.page
    lab.drivers(notebook)
    kept = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.toJSON()
          .map(o => o.data['text/html'] ?? o.data['text/plain'])"""
    )
    assert len(kept) == 3
    for words in kept[:2]:
        assert "slow loses it in frame" in words
        assert "Is not there yet" not in words
    page.wait_for_function(f"() => !({VISIBLE})()")  # the live view hides what is kept


def test_clips_of_ones_own(opened, tmp_path):
    made = (
        "import tracklab\nfrom dataclasses import replace\n"
        "long = tracklab.scenes.render(seed=4, frames=100, size=(90, 160), objects=1)\n"
        "clips = {'long': long, 'unknown': replace(long[:9], truth=None)}\n"
        "boxes = {'unknown': long.truth.boxes[0, 0]}\n"
        "tracklab.explore('arena', trackers=['template'], clips=clips, boxes=boxes)"
    )
    (driver,) = lab.drivers(opened([made]))
    finished(driver)
    sliders = by_name(driver, "slider")
    assert "Frame 0 of 0 to 99 (long)" in driver.now()["caption"]
    number = driver.controls("number")[0]
    assert number.is_disabled()
    sliders["Frame"].focus()
    sliders["Frame"].press("End")
    driver.wait(lambda now: "Frame 99 of" in now["caption"], "the last frame")
    choice = by_name(driver, "choice")["Clip"]
    choice.select_option("unknown")
    now = driver.wait(lambda now: "Frame 8 of 0 to 8 (unknown)" in now["caption"], "a short clip")
    assert "Nobody knows where the object is" in now["caption"]
    finished(driver)
    driver.root.screenshot(path=tmp_path / "unknown.png")
    assert sliders["Frame"].evaluate("e => Number(e.ariaValueMax)") == 8
    choice.select_option("easy")
    driver.wait(lambda now: "of 0 to 79 (easy, sample 0)" in now["caption"], "a scene")
    assert not number.is_disabled()


def test_it_plays_to_the_end_of_a_short_clip(opened):
    made = (
        "import tracklab\n"
        "clip = tracklab.scenes.render(seed=4, frames=6, size=(90, 160), objects=1)\n"
        "tracklab.explore('arena', trackers=['template'], clips={'short': clip})"
    )
    (driver,) = lab.drivers(opened([made]))
    finished(driver)
    play = driver.controls("play")[0]
    play.focus()
    play.press("Enter")
    driver.wait(lambda now: "Frame 5 of 0 to 5" in now["caption"], "the end")
    driver.page.wait_for_timeout(400)
    assert "Frame 5 of 0 to 5" in driver.now()["caption"]


def test_fits_a_narrow_window(opened, tmp_path):
    notebook = opened(
        ["import tracklab\ntracklab.explore('arena')"], viewport={"width": 760, "height": 1100}
    )
    (driver,) = lab.drivers(notebook)
    finished(driver)
    wide = notebook.page.evaluate(
        """() => {
          const root = document.querySelector('.tracklab-explorer');
          const right = root.getBoundingClientRect().right;
          return [...root.querySelectorAll('[role=slider], button, input, img, .widget-label, p')]
            .filter(e => e.getBoundingClientRect().right > right + 1).map(e => e.outerHTML);
        }"""
    )
    assert wide == []
    notebook.page.screenshot(path=tmp_path / "narrow.png")
