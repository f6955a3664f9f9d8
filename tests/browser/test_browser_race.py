"""The explorer of the race in a real browser, moved by keyboard."""

import lab
import pytest

from tracklab.explorers import race as shown
from tracklab.optimizers import first_order

pytestmark = pytest.mark.browser


def test_race_step_by_step_until_one_diverges(opened, tmp_path):
    (driver,) = lab.drivers(opened(["import tracklab\ntracklab.explore('race')"]))
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")
    sliders = {s.evaluate(lab.NAME): s for s in driver.controls("slider")}
    step = next(slider for name, slider in sliders.items() if name.startswith("Step"))
    step.focus()
    for further in (1, 2):
        step.press("ArrowRight")
        driver.wait(
            lambda now, t=shown.FIRST_STEP + further: f"Step {t} of" in now["caption"], "a step"
        )
    (surfaces,) = driver.controls("choice")
    surfaces.select_option("rosenbrock")
    driver.wait(lambda now: "bent valley" in now["caption"], "another surface")
    sgd = next(slider for name, slider in sliders.items() if name.startswith("SGD"))
    sgd.focus()
    sgd.press("End")
    now = driver.wait(lambda now: "Diverged" in now["caption"], "a rate that is too high")

    powers = dict.fromkeys(first_order.NAMES, 0.0) | {"sgd": shown.REACH}
    expected = shown.draw(
        surface="rosenbrock",
        condition=shown.FIRST_CONDITION,
        step=shown.FIRST_STEP + 2,
        methods=first_order.NAMES,
        **powers,
    )
    assert "SGD in step" in expected.caption
    assert now["alt"] == now["caption"] == expected.caption
    assert now["src"] != start["src"]
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "diverged.png")
