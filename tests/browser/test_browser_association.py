"""The explorer of association in a real browser, moved by keyboard alone."""

import lab
import pytest

from tracklab.explorers import association as steps
from tracklab.trackers.sort import LEAST, PATIENCE

pytestmark = pytest.mark.browser


def test_association_frame_by_frame_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('association')"]))
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")
    sliders = {s.evaluate(lab.NAME): s for s in driver.controls("slider")}
    sliders["Frame"].focus()
    for frame in (1, 2, 3):
        sliders["Frame"].press("ArrowRight")
        driver.wait(
            lambda now, f=frame: f"Frame {steps.FIRST_FRAME + f} of" in now["caption"], "a step"
        )
    (models,) = driver.controls("choice")
    models.select_option("none")
    driver.wait(lambda now: "(none, IoU from" in now["caption"], "another motion model")
    patience = next(s for name, s in sliders.items() if name.startswith("Patience"))
    patience.focus()
    patience.press("Home")
    driver.wait(lambda now: "patience 0)" in now["caption"], "no patience")
    now = driver.now()
    expected = steps.draw(
        frame=steps.FIRST_FRAME + 3,
        model="none",
        least=LEAST,
        patience=0,
        noise=steps.NOISE,
        seed=steps.FIRST_SAMPLE,
    )
    assert PATIENCE > 0
    assert now["alt"] == now["caption"] == expected.caption
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "none.png")
