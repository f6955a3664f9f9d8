"""A start that is dragged on a map, in a real browser: mouse, keyboard, a button, a reset."""

import re

import lab
import pytest

from tracklab.explorers import newton as duel

pytestmark = pytest.mark.browser

SHOW = "import tracklab\ntracklab.explore({!r})"
RING = "root => root.querySelector('.tracklab-pad .spot').getAttribute('aria-label')"
PICTURE = "root => root.querySelector('.tracklab-pad image').getAttribute('href')"


def ring(driver):
    """Where the ring says that it is, x and y."""
    x, y = re.findall(r"-?\d+\.\d+", driver.root.evaluate(RING))
    return float(x), float(y)


def agree(driver):
    """The kernel has heard of the ring's place, and tells of it."""
    x, y = ring(driver)
    return driver.wait(lambda now: f"start at ({x:.2f}, {y:.2f})" in now["caption"], "the ring")


@pytest.mark.parametrize("name", ["newton", "second-order"])
def test_the_start_follows_mouse_and_keys(opened, tmp_path, name):
    notebook = opened([SHOW.format(name)], name=name)
    (driver,) = lab.drivers(notebook)
    page = notebook.page
    agree(driver)
    start, first = ring(driver), driver.root.evaluate(PICTURE)

    frame = page.locator(".tracklab-pad svg").bounding_box()
    spot = page.locator(".tracklab-pad .dot").bounding_box()
    x, y = spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 25, steps=12)
    dragged = ring(driver)  # still held: the browser alone has answered
    assert dragged[0] > start[0] + 0.1
    assert dragged[1] < start[1] - 0.05
    page.mouse.up()
    now = agree(driver)
    assert ring(driver) == dragged
    assert not now["error"]
    assert driver.root.evaluate(PICTURE) != first
    driver.root.screenshot(path=tmp_path / "dragged.png")

    # a click beside the map is none
    page.mouse.click(frame["x"] + frame["width"] - 30, frame["y"] + frame["height"] - 30)
    assert ring(driver) == dragged

    page.locator(".tracklab-pad .spot").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    nudged = ring(driver)
    assert nudged[0] < dragged[0]
    assert nudged[1] > dragged[1]
    page.keyboard.press("Control+ArrowRight")
    assert ring(driver)[0] > dragged[0] + 0.1
    agree(driver)

    page.locator(".tracklab-jump").first.click()
    driver.wait(lambda _: ring(driver) == start, "a button")
    agree(driver)
    page.locator(".tracklab-jump").last.click()
    driver.wait(lambda _: ring(driver) != start, "another")
    agree(driver)
    page.get_by_role("button", name="Reset").click()
    driver.wait(lambda _: ring(driver) == start, "Reset")
    agree(driver)
    driver.root.screenshot(path=tmp_path / "reset.png")


def test_what_the_browser_shows_is_what_python_draws(opened):
    (driver,) = lab.drivers(opened([SHOW.format("newton")], name="same"))
    agree(driver)
    made = duel.newton()
    assert driver.now()["caption"] == made.caption
