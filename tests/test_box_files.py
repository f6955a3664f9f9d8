"""Files of boxes in OTB's form: what is written reads back, bad ones are refused by their line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors, video

NOTHING = [np.nan] * 4


def test_rows_count_pixels_from_one(tmp_path):
    path = video.write_boxes(tmp_path / "Girl.txt", [[0, 10, 30.5, 50], NOTHING, [-4, -1, 6, 2]])
    assert path.read_text() == "1,11,30.5,40\nnan,nan,nan,nan\n-3,0,10,3\n"
    back = video.read_boxes(path)
    np.testing.assert_array_equal(back, np.float32([[0, 10, 30.5, 50], NOTHING, [-4, -1, 6, 2]]))
    np.testing.assert_allclose(np.loadtxt(path, delimiter=",")[0], [1, 11, 30.5, 40])


CORNERS = st.floats(-30_000, 30_000, width=32).filter(lambda v: v == 0 or abs(v) >= 1e-3)


@given(st.lists(st.tuples(CORNERS, CORNERS, CORNERS, CORNERS), max_size=5))
def test_what_is_written_reads_back(tmp_path_factory, rows):
    corners = np.array(rows, np.float32).reshape(-1, 2, 2)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    boxes[(boxes[:, 2:] <= boxes[:, :2]).any(1)] = np.nan  # no area, no box
    path = tmp_path_factory.mktemp("boxes") / "boxes.txt"
    np.testing.assert_array_equal(video.read_boxes(video.write_boxes(path, boxes)), boxes)


@pytest.mark.parametrize(
    "text", ["1,11,30,40\n", "1 11 30 40", "1\t11\t30\t40\n\n", "1; 11; 30; 40"]
)
def test_files_of_other_programs(tmp_path, text):
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    np.testing.assert_array_equal(video.read_boxes(path), [[0, 10, 30, 50]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3,4\n1,2,3\n", "line 2"),
        ("1,2,3,4,5\n", "line 1"),
        ("x,y,w,h\n1,2,3,4\n", "line 1"),
        ("1,2,-3,4\n", "size"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 2"),
        ("inf,2,3,4\n", "no farther"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, said):
    path = tmp_path / "boxes.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(errors.SourceError, match=said):
        video.read_boxes(path)


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([0, 0, 5, 5], "shape"),
        ([[5, 5, 0, 0]], "xywh"),
        ([[0, 0, np.inf, 5]], "finite"),
        ([[0, 0, 9e6, 5]], "9e\\+06 pixels away"),
    ],
)
def test_bad_boxes_are_refused_and_nothing_is_written(tmp_path, boxes, said):
    with pytest.raises(errors.InputError, match=said):
        video.write_boxes(tmp_path / "boxes.txt", boxes)
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_or_read(tmp_path):
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write_boxes(tmp_path / "nowhere" / "boxes.txt", [[0, 0, 5, 5]])
    with pytest.raises(errors.SourceError, match="no such file"):
        video.read_boxes(tmp_path / "boxes.txt")
    with pytest.raises(errors.InputError, match="path"):
        video.write_boxes("", [[0, 0, 5, 5]])


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = video.write_boxes(tmp_path / "boxes.txt", [[0, 0, 5, 5]])
    kept = path.read_text()

    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(errors.SourceError, match="no space left"):
        video.write_boxes(path, [[1, 1, 5, 5]])
    assert path.read_text() == kept
    assert len(list(tmp_path.iterdir())) == 1
