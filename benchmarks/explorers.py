"""How fast explorers answer: from a key press to the new picture, in a real browser.

    python -m benchmarks.explorers [NAME ...] [--presses N] [--save]

For each explorer the first slider that answers is moved back and forth by arrow keys in headless
Chromium on JupyterLab. The clock is the browser's own: from the key's event to the picture's load.
Beside it, the time that `draw` takes in the kernel alone, for the same changes, cached or not.
"arena-busy" is the arena while a slow tracker runs through a long clip.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import lab  # noqa: E402

from tracklab import explorers  # noqa: E402
from tracklab.files import write_whole  # noqa: E402

RESULT = ROOT / "data" / "results" / "explorers.json"
GOAL = 100  # milliseconds: what the course asks of an explorer where no network runs
BUSY = "arena-busy"
LONG = """
import tracklab
clip = tracklab.scenes.render(seed=0, frames=1500, size=(150, 200), objects=1)
made = tracklab.explore("arena", trackers=["template"], clips={"long": clip})
made
"""
CELLS = {BUSY: [LONG, 'made.set(trackers=["template", "opencv-mil"])']}
WATCH = """root => {
  const img = root.querySelector('.tracklab-screen img');
  window.latencies = [];
  let pressed = null;
  root.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  img.addEventListener('load', () => {
    if (pressed !== null) window.latencies.push(performance.now() - pressed);
    pressed = null;
  });
}"""


def in_browser(browser, address, folder, name, presses):
    """Milliseconds from key to picture of each press that changed the picture, and the slider."""
    cells = CELLS.get(name, [f"import tracklab\ntracklab.explore({name!r})"])
    lab.write_notebook(folder / f"{name}.ipynb", cells)
    notebook = lab.Open(browser, address, f"{name}.ipynb")
    try:
        notebook.run()
        (driver,) = lab.drivers(notebook)
        for slider in driver.controls("slider"):
            driver.root.evaluate(WATCH)
            found = press(driver, slider, presses)
            if len(found) >= presses // 2:
                return found, slider.evaluate(lab.NAME)
        raise RuntimeError(f"{name}: no slider changes the picture")
    finally:
        notebook.close()


def press(driver, slider, presses):
    """Move a slider up to its end and down again, waiting for each answer."""
    slider.focus()
    way = "ArrowRight"
    for number in range(presses):
        at, low, high = slider.evaluate(
            "e => [e.ariaValueNow, e.ariaValueMin, e.ariaValueMax].map(Number)"
        )
        way = "ArrowLeft" if at >= high else "ArrowRight" if at <= low else way
        before = driver.now()["answered"]
        slider.press(way)
        driver.wait(lambda now, before=before: now["answered"] > before, f"press {number}")
        driver.page.wait_for_timeout(60)  # the load event comes after the answer's count
    return driver.page.evaluate("window.latencies")


def in_kernel(name, label):
    """Milliseconds of wall and CPU time that each drawing takes, over the slider's whole range."""
    made = explorers.explore(name.removesuffix("-busy"))
    key = next(k for k, c in made.controls.items() if label.startswith(c.label))
    widget = made._values[key]
    values = np.arange(widget.min, widget.max + widget.step / 2, widget.step)[:40]
    wall, cpu = [], []
    for value in values:
        params = made.params | {key: type(widget.value)(value)}
        began, cpu_began = time.perf_counter(), time.process_time()
        made.draw(**params)
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.process_time() - cpu_began))
    return wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=sorted([*explorers.NAMES, BUSY]))
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--save", action="store_true", help="store the table for the lessons")
    options = parser.parse_args()
    path = lab.find_chromium()
    if path is None:
        sys.exit("no Chromium here: run `sh scripts/install_chromium.sh`")

    print(f"key press to new picture, headless Chromium, {os.cpu_count()} cores; goal {GOAL} ms")
    print("explorer      slider            presses  p50 ms  p95 ms   draw p50  p95  CPU p50 (ms)")
    rows = {}
    with tempfile.TemporaryDirectory() as state:
        folder = Path(state) / "notebooks"
        folder.mkdir()
        with lab.jupyterlab(folder, Path(state)) as address, lab.chromium(path) as browser:
            for name in options.names:
                found, slider = in_browser(browser, address, folder, name, options.presses)
                wall, cpu = in_kernel(name, slider)
                p50, p95 = np.percentile(found, [50, 95])
                draw50, draw95 = np.percentile(wall, [50, 95])
                rows[name] = {
                    "slider": slider,
                    "presses": len(found),
                    "p50_ms": round(float(p50), 1),
                    "p95_ms": round(float(p95), 1),
                    "draw_p50_ms": round(float(draw50), 1),
                    "draw_p95_ms": round(float(draw95), 1),
                    "draw_cpu_p50_ms": round(float(np.median(cpu)), 1),
                }
                print(
                    f"{name:13} {slider:17} {len(found):7} {p50:7.0f} {p95:7.0f}"
                    f" {draw50:10.1f} {draw95:4.0f} {np.median(cpu):8.1f}"
                )
    if options.save:
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        before = json.loads(RESULT.read_text())["explorers"] if RESULT.is_file() else {}
        stored = {"machine": machine, "explorers": dict(sorted((before | rows).items()))}
        write_whole(RESULT, json.dumps(stored, indent=1) + "\n")
        print(f"stored in {RESULT.relative_to(ROOT)}")
    over = [name for name, row in rows.items() if row["p95_ms"] > GOAL]
    print(f"over the goal at p95: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    main()
