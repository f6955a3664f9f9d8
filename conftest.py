"""What holds for every test and every lesson: no network, quiet logs, seconds per lesson."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import hypothesis
import pytest

# How fast a machine is must not decide whether a property holds.
hypothesis.settings.register_profile("tracklab", deadline=None)
hypothesis.settings.load_profile("tracklab")

ROOT = Path(__file__).resolve().parent
OFFLINE = ROOT / "tests" / "offline"
sys.path.insert(0, str(ROOT / "tests"))


def pytest_configure(config):
    """Turn the network off, here and in every kernel, and point at real data that is at hand."""
    # The kernels of the lessons inherit the folder and so the guard; this process loads it by hand.
    old = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(OFFLINE) not in old:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(OFFLINE), *filter(None, old)])
    guard = sys.modules.get("sitecustomize")  # there already in a worker of pytest-xdist
    if getattr(guard, "__file__", None) != str(OFFLINE / "sitecustomize.py"):
        spec = importlib.util.spec_from_file_location("offline", OFFLINE / "sitecustomize.py")
        guard = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(guard)
    sys.modules["offline"] = guard
    os.environ.setdefault("TRACKLAB_OFFLINE", "1")
    import realdata

    realdata.point_at_cifar()


@pytest.fixture(autouse=True)
def no_network(request):
    """Fail a test that asked for another machine, also where its code swallowed the refusal."""
    asked = sys.modules["offline"].refused
    asked.clear()
    yield
    if asked and not request.node.get_closest_marker("asks_network"):
        pytest.fail(f"asked for the network, which is off in tests: {asked}")


@pytest.hookimpl(hookwrapper=True)
def pytest_collect_file(file_path, parent):
    """Leave out of nbval's comparison what differs between machines: widgets, pages, stderr."""
    outcome = yield
    for node in outcome.get_result() or []:
        if hasattr(node, "skip_compare"):
            node.skip_compare = (
                *node.skip_compare,
                "stderr",
                "text/html",
                "application/vnd.jupyter.widget-view+json",
            )


def pytest_terminal_summary(terminalreporter):
    """Print how long each lesson took."""
    seconds: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            name = getattr(report, "nodeid", "").split("::")[0]
            if name.endswith(".ipynb"):
                seconds[name] = seconds.get(name, 0.0) + getattr(report, "duration", 0.0)
    if seconds:
        terminalreporter.section("seconds per lesson")
        for name, spent in sorted(seconds.items()):
            terminalreporter.write_line(f"{Path(name).stem:<32}{spent:8.1f}")
        terminalreporter.write_line(f"{'all':<32}{sum(seconds.values()):8.1f}")
