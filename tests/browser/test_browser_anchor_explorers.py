"""The explorers of anchors and of proposals in a real browser, by keyboard."""

from pathlib import Path

import lab
import pytest

pytestmark = pytest.mark.browser

SHOW = "import tracklab\ntracklab.explore({!r})"
# The dials know nothing of the network behind them: an imagined one answers as a real one would.
IMAGINED = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from test_anchor_explorers import Imagined, a_clip
from tracklab.explorers.proposals import proposals

clip = a_clip(frames=12)
proposals(Imagined(clip), clip)
"""


def test_the_rule_brings_anchors_to_small_objects_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW.format("anchors")]))
    assert "Every object has a positive anchor" in driver.now()["caption"]
    (rule,) = driver.controls("toggle")
    before, after = driver.press(rule, "toggle")
    assert "Without a positive anchor: A, B, C." in after["caption"]
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


def test_stages_of_a_detector_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened([IMAGINED]))
    stage = driver.controls("choice")[0]
    assert "proposals are left" in driver.now()["caption"]
    driver.root.screenshot(path=tmp_path / "proposals.png")
    _, after = driver.press(stage, "choice")  # down: the final detections
    assert not after["error"]
    driver.root.screenshot(path=tmp_path / "final.png")
    stage.press("Home")
    driver.wait(lambda now: "Objectness (the highest of all)" in now["caption"])
    before = driver.now()
    _, after = driver.press(driver.controls("choice")[1], "choice")  # the map of one shape
    assert after["src"] != before["src"]
    driver.root.screenshot(path=tmp_path / "objectness.png")


def test_every_dial_of_the_proposals_answers_and_the_clip_plays(opened):
    (driver,) = lab.drivers(opened([IMAGINED]))
    assert driver.drive() == {"slider", "choice", "button", "play"}
