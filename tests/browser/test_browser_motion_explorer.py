"""The explorer of motion in a real browser."""

import lab
import pytest

from tracklab.explorers import motion as hidden

pytestmark = pytest.mark.browser


def test_through_the_gap_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('motion')"]))
    sliders = {s.evaluate(lab.NAME): s for s in driver.controls("slider")}
    frame = next(slider for name, slider in sliders.items() if "Frame" in name)
    gap = next(slider for name, slider in sliders.items() if "Gap" in name)
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")

    gap.focus()
    gap.press("End")
    driver.wait(lambda now: f"of {hidden.LONGEST} frames" in now["caption"], "the longest gap")
    at = hidden.HIDDEN_FROM + hidden.FIRST_GAP - 1
    frame.focus()
    for step in (1, 2, 3):
        frame.press("ArrowRight")
        driver.wait(lambda now, t=at + step: f"Frame {t} of" in now["caption"], "the next frame")
    (kinds,) = driver.controls("choice")
    kinds.select_option("bouncing")
    now = driver.wait(lambda now: "bouncing" in now["caption"], "another motion")

    expected = hidden.draw(
        motion="bouncing",
        noise=hidden.FIRST_NOISE,
        gap=hidden.LONGEST,
        frame=at + 3,
        seed=hidden.FIRST_SAMPLE,
    )
    assert now["alt"] == now["caption"] == expected.caption
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "bouncing.png")
