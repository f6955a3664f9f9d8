# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: kernelspec,language_info,tracklab
#     cell_metadata_filter: tags,shows
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   tracklab:
#     title: Augmentation
#     objectives:
#     - text: mirror boxes with their image, without an off-by-one
#       exercise: 08-flip-boxes
#     - text: put a box around a turned box, and say how loose it is
#       exercise: 08-turn-box
#     - text: decide what the edge of a crop leaves of boxes
#       exercise: 08-cut-boxes
#     - text: change a whole clip so that a trajectory stays a trajectory, velocities included
#       exercise: 08-flip-clip
#     - text: give a mixed image the label that it deserves
#       exercise: 08-mixup
#     - text: count what share of an image is whose after CutMix
#       exercise: 08-cutmix-share
#     builds_on: ['00', '01', '02', '04', '07']
#     minutes: 120
#     seconds: 160
#     measures:
#     - how far the six families, written out, are from Keras' layers and OpenCV
#     - how well boxes agree with their objects' pixels, measured again after every move
#     - how loose the box around a turned box is, by angle
#     - what becomes of a trajectory when each frame gets a draw of its own
#     - accuracy and AP with and without augmentation in equal CPU time, and what is stored of families, image counts and a tracker
#     - two augmentations that do not pay, and why
#     - images a second beside Keras' layers
# ---

# %% [markdown]
# # 08 Augmentation
#
# A network learns from examples, and there are never enough. But most of what you could photograph next week you can compute
# today: the same car seen in a mirror, a little closer, in worse light, half behind a wall. *Augmentation* makes more examples of those
# that are there. The rule behind it is short. **Change what does not matter; and whatever is known of the image must still be true
# afterwards**: a class, a box, a trajectory with its velocities. In this lesson you take the six families of the trade apart, hold every one of them to that rule
# with a ruler, and then measure what they are worth. Not all of them are worth something.
#
# **Objectives.** After this lesson you can
#
# - mirror boxes with their image, without an off-by-one (`08-flip-boxes`)
# - put a box around a turned box, and say how loose it is (`08-turn-box`)
# - decide what the edge of a crop leaves of boxes (`08-cut-boxes`)
# - change a whole clip so that a trajectory stays a trajectory, velocities included (`08-flip-clip`)
# - give a mixed image the label that it deserves (`08-mixup`)
# - count what share of an image is whose after CutMix (`08-cutmix-share`)
#
# **Builds on** lesson 00 (boxes, velocities), lesson 01 (images as arrays), lesson 02 (the classifier), lesson 04 (the
# detector) and lesson 07 (the tracker). Each is used here as it stands.
#
# **Time.** 120 minutes to read and work; runs in under 160 seconds on two cores.
#
# **You will have measured**
#
# - how far the six families, written out, are from Keras' layers and OpenCV
# - how well boxes agree with their objects' pixels, measured again after every move
# - how loose the box around a turned box is, by angle
# - what becomes of a trajectory when each frame gets a draw of its own
# - accuracy and AP with and without augmentation in equal CPU time, and what is stored of families, image counts and a tracker
# - two augmentations that do not pay, and why
# - images a second beside Keras' layers

# %% tags=["hook", "setup", "plot"]
import numpy as np

from tracklab import augment, boxes, explore, overlay, plots, scenes
from tracklab.exercises import check, hint
from tracklab.show import play, show

SIDE, OBJECTS, SCENES = 128, 4, 4
scene = {"frames": 1, "size": (SIDE, SIDE), "objects": OBJECTS, "background": "gradient"}
rendered = [scenes.render_with_masks(seed=4 + k, **scene) for k in range(SCENES)]
images = np.stack([clip.frames[0] for clip, _ in rendered])  # (4, 128, 128, 3)
known = np.stack([clip.truth.boxes[0] for clip, _ in rendered])  # (4, 4, 4)
labels = np.stack([clip.truth.classes for clip, _ in rendered])  # (4, 4)
names = rendered[0][0].truth.class_names
outlines = augment.outlines(np.stack([masks.amodal(0) for _, masks in rendered]))


def drawn(image, its_boxes, its_labels=None, scale=2):
    """An image with its boxes, larger."""
    there = np.isfinite(its_boxes).all(-1)
    said = None if its_labels is None else [names[k] for k in np.asarray(its_labels)[there]]
    colors = [overlay.color_of(1 + int(k)) for k in np.flatnonzero(there)]
    large = overlay.resize(image, scale)
    return overlay.draw(large, its_boxes[there] * scale, labels=said, colors=colors, dashed=False)


families = {
    "as it was": augment.Pipeline(),
    "flip: left and right": augment.Flip(p=1),
    "flip: top and bottom": augment.Flip("vertical", p=1),
    "rotation": augment.Rotation((25, 25)),
    "affine": augment.Affine(shear=(0.35, 0.35), scale=(0.8, 0.8), move=0),
    "crop": augment.Crop((0.4, 0.4)),
    "image": augment.Pipeline(
        augment.Colour(0, (0.7, 0.7), (1.4, 1.4), (0.2, 0.2)),
        augment.Blur((0.8, 0.8)),
        augment.Cutout((0.3, 0.3)),
    ),
    "mixing: mosaic": augment.Mosaic(),
}
tiles, followed = [], 0
for recipe in families.values():
    more, moved, who = recipe.boxed(images, known, labels, 2, outlines=outlines)
    tiles.append(drawn(more[0], moved[0], who[0]))
    followed += int((who[0] >= 0).sum())
plots.images(
    tiles,
    list(families),
    columns=4,
    width=6.6,
    title=f"One frame changed seven times: {followed} boxes, none drawn by hand",
    alt="Eight pictures of a scene with drawn shapes in named boxes: as it was; mirrored; upside down; turned; "
    "sheared and smaller; a part of it, enlarged; in other colours, blurred, with a grey hole; and put together "
    "with parts of other scenes. In each the boxes lie tightly around the shapes.",
)

# %% [markdown]
# **Predict.** In which of the eight pictures has an object lost its box? By which rule, would you say?
#
# ## 1. A place is moved by a matrix
#
# Flip, rotation, affine, crop: four of the six families only say **where things go**. A place is $x, y$ in continuous pixels: the pixel
# in row 0 and column 0 covers the square from 0 to 1. Written as $(x, y, 1)$, a shift is a product too, and each of the four is one
# matrix:
#
# $$\begin{pmatrix} x' \\ y' \\ 1 \end{pmatrix} = \begin{pmatrix} a & b & s \\ c & d & t \\ 0 & 0 & 1 \end{pmatrix} \begin{pmatrix} x \\ y \\ 1 \end{pmatrix}$$
#
# One matrix moves the pixels, the boxes, the outlines and the velocities. Nothing can get out of step.

# %%
from tracklab.augment import geometry

show(geometry.mirror, geometry.rotation, geometry.shear, geometry.points, docstring=False)

# %% [markdown]
# Moves one after the other are the product of their matrices. **Predict.** A place at (40, 20) in an image of 64 x 64. It is
# turned by 90 degrees about the middle, counter-clockwise, and then moved right by 10; or first moved, then turned. Where does it end?

# %%
# NBVAL_CHECK_OUTPUT
quarter = geometry.about(geometry.rotation(90), 32, 32)
right = geometry.translation(10, 0)
for name, both in (
    ("turned, then moved", right @ quarter),
    ("moved, then turned", quarter @ right),
):
    print(name, np.round(geometry.points(both, [[40, 20]])[0, 0] + 0.0, 3))

# %% [markdown]
# **Explain.** The order matters, and the matrix that is applied first stands at the right.
#
# The simplest matrix is the mirror. With it go most wrong boxes of this trade, for three reasons: what was the left edge is now the *right*
# one; an image of width $W$ ends at $W$, not at $W - 1$; and somebody always forgets the boxes altogether.
#
# ### Exercise `08-flip-boxes`


# %% tags=["exercise"]
def flip_boxes(boxes, width):
    """Where boxes are after left and right were exchanged: (N, 4).

    `boxes` (N, 4) are x1, y1, x2, y2 in continuous pixels of an image that is `width` pixels wide:
    its left edge is x = 0, its right edge x = width. Row k of the result is box k in the mirrored
    image, again with x1 < x2.
    """
    return ...


check("08-flip-boxes", flip_boxes)

# %% [markdown]
# Stuck? `hint("08-flip-boxes", 1)` says a little, 2 and 3 say more. `solution("08-flip-boxes")`, from the same place, shows
# the reference.

# %%
hint("08-flip-boxes", 1)

# %% [markdown]
# ## 2. A pixel asks where it came from
#
# Now the pixels. The obvious way: take each pixel, compute where it goes, write it there. **Predict.** Turn a picture by 20 degrees in that way. What will
# it look like?

# %% tags=["plot"]
frame = images[0]
turn = geometry.about(geometry.rotation(20), SIDE / 2, SIDE / 2)
rows, columns = np.indices((SIDE, SIDE))
middles = np.stack([columns, rows], -1).reshape(-1, 2) + 0.5
goes = np.floor(geometry.points(turn, middles)[0]).astype(int)
inside = ((goes >= 0) & (goes < SIDE)).all(1)
forward, reached = np.zeros_like(frame), np.zeros((SIDE, SIDE), bool)
forward[goes[inside, 1], goes[inside, 0]] = frame.reshape(-1, 3)[inside]
reached[goes[inside, 1], goes[inside, 0]] = True

asked = augment.sample(frame, turn[0])  # (128, 128, 3), unrounded
within = augment.sample(np.full_like(frame, 255), turn[0])[..., 0] > 254  # not beyond the edge
holes = float((within & ~reached).sum() / within.sum())
plots.images(
    [frame, forward, np.uint8(np.rint(asked))],
    ["as it was", "each pixel is sent", "each pixel asks"],
    columns=3,
    width=5.6,
    title=f"Sent forward, {holes:.0%} of the pixels inside get nothing",
    alt="Three pictures of a scene: as it was; turned by sending each pixel on its way, full of small black holes in "
    "a regular pattern; and turned by asking back, without holes.",
)

# %% [markdown]
# **Explain.** Pixels that are sent round to whole places: two land on one, and none on its neighbour. So the question is turned round. Each pixel of the
# *result* asks where it came from, with the inverse matrix, and mixes the four pixels around that place (*bilinear* sampling):

# %%
from tracklab.augment import sampler

show(sampler.sample, docstring=False)

# %% [markdown]
# One sampler does flips, turns, shears, shifts and crops. Three things in it are worth a second look: the half pixel (a place is not an index: the
# middle of pixel 0 is at 0.5); the border (what is asked for beyond the image: one grey, its edge, or the image mirrored); and that
# a shift by half a pixel mixes every pixel with its neighbour. *Every move that is not by whole pixels blurs a little.*
# So several moves should be one: a `Pipeline` multiplies the matrices, and asks once.
#
# **Predict.** A picture is turned by 10 degrees, and then by 10 degrees back. In two steps; and as one product. What is left of it?

# %%
there_and_back = (augment.Rotation((10, 10)), augment.Rotation((-10, -10)))
print("mean difference from the picture as it was, of 255, in the middle of it")
for name, joined in (("one after the other", False), ("as one matrix", True)):
    again = augment.Pipeline(*there_and_back, joined=joined).images(images)
    off = np.abs(again.astype(int) - images)[:, 32:96, 32:96].mean()
    print(f"  {name:<20} {off:.2f}")

# %% [markdown]
# **Explain.** Two steps mix twice, and what is mixed stays mixed. As one matrix the two turns are a matrix that moves nothing, and no pixel is touched. (The corners come
# off better, too: what a first step turns out of the picture is gone before the second one could bring it back.)
#
# ## 3. Boxes follow the pixels: measured
#
# "The boxes are right" is a claim, so we test it with a ruler. A scene knows the exact mask of each object. Paint each mask white on black, move that picture *with the
# same draw* as the frame, look where it is white afterwards, and put a box around that. Then compare it with the box that was
# computed.
#
# There are two ways to compute it. The usual data set has boxes and nothing else, so one moves the four **corners** of the box, and takes the smallest upright box
# around them. If we know the object's **outline**, we can move that.

# %%
show(geometry.boxes, docstring=False)

# %% [markdown]
# **Predict.** For which of these moves will both agree with the pixels? For which will the corners fail?

# %%
checked = [scenes.render_with_masks(seed=40 + k, **scene) for k in range(30)]
frames_30 = np.stack([clip.frames[0] for clip, _ in checked])
boxes_30 = np.stack([clip.truth.boxes[0] for clip, _ in checked])
masks_30 = np.stack([masks.amodal(0) for _, masks in checked])  # (30, 4, 128, 128)
outlines_30 = augment.outlines(masks_30)
white = np.repeat(masks_30[..., None].astype(np.uint8) * 255, 3, -1)
whole = {"kept": 1.0}  # an object that the edge cuts is left out: the edge comes later
moves = {
    "flip, both ways": augment.Flip("both", p=1),
    "rotation by 15": augment.Rotation((15, 15), fill=0, **whole),
    "rotation by 45": augment.Rotation((45, 45), fill=0, **whole),
    "shear by 0.3": augment.Affine((0.3, 0.3), scale=(1, 1), move=0, fill=0, **whole),
    "scale and shift": augment.Affine(0, scale=(0.7, 1.3), move=0.1, fill=0, **whole),
    "crop": augment.Crop((0.4, 0.8), **whole),
}
fit = {}
print(f"{'':18}{'objects':>9}{'outline: IoU':>14}{'most px off':>13}{'corners: IoU':>14}")
for name, move in moves.items():
    _, tight, who = move.boxed(frames_30, boxes_30, rng=3, outlines=outlines_30)
    _, loose, _ = move.boxed(frames_30, boxes_30, rng=3)
    seen = np.stack([move.images(white[:, k], 3) for k in range(OBJECTS)], 1)[..., 0] > 127
    pairs = [
        (tight[n, k], loose[n, k], boxes.from_mask(seen[n, k]))
        for n, k in np.argwhere(who >= 0)
        if seen[n, k].any() and np.isfinite(loose[n, k]).all()
    ]
    by_outline, by_corners, pixels = (np.stack(part) for part in zip(*pairs, strict=True))
    fit[name] = (
        np.diag(boxes.iou(by_outline, pixels)).mean(),
        np.abs(by_outline - pixels).max(),
        np.diag(boxes.iou(by_corners, pixels)).mean(),
    )
    print(f"{name:18}{len(pixels):9}{fit[name][0]:14.3f}{fit[name][1]:13.1f}{fit[name][2]:14.3f}")

# %% [markdown]
# **Explain.** With outlines all boxes are where the pixels are, to a pixel or two (a pixel is white or it is not; of a sharp corner that is turned, the tip covers none). With corners, so
# are those of flips, scales and shifts. Turned and sheared ones are **loose**: all of the object is in them, and a lot of air.
#
# ### How loose?
#
# A turned rectangle of $w \times h$ needs a box of $w |\cos\alpha| + h |\sin\alpha|$ by $w |\sin\alpha| + h |\cos\alpha|$. The object has not grown.
# It is the *corners* of its box that reach out, and those are mostly empty.
#
# ### Exercise `08-turn-box`


# %% tags=["exercise"]
def turn_box(box, degrees, middle):
    """The box (4,) around a box (4,) that was turned by so many degrees about `middle` (2,).

    Turned counter-clockwise, as one sees it; x points right and y points down. A point that lies
    (x, y) from the middle then lies at

        x' =  x cos a + y sin a
        y' = -x sin a + y cos a

    from it. The result is the smallest x1, y1, x2, y2 that holds the turned box.
    """
    return ...


check("08-turn-box", turn_box)

# %% [markdown]
# Here is what it says to one who turns the upper left and the lower right corner, and puts a box around these two:


# %% tags=["wrong-answer", "plot"]
def two_corners(box, degrees, middle):
    two = np.reshape(box, (2, 2)) - middle
    a = np.deg2rad(degrees)
    turned = two @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) + middle
    return np.concatenate([turned.min(0), turned.max(0)])


check("08-turn-box", two_corners)

# %% [markdown]
# One can guess better. Few objects fill the corners of their box; many are nearer to the **ellipse** that fills it. The box around a turned ellipse is exact,
# with a root of squares in the place of a sum (Kalra and others, 2021). **Predict.** At which angle is the corners' box worst, for an object that
# is about as wide as it is high? How large is its overlap with the tight one there?

# %% tags=["plot"]
ANGLES = (0, 5, 10, 15, 20, 30, 45, 60, 75, 90)
every_mask = masks_30.reshape(-1, SIDE, SIDE)
every_mask = every_mask[every_mask.any((1, 2))]
by_angle = {"the turned corners": [], "the turned ellipse": []}
for angle in ANGLES:
    about = geometry.about(geometry.rotation(angle), SIDE / 2, SIDE / 2)[0]
    judged = [augment.looseness(mask, about) for mask in every_mask]
    for name, key in (("the turned corners", "corners"), ("the turned ellipse", "ellipse")):
        by_angle[name].append([one[key] for one in judged])
mean_at = {
    (name, angle): float(np.mean(values))
    for name, rows_ in by_angle.items()
    for angle, values in zip(ANGLES, rows_, strict=True)
}
plots.curves(
    {name: (ANGLES, np.mean(values, 1)) for name, values in by_angle.items()},
    title=f"Turned by 45 degrees, a box around the corners has an IoU of {mean_at['the turned corners', 45]:.2f} "
    "with the tight one",
    xlabel="turned by (degrees)",
    ylabel="IoU with the tight box",
    ylim=(0, 1.02),
    width=6.4,
    height=3.0,
    alt=f"Two curves of the IoU with the tight box against the angle, of {len(every_mask)} drawn shapes. That of boxes "
    "around turned corners falls from 1 to its lowest value at 45 degrees and rises again; that around turned "
    "ellipses falls half as far.",
)

# %%
print(f"IoU with the tight box, mean of {len(every_mask)} shapes")
print(f"{'degrees':22}" + "".join(f"{angle:8}" for angle in (5, 15, 45)))
for name in by_angle:
    print(f"{name:22}" + "".join(f"{mean_at[name, angle]:8.2f}" for angle in (5, 15, 45)))

# %% tags=["plot"]
turned_45 = augment.Rotation((45, 45))
more, loose, _ = turned_45.boxed(images, known, labels, 0)
_, round_, _ = augment.Rotation((45, 45), around="ellipse").boxed(images, known, labels, 0)
_, tight, _ = turned_45.boxed(images, known, labels, 0, outlines=outlines)
panels = {
    "before": drawn(images[1], known[1]),
    "around the corners": drawn(more[1], loose[1]),
    "around the ellipse": drawn(more[1], round_[1]),
    "around the outline": drawn(more[1], tight[1]),
}


def fits(one):
    """The mean IoU with the tight boxes of all four scenes."""
    both = np.isfinite(one).all(-1) & np.isfinite(tight).all(-1)
    return float(np.diag(boxes.iou(one[both], tight[both])).mean())


plots.images(
    list(panels.values()),
    list(panels),
    columns=4,
    width=7.0,
    title=f"Around corners: IoU {fits(loose):.2f} with the tight boxes; around ellipses: {fits(round_):.2f}",
    alt="A scene before, and three times after a turn by 45 degrees: with large boxes around the turned corners, "
    "with smaller ones around the turned ellipses, and with tight ones.",
)

# %% [markdown]
# **Explain.** A detector learns what it is shown: boxes that are too large. At a few degrees that is nothing; at 15, in a
# strict measure, it is something. At 45 it would be a mistake to call the result an annotation. In section 8 a detector learns from them.
#
# ## 4. The edge
#
# A crop (*random resized crop*: a part of the image, enlarged to the whole) is among the first things that a large classifier is trained with (Szegedy and
# others, 2015). A class bears it. A box may be cut by the edge, or be left outside. What is an object of which one tenth is to be seen? A wheel
# of a bus; or of a car. Nobody could say what it is, so nobody should be taught to. Boxes are cut; and below a **kept** share the object counts no more.

# %%
from tracklab.augment import edge

show(edge.shares, edge.cut, docstring=False)

# %% [markdown]
# **Predict.** The part in the left picture is cut out. How many boxes will there be at the right, if a quarter of an object must be left?

# %% tags=["plot"]
import cv2

crop, DRAW, LEFT = augment.Crop((0.5, 0.5), (1, 1)), 0, 2  # this draw cuts two boxes of this scene
more, left, who = crop.boxed(images, known, labels, DRAW)
matrix = crop.moves(np.random.default_rng(DRAW), SCENES, (SIDE, SIDE)).matrices[LEFT]
corner = -matrix[:2, 2] / matrix[[0, 1], [0, 1]]
part = np.concatenate([corner, corner + SIDE / matrix[[0, 1], [0, 1]]])
share = edge.shares(known[LEFT], part)
before = drawn(images[LEFT], known[LEFT], labels[LEFT], scale=3)
cv2.rectangle(before, *np.rint(part * 3).astype(int).reshape(2, 2).tolist(), (255, 255, 255), 3)
cut_off = (share < 1) & (who[LEFT] >= 0)
plots.images(
    [before, drawn(more[LEFT], left[LEFT], who[LEFT], scale=3)],
    ["the part, in white", "cut out and enlarged"],
    columns=2,
    width=5.4,
    title=f"Of {len(share)} objects {(who[LEFT] >= 0).sum()} are left, {cut_off.sum()} of them cut; "
    f"of the other {share[who[LEFT] < 0].max():.0%} is inside",
    alt="A scene with boxes and a white square in it; and the square, enlarged, with the boxes of the objects that "
    "are left. One of them ends at the edge; a piece of another object at the edge has no box.",
)

# %% [markdown]
# **Explain.** A quarter is a choice. Ask for more, and the detector never learns what stands at the edge. Ask for nothing, and it is taught that a few grey pixels
# are a car. The explorer below has a dial for it. (Even an outline is not the last word here. Ours is the hull of a mask: of a star that the edge cuts through, it keeps what
# lies between two of its points.)
#
# ### Exercise `08-cut-boxes`


# %% tags=["exercise"]
def cut_boxes(boxes, part, kept):
    """What is left of boxes when a part is cut out of their image: (N, 4), in its pixels.

    `boxes` (N, 4) and `part` (4,) are x1, y1, x2, y2 in the image. The upper left corner of the
    part becomes (0, 0). What lies beyond the part is cut off. A box of whose area less than the
    share `kept` (above 0) lies inside is nobody any more: four NaNs in its row.
    """
    return ...


check("08-cut-boxes", cut_boxes)

# %% [markdown]
# ## 5. Colours where they are
#
# The fifth family moves nothing. Brightness, contrast, saturation and hue are matrices too, on colours $(r, g, b, 1)$ in place of places (Haeberli, 1993), so all four together are
# one product, and colours are rounded once. Blur and noise do what lenses and sensors do. **Cutout** (DeVries and Taylor, 2017)
# makes a hole, so that no single part of an object can be relied on.

# %%
from tracklab.augment import colour

show(colour.colour_matrices, colour.saturation_matrices, docstring=False)

# %% tags=["plot"]
still = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
looks = {
    "as it was": augment.Pipeline(),
    "brightness": augment.Colour(**still | {"brightness": (0.25, 0.25)}),
    "contrast": augment.Colour(**still | {"contrast": (0.4, 0.4)}),
    "saturation": augment.Colour(**still | {"saturation": (2.2, 2.2)}),
    "hue": augment.Colour(**still | {"hue": (0.25, 0.25)}),
    "blur": augment.Blur((1.8, 1.8)),
    "noise": augment.Noise((25, 25)),
    "cutout": augment.Cutout((0.4, 0.4)),
}
tiles, changed = [], {}
for name, look in looks.items():
    more, moved, _ = look.boxed(images, known, labels, 1)
    assert (moved == known).all()  # every box where it was
    tiles.append(more[3])
    changed[name] = float(np.abs(more.astype(int) - images).mean())
plots.images(
    tiles,
    [f"{name}: {value:.0f}" for name, value in changed.items()],
    columns=8,
    width=8.2,
    title="Pixels change, boxes do not (mean change of a pixel, of 255)",
    alt="Eight pictures of the same scene: as it was, brighter, flat, with strong colours, in other colours, blurred, "
    "grainy, and with a grey square in it.",
)

# %% [markdown]
# **Predict.** One of these may make a box wrong after all. Which one, and what should be done about it?
#
# **Explain.** Cutout: where it hides most of an object, the box says that there is something to be seen. In a detector's images we keep such boxes, as annotators keep the box of
# a car behind a lamp post. In a clip, where truth says how much of each object is *visible*, that share shrinks.
#
# ### Equal to Keras, or not
#
# Every family, written out by hand, beside Keras' layers or OpenCV with the same numbers. And the fast way, which pipelines take, beside the one by hand.

# %%
from tracklab.augment import blur, mixup
from tracklab.quiet import keras, tf

layer = keras.layers
floats = images.astype(np.float32)
beside_keras, fast = {}, {}  # the largest difference, of 255


def off(one, other):
    return float(np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max())


def turned_by_hand(matrix, border="edge"):
    return np.stack([augment.sample(image, matrix[0], border=border) for image in images])


def middle(matrix):
    return geometry.about(matrix, SIDE / 2, SIDE / 2)


mirrored = turned_by_hand(geometry.mirror(SIDE))
beside_keras["flip"] = off(mirrored, tf.image.flip_left_right(images))
fast["flip"] = off(augment.Flip(p=1).images(images), mirrored)
places = {
    "rotation": (
        layer.RandomRotation((20 / 360, 20 / 360), fill_mode="nearest"),
        middle(geometry.rotation(20)),
    ),
    "affine: shift": (
        layer.RandomTranslation((0.1, 0.1), (0.07, 0.07), "nearest"),
        geometry.translation(0.07 * SIDE, 0.1 * SIDE),
    ),
    "affine: scale": (
        layer.RandomZoom((0.2, 0.2), (0.2, 0.2), "nearest"),
        middle(geometry.scaling(1 / 1.2, 1 / 1.2)),
    ),
}
for name, (theirs, matrix) in places.items():
    ours = turned_by_hand(matrix)
    beside_keras[name] = off(ours, theirs(floats, training=True))
    fast[name] = off(augment.warp(images, matrix, (SIDE, SIDE), border="edge"), np.rint(ours))
stretch = geometry.scaling(2, 2)[0]
halves = np.stack(
    [augment.sample(i[:64, :64], stretch, (SIDE, SIDE), border="edge") for i in images]
)
beside_keras["crop"] = off(halves, tf.image.resize(images[:, :64, :64], (SIDE, SIDE)))
fast["crop"] = off(augment.warp(images, geometry.scaling(2, 2), (SIDE, SIDE)), np.rint(halves))
for name, theirs, change in (
    ("image: brightness", layer.RandomBrightness((0.2, 0.2)), {"brightness": (0.2, 0.2)}),
    ("image: saturation", layer.RandomColorDegeneration((0.6, 0.6)), {"saturation": (0.4, 0.4)}),
):
    paint = augment.Colour(**still | change)
    its_draw = paint.draw(np.random.default_rng(0), SCENES, (SIDE, SIDE))
    ours = colour.by_hand(images, paint.matrices(images, its_draw))
    beside_keras[name] = off(ours, np.rint(np.clip(theirs(floats, training=True), 0, 255)))
    fast[name] = off(paint.paint(images, its_draw), ours)
by_bell = np.stack([blur.by_hand(image, 1.0) for image in images])
theirs = np.stack([cv2.GaussianBlur(i.astype(np.float64), (7, 7), 1.0) for i in images])
beside_keras["image: blur (OpenCV)"] = off(by_bell, np.rint(theirs))
fast["image: blur (OpenCV)"] = off(augment.Blur((1, 1)).images(images), by_bell)
mixer = layer.MixUp(alpha=1.0, seed=3)
its_draw = mixer.get_random_transformation(floats)
partner, weight = (np.asarray(its_draw[key]) for key in ("permutation_order", "mix_weight"))
ours = mixup.by_hand(images, partner, weight)
beside_keras["mixing: mixup"] = off(ours, np.rint(mixer.transform_images(floats, its_draw)))
fast["mixing: mixup"] = off(mixup.blended(images, partner, np.float32(weight)), ours)

print(f"{'largest difference, of 255':28}{'by hand - Keras':>18}{'fast - by hand':>16}")
for name in beside_keras:
    print(f"{name:28}{beside_keras[name]:18.4f}{fast[name]:16.4f}")

# %% [markdown]
# **Explain.** By hand and Keras agree to float precision where both give floats, and to one step of 255 where both round. The fast
# way goes through OpenCV, which looks between pixels in steps of 1/32: on a hard edge between two pixels that is worth a few steps of 255.
#
# Keras' layers move boxes, too. **Predict.** Theirs and ours, after the same turn by 20 degrees and the same zoom: the same to how many pixels?

# %%
theirs_off = {}
for name, (theirs, matrix) in places.items():
    theirs.bounding_box_format = "xyxy"
    given = {"images": floats, "bounding_boxes": {"boxes": known.copy(), "labels": labels}}
    said = np.asarray(theirs(given, training=True)["bounding_boxes"]["boxes"])
    ours = boxes.clip(geometry.boxes(matrix, known), SIDE, SIDE)
    inside = (boxes.sizes(ours) > 0).all(-1) & (said != -1).any(-1)
    theirs_off[name] = off(ours[inside], said[inside])
    print(f"{name:16} largest difference {theirs_off[name]:.2f} px")

# %% [markdown]
# **Explain.** Where they differ, it is by a part of a pixel: Keras turns and scales boxes about a point half a pixel from the one about which it turns the image. It hardly
# matters to a car. To a box of eight pixels even a fifth of a pixel to one side does: 7.8 of 8.2 pixels are common to both, and a twentieth of the IoU is gone.
#
# ## 6. Whole clips: one draw
#
# A tracker learns from clips. A clip of a mirrored world is a clip, and so is one of a world that is turned by 20 degrees: if **every frame gets the same
# draw**. Then a place $p$ becomes $A p + t$ in every frame, and its velocity, a difference of two places,
#
# $$v'_t = p'_t - p'_{t-1} = (A p_t + t) - (A p_{t-1} + t) = A v_t .$$
#
# The shift cancels. What turns places turns velocities; what only moves them does not touch velocities at all.

# %%
show(geometry.velocities, docstring=False)

# %% [markdown]
# ### Exercise `08-flip-clip`


# %% tags=["exercise"]
def flip_clip(boxes, velocities, height):
    """Boxes and velocities of a clip after top and bottom were exchanged in every frame: a pair.

    `boxes` (T, N, 4) are those of N objects in T frames, x1, y1, x2, y2, in images `height` pixels
    high; four NaNs where an object is absent. `velocities` (T, N, 2) say how each centre moves:
    pixels a frame to the right, and down. Give back both for the clip upside down, in the same
    shapes, with y1 < y2.
    """
    return ...


check("08-flip-clip", flip_clip)

# %% [markdown]
# An image pipeline from a course on classifiers, put to work on a video frame by frame, draws anew for **each frame**. **Predict.** What becomes of
# the path? What would a motion model (lesson 05) learn from it?

# %% tags=["plot"]
from tracklab.clips import Clip, Truth

FRAMES = 30
film = scenes.render(
    21, frames=FRAMES, size=(144, 144), objects=1, object_size=28, motion="turning"
)
recipe = augment.Pipeline(
    augment.Flip(),
    augment.Rotation(15),
    augment.Affine(shear=0.1, scale=(0.85, 1.1), move=0.06),
    augment.Colour(),
)
one_draw = recipe.clip(film, 3)
each = [recipe.clip(film[t : t + 1], 3 + t) for t in range(FRAMES)]
own_draws = Clip(
    np.concatenate([one.frames for one in each]),
    truth=Truth.from_boxes(np.concatenate([one.truth.boxes for one in each])),
)
side_by_side = np.concatenate([np.asarray(c.frames) for c in (film, one_draw, own_draws)], 2)
beside = np.array([144, 0, 144, 0], np.float32)
play(
    side_by_side,
    {
        "as it was": film.truth.boxes,
        "one draw": one_draw.truth.boxes + beside,
        "a draw a frame": own_draws.truth.boxes + 2 * beside,
    },
    fps=10,
    width=540,
    title="The same clip: as it was, changed by one draw, and by a new draw in each frame",
    alt="Three clips side by side of a shape that moves along a curve. The second is turned and in other colours, and "
    "the shape moves as smoothly as in the first. In the third everything jumps from frame to frame.",
)

# %% tags=["plot"]
three = {"as it was": film, "one draw": one_draw, "a draw a frame": own_draws}
paths = {name: boxes.centers(one.truth.boxes[:, 0]) for name, one in three.items()}
# a guess that knows the last two places: it goes on as it went
surprise = {
    name: float(np.nanmean(np.linalg.norm(np.diff(path, 2, axis=0), axis=1)))
    for name, path in paths.items()
}
plots.paths(
    np.full((144, 144, 3), 245, np.uint8),
    paths,
    width=5.4,
    title=f"The next place is {surprise['as it was']:.1f} px from where it was expected; {surprise['one draw']:.1f} with "
    f"one draw, {surprise['a draw a frame']:.0f} with a draw a frame",
    alt="Three paths on a pale ground: a smooth curve; another smooth curve, turned; and a scribble that jumps to and "
    "fro.",
)

# %%
print(f"{'':16}largest difference of the truth's velocity and the step of the moved centre")
for name, one in (("as it was", film), ("one draw", one_draw)):
    steps = np.diff(boxes.centers(one.truth.boxes), axis=0)
    print(f"{name:16}{np.nanmax(np.abs(one.truth.velocities[1:] - steps)):.2f} px a frame")

# %% [markdown]
# **Explain.** With one draw the truth is still a truth: smooth, with velocities that are what the centres do (to a fraction of a pixel, after the change as before it: a scene's boxes end at whole pixels, its velocities need not). With a draw
# a frame the pixels and boxes still agree, frame by frame. A detector would not mind. But there is no motion in it any more, only noise, and whoever learns from it learns that the last
# frame says nothing about the next. *Whatever is known must still be true*: here, that this is one film.
#
# ## 7. Two images in one
#
# The sixth family breaks the rule on purpose, and mends it with the label. **Mixup** (Zhang and others, 2018) lays two images over each other,
# $w$ of one and $1 - w$ of the other. What is that called? Not by one name: by a row of shares, $w$ of one class and $1 - w$ of the other, a **soft label**. **CutMix** (Yun and others, 2019) pastes a part of one
# image into another. Its pixels stay natural, and the label goes by the areas.

# %%
from tracklab.augment import cutmix
from tracklab.augment import labels as soft_labels

show(soft_labels.mixed, cutmix.cut_parts, cutmix.pasted, docstring=False)

# %% tags=["foreign-picture"] shows="six small pictures: two of the data set as they are, two mixtures of them by mixup and two by CutMix, each with its soft label"
from tracklab import datasets

data = datasets.cifar10()
classes = data.class_names
first, other = (int(np.flatnonzero(data.test_labels == k)[3]) for k in (1, 5))
pair, pair_names = data.test_images[[first, other]], data.test_labels[[first, other]]
tiles, shares = list(pair), [classes[k] for k in pair_names]
for mixing, seeds in (
    (augment.Mixup(1.0, len(classes)), (17, 12)),
    (augment.CutMix(1.0, len(classes)), (2, 28)),
):
    for seed in seeds:
        mixed, rows = mixing(pair, pair_names, seed)
        tiles.append(mixed[0])
        shares.append("\n".join(f"{rows[0, k]:.2f} {classes[k]}" for k in pair_names))
plots.images(
    tiles,
    shares,
    columns=6,
    width=8.4,
    title=f"{data.name}: two images, mixed by mixup and by CutMix, and what they are called",
    alt="Two small pictures; two in which one shines through the other; and two in which a rectangle of one is pasted "
    "into the other. Above each, how much it is of which class.",
)

# %% [markdown]
# ### Exercise `08-mixup`


# %% tags=["exercise"]
def mixup_pair(image, other, label, other_label, share, classes):
    """An image laid over another, and its soft label: a pair.

    `image` and `other` (H, W) hold brightness from 0 to 255, `label` and `other_label` say of which
    class they are, from 0 to classes - 1. `share`, from 0 to 1, is how much of the result is
    `image`. Give back the mixed image (H, W), not rounded, and a row (classes,) that says how much
    of it is of which class, and sums to 1.
    """
    return ...


check("08-mixup", mixup_pair)

# %% [markdown]
# The share of CutMix is drawn first, and then a place for the part, anywhere. Near the edge a piece of the part falls off. **Predict.** A network that is told the share that was
# *drawn*: will it be told too much of the pasted class, or too little?
#
# ### Exercise `08-cutmix-share`


# %% tags=["exercise"]
def cutmix_share(height, width, x, y, drawn):
    """What share of an image stays its own when CutMix pastes a part of another into it: 0 to 1.

    The image has `height` x `width` pixels. `drawn`, from 0 to 1, is the share that *should* stay.
    The part has the image's shape: `int(width * sqrt(1 - drawn))` pixels wide and
    `int(height * sqrt(1 - drawn))` high. It begins `w // 2` pixels left of column `x` and `h // 2`
    above row `y`, where w and h are these sides. What of it reaches over the edge is cut off. The
    label goes by what is really to be seen: count it.
    """
    return ...


check("08-cutmix-share", cutmix_share)

# %%
rng = np.random.default_rng(0)
wished = rng.beta(1, 1, 20_000).astype(np.float32)
parts = cutmix.cut_parts(rng, wished, (32, 32))
really = 1 - (parts[:, 2:] - parts[:, :2]).prod(-1) / 32**2
print(f"pasted in, as drawn  {1 - wished.mean():.3f} of an image, on average")
print(f"pasted in, counted   {1 - really.mean():.3f}")

# %% [markdown]
# **Explain.** Too much of it: a good part of what was wished for lies beyond the edge.
#
# A network learns from soft labels by the cross-entropy that you know (lesson 02), with the row in place of a single 1:
#
# $$L = -\sum_k y_k \log p_k = -w \log p_a - (1 - w) \log p_b .$$
#
# With boxes there is no such label: a frame has many objects, and "0.3 of a box" is nothing. Images with boxes are mixed by putting four of them **beside** each
# other: a **mosaic** (Bochkovskiy and others, 2020). Objects meet that never met, at other sizes, and every box stays a whole truth.
#
# ### What the library refuses
#
# Every rule of this lesson can be broken by accident, and a training goes on all the same, a little worse. So what cannot be true is refused, in words:

# %%
# NBVAL_CHECK_OUTPUT
from tracklab import errors

mixer = augment.Mixup(classes=10)
far_away = known + np.float32(500)
wrong = {
    "boxes outside": lambda: augment.Flip().boxed(images, far_away, labels),
    "boxes of another image count": lambda: augment.Flip().boxed(images, known[:3], labels[:3]),
    "speeds in place of classes": lambda: mixer(images, np.array([0.5, 1.5, 2.0, 0.1])),
    "rows that do not sum to 1": lambda: mixer(images, np.full((4, 10), 0.5)),
    "mixup with boxes": lambda: mixer.boxed(images, known, labels),
    "no number of classes": lambda: augment.CutMix()(images, np.arange(4)),
    "an empty batch": lambda: augment.Flip().images(images[:0]),
    "floats": lambda: augment.Flip().images(images / 255),
    "a clip, mixed": lambda: augment.CutMix(classes=10).clip(rendered[0][0]),
}
for what, call in wrong.items():
    try:
        call()
    except errors.InputError as error:
        print(f"{what}\n    {error}")

# %% [markdown]
# ## 8. What is it worth?
#
# Now the question that the papers answer with a table. It has to be asked fairly: the same network, the same start, the same images,
# the same optimizer and schedule; and the same **computing time**, augmentation included. What augmentation costs is paid for in steps. (Lesson 02's own shifts and flips are off in both.)
#
# **Predict.** The classifier of lesson 02 gets 500 images, in place of 50,000. What will its accuracy be on images that it has seen, and on new ones?
# And with the recipe below?

# %%
from tracklab.models import classifier

show(classifier.recipes)
recipes = classifier.recipes(len(classes))

# %% tags=["training"]
FEW, CPU_SECONDS = 500, 24
_, bare = classifier.train_few(data, FEW, cpu_seconds=CPU_SECONDS, name="as they are")

# %% tags=["training"]
best = recipes[classifier.BEST]
_, richer = classifier.train_few(data, FEW, augment=best, cpu_seconds=CPU_SECONDS, name="augmented")

# %% [markdown]
# **Predict.** And a mirror alone? Left and right; top and bottom?

# %% tags=["training"]
mirrored = {}
for axis in ("horizontal", "vertical"):
    _, mirrored[axis] = classifier.train_few(
        data, FEW, augment=augment.Flip(axis), cpu_seconds=CPU_SECONDS, name=f"{axis} flip"
    )

# %%
print(f"{data.name}, {FEW} images, {CPU_SECONDS} CPU seconds each, seed 0")
print(f"{'':16}{'steps':>7}{'epochs':>8}{'seen images':>13}{'new images':>12}{'loss':>7}")
few_runs = {"as they are": bare, "augmented": richer} | {
    f"{axis} flip": one for axis, one in mirrored.items()
}
for name, one in few_runs.items():
    print(
        f"{name:16}{one.steps:7}{one.epochs:8.0f}{one.train_accuracy:13.1%}{one.accuracy:12.1%}{one.loss:7.2f}"
    )

# %% tags=["plot"]
WINDOW = 12  # steps
heart = plots.moving_average(bare.curves.accuracy, WINDOW) > 0.99
by_heart = f"after {bare.curves.cpu_seconds[heart.argmax()]:.0f} of" if heart.any() else "not in"
plots.curves(
    {"as they are": bare.curves, "augmented": richer.curves},
    x="cpu_seconds",
    y="accuracy",
    smooth=WINDOW,
    title=f"As they are, the {FEW} images are known by heart {by_heart} {CPU_SECONDS} seconds",
    ylabel="accuracy on the images of a step",
    ylim=(0, 1.02),
    width=6.4,
    height=3.0,
    alt="Two curves of the accuracy on the images that are learned from, against CPU seconds. That of the images as they "
    "are rises to 1 and stays there; that of augmented ones rises more slowly, and is below 1 at the end.",
)

# %% [markdown]
# **Explain.** The network has hundreds of weights for each image. As they are, it soon knows all of them by heart, and after that there is nothing left to learn: no image
# is wrong any more, and the rest of the time is spent on nothing. Augmented, no image ever comes twice. It takes longer to know them, and what it knows then holds for others as well. (Not because
# there is more *information* in the images. We have told it something: that a mirrored cat is a cat.)
#
# (Without CIFAR-10 you see drawn shapes in its place, and other figures. There a shape may lie any way round, so what is not asked for in photographs may be asked for here: compare the two flips.)
#
# ### By the number of images, and by family: stored
#
# One run with one seed says little, and the full comparison takes about an hour of computing. It was run once by the command below, and stored. (*best* is the best of a few recipes that were
# tried beforehand, with seed 0, and judged on these same test images. So a little of its lead may be luck, as lesson 02 says of whatever is chosen by a test set; the other seeds had no part in
# the choice.) **Predict.** Is an augmentation
# worth more with 500 images, or with 10,000? Which single family is worth most to a classifier? Is one of them worth less than nothing?

# %%
import json

from IPython.display import Markdown

from tracklab.models import weights

stored = json.loads((weights.FOLDER.parent / "results" / "augment_ablations.json").read_text())
tables = stored["tables"]


def by_seed(name, figure, **wanted):
    """A figure of a stored table, by seed, in percent."""
    return {
        row["seed"]: 100 * row[figure]
        for row in tables[name]["rows"]
        if row["status"] == "done" and all(row[k] == v for k, v in wanted.items())
    }


def summary(values, form="{:.1f}"):
    """The mean, and the least and the most."""
    mean, least, most = (form.format(v) for v in (np.mean(values), min(values), max(values)))
    return f"{mean} ({least} to {most})" if len(values) > 1 else mean


def beside_none(name, figure, recipe, **wanted):
    """The gain over none, seed by seed."""
    found, none = (by_seed(name, figure, recipe=one, **wanted) for one in (recipe, "none"))
    return [found[seed] - none[seed] for seed in found if seed in none]


def lines_of(name, figure, unit):
    """A stored table as lines of Markdown, a row a recipe."""
    lines = [f"| {name} | {unit} | beside none, seed by seed | seeds |", "|---|---|---|---|"]
    for recipe in tables[name]["recipes"]:
        values = list(by_seed(name, figure, recipe=recipe).values())
        gains = beside_none(name, figure, recipe)
        if values and gains:
            gain = "" if recipe == "none" else summary(gains, "{:+.1f}")
            lines.append(f"| {recipe} | {summary(values)} | {gain} | {len(values)} |")
    return lines if len(lines) > 2 else ["Not finished when the tables were stored."]


print(f"Stored, not measured here: `{stored['command']}` on {stored['machine']}")
print(f"{stored['data']}; the mean of the seeds, and from the least to the most")
lines = ["| images | none: accuracy % | best: accuracy % | gain, seed by seed | seeds |"]
lines.append("|---|---|---|---|---|")
gain_at = {}
for count in (500, 2000, 10_000):
    gain_at[count] = beside_none("few", "accuracy", "best", count=count)
    if gain_at[count]:
        both = [by_seed("few", "accuracy", recipe=name, count=count) for name in ("none", "best")]
        none, augmented = (summary([one[k] for k in both[1] if k in both[0]]) for one in both)
        gain = summary(gain_at[count], "{:+.1f}")
        lines.append(f"| {count:,} | {none} | {augmented} | {gain} | {len(gain_at[count])} |")
budget = tables["few"]["cpu_seconds"]
Markdown("\n".join([*lines, "", f"{budget:g} CPU seconds each training."]))

# %% tags=["plot"]
worth = {
    name: beside_none("families", "accuracy", name)
    for name in tables["families"]["recipes"]
    if name != "none"
}
worth = {name: gains for name, gains in worth.items() if gains}
alone = {name: float(np.mean(gains)) for name, gains in worth.items() if name != "best"}
title = f"2,000 images, {tables['families']['cpu_seconds']:g} CPU-s: the best recipe is worth {np.mean(worth['best']):+.1f} points"
if alone:
    most, least = max(alone, key=alone.get), min(alone, key=alone.get)
    title += f"; alone, {most} {alone[most]:+.1f}, {least} {alone[least]:+.1f}"
plots.bars(
    worth,
    title=title,
    xlabel="points of accuracy beside none, in equal CPU time",
    form="{:+.1f}",
    highlight="best",
    width=6.4,
    alt="Bars of how many points of accuracy each recipe is worth beside none: "
    + "; ".join(f"{name} {np.mean(gains):+.1f}" for name, gains in worth.items()),
)

# %%
budget = tables["families"]["cpu_seconds"]
lines = lines_of("families", "accuracy", "accuracy %")
Markdown("\n".join([*lines, "", f"2,000 images, {budget:g} CPU seconds each training."]))

# %%
by_time = {
    (recipe, tables[name]["cpu_seconds"]): by_seed(name, "accuracy", recipe=recipe, count=2000)
    for recipe in ("none", "best")
    for name in ("families", "few")
}
seeds = sorted(set.intersection(*map(set, by_time.values())))  # those that all four have
print(f"accuracy on 2,000 images by CPU seconds, mean of seeds {seeds}")
for (recipe, time_), found in by_time.items():
    print(f"{recipe:6}{time_:4g} s: {np.mean([found[seed] for seed in seeds]):.1f} %")

# %% [markdown]
# **Explain.** Begin with the two budgets. Where everything is known by heart, more time has nothing left to teach; with the recipe there still is something to learn. So a gain is one *at a budget*, and to
# compare at a single one tells half of it. Then the number of images: what augmentation only makes up, more images show, with all that nobody thought of making up. So one should expect less of it, the more there are; but look where *none*
# with more images stands beside *best* with fewer, too. Do the rows bear that out? (A row with fewer seeds than others, or one that is missing, was not finished when the table was stored. With one seed, a point or two is nothing.)
#
# Of the families, *left and right* costs next to nothing and is true of everything in this set. *Affine* and *crop* say that a thing is the same thing nearer, farther, and elsewhere. The *image* family hides
# parts, and changes the light. All of that is true, and still a family alone can be worth less than none. A crop that is enlarged, for one, shows things larger than any image in which they will be asked for. **Upside down**
# takes as much time as left and right. But nobody photographs a car on its roof. What the network learns of such
# cars is learned for no test image at all, and it is learned in the place of something else. Compare it with left and right, in your own run above and in the table. That is the first of the two that do not pay: an augmentation
# that is *possible* (a car upside down is a car), and *not asked for*.
#
# ### The detector, and boxes that are too large
#
# The second needs boxes. Lesson 04's one-stage detector learns from 200 frames of scenes, as they are; and turned by up to 45 degrees, with the boxes around the
# turned corners. **Predict.** What will that do to AP50, where a box has to overlap the true one by a half? And to AP75?

# %% tags=["training"]
from tracklab import metrics
from tracklab.models import detector

DETECTOR_SECONDS = 15  # of CPU time
frames_200 = datasets.boxed_scenes("plain", 200)
held_out = datasets.boxed_scenes("plain", 100, part="test")


def detected(name, recipe):
    """What a detector has learned from 200 frames: average precision on others."""
    model = detector.build("one-stage", frames_200.class_names, seed=0)
    own = {"flip": False, "shift": 0}  # nothing but the recipe
    detector.train(
        model, frames_200, augment=recipe, cpu_seconds=DETECTOR_SECONDS, name=name, **own
    )
    found = model.detect_all(held_out)
    return metrics.detection.evaluate(found, held_out.objects, held_out.class_names)


precise = {"as they are": detected("as they are", None)}

# %% tags=["training"]
precise["turned, loose boxes"] = detected("turned, loose boxes", augment.Rotation(45))

# %%
print(f"{len(held_out)} frames of other scenes, {DETECTOR_SECONDS} CPU seconds each, seed 0")
strict = {name: one.ap75 / max(one.ap50, 1e-6) for name, one in precise.items()}
print(f"{'':22}{'AP50':>8}{'AP75':>8}{'AP75 / AP50':>14}")
for name, one in precise.items():
    print(f"{name:22}{one.ap50:8.3f}{one.ap75:8.3f}{strict[name]:14.0%}")

# %% [markdown]
# **Explain.** Two things are wrong here. The frames that are judged are upright, so the turns themselves are learned for nothing, and that is paid for in AP50 as well. What is worse: of that AP50 a much smaller part is left where
# boxes have to be right at 0.75. The detector has
# learned what it was shown, and it was shown air. No loss and no curve says so while it trains, for it *agrees* with its labels. Only the ruler does. With outlines (or with
# angles of a few degrees) the boxes of a rotation stay right, and whether it pays is a question of what will be asked. With boxes alone, a large turn is a way to spoil annotations. (To tell the two things apart, train with the same turns and
# tighter boxes: `augment.Rotation(45, around="ellipse")`.)
#
# Other recipes for the detector, stored:

# %%
print(f"Stored: {tables['detector']['cpu_seconds']:g} CPU seconds each training, on 200 frames")
lines = lines_of("detector", "ap50", "AP50 %")
Markdown("\n".join([*lines, "", *lines_of("detector", "ap75", "AP75 %")]))

# %% [markdown]
# **Explain.** Compare the two tables. What helps to *find* objects (AP50) need not help to put a tight box around them (AP75), and loose boxes around turned corners spoil both. Does a *vertical flip*
# hurt here as well? Read a gain beside its range. Where both signs occur among the seeds, or where there is one seed, a few points are no verdict.
#
# ### The tracker: stored
#
# Lesson 07's network learns from pictures that are moved: that *is* augmentation already, and a lot of it. Turned, grown, bent, in other light, behind others.
# **Predict.** What will more of it buy, in equal time?

# %%
print(f"Stored: {tables['tracker']['cpu_seconds']:g} CPU seconds each training")
Markdown("\n".join(lines_of("tracker", "auc", "success AUC %, on scenes")))

# %% [markdown]
# **Explain.** What is added is paid for in steps, so it has to show something *new*. "It is augmented already" is no argument, neither way: whether the changes of a clip as a whole (its light, blur and noise; its flips and
# turns) were missing, the gain has to say. Read it beside its range. (No table, no verdict: then the sweep had not come so far. With one seed, a point or two is nothing.)
#
# ## 9. What it costs
#
# Augmentation runs in every step, so it had better be fast. The stored table measures every family, beside Keras' layers and albumentations on the same work in one
# run. **Predict.** A 32 x 32 image has 3,072 numbers. How many images a second can one processor turn?

# %%
speeds = json.loads((weights.FOLDER.parent / "results" / "augment.json").read_text())
print(f"Stored, not measured here: `{speeds['command']}` on {speeds['machine']}; images a second")
lines = [
    "| work | ours | Keras | albumentations | ours, times the faster |",
    "|---|---|---|---|---|",
]
for name, row in speeds["rows"].items():
    rates = [row["images_a_second"].get(who) for who in ("ours", "Keras", "albumentations")]
    cells = " | ".join(f"{rate:,}" if rate else "" for rate in rates)
    lines.append(f"| {name} | {cells} | {row['ratio'] or ''} |")
Markdown("\n".join(lines))

# %%
import time
from functools import partial

COUNT = 256
batch = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3), np.uint8)
pixels = tf.constant(batch)
work = {
    "flip": (augment.Flip(), layer.RandomFlip("horizontal")),
    "rotation": (augment.Rotation(15), layer.RandomRotation(15 / 360, fill_mode="constant")),
    "shift": (
        augment.Affine(0, scale=(1, 1), move=0.1),
        layer.RandomTranslation(0.1, 0.1, fill_mode="constant"),
    ),
    "contrast": (augment.Colour(**still | {"contrast": 0.2}), layer.RandomContrast(0.2)),
}


def cpu_microseconds(run):
    """Processor microseconds an image, the best of five rounds."""
    run()  # compiles, and fills what is kept
    rounds = []
    for _ in range(5):
        began, calls = time.process_time(), 0
        while time.process_time() - began < 0.08:
            run()
            calls += 1
        rounds.append((time.process_time() - began) / (calls * COUNT))
    return 1e6 * min(rounds)


cost = {}  # ours and Keras'
rng = np.random.default_rng(0)
print(f"{'CPU us an image, measured here':32}{'ours':>7}{'Keras':>7}")
for name, (ours, theirs) in work.items():
    compiled = tf.function(partial(theirs, training=True), autograph=False)
    mine = cpu_microseconds(lambda ours=ours: ours.images(batch, rng))
    keras_own = cpu_microseconds(lambda compiled=compiled: compiled(pixels).numpy())
    cost[name] = mine, keras_own
    print(f"{name:32}{mine:7.1f}{keras_own:7.1f}")

# %% [markdown]
# **Explain.** Most of it is OpenCV's work, which handles bytes where Keras' layers handle floats, and touches each pixel once for a whole chain of moves. Beside a training step, which takes
# hundreds of microseconds an image, it is next to nothing.
#
# ## 10. A playground
#
# Choose a picture and a transform, and turn the dials. Things to try:
#
# 1. *Rotation*, strength 0.5. Whose box is too large, and by how much? Then draw boxes around the *ellipse*, and around *its outline*.
# 2. *Crop*. How much must be left of an object, so that you would still call it one?
# 3. *Affine: translation* with a *mirror* border. How many objects do you see, and how many have a box?
# 4. *Mixing: CutMix* on a small picture, another draw and another. When does the label say something that you cannot see?

# %% tags=["explorer", "plot"]
explore("augment")

# %% [markdown]
# ## 11. The gate
#
# What you have measured. The cell stops with an error if the margins are not there.

# %% tags=["gate"]
our_cost, keras_cost = np.sum(list(cost.values()), 0)
rows = [
    "| what | baseline | measured |",
    "|---|---|---|",
    f"| accuracy on {data.name}, {FEW} images, {CPU_SECONDS} CPU-s | as they are: {bare.accuracy:.1%} | augmented: {richer.accuracy:.1%} |",
    f"| IoU of boxes with the pixels, turned by 45 degrees | around corners: {fit['rotation by 45'][2]:.2f} | around outlines: {fit['rotation by 45'][0]:.2f} |",
    f"| IoU with the tight box at 45 degrees | around corners: {mean_at['the turned corners', 45]:.2f} | around ellipses: {mean_at['the turned ellipse', 45]:.2f} |",
    f"| AP75 of a detector, of its AP50 | turned, loose boxes: {strict['turned, loose boxes']:.0%} | as they are: {strict['as they are']:.0%} |",
    f"| surprise of the next place in a clip | a draw a frame: {surprise['a draw a frame']:.0f} px | one draw: {surprise['one draw']:.1f} px |",
    f"| stored: points of accuracy, 2,000 images, {tables['few']['cpu_seconds']:g} CPU-s | none: 0 | best: {summary(gain_at[2000], '{:+.1f}')} |",
    f"| CPU us an image, the four together | Keras: {keras_cost:.0f} | ours: {our_cost:.0f} |",
]
# boxes are where the pixels are: to a pixel with outlines, loose around turned corners
assert max(most_off for _, most_off, _ in fit.values()) < 2
assert min(exact for exact, _, _ in fit.values()) > 0.9
assert fit["rotation by 45"][2] < fit["rotation by 45"][0] - 0.2
assert mean_at["the turned ellipse", 45] > mean_at["the turned corners", 45] + 0.1
# one draw keeps a trajectory what it is
assert surprise["one draw"] < 2 * surprise["as it was"] < surprise["a draw a frame"] / 5
# by hand, by Keras and by OpenCV
assert max(beside_keras.values()) <= 1
# few images: it is worth something, in equal time
assert richer.accuracy > bare.accuracy + 0.03
# loose boxes: a detector learns what it is shown
assert strict["turned, loose boxes"] < strict["as they are"] - 0.1
# it costs no more than Keras' layers
assert our_cost < keras_cost
Markdown("\n".join([*rows, "", "All margins are there."]))

# %% [markdown]
# ## Summary
#
# - Augmentation tells a network what does **not** matter. Whatever is known of an image must still be true afterwards.
# - Flip, rotation, affine and crop are one 3 x 3 **matrix**. It moves pixels (which ask where they came from), boxes, outlines, and velocities
#   (without the shift). Several moves are one product, and mix pixels once.
# - Boxes follow exactly where edges stay upright. A box around turned corners is **loose**; an ellipse is a better guess, an outline is exact.
# - The **edge** cuts boxes. Of what too little is left is nobody.
# - Brightness, contrast, saturation and hue are one matrix on colours. Boxes stay.
# - A **clip** gets one draw. A draw a frame destroys what a tracker is to learn.
# - Mixed images get **soft labels**; CutMix's is counted in pixels, after the edge has cut the part. Images with boxes are put side by side.
# - What it is worth is an experiment: equal time, several seeds, each family alone, few images and many. Expect most where images are few,
#   and little or harm where it shows a world that nobody will ask about. Then measure.
#
# ## Common misconceptions
#
# - *"More augmentation is better."* It takes capacity and time to learn that upside-down cars are cars, and nobody will ask.
# - *"The library moves the boxes, so they are right."* Right in what sense? Measure the mask again.
# - *"A box that holds the object is a right box."* At an IoU of 0.75 a loose one is a miss.
# - *"Augmentation is for images, a video is a stack of images."* A video is one image that moves. One draw.
# - *"A velocity is moved like a place."* The shift cancels.
# - *"Mixup's label is that of the larger share."* It is a row, and a quarter of a cat is a quarter.
# - *"CutMix's label is the share that was drawn."* The edge has cut the part since.
# - *"Augmentation adds information about the world."* It adds what *you* know: which changes do not matter.
# - *"It was better, by two points."* With one seed? In the same time?
#
# ## Quiz
#
# **1.** You train a reader of number plates, and flip half of the plates left to right. What happens, and is there a case in which it would be right?
#
# <details><summary>Answer</summary>
#
# The label is no longer true: a mirrored plate has no number that anybody could read. The network is taught that mirrored glyphs are glyphs, which costs it accuracy on real ones. It
# would be right for a *detector* of plates, which only says where they are; and for a camera that looks into a mirror.
#
# </details>
#
# **2.** A colleague augments the training clips of a tracker with random crops, each frame its own, "so that the tracker gets used to camera shake". What does a motion model learn
# from that, and how would you do it?
#
# <details><summary>Answer</summary>
#
# Crops that are drawn independently make a white noise of places: the best guess for the next place is then the mean, and a velocity is worth nothing. Real shake has a *course*: it goes on
# for a few frames, and swings back. Draw a smooth path of the camera for each clip (scenes have a dial for it), and move every frame and its truth along it.
#
# </details>
#
# ## Further reading
#
# - C. Shorten, T. M. Khoshgoftaar. *A survey on image data augmentation for deep learning.* Journal of Big Data 6, 2019.
# - A. Krizhevsky, I. Sutskever, G. E. Hinton. *ImageNet classification with deep convolutional neural networks.* NIPS 2012. Flips, crops and colours, in section 4.1.
# - C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich. *Going deeper with convolutions.* CVPR 2015. The crop of a random area and shape.
# - T. DeVries, G. W. Taylor. *Improved regularization of convolutional neural networks with cutout.* arXiv 1708.04552, 2017.
# - H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz. *mixup: Beyond empirical risk minimization.* ICLR 2018.
# - S. Yun, D. Han, S. J. Oh, S. Chun, J. Choe, Y. Yoo. *CutMix: Regularization strategy to train strong classifiers with localizable features.* ICCV 2019.
# - A. Bochkovskiy, C.-Y. Wang, H.-Y. M. Liao. *YOLOv4: Optimal speed and accuracy of object detection.* arXiv 2004.10934, 2020. Mosaic.
# - A. Kalra, G. Stoppi, B. Brown, R. Agarwal, A. Kadambi. *Towards rotation invariance in object detection.* ICCV 2021. Ellipses in the place of corners.
# - E. D. Cubuk, B. Zoph, J. Shlens, Q. V. Le. *RandAugment: Practical automated data augmentation with a reduced search space.* NeurIPS 2020. Two dials in the place of a recipe.
# - P. Haeberli. *Matrix operations for image processing.* 1993.
