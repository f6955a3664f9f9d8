"""The quantization explorer in a real browser, moved by keyboard alone."""

import lab
import pytest

pytestmark = pytest.mark.browser


def test_bits_taken_away_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('quantization')"]))
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")
    sliders = {s.evaluate(lab.NAME): s for s in driver.controls("slider")}
    bits = next(s for name, s in sliders.items() if name.startswith("Bits"))
    bits.focus()
    for left in (7, 6, 5):
        bits.press("ArrowLeft")
        said = f"At {left} bits, a scale for each channel"
        driver.wait(lambda now, said=said: said in now["caption"], f"{left} bits")
    share = next(s for name, s in sliders.items() if name.startswith("Weights cut"))
    share.focus()
    share.press("End")
    driver.wait(lambda now: "95 % of the weights cut" in now["caption"], "all but a few cut")
    now = driver.now()
    assert now["alt"] == now["caption"]
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "cut.png")
