"""Boxes follow the pixels: an object is drawn, moved with its image, and measured again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracklab import augment, errors, scenes
from tracklab import boxes as bx
from tracklab.augment import edge, geometry
from tracklab.quiet import keras

SIZE = (72, 96)
HEIGHT, WIDTH = SIZE
PIXEL = 1.0  # a box of pixels may be off by one: they are all or nothing
HALF = PIXEL / 2 + 1 / 16  # a pixel shows from half on; OpenCV looks in steps of 1/32
TIP = 1.6  # pixels: of a sharp corner that is turned, the tip covers no pixel by half
DEEP = 3.0  # pixels: of less, a row of pixels and the outline beside it differ by many

seeds = st.integers(0, 10_000)


@st.composite
def objects(draw, margin=0):
    """A rectangle's or an ellipse's mask `(H, W)` and its box."""
    wide = draw(st.integers(10, 40))
    tall = draw(st.integers(10, 32))
    x = draw(st.integers(margin, WIDTH - wide - margin))
    y = draw(st.integers(margin, HEIGHT - tall - margin))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    if draw(st.booleans()):
        mask = (np.abs(columns - x - wide / 2) < wide / 2) & (
            np.abs(rows - y - tall / 2) < tall / 2
        )
    else:
        mask = ((columns - x - wide / 2) / (wide / 2)) ** 2 + (
            (rows - y - tall / 2) / (tall / 2)
        ) ** 2 < 1
    return mask, bx.from_mask(mask)


def picture(mask):
    """The mask as a batch of one image, white on black."""
    return np.repeat(np.uint8(mask)[None, :, :, None] * 255, 3, -1)


def measured(image):
    """The box of what is white by half and more."""
    return bx.from_mask(image[..., 0] > 127)


def moved(transform, mask, box, seed, **more):
    """The object's box after a transform, and the box of its pixels after it."""
    images, boxes, labels = transform.boxed(picture(mask), box[None, None], [[4]], seed, **more)
    return images[0], boxes[0, 0], labels[0, 0]


@settings(max_examples=40)
@given(objects(), st.sampled_from(["horizontal", "vertical", "both"]))
def test_flips_to_the_pixel(thing, axis):
    mask, box = thing
    image, found, label = moved(augment.Flip(axis, p=1), mask, box, 0)
    np.testing.assert_array_equal(found, measured(image))
    assert label == 4


@settings(max_examples=50)
@given(objects(), st.integers(-40, 40), st.integers(-40, 40))
def test_whole_shifts_to_the_pixel(thing, right, down):
    mask, box = thing
    shift = augment.Affine(0, 0, (1, 1), (0, 0), fill=0, kept=0)
    move = shift.moves(np.random.default_rng(0), 1, SIZE)
    object.__setattr__(move, "matrices", geometry.translation(right, down))
    image = move.warp(picture(mask))[0]
    boxes, gone = move.boxes(box[None, None], SIZE)
    there = image[..., 0].any()
    outline = augment.outline(mask)[None, None]
    tight, lost, _ = move.outlines(outline)
    if not there:
        # the corner of an ellipse's box may be in view where the ellipse is not
        assert lost[0, 0]
        return
    assert not gone[0, 0]
    shown = measured(image)
    holds(boxes[0, 0], shown, 0)
    if not lost[0, 0]:
        holds(tight[0, 0], shown, 0)
        holds(boxes[0, 0], tight[0, 0], 1e-3)
        if bx.sizes(shown).min() >= DEEP:
            np.testing.assert_allclose(tight[0, 0], shown, atol=2 * PIXEL)


def holds(box, inner, slack):
    """Whether a box holds another, to some slack."""
    assert (box[:2] <= inner[:2] + slack).all(), (box, inner)
    assert (box[2:] >= inner[2:] - slack).all(), (box, inner)


@settings(max_examples=50)
@given(objects(), seeds)
def test_crops_of_whole_objects_to_a_pixel(thing, seed):
    mask, box = thing
    crop = augment.Crop((0.3, 1), kept=1.0)  # an object that is cut is none
    image, found, label = moved(crop, mask, box, seed)
    if label == 4:
        scale = bx.sizes(found) / bx.sizes(box)  # a pixel is so many now
        assert np.abs(found - measured(image)).max() <= PIXEL * max(1, scale.max())
    else:
        assert label == -1
        assert np.isnan(found).all()


@settings(max_examples=50)
@given(objects(), seeds)
def test_crops_that_cut_objects_to_a_pixel_where_the_outline_is_known(thing, seed):
    mask, box = thing
    crop = augment.Crop((0.1, 0.5), kept=0.2)
    outline = augment.outline(mask)[None, None]
    image, found, label = moved(crop, mask, box, seed, outlines=outline)
    share = (crop.images(picture(mask), seed)[..., 0] > 127).sum()
    if label == 4:
        # the outline spans the steps between pixels, which is less than one of them before; and the
        # result has pixels of its own
        matrix = crop.moves(np.random.default_rng(seed), 1, SIZE).matrices[0]
        off = np.abs(found - measured(image)).max()
        assert off <= PIXEL * (1 + max(matrix[0, 0], matrix[1, 1]))
        assert share > 0
        _, loose, kept = moved(crop, mask, box, seed)
        if kept == 4:
            holds(loose, found, 1e-3)


@settings(max_examples=40)
@given(objects(margin=18), st.floats(-180, 180))
def test_a_turned_box_holds_the_object_and_the_outline_is_tight(thing, turn):
    mask, box = thing
    rotation = augment.Rotation((turn, turn), fill=0, kept=0.0)
    image, found, _ = moved(rotation, mask, box, 0)
    whole = bx.clip(found, HEIGHT, WIDTH)
    np.testing.assert_array_equal(found, whole)
    holds(found, measured(image), HALF)
    outline = augment.outline(mask)[None, None]
    _, tight, _ = moved(rotation, mask, box, 0, outlines=outline)
    np.testing.assert_allclose(tight, measured(image), atol=TIP)
    holds(found, tight, 1e-3)


@settings(max_examples=40)
@given(objects(margin=10), seeds)
def test_affine_boxes_hold_the_object_and_the_outline_is_tight(thing, seed):
    mask, box = thing
    affine = augment.Affine(0.3, 0.2, (0.7, 1.4), 0.2, fill=0, kept=0.0)
    image, found, label = moved(affine, mask, box, seed)
    if not (image[..., 0] > 127).any():
        return
    assert label == 4
    holds(found, measured(image), HALF)
    outline = augment.outline(mask)[None, None]
    _, tight, label = moved(affine, mask, box, seed, outlines=outline)
    if label == 4 and bx.sizes(measured(image)).min() >= DEEP:
        np.testing.assert_allclose(tight, measured(image), atol=1.4 * TIP)


@settings(max_examples=20)
@given(st.lists(objects(margin=6), min_size=1, max_size=2), seeds)
def test_a_whole_recipe_by_outlines(things, seed):
    """Joined or one by one, with a blur between: boxes are where the objects' pixels are."""
    recipe = (
        augment.Flip(),
        augment.Rotation(25, fill=0, kept=0.1),
        augment.Crop((0.4, 1), kept=0.1),
        augment.Blur((0.3, 0.5)),
        augment.Affine(0.1, fill=0, kept=0.1),
    )
    for joined in (True, False):
        for mask, box in things:
            images, boxes, labels = augment.Pipeline(*recipe, joined=joined).boxed(
                picture(mask),
                box[None, None],
                [[4]],
                seed,
                outlines=augment.outline(mask)[None, None],
            )
            if labels[0, 0] == 4:
                # what a move cuts off may be worth a few pixels; each move rounds once more
                np.testing.assert_allclose(boxes[0, 0], measured(images[0]), atol=4 * TIP)
            else:
                assert np.isnan(boxes[0, 0]).all()


class TestOfScenes:
    """Masks of the scene generator: many shapes, many at once."""

    def test_boxes_hold_what_the_masks_show(self):
        clip, masks = scenes.render_with_masks(seed=3, frames=6, objects=4, background="plain")
        rotation = augment.Rotation(30, kept=0.0)
        for t in range(6):
            known = clip.truth.boxes[t][None]
            for k, mask in enumerate(masks.amodal(t)):
                if not mask.any():
                    continue
                move = rotation.moves(np.random.default_rng(t), 1, clip.size)
                black = np.repeat(np.uint8(mask)[None, :, :, None] * 255, 3, -1)
                shown = augment.warp(black, move.matrices, clip.size)[0, ..., 0] > 127
                boxes, gone = move.boxes(known, clip.size)
                if shown.any():
                    assert not gone[0, k]
                    holds(boxes[0, k], bx.from_mask(shown), PIXEL)

    def test_an_outline_is_as_tight_as_its_mask(self):
        _, masks = scenes.render_with_masks(seed=1, frames=2, objects=5)
        for mask in masks.amodal(1):
            if mask.any():
                np.testing.assert_array_equal(
                    geometry.around(augment.outline(mask)), bx.from_mask(mask)
                )

    def test_outlines_of_many_masks_are_those_of_each(self):
        _, masks = scenes.render_with_masks(seed=1, frames=2, objects=5)
        both = np.stack([masks.amodal(0), masks.amodal(1)])
        both[1, 3] = False
        found = augment.outlines(both)
        assert found.shape[:2] == (2, 5)
        assert np.isnan(found[1, 3]).all()
        np.testing.assert_array_equal(
            geometry.around(found)[0], [bx.from_mask(mask) for mask in both[0]]
        )
        first = augment.outline(both[0, 0])
        np.testing.assert_array_equal(found[0, 0, : len(first)], first)
        assert edge.polygon_area(found[0, 0]) == edge.polygon_area(first)
        with pytest.raises(errors.InputError, match="masks"):
            augment.outlines(np.zeros(7, bool))

    def test_how_loose_turned_boxes_are(self):
        """The honest negative: what a rotation does to boxes. Ellipses are nearer than corners."""
        found = {degrees: loose(degrees) for degrees in (0, 15, 45)}
        assert found[0] == pytest.approx({"corners": 1.0, "ellipse": 1.0})
        assert 0.6 < found[15]["corners"] < 0.85
        assert 0.4 < found[45]["corners"] < 0.7
        assert found[15]["ellipse"] > found[15]["corners"] + 0.05


def loose(degrees, seeds=range(4)):
    """Mean overlap with the tight box of other boxes, over objects of scenes."""
    found = []
    for seed in seeds:
        clip, masks = scenes.render_with_masks(seed=seed, frames=1, objects=6)
        move = geometry.about(geometry.rotation(degrees), clip.size[1] / 2, clip.size[0] / 2)[0]
        found += [augment.looseness(mask, move) for mask in masks.amodal(0) if mask.any()]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


# By name: the layer, its matrix, and by how many pixels its boxes may miss.
LAYERS = {
    "rotation": (
        lambda: keras.layers.RandomRotation((20 / 360, 20 / 360), fill_mode="constant"),
        geometry.rotation(20.0),
        0.5,
    ),
    "scale": (
        lambda: keras.layers.RandomZoom((0.2, 0.2), (0.1, 0.1), fill_mode="constant"),
        geometry.scaling(1 / 1.1, 1 / 1.2),
        0.2,
    ),
    "translation": (
        lambda: keras.layers.RandomTranslation((0.0, 0.0), (0.1, 0.1), fill_mode="constant"),
        geometry.translation(0.1 * WIDTH, 0),
        1e-3,
    ),
}


class TestKeras:
    """Its layers move boxes too. They turn and scale them about a point half a pixel off."""

    BOXES = np.float32([[[30, 20, 50, 32], [40, 24, 60, 40]]])

    @pytest.mark.parametrize("name", LAYERS)
    def test_boxes(self, name):
        make, matrix, off = LAYERS[name]
        layer = make()
        layer.bounding_box_format = "xyxy"
        images = np.zeros((1, *SIZE, 3), np.float32)
        known = {"boxes": self.BOXES.copy(), "labels": np.array([[0, 1]])}
        done = layer({"images": images, "bounding_boxes": known}, training=True)
        ours = geometry.boxes(geometry.about(matrix, WIDTH / 2, HEIGHT / 2), self.BOXES)
        np.testing.assert_allclose(done["bounding_boxes"]["boxes"], ours, atol=off)


class TestTheEdge:
    def test_cut_keep_and_drop(self):
        boxes = np.float32([[-5, 2, 5, 8], [-9, 2, 1, 8], [2, 2, 4, 4], [20, 2, 30, 4]])
        boxes = np.concatenate([boxes, np.full((1, 4), np.nan, np.float32)])
        cut, gone = edge.cut(boxes, (0, 0, 10, 10), 0.25)
        assert gone.tolist() == [False, True, False, True, True]
        np.testing.assert_array_equal(cut[0], [0, 2, 5, 8])
        np.testing.assert_array_equal(cut[2], boxes[2])
        assert np.isnan(cut[[1, 3, 4]]).all()
        some, _ = edge.cut(boxes, (0, 0, 10, 10), 0.0)
        np.testing.assert_array_equal(some[1], [0, 2, 1, 8])

    @settings(max_examples=30)
    @given(st.floats(0, 1), seeds)
    def test_the_kept_share_is_the_share_of_the_area(self, kept, seed):
        rng = np.random.default_rng(seed)
        low = rng.uniform(-20, 20, (30, 2))
        boxes = np.concatenate([low, low + rng.uniform(1, 15, (30, 2))], -1).astype(np.float32)
        cut, gone = edge.cut(boxes, (0, 0, 12, 12), kept)
        share = bx.area(bx.clip(boxes, 12, 12)) / bx.area(boxes)
        clear = np.abs(share - kept) > 1e-4
        np.testing.assert_array_equal(gone[clear], ((share < kept) | (share == 0))[clear])
        left = cut[~gone]
        np.testing.assert_array_equal(left, bx.clip(left, 12, 12))
        assert (bx.sizes(left) > 0).all()

    def test_half_a_disc_is_as_high_as_it_looks(self):
        angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
        disc = np.float32(np.stack([2 + 10 * np.cos(angle), 20 + 10 * np.sin(angle)], -1))
        # of the disc around x = 2, what is right of x = 10 is as high as sqrt(10^2 - 8^2) = 6
        boxes, gone, part = edge.cut_outlines(disc[None], (10, 0, 50, 50), 0.0)
        np.testing.assert_allclose(boxes[0], [10, 14, 12, 26], atol=0.01)
        assert not gone[0]
        inside = edge.polygon_area(part[0]) / edge.polygon_area(disc)
        segment = (100 * np.arccos(0.8) - 8 * 6) / (100 * np.pi)
        assert inside == pytest.approx(segment, rel=1e-3)
        assert edge.cut_outlines(disc[None], (10, 0, 50, 50), 0.2)[1][0]
        assert edge.cut_outlines(disc[None], (13, 0, 50, 50), 0.0)[1][0]

    def test_nothing_is_cut_from_an_image_that_is_not_moved(self):
        """An annotated box that reaches over the edge stays as it came."""
        images, boxes = np.zeros((1, 40, 40, 3), np.uint8), np.float32([[[-30, 5, 3, 20]]])
        for still in (augment.Rotation(30, p=0), augment.Crop(p=0), augment.Pipeline()):
            _, kept, labels = still.boxed(images, boxes, [[2]], 0)
            np.testing.assert_array_equal(kept, boxes)
            assert labels.tolist() == [[2]]
            outlines = geometry.corners(boxes)
            _, kept, labels = still.boxed(images, boxes, [[2]], 0, outlines=outlines)
            np.testing.assert_array_equal(kept, boxes)
            assert labels.tolist() == [[2]]


def test_labels_go_with_their_boxes_and_padding_stays():
    images = np.zeros((2, 32, 32, 3), np.uint8)
    boxes = np.full((2, 3, 4), np.nan, np.float32)
    boxes[0, 1], boxes[1, 0] = [0, 0, 6, 6], [10, 10, 20, 20]
    labels = np.int32([[-1, 7, -2], [3, -1, -1]])
    crop = augment.Crop((0.2, 0.2), (1, 1), kept=0.5)
    _, moved_boxes, names = crop.boxed(images, boxes, labels, 1)
    assert names.dtype == np.int32
    assert names[0, 2] == -2
    assert names[0, 0] == names[1, 1] == -1
    for k, m in ((0, 1), (1, 0)):
        assert (names[k, m] == labels[k, m]) == bool(np.isfinite(moved_boxes[k, m]).all())
        assert names[k, m] in (labels[k, m], -1)


class TestBadInput:
    IMAGES = np.zeros((2, 30, 40, 3), np.uint8)

    @pytest.mark.parametrize(
        ("boxes", "said"),
        [
            (np.zeros((2, 4)), "shape"),
            (np.zeros((3, 1, 4)), "shape"),
            (np.zeros((2, 1, 5)), "shape"),
            ([[[5, 5, 3, 9]]] * 2, "x1 <= x2"),
            ([[[1, 1, np.inf, 5]]] * 2, "finite"),
            ([[[1, np.nan, 3, 5]]] * 2, "finite"),
            ([[[1, 1, 9, 9]], [[50, 1, 60, 5]]], r"index \[1, 0\]"),
            ([[[-9, 1, 0, 5]], [[1, 1, 9, 9]]], "inside the image of 40x30"),
            ([[[3, 3, 3, 9]]] * 2, "area"),
            ("boxes", "numbers"),
            (None, "shape"),
        ],
    )
    def test_boxes(self, boxes, said):
        with pytest.raises(errors.InputError, match=said):
            augment.Flip().boxed(self.IMAGES, boxes)

    @pytest.mark.parametrize("labels", [[1, 2], [[1, 2]] * 2, [[0.5]] * 2, [["ring"]] * 2])
    def test_labels(self, labels):
        with pytest.raises(errors.InputError, match="labels"):
            augment.Flip().boxed(self.IMAGES, [[[1, 1, 9, 9]]] * 2, labels)

    @pytest.mark.parametrize(
        "outlines", [np.zeros((2, 1, 4)), np.zeros((2, 1, 0, 2)), np.zeros((2, 2, 9, 2)), "round"]
    )
    def test_outlines(self, outlines):
        with pytest.raises(errors.InputError, match="outlines"):
            augment.Flip().boxed(self.IMAGES, [[[1, 1, 9, 9]]] * 2, outlines=outlines)

    def test_no_images(self):
        with pytest.raises(errors.InputError, match="at least one image"):
            augment.Crop().boxed(np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 2, 4)))

    def test_images_without_objects_are_no_mistake(self):
        images, boxes, labels = augment.Affine().boxed(self.IMAGES, np.zeros((2, 0, 4)))
        assert images.shape == self.IMAGES.shape
        assert boxes.shape == (2, 0, 4)
        assert labels.shape == (2, 0)

    @pytest.mark.parametrize("mask", [np.zeros((4, 4), bool), np.ones(4, bool), "mask"])
    def test_masks(self, mask):
        with pytest.raises(errors.InputError, match="mask"):
            augment.outline(mask)

    def test_matrices(self):
        with pytest.raises(errors.InputError, match="matrix"):
            augment.looseness(np.ones((4, 4)), np.eye(2))
