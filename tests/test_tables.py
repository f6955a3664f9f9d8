"""Tables as text, and the files that hold them: read back as written, whole or not at all."""

import csv
import io
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import errors, files, tables

# what a text file can hold; of line ends the one that Python writes everywhere
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6))
def test_csv_is_read_as_it_was_written(cells):
    rows = [{"first": a, "second, with a comma": b} for a, b in cells]
    assert list(csv.DictReader(io.StringIO(tables.csv_text(rows)))) == rows


def test_csv_has_the_columns_that_are_asked_for():
    rows = [{"a": 1, "b": None}, {"a": math.nan}, {"b": math.inf}]
    assert tables.csv_text(rows, ["b", "a"]) == "b,a\n,1\n,\ninf,\n"
    assert tables.csv_text([]) == ""


@given(st.lists(st.lists(st.text("ab |", max_size=5), min_size=3, max_size=3), min_size=1))
def test_aligned_columns_stand_below_each_other(rows):
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, line in zip(rows, tables.aligned(rows).split("\n"), strict=True):
        line = line.ljust(sum(wide) + 4)
        assert line[: wide[0]] == row[0].ljust(wide[0])
        assert line[wide[0] + 2 : wide[0] + 2 + wide[1]] == row[1].rjust(wide[1])
        assert line[wide[0] + wide[1] + 4 :] == row[2].rjust(wide[2])


def test_html_says_what_it_shows_and_escapes_it():
    page = tables.html_table([["a", "b"], ["<script>", "1 & 2"]], "two < three")
    assert "<script>" not in page
    for part in ("&lt;script&gt;", "1 &amp; 2", "two &lt; three", "<caption", 'scope="col"'):
        assert part in page


def test_a_file_is_replaced_whole_or_stays(tmp_path, monkeypatch):
    path = files.write_whole(tmp_path / "table.csv", "old\n")

    def torn(self, data):
        with open(self, "wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", torn)
    with pytest.raises(errors.SourceError, match=r"table\.csv: cannot be written \(no space left"):
        files.write_whole(path, "new\n")
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_folders_for_results(tmp_path):
    assert files.results_folder(str(tmp_path / "a" / "b")).is_dir()
    assert files.results_folder(tmp_path / "a").is_dir()
    (tmp_path / "file").write_text("")
    for out, said in (
        (tmp_path / "file", "a file; wanted"),
        (tmp_path / "file" / "x", "cannot be"),
    ):
        with pytest.raises(errors.SourceError, match=said):
            files.results_folder(out)
    for out in ("", 5, None):
        with pytest.raises(errors.InputError, match="out: got"):
            files.results_folder(out)
