"""The playground of augmentation in a real browser, moved by keyboard alone."""

import lab
import pytest

from tracklab.augment.edge import KEPT
from tracklab.explorers import augment as playground

pytestmark = pytest.mark.browser


def test_turned_and_pushed_out_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('augment')"]))
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")
    sliders = {s.evaluate(lab.NAME): s for s in driver.controls("slider")}
    strength = next(s for name, s in sliders.items() if name.startswith("Strength"))
    strength.focus()
    for step in (1, 2, 3):
        strength.press("ArrowRight")
        said = f"at strength {0.3 + 0.05 * step:.2f}"
        driver.wait(lambda now, said=said: said in now["caption"], "a step of strength")
    choices = driver.controls("choice")
    family = next(c for c in choices if "Transform" in c.evaluate(lab.NAME))
    family.select_option("affine: translation")
    driver.wait(lambda now: "affine: translation" in now["caption"], "another transform")
    around = next(c for c in choices if "around" in c.evaluate(lab.NAME))
    assert around.is_disabled()  # nothing turns, so nothing grows loose
    now = driver.now()
    expected = playground.draw(
        picture=playground.PICTURES[0],
        family="affine: translation",
        strength=0.45,
        seed=0,
        kept=KEPT,
        around="corners",
        border="constant",
    )
    assert now["alt"] == now["caption"] == expected.caption
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "pushed.png")
