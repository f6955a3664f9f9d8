"""The doctor: what is on this machine, what is missing, and what to do about each finding.

    python -m tracklab doctor

Invariant: it always answers. It needs nothing but Python to start, tries each thing apart from the
others (TensorFlow in a process of its own, because a broken one can take its process along), and a
check that fails in a way that nobody foresaw is itself a finding.

What it says names no folder of this machine in full, so that it can be pasted into a question.
"""

from __future__ import annotations

import html
import importlib.metadata
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

OK, ATTENTION, BROKEN = "ok", "attention", "broken"
SIGNS = {OK: "✓", ATTENTION: "!", BROKEN: "✗"}
COLORS = {OK: "#009E73", ATTENTION: "#B26F00", BROKEN: "#D55E00"}  # told apart by colour-blind too
MEANINGS = {
    OK: "nothing to do",
    ATTENTION: "the lessons run, with less",
    BROKEN: "some lessons will fail",
}

TENSORFLOW_SECONDS = 120.0  # a cold start from a slow disk takes most of a minute
NETWORK_SECONDS = 3.0
ENOUGH_CORES = 2
ENOUGH_MEMORY = 4.0  # GB: lesson 02 trains in less
ENOUGH_DISK = 2.0  # GB: CIFAR-10, its cache and a few videos
OPENCV_WHEELS = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)
INSTALL = "run 'make lab' again, or 'pip install -r requirements.lock' and 'pip install -e .'"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its name, how it is, what was found, what to do about it."""

    name: str
    status: str
    found: str
    todo: str = ""


class Report(list[Finding]):
    """Findings: a table in a notebook, lines in a terminal."""

    @property
    def status(self) -> str:
        """The worst status of all findings."""
        order = (OK, ATTENTION, BROKEN)
        return max((finding.status for finding in self), key=order.index, default=OK)

    def to_json(self) -> str:
        """The findings as JSON."""
        return json.dumps([asdict(finding) for finding in self], indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        width = max((len(finding.name) for finding in self), default=0)
        lines = []
        for finding in self:
            lines.append(f"{SIGNS[finding.status]} {finding.name:<{width}}  {finding.found}")
            if finding.todo:
                lines.append(f"  {'':<{width}}  -> {finding.todo}")
        return "\n".join([*lines, "", self.summary])

    __repr__ = __str__

    @property
    def summary(self) -> str:
        """One line: how many findings of each kind, and what that means."""
        counts = {status: sum(f.status == status for f in self) for status in SIGNS}
        parts = [f"{count} {status}" for status, count in counts.items() if count]
        return f"{', '.join(parts) or 'nothing looked at'}: {MEANINGS[self.status]}."

    def _repr_html_(self) -> str:
        rows = []
        for finding in self:
            mark = (
                f'<span style="color:{COLORS[finding.status]};font-weight:bold;white-space:nowrap">'
                f"{SIGNS[finding.status]} {finding.status}</span>"
            )
            cells = [html.escape(finding.name), mark]
            cells += [html.escape(finding.found), html.escape(finding.todo)]
            style = "text-align:left;vertical-align:top;white-space:normal"
            rows.append(
                "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"
            )
        head = "".join(
            f'<th scope="col" style="text-align:left">{name}</th>'
            for name in ("what", "how it is", "found", "what to do")
        )
        return (
            f"<table><caption style='text-align:left'>{html.escape(self.summary)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )


def report(*, network: bool = False, tensorflow: bool = True) -> Report:
    """Look at this machine: Python, packages, TensorFlow, codecs, data, and what lessons need.

    network: also see whether CIFAR-10's host answers (off: nothing leaves this machine).
    tensorflow: really start it, in a process of its own; this takes most of the time.

    Raises nothing: what goes wrong is a finding.
    """
    found = Report()
    found += _tried("Python", lambda: python(sys.version_info[:2]))
    found += _tried("packages", packages)
    found += _tried("cores", lambda: cores(_core_count()))
    found += _tried("memory", lambda: memory(_memory_gb()))
    found += _tried("disk", disk)
    if tensorflow:
        found += _tried("TensorFlow", lambda: tensorflow_and_gpu(_start_tensorflow(), _nvidia()))
    found += _tried("OpenCV", lambda: opencv(_installed(OPENCV_WHEELS), _import_opencv()))
    found += _tried("trackers", lambda: trackers(*_opencv_trackers()))
    found += _tried("video", video_codec)
    found += _tried("JupyterLab", jupyter)
    found += _tried("browser", lambda: browser(_find_browser()))
    found += _tried("CIFAR-10", cifar)
    found += _tried("weights", lambda: weights(_checkout() / "data" / "weights"))
    if network:
        found += _tried("network", lambda: reach(_cifar_host()))
    return found


def _tried(name: str, check: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    """What a check found, or that it failed."""
    try:
        found = check()
        return [found] if isinstance(found, Finding) else list(found)
    except Exception as error:  # a doctor that falls over helps nobody
        what = f"{type(error).__name__}: {shorten(str(error))}"
        return [Finding(name, BROKEN, f"could not be looked at: {what}", INSTALL)]


# each check is told what it looks at, so that a test can tell it something else


def python(version: tuple[int, ...]) -> Finding:
    """Whether this Python is one that TensorFlow has wheels for."""
    said = f"{'.'.join(map(str, version))} on {sys.platform}"
    if (3, 11) <= version[:2] <= (3, 13):
        return Finding("Python", OK, said)
    return Finding("Python", BROKEN, said, "install Python 3.11, 3.12 or 3.13, then " + INSTALL)


def packages(required: Iterable[str] | None = None) -> Finding:
    """Whether what tracklab asks for is installed, in a version that it was tried with."""
    if required is None:
        try:
            required = importlib.metadata.requires("tracklab") or []
        except importlib.metadata.PackageNotFoundError:
            return Finding("packages", ATTENTION, "tracklab itself is not installed", INSTALL)
    from packaging.requirements import Requirement

    there, wrong = [], []
    for text in required:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = _version(requirement.name)
        if version is None:
            wrong.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, wanted {requirement.specifier}")
        else:
            there.append(f"{requirement.name} {version}")
    if wrong:
        missing = any(text.endswith("missing") for text in wrong)
        return Finding("packages", BROKEN if missing else ATTENTION, "; ".join(wrong), INSTALL)
    return Finding("packages", OK, ", ".join(there))


def cores(count: int) -> Finding:
    """Whether there are the two cores that the lessons' times were measured on."""
    said = f"{count} core{'s' * (count != 1)} for this process"
    if count >= ENOUGH_CORES:
        return Finding("cores", OK, said)
    return Finding("cores", ATTENTION, said, "expect about twice the seconds that a lesson names")


def memory(gigabytes: float | None) -> Finding:
    """Whether training fits."""
    if gigabytes is None:
        return Finding("memory", OK, "unknown on this system")
    said = f"{gigabytes:.1f} GB for this process"
    if gigabytes >= ENOUGH_MEMORY:
        return Finding("memory", OK, said)
    return Finding("memory", ATTENTION, said, "close other programs and other notebooks' kernels")


def disk(free: float | None = None) -> Finding:
    """Whether data sets and videos have room. `free` in GB; of the cache's disk if None."""
    if free is None:
        free = shutil.disk_usage(_cache()).free / 1e9
    said = f"{free:.0f} GB free" if free >= 10 else f"{free:.1f} GB free"
    if free >= ENOUGH_DISK:
        return Finding("disk", OK, said)
    status = ATTENTION if free > ENOUGH_DISK / 4 else BROKEN
    return Finding("disk", status, said, f"make room: lessons want {ENOUGH_DISK:g} GB")


def tensorflow_and_gpu(started: dict[str, Any], nvidia: str | None) -> list[Finding]:
    """How TensorFlow starts, what it computes on, and whether what it logs matters.

    started: what `_start_tensorflow` tells. nvidia: the graphics card that the driver sees.
    """
    if "version" not in started:
        found = f"does not start: {started.get('error', 'no reason given')}"
        return [Finding("TensorFlow", BROKEN, found, INSTALL)]
    found = f"{started['version']} with Keras {started['keras']} starts and multiplies"
    findings = [Finding("TensorFlow", OK, found)]
    devices = started["gpus"]
    if devices:
        findings.append(Finding("GPU", OK, f"TensorFlow sees {', '.join(devices)}"))
    elif nvidia:
        todo = "pip install 'tensorflow[and-cuda]', of the same version (Linux, or WSL on Windows)"
        findings.append(
            Finding("GPU", ATTENTION, f"{nvidia} is there, but TensorFlow does not see it", todo)
        )
    else:
        findings.append(Finding("GPU", OK, "none; every lesson is made for two cores"))
    mistakes = [line for line in started["log"] if re.search(r"(^|: )E(0000)? ", line)]
    if mistakes and nvidia and not devices:
        findings.append(Finding("TensorFlow's log", ATTENTION, shorten(mistakes[0])))
    else:
        said = "speaks while it starts, of nothing that matters here; tracklab hides it"
        silent = "is silent"
        findings.append(Finding("TensorFlow's log", OK, said if started["log"] else silent))
    return findings


def opencv(wheels: dict[str, str], imported: str | ImportError) -> Finding:
    """Whether OpenCV is there once, whole, and with the system libraries that it wants.

    wheels: the installed OpenCV packages and their versions. imported: the version that `import
    cv2` gave, or the error.
    """
    named = ", ".join(f"{name} {version}" for name, version in wheels.items())
    if len(wheels) > 1:
        every = " ".join(wheels)
        todo = f"pip uninstall -y {every}, then pip install '{_wanted('opencv-python')}'"
        return Finding("OpenCV", BROKEN, f"{named} overwrite each other", todo)
    if isinstance(imported, ImportError):
        missing = re.search(r"lib\w+[\w.-]*\.so[\w.]*", str(imported))
        if missing:
            found = f"is installed, but the system library {missing[0]} is missing"
            todo = "on Debian and Ubuntu: sudo apt install libgl1 libglib2.0-0"
            return Finding("OpenCV", BROKEN, found, todo)
        return Finding("OpenCV", BROKEN, shorten(f"cannot be imported: {imported}"), INSTALL)
    found = f"{imported} ({named})" if named else f"{imported}, not from a Python package"
    return Finding("OpenCV", OK, found)


def trackers(there: tuple[str, ...], known: tuple[str, ...]) -> Finding:
    """Which of OpenCV's trackers are here to compare with; the lessons need none but MIL.

    there: those that the installed OpenCV can make. known: those that some OpenCV can.
    """
    found = f"of OpenCV's: {', '.join(there) or 'none'}"
    lacking = [kind for kind in known if kind not in there]
    if "mil" not in there:
        return Finding("trackers", ATTENTION, found, f"install '{_wanted('opencv-python')}'")
    if lacking:
        found += f"; 'make contrib' gives {', '.join(lacking)} an environment of their own"
    return Finding("trackers", OK, found)


def video_codec(encode: Callable[..., bytes] | None = None) -> Finding:
    """Whether H.264, which browsers play, can be written and read back: really tried."""
    import av
    import numpy as np

    from tracklab import video

    encode = encode or video.encode
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    frames = [np.stack([np.roll(np.tile(ramp, (48, 1)), k, 1)] * 3, -1) for k in range(5)]
    try:
        movie = encode(frames, 25.0)
        with av.open(io.BytesIO(movie), "r") as opened:
            codec = opened.streams.video[0].codec_context.name
            back = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    except Exception as error:
        found = f"H.264 cannot be written and read here: {shorten(str(error))}"
        return Finding("video", BROKEN, found, "reinstall PyAV: pip install --force-reinstall av")
    pairs = list(zip(frames, back, strict=False))
    error_ = max((float(np.abs(a.astype(int) - b).mean()) for a, b in pairs), default=255.0)
    if len(back) != len(frames) or codec != "h264" or error_ > 20:
        found = f"of {len(frames)} frames {len(back)} came back, as {codec}"
        return Finding("video", BROKEN, found, "reinstall PyAV: pip install --force-reinstall av")
    return Finding("video", OK, f"H.264 written and read back with PyAV {av.__version__}")


def jupyter() -> Finding:
    """Whether the lessons can be opened, and their explorers shown."""
    versions = {name: _version(name) for name in ("jupyterlab", "ipywidgets", "anywidget")}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Finding("JupyterLab", BROKEN, f"{', '.join(missing)} missing", INSTALL)
    return Finding("JupyterLab", OK, ", ".join(f"{name} {v}" for name, v in versions.items()))


def browser(path: str | None) -> Finding:
    """Whether there is a browser for the tests; for the lessons any modern one will do."""
    if path:
        return Finding("browser", OK, f"{Path(path).name}, for the browser tests")
    found = "no Chromium; only the browser tests want it, and they skip"
    return Finding("browser", OK, found)


def cifar() -> Finding:
    """Where the lessons will take CIFAR-10 from: they are asked, but nothing is decoded."""
    from tracklab.datasets.cifar import at_hand
    from tracklab.errors import SourceError

    todo = (
        "stay online for the first download (170 MB), or set TRACKLAB_DATA to a folder with "
        "train/<class>/ and test/<class>/; without both, lessons say that they use drawn sprites"
    )
    try:
        there = at_hand()
    except SourceError as error:
        said = shorten(f"what TRACKLAB_DATA names cannot be used: {error}")
        return Finding("CIFAR-10", ATTENTION, said, f"repair that, or {todo}")
    if there is None:
        named = os.environ.get("TRACKLAB_DATA")
        found = "no images where TRACKLAB_DATA points" if named else "not on this machine yet"
        return Finding("CIFAR-10", ATTENTION, found, todo)
    if not there.is_cifar:
        said = f"{there.found}, and lessons will use these"
        todo = "nothing, if that is what you want; else unset TRACKLAB_DATA"
        return Finding("CIFAR-10", ATTENTION, said, todo)
    return Finding("CIFAR-10", OK, there.found)


def weights(folder: Path) -> Finding:
    """Whether the trained networks that lessons share are there."""
    files = [path for path in folder.rglob("*") if path.suffix in (".npz", ".keras", ".h5")]
    if files:
        return Finding("weights", OK, f"{len(files)} trained network{'s' * (len(files) > 1)}")
    return Finding("weights", OK, "none shipped with this version")


def reach(host: str) -> Finding:
    """Whether the host that has CIFAR-10 answers."""
    try:
        with socket.create_connection((host, 443), timeout=NETWORK_SECONDS):
            return Finding("network", OK, f"{host} answers")
    except OSError as error:
        found = f"{host} does not answer ({error.strerror or type(error).__name__})"
        todo = "nothing, unless you want CIFAR-10 downloaded; behind a proxy set HTTPS_PROXY"
        return Finding("network", ATTENTION, found, todo)


# what the checks are told


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _installed(names: Iterable[str]) -> dict[str, str]:
    found = {name: _version(name) for name in names}
    return {name: version for name, version in found.items() if version is not None}


def _wanted(name: str) -> str:
    """What tracklab asks for, as pip writes it."""
    try:
        required = importlib.metadata.requires("tracklab") or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    return next((text for text in required if re.match(rf"{name}\b(?!-)", text)), name)


def _core_count() -> int:
    """Cores that this process may use: fewer than the machine's in a container."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        count = os.cpu_count() or 1
    quota = _first_word("/sys/fs/cgroup/cpu.max", 0), _first_word("/sys/fs/cgroup/cpu.max", 1)
    if quota[0] and quota[1] and quota[0].isdigit():
        count = min(count, max(1, round(int(quota[0]) / int(quota[1]))))
    return count


def _memory_gb() -> float | None:
    """Memory that this process may use, in GB."""
    try:
        total: int = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        try:
            import psutil
        except ImportError:
            return None
        total = psutil.virtual_memory().total
    limit = _first_word("/sys/fs/cgroup/memory.max", 0)
    if limit and limit.isdigit():
        total = min(total, int(limit))
    return total / 1e9


def _first_word(path: str, index: int) -> str | None:
    try:
        words = Path(path).read_text().split()
    except OSError:
        return None
    return words[index] if index < len(words) else None


STARTER = """
import json, sys
import keras
import tensorflow as tf
total = float(tf.reduce_sum(tf.ones((8, 8)) @ tf.ones((8, 8))))
if total != 512:
    sys.exit(f"8 x 8 ones times 8 x 8 ones summed to {total}")
gpus = tf.config.list_physical_devices("GPU")
names = [tf.config.experimental.get_device_details(g).get("device_name", g.name) for g in gpus]
print(json.dumps({"version": tf.__version__, "keras": keras.__version__, "gpus": names}))
"""


def _start_tensorflow(seconds: float = TENSORFLOW_SECONDS) -> dict[str, Any]:
    """Start TensorFlow in a process of its own: version, keras, gpus, log; or error."""
    if _version("tensorflow") is None:
        return {"error": "it is not installed"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", STARTER],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer after {seconds:g} seconds"}
    log = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        last = shorten(log[-1]) if log else "no message"
        if done.returncode < 0:
            last = f"it was ended by signal {-done.returncode} (does this processor have AVX?)"
        return {"error": last}
    return {**json.loads(done.stdout.splitlines()[-1]), "log": log}


def _nvidia() -> str | None:
    """The name of the graphics card that NVIDIA's driver sees."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else None


def _import_opencv() -> str | ImportError:
    try:
        import cv2
    except ImportError as error:
        return error
    return str(cv2.__version__)


def _opencv_trackers() -> tuple[tuple[str, ...], tuple[str, ...]]:
    from tracklab.trackers import opencv

    return opencv.opencv_available(), opencv.WRITTEN_OUT


def _find_browser() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def _cifar_host() -> str:
    from urllib.parse import urlsplit

    from tracklab.datasets.cifar import ORIGIN

    return urlsplit(ORIGIN).hostname or ORIGIN


def _cache() -> Path:
    """The folder in which data sets are kept, or what stands in for it."""
    try:
        from tracklab.datasets.store import cache_dir
    except ImportError:  # NumPy or OpenCV is missing, which is a finding of its own
        return _checkout()
    return cache_dir() or Path(tempfile.gettempdir())


def _checkout() -> Path:
    """The folder that the package lies in: the checkout, if it is run from one."""
    return Path(__file__).resolve().parent.parent


ABSOLUTE = re.compile(
    r"(?<![\w.:/~…])(?:[A-Za-z]:)?[\\/](?:[^\s'\":,;()\\/]+[\\/])+([^\s'\":,;()]*)"
)


def shorten(text: str, length: int = 160) -> str:
    """A message on one line, without the folders of this machine, and not too long."""
    text = " ".join(text.split())
    text = text.replace(str(_checkout()), "tracklab").replace(str(Path.home()), "~")
    text = ABSOLUTE.sub(r"…/\1", text)
    return text if len(text) <= length else text[: length - 1] + "…"
