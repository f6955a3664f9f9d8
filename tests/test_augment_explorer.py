"""The playground of augmentation: its boxes are augment's, its words agree with its picture."""

from __future__ import annotations

import numpy as np
import pytest

from tracklab import augment, errors, explorers, plots
from tracklab import boxes as bx
from tracklab.explorers import augment as explorer


@pytest.fixture(scope="module")
def made():
    return explorers.explore("augment")


def shown(made, **params):
    made.reset()
    made.set(**params)
    assert made.error is None, made.error
    return made


def test_an_upright_scene_has_tight_boxes(made):
    shown(made, family="rotation", strength=0.0)
    assert made.numbers["IoU with the tight box"] == pytest.approx(1)
    assert "as tight as can be" in made.caption


def test_the_words_say_how_loose_turned_boxes_are(made):
    loose = shown(made, strength=0.5).numbers["IoU with the tight box"]
    assert loose < 0.75
    assert f"IoU {loose:.2f} with the tight ones" in made.caption
    assert "turned corners" in made.caption
    ellipse = shown(made, strength=0.5, around="ellipse").numbers["IoU with the tight box"]
    assert ellipse > loose
    assert "turned ellipse" in made.caption
    assert shown(made, strength=0.5, around="its outline").numbers[
        "IoU with the tight box"
    ] == pytest.approx(1)


def test_the_boxes_are_those_of_augment():
    known = explorer.scenes_shown()
    result = explorer.changed(known, 0, "rotation", 0.2, 0, 0.25, "corners", "constant")
    images, boxes, labels = augment.Rotation((18, 18)).boxed(
        known.images, known.boxes, known.classes, 0
    )
    np.testing.assert_array_equal(result.image, images[0])
    np.testing.assert_array_equal(result.boxes, boxes[0][labels[0] >= 0])


def test_outlines_are_those_of_the_boxes():
    known = explorer.scenes_shown()
    around = np.concatenate([known.outlines.min(2), known.outlines.max(2)], -1)
    np.testing.assert_array_equal(around, known.boxes)


def test_what_is_pushed_out_counts_no_more(made):
    shown(made, family="affine: translation", strength=0.3, kept=0.0)
    every = made.numbers["objects"]
    assert made.numbers["too little left"] == 0
    shown(made, family="affine: translation", strength=0.3, kept=1.0)
    assert made.numbers["objects"] + made.numbers["too little left"] == every
    assert made.numbers["too little left"] > 0
    assert "count no more" in made.caption
    shown(made, family="affine: translation", strength=1.0)
    assert made.numbers["objects"] == 0
    assert "No object is left" in made.caption


def test_mosaic_has_the_objects_of_four_scenes(made):
    shown(made, family="mixing: mosaic", kept=0.0)
    assert made.numbers["objects"] > explorer.OBJECTS


def test_mixing_scenes_says_why_their_boxes_are_gone(made):
    for family in (explorer.MIXUP, explorer.CUTMIX):
        shown(made, family=family, strength=0.4)
        assert "augment refuses" in made.caption
        with pytest.raises(errors.InputError, match="images with boxes"):
            augment.Mixup().boxed(explorer.scenes_shown().images, explorer.scenes_shown().boxes)


@pytest.mark.parametrize("family", [explorer.MIXUP, explorer.CUTMIX])
def test_labels_of_small_pictures_are_shared(made, family):
    shown(made, picture=explorer.SMALL[0], family=family, strength=0.5)
    assert sum(made.numbers.values()) == pytest.approx(1, abs=1e-5)
    assert len(made.numbers) == 2
    for name, share in made.numbers.items():
        assert f"{share:.2f} {name}" in made.caption
    shown(made, picture=explorer.SMALL[0], family=family, strength=0.0)
    assert list(made.numbers.values()) == [1.0]


def test_small_pictures_bear_the_name_of_their_data(made):
    shown(made, picture=explorer.SMALL[1], family="flip: left and right")
    known = explorer.small_pictures()
    assert made.caption.startswith(f"{known.source} 2, flip")
    assert known.class_names[known.classes[1]] in made.caption


def test_controls_without_an_effect_are_off(made):
    for family, on in (
        ("rotation", {"strength", "kept", "around", "border"}),
        ("crop", {"strength", "kept"}),
        ("flip: top and bottom", set()),
        ("image: blur", {"strength"}),
        ("mixing: mosaic", {"kept"}),
    ):
        idle = explorer.draw(**(made.params | {"picture": "scene 1", "family": family})).idle
        assert {"strength", "kept", "around", "border"} - set(idle) == on


@pytest.mark.parametrize("family", explorer.FAMILIES)
def test_strength_changes_the_picture_and_0_does_not(made, family):
    known = explorer.scenes_shown()
    still = explorer.changed(known, 1, family, 0.0, 3, 0.25, "corners", "constant").image
    strong = explorer.changed(known, 1, family, 0.7, 3, 0.25, "corners", "constant").image
    if explorer.FAMILIES[family].strong:
        off = np.abs(still.astype(int) - known.images[1]).max()
        assert off <= 1, "blur and colours round"
        assert np.abs(strong.astype(int) - still).max() > 10
    else:
        np.testing.assert_array_equal(still, strong)


def test_boxes_stay_inside(made):
    known = explorer.scenes_shown()
    for family, each in explorer.FAMILIES.items():
        if each.moves:
            result = explorer.changed(known, 0, family, 0.4, 1, 0.2, "corners", "constant")
            side = explorer.SIDE
            np.testing.assert_allclose(result.boxes, bx.clip(result.boxes, side, side))


def test_it_begins_where_it_is_told():
    made = explorers.explore("augment", family="crop", strength=0.5, picture="scene 2")
    assert made.params["family"] == "crop"
    assert "crop at strength 0.50" in made.caption
    assert plots.decode(made.picture).shape == (410, 786, 3)
    with pytest.raises(errors.InputError, match="'crop'"):
        explorers.explore("augment", family="zoom")
