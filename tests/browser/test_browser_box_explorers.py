"""The explorers of IoU, suppression and average precision in a real browser."""

import lab
import numpy as np
import pytest

from tracklab.explorers import iou as overlap
from tracklab.explorers import nms as loop
from tracklab.explorers import precision_recall as ranked

pytestmark = pytest.mark.browser

SHOW = "import tracklab\ntracklab.explore({!r})"
NUMBERS = """root => Object.fromEntries([...root.querySelectorAll('.tracklab-canvas dd')]
  .map(e => [e.dataset.key, Number(e.dataset.value)]))"""
BOXES = """root => [...root.querySelectorAll('.tracklab-canvas .box')].map(e => e.getAttribute(
  'aria-label').match(/-?[0-9.]+/g).map(Number)).map(([x1, x2, y1, y2]) => [x1, y1, x2, y2])"""


def agree(driver, threshold):
    """The boxes that the page shows; fails where its numbers are not those of `boxes`."""
    shown, pair = driver.root.evaluate(NUMBERS), driver.root.evaluate(BOXES)
    found = overlap.compare(*pair, threshold)
    for key in ("iou", "giou", "intersection", "union", "distance", "hit"):
        assert shown[key] == pytest.approx(float(getattr(found, key)), rel=1e-4, abs=1e-4), key
    driver.wait(lambda now: f"IoU {found.iou:.3f}, " in now["caption"], "the kernel's words")
    return np.array(pair)


def test_two_boxes_by_mouse_and_keys_and_the_numbers_are_those_of_python(opened, tmp_path):
    notebook = opened([SHOW.format("iou")])
    (driver,) = lab.drivers(notebook)
    page = notebook.page
    start = agree(driver, 0.5)
    driver.root.screenshot(path=tmp_path / "start.png")

    frame = page.locator(".tracklab-canvas svg").bounding_box()
    scale = frame["width"] / overlap.SIZE[1]
    x, y = (start[1, :2] + start[1, 2:]) / 2 * scale + (frame["x"], frame["y"])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10 * scale, y + 4 * scale, steps=3)
    dragged = driver.root.evaluate(BOXES)  # still held: the browser alone has answered
    np.testing.assert_allclose(dragged[1], start[1] + [10, 4, 10, 4], atol=0.6)
    page.mouse.up()
    agree(driver, 0.5)
    driver.root.screenshot(path=tmp_path / "dragged.png")

    before = driver.root.evaluate(BOXES)
    page.locator(".tracklab-canvas .box").last.focus()
    for key in ("ArrowLeft", "Control+ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    moved = agree(driver, 0.5) - before
    np.testing.assert_allclose(moved, [[0, 0, 0, 0], [9, -1, 9, 0]], atol=1e-6)

    (names,) = driver.controls("choice")
    for name, boxes in overlap.PRESETS.items():
        names.select_option(name)
        page.wait_for_function(
            "([root, pair]) => pair.every((box, k) => root.querySelectorAll('.box')[k]"
            ".ariaLabel.includes(`x ${box[0]} to ${box[2]}, y ${box[1]} to ${box[3]} `))",
            arg=[driver.root, boxes],
        )
        agree(driver, 0.5)
        driver.root.screenshot(path=tmp_path / f"{name}.png")
    (threshold,) = driver.controls("slider")
    for end in (0.95, 0.05):
        driver.press(threshold, "slider")
        page.wait_for_function(
            "([root, t]) => root.querySelector('[data-key=hit]').textContent.endsWith(t)",
            arg=[driver.root, f"at {end:.2f}"],
        )
        agree(driver, end)


def test_the_loop_of_suppression_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW.format("nms")]))
    step = next(s for s in driver.controls("slider") if s.evaluate(lab.NAME) == "Step")
    step.focus()
    step.press("Home")
    driver.wait(lambda now: "none taken yet" in now["caption"])
    for number in (1, 2, 3):
        step.press("ArrowRight")
        driver.wait(lambda now, n=number: f"Step {n} of" in now["caption"])
    expected = loop.draw(method=loop.HARD, overlap=0.5, score=0.3, step=3, seed=loop.FIRST_SAMPLE)
    now = driver.now()
    assert now["alt"] == now["caption"] == expected.caption
    assert not now["error"]
    driver.root.screenshot(path=tmp_path / "nms.png")


def test_the_score_walks_along_the_curve_by_keyboard(opened, tmp_path):
    (driver,) = lab.drivers(opened([SHOW.format("precision-recall")]))
    score = next(s for s in driver.controls("slider") if "Score" in s.evaluate(lab.NAME))
    start = driver.now()
    driver.root.screenshot(path=tmp_path / "start.png")
    score.focus()
    for percent in (52, 54, 56):
        score.press("ArrowRight")
        driver.wait(lambda now, p=percent: f"From score 0.{p} on" in now["caption"])
    now = driver.now()
    settings = {"style": "COCO: 101 recalls", "suppress": True, "seed": ranked.FIRST_SAMPLE}
    expected = ranked.draw(ranked.Chart(), score=0.56, iou=0.5, **settings)
    assert now["alt"] == now["caption"] == expected.caption
    assert now["src"] != start["src"]
    assert not now["error"]
