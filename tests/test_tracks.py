"""Tracks of a frame: rows stay together, by identity, and nothing wrong gets in."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import sequences
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import SHARED, needs_real_data

from tracklab import errors, scenes, video
from tracklab.clips import Truth
from tracklab.tracks import UNKNOWN, Tracked, Tracks, frames_of, from_truth

TWO = [[0, 0, 2, 2], [1, 1, 5, 5]]


# --- the rows ------------------------------------------------------------------------------------


@given(st.permutations(range(6)))
def test_rows_belong_together_and_are_in_the_order_of_ids(ids):
    boxes = [[k, 0, k + 1, 1] for k in ids]
    motion = [[k, -k] for k in ids]
    tracks = Tracks(ids, boxes, motion, ids, np.array(ids) / 10, ids)
    assert tracks.ids.tolist() == list(range(6))
    for k, one in enumerate(tracks):
        assert isinstance(one, Tracked)
        assert (one.id, one.label, one.age) == (k, k, k)
        assert one.box.tolist() == [k, 0, k + 1, 1]
        assert one.velocity.tolist() == [k, -k]
        assert one.score == pytest.approx(k / 10)


def test_what_is_not_given_is_filled_in():
    tracks = Tracks([4, 2], TWO)
    assert np.isnan(tracks.velocities).all()
    assert tracks.velocities.shape == (2, 2)
    assert tracks.labels.tolist() == [UNKNOWN] * 2
    assert tracks.scores.tolist() == [1, 1]
    assert tracks.ages.tolist() == [0, 0]
    kinds = [(column.dtype.kind, column.dtype.itemsize) for column in vars(tracks).values()]
    assert kinds == [("i", 8), ("f", 4), ("f", 4), ("i", 8), ("f", 4), ("i", 8)]
    assert len(Tracks.empty()) == 0
    assert list(Tracks.empty()) == []
    assert len(Tracks([], [], [], [], [], [])) == 0


def test_inputs_are_neither_changed_nor_shared():
    ids, boxes = np.array([4, 2]), np.array(TWO, np.float32)
    tracks = Tracks(ids, boxes)
    ids[:], boxes[:] = 0, 0
    assert tracks.ids.tolist() == [2, 4]
    assert tracks.boxes.tolist() == TWO[::-1]


def test_parts():
    tracks = Tracks([3, 1, 2], [*TWO, [0, 0, 9, 9]], scores=[0.3, 0.1, 0.2])
    assert tracks[tracks.scores > 0.15].ids.tolist() == [2, 3]
    assert tracks[:1].ids.tolist() == [1]
    assert tracks[[-1]].scores.tolist() == [np.float32(0.3)]
    assert len(tracks[[]]) == 0
    assert replace(tracks, ids=[9, 8, 7]).scores.tolist() == [
        np.float32(0.3),
        np.float32(0.2),
        np.float32(0.1),
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Tracks([5, 5], TWO), "tracks.ids: got identity 5 twice"),
        (lambda: Tracks([-1, 5], TWO), "tracks.ids: got -1 at index 0"),
        (lambda: Tracks([0.5, 5], TWO), "tracks.ids"),
        (lambda: Tracks([1], TWO), "tracks.ids"),
        (
            lambda: Tracks(np.array([1, 2**63], np.uint64), TWO),
            "tracks.ids: got 9223372036854775808",
        ),
        (lambda: Tracks(None, TWO), "tracks.ids"),
        (lambda: Tracks([1, 2], [TWO[0], [0, 0, math.nan, 1]]), "tracks.boxes: got .*nan"),
        (lambda: Tracks([1, 2], [TWO[0], [0, 0, math.inf, 1]]), "tracks.boxes"),
        (lambda: Tracks([1, 2], [TWO[0], [5, 0, 5, 1]]), r"\[5.0, 0.0, 5.0, 1.0\] at index 1"),
        (lambda: Tracks([1, 2], [TWO[0], [5, 0, 4, 1]]), "xywh"),
        (lambda: Tracks([1], TWO[0]), "tracks.boxes"),
        (lambda: Tracks([1], [[1e9, 0, 1e9 + 1, 1]]), "a width and a height"),  # none in float32
        (lambda: Tracks([1, 2], TWO, [[0, 0]]), "tracks.velocities"),
        (lambda: Tracks([1, 2], TWO, [[0, 0], [0, math.inf]]), "tracks.velocities"),
        (lambda: Tracks([1, 2], TWO, labels=[0, -2]), "tracks.labels: got -2 at index 1"),
        (lambda: Tracks([1, 2], TWO, labels=["a", "b"]), "tracks.labels"),
        (lambda: Tracks([1, 2], TWO, scores=[0, math.nan]), "tracks.scores: got nan at index 1"),
        (lambda: Tracks([1, 2], TWO, scores=[0, 1e39]), "tracks.scores"),
        (lambda: Tracks([1, 2], TWO, ages=[0, -1]), "tracks.ages"),
        (lambda: Tracks([1, 2], TWO, ages=[0]), "tracks.ages"),
        (lambda: Tracks([1, 2], TWO)[5], "a slice, a mask"),
        (lambda: Tracks([1, 2], TWO)[[True]], "a mask of shape"),
        (lambda: frames_of(Tracks([1, 2], TWO)), "tracks: got Tracks of one frame"),
        (lambda: frames_of([Tracks([1, 2], TWO), TWO]), r"tracks\[1\]: got a list"),
        (lambda: frames_of("ab"), "tracks: got a str"),
        (lambda: from_truth(TWO), "truth: got a list"),
        (
            lambda: from_truth(Truth.from_boxes([[[0, 0, 1, 1]], [[3, 3, 3, 4]]])),
            "truth, frame 1: tracks.boxes",
        ),
    ],
)
def test_bad_rows(make, words):
    with pytest.raises(errors.InputError, match=words):
        make()


def test_the_tracks_of_a_truth():
    truth = scenes.render(seed=2, frames=20, objects=5, size=(80, 100)).truth
    frames = from_truth(truth)
    assert len(frames) == 20
    for t, one in enumerate(frames):
        order = np.argsort(truth.ids[truth.present[t]])
        np.testing.assert_array_equal(one.ids, truth.ids[truth.present[t]][order])
        np.testing.assert_array_equal(one.boxes, truth.boxes[t, truth.present[t]][order])
        np.testing.assert_array_equal(one.labels, truth.classes[truth.present[t]][order])
    begun = {}
    for t, one in enumerate(frames):
        for row in one:
            assert row.age == t - begun.setdefault(row.id, t)


# --- the file ------------------------------------------------------------------------------------

# Corners that a file holds exactly: see the docstring of `video.results`.
CORNER = st.floats(1 / 1024, 16_000, width=32) | st.integers(0, 16_000).map(float)
SIGNED = st.builds(lambda value, sign: sign * value, CORNER, st.sampled_from([1, -1]))
SCORE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def some_tracks(draw):
    count = draw(st.integers(0, 4))
    ids = draw(st.lists(st.integers(0, 2**53), min_size=count, max_size=count, unique=True))
    boxes = np.zeros((count, 4), np.float32)
    for row in range(count):
        for axis in (0, 1):
            ends = draw(st.lists(SIGNED, min_size=2, max_size=2, unique=True))
            boxes[row, [axis, axis + 2]] = sorted(ends)
    scores = draw(st.lists(SCORE, min_size=count, max_size=count))
    return Tracks(ids, boxes, scores=scores)


@given(st.lists(some_tracks(), max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_file_reads_back_as_it_was_written(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("tracks") / "tracks.txt"
    assert video.write_tracks(path, frames) == path
    back = video.read_tracks(path, len(frames))
    assert len(back) == len(frames)
    for before, after in zip(frames, back, strict=True):
        np.testing.assert_array_equal(after.ids, before.ids)
        np.testing.assert_array_equal(after.boxes, before.boxes)
        np.testing.assert_array_equal(after.scores, before.scores)
    assert [entry.name for entry in path.parent.iterdir()] == ["tracks.txt"]
    text = path.read_text()
    video.write_tracks(path, back)
    assert path.read_text() == text


def test_the_form_of_a_file(tmp_path):
    frames = [Tracks([7, 2], [[0, 0, 2.5, 2], [9.1, 1, 19.1, 5]], scores=[0.25, 1]), Tracks.empty()]
    path = tmp_path / "tracks.txt"
    video.write_tracks(path, [*frames, frames[0]])
    assert path.read_text().splitlines() == [
        "1,2,10.1,2,10,4,1,-1,-1,-1",
        "1,7,1,1,2.5,2,0.25,-1,-1,-1",
        "3,2,10.1,2,10,4,1,-1,-1,-1",
        "3,7,1,1,2.5,2,0.25,-1,-1,-1",
    ]
    back = video.read_tracks(path, 4)
    assert [len(one) for one in back] == [2, 0, 2, 0]
    assert back[2].ages.tolist() == [2, 2]
    assert back[0].labels.tolist() == [UNKNOWN] * 2
    video.write_tracks(path, frames, first=10)
    assert path.read_text().startswith("10,2,")
    assert len(video.read_tracks(path, [4, 10, 12])[1]) == 2


def test_rows_in_any_order_and_of_any_width(tmp_path):
    path = tmp_path / "tracks.txt"
    path.write_text("2,1,1,1,5,5,0.5,3,1\n1,9,1,1,5,5\n2 0 1 1 5 5 0.25 3 1\n1;4;1;1;5;5;-3.5\n")
    first, second = video.read_tracks(path, 2)
    assert first.ids.tolist() == [4, 9]
    assert first.scores.tolist() == [-3.5, 1]
    assert first.labels.tolist() == [UNKNOWN, UNKNOWN]
    assert second.ids.tolist() == [0, 1]
    assert second.labels.tolist() == [3, 3]
    path.write_text("")
    assert [len(one) for one in video.read_tracks(path, 3)] == [0, 0, 0]
    assert video.read_tracks(path, 0) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "1,5,1,1,5,5\n2,5,1,1,5,5\n1,5,2,2,5,5\n",
            "line 3: identity 5 is in frame 1 twice .*line 1",
        ),
        ("1,5,1,1,5,5\n4,5,1,1,5,5\n", r"line 2: frame 4, wanted one of the clip's \(1 to 3\)"),
        ("0,5,1,1,5,5\n", "line 1: frame 0"),
        ("1.5,5,1,1,5,5\n", "line 1: frame 1.5"),
        ("1,-1,1,1,5,5,0.5,-1,-1,-1\n", "line 1: identity -1"),
        ("1,nan,1,1,5,5\n", "line 1: identity nan"),
        ("1,5,1,1,0,5\n", "line 1: the box 1, 1, 0, 5 of identity 5"),
        ("1,5,1,1,-2,5\n", "line 1: a box of size -2 x 5"),
        ("1,5,nan,1,2,5\n", "line 1: the box nan"),
        ("1,5,inf,1,2,5\n", "line 1: got inf"),
        ("1,5,100000,1,0.0001,5\n", "line 1: the box"),  # float32 has no such width there
        ("1,5,1,1,2,5,nan\n", "line 1: score nan"),
        ("1,5,1,1,2,5,1e39\n", "line 1: score"),
        ("1,5,1,1,2\n", "line 1: got '1,5,1,1,2', wanted frame, id"),
        ("1,5,1,1,2,5\n\n1,6,1,1,2,5\n", "line 2: got ''"),
        ("frame,id,x,y,w,h\n", "line 1: got 'frame"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path, text, words):
    path = tmp_path / "tracks.txt"
    path.write_text(text)
    with pytest.raises(errors.SourceError, match=f"tracks.txt, {words}"):
        video.read_tracks(path, 3)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(errors.SourceError, match="no such file"):
        video.read_tracks(tmp_path / "none.txt", 3)
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write_tracks(tmp_path / "nowhere" / "tracks.txt", [])
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.SourceError, match="cannot be written"):
        video.write_tracks(tmp_path / "folder", [Tracks([1], TWO[:1])])
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda path: video.write_tracks(path, Tracks([1, 2], TWO)), "Tracks of one frame"),
        (lambda path: video.write_tracks(path, [Tracks([2**60, 2], TWO)]), "identity 1152"),
        (lambda path: video.write_tracks(path, [Tracks([1], [[0, 0, 1e8, 9]])]), "pixels away"),
        (lambda path: video.write_tracks(path, [], first=-1), "first"),
        (lambda path: video.write_tracks(3, []), "path"),
        (lambda path: video.read_tracks(path, 2.5), "frames"),
        (lambda path: video.read_tracks(path, -1), "frames"),
        (lambda path: video.read_tracks(path, [1, 3, 2]), "2 after 3"),
        (lambda path: video.read_tracks(path, [1, 1]), "1 after 1"),
        (lambda path: video.read_tracks(path, "ab"), "frames"),
    ],
)
def test_bad_arguments_of_files(tmp_path, call, words):
    with pytest.raises(errors.InputError, match=words):
        call(tmp_path / "tracks.txt")
    assert list(tmp_path.iterdir()) == []


@needs_real_data
def test_tracks_of_real_detections_survive_the_file(tmp_path):
    for name, (_, tracks) in sequences.real_cases(SHARED / "mot").items():
        path = video.write_tracks(tmp_path / "tracks.txt", tracks)
        back = video.read_tracks(path, len(tracks))
        for before, after in zip(tracks, back, strict=True):
            np.testing.assert_array_equal(before.boxes, after.boxes, err_msg=name)
            np.testing.assert_array_equal(before.ids, after.ids)


@needs_real_data
def test_a_list_of_detections_is_not_taken_for_tracks():
    folder = SHARED / "mot" / "KITTI-17"
    with pytest.raises(errors.SourceError, match="line 1: identity -1"):
        video.read_tracks(folder / "det" / "det.txt", 145)


# --- all annotations of a MOTChallenge folder ----------------------------------------------------


def test_annotations_hold_what_the_truth_leaves_out(tmp_path):
    (tmp_path / "gt").mkdir()
    image = np.zeros((20, 30, 3), np.uint8)
    (tmp_path / "img1").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / "img1" / f"{number:06}.png"), image)
    rows = ["1,1,1,1,5,5,1,1,1", "1,2,9,1,5,5,0,8,0.5", "2,2,9,1,5,5,0,8,0.5"]
    (tmp_path / "gt" / "gt.txt").write_text("\n".join(rows))
    everything = video.read_annotations(tmp_path)
    assert everything.ids.tolist() == [1, 2]
    assert [everything.class_names[k] for k in everything.classes] == ["pedestrian", "distractor"]
    assert video.read_clip(tmp_path).truth.ids.tolist() == [1]
    (tmp_path / "gt" / "gt.txt").unlink()
    with pytest.raises(errors.SourceError, match=r"no gt/gt\.txt"):
        video.read_annotations(tmp_path)
