"""The explorer of attributions in a real browser: maps that are made while one waits."""

import lab
import pytest

from tracklab import explorers

pytestmark = pytest.mark.browser

UNFINISHED = ".tracklab-unfinished:not([hidden])"


def finished(driver):
    driver.page.wait_for_function(f"() => !document.querySelector('{UNFINISHED}')")
    return driver.now()


def test_another_method_and_a_network_that_forgets_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('attribution')"]))
    start = finished(driver)
    driver.root.screenshot(path=tmp_path / "start.png")
    alone = explorers.explore("attribution", background=False)
    assert start["caption"] == start["alt"] == alone.caption

    chosen = {control.evaluate(lab.NAME): control for control in driver.controls("choice")}
    method = next(control for name, control in chosen.items() if "Method" in name)
    method.select_option("edges")
    driver.wait(lambda now: "edges is highest" in now["caption"], "another method")
    (toggle,) = driver.controls("toggle")
    toggle.focus()
    toggle.press("Space")
    now = driver.wait(lambda now: "the method fails" in now["caption"], "a network that forgets")
    alone.set(method="edges", forgets=True)
    assert now["caption"] == alone.caption
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "forgets.png")

    network = next(control for name, control in chosen.items() if "Explain" in name)
    network.select_option("a tracker's map")
    driver.wait(lambda now: "Asked is a tracker's map" in now["caption"], "another network")
    assert not finished(driver)["error"]
    driver.root.screenshot(path=tmp_path / "tracker.png")
