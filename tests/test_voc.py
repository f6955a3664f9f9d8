"""Pascal VOC folders: corners become edges, boxes move with pixels, and what is wrong is named."""

import re
import warnings
import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest
from realdata import SHARED, needs_real_data

from tracklab import datasets, errors
from tracklab.datasets.voc import read_annotation

HEIGHT, WIDTH = 40, 60
BCCD = SHARED / "detection" / "BCCD" / "BCCD"


def annotated(*objects, size=(HEIGHT, WIDTH), filename="a.png"):
    """The text of an annotation; objects are (name, xmin, ymin, xmax, ymax[, difficult])."""
    rows = "".join(
        f"<object><name>{name}</name><difficult>{hard[0] if hard else 0}</difficult><bndbox>"
        f"<ymin>{y0}</ymin><xmin>{x0}</xmin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>"
        "<part><name>wheel</name><bndbox><xmin>1</xmin></bndbox></part></object>"
        for name, x0, y0, x1, y1, *hard in objects
    )
    height, width = size
    return (
        f"<annotation><filename>{filename}</filename><size><width>{width}</width>"
        f"<height>{height}</height></size>{rows}</annotation>"
    )


def picture(*boxes, size=(HEIGHT, WIDTH)):
    """A dark image with bright rectangles whose first and last pixels are counted from 1."""
    image = np.full((*size, 3), 20, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0 - 1 : y1, x0 - 1 : x1] = 230
    return image


CAT, DOG = (11, 5, 30, 24), (41, 21, 60, 40)
# entities of entities: each is ten of the one before
TENFOLD = "<!ENTITY e0 '&e;'>" + "".join(f"<!ENTITY e{k + 1} '{f'&e{k};' * 10}'>" for k in range(6))
GOOD = annotated(("cat", *CAT), ("dog", *DOG, 1))


@pytest.fixture
def voc_folder(tmp_path):
    """A function that writes a folder `pets` of images and annotations by name."""

    def write(notes=None, images=None, **splits):
        root = tmp_path / "pets"
        for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
            (root / part).mkdir(parents=True)
        notes = {"a": GOOD, "b": GOOD} if notes is None else notes
        images = dict.fromkeys(notes, picture(CAT, DOG)) if images is None else images
        for name, text in notes.items():
            (root / "Annotations" / f"{name}.xml").write_text(text)
        for name, image in images.items():
            cv2.imwrite(str(root / "JPEGImages" / f"{name}.png"), image)
        for name, listed in splits.items():
            (root / "ImageSets" / "Main" / f"{name}.txt").write_text(listed)
        return root

    return write


def test_boxes_are_the_edges_of_the_pixels_that_are_named(voc_folder):
    pets = datasets.voc(voc_folder())
    assert str(pets) == (
        "pets: 2 images 60x40, 2 objects and 2 ignored of 2 classes (Pascal VOC folder)"
    )
    assert pets.class_names == ("cat", "dog")
    known = pets.objects[0]
    np.testing.assert_array_equal(known.boxes, [[10, 4, 30, 24], [40, 20, 60, 40]])
    np.testing.assert_array_equal(known.labels, [0, 1])
    np.testing.assert_array_equal(known.ignored, [False, True])
    bright = np.zeros((HEIGHT, WIDTH), bool)
    for left, top, right, bottom in known.boxes.astype(int):
        bright[top:bottom, left:right] = True
    np.testing.assert_array_equal(pets.images[0].max(-1) > 100, bright)


@pytest.mark.parametrize("size", [(80, 120), (20, 30), (100, 30), (20, 120)])
def test_boxes_move_with_the_pixels(voc_folder, size):
    pets = datasets.voc(voc_folder({"a": annotated(("cat", *CAT))}, {"a": picture(CAT)}), size=size)
    assert pets.size == size
    rows, columns = np.nonzero(pets.images[0].max(-1) > 125)
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(pets.objects[0].boxes[0], seen, atol=0.51)


def test_images_of_several_sizes_need_a_size(voc_folder):
    small = picture(size=(20, 30))
    root = voc_folder(
        {"a": annotated(), "b": annotated(("cat", 1, 1, 30, 20), size=(20, 30))},
        {"a": picture(), "b": small},
    )
    with pytest.raises(errors.SourceError, match=r"a\.xml is 60x40, .* b\.xml 30x20; give size="):
        datasets.voc(root)
    pets = datasets.voc(root, size=(40, 60))
    assert len(pets.objects[0]) == 0
    np.testing.assert_array_equal(pets.objects[1].boxes, [[0, 0, 60, 40]])


def test_parts_keep_their_order_and_share_the_classes(voc_folder):
    notes = {"a": annotated(("cat", *CAT)), "b": annotated(("dog", *DOG)), "c": annotated()}
    root = voc_folder(notes, test="b\n\n", train="c  1\na -1\nc\n")
    train, test = datasets.voc(root, "train"), datasets.voc(root, "test")
    assert [len(known) for known in train.objects] == [0, 1]
    assert test.objects[0].labels == [1]
    assert train.class_names == test.class_names == ("cat", "dog")
    assert (train.name, test.name) == ("pets train", "pets test")
    named = datasets.voc(root, "test", class_names=["dog", "cat", "owl"])
    assert named.objects[0].labels == [0]


def test_a_photograph_is_turned_only_if_its_annotation_is(voc_folder):
    root = voc_folder({"a": GOOD, "b": annotated(size=(WIDTH, HEIGHT))}, {})
    # JPEG that says: turn me by a quarter (EXIF orientation 6)
    stored = cv2.imencode(".jpg", picture(CAT))[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = stored[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + stored[2:]
    for name in "ab":
        (root / "JPEGImages" / f"{name}.jpg").write_bytes(turned)
    pets = datasets.voc(root, size=(HEIGHT, WIDTH))
    assert pets.images[0, 6:22, 12:28].min() > 150  # as stored, as annotated
    assert pets.images[1, 6:22, 12:28].min() < 100


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ("<annotation><object>", "broken annotation (1): b.xml: no XML (no element found"),
        ("", "broken annotation (1): b.xml: no XML ("),
        (annotated(("cat", "x", 1, 9, 9)), "b.xml: object 1: xmin is 'x', wanted is a number"),
        (annotated(("cat", 1, 1, 9, "nan")), "b.xml: object 1: ymax is 'nan'"),
        (annotated(("cat", 1, 1, 9, "1e300")), "b.xml: object 1: ymax is '1e300'"),
        ("<html/>", "b.xml: <html>, wanted is <annotation>"),
        (
            '<!DOCTYPE a [<!ENTITY e SYSTEM "a.xml">]>' + annotated(("&e;", *CAT)),
            "b.xml: no XML (undefined entity &e;",
        ),
        (
            f"<!DOCTYPE a [<!ENTITY e '{'x' * 1000}'>{TENFOLD}]>{annotated(('&e6;', *CAT))}",
            "b.xml: no XML (limit on input amplification",
        ),
        (annotated(("", *CAT)), "b.xml: object 1 has no name"),
        (annotated(size=(WIDTH, 7)), "another size than their annotation says (1): b.xml"),
    ],
)
def test_images_that_cannot_be_used_are_left_out_by_name(voc_folder, note, says):
    root = voc_folder({"a": GOOD, "b": note})
    with pytest.warns(UserWarning, match=re.escape(says)):
        pets = datasets.voc(root)
    assert len(pets) == 1
    (root / "Annotations" / "a.xml").unlink()
    with pytest.raises(errors.SourceError, match=r"no usable image: left out images .*b\.xml"):
        datasets.voc(root)


def test_images_that_are_missing_or_broken_are_left_out_by_name(voc_folder):
    root = voc_folder(dict.fromkeys("abc", GOOD), {"a": picture()}, test="a\nb\nc\nd\n")
    (root / "JPEGImages" / "c.png").write_bytes(b"no image")
    says = r"pets: left out images without annotation \(1\): d; .*read \(2\): b\.xml, c\.xml$"
    with pytest.warns(UserWarning, match=says):
        assert len(datasets.voc(root, "test")) == 1


@pytest.mark.parametrize(
    ("box", "wanted", "says"),
    [
        ((7, 7, 7, 7), [], "left out boxes less than two pixels wide or high (1): b.xml"),
        ((30, 5, 11, 24), [], "left out boxes with corners in the wrong order (1): b.xml"),
        ((11, 24, 30, 5), [], "left out boxes with corners in the wrong order (1): b.xml"),
        ((70, 5, 90, 24), [], "left out boxes outside their image (1): b.xml"),
        ((-9, 5, 0, 24), [], "left out boxes outside their image (1): b.xml"),
        ((31, 5, 90, 24), [[30, 4, 60, 24]], "cut boxes that reach over the border (1): b.xml"),
        ((0, 0, 60, 40), [[0, 0, 60, 40]], None),  # a tool that counts from 0
    ],
)
def test_boxes_that_are_none_are_left_out_or_cut_by_name(voc_folder, box, wanted, says):
    root = voc_folder({"a": GOOD, "b": annotated(("cat", *box), ("cat", *CAT))})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        known = datasets.voc(root).objects[1]
    assert [str(one.message) for one in caught] == ([f"pets: {says}"] if says else [])
    np.testing.assert_array_equal(known.boxes, [*wanted, [10, 4, 30, 24]])


def test_a_folder_that_is_none_is_named(voc_folder, tmp_path):
    root = voc_folder(train="a\n", bare="\n")
    refused = (
        (lambda: datasets.voc(tmp_path / "nowhere"), "path: 'nowhere': no such folder"),
        (lambda: datasets.voc(root / "Annotations" / "a.xml"), "a file, not a folder"),
        (lambda: datasets.voc(root.parent), "its folder 'pets' is so laid out"),
        (lambda: datasets.voc(root / "ImageSets"), "no folder Annotations in it; wanted is"),
        (lambda: datasets.voc(root, "test"), "split: got 'test', wanted one that 'pets' has: 'b"),
        (lambda: datasets.voc(root, "bare"), "bare.txt lists no image"),
        (lambda: datasets.voc(root, size=32), "size: got 32"),
        (lambda: datasets.voc(root, size=(32, 0)), "size: got 0"),
        (lambda: datasets.voc(root, class_names=("cat",)), "also 'dog', which a.xml names"),
        (lambda: datasets.voc(root, class_names="cat"), "a tuple of different names"),
    )
    for call, says in refused:
        with pytest.raises(errors.TracklabError, match=re.escape(says)):
            call()
    for part in (root / "ImageSets" / "Main").iterdir():
        part.unlink()
    says = r"split: got 'train', wanted no split, .* 'pets' has no ImageSets/Main/\*\.txt$"
    with pytest.raises(errors.InputError, match=says):
        datasets.voc(root, "train")
    for file in (root / "Annotations").iterdir():
        file.unlink()
    with pytest.raises(errors.SourceError, match="no annotation in Annotations/"):
        datasets.voc(root)


@needs_real_data
def test_blood_cells_are_read_as_their_files_say():
    cells = datasets.voc(BCCD, "test", size=(240, 320))
    listed = (BCCD / "ImageSets/Main/test.txt").read_text().split()
    assert len(cells) == len(listed) == 72
    assert cells.class_names == ("Platelets", "RBC", "WBC")
    for name, known in zip(listed, cells.objects, strict=True):
        root = ET.parse(BCCD / "Annotations" / f"{name}.xml").getroot()
        assert [one.text for one in root.iter("name")] == [
            cells.class_names[label] for label in known.labels
        ]
        last = [
            [float(box.find(side).text) for side in ("xmax", "ymax")] for box in root.iter("bndbox")
        ]
        np.testing.assert_allclose(known.boxes[:, 2:], np.array(last) / 2)
    # white cells are stained: there is less green in them than beside them
    left, top, right, bottom = cells.objects[3].boxes[cells.objects[3].labels == 2][0].astype(int)
    green = cells.images[3][..., 1].astype(float)
    assert green[top:bottom, left:right].mean() < green.mean() - 20


@needs_real_data
def test_slips_in_blood_cells_are_announced():
    with pytest.warns(UserWarning, match=r"\(1\): BloodImage_00343\.xml"):
        datasets.voc(BCCD, "train", size=(30, 40))
    assert read_annotation(BCCD / "Annotations/BloodImage_00001.xml").size == (480, 640)
