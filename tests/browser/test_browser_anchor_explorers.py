"""The explorers of anchors and of proposals in a real browser, by keyboard."""

import lab
import pytest

pytestmark = pytest.mark.browser

SHOW = "import tracklab\nmade = tracklab.explore({!r})\nmade"


def test_the_rule_brings_anchors_to_small_objects_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW.format("anchors")]))
    assert "Every object has a positive anchor" in driver.now()["caption"]
    (rule,) = driver.controls("toggle")
    before, after = driver.press(rule, "toggle")
    assert "Without a positive anchor: A, B." in after["caption"]
    assert after["alt"] == after["caption"]
    assert after["src"] != before["src"]
    assert not after["error"]
    driver.root.screenshot(path=tmp_path / "anchors.png")


def test_every_control_of_the_anchors_answers_at_both_ends(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW.format("anchors")]))
    for slider in driver.controls("slider"):
        for _ in range(2):  # one end, then the other
            _, after = driver.press(slider, "slider")
            assert not after["error"]
            assert "anchors:" in after["caption"]
    driver.root.screenshot(path=tmp_path / "ends.png")
