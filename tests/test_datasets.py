import hashlib
import http.server
import io
import os
import subprocess
import sys
import tarfile
import threading
import warnings
import zipfile

import cv2
import numpy as np
import pytest
import realdata
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import needs_cifar, point_at_cifar

from tracklab import datasets, errors
from tracklab.datasets import archive, cifar, folder, images, store

NAMED = os.environ.get("TRACKLAB_DATA")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No cache, no home and no data but the test's own, and no network."""
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TRACKLAB_OFFLINE", "1")
    monkeypatch.delenv("TRACKLAB_DATA", raising=False)


def picture(number=0, size=(32, 32), channels=3):
    rng = np.random.default_rng(number)
    shape = size if channels == 1 else (*size, channels)
    return rng.integers(0, 256, shape, np.uint8)


def put(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = picture() if image is None else image
    done, data = cv2.imencode(path.suffix, image, **options)
    assert done
    path.write_bytes(data.tobytes())
    return path


def make_folder(root, classes=("cat", "dog"), each=5, splits=("",), ending=".png"):
    for split in splits:
        for index, label in enumerate(classes):
            for number in range(each):
                put(root / split / label / f"{number}{ending}", picture(100 * index + number))
    return root


# -- Images


def some(train=20, test=10, classes=2):
    return datasets.Images(
        np.zeros((train, 4, 5, 3), np.uint8),
        np.arange(train) % classes,
        np.zeros((test, 4, 5, 3), np.uint8),
        np.arange(test) % classes,
        tuple("abcdefghij"[:classes]),
        "letters",
        "a test",
    )


def test_one_line_announces_a_set():
    said = str(some())
    assert said == "letters: 20 training and 10 test images of 2 classes, 5x4 (a test)"
    assert repr(some()) == said
    assert some().size == (4, 5)
    assert not some().is_cifar
    assert some().train_labels.dtype == np.int64


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("train_images", np.zeros((20, 4, 5), np.uint8)),
        ("train_images", np.zeros((20, 4, 5, 3))),
        ("train_labels", np.zeros(19, int)),
        ("train_labels", np.zeros(20)),
        ("train_labels", np.full(20, 2)),
        ("test_labels", np.full(10, -1)),
        ("test_images", np.zeros((10, 5, 5, 3), np.uint8)),
    ],
)
def test_parts_that_do_not_agree_are_refused(part, value):
    from dataclasses import replace

    with pytest.raises(errors.InputError, match=part):
        replace(some(), **{part: value})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.data(), st.integers(0, 5))
def test_a_subset_keeps_the_proportions(sizes, data, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    count = data.draw(st.integers(1, len(labels)))
    chosen = images.stratified(labels, count, np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == count
    got = np.bincount(labels[chosen], minlength=len(sizes))
    share = np.array(sizes) * count / len(labels)
    assert (np.abs(got - share) < 1 + 1e-9).all()
    again = images.stratified(labels, count, np.random.default_rng(seed))
    assert (again == chosen).all()


def test_subsets_are_drawn_from_both_parts_and_not_beyond():
    few = some().subset(train=8, test=4, seed=3)
    assert few.train_images.shape[0] == 8
    assert np.bincount(few.train_labels).tolist() == [4, 4]
    assert np.bincount(few.test_labels).tolist() == [2, 2]
    assert len(some().subset(test=3).train_labels) == 20
    for wrong in (0, 21, 2.5, "all", True):
        with pytest.raises(errors.InputError, match="train"):
            some().subset(train=wrong)


# -- a folder of one's own


def test_a_folder_of_classes_is_divided(tmp_path):
    root = make_folder(tmp_path / "pets", each=10)
    pets = datasets.image_folder(root)
    assert pets.name == "pets"
    assert pets.class_names == ("cat", "dog")
    assert pets.train_images.shape == (16, 32, 32, 3)
    assert np.bincount(pets.test_labels).tolist() == [2, 2]
    assert not pets.is_cifar
    assert str(tmp_path) not in str(pets)


def test_no_image_is_in_both_parts_or_in_none(tmp_path):
    pets = datasets.image_folder(make_folder(tmp_path / "pets", each=7), test_fraction=0.3, seed=1)
    both = np.concatenate([pets.train_images, pets.test_images])
    assert len(np.unique(both.reshape(len(both), -1), axis=0)) == 14


def test_pixels_and_labels_arrive_as_they_are(tmp_path):
    make_folder(tmp_path / "pets", each=3)
    pets = datasets.image_folder(tmp_path / "pets", test_fraction=0)
    assert len(pets.test_labels) == 0
    for number in range(3):
        wanted = picture(100 + number)[..., ::-1]
        found = (pets.train_images == wanted).all((1, 2, 3))
        assert found.sum() == 1
        assert pets.train_labels[found] == 1


def test_train_and_test_folders_are_taken_as_they_are(tmp_path):
    root = make_folder(tmp_path / "pets", splits=("train", "test"))
    pets = datasets.image_folder(root, test_fraction=0.9)
    assert len(pets.train_labels) == len(pets.test_labels) == 10


def test_the_seed_decides_what_is_set_aside(tmp_path):
    root = make_folder(tmp_path / "pets", each=8)
    one, two, other = (datasets.image_folder(root, seed=seed) for seed in (0, 0, 1))
    assert (one.test_images == two.test_images).all()
    assert not (one.test_images == other.test_images).all()


@pytest.mark.parametrize("ending", [".png", ".jpg", ".JPG", ".webp", ".bmp", ".tiff"])
def test_endings(tmp_path, ending):
    root = make_folder(tmp_path / "pets", each=2, ending=ending)
    assert len(datasets.image_folder(root).train_labels) == 2


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (7, 200), (200, 7), (33, 31)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_image_becomes_rgb_of_the_size(tmp_path, size, channels):
    path = put(tmp_path / "image.png", picture(0, size, channels))
    got = folder.read_image(path, (24, 40))
    assert got.shape == (24, 40, 3)
    assert got.dtype == np.uint8


def test_transparent_is_laid_on_white(tmp_path):
    image = np.zeros((32, 32, 4), np.uint8)
    image[:16] = (10, 20, 200, 255)  # opaque, blue green red
    got = folder.read_image(put(tmp_path / "a.png", image), (32, 32))
    assert (got[:16] == (200, 20, 10)).all()
    assert (got[16:] == 255).all()


def test_sixteen_bits_become_eight(tmp_path):
    deep = np.full((32, 32, 3), 0x80FF, np.uint16)
    assert (folder.read_image(put(tmp_path / "a.png", deep), (32, 32)) == 0x80).all()


def test_a_wide_image_keeps_its_middle_and_its_shape(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    assert (folder.read_image(put(tmp_path / "a.png", image), (32, 32)) == 255).all()


def _empty(path):
    path.write_bytes(b"")


def _text(path):
    path.write_text("<html>not found</html>")


def _cut(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("spoil", [_empty, _text, _cut])
@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_an_unreadable_file_is_named_and_left_out(tmp_path, spoil, ending, capfd):
    root = make_folder(tmp_path / "pets", ending=ending)
    spoil(root / "cat" / f"3{ending}")
    for _ in range(2):  # and the second time as well
        with pytest.warns(UserWarning, match=rf"cat/3\{ending}") as caught:
            pets = datasets.image_folder(root, test_fraction=0)
        assert len(caught) == 1
        assert np.bincount(pets.train_labels).tolist() == [4, 5]


def test_many_unreadable_files_are_counted(tmp_path):
    root = make_folder(tmp_path / "pets", each=9)
    for number in range(8):
        _empty(root / "dog" / f"{number}.png")
    with pytest.warns(UserWarning, match="8 files .* and 3 more"):
        datasets.image_folder(root)


def test_a_class_without_a_readable_image_is_an_error(tmp_path):
    root = make_folder(tmp_path / "pets", each=1)
    _text(root / "dog" / "0.png")
    with (
        pytest.warns(UserWarning, match="dog/0.png"),
        pytest.raises(errors.SourceError, match="'dog' can be read"),
    ):
        datasets.image_folder(root)


def test_what_is_not_an_image_is_passed_over(tmp_path):
    root = make_folder(tmp_path / "pets")
    (root / "cat" / "notes.txt").write_text("hello")
    (root / "cat" / ".hidden.png").write_bytes(b"")
    (root / ".ipynb_checkpoints").mkdir()
    (root / "__MACOSX").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert datasets.image_folder(root).class_names == ("cat", "dog")


def test_folders_that_hold_no_set(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.jpg").write_bytes(b"")
    put(tmp_path / "loose" / "a.png")
    make_folder(tmp_path / "single", classes=("cat",))
    (make_folder(tmp_path / "bare") / "horse").mkdir()
    make_folder(tmp_path / "odd", splits=("train", "test"))
    make_folder(tmp_path / "odd" / "train", classes=("horse",))
    for name, said in {
        "missing": "no such folder",
        "file.jpg": "a file, not a folder",
        "empty": "it is empty",
        "loose": "no class folder",
        "single": "one class only, 'cat'",
        "bare": "'horse' holds no image",
        "odd": "'horse' is missing from test/",
    }.items():
        with pytest.raises(errors.SourceError, match=said) as caught:
            datasets.image_folder(tmp_path / name)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 32},
        {"size": (0, 32)},
        {"size": (32.0, 32)},
        {"test_fraction": -0.1},
        {"test_fraction": 1.5},
        {"test_fraction": float("nan")},
    ],
)
def test_options_of_a_folder_are_checked(tmp_path, options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        datasets.image_folder(make_folder(tmp_path / "pets"), **options)


def test_every_class_keeps_an_image_to_learn_from(tmp_path):
    pets = datasets.image_folder(make_folder(tmp_path / "pets", each=2), test_fraction=1)
    assert np.bincount(pets.train_labels).tolist() == [1, 1]


# -- what is kept


@pytest.fixture
def counted(monkeypatch):
    """How often files were decoded."""
    calls, read = [], folder.read

    def counting(*inputs):
        calls.append(1)
        return read(*inputs)

    monkeypatch.setattr(folder, "read", counting)
    return calls


def kept_files():
    return sorted(store.cache_dir().iterdir())


def test_a_folder_is_decoded_once(tmp_path, counted):
    root = make_folder(tmp_path / "pets")
    one, two = datasets.image_folder(root), datasets.image_folder(root)
    assert len(counted) == 1
    assert (one.train_images == two.train_images).all()
    assert one.class_names == two.class_names
    assert len(kept_files()) == 1


def test_a_changed_folder_is_decoded_again(tmp_path, counted):
    root = make_folder(tmp_path / "pets")
    datasets.image_folder(root)
    put(root / "cat" / "new.png", picture(7))
    assert len(datasets.image_folder(root, test_fraction=0).train_labels) == 11
    put(root / "cat" / "0.png", picture(8))
    datasets.image_folder(root)
    (root / "dog" / "0.png").unlink()
    datasets.image_folder(root)
    assert len(counted) == 4
    assert len(kept_files()) == 1, "older ones are cleared away"


def test_another_size_is_another_set(tmp_path, counted):
    root = make_folder(tmp_path / "pets")
    assert datasets.image_folder(root, size=(8, 9)).size == (8, 9)
    assert datasets.image_folder(root).size == (32, 32)
    assert len(counted) == 2


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def _other_arrays(path):
    with path.open("wb") as stream:
        np.savez(stream, images=np.zeros(3))


def _halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [_empty, _text, _halve, _flip, _other_arrays])
def test_a_corrupt_cache_is_made_again(tmp_path, counted, spoil):
    root = make_folder(tmp_path / "pets")
    one = datasets.image_folder(root)
    (kept,) = kept_files()
    spoil(kept)
    two = datasets.image_folder(root)
    assert (one.train_images == two.train_images).all()
    datasets.image_folder(root)
    assert len(counted) == 2, "and is whole again afterwards"


def test_without_a_writable_cache_everything_works(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TRACKLAB_CACHE", str(tmp_path / "file" / "cache"))
    assert datasets.cache_dir() is None
    assert len(datasets.image_folder(make_folder(tmp_path / "pets")).train_labels) == 8


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    datasets.image_folder(make_folder(tmp_path / "pets"))
    assert kept_files() == []


def test_the_cache_of_a_checkout_is_ignored_by_git(monkeypatch):
    monkeypatch.delenv("TRACKLAB_CACHE")
    from realdata import ROOT

    if not os.access(ROOT, os.W_OK):
        pytest.skip("this checkout cannot be written to")
    assert datasets.cache_dir() == ROOT / "data" / "cache"


# -- sprites


def test_sprites_are_ten_balanced_classes_and_repeat():
    one = datasets.sprites(train=200, test=50)
    assert one.train_images.shape == (200, 32, 32, 3)
    assert np.bincount(one.train_labels).tolist() == [20] * 10
    assert np.bincount(one.test_labels).tolist() == [5] * 10
    assert one.name == "sprites"
    assert not one.is_cifar
    two, other = datasets.sprites(train=200, test=50), datasets.sprites(train=200, test=50, seed=1)
    assert (one.train_images == two.train_images).all()
    assert (one.test_images == two.test_images).all()
    assert not (one.train_images == other.train_images).all()


def test_sprites_are_not_told_apart_by_their_colours():
    """A linear reader of mean colour and spread does little better than chance, 10 %."""
    drawn = datasets.sprites(train=2000, test=1000)

    def colours(images):
        flat = images.reshape(len(images), -1, 3).astype(float)
        return np.concatenate([flat.mean(1), flat.std(1), np.full((len(flat), 1), 100.0)], 1)

    weights = np.linalg.lstsq(
        colours(drawn.train_images), np.eye(10)[drawn.train_labels], rcond=None
    )[0]
    guessed = (colours(drawn.test_images) @ weights).argmax(1)
    assert (guessed == drawn.test_labels).mean() < 0.25


def test_a_sprite_moves_without_leaving():
    from tracklab.datasets import drawn

    _, covers = drawn._drawings(50, (0, 1))
    places = drawn._moved(covers.any(2), np.random.default_rng(0))
    moved = np.take_along_axis(covers, places[:, :, None], 1)
    assert (moved.sum((1, 2), dtype=int) == covers.sum((1, 2), dtype=int)).all()
    rows = moved.any(2)
    assert (np.abs(np.diff(rows.astype(int), axis=1)).sum(1) <= 2).all(), "in one piece"
    assert not (moved == covers).all()


@pytest.mark.parametrize("options", [{"train": 9}, {"test": 0}, {"train": 50.5}, {"seed": -1}])
def test_options_of_sprites_are_checked(options):
    with pytest.raises(errors.InputError, match=next(iter(options))):
        datasets.sprites(**options)


# -- CIFAR-10, and what stands in for it


def only_line(capsys):
    lines = capsys.readouterr().out.strip().split("\n")
    assert len(lines) == 1
    return lines[0]


def test_the_stand_in_is_announced(capsys):
    got = datasets.cifar10(train=100, test=30)
    said = only_line(capsys)
    assert said.startswith("sprites: 100 training and 30 test images")
    assert "TRACKLAB_OFFLINE" in said
    assert "TRACKLAB_DATA" in said
    assert not got.is_cifar
    assert got.name == "sprites"


def test_a_small_subset_of_the_stand_in(capsys):
    got = datasets.cifar10(train=3, test=2)
    assert (len(got.train_labels), len(got.test_labels)) == (3, 2)
    with pytest.raises(errors.InputError, match="train"):
        datasets.cifar10(train=50_001, test=10)
    with pytest.raises(errors.InputError, match="test"):
        datasets.cifar10(train=10, test=0)


def test_tensorflow_is_not_loaded_to_find_that_nothing_is_there(tmp_path):
    code = (
        "import sys; from tracklab import datasets; datasets.cifar10(train=10, test=10);"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def cifar_folder(root):
    return make_folder(root, datasets.CIFAR_CLASSES, 2, ("train", "test"), ".jpg")


@pytest.mark.parametrize("below", ["", "cifar10", "my-data"])
def test_a_named_folder_or_its_parent(tmp_path, monkeypatch, capsys, below):
    cifar_folder(tmp_path / "data" / below)
    monkeypatch.setenv("TRACKLAB_DATA", str(tmp_path / "data"))
    got = datasets.cifar10()
    assert got.is_cifar
    assert got.class_names == datasets.CIFAR_CLASSES
    assert only_line(capsys).startswith("CIFAR-10: 20 training and 20 test images")


def test_a_named_folder_with_other_classes_is_not_cifar(tmp_path, monkeypatch, capsys):
    make_folder(tmp_path / "pets", splits=("train", "test"))
    monkeypatch.setenv("TRACKLAB_DATA", str(tmp_path / "pets"))
    got = datasets.cifar10()
    assert not got.is_cifar
    assert only_line(capsys).startswith("pets: ")


@pytest.mark.parametrize("direct", [True, False])
def test_an_archive_of_a_folder_is_unpacked_once(tmp_path, monkeypatch, capsys, direct):
    root = cifar_folder(tmp_path / "unpacked")
    archive = tmp_path / "data" / "cifar10-images.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for part in ("train", "test"):
            tar.add(root / part, part)
    monkeypatch.setenv("TRACKLAB_DATA", str(archive if direct else archive.parent))
    assert datasets.cifar10().is_cifar
    monkeypatch.setattr(cifar, "unpack", None)
    assert datasets.cifar10().is_cifar


@pytest.mark.parametrize("content", [None, "empty"])
def test_a_named_folder_without_images_is_said(tmp_path, monkeypatch, capsys, content):
    if content:
        (tmp_path / "data").mkdir()
    monkeypatch.setenv("TRACKLAB_DATA", str(tmp_path / "data"))
    assert not datasets.cifar10(train=10, test=10).is_cifar
    said = only_line(capsys)
    assert "TRACKLAB_DATA names no folder" in said
    assert str(tmp_path) not in said


ARCHIVE = b"as good as an archive" * 1000


@pytest.fixture
def keras(monkeypatch):
    """Keras' loader as far as it matters: it reads the archive that lies in its cache."""
    calls = []
    monkeypatch.setattr(cifar, "ARCHIVE_BYTES", len(ARCHIVE))
    monkeypatch.setattr(cifar, "ARCHIVE_SHA256", hashlib.sha256(ARCHIVE).hexdigest())

    def load():
        calls.append(cifar.keras_archive().read_bytes() == ARCHIVE)
        labels = (np.arange(20) % 10).reshape(20, 1).astype(np.uint8)
        return (np.ones((20, 32, 32, 3), np.uint8), labels), (
            np.ones((10, 32, 32, 3), np.uint8),
            labels[:10],
        )

    monkeypatch.setattr(cifar, "_keras_loader", load)
    return calls


def test_the_cache_of_keras_comes_first(keras, tmp_path, monkeypatch, capsys):
    cifar_folder(tmp_path / "data")
    monkeypatch.setenv("TRACKLAB_DATA", str(tmp_path / "data"))
    path = cifar.keras_archive()
    path.parent.mkdir(parents=True)
    path.write_bytes(ARCHIVE)
    got = datasets.cifar10()
    assert got.is_cifar
    assert got.train_labels.shape == (20,)
    assert "Keras" in only_line(capsys)
    datasets.cifar10()
    assert keras == [True], "the second time it comes from what was kept"


@pytest.mark.parametrize("left", [ARCHIVE[:100], ARCHIVE[:-1] + b"x", ARCHIVE + b"x", b""])
def test_a_half_download_of_keras_is_removed(keras, capsys, left):
    path = cifar.keras_archive()
    path.parent.mkdir(parents=True)
    path.write_bytes(left)
    assert not datasets.cifar10(train=10, test=10).is_cifar
    assert "half download" in only_line(capsys)
    assert not path.exists()
    assert keras == []


class Server:
    """A home of CIFAR-10 on this machine: `body` is sent under the length `claimed`."""

    def __init__(self, body, claimed=None, status=200, pause=0.0):
        parent = self
        self.requests, self.stop = 0, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                parent.requests += 1
                self.send_response(status)
                self.send_header("Content-Length", str(claimed or len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                parent.stop.wait(pause)

            def log_message(self, *about):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/cifar-10-python.tar.gz"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setenv("TRACKLAB_OFFLINE", "0")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def at(url):
        monkeypatch.setattr(cifar, "ORIGIN", url)

    return at


def in_keras_cache():
    place = cifar.keras_archive().parent
    return sorted(p.name for p in place.iterdir()) if place.is_dir() else []


def test_a_download_is_checked_kept_and_not_repeated(keras, online, capsys):
    with Server(ARCHIVE) as server:
        online(server.url)
        assert datasets.cifar10().is_cifar
        assert datasets.cifar10().is_cifar
        assert server.requests == 1
    assert in_keras_cache() == [cifar.ARCHIVE]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"body": ARCHIVE[:5000], "claimed": len(ARCHIVE)}, "5,000 of 21,000 bytes"),
        ({"body": ARCHIVE[:5000]}, "5,000 of 21,000 bytes"),
        ({"body": ARCHIVE[:-1] + b"x"}, "checksum"),
        ({"body": ARCHIVE * 2}, "more came"),
        ({"body": b"<html>moved</html>"}, "18 of 21,000 bytes"),
        ({"body": b"gone", "status": 404}, "Not Found"),
        ({"body": b"", "status": 500}, "Internal Server Error"),
        ({"body": ARCHIVE[:50], "claimed": len(ARCHIVE), "pause": 5.0}, "timed out"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(keras, online, capsys, monkeypatch, server, said):
    monkeypatch.setattr(cifar, "STALL_SECONDS", 0.3)
    with Server(**server) as running:
        online(running.url)
        got = datasets.cifar10(train=10, test=10)
    assert not got.is_cifar
    line = only_line(capsys)
    assert said in line
    assert "nothing of it was kept" in line
    assert "TRACKLAB_DATA" in line
    assert in_keras_cache() == []
    assert keras == []


def test_a_download_that_crawls_is_given_up(keras, online, capsys, monkeypatch):
    monkeypatch.setattr(cifar, "DOWNLOAD_SECONDS", -1.0)
    with Server(ARCHIVE) as running:
        online(running.url)
        datasets.cifar10(train=10, test=10)
    assert "too long" in only_line(capsys)
    assert in_keras_cache() == []


def test_an_interrupted_download_leaves_nothing_behind(keras, online, monkeypatch):
    class Stopped(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise KeyboardInterrupt
            return super().read(100)

    monkeypatch.setattr(cifar, "_answers", lambda url: True)
    monkeypatch.setattr(cifar.urllib.request, "urlopen", lambda *a, **k: Stopped(ARCHIVE))
    with pytest.raises(KeyboardInterrupt):
        datasets.cifar10(train=10, test=10)
    assert in_keras_cache() == []


@pytest.mark.asks_network
def test_without_a_network_it_says_so(online, capsys, monkeypatch):
    monkeypatch.setattr(cifar, "CONNECT_SECONDS", 0.5)
    online("http://192.0.2.1/cifar-10-python.tar.gz")  # an address that nobody has
    assert not datasets.cifar10(train=10, test=10).is_cifar
    assert "no network" in only_line(capsys)
    assert in_keras_cache() == []


def test_a_closed_port_is_no_network(online, capsys):
    with Server(b"") as server:
        url = server.url
    online(url)
    datasets.cifar10(train=10, test=10)
    assert "no network" in only_line(capsys)


# -- archives


def tar_of(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                tar.addfile(info)
    return path


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        for name, content in members.items():
            held.writestr(name, content)
    return path


MEMBERS = {"a/one.txt": b"1", "a/b/two.txt": b"22", "three.txt": b""}


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_an_archive_is_unpacked_whole(tmp_path, make):
    archive = make(tmp_path / "archive", MEMBERS)
    target = datasets.unpack(archive, tmp_path / "deep" / "out")
    for name, content in MEMBERS.items():
        assert (target / name).read_bytes() == content
    assert os.listdir(target.parent) == ["out"]


HOSTILE = {
    "parent": {"../escaped.txt": b"x"},
    "deep": {"a/../../escaped.txt": b"x"},
    "absolute": {"/escaped.txt": b"x"},
    "drive": {"C:/escaped.txt": b"x"},
    "backslash": {"..\\escaped.txt": b"x"},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_names_that_lead_out_are_refused(tmp_path, make, name):
    archive = make(tmp_path / "archive", {"fine.txt": b"fine", **HOSTILE[name]})
    with pytest.raises(errors.SourceError, match="leads out"):
        datasets.unpack(archive, tmp_path / "below" / "out")
    assert os.listdir(tmp_path / "below") == []
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    archive = tar_of(tmp_path / "archive", {"link": (kind, "/etc/passwd")})
    with pytest.raises(errors.SourceError, match="link or a device"):
        datasets.unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "archive", "w") as held:
        held.writestr(info, "/etc/passwd")
    with pytest.raises(errors.SourceError, match="link or a device"):
        datasets.unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_bombs_are_refused(tmp_path, make):
    archive = make(tmp_path / "archive", {"zeros": bytes(1 << 20), "more": bytes(1 << 20)})
    with pytest.raises(errors.SourceError, match="more bytes"):
        datasets.unpack(archive, tmp_path / "out", most_bytes=1 << 20)
    with pytest.raises(errors.SourceError, match="too many files"):
        datasets.unpack(archive, tmp_path / "out", most_files=1)
    assert sorted(os.listdir(tmp_path)) == ["archive"]


@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_cut_archive_leaves_nothing_behind(tmp_path, make, share):
    members = {f"{n}.bin": np.random.default_rng(n).bytes(5000) for n in range(20)}
    whole = make(tmp_path / "archive", members)
    whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(errors.SourceError, match="archive"):
        datasets.unpack(whole, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["archive"]


def test_what_is_no_archive(tmp_path):
    (tmp_path / "text.tar.gz").write_text("hello")
    (tmp_path / "empty.zip").write_bytes(b"")
    for name, said in {
        "text.tar.gz": "not a tar or zip",
        "empty.zip": "not a tar or zip",
        "missing": "no file",
    }.items():
        with pytest.raises(errors.SourceError, match=said):
            datasets.unpack(tmp_path / name, tmp_path / "out")


def test_a_target_that_is_there_is_left_alone(tmp_path):
    archive = tar_of(tmp_path / "archive", MEMBERS)
    (tmp_path / "out").mkdir()
    datasets.unpack(archive, tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(errors.InputError, match="target"):
        datasets.unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


@pytest.fixture
def another(monkeypatch):
    """Another process that unpacks the same archive, and is done just before this one."""
    fill, done = archive._fill, []

    def fill_twice(packed, beside, guard):
        fill(packed, beside, guard)
        if not done:
            done.append(True)
            datasets.unpack(packed, done_at[0])

    monkeypatch.setattr(archive, "_fill", fill_twice)
    done_at = []
    return done_at


def test_of_two_that_unpack_at_once_the_second_is_told(tmp_path, another):
    packed, target = tar_of(tmp_path / "archive", MEMBERS), tmp_path / "out"
    another.append(target)
    with pytest.raises(errors.InputError, match="target"):
        datasets.unpack(packed, target)
    assert (target / "a" / "one.txt").read_bytes() == b"1"
    assert sorted(os.listdir(tmp_path)) == ["archive", "out"]


def test_of_two_that_unpack_at_once_the_second_may_take_what_is_there(tmp_path, another):
    packed, target = tar_of(tmp_path / "archive", MEMBERS), tmp_path / "out"
    another.append(target)
    assert datasets.unpack(packed, target, exist_ok=True) == target
    assert datasets.unpack(packed, target, exist_ok=True) == target
    assert (target / "a" / "b" / "two.txt").read_bytes() == b"22"
    assert sorted(os.listdir(tmp_path)) == ["archive", "out"]
    with pytest.raises(errors.InputError, match="target"):
        datasets.unpack(packed, packed, exist_ok=True)


def test_a_target_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(archive.os, "replace", refuse)
    with pytest.raises(errors.SourceError, match="'out' cannot be made: Permission denied"):
        datasets.unpack(tar_of(tmp_path / "archive", MEMBERS), tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["archive"]


def test_cifar10_takes_what_another_process_has_unpacked(tmp_path, monkeypatch, another):
    root = cifar_folder(tmp_path / "folder")
    packed = tmp_path / "cifar10-images.tar"
    with tarfile.open(packed, "w") as tar:
        for part in ("train", "test"):
            tar.add(root / part, part)
    monkeypatch.setenv("TRACKLAB_DATA", str(packed))
    another.append(cifar._unpacked(packed))
    assert datasets.cifar10().is_cifar


def test_two_workers_of_a_test_run_may_start_at_once(tmp_path, monkeypatch, another):
    packed = tar_of(tmp_path / "archive", MEMBERS)
    another.append(tmp_path / "cache" / "images")
    monkeypatch.setattr(realdata, "CIFAR_ARCHIVE", packed)
    monkeypatch.setattr(realdata, "CIFAR_FOLDER", another[0])
    monkeypatch.setenv("TRACKLAB_DATA", "")
    realdata.point_at_cifar()
    assert os.environ["TRACKLAB_DATA"] == str(another[0])
    assert (another[0] / "a" / "one.txt").is_file()


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=50)
def test_noise_is_no_archive_and_no_image(data):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "noise"
        path.write_bytes(data)
        with pytest.raises(errors.SourceError):
            datasets.unpack(path, Path(place) / "out")
        assert folder.read_image(path, (8, 8)) is None
        assert os.listdir(place) == ["noise"]


# -- the real images


@needs_cifar
def test_the_real_images(monkeypatch, capsys):
    monkeypatch.delenv("TRACKLAB_CACHE")  # decoded once for all runs
    named = NAMED
    if named is None:
        point_at_cifar()
        named = os.environ.pop("TRACKLAB_DATA")
    monkeypatch.setenv("TRACKLAB_DATA", named)
    got = datasets.cifar10()
    assert got.is_cifar
    assert got.train_images.shape == (50_000, 32, 32, 3)
    assert got.test_images.shape == (10_000, 32, 32, 3)
    assert np.bincount(got.train_labels).tolist() == [5000] * 10
    assert np.bincount(got.test_labels).tolist() == [1000] * 10
    # the means that everybody normalises CIFAR-10 by: 0.491, 0.482, 0.447
    means = got.train_images.mean((0, 1, 2)) / 255
    assert means == pytest.approx([0.491, 0.482, 0.447], abs=0.005)
    assert only_line(capsys).startswith("CIFAR-10: 50,000 training and 10,000 test")
