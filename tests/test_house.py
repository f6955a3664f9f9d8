"""The house: a module imports only from floors below its own, and loads what is heavy late."""

import ast
import re

import pytest
from realdata import ROOT

# Rooms by floor (house plan in CONTRIBUTING.md); a room is a module or a package of tracklab.
FLOORS = (
    (
        *("errors", "boxes", "calibration", "clips", "convolution", "detections", "files"),
        *("kernels", "looking", "quiet", "tables", "tracks"),
    ),
    ("scenes", "video", "datasets", "proposals", "augment"),
    ("finders", "models", "motion", "optimizers", "sweeps", "training"),
    ("trackers",),
    ("evaluation", "metrics", "explain", "compress"),
    ("plots", "overlay", "show", "exercises", "explorers", "following"),
    ("doctor", "cli", "__main__"),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS, start=1) for room in rooms}
PACKAGE = ROOT / "tracklab"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
WORDS = re.compile(r"(?<![\w./])/(work|root|home|tmp)/|\b(TODO|FIXME|XXX)\b")


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path):
    """The rooms of tracklab that a file names in an import, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            pytest.fail(f"{path.name}: relative import; name the room in full")
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "tracklab" and len(parts) > 1:
                yield parts[1]


def test_every_file_stands_on_a_floor():
    assert {room_of(path) for path in FILES} <= set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = room_of(path)
    for room in imported_rooms(path):
        if room == own or room.startswith("__"):
            continue
        assert FLOOR[room] <= FLOOR[own], f"{own} (floor {FLOOR[own]}) imports {room} above it"


def test_rooms_on_one_floor_do_not_import_in_circles():
    edges = {}
    for path in FILES:
        edges.setdefault(room_of(path), set()).update(set(imported_rooms(path)) - {room_of(path)})

    def reaches(start, goal, seen):
        return goal in edges.get(start, ()) or any(
            reaches(room, goal, seen | {room}) for room in edges.get(start, set()) - seen
        )

    assert [room for room in edges if reaches(room, room, {room})] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_star_imports_pickle_or_leftovers(path):
    text = path.read_text()
    assert not re.search(r"^\s*from .* import \*", text, re.MULTILINE)
    assert not re.search(r"^\s*(import|from) pickle|allow_pickle\s*=\s*True", text, re.MULTILINE)
    assert not WORDS.search(text), WORDS.search(text)
