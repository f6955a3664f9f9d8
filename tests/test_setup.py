"""One truth about what is installed: pyproject.toml, the lock file and environment.yml agree."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from realdata import ROOT

CARD = ("jupyterlab", "tensorflow", "matplotlib", "ipywidgets", "opencv-python", "nbval", "pytest")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def name_of(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def direct():
    """The requirements that pyproject.toml states, by name."""
    stated = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    return {name_of(line): line for line in stated}


def locked():
    """The versions in the lock file, by name."""
    pins = re.findall(r"^([\w.-]+)==([\w.+]+)", LOCK, re.MULTILINE)
    return {name_of(name): version for name, version in pins}


def environment():
    """What environment.yml asks of conda, and of pip."""
    wanted = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(part["pip"] for part in wanted if isinstance(part, dict))
    return [part for part in wanted if isinstance(part, str)], pip


def active():
    """The pins of the lock file that hold for this Python on this system, by name."""
    lines = re.findall(r"^([\w.-]+==[^\\\n]+)", LOCK, re.MULTILINE)
    pins = [Requirement(line.strip()) for line in lines]
    return {name_of(pin.name): pin for pin in pins if pin.marker is None or pin.marker.evaluate()}


def needed():
    """Everything that the direct requirements need here, by what is installed."""
    found, open_ends = set(), [Requirement(line) for line in direct().values()]
    while open_ends:
        wanted = open_ends.pop()
        for extra in {"", *wanted.extras}:
            if (name := name_of(wanted.name), extra) in found:
                continue
            found.add((name, extra))
            parts = map(Requirement, importlib.metadata.requires(name) or [])
            open_ends += [p for p in parts if not p.marker or p.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


def test_the_card_is_declared_everywhere():
    _, pip = environment()
    for name in CARD:
        assert name in direct()
        assert name in locked()
        assert name in {name_of(line) for line in pip}


def test_lock_has_one_version_of_what_is_asked_for():
    pins = [name_of(name) for name in re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)]
    assert [name for name in direct() if pins.count(name) != 1] == []


def test_lock_holds_what_pyproject_asks_for():
    for name, requirement in direct().items():
        version = locked()[name]
        assert version in Requirement(requirement).specifier, f"{requirement}: locked {version}"


def test_lock_holds_all_that_is_needed_and_nothing_else():
    assert set(active()) == needed()


def test_environment_pins_what_the_lock_pins():
    _, pip = environment()
    pins = {name_of(line): line.split("==")[1] for line in pip if "==" in line}
    assert pins == {name: locked()[name] for name in direct()}
    assert "-e ." in pip
    assert len(pip) == len(pins) + 1


def test_environment_takes_from_conda_a_python_that_the_package_accepts_and_no_more():
    (python, pip), _ = environment()
    assert pip == "pip"
    name, version = python.split("=")
    assert name == "python"
    assert version in SpecifierSet(PROJECT["requires-python"])


def test_lock_has_hashes_and_no_address():
    assert not re.search(r"https?://|--(index|extra-index|find-links)|file:", LOCK)
    packages = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(packages) > 100
    for package in packages:
        assert "--hash=sha256:" in package, package.split("\n")[0]


def test_every_dependency_states_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    for requirement in direct().values():
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w+', text), requirement


def test_the_package_imports_only_what_is_declared():
    # Keras 3 comes with TensorFlow; the others are named otherwise than what they are installed as
    named = {"cv2": "opencv-python", "IPython": "ipython", "PIL": "pillow", "keras": "tensorflow"}
    known = {"tracklab", "__future__", *sys.stdlib_module_names, *direct()}
    for path in (ROOT / "tracklab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module]
            else:
                continue
            for module in (name.split(".")[0] for name in modules):
                assert named.get(module, module) in known, f"{path.name} imports {module}"


def test_one_opencv_only():
    assert [name for name in locked() if name.startswith("opencv")] == ["opencv-python"]


APART = {"contrib": "opencv-contrib-python", "albumentations": "opencv-python-headless"}


def apart(name):
    """What an environment apart asks for, and its lock file."""
    path = ROOT / "benchmarks" / f"{name}-requirements"
    return path.with_suffix(".txt").read_text(), path.with_suffix(".lock").read_text()


@pytest.mark.parametrize("name", APART)
def test_an_environment_apart_has_what_it_asks_for_in_the_versions_of_the_other(name):
    asked, lock = apart(name)
    pins = dict(re.findall(r"^([\w.-]+)==([\w.+]+)", lock, re.MULTILINE))
    wanted = [line.split("#") for line in asked.splitlines() if not line.startswith("#")]
    for requirement, *reason in wanted:
        assert pins[name_of(requirement)] in Requirement(requirement.strip()).specifier
        assert reason, requirement
    assert pins.pop(APART[name]) == locked()["opencv-python"]
    assert not [other for other in pins if other.startswith("opencv")]
    both = {other: version for other, version in pins.items() if other in locked()}
    assert both == {other: locked()[other] for other in both}
    assert name == "albumentations" or both == pins


@pytest.mark.parametrize("name", APART)
def test_the_lock_of_an_environment_apart_has_hashes_and_no_address(name):
    _, lock = apart(name)
    assert not re.search(r"https?://|--(index|extra-index|find-links)|file:", lock)
    for package in re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in package, package.split("\n")[0]


def test_make_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make (\w+) ", said.stdout, re.MULTILINE)) == targets


def test_ci_calls_the_readmes_test_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^make test$", (ROOT / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("package", ["libgl1", "libglib2.0-0"])
def test_binder_gets_opencvs_system_libraries(package):
    assert package in (ROOT / "apt.txt").read_text().split()
